//! The first reading of a file: its format, its columns, its rows, its faults.

use serde::de::IgnoredAny;

use super::{
    columns::{Assignments, Columns},
    contradictions::Contradictions,
    fault::{SheetFault, unclosed},
    guess::{Guess, Verdict},
    header, json_files,
    judging::Judge,
    limits::{MAX_HEADER, MAX_ROWS},
    recognize::{self, Recognized},
    rows::Cells,
    splitting::{self, Record, Splitter},
    table::{FIRST_ROWS, table},
    terms::Terms,
};
use crate::domain::{
    column_map::ReadColumn,
    encoding::Encoding,
    upload::{Format, Kind},
};

/// The first reading of a file, from its first byte to its last.
#[derive(Debug)]
pub struct Survey<'a> {
    terms: Terms<'a>,
    assigned: Assignments,
    /// The first bytes, with the first rows.
    first: Vec<u8>,
    recognized: Recognized,
    /// The header as the file has it, and what its columns are.
    names: Vec<String>,
    columns: Columns,
    splitter: Splitter,
    rows: u32,
    guess: Guess,
    judge: Judge,
    prose: Vec<bool>,
    contradictions: Contradictions,
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
    /// Its columns, of a CSV file.
    pub columns: Vec<ReadColumn>,
}

impl<'a> Survey<'a> {
    /// Begins with the first [`MAX_HEADER`](super::MAX_HEADER) bytes of a file, or all of a
    /// shorter one: recognizes the format and checks the header against the template. The
    /// caller gives these bytes to [`Survey::push`] again, from [`Survey::starts_at`] on.
    ///
    /// # Errors
    /// [`SheetFault`]: no file of recipients, or a header that the template does not take.
    pub fn begin(first: &[u8], terms: Terms<'a>) -> Result<Self, SheetFault> {
        let assigned = Assignments::of(terms);
        let recognized = recognize::recognize(first, terms.encoding, &assigned)?;
        Self::with(first, terms, assigned, recognized)
    }

    /// Does the same with the copy of a spreadsheet.
    ///
    /// # Errors
    /// [`SheetFault`], as [`Survey::begin`].
    pub fn of_copy(first: &[u8], terms: Terms<'a>) -> Result<Self, SheetFault> {
        let assigned = Assignments::of(terms);
        let recognized = recognize::of_copy(first, &assigned)?;
        Self::with(first, terms, assigned, recognized)
    }

    fn with(
        first: &[u8],
        terms: Terms<'a>,
        assigned: Assignments,
        mut recognized: Recognized,
    ) -> Result<Self, SheetFault> {
        let format = &mut recognized.format;
        let names = format.header.clone();
        let columns = Columns::assigned(&names, &assigned);
        if format.kind.is_table() {
            header::check(&columns, &names, format.header_line, terms)
                .map_err(|fault| with_table(fault, &columns, &names, terms, first, format))?;
            format.header = columns.names(&names);
        } else if terms.assigned.given.is_some_and(|given| !given.is_empty()) {
            return Err(header::without_columns());
        }
        let format = &recognized.format;
        let splitter = match recognized.shape {
            None => Splitter::new(format, format.start),
            Some(shape) => Splitter::of_json(shape, format.encoding, format.start),
        };
        let mut guess = Guess::new();
        recognized.names.iter().for_each(|name| guess.take(name));
        Ok(Self {
            terms,
            assigned,
            first: first.to_vec(),
            splitter,
            guess,
            judge: Judge::new(&columns, terms.definition),
            prose: columns.prose(),
            contradictions: Contradictions::default(),
            email: columns.email(),
            rows: 0,
            recognized,
            names,
            columns,
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
        let Self {
            terms,
            recognized,
            columns,
            splitter,
            rows,
            guess,
            judge,
            prose,
            contradictions,
            email,
            ..
        } = self;
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
                // What a cell of a spreadsheet says can be read in one way.
                if record.typed_at(at).is_none() {
                    judge.take(record.line, at, bytes, format.encoding);
                }
                let prose = prose.get(at).copied().unwrap_or_default();
                let cell = Cell { bytes, at, prose };
                if format.kind == Kind::Csv && swallowed_rows(&cell, format, *email) {
                    return Err(unclosed(record.line).at_column(at + 1));
                }
            }
            if terms.corrects {
                let letters = (format, recognized.open);
                contradictions.take(&record, letters, columns, terms.definition);
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
    /// [`SheetFault`]: `no_rows`, `unknown_encoding`, those of values with two readings,
    /// `repeated_credential`, `invalid_request`, `other_template`, and those of [`Survey::push`].
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
        if let Some(fault) = self.judge.fault(self.terms.day_first) {
            return Err(fault);
        }
        if let Some(fault) = self.contradictions.fault(&self.columns) {
            return Err(fault);
        }
        let Recognized { format, request, .. } = self.recognized;
        if let Some(before) = request {
            let after = self.splitter.tail();
            json_files::check_request(&before, after, format.encoding, &self.terms)?;
        }
        let rows = first_rows(&self.first, &format);
        let columns = table(&self.columns, &self.names, self.terms.definition, &rows);
        Ok(Surveyed { format, rows: self.rows, columns })
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
        if header == self.names {
            return Ok(());
        }
        let columns = Columns::assigned(&header, &self.assigned);
        header::check(&columns, &header, format.header_line, self.terms).map_err(|fault| {
            with_table(fault, &columns, &header, self.terms, &self.first, format)
        })?;
        if self.columns.all() != columns.all() {
            // The rows were told apart by columns that the header does not have.
            return Err(self.guess.fault(&[encoding, Encoding::Utf8]));
        }
        format.header = columns.names(&header);
        (self.names, self.columns) = (header, columns);
        Ok(())
    }
}

/// A fault of a header, with the table of its columns.
fn with_table(
    fault: SheetFault,
    columns: &Columns,
    names: &[String],
    terms: Terms<'_>,
    first: &[u8],
    format: &Format,
) -> SheetFault {
    let rows = first_rows(first, format);
    SheetFault { columns: table(columns, names, terms.definition, &rows), ..fault }
}

/// The cells of the first rows, as far as they are in the first bytes of a file.
fn first_rows(first: &[u8], format: &Format) -> Vec<Vec<String>> {
    if !format.kind.is_table() {
        return Vec::new();
    }
    let from = usize::try_from(format.start.offset).unwrap_or(usize::MAX);
    let mut cells = Cells::new(format, None);
    let mut rows = cells.push(first.get(from..).unwrap_or_default()).unwrap_or_default();
    if first.len() < MAX_HEADER {
        rows.extend(cells.finish().unwrap_or_default());
    }
    rows.truncate(FIRST_ROWS);
    rows
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
