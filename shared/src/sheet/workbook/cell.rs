//! The cells of a sheet, and its rows.

use super::trouble::Result;

/// A cell as its sheet has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Cell {
    #[default]
    Empty,
    Text(String),
    /// A number: its value as JSON writes it, and as its format shows it.
    Number {
        value: String,
        shown: String,
    },
    /// One with more digits than a spreadsheet keeps.
    Long(String),
    /// One whose format is not known.
    Bare(String),
    /// A day.
    Date(String),
    /// The error of a formula: `#N/A`.
    Error(String),
    /// A formula that was saved without its value.
    Unvalued(String),
}

impl Cell {
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }
}

/// A row of a sheet.
#[derive(Debug, Default)]
pub(super) struct SheetLine {
    /// Its number in the sheet, from 1.
    pub number: u64,
    pub hidden: bool,
    pub cells: Vec<Cell>,
}

impl SheetLine {
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(Cell::is_blank)
    }
}

/// The rows of a sheet, one after another; none at the end. Rows without cells may be left out.
pub(super) trait Rows {
    fn next_row(&mut self) -> Result<Option<SheetLine>>;
}

/// A sheet of a workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SheetName {
    pub name: String,
    pub visible: bool,
}
