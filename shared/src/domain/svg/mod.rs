//! SVG drawings from outside: signatures, backgrounds and frames, read under limits and written anew.
//!
//! What is kept is a list of shapes, gradients and clips with the attributes that draw them. What draws nothing goes: scripts,
//! animations, metadata, comments, attributes of other programs, a document type without declarations. What would draw and cannot
//! be kept is refused by its name, so that no picture silently changes: texts (they need a font), images and links to elsewhere, style
//! sheets, copies, filters, patterns. The same drawing makes the same bytes.
//!
//! The work of who draws the result is bounded too: elements, depth, numbers, transparent groups and clips have limits, and no
//! reference leads back to itself.

mod values;

use std::collections::BTreeMap;

use quick_xml::{
    XmlVersion,
    events::{BytesEnd, BytesStart, Event},
    reader::Reader,
    writer::Writer,
};

use values::{Value, View};

/// Largest file in a request, and largest that is kept, in bytes.
pub const MAX_SVG: usize = 256 * 1024;
/// Most elements, those that are left out included.
pub const MAX_ELEMENTS: usize = 5_000;
/// Most elements within each other.
pub const MAX_DEPTH: usize = 32;
/// Most attributes of an element.
const MAX_ATTRIBUTES: usize = 100;
/// Most clips and transparencies: each can take a layer of the whole page.
pub const MAX_LAYERS: usize = 100;
/// Most gradients that take their stops from one another.
const MAX_CHAIN: usize = 8;
/// The namespace of SVG.
const NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// A refused drawing.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SvgFault {
    /// More than [`MAX_SVG`], as it came or written anew.
    #[error("larger than {MAX_SVG} bytes")]
    TooLarge,
    /// No SVG in UTF-8, or damaged.
    #[error("not an SVG file, or a damaged one")]
    NotSvg,
    /// It declares entities or elements of its own.
    #[error("a document type with declarations")]
    Declarations,
    /// More than a limit: elements, depth, attributes or layers.
    #[error("too complex: {0}")]
    TooComplex(&'static str),
    /// An element that draws and is not kept.
    #[error("an element that is not taken")]
    Element(String),
    /// An attribute with a value that is not taken: a reference to elsewhere, a number beyond all bounds, a filter.
    #[error("an attribute that is not taken")]
    Attribute(String),
    /// A reference to nothing, to what cannot be referred to, or back to itself.
    #[error("a reference that leads nowhere")]
    Reference(String),
    /// No view box, or one outside the limits.
    #[error("no usable size")]
    Size,
    /// It draws nothing.
    #[error("nothing is drawn")]
    Empty,
}

/// A drawing that was read and written anew.
#[derive(Clone, PartialEq, Eq)]
pub struct Svg {
    bytes: Vec<u8>,
    width: u32,
    height: u32,
}

impl std::fmt::Debug for Svg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Svg({} x {})", self.width, self.height)
    }
}

impl Svg {
    /// Reads a file from outside, and writes what is kept of it.
    ///
    /// # Errors
    /// [`SvgFault`].
    pub fn read(bytes: &[u8]) -> Result<Self, SvgFault> {
        if bytes.len() > MAX_SVG {
            return Err(SvgFault::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| SvgFault::NotSvg)?;
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        let mut cleaner = Cleaner::new();
        loop {
            match reader.read_event().map_err(|_| SvgFault::NotSvg)? {
                Event::Start(start) => cleaner.open(&start, false)?,
                Event::Empty(start) => cleaner.open(&start, true)?,
                Event::End(_) => cleaner.close()?,
                Event::Text(text) => cleaner.text(&text)?,
                Event::CData(text) => cleaner.text(&text)?,
                Event::GeneralRef(_) => cleaner.text(b"&")?,
                Event::DocType(declared) if declared.contains(&b'[') => {
                    return Err(SvgFault::Declarations);
                }
                Event::DocType(_) | Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => return cleaner.end(),
            }
        }
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Width and height in whole units of the drawing.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }
}

/// What becomes of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Written, a shape.
    Shape,
    /// Written: a group, a gradient or a clip.
    Holder,
    /// Left out with all that is in it.
    Dropped,
    /// Left out; a fault if it says anything.
    Style,
}

/// What an element is, by its name.
fn fate(name: &str) -> Option<Fate> {
    match name {
        "path" | "rect" | "circle" | "ellipse" | "line" | "polyline" | "polygon" => {
            Some(Fate::Shape)
        }
        "g" | "defs" | "linearGradient" | "radialGradient" | "stop" | "clipPath" => {
            Some(Fate::Holder)
        }
        "style" => Some(Fate::Style),
        "title" | "desc" | "metadata" | "script" | "animate" | "animateMotion"
        | "animateTransform" | "set" | "cursor" | "view" => Some(Fate::Dropped),
        // Of other programs: `sodipodi:namedview`, `inkscape:grid`.
        _ if name.contains(':') => Some(Fate::Dropped),
        _ => None,
    }
}

