//! The two queues and what goes through them.
//!
//! A message is JSON with a version and a kind; its body is all that a batch needs. Group
//! ids make the standard queues fair: a giant job starves nobody, not even its owner's
//! single issue.

use std::{collections::HashMap, time::Duration};

use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        ids::{CredentialId, JobId, Mode, OrgId, TemplateId},
        job::{Revocation, Row},
        lang::Lang,
    },
    sdk::pause,
};

/// Entries of one `SendMessageBatch` (API reference).
const BATCH_ENTRIES: usize = 10;
/// Bytes of one `SendMessageBatch`. The service takes 1 MiB; below it stays room for
/// attributes and for servers that still hold to the former 256 KiB.
const BATCH_BYTES: usize = 240 * 1024;
/// Batches under way at once.
const CONCURRENCY: usize = 16;
/// Rounds in which failed entries are sent again.
const ROUNDS: u32 = 6;

/// Version of the messages below.
pub const MESSAGE_VERSION: u32 = 1;

/// A message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Message {
    /// Issue one row of a job.
    Issue(Box<IssueRow>),
    /// Send one credential's mail.
    Mail(MailMessage),
}

/// Issue one row of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssueRow {
    /// Version.
    pub v: u32,
    /// Job.
    pub job_id: JobId,
    /// Owner.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Template.
    pub template_id: TemplateId,
    /// The version that the job began with.
    pub template_version: u32,
    /// Rows of a shard.
    pub shard_rows: u32,
    /// When the job was accepted, RFC 3339 to the second.
    pub issued_at: String,
    /// When the job's items expire, seconds since 1970.
    pub ttl: i64,
    /// Whether mail was asked for.
    pub send_email: bool,
    /// Language of error texts.
    pub lang: Lang,
    /// Set when the row is to be revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    /// Whether it is only to be told what would happen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The row.
    pub row: Row,
}

impl IssueRow {
    /// The row's shard, from 0.
    pub fn shard(&self) -> u32 {
        self.row.row.saturating_sub(1) / self.shard_rows.max(1)
    }
}

/// Send one credential's mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailMessage {
    /// Version.
    pub v: u32,
    /// Credential.
    pub credential_id: CredentialId,
    /// The job that follows the mail, if one does: cancelled, it skips it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// Its shard on that job, from 0, and its row, from 1, when it is the mail that the row
    /// was issued with: it is claimed with others of its shard, see [`crate::mail::ledger`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<(u32, u32)>,
}

/// What is to be done with a job's file, for the function `uploads`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum FileTask {
    /// Read on.
    Read {
        /// The job.
        job_id: JobId,
    },
    /// Write its results.
    Results {
        /// The job.
        job_id: JobId,
    },
    /// Remove its files.
    Forget {
        /// The job.
        job_id: JobId,
    },
}

/// Some messages could not be sent.
#[derive(Debug, thiserror::Error)]
#[error("SQS took {sent} of {total} messages: {cause}")]
pub struct QueueError {
    /// Messages sent.
    pub sent: usize,
    /// Messages to send.
    pub total: usize,
    /// Why the others were not.
    pub cause: String,
}

/// A message to send: its body and its fair-queue group.
#[derive(Clone, Debug)]
pub struct Outgoing {
    body: String,
    group: String,
}

impl Outgoing {
    /// Writes a message for a group.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which no value of the type causes.
    pub fn new<T: Serialize>(message: &T, group: String) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_string(message)?;
        // SQS refuses the two noncharacters (SendMessage, "U+E000 to U+FFFD"); JSON can
        // write them as escapes.
        let body = body.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff");
        Ok(Self { body, group })
    }
}

/// The group of a job's messages.
pub fn job_group(org: &OrgId, job: JobId) -> String {
    format!("{org}:{job}")
}

/// The group of an organization's single issues.
pub fn sync_group(org: &OrgId) -> String {
    format!("{org}:sync")
}

/// Sends messages, batched, with bounded concurrency; every entry that SQS reports as
/// failed is sent again. Answers with the positions of those that could not be sent.
///
/// Repeating it queues messages twice, which consumers make harmless.
pub async fn send_all(client: &Client, url: &str, messages: &[Outgoing]) -> Sent {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for (at, message) in messages.iter().enumerate() {
        match batches.last_mut() {
            Some(batch)
                if batch.len() < BATCH_ENTRIES && bytes + message.body.len() <= BATCH_BYTES =>
            {
                batch.push(at);
                bytes += message.body.len();
            }
            _ => {
                batches.push(vec![at]);
                bytes = message.body.len();
            }
        }
    }
    let mut failed = HashMap::new();
    let mut outcomes = stream::iter(batches)
        .map(|batch| send_batch(client, url, messages, batch))
        .buffer_unordered(CONCURRENCY);
    while let Some(outcome) = outcomes.next().await {
        failed.extend(outcome);
    }
    Sent { total: messages.len(), failed }
}

/// What [`send_all`] could not send, by position.
#[derive(Debug)]
pub struct Sent {
    total: usize,
    failed: HashMap<usize, String>,
}

impl Sent {
    /// Whether the message at a position was sent.
    pub fn has(&self, at: usize) -> bool {
        !self.failed.contains_key(&at)
    }

    /// An error unless all were sent.
    ///
    /// # Errors
    /// When one was not.
    pub fn all(self) -> Result<(), QueueError> {
        let sent = self.total - self.failed.len();
        match self.failed.into_values().next() {
            None => Ok(()),
            Some(cause) => Err(QueueError { sent, total: self.total, cause }),
        }
    }
}

/// Makes a received message come back after `wait`, of at most 12 hours from its receipt;
/// false when SQS did not take that.
pub async fn hide(client: &Client, url: &str, receipt: &str, wait: Duration) -> bool {
    let changed = client
        .change_message_visibility()
        .queue_url(url)
        .receipt_handle(receipt)
        .visibility_timeout(i32::try_from(wait.as_secs()).unwrap_or(i32::MAX));
    changed.send().await.is_ok()
}

async fn send_batch(
    client: &Client,
    url: &str,
    messages: &[Outgoing],
    mut left: Vec<usize>,
) -> HashMap<usize, String> {
    let mut cause = String::new();
    for round in 0..ROUNDS {
        pause(round).await;
        let entries = left
            .iter()
            .filter_map(|at| messages.get(*at).map(|message| (at, message)))
            .filter_map(|(at, message)| {
                SendMessageBatchRequestEntry::builder()
                    .id(at.to_string())
                    .message_body(&message.body)
                    .message_group_id(&message.group)
                    .build()
                    .ok()
            })
            .collect();
        let sent =
            client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
        match sent {
            Ok(answer) => {
                // A reply of 200 can hold failed entries; only these are sent again.
                left = answer.failed().iter().filter_map(|f| f.id().parse().ok()).collect();
                cause = answer.failed().first().map_or(String::new(), |f| f.code().to_owned());
            }
            Err(error) => cause = crate::sdk::error_kind(&error),
        }
        if left.is_empty() {
            return HashMap::new();
        }
    }
    left.into_iter().map(|at| (at, cause.clone())).collect()
}
