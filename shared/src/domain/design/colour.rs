//! The accent colour of a design, and its contrast with white paper.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Least contrast of an accent with white (WCAG 2.2 §1.4.3, texts of normal size).
pub const LEAST_CONTRAST: f64 = 4.5;
/// Steps in which a colour is darkened on the way to black.
const STEPS: u16 = 1_000;

/// A colour of the sRGB space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour {
    /// Red, green and blue.
    pub rgb: [u8; 3],
}

impl Colour {
    /// The accent of `classic` without a design.
    pub const CLASSIC: Self = Self { rgb: [0x1f, 0x3a, 0x5f] };

    /// Reads `#rrggbb`, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self { rgb: [red, green, blue] })
    }

    /// The contrast with white, from 1 to 21 (WCAG 2.2, "contrast ratio").
    pub fn contrast(self) -> f64 {
        let [red, green, blue] = self.rgb.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
    }

    /// Whether texts of this colour are read on white.
    pub fn is_readable(self) -> bool {
        self.contrast() >= LEAST_CONTRAST
    }

    /// The lightest colour of the same hue that is read on white: the colour itself if it is.
    pub fn readable(self) -> Self {
        let darker = |step: u16| {
            let part = |channel: u8| u32::from(channel) * u32::from(step) / u32::from(STEPS);
            Self { rgb: self.rgb.map(|channel| u8::try_from(part(channel)).unwrap_or(channel)) }
        };
        (0..=STEPS).rev().map(darker).find(|colour| colour.is_readable()).unwrap_or(darker(0))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.rgb;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

impl TryFrom<String> for Colour {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a colour")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::parse(text).expect("a colour")
    }

    #[test]
    fn contrasts_are_those_of_the_guidelines() {
        for (text, contrast) in
            [("#000000", 21.0), ("#ffffff", 1.0), ("#777777", 4.48), ("#767676", 4.54)]
        {
            let measured = colour(text).contrast();
            assert!((measured - contrast).abs() < 0.005, "{text}: {measured}");
        }
        assert!(Colour::CLASSIC.is_readable());
    }

    #[test]
    fn a_light_colour_leads_to_the_lightest_readable_one_of_its_hue() {
        for text in ["#ffd700", "#ff0000", "#777777", "#00ffff", "#ffffff", "#fe0101"] {
            let near = colour(text).readable();
            assert!(near.is_readable(), "{text}: {near}");
            assert!(near.contrast() < 4.7, "{text}: {near} {}", near.contrast());
        }
        assert_eq!(colour("#777777").readable().to_string(), "#767676");
        assert_eq!(colour("#1F3A5F").readable(), Colour::CLASSIC);
    }

    #[test]
    fn only_six_digits_are_a_colour() {
        for text in ["", "#fff", "1f3a5f", "#1f3a5g", "#1f3a5f0", "red", "#+f3a5f", "#ñaaaa"] {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
    }
}