/// The reading of one drawing.
struct Cleaner {
    writer: Writer<Vec<u8>>,
    /// The open elements.
    open: Vec<Open>,
    elements: usize,
    layers: usize,
    shapes: usize,
    view: Option<View>,
    /// What can be referred to: its kind, and for a gradient what it takes its stops from.
    ids: BTreeMap<String, (Target, Option<String>)>,
    references: Vec<(String, Target)>,
}

/// An open element: its name where it is written, and its fate.
struct Open {
    name: String,
    fate: Fate,
}

/// What a reference leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Gradient,
    Clip,
    /// Anything else: nothing refers to it.
    Other,
}

impl Cleaner {
    fn new() -> Self {
        Self {
            writer: Writer::new(Vec::new()),
            open: Vec::new(),
            elements: 0,
            layers: 0,
            shapes: 0,
            view: None,
            ids: BTreeMap::new(),
            references: Vec::new(),
        }
    }

    fn open(&mut self, start: &BytesStart<'_>, empty: bool) -> Result<(), SvgFault> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(SvgFault::TooComplex("elements"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(SvgFault::TooComplex("depth"));
        }
        let name = start.name();
        let name = std::str::from_utf8(name.as_ref()).map_err(|_| SvgFault::NotSvg)?;
        let inside = self.open.last().map(|open| open.fate);
        let fate = match inside {
            None if name == "svg" && self.view.is_none() => Fate::Holder,
            None => return Err(SvgFault::NotSvg),
            Some(Fate::Dropped | Fate::Style) => Fate::Dropped,
            // What is inside a shape describes or animates it.
            Some(_) => fate(name).ok_or_else(|| SvgFault::Element(shown(name)))?,
        };
        if matches!(fate, Fate::Shape | Fate::Holder) {
            let written = match inside {
                None => self.root(start)?,
                Some(_) => self.element(name, start)?,
            };
            self.shapes += usize::from(fate == Fate::Shape);
            self.write(if empty { Event::Empty(written) } else { Event::Start(written) })?;
        }
        if !empty {
            self.open.push(Open { name: name.to_owned(), fate });
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), SvgFault> {
        let open = self.open.pop().ok_or(SvgFault::NotSvg)?;
        match open.fate {
            Fate::Shape | Fate::Holder => self.write(Event::End(BytesEnd::new(open.name))),
            Fate::Dropped | Fate::Style => Ok(()),
        }
    }

    fn write(&mut self, event: Event<'_>) -> Result<(), SvgFault> {
        self.writer.write_event(event).map_err(|_| SvgFault::NotSvg)?;
        if self.writer.get_mut().len() > MAX_SVG {
            return Err(SvgFault::TooLarge);
        }
        Ok(())
    }

    /// Texts draw nothing where they are allowed; a style sheet would.
    fn text(&self, text: &[u8]) -> Result<(), SvgFault> {
        let says = text.iter().any(|byte| !byte.is_ascii_whitespace());
        match self.open.last().map(|open| open.fate) {
            Some(Fate::Style) if says => Err(SvgFault::Element("style".to_owned())),
            None if says => Err(SvgFault::NotSvg),
            _ => Ok(()),
        }
    }

    /// The root: its view box, and nothing else.
    fn root(&mut self, start: &BytesStart<'_>) -> Result<BytesStart<'static>, SvgFault> {
        let attributes = attributes(start)?;
        let of = |name: &str| attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let view = View::of(of("viewBox"), of("width"), of("height")).ok_or(SvgFault::Size)?;
        let mut root = BytesStart::new("svg");
        root.push_attribute(("xmlns", NAMESPACE));
        root.push_attribute(("viewBox", view.to_string().as_str()));
        root.push_attribute(("width", view.width.to_string().as_str()));
        root.push_attribute(("height", view.height.to_string().as_str()));
        // The colours that the drawing inherits.
        for (name, value) in &attributes {
            if !matches!(name.as_str(), "viewBox" | "width" | "height" | "x" | "y" | "id") {
                self.attribute("svg", name, value, &mut root)?;
            }
        }
        self.view = Some(view);
        Ok(root)
    }

    fn element(
        &mut self,
        name: &str,
        start: &BytesStart<'_>,
    ) -> Result<BytesStart<'static>, SvgFault> {
        let mut element = BytesStart::new(name.to_owned());
        let attributes = attributes(start)?;
        for (attribute, value) in &attributes {
            self.attribute(name, attribute, value, &mut element)?;
        }
        let of = |wanted: &str| attributes.iter().find(|(n, _)| n == wanted).map(|(_, v)| v);
        if let Some(id) = of("id").filter(|id| values::is_id(id)) {
            let target = match name {
                "linearGradient" | "radialGradient" => Target::Gradient,
                "clipPath" => Target::Clip,
                _ => Target::Other,
            };
            let from = of("href").and_then(|href| href.strip_prefix('#')).map(str::to_owned);
            if self.ids.insert(id.clone(), (target, from)).is_some() {
                return Err(SvgFault::Reference(shown(id)));
            }
        }
        Ok(element)
    }

