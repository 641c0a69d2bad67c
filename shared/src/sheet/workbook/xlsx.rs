//! Sheets of `.xlsx` (ECMA-376, part 1, 18.3), row by row.

use std::ops::Range;

use quick_xml::events::{BytesStart, Event};

use super::{
    archive::{Archive, MAX_UNPACKED},
    cell::{Cell, HiddenColumns, MAX_COLUMNS, Rows, SheetLine, SheetName},
    format::Format,
    parts::Parts,
    styles::Styles,
    trouble::{Result, Trouble},
    xml::{MAX_CELL, Refused, Xml, attribute, says},
};

/// Bytes of all texts that several cells may share.
const MAX_TEXT: usize = 96 * 1024 * 1024;
/// Rows of a sheet.
const MAX_LINE: u64 = 1_048_576;
/// Characters of a formula that are kept.
const FORMULA: usize = 60;

/// An `.xlsx` file.
pub(super) struct Xlsx<'a> {
    archive: Archive<'a>,
    parts: Parts,
    texts: Texts,
    styles: Styles,
    /// Bytes that may still be unpacked.
    left: u64,
}

/// The texts that cells share, one after another.
#[derive(Debug, Default)]
struct Texts {
    all: String,
    ends: Vec<u32>,
}

impl Texts {
    fn get(&self, at: usize) -> Option<&str> {
        let from = match at.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        let (from, to) = (usize::try_from(from).ok()?, usize::try_from(*self.ends.get(at)?).ok()?);
        self.all.get(from..to)
    }

    fn read(xml: &mut Xml<'_>) -> Result<Self> {
        let mut texts = Self::default();
        xml.refuse(Refused::Foreign);
        loop {
            let begins = match xml.next()? {
                Event::Start(start) => start.local_name().as_ref() == b"si",
                Event::Eof => return Ok(texts),
                _ => false,
            };
            if begins {
                let from = texts.all.len();
                rich_text(xml, &mut texts.all)?;
                unescape(&mut texts.all, from);
                let end = u32::try_from(texts.all.len()).map_err(|_| Trouble::TooLarge)?;
                texts.ends.push(end);
                if texts.all.len() > MAX_TEXT || texts.ends.len() > MAX_TEXT / 8 {
                    return Err(Trouble::TooLarge);
                }
            }
        }
    }
}

/// Adds the text of an element that has begun: its runs, without how they are pronounced.
fn rich_text(xml: &mut Xml<'_>, to: &mut String) -> Result<()> {
    enum Part {
        Text,
        Run,
        End,
        Skipped,
        Nothing,
    }
    let (mut depth, from) = (1_u32, to.len());
    while depth > 0 {
        let part = match xml.next()? {
            Event::Start(start) => match start.local_name().as_ref() {
                b"t" => Part::Text,
                b"r" => Part::Run,
                _ => Part::Skipped,
            },
            Event::End(_) => Part::End,
            Event::Eof => return Err(Trouble::Unreadable),
            _ => Part::Nothing,
        };
        match part {
            Part::Text => xml.text(to)?,
            Part::Run => depth += 1,
            Part::End => depth -= 1,
            Part::Skipped => xml.skip()?,
            Part::Nothing => {}
        }
        if to.len() - from > MAX_CELL {
            return Err(Trouble::TooLarge);
        }
    }
    Ok(())
}

/// Reads characters that are written as `_x000D_` in a text, from a place on.
fn unescape(text: &mut String, from: usize) {
    let Some(at) = text.get(from..).and_then(|text| text.find("_x")) else { return };
    let tail = text.split_off(from + at);
    let mut rest = &*tail;
    while let Some(at) = rest.find("_x") {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        let code = after.get(2..6).filter(|_| after.get(6..7) == Some("_"));
        let c = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        let read = match c {
            Some(c) => {
                text.push(c);
                7
            }
            None => {
                text.push_str("_x");
                2
            }
        };
        rest = after.get(read..).unwrap_or_default();
    }
    text.push_str(rest);
}

