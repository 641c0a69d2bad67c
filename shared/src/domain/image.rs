//! Images of an organization: its logo, a template's badge, the pictures of a design. They are PNG files in the request
//! itself (`data:image/png;base64,…`), those of a design also SVG drawings; the service never fetches one from another host.
//!
//! A file is written anew before it is kept, see [`picture`](crate::domain::picture) and [`svg`](crate::domain::svg). An image is
//! named by the hash of what is kept and never changes, so a signed document that names it stays
//! true.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{
    fields::{FieldError, Fields},
    ids::OrgId,
    picture::{MAX_BYTES, MAX_KEPT, Png, PngFault, SIDES},
    svg::{MAX_DEPTH, MAX_ELEMENTS, MAX_LAYERS, MAX_SVG, Svg, SvgFault},
};

/// The beginning of the `data:` URL of an image.
const DATA_URL: &str = "data:image/png;base64,";
/// The beginning of the `data:` URL of a drawing.
const SVG_URL: &str = "data:image/svg+xml;base64,";
/// Longest base64 text of [`MAX_BYTES`]; line feeds at its end are not counted.
const MAX_TEXT: usize = MAX_BYTES.div_ceil(3) * 4;

/// The `data:` URL by which a request brings a PNG file.
pub fn data_url(png: &[u8]) -> String {
    format!("{DATA_URL}{}", BASE64_STANDARD.encode(png))
}

/// The `data:` URL by which a request brings an SVG drawing.
pub fn svg_url(svg: &[u8]) -> String {
    format!("{SVG_URL}{}", BASE64_STANDARD.encode(svg))
}

/// The name of an image: its organization and 128 bits of its hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

    /// Reads a public address.
    pub fn of_url(url: &str) -> Option<Self> {
        Self::parse(url.rsplit_once("/images/")?.1.strip_suffix(".png")?)
    }

    /// The public address of a PNG file.
    pub fn url(&self, site_url: &str) -> String {
        format!("{site_url}/images/{self}.png")
    }
}

/// The kind of an image's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageKind {
    /// A PNG file.
    #[default]
    Png,
    /// An SVG drawing, see [`svg`](crate::domain::svg).
    Svg,
}

impl ImageKind {
    /// Whether an item leaves the kind out.
    fn is_png(&self) -> bool {
        *self == Self::Png
    }

    /// The end of its public address.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Png => ".png",
            Self::Svg => ".svg",
        }
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
    /// Width, in pixels; of a drawing, in its units.
    pub width: u32,
    /// Height, likewise.
    pub height: u32,
    /// The kind of its file.
    #[serde(default, skip_serializing_if = "ImageKind::is_png")]
    pub kind: ImageKind,
}

impl Image {
    /// The image that an organization keeps as this file.
    pub(super) fn of_file(org: &OrgId, file: &[u8], size: (u32, u32), kind: ImageKind) -> Self {
        let hash = digest(&SHA256, file);
        let hash: String = hash.as_ref().iter().take(16).map(|b| format!("{b:02x}")).collect();
        let id = ImageId { org: org.clone(), hash };
        Self { id, width: size.0, height: size.1, kind }
    }

    /// Its public address.
    pub fn url(&self, site_url: &str) -> String {
        format!("{site_url}/images/{}{}", self.id, self.kind.suffix())
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
    /// A new drawing; of a design alone.
    Drawing(Svg),
    /// A stored image, by its public address.
    Known(ImageId),
}

impl ImageInput {
    /// Takes a field that holds an image.
    pub fn take(fields: &mut Fields, name: &str) -> Self {
        Self::take_with(fields, name, Self::read_png)
    }

    /// Takes a field that holds an image or a drawing.
    pub fn take_drawing(fields: &mut Fields, name: &str) -> Self {
        Self::take_with(fields, name, Self::read_drawing)
    }

    fn take_with(
        fields: &mut Fields,
        name: &str,
        read: fn(&mut Fields, &str, &Value) -> Self,
    ) -> Self {
        if fields.take_null(name) {
            return Self::None;
        }
        let Some(value) = fields.take(name) else {
            return Self::Absent;
        };
        known(&value).map_or_else(|| read(fields, name, &value), Self::Known)
    }

