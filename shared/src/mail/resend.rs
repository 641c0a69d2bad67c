//! Sending a credential's mail again, on request.
//!
//! Safe to repeat: a resend requires that the earlier mail has ended, and at most one is
//! accepted every five minutes.

use jiff::{Timestamp, ToSpan};

use crate::{
    app::App,
    aws::sqs,
    credentials::issue::mail_message,
    domain::{
        credential::Status, ids::CredentialId, ledger::CurrentCredential, tenant::Tenant, time,
        undelivered::Undelivered,
    },
    mail::ledger,
    store::StoreError,
};

/// Minutes between two resends of one credential's mail.
const RESEND_EVERY: i64 = 5;

/// A mail is not sent again.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// The organization has no such credential in this mode.
    #[error("no such credential")]
    Unknown,
    /// The credential is revoked or suspended.
    #[error("the credential is not active")]
    NotActive,
    /// The credential is blocked.
    #[error("the credential is blocked")]
    Blocked,
    /// The address is on the suppression list.
    #[error("the address is suppressed")]
    Suppressed,
    /// The address gets no mail since its person was erased.
    #[error("the address was erased")]
    ErasedAddress,
    /// A mail is pending, or the last resend is less than five minutes ago.
    #[error("a mail is pending, or was requested just now")]
    TooSoon,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A bug.
    #[error("{0}")]
    Broken(Box<dyn std::error::Error + Send + Sync>),
}

/// Makes a credential's mail pending again and queues it. The credential is returned as it then
/// is.
///
/// # Errors
/// [`ResendError`].
pub async fn resend(
    app: &App,
    tenant: Tenant<'_>,
    id: CredentialId,
    now: Timestamp,
) -> Result<CurrentCredential, ResendError> {
    let found = app.credentials.get(id).await?.ok_or(ResendError::Unknown)?;
    if !tenant.owns(&found.org, found.mode) {
        return Err(ResendError::Unknown);
    }
    if found.status != Status::Issued {
        return Err(ResendError::NotActive);
    }
    if found.blocked.is_some() {
        return Err(ResendError::Blocked);
    }
    match app.catalog.why_suppressed(tenant, &found.recipient.email).await? {
        None => {}
        Some(Undelivered::ErasedAddress) => return Err(ResendError::ErasedAddress),
        Some(_) => return Err(ResendError::Suppressed),
    }
    match ledger::materialize(app, found).await {
        // Changed just now: the conditional update below decides.
        Ok(_) | Err(StoreError::Conflict) => {}
        Err(error) => return Err(error.into()),
    }
    let before = now
        .checked_sub(RESEND_EVERY.minutes())
        .map_err(|error| ResendError::Broken(error.into()))?;
    let pending =
        app.credentials.owe_again(id, false, &time::millis(before), &time::millis(now)).await?;
    let credential = pending.ok_or(ResendError::TooSoon)?;
    let message =
        mail_message(&credential, true).map_err(|error| ResendError::Broken(error.into()))?;
    // The mail is pending: if the queue is out of reach, the sweeper finds it.
    if let Err(error) = sqs::send_all(&app.sqs, &app.config.mail_queue_url, &[message]).await.all()
    {
        tracing::error!(%error, "mail not queued");
    }
    Ok(CurrentCredential::written(credential))
}
