//! Images of an organization: its logo, a template's badge. They are PNG files in the request
//! itself (`data:image/png;base64,…`); the service never fetches one from another host.
//!
//! The service stores only the chunks that draw, without a photo's place or a program's notes.
//! An image is named by its own hash and never changes, so a signed document that names it
//! stays true.
//!
//! A badge that carries its credential ("baked", Open Badges 3.0 §5.3) is the same file with one
//! more chunk.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::Crc;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{
    fields::{FieldError, Fields},
    ids::OrgId,
};

/// Largest image, in bytes: as an item of its own it stays below DynamoDB's 400 KB.
pub const MAX_BYTES: usize = 256 * 1024;
/// Shortest and longest side, in pixels.
pub const SIDES: std::ops::RangeInclusive<u32> = 64..=2_000;
/// The beginning of the `data:` URL of an image.
const DATA_URL: &str = "data:image/png;base64,";
/// The `data:` URL by which a request brings a PNG file.
pub fn data_url(png: &[u8]) -> String {
    format!("{DATA_URL}{}", BASE64_STANDARD.encode(png))
}

/// The first bytes of every PNG file (PNG 3rd edition §5.2).
const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";
/// The chunks that draw; all others are left out.
const KEPT: [&[u8; 4]; 10] =
    [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"pHYs"];
/// The keyword of a baked credential (Open Badges 3.0 §5.3.1).
const BAKED: &[u8] = b"openbadgecredential";

/// The name of an image: its organization and 128 bits of its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageId {
    /// Its organization.
    pub org: OrgId,
    hash: String,
}

impl ImageId {
    /// Reads `{org}.{32 hex digits}`.
    pub fn parse(text: &str) -> Option<Self> {
        let (org, hash) = text.split_once('.')?;
        let hex = hash.len() == 32 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        hex.then(|| OrgId::parse(org).ok())?.map(|org| Self { org, hash: hash.to_owned() })
    }

    /// The hash, in hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Its public address.
    pub fn url(&self, site_url: &str) -> String {
        format!("{site_url}/images/{self}.png")
    }
}

impl std::fmt::Display for ImageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.org, self.hash)
    }
}

impl From<ImageId> for String {
    fn from(id: ImageId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for ImageId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not an image id")
    }
}

/// An image as templates and settings name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its name.
    pub id: ImageId,
    /// Width, in pixels.
    pub width: u32,
    /// Height, in pixels.
    pub height: u32,
}

/// A refused image.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ImageFault {
    /// More than [`MAX_BYTES`].
    #[error("larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Not a PNG file, or a damaged one.
    #[error("not a PNG file that can be read")]
    NotPng,
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
    /// Reads a file and keeps the chunks that draw.
    ///
    /// # Errors
    /// [`ImageFault`].
    pub fn read(bytes: &[u8]) -> Result<Self, ImageFault> {
        if bytes.len() > MAX_BYTES {
            return Err(ImageFault::TooLarge);
        }
        let bytes = drawing_chunks(bytes).ok_or(ImageFault::NotPng)?;
        // 16 bits for each of four colours at most.
        let side = usize::try_from(*SIDES.end()).unwrap_or_default();
        let limits = png::Limits { bytes: side * side * 8 + MAX_BYTES };
        let decoder = png::Decoder::new_with_limits(std::io::Cursor::new(&bytes), limits);
        let mut reader = decoder.read_info().map_err(|_| ImageFault::NotPng)?;
        let (width, height) = reader.info().size();
        if !SIDES.contains(&width) || !SIDES.contains(&height) {
            return Err(ImageFault::Sides(width, height));
        }
        let size = reader.output_buffer_size().ok_or(ImageFault::NotPng)?;
        let mut pixels = vec![0; size];
        reader.next_frame(&mut pixels).map_err(|_| ImageFault::NotPng)?;
        Ok(Self { bytes, width, height })
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The image under its organization's name for it.
    pub fn named(&self, org: &OrgId) -> Image {
        let hash = digest(&SHA256, &self.bytes);
        let hash: String = hash.as_ref().iter().take(16).map(|b| format!("{b:02x}")).collect();
        Image { id: ImageId { org: org.clone(), hash }, width: self.width, height: self.height }
    }
}

