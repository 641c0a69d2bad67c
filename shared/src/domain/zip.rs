//! Archives (ZIP, APPNOTE 6.3) that several processes write one after the other: the libraries keep what the
//! directory at the end needs in the memory of one.
//!
//! Files are stored as they are, with sizes before them and names in UTF-8: programs of macOS and Windows stumble
//! over sizes that follow a file, over archives beyond 4 GB, and over names without that mark.

use flate2::Crc;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Most bytes of an archive, its directory excepted: older programs read 2 GiB.
pub const MOST_BYTES: u64 = 2_000_000_000;
/// Most files of an archive; the format counts 65,535.
pub const MOST_FILES: u32 = 50_000;

/// Version that reads the archive: 2.0.
const VERSION: u16 = 20;
/// Names are in UTF-8 (bit 11).
const UTF_8: u16 = 0x0800;

/// A file of an archive, as its directory names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZipEntry {
    /// Its name.
    pub name: String,
    /// Checksum of its content.
    pub crc: u32,
    /// Bytes of its content.
    pub size: u32,
    /// Place in the archive at which it begins.
    pub offset: u32,
}

impl ZipEntry {
    /// The entry of a file that begins at a place. `None` if the format cannot have it: its name, it or the archive is
    /// too long.
    pub fn of(name: String, content: &[u8], offset: u64) -> Option<Self> {
        u16::try_from(name.len()).ok()?;
        let mut crc = Crc::new();
        crc.update(content);
        let (size, offset) = (u32::try_from(content.len()).ok()?, u32::try_from(offset).ok()?);
        Some(Self { name, crc: crc.sum(), size, offset })
    }

    /// Writes the file: what goes before it, and its content.
    pub fn write(&self, content: &[u8], at: DosTime, into: &mut Vec<u8>) {
        into.extend(0x0403_4b50_u32.to_le_bytes());
        self.common(at, into);
        into.extend(0_u16.to_le_bytes());
        into.extend(self.name.as_bytes());
        into.extend(content);
    }

    /// What the file and the directory say alike.
    fn common(&self, at: DosTime, into: &mut Vec<u8>) {
        // The third is the method: stored.
        for word in [VERSION, UTF_8, 0, at.time, at.date] {
            into.extend(word.to_le_bytes());
        }
        for word in [self.crc, self.size, self.size] {
            into.extend(word.to_le_bytes());
        }
        into.extend(u16::try_from(self.name.len()).unwrap_or(u16::MAX).to_le_bytes());
    }

    fn write_directory(&self, at: DosTime, into: &mut Vec<u8>) {
        into.extend(0x0201_4b50_u32.to_le_bytes());
        into.extend(VERSION.to_le_bytes());
        self.common(at, into);
        // Extra field, comment, disk, inner attributes; outer attributes.
        into.extend([0; 8]);
        into.extend(0_u32.to_le_bytes());
        into.extend(self.offset.to_le_bytes());
        into.extend(self.name.as_bytes());
    }
}

/// Writes the directory, which begins at a place and ends the archive. `None` if there are more files than the format
/// counts.
pub fn write_end<'a>(
    entries: impl Iterator<Item = &'a ZipEntry>,
    at: DosTime,
    offset: u64,
    into: &mut Vec<u8>,
) -> Option<()> {
    let start = into.len();
    let mut count = 0_u16;
    for entry in entries {
        entry.write_directory(at, into);
        count = count.checked_add(1)?;
    }
    let size = u32::try_from(into.len() - start).ok()?;
    let offset = u32::try_from(offset).ok()?;
    into.extend(0x0605_4b50_u32.to_le_bytes());
    for word in [0, 0, count, count] {
        into.extend(word.to_le_bytes());
    }
    for word in [size, offset] {
        into.extend(word.to_le_bytes());
    }
    into.extend(0_u16.to_le_bytes());
    Some(())
}

/// The instant that an archive gives its files, in UTC, to two seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DosTime {
    date: u16,
    time: u16,
}

impl DosTime {
    /// The instant, between the years 1980 and 2107.
    pub fn of(at: Timestamp) -> Self {
        let at = at.to_zoned_datetime(TimeZone::UTC).datetime();
        let part = |n: i8| u16::try_from(n).unwrap_or_default();
        let year = u16::try_from(at.year().clamp(1980, 2107) - 1980).unwrap_or_default();
        Self {
            date: (year << 9) | (part(at.month()) << 5) | part(at.day()),
            time: (part(at.hour()) << 11) | (part(at.minute()) << 5) | (part(at.second()) / 2),
        }
    }
}
