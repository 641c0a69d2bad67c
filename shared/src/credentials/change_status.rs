//! Changes the status of credentials: revoked, suspended, reinstated.
//!
//! A credential, its bit in the status list and its history are written in one transaction
//! under the revision and the version that were read: all is written or nothing, and page, list
//! and answer never disagree. A writer that loses a race reads again.
//!
//! Safe to repeat: a credential that already has the status is returned as it is.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    app::App,
    credentials::sign::{self, SignError},
    domain::{
        credential::{Credential, Status},
        erasure::Tombstone,
        history::{Action, Event, Who},
        ids::CredentialId,
        status_entry::ListId,
        tenant::Tenant,
        time,
    },
    store::{StoreError, status_lists::StatusWrite},
};

/// Credentials of one transaction: two writes each, a list, at most 100 in all.
const TOGETHER: usize = 40;
/// Attempts at a change that keeps losing to concurrent writers.
pub(super) const ROUNDS: u32 = 12;

/// The outcome of a change of status.
#[derive(Debug)]
pub enum StatusOutcome {
    /// The status changed now.
    Changed(Box<Credential>),
    /// The status was so before.
    Already(Box<Credential>),
    /// The credential is revoked, which is final.
    Revoked,
    /// The credential is of a format that was not signed.
    Unsigned,
    /// The organization has no such credential in this mode.
    Unknown,
}

/// A request to change the status of credentials.
#[derive(Clone, Debug)]
pub struct StatusChange<'a> {
    /// Issuer.
    pub tenant: Tenant<'a>,
    /// The change; not [`Action::Correct`].
    pub action: Action,
    /// The reason, if the request gives one.
    pub reason: Option<&'a str>,
    /// The key, and the job if it is done by one.
    pub by: Who,
}

impl StatusChange<'_> {
    fn judge(&self, found: Option<Credential>) -> Result<Credential, StatusOutcome> {
        let found = found.filter(|c| self.tenant.owns(&c.org, c.mode));
        let Some(found) = found else {
            return Err(StatusOutcome::Unknown);
        };
        if found.version == 0 {
            return Err(StatusOutcome::Unsigned);
        }
        match (found.status, self.action) {
            (Status::Revoked, Action::Revoke)
            | (Status::Suspended, Action::Suspend)
            | (Status::Issued, Action::Reinstate) => Err(StatusOutcome::Already(Box::new(found))),
            (Status::Revoked, _) => Err(StatusOutcome::Revoked),
            _ => Ok(found),
        }
    }

    fn status(&self) -> Status {
        match self.action {
            Action::Revoke => Status::Revoked,
            Action::Suspend => Status::Suspended,
            Action::Reinstate | Action::Correct => Status::Issued,
        }
    }
}

/// Waits before a further round: 25 ms, doubling up to 1.6 s, each at random half of it less or
/// more, so that writers that lost together do not meet again.
pub(super) async fn backoff(round: u32) {
    if round > 0 {
        let wait = 25_u64 << (round - 1).min(6);
        let chance = u64::try_from(uuid::Uuid::new_v4().as_u128() % u128::from(wait));
        tokio::time::sleep(Duration::from_millis(wait / 2 + chance.unwrap_or(0))).await;
    }
}

