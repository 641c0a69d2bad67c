//! Status lists: a bit a signed version, set if the version is not in force (W3C Bitstring
//! Status List 1.0, purpose `revocation`).
//!
//! An index is never used twice. It comes from a counter per organization and mode, and a
//! keyed permutation makes it look random: the holder of two credentials cannot tell how many
//! were issued between them, and no table of used indexes is needed.

use std::io::{Read, Write};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::{Map, Value, json};

use crate::{
    document::linked_data::VC_CONTEXT,
    domain::{
        identity::IdSecret,
        ids::{Mode, OrgId},
        status_entry::{LENGTH, ListId, StatusEntry},
    },
};

/// The entry of the `n`th version that an organization signed in a mode, from 0. Different
/// counts have different entries.
pub fn entry(secret: &IdSecret, org: &OrgId, mode: Mode, n: u64) -> StatusEntry {
    let length = u64::from(LENGTH);
    let list = u32::try_from(n / length).unwrap_or(u32::MAX);
    let within = u32::try_from(n % length).unwrap_or_default();
    // A Feistel network over 9 + 8 bits is a permutation, whatever its rounds compute.
    let (mut high, mut low) = (within >> 8, within & 0xff);
    for round in 0..8_u8 {
        let half = if round % 2 == 0 { low } else { high };
        let message = format!("{org}.{mode}.{list}.{round}.{half}");
        let drawn = secret.status_round(message.as_bytes());
        if round % 2 == 0 {
            high ^= drawn & 0x1ff;
        } else {
            low ^= drawn & 0xff;
        }
    }
    StatusEntry { list, index: high << 8 | low }
}

/// Longest text of a list's bits: random ones, which do not compress, have four characters for
/// three bytes.
const MAX_ENCODED: usize = LENGTH as usize / 8 * 3 / 2;

/// The bits of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits(Vec<u8>);

impl Default for Bits {
    fn default() -> Self {
        Self(vec![0; LENGTH as usize / 8])
    }
}

impl Bits {
    /// Whether a bit is set; false beyond the end.
    pub fn get(&self, index: u32) -> bool {
        let byte = self.0.get(index as usize / 8).copied().unwrap_or_default();
        byte >> (7 - index % 8) & 1 == 1
    }

    /// Sets or clears a bit; nothing beyond the end.
    pub fn set(&mut self, index: u32, on: bool) {
        if let Some(byte) = self.0.get_mut(index as usize / 8) {
            let mask = 1 << (7 - index % 8);
            *byte = if on { *byte | mask } else { *byte & !mask };
        }
    }

    /// Multibase base64url of the compressed bits; bit 0 is the most significant of byte 0.
    ///
    /// # Errors
    /// An I/O error of the compressor; writing to memory causes none.
    pub fn encode(&self) -> std::io::Result<String> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&self.0)?;
        Ok(format!("u{}", URL_SAFE_NO_PAD.encode(gzip.finish()?)))
    }

    /// Reads what [`Bits::encode`] writes.
    pub fn decode(text: &str) -> Option<Self> {
        let text = text.strip_prefix('u').filter(|text| text.len() <= MAX_ENCODED)?;
        let packed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let mut bits = Vec::new();
        let limit = u64::from(LENGTH / 8) + 1;
        GzDecoder::new(packed.as_slice()).take(limit).read_to_end(&mut bits).ok()?;
        (bits.len() == LENGTH as usize / 8).then_some(Self(bits))
    }
}

/// The list as a credential, unsigned, as of an instant (RFC 3339 to the second).
///
/// # Errors
/// As [`Bits::encode`].
pub fn document(
    list: &ListId,
    site_url: &str,
    did: &str,
    bits: &Bits,
    now: &str,
) -> std::io::Result<Map<String, Value>> {
    let url = list.url(site_url);
    let value = json!({
        "@context": [VC_CONTEXT],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": did,
        "validFrom": now,
        "credentialSubject": {
            "id": format!("{url}#list"),
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": bits.encode()?,
        },
    });
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(std::io::Error::other("not an object")),
    }
}

/// The bits of a list credential.
pub fn bits_of(document: &Map<String, Value>) -> Option<Bits> {
    Bits::decode(document.get("credentialSubject")?.get("encodedList")?.as_str()?)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_count_has_an_entry_of_its_own_that_looks_random() {
        let secret = IdSecret::new([7; 32]);
        let org = OrgId::parse("demo").expect("org");
        let entries: HashSet<StatusEntry> =
            (0..u64::from(LENGTH)).map(|n| entry(&secret, &org, Mode::Live, n)).collect();
        assert_eq!(entries.len(), LENGTH as usize);
        assert!(entries.iter().all(|p| p.list == 0 && p.index < LENGTH));
        let next = entry(&secret, &org, Mode::Live, u64::from(LENGTH));
        assert_eq!(next.list, 1);
        let first: Vec<u32> = (0..8).map(|n| entry(&secret, &org, Mode::Live, n).index).collect();
        assert!(first.windows(2).any(|w| w[0] > w[1]) && first.windows(2).any(|w| w[0] < w[1]));
        let test: Vec<u32> = (0..8).map(|n| entry(&secret, &org, Mode::Test, n).index).collect();
        assert_ne!(first, test);
    }

    #[test]
    fn bits_survive_their_encoding() {
        let mut bits = Bits::default();
        for index in [0, 9, 65_535, LENGTH - 1] {
            bits.set(index, true);
        }
        bits.set(9, false);
        let read = Bits::decode(&bits.encode().expect("encoded")).expect("decoded");
        assert_eq!(read, bits);
        assert!(read.get(0) && !read.get(9) && read.get(65_535) && read.get(LENGTH - 1));
        assert_eq!(read.0.first(), Some(&0x80));
        assert!(!read.get(LENGTH));
        let long = format!("u{}", "A".repeat(MAX_ENCODED + 1));
        for bad in ["", "u", "uAAAA", "zAAAA", &long] {
            assert_eq!(Bits::decode(bad), None, "{bad}");
        }
        let mut rng = fastrand::Rng::with_seed(7);
        let random = Bits((0..LENGTH / 8).map(|_| rng.u8(..)).collect());
        assert_eq!(Bits::decode(&random.encode().expect("encoded")), Some(random));
    }
}
