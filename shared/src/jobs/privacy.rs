//! Accepts jobs about personal data, for the function `privacy` to work on. A job names its person by a
//! keyed hash of the address alone.
//!
//! Safe to repeat: the same id is one job.

use jiff::Timestamp;

use crate::{
    app::App,
    aws::sqs::{self, Outgoing},
    domain::{
        erasure::{About, Erased, PrivacyAction, PrivacyOrder, Walk},
        history::Who,
        ids::JobId,
        job::{Job, JobKind, NewJob},
        lang::Lang,
        review::Warnings,
        tenant::Tenant,
    },
    jobs::{
        JobError,
        messages::{PRIVACY_TASK_VERSION, PrivacyTask},
    },
    store::StoreError,
};

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
    /// Of an erasure that is repeated, when it was asked for first, RFC 3339.
    pub replay_of: Option<String>,
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
    let retention = app.catalog.organization(request.tenant.org).await?.settings.retention;
    let order = PrivacyOrder {
        action: request.action,
        about: request.about,
        keep_valid: request.keep_valid,
        replayed: request.replay_of.is_some(),
        before: match request.action {
            PrivacyAction::Erase => request.replay_of.or_else(|| Some(request.begun_at.clone())),
            PrivacyAction::Retain | PrivacyAction::Replay | PrivacyAction::Export => None,
        },
        erased: Vec::new(),
        people: Vec::new(),
        reason: request.reason,
        key_id: request.by.key_id,
        key_name: request.by.key_name,
        walk: Walk::default(),
        done: Erased::default(),
        pieces: Vec::new(),
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
        retention,
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
    let task = PrivacyTask { v: PRIVACY_TASK_VERSION, job_id: job.job_id };
    let message = match Outgoing::new(&task, sqs::job_group(&job.org, job.job_id)) {
        Ok(message) => message,
        Err(error) => return tracing::error!(%error, "privacy message not written"),
    };
    let sent = sqs::send_all(&app.sqs, &app.config.privacy_queue_url, &[message]).await;
    if let Err(error) = sent.all() {
        tracing::error!(%error, job_id = %job.job_id, "privacy message not queued");
    }
}
