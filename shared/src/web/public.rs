//! The public endpoints: a credential's page and its signed document, DID documents, status lists,
//! images, QR codes, the console. People get pages, programs get problems.

use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::Body;

use crate::{
    app::App,
    document::did,
    domain::{
        credential::Credential,
        erasure::Stored,
        ids::{CredentialId, Mode, OrgId},
        image::{ImageId, ImageKind},
        lang::Lang,
        status_entry::ListId,
    },
    http::{
        parameters::{INTERACTION, VERSION},
        problem::Problem,
        serve::Call,
    },
    web::{
        accept, exchange, interaction, pages, pasted, qr,
        respond::{self, html, set},
        view::LoadedCredential,
    },
};

/// Media type of DID documents (DID Core §6.3).
const DID_JSON: &str = "application/did+ld+json";

/// `GET /credential/{credential_id}`: the page for people; for programs the document, byte for
/// byte as it was signed; for a wallet that scanned the address (`?iuv=1`) how it gets that document.
pub async fn credential(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (id, suffix) = match call.parameter.strip_suffix(".json") {
        Some(id) => (id, true),
        None => (call.parameter.as_str(), false),
    };
    let wanted = match accept::document(&call.headers) {
        None if suffix => Some("application/json"),
        wanted => wanted,
    };
    if let Some(better) = pasted::credential(id) {
        return respond::redirect(&Credential::url(&app.config.site_url, better), &call.query);
    }
    let lang = call.page_lang();
    let found = match CredentialId::parse(id) {
        Ok(id) => app.credentials.stored(id).await,
        Err(_) => Ok(None),
    };
    let site_url = &app.config.site_url;
    let blocked = matches!(&found, Ok(Some(Stored::Credential(c))) if c.blocked.is_some());
    match wanted {
        Some(_) if blocked => return Err(Problem::credential_unavailable()),
        None if blocked => {
            return html(StatusCode::FORBIDDEN, pages::blocked(site_url, lang), lang, site_url);
        }
        Some("application/json") if call.query(INTERACTION) == Some("1") && !suffix => {
            return exchange::protocols(app, found?);
        }
        Some(media_type) => {
            let mut response = signed_document(app, call, found?, media_type).await?;
            if suffix {
                let name = format!("attachment; filename=\"{id}.json\"");
                let name = HeaderValue::from_str(&name).map_err(Problem::internal)?;
                response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
            }
            return Ok(response);
        }
        None => {}
    }
    let mut lang = lang;
    let page = match found {
        Ok(Some(Stored::Credential(credential))) => {
            match LoadedCredential::read(app, *credential, call.now).await {
                Ok(found) => {
                    // A program that makes a preview asks for none.
                    lang = call.asked_lang().unwrap_or_else(|| found.lang());
                    Ok((StatusCode::OK, page_of(app, call, &found, lang)))
                }
                Err(error) => Err(error),
            }
        }
        Ok(Some(Stored::Erased(left))) => {
            Ok((StatusCode::GONE, pages::erased(left.why, site_url, lang)))
        }
        Ok(None) => Ok((StatusCode::NOT_FOUND, pages::not_found(site_url, lang))),
        Err(error) => Err(error),
    };
    match page {
        Ok((status, page)) => html(status, page, lang, site_url),
        Err(error) => {
            tracing::error!(%error, "page not shown");
            html(
                StatusCode::SERVICE_UNAVAILABLE,
                pages::unavailable(site_url, lang),
                lang,
                site_url,
            )
        }
    }
}

/// Answers the signed document of a credential.
async fn signed_document(
    app: &App,
    call: &Call,
    found: Option<Stored>,
    media_type: &'static str,
) -> Result<Response<Body>, Problem> {
    let credential = unerased(found)?;
    let document = app.status_lists.document(&credential.signed).await?.ok_or_else(unsigned)?;
    let mut response = respond::document(call, document, media_type)?;
    // A correction replaces it at once, so a cache must ask each time.
    set(&mut response, header::CACHE_CONTROL, "no-cache");
    set(&mut response, header::VARY, "Accept, Accept-Language");
    Ok(response)
}

/// The credential, if there is one and it was not erased.
pub(super) fn unerased(found: Option<Stored>) -> Result<Credential, Problem> {
    found.ok_or_else(no_credential)?.credential().ok_or_else(Problem::erased)
}

