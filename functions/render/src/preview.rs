//! The image with which chat programs preview a link: 1,200 x 630 pixels (the usual size of the Open
//! Graph protocol).

use unicreda::{
    domain::lang::Lang,
    web::{glyphs, view::CredentialView},
};

use crate::{
    drawing::{self, ACCENT, DrawError, INK, SOFT, block, emblem, line},
    fonts::Font,
    typesetting::set,
};

/// Width and height, in pixels.
const SIZE: (u32, u32) = (1_200, 630);
/// Left edge and longest line of texts.
const LEFT: f32 = 84.0;
const MEASURE: f32 = 700.0;

/// Draws the preview. Texts with characters that the fonts lack are left out, because they would be
/// drawn as boxes.
///
/// # Errors
/// When the drawing fails, which is a fault of the service.
pub fn png(shown: &CredentialView, badge: Option<&[u8]>, lang: Lang) -> Result<Vec<u8>, DrawError> {
    drawing::png(&svg(shown, badge, lang), SIZE.0, SIZE.1)
}

fn svg(shown: &CredentialView, badge: Option<&[u8]>, lang: Lang) -> String {
    let drawable = |text: &str| Some(text.to_owned()).filter(|text| glyphs::covers(text));
    let name = drawable(&shown.name);
    let name = name.unwrap_or_else(|| lang.texts().certificate.untitled.to_owned());
    let mark = drawing::mark(shown, lang);
    let band = mark.as_ref().map_or(ACCENT, |(_, colour)| colour);
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 630" width="1200" height="630"><rect width="1200" height="630" fill="#fbfaf7"/><rect width="1200" height="18" fill="{band}"/><rect x="0" y="618" width="1200" height="12" fill="{band}"/>"##
    );
    let title = set(&name, Font::Display, MEASURE, 3, 66.0, 30.0);
    let person = shown.recipient_name.as_deref().and_then(drawable);
    let person = person.map(|name| set(&name, Font::Display, MEASURE, 3, 44.0, 20.0));
    let organization = drawable(&shown.organization);
    let organization = organization.map(|name| set(&name, Font::Text, MEASURE, 2, 30.0, 18.0));
    let height = organization.as_ref().map_or(0.0, |set| set.height() + 26.0)
        + title.height()
        + person.as_ref().map_or(0.0, |set| set.height() + 62.0);
    let mut y = 36.0 + ((500.0 - height) / 2.0).max(0.0);
    if let Some(organization) = &organization {
        svg.push_str(&block(organization, LEFT, y, "start", SOFT));
        y += organization.height() + 26.0;
    }
    svg.push_str(&block(&title, LEFT, y, "start", INK));
    y += title.height();
    if let Some(person) = &person {
        let to = lang.texts().certificate.awarded_to;
        svg.push_str(&line(to, Font::Text, 24.0, LEFT, y + 46.0, "start", SOFT));
        svg.push_str(&block(person, LEFT, y + 58.0, "start", INK));
    }
    svg.push_str(&emblem(shown, badge, 846.0, 142.0, 290.0));
    let foot = lang.texts().certificate.verifiable;
    match &mark {
        Some((word, colour)) => {
            svg.push_str(&format!(r#"<rect y="530" width="1200" height="100" fill="{colour}"/>"#));
            svg.push_str(&line(word, Font::Strong, 50.0, LEFT, 598.0, "start", "#fff"));
        }
        None => svg.push_str(&line(foot, Font::Text, 24.0, LEFT, 576.0, "start", SOFT)),
    }
    svg.push_str("</svg>");
    svg
}
