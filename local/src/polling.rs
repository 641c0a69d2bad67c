//! The event source mappings: receives messages from a queue, passes them to its function as an SQS
//! event, and deletes those that did not fail.
//!
//! As on Lambda, an error, a panic or a timeout deletes nothing, a failure without an identifier means
//! that all messages failed, and a message that was not deleted is received again after its visibility
//! timeout. Unlike on Lambda there is no batching window: a batch is what the queue has at once.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use lambda_runtime::LambdaEvent;
use serde_json::{Map, Value, json};
use unicreda::App;

use crate::{invoke, serve::Tasks};

/// Most messages of one receive or delete call (SQS quota).
const CALL: i32 = 10;
/// First pause before a failed call is repeated; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause before a failed call is repeated.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Attempts to delete a message. A message that remains is received again, which the functions
/// tolerate.
const DELETE_ATTEMPTS: u32 = 4;

/// The mapping of a queue.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The queue's name.
    pub queue: &'static str,
    /// The function that handles its batches.
    pub function: Handler,
    /// The queue's URL.
    pub url: String,
    /// Most messages of a batch.
    pub batch: usize,
    /// Concurrent invocations.
    pub concurrency: usize,
    /// The function's timeout.
    pub timeout: Duration,
    /// Longest wait of a call for a first message, in seconds (SQS allows 20).
    pub wait_seconds: i32,
}

/// A function that handles batches.
#[derive(Clone, Copy, Debug)]
pub enum Handler {
    /// `consumer`
    Consumer,
    /// `feedback`
    Feedback,
    /// `privacy`
    Privacy,
    /// `print`
    Print,
    /// `uploads`
    Uploads,
}

/// Starts the mapping's pollers.
pub(crate) fn start(mapping: &Mapping, app: &Arc<App>, sqs: &aws_sdk_sqs::Client, tasks: &Tasks) {
    for _ in 0..mapping.concurrency {
        let (mapping, app, sqs) = (mapping.clone(), Arc::clone(app), sqs.clone());
        let stop = tasks.stop.clone();
        tasks.spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let gathered = tokio::select! {
                    () = stop.cancelled() => return,
                    gathered = gather(&mapping, &sqs) => gathered,
                };
                let outcome = match gathered {
                    Ok(batch) if batch.is_empty() => continue,
                    Ok(batch) => handle(&mapping, &app, &sqs, batch).await,
                    Err(error) => Err(error),
                };
                match outcome {
                    Ok(()) => pause = FIRST_PAUSE,
                    Err(error) => {
                        tracing::error!(
                            queue = mapping.queue,
                            error = format!("{error:#}"),
                            "queue not polled"
                        );
                        tokio::select! {
                            () = stop.cancelled() => return,
                            () = tokio::time::sleep(pause) => {}
                        }
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
        });
    }
}

/// Waits for a first message, then receives more while every call returns a full batch.
async fn gather(mapping: &Mapping, sqs: &aws_sdk_sqs::Client) -> anyhow::Result<Vec<Message>> {
    let mut batch = Vec::new();
    let mut wait = mapping.wait_seconds;
    loop {
        let room = i32::try_from(mapping.batch - batch.len()).unwrap_or(CALL).min(CALL);
        let taken = sqs
            .receive_message()
            .queue_url(&mapping.url)
            .max_number_of_messages(room)
            .wait_time_seconds(wait)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await;
        let messages = match taken {
            Ok(output) => output.messages.unwrap_or_default(),
            // The received messages must be handled now, not after their visibility timeout.
            Err(_) if !batch.is_empty() => return Ok(batch),
            Err(error) => return Err(error).context("receiving messages"),
        };
        let full = messages.len() >= usize::try_from(CALL).unwrap_or(usize::MAX);
        batch.extend(messages);
        if !full || batch.len() >= mapping.batch {
            return Ok(batch);
        }
        wait = 0;
    }
}

