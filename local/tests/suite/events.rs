//! Every file of `events/` through its function's handler: what stands there is what the
//! functions read. The queues stay unread, so the files alone move the work.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lambda_events::event::sqs::SqsEvent;
use lambda_http::{Body, Request, Response};
use lambda_runtime::{Context, LambdaEvent};
use local::Options;
use serde_json::{Value, json};

use crate::harness::World;

/// What stands in the files for the key, a job and a credential of one's own stack.
const KEY: &str = "uc_live_demo_replace_with_yours";
const JOB: &str = "00000000-0000-4000-8000-000000000001";
const CREDENTIAL: &str = "00000000-0000-4000-8000-000000000002";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// A file with its placeholders replaced.
fn event(name: &str, replaced: &[(&str, &str)]) -> String {
    let path = folder().join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    replaced.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{name} holds no {from}");
        text.replace(from, to)
    })
}

fn request(text: &str) -> Request {
    lambda_http::request::from_str(text).expect("a proxy event")
}

/// Status and body of an answer.
fn read(response: Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body();
    (status, String::from_utf8_lossy(body.as_ref()).into_owned())
}

fn parsed(answer: (u16, String)) -> (u16, Value) {
    (answer.0, serde_json::from_str(&answer.1).expect("JSON"))
}

/// An invocation as Lambda makes it, with a minute to its deadline.
fn invocation<T: serde::de::DeserializeOwned>(text: &str) -> LambdaEvent<T> {
    let mut context = Context::default();
    let deadline = SystemTime::now() + Duration::from_secs(60);
    context.deadline =
        u64::try_from(deadline.duration_since(UNIX_EPOCH).expect("now").as_millis()).expect("fits");
    LambdaEvent::new(serde_json::from_str(text).expect("the event"), context)
}

async fn consume(world: &World, text: &str) -> Value {
    let event = invocation::<SqsEvent>(text);
    let answer = consumer::handle(world.stack.app(), event).await.expect("an answer");
    serde_json::to_value(answer).expect("JSON")
}

/// The one message that stands in a queue, as the service wrote it.
async fn queued(world: &World, url: &str) -> Value {
    let taken = world.stack.app().sqs.receive_message().queue_url(url).send().await;
    let messages = taken.expect("receive").messages.expect("a message");
    serde_json::from_str(messages[0].body().expect("a body")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_file_gets_the_answer_that_its_function_gives_on_lambda() {
    let world = World::with(Options { concurrency: 0, ..Options::in_memory() }).await;
    let app = world.stack.app();
    let key = (KEY, world.demo.api_key.as_str());
    let mut seen = BTreeSet::from(["env.json"]);
    let mut file = |name: &'static str, replaced: &[(&str, &str)]| {
        seen.insert(name);
        event(name, replaced)
    };

    let text = file("issue-bad-key.json", &[]);
    let (status, problem) = parsed(read(issue::handle(app, request(&text)).await));
    assert_eq!((status, &problem["code"]), (401, &json!("unauthenticated")));

    let text = file("issue-sync.json", &[key]);
    let (status, answer) = parsed(read(issue::handle(app, request(&text)).await));
    assert_eq!((status, &answer["mode"]), (200, &json!("sync")));
    let credential = answer["credentials"][0]["credential_id"].as_str().expect("an id").to_owned();
    let again = parsed(read(issue::handle(app, request(&text)).await)).1;
    assert_eq!(again["credentials"][0]["credential_id"], credential.as_str());
    assert_eq!(again["credentials"][0]["duplicate"], true);

    let text = file("issue-async.json", &[key]);
    let (status, accepted) = parsed(read(issue::handle(app, request(&text)).await));
    assert_eq!((status, &accepted["total"]), (202, &json!(3)));
    let job = accepted["job_id"].as_str().expect("an id");

    // The bodies of the batches are those that the service itself queues.
    let text = file("issue-batch.json", &[(JOB, job)]);
    let mut own = queued(&world, &app.config.issue_queue_url).await;
    let records: Value = serde_json::from_str(&text).expect("JSON");
    let bodies = records["Records"].as_array().expect("records").iter();
    let same_row = bodies
        .filter_map(|record| serde_json::from_str::<Value>(record["body"].as_str()?).ok())
        .find(|body| body["row"]["row"] == own["row"]["row"]);
    let same_row = same_row.expect("the row is in the file");
    for instant in ["issued_at", "ttl"] {
        own[instant] = same_row[instant].clone();
    }
    assert_eq!(same_row, own);

    // The second delivery of a batch changes nothing; the message that nobody can read comes
    // back alone.
    for _ in 0..2 {
        let answer = consume(&world, &text).await;
        assert_eq!(
            answer["batchItemFailures"],
            json!([{ "itemIdentifier": "22222222-2222-4222-8222-000000000003" }])
        );
    }
    let text = file("job-status.json", &[key, (JOB, job)]);
    let (status, standing) = parsed(read(jobs::handle(app, request(&text)).await));
    assert_eq!((status, &standing["status"]), (200, &json!("PROGRESS")));
    assert_eq!(standing["progress"]["current"], 3);
    assert_eq!(standing["progress"]["phase"], "mailing");

    // Delivered twice, sent once; the message about no credential is ended too.
    let text = file("mail-batch.json", &[(CREDENTIAL, &credential)]);
    for _ in 0..2 {
        assert_eq!(consume(&world, &text).await["batchItemFailures"], json!([]));
    }
    assert_eq!(world.mails_now("estudiante@ejemplo.com").await.len(), 1);

    let text = file("credential-page.json", &[(CREDENTIAL, &credential)]);
    let (status, page) = read(page::handle(app, request(&text)).await);
    assert_eq!(status, 200);
    assert!(page.contains("Juan Pérez"));

    let text = file("status-list.json", &[]);
    let (status, list) = parsed(read(page::handle(app, request(&text)).await));
    assert_eq!(
        (status, &list["issuer"]),
        (
            200,
            &json!(unicreda::did::of(
                &app.config.site_url,
                &unicreda::ids::OrgId::parse("demo").expect("a name"),
                unicreda::ids::Mode::Live,
            ))
        )
    );

    let text = file("credential-revoke.json", &[key, (CREDENTIAL, &credential)]);
    for _ in 0..2 {
        let (status, revoked) = parsed(read(amend::handle(app, request(&text)).await));
        assert_eq!((status, &revoked["status"]), (200, &json!("revoked")));
    }

    let text = file("templates-list.json", &[key]);
    let (status, list) = parsed(read(catalog::handle(app, request(&text)).await));
    assert_eq!((status, &list["items"][0]["id"]), (200, &json!(world.demo.template_id)));

    let text = file("unknown-path.json", &[]);
    let (status, problem) = parsed(read(catalog::handle(app, request(&text)).await));
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")));

    let text = file("schedule.json", &[]);
    let swept = sweeper::handle(app, invocation(&text)).await.expect("a run");
    assert_eq!((&swept["jobs"], &swept["given_up"]), (&json!(1), &json!(0)));

    let files: BTreeSet<String> = fs::read_dir(folder())
        .expect("the folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert_eq!(files, seen.into_iter().map(str::to_owned).collect(), "a file without a check");
}
