//! The columns that files of a template can have, and an example of such a file.

use super::{
    column::{Column, ColumnName, NAME_TARGETS, NamePart, Part},
    guarding::guarded,
    names::NAMES,
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
    let listed = |field: &FieldName| definition.field(*field).is_some();
    for field in FieldName::ALL.into_iter().filter(listed) {
        let spec = field.spec();
        let names =
            [spec.column.es, spec.column.en].into_iter().chain(spec.aliases.iter().copied());
        let column = match field {
            FieldName::Evidence => Column::Evidence(1, Part::Whole),
            field => Column::Field(field),
        };
        known.push((column, names.collect()));
    }
    let taken = |column: &Column| column.field().is_none_or(|field| listed(&field));
    known.retain(|(column, _)| taken(column));
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
    for field in FieldName::ALL.into_iter().filter(|field| definition.field(*field).is_some()) {
        match field {
            FieldName::Evidence => columns.extend(ColumnName::EVIDENCE),
            field => columns.push(name_of(field)),
        }
    }
    columns.extend([ColumnName::EXTERNAL_ID, ColumnName::LANGUAGE]);
    columns
}

/// An example of a file: column names in a language, two rows, and the delimiter that Excel
/// takes there. Its rows are valid, and their addresses belong to no person.
pub fn example(definition: &Definition, lang: Lang) -> String {
    let columns = of_template(definition);
    let cell = |text: &str| {
        let text = guarded(text);
        let quoted = text.contains(['"', ',', ';', '\n', '\r']);
        if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into_owned() }
    };
    let line = |cells: Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        cells.join(lang.pick(";", ",")) + "\r\n"
    };
    let row = |n: usize| {
        line(columns.iter().map(|column| value(column.field, n, definition, lang)).collect())
    };
    let header = columns.iter().map(|column| lang.pick(column.es, column.en).to_owned()).collect();
    // Excel knows UTF-8 by its BOM.
    ["\u{feff}".to_owned(), line(header), row(0), row(1)].concat()
}

/// The value of a column in a row of an example, from 0.
fn value(column: &str, row: usize, definition: &Definition, lang: Lang) -> String {
    if let Some(field) = FieldName::of(column) {
        let listed = definition.field(field);
        let allowed = listed.map_or(&[][..], |listed| &listed.allowed_values);
        if let Some(value) = allowed.get(row % allowed.len().max(1)) {
            return value.clone();
        }
        // Only credits have bounds.
        if let Some(bound) = listed.and_then(|listed| listed.max.or(listed.min)) {
            return lang.decimal(bound);
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
