//! Whom the benchmarks of jobs issue credentials to.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use unicreda::{App, ids::JobId};

use crate::parts::{content, request};

/// Where credentials are issued.
pub const ISSUE: &str = "/api/v1/credentials/issue";

/// Somebody as a registrar's list has them: name, result, credits, role, term, dates.
fn graduate(n: u32) -> Value {
    json!({
        "email": format!("graduada.{n}@universidad.example"),
        "recipient_name": format!("Agustina Belén Zorrilla Ibáñez {n}"),
        "result_value": "B", "credits_earned": 6.5, "role": "Egresada", "term": "2025-1",
        "activity_start_date": "2025-03-10", "activity_end_date": "2025-07-21",
    })
}

/// A request that issues a credential to each of them.
pub fn body(template: &str, people: impl Iterator<Item = u32>) -> String {
    let people: Vec<Value> = people.map(graduate).collect();
    json!({ "template_id": template, "recipients": people }).to_string()
}

/// Has a job of so many rows accepted; its id.
pub async fn accept(app: &App, key: &str, template: &str, rows: u32) -> Result<JobId> {
    let asked = request(key, "POST", ISSUE, body(template, 1..=rows))?;
    let answer = content(&issue::handle(app, asked).await, 202)?;
    ensure!(answer["total"] == rows, "{answer}");
    Ok(serde_json::from_value(answer["job_id"].clone())?)
}
