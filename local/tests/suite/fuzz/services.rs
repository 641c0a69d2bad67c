//! Parsers behind HTTP and queues, whatever they are given: no request is answered with a 5xx or
//! with an answer out of proportion, no message harms its batch.

use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use unicreda::http::routes::ROUTES;

use super::corpus::{Inputs, Shape, saved};
use crate::{
    harness::{Reply, World, person},
    queues::{record, unread},
};

/// Largest answer to an input of at most 64 KiB, in bytes.
const ANSWER: usize = 512 * 1024;

/// What requests name: a template, one that may be archived, two credentials, a job, a key.
async fn names(world: &World) -> Vec<(&'static str, String)> {
    let definition = world.get(&format!("/templates/{}", world.demo.template_id)).await;
    let mut definition = definition.as_object().cloned().expect("a template");
    definition.retain(|name, _| {
        ["name", "description", "achievement", "fields"].contains(&name.as_str())
    });
    let other = world.call("POST", "/templates", Some(&definition.into())).await.expect(201).json();
    let first = world.issue_one(&person(1)).await;
    let second = world.issue_one(&person(2)).await;
    let job = world.start_job(&[person(3), person(4)]).await;
    let keys = world.get("/signing-keys").await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    vec![
        ("{template_id}", world.demo.template_id.clone()),
        ("{archived_id}", text(&other["id"])),
        ("{credential_id}", text(&first["credential_id"])),
        ("{other_id}", text(&second["credential_id"])),
        ("{job_id}", job),
        ("{multikey}", text(&keys["items"][0]["multikey"])),
    ]
}

fn named(bytes: &[u8], names: &[(&str, String)]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return bytes.to_vec();
    };
    let mut text = text.to_owned();
    for (name, value) in names {
        text = text.replace(name, value);
    }
    text.into_bytes()
}

/// The path of a saved request: those of the API are saved without their beginning.
fn whole(path: &str) -> String {
    let public = path.starts_with("/credential/");
    if public { path.to_owned() } else { format!("/api/v1{path}") }
}

/// Sends a body, and checks what holds for every answer.
async fn send(world: &World, method: &str, path: &str, media_type: &str, body: &[u8]) -> Reply {
    let headers = [("x-api-key", world.demo.api_key.as_str()), ("content-type", media_type)];
    // Some routes read no body, and a changed one is none that the document has.
    let reply = world.send_any(method, &whole(path), &headers, body.to_vec()).await;
    let what = || format!("{method} {path}: {}", String::from_utf8_lossy(body));
    assert!(reply.status.as_u16() < 500, "{} to {}", reply.text(), what());
    assert!(reply.body.len() < ANSWER, "{} bytes to {}", reply.body.len(), what());
    // A sample of a certificate is a file; all else is JSON.
    let file = path.contains("/preview") && reply.body.starts_with(b"%PDF-");
    assert!(
        reply.body.is_empty() || file || serde_json::from_slice::<Value>(&reply.body).is_ok(),
        "{}",
        what()
    );
    reply
}

