//! What a notice of SES means. Each row of the table in `docs/operate.md` is reported through the
//! function `feedback`, alone and after a delivery, and what is seen then must be what the table says:
//! `WRITE=1 cargo test --test suite notices::` writes it. Any order of notices ends the same.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use unicreda::jobs::sweep::{self, SweepMode};

use crate::{
    crashes::{self, Run},
    feedback::{delivered, event, report},
    harness::{World, person},
    queues::{Queue, body_of, consume, drain, mail_of, take, unread},
    sim::Sim,
};

/// A notice but for its mail: kind, and the object of that name.
type Content = (&'static str, Value);

/// A bounce, with the members of its one recipient besides the address.
fn bounce(kind: &str, sub: &str, recipient: &Value) -> Content {
    let details = json!({
        "bounceType": kind, "bounceSubType": sub, "feedbackId": "0102018",
        "timestamp": "2026-11-24T10:00:02.000Z", "bouncedRecipients": [recipient],
    });
    ("Bounce", details)
}

fn said(status: &str) -> Value {
    json!({ "action": "failed", "status": status, "diagnosticCode": "smtp; said so" })
}

fn complaint(sub: Option<&str>, kind: Option<&str>) -> Content {
    let details = json!({
        "timestamp": "2026-11-24T11:00:00.000Z", "feedbackId": "0102018",
        "complaintSubType": sub, "complaintFeedbackType": kind,
    });
    ("Complaint", details)
}

/// The notice about a mail to an address.
fn about((kind, details): &Content, id: &str, round: u32, to: &str) -> Value {
    let mut details = details.clone();
    if let Some(recipients) = details["bouncedRecipients"].as_array_mut() {
        for recipient in recipients {
            if recipient["emailAddress"].is_null() {
                recipient["emailAddress"] = to.into();
            }
        }
    }
    event(kind, details, id, round, to)
}

/// The rows of the table: what SES says, and one or more notices that mean the same.
fn rows() -> Vec<(&'static str, Vec<Content>)> {
    let none = json!({});
    let b = |kind: &str, sub: &str, statuses: &[&str]| -> Vec<Content> {
        statuses
            .iter()
            .map(|status| match *status {
                "" => bounce(kind, sub, &json!({})),
                status => bounce(kind, sub, &said(status)),
            })
            .collect()
    };
    let delivery = json!({ "timestamp": "2026-11-24T10:00:01.500Z", "recipients": [] });
    let others = ["Send", "Open", "Click", "DeliveryDelay", "Subscription", "Rendering Failure"];
    vec![
        ("`Delivery`", vec![("Delivery", delivery)]),
        ("`Bounce` `Permanent` `General`, without a status or 5.x.x", b("Permanent", "General", &["", "5.1.1", "5.0.0"])),
        ("`Bounce` `Permanent` `General`, 4.x.x", b("Permanent", "General", &["4.4.7"])),
        ("`Bounce` `Permanent` `NoEmail`", b("Permanent", "NoEmail", &["", "5.1.1"])),
        ("`Bounce` `Permanent` `Suppressed`", b("Permanent", "Suppressed", &["", "5.1.1"])),
        ("`Bounce` `Permanent` `OnAccountSuppressionList`", b("Permanent", "OnAccountSuppressionList", &["", "5.1.1"])),
        ("`Bounce` `Permanent` `OnTenantSuppressionList`", b("Permanent", "OnTenantSuppressionList", &["", "5.1.1"])),
        ("`Bounce` `Permanent` `EmailValidationSuppressed`, `UnsubscribedRecipient`", [
            b("Permanent", "EmailValidationSuppressed", &["", "5.1.1"]),
            b("Permanent", "UnsubscribedRecipient", &[""]),
        ].concat()),
        ("`Bounce` `Transient` `General`, without a status", b("Transient", "General", &[""])),
        ("`Bounce` `Transient` `General`, 4.x.x", [
            b("Transient", "General", &["4.4.7", "4.0.0 (undefined)"]),
            vec![bounce("Transient", "General", &json!({
                "diagnosticCode": "smtp; 554 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.2 Connection timed out>" }))],
        ].concat()),
        ("`Bounce` `Transient` `General`, 5.x.x", [
            b("Transient", "General", &["5.3.0", "5.1.1"]),
            vec![
                bounce("Transient", "General", &json!({ "diagnosticCode": "smtp; 550 5.1.1 user unknown" })),
                bounce("Transient", "General", &json!({ "diagnosticCode": "smtp; 550 Requested action not taken" })),
                // The address that the mail was forwarded to.
                bounce("Transient", "General", &json!({ "emailAddress": "otra@ejemplo.org", "status": "5.1.1" })),
            ],
        ].concat()),
        ("`Bounce` `Transient` of any subtype, 2.x.x, or with an action other than `failed`", [
            b("Transient", "General", &["2.0.0"]),
            vec![bounce("Transient", "General", &json!({ "action": "delayed", "status": "4.4.1" }))],
            vec![bounce("Transient", "MailboxFull", &json!({ "action": "relayed", "status": "2.6.0" }))],
        ].concat()),
        ("`Bounce` `Transient` `MailboxFull`, without a status, 4.x.x or 5.2.2", b("Transient", "MailboxFull", &["", "4.2.2", "5.2.2"])),
        ("`Bounce` `Transient` `MailboxFull`, another 5.x.x", b("Transient", "MailboxFull", &["5.1.1"])),
        ("`Bounce` `Transient` `MessageTooLarge`, without a status, 4.x.x, 5.2.x or 5.3.x", b("Transient", "MessageTooLarge", &["", "4.3.4", "5.2.3", "5.3.4"])),
        ("`Bounce` `Transient` `MessageTooLarge`, another 5.x.x", b("Transient", "MessageTooLarge", &["5.1.1"])),
        ("`Bounce` `Transient` `ContentRejected`, without a status, 4.x.x, 5.6.x or 5.7.x", b("Transient", "ContentRejected", &["", "4.7.1", "5.6.1", "5.7.1"])),
        ("`Bounce` `Transient` `ContentRejected`, another 5.x.x", b("Transient", "ContentRejected", &["5.1.1"])),
        ("`Bounce` `Transient` `AttachmentRejected`, without a status, 4.x.x, 5.6.x or 5.7.x", b("Transient", "AttachmentRejected", &["", "4.7.0", "5.6.1", "5.7.0"])),
        ("`Bounce` `Transient` `AttachmentRejected`, another 5.x.x", b("Transient", "AttachmentRejected", &["5.1.1"])),
        ("`Bounce` `Transient` `CustomTimeoutExceeded`, or a subtype that is new, without a status or 4.x.x", [
            b("Transient", "CustomTimeoutExceeded", &["", "4.4.7"]),
            b("Transient", "SomethingNew", &["", "4.4.7"]),
        ].concat()),
        ("`Bounce` `Undetermined` `Undetermined`, without a status", [
            b("Undetermined", "Undetermined", &[""]),
            vec![("Bounce", json!({ "bounceType": "Undetermined", "bounceSubType": "Undetermined",
                "bouncedRecipients": [], "timestamp": "2026-11-24T10:00:02.000Z" }))],
        ].concat()),
        ("`Bounce` `Undetermined` `Undetermined`, 4.x.x", b("Undetermined", "Undetermined", &["4.4.7"])),
        ("`Bounce` `Undetermined` `Undetermined`, 5.x.x", b("Undetermined", "Undetermined", &["5.1.1"])),
        ("`Complaint` `abuse`, `fraud`, `virus`, `other`, or without a type", {
            let kinds = [Some("abuse"), Some("fraud"), Some("virus"), Some("other"), None];
            kinds.into_iter().map(|kind| complaint(None, kind)).collect()
        }),
        ("`Complaint` `not-spam`", vec![complaint(None, Some("not-spam")), complaint(None, Some("Not-Spam"))]),
        ("`Complaint` `auth-failure`", vec![complaint(None, Some("auth-failure"))]),
        ("`Complaint` of subtype `OnAccountSuppressionList`, `OnTenantSuppressionList`", vec![
            complaint(Some("OnAccountSuppressionList"), None),
            complaint(Some("OnAccountSuppressionList"), Some("abuse")),
            complaint(Some("OnTenantSuppressionList"), None),
        ]),
        ("`Reject`", vec![("Reject", json!({ "reason": "Bad content" }))]),
        ("`Send`, `Open`, `Click`, `DeliveryDelay`, `Subscription`, `Rendering Failure`", {
            others.map(|kind| (kind, none.clone())).into()
        }),
    ]
}

/// Issues to so many people in a job, whose mail is sent: the id and address of each.
async fn sent(world: &World, count: usize) -> Vec<(String, String)> {
    let people: Vec<Value> = (1..=u32::try_from(count).expect("few")).map(person).collect();
    let job = world.start_job(&people).await;
    drain(world).await;
    let rows = world.get(&format!("/jobs/{job}/results?limit=1000")).await;
    let rows = rows["items"].as_array().expect("rows").iter();
    rows.map(|row| {
        assert_eq!(row["email_status"], "sent", "{row}");
        let text = |name: &str| row[name].as_str().expect(name).to_owned();
        (text("credential_id"), text("email"))
    })
    .collect()
}

async fn report_all(world: &World, notices: &[Value]) {
    let bodies: Vec<String> = notices.iter().map(Value::to_string).collect();
    for batch in bodies.chunks(500) {
        assert_eq!(report(world.stack.app(), batch).await, [0; 0]);
    }
}

/// What is seen of a mail: its state, why, since when, and why its address is on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    status: String,
    why: Option<String>,
    at: Option<String>,
    listed: Option<String>,
}

