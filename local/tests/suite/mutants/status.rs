//! Changes of a credential, of signing keys and of settings at the same time.

use anyhow::{Context as _, Result, ensure};
use jiff::ToSpan as _;
use serde_json::{Value, json};
use unicreda::{
    domain::{design::DesignPart, ids::OrgId, sender::AllowedSender, time},
    store::designs::OrganizationDesign,
};

use super::steps::{FIRST, answer_of, issue_job, issue_one, set_status};
use crate::{
    crashes::{self, Run},
    harness::person,
    sim::{Sim, handle},
};

/// A request that read a credential before its revocation suspends it.
pub(super) fn revoked_while_it_is_suspended(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        sim.drain().await?;
        let gate = sim.hold("GetItem", "LIST#demo.live.0", None);
        let path = format!("/credentials/{id}/suspend");
        let request = sim.request("POST", &path, Some(&json!({ "reason": "x" })), None);
        let asking = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        set_status(sim, &id, "revoked").await?;
        gate.open.cancel();
        ensure!(answer_of(asking).await?.status == 409, "a revocation is final");
        let credential = sim.world.get(&format!("/credentials/{id}")).await;
        ensure!(credential["status"] == "revoked", "{credential}");
        Ok(())
    })
}

/// Two credentials of one list are revoked at once.
pub(super) fn two_revocations_of_one_list(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let first = issue_one(sim).await?;
        let people = [person(2)];
        let second = sim.issue(&people, &people, None).await?.json();
        let second = second["credentials"][0]["credential_id"].as_str().context("id")?.to_owned();
        sim.drain().await?;
        let gate = sim.hold("TransactWriteItems", &first, None);
        let path = format!("/credentials/{first}/revoke");
        let request = sim.request("POST", &path, Some(&json!({ "reason": "x" })), None);
        let asking = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        set_status(sim, &second, "revoked").await?;
        gate.open.cancel();
        ensure!(answer_of(asking).await?.status == 200, "both are revoked");
        Ok(())
    })
}

/// Two requests correct a credential at once.
pub(super) fn two_corrections(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        sim.drain().await?;
        let gate = sim.hold("GetItem", "LIST#demo.live.0", None);
        let path = format!("/credentials/{id}");
        let request = sim.request("PATCH", &path, Some(&json!({ "term": "2026-1" })), None);
        let asking = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        let name = json!({ "recipient_name": "Persona Corregida" });
        ensure!(sim.world.call("PATCH", &path, Some(&name)).await.status == 200, "corrected");
        gate.open.cancel();
        ensure!(answer_of(asking).await?.status == 200, "it is corrected");
        let credential = sim.world.get(&path).await;
        ensure!(credential["recipient_name"] == "Persona Corregida", "{credential}");
        ensure!(credential["term"] == "2026-1" && credential["version"] == 3, "{credential}");
        Ok(())
    })
}

/// Two requests correct private facts of a credential at once, and one does while another corrects what is signed.
pub(super) fn two_private_corrections(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        crashes::with_facts(sim).await?;
        let mut one = person(1);
        one["custom"] = json!({ "hours": 120, "rut": "1-9", "roll": "2020-1" });
        let people = [one];
        let issued = sim.issue(&people, &people, None).await?.json();
        let id = issued["credentials"][0]["credential_id"].as_str().context("id")?.to_owned();
        sim.drain().await?;
        let path = format!("/credentials/{id}");
        for (late, early) in [
            (json!({ "custom": { "rut": "11-1" } }), json!({ "custom": { "roll": "2020-2" } })),
            (json!({ "custom": { "rut": null } }), json!({ "custom": { "hours": 130 } })),
        ] {
            let gate = sim.hold("TransactWriteItems", &id, None);
            let request = sim.request("PATCH", &path, Some(&late), None);
            let asking = sim.aside(|app| handle(app, request));
            gate.reached.cancelled().await;
            ensure!(sim.world.call("PATCH", &path, Some(&early)).await.status == 200, "corrected");
            gate.open.cancel();
            ensure!(answer_of(asking).await?.status == 200, "it is corrected");
        }
        let credential = sim.world.get(&path).await;
        ensure!(credential["custom"] == json!({ "hours": 130, "roll": "2020-2" }), "{credential}");
        ensure!(credential["version"] == 2, "{credential}");
        let history = credential["history"].as_array().context("a history")?;
        let fields: Vec<&Value> = history.iter().map(|event| &event["fields"]).collect();
        let each = ["custom.roll", "custom.rut", "custom.hours", "custom.rut"];
        ensure!(
            fields == each.map(|field| json!([field])).iter().collect::<Vec<_>>(),
            "{fields:?}"
        );
        Ok(())
    })
}

/// Two requests renew a credential at once, to two ends.
pub(super) fn two_renewals(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        crashes::ends_after_a_month(sim).await?;
        // Without mail: its state would tell the two apart.
        let template = &sim.world.demo.template_id;
        let body = json!({
            "template_id": template, "recipients": [person(1)], "send_email": false,
        });
        let issued = sim.insist("POST", "/credentials/issue", Some(&body), None).await?.json();
        let id = issued["credentials"][0]["credential_id"].as_str().context("id")?.to_owned();
        sim.expected.insert((FIRST.to_owned(), "A".to_owned()));
        sim.drain().await?;
        let gate = sim.hold("GetItem", "LIST#demo.live.0", None);
        let path = format!("/credentials/{id}/renew");
        let until = json!({ "until": "2100-01-01" });
        let request = sim.request("POST", &path, Some(&until), None);
        let asking = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        ensure!(sim.world.call("POST", &path, None).await.status == 200, "renewed");
        gate.open.cancel();
        // The first moved the end: beyond the sixty days, or not, by the lengths of the months.
        let late = answer_of(asking).await?;
        let versions = if late.status == 200 { 3 } else { 2 };
        ensure!([200, 409].contains(&late.status), "{}", late.body);
        let credential = sim.world.get(&format!("/credentials/{id}")).await;
        ensure!(credential["version"] == versions, "one after the other: {credential}");
        let history = credential["history"].as_array().context("a history")?;
        ensure!(history.len() + 1 == versions, "{credential}");
        Ok(())
    })
}

