//! Replaces signing keys and declares them compromised.
//!
//! Safe to repeat: each rotation makes a new key, and the earlier ones stay in the DID document;
//! a key that is compromised stays so.

use crate::{
    app::App,
    credentials::{
        change_status::{ROUNDS, backoff, raced, store_error},
        sign,
    },
    domain::{signing_key::PublicKey, status_entry::ListId, tenant::Tenant},
    store::StoreError,
};

/// The reason why a signing key is not changed.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// A concurrent request replaced the key.
    #[error("another request replaced the key")]
    Replaced,
    /// The organization has no such key in this mode.
    #[error("no such key")]
    Unknown,
    /// The key still signs.
    #[error("the key still signs")]
    StillSigns,
    /// Concurrent writers kept changing a status list.
    #[error("a status list is in use")]
    Busy,
    /// The store or the sealing key failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the key that signs from now on. The earlier key stays in the DID document; processes
/// that hold it sign with it for up to a minute more.
///
/// # Errors
/// [`SigningKeyError::Replaced`] and [`SigningKeyError::Store`].
pub async fn rotate(
    app: &App,
    tenant: Tenant<'_>,
    now: &str,
) -> Result<Option<PublicKey>, SigningKeyError> {
    let Tenant { org, mode } = tenant;
    let before = app.catalog.signing_key(org, mode).await?;
    let new = app.keys.make(org, mode, now).await.map_err(StoreError::from)?;
    if !app.catalog.put_signing_key(org, mode, Some(&before.multikey), &new).await? {
        return Err(SigningKeyError::Replaced);
    }
    let keys = app.catalog.public_keys(org, mode).await?;
    Ok(keys.into_iter().find(|key| key.multikey == new.multikey))
}

/// Removes a retired key from the DID document, for good: no signature of it verifies any
/// more.
///
/// # Errors
/// [`SigningKeyError::Unknown`], [`SigningKeyError::StillSigns`], [`SigningKeyError::Busy`] and
/// [`SigningKeyError::Store`].
pub async fn compromise(
    app: &App,
    tenant: Tenant<'_>,
    multikey: &str,
    reason: &str,
    now: &str,
) -> Result<PublicKey, SigningKeyError> {
    let Tenant { org, mode } = tenant;
    let keys = app.catalog.public_keys(org, mode).await?;
    let key = keys.iter().find(|key| key.multikey == multikey);
    let key = key.ok_or(SigningKeyError::Unknown)?;
    // No key would verify the lists that this one signed. A list that was signed again since is
    // signed once more, which changes nothing.
    if key.retired_at.is_some() {
        app.catalog.forget_signing_key(org, mode);
        sign_lists_again(app, tenant).await?;
    }
    let compromised = app.catalog.compromise_key(org, mode, multikey, reason, now).await?;
    compromised.ok_or(SigningKeyError::StillSigns)
}

/// Signs all lists of an organization and mode with the current key, their bits unchanged.
async fn sign_lists_again(app: &App, tenant: Tenant<'_>) -> Result<(), SigningKeyError> {
    for number in 0..app.status_lists.lists(tenant.org, tenant.mode).await? {
        let id = ListId { org: tenant.org.clone(), mode: tenant.mode, number };
        let mut signed = false;
        for round in 0..ROUNDS {
            backoff(round).await;
            let Some(before) = app.status_lists.list(&id).await? else {
                // A restore left the list out.
                signed = true;
                break;
            };
            let next = sign::next_list(app, &id, &before, |_| {}).await.map_err(store_error)?;
            signed = raced(app.status_lists.change(&id, &next, &[]).await)?;
            if signed {
                break;
            }
        }
        if !signed {
            return Err(SigningKeyError::Busy);
        }
    }
    Ok(())
}
