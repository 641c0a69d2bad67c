//! STUB
use lambda_http::{Body, Request, Response};
use unicreda::App;

/// Answers one request.
pub async fn handle(_app: &App, _request: Request) -> Response<Body> {
    Response::new(Body::Empty)
}
