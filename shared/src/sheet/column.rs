//! What a column of a file holds, and what it is called.

use super::cells;
use crate::domain::{
    custom::Key,
    custom_field::CustomKind,
    field::{FieldName, Kind},
    lang::Lang,
    template::Definition,
};

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
    pub(super) const EMAIL: Self = Self::new("email", "Correo electrónico", "Email");
    pub(super) const EXTERNAL_ID: Self = Self::new("external_id", "Id externo", "External id");
    pub(super) const LANGUAGE: Self = Self::new("language", "Idioma", "Language");
    pub(super) const EVIDENCE: [Self; 3] = [
        Self::new("evidence_name", "Evidencia nombre", "Evidence name"),
        Self::new("evidence_url", "Evidencia url", "Evidence url"),
        Self::new("evidence_description", "Evidencia descripción", "Evidence description"),
    ];

    pub(super) const fn new(field: &'static str, es: &'static str, en: &'static str) -> Self {
        Self { field, es, en }
    }
}

/// A part of an entry of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A link, a name, or the API's JSON.
    Whole,
    Name,
    Url,
    Description,
}

/// A part of a name. They are joined in this order, whatever the order of their columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NamePart {
    /// Given names; without further parts the whole name.
    Given,
    Middle,
    Family,
    SecondFamily,
}

impl NamePart {
    pub(super) const ALL: [Self; 4] = [Self::Given, Self::Middle, Self::Family, Self::SecondFamily];

    /// Its name for people.
    pub(super) fn name(self, lang: Lang) -> &'static str {
        match self {
            Self::Given => lang.pick("Primer nombre", "Given name"),
            Self::Middle => lang.pick("Segundo nombre", "Middle name"),
            Self::Family => lang.pick("Primer apellido", "Family name"),
            Self::SecondFamily => lang.pick("Segundo apellido", "Second family name"),
        }
    }
}

/// The content of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Email,
    ExternalId,
    Language,
    Field(FieldName),
    Name(NamePart),
    /// The whole name, family names first and a comma after them.
    FamilyFirst,
    /// Of an entry, from 1.
    Evidence(usize, Part),
    /// A fact of the template's own.
    Custom(Key),
    /// Marked with `#`, or assigned to nothing: not read.
    Ignored,
    /// Of a results file of ours: not read, but its row is one.
    Result,
    Nameless,
    Unknown,
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

/// Columns of names, and how the API calls them.
pub(super) const NAME_TARGETS: [(Column, &str); 5] = [
    (Column::Name(NamePart::Given), "given_name"),
    (Column::Name(NamePart::Middle), "middle_name"),
    (Column::Name(NamePart::Family), "family_name"),
    (Column::Name(NamePart::SecondFamily), "second_family_name"),
    (Column::FamilyFirst, "family_name_first"),
];
/// What a column is assigned to that is not read.
pub(super) const IGNORE: &str = "ignore";

impl Column {
    /// The fact of the template's own that the column brings.
    pub(super) fn fact(self) -> Option<Key> {
        match self {
            Self::Custom(key) => Some(key),
            _ => None,
        }
    }

    /// The field that the column brings or adds to.
    pub(super) fn field(self) -> Option<FieldName> {
        match self {
            Self::Field(field) => Some(field),
            Self::Name(_) | Self::FamilyFirst => Some(FieldName::RecipientName),
            Self::Evidence(..) => Some(FieldName::Evidence),
            Self::Email
            | Self::ExternalId
            | Self::Language
            | Self::Custom(_)
            | Self::Ignored
            | Self::Result
            | Self::Nameless
            | Self::Unknown => None,
        }
    }

    /// Whether it holds numbers.
    pub(super) fn is_numeric(self, definition: &Definition) -> bool {
        match self {
            Self::Field(field) => field.kind() == Kind::Number,
            Self::Custom(key) => {
                definition.fact(key).is_some_and(|fact| fact.kind == CustomKind::Number)
            }
            _ => false,
        }
    }

    /// Whether it holds days.
    pub(super) fn is_date(self) -> bool {
        matches!(self, Self::Field(field) if field.kind() == Kind::Date)
    }

    /// Whether it holds texts that a spreadsheet may have taken for a number or a date.
    pub(super) fn is_code(self, definition: &Definition) -> bool {
        match self {
            Self::ExternalId => true,
            Self::Field(field) => field.kind() == Kind::Text,
            Self::Custom(_) => !self.is_numeric(definition),
            _ => false,
        }
    }

