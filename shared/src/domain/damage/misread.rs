//! Letters that another encoding made of letters: UTF-8 read as something else, and one-byte
//! encodings read as one another.

use encoding_rs::{
    Encoding, GBK, MACINTOSH, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251, WINDOWS_1253, WINDOWS_1257,
};

use super::{Damage, Kind, names};

/// The characters of the bytes 0x80 to 0x9F in Windows-1252; none where it has none.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Encodings that UTF-8 is taken for, beside Windows-1252.
const TAKEN_FOR: [&Encoding; 7] =
    [MACINTOSH, WINDOWS_1250, WINDOWS_1251, WINDOWS_1253, WINDOWS_1257, GBK, SHIFT_JIS];

/// Judges a text that is not ASCII.
pub(super) fn damage(text: &str, kind: Kind) -> Option<Damage> {
    let mut meant = text.to_owned();
    // Some texts were damaged twice, or three times.
    for _ in 0..3 {
        match once(&meant) {
            Some(before) => meant = before,
            None => break,
        }
    }
    if meant != text {
        return Some(Damage::Misread(Some(meant)));
    }
    let letters: Vec<char> = text.chars().collect();
    let drawn = letters.iter().any(|c| matches!(c, '\u{2500}'..='\u{259f}'))
        && letters.windows(2).any(|pair| match pair {
            [a, b] => is_drawing(*a) && b.is_alphabetic() || a.is_alphabetic() && is_drawing(*b),
            _ => false,
        });
    let is_one = drawn
        || matches!(kind, Kind::Name | Kind::Words) && has_symbol_inside(&letters, kind)
        || kind == Kind::Name && (has_dash_inside(text) || names::has_damaged(text))
        || has_lost_second(&letters);
    is_one.then_some(Damage::Misread(None))
}

/// The text of which another encoding made this one; none if none did.
fn once(text: &str) -> Option<String> {
    if let Some(meant) = from_windows_1252(text) {
        return Some(meant);
    }
    let is_between = |c: char| c.is_whitespace() && c != '\u{a0}';
    let mut found = false;
    let words: Vec<String> = text
        .split_inclusive(is_between)
        .map(|word| match TAKEN_FOR.iter().find_map(|taken| reversed(word, taken)) {
            Some(meant) => {
                found = true;
                meant
            }
            None => word.to_owned(),
        })
        .collect();
    found.then(|| words.concat())
}

/// A word's bytes in an encoding, read as UTF-8: none unless all of them are, and make letters of
/// Latin among ASCII ones, or three letters of another script and more.
fn reversed(whole: &str, taken: &'static Encoding) -> Option<String> {
    let word = whole.trim_end_matches(|c: char| is_closing(c) || c.is_whitespace());
    let end = whole.get(word.len()..).unwrap_or_default();
    // A letter of UTF-8 becomes two characters or more, or one of two bytes.
    let strange = word.chars().filter(|c| !c.is_ascii()).count();
    let far = word.chars().any(|c| c > '\u{2fff}');
    if strange < 2 && !far {
        return None;
    }
    let (bytes, _, unknown) = taken.encode(word);
    if unknown {
        return None;
    }
    let meant = std::str::from_utf8(&bytes).ok()?;
    let letters = || meant.chars().filter(|c| !c.is_ascii());
    let has_ascii = meant.chars().any(|c| c.is_ascii_alphabetic());
    let latin = has_ascii && letters().all(|c| is_latin(c) || is_quote(c));
    let other = letters().count() >= 3 && letters().all(|c| c > '\u{36f}' && c.is_alphabetic());
    (meant != word && (latin || other)).then(|| format!("{meant}{end}"))
}

/// The text with UTF-8 that was read as Windows-1252 or Latin-1 read again; none if it has none.
fn from_windows_1252(text: &str) -> Option<String> {
    let letters: Vec<char> = text.chars().collect();
    let bytes: Vec<Option<u8>> = letters.iter().map(|c| byte(*c)).collect();
    let mut out = String::with_capacity(text.len());
    let (mut at, mut found) = (0, false);
    while let Some(c) = letters.get(at) {
        match sequence(&letters, &bytes, at) {
            Some((meant, length)) => {
                out.push_str(&meant);
                at += length;
                found = true;
            }
            None => {
                out.push(*c);
                at += 1;
            }
        }
    }
    found.then_some(out)
}

