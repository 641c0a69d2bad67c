//! Retrying a job that has ended: its failed mail, and rows that failed for our reasons.
//!
//! Safe to repeat: rows leave the failed sets before they are queued, so a second retry finds
//! none.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    app::App,
    aws::sqs::{self, Outgoing, QueueError},
    domain::{
        fault::Fault,
        identity::IdSecret,
        ids::CredentialId,
        job::{Job, Row},
        job_outcome::{RowStatus, Shard},
        ledger::Ended,
        time,
    },
    jobs::{
        JobError,
        accept::{AcceptError, fan_out},
        messages::{MESSAGE_VERSION, MailMessage, Message},
    },
    store::{StoreError, job_shards::ShardView},
};

/// A job is not retried.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// It has not ended.
    #[error("the job has not ended")]
    NotEnded,
    /// It failed as a whole and has no rows.
    #[error("the job failed as a whole")]
    FailedAsWhole,
    /// A failure of ours; repeating the retry goes on with it.
    #[error(transparent)]
    Job(#[from] JobError),
}

impl From<AcceptError> for RetryError {
    fn from(error: AcceptError) -> Self {
        Self::Job(error.into())
    }
}

impl From<StoreError> for RetryError {
    fn from(error: StoreError) -> Self {
        Self::Job(error.into())
    }
}

impl From<QueueError> for RetryError {
    fn from(error: QueueError) -> Self {
        Self::Job(error.into())
    }
}

/// The counts of a retry.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retried {
    /// Rows queued again.
    pub rows: usize,
    /// Mails queued again.
    pub mails: usize,
}

/// The rows of a shard that a retry queues again.
#[derive(Debug, Default)]
struct Retriable {
    rows: Vec<Row>,
    mails: Vec<(u32, CredentialId)>,
}

impl Retriable {
    /// Selects rows that failed for our reasons, and issued rows whose mail failed. None when
    /// the shard has neither.
    fn of(shard: &Shard, view: &ShardView, secret: &IdSecret, job: &Job) -> Option<Self> {
        let ours = Fault::GaveUp(0).code();
        let mut selected = Self::default();
        let mut any = false;
        for (row, input) in &view.rows {
            match shard.status(*row) {
                RowStatus::Failed => {
                    let failure = view.failures.get(row);
                    if failure.is_some_and(|f| f.faults.iter().any(|fault| fault.code == ours)) {
                        any = true;
                        selected.rows.push(input.clone());
                    }
                }
                RowStatus::Issued if shard.mail_ended(*row) == Some(Ended::Failed) => {
                    any = true;
                    if let Some(id) = view.credential_of(*row, secret, job) {
                        selected.mails.push((*row, id));
                    }
                }
                RowStatus::Issued | RowStatus::Pending => {}
            }
        }
        any.then_some(selected)
    }
}

/// Queues failed mail, and rows that failed for our reasons, again. The second call finds the
/// job open, or nothing to retry.
///
/// # Errors
/// [`RetryError`].
pub async fn retry(app: &App, job: &Job, now: Timestamp) -> Result<Retried, RetryError> {
    if job.closed_at.is_none() {
        return Err(RetryError::NotEnded);
    }
    if job.failure.is_some() {
        return Err(RetryError::FailedAsWhole);
    }
    let secret = app.catalog.id_secret(&job.org).await?;
    let now = time::millis(now);
    let (mut retried, mut reopened) = (Retried::default(), false);
    for (number, shard) in app.jobs.outcomes(job).await? {
        let tally = shard.tally();
        if tally.failed == 0 && tally.emails_failed == 0 {
            continue;
        }
        let view = app.jobs.shard(job.shard_id(number)).await?;
        let Some(selected) = Retriable::of(&shard, &view, &secret, job) else {
            continue;
        };
        // Open first: if this stops half-way the sweeper goes on with the job, or closes it
        // when nothing was left to retry.
        if !reopened {
            app.jobs.reopen(job, &now).await?;
            reopened = true;
        }
        retried.rows += selected.rows.len();
        retried.mails += selected.mails.len();
        retry_shard(app, job, number, selected, &now).await?;
    }
    Ok(retried)
}

/// Takes a shard's selected rows out of its failed sets, then queues them.
async fn retry_shard(
    app: &App,
    job: &Job,
    number: u32,
    selected: Retriable,
    now: &str,
) -> Result<(), RetryError> {
    let ttl = job.ttl().ok_or_else(|| JobError::broken("a job without expiry"))?;
    let issue: BTreeSet<u32> = selected.rows.iter().map(|row| row.number).collect();
    let mail: BTreeSet<u32> = selected.mails.iter().map(|(row, _)| *row).collect();
    // Out of the failed sets first: a mail that is pending again counts as open on its job.
    app.jobs.unfail(job.shard_id(number), &issue, &mail).await?;
    let mut messages = Vec::new();
    for (row, credential_id) in selected.mails {
        app.credentials.owe_again(credential_id, true, "", now).await?;
        let job_id = Some(job.job_id);
        // Of a credential that was erased since, the place says which row's mail is skipped.
        let place = Some((number, row));
        let mail = MailMessage { v: MESSAGE_VERSION, credential_id, job_id, place };
        let group = sqs::job_group(&job.org, job.job_id);
        messages.push(Outgoing::new(&Message::Mail(mail), group).map_err(JobError::broken)?);
    }
    fan_out(app, job, ttl, selected.rows).await?;
    sqs::send_all(&app.sqs, &app.config.mail_queue_url, &messages).await.all()?;
    Ok(())
}
