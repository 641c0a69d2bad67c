//! The work on a job about personal data: one process at a time, under a lease, up to its deadline.

use std::time::Instant;

use crate::{
    app::App,
    domain::{
        erasure::PrivacyOrder,
        job::{FILE_LEASE, Job},
        time,
    },
    store::StoreError,
};

/// The work on a job by one process, under its lease.
pub(super) struct Work<'a> {
    pub(super) app: &'a App,
    pub(super) job: &'a Job,
    pub(super) order: PrivacyOrder,
    pub(super) stop: Instant,
    pub(super) token: &'a str,
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