    fn read_drawing(fields: &mut Fields, name: &str, value: &Value) -> Self {
        let Some(data) = value.as_str().and_then(svg_data) else {
            return Self::read_either(fields, name, value, "PNG o SVG", "PNG or SVG");
        };
        let drawing = match BASE64_STANDARD.decode(data.trim_end()) {
            Ok(bytes) => Svg::read(&bytes),
            Err(_) => Err(SvgFault::NotSvg),
        };
        match drawing {
            Ok(svg) => Self::Drawing(svg),
            Err(fault) => {
                let (code, es, en) = svg_texts(&fault, name);
                fields.fault(name, code, es, en);
                Self::Absent
            }
        }
    }

    fn read_png(fields: &mut Fields, name: &str, value: &Value) -> Self {
        Self::read_either(fields, name, value, "PNG", "PNG")
    }

    /// Reads a PNG file; the names of the formats that the field takes are for its fault.
    fn read_either(fields: &mut Fields, name: &str, value: &Value, es: &str, en: &str) -> Self {
        let text = value.as_str().unwrap_or_default();
        let fault = match (read(text), other_format(text)) {
            (Ok(png), _) => return Self::New(png),
            (Err(PngFault::NotPng), Some(format)) => (
                "invalid_image",
                format!("La imagen de {name} es {format}: guárdala como {es}"),
                format!("The image of {name} is {format}: save it as {en}"),
            ),
            (Err(PngFault::NotPng), None) => (
                "invalid_image",
                format!(
                    "El campo {name} debe ser una imagen {es} como «{DATA_URL}…»; no se descargan imágenes de otros sitios"
                ),
                format!(
                    "The field {name} must be a {en} image as \"{DATA_URL}…\"; images are not fetched from elsewhere"
                ),
            ),
            (Err(fault), _) => texts(fault, name),
        };
        let (code, es, en) = fault;
        fields.fault(name, code, es, en);
        Self::Absent
    }

