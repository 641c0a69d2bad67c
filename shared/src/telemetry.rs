//! The log of a function: one JSON line an event, on standard output, which Lambda collects.

use tracing_subscriber::EnvFilter;

/// Starts the log at the level of `LOG_LEVEL` (default `info`). A second call changes nothing.
pub fn init() {
    let filter = EnvFilter::try_from_env("LOG_LEVEL").unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .try_init();
}
