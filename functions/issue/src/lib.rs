//! `POST /credentials/issue`.

use lambda_http::{Body, Request, Response};
use unicreda::{App, api::issue, http::serve};

/// Issues a credential to one recipient, or accepts many recipients as a job.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |call| async move { issue::submit(app, &call).await }).await
}
