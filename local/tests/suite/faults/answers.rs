//! Answers that a service would give in trouble.

use aws_smithy_runtime_api::{client::orchestrator::HttpResponse, http::StatusCode};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::{S3, SES};

/// The answer of a service that throttles.
pub fn throttled(operation: &str) -> HttpResponse {
    if operation.starts_with(S3) {
        s3_error(503, "SlowDown")
    } else if operation == SES {
        ses_error(400, "Throttling", "Maximum sending rate exceeded.")
    } else if operation.contains("Message") || operation.contains("Queue") {
        json_error(403, "com.amazonaws.sqs#RequestThrottled")
    } else {
        json_error(400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException")
    }
}

/// The answer to a transaction whose last item another writer has.
pub fn in_conflict(asked: &Value) -> HttpResponse {
    let items = asked["TransactItems"].as_array().map_or(1, Vec::len);
    let mut reasons = vec![json!({ "Code": "None" }); items];
    reasons[items - 1] = json!({ "Code": "TransactionConflict" });
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "Transaction cancelled", "CancellationReasons": reasons,
    });
    answer(400, body.to_string())
}

/// The answer of a service that fails.
pub fn server_error(operation: &str) -> HttpResponse {
    if operation.starts_with(S3) {
        s3_error(500, "InternalError")
    } else if operation == SES {
        ses_error(500, "InternalFailure", "…")
    } else {
        json_error(500, "InternalServerError")
    }
}

/// The answer to a call that has nothing to say.
pub fn nothing(operation: &str) -> HttpResponse {
    let body = if operation.starts_with(S3) { "<DeleteResult></DeleteResult>" } else { "{}" };
    answer(200, body.to_owned())
}

pub fn ses_error(status: u16, code: &str, message: &str) -> HttpResponse {
    answer(
        status,
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
        ),
    )
}

pub fn s3_error(status: u16, code: &str) -> HttpResponse {
    answer(status, format!("<Error><Code>{code}</Code><Message>…</Message></Error>"))
}

pub fn json_error(status: u16, code: &str) -> HttpResponse {
    answer(status, json!({ "__type": code, "message": "…" }).to_string())
}

pub fn answer(status: u16, body: String) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).expect("status"), SdkBody::from(body))
}
