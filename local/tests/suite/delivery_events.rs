//! The first mails of jobs with delivery reports: until the report, only the job's ledger has
//! the state of the mail, and nothing is written on the credential.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use local::Options;
use serde_json::{Value, json};
use unicreda::{
    domain::{
        credential::{Credential, MailState},
        ids::CredentialId,
    },
    jobs::sweep::{self, SweepMode},
};

use crate::{
    faults::{Fault, Faults, Gate},
    feedback::{bounced, delivered, report},
    harness::{World, person},
    queues::{Queue, consume, drain, take_exactly, unread},
};

const FIRST: &str = "persona1@ejemplo.com";

async fn with_reports() -> (World, Faults) {
    let faults = Faults::default();
    let options = Options { tracks_deliveries: true, ..unread() };
    (World::with(faults.under(options)).await, faults)
}

/// A job of two whose rows are issued: its id, its mails' messages, and the id of the first
/// credential.
async fn issued(world: &World) -> (String, Vec<Value>, String) {
    let job = world.start_job(&[person(1), person(2)]).await;
    let rows = take_exactly(world, Queue::Issue, 2).await;
    assert_eq!(consume(world, &rows).await, [""; 0]);
    let mails = take_exactly(world, Queue::Mail, 2).await;
    let results = world.get(&format!("/jobs/{job}/results")).await;
    let id = results["items"][0]["credential_id"].as_str().expect("an id").to_owned();
    (job, mails, id)
}

/// The credential's own item.
async fn kept(world: &World, id: &str) -> Credential {
    let id = CredentialId::parse(id).expect("an id");
    world.stack.app().credentials.get(id).await.expect("an answer").expect("a credential")
}

async fn shown(world: &World, id: &str) -> Value {
    world.get(&format!("/credentials/{id}")).await
}

