//! The attached files of a PDF.
//!
//! A PDF names its attachments in a tree, through tables that every program writes its own way, packs into
//! streams and often breaks. The attached file itself is always a stream of its own whose dictionary has
//! `/Type /EmbeddedFile`, `/Params`, or both in plain bytes (ISO 32000-1 table 45). So those are looked for,
//! and the tables are not read.

use std::collections::BTreeMap;

use memchr::memmem;

use super::{AttachedFault, Found, MAX_DOCUMENT, unpacked};

/// Bytes before which a file's `%PDF-` stands (ISO 32000-1 annex H.3, note 13).
const HEAD: usize = 1_024;
/// Most attachments that are looked at.
const ATTACHMENTS: usize = 64;
/// Longest dictionary of one, in bytes.
const DICTIONARY: usize = 4_096;
/// The names that are looked for; what a file writes with escapes (`#46`) is read as one of these.
const NAMES: [&[u8]; 7] =
    [b"EmbeddedFile", b"Params", b"Type", b"Filter", b"Length", b"FlateDecode", b"Fl"];
/// Longest white space and comments between two tokens, in bytes.
const GAP: usize = 1_024;

pub(super) fn is_pdf(file: &[u8]) -> bool {
    memmem::find(file.get(..HEAD.min(file.len())).unwrap_or_default(), b"%PDF-").is_some()
}

/// The attached texts of a file: of an attachment that was replaced, the last.
pub(super) fn texts(file: &[u8]) -> Found {
    let mut streams: BTreeMap<u32, Stream<'_>> = BTreeMap::new();
    for name in [b"/EmbeddedFile".as_slice(), b"/Params"] {
        let whole = |at: &usize| !file.get(at + name.len()).copied().is_some_and(is_regular);
        let plain = memmem::find_iter(file, name).filter(whole).take(ATTACHMENTS);
        let own = name.get(1..).unwrap_or_default();
        for at in plain.chain(escaped(file, own).take(ATTACHMENTS)) {
            let Some(stream) = Stream::around(file, at) else { continue };
            // What remains of the file after it is shorter for a later one.
            let earlier = |before: &Stream<'_>| before.data.len() <= stream.data.len();
            if !streams.get(&stream.number).is_some_and(earlier) {
                streams.insert(stream.number, stream);
            }
        }
    }
    let (mut texts, mut larger) = (Vec::new(), false);
    for stream in streams.into_values() {
        match stream.text() {
            Text::Read(text) => texts.push(text),
            Text::TooLarge => larger = true,
            Text::Unreadable => {}
        }
    }
    let encrypted = memmem::find_iter(file, b"/Encrypt")
        .any(|at| !file.get(at + 8).copied().is_some_and(is_regular));
    let ended = memmem::rfind(file, b"%%EOF").is_some();
    let otherwise = match (encrypted, ended) {
        (true, _) => AttachedFault::Encrypted,
        (false, true) => AttachedFault::Nothing,
        (false, false) => AttachedFault::Damaged,
    };
    Found { texts, larger, otherwise }
}

/// The stream of an attached file.
struct Stream<'a> {
    /// The number of its object.
    number: u32,
    /// Its filters, in the order in which they are undone.
    filters: Vec<&'a [u8]>,
    /// Its length, as its dictionary says.
    length: Option<usize>,
    /// What follows the keyword `stream`, up to the file's end.
    data: &'a [u8],
}

/// The content of a stream.
enum Text {
    Read(Vec<u8>),
    TooLarge,
    Unreadable,
}

impl<'a> Stream<'a> {
    /// The stream in whose dictionary this place is.
    fn around(file: &'a [u8], at: usize) -> Option<Self> {
        let from = at.saturating_sub(DICTIONARY);
        let object = from + memmem::rfind(file.get(from..at)?, b"obj")?;
        let number = number_before(file.get(..object)?)?;
        let mut tokens = Tokens { rest: file.get(object + 3..)?, taken: 0 };
        let entries = tokens.dictionary()?;
        let attached = entries.kind == Some(b"EmbeddedFile".as_slice()) || entries.parameters;
        if !attached || tokens.next()? != Token::Word(b"stream") {
            return None;
        }
        let data = tokens.rest;
        let data = data.strip_prefix(b"\r").unwrap_or(data);
        let data = data.strip_prefix(b"\n").unwrap_or(data);
        Some(Self { number, filters: entries.filters, length: entries.length, data })
    }

