//! The HTTP side: turns a request into the event that API Gateway (REST API, proxy
//! integration, binary media types `*/*`) makes of it, calls the function with it, and turns
//! its answer back.
//!
//! The event is built as JSON and read by `lambda_http`, so the handlers see what they see
//! on Lambda. API Gateway's limits and the gateway responses of `template.yaml` are
//! mirrored: 10 MB a request, 6 MB an event, 29 s. `/` and `/_local/*` are the stack's own.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tower::ServiceExt;
use unicreda::App;
use unicreda::domain::lang::Lang;
use url::form_urlencoded;

use crate::inbox;
use crate::invoke::{self, Failure, MAX_PAYLOAD};
use crate::mail::MailStore;
use crate::routes::{self, Function, Route};
use crate::serve::Tasks;

/// Body of an answer.
pub type AnswerBody = UnsyncBoxBody<Bytes, io::Error>;

/// Largest request body, in bytes (API Gateway quota).
const MAX_BODY: usize = 10 * 1024 * 1024;
/// What is read of a body that is too large, so that the client gets to read the answer.
const MAX_DRAIN: usize = 64 * 1024 * 1024;
/// Longest wait for a function (API Gateway quota).
const TIMEOUT: Duration = Duration::from_secs(29);
/// The stage's name. As on AWS, `uri()` of a `lambda_http` request starts with it and
/// `raw_http_path()` does not.
const STAGE: &str = "local";

/// What the HTTP side works with.
#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    pub app: Arc<App>,
    pub mail: Arc<MailStore>,
    pub tasks: Tasks,
    pub page: Arc<inbox::Overview>,
}

impl Gateway {
    /// Answers one request.
    pub async fn answer(
        self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<AnswerBody>, Infallible> {
        let path = request.uri().path();
        let own = path == "/" || path == "/_local" || path.starts_with("/_local/");
        if own && matches!(*request.method(), Method::GET | Method::HEAD) {
            let head = request.method() == Method::HEAD;
            return Ok(bodiless(inbox::answer(&self, &request), head));
        }
        Ok(self.function(request, peer).await)
    }

    async fn function(self, request: Request<Incoming>, peer: SocketAddr) -> Response<AnswerBody> {
        let (parts, body) = request.into_parts();
        let lang = language(&parts.headers);
        let context_id = uuid::Uuid::new_v4().to_string();
        let problem = |problem: Problem| problem.response(lang, &context_id);

        let head = parts.method == Method::HEAD;
        let method = parts.method.clone();
        let route = routes::find(method.as_str(), parts.uri.path());

        let body = match collect(body).await {
            Ok(Some(body)) => body,
            Ok(None) => return problem(Problem::TooLarge),
            Err(_) => return problem(Problem::Unreadable),
        };
        let event = event(&route, &method, &parts, &body, peer, &context_id);
        let event = match serde_json::to_vec(&event) {
            Ok(event) if event.len() > MAX_PAYLOAD => return problem(Problem::TooLarge),
            Ok(event) => event,
            Err(_) => return problem(Problem::Internal),
        };
        let payload: LambdaRequest = match serde_json::from_slice(&event) {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(error = %error, "lambda_http refused the event");
                return problem(Problem::Internal);
            }
        };
        // On its own task: it goes on when the client hangs up, as on Lambda.
        let function_name = route.function_name();
        let event = LambdaEvent::new(payload, invoke::context(function_name, TIMEOUT));
        let invocation = invoke::run(function_name, TIMEOUT, call(route.function, self.app, event));
        let kill = self.tasks.kill.clone();
        let invocation = self.tasks.tracker.spawn(kill.run_until_cancelled_owned(invocation));
        let answer = match invocation.await {
            Ok(Some(Ok(answer))) => answer,
            Ok(Some(Err(Failure::Timeout))) => return problem(Problem::Timeout),
            _ => return problem(Problem::Internal),
        };
        match decode(answer, &context_id) {
            Some(response) => bodiless(response, head),
            None => {
                tracing::error!(function = function_name, "answer is over 6 MB or malformed");
                problem(Problem::BadAnswer)
            }
        }
    }
}

/// Calls a function through the adapter that its Lambda binary runs on; its answer as JSON.
async fn call(
    function: Option<Function>,
    app: Arc<App>,
    event: LambdaEvent<LambdaRequest>,
) -> Result<Vec<u8>, serde_json::Error> {
    macro_rules! through_adapter {
        ($handle:path) => {{
            let service = service_fn(move |request| {
                let app = Arc::clone(&app);
                async move { Ok::<_, Infallible>($handle(&app, request).await) }
            });
            match Adapter::from(service).oneshot(event).await {
                Ok(answer) => serde_json::to_vec(&answer),
                Err(never) => match never {},
            }
        }};
    }
    match function {
        Some(Function::Issue(_)) => through_adapter!(issue::handle),
        Some(Function::Jobs(_)) => through_adapter!(jobs::handle),
        Some(Function::Catalog(_)) | None => through_adapter!(catalog::handle),
        Some(Function::Amend(_)) => through_adapter!(amend::handle),
        Some(Function::Page(_)) => through_adapter!(page::handle),
        Some(Function::Render(_)) => through_adapter!(render::handle),
    }
}

/// Reads a body; `None` when it is over the limit.
async fn collect(mut body: Incoming) -> Result<Option<Bytes>, hyper::Error> {
    let mut collected = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            length += data.len();
            if length > MAX_DRAIN {
                break;
            }
            if length <= MAX_BODY {
                collected.extend_from_slice(&data);
            }
        }
    }
    Ok((length <= MAX_BODY).then(|| collected.freeze()))
}

