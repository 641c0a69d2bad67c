//! A restore of the tables brings back whom the service had erased; the notes in the bucket, which it does
//! not touch, are applied again.

use jiff::{Timestamp, ToSpan};
use lambda_runtime::LambdaEvent;
use serde_json::json;
use unicreda::{domain::ids::OrgId, jobs::replay, store::Item};

use super::{
    EMAIL, NAME, another_second, erase, marks, person,
    scan::{key_of, places, tables},
};
use crate::{harness::World, queues::record};

/// All items of the three tables.
async fn items(world: &World) -> Vec<(String, Vec<Item>)> {
    let mut found = Vec::new();
    for (_, table) in tables(world) {
        let scan = world.stack.app().dynamodb.scan().table_name(table).consistent_read(true);
        found.push((table.to_owned(), scan.send().await.expect("items").items().to_vec()));
    }
    found
}

/// Brings the tables to an earlier state.
async fn restore(world: &World, to: &[(String, Vec<Item>)]) {
    let client = &world.stack.app().dynamodb;
    for ((table, before), (_, now)) in to.iter().zip(items(world).await) {
        for item in now {
            let key = key_of(&item);
            let delete = client.delete_item().table_name(table).set_key(Some(key));
            delete.send().await.expect("gone");
        }
        for item in before {
            let put = client.put_item().table_name(table).set_item(Some(item.clone()));
            put.send().await.expect("put");
        }
    }
}

/// Applies the one noted erasure again, and waits for its end.
async fn replay_since(world: &World, org: &OrgId, point: &Timestamp) {
    let app = world.stack.app();
    let begun = replay::begin(app, org, &point.to_string(), app.clock.now()).await;
    let replay = begun.expect("a job").to_string();
    // As the sweeper does within a minute.
    let task = record(&json!({ "v": 1, "job_id": replay }).to_string());
    let event = serde_json::from_value(json!({ "Records": [task] })).expect("an SQS event");
    let answer = privacy::handle(app, LambdaEvent::new(event, crate::sim::context())).await;
    assert!(answer.expect("an answer").batch_item_failures.is_empty());
    let status = super::ended(world, &replay).await;
    assert_eq!((&status["kind"], &status["result"]), (&json!("replay"), &json!({ "replayed": 1 })));
    world
        .until("the erasure that was repeated ends", async || {
            let jobs = world.get("/jobs").await;
            let jobs = jobs["items"].as_array().expect("jobs").iter();
            let mut erasures = jobs.filter(|job| job["kind"] == "erase").peekable();
            let any = erasures.peek().is_some();
            (any && erasures.all(|job| job["status"] == "SUCCESS")).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_brings_nobody_back_once_the_erasures_are_applied_again() {
    let world = World::new().await;
    let rows = [
        person(),
        json!({ "email": "luis@ejemplo.com", "recipient_name": "Luis", "result_value": "A" }),
    ];
    let job = world.start_job(&rows).await;
    world.success(&job).await;
    let path = format!("/members/{EMAIL}");
    world.call("PUT", &path, Some(&json!({ "name": NAME }))).await.expect(201);
    let backup = items(&world).await;
    let point = Timestamp::now() - 1.seconds();
    let held = world.get(&format!("/credentials?email={EMAIL}")).await;
    let id = held["items"][0]["credential_id"].as_str().expect("id").to_owned();
    // Later than the second in which it was asked for, as a rule.
    let erasure = erase(&world, &json!({})).await;
    let asked = erasure["created_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    another_second(&world).await;
    assert_eq!(places(&world, &marks()).await, [""; 0]);

    restore(&world, &backup).await;
    assert!(!places(&world, &marks()).await.is_empty(), "they are back");
    let org = OrgId::parse(local::demo::ORGANIZATION).expect("org");
    replay_since(&world, &org, &point).await;
    assert_eq!(places(&world, &marks()).await, [""; 0]);
    // It says when the person was erased first.
    let shown = world.get(&format!("/credentials/{id}")).await;
    let at = shown["erased_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    assert_eq!(at.map(Timestamp::as_second), asked.map(Timestamp::as_second), "{shown}");
    let held = world.get("/credentials?email=luis@ejemplo.com").await;
    assert_eq!(held["items"].as_array().map(Vec::len), Some(1), "{held}");

    // What the person got after the erasure stays, whatever is applied again.
    another_second(&world).await;
    let new = json!({ "email": EMAIL, "recipient_name": NAME, "result_value": "B" });
    let new = world.issue_one(&new).await["credential_id"].clone();
    replay_since(&world, &org, &point).await;
    let shown = world.get(&format!("/credentials/{}", new.as_str().expect("id"))).await;
    assert_eq!(shown["status"], "issued", "{shown}");
}
