//! The first reading of a file: its format, its columns, its rows, its faults.

use super::{
    columns::Columns,
    fault::{SheetFault, unclosed},
    header,
    limits::MAX_ROWS,
    recognize::recognize,
    splitting::{Record, Splitter},
};
use crate::domain::{
    template::Definition,
    upload::{Encoding, Format, Kind},
};

/// The first reading of a file, from its first byte to its last.
#[derive(Debug)]
pub struct Survey {
    format: Format,
    splitter: Splitter,
    rows: u32,
    /// Cells beyond ASCII that are UTF-8, and cells that are not.
    unicode: u64,
    other: u64,
    prose: Vec<bool>,
    /// The column of the addresses.
    email: Option<usize>,
}

/// The outcome of a survey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// The file's format.
    pub format: Format,
    /// Rows; at least one.
    pub rows: u32,
}

impl Survey {
    /// Begins with the first [`MAX_HEADER`] bytes of a file, or all of a shorter one:
    /// recognizes the format and checks the header against the template. The caller gives
    /// these bytes to [`Survey::push`] again, from [`Survey::starts_at`] on.
    ///
    /// # Errors
    /// [`SheetFault`]: no file of recipients, or a header that the template does not take.
    pub fn begin(first: &[u8], definition: &Definition) -> Result<Self, SheetFault> {
        let (format, header_line) = recognize(first)?;
        let columns = Columns::of(&format.header);
        if format.kind == Kind::Csv {
            header::check(&columns, &format.header, header_line, definition)?;
        }
        Ok(Self {
            splitter: Splitter::new(format.kind, format.delimiter, format.start),
            prose: columns.prose(),
            email: columns.email(),
            format,
            rows: 0,
            unicode: 0,
            other: 0,
        })
    }

    /// Where the first row begins, in bytes.
    pub fn starts_at(&self) -> u64 {
        self.format.start.offset
    }

    /// Reads further bytes.
    ///
    /// # Errors
    /// [`SheetFault`]: `too_many_rows`, `unclosed_quote`, `line_too_long`.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SheetFault> {
        self.read(bytes, false)
    }

    fn read(&mut self, bytes: &[u8], end: bool) -> Result<(), SheetFault> {
        let Self { format, splitter, rows, unicode, other, prose, email } = self;
        let mut each = |record: Record<'_>| {
            if record.is_blank() {
                return Ok(());
            }
            for (at, bytes) in record.cells().enumerate() {
                if !bytes.is_ascii() {
                    match std::str::from_utf8(bytes) {
                        Ok(_) => *unicode += 1,
                        Err(_) => *other += 1,
                    }
                }
                let prose = prose.get(at).copied().unwrap_or_default();
                let cell = Cell { bytes, at, prose };
                if format.kind == Kind::Csv && swallowed_rows(&cell, format, *email) {
                    return Err(unclosed(record.line).at_column(at + 1));
                }
            }
            *rows += 1;
            if *rows > MAX_ROWS {
                return Err(SheetFault::new(
                    "too_many_rows",
                    format!(
                        "El archivo tiene más de {MAX_ROWS} filas: divídelo en varios archivos"
                    ),
                    format!("The file has more than {MAX_ROWS} rows: split it"),
                )
                .at_line(record.line));
            }
            Ok(())
        };
        if end { splitter.finish(&mut each) } else { splitter.push(bytes, &mut each) }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`SheetFault`]: `no_rows`, and those of [`Survey::push`].
    pub fn finish(mut self) -> Result<Surveyed, SheetFault> {
        self.read(&[], true)?;
        if self.rows == 0 {
            return Err(SheetFault::new(
                "no_rows",
                "El archivo no tiene filas con datos",
                "The file has no rows with data",
            ));
        }
        // The majority decides: one broken letter in a file of UTF-8 must not garble all names.
        if self.other > self.unicode && self.format.kind == Kind::Csv {
            self.format.encoding = Encoding::Windows1252;
        }
        Ok(Surveyed { format: self.format, rows: self.rows })
    }
}

/// A cell of a row, and its column.
struct Cell<'a> {
    bytes: &'a [u8],
    /// The column, from 0.
    at: usize,
    /// Whether line breaks are text in this column.
    prose: bool,
}

/// Whether a cell contains further rows: a quote that was never closed, or that another row's
/// quote has closed. Text may have any line breaks, but no address in the column of addresses.
fn swallowed_rows(cell: &Cell<'_>, format: &Format, email: Option<usize>) -> bool {
    let Cell { bytes, at, prose } = *cell;
    let delimiter = u8::try_from(format.delimiter).unwrap_or(b',');
    let columns = format.header.len();
    let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
    let [first, further @ .., last] = lines.as_slice() else { return false };
    // Whether a line has a cell for each of these columns, and an address in its column.
    let part = |line: &[u8], from: usize, to: usize| {
        let cells: Vec<&[u8]> = line.split(|b| *b == delimiter).collect();
        let address = email.filter(|email| (from..to).contains(email));
        let address = address.and_then(|email| cells.get(email - from));
        cells.len() >= to.saturating_sub(from)
            && address.is_some_and(|address| address.contains(&b'@'))
    };
    let whole = |line: &&[u8]| {
        let cells = line.split(|b| *b == delimiter).count();
        cells >= columns.max(1) && (!prose || part(line, 0, columns))
    };
    further.iter().any(whole)
        || whole(last)
        || (at + 1 < columns && part(first, at, columns))
        || (at > 0 && part(last, 0, at + 1))
}
