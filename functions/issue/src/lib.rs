//! `POST /credentials/issue`.

use lambda_http::{Body, Request, Response};
use unicreda::{App, http, issuing};

/// Issues one recipient at once, or accepts many as a job.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    http::serve(app, request, |call| async move { issuing::submit(app, &call).await }).await
}
