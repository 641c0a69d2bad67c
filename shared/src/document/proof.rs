//! Data Integrity proofs, cryptosuite `eddsa-rdfc-2022` (W3C Data Integrity EdDSA
//! Cryptosuites 1.0, §3.2), which the 1EdTech validator, VerifierPlus and Learner Credential
//! Wallet accept.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ED25519, UnparsedPublicKey},
};
use serde_json::{Map, Value};

use crate::{
    document::linked_data::{Contexts, canonical},
    domain::{base58, fault::Unportable, text::first},
};

/// The cryptosuite.
pub const CRYPTOSUITE: &str = "eddsa-rdfc-2022";

/// The members of a proof.
const MEMBERS: [&str; 6] =
    ["type", "created", "verificationMethod", "cryptosuite", "proofPurpose", "proofValue"];

/// A document and the options of its proof, before the signature.
#[derive(Debug)]
pub struct Unsigned {
    document: Map<String, Value>,
    options: Map<String, Value>,
    to_sign: [u8; 64],
}

impl Unsigned {
    /// Computes the bytes to sign for a document under a key, `created` in RFC 3339 to the
    /// second.
    ///
    /// # Errors
    /// [`Unportable`]: the document has no canonical form that every verifier finds.
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

    /// Computes the bytes to sign for a document from the hash of its canonical form; the document may
    /// lack what the form has.
    ///
    /// # Errors
    /// [`Unportable`]: the options of the proof have no canonical form.
    pub fn of_hash(
        document: Map<String, Value>,
        hash: &[u8; 32],
        key_id: &str,
        created: &str,
    ) -> Result<Self, Unportable> {
        let mut unsigned = Self::unchecked(document, key_id, created);
        let (document, options) = (&unsigned.document, &unsigned.options);
        let options = form_of_options(document, options, Contexts::Issued)?;
        unsigned.to_sign = joined(&options, hash);
        Ok(unsigned)
    }

    /// The shape of a proof, for a document that is never signed.
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

    /// The 64 bytes to sign: the hashes of the options and of the document.
    pub fn to_sign(&self) -> &[u8; 64] {
        &self.to_sign
    }

    /// The document with its proof.
    pub fn signed(mut self, signature: &[u8]) -> Map<String, Value> {
        let value = base58::encode(signature);
        self.options.insert("proofValue".to_owned(), Value::from(value));
        self.document.insert("proof".to_owned(), Value::from(vec![Value::Object(self.options)]));
        self.document
    }
}

/// An invalid proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// No proof of this cryptosuite and shape.
    #[error("no proof of the suite eddsa-rdfc-2022 for assertionMethod")]
    NoProof,
    /// The proof cannot cover every part of the document.
    #[error(transparent)]
    Unportable(#[from] Unportable),
    /// The key did not sign this document.
    #[error("the signature does not match the document")]
    Signature,
}

/// The proof of a document, not yet checked.
#[derive(Debug)]
pub struct Proof<'a> {
    options: &'a Map<String, Value>,
    /// `verificationMethod`: the id of the key.
    pub key_id: &'a str,
    /// `created`.
    pub created: &'a str,
    /// None where `proofValue` is no signature of this suite: then no key has signed the document.
    signature: Option<[u8; 64]>,
}

/// The one proof of a document.
///
/// # Errors
/// [`Broken::NoProof`]: none, several, or another suite.
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
    if !ours {
        return Err(Broken::NoProof);
    }
    let signature = base58::decode(text("proofValue")?);
    Ok(Proof { options, key_id: text("verificationMethod")?, created: text("created")?, signature })
}

/// Checks a document's proof under an Ed25519 key.
///
/// # Errors
/// [`Broken`].
pub fn check(document: &Map<String, Value>, public: &[u8; 32]) -> Result<(), Broken> {
    let proof = read(document)?;
    // The signature is computed without `proofValue` and by the document's contexts: a member
    // such as `@context` would be covered by nothing.
    if let Some(other) = proof.options.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let place = format!("/proof/{}", first(other, 60));
        return Err(Unportable::UnknownTerm(place).into());
    }
    let signature = proof.signature.ok_or(Broken::Signature)?;
    let mut options = proof.options.clone();
    options.remove("proofValue");
    let mut bare = document.clone();
    bare.remove("proof");
    let to_sign = hashes(&bare, &options, Contexts::Issued)?;
    UnparsedPublicKey::new(&ED25519, public)
        .verify(&to_sign, &signature)
        .map_err(|_| Broken::Signature)
}

fn hashes(
    document: &Map<String, Value>,
    options: &Map<String, Value>,
    contexts: Contexts,
) -> Result<[u8; 64], Unportable> {
    let options = form_of_options(document, options, contexts)?;
    let hash = digest(&SHA256, canonical(document, contexts)?.as_bytes());
    Ok(joined(&options, hash.as_ref()))
}

/// The canonical form of the options of a document's proof.
fn form_of_options(
    document: &Map<String, Value>,
    options: &Map<String, Value>,
    contexts: Contexts,
) -> Result<String, Unportable> {
    match (contexts, written_out(options)) {
        (Contexts::Issued, Some(canonical)) => Ok(canonical),
        (Contexts::Issued, None) | (Contexts::Named, _) => {
            let mut options = options.clone();
            // The proof is read by the document's contexts.
            let context = document.get("@context").cloned().unwrap_or_default();
            options.insert("@context".to_owned(), context);
            canonical(&options, contexts)
        }
    }
}