impl<'a> Xlsx<'a> {
    /// Opens a file; none if the archive is no workbook.
    pub fn open(archive: Archive<'a>) -> Result<Option<Self>> {
        let Some(parts) = Parts::find(&archive)? else { return Ok(None) };
        let mut left = MAX_UNPACKED;
        let texts = match &parts.strings {
            Some(part) if archive.has(part) => {
                let mut xml = Xml::open(&archive, part, left)?;
                let texts = Texts::read(&mut xml)?;
                left = xml.left();
                texts
            }
            _ => Texts::default(),
        };
        let styles = match &parts.styles {
            Some(part) if archive.has(part) => {
                let mut xml = Xml::open(&archive, part, left)?;
                let styles = Styles::read(&mut xml)?;
                left = xml.left();
                styles
            }
            _ => Styles::default(),
        };
        Ok(Some(Self { archive, parts, texts, styles, left }))
    }

    /// The names of its sheets.
    pub fn sheets(&self) -> Vec<SheetName> {
        self.parts.sheets.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Begins to read a sheet, by its place.
    pub fn rows(&self, at: usize) -> Result<Box<dyn Rows + Send + '_>> {
        let (_, part) = self.parts.sheets.get(at).ok_or(Trouble::Unreadable)?;
        let xml = Xml::open(&self.archive, part, self.left)?;
        let since_1904 = self.parts.since_1904;
        Ok(Box::new(XlsxRows {
            xml,
            texts: &self.texts,
            styles: &self.styles,
            since_1904,
            line: 0,
            rows: 0,
            begun: false,
            hidden: HiddenColumns::default(),
            text: String::new(),
        }))
    }
}

struct XlsxRows<'a> {
    xml: Xml<'a>,
    texts: &'a Texts,
    styles: &'a Styles,
    since_1904: bool,
    line: u64,
    /// Rows so far.
    rows: u64,
    /// Whether the rows have begun.
    begun: bool,
    hidden: HiddenColumns,
    text: String,
}

/// What comes next in a part of rows.
enum Next {
    HiddenColumns(Range<usize>),
    Rows,
    Row { number: Option<u64>, hidden: bool },
    Cell(CellStart),
    Value,
    Inline,
    Formula,
    Skipped,
    End,
    AllRows,
    Nothing,
    Eof,
}

impl Next {
    fn of(event: &Event<'_>) -> Self {
        match event {
            Event::Start(start) => match start.local_name().as_ref() {
                b"c" => Self::Cell(CellStart::of(start)),
                b"v" => Self::Value,
                b"f" => Self::Formula,
                b"is" => Self::Inline,
                b"row" => {
                    let number = attribute(start, b"r").and_then(|r| r.parse().ok());
                    // In points: what is lower is seen by nobody.
                    let height = attribute(start, b"ht").and_then(|height| height.parse().ok());
                    let flat = height.is_some_and(|height: f64| height < 1.0);
                    Self::Row { number, hidden: flat || says(start, b"hidden") }
                }
                b"sheetData" => Self::Rows,
                b"col" => hidden_columns(start).map_or(Self::Skipped, Self::HiddenColumns),
                _ => Self::Skipped,
            },
            Event::End(end) if end.local_name().as_ref() == b"sheetData" => Self::AllRows,
            Event::End(_) => Self::End,
            Event::Eof => Self::Eof,
            _ => Self::Nothing,
        }
    }
}

/// The columns of which an element says that they are hidden; in characters, what is narrower is seen by
/// nobody.
fn hidden_columns(start: &BytesStart<'_>) -> Option<Range<usize>> {
    let number = |name: &[u8]| attribute(start, name)?.parse::<usize>().ok();
    let width = attribute(start, b"width").and_then(|width| width.parse().ok());
    let narrow = width.is_some_and(|width: f64| width < 0.2);
    if !narrow && !says(start, b"hidden") {
        return None;
    }
    Some(number(b"min")?.checked_sub(1)?..number(b"max")?)
}

