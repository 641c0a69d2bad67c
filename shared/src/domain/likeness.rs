//! Names of organizations that a reader takes for one another.

use std::collections::BTreeSet;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_security::confusable_detection::skeleton;

/// Letters of the shorter name, an m counted as rn, from which on one changed letter is too few to
/// tell two apart.
const ONE_LETTER: usize = 6;
/// Letters from which on two are.
const TWO_LETTERS: usize = 20;
/// Words that tell no two names apart.
const SMALL_WORDS: [&str; 16] = [
    "a", "de", "del", "da", "do", "e", "el", "en", "i", "la", "las", "los", "of", "the", "y", "and",
];

/// Returns whether a reader can take one name for the other: they are the same apart from case,
/// accents, spaces, signs, small words, their order and letters that look alike (Unicode TS 39),
/// or one or two letters are changed.
pub fn are_alike(one: &str, other: &str) -> bool {
    // Some letters look alike as capitals, others as small letters.
    [plain as fn(&str) -> String, str::to_owned].into_iter().any(|first| {
        let (one, other) = (words(&first(one)), words(&first(other)));
        have_like_words(&one, &other)
    })
}

fn have_like_words(one: &[String], other: &[String]) -> bool {
    if one.is_empty() || other.is_empty() {
        return false;
    }
    let (joined, against) = (one.concat(), other.concat());
    let length = joined.chars().count().min(against.chars().count());
    let changed = usize::from(length >= ONE_LETTER) + usize::from(length >= TWO_LETTERS);
    let near = joined.chars().count().abs_diff(against.chars().count()) <= changed;
    (near && strsim::osa_distance(&joined, &against) <= changed) || chief(one) == chief(other)
}

/// A text without accents and case.
fn plain(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// The words of a name as a reader sees them: letters and digits, without accents and case, of
/// letters that look alike the same one.
fn words(name: &str) -> Vec<String> {
    name.nfkd()
        .collect::<String>()
        .split(|c: char| c.is_whitespace() || "-_./,".contains(c))
        .map(|word| plain(&skeleton(word).collect::<String>()))
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect()
}

/// The words that tell names apart, in no order.
fn chief(words: &[String]) -> BTreeSet<&str> {
    let small = |word: &&str| SMALL_WORDS.iter().any(|small| plain_skeleton(small) == **word);
    words.iter().map(String::as_str).filter(|word| !small(word)).collect()
}

fn plain_skeleton(word: &str) -> String {
    skeleton(word).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_reader_confuses_are_alike() {
        let name = "Universidad de Chile";
        for other in [
            "Universidad de Chile",
            "UNIVERSIDAD  DE CHILE",
            "Universidad de Chilé",
            "Universidaddechile",
            "Universidad-de-Chile.",
            "Universidad de\u{200b} Chile",
            "Univers\u{456}dad de Chile",
            "Universidad de Ch1le",
            "Universidad de Chi1e",
            "Ｕniversidad de Chile",
            "Universidad de Chle",
            "Univresidad de Chile",
            "Universidad Chile",
            "Chile, Universidad de",
            "Universidad del Chile",
        ] {
            assert!(are_alike(name, other), "{other}");
        }
        assert!(are_alike("UTEM", "utem") && are_alike("Cornell", "Comell"));
        assert!(are_alike("ΑΒΓ", "ABΓ"), "Greek");
    }

    #[test]
    fn names_that_a_reader_tells_apart_are_not_alike() {
        for (one, other) in [
            ("Universidad de Chile", "Universidad de Lima"),
            ("Universidad del Sur", "Universidad del Mar"),
            ("Universidad Católica del Norte", "Universidad Católica del Maule"),
            ("UTEM", "USEM"),
            ("Instituto A", "Instituto B1"),
            ("李", "王"),
            ("Escuela 1", "Liceo 1"),
            ("★", "☆"),
        ] {
            assert!(!are_alike(one, other), "{one} {other}");
        }
    }
}
