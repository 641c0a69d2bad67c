//! Splits bytes into records, piece by piece, with the position of each.
//!
//! Lines are those of a text editor: LF, CR and CRLF end one, also inside quotes. A [`Position`]
//! is a place in the file's own bytes, also where they are decoded before they are split.

use super::{
    column::Use,
    columns::Columns,
    fault::SheetFault,
    limits::{MAX_CELLS, MAX_RECORD},
    wide::{Wide, width},
    workbook::line::CellKind,
};
use crate::domain::{
    encoding::Encoding,
    upload::{Format, Kind, Position},
};

mod csv;
mod json;
mod sheet;

pub(super) use json::{Shape, invalid as invalid_json};

/// What takes the records of a piece.
pub(super) trait Take: FnMut(Record<'_>) -> Result<(), SheetFault> {}

impl<T: FnMut(Record<'_>) -> Result<(), SheetFault>> Take for T {}

/// One record.
#[derive(Debug)]
pub(super) struct Record<'a> {
    /// The line where it begins.
    pub line: u64,
    /// Its end; the record is counted unless it is blank.
    pub end: Position,
    /// Whether it says nothing in the columns that are read.
    pub blank: bool,
    /// Whether text follows a closing quote in it.
    pub stray: bool,
    bytes: &'a [u8],
    ends: &'a [usize],
    typed: &'a [TypedCell],
}

/// A cell of a spreadsheet that is no plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TypedCell {
    /// Its place, from 0.
    pub at: usize,
    pub kind: CellKind,
    /// The value of a number that its format shows in another way.
    pub value: Option<String>,
}

impl Record<'_> {
    /// Its cells that are no plain texts, in their order; of a spreadsheet alone.
    pub fn typed(&self) -> &[TypedCell] {
        self.typed
    }

    /// The cell at a place, if it is no plain text.
    pub fn typed_at(&self, at: usize) -> Option<&TypedCell> {
        self.typed.iter().find(|cell| cell.at == at)
    }

    /// Its cells, unquoted.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        cells(self.bytes, self.ends)
    }
}

fn cells<'a>(bytes: &'a [u8], ends: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(from, to)| bytes.get(from..*to).unwrap_or_default())
}

fn blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

/// The state between two pieces of a file.
#[derive(Debug)]
pub(super) struct Splitter {
    /// Decodes a file in UTF-16, and the text of the piece at hand.
    wide: Option<Wide>,
    text: String,
    /// Whether the file has two bytes where its text has one.
    counts_units: bool,
    at: Position,
    machine: Machine,
    rules: Rules,
    /// Of the current record: its line, its cells so far, their ends.
    line: u64,
    output: Vec<u8>,
    ends: Vec<usize>,
    stray: bool,
    /// Of a row of a spreadsheet: its line, and its cells that are no texts.
    raw: Vec<u8>,
    typed: Vec<TypedCell>,
}

#[derive(Debug)]
enum Machine {
    Csv { delimiter: u8, state: csv::State },
    Lines { inside: bool, sheet: bool },
    Json(json::Machine),
}

/// What rows are.
#[derive(Debug)]
enum Rules {
    /// Those of release 0.1: a row is blank when all its cells are.
    Former,
    /// The first of the lines that may be a header.
    Header,
    /// A row is blank when it says nothing in the columns that are read; a row that is one cell
    /// with the delimiters in it is the row that it holds.
    Columns(Vec<Use>),
}

impl Splitter {
    /// Splits the rows of a file, from a position on.
    pub fn new(format: &Format, from: Position) -> Self {
        let machine = match format.kind {
            Kind::Csv => csv(format.delimiter),
            Kind::JsonLines => Machine::Lines { inside: false, sheet: false },
            Kind::Sheet => Machine::Lines { inside: false, sheet: true },
            Kind::Json => Machine::Json(json::Machine::new(None)),
        };
        let rules = match format.rules {
            0 | 1 => Rules::Former,
            _ => Rules::Columns(Columns::of(&format.header).uses()),
        };
        Self::with(machine, rules, format.encoding, from)
    }

    /// Splits the first rows of a file, to find its header.
    pub fn of_header(delimiter: char, encoding: Encoding, from: Position) -> Self {
        Self::with(csv(delimiter), Rules::Header, encoding, from)
    }

    /// Splits the first rows of a spreadsheet's copy, to find its header.
    pub fn of_sheet_header(from: Position) -> Self {
        let machine = Machine::Lines { inside: false, sheet: true };
        Self::with(machine, Rules::Header, Encoding::Utf8, from)
    }

    /// Splits the values of JSON, and refuses what is none.
    pub fn of_json(shape: Shape, encoding: Encoding, from: Position) -> Self {
        let machine = Machine::Json(json::Machine::new(Some(shape)));
        Self::with(machine, Rules::Columns(Vec::new()), encoding, from)
    }

    fn with(machine: Machine, rules: Rules, encoding: Encoding, at: Position) -> Self {
        Self {
            wide: Wide::of(encoding),
            text: String::new(),
            counts_units: encoding.is_wide(),
            at,
            machine,
            rules,
            line: at.line,
            output: Vec::with_capacity(4096),
            ends: Vec::with_capacity(64),
            stray: false,
            raw: Vec::new(),
            typed: Vec::new(),
        }
    }

