//! Faults of a file as a whole; a fault of one row is a [`Fault`](crate::domain::fault::Fault).

use crate::domain::{column_map::ReadColumn, job::Reading, lang::Lang};

/// A fault of a file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}")]
pub struct SheetFault {
    /// Stable code.
    pub code: &'static str,
    /// Line, from 1.
    pub line: Option<u64>,
    /// Column, from 1.
    pub column: Option<usize>,
    /// The fault and its cure, in Spanish.
    pub es: String,
    /// The same in English.
    pub en: String,
    /// The encodings that the file may have, if that is the fault.
    pub readings: Vec<Reading>,
    /// The file's columns, if its header is at fault.
    pub columns: Vec<ReadColumn>,
    /// The names of a spreadsheet's sheets.
    pub sheets: Vec<String>,
    /// The one that was read, once one was chosen.
    pub sheet: Option<Box<str>>,
}

impl SheetFault {
    pub(super) fn new(code: &'static str, es: impl Into<String>, en: impl Into<String>) -> Self {
        let (es, en) = (es.into(), en.into());
        let (line, column, readings, columns) = (None, None, Vec::new(), Vec::new());
        let (sheets, sheet) = (Vec::new(), None);
        Self { code, line, column, es, en, readings, columns, sheets, sheet }
    }

    pub(super) fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    pub(super) fn at_column(mut self, column: usize) -> Self {
        self.column = Some(column);
        self
    }

    /// The text for people, after its line and column.
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
pub(super) fn letters(column: usize) -> String {
    let (mut n, mut name) = (column, Vec::new());
    while n > 0 {
        name.push(b'A' + u8::try_from((n - 1) % 26).unwrap_or_default());
        n = (n - 1) / 26;
    }
    name.reverse();
    String::from_utf8(name).unwrap_or_default()
}

/// A quote that is not closed.
pub(super) fn unclosed(line: u64) -> SheetFault {
    SheetFault::new(
        "unclosed_quote",
        "Hay unas comillas (\") que no se cierran, y las filas siguientes quedan dentro de la celda: quítalas o duplícalas (\"\")",
        "A quote (\") is not closed, and the rows after it are inside the cell: remove it or double it (\"\")",
    )
    .at_line(line)
}
