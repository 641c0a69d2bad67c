//! Mail and queues when the services around them fail: nothing is lost in any state of a mail.

use std::time::Instant;

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
    faults::{Fault, Faults},
    harness::{World, person},
    queues::{Queue, consume, drain, id_of, mail_of, take_exactly, unread},
};

const NONE: [&str; 0] = [];
const SEND: &str = "SendRawEmail";

fn people(n: u32) -> Vec<Value> {
    (1..=n).map(person).collect()
}

async fn spoiled(options: Options) -> (World, Faults) {
    let faults = Faults::default();
    (World::with(faults.under(options)).await, faults)
}

/// A credential as it is stored.
async fn kept(world: &World, id: &str) -> Credential {
    let id = CredentialId::parse(id).expect("id");
    world.stack.app().credentials.get(id).await.expect("read").expect("a credential")
}

/// An issued credential whose mail is queued: its id and the message.
async fn one_owed(world: &World) -> (String, Value) {
    let issued = world.issue_one(&person(1)).await;
    assert_eq!(issued["email_status"], "pending");
    let mail = take_exactly(world, Queue::Mail, 1).await.remove(0);
    (issued["credential_id"].as_str().expect("id").to_owned(), mail)
}

/// Ends a claim's lease.
async fn end_lease(world: &World, id: &str) {
    let app = world.stack.app();
    app.dynamodb
        .update_item()
        .table_name(&app.config.credentials_table)
        .key("id", AttributeValue::S(id.to_owned()))
        .update_expression("SET mail_lease = :past")
        .condition_expression("mail = :claimed")
        .expression_attribute_values(":past", AttributeValue::N("1".to_owned()))
        .expression_attribute_values(":claimed", AttributeValue::S("claimed".to_owned()))
        .send()
        .await
        .expect("a claim");
}