/// What is seen of the mails of some credentials.
async fn seen(world: &World, of: &[(String, String)]) -> Vec<Seen> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let list = world.get("/suppressions?limit=1000").await;
    let listed: BTreeMap<String, String> = list["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|entry| {
            Some((
                text(&entry["email"])?,
                format!("{}, {}", text(&entry["reason"])?, text(&entry["since"])?),
            ))
        })
        .collect();
    let all = world.get("/credentials?limit=1000").await;
    let all: BTreeMap<&str, &Value> = all["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|credential| Some((credential["credential_id"].as_str()?, credential)))
        .collect();
    of.iter()
        .map(|(id, to)| {
            let credential = all[id.as_str()];
            Seen {
                status: text(&credential["email_status"]).expect("a status"),
                why: text(&credential["email_error"]),
                at: text(&credential["email_delivery_at"]),
                listed: listed.get(to).cloned(),
            }
        })
        .collect()
}

impl Seen {
    /// In the words of the table, if it was `before`.
    fn words(&self, before: &str) -> String {
        match (self.status.as_str(), &self.why) {
            (status, None) if status == before => "nothing".to_owned(),
            ("pending", None) => {
                "again after 4 and 24 h, then `bounced` (`soft_bounce`)".to_owned()
            }
            (status, None) => format!("`{status}`"),
            (status, Some(why)) => format!("`{status}` (`{why}`)"),
        }
    }

