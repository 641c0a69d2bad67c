//! The recipient of a row, read from its cells as the API reads it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Number, Value, value::RawValue};

use super::{
    cells,
    column::{Column, NamePart, Part, Use},
    columns::Columns,
    guarding::{unguarded, unmarked},
    splitting::TypedCell,
    workbook::line::CellKind,
};
use crate::domain::{
    cell_fault::CellFault,
    custom::{CUSTOM, Key},
    custom_field::CustomKind,
    dates,
    fault::{self, Fault},
    field::{FieldName, Kind},
    recipient::Entry,
    template::Definition,
    text::{cleaned, shortened},
};

/// Characters of a value that its fault shows.
const SHOWN: usize = 60;
/// Most decimals of credits and of facts that are numbers.
const MOST_DECIMALS: usize = 3;

/// Reads a row's cells; `typed` are those of a spreadsheet that are no plain texts.
pub(super) fn read(
    columns: &Columns,
    texts: &[String],
    typed: &[TypedCell],
    definition: &Definition,
) -> Entry {
    let mut row = Row::default();
    let mut typed = typed.iter().peekable();
    for (at, (column, cell)) in columns.all().iter().zip(texts).enumerate() {
        while typed.next_if(|typed| typed.at < at).is_some() {}
        if let Some(typed) = typed.next_if(|typed| typed.at == at) {
            row.take_typed(*column, cell, typed, definition);
            continue;
        }
        let cell = meant_text(columns.are_ours(), cell);
        let cell = if column.is_prose() { Cow::Borrowed(&*cell) } else { cells::one_line(&cell) };
        if !cell.is_empty() {
            row.take(at, *column, &cell, definition);
        }
    }
    row.entry()
}

/// The text of a cell, without the signs by which it was kept from being run or read as a number.
pub(super) fn meant_text(ours: bool, cell: &str) -> Cow<'_, str> {
    match if ours { unguarded(cell) } else { unmarked(cell).into() } {
        Cow::Borrowed(cell) => cells::digits_as_text(cell.trim()).trim().into(),
        Cow::Owned(cell) => cells::digits_as_text(cell.trim()).trim().to_owned().into(),
    }
}

/// The recipient's JSON.
#[derive(Serialize)]
struct Members<'a> {
    #[serde(flatten)]
    fields: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a RawValue>,
}

/// The fault of a text that a spreadsheet took for a date.
fn made_date(field: &str, text: &str) -> Option<CellFault> {
    // A licence may be any number; a term is none of the number of a day.
    let is_term = field == FieldName::Term.as_str() || field == FieldName::Role.as_str();
    let made = dates::is_made(text) || (is_term && dates::is_serial(text));
    made.then(|| CellFault::MadeDate(field.to_owned(), shortened(text, SHOWN)))
}

/// The members of the recipient's JSON so far.
#[derive(Default)]
struct Row {
    fields: Map<String, Value>,
    /// The name by its parts.
    names: Vec<(NamePart, String)>,
    /// Evidence by columns of its parts.
    evidence: Vec<Map<String, Value>>,
    /// Evidence as the API's JSON, as it was written: the recipient's reader judges it.
    listed: Option<Box<RawValue>>,
    /// Facts of the template's own.
    facts: Map<String, Value>,
    faults: Vec<Fault>,
}

impl Row {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    /// Takes a cell that is not empty; `at` is its column, from 0.
    fn take(&mut self, at: usize, column: Column, cell: &str, definition: &Definition) {
        match column {
            Column::Ignored | Column::Result | Column::Unknown => {}
            Column::Nameless => self.faults.push(Fault::NamelessColumn(at + 1)),
            Column::Email => self.address(cell),
            Column::ExternalId => self.code("external_id", cell),
            Column::Language => self.put("language", cells::language(&cleaned(cell))),
            Column::Name(part) => self.names.push((part, cell.to_owned())),
            Column::FamilyFirst => {
                self.put(FieldName::RecipientName.as_str(), cells::given_first(cell));
            }
            Column::Field(field) => self.field(field, cell, definition),
            Column::Evidence(1, Part::Whole) if cell.starts_with('[') => {
                match RawValue::from_string(cell.to_owned()) {
                    Ok(json) => self.listed = Some(json),
                    // A text that is no JSON is refused as such.
                    Err(_) => self.put(FieldName::Evidence.as_str(), cell),
                }
            }
            Column::Evidence(number, part) => self.evidence(number, part, cell),
            Column::Custom(key) => self.fact(key, cell, definition),
        }
    }

