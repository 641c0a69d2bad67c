//! Messages of the queue `privacy`: a process takes the lease of a job about personal data, works on it up
//! to its deadline, and notes how far it came.
//!
//! Safe to repeat: every part of such a job is, and a part that was not noted runs again.

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::{
    app::App,
    domain::{
        erasure::{Part, PrivacyAction},
        ids::JobId,
        job::FILE_LEASE,
        time,
    },
    jobs::{
        JobError, erase,
        export::{self, Archive},
        messages::{PRIVACY_TASK_VERSION, PrivacyTask},
        print_erased,
        private_work::{Step, Work},
        replay, retain,
    },
    store::job_files::{FileEnd, FileLease},
};

/// Time before the deadline at which no further work begins.
const RESERVE: Duration = Duration::from_secs(20);

/// Handles a message of the queue `privacy`; `archive` makes the archive of an export.
///
/// # Errors
/// [`JobError`]; the message comes back.
pub async fn handle(
    app: &App,
    body: &str,
    deadline: Instant,
    archive: Archive,
) -> Result<(), JobError> {
    let task: PrivacyTask = serde_json::from_str(body).map_err(JobError::broken)?;
    if task.v != PRIVACY_TASK_VERSION {
        return Err(JobError::broken("a message of another version"));
    }
    work(app, task.job_id, deadline, archive).await
}

async fn work(
    app: &App,
    job_id: JobId,
    deadline: Instant,
    archive: Archive,
) -> Result<(), JobError> {
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
    let outcome = run(&mut work, archive).await;
    if let Ok(Step::Next) = outcome {
        let now = app.clock.now();
        if work.order.action == PrivacyAction::Retain {
            retain::plan_next(&work).await?;
        }
        if !work.order.exports() {
            app.jobs.end_private(job_id, &token, &work.order, &time::millis(now)).await?;
            return Ok(());
        }
        let end = FileEnd::of(&job, now);
        if let Some(ended) = app.jobs.end_export(job_id, &token, &work.order, &end).await? {
            export::forget_pieces(app, &ended).await;
        }
        return Ok(());
    }
    app.jobs.leave_file(job_id, &token).await?;
    outcome.map(drop)
}

async fn run(work: &mut Work<'_>, archive: Archive) -> Result<Step, JobError> {
    while work.order.walk.part != Part::Done {
        let erases = matches!(work.order.walk.part, Part::Credentials | Part::Late)
            || work.order.action == PrivacyAction::Retain;
        let step = match work.order.action {
            PrivacyAction::Erase => Box::pin(erase::step(work)).await?,
            PrivacyAction::Replay => Box::pin(replay::step(work)).await?,
            PrivacyAction::Retain => Box::pin(retain::step(work)).await?,
            PrivacyAction::Export => Box::pin(export::step(work, archive)).await?,
        };
        if erases && !work.order.exports() {
            // Whoever was erased in it is in no archive of certificates any more.
            work.order.done.files += Box::pin(print_erased::delete(work)).await?;
        }
        if step == Step::Later || !work.has_time() {
            work.note().await?;
            return Ok(if work.order.walk.part == Part::Done { Step::Next } else { Step::Later });
        }
        work.note().await?;
    }
    Ok(Step::Next)
}
