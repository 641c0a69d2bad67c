//! Names that are probably one person's, spelled in two ways.
//!
//! Two people can have one name, so nothing is decided here: a dry run says what it noticed.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::domain::{
    email::EmailAddress,
    text::{MAX_TEXT, cleaned, shortened},
    warning::{Elsewhere, Place, Warning, WarningKind},
};

/// Words that tell no two names apart.
const SMALL_WORDS: [&str; 16] = [
    "da", "das", "de", "del", "di", "do", "dos", "du", "e", "i", "la", "las", "los", "van", "von",
    "y",
];
/// Letters of the shorter name from which on one changed letter can be a slip: fewer tell people apart.
const ONE_SLIP: usize = 6;
/// Letters from which on two can.
const TWO_SLIPS: usize = 16;
/// Words of a name by which it is looked for under other addresses: many people have one in common.
const KEY_WORDS: usize = 2;
/// Letters of a word that two names under one address share, of which one has further words.
const SHARED_LETTERS: usize = 3;
/// Characters of a name or address that is noted.
const SHOWN: usize = 80;

/// What tells two spellings of a name apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Case, accents, blanks, signs, small words or the order of the words.
    Form,
    /// A letter or two.
    Letters,
    /// One has further words, or writes some of them with their first letter.
    Words,
}

/// What tells two names apart that are probably one person's; none if they are the same, or two
/// people's.
pub fn difference(one: &str, other: &str) -> Option<Difference> {
    if cleaned(one) == cleaned(other) {
        return None;
    }
    let (one, other) = (words(one), words(other));
    if one.is_empty() || other.is_empty() {
        return None;
    }
    let (joined, against) = (one.concat(), other.concat());
    if joined == against || chief(&one) == chief(&other) {
        return Some(Difference::Form);
    }
    let (shorter, longer) = (joined.chars().count(), against.chars().count());
    let (shorter, longer) = (shorter.min(longer), shorter.max(longer));
    let slips = usize::from(shorter >= ONE_SLIP) + usize::from(shorter >= TWO_SLIPS);
    let is_slip = |one: &str, other: &str| strsim::osa_distance(one, other) <= slips;
    // The comparison takes the square of the letters, and a letter can stand for eighteen.
    if longer <= MAX_TEXT
        && longer - shorter <= slips
        && (is_slip(&joined, &against) || is_slip(&chief(&one).concat(), &chief(&other).concat()))
    {
        return Some(Difference::Letters);
    }
    (has_words_of(&one, &other) || has_words_of(&other, &one)).then_some(Difference::Words)
}

/// What all spellings of a name have in common that differ by their form alone; none of a name of
/// one word, which many people have.
pub fn key(name: &str) -> Option<String> {
    let words = words(name);
    let chief = chief(&words);
    (chief.len() >= KEY_WORDS).then(|| chief.join(" "))
}

/// Whether the longer name has every word of the shorter one.
fn has_words_of(longer: &[String], shorter: &[String]) -> bool {
    let has = |word: &String| longer.contains(word);
    let initial = |word: &String| {
        word.chars().count() == 1 && longer.iter().any(|other| other.starts_with(word.as_str()))
    };
    shorter.iter().any(|word| has(word) && word.chars().count() >= SHARED_LETTERS)
        && shorter.iter().all(|word| has(word) || initial(word))
}

/// The words of a name in lower case, without accents and signs.
fn words(name: &str) -> Vec<String> {
    let plain: String = name
        .nfkd()
        // Marks of other scripts are vowels.
        .filter(|c| !('\u{300}'..='\u{36f}').contains(c))
        .flat_map(char::to_lowercase)
        .collect();
    let is_between = |c: char| c.is_whitespace() || "-‐‑–_./,;()".contains(c);
    let is_sign = |c: char| {
        c.is_ascii_punctuation() || matches!(c, '’' | '‘' | '´' | '·' | '\u{200c}' | '\u{200d}')
    };
    plain
        .split(is_between)
        .map(|word| word.replace(is_sign, ""))
        .filter(|word| !word.is_empty())
        .collect()
}

/// The words that tell names apart, sorted.
fn chief(words: &[String]) -> Vec<&str> {
    let mut chief: Vec<&str> = words.iter().map(String::as_str).collect();
    chief.retain(|word| !SMALL_WORDS.contains(word));
    chief.sort_unstable();
    chief
}

/// A person as a row has it, its profile filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Address.
    pub address: EmailAddress,
    /// Name.
    pub name: String,
    /// The caller's own id.
    pub external_id: Option<String>,
}

/// What another row, or a credential, says of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known<'a> {
    /// Where it is said.
    pub at: Elsewhere,
    /// The line of that row, in a file.
    pub at_line: Option<u64>,
    /// The name.
    pub name: &'a str,
}

