//! Serves HTTP requests: finds the route, reads the body, turns problems into answers and
//! logs one event.

use std::{future::Future, panic::AssertUnwindSafe, time::Instant};

use futures::FutureExt;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use lambda_http::{
    Body, Request, RequestExt, aws_lambda_events::query_map::QueryMap, request::RequestContext,
};
use serde::Serialize;
use tracing::{Instrument, Span, field::Empty};

use crate::{
    app::App,
    domain::{claim_limit::network_of, fields::FieldError, lang::Lang, nearest::nearest, time},
    http::{
        parameters::{self, LANG, LIMIT, Parameter},
        problem::Problem,
        resolve::{Resolved, resolve},
        routes::{Access, Endpoints, Route},
    },
};

/// Largest body in bytes. With binary media types the gateway encodes every body in base64, so
/// Lambda's event of 6 MB holds about 4.4 MB.
pub const MAX_BODY: usize = 4 * 1024 * 1024;
/// Entries of a page without the parameter `limit`.
pub const DEFAULT_LIMIT: usize = 100;
/// Bytes of entries after which a page ends early: Lambda returns at most 6 MB.
pub const MAX_PAGE_BYTES: usize = 4_000_000;
/// Most entries of a page.
pub const MAX_LIMIT: usize = 1_000;
/// `Strict-Transport-Security` of a site under https: a year, and this host alone. Whoever owns the
/// domain decides about its other hosts.
const ONLY_HTTPS: &str = "max-age=31536000";

/// What every answer tells crawlers (`X-Robots-Tag`): list nothing, follow nothing, keep no copy, quote
/// nothing. Bing takes `noarchive` as a no to its chat as well.
pub const ROBOTS: &str = "noindex, nofollow, noarchive, nosnippet, noimageindex";

/// A request to an endpoint.
#[derive(Debug)]
pub struct Call {
    /// The route.
    pub route: &'static Route,
    /// The value of the path's parameter.
    pub parameter: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, decoded from base64.
    pub body: Vec<u8>,
    /// The language that the caller prefers.
    pub lang: Lang,
    /// The gateway's id of the request.
    pub request_id: String,
    /// The instant at which it arrived.
    pub now: Timestamp,
    /// The network that it came from, if the gateway says; see [`network_of`]. No log has it.
    pub network: Option<String>,
    /// Query parameters.
    pub query: QueryMap,
}

/// Language, id and arrival of a call.
struct At {
    lang: Lang,
    request_id: String,
    now: Timestamp,
}

