//! The file to issue from: its name, size and digest.

use std::{
    fs::File,
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use tempfile::NamedTempFile;

use super::state;
use crate::{exit::Failure, printer::Printer};

/// Bytes that the service accepts as one file (500 MiB).
const MAX_SIZE: u64 = 524_288_000;

/// A file that was read once.
pub struct Source {
    pub path: PathBuf,
    /// The name that the service shows.
    pub name: String,
    pub size: u64,
    /// SHA-256 of the content, in hexadecimal.
    pub digest: String,
    /// Holds standard input until it is uploaded.
    _buffer: Option<NamedTempFile>,
}

impl Source {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// When it cannot be read, is empty or exceeds [`MAX_SIZE`].
    pub fn open(path: &Path, printer: Printer) -> Result<Self, Failure> {
        let (path, name, buffer) = if path == Path::new("-") {
            let buffer = buffered_stdin(printer)?;
            let json = first_byte(buffer.path()) == Some(b'{');
            let name = if json { "stdin.jsonl" } else { "stdin.csv" };
            (buffer.path().to_owned(), name.to_owned(), Some(buffer))
        } else {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            (path.to_owned(), name.unwrap_or_default(), None)
        };
        let (size, digest) = measure(&path).map_err(|error| Failure::file(&path, &error))?;
        let shown = path.display();
        if size == 0 {
            return Err(Failure::usage(
                printer.pick(format!("{shown} está vacío"), format!("{shown} is empty")),
            ));
        }
        if size > MAX_SIZE {
            return Err(Failure::usage(printer.pick(
                format!("{shown} supera los 500 MB"),
                format!("{shown} is larger than 500 MB"),
            ))
            .next(printer.pick("divídelo en varios archivos", "split it into parts")));
        }
        Ok(Self { path, name, size, digest, _buffer: buffer })
    }
}

/// Copies standard input to a temporary file, one byte more than allowed at most.
fn buffered_stdin(printer: Printer) -> Result<NamedTempFile, Failure> {
    if io::stdin().is_terminal() {
        printer.notice(printer.pick("Leyendo de la terminal…", "Reading from the terminal…"));
    }
    let copied = NamedTempFile::new().and_then(|mut buffer| {
        io::copy(&mut io::stdin().lock().take(MAX_SIZE + 1), &mut buffer)?;
        Ok(buffer)
    });
    copied.map_err(|error| Failure::failed(error.to_string()))
}

/// Size in bytes and SHA-256 of a file.
fn measure(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut sum = digest::Context::new(&digest::SHA256);
    let mut size = 0_u64;
    let mut chunk = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut chunk)?;
        let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok((size, state::hex(sum.finish().as_ref())));
        };
        sum.update(bytes);
        size += u64::try_from(read).unwrap_or(0);
    }
}

/// The first byte that is neither white space nor a UTF-8 byte order mark.
fn first_byte(path: &Path) -> Option<u8> {
    let mut head = [0; 64];
    let read = File::open(path).ok()?.read(&mut head).ok()?;
    let head = head.get(..read)?;
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}
