//! The encoding of a file, by what its letters make of its words.
//!
//! UTF-8 shows by itself. All other text of single bytes is text in any code page, but only in
//! one of them are its words words. There is no last resort: a file whose words suit two code
//! pages that read it differently, or none, is refused and says what each would read.

use std::collections::{HashMap, HashSet};

use super::{fault::SheetFault, letters};
use crate::domain::{
    encoding::Encoding,
    job::Reading,
    lang::{Lang, StaffLang},
};

/// Words that are kept of each byte beyond ASCII: a byte that comes late in a long file is
/// still heard.
const WORDS_OF_A_BYTE: u16 = 100;
/// Largest part of a word that is judged, in bytes.
const MAX_WORD: usize = 64;
/// Most that one word counts for or against an encoding.
const MOST: i32 = 24;
/// By how much an encoding must be better than any that reads other letters.
const MARGIN: i32 = 6;
/// Texts that are kept to show how each encoding would read them.
const KEPT_TEXTS: usize = 32;
/// Bytes of such a text.
const MAX_SHOWN: usize = 60;
/// Such texts, and encodings, that a fault shows.
const SHOWN: usize = 3;

/// The encodings that are told apart, and how often each is met: an even decision goes to no
/// one, but a thin one goes to what spreadsheets write.
const CANDIDATES: [(Encoding, i32); 10] = [
    (Encoding::Windows1252, 2),
    (Encoding::Windows1250, 0),
    (Encoding::MacRoman, 0),
    (Encoding::Cp850, 0),
    (Encoding::Cp437, 0),
    (Encoding::Iso8859_2, -2),
    (Encoding::Cp852, -2),
    (Encoding::Windows1254, -2),
    (Encoding::Windows1257, -2),
    (Encoding::MacCe, -2),
];

/// What is known of a file's text so far.
#[derive(Debug)]
pub(super) struct Guess {
    /// Cells beyond ASCII that are UTF-8, and cells that are not.
    unicode: u64,
    other: u64,
    /// Words kept of each byte from 0x80 on.
    kept: [u16; 128],
    words: HashSet<Box<[u8]>>,
    texts: Vec<Box<[u8]>>,
}

/// What a file's text makes of its encoding.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// UTF-8; most files are.
    Utf8,
    /// A code page, by its letters.
    Guessed(Encoding),
    /// Any of several, or none.
    Open(Vec<Encoding>),
}

impl Guess {
    pub fn new() -> Self {
        Self { unicode: 0, other: 0, kept: [0; 128], words: HashSet::new(), texts: Vec::new() }
    }

    /// Takes a cell.
    pub fn take(&mut self, cell: &[u8]) {
        if cell.is_ascii() {
            return;
        }
        if is_unicode(cell) {
            self.unicode += 1;
            return;
        }
        self.other += 1;
        if self.texts.len() < KEPT_TEXTS {
            let shown = cell.get(..MAX_SHOWN.min(cell.len())).unwrap_or_default();
            self.texts.push(shown.into());
        }
        for word in words(cell) {
            let rare = high(word).any(|at| self.kept.get(at).is_some_and(|n| *n < WORDS_OF_A_BYTE));
            if rare && self.words.insert(word.into()) {
                for at in high(word) {
                    if let Some(kept) = self.kept.get_mut(at) {
                        *kept = kept.saturating_add(1);
                    }
                }
            }
        }
    }

    /// Decides by all cells taken. The majority decides whether it is UTF-8: one broken letter
    /// must not garble all names.
    pub fn decide(&self) -> Verdict {
        if self.other <= self.unicode {
            return Verdict::Utf8;
        }
        let mut judged: Vec<Judged> = CANDIDATES.map(|(e, often)| self.judge(e, often)).into();
        // A stable sort: of those that read alike, the most common is first.
        judged.sort_by_key(|judged| -judged.sum);
        let all = || judged.iter().take(SHOWN).map(|judged| judged.encoding).collect();
        let Some((best, others)) = judged.split_first() else { return Verdict::Open(Vec::new()) };
        if best.sum < 0 || best.doubtful * 4 > self.words.len() {
            return Verdict::Open(all());
        }
        let mut rivals = vec![best.encoding];
        for other in others {
            let lead: Vec<i32> = best
                .words
                .iter()
                .zip(&other.words)
                .filter(|((_, read), (_, differently))| read != differently)
                .map(|((of_best, _), (of_other, _))| of_best - of_other)
                .collect();
            if !lead.is_empty() && lead.iter().sum::<i32>() + best.often - other.often < MARGIN {
                rivals.push(other.encoding);
            }
        }
        match rivals.as_slice() {
            [one] => Verdict::Guessed(*one),
            _ => Verdict::Open(rivals),
        }
    }

    fn judge(&self, encoding: Encoding, often: i32) -> Judged {
        let words: Vec<(i32, String)> = self
            .words
            .iter()
            .map(|word| {
                let read = encoding.lossy(word);
                (letters::judge(&read).clamp(-MOST, MOST), read)
            })
            .collect();
        let sum = words.iter().map(|(judgement, _)| judgement).sum::<i32>() + often;
        let doubtful = words.iter().filter(|(word, _)| *word < letters::DOUBTFUL).count();
        Judged { encoding, often, sum, doubtful, words }
    }

