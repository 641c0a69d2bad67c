//! Runs once a minute: closes ended jobs and queues stalled work again.

use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use unicreda::{
    App,
    http::problem::Problem,
    jobs::sweep::{self, SweepMode},
};

/// Runs once. The schedule's event asks for the ordinary run; `{"resume": true}` queues all open work
/// again, after the queues were lost.
///
/// # Errors
/// When the tables or queues are unreachable; the next run starts over.
pub async fn handle(app: &App, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let mode: SweepMode = serde_json::from_value(event.payload).unwrap_or_default();
    let started = std::time::Instant::now();
    match sweep::sweep(app, mode).await {
        Ok(swept) => {
            let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(
                resume = mode.resume,
                jobs = swept.jobs,
                closed = swept.closed,
                rows = swept.rows,
                mails = swept.mails,
                given_up = swept.given_up,
                files = swept.files,
                duration_ms,
                "sweep"
            );
            Ok(serde_json::to_value(swept)?)
        }
        Err(error) => {
            let cause = Problem::from(error).cause;
            tracing::error!(?cause, "sweep failed");
            Err("the sweep failed".into())
        }
    }
}
