//! Texts in normal form: NFC, trimmed, without characters that are not text.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Longest text of a field, in characters.
pub const MAX_TEXT: usize = 200;

/// A refused text.
#[derive(Debug, PartialEq, Eq)]
pub enum TextFault {
    /// More characters than the limit.
    TooLong,
    /// Forbidden characters.
    Forbidden,
}

/// Brings a text into normal form: NFC, trimmed, empty as absent.
///
/// # Errors
/// [`TextFault`] if it is longer than `max` characters or has control characters, line or
/// paragraph separators, noncharacters, or marks that override the direction of the text after
/// them, which would show a page in another order than it is written. Right-to-left and
/// left-to-right marks and joiners are text.
pub fn normal_text(text: &str, max: usize) -> Result<Option<String>, TextFault> {
    let text: String = text.trim().nfc().collect();
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().any(is_forbidden) {
        return Err(TextFault::Forbidden);
    }
    if text.chars().count() > max {
        return Err(TextFault::TooLong);
    }
    Ok(Some(text.to_owned()))
}

/// The first characters of a text, `max` of them at most.
pub fn first(text: &str, max: usize) -> &str {
    match text.char_indices().nth(max) {
        Some((at, _)) => text.get(..at).unwrap_or_default(),
        None => text,
    }
}

/// A text of at most `max` characters, or its first ones and an ellipsis.
pub fn shortened(text: &str, max: usize) -> String {
    let kept = first(text, max);
    if kept.len() == text.len() { text.to_owned() } else { format!("{kept}…") }
}

/// Whether a text shows anything: it has a character that is neither white space, nor control or
/// format character, nor a mark without a letter, nor a filler that fonts leave blank.
pub fn is_visible(text: &str) -> bool {
    !text.chars().all(is_blank)
}

fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || is_unseen(c)
        || is_combining_mark(c)
        // Fillers of Hangul, the blank of Braille, the null notehead, the replacement of an object.
        || matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' | '\u{1d159}' | '\u{fffc}')
        // Private use: no reader's font has them.
        || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

/// Whether a character cannot be seen and can change how the text around it is shown: a control
/// or format character, or a line or paragraph separator (Unicode 16, general categories Cc, Cf,
/// Zl and Zp).
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}' | '\u{fdd0}'..='\u{fdef}')
        || (c as u32) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_nothing_visible_is_known() {
        for blank in [
            "",
            " \u{a0}\u{2003}",
            "\u{200b}",
            "\u{200d}\u{200c}",
            "\u{ad}\u{2060}",
            "\u{301}\u{308}",
            "\u{3164}",
            "\u{115f}\u{1160}\u{ffa0}",
            "\u{2800}\u{2800}",
            "\u{fe0f}",
            "\u{e0041}\u{e0100}",
            "\u{180e}",
            "\u{34f}",
            "\u{17b4}",
            "\u{7}\u{7f}",
            "\u{e000}",
            "\u{1d159}",
        ] {
            assert!(!is_visible(blank), "{blank:?}");
        }
        for visible in
            ["A", "李", "Ñ", "e\u{301}", ".", "★", "🎓", "ㄱ", "\u{200b}x", "⠁", "ไทย", "ٱ"]
        {
            assert!(is_visible(visible), "{visible:?}");
        }
    }
}
