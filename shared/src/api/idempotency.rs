//! `Idempotency-Key`: a repeated request gets the first one's answer, byte for byte.
//!
//! A key is bound to organization, mode, route and the canonical body, for 24 h. Of the body a keyed
//! fingerprint is stored, and the answer sealed so that only a request with the same body opens it
//! ([`sealed_answer`](crate::domain::sealed_answer)).
//! The first call takes a lease. A call during the lease is answered `idempotency_in_progress`;
//! a call after a lease that ended without an answer takes the request over under a higher
//! fence, with the same work id, so that it finds what the first one made. Answers of 500 and
//! above are not stored.

use std::{collections::BTreeMap, fmt};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use lambda_http::Body;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use uuid::Uuid;

use crate::{
    api::auth::Caller,
    app::App,
    domain::sealed_answer::{KeptAnswer, RequestSeal},
    http::{problem::Problem, routes::Route, serve::Call},
    store::idempotency::{Begin, Beginning},
};

/// Longest key, in characters.
pub const MAX_KEY: usize = 255;
/// Seconds after which a key expires.
const KEPT: i64 = 24 * 3600;
/// Seconds that an attempt may take: more than the gateway waits and the function lives.
const LEASE: i64 = 60;
/// Headers that are stored with an answer.
const KEPT_HEADERS: [&str; 4] = ["content-type", "content-language", "location", "retry-after"];

/// The work of a request; the same in all its attempts.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The id of its result.
    pub id: Uuid,
    /// When its first attempt began, RFC 3339 to the millisecond.
    pub begun_at: String,
}

/// Reads the header `Idempotency-Key`.
///
/// # Errors
/// `invalid_request` when it is empty, too long or not printable ASCII, or when two differ.
pub fn key(call: &Call) -> Result<Option<&str>, Problem> {
    let mut values = call.headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.any(|other| other != value) {
        return Err(Problem::invalid_field(
            "Idempotency-Key",
            "repeated_header",
            "El encabezado Idempotency-Key llegó con dos valores distintos; envía uno",
            "The header Idempotency-Key came with two different values; send one",
        ));
    }
    match value.to_str() {
        Ok(key) if (1..=MAX_KEY).contains(&key.len()) => Ok(Some(key)),
        _ => Err(Problem::invalid_field(
            "Idempotency-Key",
            "invalid_header",
            format!("El encabezado Idempotency-Key debe tener de 1 a {MAX_KEY} caracteres ASCII"),
            format!("The header Idempotency-Key must have 1 to {MAX_KEY} ASCII characters"),
        )),
    }
}

/// Runs a request's work once for its key, or gives its stored answer again.
///
/// # Errors
/// `idempotency_mismatch`, `idempotency_in_progress`, and those of the work.
pub async fn once<F>(
    app: &App,
    call: &Call,
    caller: &Caller,
    key: Option<&str>,
    work: impl FnOnce(Attempt) -> F,
) -> Result<Response<Body>, Problem>
where
    F: Future<Output = Result<Response<Body>, Problem>>,
{
    let fresh = Attempt { id: Uuid::new_v4(), begun_at: call.now_text() };
    let Some(key) = key else {
        return work(fresh).await;
    };
    let Route { method, path, .. } = call.route;
    let scope = format!("{}#{}#{method} {path}#{key}", caller.org, caller.mode);
    let id = hash(scope.as_bytes());
    let now = call.now.as_second();
    let body = canonical(&call.body);
    let secret = app.catalog.id_secret(&caller.org).await?;
    // The path's parameter is part of the request as its body is: the same key with another is refused.
    let request = format!("{scope}#{}", call.parameter);
    let seal = RequestSeal::of(&secret, &request, &body);
    let beginning = Beginning {
        fingerprint: seal.fingerprint(),
        body_hash: &hash(&body),
        now,
        now_text: &fresh.begun_at,
        lease_until: now + LEASE,
        ttl: now + KEPT,
        work_id: fresh.id,
    };
    let request = match app.idempotency.begin(&id, &beginning).await? {
        Begin::Start(request) => request,
        Begin::Replay(ended) => {
            let answer = ended.answer(&seal);
            return replay(
                answer.ok_or_else(|| Problem::internal("an answer that does not open"))?,
            );
        }
        Begin::InProgress { lease_until } => {
            return Err(Problem::idempotency_in_progress((lease_until - now).clamp(1, LEASE)));
        }
        Begin::Mismatch => return Err(Problem::idempotency_mismatch()),
    };
    let outcome = work(Attempt { id: request.work_id, begun_at: request.begun_at.clone() }).await;
    let response = match outcome {
        Err(problem) if problem.status.is_server_error() => {
            if let Err(error) = app.idempotency.release(&id, request.fence).await {
                tracing::warn!(%error, "Idempotency-Key not released");
            }
            return Err(problem);
        }
        Err(problem) => problem.response(call.lang, &call.request_id),
        Ok(response) => response,
    };
    let headers = KEPT_HEADERS.into_iter().filter_map(|name| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some((name.to_owned(), value.to_owned()))
    });
    let answer = KeptAnswer {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(response.body()).into_owned(),
    };
    // The work is done even if its answer cannot be stored: a repetition finds it.
    let Some(sealed) = seal.seal(&answer) else {
        tracing::warn!(error = "it is too large", "answer not kept");
        return Ok(response);
    };
    match app.idempotency.finish(&id, request.fence, sealed).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!("request taken over while it ran"),
        Err(error) => tracing::warn!(%error, "answer not kept"),
    }
    Ok(response)
}

