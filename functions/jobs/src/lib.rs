//! The function `jobs`: uploads, jobs and their results, and a credential's mail again.

use lambda_http::{Body, Request, Response};
use unicreda::{
    App,
    api::{jobs, prints, resend, uploads},
    http::{routes::Jobs, serve},
};

/// Answers a request about jobs or uploads.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |endpoint, call| async move {
        match endpoint {
            Jobs::List => jobs::list(app, &call).await,
            Jobs::Show => jobs::status(app, &call).await,
            Jobs::Results => jobs::results(app, &call).await,
            Jobs::ResultsFile => jobs::results_file(app, &call).await,
            Jobs::OrderCertificates => prints::order(app, &call).await,
            Jobs::ShowCertificates => prints::show(app, &call).await,
            Jobs::Retry => jobs::retry(app, &call).await,
            Jobs::Cancel => jobs::cancel(app, &call).await,
            Jobs::Resend => resend::resend(app, &call).await,
            Jobs::CreateUpload => uploads::create(app, &call).await,
            Jobs::CreateMembersUpload => uploads::create_of_members(app, &call).await,
            Jobs::ShowUpload => uploads::show(app, &call).await,
        }
    })
    .await
}
