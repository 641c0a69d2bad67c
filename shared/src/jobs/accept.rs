//! Accepts a job: its inputs, then the job itself, then a message for each row.
//!
//! Safe to repeat: inputs are stored before a message is queued, and the job's own item is
//! written last. A request that fails before that leaves only items that expire. A row that is
//! queued twice is issued once, see [`crate::credentials::issue`].

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use crate::{
    app::App,
    aws::sqs::{self, Outgoing, QueueError},
    credentials::issue::second_of,
    domain::{
        correction::Named,
        fault::{Fault, FaultText},
        ids::JobId,
        job::{Job, Row},
        lang::Lang,
        recipient::Entry,
        review::{self, Warnings},
        template::Definition,
        text::shortened,
    },
    jobs::messages::{MESSAGE_VERSION, Message, RowJob, RowMessage},
    store::StoreError,
};

/// Longest wait for the issue queue in an answer: 10,000 rows take seconds at worst, and the
/// gateway waits 29 s in all.
const QUEUE_ALL: Duration = Duration::from_secs(20);
/// Longest address that a job stores as it was sent, in characters.
pub(super) const KEPT_EMAIL: usize = 320;

/// A job that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub job_id: JobId,
    /// Its rows.
    pub total: usize,
}

/// The reason why a job is not accepted, or its rows are not queued.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// SQS did not take all messages.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A message cannot be written.
    #[error(transparent)]
    Message(#[from] serde_json::Error),
    /// The job's expiry is no instant.
    #[error(transparent)]
    Expiry(#[from] jiff::Error),
}

/// Turns an entry into a row of a job, its faults in the job's language.
pub fn row(number: u32, line: Option<u64>, entry: Entry, lang: Lang) -> Row {
    let (email, external_id) = (shortened(&entry.email, KEPT_EMAIL), entry.external_id);
    let none = Row {
        number,
        line,
        email,
        external_id,
        recipient: None,
        revoke: None,
        faults: Vec::new(),
        named: None,
        repeated_by: None,
    };
    match (entry.recipient, entry.naming) {
        (Ok(recipient), None) => Row { recipient: Some(recipient), ..none },
        (Ok(recipient), Some(naming)) => Row {
            named: Some(Named::new(recipient, naming)),
            faults: vec![Fault::GaveUp(1).in_language(lang)],
            ..none
        },
        (Err(faults), _) => {
            let faults: Vec<FaultText> =
                faults.iter().map(|fault| fault.in_language(lang)).collect();
            Row { faults, ..none }
        }
    }
}

/// The warnings about rows that came at an instant, RFC 3339, added to those `so_far`.
pub fn warned(
    mut so_far: Warnings,
    rows: &[Row],
    sent_at: &str,
    template: &Definition,
) -> Warnings {
    let Some(today) = review::day_of(sent_at) else { return so_far };
    for row in rows {
        if let Some(recipient) = row.read() {
            so_far.note(row.place(), &review::judge(recipient, today, template));
        }
    }
    so_far
}

/// Accepts a job and queues its rows.
///
/// Safe to repeat: see the module.
///
/// # Errors
/// [`AcceptError::Store`] and [`AcceptError::Expiry`]. A queue that takes no messages is no
/// error: the sweeper queues the rows later.
pub async fn start_job(app: &App, job: Job, rows: Vec<Row>) -> Result<Accepted, AcceptError> {
    let total = rows.len();
    let ttl = job.expires_at.parse::<Timestamp>()?.as_second();
    app.jobs.put_inputs(&job, &rows, ttl).await?;
    let job = match app.jobs.create(&job, ttl).await {
        Ok(()) => job,
        // An earlier attempt of this request created the job. It goes on under the template
        // version that it pinned, and queueing its rows again is harmless.
        Err(StoreError::Conflict) => app.jobs.get(job.job_id).await?.unwrap_or(job),
        Err(error) => return Err(error.into()),
    };
    // From here on the job is accepted, and the sweeper finds rows that are not queued: trouble
    // with the queue is no trouble of the caller's.
    match timeout(QUEUE_ALL, fan_out(app, &job, ttl, rows)).await {
        Ok(Ok(())) => {
            if let Err(error) = app.jobs.fanned_out(job.job_id).await {
                tracing::error!(%error, job_id = %job.job_id, "job not marked as started");
            }
        }
        Ok(Err(error)) => tracing::error!(%error, job_id = %job.job_id, "rows not queued"),
        Err(error) => tracing::error!(%error, job_id = %job.job_id, "rows not queued"),
    }
    Ok(Accepted { job_id: job.job_id, total })
}

/// Queues a message for each row of a job. Safe to repeat.
///
/// # Errors
/// [`AcceptError::Queue`] when SQS did not take all of them.
pub async fn fan_out(app: &App, job: &Job, ttl: i64, rows: Vec<Row>) -> Result<(), AcceptError> {
    let group = sqs::job_group(&job.org, job.job_id);
    let head = RowJob {
        job_id: job.job_id,
        org: job.org.clone(),
        mode: job.mode,
        template_id: job.template_id,
        template_version: job.template_version,
        shard_rows: job.shard_rows,
        issued_at: second_of(&job.created_at),
        ttl,
        send_email: job.send_email,
        lang: job.lang,
        revocation: job.revocation.clone(),
        dry_run: job.is_dry_run(),
        corrector: job.corrector().cloned(),
        blind: job.file.as_ref().is_some_and(|file| file.blind),
        strict: job.strict,
        reissue: job.reissue,
    };
    let messages = rows
        .into_iter()
        .map(|row| {
            let message = RowMessage { v: MESSAGE_VERSION, job: head.clone(), row };
            Outgoing::new(&Message::Issue(Box::new(message)), group.clone())
        })
        .collect::<Result<Vec<_>, _>>()?;
    sqs::send_all(&app.sqs, &app.config.issue_queue_url, &messages).await.all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    /// Release 0.1 reads `recipient` and `faults`, and nothing else of what such a row means.
    #[test]
    fn a_former_release_refuses_a_row_that_names_its_credential() {
        let sent = r#"{"email":"ana@ejemplo.com","recipient_name":"Ana","term":null,"credential_id":"550e8400-e29b-41d4-a716-446655440000"}"#;
        let raw = RawValue::from_string(sent.to_owned()).expect("JSON");
        let stored = row(3, Some(4), Entry::of_file(&raw), Lang::Es);
        let json = serde_json::to_value(&stored).expect("JSON");
        assert_eq!(json.get("recipient"), None, "{json}");
        assert_eq!(json["faults"][0]["code"], Fault::GaveUp(0).code(), "a retry takes it up");
        let read: Row = serde_json::from_value(json).expect("a row");
        let named = read.named.expect("it names a credential");
        assert_eq!(named.recipient.recipient_name.as_deref(), Some("Ana"));
        assert_eq!(named.cleared, [crate::domain::field::FieldName::Term]);
        // The API takes no such member.
        assert!(Entry::parse(&raw).recipient.is_err());
    }
}
