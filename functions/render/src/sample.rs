//! A sample of a template's certificates: with a design that need not be saved, for a key that may change templates; with a
//! recipient's values, for one that may issue.

use http::{HeaderValue, Response, header};
use lambda_http::Body;
use unicreda::{
    App,
    api::{
        auth,
        designs::{self, Draft},
    },
    domain::lang::Lang,
    http::{parameters::SAMPLE, problem::Problem, serve::Call},
    web::{
        accept,
        respond::{file, set},
        sample::{Length, Sample, Subject},
        view::CredentialView,
    },
};

use crate::{
    certificate::{self, Pictures},
    drawing::DrawError,
    pictures::{DesignPictures, Sources, picture},
    pixels,
};

/// What is attached to a sample instead of a signed document.
const NO_CREDENTIAL: &[u8] =
    br#"{"sample":true,"text":"Muestra: no es una credencial. A sample: not a credential."}"#;

/// `POST /templates/{template_id}/preview`.
pub async fn draw(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate_reader(app, call).await?;
    let length = parameters(call)?;
    let Draft { organization, template, design, pictures, recipient } =
        designs::draft(app, call, &caller).await?;
    let subject = match (&recipient, length) {
        (None, length) => Subject::Nobody(length.unwrap_or(Length::Longest)),
        (Some(recipient), None) => Subject::Recipient(recipient),
        (Some(_), Some(_)) => return Err(not_with_recipient()),
    };
    let site_url = &app.config.site_url;
    let (organization, template) = (&organization, &template);
    let own = || template.definition.language.unwrap_or(organization.settings.language);
    let lang = call.asked_lang().unwrap_or_else(own);
    let now = call.now;
    let shown = Sample { site_url, organization, template, design, subject, lang, now }.view();
    let logo = shown.logo.as_ref().filter(|_| shown.design.logo);
    let sources = Sources { brought: &pictures, known: None };
    let logo = picture(app, logo, sources).await?.map(|logo| logo.file);
    let badge = picture(app, shown.badge.as_ref(), sources).await?.map(|badge| badge.file);
    let of_design = DesignPictures::read(app, &shown.design, sources).await?;
    let pictures = Pictures {
        logo: logo.as_deref(),
        badge: badge.as_deref(),
        backdrop: of_design.backdrop.as_ref(),
        signatures: &of_design.signatures,
    };
    let sheet = certificate::sheet(&shown, &pictures, lang);
    let png = accept::prefers_png(&call.headers);
    let bytes = match png {
        true => pixels::png(&sheet, (sheet.width * 2.0) as u32),
        false => certificate::pdf(&sheet, &shown, NO_CREDENTIAL, lang),
    };
    let bytes = bytes
        .and_then(certificate::sized)
        .map_err(|error| undrawn(&shown, &pictures, lang, error))?;
    let (media_type, end) = if png { ("image/png", "png") } else { ("application/pdf", "pdf") };
    let mut response = file(call, bytes, media_type)?;
    if let Some(letters) = crate::named(&sheet.unknown) {
        let letters = HeaderValue::from_str(&letters).map_err(Problem::internal)?;
        response.headers_mut().insert(crate::UNKNOWN_LETTERS, letters);
    }
    set(&mut response, header::CACHE_CONTROL, "no-store");
    set(&mut response, header::VARY, "Accept, Accept-Language");
    let name = format!("inline; filename=\"{}.{end}\"", lang.texts().certificate.sample_name);
    let name = HeaderValue::from_str(&name).map_err(Problem::internal)?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// The length that is asked for, and a known language.
fn parameters(call: &Call) -> Result<Option<Length>, Problem> {
    call.named_lang()?;
    let Some(text) = call.query(SAMPLE) else { return Ok(None) };
    Length::parse(text).map(Some).ok_or_else(|| {
        Problem::invalid_field(
            SAMPLE.name,
            "value_not_allowed",
            "El parámetro sample debe ser longest o shortest",
            "The parameter sample must be longest or shortest",
        )
    })
}

fn not_with_recipient() -> Problem {
    Problem::invalid_field(
        SAMPLE.name,
        "not_with_recipient",
        "El parámetro sample no va con recipient: la muestra tiene sus datos",
        "The parameter sample does not go with recipient: the sample has its data",
    )
}

/// 400 that names the picture that cannot be drawn. A certificate goes without it; its designer is told.
fn undrawn(
    shown: &CredentialView,
    pictures: &Pictures<'_>,
    lang: Lang,
    error: DrawError,
) -> Problem {
    let draws = |pictures: &Pictures<'_>| {
        let sheet = certificate::sheet(shown, pictures, lang);
        certificate::pdf(&sheet, shown, NO_CREDENTIAL, lang).and_then(certificate::sized)
    };
    // Not by a picture.
    if draws(&Pictures::default()).is_err() {
        return Problem::internal(error);
    }
    tracing::warn!(%error, "sample not drawn");
    let alone = Pictures { backdrop: pictures.backdrop, ..Pictures::default() };
    let backdrop = shown.design.backdrop.as_ref().filter(|_| draws(&alone).is_err());
    let signature = || {
        let one = |n: usize| {
            let mut only = vec![None; n];
            only.extend(pictures.signatures.get(n).cloned());
            only
        };
        (0..pictures.signatures.len())
            .find(|n| draws(&Pictures { signatures: &one(*n), ..Pictures::default() }).is_err())
    };
    let place = match (backdrop, signature()) {
        (Some(backdrop), _) => format!("/design/{}", backdrop.kind.as_str()),
        (None, Some(n)) => format!("/design/signatories/{n}/signature"),
        // Together they make too large a file.
        (None, None) => "/design".to_owned(),
    };
    Problem::invalid_field(
        place,
        "image_not_drawn",
        "Las imágenes del diseño no se pueden dibujar en un PDF/A, o son demasiado grandes o complejas: los certificados saldrían sin ellas. \
         Expórtalas de nuevo, más simples, o como PNG",
        "The design's images cannot be drawn in a PDF/A, or are too large or too complex: certificates would be without them. \
         Export them again, simpler, or as PNG",
    )
}
