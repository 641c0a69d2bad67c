//! Where the first mail of a job's credential stands: on the ledger of its job.
//!
//! A claim, a receipt and a delivery on the credential would cost a write each. The job's
//! shards have sets of rows for that: those that somebody sends (`SENDING`, claimed many at a time)
//! and those that have ended (`MAIL`). So the credential itself still says that it owes its
//! mail ([`Credential::on_ledger`]) until
//!
//! - SES says that the mail was delivered, or what became of it instead;
//! - it failed, was skipped, or nobody knows how its attempt ended: from then on each attempt
//!   is claimed on the credential, see [`crate::mail::send`];
//! - somebody asks for something that rests on it ([`materialize`]).
//!
//! Whoever shows a credential asks the ledger first ([`overlay`]). A ledger is kept as long as
//! its job; what it says by then of a mail that was not sent stands on the credential.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    app::App,
    domain::{
        credential::{Credential, MailState},
        job::{KEPT_DAYS, MailSets},
        ledger::Ended,
        time,
    },
    store::{StoreError, jobs::Claims},
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

/// Puts into credentials what their jobs' ledgers say of their mail. Nothing is written.
///
/// # Errors
/// As of the store.
pub async fn overlay<'a>(
    app: &App,
    credentials: impl IntoIterator<Item = &'a mut Credential>,
) -> Result<(), StoreError> {
    let mut of: Vec<&mut Credential> = credentials.into_iter().collect();
    of.retain(|credential| credential.on_ledger().is_some());
    let shards: BTreeSet<_> =
        of.iter().filter_map(|c| c.on_ledger()).map(|(job, shard, _)| (job, shard)).collect();
    let ledgers = app.jobs.ledgers_of(&shards).await?;
    let none = (Claims::default(), MailSets::default());
    for credential in of {
        let Some((job, shard, row)) = credential.on_ledger() else { continue };
        let (claims, mail) = ledgers.get(&(job, shard)).unwrap_or(&none);
        if let Some(ended) = mail.ended(row) {
            credential.mail = ended.into();
        } else if is_forgotten(app, credential) {
            credential.mail = MailState::Sent;
        } else if claims.rows.contains(&row) {
            credential.mail = MailState::Claimed;
            credential.mail_lease = Some(claims.until);
        }
    }
    Ok(())
}

/// Writes on a credential what its job's ledger says of its mail, so that a change can rest
/// on it. Comes back as it then is, and whether somebody sends its mail just now; one whose
/// mail nobody has claimed yet, or somebody sends, stays as it was.
///
/// # Errors
/// As of the store; [`StoreError::Conflict`] when it has just changed.
pub async fn materialize(
    app: &App,
    credential: Credential,
) -> Result<(Credential, bool), StoreError> {
    if credential.on_ledger().is_none() {
        return Ok((credential, false));
    }
    let mut told = credential.clone();
    overlay(app, [&mut told]).await?;
    let written = match (Ended::of(told.mail), told.mail_lease) {
        (Some(ended), _) => app.credentials.settle_first(told.id, ended).await?,
        (None, _) if told.mail == MailState::Owed => return Ok((credential, false)),
        (None, Some(until)) if until >= app.clock.now().as_second() => {
            return Ok((credential, true));
        }
        (None, until) => {
            told.mail_attempts = 1;
            app.credentials.adopt_claim(told.id, until.unwrap_or_default()).await?
        }
    };
    if written { Ok((told, false)) } else { Err(StoreError::Conflict) }
}

/// Whether the ledger is forgotten with its job, or about to be: the job had ended long before.
pub fn is_forgotten(app: &App, credential: &Credential) -> bool {
    time::elapsed(&credential.issued_at, app.clock.now()) >= (KEPT_DAYS - 1) * 24 * 3600
}
