//! The sweeper: closes jobs that have ended, and queues again what stands still.
//!
//! It looks only at sparse indexes: open jobs, and owed mail that no job follows. A job is
//! touched when two readings in a row show no progress and its queue is nearly empty, so a
//! backlog is never made longer; each further time it waits twice as long. After
//! [`MAX_SWEEPS`] times without any progress the job is given up. A job that was given up or
//! cancelled is left alone by consumers; once none can be at work that began before, the rows
//! that are left fail with a reason: every job ends.
//!
//! Safe to repeat: queued again is harmless, see [`crate::credentials::issue`] and [`crate::mail::send`].

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sqs::types::QueueAttributeName;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    aws::sqs::{self, FileTask, MESSAGE_VERSION, MailMessage, Message, Outgoing},
    domain::{
        credential::{Credential, MailState, Origin, RecipientType, Status},
        fault::Fault,
        ids::CredentialId,
        job::{Job, KEPT_DAYS, Row, RowStatus, Shard, Tally},
        ledger::Ended,
        time,
    },
    http::problem::Problem,
    jobs::accept::fan_out,
    jobs::{progress, upload},
    mail::ledger::Lease,
    store::{
        StoreError,
        jobs::{Failure, ShardUpdate},
    },
};

/// Open jobs and owed mails that one run looks at.
const LOOK_AT: usize = 1_000;
/// Debts noted as queued at the same time.
const CONCURRENCY: usize = 16;
/// Messages in a queue up to which it counts as nearly empty.
const NEARLY_EMPTY: i64 = 100;
/// Times that a job without any progress is queued again before its rows fail.
const MAX_SWEEPS: u32 = 8;
/// Seconds without progress before a job is first queued again.
const STANDS_STILL: i64 = 120;
/// Seconds after a job's last change before work on its file is asked for again.
const FILE_STANDS_STILL: i64 = 30;
/// Seconds beyond the consumer's timeout after which no batch of before is at work.
const MARGIN: u64 = 60;
/// Seconds after which a job's mail was last seen to wait: longer than mail is put off.
const WAITS: i64 = 20 * 60;
/// Seconds after which owed mail that no job follows is queued again.
const OWED_FOR: i64 = 600;

/// What the scheduler sends.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct SweepMode {
    /// The queues were lost, and whoever took from them has ended: queue all open work
    /// again, at once. Claims of mail that they left open count as ended, so that nobody
    /// waits for a lease that no living attempt holds; such a mail is sent again and counted
    /// as ambiguous. Not for a moment at which consumers run.
    #[serde(default)]
    pub resume: bool,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Open jobs looked at.
    pub jobs: usize,
    /// Jobs closed.
    pub closed: usize,
    /// Rows queued again.
    pub rows: usize,
    /// Mails queued again.
    pub mails: usize,
    /// Rows given up.
    pub given_up: usize,
    /// Files that something was ordered for.
    pub files: usize,
}

