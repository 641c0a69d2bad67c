//! Blocks a credential, and lifts the block: its page, its files and its place in wallets are hidden and
//! no mail about it is sent, while the organization keeps it for legal claims.
//!
//! Signed document and status bit stay as they are: a file that its holder has verifies as before.
//! What else changes a credential, a correction too, leaves its block as it is.
//!
//! Safe to repeat: the first block stays until it is lifted; to lift none changes nothing.

use jiff::Timestamp;

use crate::{
    app::App,
    domain::{
        credential::{Block, Credential},
        history::Who,
        ids::CredentialId,
        tenant::Tenant,
        time,
    },
    store::StoreError,
};

/// Blocks a credential. None when the organization has no such credential in this mode.
///
/// A mail that is being sent at this moment goes out; any later one is skipped.
///
/// Safe to repeat: see the module.
///
/// # Errors
/// [`StoreError`].
pub async fn block(
    app: &App,
    tenant: Tenant<'_>,
    id: CredentialId,
    by: Who,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Option<Credential>, StoreError> {
    if !is_own(app, tenant, id).await? {
        return Ok(None);
    }
    let key_id = by.key_id.clone();
    let block = Block { at: time::millis(now), by, reason: reason.map(str::to_owned) };
    Ok(noted(app.credentials.block(id, &block).await?, "Block", &key_id))
}

/// Lifts the block of a credential. None when the organization has no such credential in this mode.
///
/// Mail that was skipped meanwhile stays so; a resend sends it.
///
/// Safe to repeat: see the module.
///
/// # Errors
/// [`StoreError`].
pub async fn lift(
    app: &App,
    tenant: Tenant<'_>,
    id: CredentialId,
    by: &Who,
) -> Result<Option<Credential>, StoreError> {
    if !is_own(app, tenant, id).await? {
        return Ok(None);
    }
    Ok(noted(app.credentials.lift_block(id).await?, "Unblock", &by.key_id))
}

async fn is_own(app: &App, tenant: Tenant<'_>, id: CredentialId) -> Result<bool, StoreError> {
    let found = app.credentials.get(id).await?;
    Ok(found.is_some_and(|found| tenant.owns(&found.org, found.mode)))
}

/// Logs a change: a lifted block leaves no other trace, and after a restore from a backup only the log
/// has either. The reason may name a person and is left out.
fn noted(
    written: Option<(Credential, bool)>,
    action: &'static str,
    key_id: &str,
) -> Option<Credential> {
    let (credential, changed) = written?;
    if changed {
        tracing::info!(credential_id = %credential.id, action, key_id, "credential changed");
    }
    Some(credential)
}