    /// Takes a cell of a spreadsheet that is no plain text, by what it is.
    fn take_typed(
        &mut self,
        column: Column,
        cell: &str,
        typed: &TypedCell,
        definition: &Definition,
    ) {
        let Some(name) = column.target().filter(|_| column.usage() == Use::Read) else {
            return if column == Column::Nameless {
                self.take(typed.at, column, cell, definition)
            };
        };
        let text = || shortened(cell, SHOWN);
        let is_code = column.is_code(definition);
        // What the template lists is meant, however it was written.
        let is_listed = column.lists(cell, definition);
        let fault = match typed.kind {
            CellKind::Error => CellFault::FormulaError(name, text()),
            CellKind::Unvalued => CellFault::Unvalued(name, text()),
            CellKind::Long if is_code => CellFault::Shortened(name),
            CellKind::Bare if is_code && !is_listed => CellFault::BareNumber(name, text()),
            CellKind::Date | CellKind::PartOfDate if is_code && !is_listed => {
                CellFault::MadeDate(name, text())
            }
            CellKind::PartOfDate if column.is_date() => CellFault::PartOfDate(name, text()),
            CellKind::Number | CellKind::Bare
                if column.is_date() && dates::date(&cleaned(cell)).is_none() =>
            {
                CellFault::UnformattedDate(name, text())
            }
            CellKind::Number if column.is_numeric(definition) => {
                let value = typed.value.as_deref().filter(|value| !is_rounded(value, cell));
                return self.take(typed.at, column, value.unwrap_or(cell), definition);
            }
            _ => return self.take(typed.at, column, cell, definition),
        };
        self.faults.push(Fault::Cell(fault));
    }

    /// Takes a fact of the template's own. A text of digits is one that a spreadsheet may have changed.
    fn fact(&mut self, key: Key, cell: &str, definition: &Definition) {
        let defined = definition.fact(key);
        let value = match defined.map(|field| field.kind) {
            Some(CustomKind::Number) => {
                let number = cells::number(&cleaned(cell));
                match number.and_then(|n| serde_json::from_str::<Number>(&n).ok()) {
                    Some(number) => Value::Number(number),
                    None => {
                        self.faults.push(Fault::InvalidNumber(key.field()));
                        return;
                    }
                }
            }
            Some(CustomKind::List) => {
                let values = defined.map_or(&[][..], |field| &field.values);
                cells::meant(&cleaned(cell), values).into()
            }
            Some(CustomKind::Text) | None => match Self::changed(&key.field(), cell) {
                Some(fault) => {
                    self.faults.push(Fault::Cell(fault));
                    return;
                }
                None => cell.into(),
            },
        };
        self.facts.insert(key.to_string(), value);
    }

    fn address(&mut self, cell: &str) {
        self.put("email", cells::address(cell).unwrap_or(cell));
        if cells::address(cell).is_none() {
            self.faults.push(Fault::SeveralAddresses);
        }
    }

    /// Joins the parts of the name in their order; release 0.1 also let them stand beside a name.
    fn join_names(&mut self) {
        self.names.sort_by_key(|(part, _)| *part);
        let name = FieldName::RecipientName.as_str();
        let whole = self.fields.get(name).and_then(Value::as_str);
        let parts = self.names.iter().map(|(_, text)| text.as_str());
        let joined = whole.into_iter().chain(parts).collect::<Vec<_>>().join(" ");
        if !self.names.is_empty() {
            self.put(name, joined);
        }
    }

    /// A text of digits that a spreadsheet may have shortened or taken for a date.
    fn code(&mut self, name: &str, cell: &str) {
        match Self::changed(name, cell) {
            Some(fault) => self.faults.push(Fault::Cell(fault)),
            None => self.put(name, cell),
        }
    }

