//! The first reading of a file: its format, its columns, its rows, its faults.

use serde::de::IgnoredAny;

use super::{
    columns::Columns,
    fault::{SheetFault, unclosed},
    guess::{Guess, Verdict},
    header, json_files,
    limits::MAX_ROWS,
    recognize::{self, Recognized},
    splitting::{self, Record, Splitter},
    terms::Terms,
};
use crate::domain::{
    encoding::Encoding,
    upload::{Format, Kind},
};

/// The first reading of a file, from its first byte to its last.
#[derive(Debug)]
pub struct Survey<'a> {
    terms: Terms<'a>,
    recognized: Recognized,
    splitter: Splitter,
    rows: u32,
    guess: Guess,
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

impl<'a> Survey<'a> {
    /// Begins with the first [`MAX_HEADER`](super::MAX_HEADER) bytes of a file, or all of a
    /// shorter one: recognizes the format and checks the header against the template. The
    /// caller gives these bytes to [`Survey::push`] again, from [`Survey::starts_at`] on.
    ///
    /// # Errors
    /// [`SheetFault`]: no file of recipients, or a header that the template does not take.
    pub fn begin(first: &[u8], terms: Terms<'a>) -> Result<Self, SheetFault> {
        let recognized = recognize::recognize(first, terms.encoding)?;
        let format = &recognized.format;
        let columns = Columns::of(&format.header);
        if format.kind == Kind::Csv {
            header::check(&columns, &format.header, format.header_line, terms.definition)?;
        }
        let splitter = match recognized.shape {
            None => Splitter::new(format, format.start),
            Some(shape) => Splitter::of_json(shape, format.encoding, format.start),
        };
        let mut guess = Guess::new();
        recognized.names.iter().for_each(|name| guess.take(name));
        Ok(Self {
            terms,
            splitter,
            guess,
            prose: columns.prose(),
            email: columns.email(),
            rows: 0,
            recognized,
        })
    }

    /// Where the first row begins, in bytes.
    pub fn starts_at(&self) -> u64 {
        self.recognized.format.start.offset
    }

    /// Reads further bytes.
    ///
    /// # Errors
    /// [`SheetFault`]: `too_many_rows`, `unclosed_quote`, `line_too_long`, `invalid_json`.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SheetFault> {
        self.read(bytes, false)
    }

    fn read(&mut self, bytes: &[u8], end: bool) -> Result<(), SheetFault> {
        let Self { recognized, splitter, rows, guess, prose, email, .. } = self;
        let format = &recognized.format;
        let mut each = |record: Record<'_>| {
            if record.blank {
                return Ok(());
            }
            for (at, bytes) in record.cells().enumerate() {
                if recognized.open {
                    guess.take(bytes);
                }
                if format.kind == Kind::Json && serde_json::from_slice::<IgnoredAny>(bytes).is_err()
                {
                    // Where a value is none, the ends of those after it are not known either.
                    return Err(splitting::invalid_json(record.line));
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
    /// [`SheetFault`]: `no_rows`, `unknown_encoding`, `invalid_request`, `other_template`, and
    /// those of [`Survey::push`].
    pub fn finish(mut self) -> Result<Surveyed, SheetFault> {
        self.read(&[], true)?;
        if self.rows == 0 {
            return Err(SheetFault::new(
                "no_rows",
                "El archivo no tiene filas con datos",
                "The file has no rows with data",
            ));
        }
        if self.recognized.open {
            self.decide_encoding()?;
        }
        let Recognized { format, request, .. } = self.recognized;
        if let Some(before) = request {
            let after = self.splitter.tail();
            json_files::check_request(&before, after, format.encoding, &self.terms)?;
        }
        Ok(Surveyed { format, rows: self.rows })
    }

    /// Decides on the encoding by the whole file, and reads the header in it.
    fn decide_encoding(&mut self) -> Result<(), SheetFault> {
        let Recognized { format, names, .. } = &mut self.recognized;
        let (encoding, guessed) = match self.guess.decide() {
            Verdict::Utf8 => (Encoding::Utf8, false),
            Verdict::Guessed(encoding) => (encoding, true),
            Verdict::Open(encodings) => return Err(self.guess.fault(&encodings)),
        };
        (format.encoding, format.guessed) = (encoding, guessed);
        let header: Vec<String> =
            names.iter().map(|cell| recognize::name(cell, encoding)).collect();
        if header == format.header {
            return Ok(());
        }
        let (before, columns) = (Columns::of(&format.header), Columns::of(&header));
        header::check(&columns, &header, format.header_line, self.terms.definition)?;
        if before.all() != columns.all() {
            // The rows were told apart by columns that the header does not have.
            return Err(self.guess.fault(&[encoding, Encoding::Utf8]));
        }
        format.header = header;
        Ok(())
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
    if memchr::memchr2(b'\r', b'\n', bytes).is_none() {
        return false;
    }
    let delimiter = u8::try_from(format.delimiter).unwrap_or(b',');
    let columns = format.header.len();
    let lines: Vec<&[u8]> = bytes.split(|b| matches!(b, b'\r' | b'\n')).collect();
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
