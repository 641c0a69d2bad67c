//! Handles messages of the queue `print`: archives of the certificates of a job. It draws as `render` does, which has no
//! right to write.

use std::time::Instant;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use lambda_runtime::{Error, LambdaEvent};
use render::printer::CertificatePrinter;
use unicreda::{App, clock, http::problem::Problem, jobs::print};

/// Handles the messages of one batch in order and returns those to be received again.
///
/// # Errors
/// When a message has no id: an empty id in the answer would mean that all failed, so the whole batch
/// fails.
pub async fn handle(app: &App, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let started = Instant::now();
    let deadline = started + clock::left(event.context.deadline());
    let mut answer = SqsBatchResponse::default();
    let messages = event.payload.records.len();
    let printer = CertificatePrinter::default();
    for message in event.payload.records {
        let id = message.message_id.filter(|id| !id.is_empty()).ok_or("a message without id")?;
        let body = message.body.unwrap_or_default();
        if let Err(error) = print::handle(app, &body, deadline, &printer).await {
            let problem = Problem::from(error);
            let cause = problem.cause.map(|cause| cause.to_string()).unwrap_or_default();
            tracing::error!(
                message_id = id,
                code = problem.code,
                cause,
                "certificates not worked on"
            );
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            answer.batch_item_failures.push(failure);
        }
    }
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        messages,
        retried = answer.batch_item_failures.len(),
        certificates = printer.drawn(),
        duration_ms,
        request_id = event.context.request_id,
        "certificates for print"
    );
    Ok(answer)
}
