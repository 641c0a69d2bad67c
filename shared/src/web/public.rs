//! The public side: a credential's page and its signed document, who signs, status lists.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use lambda_http::Body;

use crate::{
    app::App,
    document::did,
    domain::{
        credential::Credential,
        ids::{CredentialId, Mode, OrgId},
        image::ImageId,
        lang::Lang,
        status_entry::ListId,
    },
    http::{problem::Problem, serve::Call},
    web::{pages, qr, view::LoadedCredential, wallet},
};

/// How long a status list, or who signs, may be kept by others: seconds.
const PUBLIC_CACHE: &str = "public, max-age=60";

/// Answers a public route. None changes anything: mail scanners follow links.
///
/// # Errors
/// The documented problems, for programs; people get pages.
pub async fn answer_route(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    match call.route {
        (_, "/status/{list_id}") => status_list(app, call).await,
        (_, "/orgs/{org}/did.json") => did_document(app, call, Mode::Live).await,
        (_, "/orgs/{org}/test/did.json") => did_document(app, call, Mode::Test).await,
        (_, "/.well-known/did.json") => {
            public(call, to_bytes(&did::site_document(&app.config.site_url))?, DID_JSON)
        }
        (_, "/credential/{credential_id}/qr.svg") => qr_code(app, call).await,
        (_, "/images/{image}") => image(app, call).await,
        (_, "/wallet/{token}") => wallet::show(app, call).await,
        (_, "/console") => console(app, call),
        _ => show(app, call).await,
    }
}

/// Media type of DID documents (DID Core §6.3).
const DID_JSON: &str = "application/did+ld+json";

/// `GET /credential/{credential_id}`: the page for people; for programs the document,
/// byte for byte as it was signed.
async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (id, suffix) = match call.parameter.strip_suffix(".json") {
        Some(id) => (id, true),
        None => (call.parameter.as_str(), false),
    };
    let wanted = match wanted_json(call.header("accept").unwrap_or_default()) {
        None if suffix => Some("application/json"),
        wanted => wanted,
    };
    let lang = call.query("lang").and_then(Lang::from_tag).unwrap_or(call.lang);
    let missing = || Problem::not_found("La credencial no existe", "The credential does not exist");
    let found = match CredentialId::parse(id) {
        Ok(id) => app.credentials.get(id).await,
        Err(_) => Ok(None),
    };
    if let Some(media_type) = wanted {
        let credential = found?.ok_or_else(missing)?;
        let document = app.status_lists.document(&credential.signed).await?.ok_or_else(|| {
            Problem::not_found(
                "La credencial es de una versión anterior y no está firmada",
                "The credential is of an earlier version and is not signed",
            )
        })?;
        let mut response = with_etag(call, document, media_type)?;
        // A correction replaces it at once, so whoever keeps it asks each time.
        set(&mut response, header::CACHE_CONTROL, "no-cache");
        set(&mut response, header::VARY, "Accept, Accept-Language");
        return Ok(response);
    }
    let page = match found {
        Ok(Some(credential)) => match LoadedCredential::read(app, credential, call.now).await {
            Ok(found) => Ok(Some(page_of(app, call, &found, lang))),
            Err(error) => Err(error),
        },
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    let site_url = &app.config.site_url;
    match page {
        Ok(Some(page)) => html(StatusCode::OK, page, lang, site_url),
        Ok(None) => html(StatusCode::NOT_FOUND, pages::not_found(lang), lang, site_url),
        Err(error) => {
            tracing::error!(%error, "page not shown");
            html(StatusCode::SERVICE_UNAVAILABLE, pages::unavailable(lang), lang, site_url)
        }
    }
}

/// The page, or, for a version that a correction replaced (`?version=`), a word on that.
fn page_of(app: &App, call: &Call, found: &LoadedCredential, lang: Lang) -> String {
    let site_url = &app.config.site_url;
    let present = found.credential.version;
    let asked = call.query("version").and_then(|version| version.parse::<u32>().ok());
    if let Some(asked) = asked.filter(|asked| (1..present).contains(asked)) {
        return pages::replaced(&Credential::url(site_url, found.credential.id), asked, lang);
    }
    pages::credential(&found.shown(site_url, call.now), site_url, lang)
}

/// `GET /console`: the page for issuing from a file.
fn console(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let lang = call.query("lang").and_then(Lang::from_tag).unwrap_or(call.lang);
    let site_url = &app.config.site_url;
    let mut response = html(StatusCode::OK, pages::console(site_url, lang), lang, site_url)?;
    let uploads = app.config.uploads_origin.as_deref().unwrap_or_default();
    let policy = HeaderValue::from_str(&pages::console_security_policy(uploads));
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy.map_err(Problem::internal)?);
    Ok(response)
}

/// `GET /credential/{credential_id}/qr.svg`: the page's address as a QR code.
async fn qr_code(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let missing = || Problem::not_found("La credencial no existe", "The credential does not exist");
    let id = CredentialId::parse(&call.parameter).map_err(|_| missing())?;
    let credential = app.credentials.get(id).await?.ok_or_else(missing)?;
    let code = qr::svg(&Credential::url(&app.config.site_url, credential.id));
    let code = code.ok_or_else(|| Problem::internal("an address too long for a QR code"))?;
    public(call, code.into_bytes(), "image/svg+xml")
}

