//! Mail: claim, hand to SES, receipt, record.
//!
//! The worker that wins a mail's claim sends it; a claim is a conditional update with a lease.
//! The first mails of a job are claimed many at a time on the ledger of their shard
//! ([`crate::mail::send_shard`]); any other mail is claimed on its credential
//! ([`crate::mail::send_one`]). SES then takes it, refuses it for good, does not accept it for
//! now, or leaves the outcome in doubt:
//!
//! - taken: the receipt ends the mail;
//! - refused for good: failed, with the reason, on the credential;
//! - not accepted (throttled, quota, paused, not connected): the claim is released, no
//!   attempt is counted, the message waits longer each time, up to 15 minutes;
//! - in doubt (timeout, reset after the request was written, 5xx): the lease runs on. When
//!   it has ended without a receipt the mail is sent again, and counted as ambiguous: the
//!   one case in which a mail can arrive twice. SES has no idempotency token.
//!
//! An address on the organization's suppression list gets nothing: its mail fails as
//! `suppressed`. [`crate::mail::feedback`] records what became of a mail after SES took it.
//!
//! Safe to repeat: a claim is refused when the mail has ended, and ends are recorded in sets.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};

use crate::{
    app::App,
    aws::sqs,
    domain::{
        credential::Origin,
        ids::{CredentialId, JobId, RowId, ShardId},
        job::KEPT_DAYS,
        job_outcome::MailSets,
        ledger::Ended,
        time,
    },
    jobs::messages::{Delivered, MailMessage, Report},
    mail::{
        send_one::{MailOutcome, MailTask, caught, send_one},
        send_shard::{CLAIMED_TOGETHER, ShardMails, send_shard},
    },
};

/// Mails that are claimed each by itself, under way at once in one process.
const CONCURRENCY: usize = 8;

/// Sends the mails of a batch and records their outcomes.
pub async fn send_mails(
    app: &App,
    mails: Vec<(Delivered, MailMessage)>,
    stop: Instant,
    report: &mut Report,
) {
    if mails.is_empty() {
        return;
    }
    let jobs = mails.iter().filter_map(|(_, mail)| mail.job_id).collect();
    let cancelled = match app.jobs.which(jobs, |job| job.cancelled_at.is_some()).await {
        Ok(cancelled) => cancelled,
        Err(error) => {
            tracing::error!(%error, "jobs not read");
            report.retry.extend(mails.into_iter().map(|(message, _)| message.id));
            return;
        }
    };
    let tasks = mails.into_iter().map(|(message, mail)| {
        let job_cancelled = mail.job_id.is_some_and(|job| cancelled.contains(&job));
        MailTask { message, mail, job_cancelled }
    });
    let (placed, alone): (Vec<_>, Vec<_>) =
        tasks.partition(|task| task.mail.place.is_some() && task.mail.job_id.is_some());
    send_placed(app, placed, stop, report).await;
    let done: Vec<Vec<(MailTask, MailOutcome)>> = stream::iter(alone)
        .map(|task| send_unplaced(app, task, stop))
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    record(app, done.into_iter().flatten().collect(), report).await;
}

/// Sends mails whose messages name their shard and row, some of one shard at a time.
async fn send_placed(app: &App, mut placed: Vec<MailTask>, stop: Instant, report: &mut Report) {
    // At most what SES takes in a second: a claim must not wait for its turn.
    let most = app.rate_limiter.in_a_second().clamp(1, CLAIMED_TOGETHER);
    while !placed.is_empty() {
        let mut shards: BTreeMap<ShardId, ShardMails> = BTreeMap::new();
        let mut rest = Vec::new();
        for task in placed {
            let (Some(job), Some((number, row))) = (task.mail.job_id, task.mail.place) else {
                continue;
            };
            let mails = shards.entry(ShardId { job, number }).or_default();
            // The second copy of a message waits until the first has ended.
            if mails.len() < most && !mails.contains_key(&row) {
                mails.insert(row, task);
            } else {
                rest.push(task);
            }
        }
        for (shard, mails) in shards {
            let done = send_shard(app, shard, mails, stop).await;
            record(app, done, report).await;
        }
        placed = rest;
    }
}

/// Sends a mail whose message names no place on a ledger: it has none, or an earlier version
/// of the service queued it.
async fn send_unplaced(
    app: &App,
    mut task: MailTask,
    stop: Instant,
) -> Vec<(MailTask, MailOutcome)> {
    let id = task.mail.credential_id;
    let place = match task.mail.job_id.map(|_| app.credentials.get(id)) {
        None => Ok(None),
        Some(read) => read.await.map(|found| found.and_then(|credential| credential.on_ledger())),
    };
    let outcome = match place {
        Ok(Some(RowId { shard, row })) => {
            task.mail.place = Some((shard.number, row));
            return send_shard(app, shard, ShardMails::from([(row, task)]), stop).await;
        }
        Ok(None) => caught(&task.message, send_one(app, &task, stop)).await,
        Err(error) => caught(&task.message, async { Err(error) }).await,
    };
    vec![(task, outcome)]
}

