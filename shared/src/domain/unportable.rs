//! Texts and documents that cannot be signed so that all verifiers agree.

use crate::domain::{
    field::field_at,
    lang::{Lang, StaffLang},
};

/// The reason why a document has no canonical form that every verifier finds, with the place
/// as a JSON Pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unportable {
    /// A member that the contexts do not know.
    #[error("{0}: unknown term")]
    UnknownTerm(String),
    /// An identifier that is no absolute IRI.
    #[error("{0}: not an absolute IRI")]
    RelativeIri(String),
    /// A control character, on whose escape verifiers disagree.
    #[error("{0}: control character")]
    ControlCharacter(String),
    /// A number that JavaScript and others write differently.
    #[error("{0}: number out of the portable range")]
    Number(String),
    /// Two equal entries, or two things of one identifier.
    #[error("{0}: repeated")]
    Repeated(String),
    /// Texts of one property that sort differently as UTF-16 and as code points.
    #[error("texts of one property sort differently by UTF-16 and by code points")]
    Order,
    /// Any other shape than that of our documents.
    #[error("{0}: not the shape of a document of this service")]
    Shape(String),
}

impl Unportable {
    /// The place in the document, and what is there.
    pub fn cause(&self, lang: Lang) -> String {
        let texts = &lang.texts().checks;
        let (at, what) = match self {
            Self::UnknownTerm(at) => (at, texts.unknown_term),
            Self::RelativeIri(at) => (at, texts.relative_iri),
            Self::ControlCharacter(at) => (at, texts.control_character),
            Self::Number(at) => (at, texts.number_range),
            Self::Repeated(at) => (at, texts.repeated),
            Self::Shape(at) => (at, texts.other_shape),
            Self::Order => return texts.order.to_owned(),
        };
        format!("{at}: {what}")
    }

    /// The text for people: the field and the reason.
    pub fn text(&self, lang: Lang) -> String {
        let at = match self {
            Self::UnknownTerm(at)
            | Self::RelativeIri(at)
            | Self::ControlCharacter(at)
            | Self::Number(at)
            | Self::Repeated(at)
            | Self::Shape(at) => field_at(at),
            Self::Order => None,
        };
        let what = match (&at, lang.staff()) {
            (Some(field), StaffLang::Es) => format!("El campo {field}"),
            (Some(field), StaffLang::En) => format!("The field {field}"),
            (None, StaffLang::Es) => "Un texto de la plantilla o del destinatario".to_owned(),
            (None, StaffLang::En) => "A text of the template or of the recipient".to_owned(),
        };
        let why = match self {
            Self::Repeated(_) => lang.pick(
                "repite un valor que ya está en la credencial",
                "repeats a value that the credential has already",
            ),
            Self::ControlCharacter(_) => {
                lang.pick("contiene caracteres de control", "contains control characters")
            }
            Self::UnknownTerm(_)
            | Self::RelativeIri(_)
            | Self::Number(_)
            | Self::Order
            | Self::Shape(_) => lang.pick(
                "no se puede firmar de modo que todos los verificadores lo lean igual",
                "cannot be signed so that all verifiers read it alike",
            ),
        };
        format!("{what} {why}")
    }
}
