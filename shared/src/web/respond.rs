//! Answers of the public side: pages for people, documents and files with an `ETag`.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use lambda_http::{Body, aws_lambda_events::query_map::QueryMap};
use url::form_urlencoded::Serializer;

use crate::{
    domain::lang::Lang,
    http::{problem::Problem, serve::Call},
    web::pages,
};

/// `Cache-Control` of status lists, DID documents and QR codes.
const PUBLIC_CACHE: &str = "public, max-age=60";

/// Answers a document that anyone may cache for a minute.
///
/// # Errors
/// `internal` when the hash fits no header.
pub fn cached(
    call: &Call,
    body: Vec<u8>,
    media_type: &'static str,
) -> Result<Response<Body>, Problem> {
    let mut response = document(call, body, media_type)?;
    set(&mut response, header::CACHE_CONTROL, PUBLIC_CACHE);
    Ok(response)
}

/// Answers a text with its hash as `ETag`; 304 to a client that has it. Verifiers run in
/// browsers too, so any origin may read it.
///
/// # Errors
/// `internal` when the hash fits no header.
pub fn document(
    call: &Call,
    body: Vec<u8>,
    media_type: &'static str,
) -> Result<Response<Body>, Problem> {
    let mut response = file(call, body, media_type)?;
    // lambda_http encodes in base64 what it does not know as text, and API Gateway decodes that
    // by the client's Accept header; some clients send none.
    let as_text = HeaderName::from_static("x-lambda-http-content-encoding");
    set(&mut response, as_text, "text");
    Ok(response)
}

/// Answers bytes with their hash as `ETag`; 304 to a client that has them.
///
/// # Errors
/// `internal` when the hash fits no header.
pub fn file(
    call: &Call,
    body: Vec<u8>,
    media_type: &'static str,
) -> Result<Response<Body>, Problem> {
    let hash = digest(&SHA256, &body);
    let tag = URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default());
    let tag = format!("\"{tag}\"");
    let known = call.header("if-none-match").is_some_and(|tags| {
        tags.split(',').any(|known| {
            let known = known.trim();
            known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
        })
    });
    let mut response = match known {
        true => Response::new(Body::Empty),
        false => Response::new(Body::Binary(body)),
    };
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        set(&mut response, header::CONTENT_TYPE, media_type);
    }
    let tag = HeaderValue::from_str(&tag).map_err(Problem::internal)?;
    response.headers_mut().insert(header::ETAG, tag);
    set(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(&mut response, header::REFERRER_POLICY, "no-referrer");
    Ok(response)
}

/// Leads to the address that another one means, with its query.
///
/// # Errors
/// `internal` when the address fits no header.
pub fn redirect(to: &str, query: &QueryMap) -> Result<Response<Body>, Problem> {
    let query = Serializer::new(String::new()).extend_pairs(query.iter()).finish();
    let mark = if query.is_empty() { "" } else { "?" };
    let to = HeaderValue::from_str(&format!("{to}{mark}{query}")).map_err(Problem::internal)?;
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    response.headers_mut().insert(header::LOCATION, to);
    Ok(response)
}

/// Sets a header.
pub fn set(response: &mut Response<Body>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// Answers a page for people: without referrer, under its security policy.
///
/// # Errors
/// `internal` when the site's address fits no header.
pub fn html(
    status: StatusCode,
    body: String,
    lang: Lang,
    site_url: &str,
) -> Result<Response<Body>, Problem> {
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(&mut response, header::VARY, "Accept, Accept-Language");
    set(&mut response, header::REFERRER_POLICY, "no-referrer");
    set(&mut response, header::CONTENT_LANGUAGE, lang.tag());
    let policy = HeaderValue::from_str(&pages::content_security_policy(site_url));
    let policy = policy.map_err(Problem::internal)?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}