    fn address(&self) -> String {
        let reason = self.listed.as_ref().and_then(|listed| listed.split(',').next());
        reason.map_or(String::new(), |reason| format!("suppressed (`{reason}`)"))
    }
}

const BEGIN: &str = "<!-- what notices mean: written by suite::notices -->\n";
const END: &str = "<!-- until here -->";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_notice_has_the_effect_that_the_table_says() {
    let world = World::with(unread()).await;
    let rows = rows();
    let count: usize = rows.iter().map(|(_, notices)| notices.len()).sum();
    let people = sent(&world, count * 2).await;
    let (alone, after) = people.split_at(count);
    let contents: Vec<&Content> = rows.iter().flat_map(|(_, notices)| notices).collect();
    let first: Vec<Value> = after.iter().map(|(id, to)| delivered(id, 0, to)).collect();
    report_all(&world, &first).await;
    let of = |people: &[(String, String)]| -> Vec<Value> {
        let each = contents.iter().zip(people);
        each.map(|(content, (id, to))| about(content, id, 0, to)).collect()
    };
    report_all(&world, &of(alone)).await;
    report_all(&world, &of(after)).await;
    let (alone, after) = (seen(&world, alone).await, seen(&world, after).await);

    let mut table = String::from(
        "| SES reports | the mail | after a `Delivery` | the address |\n|---|---|---|---|\n",
    );
    let mut at = 0;
    for (what, notices) in &rows {
        let ends: Vec<(String, String, String)> = (at..at + notices.len())
            .map(|at| {
                let (alone, after) = (&alone[at], &after[at]);
                assert_eq!(alone.address(), after.address(), "{what}");
                (alone.words("sent"), after.words("delivered"), alone.address())
            })
            .collect();
        at += notices.len();
        let (mail, after, address) = &ends[0];
        assert!(ends.iter().all(|end| *end == ends[0]), "{what}: {ends:?}");
        table.push_str(&format!("| {what} | {mail} | {after} | {address} |\n"));
    }

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operate.md");
    let document = std::fs::read_to_string(path).expect("the document");
    let (before, rest) = document.split_once(BEGIN).expect("the table begins");
    let (kept, end) = rest.split_once(END).expect("the table ends");
    if std::env::var_os("WRITE").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{table}{END}{end}")).expect("written");
    } else {
        assert_eq!(kept, table, "WRITE=1 writes it");
    }
}