impl Person {
    /// Compares the name with one under the same address; none if they are the same, or two
    /// people's.
    pub fn beside(&self, known: &Known<'_>) -> Option<(Alike, Difference)> {
        let difference = difference(&self.name, known.name)?;
        let at = (known.at, known.at_line);
        Some((self.alike(WarningKind::OtherSpelling, known.name, at), difference))
    }

    /// Compares an address with that of an earlier row of the same [`key`]. Rows with two ids of
    /// the caller's own are two people's.
    pub fn namesake(
        &self,
        first: Place,
        address: &str,
        external_id: Option<&str>,
    ) -> Option<Alike> {
        let apart = self.external_id.is_some() && external_id.is_some();
        if self.address.as_str() == address || (apart && self.external_id.as_deref() != external_id)
        {
            return None;
        }
        let at = (Elsewhere::Row(first.row), first.line);
        Some(self.alike(WarningKind::SameName, address, at))
    }

    fn alike(
        &self,
        kind: WarningKind,
        other: &str,
        (at, at_line): (Elsewhere, Option<u64>),
    ) -> Alike {
        let (value, other) = (shortened(&self.name, SHOWN), shortened(other, SHOWN));
        Alike { kind, value, other, at, at_line }
    }
}

/// A row whose person is probably that of another row or of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alike {
    /// [`WarningKind::OtherSpelling`] or [`WarningKind::SameName`].
    pub kind: WarningKind,
    /// The name in the row.
    pub value: String,
    /// The other name; of the same name, the other address.
    pub other: String,
    /// Where that is.
    pub at: Elsewhere,
    /// The line of that row, in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_line: Option<u64>,
}

impl From<Alike> for Warning {
    fn from(alike: Alike) -> Self {
        let Alike { kind, value, other, at, at_line } = alike;
        Self::elsewhere(kind, &value, other, (at, at_line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_told_from_two_peoples() {
        for (one, other, wanted) in [
            ("Ana Pérez", "ANA PEREZ", Difference::Form),
            ("Ana Pérez", "ana  perez", Difference::Form),
            ("Ana Pérez", "Pérez, Ana", Difference::Form),
            ("Ana María Pérez Soto", "Pérez Soto Ana Maria", Difference::Form),
            ("María del Carmen Núñez", "Nuñez Maria Carmen", Difference::Form),
            ("Mari Carmen Ruiz", "Maricarmen Ruiz", Difference::Form),
            ("O'Brien Ana", "Ana O’Brien", Difference::Form),
            ("Ana-María Soto", "Ana María Soto", Difference::Form),
            ("Nguyễn Văn An", "Nguyen Van An", Difference::Form),
            ("Ana Pérez", "Ana Peres", Difference::Letters),
            ("Gonzalo Rojas", "Gonzlao Rojas", Difference::Letters),
            ("Pérez Ana", "Ana Peres", Difference::Letters),
            ("Maximiliano Hernandes", "Maximilano Hernández", Difference::Letters),
            ("Ana Pérez", "Ana María Pérez Soto", Difference::Words),
            ("Ana M. Pérez", "Ana María Pérez", Difference::Words),
            ("Ana", "Ana Pérez", Difference::Words),
        ] {
            assert_eq!(difference(one, other), Some(wanted), "{one} {other}");
            assert_eq!(difference(other, one), Some(wanted), "{other} {one}");
        }
        for (one, other) in [
            ("Ana Pérez", "Ana Pérez"),
            ("Ana Pérez", "Ana  Pérez\u{200b}"),
            ("Ana Pérez", "Luis Pérez"),
            ("Ana Soto", "Eva Soto Ríos"),
            ("Li Na", "Li Ma"),
            ("Li", "Li Na"),
            ("李娜", "李明"),
            ("★", "☆"),
            ("", "Ana Pérez"),
        ] {
            assert_eq!(difference(one, other), None, "{one} {other}");
        }
        assert_eq!(key("Pérez Soto, Ana María"), key("ANA MARIA PEREZ SOTO"));
        assert_ne!(key("Ana Pérez"), key("Ana Peres"));
        assert_ne!(key("राम शर्मा"), key("रमा शर्मा"));
        assert_eq!((key("Ana"), key("de la Cruz"), key("★")), (None, None, None));
    }

    #[test]
    fn rows_with_two_ids_are_two_peoples() {
        let address = EmailAddress::parse("ana@ejemplo.com").expect("an address");
        let person = |external_id: Option<&str>| Person {
            address: address.clone(),
            name: "Ana Pérez".to_owned(),
            external_id: external_id.map(str::to_owned),
        };
        let (first, other) = (Place { row: 1, line: None }, "otra@ejemplo.com");
        assert!(person(None).namesake(first, other, Some("7")).is_some());
        assert!(person(Some("7")).namesake(first, other, Some("7")).is_some());
        assert!(person(Some("8")).namesake(first, other, Some("7")).is_none());
        assert!(person(None).namesake(first, "ana@ejemplo.com", None).is_none());
    }
}