/// `GET /images/{image}`: an image of an organization. It stands under its hash, so whoever has
/// it need never ask again.
async fn image(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let missing = || Problem::not_found("La imagen no existe", "The image does not exist");
    let id = call.parameter.strip_suffix(".png").and_then(ImageId::parse).ok_or_else(missing)?;
    let (_, png) = app.catalog.image(&id).await?.ok_or_else(missing)?;
    let mut response = file(call, png, "image/png")?;
    set(&mut response, header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    Ok(response)
}

/// `GET /status/{list_id}`: a status list, as it was signed last.
async fn status_list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let missing =
        || Problem::not_found("La lista de estado no existe", "The status list does not exist");
    let id = ListId::parse(&call.parameter).ok_or_else(missing)?;
    let list = app.status_lists.list(&id).await?.ok_or_else(missing)?;
    public(call, list.document, "application/vc")
}

/// `GET /orgs/{org}/did.json`, and the one of test credentials under `/test`.
async fn did_document(app: &App, call: &Call, mode: Mode) -> Result<Response<Body>, Problem> {
    let missing =
        || Problem::not_found("La organización no existe", "The organization does not exist");
    let org = OrgId::parse(&call.parameter).map_err(|_| missing())?;
    let keys = app.catalog.public_keys(&org, mode).await?;
    if keys.is_empty() {
        return Err(missing());
    }
    let counts = keys.into_iter().filter(|key| key.compromised_at.is_none());
    let multikeys: Vec<String> = counts.map(|key| key.multikey).collect();
    let did = did::of(&app.config.site_url, &org, mode);
    public(call, to_bytes(&did::document(&did, &multikeys))?, DID_JSON)
}

fn to_bytes(value: &serde_json::Value) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(Problem::internal)
}

/// What anybody may read and keep for a minute.
fn public(call: &Call, body: Vec<u8>, media_type: &'static str) -> Result<Response<Body>, Problem> {
    let mut response = with_etag(call, body, media_type)?;
    set(&mut response, header::CACHE_CONTROL, PUBLIC_CACHE);
    Ok(response)
}

/// Text under its hash as `ETag`; 304 without it for whoever has it. Verifiers run
/// in browsers too, so any origin may read.
fn with_etag(
    call: &Call,
    body: Vec<u8>,
    media_type: &'static str,
) -> Result<Response<Body>, Problem> {
    let mut response = file(call, body, media_type)?;
    // lambda_http hands over what it does not know for text as base64, which API Gateway
    // decodes by the client's Accept header; some clients send none.
    let as_text = HeaderName::from_static("x-lambda-http-content-encoding");
    set(&mut response, as_text, "text");
    Ok(response)
}

/// Bytes under their hash as `ETag`; 304 without them for whoever has them.
///
/// # Errors
/// When the hash cannot stand in a header.
pub fn file(
    call: &Call,
    body: Vec<u8>,
    media_type: &'static str,
) -> Result<Response<Body>, Problem> {
    let hash = digest(&SHA256, &body);
    let tag = URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default());
    let tag = format!("\"{tag}\"");
    let known = call.header("if-none-match").is_some_and(|tags| {
        tags.split(',').any(|known| {
            let known = known.trim();
            known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
        })
    });
    let mut response = match known {
        true => Response::new(Body::Empty),
        false => Response::new(Body::Binary(body)),
    };
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        set(&mut response, header::CONTENT_TYPE, media_type);
    }
    let tag = HeaderValue::from_str(&tag).map_err(Problem::internal)?;
    response.headers_mut().insert(header::ETAG, tag);
    set(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(&mut response, HeaderName::from_static("x-robots-tag"), "noindex");
    set(&mut response, header::REFERRER_POLICY, "no-referrer");
    Ok(response)
}

/// Sets a header.
pub fn set(response: &mut Response<Body>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// The JSON type that stands before HTML in `Accept`.
fn wanted_json(accept: &str) -> Option<&'static str> {
    for part in accept.split(',') {
        match part.split(';').next().unwrap_or_default().trim() {
            "application/json" => return Some("application/json"),
            "application/ld+json" => return Some("application/ld+json"),
            "application/vc" => return Some("application/vc"),
            "text/html" | "application/xhtml+xml" | "*/*" => return None,
            _ => {}
        }
    }
    None
}

/// A page for people, with what keeps it to itself.
///
/// # Errors
/// When the site's address cannot stand in a header.
pub fn html(
    status: StatusCode,
    body: String,
    lang: Lang,
    site_url: &str,
) -> Result<Response<Body>, Problem> {
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(&mut response, header::VARY, "Accept, Accept-Language");
    set(&mut response, HeaderName::from_static("x-robots-tag"), "noindex");
    set(&mut response, header::REFERRER_POLICY, "no-referrer");
    set(&mut response, header::CONTENT_LANGUAGE, lang.tag());
    let policy = HeaderValue::from_str(&pages::content_security_policy(site_url));
    let policy = policy.map_err(Problem::internal)?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_ask_for_json_get_it_and_browsers_get_the_page() {
        for (accept, json) in [
            ("application/json", "application/json"),
            ("application/vc", "application/vc"),
            ("application/ld+json, */*;q=0.1", "application/ld+json"),
        ] {
            assert_eq!(wanted_json(accept), Some(json), "{accept}");
        }
        for page in ["", "*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"] {
            assert_eq!(wanted_json(page), None, "{page}");
        }
    }
}
