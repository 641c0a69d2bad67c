//! The caller's own notes on a credential, `metadata`: names and texts that its organization's keys read back. They are in
//! no document, page, mail, certificate or log, and no identity follows from them.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::{
    field_error::FieldError,
    json::{Object, shown},
    lang::{Lang, StaffLang},
};

/// The member of a request and of a recipient that has them.
pub const METADATA: &str = "metadata";
/// Most keys.
pub const MAX_KEYS: usize = 20;
/// Longest key, in characters.
pub const MAX_KEY: usize = 40;
/// Most bytes of all, as JSON in UTF-8.
pub const MAX_BYTES: usize = 2 * 1024;

/// Metadata within their limits. Their `Debug` form is redacted.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metadata(BTreeMap<String, String>);

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metadata(…)")
    }
}

/// What is wrong with metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataFault {
    /// They are no object.
    NotAnObject,
    /// They have more than [`MAX_KEYS`] keys.
    TooMany,
    /// A key is empty, longer than [`MAX_KEY`] characters or has control characters; holds it, cut.
    Key(String),
    /// A value is no text; holds its key.
    NotText(String),
    /// They are larger than [`MAX_BYTES`].
    TooLarge,
}

impl Metadata {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads an object of texts, which stay as they were sent; null and empty ones count as absent.
    ///
    /// # Errors
    /// Every fault of it.
    pub fn read(raw: &RawValue) -> Result<Self, Vec<MetadataFault>> {
        let Ok(Object(members)) = serde_json::from_str::<Object<'_>>(raw.get()) else {
            return Err(vec![MetadataFault::NotAnObject]);
        };
        if members.len() > MAX_KEYS {
            return Err(vec![MetadataFault::TooMany]);
        }
        let (mut read, mut faults) = (Self::default(), Vec::new());
        for (key, raw) in members {
            if key.is_empty() || key.chars().count() > MAX_KEY || key.contains(char::is_control) {
                faults.push(MetadataFault::Key(shown(&key)));
                continue;
            }
            match serde_json::from_str::<Option<String>>(raw.get()) {
                Ok(value) => {
                    read.0.extend(value.filter(|text| !text.is_empty()).map(|text| (key, text)));
                }
                Err(_) => faults.push(MetadataFault::NotText(key)),
            }
        }
        match (faults.is_empty(), read.bounded()) {
            (true, read) => read.map_err(|fault| vec![fault]),
            (false, _) => Err(faults),
        }
    }

    /// These, and those of a recipient, which win.
    ///
    /// # Errors
    /// What both together exceed.
    pub fn merged(&self, own: &Self) -> Result<Self, MetadataFault> {
        let mut all = self.clone();
        all.0.extend(own.0.clone());
        all.bounded()
    }

    fn bounded(self) -> Result<Self, MetadataFault> {
        if self.0.len() > MAX_KEYS {
            return Err(MetadataFault::TooMany);
        }
        match serde_json::to_vec(&self) {
            Ok(json) if json.len() <= MAX_BYTES => Ok(self),
            _ => Err(MetadataFault::TooLarge),
        }
    }
}

impl MetadataFault {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnObject | Self::NotText(_) => "wrong_type",
            Self::TooMany => "too_many",
            Self::Key(_) => "invalid_key",
            Self::TooLarge => "too_large",
        }
    }

    /// The field at fault.
    pub fn field(&self) -> String {
        match self {
            Self::NotText(key) => format!("{METADATA}.{key}"),
            Self::NotAnObject | Self::TooMany | Self::Key(_) | Self::TooLarge => {
                METADATA.to_owned()
            }
        }
    }

    /// The text for people.
    pub fn text(&self, lang: Lang) -> String {
        let field = self.field();
        match (self, lang.staff()) {
            (Self::NotAnObject, StaffLang::Es) => format!("El campo {field} debe ser un objeto"),
            (Self::NotAnObject, StaffLang::En) => format!("The field {field} must be an object"),
            (Self::NotText(_), StaffLang::Es) => format!("El campo {field} debe ser un texto"),
            (Self::NotText(_), StaffLang::En) => format!("The field {field} must be a string"),
            (Self::TooMany, StaffLang::Es) => {
                format!(
                    "El campo {field} admite {MAX_KEYS} claves como máximo, también junto con las de la solicitud"
                )
            }
            (Self::TooMany, StaffLang::En) => {
                format!(
                    "The field {field} takes at most {MAX_KEYS} keys, those of the request included"
                )
            }
            (Self::Key(key), StaffLang::Es) => format!(
                "La clave «{key}» de {field} debe tener de 1 a {MAX_KEY} caracteres, sin los de control"
            ),
            (Self::Key(key), StaffLang::En) => format!(
                "The key \"{key}\" of {field} must have 1 to {MAX_KEY} characters, none of them a control character"
            ),
            (Self::TooLarge, StaffLang::Es) => {
                format!(
                    "El campo {field} supera los {MAX_BYTES} bytes, también junto con el de la solicitud"
                )
            }
            (Self::TooLarge, StaffLang::En) => {
                format!(
                    "The field {field} is larger than {MAX_BYTES} bytes, that of the request included"
                )
            }
        }
    }
}

impl From<&MetadataFault> for FieldError {
    fn from(fault: &MetadataFault) -> Self {
        let pointer = match fault {
            MetadataFault::NotText(key) => {
                format!("/{METADATA}/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            _ => format!("/{METADATA}"),
        };
        Self::new(pointer, fault.code(), fault.text(Lang::Es), fault.text(Lang::En))
    }
}