/// The byte of a character in Windows-1252, or in Latin-1.
fn byte(c: char) -> Option<u8> {
    if let '\u{80}'..='\u{ff}' = c {
        return u8::try_from(u32::from(c)).ok();
    }
    let at = HIGH.iter().position(|high| *high == c)?;
    u8::try_from(at + 0x80).ok()
}

/// UTF-8 of one letter or more that begins at a character: what it means, and its characters.
fn sequence(letters: &[char], bytes: &[Option<u8>], at: usize) -> Option<(String, usize)> {
    let (c, length) = decoded(bytes, at)?;
    let seen = letters.get(at..at + length)?;
    let last = *seen.last()?;
    let before = at.checked_sub(1).and_then(|at| letters.get(at)).copied();
    let after = letters.get(at + length).copied();
    let control = seen.iter().any(|c| c.is_control());
    let closing = is_closing(last);
    let inside = after.is_some_and(char::is_alphabetic);
    let sure = match c {
        _ if control => true,
        '\u{80}'..='\u{bf}' => match last {
            '\u{a0}' => !before.is_some_and(char::is_uppercase),
            _ => !closing || inside,
        },
        _ if is_latin(c) => match last {
            '\u{a0}' => after.is_some_and(char::is_lowercase),
            _ => !closing || inside || length == 2 && before.is_some_and(char::is_lowercase),
        },
        // An accent of its own, behind its letter.
        '\u{300}'..='\u{36f}' => !closing && before.is_some_and(|c| c.is_ascii_lowercase()),
        _ if is_quote(c) => true,
        _ => {
            let next = decoded(bytes, at + length);
            let follows = next.is_some_and(|(next, _)| is_of_one_script(c, next));
            let preceded = (1..=3).any(|back| {
                at.checked_sub(back)
                    .and_then(|from| decoded(bytes, from))
                    .is_some_and(|(former, length)| length == back && is_of_one_script(former, c))
            });
            c.is_alphabetic() && (follows || preceded)
        }
    };
    sure.then(|| (c.to_string(), length))
}

/// The character of the UTF-8 at a place, and its length.
fn decoded(bytes: &[Option<u8>], at: usize) -> Option<(char, usize)> {
    let lead = bytes.get(at).copied().flatten()?;
    let length = match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let bytes: Option<Vec<u8>> = bytes.get(at..at + length)?.iter().copied().collect();
    let bytes = bytes?;
    let c = std::str::from_utf8(&bytes).ok()?.chars().next()?;
    Some((c, length))
}

/// What a text can have behind a letter, at the end of a word.
fn is_closing(c: char) -> bool {
    matches!(c, '’' | '”' | '…' | '»' | '–' | '—' | '›' | '\u{a0}')
}

/// Letters of Latin beyond ASCII.
fn is_latin(c: char) -> bool {
    matches!(c, '\u{c0}'..='\u{17f}' | '\u{1a0}' | '\u{1a1}' | '\u{1af}' | '\u{1b0}'
        | '\u{1cd}'..='\u{1dc}' | '\u{218}'..='\u{21b}' | '\u{1e00}'..='\u{1eff}')
        && !matches!(c, '×' | '÷')
}

/// Punctuation and signs of three bytes that programs write: quotes, dashes, the euro.
fn is_quote(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{203a}' | '€' | '™')
}

/// Whether two characters can follow each other in a word of a script beyond Latin.
fn is_of_one_script(a: char, b: char) -> bool {
    let block = |c: char| match u32::from(c) {
        0x370..=0x3ff => 1,
        0x400..=0x52f => 2,
        0x531..=0x58f => 3,
        0x590..=0x5ff => 4,
        0x600..=0x6ff => 5,
        0x900..=0x1fff => 6,
        0x3040..=0x9fff => 7,
        0xac00..=0xd7af => 8,
        _ => 0,
    };
    block(a) != 0 && block(a) == block(b)
}

/// Characters that draw lines and boxes in the code pages of DOS.
fn is_drawing(c: char) -> bool {
    matches!(c, '\u{2500}'..='\u{259f}')
}

