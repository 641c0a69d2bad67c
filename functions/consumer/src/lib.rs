//! Handles batches of the queues `issue` and `mail`: rows to issue, mails to send.

use std::time::Instant;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{Error, LambdaEvent};
use unicreda::{
    App, clock,
    jobs::{consume, messages::Delivered},
};

/// Handles one batch and returns the messages to be received again.
///
/// # Errors
/// When a message has no id: an empty id in the answer would mean that all failed, so the whole batch
/// fails.
pub async fn handle(app: &App, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let started = Instant::now();
    let deadline = started + clock::left(event.context.deadline());
    let messages = event.payload.records.into_iter().map(delivered).collect::<Option<Vec<_>>>();
    let messages = messages.ok_or("a message without id or receipt handle")?;
    let size = messages.len();
    let report = consume::batch(app, messages, deadline).await;
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        messages = size,
        retried = report.retry.len(),
        issued = report.issued,
        duplicates = report.duplicates,
        revoked = report.revoked,
        corrected = report.corrected,
        refused = report.refused,
        mailed = report.mailed,
        mail_failed = report.mail_failed,
        mail_deferred = report.mail_deferred,
        mail_waiting = report.mail_waiting,
        unreadable = report.unreadable,
        duration_ms,
        request_id = event.context.request_id,
        "batch"
    );
    let mut answer = SqsBatchResponse::default();
    answer.batch_item_failures = report
        .retry
        .into_iter()
        .map(|id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        })
        .collect();
    Ok(answer)
}

fn delivered(message: SqsMessage) -> Option<Delivered> {
    let receives = message
        .attributes
        .get("ApproximateReceiveCount")
        .and_then(|count| count.parse().ok())
        .unwrap_or(1);
    Some(Delivered {
        id: message.message_id.filter(|id| !id.is_empty())?,
        receipt: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        receives,
    })
}
