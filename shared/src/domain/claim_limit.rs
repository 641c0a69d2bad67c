//! How often anyone may ask for a mail without a key: limits of an address and of a network.

use std::net::{IpAddr, Ipv6Addr};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use crate::domain::email::EmailAddress;

/// Mails to an address a day (UTC).
pub const ADDRESS: usize = 3;
/// Mails that requests of a network lead to an hour: a campus can be one.
pub const NETWORK: usize = 60;
/// Requests of a network that are looked up an hour, most of which may be for addresses that are not known.
pub const LOOKUPS: usize = 600;
/// Seconds for which what is counted is kept, and the secret that hides it.
pub const KEPT_SECONDS: i64 = 2 * DAY;
/// Seconds after which a request is answered no more.
pub const ANSWERED_WITHIN: i64 = DAY;
const DAY: i64 = 24 * 3_600;
const HOUR: i64 = 3_600;

/// Who is counted.
#[derive(Clone, Copy)]
pub enum Counted<'a> {
    /// An address, a day long.
    Address(&'a EmailAddress),
    /// A network whose requests led to mail, as [`network_of`] names it, an hour long.
    Network(&'a str),
    /// A network whose requests are looked up, an hour long.
    Lookups(&'a str),
}

impl Counted<'_> {
    /// The key under which it is counted at an instant: nobody finds out of whom without the secret.
    pub fn key(self, secret: &[u8], now: Timestamp) -> String {
        let second = now.as_second();
        let (kind, window, of) = match self {
            Self::Address(email) => ("address", second.div_euclid(DAY), email.as_str()),
            Self::Network(network) => ("network", second.div_euclid(HOUR), network),
            Self::Lookups(network) => ("lookups", second.div_euclid(HOUR), network),
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = hmac::sign(&key, format!("{kind}\n{window}\n{of}").as_bytes());
        URL_SAFE_NO_PAD.encode(tag.as_ref().get(..16).unwrap_or_default())
    }
}

/// The day of an instant, whose secret it is.
pub fn day(now: Timestamp) -> i64 {
    now.as_second().div_euclid(DAY)
}

/// The network of a caller: an IPv4 address, or the 64 bits of an IPv6 address that one household has.
pub fn network_of(address: &str) -> Option<String> {
    Some(match address.parse().ok()? {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_or_a_household() {
        for (address, network) in [
            ("203.0.113.7", Some("203.0.113.7")),
            ("2001:db8:1:2:3:4:5:6", Some("2001:db8:1:2::")),
            ("::ffff:203.0.113.7", Some("203.0.113.7")),
            ("", None),
            ("203.0.113.7:80", None),
        ] {
            assert_eq!(network_of(address).as_deref(), network, "{address}");
        }
    }

    #[test]
    fn what_is_counted_has_a_key_for_its_time_that_shows_nothing() {
        let now: Timestamp = "2026-11-24T10:59:59Z".parse().expect("an instant");
        let later: Timestamp = "2026-11-24T11:00:00Z".parse().expect("an instant");
        let email = EmailAddress::parse("ana@ejemplo.com").expect("an address");
        let address = |secret: &[u8], now| Counted::Address(&email).key(secret, now);
        assert_eq!(address(b"a", now), address(b"a", later), "a day");
        assert_ne!(address(b"a", now), address(b"b", now), "its secret");
        assert!(address(b"a", now).len() == 22 && !address(b"a", now).contains("ana"));
        let network = |now| Counted::Network("ana@ejemplo.com").key(b"a", now);
        assert_ne!(network(now), network(later), "an hour");
        assert_ne!(network(now), address(b"a", now), "its kind");
        assert_ne!(network(now), Counted::Lookups("ana@ejemplo.com").key(b"a", now), "its kind");
    }
}
