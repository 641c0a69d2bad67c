//! The check of an `.xls` file before a library reads it: every list of sectors ends, and what the
//! sheets say of their size fits into memory ([MS-CFB], [MS-XLS]).

use super::trouble::{Result, Trouble};

/// Bytes of the header, and of a sector of the two kinds.
const HEADER: usize = 512;
const ENTRY: usize = 128;
const MINI: usize = 64;
/// Streams below this length are within another one.
const MINI_STREAM: u64 = 4096;
/// Numbers from here on are no sectors.
const NO_SECTOR: u32 = 0xffff_fffa;
/// Columns and rows of a sheet.
const MAX_COLUMN: u32 = 256;
const MAX_ROW: u32 = 65_536;
/// Cells of all sheets, as rectangles.
const MAX_CELLS: u64 = 4_000_000;
/// Characters of a text whose length is not known.
const LONGEST: u64 = 65_535;
/// Characters of all cells: a text that cells share is copied into each.
const MAX_TEXT: u64 = 96 * 1024 * 1024;

/// What the file turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A workbook.
    Workbook,
    /// A file that is encrypted as a whole.
    Encrypted,
    /// Another document.
    Other,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A file of sectors, all of whose lists end.
struct Sectors<'a> {
    bytes: &'a [u8],
    size: usize,
    next: Vec<u32>,
}

impl<'a> Sectors<'a> {
    fn sector(&self, number: u32) -> Option<&'a [u8]> {
        let from = index(number).checked_add(1)?.checked_mul(self.size)?;
        let to = from.checked_add(self.size)?.min(self.bytes.len());
        self.bytes.get(from..to)
    }

    fn open(bytes: &'a [u8]) -> Option<Self> {
        let size = match u16_at(bytes, 30)? {
            9 => 512,
            12 => 4096,
            _ => return None,
        };
        let mut sectors = Self { bytes, size, next: Vec::new() };
        let most = bytes.len() / size + 1;
        let mut lists: Vec<u32> =
            (76..HEADER).step_by(4).filter_map(|at| u32_at(bytes, at)).collect();
        let (mut list, mut seen) = (u32_at(bytes, 68)?, 0);
        while list < NO_SECTOR {
            seen += 1;
            let sector = sectors.sector(list).filter(|_| seen <= most)?;
            let numbers = size / 4 - 1;
            lists.extend((0..numbers).filter_map(|at| u32_at(sector, at * 4)));
            list = u32_at(sector, numbers * 4)?;
        }
        lists.retain(|list| *list < NO_SECTOR);
        if lists.len() > most {
            return None;
        }
        for list in lists {
            let sector = sectors.sector(list)?;
            sectors.next.extend((0..size / 4).filter_map(|at| u32_at(sector, at * 4)));
        }
        Some(sectors)
    }

    /// The sectors of a list; none if it does not end, or leads out of the file.
    fn chain(&self, first: u32) -> Option<Vec<u32>> {
        let (mut chain, mut at) = (Vec::new(), first);
        let most = self.bytes.len() / self.size + 1;
        while at < NO_SECTOR {
            if chain.len() > most || self.sector(at).is_none_or(<[u8]>::is_empty) {
                return None;
            }
            chain.push(at);
            at = *self.next.get(index(at))?;
        }
        Some(chain)
    }

    fn read(&self, first: u32) -> Option<Vec<u8>> {
        let chain = self.chain(first)?;
        Some(chain.iter().filter_map(|at| self.sector(*at)).collect::<Vec<_>>().concat())
    }
}

/// An entry of the list of streams.
struct Entry {
    name: String,
    first: u32,
    length: u64,
}

fn entry(bytes: &[u8], small: bool) -> Option<Entry> {
    let letters = bytes.get(..64)?.as_chunks::<2>().0.iter().map(|two| u16::from_le_bytes(*two));
    let name: Vec<u16> = letters.take_while(|letter| *letter != 0).collect();
    let low = u64::from(u32_at(bytes, 120)?);
    let high = if small { 0 } else { u64::from(u32_at(bytes, 124)?) << 32 };
    Some(Entry {
        name: String::from_utf16_lossy(&name).to_ascii_lowercase(),
        first: u32_at(bytes, 116)?,
        length: low | high,
    })
}

/// Checks a file.
pub(super) fn check(bytes: &[u8]) -> Result<Kind> {
    checked(bytes).ok_or(Trouble::Unreadable)?
}

/// Checks it; none if it is damaged.
fn checked(bytes: &[u8]) -> Option<Result<Kind>> {
    let sectors = Sectors::open(bytes)?;
    let all = sectors.read(u32_at(bytes, 48)?)?;
    let small = sectors.size == 512;
    let entries: Vec<Entry> = all.chunks(ENTRY).filter_map(|bytes| entry(bytes, small)).collect();
    let root = entries.first()?;
    let file = bytes.len() as u64;
    if entries.iter().any(|entry| entry.length > file && !entry.name.is_empty()) {
        return None;
    }
    // The stream of small streams, and the list of its sectors.
    let minis = sectors.chain(root.first)?.len() * sectors.size;
    let mini_list = sectors.read(u32_at(bytes, 60)?)?;
    let has = |wanted: &str| entries.iter().find(|entry| entry.name == wanted);
    if has("encryptedpackage").is_some() || has("encryptioninfo").is_some() {
        return Some(Ok(Kind::Encrypted));
    }
    let Some(book) = has("workbook").or_else(|| has("book")) else {
        return Some(Ok(Kind::Other));
    };
    if book.length < MINI_STREAM {
        // Calamine takes these by their own list.
        let (mut at, mut seen) = (book.first, 0);
        while at < NO_SECTOR {
            seen += 1;
            if seen * MINI > minis + MINI || index(at) * MINI >= minis {
                return None;
            }
            at = u32_at(&mini_list, index(at).checked_mul(4)?)?;
        }
        return Some(Ok(Kind::Workbook));
    }
    let mut book_bytes = sectors.read(book.first)?;
    book_bytes.truncate(usize::try_from(book.length).ok()?);
    fits(&book_bytes)?.then_some(Ok(Kind::Workbook)).or(Some(Err(Trouble::TooLarge)))
}

