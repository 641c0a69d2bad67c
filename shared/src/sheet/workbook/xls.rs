//! Sheets of `.xls`, by calamine. It keeps a file's sheets in memory, and may stop in the middle of a
//! file that [`guard`](super::guard) has let pass: what it does then ends with this file.

use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

use calamine::{Data, Range, Reader, SheetType, SheetVisible, Xls, XlsError};

use super::{
    cell::{Cell, Rows, SheetLine, SheetName},
    format::{self, Format},
    guard::{self, Kind},
    trouble::{Result, Trouble},
};

/// An `.xls` file.
pub(super) struct XlsFile {
    sheets: Vec<(SheetName, Range<Data>)>,
    since_1904: bool,
}

impl XlsFile {
    /// Reads a file.
    pub fn open(bytes: &[u8]) -> Result<Self> {
        match guard::check(bytes)? {
            Kind::Workbook => {}
            Kind::Encrypted => return Err(Trouble::Encrypted),
            Kind::Other => return Err(Trouble::Unreadable),
        }
        catch_unwind(AssertUnwindSafe(|| Self::read(bytes))).unwrap_or(Err(Trouble::Unreadable))
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let mut xls = Xls::new(Cursor::new(bytes)).map_err(|error| match error {
            XlsError::Password => Trouble::Encrypted,
            _ => Trouble::Unreadable,
        })?;
        let since_1904 = xls.has_1904_epoch();
        let of_cells =
            xls.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
        let names: Vec<SheetName> = of_cells
            .map(|sheet| SheetName {
                name: sheet.name.clone(),
                visible: sheet.visible == SheetVisible::Visible,
            })
            .collect();
        let mut sheets = Vec::with_capacity(names.len());
        for name in names {
            let range = xls.worksheet_range(&name.name).map_err(|_| Trouble::Unreadable)?;
            sheets.push((name, range));
        }
        Ok(Self { sheets, since_1904 })
    }

    /// The names of its sheets.
    pub fn sheets(&self) -> Vec<SheetName> {
        self.sheets.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Begins to read a sheet, by its place.
    pub fn rows(&self, at: usize) -> Result<Box<dyn Rows + Send + '_>> {
        let (_, range) = self.sheets.get(at).ok_or(Trouble::Unreadable)?;
        let (row, column) = range.start().unwrap_or_default();
        Ok(Box::new(XlsRows {
            range,
            since_1904: self.since_1904,
            at: 0,
            first: u64::from(row) + 1,
            left: usize::try_from(column).unwrap_or_default(),
        }))
    }
}

struct XlsRows<'a> {
    range: &'a Range<Data>,
    since_1904: bool,
    at: usize,
    /// The first row's number, and the columns before the first cell.
    first: u64,
    left: usize,
}

impl Rows for XlsRows<'_> {
    fn next_row(&mut self) -> Result<Option<SheetLine>> {
        if self.at >= self.range.height() {
            return Ok(None);
        }
        let row = (0..self.range.width()).map(|column| self.range.get((self.at, column)));
        let cells = row.map(|cell| cell.map_or(Cell::Empty, |cell| self.cell(cell)));
        let cells = std::iter::repeat_n(Cell::Empty, self.left).chain(cells).collect();
        let number = self.first + self.at as u64;
        self.at += 1;
        Ok(Some(SheetLine { number, hidden: false, cells }))
    }
}

impl XlsRows<'_> {
    fn cell(&self, data: &Data) -> Cell {
        match data {
            Data::Empty => Cell::Empty,
            Data::String(text) => Cell::Text(text.clone()),
            Data::Int(number) => bare(*number as f64),
            Data::Float(number) => bare(*number),
            Data::Bool(yes) => Cell::Text(if *yes { "TRUE" } else { "FALSE" }.to_owned()),
            Data::DateTime(moment) if moment.is_datetime() => {
                let format = if moment.as_f64() < 1.0 { Format::Time } else { Format::Date };
                format.cell(moment.as_f64(), self.since_1904)
            }
            Data::DateTime(moment) => Format::Time.cell(moment.as_f64(), self.since_1904),
            Data::DateTimeIso(text) | Data::DurationIso(text) => Cell::Text(text.clone()),
            Data::Error(error) => Cell::Error(error.to_string()),
        }
    }
}

fn bare(number: f64) -> Cell {
    match number.is_finite() {
        true => Cell::Bare(format::written_out(number)),
        false => Cell::Error("#NUM!".to_owned()),
    }
}
