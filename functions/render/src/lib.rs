//! The function `render`: draws a credential's certificate as PDF, its badge with the signed
//! document inside, the preview image that chat programs show, and samples of a template's certificates. It changes nothing
//! and has no signing key.
//!
//! Fonts and the renderer take some megabytes. Only this function has them, so that the functions
//! that issue stay small.
//!
//! A layout ([`layouts`], [`preview`], [`drawing`]) draws on a [`sheet`]. [`typesetting`] sets its texts with [`fonts`];
//! [`pdf`], [`pixels`] and [`svg`] make files of it.

mod certificate;
mod drawing;
mod fonts;
mod ground;
mod layouts;
mod pdf;
pub mod pictures;
mod pixels;
mod preview;
pub mod printer;
mod sample;
mod sheet;
mod svg;
mod typesetting;

use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use lambda_http::{Body, Request};
use unicreda::{
    App,
    domain::{
        credential::Credential,
        erasure::{Stored, Why},
        ids::CredentialId,
        lang::Lang,
        picture as png_files,
    },
    http::{
        problem::Problem,
        routes::Render,
        serve::{self, Call},
    },
    store::StoreError,
    web::{
        achievement, pages,
        respond::{file, html, set},
        seal, site,
        view::{CredentialView, LoadedCredential},
    },
};

use crate::{
    drawing::DrawError,
    pictures::{DesignPictures, Sources, picture},
};

/// Widths of badge and preview, in pixels.
const BADGE_SIDE: u32 = 800;
const PREVIEW_WIDTH: u32 = 1_200;
/// Letters that a header names.
const MOST_NAMED: usize = 50;
/// Names the letters of a file that no font has, which it shows as code points.
const UNKNOWN_LETTERS: HeaderName = HeaderName::from_static("x-unknown-letters");

/// Side of a seal's square image, in pixels: twice that in a mail.
const SEAL_SIDE: u32 = 224;

/// Answers a request for a drawn file.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let work = |endpoint, call| async move { draw(app, endpoint, &call).await };
    let site_url = &app.config.site_url;
    serve::serve_people(app, request, work, |refused| site::lost(site_url, refused)).await
}

/// What is drawn of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawn {
    Certificate,
    Badge,
    BadgeDrawing,
    Preview,
}

/// The data that a drawing needs.
struct Content {
    shown: CredentialView,
    /// The language for readers that ask for none.
    lang: Lang,
    document: Vec<u8>,
    logo: Option<Vec<u8>>,
    badge: Option<Vec<u8>>,
    design: DesignPictures,
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
    let lang = call.page_lang();
    let drawn = match endpoint {
        Render::Certificate => Drawn::Certificate,
        Render::Badge => Drawn::Badge,
        Render::BadgeDrawing => Drawn::BadgeDrawing,
        Render::Preview => Drawn::Preview,
        Render::Sample => return sample::draw(app, call).await,
        Render::Seal => return seal(app, call).await,
    };
    let site_url = &app.config.site_url;
    let content = match read(app, call, drawn).await? {
        Found::Content(content) => content,
        Found::Erased(why) => {
            return html(StatusCode::GONE, pages::erased(why, site_url, lang), lang, site_url);
        }
        Found::Blocked => {
            return html(StatusCode::FORBIDDEN, pages::blocked(site_url, lang), lang, site_url);
        }
        Found::Nothing => {
            return html(StatusCode::NOT_FOUND, pages::not_found(site_url, lang), lang, site_url);
        }
    };
    // A program that shows a preview asks for none.
    let lang = call.asked_lang().unwrap_or(content.lang);
    let id = &content.shown.id;
    let DrawnFile { bytes, unknown, media_type, name } = written(&content, drawn, lang)?;
    let mut response = file(call, bytes, media_type)?;
    // A revocation or a correction changes the file at once, so a cache must revalidate each time.
    set(&mut response, header::CACHE_CONTROL, "no-cache");
    set(&mut response, header::VARY, "Accept-Language");
    let policy = match drawn {
        // An image of the organization's own is inside the drawing.
        Drawn::BadgeDrawing => "default-src 'none'; img-src data:; frame-ancestors 'none'",
        _ => "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    };
    set(&mut response, header::CONTENT_SECURITY_POLICY, policy);
    let inline = format!("inline; filename=\"{name}\"");
    let inline = HeaderValue::from_str(&inline).map_err(Problem::internal)?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, inline);
    if let Some(letters) = named(&unknown) {
        // Which letters, the header says; the log holds nothing of a name.
        tracing::warn!(credential_id = %id, letters = unknown.len(), "letters without a font drawn as code points");
        let letters = HeaderValue::from_str(&letters).map_err(Problem::internal)?;
        response.headers_mut().insert(UNKNOWN_LETTERS, letters);
    }
    Ok(response)
}

