//! Invokes a function as Lambda does: with a context and a deadline, and isolated from the caller, so
//! that a panic or an endless loop ends only that invocation.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use lambda_runtime::Context;

/// Largest event and largest answer of a synchronous invocation, in bytes (Lambda quotas).
pub const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// Why an invocation has no answer.
#[derive(Debug)]
pub enum Failure {
    /// It panicked; the log has the message.
    Panic,
    /// It exceeded its deadline.
    Timeout,
}

/// A context with a request id and a deadline.
pub fn context(function: &str, timeout: Duration) -> Context {
    let mut context = Context::default();
    context.request_id = uuid::Uuid::new_v4().to_string();
    let deadline = SystemTime::now() + timeout;
    context.deadline = deadline
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
    context.invoked_function_arn =
        format!("arn:aws:lambda:us-east-1:000000000000:function:{function}");
    context
}

/// Runs an invocation to its end, at most `timeout`.
pub async fn run<F: Future>(
    function: &'static str,
    timeout: Duration,
    invocation: F,
) -> Result<F::Output, Failure> {
    match tokio::time::timeout(timeout, AssertUnwindSafe(invocation).catch_unwind()).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(_)) => {
            tracing::error!(function, "invocation panicked");
            Err(Failure::Panic)
        }
        Err(_) => {
            tracing::error!(function, timeout_s = timeout.as_secs(), "invocation timed out");
            Err(Failure::Timeout)
        }
    }
}
