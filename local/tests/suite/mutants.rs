//! The proof that the proof works: every guard of the service is switched off, one at a
//! time, and the scenario that it is there for must go red.
//!
//! A mutant changes what passes between the SDK and the services: a condition expression
//! holds always, a lease has ended when it begins, an answer hides what a comparison looks
//! for. So the service that is tested is the one that is deployed. `docs/guarantees.md` holds
//! the table, compared with this one.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use unicreda::domain::{ids::OrgId, organization::Settings};

use crate::{
    crashes::{self, Run, Scenario},
    faults::{Fault, conditions, shape},
    feedback,
    harness::person,
    sim::{Answer, Delivery, Sim, handle},
};

/// How long a run with a guard switched off may take before it counts as red.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is switched off.
#[derive(Debug)]
enum Off {
    /// A clause of a condition expression holds always. The whole expression, and the
    /// clause, which is all of it when empty.
    Condition(&'static str, &'static str),
    /// A value of an update: its name, and the text of the updates that it is taken from.
    Value(&'static str, &'static str, &'static str),
    /// A refused condition shows this attribute with another value, or with the asked one.
    StatusLists(&'static str, Option<&'static str>),
    /// An item that is read shows this attribute with another value.
    Read(&'static str, &'static str),
    /// Sets that are read lack what this other set holds.
    Set(&'static str, &'static str),
}

/// A guard of the service, switched off.
#[derive(Debug)]
pub struct Mutant {
    /// What is switched off.
    pub name: &'static str,
    off: Off,
    /// The scenario that goes red.
    killer: (&'static str, Scenario),
}

impl Mutant {
    /// Changes a request that passes; whether it did.
    pub fn change_request(&self, _operation: &str, body: &mut Value) -> bool {
        match self.off {
            Off::Condition(whole, clause) => {
                let mut changed = false;
                for condition in conditions(body).into_iter().filter(|c| shape(c) == whole) {
                    let clause = if clause.is_empty() { condition.clone() } else { clause.into() };
                    let statement = condition.starts_with("UPDATE ");
                    let always = if statement {
                        "nothing IS MISSING"
                    } else {
                        "attribute_not_exists(nothing)"
                    };
                    let off = format!("({clause} OR {always})");
                    *condition = condition.replace(&clause, &off);
                    changed = true;
                }
                changed
            }
            Off::Value(name, within, value) => {
                let text = body["UpdateExpression"].as_str().unwrap_or_default();
                if !text.contains(within) || body["ExpressionAttributeValues"][name].is_null() {
                    return false;
                }
                let kind = if value.parse::<i64>().is_ok() { "N" } else { "S" };
                body["ExpressionAttributeValues"][name] = json!({ kind: value });
                true
            }
            _ => false,
        }
    }

