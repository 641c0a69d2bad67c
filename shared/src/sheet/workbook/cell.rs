//! The cells of a sheet, and its rows.

use super::trouble::{Result, Trouble};

/// Columns of a sheet.
pub(super) const MAX_COLUMNS: usize = 16_384;

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
    /// A day of which the sheet shows only the month or the year.
    PartOfDate(String),
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

    /// Whether the column at a place, from 0, is hidden, as far as that is known once a row was read.
    fn hides(&self, _column: usize) -> bool {
        false
    }
}

/// The columns of a sheet that are hidden: each stretch from its first place to before its end.
#[derive(Debug, Default)]
pub(super) struct HiddenColumns(Vec<std::ops::Range<usize>>);

impl HiddenColumns {
    /// Adds a stretch. A sheet has no more of them than columns.
    pub fn add(&mut self, columns: std::ops::Range<usize>) -> Result<()> {
        if self.0.len() == MAX_COLUMNS {
            return Err(Trouble::Unreadable);
        }
        self.0.push(columns);
        Ok(())
    }

    pub fn has(&self, column: usize) -> bool {
        self.0.iter().any(|columns| columns.contains(&column))
    }
}

/// A sheet of a workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SheetName {
    pub name: String,
    pub visible: bool,
}
