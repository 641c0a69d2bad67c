//! E-mail addresses: the accepted ones, in one spelling.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::unseen::is_trimmed;

/// Longest address in characters (RFC 5321 §4.5.3.1.3: a path of 256 with its brackets).
pub const MAX_ADDRESS: usize = 254;
/// Longest text that is read, in bytes. Characters that a domain drops, such as a soft hyphen, and
/// the spaces around it do not count in [`MAX_ADDRESS`].
const MAX_TYPED: usize = 2_000;
/// Longest part before the `@` (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;

/// Names at the top of the tree that nobody can own, so that no mail reaches them: reserved
/// (RFC 2606 and 6761 `invalid`, `localhost`, `test`; RFC 6762 `local`; RFC 7686 `onion`; RFC 9476
/// `alt`; RFC 3172 and 8375 `arpa`), kept for private use by ICANN (`internal`; `corp`, `home` and
/// `mail` are never delegated), or in private use everywhere (RFC 6762, appendix G). `example` is
/// missing on purpose: documentation and trials use it.
const OWNED_BY_NOBODY: [&str; 15] = [
    "alt",
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mail",
    "onion",
    "private",
    "test",
];

/// An address in its one spelling: lower case, the domain as A-labels.
///
/// Its `Debug` form is redacted: addresses never reach a log line.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct EmailAddress(String);

/// The text is not an address for mail.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an e-mail address")]
pub struct InvalidEmail;

impl EmailAddress {
    /// Reads an address; spaces and invisible characters around it are dropped.
    ///
    /// The local part is ASCII (SES does not carry SMTPUTF8) and a dot-atom (RFC 5322
    /// §3.2.3), the domain a public one of two labels or more, in any script (IDNA 2008
    /// through UTS #46). Quoted local parts, address literals and line breaks are refused.
    ///
    /// # Errors
    /// When the text is not such an address.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        // A domain in another script takes time with the square of its length.
        if text.len() > MAX_TYPED {
            return Err(InvalidEmail);
        }
        let is_around = |c: char| is_trimmed(c) || (c.is_whitespace() && !c.is_control());
        let text = text.trim_matches(is_around);
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let atoms = local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext));
        if !atoms || local.len() > MAX_LOCAL_PART {
            return Err(InvalidEmail);
        }
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| InvalidEmail)?;
        let labels: Vec<&str> = domain.split('.').collect();
        let top_is_a_name = labels
            .last()
            .is_some_and(|top| top.len() > 1 && !top.bytes().all(|b| b.is_ascii_digit()));
        let labels_fit = labels.iter().all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        });
        let address = format!("{}@{domain}", local.to_ascii_lowercase());
        if labels.len() < 2 || !top_is_a_name || !labels_fit || address.len() > MAX_ADDRESS {
            return Err(InvalidEmail);
        }
        Ok(Self(address))
    }

    /// Whether somebody can own its domain. New addresses must have such a domain; stored ones are
    /// read without it.
    pub fn can_be_owned(&self) -> bool {
        let top = self.0.rsplit('.').next().unwrap_or_default();
        // A delegated name is of letters (RFC 3696 §2), or an A-label.
        let is_a_name = top.starts_with("xn--") || top.bytes().all(|b| b.is_ascii_alphabetic());
        is_a_name && !OWNED_BY_NOBODY.contains(&top)
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        self.0.rsplit('@').next().unwrap_or_default()
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 5322 §3.2.3 `atext`.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidEmail;
    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        Self::parse(&text)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        let cases = [
            ("Ana.Perez@Ejemplo.COM", "ana.perez@ejemplo.com"),
            ("  ana+tag@ejemplo.com ", "ana+tag@ejemplo.com"),
            ("\u{200b}ana@ejemplo.com\u{feff}\u{3000}", "ana@ejemplo.com"),
            ("\u{202a}ana@ejemplo.com\u{202c}", "ana@ejemplo.com"),
            ("ana@ñandú.cl", "ana@xn--and-6ma2c.cl"),
            ("ana@ÑANDÚ.cl", "ana@xn--and-6ma2c.cl"),
            ("o'brien@ejemplo.ie", "o'brien@ejemplo.ie"),
        ];
        for (text, address) in cases {
            assert_eq!(EmailAddress::parse(text).map(|e| e.0), Ok(address.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_mail_cannot_be_sent_to_is_refused() {
        let long = format!("{}@ejemplo.com", "a".repeat(300));
        let long_domain = format!("ana@{}.com", "ñandú".repeat(400_000));
        let long_local = format!("{}@ejemplo.com", "a".repeat(65));
        for bad in [
            "",
            "@",
            "ana",
            "ana@",
            "@ejemplo.com",
            "invalido@test",
            "ana perez@ejemplo.com",
            "ana@ejem plo.com",
            "ana@ejemplo.com\r\nBcc: x@y.com",
            "ana@ejemplo.com\n",
            "\tana@ejemplo.com",
            "josé@ejemplo.com",
            "a@b@ejemplo.com",
            "ana..p@ejemplo.com",
            ".ana@ejemplo.com",
            "ana.@ejemplo.com",
            "\"ana p\"@ejemplo.com",
            "ana@[127.0.0.1]",
            "ana@127.0.0.1",
            "ana@-ejemplo.com",
            "ana@ejemplo..com",
            "ana@ejemplo.com.",
            "<ana@ejemplo.com>",
            "ana@ejemplo.com,b@ejemplo.com",
            &long,
            &long_local,
            &long_domain,
        ] {
            assert_eq!(EmailAddress::parse(bad), Err(InvalidEmail), "{bad:?}");
        }
    }

    #[test]
    fn a_domain_that_nobody_can_own_is_known() {
        let owned = |text: &str| EmailAddress::parse(text).map(|address| address.can_be_owned());
        for nobodys in [
            "ana@uni.local",
            "ana@UNI.LOCAL",
            "ana@pc.internal",
            "ana@uni.invalid",
            "ana@abc.onion",
            "ana@uni.test",
            "ana@correo.localhost",
            "ana@casa.home.arpa",
            "ana@x.alt",
            "ana@uni.corp",
            "ana@uni.lan",
            "ana@mail.localdomain",
            "ana@uni.c0m",
            "ana@1.2.3.0x7f",
            "ana@uni。local",
            "ana@uni.ｌｏｃａｌ",
        ] {
            assert_eq!(owned(nobodys), Ok(false), "{nobodys}");
        }
        for somebodys in [
            "ana@demo.example",
            "ana@ejemplo.com",
            "bounce@simulator.amazonses.com",
            "ana@local.cl",
            "ana@test.edu",
            "ana@mail.google.com",
            "ana@onion.internal.com",
            "ana@ñandú.cl",
            "ana@uni.中国",
        ] {
            assert_eq!(owned(somebodys), Ok(true), "{somebodys}");
        }
    }

    #[test]
    fn debug_shows_no_address() {
        let address = EmailAddress::parse("ana@ejemplo.com");
        assert_eq!(format!("{address:?}"), "Ok(EmailAddress(…))");
    }
}
