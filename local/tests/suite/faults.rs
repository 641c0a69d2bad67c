//! Faults below the SDK: an HTTP client between the functions' clients and the embedded
//! services spoils the calls that a test names.
//!
//! All other calls pass, so retries, error parsing and expressions are the real ones.

mod answers;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    net::TcpListener,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use local::Options;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use unicreda::store::schema::{Index, TABLES};

use self::answers::{
    answer, in_conflict, json_error, nothing, s3_error, server_error, ses_error, throttled,
};
use crate::{ledger::Ledger, mutants::Mutant, sim::Backlog};

/// A fault of a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// No server listens: the connection is refused, and nothing is sent.
    NotConnected,
    /// No answer ever comes, until the SDK's own time limit.
    Hangs,
    /// The connection breaks after the request was written; it never arrives.
    NeverArrives,
    /// The service does it, and the answer is lost.
    ReplyLost,
    /// SES answers with an error: status, code, message.
    SesError(u16, &'static str, &'static str),
    /// A JSON service (DynamoDB, SQS) answers with an error: status, code.
    JsonError(u16, &'static str),
    /// `SendMessageBatch` answers 200, but its first entry failed and was not queued.
    FirstEntryFails,
    /// `BatchWriteItem` answers 200, but the first item of the table was left unwritten.
    FirstItemUnprocessed,
    /// `BatchExecuteStatement` answers 200, but its first statement was throttled.
    FirstStatementThrottled,
    /// A transaction meets another writer of its last item, and nothing is written.
    TransactionConflict,
    /// Refused for now, with the service's own error.
    Throttled,
    /// The service fails, and has done nothing.
    ServerError,
    /// No answer within the time limit; the call was done or not. Tests skip the wait.
    TooLate {
        /// Whether the service did it.
        done: bool,
    },
    /// Passes, after the clock has jumped past every lease.
    ClockJumps,
    /// A read that need not be consistent answers as it did before, or with nothing; any other
    /// call passes.
    Stale,
    /// Answered as if it were done, or as if nothing were there; nothing is done.
    Ignored,
    /// S3 answers that there is no such object.
    NoSuchKey,
    /// Passes, and its answer lacks the items whose key has a part that begins so.
    Unread(&'static str),
    /// Waits at a gate until the test opens it, then passes or meets another fault.
    Held(Gate, Option<Box<Fault>>),
    /// Is done, and its answer waits at a gate until the test opens it.
    AnswerHeld(Gate),
    /// The process dies here: this call and every later one never end.
    Gone {
        /// Whether this call still reaches the service.
        done: bool,
    },
}

/// A point at which a test holds a call.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// The call has reached the gate.
    pub reached: CancellationToken,
    /// The test has opened the gate.
    pub open: CancellationToken,
}

impl Gate {
    async fn pass(&self) {
        self.reached.cancel();
        self.open.cancelled().await;
    }
}

impl Fault {
    /// The faults that a random plan draws from.
    pub const DRAWN: [Self; 15] = [
        Self::NotConnected,
        Self::NeverArrives,
        Self::ReplyLost,
        Self::FirstEntryFails,
        Self::FirstItemUnprocessed,
        Self::FirstStatementThrottled,
        Self::TransactionConflict,
        Self::Throttled,
        Self::ServerError,
        Self::TooLate { done: false },
        Self::TooLate { done: true },
        Self::Stale,
        Self::ClockJumps,
        Self::Gone { done: false },
        Self::Gone { done: true },
    ];

    /// Whether a call can have this fault.
    fn fits(&self, operation: &str, request: &HttpRequest) -> bool {
        match self {
            Self::FirstEntryFails => operation == "SendMessageBatch",
            Self::FirstItemUnprocessed => operation == "BatchWriteItem",
            Self::FirstStatementThrottled => operation == "BatchExecuteStatement",
            Self::TransactionConflict => operation == "TransactWriteItems",
            Self::Stale => {
                operation != SES
                    && !operation.starts_with(S3)
                    && may_be_stale(operation, &body_of(request))
            }
            _ => true,
        }
    }
}

#[derive(Debug)]
struct Planned {
    operation: &'static str,
    containing: String,
    calls: Range<usize>,
    fault: Fault,
    seen: usize,
}

