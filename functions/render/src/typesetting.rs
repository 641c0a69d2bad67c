//! Typesetting: a text in the largest size that fits, in any script and both directions. Shaping, the order of letters
//! and the places of line breaks are parley's; sizes are ours.
//!
//! What comes out is glyphs with their places, which [`crate::pdf`] and [`crate::pixels`] draw alike.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use parley::{
    FontData, FontFamily, FontFeatures, InlineBox, InlineBoxKind, Layout, LineHeight, OverflowWrap,
    PositionedLayoutItem, StyleProperty, VerticalAlign, layout::Line as LaidLine,
};

use resvg::tiny_skia::{Path, PathBuilder, Rect};
use unicode_normalization::char::is_combining_mark;

use crate::fonts::{Face, Fonts, Region, joins};

/// How a text is set.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Its face.
    pub face: Face,
    /// The largest size.
    pub most: f32,
    /// The size below which lines are added instead: legible, still.
    pub least: f32,
    /// The lines that it should take at most. One is one; several may become two more.
    pub lines: usize,
}

/// A typeset text.
#[derive(Clone, Debug, Default)]
pub struct Set {
    /// The size of its letters.
    pub size: f32,
    /// The width of its widest line.
    pub width: f32,
    /// The height of all lines.
    pub height: f32,
    /// Its lines, from above.
    pub lines: Vec<Line>,
    /// Its letters that no font has, drawn as code points.
    pub unknown: BTreeSet<char>,
}

/// A line.
#[derive(Clone, Debug)]
pub struct Line {
    /// What its glyphs are of.
    pub text: Arc<str>,
    /// Its part of the text.
    pub range: Range<usize>,
    /// Its width without the space at its end.
    pub width: f32,
    /// Its baseline, from the top of the whole text.
    pub baseline: f32,
    /// From left to right.
    pub pieces: Vec<Piece>,
}

/// A piece of a line.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Glyphs of one font.
    Glyphs(Run),
    /// A letter that no font has.
    Unknown(Unknown),
}

/// Glyphs of one font.
#[derive(Clone, Debug)]
pub struct Run {
    /// The font.
    pub font: FontData,
    /// The size.
    pub size: f32,
    /// Where it begins, from the line's left.
    pub x: f32,
    /// From left to right.
    pub glyphs: Vec<Glyph>,
}

/// A glyph.
#[derive(Clone, Debug)]
pub struct Glyph {
    /// Its number in the font.
    pub id: u32,
    /// How far the next one is.
    pub advance: f32,
    /// How far it is moved to the right.
    pub dx: f32,
    /// How far it is moved up.
    pub dy: f32,
    /// The letters that it stands for, together with the others of the same range.
    pub range: Range<usize>,
}

/// A letter that no font has: a box with its code point.
#[derive(Clone, Debug)]
pub struct Unknown {
    /// The letter.
    pub letter: char,
    /// Its left, from the line's.
    pub x: f32,
    /// Its width; its height is the size.
    pub width: f32,
    /// The size of the text around it.
    pub size: f32,
    /// Its code point in two rows, with the place of each from the box's left and the baseline.
    pub digits: Vec<(f32, f32, Run)>,
}

/// The distance of two lines, in sizes.
const LEADING: f32 = 1.22;
/// Where the baseline is in it.
const ASCENT: f32 = 0.95;
/// A face whose lines are higher than this has marks above and below, and keeps its own height.
const TALL: f32 = 1.5;
/// The part of the largest size below which letters are small: a word is broken rather than set smaller.
const WHOLE_WORDS: f32 = 0.45;
/// The lines that a text of several lines may take besides.
const MORE_LINES: usize = 2;

/// Sets a text, in the largest size in which it takes the style's lines, each of at most `width`. In the
/// least size it takes as many lines as it needs: nothing is left out.
pub fn set(fonts: &mut Fonts, text: &str, style: Style, width: f32, region: Region) -> Set {
    let words: Vec<&str> = text.split_whitespace().collect();
    // A soft hyphen and a byte order mark are invisible, and no font's business.
    let text: String = words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{ad}' | '\u{feff}'))
        .collect();
    let text = with_few_marks(&text);
    let mut choice = fonts.choose(&text, style.face, region);
    loop {
        let laid = Laid::new(fonts, &text, &choice.families, &choice.unknown, style);
        let set = laid.fitted(fonts, style, width, region);
        // A mark may be in another face than its letter, and both must be in one.
        let lacking: Vec<char> = set.lacking().filter(|c| !choice.unknown.contains(c)).collect();
        if lacking.is_empty() {
            return set;
        }
        choice.unknown.extend(lacking);
    }
}