impl Rows for XlsxRows<'_> {
    fn next_row(&mut self) -> Result<Option<SheetLine>> {
        loop {
            match Next::of(&self.xml.next()?) {
                Next::HiddenColumns(columns) if !self.begun => self.hidden.add(columns)?,
                Next::Rows => {
                    self.begun = true;
                    self.xml.refuse(Refused::Foreign);
                }
                Next::Row { number, hidden } if self.begun => {
                    let number = number.unwrap_or(self.line + 1);
                    // Of two rows of one number programs show the one or the other.
                    self.rows += 1;
                    if number == 0 || number.max(self.rows) > MAX_LINE || number == self.line {
                        return Err(Trouble::Unreadable);
                    }
                    self.line = number;
                    let mut row = SheetLine { number: self.line, hidden, cells: Vec::new() };
                    self.cells(&mut row.cells)?;
                    return Ok(Some(row));
                }
                Next::AllRows => {
                    self.xml.refuse(Refused::None);
                    self.xml.finish()?;
                    return Ok(None);
                }
                Next::Eof => return Err(Trouble::Unreadable),
                _ => {}
            }
        }
    }

    fn hides(&self, column: usize) -> bool {
        self.hidden.has(column)
    }
}

/// How the value of a cell is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    Number,
    Shared,
    /// The text of a formula.
    Text,
    Inline,
    Boolean,
    Error,
    Day,
}

/// What a cell says of itself.
struct CellStart {
    at: Option<usize>,
    style: usize,
    stored: Stored,
}

impl CellStart {
    fn of(start: &BytesStart<'_>) -> Self {
        let (mut at, mut style, mut stored) = (None, 0, Stored::Number);
        for attribute in start.attributes().with_checks(false).flatten() {
            match attribute.key.as_ref() {
                b"r" => at = column(&attribute.value),
                b"s" => {
                    let number = std::str::from_utf8(&attribute.value).ok();
                    style = number.and_then(|style| style.parse().ok()).unwrap_or_default();
                }
                b"t" => {
                    stored = match &*attribute.value {
                        b"s" => Stored::Shared,
                        b"str" => Stored::Text,
                        b"inlineStr" => Stored::Inline,
                        b"b" => Stored::Boolean,
                        b"e" => Stored::Error,
                        b"d" => Stored::Day,
                        _ => Stored::Number,
                    }
                }
                _ => {}
            }
        }
        Self { at, style, stored }
    }
}

