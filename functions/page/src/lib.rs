//! What anybody may read: a credential's page and document, who signs, status lists. It
//! changes nothing and holds no signing key.

use lambda_http::{Body, Request, Response};
use unicreda::{App, http::serve, web::public};

/// Answers a public route.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |call| async move { public::answer_route(app, &call).await }).await
}
