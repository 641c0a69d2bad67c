//! Warnings about a recipient, and their texts. A warning blocks nothing, unless `strict` names its
//! kind.

use serde::{Deserialize, Serialize};

use crate::domain::{lang::Lang, text::shortened};

/// Characters of a value that a warning shows.
const SHOWN: usize = 80;

/// A kind of warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// A name that programs write where there is none.
    PlaceholderName,
    /// A name that is an address.
    NameIsAddress,
    /// An address whose domain is a letter from a common one.
    AddressTypo,
    /// A day in the future.
    FutureDate,
    /// A file whose encoding was found by its letters.
    GuessedEncoding,
}

impl WarningKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::PlaceholderName,
        Self::NameIsAddress,
        Self::AddressTypo,
        Self::FutureDate,
        Self::GuessedEncoding,
    ];

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PlaceholderName => "placeholder_name",
            Self::NameIsAddress => "name_is_address",
            Self::AddressTypo => "address_typo",
            Self::FutureDate => "future_date",
            Self::GuessedEncoding => "guessed_encoding",
        }
    }

    /// Reads a name on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The names of all kinds, for an answer.
    pub fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// What all rows of this kind have in common.
    pub fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::PlaceholderName => lang.pick(
                "Nombres que los programas escriben donde no hay ninguno: revísalos",
                "Names that programs write where there is none: look at them",
            ),
            Self::NameIsAddress => lang.pick(
                "Nombres que son una dirección de correo: escribe el nombre de la persona",
                "Names that are an e-mail address: write the person's name",
            ),
            Self::AddressTypo => lang.pick(
                "Direcciones con un dominio a una letra de uno muy común: revísalas",
                "Addresses with a domain that is a letter from a very common one: look at them",
            ),
            Self::FutureDate => lang.pick("Fechas futuras: revísalas", "Dates in the future: look at them"),
            Self::GuessedEncoding => lang.pick(
                "La codificación del archivo se supuso por sus letras: revisa los nombres con acentos, o indícala en encoding",
                "The encoding of the file was found by its letters: look at names with accents, or name it in encoding",
            ),
        }
    }
}

/// A warning about a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Its kind.
    pub kind: WarningKind,
    /// The field, as the API names it.
    pub field: &'static str,
    /// The value, shortened.
    value: String,
    /// What may be meant instead.
    meant: Option<&'static str>,
}

impl Warning {
    /// Warns of a value of a field; `meant` may be meant instead.
    pub fn new(
        kind: WarningKind,
        field: &'static str,
        value: &str,
        meant: Option<&'static str>,
    ) -> Self {
        Self { kind, field, value: shortened(value, SHOWN), meant }
    }

    /// The text of the fault that it is where `strict` names its kind.
    pub fn refusal(&self, lang: Lang) -> String {
        let (text, kind) = (self.text(lang), self.kind.as_str());
        lang.pick(
            format!("{text}. Se rechaza porque strict incluye {kind}"),
            format!("{text}. It is refused because strict has {kind}"),
        )
    }

    /// The text for people; it names the field.
    pub fn text(&self, lang: Lang) -> String {
        let Self { kind, field, value, meant } = self;
        let meant = meant.unwrap_or_default();
        match kind {
            WarningKind::PlaceholderName => lang.pick(
                format!(
                    "El campo {field} es «{value}», que los programas escriben donde no hay nombre"
                ),
                format!(
                    "The field {field} is \"{value}\", which programs write where there is no name"
                ),
            ),
            WarningKind::NameIsAddress => lang.pick(
                format!("El campo {field} es una dirección de correo: «{value}»"),
                format!("The field {field} is an e-mail address: \"{value}\""),
            ),
            WarningKind::AddressTypo => lang.pick(
                format!("El dominio del campo {field} es «{value}»: ¿quisiste decir {meant}?"),
                format!("The domain of the field {field} is \"{value}\": did you mean {meant}?"),
            ),
            WarningKind::FutureDate => lang.pick(
                format!("El campo {field} es un día futuro: {value}"),
                format!("The field {field} is a day in the future: {value}"),
            ),
            WarningKind::GuessedEncoding => kind.text(lang).to_owned(),
        }
    }
}

/// The warnings about a recipient in an answer: text and kind of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WarningReport {
    warnings: Vec<String>,
    warning_kinds: Vec<&'static str>,
}

impl WarningReport {
    /// Reports warnings in a language; none if there are none.
    pub fn of(warnings: &[Warning], lang: Lang) -> Option<Self> {
        (!warnings.is_empty()).then(|| Self {
            warnings: warnings.iter().map(|warning| warning.text(lang)).collect(),
            warning_kinds: warnings.iter().map(|warning| warning.kind.as_str()).collect(),
        })
    }

    /// Keeps so many characters of each text, and none of the texts if that is none.
    pub fn shorten(&mut self, characters: usize) {
        if characters == 0 {
            self.warnings.clear();
        }
        for text in &mut self.warnings {
            *text = shortened(text, characters);
        }
    }
}
