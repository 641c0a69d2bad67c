//! Signing keys: makes and seals them, and opens each once a process.
//!
//! A key is an Ed25519 seed. The catalog table stores it sealed: by AWS KMS with organization and
//! mode as encryption context, so that a seed copied into another organization's item does not
//! open; or, locally, by AES-256-GCM under a key file of mode 0600, which authenticates the same
//! context. An opened key exists only in the memory of its process.
//!
//! [`Signer::sign`] makes every signature. It is asynchronous and takes the 64 bytes of
//! [`crate::document::proof::Unsigned::to_sign`], which KMS can sign too (`ED25519_SHA_512`,
//! message type `RAW`): a key held in KMS would be a second variant of `Signer`.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    rand::{SecureRandom, SystemRandom},
    signature::{Ed25519KeyPair, KeyPair},
};
use aws_sdk_kms::{error::ProvideErrorMetadata, primitives::Blob};
use base64::{Engine, prelude::BASE64_STANDARD};

use crate::domain::{
    ids::{Mode, OrgId},
    signing_key::{self, KeyError, SealedKey},
};

/// Seals and opens seeds.
#[derive(Clone)]
pub enum Vault {
    /// AWS KMS, under a symmetric key.
    Kms {
        /// The client.
        client: aws_sdk_kms::Client,
        /// ARN of the KMS key.
        key_id: String,
    },
    /// An AES-256-GCM key on this machine.
    Local(Arc<RandomizedNonceKey>),
    /// No key: the function signs nothing.
    Closed,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kms { .. } => "Vault::Kms",
            Self::Local(_) => "Vault::Local",
            Self::Closed => "Vault::Closed",
        })
    }
}

impl Vault {
    /// Makes a vault with a key of 32 bytes.
    ///
    /// # Errors
    /// [`KeyError::Broken`], in theory: every 32 bytes are a key.
    pub fn local(key: &[u8; 32]) -> Result<Self, KeyError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key)
            .map_err(|_| KeyError::Broken("not an AES-256 key".to_owned()))?;
        Ok(Self::Local(Arc::new(key)))
    }

    /// Makes a vault with a key file: 32 bytes in base64, which its owner alone can read.
    ///
    /// # Errors
    /// [`KeyError::Broken`] when the file cannot be read, other users can read it, or it has no key.
    pub fn of_file(path: &Path) -> Result<Self, KeyError> {
        let broken = |why: String| KeyError::Broken(format!("{}: {why}", path.display()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(path).map_err(|e| broken(e.to_string()))?.permissions();
            if mode.mode() & 0o077 != 0 {
                return Err(broken("must be of mode 0600, readable by its owner alone".into()));
            }
        }
        let text = std::fs::read_to_string(path).map_err(|e| broken(e.to_string()))?;
        Self::of_text(&text)
    }

    /// Makes a vault with the content of a key file.
    ///
    /// # Errors
    /// [`KeyError::Broken`] when the text is no key.
    pub fn of_text(text: &str) -> Result<Self, KeyError> {
        let key = BASE64_STANDARD.decode(text.trim()).ok().and_then(|key| key.try_into().ok());
        let key = key.ok_or(KeyError::Broken("not a key of 32 bytes in base64".to_owned()))?;
        Self::local(&key)
    }

    /// Writes a new key to a file of mode 0600, unless the file exists.
    ///
    /// # Errors
    /// [`KeyError::Broken`] when the file cannot be written.
    pub fn make_file(path: &Path) -> Result<(), KeyError> {
        use std::io::{ErrorKind, Write};
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let broken = |e: std::io::Error| KeyError::Broken(format!("{}: {e}", path.display()));
        let mut file = match options.open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
            Err(error) => return Err(broken(error)),
        };
        let key = random::<32>()?;
        writeln!(file, "{}", BASE64_STANDARD.encode(key)).map_err(broken)
    }

    async fn seal(&self, seed: &[u8; 32], org: &OrgId, mode: Mode) -> Result<String, KeyError> {
        let sealed = match self {
            Self::Kms { client, key_id } => {
                let answer = client
                    .encrypt()
                    .key_id(key_id)
                    .plaintext(Blob::new(seed.as_slice()))
                    .encryption_context("org", org.as_str())
                    .encryption_context("mode", mode.as_str())
                    .send()
                    .await
                    .map_err(|e| kms_error(&e))?;
                answer.ciphertext_blob.map(Blob::into_inner)
            }
            Self::Local(key) => {
                let mut bytes = seed.to_vec();
                let nonce = key
                    .seal_in_place_append_tag(Aad::from(context(org, mode)), &mut bytes)
                    .map_err(|_| KeyError::Broken("not sealed".to_owned()))?;
                Some([nonce.as_ref().as_slice(), &bytes].concat())
            }
            Self::Closed => None,
        };
        let sealed = sealed.ok_or_else(|| KeyError::Broken("no vault".to_owned()))?;
        Ok(BASE64_STANDARD.encode(sealed))
    }

    async fn open(&self, sealed: &str, org: &OrgId, mode: Mode) -> Result<Vec<u8>, KeyError> {
        let broken = || KeyError::Broken("does not open".to_owned());
        let sealed = BASE64_STANDARD.decode(sealed).map_err(|_| broken())?;
        match self {
            Self::Kms { client, key_id } => {
                let answer = client
                    .decrypt()
                    .key_id(key_id)
                    .ciphertext_blob(Blob::new(sealed))
                    .encryption_context("org", org.as_str())
                    .encryption_context("mode", mode.as_str())
                    .send()
                    .await
                    .map_err(|e| kms_error(&e))?;
                answer.plaintext.map(Blob::into_inner).ok_or_else(broken)
            }
            Self::Local(key) => {
                let (nonce, bytes) = sealed.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
                let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
                let mut bytes = bytes.to_vec();
                let seed = key
                    .open_in_place(nonce, Aad::from(context(org, mode)), &mut bytes)
                    .map_err(|_| broken())?;
                Ok(seed.to_vec())
            }
            Self::Closed => Err(KeyError::Broken("no vault".to_owned())),
        }
    }
}

