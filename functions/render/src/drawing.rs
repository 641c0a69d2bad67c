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
    sheet::{Align, Colour, Fit, Role, Sheet},
    typesetting::{Set, Style},
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
    let svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side}" height="{side}">{inside}</svg>"#
    );
    picture_tree(svg.as_bytes())
}

/// Parses an SVG file, likewise.
pub fn picture_tree(file: &[u8]) -> Result<usvg::Tree, DrawError> {
    let options = usvg::Options {
        image_href_resolver: usvg::ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_data(file, &options)?;
    let mut effort = Effort::default();
    effort.group(tree.root(), &tree);
    match effort.areas > MOST_AREAS || effort.edges > MOST_EDGES {
        true => Err(DrawError::Image(format!("too much to draw: {effort:?}"))),
        false => Ok(tree),
    }
}

/// What a picture may take: areas to be painted, in its own size (one takes 5 ms on A4 at 144 dpi), and edges that cross a line of
/// pixels, on average.
const MOST_AREAS: f32 = 300.0;
/// See [`MOST_AREAS`].
const MOST_EDGES: f32 = 4_000.0;
/// Stops of a gradient that take as long as its area does.
const STOPS: usize = 8;

/// What it takes to draw a picture.
#[derive(Debug, Default)]
struct Effort {
    areas: f32,
    edges: f32,
}

impl Effort {
    fn group(&mut self, group: &usvg::Group, of: &usvg::Tree) {
        if group.should_isolate() {
            self.areas += 1.0;
        }
        let clips = std::iter::successors(group.clip_path(), |clip| clip.clip_path());
        for clip in clips {
            self.areas += 1.0;
            self.group(clip.root(), of);
        }
        for node in group.children() {
            match node {
                usvg::Node::Group(inner) => self.group(inner, of),
                usvg::Node::Path(path) => self.path(path, of),
                // Not taken by the reader of drawings.
                usvg::Node::Image(_) | usvg::Node::Text(_) => {}
            }
        }
    }

    fn path(&mut self, path: &usvg::Path, of: &usvg::Tree) {
        let (width, height) = (of.size().width(), of.size().height());
        let bounds = path.abs_stroke_bounding_box();
        let within = |from: f32, to: f32, most: f32| (to.min(most) - from.max(0.0)).max(0.0) / most;
        let area = within(bounds.left(), bounds.right(), width)
            * within(bounds.top(), bounds.bottom(), height);
        let stops = |paint: &usvg::Paint| match paint {
            usvg::Paint::LinearGradient(gradient) => gradient.stops().len(),
            usvg::Paint::RadialGradient(gradient) => gradient.stops().len(),
            usvg::Paint::Color(_) | usvg::Paint::Pattern(_) => 0,
        };
        let fill = path.fill().map(|fill| (stops(fill.paint()), 1.0));
        // A stroke is filled between its two sides.
        let stroke = path.stroke().map(|stroke| (stops(stroke.paint()), 2.0));
        let rise = rise(path.data(), path.abs_transform()) / height;
        for (stops, sides) in fill.into_iter().chain(stroke) {
            self.areas += area * (1.0 + stops as f32 / STOPS as f32);
            self.edges += rise * sides;
        }
    }
}

/// How far a path goes up and down, a curve by its control points.
fn rise(path: &usvg::tiny_skia_path::Path, to: usvg::Transform) -> f32 {
    let mut points = path.points().to_vec();
    to.map_points(&mut points);
    let pairs = points.iter().zip(points.iter().skip(1));
    pairs.map(|(one, next)| (next.y - one.y).abs()).sum()
}

/// Draws the emblem of an achievement in a square: its own image, or its seal.
pub fn emblem(
    sheet: &mut Sheet,
    shown: &CredentialView,
    image: Option<&[u8]>,
    [x, y, side]: [f32; 3],
    lang: Lang,
) {
    let texts = &lang.texts().certificate;
    let words = match image {
        None => (texts.seal)(&shown.name, &shown.organization),
        Some(_) => (texts.badge)(&shown.name, &shown.organization),
    };
    sheet.tagged(Role::Figure(words), |sheet| match image {
        Some(png) => sheet.picture(png, [x, y, side, side], Fit::Inside),
        None => {
            let template = shown.template.to_string();
            let of = Seal { template: &template, award: &shown.name, initials: &shown.initials };
            draw_seal(sheet, &of, [x, y, side]);
        }
    });
}

/// What makes a seal.
pub struct Seal<'a> {
    /// The template's id, from which its colour follows.
    pub template: &'a str,
    /// The name of the award, on the ring.
    pub award: &'a str,
    /// The organization's initials.
    pub initials: &'a str,
}

