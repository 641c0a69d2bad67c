//! The log: one event a request, by its route's pattern, and never a person.

use serde_json::{Value, json};

use crate::harness::{Watch, World, person};

#[test]
fn the_watch_finds_a_person_in_a_line() {
    for line in [
        r#"{"message":"row not issued","email":"persona1@ejemplo.com"}"#,
        r#"{"message":"x","path":"/api/v1/members/ana.rojas@demo.example"}"#,
        r#"{"error":"Item { recipient: Persona Zorrilla 7 }"}"#,
        r#"{"key":"uc_live_demo_abc"}"#,
        r#"{"key":"uc_test_demo_abc"}"#,
    ] {
        assert!(Watch::person_in(line).is_some(), "{line}");
    }
    let clean = r#"{"level":"INFO","method":"GET","route":"/api/v1/members/{email}","status":200}"#;
    assert_eq!(Watch::person_in(clean), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watch_sees_the_lines_of_the_suite() {
    let world = World::new().await;
    world.run_job(&[person(1), person(2)]).await;
    assert!(Watch::saw_lines());
    Watch::assert_clean();
}

/// The events that a request left, once there is one.
async fn events(world: &World, request_id: &str) -> Vec<Value> {
    world
        .until("the request's event", async || {
            let events = Watch::requests(request_id);
            (!events.is_empty()).then_some(events)
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_writes_one_event_that_names_the_pattern_and_not_the_path() {
    let world = World::new().await;
    let issued = world.issue_one(&person(1)).await;
    let id = issued["credential_id"].as_str().expect("id");
    let job = world.start_job(&[person(2), person(3)]).await;
    let key = world.demo.api_key.as_str();
    let (json_type, issue) = ("application/json", "/api/v1/credentials/issue");
    let one = json!({ "template_id": world.demo.template_id, "recipients": [person(1)] });
    let cases: &[(&str, String, &str, &str, u16)] = &[
        ("POST", issue.into(), issue, json_type, 200),
        ("POST", issue.into(), issue, "text/plain", 415),
        ("GET", format!("/api/v1/jobs/{job}"), "/api/v1/jobs/{job_id}", "", 200),
        ("GET", "/api/v1/jobs/no-job".into(), "/api/v1/jobs/{job_id}", "", 404),
        (
            "GET",
            "/api/v1/members/ana.rojas%40demo.example".into(),
            "/api/v1/members/{email}",
            "",
            200,
        ),
        (
            "GET",
            "/api/v1/members/nadie%40ejemplo.com/credentials".into(),
            "/api/v1/members/{email}/credentials",
            "",
            404,
        ),
        (
            "GET",
            "/api/v1/credentials?email=persona1%40ejemplo.com".into(),
            "/api/v1/credentials",
            "",
            200,
        ),
        ("GET", format!("/credential/{id}"), "/credential/{credential_id}", "", 200),
        (
            "GET",
            "/credential/persona1%40ejemplo.com".into(),
            "/credential/{credential_id}",
            "",
            404,
        ),
        ("GET", "/persona1@ejemplo.com".into(), "unknown", "", 404),
        ("DELETE", format!("/api/v1/jobs/{job}"), "unknown", "", 405),
    ];
    for (method, path, route, content_type, status) in cases {
        // Of who asks, neither the program nor the network's address is anybody's business.
        let mut headers = vec![("x-api-key", key), ("user-agent", "Zorrilla/1.0")];
        if !content_type.is_empty() {
            headers.push(("content-type", content_type));
        }
        let body = if *method == "POST" { one.to_string() } else { String::new() };
        let reply = world.send(method, path, &headers, body).await;
        assert_eq!(reply.status.as_u16(), *status, "{method} {path}: {}", reply.text());
        let request_id = reply.header("x-request-id").to_owned();
        assert!(!request_id.is_empty());
        let events = events(&world, &request_id).await;
        assert_eq!(events.len(), 1, "{events:?}");
        let event = &events[0];
        assert_eq!((&event["route"], &event["method"]), (&json!(route), &json!(method)));
        assert_eq!(event["status"], *status, "{event}");
        assert!(event["duration_ms"].is_u64(), "{event}");
        assert_eq!(event["level"], "INFO");
        let names: Vec<&str> = event.as_object().expect("an object").keys().map(|k| &**k).collect();
        let mut allowed = names.iter().filter(|name| !FIELDS.contains(name));
        assert_eq!(allowed.next(), None, "{event}");
        assert!(!event.to_string().contains("127.0.0.1"), "{event}");
    }
}

/// All that the event of a request says; the span has organization, mode and the key's public part.
const FIELDS: [&str; 13] = [
    "timestamp",
    "level",
    "message",
    "method",
    "route",
    "status",
    "code",
    "cause",
    "duration_ms",
    "request_id",
    "target",
    "span",
    "spans",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_event_names_the_organization_the_mode_and_the_keys_public_part() {
    let world = World::new().await;
    for (key, mode) in [(&world.demo.api_key, "live"), (&world.demo.test_api_key, "test")] {
        let reply = world.call_as(key, "GET", "/templates", None).await.expect(200);
        let event = events(&world, reply.header("x-request-id")).await.remove(0);
        let span = &event["span"];
        assert_eq!((&span["org"], &span["mode"]), (&json!("demo"), &json!(mode)), "{event}");
        let public = span["key"].as_str().expect("key");
        assert!(!public.is_empty() && public.len() < key.len() / 2 && key.contains(public));
    }
}
