//! The saved inputs of a parser, and inputs like them.
//!
//! `local/tests/corpus/{parser}/` has small files with invented people: some that the parser takes,
//! some that it refuses, and each that ever broke it. A run gives the parser all of them, then as
//! many changed ones as it is asked for. An input at which a test fails is written to a file, which
//! joins the folder.

use std::{
    io::{Read, Write},
    ops::Deref,
    path::Path,
};

use flate2::{Compression, Crc, read::ZlibDecoder, write::ZlibEncoder};

use super::{
    changed as changed_json,
    sheets::{archive_of, parts},
};
use crate::crashes::{long, seed};

/// Factor of the long run.
const LONG: usize = 50;
/// Longest input, in bytes.
const MOST: usize = 64 * 1024;

/// How an input is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text of lines and cells.
    Text,
    /// JSON: values change too.
    Json,
    /// Chunks of a PNG file, whose checksums are mended.
    Png,
    /// Parts of a ZIP archive, which is whole again.
    Archive,
}

/// Inputs of one parser.
pub struct Inputs {
    parser: &'static str,
    shape: Shape,
    saved: Vec<(String, Vec<u8>)>,
    rng: fastrand::Rng,
    at: usize,
    end: usize,
}

/// The saved files of a parser, by name.
pub fn saved(parser: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(parser);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a file").path())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(path).expect("a file"))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

impl Inputs {
    /// The saved inputs, and so many changed ones; in the long run [`LONG`] times as many.
    pub fn of(parser: &'static str, shape: Shape, changed: usize) -> Self {
        let saved = saved(parser);
        let end = saved.len() + changed * if long() { LONG } else { 1 };
        Self { parser, shape, saved, rng: fastrand::Rng::with_seed(seed(parser)), at: 0, end }
    }

    fn changed(&mut self) -> Vec<u8> {
        let Self { saved, rng, shape, .. } = self;
        let (mut bytes, other) =
            (saved[rng.usize(..saved.len())].1.clone(), &saved[rng.usize(..saved.len())].1);
        if *shape == Shape::Png && rng.u8(..4) > 0 {
            bytes = changed_png(rng, &bytes);
        } else if *shape == Shape::Archive && rng.u8(..8) > 0 {
            bytes = changed_archive(rng, &bytes, other);
        } else if *shape == Shape::Json && rng.bool() {
            bytes = changed_json(rng, &String::from_utf8_lossy(&bytes));
        } else {
            for _ in 0..rng.usize(1..=4) {
                change(rng, &mut bytes, other);
            }
        }
        bytes.truncate(MOST);
        bytes
    }
}

impl Iterator for Inputs {
    type Item = Input;
    fn next(&mut self) -> Option<Input> {
        let n = self.at;
        self.at += 1;
        if n >= self.end {
            return None;
        }
        let (name, bytes) = match self.saved.get(n) {
            Some((name, bytes)) => (name.clone(), bytes.clone()),
            None => (format!("changed-{n}"), self.changed()),
        };
        Some(Input { parser: self.parser, name, bytes })
    }
}

/// One input. It is written to a file when the test fails while it is tried.
pub struct Input {
    parser: &'static str,
    /// Its file, or its number.
    pub name: String,
    bytes: Vec<u8>,
}

impl Deref for Input {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let path = std::env::temp_dir().join(format!("{}-{}", self.parser, self.name));
            std::fs::write(&path, &self.bytes).expect("a file");
            eprintln!(
                "failed at this input: {}; once it is mended, move it to local/tests/corpus/{}/",
                path.display(),
                self.parser
            );
        }
    }
}

/// Bytes with a meaning to some parser.
const TOKENS: [&[u8]; 32] = [
    b"\"",
    b"\"\"",
    b"\n",
    b"\r\n",
    b"\r",
    b",",
    b";",
    b"\t",
    b"'",
    b"=1+1",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xe9",
    b"\xc3",
    b"\xf0\x9f\x8e\x93",
    b"\xe2\x80\xae",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"\\u0000",
    b"\\ud800",
    b"%2F",
    b"%00",
    b"%",
    b"../",
    b"+",
    b"@",
    b"sep=;\n",
    b"18446744073709551616",
];

