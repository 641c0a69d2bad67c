//! The sweeper: it never makes a backlog longer, gives up after bounded attempts with a
//! reason, accounts for dead letters, and costs little when nothing is wrong.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{faults::Fault, harness::person, sim::Sim};

fn people(rows: std::ops::RangeInclusive<u32>) -> Vec<Value> {
    rows.map(person).collect()
}

/// Lets the time pass a minute at a time, the sweeper running, nothing being delivered.
async fn minutes(sim: &mut Sim, count: usize) {
    for _ in 0..count {
        sim.clock.jump(Duration::from_secs(60));
        sim.sweep().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_is_never_made_longer() {
    let mut sim = Sim::new(0).await;
    let people = people(1..=150);
    sim.job(&people, &people, None).await.expect("a job");
    assert_eq!(sim.messages().await, (150, 150));
    // No consumer runs for two hours: every row waits in the queue.
    minutes(&mut sim, 120).await;
    assert_eq!(sim.messages().await, (150, 150), "nothing was queued again");
    // Half of it is handled; its mail fills the mail queue and waits there.
    while sim.messages().await.1 < 200 && sim.deliver(100).await {}
    let before = sim.messages().await;
    minutes(&mut sim, 60).await;
    assert_eq!(sim.messages().await, before, "nothing was queued again");
    sim.finish().await.expect("it ends right");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_nothing_to_do_is_eleven_calls_and_reads_no_table() {
    let mut sim = Sim::new(0).await;
    let people = people(1..=3);
    sim.job(&people, &people, None).await.expect("a job");
    sim.drain().await.expect("it ends");
    let before = sim.faults.count();
    let queries = sim.faults.calls("Query");
    sim.sweep().await;
    // The depth of two queues; the index of open jobs, of old files, of open jobs about personal
    // data and of certificates for print; the plans of retention; four partitions of pending mail.
    assert_eq!(sim.faults.count() - before, 11);
    assert_eq!(sim.faults.calls("Query") - queries, 9);
    assert_eq!(sim.faults.calls("Scan"), 0);
    sim.finish().await.expect("it ends right");
}

/// The put of one row never succeeds: its message is a dead letter after five receives, again
/// after each sweep; the row fails with a reason, and a retry issues it once the put succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_is_a_failed_row_with_a_reason_and_a_retry_issues_it() {
    let mut sim = Sim::new(0).await;
    let people = people(1..=3);
    let broken = Fault::JsonError(400, "ValidationException");
    // The put of row 2, by its origin.
    for operation in ["BatchExecuteStatement", "PutItem"] {
        sim.faults.on_calls_with(operation, ":0:2\"", 0..1_000_000, broken.clone());
    }
    let job = sim.job(&people, &people, None).await.expect("a job");
    sim.drain().await.expect("it ends all the same");
    assert!(!sim.dead().is_empty(), "its message was put aside");
    assert!(sim.dead().iter().all(|message| message["row"]["row"] == 2));
    let status = sim.world.get(&format!("/jobs/{job}")).await;
    assert_eq!(status["result"]["failed"], 1);
    assert_eq!(status["result"]["errors"][0]["row"], 2);
    assert_eq!(status["result"]["errors"][0]["code"], "gave_up");
    sim.faults.heal_plan();
    let path = format!("/jobs/{job}/retry");
    let retry = sim.insist("POST", &path, None, None).await.expect("an answer");
    assert_eq!((retry.status, &retry.json()["retried_rows"]), (202, &json!(1)));
    let figures = sim.finish().await.expect("it ends right");
    assert_eq!((figures.credentials, figures.mails), (3, 3));
}

/// Jobs expire 90 days after they were accepted, a key after a day, credentials never.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jump_past_every_expiry_leaves_credentials_and_repeats_nothing() {
    let mut sim = Sim::new(0).await;
    let people = people(1..=12);
    sim.job(&people, &people, Some("k")).await.expect("a job");
    sim.drain().await.expect("it ends");
    sim.clock.jump(Duration::from_secs(91 * 24 * 3600));
    // DynamoDB removes expired items after some time: here it has not done so yet.
    sim.sweep().await;
    assert_eq!(sim.messages().await.1, 0);
    let again = sim.job(&people, &people, Some("k")).await.expect("another job");
    sim.drain().await.expect("it ends");
    let result = sim.world.get(&format!("/jobs/{again}")).await["result"].clone();
    assert_eq!((&result["duplicates"], &result["emails_skipped"]), (&json!(12), &json!(12)));
    let figures = sim.finish().await.expect("it ends right");
    assert_eq!((figures.credentials, figures.mails), (12, 12));
}
