//! Following jobs: totals, and the end of a job.
//!
//! Safe to repeat: the first reader that sees a job's end closes it, with a conditional
//! update that a second one finds done.

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::{
    app::App,
    aws::sqs::{self, Outgoing},
    domain::{
        job::{Job, SHOWN_ERRORS},
        job_outcome::Tally,
        job_view::RowError,
        spelling::Alike,
        time,
        warning::Place,
    },
    jobs::messages::FileTask,
    store::{Page, StoreError},
};

/// Shards up to which totals are read on each look: one call.
const CHEAP_SHARDS: u32 = 4;
/// Jobs of a page that are refreshed at once.
const CONCURRENCY: usize = 8;

/// Rows that a job names.
#[derive(Debug, Default)]
pub struct NamedRows {
    /// The first failed ones.
    pub errors: Vec<RowError>,
    /// Of a dry run, the first ones whose people seem to be elsewhere too.
    pub alike: Vec<(Place, Vec<Alike>)>,
}

/// A job with fresh totals and, once it has ended, the rows that it names.
///
/// # Errors
/// [`StoreError`].
pub async fn status(app: &App, job: Job, now: Timestamp) -> Result<(Job, NamedRows), StoreError> {
    let job = refresh(app, job, now).await?;
    if job.closed_at.is_none() {
        return Ok((job, NamedRows::default()));
    }
    let failures = app.jobs.failures(&job, SHOWN_ERRORS).await?;
    let errors = failures.into_iter().map(|failure| RowError {
        row: failure.row,
        line: failure.line,
        error: failure.text(),
        code: failure.faults.first().map_or(String::new(), |fault| fault.code.clone()),
        email: failure.email,
    });
    let errors = errors.collect();
    let alike = app.jobs.alike(&job, SHOWN_ERRORS).await?;
    Ok((job, NamedRows { errors, alike }))
}

/// Refreshes the jobs of a page.
///
/// # Errors
/// [`StoreError`].
pub async fn refresh_page(
    app: &App,
    page: Page<Job>,
    now: Timestamp,
) -> Result<Page<Job>, StoreError> {
    let jobs = stream::iter(page.items).map(|job| refresh(app, job, now));
    let items = jobs.buffered(CONCURRENCY).try_collect().await?;
    Ok(Page { items, next: page.next })
}

/// Brings a job's totals up to date, at most every max([`App::totals_serve`], shards / 50 s),
/// and closes the job when they show its end.
///
/// # Errors
/// [`StoreError`].
pub async fn refresh(app: &App, job: Job, now: Timestamp) -> Result<Job, StoreError> {
    let age = time::elapsed(&job.tally_at, now);
    let serve = app.totals_serve.max(i64::from(job.shards() / 50));
    let fresh = job.shards() > CHEAP_SHARDS && age < serve;
    // A job that no reader has counted yet is counted at once.
    if job.closed_at.is_some() || (fresh && job.tally_at != job.created_at) {
        return Ok(job);
    }
    let tally = app.jobs.tally(&job).await?;
    if tally == job.tally && job.shards() <= CHEAP_SHARDS {
        return Ok(job);
    }
    let id = job.job_id;
    match save_totals(app, &job, &tally, now).await? {
        Some(job) => Ok(job),
        // Another reader has just closed it.
        None => app.jobs.get(id).await?.ok_or(StoreError::Conflict),
    }
}

/// Saves a job's totals and closes the job when they show its end; then the results of its
/// file are queued. Repeatable: the sweeper queues them again. `None` if another reader saved
/// first, or the job had ended.
///
/// # Errors
/// [`StoreError`].
pub async fn save_totals(
    app: &App,
    job: &Job,
    tally: &Tally,
    now: Timestamp,
) -> Result<Option<Job>, StoreError> {
    let saved = app.jobs.save_totals(job, tally, &time::millis(now)).await?;
    if let Some(job) = saved.as_ref().filter(|job| job.owes_results()) {
        enqueue(app, job, &FileTask::Results { job_id: job.job_id }).await;
    }
    Ok(saved)
}

/// Queues work on a job's file for the function `uploads`. If the queue is out of reach, the
/// sweeper queues it again.
pub async fn enqueue(app: &App, job: &Job, task: &FileTask) {
    let message = match Outgoing::new(task, sqs::job_group(&job.org, job.job_id)) {
        Ok(message) => message,
        Err(error) => return tracing::error!(%error, "file message not written"),
    };
    let sent = sqs::send_all(&app.sqs, &app.config.uploads_queue_url, &[message]).await;
    if let Err(error) = sent.all() {
        tracing::error!(%error, job_id = %job.job_id, "file message not queued");
    }
}