    /// Changes an answer that passes; whether it did.
    pub fn change_reply(&self, operation: &str, asked: &Value, reply: &mut Value) -> bool {
        match self.off {
            Off::StatusLists(name, value) => {
                let Some(item) = reply.get_mut("Item").filter(|item| !item[name].is_null()) else {
                    return false;
                };
                if operation == "GetItem" {
                    return false;
                }
                item[name] = match value {
                    Some(value) => json!({ "S": value }),
                    None if operation == "PutItem" => asked["Item"][name].clone(),
                    None => asked["ExpressionAttributeValues"][":hash"].clone(),
                };
                true
            }
            Off::Read(name, value) => {
                let read = operation == "GetItem" && !reply["Item"][name].is_null();
                if read {
                    reply["Item"][name] = json!({ "S": value });
                }
                read
            }
            Off::Set(name, minus) => {
                let mut changed = false;
                let mut lists = Vec::new();
                for (member, value) in reply.as_object_mut().into_iter().flatten() {
                    match member.as_str() {
                        "Items" => lists.push(value),
                        "Responses" => {
                            lists.extend(value.as_object_mut().into_iter().flatten().map(|t| t.1))
                        }
                        _ => {}
                    }
                }
                for item in lists.into_iter().filter_map(Value::as_array_mut).flatten() {
                    let minus = item[minus]["NS"].as_array().cloned().unwrap_or_default();
                    if let Some(rows) = item[name]["NS"].as_array_mut() {
                        let before = rows.len();
                        rows.retain(|row| !minus.contains(row));
                        changed |= rows.len() != before;
                        if rows.is_empty() {
                            item.as_object_mut().expect("an item").remove(name);
                        }
                    }
                }
                changed
            }
            _ => false,
        }
    }
}

const ANY: &str = "attribute_exists(pk)";
const OPEN: &str = "attribute_exists(pk) AND attribute_not_exists(closed_at)";
const UNREAD: &str =
    "attribute_exists(pk) AND attribute_not_exists(closed_at) AND tally_at = :seen";
const CLAIM: &str = "mail = :owed AND #status = :issued";
const AGAIN: &str = "(mail = :sent OR mail = :failed OR mail = :skipped) AND #status = :issued AND (attribute_not_exists(resent_at) OR resent_at < :before)";
const BEGIN: &str = "attribute_not_exists(pk) OR (phase = :running AND lease_until < :now AND body_hash = :hash AND #ttl > :now)";

const CLAIM_TOGETHER: &str = "attribute_not_exists(claimed) OR (NOT contains(claimed, :r0))";
const ON_LEDGER: &str = "mail = :owed AND attribute_not_exists(mail_round) AND (attribute_not_exists(mail_attempts) OR mail_attempts = :none)";
const ON_LEDGER_TOGETHER: &str = "mail = 'owed' AND mail_attempts IS MISSING";
const FIRST_HEARD: &str =
    "revision = :none AND attribute_not_exists(mail_round) AND attribute_not_exists(mail_delivery)";
const UNHEARD: &str = "attribute_not_exists(mail_round) AND attribute_not_exists(mail_delivery)";
const UNHEARD_AND_HOLDS: &str = "attribute_not_exists(mail_round) AND attribute_not_exists(mail_delivery) AND #status = :issued";

macro_rules! mutants {
    ($($name:literal: $off:expr => $killer:path;)*) => {
        &[$(Mutant { name: $name, off: $off, killer: (stringify!($killer), $killer) }),*]
    };
}

/// Every guard, and the scenario that it is there for.
static MUTANTS: &[Mutant] = mutants! {
    "a credential is put once": Off::Condition("attribute_not_exists(id)", "") => asked_twice;
    "only owed mail is claimed": Off::Condition(CLAIM, "mail = :owed") => one_delivered_twice;
    "only mail of a credential that holds is claimed": Off::Condition(CLAIM, "#status = :issued") => revoked_before_its_mail;
    "a job's mails are claimed by one": Off::Condition(CLAIM_TOGETHER, "") => two_consumers_of_a_job;
    "a claim on the ledger lasts": Off::Value(":until", "SET claimed_until", "0") => two_consumers_of_a_job;
    "what is written of a mail outranks its ledger": Off::Condition(ON_LEDGER, "") => a_zombie_of_a_job_is_refused_by_ses;
    "a ledger is about the first mail": Off::Condition(ON_LEDGER, "attribute_not_exists(mail_round)") => asked_again_while_a_zombie_is_refused;
    "a receipt is about the first mail": Off::Condition(ON_LEDGER_TOGETHER, "mail_attempts IS MISSING") => asked_again_while_its_receipt_is_written;
    "an address is not corrected while its job sends": Off::Condition("attribute_not_exists(claimed) OR NOT contains(claimed, :row)", "") => corrected_while_its_job_sends;
    "an ended lease is taken by one": Off::Condition("mail = :claimed AND mail_lease = :lease AND mail_lease < :now AND #status = :issued", "") => a_late_heir;
    "an attempt ends only its own claim": Off::Condition("mail = :claimed AND mail_attempts = :attempt", "") => a_zombie_is_refused_by_ses;
    "mail of a credential that holds again is not skipped": Off::Condition("mail = :was AND #status <> :issued", "") => reinstated_in_time;
    "nor that of a job's": Off::Condition("mail = :was AND #status <> :issued", "") => reinstated_in_time_on_a_ledger;
    "mail that has ended is not written off": Off::Condition("mail = :owed", "") => cancelled_after_its_mail;
    "mail that is being sent is not written off": Off::Condition("mail = :claimed AND mail_lease < :now", "") => cancelled_while_it_is_repeated;
    "mail that its job sends is not written off": Off::Value(":until", "SET claimed_until", "0") => cancelled_while_it_is_sent;
    "mail is sent again when it has ended": Off::Condition(AGAIN, "(mail = :sent OR mail = :failed OR mail = :skipped)") => asked_before_its_mail;
    "mail is sent again while its credential holds": Off::Condition(AGAIN, "#status = :issued") => revoked_before_the_resend;
    "mail is sent again every five minutes": Off::Condition(AGAIN, "(attribute_not_exists(resent_at) OR resent_at < :before)") => asked_too_soon;
    "a retry sends failed mail only": Off::Condition("mail = :failed AND #status = :issued", "") => sent_before_its_retry;
    "a job is made once": Off::Condition("attribute_not_exists(pk)", "") => cancelled_before_it_is_taken_over;
    "an update makes no job": Off::Condition(ANY, "") => a_job_that_is_gone;
    "an ended job is not cancelled": Off::Condition(OPEN, "") => ended_before_it_is_cancelled;
    "an older count overwrites no newer one": Off::Condition(UNREAD, "") => an_old_count;
    "nor after its end": Off::Condition("attribute_exists(pk) AND tally_at = :seen", "") => an_old_recount;
    "a kept answer is not done again": Off::Condition(BEGIN, "") => asked_twice_with_a_key;
    "a running request is not taken over": Off::Condition(BEGIN, "lease_until < :now") => asked_while_it_runs;
    "another body takes nothing over": Off::Condition(BEGIN, "body_hash = :hash") => another_body_after_a_crash;
    "a forgotten request is not taken over": Off::Condition(BEGIN, "#ttl > :now") => forgotten_after_a_crash;
    "only what is forgotten is removed": Off::Condition("#ttl <= :now", "") => forgotten_by_two;
    "a request is ended by its heir": Off::Condition("phase = :running AND fence = :fence", "") => a_zombie_answers;
    "an archived template stays so": Off::Condition("version = :before AND archived = :archived", "") => archived_meanwhile;
    "a change rests on the credential that it read": Off::Condition("revision = :before", "") => revoked_while_it_is_suspended;
    "a list is replaced by who read its last version": Off::Condition("version = :before", "") => two_revocations_of_one_list;
    "a correction rests on the credential that it read": Off::Condition("revision = :before AND mail = :mail", "revision = :before") => two_corrections;
    "an address is not corrected while its mail goes": Off::Condition("revision = :before AND mail = :mail", "mail = :mail") => corrected_while_it_is_sent;
    "an alias hides no credential": Off::Condition("attribute_not_exists(id) OR alias_of = :of", "") => corrected_to_anothers_content;
    "the counter of status indexes never goes back": Off::Condition("attribute_not_exists(id) OR taken < :to", "") => issued_while_a_list_begins;
    "a key is replaced by who read it": Off::Condition("multikey = :before", "") => two_rotations;
    "the key that signs is not declared compromised": Off::Condition("attribute_exists(retired_at)", "") => compromised_while_it_signs;
    "what is heard of a mail counts in its round": Off::Condition(UNHEARD, "attribute_not_exists(mail_round)") => resent_while_a_refusal_is_heard;
    "what is heard of a mail rests on what was heard": Off::Condition(UNHEARD, "attribute_not_exists(mail_delivery)") => refused_and_complained_at_once;
    "a first delivery counts in its round": Off::Condition(FIRST_HEARD, "attribute_not_exists(mail_round)") => resent_while_it_is_heard;
    "a first delivery outranks nothing": Off::Condition(FIRST_HEARD, "attribute_not_exists(mail_delivery)") => delivered_and_bounced_at_once;
    "a first delivery is one to the address that stands": Off::Condition(FIRST_HEARD, "revision = :none") => corrected_before_it_is_heard;
    "a soft bounce is sent again while its credential holds": Off::Condition(UNHEARD_AND_HOLDS, "#status = :issued") => revoked_while_its_bounce_is_heard;
    "a lease of a mail lasts": Off::Value(":until", "SET mail = :claimed", "0") => two_consumers;
    "a lease of a request lasts": Off::Value(":until", "SET phase = :running", "0") => asked_while_it_runs;
    "a sweep waits for the last one": Off::Value(":after", "sweep_after", "2020-01-01T00:00:00.000Z") => lost_messages;
    "a debt that was queued counts from then": Off::Value(":since", "owed_sk = :since", "2020-01-01T00:00:00.000Z#x") => ses_is_paused;
    "a job that is given up waits for its consumers": Off::Value(":at", "SET given_up_at", "2020-01-01T00:00:00.000Z") => given_up_while_it_is_issued;
    "a cancelled job waits for its consumers": Off::Value(":at", "SET cancelled_at", "2020-01-01T00:00:00.000Z") => cancelled_while_it_is_issued;
    "issued outranks failed": Off::Set("issued", "failed") => refused_and_then_issued;
    "sent outranks failed": Off::Set("sent", "failed") => crashes::resend_of_a_job;
    "failed outranks skipped": Off::Set("failed", "skipped") => skipped_and_then_failed;
    "a request knows its own credential": Off::StatusLists("origin", Some("req:x")) => put_twice;
    "a row knows its own credential": Off::Read("origin", "req:x") => delivered_twice;
    "an external id is one content's": Off::StatusLists("content", None) => another_content;
    "a key is one body's": Off::StatusLists("body_hash", None) => another_body;
};

async fn get_id(sim: &mut Sim) -> Result<String> {
    let people = [person(1)];
    let answer = sim.issue(&people, &people, None).await?.json();
    Ok(answer["credentials"][0]["credential_id"].as_str().context("id")?.to_owned())
}

/// Sets a credential's status, through the stack's own API.
async fn set_status(sim: &Sim, id: &str, status: &str) -> Result<()> {
    let action = match status {
        "revoked" => "revoke",
        "suspended" => "suspend",
        _ => "reinstate",
    };
    let path = format!("/credentials/{id}/{action}");
    let answer = sim.world.call("POST", &path, Some(&json!({ "reason": "x" }))).await;
    ensure!(answer.status == 200, "{}", answer.text());
    Ok(())
}

/// A credential is suspended by somebody who read it before it was revoked.
fn revoked_while_it_is_suspended(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = get_id(sim).await?;
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
fn two_revocations_of_one_list(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let first = get_id(sim).await?;
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

/// A credential is corrected by two at once.
fn two_corrections(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = get_id(sim).await?;
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

fn corrected_while_it_is_sent(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = get_id(sim).await?;
        correct_while_sent(sim, &id).await
    })
}

fn corrected_while_its_job_sends(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = get_job(sim).await?;
        correct_while_sent(sim, &id).await
    })
}

/// A credential is corrected to what another one says already.
fn corrected_to_anothers_content(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = get_id(sim).await?;
        let people = [person(2)];
        sim.issue(&people, &people, None).await?;
        sim.drain().await?;
        let path = format!("/credentials/{id}");
        let answer = sim.insist("PATCH", &path, Some(&people[0]), None).await?;
        ensure!(answer.status == 409, "{} {}", answer.status, answer.body);
        Ok(())
    })
}

