//! The faults of one recipient, and their texts.
//!
//! A fault fails its recipient alone: the others of the request are issued. Three texts never change, since
//! programs compare them: `Calificacion invalida. …`, `Invalid email: …` and `Achievement not found`.

use crate::domain::{
    cell_fault::CellFault,
    correction_fault::CorrectionFault,
    credits::invalid_number,
    damage::Damaged,
    day_fault::{DayFault, date_out_of_range},
    fault_text::nothing_visible,
    field::{FieldName, field_meant},
    lang::{Lang, StaffLang},
    metadata::MetadataFault,
    text::shortened,
    unlisted::Unlisted,
    warning::Warning,
};
use jiff::civil::Date;

pub use crate::domain::{
    expected::Expected,
    fault_report::{MAX_FAULTS, listed},
    fault_text::FaultText,
    unportable::Unportable,
};

/// The text of a job whose template does not exist. It never changes.
pub const ACHIEVEMENT_NOT_FOUND: &str = "Achievement not found";

/// The code of faults about what was erased.
pub const ERASED: &str = "erased";

/// Characters of a stored text: a job's item of faults stays far below DynamoDB's 400 KB.
pub const KEPT_TEXT: usize = 1_000;

/// A fault of a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The recipient is not a JSON object, or not readable as one.
    NotAnObject,
    /// A value of a file is no JSON at all.
    BrokenJson,
    /// A field that the API does not have.
    UnknownField(String),
    /// A repeated field.
    RepeatedField(String),
    /// A field of the wrong JSON type; holds the expected one.
    WrongType(String, Expected),
    /// The address is missing.
    MissingEmail,
    /// An invalid address; holds it as sent.
    InvalidEmail(String),
    /// A required field is missing.
    Missing(String),
    /// The template does not take this field.
    NotInTemplate(String),
    /// A text with more characters than the limit.
    TooLong(String, usize),
    /// A text with control characters.
    ForbiddenCharacters(String),
    /// A date that is not a day of the calendar as `YYYY-MM-DD`.
    InvalidDate(String),
    /// A date outside [`admission::DAYS`](super::admission::DAYS).
    DateOutOfRange(String),
    /// A name of which a reader sees nothing.
    NothingVisible(String),
    /// The days of award or end are not possible.
    Day(DayFault),
    /// The activity ends before it starts.
    EndsBeforeStart,
    /// A number that is not one from 0 to 1,000,000 with at most 3 decimals.
    InvalidNumber(String),
    /// Credits that are not a number from 0 to 1,000,000 with at most 3 decimals.
    InvalidCredits,
    /// Credits outside the template's bounds.
    CreditsOutOfRange(Option<String>, Option<String>),
    /// A grade, or another text, that is not one of the template's values.
    NotAllowed(Unlisted),
    /// A link that is not an absolute http(s) URL.
    InvalidUrl(String),
    /// An evidence entry with neither name nor URL.
    EmptyEvidence(usize),
    /// More entries than the limit.
    TooMany(String, usize),
    /// The recipient as a whole is too large; holds the limit in bytes.
    TooLarge(usize),
    /// Its objects and lists nest deeper than this.
    TooDeep(usize),
    /// It holds more values than this, at all levels together.
    TooManyValues(usize),
    /// A language other than `es` and `en`.
    InvalidLanguage,
    /// Its credential was erased; holds its id.
    Erased(String),
    /// The `external_id` belongs to a credential with other content; holds its id.
    ExternalIdTaken(String),
    /// The credential of this identity is revoked or suspended; holds its id.
    NotActive(String),
    /// The credential of this identity has ended; holds its id and its last day.
    Expired(String, Date),
    /// Its texts cannot be signed so that all verifiers agree.
    NotSignable(Unportable),
    /// No credential of this id, to be revoked.
    UnknownCredential,
    /// A credential of a version that was not signed.
    Unsigned,
    /// The job was cancelled before this row.
    Cancelled,
    /// A failure of the service, after this many attempts.
    GaveUp(u32),
    /// A row of a file whose bytes are no text in the file's encoding.
    NotUtf8,
    /// A word of a row that is not certain in the file's guessed encoding; holds it as it would
    /// be read.
    DoubtfulText(String),
    /// A cell of a file with several addresses.
    SeveralAddresses,
    /// A row of a file with a quote in a quoted cell that is not doubled.
    StrayQuote,
    /// A row of a file with more cells than its header; holds both numbers.
    TooManyCells(usize, usize),
    /// A cell in a column without a name; holds the column, from 1.
    NamelessColumn(usize),
    /// A cell of a file.
    Cell(CellFault),
    /// A text that was damaged before it came here.
    Damaged(Damaged),
    /// A row that names its credential, or a correction, that is refused.
    Correction(CorrectionFault),
    /// Metadata that are refused.
    Metadata(MetadataFault),
    /// A warning of a kind that the request refuses.
    Strict(Warning),
    /// So many further faults, which are not listed; always the last.
    Rest(usize),
}

