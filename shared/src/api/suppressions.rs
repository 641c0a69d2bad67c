//! The suppression list of a mode: the addresses that an organization sends no mail to.
//! [`crate::mail::feedback`] adds addresses; a person removes them here.

use http::Response;
use lambda_http::Body;

use crate::{
    api::{auth, lists},
    app::App,
    domain::{email::EmailAddress, feedback::Suppression, identity},
    http::{
        problem::Problem,
        serve::{Call, no_content},
    },
};

/// `GET /suppressions`: in the order of the addresses.
pub async fn list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let caller = auth::authenticate(app, call).await?;
    let after = lists::position(app, call, &caller).await?;
    let page = app.catalog.suppressions(caller.tenant(), after.as_deref(), limit).await?;
    let items = page.items.iter().map(Suppression::answer).collect();
    lists::page(app, call, &caller, items, page.next).await
}

/// `DELETE /suppressions/{email}`: 204. Safe to repeat: the second call finds nothing and answers
/// 404. Mail that failed before is not sent by this, but by a resend or a retry of its job.
pub async fn remove(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let unknown = || {
        Problem::not_found(
            "La dirección no está en la lista de supresión",
            "The address is not on the suppression list",
        )
    };
    let caller = auth::authenticate(app, call).await?;
    let email = EmailAddress::parse(&call.parameter).map_err(|_| unknown())?;
    let secret = app.catalog.id_secret(&caller.org).await?;
    let hash = identity::email_key(&secret, &caller.org, caller.mode, &email);
    let listed = app.catalog.unsuppress(caller.tenant(), &email).await?;
    // A person who was erased may come back, and wants mail then.
    let erased = app.catalog.forget_erased_address(&caller.org, &hash).await?;
    if !listed && !erased {
        return Err(unknown());
    }
    Ok(no_content())
}
