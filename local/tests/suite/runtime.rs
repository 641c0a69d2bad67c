//! The functions' own binaries under a Lambda Runtime API, killed at random moments of a job.
//!
//! The API is a small server of the test's: a binary asks it for its next invocation and
//! posts what came of it. The tables, queues and mailboxes are the stack's; its own
//! consumers and sweeper are off, so that only the binaries work.

use std::{
    collections::{BTreeSet, VecDeque},
    convert::Infallible,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Notify, oneshot},
};

use crate::{
    crashes::{long, seed},
    harness::{World, check_sums, person, proxy_event},
    process::MAILS_IN_FLIGHT,
    queues::{self, Queue, take},
};

/// Longest wait for an answer of a binary.
const PATIENCE: Duration = Duration::from_secs(120);

/// Invocations that wait for a function, and who waits for their answers.
#[derive(Debug, Default)]
struct Api {
    waiting: Mutex<VecDeque<(String, Value)>>,
    running: Mutex<Vec<(String, oneshot::Sender<Value>)>>,
    more: Notify,
}

impl Api {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        if path.ends_with("/invocation/next") {
            let (id, event) = loop {
                let next = self.waiting.lock().expect("lock").pop_front();
                match next {
                    Some(next) => break next,
                    None => self.more.notified().await,
                }
            };
            let deadline = SystemTime::now() + Duration::from_secs(60);
            let deadline = deadline.duration_since(UNIX_EPOCH).expect("now").as_millis();
            return Response::builder()
                .header("lambda-runtime-aws-request-id", id)
                .header("lambda-runtime-deadline-ms", deadline.to_string())
                .header(
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:us-east-1:0:function:f",
                )
                .header("lambda-runtime-trace-id", "Root=1-6720a1b2-0123456789abcdef01234567")
                .body(Full::new(Bytes::from(event.to_string())))
                .expect("a response");
        }
        let id = parts.get(4).copied().unwrap_or_default().to_owned();
        let body = request.into_body().collect().await.expect("a body").to_bytes();
        let mut running = self.running.lock().expect("lock");
        if let Some(at) = running.iter().position(|(running, _)| *running == id) {
            let (_, sender) = running.remove(at);
            let _ = sender.send(serde_json::from_slice(&body).unwrap_or_default());
        }
        Response::builder().status(202).body(Full::default()).expect("a response")
    }
}

/// A function's process and its Runtime API.
struct Function {
    api: Arc<Api>,
    child: Child,
}

impl Function {
    async fn start(world: &World, name: &str) -> Self {
        let api = Arc::new(Api::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let serving = Arc::clone(&api);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let api = Arc::clone(&serving);
                let service = service_fn(move |request| {
                    let api = Arc::clone(&api);
                    async move { Ok::<_, Infallible>(api.answer(request).await) }
                });
                tokio::spawn(async move {
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        let config = &world.stack.app().config;
        let endpoints = world.stack.endpoints();
        let child = Command::new(binary(name))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_ENDPOINT_URL_DYNAMODB", &endpoints.dynamodb)
            .env("AWS_ENDPOINT_URL_SQS", &endpoints.sqs)
            .env("AWS_ENDPOINT_URL_SES", &endpoints.ses)
            .env("AWS_ENDPOINT_URL_S3", &endpoints.s3)
            .env("CATALOG_TABLE", &config.catalog_table)
            .env("CREDENTIALS_TABLE", &config.credentials_table)
            .env("JOBS_TABLE", &config.jobs_table)
            .env("ISSUE_QUEUE_URL", &config.issue_queue_url)
            .env("MAIL_QUEUE_URL", &config.mail_queue_url)
            .env("UPLOADS_QUEUE_URL", &config.uploads_queue_url)
            .env("PRIVACY_QUEUE_URL", &config.privacy_queue_url)
            .env("PRINT_QUEUE_URL", &config.print_queue_url)
            .env("UPLOADS_BUCKET", config.uploads_bucket.as_deref().expect("a bucket"))
            .env("SITE_URL", &config.site_url)
            .env("SIGNING_KEY_FILE", world.stack.data_dir().join("signing.key"))
            .env("SITE_SENDER", "sitio@credenciales.example")
            .env("SES_RATE_PER_SECOND", "100000")
            .env("LOG_LEVEL", "off")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        Self { api, child }
    }

    /// Hands it an event; the receiver of its answer.
    fn invoke(&self, event: Value) -> oneshot::Receiver<Value> {
        let (sender, receiver) = oneshot::channel();
        let id = uuid::Uuid::new_v4().to_string();
        self.api.running.lock().expect("lock").push((id.clone(), sender));
        self.api.waiting.lock().expect("lock").push_back((id, event));
        self.api.more.notify_one();
        receiver
    }

    /// Whether it has not answered yet.
    fn is_busy(&self) -> bool {
        !self.api.running.lock().expect("lock").is_empty()
    }

    async fn ask(&self, event: Value) -> Value {
        let answer = tokio::time::timeout(PATIENCE, self.invoke(event)).await;
        answer.expect("an answer in time").expect("an answer")
    }

    /// Ends it as `kill -9` does.
    async fn kill(mut self) {
        self.child.kill().await.expect("it is killed");
    }
}

/// The functions' binaries beside the stack's own, built as `cargo build` builds them.
fn binary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_local")).with_file_name(name)
}

async fn build() {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bins", "--quiet", "--offline"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_BIN_EXE_local")).ancestors().nth(2).expect("a target folder"),
        )
        .status();
    assert!(built.await.expect("cargo").success(), "the functions are built");
}

