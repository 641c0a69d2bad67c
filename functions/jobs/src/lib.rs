//! Jobs: list, status, results.

use lambda_http::{Body, Request, Response};
use unicreda::{App, following, http};

/// Answers what a client asks of its jobs.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    http::serve(app, request, |call| async move {
        match call.route.1 {
            "/api/v1/jobs" => following::list(app, &call).await,
            "/api/v1/jobs/{job_id}" => following::status(app, &call).await,
            _ => following::results(app, &call).await,
        }
    })
    .await
}
