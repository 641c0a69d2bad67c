//! API keys: `uc_live_{organization}_{id}_{secret}` or `uc_test_…`.
//!
//! The key names its organization, so that key, template and member are read in one call.
//! Only its SHA-256 is stored (the secret has 190 random bits, so a plain hash suffices).
//! The secret is shown once.

use aws_lc_rs::{constant_time, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::domain::ids::{Mode, OrgId};

/// Characters of a key's id (71 random bits).
const ID_LENGTH: usize = 12;
/// Characters of a key's secret (190 random bits).
const SECRET_LENGTH: usize = 32;

/// A permission of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Issue credentials and follow their jobs.
    Issue,
    /// Read credentials, jobs, templates and members.
    Read,
    /// Change templates and members.
    Catalog,
    /// Revoke, suspend, correct, cancel, retry, resend.
    Manage,
    /// Keys and organization settings.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Issue, Self::Read, Self::Catalog, Self::Manage, Self::Admin];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Read => "read",
            Self::Catalog => "catalog",
            Self::Manage => "manage",
            Self::Admin => "admin",
        }
    }
}

/// A key as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// Version of this item's format.
    pub v: u32,
    /// Its public part, unique in the organization.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Live or test.
    pub mode: Mode,
    /// Its permissions.
    pub scopes: Vec<Scope>,
    /// SHA-256 of the whole key, base64url.
    pub hash: String,
    /// The key up to its id.
    pub prefix: String,
    /// The key's last four characters.
    pub last_four: String,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339, if it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// RFC 3339, once revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    /// RFC 3339, to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
}

/// A key in a request: well-formed, not yet checked.
#[derive(Clone)]
pub struct Presented {
    /// The organization in the key.
    pub org: OrgId,
    /// The mode in the key.
    pub mode: Mode,
    /// Its public part.
    pub id: String,
    hash: String,
}

impl Presented {
    /// Reads the header `X-API-Key`.
    pub fn parse(text: &str) -> Option<Self> {
        let (mode, rest) = if let Some(rest) = text.strip_prefix("uc_live_") {
            (Mode::Live, rest)
        } else {
            (Mode::Test, text.strip_prefix("uc_test_")?)
        };
        let mut parts = rest.split('_');
        let (org, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let well_formed = parts.next().is_none()
            && may_be_id(id)
            && secret.len() == SECRET_LENGTH
            && secret.bytes().all(|b| b.is_ascii_alphanumeric());
        well_formed.then_some(())?;
        Some(Self { org: OrgId::parse(org).ok()?, mode, id: id.to_owned(), hash: hash(text) })
    }
}

/// Whether a text has the form of a key's id.
pub fn may_be_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A new key: the stored item, and the secret, which is shown once.
pub struct NewKey {
    /// The stored item.
    pub kept: ApiKey,
    /// The whole key.
    pub secret: String,
}

/// Random bytes of a new key: two a character.
pub const ENTROPY: usize = 2 * (ID_LENGTH + SECRET_LENGTH);

/// Makes a key from random bytes.
pub fn new(
    org: &OrgId,
    mode: Mode,
    name: String,
    scopes: Vec<Scope>,
    created_at: String,
    expires_at: Option<String>,
    entropy: &[u8; ENTROPY],
) -> NewKey {
    // Two bytes a character keep the bias of the remainder below 0.1 %.
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut letters = entropy.chunks_exact(2).filter_map(|pair| {
        let number = pair.iter().fold(0_usize, |n, b| (n << 8) | usize::from(*b));
        ALPHABET.get(number % ALPHABET.len()).map(|b| char::from(*b))
    });
    let id: String = letters.by_ref().take(ID_LENGTH).collect();
    let tail: String = letters.collect();
    let prefix = format!("uc_{mode}_{org}_{id}");
    let secret = format!("{prefix}_{tail}");
    let last_four = tail.get(SECRET_LENGTH - 4..).unwrap_or_default().to_owned();
    let kept = ApiKey {
        v: 1,
        id,
        name,
        mode,
        scopes,
        hash: hash(&secret),
        prefix,
        last_four,
        created_at,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    NewKey { kept, secret }
}

fn hash(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, key.as_bytes()))
}

impl ApiKey {
    /// Whether the presented key is this one, not revoked and not expired. `now` is RFC 3339 in
    /// UTC, so that texts compare as instants.
    pub fn admits(&self, presented: &Presented, now: &str) -> bool {
        let same =
            constant_time::verify_slices_are_equal(self.hash.as_bytes(), presented.hash.as_bytes())
                .is_ok();
        same && self.mode == presented.mode
            && self.revoked_at.is_none()
            && self.expires_at.as_deref().is_none_or(|end| now < end)
    }

    /// The answer of `GET /api-keys`, without the secret.
    pub fn answer(&self) -> serde_json::Value {
        serde_json::json!({
            "id": self.id, "name": self.name, "mode": self.mode, "scopes": self.scopes,
            "prefix": self.prefix, "last_four": self.last_four, "created_at": self.created_at,
            "expires_at": self.expires_at, "revoked_at": self.revoked_at,
            "last_used_at": self.last_used_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(mode: Mode) -> NewKey {
        let org = OrgId::parse("u-chile").expect("org");
        let at = "2026-01-01T00:00:00Z".to_owned();
        new(&org, mode, "n".into(), vec![Scope::Issue], at, None, &[5; ENTROPY])
    }

    #[test]
    fn a_key_is_read_back_and_admitted() {
        for mode in [Mode::Live, Mode::Test] {
            let NewKey { kept, secret } = key(mode);
            let presented = Presented::parse(&secret).expect("well-formed");
            assert_eq!(presented.org.as_str(), "u-chile");
            assert!(kept.admits(&presented, "2026-06-01T00:00:00Z"));
            assert!(secret.ends_with(&kept.last_four) && secret.starts_with(&kept.prefix));
            assert!(!format!("{kept:?}").contains(&secret));
        }
    }

    #[test]
    fn another_secret_an_expired_and_a_revoked_key_are_refused() {
        let NewKey { mut kept, secret } = key(Mode::Live);
        let presented = Presented::parse(&secret).expect("well-formed");
        let mut other = secret.clone();
        let last = if other.pop() == Some('x') { 'y' } else { 'x' };
        other.push(last);
        let other = Presented::parse(&other).expect("well-formed");
        assert!(!kept.admits(&other, "2026-06-01T00:00:00Z"));
        kept.expires_at = Some("2026-05-01T00:00:00Z".into());
        assert!(!kept.admits(&presented, "2026-06-01T00:00:00Z"));
        assert!(kept.admits(&presented, "2026-04-01T00:00:00Z"));
        kept.expires_at = None;
        kept.revoked_at = Some("2026-05-01T00:00:00Z".into());
        assert!(!kept.admits(&presented, "2026-04-01T00:00:00Z"));
    }

    #[test]
    fn what_is_not_a_key_is_not_looked_up() {
        for bad in ["", "uc_live_", "uc_live_demo_a_b", "sk_live_demo_x_y", "uc_live_tu_key_aqui"] {
            assert!(Presented::parse(bad).is_none(), "{bad}");
        }
    }
}
