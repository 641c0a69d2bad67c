//! The function `render`: draws a credential's certificate as PDF, its badge with the signed
//! document inside, and the preview image that chat programs show. It changes nothing and has no
//! signing key.
//!
//! Fonts and the renderer take some megabytes. Only this function has them, so that the functions
//! that issue stay small.

mod certificate;
mod drawing;
mod fonts;
mod preview;
mod typesetting;

use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::{Body, Request};
use unicreda::{
    App,
    domain::{
        erasure::{Stored, Why},
        ids::CredentialId,
        image::Image,
        lang::Lang,
        picture::{self, Png},
    },
    http::{
        parameters::LANG,
        problem::Problem,
        routes::Render,
        serve::{self, Call},
    },
    store::StoreError,
    web::{
        achievement, pages,
        respond::{file, html, set},
        seal,
        view::{CredentialView, LoadedCredential},
    },
};

/// Side of the badge's square image, in pixels.
const BADGE_SIDE: u32 = 800;

/// Side of a seal's square image, in pixels: twice that in a mail.
const SEAL_SIDE: u32 = 224;

/// Answers a request for a drawn file.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |endpoint, call| async move { draw(app, endpoint, &call).await })
        .await
}

/// The data that a drawing needs.
struct Content {
    shown: CredentialView,
    document: Vec<u8>,
    logo: Option<Vec<u8>>,
    badge: Option<Vec<u8>>,
}

/// What is behind an address.
enum Found {
    /// No credential, or one without a signed document.
    Nothing,
    /// A credential that its organization blocked.
    Blocked,
    /// What is left of one that was erased.
    Erased(Why),
    Content(Box<Content>),
}

async fn draw(app: &App, endpoint: Render, call: &Call) -> Result<Response<Body>, Problem> {
    if endpoint == Render::Seal {
        return seal(app, call).await;
    }
    let lang = call.query(LANG).and_then(Lang::from_tag).unwrap_or(call.lang);
    let site_url = &app.config.site_url;
    let content = match read(app, call).await? {
        Found::Content(content) => content,
        Found::Erased(why) => {
            return html(StatusCode::GONE, pages::erased(why, lang), lang, site_url);
        }
        Found::Blocked => {
            return html(StatusCode::FORBIDDEN, pages::blocked(lang), lang, site_url);
        }
        Found::Nothing => {
            return html(StatusCode::NOT_FOUND, pages::not_found(lang), lang, site_url);
        }
    };
    let Content { shown, document, logo, badge } = content.as_ref();
    let id = &shown.id;
    let (bytes, media_type, name) = match endpoint {
        Render::Certificate => {
            if !shown.can_be_drawn() {
                let page = pages::not_drawn(&shown.url, lang);
                return html(StatusCode::UNPROCESSABLE_ENTITY, page, lang, site_url);
            }
            let pictures = certificate::Pictures { logo: logo.as_deref(), badge: badge.as_deref() };
            let pdf = certificate::pdf(shown, document, &pictures, lang);
            let name = format!("{}-{id}.pdf", lang.pick("certificado", "certificate"));
            (pdf.map_err(Problem::internal)?, "application/pdf", name)
        }
        Render::Badge => {
            let drawn = |svg: &str| drawing::png(svg, BADGE_SIDE, BADGE_SIDE);
            let plain = match (drawing::mark(shown, lang), badge) {
                (Some(mark), _) => drawn(&drawing::marked(shown, badge.as_deref(), &mark)),
                (None, Some(png)) => Ok(png.clone()),
                (None, None) => drawn(&drawing::seal(shown)),
            };
            let plain = plain.map_err(Problem::internal)?;
            let baked = picture::bake(&plain, document);
            let baked = baked.ok_or_else(|| Problem::internal("a badge that is no PNG file"))?;
            (baked, "image/png", format!("{id}.png"))
        }
        Render::Preview | Render::Seal => {
            let png = preview::png(shown, badge.as_deref(), lang).map_err(Problem::internal)?;
            (png, "image/png", format!("preview-{id}.png"))
        }
    };
    let mut response = file(call, bytes, media_type)?;
    // A revocation or a correction changes the file at once, so a cache must revalidate each time.
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
    Ok(response)
}

/// Draws the seal of an achievement: the picture in the mail to all who have it, so it tells nobody who
/// reads.
async fn seal(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let missing = || Problem::not_found("El logro no existe", "The achievement does not exist");
    let (org, id) = achievement::named(&call.parameter).ok_or_else(missing)?;
    let template = app.catalog.template(&org, id).await?.ok_or_else(missing)?;
    let organization = app.catalog.organization(&org).await?;
    let initials = seal::initials(&organization.settings.name);
    let svg = drawing::seal_of(&template.id.to_string(), &initials);
    let png = drawing::png(&svg, SEAL_SIDE, SEAL_SIDE).map_err(Problem::internal)?;
    let mut response = file(call, png, "image/png")?;
    set(&mut response, header::CACHE_CONTROL, "public, max-age=86400");
    Ok(response)
}

/// Reads the data of a drawing.
async fn read(app: &App, call: &Call) -> Result<Found, StoreError> {
    let Ok(id) = CredentialId::parse(&call.parameter) else {
        return Ok(Found::Nothing);
    };
    let credential = match app.credentials.stored(id).await? {
        Some(Stored::Credential(credential)) => *credential,
        Some(Stored::Erased(left)) => return Ok(Found::Erased(left.why)),
        None => return Ok(Found::Nothing),
    };
    if credential.blocked.is_some() {
        return Ok(Found::Blocked);
    }
    let found = LoadedCredential::read(app, credential, call.now).await?;
    let shown = found.shown(&app.config.site_url, call.now);
    let Some(document) = found.document else {
        return Ok(Found::Nothing);
    };
    let (logo, badge) = (bytes(app, &shown.logo).await?, bytes(app, &shown.badge).await?);
    Ok(Found::Content(Box::new(Content { shown, document, logo, badge })))
}

/// The file of an image, without what does not draw. `None` for one that cannot be drawn: a
/// credential is shown without its decoration, and not refused because of it.
async fn bytes(app: &App, image: &Option<Image>) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(image) = image else {
        return Ok(None);
    };
    let Some((_, file)) = app.catalog.image(&image.id).await? else {
        return Ok(None);
    };
    match Png::kept(&file) {
        Ok(png) => Ok(Some(png.into_bytes())),
        Err(error) => {
            tracing::error!(%error, image_id = %image.id, "image not drawn");
            Ok(None)
        }
    }
}
