//! A service for one test: everything in memory, a client with a key, and a check at the end
//! of the state that every test must leave.
//!
//! Logs of the whole suite pass through [`Watch`]: a line with a person in it fails the
//! test that runs at that moment.

use std::{
    io::Write,
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_config::retry::RetryConfig;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use local::{Options, Stack, demo::Demo, mail::MailStore};
use serde_json::{Value, json};
use unicreda::App;

use crate::{
    contract::{self, BodyOf},
    oracle,
};

/// Words that are in every fixture of a person and in nothing else.
const PERSONAL: &[&str] = &[
    "@ejemplo",
    "@demo.example",
    "Zorrilla",
    "uc_live_",
    "uc_test_",
    "98.765.432-K",
    "12.345.678-5",
];

/// A fixture's recipient: address and name, both found by [`Watch`] if they reach a log.
pub fn person(n: u32) -> Value {
    json!({
        "email": format!("persona{n}@ejemplo.com"),
        "recipient_name": format!("Persona Zorrilla {n}"),
        "result_value": "A",
    })
}

/// A request as API Gateway hands it to a function; `path` is below `/api/v1`.
pub fn proxy_event(
    api_key: &str,
    method: &str,
    path: &str,
    body: Option<&[u8]>,
    idempotency_key: Option<&str>,
) -> Value {
    let mut headers = json!({ "X-API-Key": api_key, "Content-Type": "application/json" });
    if let Some(key) = idempotency_key {
        headers["Idempotency-Key"] = key.into();
    }
    let path = format!("/api/v1{path}");
    json!({
        "resource": path, "path": path, "httpMethod": method, "headers": headers,
        "multiValueHeaders": {}, "queryStringParameters": null,
        "multiValueQueryStringParameters": null, "pathParameters": null, "stageVariables": null,
        "body": body.map(|body| STANDARD.encode(body)), "isBase64Encoded": true,
        "requestContext": {
            "resourcePath": path, "httpMethod": method, "path": path, "stage": "main",
            "accountId": "000000000000", "apiId": "abcde12345", "identity": {},
            "requestId": uuid::Uuid::new_v4().to_string(),
        },
    })
}

/// A running service and a client of its demo organization.
pub struct World {
    // First, so that it looks while the stack still runs.
    check: Check,
    /// The stack.
    pub stack: Stack,
    /// Its demo organization's keys and template.
    pub demo: Demo,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap_or(""))
    }

    /// Requires a status.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// Requires a problem of this status and code in our shape.
    pub fn problem(self, status: u16, code: &str) -> Value {
        let reply = self.expect(status);
        let problem = reply.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert!(reply.header("content-type").starts_with("application/problem+json"));
        for member in ["type", "title", "detail", "request_id"] {
            assert!(problem[member].as_str().is_some_and(|s| !s.is_empty()), "{member}: {problem}");
        }
        problem
    }
}

impl World {
    /// Starts a service in memory.
    pub async fn new() -> Self {
        Self::with(Options::in_memory()).await
    }

    /// Starts a service with other options.
    pub async fn with(options: Options) -> Self {
        Watch::start();
        let stack = Stack::start(options).await.expect("the stack starts");
        let demo = local::demo::seed(stack.app()).await.expect("the demo is seeded");
        Self::on(stack, demo)
    }

    /// A client of a service that runs already, with the keys that it has.
    pub fn on(stack: Stack, demo: Demo) -> Self {
        Watch::start();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let http = aws_smithy_http_client::Builder::new().build_http();
        let app = stack.process(http, RetryConfig::standard());
        let check = Check { enabled: true, app, mail: Arc::clone(stack.mail()) };
        Self { check, stack, demo, client }
    }

    /// Leaves the oracle out at the end: the test breaks what it checks.
    pub fn skip_oracle(&mut self) {
        self.check.enabled = false;
    }

    /// Ends the service in good order.
    pub async fn stop(self) {
        let Self { check, stack, .. } = self;
        drop(check);
        stack.shutdown().await;
    }

