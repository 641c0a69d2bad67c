//! Scenarios of archives of certificates that meet other writers.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::erasures::ask;
use crate::{
    bucket::{client, keys},
    crashes::{Run, expect_no_more, nothing_is_left},
    faults::Fault,
    harness::person,
    sim::{Sim, handle},
};

/// The text of the note of an archive's last part.
const WHOLE: &str = "\"whole\":{\"BOOL\":true}";

/// A job of two people, and the address of its certificates.
async fn job(sim: &mut Sim) -> Result<String> {
    let people: Vec<Value> = (1..=2).map(person).collect();
    let job = sim.job(&people, &people, None).await?;
    sim.drain().await?;
    Ok(format!("/jobs/{job}/certificates"))
}

async fn order(sim: &mut Sim, path: &str) -> Result<()> {
    let ordered = sim.insist("POST", path, None, None).await?;
    ensure!(ordered.status == 202, "{}", ordered.body);
    Ok(())
}

/// The archive is there with so many certificates, and nothing else of the job is.
async fn is_made(sim: &mut Sim, path: &str, certificates: u32) -> Result<()> {
    sim.drain().await?;
    let shown = sim.world.get(path).await;
    ensure!(shown["status"] == "SUCCESS", "{shown}");
    ensure!(shown["certificates"] == certificates, "{shown}");
    let url = shown["files"][0]["url"].as_str().with_context(|| format!("no file: {shown}"))?;
    ensure!(sim.world.fetch(url).await.0 == 200, "the file is not there");
    let stored = keys(&client(&sim.world.stack)).await;
    let prints: Vec<&String> = stored.iter().filter(|key| key.starts_with("prints/")).collect();
    ensure!(prints.len() == 2, "an archive and its piece: {prints:?}");
    Ok(())
}

/// A person is erased after their certificate was drawn, and before that is noted.
pub(super) fn erased_while_it_is_drawn(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let path = job(sim).await?;
        order(sim, &path).await?;
        let gate = sim.hold("UpdateItem", WHOLE, None);
        let drawing = sim.deliver_file_aside().await;
        gate.reached.cancelled().await;
        ask(sim, "persona1@ejemplo.com").await?;
        expect_no_more(sim);
        while sim.deliver_file().await {}
        gate.open.cancel();
        drawing.await?;
        is_made(sim, &path, 1).await?;
        nothing_is_left(sim).await
    })
}

/// A process that was slow notes a part after another one has made the archive, and gets no further.
pub(super) fn a_slow_printer(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let path = job(sim).await?;
        order(sim, &path).await?;
        let gate = sim.hold("UpdateItem", WHOLE, None);
        let drawing = sim.deliver_file_aside().await;
        gate.reached.cancelled().await;
        sim.clock.jump(Duration::from_secs(200));
        sim.sweep().await;
        while sim.deliver_file().await {}
        // What follows a note would hide it: the file is there, so it would be noted again.
        sim.faults.on_calls_with("S3 POST", "uploadId=", 0..100, Fault::NeverArrives);
        gate.open.cancel();
        drawing.await?;
        sim.faults.heal_plan();
        is_made(sim, &path, 2).await
    })
}

/// A job that has changed is ordered again by two at once.
pub(super) fn ordered_again_by_two(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let path = job(sim).await?;
        order(sim, &path).await?;
        is_made(sim, &path, 2).await?;
        let credentials = sim.world.get(&path.replace("certificates", "results")).await;
        let id = credentials["items"][0]["credential_id"].as_str().context("an id")?.to_owned();
        let why = serde_json::json!({ "reason": "Error" });
        let revoked =
            sim.world.call("POST", &format!("/credentials/{id}/revoke"), Some(&why)).await;
        ensure!(revoked.status == 200, "revoked");
        let gate = sim.hold("PutItem", "print_state", None);
        let request = sim.request("POST", &path, None, None);
        let first = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        order(sim, &path).await?;
        is_made(sim, &path, 1).await?;
        gate.open.cancel();
        first.await?;
        is_made(sim, &path, 1).await
    })
}

/// An archive with a person who is erased is ordered again before it is withdrawn.
pub(super) fn ordered_again_while_it_is_withdrawn(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let path = job(sim).await?;
        order(sim, &path).await?;
        is_made(sim, &path, 2).await?;
        let gate = sim.hold("UpdateItem", "withdrawn", None);
        ask(sim, "persona1@ejemplo.com").await?;
        expect_no_more(sim);
        let erasing = sim.deliver_file_aside().await;
        gate.reached.cancelled().await;
        order(sim, &path).await?;
        while sim.deliver_file().await {}
        gate.open.cancel();
        erasing.await?;
        is_made(sim, &path, 1).await?;
        nothing_is_left(sim).await
    })
}