/// Symbols that stand inside no word.
fn is_symbol(c: char, kind: Kind) -> bool {
    let anywhere = matches!(
        c,
        '¡' | '¢'
            | '£'
            | '¤'
            | '¥'
            | '¦'
            | '§'
            | '¨'
            | '¬'
            | '¯'
            | '±'
            | '¶'
            | '¸'
            | '¼'
            | '½'
            | '¾'
            | '‚'
            | '„'
            | '‰'
            | '†'
            | '‡'
            | '√'
            | '∫'
            | '≈'
            | '≠'
            | '≤'
            | '≥'
            | '∂'
            | '∑'
            | '∏'
            | '◊'
            | 'ˆ'
            | '˜'
            | '˙'
            | '˚'
            | '˛'
            | '˝'
            | '⁄'
            | '⌐'
            | '\u{2500}'..='\u{259f}'
    );
    let in_names =
        matches!(c, '©' | '®' | '«' | '»' | '…' | '“' | '”' | '‹' | '›' | '•' | '×' | '÷' | '™');
    anywhere || kind == Kind::Name && in_names
}

fn is_latin_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || is_latin(c)
}

/// Whether a symbol stands between two letters of one case, or behind the last of a name.
fn has_symbol_inside(letters: &[char], kind: Kind) -> bool {
    // A nickname: Juan“Pepe”Soto.
    let has = |c| letters.contains(&c);
    let quoted = has('“') && has('”') || has('«') && has('»');
    let is_quote = |c: char| matches!(c, '“' | '”' | '«' | '»');
    let between = letters.windows(3).any(|three| match three {
        [before, c, after] => {
            is_symbol(*c, kind)
                && !(quoted && is_quote(*c))
                && is_latin_letter(*before)
                && is_latin_letter(*after)
                && (after.is_lowercase() || before.is_uppercase() && after.is_uppercase())
        }
        _ => false,
    });
    // `Rodrφguez`, `JosΘ`: letters of code page 437.
    let greek = |c: char| matches!(c, 'Θ' | 'φ');
    let mixed = || {
        letters.windows(2).any(|pair| match pair {
            [before, c] => greek(*c) && before.is_ascii_lowercase(),
            _ => false,
        })
    };
    // `Jos‚`, `Jos¢`: letters of the code pages of DOS.
    let behind = || {
        letters.split(|c| c.is_whitespace()).any(|word| match word {
            [.., before, last] => {
                before.is_lowercase() && matches!(last, '‚' | '¢' | '£' | '¤' | '¥')
            }
            _ => false,
        })
    };
    between || kind == Kind::Name && (behind() || mixed())
}

/// Whether a dash stands in a name where a letter was: `Ca–ete`, `L—pez`. Names joined by dashes
/// (`García–Huidobro`, `al–Rashid`) are names.
fn has_dash_inside(text: &str) -> bool {
    let is_vowel = |c: char| names::folded(c).is_some_and(|c| "aeiou".contains(c));
    text.split_whitespace().any(|word| {
        word.char_indices().filter(|(_, c)| matches!(c, '–' | '—')).any(|(at, dash)| {
            let (left, right) = (word.get(..at), word.get(at + dash.len_utf8()..));
            let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
            let (Some(before), Some(after)) = (left.chars().next_back(), right.chars().next())
            else {
                return false;
            };
            let short = left.chars().count() < 4 || right.chars().count() < 4;
            let lower = is_latin_letter(before) && is_latin_letter(after) && after.is_lowercase();
            match dash {
                '—' => lower,
                _ => lower && short && is_vowel(before) && is_vowel(after),
            }
        })
    })
}

/// Whether the second character of a letter was lost with the first left: `MarÃa`. The letters
/// behind it are such that no language has behind ã (Portuguese, Vietnamese, Guaraní).
fn has_lost_second(letters: &[char]) -> bool {
    letters.windows(3).any(|three| match three {
        [before, 'Ã', after] => {
            before.is_ascii_alphabetic()
                && matches!(
                    after,
                    'a' | 'b'
                        | 'd'
                        | 'f'
                        | 'g'
                        | 'j'
                        | 'k'
                        | 'l'
                        | 'q'
                        | 'r'
                        | 'v'
                        | 'w'
                        | 'x'
                        | 'z'
                )
        }
        _ => false,
    }) || letters.split(|c| c.is_whitespace()).any(|word| match word {
        [.., before, last] => *last == 'Â' && before.is_lowercase(),
        _ => false,
    })
}
