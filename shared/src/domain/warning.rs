//! Warnings about a recipient, and their texts. A warning blocks nothing, unless `strict` names its
//! kind.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::{field::FieldName, ids::CredentialId, lang::Lang, text::shortened};

/// Characters of a value that a warning shows.
const SHOWN: usize = 80;

/// A kind of warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// A name that programs write where there is none.
    PlaceholderName,
    /// A name that is an address, or has one in it.
    NameIsAddress,
    /// An address that was probably typed wrongly.
    AddressTypo,
    /// A day in the future.
    FutureDate,
    /// A file whose encoding was found by its letters.
    GuessedEncoding,
    /// A name without a letter.
    NameWithoutLetters,
    /// A name with something in parentheses.
    NameWithNote,
    /// A text that is a date.
    DateAsText,
    /// A spreadsheet that does not say which of its rows are hidden.
    HiddenUnknown,
    /// A spreadsheet with hidden columns, which are read.
    HiddenColumns,
    /// A spreadsheet with people in sheets that are not read.
    UnreadSheets,
    /// In a dry run, another spelling of a name under the same address.
    OtherSpelling,
    /// In a dry run, the same name under another address in one list.
    SameName,
}

impl WarningKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::PlaceholderName,
        Self::NameIsAddress,
        Self::AddressTypo,
        Self::FutureDate,
        Self::GuessedEncoding,
        Self::NameWithoutLetters,
        Self::NameWithNote,
        Self::DateAsText,
        Self::HiddenUnknown,
        Self::HiddenColumns,
        Self::UnreadSheets,
        Self::OtherSpelling,
        Self::SameName,
    ];

    /// The kinds that can refuse a recipient. To compare people takes further reads and writes a row, which
    /// only a dry run makes; every `.xls` has the warning about hidden rows, and what a workbook has beside its
    /// rows says nothing of them.
    pub fn refusing() -> impl Iterator<Item = Self> {
        let refuses = |kind: &Self| {
            !kind.is_of_workbook() && !matches!(kind, Self::OtherSpelling | Self::SameName)
        };
        Self::ALL.into_iter().filter(refuses)
    }

    /// Whether it is about a spreadsheet, and not about rows.
    fn is_of_workbook(self) -> bool {
        matches!(self, Self::HiddenUnknown | Self::HiddenColumns | Self::UnreadSheets)
    }

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PlaceholderName => "placeholder_name",
            Self::NameIsAddress => "name_is_address",
            Self::AddressTypo => "address_typo",
            Self::FutureDate => "future_date",
            Self::GuessedEncoding => "guessed_encoding",
            Self::NameWithoutLetters => "name_without_letters",
            Self::NameWithNote => "name_with_note",
            Self::DateAsText => "date_as_text",
            Self::HiddenUnknown => "hidden_unknown",
            Self::HiddenColumns => "hidden_columns",
            Self::UnreadSheets => "unread_sheets",
            Self::OtherSpelling => "other_spelling",
            Self::SameName => "same_name",
        }
    }

    /// Reads a name on the wire of a kind that can refuse.
    pub fn parse(name: &str) -> Option<Self> {
        Self::refusing().find(|kind| kind.as_str() == name)
    }

    /// The names of the kinds that can refuse, for an answer.
    pub fn names() -> String {
        Self::refusing().map(Self::as_str).collect::<Vec<_>>().join(", ")
    }

    /// What all rows of this kind have in common.
    pub fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::PlaceholderName => lang.pick(
                "Nombres que los programas escriben donde no hay ninguno: revísalos",
                "Names that programs write where there is none: look at them",
            ),
            Self::NameIsAddress => lang.pick(
                "Nombres con una dirección de correo: escribe el nombre de la persona",
                "Names with an e-mail address: write the person's name",
            ),
            Self::AddressTypo => lang.pick(
                "Direcciones que parecen mal escritas: revísalas",
                "Addresses that look mistyped: look at them",
            ),
            Self::NameWithoutLetters => lang.pick(
                "Nombres sin ninguna letra: revísalos",
                "Names without a letter: look at them",
            ),
            Self::NameWithNote => lang.pick(
                "Nombres con algo entre paréntesis, que también se firmaría: deja el nombre",
                "Names with something in parentheses, which would be signed too: leave the name",
            ),
            Self::DateAsText => lang.pick(
                "Textos que son una fecha; quizá los cambió la hoja de cálculo: revísalos",
                "Texts that are a date; perhaps the spreadsheet changed them: look at them",
            ),
            Self::HiddenUnknown => lang.pick(
                "Un archivo .xls no dice qué filas y columnas están ocultas: se leyeron todas. Revisa que no sobre ninguna, o guárdalo como .xlsx",
                "An .xls file does not say which rows and columns are hidden: all were read. Check that none is too many, or save it as .xlsx",
            ),
            Self::HiddenColumns => lang.pick(
                "Hay columnas ocultas en la hoja, y se leen como las demás: míralas, o indica que no se lean",
                "The sheet has hidden columns, and they are read like the others: look at them, or say that they are left unread",
            ),
            Self::UnreadSheets => lang.pick(
                "Otras hojas también tienen direcciones de correo, y no se leen: elige la hoja, o sube el archivo una vez por cada una",
                "Further sheets have e-mail addresses too, and are not read: choose the sheet, or upload the file once for each",
            ),
            Self::OtherSpelling => lang.pick(
                "El mismo correo con el nombre escrito de otra forma: si es la misma persona, tendría dos credenciales",
                "The same address with the name spelled in another way: if it is one person, there would be two credentials",
            ),
            Self::SameName => lang.pick(
                "El mismo nombre con otro correo: si es la misma persona, tendría dos credenciales",
                "The same name with another address: if it is one person, there would be two credentials",
            ),
            Self::FutureDate => lang.pick("Fechas futuras: revísalas", "Dates in the future: look at them"),
            Self::GuessedEncoding => lang.pick(
                "La codificación del archivo se supuso por sus letras: revisa los nombres con acentos, o indícala en encoding",
                "The encoding of the file was found by its letters: look at names with accents, or name it in encoding",
            ),
        }
    }
}

