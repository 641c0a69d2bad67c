//! API keys: scopes, expiry, revocation, and the mode of test keys.

use serde_json::{Value, json};
use unicreda::domain::{api_key::Scope, ids::Mode};

use super::{MEMBER, all, items, key_id, key_of, one_fault, text};
use crate::harness::{World, person};

/// A key grants no scope that it lacks, and a faulty request for a key gets a pointer.
async fn assert_grants(world: &World) {
    let app = world.stack.app();
    let keeper = key_of(app, "demo", Mode::Live, &[Scope::Admin, Scope::Read], None).await;
    let make = async |scopes: Value| {
        let ask = json!({ "name": "x", "scopes": scopes });
        world.call_as(&keeper, "POST", "/api-keys", Some(&ask)).await
    };
    make(json!(["read", "admin"])).await.expect(201);
    make(json!(["read", "issue"])).await.problem(403, "insufficient_scope");
    make(json!(["manage"])).await.problem(403, "insufficient_scope");
    for bad in [json!([]), json!(null), json!("read"), json!(["todo"]), json!([1])] {
        make(bad).await.problem(400, "invalid_request");
    }
    for (ask, pointer, code) in [
        (json!({ "scopes": ["read"] }), "/name", "missing_field"),
        (json!({ "name": "x", "scopes": ["read"], "mode": "prod" }), "/mode", "value_not_allowed"),
        (json!({ "name": "x", "scopes": ["read"], "llave": 1 }), "/llave", "unknown_field"),
        (
            json!({ "name": "x", "scopes": ["read"], "expires_at": "2026-01-01T00:00:00Z" }),
            "/expires_at",
            "invalid_instant",
        ),
        (
            json!({ "name": "x", "scopes": ["read"], "expires_at": "mañana" }),
            "/expires_at",
            "invalid_instant",
        ),
    ] {
        one_fault(world.call("POST", "/api-keys", Some(&ask)).await, pointer, code);
    }
}

