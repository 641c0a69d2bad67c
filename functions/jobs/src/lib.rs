//! Jobs: uploads, list, status, results; cancel, retry, and a credential's mail again.

use lambda_http::{Body, Request, Response};
use unicreda::{
    App,
    http::serve,
    jobs::{progress, results_file, retry, upload},
};

/// Answers what a client asks of its jobs.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |call| async move {
        match call.route.1 {
            "/api/v1/jobs" => progress::list(app, &call).await,
            "/api/v1/jobs/{job_id}" => progress::status(app, &call).await,
            "/api/v1/jobs/{job_id}/results" => progress::results(app, &call).await,
            "/api/v1/jobs/{job_id}/results/file" => results_file::answer(app, &call).await,
            "/api/v1/uploads" => upload::create(app, &call).await,
            "/api/v1/uploads/{upload_id}" => upload::show(app, &call).await,
            "/api/v1/jobs/{job_id}/retry" => retry::retry(app, &call).await,
            "/api/v1/jobs/{job_id}/cancel" => retry::cancel(app, &call).await,
            _ => retry::resend(app, &call).await,
        }
    })
    .await
}
