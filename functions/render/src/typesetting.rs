//! Typesetting: breaks a text into lines in the largest size that fits.

use crate::fonts::Font;

/// A typeset text.
#[derive(Clone, Debug, PartialEq)]
pub struct Set {
    /// Its font.
    pub font: Font,
    /// Its size.
    pub size: f32,
    /// Its lines.
    pub lines: Vec<String>,
}

impl Set {
    /// The distance from line to line.
    pub fn leading(&self) -> f32 {
        self.size * 1.22
    }

    /// The height of all lines.
    pub fn height(&self) -> f32 {
        self.leading() * self.lines.len() as f32
    }
}

/// Sets a text in at most `lines` lines of `width`, in the largest size from `most` down to `least` in
/// which it fits. A text that does not fit in size `least` ends with an ellipsis.
pub fn set(text: &str, font: Font, width: f32, lines: usize, most: f32, least: f32) -> Set {
    let mut size = most;
    loop {
        let mut broken = broken(text, font, size, width);
        if broken.len() <= lines {
            return Set { font, size, lines: balanced(text, font, size, width, broken) };
        }
        if size <= least {
            broken.truncate(lines);
            if let Some(last) = broken.last_mut() {
                while font.width(&format!("{last}…"), size) > width && last.pop().is_some() {}
                last.push('…');
            }
            return Set { font, size, lines: broken };
        }
        size = (size * 0.94).max(least);
    }
}

/// Breaks a text between words, and a word that is wider than a line between letters.
fn broken(text: &str, font: Font, size: f32, width: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if let Some(line) = lines.last_mut()
            && font.width(&format!("{line} {word}"), size) <= width
        {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        let mut piece = String::new();
        for c in word.chars() {
            piece.push(c);
            if font.width(&piece, size) > width && piece.chars().count() > 1 {
                piece.pop();
                lines.push(std::mem::take(&mut piece));
                piece.push(c);
            }
        }
        lines.push(piece);
    }
    lines
}

/// Breaks a text into the same number of lines of more even length: a last line of one short word looks
/// like a mistake.
fn balanced(text: &str, font: Font, size: f32, width: f32, first: Vec<String>) -> Vec<String> {
    let (mut narrow, mut best) = (width, first);
    loop {
        narrow *= 0.95;
        let tried = broken(text, font, size, narrow);
        if best.len() < 2 || tried.len() > best.len() || narrow < width * 0.5 {
            return best;
        }
        best = tried;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_its_box_whatever_its_length() {
        let long = "Programa de especialización ".repeat(8);
        let word = "Donaudampfschifffahrtsgesellschaftskapitän".repeat(5);
        for text in ["Ana", "María José Núñez de la Fuente", long.trim(), word.as_str(), ""] {
            let set = set(text, Font::Display, 600.0, 3, 40.0, 12.0);
            assert!(set.lines.len() <= 3 && set.size >= 12.0, "{set:?}");
            for line in &set.lines {
                assert!(Font::Display.width(line, set.size) <= 600.0, "{line}");
            }
            // A text that fits is complete.
            let whole: String = text.split_whitespace().collect();
            let kept: String = set.lines.concat().split_whitespace().collect();
            assert!(kept == whole || kept.ends_with('…'), "{kept}");
        }
        let two = set("uno dos tres cuatro cinco seis siete", Font::Text, 200.0, 2, 20.0, 8.0);
        let widths: Vec<f32> = two.lines.iter().map(|l| Font::Text.width(l, two.size)).collect();
        assert!(widths[1] > widths[0] * 0.6, "{two:?}");
    }
}
