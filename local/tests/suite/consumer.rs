//! The consumer, called with SQS events as Lambda calls it: redelivered, doubled,
//! reordered, poisoned, and short of time.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use local::Options;
use serde_json::{Value, json};

use crate::{
    harness::{World, person},
    queues::{
        Queue, body_of, changed, consume, consume_within, drain, id_of, mail_of, record, take,
        take_exactly, unread,
    },
};

const NONE: [&str; 0] = [];

fn people(n: u32) -> Vec<Value> {
    (1..=n).map(person).collect()
}

/// Everything in the inbox.
async fn inbox(world: &World) -> Vec<Value> {
    let answer = world.send("GET", "/_local/mail", &[], "").await.expect(200).json();
    answer["items"].as_array().expect("items").clone()
}

/// Each credential has one mail.
async fn one_mail_each(world: &World, count: usize) {
    let mails = inbox(world).await;
    let ids: BTreeSet<&str> =
        mails.iter().map(|mail| mail["credential_id"].as_str().expect("id")).collect();
    assert_eq!((ids.len(), mails.len()), (count, count));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redelivered_message_issues_no_second_credential_and_sends_no_second_mail() {
    let world = World::with(unread()).await;
    let job = world.start_job(&people(3)).await;
    let rows = take_exactly(&world, Queue::Issue, 3).await;
    assert_eq!(consume(&world, &rows).await, NONE);
    let mails = take_exactly(&world, Queue::Mail, 3).await;
    assert_eq!(consume(&world, &mails).await, NONE);
    let first = world.success(&job).await["result"].clone();
    for _ in 0..2 {
        assert_eq!(consume(&world, &rows).await, NONE);
        // The first mail has been sent, so a redelivered row queues no other.
        take_exactly(&world, Queue::Mail, 0).await;
        assert_eq!(consume(&world, &mails).await, NONE);
    }
    let result = world.success(&job).await["result"].clone();
    assert_eq!(result, first);
    assert_eq!(result["successful"], 3);
    assert_eq!(result["duplicates"], 0);
    assert_eq!(result["emails_sent"], 3);
    one_mail_each(&world, 3).await;
    let credentials = world.get("/credentials").await;
    assert_eq!(credentials["items"].as_array().expect("items").len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_redelivered_before_its_mail_was_sent_is_mailed_once() {
    let world = World::with(unread()).await;
    let job = world.start_job(&people(2)).await;
    let rows = take_exactly(&world, Queue::Issue, 2).await;
    consume(&world, &rows).await;
    consume(&world, &rows).await;
    // The pending mail is queued each time: the claim makes that harmless.
    let mails = take_exactly(&world, Queue::Mail, 4).await;
    for mail in &mails {
        assert_eq!(consume(&world, std::slice::from_ref(mail)).await, NONE);
    }
    let result = &world.success(&job).await["result"];
    assert_eq!(result["duplicates"], 0);
    assert_eq!(result["emails_sent"], 2);
    one_mail_each(&world, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_batch_to_two_consumers_at_once_issues_and_mails_each_once() {
    let world = World::with(unread()).await;
    let job = world.start_job(&people(40)).await;
    let rows = take_exactly(&world, Queue::Issue, 40).await;
    let (one, other) = tokio::join!(consume(&world, &rows), consume(&world, &rows));
    assert_eq!((one, other), (Vec::new(), Vec::new()));
    let mails = take(&world, Queue::Mail).await;
    let (one, other) = tokio::join!(consume(&world, &mails), consume(&world, &mails));
    // A mail that the other consumer holds comes back, and has ended by then.
    let left: Vec<Value> = mails
        .iter()
        .filter(|mail| one.contains(&id_of(mail)) || other.contains(&id_of(mail)))
        .cloned()
        .collect();
    assert_eq!(consume(&world, &left).await, NONE);
    let result = &world.success(&job).await["result"];
    assert_eq!(result["successful"], 40);
    assert_eq!(result["duplicates"], 0);
    assert_eq!(result["emails_sent"], 40);
    one_mail_each(&world, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_of_messages_does_not_matter() {
    let world = World::with(unread()).await;
    // Two jobs with people in common: the first one issues, the other finds the credential.
    let jobs = [world.start_job(&people(6)).await, world.start_job(&people(8)).await];
    let mut rows = take_exactly(&world, Queue::Issue, 14).await;
    rows.reverse();
    for half in rows.chunks(5) {
        assert_eq!(consume(&world, half).await, NONE);
        let mut mails = take(&world, Queue::Mail).await;
        mails.reverse();
        assert_eq!(consume(&world, &mails).await, NONE);
    }
    let mut sent = 0;
    let mut duplicates = 0;
    for job in &jobs {
        let result = &world.success(job).await["result"];
        sent += result["emails_sent"].as_u64().expect("emails_sent");
        duplicates += result["duplicates"].as_u64().expect("duplicates");
    }
    assert_eq!((sent, duplicates), (8, 6));
    one_mail_each(&world, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_cannot_be_read_fails_alone() {
    let world = World::with(unread()).await;
    let job = world.start_job(&people(3)).await;
    let rows = take_exactly(&world, Queue::Issue, 3).await;
    let poison = [
        record("not JSON"),
        record(""),
        record("{}"),
        record("[]"),
        changed(&rows[0], |body| body["v"] = json!(2)),
        changed(&rows[0], |body| body["kind"] = json!("sign")),
        changed(&rows[0], |body| body["job_id"] = json!("no id")),
        changed(&rows[0], |body| body["row"] = json!(1)),
        changed(&mail_of("550e8400-e29b-41d4-a716-446655440000"), |body| body["v"] = json!(2)),
        mail_of("no id"),
    ];
    let mut batch = poison.to_vec();
    for (at, row) in rows.into_iter().enumerate() {
        batch.insert(at * 3, row);
    }
    let mut expected: Vec<String> = poison.iter().map(id_of).collect();
    expected.sort_unstable();
    assert_eq!(consume(&world, &batch).await, expected);
    drain(&world).await;
    assert_eq!(world.success(&job).await["result"]["successful"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_without_an_id_fails_the_batch_and_does_nothing() {
    let world = World::with(unread()).await;
    world.start_job(&people(2)).await;
    let mut rows = take_exactly(&world, Queue::Issue, 2).await;
    rows[0]["messageId"] = json!("");
    let event = serde_json::from_value(json!({ "Records": rows })).expect("event");
    let mut context = lambda_runtime::Context::default();
    context.deadline = u64::MAX;
    let event = lambda_runtime::LambdaEvent::new(event, context);
    assert!(consumer::handle(world.stack.app(), event).await.is_err());
    take_exactly(&world, Queue::Mail, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_an_unknown_job_ends() {
    let world = World::with(unread()).await;
    let job = world.start_job(&people(2)).await;
    let rows = take_exactly(&world, Queue::Issue, 2).await;
    let strange =
        changed(&rows[0], |body| body["job_id"] = json!(uuid::Uuid::new_v4().to_string()));
    let mut refused = strange.clone();
    refused = changed(&refused, |body| {
        body["row"]["recipient"] = Value::Null;
        body["row"]["faults"] = json!([{ "code": "invalid_email", "text": "…" }]);
    });
    assert_eq!(consume(&world, &[strange, refused]).await, NONE);
    let unknown = mail_of("550e8400-e29b-41d4-a716-446655440000");
    assert_eq!(consume(&world, &[unknown]).await, NONE);
    // The known job is unharmed.
    assert_eq!(consume(&world, &rows).await, NONE);
    drain(&world).await;
    assert_eq!(world.success(&job).await["result"]["successful"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_near_its_deadline_comes_back_untouched() {
    let world = World::with(unread()).await;
    let job = world.start_job(&people(20)).await;
    let rows = take_exactly(&world, Queue::Issue, 20).await;
    let mut all: Vec<String> = rows.iter().map(id_of).collect();
    all.sort_unstable();
    assert_eq!(consume_within(&world, &rows, Duration::from_secs(5)).await, all);
    let status = world.get(&format!("/jobs/{job}")).await;
    assert_eq!(status["status"], "STARTED");
    assert_eq!(status["progress"]["current"], 0);
    take_exactly(&world, Queue::Mail, 0).await;
    assert_eq!(consume(&world, &rows).await, NONE);
    drain(&world).await;
    assert_eq!(world.success(&job).await["result"]["successful"], 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_that_the_pace_leaves_no_time_for_come_back_and_are_sent_later() {
    // Two mails a second, and a second and a half before no more is begun.
    let world = World::with(Options { ses_rate_per_second: 4.0, ..unread() }).await;
    let job = world.start_job(&people(10)).await;
    let rows = take_exactly(&world, Queue::Issue, 10).await;
    assert_eq!(consume(&world, &rows).await, NONE);
    let mails = take_exactly(&world, Queue::Mail, 10).await;
    let back = consume_within(&world, &mails, Duration::from_millis(9_500)).await;
    let sent = inbox(&world).await.len();
    assert!((1..=4).contains(&sent), "{sent}");
    assert_eq!(back.len() + sent, 10);
    let left: Vec<Value> =
        mails.iter().filter(|mail| back.contains(&id_of(mail))).cloned().collect();
    assert_eq!(consume(&world, &left).await, NONE);
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 10);
    one_mail_each(&world, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mail_of_a_revoked_or_blocked_credential_is_skipped() {
    let world = World::with(unread()).await;
    let job = world.start_job(&people(4)).await;
    consume(&world, &take_exactly(&world, Queue::Issue, 4).await).await;
    let mails = take_exactly(&world, Queue::Mail, 4).await;
    let path = format!("/credentials/{}/block", credential(&mails[3]));
    let why = serde_json::json!({ "reason": "Reclamo" });
    world.call("POST", &path, Some(&why)).await.expect(200);
    for (mail, status) in mails.iter().zip(["revoked", "suspended"]) {
        let app = world.stack.app();
        app.dynamodb
            .update_item()
            .table_name(&app.config.credentials_table)
            .key("id", AttributeValue::S(credential(mail)))
            .update_expression("SET #status = :status")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", AttributeValue::S(status.to_owned()))
            .send()
            .await
            .expect("the status is set");
    }
    assert_eq!(consume(&world, &mails).await, NONE);
    let result = &world.success(&job).await["result"];
    assert_eq!(result["successful"], 4);
    assert_eq!(result["emails_sent"], 1);
    assert_eq!(result["emails_skipped"], 3);
    let sent = inbox(&world).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["credential_id"], credential(&mails[2]));
    for mail in [&mails[0], &mails[1], &mails[3]] {
        let shown = world.get(&format!("/credentials/{}", credential(mail))).await;
        assert_eq!(shown["email_status"], "skipped");
    }
}

fn credential(mail: &Value) -> String {
    body_of(mail)["credential_id"].as_str().expect("credential_id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_both_kinds_is_handled_whole() {
    let world = World::with(unread()).await;
    let jobs = [world.start_job(&people(4)).await];
    consume(&world, &take_exactly(&world, Queue::Issue, 4).await).await;
    let mut batch = take_exactly(&world, Queue::Mail, 4).await;
    let more: Vec<Value> = (11..=14).map(person).collect();
    let jobs = [jobs[0].clone(), world.start_job(&more).await];
    batch.extend(take_exactly(&world, Queue::Issue, 4).await);
    batch.sort_by_key(id_of);
    assert_eq!(consume(&world, &batch).await, NONE);
    assert_eq!(world.success(&jobs[0]).await["result"]["emails_sent"], 4);
    drain(&world).await;
    assert_eq!(world.success(&jobs[1]).await["result"]["emails_sent"], 4);
    one_mail_each(&world, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_keys_mail_is_kept_and_never_sent() {
    let world = World::with(unread()).await;
    let reply = world.issue_as(&world.demo.test_api_key, &[person(1)]).await.expect(200).json();
    let id = reply["credentials"][0]["credential_id"].as_str().expect("id").to_owned();
    drain(&world).await;
    let path = format!("/credentials/{id}");
    let credential = world.call_as(&world.demo.test_api_key, "GET", &path, None).await;
    assert_eq!(credential.expect(200).json()["email_status"], "sent");
    let path = format!("/credentials/{id}/mail");
    let mail = world.call_as(&world.demo.test_api_key, "GET", &path, None).await.expect(200);
    assert!(mail.text().contains(&id));
    assert_eq!(inbox(&world).await.len(), 0);
}

/// A batch can hold a message twice, and a failed row is an item of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_row_that_is_twice_in_a_batch_is_recorded_once() {
    let world = World::with(unread()).await;
    let job = world.start_job(&[json!({ "email": "a" }), json!({ "email": "b\u{ffff}" })]).await;
    let rows = take_exactly(&world, Queue::Issue, 2).await;
    let mut twice = rows.clone();
    for (at, row) in rows.iter().enumerate() {
        let mut copy = row.clone();
        copy["messageId"] = json!(format!("copy {at}"));
        twice.push(copy);
    }
    assert_eq!(consume(&world, &twice).await, NONE);
    let result = world.success(&job).await["result"].clone();
    assert_eq!(result["failed"], 2);
    let errors = result["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[1]["email"], "b\u{ffff}", "echoed as sent");
}

/// A job that is cancelled while a mail's outcome is unknown ends once its lease has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_job_ends_although_a_claim_was_left_behind() {
    let world = World::with(unread()).await;
    let job = world.start_job(&people(2)).await;
    let rows = take_exactly(&world, Queue::Issue, 2).await;
    assert_eq!(consume(&world, &rows).await, NONE);
    let listed = world.get("/credentials").await;
    let id = listed["items"][0]["credential_id"].as_str().expect("id");
    let id = unicreda::domain::ids::CredentialId::parse(id).expect("id");
    let app = world.stack.app();
    // A consumer claimed it long ago and died.
    app.credentials.claim_mail(id, 1_000, 1_060).await.expect("claimed");
    world.call("POST", &format!("/jobs/{job}/cancel"), None).await.expect(200);
    let order = unicreda::jobs::sweep::SweepMode { resume: true };
    unicreda::jobs::sweep::sweep(app, order).await.expect("swept");
    let result = world.success(&job).await["result"].clone();
    assert_eq!((&result["successful"], &result["emails_skipped"]), (&json!(2), &json!(2)));
    let mails = take_exactly(&world, Queue::Mail, 2).await;
    assert_eq!(consume(&world, &mails).await, NONE);
    assert_eq!(world.stack.mail().count(), 0, "mail that was written off is not sent later");
}

/// The mail of a cancelled job can still be sent by request, one at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_of_a_cancelled_job_is_sent_when_it_is_asked_for() {
    let world = World::with(unread()).await;
    let job = world.start_job(&people(2)).await;
    let rows = take_exactly(&world, Queue::Issue, 2).await;
    assert_eq!(consume(&world, &rows).await, NONE);
    let mails = take_exactly(&world, Queue::Mail, 2).await;
    world.call("POST", &format!("/jobs/{job}/cancel"), None).await.expect(200);
    assert_eq!(consume(&world, &mails).await, NONE);
    assert_eq!(world.success(&job).await["result"]["emails_skipped"], 2);
    let listed = world.get("/credentials?limit=1").await;
    let id = listed["items"][0]["credential_id"].as_str().expect("id");
    world.call("POST", &format!("/credentials/{id}/resend"), None).await.expect(202);
    let mail = take_exactly(&world, Queue::Mail, 1).await;
    assert_eq!(consume(&world, &mail).await, NONE);
    assert_eq!(world.get(&format!("/credentials/{id}")).await["email_status"], "sent");
    assert_eq!(world.stack.mail().count(), 1);
}
