//! The senders of mail that an operator allows an organization.

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

#[cfg(test)]
mod tests {
    use super::*;

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
