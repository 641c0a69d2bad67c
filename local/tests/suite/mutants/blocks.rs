//! Blocks of credentials, and changes at the same time.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::steps::{FIRST, answer_of, issue_one, set_status};
use crate::{
    crashes::Run,
    harness::person,
    sim::{Answer, Sim, handle},
};

fn why(reason: &str) -> Value {
    json!({ "reason": reason })
}

/// Two requests block a credential at once, for two reasons.
pub(super) fn two_blocks(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        sim.drain().await?;
        let gate = sim.hold("UpdateItem", "SET blocked", None);
        let path = format!("/credentials/{id}/block");
        let request = sim.request("POST", &path, Some(&why("later")), None);
        let asking = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        let first = sim.world.call("POST", &path, Some(&why("first"))).await;
        ensure!(first.status == 200, "{}", first.text());
        gate.open.cancel();
        let late = answer_of(asking).await?;
        ensure!(late.status == 200 && late.json()["blocked_reason"] == "first", "{}", late.body);
        let credential = sim.world.get(&format!("/credentials/{id}")).await;
        ensure!(credential["blocked_reason"] == "first", "{credential}");
        Ok(())
    })
}

/// A credential is removed from the table while an update of its block waits; the answer.
async fn removed_during(sim: &mut Sim, action: &str, update: &str) -> Result<Answer> {
    use aws_sdk_dynamodb::types::AttributeValue::S;
    // Without mail: a mail of nothing is a fault.
    let template = &sim.world.demo.template_id;
    let body = json!({ "template_id": template, "recipients": [person(1)], "send_email": false });
    let issued = sim.insist("POST", "/credentials/issue", Some(&body), None).await?.json();
    let id = issued["credentials"][0]["credential_id"].as_str().context("id")?.to_owned();
    if action == "unblock" {
        set_status(sim, &id, "blocked").await?;
    }
    let gate = sim.hold("UpdateItem", update, None);
    let body = Some(why("x")).filter(|_| action == "block");
    let request = sim.request("POST", &format!("/credentials/{id}/{action}"), body.as_ref(), None);
    let asking = sim.aside(|app| handle(app, request));
    gate.reached.cancelled().await;
    let app = sim.world.stack.app().clone();
    let gone = app.dynamodb.delete_item().table_name(&app.config.credentials_table);
    gone.key("id", S(id.clone())).send().await?;
    gate.open.cancel();
    let answer = answer_of(asking).await?;
    let found = app.dynamodb.get_item().table_name(&app.config.credentials_table);
    let found = found.key("id", S(id)).consistent_read(true).send().await?;
    ensure!(found.item.is_none(), "half a credential: {:?}", found.item);
    sim.expected.remove(&(FIRST.to_owned(), "A".to_owned()));
    Ok(answer)
}

pub(super) fn removed_while_it_is_blocked(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let answer = removed_during(sim, "block", "SET blocked").await?;
        ensure!(answer.status == 404, "{}", answer.body);
        Ok(())
    })
}

pub(super) fn removed_while_its_block_is_lifted(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let answer = removed_during(sim, "unblock", "REMOVE blocked").await?;
        ensure!(answer.status == 404, "{}", answer.body);
        Ok(())
    })
}