/// An image in a request.
#[derive(Debug, PartialEq, Eq)]
pub enum ImageInput {
    /// No member: the image stays.
    Absent,
    /// Null: the image is removed.
    None,
    /// A new image.
    New(Png),
    /// A stored image, by its public address.
    Known(ImageId),
}

impl ImageInput {
    /// Takes a field that holds an image.
    pub fn take(fields: &mut Fields, name: &str) -> Self {
        if fields.take_null(name) {
            return Self::None;
        }
        let Some(value) = fields.take(name) else {
            return Self::Absent;
        };
        let text = value.as_str().unwrap_or_default();
        let fault = match text.strip_prefix(DATA_URL) {
            // Four characters for three bytes.
            Some(data) if data.trim_end().len() > MAX_BYTES.div_ceil(3) * 4 => ImageFault::TooLarge,
            Some(data) => match BASE64_STANDARD.decode(data.trim_end()) {
                Ok(bytes) => match Png::read(&bytes) {
                    Ok(png) => return Self::New(png),
                    Err(fault) => fault,
                },
                Err(_) => ImageFault::NotPng,
            },
            None => match known(&value) {
                Some(id) => return Self::Known(id),
                None => ImageFault::NotPng,
            },
        };
        let (kib, low, high) = (MAX_BYTES / 1024, SIDES.start(), SIDES.end());
        let (code, es, en) = match fault {
            ImageFault::TooLarge => (
                "image_too_large",
                format!("La imagen de {name} supera los {kib} KiB"),
                format!("The image of {name} is larger than {kib} KiB"),
            ),
            ImageFault::NotPng => (
                "invalid_image",
                format!(
                    "El campo {name} debe ser una imagen PNG como «{DATA_URL}…»; no se descargan imágenes de otros sitios"
                ),
                format!(
                    "The field {name} must be a PNG image as \"{DATA_URL}…\"; images are not fetched from elsewhere"
                ),
            ),
            ImageFault::Sides(width, height) => (
                "image_dimensions",
                format!(
                    "La imagen de {name} mide {width} × {height} píxeles; cada lado debe medir entre {low} y {high}"
                ),
                format!(
                    "The image of {name} is {width} × {height} pixels; each side must be from {low} to {high}"
                ),
            ),
        };
        fields.fault(name, code, es, en);
        Self::Absent
    }

    /// The fault of an image that is not stored under its address.
    pub fn unknown(pointer: &str) -> FieldError {
        FieldError::new(
            pointer,
            "unknown_image",
            "La organización no tiene esta imagen; envíala como data:image/png;base64,…",
            "The organization has no such image; send it as data:image/png;base64,…",
        )
    }
}

/// The image of a public address: a client can send back what it read.
fn known(value: &Value) -> Option<ImageId> {
    let (_, name) = value.as_str()?.rsplit_once("/images/")?;
    ImageId::parse(name.strip_suffix(".png")?)
}

/// A chunk of a PNG file: its type, and the whole of it with length and checksum.
struct Chunk<'a> {
    kind: [u8; 4],
    whole: &'a [u8],
}

fn chunks(png: &[u8]) -> Option<Vec<Chunk<'_>>> {
    let mut rest = png.strip_prefix(SIGNATURE)?;
    let mut chunks = Vec::new();
    while let Some((length, _)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let kind: [u8; 4] = rest.get(4..8)?.try_into().ok()?;
        let (whole, next) = rest.split_at_checked(length.checked_add(12)?)?;
        chunks.push(Chunk { kind, whole });
        rest = next;
        if kind == *b"IEND" {
            return Some(chunks);
        }
    }
    None
}

