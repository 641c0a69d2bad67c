//! Requests: the same content, the same key, an expired key, an archived template.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json, value::RawValue};
use unicreda::domain::{
    identity,
    ids::{Mode, OrgId, TemplateId},
    recipient::Entry,
};

use super::steps::{answer_of, issue_one};
use crate::{
    crashes::Run,
    faults::Fault,
    harness::person,
    idempotency::FormerRequest,
    sim::{Sim, handle},
};

pub(super) fn asked_twice(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = [person(1)];
        for duplicate in [false, true] {
            let answer = sim.issue(&people, &people, None).await?.json();
            ensure!(answer["credentials"][0]["duplicate"] == duplicate, "{answer}");
            sim.drain().await?;
        }
        Ok(())
    })
}

/// A person whose name cleaning changes.
fn unclean(n: u32) -> Value {
    let mut person = person(n);
    person["recipient_name"] = "Persona  Zorrilla".into();
    person
}

/// Content that cleaning changes is asked for again.
pub(super) fn cleaned_twice(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = [unclean(1)];
        for duplicate in [false, true] {
            let answer = sim.issue(&people, &people, None).await?.json();
            ensure!(answer["credentials"][0]["duplicate"] == duplicate, "{answer}");
            sim.drain().await?;
        }
        Ok(())
    })
}

/// A credential was corrected, by a release that did not clean, to content as it is sent again.
pub(super) fn cleaned_after_a_correction(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        let people = [unclean(1)];
        let change = json!({ "recipient_name": people[0]["recipient_name"] });
        let answer =
            sim.insist("PATCH", &format!("/credentials/{id}"), Some(&change), None).await?;
        ensure!(answer.status == 200, "{}", answer.body);
        // That release left no alias at the cleaned content.
        let app = sim.world.stack.app();
        let recipient = Entry::parse(&RawValue::from_string(people[0].to_string())?).recipient;
        let recipient = recipient.ok().context("a recipient")?;
        let org = OrgId::parse(local::demo::ORGANIZATION)?;
        let secret = app.catalog.id_secret(&org).await?;
        let template = TemplateId::parse(&sim.world.demo.template_id)?;
        let (_, found) = identity::cleaned(&secret, &org, Mode::Live, template, recipient);
        let delete = app.dynamodb.delete_item().table_name(&app.config.credentials_table);
        delete.key("id", AttributeValue::S(found.own.id.to_string())).send().await?;

        let answer = sim.issue(&people, &[], None).await?.json();
        ensure!(answer["credentials"][0]["credential_id"] == id.as_str(), "{answer}");
        Ok(())
    })
}

/// The answer of a put is lost: the SDK puts again, and finds the credential.
pub(super) fn put_twice(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        // The items that are written once a template already exist.
        issue_one(sim).await?;
        sim.faults.on_calls_with("PutItem", "unicreda-credentials", 0..1, Fault::ReplyLost);
        let people = [person(2)];
        let answer = sim.issue(&people, &people, None).await?.json();
        ensure!(answer["credentials"][0]["duplicate"] == false, "{answer}");
        Ok(())
    })
}

pub(super) fn another_content(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let mut person = person(1);
        person["external_id"] = "acta-7".into();
        sim.issue(std::slice::from_ref(&person), std::slice::from_ref(&person), None).await?;
        person["result_value"] = "B".into();
        let answer = sim.issue(&[person], &[], None).await?.json();
        ensure!(answer["credentials"][0]["status"] == "error", "{answer}");
        Ok(())
    })
}

pub(super) fn another_body(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = [person(1)];
        sim.issue(&people, &people, Some("k")).await?;
        let other = json!({ "template_id": sim.world.demo.template_id, "recipients": [person(2)] });
        let answer = sim.insist("POST", "/credentials/issue", Some(&other), Some("k")).await?;
        ensure!(answer.status == 422, "{}", answer.body);
        Ok(())
    })
}

pub(super) fn asked_twice_with_a_key(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = [person(1)];
        sim.issue(&people, &people, Some("k")).await?;
        // A new answer would differ now.
        sim.drain().await
    })
}

pub(super) fn asked_while_it_runs(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = [person(1)];
        let body = json!({ "template_id": sim.world.demo.template_id, "recipients": people });
        let gate = sim.hold("PutItem", "", None);
        let request = sim.request("POST", "/credentials/issue", Some(&body), Some("k"));
        let first = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        sim.clock.jump(Duration::from_secs(2));
        let second = sim.call("POST", "/credentials/issue", Some(&body), Some("k")).await;
        let second = second.context("an answer")?;
        gate.open.cancel();
        ensure!(answer_of(first).await?.status == 200);
        ensure!(second.status == 409, "{}", second.body);
        sim.issue(&people, &people, Some("k")).await?;
        Ok(())
    })
}

pub(super) fn another_body_after_a_crash(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let body =
            |n| json!({ "template_id": sim.world.demo.template_id, "recipients": [person(n)] });
        let (first, other) = (body(1), body(2));
        sim.faults.on("PutItem", 0..1, Fault::Gone { done: false });
        let died = sim.call("POST", "/credentials/issue", Some(&first), Some("k")).await;
        ensure!(died.is_none(), "the process was to die");
        sim.clock.jump(Duration::from_secs(100));
        let answer = sim.insist("POST", "/credentials/issue", Some(&other), Some("k")).await?;
        ensure!(answer.status == 422, "{}", answer.body);
        Ok(())
    })
}

