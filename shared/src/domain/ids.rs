//! Identifiers: an invalid value cannot be built.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is not an identifier of this kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a valid {0}")]
pub struct InvalidId(&'static str);

/// An organization's short name: 2 to 40 characters of `a-z`, `0-9` and inner hyphens.
/// Keys, links and DIDs contain it, so it never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct OrgId(String);

impl OrgId {
    /// Reads a short name.
    ///
    /// # Errors
    /// When the text breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fits = (2..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidId("organization id")) }
    }

    /// The short name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OrgId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a key, and all it makes, is real or a rehearsal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Real credentials.
    Live,
    /// Test credentials: never mailed, never to pass as real.
    Test,
}

impl Mode {
    /// `live` or `test`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Reads the hyphenated form of a UUID, in either case.
            ///
            /// # Errors
            /// When the text is not a UUID in that form.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                // `Uuid` also reads braces, URNs and bare hex: one spelling keeps links one.
                if text.len() != 36 {
                    return Err(InvalidId($what));
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId($what))
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A template's id.
    TemplateId,
    "template id"
);
uuid_id!(
    /// A credential's id: a UUIDv8 that follows from its identity, see `identity`.
    CredentialId,
    "credential id"
);
uuid_id!(
    /// A job's id.
    JobId,
    "job id"
);

/// A shard of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId {
    /// The job.
    pub job: JobId,
    /// The shard's number, from 0.
    pub number: u32,
}

/// A row of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId {
    /// Its shard.
    pub shard: ShardId,
    /// The row's number, from 1.
    pub row: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_id_is_a_short_lower_case_name() {
        for good in ["demo", "u-chile", "a1"] {
            assert!(OrgId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "Demo", "a_b", "-a", "a-", "ñu", &"a".repeat(41)] {
            assert!(OrgId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_uuid_has_one_spelling() {
        let id = "550e8400-e29b-41d4-a716-446655440000";
        assert_eq!(TemplateId::parse(id).map(|t| t.to_string()), Ok(id.to_owned()));
        assert_eq!(TemplateId::parse(&id.to_uppercase()).map(|t| t.to_string()), Ok(id.to_owned()));
        for bad in
            ["", "550e8400e29b41d4a716446655440000", "{550e8400-e29b-41d4-a716-446655440000}"]
        {
            assert!(TemplateId::parse(bad).is_err(), "{bad}");
        }
    }
}
