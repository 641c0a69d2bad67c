//! What is drawn of a credential: the certificate as PDF, the badge that carries its credential,
//! the preview image of chat programs. It changes nothing and holds no key.
//!
//! Drawing takes fonts and a renderer, some megabytes together. They are in this function alone, so
//! that none of those that issue grows by them.

mod certificate;
mod drawing;
mod fonts;
mod preview;
mod typesetting;

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use lambda_http::{Body, Request};
use unicreda::{
    App,
    domain::{
        ids::CredentialId,
        image::{self, Image},
        lang::Lang,
    },
    http::{
        problem::Problem,
        serve::{self as web, Call},
    },
    store::StoreError,
    web::{
        pages,
        public::{file, html, set},
        view::{CredentialView, LoadedCredential},
    },
};

/// Side of a seal as PNG, in pixels.
const BADGE_SIDE: u32 = 800;

/// Answers a route of drawn files.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    web::serve(app, request, |call| async move { answer(app, &call).await }).await
}

/// What a file is drawn from.
struct Drawn {
    shown: CredentialView,
    document: Vec<u8>,
    logo: Option<Vec<u8>>,
    badge: Option<Vec<u8>>,
}

async fn answer(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let lang = call.query("lang").and_then(Lang::from_tag).unwrap_or(call.lang);
    let site_url = &app.config.site_url;
    let Some(drawn) = read(app, call).await? else {
        return html(StatusCode::NOT_FOUND, pages::not_found(lang), lang, site_url);
    };
    let Drawn { shown, document, logo, badge } = &drawn;
    let id = &shown.id;
    let (bytes, media_type, name) = match call.route.1 {
        "/credential/{credential_id}/certificate.pdf" => {
            if !shown.can_be_drawn() {
                let page = pages::not_drawn(&shown.url, lang);
                return html(StatusCode::UNPROCESSABLE_ENTITY, page, lang, site_url);
            }
            let pictures = certificate::Pictures { logo: logo.as_deref(), badge: badge.as_deref() };
            let pdf = certificate::pdf(shown, document, &pictures, lang);
            let name = format!("{}-{id}.pdf", lang.pick("certificado", "certificate"));
            (pdf.map_err(Problem::internal)?, "application/pdf", name)
        }
        "/credential/{credential_id}/badge.png" => {
            let plain = match badge {
                Some(png) => png.clone(),
                None => drawing::png(&drawing::seal(shown), BADGE_SIDE, BADGE_SIDE)
                    .map_err(Problem::internal)?,
            };
            let baked = image::bake(&plain, document);
            let baked = baked.ok_or_else(|| Problem::internal("a badge that is no PNG file"))?;
            (baked, "image/png", format!("{id}.png"))
        }
        _ => {
            let png = preview::png(shown, badge.as_deref(), lang).map_err(Problem::internal)?;
            (png, "image/png", format!("preview-{id}.png"))
        }
    };
    let mut response = file(call, bytes, media_type)?;
    // A revocation or a correction replaces it at once, so whoever keeps it asks each time.
    set(&mut response, header::CACHE_CONTROL, "no-cache");
    set(&mut response, header::VARY, "Accept-Language");
    set(
        &mut response,
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    );
    let inline = format!("inline; filename=\"{name}\"");
    let inline = HeaderValue::from_str(&inline).map_err(Problem::internal)?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, inline);
    set(&mut response, HeaderName::from_static("x-robots-tag"), "noindex");
    Ok(response)
}

/// Reads what a file is drawn from; none when there is no such credential, or it is of a version
/// that did not sign.
async fn read(app: &App, call: &Call) -> Result<Option<Drawn>, StoreError> {
    let Ok(id) = CredentialId::parse(&call.parameter) else {
        return Ok(None);
    };
    let Some(credential) = app.credentials.get(id).await? else {
        return Ok(None);
    };
    let found = LoadedCredential::read(app, credential, call.now).await?;
    let shown = found.shown(&app.config.site_url, call.now);
    let Some(document) = found.document else {
        return Ok(None);
    };
    let (logo, badge) = (bytes(app, &shown.logo).await?, bytes(app, &shown.badge).await?);
    Ok(Some(Drawn { shown, document, logo, badge }))
}

async fn bytes(app: &App, image: &Option<Image>) -> Result<Option<Vec<u8>>, StoreError> {
    match image {
        Some(image) => Ok(app.catalog.image(&image.id).await?.map(|(_, png)| png)),
        None => Ok(None),
    }
}
