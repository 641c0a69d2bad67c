//! The columns of a file, known by their names: the API's, Spanish or English; case, accents
//! and signs between words do not matter. [`FieldSpec`](crate::domain::field::FieldSpec) has
//! the names of a field's column.

use unicode_normalization::UnicodeNormalization;

use super::guarding::guarded;
use crate::domain::{
    field::FieldName, job_result::ResultColumn, lang::Lang, recipient::MAX_EVIDENCE,
    template::Definition,
};

/// A part of an entry of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A link, a name, or the API's JSON.
    Whole,
    Name,
    Url,
    Description,
}

/// The content of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Email,
    ExternalId,
    Language,
    Field(FieldName),
    /// Joined to the name with a space: names in two or three columns.
    Surname,
    /// Of an entry, from 1.
    Evidence(usize, Part),
    /// Marked with `#`: not read.
    Ignored,
    /// Of a results file of ours: not read, but its row is one.
    Result,
    Nameless,
    Unknown,
}

impl Column {
    /// The field that the column brings or adds to.
    pub(super) fn field(self) -> Option<FieldName> {
        match self {
            Self::Field(field) => Some(field),
            Self::Surname => Some(FieldName::RecipientName),
            Self::Evidence(..) => Some(FieldName::Evidence),
            Self::Email
            | Self::ExternalId
            | Self::Language
            | Self::Ignored
            | Self::Result
            | Self::Nameless
            | Self::Unknown => None,
        }
    }

    /// Whether line breaks are text in it.
    pub(super) fn is_prose(self) -> bool {
        matches!(self, Self::Evidence(_, Part::Description | Part::Whole))
    }

    /// Whether the column alone brings a field: surnames are not a name.
    pub(super) fn holds(self, field: FieldName) -> bool {
        self != Self::Surname && self.field() == Some(field)
    }
}

/// What a cell of a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It is read.
    Read,
    /// It is left alone.
    Ignored,
    /// It is not read, but says that its row is one.
    Said,
    /// It has no column that anybody named.
    Nameless,
}

/// The columns of a file.
#[derive(Clone, Debug)]
pub struct Columns {
    all: Vec<Column>,
    ours: bool,
    /// Where the rows name their credentials.
    naming: Vec<usize>,
}

/// A column as people name it.
#[derive(Clone, Copy, Debug)]
pub struct ColumnName {
    /// The field, as the API names it.
    pub field: &'static str,
    /// Its name in Spanish.
    pub es: &'static str,
    /// Its name in English.
    pub en: &'static str,
}

impl ColumnName {
    const EMAIL: Self = Self::new("email", "Correo electrónico", "Email");
    const EXTERNAL_ID: Self = Self::new("external_id", "Id externo", "External id");
    const LANGUAGE: Self = Self::new("language", "Idioma", "Language");
    const EVIDENCE: [Self; 3] = [
        Self::new("evidence_name", "Evidencia nombre", "Evidence name"),
        Self::new("evidence_url", "Evidencia url", "Evidence url"),
        Self::new("evidence_description", "Evidencia descripción", "Evidence description"),
    ];

    const fn new(field: &'static str, es: &'static str, en: &'static str) -> Self {
        Self { field, es, en }
    }
}

/// The names of columns that are no field, without accents and signs.
const NAMES: [(Column, &[&str]); 4] = [
    (
        Column::Email,
        &[
            "correo electronico",
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
        Column::Surname,
        &[
            "apellidos",
            "last name",
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
        Column::ExternalId,
        &["id externo", "external id", "identificador externo", "identificador", "id interno"],
    ),
    (Column::Language, &["idioma", "language", "lengua"]),
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
    if ResultColumn::of_file(true, true).any(|known| plain(known.name()) == name) {
        return Column::Result;
    }
    let listed = NAMES.iter().find(|(_, names)| names.contains(&name.as_str()));
    listed
        .map(|(column, _)| *column)
        .or_else(|| field(&name))
        .or_else(|| evidence(&name))
        .unwrap_or(Column::Unknown)
}

/// The column of a field, but for evidence, which has columns of its parts.
fn field(name: &str) -> Option<Column> {
    let fields = FieldName::ALL.into_iter().filter(|field| *field != FieldName::Evidence);
    let named = fields.into_iter().find(|field| {
        let spec = field.spec();
        plain(spec.column.es) == name
            || plain(spec.column.en) == name
            || spec.aliases.contains(&name)
    });
    named.map(Column::Field)
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
        let has = |wanted: ResultColumn| {
            header.iter().any(|name| !name.starts_with('#') && plain(name) == plain(wanted.name()))
        };
        let ours = has(ResultColumn::CredentialId) && has(ResultColumn::Status);
        let all: Vec<Column> = header.iter().map(|name| column(name)).collect();
        let id = plain(ResultColumn::CredentialId.name());
        let naming = all.iter().zip(header).enumerate();
        let naming =
            naming.filter(|(_, (column, name))| **column == Column::Result && plain(name) == id);
        let naming = naming.map(|(at, _)| at).collect();
        Self { all, ours, naming }
    }

    /// The columns in which rows name their credentials, from 0.
    pub fn naming(&self) -> &[usize] {
        &self.naming
    }

    /// Whether the file is a results file of ours, whose cells are [`guarded`].
    pub fn are_ours(&self) -> bool {
        self.ours
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether the file has no columns.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The number of columns with a known name.
    pub fn known(&self) -> usize {
        self.all.iter().filter(|c| !matches!(c, Column::Unknown | Column::Nameless)).count()
    }

    /// Whether a column belongs to a results file of ours.
    pub fn is_result(name: &str) -> bool {
        let plain_name = plain(name);
        !name.starts_with('#')
            && ResultColumn::of_file(true, true).any(|known| plain(known.name()) == plain_name)
    }

    /// The column of the addresses, from 0.
    pub(super) fn email(&self) -> Option<usize> {
        self.all.iter().position(|c| matches!(c, Column::Email))
    }

    /// For each column, whether line breaks are text in it.
    pub(super) fn prose(&self) -> Vec<bool> {
        let prose = |column: &Column| {
            column.is_prose() || matches!(column, Column::Ignored | Column::Result)
        };
        self.all.iter().map(prose).collect()
    }

    /// What the cells of each column are for.
    pub(super) fn uses(&self) -> Vec<Use> {
        let uses = |column: &Column| match column {
            Column::Ignored => Use::Ignored,
            Column::Result => Use::Said,
            Column::Nameless => Use::Nameless,
            Column::Email
            | Column::ExternalId
            | Column::Language
            | Column::Field(_)
            | Column::Surname
            | Column::Evidence(..)
            | Column::Unknown => Use::Read,
        };
        self.all.iter().map(uses).collect()
    }

    pub(super) fn all(&self) -> &[Column] {
        &self.all
    }
}

/// The name of a field's column.
pub(super) fn name_of(field: FieldName) -> ColumnName {
    let column = field.spec().column;
    ColumnName::new(field.as_str(), column.es, column.en)
}

/// The names of the fields for people.
pub fn names() -> Vec<ColumnName> {
    std::iter::once(ColumnName::EMAIL).chain(FieldName::ALL.map(name_of)).collect()
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
