//! Characters of which a reader sees nothing: one table of their kinds, and the questions that are
//! asked of them.
//!
//! The questions differ on purpose. A form of normalization never changes, so [`separates_words`]
//! and [`is_trimmed`] are fixed for ever; what is shown on a terminal or written into a cell may
//! become stricter.

use unicode_normalization::char::is_combining_mark;

/// The kind of a character that shows nothing by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// White space that is no control character.
    Space,
    /// A line or paragraph separator.
    Break,
    /// A control character, white space or not.
    Control,
    /// A letter or sign that fonts leave blank, and that people type as a space.
    BlankLetter,
    /// A letter or sign that fonts leave blank inside of what it belongs to.
    Filler,
    /// A joiner of letters: words of Persian or Hindi and emoji need it.
    Joiner,
    /// A mark that says to which side its place belongs.
    DirectionMark,
    /// A sign that begins or ends a part of another direction.
    Embedding,
    /// A sign that overrides the direction of all letters after it.
    Override,
    /// A sign for line breaks, word ends or annotations; a byte order mark.
    Mark,
    /// Another format character: tags, and signs of music, shorthand and numbers.
    Format,
    /// Of private use: no reader's font has it.
    Private,
    /// A combining mark, which shows nothing without a letter.
    Combining,
}

/// The kind of a character; none of one that shows something (Unicode 16).
fn kind(c: char) -> Option<Kind> {
    Some(match c {
        '\u{2028}' | '\u{2029}' => Kind::Break,
        '\u{2800}' | '\u{3164}' | '\u{ffa0}' => Kind::BlankLetter,
        // Fillers of Hangul, the null notehead, the replacement of an object.
        '\u{115f}' | '\u{1160}' | '\u{1d159}' | '\u{fffc}' => Kind::Filler,
        '\u{200c}' | '\u{200d}' => Kind::Joiner,
        '\u{61c}' | '\u{200e}' | '\u{200f}' => Kind::DirectionMark,
        '\u{202a}'..='\u{202c}' | '\u{2066}'..='\u{2069}' => Kind::Embedding,
        '\u{202d}' | '\u{202e}' => Kind::Override,
        '\u{ad}'
        | '\u{34f}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' => Kind::Mark,
        '\u{600}'..='\u{605}'
        | '\u{6dd}'
        | '\u{70f}'
        | '\u{890}'
        | '\u{891}'
        | '\u{8e2}'
        | '\u{110bd}'
        | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0001}'
        | '\u{e0020}'..='\u{e007f}' => Kind::Format,
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => Kind::Private,
        c if c.is_control() => Kind::Control,
        c if c.is_whitespace() => Kind::Space,
        c if is_combining_mark(c) => Kind::Combining,
        _ => return None,
    })
}

/// Whether it shows nothing where it stands alone, so that a name of such characters is none.
pub fn shows_nothing(c: char) -> bool {
    kind(c).is_some()
}

/// Whether it cannot be seen and can change how the text around it is shown, or what a program
/// makes of it: control and format characters, line and paragraph separators (general categories
/// Cc, Cf, Zl and Zp), and what is invisible like them.
pub fn steers(c: char) -> bool {
    match kind(c) {
        Some(
            Kind::Break
            | Kind::Control
            | Kind::Joiner
            | Kind::DirectionMark
            | Kind::Embedding
            | Kind::Override
            | Kind::Mark
            | Kind::Format,
        ) => true,
        Some(Kind::Space | Kind::BlankLetter | Kind::Filler | Kind::Private | Kind::Combining)
        | None => false,
    }
}

/// A text whose [`steers`] characters are written as `\u{202e}`, and a line break as ↵: with them
/// it could control a terminal, show itself in another order than it is, or break a table.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\n' => shown.push('↵'),
            c if steers(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Whether normalization 2 takes it for a space between words. Fixed for ever.
pub fn separates_words(c: char) -> bool {
    c.is_whitespace() || kind(c) == Some(Kind::BlankLetter)
}

/// Whether normalization 2 takes it off the ends of a text, and an address is read without it
/// there. Fixed for ever. Overrides of the direction are not among them: without them the text
/// would read in another order. Nor are the selectors of emoji.
pub fn is_trimmed(c: char) -> bool {
    matches!(kind(c), Some(Kind::Joiner | Kind::DirectionMark | Kind::Embedding | Kind::Mark))
}

/// Whether no language writes it inside a text, though normalization leaves it there: operators,
/// shapings and annotations that nobody sees, and the letters of tags, which can hide a whole sentence.
/// The flags of some regions are written with tags.
pub fn is_hidden(c: char) -> bool {
    matches!(c, '\u{2061}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
        || is_tag(c)
}

/// Whether it is a letter of a tag.
pub fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

/// Whether a text with it inside is refused: control characters, separators of lines and paragraphs, what
/// changes the direction of a part, byte order marks and noncharacters. Joiners and direction marks are text.
pub fn is_forbidden(c: char) -> bool {
    matches!(kind(c), Some(Kind::Control | Kind::Break | Kind::Embedding | Kind::Override))
        || matches!(c, '\u{feff}' | '\u{fdd0}'..='\u{fdef}')
        || (c as u32) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The characters of which a question holds, as ranges.
    fn ranges(holds: impl Fn(char) -> bool) -> String {
        let mut found: Vec<(u32, u32)> = Vec::new();
        for c in (0..=0x0010_ffff).filter_map(char::from_u32).filter(|c| holds(*c)) {
            match found.last_mut() {
                Some((_, last)) if *last + 1 == c as u32 => *last = c as u32,
                _ => found.push((c as u32, c as u32)),
            }
        }
        let range = |(first, last): &(u32, u32)| match first == last {
            true => format!("{first:x}"),
            false => format!("{first:x}-{last:x}"),
        };
        found.iter().map(range).collect::<Vec<_>>().join(" ")
    }

    /// Identities rest on these: they never change.
    #[test]
    fn what_normalization_2_looks_at_is_fixed() {
        assert_eq!(
            ranges(separates_words),
            "9-d 20 85 a0 1680 2000-200a 2028-2029 202f 205f 2800 3000 3164 ffa0"
        );
        assert_eq!(
            ranges(is_trimmed),
            "ad 34f 61c 180e 200b-200f 202a-202c 2060-206f feff fff9-fffb"
        );
    }

    /// Identities of form 1 rest on what is refused.
    #[test]
    fn what_is_refused_in_a_text_is_fixed() {
        let basic = ranges(|c| c <= '\u{ffff}' && is_forbidden(c));
        assert_eq!(basic, "0-1f 7f-9f 2028-202e 2066-2069 fdd0-fdef feff fffe-ffff");
        assert_eq!(
            ranges(|c| c > '\u{ffff}' && is_forbidden(c)).split(' ').count(),
            16,
            "two of each further plane"
        );
    }

    #[test]
    fn what_steers_is_every_control_and_format_character_and_shows_nothing() {
        assert_eq!(
            ranges(steers),
            "0-1f 7f-9f ad 34f 600-605 61c 6dd 70f 890-891 8e2 180e 200b-200f 2028-202e 2060-206f feff \
             fff9-fffb 110bd 110cd 13430-1343f 1bca0-1bca3 1d173-1d17a e0001 e0020-e007f"
        );
        for question in [steers, separates_words, is_trimmed, is_hidden, is_tag] {
            assert_eq!(ranges(|c| question(c) && !shows_nothing(c)), "");
        }
        assert_eq!(ranges(|c| (is_trimmed(c) || is_hidden(c)) && !steers(c)), "");
    }
}
