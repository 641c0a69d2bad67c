//! The certificate: one page of A4 landscape, as PDF/A-3 with the signed credential attached, so that
//! the printable page and its proof are one file.

use base64::{Engine, prelude::BASE64_STANDARD};
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
    domain::{image::ImageKind, lang::Lang},
    web::{glyphs, interaction, pages, qr, view::CredentialView},
};

use crate::{
    drawing::{self, ACCENT, ALARM, DrawError, INK, SOFT, block, emblem, line, picture, tree},
    fonts::Font,
    pictures::Picture,
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
    /// The picture behind the texts.
    pub backdrop: Option<&'a Picture>,
}

/// Draws the certificate as PNG, two pixels a point.
///
/// # Errors
/// When the drawing fails.
pub fn png(
    shown: &CredentialView,
    pictures: &Pictures<'_>,
    lang: Lang,
) -> Result<Vec<u8>, DrawError> {
    drawing::png(&svg(shown, pictures, lang), (WIDTH * 2.0) as u32, (HEIGHT * 2.0) as u32)
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
        description: Some(lang.texts().certificate.attachment.to_owned()),
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
    if let Some(backdrop) = pictures.backdrop {
        svg.push_str(&behind(backdrop));
    }
    if let Some(word) = shown.watermark(lang) {
        svg.push_str(&across(word, "#6b4200", 150.0, 0.12));
    }

    svg.push_str(&middle(shown, pictures, lang));
    svg.push_str(&foot(shown, pictures, lang));
    if let Some(word) = pages::stamp(shown.state, lang) {
        svg.push_str(&across(&word.to_uppercase(), ALARM, 96.0, 0.34));
    }
    svg.push_str("</svg>");
    svg
}

/// A picture over the whole page.
fn behind(picture: &Picture) -> String {
    let kind = match picture.kind {
        ImageKind::Png => "png",
        ImageKind::Svg => "svg+xml",
    };
    format!(
        r#"<image width="{WIDTH}" height="{HEIGHT}" preserveAspectRatio="xMidYMid slice" href="data:image/{kind};base64,{}"/>"#,
        BASE64_STANDARD.encode(&picture.file)
    )
}

/// Draws the middle, from top to bottom, in the space above the foot.
fn middle(shown: &CredentialView, pictures: &Pictures<'_>, lang: Lang) -> String {
    let facts = facts(shown, lang);
    let rows = rows_of(&facts);
    let rows_height: f32 = rows.iter().map(|row| row_height(row)).sum();
    let skills = shown.skills_line(lang).filter(|line| glyphs::covers(line));
    let skills = skills.map(|line| set(&line, Font::Text, MEASURE - 160.0, 3, 9.0, 6.0));
    let skills_height = skills.as_ref().map_or(0.0, |skills| skills.height() + 6.0);
    let pieces = names(shown, lang, rows_height + skills_height);
    let logo_height = if pictures.logo.is_some() { 52.0 } else { 0.0 };
    let height: f32 = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(above, set, _) => above + set.height(),
            Piece::Rule(above) => above + 1.0,
        })
        .sum::<f32>()
        + logo_height
        + ABOVE_FACTS
        + rows_height
        + skills_height;
    let (top, bottom) = (44.0, CODE.1 - 6.0);
    let mut y = top + ((bottom - top - height) / 2.0).max(0.0);
    let mut svg = String::new();
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
    y += ABOVE_FACTS;
    svg.push_str(&draw_facts(&rows, y));
    if let Some(skills) = &skills {
        svg.push_str(&block(skills, MIDDLE, y + rows_height, "middle", SOFT));
    }
    svg
}

