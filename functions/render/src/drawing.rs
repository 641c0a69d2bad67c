//! Drawings as SVG, which are rendered as pixels or as a PDF page.

use base64::{Engine, prelude::BASE64_STANDARD};
use resvg::{tiny_skia, usvg};
use unicreda::{
    domain::lang::Lang,
    web::{
        glyphs, pages,
        seal::{self, escaped},
        view::{CredentialView, State},
    },
};

use crate::{
    fonts::{self, Font},
    typesetting::Set,
};

/// Ink of main texts.
pub const INK: &str = "#1f1e1b";
/// Ink of secondary texts.
pub const SOFT: &str = "#5a574f";
/// The colour of frames.
pub const ACCENT: &str = "#1f3a5f";
/// The colour of warnings.
pub const ALARM: &str = "#9b1c1c";
/// The colour of what asks for care.
const CAREFUL: &str = "#6b4200";

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

/// Parses a drawing.
pub fn tree(svg: &str) -> Result<usvg::Tree, DrawError> {
    Ok(usvg::Tree::from_str(svg, &fonts::options())?)
}

/// Renders a drawing as PNG.
pub fn png(svg: &str, width: u32, height: u32) -> Result<Vec<u8>, DrawError> {
    let tree = tree(svg)?;
    let nothing = || DrawError::Image("no pixels".to_owned());
    let mut pixels = tiny_skia::Pixmap::new(width, height).ok_or_else(nothing)?;
    let scale = (width as f32 / tree.size().width(), height as f32 / tree.size().height());
    let transform = tiny_skia::Transform::from_scale(scale.0, scale.1);
    resvg::render(&tree, transform, &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| DrawError::Image(error.to_string()))
}

/// The seal of an achievement as a complete drawing.
pub fn seal(shown: &CredentialView) -> String {
    seal_of(&shown.template.to_string(), &shown.initials)
}

/// The seal of a template as a complete drawing.
pub fn seal_of(template: &str, initials: &str) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side}" height="{side}">{}</svg>"#,
        seal_inside(template, initials),
        side = seal::SIDE,
    )
}

fn seal_inside(template: &str, initials: &str) -> String {
    // A star replaces initials that the fonts lack.
    let middle = Some(initials).filter(|text| glyphs::covers(text));
    seal::seal(template, middle.unwrap_or_default())
}

/// The badge of an achievement, in a square.
pub fn emblem(shown: &CredentialView, image: Option<&[u8]>, x: f32, y: f32, side: f32) -> String {
    match image {
        Some(png) => picture(png, x, y, side, side),
        None => {
            let scale = side / seal::SIDE as f32;
            format!(
                r#"<g transform="translate({x} {y}) scale({scale})">{}</g>"#,
                seal_inside(&shown.template.to_string(), &shown.initials)
            )
        }
    }
}

/// What a drawing says of a credential that is not in force, or a test: the word and its colour.
pub fn mark(shown: &CredentialView, lang: Lang) -> Option<(String, &'static str)> {
    let test = shown.test.then(|| lang.texts().test);
    let words: Vec<&str> = test.into_iter().chain(pages::stamp(shown.state, lang)).collect();
    let colour = match shown.state {
        State::Revoked | State::Unverified => ALARM,
        State::Issued | State::Expired | State::Suspended => CAREFUL,
    };
    (!words.is_empty()).then(|| (words.join(" · ").to_uppercase(), colour))
}

/// The badge of an achievement with a band across it that says a mark.
pub fn marked(shown: &CredentialView, image: Option<&[u8]>, mark: &(String, &str)) -> String {
    let (word, colour) = mark;
    let emblem = emblem(shown, image, 0.0, 0.0, 800.0);
    // Some 20 letters, "NO VERIFICADA" among them, stay within the square.
    let size = (1_160.0 / word.chars().count().max(9) as f32).min(104.0);
    let word = line(word, Font::Strong, size, 400.0, 628.0 + size * 0.36, "middle", "#fff");
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 800" width="800" height="800">{emblem}<rect x="0" y="544" width="800" height="168" fill="#fff"/><rect x="0" y="556" width="800" height="144" fill="{colour}"/>{word}</svg>"##
    )
}

/// A PNG file in a box, as large as it fits.
pub fn picture(png: &[u8], x: f32, y: f32, width: f32, height: f32) -> String {
    format!(
        r#"<image x="{x}" y="{y}" width="{width}" height="{height}" href="data:image/png;base64,{}"/>"#,
        BASE64_STANDARD.encode(png)
    )
}

/// A line of text.
pub fn line(text: &str, font: Font, size: f32, x: f32, y: f32, anchor: &str, fill: &str) -> String {
    format!(
        r#"<text x="{x:.1}" y="{y:.1}" {} font-size="{size:.2}" text-anchor="{anchor}" fill="{fill}">{}</text>"#,
        font.attributes(),
        escaped(text),
    )
}

/// A typeset text; `y` is the top of its first line.
pub fn block(set: &Set, x: f32, y: f32, anchor: &str, fill: &str) -> String {
    let mut baseline = y + set.size * 0.95;
    let mut svg = String::new();
    for text in &set.lines {
        svg.push_str(&line(text, set.font, set.size, x, baseline, anchor, fill));
        baseline += set.leading();
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_drawing_follows_a_file_or_an_address() {
        let path = std::env::temp_dir().join("unicreda-drawing-test.png");
        std::fs::write(&path, png(&square("#f00"), 8, 8).expect("a PNG file")).expect("written");
        let svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><image width="8" height="8" href="{}"/></svg>"#,
            path.display()
        );
        let drawn = png(&svg, 8, 8).expect("drawn");
        let nothing =
            png(r#"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>"#, 8, 8);
        assert_eq!(drawn, nothing.expect("drawn"));
        std::fs::remove_file(path).expect("removed");
    }

    fn square(fill: &str) -> String {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8" fill="{fill}"/></svg>"#
        )
    }
}
