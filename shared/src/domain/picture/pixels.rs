//! The pixels of a PNG file, and the one file that is written of them.

use std::collections::HashMap;

use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Filter, Limits, Transformations};

use super::{MAX_BYTES, PngFault, SIDES};

/// Most colours of a palette.
const PALETTE: usize = 256;
/// Most greys that are written as a palette: its indexes then take half a byte at most.
const FEW: usize = 16;

/// Levels of a colour that nobody tells from white.
const BARELY: u32 = 2;

/// The pixels of an image, in rows from the top.
pub(super) struct Pixels {
    /// Width, in pixels.
    pub width: u32,
    /// Height, in pixels.
    pub height: u32,
    /// Red, green, blue and opacity, a byte each. What cannot be seen has no colour.
    rgba: Vec<u8>,
}

impl Pixels {
    /// Decodes a file of the chunks that draw. 16 bits become 8, the picture of an interlaced file
    /// is that of its last pass, an index beyond the palette is black, as in browsers.
    pub fn decode(png: &[u8]) -> Result<Self, PngFault> {
        let damaged = |_| PngFault::Damaged;
        // 16 bits for each of four colours at most.
        let side = usize::try_from(*SIDES.end()).unwrap_or_default();
        let limits = Limits { bytes: side * side * 8 + MAX_BYTES };
        let mut decoder = Decoder::new_with_limits(std::io::Cursor::new(png), limits);
        decoder.set_transformations(Transformations::ALPHA | Transformations::STRIP_16);
        let mut reader = decoder.read_info().map_err(damaged)?;
        let (width, height) = reader.info().size();
        let mut pixels = vec![0; reader.output_buffer_size().ok_or(PngFault::Damaged)?];
        let frame = reader.next_frame(&mut pixels).map_err(damaged)?;
        let mut rgba = match (frame.color_type, frame.bit_depth) {
            (ColorType::Rgba, BitDepth::Eight) => pixels,
            (ColorType::GrayscaleAlpha, BitDepth::Eight) => pixels
                .as_chunks::<2>()
                .0
                .iter()
                .flat_map(|[grey, opacity]| [*grey, *grey, *grey, *opacity])
                .collect(),
            _ => return Err(PngFault::Damaged),
        };
        for pixel in rgba.as_chunks_mut::<4>().0 {
            if matches!(pixel, [.., 0]) {
                *pixel = [0; 4];
            }
        }
        Ok(Self { width, height, rgba })
    }

    /// Whether anything is seen of it on white, where pages and certificates put it.
    pub fn are_seen_on_white(&self) -> bool {
        self.rgba.as_chunks::<4>().0.iter().any(|[colours @ .., opacity]| {
            let darker = |colour: &u8| u32::from(255 - *colour) * u32::from(*opacity);
            colours.iter().any(|colour| darker(colour) > 255 * BARELY)
        })
    }

    /// Writes the file: a palette for few colours, else the fewest bytes a pixel that hold them. The
    /// same pixels make the same file.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let pixels = self.rgba.as_chunks::<4>().0;
        let opaque = pixels.iter().all(|[.., opacity]| *opacity == 255);
        let grey = pixels.iter().all(|[red, green, blue, _]| red == green && green == blue);
        let palette = Palette::of(pixels);
        if let Some(palette) = palette.filter(|palette| !(grey && opaque && palette.len() > FEW)) {
            return self.indexed(&palette);
        }
        let (colour, bytes): (_, Vec<u8>) = match (grey, opaque) {
            (true, true) => (ColorType::Grayscale, pixels.iter().map(|[grey, ..]| *grey).collect()),
            (true, false) => (
                ColorType::GrayscaleAlpha,
                pixels.iter().flat_map(|[grey, .., opacity]| [*grey, *opacity]).collect(),
            ),
            (false, true) => (
                ColorType::Rgb,
                pixels.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect(),
            ),
            (false, false) => (ColorType::Rgba, self.rgba.clone()),
        };
        self.write(colour, BitDepth::Eight, Filter::Adaptive, None, &bytes)
    }

    /// The file with a palette, its indexes in as few bits as they need.
    fn indexed(&self, palette: &Palette) -> Option<Vec<u8>> {
        let (depth, bits) = match palette.len() {
            0..=2 => (BitDepth::One, 1),
            3..=4 => (BitDepth::Two, 2),
            5..=16 => (BitDepth::Four, 4),
            _ => (BitDepth::Eight, 8),
        };
        let width = usize::try_from(self.width).ok()?;
        let mut bytes = Vec::with_capacity(self.rgba.len() / 4);
        for row in self.rgba.as_chunks::<4>().0.chunks(width) {
            for some in row.chunks(8 / bits) {
                let packed = some.iter().fold(0_u8, |packed, pixel| {
                    packed.checked_shl(bits as u32).unwrap_or_default() | palette.index(pixel)
                });
                let missing = 8 - some.len() * bits;
                bytes.push(packed.checked_shl(missing as u32).unwrap_or_default());
            }
        }
        // A filter compares neighbours, and the numbers of a palette are no measure.
        self.write(ColorType::Indexed, depth, Filter::NoFilter, Some(palette), &bytes)
    }

    fn write(
        &self,
        colour: ColorType,
        depth: BitDepth,
        filter: Filter,
        palette: Option<&Palette>,
        data: &[u8],
    ) -> Option<Vec<u8>> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        encoder.set_compression(Compression::High);
        encoder.set_filter(filter);
        if let Some(palette) = palette {
            encoder.set_palette(palette.colours());
            let opacities = palette.opacities();
            if !opacities.is_empty() {
                encoder.set_trns(opacities);
            }
        }
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(data).ok()?;
        writer.finish().ok()?;
        Some(file)
    }
}

/// The colours of a picture of few: transparent ones first, so that their opacities are a short
/// list.
struct Palette {
    sorted: Vec<[u8; 4]>,
    indexes: HashMap<[u8; 4], u8>,
}

impl Palette {
    /// The palette of a picture, if its colours fit in one.
    fn of(pixels: &[[u8; 4]]) -> Option<Self> {
        let mut indexes = HashMap::new();
        let mut before = None;
        for pixel in pixels {
            // Neighbours are mostly equal.
            if before != Some(pixel) {
                indexes.insert(*pixel, 0);
                before = Some(pixel);
                if indexes.len() > PALETTE {
                    return None;
                }
            }
        }
        let mut sorted: Vec<[u8; 4]> = indexes.keys().copied().collect();
        sorted.sort_unstable_by_key(|[red, green, blue, opacity]| [*opacity, *red, *green, *blue]);
        for (index, colour) in (0..=u8::MAX).zip(&sorted) {
            indexes.insert(*colour, index);
        }
        Some(Self { sorted, indexes })
    }

    fn len(&self) -> usize {
        self.sorted.len()
    }

    fn index(&self, pixel: &[u8; 4]) -> u8 {
        self.indexes.get(pixel).copied().unwrap_or_default()
    }

    fn colours(&self) -> Vec<u8> {
        self.sorted.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect()
    }

    fn opacities(&self) -> Vec<u8> {
        let opacities = self.sorted.iter().map(|[.., opacity]| *opacity);
        opacities.take_while(|opacity| *opacity < 255).collect()
    }
}
