//! The certificate: one page of A4 landscape, as PDF/A-3 with the signed credential attached, so that
//! the printable page and its proof are one file.

use jiff::civil::Date;
use krilla::{
    Document, SerializeSettings,
    action::{Action, LinkAction},
    annotation::{LinkAnnotation, Target},
    configure::{Archival, ConfigurationBuilder},
    embed::{AssociationKind, EmbeddedFile, MimeType},
    geom::{Rect, Size},
    metadata::{DateTime, Metadata},
    page::PageSettings,
};
use krilla_svg::{SurfaceExt, SvgSettings};
use unicreda::{
    domain::lang::Lang,
    web::{glyphs, interaction, pages, qr, view::CredentialView},
};

use crate::{
    drawing::{ACCENT, ALARM, DrawError, INK, SOFT, block, emblem, line, picture, tree},
    fonts::Font,
    typesetting::{Set, set},
};

/// A4 landscape, in points (ISO 216: 297 x 210 mm).
const WIDTH: f32 = 841.89;
const HEIGHT: f32 = 595.28;
const MIDDLE: f32 = WIDTH / 2.0;
/// Longest line between the frame's sides.
const MEASURE: f32 = 660.0;
/// Position and side of the QR code: x, y, side.
const CODE: (f32, f32, f32) = (WIDTH - 64.0 - 88.0, HEIGHT - 60.0 - 88.0, 88.0);

/// The organization's own images, as PNG.
#[derive(Default)]
pub struct Pictures<'a> {
    /// Its logo.
    pub logo: Option<&'a [u8]>,
    /// The achievement's badge.
    pub badge: Option<&'a [u8]>,
}

/// Draws the certificate as PDF. The same arguments make the same bytes.
///
/// # Errors
/// When the drawing does not conform to PDF/A-3b.
pub fn pdf(
    shown: &CredentialView,
    document: &[u8],
    pictures: &Pictures<'_>,
    lang: Lang,
) -> Result<Vec<u8>, DrawError> {
    let broken = |what: &str| DrawError::Pdf(what.to_owned());
    let tree = tree(&svg(shown, pictures, lang))?;
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_B)
        .finish()
        .map_err(|error| DrawError::Pdf(format!("{error:?}")))?;
    let mut pdf = Document::new_with(SerializeSettings {
        configuration,
        enable_tagging: false,
        ..SerializeSettings::default()
    });
    let size = Size::from_wh(WIDTH, HEIGHT).ok_or_else(|| broken("size"))?;
    let mut sheet = pdf.start_page_with(PageSettings::new(size));
    let mut surface = sheet.surface();
    surface.draw_svg(&tree, size, SvgSettings::default()).ok_or_else(|| broken("drawing"))?;
    surface.finish();
    let (x, y, side) = CODE;
    let place = Rect::from_xywh(x, y, side, side).ok_or_else(|| broken("place"))?;
    let target = Target::Action(Action::Link(LinkAction::new(shown.url.clone())));
    let link = LinkAnnotation::new(place, target);
    sheet.add_annotation(krilla::annotation::Annotation::new_link(link, Some(shown.url.clone())));
    sheet.finish();

    let date = date_time(shown.issued_on.unwrap_or(shown.checked_on));
    let title = match &shown.recipient_name {
        Some(name) => format!("{} · {name}", shown.name),
        None => shown.name.clone(),
    };
    pdf.set_metadata(
        Metadata::new()
            .title(title)
            .authors(vec![shown.organization.clone()])
            .language(lang.tag().to_owned())
            .creation_date(date)
            .document_id(shown.id.clone()),
    );
    let attached = EmbeddedFile {
        path: format!("{}.json", shown.id),
        mime_type: MimeType::new("application/ld+json"),
        description: Some(
            lang.pick(
                "Credencial firmada (Open Badges 3.0)",
                "Signed credential (Open Badges 3.0)",
            )
            .to_owned(),
        ),
        association_kind: AssociationKind::Source,
        data: document.to_vec().into(),
        modification_date: Some(date),
        compress: None,
        location: None,
    };
    pdf.embed_file(attached).ok_or_else(|| broken("attachment"))?;
    pdf.finish().map_err(|error| DrawError::Pdf(format!("{error:?}")))
}