/// Changes some bytes.
fn change(rng: &mut fastrand::Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = rng.usize(0..=bytes.len());
    let some = rng.usize(0..=(bytes.len() - at).min(64));
    match rng.u8(..8) {
        0 => bytes.truncate(at),
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << rng.u8(..8);
            }
        }
        2 => bytes.drain(at..at + some).for_each(drop),
        3 => {
            let again = bytes[at..at + some].repeat(rng.usize(1..40));
            bytes.splice(at..at, again).for_each(drop);
        }
        4 => {
            let from = rng.usize(0..=other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => {
            let token = TOKENS[rng.usize(..TOKENS.len())];
            bytes.splice(at..at, token.iter().copied()).for_each(drop);
        }
    }
}

/// The chunks of a PNG file, as far as it has any: type and data.
pub fn chunks(png: &[u8]) -> Vec<([u8; 4], Vec<u8>)> {
    let mut rest = png.get(8..).unwrap_or_default();
    let mut chunks = Vec::new();
    while let (Some(length), Some(kind)) = (rest.get(..4), rest.get(4..8)) {
        let length = u32::from_be_bytes(length.try_into().expect("4 bytes"));
        let data = rest.get(8..).unwrap_or_default();
        let length = usize::try_from(length).expect("64 bits").min(data.len());
        chunks.push((kind.try_into().expect("4 bytes"), data[..length].to_vec()));
        rest = data.get(length + 4..).unwrap_or_default();
    }
    chunks
}

/// A PNG file of these chunks, with right lengths and checksums.
pub fn png_of(chunks: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in chunks {
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(data);
        png.extend_from_slice(&u32::try_from(data.len()).expect("short").to_be_bytes());
        png.extend_from_slice(kind);
        png.extend_from_slice(data);
        png.extend_from_slice(&crc.sum().to_be_bytes());
    }
    png
}

/// Data as a zlib stream.
pub fn deflated(data: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    packed.write_all(data).expect("memory");
    packed.finish().expect("memory")
}

/// Changes the parts of an archive: one is left out or comes twice, or their bytes are others. A file that is none
/// changes by itself.
fn changed_archive(rng: &mut fastrand::Rng, file: &[u8], other: &[u8]) -> Vec<u8> {
    let Some(mut all) = parts(file).filter(|all| !all.is_empty()) else {
        let mut bytes = file.to_vec();
        change(rng, &mut bytes, other);
        return bytes;
    };
    let at = rng.usize(..all.len());
    match rng.u8(..12) {
        0 => drop(all.remove(at)),
        1 => all.push(all[at].clone()),
        _ => {
            for _ in 0..rng.usize(1..=3) {
                let at = rng.usize(..all.len());
                let further = parts(other).unwrap_or_default();
                let further = further.get(at).map_or(&[][..], |(_, bytes)| bytes);
                change(rng, &mut all[at].1, further);
            }
        }
    }
    archive_of(&all)
}

/// Changes the chunks of a PNG file: their order, their data, or the pixels below compression.
fn changed_png(rng: &mut fastrand::Rng, png: &[u8]) -> Vec<u8> {
    let mut chunks = chunks(png);
    for _ in 0..rng.usize(1..=3) {
        if chunks.is_empty() {
            break;
        }
        let (at, from) = (rng.usize(..chunks.len()), rng.usize(..chunks.len()));
        match rng.u8(..6) {
            0 => chunks.remove(at).1.clear(),
            1 => chunks.insert(at, chunks[from].clone()),
            2 => chunks.swap(at, from),
            3 => {
                let mut pixels = Vec::new();
                let packed = &mut chunks[at].1;
                if ZlibDecoder::new(&packed[..]).read_to_end(&mut pixels).is_ok() {
                    change(rng, &mut pixels, png);
                    *packed = deflated(&pixels);
                }
            }
            _ => change(rng, &mut chunks[at].1, png),
        }
    }
    png_of(&chunks)
}