    /// Writes an attribute, if it draws.
    fn attribute(
        &mut self,
        element: &str,
        name: &str,
        value: &str,
        to: &mut BytesStart<'static>,
    ) -> Result<(), SvgFault> {
        let value = match values::of(element, name, value) {
            Value::Dropped => return Ok(()),
            Value::Refused => return Err(SvgFault::Attribute(shown(name))),
            Value::Kept(value) => value,
        };
        if let Some(id) = values::reference(&value) {
            let target = if name == "clip-path" { Target::Clip } else { Target::Gradient };
            // A clip of a clip could be one of itself.
            let inside = self.open.iter().any(|open| open.name == "clipPath");
            if target == Target::Clip && (inside || element == "clipPath") {
                return Err(SvgFault::Attribute(shown(name)));
            }
            self.references.push((id.to_owned(), target));
        }
        if let Some(id) = value.strip_prefix('#').filter(|_| name == "href") {
            self.references.push((id.to_owned(), Target::Gradient));
        }
        if matches!(name, "clip-path" | "opacity") {
            self.layers += 1;
            if self.layers > MAX_LAYERS {
                return Err(SvgFault::TooComplex("layers"));
            }
        }
        to.push_attribute((name, value.as_str()));
        Ok(())
    }

    /// Checks the references, and ends the drawing.
    fn end(self) -> Result<Svg, SvgFault> {
        let view = self.view.filter(|_| self.open.is_empty()).ok_or(SvgFault::NotSvg)?;
        for (id, target) in &self.references {
            if self.ids.get(id).is_none_or(|(found, _)| found != target) {
                return Err(SvgFault::Reference(shown(id)));
            }
        }
        for id in self.ids.keys() {
            let next = |at: &&String| self.ids.get(*at).and_then(|(_, from)| from.as_ref());
            // One that leads back to itself has no end either.
            if std::iter::successors(Some(id), next).nth(MAX_CHAIN).is_some() {
                return Err(SvgFault::Reference(shown(id)));
            }
        }
        if self.shapes == 0 {
            return Err(SvgFault::Empty);
        }
        let (width, height) = view.pixels();
        Ok(Svg { bytes: self.writer.into_inner(), width, height })
    }
}

/// The attributes of an element by their names, those of its `style` among them; a style counts more.
fn attributes(start: &BytesStart<'_>) -> Result<Vec<(String, String)>, SvgFault> {
    let mut read: Vec<(String, String)> = Vec::new();
    let mut style = String::new();
    for (n, attribute) in start.attributes().with_checks(false).enumerate() {
        if n >= MAX_ATTRIBUTES {
            return Err(SvgFault::TooComplex("attributes"));
        }
        let attribute = attribute.map_err(|_| SvgFault::NotSvg)?;
        let name = std::str::from_utf8(attribute.key.as_ref()).map_err(|_| SvgFault::NotSvg)?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| SvgFault::Attribute(shown(name)))?;
        match name {
            "style" => style = value.into_owned(),
            // The older name of the same attribute.
            "xlink:href" => read.push(("href".to_owned(), value.into_owned())),
            _ => read.push((name.to_owned(), value.into_owned())),
        }
    }
    for property in style.split(';').filter(|property| !property.trim().is_empty()) {
        let (name, value) = property.split_once(':').unwrap_or((property, ""));
        let name = name.trim();
        if values::is_property(name) {
            read.retain(|(other, _)| other != name);
            read.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    let mut names: Vec<&String> = read.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    match names.windows(2).any(|pair| matches!(pair, [one, next] if one == next)) {
        true => Err(SvgFault::NotSvg),
        false => Ok(read),
    }
}

/// A name of the file, as a fault shows it.
fn shown(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_graphic()).take(40).collect()
}

#[cfg(test)]
mod tests;