/// A file that was drawn.
struct DrawnFile {
    bytes: Vec<u8>,
    /// The letters on it that no font has.
    unknown: BTreeSet<char>,
    media_type: &'static str,
    name: String,
}

/// Draws a file.
fn written(content: &Content, drawn: Drawn, lang: Lang) -> Result<DrawnFile, Problem> {
    let Content { shown, document, logo, badge, design, .. } = content;
    let id = &shown.id;
    Ok(match drawn {
        Drawn::Certificate => {
            let pictures = certificate::Pictures {
                logo: logo.as_deref(),
                badge: badge.as_deref(),
                backdrop: design.backdrop.as_ref(),
                signatures: &design.signatures,
            };
            let (bytes, unknown) =
                certificate_of(shown, document, pictures, lang).map_err(Problem::internal)?;
            let name = format!("{}-{id}.pdf", lang.texts().certificate.file_name);
            DrawnFile { bytes, unknown, media_type: "application/pdf", name }
        }
        Drawn::Badge => {
            let (plain, unknown) = match (drawing::mark(shown, lang), badge) {
                (None, Some(png)) => (png.clone(), BTreeSet::new()),
                (mark, badge) => {
                    let sheet = drawing::badge(shown, badge.as_deref(), mark.as_ref(), lang);
                    let png = pixels::png(&sheet, BADGE_SIDE).map_err(Problem::internal)?;
                    (png, sheet.unknown)
                }
            };
            let baked = png_files::bake(&plain, document);
            let baked = baked.ok_or_else(|| Problem::internal("a badge that is no PNG file"))?;
            DrawnFile { bytes: baked, unknown, media_type: "image/png", name: format!("{id}.png") }
        }
        Drawn::BadgeDrawing => {
            let mark = drawing::mark(shown, lang);
            let sheet = drawing::badge(shown, badge.as_deref(), mark.as_ref(), lang);
            let document = std::str::from_utf8(document).map_err(Problem::internal)?;
            let svg = svg::svg(&sheet, &shown.name, document);
            DrawnFile {
                bytes: svg.into_bytes(),
                unknown: sheet.unknown,
                media_type: "image/svg+xml",
                name: format!("{id}.svg"),
            }
        }
        Drawn::Preview => {
            let sheet = preview::sheet(shown, badge.as_deref(), lang);
            let png = pixels::png(&sheet, PREVIEW_WIDTH).map_err(Problem::internal)?;
            DrawnFile {
                bytes: png,
                unknown: sheet.unknown,
                media_type: "image/png",
                name: format!("preview-{id}.png"),
            }
        }
    })
}