/// A proxy event with the live key.
fn proxy(
    world: &World,
    method: &str,
    path: &str,
    key: Option<&str>,
    body: Option<&Value>,
) -> Value {
    let body = body.map(Value::to_string);
    proxy_event(&world.demo.api_key, method, path, body.as_deref().map(str::as_bytes), key)
}

/// Waits until the consumer has worked through `some` of the rows or mails of a batch.
async fn part_of(batch: &[Value], some: usize, world: &World, consumer: &Function) {
    if queues::body_of(&batch[0])["kind"] == "mail" {
        let mails = world.stack.mail().count() + some / 2;
        let enough =
            async || (world.stack.mail().count() >= mails || !consumer.is_busy()).then_some(());
        world.until("some mails", enough).await;
        return;
    }
    let email = queues::body_of(&batch[some])["row"]["email"].clone();
    let path = format!("/credentials?email={}", email.as_str().expect("email"));
    world
        .until("a row", async || {
            let found = world.get(&path).await;
            let there = found["items"].as_array().is_some_and(|i| !i.is_empty());
            (there || !consumer.is_busy()).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_ends_with_the_right_sums_though_functions_are_killed_at_random_moments() {
    build().await;
    let world = World::with(local::Options {
        ses_rate_per_second: 1e5,
        visibility: Duration::from_secs(6 * 3600),
        ..queues::unread()
    })
    .await;
    let count = if long() { 5_000_u32 } else { 1_500 };
    let kills = if long() { 20 } else { 3 };
    let mut rng = fastrand::Rng::with_seed(seed("kills of functions"));
    let people: Vec<Value> = (1..=count).map(person).collect();
    let body = json!({ "template_id": world.demo.template_id, "recipients": people });

    // The first issue function dies in the fan-out: its job is accepted, and goes on.
    let issue = Function::start(&world, "issue").await;
    let dying = issue.invoke(proxy(&world, "POST", "/credentials/issue", Some("k"), Some(&body)));
    let accepted = world
        .until("the job is accepted", async || {
            world.get("/jobs").await["items"][0]["job_id"].as_str().map(str::to_owned)
        })
        .await;
    issue.kill().await;
    drop(dying);

    let sweeper = Function::start(&world, "sweeper").await;
    let mut consumer = Function::start(&world, "consumer").await;
    sweeper.ask(json!({ "resume": true })).await;
    // Rows and as many mails, a hundred a batch.
    let whole = count as usize / 50;
    let mut moments: BTreeSet<usize> = BTreeSet::new();
    while moments.len() < kills {
        moments.insert(rng.usize(0..whole - 10));
    }
    let mut held: VecDeque<Value> = VecDeque::new();
    let mut batches = 0;
    loop {
        if held.is_empty() {
            for queue in [Queue::Issue, Queue::Mail] {
                held.extend(take(&world, queue).await);
            }
        }
        if held.is_empty() {
            break;
        }
        let batch: Vec<Value> = held.drain(..held.len().min(100)).collect();
        let answer = consumer.invoke(json!({ "Records": batch }));
        if moments.remove(&batches) {
            let mailing = queues::body_of(&batch[0])["kind"] == "mail";
            part_of(&batch, rng.usize(0..batch.len()), &world, &consumer).await;
            consumer.kill().await;
            drop(answer);
            consumer = Function::start(&world, "consumer").await;
            if mailing {
                // No consumer is left that holds a lease: all open work is queued again.
                held.clear();
                sweeper.ask(json!({ "resume": true })).await;
            } else {
                held.extend(batch);
            }
        } else {
            let answer = tokio::time::timeout(PATIENCE, answer).await.expect("in time");
            let answer = answer.expect("an answer");
            let back = answer["batchItemFailures"].as_array().cloned().unwrap_or_default();
            let back: BTreeSet<&str> =
                back.iter().filter_map(|f| f["itemIdentifier"].as_str()).collect();
            held.extend(batch.into_iter().filter(|r| back.contains(queues::id_of(r).as_str())));
        }
        batches += 1;
    }
    assert!(moments.is_empty(), "every kill happened");

    let jobs = Function::start(&world, "jobs").await;
    let answer = jobs.ask(proxy(&world, "GET", &format!("/jobs/{accepted}"), None, None)).await;
    let status: Value =
        serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(status["status"], "SUCCESS", "{status}");
    let result = &status["result"];
    check_sums(result);
    assert_eq!((&result["successful"], &result["emails_sent"]), (&json!(count), &json!(count)));
    assert_eq!(result["duplicates"], 0);
    let again = world.stack.mail().count() - count as usize;
    assert!(again <= kills * MAILS_IN_FLIGHT, "{again} mails were sent again");
    eprintln!("{kills} kills of functions, {again} of {count} mails were sent again");
}
