//! Files of recipients as people have them: CSV out of Excel and its kin, or JSON Lines.
//!
//! A file is read twice, piece by piece, so memory does not depend on its size. The
//! [`Survey`] looks at all of it before anything is issued: what it is, which columns it has,
//! how many rows. What is wrong with the file as a whole ends there, with line and column.
//! Then [`Rows`] reads the rows one by one, from any row on; what is wrong with a row is that
//! row's alone.
//!
//! | taken | as |
//! |---|---|
//! | delimiter | comma, semicolon or tab, found in the header; `sep=;` in the first line |
//! | encoding | UTF-8 with or without BOM, Windows-1252 |
//! | empty rows, empty columns without a name | left out |
//! | column names | Spanish, English or the API's, in any order and case, see [`columns`] |
//! | cells | see [`cells`] |
//!
//! Rules: no AWS type, no clock.

use crate::domain::upload::{Encoding, Format, Kind};
use serde_json::value::RawValue;

use crate::domain::upload::Position;

use crate::domain::{fault::Fault, lang::Lang, recipient::Entry, template::Definition};

pub mod cells;
pub mod columns;
mod splitting;

pub use columns::Columns;

use splitting::{Record, Splitter};

/// Largest file, in bytes.
pub const MAX_FILE: u64 = 500 * 1024 * 1024;
/// Most rows of a file.
pub const MAX_ROWS: u32 = 1_000_000;
/// Bytes within which a header must end.
pub const MAX_HEADER: usize = 16 * 1024;
/// Largest row, in bytes: ten pieces of evidence with the longest descriptions fit.
const MAX_RECORD: usize = 256 * 1024;
/// Most cells of a line, as many as a spreadsheet has columns.
const MAX_CELLS: usize = 16_384;

/// What is wrong with a file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}")]
pub struct SheetFault {
    /// Stable code.
    pub code: &'static str,
    /// Line, from 1.
    pub line: Option<u64>,
    /// Column, from 1.
    pub column: Option<usize>,
    /// What, and what to do, in Spanish.
    pub es: String,
    /// The same in English.
    pub en: String,
}

impl SheetFault {
    fn new(code: &'static str, es: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code, line: None, column: None, es: es.into(), en: en.into() }
    }

    fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    fn at_column(mut self, column: usize) -> Self {
        self.column = Some(column);
        self
    }

    /// The text for people, with the place in front.
    pub fn text(&self, lang: Lang) -> String {
        let what = lang.pick(&self.es, &self.en);
        match (self.line, self.column) {
            (Some(line), Some(column)) => {
                let place = lang.pick("Línea", "Line");
                let second = lang.pick("columna", "column");
                format!("{place} {line}, {second} {column} ({}): {what}", letters(column))
            }
            (Some(line), None) => format!("{} {line}: {what}", lang.pick("Línea", "Line")),
            _ => what.clone(),
        }
    }
}

/// A column as a spreadsheet names it: 1 is A, 27 is AA.
fn letters(column: usize) -> String {
    let (mut n, mut name) = (column, Vec::new());
    while n > 0 {
        name.push(b'A' + u8::try_from((n - 1) % 26).unwrap_or_default());
        n = (n - 1) / 26;
    }
    name.reverse();
    String::from_utf8(name).unwrap_or_default()
}

/// One look at the whole file.
#[derive(Debug)]
pub struct Survey {
    format: Format,
    splitter: Splitter,
    rows: u32,
    /// Cells beyond ASCII that are UTF-8, and cells that are not.
    unicode: u64,
    other: u64,
    prose: Vec<bool>,
    /// Where addresses stand.
    email: Option<usize>,
}

/// What a survey found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// How the file is read.
    pub format: Format,
    /// Rows; at least one.
    pub rows: u32,
}

impl Survey {
    /// Begins with the first bytes of a file, [`MAX_HEADER`] of them or all that there are:
    /// finds out what it is and checks the header against the template. Those bytes are
    /// given to [`Survey::push`] again, from [`Survey::starts_at`] on.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn begin(first: &[u8], definition: &Definition) -> Result<Self, SheetFault> {
        let (format, header_line) = recognize(first)?;
        let columns = Columns::of(&format.header);
        if format.kind == Kind::Csv {
            columns.check(&format.header, header_line, definition)?;
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

    /// Looks at further bytes.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SheetFault> {
        self.look(bytes, false)
    }