    /// The fault of a text of digits that a spreadsheet has changed.
    fn changed(name: &str, cell: &str) -> Option<CellFault> {
        if cells::is_shortened(cell) {
            return Some(CellFault::Shortened(name.to_owned()));
        }
        made_date(name, cell)
    }

    fn field(&mut self, field: FieldName, cell: &str, definition: &Definition) {
        let name = field.as_str();
        let clean = &*cleaned(cell);
        match field.kind() {
            Kind::Number => {
                match cells::number(clean).and_then(|n| serde_json::from_str::<Number>(&n).ok()) {
                    Some(number) => self.put(name, Value::Number(number)),
                    None => self.faults.push(Fault::InvalidCredits),
                }
            }
            Kind::Date => match dates::date(clean) {
                Some(date) => self.put(name, date),
                None => {
                    let fault = CellFault::UnreadDate(name.to_owned(), shortened(clean, SHOWN));
                    self.faults.push(Fault::Cell(fault));
                }
            },
            Kind::Text | Kind::Array => {
                let allowed = definition.field(field).map_or(&[][..], |f| &f.allowed_values);
                // A text is read as it was sent: what was issued for it before is found by that.
                let meant = Some(cells::meant(clean, allowed)).filter(|meant| *meant != clean);
                match meant {
                    Some(meant) => self.put(name, meant),
                    None if allowed.iter().any(|value| value == clean) => self.put(name, cell),
                    None if field == FieldName::LicenseNumber => self.code(name, cell),
                    None => match made_date(name, clean) {
                        Some(fault) => self.faults.push(Fault::Cell(fault)),
                        None => self.put(name, cell),
                    },
                }
            }
        }
    }

    /// Takes a part of an entry of evidence, from 1.
    fn evidence(&mut self, number: usize, part: Part, cell: &str) {
        if self.evidence.len() < number {
            self.evidence.resize_with(number, Map::new);
        }
        let key = match part {
            Part::Name => "name",
            Part::Description => "description",
            Part::Url => "url",
            Part::Whole if cell.contains("://") => "url",
            Part::Whole => "name",
        };
        if let Some(entry) = self.evidence.get_mut(number - 1) {
            entry.insert(key.to_owned(), cell.into());
        }
    }

    fn entry(mut self) -> Entry {
        self.join_names();
        if !self.facts.is_empty() {
            let facts = std::mem::take(&mut self.facts);
            self.put(CUSTOM, facts);
        }
        self.evidence.retain(|entry| !entry.is_empty());
        let name = FieldName::Evidence.as_str();
        if self.listed.is_none() && !self.evidence.is_empty() && !self.fields.contains_key(name) {
            let evidence = std::mem::take(&mut self.evidence);
            self.put(name, evidence);
        }
        let object = Members { fields: &self.fields, evidence: self.listed.as_deref() };
        let object = serde_json::to_string(&object).and_then(RawValue::from_string);
        let mut entry = match object {
            Ok(raw) => Entry::parse(&raw),
            Err(_) => Entry::unread(Fault::NotAnObject),
        };
        if !self.faults.is_empty() {
            let several = self.faults.contains(&Fault::SeveralAddresses);
            let mut further = entry.recipient.as_ref().err().cloned().unwrap_or_default();
            further.retain(|fault| !several || !matches!(fault, Fault::InvalidEmail(_)));
            self.faults.extend(further);
            entry.refuse(fault::listed(self.faults));
        }
        entry
    }
}

/// Whether a cell shows a number that could not be signed with fewer decimals: a mean of 6.333… that is shown as
/// 6.3 is 6.3. One that it shows in thousands is no rounded one.
fn is_rounded(value: &str, shown: &str) -> bool {
    let decimals = value.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let number = |text: &str| text.parse::<f64>().ok();
    let near = cells::number(shown)
        .and_then(|shown| number(&shown))
        .zip(number(value))
        .is_some_and(|(shown, value)| (shown - value).abs() <= 0.5);
    decimals > MOST_DECIMALS && near
}
