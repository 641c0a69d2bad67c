//! Splits bytes into records, piece by piece, with the position of each.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::{
    fault::{SheetFault, unclosed},
    limits::{MAX_CELLS, MAX_RECORD},
};
use crate::domain::upload::{Kind, Position};

/// One record.
#[derive(Debug)]
pub(super) struct Record<'a> {
    /// The line where it begins.
    pub line: u64,
    /// Its end; the record is counted unless it is blank.
    pub end: Position,
    bytes: &'a [u8],
    ends: &'a [usize],
}

impl Record<'_> {
    /// Its cells, unquoted.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends).map(|(from, to)| self.bytes.get(from..*to).unwrap_or_default())
    }

    /// Whether it has no text.
    pub fn is_blank(&self) -> bool {
        blank(self.bytes)
    }
}

fn blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| b.is_ascii_whitespace())
}

/// The state between two pieces of a file.
#[derive(Debug)]
pub(super) struct Splitter {
    reader: Option<Box<Reader>>,
    at: Position,
    /// Of the current record: its line, its cells so far, their ends, quotes read.
    line: Option<u64>,
    output: Vec<u8>,
    written: usize,
    ends: Vec<usize>,
    ended: usize,
    quotes: usize,
    lines: u64,
}

impl Splitter {
    pub fn new(kind: Kind, delimiter: char, at: Position) -> Self {
        let reader = match kind {
            Kind::JsonLines => None,
            Kind::Csv => {
                let delimiter = u8::try_from(delimiter).unwrap_or(b',');
                Some(Box::new(ReaderBuilder::new().delimiter(delimiter).build()))
            }
        };
        Self {
            reader,
            at,
            line: None,
            output: vec![0; 4096],
            written: 0,
            ends: vec![0; 64],
            ended: 0,
            quotes: 0,
            lines: 0,
        }
    }

    /// Takes further bytes and calls `each` with every record that they end.
    pub fn push(
        &mut self,
        bytes: &[u8],
        each: &mut impl FnMut(Record<'_>) -> Result<(), SheetFault>,
    ) -> Result<(), SheetFault> {
        match self.reader {
            Some(_) if bytes.is_empty() => Ok(()),
            Some(_) => self.push_csv(bytes, each),
            None => self.push_lines(bytes, each),
        }
    }

    /// Ends the file: calls `each` with the record of its last line.
    pub fn finish(
        &mut self,
        each: &mut impl FnMut(Record<'_>) -> Result<(), SheetFault>,
    ) -> Result<(), SheetFault> {
        if self.reader.is_none() {
            return if self.written == 0 { Ok(()) } else { self.give(each) };
        }
        // Rows inside a quote that the file never closes would be lost in silence.
        if self.quotes % 2 == 1 && self.lines > 0 {
            return Err(unclosed(self.line.unwrap_or(self.at.line)));
        }
        // The parser takes an empty piece for the end.
        self.push_csv(&[], each)
    }

    fn push_csv(
        &mut self,
        mut bytes: &[u8],
        each: &mut impl FnMut(Record<'_>) -> Result<(), SheetFault>,
    ) -> Result<(), SheetFault> {
        let end = bytes.is_empty();
        loop {
            let Some(reader) = &mut self.reader else { return Ok(()) };
            let output = self.output.get_mut(self.written..).unwrap_or_default();
            let ends = self.ends.get_mut(self.ended..).unwrap_or_default();
            let (result, read, written, ended) = reader.read_record(bytes, output, ends);
            let (done, rest) = bytes.split_at_checked(read).unwrap_or((bytes, &[]));
            self.count(done);
            bytes = rest;
            self.written += written;
            self.ended += ended;
            match result {
                ReadRecordResult::InputEmpty if !end => return Ok(()),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::End => return Ok(()),
                ReadRecordResult::OutputFull => {
                    if self.output.len() >= MAX_RECORD {
                        return Err(unclosed(self.line.unwrap_or(self.at.line)));
                    }
                    self.output.resize(self.output.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() >= MAX_CELLS => {
                    return Err(SheetFault::new(
                        "line_too_long",
                        format!("La línea tiene más de {MAX_CELLS} celdas"),
                        format!("The line has more than {MAX_CELLS} cells"),
                    )
                    .at_line(self.line.unwrap_or(self.at.line)));
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    self.give(each)?;
                    // More would be taken for the end.
                    if bytes.is_empty() && !end {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Counts bytes of a record; line ends before its first byte are not its own.
    fn count(&mut self, bytes: &[u8]) {
        let newlines = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\n').count() as u64;
        let mut own = bytes;
        if self.line.is_none() {
            let before = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            let (skipped, rest) = bytes.split_at_checked(before).unwrap_or((bytes, &[]));
            self.at.line += newlines(skipped);
            own = rest;
            if !rest.is_empty() {
                self.line = Some(self.at.line);
            }
        }
        let lines = newlines(own);
        self.at.offset += bytes.len() as u64;
        self.at.line += lines;
        self.lines += lines;
        self.quotes += own.iter().filter(|b| **b == b'"').count();
    }

    fn push_lines(
        &mut self,
        bytes: &[u8],
        each: &mut impl FnMut(Record<'_>) -> Result<(), SheetFault>,
    ) -> Result<(), SheetFault> {
        let mut lines = bytes.split_inclusive(|b| *b == b'\n');
        for line in &mut lines {
            self.line.get_or_insert(self.at.line);
            self.at.offset += line.len() as u64;
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            self.output.truncate(self.written);
            self.output.extend_from_slice(text);
            self.written += text.len();
            if self.written > MAX_RECORD {
                let line = self.line.unwrap_or(self.at.line);
                return Err(SheetFault::new(
                    "line_too_long",
                    format!("La línea supera los {} KB", MAX_RECORD / 1024),
                    format!("The line is longer than {} KB", MAX_RECORD / 1024),
                )
                .at_line(line));
            }
            if text.len() < line.len() {
                self.at.line += 1;
                self.give(each)?;
            }
        }
        Ok(())
    }

    fn give(
        &mut self,
        each: &mut impl FnMut(Record<'_>) -> Result<(), SheetFault>,
    ) -> Result<(), SheetFault> {
        let bytes = self.output.get(..self.written).unwrap_or_default();
        let whole = [self.written];
        let ends = match self.reader {
            Some(_) => self.ends.get(..self.ended).unwrap_or_default(),
            None => &whole[..],
        };
        if !blank(bytes) {
            self.at.row += 1;
        }
        let line = self.line.unwrap_or(self.at.line);
        let outcome = each(Record { line, end: self.at, bytes, ends });
        (self.written, self.ended, self.quotes, self.lines, self.line) = (0, 0, 0, 0, None);
        outcome
    }
}