/// Where a row is, in the words of what it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The row, from 1.
    pub row: u32,
    /// Of a file, the line that it begins in, from 1, as a text editor counts.
    pub line: Option<u64>,
}

impl Place {
    /// The text for people: its line in a file, else its row.
    pub fn text(self, lang: Lang) -> String {
        match (self.line, self.row) {
            (Some(line), _) => lang.pick(format!("línea {line}"), format!("line {line}")),
            (None, row) => lang.pick(format!("fila {row}"), format!("row {row}")),
        }
    }
}

/// Where the other one of two is that a warning compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Elsewhere {
    /// Another row, from 1.
    Row(u32),
    /// A credential.
    Credential(CredentialId),
}

impl Elsewhere {
    /// The text for people; of a row of a file, with its line.
    fn text(self, line: Option<u64>, lang: Lang) -> String {
        match self {
            Self::Row(row) => {
                let place = Place { row, line }.text(lang);
                lang.pick(format!("la {place}"), place)
            }
            Self::Credential(id) => {
                lang.pick(format!("la credencial {id}"), format!("the credential {id}"))
            }
        }
    }
}

/// A warning about a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Its kind.
    pub kind: WarningKind,
    /// The field, as the API names it, or as the file does.
    pub field: Cow<'static, str>,
    /// The value, shortened.
    pub value: String,
    /// What may be meant instead; of two that are compared, what the other one says.
    pub meant: Option<String>,
    /// Where the other one is.
    pub at: Option<Elsewhere>,
    /// The line of that row, in a file.
    pub at_line: Option<u64>,
}

impl Warning {
    /// Warns of a value of a field; `meant` may be meant instead.
    pub fn new(kind: WarningKind, field: &'static str, value: &str, meant: Option<String>) -> Self {
        let value = shortened(value, SHOWN);
        Self { kind, field: Cow::Borrowed(field), value, meant, at: None, at_line: None }
    }

    /// Warns of a name that is probably that of another row or of a credential.
    pub fn elsewhere(
        kind: WarningKind,
        value: &str,
        other: String,
        (at, at_line): (Elsewhere, Option<u64>),
    ) -> Self {
        let field = FieldName::RecipientName.as_str();
        Self { at: Some(at), at_line, ..Self::new(kind, field, value, Some(other)) }
    }

    /// The text of the fault that it is where `strict` names its kind.
    pub fn refusal(&self, lang: Lang) -> String {
        let (text, kind) = (self.text(lang), self.kind.as_str());
        lang.pick(
            format!("{text} (se rechaza porque strict incluye {kind})"),
            format!("{text} (refused because strict has {kind})"),
        )
    }