/// Whether the cells of all sheets fit into memory as rectangles; none if they are no sheets. A sheet
/// begins wherever a list of sheets says, so that one may be read several times.
fn fits(book: &[u8]) -> Option<bool> {
    let (mut starts, mut at) = (Vec::new(), 0);
    let mut texts = Texts::default();
    let mut in_texts = false;
    while let Some((kind, record)) = record(book, at) {
        in_texts = kind == 0x00fc || (in_texts && kind == 0x003c);
        match kind {
            0x0085 => starts.push(index(u32_at(record, 0)?)),
            // The texts that cells share, without the two counts before them.
            0x00fc => texts.pieces.push(record.get(8..).unwrap_or_default()),
            0x003c if in_texts => texts.pieces.push(record),
            0x000a => break,
            _ => {}
        }
        at += 4 + record.len();
    }
    if starts.len() > 1_000 {
        return None;
    }
    let lengths = texts.lengths();
    let (mut cells, mut letters) = (0, 0);
    for start in starts {
        let (further, text) = area(book, start, &lengths)?;
        cells += further;
        letters += text;
        if cells > MAX_CELLS || letters > MAX_TEXT {
            return Some(false);
        }
    }
    Some(true)
}

/// The texts that cells share, in the pieces of which their list consists.
#[derive(Default)]
struct Texts<'a> {
    pieces: Vec<&'a [u8]>,
}

impl Texts<'_> {
    /// The characters of each, as far as the list can be read.
    fn lengths(self) -> Vec<u64> {
        let mut lengths = Vec::new();
        let mut pieces = self.pieces.into_iter();
        let mut rest = pieces.next().unwrap_or_default();
        loop {
            if rest.is_empty() {
                let Some(next) = pieces.next() else { return lengths };
                rest = next;
                continue;
            }
            let Some(after) = text_of(rest, &mut pieces, &mut lengths) else { return lengths };
            rest = after;
        }
    }
}

/// Notes the characters of the text that begins in a piece; what is left of the piece in which it ends.
fn text_of<'a>(
    piece: &'a [u8],
    pieces: &mut impl Iterator<Item = &'a [u8]>,
    lengths: &mut Vec<u64>,
) -> Option<&'a [u8]> {
    let (letters, mut flags) = (usize::from(u16_at(piece, 0)?), *piece.get(2)?);
    lengths.push(letters as u64);
    let mut at = 3;
    let mut further = 0;
    if flags & 8 != 0 {
        further += usize::from(u16_at(piece, at)?) * 4;
        at += 2;
    }
    if flags & 4 != 0 {
        further += index(u32_at(piece, at)?);
        at += 4;
    }
    let (mut rest, mut left) = (piece.get(at..)?, letters);
    loop {
        let size = 1 + usize::from(flags & 1);
        let taken = left.min(rest.len() / size);
        rest = rest.get(taken * size..)?;
        left -= taken;
        if left == 0 {
            break;
        }
        // The next piece begins with how its characters are written.
        let next = pieces.next()?;
        flags = *next.first()?;
        rest = next.get(1..)?;
    }
    while further > rest.len() {
        further -= rest.len();
        rest = pieces.next()?;
    }
    rest.get(further..)
}

fn record(book: &[u8], at: usize) -> Option<(u16, &[u8])> {
    let (kind, length) = (u16_at(book, at)?, usize::from(u16_at(book, at + 2)?));
    Some((kind, book.get(at + 4..at + 4 + length)?))
}

/// The cells of a sheet, as a rectangle or one by one, and the characters that they share; none if a cell
/// lies outside of any.
fn area(book: &[u8], start: usize, lengths: &[u64]) -> Option<(u64, u64)> {
    let (mut rows, mut columns) = (0, 0);
    let (mut cells, mut letters) = (0, 0);
    let mut at = start;
    while let Some((kind, record)) = record(book, at) {
        match kind {
            // What a sheet says of its size is taken at its word, and memory set aside for it.
            0x0200 if record.len() >= 14 => {
                let (first, last) = (u32_at(record, 0)?, u32_at(record, 4)?);
                let (left, right) = (u16_at(record, 8)?, u16_at(record, 10)?);
                if first > last || last > MAX_ROW || u32::from(right.max(left)) > MAX_COLUMN {
                    return None;
                }
                (rows, columns) = (rows.max(last), columns.max(u32::from(right)));
            }
            0x0006 | 0x0203..=0x0205 | 0x00fd | 0x027e | 0x00d6 | 0x00bd => {
                let (row, column) = (u16_at(record, 0)?, u16_at(record, 2)?);
                // Several numbers side by side: the last one's column ends the record.
                let last = match kind {
                    0x00bd => u16_at(record, record.len().checked_sub(2)?)?,
                    _ => column,
                };
                cells += u64::from(last.saturating_sub(column)) + 1;
                if kind == 0x00fd {
                    letters += lengths.get(index(u32_at(record, 6)?)).unwrap_or(&LONGEST);
                }
                if u32::from(column.max(last)) >= MAX_COLUMN {
                    return None;
                }
                rows = rows.max(u32::from(row) + 1);
                columns = columns.max(u32::from(column.max(last)) + 1);
            }
            0x000a => break,
            _ => {}
        }
        at += 4 + record.len();
    }
    Some((cells.max(u64::from(rows) * u64::from(columns)), letters))
}
