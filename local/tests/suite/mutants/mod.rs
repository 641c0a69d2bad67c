//! Proof that the tests detect a missing guard: every guard of the service is switched off, one
//! at a time, and the scenario that needs it must go red.
//!
//! A mutant changes the traffic between the SDK and the services: a condition always holds, a
//! lease has ended when it begins, an answer hides the compared value. So the tested code is
//! the deployed code. A test compares the table of `docs/guarantees.md` with this one.

mod blocks;
mod claims;
mod erasures;
mod issuing;
mod jobs;
mod mail;
mod prints;
mod reports;
mod sheets;
mod status;
mod steps;

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use unicreda::domain::{ids::OrgId, organization::Settings};

use self::{
    blocks::{removed_while_it_is_blocked, removed_while_its_block_is_lifted, two_blocks},
    claims::{wallets_asked_too_often, wallets_delivered_twice},
    erasures::{
        corrected_while_it_is_erased, mailed_while_it_is_erased, two_erasures_of_one_piece,
    },
    issuing::{
        a_zombie_answers, another_body, another_body_after_a_crash,
        another_body_after_a_former_crash, another_content, archived_during_a_change, asked_twice,
        asked_twice_with_a_key, asked_while_it_runs, cleaned_after_a_correction, cleaned_twice,
        expired_after_a_crash, expired_for_two, issued_while_a_list_begins, put_twice,
    },
    jobs::{
        a_deleted_job, an_old_count, an_old_recount, cancelled_after_its_mail,
        cancelled_before_it_is_taken_over, cancelled_while_it_is_issued,
        cancelled_while_it_is_repeated, cancelled_while_it_is_sent,
        changed_after_its_row_corrected_it, delivered_twice, ended_before_it_is_cancelled,
        given_up_while_it_is_issued, lost_messages, refused_and_then_issued, sent_before_its_retry,
        skipped_and_then_failed,
    },
    mail::{
        a_late_heir, a_zombie_is_refused_by_ses, a_zombie_of_a_job_is_refused_by_ses,
        asked_again_while_a_zombie_is_refused, asked_again_while_its_receipt_is_written,
        asked_before_its_mail, asked_too_soon, blocked_before_its_mail, blocked_before_the_resend,
        one_delivered_twice, reinstated_in_time, reinstated_in_time_on_a_ledger,
        revoked_before_its_mail, revoked_before_the_resend, ses_is_paused, shown_in_time,
        shown_in_time_on_a_ledger, two_consumers, two_consumers_of_a_job,
    },
    prints::{
        a_slow_printer, erased_while_it_is_drawn, ordered_again_by_two,
        ordered_again_while_it_is_withdrawn,
    },
    reports::{
        blocked_while_its_bounce_is_reported, complained_and_then_bounced,
        corrected_before_its_delivery_is_reported, corrected_while_an_earlier_mail_is_reported,
        delivered_and_bounced_at_once, refused_and_complained_at_once,
        resent_while_a_refusal_is_reported, resent_while_its_delivery_is_reported,
        returned_while_its_delivery_is_reported, revoked_while_its_bounce_is_reported,
    },
    sheets::{OfBucket, a_sheet_of_two, a_sheet_that_is_deleted},
    status::{
        another_design_of_the_second, compromised_while_it_signs, corrected_to_anothers_content,
        corrected_while_it_is_sent, corrected_while_its_job_sends, revoked_while_it_is_suspended,
        sender_taken_away, two_corrections, two_private_corrections, two_renewals,
        two_revocations_of_one_list, two_rotations,
    },
};
use crate::{
    crashes::{self, Scenario},
    faults::{conditions, shape},
    sim::Sim,
};

/// A run with a guard switched off that takes longer counts as red.
const PATIENCE: Duration = Duration::from_secs(120);

