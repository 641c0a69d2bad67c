//! Templates, members, keys, settings, looking at and verifying credentials;
//! and every path that nobody
//! else has.

use lambda_http::{Body, Request, Response};
use unicreda::{App, api::catalog, http::serve};

/// Answers a route of the catalog.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |call| async move { catalog::answer_route(app, &call).await }).await
}
