//! The rows of a file, from any row on, and its cells.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{
    cells,
    column::Use,
    columns::Columns,
    entry,
    fault::SheetFault,
    guess::Doubts,
    splitting::{Record, Splitter, TypedCell},
    terms::List,
    workbook::line::CellKind,
};
use crate::domain::{
    custom::Key,
    encoding::Encoding,
    fault::Fault,
    field::FieldName,
    member_row::ProfileField,
    recipient::{Entry, Recipient},
    refusal,
    template::Definition,
    text::cleaned,
    upload::{Format, Kind, Position},
};

/// One row of a file.
#[derive(Debug)]
pub struct SheetRow {
    /// Its number, from 1; empty rows are not counted.
    pub row: u32,
    /// The line where it begins, from 1.
    pub line: u64,
    /// Its recipient.
    pub entry: Entry,
    /// The cells of a refused row of CSV, or of any row of members, for the texts of its faults.
    pub refused: Vec<String>,
    /// In a file of members, the fields that the row has, empty or not.
    pub says: Vec<ProfileField>,
    /// The position of the next row.
    pub end: Position,
}

/// Reads the rows of a file, from a position on.
#[derive(Debug)]
pub struct Rows<'a> {
    format: &'a Format,
    columns: Columns,
    definition: &'a Definition,
    splitter: Splitter,
    /// Of a file whose encoding was guessed.
    doubts: Option<Doubts>,
    list: List,
}

impl<'a> Rows<'a> {
    /// Begins at a position that this file's survey or an earlier reader gave.
    pub fn new(format: &'a Format, definition: &'a Definition, from: Position) -> Self {
        let columns = Columns::of(&format.header);
        let doubts = format.guessed.then(|| Doubts::new(format.encoding));
        let splitter = Splitter::new(format, from);
        Self { format, columns, definition, splitter, doubts, list: List::Recipients }
    }

    /// Does as [`Rows::new`] for a file of members.
    pub fn of_members(format: &'a Format, definition: &'a Definition, from: Position) -> Self {
        Self { list: List::Members, ..Self::new(format, definition, from) }
    }

    /// The rows that end in these bytes.
    ///
    /// # Errors
    /// [`SheetFault`], as the file's survey.
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
        let (doubts, list) = (&mut self.doubts, self.list);
        let mut each = |record: Record<'_>| {
            if !record.blank {
                let mut says = Vec::new();
                let doubt = doubts.as_mut().and_then(|doubts| doubt(&record, columns, doubts));
                let (entry, refused) = match doubt {
                    Some(word) => (Entry::unread(Fault::DoubtfulText(word)), Vec::new()),
                    None if list == List::Members => {
                        let (entry, texts, has) = member_of(&record, format, columns, definition);
                        says = has;
                        (entry, texts)
                    }
                    None => entry_of(&record, format, columns, definition),
                };
                let (line, end) = (record.line, record.end);
                rows.push(SheetRow { row: end.row, line, entry, refused, says, end });
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
    /// Of a spreadsheet, the columns of numbers: their values count, and not how they are shown.
    numeric: Vec<bool>,
}

impl<'a> Cells<'a> {
    /// Begins at the first row; `definition` is that of the template, if there is one.
    pub fn new(format: &'a Format, definition: Option<&Definition>) -> Self {
        let numeric = match (format.kind, definition) {
            (Kind::Sheet, Some(definition)) => Columns::of(&format.header).numeric(definition),
            _ => Vec::new(),
        };
        Self { format, splitter: Splitter::new(format, format.start), numeric }
    }