    /// Whether the template lists a value of it.
    pub(super) fn lists(self, cell: &str, definition: &Definition) -> bool {
        let listed = match self {
            Self::Field(field) => definition.field(field).map(|field| &field.allowed_values),
            Self::Custom(key) => definition.fact(key).map(|fact| &fact.values),
            _ => None,
        };
        listed.is_some_and(|listed| {
            let meant = cells::meant(cell, listed);
            listed.iter().any(|value| value == meant)
        })
    }

    /// Whether line breaks are text in it.
    pub(super) fn is_prose(self) -> bool {
        matches!(self, Self::Evidence(_, Part::Description | Part::Whole))
    }

    /// What the cells of the column are for.
    pub(super) fn usage(self) -> Use {
        match self {
            Self::Ignored => Use::Ignored,
            Self::Result => Use::Said,
            Self::Nameless => Use::Nameless,
            Self::Email
            | Self::ExternalId
            | Self::Language
            | Self::Field(_)
            | Self::Name(_)
            | Self::FamilyFirst
            | Self::Evidence(..)
            | Self::Custom(_)
            | Self::Unknown => Use::Read,
        }
    }

    /// Whether the column alone brings a field: surnames are not a name.
    pub(super) fn holds(self, field: FieldName) -> bool {
        let part = matches!(self, Self::Name(part) if part != NamePart::Given);
        !part && self.field() == Some(field)
    }

    /// Whether two columns say the same, or one the whole and the other a part of it.
    pub(super) fn repeats(self, other: Self) -> bool {
        let whole =
            |column| matches!(column, Self::Field(FieldName::RecipientName) | Self::FamilyFirst);
        let name = |column: Self| column.field() == Some(FieldName::RecipientName);
        match (self, other) {
            (Self::Ignored | Self::Result | Self::Nameless | Self::Unknown, _) => false,
            _ if self == other => true,
            _ => name(self) && name(other) && (whole(self) || whole(other)),
        }
    }

    /// What it is, as the API calls it; none if it is not known.
    pub(super) fn target(self) -> Option<String> {
        let named = NAME_TARGETS.iter().find(|(column, _)| *column == self);
        Some(match self {
            Self::Email => ColumnName::EMAIL.field.to_owned(),
            Self::ExternalId => ColumnName::EXTERNAL_ID.field.to_owned(),
            Self::Language => ColumnName::LANGUAGE.field.to_owned(),
            Self::Field(field) => field.as_str().to_owned(),
            Self::Name(_) | Self::FamilyFirst => named.map(|(_, target)| (*target).to_owned())?,
            Self::Evidence(number, part) => {
                let part = match part {
                    Part::Whole => "",
                    Part::Name => "_name",
                    Part::Url => "_url",
                    Part::Description => "_description",
                };
                let number = if number > 1 { format!("_{number}") } else { String::new() };
                format!("evidence{number}{part}")
            }
            Self::Custom(key) => key.field(),
            Self::Ignored | Self::Result => IGNORE.to_owned(),
            Self::Nameless | Self::Unknown => return None,
        })
    }

    /// A name by which this column, whose own is `name`, is known in any file.
    pub(super) fn known_name(self, name: &str) -> String {
        match self {
            Self::Email => ColumnName::EMAIL.es.to_owned(),
            Self::ExternalId => ColumnName::EXTERNAL_ID.es.to_owned(),
            Self::Language => ColumnName::LANGUAGE.es.to_owned(),
            Self::Field(field) => field.spec().column.es.to_owned(),
            Self::Name(part) => part.name(Lang::Es).to_owned(),
            Self::FamilyFirst => "Apellidos y nombres".to_owned(),
            Self::Evidence(number, part) => {
                let part = match part {
                    Part::Whole => "",
                    Part::Name => " nombre",
                    Part::Url => " url",
                    Part::Description => " descripción",
                };
                format!("Evidencia {number}{part}")
            }
            // The template is not at hand where the name is read again.
            Self::Custom(key) => format!("{name} ({})", key.field()),
            Self::Ignored => format!("#{name}"),
            Self::Result | Self::Nameless | Self::Unknown => name.to_owned(),
        }
    }
}
