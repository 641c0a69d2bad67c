//! Every file of `events/` through its function's handler: the functions read what the files
//! hold. The queues stay unread, so the files alone move the work.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lambda_events::event::sqs::SqsBatchResponse;
use base64::{Engine, prelude::BASE64_STANDARD};
use lambda_http::{Body, Request, Response};
use lambda_runtime::{Context, LambdaEvent};
use local::Options;
use serde_json::{Value, json};
use unicreda::App;

use crate::harness::World;

/// Placeholders in the files for the key, a job and a credential of a stack.
const KEY: &str = "uc_live_demo_replace_with_yours";
const JOB: &str = "00000000-0000-4000-8000-000000000001";
const CREDENTIAL: &str = "00000000-0000-4000-8000-000000000002";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// A file with its placeholders replaced.
fn event(name: &str, replaced: &BTreeMap<&str, String>) -> String {
    let path = folder().join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    replaced.iter().fold(text, |text, (from, to)| text.replace(from, to))
}

fn request(text: &str) -> Request {
    lambda_http::request::from_str(text).expect("a proxy event")
}

/// An answer as Lambda hands it back, its body read if it is JSON.
fn read(response: Response<Body>) -> Value {
    let status = response.status().as_u16();
    let as_text = response.headers().contains_key("x-lambda-http-content-encoding");
    if let (Body::Binary(bytes), false) = (response.body(), as_text) {
        let body = BASE64_STANDARD.encode(bytes);
        return json!({ "statusCode": status, "body": body, "isBase64Encoded": true });
    }
    let body = String::from_utf8_lossy(response.body().as_ref()).into_owned();
    let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
    json!({ "statusCode": status, "body": body })
}

/// Requires that an answer contains what is wanted: members of objects, all entries of lists,
/// a part of texts.
fn compare(wanted: &Value, got: &Value, at: &str) {
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(_)) => {
            wanted
                .iter()
                .for_each(|(name, value)| compare(value, &got[name], &format!("{at}.{name}")));
        }
        (Value::Array(wanted), Value::Array(got)) if wanted.len() == got.len() => {
            wanted.iter().zip(got).for_each(|(wanted, got)| compare(wanted, got, at));
        }
        (Value::String(part), Value::String(whole)) if whole.contains(part.as_str()) => {}
        _ => assert_eq!(wanted, got, "{at}"),
    }
}

/// An invocation as Lambda makes it, with a minute to its deadline.
fn invocation<T: serde::de::DeserializeOwned>(text: &str) -> LambdaEvent<T> {
    let mut context = Context::default();
    let deadline = SystemTime::now() + Duration::from_secs(60);
    context.deadline =
        u64::try_from(deadline.duration_since(UNIX_EPOCH).expect("now").as_millis()).expect("fits");
    LambdaEvent::new(serde_json::from_str(text).expect("the event"), context)
}

/// Hands an event to the handler of a function, named as in the template.
async fn invoke(app: &App, function: &str, text: &str) -> Value {
    let batch = |answer| serde_json::to_value::<SqsBatchResponse>(answer).expect("JSON");
    match function {
        "IssueFunction" => read(issue::handle(app, request(text)).await),
        "JobsFunction" => read(jobs::handle(app, request(text)).await),
        "CatalogFunction" => read(catalog::handle(app, request(text)).await),
        "AmendFunction" => read(amend::handle(app, request(text)).await),
        "RenderFunction" => read(render::handle(app, request(text)).await),
        "PageFunction" => read(page::handle(app, request(text)).await),
        "ClaimFunction" => read(claim::handle(app, request(text)).await),
        "ConsumerFunction" => {
            batch(consumer::handle(app, invocation(text)).await.expect("an answer"))
        }
        "FeedbackFunction" => {
            batch(feedback::handle(app, invocation(text)).await.expect("an answer"))
        }
        "SweeperFunction" => sweeper::handle(app, invocation(text)).await.expect("an answer"),
        other => panic!("no function {other}"),
    }
}

/// The only message of a queue, as the service wrote it.
async fn queued(world: &World, url: &str) -> Value {
    let taken = world.stack.app().sqs.receive_message().queue_url(url).send().await;
    let messages = taken.expect("receive").messages.expect("a message");
    serde_json::from_str(messages[0].body().expect("a body")).expect("JSON")
}

/// The bodies of the file's batch equal those that the service queues.
async fn compare_with_queue(world: &World, text: &str) {
    let mut own = queued(world, &world.stack.app().config.issue_queue_url).await;
    let records: Value = serde_json::from_str(text).expect("JSON");
    let bodies = records["Records"].as_array().expect("records").iter();
    let same_row = bodies
        .filter_map(|record| serde_json::from_str::<Value>(record["body"].as_str()?).ok())
        .find(|body| body["row"]["row"] == own["row"]["row"]);
    let same_row = same_row.expect("the row is in the file");
    for instant in ["issued_at", "ttl"] {
        own[instant] = same_row[instant].clone();
    }
    assert_eq!(same_row, own);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_file_gets_the_answer_that_its_function_gives_on_lambda() {
    let world = World::with(Options { concurrency: 0, ..Options::in_memory() }).await;
    let app = world.stack.app();
    let mut replaced = BTreeMap::from([(KEY, world.demo.api_key.clone())]);
    let mut seen = BTreeSet::from(["env.json".to_owned(), "cases.json".to_owned()]);
    let cases = fs::read_to_string(folder().join("cases.json")).expect("cases");
    let cases: Vec<Value> = serde_json::from_str(&cases).expect("JSON");
    for case in &cases {
        let (name, function) = (&case["event"], &case["function"]);
        let (name, function) = (name.as_str().expect("a file"), function.as_str().expect("a name"));
        let text = event(name, &replaced);
        if name == "issue-batch.json" && !seen.contains(name) {
            compare_with_queue(&world, &text).await;
        }
        seen.insert(name.to_owned());
        let answer = invoke(app, function, &text).await;
        compare(&case["answer"], &answer, name);
        for (what, pointer) in case["keep"].as_object().into_iter().flatten() {
            let kept = answer["body"].pointer(pointer.as_str().expect("a pointer"));
            let placeholder = if what == "job" { JOB } else { CREDENTIAL };
            replaced.insert(placeholder, kept.and_then(Value::as_str).expect("an id").to_owned());
        }
    }
    // Delivered twice, sent once.
    assert_eq!(world.mails_now("estudiante@ejemplo.com").await.len(), 1);
    assert_eq!(world.get("/suppressions").await["items"][0]["email"], "estudiante@ejemplo.com");

    let files: BTreeSet<String> = fs::read_dir(folder())
        .expect("the folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert_eq!(files, seen, "a file without a case");
}
