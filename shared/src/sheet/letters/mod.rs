//! What the letters of a word make of it: a word that is read in the wrong encoding has symbols
//! in it, capitals in its middle, or letters beside each other that no language has.
//!
//! `words.txt` has a line of words a language: names, and what headers say. From them follow the
//! letters of a language and the places where they stand. A word is judged by the language that
//! suits it best.

use std::{collections::HashMap, sync::LazyLock};

/// The words, a language a line.
const WORDS: &str = include_str!("words.txt");

/// Languages that there is room for.
const LANGUAGES: usize = 16;

/// The languages that have something, a bit each.
type Languages = u16;

/// What is known of letters.
static LETTERS: LazyLock<Letters> = LazyLock::new(|| Letters::of(WORDS));

/// Judges a word, or several joined by signs: above 0 it looks like one, below [`DOUBTFUL`] it
/// does not. A letter in a place where a known word has it counts 6, a whole known word 10, a
/// symbol between two letters -16.
pub(super) fn judge(word: &str) -> i32 {
    LETTERS.judge(word)
}

/// The judgement below which a word is doubtful.
pub(super) const DOUBTFUL: i32 = -2;

/// Words that end in an apostrophe: `d'Ávila`, `l'Hospitalet`.
const ELIDED: [&str; 13] =
    ["o", "d", "l", "n", "m", "s", "t", "j", "c", "qu", "all", "dell", "sant"];

/// What is known of letters.
struct Letters {
    words: HashMap<&'static str, Languages>,
    /// A letter beyond ASCII.
    alone: HashMap<char, Languages>,
    /// The same with the characters beside it; a space where the word begins or ends.
    between: HashMap<(char, char, char), Languages>,
    after: HashMap<(char, char), Languages>,
    before: HashMap<(char, char), Languages>,
    /// The same between sounds.
    shape: HashMap<(Sound, char, Sound), Languages>,
}

/// The sound beside a letter.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Sound {
    None,
    Vowel,
    Consonant,
}

impl Sound {
    fn of(c: char) -> Self {
        match c {
            ' ' => Self::None,
            c if "aeiouyáéíóúýàèìòùâêîôûäëïöüãõåæøąęăőűůěœ".contains(c) => {
                Self::Vowel
            }
            _ => Self::Consonant,
        }
    }
}

impl Letters {
    fn of(words: &'static str) -> Self {
        let mut letters = Self {
            words: HashMap::new(),
            alone: HashMap::new(),
            between: HashMap::new(),
            after: HashMap::new(),
            before: HashMap::new(),
            shape: HashMap::new(),
        };
        for (n, line) in words.lines().take(LANGUAGES).enumerate() {
            let parts = line.split(|c: char| c.is_whitespace() || "-’'".contains(c)).skip(1);
            for word in parts.filter(|word| !word.is_ascii()) {
                letters.learn(word, 1 << n);
            }
        }
        letters
    }

    fn learn(&mut self, word: &'static str, language: Languages) {
        *self.words.entry(word).or_default() |= language;
        for Place { before: a, letter: c, after: b } in places(word) {
            if !c.is_ascii() && c.is_alphabetic() {
                *self.alone.entry(c).or_default() |= language;
                *self.between.entry((a, c, b)).or_default() |= language;
                *self.after.entry((a, c)).or_default() |= language;
                *self.before.entry((c, b)).or_default() |= language;
                *self.shape.entry((Sound::of(a), c, Sound::of(b))).or_default() |= language;
            }
        }
    }

    fn judge(&self, text: &str) -> i32 {
        let mut signs = 0;
        let mut languages = [0; LANGUAGES];
        let chars: Vec<char> = text.chars().map(|c| if c == '\u{a0}' { ' ' } else { c }).collect();
        for at in 0..chars.len() {
            let place = Surroundings::new(&chars, at);
            if place.letter.is_ascii() {
                continue;
            }
            if is_letter(place.letter) {
                self.weigh(&place, &mut languages);
            } else {
                signs += place.sign();
            }
        }
        for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_ascii()) {
            let known = self.words.get(word.to_lowercase().as_str()).copied().unwrap_or_default();
            add(&mut languages, |language| if known & language == 0 { 0 } else { 10 });
        }
        languages.into_iter().max().unwrap_or_default() + signs
    }

    /// Adds what each language makes of a letter beyond ASCII.
    fn weigh(&self, place: &Surroundings<'_>, languages: &mut [i32; LANGUAGES]) {
        let lower = |c: char| if is_letter(c) { one_lower(c) } else { ' ' };
        let (a, c, b) = (lower(place.before), one_lower(place.letter), lower(place.after));
        let of = |known: Option<&Languages>| known.copied().unwrap_or_default();
        let between = of(self.between.get(&(a, c, b)));
        let (after, before) = (of(self.after.get(&(a, c))), of(self.before.get(&(c, b))));
        let shape = of(self.shape.get(&(Sound::of(a), c, Sound::of(b))));
        let alone = of(self.alone.get(&c));
        let capitals = if place.is_odd_capital() { -10 } else { 0 };
        add(languages, |language| {
            let has = |languages: Languages| languages & language != 0;
            capitals
                + match () {
                    () if has(between) => 6,
                    () if has(after & before) => 3,
                    () if has(after | before) && has(shape) => 1,
                    () if has(shape) => -1,
                    () if has(after | before) => -4,
                    () if has(alone) => -7,
                    () => -10,
                }
        });
    }
}

