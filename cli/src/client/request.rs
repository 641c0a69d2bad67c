//! A request to the API and its response.

use bytes::Bytes;
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

/// Whether a request may be repeated although its first answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The second call has the same effect and answer as the first.
    Safe,
    /// Repeating could do it twice: repeated only if the service did not do it.
    OnlyUndone,
}

/// A request to a path below `/api/v1`.
pub struct ApiRequest<'a> {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'a str, String)>,
    pub(super) body: Option<(&'static str, Bytes)>,
    pub(super) accept: &'static str,
    pub(super) idempotency_key: Option<String>,
    pub(super) repeat: Repeat,
}

impl<'a> ApiRequest<'a> {
    /// A `GET`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `POST`, repeated only if the service did not do it.
    pub fn post(path: impl Into<String>) -> Self {
        Self { repeat: Repeat::OnlyUndone, ..Self::new(Method::POST, path) }
    }

    /// A `PUT`.
    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    /// A `PATCH`.
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// A `DELETE`.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            accept: "application/json",
            idempotency_key: None,
            repeat: Repeat::Safe,
        }
    }

    /// Adds a query parameter if it has a value.
    pub fn query(mut self, name: &'a str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", Bytes::from(body.to_string()))
    }

    /// Sets a body of another media type.
    pub fn body(mut self, media_type: &'static str, body: Bytes) -> Self {
        self.body = Some((media_type, body));
        self
    }

    /// Sets the media type of the answer.
    pub fn accept(mut self, media_type: &'static str) -> Self {
        self.accept = media_type;
        self
    }

    /// Adds a new `Idempotency-Key`, which makes repeating safe.
    pub fn idempotent(mut self) -> Self {
        self.idempotency_key = Some(uuid::Uuid::new_v4().to_string());
        self.repeat = Repeat::Safe;
        self
    }

    /// Declares that repeating is safe without an `Idempotency-Key`.
    pub fn repeatable(mut self) -> Self {
        self.repeat = Repeat::Safe;
        self
    }
}

/// A response with a status below 400.
#[derive(Debug)]
pub struct ApiResponse {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl ApiResponse {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
