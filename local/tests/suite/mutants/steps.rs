//! Steps that the scenarios share.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::{
    harness::person,
    sim::{Answer, Sim},
};

pub(super) async fn issue_one(sim: &mut Sim) -> Result<String> {
    let people = [person(1)];
    let answer = sim.issue(&people, &people, None).await?.json();
    Ok(answer["credentials"][0]["credential_id"].as_str().context("id")?.to_owned())
}

/// Issues a job of two, whose mails stay pending; the id of the first credential.
pub(super) async fn issue_job(sim: &mut Sim) -> Result<String> {
    let people: Vec<Value> = (1..=2).map(person).collect();
    let job = sim.job(&people, &people, None).await?;
    sim.deliver(100).await;
    let results = sim.world.get(&format!("/jobs/{job}/results")).await;
    let row = &results["items"][0];
    ensure!(row["email_status"] == "pending", "{results}");
    Ok(row["credential_id"].as_str().context("an id")?.to_owned())
}

/// Sets a credential's status, through the stack's own API.
pub(super) async fn set_status(sim: &Sim, id: &str, status: &str) -> Result<()> {
    let action = match status {
        "revoked" => "revoke",
        "suspended" => "suspend",
        "blocked" => "block",
        "unblocked" => "unblock",
        _ => "reinstate",
    };
    let path = format!("/credentials/{id}/{action}");
    let why = json!({ "reason": "x" });
    let answer = sim.world.call("POST", &path, Some(&why).filter(|_| action != "unblock")).await;
    ensure!(answer.status == 200, "{}", answer.text());
    Ok(())
}

pub(super) async fn answer_of(
    work: tokio::task::JoinHandle<http::Response<lambda_http::Body>>,
) -> Result<Answer> {
    Ok(Answer::read(&work.await?))
}

/// Requests a credential's mail again.
pub(super) async fn resend(sim: &mut Sim, id: &str) -> Result<()> {
    sim.resends = 1;
    let answer = sim.insist("POST", &format!("/credentials/{id}/resend"), None, None).await?;
    ensure!(answer.status == 202, "{}", answer.body);
    Ok(())
}

/// The address of `issue_one`'s recipient.
pub(super) const FIRST: &str = "persona1@ejemplo.com";

/// The lease of a running attempt ends, and its heir sends the mail.
pub(super) async fn inherit(sim: &mut Sim) {
    sim.clock.jump(Duration::from_secs(400));
    sim.make_visible();
    sim.deliver(100).await;
}
