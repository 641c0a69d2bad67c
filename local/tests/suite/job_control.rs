//! Cancelling and retrying a job, sending a mail again; and the answers to a second call.

use std::time::Duration;

use local::{Data, Options};
use serde_json::{Value, json};
use unicreda::{
    domain::{
        fault::Fault,
        ids::{JobId, ShardId},
        lang::Lang,
    },
    jobs::sweep::{self, SweepMode},
    store::job_rows::{Failure, ShardUpdate},
};

use crate::{
    harness::{World, check_sums, person},
    queues,
};

/// A stack whose queues only the test reads.
fn unread() -> Options {
    Options { concurrency: 0, ..Options::in_memory() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_job_ends_with_its_rows_cancelled_and_the_second_call_answers_alike() {
    let world = World::with(unread()).await;
    let people: Vec<Value> = (1..=20).map(person).collect();
    let job = world.start_job(&people).await;
    let path = format!("/jobs/{job}/cancel");
    let first = world.call("POST", &path, None).await.expect(200).json();
    assert!(first["cancelled_at"].is_string());
    let second = world.call("POST", &path, None).await.expect(200).json();
    assert_eq!(second["cancelled_at"], first["cancelled_at"]);
    sweep::sweep(world.stack.app(), SweepMode { resume: true }).await.expect("swept");
    let status = world.success(&job).await;
    assert_eq!(status["result"]["failed"], 20);
    assert_eq!(status["result"]["errors"][0]["error"], "Cancelado");
    assert_eq!(world.stack.mail().count(), 0);
    world.call("POST", &path, None).await.expect(200);
    let retry = world.call("POST", &format!("/jobs/{job}/retry"), None).await.expect(200).json();
    assert_eq!(retry["retried_rows"], 0, "a cancelled job stays cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_cancelled_while_it_runs_ends_with_the_sums_right() {
    let world = World::with(Options { concurrency: 1, ..Options::in_memory() }).await;
    let people: Vec<Value> = (1..=400).map(person).collect();
    let job = world.start_job(&people).await;
    world.call("POST", &format!("/jobs/{job}/cancel"), None).await.expect(200);
    world
        .until("the queues are empty", async || queues::are_empty(&world).await.then_some(()))
        .await;
    // The sweeper ends the remaining rows, once no consumer can be at work on them.
    world.stack.app().clock.jump(Duration::from_secs(100));
    sweep::sweep(world.stack.app(), SweepMode::default()).await.expect("swept");
    let result = world.success(&job).await["result"].clone();
    check_sums(&result);
    let failed = world.get(&format!("/jobs/{job}/results?status=failed&limit=1000")).await;
    for row in failed["items"].as_array().expect("items") {
        assert_eq!(row["error"], "Cancelado");
    }
    let sent = result["emails_sent"].as_u64().expect("sent");
    assert_eq!(world.stack.mail().count() as u64, sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_has_ended_cannot_be_cancelled() {
    let world = World::new().await;
    let job = world.start_job(&[person(1), person(2)]).await;
    world.success(&job).await;
    let refused = world.call("POST", &format!("/jobs/{job}/cancel"), None).await;
    refused.problem(409, "conflict");
    let unknown = "/jobs/00000000-0000-4000-8000-000000000000/cancel";
    world.call("POST", unknown, None).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_issues_the_rows_that_failed_for_our_reasons_and_a_second_one_finds_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = || Data::Dir(folder.path().to_owned());
    let (job, demo) = {
        let world = World::with(Options { data: data(), ..unread() }).await;
        let job =
            world.start_job(&[person(1), person(2), json!({ "email": "invalido@test" })]).await;
        let refused = world.call("POST", &format!("/jobs/{job}/retry"), None).await;
        refused.problem(409, "conflict");
        let id = JobId::parse(&job).expect("job");
        let mut learned = ShardUpdate::default();
        for (row, fault) in [
            (1, Fault::GaveUp(8)),
            (2, Fault::GaveUp(8)),
            (3, Fault::InvalidEmail("invalido@test".into())),
        ] {
            learned.sets.failed.insert(row);
            let faults = vec![fault.in_language(Lang::Es)];
            learned.failures.push(Failure { row, line: None, email: String::new(), faults });
        }
        let (shard, ttl) = (ShardId { job: id, number: 0 }, 4_000_000_000);
        world.stack.app().jobs.record_issued(shard, &learned, ttl).await.expect("accounted");
        assert_eq!(world.success(&job).await["result"]["failed"], 3);
        let demo = world.demo.clone();
        world.stop().await;
        (job, demo)
    };
    let mut world = World::with(Options { data: data(), ..Options::in_memory() }).await;
    world.demo = demo;
    let path = format!("/jobs/{job}/retry");
    let retried = world.call("POST", &path, None).await.expect(202).json();
    assert_eq!(retried["retried_rows"], 2);
    let result = world.success(&job).await["result"].clone();
    assert_eq!(result["successful"], 2);
    assert_eq!(result["failed"], 1);
    assert_eq!(result["emails_sent"], 2);
    let again = world.call("POST", &path, None).await.expect(200).json();
    assert_eq!(again["retried_rows"], 0);
    assert_eq!(again["retried_emails"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_is_sent_again_once_in_five_minutes() {
    let world = World::new().await;
    let issued = world.issue_one(&person(1)).await;
    let id = issued["credential_id"].as_str().expect("id");
    world.mail_ended(id).await;
    let path = format!("/credentials/{id}/resend");
    let again = world.call("POST", &path, None).await.expect(202).json();
    assert_eq!(again["email_status"], "pending");
    assert_eq!(world.mails("persona1@ejemplo.com", 2).await.len(), 2);
    world.call("POST", &path, None).await.problem(409, "conflict");
    world.mail_ended(id).await;
    world.call("POST", &path, None).await.problem(409, "conflict");
    let unknown = "/credentials/00000000-0000-8000-8000-000000000000/resend";
    world.call("POST", unknown, None).await.problem(404, "not_found");
    let foreign = world.call_as(&world.demo.test_api_key, "POST", &path, None).await;
    foreign.problem(404, "not_found");
}