    /// Sends a request as it is.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let body = body.into();
        let reply = self.exchange(method, path, headers, body.clone()).await;
        contract::check(method, path, headers, &body, &reply, BodyOf::Described);
        reply
    }

    /// A request whose body may be one that its route does not read.
    pub async fn send_any(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let body = body.into();
        let reply = self.exchange(method, path, headers, body.clone()).await;
        contract::check(method, path, headers, &body, &reply, BodyOf::Any);
        reply
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Reply {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).expect("method"))
            .uri(format!("{}{path}", self.stack.base_url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).expect("request");
        let response = self.client.request(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// A request with the live key; `path` is below `/api/v1`.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.call_as(&self.demo.api_key, method, path, body).await
    }

    /// A request with another key.
    pub async fn call_as(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Reply {
        let headers = [("x-api-key", key), ("content-type", "application/json")];
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        self.send(method, &format!("/api/v1{path}"), &headers, body).await
    }

    /// `GET` below `/api/v1` with the live key, 200 required.
    pub async fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).await.expect(200).json()
    }

    /// Issues to recipients under the demo template.
    pub async fn issue(&self, recipients: &[Value]) -> Reply {
        self.issue_as(&self.demo.api_key, recipients).await
    }

    /// Issues with another key.
    pub async fn issue_as(&self, key: &str, recipients: &[Value]) -> Reply {
        let body = json!({ "template_id": self.demo.template_id, "recipients": recipients });
        self.call_as(key, "POST", "/credentials/issue", Some(&body)).await
    }

    /// Issues to one recipient and gives its entry of the answer.
    pub async fn issue_one(&self, recipient: &Value) -> Value {
        let reply = self.issue(std::slice::from_ref(recipient)).await.expect(200).json();
        assert_eq!(reply["mode"], "sync");
        reply["credentials"][0].clone()
    }

    /// Starts a job and gives its id.
    pub async fn start_job(&self, recipients: &[Value]) -> String {
        let reply = self.issue(recipients).await.expect(202).json();
        assert_eq!(reply["mode"], "async");
        reply["job_id"].as_str().expect("job_id").to_owned()
    }

    /// Follows a job to `SUCCESS`; its whole answer. The sums are checked.
    pub async fn success(&self, job: &str) -> Value {
        let status = self
            .until("the job ends", async || {
                let status = self.get(&format!("/jobs/{job}")).await;
                (status["status"] == "SUCCESS").then_some(status)
            })
            .await;
        check_sums(&status["result"]);
        status
    }

    /// Runs a job to its end; its result.
    pub async fn run_job(&self, recipients: &[Value]) -> Value {
        let job = self.start_job(recipients).await;
        self.success(&job).await["result"].clone()
    }

    /// Polls until there is an answer, at most two minutes.
    pub async fn until<T>(&self, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
        let mut tick = tokio::time::interval(Duration::from_millis(25));
        let asking = async {
            loop {
                tick.tick().await;
                if let Some(answer) = ask().await {
                    return answer;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(120), asking)
            .await
            .unwrap_or_else(|_| panic!("waited in vain: {what}"))
    }

    /// The mails to an address, newest first, once there are at least `count`.
    pub async fn mails(&self, to: &str, count: usize) -> Vec<Value> {
        self.until(&format!("{count} mails"), async || {
            let found = self.mails_now(to).await;
            (found.len() >= count).then_some(found)
        })
        .await
    }

    /// The mails to an address at this moment, newest first.
    pub async fn mails_now(&self, to: &str) -> Vec<Value> {
        let inbox = self.send("GET", "/_local/mail", &[("accept", "application/json")], "").await;
        let inbox = inbox.expect(200).json();
        let items = inbox["items"].as_array().expect("items");
        items.iter().filter(|mail| mail["to"][0] == to).cloned().collect()
    }

    /// Sends a file to the URL of an answer of `POST /uploads`; the bucket's status.
    pub async fn put_file(&self, upload: &Value, bytes: impl Into<Bytes>) -> u16 {
        let mut request = Request::builder()
            .method(upload["method"].as_str().expect("method"))
            .uri(upload["url"].as_str().expect("url"));
        for (name, value) in upload["headers"].as_object().expect("headers") {
            request = request.header(name, value.as_str().expect("a header"));
        }
        let request = request.body(Full::new(bytes.into())).expect("request");
        let response = self.client.request(request).await.expect("an answer");
        response.status().as_u16()
    }

    /// Fetches an address of the bucket.
    pub async fn fetch(&self, url: &str) -> (u16, Vec<u8>) {
        let request = Request::get(url).body(Full::new(Bytes::new())).expect("request");
        let response = self.client.request(request).await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.into_body().collect().await.expect("a body").to_bytes().to_vec())
    }

    /// Uploads a file; the id of its job. `options` go into the request.
    pub async fn upload(&self, name: &str, bytes: &[u8], options: &Value) -> String {
        self.upload_as(&self.demo.api_key, name, bytes, options).await
    }

    /// Uploads a file with another key.
    pub async fn upload_as(&self, key: &str, name: &str, bytes: &[u8], options: &Value) -> String {
        let mut body = json!({
            "template_id": self.demo.template_id, "file_name": name, "size": bytes.len(),
        });
        for (name, value) in options.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let allowed = self.call_as(key, "POST", "/uploads", Some(&body)).await.expect(201).json();
        assert_eq!(self.put_file(&allowed["upload"], bytes.to_vec()).await, 200);
        let path = allowed["status_url"].as_str().expect("status_url");
        let path = path.trim_start_matches("/api/v1").to_owned();
        self.until("the file arrives", async || {
            let upload = self.call_as(key, "GET", &path, None).await.expect(200).json();
            upload["job_id"].as_str().map(str::to_owned)
        })
        .await
    }

    /// Follows the job of a file to its end, results file included.
    pub async fn file_job(&self, job: &str) -> Value {
        self.until("the file's job ends", async || {
            let status = self.get(&format!("/jobs/{job}")).await;
            let ended =
                status["status"] == "FAILURE" || status["result"]["results_file"].is_string();
            ended.then_some(status)
        })
        .await
    }

    /// The results file of a job.
    pub async fn results_file(&self, job: &str) -> String {
        let found = self.get(&format!("/jobs/{job}/results/file")).await;
        let (status, bytes) = self.fetch(found["url"].as_str().expect("url")).await;
        assert_eq!(status, 200);
        String::from_utf8(bytes).expect("UTF-8")
    }

    /// Waits until every credential of the list has its mail ended.
    pub async fn mail_ended(&self, credential_id: &str) -> Value {
        self.until("the mail ends", async || {
            let credential = self.get(&format!("/credentials/{credential_id}")).await;
            (credential["email_status"] != "pending").then_some(credential)
        })
        .await
    }
}

