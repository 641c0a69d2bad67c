//! Reads files, arguments and JSON answers.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::{exit::Failure, printer::Printer};

/// Bytes that a request's body may have (4 MiB).
const MAX_BODY: u64 = 4 * 1024 * 1024;

/// Reads a file, or standard input for `-`, that is sent as one request.
///
/// # Errors
/// When it cannot be read or exceeds [`MAX_BODY`].
pub fn read_file(path: &Path, printer: Printer) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match path.to_str() {
        Some("-") => io::stdin().lock().take(MAX_BODY + 1).read_to_end(&mut bytes),
        _ => fs::File::open(path).and_then(|file| file.take(MAX_BODY + 1).read_to_end(&mut bytes)),
    };
    read.map_err(|error| Failure::file(path, &error))?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size > MAX_BODY) {
        let path = path.display();
        return Err(Failure::usage(
            printer
                .pick(format!("{path} supera los 4 MiB"), format!("{path} is larger than 4 MiB")),
        )
        .next(printer.pick("divídelo en varios archivos", "split it into parts")));
    }
    Ok(bytes)
}

/// Reads a JSON file without changing a byte of it.
///
/// # Errors
/// As [`read_file`], and when it is not JSON.
pub fn read_json_file(path: &Path, printer: Printer) -> Result<Vec<u8>, Failure> {
    let bytes = read_file(path, printer)?;
    if let Err(error) = serde_json::from_slice::<&serde_json::value::RawValue>(&bytes) {
        let path = path.display();
        return Err(Failure::usage(
            printer.pick(
                format!("{path} no es JSON: {error}"),
                format!("{path} is not JSON: {error}"),
            ),
        ));
    }
    Ok(bytes)
}

/// Encodes an argument as one segment of a URL path, so that it cannot name another path.
pub fn path_segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%2D", "-")
}

/// A number of a JSON answer; 0 when it is missing.
pub fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}
