//! The public page of a credential. It needs no key and changes nothing.

use lambda_http::{Body, Request, Response};
use unicreda::{App, http, publishing};

/// Shows a credential to people and programs.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    http::serve(app, request, |call| async move { publishing::show(app, &call).await }).await
}
