//! The queue of files that arrived in the bucket.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{Error, LambdaEvent};
use unicreda::App;

/// Handles one batch and names the messages that come back: none yet.
///
/// # Errors
/// None yet.
pub async fn handle(_app: &App, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    tracing::info!(
        messages = event.payload.records.len(),
        request_id = event.context.request_id,
        "uploads"
    );
    Ok(SqsBatchResponse::default())
}