impl Fault {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnObject | Self::BrokenJson => "not_an_object",
            Self::UnknownField(_) => "unknown_field",
            Self::RepeatedField(_) => "repeated_field",
            Self::WrongType(..) => "wrong_type",
            Self::MissingEmail | Self::Missing(_) => "missing_field",
            Self::InvalidEmail(_) => "invalid_email",
            Self::NotInTemplate(_) => "field_not_in_template",
            Self::TooLong(..) => "too_long",
            Self::ForbiddenCharacters(_) => "forbidden_characters",
            Self::InvalidDate(_) => "invalid_date",
            Self::DateOutOfRange(_) => "date_out_of_range",
            Self::NothingVisible(_) => "nothing_visible",
            Self::Day(fault) => fault.code(),
            Self::EndsBeforeStart => "ends_before_start",
            Self::InvalidNumber(_) => "invalid_number",
            Self::InvalidCredits => "invalid_credits",
            Self::CreditsOutOfRange(..) => "credits_out_of_range",
            Self::NotAllowed(unlisted) if unlisted.is_grade() => "invalid_result",
            Self::NotAllowed(_) => "value_not_allowed",
            Self::InvalidUrl(_) => "invalid_url",
            Self::EmptyEvidence(_) => "empty_evidence",
            Self::TooMany(..) | Self::TooManyValues(_) => "too_many",
            Self::TooLarge(_) => "too_large",
            Self::TooDeep(_) => "too_deep",
            Self::InvalidLanguage => "invalid_language",
            Self::Erased(_) => ERASED,
            Self::ExternalIdTaken(_) => "external_id_taken",
            Self::NotActive(_) => "credential_not_active",
            Self::Expired(..) => "expired",
            Self::NotSignable(_) => "not_signable",
            Self::UnknownCredential => "credential_not_found",
            Self::Unsigned => "not_signed",
            Self::Cancelled => "cancelled",
            Self::GaveUp(_) => "gave_up",
            Self::NotUtf8 => "not_utf8",
            Self::DoubtfulText(_) => "doubtful_text",
            Self::SeveralAddresses => "several_addresses",
            Self::StrayQuote => "stray_quote",
            Self::TooManyCells(..) => "too_many_cells",
            Self::NamelessColumn(_) => "nameless_column",
            Self::Cell(fault) => fault.code(),
            Self::Damaged(_) => "damaged_text",
            Self::Correction(fault) => fault.code(),
            Self::Metadata(fault) => fault.code(),
            Self::Strict(warning) => warning.kind.as_str(),
            Self::Rest(_) => "more_faults",
        }
    }

    /// The field at fault, as the API names it, if the fault has one.
    pub fn field(&self) -> Option<String> {
        match self {
            Self::UnknownField(name)
            | Self::RepeatedField(name)
            | Self::WrongType(name, _)
            | Self::Missing(name)
            | Self::NotInTemplate(name)
            | Self::TooLong(name, _)
            | Self::ForbiddenCharacters(name)
            | Self::InvalidDate(name)
            | Self::DateOutOfRange(name)
            | Self::NothingVisible(name)
            | Self::InvalidNumber(name)
            | Self::InvalidUrl(name)
            | Self::TooMany(name, _) => Some(name.clone()),
            Self::MissingEmail | Self::InvalidEmail(_) | Self::SeveralAddresses => {
                Some("email".to_owned())
            }
            Self::Cell(fault) => Some(fault.field().to_owned()),
            Self::EndsBeforeStart => Some(FieldName::ActivityEndDate.as_str().to_owned()),
            Self::Day(fault) => Some(fault.field().as_str().to_owned()),
            Self::InvalidCredits | Self::CreditsOutOfRange(..) => {
                Some(FieldName::CreditsEarned.as_str().to_owned())
            }
            Self::NotAllowed(unlisted) => Some(unlisted.field.clone().into_owned()),
            Self::Damaged(damaged) => Some(damaged.field.clone()),
            Self::Correction(fault) => Some(fault.field().to_owned()),
            Self::Metadata(fault) => Some(fault.field()),
            Self::Strict(warning) => Some(warning.field.clone().into_owned()),
            Self::EmptyEvidence(_) => Some(FieldName::Evidence.as_str().to_owned()),
            Self::InvalidLanguage => Some("language".to_owned()),
            Self::ExternalIdTaken(_) => Some("external_id".to_owned()),
            Self::NotAnObject
            | Self::BrokenJson
            | Self::TooLarge(_)
            | Self::TooDeep(_)
            | Self::TooManyValues(_)
            | Self::Rest(_)
            | Self::NotActive(_)
            | Self::Expired(..)
            | Self::NotSignable(_)
            | Self::UnknownCredential
            | Self::Unsigned
            | Self::Cancelled
            | Self::Erased(_)
            | Self::GaveUp(_)
            | Self::NotUtf8
            | Self::DoubtfulText(_)
            | Self::StrayQuote
            | Self::TooManyCells(..)
            | Self::NamelessColumn(_) => None,
        }
    }

    /// The known name or value that was probably meant, for an answer that has hints.
    pub fn near(&self) -> Option<&str> {
        match self {
            Self::UnknownField(name) => field_meant(name),
            Self::NotAllowed(unlisted) => unlisted.near(),
            _ => None,
        }
    }

    /// The text for people; it names the field.
    pub fn text(&self, lang: Lang) -> String {
        match lang.staff() {
            StaffLang::Es => self.spanish(),
            StaffLang::En => self.english(),
        }
    }

    /// Code and text for an item, the text cut to [`KEPT_TEXT`] characters.
    pub fn in_language(&self, lang: Lang) -> FaultText {
        FaultText { code: self.code().to_owned(), text: shortened(&self.text(lang), KEPT_TEXT) }
    }

    #[expect(clippy::too_many_lines, reason = "a table of texts")]
    fn spanish(&self) -> String {
        match self {
            Self::NotAnObject => "El destinatario debe ser un objeto JSON".into(),
            Self::BrokenJson => "La línea no está bien escrita en JSON: revisa sus comillas, comas y llaves".into(),
            Self::UnknownField(f) => match field_meant(f) {
                Some(name) => format!("Campo desconocido: {f}. ¿Quisiste decir {name}?"),
                None => format!("Campo desconocido: {f}"),
            },
            Self::RepeatedField(f) => format!("El campo {f} está repetido"),
            Self::WrongType(f, e) => format!("El campo {f} debe ser {}", e.name(Lang::Es)),
            Self::MissingEmail => "Falta el campo obligatorio: email".into(),
            Self::Missing(f) => format!("Falta el campo obligatorio: {f}"),
            Self::NotInTemplate(f) => format!("La plantilla no admite el campo {f}"),
            Self::TooLong(f, max) => format!("El campo {f} supera los {max} caracteres"),
            Self::ForbiddenCharacters(f) => {
                format!("El campo {f} contiene caracteres no permitidos (de control)")
            }
            Self::InvalidDate(f) => {
                format!("El campo {f} debe ser una fecha válida con el formato AAAA-MM-DD")
            }
            Self::DateOutOfRange(f) => date_out_of_range(f, Lang::Es),
            Self::NothingVisible(f) => nothing_visible(f, Lang::Es),
            Self::EndsBeforeStart => {
                "activity_end_date no puede ser anterior a activity_start_date".into()
            }
            Self::InvalidNumber(f) => invalid_number(f, Lang::Es),
            Self::InvalidCredits => invalid_number("credits_earned", Lang::Es),
            Self::CreditsOutOfRange(min, max) => match (min, max) {
                (Some(min), Some(max)) => {
                    format!("El campo credits_earned debe estar entre {min} y {max}")
                }
                (Some(min), None) => format!("El campo credits_earned debe ser al menos {min}"),
                (None, max) => format!(
                    "El campo credits_earned debe ser como máximo {}",
                    max.as_deref().unwrap_or("1000000")
                ),
            },
            Self::InvalidUrl(f) => {
                format!("El campo {f} debe ser una URL absoluta que empiece por http:// o https://")
            }
            Self::EmptyEvidence(n) => format!("evidence[{n}] debe tener al menos name o url"),
            Self::TooMany(f, max) => format!("El campo {f} admite {max} elementos como máximo"),
            Self::TooLarge(max) => format!("Los datos del destinatario superan los {max} bytes"),
            Self::TooDeep(max) => {
                format!("Los datos del destinatario anidan objetos y listas en más de {max} niveles")
            }
            Self::TooManyValues(max) => {
                format!("Los datos del destinatario tienen más de {max} valores")
            }
            Self::Rest(1) => "y un error más".into(),
            Self::Rest(more) => format!("y {more} errores más"),
            Self::InvalidLanguage => {
                format!("El campo language debe ser {}", Lang::listed("o"))
            }
            Self::Erased(id) => format!(
                "La credencial {id} fue eliminada, de ordinario a petición de su titular, y no se emite de nuevo; solo si esa persona lo quiere, repite con reissue: true (unicreda issue --reissue)"
            ),
            Self::ExternalIdTaken(id) => format!(
                "El external_id ya pertenece a la credencial {id} con otros datos. Para corregirla usa PATCH /api/v1/credentials/{id}; para emitir otra, usa otro external_id"
            ),
            Self::NotActive(id) => format!(
                "La credencial {id} de estos datos está revocada o suspendida. Si está suspendida, reactívala con POST /api/v1/credentials/{id}/reinstate; para emitir otra, usa otro external_id"
            ),
            Self::Expired(id, on) => format!(
                "La credencial {id} de estos datos venció el {}. Renuévala con POST /api/v1/credentials/{id}/renew; para emitir otra, usa otro external_id",
                Lang::Es.date(*on)
            ),
            Self::NotSignable(why) => why.text(Lang::Es),
            Self::UnknownCredential => "La credencial no existe".to_owned(),
            Self::Unsigned => {
                "La credencial es de una versión anterior y no está firmada".to_owned()
            }
            Self::GaveUp(n) => {
                format!("No se pudo procesar por un fallo nuestro (intentos: {n}); reintenta el trabajo")
            }
            Self::NotUtf8 => "La fila tiene letras que no están en la codificación del archivo: guárdalo como «CSV UTF-8»".into(),
            Self::DoubtfulText(word) => format!(
                "No es seguro que «{word}» se lea así: guarda el archivo como «CSV UTF-8», o indica su codificación en encoding"
            ),
            Self::SeveralAddresses => "La celda del correo tiene varias direcciones: deja una, o pon a cada persona en su fila".into(),
            Self::StrayQuote => "Una celda entre comillas tiene otras comillas (\") dentro: duplícalas (\"\") o quítalas".into(),
            Self::TooManyCells(have, want) => format!(
                "La fila tiene {have} celdas y el encabezado {want}: una celda que contiene el separador va entre comillas"
            ),
            Self::NamelessColumn(n) => format!("La columna {n} tiene un valor, pero no tiene nombre en el encabezado"),
            Self::Cell(fault) => fault.text(Lang::Es),
            Self::Day(fault) => fault.text(Lang::Es),
            Self::InvalidEmail(email) => invalid_email(email),
            Self::NotAllowed(unlisted) => unlisted.text(Lang::Es),
            Self::Cancelled => CANCELLED.into(),
            Self::Damaged(damaged) => damaged.text(Lang::Es),
            Self::Correction(fault) => fault.text(Lang::Es),
            Self::Metadata(fault) => fault.text(Lang::Es),
            Self::Strict(warning) => warning.refusal(Lang::Es),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table of texts")]
    fn english(&self) -> String {
        match self {
            Self::NotAnObject => "The recipient must be a JSON object".into(),
            Self::BrokenJson => {
                "The line is not well-formed JSON: see its quotes, commas and braces".into()
            }
            Self::UnknownField(f) => match field_meant(f) {
                Some(name) => format!("Unknown field: {f}. Did you mean {name}?"),
                None => format!("Unknown field: {f}"),
            },
            Self::RepeatedField(f) => format!("The field {f} is given twice"),
            Self::WrongType(f, e) => format!("The field {f} must be {}", e.name(Lang::En)),
            Self::MissingEmail => "Required field missing: email".into(),
            Self::Missing(f) => format!("Required field missing: {f}"),
            Self::NotInTemplate(f) => format!("The template does not take the field {f}"),
            Self::TooLong(f, max) => format!("The field {f} is longer than {max} characters"),
            Self::ForbiddenCharacters(f) => {
                format!(
                    "The field {f} contains characters that are not allowed (control characters)"
                )
            }
            Self::InvalidDate(f) => format!("The field {f} must be a valid date as YYYY-MM-DD"),
            Self::DateOutOfRange(f) => date_out_of_range(f, Lang::En),
            Self::NothingVisible(f) => nothing_visible(f, Lang::En),
            Self::EndsBeforeStart => {
                "activity_end_date must not be before activity_start_date".into()
            }
            Self::InvalidNumber(f) => invalid_number(f, Lang::En),
            Self::InvalidCredits => invalid_number("credits_earned", Lang::En),
            Self::CreditsOutOfRange(min, max) => match (min, max) {
                (Some(min), Some(max)) => {
                    format!("The field credits_earned must be between {min} and {max}")
                }
                (Some(min), None) => format!("The field credits_earned must be at least {min}"),
                (None, max) => format!(
                    "The field credits_earned must be at most {}",
                    max.as_deref().unwrap_or("1000000")
                ),
            },
            Self::InvalidUrl(f) => {
                format!(
                    "The field {f} must be an absolute URL that begins with http:// or https://"
                )
            }
            Self::EmptyEvidence(n) => format!("evidence[{n}] must have at least name or url"),
            Self::TooMany(f, max) => format!("The field {f} takes at most {max} entries"),
            Self::TooLarge(max) => format!("The recipient's data is larger than {max} bytes"),
            Self::TooDeep(max) => {
                format!("The recipient's data nests objects and lists in more than {max} levels")
            }
            Self::TooManyValues(max) => {
                format!("The recipient's data has more than {max} values")
            }
            Self::Rest(1) => "and one more error".into(),
            Self::Rest(more) => format!("and {more} more errors"),
            Self::InvalidLanguage => {
                format!("The field language must be {}", Lang::listed("or"))
            }
            Self::Erased(id) => format!(
                "The credential {id} was erased, as a rule at its person's request, and is not issued again; only if that person wants it, repeat with reissue: true (unicreda issue --reissue)"
            ),
            Self::ExternalIdTaken(id) => format!(
                "This external_id belongs to credential {id} with other data. To correct it use PATCH /api/v1/credentials/{id}; to issue another, use another external_id"
            ),
            Self::NotActive(id) => format!(
                "Credential {id} of this data is revoked or suspended. If it is suspended, reinstate it with POST /api/v1/credentials/{id}/reinstate; to issue another, use another external_id"
            ),
            Self::Expired(id, on) => format!(
                "Credential {id} of this data ended on {}. Renew it with POST /api/v1/credentials/{id}/renew; to issue another, use another external_id",
                Lang::En.date(*on)
            ),
            Self::NotSignable(why) => why.text(Lang::En),
            Self::UnknownCredential => "The credential does not exist".to_owned(),
            Self::Unsigned => {
                "The credential is of an earlier version and is not signed".to_owned()
            }
            Self::GaveUp(n) => {
                format!(
                    "Could not be processed after {n} attempts, by a failure of ours; retry the job"
                )
            }
            Self::NotUtf8 => {
                "The row has letters that are not in the file's encoding: save it as \"CSV UTF-8\""
                    .into()
            }
            Self::DoubtfulText(word) => format!(
                "It is not certain that \"{word}\" is read right: save the file as \"CSV UTF-8\", or name its encoding in encoding"
            ),
            Self::SeveralAddresses => {
                "The cell of the address holds several: leave one, or give each person a row".into()
            }
            Self::StrayQuote => {
                "A quoted cell has another quote (\") in it: double it (\"\") or remove it".into()
            }
            Self::TooManyCells(have, want) => format!(
                "The row has {have} cells and the header {want}: a cell that holds the delimiter goes between quotes"
            ),
            Self::NamelessColumn(n) => format!("Column {n} has a value but no name in the header"),
            Self::Cell(fault) => fault.text(Lang::En),
            Self::Day(fault) => fault.text(Lang::En),
            Self::InvalidEmail(email) => invalid_email(email),
            Self::NotAllowed(unlisted) => unlisted.text(Lang::En),
            Self::Cancelled => CANCELLED.into(),
            Self::Damaged(damaged) => damaged.text(Lang::En),
            Self::Correction(fault) => fault.text(Lang::En),
            Self::Metadata(fault) => fault.text(Lang::En),
            Self::Strict(warning) => warning.refusal(Lang::En),
        }
    }
}

/// The text of an invalid address, in both languages. It never changes.
fn invalid_email(email: &str) -> String {
    format!("Invalid email: {email}")
}

/// The text of a cancelled row, in both languages. It never changes.
const CANCELLED: &str = "Cancelado";

#[cfg(test)]
mod tests;
