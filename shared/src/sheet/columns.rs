//! Which field a column holds, by its name: the API's, Spanish or English; case, accents
//! and what stands between words do not matter.

use serde_json::{Map, Number, Value, value::RawValue};
use unicode_normalization::UnicodeNormalization;

use super::{SheetFault, cells, cells::guarded};
use crate::domain::{
    fault::Fault,
    field::FieldName,
    lang::Lang,
    recipient::{Entry, MAX_EVIDENCE, MAX_FAULTS},
    template::Definition,
};

/// Part of an entry of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A link, a name, or the API's JSON.
    Whole,
    Name,
    Url,
    Description,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Email,
    ExternalId,
    Language,
    Field(FieldName),
    /// Put after the name, with a space: names in two or three columns.
    Surname,
    /// Of an entry, from 1.
    Evidence(usize, Part),
    /// Of a results file of ours, or marked with `#`: not read.
    Ignored,
    Nameless,
    Unknown,
}

/// The columns of a file.
#[derive(Clone, Debug)]
pub struct Columns(Vec<Column>);

/// Columns that a results file adds; a file that has them is read without them.
pub const RESULTS: [&str; 10] = [
    "row",
    "line",
    "status",
    "credential_id",
    "credential_url",
    "recipient_type",
    "duplicate",
    "email_status",
    "also_holds",
    "error",
];

/// A field's names, as they read once accents and signs are gone; the first ones are for
/// [`example`] files: Spanish, English.
const NAMES: [(Column, &[&str]); 13] = [
    (
        Column::Email,
        &[
            "Correo electrónico",
            "Email",
            "email",
            "e mail",
            "mail",
            "correo",
            "correo institucional",
            "email address",
            "direccion de correo",
            "direccion de correo electronico",
        ],
    ),
    (
        Column::Field(FieldName::RecipientName),
        &[
            "Nombre completo",
            "Name",
            "recipient name",
            "nombre",
            "nombres",
            "full name",
            "first name",
            "given name",
            "nombre y apellido",
            "nombre y apellidos",
            "estudiante",
            "alumno",
            "participante",
            "student",
            "student name",
            "recipient",
        ],
    ),
    (
        Column::Surname,
        &[
            "Apellidos",
            "Last name",
            "apellido",
            "surname",
            "family name",
            "apellido paterno",
            "apellido materno",
            "primer apellido",
            "segundo apellido",
        ],
    ),
    (
        Column::Field(FieldName::ResultValue),
        &[
            "Calificación",
            "Result",
            "result value",
            "resultado",
            "nota",
            "nota final",
            "calificacion final",
            "grade",
            "score",
        ],
    ),
    (
        Column::Field(FieldName::CreditsEarned),
        &["Créditos", "Credits", "credits earned", "creditos obtenidos"],
    ),
    (Column::Field(FieldName::Role), &["Rol", "Role", "funcion", "cargo"]),
    (
        Column::Field(FieldName::LicenseNumber),
        &[
            "Número de licencia",
            "License number",
            "licence number",
            "licencia",
            "license",
            "licence",
            "n de licencia",
            "no de licencia",
            "nro de licencia",
        ],
    ),
    (
        Column::Field(FieldName::Term),
        &["Periodo", "Term", "periodo academico", "academic term", "semestre", "semester"],
    ),
    (
        Column::Field(FieldName::ActivityStartDate),
        &[
            "Fecha de inicio",
            "Start date",
            "activity start date",
            "fecha inicio",
            "inicio",
            "start",
        ],
    ),
    (
        Column::Field(FieldName::ActivityEndDate),
        &[
            "Fecha de fin",
            "End date",
            "activity end date",
            "fecha fin",
            "fecha de termino",
            "fecha termino",
            "fin",
            "termino",
            "end",
        ],
    ),
    (
        Column::ExternalId,
        &["Id externo", "External id", "identificador externo", "identificador", "id interno"],
    ),
    (Column::Language, &["Idioma", "Language", "lengua"]),
    (Column::Field(FieldName::Evidence), &["Evidencia", "Evidence", "evidences", "evidencias"]),
];

