//! Retention: what has ended loses its person when the organization's time for it is over.

use std::time::Duration;

use lambda_runtime::LambdaEvent;
use serde_json::json;
use unicreda::domain::ids::OrgId;

use super::scan::{Marks, places};
use crate::{crashes::ends_after_a_month, harness::person, queues::record, sim::Sim};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A credential that was revoked, in an organization that keeps what ended for 30 days, on the day that it is
/// due; its id.
async fn due(sim: &mut Sim) -> String {
    sim.world.skip_oracle();
    let issued = sim.issue(&[person(1)], &[], None).await.expect("issued").json();
    let id = issued["credentials"][0]["credential_id"].as_str().expect("id").to_owned();
    sim.drain().await.expect("it ends");
    let why = json!({ "reason": "x" });
    let revoke = format!("/credentials/{id}/revoke");
    assert_eq!(sim.insist("POST", &revoke, Some(&why), None).await.expect("200").status, 200);
    sim.clock.jump(40 * DAY);
    keep(sim, json!({ "ended_credentials_days": 30 })).await;
    // The walk begins; nobody works on it yet.
    sim.sweep().await;
    id
}

async fn keep(sim: &mut Sim, retention: serde_json::Value) {
    let settings = json!({ "retention": retention });
    let put = sim.insist("PUT", "/organization", Some(&settings), None).await.expect("200");
    assert_eq!(put.status, 200, "{}", put.body);
}

