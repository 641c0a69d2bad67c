//! The parts of a ZIP archive, read piece by piece within limits. Nothing is unpacked that is not
//! asked for, so an archive within an archive stays closed.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive};

use super::trouble::{Result, Trouble};

/// Most parts of an archive. A workbook has some twenty, and one for each of its sheets and pictures.
const MAX_PARTS: usize = 10_000;
/// Bytes that all parts that are read may have, unpacked.
pub(super) const MAX_UNPACKED: u64 = 512 * 1024 * 1024;
/// Bytes between two events of XML: a cell has 32,767 characters at most.
const MAX_EVENT: usize = 1024 * 1024;

/// An archive in memory.
pub(super) struct Archive<'a> {
    zip: ZipSliceArchive<&'a [u8]>,
    parts: Vec<Part>,
}

struct Part {
    /// In lower case, with `/` between folders, without one at the start.
    name: String,
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    encrypted: bool,
}

/// A part's name as names are compared: programs differ in case, slashes and a slash at the start.
pub(super) fn plain(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_ascii_lowercase()
}

impl<'a> Archive<'a> {
    /// Reads the list of parts.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let zip = ZipArchive::from_slice(bytes).map_err(|_| Trouble::Unreadable)?;
        let (mut parts, mut entries) = (Vec::new(), zip.entries());
        while let Some(entry) = entries.next_entry().map_err(|_| Trouble::Unreadable)? {
            if parts.len() == MAX_PARTS {
                return Err(Trouble::Unreadable);
            }
            let path = entry.file_path();
            parts.push(Part {
                name: plain(&String::from_utf8_lossy(path.as_ref())),
                place: entry.wayfinder(),
                method: entry.compression_method(),
                encrypted: entry.flags().is_encrypted(),
            });
        }
        Ok(Self { zip, parts })
    }

    /// Whether it has a part of this name.
    pub fn has(&self, name: &str) -> bool {
        let name = plain(name);
        self.parts.iter().any(|part| part.name == name)
    }

    /// Whether a part's name ends so.
    pub fn has_ending(&self, end: &str) -> bool {
        self.parts.iter().any(|part| part.name.ends_with(end))
    }

    /// Begins to read a part; `left` is how many bytes it may have, unpacked.
    pub fn part(&self, name: &str, left: u64) -> Result<Unpacking<'_>> {
        let name = plain(name);
        let mut named = self.parts.iter().filter(|part| part.name == name);
        // Of two parts of one name programs read the one or the other.
        let (Some(part), None) = (named.next(), named.next()) else {
            return Err(Trouble::Unreadable);
        };
        if part.encrypted {
            return Err(Trouble::Encrypted);
        }
        let entry = self.zip.get_entry(part.place).map_err(|_| Trouble::Unreadable)?;
        let bytes = entry.data();
        let packed = match part.method {
            CompressionMethod::STORE => Packed::Stored(bytes),
            CompressionMethod::DEFLATE => Packed::Deflated(DeflateDecoder::new(bytes)),
            _ => return Err(Trouble::Unreadable),
        };
        let reader: Box<dyn Read + Send + '_> = Box::new(entry.verifying_reader(packed));
        Ok(Unpacking {
            reader: BufReader::with_capacity(64 * 1024, reader),
            packed: bytes.len(),
            left,
            event: 0,
            beyond: false,
        })
    }
}

/// A part's bytes as they are kept.
enum Packed<'a> {
    Stored(&'a [u8]),
    Deflated(DeflateDecoder<&'a [u8]>),
}

impl Read for Packed<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(bytes) => bytes.read(to),
            Self::Deflated(decoder) => decoder.read(to),
        }
    }
}

/// A part that is being read. At its end its length and its checksum are compared.
pub(super) struct Unpacking<'a> {
    reader: BufReader<Box<dyn Read + Send + 'a>>,
    /// Bytes of the part as it is kept.
    packed: usize,
    left: u64,
    /// Bytes of the present event.
    event: usize,
    /// Whether a limit was met.
    beyond: bool,
}

impl Unpacking<'_> {
    /// Begins another event.
    pub fn begin_event(&mut self) {
        self.event = 0;
    }

    /// Bytes of the part as it is kept.
    pub fn packed(&self) -> usize {
        self.packed
    }

    /// Bytes that may still be read.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// The trouble that an error stands for.
    pub fn trouble(&self) -> Trouble {
        if self.beyond { Trouble::TooLarge } else { Trouble::Unreadable }
    }
}

impl Read for Unpacking<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(to)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Unpacking<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 || self.event > MAX_EVENT {
            self.beyond = true;
            return Err(io::Error::other("beyond a limit"));
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount as u64);
        self.event += amount;
        self.reader.consume(amount);
    }
}
