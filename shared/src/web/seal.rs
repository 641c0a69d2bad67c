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

/// The words on a seal's ring.
#[derive(Clone, Copy, Debug)]
pub struct Ring<'a> {
    /// The id of their line, which its page has once.
    pub id: &'a str,
    /// The name of the award.
    pub words: &'a str,
}

/// Draws the seal of a template, as the inside of an SVG with the view box `0 0 200 200`. An
/// empty text in its middle becomes a star; the ring's words are on it where they fit.
pub fn seal(template: &str, middle: &str, ring: Option<Ring<'_>>) -> String {
    let words = ring.and_then(|ring| Some((ring, round(ring.words)?)));
    let mut svg = medal(template, words.is_some());
    if let Some((Ring { id, words }, size)) = words {
        let (top, bottom) = (100.0 - RING, 100.0 + RING);
        let text = escaped(words);
        svg.push_str(&format!(
            r##"<path id="{id}" d="M100 {bottom}A{RING} {RING} 0 0 1 100 {top}A{RING} {RING} 0 0 1 100 {bottom}" fill="none"/><text font-family="system-ui,'Noto Sans',sans-serif" font-weight="600" font-size="{size:.1}" fill="#fff" text-anchor="middle"><textPath href="#{id}" startOffset="50%">{text}</textPath></text>"##
        ));
    }
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

/// The radius of the baseline of the words on a medal's ring, the size of their letters, and the least size that is read
/// on paper; in its own units.
pub const RING: f64 = 77.5;
/// See [`RING`].
pub const RING_LETTERS: (f64, f64) = (12.0, 9.0);

/// The size at which words are sure to fit on a ring, whatever font a browser has. `None` for those that would be too small
/// to be read.
fn round(words: &str) -> Option<f64> {
    let (most, least) = RING_LETTERS;
    // Letters beyond the alphabets of Europe are as wide as they are high, or wider.
    let widths = words.chars().map(|c| if c < '\u{590}' { 0.68 } else { 1.1 });
    let size = (TAU * RING * 0.94 / widths.sum::<f64>()).min(most);
    (size >= least).then_some(size)
}

/// Draws a seal without what is in its middle, with room for words on a ring or without.
pub fn medal(template: &str, words: bool) -> String {
    let hash = digest(&SHA256, template.as_bytes());
    let byte = |n: usize| hash.as_ref().get(n).copied().unwrap_or_default();
    let pick = usize::from(byte(0)) % COLOURS.len();
    let (deep, light) = COLOURS.get(pick).copied().unwrap_or(("#1f3a5f", "#33557f"));
    let petals = 7 + u32::from(byte(1) % 8);
    let depth = f64::from(9 + byte(2) % 5);
    // The middle of the guilloche, the part of its depth, and the radius of the disc in the middle.
    let (around, deep_by, disc) = if words { (57.5, 0.85, 43) } else { (69.0, 1.0, 47) };
    let turns = 5;
    let step = 360.0 / f64::from(petals * turns);
    let wave =
        ring(petals * 16, |angle| around + depth * deep_by * (f64::from(petals) * angle).sin());
    let edge = ring(48 * 6, |angle| 95.0 + 2.5 * (48.0 * angle).cos());
    let outer = if words { 91 } else { 88 };
    let mut svg = format!(
        r##"<path d="{edge}" fill="{deep}"/><circle cx="100" cy="100" r="{outer}" fill="none" stroke="#fff" stroke-opacity=".55"/>"##
    );
    if words {
        svg.push_str(r##"<circle cx="100" cy="100" r="72.5" fill="none" stroke="#fff" stroke-opacity=".55" stroke-width=".8"/>"##);
    }
    svg.push_str(r##"<g fill="none" stroke="#fff" stroke-opacity=".5" stroke-width=".9">"##);
    for turn in 0..turns {
        let angle = step * f64::from(turn);
        svg.push_str(&format!(r#"<path transform="rotate({angle:.2} 100 100)" d="{wave}"/>"#));
    }
    svg.push_str(&format!(
        r##"</g><circle cx="100" cy="100" r="{disc}" fill="{light}" stroke="#fff" stroke-opacity=".8" stroke-width="1.5"/>"##
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
        let plain = |template, middle| seal(template, middle, None);
        assert_eq!(plain(one, "UD"), plain(one, "UD"));
        assert_ne!(plain(one, "UD"), plain(two, "UD"));
        assert!(plain(one, "<").contains(">&lt;</text>"));
        assert!(!plain(one, "").contains("<text"));
        let worded = seal(one, "UD", Some(Ring { id: "ring", words: "Diplomado en <Datos>" }));
        assert!(worded.contains(">Diplomado en &lt;Datos&gt;</textPath>"));
        assert!(worded.len() < 20_000, "{}", worded.len());
    }

    #[test]
    fn words_that_would_be_too_small_are_not_on_the_ring() {
        for (words, fits) in [
            ("Bootcamp de Desarrollo Web Full Stack con Especialidad en Rust", true),
            ("数据分析与人工智能应用高级专业文凭课程", true),
            (&"Diplomado ".repeat(8), false),
            (&"文凭".repeat(25), false),
        ] {
            let ring = Some(Ring { id: "ring", words });
            assert_eq!(seal("550e8400", "UD", ring).contains("textPath"), fits, "{words}");
        }
    }
}