/// Asks the oracle and looks at the logs when its world ends.
struct Check {
    enabled: bool,
    app: App,
    mail: Arc<MailStore>,
}

impl Check {
    /// Checks the invariants of every moment; a running write gets time to end.
    async fn run(&self) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(Duration::from_millis(25));
        let mut outcome = Ok(());
        if !self.enabled {
            return outcome;
        }
        for _ in 0..80 {
            tick.tick().await;
            outcome = oracle::always(&self.app, &self.mail).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let asking = || tokio::runtime::Handle::current().block_on(self.run());
            let outcome = tokio::task::block_in_place(asking);
            if let Err(error) = outcome {
                panic!("at the end of the test: {error:#}");
            }
            Watch::assert_clean();
        }
    }
}

/// The sums that always hold in a job's result.
pub fn check_sums(result: &Value) {
    let n = |name: &str| result[name].as_u64().unwrap_or_else(|| panic!("{name}: {result}"));
    assert_eq!(n("successful") + n("failed"), n("total"), "{result}");
    assert_eq!(n("internal_count") + n("external_count"), n("successful"), "{result}");
    assert_eq!(
        n("emails_sent") + n("emails_failed") + n("emails_skipped"),
        n("successful"),
        "{result}"
    );
}

/// Reads every log line of the suite and remembers the first with a person in it.
#[derive(Clone, Copy, Debug)]
pub struct Watch;

static STARTED: Once = Once::new();
static SEEN_A_LINE: AtomicBool = AtomicBool::new(false);
static FOUND: Mutex<Option<String>> = Mutex::new(None);
static REQUESTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Watch {
    fn start() {
        STARTED.call_once(|| {
            let filter = "unicreda=trace,issue=trace,consumer=trace,jobs=trace,catalog=trace,page=trace,sweeper=trace,feedback=trace,claim=trace,amend=trace,uploads=trace,privacy=trace,print=trace,local=debug,warn,dynoxide=error";
            tracing_subscriber::fmt()
                .json()
                .flatten_event(true)
                .with_env_filter(filter)
                .with_writer(|| Watch)
                .init();
        });
    }

    /// Fails when a person was seen in a log line.
    pub fn assert_clean() {
        let found = FOUND.lock().expect("lock").clone();
        assert_eq!(found, None, "a person in the logs");
    }

    /// Whether any line has been read: a watch that sees nothing proves nothing.
    pub fn saw_lines() -> bool {
        SEEN_A_LINE.load(Ordering::Relaxed)
    }

    /// The events that a request wrote.
    pub fn requests(request_id: &str) -> Vec<Value> {
        let lines = REQUESTS.lock().expect("lock");
        let own = lines.iter().filter(|line| line.contains(request_id));
        own.map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// The first of the words that a line must not hold.
    pub fn person_in(line: &str) -> Option<&'static str> {
        PERSONAL.iter().find(|word| line.contains(*word)).copied()
    }
}

impl Write for Watch {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        SEEN_A_LINE.store(true, Ordering::Relaxed);
        let text = String::from_utf8_lossy(line);
        if text.contains(r#""message":"request""#) {
            REQUESTS.lock().expect("lock").push(text.clone().into_owned());
        }
        if Self::person_in(&text).is_some() {
            FOUND.lock().expect("lock").get_or_insert(text.into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
