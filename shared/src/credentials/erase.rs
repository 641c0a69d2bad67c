//! Erases a credential: what says something about its person goes, and a tombstone stays in its place.
//!
//! The status bit stays as it is, so that the file that the holder has still verifies, unless the
//! request wants it otherwise: then the credential is revoked first. Its mail, if it was not sent, is
//! skipped.
//!
//! Safe to repeat: each step finds what an earlier attempt did, and the last one, which puts the
//! tombstone, rests on the revision and the mail's state that were read.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    app::App,
    credentials::change_status::{self, StatusChange, StatusOutcome},
    domain::{
        credential::{Credential, MailState, Origin, Status},
        erasure::{Stored, Tombstone, Why},
        history::{Action, Who},
        identity::{self, IdSecret},
        ids::{CredentialId, JobId, Mode, RowId, ShardId},
        job::KEPT_DAYS,
        job_outcome::MailSets,
        ledger::Ended,
        tenant::Tenant,
        time,
    },
    mail::ledger::{self, Lease},
    store::{StoreError, job_mail::ClaimTerm},
};

/// Attempts at a credential that keeps changing.
const ROUNDS: u32 = 8;

/// The order to erase a credential.
#[derive(Clone, Debug)]
pub struct EraseRequest<'a> {
    /// Issuer.
    pub tenant: Tenant<'a>,
    /// Whether the file that the holder has stays valid.
    pub keep_valid: bool,
    /// The key that asked for it, and the job that does it.
    pub by: Who,
    /// That job.
    pub job: JobId,
    /// Why it is erased.
    pub why: Why,
    /// Of a person's erasure, the key of their address: a credential that is another person's by now is
    /// left.
    pub person: Option<(&'a IdSecret, &'a str)>,
    /// Credentials that were issued after this instant are left.
    pub before: Option<Timestamp>,
    /// Of retention, the revision that was found to be due: a credential that was changed or blocked since
    /// is left.
    pub judged: Option<u32>,
    /// When it was erased, where an erasure is repeated after a restore; else now.
    pub at: Option<Timestamp>,
}

/// The outcome for a credential.
#[derive(Debug, PartialEq, Eq)]
pub enum EraseOutcome {
    /// It is erased now.
    Erased,
    /// It was erased before.
    Already,
    /// The organization has no such credential in this mode.
    Unknown,
    /// Its mail is being sent: later.
    MailInProgress,
    /// It is newer than what is to be erased, another person's by now, or changed since it was judged.
    Left,
}

