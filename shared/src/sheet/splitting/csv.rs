//! The rows of CSV (RFC 4180), as leniently as spreadsheets read them: a quote inside a cell
//! that does not begin with one is text; blanks before an opening quote and after a closing one
//! are not. What else follows a closing quote marks the row: nobody knows what it meant.

use super::{Machine, Rules, Splitter, Take, cells};
use crate::{
    domain::encoding::Encoding,
    sheet::fault::{SheetFault, unclosed},
};

/// The state between two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Before a row.
    Between,
    /// Before a cell.
    Start,
    /// In the blanks before a cell.
    Blank,
    /// In a cell without quotes.
    Text,
    /// In quotes.
    Quoted,
    /// After a quote within quotes: it closes them, or is the first of two.
    Quote,
    /// In the blanks after a closing quote.
    Closed,
}

impl Splitter {
    pub(super) fn split_csv(
        &mut self,
        (delimiter, mut state): (u8, State),
        bytes: &[u8],
        each: &mut impl Take,
    ) -> Result<(), SheetFault> {
        let (mut at, mut counted) = (0, 0);
        while let Some(byte) = bytes.get(at).copied() {
            let rest = bytes.get(at..).unwrap_or_default();
            match state {
                State::Between if matches!(byte, b'\r' | b'\n') => {
                    self.count_lines(&[byte]);
                    at += 1;
                }
                State::Between => {
                    self.begin();
                    state = State::Start;
                }
                State::Start | State::Blank if byte == b'"' => {
                    self.output.truncate(self.ends.last().copied().unwrap_or_default());
                    state = State::Quoted;
                    at += 1;
                }
                State::Start | State::Blank if self.skips(byte, delimiter) => {
                    self.append(&[byte])?;
                    state = State::Blank;
                    at += 1;
                }
                State::Start | State::Blank => state = State::Text,
                State::Text => {
                    let end = memchr::memchr3(delimiter, b'\r', b'\n', rest);
                    let cell = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                    self.append(cell)?;
                    at += cell.len();
                    let Some(end) = end.and_then(|end| rest.get(end)) else { continue };
                    at += 1;
                    self.end_cell()?;
                    state = State::Start;
                    if *end != delimiter {
                        self.count_lines(&[*end]);
                        self.advance(bytes.get(counted..at).unwrap_or_default());
                        counted = at;
                        state = State::Between;
                        self.give(each)?;
                    }
                }
                State::Quoted => {
                    let end = memchr::memchr(b'"', rest);
                    let cell = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                    self.keep(State::Quoted);
                    self.append(cell)?;
                    self.count_lines(cell);
                    at += cell.len();
                    if end.is_some() {
                        self.settle();
                        state = State::Quote;
                        at += 1;
                    }
                }
                State::Quote if byte == b'"' => {
                    self.append(b"\"")?;
                    state = State::Quoted;
                    at += 1;
                }
                State::Quote | State::Closed if self.skips(byte, delimiter) => {
                    self.append(&[byte])?;
                    state = State::Closed;
                    at += 1;
                }
                State::Quote | State::Closed => {
                    let ends = byte == delimiter || matches!(byte, b'\r' | b'\n');
                    self.stray |= !ends && !matches!(self.rules, Rules::Former);
                    state = State::Text;
                }
            }
        }
        self.advance(bytes.get(counted..).unwrap_or_default());
        self.keep(state);
        Ok(())
    }

    fn keep(&mut self, now: State) {
        if let Machine::Csv { state, .. } = &mut self.machine {
            *state = now;
        }
    }

    /// Whether a byte beside a cell's quotes is a blank that is none of it.
    fn skips(&self, byte: u8, delimiter: u8) -> bool {
        matches!(byte, b' ' | b'\t') && byte != delimiter && !matches!(self.rules, Rules::Former)
    }

    pub(super) fn finish_csv(
        &mut self,
        state: State,
        each: &mut impl Take,
    ) -> Result<(), SheetFault> {
        match state {
            State::Between => Ok(()),
            // Rows inside a quote that the file never closes would be lost in silence.
            State::Quoted => Err(unclosed(self.line)),
            State::Start | State::Blank | State::Text | State::Quote | State::Closed => {
                self.end_cell()?;
                self.give(each)
            }
        }
    }

    /// Replaces a row that is one cell with its delimiters in it by the row that the cell holds:
    /// a program has quoted the whole line.
    pub(super) fn unwrap_row(&mut self, delimiter: u8) {
        let columns = match &self.rules {
            Rules::Former => return,
            Rules::Header => None,
            Rules::Columns(uses) => Some(uses.len()),
        };
        let whole = {
            let mut found = cells(&self.output, &self.ends);
            let Some(whole) = found.next().filter(|cell| cell.contains(&delimiter)) else { return };
            // In the rows an address is asked for, so that a text in the first column stays one.
            let may_be = columns.is_none_or(|columns| columns > 1 && whole.contains(&b'@'));
            if !may_be || found.any(|cell| !super::blank(cell)) {
                return;
            }
            whole.to_vec()
        };
        let mut row = Self::with(
            Machine::Csv { delimiter, state: State::Start },
            Rules::Columns(Vec::new()),
            Encoding::Utf8,
            self.at,
        );
        let mut inner: Option<(Vec<u8>, Vec<usize>, bool)> = None;
        let mut take = |record: super::Record<'_>| {
            // Lines within the cell are no row.
            inner = match inner {
                None => Some((record.bytes.to_vec(), record.ends.to_vec(), record.stray)),
                Some(_) => Some(Default::default()),
            };
            Ok(())
        };
        let read = row.split(&whole, &mut take).and_then(|()| row.finish(&mut take));
        if let (Ok(()), Some((output, ends, stray))) = (read, inner)
            && ends.len() > 1
        {
            (self.output, self.ends, self.stray) = (output, ends, self.stray || stray);
        }
    }
}
