//! Jobs: cancellation, retry, counts, sweeps, repeated rows.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::steps::{FIRST, answer_of, issue_one};
use crate::{
    crashes::{self, Run},
    faults::Fault,
    harness::person,
    sim::{Delivery, Sim, handle},
};

pub(super) fn delivered_twice(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        sim.delivery = Delivery::Twice;
        crashes::job_of_3(sim).await
    })
}

/// The process died after it sent mails and before the job recorded them; the job is cancelled.
pub(super) fn cancelled_after_its_mail(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        sim.with_receipts();
        let people: Vec<Value> = (1..=3).map(person).collect();
        sim.stopped = true;
        let job = sim.job(&people, &people, None).await?;
        sim.deliver(100).await;
        let gone = Fault::Gone { done: false };
        sim.faults.on_calls_with("UpdateItem", "{\"S\":\"MAIL\"}", 0..1, gone);
        sim.deliver(100).await;
        sim.insist("POST", &format!("/jobs/{job}/cancel"), None, None).await?;
        sim.drain().await?;
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["emails_sent"] == 3, "{result}");
        Ok(())
    })
}

/// A job is cancelled and swept while a consumer that read it as running sends its mail.
async fn cancel_while_sent(sim: &mut Sim, job: &str) -> Result<()> {
    let read = sim.hold_answer("BatchGetItem", "JOB#");
    let sent = sim.hold("SendRawEmail", "", None);
    let sending = sim.deliver_aside().await;
    read.reached.cancelled().await;
    sim.insist("POST", &format!("/jobs/{job}/cancel"), None, None).await?;
    sim.clock.jump(Duration::from_secs(50));
    read.open.cancel();
    sent.reached.cancelled().await;
    sim.clock.jump(Duration::from_secs(80));
    sim.sweep().await;
    sent.open.cancel();
    sending.await?;
    Ok(())
}

/// The mail is sent again, since the outcome of its first attempt is unknown.
pub(super) fn cancelled_while_it_is_repeated(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        let job = sim.job(&people, &people, None).await?;
        sim.deliver(100).await;
        sim.faults.on("SendRawEmail", 0..1, Fault::SesError(503, "ServiceUnavailable", "…"));
        sim.deliver(100).await;
        sim.clock.jump(Duration::from_secs(400));
        cancel_while_sent(sim, &job).await?;
        sim.drain().await?;
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["emails_sent"] == 2, "{result}");
        Ok(())
    })
}

pub(super) fn cancelled_while_it_is_sent(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        sim.stopped = true;
        let job = sim.job(&people, &people, None).await?;
        sim.deliver(100).await;
        cancel_while_sent(sim, &job).await
    })
}

/// A failed mail is sent by request just before a retry makes it pending again.
pub(super) fn sent_before_its_retry(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        let refused = Fault::SesError(400, "MessageRejected", "Address is on the list");
        sim.faults.on_calls_with("SendRawEmail", "persona2%40", 0..10_000, refused);
        let job = sim.job(&people, &people, None).await?;
        sim.drain().await?;
        sim.faults.heal_plan();
        let results = sim.world.get(&format!("/jobs/{job}/results")).await;
        let id = results["items"][1]["credential_id"].as_str().context("id")?.to_owned();
        let gate = sim.hold("UpdateItem", "\"mail = :failed AND #status", None);
        let request = sim.request("POST", &format!("/jobs/{job}/retry"), None, None);
        let retry = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        sim.clock.jump(Duration::from_secs(400));
        sim.insist("POST", &format!("/credentials/{id}/resend"), None, None).await?;
        while sim.deliver(100).await {}
        gate.open.cancel();
        retry.await?;
        Ok(())
    })
}

