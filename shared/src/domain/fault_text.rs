//! Faults as they are stored and answered.

use serde::{Deserialize, Serialize};

use crate::domain::lang::{Lang, StaffLang};

/// A fault in items and answers: a stable code and a text for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultText {
    /// Stable code.
    pub code: String,
    /// Text in the language of the request.
    pub text: String,
}

/// The text of a name of which a reader sees nothing.
pub(super) fn nothing_visible(field: &str, lang: Lang) -> String {
    match lang.staff() {
        StaffLang::Es => {
            format!("El campo {field} no contiene ningún carácter visible: escribe el nombre")
        }
        StaffLang::En => format!("The field {field} has no visible character: write the name"),
    }
}
