//! SES's reports of mails change their states, in any order and however often they come.

use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::LambdaEvent;
use local::Options;
use serde_json::{Value, json};
use unicreda::{
    App,
    domain::credential::MailState,
    jobs::sweep::{self, SweepMode},
};

use crate::{
    faults::{Fault, Faults},
    harness::{World, person},
    queues::{Queue, body_of, consume, drain, record, take, take_exactly, unread},
};

const NONE: [&str; 0] = [];

/// An event of a configuration set about the mail of a round, as a topic with raw delivery
/// hands it over.
pub fn event(kind: &str, details: Value, id: &str, round: u32, to: &str) -> Value {
    let mut event = json!({
        "eventType": kind,
        "mail": {
            "timestamp": "2026-11-24T10:00:00.123Z", "source": "avisos@ejemplo.edu",
            "messageId": "0102018", "destination": [to], "headersTruncated": false,
            "headers": [{ "name": "X-Credential-Id", "value": id }],
            "tags": { "ses:configuration-set": ["x"], "credential_id": [id],
                "mail_round": [round.to_string()] },
        },
    });
    event[kind.to_lowercase()] = details;
    event
}

pub fn delivered(id: &str, round: u32, to: &str) -> Value {
    let at = json!({ "timestamp": "2026-11-24T10:00:01.500Z", "recipients": [to] });
    event("Delivery", at, id, round, to)
}

/// A bounce as a server reports one that SES gives this type.
pub fn bounced(kind: &str, sub: &str, id: &str, round: u32, to: &str) -> Value {
    let status = match (kind, sub) {
        ("Permanent", _) => "5.1.1",
        (_, "MailboxFull") => "4.2.2",
        (_, "MessageTooLarge") => "5.3.4",
        (_, "ContentRejected" | "AttachmentRejected") => "5.7.1",
        _ => "4.4.7",
    };
    let details = json!({
        "bounceType": kind, "bounceSubType": sub, "timestamp": "2026-11-24T10:00:02Z",
        "bouncedRecipients": [{ "emailAddress": to, "action": "failed", "status": status }],
    });
    event("Bounce", details, id, round, to)
}

pub fn complained(id: &str, round: u32, to: &str) -> Value {
    let details = json!({ "timestamp": "2026-11-24T11:00:00Z", "complaintFeedbackType": "abuse" });
    event("Complaint", details, id, round, to)
}

/// Hands reports to the function as one batch; the positions of those that come back.
pub async fn report(app: &App, bodies: &[String]) -> Vec<usize> {
    let records: Vec<Value> = bodies.iter().map(|body| record(body)).collect();
    let event: SqsEvent =
        serde_json::from_value(json!({ "Records": records })).expect("an SQS event");
    let event = LambdaEvent::new(event, crate::sim::context());
    let answer = feedback::handle(app, event).await.expect("an answer");
    let back: Vec<String> =
        answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    let of = |record: &Value| back.iter().any(|id| record["messageId"] == id.as_str());
    (0..records.len()).filter(|at| of(&records[*at])).collect()
}

async fn report_one(world: &World, event: &Value) {
    assert_eq!(report(world.stack.app(), &[event.to_string()]).await, [0; 0]);
}

/// A credential whose mail was sent: its id and its address.
async fn one_sent(world: &World, n: u32) -> (String, String) {
    let recipient = person(n);
    let issued = world.issue_one(&recipient).await;
    drain(world).await;
    let id = issued["credential_id"].as_str().expect("id").to_owned();
    assert_eq!(state(world, &id).await, "sent");
    (id, recipient["email"].as_str().expect("email").to_owned())
}

async fn state(world: &World, id: &str) -> String {
    let credential = world.get(&format!("/credentials/{id}")).await;
    credential["email_status"].as_str().expect("a status").to_owned()
}