/// A name without case, accents and signs, its words one space apart.
fn plain(name: &str) -> String {
    let letters = name.nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    let spaced: String = letters
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .flat_map(char::to_lowercase)
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn column(name: &str) -> Column {
    if name.starts_with('#') {
        return Column::Ignored;
    }
    let name = plain(name);
    if name.is_empty() {
        return Column::Nameless;
    }
    if RESULTS.iter().any(|known| plain(known) == name) {
        return Column::Ignored;
    }
    for (column, names) in NAMES {
        if column != Column::Field(FieldName::Evidence)
            && names.iter().any(|known| plain(known) == name)
        {
            return column;
        }
    }
    evidence(&name).unwrap_or(Column::Unknown)
}

/// `evidencia`, `evidence url`, `evidencia 2 nombre`, `url de evidencia 2` …
fn evidence(name: &str) -> Option<Column> {
    let (mut found, mut number, mut part) = (false, 1, Part::Whole);
    for word in name.split(' ') {
        match word {
            "evidence" | "evidences" | "evidencia" | "evidencias" => found = true,
            "name" | "nombre" | "titulo" | "title" => part = Part::Name,
            "url" | "enlace" | "link" | "vinculo" => part = Part::Url,
            "description" | "descripcion" => part = Part::Description,
            "de" | "la" | "of" => {}
            _ => number = word.parse().ok().filter(|n| (1..=MAX_EVIDENCE).contains(n))?,
        }
    }
    found.then_some(Column::Evidence(number, part))
}

impl Columns {
    /// Reads a header.
    pub fn of(header: &[String]) -> Self {
        Self(header.iter().map(|name| column(name)).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of them are known.
    pub fn known(&self) -> usize {
        self.0.iter().filter(|c| !matches!(c, Column::Unknown | Column::Nameless)).count()
    }

    /// Whether a column of a header is one of ours, of an earlier results file.
    pub fn is_result(name: &str) -> bool {
        !name.starts_with('#') && RESULTS.iter().any(|known| plain(known) == plain(name))
    }

    /// Which of them has the addresses.
    pub(super) fn email(&self) -> Option<usize> {
        self.0.iter().position(|c| matches!(c, Column::Email))
    }

    /// In which of them line breaks are text.
    pub(super) fn prose(&self) -> Vec<bool> {
        let prose = |c: &Column| {
            matches!(c, Column::Evidence(_, Part::Description | Part::Whole) | Column::Ignored)
        };
        self.0.iter().map(prose).collect()
    }

    /// Checks the header against the template: what would make every row fail, or drop
    /// something that somebody meant, is wrong with the file.
    pub(super) fn check(
        &self,
        header: &[String],
        line: u64,
        definition: &Definition,
    ) -> Result<(), SheetFault> {
        let shown = |at: usize| -> String {
            header
                .get(at)
                .map(|name| name.chars().filter(|c| !c.is_control()).take(60).collect())
                .unwrap_or_default()
        };
        let at = |fault: SheetFault, at: usize| Err(fault.at_line(line).at_column(at + 1));
        if !self.0.contains(&Column::Email) {
            let found: Vec<String> =
                (0..header.len()).map(|at| format!("«{}»", shown(at))).take(12).collect();
            let found = found.join(", ");
            return Err(SheetFault::new(
                "missing_column",
                format!("Falta la columna del correo («Correo electrónico» o «email»). La primera línea debe tener los nombres de las columnas; tiene: {found}"),
                format!("The column of the address (\"Email\") is missing. The first line must hold the names of the columns; it holds: {found}"),
            )
            .at_line(line));
        }
        for (n, column) in self.0.iter().enumerate() {
            let name = shown(n);
            if *column == Column::Unknown {
                let known = takes(definition);
                return at(
                    SheetFault::new(
                        "unknown_column",
                        format!(
                            "No se reconoce la columna «{name}». Cámbiale el nombre por uno de: {}; o bórrala; o pon # delante de su nombre para que no se lea",
                            known.0
                        ),
                        format!(
                            "The column \"{name}\" is not known. Rename it to one of: {}; or delete it; or put # before its name to leave it unread",
                            known.1
                        ),
                    ),
                    n,
                );
            }
            let field = match column {
                Column::Field(field) => Some(*field),
                Column::Surname => Some(FieldName::RecipientName),
                Column::Evidence(..) => Some(FieldName::Evidence),
                _ => None,
            };
            if field.is_some_and(|field| definition.field(field).is_none()) {
                return at(
                    SheetFault::new(
                        "column_not_in_template",
                        format!(
                            "La plantilla no admite la columna «{name}»: bórrala, o pon # delante de su nombre para que no se lea"
                        ),
                        format!(
                            "The template does not take the column \"{name}\": delete it, or put # before its name to leave it unread"
                        ),
                    ),
                    n,
                );
            }
            let several = matches!(column, Column::Surname | Column::Ignored | Column::Nameless);
            if let Some(first) =
                self.0.iter().take(n).position(|other| other == column).filter(|_| !several)
            {
                return at(
                    SheetFault::new(
                        "repeated_column",
                        format!(
                            "La columna «{name}» dice lo mismo que la columna {} «{}»: deja una",
                            first + 1,
                            shown(first)
                        ),
                        format!(
                            "The column \"{name}\" says the same as column {} \"{}\": leave one",
                            first + 1,
                            shown(first)
                        ),
                    ),
                    n,
                );
            }
        }
        // What a member's profile can fill in is judged row by row.
        let by_profile =
            [FieldName::RecipientName, FieldName::Role, FieldName::LicenseNumber, FieldName::Term];
        for field in &definition.fields {
            let there = self.0.iter().any(|column| match column {
                Column::Field(name) => *name == field.name,
                Column::Evidence(..) => field.name == FieldName::Evidence,
                _ => false,
            });
            if field.required && !there && !by_profile.contains(&field.name) {
                let names = names_of(field.name);
                return Err(SheetFault::new(
                    "missing_column",
                    format!(
                        "Falta la columna «{}» ({}), obligatoria en esta plantilla",
                        names.0,
                        field.name.as_str()
                    ),
                    format!(
                        "The column \"{}\" ({}) is missing; this template requires it",
                        names.1,
                        field.name.as_str()
                    ),
                )
                .at_line(line));
            }
        }
        Ok(())
    }

    /// What a row's cells say of a recipient, read as the API reads it.
    pub(super) fn entry(&self, texts: &[String], definition: &Definition) -> Entry {
        let mut faults = Vec::new();
        let mut fields = Map::new();
        let mut evidence: Vec<Map<String, Value>> = Vec::new();
        let mut listed: Option<Value> = None;
        for (n, (column, cell)) in self.0.iter().zip(texts).enumerate() {
            let cell = cells::unguarded(cell).trim();
            if cell.is_empty() {
                continue;
            }
            let mut put = |name: &str, value: Value| {
                fields.insert(name.to_owned(), value);
            };
            match *column {
                Column::Ignored | Column::Unknown => {}
                Column::Nameless => faults.push(Fault::NamelessColumn(n + 1)),
                Column::Email => put("email", cell.into()),
                Column::ExternalId | Column::Field(FieldName::LicenseNumber)
                    if cells::is_shortened(cell) =>
                {
                    let name = match *column {
                        Column::ExternalId => "external_id",
                        _ => "license_number",
                    };
                    faults.push(Fault::Shortened(name.to_owned()));
                }
                Column::ExternalId => put("external_id", cell.into()),
                Column::Language => put("language", cells::language(cell).into()),
                Column::Surname => {
                    let name = fields.get("recipient_name").and_then(Value::as_str);
                    let whole =
                        name.map_or_else(|| cell.to_owned(), |name| format!("{name} {cell}"));
                    fields.insert("recipient_name".to_owned(), whole.into());
                }
                Column::Field(FieldName::RecipientName) => {
                    // Surnames that stand before it.
                    let before = fields.get("recipient_name").and_then(Value::as_str);
                    let whole =
                        before.map_or_else(|| cell.to_owned(), |after| format!("{cell} {after}"));
                    fields.insert("recipient_name".to_owned(), whole.into());
                }
                Column::Field(FieldName::CreditsEarned) => {
                    match cells::number(cell).and_then(|n| serde_json::from_str::<Number>(&n).ok())
                    {
                        Some(number) => put("credits_earned", Value::Number(number)),
                        None => faults.push(Fault::InvalidCredits),
                    }
                }
                Column::Field(
                    name @ (FieldName::ActivityStartDate | FieldName::ActivityEndDate),
                ) => {
                    // What is no date stays as it is and is refused as such.
                    let date = cells::date(cell);
                    put(name.as_str(), date.map_or_else(|| cell.into(), Value::from));
                }
                Column::Field(name) => {
                    let allowed = definition.field(name).map_or(&[][..], |f| &f.allowed_values);
                    put(name.as_str(), cells::meant(cell, allowed).into());
                }
                Column::Evidence(1, Part::Whole) if cell.starts_with('[') => {
                    listed = serde_json::from_str(cell).ok();
                    if listed.is_none() {
                        listed = Some(cell.into());
                    }
                }
                Column::Evidence(number, part) => {
                    if evidence.len() < number {
                        evidence.resize_with(number, Map::new);
                    }
                    let key = match part {
                        Part::Name => "name",
                        Part::Description => "description",
                        Part::Url => "url",
                        Part::Whole if cell.contains("://") => "url",
                        Part::Whole => "name",
                    };
                    if let Some(entry) = evidence.get_mut(number - 1) {
                        entry.insert(key.to_owned(), cell.into());
                    }
                }
            }
        }
        evidence.retain(|entry| !entry.is_empty());
        if let Some(listed) = listed {
            fields.insert("evidence".to_owned(), listed);
        } else if !evidence.is_empty() {
            fields.insert("evidence".to_owned(), evidence.into());
        }
        let object = Value::Object(fields).to_string();
        let mut entry = match serde_json::from_str::<&RawValue>(&object) {
            Ok(raw) => Entry::parse(raw),
            Err(_) => super::refused(vec![Fault::NotAnObject]),
        };
        if !faults.is_empty() {
            faults.extend(entry.recipient.err().unwrap_or_default());
            faults.truncate(MAX_FAULTS);
            entry.recipient = Err(faults);
        }
        entry
    }
}

/// A field's Spanish and English column names.
fn names_of(field: FieldName) -> (&'static str, &'static str) {
    let names = NAMES.iter().find(|(column, _)| *column == Column::Field(field));
    match names {
        Some((_, [spanish, english, ..])) => (spanish, english),
        _ => (field.as_str(), field.as_str()),
    }
}

/// What people call the fields: as the API names each, its Spanish and English column name.
pub fn names() -> Vec<(&'static str, &'static str, &'static str)> {
    let fields = FieldName::ALL.into_iter().map(|field| {
        let (spanish, english) = names_of(field);
        (field.as_str(), spanish, english)
    });
    std::iter::once(("email", "Correo electrónico", "Email")).chain(fields).collect()
}

/// The columns that files of a template can have, in the order of the API reference: field
/// as the API names it, Spanish and English column name.
pub fn of_template(definition: &Definition) -> Vec<(&'static str, &'static str, &'static str)> {
    let mut columns = vec![("email", "Correo electrónico", "Email")];
    for name in FieldName::ALL {
        if definition.field(name).is_none() {
            continue;
        }
        let (spanish, english) = names_of(name);
        if name == FieldName::Evidence {
            columns.push(("evidence_name", "Evidencia nombre", "Evidence name"));
            columns.push(("evidence_url", "Evidencia url", "Evidence url"));
            columns.push(("evidence_description", "Evidencia descripción", "Evidence description"));
        } else {
            columns.push((name.as_str(), spanish, english));
        }
    }
    columns.push(("external_id", "Id externo", "External id"));
    columns.push(("language", "Idioma", "Language"));
    columns
}

/// An example of a file: names of columns in a language, two rows, and the delimiter that
/// Excel takes there. Its rows can be read, and go to addresses that nobody has.
pub fn example(definition: &Definition, lang: Lang) -> String {
    let delimiter = lang.pick(";", ",");
    let columns = of_template(definition);
    let cell = |text: &str| {
        let quoted = text.contains(['"', ',', ';', '\n']);
        if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { guarded(text) }
    };
    let line = |cells: Vec<String>| {
        cells.iter().map(|c| cell(c)).collect::<Vec<_>>().join(delimiter) + "\r\n"
    };
    let row = |n: usize| {
        let value = |field: &str| -> String {
            let listed = FieldName::ALL.into_iter().find(|name| name.as_str() == field);
            let bounds = listed.and_then(|name| definition.field(name));
            if let Some(value) =
                bounds.and_then(|b| b.allowed_values.get(n % b.allowed_values.len().max(1)))
            {
                return value.clone();
            }
            match (field, n) {
                ("email", 0) => "ana.perez@ejemplo.invalid".to_owned(),
                ("email", _) => "luis.nunez@ejemplo.invalid".to_owned(),
                ("recipient_name", 0) => "Ana Pérez".to_owned(),
                ("recipient_name", _) => "Luis Núñez".to_owned(),
                ("result_value", _) => lang.pick("Aprobado", "Passed").to_owned(),
                ("credits_earned", _) => {
                    let credits = bounds.and_then(|b| b.max.or(b.min));
                    let credits = credits.map_or_else(|| "6.5".to_owned(), |c| c.to_string());
                    lang.pick(credits.replace('.', ","), credits)
                }
                ("role", _) => lang.pick("Estudiante", "Student").to_owned(),
                ("license_number", _) => "00123".to_owned(),
                ("term", _) => "2026-2".to_owned(),
                ("activity_start_date", _) => lang.pick("03/08/2026", "2026-08-03").to_owned(),
                ("activity_end_date", _) => lang.pick("15/11/2026", "2026-11-15").to_owned(),
                ("evidence_name", 0) => lang.pick("Proyecto final", "Final project").to_owned(),
                ("evidence_url", 0) => "https://ejemplo.com/proyecto".to_owned(),
                ("language", _) => lang.tag().to_owned(),
                _ => String::new(),
            }
        };
        line(columns.iter().map(|(field, ..)| value(field)).collect())
    };
    let header = columns.iter().map(|(_, es, en)| lang.pick(*es, *en).to_owned()).collect();
    // With a BOM, by which Excel knows UTF-8.
    ["\u{feff}".to_owned(), line(header), row(0), row(1)].concat()
}

fn takes(definition: &Definition) -> (String, String) {
    let columns = of_template(definition);
    let list = |name: fn(&(&'static str, &'static str, &'static str)) -> &'static str| {
        columns.iter().map(|c| format!("«{}»", name(c))).collect::<Vec<_>>().join(", ")
    };
    (list(|c| c.1), list(|c| c.2).replace(['«', '»'], "\""))
}
