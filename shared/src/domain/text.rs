//! Texts in normal form: NFC, trimmed, without characters that are not text. [`cleaned`] is what
//! normalization 2 does before.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use crate::domain::unseen::{is_forbidden, is_trimmed, separates_words, shows_nothing};

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

/// A text in paragraphs: line feeds alone, no white space around lines, at most one empty line
/// between others and none at the ends.
pub fn in_paragraphs(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\u{2029}', "\n\n");
    let mut kept: Vec<&str> = Vec::new();
    for line in text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}']).map(str::trim) {
        if !line.is_empty() || kept.last().is_some_and(|last| !last.is_empty()) {
            kept.push(line);
        }
    }
    if kept.last().is_some_and(|last| last.is_empty()) {
        kept.pop();
    }
    kept.join("\n")
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

/// A text without case, accents and signs, its words one space apart.
pub fn plain(text: &str) -> String {
    let letters = text.nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    let spaced: String = letters
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .flat_map(char::to_lowercase)
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text without case and accents, its words one space apart.
pub fn folded(text: &str) -> String {
    let letters = text.nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    let lower: String = letters.flat_map(char::to_lowercase).collect();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a text shows anything: it has a character that is neither white space, nor control or
/// format character, nor a mark without a letter, nor a filler that fonts leave blank.
pub fn is_visible(text: &str) -> bool {
    !text.chars().all(shows_nothing)
}

/// Brings a text into normal form 1, or what [`cleaned`] leaves of one that form 1 refuses: no
/// identity can rest on that.
///
/// # Errors
/// [`TextFault`] of the cleaned text.
pub fn sent_text(text: &str, max: usize) -> Result<Option<String>, TextFault> {
    normal_text(text, max).or_else(|_| normal_text(&cleaned(text), max))
}

/// A text without what nobody sees, in NFC: the form of normalization 2.
///
/// - White space, line breaks and blank characters (U+2800, U+3164, U+FFA0) become one space
///   between words, and none at the ends.
/// - Soft hyphens, word joiners and byte order marks are taken out.
/// - Zero-width spaces are taken out, except inside a word of a script that separates words with
///   them (Thai, Lao, Tibetan, Myanmar, Khmer).
/// - Joiners and the Mongolian vowel separator are taken off the ends of words. They stay inside:
///   words of Persian or Hindi and emoji need them. A joiner at the end stays where it shapes the
///   letter before it (Arabic and Indic scripts).
/// - Direction marks and other invisible signs are taken off the ends of the text.
///
/// Cleaning twice is cleaning once. What is forbidden in a text stays forbidden inside.
pub fn cleaned(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    // What is taken out can uncover more: two rounds, or three.
    let mut before = text.to_owned();
    loop {
        let after = cleaned_once(&before);
        if after == before {
            break;
        }
        before = after;
    }
    if before == text { Cow::Borrowed(text) } else { Cow::Owned(before) }
}

/// Whether a text has nothing that [`cleaned`] looks at.
fn is_plain(text: &str) -> bool {
    let mut before = ' ';
    for c in text.chars() {
        let plain = if c == ' ' { before != ' ' } else { !separates_words(c) && !is_trimmed(c) };
        if !plain {
            return false;
        }
        before = c;
    }
    before != ' ' || text.is_empty()
}

fn cleaned_once(text: &str) -> String {
    let words: Vec<String> = without_ends(text, |c| separates_words(c) || is_trimmed(c))
        .split(separates_words)
        .map(clean_word)
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ").nfc().collect()
}

/// A word without what is invisible in it or at its ends.
fn clean_word(word: &str) -> String {
    let mut kept = String::with_capacity(word.len());
    for c in word.chars() {
        let out = match c {
            '\u{ad}' | '\u{2060}' | '\u{feff}' => true,
            ZERO_WIDTH_SPACE => !kept.chars().next_back().is_some_and(is_of_unspaced_script),
            _ => false,
        };
        if !out {
            kept.push(c);
        }
    }
    let at_ends = |c| c == ZERO_WIDTH_SPACE || is_joiner(c) || matches!(c, '\u{34f}' | '\u{180e}');
    without_ends(&kept, at_ends).to_owned()
}

/// A text without such characters at its ends. A joiner stays behind a letter that it shapes.
fn without_ends(text: &str, is_out: impl Fn(char) -> bool) -> &str {
    let mut text = text.trim_start_matches(&is_out);
    while let Some(last) = text.chars().next_back().filter(|last| is_out(*last)) {
        let rest = text.strip_suffix(last).unwrap_or_default();
        if last == ZERO_WIDTH_JOINER && rest.chars().next_back().is_some_and(is_shaped) {
            break;
        }
        text = rest;
    }
    text
}

const ZERO_WIDTH_SPACE: char = '\u{200b}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | ZERO_WIDTH_JOINER)
}

/// Thai, Lao, Tibetan and Myanmar; Khmer.
fn is_of_unspaced_script(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

/// From Arabic to Sinhala.
fn is_shaped(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{dff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_cleaned_off() {
        for (sent, clean) in [
            ("Ana  Pérez", "Ana Pérez"),
            ("Ana\u{a0}Pérez", "Ana Pérez"),
            ("Ana \u{a0}\u{2003} Pérez", "Ana Pérez"),
            ("Ana\tMaría\r\nPérez\u{2028}Soto", "Ana María Pérez Soto"),
            ("山田\u{3000}太郎", "山田 太郎"),
            ("Ana\u{2800}Pérez\u{3164}", "Ana Pérez"),
            ("\u{feff}Ana\u{200b}", "Ana"),
            ("\u{200e}\u{202a}Ana Pérez\u{202c}\u{200f}", "Ana Pérez"),
            ("Ana\u{200b} \u{200b}Pérez", "Ana Pérez"),
            ("Ana\u{200b}Pérez", "AnaPérez"),
            ("Mu\u{ad}ñoz", "Muñoz"),
            ("Mu\u{2060}ño\u{feff}z", "Muñoz"),
            ("Jose\u{ad}\u{301}", "José"),
            ("علی\u{200c}", "علی"),
            ("\u{200d}Ana\u{200d}", "Ana"),
            ("\u{200b}\u{2060} ", ""),
        ] {
            assert_eq!(cleaned(sent), clean, "{sent:?}");
        }
    }

    #[test]
    fn what_words_and_emoji_need_stays() {
        for text in [
            "",
            "Ana Pérez",
            "محمد\u{200c}رضا",         // Persian, a joiner inside
            "सन्\u{200d}दीप",           // Hindi
            "സുരേഷ് കുമാര\u{d4d}\u{200d}", // Malayalam, a final letter of its own
            "۱۴۰۲ ه\u{200d}",          // the year of the Hegira, abbreviated
            "👩\u{200d}🎓 Ana",
            "🎓\u{fe0f}",
            "ᠮᠣᠩᠭᠣᠯ\u{180e}ᠠ",
            "ភាសា\u{200b}ខ្មែរ", // Khmer, between words
            "פרופ\u{200f}׳ כהן",
            "\u{202e}anA", // refused, not read in another order
        ] {
            assert_eq!(cleaned(text), text, "{text:?}");
        }
    }

    #[test]
    fn cleaning_twice_is_cleaning_once() {
        let signs: Vec<char> = " \u{a0}\u{200b}\u{200c}\u{200d}\u{200f}\u{ad}\u{feff}\u{2060}\u{301}\u{180e}\u{3164}\naeñÑक\u{94d}شខ🎓\u{34f}\u{202c}".chars().collect();
        let mut state = 7_u32;
        let mut next = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % below
        };
        for _ in 0..20_000 {
            let text: String = (0..next(9)).filter_map(|_| signs.get(next(signs.len()))).collect();
            let once = cleaned(&text).into_owned();
            assert_eq!(cleaned(&once), once, "{text:?}");
            // Cleaning before normalizing, or after it, is the same.
            if let Ok(sent) = normal_text(&text, 200) {
                let clean = normal_text(&once, 200).expect("clean text is text");
                let after = cleaned(sent.as_deref().unwrap_or_default()).into_owned();
                assert_eq!(after, clean.unwrap_or_default(), "{text:?}");
            }
        }
    }

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
