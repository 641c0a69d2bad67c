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

use crate::{
    fonts::{Fonts, Region},
    typesetting::{self, Line, Set, Style},
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
    /// A PNG file, and its box: as large as it fits, in the middle.
    Picture(Rc<[u8]>, [f32; 4]),
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

    /// Draws a line from point to point.
    pub fn line(&mut self, from: (f32, f32), to: (f32, f32), line: f32, colour: Colour) {
        let mut path = PathBuilder::new();
        path.move_to(from.0, from.1);
        path.line_to(to.0, to.1);
        self.nodes.extend(path.finish().map(|path| Node::Stroke(path, colour, line)));
    }

    /// Draws a PNG file as large as it fits into a box, in its middle.
    pub fn picture(&mut self, png: &[u8], x: f32, y: f32, width: f32, height: f32) {
        self.nodes.push(Node::Picture(png.into(), [x, y, width, height]));
    }

    /// Draws the inside of an SVG with the view box `0 0 inner inner` in a square. Its texts are not drawn.
    pub fn drawing(&mut self, svg: String, inner: f32, x: f32, y: f32, side: f32) {
        self.nodes.push(Node::Drawing(svg, inner, [x, y, side]));
    }
}

/// Where a picture of a size is in a box: x, y, width, height.
pub fn fitted(size: (u32, u32), [x, y, width, height]: [f32; 4]) -> [f32; 4] {
    let (w, h) = (size.0.max(1) as f32, size.1.max(1) as f32);
    let scale = (width / w).min(height / h);
    let (w, h) = (w * scale, h * scale);
    [x + (width - w) / 2.0, y + (height - h) / 2.0, w, h]
}
