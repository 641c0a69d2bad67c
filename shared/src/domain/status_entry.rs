//! The entry of a signed version in a status list, and the name of the list.

use std::fmt;

use crate::domain::ids::{Mode, OrgId};

/// Entries of a list: the least that the standard allows, so that no list is small enough to
/// single out a person.
pub const LENGTH: u32 = 131_072;

/// The bit of a signed version: set if the version is not in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusEntry {
    /// Number of the list, from 0.
    pub list: u32,
    /// Index of the bit, from 0.
    pub index: u32,
}

/// A status list of an organization and mode.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListId {
    /// Issuer.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Number, from 0.
    pub number: u32,
}

impl ListId {
    /// Reads `{org}.{mode}.{number}`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let org = OrgId::parse(parts.next()?).ok()?;
        let mode = match parts.next()? {
            "live" => Mode::Live,
            "test" => Mode::Test,
            _ => return None,
        };
        let number = parts.next()?;
        let read = Self { org, mode, number: number.parse().ok()? };
        // One spelling: no sign, no leading zero, nothing after.
        (parts.next().is_none() && read.to_string() == text).then_some(read)
    }

    /// Its public address.
    pub fn url(&self, site_url: &str) -> String {
        format!("{site_url}/status/{self}")
    }
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.org, self.mode, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_one_name() {
        let id = ListId::parse("u-andina.live.12").expect("list");
        assert_eq!(
            (id.number, id.mode, id.to_string().as_str()),
            (12, Mode::Live, "u-andina.live.12")
        );
        for bad in ["demo.live", "demo.live.01", "demo.live.+1", "demo.live.1.2", "demo.x.1", ""] {
            assert_eq!(ListId::parse(bad), None, "{bad}");
        }
    }
}