impl Call {
    fn new(route: &'static Route, parameter: String, request: Request, at: At) -> Self {
        let query = request.query_string_parameters();
        let network = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV1(context)) => {
                context.identity.source_ip.as_deref().and_then(network_of)
            }
            _ => None,
        };
        let (parts, body) = request.into_parts();
        let body = match body {
            Body::Text(text) => text.into_bytes(),
            Body::Binary(bytes) => bytes,
            _ => Vec::new(),
        };
        let At { lang, request_id, now } = at;
        Self {
            route,
            parameter,
            headers: parts.headers,
            body,
            lang,
            request_id,
            now,
            network,
            query,
        }
    }

    /// Returns a header, if it is present and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns a query parameter; an empty one counts as absent.
    pub fn query(&self, parameter: Parameter) -> Option<&str> {
        self.query.first(parameter.name).filter(|value| !value.is_empty())
    }

    /// The language that a reader asks for, with `lang` or `Accept-Language`. `None` without a known one.
    pub fn asked_lang(&self) -> Option<Lang> {
        let named = self.query(LANG).and_then(Lang::from_tag);
        named.or_else(|| Lang::from_accept_language(self.header("accept-language")))
    }

    /// The language that `lang` names. `None` without it.
    ///
    /// # Errors
    /// `invalid_request` for one that is not known.
    pub fn named_lang(&self) -> Result<Option<Lang>, Problem> {
        let Some(tag) = self.query(LANG) else { return Ok(None) };
        Lang::from_tag(tag).map(Some).ok_or_else(|| {
            let fault = FieldError::new(
                LANG.name,
                "value_not_allowed",
                format!("El parámetro lang debe ser {}", Lang::listed("o")),
                format!("The parameter lang must be {}", Lang::listed("or")),
            );
            Problem::invalid_request(vec![fault.hint(nearest(tag, Lang::ALL.map(Lang::tag)))])
        })
    }

    /// The language of a page: the one that its reader asks for, else Spanish.
    pub fn page_lang(&self) -> Lang {
        self.asked_lang().unwrap_or_default()
    }

    /// Returns a query parameter as it was sent, an empty one too.
    pub fn sent(&self, parameter: Parameter) -> Option<&str> {
        self.query.first(parameter.name)
    }

    /// Whether a flag is `true`.
    pub fn flag(&self, flag: Parameter) -> bool {
        self.query(flag) == Some("true")
    }

    /// Requires that a route with a key knows all parameters, and that flags are `true` or `false`.
    /// Public routes ignore what they do not know: mail programs append parameters to links.
    fn check_parameters(&self) -> Result<(), Problem> {
        match self.route.access {
            Access::Public => Ok(()),
            Access::Key { .. } => parameters::check(self.query.iter(), self.route.parameters),
        }
    }

    /// Requires one of these media types and a body within the limit.
    ///
    /// # Errors
    /// `unsupported_media_type` or `payload_too_large`.
    pub fn expect_body(&self, media_types: &[&str]) -> Result<&[u8], Problem> {
        let sent = self.header("content-type").unwrap_or_default();
        let mut parts = sent.split(';');
        let media_type = parts.next().unwrap_or_default().trim();
        let utf8 = parts.all(|part| {
            let part = part.trim().to_ascii_lowercase();
            !part.starts_with("charset=") || part.trim_matches('"').ends_with("utf-8")
        });
        if !utf8 || !media_types.iter().any(|m| media_type.eq_ignore_ascii_case(m)) {
            return Err(Problem::unsupported_media_type(media_types.first().unwrap_or(&"")));
        }
        if self.body.len() > MAX_BODY {
            return Err(Problem::payload_too_large(MAX_BODY));
        }
        Ok(&self.body)
    }

    /// Requires a file of one of these media types, within the limit. What the header says of its
    /// characters does not count: many programs say UTF-8 of whatever they send.
    ///
    /// # Errors
    /// As [`Call::expect_body`].
    pub fn expect_file(&self, media_types: &[&str]) -> Result<&[u8], Problem> {
        if !self.is_of(media_types) {
            return Err(Problem::unsupported_media_type(media_types.first().unwrap_or(&"")));
        }
        if self.body.len() > MAX_BODY {
            return Err(Problem::payload_too_large(MAX_BODY));
        }
        Ok(&self.body)
    }

    /// Whether the body is said to be of one of these media types.
    pub fn is_of(&self, media_types: &[&str]) -> bool {
        let sent = self.header("content-type").unwrap_or_default();
        let media_type = sent.split(';').next().unwrap_or_default().trim();
        media_types.iter().any(|known| media_type.eq_ignore_ascii_case(known))
    }

    /// Requires a JSON body within the limit.
    ///
    /// # Errors
    /// As [`Call::expect_body`].
    pub fn expect_json(&self) -> Result<&[u8], Problem> {
        self.expect_body(&["application/json"])
    }

    /// Returns the parameter `limit`: 1 to 1,000, 100 when absent.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.query(LIMIT) else {
            return Ok(DEFAULT_LIMIT);
        };
        match text.parse::<usize>() {
            Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            _ => Err(Problem::invalid_field(
                "limit",
                "out_of_range",
                format!("El parámetro limit debe ser un entero entre 1 y {MAX_LIMIT}"),
                format!("The parameter limit must be a whole number from 1 to {MAX_LIMIT}"),
            )),
        }
    }

    /// Returns the arrival of the request, RFC 3339 to the millisecond.
    pub fn now_text(&self) -> String {
        time::millis(self.now)
    }
}

/// The answer of a list: one page.
#[derive(Debug, Serialize)]
pub struct List {
    /// Entries.
    pub items: Vec<serde_json::Value>,
    /// The cursor of the next page; null at the end.
    pub next_cursor: Option<String>,
}

/// Answers in JSON.
///
/// # Errors
/// `internal` when the value cannot be serialized.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Response<Body>, Problem> {
    let body = serde_json::to_string(value).map_err(Problem::internal)?;
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    Ok(response)
}

/// Answers 200 in JSON.
///
/// # Errors
/// `internal` when the value cannot be serialized.
pub fn ok<T: Serialize>(value: &T) -> Result<Response<Body>, Problem> {
    json(StatusCode::OK, value)
}

/// Serves a request: finds its route, runs `work` on the endpoint, turns every outcome, a panic
/// included, into an answer, and writes one event. The event names the route's pattern, never
/// the path: paths contain addresses and ids.
pub async fn serve<E: Endpoints, F>(
    app: &App,
    request: Request,
    work: impl FnOnce(E, Call) -> F,
) -> Response<Body>
where
    F: Future<Output = Result<Response<Body>, Problem>>,
{
    serve_people(app, request, work, |_| None).await
}

/// A request that ends in a problem, for whoever can answer it better to a person.
pub struct Refused<'a> {
    /// The problem.
    pub problem: &'a Problem,
    /// Whether the path is one of the routes.
    pub known: bool,
    /// Whether the method is GET or HEAD.
    pub reads: bool,
    /// Path below the site's root, as it was sent.
    pub path: &'a str,
    /// Query parameters.
    pub query: &'a QueryMap,
    /// Headers.
    pub headers: &'a HeaderMap,
    /// The language that the caller prefers.
    pub lang: Lang,
}