/// A list is begun anew by somebody who read the counter before it went on to the next list.
fn issued_while_a_list_begins(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        use aws_sdk_dynamodb::types::AttributeValue::{N, S};
        get_id(sim).await?;
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

/// Two administrators rotate the signing key at once.
fn two_rotations(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        get_id(sim).await?;
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
fn compromised_while_it_signs(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        get_id(sim).await?;
        let keys = sim.world.get("/signing-keys").await;
        let key = keys["items"][0]["multikey"].as_str().context("a key")?.to_owned();
        let path = format!("/signing-keys/{key}/compromise");
        let answer = sim.insist("POST", &path, Some(&json!({ "reason": "x" })), None).await?;
        ensure!(answer.status == 409, "{}", answer.body);
        Ok(())
    })
}

/// The address of the person that `get_id` issues to.
const FIRST: &str = "persona1@ejemplo.com";

/// The mail is asked for again while something is heard of the first one.
async fn resend_while_heard(sim: &mut Sim, event: fn(&str) -> Value) -> Result<()> {
    let id = get_id(sim).await?;
    sim.drain().await?;
    let gate = sim.hold("UpdateItem", "mail_delivery = :state", None);
    let event = event(&id).to_string();
    let hearing = sim.aside(|app| async move { feedback::hear(&app, &[event]).await });
    gate.reached.cancelled().await;
    sim.resends = 1;
    let path = format!("/credentials/{id}/resend");
    ensure!(sim.insist("POST", &path, None, None).await?.status == 202);
    gate.open.cancel();
    ensure!(hearing.await?.is_empty(), "it was heard");
    sim.drain().await?;
    ensure!(sim.world.stack.mail().count() == 2, "the second mail was not sent");
    Ok(())
}