/// A request died after its job was made; the job is cancelled, then the request repeated.
pub(super) fn cancelled_before_it_is_taken_over(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        sim.stopped = true;
        let body = json!({ "template_id": sim.world.demo.template_id, "recipients": people });
        sim.faults.on("SendMessageBatch", 0..1, Fault::Gone { done: false });
        let died = sim.call("POST", "/credentials/issue", Some(&body), Some("k")).await;
        ensure!(died.is_none(), "the process was to die");
        let jobs = sim.world.get("/jobs").await;
        let job = jobs["items"][0]["job_id"].as_str().context("a job")?.to_owned();
        sim.insist("POST", &format!("/jobs/{job}/cancel"), None, None).await?;
        sim.issue(&people, &people, Some("k")).await?;
        sim.drain().await?;
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["failed"] == 2, "{result}");
        Ok(())
    })
}

pub(super) fn a_deleted_job(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        use aws_sdk_dynamodb::types::AttributeValue::S;
        let people: Vec<Value> = (1..=2).map(person).collect();
        let body = json!({ "template_id": sim.world.demo.template_id, "recipients": people });
        let gate = sim.hold("UpdateItem", "fanned_out", None);
        let request = sim.request("POST", "/credentials/issue", Some(&body), None);
        let asking = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        let jobs = sim.world.get("/jobs").await;
        let job = jobs["items"][0]["job_id"].as_str().context("a job")?.to_owned();
        let app = sim.world.stack.app().clone();
        let key = [("pk", format!("JOB#{job}")), ("sk", "JOB".to_owned())];
        let key = key.map(|(name, value)| (name.to_owned(), S(value)));
        let gone = app.dynamodb.delete_item().table_name(&app.config.jobs_table);
        gone.set_key(Some(key.clone().into())).send().await?;
        gate.open.cancel();
        ensure!(answer_of(asking).await?.status == 202);
        sim.lose_messages().await;
        let found = app.dynamodb.get_item().table_name(&app.config.jobs_table);
        let found = found.set_key(Some(key.into())).consistent_read(true).send().await?;
        ensure!(found.item.is_none(), "half a job: {:?}", found.item);
        Ok(())
    })
}

pub(super) fn ended_before_it_is_cancelled(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        let job = sim.job(&people, &people, None).await?;
        sim.drain().await?;
        let answer = sim.insist("POST", &format!("/jobs/{job}/cancel"), None, None).await?;
        ensure!(answer.status == 409, "{}", answer.body);
        Ok(())
    })
}

/// A reader has counted the rows when the job goes on, and ends; its count comes late.
pub(super) fn an_old_count(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=3).map(person).collect();
        let job = sim.job(&people, &people, None).await?;
        sim.deliver(1).await;
        let gate = sim.hold("UpdateItem", "SET tally = :tally", None);
        let request = sim.request("GET", &format!("/jobs/{job}"), None, None);
        let reading = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        sim.drain().await?;
        gate.open.cancel();
        reading.await?;
        Ok(())
    })
}

pub(super) fn an_old_recount(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        let refused = Fault::SesError(400, "MessageRejected", "Address is on the list");
        sim.faults.on("SendRawEmail", 0..10_000, refused);
        let job = sim.job(&people, &people, None).await?;
        sim.drain().await?;
        sim.faults.heal_plan();
        let results = sim.world.get(&format!("/jobs/{job}/results")).await;
        sim.clock.jump(Duration::from_secs(400));
        let mut path = Vec::new();
        for row in 0..2 {
            let id = results["items"][row]["credential_id"].as_str().context("id")?;
            path.push(format!("/credentials/{id}/resend"));
        }
        sim.insist("POST", &path[0], None, None).await?;
        let gate = sim.hold("UpdateItem", "SET tally = :tally", None);
        let counting = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        sim.insist("POST", &path[1], None, None).await?;
        sim.deliver(100).await;
        gate.open.cancel();
        counting.await?;
        // Both were handled.
        sim.lose_messages().await;
        Ok(())
    })
}

/// Messages are lost again and again: the sweeper doubles its wait each time.
pub(super) fn lost_messages(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=5).map(person).collect();
        sim.job(&people, &people, None).await?;
        for _ in 0..30 {
            sim.lose_messages().await;
            sim.clock.jump(Duration::from_secs(60));
            sim.sweep().await;
        }
        let (sent, _) = sim.messages().await;
        ensure!(sent >= 15, "nothing was queued again");
        ensure!(sent <= 25, "{sent} messages for 5 rows in half an hour");
        Ok(())
    })
}

