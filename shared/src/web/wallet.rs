//! The wallet of a member, or of who asked for their link at `/wallet`: every credential that the organization issued to their address, in one
//! mode, and did not block.
//!
//! A notification links to it with a [`wallet_link`](crate::domain::wallet_link), sealed under a
//! key of the organization. To open a link changes nothing and does not use it up: mail scanners
//! follow links before people do. No state is stored for it.

use http::{Response, StatusCode};
use jiff::Timestamp;
use lambda_http::Body;
use serde_json::Value;

use crate::{
    app::App,
    credentials::days,
    document,
    domain::{
        credential::{Credential, Status},
        identity,
        ids::Mode,
        member::Member,
        organization::Organization,
        tenant::Tenant,
        wallet_link::{MAX_TOKEN, claimed, open},
    },
    http::{problem::Problem, serve::Call},
    store::StoreError,
    web::{
        pages::{self, WalletEntry, WalletPage},
        pasted,
        respond::html,
        seal,
        view::State,
    },
};

/// Credentials on a page of the wallet.
const PAGE: usize = 50;

/// `GET /wallet/{token}`: the page of a wallet.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let asked = call.page_lang();
    let site_url = &app.config.site_url;
    match read(app, call).await {
        Ok(Opened::Wallet(wallet)) => {
            // The member's own language, unless the page's switch or the browser names one.
            let own = wallet.member.as_ref().and_then(|member| member.profile.language);
            let lang = call.asked_lang().or(own).unwrap_or_default();
            html(StatusCode::OK, pages::wallet(&wallet.shown(site_url), lang), lang, site_url)
        }
        Ok(Opened::Erased) => {
            html(StatusCode::GONE, pages::wallet_erased(site_url, asked), asked, site_url)
        }
        Ok(Opened::Ended) => {
            html(StatusCode::NOT_FOUND, pages::wallet_ended(site_url, asked), asked, site_url)
        }
        Ok(Opened::Nothing) => {
            html(StatusCode::NOT_FOUND, pages::wallet_closed(site_url, asked), asked, site_url)
        }
        Err(error) => {
            tracing::error!(%error, "wallet not shown");
            html(
                StatusCode::SERVICE_UNAVAILABLE,
                pages::unavailable(site_url, asked),
                asked,
                site_url,
            )
        }
    }
}

/// A page of a wallet, as it was read.
struct Wallet {
    organization: std::sync::Arc<Organization>,
    mode: Mode,
    /// `None` for somebody who is no member.
    member: Option<Member>,
    until: Timestamp,
    entries: Vec<WalletEntry>,
    next: Option<String>,
    later: bool,
    withheld: bool,
}

impl Wallet {
    fn shown<'a>(&'a self, site_url: &'a str) -> WalletPage<'a> {
        WalletPage {
            organization: &self.organization.settings.name,
            logo: self.organization.settings.logo.as_ref(),
            site_url,
            member: self.member.as_ref().and_then(|member| member.profile.name.as_deref()),
            test: self.mode == Mode::Test,
            until: self.organization.date_of(self.until),
            entries: &self.entries,
            next: self.next.as_deref(),
            later: self.later,
            withheld: self.withheld,
        }
    }
}

/// What a link leads to.
enum Opened {
    Wallet(Box<Wallet>),
    /// The wallet's person was erased.
    Erased,
    /// It was good for 30 days.
    Ended,
    Nothing,
}

/// Reads the wallet that a link opens. A member's link opens nothing once they are none; one that was asked
/// for at `/wallet` opens the wallet of its address all the same.
async fn read(app: &App, call: &Call) -> Result<Opened, StoreError> {
    let token = pasted::trimmed(&call.parameter);
    let Some((org, mode, sealed)) = claimed(token).filter(|_| token.len() <= MAX_TOKEN) else {
        return Ok(Opened::Nothing);
    };
    let secret = match app.catalog.id_secret(&org).await {
        Ok(secret) => secret,
        // No such organization.
        Err(StoreError::Broken(_)) => return Ok(Opened::Nothing),
        Err(error) => return Err(error),
    };
    let Some(pass) = open(&secret, &org, mode, sealed) else {
        return Ok(Opened::Nothing);
    };
    if pass.until < call.now.as_second() {
        return Ok(Opened::Ended);
    }
    let key = identity::email_key(&secret, &org, mode, &pass.email);
    let member = app.catalog.member(&org, &pass.email).await?;
    if member.is_none() {
        if app.catalog.erased_address(&org, &key).await?.is_some() {
            return Ok(Opened::Erased);
        }
        if !pass.of_holder {
            return Ok(Opened::Nothing);
        }
    }
    let organization = app.catalog.organization(&org).await?;
    let tenant = Tenant { org: &org, mode };
    // A cursor of elsewhere shows the first page: a link in a mail opens whatever is appended to it.
    let before = call.position(&secret, tenant).unwrap_or_default();
    let page = app.credentials.by_email(&key, None, before.as_deref(), PAGE).await?;
    let next = page.next.and_then(|next| call.cursor(&secret, tenant, &next).ok());
    let mut entries = Vec::new();
    let found = app.credentials.get_all(&page.items).await?;
    let withheld = found.iter().any(|credential| credential.blocked.is_some());
    for credential in found.into_iter().filter(|credential| credential.blocked.is_none()) {
        entries.push(entry(app, &organization, &credential, call.now).await?);
    }
    Ok(Opened::Wallet(Box::new(Wallet {
        organization,
        mode,
        member,
        until: Timestamp::from_second(pass.until).unwrap_or(Timestamp::MAX),
        entries,
        next,
        later: before.is_some(),
        withheld,
    })))
}

async fn entry(
    app: &App,
    organization: &Organization,
    credential: &Credential,
    now: Timestamp,
) -> Result<WalletEntry, StoreError> {
    let template = app
        .catalog
        .template_version(&credential.org, credential.template_id, credential.template_version)
        .await?
        .ok_or(StoreError::Broken("credential without template".to_owned()))?;
    let issuer = issuer(app, organization, credential).await?;
    let days = days::of(app, credential).await?;
    let over = days.ended_before(Some(organization.date_of(now))).is_some();
    Ok(WalletEntry {
        url: Credential::url(&app.config.site_url, credential.id),
        name: template.definition.name.clone(),
        badge: template.definition.achievement.image.clone(),
        seal: seal::seal(
            &credential.template_id.to_string(),
            &seal::initials(document::unmarked(credential.mode, &issuer)),
            // Drawn too small for words.
            None,
        ),
        result: credential.recipient.result_value.clone(),
        awarded_on: days.award(),
        state: match credential.status {
            Status::Issued if over => State::Expired,
            Status::Issued => State::Issued,
            Status::Suspended => State::Suspended,
            Status::Revoked => State::Revoked,
        },
    })
}

/// The name of the issuer, as signed.
async fn issuer(
    app: &App,
    organization: &Organization,
    credential: &Credential,
) -> Result<String, StoreError> {
    let document = app.status_lists.document(&credential.signed).await?.unwrap_or_default();
    let document: Value = serde_json::from_slice(&document).unwrap_or_default();
    let signed = document.pointer("/issuer/name").and_then(Value::as_str);
    Ok(signed.unwrap_or(&organization.settings.name).to_owned())
}
