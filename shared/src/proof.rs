//! Data Integrity proofs, cryptosuite `eddsa-rdfc-2022` (W3C Data Integrity EdDSA
//! Cryptosuites 1.0, §3.2): the one that the 1EdTech validator, VerifierPlus and Learner
//! Credential Wallet accept.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ED25519, UnparsedPublicKey},
};
use serde_json::{Map, Value};

use crate::linked_data::{Contexts, Unportable, canonical};

/// The cryptosuite.
pub const CRYPTOSUITE: &str = "eddsa-rdfc-2022";

/// A document and the proof that it is about to get.
#[derive(Debug)]
pub struct Unsigned {
    document: Map<String, Value>,
    options: Map<String, Value>,
    to_sign: [u8; 64],
}

impl Unsigned {
    /// Computes what is to be signed for a document under a key, `created` in RFC 3339 to
    /// the second.
    ///
    /// # Errors
    /// When the document has no canonical form that every verifier finds.
    pub fn new(
        document: Map<String, Value>,
        key_id: &str,
        created: &str,
        contexts: Contexts,
    ) -> Result<Self, Unportable> {
        let mut unsigned = Self::unchecked(document, key_id, created);
        unsigned.to_sign = hashes(&unsigned.document, &unsigned.options, contexts)?;
        Ok(unsigned)
    }

    /// The shape of a proof, for a document that nobody signs.
    pub fn unchecked(document: Map<String, Value>, key_id: &str, created: &str) -> Self {
        let mut options = Map::new();
        for (name, value) in [
            ("type", "DataIntegrityProof"),
            ("created", created),
            ("verificationMethod", key_id),
            ("cryptosuite", CRYPTOSUITE),
            ("proofPurpose", "assertionMethod"),
        ] {
            options.insert(name.to_owned(), Value::from(value));
        }
        Self { document, options, to_sign: [0; 64] }
    }

    /// The 64 bytes that a signature is made over: the hashes of the options and of the
    /// document.
    pub fn to_sign(&self) -> &[u8; 64] {
        &self.to_sign
    }

    /// The document with its proof.
    pub fn signed(mut self, signature: &[u8]) -> Map<String, Value> {
        let value = format!("z{}", bs58::encode(signature).into_string());
        self.options.insert("proofValue".to_owned(), Value::from(value));
        self.document.insert("proof".to_owned(), Value::from(vec![Value::Object(self.options)]));
        self.document
    }
}

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// There is none, or not one of this cryptosuite and shape.
    #[error("no proof of the suite eddsa-rdfc-2022 for assertionMethod")]
    NoProof,
    /// The document is not one whose every part a proof can cover.
    #[error(transparent)]
    Unportable(#[from] Unportable),
    /// The signature is not the key's over this document.
    #[error("the signature does not match the document")]
    Signature,
}

/// A proof that a document carries, not yet checked.
#[derive(Debug)]
pub struct Proof<'a> {
    options: &'a Map<String, Value>,
    /// `verificationMethod`: the id of the key.
    pub key_id: &'a str,
    /// `created`.
    pub created: &'a str,
    signature: Vec<u8>,
}

/// The one proof of a document.
///
/// # Errors
/// [`Broken::NoProof`].
pub fn read(document: &Map<String, Value>) -> Result<Proof<'_>, Broken> {
    let options = match document.get("proof") {
        Some(Value::Object(proof)) => Some(proof),
        Some(Value::Array(proofs)) => match proofs.as_slice() {
            [Value::Object(proof)] => Some(proof),
            _ => None,
        },
        _ => None,
    };
    let options = options.ok_or(Broken::NoProof)?;
    let text = |name: &str| options.get(name).and_then(Value::as_str).ok_or(Broken::NoProof);
    let ours = text("type")? == "DataIntegrityProof"
        && text("cryptosuite")? == CRYPTOSUITE
        && text("proofPurpose")? == "assertionMethod";
    let value = text("proofValue")?.strip_prefix('z').ok_or(Broken::NoProof)?;
    let signature = bs58::decode(value).into_vec().map_err(|_| Broken::NoProof)?;
    if !ours || signature.len() != 64 {
        return Err(Broken::NoProof);
    }
    Ok(Proof { options, key_id: text("verificationMethod")?, created: text("created")?, signature })
}

/// Checks a document's proof under an Ed25519 key.
///
/// # Errors
/// [`Broken`].
pub fn check(document: &Map<String, Value>, public: &[u8; 32]) -> Result<(), Broken> {
    let proof = read(document)?;
    let mut options = proof.options.clone();
    options.remove("proofValue");
    let mut bare = document.clone();
    bare.remove("proof");
    let to_sign = hashes(&bare, &options, Contexts::Issued)?;
    UnparsedPublicKey::new(&ED25519, public)
        .verify(&to_sign, &proof.signature)
        .map_err(|_| Broken::Signature)
}

fn hashes(
    document: &Map<String, Value>,
    options: &Map<String, Value>,
    contexts: Contexts,
) -> Result<[u8; 64], Unportable> {
    let mut options = options.clone();
    // The proof is read by the document's contexts.
    let context = document.get("@context").cloned().unwrap_or_default();
    options.insert("@context".to_owned(), context);
    let mut out = [0; 64];
    let (first, second) = out.split_at_mut(32);
    first.copy_from_slice(digest(&SHA256, canonical(&options, contexts)?.as_bytes()).as_ref());
    second.copy_from_slice(digest(&SHA256, canonical(document, contexts)?.as_bytes()).as_ref());
    Ok(out)
}