fn replay(kept: KeptAnswer) -> Result<Response<Body>, Problem> {
    let mut response = Response::new(Body::Text(kept.body));
    *response.status_mut() = StatusCode::from_u16(kept.status).map_err(Problem::internal)?;
    let headers = response.headers_mut();
    for (name, value) in kept.headers {
        let name = HeaderName::try_from(name).map_err(Problem::internal)?;
        headers.insert(name, HeaderValue::try_from(value).map_err(Problem::internal)?);
    }
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    Ok(response)
}

fn hash(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes))
}

/// Removes a body's white space and sorts its members. A body with numbers beyond a double's
/// range stays as it is, and so does one with a byte order mark.
fn canonical(body: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Canonical>(body) {
        Ok(Canonical(text)) => text.into_bytes(),
        Err(_) => body.to_vec(),
    }
}

/// A JSON value written without white space and with sorted members, of a repeated one the last.
/// Each part is text as soon as it has been read, so that no tree is built: one of many small
/// objects takes a hundred times its text.
struct Canonical(String);

impl Canonical {
    fn of<E: Error>(value: impl Serialize) -> Result<Self, E> {
        serde_json::to_string(&value).map(Self).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Canonical {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Writer;
        impl<'de> Visitor<'de> for Writer {
            type Value = Canonical;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E: Error>(self) -> Result<Canonical, E> {
                Canonical::of(())
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Canonical, E> {
                Canonical::of(value)
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Canonical, E> {
                Canonical::of(value)
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Canonical, E> {
                Canonical::of(value)
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Canonical, E> {
                Canonical::of(value)
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Canonical, E> {
                Canonical::of(value)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Canonical, A::Error> {
                let mut text = String::from("[");
                while let Some(Canonical(entry)) = entries.next_element()? {
                    if text.len() > 1 {
                        text.push(',');
                    }
                    text.push_str(&entry);
                }
                text.push(']');
                Ok(Canonical(text))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Canonical, A::Error> {
                let mut sorted = BTreeMap::new();
                while let Some((name, Canonical(value))) = members.next_entry::<String, _>()? {
                    sorted.insert(name, value);
                }
                let mut text = String::from("{");
                for (name, value) in sorted {
                    if text.len() > 1 {
                        text.push(',');
                    }
                    let Canonical(name) = Canonical::of(name)?;
                    text.extend([name.as_str(), ":", &value]);
                }
                text.push('}');
                Ok(Canonical(text))
            }
        }
        deserializer.deserialize_any(Writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_the_order_of_members_make_no_other_body() {
        let one = canonical(br#"{"a":1,"b":[{"d":2,"c":"x y"}]}"#);
        assert_eq!(one, canonical(b"{ \"b\": [ {\"c\":\"x y\", \"d\":2} ],\n \"a\":1 }"));
        assert_ne!(one, canonical(br#"{"a":1,"b":[{"d":3,"c":"x y"}]}"#));
        assert_ne!(one, canonical(br#"{"a":1,"b":[{"d":2,"c":"xy"}]}"#));
    }

    /// The hash of a body is stored, and compared by later versions too.
    #[test]
    fn a_body_has_the_bytes_of_the_sorted_tree() {
        for body in [
            r#"{ "b" : [ 1, -2, 0.5, 1e2, -0, 18446744073709551615, 1.0, 123456789012345678901 ],
                "a": {"ñ":"\u00f1\ud83d\ude00\n\u0007/\/","z":null,"Z":true,"":{}},"a\"":[[],[[]],false]}"#,
            r#"{"b":1,"a":2,"b":{"c":3,"c":4}}"#,
            "[]",
            " 7 ",
            "\"x\"",
            "null",
            "1.7976931348623157e308",
            "5e-324",
        ] {
            let mut tree: serde_json::Value = serde_json::from_str(body).expect("JSON");
            tree.sort_all_objects();
            assert_eq!(canonical(body.as_bytes()), tree.to_string().into_bytes(), "{body}");
        }
        for body in ["", "{", "[1e400]", "{} {}", "\u{feff}{}"] {
            assert_eq!(canonical(body.as_bytes()), body.as_bytes());
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert_eq!(canonical(deep.as_bytes()), deep.as_bytes());
    }
}
