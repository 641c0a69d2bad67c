//! The JSON type that a field is expected to have.

use crate::domain::lang::Lang;

/// The expected JSON type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A string.
    Text,
    /// A number.
    Number,
    /// A string or a number.
    TextOrNumber,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Expected {
    pub(super) fn name(self, lang: Lang) -> &'static str {
        match self {
            Self::Text => lang.pick("un texto", "a string"),
            Self::Number => lang.pick("un número", "a number"),
            Self::TextOrNumber => lang.pick("un texto o un número", "a string or a number"),
            Self::Array => lang.pick("una lista", "an array"),
            Self::Object => lang.pick("un objeto", "an object"),
        }
    }
}
