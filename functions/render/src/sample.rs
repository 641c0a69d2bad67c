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
    },
};

use crate::{
    certificate,
    pictures::{DesignPictures, picture},
    pixels,
};

/// What is attached to a sample instead of a signed document.
const NO_CREDENTIAL: &[u8] =
    br#"{"sample":true,"text":"Muestra: no es una credencial. A sample: not a credential."}"#;

/// `POST /templates/{template_id}/preview`.
pub async fn draw(app: &App, call: &Call, lang: Lang) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate_reader(app, call).await?;
    let length = match call.query(SAMPLE) {
        None => None,
        Some(text) => Some(Length::parse(text).ok_or_else(|| {
            Problem::invalid_field(
                SAMPLE.name,
                "value_not_allowed",
                "El parámetro sample debe ser longest o shortest",
                "The parameter sample must be longest or shortest",
            )
        })?),
    };
    let Draft { organization, template, design, pictures, recipient } =
        designs::draft(app, call, &caller).await?;
    let subject = match (&recipient, length) {
        (None, length) => Subject::Nobody(length.unwrap_or(Length::Longest)),
        (Some(recipient), None) => Subject::Recipient(recipient),
        (Some(_), Some(_)) => {
            return Err(Problem::invalid_field(
                SAMPLE.name,
                "not_with_recipient",
                "El parámetro sample no va con recipient: la muestra tiene sus datos",
                "The parameter sample does not go with recipient: the sample has its data",
            ));
        }
    };
    let site_url = &app.config.site_url;
    let (organization, template) = (&organization, &template);
    let now = call.now;
    let shown = Sample { site_url, organization, template, design, subject, lang, now }.view();
    let logo = shown.logo.as_ref().filter(|_| shown.design.logo);
    let logo = picture(app, logo, &pictures).await?.map(|logo| logo.file);
    let badge = picture(app, shown.badge.as_ref(), &pictures).await?.map(|badge| badge.file);
    let of_design = DesignPictures::read(app, &shown.design, &pictures).await?;
    let pictures = certificate::Pictures {
        logo: logo.as_deref(),
        badge: badge.as_deref(),
        backdrop: of_design.backdrop.as_ref(),
        signatures: &of_design.signatures,
    };
    let sheet = certificate::sheet(&shown, &pictures, lang);
    let (bytes, media_type, end) = match accept::prefers_png(&call.headers) {
        true => (pixels::png(&sheet, (sheet.width * 2.0) as u32), "image/png", "png"),
        false => (certificate::pdf(&sheet, &shown, NO_CREDENTIAL, lang), "application/pdf", "pdf"),
    };
    let mut response = file(call, bytes.map_err(Problem::internal)?, media_type)?;
    set(&mut response, header::CACHE_CONTROL, "no-store");
    set(&mut response, header::VARY, "Accept, Accept-Language");
    let name = format!("inline; filename=\"{}.{end}\"", lang.texts().certificate.sample_name);
    let name = HeaderValue::from_str(&name).map_err(Problem::internal)?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}