/// Marks on one letter that are drawn: more than any script puts there, and few enough not to reach other lines.
const MOST_MARKS: usize = 6;

/// Leaves out the marks that would pile up over the page.
fn with_few_marks(text: &str) -> String {
    let mut marks = 0;
    let is_drawn = |c: &char| {
        marks = if is_combining_mark(*c) { marks + 1 } else { 0 };
        marks <= MOST_MARKS
    };
    text.chars().filter(is_drawn).collect()
}

/// A text, shaped in its largest size. Shapes grow with the size, so smaller ones need no other shaping.
struct Laid {
    text: Arc<str>,
    layout: Layout<()>,
    boxes: Vec<char>,
    most: f32,
}

impl Laid {
    fn new(
        fonts: &mut Fonts,
        text: &str,
        families: &[parley::FontFamilyName<'static>],
        unknown: &BTreeSet<char>,
        style: Style,
    ) -> Self {
        let mut boxes: Vec<(usize, char)> = Vec::new();
        let mut known = String::with_capacity(text.len());
        for c in text.chars() {
            if unknown.contains(&c) {
                boxes.push((known.len(), c));
            } else {
                known.push(c);
            }
        }
        let most = style.most;
        let Fonts { context, layouts, .. } = fonts;
        let mut builder = layouts.ranged_builder(context, &known, 1.0, false);
        builder.push_default(FontFamily::List(families.into()));
        builder.push_default(StyleProperty::FontSize(most));
        builder.push_default(StyleProperty::LineHeight(LineHeight::Absolute(most)));
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::BreakWord));
        // Readers of PDF take ligatures of Latin and Arabic letters apart in the wrong order.
        builder
            .push_default(StyleProperty::FontFeatures(FontFeatures::Source("\"liga\" 0".into())));
        for (number, (index, c)) in boxes.iter().enumerate() {
            builder.push_inline_box(InlineBox {
                id: number as u64,
                kind: InlineBoxKind::InFlow,
                index: *index,
                width: box_width(*c) * most,
                height: most,
                baseline: None,
                vertical_align: VerticalAlign::BASELINE,
            });
        }
        let layout = builder.build(&known);
        let boxes = boxes.into_iter().map(|(_, c)| c).collect();
        Self { text: known.into(), layout, boxes, most }
    }

    /// Breaks it into lines in the largest size that fits. Where the letters would be small, a line or two more let
    /// them be larger.
    fn fitted(mut self, fonts: &mut Fonts, style: Style, width: f32, region: Region) -> Set {
        let longest = self.layout.calculate_content_widths().min;
        let mut size = style.most;
        for lines in style.lines..=style.lines + MORE_LINES {
            size = self.broken(style, lines, width, longest);
            if style.lines == 1 || size >= style.most * WHOLE_WORDS {
                break;
            }
        }
        self.balance(width * self.most / size, longest);
        let set = self.placed(fonts, size, region);
        // One letter of many parts is wider than the line, which nothing breaks.
        match set.width > width * 1.005 {
            true => self.placed(fonts, size * width / set.width, region),
            false => set,
        }
    }

    /// Breaks it into so many lines at most; returns the size. In the least size it takes as many as it needs.
    fn broken(&mut self, style: Style, lines: usize, width: f32, longest: f32) -> f32 {
        let whole_to = (style.most * WHOLE_WORDS).max(style.least);
        let (mut size, mut whole) = (style.most, true);
        loop {
            // In units of the shaped size.
            let measure = width * self.most / size;
            self.layout.break_all_lines(Some(measure));
            if self.layout.len() <= lines && !(whole && longest > measure) {
                return size;
            }
            if whole && size <= whole_to {
                (whole, size) = (false, style.most);
            } else if size <= style.least {
                return size;
            } else {
                size = (size * 0.95).max(if whole { whole_to } else { style.least });
            }
        }
    }

    /// Makes lines more even: a last line of one short word looks like a mistake.
    fn balance(&mut self, measure: f32, longest: f32) {
        let lines = self.layout.len();
        let (mut narrow, mut good) = (measure, measure);
        while lines > 1 && self.layout.len() == lines {
            good = narrow;
            narrow *= 0.96;
            if narrow < longest || narrow < measure * 0.5 {
                break;
            }
            self.layout.break_all_lines(Some(narrow));
        }
        self.layout.break_all_lines(Some(good));
    }

    /// Takes the glyphs out, in a size.
    fn placed(&self, fonts: &mut Fonts, size: f32, region: Region) -> Set {
        let scale = size / self.most;
        let mut set = Set { size, ..Set::default() };
        for line in self.layout.lines() {
            let mut pieces = Vec::new();
            let (mut above, mut below) = (ASCENT * size, (LEADING - ASCENT) * size);
            for item in line.items() {
                match item {
                    PositionedLayoutItem::GlyphRun(run) => {
                        let metrics = run.run().font_metrics();
                        if metrics.ascent + metrics.descent > TALL * self.most {
                            above = above.max(metrics.ascent * scale);
                            below = below.max(metrics.descent * scale);
                        }
                        pieces.push(Piece::Glyphs(glyphs(run.run(), run.offset(), scale)));
                    }
                    PositionedLayoutItem::InlineBox(place) => {
                        let letter = usize::try_from(place.id).ok().and_then(|n| self.boxes.get(n));
                        let Some(letter) = letter.copied() else { continue };
                        set.unknown.insert(letter);
                        pieces.push(Piece::Unknown(unknown(
                            fonts,
                            letter,
                            place.x * scale,
                            size,
                            region,
                        )));
                    }
                }
            }
            let width = visible(&line) * scale;
            set.width = set.width.max(width);
            set.lines.push(Line {
                text: Arc::clone(&self.text),
                range: line.text_range(),
                width,
                baseline: set.height + above,
                pieces,
            });
            set.height += above + below;
        }
        if self.text.is_empty() && self.boxes.is_empty() {
            return Set { size, ..Set::default() };
        }
        set
    }
}

