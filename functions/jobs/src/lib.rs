//! Jobs: uploads, list, status, results; cancel, retry, and a credential's mail again.

use lambda_http::{Body, Request, Response};
use unicreda::{
    App,
    api::{jobs, resend, uploads},
    http::serve,
};

/// Answers what a client asks of its jobs.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |call| async move {
        match call.route.1 {
            "/api/v1/jobs" => jobs::list(app, &call).await,
            "/api/v1/jobs/{job_id}" => jobs::status(app, &call).await,
            "/api/v1/jobs/{job_id}/results" => jobs::results(app, &call).await,
            "/api/v1/jobs/{job_id}/results/file" => jobs::results_file(app, &call).await,
            "/api/v1/uploads" => uploads::create(app, &call).await,
            "/api/v1/uploads/{upload_id}" => uploads::show(app, &call).await,
            "/api/v1/jobs/{job_id}/retry" => jobs::retry(app, &call).await,
            "/api/v1/jobs/{job_id}/cancel" => jobs::cancel(app, &call).await,
            _ => resend::resend(app, &call).await,
        }
    })
    .await
}
