//! The routes that block a credential and lift the block.

use http::Response;
use lambda_http::Body;

use crate::{
    api::{
        auth,
        credential_changes::{body, reason, unknown},
        privacy,
    },
    app::App,
    credentials::block,
    domain::ids::CredentialId,
    http::{
        problem::Problem,
        serve::{Call, ok},
    },
    mail::ledger,
};

/// `POST /credentials/{credential_id}/block` (with a `reason`). The second call is answered like the
/// first, and the first block stays.
///
/// # Errors
/// `not_found`; those of the body, of authentication and the store.
pub async fn block(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let id = CredentialId::parse(&call.parameter).map_err(|_| unknown())?;
    let mut fields = body(call)?;
    let reason = reason(&mut fields, true);
    fields.end()?;
    let (by, reason) = (caller.who(), reason.as_deref());
    let blocked = block::block(app, caller.tenant(), id, by, reason, call.now).await?;
    let Some(blocked) = blocked else {
        return Err(privacy::if_erased(app, &caller, id, unknown()).await);
    };
    let credential = ledger::overlay_one(app, blocked).await?;
    ok(&credential.answer(&app.config.site_url, call.lang, caller.reads()))
}

/// `POST /credentials/{credential_id}/unblock`. The second call is answered like the first.
///
/// # Errors
/// `not_found`; those of the body, of authentication and the store.
pub async fn unblock(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let id = CredentialId::parse(&call.parameter).map_err(|_| unknown())?;
    body(call)?.end()?;
    let lifted = block::lift(app, caller.tenant(), id, &caller.who()).await?;
    let Some(lifted) = lifted else {
        return Err(privacy::if_erased(app, &caller, id, unknown()).await);
    };
    let credential = ledger::overlay_one(app, lifted).await?;
    ok(&credential.answer(&app.config.site_url, call.lang, caller.reads()))
}