/// 404: the credential has no document.
pub(super) fn unsigned() -> Problem {
    Problem::not_found(
        "La credencial es de una versión anterior y no está firmada",
        "The credential is of an earlier version and is not signed",
    )
}

/// 404: there is no such credential.
pub(super) fn no_credential() -> Problem {
    Problem::not_found("La credencial no existe", "The credential does not exist")
}

/// Renders the page, or a notice for a version that a correction replaced (`?version=`).
fn page_of(app: &App, call: &Call, found: &LoadedCredential, lang: Lang) -> String {
    let site_url = &app.config.site_url;
    let present = found.credential.version;
    let asked = call.query(VERSION).and_then(|version| version.parse::<u32>().ok());
    if let Some(asked) = asked.filter(|asked| (1..present).contains(asked)) {
        let url = Credential::url(site_url, found.credential.id);
        return pages::replaced(&url, asked, site_url, lang);
    }
    pages::credential(&found.shown(site_url, call.now), site_url, lang)
}

/// `GET /console`: the page for issuing from a file.
pub fn console(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let lang = call.page_lang();
    let lang = Lang::from(lang.staff());
    let site_url = &app.config.site_url;
    let mut response = html(StatusCode::OK, pages::console(site_url, lang), lang, site_url)?;
    let uploads = app.config.uploads_origin.as_deref().unwrap_or_default();
    let policy = HeaderValue::from_str(&pages::console_security_policy(uploads));
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy.map_err(Problem::internal)?);
    Ok(response)
}

/// `GET /credential/{credential_id}/qr.svg`: the address of the page as a QR code.
pub async fn qr_code(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let id = CredentialId::parse(&call.parameter).map_err(|_| no_credential())?;
    let credential = unerased(app.credentials.stored(id).await?)?;
    if credential.blocked.is_some() {
        return Err(Problem::credential_unavailable());
    }
    let page = Credential::url(&app.config.site_url, credential.id);
    let code = qr::svg(&interaction::interaction_url(&page));
    let code = code.ok_or_else(|| Problem::internal("an address too long for a QR code"))?;
    respond::cached(call, code.into_bytes(), "image/svg+xml")
}

/// `GET /images/{image}`: an image of an organization. Its name is its hash, so it never expires.
pub async fn image(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let missing = || Problem::not_found("La imagen no existe", "The image does not exist");
    let of = |kind: ImageKind| {
        let id = call.parameter.strip_suffix(kind.suffix()).and_then(ImageId::parse)?;
        Some((kind, id))
    };
    let named = of(ImageKind::Png).or_else(|| of(ImageKind::Svg));
    let (kind, id) = named.ok_or_else(missing)?;
    let found = app.catalog.image(&id).await?.filter(|(image, _)| image.kind == kind);
    let (_, file) = found.ok_or_else(missing)?;
    let media_type = match kind {
        ImageKind::Png => "image/png",
        ImageKind::Svg => "image/svg+xml",
    };
    let mut response = respond::file(call, file, media_type)?;
    if kind == ImageKind::Svg {
        // A drawing opened by itself is a document of this origin. It has no script; none would run either.
        set(&mut response, header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    }
    set(&mut response, header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    Ok(response)
}

/// `GET /status/{list_id}`: a status list, as last signed.
pub async fn status_list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let missing =
        || Problem::not_found("La lista de estado no existe", "The status list does not exist");
    let id = ListId::parse(&call.parameter).ok_or_else(missing)?;
    let list = app.status_lists.list(&id).await?.ok_or_else(missing)?;
    respond::cached(call, list.document, "application/vc")
}

/// `GET /orgs/{org}/did.json` and `GET /orgs/{org}/test/did.json`: the keys of an organization
/// that count, which leaves out compromised ones.
pub async fn did_document(app: &App, call: &Call, mode: Mode) -> Result<Response<Body>, Problem> {
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
    respond::cached(call, to_bytes(&did::document(&did, &multikeys))?, DID_JSON)
}

/// `GET /.well-known/did.json`: the DID document of the site.
pub fn site_did_document(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let document = did::site_document(&app.config.site_url);
    respond::cached(call, to_bytes(&document)?, DID_JSON)
}

fn to_bytes(value: &serde_json::Value) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(Problem::internal)
}