    fn look(&mut self, bytes: &[u8], end: bool) -> Result<(), SheetFault> {
        let Self { format, splitter, rows, unicode, other, prose, email } = self;
        let mut each = |record: Record<'_>| {
            if record.is_blank() {
                return Ok(());
            }
            for (at, cell) in record.cells().enumerate() {
                if !cell.is_ascii() {
                    match std::str::from_utf8(cell) {
                        Ok(_) => *unicode += 1,
                        Err(_) => *other += 1,
                    }
                }
                let prose = prose.get(at).copied().unwrap_or_default();
                if format.kind == Kind::Csv && swallowed_rows(cell, (at, prose), format, *email) {
                    return Err(unclosed(record.line).at_column(at + 1));
                }
            }
            *rows += 1;
            if *rows > MAX_ROWS {
                return Err(SheetFault::new(
                    "too_many_rows",
                    format!("El archivo tiene más de {MAX_ROWS} filas: divídelo en varios"),
                    format!("The file has more than {MAX_ROWS} rows: split it"),
                )
                .at_line(record.line));
            }
            Ok(())
        };
        if end { splitter.finish(&mut each) } else { splitter.push(bytes, &mut each) }
    }

    /// Ends the look.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn finish(mut self) -> Result<Surveyed, SheetFault> {
        self.look(&[], true)?;
        if self.rows == 0 {
            return Err(SheetFault::new(
                "no_rows",
                "El archivo no tiene filas con datos",
                "The file has no rows with data",
            ));
        }
        // By majority: one broken letter in a file of UTF-8 must not garble all its names.
        if self.other > self.unicode && self.format.kind == Kind::Csv {
            self.format.encoding = Encoding::Windows1252;
        }
        Ok(Surveyed { format: self.format, rows: self.rows })
    }
}

