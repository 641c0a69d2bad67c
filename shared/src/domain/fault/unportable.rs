//! Why a credential cannot be signed so that all verifiers agree.

use crate::domain::{field::field_at, lang::Lang};

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

/// The text of a credential that cannot be signed: the field and the reason.
pub(super) fn not_signable(why: &Unportable, lang: Lang) -> String {
    let at = match why {
        Unportable::UnknownTerm(at)
        | Unportable::RelativeIri(at)
        | Unportable::ControlCharacter(at)
        | Unportable::Number(at)
        | Unportable::Repeated(at)
        | Unportable::Shape(at) => field_at(at),
        Unportable::Order => None,
    };
    let what = match (&at, lang) {
        (Some(field), Lang::Es) => format!("El campo {field}"),
        (Some(field), Lang::En) => format!("The field {field}"),
        (None, Lang::Es) => "Un texto de la plantilla o del destinatario".to_owned(),
        (None, Lang::En) => "A text of the template or of the recipient".to_owned(),
    };
    let why = match why {
        Unportable::Repeated(_) => lang.pick(
            "repite un valor que ya está en la credencial",
            "repeats a value that the credential has already",
        ),
        Unportable::ControlCharacter(_) => {
            lang.pick("contiene caracteres de control", "contains control characters")
        }
        Unportable::UnknownTerm(_)
        | Unportable::RelativeIri(_)
        | Unportable::Number(_)
        | Unportable::Order
        | Unportable::Shape(_) => lang.pick(
            "no se puede firmar de modo que todos los verificadores lo lean igual",
            "cannot be signed so that all verifiers read it alike",
        ),
    };
    format!("{what} {why}")
}
