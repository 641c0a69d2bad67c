//! What a layout draws on: one sheet, which becomes a page of PDF ([`crate::pdf`]) or pixels ([`crate::pixels`]).
//!
//! A layout is a function that is given a credential's view and draws on a sheet, in points from its upper left
//! corner. Texts are set first ([`Sheet::set`]), so that their size is known, and then placed ([`Sheet::text`]).
//! Whatever says something is drawn inside [`Sheet::tagged`], with its role for people who hear the page: what is drawn
//! outside is decoration. The order of drawing is the order of reading; [`Sheet::over`] draws above all and is
//! read first.
//!
//! ```ignore
//! let mut sheet = Sheet::new(842.0, 595.0, &[&shown.name]);
//! sheet.frame(24.0, 24.0, 794.0, 547.0, 1.5, ACCENT);
//! let name = sheet.set(&shown.name, Style { face: Face::Display, most: 46.0, least: 14.0, lines: 2 }, 660.0);
//! sheet.tagged(Role::Heading(1, shown.name.clone()), |sheet| {
//!     sheet.text(&name, 421.0, 120.0, Align::Middle, INK);
//! });
//! ```

use std::{collections::BTreeSet, rc::Rc};

use resvg::tiny_skia::{Path, PathBuilder, Rect, Transform};

use unicreda::domain::image::ImageKind;

use crate::{
    fonts::{Fonts, Region},
    pictures::Picture,
    typesetting::{self, Line, Piece, Run, Set, Style},
};

/// A colour: red, green, blue, and how much it covers, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour(pub u8, pub u8, pub u8, pub f32);

impl Colour {
    /// The same, covering less.
    pub fn faint(self, opacity: f32) -> Self {
        Self(self.0, self.1, self.2, opacity)
    }
}

/// Where a text is in relation to its x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// It begins there.
    Left,
    /// Its middle is there.
    Middle,
}

/// How a picture fills its box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// As large as it fits, in the middle.
    Inside,
    /// As large as it fits, at the left.
    Beginning,
    /// As large as it fits, in the middle of the lower edge.
    Standing,
    /// Over all of it, beyond two edges where its shape is another.
    Covering,
    /// To all edges, whatever its shape.
    Stretched,
}

/// What something is for a reader who does not see it.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// A heading: level from 1, and its words.
    Heading(u16, String),
    /// A paragraph.
    Paragraph,
    /// A list, of items alone.
    List,
    /// An item, of a label and a body.
    Item,
    /// The name of an item.
    Label,
    /// What an item says.
    Body,
    /// A picture, with the words in place of it.
    Figure(String),
    /// A link: its address, the words in place of it, and its box (x, y, width, height).
    Link(String, String, [f32; 4]),
}

/// Something on a sheet.
#[derive(Debug)]
pub enum Node {
    /// Shapes with a role.
    Tagged(Role, Vec<Node>),
    /// Shapes that are moved or turned.
    Moved(Transform, Vec<Node>),
    /// An area.
    Fill(Path, Colour),
    /// A line of a width.
    Stroke(Path, Colour, f32),
    /// A line of text: its left and its baseline.
    Text(Line, f32, f32, Colour),
    /// A picture's kind and file, its box, and how it fills it.
    Picture(ImageKind, Rc<[u8]>, [f32; 4], Fit),
    /// The inside of an SVG of a square view box: its side, and the place (x, y, side).
    Drawing(String, f32, [f32; 3]),
}

/// A sheet.
pub struct Sheet {
    /// Its width.
    pub width: f32,
    /// Its height.
    pub height: f32,
    /// What is on it, in the order of reading.
    pub nodes: Vec<Node>,
    /// What lies over all, and is read first.
    pub above: Vec<Node>,
    /// The letters on it that no font has, drawn as code points.
    pub unknown: BTreeSet<char>,
    region: Region,
}

impl Sheet {
    /// An empty sheet. `texts` are the main texts that will be on it: they tell which forms of East Asian characters are
    /// meant.
    pub fn new(width: f32, height: f32, texts: &[&str]) -> Self {
        let (nodes, above, unknown) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { width, height, nodes, above, unknown, region: Region::of(texts) }
    }

    /// Sets a text in lines of at most `width`; draws nothing.
    pub fn set(&mut self, text: &str, style: Style, width: f32) -> Set {
        let set = Fonts::with(|fonts| typesetting::set(fonts, text, style, width, self.region));
        self.unknown.extend(&set.unknown);
        set
    }

    /// Draws a text; `y` is the top of its first line. Returns the bottom of its last.
    pub fn text(&mut self, set: &Set, x: f32, y: f32, align: Align, colour: Colour) -> f32 {
        for line in &set.lines {
            let left = match align {
                Align::Left => x,
                Align::Middle => x - line.width / 2.0,
            };
            self.nodes.push(Node::Text(line.clone(), left, y + line.baseline, colour));
        }
        y + set.height
    }

    /// Draws with a role. Roles may hold others, as a list holds items.
    pub fn tagged(&mut self, role: Role, draw: impl FnOnce(&mut Self)) {
        let nodes = self.apart(draw);
        if !nodes.is_empty() {
            self.nodes.push(Node::Tagged(role, nodes));
        }
    }

