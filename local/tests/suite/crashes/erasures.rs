//! Scenarios of erasure: of a person whose job still runs, and of one credential.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::{Run, issue_one, people};
use crate::{
    erasure::scan::{Marks, places},
    sim::Sim,
};

/// Words that the first person of the fixtures alone has.
const WORDS: [&str; 2] = ["persona1@", "Zorrilla 1"];

/// Nothing of the first person is left, in any form, but for inputs of a request that died before its job was
/// accepted: no job names them, and they expire.
pub async fn nothing_is_left(sim: &Sim) -> Result<()> {
    let mut left = Vec::new();
    for place in places(&sim.world, &Marks::of(&WORDS)).await {
        let inputs = place.strip_prefix("jobs ").and_then(|key| key.split_once("#00000 IN#"));
        let accepted = match inputs {
            Some((job, _)) => {
                sim.world.call("GET", &format!("/jobs/{job}"), None).await.status != 404
            }
            None => true,
        };
        if accepted {
            left.push(place);
        }
    }
    ensure!(left.is_empty(), "{left:?}");
    Ok(())
}

/// No credential of the first person is expected any more.
pub fn expect_no_more(sim: &mut Sim) {
    let others: BTreeSet<_> =
        sim.expected.iter().filter(|(email, _)| !email.starts_with("persona1@")).cloned().collect();
    sim.expected = others;
}

/// A person is erased who has a corrected credential, is a member, and is in a job that still runs.
pub fn erasure(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let member = json!({ "name": "Persona Zorrilla 1" });
        sim.insist("PUT", "/members/persona1@ejemplo.com", Some(&member), None).await?;
        let mut held = people(1..=1);
        held[0]["result_value"] = "B".into();
        let issued = sim.issue(&held, &held, None).await?.json();
        let id = issued["credentials"][0]["credential_id"].as_str().context("id")?.to_owned();
        sim.drain().await?;
        let change = json!({ "recipient_name": "Persona Zorrilla 1 B", "reason": "Zorrilla 1" });
        let path = format!("/credentials/{id}");
        sim.insist("PATCH", &path, Some(&change), None).await?;
        let job = sim.job(&people(1..=3), &people(1..=3), None).await?;
        sim.own_part();
        let order = json!({ "email": "persona1@ejemplo.com", "reason": "Lo pidió" });
        let answer = sim.insist("POST", "/people/erase", Some(&order), Some("e")).await?;
        ensure!(answer.status == 202, "{}", answer.body);
        expect_no_more(sim);
        sim.drain().await?;
        nothing_is_left(sim).await?;
        let credential = sim.world.get(&path).await;
        ensure!(
            credential["status"] == "erased" && credential["still_valid"] == true,
            "{credential}"
        );
        let rows = sim.world.get(&format!("/jobs/{job}/results")).await;
        let row = &rows["items"][0];
        ensure!(row["status"] == "issued" && row["credential_id"].is_string(), "{row}");
        // The same again brings nobody back.
        let again = sim.issue(&held, &[], None).await?.json();
        ensure!(again["credentials"][0]["error_codes"] == json!(["erased"]), "{again}");
        Ok(())
    })
}

/// A credential is erased and does not stay valid; then it is issued again.
pub fn erasure_and_reissue(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=1);
        let id = issue_one(sim, &people).await?;
        sim.drain().await?;
        sim.own_part();
        let order = json!({ "reason": "Lo pidió", "keep_valid": false });
        let path = format!("/credentials/{id}/erase");
        let answer = sim.insist("POST", &path, Some(&order), None).await?;
        ensure!(answer.status == 202, "{}", answer.body);
        sim.drain().await?;
        nothing_is_left(sim).await?;
        let erased = sim.world.get(&format!("/credentials/{id}")).await;
        ensure!(erased["still_valid"] == false, "{erased}");
        let body = json!({
            "template_id": sim.world.demo.template_id, "recipients": people, "reissue": true,
        });
        let mut ids = BTreeSet::new();
        for _ in 0..2 {
            let again = sim.insist("POST", "/credentials/issue", Some(&body), None).await?.json();
            let new = again["credentials"][0]["credential_id"].as_str().context("id")?.to_owned();
            ids.insert(new);
        }
        ensure!(ids.len() == 1 && !ids.contains(&id), "{ids:?}");
        Ok(())
    })
}