/// Draws a certificate, without the pictures of its design if they cannot be drawn: no picture stands between graduates and their
/// certificates. Returns the letters that no font has, too.
fn certificate_of(
    shown: &CredentialView,
    document: &[u8],
    mut pictures: certificate::Pictures<'_>,
    lang: Lang,
) -> Result<(Vec<u8>, BTreeSet<char>), DrawError> {
    // The background is the largest, and first to go.
    let fewer: [fn(&mut certificate::Pictures<'_>); 3] = [
        |pictures| pictures.backdrop = None,
        |pictures| pictures.signatures = &[],
        |pictures| (pictures.logo, pictures.badge) = (None, None),
    ];
    let mut fewer = fewer.into_iter();
    loop {
        let sheet = certificate::sheet(shown, &pictures, lang);
        let pdf = certificate::pdf(&sheet, shown, document, lang);
        match (pdf.and_then(certificate::sized), fewer.next()) {
            (Err(error), Some(leave_out)) => {
                tracing::error!(%error, credential_id = %shown.id, "image not drawn");
                leave_out(&mut pictures);
            }
            (pdf, _) => return Ok((pdf?, sheet.unknown)),
        }
    }
}

/// Draws the seal of an achievement: the picture in the mail to all who have it, so it tells nobody who
/// reads.
async fn seal(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let missing = || Problem::not_found("El logro no existe", "The achievement does not exist");
    let (org, id) = achievement::named(&call.parameter).ok_or_else(missing)?;
    let template = app.catalog.template(&org, id).await?.ok_or_else(missing)?;
    let organization = app.catalog.organization(&org).await?;
    let initials = seal::initials(&organization.settings.name);
    let (template_id, award) = (template.id.to_string(), &template.definition.name);
    let of = drawing::Seal { template: &template_id, award, initials: &initials };
    let sheet = drawing::seal(&of);
    let png = pixels::png(&sheet, SEAL_SIDE).map_err(Problem::internal)?;
    let mut response = file(call, png, "image/png")?;
    set(&mut response, header::CACHE_CONTROL, "public, max-age=86400");
    Ok(response)
}

/// The code points of letters, at most [`MOST_NAMED`] of them. `None` without any.
fn named(letters: &BTreeSet<char>) -> Option<String> {
    let codes = letters.iter().take(MOST_NAMED).map(|c| format!("U+{:04X}", u32::from(*c)));
    (!letters.is_empty()).then(|| codes.collect::<Vec<_>>().join(" "))
}

/// Reads the data of a drawing.
async fn read(app: &App, call: &Call, drawn: Drawn) -> Result<Found, StoreError> {
    let Ok(id) = CredentialId::parse(&call.parameter) else {
        return Ok(Found::Nothing);
    };
    let credential = match app.credentials.stored(id).await? {
        Some(Stored::Credential(credential)) => *credential,
        Some(Stored::Erased(left)) => return Ok(Found::Erased(left.why)),
        None => return Ok(Found::Nothing),
    };
    content(app, credential, drawn, call.now, Sources::default()).await
}

/// Reads the data of a drawing of a credential.
async fn content(
    app: &App,
    credential: Credential,
    drawn: Drawn,
    now: Timestamp,
    sources: Sources<'_>,
) -> Result<Found, StoreError> {
    if credential.blocked.is_some() {
        return Ok(Found::Blocked);
    }
    let found = LoadedCredential::read(app, credential, now).await?;
    let shown = found.shown(&app.config.site_url, now);
    let lang = found.lang();
    let Some(document) = found.document else {
        return Ok(Found::Nothing);
    };
    let logo = shown.logo.as_ref().filter(|_| drawn == Drawn::Certificate && shown.design.logo);
    let (logo, badge) =
        (picture(app, logo, sources).await?, picture(app, shown.badge.as_ref(), sources).await?);
    let design = match drawn {
        Drawn::Certificate => DesignPictures::read(app, &shown.design, sources).await?,
        Drawn::Badge | Drawn::BadgeDrawing | Drawn::Preview => DesignPictures::default(),
    };
    let (logo, badge) = (logo.map(|logo| logo.file), badge.map(|badge| badge.file));
    Ok(Found::Content(Box::new(Content { shown, lang, document, logo, badge, design })))
}
