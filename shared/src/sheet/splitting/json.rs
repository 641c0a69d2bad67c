//! The lines of JSON Lines, and the values of a JSON list or of JSON texts one after another,
//! each as it was written.

use super::{Machine as AnyMachine, Splitter, Take};
use crate::sheet::{fault::SheetFault, limits::MAX_HEADER};

/// How values follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Between brackets, the first of which was read, and commas; nothing follows.
    List,
    /// The same within a request: what follows the list is kept.
    Request,
    /// One after another.
    Sequence,
}

/// The state between two pieces.
#[derive(Debug)]
pub(super) struct Machine {
    /// The shape to be kept; none when a survey found that the file keeps it.
    strict: Option<Shape>,
    state: State,
    /// Values begun, and commas since the last.
    values: u64,
    commas: u64,
    tail: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    /// In a list or object, so deep.
    Inside(u32),
    /// In a text of one so deep; 0 is a value by itself.
    Text(u32),
    /// After a backslash in a text.
    Escaped(u32),
    /// In a number or word.
    Word,
    /// After the list.
    After,
}

impl Machine {
    pub fn new(strict: Option<Shape>) -> Self {
        Self { strict, state: State::Between, values: 0, commas: 0, tail: Vec::new() }
    }

    pub fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Whether a value may begin here, by the commas before it.
    fn may_begin(&self) -> bool {
        match self.strict {
            None => true,
            Some(Shape::List | Shape::Request) => self.commas == u64::from(self.values > 0),
            Some(Shape::Sequence) => self.commas == 0,
        }
    }

    fn may_end(&self) -> bool {
        match self.strict {
            None => true,
            Some(Shape::List | Shape::Request) => self.commas == 0,
            Some(Shape::Sequence) => false,
        }
    }
}

/// A file that is no JSON.
pub(crate) fn invalid(line: u64) -> SheetFault {
    SheetFault::new(
        "invalid_json",
        "El archivo no es JSON válido a partir de esta línea: revisa comas, comillas y corchetes, o envía un objeto por línea (JSON Lines)",
        "The file is no valid JSON from this line on: check commas, quotes and brackets, or send one object a line (JSON Lines)",
    )
    .at_line(line)
}

impl Splitter {
    pub(super) fn split_lines(
        &mut self,
        bytes: &[u8],
        each: &mut impl Take,
    ) -> Result<(), SheetFault> {
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            let AnyMachine::Lines { inside, .. } = &mut self.machine else { return Ok(()) };
            if !std::mem::replace(inside, true) {
                if matches!(first, b'\r' | b'\n') {
                    *inside = false;
                    self.count_lines(&[*first]);
                    self.advance(&[*first]);
                    rest = rest.get(1..).unwrap_or_default();
                    continue;
                }
                self.begin();
            }
            let end = memchr::memchr2(b'\r', b'\n', rest);
            let (line, after) =
                rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or_default();
            self.append(line)?;
            self.advance(line);
            rest = after;
            if let Some((end, after)) = after.split_first() {
                self.count_lines(&[*end]);
                self.advance(&[*end]);
                if let AnyMachine::Lines { inside, .. } = &mut self.machine {
                    *inside = false;
                }
                self.give(each)?;
                rest = after;
            }
        }
        Ok(())
    }

    pub(super) fn split_json(
        &mut self,
        bytes: &[u8],
        each: &mut impl Take,
    ) -> Result<(), SheetFault> {
        let mut rest = bytes;
        while let Some(first) = rest.first().copied() {
            let line = self.at.line + u64::from(self.at.after_cr && first != b'\n');
            let AnyMachine::Json(machine) = &mut self.machine else { return Ok(()) };
            let before = machine.state;
            let (read, next) = match before {
                State::Between => (1, machine.next(first).ok_or_else(|| invalid(line))?),
                State::After => (machine.keep(rest).ok_or_else(|| invalid(line))?, State::After),
                State::Inside(depth) => inside(rest, depth),
                State::Text(depth) => text(rest, depth),
                State::Escaped(depth) => (1, State::Text(depth)),
                State::Word => word(rest),
            };
            machine.state = next;
            let (read, after) = rest.split_at_checked(read).unwrap_or_default();
            if before == State::Between && !matches!(next, State::Between | State::After) {
                self.begin();
            }
            if !matches!(before, State::Between | State::After)
                || !matches!(next, State::Between | State::After)
            {
                self.append(read)?;
            }
            self.count_lines(read);
            self.advance(read);
            rest = after;
            if next == State::Between && before != State::Between {
                self.give(each)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish_json(&mut self, each: &mut impl Take) -> Result<(), SheetFault> {
        let AnyMachine::Json(machine) = &mut self.machine else { return Ok(()) };
        let (state, line) = (machine.state, self.line);
        match (machine.strict, state) {
            (None | Some(Shape::Sequence), State::Word) => {
                machine.state = State::Between;
                self.give(each)
            }
            (None, _)
            | (Some(Shape::List | Shape::Request), State::After)
            | (Some(Shape::Sequence), State::Between) => Ok(()),
            (Some(Shape::List | Shape::Request), State::Between) => {
                self.settle();
                Err(invalid(self.at.line))
            }
            (Some(_), _) => Err(invalid(line)),
        }
    }
}

impl Machine {
    /// The state after a byte between two values; none where it may not be.
    fn next(&mut self, byte: u8) -> Option<State> {
        if byte.is_ascii_whitespace() {
            return Some(State::Between);
        }
        if byte == b',' {
            self.commas += 1;
            return Some(State::Between);
        }
        if byte == b']' {
            return self.may_end().then_some(State::After);
        }
        let begins = self.may_begin();
        self.commas = 0;
        self.values += 1;
        begins.then_some(match byte {
            b'{' | b'[' => State::Inside(1),
            b'"' => State::Text(0),
            _ => State::Word,
        })
    }

    /// Takes what follows the list: how many bytes; none where it may not be.
    fn keep(&mut self, rest: &[u8]) -> Option<usize> {
        match self.strict {
            Some(Shape::Request) => {
                self.tail.extend_from_slice(rest);
                (self.tail.len() <= MAX_HEADER).then_some(rest.len())
            }
            Some(Shape::List | Shape::Sequence) => {
                let blanks = rest.len() - rest.trim_ascii_start().len();
                (blanks > 0).then_some(blanks)
            }
            None => Some(rest.len()),
        }
    }
}

/// Reads on in a list or object: how many bytes, and the state after them.
fn inside(rest: &[u8], mut depth: u32) -> (usize, State) {
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'"' => return (at + 1, State::Text(depth)),
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (at + 1, State::Between);
        }
    }
    (rest.len(), State::Inside(depth))
}

/// Reads on in a text.
fn text(rest: &[u8], depth: u32) -> (usize, State) {
    match memchr::memchr2(b'"', b'\\', rest) {
        None => (rest.len(), State::Text(depth)),
        Some(at) if rest.get(at) == Some(&b'\\') => (at + 1, State::Escaped(depth)),
        Some(at) if depth == 0 => (at + 1, State::Between),
        Some(at) => (at + 1, State::Inside(depth)),
    }
}

/// Reads on in a number or word; what ends it is not part of it.
fn word(rest: &[u8]) -> (usize, State) {
    let ends = |b: &u8| b.is_ascii_whitespace() || b",]}[{\"".contains(b);
    match rest.iter().position(ends) {
        None => (rest.len(), State::Word),
        Some(at) => (at, State::Between),
    }
}
