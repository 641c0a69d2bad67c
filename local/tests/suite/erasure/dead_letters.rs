//! Dead letters of a person, which each organization deletes of its own.

use serde_json::{Value, json};

use super::{EMAIL, ended_as, person};
use crate::{
    catalog::another_organization,
    feedback::bounced,
    harness::World,
    queues::{self, Queue},
};

/// A row of the person and a report of their mail, of an organization whose credential this is.
async fn send(world: &World, org: &str, id: &str) {
    let row = json!({ "kind": "issue", "v": 1, "org": org, "row": { "row": 1, "email": EMAIL } });
    queues::send(world, Queue::Dead, &row).await;
    let notice = bounced("Permanent", "General", id, 0, EMAIL);
    queues::send(world, Queue::DeadFeedback, &notice).await;
}

/// Erases the person under a key; how many dead letters were deleted.
async fn deleted_under(world: &World, key: &str) -> Value {
    let order = json!({ "email": EMAIL, "reason": "Lo pidió" });
    let accepted = world.call_as(key, "POST", "/people/erase", Some(&order)).await.expect(202);
    let job = accepted.json()["job_id"].as_str().expect("job_id").to_owned();
    ended_as(world, key, &job).await["result"]["dead_letters"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_of_the_same_person_at_another_organization_stay() {
    let world = World::new().await;
    let other = another_organization(world.stack.app(), "otra").await;
    let definition = json!({
        "name": "Curso", "description": "x",
        "fields": [{ "name": "recipient_name" }, { "name": "result_value" }],
    });
    let made = world.call_as(&other, "POST", "/templates", Some(&definition)).await;
    let body = json!({ "template_id": made.expect(201).json()["id"], "recipients": [person()] });
    let issued = world.call_as(&other, "POST", "/credentials/issue", Some(&body)).await;
    let issued = issued.expect(200).json();
    let id = issued["credentials"][0]["credential_id"].as_str().expect("id").to_owned();
    send(&world, "otra", &id).await;
    let key = world.demo.api_key.as_str();
    assert_eq!(deleted_under(&world, key).await, 0);
    // Those would be hidden for a minute.
    send(&world, "otra", &id).await;
    assert_eq!(deleted_under(&world, &other).await, 2);
    // A report of a credential that is no longer there is of the organization that erased it.
    send(&world, "otra", &id).await;
    assert_eq!(deleted_under(&world, key).await, 0);
    send(&world, "otra", &id).await;
    assert_eq!(deleted_under(&world, &other).await, 2);
}