    fn text(&self) -> Text {
        let text = match self.filters.as_slice() {
            [] => {
                let text = self.plain();
                (text.len() <= MAX_DOCUMENT).then(|| text.to_vec())
            }
            // It ends by itself.
            [b"FlateDecode" | b"Fl"] => unpacked(self.data),
            _ => return Text::Unreadable,
        };
        text.map_or(Text::TooLarge, Text::Read)
    }

    /// The bytes of a stream without filters.
    fn plain(&self) -> &'a [u8] {
        let ends = |length: &usize| {
            let rest = self.data.get(*length..).unwrap_or_default();
            rest.trim_ascii_start().starts_with(b"endstream")
        };
        // The length is often another object, and sometimes wrong.
        if let Some(length) = self.length.filter(ends) {
            return self.data.get(..length).unwrap_or_default();
        }
        let end = memmem::find(self.data, b"endstream").unwrap_or(self.data.len());
        let data = self.data.get(..end).unwrap_or_default();
        let data = data.strip_suffix(b"\n").unwrap_or(data);
        data.strip_suffix(b"\r").unwrap_or(data)
    }
}

/// The number of an object whose `12 0 ` ends these bytes.
fn number_before(bytes: &[u8]) -> Option<u32> {
    let mut words = bytes.rsplit(|byte| is_space(*byte)).filter(|word| !word.is_empty()).take(2);
    let (_generation, number) = (words.next()?, words.next()?);
    let digits = number.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = number.get(number.len() - digits..)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// What is read of a dictionary.
#[derive(Default)]
struct Entries<'a> {
    kind: Option<&'a [u8]>,
    /// Whether it has `/Params`.
    parameters: bool,
    filters: Vec<&'a [u8]>,
    length: Option<usize>,
}

/// A token of a PDF; of texts and numbers only what is needed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    /// `/Name`, without its slash.
    Name(&'a [u8]),
    /// `<<` or `[`.
    Open,
    /// `>>` or `]`.
    Close,
    /// `(text)` or `<00ff>`.
    String,
    /// A number or a keyword.
    Word(&'a [u8]),
}

/// The tokens from a place on, up to [`DICTIONARY`] bytes of them.
struct Tokens<'a> {
    rest: &'a [u8],
    taken: usize,
}

