//! A column of names, facts and skills, in the largest sizes in which it fits.

use resvg::tiny_skia::PathBuilder;

use super::{
    Content,
    parts::{Grid, GridStyle},
};
use crate::{
    drawing::{INK, SOFT},
    fonts::Face,
    sheet::{Align, Colour, Fit, Role, Sheet},
    typesetting::{Set, Style},
};

/// What a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One of several.
    Words,
    /// The recipient.
    Person,
    /// The award.
    Award,
}

/// A piece of a column.
pub enum Block {
    /// A text.
    Text(Set, Colour, Kind),
    /// A line of a length and a thickness.
    Rule(f32, f32),
    /// Two fine lines of a length together, and a lozenge between them.
    Ornament(f32),
    /// The organization's logo, in a box.
    Logo(f32, f32),
    /// The facts.
    Facts(Grid),
}

impl Block {
    fn height(&self) -> f32 {
        match self {
            Self::Text(set, ..) => set.height,
            Self::Rule(_, line) => *line,
            Self::Ornament(_) => LOZENGE * 2.0,
            Self::Logo(_, height) => *height,
            Self::Facts(grid) => grid.height(),
        }
    }
}

/// Pieces from above, each with the space above it.
pub type Pieces = Vec<(f32, Block)>;

/// How much smaller than planned names are, and all is.
#[derive(Clone, Copy)]
pub struct Scale {
    /// Of names and the space around them.
    pub names: f32,
    /// Of all.
    pub all: f32,
}

/// The plan of a column.
pub struct Plan {
    /// Longest line.
    pub measure: f32,
    /// Where lines begin.
    pub align: Align,
    /// The names, from above.
    pub names: fn(&mut Sheet, &Content<'_>, f32, Scale) -> Pieces,
    /// Space above the facts.
    pub above_facts: f32,
    /// How facts are set.
    pub facts: GridStyle,
}

/// A column, set.
pub struct Flow {
    pieces: Pieces,
    align: Align,
}

impl Flow {
    /// Sets a column for a room: first names become smaller, down to a half, then all.
    pub fn fitted(sheet: &mut Sheet, content: &Content<'_>, room: f32, plan: &Plan) -> Self {
        let mut scale = Scale { names: 1.0, all: 1.0 };
        let mut below = rest(sheet, content, plan, scale.all);
        loop {
            let mut pieces = (plan.names)(sheet, content, plan.measure, scale);
            let height = height_of(&pieces) + height_of(&below);
            if height <= room || scale.all < 0.15 {
                pieces.extend(below);
                return Self { pieces, align: plan.align };
            }
            if scale.names > 0.48 {
                scale.names *= 0.93;
            } else {
                scale.all *= 0.93;
                below = rest(sheet, content, plan, scale.all);
            }
        }
    }

    /// Its height.
    pub fn height(&self) -> f32 {
        height_of(&self.pieces)
    }

