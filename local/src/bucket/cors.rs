//! The bucket's `CorsConfiguration`: pages of the site may call it.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use s3s::Body;

/// Answers a preflight request; `origin` is the page's origin if it may call the bucket.
pub(super) fn preflight(asked: &HeaderMap, origin: Option<HeaderValue>) -> Response<Body> {
    let method = asked.get(header::ACCESS_CONTROL_REQUEST_METHOD);
    let method = method.filter(|method| *method == "PUT" || *method == "GET");
    let (Some(origin), Some(_)) = (origin, method) else {
        let refusal = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessForbidden</Code><Message>CORSResponse: This CORS request is not allowed.</Message></Error>";
        return error(StatusCode::FORBIDDEN, refusal);
    };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    allow(headers, origin);
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3000"));
    response
}

/// Adds the headers that let pages of an origin read the response.
pub(super) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "PUT, GET"),
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag"),
        (header::VARY, "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// An error that s3s does not answer itself.
pub(super) fn error(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes::Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}
