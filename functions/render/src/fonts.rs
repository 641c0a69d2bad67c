//! The fonts of drawings. The machine's fonts are not used, so that a certificate looks the same
//! everywhere and no box replaces a letter.

use std::sync::{Arc, LazyLock};

use resvg::usvg::{self, fontdb};
use skrifa::{
    FontRef, MetadataProvider,
    instance::{LocationRef, Size},
};

/// A font of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Font {
    /// For names and titles.
    Display,
    /// For small text.
    Text,
    /// For small text that matters.
    Strong,
}

const DISPLAY: &[u8] = include_bytes!("../fonts/NotoSerifDisplay-Regular.ttf");
const TEXT: &[u8] = include_bytes!("../fonts/NotoSans-Regular.ttf");
const STRONG: &[u8] = include_bytes!("../fonts/NotoSans-Bold.ttf");

impl Font {
    /// The SVG attributes of the font.
    pub fn attributes(self) -> &'static str {
        match self {
            Self::Display => r#"font-family="Noto Serif Display""#,
            Self::Text => r#"font-family="Noto Sans""#,
            Self::Strong => r#"font-family="Noto Sans" font-weight="700""#,
        }
    }

    fn face(self) -> Option<&'static FontRef<'static>> {
        static FACES: LazyLock<[Option<FontRef<'static>>; 3]> =
            LazyLock::new(|| [DISPLAY, TEXT, STRONG].map(|data| FontRef::new(data).ok()));
        let [display, text, strong] = &*FACES;
        match self {
            Self::Display => display.as_ref(),
            Self::Text => text.as_ref(),
            Self::Strong => strong.as_ref(),
        }
    }

    /// The width of a line, in the unit of `size`: the sum of its letters' widths. Kerning makes the
    /// drawn line slightly shorter.
    pub fn width(self, text: &str, size: f32) -> f32 {
        let Some(face) = self.face() else {
            return 0.0;
        };
        let (letters, glyphs) =
            (face.charmap(), face.glyph_metrics(Size::unscaled(), LocationRef::default()));
        // Whole numbers, whose sum is below 2^24 for about a thousand letters: exact.
        let units: f32 = text
            .chars()
            .filter_map(|c| letters.map(c))
            .filter_map(|glyph| glyphs.advance_width(glyph))
            .sum();
        let em = face.metrics(Size::unscaled(), LocationRef::default()).units_per_em;
        units / f32::from(em) * size
    }
}

/// The options of the SVG parser: these fonts only, and no file or URL in the SVG is read.
pub fn options() -> usvg::Options<'static> {
    static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
        let mut fonts = fontdb::Database::new();
        for data in [DISPLAY, TEXT, STRONG] {
            fonts.load_font_data(data.to_vec());
        }
        fonts.set_serif_family("Noto Serif Display");
        fonts.set_sans_serif_family("Noto Sans");
        Arc::new(fonts)
    });
    usvg::Options {
        fontdb: Arc::clone(&FONTS),
        font_family: "Noto Sans".to_owned(),
        image_href_resolver: usvg::ImageHrefResolver {
            resolve_data: usvg::ImageHrefResolver::default_data_resolver(),
            resolve_string: Box::new(|_, _| None),
        },
        ..usvg::Options::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicreda::web::glyphs::RANGES;

    /// The pages rely on `typeface::covers`; the fonts must have all of its characters.
    #[test]
    fn the_fonts_have_every_character_of_the_declared_ranges() {
        for font in [Font::Display, Font::Text, Font::Strong] {
            let face = font.face().expect("a font");
            for (first, last) in RANGES {
                for c in (*first..=*last).filter_map(char::from_u32) {
                    assert!(
                        face.charmap().map(c).is_some(),
                        "{font:?} lacks U+{:04X}",
                        u32::from(c)
                    );
                }
            }
            assert!(face.charmap().map('山').is_none());
        }
    }
}