    /// Draws moved or turned.
    pub fn moved(&mut self, transform: Transform, draw: impl FnOnce(&mut Self)) {
        let nodes = self.apart(draw);
        self.nodes.push(Node::Moved(transform, nodes));
    }

    /// Draws over everything else; read before everything else.
    pub fn over(&mut self, draw: impl FnOnce(&mut Self)) {
        let nodes = self.apart(draw);
        self.above.extend(nodes);
    }

    fn apart(&mut self, draw: impl FnOnce(&mut Self)) -> Vec<Node> {
        let before = std::mem::take(&mut self.nodes);
        draw(self);
        std::mem::replace(&mut self.nodes, before)
    }

    /// Fills a rectangle.
    pub fn rectangle(&mut self, x: f32, y: f32, width: f32, height: f32, colour: Colour) {
        if let Some(rect) = Rect::from_xywh(x, y, width, height) {
            self.nodes.push(Node::Fill(PathBuilder::from_rect(rect), colour));
        }
    }

    /// Draws the outline of a rectangle.
    pub fn frame(&mut self, x: f32, y: f32, width: f32, height: f32, line: f32, colour: Colour) {
        if let Some(rect) = Rect::from_xywh(x, y, width, height) {
            self.nodes.push(Node::Stroke(PathBuilder::from_rect(rect), colour, line));
        }
    }

    /// Draws a path: filled, or as a line of a width.
    pub fn path(&mut self, path: PathBuilder, line: Option<f32>, colour: Colour) {
        self.nodes.extend(path.finish().map(|path| match line {
            Some(line) => Node::Stroke(path, colour, line),
            None => Node::Fill(path, colour),
        }));
    }

    /// Draws a PNG file in a box.
    pub fn picture(&mut self, png: &[u8], place: [f32; 4], fit: Fit) {
        self.nodes.push(Node::Picture(ImageKind::Png, png.into(), place, fit));
    }

    /// Draws a picture in a box.
    pub fn image(&mut self, picture: &Picture, place: [f32; 4], fit: Fit) {
        let file = picture.file.as_slice().into();
        self.nodes.push(Node::Picture(picture.kind, file, place, fit));
    }

    /// Draws a line of text clockwise around a point, the middle of it above; `radius` is that of the baseline.
    pub fn around(&mut self, line: &Line, middle: (f32, f32), radius: f32, colour: Colour) {
        for piece in &line.pieces {
            let Piece::Glyphs(run) = piece else { continue };
            let mut x = run.x;
            for glyph in &run.glyphs {
                let along = x + glyph.advance / 2.0 - line.width / 2.0;
                x += glyph.advance;
                let one =
                    Run { x: -glyph.advance / 2.0, glyphs: vec![glyph.clone()], ..run.clone() };
                let (text, range) = (line.text.clone(), glyph.range.clone());
                let pieces = vec![Piece::Glyphs(one)];
                let one = Line { text, range, width: glyph.advance, baseline: 0.0, pieces };
                let turned = Transform::from_translate(middle.0, middle.1)
                    .pre_rotate((along / radius).to_degrees());
                self.moved(turned, |sheet| {
                    sheet.nodes.push(Node::Text(one, 0.0, -radius, colour));
                });
            }
        }
    }

    /// Draws the inside of an SVG with the view box `0 0 inner inner` in a square. Its texts are not drawn.
    pub fn drawing(&mut self, svg: String, inner: f32, x: f32, y: f32, side: f32) {
        self.nodes.push(Node::Drawing(svg, inner, [x, y, side]));
    }
}

/// Where a picture of a size is in a box: x, y, width, height.
pub fn fitted(size: (f32, f32), [x, y, width, height]: [f32; 4], fit: Fit) -> [f32; 4] {
    let (w, h) = (size.0.max(1.0), size.1.max(1.0));
    let (across, down) = (width / w, height / h);
    let (across, down) = match fit {
        Fit::Inside | Fit::Beginning | Fit::Standing => (across.min(down), across.min(down)),
        Fit::Covering => (across.max(down), across.max(down)),
        Fit::Stretched => (across, down),
    };
    let (w, h) = (w * across, h * down);
    let above = if fit == Fit::Standing { height - h } else { (height - h) / 2.0 };
    let before = if fit == Fit::Beginning { 0.0 } else { (width - w) / 2.0 };
    [x + before, y + above, w, h]
}

#[cfg(test)]
impl Sheet {
    /// The words and the boxes (left, top, right, bottom) of the lines of text on it, those that are turned excepted.
    pub fn boxes(&self) -> Vec<(String, [f32; 4])> {
        fn collect(nodes: &[Node], found: &mut Vec<(String, [f32; 4])>) {
            for node in nodes {
                match node {
                    Node::Tagged(_, nodes) => collect(nodes, found),
                    Node::Text(line, x, y, _) => {
                        let size = |piece: &Piece| match piece {
                            Piece::Glyphs(run) => run.size,
                            Piece::Unknown(unknown) => unknown.size,
                        };
                        let size = line.pieces.iter().map(size).fold(0.0, f32::max);
                        let words = line.text[line.range.clone()].to_owned();
                        let place = [*x, y - 0.72 * size, x + line.width, y + 0.2 * size];
                        found.push((words, place));
                    }
                    _ => {}
                }
            }
        }
        let mut found = Vec::new();
        collect(&self.nodes, &mut found);
        found
    }
}
