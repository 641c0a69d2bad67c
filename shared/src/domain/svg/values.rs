//! The values of attributes: which draw, and within which bounds.

use std::fmt;

/// Largest number of a drawing, as its digits before the point: 9,999,999.
const MAX_DIGITS: usize = 7;
/// Longest id, in bytes.
const MAX_ID: usize = 100;
/// Longest and shortest side of a view box.
const SIDES: std::ops::RangeInclusive<f64> = 1.0..=10_000.0;
/// Largest coordinate at which a view box begins.
const MAX_START: f64 = 100_000.0;

/// What becomes of an attribute.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// It draws nothing.
    Dropped,
    /// It draws, and is not taken.
    Refused,
    /// It is written so.
    Kept(String),
}

/// Judges an attribute of an element, by its name and value.
pub(super) fn of(element: &str, name: &str, value: &str) -> Value {
    let value = value.trim();
    match name {
        "href" => match element {
            "linearGradient" | "radialGradient" => match local(value) {
                Some(id) => Value::Kept(format!("#{id}")),
                None => Value::Refused,
            },
            _ => Value::Refused,
        },
        "id" if is_id(value) => Value::Kept(value.to_owned()),
        "fill" | "stroke" | "clip-path" if value.to_ascii_lowercase().contains("url") => {
            match url(value) {
                Some(id) => Value::Kept(format!("url(#{id})")),
                None => Value::Refused,
            }
        }
        "filter" | "mask" | "marker" | "marker-start" | "marker-mid" | "marker-end"
        | "stroke-dasharray" | "mix-blend-mode" => match value {
            "" | "none" | "normal" => Value::Dropped,
            _ => Value::Refused,
        },
        // A repeated gradient is a program in a PDF, which PDF/A does not have.
        "spreadMethod" => match value {
            "" | "pad" => Value::Dropped,
            _ => Value::Refused,
        },
        _ if !draws(name) => Value::Dropped,
        _ if is_plain(value) => Value::Kept(value.to_owned()),
        _ => Value::Refused,
    }
}

/// The id that a kept value refers to.
pub(super) fn reference(value: &str) -> Option<&str> {
    match value.strip_prefix("url(#") {
        Some(rest) => rest.strip_suffix(')'),
        // A colour begins like an `href`; an id that could be one is no loss, since it must exist.
        None => None,
    }
}

/// Whether a text is an id that can be written as it is.
pub(super) fn is_id(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    !text.is_empty() && text.len() <= MAX_ID && text.bytes().all(is_part)
}

/// The id of a reference within the file: `#id`.
fn local(value: &str) -> Option<&str> {
    value.strip_prefix('#').filter(|id| is_id(id))
}

/// The id of `url(#id)`, with or without quotes.
fn url(value: &str) -> Option<&str> {
    let inside = value.strip_prefix("url(")?.strip_suffix(')')?.trim();
    let bare = ['"', '\'']
        .iter()
        .find_map(|quote| inside.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote)));
    local(bare.unwrap_or(inside))
}

/// Whether a property of a `style` is an attribute that draws, or one that is refused.
pub(super) fn is_property(name: &str) -> bool {
    paints(name)
        || matches!(
            name,
            "filter"
                | "mask"
                | "marker"
                | "marker-start"
                | "marker-mid"
                | "marker-end"
                | "stroke-dasharray"
                | "mix-blend-mode"
        )
}

/// Attributes that colour a shape.
fn paints(name: &str) -> bool {
    matches!(
        name,
        "fill"
            | "fill-opacity"
            | "fill-rule"
            | "clip-rule"
            | "clip-path"
            | "color"
            | "display"
            | "opacity"
            | "stop-color"
            | "stop-opacity"
            | "stroke"
            | "stroke-linecap"
            | "stroke-linejoin"
            | "stroke-miterlimit"
            | "stroke-opacity"
            | "stroke-width"
            | "visibility"
    )
}

/// Attributes that draw.
fn draws(name: &str) -> bool {
    paints(name)
        || matches!(
            name,
            "clipPathUnits"
                | "cx"
                | "cy"
                | "d"
                | "fr"
                | "fx"
                | "fy"
                | "gradientTransform"
                | "gradientUnits"
                | "height"
                | "offset"
                | "points"
                | "r"
                | "rx"
                | "ry"
                | "transform"
                | "width"
                | "x"
                | "x1"
                | "x2"
                | "y"
                | "y1"
                | "y2"
        )
}

/// Whether a value is made of words, numbers within bounds and the signs between them: it has no reference, quote, escape or
/// rule of a style sheet.
fn is_plain(value: &str) -> bool {
    let is_sign = |b: u8| matches!(b, b' ' | b'.' | b',' | b'+' | b'-' | b'%' | b'#' | b'(' | b')');
    value.bytes().all(|b| b.is_ascii_alphanumeric() || is_sign(b))
        && !value.to_ascii_lowercase().contains("url")
        && (value.starts_with('#') || numbers_are_bounded(value))
}

/// Whether no number has more than [`MAX_DIGITS`] before its point, or an exponent that makes it larger.
fn numbers_are_bounded(value: &str) -> bool {
    let mut digits = 0;
    let mut after_point = false;
    let mut before = ' ';
    let mut exponent = false;
    for c in value.chars() {
        match c {
            '0'..='9' if exponent => return false,
            '0'..='9' => {
                digits += usize::from(!after_point);
                if digits > MAX_DIGITS {
                    return false;
                }
            }
            '.' => (digits, after_point) = (0, true),
            // `1e-5` is small; `1e5` and `1e+5` are not written by programs that draw.
            'e' | 'E' if before.is_ascii_digit() || before == '.' => {
                exponent = true;
                before = c;
                continue;
            }
            '-' if exponent => {}
            '+' if exponent => return false,
            _ => (digits, after_point) = (0, false),
        }
        exponent = false;
        before = c;
    }
    true
}

/// The part of the plane that a drawing shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View {
    start: (f64, f64),
    /// Width, in units of the drawing.
    pub width: f64,
    /// Height, in units of the drawing.
    pub height: f64,
}

impl View {
    /// Reads a view box, or the sides of a drawing without one.
    pub fn of(view: Option<&str>, width: Option<&str>, height: Option<&str>) -> Option<Self> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite());
        let view = match view {
            Some(view) => {
                let parts: Option<Vec<f64>> = view
                    .split([' ', ',', '\n', '\t'])
                    .filter(|part| !part.is_empty())
                    .map(number)
                    .collect();
                match parts?.as_slice() {
                    [x, y, width, height] => {
                        Self { start: (*x, *y), width: *width, height: *height }
                    }
                    _ => return None,
                }
            }
            None => {
                let side = |text: &str| number(text.trim().trim_end_matches("px"));
                Self { start: (0.0, 0.0), width: side(width?)?, height: side(height?)? }
            }
        };
        let bounded = SIDES.contains(&view.width)
            && SIDES.contains(&view.height)
            && view.start.0.abs() <= MAX_START
            && view.start.1.abs() <= MAX_START;
        bounded.then_some(view)
    }

    /// Width and height in whole units, as an image has pixels.
    pub fn pixels(&self) -> (u32, u32) {
        // Bounded by `SIDES`.
        (self.width.ceil() as u32, self.height.ceil() as u32)
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.start.0, self.start.1, self.width, self.height)
    }
}
