//! What several drawings have in common: colours, the emblem of an achievement, the mark of one that is not in force.

use resvg::usvg;
use unicreda::{
    domain::lang::Lang,
    web::{
        pages, seal,
        view::{CredentialView, State},
    },
};

use crate::{
    fonts::Face,
    sheet::{Align, Colour, Role, Sheet},
    typesetting::Style,
};

/// Ink of main texts.
pub const INK: Colour = Colour(0x1f, 0x1e, 0x1b, 1.0);
/// Ink of secondary texts.
pub const SOFT: Colour = Colour(0x5a, 0x57, 0x4f, 1.0);
/// The colour of frames.
pub const ACCENT: Colour = Colour(0x1f, 0x3a, 0x5f, 1.0);
/// The colour of warnings.
pub const ALARM: Colour = Colour(0x9b, 0x1c, 0x1c, 1.0);
/// The colour of what asks for care.
pub const CAREFUL: Colour = Colour(0x6b, 0x42, 0x00, 1.0);
/// Paper, and letters on a dark ground.
pub const WHITE: Colour = Colour(0xff, 0xff, 0xff, 1.0);

/// A drawing failed. Its input was validated earlier, so the fault is the service's.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The SVG is malformed.
    #[error("the drawing is malformed")]
    Svg(#[from] usvg::Error),
    /// The image cannot be encoded.
    #[error("the image could not be made: {0}")]
    Image(String),
    /// The PDF does not conform to its standard.
    #[error("the PDF could not be made: {0}")]
    Pdf(String),
}

/// Parses the inside of an SVG with the view box `0 0 side side`. No file or address in it is read, and no text drawn.
pub fn tree(inside: &str, side: f32) -> Result<usvg::Tree, DrawError> {
    let options = usvg::Options {
        image_href_resolver: usvg::ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..usvg::Options::default()
    };
    let svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side}" height="{side}">{inside}</svg>"#
    );
    Ok(usvg::Tree::from_str(&svg, &options)?)
}

/// Draws the emblem of an achievement in a square: its own image, or its seal.
pub fn emblem(
    sheet: &mut Sheet,
    shown: &CredentialView,
    image: Option<&[u8]>,
    [x, y, side]: [f32; 3],
    lang: Lang,
) {
    let (of, seal) = (&shown.name, image.is_none());
    let words = match (seal, lang) {
        (true, Lang::Es) => format!("Sello de «{of}», de {}", shown.organization),
        (true, Lang::En) => format!("Seal of “{of}”, by {}", shown.organization),
        (false, Lang::Es) => format!("Insignia de «{of}», de {}", shown.organization),
        (false, Lang::En) => format!("Badge of “{of}”, by {}", shown.organization),
    };
    sheet.tagged(Role::Figure(words), |sheet| match image {
        Some(png) => sheet.picture(png, x, y, side, side),
        None => draw_seal(sheet, shown, [x, y, side]),
    });
}

/// Draws the seal: the medal, and the organization's initials or a star in its middle.
fn draw_seal(sheet: &mut Sheet, shown: &CredentialView, [x, y, side]: [f32; 3]) {
    let inner = seal::SIDE as f32;
    let mut medal = seal::medal(&shown.template.to_string());
    if shown.initials.is_empty() {
        medal.push_str(&seal::star());
    }
    sheet.drawing(medal, inner, x, y, side);
    let scale = side / inner;
    let most = seal::letters(&shown.initials) as f32 * scale;
    let style = Style { face: Face::Display, most, least: most * 0.4, lines: 1 };
    let letters = sheet.set(&shown.initials, style, 76.0 * scale);
    if let Some(line) = letters.lines.first() {
        let baseline = y + side / 2.0 + letters.size * 0.35;
        sheet.text(&letters, x + side / 2.0, baseline - line.baseline, Align::Middle, WHITE);
    }
}

/// What a drawing says of a credential that is not in force, or a test: the word and its colour.
pub fn mark(shown: &CredentialView, lang: Lang) -> Option<(String, Colour)> {
    let test = shown.test.then(|| lang.pick("Prueba", "Test"));
    let words: Vec<&str> = test.into_iter().chain(pages::stamp(shown.state, lang)).collect();
    let colour = match shown.state {
        State::Revoked | State::Unverified => ALARM,
        State::Issued | State::Expired | State::Suspended => CAREFUL,
    };
    (!words.is_empty()).then(|| (words.join(" · ").to_uppercase(), colour))
}

/// Side of the badge's square image, in pixels.
const BADGE_SIDE: f32 = 800.0;

/// Draws the badge of an achievement, with a band across it that says a mark.
pub fn badge(
    shown: &CredentialView,
    image: Option<&[u8]>,
    mark: Option<&(String, Colour)>,
    lang: Lang,
) -> Sheet {
    let mut sheet = Sheet::new(BADGE_SIDE, BADGE_SIDE, &[&shown.organization]);
    emblem(&mut sheet, shown, image, [0.0, 0.0, BADGE_SIDE], lang);
    if let Some((word, colour)) = mark {
        sheet.rectangle(0.0, 544.0, BADGE_SIDE, 168.0, WHITE);
        sheet.rectangle(0.0, 556.0, BADGE_SIDE, 144.0, *colour);
        let style = Style { face: Face::Strong, most: 104.0, least: 20.0, lines: 1 };
        let word = sheet.set(word, style, 720.0);
        if let Some(line) = word.lines.first() {
            let top = 628.0 + word.size * 0.36 - line.baseline;
            sheet.text(&word, BADGE_SIDE / 2.0, top, Align::Middle, WHITE);
        }
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_drawing_follows_a_file_or_an_address() {
        let mut red = Sheet::new(8.0, 8.0, &[]);
        red.rectangle(0.0, 0.0, 8.0, 8.0, ALARM);
        let path = std::env::temp_dir().join("unicreda-drawing-test.png");
        std::fs::write(&path, crate::pixels::png(&red, 8).expect("a PNG file")).expect("written");
        let mut sheet = Sheet::new(8.0, 8.0, &[]);
        let image = format!(r#"<image width="8" height="8" href="{}"/>"#, path.display());
        sheet.drawing(image, 8.0, 0.0, 0.0, 8.0);
        let drawn = crate::pixels::png(&sheet, 8).expect("drawn");
        let nothing = crate::pixels::png(&Sheet::new(8.0, 8.0, &[]), 8).expect("drawn");
        assert_eq!(drawn, nothing);
        std::fs::remove_file(path).expect("removed");
    }
}
