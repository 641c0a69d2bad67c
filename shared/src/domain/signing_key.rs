//! Signing keys as they are stored: sealed, and their public part.

use serde::{Deserialize, Serialize};

use crate::domain::ids::Mode;

/// A key cannot be made or opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyError {
    /// Likely to pass: KMS throttles or is out of reach.
    #[error("KMS is not available: {0}")]
    Unavailable(String),
    /// The key does not open, or there is nothing to open it with.
    #[error("the signing key cannot be used: {0}")]
    Broken(String),
}

/// The key that an organization signs with in a mode, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKey {
    /// Version of this item's format.
    pub v: u32,
    /// The public key as a Multikey; names the key.
    pub multikey: String,
    /// The sealed seed, base64.
    pub sealed: String,
    /// When it was made, RFC 3339.
    pub created_at: String,
}

/// The public part of a key, kept for ever: without it nothing that it signed verifies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Version of this item's format.
    pub v: u32,
    /// The key as a Multikey.
    pub multikey: String,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// When another took its place, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<String>,
    /// When it was declared compromised: nothing that it signed verifies any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compromised_at: Option<String>,
    /// Why.
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