/// Does as [`serve`]; `page` may answer a problem with a page, or with where the address leads.
pub async fn serve_people<E: Endpoints, F>(
    app: &App,
    request: Request,
    work: impl FnOnce(E, Call) -> F,
    page: impl FnOnce(&Refused<'_>) -> Option<Response<Body>>,
) -> Response<Body>
where
    F: Future<Output = Result<Response<Body>, Problem>>,
{
    let started = Instant::now();
    let span = tracing::info_span!("request", org = Empty, mode = Empty, key = Empty);
    let request_id = request_id(&request);
    let accept = request.headers().get(header::ACCEPT_LANGUAGE);
    let lang = Lang::from_accept_language(accept.and_then(|value| value.to_str().ok()));
    let lang = lang.unwrap_or_default();
    let method = request.method().as_str().to_owned();
    let path = site_path(&app.config.site_url, request.raw_http_path()).to_owned();
    let (headers, query) = (request.headers().clone(), request.query_string_parameters());

    let unknown = || Problem::not_found("La ruta no existe", "The path does not exist");
    let (route, outcome) = match resolve(&method, &path) {
        Resolved::Nothing => ("unknown", Err(unknown())),
        Resolved::OtherMethods(allow) if method == "OPTIONS" && is_public(&path) => {
            ("preflight", preflight(&allow, &headers))
        }
        Resolved::OtherMethods(allow) => ("unknown", Err(Problem::method_not_allowed(&allow))),
        Resolved::Route(route, parameter) => {
            let outcome = match E::of(route.function) {
                None => Err(unknown()),
                Some(endpoint) => {
                    let parameter = parameter.unwrap_or_default();
                    let at = At { lang, request_id: request_id.clone(), now: app.clock.now() };
                    let call = Call::new(route, parameter, request, at);
                    let work = AssertUnwindSafe(async {
                        call.check_parameters()?;
                        work(endpoint, call).await
                    });
                    let outcome = work.catch_unwind().instrument(span.clone()).await;
                    outcome.unwrap_or_else(|_| Err(Problem::internal("panic")))
                }
            };
            (route.path, outcome)
        }
    };

    let (mut response, code, cause) = match outcome {
        Ok(response) => (response, "", None),
        Err(problem) => {
            let reads = matches!(method.as_str(), "GET" | "HEAD");
            let (problem, path, query, headers) = (&problem, path.as_str(), &query, &headers);
            let known = route != "unknown";
            let refused = Refused { problem, known, reads, path, query, headers, lang };
            let response = page(&refused).unwrap_or_else(|| problem.response(lang, &request_id));
            (response, problem.code, problem.cause.as_ref().map(ToString::to_string))
        }
    };
    let status = response.status().as_u16();
    span.in_scope(|| {
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if status >= 500 {
            let cause = cause.unwrap_or_default();
            tracing::error!(method, route, status, code, cause, duration_ms, request_id, "request");
        } else {
            tracing::info!(method, route, status, code, duration_ms, request_id, "request");
        }
    });
    complete_headers(&mut response, &request_id, &app.config.site_url);
    if is_public(&path) {
        open_to_scripts(&mut response);
    }
    response
}

/// Whether a path is one of the public side.
fn is_public(path: &str) -> bool {
    path != "/api" && !path.starts_with("/api/")
}

/// Answers the question that a browser asks before a script of another site may send a request with
/// headers of its own (CORS preflight, Fetch §4.8). No route of the public side looks at a cookie or a key.
fn preflight(allow: &str, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
    let mut response = no_content();
    let allow = HeaderValue::from_str(allow).map_err(Problem::internal)?;
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let asked = asked.cloned().unwrap_or(HeaderValue::from_static("*"));
    let answers = response.headers_mut();
    answers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
    answers.insert(header::ALLOW, allow);
    answers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
    answers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    Ok(response)
}

/// Lets scripts of any site read a public answer, a problem included: verifiers and wallets run in
/// browsers. Pages are for people.
fn open_to_scripts(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/html")) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
}

/// Sets the headers that every answer has.
fn complete_headers(response: &mut Response<Body>, request_id: &str, site_url: &str) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", id);
    }
    headers.insert("x-robots-tag", HeaderValue::from_static(ROBOTS));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if site_url.starts_with("https://") {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ONLY_HTTPS));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Answers 204.
pub fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Adds the caller to the request's event.
pub fn note_caller(org: &str, mode: &str, key: &str) {
    Span::current().record("org", org).record("mode", mode).record("key", key);
}

fn request_id(request: &Request) -> String {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => context.request_id.clone(),
        _ => None,
    }
    .unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
}

/// Strips the path of the site's root: a custom domain can map one in front of it.
fn site_path<'a>(site_url: &str, path: &'a str) -> &'a str {
    let root = site_url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    let Some((_, root)) = root else {
        return path;
    };
    match path.strip_prefix('/').and_then(|p| p.strip_prefix(root)) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_site_is_taken_off() {
        assert_eq!(site_path("https://u.edu", "/credential/x"), "/credential/x");
        assert_eq!(site_path("https://u.edu/creds", "/creds/credential/x"), "/credential/x");
        assert_eq!(site_path("https://u.edu/creds", "/creds"), "/");
        assert_eq!(site_path("https://u.edu/creds", "/credential/x"), "/credential/x");
        assert_eq!(site_path("https://u.edu/creds", "/credsx/x"), "/credsx/x");
    }
}