fn delivered(id: &str) -> Value {
    feedback::delivered(id, 0, FIRST)
}

/// A bounce for what the mail holds, which says nothing against the address.
fn refused(id: &str) -> Value {
    feedback::bounced("Transient", "MessageTooLarge", id, 0, FIRST)
}

fn resent_while_it_is_heard(sim: &mut Sim) -> Run<'_> {
    Box::pin(resend_while_heard(sim, delivered))
}

fn resent_while_a_refusal_is_heard(sim: &mut Sim) -> Run<'_> {
    Box::pin(resend_while_heard(sim, refused))
}

/// Two things are said of a mail, to two processes: the slower one must not have the last word.
async fn heard_at_once(
    sim: &mut Sim,
    slower: fn(&str) -> Value,
    faster: impl Fn(&str) -> Value,
    end: &str,
) -> Result<()> {
    let id = get_id(sim).await?;
    sim.drain().await?;
    let gate = sim.hold("UpdateItem", "mail_delivery = :state", None);
    let event = slower(&id).to_string();
    let hearing = sim.aside(|app| async move { feedback::hear(&app, &[event]).await });
    gate.reached.cancelled().await;
    let event = faster(&id).to_string();
    let other = sim.aside(|app| async move { feedback::hear(&app, &[event]).await });
    ensure!(other.await?.is_empty(), "it was heard");
    gate.open.cancel();
    ensure!(hearing.await?.is_empty(), "it was heard");
    let credential = sim.world.get(&format!("/credentials/{id}")).await;
    ensure!(credential["email_status"] == end, "{credential}");
    Ok(())
}

fn delivered_and_bounced_at_once(sim: &mut Sim) -> Run<'_> {
    let bounced = |id: &str| feedback::bounced("Permanent", "General", id, 0, FIRST);
    Box::pin(heard_at_once(sim, delivered, bounced, "bounced"))
}

fn refused_and_complained_at_once(sim: &mut Sim) -> Run<'_> {
    let complained = |id: &str| feedback::complained(id, 0, FIRST);
    Box::pin(heard_at_once(sim, refused, complained, "complained"))
}

