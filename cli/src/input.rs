//! Reads files, arguments and JSON answers.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, value::RawValue};
use unicreda::domain::json;

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
    // The service reads over a byte order mark as well.
    let fault = match json::text(&bytes) {
        None => Some(printer.pick("no está en UTF-8", "it is not in UTF-8").to_owned()),
        Some(text) => serde_json::from_str::<&RawValue>(text).err().map(|error| error.to_string()),
    };
    if let Some(fault) = fault {
        let path = path.display();
        return Err(Failure::usage(
            printer.pick(
                format!("{path} no es JSON: {fault}"),
                format!("{path} is not JSON: {fault}"),
            ),
        ));
    }
    Ok(bytes)
}

/// A line about the errors that an answer does not list, if there are any.
pub fn omitted(answer: &Value, printer: Printer) -> Option<String> {
    let more = number(answer, "errors_omitted");
    (more > 0)
        .then(|| printer.pick(format!("y {more} errores más"), format!("and {more} more errors")))
}

/// Encodes an argument as one segment of a URL path, so that it cannot name another path.
pub fn path_segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%2D", "-")
}

/// A number of a JSON answer; 0 when it is missing.
pub fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}