/// Whether a cell holds what looks like further rows: a quote that was never closed, or that
/// another row's quote has closed. Text may have any line breaks, but not somebody's address
/// where addresses stand.
fn swallowed_rows(
    cell: &[u8],
    (at, prose): (usize, bool),
    format: &Format,
    email: Option<usize>,
) -> bool {
    let delimiter = u8::try_from(format.delimiter).unwrap_or(b',');
    let columns = format.header.len();
    let lines: Vec<&[u8]> = cell.split(|b| *b == b'\n').collect();
    let [first, further @ .., last] = lines.as_slice() else { return false };
    // Whether a line has a cell for each of these columns, with an address where it stands.
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

fn unclosed(line: u64) -> SheetFault {
    SheetFault::new(
        "unclosed_quote",
        "Hay unas comillas (\") que no se cierran, y las filas siguientes quedan dentro de la celda: quítalas o duplícalas (\"\")",
        "A quote (\") is not closed, and the rows after it are inside the cell: remove it or double it (\"\")",
    )
    .at_line(line)
}

/// What a file is, by its first bytes, and the line of its header.
fn recognize(first: &[u8]) -> Result<(Format, u64), SheetFault> {
    let is = |magic: &[u8]| first.starts_with(magic);
    if is(b"PK\x03\x04") || is(b"\xd0\xcf\x11\xe0") {
        return Err(SheetFault::new(
            "spreadsheet",
            "Es un libro de Excel o de otra hoja de cálculo: guárdalo como «CSV UTF-8 (delimitado por comas)» y envía ese archivo",
            "It is a workbook of Excel or another spreadsheet: save it as \"CSV UTF-8 (comma delimited)\" and send that file",
        ));
    }
    if is(b"\xff\xfe") || is(b"\xfe\xff") {
        return Err(SheetFault::new(
            "utf_16",
            "El archivo está en UTF-16 («Texto Unicode»): guárdalo como «CSV UTF-8»",
            "The file is in UTF-16 (\"Unicode Text\"): save it as \"CSV UTF-8\"",
        ));
    }
    if first.contains(&0) {
        return Err(SheetFault::new(
            "not_text",
            "El archivo no es de texto: envía un CSV o JSON Lines",
            "The file is no text: send CSV or JSON Lines",
        ));
    }
    let bom = if is(b"\xef\xbb\xbf") { 3 } else { 0 };
    let text = first.get(bom..).unwrap_or_default();
    let start = |offset: usize, line| Position { offset: offset as u64, line, row: 0 };
    match text.iter().find(|b| !b.is_ascii_whitespace()) {
        None => {
            return Err(SheetFault::new(
                "empty_file",
                "El archivo está vacío",
                "The file is empty",
            ));
        }
        Some(b'{') => {
            let (kind, encoding) = (Kind::JsonLines, Encoding::Utf8);
            let start = start(bom, 1);
            return Ok((Format { kind, delimiter: ',', encoding, header: Vec::new(), start }, 1));
        }
        Some(b'[') => {
            return Err(SheetFault::new(
                "json_array",
                "Es una lista JSON: envía JSON Lines, un objeto por línea sin corchetes ni comas entre ellos",
                "It is a JSON array: send JSON Lines, one object a line without brackets or commas between them",
            )
            .at_line(1));
        }
        Some(_) => {}
    }
    // Excel's own hint, in a line of its own.
    let (mut at, mut line, mut told) = (bom, 1, None);
    let hint = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let hinted = hint.strip_suffix(b"\r").unwrap_or(hint).strip_prefix(b"sep=");
    if let Some([delimiter]) = hinted {
        if !b",;\t".contains(delimiter) {
            return Err(SheetFault::new(
                "unknown_delimiter",
                "Separa las celdas con coma, punto y coma o tabulador",
                "Separate the cells with comma, semicolon or tab",
            )
            .at_line(1));
        }
        (at, line, told) = (bom + hint.len() + 1, 2, Some(char::from(*delimiter)));
    }
    let rest = first.get(at..).unwrap_or_default();
    // The last one of those that explain as much: a single column leaves it open.
    let best = ['\t', ';', ',']
        .into_iter()
        .filter(|delimiter| told.is_none_or(|told| told == *delimiter))
        .filter_map(|delimiter| Some((delimiter, header_of(rest, delimiter, start(at, line))?)))
        .max_by_key(|(_, (header, _))| (Columns::of(header).known(), header.len()));
    let Some((delimiter, (header, start))) = best else {
        return Err(SheetFault::new(
            "header_too_long",
            format!(
                "La primera línea debe tener los nombres de las columnas, en {} KB como máximo",
                MAX_HEADER / 1024
            ),
            format!(
                "The first line must hold the names of the columns, in at most {} KB",
                MAX_HEADER / 1024
            ),
        )
        .at_line(line));
    };
    let (kind, encoding) = (Kind::Csv, Encoding::Utf8);
    Ok((Format { kind, delimiter, encoding, header, start }, line))
}

/// The header's cells under a delimiter, and where the first row begins.
fn header_of(bytes: &[u8], delimiter: char, from: Position) -> Option<(Vec<String>, Position)> {
    let mut splitter = Splitter::new(Kind::Csv, delimiter, from);
    let mut header = None;
    let end = (bytes.len() < MAX_HEADER).then_some(());
    let mut take = |record: Record<'_>| {
        let utf8 = record.cells().all(|cell| std::str::from_utf8(cell).is_ok());
        let encoding = if utf8 { Encoding::Utf8 } else { Encoding::Windows1252 };
        let cells = record.cells();
        let mut cells: Vec<String> =
            cells.map(|cell| encoding.text(cell).unwrap_or_default().trim().to_owned()).collect();
        while cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        header = Some((cells, Position { row: 0, ..record.end }));
        // One record is enough.
        Err(SheetFault::new("enough", "", ""))
    };
    if splitter.push(bytes, &mut take).is_ok() && end.is_some() {
        let _ = splitter.finish(&mut take);
    }
    header
}

/// One row of a file.
#[derive(Debug)]
pub struct SheetRow {
    /// Its number, from 1; empty rows are not counted.
    pub row: u32,
    /// The line that it begins in, from 1.
    pub line: u64,
    /// What it says of a recipient.
    pub entry: Entry,
    /// Where the next one begins.
    pub end: Position,
}

/// Reads the rows of a file, from a position on.
#[derive(Debug)]
pub struct Rows<'a> {
    format: &'a Format,
    columns: Columns,
    definition: &'a Definition,
    splitter: Splitter,
}

impl<'a> Rows<'a> {
    /// Begins at a position that this file's survey or an earlier reader gave.
    pub fn new(format: &'a Format, definition: &'a Definition, from: Position) -> Self {
        let columns = Columns::of(&format.header);
        let splitter = Splitter::new(format.kind, format.delimiter, from);
        Self { format, columns, definition, splitter }
    }

