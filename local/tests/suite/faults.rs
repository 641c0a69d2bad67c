//! Faults below the SDK: an HTTP client that stands between the functions' clients and the
//! embedded services, and spoils the calls that a test names.
//!
//! Everything else passes, so retries, error parsing and expressions are the real ones.

use std::{
    io,
    net::TcpListener,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use local::Options;
use serde_json::{Value, json};

/// What happens to a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nobody listens: the connection is refused, and nothing is sent.
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
}

#[derive(Debug)]
struct Planned {
    operation: &'static str,
    containing: String,
    calls: Range<usize>,
    fault: Fault,
    seen: usize,
}

/// The faults to come, and how many have come.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    plan: Arc<Mutex<Vec<Planned>>>,
    injected: Arc<AtomicUsize>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Faults {
    /// Options whose functions' clients pass through these faults.
    pub fn under(&self, options: Options) -> Options {
        let inner = aws_smithy_http_client::Builder::new().build_http();
        let client = Client { inner, faults: self.clone() };
        Options { http_client: Some(SharedHttpClient::new(client)), ..options }
    }

    /// Spoils some calls of an operation, counted from 0 and from now.
    pub fn on(&self, operation: &'static str, calls: Range<usize>, fault: Fault) {
        self.on_calls_with(operation, "", calls, fault);
    }

    /// Spoils some of the calls whose body holds a text.
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

    /// Takes back all faults that are still to come.
    pub fn heal(&self) {
        self.plan.lock().expect("lock").clear();
    }

    /// Faults injected so far: a test that injected none proves nothing.
    pub fn injected(&self) -> usize {
        self.injected.load(Ordering::SeqCst)
    }

    /// Calls of an operation so far, spoiled ones included.
    pub fn calls(&self, operation: &str) -> usize {
        self.calls.lock().expect("lock").iter().filter(|call| *call == operation).count()
    }

    fn next(&self, request: &HttpRequest) -> Option<Fault> {
        let operation = operation(request);
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default());
        self.calls.lock().expect("lock").push(operation.clone());
        let mut found = None;
        for planned in self.plan.lock().expect("lock").iter_mut() {
            if planned.operation == operation && body.contains(&planned.containing) {
                if planned.calls.contains(&planned.seen) && found.is_none() {
                    found = Some(planned.fault.clone());
                }
                planned.seen += 1;
            }
        }
        if found.is_some() {
            self.injected.fetch_add(1, Ordering::SeqCst);
        }
        found
    }
}

/// The operation of a request: JSON services name it in a header, SES in its form.
fn operation(request: &HttpRequest) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let form = url::form_urlencoded::parse(request.body().bytes().unwrap_or_default());
    form.into_owned().find(|(name, _)| name == "Action").map_or(String::new(), |(_, value)| value)
}

#[derive(Debug)]
struct Client {
    inner: SharedHttpClient,
    faults: Faults,
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, faults: self.faults.clone() })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    faults: Faults,
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let Some(fault) = self.faults.next(&request) else {
            return self.inner.call(request);
        };
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            match fault {
                Fault::NotConnected => {
                    // A port that nobody listens on; the refusal is the operating system's.
                    let port = TcpListener::bind("127.0.0.1:0")
                        .and_then(|listener| listener.local_addr())
                        .expect("a free port")
                        .port();
                    request.set_uri(format!("http://127.0.0.1:{port}/")).expect("uri");
                    inner.call(request).await
                }
                Fault::Hangs => std::future::pending().await,
                Fault::NeverArrives => Err(reset()),
                Fault::ReplyLost => {
                    let answer = inner.call(request).await?;
                    assert!(answer.status().is_success(), "the service was to do it");
                    Err(reset())
                }
                Fault::SesError(status, code, message) => Ok(answer(
                    status,
                    format!(
                        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
                    ),
                )),
                Fault::JsonError(status, code) => {
                    Ok(answer(status, json!({ "__type": code, "message": "…" }).to_string()))
                }
                Fault::FirstEntryFails => {
                    let (kept, failed) = without_first_entry(&request);
                    let mut whole = json!({ "Successful": [] });
                    if let Some(kept) = kept {
                        whole = pass(&inner, request, &kept).await?;
                    }
                    whole["Failed"] = json!([{
                        "Id": failed, "SenderFault": false, "Code": "InternalError",
                    }]);
                    Ok(answer(200, whole.to_string()))
                }
                Fault::FirstItemUnprocessed => {
                    let (kept, left) = without_first_item(&request);
                    let mut whole = json!({});
                    if let Some(kept) = kept {
                        whole = pass(&inner, request, &kept).await?;
                    }
                    whole["UnprocessedItems"] = left;
                    Ok(answer(200, whole.to_string()))
                }
            }
        })
    }
}

fn reset() -> ConnectorError {
    ConnectorError::io(io::Error::from(io::ErrorKind::ConnectionReset).into())
}

fn answer(status: u16, body: String) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).expect("status"), SdkBody::from(body))
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
    let body = body.to_string();
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
    let mut answer = inner.call(request).await?;
    assert!(answer.status().is_success(), "the rest was to be done");
    let body = ByteStream::new(answer.take_body()).collect().await.expect("a body");
    Ok(serde_json::from_slice(&body.into_bytes()).expect("JSON"))
}
