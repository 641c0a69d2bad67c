//! The certificate: one page, as PDF/A-3 with the signed credential attached, so that the printable page and its proof are
//! one file. Its design says how it looks: [`crate::layouts`].

use resvg::tiny_skia::Transform;
use unicreda::{
    domain::lang::Lang,
    web::{pages, view::CredentialView},
};

use crate::{
    drawing::{ALARM, CAREFUL, DrawError, WHITE},
    fonts::Face,
    layouts::{self, Content},
    pdf::{self, About},
    pictures::Picture,
    sheet::{Align, Colour, Role, Sheet},
    typesetting::Style,
};

/// The organization's own images, as PNG.
#[derive(Default)]
pub struct Pictures<'a> {
    /// Its logo.
    pub logo: Option<&'a [u8]>,
    /// The achievement's badge.
    pub badge: Option<&'a [u8]>,
    /// The picture behind the texts.
    pub backdrop: Option<&'a Picture>,
    /// The signatures of its signatories, in their order.
    pub signatures: &'a [Option<Picture>],
}

/// Writes a certificate that is drawn on a sheet. The same arguments make the same bytes.
///
/// # Errors
/// When the drawing does not conform to PDF/A-3 and PDF/UA-1.
pub fn pdf(
    sheet: &Sheet,
    shown: &CredentialView,
    document: &[u8],
    lang: Lang,
) -> Result<Vec<u8>, DrawError> {
    let title = match &shown.recipient_name {
        Some(name) => format!("{} · {name}", shown.name),
        None => shown.name.clone(),
    };
    let words = lang.texts().certificate.attachment;
    pdf::pdf(
        sheet,
        &About {
            title,
            author: shown.organization.clone(),
            language: lang.tag(),
            date: shown.issued_on.unwrap_or(shown.checked_on),
            id: shown.id.clone(),
            attached: (format!("{}.json", shown.id), "application/ld+json", words, document),
        },
    )
}

/// The largest file, in bytes: an answer of Lambda has 6 MB in base64.
const MAX_FILE: usize = 4_400_000;

/// Requires that a file can be answered.
pub fn sized(file: Vec<u8>) -> Result<Vec<u8>, DrawError> {
    match file.len() {
        ..=MAX_FILE => Ok(file),
        size => Err(DrawError::Image(format!("pictures of a file of {size} bytes"))),
    }
}

/// Draws the certificate.
pub fn sheet(shown: &CredentialView, pictures: &Pictures<'_>, lang: Lang) -> Sheet {
    let person = shown.recipient_name.as_deref().unwrap_or_default();
    let content = Content::new(shown, pictures, lang);
    let (width, height) = (content.width, content.height);
    let mut sheet = Sheet::new(width, height, &[person, &shown.name, &shown.organization]);
    sheet.rectangle(0.0, 0.0, width, height, WHITE);
    layouts::backdrop(&mut sheet, &content);
    if let Some(word) = shown.watermark(lang) {
        across(&mut sheet, word, CAREFUL.faint(0.12), 150.0, layouts::free(&content));
    }
    layouts::draw(&mut sheet, &content);
    if let Some(word) = pages::stamp(shown.state, lang) {
        sheet.over(|sheet| {
            across(sheet, &word.to_uppercase(), ALARM.faint(0.34), 96.0, (0.0, width))
        });
    }
    sheet
}

/// A word diagonally across a part of the page: where that begins and its width.
fn across(sheet: &mut Sheet, word: &str, colour: Colour, most: f32, (left, width): (f32, f32)) {
    let (middle, height) = (left + width / 2.0, sheet.height);
    let style = Style { face: Face::Strong, most, least: 20.0, lines: 1 };
    let word = sheet.set(word, style, width * 0.76);
    let turned = Transform::from_rotate_at(-20.0, middle, height / 2.0);
    sheet.tagged(Role::Paragraph, |sheet| {
        sheet.moved(turned, |sheet| {
            sheet.text(&word, middle, (height - word.height) / 2.0, Align::Middle, colour);
        });
    });
}