async fn status_of(sim: &Sim, id: &str) -> String {
    let shown = sim.world.get(&format!("/credentials/{id}")).await;
    shown["status"].as_str().expect("a status").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_has_begun_ends_with_the_setting() {
    let mut sim = Sim::new(0).await;
    let id = due(&mut sim).await;
    keep(&mut sim, json!(null)).await;
    sim.drain().await.expect("it ends");
    assert_eq!(status_of(&sim, &id).await, "revoked");
    // Days later, too: nothing is planned any more.
    for _ in 0..3 {
        sim.clock.jump(DAY);
        sim.sweep().await;
        sim.drain().await.expect("it ends");
    }
    assert_eq!(status_of(&sim, &id).await, "revoked");
    // A change while a walk is under way is walked by at once.
    keep(&mut sim, json!({ "ended_credentials_days": 365 })).await;
    sim.sweep().await;
    keep(&mut sim, json!({ "ended_credentials_days": 30 })).await;
    sim.drain().await.expect("it ends");
    sim.sweep().await;
    sim.drain().await.expect("it ends");
    assert_eq!(status_of(&sim, &id).await, "erased");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_that_has_not_heard_of_a_change_leaves_the_walk_that_it_asks_for() {
    let mut sim = Sim::new(0).await;
    let id = due(&mut sim).await;
    keep(&mut sim, json!({ "ended_credentials_days": 365 })).await;
    sim.drain().await.expect("it ends");
    sim.sweep().await;
    // A process that read the settings just before they are changed by another one.
    let mut late = sim.world.stack.app().clone();
    late.clock = sim.clock.clone();
    let org = OrgId::parse(local::demo::ORGANIZATION).expect("org");
    let read = late.catalog.organization(&org).await.expect("settings");
    assert_eq!(read.settings.retention.ended_credentials_days, Some(365));
    let jobs = sim.world.get("/jobs").await;
    let mut jobs = jobs["items"].as_array().expect("jobs").iter();
    let walk = jobs.find(|job| job["status"] != "SUCCESS").expect("a walk")["job_id"].clone();
    keep(&mut sim, json!({ "ended_credentials_days": 30 })).await;
    let task = record(&json!({ "v": 1, "job_id": walk }).to_string());
    let event = serde_json::from_value(json!({ "Records": [task] })).expect("an SQS event");
    let answer = privacy::handle(&late, LambdaEvent::new(event, crate::sim::context())).await;
    assert!(answer.expect("an answer").batch_item_failures.is_empty());
    assert_eq!(status_of(&sim, &id).await, "revoked");
    sim.sweep().await;
    sim.drain().await.expect("it ends");
    assert_eq!(status_of(&sim, &id).await, "erased");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_blocked_while_it_is_erased_for_its_age_stays() {
    for at in ["erased_at", ""] {
        let mut sim = Sim::new(0).await;
        let id = due(&mut sim).await;
        // After it was judged; before its history is looked at, or before its tombstone is put.
        let gate = match at {
            "" => sim.hold("GetItem", &id, None),
            text => sim.hold("PutItem", text, None),
        };
        let walking = sim.deliver_file_aside().await;
        gate.reached.cancelled().await;
        let why = json!({ "reason": "Reclamo" });
        let block = format!("/credentials/{id}/block");
        sim.world.call("POST", &block, Some(&why)).await.expect(200);
        gate.open.cancel();
        walking.await.expect("it ends");
        sim.drain().await.expect("it ends");
        assert_eq!(status_of(&sim, &id).await, "revoked", "{at}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_renewed_while_it_is_erased_for_its_age_stays() {
    let mut sim = Sim::new(0).await;
    sim.world.skip_oracle();
    ends_after_a_month(&sim).await.expect("a template");
    let issued = sim.issue(&[person(1)], &[], None).await.expect("issued").json();
    let id = issued["credentials"][0]["credential_id"].as_str().expect("id").to_owned();
    sim.drain().await.expect("it ends");
    sim.clock.jump(75 * DAY);
    keep(&mut sim, json!({ "ended_credentials_days": 30 })).await;
    sim.sweep().await;
    // After it was judged.
    let gate = sim.hold("GetItem", &id, None);
    let walking = sim.deliver_file_aside().await;
    gate.reached.cancelled().await;
    let renewed = sim.insist("POST", &format!("/credentials/{id}/renew"), None, None).await;
    assert_eq!(renewed.expect("an answer").status, 200);
    gate.open.cancel();
    walking.await.expect("it ends");
    sim.drain().await.expect("it ends");
    assert_eq!(status_of(&sim, &id).await, "issued");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ended_is_erased_when_its_time_is_over_and_nothing_else() {
    let mut sim = Sim::new(0).await;
    sim.world.skip_oracle();
    // One that does not end, one that is revoked, one that ends after a month.
    let mut ids = Vec::new();
    for n in 1..=2 {
        let issued = sim.issue(&[person(n)], &[], None).await.expect("issued").json();
        ids.push(issued["credentials"][0]["credential_id"].as_str().expect("id").to_owned());
    }
    ends_after_a_month(&sim).await.expect("a template");
    let issued = sim.issue(&[person(3)], &[], None).await.expect("issued").json();
    ids.push(issued["credentials"][0]["credential_id"].as_str().expect("id").to_owned());
    sim.drain().await.expect("it ends");
    let revoke = format!("/credentials/{}/revoke", ids[1]);
    let why = json!({ "reason": "x" });
    assert_eq!(sim.insist("POST", &revoke, Some(&why), None).await.expect("200").status, 200);
    let mut settings = sim.world.get("/organization").await;
    settings["retention"] = json!({ "ended_credentials_days": 60 });
    let put = sim.insist("PUT", "/organization", Some(&settings), None).await.expect("200");
    assert_eq!(put.status, 200, "{}", put.body);

    let mut erased_on = [None; 3];
    for day in 0..=100_usize {
        sim.sweep().await;
        sim.drain().await.expect("it ends");
        for (id, on) in ids.iter().zip(&mut erased_on) {
            let shown = sim.world.get(&format!("/credentials/{id}")).await;
            if shown["status"] == "erased" {
                on.get_or_insert(day);
            }
        }
        sim.clock.jump(DAY);
    }
    let [forever, revoked, ended] = erased_on;
    assert_eq!(forever, None);
    // A day more where the walk came before the day was over.
    assert!(revoked.is_some_and(|day| (60..=62).contains(&day)), "{revoked:?}");
    assert!(ended.is_some_and(|day| (87..=93).contains(&day)), "{ended:?}");
    let page = format!("/credential/{}", ids[2]);
    let page = sim.world.send("GET", &page, &[], "").await.expect(410).text();
    assert!(page.contains("Eliminada al cumplirse su plazo"), "{page}");
    let left = places(&sim.world, &Marks::of(&["persona2@", "persona3@"])).await;
    assert_eq!(left, [""; 0]);
    // The status bits are as they were.
    let shown = sim.world.get(&format!("/credentials/{}", ids[2])).await;
    assert_eq!(shown["still_valid"], true, "{shown}");
}
