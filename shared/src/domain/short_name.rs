//! A person's name without the surname: the given name and the first letter of the surname, `María J.`
//!
//! A name is one text, in the order in which its people write it, so the surname is found by the
//! form of the text alone: after the given name; before a comma (`Pérez Soto, María`); in capitals
//! beside words that are not (`PÉREZ SOTO María`). Where none of that tells, the first word is the
//! given name and the next one is what the letter is of: a second given name gives less away than a surname.
//!
//! In Chinese, Japanese and Korean writing the surname comes first and nothing separates it: only the
//! first character stays (`王○○`).

use unicode_normalization::char::is_combining_mark;

/// What stands for the characters of a name in a script that writes no space in it.
const LEFT_OUT: &str = "○○";
/// What may follow a comma without being a given name, in lower case and without dots.
const AFTER_A_NAME: [&str; 16] = [
    "jr", "sr", "ii", "iii", "iv", "phd", "md", "msc", "mba", "dr", "dra", "mg", "mtr", "ing",
    "lic", "esq",
];

/// Shortens a name; one of a single word in letters has no surname and stays.
pub fn without_surname(name: &str) -> String {
    let (surname, given) = match name.split_once(',') {
        Some((before, after)) if !follows_a_name(after) => (words(before), words(after)),
        Some((before, _)) => split(words(before)),
        None => split(words(name)),
    };
    let Some(first) = given.first() else {
        return surname.first().map(|word| initial(word)).unwrap_or_default();
    };
    if first.chars().next().is_some_and(is_unspaced) {
        return format!("{}{LEFT_OUT}", cluster(first));
    }
    match letter_word(&surname) {
        Some(word) => format!("{first} {}", initial(word)),
        None => (*first).to_owned(),
    }
}

/// The words of a name: between spaces, and between the dots of a name that was transcribed.
fn words(text: &str) -> Vec<&str> {
    let separates = |c: char| c.is_whitespace() || matches!(c, '·' | '・' | '•');
    text.split(separates).filter(|word| word.chars().any(char::is_alphabetic)).collect()
}

/// Divides words into those of the surname, and the given names.
fn split(words: Vec<&str>) -> (Vec<&str>, Vec<&str>) {
    let (capitals, others): (Vec<&str>, Vec<&str>) =
        words.iter().copied().partition(|word| is_in_capitals(word));
    let has_small = others.iter().any(|word| word.chars().any(char::is_lowercase));
    let begins_small = |word: &&str| word.chars().next().is_some_and(char::is_lowercase);
    // `Ana DE LA CRUZ`; not the particle of `ANA de la CRUZ`.
    if !capitals.is_empty() && has_small && !others.iter().all(begins_small) {
        return (capitals, others);
    }
    // A title, `Dra. Ana Pérez`, is no name; `J. R. Soto` has none.
    let titled = words.len() > 2
        && words.first().is_some_and(|word| word.ends_with('.') && word.chars().count() > 2);
    let mut words = words.into_iter();
    let first = if titled { words.nth(1) } else { words.next() };
    (words.collect(), first.into_iter().collect())
}

/// Whether a word of two letters and more has capitals alone. `J.R.` are initials.
fn is_in_capitals(word: &str) -> bool {
    let letters = || word.chars().filter(|c| c.is_alphabetic());
    !word.contains('.') && letters().count() > 1 && letters().all(char::is_uppercase)
}

/// Whether what follows a comma is a degree or a suffix and no given name.
fn follows_a_name(text: &str) -> bool {
    let plain: String =
        text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    plain.is_empty() || AFTER_A_NAME.contains(&plain.as_str())
}

/// The word whose letter is shown: the first that is no particle (`de`, `van`), else the first.
fn letter_word<'a>(words: &[&'a str]) -> Option<&'a str> {
    let no_particle = |word: &&&str| !word.chars().next().is_some_and(char::is_lowercase);
    words.iter().find(no_particle).or(words.first()).copied()
}