    /// The text for people; it names the field, and the value at fault.
    pub fn text(&self, lang: Lang) -> String {
        let Self { kind, field, value, .. } = self;
        let meant = self.meant.as_deref().unwrap_or_default();
        let at = self.at.map(|at| at.text(self.at_line, lang)).unwrap_or_default();
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
                format!("El campo {field} tiene una dirección de correo: «{value}»"),
                format!("The field {field} has an e-mail address: \"{value}\""),
            ),
            WarningKind::AddressTypo => lang.pick(
                format!("El campo {field} dice «{value}»: ¿quisiste decir {meant}?"),
                format!("The field {field} says \"{value}\": did you mean {meant}?"),
            ),
            WarningKind::FutureDate => lang.pick(
                format!("El campo {field} es un día futuro: {value}"),
                format!("The field {field} is a day in the future: {value}"),
            ),
            WarningKind::NameWithoutLetters => lang.pick(
                format!("El campo {field} no tiene ninguna letra: «{value}»"),
                format!("The field {field} has no letter: \"{value}\""),
            ),
            WarningKind::NameWithNote => lang.pick(
                format!(
                    "El campo {field} dice «{value}», y se firmaría también lo que va entre paréntesis"
                ),
                format!(
                    "The field {field} says \"{value}\", and what is in parentheses would be signed too"
                ),
            ),
            WarningKind::DateAsText => lang.pick(
                format!(
                    "El campo {field} dice «{value}», que es una fecha: ¿lo cambió la hoja de cálculo?"
                ),
                format!(
                    "The field {field} says \"{value}\", which is a date: did the spreadsheet change it?"
                ),
            ),
            WarningKind::OtherSpelling => lang.pick(
                format!(
                    "El campo {field} dice «{value}», y {at} dice «{meant}» con el mismo correo: ¿es la misma persona?"
                ),
                format!(
                    "The field {field} says \"{value}\", and {at} says \"{meant}\" with the same address: is it the same person?"
                ),
            ),
            WarningKind::SameName => lang.pick(
                format!(
                    "El campo {field} dice «{value}», como {at}, que tiene otro correo ({meant}): ¿es la misma persona?"
                ),
                format!(
                    "The field {field} says \"{value}\", as {at} does, which has another address ({meant}): is it the same person?"
                ),
            ),
            WarningKind::GuessedEncoding
            | WarningKind::HiddenUnknown
            | WarningKind::HiddenColumns
            | WarningKind::UnreadSheets => kind.text(lang).to_owned(),
        }
    }
}

/// A row that a warning names as an example, with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The row, from 1.
    pub row: u32,
    /// Of a file, its line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Its value, shortened.
    pub value: String,
    /// What may be meant instead, or what the other one says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meant: Option<String>,
    /// Where the other one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Elsewhere>,
    /// The line of that row, in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_line: Option<u64>,
}

impl Example {
    /// The example of a row.
    pub fn of(Place { row, line }: Place, warning: &Warning) -> Self {
        let Warning { value, meant, at, at_line, .. } = warning.clone();
        Self { row, line, value, meant, at, at_line }
    }

    /// The text for people: line or row, value, and what may be meant or is said elsewhere.
    pub fn text(&self, lang: Lang) -> String {
        let Self { row, line, value, .. } = self;
        let place = Place { row: *row, line: *line }.text(lang);
        let said = lang.pick(format!("{place} «{value}»"), format!("{place} \"{value}\""));
        let at = self.at.map(|at| at.text(self.at_line, lang));
        match (&self.meant, at) {
            (Some(meant), Some(at)) => lang
                .pick(format!("{said} y {at} «{meant}»"), format!("{said} and {at} \"{meant}\"")),
            (Some(meant), None) => {
                lang.pick(format!("{said}, ¿{meant}?"), format!("{said}, {meant}?"))
            }
            (None, _) => said,
        }
    }
}

/// The text of a kind with its examples.
pub fn with_examples(kind: WarningKind, examples: &[Example], lang: Lang) -> String {
    let text = kind.text(lang);
    if examples.is_empty() {
        return text.to_owned();
    }
    let examples: Vec<String> = examples.iter().map(|example| example.text(lang)).collect();
    format!("{text} ({})", examples.join("; "))
}

/// The text of a kind with the names of what it is about.
pub fn with_names(kind: WarningKind, names: &[String], lang: Lang) -> String {
    let text = kind.text(lang);
    let names: Vec<String> =
        names.iter().map(|name| lang.pick(format!("«{name}»"), format!("\"{name}\""))).collect();
    if names.is_empty() { text.to_owned() } else { format!("{text} ({})", names.join(", ")) }
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
