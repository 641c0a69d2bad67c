//! Seals what a link or a cursor carries, so that its holder can neither read nor change it
//! (AES-256-GCM under a key of the organization and mode).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::domain::{identity::IdSecret, tenant::Tenant};

/// Longest sealed text that is read, in bytes: an address has 254 at most.
const MAX_SEALED: usize = 600;

/// What is sealed. Each has a key of its own, so that no seal opens as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// The link to a member's wallet.
    Wallet,
    /// The link to the wallet of who receives mail at an address, a member or not.
    Holder,
    /// The cursor of a list.
    Cursor,
    /// The answer to a request with an `Idempotency-Key`, see
    /// [`sealed_answer`](crate::domain::sealed_answer).
    Answer,
}

impl Sealed {
    /// The name in the labels of keys. It never changes: links out there depend on it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Wallet => "wallet",
            Self::Holder => "holder",
            Self::Cursor => "cursor",
            Self::Answer => "answer",
        }
    }
}

/// Seals a content, as base64url. `context` is what the seal is bound to beside organization and
/// mode; it is not in the text. The same arguments make the same text. `None` only if the
/// cipher fails.
pub fn seal(
    secret: &IdSecret,
    what: Sealed,
    tenant: Tenant<'_>,
    context: &str,
    content: &[u8],
) -> Option<String> {
    let bound = bound(what, tenant, context);
    // The nonce follows from the content and what it is bound to, so only the same text uses it
    // again.
    let nonce: [u8; NONCE_LEN] = secret.seal_nonce(what, &bound, content);
    let mut sealed = content.to_vec();
    cipher(secret, what, tenant)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(&bound),
            &mut sealed,
        )
        .ok()?;
    Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
}

/// Opens a sealed text; `None` if it was not sealed with the same arguments.
pub fn open(
    secret: &IdSecret,
    what: Sealed,
    tenant: Tenant<'_>,
    context: &str,
    text: &str,
) -> Option<Vec<u8>> {
    if text.len() > MAX_SEALED {
        return None;
    }
    let mut sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (nonce, content) = sealed.split_first_chunk_mut::<NONCE_LEN>()?;
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let bound = Aad::from(bound(what, tenant, context));
    let content = cipher(secret, what, tenant)?.open_in_place(nonce, bound, content).ok()?;
    Some(content.to_vec())
}

fn cipher(secret: &IdSecret, what: Sealed, tenant: Tenant<'_>) -> Option<LessSafeKey> {
    let key = secret.seal_key(what, tenant);
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).ok()?))
}

fn bound(what: Sealed, tenant: Tenant<'_>, context: &str) -> String {
    let Tenant { org, mode } = tenant;
    let separator = if context.is_empty() { "" } else { " " };
    format!("unicreda {} 1 {org} {mode}{separator}{context}", what.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Mode, OrgId};

    #[test]
    fn a_sealed_text_shows_nothing_and_opens_where_it_was_sealed_alone() {
        let secret = IdSecret::new([7; 32]);
        let (org, other) =
            (OrgId::parse("demo").expect("an id"), OrgId::parse("other").expect("an id"));
        let tenant = Tenant { org: &org, mode: Mode::Live };
        let sealed = seal(&secret, Sealed::Cursor, tenant, "jobs", b"3#ana@ejemplo.com");
        let sealed = sealed.expect("sealed");
        let again = seal(&secret, Sealed::Cursor, tenant, "jobs", b"3#ana@ejemplo.com");
        assert_eq!(again.as_deref(), Some(sealed.as_str()));
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).expect("base64url");
        assert!(!String::from_utf8_lossy(&bytes).contains("ana"));
        let opened = |secret, what, tenant, context| open(secret, what, tenant, context, &sealed);
        assert_eq!(
            opened(&secret, Sealed::Cursor, tenant, "jobs").as_deref(),
            Some(b"3#ana@ejemplo.com".as_slice())
        );
        for elsewhere in [
            opened(&IdSecret::new([8; 32]), Sealed::Cursor, tenant, "jobs"),
            opened(&secret, Sealed::Wallet, tenant, "jobs"),
            opened(&secret, Sealed::Cursor, Tenant { mode: Mode::Test, ..tenant }, "jobs"),
            opened(&secret, Sealed::Cursor, Tenant { org: &other, ..tenant }, "jobs"),
            opened(&secret, Sealed::Cursor, tenant, "members"),
            opened(&secret, Sealed::Cursor, tenant, ""),
        ] {
            assert_eq!(elsewhere, None);
        }
        // The same content elsewhere shares neither nonce nor bytes.
        let other = seal(&secret, Sealed::Cursor, tenant, "members", b"3#ana@ejemplo.com");
        assert_ne!(other.expect("sealed").get(..16), sealed.get(..16));
        for place in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("text");
            assert_eq!(open(&secret, Sealed::Cursor, tenant, "jobs", &changed), None, "{place}");
        }
    }
}