fn add(languages: &mut [i32; LANGUAGES], value: impl Fn(Languages) -> i32) {
    for (n, sum) in languages.iter_mut().enumerate() {
        *sum += value(1 << n);
    }
}

fn one_lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// A letter of the Latin script.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || (('\u{c0}'..='\u{24f}').contains(&c) && c.is_alphabetic())
}

/// A letter of a word and its neighbours.
struct Place {
    before: char,
    letter: char,
    after: char,
}

fn places(word: &str) -> impl Iterator<Item = Place> {
    let before = std::iter::once(' ').chain(word.chars());
    let after = word.chars().skip(1).chain(std::iter::once(' '));
    before.zip(word.chars()).zip(after).map(|((before, letter), after)| Place {
        before,
        letter,
        after,
    })
}

/// A character of a text and what surrounds it.
struct Surroundings<'a> {
    chars: &'a [char],
    at: usize,
    before: char,
    letter: char,
    after: char,
}

impl<'a> Surroundings<'a> {
    fn new(chars: &'a [char], at: usize) -> Self {
        let char_at = |at: Option<usize>| at.and_then(|at| chars.get(at)).copied().unwrap_or(' ');
        let (before, after) = (char_at(at.checked_sub(1)), char_at(at.checked_add(1)));
        Self { chars, at, before, letter: char_at(Some(at)), after }
    }

    /// A capital after a small letter, or a small letter among capitals.
    fn is_odd_capital(&self) -> bool {
        let (before, after) = (self.before, self.after);
        if self.letter.is_uppercase() {
            return is_letter(before) && before.is_lowercase();
        }
        let earlier = self.at.checked_sub(2).and_then(|at| self.chars.get(at));
        let capitals = earlier.is_some_and(|c| is_letter(*c) && c.is_uppercase());
        let capital_after = is_letter(after) && after.is_uppercase();
        capital_after || (is_letter(before) && before.is_uppercase() && capitals)
    }

    /// What a character that is no letter makes of its word.
    fn sign(&self) -> i32 {
        let (c, a, b) = (self.letter, self.before, self.after);
        let (left, right) = (is_letter(a), is_letter(b));
        if c == char::REPLACEMENT_CHARACTER || c.is_control() {
            return -24;
        }
        match (c, left, right) {
            // `1º`, `n.º`, `nº`, `Mª`, `6°`.
            ('º' | 'ª' | '°', _, false) if a.is_ascii_digit() || ".nNMmª".contains(a) => 0,
            ('’' | '‘' | '\u{b4}', true, true) if self.is_apostrophe() => 1,
            ('’' | '‘' | '\u{b4}', true, true) => -12,
            // `col·legi`
            ('·', true, true) if "lL".contains(a) && "lL".contains(b) => 4,
            ('–' | '—', true, true) if b.is_uppercase() => -6,
            (_, true, true) => -16,
            ('¿' | '¡' | '«' | '“' | '‘' | '„' | '‹', false, true)
            | ('”' | '’' | '»' | '…' | '®' | '™' | '©' | '›', true, false) => -1,
            ('–' | '—', ..) if left || right => -4,
            _ if left || right => -12,
            _ => -2,
        }
    }

    /// Whether an apostrophe may stand here: `O’Higgins`, `d’Ávila`, `John’s`.
    fn is_apostrophe(&self) -> bool {
        let word: String =
            self.chars.iter().take(self.at).rev().take_while(|c| is_letter(**c)).collect();
        let word: String = word.chars().rev().flat_map(char::to_lowercase).collect();
        let next = self.chars.get(self.at + 2).is_some_and(|c| is_letter(*c));
        self.after.is_uppercase()
            || ELIDED.contains(&word.as_str())
            || (matches!(self.after, 's' | 'S') && !next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_the_wrong_encoding_is_doubtful() {
        for word in [
            "Mar’a",
            "Mu–oz",
            "Mar¡a",
            "Mu¤oz",
            "P‚rez",
            "£ukasz",
            "Wa³êsa",
            "JosÄ",
            "MarÃ\u{ad}a",
            "Mar√≠a",
            "Muńoz",
            "Dvoøák",
            "Ferm’n",
            "Jos\u{fffd}",
        ] {
            assert!(judge(word) < DOUBTFUL, "{word} {}", judge(word));
        }
        for word in [
            "María",
            "Muñoz",
            "MUÑOZ",
            "Łukasz",
            "Wałęsa",
            "Dvořák",
            "Erdős",
            "Müller",
            "João",
            "O’Higgins",
            "d’Ávila",
            "nº",
            "1ª",
            "col·legi",
            "“María”",
            "€",
            "–",
            "plain",
            "François",
        ] {
            assert!(judge(word) >= DOUBTFUL, "{word} {}", judge(word));
        }
    }

    #[test]
    fn there_is_room_for_every_language() {
        assert!(WORDS.lines().count() <= LANGUAGES);
    }
}