/// One run.
///
/// # Errors
/// As of the store and the queue; the next run begins anew.
pub async fn sweep(app: &App, order: SweepMode) -> Result<Swept, Problem> {
    let now = app.clock.now();
    let mut swept = Swept::default();
    let calm = calm(app, order).await?;
    let mut after = None;
    while swept.jobs < LOOK_AT {
        let page = app.jobs.open(after.as_deref(), LOOK_AT.min(100)).await?;
        for id in page.items {
            swept.jobs += 1;
            // One broken job must not keep the others from being looked at.
            if let Err(error) = sweep_job(app, id, now, order, calm, &mut swept).await {
                tracing::error!(%error, job_id = %id, cause = ?error.cause, "job not swept");
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    if calm.mail {
        owed_mail(app, now, order, &mut swept).await?;
    }
    old_files(app, now, &mut swept).await?;
    Ok(swept)
}

/// Which queues are nearly empty: only they get anything again.
#[derive(Clone, Copy, Debug)]
struct Backlog {
    issue: bool,
    mail: bool,
}

async fn calm(app: &App, order: SweepMode) -> Result<Backlog, Problem> {
    if order.resume {
        return Ok(Backlog { issue: true, mail: true });
    }
    Ok(Backlog {
        issue: nearly_empty(app, &app.config.issue_queue_url).await?,
        mail: nearly_empty(app, &app.config.mail_queue_url).await?,
    })
}

/// Counts what is being worked on, or put off, as well: it is not lost.
async fn nearly_empty(app: &App, url: &str) -> Result<bool, Problem> {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ];
    let answer = app
        .sqs
        .get_queue_attributes()
        .queue_url(url)
        .set_attribute_names(Some(names.to_vec()))
        .send()
        .await
        .map_err(|error| Problem::unavailable(crate::sdk::error_kind(&error)))?;
    let count = |name| {
        let text = answer.attributes().and_then(|a| a.get(name));
        text.and_then(|n| n.parse::<i64>().ok()).unwrap_or(i64::MAX / 2)
    };
    Ok(names.iter().map(count).sum::<i64>() <= NEARLY_EMPTY)
}

async fn sweep_job(
    app: &App,
    id: crate::domain::ids::JobId,
    now: Timestamp,
    order: SweepMode,
    calm: Backlog,
    swept: &mut Swept,
) -> Result<(), Problem> {
    let Some(job) = app.jobs.get(id).await? else {
        return Ok(());
    };
    let outcomes = app.jobs.outcomes(&job).await?;
    let mut tally = Tally::default();
    for shard in outcomes.values() {
        tally.add(&shard.tally());
    }
    if job.closed_at.is_some() || job.is_reading() {
        return sweep_file(app, &job, &tally, now, order, swept).await;
    }
    if job.has_ended(&tally) {
        progress::keep(app, &job, &tally, now).await?;
        swept.closed += 1;
        return Ok(());
    }
    let stopped = match (&job.cancelled_at, &job.given_up_at) {
        (Some(at), _) => Some((at, Fault::Cancelled)),
        (None, Some(at)) => Some((at, Fault::GaveUp(MAX_SWEEPS))),
        (None, None) => None,
    };
    if let Some((at, why)) = stopped {
        // Once no batch can be at work that began before: what it issued would belie a job
        // that is closed.
        let running = app.config.consumer_timeout.as_secs() + MARGIN;
        if order.resume || time::elapsed(at, now) > i64::try_from(running).unwrap_or(i64::MAX) {
            return end_rows(app, &job, &outcomes, &why, swept).await;
        }
        return Ok(());
    }
    if !order.resume {
        if tally != job.tally {
            // It moves: the next run compares with this reading.
            progress::keep(app, &job, &tally, now).await?;
            return Ok(());
        }
        let early = job.sweep_after.as_deref().is_some_and(|at| time::elapsed(at, now) < 0)
            || time::elapsed(&job.updated_at, now) < STANDS_STILL;
        // Mail that SES does not accept comes back by itself; waiting is no standing still.
        let waits = job.mail_wait_at.as_deref().is_some_and(|at| time::elapsed(at, now) < WAITS);
        let issuing = tally.current() < job.total;
        let calm = if issuing { calm.issue } else { calm.mail && !waits };
        if early || !calm {
            return Ok(());
        }
        if job.sweeps >= MAX_SWEEPS {
            return Ok(app.jobs.give_up(id, &time::millis(now)).await?);
        }
        let wait = (STANDS_STILL << job.sweeps.min(10)).seconds();
        let after = now.checked_add(wait).map_err(Problem::internal)?;
        app.jobs.swept(id, job.sweeps + 1, &time::millis(after)).await?;
    }
    queue_again(app, &job, &outcomes, order, swept).await
}

/// Has work on a job's file gone on with: reading that broke off, results that are owed.
/// Each further time without progress it waits twice as long; in the end a file that cannot
/// be read ends its job, and results that cannot be written are given up: those of its rows
/// stand in the table.
async fn sweep_file(
    app: &App,
    job: &Job,
    tally: &Tally,
    now: Timestamp,
    order: SweepMode,
    swept: &mut Swept,
) -> Result<(), Problem> {
    if job.closed_at.is_none() && *tally != job.tally {
        progress::keep(app, job, tally, now).await?;
    }
    // While it is read, rows that end are no sign of a reader: the lease is.
    let since = if job.is_reading() { &job.created_at } else { &job.updated_at };
    let early = job.sweep_after.as_deref().is_some_and(|at| time::elapsed(at, now) < 0)
        || time::elapsed(since, now) < FILE_STANDS_STILL;
    let busy = job.reader_until.is_some_and(|until| until >= now.as_second());
    if order.resume {
        // Whoever held it has ended.
        app.jobs.free_file(job.job_id).await?;
    } else if early || busy {
        return Ok(());
    }
    if job.sweeps >= MAX_SWEEPS {
        tracing::error!(job_id = %job.job_id, "file given up");
        swept.given_up += 1;
        return upload::give_up(app, job, now).await;
    }
    let wait = (STANDS_STILL << job.sweeps.min(10)).seconds();
    let after = now.checked_add(wait).map_err(Problem::internal)?;
    app.jobs.swept(job.job_id, job.sweeps + 1, &time::millis(after)).await?;
    let job_id = job.job_id;
    let order =
        if job.is_reading() { FileTask::Read { job_id } } else { FileTask::Results { job_id } };
    progress::order(app, job, &order).await;
    swept.files += 1;
    Ok(())
}

/// Has files removed whose time has come.
async fn old_files(app: &App, now: Timestamp, swept: &mut Swept) -> Result<(), Problem> {
    for job_id in app.jobs.with_old_files(&time::millis(now), LOOK_AT).await? {
        if let Some(job) = app.jobs.get(job_id).await? {
            progress::order(app, &job, &FileTask::Forget { job_id }).await;
            swept.files += 1;
        }
    }
    Ok(())
}

/// Queues the rows and mails of a job that have not ended.
async fn queue_again(
    app: &App,
    job: &Job,
    outcomes: &BTreeMap<u32, Shard>,
    order: SweepMode,
    swept: &mut Swept,
) -> Result<(), Problem> {
    let secret = app.catalog.id_secret(&job.org).await?;
    let ttl = job.expires_at.parse::<Timestamp>().map_err(Problem::internal)?.as_second();
    for (number, shard) in outcomes {
        if shard.tally().ended(size_of(job, *number)) {
            continue;
        }
        let view = app.jobs.shard(job.job_id, *number).await?;
        let mut rows: Vec<Row> = Vec::new();
        let mut owing: Vec<Debt> = Vec::new();
        for (row, input) in &view.rows {
            let row = *row;
            match shard.status(row) {
                RowStatus::Pending => rows.push(input.clone()),
                RowStatus::Issued if shard.mail_ended(row).is_none() => {
                    let Some(id) = view.credential_of(row, &secret, job) else { continue };
                    if order.resume && view.claims.rows.contains(&row) {
                        app.credentials.adopt_claim(id, 0).await?;
                    }
                    owing.push((id, Some((*number, row))));
                }
                RowStatus::Issued | RowStatus::Failed => {}
            }
        }
        swept.rows += rows.len();
        swept.mails += owing.len();
        fan_out(app, job, ttl, rows).await?;
        queue_mails(app, &owing, Some(job), order).await?;
    }
    app.jobs.fanned_out(job.job_id).await?;
    Ok(())
}

/// A credential that owes its mail, and its shard and row on the job that follows it.
type Debt = (CredentialId, Option<(u32, u32)>);

/// Queues the mails of credentials; on resuming, ends the leases that a crash left first.
async fn queue_mails(
    app: &App,
    owing: &[Debt],
    job: Option<&Job>,
    order: SweepMode,
) -> Result<(), Problem> {
    let job_id = job.map(|job| job.job_id);
    let group =
        job.map_or_else(|| "sweeper:owed".to_owned(), |job| sqs::job_group(&job.org, job.job_id));
    if order.resume {
        let ids: Vec<CredentialId> = owing.iter().map(|(id, _)| *id).collect();
        for credential in app.credentials.get_all(&ids).await? {
            if credential.stored_mail == MailState::Claimed {
                app.credentials.end_lease(credential.id, credential.mail_attempts).await?;
            }
        }
    }
    let messages = owing
        .iter()
        .map(|(id, place)| {
            let (credential_id, place) = (*id, *place);
            let mail = MailMessage { v: MESSAGE_VERSION, credential_id, job_id, place };
            Outgoing::new(&Message::Mail(mail), group.clone())
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(Problem::internal)?;
    sqs::send_all(&app.sqs, &app.config.mail_queue_url, &messages).await.all()?;
    Ok(())
}

fn size_of(job: &Job, shard: u32) -> u32 {
    let rows = job.rows_of(shard);
    rows.end().saturating_sub(*rows.start()) + 1
}

/// Ends the rows of a job that nothing moves any more, or that was cancelled. A row whose
/// credential is there was issued, whether or not somebody lived to say so.
async fn end_rows(
    app: &App,
    job: &Job,
    outcomes: &BTreeMap<u32, Shard>,
    why: &Fault,
    swept: &mut Swept,
) -> Result<(), Problem> {
    let ttl = job.expires_at.parse::<Timestamp>().map_err(Problem::internal)?.as_second();
    let secret = app.catalog.id_secret(&job.org).await?;
    let now = app.clock.now().as_second();
    let end = if *why == Fault::Cancelled { Ended::Skipped } else { Ended::Failed };
    let mut given_up = 0;
    for (number, shard) in outcomes {
        if shard.tally().ended(size_of(job, *number)) {
            continue;
        }
        let view = app.jobs.shard(job.job_id, *number).await?;
        let ids: BTreeMap<u32, CredentialId> = view
            .rows
            .keys()
            .filter_map(|row| Some((*row, view.credential_of(*row, &secret, job)?)))
            .collect();
        let pending = |row: &u32| shard.status(*row) == RowStatus::Pending;
        let wanted: BTreeSet<CredentialId> =
            ids.iter().filter(|(row, _)| pending(row)).map(|(_, id)| *id).collect();
        let wanted: Vec<CredentialId> = wanted.into_iter().collect();
        let mut issued: BTreeMap<u32, Credential> = BTreeMap::new();
        for credential in app.credentials.get_all(&wanted).await? {
            if let Origin::Job { job: by, shard, row } = credential.origin
                && (by, shard) == (job.job_id, *number)
            {
                issued.insert(row, credential);
            }
        }
        let revoked: Vec<Credential> = match job.revocation {
            Some(_) => app.credentials.get_all(&wanted).await?,
            None => Vec::new(),
        };
        let revoked: Vec<&Credential> =
            revoked.iter().filter(|c| c.status == Status::Revoked).collect();
        let by_us = app.status_lists.revoked_by(job.job_id, &revoked).await?;
        let mut learned = ShardUpdate::default();
        let mut mail = crate::domain::job::MailSets::default();
        for (row, input) in view.rows {
            // In a job that revokes, no mail is owed and no credential was issued.
            let revoked = ids.get(&row).and_then(|id| revoked.iter().find(|c| c.id == *id));
            if let (RowStatus::Pending, Some(credential)) = (shard.status(row), revoked) {
                learned.sets.issued.insert(row);
                learned.sets.unmailed.insert(row);
                if credential.recipient_type == RecipientType::Internal {
                    learned.sets.internal.insert(row);
                }
                if !by_us.contains(&credential.id) {
                    learned.sets.duplicate.insert(row);
                }
                continue;
            }
            match (shard.status(row), issued.get(&row)) {
                (RowStatus::Failed, _) => continue,
                (RowStatus::Issued, _) if shard.mail_ended(row).is_some() => continue,
                (RowStatus::Issued, _) => {}
                (RowStatus::Pending, Some(credential)) => {
                    learned.sets.issued.insert(row);
                    if credential.recipient_type == RecipientType::Internal {
                        learned.sets.internal.insert(row);
                    }
                    if credential.stored_mail == MailState::Skipped {
                        learned.sets.unmailed.insert(row);
                    }
                }
                (RowStatus::Pending, None) => {
                    given_up += 1;
                    learned.sets.failed.insert(row);
                    learned.failures.push(Failure {
                        row,
                        email: input.email,
                        faults: vec![why.said(job.lang)],
                    });
                    continue;
                }
            }
            // One that is being sent right now ends by its own receipt; one that has ended
            // is only counted.
            if let Some(id) = ids.get(&row)
                && view.shard.mail.ended(row).is_none()
                && let Some(state) = write_off(app, (*id, job, *number, row), end, now).await?
            {
                given_up += usize::from(state == end);
                mail.insert(row, state);
            }
        }
        app.jobs.record_issued(job.job_id, *number, &learned, ttl).await?;
        app.jobs.record_mail(job.job_id, *number, &mail, ttl).await?;
    }
    swept.given_up += given_up;
    if *why != Fault::Cancelled {
        tracing::error!(job_id = %job.job_id, ended = given_up, "rows or mails given up");
    }
    let tally = app.jobs.tally(job).await.map_err(Problem::from)?;
    progress::keep(app, job, &tally, app.clock.now()).await.map_err(Problem::from)?;
    Ok(())
}

/// Ends a mail of a job that nobody is sending; how it ended, or none while somebody is. On
/// the ledger it is claimed first, as if to be sent.
async fn write_off(
    app: &App,
    (id, job, shard, row): (CredentialId, &Job, u32, u32),
    end: Ended,
    now: i64,
) -> Result<Option<Ended>, StoreError> {
    let (rows, ttl) = (BTreeSet::from([row]), now + KEPT_DAYS * 24 * 3600);
    let claim = app.jobs.claim_mails(job.job_id, shard, &rows, (Lease::from(app, now).until, ttl));
    if let Some(claims) = claim.await? {
        if claims.until >= now {
            return Ok(None);
        }
        app.credentials.adopt_claim(id, claims.until).await?;
    }
    if app.credentials.write_off_mail(id, end, now).await? {
        return Ok(Some(end));
    }
    let stored = app.credentials.get(id).await?;
    Ok(stored.map_or(Some(end), |credential| Ended::of(credential.stored_mail)))
}

/// Queues again the mail that sync credentials have owed for long.
async fn owed_mail(
    app: &App,
    now: Timestamp,
    order: SweepMode,
    swept: &mut Swept,
) -> Result<(), Problem> {
    let age = if order.resume { 0 } else { OWED_FOR };
    let before = now.checked_sub(age.seconds()).map_err(Problem::internal)?;
    let owed = app.credentials.owed_before(&time::millis(before), LOOK_AT).await?;
    swept.mails += owed.len();
    let debts: Vec<Debt> = owed.iter().map(|id| (*id, None)).collect();
    queue_mails(app, &debts, None, order).await?;
    let now = time::millis(now);
    stream::iter(owed)
        .map(|id| {
            let now = &now;
            async move { app.credentials.owed_since(id, now).await }
        })
        .buffer_unordered(CONCURRENCY)
        .try_collect::<()>()
        .await?;
    Ok(())
}
