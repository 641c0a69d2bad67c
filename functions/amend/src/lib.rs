//! What happens to credentials after they were issued: revoke, suspend, reinstate, correct;
//! and the keys and status lists that this rests on.

use lambda_http::{Body, Request, Response};
use unicreda::{App, api::credential_changes, http::serve};

/// Answers a change of credentials, signing keys or status lists.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(
        app,
        request,
        |call| async move { credential_changes::answer_route(app, &call).await },
    )
    .await
}
