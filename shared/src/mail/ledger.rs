//! The state of the first mail of a job's credential: it is on the ledger of the job.
//!
//! A claim, a receipt and a delivery on the credential would cost a write each. The job's
//! shards have sets of rows for that: mails that a worker sends (`SENDING`, claimed many at a
//! time) and mails that have ended (`MAIL`). The credential's own item says that its mail is
//! pending ([`Credential::on_ledger`]) until
//!
//! - SES reports that the mail was delivered, or what became of it instead;
//! - it failed, was skipped, or its attempt is in doubt: from then on each attempt is claimed on
//!   the credential, see [`crate::mail::send`];
//! - a request needs its state on the credential ([`materialize`]).
//!
//! Answers read the ledger first ([`overlay`]). A ledger is kept 90 days, also where the organization keeps
//! its jobs for less: it holds numbers of rows. By then a mail that was not sent has its end on the credential.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    app::App,
    domain::{
        credential::{Credential, MailState},
        ids::RowId,
        job::KEPT_DAYS,
        ledger::{CurrentCredential, Ended, LedgerEntry},
        time,
    },
    store::StoreError,
};

/// Time that a lease lasts beyond the function's timeout, so that no living attempt loses it.
const LEASE_MARGIN: Duration = Duration::from_secs(60);

/// The lease of a claim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    /// How long it lasts.
    pub(crate) duration: Duration,
    /// Its end, Unix seconds.
    pub(crate) until: i64,
}

impl Lease {
    /// A lease that begins at `now`, Unix seconds.
    pub(crate) fn from(app: &App, now: i64) -> Self {
        let duration = app.config.consumer_timeout + LEASE_MARGIN;
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 2);
        Self { duration, until: now + seconds }
    }
}

/// Joins credentials, in their order, and the ledgers of their jobs. Nothing is written.
///
/// # Errors
/// [`StoreError`] when a ledger cannot be read.
pub async fn overlay(
    app: &App,
    credentials: Vec<Credential>,
) -> Result<Vec<CurrentCredential>, StoreError> {
    let shards: BTreeSet<_> =
        credentials.iter().filter_map(Credential::on_ledger).map(|id| id.shard).collect();
    let ledgers = app.jobs.ledgers_of(&shards).await?;
    let entry = |credential: &Credential| {
        let RowId { shard, row } = credential.on_ledger()?;
        let ledger = ledgers.get(&shard);
        if let Some(ended) = ledger.and_then(|(_, mail)| mail.ended(row)) {
            return Some(LedgerEntry::Ended(ended));
        }
        if is_forgotten(app, credential) {
            return Some(LedgerEntry::Ended(Ended::Sent));
        }
        let (claims, _) = ledger.filter(|(claims, _)| claims.rows.contains(&row))?;
        Some(LedgerEntry::Sending(claims.until))
    };
    let current = credentials.into_iter().map(|credential| {
        let entry = entry(&credential).unwrap_or(LedgerEntry::Unclaimed);
        CurrentCredential::new(credential, entry)
    });
    Ok(current.collect())
}

/// Joins one credential and the ledger of its job. Nothing is written.
///
/// # Errors
/// [`StoreError`] when the ledger cannot be read.
pub async fn overlay_one(
    app: &App,
    credential: Credential,
) -> Result<CurrentCredential, StoreError> {
    let current = overlay(app, vec![credential]).await?.pop();
    current.ok_or_else(|| StoreError::Broken("a credential was lost".to_owned()))
}

/// Writes the state of a mail from its job's ledger on its credential, so that a change can
/// rest on it. Answers the credential as it then is, and whether a worker is sending the mail
/// now. A mail that no worker has claimed, or that is being sent, stays on the ledger.
///
/// # Errors
/// [`StoreError::Conflict`] when the mail left the ledger in between; otherwise the error of
/// the read or write.
pub async fn materialize(
    app: &App,
    credential: Credential,
) -> Result<(Credential, bool), StoreError> {
    if credential.on_ledger().is_none() {
        return Ok((credential, false));
    }
    let id = credential.id;
    let current = overlay_one(app, credential.clone()).await?;
    match (Ended::of(current.mail()), current.mail_lease()) {
        (Some(ended), _) => {
            let written = app.credentials.settle_first(id, ended).await?;
            if written { Ok((current.into_written(), false)) } else { Err(StoreError::Conflict) }
        }
        (None, _) if current.mail() == MailState::Owed => Ok((credential, false)),
        (None, Some(until)) if until >= app.clock.now().as_second() => Ok((credential, true)),
        (None, until) => {
            if !app.credentials.adopt_claim(id, until.unwrap_or_default(), app.clock.now()).await? {
                return Err(StoreError::Conflict);
            }
            Ok((Credential { mail_attempts: 1, ..current.into_written() }, false))
        }
    }
}

/// Whether the ledger has expired, or is about to: the mail ended long before.
pub fn is_forgotten(app: &App, credential: &Credential) -> bool {
    time::elapsed(&credential.issued_at, app.clock.now()) >= (KEPT_DAYS - 1) * 24 * 3600
}
