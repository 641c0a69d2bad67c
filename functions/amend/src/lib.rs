//! The function `amend`: revokes, suspends, reinstates, corrects, blocks and erases credentials, and manages
//! signing keys and status lists.

use lambda_http::{Body, Request, Response};
use unicreda::{
    App,
    api::{block, credential_changes, privacy, signing_keys},
    domain::history::Action,
    http::{routes::Amend, serve},
};

/// Answers a request to change credentials, signing keys or status lists.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |endpoint, call| async move {
        match endpoint {
            Amend::RevokeMany => credential_changes::revoke_many(app, &call).await,
            Amend::Correct => credential_changes::correct(app, &call).await,
            Amend::Renew => credential_changes::renew(app, &call).await,
            Amend::Revoke => credential_changes::set_status(app, &call, Action::Revoke).await,
            Amend::Suspend => credential_changes::set_status(app, &call, Action::Suspend).await,
            Amend::Reinstate => credential_changes::set_status(app, &call, Action::Reinstate).await,
            Amend::EraseCredential => privacy::erase_credential(app, &call).await,
            Amend::ErasePerson => privacy::erase_person(app, &call).await,
            Amend::Block => block::block(app, &call).await,
            Amend::Unblock => block::unblock(app, &call).await,
            Amend::ExportPerson => privacy::export_person(app, &call).await,
            Amend::ListSigningKeys => signing_keys::list(app, &call).await,
            Amend::RotateSigningKey => signing_keys::rotate(app, &call).await,
            Amend::CompromiseSigningKey => signing_keys::compromise(app, &call).await,
            Amend::BeginStatusList => signing_keys::begin_list(app, &call).await,
        }
    })
    .await
}