/// A key fails from the instant at which it expires.
async fn assert_expiry(world: &World) {
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
    let ask = json!({ "name": "x", "scopes": ["read"], "expires_at": soon.to_string() });
    let made = world.call("POST", "/api-keys", Some(&ask)).await.expect(201).json();
    let short = text(&made, "key");
    world.call_as(short, "GET", "/templates", None).await.expect(200);
    let refused = world
        .until("the key expires", async || {
            let reply = world.call_as(short, "GET", "/templates", None).await;
            (reply.status != 200).then_some(reply)
        })
        .await;
    refused.problem(401, "unauthenticated");
    assert!(jiff::Timestamp::now() >= soon);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_shown_once_grants_only_what_its_maker_has_and_ends_at_once() {
    let world = World::new().await;
    let app = world.stack.app();
    let ask = json!({ "name": "LMS", "scopes": ["read", "issue", "read"] });
    let made = world.call("POST", "/api-keys", Some(&ask)).await.expect(201).json();
    let key = text(&made, "key").to_owned();
    assert!(key.starts_with("uc_live_demo_"));
    assert_eq!(made["scopes"], json!(["issue", "read"]));
    assert_eq!((&made["name"], &made["mode"]), (&json!("LMS"), &json!("live")));
    assert_eq!((&made["expires_at"], &made["revoked_at"]), (&Value::Null, &Value::Null));
    assert!(key.starts_with(text(&made, "prefix")) && key.ends_with(text(&made, "last_four")));
    assert_eq!(made["id"], key_id(&key));

    let find = async |id: &str| {
        let listed = all(&world, "/api-keys", 2).await;
        listed.into_iter().find(|k| k["id"] == id).expect("the key is listed")
    };
    let listed = find(key_id(&key)).await;
    assert_eq!(listed["last_used_at"], Value::Null);
    for hidden in ["key", "hash", "secret"] {
        assert_eq!(listed.get(hidden), None);
    }
    let whole = world.call("GET", "/api-keys", None).await.expect(200).text();
    assert!(!whole.contains(&key) && !whole.contains(key.split('_').nth(4).expect("secret")));

    // The key can use its scopes, and nothing else.
    world.call_as(&key, "GET", "/credentials", None).await.expect(200);
    world.issue_as(&key, &[person(1)]).await.expect(200);
    assert!(find(key_id(&key)).await["last_used_at"].is_string());
    for (method, path, scope) in [
        ("GET", "/api-keys", "admin"),
        ("POST", "/templates", "catalog"),
        ("DELETE", "/members/persona1@ejemplo.com", "catalog"),
        ("PUT", "/organization", "admin"),
    ] {
        let reply = world.call_as(&key, method, path, Some(&json!({}))).await;
        let problem = reply.problem(403, "insufficient_scope");
        assert_eq!(problem["detail"], format!("La clave de API no tiene el permiso «{scope}»"));
    }
    let issuer = key_of(app, "demo", Mode::Live, &[Scope::Issue], None).await;
    for (path, status) in [
        ("/templates", 200),
        ("/jobs", 200),
        ("/credentials", 403),
        ("/members", 403),
        ("/organization", 403),
    ] {
        assert_eq!(
            world.call_as(&issuer, "GET", path, None).await.status.as_u16(),
            status,
            "{path}"
        );
    }

    assert_grants(&world).await;

    // A revoked key fails at once, in every function; a second revocation changes nothing.
    let id = key_id(&key).to_owned();
    for _ in 0..2 {
        assert!(
            world
                .call("DELETE", &format!("/api-keys/{id}"), None)
                .await
                .expect(204)
                .body
                .is_empty()
        );
    }
    for path in ["/credentials", "/templates", "/jobs"] {
        world.call_as(&key, "GET", path, None).await.problem(401, "unauthenticated");
    }
    world.issue_as(&key, &[person(2)]).await.problem(401, "unauthenticated");
    assert!(find(&id).await["revoked_at"].is_string());
    world.call("DELETE", "/api-keys/AAAAAAAAAAAA", None).await.problem(404, "not_found");

    assert_expiry(&world).await;
}

/// Templates, members and settings are shared with a test key, and read-only.
async fn assert_catalog_is_read_only(world: &World) {
    let test = world.demo.test_api_key.clone();
    let get = async |path: &str| world.call_as(&test, "GET", path, None).await;
    let id = world.demo.template_id.clone();
    assert_eq!(get(&format!("/templates/{id}")).await.expect(200).json()["id"], id);
    get(&format!("/members/{MEMBER}")).await.expect(200);
    assert_eq!(get("/organization").await.expect(200).json()["id"], "demo");
    let body = json!({ "name": "x", "description": "x" });
    for (method, path) in [
        ("POST", "/templates".to_owned()),
        ("PUT", format!("/templates/{id}")),
        ("POST", format!("/templates/{id}/archive")),
        ("PUT", format!("/members/{MEMBER}")),
        ("DELETE", format!("/members/{MEMBER}")),
        ("POST", "/members/import".to_owned()),
        ("PUT", "/organization".to_owned()),
    ] {
        let reply = world.call_as(&test, method, &path, Some(&body)).await;
        let problem = reply.problem(403, "insufficient_scope");
        assert_eq!(
            problem["detail"],
            "Con una clave de API de prueba esto es de solo lectura; usa una clave uc_live_",
            "{method} {path}"
        );
    }
}

/// A test key makes test keys only, and neither sees nor revokes others.
async fn assert_test_keys_only(world: &World) {
    let test = world.demo.test_api_key.clone();
    let get = async |path: &str| world.call_as(&test, "GET", path, None).await;
    let ask = |mode: Value| json!({ "name": "x", "scopes": ["read"], "mode": mode });
    let make =
        async |mode: Value| world.call_as(&test, "POST", "/api-keys", Some(&ask(mode))).await;
    make(json!("live")).await.problem(403, "insufficient_scope");
    for mode in [json!(null), json!("test")] {
        let made = make(mode).await.expect(201).json();
        assert!(text(&made, "key").starts_with("uc_test_demo_"));
    }
    let listed = get("/api-keys").await.expect(200).json();
    assert_eq!(items(&listed).len(), 3);
    assert!(items(&listed).iter().all(|key| key["mode"] == "test"));
    let live_id = key_id(&world.demo.api_key);
    let reply = world.call_as(&test, "DELETE", &format!("/api-keys/{live_id}"), None).await;
    reply.problem(404, "not_found");
    let from_live = world.call("POST", "/api-keys", Some(&ask(json!("test")))).await.expect(201);
    assert!(text(&from_live.json(), "key").starts_with("uc_test_"));
}

/// The same content in both modes is two credentials, each unknown to the other's key: the
/// ids of the live one and of the test one.
async fn two_credentials(world: &World) -> (String, String) {
    let test = world.demo.test_api_key.clone();
    let get = async |path: &str| world.call_as(&test, "GET", path, None).await;
    let live_one = world.issue_one(&person(1)).await;
    let answer = world.issue_as(&test, &[person(1)]).await.expect(200).json();
    let test_one = answer["credentials"][0].clone();
    assert_eq!(test_one["duplicate"], false);
    let (live_one, test_one) = (text(&live_one, "credential_id"), text(&test_one, "credential_id"));
    assert_ne!(live_one, test_one);
    world.get(&format!("/credentials/{live_one}")).await;
    get(&format!("/credentials/{live_one}")).await.problem(404, "not_found");
    world.call("GET", &format!("/credentials/{test_one}"), None).await.problem(404, "not_found");
    for (key, one) in [(&world.demo.api_key, live_one), (&test, test_one)] {
        let listed = world.call_as(key, "GET", "/credentials", None).await.expect(200).json();
        assert_eq!(items(&listed).len(), 1);
        assert_eq!(listed["items"][0]["credential_id"], one);
        let path = "/credentials?email=persona1@ejemplo.com";
        let listed = world.call_as(key, "GET", path, None).await.expect(200).json();
        assert_eq!(items(&listed).len(), 1);
        assert_eq!(listed["items"][0]["credential_id"], one);
    }
    (live_one.to_owned(), test_one.to_owned())
}

/// Jobs and wallets of a test key hold test data.
async fn assert_jobs_are_apart(world: &World) {
    let test = world.demo.test_api_key.clone();
    let get = async |path: &str| world.call_as(&test, "GET", path, None).await;
    let people = [json!({ "email": MEMBER, "result_value": "A" }), person(2)];
    let reply = world.issue_as(&test, &people).await.expect(202).json();
    let job = text(&reply, "job_id");
    for path in [format!("/jobs/{job}"), format!("/jobs/{job}/results")] {
        world.call("GET", &path, None).await.problem(404, "not_found");
        get(&path).await.expect(200);
    }
    let status = world
        .until("the test job ends", async || {
            let status = get(&format!("/jobs/{job}")).await.expect(200).json();
            (status["status"] == "SUCCESS").then_some(status)
        })
        .await;
    assert_eq!(status["result"]["emails_sent"], 2);
    assert_eq!(items(&world.get("/jobs").await).len(), 0);
    assert_eq!(items(&get("/jobs").await.expect(200).json()).len(), 1);
    let wallet = format!("/members/{MEMBER}/credentials");
    assert_eq!(items(&world.get(&wallet).await).len(), 0);
    assert_eq!(items(&get(&wallet).await.expect(200).json()).len(), 1);
}

/// Test mail is kept, not sent; the live one is sent, not kept.
async fn assert_test_mail_is_kept(world: &World, live_one: &str, test_one: &str) {
    let test = world.demo.test_api_key.clone();
    let get = async |path: &str| world.call_as(&test, "GET", path, None).await;
    let mail = world
        .until("the test mail is kept", async || {
            let reply = get(&format!("/credentials/{test_one}/mail")).await;
            (reply.status == 200).then(|| reply.json())
        })
        .await;
    assert_eq!(mail["to"], json!(["persona1@ejemplo.com"]));
    assert!(text(&mail, "subject").starts_with("PRUEBA · "));
    assert!(text(&mail, "text").contains(test_one) && text(&mail, "html").contains(test_one));
    assert!(mail["sent_at"].is_string());
    world.mail_ended(live_one).await;
    world
        .call("GET", &format!("/credentials/{live_one}/mail"), None)
        .await
        .problem(404, "not_found");
    world
        .call("GET", &format!("/credentials/{test_one}/mail"), None)
        .await
        .problem(404, "not_found");
    assert_eq!(world.stack.mail().count(), 1, "the live mail, and no test mail");
}

/// Page and document of a test credential say PRUEBA.
async fn assert_pages_are_marked(world: &World, live_one: &str, test_one: &str) {
    let page = async |id: &str, accept: &str| {
        let path = format!("/credential/{id}");
        world.send("GET", &path, &[("accept", accept)], "").await.expect(200)
    };
    assert!(page(test_one, "text/html").await.text().contains("PRUEBA"));
    assert!(!page(live_one, "text/html").await.text().contains("PRUEBA"));
    let document = page(test_one, "application/json").await.json();
    assert!(text(&document["issuer"], "id").ends_with(":orgs:demo:test"));
    assert!(text(&document["issuer"], "name").starts_with("PRUEBA · "));
    assert!(text(&document, "name").starts_with("PRUEBA · "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_key_sees_and_makes_test_data_only() {
    let world = World::new().await;
    assert_catalog_is_read_only(&world).await;
    assert_test_keys_only(&world).await;
    let (live_one, test_one) = two_credentials(&world).await;
    assert_jobs_are_apart(&world).await;
    assert_test_mail_is_kept(&world, &live_one, &test_one).await;
    assert_pages_are_marked(&world, &live_one, &test_one).await;
}
