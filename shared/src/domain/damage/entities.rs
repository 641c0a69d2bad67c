//! Letters written as HTML's code: `&ntilde;`, `&#241;`, `&amp;`.

use unicode_normalization::UnicodeNormalization;

use super::Kind;

/// Most characters between `&` and `;`.
const LONGEST: usize = 10;

/// Names of HTML that stand for other signs than accented letters (HTML standard, "Named character
/// references"): those that programs write.
const SIGNS: [(&str, char); 33] = [
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("lt", '<'),
    ("gt", '>'),
    ("nbsp", '\u{a0}'),
    ("iexcl", '¡'),
    ("iquest", '¿'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("sbquo", '‚'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("middot", '·'),
    ("ordf", 'ª'),
    ("ordm", 'º'),
    ("deg", '°'),
    ("acute", '´'),
    ("euro", '€'),
    ("szlig", 'ß'),
    ("eth", 'ð'),
    ("ETH", 'Ð'),
    ("thorn", 'þ'),
    ("THORN", 'Þ'),
    ("aelig", 'æ'),
    ("AElig", 'Æ'),
    ("oelig", 'œ'),
    ("OElig", 'Œ'),
];

/// Accents as the names of letters end, and as characters that combine.
const ACCENTS: [(&str, char); 8] = [
    ("acute", '\u{301}'),
    ("grave", '\u{300}'),
    ("circ", '\u{302}'),
    ("tilde", '\u{303}'),
    ("uml", '\u{308}'),
    ("ring", '\u{30a}'),
    ("cedil", '\u{327}'),
    ("caron", '\u{30c}'),
];

/// The text with its letters as letters; none if it has no code. In prose, which can speak of
/// code, only accented letters inside words count.
pub(super) fn decoded(text: &str, kind: Kind) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let code = after.find(';').filter(|end| *end <= LONGEST);
        let code = code.and_then(|end| Some((after.get(..end)?, after.get(end + 1..)?)));
        let read = code.and_then(|(code, after)| Some((letter(code)?, after)));
        let counts = |c: char, after: &str| {
            let beside = [out.chars().next_back(), after.chars().next()];
            kind != Kind::Prose
                || c.is_alphabetic() && beside.into_iter().flatten().any(char::is_alphabetic)
        };
        match read {
            Some((c, after)) if counts(c, after) => {
                found = true;
                out.push(c);
                rest = after;
            }
            _ => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    found.then_some(out)
}

/// The character of a code without `&` and `;`.
fn letter(code: &str) -> Option<char> {
    if let Some(number) = code.strip_prefix('#') {
        let value = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return value.ok().and_then(char::from_u32).filter(|c| !c.is_control());
    }
    if let Some((_, sign)) = SIGNS.iter().find(|(name, _)| *name == code) {
        return Some(*sign);
    }
    let base = code.chars().next().filter(char::is_ascii_alphabetic)?;
    let accent = code.get(1..)?;
    match accent {
        "slash" => match base {
            'o' => Some('ø'),
            'O' => Some('Ø'),
            _ => None,
        },
        _ => {
            let (_, accent) = ACCENTS.iter().find(|(name, _)| *name == accent)?;
            let mut letters = [base, *accent].into_iter().nfc();
            letters.next().filter(|_| letters.next().is_none())
        }
    }
}