/// The request died in a release that kept a hash of its body.
pub(super) fn another_body_after_a_former_crash(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let body =
            |n| json!({ "template_id": sim.world.demo.template_id, "recipients": [person(n)] });
        let (first, other) = (body(1), body(2));
        let now = sim.clock.now().as_second();
        let mut kept = FormerRequest::of("k", &first, now);
        kept.lease_until = Some(now - 1);
        kept.put(sim.world.stack.app()).await;
        let answer = sim.insist("POST", "/credentials/issue", Some(&other), Some("k")).await?;
        ensure!(answer.status == 422, "{}", answer.body);
        sim.issue(&[person(1)], &[person(1)], Some("k")).await?;
        Ok(())
    })
}

pub(super) fn expired_after_a_crash(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        let body = json!({ "template_id": sim.world.demo.template_id, "recipients": people });
        sim.faults.on("SendMessageBatch", 0..1, Fault::Gone { done: false });
        let died = sim.call("POST", "/credentials/issue", Some(&body), Some("k")).await;
        ensure!(died.is_none(), "the process was to die");
        let first = sim.world.get("/jobs").await["items"][0]["job_id"].clone();
        sim.clock.jump(Duration::from_secs(25 * 3600));
        let second = sim.job(&people, &people, Some("k")).await?;
        ensure!(first != second.as_str(), "a day later it is another request");
        Ok(())
    })
}

/// Two calls find a forgotten key; the slower one must not remove the faster one's answer.
pub(super) fn expired_for_two(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = [person(1)];
        let body = json!({ "template_id": sim.world.demo.template_id, "recipients": people });
        sim.insist("POST", "/credentials/issue", Some(&body), Some("k")).await?;
        sim.drain().await?;
        sim.clock.jump(Duration::from_secs(25 * 3600));
        let gate = sim.hold("DeleteItem", "", None);
        let request = sim.request("POST", "/credentials/issue", Some(&body), Some("k"));
        let slow = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        sim.issue(&people, &people, Some("k")).await?;
        gate.open.cancel();
        ensure!(answer_of(slow).await?.replayed, "the faster one's answer is kept");
        Ok(())
    })
}

/// A call outlives its lease; what its heir answered stays the answer.
pub(super) fn a_zombie_answers(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = [person(1)];
        let body = json!({ "template_id": sim.world.demo.template_id, "recipients": people });
        let gate = sim.hold("PutItem", "", None);
        let request = sim.request("POST", "/credentials/issue", Some(&body), Some("k"));
        let zombie = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        sim.clock.jump(Duration::from_secs(100));
        sim.issue(&people, &people, Some("k")).await?;
        while sim.deliver(100).await {}
        gate.open.cancel();
        let late = answer_of(zombie).await?.json();
        // Its answer shows the mail's present state, unlike its heir's.
        ensure!(late["credentials"][0]["email_status"] == "sent", "{late}");
        Ok(())
    })
}

/// A template is archived while another request writes its next version.
pub(super) fn archived_during_a_change(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let path = format!("/templates/{}", sim.world.demo.template_id);
        let mut template = sim.world.get(&path).await;
        for member in ["id", "version", "archived", "created_at", "updated_at"] {
            template.as_object_mut().context("a template")?.remove(member);
        }
        template["name"] = "Otra versión".into();
        let gate = sim.hold("TransactWriteItems", "", None);
        let request = sim.request("PUT", &path, Some(&template), None);
        let writing = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        let answer = sim.insist("POST", &format!("{path}/archive"), None, None).await?;
        ensure!(answer.status == 200, "{}", answer.body);
        gate.open.cancel();
        let answer = answer_of(writing).await?;
        let now = sim.world.get(&path).await;
        ensure!(now["archived"] == true, "{} then {now}", answer.body);
        Ok(())
    })
}

/// A process that read the counter before the next list began begins a list again.
pub(super) fn issued_while_a_list_begins(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        use aws_sdk_dynamodb::types::AttributeValue::{N, S};
        issue_one(sim).await?;
        let app = sim.world.stack.app();
        let update = app.dynamodb.update_item().table_name(&app.config.credentials_table);
        update
            .key("id", S("NEXT#demo.live".to_owned()))
            .update_expression("SET taken = :n")
            .expression_attribute_values(":n", N("131064".to_owned()))
            .send()
            .await?;
        let gate = sim.hold("UpdateItem", "SET taken", None);
        let request = sim.request("POST", "/status-lists", None, None);
        let asking = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        // The stack's own process has taken nothing yet: 16 indexes, eight of the next list.
        for number in 2..=17 {
            let person = person(number);
            sim.world.issue_one(&person).await;
            let text = |name: &str| person[name].as_str().unwrap_or_default().to_owned();
            sim.expected.insert((text("email"), text("result_value")));
        }
        gate.open.cancel();
        answer_of(asking).await?;
        let last = person(18);
        let body = json!({ "template_id": sim.world.demo.template_id, "recipients": [last] });
        let request = sim.request("POST", "/credentials/issue", Some(&body), None);
        answer_of(sim.aside(|app| handle(app, request))).await?;
        let text = |name: &str| last[name].as_str().unwrap_or_default().to_owned();
        sim.expected.insert((text("email"), text("result_value")));
        Ok(())
    })
}