impl Unknown {
    /// The outline of the box, around the line's middle.
    pub fn outline(&self) -> Option<Path> {
        let inset = 0.04 * self.size;
        let (top, bottom) = (-0.76 * self.size, 0.06 * self.size);
        Rect::from_ltrb(inset, top, self.width - inset, bottom).map(PathBuilder::from_rect)
    }

    /// The width of its line.
    pub fn line(&self) -> f32 {
        0.035 * self.size
    }
}

impl Set {
    /// The letters whose glyph is none.
    fn lacking(&self) -> impl Iterator<Item = char> {
        let pieces =
            self.lines.iter().flat_map(|line| line.pieces.iter().map(move |piece| (line, piece)));
        pieces.flat_map(|(line, piece)| {
            let glyphs = match piece {
                Piece::Glyphs(run) => run.glyphs.as_slice(),
                Piece::Unknown(_) => &[],
            };
            let none = glyphs.iter().filter(|glyph| glyph.id == 0);
            none.flat_map(|glyph| line.text.get(glyph.range.clone()).unwrap_or_default().chars())
                .filter(|c| !joins(*c))
        })
    }
}

/// The width of a line without the space that hangs over its end.
fn visible(line: &LaidLine<'_, ()>) -> f32 {
    line.metrics().advance - line.metrics().hanging_advance
}

/// The glyphs of a run.
fn glyphs(run: &parley::layout::Run<'_, ()>, offset: f32, scale: f32) -> Run {
    let mut glyphs: Vec<Glyph> = Vec::new();
    // From right to left the rest of a ligature comes before it.
    let mut rest: Option<usize> = None;
    for cluster in run.visual_clusters() {
        let mut range = cluster.text_range();
        if cluster.is_ligature_continuation() {
            if run.is_rtl() {
                rest = rest.max(Some(range.end));
            } else if let Some(begins) = glyphs.last().map(|glyph| glyph.range.start) {
                for glyph in glyphs.iter_mut().rev().take_while(|glyph| glyph.range.start == begins)
                {
                    glyph.range.end = range.end;
                }
            }
            continue;
        }
        if let Some(end) = rest.take() {
            range.end = range.end.max(end);
        }
        for glyph in cluster.glyphs() {
            glyphs.push(Glyph {
                id: glyph.id,
                advance: glyph.advance * scale,
                dx: glyph.x * scale,
                dy: -glyph.y * scale,
                range: range.clone(),
            });
        }
    }
    Run { font: run.font().clone(), size: run.font_size() * scale, x: offset * scale, glyphs }
}

