//! QR codes (ISO/IEC 18004) as one SVG path, so that a page needs no image for it.

use fast_qr::{ECL, QRBuilder};

/// Light modules around a code (ISO/IEC 18004 §9.1).
pub const QUIET: usize = 4;

/// A code: its side in modules, the quiet zone included, and the path of its dark modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Side, in modules.
    pub side: usize,
    /// Path data in units of a module.
    pub path: String,
}

/// Encodes a text; a quarter of the code can be damaged. `None` if the text is too long (some
/// 1,600 bytes).
pub fn code(text: &str) -> Option<Code> {
    let code = QRBuilder::new(text).ecl(ECL::Q).build().ok()?;
    let mut path = String::new();
    for y in 0..code.size {
        let row = |x: usize| code.data.get(y * code.size + x).is_some_and(|m| m.value());
        let dark = |x: usize| x < code.size && row(x);
        let mut x = 0;
        while x < code.size {
            let start = x;
            while dark(x) {
                x += 1;
            }
            if x > start {
                // A row of dark modules is one bar.
                let length = x - start;
                path.push_str(&format!("M{} {}h{length}v1h-{length}z", start + QUIET, y + QUIET));
            }
            x += 1;
        }
    }
    Some(Code { side: code.size + 2 * QUIET, path })
}

/// Draws the code of a text as an SVG file, dark on white.
pub fn svg(text: &str) -> Option<String> {
    let Code { side, path } = code(text)?;
    Some(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{size}" height="{size}" shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#fff"/><path d="{path}" fill="#000"/></svg>"##,
        size = side * 8,
    ))
}
