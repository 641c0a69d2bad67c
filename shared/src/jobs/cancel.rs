//! Cancelling a job.
//!
//! Safe to repeat: the first instant is kept.

use jiff::Timestamp;

use crate::{app::App, domain::job::Job, domain::time, store::StoreError};

/// A job is not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// It has ended.
    #[error("the job has ended")]
    Ended,
    /// What it has erased cannot be undone, and half of it helps nobody.
    #[error("the job is about personal data")]
    Privacy,
    /// It collects what is given to a person.
    #[error("the job is an export")]
    Export,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Cancels a job: rows not yet issued fail with `Cancelado`, unsent mail is skipped. A second
/// call returns the job as it is.
///
/// # Errors
/// [`CancelError`].
pub async fn cancel(app: &App, job: Job, now: Timestamp) -> Result<Job, CancelError> {
    if job.is_export() {
        return Err(CancelError::Export);
    }
    if job.privacy.is_some() {
        return Err(CancelError::Privacy);
    }
    if job.cancelled_at.is_some() {
        return Ok(job);
    }
    let cancelled = app.jobs.cancel(job.job_id, &time::millis(now)).await?;
    cancelled.ok_or(CancelError::Ended)
}