/// A change to the traffic that switches a guard off.
#[derive(Debug)]
enum Off {
    /// A clause of a condition expression always holds: the whole expression and the clause
    /// (empty: all of it).
    Condition(&'static str, &'static str),
    /// A value of an update is another one: its name, a text of these updates, the new value.
    Value(&'static str, &'static str, &'static str),
    /// A refused condition returns this attribute with another value, or with the requested one.
    Refused(&'static str, Option<&'static str>),
    /// An item is read with another value of this attribute.
    Read(&'static str, &'static str),
    /// A set is read without the members of this other set.
    Set(&'static str, &'static str),
    /// Items are read together, this map in them without this member.
    Without(&'static str, &'static str),
    /// A call of the bucket is another one.
    Bucket(OfBucket),
}

/// A guard of the service, switched off.
#[derive(Debug)]
pub struct Mutant {
    /// The guard, as the document names it.
    pub name: &'static str,
    off: Off,
    /// The scenario that goes red.
    killer: (&'static str, Scenario),
}

impl Mutant {
    /// Changes a request of the bucket; whether it did, and an answer where it does not arrive.
    pub fn change_object(
        &self,
        operation: &str,
        request: &mut HttpRequest,
    ) -> (bool, Option<HttpResponse>) {
        match &self.off {
            Off::Bucket(off) => off.change(operation, request),
            _ => (false, None),
        }
    }

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
            Off::Refused(name, value) => {
                let Some(item) = reply.get_mut("Item").filter(|item| !item[name].is_null()) else {
                    return false;
                };
                if operation == "GetItem" {
                    return false;
                }
                item[name] = match value {
                    Some(value) => json!({ "S": value }),
                    None if operation == "PutItem" => asked["Item"][name].clone(),
                    None => asked["ExpressionAttributeValues"][":print"].clone(),
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
            Off::Without(map, member) => {
                let tables = reply["Responses"].as_object_mut().into_iter().flatten();
                let items = tables.filter_map(|(_, items)| items.as_array_mut()).flatten();
                let maps = items.filter_map(|item| item[map]["M"].as_object_mut());
                maps.filter_map(|map| map.remove(member)).count() > 0
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
const CLAIM: &str = "mail = :owed AND #status = :issued AND attribute_not_exists(blocked)";
const CLAIM_EXPIRED: &str = "mail = :claimed AND mail_lease = :lease AND mail_lease < :now AND #status = :issued AND attribute_not_exists(blocked)";
const SKIP: &str = "mail = :was AND (#status <> :issued OR attribute_exists(blocked))";
const UNBLOCKED: &str = "attribute_exists(recipient) AND attribute_not_exists(blocked)";
const NOT_BLOCKED: &str = "attribute_not_exists(blocked)";
const AGAIN: &str = "(mail = :sent OR mail = :failed OR mail = :skipped) AND #status = :issued AND attribute_not_exists(blocked) AND (attribute_not_exists(resent_at) OR resent_at < :before)";
const BEGIN: &str = "attribute_not_exists(pk) OR (lease_until < :now AND #ttl > :now AND ((phase = :open AND fingerprint = :print) OR (phase = :running AND body_hash = :hash)))";

const CLAIM_TOGETHER: &str = "attribute_not_exists(claimed) OR (NOT contains(claimed, :r0))";
const ON_LEDGER: &str = "mail = :owed AND attribute_not_exists(mail_round) AND (attribute_not_exists(mail_attempts) OR mail_attempts = :none)";
const ON_LEDGER_TOGETHER: &str = "mail = 'owed' AND mail_attempts IS MISSING";
const FIRST_HEARD: &str =
    "revision = :none AND attribute_not_exists(mail_round) AND attribute_not_exists(mail_delivery)";
const UNHEARD: &str = "attribute_not_exists(mail_round) AND attribute_not_exists(mail_delivery)";
const PENDING_AGAIN: &str = "mail_round = :round AND attribute_not_exists(mail_delivery)";
const HEARD_WHY: &str =
    "attribute_not_exists(mail_round) AND mail_delivery = :heard AND mail_error = :known";
const OUTRANKS_ENTRY: &str =
    "attribute_not_exists(pk) OR #reason < :reason OR (#reason = :reason AND #since > :since)";
const UNHEARD_AND_HOLDS: &str = "attribute_not_exists(mail_round) AND attribute_not_exists(mail_delivery) AND #status = :issued AND attribute_not_exists(blocked)";

const SPEND: &str = "contains(asked, :id) AND NOT contains(sent, :id)";
const COUNT: &str = "attribute_not_exists(asked) OR contains(asked, :id) OR size(asked) < :most";

const NOTED: &str = "reader = :reader AND erasures = :erasures";

const SENDER_ALLOWED: &str = "contains(senders, :address) OR contains(senders, :domain) OR (attribute_not_exists(senders) AND #settings.sender = :address)";

/// Conditions of the lease of a file. Two that read it at once do the same work twice, and nobody
/// sees it: there is nothing to go red.
const OF_FILES: [&str; 5] = [
    "attribute_exists(pk) AND (attribute_not_exists(reader_until) OR reader_until < :now)",
    "attribute_exists(pk) AND reader = :reader",
    // Of an order of certificates, whose notes have a guard of their own.
    "print_state = :open AND (attribute_not_exists(reader_until) OR reader_until < :now)",
    "reader = :reader",
    // That files are deleted is noted once more where two delete them.
    "attribute_exists(pk) AND open_pk = :files",
];

macro_rules! mutants {
    ($($name:literal: $off:expr => $killer:path;)*) => {
        &[$(Mutant { name: $name, off: $off, killer: (stringify!($killer), $killer) }),*]
    };
}

/// Every guard, and the scenario that needs it.
static MUTANTS: &[Mutant] = mutants! {
    "a credential is put once": Off::Condition("attribute_not_exists(id)", "") => asked_twice;
    "a cleaned credential is put once": Off::Condition("attribute_not_exists(id)", "") => cleaned_twice;
    "only pending mail is claimed": Off::Condition(CLAIM, "mail = :owed") => one_delivered_twice;
    "only mail of a credential in force is claimed": Off::Condition(CLAIM, "#status = :issued") => revoked_before_its_mail;
    "only mail of a credential that is shown is claimed": Off::Condition(CLAIM, NOT_BLOCKED) => blocked_before_its_mail;
    "one consumer claims a mail of a job": Off::Condition(CLAIM_TOGETHER, "") => two_consumers_of_a_job;
    "a claim on the ledger lasts": Off::Value(":until", "SET claimed_until", "0") => two_consumers_of_a_job;
    "a mail state on the credential outranks the ledger": Off::Condition(ON_LEDGER, "") => a_zombie_of_a_job_is_refused_by_ses;
    "a ledger is about the first mail": Off::Condition(ON_LEDGER, "attribute_not_exists(mail_round)") => asked_again_while_a_zombie_is_refused;
    "a receipt is about the first mail": Off::Condition(ON_LEDGER_TOGETHER, "mail_attempts IS MISSING") => asked_again_while_its_receipt_is_written;
    "an address is not corrected while its job sends": Off::Condition("attribute_not_exists(claimed) OR NOT contains(claimed, :row)", "") => corrected_while_its_job_sends;
    "one consumer takes an ended lease": Off::Condition(CLAIM_EXPIRED, "") => a_late_heir;
    "an attempt ends only its own claim": Off::Condition("mail = :claimed AND mail_attempts = :attempt", "") => a_zombie_is_refused_by_ses;
    "mail of a reinstated credential is not skipped": Off::Condition(SKIP, "") => reinstated_in_time;
    "mail of a credential that is shown again is not skipped": Off::Condition(SKIP, "") => shown_in_time;
    "nor is mail of a job that is due again": Off::Condition(SKIP, "") => shown_in_time_on_a_ledger;
    "nor is a job's mail": Off::Condition(SKIP, "") => reinstated_in_time_on_a_ledger;
    "mail that has ended is not written off": Off::Condition("mail = :owed", "") => cancelled_after_its_mail;
    "mail that is being sent is not written off": Off::Condition("mail = :claimed AND mail_lease < :now", "") => cancelled_while_it_is_repeated;
    "mail that its job is sending is not written off": Off::Value(":until", "SET claimed_until", "0") => cancelled_while_it_is_sent;
    "mail is sent again when it has ended": Off::Condition(AGAIN, "(mail = :sent OR mail = :failed OR mail = :skipped)") => asked_before_its_mail;
    "mail is sent again while its credential is in force": Off::Condition(AGAIN, "#status = :issued") => revoked_before_the_resend;
    "mail is sent again while its credential is shown": Off::Condition(AGAIN, NOT_BLOCKED) => blocked_before_the_resend;
    "mail is sent again at most every five minutes": Off::Condition(AGAIN, "(attribute_not_exists(resent_at) OR resent_at < :before)") => asked_too_soon;
    "a retry sends failed mail only": Off::Condition("mail = :failed AND #status = :issued AND attribute_not_exists(blocked)", "") => sent_before_its_retry;
    "a job is created once": Off::Condition("attribute_not_exists(pk)", "") => cancelled_before_it_is_taken_over;
    "an update creates no job": Off::Condition(ANY, "") => a_deleted_job;
    "an ended job is not cancelled": Off::Condition(OPEN, "") => ended_before_it_is_cancelled;
    "an older count overwrites no newer one": Off::Condition(UNREAD, "") => an_old_count;
    "nor after its end": Off::Condition("attribute_exists(pk) AND tally_at = :seen", "") => an_old_recount;
    "work with a kept answer is not repeated": Off::Condition(BEGIN, "") => asked_twice_with_a_key;
    "a running request is not taken over": Off::Condition(BEGIN, "lease_until < :now") => asked_while_it_runs;
    "a request with another body takes nothing over": Off::Condition(BEGIN, "fingerprint = :print") => another_body_after_a_crash;
    "nor does it of a former release": Off::Condition(BEGIN, "body_hash = :hash") => another_body_after_a_former_crash;
    "an expired request is not taken over": Off::Condition(BEGIN, "#ttl > :now") => expired_after_a_crash;
    "only an expired request is removed": Off::Condition("#ttl <= :now", "") => expired_for_two;
    "the request that took over ends it": Off::Condition("phase = :open AND fence = :fence", "") => a_zombie_answers;
    "an archived template stays archived": Off::Condition("version = :before AND archived = :archived", "") => archived_during_a_change;
    "a change rests on the credential that it read": Off::Condition("revision = :before", "") => revoked_while_it_is_suspended;
    "the first block stays": Off::Condition(UNBLOCKED, NOT_BLOCKED) => two_blocks;
    "a block makes no credential": Off::Condition(UNBLOCKED, "attribute_exists(recipient)") => removed_while_it_is_blocked;
    "nor does the end of a block": Off::Condition("attribute_exists(blocked)", "") => removed_while_its_block_is_lifted;
    "a list is replaced by the reader of its last version": Off::Condition("version = :before", "") => two_revocations_of_one_list;
    "a correction rests on the credential that it read": Off::Condition("revision = :before AND mail = :mail", "revision = :before") => two_corrections;
    "nor does one of private facts take another change back": Off::Condition("revision = :before", "") => two_private_corrections;
    "a renewal rests on the credential that it read": Off::Condition("revision = :before AND mail = :mail", "revision = :before") => two_renewals;
    "an erasure rests on the credential that it read": Off::Condition("revision = :before AND mail = :mail", "revision = :before") => corrected_while_it_is_erased;
    "nor is it erased while its mail is sent": Off::Condition("revision = :before AND mail = :mail", "mail = :mail") => mailed_while_it_is_erased;
    "inputs are rewritten as they were read": Off::Condition("#data = :before", "") => two_erasures_of_one_piece;
    "a certificate that was read before an erasure is not noted": Off::Condition(NOTED, "erasures = :erasures") => erased_while_it_is_drawn;
    "who has the lease of an order notes how far it is": Off::Condition(NOTED, "reader = :reader") => a_slow_printer;
    "an order takes the place of the one that it read": Off::Condition("attempt = :over", "") => ordered_again_by_two;
    "an erasure withdraws the archive that it read": Off::Condition("attempt = :attempt", "") => ordered_again_while_it_is_withdrawn;
    "an address is not corrected while its mail is sent": Off::Condition("revision = :before AND mail = :mail", "mail = :mail") => corrected_while_it_is_sent;
    "an alias hides no credential": Off::Condition("attribute_not_exists(id) OR alias_of = :of", "") => corrected_to_anothers_content;
    "nor does that of content as it was sent": Off::Condition("attribute_not_exists(id) OR alias_of = :of", "") => cleaned_after_a_correction;
    "the counter of status indexes never goes back": Off::Condition("attribute_not_exists(id) OR taken < :to", "") => issued_while_a_list_begins;
    "a key is replaced by its reader": Off::Condition("multikey = :before", "") => two_rotations;
    "the key that signs is not declared compromised": Off::Condition("attribute_exists(retired_at)", "") => compromised_while_it_signs;
    "an organization sends as whom its operator allows": Off::Condition(SENDER_ALLOWED, "") => sender_taken_away;
    "a second has one design": Off::Condition("attribute_not_exists(pk)", "") => another_design_of_the_second;
    "a report of a mail counts in its round": Off::Condition(UNHEARD, "attribute_not_exists(mail_round)") => resent_while_a_refusal_is_reported;
    "a report of a mail rests on the state that was read": Off::Condition(UNHEARD, "attribute_not_exists(mail_delivery)") => refused_and_complained_at_once;
    "a first delivery counts in its round": Off::Condition(FIRST_HEARD, "attribute_not_exists(mail_round)") => resent_while_its_delivery_is_reported;
    "a first delivery outranks nothing": Off::Condition(FIRST_HEARD, "attribute_not_exists(mail_delivery)") => delivered_and_bounced_at_once;
    "a first delivery counts for the current address": Off::Condition(FIRST_HEARD, "revision = :none") => corrected_before_its_delivery_is_reported;
    "a soft bounce is sent again while its credential is in force": Off::Condition(UNHEARD_AND_HOLDS, "#status = :issued") => revoked_while_its_bounce_is_reported;
    "a soft bounce is sent again while its credential is shown": Off::Condition(UNHEARD_AND_HOLDS, NOT_BLOCKED) => blocked_while_its_bounce_is_reported;
    "a report of an earlier mail counts in its sending": Off::Condition(PENDING_AGAIN, "mail_round = :round") => corrected_while_an_earlier_mail_is_reported;
    "a report of a mail rests on the reason that was read": Off::Condition(HEARD_WHY, "mail_error = :known") => returned_while_its_delivery_is_reported;
    "a complaint outranks a bounce on the list": Off::Condition(OUTRANKS_ENTRY, "") => complained_and_then_bounced;
    "a lease of a mail lasts": Off::Value(":until", "SET mail = :claimed", "0") => two_consumers;
    "a lease of a request lasts": Off::Value(":until", "SET phase = :open", "0") => asked_while_it_runs;
    "a sweep waits for the last one": Off::Value(":after", "sweep_after", "2020-01-01T00:00:00.000Z") => lost_messages;
    "a pending mail that was queued waits from then on": Off::Value(":since", "owed_sk = :since", "2020-01-01T00:00:00.000Z#x") => ses_is_paused;
    "a job that is given up waits for its consumers": Off::Value(":at", "SET given_up_at", "2020-01-01T00:00:00.000Z") => given_up_while_it_is_issued;
    "a cancelled job waits for its consumers": Off::Value(":at", "SET cancelled_at", "2020-01-01T00:00:00.000Z") => cancelled_while_it_is_issued;
    "issued outranks failed": Off::Set("issued", "failed") => refused_and_then_issued;
    "sent outranks failed": Off::Set("sent", "failed") => crashes::resend_of_a_job;
    "failed outranks skipped": Off::Set("failed", "skipped") => skipped_and_then_failed;
    "a request knows its own credential": Off::Refused("origin", Some("req:x")) => put_twice;
    "a row knows its own credential": Off::Read("origin", "req:x") => delivered_twice;
    "a row knows its own correction": Off::Without("by", "row") => changed_after_its_row_corrected_it;
    "an external id is one content's": Off::Refused("content", None) => another_content;
    "a key is one body's": Off::Refused("fingerprint", None) => another_body;
    "a request for wallets is one mail": Off::Condition(SPEND, "NOT contains(sent, :id)") => wallets_delivered_twice;
    "an address gets three mails a day": Off::Condition(COUNT, "") => wallets_asked_too_often;
    "a copy is written before its rows are counted": Off::Bucket(OfBucket::Lost("S3 PUT", "/sheets/")) => a_sheet_of_two;
    "a copy goes with the files of its job": Off::Bucket(OfBucket::Other("S3 POST", ["<Key>sheets/", "<Key>sheetz/"])) => a_sheet_that_is_deleted;
};

/// Runs a scenario to its end; red when it takes too long.
async fn run(
    scenario: Scenario,
    mutant: Option<&'static Mutant>,
) -> Result<(BTreeSet<String>, usize)> {
    let work = async move {
        let mut sim = Sim::new(0).await;
        sim.rounds = 500;
        if let Some(mutant) = mutant {
            sim.faults.mutate(mutant);
            // The scenario itself must fail, not the oracle.
            sim.world.skip_oracle();
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
    let without = seen.difference(&known).filter(|whole| !OF_FILES.contains(&whole.as_str()));
    let without: Vec<&String> = without.collect();
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
    let (_, guards) = document.split_once("## Guards switched off").expect("the section");
    let rows: Vec<&str> = guards.lines().filter(|line| line.ends_with("` |")).collect();
    assert_eq!(rows.len(), MUTANTS.len());
    for (row, mutant) in rows.iter().zip(MUTANTS) {
        assert!(row.starts_with(&format!("| {} |", mutant.name)), "{row}");
        assert!(row.ends_with(&format!("`{}` |", mutant.killer.0)), "{row}");
    }
}

/// An organization that is created twice keeps the secret of its ids.
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
