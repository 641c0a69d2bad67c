//! What comes between the request of an erasure and the work on it.

use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::LambdaEvent;
use local::Options;
use serde_json::{Value, json};

use super::{EMAIL, NAME, another_second, ended, erase, marks, person, scan::places};
use crate::{
    faults::{Fault, Faults, Gate},
    harness::{self, World},
    queues::{self, Queue, take},
};

/// Hands the function `privacy` what its queue shows now.
async fn work(world: &World, tasks: &[Value]) {
    let event: SqsEvent = serde_json::from_value(json!({ "Records": tasks })).expect("an event");
    let event = LambdaEvent::new(event, crate::sim::context());
    let answer = privacy::handle(world.stack.app(), event).await.expect("an answer");
    assert!(answer.batch_item_failures.is_empty(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_after_the_request_stays_but_for_archives() {
    let world = World::with(queues::unread()).await;
    let id_of = |value: &Value| value["credential_id"].as_str().expect("id").to_owned();
    let old = id_of(&world.issue_one(&person()).await);
    let order = json!({ "email": EMAIL, "reason": "Lo pidió" });
    let erasing = world.call("POST", "/people/erase", Some(&order)).await.expect(202).json();
    let erasing = erasing["job_id"].as_str().expect("job_id").to_owned();
    let erasure = take(&world, Queue::Privacy).await;
    assert_eq!(erasure.len(), 1);

    // The person comes back, and asks for what is held: the archive has what will be erased.
    another_second(&world).await;
    let path = format!("/people/{EMAIL}/export");
    let export = world.call("GET", &path, None).await.expect(202).json();
    let export = export["job_id"].as_str().expect("job_id").to_owned();
    work(&world, &take(&world, Queue::Privacy).await).await;
    ended(&world, &export).await;
    let file = format!("/jobs/{export}/results/file");
    world.call("GET", &file, None).await.expect(200);
    let new = json!({ "email": EMAIL, "recipient_name": NAME, "result_value": "B" });
    let new = id_of(&world.issue_one(&new).await);
    let member = format!("/members/{EMAIL}");
    world.call("PUT", &member, Some(&json!({ "name": NAME }))).await.expect(201);
    let row = json!({ "email": EMAIL, "recipient_name": NAME, "result_value": "C" });
    let list = world.start_job(&[row, harness::person(1)]).await;
    queues::drain(&world).await;
    let rows = world.success(&list).await;
    assert_eq!(rows["result"]["successful"], 2, "{rows}");

    work(&world, &erasure).await;
    let job = ended(&world, &erasing).await;
    let counted = (&job["result"]["credentials"], &job["result"]["members"]);
    assert_eq!(counted, (&json!(1), &json!(0)), "{job}");
    assert_eq!(world.get(&format!("/credentials/{old}")).await["status"], "erased");
    assert_eq!(world.get(&format!("/credentials/{new}")).await["status"], "issued");
    assert_eq!(world.get(&member).await["name"], NAME);
    world.call("GET", &file, None).await.problem(404, "not_found");
    let rows = world.get(&format!("/jobs/{list}/results")).await;
    assert_eq!(rows["items"][0]["email"], EMAIL, "{rows}");
    let shown = world.get(&format!("/credentials/{}", id_of(&rows["items"][0]))).await;
    assert_eq!(shown["status"], "issued");
    let left = places(&world, &marks()).await;
    assert!(left.iter().any(|place| place.contains(&format!("{list}#")) && place.contains("IN#")));
    assert!(!left.iter().any(|place| place.contains("bucket")), "{left:#?}");
}

/// The person asks what is held when the erasure has walked through the jobs, and has not come to the
/// members.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_is_made_behind_the_walk_goes_too() {
    let faults = Faults::default();
    let world = World::with(faults.under(queues::unread())).await;
    let member = format!("/members/{EMAIL}");
    world.call("PUT", &member, Some(&json!({ "name": NAME }))).await.expect(201);
    let order = json!({ "email": EMAIL, "reason": "Lo pidió" });
    let erasing = world.call("POST", "/people/erase", Some(&order)).await.expect(202).json();
    let erasing = erasing["job_id"].as_str().expect("job_id").to_owned();
    let erasure = take(&world, Queue::Privacy).await;
    let gate = Gate::default();
    faults.on_calls_with("Query", "MEMBERS#", 0..1, Fault::Held(gate.clone(), None));
    let late = async {
        gate.reached.cancelled().await;
        let path = format!("/people/{EMAIL}/export");
        let export = world.call("GET", &path, None).await.expect(202).json();
        work(&world, &take(&world, Queue::Privacy).await).await;
        let found = places(&world, &marks()).await;
        assert!(found.iter().any(|place| place.contains("bucket exports/")), "{found:#?}");
        gate.open.cancel();
        export["job_id"].as_str().expect("job_id").to_owned()
    };
    let ((), export) = tokio::join!(work(&world, &erasure), late);
    ended(&world, &erasing).await;
    world
        .call("GET", &format!("/jobs/{export}/results/file"), None)
        .await
        .problem(404, "not_found");
    assert_eq!(places(&world, &marks()).await, [""; 0]);
}

/// The index by which an erasure finds jobs may lag behind: a job that it does not show yet is looked for again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_the_index_does_not_show_yet_is_erased_too() {
    let faults = Faults::default();
    let world = World::with(faults.under(Options::in_memory())).await;
    let others =
        json!({ "email": "luis@ejemplo.com", "recipient_name": "Luis", "result_value": "A" });
    world.run_job(&[person(), others]).await;
    let before = faults.injected();
    faults.on_calls_with("Query", "org_sk < :before", 0..2, Fault::Unread(""));
    erase(&world, &json!({})).await;
    assert!(faults.injected() > before, "the walk did not ask the index");
    assert_eq!(places(&world, &marks()).await, [""; 0]);
}