/// Planned faults, and a record of the calls.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    plan: Arc<Mutex<Vec<Planned>>>,
    /// Faults by the number of the call, of any operation, from 0.
    at: Arc<Mutex<BTreeMap<usize, Fault>>>,
    count: Arc<AtomicUsize>,
    injected: Arc<AtomicUsize>,
    calls: Arc<Mutex<Vec<String>>>,
    seen: Arc<Mutex<Seen>>,
    /// A change to the traffic, with which a test proves itself.
    mutant: Arc<Mutex<Option<&'static Mutant>>>,
    /// The messages when a test owns their delivery.
    backlog: Option<Arc<Mutex<Backlog>>>,
    /// The cost of the calls since a test first asked for it.
    ledger: Arc<Mutex<Option<Ledger>>>,
}

/// The parts of the traffic that tests ask for.
#[derive(Debug, Default)]
pub struct Seen {
    /// Writes by table and partition key.
    pub writes: BTreeMap<String, usize>,
    /// Writes by index and partition key, of entries that come or move.
    pub index_writes: BTreeMap<String, usize>,
    /// Condition expressions.
    pub conditions: BTreeSet<String>,
    /// Last answers to reads that need not be consistent, by request.
    answers: HashMap<String, Vec<u8>>,
}

impl Faults {
    /// Faults under a test that owns the delivery of messages.
    pub fn with_backlog(backlog: Arc<Mutex<Backlog>>) -> Self {
        Self { backlog: Some(backlog), ..Self::default() }
    }

    /// Options whose functions' clients pass through these faults.
    pub fn under(&self, options: Options) -> Options {
        Options { http_client: Some(self.process().0), ..options }
    }

    /// The HTTP client of one process, and a token that is cancelled when it dies.
    pub fn process(&self) -> (SharedHttpClient, CancellationToken) {
        let inner = aws_smithy_http_client::Builder::new().build_http();
        let gone = CancellationToken::new();
        let client = Client { inner, faults: self.clone(), gone: gone.clone() };
        (SharedHttpClient::new(client), gone)
    }

    /// Spoils the call of this number, of any operation, counted from 0 and from the start.
    pub fn at(&self, number: usize, fault: Fault) {
        self.at.lock().expect("lock").insert(number, fault);
    }

    /// Changes the traffic from here on.
    pub fn mutate(&self, mutant: &'static Mutant) {
        *self.mutant.lock().expect("lock") = Some(mutant);
    }

    /// Spoils some calls of an operation, counted from 0 and from now.
    pub fn on(&self, operation: &'static str, calls: Range<usize>, fault: Fault) {
        self.on_calls_with(operation, "", calls, fault);
    }

    /// Spoils some of the calls whose body, or an object's address, holds a text.
    pub fn on_calls_with(
        &self,
        operation: &'static str,
        containing: &str,
        calls: Range<usize>,
        fault: Fault,
    ) {
        let containing = containing.to_owned();
        self.plan.lock().expect("lock").push(Planned {
            operation,
            containing,
            calls,
            fault,
            seen: 0,
        });
    }

    /// Removes all planned faults.
    pub fn heal(&self) {
        self.plan.lock().expect("lock").clear();
        self.at.lock().expect("lock").clear();
    }

    /// Removes the faults that were planned by operation.
    pub fn heal_plan(&self) {
        self.plan.lock().expect("lock").clear();
    }

    /// Faults injected so far: a test that injected none proves nothing.
    pub fn injected(&self) -> usize {
        self.injected.load(Ordering::SeqCst)
    }

    /// Calls of all operations so far.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// The calls so far that may have changed what is stored, queued or mailed, by number.
    pub fn writes(&self) -> BTreeSet<usize> {
        let calls = self.calls.lock().expect("lock");
        let numbered = calls.iter().enumerate();
        numbered.filter(|(_, call)| !reads_only(call)).map(|(number, _)| number).collect()
    }

    /// Calls of an operation so far, spoiled ones included.
    pub fn calls(&self, operation: &str) -> usize {
        self.calls.lock().expect("lock").iter().filter(|call| *call == operation).count()
    }

    /// The cost of the calls since the first call of this function.
    pub fn ledger(&self) -> Ledger {
        self.ledger.lock().expect("lock").get_or_insert_default().clone()
    }

