//! The line of a row: a JSON object with the row's number in its sheet, the cells as people see them,
//! and of those that are no plain text what they are. It is written by the process that unpacks a
//! sheet and read by those that read its rows.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::cell::{Cell, SheetLine};

/// What a cell is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CellKind {
    /// A text, or nothing.
    #[default]
    Text,
    /// A number, as its format shows it.
    Number,
    /// A number with more digits than a spreadsheet keeps.
    Long,
    /// A number whose format is not known.
    Bare,
    /// A day.
    Date,
    /// A day of which the sheet shows only a part.
    PartOfDate,
    /// The error of a formula.
    Error,
    /// A formula that was saved without its value.
    Unvalued,
}

impl CellKind {
    const ALL: [(Self, char); 8] = [
        (Self::Text, 't'),
        (Self::Number, 'n'),
        (Self::Long, 'l'),
        (Self::Bare, 'b'),
        (Self::Date, 'd'),
        (Self::PartOfDate, 'p'),
        (Self::Error, 'e'),
        (Self::Unvalued, 'f'),
    ];

    fn letter(self) -> char {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or('t', |(_, letter)| *letter)
    }

    fn of(letter: char) -> Self {
        let known = Self::ALL.iter().find(|(_, known)| *known == letter);
        known.map_or(Self::Text, |(kind, _)| *kind)
    }
}

/// A row as it stands in its line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line<'a> {
    /// The row's number in its sheet, from 1.
    #[serde(rename = "l")]
    pub line: u64,
    /// A letter a cell; none if all are texts.
    #[serde(rename = "k", borrow, default, skip_serializing_if = "str::is_empty")]
    kinds: Cow<'a, str>,
    /// The cells.
    #[serde(rename = "c", borrow)]
    cells: Vec<Text<'a>>,
    /// The values of numbers that their formats show in another way, and the places of their cells.
    #[serde(rename = "v", borrow, default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<(usize, Text<'a>)>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Line<'a> {
    /// Reads a line; none if it is none.
    pub fn read(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// The cells as people see them.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(|cell| &*cell.0)
    }

    /// What the cells are; further ones are texts.
    pub fn kinds(&self) -> impl Iterator<Item = CellKind> {
        self.kinds.chars().map(CellKind::of)
    }

    /// The values of numbers, by the places of their cells.
    pub fn values(&self) -> impl Iterator<Item = (usize, &str)> {
        self.values.iter().map(|(at, value)| (*at, &*value.0))
    }
}

/// The number in its sheet of the row of a line.
pub fn number_of(line: &[u8]) -> Option<u64> {
    Line::read(line).map(|line| line.line)
}

/// Writes the line of a row; empty cells at its end are left out.
pub(super) fn write(row: &SheetLine, to: &mut Vec<u8>) {
    let end = row.cells.iter().rposition(|cell| !cell.is_blank()).map_or(0, |last| last + 1);
    let mut line = Line {
        line: row.number,
        kinds: Cow::Borrowed(""),
        cells: Vec::with_capacity(end),
        values: Vec::new(),
    };
    let mut kinds = String::with_capacity(end);
    for (at, cell) in row.cells.iter().take(end).enumerate() {
        let (kind, text) = match cell {
            Cell::Empty => (CellKind::Text, ""),
            Cell::Text(text) => (CellKind::Text, &**text),
            Cell::Number { value, shown } => {
                if value != shown {
                    line.values.push((at, Text(value.into())));
                }
                (CellKind::Number, &**shown)
            }
            Cell::Long(text) => (CellKind::Long, &**text),
            Cell::Bare(text) => (CellKind::Bare, &**text),
            Cell::Date(text) => (CellKind::Date, &**text),
            Cell::PartOfDate(text) => (CellKind::PartOfDate, &**text),
            Cell::Error(text) => (CellKind::Error, &**text),
            Cell::Unvalued(text) => (CellKind::Unvalued, &**text),
        };
        kinds.push(kind.letter());
        line.cells.push(Text(text.into()));
    }
    if kinds.contains(|letter| letter != 't') {
        line.kinds = kinds.into();
    }
    // A line of texts and numbers can be written.
    if serde_json::to_writer(&mut *to, &line).is_ok() {
        to.push(b'\n');
    }
}