fn date_time(date: Date) -> DateTime {
    let of = |n: i8| u8::try_from(n).unwrap_or(1);
    DateTime::new(u16::try_from(date.year()).unwrap_or(1970))
        .month(of(date.month()))
        .day(of(date.day()))
        .hour(0)
        .minute(0)
        .second(0)
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

/// A piece of the certificate's middle, and the space above it.
enum Piece {
    Text(f32, Set, &'static str),
    Rule(f32),
}

/// Draws the certificate.
fn svg(shown: &CredentialView, pictures: &Pictures<'_>, lang: Lang) -> String {
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/><g fill="none" stroke="{ACCENT}"><rect x="24" y="24" width="{}" height="{}" stroke-width="1.6"/><rect x="30" y="30" width="{}" height="{}" stroke-width=".5"/></g>"##,
        WIDTH - 48.0,
        HEIGHT - 48.0,
        WIDTH - 60.0,
        HEIGHT - 60.0,
    );
    if shown.test {
        svg.push_str(&across(lang.pick("PRUEBA", "TEST"), "#6b4200", 150.0, 0.12));
    }

    // The middle, from top to bottom, in the space above the foot.
    let (to, of) = match (shown.recipient_name.is_some(), lang) {
        (true, Lang::Es) => ("otorga a", "la credencial"),
        (true, Lang::En) => ("awards to", "the credential"),
        (false, Lang::Es) => ("", "otorga la credencial"),
        (false, Lang::En) => ("", "awards the credential"),
    };
    let small = |text: &str| set(text, Font::Text, MEASURE, 1, 12.0, 12.0);
    let mut pieces = vec![Piece::Text(
        0.0,
        set(&shown.organization, Font::Display, MEASURE, 2, 22.0, 12.0),
        INK,
    )];
    if let Some(name) = &shown.recipient_name {
        pieces.push(Piece::Text(22.0, small(to), SOFT));
        pieces.push(Piece::Text(4.0, set(name, Font::Display, MEASURE, 2, 46.0, 18.0), INK));
    }
    pieces.push(Piece::Rule(14.0));
    pieces.push(Piece::Text(14.0, small(of), SOFT));
    pieces.push(Piece::Text(4.0, set(&shown.name, Font::Display, MEASURE, 3, 30.0, 14.0), ACCENT));

    let logo_height = if pictures.logo.is_some() { 52.0 } else { 0.0 };
    let facts = facts(shown, lang);
    let skills = shown.skills_line(lang).filter(|line| glyphs::covers(line));
    let skills = skills.map(|line| set(&line, Font::Text, MEASURE, 2, 9.0, 7.0));
    let rows = facts.len().div_ceil(FACTS_A_ROW);
    let facts_height =
        rows as f32 * 34.0 + 18.0 + skills.as_ref().map_or(0.0, |skills| skills.height() + 6.0);
    let height: f32 = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(above, set, _) => above + set.height(),
            Piece::Rule(above) => above + 1.0,
        })
        .sum::<f32>()
        + logo_height
        + facts_height;
    let (top, bottom) = (48.0, CODE.1 - 6.0);
    let mut y = top + ((bottom - top - height) / 2.0).max(0.0);
    if let Some(logo) = pictures.logo {
        svg.push_str(&picture(logo, MIDDLE - 120.0, y, 240.0, logo_height - 10.0));
        y += logo_height;
    }
    for piece in &pieces {
        match piece {
            Piece::Text(above, set, fill) => {
                svg.push_str(&block(set, MIDDLE, y + above, "middle", fill));
                y += above + set.height();
            }
            Piece::Rule(above) => {
                y += above;
                svg.push_str(&format!(
                    r#"<path d="M{} {y}h90" stroke="{ACCENT}" stroke-width="1"/>"#,
                    MIDDLE - 45.0
                ));
                y += 1.0;
            }
        }
    }
    svg.push_str(&row_of_facts(&facts, y + 18.0));
    if let Some(skills) = &skills {
        svg.push_str(&block(skills, MIDDLE, y + 18.0 + rows as f32 * 34.0, "middle", SOFT));
    }
    svg.push_str(&foot(shown, pictures, lang));
    if let Some(word) = pages::stamp(shown.state, lang) {
        svg.push_str(&across(&word.to_uppercase(), ALARM, 96.0, 0.34));
    }
    svg.push_str("</svg>");
    svg
}

