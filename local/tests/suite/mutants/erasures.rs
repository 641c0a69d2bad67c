//! Scenarios of erasures that meet other writers.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::steps::{issue_one, resend};
use crate::{
    crashes::{Run, expect_no_more, nothing_is_left},
    faults::Fault,
    harness::person,
    sim::Sim,
};

/// Asks for the erasure of the first person.
pub(super) async fn ask(sim: &mut Sim, email: &str) -> Result<String> {
    let order = json!({ "email": email, "reason": "Lo pidió" });
    let answer = sim.insist("POST", "/people/erase", Some(&order), None).await?;
    ensure!(answer.status == 202, "{}", answer.body);
    Ok(answer.json()["job_id"].as_str().unwrap_or_default().to_owned())
}

/// A credential is corrected after its history lost what it said, and before its tombstone is put.
pub(super) fn corrected_while_it_is_erased(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        sim.drain().await?;
        let gate = sim.hold("PutItem", "erased_at", None);
        ask(sim, "persona1@ejemplo.com").await?;
        expect_no_more(sim);
        let erasing = sim.deliver_file_aside().await;
        gate.reached.cancelled().await;
        let name = json!({ "recipient_name": "Persona Zorrilla 1 B" });
        let path = format!("/credentials/{id}");
        ensure!(sim.world.call("PATCH", &path, Some(&name)).await.status == 200, "corrected");
        gate.open.cancel();
        erasing.await?;
        sim.drain().await?;
        nothing_is_left(sim).await
    })
}

/// A mail that failed is sent again after the erasure has recorded it, and before its tombstone is put.
pub(super) fn mailed_while_it_is_erased(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        let refused = Fault::SesError(400, "MessageRejected", "x");
        sim.faults.on_calls_with("SendRawEmail", "persona1%40", 0..1, refused);
        let job = sim.job(&people, &people, None).await?;
        sim.drain().await?;
        let results = sim.world.get(&format!("/jobs/{job}/results")).await;
        let id = results["items"][0]["credential_id"].as_str().unwrap_or_default().to_owned();
        let gate = sim.hold("PutItem", "erased_at", None);
        ask(sim, "persona1@ejemplo.com").await?;
        expect_no_more(sim);
        // The suppression of the address would keep the mail from being sent.
        sim.world.call("DELETE", "/suppressions/persona1@ejemplo.com", None).await;
        let erasing = sim.deliver_file_aside().await;
        gate.reached.cancelled().await;
        sim.world.call("DELETE", "/suppressions/persona1@ejemplo.com", None).await;
        resend(sim, &id).await?;
        let sending = sim.hold("SendRawEmail", "persona1%40", None);
        let mailing = sim.deliver_aside().await;
        sending.reached.cancelled().await;
        gate.open.cancel();
        erasing.await?;
        sending.open.cancel();
        mailing.await?;
        sim.drain().await?;
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["emails_sent"] == 2, "its mail was sent: {result}");
        nothing_is_left(sim).await
    })
}

/// Two people of one piece of inputs are erased at once.
pub(super) fn two_erasures_of_one_piece(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        sim.job(&people, &people, None).await?;
        sim.drain().await?;
        let gate = sim.hold("UpdateItem", "SET #data", None);
        ask(sim, "persona2@ejemplo.com").await?;
        let erasing = sim.deliver_file_aside().await;
        gate.reached.cancelled().await;
        ask(sim, "persona1@ejemplo.com").await?;
        sim.expected.clear();
        while sim.deliver_file().await {}
        gate.open.cancel();
        erasing.await?;
        sim.drain().await?;
        nothing_is_left(sim).await
    })
}
