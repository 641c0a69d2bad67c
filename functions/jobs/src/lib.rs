//! The function `jobs`: uploads, jobs and their results, and a credential's mail again.

use lambda_http::{Body, Request, Response};
use unicreda::{
    App,
    http::{routes::Jobs, serve},
    jobs::{progress, results_file, retry, upload},
};

/// Answers a request about jobs or uploads.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |endpoint, call| async move {
        match endpoint {
            Jobs::List => progress::list(app, &call).await,
            Jobs::Show => progress::status(app, &call).await,
            Jobs::Results => progress::results(app, &call).await,
            Jobs::ResultsFile => results_file::answer(app, &call).await,
            Jobs::Retry => retry::retry(app, &call).await,
            Jobs::Cancel => retry::cancel(app, &call).await,
            Jobs::Resend => retry::resend(app, &call).await,
            Jobs::CreateUpload => upload::create(app, &call).await,
            Jobs::ShowUpload => upload::show(app, &call).await,
        }
    })
    .await
}
