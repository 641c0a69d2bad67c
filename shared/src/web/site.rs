//! The site itself: whose it is, its icon, whom to tell about a fault of its security, and what an
//! address answers that names nothing.

use std::fmt::Write;

use http::{Response, StatusCode, header};
use jiff::ToSpan;
use lambda_http::Body;

use crate::{
    app::App,
    domain::lang::Lang,
    http::{
        parameters::LANG,
        problem::Problem,
        serve::{Call, Refused},
    },
    web::{
        accept,
        pages::{self, Issuer},
        pasted,
        respond::{self, html, set},
    },
};

/// Most organizations that the home page names.
const MOST: usize = 50;
/// The icon of every page: the edge of a seal, as a PNG of 48 pixels in an ICO file.
const ICON: &[u8] = include_bytes!("favicon.ico");
/// Days for which `security.txt` says that it holds; RFC 9116 recommends less than a year.
const SECURITY_DAYS: i64 = 180;

/// `GET /`: whose site this is, and how to verify a credential.
pub async fn home(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let lang = call.page_lang();
    let site_url = &app.config.site_url;
    let mut issuers = Vec::new();
    for (org, _) in app.catalog.names().await?.into_iter().take(MOST) {
        let organization = app.catalog.organization(&org).await?;
        issuers.push(Issuer::of(&organization.settings));
    }
    html(StatusCode::OK, pages::home(&issuers, site_url, lang), lang, site_url)
}

/// `GET /favicon.ico`.
pub fn favicon(call: &Call) -> Result<Response<Body>, Problem> {
    let mut response = respond::file(call, ICON.to_vec(), "image/x-icon")?;
    set(&mut response, header::CACHE_CONTROL, "public, max-age=604800");
    Ok(response)
}

/// `GET /.well-known/security.txt` (RFC 9116).
///
/// # Errors
/// `not_found` if the deployment names no contact.
pub fn security_txt(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let contact = app.config.security_contact.as_deref().ok_or_else(|| {
        Problem::not_found(
            "Este sitio no publica un contacto de seguridad",
            "This site names no contact for its security",
        )
    })?;
    // A whole day, so that the file changes once a day.
    let until = call.now.strftime("%Y-%m-%dT00:00:00Z").to_string();
    let until = until.parse::<jiff::Timestamp>().map_err(Problem::internal)?;
    let until = until.checked_add((24 * SECURITY_DAYS).hours()).map_err(Problem::internal)?;
    let mut text = String::new();
    let site_url = &app.config.site_url;
    let written = write!(
        text,
        "Contact: {contact}\nExpires: {until}\nPreferred-Languages: es, en\nCanonical: {site_url}/.well-known/security.txt\n"
    );
    written.map_err(Problem::internal)?;
    respond::cached(call, text.into_bytes(), "text/plain; charset=utf-8")
}

/// What a problem looks like to people: an address that is written wrongly leads where it means to,
/// every other one to a page. `None` for programs, and under `/api/`.
pub fn lost(site_url: &str, refused: &Refused<'_>) -> Option<Response<Body>> {
    if refused.path.starts_with("/api/") {
        return None;
    }
    let status = refused.problem.status;
    let lost = refused.reads && !refused.known && status == StatusCode::NOT_FOUND;
    let meant = pasted::path(refused.path).filter(|_| lost);
    if let Some(path) = meant {
        return respond::redirect(&format!("{site_url}{path}"), refused.query).ok();
    }
    if !accept::is_browser(refused.headers) {
        return None;
    }
    let lang = refused.query.first(LANG.name).and_then(Lang::from_tag).unwrap_or(refused.lang);
    let page = match status {
        StatusCode::NOT_FOUND => pages::nowhere(site_url, lang),
        StatusCode::METHOD_NOT_ALLOWED => pages::not_taken(site_url, lang),
        StatusCode::FORBIDDEN => pages::blocked(site_url, lang),
        StatusCode::GONE => pages::gone(site_url, lang),
        status if status.is_server_error() => pages::unavailable(site_url, lang),
        _ => return None,
    };
    let mut response = html(status, page, lang, site_url).ok()?;
    response.headers_mut().extend(refused.problem.headers());
    Some(response)
}
