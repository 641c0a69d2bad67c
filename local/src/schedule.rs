//! Runs the sweeper once a minute.
//!
//! The embedded queues live in memory, so a start has lost what stood in them: the first
//! run tells the sweeper to queue all open work again (`{"resume": true}`), before anything
//! is taken from the queues.

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::LambdaEvent;
use serde_json::json;
use unicreda::App;

use crate::{invoke, serve::Tasks};

/// The sweeper's timeout.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs the sweeper once; tells whether it succeeded.
pub async fn sweep(app: &App, resume: bool) -> bool {
    let payload = if resume { json!({"resume": true}) } else { json!({}) };
    let event = LambdaEvent::new(payload, invoke::context("sweeper", TIMEOUT));
    match invoke::run("sweeper", TIMEOUT, sweeper::handle(app, event)).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            tracing::error!(error = %error, "sweeper failed");
            false
        }
        Err(_) => false,
    }
}

/// Sweeps every `period`. A first run that failed is made up for.
pub(crate) fn start(app: Arc<App>, tasks: &Tasks, period: Duration, mut resumed: bool) {
    let stop = tasks.stop.clone();
    tasks.spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(period) => {}
            }
            resumed |= sweep(&app, !resumed).await;
        }
    });
}
