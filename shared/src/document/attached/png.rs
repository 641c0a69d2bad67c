//! The texts of a PNG file under the keywords of baked badges.

use super::{AttachedFault, Found, MAX_DOCUMENT, unpacked};
use crate::domain::picture::{BAKED, Chunks};

/// The keywords of a baked credential: of Open Badges 3.0, and of 1.0 to 2.1.
const KEYWORDS: [&[u8]; 2] = [BAKED, b"openbadges"];

pub(super) fn is_png(file: &[u8]) -> bool {
    Chunks::of(file).is_some()
}

/// The baked texts of a file. Programs that save a picture anew write them as another kind of text
/// chunk, or compressed.
pub(super) fn texts(file: &[u8]) -> Found {
    let mut found = Found { texts: Vec::new(), larger: false, otherwise: AttachedFault::Damaged };
    for chunk in Chunks::of(file).into_iter().flatten() {
        let text = match &chunk.kind {
            b"iTXt" => international(chunk.data()),
            b"tEXt" => keyed(chunk.data()).map(|text| (false, text)),
            b"zTXt" => keyed(chunk.data()).and_then(|rest| Some((true, rest.get(1..)?))),
            b"IEND" => {
                found.otherwise = AttachedFault::Nothing;
                break;
            }
            _ => None,
        };
        let Some((packed, text)) = text else { continue };
        // The first ones are enough to tell that there are several.
        if found.texts.len() == 4 {
            break;
        }
        let text = match packed {
            true => unpacked(text),
            false => (text.len() <= MAX_DOCUMENT).then(|| text.to_vec()),
        };
        match text {
            Some(text) => found.texts.push(text),
            None => found.larger = true,
        }
    }
    found
}

/// What follows the keyword and its zero byte, if it is one of [`KEYWORDS`].
fn keyed(data: &[u8]) -> Option<&[u8]> {
    let (keyword, rest) = split(data)?;
    KEYWORDS.contains(&keyword).then_some(rest)
}

/// An international text (PNG 3rd edition §11.3.3.4), and whether it is compressed.
fn international(data: &[u8]) -> Option<(bool, &[u8])> {
    let (compressed, rest) = keyed(data)?.split_first()?;
    let (_method, rest) = rest.split_first()?;
    let (_language, rest) = split(rest)?;
    let (_translated, text) = split(rest)?;
    Some((*compressed == 1, text))
}

/// Splits at the first zero byte.
fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(0, data)?;
    Some((data.get(..at)?, data.get(at + 1..)?))
}
