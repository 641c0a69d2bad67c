//! Signing keys as they are stored: sealed, and their public part.

use serde::{Deserialize, Serialize};

use crate::domain::{base58, ids::Mode};

/// Most times that the signing key of an organization and mode is replaced within a day: each
/// time adds a key to its DID document for ever.
pub const MOST_ROTATIONS: usize = 10;
/// A day, in seconds.
const DAY: i64 = 24 * 3600;

/// A failure to make or open a key.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyError {
    /// Temporary: KMS throttles or does not answer.
    #[error("KMS is not available: {0}")]
    Unavailable(String),
    /// The key does not open, or KMS has no key to open it.
    #[error("the signing key cannot be used: {0}")]
    Broken(String),
}

/// The signing key of an organization and mode, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKey {
    /// Version of this item's format.
    pub v: u32,
    /// The public key as a Multikey; names the key.
    pub multikey: String,
    /// The sealed seed, base64.
    pub sealed: String,
    /// Instant of its creation, RFC 3339.
    pub created_at: String,
    /// Instants of the last rotations, this key's own included, seconds since 1970.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rotated_at: Vec<i64>,
}

impl SealedKey {
    /// Returns the rotations to note with the key that replaces this one.
    ///
    /// # Errors
    /// The seconds to wait, when [`MOST_ROTATIONS`] were within a day.
    pub fn next_rotations(&self, now: i64) -> Result<Vec<i64>, i64> {
        let rotations = self.rotations_after(now - DAY);
        if rotations.len() < MOST_ROTATIONS {
            return Ok(with(rotations, now));
        }
        let first = rotations.iter().copied().min().unwrap_or(now);
        Err((first + DAY - now).max(1))
    }

    /// Returns the rotations to note when it is replaced in spite of the bound.
    pub fn forced_rotations(&self, now: i64) -> Vec<i64> {
        let mut rotations = with(self.rotations_after(now - DAY), now);
        rotations.drain(..rotations.len().saturating_sub(MOST_ROTATIONS));
        rotations
    }

    fn rotations_after(&self, instant: i64) -> Vec<i64> {
        self.rotated_at.iter().copied().filter(|at| *at > instant).collect()
    }
}

fn with(mut rotations: Vec<i64>, now: i64) -> Vec<i64> {
    rotations.push(now);
    rotations
}

/// The public part of a key. It is stored for ever: no document of the key verifies without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Version of this item's format.
    pub v: u32,
    /// The key as a Multikey.
    pub multikey: String,
    /// Instant of its creation, RFC 3339.
    pub created_at: String,
    /// Instant at which another key replaced it, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<String>,
    /// Instant at which it was declared compromised; from then on no document of the key
    /// verifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compromised_at: Option<String>,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl PublicKey {
    /// The answer of the routes of signing keys.
    pub fn answer(&self, key_id: &str, mode: Mode) -> serde_json::Value {
        serde_json::json!({
            "id": key_id, "multikey": self.multikey, "mode": mode,
            "created_at": self.created_at, "retired_at": self.retired_at,
            "compromised_at": self.compromised_at, "reason": self.reason,
        })
    }
}

/// Codec `ed25519-pub` as a varint (multicodec table).
const ED25519_PUB: [u8; 2] = [0xed, 0x01];

/// An Ed25519 public key as a Multikey: `z6Mk…` (base58btc).
pub fn multikey(public: &[u8; 32]) -> String {
    let mut bytes = ED25519_PUB.to_vec();
    bytes.extend_from_slice(public);
    base58::encode(&bytes)
}

/// The Ed25519 public key of a Multikey.
pub fn public_key(multikey: &str) -> Option<[u8; 32]> {
    let bytes = base58::decode::<34>(multikey)?;
    bytes.strip_prefix(&ED25519_PUB)?.try_into().ok()
}