    /// The new image under its organization's name for it, with its file.
    pub fn file(&self, org: &OrgId) -> Option<(Image, &[u8])> {
        match self {
            Self::New(png) => Some((png.named(org), png.bytes())),
            Self::Drawing(svg) => {
                let image = Image::of_file(org, svg.bytes(), svg.size(), ImageKind::Svg);
                Some((image, svg.bytes()))
            }
            Self::Absent | Self::None | Self::Known(_) => None,
        }
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
    ImageId::parse(name.strip_suffix(".png").or_else(|| name.strip_suffix(".svg"))?)
}

/// Reads the `data:` URL of a PNG file.
/// The base64 of an SVG file's data URL.
fn svg_data(text: &str) -> Option<&str> {
    let (parameters, data) = text.strip_prefix("data:image/svg+xml")?.split_once(";base64,")?;
    let utf8 = parameters.to_ascii_lowercase();
    matches!(utf8.as_str(), "" | ";charset=utf-8" | ";charset=utf8" | ";utf8").then_some(data)
}

/// The format of an image that is not taken, by its media type or its first bytes.
fn other_format(text: &str) -> Option<&'static str> {
    let (media_type, data) = text.strip_prefix("data:")?.split_once(',')?;
    let beginning = data.get(..32).and_then(|data| BASE64_STANDARD.decode(data).ok());
    let beginning = beginning.unwrap_or_default();
    let is = |name: &str, magic: &[u8], from: usize| {
        media_type.contains(name) || beginning.get(from..).is_some_and(|at| at.starts_with(magic))
    };
    [
        ("JPEG", is("image/jp", b"\xff\xd8\xff", 0)),
        ("WebP", is("image/webp", b"WEBP", 8)),
        ("GIF", is("image/gif", b"GIF8", 0)),
        ("PDF", is("application/pdf", b"%PDF", 0)),
        ("HEIC", is("image/hei", b"ftypheic", 4)),
        ("SVG", beginning.trim_ascii_start().starts_with(b"<")),
    ]
    .into_iter()
    .find_map(|(format, found)| found.then_some(format))
}

fn read(text: &str) -> Result<Png, PngFault> {
    let data = text.strip_prefix(DATA_URL).ok_or(PngFault::NotPng)?.trim_end();
    if data.len() > MAX_TEXT {
        return Err(PngFault::TooLarge);
    }
    Png::read(&BASE64_STANDARD.decode(data).map_err(|_| PngFault::NotPng)?)
}

/// Code and texts of a refused file in a field.
fn texts(fault: PngFault, name: &str) -> (&'static str, String, String) {
    let (low, high) = (SIDES.start(), SIDES.end());
    match fault {
        PngFault::TooLarge => (
            "image_too_large",
            format!(
                "La imagen de {name} supera los {} KiB; reduce sus lados o sus colores",
                MAX_BYTES / 1024
            ),
            format!(
                "The image of {name} is larger than {} KiB; make it smaller or use fewer colours",
                MAX_BYTES / 1024
            ),
        ),
        PngFault::TooDetailed => (
            "image_too_large",
            format!(
                "La imagen de {name} supera los {} KiB al escribirla de nuevo; reduce sus lados o sus colores",
                MAX_KEPT / 1024
            ),
            format!(
                "The image of {name} is larger than {} KiB when it is written anew; make it smaller or use fewer colours",
                MAX_KEPT / 1024
            ),
        ),
        PngFault::NotPng => (
            "invalid_image",
            format!("El archivo de {name} no es una imagen PNG; guárdalo como PNG"),
            format!("The file of {name} is not a PNG image; save it as PNG"),
        ),
        PngFault::Damaged => (
            "invalid_image",
            format!(
                "El archivo PNG de {name} está dañado o incompleto; guárdalo de nuevo con un programa de imágenes"
            ),
            format!(
                "The PNG file of {name} is damaged or incomplete; save it again with an image program"
            ),
        ),
        PngFault::Animated => (
            "invalid_image",
            format!("La imagen de {name} está animada; envía una imagen fija"),
            format!("The image of {name} is animated; send a still image"),
        ),
        PngFault::Unseen => (
            "invalid_image",
            format!(
                "En la imagen de {name} no se ve nada sobre fondo blanco, como el de páginas y certificados: es transparente, blanca o ambas; envía una versión oscura"
            ),
            format!(
                "Nothing is seen of the image of {name} on white, as pages and certificates are: it is transparent, white or both; send a dark version"
            ),
        ),
        PngFault::Sides(width, height) => (
            "image_dimensions",
            format!(
                "La imagen de {name} mide {width} × {height} píxeles; cada lado debe medir entre {low} y {high}"
            ),
            format!(
                "The image of {name} is {width} × {height} pixels; each side must be from {low} to {high}"
            ),
        ),
    }
}

/// Code and texts of a refused drawing in a field.
fn svg_texts(fault: &SvgFault, name: &str) -> (&'static str, String, String) {
    match fault {
        SvgFault::TooLarge => (
            "image_too_large",
            format!("El dibujo SVG de {name} supera los {} KiB", MAX_SVG / 1024),
            format!("The SVG drawing of {name} is larger than {} KiB", MAX_SVG / 1024),
        ),
        SvgFault::NotSvg => (
            "invalid_image",
            format!(
                "El archivo de {name} no es un dibujo SVG en UTF-8, o está dañado; guárdalo como «SVG simple»"
            ),
            format!(
                "The file of {name} is no SVG drawing in UTF-8, or is damaged; save it as \"plain SVG\""
            ),
        ),
        SvgFault::Declarations => (
            "invalid_image",
            format!(
                "El dibujo SVG de {name} declara entidades en su DOCTYPE; guárdalo como «SVG simple», sin ellas"
            ),
            format!(
                "The SVG drawing of {name} declares entities in its DOCTYPE; save it as \"plain SVG\", without them"
            ),
        ),
        SvgFault::TooComplex(_) => (
            "image_too_complex",
            format!(
                "El dibujo SVG de {name} es demasiado complejo: admite {MAX_ELEMENTS} elementos, {MAX_DEPTH} niveles y {MAX_LAYERS} recortes o transparencias; simplifícalo, o envíalo como PNG"
            ),
            format!(
                "The SVG drawing of {name} is too complex: it may have {MAX_ELEMENTS} elements, {MAX_DEPTH} levels and {MAX_LAYERS} clips or transparencies; simplify it, or send it as PNG"
            ),
        ),
        SvgFault::Element(element) => (
            "svg_not_allowed",
            format!(
                "El dibujo SVG de {name} usa <{element}>, que no se admite: solo formas, grupos, degradados y recortes. Convierte los textos en trazos y expórtalo con atributos de presentación, sin imágenes ni hojas de estilo"
            ),
            format!(
                "The SVG drawing of {name} uses <{element}>, which is not taken: shapes, groups, gradients and clips alone. Convert texts to paths and export it with presentation attributes, without images and style sheets"
            ),
        ),
        SvgFault::Attribute(attribute) => (
            "svg_not_allowed",
            format!(
                "El dibujo SVG de {name} tiene un valor que no se admite en {attribute}: sin referencias fuera del archivo, filtros, máscaras, patrones ni líneas discontinuas, y números de hasta siete cifras"
            ),
            format!(
                "The SVG drawing of {name} has a value that is not taken in {attribute}: no references out of the file, filters, masks, patterns or dashes, and numbers of up to seven digits"
            ),
        ),
        SvgFault::Reference(id) => (
            "svg_not_allowed",
            format!(
                "El dibujo SVG de {name} se refiere a «{id}», que no existe, se repite o se refiere a sí mismo; guárdalo como «SVG simple»"
            ),
            format!(
                "The SVG drawing of {name} refers to \"{id}\", which does not exist, exists twice or refers to itself; save it as \"plain SVG\""
            ),
        ),
        SvgFault::Size => (
            "image_dimensions",
            format!(
                "El dibujo SVG de {name} necesita un viewBox de cuatro números, con lados entre 1 y 10000"
            ),
            format!(
                "The SVG drawing of {name} needs a viewBox of four numbers, with sides from 1 to 10000"
            ),
        ),
        SvgFault::Empty => (
            "invalid_image",
            format!("El dibujo SVG de {name} no dibuja nada"),
            format!("The SVG drawing of {name} draws nothing"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fields::InvalidBody;

    /// A PNG file of one colour.
    fn file(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Grayscale);
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
    fn what_is_no_picture_of_ours_is_refused_by_name() {
        let good = file(64, 64);
        let mut cut = good.clone();
        cut.truncate(good.len() - 30);
        for (image, fault) in [
            (data(&good), None),
            (format!("{}\n", data_url(&good)).into(), None),
            (data(b"GIF89a"), Some("invalid_image")),
            (data(&cut), Some("invalid_image")),
            (data(&file(63, 64)), Some("image_dimensions")),
            (data(&file(64, 2_001)), Some("image_dimensions")),
            (data(&vec![0; MAX_BYTES + 1]), Some("image_too_large")),
            (format!("{DATA_URL}{}", "!".repeat(MAX_TEXT + 1)).into(), Some("image_too_large")),
            ("https://ejemplo.com/logo.png".into(), Some("invalid_image")),
            ("data:image/svg+xml;base64,PHN2Zz4=".into(), Some("invalid_image")),
            (7.into(), Some("invalid_image")),
            (Value::Null, None),
        ] {
            let (given, found) = take(image.clone());
            assert_eq!(found.as_deref(), fault, "{given:?}");
            assert_eq!(matches!(given, ImageInput::New(_)), fault.is_none() && !image.is_null());
        }
        let ours = format!("https://u.example/images/demo.{}.png", "0a".repeat(16));
        assert!(matches!(take(ours.into()).0, ImageInput::Known(_)));
    }
}
