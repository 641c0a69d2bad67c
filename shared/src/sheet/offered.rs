//! The columns that files of a template can have, and an example of such a file.

use std::borrow::Cow;

use super::{
    column::{Column, ColumnName, NAME_TARGETS, NamePart, Part},
    guarding::guarded,
    names::NAMES,
    workbook::writing::{self, ExampleColumn, SheetWriteError},
};
use crate::domain::{field::FieldName, lang::Lang, template::Definition};

/// The name of a field's column.
pub(super) fn name_of(field: FieldName) -> ColumnName {
    let column = field.spec().column;
    ColumnName::new(field.as_str(), column.es, column.en)
}

/// The columns that a file of a template can have, each with every name by which it is known.
pub(super) fn known_names(definition: &Definition) -> Vec<(Column, Vec<&'static str>)> {
    let mut known: Vec<(Column, Vec<&'static str>)> =
        NAMES.iter().map(|(column, names)| (*column, names.to_vec())).collect();
    let taken = |field: &FieldName| definition.takes(*field);
    for field in FieldName::ALL.into_iter().filter(taken) {
        let spec = field.spec();
        let names =
            [spec.column.es, spec.column.en].into_iter().chain(spec.aliases.iter().copied());
        let column = match field {
            FieldName::Evidence => Column::Evidence(1, Part::Whole),
            field => Column::Field(field),
        };
        known.push((column, names.collect()));
    }
    known.retain(|(column, _)| column.field().is_none_or(|field| definition.takes(field)));
    known
}

/// The names of the fields for people.
pub fn names() -> Vec<ColumnName> {
    std::iter::once(ColumnName::EMAIL).chain(FieldName::ALL.map(name_of)).collect()
}

/// The name of a field for people; a path names a part of evidence.
pub fn name(path: &str, lang: Lang) -> &str {
    let whole = path.split('[').next().unwrap_or_default();
    let further = [ColumnName::EXTERNAL_ID, ColumnName::LANGUAGE];
    let known = names().into_iter().chain(further).find(|column| column.field == whole);
    known.map_or(path, |known| lang.pick(known.es, known.en))
}

/// The name for people of what a column is read as.
pub fn target_name(target: &str, lang: Lang) -> &str {
    let part = NamePart::ALL.into_iter().find(|part| {
        let column = Column::Name(*part);
        NAME_TARGETS.iter().any(|(named, name)| *named == column && *name == target)
    });
    let evidence = ColumnName::EVIDENCE.into_iter().find(|column| column.field == target);
    match (part, evidence) {
        (Some(part), _) => part.name(lang),
        (None, Some(evidence)) => lang.pick(evidence.es, evidence.en),
        (None, None) if target == "family_name_first" => {
            lang.pick("Apellidos, coma y nombres", "Family names, comma, given names")
        }
        (None, None) => name(target, lang),
    }
}

/// The columns that files of a template can have, in the order of the API reference.
pub fn of_template(definition: &Definition) -> Vec<ColumnName> {
    let mut columns = vec![ColumnName::EMAIL];
    for field in FieldName::ALL.into_iter().filter(|field| definition.takes(*field)) {
        match field {
            FieldName::Evidence => columns.extend(ColumnName::EVIDENCE),
            field => columns.push(name_of(field)),
        }
    }
    columns.extend([ColumnName::EXTERNAL_ID, ColumnName::LANGUAGE]);
    columns
}

/// An example of a file: column names in a language, two rows, and the delimiter that Excel
/// takes there. Its rows are valid, and their addresses belong to no person. A spreadsheet that opens
/// and saves it changes nothing that is read of it: values that one would change are avoided, or
/// written as texts ([`kept`]).
pub fn example(definition: &Definition, lang: Lang) -> String {
    let mut columns = of_template(definition);
    // What no recipient needs is left out.
    columns.retain(|column| {
        FieldName::of(column.field).is_none_or(|field| definition.field(field).is_some())
    });
    let cell = |text: &str| {
        let text = kept(text);
        let quoted = text.contains(['"', ',', ';', '\n', '\r']);
        if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into_owned() }
    };
    let own = &definition.custom_fields;
    let line = |cells: Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        cells.join(lang.pick(";", ",")) + "\r\n"
    };
    let row = |n: usize| {
        let listed = columns.iter().map(|column| value(column.field, n, definition, lang));
        let own = own.iter().map(|field| field.usual(lang).text(lang));
        line(listed.chain(own).collect())
    };
    let header = columns.iter().map(|column| lang.pick(column.es, column.en).to_owned());
    let header = header.chain(own.iter().map(|field| field.label.text(lang).to_owned())).collect();
    // Excel knows UTF-8 by its BOM.
    ["\u{feff}".to_owned(), line(header), row(0), row(1)].concat()
}

