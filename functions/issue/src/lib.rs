//! The function `issue`: issues one recipient at once, or accepts many as a job.

use lambda_http::{Body, Request, Response};
use unicreda::{
    App,
    api::issue,
    http::{routes::Issue, serve},
};

/// Issues a credential to one recipient, or accepts many recipients as a job.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |endpoint, call| async move {
        match endpoint {
            Issue::Submit => issue::submit(app, &call).await,
        }
    })
    .await
}
