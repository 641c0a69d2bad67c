//! Spreadsheets that we write: results, and examples of the files that a template takes. Every cell is
//! a text in a cell formatted as text, which no program reads as a number, a date or a formula.

use rust_xlsxwriter::{
    DataValidation, Format, FormatAlign, Formula, Worksheet, XlsxError, workbook::Workbook as Book,
};

use super::cell::MAX_COLUMNS;

/// Characters of a cell.
const MAX_CELL: usize = 32_767;
/// Least and most width of a column, in characters.
const WIDTHS: [usize; 2] = [12, 40];
/// Rows for which lists of allowed values are offered.
const OFFERED_ROWS: u32 = 10_000;

/// A spreadsheet is not written, which no content causes.
#[derive(Debug, thiserror::Error)]
#[error("a spreadsheet could not be written: {0}")]
pub struct SheetWriteError(#[from] XlsxError);

/// A spreadsheet of one sheet that is written row by row. Its rows are in a temporary file until it is
/// finished, so memory does not depend on their number.
pub struct SheetWriter {
    book: Book,
    text: Format,
    row: u32,
    widths: Vec<usize>,
}

impl SheetWriter {
    /// Begins one with a sheet's name and the names of its columns.
    ///
    /// # Errors
    /// [`SheetWriteError`].
    pub fn begin(sheet: &str, names: &[String]) -> Result<Self, SheetWriteError> {
        let mut book = Book::new();
        let page = book.add_worksheet_with_constant_memory();
        let text = Format::new().set_num_format("@");
        let widths = head(page?, sheet, names)?;
        Ok(Self { book, text, row: 1, widths })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// [`SheetWriteError`].
    pub fn row(&mut self, cells: &[String]) -> Result<(), SheetWriteError> {
        let page = self.book.worksheet_from_index(0)?;
        let cells = (0_u16..).zip(cells).take(MAX_COLUMNS);
        for (column, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
            page.write_string_with_format(self.row, column, shortened(cell), &self.text)?;
            widen(&mut self.widths, column, cell);
        }
        self.row += 1;
        Ok(())
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// [`SheetWriteError`].
    pub fn finish(mut self) -> Result<Vec<u8>, SheetWriteError> {
        set_widths(self.book.worksheet_from_index(0)?, &self.widths)?;
        Ok(self.book.save_to_buffer()?)
    }
}

/// Writes the header, which stays in sight; the widths that its columns need.
fn head(page: &mut Worksheet, sheet: &str, names: &[String]) -> Result<Vec<usize>, XlsxError> {
    let bold = Format::new().set_bold().set_num_format("@").set_align(FormatAlign::Left);
    page.set_name(sheet)?;
    page.set_freeze_panes(1, 0)?;
    let [least, _] = WIDTHS;
    let mut widths = vec![least; names.len().min(MAX_COLUMNS)];
    for (column, name) in (0_u16..).zip(names).take(MAX_COLUMNS) {
        page.write_string_with_format(0, column, shortened(name), &bold)?;
        widen(&mut widths, column, name);
    }
    Ok(widths)
}

/// Makes room for a cell, as far as columns become so wide.
fn widen(widths: &mut [usize], column: u16, cell: &str) {
    let [_, most] = WIDTHS;
    if let Some(width) = widths.get_mut(usize::from(column)).filter(|width| **width < most) {
        *width = (*width).max(cell.chars().take(most).count() + 2).min(most);
    }
}

fn set_widths(page: &mut Worksheet, widths: &[usize]) -> Result<(), XlsxError> {
    for (column, width) in (0_u16..).zip(widths) {
        page.set_column_width(column, u32::try_from(*width).unwrap_or_default())?;
    }
    Ok(())
}

fn shortened(cell: &str) -> &str {
    cell.char_indices().nth(MAX_CELL).map_or(cell, |(end, _)| cell.get(..end).unwrap_or(cell))
}

/// An example of a file: a column's name, the values that are allowed in it, if there are any, and
/// its cells in the example's rows.
pub(crate) struct ExampleColumn {
    pub name: String,
    pub allowed: Vec<String>,
    pub cells: Vec<String>,
}

/// Writes an example: `sheet` and `values` are the names of its sheet and of the hidden one that has the
/// allowed values.
pub(crate) fn example(
    [sheet, values]: [&str; 2],
    columns: &[ExampleColumn],
) -> Result<Vec<u8>, SheetWriteError> {
    let mut book = Book::new();
    let text = Format::new().set_num_format("@");
    let page = book.add_worksheet();
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let mut widths = head(page, sheet, &names)?;
    for (at, column) in (0_u16..).zip(columns) {
        page.set_column_format(at, &text)?;
        for (row, cell) in (1_u32..).zip(&column.cells).filter(|(_, cell)| !cell.is_empty()) {
            page.write_string_with_format(row, at, shortened(cell), &text)?;
            widen(&mut widths, at, cell);
        }
    }
    set_widths(page, &widths)?;
    // In the order in which they are numbered in the other sheet.
    let listed = || (0_u16..).zip(columns.iter().filter(|column| !column.allowed.is_empty()));
    for (list, column) in listed() {
        let at = columns.iter().position(|other| std::ptr::eq(other, column));
        let at = at.and_then(|at| u16::try_from(at).ok()).unwrap_or_default();
        let letter = rust_xlsxwriter::utility::column_number_to_name(list);
        let last = column.allowed.len();
        let range = Formula::new(format!("'{values}'!${letter}$1:${letter}${last}"));
        let offered = DataValidation::new().allow_list_formula(range);
        page.add_data_validation(1, at, OFFERED_ROWS, at, &offered)?;
    }
    if listed().next().is_some() {
        let page = book.add_worksheet();
        page.set_name(values)?;
        page.set_hidden(true);
        for (list, column) in listed() {
            for (row, value) in (0_u32..).zip(&column.allowed) {
                page.write_string_with_format(row, list, shortened(value), &text)?;
            }
        }
    }
    Ok(book.save_to_buffer()?)
}
