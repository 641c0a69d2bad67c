//! What an organization hides on the public pages of its credentials. What is signed stays whole.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{fields::Fields, lang::Lang, nearest::nearest};

/// The name of the setting.
const NAME: &str = "public_hides";

/// A part of a credential that its public pages can leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hidden {
    /// The work behind the achievement.
    Evidence,
    /// The grade or result.
    Grade,
    /// The surname, down to its first letter.
    Surname,
}

impl Hidden {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Evidence, Self::Grade, Self::Surname];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Grade => "grade",
            Self::Surname => "surname",
        }
    }

    /// Names the part for a reader, with its article.
    pub fn text(self, lang: Lang) -> &'static str {
        let texts = &lang.texts().facts;
        match self {
            Self::Evidence => texts.evidence_hidden,
            Self::Grade => texts.grade_hidden,
            Self::Surname => texts.surname_hidden,
        }
    }
}

/// Takes the setting out of a body: each part once, in the order of [`Hidden::ALL`]. `None` if it is
/// absent; null hides nothing.
pub fn take(fields: &mut Fields) -> Option<Vec<Hidden>> {
    if fields.take_null(NAME) {
        return Some(Vec::new());
    }
    let listed = fields.list(NAME)?;
    let mut hidden = Vec::with_capacity(Hidden::ALL.len());
    for value in &listed {
        let name = value.as_str();
        match Hidden::ALL.into_iter().find(|part| Some(part.as_str()) == name) {
            Some(part) => hidden.push(part),
            None => {
                refuse(fields, value);
                return None;
            }
        }
    }
    hidden.sort_unstable();
    hidden.dedup();
    Some(hidden)
}

fn refuse(fields: &mut Fields, value: &Value) {
    let sent = value.as_str().unwrap_or_default().trim().to_lowercase();
    fields.fault_near(
        NAME,
        "invalid_public_hides",
        "El campo public_hides debe ser una lista con ninguno, uno o más de: evidence (la evidencia), grade (la calificación), surname (el apellido)",
        "The field public_hides must be an array of none, one or more of: evidence, grade, surname",
        nearest(&sent, Hidden::ALL.map(Hidden::as_str)),
    );
}