async fn inbox_count(world: &World) -> usize {
    world.mails_now("persona1@ejemplo.com").await.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttled_mail_waits_uncounted_and_is_sent_once_later() {
    let (world, faults) = spoiled(unread()).await;
    let job = world.start_job(&people(2)).await;
    consume(&world, &take_exactly(&world, Queue::Issue, 2).await).await;
    let mails = take_exactly(&world, Queue::Mail, 2).await;
    faults.on(SEND, 0..1, Fault::SesError(400, "Throttling", "Maximum sending rate exceeded."));
    let back = consume(&world, &mails).await;
    assert_eq!((back.len(), faults.injected()), (1, 1));
    assert_eq!(faults.calls("ChangeMessageVisibility"), 1);
    let late = mails.iter().find(|mail| back.contains(&id_of(mail))).expect("the one put off");
    let id = crate::queues::body_of(late)["credential_id"].as_str().expect("id").to_owned();
    let credential = kept(&world, &id).await;
    assert_eq!(credential.stored_mail, MailState::Owed);
    assert_eq!((credential.mail_attempts, credential.mail_ambiguous), (0, 0));
    assert_eq!(credential.mail_lease, None);

    let status = world.get(&format!("/jobs/{job}")).await;
    assert_eq!(status["status"], "PROGRESS");
    assert_eq!(status["progress"]["phase"], "mailing");
    assert_eq!(status["progress"]["waiting"], "throttled");
    assert_eq!(status["progress"]["emails_done"], 1);

    assert_eq!(consume(&world, std::slice::from_ref(late)).await, NONE);
    let status = world.success(&job).await;
    assert_eq!(status["result"]["emails_sent"], 2);
    assert_eq!(status["progress"]["waiting"], Value::Null);
    let credential = kept(&world, &id).await;
    assert_eq!((credential.mail_attempts, credential.mail_ambiguous), (0, 0));
    for n in 1..=2 {
        assert_eq!(world.mails_now(&format!("persona{n}@ejemplo.com")).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sent_mails_are_counted_before_the_rest_is_deferred() {
    let (world, faults) = spoiled(unread()).await;
    let job = world.start_job(&people(2)).await;
    consume(&world, &take_exactly(&world, Queue::Issue, 2).await).await;
    let mails = take_exactly(&world, Queue::Mail, 2).await;
    faults.on(SEND, 0..1, Fault::SesError(400, "Throttling", "Maximum sending rate exceeded."));
    faults.on("ChangeMessageVisibility", 0..99, Fault::Hangs);
    let counted = world.until("the sent one is counted", async || {
        let status = world.get(&format!("/jobs/{job}")).await;
        (status["progress"]["emails_done"] == 1).then_some(())
    });
    tokio::select! {
        () = counted => {}
        _ = consume(&world, &mails) => panic!("the batch waited for its last call"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_that_ses_does_not_accept_is_sent_once_ses_does() {
    let (world, faults) = spoiled(Options::in_memory()).await;
    faults.on(SEND, 0..1, Fault::SesError(400, "Throttling", "Maximum sending rate exceeded."));
    let id = world.issue_one(&person(1)).await["credential_id"].as_str().expect("id").to_owned();
    let credential = world.mail_ended(&id).await;
    assert_eq!(credential["email_status"], "sent");
    assert_eq!(faults.injected(), 1);
    assert_eq!(inbox_count(&world).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_surely_was_not_taken_releases_its_claim() {
    let (world, faults) = spoiled(unread()).await;
    let (id, mail) = one_owed(&world).await;
    let refusals = [
        Fault::NotConnected,
        Fault::SesError(454, "Throttling", "Daily message quota exceeded."),
        Fault::SesError(400, "LimitExceeded", "…"),
        Fault::SesError(400, "AccountSendingPausedException", "…"),
        Fault::SesError(400, "ConfigurationSetSendingPausedException", "…"),
        Fault::SesError(400, "MailFromDomainNotVerifiedException", "…"),
        Fault::SesError(400, "MessageRejected", "Email address is not verified. The following…"),
        Fault::SesError(403, "AccessDenied", "…"),
    ];
    for (times, fault) in refusals.iter().enumerate() {
        faults.on(SEND, 0..1, fault.clone());
        assert_eq!(consume(&world, std::slice::from_ref(&mail)).await, [id_of(&mail)], "{fault:?}");
        assert_eq!(faults.injected(), times + 1);
        let credential = kept(&world, &id).await;
        assert_eq!(credential.stored_mail, MailState::Owed, "{fault:?}");
        assert_eq!((credential.mail_attempts, credential.mail_ambiguous), (0, 0), "{fault:?}");
    }
    assert_eq!(inbox_count(&world).await, 0);
    assert_eq!(consume(&world, std::slice::from_ref(&mail)).await, NONE);
    assert_eq!(inbox_count(&world).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_message_has_failed_for_good_and_is_counted() {
    let (world, faults) = spoiled(unread()).await;
    faults.on_calls_with(
        SEND,
        "persona2%40ejemplo.com",
        0..9,
        Fault::SesError(400, "MessageRejected", "Address blacklisted."),
    );
    let job = world.start_job(&people(3)).await;
    drain(&world).await;
    assert_eq!(faults.injected(), 1);
    let result = &world.success(&job).await["result"];
    assert_eq!(result["successful"], 3);
    assert_eq!((&result["emails_sent"], &result["emails_failed"]), (&json!(2), &json!(1)));
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    let row = &rows["items"][1];
    assert_eq!((&row["status"], &row["email_status"]), (&json!("issued"), &json!("failed")));
    let id = row["credential_id"].as_str().expect("id");
    let credential = world.get(&format!("/credentials/{id}")).await;
    assert_eq!(credential["email_status"], "failed");
    assert_eq!(credential["email_error"], "rejected");
    // A permanent failure stays.
    assert_eq!(consume(&world, &[mail_of(id)]).await, NONE);
    assert_eq!(faults.injected(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_whose_answer_was_lost_is_not_sent_again_while_its_lease_lives() {
    let (world, faults) = spoiled(unread()).await;
    let (id, mail) = one_owed(&world).await;
    faults.on(SEND, 0..1, Fault::ReplyLost);
    assert_eq!(consume(&world, std::slice::from_ref(&mail)).await, [id_of(&mail)]);
    assert_eq!((faults.injected(), inbox_count(&world).await), (1, 1));
    let credential = kept(&world, &id).await;
    assert_eq!(credential.stored_mail, MailState::Claimed);
    assert_eq!((credential.mail_attempts, credential.mail_ambiguous), (1, 0));
    for _ in 0..3 {
        assert_eq!(consume(&world, std::slice::from_ref(&mail)).await, [id_of(&mail)]);
        assert_eq!((faults.calls(SEND), inbox_count(&world).await), (1, 1));
    }
    // The SDK sent once: it must not repeat a mail.
    end_lease(&world, &id).await;
    assert_eq!(consume(&world, std::slice::from_ref(&mail)).await, NONE);
    let credential = kept(&world, &id).await;
    assert_eq!(credential.stored_mail, MailState::Sent);
    assert_eq!((credential.mail_attempts, credential.mail_ambiguous), (2, 1));
    assert_eq!(inbox_count(&world).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_in_doubt_ends_after_bounded_attempts() {
    for fault in [
        Fault::NeverArrives,
        Fault::SesError(500, "InternalFailure", "…"),
        Fault::SesError(503, "ServiceUnavailable", "…"),
    ] {
        let (world, faults) = spoiled(unread()).await;
        let (id, mail) = one_owed(&world).await;
        faults.on(SEND, 0..99, fault);
        for attempt in 1..=5 {
            assert_eq!(consume(&world, std::slice::from_ref(&mail)).await, [id_of(&mail)]);
            let credential = kept(&world, &id).await;
            assert_eq!(credential.stored_mail, MailState::Claimed);
            assert_eq!(credential.mail_attempts, attempt);
            end_lease(&world, &id).await;
        }
        assert_eq!(consume(&world, std::slice::from_ref(&mail)).await, NONE);
        assert_eq!(faults.injected(), 5);
        let credential = world.get(&format!("/credentials/{id}")).await;
        assert_eq!(credential["email_status"], "failed");
        assert_eq!(credential["email_error"], "gave_up");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_cannot_be_written_sends_no_second_mail() {
    let (world, faults) = spoiled(unread()).await;
    let (id, mail) = one_owed(&world).await;
    // The receipt's update, not the claim's; a permanent error, so that the SDK gives up.
    faults.on_calls_with("UpdateItem", ":attempt", 0..1, Fault::JsonError(400, "AccessDenied"));
    assert_eq!(consume(&world, std::slice::from_ref(&mail)).await, [id_of(&mail)]);
    assert_eq!((faults.injected(), inbox_count(&world).await), (1, 1));
    assert_eq!(consume(&world, std::slice::from_ref(&mail)).await, [id_of(&mail)]);
    assert_eq!(inbox_count(&world).await, 1);
    assert_eq!(kept(&world, &id).await.stored_mail, MailState::Claimed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_cannot_be_counted_is_counted_at_the_next_delivery() {
    let (world, faults) = spoiled(unread()).await;
    let job = world.start_job(&people(2)).await;
    let rows = take_exactly(&world, Queue::Issue, 2).await;
    let lost = Fault::JsonError(400, "AccessDenied");
    faults.on_calls_with("UpdateItem", "#issued", 0..1, lost.clone());
    assert_eq!(consume(&world, &rows).await.len(), 2);
    assert_eq!(consume(&world, &rows).await, NONE);
    faults.on_calls_with("UpdateItem", "#sent", 0..1, lost);
    let mails = take_exactly(&world, Queue::Mail, 4).await;
    let mails = [mails[0].clone(), mails[1].clone()];
    assert_eq!(consume(&world, &mails).await.len(), 2);
    assert_eq!(world.get(&format!("/jobs/{job}")).await["progress"]["emails_done"], 0);
    assert_eq!(consume(&world, &mails).await, NONE);
    let result = &world.success(&job).await["result"];
    assert_eq!((&result["emails_sent"], &result["duplicates"]), (&json!(2), &json!(0)));
    assert_eq!((faults.injected(), inbox_count(&world).await), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_that_a_queue_did_not_take_are_sent_again_and_no_row_is_lost() {
    let (world, faults) = spoiled(Options::in_memory()).await;
    faults.on("SendMessageBatch", 0..12, Fault::FirstEntryFails);
    let result = world.run_job(&people(35)).await;
    assert_eq!(faults.injected(), 12);
    assert_eq!((&result["successful"], &result["emails_sent"]), (&json!(35), &json!(35)));
    for n in [1, 11, 21, 31] {
        assert_eq!(world.mails_now(&format!("persona{n}@ejemplo.com")).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_could_not_be_queued_are_found_by_the_sweeper() {
    let (world, faults) = spoiled(unread()).await;
    faults.on("SendMessageBatch", 0..6, Fault::FirstEntryFails);
    let job = world.start_job(&people(2)).await;
    assert_eq!(faults.injected(), 6);
    assert_eq!(world.get(&format!("/jobs/{job}")).await["status"], "PENDING");
    drain(&world).await;
    let status = world.get(&format!("/jobs/{job}")).await;
    assert_eq!((&status["status"], &status["progress"]["current"]), (&json!("PENDING"), &json!(1)));
    let swept = sweep::sweep(world.stack.app(), SweepMode { resume: true }).await.expect("sweep");
    assert_eq!((swept.jobs, swept.rows, swept.mails), (1, 1, 0));
    drain(&world).await;
    let result = &world.success(&job).await["result"];
    assert_eq!((&result["successful"], &result["duplicates"]), (&json!(2), &json!(0)));
    let swept = sweep::sweep(world.stack.app(), SweepMode { resume: true }).await.expect("sweep");
    assert_eq!(swept.jobs, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_whose_answer_was_lost_is_my_own_and_no_duplicate() {
    let (world, faults) = spoiled(unread()).await;
    faults.on_calls_with("PutItem", "unicreda-credentials", 0..1, Fault::ReplyLost);
    let one = world.issue_one(&person(1)).await;
    assert_eq!((faults.injected(), &one["duplicate"]), (1, &json!(false)));
    drain(&world).await;
    assert_eq!(inbox_count(&world).await, 1);

    faults.on("BatchExecuteStatement", 0..1, Fault::ReplyLost);
    faults.on("BatchExecuteStatement", 2..4, Fault::FirstStatementThrottled);
    let job = world.start_job(&(2..=7).map(person).collect::<Vec<_>>()).await;
    drain(&world).await;
    let again = world.start_job(&(8..=9).map(person).collect::<Vec<_>>()).await;
    drain(&world).await;
    assert_eq!(world.success(&again).await["result"]["successful"], 2);
    assert_eq!(faults.injected(), 4);
    let result = &world.success(&job).await["result"];
    assert_eq!((&result["successful"], &result["duplicates"]), (&json!(6), &json!(0)));
    assert_eq!(result["emails_sent"], 6);
    let credentials = world.get("/credentials").await;
    assert_eq!(credentials["items"].as_array().expect("items").len(), 9);
}

/// Content that cleaning changes is put with its alias: a transaction in conflict is tried again,
/// one whose answer was lost is its writer's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cleaned_put_that_meets_another_or_whose_answer_was_lost_is_my_own() {
    let unclean = |n: u32| {
        let mut person = person(n);
        person["recipient_name"] = format!("Persona  Zorrilla {n}").into();
        person
    };
    let (world, faults) = spoiled(unread()).await;
    world.issue_one(&unclean(1)).await;
    faults.on("TransactWriteItems", 0..2, Fault::TransactionConflict);
    faults.on("TransactWriteItems", 2..3, Fault::ReplyLost);
    let one = world.issue_one(&unclean(2)).await;
    assert_eq!((faults.injected(), &one["duplicate"]), (3, &json!(false)), "{one}");
    let again = world.issue_one(&unclean(2)).await;
    assert_eq!(
        (&again["credential_id"], &again["duplicate"]),
        (&one["credential_id"], &json!(true))
    );
    drain(&world).await;
    assert_eq!(world.stack.mail().count(), 2);
}

/// Without delivery reports the receipts of a job's mails are written together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_are_not_written_together_send_no_mail_again() {
    let (world, faults) = spoiled(unread()).await;
    let denied = Fault::JsonError(400, "AccessDenied");
    let down = Fault::JsonError(500, "InternalServerError");
    // The fault, how often it happens, and the receipts on credentials after it.
    for (n, (fault, calls, written)) in [
        (Fault::ReplyLost, 1, 3),
        (Fault::FirstStatementThrottled, 1, 3),
        (denied, 1, 3),
        (down, usize::MAX, 0),
    ]
    .into_iter()
    .enumerate()
    {
        let first = u32::try_from(n).expect("a few") * 3 + 1;
        let job = world.start_job(&(first..first + 3).map(person).collect::<Vec<_>>()).await;
        faults.on_calls_with("BatchExecuteStatement", "UPDATE", 0..calls, fault.clone());
        let before = faults.injected();
        drain(&world).await;
        assert!(faults.injected() > before, "{fault:?}");
        faults.heal_plan();
        assert_eq!(world.success(&job).await["result"]["emails_sent"], 3, "{fault:?}");
        let rows = world.get(&format!("/jobs/{job}/results")).await;
        let mut receipts = 0;
        for row in rows["items"].as_array().expect("rows") {
            assert_eq!(row["email_status"], "sent", "{fault:?}");
            let kept = kept(&world, row["credential_id"].as_str().expect("an id")).await;
            assert_eq!(kept.mail_ambiguous, 0, "{fault:?}");
            receipts += usize::from(kept.stored_mail == MailState::Sent && kept.mail_at.is_some());
        }
        assert_eq!(receipts, written, "{fault:?}");
        assert_eq!(world.stack.mail().count(), usize::try_from(first + 2).expect("a few"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_that_dynamodb_left_unprocessed_are_written_in_a_further_round() {
    let (world, faults) = spoiled(unread()).await;
    faults.on("BatchWriteItem", 0..3, Fault::FirstItemUnprocessed);
    let job = world.start_job(&people(3)).await;
    assert_eq!(faults.injected(), 3);
    drain(&world).await;
    assert_eq!(world.success(&job).await["result"]["successful"], 3);
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    assert_eq!(rows["items"][2]["email"], "persona3@ejemplo.com");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_could_not_be_stored_is_not_accepted() {
    let (world, faults) = spoiled(unread()).await;
    faults.on("BatchWriteItem", 0..99, Fault::JsonError(400, "AccessDeniedException"));
    let problem = world.issue(&people(3)).await.problem(500, "internal");
    assert!(!problem.to_string().contains("AccessDenied"), "{problem}");
    assert_eq!(world.get("/jobs").await["items"], json!([]));
    take_exactly(&world, Queue::Issue, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_whose_mail_could_not_be_queued_is_issued_and_its_mail_is_found() {
    let (world, faults) = spoiled(unread()).await;
    faults.on("SendMessageBatch", 0..6, Fault::JsonError(400, "AccessDenied"));
    let one = world.issue_one(&person(1)).await;
    assert_eq!((faults.injected(), &one["status"]), (6, &json!("issued")));
    assert_eq!(one["email_status"], "pending");
    take_exactly(&world, Queue::Mail, 0).await;
    // The entry is young: the ordinary run leaves it alone.
    let swept = sweep::sweep(world.stack.app(), SweepMode::default()).await.expect("sweep");
    assert_eq!(swept.mails, 0);
    let swept = sweep::sweep(world.stack.app(), SweepMode { resume: true }).await.expect("sweep");
    assert_eq!(swept.mails, 1);
    drain(&world).await;
    assert_eq!(inbox_count(&world).await, 1);
    let swept = sweep::sweep(world.stack.app(), SweepMode { resume: true }).await.expect("sweep");
    assert_eq!(swept.mails, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_pending_for_long_is_found_by_the_ordinary_sweep() {
    let (world, faults) = spoiled(unread()).await;
    faults.on("SendMessageBatch", 0..6, Fault::JsonError(400, "AccessDenied"));
    let one = world.issue_one(&person(1)).await;
    let app = world.stack.app();
    app.dynamodb
        .update_item()
        .table_name(&app.config.credentials_table)
        .key("id", AttributeValue::S(one["credential_id"].as_str().expect("id").to_owned()))
        .update_expression("SET owed_sk = :long_ago")
        .expression_attribute_values(":long_ago", AttributeValue::S("2020-01-01#x".to_owned()))
        .send()
        .await
        .expect("aged");
    let swept = sweep::sweep(app, SweepMode::default()).await.expect("sweep");
    assert_eq!(swept.mails, 1);
    drain(&world).await;
    assert_eq!(inbox_count(&world).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_is_answered_in_time_when_the_queue_is_out_of_reach() {
    for fault in [Fault::NotConnected, Fault::Hangs] {
        let (world, faults) = spoiled(unread()).await;
        faults.on("SendMessageBatch", 0..9_999, fault);
        let started = Instant::now();
        let one = world.issue_one(&person(1)).await;
        assert_eq!((&one["status"], &one["email_status"]), (&json!("issued"), &json!("pending")));
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
        assert!(faults.injected() > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_accepted_in_time_when_the_queue_is_out_of_reach() {
    let (world, faults) = spoiled(unread()).await;
    faults.on("SendMessageBatch", 0..9_999, Fault::Hangs);
    let started = Instant::now();
    let job = world.start_job(&people(300)).await;
    assert!(started.elapsed().as_secs() < 28, "{:?}", started.elapsed());
    assert_eq!(world.get(&format!("/jobs/{job}")).await["status"], "PENDING");
    faults.heal();
    let swept = sweep::sweep(world.stack.app(), SweepMode { resume: true }).await.expect("sweep");
    assert_eq!(swept.rows, 300);
    drain(&world).await;
    assert_eq!(world.success(&job).await["result"]["successful"], 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_a_crash_left_open_is_taken_over_when_the_work_is_resumed() {
    let (world, faults) = spoiled(unread()).await;
    let (single, mail) = one_owed(&world).await;
    let job = world.start_job(&(2..=4).map(person).collect::<Vec<_>>()).await;
    consume(&world, &take_exactly(&world, Queue::Issue, 3).await).await;
    let mut mails = take_exactly(&world, Queue::Mail, 3).await;
    mails.push(mail);
    // A process that dies between claim and receipt leaves the same state as a lost request.
    faults.on(SEND, 0..4, Fault::NeverArrives);
    assert_eq!(consume(&world, &mails).await.len(), 4);
    assert_eq!(kept(&world, &single).await.stored_mail, MailState::Claimed);
    let swept = sweep::sweep(world.stack.app(), SweepMode { resume: true }).await.expect("sweep");
    assert_eq!(swept.mails, 4);
    drain(&world).await;
    assert_eq!(world.success(&job).await["result"]["emails_sent"], 3);
    let credential = kept(&world, &single).await;
    assert_eq!(credential.stored_mail, MailState::Sent);
    assert_eq!((credential.mail_attempts, credential.mail_ambiguous), (2, 1));
    assert_eq!(inbox_count(&world).await, 1);
}
