//! Every call of the functions to AWS, as their SDK makes it: an HTTP client that takes the time
//! from the request to the last byte of the answer, and counts refusals.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde_json::Value;

/// Calls since the last look.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// Calls by service and operation.
    pub by_operation: BTreeMap<String, usize>,
    /// When each call began and had its answer.
    pub spans: Vec<(Instant, Instant)>,
    /// Conditions of DynamoDB that did not hold, those of statements and transactions too, by
    /// operation and table.
    pub conditions: BTreeMap<String, usize>,
    /// Requests, or parts of one, that a service throttled or left unprocessed.
    pub throttled: usize,
    /// Calls that the SDK made again.
    pub again: usize,
    /// Calls without an answer, or with an error of the service's own.
    pub failed: usize,
}

impl Calls {
    /// Calls to a service.
    pub fn to(&self, service: &str) -> usize {
        let of = self.by_operation.iter().filter(|(name, _)| name.starts_with(service));
        of.map(|(_, n)| n).sum()
    }

    /// The time during which at least one call was under way.
    pub fn under_way(&self) -> Duration {
        let mut spans = self.spans.clone();
        spans.sort();
        let mut sum = Duration::ZERO;
        let mut until: Option<Instant> = None;
        for (began, ended) in spans {
            let from = until.map_or(began, |until| until.max(began));
            sum += ended.saturating_duration_since(from);
            until = Some(until.map_or(ended, |until| until.max(ended)));
        }
        sum
    }

    fn note(&mut self, operation: &str, table: &str, status: u16, answer: &Value) {
        let code = |value: &Value| {
            let named = ["__type", "Code"].iter().find_map(|name| value[*name].as_str());
            named.unwrap_or_default().rsplit(['#', '.']).next().unwrap_or_default().to_owned()
        };
        let mut one = |code: &str| match code {
            "ConditionalCheckFailedException"
            | "ConditionalCheckFailed"
            | "DuplicateItem"
            | "DuplicateItemException" => {
                *self.conditions.entry(format!("{operation} {table}")).or_default() += 1;
            }
            code if code.contains("Throttl") || code.contains("Exceeded") => self.throttled += 1,
            _ => {}
        };
        if status >= 400 {
            one(&code(answer));
        }
        // Inside an accepted request: statements, reasons of a transaction, entries of a batch.
        let errors = answer["Responses"].as_array().into_iter().flatten().map(|r| &r["Error"]);
        let reasons = answer["CancellationReasons"].as_array().into_iter().flatten();
        let entries = answer["Failed"].as_array().into_iter().flatten();
        for part in errors.chain(reasons).chain(entries) {
            one(&code(part));
        }
        for left in ["UnprocessedItems", "UnprocessedKeys"] {
            self.throttled += answer[left].as_object().map_or(0, serde_json::Map::len);
        }
        self.failed += usize::from(status >= 500);
        *self.by_operation.entry(operation.to_owned()).or_default() += 1;
    }
}

/// The calls of all clients of one kind.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Calls>>);

impl Trace {
    /// Another HTTP client whose calls are recorded.
    pub fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(Client { inner: crate::parts::plain(), trace: self.clone() })
    }

    /// Calls since the last look.
    pub fn take(&self) -> Calls {
        self.with(std::mem::take)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Calls) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug)]
struct Client {
    inner: SharedHttpClient,
    trace: Trace,
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, trace: self.trace.clone() })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    trace: Trace,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (operation, table) = (operation(&request), table(&request));
        let again = request
            .headers()
            .get("amz-sdk-request")
            .is_some_and(|attempt| !attempt.starts_with("attempt=1"));
        let (inner, trace) = (self.inner.clone(), self.trace.clone());
        HttpConnectorFuture::new(async move {
            let began = Instant::now();
            let answer = inner.call(request).await;
            let mut answer = answer.inspect_err(|_| trace.with(|calls| calls.failed += 1))?;
            let body = ByteStream::new(answer.take_body()).collect().await;
            let body = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
            let ended = Instant::now();
            let status = answer.status().as_u16();
            let parts = operation.contains("Batch") || operation.contains("Transact");
            let content = if status >= 400 || parts {
                serde_json::from_slice(&body).unwrap_or_default()
            } else {
                Value::Null
            };
            trace.with(|calls| {
                calls.again += usize::from(again);
                calls.spans.push((began, ended));
                calls.note(&operation, &table, status, &content);
            });
            *answer.body_mut() = SdkBody::from(body);
            Ok(answer)
        })
    }
}

/// Service and operation of a request: JSON services name both in a header.
fn operation(request: &HttpRequest) -> String {
    match request.headers().get("x-amz-target").and_then(|target| target.split_once('.')) {
        Some((service, operation)) if service.starts_with("DynamoDB") => {
            format!("DynamoDB {operation}")
        }
        Some((_, operation)) => format!("SQS {operation}"),
        None => "SES".to_owned(),
    }
}

/// The table of a request to DynamoDB that is about one.
fn table(request: &HttpRequest) -> String {
    let body = std::str::from_utf8(request.body().bytes().unwrap_or_default());
    let named = body.unwrap_or_default().split_once("\"TableName\":\"");
    named.and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default().to_owned()
}
