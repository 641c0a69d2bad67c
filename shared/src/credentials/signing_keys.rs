//! Replaces signing keys and declares them compromised.
//!
//! Safe to repeat: each rotation makes a new key, and the earlier ones stay in the DID document;
//! a key that is compromised stays so. A repeated declaration signs those lists that the first
//! one did not reach.

use std::time::{Duration, Instant};

use futures::{TryStreamExt, stream};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    app::App,
    credentials::{
        change_status::{ROUNDS, backoff, raced, store_error},
        sign,
    },
    document::proof,
    domain::{
        signing_key::{PublicKey, SealedKey},
        status_entry::ListId,
        tenant::Tenant,
        time,
    },
    store::{StoreError, status_lists::List},
};

/// Lists signed again at once.
const CONCURRENCY: usize = 8;
/// Time after which no further list is signed, so that the answer comes within the function's
/// 28 s; the next call goes on.
const PATIENCE: Duration = Duration::from_secs(18);

/// The reason why a signing key is not changed.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// A concurrent request replaced the key.
    #[error("another request replaced the key")]
    Replaced,
    /// The key was replaced as often as a day allows.
    #[error("the key was replaced too often; in {wait} s again")]
    TooOften {
        /// Seconds until it can be replaced again.
        wait: i64,
    },
    /// The organization has no such key in this mode.
    #[error("no such key")]
    Unknown,
    /// The key still signs.
    #[error("the key still signs")]
    StillSigns,
    /// Concurrent writers kept changing a status list, or there are more lists than one call
    /// signs.
    #[error("not every status list is signed yet")]
    Busy,
    /// The store or the sealing key failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the key that signs from now on. The earlier key stays in the DID document; processes
/// that hold it sign with it for up to a minute more.
///
/// The item of the key that signs notes the last rotations, and is replaced under the condition
/// that it is the one that was read: so the bound holds for requests at the same time.
///
/// # Errors
/// [`SigningKeyError::Replaced`], [`SigningKeyError::TooOften`] and [`SigningKeyError::Store`].
pub async fn rotate(
    app: &App,
    tenant: Tenant<'_>,
    now: Timestamp,
) -> Result<Option<PublicKey>, SigningKeyError> {
    let before = signing_key(app, tenant).await?;
    let rotations = before.next_rotations(now.as_second());
    let rotations = rotations.map_err(|wait| SigningKeyError::TooOften { wait })?;
    let new = replace(app, tenant, &before, rotations, now).await?;
    let keys = app.catalog.public_keys(tenant.org, tenant.mode).await?;
    Ok(keys.into_iter().find(|key| key.multikey == new.multikey))
}

/// Reads the key that signs, as it is stored at this moment.
async fn signing_key(app: &App, tenant: Tenant<'_>) -> Result<SealedKey, StoreError> {
    app.catalog.forget_signing_key(tenant.org, tenant.mode);
    Ok(SealedKey::clone(&*app.catalog.signing_key(tenant.org, tenant.mode).await?))
}

async fn replace(
    app: &App,
    Tenant { org, mode }: Tenant<'_>,
    before: &SealedKey,
    rotated_at: Vec<i64>,
    now: Timestamp,
) -> Result<SealedKey, SigningKeyError> {
    let made = app.keys.make(org, mode, &time::millis(now)).await.map_err(StoreError::from)?;
    let new = SealedKey { rotated_at, ..made };
    match app.catalog.put_signing_key(org, mode, Some(&before.multikey), &new).await? {
        true => Ok(new),
        false => Err(SigningKeyError::Replaced),
    }
}

/// Removes a retired key from the DID document, for good: no signature of it verifies any
/// more. The key that signs is replaced first when the bound of [`rotate`] keeps its owner from
/// doing so.
///
/// # Errors
/// [`SigningKeyError::Unknown`], [`SigningKeyError::StillSigns`], [`SigningKeyError::Busy`] and
/// [`SigningKeyError::Store`].
pub async fn compromise(
    app: &App,
    tenant: Tenant<'_>,
    multikey: &str,
    reason: &str,
    now: Timestamp,
) -> Result<PublicKey, SigningKeyError> {
    let Tenant { org, mode } = tenant;
    let keys = app.catalog.public_keys(org, mode).await?;
    let key = keys.iter().find(|key| key.multikey == multikey);
    let key = key.ok_or(SigningKeyError::Unknown)?;
    // No key would verify the lists that this one signed.
    if key.retired_at.is_some() || replace_beyond_bound(app, tenant, multikey, now).await? {
        app.catalog.forget_signing_key(org, mode);
        sign_lists_again(app, tenant, multikey).await?;
    }
    let now = time::millis(now);
    let compromised = app.catalog.compromise_key(org, mode, multikey, reason, &now).await?;
    compromised.ok_or(SigningKeyError::StillSigns)
}

/// Replaces a compromised key that signs, if no rotation is allowed for now; whether it signs no
/// more.
async fn replace_beyond_bound(
    app: &App,
    tenant: Tenant<'_>,
    multikey: &str,
    now: Timestamp,
) -> Result<bool, SigningKeyError> {
    let before = signing_key(app, tenant).await?;
    if before.multikey != multikey {
        return Ok(true);
    }
    if before.next_rotations(now.as_second()).is_ok() {
        return Ok(false);
    }
    let rotations = before.forced_rotations(now.as_second());
    match replace(app, tenant, &before, rotations, now).await {
        Ok(_) | Err(SigningKeyError::Replaced) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Signs those lists of an organization and mode with the current key that a key signed, their
/// bits unchanged. Lists that an interrupted call has signed are read and left alone.
async fn sign_lists_again(
    app: &App,
    tenant: Tenant<'_>,
    multikey: &str,
) -> Result<(), SigningKeyError> {
    let stop = Instant::now() + PATIENCE;
    let lists = app.status_lists.lists(tenant.org, tenant.mode).await?;
    stream::iter((0..lists).map(Ok))
        .try_for_each_concurrent(CONCURRENCY, |number| async move {
            if Instant::now() >= stop {
                return Err(SigningKeyError::Busy);
            }
            let id = ListId { org: tenant.org.clone(), mode: tenant.mode, number };
            sign_list_again(app, &id, multikey).await
        })
        .await
}

async fn sign_list_again(app: &App, id: &ListId, multikey: &str) -> Result<(), SigningKeyError> {
    for round in 0..ROUNDS {
        backoff(round).await;
        let Some(before) = app.status_lists.list(id).await? else {
            // A restore left the list out.
            return Ok(());
        };
        if !is_signed_by(&before, multikey) {
            return Ok(());
        }
        let next = sign::next_list(app, id, &before, |_| {}).await.map_err(store_error)?;
        if raced(app.status_lists.change(id, &next, &[]).await)? {
            return Ok(());
        }
    }
    Err(SigningKeyError::Busy)
}

/// Whether a key signed a list; true as well for a list whose proof cannot be read.
fn is_signed_by(list: &List, multikey: &str) -> bool {
    let Ok(document) = serde_json::from_slice::<Map<String, Value>>(&list.document) else {
        return true;
    };
    proof::read(&document).map_or(true, |proof| {
        proof.key_id.rsplit_once('#').is_none_or(|(_, signer)| signer == multikey)
    })
}