fn context(org: &OrgId, mode: Mode) -> Vec<u8> {
    format!("{org}.{mode}").into_bytes()
}

fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| KeyError::Broken("no randomness".to_owned()))?;
    Ok(bytes)
}

fn kms_error<E, R>(error: &aws_sdk_kms::error::SdkError<E, R>) -> KeyError
where
    E: ProvideErrorMetadata,
{
    let kind = crate::sdk::error_kind(error);
    // These report a fault of the key or of the caller's permissions: a later attempt fails too.
    let lasting = [
        "AccessDeniedException",
        "DisabledException",
        "IncorrectKeyException",
        "InvalidCiphertextException",
        "InvalidKeyUsageException",
        "KMSInvalidStateException",
        "NotFoundException",
    ];
    if lasting.contains(&kind.as_str()) {
        KeyError::Broken(kind)
    } else {
        KeyError::Unavailable(kind)
    }
}

/// A key that can sign.
pub struct Signer {
    /// The public key as a Multikey.
    pub multikey: String,
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.multikey).finish()
    }
}

impl Signer {
    fn of_seed(seed: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| KeyError::Broken("not an Ed25519 seed".to_owned()))?;
        let public: [u8; 32] = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| KeyError::Broken("not an Ed25519 key".to_owned()))?;
        Ok(Self { multikey: signing_key::multikey(&public), pair })
    }

    /// Signs the 64 bytes of a proof.
    ///
    /// # Errors
    /// None with a key in memory; a key held in KMS could return one.
    pub async fn sign(&self, message: &[u8; 64]) -> Result<Vec<u8>, KeyError> {
        Ok(self.pair.sign(message).as_ref().to_vec())
    }
}

/// The keys of this process: the vault, and the keys that it opened.
#[derive(Clone, Debug)]
pub struct Keys {
    vault: Vault,
    open: Arc<Mutex<HashMap<String, Arc<Signer>>>>,
}

impl Keys {
    /// Starts with a vault and no opened key.
    pub fn new(vault: Vault) -> Self {
        Self { vault, open: Arc::default() }
    }

    /// Makes and seals a key for an organization and mode.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn make(&self, org: &OrgId, mode: Mode, now: &str) -> Result<SealedKey, KeyError> {
        let seed = random::<32>()?;
        let signer = Signer::of_seed(&seed)?;
        let sealed = self.vault.seal(&seed, org, mode).await?;
        let (multikey, created_at) = (signer.multikey, now.to_owned());
        Ok(SealedKey { v: 1, multikey, sealed, created_at, rotated_at: Vec::new() })
    }

    /// Opens a key, or returns it if this process opened it before.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Broken`] also when the seed is another key's.
    pub async fn signer(
        &self,
        key: &SealedKey,
        org: &OrgId,
        mode: Mode,
    ) -> Result<Arc<Signer>, KeyError> {
        if let Some(signer) = self.opened(|open| open.get(&key.multikey).cloned()) {
            return Ok(signer);
        }
        let signer = Arc::new(Signer::of_seed(&self.vault.open(&key.sealed, org, mode).await?)?);
        if signer.multikey != key.multikey {
            return Err(KeyError::Broken("the seed is another key's".to_owned()));
        }
        let kept = Arc::clone(&signer);
        self.opened(|open| open.insert(key.multikey.clone(), kept));
        Ok(signer)
    }

    fn opened<T>(&self, look: impl FnOnce(&mut HashMap<String, Arc<Signer>>) -> T) -> T {
        let mut open = self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        look(&mut open)
    }
}