impl<'a> Tokens<'a> {
    /// Reads a dictionary up to its `>>`.
    fn dictionary(&mut self) -> Option<Entries<'a>> {
        self.next().filter(|token| *token == Token::Open)?;
        let mut entries = Entries::default();
        let (mut depth, mut key) = (1, None::<&[u8]>);
        loop {
            match (self.next()?, key) {
                (Token::Open, _) => depth += 1,
                (Token::Close, _) => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(entries);
                    }
                    if depth == 1 {
                        key = None;
                    }
                }
                (Token::Name(name), None) if depth == 1 => {
                    entries.parameters |= name == b"Params";
                    key = Some(name);
                }
                (Token::Name(name), Some(b"Filter")) => {
                    entries.filters.push(name);
                    if depth == 1 {
                        key = None;
                    }
                }
                (Token::Name(name), Some(of)) if depth == 1 => {
                    if of == b"Type" {
                        entries.kind = Some(name);
                    }
                    key = None;
                }
                (Token::Word(word), Some(of)) if depth == 1 => {
                    if of == b"Length" {
                        entries.length =
                            std::str::from_utf8(word).ok().and_then(|n| n.parse().ok());
                    }
                    // What follows of a reference, `0 R`, has no key.
                    key = None;
                }
                (Token::String, Some(_)) if depth == 1 => key = None,
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space()?;
        if self.taken > DICTIONARY {
            return None;
        }
        let (first, second) = (*self.rest.first()?, self.rest.get(1).copied());
        Some(match (first, second) {
            (b'<', Some(b'<')) => self.take(2, Token::Open)?,
            (b'>', Some(b'>')) => self.take(2, Token::Close)?,
            (b'[', _) => self.take(1, Token::Open)?,
            (b']', _) => self.take(1, Token::Close)?,
            (b'(', _) => self.literal()?,
            (b'<', _) => {
                let length =
                    memchr::memchr(b'>', self.rest.get(..DICTIONARY.min(self.rest.len()))?)?;
                self.take(length + 1, Token::String)?
            }
            (b'/', _) => {
                let name = word(self.rest.get(1..)?);
                self.take(name.len() + 1, Token::Name(meant(name)))?
            }
            _ => {
                let word = word(self.rest);
                // A stray delimiter is a token of its own.
                self.take(word.len().max(1), Token::Word(word))?
            }
        })
    }

    fn take(&mut self, length: usize, token: Token<'a>) -> Option<Token<'a>> {
        self.rest = self.rest.get(length..)?;
        self.taken += length;
        Some(token)
    }

    /// Skips a text in brackets, which may nest.
    fn literal(&mut self) -> Option<Token<'a>> {
        let (mut depth, mut at) = (0, 0);
        loop {
            match self.rest.get(at)? {
                b'\\' => at += 1,
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return self.take(at, Token::String);
            }
            if at > DICTIONARY {
                return None;
            }
        }
    }

    /// Skips white space and comments.
    fn skip_space(&mut self) -> Option<()> {
        let (mut at, mut comment) = (0, false);
        loop {
            match *self.rest.get(at)? {
                b'\r' | b'\n' => comment = false,
                b'%' => comment = true,
                byte if comment || is_space(byte) => {}
                _ => break,
            }
            at += 1;
            if at > GAP {
                return None;
            }
        }
        self.rest = self.rest.get(at..)?;
        self.taken += at;
        Some(())
    }
}

/// The places of a name that is written with an escape (ISO 32000-1 §7.3.5).
fn escaped<'a>(file: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    memchr::memchr_iter(b'#', file).filter_map(move |at| {
        // The slash before the first escape, with unescaped letters between.
        let from = at.saturating_sub(name.len());
        let before = file.get(from..at)?;
        let back = before.iter().rev().position(|byte| !is_regular(*byte) || *byte == b'#')?;
        let slash = at.checked_sub(back + 1)?;
        let written = word(file.get(slash + 1..slash + 2 + 3 * name.len())?);
        (file.get(slash) == Some(&b'/') && unescaped(written).eq(name.iter().copied()))
            .then_some(slash)
    })
}

/// The bytes of a name as they are meant.
fn unescaped(written: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = written;
    std::iter::from_fn(move || {
        let (first, tail) = rest.split_first()?;
        let code = tail.get(..2).filter(|_| *first == b'#');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        rest = if code.is_some() { tail.get(2..)? } else { tail };
        Some(code.unwrap_or(*first))
    })
}

/// A name as it is meant, if it is one of [`NAMES`]; any other as it is written.
fn meant(written: &[u8]) -> &[u8] {
    if memchr::memchr(b'#', written).is_none() {
        return written;
    }
    let known = NAMES.iter().find(|name| unescaped(written).eq(name.iter().copied()));
    known.copied().unwrap_or(written)
}

/// The regular characters at the beginning (ISO 32000-1 §7.2.2).
fn word(bytes: &[u8]) -> &[u8] {
    let most = bytes.get(..DICTIONARY.min(bytes.len())).unwrap_or_default();
    let length = most.iter().position(|byte| !is_regular(*byte)).unwrap_or(most.len());
    most.get(..length).unwrap_or_default()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\0' | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !b"()<>[]{}/%".contains(&byte)
}