/// Changes the status of credentials: one transaction for 40 credentials of a list.
///
/// Safe to repeat: see the module.
///
/// # Errors
/// [`StoreError`] of the store and the signing key; [`StoreError::Unavailable`] when concurrent
/// writers kept changing the list. Earlier transactions stay.
pub async fn change_status(
    app: &App,
    order: &StatusChange<'_>,
    ids: &[CredentialId],
    now: Timestamp,
) -> Result<HashMap<CredentialId, StatusOutcome>, StoreError> {
    let mut verdicts = HashMap::new();
    let mut open: Vec<CredentialId> = ids.to_vec();
    open.sort_unstable();
    open.dedup();
    for round in 0..ROUNDS {
        backoff(round).await;
        let mut found: HashMap<CredentialId, Credential> =
            app.credentials.get_all(&open).await?.into_iter().map(|c| (c.id, c)).collect();
        let mut lists: BTreeMap<u32, Vec<Credential>> = BTreeMap::new();
        for id in std::mem::take(&mut open) {
            match order.judge(found.remove(&id)) {
                Ok(credential) => {
                    lists.entry(credential.signed.status_list).or_default().push(credential);
                }
                Err(verdict) => {
                    verdicts.insert(id, verdict);
                }
            }
        }
        for (number, credentials) in lists {
            let list = ListId { org: order.tenant.org.clone(), mode: order.tenant.mode, number };
            for chunk in credentials.chunks(TOGETHER) {
                if change_chunk(app, order, &list, chunk, now).await? {
                    for credential in chunk {
                        let mut changed = credential.clone();
                        changed.status = order.status();
                        let holds = changed.status == Status::Issued;
                        changed.status_at = (!holds).then(|| time::millis(now));
                        changed.status_reason = order.reason.filter(|_| !holds).map(str::to_owned);
                        changed.revision += 1;
                        note(credential, order.action, &order.by);
                        verdicts.insert(credential.id, StatusOutcome::Changed(Box::new(changed)));
                    }
                } else {
                    open.extend(chunk.iter().map(|credential| credential.id));
                }
            }
        }
        if open.is_empty() {
            return Ok(verdicts);
        }
    }
    Err(StoreError::Unavailable("the status list is in use".to_owned()))
}

/// Runs one transaction; false when a concurrent writer came first.
async fn change_chunk(
    app: &App,
    order: &StatusChange<'_>,
    id: &ListId,
    credentials: &[Credential],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let before = app.status_lists.list(id).await?;
    let before = before.ok_or(StoreError::Broken("no such status list".to_owned()))?;
    let set = order.status() != Status::Issued;
    let next = sign::next_list(app, id, &before, |bits| {
        for credential in credentials {
            bits.set(credential.signed.status_index, set);
        }
    });
    let next = next.await.map_err(store_error)?;
    let changes: Vec<StatusWrite> = credentials
        .iter()
        .map(|credential| StatusWrite {
            credential: credential.clone(),
            status: order.status(),
            event: Event {
                v: 1,
                revision: credential.revision + 1,
                action: order.action,
                at: time::millis(now),
                by: order.by.clone(),
                reason: order.reason.map(str::to_owned),
                fields: Vec::new(),
                renewed_until: None,
                by_months: false,
                replaced: None,
                unsigned: false,
            },
        })
        .collect();
    raced(app.status_lists.change(id, &next, &changes).await)
}

/// Revokes a credential that was erased: sets its bit, and notes that on what is left of it.
///
/// Safe to repeat: a bit that is set stays set.
///
/// # Errors
/// [`StoreError`] of the store and the signing key; [`StoreError::Unavailable`] when concurrent
/// writers kept changing the list.
pub async fn revoke_erased(
    app: &App,
    tombstone: &Tombstone,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Tombstone { org, mode, list: number, bit, .. } = tombstone;
    let id = ListId { org: org.clone(), mode: *mode, number: *number };
    for round in 0..ROUNDS {
        backoff(round).await;
        let before = app.status_lists.list(&id).await?;
        let before = before.ok_or(StoreError::Broken("no such status list".to_owned()))?;
        let next = sign::next_list(app, &id, &before, |bits| bits.set(*bit, true)).await;
        let next = next.map_err(store_error)?;
        if raced(app.status_lists.revoke_erased(&id, &next, tombstone.id).await)? {
            tracing::info!(credential_id = %tombstone.id, at = %time::millis(now), "erased credential revoked");
            return Ok(());
        }
    }
    Err(StoreError::Unavailable("the status list is in use".to_owned()))
}

/// Turns a conflict of transactions into a lost race: false.
pub(super) fn raced(written: Result<bool, StoreError>) -> Result<bool, StoreError> {
    match written {
        Err(StoreError::Unavailable(code)) if code.starts_with("Transaction") => Ok(false),
        other => other,
    }
}

/// Turns an error of signing a status list into one of the store: its texts are the service's
/// own and portable.
pub(super) fn store_error(error: SignError) -> StoreError {
    match error {
        SignError::Store(error) => error,
        SignError::Unportable(why) => StoreError::Broken(why.to_string()),
    }
}

/// Logs a change: after a restore from a backup only the log has it. The reason may name a
/// person and is left out.
pub(super) fn note(credential: &Credential, action: Action, by: &Who) {
    tracing::info!(credential_id = %credential.id, ?action, key_id = by.key_id, "credential changed");
}