/// The code point of a letter, as it stands in its box.
fn code(letter: char) -> String {
    format!("{:04X}", u32::from(letter))
}

/// The width of a letter's box, in sizes.
fn box_width(letter: char) -> f32 {
    if code(letter).len() > 4 { 0.94 } else { 0.72 }
}

fn unknown(fonts: &mut Fonts, letter: char, x: f32, size: f32, region: Region) -> Unknown {
    let code = code(letter);
    let (above, below) = code.split_at(code.len() / 2);
    let width = box_width(letter) * size;
    let style = Style { face: Face::Strong, most: size * 0.38, least: size * 0.38, lines: 1 };
    let mut digits = Vec::new();
    for (row, baseline) in [(above, -0.40 * size), (below, -0.03 * size)] {
        let set = set(fonts, row, style, width, region);
        for line in set.lines {
            let left = (width - line.width) / 2.0;
            digits.extend(line.pieces.into_iter().filter_map(|piece| match piece {
                Piece::Glyphs(run) => Some((left, baseline, run)),
                Piece::Unknown(_) => None,
            }));
        }
    }
    Unknown { letter, x, width, size, digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(lines: usize) -> Style {
        Style { face: Face::Display, most: 40.0, least: 12.0, lines }
    }

    fn laid(text: &str, style: Style, width: f32) -> Set {
        Fonts::with(|fonts| set(fonts, text, style, width, Region::of(&[text])))
    }

    #[test]
    fn a_text_is_whole_in_its_width_whatever_its_length() {
        let long = "Programa de especialización ".repeat(8);
        let word = "Donaudampfschifffahrtsgesellschaftskapitän".repeat(5);
        for text in ["Ana", "María José Núñez de la Fuente", long.trim(), word.as_str(), ""] {
            let set = laid(text, style(3), 600.0);
            assert!(set.size >= 12.0 && set.width <= 600.1, "{text}: {} {}", set.size, set.width);
            let letters = |line: &Line| line.text[line.range.clone()].trim().to_owned();
            let whole: Vec<String> = set.lines.iter().map(letters).collect();
            assert_eq!(whole.concat().replace(' ', ""), text.replace(' ', ""));
        }
        assert_eq!(laid("Ana", style(1), 600.0).size, 40.0);
        assert!(laid(long.trim(), style(3), 600.0).lines.len() <= 3 + MORE_LINES);
        let even = laid("uno dos tres cuatro cinco seis siete", style(2), 420.0);
        assert!(even.lines[1].width > even.lines[0].width * 0.6, "{even:?}");
    }

    #[test]
    fn letters_of_many_parts_neither_run_out_of_their_width_nor_over_other_lines() {
        let family = format!("👩{}", "\u{200d}👩".repeat(99));
        let jamo = format!("{}{}", "ᄒ".repeat(100), "ᅡ".repeat(100));
        for text in [family.as_str(), jamo.as_str()] {
            let set = laid(text, style(2), 500.0);
            assert!(set.width <= 503.0, "{}", set.width);
        }
        for mark in ['\u{300}', '\u{e48}', '\u{64b}', '\u{f71}'] {
            let marks: String = std::iter::repeat_n(mark, 150).collect();
            let few = with_few_marks(&format!("e{marks}e{marks}"));
            assert_eq!(few.chars().filter(|c| *c == mark).count(), 2 * MOST_MARKS);
        }
        assert_eq!(with_few_marks("Nguyễn Thị Thuỷ क्षत्रिय"), "Nguyễn Thị Thuỷ क्षत्रिय");
    }

    #[test]
    fn a_letter_that_no_font_has_is_a_box_and_named() {
        for text in ["A\u{e000}b", "\u{f0000}", "\u{e000}\u{e001} x"] {
            let set = laid(text, style(1), 600.0);
            let boxes = set.lines.iter().flat_map(|line| &line.pieces);
            let boxes: Vec<char> = boxes
                .filter_map(|piece| match piece {
                    Piece::Unknown(unknown) => Some(unknown.letter),
                    Piece::Glyphs(_) => None,
                })
                .collect();
            let private = text.chars().filter(|c| u32::from(*c) >= 0xe000).collect::<Vec<_>>();
            assert_eq!(boxes, private);
            assert_eq!(set.unknown, private.into_iter().collect());
        }
    }
}