/// A word diagonally across the page.
fn across(word: &str, fill: &str, most: f32, opacity: f32) -> String {
    let set = set(word, Font::Strong, 640.0, 1, most, 20.0);
    format!(
        r#"<g opacity="{opacity}" transform="rotate(-20 {MIDDLE} {y})">{}</g>"#,
        line(word, Font::Strong, set.size, MIDDLE, HEIGHT / 2.0 + set.size / 3.0, "middle", fill),
        y = HEIGHT / 2.0,
    )
}

const FACTS_A_ROW: usize = 5;

/// The facts of the achievement: name and value.
fn facts(shown: &CredentialView, lang: Lang) -> Vec<(&str, String)> {
    let fields =
        shown.facts.iter().map(|(field, fact)| (field.spec().short.text(lang), fact.text(lang)));
    let days = shown.days(lang).into_iter().map(|(name, on)| (name, lang.date(on)));
    let custom = shown.custom.iter().map(|(label, value)| (label.text(lang), value.text(lang)));
    days.chain(fields).chain(custom).collect()
}

fn row_of_facts(facts: &[(&str, String)], top: f32) -> String {
    let mut svg = String::new();
    for (row, facts) in facts.chunks(FACTS_A_ROW).enumerate() {
        let column = (MEASURE / facts.len() as f32).min(170.0);
        let left = MIDDLE - column * (facts.len() as f32 - 1.0) / 2.0;
        let y = top + row as f32 * 34.0;
        // The whole row has one size.
        let fits =
            |(_, value): &(_, String)| set(value, Font::Text, column - 6.0, 1, 11.5, 6.0).size;
        let size = facts.iter().map(fits).fold(11.5, f32::min);
        for (n, (name, value)) in facts.iter().enumerate() {
            let x = left + column * n as f32;
            svg.push_str(&line(name, Font::Text, 8.5, x, y + 8.0, "middle", SOFT));
            let value = set(value, Font::Text, column - 6.0, 1, size, size);
            svg.push_str(&block(&value, x, y + 12.0, "middle", INK));
        }
    }
    svg
}

/// The foot: seal, verification text and QR code.
fn foot(shown: &CredentialView, pictures: &Pictures<'_>, lang: Lang) -> String {
    let (x, y, side) = CODE;
    let mut svg = emblem(shown, pictures.badge, 60.0, y - 8.0, side + 12.0);
    let sentence = lang.pick(
        "Credencial digital con firma electrónica.",
        "A digital credential with an electronic signature.",
    );
    let state = lang.pick("Su estado actual se comprueba en", "Its current state is checked at");
    svg.push_str(&line(sentence, Font::Text, 9.0, MIDDLE, y + side - 30.0, "middle", SOFT));
    svg.push_str(&line(state, Font::Text, 9.0, MIDDLE, y + side - 17.0, "middle", SOFT));
    let url = set(&shown.url, Font::Text, 440.0, 2, 9.0, 6.0);
    svg.push_str(&block(&url, MIDDLE, y + side - 11.0, "middle", ACCENT));
    if let Some(code) = qr::code(&interaction::interaction_url(&shown.url)) {
        let scale = side / code.side as f32;
        svg.push_str(&format!(
            r##"<g transform="translate({x} {y}) scale({scale})"><path d="{}" fill="#000"/></g>"##,
            code.path
        ));
    }
    svg
}