/// The column of a reference, from 0: `C7` is 2.
fn column(reference: &[u8]) -> Option<usize> {
    let letters = reference.iter().take_while(|b| b.is_ascii_alphabetic());
    let number = letters.take(4).fold(0_usize, |number, letter| {
        number * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    number.checked_sub(1)
}

impl XlsxRows<'_> {
    /// Reads the cells of a row that has begun.
    fn cells(&mut self, cells: &mut Vec<Cell>) -> Result<()> {
        let mut next = 0;
        loop {
            match Next::of(&self.xml.next()?) {
                Next::Cell(start) => {
                    let at = start.at.unwrap_or(next);
                    if at >= MAX_COLUMNS {
                        return Err(Trouble::Unreadable);
                    }
                    next = at + 1;
                    let cell = self.cell(&start)?;
                    if cell != Cell::Empty {
                        if cells.len() <= at {
                            cells.resize(at + 1, Cell::Empty);
                        }
                        match cells.get_mut(at) {
                            Some(place @ Cell::Empty) => *place = cell,
                            // Of two cells of one place, too.
                            _ => return Err(Trouble::Unreadable),
                        }
                    }
                }
                Next::End => return Ok(()),
                Next::Eof | Next::AllRows => return Err(Trouble::Unreadable),
                Next::Nothing => {}
                _ => self.xml.skip()?,
            }
        }
    }

    /// Reads a cell that has begun.
    fn cell(&mut self, start: &CellStart) -> Result<Cell> {
        self.text.clear();
        let (mut valued, mut formula) = (false, None);
        loop {
            match Next::of(&self.xml.next()?) {
                Next::Value => {
                    valued = true;
                    self.xml.text(&mut self.text)?;
                }
                Next::Inline => {
                    valued = true;
                    rich_text(&mut self.xml, &mut self.text)?;
                }
                Next::Formula => {
                    let mut text = String::new();
                    self.xml.text(&mut text)?;
                    formula = Some(text.chars().take(FORMULA).collect::<String>());
                }
                Next::End => break,
                Next::Eof | Next::AllRows => return Err(Trouble::Unreadable),
                Next::Nothing => {}
                _ => self.xml.skip()?,
            }
        }
        let lacks = !valued || (self.text.is_empty() && start.stored != Stored::Text);
        match formula {
            Some(formula) if lacks => Ok(Cell::Unvalued(format!("={formula}"))),
            _ if !valued => Ok(Cell::Empty),
            _ => self.value(start),
        }
    }

    /// The value of a cell whose text was read.
    fn value(&mut self, start: &CellStart) -> Result<Cell> {
        Ok(match start.stored {
            Stored::Shared if self.text.trim().is_empty() => Cell::Empty,
            Stored::Shared => {
                let at = self.text.trim().parse().map_err(|_| Trouble::Unreadable)?;
                Cell::Text(self.texts.get(at).ok_or(Trouble::Unreadable)?.to_owned())
            }
            Stored::Text | Stored::Inline => {
                unescape(&mut self.text, 0);
                Cell::Text(self.text.clone())
            }
            Stored::Boolean => {
                let yes = matches!(self.text.trim(), "1" | "true");
                Cell::Text(if yes { "TRUE" } else { "FALSE" }.to_owned())
            }
            Stored::Error => Cell::Error(self.text.trim().to_owned()),
            Stored::Day => match (day_of(self.text.trim()), self.styles.format(start.style)) {
                (Cell::Date(day), Format::PartOfDate) => Cell::PartOfDate(day),
                (day, _) => day,
            },
            Stored::Number => self.number(self.styles.format(start.style)),
        })
    }

    fn number(&self, format: &Format) -> Cell {
        let text = self.text.trim();
        match text.parse::<f64>() {
            _ if text.is_empty() => Cell::Empty,
            Ok(number) => format.cell(number, self.since_1904),
            Err(_) => Cell::Text(text.to_owned()),
        }
    }
}

/// The day of an instant as ISO 8601 writes it.
pub(super) fn day_of(text: &str) -> Cell {
    let day = text.get(..10).filter(|day| day.parse::<jiff::civil::Date>().is_ok());
    match day {
        Some(day) => Cell::Date(day.to_owned()),
        None => Cell::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_its_column() {
        for (text, at) in [
            ("A1", Some(0)),
            ("Z9", Some(25)),
            ("AA10", Some(26)),
            ("xfd1", Some(16_383)),
            ("7", None),
        ] {
            assert_eq!(column(text.as_bytes()), at, "{text}");
        }
        assert!(column(b"ZZZZZZZZZ1").is_some_and(|at| at > MAX_COLUMNS));
    }

    #[test]
    fn escaped_characters_are_read() {
        for (text, meant) in [
            ("Ana_x000D_\nSoto", "Ana\r\nSoto"),
            ("_x005F_x000D_", "_x000D_"),
            ("a_x", "a_x"),
            ("_xD800_", "_xD800_"),
            ("_x00Gé_", "_x00Gé_"),
        ] {
            let mut read = format!("é{text}");
            unescape(&mut read, 2);
            assert_eq!(read, format!("é{meant}"));
        }
    }
}
