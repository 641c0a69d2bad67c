//! Signing keys and status lists: their bounds, and a compromise that goes on where it stopped.

use std::time::Duration;

use serde_json::{Value, json};
use unicreda::domain::{
    ids::{Mode, OrgId},
    signing_key::MOST_ROTATIONS,
    status_entry::ListId,
    tenant::Tenant,
};

use crate::{
    faults::{Fault, Faults},
    harness::{Reply, World, person},
};

async fn rotate(world: &World) -> Reply {
    world.call("POST", "/signing-keys", None).await
}

/// The keys, newest first.
async fn keys(world: &World) -> Vec<Value> {
    world.get("/signing-keys").await["items"].as_array().expect("keys").clone()
}

async fn compromise(world: &World, key: &Value) -> Reply {
    let key = key["multikey"].as_str().expect("a multikey");
    let path = format!("/signing-keys/{key}/compromise");
    world.call("POST", &path, Some(&json!({ "reason": "Clave filtrada" }))).await
}

/// The wait of a refusal, which says it in both languages.
fn wait_of(reply: Reply) -> u64 {
    let wait = reply.header("retry-after").parse().expect("seconds");
    let problem = reply.problem(429, "rate_limited");
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains("Retry-After")), "{problem}");
    assert_eq!(problem["title"], "Demasiadas solicitudes");
    wait
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signing_key_is_replaced_ten_times_a_day_and_no_more() {
    let world = World::new().await;
    let clock = world.stack.app().clock.clone();
    for _ in 0..MOST_ROTATIONS {
        rotate(&world).await.expect(201);
        clock.jump(Duration::from_secs(60));
    }
    let wait = wait_of(rotate(&world).await);
    assert!((85_000..=86_400 - 540).contains(&wait), "{wait}");
    assert_eq!(keys(&world).await.len(), MOST_ROTATIONS + 1);
    // Test keys are counted by themselves.
    world.call_as(&world.demo.test_api_key, "POST", "/signing-keys", None).await.expect(201);
    clock.jump(Duration::from_secs(wait - 30));
    wait_of(rotate(&world).await);
    clock.jump(Duration::from_secs(30));
    rotate(&world).await.expect(201);
    let wait = wait_of(rotate(&world).await);
    assert!(wait <= 60, "the second was a minute after the first: {wait}");
    assert_eq!(keys(&world).await.len(), MOST_ROTATIONS + 2);
    // What the last of them signs verifies.
    let issued = world.issue_one(&person(1)).await;
    let body = json!({ "url": issued["credential_url"] });
    let verdict = world.call("POST", "/verify", Some(&body)).await.expect(200).json();
    assert_eq!(verdict["verified"], true, "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_rotations_at_once_are_ten_at_most() {
    let world = World::new().await;
    let mut made = 0;
    for _ in 0..4 {
        let replies = futures::future::join_all((0..20).map(|_| rotate(&world))).await;
        made += replies.iter().filter(|reply| reply.status == 201).count();
        let refused = replies.iter().filter(|r| [409, 429].contains(&r.status.as_u16())).count();
        let passing = replies.iter().filter(|r| r.status == 503).count();
        let first = replies.iter().filter(|reply| reply.status == 201).count();
        assert_eq!(first + refused + passing, 20, "{replies:?}");
    }
    assert!(made <= MOST_ROTATIONS, "{made}");
    while rotate(&world).await.status == 201 {
        made += 1;
    }
    assert_eq!(made, MOST_ROTATIONS);
    let keys = keys(&world).await;
    assert_eq!(keys.len(), MOST_ROTATIONS + 1);
    assert_eq!(keys.iter().filter(|key| key["retired_at"].is_null()).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compromise_is_possible_at_every_moment() {
    let world = World::new().await;
    let issued = world.issue_one(&person(1)).await;
    for _ in 0..MOST_ROTATIONS {
        let signing = keys(&world).await.remove(0);
        compromise(&world, &signing).await.problem(409, "conflict");
        rotate(&world).await.expect(201);
        compromise(&world, &signing).await.expect(200);
    }
    // No rotation is left: the compromise of the key that signs brings its successor.
    wait_of(rotate(&world).await);
    for _ in 0..2 {
        let signing = keys(&world).await.remove(0);
        let declared = compromise(&world, &signing).await.expect(200).json();
        assert!(declared["compromised_at"].is_string() && declared["retired_at"].is_string());
        let again = compromise(&world, &signing).await.expect(200).json();
        assert_eq!(again, declared);
        wait_of(rotate(&world).await);
    }
    let left: Vec<Value> = keys(&world).await;
    let holds = left.iter().filter(|key| key["compromised_at"].is_null()).count();
    assert_eq!((left.len(), holds), (MOST_ROTATIONS + 3, 1));
    let path = format!("/credentials/{}", issued["credential_id"].as_str().expect("an id"));
    world.call("PATCH", &path, Some(&json!({}))).await.expect(200);
    let body = json!({ "url": issued["credential_url"] });
    let verdict = world.call("POST", "/verify", Some(&body)).await.expect(200).json();
    assert_eq!(verdict["verified"], true, "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compromise_goes_on_with_the_lists_that_are_not_signed_yet() {
    let faults = Faults::default();
    let world = World::with(faults.under(local::Options::in_memory())).await;
    let app = world.stack.app();
    world.issue_one(&person(1)).await;
    // Five more lists, signed by the first key.
    let org = OrgId::parse(local::demo::ORGANIZATION).expect("a name");
    let first = ListId { org: org.clone(), mode: Mode::Live, number: 0 };
    let list = app.status_lists.list(&first).await.expect("read").expect("a list");
    for number in 1..=5 {
        let id = ListId { org: org.clone(), mode: Mode::Live, number };
        app.status_lists.create_list(&id, &list).await.expect("created");
    }
    app.status_lists.take(&org, Mode::Live, 5 * 131_072).await.expect("taken");
    let signing = keys(&world).await.remove(0);
    rotate(&world).await.expect(201);
    let signers = async || {
        let mut by_old = 0;
        for number in 0..=5 {
            let list = ListId { org: org.clone(), mode: Mode::Live, number };
            let list = app.status_lists.list(&list).await.expect("read").expect("a list");
            let text = String::from_utf8(list.document).expect("text");
            by_old += usize::from(text.contains(signing["multikey"].as_str().expect("a key")));
        }
        by_old
    };
    assert_eq!(signers().await, 6);
    // Three lists cannot be written: the key stays, the others are signed.
    for number in [1, 3, 4] {
        let list = format!("LIST#demo.live.{number}");
        faults.on_calls_with("TransactWriteItems", &list, 0..1_000, Fault::Throttled);
    }
    compromise(&world, &signing).await.problem(503, "unavailable");
    let left = signers().await;
    assert!((3..6).contains(&left), "{left}");
    assert_eq!(keys(&world).await[1]["compromised_at"], Value::Null);
    faults.heal_plan();
    let written = || faults.calls("TransactWriteItems");
    let before = written();
    compromise(&world, &signing).await.expect(200);
    assert_eq!(signers().await, 0);
    assert_eq!(written() - before, left, "only those that were left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_list_is_begun_once_an_hour_however_many_ask_at_once() {
    let world = World::new().await;
    let app = world.stack.app();
    world.issue_one(&person(1)).await;
    let begin = async |key: &str| world.call_as(key, "POST", "/status-lists", None).await;
    let (live, test) = (world.demo.api_key.clone(), world.demo.test_api_key.clone());
    let replies = futures::future::join_all((0..12).map(|_| begin(&live))).await;
    let (begun, refused): (Vec<Reply>, Vec<Reply>) =
        replies.into_iter().partition(|reply| reply.status == 201);
    assert_eq!(begun.len(), 1);
    assert_eq!(begun[0].json()["list_id"], "demo.live.1");
    for reply in refused {
        let wait = wait_of(reply);
        assert!((3_590..=3_600).contains(&wait), "{wait}");
    }
    assert_eq!(begin(&test).await.expect(201).json()["list_id"], "demo.test.1", "by itself");
    app.clock.jump(Duration::from_secs(3_600));
    assert_eq!(begin(&live).await.expect(201).json()["list_id"], "demo.live.2");
    wait_of(begin(&live).await);
    // A list that is full begins the next all the same.
    let org = OrgId::parse(local::demo::ORGANIZATION).expect("a name");
    app.status_lists.take(&org, Mode::Live, 131_072).await.expect("taken");
    assert_eq!(app.status_lists.lists(&org, Mode::Live).await.expect("a count"), 3);
    let tenant = Tenant { org: &org, mode: Mode::Live };
    let now = app.clock.now().as_second();
    let begun = app.status_lists.begin_list(tenant, now + 3_600).await.expect("begun");
    assert_eq!(begun, unicreda::store::status_lists::Begun::List(4));
}