async fn report_one(world: &World, event: &Value) {
    assert_eq!(report(world.stack.app(), &[event.to_string()]).await, [0; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jobs_mail_counts_as_sent_until_ses_reports_its_delivery() {
    let (world, faults) = with_reports().await;
    let (job, mails, id) = issued(&world).await;
    assert_eq!(shown(&world, &id).await["email_status"], "pending");
    let updates = faults.calls("UpdateItem");
    assert_eq!(consume(&world, &mails).await, [""; 0]);
    assert_eq!(faults.calls("UpdateItem"), updates + 2, "one claim, one receipt");
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 2);
    assert_eq!(kept(&world, &id).await.stored_mail, MailState::Owed);
    assert_eq!(shown(&world, &id).await["email_status"], "sent");
    let list = world.get("/credentials").await;
    assert!(list["items"].as_array().expect("a list").iter().all(|c| c["email_status"] == "sent"));

    report_one(&world, &delivered(&id, 0, FIRST)).await;
    let credential = shown(&world, &id).await;
    assert_eq!(credential["email_status"], "delivered");
    assert_eq!(credential["email_sent_at"], "2026-11-24T10:00:00Z", "when SES took it");
    assert_eq!(credential["email_delivery_at"], "2026-11-24T10:00:01Z");
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    let states: Vec<&Value> =
        rows["items"].as_array().expect("rows").iter().map(|row| &row["email_status"]).collect();
    assert_eq!(states, ["delivered", "sent"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_the_job_does_not_take_goes_to_its_credential() {
    let (world, faults) = with_reports().await;
    let (job, mails, id) = issued(&world).await;
    let lost = Fault::JsonError(400, "AccessDenied");
    faults.on_calls_with("UpdateItem", "#sent", 0..1, lost);
    assert_eq!(consume(&world, &mails).await.len(), 2, "they come back");
    assert_eq!(kept(&world, &id).await.stored_mail, MailState::Sent);
    // Longer than a claim lasts: they do not count as interrupted attempts.
    world.stack.app().clock.jump(Duration::from_secs(3_600));
    assert_eq!(consume(&world, &mails).await, [""; 0]);
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 2);
    assert_eq!(world.stack.mail().count(), 2, "each was sent once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_is_the_receipt_of_a_consumer_that_died() {
    let (world, faults) = with_reports().await;
    let (job, mails, id) = issued(&world).await;
    let lost = Fault::JsonError(400, "AccessDenied");
    faults.on_calls_with("UpdateItem", "#sent", 0..1, lost.clone());
    faults.on_calls_with("BatchExecuteStatement", "UPDATE", 0..1, lost.clone());
    faults.on_calls_with("UpdateItem", "mail_at = :at", 0..2, lost);
    assert_eq!(consume(&world, &mails).await.len(), 2);
    assert_eq!(shown(&world, &id).await["email_status"], "pending", "the outcome is unknown");
    for n in 1..=2 {
        let to = format!("persona{n}@ejemplo.com");
        let list = world.get(&format!("/credentials?email={to}")).await;
        let id = list["items"][0]["credential_id"].as_str().expect("an id").to_owned();
        report_one(&world, &delivered(&id, 0, &to)).await;
    }
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 2);
    // The messages come again after the claim has ended: nothing is left to send.
    world.stack.app().clock.jump(Duration::from_secs(3_600));
    assert_eq!(consume(&world, &mails).await, [""; 0]);
    assert_eq!(world.stack.mail().count(), 2);
    assert_eq!(kept(&world, &id).await.mail_ambiguous, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_was_taken_over_ends_though_its_message_is_gone() {
    let (world, faults) = with_reports().await;
    let (job, mails, id) = issued(&world).await;
    let gate = Gate::default();
    faults.on_calls_with("SendRawEmail", "persona1%40", 0..1, Fault::AnswerHeld(gate.clone()));
    let slow = consume(&world, &mails);
    let taken_over = async {
        gate.reached.cancelled().await;
        // The first worker's claim has ended, and it still records that the mail was sent.
        world.stack.app().clock.jump(Duration::from_secs(400));
        faults.on_calls_with("SendRawEmail", "persona1%40", 0..1, Fault::ReplyLost);
        assert_eq!(consume(&world, &mails).await.len(), 1, "in doubt");
        gate.open.cancel();
    };
    assert_eq!(tokio::join!(slow, taken_over).0, [""; 0], "the first deletes both messages");
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 2);
    assert_eq!(shown(&world, &id).await["email_status"], "pending");
    let app = world.stack.app();
    app.clock.jump(Duration::from_secs(3_600));
    assert_eq!(sweep::sweep(app, SweepMode::default()).await.expect("a run").mails, 1);
    drain(&world).await;
    assert_eq!(shown(&world, &id).await["email_status"], "sent");
    assert_eq!(kept(&world, &id).await.mail_ambiguous, 2);
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jobs_mail_that_bounces_softly_is_sent_again() {
    let (world, _) = with_reports().await;
    let (job, mails, id) = issued(&world).await;
    assert_eq!(consume(&world, &mails).await, [""; 0]);
    report_one(&world, &bounced("Transient", "MailboxFull", &id, 0, FIRST)).await;
    assert_eq!(shown(&world, &id).await["email_status"], "pending");
    let app = world.stack.app();
    app.clock.jump(Duration::from_secs(4 * 3_600 + 700));
    assert_eq!(sweep::sweep(app, SweepMode::default()).await.expect("a run").mails, 1);
    drain(&world).await;
    assert_eq!(world.mails_now(FIRST).await.len(), 2);
    report_one(&world, &delivered(&id, 1, FIRST)).await;
    assert_eq!(shown(&world, &id).await["email_status"], "delivered");
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_of_an_expired_job_counts_as_sent_and_is_not_sent_again() {
    let (world, _) = with_reports().await;
    let (_, mails, id) = issued(&world).await;
    assert_eq!(consume(&world, &mails).await, [""; 0]);
    let app = world.stack.app();
    app.clock.jump(Duration::from_secs(91 * 24 * 3_600));
    // DynamoDB removes expired items like this.
    let all = app.dynamodb.scan().table_name(&app.config.jobs_table).send().await.expect("items");
    for item in all.items() {
        let (pk, sk) = (item["pk"].clone(), item["sk"].clone());
        let delete = app.dynamodb.delete_item().table_name(&app.config.jobs_table);
        delete.key("pk", pk).key("sk", sk).send().await.expect("removed");
    }
    assert_eq!(shown(&world, &id).await["email_status"], "sent");
    let again = world.start_job(&[person(1), person(2)]).await;
    drain(&world).await;
    let result = world.success(&again).await["result"].clone();
    assert_eq!((&result["duplicates"], &result["emails_skipped"]), (&json!(2), &json!(2)));
    assert_eq!(world.stack.mail().count(), 2, "no second mail");
    // A mail without a report can be sent again, as any sent mail.
    let path = format!("/credentials/{id}/resend");
    world.call("POST", &path, None).await.expect(202);
    drain(&world).await;
    assert_eq!(world.mails_now(FIRST).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_was_not_given_to_ses_is_claimed_again_and_counts_as_no_attempt() {
    let (world, faults) = with_reports().await;
    let (job, mails, id) = issued(&world).await;
    // The suppression list is read once the mails are claimed.
    let broken = Fault::JsonError(400, "AccessDenied");
    faults.on_calls_with("BatchGetItem", "SUPPRESSED#", 0..1, broken);
    assert_eq!(consume(&world, &mails).await.len(), 2, "they come back");
    // A claim that conflicts with a transaction is tried again.
    let met = Fault::JsonError(400, "TransactionConflictException");
    faults.on_calls_with("UpdateItem", "claimed_until", 0..2, met);
    assert_eq!(consume(&world, &mails).await, [""; 0]);
    assert_eq!(faults.injected(), 3);
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 2);
    assert_eq!(world.stack.mail().count(), 2);
    assert_eq!(kept(&world, &id).await.mail_ambiguous, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_its_job_did_not_take_is_reported_again() {
    let (world, faults) = with_reports().await;
    let (job, mails, id) = issued(&world).await;
    let lost = Fault::JsonError(400, "AccessDenied");
    faults.on_calls_with("UpdateItem", "#sent", 0..2, lost.clone());
    faults.on_calls_with("BatchExecuteStatement", "UPDATE", 0..1, lost.clone());
    faults.on_calls_with("UpdateItem", "mail_at = :at", 0..2, lost);
    assert_eq!(consume(&world, &mails).await.len(), 2);
    let event = [delivered(&id, 0, FIRST).to_string()];
    assert_eq!(report(world.stack.app(), &event).await, [0], "it comes back");
    assert_eq!(world.get(&format!("/jobs/{job}")).await["progress"]["emails_done"], 0);
    assert_eq!(report(world.stack.app(), &event).await, [0; 0]);
    assert_eq!(world.get(&format!("/jobs/{job}")).await["progress"]["emails_done"], 1);
    // The claim of the other mail, which has no report, ends.
    world.stack.app().clock.jump(Duration::from_secs(3_600));
    assert_eq!(consume(&world, &mails).await, [""; 0]);
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 2);
}

/// The row's outcome is lost, its mail's is not, and the job is cancelled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_was_sent_is_not_written_off_with_its_cancelled_job() {
    let (world, faults) = with_reports().await;
    let job = world.start_job(&[person(1), person(2)]).await;
    let rows = take_exactly(&world, Queue::Issue, 2).await;
    let lost = Fault::JsonError(400, "AccessDenied");
    faults.on_calls_with("UpdateItem", "#issued", 0..1, lost);
    assert_eq!(consume(&world, &rows).await.len(), 2);
    let mails = take_exactly(&world, Queue::Mail, 2).await;
    assert_eq!(consume(&world, &mails).await, [""; 0]);
    world.call("POST", &format!("/jobs/{job}/cancel"), None).await.expect(200);
    let app = world.stack.app();
    app.clock.jump(Duration::from_secs(3_600));
    sweep::sweep(app, SweepMode::default()).await.expect("a run");
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 2);
    let list = world.get("/credentials").await;
    let list = list["items"].as_array().expect("a list");
    assert_eq!(list.len(), 2);
    assert!(list.iter().all(|credential| credential["email_status"] == "sent"), "{list:?}");
}

/// A message of an earlier version names no position on the ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_an_earlier_version_is_claimed_on_the_ledger_too() {
    let (world, _) = with_reports().await;
    let (job, mails, _) = issued(&world).await;
    let old: Vec<Value> = mails
        .iter()
        .map(|mail| {
            crate::queues::changed(mail, |body| {
                assert!(body["place"].is_array(), "{body}");
                body.as_object_mut().expect("a message").remove("place");
            })
        })
        .collect();
    assert_eq!(consume(&world, &old).await, [""; 0]);
    let ledger = world.stack.app().dynamodb.get_item();
    let ledger = ledger
        .table_name(&world.stack.app().config.jobs_table)
        .key("pk", AttributeValue::S(format!("{job}#00000")))
        .key("sk", AttributeValue::S("SENDING".to_owned()));
    let item = ledger.send().await.expect("an answer").item.expect("a ledger");
    assert_eq!(item["claimed"].as_ns().expect("rows").len(), 2);
    assert_eq!(consume(&world, &mails).await, [""; 0]);
    assert_eq!(world.stack.mail().count(), 2, "each was sent once");
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 2);
}
