//! Spreadsheets: `.xlsx`, `.xls` and `.ods`, to lines of a form of our own ([`line`]), which the
//! reader of files takes on from there. Bytes in, lines out; nothing is run, no formula is computed, and
//! nothing outside the file is asked for.
//!
//! `.xlsx` and `.ods` are read here, piece by piece: only so are the formats of numbers and the hidden
//! rows known, and only so does memory not depend on what a file unpacks to. `.xls` is read by
//! calamine, once [`guard`] has found that the file's lists end and its sheets fit into memory.

mod archive;
mod choosing;
mod format;
mod guard;
mod line;
mod ods;
mod parts;
mod styles;
mod trouble;
mod unpacking;
mod writing;
mod xls;
mod xlsx;
mod xml;

pub use choosing::no_sheets;
pub(super) use line::{CellKind, Line};
use trouble::{Result, Trouble};
pub use unpacking::{Ask, Spreadsheet, Unpacking, is_spreadsheet, too_large};
pub(super) use writing::{ExampleColumn, example};
pub use writing::{SheetWriteError, SheetWriter};

/// Largest spreadsheet, in bytes.
pub const MAX_SPREADSHEET: u64 = 50 * 1024 * 1024;
/// Most rows of a spreadsheet.
pub const MAX_SHEET_ROWS: u32 = 200_000;

/// A cell as its sheet has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Cell {
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
    fn is_blank(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }
}

/// A row of a sheet.
#[derive(Debug, Default)]
struct SheetLine {
    /// Its number in the sheet, from 1.
    number: u64,
    hidden: bool,
    cells: Vec<Cell>,
}

impl SheetLine {
    fn is_blank(&self) -> bool {
        self.cells.iter().all(Cell::is_blank)
    }
}

/// The rows of a sheet, one after another; none at the end. Rows without cells may be left out.
trait Rows {
    fn next_row(&mut self) -> Result<Option<SheetLine>>;
}

/// A sheet of a workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SheetName {
    name: String,
    visible: bool,
}
