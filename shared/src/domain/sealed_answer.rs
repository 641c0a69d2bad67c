//! The answer that is kept for an `Idempotency-Key`: sealed under a key that follows from the request's
//! body and the organization's secret (AES-256-GCM).
//!
//! Only a request with the same body opens it. What is stored shows neither the body nor the answer, which
//! have addresses and names: no fingerprint of a guessed body can be compared without the secret, and no
//! answer be read without the body.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use crate::domain::{
    identity::IdSecret,
    packing::{pack, unpack},
    seal::Sealed,
};

/// An answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// Status.
    #[serde(rename = "s")]
    pub status: u16,
    /// Headers, in their order.
    #[serde(rename = "h")]
    pub headers: Vec<(String, String)>,
    /// Body.
    #[serde(rename = "b")]
    pub body: String,
}

/// Seals and opens the answer to one request.
pub struct RequestSeal<'a> {
    secret: &'a IdSecret,
    fingerprint: String,
    key: [u8; 32],
}

impl fmt::Debug for RequestSeal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestSeal(…)")
    }
}

impl<'a> RequestSeal<'a> {
    /// The seal of a request: its `scope` is all that a repetition shares beside the body, which is
    /// canonical.
    pub fn of(secret: &'a IdSecret, scope: &str, body: &[u8]) -> Self {
        let (fingerprint, key) = secret.request_marks(scope, body);
        Self { secret, fingerprint, key }
    }

    /// The fingerprint of scope and body: 22 characters, which tell nothing without the secret.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Seals an answer. None if it is larger than 256 KiB.
    pub fn seal(&self, answer: &KeptAnswer) -> Option<Vec<u8>> {
        let mut sealed = pack(&serde_json::to_vec(answer).ok()?, b"").ok()?;
        // The nonce follows from the content, so only the same answer uses it again.
        let nonce: [u8; NONCE_LEN] = self.secret.seal_nonce(Sealed::Answer, &self.bound(), &sealed);
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.bound()),
                &mut sealed,
            )
            .ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// Opens a sealed answer; none if it was sealed for another request.
    pub fn open(&self, sealed: &[u8]) -> Option<KeptAnswer> {
        let (nonce, content) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut content = content.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let packed =
            self.cipher()?.open_in_place(nonce, Aad::from(self.bound()), &mut content).ok()?;
        serde_json::from_slice(&unpack(packed, b"").ok()?).ok()
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.key).ok()?))
    }

    fn bound(&self) -> String {
        format!("unicreda {} 1 {}", Sealed::Answer.as_str(), self.fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> KeptAnswer {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        KeptAnswer { status: 200, headers, body: body.to_owned() }
    }

    #[test]
    fn an_answer_opens_for_the_same_request_alone_and_byte_for_byte() {
        let (secret, foreign) = (IdSecret::new([7; 32]), IdSecret::new([8; 32]));
        let seal =
            RequestSeal::of(&secret, "demo#live#POST /x#k", b"{\"email\":\"ana@ejemplo.com\"}");
        for text in
            ["", "{\"email\":\"ana@ejemplo.com\",\"ñ\":\"\\u0000 \\\" 😀\"}", &"x".repeat(200_000)]
        {
            let sealed = seal.seal(&answer(text)).expect("sealed");
            assert_eq!(seal.open(&sealed), Some(answer(text)));
            assert_eq!(seal.seal(&answer(text)).as_ref(), Some(&sealed), "the same answer alone");
            assert!(!String::from_utf8_lossy(&sealed).contains("ana"));
            for (secret, scope, body) in [
                (&secret, "demo#live#POST /x#k", b"{\"email\":\"eva@ejemplo.com\"}".as_slice()),
                (&secret, "demo#live#POST /x#other", b"{\"email\":\"ana@ejemplo.com\"}"),
                (&foreign, "demo#live#POST /x#k", b"{\"email\":\"ana@ejemplo.com\"}"),
            ] {
                let other = RequestSeal::of(secret, scope, body);
                assert_ne!(other.fingerprint(), seal.fingerprint());
                assert_eq!(other.open(&sealed), None, "{scope}");
            }
            for place in [0, 5, sealed.len() / 2, sealed.len() - 1] {
                let mut changed = sealed.clone();
                changed[place] ^= 1;
                assert_eq!(seal.open(&changed), None, "{place}");
            }
        }
        // Two answers to one request share neither nonce nor bytes.
        let [one, other] = ["a", "b"].map(|text| seal.seal(&answer(text)).expect("sealed"));
        assert_ne!(one.get(..12), other.get(..12));
        assert_eq!(seal.open(b"short"), None);
        let large: String =
            (0..90_000_u32).map(|n| format!("{}", n.wrapping_mul(2_654_435_761))).collect();
        assert_eq!(seal.seal(&answer(&large)), None, "it is not kept");
    }

    /// Answers are kept for a day, and a later release opens them.
    #[test]
    fn the_fingerprint_never_changes() {
        let secret = IdSecret::new([7; 32]);
        let seal = RequestSeal::of(&secret, "demo#live#POST /x#k", b"{}");
        assert_eq!(seal.fingerprint(), "NxLVQAKnxmPVn4Wq0jEAOA");
        assert_eq!(seal.fingerprint().len(), 22);
    }
}
