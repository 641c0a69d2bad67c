//! The sweeper: closes jobs that have ended, and queues again what makes no progress.
//!
//! It reads sparse indexes only: open jobs, and pending mail that no job follows. A job is
//! queued again when two readings in a row show no progress and its queue is nearly empty, so a
//! backlog never grows by it; the wait doubles each time. After [`MAX_SWEEPS`] times without any
//! progress the job is given up. Consumers skip a job that was given up or cancelled; once no
//! batch from before that can be running, its remaining rows fail with a reason: every job ends.
//!
//! Safe to repeat: queueing again is harmless, see [`crate::credentials::issue`] and
//! [`crate::mail::send`].

use std::collections::{BTreeMap, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    aws::sqs::{self, DepthError, Outgoing},
    domain::{
        credential::MailState,
        fault::Fault,
        ids::{CredentialId, JobId},
        job::{Job, Row},
        job_outcome::{RowStatus, Shard, Tally},
        time,
    },
    jobs::{
        JobError,
        accept::fan_out,
        end_rows::end_rows,
        messages::{FileTask, MESSAGE_VERSION, MailMessage, Message},
        print_order, privacy, progress, read_file, retain,
    },
};

/// Open jobs, and pending mails, that one run reads.
const LOOK_AT: usize = 1_000;
/// Pending mails marked as queued at once.
const CONCURRENCY: usize = 16;
/// Messages in a queue up to which it counts as nearly empty.
const NEARLY_EMPTY: i64 = 100;
/// Times that a job without any progress is queued again before its rows fail.
const MAX_SWEEPS: u32 = 8;
/// Seconds without progress before a job is first queued again.
const STALLED_AFTER: i64 = 120;
/// Seconds after a job's last change before work on its file is queued again.
const FILE_STALLED_AFTER: i64 = 30;
/// Grace after the consumer's timeout, in seconds; past it no earlier batch can still be
/// running.
const MARGIN: u64 = 60;
/// Seconds for which a job's mail counts as waiting for SES: longer than mail is deferred.
const WAITS: i64 = 20 * 60;
/// Seconds after which pending mail that no job follows is queued again.
const PENDING_FOR: i64 = 600;

/// Seconds before the expiry of a job that is still open at which it is kept longer.
const EXPIRES_SOON: i64 = 2 * 24 * 3600;
/// Hours for which it is, and then again.
const KEPT_LONGER: i64 = 7 * 24;

/// What the scheduler sends.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct SweepMode {
    /// The queues were lost and no consumer runs: queue all open work again, at once. Claims of
    /// mail that are still open count as ended, so that no mail waits for a lease that no
    /// living attempt holds; such a mail is sent again and counted as ambiguous.
    #[serde(default)]
    pub resume: bool,
}

/// The counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Open jobs read.
    pub jobs: usize,
    /// Jobs closed.
    pub closed: usize,
    /// Rows queued again.
    pub rows: usize,
    /// Mails queued again.
    pub mails: usize,
    /// Rows given up.
    pub given_up: usize,
    /// Tasks on files that were queued.
    pub files: usize,
}

