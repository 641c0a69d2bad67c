//! `Idempotency-Key`: each repetition gets the first answer.

use serde_json::{Value, json};
use unicreda::store::idempotency::Beginning;

use crate::harness::{Reply, World, person};

async fn issue(world: &World, key: &str, body: &str) -> Reply {
    let headers = [
        ("x-api-key", world.demo.api_key.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", key),
    ];
    world.send("POST", "/api/v1/credentials/issue", &headers, body.to_owned()).await
}

fn body(world: &World, people: &[Value]) -> String {
    json!({ "template_id": world.demo.template_id, "recipients": people }).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_key_answers_byte_for_byte_and_does_nothing() {
    let world = World::new().await;
    for people in [vec![person(1)], vec![person(2), person(3)]] {
        let key = format!("key of {}", people.len());
        let body = body(&world, &people);
        let first = issue(&world, &key, &body).await;
        assert!(first.status.is_success());
        assert_eq!(first.header("idempotent-replayed"), "");
        let spaced = body.replace("\":", "\" : ");
        for again in [issue(&world, &key, &body).await, issue(&world, &key, &spaced).await] {
            assert_eq!(again.status, first.status);
            assert_eq!(again.body, first.body);
            assert_eq!(again.header("idempotent-replayed"), "true");
            assert_eq!(again.header("location"), first.header("location"));
        }
    }
    let jobs = world.get("/jobs").await;
    assert_eq!(jobs["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_body_is_refused_and_a_refused_body_leaves_the_key_free() {
    let world = World::new().await;
    issue(&world, "k", r#"{"recipients":[]}"#).await.problem(400, "invalid_request");
    issue(&world, "k", &body(&world, &[person(1)])).await.expect(200);
    issue(&world, "k", &body(&world, &[person(2)])).await.problem(422, "idempotency_mismatch");
    let unknown = json!({
        "template_id": "00000000-0000-4000-8000-000000000000", "recipients": [person(1)],
    });
    let first = issue(&world, "unknown", &unknown.to_string()).await.expect(404);
    let again = issue(&world, "unknown", &unknown.to_string()).await.expect(404);
    assert_eq!(first.body, again.body);
    for bad in ["", &"k".repeat(256), "ñ"] {
        issue(&world, bad, &body(&world, &[person(1)])).await.problem(400, "invalid_request");
    }
    // Of two keys nobody could tell which one a repetition has.
    let twice = async |second: &str| {
        let headers = [
            ("x-api-key", world.demo.api_key.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", "uno"),
            ("idempotency-key", second),
        ];
        let body = body(&world, &[person(1)]);
        world.send("POST", "/api/v1/credentials/issue", &headers, body).await
    };
    let refused = twice("dos").await.problem(400, "invalid_request");
    assert_eq!(refused["errors"][0]["code"], "repeated_header");
    twice("uno").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_test_mode_are_others_than_keys_of_live_mode() {
    let mut world = World::new().await;
    issue(&world, "k", &body(&world, &[person(1)])).await.expect(200);
    world.demo.api_key = world.demo.test_api_key.clone();
    let test = issue(&world, "k", &body(&world, &[person(2)])).await.expect(200);
    assert_eq!(test.header("idempotent-replayed"), "");
}

/// Two at once: one works, the other gets 409, and both end in one job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_call_while_the_first_runs_must_wait() {
    let world = World::new().await;
    let people: Vec<Value> = (1..=300).map(person).collect();
    let body = body(&world, &people);
    let (a, b) = tokio::join!(issue(&world, "k", &body), issue(&world, "k", &body));
    let (first, other) = if a.status.is_success() { (a, b) } else { (b, a) };
    first.expect(202);
    if !other.status.is_success() {
        assert!(!other.header("retry-after").is_empty());
        other.problem(409, "idempotency_in_progress");
    }
    let jobs = world.get("/jobs").await;
    assert_eq!(jobs["items"].as_array().map(Vec::len), Some(1));
}

/// A repetition takes over a dead first call under its work id; the first call can no longer
/// end the request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crashed_call_is_taken_over_and_its_zombie_is_fenced() {
    use unicreda::store::idempotency::Begin;
    let world = World::new().await;
    let store = &world.stack.app().idempotency;
    let beginning = |now: i64, hash: &'static str| Beginning {
        body_hash: hash,
        now,
        now_text: "2026-01-01T00:00:00.000Z",
        lease_until: now + 60,
        ttl: now + 86_400,
        work_id: uuid::Uuid::new_v4(),
    };
    let mine = |begun| match begun {
        Begin::Start(request) => request,
        other => panic!("found {other:?}"),
    };
    let mut zombie = mine(store.begin("id", &beginning(1_000, "h")).await.expect("begun"));
    let early = store.begin("id", &beginning(1_030, "h")).await.expect("found");
    assert!(matches!(early, Begin::InProgress { .. }), "the lease stands");
    let other = store.begin("id", &beginning(1_100, "other")).await.expect("found");
    assert!(matches!(other, Begin::Mismatch), "another body takes nothing over");
    let heir = mine(store.begin("id", &beginning(1_100, "h")).await.expect("taken over"));
    assert_eq!(heir.work_id, zombie.work_id);
    zombie.answer_status = 500;
    assert!(!store.finish("id", &zombie).await.expect("fenced"));
    assert!(store.finish("id", &heir).await.expect("finished"));
    let expired = mine(store.begin("id", &beginning(90_000, "new")).await.expect("expired"));
    assert_ne!(expired.work_id, heir.work_id);
}
