//! Jobs about personal data: they are accepted here, and worked on by the function `privacy`.
//!
//! A job names its person by a keyed hash of the address alone. Its worker holds a lease, notes how
//! far it is after each part, and stops before its deadline; the sweeper has another one go on.
//!
//! Safe to repeat: every part is, and a part that was not noted runs again.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    app::App,
    aws::sqs::{self, Outgoing},
    domain::{
        erasure::{About, Erased, Part, PrivacyAction, PrivacyOrder, Walk},
        history::Who,
        ids::JobId,
        job::{FILE_LEASE, Job, JobKind, NewJob},
        lang::Lang,
        retention::Retention,
        review::Warnings,
        tenant::Tenant,
        time,
    },
    jobs::{JobError, erase, messages::PrivacyTask, replay, retain},
    store::{StoreError, job_files::FileLease},
};

/// Version of [`PrivacyTask`].
const TASK_VERSION: u32 = 1;
/// Time before the deadline at which no further work begins.
const RESERVE: Duration = Duration::from_secs(20);

/// A request about personal data.
#[derive(Debug)]
pub struct PrivacyRequest<'a> {
    /// The requester's organization and mode.
    pub tenant: Tenant<'a>,
    /// What is to be done.
    pub action: PrivacyAction,
    /// About whom.
    pub about: About,
    /// Whether the files that holders have stay valid.
    pub keep_valid: bool,
    /// What came after this instant is left, RFC 3339.
    pub before: Option<String>,
    /// The reason that the request gives.
    pub reason: Option<String>,
    /// The key that asks for it.
    pub by: Who,
    /// Id of the job; the same in each attempt of one request.
    pub job_id: JobId,
    /// When the first attempt began, RFC 3339 to the millisecond.
    pub begun_at: String,
    /// Language of the job's texts.
    pub lang: Lang,
}

/// Accepts a job about personal data.
///
/// Safe to repeat: an attempt that finds the job only queues it again.
///
/// # Errors
/// [`JobError`]. A queue that takes no message is no error: the sweeper queues the job later.
pub async fn accept(
    app: &App,
    request: PrivacyRequest<'_>,
    now: Timestamp,
) -> Result<JobId, JobError> {
    let job = create(app, request, now).await?;
    enqueue(app, &job).await;
    Ok(job.job_id)
}

/// Writes a job about personal data, for the sweeper to find.
pub(super) async fn create(
    app: &App,
    request: PrivacyRequest<'_>,
    now: Timestamp,
) -> Result<Job, JobError> {
    let order = PrivacyOrder {
        action: request.action,
        about: request.about,
        keep_valid: request.keep_valid,
        before: request.before,
        reason: request.reason,
        key_id: request.by.key_id,
        key_name: request.by.key_name,
        walk: Walk::default(),
        done: Erased::default(),
    };
    let new = NewJob {
        job_id: request.job_id,
        org: request.tenant.org.clone(),
        mode: request.tenant.mode,
        kind: JobKind::Privacy(Box::new(order)),
        total: 0,
        shard_rows: app.shard_rows,
        begun_at: request.begun_at,
        lang: request.lang,
        file: None,
        warnings: Warnings::default(),
        retention: Retention::default(),
    };
    let job = Job::new(new, now);
    let ttl = job.ttl().ok_or_else(|| JobError::broken("a job without expiry"))?;
    match app.jobs.create_private(&job, ttl).await {
        Ok(()) | Err(StoreError::Conflict) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(job)
}

/// Queues a job for its worker. If the queue is out of reach, the sweeper queues it again.
pub(super) async fn enqueue(app: &App, job: &Job) {
    let task = PrivacyTask { v: TASK_VERSION, job_id: job.job_id };
    let message = match Outgoing::new(&task, sqs::job_group(&job.org, job.job_id)) {
        Ok(message) => message,
        Err(error) => return tracing::error!(%error, "privacy message not written"),
    };
    let sent = sqs::send_all(&app.sqs, &app.config.privacy_queue_url, &[message]).await;
    if let Err(error) = sent.all() {
        tracing::error!(%error, job_id = %job.job_id, "privacy message not queued");
    }
}

/// Handles a message of the queue `privacy`.
///
/// # Errors
/// [`JobError`]; the message comes back.
pub async fn handle(app: &App, body: &str, deadline: Instant) -> Result<(), JobError> {
    let task: PrivacyTask = serde_json::from_str(body).map_err(JobError::broken)?;
    if task.v != TASK_VERSION {
        return Err(JobError::broken("a message of another version"));
    }
    work(app, task.job_id, deadline).await
}

/// The work on a job by one process, under its lease.
pub(super) struct Work<'a> {
    pub(super) app: &'a App,
    pub(super) job: &'a Job,
    pub(super) order: PrivacyOrder,
    pub(super) stop: Instant,
    token: &'a str,
}

/// Whether work goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// With the next part.
    Next,
    /// Later: the time is over, or something is not in a state to be worked on.
    Later,
}

impl Work<'_> {
    /// Whether there is time for more.
    pub(super) fn has_time(&self) -> bool {
        Instant::now() < self.stop
    }

    /// Notes how far the job is, and renews the lease.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another process has the lease.
    pub(super) async fn note(&self) -> Result<(), StoreError> {
        let now = self.app.clock.now();
        let until = now.as_second() + FILE_LEASE;
        let (id, now) = (self.job.job_id, time::millis(now));
        let noted = self.app.jobs.private_to(id, self.token, until, &self.order, &now);
        noted.await?.map(drop).ok_or(StoreError::Conflict)
    }
}

async fn work(app: &App, job_id: JobId, deadline: Instant) -> Result<(), JobError> {
    let token = Uuid::new_v4().to_string();
    let now = app.clock.now().as_second();
    let lease = FileLease { job: job_id, reader: &token, until: now + FILE_LEASE };
    let Some(job) = app.jobs.claim_file(lease, now).await? else {
        return Ok(());
    };
    let Some(order) = job.privacy.clone().filter(|_| job.closed_at.is_none()) else {
        return Ok(app.jobs.leave_file(job_id, &token).await?);
    };
    let stop = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    let mut work = Work { app, job: &job, order, stop, token: &token };
    let outcome = run(&mut work).await;
    if let Ok(Step::Next) = outcome {
        let now = time::millis(app.clock.now());
        if work.order.action == PrivacyAction::Retain {
            retain::plan_next(&work).await?;
        }
        app.jobs.end_private(job_id, &token, &work.order, &now).await?;
        return Ok(());
    }
    app.jobs.leave_file(job_id, &token).await?;
    outcome.map(drop)
}

async fn run(work: &mut Work<'_>) -> Result<Step, JobError> {
    while work.order.walk.part != Part::Done {
        let step = match work.order.action {
            PrivacyAction::Erase => Box::pin(erase::step(work)).await?,
            PrivacyAction::Replay => Box::pin(replay::step(work)).await?,
            PrivacyAction::Retain => Box::pin(retain::step(work)).await?,
        };
        if step == Step::Later || !work.has_time() {
            work.note().await?;
            return Ok(if work.order.walk.part == Part::Done { Step::Next } else { Step::Later });
        }
        work.note().await?;
    }
    Ok(Step::Next)
}