/// The same example as a spreadsheet: what the template lists is offered in its cells.
///
/// # Errors
/// [`SheetWriteError`].
pub fn example_sheet(definition: &Definition, lang: Lang) -> Result<Vec<u8>, SheetWriteError> {
    let mut columns = of_template(definition);
    columns.retain(|column| {
        FieldName::of(column.field).is_none_or(|field| definition.field(field).is_some())
    });
    let listed = columns.iter().map(|column| {
        let field = FieldName::of(column.field).and_then(|field| definition.field(field));
        let allowed = match column.field {
            "language" => Lang::ALL.map(|lang| lang.tag().to_owned()).to_vec(),
            _ => field.map(|field| field.allowed_values.clone()).unwrap_or_default(),
        };
        ExampleColumn {
            name: lang.pick(column.es, column.en).to_owned(),
            allowed,
            cells: (0..2).map(|row| value(column.field, row, definition, lang)).collect(),
        }
    });
    let own = definition.custom_fields.iter().map(|field| ExampleColumn {
        name: field.label.text(lang).to_owned(),
        allowed: field.values.clone(),
        cells: vec![field.usual(lang).text(lang); 2],
    });
    let columns: Vec<ExampleColumn> = listed.chain(own).collect();
    let names = [lang.pick("Destinatarios", "Recipients"), lang.pick("Valores", "Values")];
    writing::example(names, &columns)
}

/// The value of a column in a row of an example, from 0.
fn value(column: &str, row: usize, definition: &Definition, lang: Lang) -> String {
    if let Some(field) = FieldName::of(column) {
        let listed = definition.field(field);
        let allowed = listed.map_or(&[][..], |listed| &listed.allowed_values);
        let safe: Vec<&String> = allowed.iter().filter(|value| stays(value)).collect();
        if let Some(value) = safe.get(row % safe.len().max(1)).copied() {
            return value.clone();
        }
        if let Some(value) = allowed.get(row % allowed.len().max(1)) {
            return value.clone();
        }
        // Only credits have bounds.
        let bounds = listed.map(|listed| [listed.max, listed.min]).into_iter().flatten().flatten();
        let bounds: Vec<String> = bounds.map(|bound| lang.decimal(bound)).collect();
        if let Some(bound) = bounds.iter().find(|bound| stays(bound)).or(bounds.first()) {
            return bound.clone();
        }
        return field.spec().examples.get(row).map_or("", |text| text.text(lang)).to_owned();
    }
    match (column, row) {
        ("email", 0) => "ana.perez@ejemplo.example",
        ("email", _) => "luis.nunez@ejemplo.example",
        ("evidence_name", 0) => lang.pick("Proyecto final", "Final project"),
        ("evidence_url", 0) => "https://ejemplo.com/proyecto",
        ("language", _) => lang.tag(),
        _ => "",
    }
    .to_owned()
}

/// The beginnings of the names of months by which a spreadsheet takes a text with a digit for a date, in
/// Spanish, English and Portuguese.
const MONTHS: [&str; 21] = [
    "jan", "ene", "feb", "fev", "mar", "apr", "abr", "may", "mai", "jun", "jul", "aug", "ago",
    "sep", "set", "oct", "out", "nov", "dec", "dez", "dic",
];
/// Most digits of a whole number that a spreadsheet shows as it is.
const DIGITS: usize = 11;

/// Whether a spreadsheet, in whatever language, leaves a cell as it is when it opens and saves it: a
/// short whole number, or a text that is no number, date, truth value or formula.
fn stays(text: &str) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    if !text.is_empty() && text.chars().all(digit) {
        return text.len() <= DIGITS && (text == "0" || !text.starts_with('0'));
    }
    let lower = text.to_lowercase();
    let truth = ["true", "false", "verdadero", "falso", "verdadeiro"].contains(&lower.as_str());
    let month = lower.contains(digit) && MONTHS.iter().any(|month| lower.starts_with(month));
    let begins = text.chars().next().is_none_or(|c| c.is_alphabetic() || !text.contains(digit));
    begins && !truth && !month && matches!(guarded(text), Cow::Borrowed(_))
}

/// A cell that a spreadsheet keeps: one that it would take for a number or a date is written as a formula
/// that is this text.
fn kept(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || " ./:-".contains(c);
    if !stays(text) && !text.contains("://") && text.chars().all(plain) {
        return format!("=\"{text}\"").into();
    }
    guarded(text)
}
