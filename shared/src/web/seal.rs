//! The badge of an achievement that has no image of its own: a seal with a guilloche, as on
//! diplomas and banknotes, whose pattern and colour follow from the template's id. The same
//! template always has the same seal; two rarely look alike.

use std::f64::consts::TAU;

use aws_lc_rs::digest::{SHA256, digest};

/// Deep colours on which white lines stand out (contrast 7:1 or more), and one lighter shade each.
const COLOURS: [(&str, &str); 6] = [
    ("#1f3a5f", "#33557f"),
    ("#5b2333", "#7d3a4c"),
    ("#1d4b3a", "#2f6b55"),
    ("#4a3562", "#67508a"),
    ("#5a3d12", "#7d5a24"),
    ("#14464f", "#27646f"),
];
/// Side of the drawing, in its own units.
pub const SIDE: u32 = 200;

/// Words of a name that give no initial.
const SMALL_WORDS: [&str; 14] =
    ["de", "del", "la", "las", "los", "el", "y", "e", "of", "the", "and", "for", "en", "da"];

/// Returns the initials of an organization: of its first two significant words. Empty if none
/// begins with a letter.
pub fn initials(name: &str) -> String {
    name.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !SMALL_WORDS.contains(&word.to_lowercase().as_str()))
        .filter_map(|word| word.chars().next().filter(|c| c.is_alphabetic()))
        .take(2)
        .flat_map(char::to_uppercase)
        .collect()
}

/// Draws the seal of a template, as the inside of an SVG with the view box `0 0 200 200`. An
/// empty text in its middle becomes a star.
pub fn seal(template: &str, middle: &str) -> String {
    let mut svg = medal(template);
    if middle.is_empty() {
        svg.push_str(&star());
    } else {
        let size = letters(middle);
        let text = escaped(middle);
        svg.push_str(&format!(
            r##"<text x="100" y="{}" text-anchor="middle" font-family="Charter,Georgia,'Noto Serif Display','Noto Serif',serif" font-size="{size}" letter-spacing="1" fill="#fff">{text}</text>"##,
            100 + size * 35 / 100,
        ));
    }
    svg
}

/// The size of the letters in a seal's middle, in its own units.
pub fn letters(middle: &str) -> u32 {
    if middle.chars().count() > 1 { 40 } else { 48 }
}

/// Draws a seal without what is in its middle.
pub fn medal(template: &str) -> String {
    let hash = digest(&SHA256, template.as_bytes());
    let byte = |n: usize| hash.as_ref().get(n).copied().unwrap_or_default();
    let pick = usize::from(byte(0)) % COLOURS.len();
    let (deep, light) = COLOURS.get(pick).copied().unwrap_or(("#1f3a5f", "#33557f"));
    let petals = 7 + u32::from(byte(1) % 8);
    let depth = 9.0 + f64::from(byte(2) % 5);
    let turns = 5;
    let step = 360.0 / f64::from(petals * turns);
    let wave = ring(petals * 16, |angle| 69.0 + depth * (f64::from(petals) * angle).sin());
    let edge = ring(48 * 6, |angle| 95.0 + 2.5 * (48.0 * angle).cos());
    let mut svg = format!(
        r##"<path d="{edge}" fill="{deep}"/><circle cx="100" cy="100" r="88" fill="none" stroke="#fff" stroke-opacity=".55"/><g fill="none" stroke="#fff" stroke-opacity=".5" stroke-width=".9">"##
    );
    for turn in 0..turns {
        let angle = step * f64::from(turn);
        svg.push_str(&format!(r#"<path transform="rotate({angle:.2} 100 100)" d="{wave}"/>"#));
    }
    svg.push_str(&format!(
        r##"</g><circle cx="100" cy="100" r="47" fill="{light}" stroke="#fff" stroke-opacity=".8" stroke-width="1.5"/>"##
    ));
    svg
}

/// Draws a closed line around the middle, of straight segments too short to be seen.
fn ring(points: u32, radius: impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    for n in 0..points {
        let angle = TAU * f64::from(n) / f64::from(points);
        let (x, y) = (100.0 + radius(angle) * angle.cos(), 100.0 + radius(angle) * angle.sin());
        path.push_str(&format!("{}{x:.1} {y:.1}", if n == 0 { "M" } else { "L" }));
    }
    path.push('z');
    path
}

/// Draws a star in a seal's middle.
pub fn star() -> String {
    let points = (0..10).map(|n| {
        let radius = if n % 2 == 0 { 27.0 } else { 11.0 };
        let angle = TAU * (f64::from(n) / 10.0 - 0.25);
        format!("{:.1} {:.1}", 100.0 + radius * angle.cos(), 100.0 + radius * angle.sin())
    });
    format!(r##"<path d="M{}z" fill="#fff"/>"##, points.collect::<Vec<_>>().join("L"))
}

/// Escapes a text for XML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_words_that_count() {
        for (name, letters) in [
            ("Universidad de la Frontera", "UF"),
            ("University of Chile", "UC"),
            ("Ñandú", "Ñ"),
            ("École 42", "É"),
            ("42", ""),
            ("東京大学", "東"),
            ("<b>", "B"),
        ] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }

    #[test]
    fn a_template_has_its_own_seal_and_keeps_it() {
        let (one, two) = ("550e8400", "7a8b9c0d");
        assert_eq!(seal(one, "UD"), seal(one, "UD"));
        assert_ne!(seal(one, "UD"), seal(two, "UD"));
        assert!(seal(one, "<").contains(">&lt;</text>"));
        assert!(!seal(one, "").contains("<text"));
        assert!(seal(one, "UD").len() < 20_000, "{}", seal(one, "UD").len());
    }
}
