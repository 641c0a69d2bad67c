//! Limits of a file.

/// Largest file, in bytes.
pub const MAX_FILE: u64 = 500 * 1024 * 1024;
/// Most rows of a file.
pub const MAX_ROWS: u32 = 1_000_000;
/// Bytes within which a header must end.
pub const MAX_HEADER: usize = 16 * 1024;
/// Lines within which a header must begin.
pub(super) const HEADER_LINES: u64 = 20;
/// Largest row, in bytes: ten entries of evidence with the longest descriptions fit.
pub(super) const MAX_RECORD: usize = 256 * 1024;
/// Most cells of a line: the columns of a spreadsheet.
pub(super) const MAX_CELLS: usize = 16_384;
/// Columns of a file that people are shown, and guesses made of; the work on a name is bounded so.
pub(super) const MAX_SHOWN: usize = 200;
/// Largest spreadsheet, in bytes.
pub const MAX_SPREADSHEET: u64 = 50 * 1024 * 1024;
/// Most rows of a spreadsheet.
pub const MAX_SHEET_ROWS: u32 = 200_000;