/// Draws the seal: the medal, the award's name on its ring, and the organization's initials or a star in its middle.
fn draw_seal(sheet: &mut Sheet, of: &Seal<'_>, [x, y, side]: [f32; 3]) {
    let inner = seal::SIDE as f32;
    let scale = side / inner;
    let ring = ring(sheet, of.award, scale);
    let mut medal = seal::medal(of.template, ring.is_some());
    if of.initials.is_empty() {
        medal.push_str(&seal::star());
    }
    sheet.drawing(medal, inner, x, y, side);
    let middle = (x + side / 2.0, y + side / 2.0);
    if let Some(line) = ring.as_ref().and_then(|set| set.lines.first()) {
        sheet.around(line, middle, seal::RING as f32 * scale, WHITE);
    }
    let most = seal::letters(of.initials) as f32 * scale;
    let style = Style { face: Face::Display, most, least: most * 0.4, lines: 1 };
    let letters = sheet.set(of.initials, style, 72.0 * scale);
    if let Some(line) = letters.lines.first() {
        let baseline = middle.1 + letters.size * 0.35;
        sheet.text(&letters, middle.0, baseline - line.baseline, Align::Middle, WHITE);
    }
}

/// The seal of a template alone.
pub fn seal(of: &Seal<'_>) -> Sheet {
    let mut sheet = Sheet::new(BADGE_SIDE, BADGE_SIDE, &[of.award]);
    draw_seal(&mut sheet, of, [0.0, 0.0, BADGE_SIDE]);
    sheet
}

/// The part of its circle that a ring's words may take.
const MOST_OF_RING: f32 = 0.94;

/// Sets the words of a seal's ring. `None` for those that would not fit in letters that can be read, or have letters
/// that no font has.
fn ring(sheet: &mut Sheet, words: &str, scale: f32) -> Option<Set> {
    let (most, least) = seal::RING_LETTERS;
    let style = Style {
        face: Face::Strong,
        most: most as f32 * scale,
        least: least as f32 * scale,
        lines: 1,
    };
    let round = std::f32::consts::TAU * seal::RING as f32 * scale * MOST_OF_RING;
    let known = sheet.unknown.clone();
    let set = sheet.set(words, style, round);
    if set.lines.len() == 1 && set.unknown.is_empty() {
        return Some(set);
    }
    sheet.unknown = known;
    None
}

/// What a drawing says of a credential that is not in force, or a test: the word and its colour.
pub fn mark(shown: &CredentialView, lang: Lang) -> Option<(String, Colour)> {
    let test = shown.test.then(|| lang.texts().test);
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
    fn a_picture_that_takes_too_much_is_not_drawn() {
        let layers = r##"<rect width="200" height="200" fill="#eee" fill-opacity=".1"/>"##;
        let stops = r##"<stop offset=".5" stop-color="#eee"/>"##.repeat(2_000);
        let gradient = format!(r##"<linearGradient id="g">{stops}</linearGradient>"##);
        let circles = r##"<circle cx="100" cy="100" r="99" fill="url(#g)"/>"##.repeat(500);
        let zigzag: String =
            (0..16_000).map(|n| format!("L{} {}", n % 200, n * 37 % 200)).collect();
        let path = format!(r##"<path d="M0 0{zigzag}" stroke="#333" fill="#eee"/>"##);
        let clips = r##"<circle cx="100" cy="100" r="99"/>"##.repeat(99);
        let clipped = r##"<g clip-path="url(#c)"><rect width="200" height="200"/></g>"##.repeat(20);
        let clipped = format!(r##"<clipPath id="c">{clips}</clipPath>{clipped}"##);
        for heavy in [layers.repeat(4_200), format!("{gradient}{circles}"), path, clipped] {
            let found = tree(&heavy, 200.0);
            assert!(found.is_err(), "{}", heavy.get(..60).unwrap_or_default());
        }
        // What designers draw: a guilloche, a hundred layers, a gradient over the page.
        let gradient = r##"<linearGradient id="g"><stop stop-color="#eee"/><stop offset="1"/></linearGradient><rect width="200" height="200" fill="url(#g)"/>"##;
        for light in [seal::medal("550e8400", true), layers.repeat(100), gradient.to_owned()] {
            assert!(tree(&light, 200.0).is_ok());
        }
    }

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