fn drawing_chunks(png: &[u8]) -> Option<Vec<u8>> {
    let mut kept = SIGNATURE.to_vec();
    for chunk in chunks(png)?.iter().filter(|chunk| KEPT.contains(&&chunk.kind)) {
        kept.extend_from_slice(chunk.whole);
    }
    Some(kept)
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
    for chunk in chunks(png)? {
        let data = chunk.whole.get(8..).unwrap_or_default();
        if chunk.kind == *b"iTXt" && data.starts_with(BAKED) {
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
mod tests {
    use super::*;
    use crate::domain::fields::InvalidBody;

    /// A PNG file of one colour, with a note of who drew it.
    fn file(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.add_text_chunk("Author".to_owned(), "Ana Soto".to_owned()).expect("text");
        let mut writer = encoder.write_header().expect("header");
        let pixels = vec![200; usize::try_from(width * height).expect("small")];
        writer.write_image_data(&pixels).expect("pixels");
        drop(writer);
        bytes
    }

    fn take(image: Value) -> (ImageInput, Option<String>) {
        let body = serde_json::json!({ "image": image }).to_string();
        let mut fields = Fields::of_body(body.as_bytes()).expect("an object");
        let given = ImageInput::take(&mut fields, "image");
        let fault = fields.end().err().map(|invalid| match invalid {
            InvalidBody::Fields(errors) => errors.listed()[0].code.to_owned(),
            other => panic!("{other}"),
        });
        (given, fault)
    }

    fn data(bytes: &[u8]) -> Value {
        data_url(bytes).into()
    }

    #[test]
    fn a_picture_is_kept_without_what_does_not_draw() {
        let bytes = file(64, 80);
        assert!(bytes.windows(8).any(|w| w == b"Ana Soto"));
        let png = Png::read(&bytes).expect("a picture");
        assert!(!png.bytes().windows(8).any(|w| w == b"Ana Soto"));
        let org = OrgId::parse("demo").expect("an id");
        let image = png.named(&org);
        assert_eq!((image.width, image.height), (64, 80));
        assert_eq!(ImageId::parse(&image.id.to_string()), Some(image.id.clone()));
        // What draws the same is the same image.
        assert_eq!(Png::read(png.bytes()).expect("again").named(&org), image);
    }

    #[test]
    fn what_is_no_picture_of_ours_is_refused_by_name() {
        let good = file(64, 64);
        let mut cut = good.clone();
        cut.truncate(good.len() - 30);
        let mut damaged = Png::read(&good).expect("a picture").bytes().to_vec();
        damaged[45] ^= 1;
        for (image, fault) in [
            (data(&good), None),
            (data(b"GIF89a"), Some("invalid_image")),
            (data(&cut), Some("invalid_image")),
            (data(&file(63, 64)), Some("image_dimensions")),
            (data(&file(64, 2_001)), Some("image_dimensions")),
            (data(&vec![0; MAX_BYTES + 1]), Some("image_too_large")),
            ("https://ejemplo.com/logo.png".into(), Some("invalid_image")),
            ("data:image/svg+xml;base64,PHN2Zz4=".into(), Some("invalid_image")),
            (7.into(), Some("invalid_image")),
            (Value::Null, None),
        ] {
            let (given, found) = take(image.clone());
            assert_eq!(found.as_deref(), fault, "{given:?}");
            assert_eq!(matches!(given, ImageInput::New(_)), fault.is_none() && !image.is_null());
        }
        assert!(Png::read(&damaged).is_err());
        let ours = format!("https://u.example/images/demo.{}.png", "0a".repeat(16));
        assert!(matches!(take(ours.into()).0, ImageInput::Known(_)));
    }

    #[test]
    fn a_baked_badge_draws_the_same_and_carries_its_credential() {
        let plain = file(64, 64);
        let once = bake(&plain, b"{\"first\":1}").expect("baked");
        let twice = bake(&once, "{\"name\":\"Ñandú\"}".as_bytes()).expect("baked again");
        let mut reader = png::Decoder::new(std::io::Cursor::new(&twice)).read_info().expect("PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("size")];
        reader.next_frame(&mut pixels).expect("pixels");
        reader.finish().expect("to its end");
        let texts = &reader.info().utf8_text;
        assert_eq!(texts.len(), 1);
        assert_eq!(texts[0].keyword, "openbadgecredential");
        assert!(!texts[0].compressed);
        assert_eq!(texts[0].get_text().expect("text"), "{\"name\":\"Ñandú\"}");
        assert!(pixels.iter().all(|grey| *grey == 200));
        assert!(bake(b"GIF89a", b"{}").is_none());
    }
}
