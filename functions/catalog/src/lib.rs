//! Templates, members, keys, settings, looking at and verifying credentials;
//! and every path that nobody
//! else has.

use lambda_http::{Body, Request, Response};
use unicreda::{App, cataloguing, http};

/// Answers a route of the catalog.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    http::serve(app, request, |call| async move { cataloguing::answer_route(app, &call).await })
        .await
}