    /// Takes further bytes and calls `each` with every record that they end.
    pub fn push(&mut self, bytes: &[u8], each: &mut impl Take) -> Result<(), SheetFault> {
        let Some(wide) = &mut self.wide else { return self.split(bytes, each) };
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        wide.push(bytes, &mut text);
        let outcome = self.split(text.as_bytes(), each);
        self.text = text;
        outcome
    }

    /// Takes further text of a file that was decoded before.
    pub fn push_text(&mut self, text: &[u8], each: &mut impl Take) -> Result<(), SheetFault> {
        self.split(text, each)
    }

    /// Ends the file: calls `each` with its last record, if no line end does.
    pub fn finish(&mut self, each: &mut impl Take) -> Result<(), SheetFault> {
        if let Some(wide) = &mut self.wide {
            let mut text = String::new();
            wide.finish(&mut text);
            self.split(text.as_bytes(), each)?;
        }
        match &self.machine {
            Machine::Csv { state, .. } => self.finish_csv(*state, each),
            Machine::Lines { inside: false, .. } => Ok(()),
            Machine::Lines { inside: true, .. } => self.give(each),
            Machine::Json(_) => self.finish_json(each),
        }
    }

    /// What follows the list of values, if it was kept.
    pub fn tail(&self) -> &[u8] {
        match &self.machine {
            Machine::Json(machine) => machine.tail(),
            Machine::Csv { .. } | Machine::Lines { .. } => &[],
        }
    }

    fn split(&mut self, bytes: &[u8], each: &mut impl Take) -> Result<(), SheetFault> {
        match &self.machine {
            Machine::Csv { delimiter, state } => self.split_csv((*delimiter, *state), bytes, each),
            Machine::Lines { .. } => self.split_lines(bytes, each),
            Machine::Json(_) => self.split_json(bytes, each),
        }
    }

    /// Moves on by bytes that were read; their lines are counted apart.
    fn advance(&mut self, bytes: &[u8]) {
        let raw = if self.counts_units { width(bytes) } else { bytes.len() };
        self.at.offset += raw as u64;
    }

    /// Counts a CR that turned out to have no LF.
    fn settle(&mut self) {
        if std::mem::take(&mut self.at.after_cr) {
            self.at.line += 1;
        }
    }

    /// Counts the lines that bytes end.
    fn count_lines(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            match first {
                b'\n' => {
                    self.at.line += 1;
                    self.at.after_cr = false;
                    rest = after;
                }
                b'\r' => {
                    self.settle();
                    self.at.after_cr = true;
                    rest = after;
                }
                _ => {
                    self.settle();
                    let next = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                    rest = rest.get(next..).unwrap_or_default();
                }
            }
        }
    }

    /// Begins a record at the present line.
    fn begin(&mut self) {
        self.settle();
        self.line = self.at.line;
    }

    /// Adds bytes to the current cell.
    fn append(&mut self, bytes: &[u8]) -> Result<(), SheetFault> {
        self.output.extend_from_slice(bytes);
        if self.output.len() <= MAX_RECORD {
            return Ok(());
        }
        Err(self.too_long())
    }

    fn too_long(&self) -> SheetFault {
        if matches!(self.machine, Machine::Csv { state: csv::State::Quoted, .. }) {
            return super::fault::unclosed(self.line);
        }
        let kib = MAX_RECORD / 1024;
        SheetFault::new(
            "line_too_long",
            format!("La línea supera los {kib} KB"),
            format!("The line is longer than {kib} KB"),
        )
        .at_line(self.line)
    }

    fn end_cell(&mut self) -> Result<(), SheetFault> {
        self.ends.push(self.output.len());
        if self.ends.len() <= MAX_CELLS {
            return Ok(());
        }
        Err(SheetFault::new(
            "line_too_long",
            format!("La línea tiene más de {MAX_CELLS} celdas"),
            format!("The line has more than {MAX_CELLS} cells"),
        )
        .at_line(self.line))
    }

    /// Gives the record that ends here.
    fn give(&mut self, each: &mut impl Take) -> Result<(), SheetFault> {
        match self.machine {
            Machine::Csv { delimiter, .. } => self.unwrap_row(delimiter),
            Machine::Lines { sheet: true, .. } => self.read_line()?,
            _ => self.ends.push(self.output.len()),
        }
        let blank = self.is_blank();
        if !blank {
            self.at.row += 1;
        }
        let (line, end, stray) = (self.line, self.at, std::mem::take(&mut self.stray));
        let outcome = each(Record {
            line,
            end,
            blank,
            stray,
            bytes: &self.output,
            ends: &self.ends,
            typed: &self.typed,
        });
        self.typed.clear();
        self.output.clear();
        self.ends.clear();
        outcome
    }

    fn is_blank(&self) -> bool {
        let Rules::Columns(uses) = &self.rules else { return blank(&self.output) };
        if !matches!(self.machine, Machine::Csv { .. } | Machine::Lines { sheet: true, .. }) {
            return blank(&self.output);
        }
        let mut uses = uses.iter().copied();
        cells(&self.output, &self.ends).all(|cell| match uses.next().unwrap_or(Use::Nameless) {
            Use::Read | Use::Said => blank(cell),
            Use::Ignored => true,
            // A row that has slipped aside is no empty one.
            Use::Nameless => !cell.contains(&b'@'),
        })
    }
}

fn csv(delimiter: char) -> Machine {
    let delimiter = u8::try_from(delimiter).unwrap_or(b',');
    Machine::Csv { delimiter, state: csv::State::Between }
}
