//! The recipients of the benchmarks of jobs.

use anyhow::{Result, ensure};
use graduate::graduate;
use serde_json::{Value, json};
use unicreda::{App, domain::ids::JobId};

use crate::parts::{content, request};

#[path = "graduate.rs"]
mod graduate;

/// The path that issues credentials.
pub const ISSUE: &str = "/api/v1/credentials/issue";

/// A request that issues a credential to each of them.
pub fn body(template: &str, people: impl Iterator<Item = u32>) -> String {
    let people: Vec<Value> = people.map(graduate).collect();
    json!({ "template_id": template, "recipients": people }).to_string()
}

/// Posts a job of `rows` rows; its id.
pub async fn accept(app: &App, key: &str, template: &str, rows: u32) -> Result<JobId> {
    let asked = request(key, "POST", ISSUE, body(template, 1..=rows))?;
    let answer = content(&issue::handle(app, asked).await, 202)?;
    ensure!(answer["total"] == rows, "{answer}");
    Ok(serde_json::from_value(answer["job_id"].clone())?)
}
