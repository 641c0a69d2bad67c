//! Spreadsheets: `.xlsx`, `.xls` and `.ods`, to lines of a form of our own ([`line`]), which the
//! reader of files takes on from there. Bytes in, lines out; nothing is run, no formula is computed, and
//! nothing outside the file is asked for.
//!
//! `.xlsx` and `.ods` are read here, piece by piece: only so are the formats of numbers and the hidden
//! rows known, and only so does memory not depend on what a file unpacks to. `.xls` is read by
//! calamine, once [`guard`] has found that the file's lists end and its sheets fit into memory.

mod archive;
mod cell;
mod choosing;
mod format;
mod guard;
pub(super) mod line;
mod ods;
mod parts;
mod styles;
mod trouble;
mod unpacking;
pub(super) mod writing;
mod xls;
mod xlsx;
mod xml;

pub use super::limits::{MAX_SHEET_ROWS, MAX_SPREADSHEET};
pub use choosing::no_sheets;
pub use line::number_of;
pub use unpacking::{Ask, Spreadsheet, Unpacking, is_spreadsheet, too_large};
pub use writing::{SheetWriteError, SheetWriter};