    /// Draws it from `y`; `x` is its left or its middle.
    pub fn draw(self, sheet: &mut Sheet, content: &Content<'_>, x: f32, y: f32) {
        let (mut y, align) = (y, self.align);
        for (above, block) in self.pieces {
            y += above;
            let height = block.height();
            match block {
                Block::Text(set, colour, kind) => sheet.tagged(role(kind, content), |sheet| {
                    sheet.text(&set, x, y, align, colour);
                }),
                Block::Rule(length, line) => {
                    let left = if align == Align::Middle { x - length / 2.0 } else { x };
                    sheet.rectangle(left, y, length, line, content.accent);
                }
                Block::Ornament(length) => ornament(sheet, content, length, (x, y + LOZENGE)),
                Block::Logo(width, height) => {
                    let (left, fit) = match align {
                        Align::Middle => (x - width / 2.0, Fit::Inside),
                        Align::Left => (x, Fit::Beginning),
                    };
                    logo(sheet, content, [left, y, width, height], fit);
                }
                Block::Facts(grid) => grid.draw(sheet, x, y),
            }
            y += height;
        }
    }
}

/// Half the height of the lozenge in an ornament.
const LOZENGE: f32 = 4.0;

fn ornament(sheet: &mut Sheet, content: &Content<'_>, length: f32, (x, y): (f32, f32)) {
    let (half, open) = (length / 2.0, 12.0);
    for left in [x - half, x + open] {
        sheet.rectangle(left, y - 0.35, half - open, 0.7, content.accent);
    }
    let mut path = PathBuilder::new();
    path.move_to(x - LOZENGE * 1.4, y);
    path.line_to(x, y - LOZENGE);
    path.line_to(x + LOZENGE * 1.4, y);
    path.line_to(x, y + LOZENGE);
    path.close();
    sheet.path(path, None, content.accent);
}

fn height_of(pieces: &[(f32, Block)]) -> f32 {
    pieces.iter().map(|(above, block)| above + block.height()).sum()
}

/// Facts, skills, place and date.
fn rest(sheet: &mut Sheet, content: &Content<'_>, plan: &Plan, all: f32) -> Pieces {
    let mut pieces = Vec::new();
    let facts = content.facts();
    if !facts.is_empty() {
        let grid = Grid::set(sheet, &facts, plan.measure, plan.align, plan.facts, all);
        pieces.push((plan.above_facts * all, Block::Facts(grid)));
    }
    let style = Style { face: Face::Text, most: 9.0 * all, least: 6.0 * all, lines: 3 };
    for lang in content.languages() {
        if let Some(line) = content.shown.skills_line(lang) {
            let narrow = if plan.align == Align::Middle { 0.76 } else { 1.0 };
            let set = sheet.set(&line, style, plan.measure * narrow);
            pieces.push((6.0 * all, Block::Text(set, SOFT, Kind::Words)));
        }
    }
    if let Some(place) = content.place() {
        let style = Style { face: Face::Display, most: 11.5 * all, least: 8.0 * all, lines: 2 };
        let set = sheet.set(&place, style, plan.measure);
        pieces.push((10.0 * all, Block::Text(set, INK, Kind::Words)));
    }
    pieces
}

/// The role of a text: the person is the first heading, the award the next.
fn role(kind: Kind, content: &Content<'_>) -> Role {
    let shown = content.shown;
    match (kind, &shown.recipient_name) {
        (Kind::Words, _) => Role::Paragraph,
        (Kind::Person, Some(name)) => Role::Heading(1, name.clone()),
        (Kind::Award, Some(_)) => Role::Heading(2, shown.name.clone()),
        (Kind::Award | Kind::Person, None) => Role::Heading(1, shown.name.clone()),
    }
}

/// Draws the organization's logo, if there is one.
pub fn logo(sheet: &mut Sheet, content: &Content<'_>, place: [f32; 4], fit: Fit) {
    if let Some(logo) = content.pictures.logo {
        let words = (content.lang.texts().certificate.logo)(&content.shown.organization);
        sheet.tagged(Role::Figure(words), |sheet| sheet.picture(logo, place, fit));
    }
}

/// The size below which only all together makes the organization's name smaller.
const READABLE: f32 = 11.0;

/// How the names of a layout are set: sizes before they are made smaller.
pub struct Names {
    /// Largest and smallest size, and lines of the organization.
    pub from: Style,
    /// Of the recipient.
    pub person: Style,
    /// Of the award.
    pub award: Style,
    /// The size of the words between them.
    pub words: f32,
}

/// The names of a layout, set.
pub struct NamesSet {
    /// The organization.
    pub from: Block,
    /// The words before the recipient, and the recipient.
    pub person: Option<(Block, Block)>,
    /// The words before the award.
    pub of: Block,
    /// The award.
    pub award: Block,
}

/// The largest organization's name beside a person's.
const BESIDE_PERSON: f32 = 0.85;

impl Names {
    /// Sets them.
    pub fn set(
        &self,
        sheet: &mut Sheet,
        content: &Content<'_>,
        measure: f32,
        Scale { names, all }: Scale,
    ) -> NamesSet {
        let shown = content.shown;
        let scaled = |style: Style, names: f32| {
            let most = style.most * names * all;
            Style { most, least: (style.least * all).min(most), ..style }
        };
        let size = self.words * all;
        let small = Style { face: Face::Text, most: size, least: size * 0.7, lines: 1 };
        let named = shown.recipient_name.is_some();
        let of = content.both(|lang| {
            let texts = &lang.texts().certificate;
            if named { texts.the_credential } else { texts.awards_the_credential }.to_owned()
        });
        let of = sheet.set(&of, small, measure);
        let award = sheet.set(&shown.name, scaled(self.award, names), measure);
        let mut from = scaled(self.from, names.max(READABLE / self.from.most).min(1.0));
        let person = shown.recipient_name.as_ref().map(|name| {
            let to = content.both(|lang| lang.texts().certificate.awards_to.to_owned());
            let to = sheet.set(&to, small, measure);
            let name = sheet.set(name, scaled(self.person, names), measure);
            // A long name in small letters is still the largest.
            from.most = from.most.min(name.size * BESIDE_PERSON).max(from.least);
            (Block::Text(to, SOFT, Kind::Words), Block::Text(name, INK, Kind::Person))
        });
        let from = sheet.set(&shown.organization, from, measure);
        NamesSet {
            from: Block::Text(from, INK, Kind::Words),
            person,
            of: Block::Text(of, SOFT, Kind::Words),
            award: Block::Text(award, content.accent, Kind::Award),
        }
    }
}
