//! The PNG files of images: read under limits, written anew, baked.
//!
//! A file from outside is never kept as it came. It is decoded to its pixels, and the pixels are
//! written as a new file: no text, colour profile, animation, or byte after the image goes along,
//! and pictures with equal pixels are the same file. Only four kinds of chunks are decoded, so no
//! other chunk can be a bomb; the pixels of these are bounded by the sides.

use flate2::Crc;

use crate::domain::{
    ids::OrgId,
    image::{Image, ImageKind},
};

mod pixels;

/// Largest file in a request, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// Largest file that is kept, in bytes: as an item of its own it stays below DynamoDB's 400 KB. A
/// file written anew can be larger than the one that came: other programs try longer.
pub const MAX_KEPT: usize = 384 * 1024;
/// Shortest and longest side, in pixels.
pub const SIDES: std::ops::RangeInclusive<u32> = 64..=2_000;

/// The first bytes of every PNG file (PNG 3rd edition §5.2).
const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";
/// The keyword of a baked credential (Open Badges 3.0 §5.3.1).
pub const BAKED: &[u8] = b"openbadgecredential";

/// A refused file.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PngFault {
    /// More than [`MAX_BYTES`].
    #[error("larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Written anew it has more than [`MAX_KEPT`].
    #[error("larger than {MAX_KEPT} bytes when it is written anew")]
    TooDetailed,
    /// Not a PNG file.
    #[error("not a PNG file")]
    NotPng,
    /// It ends too early, contradicts itself, or lacks a part.
    #[error("a damaged PNG file")]
    Damaged,
    /// It moves (APNG).
    #[error("an animation")]
    Animated,
    /// Nothing of it is seen on white: all of it is transparent, white, or both.
    #[error("nothing is seen of it on white")]
    Unseen,
    /// A side outside [`SIDES`].
    #[error("{0} x {1} pixels")]
    Sides(u32, u32),
}

/// A valid PNG file, read to its last pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct Png {
    bytes: Vec<u8>,
    width: u32,
    height: u32,
}

impl std::fmt::Debug for Png {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Png({} x {})", self.width, self.height)
    }
}

impl Png {
    /// Reads a file from outside, and writes its pixels anew: at most 16 MB of them.
    ///
    /// # Errors
    /// [`PngFault`].
    pub fn read(bytes: &[u8]) -> Result<Self, PngFault> {
        if bytes.len() > MAX_BYTES {
            return Err(PngFault::TooLarge);
        }
        let plain = drawing(bytes)?;
        let pixels = pixels::Pixels::decode(&plain)?;
        if !pixels.are_seen_on_white() {
            return Err(PngFault::Unseen);
        }
        let bytes = pixels.encode().ok_or(PngFault::Damaged)?;
        if bytes.len() > MAX_KEPT {
            return Err(PngFault::TooDetailed);
        }
        Ok(Self { bytes, width: pixels.width, height: pixels.height })
    }

    /// Reads a file that was kept, without what does not draw: earlier versions kept colour
    /// profiles, and palette images without their palette.
    ///
    /// # Errors
    /// [`PngFault`], when it cannot be drawn.
    pub fn kept(bytes: &[u8]) -> Result<Self, PngFault> {
        let bytes = drawing(bytes)?;
        let pixels = pixels::Pixels::decode(&bytes)?;
        Ok(Self { bytes, width: pixels.width, height: pixels.height })
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file, owned.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The image under its organization's name for it.
    pub fn named(&self, org: &OrgId) -> Image {
        Image::of_file(org, &self.bytes, (self.width, self.height), ImageKind::Png)
    }
}

/// A chunk of a PNG file: its type, and the whole of it with length and checksum.
pub struct Chunk<'a> {
    /// Its type.
    pub kind: [u8; 4],
    whole: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Its data.
    pub fn data(&self) -> &'a [u8] {
        self.whole.get(8..self.whole.len().saturating_sub(4)).unwrap_or_default()
    }
}