/// The proxy event of a request (API Gateway, "Input format of a Lambda function for proxy
/// integration").
fn event(
    route: &Route,
    method: &Method,
    parts: &http::request::Parts,
    body: &Bytes,
    peer: SocketAddr,
    request_id: &str,
) -> Value {
    let path = parts.uri.path();
    let host = parts
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost")
        .to_owned();
    let ip = peer.ip().to_string();

    let mut headers: Map<String, Value> = Map::new();
    let mut all_headers: Map<String, Value> = Map::new();
    let mut add = |name: &str, values: Vec<String>| {
        if let Some(last) = values.last() {
            headers.insert(name.to_owned(), Value::from(last.as_str()));
        }
        all_headers.insert(name.to_owned(), Value::from(values));
    };
    for name in parts.headers.keys() {
        if HOP_BY_HOP.contains(name) {
            continue;
        }
        let values = parts.headers.get_all(name).iter();
        add(
            name.as_str(),
            values.map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()).collect(),
        );
    }
    add("x-forwarded-for", vec![ip.clone()]);
    add("x-forwarded-proto", vec!["http".to_owned()]);

    let mut query: Map<String, Value> = Map::new();
    let mut all_query: Map<String, Value> = Map::new();
    for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        query.insert(name.clone().into_owned(), Value::from(&*value));
        match all_query.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
            Value::Array(values) => values.push(Value::from(&*value)),
            _ => continue,
        }
    }
    let parameters: Map<String, Value> =
        route.parameters.iter().map(|(n, v)| ((*n).to_owned(), Value::from(v.as_str()))).collect();
    let or_null = |map: Map<String, Value>| if map.is_empty() { Value::Null } else { map.into() };
    let now = jiff::Timestamp::now();

    json!({
        "resource": route.resource,
        "path": path,
        "httpMethod": method.as_str(),
        "headers": headers,
        "multiValueHeaders": all_headers,
        "queryStringParameters": or_null(query),
        "multiValueQueryStringParameters": or_null(all_query),
        "pathParameters": or_null(parameters),
        "stageVariables": null,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "resourceId": "local",
            "resourcePath": route.resource,
            "httpMethod": method.as_str(),
            "path": path,
            "protocol": "HTTP/1.1",
            "stage": STAGE,
            "domainName": host.split(':').next(),
            "domainPrefix": "localhost",
            "requestId": request_id,
            "extendedRequestId": request_id,
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "requestTimeEpoch": now.as_millisecond(),
            "identity": {
                "sourceIp": ip,
                "userAgent": parts.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()),
                "accessKey": null, "accountId": null, "caller": null, "apiKey": null,
                "cognitoIdentityId": null, "cognitoIdentityPoolId": null,
                "cognitoAuthenticationType": null, "cognitoAuthenticationProvider": null,
                "principalOrgId": null, "user": null, "userArn": null,
            },
        },
        "body": (!body.is_empty()).then(|| STANDARD.encode(body)),
        "isBase64Encoded": !body.is_empty(),
    })
}

/// Headers of a connection, not of a request.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    header::CONTENT_LENGTH,
];

/// A function's answer, as API Gateway reads it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    multi_value_headers: HashMap<String, Vec<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

fn decode(
    answer: Result<Vec<u8>, serde_json::Error>,
    request_id: &str,
) -> Option<Response<AnswerBody>> {
    let answer = answer.ok().filter(|answer| answer.len() <= MAX_PAYLOAD)?;
    let answer: Answer = serde_json::from_slice(&answer).ok()?;
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded { STANDARD.decode(body).ok()? } else { body.into() };
    let mut response = Response::new(full(body));
    *response.status_mut() = StatusCode::from_u16(answer.status_code).ok()?;
    let headers = response.headers_mut();
    let single = answer.headers.into_iter().map(|(name, value)| (name, vec![value]));
    for (name, values) in single.chain(answer.multi_value_headers) {
        let name = HeaderName::try_from(name).ok()?;
        // hyper frames the body itself.
        if HOP_BY_HOP.contains(&name) {
            continue;
        }
        headers.remove(&name);
        for value in values {
            headers.append(&name, HeaderValue::try_from(value).ok()?);
        }
    }
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    headers.insert("x-amzn-requestid", HeaderValue::try_from(request_id).ok()?);
    Some(response)
}

/// What the gateway itself answers, in the service's problem shape.
enum Problem {
    Unreadable,
    TooLarge,
    Internal,
    BadAnswer,
    Timeout,
}

impl Problem {
    fn response(self, lang: Lang, request_id: &str) -> Response<AnswerBody> {
        use unicreda::http::problem::Problem as Said;
        let said = match self {
            Self::Unreadable => {
                Said::invalid_json("El cuerpo se interrumpió", "The request body broke off")
            }
            Self::TooLarge => Said::payload_too_large(unicreda::http::serve::MAX_BODY),
            Self::Internal => Said::internal("the function failed"),
            Self::BadAnswer => Said::internal("the function's answer is malformed"),
            Self::Timeout => Said::unavailable("the function did not answer in time"),
        };
        let mut response = said.response(lang, request_id).map(|body| full(body.to_vec()));
        if let Ok(id) = HeaderValue::try_from(request_id) {
            response.headers_mut().insert("x-amzn-requestid", id);
        }
        response
    }
}

/// The language that a request asks for.
pub(crate) fn language(headers: &HeaderMap) -> Lang {
    let wish = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    Lang::from_accept_language(wish)
}

/// A body that is there at once.
pub(crate) fn full(body: impl Into<Bytes>) -> AnswerBody {
    Full::new(body.into()).map_err(|never| match never {}).boxed_unsync()
}

fn bodiless(mut response: Response<AnswerBody>, head: bool) -> Response<AnswerBody> {
    if head {
        *response.body_mut() = full(Bytes::new());
    }
    response
}