/// Runs once.
///
/// # Errors
/// [`JobError`]; the next run starts over.
pub async fn sweep(app: &App, mode: SweepMode) -> Result<Swept, JobError> {
    let backlog = Backlog::of(app, mode).await?;
    let (now, swept, queued) = (app.clock.now(), Swept::default(), HashSet::new());
    let mut run = Run { app, now, mode, backlog, swept, queued };
    let mut after = None;
    while run.swept.jobs < LOOK_AT {
        let page = app.jobs.open(after.as_deref(), LOOK_AT.min(100)).await?;
        for id in page.items {
            run.swept.jobs += 1;
            // One broken job must not keep the others from being swept.
            if let Err(error) = run.sweep_job(id).await {
                tracing::error!(%error, job_id = %id, cause = ?error, "job not swept");
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    if backlog.mail_drained {
        run.pending_mail().await?;
    }
    run.expired_files().await?;
    run.private_jobs().await?;
    run.prints().await?;
    Ok(run.swept)
}

/// Which queues are nearly empty: only they are given anything again.
#[derive(Clone, Copy, Debug)]
struct Backlog {
    issue_drained: bool,
    mail_drained: bool,
}

impl Backlog {
    async fn of(app: &App, mode: SweepMode) -> Result<Self, DepthError> {
        if mode.resume {
            return Ok(Self { issue_drained: true, mail_drained: true });
        }
        let issue = sqs::depth(&app.sqs, &app.config.issue_queue_url).await?;
        let mail = sqs::depth(&app.sqs, &app.config.mail_queue_url).await?;
        Ok(Self { issue_drained: issue <= NEARLY_EMPTY, mail_drained: mail <= NEARLY_EMPTY })
    }
}

/// A credential whose mail is pending.
struct PendingMail {
    id: CredentialId,
    /// Its shard and row on the job that follows it.
    place: Option<(u32, u32)>,
}

/// A run of the sweeper.
struct Run<'a> {
    app: &'a App,
    now: Timestamp,
    mode: SweepMode,
    backlog: Backlog,
    swept: Swept,
    /// Mails that were queued for their jobs.
    queued: HashSet<CredentialId>,
}

impl Run<'_> {
    async fn sweep_job(&mut self, id: JobId) -> Result<(), JobError> {
        let (app, now) = (self.app, self.now);
        let Some(job) = app.jobs.get(id).await? else {
            return Ok(());
        };
        let Some(job) = self.kept(job).await? else {
            return Ok(());
        };
        let outcomes = app.jobs.outcomes(&job).await?;
        let mut tally = Tally::default();
        for shard in outcomes.values() {
            tally.add(&shard.tally());
        }
        if job.closed_at.is_some() || job.is_reading() {
            return self.sweep_file(&job, &tally).await;
        }
        if job.has_ended(&tally) {
            progress::save_totals(app, &job, &tally, now).await?;
            self.swept.closed += 1;
            return Ok(());
        }
        let stopped = match (&job.cancelled_at, &job.given_up_at) {
            (Some(at), _) => Some((at, Fault::Cancelled)),
            (None, Some(at)) => Some((at, Fault::GaveUp(MAX_SWEEPS))),
            (None, None) => None,
        };
        if let Some((at, why)) = stopped {
            // Wait until no batch from before the stop can be running: what it issued would
            // contradict a closed job.
            let running = app.config.consumer_timeout.as_secs() + MARGIN;
            if self.mode.resume
                || time::elapsed(at, now) > i64::try_from(running).unwrap_or(i64::MAX)
            {
                self.swept.given_up += end_rows(app, &job, &outcomes, &why).await?;
            }
            return Ok(());
        }
        if !self.mode.resume {
            if tally != job.tally {
                // It progresses: the next run compares with this reading.
                progress::save_totals(app, &job, &tally, now).await?;
                return Ok(());
            }
            let early = job.sweep_after.as_deref().is_some_and(|at| time::elapsed(at, now) < 0)
                || time::elapsed(&job.updated_at, now) < STALLED_AFTER;
            // Mail that SES does not accept comes back by itself: the job is not stalled.
            let waits =
                job.mail_wait_at.as_deref().is_some_and(|at| time::elapsed(at, now) < WAITS);
            let issuing = tally.current() < job.total;
            let drained = if issuing {
                self.backlog.issue_drained
            } else {
                self.backlog.mail_drained && !waits
            };
            if early || !drained {
                return Ok(());
            }
            if job.sweeps >= MAX_SWEEPS {
                return Ok(app.jobs.give_up(id, &time::millis(now)).await?);
            }
            let wait = (STALLED_AFTER << job.sweeps.min(10)).seconds();
            let after = now.checked_add(wait).map_err(JobError::broken)?;
            app.jobs.swept(id, job.sweeps + 1, &time::millis(after)).await?;
        }
        self.queue_again(&job, &outcomes).await
    }

    /// Keeps an open job whose items are about to expire: mail can wait for SES longer than its
    /// organization keeps jobs. `None` if it has just expired.
    async fn kept(&self, job: Job) -> Result<Option<Job>, JobError> {
        let soon = self.now.as_second() + EXPIRES_SOON;
        if job.ttl().is_none_or(|ttl| ttl >= soon) {
            return Ok(Some(job));
        }
        let until = self.now.checked_add(KEPT_LONGER.hours()).map_err(JobError::broken)?;
        Ok(self.app.jobs.keep_until(&job, until).await?)
    }

    /// Queues work on a job's file again: reading that stopped, or results still to be
    /// written. The wait doubles each time without progress; in the end a file that cannot be
    /// read ends its job, and results that cannot be written are given up: those of its rows
    /// remain in the table.
    async fn sweep_file(&mut self, job: &Job, tally: &Tally) -> Result<(), JobError> {
        let (app, now) = (self.app, self.now);
        if job.closed_at.is_none() && *tally != job.tally {
            progress::save_totals(app, job, tally, now).await?;
        }
        // While the file is read, the lease shows a reader; rows that end do not.
        let since = if job.is_reading() { &job.created_at } else { &job.updated_at };
        let early = job.sweep_after.as_deref().is_some_and(|at| time::elapsed(at, now) < 0)
            || time::elapsed(since, now) < FILE_STALLED_AFTER;
        let busy = job.reader_until.is_some_and(|until| until >= now.as_second());
        if self.mode.resume {
            // No process holds it any more.
            app.jobs.release_file(job.job_id).await?;
        } else if early || busy {
            return Ok(());
        }
        if job.sweeps >= MAX_SWEEPS {
            tracing::error!(job_id = %job.job_id, "file given up");
            self.swept.given_up += 1;
            return read_file::give_up(app, job, now).await;
        }
        let wait = (STALLED_AFTER << job.sweeps.min(10)).seconds();
        let after = now.checked_add(wait).map_err(JobError::broken)?;
        app.jobs.swept(job.job_id, job.sweeps + 1, &time::millis(after)).await?;
        let job_id = job.job_id;
        let task =
            if job.is_reading() { FileTask::Read { job_id } } else { FileTask::Results { job_id } };
        progress::enqueue(app, job, &task).await;
        self.swept.files += 1;
        Ok(())
    }

    /// Queues the deletion of files whose retention is over.
    async fn expired_files(&mut self) -> Result<(), JobError> {
        let (app, now) = (self.app, self.now);
        for job_id in app.jobs.with_old_files(&time::millis(now), LOOK_AT).await? {
            if let Some(job) = app.jobs.get(job_id).await? {
                progress::enqueue(app, &job, &FileTask::Forget { job_id }).await;
                self.swept.files += 1;
            }
        }
        Ok(())
    }

    /// Queues the jobs about personal data on which no process works.
    async fn private_jobs(&mut self) -> Result<(), JobError> {
        let (app, now) = (self.app, self.now);
        match retain::begin_due(app, now).await {
            Ok(begun) => self.swept.files += begun,
            // The next run begins them; what people asked for does not wait for that.
            Err(error) => tracing::error!(%error, "walks of retention not begun"),
        }
        for job_id in app.jobs.open_private(LOOK_AT).await? {
            let Some(job) = app.jobs.get(job_id).await? else { continue };
            // It waits as long as what it waits for.
            let Some(job) = self.kept(job).await? else { continue };
            let busy = job.reader_until.is_some_and(|until| until >= now.as_second());
            if self.mode.resume {
                app.jobs.release_file(job_id).await?;
            } else if busy || time::elapsed(&job.updated_at, now) < FILE_STALLED_AFTER {
                continue;
            }
            privacy::enqueue(app, &job).await;
            self.swept.files += 1;
        }
        Ok(())
    }

    /// Queues the orders of certificates on which no process works, and those that are to be deleted.
    async fn prints(&mut self) -> Result<(), JobError> {
        let (app, now) = (self.app, time::millis(self.now));
        let before = (!self.mode.resume).then_some(now.as_str());
        for of in app.jobs.prints(before).await? {
            if self.mode.resume {
                app.jobs.release_print(of).await?;
            }
            if let Some(order) = app.jobs.print(of).await? {
                print_order::enqueue(app, &order.org, of).await;
                self.swept.files += 1;
            }
        }
        Ok(())
    }

    /// Queues the rows and mails of a job that have not ended.
    async fn queue_again(
        &mut self,
        job: &Job,
        outcomes: &BTreeMap<u32, Shard>,
    ) -> Result<(), JobError> {
        let app = self.app;
        let secret = app.catalog.id_secret(&job.org).await?;
        let ttl = job.ttl().ok_or_else(|| JobError::broken("a job without expiry"))?;
        for (number, shard) in outcomes {
            if shard.tally().ended(job.size_of(*number)) {
                continue;
            }
            let view = app.jobs.shard(job.shard_id(*number)).await?;
            let mut rows: Vec<Row> = Vec::new();
            let mut pending: Vec<PendingMail> = Vec::new();
            for (row, input) in &view.rows {
                let row = *row;
                match shard.status(row) {
                    RowStatus::Pending => rows.push(input.clone()),
                    RowStatus::Issued if shard.mail_ended(row).is_none() => {
                        let Some(id) = view.credential_of(row, &secret, job) else { continue };
                        if self.mode.resume && view.claims.rows.contains(&row) {
                            app.credentials.adopt_claim(id, 0, self.now).await?;
                        }
                        pending.push(PendingMail { id, place: Some((*number, row)) });
                    }
                    RowStatus::Issued | RowStatus::Failed => {}
                }
            }
            self.swept.rows += rows.len();
            self.swept.mails += pending.len();
            self.queued.extend(pending.iter().map(|mail| mail.id));
            fan_out(app, job, ttl, rows).await?;
            self.queue_mails(&pending, Some(job)).await?;
        }
        app.jobs.fanned_out(job.job_id).await?;
        Ok(())
    }

    /// Queues pending mails; on resuming, ends the leases that a crash left first.
    async fn queue_mails(
        &self,
        pending: &[PendingMail],
        job: Option<&Job>,
    ) -> Result<(), JobError> {
        let app = self.app;
        let job_id = job.map(|job| job.job_id);
        let group = job
            .map_or_else(|| "sweeper:owed".to_owned(), |job| sqs::job_group(&job.org, job.job_id));
        if self.mode.resume {
            let ids: Vec<CredentialId> = pending.iter().map(|mail| mail.id).collect();
            for credential in app.credentials.get_all(&ids).await? {
                if credential.stored_mail == MailState::Claimed {
                    app.credentials.end_lease(credential.id, credential.mail_attempts).await?;
                }
            }
        }
        let messages = pending
            .iter()
            .map(|mail| {
                let PendingMail { id: credential_id, place } = *mail;
                let mail = MailMessage { v: MESSAGE_VERSION, credential_id, job_id, place };
                Outgoing::new(&Message::Mail(mail), group.clone())
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(JobError::broken)?;
        sqs::send_all(&app.sqs, &app.config.mail_queue_url, &messages).await.all()?;
        Ok(())
    }

    /// Queues again the mail of single credentials that has been pending for long.
    async fn pending_mail(&mut self) -> Result<(), JobError> {
        let (app, now) = (self.app, self.now);
        let age = if self.mode.resume { 0 } else { PENDING_FOR };
        let before = now.checked_sub(age.seconds()).map_err(JobError::broken)?;
        let mut ids = app.credentials.owed_before(&time::millis(before), LOOK_AT).await?;
        ids.retain(|id| !self.queued.contains(id));
        self.swept.mails += ids.len();
        let pending: Vec<PendingMail> =
            ids.iter().map(|id| PendingMail { id: *id, place: None }).collect();
        self.queue_mails(&pending, None).await?;
        let now = time::millis(now);
        stream::iter(ids)
            .map(|id| {
                let now = &now;
                async move { app.credentials.owed_since(id, now).await }
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect::<()>()
            .await?;
        Ok(())
    }
}