/// A credential is corrected to the address of a member, who is told nothing, before it is
/// heard that the mail to the former address was delivered.
fn corrected_before_it_is_heard(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let silent = json!({ "notify_members": false });
        let told = sim.world.call("PUT", "/organization", Some(&silent)).await;
        ensure!(told.status == 200, "{}", told.text());
        let id = get_id(sim).await?;
        sim.drain().await?;
        let path = format!("/credentials/{id}");
        let member = json!({ "email": "ana.rojas@demo.example" });
        let corrected = sim.insist("PATCH", &path, Some(&member), None).await?;
        ensure!(corrected.status == 200, "{}", corrected.body);
        sim.expected = [("ana.rojas@demo.example".to_owned(), "A".to_owned())].into();
        let event = delivered(&id).to_string();
        ensure!(feedback::hear(&sim.app(), &[event]).await.is_empty(), "it was heard");
        let credential = sim.world.get(&path).await;
        ensure!(credential["email_status"] == "sent", "{credential}");
        Ok(())
    })
}

/// A job of two, its rows issued, its mails to be sent; the id of the first credential.
async fn get_job(sim: &mut Sim) -> Result<String> {
    let people: Vec<Value> = (1..=2).map(person).collect();
    let job = sim.job(&people, &people, None).await?;
    sim.deliver(100).await;
    let results = sim.world.get(&format!("/jobs/{job}/results")).await;
    let row = &results["items"][0];
    ensure!(row["email_status"] == "pending", "{results}");
    Ok(row["credential_id"].as_str().context("an id")?.to_owned())
}

/// The visibility of a job's mails ends while they are being sent.
fn two_consumers_of_a_job(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        get_job(sim).await?;
        let gate = sim.hold("SendRawEmail", "", None);
        let first = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        sim.clock.jump(Duration::from_secs(2));
        sim.show_again();
        sim.deliver(100).await;
        gate.open.cancel();
        first.await?;
        sim.drain().await?;
        ensure!(sim.world.stack.mail().count() == 2, "two mails");
        Ok(())
    })
}

/// The lease of an attempt that somebody still works on ends, and its heir sends the mail.
async fn inherit(sim: &mut Sim) {
    sim.clock.jump(Duration::from_secs(400));
    sim.show_again();
    sim.deliver(100).await;
}

/// A mail is asked for again, by its credential.
async fn ask_again(sim: &mut Sim, id: &str) -> Result<()> {
    sim.resends = 1;
    let answer = sim.insist("POST", &format!("/credentials/{id}/resend"), None, None).await?;
    ensure!(answer.status == 202, "{}", answer.body);
    Ok(())
}

/// An attempt to send a job's mail outlives its lease; SES refuses it for good after its heir
/// has sent the mail.
async fn refuse_a_zombie_of_a_job(sim: &mut Sim, again: bool) -> Result<()> {
    let id = get_job(sim).await?;
    let refused = Fault::SesError(400, "MessageRejected", "Address is on the list");
    let gate = sim.hold("SendRawEmail", &id, Some(refused));
    let zombie = sim.deliver_aside().await;
    gate.reached.cancelled().await;
    inherit(sim).await;
    if again {
        ask_again(sim, &id).await?;
    }
    gate.open.cancel();
    zombie.await?;
    sim.show_again();
    sim.drain().await?;
    // What the zombie had sent besides was not recorded yet: its heir sent that again.
    let mails = 3 + usize::from(again);
    ensure!(sim.world.stack.mail().count() == mails, "another number of mails");
    Ok(())
}

fn a_zombie_of_a_job_is_refused_by_ses(sim: &mut Sim) -> Run<'_> {
    Box::pin(refuse_a_zombie_of_a_job(sim, false))
}

fn asked_again_while_a_zombie_is_refused(sim: &mut Sim) -> Run<'_> {
    Box::pin(refuse_a_zombie_of_a_job(sim, true))
}

/// The receipts of a job's mails are written after their heir has sent them, and its first one
/// was asked for again.
fn asked_again_while_its_receipt_is_written(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        sim.with_receipts();
        let id = get_job(sim).await?;
        let gate = sim.hold("BatchExecuteStatement", "UPDATE", None);
        let zombie = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        inherit(sim).await;
        ask_again(sim, &id).await?;
        gate.open.cancel();
        zombie.await?;
        sim.show_again();
        sim.drain().await?;
        // Two, their repetition, and the one that was asked for.
        ensure!(sim.world.stack.mail().count() == 5, "another number of mails");
        Ok(())
    })
}

/// A credential is revoked while a soft bounce of its mail is heard.
fn revoked_while_its_bounce_is_heard(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = get_id(sim).await?;
        sim.drain().await?;
        let gate = sim.hold("UpdateItem", "mail_soft_bounces", None);
        let event = feedback::bounced("Transient", "MailboxFull", &id, 0, FIRST).to_string();
        let hearing = sim.aside(|app| async move { feedback::hear(&app, &[event]).await });
        gate.reached.cancelled().await;
        set_status(sim, &id, "revoked").await?;
        gate.open.cancel();
        ensure!(hearing.await?.is_empty(), "it was heard");
        let credential = sim.world.get(&format!("/credentials/{id}")).await;
        ensure!(credential["email_status"] == "bounced", "{credential}");
        Ok(())
    })
}

