//! Follows a job until it ends. Safe to repeat: it only reads.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::{client::ApiRequest, exit::Failure, input, progress::Progress, session::Session};

/// Longest pause between two reads of a job's status.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Follows a job until it has ended. `on_change` receives every answer that differs from the
/// previous one.
///
/// # Errors
/// When the service stays unreachable or the job does not exist.
pub async fn until_ended(
    session: &Session,
    job_id: &str,
    mut on_change: impl FnMut(&Value) -> Result<(), Failure>,
) -> Result<Value, Failure> {
    let printer = session.printer;
    session.set_resume_hint(printer.pick(
        format!("el trabajo sigue en el servicio: repite el mismo comando, o usa `unicreda jobs watch {job_id}`"),
        format!("the job continues in the service: run the same command again, or `unicreda jobs watch {job_id}`"),
    ));
    let mut progress = Progress::new(printer);
    let client = session.client.patient(session.patience, &progress);
    let mut pause = Duration::from_millis(200);
    let mut before = Value::Null;
    loop {
        let job = client.json(ApiRequest::get(job_path(job_id, ""))).await?;
        if job != before {
            on_change(&job)?;
        }
        if has_ended(&job) {
            session.clear_resume_hint();
            return Ok(job);
        }
        progress.show_job(&job);
        before = job;
        sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

/// The API path of a job, with `suffix` for a resource below it.
pub fn job_path(job_id: &str, suffix: &str) -> String {
    format!("/jobs/{}{suffix}", input::path_segment(job_id))
}

fn has_ended(job: &Value) -> bool {
    job.get("status").is_some_and(|status| status == "SUCCESS" || status == "FAILURE")
}
