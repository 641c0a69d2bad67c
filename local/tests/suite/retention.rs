//! An organization decides how long jobs and their files are kept: new jobs expire by that, none while it
//! is open, and files are found and removed on their day.

use std::{collections::BTreeSet, time::Duration};

use local::Options;
use serde_json::{Value, json};
use unicreda::jobs::sweep::{self, SweepMode};

use crate::{
    bucket::{client, keys},
    catalog::one_fault,
    faults::{Fault, Faults},
    harness::{World, person},
    queues::{Queue, consume, drain, take, take_exactly, unread},
};

const DAY: u64 = 24 * 3600;

async fn set(world: &World, retention: Value) -> Value {
    let body = json!({ "retention": retention });
    let answer = world.call("PUT", "/organization", Some(&body)).await.expect(200).json();
    answer["retention"].clone()
}

/// Days from the acceptance of a job to its expiry.
async fn days_of(world: &World, job: &str) -> i64 {
    let job = world.get(&format!("/jobs/{job}")).await;
    let at = |name: &str| -> jiff::Timestamp {
        job[name].as_str().expect("an instant").parse().expect("an instant")
    };
    let seconds = at("expires_at").as_second() - at("created_at").as_second();
    (seconds + 60) / DAY as i64
}

/// The expiry of a job's items, in days from now, by the kind of their sort key.
async fn expiries(world: &World, job: &str) -> BTreeSet<(String, i64)> {
    let app = world.stack.app();
    let items = app.dynamodb.scan().table_name(&app.config.jobs_table).send().await.expect("items");
    let now = app.clock.now().as_second();
    let text = |item: &std::collections::HashMap<String, _>, name: &str| -> String {
        let value: &aws_sdk_dynamodb::types::AttributeValue = &item[name];
        value.as_s().expect("a text").clone()
    };
    let of_job = items.items().iter().filter(|item| text(item, "pk").contains(job));
    of_job
        .map(|item| {
            let kind = text(item, "sk");
            let ttl: i64 = item["ttl"].as_n().expect("a number").parse().expect("seconds");
            let kind = kind.split('#').next().unwrap_or_default().to_owned();
            (kind, (ttl - now + 3600) / DAY as i64)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_sets_its_periods_within_bounds() {
    let world = World::new().await;
    let usual = json!({ "jobs_days": 90, "files_days": 7, "ended_credentials_days": null });
    assert_eq!(world.get("/organization").await["retention"], usual);
    let mut own = usual.clone();
    for (sent, name, value) in [
        (json!({ "jobs_days": 7 }), "jobs_days", json!(7)),
        (json!({ "files_days": 1 }), "files_days", json!(1)),
        (json!({ "ended_credentials_days": 36_500 }), "ended_credentials_days", json!(36_500)),
        (json!({}), "files_days", json!(1)),
        (json!({ "ended_credentials_days": null }), "ended_credentials_days", Value::Null),
        (json!({ "jobs_days": null }), "jobs_days", json!(90)),
    ] {
        own[name] = value;
        assert_eq!(set(&world, sent).await, own);
    }
    for (name, days) in [
        ("jobs_days", json!(6)),
        ("jobs_days", json!(91)),
        ("jobs_days", json!(7.5)),
        ("jobs_days", json!("30")),
        ("files_days", json!(0)),
        ("files_days", json!(8)),
        ("files_days", json!(-1)),
        ("ended_credentials_days", json!(29)),
        ("ended_credentials_days", json!(36_501)),
    ] {
        let body = json!({ "retention": { name: days } });
        let refused = world.call("PUT", "/organization", Some(&body)).await;
        one_fault(refused, &format!("/retention/{name}"), "out_of_range");
    }
    let body = json!({ "retention": { "job_days": 30 } });
    let refused = world.call("PUT", "/organization", Some(&body)).await;
    let refused = one_fault(refused, "/retention/job_days", "unknown_field");
    assert_eq!(refused["errors"][0]["hint"], "jobs_days");
    let body = json!({ "retention": 30 });
    let refused = world.call("PUT", "/organization", Some(&body)).await;
    one_fault(refused, "/retention", "wrong_type");
    // Nothing changed; the answer can be sent back; null is what everybody has.
    let same = world.get("/organization").await;
    assert_eq!(same["retention"], own);
    assert_eq!(world.call("PUT", "/organization", Some(&same)).await.expect(200).json(), same);
    assert_eq!(set(&world, Value::Null).await, usual);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_every_kind_expire_by_the_period_of_their_acceptance() {
    let world = World::new().await;
    let before = world.start_job(&[person(1), person(2)]).await;
    world.success(&before).await;
    set(&world, json!({ "jobs_days": 30, "files_days": 2 })).await;
    let after = world.start_job(&[person(3), person(4)]).await;
    world.success(&after).await;
    let file = b"email,nombre,calificacion\na@ejemplo.com,Ana Zorrilla,A\n";
    let of_file = world.upload("acta.csv", file, &json!({})).await;
    world.file_job(&of_file).await;
    let checked = world.upload("acta.csv", file, &json!({ "dry_run": true })).await;
    world.file_job(&checked).await;
    let list = json!({ "job_id": after, "reason": "error" });
    let revoked = world.call("POST", "/credentials/revoke", Some(&list)).await.expect(202).json();
    let revoked = revoked["job_id"].as_str().expect("an id").to_owned();
    for (job, days) in [(&before, 90), (&after, 30), (&of_file, 30), (&checked, 30), (&revoked, 30)]
    {
        assert_eq!(days_of(&world, job).await, days);
        for (kind, left) in expiries(&world, job).await {
            // The ledger of mail holds numbers alone; columns are of the file.
            let days = match kind.as_str() {
                "MAIL" | "SENDING" => 90,
                "COLUMNS" => 2,
                _ => days,
            };
            assert_eq!(left, days, "{kind} of {job}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_removed_on_their_day_though_their_job_is_kept_no_longer() {
    let mut world = World::with(Options { sweep_every: None, ..Options::in_memory() }).await;
    world.skip_oracle();
    set(&world, json!({ "jobs_days": 7, "files_days": 7 })).await;
    let file = b"email,nombre,calificacion\na@ejemplo.com,Ana Zorrilla,A\n";
    let job = world.upload("acta.csv", file, &json!({})).await;
    world.file_job(&job).await;
    let expired = expiries(&world, &job).await;
    // The item of the job is what finds its files.
    assert!(expired.contains(&("JOB".to_owned(), 9)), "{expired:?}");
    assert!(expired.contains(&("IN".to_owned(), 7)), "{expired:?}");
    let app = world.stack.app();
    let bucket = client(&world.stack);
    app.clock.jump(Duration::from_secs(6 * DAY));
    sweep::sweep(app, SweepMode::default()).await.expect("a run");
    assert_eq!(keys(&bucket).await.len(), 3, "not yet: the file, and its results in both formats");
    app.clock.jump(Duration::from_secs(DAY + 60));
    sweep::sweep(app, SweepMode::default()).await.expect("a run");
    world.until("the files are gone", async || keys(&bucket).await.is_empty().then_some(())).await;
    // Of a shorter period, from then on.
    set(&world, json!({ "files_days": 1 })).await;
    let job = world.upload("acta.csv", b"Zorrilla\n", &json!({})).await;
    assert_eq!(world.file_job(&job).await["status"], "FAILURE");
    app.clock.jump(Duration::from_secs(DAY + 60));
    sweep::sweep(app, SweepMode::default()).await.expect("a run");
    world.until("the file is gone", async || keys(&bucket).await.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_item_of_an_open_job_expires() {
    let world = World::with(unread()).await;
    set(&world, json!({ "jobs_days": 7 })).await;
    let mut wrong = person(3);
    wrong["result_value"] = "Z".into();
    let job = world.start_job(&[person(1), person(2), wrong]).await;
    let app = world.stack.app();
    // Its rows wait for days; sweeps in between change nothing.
    app.clock.jump(Duration::from_secs(4 * DAY));
    sweep::sweep(app, SweepMode::default()).await.expect("a run");
    assert_eq!(days_of(&world, &job).await, 7);
    app.clock.jump(Duration::from_secs(DAY + 3600));
    sweep::sweep(app, SweepMode::default()).await.expect("a run");
    let kept = expiries(&world, &job).await;
    assert!(!kept.is_empty() && kept.iter().all(|(_, left)| *left == 7), "{kept:?}");
    assert_eq!(days_of(&world, &job).await, 12);
    // Again when it is still open then, and no more once it has ended.
    app.clock.jump(Duration::from_secs(5 * DAY + 3600));
    sweep::sweep(app, SweepMode::default()).await.expect("a run");
    assert_eq!(days_of(&world, &job).await, 17);
    drain(&world).await;
    let result = world.success(&job).await["result"].clone();
    assert_eq!((&result["successful"], &result["failed"]), (&json!(2), &json!(1)), "{result}");
    app.clock.jump(Duration::from_secs(6 * DAY));
    sweep::sweep(app, SweepMode::default()).await.expect("a run");
    assert_eq!(days_of(&world, &job).await, 17);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_about_personal_data_has_the_organizations_period_and_is_kept_while_it_waits() {
    let world = World::with(unread()).await;
    set(&world, json!({ "jobs_days": 7 })).await;
    let open = world.start_job(&[person(1), person(2)]).await;
    let order = json!({ "email": "persona1@ejemplo.com", "reason": "Lo pidió" });
    let erasing = world.call("POST", "/people/erase", Some(&order)).await.expect(202).json();
    let erasing = erasing["job_id"].as_str().expect("an id").to_owned();
    assert_eq!(days_of(&world, &erasing).await, 7);
    let app = world.stack.app();
    // It waits for the job that is open.
    for days in [12, 17] {
        app.clock.jump(Duration::from_secs(5 * DAY + 3600));
        sweep::sweep(app, SweepMode::default()).await.expect("a run");
        let work = take(&world, Queue::Privacy).await;
        assert_eq!(privacy_of(&world, &work).await, [""; 0]);
        let job = world.get(&format!("/jobs/{erasing}")).await;
        assert_eq!(job["progress"]["waiting"], "open_jobs", "{job}");
        assert_eq!(days_of(&world, &erasing).await, days);
        assert_eq!(days_of(&world, &open).await, days);
    }
    let export = world.call("GET", "/people/otra@ejemplo.com/export", None).await.expect(202);
    let export = export.json()["job_id"].as_str().expect("an id").to_owned();
    assert_eq!(days_of(&world, &export).await, 7);
}

/// Hands messages to the function `privacy`; those that come back.
async fn privacy_of(world: &World, tasks: &[Value]) -> Vec<String> {
    let event = serde_json::from_value(json!({ "Records": tasks })).expect("an event");
    let event = lambda_runtime::LambdaEvent::new(event, crate::sim::context());
    let answer = privacy::handle(world.stack.app(), event).await.expect("an answer");
    answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_kept_whole_whichever_of_its_moves_fails() {
    let faults = Faults::default();
    let world = World::with(faults.under(unread())).await;
    set(&world, json!({ "jobs_days": 7 })).await;
    let job = world.start_job(&[person(1), person(2)]).await;
    let rows = take_exactly(&world, Queue::Issue, 2).await;
    assert_eq!(consume(&world, &rows).await, [""; 0]);
    let app = world.stack.app();
    let sweep = async || sweep::sweep(app, SweepMode::default()).await.expect("a run");
    // Inputs, outcomes, the job itself.
    for call in 0..3 {
        app.clock.jump(Duration::from_secs(5 * DAY + 3600));
        let denied = Fault::JsonError(400, "AccessDeniedException");
        faults.on_calls_with("UpdateItem", "#ttl = :ttl", call..call + 1, denied);
        sweep().await;
        let half = expiries(&world, &job).await;
        assert!(half.iter().any(|(_, left)| *left < 7), "the call {call} failed: {half:?}");
        assert!(half.contains(&("JOB".to_owned(), 2)), "the job comes last: {half:?}");
        sweep().await;
        let kept = expiries(&world, &job).await;
        assert!(kept.len() == 3 && kept.iter().all(|(_, left)| *left == 7), "{kept:?}");
    }
}

/// DynamoDB removes expired items like this.
async fn expire(world: &World) {
    let app = world.stack.app();
    let now = app.clock.now().as_second();
    let all = app.dynamodb.scan().table_name(&app.config.jobs_table).send().await.expect("items");
    for item in all.items() {
        let ttl: i64 = item["ttl"].as_n().expect("a number").parse().expect("seconds");
        if ttl < now {
            let delete = app.dynamodb.delete_item().table_name(&app.config.jobs_table);
            let delete = delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
            delete.send().await.expect("removed");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_is_not_sent_again_though_its_job_is_gone_after_a_week() {
    let world = World::with(Options { tracks_deliveries: true, ..unread() }).await;
    set(&world, json!({ "jobs_days": 7 })).await;
    let job = world.start_job(&[person(1), person(2)]).await;
    drain(&world).await;
    world.success(&job).await;
    let skipped = world.start_job(&[person(3), person(4)]).await;
    let rows = take_exactly(&world, Queue::Issue, 2).await;
    assert_eq!(consume(&world, &rows).await, [""; 0]);
    world.call("POST", &format!("/jobs/{skipped}/cancel"), None).await.expect(200);
    let app = world.stack.app();
    app.clock.jump(Duration::from_secs(600));
    sweep::sweep(app, SweepMode::default()).await.expect("a run");
    world.success(&skipped).await;

    app.clock.jump(Duration::from_secs(8 * DAY));
    expire(&world).await;
    for job in [&job, &skipped] {
        world.call("GET", &format!("/jobs/{job}"), None).await.problem(404, "not_found");
        let left: Vec<_> = expiries(&world, job).await.into_iter().map(|(kind, _)| kind).collect();
        assert!(left.contains(&"MAIL".to_owned()), "{left:?}");
        assert!(left.iter().all(|kind| ["MAIL", "SENDING"].contains(&kind.as_str())), "{left:?}");
    }
    // Nobody was told of a delivery.
    let again = world.start_job(&[person(1), person(2)]).await;
    drain(&world).await;
    let result = world.success(&again).await["result"].clone();
    assert_eq!((&result["duplicates"], &result["emails_skipped"]), (&json!(2), &json!(2)));
    assert_eq!(world.stack.mail().count(), 2, "no second mail");
}