async fn answer_of(
    work: tokio::task::JoinHandle<http::Response<lambda_http::Body>>,
) -> Result<Answer> {
    Ok(Answer::read(&work.await?))
}

fn asked_twice(sim: &mut Sim) -> Run<'_> {
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

/// The answer of a put is lost: the SDK puts again, and finds the credential.
fn put_twice(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        // What is written once a template is there by now.
        get_id(sim).await?;
        sim.faults.on_calls_with("PutItem", "unicreda-credentials", 0..1, Fault::ReplyLost);
        let people = [person(2)];
        let answer = sim.issue(&people, &people, None).await?.json();
        ensure!(answer["credentials"][0]["duplicate"] == false, "{answer}");
        Ok(())
    })
}

fn one_delivered_twice(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        sim.delivery = Delivery::Twice;
        crashes::one(sim).await
    })
}

fn delivered_twice(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        sim.delivery = Delivery::Twice;
        crashes::job_of_3(sim).await
    })
}

fn revoked_before_its_mail(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = get_id(sim).await?;
        set_status(sim, &id, "revoked").await?;
        sim.drain().await?;
        ensure!(sim.world.stack.mail().count() == 0, "mail of a revoked credential");
        Ok(())
    })
}

/// Two consumers find the same ended lease; the second one is late with its claim.
fn a_late_heir(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        get_id(sim).await?;
        sim.faults.on("SendRawEmail", 0..1, Fault::Gone { done: true });
        sim.deliver(1).await;
        sim.clock.jump(Duration::from_secs(400));
        let gate = sim.hold("UpdateItem", "mail_lease = :lease", None);
        let late = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        sim.show_again();
        sim.deliver(1).await;
        gate.open.cancel();
        late.await?;
        ensure!(sim.world.stack.mail().count() == 2, "one lost receipt, one mail more");
        Ok(())
    })
}

/// An attempt outlives its lease; SES refuses it after its heir has sent the mail.
fn a_zombie_is_refused_by_ses(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        get_id(sim).await?;
        let gate = sim.hold("SendRawEmail", "", Some(Fault::Throttled));
        let zombie = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        sim.clock.jump(Duration::from_secs(400));
        sim.deliver(1).await;
        gate.open.cancel();
        zombie.await?;
        sim.show_again();
        sim.drain().await?;
        ensure!(sim.world.stack.mail().count() == 1, "the heir's mail alone");
        Ok(())
    })
}

/// A suspended credential's mail is about to be skipped when it holds again.
async fn reinstate_in_time(sim: &mut Sim, id: &str, mails: usize) -> Result<()> {
    set_status(sim, id, "suspended").await?;
    let gate = sim.hold("UpdateItem", "mail = :was", None);
    let skipping = sim.deliver_aside().await;
    gate.reached.cancelled().await;
    set_status(sim, id, "issued").await?;
    gate.open.cancel();
    skipping.await?;
    sim.drain().await?;
    ensure!(sim.world.stack.mail().count() == mails, "the mail is due again");
    Ok(())
}

fn reinstated_in_time(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = get_id(sim).await?;
        reinstate_in_time(sim, &id, 1).await
    })
}

fn reinstated_in_time_on_a_ledger(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = get_job(sim).await?;
        reinstate_in_time(sim, &id, 2).await
    })
}

/// Mails went, the process died before the job heard of it, and the job is cancelled.
fn cancelled_after_its_mail(sim: &mut Sim) -> Run<'_> {
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

/// A job is cancelled and swept while its mail is sent by a consumer that has read that the
/// job runs.
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

/// The mail is sent again, since nobody knows how its first attempt ended.
fn cancelled_while_it_is_repeated(sim: &mut Sim) -> Run<'_> {
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

fn cancelled_while_it_is_sent(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        sim.stopped = true;
        let job = sim.job(&people, &people, None).await?;
        sim.deliver(100).await;
        cancel_while_sent(sim, &job).await
    })
}

fn asked_before_its_mail(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = get_id(sim).await?;
        let answer = sim.insist("POST", &format!("/credentials/{id}/resend"), None, None).await?;
        ensure!(answer.status == 409, "{}", answer.body);
        Ok(())
    })
}

fn revoked_before_the_resend(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = get_id(sim).await?;
        sim.drain().await?;
        let gate = sim.hold("UpdateItem", "resent_at", None);
        let request = sim.request("POST", &format!("/credentials/{id}/resend"), None, None);
        let asking = sim.aside(|app| handle(app, request));
        gate.reached.cancelled().await;
        set_status(sim, &id, "revoked").await?;
        gate.open.cancel();
        ensure!(answer_of(asking).await?.status == 409, "mail of a revoked credential");
        Ok(())
    })
}

