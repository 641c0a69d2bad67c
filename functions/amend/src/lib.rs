//! What happens to credentials after they were issued: revoke, suspend, reinstate, correct;
//! and the keys and status lists that this rests on.

use lambda_http::{Body, Request, Response};
use unicreda::{App, amending, http};

/// Answers a change of credentials, signing keys or status lists.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    http::serve(app, request, |call| async move { amending::answer_route(app, &call).await }).await
}