    /// The rows that end in these bytes.
    ///
    /// # Errors
    /// What is wrong with the file; a survey has said so before.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<SheetRow>, SheetFault> {
        self.take(bytes, false)
    }

    /// The row that ends with the file, if it does not end with its line.
    ///
    /// # Errors
    /// As [`Rows::push`].
    pub fn finish(&mut self) -> Result<Vec<SheetRow>, SheetFault> {
        self.take(&[], true)
    }

    fn take(&mut self, bytes: &[u8], end: bool) -> Result<Vec<SheetRow>, SheetFault> {
        let mut rows = Vec::new();
        let (format, columns, definition) = (self.format, &self.columns, self.definition);
        let mut each = |record: Record<'_>| {
            if !record.is_blank() {
                let entry = match format.kind {
                    Kind::Csv => csv_entry(&record, format.encoding, columns, definition),
                    Kind::JsonLines => json_entry(&record),
                };
                let (line, end) = (record.line, record.end);
                rows.push(SheetRow { row: end.row, line, entry, end });
            }
            Ok(())
        };
        if end {
            self.splitter.finish(&mut each)?;
        } else {
            self.splitter.push(bytes, &mut each)?;
        }
        Ok(rows)
    }
}

/// Reads the cells of a file as they are, for its results.
#[derive(Debug)]
pub struct Cells<'a> {
    format: &'a Format,
    splitter: Splitter,
}

impl<'a> Cells<'a> {
    /// Begins at the first row.
    pub fn new(format: &'a Format) -> Self {
        let splitter = Splitter::new(format.kind, format.delimiter, format.start);
        Self { format, splitter }
    }

    /// The cells of the rows that end in these bytes; in JSON Lines, the whole line.
    ///
    /// # Errors
    /// As [`Rows::push`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<String>>, SheetFault> {
        self.take(bytes, false)
    }

    /// The last row's, if it does not end with its line.
    ///
    /// # Errors
    /// As [`Rows::push`].
    pub fn finish(&mut self) -> Result<Vec<Vec<String>>, SheetFault> {
        self.take(&[], true)
    }

    fn take(&mut self, bytes: &[u8], end: bool) -> Result<Vec<Vec<String>>, SheetFault> {
        let mut rows = Vec::new();
        let encoding = self.format.encoding;
        let mut each = |record: Record<'_>| {
            if !record.is_blank() {
                let cells = record.cells().map(|cell| {
                    encoding.text(cell).unwrap_or_else(|| String::from_utf8_lossy(cell).into())
                });
                rows.push(cells.collect());
            }
            Ok(())
        };
        if end {
            self.splitter.finish(&mut each)?;
        } else {
            self.splitter.push(bytes, &mut each)?;
        }
        Ok(rows)
    }
}

fn refused(faults: Vec<Fault>) -> Entry {
    Entry { email: String::new(), external_id: None, recipient: Err(faults) }
}

fn json_entry(record: &Record<'_>) -> Entry {
    let text = record.cells().next().and_then(|line| std::str::from_utf8(line).ok());
    match text.map(serde_json::from_str::<&RawValue>) {
        Some(Ok(raw)) => Entry::parse(raw),
        Some(Err(_)) => refused(vec![Fault::NotAnObject]),
        None => refused(vec![Fault::NotUtf8]),
    }
}

fn csv_entry(
    record: &Record<'_>,
    encoding: Encoding,
    columns: &Columns,
    definition: &Definition,
) -> Entry {
    let texts: Option<Vec<String>> = record.cells().map(|cell| encoding.text(cell)).collect();
    // A letter that is lost already, by us in a results file or by another program.
    let lost = |texts: &Vec<String>| texts.iter().any(|text| text.contains('\u{fffd}'));
    let Some(texts) = texts.filter(|texts| !lost(texts)) else {
        return refused(vec![Fault::NotUtf8]);
    };
    let want = columns.len();
    if texts.iter().skip(want).any(|cell| !cell.trim().is_empty()) {
        // A delimiter that is not quoted has moved the cells: none of them is trusted.
        let mut entry = refused(vec![Fault::TooManyCells(texts.len(), want)]);
        entry.email = texts.into_iter().find(|cell| cell.contains('@')).unwrap_or_default();
        return entry;
    }
    columns.entry(&texts, definition)
}

#[cfg(test)]
mod tests;