    /// The cells of the rows that end in these bytes; in JSON, the whole value.
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
        let (encoding, numeric) = (self.format.encoding, &self.numeric);
        let mut each = |record: Record<'_>| {
            if !record.blank {
                let mut cells: Vec<String> =
                    record.cells().map(|cell| encoding.lossy(cell)).collect();
                set_values(&mut cells, record.typed(), numeric);
                rows.push(cells);
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

/// Puts the values of numbers in the place of how they are shown, in columns of numbers.
fn set_values(cells: &mut [String], typed: &[TypedCell], numeric: &[bool]) {
    for typed in typed.iter().filter(|typed| typed.kind == CellKind::Number) {
        let is_numeric = numeric.get(typed.at).copied().unwrap_or_default();
        if let Some(cell) = cells.get_mut(typed.at).filter(|_| is_numeric) {
            if let Some(value) = &typed.value {
                value.clone_into(cell);
            }
            // Three decimals alone could be thousands where the results are read again.
            if cell.split_once('.').is_some_and(|(_, decimals)| decimals.len() == 3) {
                cell.push('0');
            }
        }
    }
}

/// The recipient of a row, and the cells of a refused row of a table.
pub(super) fn entry_of(
    record: &Record<'_>,
    format: &Format,
    columns: &Columns,
    definition: &Definition,
) -> (Entry, Vec<String>) {
    match format.kind {
        Kind::Csv | Kind::Sheet => {
            let texts = texts_of(record, format.encoding);
            let entry = csv_entry(record, texts.as_deref(), columns, definition);
            let refused = texts.filter(|_| entry.recipient.is_err()).unwrap_or_default();
            (entry, refused)
        }
        Kind::JsonLines | Kind::Json => {
            (json_entry(record, format.encoding, definition), Vec::new())
        }
    }
}

/// A member of a row, the cells of CSV, and the fields that the row has: a fault of its content is found
/// later.
fn member_of(
    record: &Record<'_>,
    format: &Format,
    columns: &Columns,
    definition: &Definition,
) -> (Entry, Vec<String>, Vec<ProfileField>) {
    if format.kind.is_table() {
        let texts = texts_of(record, format.encoding);
        let entry = csv_entry(record, texts.as_deref(), columns, definition);
        return (entry, texts.unwrap_or_default(), columns.says());
    }
    let text = record.cells().next().and_then(|line| format.encoding.text(line));
    let (entry, has) = match text.as_deref().map(serde_json::from_str::<&RawValue>) {
        Some(Ok(raw)) => Entry::of_member(raw),
        Some(Err(_)) => (Entry::unread(Fault::BrokenJson), Vec::new()),
        None => (Entry::unread(Fault::NotUtf8), Vec::new()),
    };
    (entry, Vec::new(), has)
}

/// A word of a row that is not certain in the guessed encoding.
fn doubt(record: &Record<'_>, columns: &Columns, doubts: &mut Doubts) -> Option<String> {
    let mut uses = columns.uses().into_iter();
    let read = |use_: Option<Use>| !matches!(use_, Some(Use::Ignored | Use::Said));
    record.cells().filter(|_| read(uses.next())).find_map(|cell| doubts.about(cell))
}

fn json_entry(record: &Record<'_>, encoding: Encoding, definition: &Definition) -> Entry {
    let text = record.cells().next().and_then(|line| encoding.text(line));
    let mut entry = match text.as_deref().map(serde_json::from_str::<&RawValue>) {
        Some(Ok(raw)) => Entry::of_file(raw),
        Some(Err(_)) => Entry::unread(Fault::BrokenJson),
        None => Entry::unread(Fault::NotUtf8),
    };
    if let Some(recipient) = entry.read_mut() {
        mean_listed(recipient, definition);
    }
    refusal::complete(&mut entry, definition);
    entry
}

/// Reads texts as the listed values that they mean, as in cells.
fn mean_listed(recipient: &mut Recipient, definition: &Definition) {
    for field in &definition.fields {
        let clean = recipient.text(field.name).map(|text| cleaned(text).into_owned());
        let meant = clean.as_deref().map(|clean| cells::meant(clean, &field.allowed_values));
        if let Some(meant) = meant.filter(|meant| Some(*meant) != clean.as_deref()) {
            recipient.replace(field.name, meant);
        }
    }
}

/// The cells of a row; none if they are no texts in the encoding.
fn texts_of(record: &Record<'_>, encoding: Encoding) -> Option<Vec<String>> {
    let text = |cell| encoding.text(cell).map(Cow::into_owned);
    let texts: Option<Vec<String>> = record.cells().map(text).collect();
    // A results file of ours, or another program, has lost the letter already.
    let lost = |texts: &Vec<String>| texts.iter().any(|text| text.contains('\u{fffd}'));
    texts.filter(|texts| !lost(texts))
}

fn csv_entry(
    record: &Record<'_>,
    texts: Option<&[String]>,
    columns: &Columns,
    definition: &Definition,
) -> Entry {
    let Some(texts) = texts else {
        return Entry::unread(Fault::NotUtf8);
    };
    let address = |texts: &[String]| texts.iter().find(|cell| cell.contains('@')).cloned();
    if record.stray {
        let mut entry = Entry::unread(Fault::StrayQuote);
        entry.email = address(texts).unwrap_or_default();
        return entry;
    }
    let want = columns.len();
    if texts.iter().skip(want).any(|cell| !cell.trim().is_empty()) {
        // A delimiter that is not quoted has moved the cells: none of them is trusted.
        let mut entry = Entry::unread(Fault::TooManyCells(texts.len(), want));
        entry.email = address(texts).unwrap_or_default();
        return entry;
    }
    let mut entry = entry::read(columns, texts, record.typed(), definition);
    let said = |places: &[usize]| {
        let cells = places.iter().filter_map(|at| texts.get(*at));
        cells.map(|cell| cell.trim()).find(|cell| !cell.is_empty())
    };
    if let Some(id) = said(columns.naming()) {
        let says: Vec<FieldName> =
            columns.all().iter().filter_map(|column| column.field()).collect();
        let facts: Vec<Key> = columns.all().iter().filter_map(|column| column.fact()).collect();
        entry.name(id, said(columns.versions()), (&says, &facts));
    }
    refusal::complete(&mut entry, definition);
    entry
}
