//! The function `amend`: revokes, suspends, reinstates and corrects credentials, and manages
//! signing keys and status lists.

use lambda_http::{Body, Request, Response};
use unicreda::{
    App,
    credentials::change_status,
    domain::history::Action,
    http::{routes::Amend, serve},
};

/// Answers a request to change credentials, signing keys or status lists.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |endpoint, call| async move {
        match endpoint {
            Amend::RevokeMany => change_status::revoke_many(app, &call).await,
            Amend::Correct => change_status::correct(app, &call).await,
            Amend::Revoke => change_status::set_status(app, &call, Action::Revoke).await,
            Amend::Suspend => change_status::set_status(app, &call, Action::Suspend).await,
            Amend::Reinstate => change_status::set_status(app, &call, Action::Reinstate).await,
            Amend::ListSigningKeys => change_status::signing_keys(app, &call).await,
            Amend::RotateSigningKey => change_status::rotate(app, &call).await,
            Amend::CompromiseSigningKey => change_status::compromise(app, &call).await,
            Amend::BeginStatusList => change_status::begin_list(app, &call).await,
        }
    })
    .await
}