async fn handle(
    mapping: &Mapping,
    app: &App,
    sqs: &aws_sdk_sqs::Client,
    batch: Vec<Message>,
) -> anyhow::Result<()> {
    let event = event(mapping.queue, &batch)?;
    let name = match mapping.function {
        Handler::Consumer => "consumer",
        Handler::Feedback => "feedback",
        Handler::Privacy => "privacy",
        Handler::Print => "print",
        Handler::Uploads => "uploads",
    };
    let event = LambdaEvent::new(event, invoke::context(name, mapping.timeout));
    let invocation = async {
        match mapping.function {
            Handler::Consumer => consumer::handle(app, event).await,
            Handler::Feedback => feedback::handle(app, event).await,
            Handler::Privacy => privacy::handle(app, event).await,
            Handler::Print => print::handle(app, event).await,
            Handler::Uploads => uploads::handle(app, event).await,
        }
    };
    let response = match invoke::run(name, mapping.timeout, invocation).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => bail!("{name} failed: {error}"),
        Err(failure) => bail!("{name} did not answer: {failure:?}"),
    };
    let done = succeeded(&batch, &response)?;
    delete(mapping, sqs, done).await
}

/// Builds Lambda's event through its JSON.
fn event(queue: &str, batch: &[Message]) -> anyhow::Result<SqsEvent> {
    let records: Vec<Value> = batch
        .iter()
        .map(|message| {
            let attributes: Map<String, Value> = message
                .attributes()
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.as_str().to_owned(), Value::from(value.as_str())))
                .collect();
            let message_attributes: Map<String, Value> = message
                .message_attributes()
                .into_iter()
                .flatten()
                .map(|(name, value)| {
                    let value = json!({
                        "dataType": value.data_type(),
                        "stringValue": value.string_value(),
                        "stringListValues": [],
                        "binaryListValues": [],
                    });
                    (name.clone(), value)
                })
                .collect();
            json!({
                "messageId": message.message_id(),
                "receiptHandle": message.receipt_handle(),
                "body": message.body(),
                "attributes": attributes,
                "messageAttributes": message_attributes,
                "md5OfBody": message.md5_of_body(),
                "eventSource": "aws:sqs",
                "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{queue}"),
                "awsRegion": "us-east-1",
            })
        })
        .collect();
    serde_json::from_value(json!({ "Records": records })).context("building the SQS event")
}

/// The messages that may be deleted.
fn succeeded(batch: &[Message], response: &SqsBatchResponse) -> anyhow::Result<Vec<String>> {
    let failed: HashSet<&str> =
        response.batch_item_failures.iter().map(|f| f.item_identifier.as_str()).collect();
    let known: HashSet<&str> = batch.iter().filter_map(Message::message_id).collect();
    if !failed.is_subset(&known) {
        bail!(
            "the function reported a message that is not in the batch, so all {} failed",
            batch.len()
        );
    }
    Ok(batch
        .iter()
        .filter(|m| m.message_id().is_some_and(|id| !failed.contains(id)))
        .filter_map(|m| m.receipt_handle().map(str::to_owned))
        .collect())
}

async fn delete(
    mapping: &Mapping,
    sqs: &aws_sdk_sqs::Client,
    mut handles: Vec<String>,
) -> anyhow::Result<()> {
    let mut pause = FIRST_PAUSE;
    for _ in 0..DELETE_ATTEMPTS {
        let mut left = Vec::new();
        for chunk in handles.chunks(usize::try_from(CALL).unwrap_or(1)) {
            let entries = chunk
                .iter()
                .enumerate()
                .map(|(at, handle)| {
                    DeleteMessageBatchRequestEntry::builder()
                        .id(at.to_string())
                        .receipt_handle(handle)
                        .build()
                })
                .collect::<Result<Vec<_>, _>>()?;
            let deleted = sqs
                .delete_message_batch()
                .queue_url(&mapping.url)
                .set_entries(Some(entries))
                .send()
                .await;
            match deleted {
                Ok(output) => left.extend(
                    output
                        .failed()
                        .iter()
                        .filter(|f| !f.sender_fault())
                        .filter_map(|f| f.id().parse::<usize>().ok())
                        .filter_map(|at| chunk.get(at).cloned()),
                ),
                Err(_) => left.extend_from_slice(chunk),
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        handles = left;
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    bail!("{} messages could not be deleted and will be received again", handles.len())
}
