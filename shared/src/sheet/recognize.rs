//! The format of a file, by its first bytes.

use super::{
    columns::{Assignments, Columns},
    fault::SheetFault,
    foreign,
    guess::{Guess, Verdict},
    json_files::{self, Json},
    limits::{HEADER_LINES, MAX_HEADER},
    splitting::{Record, Shape, Splitter},
    wide::{Wide, width},
};
use crate::domain::{
    email::EmailAddress,
    encoding::Encoding,
    upload::{Format, Kind, Position, ROW_RULES},
};

/// What the first bytes say.
#[derive(Debug)]
pub(super) struct Recognized {
    pub format: Format,
    /// The header's cells as they are; of JSON none.
    pub names: Vec<Vec<u8>>,
    /// How the values of JSON follow one another.
    pub shape: Option<Shape>,
    /// The beginning of a request, up to the bracket of its list.
    pub request: Option<Vec<u8>>,
    /// Whether the encoding is still to be found.
    pub open: bool,
}

/// The beginning of a file as text.
struct Beginning<'a> {
    assigned: &'a Assignments,
    text: &'a [u8],
    /// Bytes of the file before the text.
    mark: usize,
    encoding: Encoding,
    /// Whether the text is the whole file.
    whole: bool,
}

/// Recognizes a file; `named` is the encoding that its sender named.
pub(super) fn recognize(
    first: &[u8],
    named: Option<Encoding>,
    assigned: &Assignments,
) -> Result<Recognized, SheetFault> {
    foreign::refuse(first)?;
    let (mark, marked) = mark_of(first, named);
    let bytes = first.get(mark..).unwrap_or_default();
    let decided = named.or(marked).or_else(|| unmarked_wide(bytes));
    let mut text = String::new();
    let wide = decided.and_then(Wide::of).map(|mut wide| wide.push(bytes, &mut text));
    let text = if wide.is_some() { text.as_bytes() } else { bytes };
    if text.contains(&0) {
        return Err(foreign::not_text());
    }
    foreign::refuse_markup(text)?;
    let whole = first.len() < MAX_HEADER;
    let encoding = decided.unwrap_or_else(|| provisional(text, whole));
    let beginning = Beginning { assigned, text, mark, encoding, whole };
    let mut recognized = match text.trim_ascii_start().first() {
        None if !whole => return Err(header_too_long(1)),
        None => {
            return Err(SheetFault::new(
                "empty_file",
                "El archivo está vacío",
                "The file is empty",
            ));
        }
        Some(b'{' | b'[') => beginning.json(),
        Some(_) => beginning.csv()?,
    };
    recognized.open = decided.is_none();
    Ok(recognized)
}

/// Recognizes the copy of a spreadsheet by its first bytes.
pub(super) fn of_copy(first: &[u8], assigned: &Assignments) -> Result<Recognized, SheetFault> {
    let whole = first.len() < MAX_HEADER;
    let encoding = Encoding::Utf8;
    let beginning = Beginning { assigned, text: first, mark: 0, encoding, whole };
    let start = beginning.position(0, 1);
    let best = beginning.best(Splitter::of_sheet_header(start), first);
    let (header, above) = best.ok_or_else(|| header_too_long(1))?;
    beginning.table(Kind::Sheet, ',', header, above)
}

/// The bytes of a mark at the beginning, and the encoding that it stands for. An encoding that
/// was named holds; its mark is skipped.
fn mark_of(first: &[u8], named: Option<Encoding>) -> (usize, Option<Encoding>) {
    let wide = named.is_none_or(Encoding::is_wide);
    if first.starts_with(b"\xef\xbb\xbf") {
        (3, Some(Encoding::Utf8))
    } else if wide && first.starts_with(b"\xff\xfe") {
        (2, Some(Encoding::Utf16Le))
    } else if wide && first.starts_with(b"\xfe\xff") {
        (2, Some(Encoding::Utf16Be))
    } else {
        (0, None)
    }
}

