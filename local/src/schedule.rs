//! Runs the sweeper once a minute.
//!
//! The embedded queues are in memory, so a start has lost their messages. The first run asks the
//! sweeper to queue all open work again (`{"resume": true}`), before the pollers start.

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::LambdaEvent;
use serde_json::json;
use unicreda::App;

use crate::{invoke, serve::Tasks};

/// The sweeper's timeout.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs the sweeper once; whether it succeeded.
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

/// Runs the sweeper every `period`. Repeats a first run that failed.
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