/// The organization, the recipient and the credential. Much below them leaves less room to the names.
fn names(shown: &CredentialView, lang: Lang, below: f32) -> Vec<Piece> {
    let texts = &lang.texts().certificate;
    let (to, of) = match shown.recipient_name {
        Some(_) => (texts.awards_to, texts.the_credential),
        None => ("", texts.awards_the_credential),
    };
    let (from_size, name_size, title_size, space) = match below {
        ..80.0 => (22.0, 46.0, 30.0, 1.0),
        80.0..130.0 => (20.0, 36.0, 24.0, 0.8),
        _ => (15.0, 22.0, 16.0, 0.4),
    };
    let small = |text: &str| set(text, Font::Text, MEASURE, 1, 12.0, 12.0);
    let from = set(&shown.organization, Font::Display, MEASURE, 2, from_size, 12.0);
    let mut pieces = vec![Piece::Text(0.0, from, INK)];
    if let Some(name) = &shown.recipient_name {
        let name = set(name, Font::Display, MEASURE, 2, name_size, 14.0);
        pieces.push(Piece::Text(22.0 * space, small(to), SOFT));
        pieces.push(Piece::Text(4.0 * space, name, INK));
    }
    let title = set(&shown.name, Font::Display, MEASURE, 3, title_size, 12.0);
    pieces.push(Piece::Rule(14.0 * space));
    pieces.push(Piece::Text(14.0 * space, small(of), SOFT));
    pieces.push(Piece::Text(4.0 * space, title, ACCENT));
    pieces
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

const FACTS_A_ROW: usize = 6;
/// Size of a fact's name, and the space between two facts.
const NAME_SIZE: f32 = 8.5;
const GAP: f32 = 24.0;
const ABOVE_FACTS: f32 = 14.0;
/// Longest line of a fact: two of them are a row.
const FACT: f32 = (MEASURE - GAP) / 2.0;

/// The facts of the achievement: name and value.
fn facts(shown: &CredentialView, lang: Lang) -> Vec<(&str, String)> {
    let fields = shown.facts.iter().map(|(field, fact)| (field.short(lang), fact.text(lang)));
    let days = shown.days(lang).into_iter().map(|(name, on)| (name, lang.date(on)));
    let custom = shown.custom.iter().map(|(label, value)| (label.text(lang), value.text(lang)));
    days.chain(fields).chain(custom).collect()
}

/// A fact, set.
struct Placed {
    name: Set,
    value: Set,
    width: f32,
}

/// Sets facts in rows that are as wide as their contents.
fn rows_of(facts: &[(&str, String)]) -> Vec<Vec<Placed>> {
    let mut rows: Vec<Vec<Placed>> = Vec::new();
    let mut left = 0.0;
    for (name, value) in facts {
        let name = set(name, Font::Text, FACT, 2, NAME_SIZE, 6.0);
        let value = set(value, Font::Text, FACT, 3, 11.5, 6.0);
        let width = [&name, &value]
            .into_iter()
            .flat_map(|set| set.lines.iter().map(|line| Font::Text.width(line, set.size)));
        let width = width.fold(0.0, f32::max);
        let placed = Placed { name, value, width };
        match rows.last_mut().filter(|row| row.len() < FACTS_A_ROW && width + GAP <= left) {
            Some(row) => {
                left -= width + GAP;
                row.push(placed);
            }
            None => {
                left = MEASURE - width;
                rows.push(vec![placed]);
            }
        }
    }
    rows
}

fn row_height(row: &[Placed]) -> f32 {
    name_height(row) + row.iter().map(|fact| fact.value.height()).fold(0.0, f32::max) + 6.0
}

fn name_height(row: &[Placed]) -> f32 {
    row.iter().map(|fact| fact.name.height()).fold(0.0, f32::max)
}

fn draw_facts(rows: &[Vec<Placed>], top: f32) -> String {
    let mut svg = String::new();
    let mut y = top;
    for row in rows {
        let width: f32 = row.iter().map(|fact| fact.width + GAP).sum::<f32>() - GAP;
        let mut left = MIDDLE - width / 2.0;
        for Placed { name, value, width } in row {
            let x = left + width / 2.0;
            svg.push_str(&block(name, x, y, "middle", SOFT));
            svg.push_str(&block(value, x, y + name_height(row), "middle", INK));
            left += width + GAP;
        }
        y += row_height(row);
    }
    svg
}

/// The foot: seal, verification text and QR code.
fn foot(shown: &CredentialView, pictures: &Pictures<'_>, lang: Lang) -> String {
    let (x, y, side) = CODE;
    let mut svg = emblem(shown, pictures.badge, 60.0, y - 8.0, side + 12.0);
    let sentence = lang.texts().certificate.signed;
    let state = lang.texts().certificate.checked_at;
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