/// The outcomes of a batch, as they are to be recorded.
#[derive(Default)]
struct Outcomes {
    shards: BTreeMap<ShardId, ShardOutcomes>,
    /// Jobs that have probably ended, and whose totals change all the same.
    recount: BTreeSet<JobId>,
    /// Messages that come back after a wait.
    deferred: Vec<(Delivered, Duration)>,
    /// Jobs whose mail waits for SES, and the reason.
    waiting: BTreeMap<JobId, &'static str>,
}

/// The outcomes of one shard.
#[derive(Default)]
struct ShardOutcomes {
    messages: Vec<String>,
    sets: MailSets,
    /// Credentials whose mail was sent, and whose items do not have the receipt.
    without_receipt: Vec<CredentialId>,
}

impl Outcomes {
    fn add(&mut self, task: MailTask, outcome: MailOutcome, report: &mut Report) {
        let MailTask { message, mail, .. } = task;
        match outcome {
            MailOutcome::Ended(credential, ended) => {
                match ended {
                    Ended::Sent => report.mailed += 1,
                    Ended::Failed => report.mail_failed += 1,
                    Ended::Skipped => {}
                }
                if let Origin::Job { job, shard, row } = credential.origin {
                    let of = self.shards.entry(ShardId { job, number: shard }).or_default();
                    of.messages.push(message.id);
                    of.sets.insert(row, ended);
                    if ended == Ended::Sent && credential.on_ledger().is_some() {
                        of.without_receipt.push(credential.id);
                    }
                    if mail.job_id.is_none() {
                        self.recount.insert(job);
                    }
                }
            }
            MailOutcome::Deferred { wait, reason } => {
                report.mail_deferred += 1;
                report.mail_waiting += usize::from(reason.is_some());
                report.retry.push(message.id.clone());
                self.deferred.push((message, wait));
                if let Some((reason, credential)) = reason
                    && let Origin::Job { job, .. } = credential.origin
                {
                    self.waiting.insert(job, reason);
                }
            }
            MailOutcome::Again => report.retry.push(message.id),
            MailOutcome::Erased => {
                tracing::info!(message_id = message.id, "mail of an erased credential skipped");
                if let (Some(job), Some((number, row))) = (mail.job_id, mail.place) {
                    let of = self.shards.entry(ShardId { job, number }).or_default();
                    of.messages.push(message.id);
                    of.sets.insert(row, Ended::Skipped);
                }
            }
            MailOutcome::Unknown => {
                tracing::error!(message_id = message.id, "mail's credential not found");
            }
        }
    }
}

/// Records outcomes, one write a shard.
async fn record(app: &App, done: Vec<(MailTask, MailOutcome)>, report: &mut Report) {
    let mut outcomes = Outcomes::default();
    for (task, outcome) in done {
        outcomes.add(task, outcome, report);
    }
    let now = app.clock.now();
    let ttl = now.as_second() + KEPT_DAYS * 24 * 3600;
    for (shard, ShardOutcomes { messages, sets, without_receipt }) in outcomes.shards {
        let mut recorded = app.jobs.record_mail(shard, &sets, ttl).await;
        if recorded.is_ok() && outcomes.recount.contains(&shard.job) {
            recorded = app.jobs.recount(shard.job, &time::millis(now)).await;
        }
        if let Err(error) = recorded {
            tracing::error!(%error, rows = messages.len(), "mails not recorded");
            report.retry.extend(messages);
            // Without the job's set, these credentials are the only place of the receipt.
            let at = time::seconds(now);
            let written = app.credentials.end_first_together(&without_receipt, &at).await;
            for error in written.into_iter().filter_map(Result::err) {
                tracing::error!(%error, "receipt not written");
            }
        }
    }
    // After the receipts, and concurrently: near its deadline a batch can defer most mails.
    stream::iter(&outcomes.deferred)
        .for_each_concurrent(CONCURRENCY, |(message, wait)| defer(app, message, *wait))
        .await;
    let now = time::seconds(now);
    for (job, reason) in outcomes.waiting {
        if let Err(error) = app.jobs.mail_waits(job, reason, &now).await {
            tracing::warn!(%error, "reason for waiting not written");
        }
    }
}

/// Makes a message come back after `wait` instead of at the end of its visibility.
async fn defer(app: &App, message: &Delivered, wait: Duration) {
    let url = &app.config.mail_queue_url;
    if !sqs::hide(&app.sqs, url, &message.receipt, wait).await {
        // It comes back all the same, at the end of its visibility.
        tracing::warn!(message_id = message.id, "visibility not changed");
    }
}
