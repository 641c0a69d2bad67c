//! Handles batches of SES's events: mail was delivered, bounced, complained about or rejected.

use std::time::Instant;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use lambda_runtime::{Error, LambdaEvent};
use unicreda::{App, clock, mail::feedback};

/// Handles one batch and returns the messages to be received again.
///
/// # Errors
/// When a message has no id: an empty id in the answer would mean that all failed, so the whole batch
/// fails.
pub async fn handle(app: &App, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let started = Instant::now();
    let deadline = started + clock::left(event.context.deadline());
    let messages = event.payload.records.into_iter().map(|message| {
        let id = message.message_id.filter(|id| !id.is_empty())?;
        Some((id, message.body.unwrap_or_default()))
    });
    let messages = messages.collect::<Option<Vec<_>>>().ok_or("a message without id")?;
    let size = messages.len();
    let report = feedback::batch(app, messages, deadline).await;
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        messages = size,
        retried = report.retry.len(),
        recorded = report.recorded,
        not_arrived = report.not_arrived,
        requeued = report.requeued,
        suppressed = report.suppressed,
        ignored = report.ignored,
        unreadable = report.unreadable,
        duration_ms,
        request_id = event.context.request_id,
        "feedback"
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