async fn suppressed(world: &World) -> Vec<String> {
    let list = world.get("/suppressions").await;
    let items = list["items"].as_array().expect("items").iter();
    items.map(|entry| entry["email"].as_str().expect("email").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_to_the_simulator_of_ses_ends_as_ses_reports() {
    let world = World::new().await;
    let people: Vec<Value> = ["success", "bounce+uno", "complaint", "suppressionlist"]
        .iter()
        .map(|local| {
            json!({ "email": format!("{local}@simulator.amazonses.com"),
            "recipient_name": "Persona Zorrilla", "result_value": "A" })
        })
        .collect();
    let job = world.start_job(&people).await;
    let result = world.success(&job).await["result"].clone();
    assert_eq!(result["emails_sent"], 4, "SES took them all");
    let ends = ["delivered", "bounced", "complained", "bounced"];
    let rows = world
        .until("SES has reported on all", async || {
            let rows = world.get(&format!("/jobs/{job}/results")).await["items"].clone();
            (0..4).all(|at| rows[at]["email_status"] == ends[at]).then_some(rows)
        })
        .await;
    let credential = rows[1]["credential_id"].as_str().expect("an id");
    let credential = world.get(&format!("/credentials/{credential}")).await;
    assert_eq!(credential["email_error"], "hard_bounce");
    assert!(credential["email_sent_at"].is_string() && credential["email_delivery_at"].is_string());
    assert_eq!(
        suppressed(&world).await,
        ["bounce+uno", "complaint", "suppressionlist"]
            .map(|l| format!("{l}@simulator.amazonses.com"))
    );
    let csv = world
        .send(
            "GET",
            &format!("/api/v1/jobs/{job}/results"),
            &[("x-api-key", &world.demo.api_key), ("accept", "text/csv")],
            "",
        )
        .await;
    assert!(csv.text().contains(",false,delivered,"), "{}", csv.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_order_of_reports_ends_the_same() {
    let world = World::with(unread()).await;
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (n, order) in (1..).zip(orders) {
        let (id, to) = one_sent(&world, n).await;
        let events = [
            delivered(&id, 0, &to),
            bounced("Permanent", "General", &id, 0, &to),
            complained(&id, 0, &to),
        ];
        for at in order {
            // Each is delivered twice, as SNS and SQS may do.
            report_one(&world, &events[at]).await;
            report_one(&world, &events[at]).await;
        }
        assert_eq!(state(&world, &id).await, "complained", "{order:?}");
    }
    // And in one batch with other bodies.
    let (id, to) = one_sent(&world, 9).await;
    let bodies = [
        bounced("Permanent", "General", &id, 0, &to).to_string(),
        "no event".to_owned(),
        delivered(&id, 0, &to).to_string(),
        "Successfully validated SNS topic for Amazon SES event publishing.".to_owned(),
        event("Open", json!({}), &id, 0, &to).to_string(),
        json!({ "eventType": "Bounce", "mail": { "destination": [to] } }).to_string(),
        delivered("00000000-0000-4000-8000-000000000009", 0, &to).to_string(),
    ];
    assert_eq!(
        report(world.stack.app(), &bodies).await,
        [1],
        "the unreadable report comes back alone"
    );
    assert_eq!(state(&world, &id).await, "bounced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identitys_notification_in_its_envelope_has_the_same_effect() {
    let world = World::with(unread()).await;
    let (id, to) = one_sent(&world, 1).await;
    let notification = json!({
        "notificationType": "Bounce",
        "bounce": { "bounceType": "Permanent", "bounceSubType": "General",
            "bouncedRecipients": [{ "emailAddress": to }], "timestamp": "2026-11-24T10:00:02.000Z" },
        "mail": { "timestamp": "2026-11-24T10:00:00.000Z", "messageId": "0102018",
            "destination": [to], "headersTruncated": false, "headers": [
                { "name": "x-credential-id", "value": id }, { "name": "X-Mail-Round", "value": "0" } ] },
    });
    let envelope = json!({
        "Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:us-east-1:0:x",
        "Message": notification.to_string(), "Timestamp": "2026-11-24T10:00:03.000Z",
    });
    report_one(&world, &envelope).await;
    assert_eq!(state(&world, &id).await, "bounced");
    assert_eq!(suppressed(&world).await, [to]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_to_a_suppressed_address_until_it_is_taken_off() {
    let world = World::with(unread()).await;
    let (id, to) = one_sent(&world, 1).await;
    report_one(&world, &bounced("Permanent", "General", &id, 0, &to)).await;
    let resend = format!("/credentials/{id}/resend");
    let problem = world.call("POST", &resend, None).await.problem(409, "conflict");
    assert!(problem["detail"].as_str().expect("text").contains("supresión"), "{problem}");

    // Another credential of the same person: issued, its mail not sent.
    let mut other = person(1);
    other["result_value"] = "B".into();
    let other = world.issue_one(&other).await;
    drain(&world).await;
    let second = other["credential_id"].as_str().expect("id").to_owned();
    let credential = world.get(&format!("/credentials/{second}")).await;
    assert_eq!(
        (&credential["email_status"], &credential["email_error"]),
        (&json!("failed"), &json!("suppressed"))
    );
    assert_eq!(world.mails_now(&to).await.len(), 1);

    // A test key neither sees nor changes the list of live.
    let path = format!("/suppressions/{to}");
    let test = &world.demo.test_api_key;
    let list = world.call_as(test, "GET", "/suppressions", None).await.expect(200).json();
    assert_eq!(list["items"], json!([]));
    world.call_as(test, "DELETE", &path, None).await.problem(404, "not_found");
    world.call("DELETE", &path, None).await.expect(204);
    world.call("DELETE", &path, None).await.problem(404, "not_found");
    assert!(suppressed(&world).await.is_empty());
    world.call("POST", &format!("/credentials/{second}/resend"), None).await.expect(202);
    drain(&world).await;
    assert_eq!(world.mails_now(&to).await.len(), 2);
    assert_eq!(state(&world, &second).await, "sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soft_bounce_is_sent_again_twice_and_no_more() {
    let world = World::with(unread()).await;
    let (id, to) = one_sent(&world, 1).await;
    let app = world.stack.app();
    let hours = |n: u64| std::time::Duration::from_secs(n * 3600);
    for (round, wait) in [(0, hours(4)), (1, hours(24))] {
        let soft = bounced("Transient", "MailboxFull", &id, round, &to);
        report_one(&world, &soft).await;
        // A repeated report is about a former round.
        report_one(&world, &soft).await;
        assert_eq!(state(&world, &id).await, "pending");
        app.clock.jump(wait);
        assert_eq!(sweep::sweep(app, SweepMode::default()).await.expect("a run").mails, 0, "early");
        app.clock.jump(std::time::Duration::from_secs(700));
        assert_eq!(sweep::sweep(app, SweepMode::default()).await.expect("a run").mails, 1);
        drain(&world).await;
        assert_eq!(world.mails_now(&to).await.len(), round as usize + 2);
        assert_eq!(state(&world, &id).await, "sent");
    }
    report_one(&world, &bounced("Transient", "MailboxFull", &id, 2, &to)).await;
    let credential = world.get(&format!("/credentials/{id}")).await;
    assert_eq!(
        (&credential["email_status"], &credential["email_error"]),
        (&json!("bounced"), &json!("soft_bounce"))
    );
    assert!(suppressed(&world).await.is_empty(), "the address is good");
    // A mail that a filter refused is not sent again unchanged.
    let (id, to) = one_sent(&world, 2).await;
    report_one(&world, &bounced("Transient", "ContentRejected", &id, 0, &to)).await;
    assert_eq!(state(&world, &id).await, "bounced");
    let (id, to) = one_sent(&world, 3).await;
    report_one(&world, &event("Reject", json!({ "reason": "Bad content" }), &id, 0, &to)).await;
    assert_eq!(state(&world, &id).await, "rejected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_of_a_former_mail_changes_nothing_of_the_present_one() {
    let world = World::with(unread()).await;
    let (id, to) = one_sent(&world, 1).await;
    world.call("POST", &format!("/credentials/{id}/resend"), None).await.expect(202);
    report_one(&world, &delivered(&id, 0, &to)).await;
    assert_eq!(state(&world, &id).await, "pending");
    drain(&world).await;
    assert_eq!(state(&world, &id).await, "sent");
    report_one(&world, &delivered(&id, 1, &to)).await;
    assert_eq!(state(&world, &id).await, "delivered");
    // A report about a former address changes nothing either.
    let moved = json!({ "email": "nueva@ejemplo.com" });
    world.call("PATCH", &format!("/credentials/{id}"), Some(&moved)).await.expect(200);
    drain(&world).await;
    report_one(&world, &complained(&id, 1, &to)).await;
    report_one(&world, &complained(&id, 2, &to)).await;
    assert_eq!(state(&world, &id).await, "sent");
    assert_eq!(suppressed(&world).await, [to], "its owner asked for it all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_settles_an_attempt_of_unknown_outcome() {
    let faults = Faults::default();
    let world = World::with(faults.under(unread())).await;
    let job = world.start_job(&[person(1), person(2)]).await;
    consume(&world, &take(&world, Queue::Issue).await).await;
    let mails = take_exactly(&world, Queue::Mail, 2).await;
    faults.on("SendRawEmail", 0..1, Fault::ReplyLost);
    assert_eq!(consume(&world, &mails).await.len(), 1);
    let claimed = async || {
        for mail in &mails {
            let id = body_of(mail)["credential_id"].as_str().expect("id").to_owned();
            let parsed = unicreda::domain::ids::CredentialId::parse(&id).expect("id");
            let kept = world.stack.app().credentials.get(parsed).await.expect("read");
            let kept = kept.expect("a credential");
            if kept.stored_mail == MailState::Claimed {
                return Some((id, kept.recipient.email.as_str().to_owned()));
            }
        }
        None
    };
    let (id, to) = claimed().await.expect("one in doubt");
    // A soft bounce waits for the receipt; a delivery needs none.
    let soft = bounced("Transient", "General", &id, 0, &to).to_string();
    assert_eq!(report(world.stack.app(), &[soft]).await, [0]);
    report_one(&world, &delivered(&id, 0, &to)).await;
    assert_eq!(state(&world, &id).await, "delivered");
    // The job needs no lease to end, and the message that comes back sends nothing.
    let status = world.success(&job).await;
    assert_eq!(status["result"]["emails_sent"], 2);
    assert_eq!(consume(&world, &mails).await, NONE);
    assert_eq!(world.mails_now(&to).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mode_has_its_own_suppression_list() {
    let world = World::with(unread()).await;
    let test = world.demo.test_api_key.clone();
    let issue_test = async |result: &str| {
        let mut recipient = person(1);
        recipient["result_value"] = result.into();
        let answer = world.issue_as(&test, &[recipient]).await.expect(200).json();
        drain(&world).await;
        let id = answer["credentials"][0]["credential_id"].as_str().expect("id").to_owned();
        let path = format!("/credentials/{id}");
        let credential = world.call_as(&test, "GET", &path, None).await.expect(200).json();
        (id, credential["email_status"].clone(), credential["email_error"].clone())
    };
    // SES reports no test mail; a report all the same fills the list of test.
    let (id, status, _) = issue_test("A").await;
    assert_eq!(status, "sent");
    let to = "persona1@ejemplo.com";
    report_one(&world, &complained(&id, 0, to)).await;
    assert!(suppressed(&world).await.is_empty(), "live has a list of its own");
    let list = world.call_as(&test, "GET", "/suppressions", None).await.expect(200).json();
    assert_eq!(list["items"][0]["email"], to);
    assert_eq!(list["items"][0]["credential_id"], id.as_str());

    // It stops the mail of test, and none of live.
    let resend = format!("/credentials/{id}/resend");
    world.call_as(&test, "POST", &resend, None).await.problem(409, "conflict");
    let (_, status, error) = issue_test("B").await;
    assert_eq!((status, error), (json!("failed"), json!("suppressed")));
    one_sent(&world, 1).await;
    let people = [person(1), person(2)].map(|mut person| {
        person["result_value"] = "C".into();
        person
    });
    let job = world.start_job(&people).await;
    drain(&world).await;
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 2);

    // Each key removes from its own list.
    let path = format!("/suppressions/{to}");
    world.call("DELETE", &path, None).await.problem(404, "not_found");
    world.call_as(&test, "DELETE", &path, None).await.expect(204);
    world.call_as(&test, "DELETE", &path, None).await.problem(404, "not_found");
    assert_eq!(issue_test("D").await.1, "sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_credential_takes_no_reports() {
    let world = World::with(Options { sweep_every: None, ..Options::in_memory() }).await;
    let to = "bounce@simulator.amazonses.com";
    let recipient =
        json!({ "email": to, "recipient_name": "Persona Zorrilla", "result_value": "A" });
    let answer = world.issue_as(&world.demo.test_api_key, &[recipient]).await.expect(200).json();
    let id = answer["credentials"][0]["credential_id"].as_str().expect("id").to_owned();
    let path = format!("/credentials/{id}");
    let credential = world
        .until("the mail ends", async || {
            let answer = world.call_as(&world.demo.test_api_key, "GET", &path, None).await.json();
            (answer["email_status"] == "sent").then_some(answer)
        })
        .await;
    report_one(&world, &bounced("Permanent", "General", &id, 0, to)).await;
    let after = world.call_as(&world.demo.test_api_key, "GET", &path, None).await.json();
    assert_eq!(after["email_status"], credential["email_status"]);
    assert!(suppressed(&world).await.is_empty());
}
