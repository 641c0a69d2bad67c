//! The senders of mail: those that an operator allows an organization, within those of the deployment.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::email::{EmailAddress, InvalidEmail};

/// Most senders that an organization is allowed.
pub const MOST_SENDERS: usize = 50;

/// A sender that an organization may use: one address, or every address of one domain, its
/// subdomains excepted. Its `Debug` form is redacted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AllowedSender(String);

impl fmt::Debug for AllowedSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AllowedSender(…)")
    }
}

impl fmt::Display for AllowedSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AllowedSender {
    /// Reads an address, or a domain (`uni.edu`, `@uni.edu`, `*@uni.edu`).
    ///
    /// # Errors
    /// [`InvalidEmail`], also for a domain that nobody can own.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let domain = match text.rsplit_once('@') {
            None => Some(text),
            Some(("" | "*", domain)) => Some(domain),
            Some(_) => None,
        };
        let address = match domain {
            Some(domain) => EmailAddress::parse(&format!("x@{domain}"))?,
            None => EmailAddress::parse(text)?,
        };
        if !address.can_be_owned() {
            return Err(InvalidEmail);
        }
        Ok(if domain.is_some() { Self::domain_of(&address) } else { Self::of(&address) })
    }

    /// The entry of one address.
    pub fn of(address: &EmailAddress) -> Self {
        Self(address.as_str().to_owned())
    }

    /// The entry of an address's whole domain: `@uni.edu`.
    pub fn domain_of(address: &EmailAddress) -> Self {
        Self(format!("@{}", address.domain()))
    }

    /// The entry as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it allows an address.
    pub fn allows(&self, address: &EmailAddress) -> bool {
        *self == Self::of(address) || *self == Self::domain_of(address)
    }
}

/// A text that no pattern names, as long as an address's part before the `@` may be.
const ANY_LOCAL_PART: [char; 64] = ['"'; 64];

/// The addresses that a deployment may send from: patterns with `*` for any characters and `?` for
/// one. IAM holds SES to them (`StringLike`), so they are compared as there: case counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderBound(Vec<String>);

impl SenderBound {
    /// Reads patterns, separated by commas.
    pub fn parse(text: &str) -> Self {
        Self(text.split(',').map(|pattern| pattern.trim().to_owned()).collect())
    }

    /// The bound that admits every sender.
    pub fn none() -> Self {
        Self::parse("*")
    }

    /// Whether mail of every address that an entry allows can be sent.
    pub fn admits(&self, sender: &AllowedSender) -> bool {
        let text = match sender.as_str().strip_prefix('@') {
            Some(domain) => format!("{}@{domain}", String::from_iter(ANY_LOCAL_PART)),
            None => sender.as_str().to_owned(),
        };
        self.0.iter().any(|pattern| is_like(pattern, &text))
    }

    /// The patterns with a further one, as they are deployed.
    pub fn with(&self, sender: &AllowedSender) -> String {
        let every = if sender.as_str().starts_with('@') { "*" } else { "" };
        format!("{self},{every}{sender}")
    }
}

impl fmt::Display for SenderBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// Whether a text is like a pattern, which ends the text.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = after(first, text) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        // The first place at which it fits leaves the most for the others.
        match tails(rest).find_map(|tail| after(piece, tail)) {
            Some(tail) => rest = tail,
            None => return false,
        }
    }
    tails(rest).any(|tail| after(last, tail).is_some_and(str::is_empty))
}

/// What follows a piece without `*` at the start of a text.
fn after<'a>(piece: &str, text: &'a str) -> Option<&'a str> {
    let mut rest = text.chars();
    for wanted in piece.chars() {
        let c = rest.next()?;
        if wanted != '?' && wanted != c {
            return None;
        }
    }
    Some(rest.as_str())
}

/// A text, and what is left of it without its first characters.
fn tails(text: &str) -> impl Iterator<Item = &str> {
    (0..=text.len()).filter_map(|at| text.get(at..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_admits_what_its_patterns_are_like() {
        for (patterns, sender, admits) in [
            ("*", "titulos@uni.edu", true),
            ("*", "uni.edu", true),
            ("*@uni.edu", "titulos@uni.edu", true),
            ("*@uni.edu", "uni.edu", true),
            ("*@uni.edu", "titulos@uni.edu.co", false),
            ("*@uni.edu", "titulos@miuni.edu", false),
            ("*@*.uni.edu", "titulos@sede.uni.edu", true),
            ("*@*.uni.edu", "titulos@uni.edu", false),
            ("*@uni.edu, *@sede.edu", "sede.edu", true),
            ("titulos@uni.edu", "titulos@uni.edu", true),
            ("titulos@uni.edu", "actas@uni.edu", false),
            ("titulos@uni.edu", "uni.edu", false),
            ("t*@uni.edu", "uni.edu", false),
            ("t*s@uni.edu", "titulos@uni.edu", true),
            ("?@uni.edu", "a@uni.edu", true),
            ("?@uni.edu", "uni.edu", false),
            ("*a*b*@uni.edu", "xaxbx@uni.edu", true),
            ("*b*a*@uni.edu", "axb@uni.edu", false),
            // As IAM compares.
            ("*@Uni.edu", "titulos@uni.edu", false),
            ("", "titulos@uni.edu", false),
        ] {
            let entry = AllowedSender::parse(sender).expect("a sender");
            assert_eq!(SenderBound::parse(patterns).admits(&entry), admits, "{patterns} {sender}");
        }
        let bound = SenderBound::parse("*@uni.edu");
        let with = |sender| bound.with(&AllowedSender::parse(sender).expect("a sender"));
        assert_eq!(with("a@otra.edu"), "*@uni.edu,a@otra.edu");
        assert_eq!(with("otra.edu"), "*@uni.edu,*@otra.edu");
    }

    #[test]
    fn an_entry_allows_its_address_or_its_domain_alone() {
        let allows = |entry: &str, address: &str| {
            let entry = AllowedSender::parse(entry).map_err(|_| entry.to_owned());
            let address = EmailAddress::parse(address).map_err(|_| address.to_owned());
            address.and_then(|address| Ok(entry?.allows(&address)))
        };
        for (entry, address) in [
            ("Titulos@Uni.edu", "titulos@uni.edu"),
            ("uni.edu", "actas@uni.edu"),
            ("@UNI.edu", "titulos@uni.edu"),
            ("*@uni.edu", "titulos@uni.edu"),
            ("ñandú.cl", "ana@xn--and-6ma2c.cl"),
        ] {
            assert_eq!(allows(entry, address), Ok(true), "{entry} {address}");
        }
        for (entry, address) in [
            ("titulos@uni.edu", "actas@uni.edu"),
            ("titulos@uni.edu", "titulos@uni.edu.co"),
            ("uni.edu", "titulos@correo.uni.edu"),
            ("uni.edu", "titulos@miuni.edu"),
            ("uni.edu", "uni.edu@otra.edu"),
            ("correo.uni.edu", "titulos@uni.edu"),
        ] {
            assert_eq!(allows(entry, address), Ok(false), "{entry} {address}");
        }
        for bad in ["", "@", "*", "edu", "uni edu", "a@b@uni.edu", "uni.local", "*.uni.edu", "a@"] {
            assert!(AllowedSender::parse(bad).is_err(), "{bad}");
        }
    }
}