/// A job is cancelled and swept while a consumer issues a row of it.
pub(super) fn cancelled_while_it_is_issued(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        sim.stopped = true;
        let job = sim.job(&people, &people, None).await?;
        let gate = sim.hold("BatchExecuteStatement", "", None);
        let issuing = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        sim.insist("POST", &format!("/jobs/{job}/cancel"), None, None).await?;
        sim.clock.jump(Duration::from_secs(20));
        sim.sweep().await;
        gate.open.cancel();
        issuing.await?;
        Ok(())
    })
}

/// A job is given up and swept while a consumer issues a row of it after all.
pub(super) fn given_up_while_it_is_issued(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        sim.stopped = true;
        let job = sim.job(&people, &people, None).await?;
        crashes::set_sweeps(sim, &job).await?;
        sim.clock.jump(Duration::from_secs(150));
        let gate = sim.hold("BatchExecuteStatement", "", None);
        let issuing = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        sim.sweep().await;
        sim.clock.jump(Duration::from_secs(20));
        sim.sweep().await;
        gate.open.cancel();
        issuing.await?;
        Ok(())
    })
}

/// A row is refused for want of a name; delivered again, its recipient is a member.
pub(super) fn refused_and_then_issued(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let late = json!({ "email": "tarde@ejemplo.com", "result_value": "A" });
        let rows = [person(1), late.clone()];
        sim.delivery = Delivery::Twice;
        let job = sim.job(&rows, &rows, None).await?;
        sim.deliver(2).await;
        let member = json!({ "name": "Persona Zorrilla Tardía" });
        let path = "/members/tarde@ejemplo.com";
        let put = sim.world.call("PUT", path, Some(&member)).await;
        ensure!(put.status.is_success(), "{}", put.text());
        sim.drain().await?;
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["successful"] == 2, "{result}");
        Ok(())
    })
}

/// Mail that a cancellation skipped is sent by request, and SES refuses it.
pub(super) fn skipped_and_then_failed(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        let job = sim.job(&people, &people, None).await?;
        sim.deliver(100).await;
        sim.insist("POST", &format!("/jobs/{job}/cancel"), None, None).await?;
        sim.drain().await?;
        let results = sim.world.get(&format!("/jobs/{job}/results")).await;
        ensure!(results["items"][0]["email_status"] == "skipped", "{results}");
        let id = results["items"][0]["credential_id"].as_str().context("id")?;
        let refused = Fault::SesError(400, "MessageRejected", "Address is on the list");
        sim.faults.on("SendRawEmail", 0..1, refused);
        sim.insist("POST", &format!("/credentials/{id}/resend"), None, None).await?;
        Ok(())
    })
}

/// The process died after a row had corrected its credential; somebody corrects it by hand, and
/// the row comes again.
pub(super) fn changed_after_its_row_corrected_it(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = issue_one(sim).await?;
        sim.drain().await?;
        let file = format!("email,name,grade,credential_id\n{FIRST},Persona Corregida,A,{id}\n");
        let upload = sim.correct(file.as_bytes()).await?;
        while sim.deliver_file().await {}
        sim.faults.on("TransactWriteItems", 0..1, Fault::Gone { done: true });
        sim.deliver(100).await;
        let path = format!("/credentials/{id}");
        let by_hand = json!({ "recipient_name": "Persona Definitiva" });
        let answer = sim.insist("PATCH", &path, Some(&by_hand), None).await?;
        ensure!(answer.status == 200 && answer.json()["version"] == 3, "{}", answer.body);
        sim.drain().await?;
        let credential = sim.world.get(&path).await;
        ensure!(credential["recipient_name"] == "Persona Definitiva", "{credential}");
        let upload = sim.world.get(&format!("/uploads/{upload}")).await;
        let job = upload["job_id"].as_str().context("a job")?;
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["corrected"] == 1, "{result}");
        Ok(())
    })
}