    /// How each of these encodings reads the texts that tell them apart, each reading once.
    pub fn readings(&self, encodings: &[Encoding]) -> Vec<Reading> {
        let read = |text: &[u8]| encodings.iter().map(|e| e.lossy(text)).collect::<Vec<_>>();
        let differ =
            |texts: &Vec<String>| texts.windows(2).any(|pair| matches!(pair, [a, b] if a != b));
        let telling: Vec<_> =
            self.texts.iter().map(|text| read(text)).filter(differ).take(SHOWN).collect();
        let mut readings: Vec<Reading> = Vec::new();
        for (at, encoding) in encodings.iter().enumerate() {
            let texts = telling.iter().filter_map(|texts| texts.get(at)).map(|text| {
                let text: String = text.chars().filter(|c| !c.is_control()).collect();
                text.trim().to_owned()
            });
            let reading = Reading { encoding: *encoding, texts: texts.collect() };
            let known = readings.iter().any(|known| known.texts == reading.texts);
            if readings.len() < SHOWN && !known {
                readings.push(reading);
            }
        }
        readings
    }

    /// The fault of a file whose encoding stays open.
    pub fn fault(&self, encodings: &[Encoding]) -> SheetFault {
        let readings = self.readings(encodings);
        let list = |lang: Lang| {
            let one = |reading: &Reading| {
                let texts = reading.texts.first().map(|text| match lang.staff() {
                    StaffLang::Es => format!(" «{text}»"),
                    StaffLang::En => format!(" \"{text}\""),
                });
                let name = reading.encoding.as_str();
                format!("{name}{}", texts.unwrap_or_default())
            };
            readings.iter().map(one).collect::<Vec<_>>().join("; ")
        };
        let mut fault = SheetFault::new(
            "unknown_encoding",
            format!(
                "No está claro en qué codificación están las letras con acento. Guárdalo como «CSV UTF-8», o indica su codificación; se leería: {}",
                list(Lang::Es)
            ),
            format!(
                "It is not clear in which encoding the accented letters are. Save it as \"CSV UTF-8\", or name its encoding; it would be read: {}",
                list(Lang::En)
            ),
        );
        fault.readings = readings;
        fault
    }
}

/// What an encoding makes of the words.
struct Judged {
    encoding: Encoding,
    often: i32,
    sum: i32,
    doubtful: usize,
    /// The judgement and reading of each.
    words: Vec<(i32, String)>,
}

/// Whether a cell is UTF-8. Two letters of a code page can look like one of UTF-8, but hardly
/// like one that stands beside Latin letters: `Jiř` of a Mac like `Ji` and a letter of Thaana.
fn is_unicode(cell: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(cell) else { return false };
    let foreign = |c: char| ('\u{370}'..='\u{7ff}').contains(&c);
    let mixed = |(a, b): (char, char)| {
        (a.is_ascii_alphabetic() && foreign(b)) || (foreign(a) && b.is_ascii_alphabetic())
    };
    !text.chars().zip(text.chars().skip(1)).any(mixed)
}

/// The words of a cell that have bytes beyond ASCII.
fn words(cell: &[u8]) -> impl Iterator<Item = &[u8]> {
    cell.split(|b| b.is_ascii_whitespace() || b";,\"".contains(b))
        .filter(|word| !word.is_ascii())
        .map(|word| word.get(..MAX_WORD.min(word.len())).unwrap_or_default())
}

/// The bytes beyond ASCII, from 0.
fn high(word: &[u8]) -> impl Iterator<Item = usize> {
    word.iter().filter_map(|b| b.checked_sub(0x80)).map(usize::from)
}

/// The doubtful words of a file whose encoding was guessed.
#[derive(Debug)]
pub(super) struct Doubts {
    encoding: Encoding,
    known: HashMap<Box<[u8]>, bool>,
}

/// Words whose judgement is kept.
const KEPT_JUDGEMENTS: usize = 20_000;

impl Doubts {
    pub fn new(encoding: Encoding) -> Self {
        Self { encoding, known: HashMap::new() }
    }

    /// A word of the cell that is none in the file's encoding, or rather one of another, as it
    /// is read.
    pub fn about(&mut self, cell: &[u8]) -> Option<String> {
        if cell.is_ascii() {
            return None;
        }
        // A cell in UTF-8 among others: two files were joined.
        if is_unicode(cell) {
            return Some(self.encoding.lossy(cell));
        }
        let word = words(cell).find(|word| self.is_doubtful(word))?;
        Some(self.encoding.lossy(word))
    }

    fn is_doubtful(&mut self, word: &[u8]) -> bool {
        if let Some(known) = self.known.get(word) {
            return *known;
        }
        let read = self.encoding.lossy(word);
        let judgement = letters::judge(&read);
        let often = |encoding: Encoding| {
            CANDIDATES.iter().find(|(e, _)| *e == encoding).map_or(0, |(_, often)| *often)
        };
        let own = judgement + often(self.encoding);
        let better = |(encoding, often): &(Encoding, i32)| {
            let other = encoding.lossy(word);
            other != read && letters::judge(&other) + often - own >= MARGIN
        };
        let doubtful = judgement < letters::DOUBTFUL || CANDIDATES.iter().any(better);
        if self.known.len() < KEPT_JUDGEMENTS {
            self.known.insert(word.into(), doubtful);
        }
        doubtful
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_does_not_grow_with_the_words_of_a_file() {
        let mut guess = Guess::new();
        for n in 0..100_000_u32 {
            guess.take(&[b"Mu\xf1oz".as_slice(), n.to_string().as_bytes()].concat());
        }
        guess.take(b"\x92");
        assert_eq!(guess.words.len(), usize::from(WORDS_OF_A_BYTE) + 1);
    }
}