/// The address is corrected while the mail goes to the old one.
async fn correct_while_sent(sim: &mut Sim, id: &str) -> Result<()> {
    let gate = sim.hold("TransactWriteItems", id, None);
    let path = format!("/credentials/{id}");
    let change = json!({ "email": "corregida@ejemplo.com" });
    let request = sim.request("PATCH", &path, Some(&change), None);
    let asking = sim.aside(|app| handle(app, request));
    gate.reached.cancelled().await;
    while sim.deliver(100).await {}
    gate.open.cancel();
    ensure!(answer_of(asking).await?.status == 200, "it is corrected");
    sim.expected.remove(&(FIRST.to_owned(), "A".to_owned()));
    sim.expected.insert(("corregida@ejemplo.com".to_owned(), "A".to_owned()));
    sim.resends = 1;
    sim.drain().await?;
    let mails = sim.world.mails_now("corregida@ejemplo.com").await;
    ensure!(mails.len() == 1, "the new address was not mailed");
    Ok(())
}

pub(super) fn corrected_while_it_is_sent(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        correct_while_sent(sim, &id).await
    })
}

pub(super) fn corrected_while_its_job_sends(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_job(sim).await?;
        correct_while_sent(sim, &id).await
    })
}

/// A credential is corrected to the content of another one.
pub(super) fn corrected_to_anothers_content(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        let people = [person(2)];
        sim.issue(&people, &people, None).await?;
        sim.drain().await?;
        let path = format!("/credentials/{id}");
        let answer = sim.insist("PATCH", &path, Some(&people[0]), None).await?;
        ensure!(answer.status == 409, "{} {}", answer.status, answer.body);
        Ok(())
    })
}

/// Two administrators rotate the signing key at once.
pub(super) fn two_rotations(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        issue_one(sim).await?;
        let gate = sim.hold("TransactWriteItems", "SIGNING#live", None);
        let request = sim.request("POST", "/signing-keys", None, None);
        let asking = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        ensure!(sim.world.call("POST", "/signing-keys", None).await.status == 201, "rotated");
        gate.open.cancel();
        let late = answer_of(asking).await?;
        let keys = sim.world.get("/signing-keys").await;
        let keys = keys["items"].as_array().context("keys")?;
        let current = keys.iter().filter(|key| key["retired_at"].is_null()).count();
        ensure!(late.status == 409 && current == 1, "{} {keys:?}", late.status);
        Ok(())
    })
}

/// The key that signs is declared compromised before another one signs.
pub(super) fn compromised_while_it_signs(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        issue_one(sim).await?;
        let keys = sim.world.get("/signing-keys").await;
        let key = keys["items"][0]["multikey"].as_str().context("a key")?.to_owned();
        let path = format!("/signing-keys/{key}/compromise");
        let answer = sim.insist("POST", &path, Some(&json!({ "reason": "x" })), None).await?;
        ensure!(answer.status == 409, "{}", answer.body);
        Ok(())
    })
}

/// Allows the demo organization these senders beside its own.
async fn allow(sim: &Sim, senders: &[&str]) -> Result<()> {
    let app = sim.world.stack.app();
    let org = OrgId::parse(local::demo::ORGANIZATION)?;
    let read = app.catalog.together(&org, None, None, &[]).await?;
    let mut organization = read.organization.context("an organization")?;
    let mut allowed = vec![AllowedSender::of(&organization.settings.sender)];
    for sender in senders {
        allowed.push(AllowedSender::parse(sender)?);
    }
    organization.senders = Some(allowed);
    Ok(app.catalog.put_senders(&organization, "UTC").await?)
}

/// The operator takes a sender away while a request chooses it.
pub(super) fn sender_taken_away(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        allow(sim, &["@uni.example"]).await?;
        let gate = sim.hold("UpdateItem", "SET #settings", None);
        let change = json!({ "sender": "titulos@uni.example" });
        let request = sim.request("PUT", "/organization", Some(&change), None);
        let asking = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        allow(sim, &[]).await?;
        gate.open.cancel();
        let late = answer_of(asking).await?;
        let organization = sim.world.get("/organization").await;
        ensure!(late.status == 400, "{}", late.body);
        ensure!(organization["sender"] == "credenciales@demo.example", "{organization}");
        Ok(())
    })
}

/// Another request saved a design for the second that one is saved for.
pub(super) fn another_design_of_the_second(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let app = sim.world.stack.app();
        let org = OrgId::parse(local::demo::ORGANIZATION)?;
        let other = DesignPart { place: Some("Valdivia".to_owned()), ..DesignPart::default() };
        for second in 0..=60 {
            let since = time::seconds(sim.clock.now() + second.seconds());
            let item = OrganizationDesign { v: 1, since, design: other.clone() };
            ensure!(app.catalog.put_design(&org, &item).await?, "saved");
        }
        let design = json!({ "place": "Osorno" });
        let late = sim.insist("PUT", "/organization/design", Some(&design), None).await?;
        let saved = sim.world.get("/organization/design").await;
        ensure!(late.status == 409 && saved["place"] == "Valdivia", "{} {saved}", late.body);
        Ok(())
    })
}
