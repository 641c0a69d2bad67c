//! Jobs: many recipients, followed to their end.
//!
//! Use cases: they take an [`App`](crate::App) and values of the domain, and return the same or
//! an error of their own. Messages in and out of the queues are in [`messages`]; [`consume`],
//! [`upload`] and [`sweep`] run behind queues and the schedule, the others behind the API.

pub mod accept;
pub mod cancel;
mod compare_people;
pub mod consume;
mod dead_letters;
mod end_rows;
mod erase;
mod erase_rows;
pub mod export;
mod export_files;
mod export_refused;
mod import_members;
pub mod member_rows;
pub mod messages;
mod named_rows;
pub mod print;
mod print_erased;
pub mod print_order;
mod print_rows;
pub mod privacy;
pub mod privacy_tasks;
mod private_work;
pub mod progress;
mod read_file;
mod read_sheet;
pub mod replay;
pub mod results;
pub mod results_file;
mod results_layout;
mod retain;
pub mod retry;
pub mod revoke;
mod revoke_rows;
pub mod sweep;
pub mod upload;
mod worked_rows;

use crate::{
    aws::{
        s3::FileError,
        sqs::{DepthError, QueueError},
    },
    jobs::accept::AcceptError,
    store::StoreError,
};

/// A failure of ours while working on a job. The work can be repeated.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A queue took only a part of the messages.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A queue did not report its depth.
    #[error(transparent)]
    Depth(#[from] DepthError),
    /// The bucket.
    #[error(transparent)]
    File(#[from] FileError),
    /// A bug.
    #[error("{0}")]
    Broken(Box<dyn std::error::Error + Send + Sync>),
}

impl From<AcceptError> for JobError {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Store(error) => error.into(),
            AcceptError::Queue(error) => error.into(),
            AcceptError::Message(error) => Self::broken(error),
            AcceptError::Expiry(error) => Self::broken(error),
        }
    }
}

impl JobError {
    /// A bug, with its cause.
    pub(crate) fn broken(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Broken(cause.into())
    }
}
