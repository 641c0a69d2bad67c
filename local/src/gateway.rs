//! The HTTP server: converts a request to the event of API Gateway (REST API, proxy integration, binary
//! media types `*/*`), invokes the function, and converts its answer to a response.
//!
//! The event is built as JSON and read by `lambda_http`, so the handlers receive the same as on Lambda.
//! API Gateway's limits (10 MB per request, 6 MB per event, 29 s) and the gateway responses of
//! `template.yaml` apply. `/` and `/_local/*` are the stack's own pages.

mod proxy_event;

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
use tower::ServiceExt;
use unicreda::App;
use unicreda::domain::lang::Lang;
use unicreda::http::event;

use self::proxy_event::{HOP_BY_HOP, Received};
use crate::inbox;
use crate::invoke::{self, Failure, MAX_PAYLOAD};
use crate::mail::MailStore;
use crate::routes::{self, Function};
use crate::serve::Tasks;

/// Body of an answer.
pub type AnswerBody = UnsyncBoxBody<Bytes, io::Error>;

/// Largest request body, in bytes (API Gateway quota).
const MAX_BODY: usize = 10 * 1024 * 1024;
/// Bytes read of a body that is too large, so that the client finishes sending and reads the answer.
const MAX_DRAIN: usize = 64 * 1024 * 1024;
/// Longest wait for a function (API Gateway quota).
const TIMEOUT: Duration = Duration::from_secs(29);
/// The server's state.
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
        let own = path == "/_local" || path.starts_with("/_local/");
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
        let route = routes::find(parts.method.as_str(), parts.uri.path());

        let body = match read_body(body).await {
            Ok(Some(body)) => body,
            Ok(None) => return problem(Problem::TooLarge),
            Err(_) => return problem(Problem::Unreadable),
        };
        let received = Received { parts: &parts, body: &body, peer, request_id: &context_id };
        let event = proxy_event::build(&route, &received);
        let event = match serde_json::to_vec(&event) {
            Ok(event) if event.len() > MAX_PAYLOAD => return problem(Problem::TooLarge),
            Ok(event) => event,
            Err(_) => return problem(Problem::Internal),
        };
        let payload: LambdaRequest = match serde_json::from_slice(&event) {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(error = %error, "event not readable by lambda_http");
                return problem(Problem::Internal);
            }
        };
        // A task of its own: as on Lambda, the invocation continues if the client disconnects.
        let function_name = route.function_name();
        let event = LambdaEvent::new(payload, invoke::context(function_name, TIMEOUT));
        let event = event::with_all_values(event);
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

/// Invokes a function through the adapter of its Lambda binary; its answer as JSON.
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
        Some(Function::Catalog(_)) => through_adapter!(catalog::handle),
        Some(Function::Amend(_)) => through_adapter!(amend::handle),
        Some(Function::Page(_)) | None => through_adapter!(page::handle),
        Some(Function::Render(_)) => through_adapter!(render::handle),
        Some(Function::Claim(_)) => through_adapter!(claim::handle),
    }
}

/// Reads a body; `None` if it exceeds the limit.
async fn read_body(mut body: Incoming) -> Result<Option<Bytes>, hyper::Error> {
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
        // hyper writes the framing headers itself.
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

/// The gateway's own errors, answered as problem documents.
enum Problem {
    Unreadable,
    TooLarge,
    Internal,
    BadAnswer,
    Timeout,
}

impl Problem {
    fn response(self, lang: Lang, request_id: &str) -> Response<AnswerBody> {
        use unicreda::http::problem::Problem as Document;
        let document = match self {
            Self::Unreadable => {
                Document::invalid_json("El cuerpo se interrumpió", "The request body broke off")
            }
            Self::TooLarge => Document::payload_too_large(unicreda::http::serve::MAX_BODY),
            Self::Internal => Document::internal("the function failed"),
            Self::BadAnswer => Document::internal("the function's answer is malformed"),
            Self::Timeout => Document::unavailable("the function did not answer in time"),
        };
        let mut response = document.response(lang, request_id).map(|body| full(body.to_vec()));
        if let Ok(id) = HeaderValue::try_from(request_id) {
            response.headers_mut().insert("x-amzn-requestid", id);
        }
        response
    }
}

/// The language that a request asks for.
pub(crate) fn language(headers: &HeaderMap) -> Lang {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    Lang::from_accept_language(accepted).unwrap_or_default()
}

/// A body with this content.
pub(crate) fn full(body: impl Into<Bytes>) -> AnswerBody {
    Full::new(body.into()).map_err(|never| match never {}).boxed_unsync()
}

fn bodiless(mut response: Response<AnswerBody>, head: bool) -> Response<AnswerBody> {
    if head {
        *response.body_mut() = full(Bytes::new());
    }
    response
}