/// The chunks of a PNG file, up to its end or to the place where it breaks off.
pub struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    /// Those of a file; none if it is no PNG file.
    pub fn of(png: &'a [u8]) -> Option<Self> {
        Some(Self { rest: png.strip_prefix(SIGNATURE)? })
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let chunk = next(self.rest)?;
        self.rest = match chunk.kind {
            // What follows is not of the picture.
            [b'I', b'E', b'N', b'D'] => &[],
            _ => self.rest.get(chunk.whole.len()..).unwrap_or_default(),
        };
        Some(chunk)
    }
}

fn chunks(png: &[u8]) -> Result<Vec<Chunk<'_>>, PngFault> {
    let chunks: Vec<Chunk<'_>> = Chunks::of(png).ok_or(PngFault::NotPng)?.collect();
    let whole = chunks.last().is_some_and(|chunk| chunk.kind == *b"IEND");
    if whole { Ok(chunks) } else { Err(PngFault::Damaged) }
}

/// The chunk at the beginning of these bytes, if all of it is there.
fn next(bytes: &[u8]) -> Option<Chunk<'_>> {
    let (length, _) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let kind: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
    let (whole, _) = bytes.split_at_checked(length.checked_add(12)?)?;
    Some(Chunk { kind, whole })
}

/// The file with the chunks that draw alone, and those within what the decoder takes for granted.
fn drawing(png: &[u8]) -> Result<Vec<u8>, PngFault> {
    let chunks = chunks(png)?;
    let header = chunks.first().filter(|chunk| chunk.kind == *b"IHDR");
    let header = header.and_then(|chunk| chunk.data().first_chunk::<13>());
    let [w0, w1, w2, w3, h0, h1, h2, h3, _depth, colours, ..] = header.ok_or(PngFault::Damaged)?;
    let sides =
        (u32::from_be_bytes([*w0, *w1, *w2, *w3]), u32::from_be_bytes([*h0, *h1, *h2, *h3]));
    if !SIDES.contains(&sides.0) || !SIDES.contains(&sides.1) {
        return Err(PngFault::Sides(sides.0, sides.1));
    }
    if chunks.iter().any(|chunk| chunk.kind == *b"acTL") {
        return Err(PngFault::Animated);
    }
    // A palette in a file of another kind is a suggestion, one colour marked as transparent in a
    // file with opacities is a mistake that every program overlooks.
    let (palette, transparent) = (*colours == 3, matches!(colours, 0 | 2 | 3));
    let mut kept = SIGNATURE.to_vec();
    for chunk in &chunks {
        let draws = match &chunk.kind {
            b"IHDR" | b"IDAT" | b"IEND" => true,
            b"PLTE" => palette,
            b"tRNS" => transparent,
            _ => false,
        };
        if chunk.kind == *b"PLTE" && palette {
            let length = chunk.data().len();
            if length % 3 != 0 || !(3..=3 * 256).contains(&length) {
                return Err(PngFault::Damaged);
            }
        }
        if draws {
            kept.extend_from_slice(chunk.whole);
        }
    }
    Ok(kept)
}

/// Puts a credential into a PNG file, after its header, and removes an earlier one; none if the
/// file is no PNG.
pub fn bake(png: &[u8], document: &[u8]) -> Option<Vec<u8>> {
    // Keyword, no compression, no language, no translated keyword, then the text (PNG §11.3.3.4).
    let mut body = b"iTXt".to_vec();
    body.extend_from_slice(BAKED);
    body.extend_from_slice(&[0, 0, 0, 0, 0]);
    body.extend_from_slice(document);
    let mut crc = Crc::new();
    crc.update(&body);
    let mut baked = SIGNATURE.to_vec();
    for chunk in chunks(png).ok()? {
        if chunk.kind == *b"iTXt" && chunk.data().starts_with(BAKED) {
            continue;
        }
        baked.extend_from_slice(chunk.whole);
        if chunk.kind == *b"IHDR" {
            let length = u32::try_from(body.len() - 4).ok()?;
            baked.extend_from_slice(&length.to_be_bytes());
            baked.extend_from_slice(&body);
            baked.extend_from_slice(&crc.sum().to_be_bytes());
        }
    }
    Some(baked)
}

#[cfg(test)]
mod tests;
