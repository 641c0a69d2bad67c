//! Members: list, show, put, delete, and their credentials.

use http::{Response, StatusCode};
use lambda_http::Body;
use serde_json::json;

use crate::{
    api::{auth, credential_query::Query, credentials, lists},
    app::App,
    domain::{
        email::EmailAddress,
        fields::Fields,
        member::{Member, Profile},
        tenant::Tenant,
        time,
        wallet_link::{self, WalletOf},
    },
    http::{
        problem::Problem,
        serve::{Call, json as json_answer, no_content, ok},
    },
};

/// `GET /members`.
pub async fn list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let caller = auth::authenticate(app, call).await?;
    let after = lists::position(app, call, &caller).await?;
    let page = app.catalog.members(&caller.org, after.as_deref(), limit).await?;
    let items = page.items.iter().map(Member::answer).collect();
    lists::page(app, call, &caller, items, page.next).await
}

/// `GET /members/{email}`.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let email = EmailAddress::parse(&call.parameter).map_err(|_| unknown_member())?;
    let found = app.catalog.member(&caller.org, &email).await?;
    ok(&found.ok_or_else(unknown_member)?.answer())
}

/// `PUT /members/{email}`. Safe to repeat: only `updated_at` changes.
pub async fn put(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let email = member_email(call)?;
    let profile = Profile::read(Fields::of_body(call.expect_json()?)?, &email)?;
    let before = app.catalog.member(&caller.org, &email).await?;
    if before.is_none() && !email.can_be_owned() {
        return Err(invalid_email(&call.parameter));
    }
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let now = call.now_text();
    let created_at = before.map_or_else(|| now.clone(), |member| member.created_at);
    let member = Member { v: 1, email, profile, created_at, updated_at: now };
    app.catalog.put_members(&caller.org, std::slice::from_ref(&member)).await?;
    json_answer(status, &member.answer())
}

/// `DELETE /members/{email}`: 204; the second call answers 404. The credentials remain.
pub async fn delete(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let email = EmailAddress::parse(&call.parameter).map_err(|_| unknown_member())?;
    if !app.catalog.delete_member(&caller.org, &email).await? {
        return Err(unknown_member());
    }
    Ok(no_content())
}

/// `GET /members/{email}/credentials`: the credentials of a member in the key's mode, and a link
/// to the wallet page that shows them to the member.
pub async fn list_credentials(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let caller = auth::authenticate(app, call).await?;
    let email = EmailAddress::parse(&call.parameter).map_err(|_| unknown_member())?;
    if app.catalog.member(&caller.org, &email).await?.is_none() {
        return Err(unknown_member());
    }
    let secret = app.catalog.id_secret(&caller.org).await?;
    let site_url = &app.config.site_url;
    let tenant = Tenant { org: &caller.org, mode: caller.mode };
    let link = wallet_link::link(WalletOf::Member, site_url, &secret, tenant, &email, call.now);
    let list = credentials::page(app, call, &caller, &Query::of(email), limit).await?;
    ok(&json!({
        "items": list.items, "next_cursor": list.next_cursor, "wallet_url": link,
        "wallet_url_expires_at": time::seconds(call.now + wallet_link::LIFETIME),
    }))
}

fn unknown_member() -> Problem {
    Problem::not_found("El miembro no existe", "The member does not exist")
}

fn member_email(call: &Call) -> Result<EmailAddress, Problem> {
    EmailAddress::parse(&call.parameter).map_err(|_| invalid_email(&call.parameter))
}

fn invalid_email(sent: &str) -> Problem {
    let text = format!("Invalid email: {sent}");
    Problem::invalid_field("email", "invalid_email", text.clone(), text)
}