fn asked_too_soon(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let id = get_id(sim).await?;
        sim.drain().await?;
        let path = format!("/credentials/{id}/resend");
        sim.resends = 1;
        ensure!(sim.insist("POST", &path, None, None).await?.status == 202);
        while sim.deliver(100).await {}
        ensure!(sim.world.stack.mail().count() == 2, "it was sent again");
        ensure!(sim.insist("POST", &path, None, None).await?.status == 409);
        Ok(())
    })
}

/// A retry is about to owe a failed mail again when somebody has it sent.
fn sent_before_its_retry(sim: &mut Sim) -> Run<'_> {
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
fn cancelled_before_it_is_taken_over(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        sim.stopped = true;
        let body = json!({ "template_id": sim.world.demo.template_id, "recipients": people });
        sim.faults.on("SendMessageBatch", 0..1, Fault::Gone { done: false });
        let died = sim.call("POST", "/credentials/issue", Some(&body), Some("k")).await;
        ensure!(died.is_none(), "it was to die");
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

fn a_job_that_is_gone(sim: &mut Sim) -> Run<'_> {
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

fn ended_before_it_is_cancelled(sim: &mut Sim) -> Run<'_> {
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
fn an_old_count(sim: &mut Sim) -> Run<'_> {
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

fn an_old_recount(sim: &mut Sim) -> Run<'_> {
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

fn asked_twice_with_a_key(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = [person(1)];
        sim.issue(&people, &people, Some("k")).await?;
        // Its answer would be another one now.
        sim.drain().await
    })
}

fn asked_while_it_runs(sim: &mut Sim) -> Run<'_> {
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

fn another_body_after_a_crash(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let body =
            |n| json!({ "template_id": sim.world.demo.template_id, "recipients": [person(n)] });
        let (first, other) = (body(1), body(2));
        sim.faults.on("PutItem", 0..1, Fault::Gone { done: false });
        let died = sim.call("POST", "/credentials/issue", Some(&first), Some("k")).await;
        ensure!(died.is_none(), "it was to die");
        sim.clock.jump(Duration::from_secs(100));
        let answer = sim.insist("POST", "/credentials/issue", Some(&other), Some("k")).await?;
        ensure!(answer.status == 422, "{}", answer.body);
        Ok(())
    })
}

fn forgotten_after_a_crash(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=2).map(person).collect();
        let body = json!({ "template_id": sim.world.demo.template_id, "recipients": people });
        sim.faults.on("SendMessageBatch", 0..1, Fault::Gone { done: false });
        let died = sim.call("POST", "/credentials/issue", Some(&body), Some("k")).await;
        ensure!(died.is_none(), "it was to die");
        let first = sim.world.get("/jobs").await["items"][0]["job_id"].clone();
        sim.clock.jump(Duration::from_secs(25 * 3600));
        let second = sim.job(&people, &people, Some("k")).await?;
        ensure!(first != second.as_str(), "a day later it is another request");
        Ok(())
    })
}

/// Two calls find a forgotten key; the slower one must not remove the faster one's answer.
fn forgotten_by_two(sim: &mut Sim) -> Run<'_> {
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
fn a_zombie_answers(sim: &mut Sim) -> Run<'_> {
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
        // It says how the mail stands now: another answer than its heir's.
        ensure!(late["credentials"][0]["email_status"] == "sent", "{late}");
        Ok(())
    })
}

/// A template is archived while somebody is writing its next version.
fn archived_meanwhile(sim: &mut Sim) -> Run<'_> {
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

/// The visibility of a message ends while it is being sent: another consumer gets it too.
fn two_consumers(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        get_id(sim).await?;
        let gate = sim.hold("SendRawEmail", "", None);
        let first = sim.deliver_aside().await;
        gate.reached.cancelled().await;
        sim.clock.jump(Duration::from_secs(2));
        sim.show_again();
        sim.deliver(100).await;
        gate.open.cancel();
        first.await?;
        sim.drain().await?;
        ensure!(sim.world.stack.mail().count() == 1, "one mail");
        Ok(())
    })
}

/// Messages are lost again and again: the sweeper doubles its wait each time.
fn lost_messages(sim: &mut Sim) -> Run<'_> {
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

/// SES is paused for a day: what waits is put off, not multiplied.
fn ses_is_paused(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let paused = Fault::SesError(400, "AccountSendingPausedException", "Sending is paused");
        sim.faults.on("SendRawEmail", 0..1_000_000, paused);
        for n in 1..=3 {
            let people = [person(n)];
            sim.issue(&people, &people, None).await?;
        }
        let people: Vec<Value> = (4..=8).map(person).collect();
        sim.job(&people, &people, None).await?;
        for _ in 0..6 * 60 {
            while sim.deliver(100).await {}
            sim.clock.jump(Duration::from_secs(60));
            sim.sweep().await;
        }
        let (_, held) = sim.messages().await;
        ensure!(held == 8, "{held} messages wait for 8 mails");
        sim.faults.heal_plan();
        sim.drain().await?;
        ensure!(sim.world.stack.mail().count() == 8, "each is sent once");
        Ok(())
    })
}