/// UTF-16 without a mark: what is ASCII in a list of recipients has a zero byte each.
fn unmarked_wide(bytes: &[u8]) -> Option<Encoding> {
    let pairs = bytes.len() / 2;
    let zeros = |at: usize| bytes.iter().skip(at).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let (few, most) = (pairs / 50, |zeros: usize| zeros * 3 > pairs);
    match () {
        () if pairs < 2 => None,
        () if most(odd) && even <= few => Some(Encoding::Utf16Le),
        () if most(even) && odd <= few => Some(Encoding::Utf16Be),
        () => None,
    }
}

/// The encoding by the first lines, until all of them were read.
fn provisional(text: &[u8], whole: bool) -> Encoding {
    let end = memchr::memrchr2(b'\r', b'\n', text).filter(|_| !whole).unwrap_or(text.len());
    let mut guess = Guess::new();
    for line in text.get(..end).unwrap_or_default().split(|b| matches!(b, b'\r' | b'\n')) {
        guess.take(line);
    }
    match guess.decide() {
        Verdict::Utf8 => Encoding::Utf8,
        Verdict::Guessed(encoding) => encoding,
        Verdict::Open(_) => Encoding::Windows1252,
    }
}

/// A header's name. One in UTF-8 is, whatever the rows are.
pub(super) fn name(cell: &[u8], encoding: Encoding) -> String {
    match std::str::from_utf8(cell) {
        Ok(name) => name.trim().to_owned(),
        Err(_) => encoding.lossy(cell).trim().to_owned(),
    }
}

fn header_too_long(line: u64) -> SheetFault {
    let kib = MAX_HEADER / 1024;
    SheetFault::new(
        "header_too_long",
        format!(
            "Una de las primeras {HEADER_LINES} líneas debe tener los nombres de las columnas, en los primeros {kib} KB"
        ),
        format!(
            "One of the first {HEADER_LINES} lines must hold the names of the columns, in the first {kib} KB"
        ),
    )
    .at_line(line)
}

/// A line that may be the header.
struct Candidate {
    names: Vec<Vec<u8>>,
    columns: Columns,
    line: u64,
    end: Position,
    /// Whether a cell is an address.
    has_address: bool,
}

impl Candidate {
    /// How much it looks like a header.
    fn rank(&self) -> (bool, usize) {
        (self.columns.email().is_some(), self.columns.known())
    }
}