/// The hash of the options' form and that of the document's, of 32 bytes.
fn joined(options: &str, hash: &[u8]) -> [u8; 64] {
    let mut out = [0; 64];
    let (first, second) = out.split_at_mut(32);
    first.copy_from_slice(digest(&SHA256, options.as_bytes()).as_ref());
    second.copy_from_slice(hash);
    out
}

/// The canonical form of options of the usual shape, written out, because expanding them takes
/// as long as half a document. None for any other shape.
fn written_out(options: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| options.get(name).and_then(Value::as_str);
    let plain =
        |text: &&str| text.chars().all(|c| c.is_ascii_alphanumeric() || ":.-_+#%/".contains(c));
    let created = text("created").filter(plain)?;
    let key_id =
        text("verificationMethod").filter(plain).filter(|id| id.starts_with("did:web:"))?;
    let usual = options.len() == 5
        && text("type") == Some("DataIntegrityProof")
        && text("cryptosuite") == Some(CRYPTOSUITE)
        && text("proofPurpose") == Some("assertionMethod");
    usual.then(|| {
        format!(
            "_:c14n0 <http://purl.org/dc/terms/created> \"{created}\"^^<http://www.w3.org/2001/XMLSchema#dateTime> .\n\
             _:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://w3id.org/security#DataIntegrityProof> .\n\
             _:c14n0 <https://w3id.org/security#cryptosuite> \"{CRYPTOSUITE}\"^^<https://w3id.org/security#cryptosuiteString> .\n\
             _:c14n0 <https://w3id.org/security#proofPurpose> <https://w3id.org/security#assertionMethod> .\n\
             _:c14n0 <https://w3id.org/security#verificationMethod> <{key_id}> .\n"
        )
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use serde_json::json;

    use super::*;
    use crate::document::linked_data::{OB_CONTEXT, OB_EXTENSIONS, VC_CONTEXT};

    fn document() -> Map<String, Value> {
        let value = json!({
            "@context": [VC_CONTEXT, OB_CONTEXT, OB_EXTENSIONS],
            "id": "https://u.example/credential/1",
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "name": "Diseño de APIs",
        });
        value.as_object().cloned().unwrap_or_default()
    }

    const KEY: &str = "did:web:u.example%3A3000:orgs:demo#z6Mk";
    const CREATED: &str = "2026-11-24T09:00:00Z";

    #[test]
    fn options_that_are_written_out_are_those_that_are_expanded() {
        let unsigned = Unsigned::new(document(), KEY, CREATED, Contexts::Issued).expect("issued");
        let mut options = unsigned.options.clone();
        let context = json!([VC_CONTEXT, OB_CONTEXT, OB_EXTENSIONS]);
        options.insert("@context".to_owned(), context);
        for contexts in [Contexts::Issued, Contexts::Named] {
            let expanded = canonical(&options, contexts).ok();
            assert_eq!(written_out(&unsigned.options), expanded);
        }
        let named = Unsigned::new(document(), KEY, CREATED, Contexts::Named).expect("named");
        assert_eq!(named.to_sign(), unsigned.to_sign());
        for (name, value) in [("created", "a\"b"), ("verificationMethod", "x"), ("nonce", "1")] {
            let mut other = unsigned.options.clone();
            other.insert(name.to_owned(), value.into());
            assert_eq!(written_out(&other), None, "{name}");
        }
    }

    #[test]
    fn a_proof_holds_for_its_document_key_and_options_alone() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
        let public: [u8; 32] = pair.public_key().as_ref().try_into().expect("32 bytes");
        let unsigned = Unsigned::new(document(), KEY, CREATED, Contexts::Issued).expect("made");
        let signature = pair.sign(unsigned.to_sign());
        let signed = unsigned.signed(signature.as_ref());
        assert_eq!(check(&signed, &public), Ok(()));
        assert_eq!(check(&signed, &[9; 32]), Err(Broken::Signature));
        let changed = |pointer: &str, to: Value| {
            let mut value = Value::Object(signed.clone());
            let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
            value
                .pointer_mut(parent)
                .and_then(Value::as_object_mut)
                .map(|m| m.insert(name.to_owned(), to));
            check(value.as_object().expect("an object"), &public)
        };
        assert_eq!(changed("/name", json!("Otra")), Err(Broken::Signature));
        assert_eq!(
            changed("/proof/0/created", json!("2026-11-24T09:00:01Z")),
            Err(Broken::Signature)
        );
        assert_eq!(changed("/proof/0/cryptosuite", json!("eddsa-jcs-2022")), Err(Broken::NoProof));
        assert_eq!(changed("/proof/0/proofPurpose", json!("authentication")), Err(Broken::NoProof));
        for value in ["", "z", "z1", &"z1".repeat(10_000), "xyz"] {
            assert_eq!(changed("/proof/0/proofValue", json!(value)), Err(Broken::Signature));
        }
        assert_eq!(changed("/proof/0/proofValue", json!(1)), Err(Broken::NoProof));
        // Terms of the contexts, keywords, and what no processor knows: nothing covers them.
        for name in ["nonce", "@context", "@id", "@type", "@graph", "id", "expires", "name", ""] {
            for value in [json!("x"), json!({}), json!([]), json!(null), json!([VC_CONTEXT])] {
                let refused = Err(Unportable::UnknownTerm(format!("/proof/{name}")).into());
                assert_eq!(changed(&format!("/proof/0/{name}"), value), refused, "{name}");
            }
        }
        assert_eq!(changed("/proof", json!([])), Err(Broken::NoProof));
    }
}