/// A job is cancelled and swept while a consumer issues a row of it.
fn cancelled_while_it_is_issued(sim: &mut Sim) -> Run<'_> {
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
fn given_up_while_it_is_issued(sim: &mut Sim) -> Run<'_> {
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
fn refused_and_then_issued(sim: &mut Sim) -> Run<'_> {
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

/// Mail that a cancellation skipped is asked for, and SES refuses it.
fn skipped_and_then_failed(sim: &mut Sim) -> Run<'_> {
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

fn another_content(sim: &mut Sim) -> Run<'_> {
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

fn another_body(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = [person(1)];
        sim.issue(&people, &people, Some("k")).await?;
        let other = json!({ "template_id": sim.world.demo.template_id, "recipients": [person(2)] });
        let answer = sim.insist("POST", "/credentials/issue", Some(&other), Some("k")).await?;
        ensure!(answer.status == 422, "{}", answer.body);
        Ok(())
    })
}

/// A run to its end; red when it takes too long.
async fn run(
    scenario: Scenario,
    mutant: Option<&'static Mutant>,
) -> Result<(BTreeSet<String>, usize)> {
    let work = async move {
        let mut sim = Sim::new(0).await;
        sim.rounds = 500;
        if let Some(mutant) = mutant {
            sim.faults.mutate(mutant);
            // It is to fail, and says so itself.
            sim.world.leave_unasked();
        }
        let faults = sim.faults.clone();
        let outcome = match scenario(&mut sim).await {
            Ok(()) => sim.finish().await.map(|_| ()),
            Err(error) => Err(error),
        };
        outcome.map(|()| (faults.seen(|seen| seen.conditions.clone()), faults.injected()))
    };
    let task = tokio::spawn(work);
    let abort = task.abort_handle();
    let outcome = tokio::time::timeout(PATIENCE, task).await;
    abort.abort();
    outcome.context("it takes too long")??
}

/// Every scenario is green when nothing is switched off, and every condition expression
/// that it meets has a mutant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_is_green_and_every_condition_has_a_mutant() {
    let mut seen = BTreeSet::new();
    let mut done = BTreeSet::new();
    let mut failed = Vec::new();
    for mutant in MUTANTS {
        let (name, scenario) = mutant.killer;
        if !done.insert(name) {
            continue;
        }
        match run(scenario, None).await {
            Ok((conditions, _)) => seen.extend(conditions),
            Err(error) => failed.push(format!("{name}: {error:#}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let known: BTreeSet<String> = MUTANTS
        .iter()
        .filter_map(|mutant| match mutant.off {
            Off::Condition(whole, _) => Some(whole.to_owned()),
            _ => None,
        })
        .collect();
    let without: Vec<&String> = seen.difference(&known).collect();
    assert!(without.is_empty(), "no mutant switches these off: {without:#?}");
    let unseen: Vec<&String> = known.difference(&seen).collect();
    assert!(unseen.is_empty(), "nothing meets these: {unseen:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mutant_is_killed() {
    let mut alive = Vec::new();
    for mutant in MUTANTS {
        let (name, scenario) = mutant.killer;
        if let Ok((_, changed)) = run(scenario, Some(mutant)).await {
            alive.push(format!("{} survives {name} ({changed} changes)", mutant.name));
        }
    }
    assert!(alive.is_empty(), "{}", alive.join("\n"));
}

/// The table in `docs/` is this one.
#[test]
fn the_table_of_the_document_names_every_mutant() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guarantees.md");
    let document = std::fs::read_to_string(path).expect("the document");
    let rows: Vec<&str> = document.lines().filter(|line| line.ends_with("` |")).collect();
    assert_eq!(rows.len(), MUTANTS.len());
    for (row, mutant) in rows.iter().zip(MUTANTS) {
        assert!(row.starts_with(&format!("| {} |", mutant.name)), "{row}");
        assert!(row.ends_with(&format!("`{}` |", mutant.killer.0)), "{row}");
    }
}

/// An organization that is made twice keeps the secret of its ids.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_is_made_once() {
    let sim = Sim::new(0).await;
    let settings = Settings::new(
        "Otra",
        unicreda::domain::email::EmailAddress::parse("otra@demo.example").expect("an address"),
    );
    let org = OrgId::parse(local::demo::ORGANIZATION).expect("a name");
    let now = "2026-01-01T00:00:00.000Z".to_owned();
    let made = unicreda::api::organization::create(sim.world.stack.app(), org, settings, now);
    assert!(!made.await.expect("an answer"));
}