    /// Reads the record of the traffic.
    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().expect("lock"))
    }

    fn next(&self, operation: &str, request: &HttpRequest) -> Option<Fault> {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        self.calls.lock().expect("lock").push(operation.to_owned());
        let mut found = self.at.lock().expect("lock").remove(&number);
        let mut plan = self.plan.lock().expect("lock");
        if !plan.is_empty() {
            let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
            // A read of an object has its key in the address alone.
            let object = if operation.starts_with(S3) { request.uri() } else { "" };
            for planned in plan.iter_mut() {
                let has = |text: &str| text.contains(&planned.containing);
                if planned.operation == operation && (has(&body) || has(object)) {
                    if planned.calls.contains(&planned.seen) && found.is_none() {
                        found = Some(planned.fault.clone());
                    }
                    planned.seen += 1;
                }
            }
        }
        found
    }
}

impl Seen {
    fn note(&mut self, operation: &str, body: &Value) {
        for condition in conditions(&mut body.clone()) {
            self.conditions.insert(shape(condition));
        }
        let mut write = |table: &str, item: &Value| {
            let pk = item["pk"]["S"].as_str().or_else(|| item["id"]["S"].as_str());
            *self.writes.entry(format!("{table} {}", pk.unwrap_or("?"))).or_default() += 1;
        };
        let mut enter = |index: &Index, partition: &Value| {
            if let Some(pk) = partition["S"].as_str() {
                *self.index_writes.entry(format!("{} {pk}", index.name)).or_default() += 1;
            }
        };
        let indexes = || TABLES.iter().flat_map(|table| table.indexes);
        let table = body["TableName"].as_str().unwrap_or_default();
        match operation {
            "PutItem" => {
                write(table, &body["Item"]);
                indexes().for_each(|index| enter(index, &body["Item"][index.partition]));
            }
            "UpdateItem" => {
                write(table, &body["Key"]);
                let set = body["UpdateExpression"].as_str().unwrap_or_default();
                for index in indexes() {
                    let assigned = set.split_once(&format!("{} = ", index.partition));
                    let name = assigned.and_then(|(_, value)| value.split([',', ' ']).next());
                    enter(index, &body["ExpressionAttributeValues"][name.unwrap_or_default()]);
                }
            }
            "DeleteItem" => write(table, &body["Key"]),
            "BatchExecuteStatement" => {
                for statement in body["Statements"].as_array().into_iter().flatten() {
                    let (table, item) = written(statement);
                    write(&table, &item);
                    indexes().for_each(|index| enter(index, &item[index.partition]));
                }
            }
            "BatchWriteItem" => {
                for (table, items) in body["RequestItems"].as_object().into_iter().flatten() {
                    for item in items.as_array().into_iter().flatten() {
                        write(table, &item["PutRequest"]["Item"]);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Table and item of an insertion, `INSERT INTO "table" VALUE {'name': ?, …}`; of an update, `UPDATE
/// "table" SET … WHERE id = ? AND …`, table and key.
fn written(statement: &Value) -> (String, Value) {
    let text = statement["Statement"].as_str().expect("a statement");
    let table = text.split('"').nth(1).expect("a table").to_owned();
    let values = statement["Parameters"].as_array().expect("parameters");
    if let Some((set, _)) = text.split_once(OF_ITS_ID) {
        return (table, json!({ "id": values[set.matches('?').count()] }));
    }
    let names = text.split('\'').skip(1).step_by(2).map(str::to_owned);
    (table, Value::Object(names.zip(values.iter().cloned()).collect()))
}

/// The part of a statement before its condition.
const OF_ITS_ID: &str = " WHERE id = ? AND ";

/// A condition expression without repetitions: several mails are claimed together, each on the
/// same condition. For a statement, its condition.
pub fn shape(condition: &str) -> String {
    const MORE: &str = " AND NOT contains(claimed, :r";
    let condition = condition.split_once(OF_ITS_ID).map_or(condition, |(_, condition)| condition);
    let mut parts = condition.split(MORE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shape, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        shape + rest.strip_prefix(')').unwrap_or(rest)
    })
}

/// The condition expressions of a request, those of a transaction too, and its statements that
/// have a condition.
pub fn conditions(body: &mut Value) -> Vec<&mut String> {
    let mut found = Vec::new();
    let Some(members) = body.as_object_mut() else { return found };
    for (name, value) in members {
        match (name.as_str(), value) {
            ("ConditionExpression", Value::String(text)) => found.push(text),
            ("Statement", Value::String(text)) => {
                found.extend(text.contains(OF_ITS_ID).then_some(text));
            }
            ("Statements", Value::Array(items)) => {
                found.extend(items.iter_mut().flat_map(conditions))
            }
            ("TransactItems", Value::Array(items)) => {
                let writes = items.iter_mut().filter_map(Value::as_object_mut);
                for write in writes.flat_map(|write| write.values_mut()) {
                    found.extend(conditions(write));
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether DynamoDB may answer a read with a former state.
fn may_be_stale(operation: &str, body: &Value) -> bool {
    let strong = body["ConsistentRead"].as_bool().unwrap_or(false);
    match operation {
        "GetItem" | "Query" => !strong,
        "BatchGetItem" => body["RequestItems"].as_object().is_some_and(|tables| {
            tables.values().any(|t| !t["ConsistentRead"].as_bool().unwrap_or(false))
        }),
        _ => false,
    }
}

/// The operation of a request: JSON services name it in a header, SES in its form, S3 by its
/// method.
fn operation(request: &HttpRequest) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    if request.headers().get("x-amz-content-sha256").is_some() {
        return format!("{S3}{}", request.method());
    }
    let form = url::form_urlencoded::parse(request.body().bytes().unwrap_or_default());
    form.into_owned().find(|(name, _)| name == "Action").map_or(String::new(), |(_, value)| value)
}

/// Whether an operation leaves everything as it was.
fn reads_only(operation: &str) -> bool {
    const READS: [&str; 9] = [
        "GetItem",
        "BatchGetItem",
        "Query",
        "Scan",
        "GetQueueAttributes",
        "S3 GET",
        "S3 HEAD",
        "AssumeRole",
        "Sign",
    ];
    READS.contains(&operation)
}

/// The one operation of SES that the service calls.
const SES: &str = "SendRawEmail";

/// The prefix of S3's operations here.
const S3: &str = "S3 ";

#[derive(Debug)]
struct Client {
    inner: SharedHttpClient,
    faults: Faults,
    gone: CancellationToken,
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        let (faults, gone) = (self.faults.clone(), self.gone.clone());
        SharedHttpConnector::new(Connector { inner, faults, gone })
    }
}

#[derive(Clone, Debug)]
struct Connector {
    inner: SharedHttpConnector,
    faults: Faults,
    gone: CancellationToken,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.gone.is_cancelled() {
            return HttpConnectorFuture::new(std::future::pending());
        }
        let operation = operation(&request);
        let fault = self.faults.next(&operation, &request);
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            match fault {
                None => this.forward(&operation, request).await,
                Some(fault) => this.spoil(fault, &operation, request).await,
            }
        })
    }
}

impl Connector {
    /// Lets a call pass. In a test that owns the messages, the backlog answers calls about them.
    async fn forward(
        &self,
        operation: &str,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        let Some(backlog) = &self.faults.backlog else {
            return self.inner.call(request).await;
        };
        let mutant = *self.faults.mutant.lock().expect("lock");
        if operation == SES || operation.starts_with(S3) {
            let change = |mutant: &Mutant| mutant.change_object(operation, &mut request);
            let (changed, answer) = mutant.map(change).unwrap_or_default();
            self.faults.injected.fetch_add(usize::from(changed), Ordering::SeqCst);
            let Some(answer) = answer else { return self.inner.call(request).await };
            return Ok(answer);
        }
        let mut body = body_of(&request);
        if let Some(reply) = backlog.lock().expect("lock").answer(operation, &body) {
            return Ok(answer(200, reply.to_string()));
        }
        self.faults.seen.lock().expect("lock").note(operation, &body);
        if let Some(mutant) = mutant
            && mutant.change_request(operation, &mut body)
        {
            self.faults.injected.fetch_add(1, Ordering::SeqCst);
            replace_body(&mut request, &body);
        }
        // The SDK numbers its attempts: "attempt=2; max=3".
        let attempt = request.headers().get("amz-sdk-request").unwrap_or_default().to_owned();
        let stale = may_be_stale(operation, &body);
        let counts = self.faults.ledger.lock().expect("lock").is_some();
        if counts && body["QueueUrl"].is_null() {
            body["ReturnConsumedCapacity"] = "INDEXES".into();
            replace_body(&mut request, &body);
        }
        let mut reply = self.inner.call(request).await?;
        if mutant.is_none() && !stale && !counts {
            return Ok(reply);
        }
        let status = reply.status().as_u16();
        let bytes =
            ByteStream::new(reply.take_body()).collect().await.expect("a body").into_bytes();
        let mut content: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if let Some(ledger) = self.faults.ledger.lock().expect("lock").as_mut() {
            ledger.note(operation, &body, status, &content);
            ledger.retries += f64::from(u8::from(!attempt.starts_with("attempt=1;")));
        }
        if stale && status == 200 {
            let mut seen = self.faults.seen.lock().expect("lock");
            seen.answers.insert(asked(&body), bytes.to_vec());
        }
        if let Some(mutant) = mutant
            && mutant.change_reply(operation, &body, &mut content)
        {
            self.faults.injected.fetch_add(1, Ordering::SeqCst);
            return Ok(answer(status, content.to_string()));
        }
        Ok(answer(status, String::from_utf8_lossy(&bytes).into_owned()))
    }

    async fn spoil(
        &self,
        fault: Fault,
        operation: &str,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        // A call that cannot have this fault passes.
        if !fault.fits(operation, &request) {
            return self.forward(operation, request).await;
        }
        self.faults.injected.fetch_add(1, Ordering::SeqCst);
        match fault {
            Fault::NotConnected => {
                request.set_uri(closed_port()).expect("uri");
                self.inner.call(request).await
            }
            Fault::Hangs => std::future::pending().await,
            Fault::NeverArrives => Err(reset()),
            Fault::Held(gate, then) => {
                gate.pass().await;
                match then {
                    None => self.forward(operation, request).await,
                    Some(fault) => Box::pin(self.spoil(*fault, operation, request)).await,
                }
            }
            Fault::AnswerHeld(gate) => {
                let answer = self.forward(operation, request).await;
                gate.pass().await;
                answer
            }
            Fault::ReplyLost => {
                let _ = self.forward(operation, request).await?;
                Err(reset())
            }
            Fault::SesError(status, code, message) => Ok(ses_error(status, code, message)),
            Fault::JsonError(status, code) => Ok(json_error(status, code)),
            Fault::TransactionConflict => Ok(in_conflict(&body_of(&request))),
            Fault::Throttled => Ok(throttled(operation)),
            Fault::ServerError => Ok(server_error(operation)),
            Fault::TooLate { done } => {
                if done {
                    let _ = self.forward(operation, request).await?;
                }
                Err(ConnectorError::timeout(io::Error::from(io::ErrorKind::TimedOut).into()))
            }
            Fault::ClockJumps => {
                if let Some(backlog) = &self.faults.backlog {
                    backlog.lock().expect("lock").jump(Duration::from_secs(400));
                }
                self.forward(operation, request).await
            }
            Fault::Ignored => Ok(nothing(operation)),
            Fault::NoSuchKey => Ok(s3_error(404, "NoSuchKey")),
            Fault::Unread(prefix) => {
                let mut reply = self.inner.call(request).await?;
                let body = ByteStream::new(reply.take_body()).collect().await.expect("a body");
                let mut content = serde_json::from_slice(&body.into_bytes()).expect("JSON");
                hide(&mut content, prefix);
                Ok(answer(reply.status().as_u16(), content.to_string()))
            }
            Fault::Stale => {
                let body = body_of(&request);
                let before = self.faults.seen(|seen| seen.answers.get(&asked(&body)).cloned());
                let before = before.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                Ok(answer(200, before.unwrap_or_else(|| json!({ "Items": [] }).to_string())))
            }
            Fault::Gone { done } => {
                if done {
                    let _ = self.forward(operation, request).await;
                }
                self.gone.cancel();
                std::future::pending().await
            }
            Fault::FirstEntryFails => self.fail_first_entry(request).await,
            Fault::FirstItemUnprocessed => self.leave_first_item(request).await,
            Fault::FirstStatementThrottled => self.throttle_first_statement(request).await,
        }
    }

    async fn fail_first_entry(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let (kept, failed) = without_first_entry(&request);
        let mut whole = json!({ "Successful": [] });
        if let Some(kept) = kept {
            whole = pass(&self.inner, request, &kept).await?;
        }
        whole["Failed"] = json!([{
            "Id": failed, "SenderFault": false, "Code": "InternalError",
        }]);
        Ok(answer(200, whole.to_string()))
    }

    async fn leave_first_item(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let (kept, left) = without_first_item(&request);
        let mut whole = json!({});
        if let Some(kept) = kept {
            whole = pass(&self.inner, request, &kept).await?;
        }
        whole["UnprocessedItems"] = left;
        Ok(answer(200, whole.to_string()))
    }

    async fn throttle_first_statement(
        &self,
        request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        let mut body = body_of(&request);
        let statements = body["Statements"].as_array_mut().expect("Statements");
        statements.remove(0);
        let mut responses = Vec::new();
        if !statements.is_empty() {
            let whole = pass(&self.inner, request, &body).await?;
            responses = whole["Responses"].as_array().expect("Responses").clone();
        }
        responses.insert(0, json!({ "Error": { "Code": "ThrottlingError" } }));
        Ok(answer(200, json!({ "Responses": responses }).to_string()))
    }
}

/// A URL on which no server listens; the operating system refuses the connection.
fn closed_port() -> String {
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    format!("http://127.0.0.1:{port}/")
}

/// Takes out of an answer the items whose key has a part that begins so.
fn hide(answer: &mut Value, prefix: &str) {
    let hidden = |item: &Value| {
        let mut parts = ["pk", "sk", "id"].iter().filter_map(|part| item[part]["S"].as_str());
        parts.any(|part| part.starts_with(prefix))
    };
    if hidden(&answer["Item"]) {
        *answer = json!({});
    }
    let Some(members) = answer.as_object_mut() else { return };
    for (name, value) in members {
        let lists: Vec<&mut Value> = match (name.as_str(), value) {
            ("Items", items) => vec![items],
            ("Responses", Value::Object(tables)) => tables.iter_mut().map(|(_, of)| of).collect(),
            _ => Vec::new(),
        };
        for items in lists.into_iter().filter_map(Value::as_array_mut) {
            items.retain(|item| !hidden(item));
        }
    }
}

/// The target of a read, without the instants of its bounds.
fn asked(body: &Value) -> String {
    let values = &body["ExpressionAttributeValues"][":pk"];
    format!("{} {} {} {values}", body["TableName"], body["IndexName"], body["Key"])
}

fn replace_body(request: &mut HttpRequest, body: &Value) {
    let body = body.to_string();
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}

fn reset() -> ConnectorError {
    ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into())
}

fn body_of(request: &HttpRequest) -> Value {
    serde_json::from_slice(request.body().bytes().expect("a body")).expect("JSON")
}

/// The request without its first entry, if another is left, and that entry's id.
fn without_first_entry(request: &HttpRequest) -> (Option<Value>, Value) {
    let mut body = body_of(request);
    let entries = body["Entries"].as_array_mut().expect("Entries");
    let failed = entries.remove(0)["Id"].clone();
    let kept = (!entries.is_empty()).then_some(body);
    (kept, failed)
}

/// The request without its first item, if another is left, and that item as unprocessed.
fn without_first_item(request: &HttpRequest) -> (Option<Value>, Value) {
    let mut body = body_of(request);
    let tables = body["RequestItems"].as_object_mut().expect("RequestItems");
    let (table, items) = tables.iter_mut().next().expect("a table");
    let items = items.as_array_mut().expect("items");
    let left = json!({ (table.clone()): [items.remove(0)] });
    let kept = (!items.is_empty()).then_some(body);
    (kept, left)
}

/// Sends another body instead; the answer's JSON.
async fn pass(
    inner: &SharedHttpConnector,
    mut request: HttpRequest,
    body: &Value,
) -> Result<Value, ConnectorError> {
    replace_body(&mut request, body);
    let mut answer = inner.call(request).await?;
    assert!(answer.status().is_success(), "the rest was to be done");
    let body = ByteStream::new(answer.take_body()).collect().await.expect("a body");
    Ok(serde_json::from_slice(&body.into_bytes()).expect("JSON"))
}
