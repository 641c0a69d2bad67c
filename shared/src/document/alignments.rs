//! The alignments of a template's version, prepared once for all its credentials.
//!
//! Fifty of them are nine tenths of a document, and the same in every document of the version. What is
//! prepared serves documents of exactly the achievement that it was made from, and the result is that of
//! the whole document, byte for byte; where that is not certain, the whole document is taken.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

use super::{
    Content, achievement::AchievementVersion, build, build_without_alignments,
    common_lines::CommonLines, linked_data::Contexts, proof::Unsigned,
};
use crate::domain::{achievement::Alignment, fault::Unportable};

/// Where the alignments of a document are.
const SUBJECT: &str = "credentialSubject";
const ACHIEVEMENT: &str = "achievement";
const ALIGNMENT: &str = "alignment";
/// The member that follows them.
const NEXT: &str = "version";

/// Prepared alignments.
#[derive(Debug)]
pub struct Prepared {
    id: String,
    url: String,
    alignments: Vec<Alignment>,
    lines: CommonLines,
    json: Box<RawValue>,
}

impl Prepared {
    /// Prepares the alignments of an achievement; none without any, or if each document must be read
    /// as a whole.
    pub fn of(achievement: &AchievementVersion<'_>) -> Option<Self> {
        let values = achievement.alignments();
        if values.is_empty() {
            return None;
        }
        let json = to_raw_value(&values).ok()?;
        let mut part = Map::new();
        part.insert("id".to_owned(), achievement.id().into());
        part.insert(ALIGNMENT.to_owned(), values.into());
        let lines = CommonLines::of(&part, achievement.alignment_id(""))?;
        let alignments = achievement.definition.achievement.alignments.clone();
        Some(Self { id: achievement.id(), url: achievement.url(), alignments, lines, json })
    }

    /// Whether these are the alignments of an achievement.
    pub fn are_of(&self, achievement: &AchievementVersion<'_>) -> bool {
        self.id == achievement.id()
            && self.url == achievement.url()
            && self.alignments == achievement.definition.achievement.alignments
    }
}

/// A document before its signature, perhaps without its alignments, which are prepared.
#[derive(Debug)]
pub struct ToSign<'a> {
    /// The document and what is signed of it.
    pub unsigned: Unsigned,
    /// Its alignments, if it is without them.
    apart: Option<&'a Prepared>,
}

impl<'a> ToSign<'a> {
    /// Builds a document and computes the bytes to sign.
    ///
    /// # Errors
    /// [`Unportable`]: the document has no canonical form that every verifier finds.
    pub fn new(
        content: &Content<'_>,
        prepared: Option<&'a Prepared>,
        key_id: &str,
        created: &str,
    ) -> Result<Self, Unportable> {
        let served = prepared.filter(|prepared| prepared.are_of(&content.achievement()));
        if let Some(prepared) = served {
            let document = build_without_alignments(content);
            if let Some(hash) = prepared.lines.hash(&document) {
                let unsigned = Unsigned::of_hash(document, &hash, key_id, created)?;
                return Ok(Self { unsigned, apart: served });
            }
        }
        let unsigned = Unsigned::new(build(content), key_id, created, Contexts::Issued)?;
        Ok(Self { unsigned, apart: None })
    }

    /// Whether prepared alignments served it.
    pub fn is_apart(&self) -> bool {
        self.apart.is_some()
    }

    /// The JSON of the whole document with its signature.
    ///
    /// # Errors
    /// When JSON cannot be written, which no document causes.
    pub fn signed(self, signature: &[u8]) -> serde_json::Result<Vec<u8>> {
        let document = self.unsigned.signed(signature);
        match self.apart {
            None => serde_json::to_vec(&document),
            Some(prepared) => {
                let (members, path) = (&document, [SUBJECT, ACHIEVEMENT].as_slice());
                serde_json::to_vec(&Spliced { members, path, json: &prepared.json })
            }
        }
    }
}

/// An object with the alignments at their place, below the members of a path.
struct Spliced<'a> {
    members: &'a Map<String, Value>,
    path: &'a [&'a str],
    json: &'a RawValue,
}

impl Serialize for Spliced<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut out = to.serialize_map(None)?;
        for (name, value) in self.members {
            match (self.path.split_first(), value) {
                (Some((first, path)), Value::Object(members)) if name == first => {
                    out.serialize_entry(name, &Spliced { members, path, json: self.json })?;
                    continue;
                }
                (None, _) if name == NEXT => out.serialize_entry(ALIGNMENT, self.json)?,
                _ => {}
            }
            out.serialize_entry(name, value)?;
        }
        out.end()
    }
}