/// Each kind of notice, with an instant of its own.
fn kinds() -> Vec<Content> {
    let full = bounce("Transient", "MailboxFull", &said("4.2.2"));
    vec![
        ("Delivery", json!({ "timestamp": "2026-11-24T10:00:01.500Z", "recipients": [] })),
        bounce("Transient", "General", &json!({})),
        bounce("Transient", "General", &said("4.4.7")),
        full,
        bounce("Transient", "General", &said("5.1.1")),
        bounce("Transient", "ContentRejected", &said("5.7.1")),
        bounce("Permanent", "OnAccountSuppressionList", &said("5.1.1")),
        complaint(None, Some("abuse")),
        complaint(None, Some("not-spam")),
        ("Reject", json!({ "reason": "Bad content" })),
    ]
}

/// Sets of notices, and orders of each with repeats.
fn orders(rng: &mut fastrand::Rng) -> Vec<Vec<Vec<usize>>> {
    let count = kinds().len();
    let mut sets = Vec::new();
    // Any two, in both orders, each once and more often.
    for a in 0..count {
        for b in a + 1..count {
            sets.push(vec![vec![a, b], vec![b, a], vec![a, b, a], vec![b, a, b, b]]);
        }
    }
    for _ in 0..20 {
        let size = 3 + rng.usize(..4);
        let chosen = rng.choose_multiple(0..count, size);
        let order = |rng: &mut fastrand::Rng| {
            let repeated = chosen.iter().flat_map(|at| vec![*at; 1 + rng.usize(..2)]);
            let mut repeated: Vec<usize> = repeated.collect();
            rng.shuffle(&mut repeated);
            repeated
        };
        sets.push((0..4).map(|_| order(rng)).collect());
    }
    sets
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_end_the_same_in_any_order_and_however_often_they_come() {
    let mut rng = fastrand::Rng::with_seed(crashes::seed("orders of notices"));
    let world = World::with(unread()).await;
    let sets = orders(&mut rng);
    let all: Vec<&Vec<usize>> = sets.iter().flatten().collect();
    let people = sent(&world, all.len()).await;
    let kinds = kinds();
    // In two batches, cut anywhere: what comes later meets what was written.
    let mut batches = [Vec::new(), Vec::new()];
    for (order, (id, to)) in all.iter().zip(&people) {
        let cut = rng.usize(..=order.len());
        for (n, at) in order.iter().enumerate() {
            batches[usize::from(n >= cut)].push(about(&kinds[*at], id, 0, to));
        }
    }
    for batch in &batches {
        report_all(&world, batch).await;
    }
    let ends = seen(&world, &people).await;
    // What waits is mailed again, and nothing else.
    world.stack.app().clock.jump(Duration::from_secs(5 * 3600));
    let messages: Vec<Value> = people.iter().map(|(id, _)| mail_of(id)).collect();
    assert_eq!(consume(&world, &messages).await, [""; 0]);
    let mut mails = Vec::new();
    for (_, to) in &people {
        mails.push(world.mails_now(to).await.len());
    }
    let mut at = 0;
    for set in &sets {
        for (n, order) in set.iter().enumerate() {
            assert_eq!(ends[at + n], ends[at], "{order:?}, and {:?}", set[0]);
            assert_eq!(mails[at + n], mails[at], "mails of {order:?}, and of {:?}", set[0]);
        }
        assert_eq!(mails[at], if ends[at].status == "pending" { 2 } else { 1 }, "{:?}", set[0]);
        at += set.len();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_on_an_earlier_mail_of_a_sending_counts_and_on_an_earlier_sending_does_not() {
    let world = World::with(unread()).await;
    let people = sent(&world, 3).await;
    let soft = bounce("Transient", "General", &said("4.4.7"));
    let wait = async |hours: u64| {
        let app = world.stack.app();
        app.clock.jump(Duration::from_secs(hours * 3600 + 700));
        sweep::sweep(app, SweepMode::default()).await.expect("a run");
        drain(&world).await;
    };
    let states = async || {
        let seen = seen(&world, &people).await;
        seen.into_iter().map(|seen| seen.status).collect::<Vec<_>>()
    };
    let softly = |round: u32| -> Vec<Value> {
        people.iter().map(|(id, to)| about(&soft, id, round, to)).collect()
    };
    report_all(&world, &softly(0)).await;
    wait(4).await;
    report_all(&world, &softly(1)).await;
    wait(24).await;
    report_all(&world, &softly(2)).await;
    assert_eq!(states().await, ["bounced"; 3]);
    // The first mail arrived after all, and the second was refused at last.
    report_all(&world, &[delivered(&people[0].0, 0, &people[0].1)]).await;
    let hard = bounce("Transient", "General", &said("5.1.1"));
    report_all(&world, &[about(&hard, &people[1].0, 1, &people[1].1)]).await;
    // And the third was asked for again: an earlier sending has nothing to say of it.
    world.call("POST", &format!("/credentials/{}/resend", people[2].0), None).await.expect(202);
    drain(&world).await;
    report_all(&world, &[delivered(&people[2].0, 2, &people[2].1)]).await;
    let seen = seen(&world, &people).await;
    let ends: Vec<(&str, Option<&str>)> =
        seen.iter().map(|seen| (seen.status.as_str(), seen.why.as_deref())).collect();
    assert_eq!(ends, [("delivered", None), ("bounced", Some("hard_bounce")), ("sent", None)]);
    // It bounces softly twice as any first mail does.
    let (id, to) = &people[2];
    for (round, hours) in [(3, 4), (4, 24)] {
        report_all(&world, &[about(&soft, id, round, to)]).await;
        assert_eq!(states().await[2], "pending");
        wait(hours).await;
    }
    report_all(&world, &[about(&soft, id, 5, to)]).await;
    assert_eq!(states().await[2], "bounced");
}

/// Three mails of a job bounce softly. One is sent again and arrives, one had arrived after all, and one is
/// refused at last: no more than one is mailed again.
pub fn of_a_job(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people: Vec<Value> = (1..=3).map(person).collect();
        let job = sim.job(&people, &people, None).await?;
        sim.drain().await?;
        sim.own_part();
        let rows = sim.world.get(&format!("/jobs/{job}/results")).await;
        let of = |row: usize, name: &str| -> Result<String> {
            Ok(rows["items"][row][name].as_str().context("a text")?.to_owned())
        };
        let mut mails = Vec::new();
        for row in 0..3 {
            mails.push((of(row, "credential_id")?, of(row, "email")?));
        }
        let soft = bounce("Transient", "General", &said("4.4.7"));
        let softly = mails.iter().map(|(id, to)| about(&soft, id, 0, to));
        let softly: Vec<Value> = softly.collect();
        sim.report(&softly).await?;
        let hard = bounce("Transient", "General", &said("5.1.1"));
        let [(first, to), (second, arrived), (third, refused)] = mails.as_slice() else {
            bail!("{} mails", mails.len())
        };
        sim.report(&[delivered(second, 0, arrived), about(&hard, third, 0, refused)]).await?;
        sim.resends = 1;
        // At once, so that the run has few calls at which it can crash.
        sim.clock.jump(Duration::from_secs(4 * 3600));
        sim.drain().await?;
        sim.report(&[delivered(first, 1, to)]).await?;
        sim.report(&softly).await?;
        let rows = sim.world.get(&format!("/jobs/{job}/results")).await;
        for (row, state) in ["delivered", "delivered", "bounced"].iter().enumerate() {
            ensure!(rows["items"][row]["email_status"] == *state, "{row}: {rows}");
        }
        let list = sim.world.get("/suppressions").await;
        ensure!(list["items"].as_array().is_some_and(|items| items.len() == 1), "{list}");
        ensure!(list["items"][0]["email"] == refused.as_str(), "{list}");
        ensure!(sim.world.mails_now(to).await.len() >= 2, "it was not sent again");
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_address_of_the_simulator_is_reported_on_as_ses_reports() {
    let world = World::with(unread()).await;
    let names = ["success", "bounce+1", "ooto", "complaint", "suppressionlist"];
    let people: Vec<Value> = names
        .iter()
        .map(|name| {
            json!({ "email": format!("{name}@simulator.amazonses.com"),
                "recipient_name": "Persona Zorrilla", "result_value": "A" })
        })
        .collect();
    let job = world.start_job(&people).await;
    drain(&world).await;
    let mut notices: Vec<Value> = take(&world, Queue::Feedback).await.iter().map(body_of).collect();
    let of = |name: &str| -> Vec<String> {
        let to = format!("{name}@simulator.amazonses.com");
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        notices
            .iter()
            .filter(|notice| notice["mail"]["destination"][0] == to.as_str())
            .map(|notice| match text(&notice["eventType"]).as_str() {
                "Bounce" => {
                    let bounce = &notice["bounce"];
                    let recipient = &bounce["bouncedRecipients"][0];
                    assert_eq!(recipient["emailAddress"], to.as_str());
                    [&bounce["bounceType"], &bounce["bounceSubType"], &recipient["status"]]
                        .map(text)
                        .join(" ")
                }
                "Complaint" => text(&notice["complaint"]["complaintFeedbackType"]),
                kind => kind.to_owned(),
            })
            .collect()
    };
    assert_eq!(of("success"), ["Delivery"]);
    assert_eq!(of("bounce+1"), ["Permanent General 5.1.1"]);
    assert_eq!(of("ooto"), ["Delivery", "Transient General -"], "a note without a report");
    assert_eq!(of("complaint"), ["Delivery", "abuse"]);
    assert_eq!(of("suppressionlist"), ["Permanent General 5.1.1"]);
    notices.reverse();
    report_all(&world, &notices).await;
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    let rows = rows["items"].as_array().expect("rows");
    let states: Vec<&str> =
        rows.iter().map(|row| row["email_status"].as_str().expect("a state")).collect();
    assert_eq!(states, ["delivered", "bounced", "delivered", "complained", "bounced"]);
    let list = world.get("/suppressions").await;
    assert_eq!(list["items"].as_array().expect("items").len(), 3);
}
