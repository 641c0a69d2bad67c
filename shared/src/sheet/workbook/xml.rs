//! The XML of a workbook, event by event, within limits. Declarations of document types, and with
//! them entities of their own, are refused; nothing outside the archive is asked for.

use std::borrow::Cow;

use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};

use super::{
    archive::{Archive, Unpacking},
    trouble::{Result, Trouble},
};

/// Elements that a part of any size may have, and those for each of its bytes as they are kept: a cell of a
/// real sheet is two or three, and takes a byte or more. So a small file is not busy for long.
const ELEMENTS: u64 = 2_000_000;
const ELEMENTS_A_BYTE: u64 = 4;
/// Most elements within one another; a sheet has seven, a document of OpenDocument some ten.
const MAX_DEPTH: u32 = 100;
/// Bytes of a cell's text; Excel has 32,767 characters.
pub(super) const MAX_CELL: usize = 256 * 1024;

/// A part that is read as XML. Empty elements come as a start and an end.
pub(super) struct Xml<'a> {
    reader: Reader<Unpacking<'a>>,
    buffer: Vec<u8>,
    depth: u32,
    /// Elements that may still begin.
    elements: u64,
    /// The prefix of its root's name, once that was read.
    prefix: Option<Vec<u8>>,
    refused: Refused,
}

/// Elements that make a part unreadable where cells or their texts stand. Programs leave out what is of a
/// vocabulary that they do not know: rows among it would be read though nobody sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// None.
    None,
    /// Those that give a prefix another meaning.
    Renamed,
    /// These, and those of another prefix than the root's.
    Foreign,
}

/// The names of the vocabulary of sheets, also of strict files.
const SHEETS: [&[u8]; 2] = [
    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    b"http://purl.oclc.org/ooxml/spreadsheetml/main",
];

impl<'a> Xml<'a> {
    /// Begins to read a part of an archive.
    pub fn open(archive: &'a Archive<'_>, part: &str, left: u64) -> Result<Self> {
        let mut reader = Reader::from_reader(archive.part(part, left)?);
        reader.config_mut().expand_empty_elements = true;
        let buffer = Vec::with_capacity(4096);
        let elements = ELEMENTS + ELEMENTS_A_BYTE * reader.get_ref().packed() as u64;
        Ok(Self { reader, buffer, depth: 0, elements, prefix: None, refused: Refused::None })
    }

    /// Says which elements make the part unreadable from here on; those that were so before.
    pub fn refuse(&mut self, refused: Refused) -> Refused {
        std::mem::replace(&mut self.refused, refused)
    }

    /// The next event.
    pub fn next(&mut self) -> Result<Event<'_>> {
        self.buffer.clear();
        self.reader.get_mut().begin_event();
        match self.reader.read_event_into(&mut self.buffer) {
            Ok(Event::DocType(_)) => Err(Trouble::Unreadable),
            Ok(event) => {
                match &event {
                    Event::Start(start) => {
                        self.depth += 1;
                        self.elements = self.elements.checked_sub(1).ok_or(Trouble::TooLarge)?;
                        let prefix = start.name().prefix().map(|of| of.as_ref().to_vec());
                        let prefix = prefix.unwrap_or_default();
                        let root = self.prefix.get_or_insert_with(|| prefix.clone());
                        let foreign = self.refused == Refused::Foreign && *root != prefix;
                        if foreign || (self.refused != Refused::None && renames(start)) {
                            return Err(Trouble::Unreadable);
                        }
                    }
                    Event::End(_) => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                if self.depth > MAX_DEPTH { Err(Trouble::Unreadable) } else { Ok(event) }
            }
            Err(_) => Err(self.reader.get_ref().trouble()),
        }
    }

    /// Bytes that may still be unpacked.
    pub fn left(&self) -> u64 {
        self.reader.get_ref().left()
    }

    /// Reads to the end of the part, so that its checksum is compared.
    pub fn finish(&mut self) -> Result<()> {
        while !matches!(self.next()?, Event::Eof) {}
        Ok(())
    }

    /// Reads to the end of the element that has begun.
    pub fn skip(&mut self) -> Result<()> {
        let (mut depth, refused) = (1_u32, self.refuse(Refused::None));
        while depth > 0 {
            match self.next()? {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                Event::Eof => return Err(Trouble::Unreadable),
                _ => {}
            }
        }
        self.refused = refused;
        Ok(())
    }

    /// Adds the text of the element that has begun, up to its end.
    pub fn text(&mut self, to: &mut String) -> Result<()> {
        let (mut depth, from) = (1_u32, to.len());
        while depth > 0 {
            match self.next()? {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                Event::Eof => return Err(Trouble::Unreadable),
                event => add_text(&event, to)?,
            }
            if to.len() - from > MAX_CELL {
                return Err(Trouble::TooLarge);
            }
        }
        Ok(())
    }
}

/// Adds the text of an event, if it is one.
pub(super) fn add_text(event: &Event<'_>, to: &mut String) -> Result<()> {
    match event {
        Event::Text(text) => to.push_str(&text.decode().map_err(|_| Trouble::Unreadable)?),
        Event::CData(text) => to.push_str(&text.decode().map_err(|_| Trouble::Unreadable)?),
        Event::GeneralRef(reference) => to.push(character(reference)?),
        _ => {}
    }
    Ok(())
}

/// The character that a reference stands for; XML knows five by name.
fn character(reference: &BytesRef<'_>) -> Result<char> {
    let numbered = reference.resolve_char_ref().map_err(|_| Trouble::Unreadable)?;
    numbered.map_or_else(
        || match &**reference {
            b"lt" => Ok('<'),
            b"gt" => Ok('>'),
            b"amp" => Ok('&'),
            b"quot" => Ok('"'),
            b"apos" => Ok('\''),
            _ => Err(Trouble::Unreadable),
        },
        Ok,
    )
}

/// Whether an element gives a prefix another meaning than that of sheets.
fn renames(start: &BytesStart<'_>) -> bool {
    if !start.windows(5).any(|bytes| bytes == b"xmlns") {
        return false;
    }
    let mut all = start.attributes();
    let mut all = all.with_checks(false).flatten();
    all.any(|of| of.key.as_namespace_binding().is_some() && !SHEETS.contains(&&*of.value))
}

/// The value of an attribute. Its prefix is part of its name: another one's of the same end is another
/// one.
pub(super) fn attribute(start: &BytesStart<'_>, name: &[u8]) -> Option<String> {
    let mut all = start.attributes();
    let mut all = all.with_checks(false).flatten();
    let found = all.find(|attribute| attribute.key.as_ref() == name)?;
    Some(unescaped(&found.value))
}

/// The value of an attribute of any prefix but none.
pub(super) fn prefixed_attribute(start: &BytesStart<'_>, name: &[u8]) -> Option<String> {
    let mut all = start.attributes();
    let mut all = all.with_checks(false).flatten();
    let found = all.find(|attribute| {
        attribute.key.prefix().is_some() && attribute.key.local_name().as_ref() == name
    })?;
    Some(unescaped(&found.value))
}

/// Whether an attribute says yes.
pub(super) fn says(start: &BytesStart<'_>, name: &[u8]) -> bool {
    attribute(start, name).is_some_and(|value| matches!(&*value, "1" | "true" | "on"))
}

/// An attribute's value; one that cannot be read is kept as it is.
pub(super) fn unescaped(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    quick_xml::escape::unescape(&text).map_or_else(|_| text.to_string(), Cow::into_owned)
}
