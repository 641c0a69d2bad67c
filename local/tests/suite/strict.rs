//! Nothing of a request is ignored: parameters, cursors and keys are what the routes know, or the
//! answer names the fault and the nearest known name.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use unicreda::{
    domain::{api_key::Scope, ids::Mode},
    http::routes::{Access, ROUTES},
};

use crate::{
    catalog::{another_organization, key_of},
    faults::Faults,
    harness::{Reply, World, person},
    queues::unread,
};

const MEMBER: &str = "ana.rojas@demo.example";

/// The one fault of a refused parameter: code and hint.
fn fault(reply: Reply, code: &str) -> (String, Value) {
    let problem = reply.problem(400, code);
    let errors = problem["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 1, "{problem}");
    let code = errors[0]["code"].as_str().expect("a code").to_owned();
    (code, errors[0].get("hint").cloned().unwrap_or_default())
}

/// Requires that nothing was issued, accepted or mailed.
async fn assert_nothing_issued(world: &World) {
    for path in ["/credentials", "/jobs"] {
        assert_eq!(world.get(path).await, json!({ "items": [], "next_cursor": null }), "{path}");
    }
    assert_eq!(world.stack.mail().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parameter_that_a_route_does_not_know_is_refused_and_nothing_is_issued() {
    let world = World::new().await;
    let body = json!({ "template_id": world.demo.template_id, "recipients": [person(1)] });
    let issue = async |query: &str| {
        world.call("POST", &format!("/credentials/issue?{query}"), Some(&body)).await
    };
    for query in [
        "dryRun=true",
        "dry-run=true",
        "dryrun=true",
        "DRY_RUN=true",
        "dry_run%20=true",
        "dry_run[]=true",
        "dry_run%00=true",
        "Dry_Run",
        "dry_rum=true",
        "simulate=true",
    ] {
        let refused = fault(issue(query).await, "unknown_parameter");
        assert_eq!(refused, ("unknown_parameter".into(), json!("dry_run")), "{query}");
    }
    for query in ["dry_run", "dry_run=", "dry_run=1", "dry_run=yes", "dry_run=%20true", "dry_run=0"]
    {
        assert_eq!(fault(issue(query).await, "invalid_request").0, "value_not_allowed", "{query}");
    }
    for (query, hint) in [("dry_run=True", "true"), ("dry_run=FALSE", "false")] {
        let refused = fault(issue(query).await, "invalid_request");
        assert_eq!(refused, ("value_not_allowed".into(), json!(hint)), "{query}");
    }
    for query in ["dry_run=true&dry_run=true", "dry_run=false&dry_run=true", "dry_run&dry_run"] {
        assert_eq!(fault(issue(query).await, "invalid_request").0, "repeated_parameter", "{query}");
    }
    let problem = issue("dryRun=true&dry_run=1&x").await.problem(400, "unknown_parameter");
    assert_eq!(problem["errors"].as_array().expect("errors").len(), 3, "{problem}");
    assert_nothing_issued(&world).await;
    issue("dry_run=true").await.expect(200);
    assert_nothing_issued(&world).await;
    issue("dry_run=false").await.expect(200);
    assert_eq!(world.get("/credentials").await["items"].as_array().expect("items").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_with_a_key_refuses_what_it_does_not_know_and_public_ones_ignore_it() {
    let world = World::new().await;
    for route in ROUTES {
        let path: Vec<_> =
            route.path.split('/').map(|s| if s.starts_with('{') { "x" } else { s }).collect();
        let path = path.join("/");
        let key = [("x-api-key", world.demo.api_key.as_str())];
        let send = async |query: &str| {
            world.send(route.method, &format!("{path}?{query}"), &key, "").await
        };
        if route.access == Access::Public {
            assert_eq!(
                send("utm_source=correo&lang").await.status,
                send("").await.status,
                "{path}"
            );
            continue;
        }
        let problem = send("utm_source=correo").await.problem(400, "unknown_parameter");
        assert_eq!(problem["errors"][0]["pointer"], "utm_source", "{problem}");
        for parameter in route.parameters {
            let detail = problem["detail"].as_str().expect("a text");
            assert!(detail.contains(parameter.name), "{path}: {detail}");
            let name = parameter.name;
            assert_eq!(
                fault(send(&format!("{name}=1&{name}=1")).await, "invalid_request").0,
                "repeated_parameter"
            );
            let other = name.to_uppercase().replace('_', "-");
            let hint = fault(send(&format!("{other}=1")).await, "unknown_parameter").1;
            assert_eq!(hint, *name, "{path}");
        }
    }
    // What people try on lists that do not know it.
    for (path, hint) in [
        ("/jobs?page=2", json!("cursor")),
        ("/members?page=2", json!("cursor")),
        ("/templates?per_page=10", json!("limit")),
        ("/credentials?since=2026-01-01", json!("issued_after")),
        ("/credentials?externalId=7", json!("external_id")),
        ("/jobs?status=FAILURE", Value::Null),
        ("/members?q=Carla", Value::Null),
        ("/credentials?search=Carla", json!("q")),
        ("/credentials?job=7", json!("job_id")),
        ("/templates?query=curso", json!("q")),
        ("/signing-keys?limit=10", Value::Null),
    ] {
        let refused = fault(world.call("GET", path, None).await, "unknown_parameter");
        assert_eq!(refused, ("unknown_parameter".into(), hint), "{path}");
    }
    // An empty filter would show the entries of everyone.
    for filter in ["q", "email", "status", "template_id", "job_id", "external_id", "issued_after"] {
        let reply = world.call("GET", &format!("/credentials?{filter}="), None).await;
        assert_eq!(fault(reply, "invalid_request").0, "empty_parameter", "{filter}");
    }
    // Mail programs append parameters to a graduate's link.
    let id = world.issue_one(&person(1)).await["credential_id"].clone();
    let page = format!(
        "/credential/{}?utm_source=correo&fbclid=x&utm_source=2",
        id.as_str().expect("an id")
    );
    world.send("GET", &page, &[("accept", "text/html")], "").await.expect(200);
}

/// A list with more than one page, as a path with a place for parameters at its end.
async fn lists(world: &World, key: &str) -> Vec<String> {
    let mut jobs = Vec::new();
    for n in [1, 3] {
        let reply = world.issue_as(key, &[person(n), person(n + 1)]).await.expect(202).json();
        jobs.push(reply["job_id"].as_str().expect("an id").to_owned());
    }
    for job in &jobs {
        world
            .until("the job ends", async || {
                let job = world.call_as(key, "GET", &format!("/jobs/{job}"), None).await;
                (job.expect(200).json()["status"] == "SUCCESS").then_some(())
            })
            .await;
    }
    let wallet =
        [1, 2].map(|n| json!({ "email": MEMBER, "result_value": "A", "term": n.to_string() }));
    for one in wallet {
        world.issue_as(key, &[one]).await.expect(200);
    }
    vec![
        "/jobs?".into(),
        format!("/jobs/{}/results?", jobs[0]),
        format!("/jobs/{}/results?", jobs[1]),
        format!("/jobs/{}/results?status=issued&", jobs[0]),
        "/credentials?".into(),
        "/credentials?status=issued&".into(),
        format!("/credentials?email={MEMBER}&"),
        "/credentials?issued_after=2026-01-01&".into(),
        format!("/members/{MEMBER}/credentials?"),
        "/members?".into(),
        "/templates?".into(),
        "/api-keys?".into(),
    ]
}

/// Makes a second template, and three further keys of a mode.
async fn more_of_the_catalog(world: &World) {
    let course =
        json!({ "name": "Otro", "description": "x", "fields": [{ "name": "recipient_name" }] });
    world.call("POST", "/templates", Some(&course)).await.expect(201);
    for mode in [Mode::Live, Mode::Test, Mode::Test, Mode::Live] {
        key_of(world.stack.app(), "demo", mode, &[Scope::Read], None).await;
    }
}

async fn cursor(world: &World, key: &str, list: &str) -> String {
    let page = world.call_as(key, "GET", &format!("{list}limit=1"), None).await.expect(200).json();
    page["next_cursor"].as_str().unwrap_or_else(|| panic!("{list}: {page}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_shows_nothing_and_goes_on_in_its_own_list_alone() {
    let world = World::new().await;
    more_of_the_catalog(&world).await;
    let (live, test) = (world.demo.api_key.clone(), world.demo.test_api_key.clone());
    let mut cursors: Vec<(&str, String, String)> = Vec::new();
    for key in [&live, &test] {
        for list in lists(&world, key).await {
            let cursor = cursor(&world, key, &list).await;
            let bytes = URL_SAFE_NO_PAD.decode(&cursor).expect("base64url without padding");
            let shown = String::from_utf8_lossy(&bytes).into_owned() + &cursor;
            for readable in ["KEY#", "TPL#", "#", "@", "ana", "2026-"] {
                let chance = readable.len() < 3;
                assert!(chance || !shown.contains(readable), "{list}: {shown}");
            }
            let next = format!("{list}limit=2&cursor={cursor}");
            world.call_as(key, "GET", &next, None).await.expect(200);
            cursors.push((key, list, cursor));
        }
    }
    let all: BTreeSet<&String> = cursors.iter().map(|(.., cursor)| cursor).collect();
    assert_eq!(all.len(), cursors.len(), "no cursor is that of another list");

    let refused = async |key: &str, list: &str, cursor: &str| {
        let reply = world.call_as(key, "GET", &format!("{list}cursor={cursor}"), None).await;
        let problem = reply.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["code"], "invalid_cursor", "{list}");
        assert_eq!(problem["errors"][0]["pointer"], "cursor", "{list}");
    };
    for (at, (key, list, _)) in cursors.iter().enumerate() {
        for (other, (.., cursor)) in cursors.iter().enumerate() {
            if at != other {
                refused(key, list, cursor).await;
            }
        }
    }
    let other = another_organization(world.stack.app(), "otra").await;
    for (_, list, cursor) in
        cursors.iter().filter(|(_, list, _)| !list.contains("/results") && !list.contains(MEMBER))
    {
        refused(&other, list, cursor).await;
    }
    let (key, list, cursor) = &cursors[0];
    for place in [0, 15, 16, cursor.len() / 2, cursor.len() - 1] {
        let mut changed = cursor.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'Q' } else { b'A' };
        refused(key, list, &String::from_utf8(changed).expect("text")).await;
    }
    for cursor in
        [format!("{cursor}AAAA"), cursor[4..].to_owned(), "A".repeat(600), "A".repeat(7_000)]
    {
        refused(key, list, &cursor).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_key_learns_nothing_of_live_keys_from_the_list_of_keys() {
    let world = World::new().await;
    more_of_the_catalog(&world).await;
    let test = world.demo.test_api_key.as_str();
    let mut seen = Vec::new();
    let mut query = String::new();
    loop {
        let page = world.call_as(test, "GET", &format!("/api-keys?limit=1{query}"), None).await;
        let page = page.expect(200).json();
        let keys = page["items"].as_array().expect("items").clone();
        assert_eq!(keys.len(), 1, "no page tells by its length of a key that is not shown");
        assert_eq!(keys[0]["mode"], "test");
        seen.push(keys[0]["id"].clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        query = format!("&cursor={next}");
    }
    // The demo's and two of these.
    assert_eq!(seen.len(), 3);
    let whole = world.call_as(test, "GET", "/api-keys", None).await.expect(200).json();
    let whole: Vec<Value> =
        whole["items"].as_array().expect("items").iter().map(|key| key["id"].clone()).collect();
    assert_eq!(whole, seen);
    let three = world.call_as(test, "GET", "/api-keys?limit=3", None).await.expect(200).json();
    assert_eq!(three["next_cursor"], Value::Null, "nothing follows that it may see");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_test_keys_takes_no_call_for_each_live_key() {
    let faults = Faults::default();
    let world = World::with(faults.under(unread())).await;
    for _ in 0..40 {
        key_of(world.stack.app(), "demo", Mode::Live, &[Scope::Read], None).await;
    }
    let test = world.demo.test_api_key.as_str();
    let list = async || world.call_as(test, "GET", "/api-keys?limit=1", None).await.expect(200);
    // The first call notes the key's use.
    list().await;
    let before = faults.count();
    list().await;
    assert!(faults.count() - before <= 2, "{} calls", faults.count() - before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_is_read_to_its_end_and_ignores_what_is_appended_to_its_link() {
    let world = World::new().await;
    for n in 0..51 {
        let one = json!({ "email": MEMBER, "result_value": "A", "term": n.to_string() });
        world.issue_as(&world.demo.test_api_key, &[one]).await.expect(200);
    }
    let path = format!("/members/{MEMBER}/credentials");
    let wallet =
        world.call_as(&world.demo.test_api_key, "GET", &path, None).await.expect(200).json();
    let url = wallet["wallet_url"].as_str().expect("a link");
    let path = url.strip_prefix(&world.stack.app().config.site_url).expect("of this site");
    let open = async |query: &str| {
        world
            .send("GET", &format!("{path}{query}"), &[("accept", "text/html")], "")
            .await
            .expect(200)
            .text()
    };
    let count = |page: &str| page.matches("<li class=\"card\"").count();
    let first = open("").await;
    assert_eq!(count(&first), 50);
    let (_, rest) = first.split_once("?cursor=").expect("a further page");
    let (cursor, _) = rest.split_once('&').expect("its language");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).expect("base64url");
    assert!(!String::from_utf8_lossy(&bytes).contains("2026-"));
    let second = open(&format!("?cursor={cursor}&lang=en")).await;
    assert_eq!(count(&second), 1);
    assert!(!second.contains("?cursor="));
    for appended in
        ["?utm_source=x", "?cursor=x", "?cursor=2026-01-01T00:00:00Z%23x", "?cursor=a&cursor=b"]
    {
        assert_eq!(open(appended).await, first, "{appended}");
    }
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_names_what_was_probably_meant() {
    let world = World::new().await;
    let template = world.demo.template_id.clone();
    let recipients = json!([person(1)]);
    let course = |fields: Value| json!({ "name": "x", "description": "x", "fields": fields });
    for (method, path, body, pointer, hint) in [
        (
            "POST",
            "/credentials/issue",
            json!({ "templateId": template, "recipients": recipients }),
            "/templateId",
            "template_id",
        ),
        (
            "POST",
            "/credentials/issue",
            json!({ "template_id": template, "recipient": recipients }),
            "/recipient",
            "recipients",
        ),
        (
            "POST",
            "/credentials/issue",
            json!({ "template_id": template, "recipients": recipients, "sendEmail": false }),
            "/sendEmail",
            "send_email",
        ),
        (
            "POST",
            "/uploads",
            json!({ "template_id": template, "fileName": "a.csv", "size": 1 }),
            "/fileName",
            "file_name",
        ),
        (
            "POST",
            "/uploads",
            json!({ "template_id": template, "file_name": "a.csv", "size": 1, "dryRun": true }),
            "/dryRun",
            "dry_run",
        ),
        ("POST", "/api-keys", json!({ "name": "x", "scopes": ["raed"] }), "/scopes", "read"),
        ("POST", "/api-keys", json!({ "name": "x", "scope": ["read"] }), "/scope", "scopes"),
        (
            "POST",
            "/api-keys",
            json!({ "name": "x", "scopes": ["read"], "mode": "Test" }),
            "/mode",
            "test",
        ),
        ("PUT", "/organization", json!({ "timeZone": "UTC" }), "/timeZone", "time_zone"),
        (
            "PUT",
            "/organization",
            json!({ "time_zone": "America/Santigo" }),
            "/time_zone",
            "America/Santiago",
        ),
        ("PUT", "/organization", json!({ "language": "es-CL" }), "/language", "es"),
        (
            "POST",
            "/templates",
            course(json!([{ "name": "recipientName" }])),
            "/fields/0/name",
            "recipient_name",
        ),
        (
            "POST",
            "/templates",
            course(json!([{ "name": "role", "requierd": true }])),
            "/fields/0/requierd",
            "required",
        ),
        ("GET", "/credentials?status=revokd", Value::Null, "status", "revoked"),
    ] {
        let body = (method != "GET").then_some(&body);
        let problem = world.call(method, path, body).await.problem(400, "invalid_request");
        let errors = problem["errors"].as_array().expect("errors");
        let fault = errors.iter().find(|fault| fault["pointer"] == pointer);
        assert_eq!(fault.unwrap_or_else(|| panic!("{problem}"))["hint"], hint, "{problem}");
    }
    // The answer to a recipient is a text.
    for (name, text) in [
        ("recipientName", "Campo desconocido: recipientName. ¿Quisiste decir recipient_name?"),
        ("name", "Campo desconocido: name. ¿Quisiste decir recipient_name?"),
        ("externalId", "Campo desconocido: externalId. ¿Quisiste decir external_id?"),
        ("nota", "Campo desconocido: nota"),
    ] {
        let mut recipient = person(1);
        recipient[name] = "x".into();
        let refused = world.issue_one(&recipient).await;
        assert_eq!(refused["errors"], json!([text]));
    }
    assert_nothing_issued(&world).await;
    // The text of a grade never changes; the answer to a correction has its hint beside it.
    let id = world.issue_one(&person(1)).await["credential_id"].clone();
    let path = format!("/credentials/{}", id.as_str().expect("an id"));
    for (change, code, hint) in [
        (json!({ "result_value": "b" }), "invalid_result", "B"),
        (json!({ "recipentName": "x" }), "unknown_field", "recipient_name"),
    ] {
        let refused = world.call("PATCH", &path, Some(&change)).await;
        let refused = refused.problem(400, "invalid_request");
        let error = &refused["errors"][0];
        assert_eq!((&error["code"], &error["hint"]), (&json!(code), &json!(hint)), "{refused}");
        let text = "Calificacion invalida. Valores permitidos: A, B, C, D, F";
        assert!(code != "invalid_result" || error["message"] == text, "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_comes_as_x_api_key_or_as_bearer_and_two_different_ones_are_none() {
    let world = World::new().await;
    let (live, test) = (world.demo.api_key.as_str(), world.demo.test_api_key.as_str());
    let ask = async |headers: &[(&str, &str)]| {
        let mut sent = vec![("content-type", "application/json")];
        sent.extend(headers);
        let body = json!({ "template_id": world.demo.template_id, "recipients": [person(1)] });
        let path = "/api/v1/credentials/issue?dry_run=true";
        let issue = world.send("POST", path, &sent, body.to_string()).await;
        let list = world.send("GET", "/api/v1/templates", &sent, "").await;
        assert_eq!(issue.status, list.status, "{headers:?}");
        issue
    };
    let bearer = |key: &str| format!("Bearer {key}");
    let (b_live, b_test) = (bearer(live), bearer(test));
    for headers in [
        vec![("x-api-key", live)],
        vec![("authorization", b_live.as_str())],
        vec![("authorization", &format!("bearer  {live} "))],
        vec![("x-api-key", live), ("authorization", &b_live)],
        vec![("x-api-key", live), ("x-api-key", live)],
        // A proxy's own scheme is not ours.
        vec![("x-api-key", live), ("authorization", "Basic dTpw")],
    ] {
        ask(&headers).await.expect(200);
    }
    for headers in [
        vec![],
        vec![("authorization", live)],
        vec![("authorization", "Basic dTpw")],
        vec![("authorization", "Bearer")],
        vec![("authorization", "Bearer nada")],
        vec![("x-api-key", live), ("authorization", b_test.as_str())],
        vec![("x-api-key", test), ("authorization", b_live.as_str())],
        vec![("x-api-key", live), ("authorization", "Bearer nada")],
        vec![("x-api-key", "nada"), ("authorization", b_live.as_str())],
        vec![("x-api-key", ""), ("authorization", b_live.as_str())],
        vec![("x-api-key", &format!("{live}, {test}"))],
        vec![("x-api-key", live), ("x-api-key", test)],
        vec![("x-api-key", test), ("x-api-key", live)],
        vec![("x-api-key", ""), ("x-api-key", live)],
        vec![("x-api-key", live), ("x-api-key", live), ("x-api-key", "nada")],
        vec![("authorization", b_live.as_str()), ("authorization", &b_test)],
        vec![("x-api-key", live), ("authorization", &b_live), ("authorization", &b_test)],
    ] {
        let reply = ask(&headers).await;
        assert_eq!(reply.header("www-authenticate"), "Bearer", "{headers:?}");
        reply.problem(401, "unauthenticated");
    }
}