impl Beginning<'_> {
    /// The position after so many bytes of the text.
    fn position(&self, at: usize, line: u64) -> Position {
        let text = self.text.get(..at).unwrap_or_default();
        let bytes = if self.encoding.is_wide() { width(text) } else { text.len() };
        Position { offset: (self.mark + bytes) as u64, line, row: 0, after_cr: false }
    }

    fn format(&self, kind: Kind, start: Position) -> Format {
        Format {
            kind,
            delimiter: ',',
            encoding: self.encoding,
            guessed: false,
            header: Vec::new(),
            header_line: 0,
            start,
            rules: ROW_RULES,
            copy: None,
        }
    }

    fn json(&self) -> Recognized {
        let Json { kind, shape, start, request } = json_files::recognize(self.text);
        let before = self.text.get(..start).unwrap_or_default();
        // CRLF is one line.
        let breaks = before.iter().filter(|b| **b == b'\n').count()
            + before
                .windows(2)
                .filter(|two| matches!(two, [b'\r', next] if *next != b'\n'))
                .count();
        let start = self.position(start, 1 + breaks as u64);
        Recognized {
            format: self.format(kind, start),
            names: Vec::new(),
            shape,
            request: request.then(|| before.to_vec()),
            open: false,
        }
    }

    /// A CSV file's delimiter and header. Empty and title lines may come before it.
    fn csv(&self) -> Result<Recognized, SheetFault> {
        let (hint, named) = self.hint()?;
        let start = self.position(hint, 1);
        let rest = self.text.get(hint..).unwrap_or_default();
        // The last of those that explain as much: a single column leaves the delimiter open.
        let best = ['\t', ';', ',']
            .into_iter()
            .filter(|delimiter| named.is_none_or(|named| named == *delimiter))
            .filter_map(|delimiter| Some((delimiter, self.header(rest, delimiter, start)?)))
            .max_by_key(|(_, (header, _))| (header.rank(), header.columns.len()));
        let Some((delimiter, (header, above))) = best else {
            return Err(header_too_long(start.line + u64::from(hint > 0)));
        };
        self.table(Kind::Csv, delimiter, header, above)
    }

    /// What a header makes of a file.
    fn table(
        &self,
        kind: Kind,
        delimiter: char,
        header: Candidate,
        above: Option<u64>,
    ) -> Result<Recognized, SheetFault> {
        if let Some(line) = above {
            return Err(SheetFault::new(
                "rows_above_header",
                "Encima del encabezado hay una fila con una dirección de correo: ponla debajo, o borra las líneas de encima",
                "A row above the header holds an e-mail address: put it below, or delete the lines above",
            )
            .at_line(line));
        }
        let names = header.names.iter().map(|cell| name(cell, self.encoding)).collect();
        let format = Format {
            delimiter,
            header: names,
            header_line: header.line,
            ..self.format(kind, Position { row: 0, ..header.end })
        };
        Ok(Recognized { format, names: header.names, shape: None, request: None, open: false })
    }

    /// The bytes of Excel's hint, in a line of its own, and the delimiter that it names. A
    /// spreadsheet that wrote the file again has quoted or filled the line.
    fn hint(&self) -> Result<(usize, Option<char>), SheetFault> {
        let end = memchr::memchr2(b'\r', b'\n', self.text).unwrap_or(self.text.len());
        let line = self.text.get(..end).unwrap_or_default();
        let unquoted = line.strip_prefix(b"\"").unwrap_or(line);
        let (name, rest) = unquoted.split_at_checked(4).unwrap_or_default();
        match rest {
            _ if !name.eq_ignore_ascii_case(b"sep=") => Ok((0, None)),
            [delimiter, rest @ ..] if rest.iter().all(|b| b == delimiter || *b == b'"') => {
                if b",;\t".contains(delimiter) {
                    return Ok((end, Some(char::from(*delimiter))));
                }
                Err(SheetFault::new(
                    "unknown_delimiter",
                    "Separa las celdas con coma, punto y coma o tabulador",
                    "Separate the cells with comma, semicolon or tab",
                )
                .at_line(1))
            }
            _ => Ok((0, None)),
        }
    }

    /// The header under a delimiter: of the first lines the one with most known names if it has
    /// the address's, else the first. With the line of an address above it.
    fn header(
        &self,
        rest: &[u8],
        delimiter: char,
        start: Position,
    ) -> Option<(Candidate, Option<u64>)> {
        self.best(Splitter::of_header(delimiter, self.encoding, start), rest)
    }

    /// The same of the records that a splitter gives.
    fn best(&self, mut splitter: Splitter, rest: &[u8]) -> Option<(Candidate, Option<u64>)> {
        let mut candidates = Vec::new();
        let mut take = |record: Record<'_>| {
            if record.line > HEADER_LINES {
                // Enough.
                return Err(SheetFault::new("", "", ""));
            }
            if !record.blank {
                candidates.push(self.candidate(&record));
            }
            Ok(())
        };
        let read = splitter.push_text(rest, &mut take);
        if read.is_ok() && self.whole {
            let _ = splitter.finish(&mut take);
        }
        let mut best = 0;
        for (at, candidate) in candidates.iter().enumerate() {
            let so_far = candidates.get(best).map(Candidate::rank);
            if candidate.rank().0 && so_far.is_some_and(|rank| rank < candidate.rank()) {
                best = at;
            }
        }
        let above = candidates.iter().take(best).find(|above| above.has_address);
        let above = above.map(|above| above.line);
        (best < candidates.len()).then(|| (candidates.swap_remove(best), above))
    }

    fn candidate(&self, record: &Record<'_>) -> Candidate {
        let mut names: Vec<Vec<u8>> = record.cells().map(<[u8]>::to_vec).collect();
        while names.last().is_some_and(|name| name.trim_ascii().is_empty()) {
            names.pop();
        }
        let texts: Vec<String> = names.iter().map(|cell| name(cell, self.encoding)).collect();
        let has_address = texts.iter().any(|text| EmailAddress::parse(text).is_ok());
        let columns = Columns::assigned(&texts, self.assigned);
        Candidate { names, columns, line: record.line, end: record.end, has_address }
    }
}
