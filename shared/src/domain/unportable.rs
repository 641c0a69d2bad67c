//! The text of a document that not every verifier would read alike.

use crate::domain::{fault::Unportable, field::field_at, lang::Lang};

impl Unportable {
    /// The text of a credential that cannot be signed: the field and the reason.
    pub(super) fn text(&self, lang: Lang) -> String {
        let at = match self {
            Self::UnknownTerm(at)
            | Self::RelativeIri(at)
            | Self::ControlCharacter(at)
            | Self::Number(at)
            | Self::Repeated(at)
            | Self::Shape(at) => field_at(at),
            Self::Order => None,
        };
        let what = match (&at, lang) {
            (Some(field), Lang::Es) => format!("El campo {field}"),
            (Some(field), Lang::En) => format!("The field {field}"),
            (None, Lang::Es) => "Un texto de la plantilla o del destinatario".to_owned(),
            (None, Lang::En) => "A text of the template or of the recipient".to_owned(),
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