/// A request of the corpus: method, path, body.
fn request(bytes: &[u8]) -> (&str, &str, &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').expect("a first line");
    let line = std::str::from_utf8(&bytes[..end]).expect("a first line of ASCII");
    let (method, path) = line.split_once(' ').expect("method and path");
    (method, path, &bytes[end + 1..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_body_of_any_route_is_answered_with_a_5xx_or_out_of_proportion() {
    let world = World::with(unread()).await;
    let names = names(&world).await;
    let saved = saved("requests");
    let lines: Vec<String> = saved
        .iter()
        .map(|(_, bytes)| request(bytes))
        .map(|(method, path, _)| {
            format!("{method} {}", whole(path.split('?').next().unwrap_or(path)))
        })
        .collect();
    // A route that takes a body has a saved one.
    for route in ROUTES.iter().filter(|route| ["POST", "PUT", "PATCH"].contains(&route.method)) {
        let (method, path) = (route.method, route.path);
        // Forms of pages have a target of their own.
        if !path.starts_with("/api/") {
            continue;
        }
        let wanted: Vec<&str> = path.split('/').collect();
        let has = |line: &String| {
            let (had, at) = line.split_once(' ').expect("a method");
            let at: Vec<&str> = at.split('/').collect();
            had == method
                && at.len() == wanted.len()
                && at.iter().zip(&wanted).all(|(at, want)| at == want || want.starts_with('{'))
        };
        assert!(
            lines.iter().any(has),
            "local/tests/corpus/requests has no body for {method} {path}"
        );
    }
    let (mut accepted, mut refused) = (0, 0);
    // First the saved ones; then changed bodies behind the first lines of the saved ones.
    let mut routes = saved.iter().map(|(_, bytes)| request(bytes)).cycle();
    for (n, input) in Inputs::of("requests", Shape::Json, 250).enumerate() {
        let (method, path, body) = if n < saved.len() {
            request(&input)
        } else {
            let (method, path, _) = routes.next().expect("a route");
            let end = input.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            (method, path, &input[end..])
        };
        let path = String::from_utf8(named(path.as_bytes(), &names)).expect("text");
        let body = named(body, &names);
        let media_type = if path == "/members/import" { "text/csv" } else { "application/json" };
        let reply = send(&world, method, &path, media_type, &body).await;
        if reply.status.is_success() { accepted += 1 } else { refused += 1 }
    }
    eprintln!("requests: {accepted} accepted, {refused} refused");
    assert!(accepted > 20 && refused > 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_file_of_members_is_refused_or_each_of_its_rows_counted() {
    let world = World::with(unread()).await;
    let (mut read, mut refused) = (0, 0);
    for file in Inputs::of("members", Shape::Text, 100) {
        let reply = send(&world, "POST", "/members/import", "text/csv", &file).await;
        if reply.status.as_u16() != 200 {
            reply.problem(400, "invalid_request");
            refused += 1;
            continue;
        }
        read += 1;
        let report = reply.json();
        let n = |name: &str| report[name].as_u64().expect("a number");
        assert_eq!(n("imported") + n("repeated") + n("failed"), n("total"), "{report}");
        let shown = report["errors"].as_array().map_or(0, Vec::len) as u64;
        assert_eq!(shown, n("failed").min(100), "{report}");
    }
    eprintln!("members: {read} read, {refused} refused");
    assert!(read > 20 && refused > 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_changed_cursor_opens_a_list() {
    let world = World::with(unread()).await;
    let names = names(&world).await;
    let lists: Vec<String> = ROUTES
        .iter()
        .filter(|route| route.path.starts_with("/api/v1/"))
        .filter(|route| route.parameters.iter().any(|parameter| parameter.name == "cursor"))
        .map(|route| route.path.trim_start_matches("/api/v1"))
        .map(|path| path.replace("{email}", "persona1@ejemplo.com"))
        .map(|path| String::from_utf8(named(path.as_bytes(), &names)).expect("text"))
        .collect();
    assert!(lists.len() > 5 && lists.iter().all(|path| !path.contains('{')), "{lists:?}");
    let mut real = Vec::new();
    for list in &lists {
        let reply = send(&world, "GET", &format!("{list}?limit=1"), "application/json", b"").await;
        let page = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
        real.extend(page["next_cursor"].as_str().map(|cursor| (list, cursor.to_owned())));
    }
    assert!(!real.is_empty());
    let mut rng = fastrand::Rng::with_seed(crate::crashes::seed("cursors of lists"));
    for made_up in Inputs::of("cursors", Shape::Text, 120) {
        let (mut list, mut cursor) = (&lists[rng.usize(..lists.len())], made_up.to_vec());
        if rng.bool() {
            // A true one with another letter.
            let (of, before) = &real[rng.usize(..real.len())];
            (list, cursor) = (*of, before.clone().into_bytes());
            let at = rng.usize(..cursor.len());
            cursor[at] = if cursor[at] == b'A' { b'B' } else { b'A' };
        }
        if cursor.is_empty() {
            continue;
        }
        let encoded = percent_encoding::percent_encode(&cursor, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("{list}?cursor={encoded}");
        let status = send(&world, "GET", &path, "application/json", b"").await.status.as_u16();
        // Of an address that is no member's, 404.
        assert!(matches!(status, 400 | 404), "{status} to {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_written_document_verifies() {
    let world = World::with(unread()).await;
    let mut tried = 0;
    for document in Inputs::of("documents", Shape::Json, 150) {
        let reply = send(&world, "POST", "/verify", "application/json", &document).await;
        if reply.status.as_u16() == 200 {
            assert_eq!(reply.json()["verified"], false, "{}", document.name);
            tried += 1;
        }
    }
    eprintln!("documents: {tried} tried");
    assert!(tried > 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_of_s3_harms_its_neighbour() {
    let world = World::with(unread()).await;
    let names = names(&world).await;
    // Its organization does not exist, so it is always done.
    let good = record(
        &json!({ "Records": [{ "eventName": "ObjectCreated:Put", "s3": { "object": {
            "key": "incoming/live/nadie/550e8400-e29b-41d4-a716-446655440000/acta.csv" } } }] })
        .to_string(),
    );
    let (mut done, mut back) = (0, 0);
    for event in Inputs::of("s3-events", Shape::Json, 150) {
        let body = String::from_utf8_lossy(&named(&event, &names)).into_owned();
        let records = json!({ "Records": [record(&body), good] });
        let batch: SqsEvent = serde_json::from_value(records).expect("an SQS event");
        let batch = LambdaEvent::new(batch, crate::sim::context());
        let answer = uploads::handle(world.stack.app(), batch).await.expect("an answer");
        let failed = answer.batch_item_failures;
        assert!(failed.iter().all(|failure| good["messageId"] != failure.item_identifier.as_str()));
        if failed.is_empty() { done += 1 } else { back += 1 }
    }
    eprintln!("events of S3: {done} done, {back} come back");
    assert!(done > 10 && back > 10);
}
