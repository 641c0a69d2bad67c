//! Facts of a template's own: hours, honours, a programme, a student number. A template defines them, a
//! recipient brings them under `custom`.
//!
//! [`custom_field`](super::custom_field) has the definitions. A public fact is signed and shown. A private one is stored, and no more: it is in no document, page, mail or
//! log, and no identity follows from it.

use std::{borrow::Cow, cmp::Ordering, collections::BTreeMap, fmt, hash};

use serde::{Deserialize, Serialize};

use crate::domain::{credits::Credits, lang::Lang, text::cleaned};

/// Longest key, in characters.
pub const MAX_KEY: usize = 40;
/// The member of a recipient that has the facts.
pub const CUSTOM: &str = "custom";

/// The key of a fact: 1 to 40 characters of `a-z`, `0-9` and `_`, the first a letter. Held in place, so
/// that a column of a file can name it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key {
    bytes: [u8; MAX_KEY],
    length: u8,
}

impl Key {
    /// Reads a key.
    pub fn parse(text: &str) -> Option<Self> {
        let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let fits = text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(is_part);
        let mut bytes = [0; MAX_KEY];
        bytes.get_mut(..text.len()).filter(|_| fits)?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: u8::try_from(text.len()).ok()? })
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The fact as a fault names it: `custom.hours`.
    pub fn field(&self) -> String {
        format!("{CUSTOM}.{self}")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl hash::Hash for Key {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a key"))
    }
}

/// The facts of a recipient.
pub type Facts = BTreeMap<Key, CustomValue>;

/// The value of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CustomValue {
    /// A number.
    Number(Credits),
    /// A text, or one of a list.
    Text(String),
}

impl CustomValue {
    /// The value as it is signed.
    pub fn signed(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    /// The text, of one that is a text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Number(_) => None,
            Self::Text(text) => Some(text),
        }
    }

    /// The value in normal form 2; none if that is the same.
    pub(super) fn clean(&self) -> Option<Self> {
        match cleaned(self.as_text()?) {
            Cow::Borrowed(_) => None,
            Cow::Owned(clean) => Some(Self::Text(clean)),
        }
    }

    /// Whether it is a text of which cleaning left nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.as_text() == Some("")
    }

    /// The value as people read it.
    pub fn text(&self, lang: Lang) -> String {
        match self {
            Self::Number(number) => lang.decimal(number),
            Self::Text(text) => text.clone(),
        }
    }
}