/// Erases a credential.
///
/// # Errors
/// [`StoreError`]; a later repetition can succeed.
pub async fn erase(
    app: &App,
    request: &EraseRequest<'_>,
    id: CredentialId,
    now: Timestamp,
) -> Result<EraseOutcome, StoreError> {
    for round in 0..ROUNDS {
        change_status::backoff(round).await;
        let stored = app.credentials.stored(id).await?;
        let credential = match stored {
            Some(Stored::Credential(credential)) => *credential,
            Some(Stored::Erased(tombstone)) => {
                return erased_before(app, request, &tombstone, now).await;
            }
            None => return Ok(EraseOutcome::Unknown),
        };
        if !request.tenant.owns(&credential.org, credential.mode) {
            return Ok(EraseOutcome::Unknown);
        }
        let newer = credential.issued_at.parse::<Timestamp>().ok() > request.before;
        if request.before.is_some() && newer {
            return Ok(EraseOutcome::Left);
        }
        let changed = |judged| credential.revision != judged || credential.blocked.is_some();
        if request.judged.is_some_and(changed) {
            return Ok(EraseOutcome::Left);
        }
        let email = &credential.recipient.email;
        let key = |secret| identity::email_key(secret, &credential.org, credential.mode, email);
        if request.person.is_some_and(|(secret, of)| key(secret) != of) {
            return Ok(EraseOutcome::Left);
        }
        match erase_once(app, request, credential, now).await {
            Ok(Some(outcome)) => return Ok(outcome),
            // Another writer came first.
            Ok(None) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Unavailable("the credential keeps changing".to_owned()))
}

/// One attempt; none when the credential changed meanwhile.
async fn erase_once(
    app: &App,
    request: &EraseRequest<'_>,
    credential: Credential,
    now: Timestamp,
) -> Result<Option<EraseOutcome>, StoreError> {
    let (credential, sending) = ledger::materialize(app, credential).await?;
    let busy = credential.stored_mail == MailState::Claimed
        && credential.mail_lease.is_some_and(|until| until >= now.as_second());
    if sending || busy {
        return Ok(Some(EraseOutcome::MailInProgress));
    }
    if matches!(credential.stored_mail, MailState::Owed | MailState::Claimed) {
        return match skip_mail(app, &credential, now.as_second()).await? {
            // Read it again, as it is now.
            true => Ok(None),
            false => Ok(Some(EraseOutcome::MailInProgress)),
        };
    }
    if !request.keep_valid && credential.status != Status::Revoked && credential.version > 0 {
        let change = StatusChange {
            tenant: request.tenant,
            action: Action::Revoke,
            reason: None,
            by: request.by.clone(),
        };
        let ids = [credential.id];
        let outcome = change_status::change_status(app, &change, &ids, now).await?;
        return match outcome.into_values().next() {
            Some(StatusOutcome::Changed(_) | StatusOutcome::Already(_)) => Ok(None),
            _ => Err(StoreError::Conflict),
        };
    }
    record_mail(app, &credential, now).await?;
    app.status_lists.forget_history(credential.id, credential.revision).await?;
    if credential.mode == Mode::Test {
        app.credentials.delete_test_mail(credential.id).await?;
    }
    let at = time::seconds(request.at.unwrap_or(now));
    let tombstone = Tombstone::of(&credential, at, request.job, request.why);
    let buried = app.credentials.bury(&credential, &tombstone).await?;
    if buried {
        tracing::info!(credential_id = %credential.id, job_id = %request.job, key_id = request.by.key_id, "credential erased");
    }
    Ok(buried.then_some(EraseOutcome::Erased))
}

/// Skips a mail that no worker is sending; false while one is. On the ledger of a job it is claimed
/// first, as if to be sent, so that no worker claims it meanwhile.
async fn skip_mail(app: &App, credential: &Credential, now: i64) -> Result<bool, StoreError> {
    if let Some(RowId { shard, row }) = credential.on_ledger() {
        let ttl = now + KEPT_DAYS * 24 * 3600;
        let term = ClaimTerm { until: Lease::from(app, now).until, ttl };
        if let Some(claims) = app.jobs.claim_mails(shard, &BTreeSet::from([row]), term).await? {
            if claims.until >= now {
                return Ok(false);
            }
            app.credentials.adopt_claim(credential.id, claims.until, app.clock.now()).await?;
        }
    }
    app.credentials.write_off_mail(credential.id, Ended::Skipped, now).await
}

/// Records on the job that issued a credential how its mail ended: no message will do that any more.
async fn record_mail(app: &App, credential: &Credential, now: Timestamp) -> Result<(), StoreError> {
    let (Origin::Job { job, shard, row }, Some(ended)) =
        (&credential.origin, Ended::of(credential.stored_mail))
    else {
        return Ok(());
    };
    if ledger::is_forgotten(app, credential) {
        return Ok(());
    }
    let mut sets = MailSets::default();
    sets.insert(*row, ended);
    let ttl = now.as_second() + KEPT_DAYS * 24 * 3600;
    app.jobs.record_mail(ShardId { job: *job, number: *shard }, &sets, ttl).await?;
    app.jobs.recount(*job, &time::millis(now)).await
}

/// A credential that was erased before: only its bit can still be set.
async fn erased_before(
    app: &App,
    request: &EraseRequest<'_>,
    tombstone: &Tombstone,
    now: Timestamp,
) -> Result<EraseOutcome, StoreError> {
    if !request.tenant.owns(&tombstone.org, tombstone.mode) {
        return Ok(EraseOutcome::Unknown);
    }
    if !request.keep_valid && tombstone.holds() && tombstone.version > 0 {
        change_status::revoke_erased(app, tombstone, now).await?;
    }
    Ok(EraseOutcome::Already)
}