/// The first letter of a word, with a dot.
fn initial(word: &str) -> String {
    format!("{}.", cluster(word))
}

/// The first letter of a word, with the marks that belong to it.
fn cluster(word: &str) -> String {
    let mut letters = word.chars().skip_while(|c| !c.is_alphabetic());
    let first = letters.next();
    first.into_iter().chain(letters.take_while(|c| is_combining_mark(*c))).collect()
}

/// Whether a character is of a script that writes a name without a space: Han, Hiragana, Hangul.
/// Katakana writes names of elsewhere, with the given name first.
fn is_unspaced(c: char) -> bool {
    matches!(
        u32::from(c),
        0x3005
            | 0x3040..=0x309f
            | 0x3400..=0x9fff
            | 0xf900..=0xfaff
            | 0x2_0000..=0x3_ffff
            | 0x1100..=0x11ff
            | 0xac00..=0xd7af
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_given_name_and_one_letter_are_left_of_a_name() {
        for (name, short) in [
            ("María Jiménez", "María J."),
            ("María José Pérez Soto", "María J."),
            ("Ana de la Cruz", "Ana C."),
            ("ana de la cruz", "ana d."),
            ("ANA DE LA CRUZ", "ANA D."),
            ("Luca d'Angelo", "Luca d."),
            ("Jean-Pierre O'Brien", "Jean-Pierre O."),
            ("Vincent van Gogh", "Vincent G."),
            ("Ñusta Ñáñez", "Ñusta Ñ."),
            ("N\u{303}usta N\u{303}an\u{303}ez", "N\u{303}usta N\u{303}."),
            ("J. Pérez", "J. P."),
            ("J.R. Tolkien", "J.R. T."),
            ("Dra. Ana Pérez", "Ana P."),
            ("Ma. Pérez", "Ma. P."),
            ("Ana Pérez (Ana María Pérez Soto)", "Ana P."),
            ("Ana 'Nita' Pérez", "Ana N."),
            ("  Ana   Pérez ", "Ana P."),
        ] {
            assert_eq!(without_surname(name), short, "{name}");
        }
    }

    #[test]
    fn a_surname_that_comes_first_is_found_by_its_comma_or_its_capitals() {
        for (name, short) in [
            ("Pérez Soto, María José", "María P."),
            ("PÉREZ SOTO, MARÍA", "MARÍA P."),
            ("de la Cruz, Ana", "Ana C."),
            ("PÉREZ SOTO María José", "María P."),
            ("María José PÉREZ SOTO", "María P."),
            ("Ana DE LA CRUZ", "Ana D."),
            ("ANA de la CRUZ", "ANA C."),
            ("Juan Pérez, PhD", "Juan P."),
            ("Juan Pérez, Ph.D.", "Juan P."),
            ("Juan Pérez, Jr.", "Juan P."),
            ("Juan Pérez,", "Juan P."),
            ("Pérez, ", "Pérez"),
            (", Juan", "Juan"),
        ] {
            assert_eq!(without_surname(name), short, "{name}");
        }
    }

    #[test]
    fn names_of_other_scripts_lose_what_may_be_their_surname() {
        for (name, short) in [
            ("王小明", "王○○"),
            ("欧阳 小明", "欧○○"),
            ("山田 太郎", "山○○"),
            ("김철수", "김○○"),
            ("さくら", "さ○○"),
            ("マリア・ペレス", "マリア ペ."),
            ("玛丽亚·佩雷斯", "玛○○"),
            ("محمد بن عبد الله", "محمد ب."),
            ("प्रिया शर्मा", "प्रिया श."),
            ("Мария Петрова", "Мария П."),
            ("Ελένη Παπαδοπούλου", "Ελένη Π."),
            ("Pelé", "Pelé"),
            ("12345", ""),
            ("", ""),
        ] {
            assert_eq!(without_surname(name), short, "{name}");
        }
    }
}
