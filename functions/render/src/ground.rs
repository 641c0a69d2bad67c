//! The ground that a background picture gives to texts: a veil of white over it and a darker accent keep them readable on
//! the darkest part that they may lie on (WCAG 2.2 §1.4.3).

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{LazyLock, Mutex, PoisonError},
};

use unicreda::domain::design::LEAST_CONTRAST;

use crate::{
    drawing::{DrawError, SOFT, WHITE},
    pictures::Picture,
    pixels,
    sheet::{Colour, Fit, Sheet},
};

/// Width of the raster, in pixels, and the side of the cells that are averaged: the darkness that an eye sees behind a letter.
const WIDTH: u32 = 320;
const CELL: u32 = 8;
/// The part of the page at each edge that bears no text.
const EDGE: f32 = 0.06;
/// Steps of the veil.
const STEPS: u8 = 50;
/// Grounds that a process remembers.
const MOST_KEPT: usize = 64;

/// A background's effect on texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ground {
    /// How much white covers the picture, 0 to 1.
    pub veil: f32,
    /// The darkest colour under texts, the veil over it.
    darkest: [f32; 3],
}

impl Ground {
    /// The ground of a picture that covers a page. Remembered: a job draws thousands of certificates with one.
    ///
    /// # Errors
    /// [`DrawError`] when the picture is broken.
    pub fn of(picture: &Picture, width: f32, height: f32) -> Result<Self, DrawError> {
        static KEPT: LazyLock<Mutex<HashMap<u64, Ground>>> = LazyLock::new(Mutex::default);
        let mut key = DefaultHasher::new();
        (&picture.file, width.to_bits(), height.to_bits()).hash(&mut key);
        let key = key.finish();
        if let Some(known) = KEPT.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(*known);
        }
        let ground = Self::measured(picture, width, height)?;
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(key, ground);
        Ok(ground)
    }

    fn measured(picture: &Picture, width: f32, height: f32) -> Result<Self, DrawError> {
        let mut sheet = Sheet::new(width, height, &[]);
        sheet.rectangle(0.0, 0.0, width, height, WHITE);
        sheet.image(picture, [0.0, 0.0, width, height], Fit::Covering);
        let pixels = pixels::pixels(&sheet, WIDTH)?;
        let (across, down) = (pixels.width() / CELL, pixels.height() / CELL);
        let within = |n: u32, of: u32| {
            let middle = (n as f32 + 0.5) / of as f32;
            (EDGE..=1.0 - EDGE).contains(&middle)
        };
        let mut darkest = [255.0; 3];
        for row in (0..down).filter(|row| within(*row, down)) {
            for column in (0..across).filter(|column| within(*column, across)) {
                let mut sum = [0.0_f32; 3];
                for y in row * CELL..(row + 1) * CELL {
                    for x in column * CELL..(column + 1) * CELL {
                        let Some(pixel) = pixels.pixel(x, y) else { continue };
                        let [red, green, blue] = &mut sum;
                        *red += f32::from(pixel.red());
                        *green += f32::from(pixel.green());
                        *blue += f32::from(pixel.blue());
                    }
                }
                let mean = sum.map(|channel| channel / (CELL * CELL) as f32);
                if luminance(mean) < luminance(darkest) {
                    darkest = mean;
                }
            }
        }
        let soft = channels(SOFT);
        let veiled = |veil: f32| darkest.map(|channel| veil * 255.0 + (1.0 - veil) * channel);
        let veils = (0..=STEPS).map(|step| f32::from(step) / f32::from(STEPS));
        let veil = veils
            .into_iter()
            .find(|veil| contrast(soft, veiled(*veil)) >= LEAST_CONTRAST)
            .unwrap_or(1.0);
        Ok(Self { veil, darkest: veiled(veil) })
    }

    /// A colour that is read on white, darker where it would not be read on this ground.
    pub fn readable(&self, colour: Colour) -> Colour {
        let darker = |step: u8| {
            let part = |channel: u8| (u16::from(channel) * u16::from(step) / 255) as u8;
            Colour(part(colour.0), part(colour.1), part(colour.2), colour.3)
        };
        let is_read = |c: &Colour| contrast(channels(*c), self.darkest) >= LEAST_CONTRAST;
        (0..=u8::MAX).rev().map(darker).find(is_read).unwrap_or(darker(0))
    }
}

fn channels(colour: Colour) -> [f32; 3] {
    [colour.0, colour.1, colour.2].map(f32::from)
}

/// The relative luminance of a colour whose channels go to 255 (WCAG 2.2).
fn luminance(colour: [f32; 3]) -> f64 {
    let [red, green, blue] = colour.map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// The contrast of two colours, from 1 to 21.
fn contrast(one: [f32; 3], other: [f32; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[cfg(test)]
mod tests {
    use unicreda::domain::image::ImageKind;

    use super::*;
    use crate::drawing::ACCENT;

    fn drawing(body: &str) -> Picture {
        let svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 842 595" width="842" height="595">{body}</svg>"#
        );
        Picture { kind: ImageKind::Svg, file: svg.into_bytes() }
    }

    fn ground(body: &str) -> Ground {
        Ground::of(&drawing(body), 842.0, 595.0).expect("a ground")
    }

    #[test]
    fn texts_are_read_on_every_background() {
        let all = r#"<rect width="842" height="595" fill="COLOUR"/>"#;
        for colour in ["#fff", "#eee", "#f4e8d0", "#c9a227", "#777", "#7a1f2b", "#000"] {
            let ground = ground(&all.replace("COLOUR", colour));
            for ink in [SOFT, ACCENT, Colour(0x00, 0x77, 0x77, 1.0), Colour(0xc0, 0x39, 0x2b, 1.0)]
            {
                let read = ground.readable(ink);
                let found = contrast(channels(read), ground.darkest);
                assert!(found >= LEAST_CONTRAST, "{ink:?} on {colour}: {found}");
            }
        }
    }

    #[test]
    fn what_is_light_or_at_the_edge_is_left_as_it_is() {
        assert_eq!(ground("").veil, 0.0);
        assert_eq!(ground(r##"<rect width="842" height="595" fill="#f4e8d0"/>"##).veil, 0.0);
        // A dark border bears no text; a dark watermark does.
        let border = r##"<rect x="6" y="6" width="830" height="583" fill="none" stroke="#000" stroke-width="12"/>"##;
        assert_eq!(ground(border).veil, 0.0);
        assert!(ground(r##"<circle cx="420" cy="300" r="90" fill="#222"/>"##).veil > 0.5);
        let white = Ground { veil: 0.0, darkest: [255.0; 3] };
        assert_eq!(white.readable(ACCENT), ACCENT);
    }
}
