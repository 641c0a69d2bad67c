//! The list of addresses that an organization sends nothing to: shown, and mended by hand.
//! What puts addresses there is [`crate::mail::feedback`].
//!
//! Safe to repeat: the second removal finds nothing and says so.

use http::{Response, StatusCode};
use lambda_http::Body;

use crate::{
    api::auth,
    app::App,
    domain::{api_key::Scope, email::EmailAddress, feedback::Suppression},
    http::{
        problem::Problem,
        serve::{Call, List, ok},
    },
};

/// `GET /suppressions`: by address.
///
/// # Errors
/// The documented problems.
pub async fn list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let cursor = call.cursor(|cursor| EmailAddress::parse(cursor).is_ok())?;
    let caller = auth::authenticate(app, call, &[Scope::Read]).await?;
    let page = app.catalog.suppressions(&caller.org, cursor, limit).await?;
    let items = page.items.iter().map(Suppression::answer).collect();
    ok(&List { items, next_cursor: page.next })
}

/// `DELETE /suppressions/{email}`: 204; the second call answers 404. Mail that failed
/// meanwhile is sent by a resend, or a retry of its job.
///
/// # Errors
/// The documented problems.
pub async fn remove(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let unknown = || {
        Problem::not_found(
            "La dirección no está en la lista de supresión",
            "The address is not on the suppression list",
        )
    };
    let caller = auth::authenticate(app, call, &[Scope::Manage]).await?;
    caller.require_live()?;
    let email = EmailAddress::parse(&call.parameter).map_err(|_| unknown())?;
    if !app.catalog.unsuppress(&caller.org, &email).await? {
        return Err(unknown());
    }
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
