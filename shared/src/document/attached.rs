//! The signed document inside a PDF or PNG file: what `render` puts there, and what other programs leave of
//! it when they save the file again, or bake by the same standards.
//!
//! Nothing else of a file is read: no page is laid out, no pixel decoded. The document's signature says
//! what it is worth, so what surrounds it is taken as it comes: wrong checksums, a broken table of
//! contents, bytes before and after. The work is bounded by counts, and what is compressed is unpacked to
//! [`MAX_DOCUMENT`] at most.

mod pdf;
mod png;

use std::io::Read;

use flate2::read::DeflateDecoder;
use serde_json::Value;

use crate::domain::lang::Lang;

/// Largest file, in bytes.
pub const MAX_FILE: usize = 4 * 1024 * 1024;
/// Largest document, in bytes: none that the service signs is larger.
pub const MAX_DOCUMENT: usize = 256 * 1024;

/// What can carry a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A PDF with an attached file (ISO 32000-1 §7.11.4).
    Pdf,
    /// A PNG with a text (Open Badges 3.0 §5.3.1).
    Png,
}

impl Carrier {
    /// The kind of a file, by its first bytes.
    pub fn of(file: &[u8]) -> Option<Self> {
        match () {
            () if pdf::is_pdf(file) => Some(Self::Pdf),
            () if png::is_png(file) => Some(Self::Png),
            () => None,
        }
    }
}

/// A file without a document that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachedFault {
    /// More than [`MAX_FILE`].
    #[error("a file larger than {MAX_FILE} bytes")]
    FileTooLarge,
    /// The document has more than [`MAX_DOCUMENT`].
    #[error("a document larger than {MAX_DOCUMENT} bytes")]
    DocumentTooLarge,
    /// Neither a PDF nor a PNG file.
    #[error("neither PDF nor PNG")]
    OtherFile,
    /// A whole file, and no document in it.
    #[error("no document in the file")]
    Nothing,
    /// No document was found before the file breaks off.
    #[error("a damaged file")]
    Damaged,
    /// A PDF under a password.
    #[error("an encrypted file")]
    Encrypted,
    /// Several documents.
    #[error("several documents in the file")]
    Several,
}

impl AttachedFault {
    /// Returns the code on the wire.
    pub fn code(self) -> &'static str {
        match self {
            Self::FileTooLarge | Self::DocumentTooLarge => "too_large",
            Self::OtherFile => "unsupported_file",
            Self::Nothing => "no_document",
            Self::Damaged => "damaged_file",
            Self::Encrypted => "encrypted_file",
            Self::Several => "several_documents",
        }
    }

    /// Says what is wrong with the file, and what to do.
    pub fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::FileTooLarge => lang.pick(
                "El archivo supera el límite de 4 MiB",
                "The file is larger than the limit of 4 MiB",
            ),
            Self::DocumentTooLarge => lang.pick(
                "El documento supera el límite de 256 KiB: ninguna credencial de este sitio es tan grande",
                "The document is larger than the limit of 256 KiB: no credential of this site is that large",
            ),
            Self::OtherFile => lang.pick(
                "El archivo no es un PDF, un PNG ni un JSON",
                "The file is not a PDF, PNG or JSON",
            ),
            Self::Nothing => lang.pick(
                "El archivo no lleva dentro una credencial; es lo que pasa con una foto, una captura de pantalla o una copia impresa y escaneada",
                "The file has no credential inside, as with a photo, a screenshot or a printed and scanned copy",
            ),
            Self::Damaged => lang.pick(
                "El archivo está incompleto o dañado",
                "The file is incomplete or damaged",
            ),
            Self::Encrypted => lang.pick(
                "El PDF está cifrado: quítale la contraseña, o usa el archivo original",
                "The PDF is encrypted: remove its password, or use the original file",
            ),
            Self::Several => lang.pick(
                "Lleva más de una credencial; comprueba cada una por separado",
                "It has more than one credential; check each by itself",
            ),
        }
    }
}

/// Reads the document of a file.
///
/// # Errors
/// [`AttachedFault`].
pub fn document_of(file: &[u8]) -> Result<Vec<u8>, AttachedFault> {
    if file.len() > MAX_FILE {
        return Err(AttachedFault::FileTooLarge);
    }
    match Carrier::of(file).ok_or(AttachedFault::OtherFile)? {
        Carrier::Pdf => pdf::texts(file).document(),
        Carrier::Png => png::texts(file).document(),
    }
}

/// The texts found in a file.
struct Found {
    texts: Vec<Vec<u8>>,
    /// One was left out because of its size.
    larger: bool,
    /// What it is if no text is a document.
    otherwise: AttachedFault,
}

impl Found {
    /// The one document among the texts.
    fn document(self) -> Result<Vec<u8>, AttachedFault> {
        let mut documents: Vec<Vec<u8>> = Vec::new();
        for text in self.texts {
            if is_object(&text) && !documents.contains(&text) {
                documents.push(text);
            }
        }
        // Beside a credential, a PDF may have attached data of any kind.
        if documents.len() > 1 {
            documents.retain(|text| is_credential(text));
        }
        match documents.pop() {
            Some(_) if !documents.is_empty() => Err(AttachedFault::Several),
            Some(document) => Ok(document),
            None if self.larger => Err(AttachedFault::DocumentTooLarge),
            None => Err(self.otherwise),
        }
    }
}

/// Whether a text begins as a JSON object.
fn is_object(text: &[u8]) -> bool {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start().starts_with(b"{")
}

/// Whether a text has a member `credentialSubject` anywhere, however the name is written.
fn is_credential(text: &[u8]) -> bool {
    let literally = memchr::memmem::find(text, b"\"credentialSubject\"").is_some();
    // Without an escape a name is written as it is.
    literally
        || memchr::memchr(b'\\', text).is_some()
            && serde_json::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text))
                .is_ok_and(|value| has_subject(&value))
}

fn has_subject(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.contains_key("credentialSubject") || members.values().any(has_subject)
        }
        Value::Array(items) => items.iter().any(has_subject),
        _ => false,
    }
}

/// A text that is compressed by zlib, as far as it can be unpacked; none if it is larger than
/// [`MAX_DOCUMENT`].
fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let most = u64::try_from(MAX_DOCUMENT).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    // Behind zlib's header of two bytes. The checksum at the end is not read: the signature says more.
    let _ = DeflateDecoder::new(packed.get(2..).unwrap_or_default())
        .take(most + 1)
        .read_to_end(&mut text);
    (text.len() <= MAX_DOCUMENT).then_some(text)
}

#[cfg(test)]
mod tests;
