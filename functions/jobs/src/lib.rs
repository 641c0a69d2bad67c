//! Jobs: uploads, list, status, results; cancel, retry, and a credential's mail again.

use lambda_http::{Body, Request, Response};
use unicreda::{App, following, http, reporting, steering, uploading};

/// Answers what a client asks of its jobs.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    http::serve(app, request, |call| async move {
        match call.route.1 {
            "/api/v1/jobs" => following::list(app, &call).await,
            "/api/v1/jobs/{job_id}" => following::status(app, &call).await,
            "/api/v1/jobs/{job_id}/results" => following::results(app, &call).await,
            "/api/v1/jobs/{job_id}/results/file" => reporting::answer(app, &call).await,
            "/api/v1/uploads" => uploading::create(app, &call).await,
            "/api/v1/uploads/{upload_id}" => uploading::show(app, &call).await,
            "/api/v1/jobs/{job_id}/retry" => steering::retry(app, &call).await,
            "/api/v1/jobs/{job_id}/cancel" => steering::cancel(app, &call).await,
            _ => steering::resend(app, &call).await,
        }
    })
    .await
}
