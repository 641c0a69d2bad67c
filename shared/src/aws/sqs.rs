//! SQS: sends messages in batches, and reads how many a queue holds.
//!
//! Group ids make the standard queues fair: a large job delays neither messages of other
//! organizations nor single issues of its own.

use std::{collections::HashMap, time::Duration};

use aws_sdk_sqs::{
    Client,
    types::{QueueAttributeName, SendMessageBatchRequestEntry},
};
use futures::{StreamExt, stream};
use serde::Serialize;

use crate::{
    domain::ids::{JobId, OrgId},
    sdk::{error_kind, pause},
};

/// Entries of one `SendMessageBatch` (API reference).
const BATCH_ENTRIES: usize = 10;
/// Bytes of one `SendMessageBatch`. SQS takes 1 MiB; less leaves room for attributes and for
/// emulators that keep the older limit of 256 KiB.
const BATCH_BYTES: usize = 240 * 1024;
/// Batches sent at once.
const CONCURRENCY: usize = 16;
/// Attempts at sending an entry.
const ROUNDS: u32 = 6;

/// Some messages could not be sent.
#[derive(Debug, thiserror::Error)]
#[error("SQS took {sent} of {total} messages: {cause}")]
pub struct QueueError {
    /// Messages sent.
    pub sent: usize,
    /// Messages to send.
    pub total: usize,
    /// Code of the first failure.
    pub cause: String,
}

/// A queue did not report how many messages it holds.
#[derive(Debug, thiserror::Error)]
#[error("the depth of a queue is unknown: {0}")]
pub struct DepthError(String);

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
    /// [`serde_json::Error`], in theory: every message of the service can be serialized.
    pub fn new<T: Serialize>(message: &T, group: String) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_string(message)?;
        // SQS refuses the two noncharacters (SendMessage, "U+E000 to U+FFFD"); JSON can
        // write them as escapes.
        let body = body.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff");
        Ok(Self { body, group })
    }
}

/// Returns the group of a job's messages.
pub fn job_group(org: &OrgId, job: JobId) -> String {
    format!("{org}:{job}")
}

/// Returns the group of an organization's single issues.
pub fn sync_group(org: &OrgId) -> String {
    format!("{org}:sync")
}

/// Sends messages in batches with bounded concurrency, and again each entry that SQS reports as
/// failed. The result names the positions that it could not send.
///
/// A repeated call queues messages twice; consumers handle a message that arrives twice.
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

/// The outcome of [`send_all`]: failures by position.
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

    /// Requires that all messages were sent.
    ///
    /// # Errors
    /// [`QueueError`] when SQS did not take one.
    pub fn all(self) -> Result<(), QueueError> {
        let sent = self.total - self.failed.len();
        match self.failed.into_values().next() {
            None => Ok(()),
            Some(cause) => Err(QueueError { sent, total: self.total, cause }),
        }
    }
}

/// Returns about how many messages a queue holds, received and deferred ones included.
///
/// # Errors
/// [`DepthError`] when SQS does not answer.
pub async fn depth(client: &Client, url: &str) -> Result<i64, DepthError> {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ];
    let answer = client
        .get_queue_attributes()
        .queue_url(url)
        .set_attribute_names(Some(names.to_vec()))
        .send()
        .await
        .map_err(|error| DepthError(crate::sdk::error_kind(&error)))?;
    let count = |name| {
        let text = answer.attributes().and_then(|a| a.get(name));
        text.and_then(|n| n.parse::<i64>().ok()).unwrap_or(i64::MAX / 2)
    };
    Ok(names.iter().map(count).sum())
}

/// A message that was received, and is hidden for a while.
#[derive(Debug)]
pub struct Received {
    /// Its body.
    pub body: String,
    receipt: String,
}

/// Receives up to ten messages of a queue, which are then hidden for `hidden`.
///
/// # Errors
/// [`DepthError`] when the queue does not answer.
pub async fn receive(
    client: &Client,
    url: &str,
    hidden: Duration,
) -> Result<Vec<Received>, DepthError> {
    let asked = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .visibility_timeout(i32::try_from(hidden.as_secs()).unwrap_or(i32::MAX));
    let answer = asked.send().await.map_err(|error| DepthError(error_kind(&error)))?;
    let messages = answer.messages.unwrap_or_default().into_iter();
    let received = messages.filter_map(|message| {
        Some(Received { body: message.body?, receipt: message.receipt_handle? })
    });
    Ok(received.collect())
}

/// Deletes a message that was received.
///
/// # Errors
/// [`DepthError`] when the queue does not answer.
pub async fn delete(client: &Client, url: &str, message: &Received) -> Result<(), DepthError> {
    let delete = client.delete_message().queue_url(url).receipt_handle(&message.receipt);
    delete.send().await.map(drop).map_err(|error| DepthError(error_kind(&error)))
}

/// Makes SQS deliver a received message again after `wait`, at most 12 hours from its receipt;
/// false when SQS refuses.
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
