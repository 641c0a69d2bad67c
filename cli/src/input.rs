//! What commands read of files and arguments.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::{exit::Failure, screen::Screen};

/// Most bytes of a request's body.
const MAX_BODY: u64 = 4 * 1024 * 1024;

/// A file, or standard input for `-`, that goes as one request.
///
/// # Errors
/// When it cannot be read or is larger than a request.
pub fn file(path: &Path, screen: Screen) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match path.to_str() {
        Some("-") => io::stdin().lock().take(MAX_BODY + 1).read_to_end(&mut bytes),
        _ => fs::File::open(path).and_then(|file| file.take(MAX_BODY + 1).read_to_end(&mut bytes)),
    };
    read.map_err(|error| Failure::file(path, &error))?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size > MAX_BODY) {
        let path = path.display();
        return Err(Failure::usage(
            screen.pick(format!("{path} pasa de 4 MiB"), format!("{path} is larger than 4 MiB")),
        )
        .next(screen.pick("divídelo en partes", "split it into parts")));
    }
    Ok(bytes)
}

/// A file that holds JSON, as it is.
///
/// # Errors
/// As of [`file`], and when it is no JSON.
pub fn json_file(path: &Path, screen: Screen) -> Result<Vec<u8>, Failure> {
    let bytes = file(path, screen)?;
    if let Err(error) = serde_json::from_slice::<&serde_json::value::RawValue>(&bytes) {
        let path = path.display();
        return Err(Failure::usage(
            screen.pick(
                format!("{path} no es JSON: {error}"),
                format!("{path} is not JSON: {error}"),
            ),
        ));
    }
    Ok(bytes)
}

/// An argument as one segment of a path: it leads nowhere else.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%2D", "-")
}

/// A number of an answer.
pub fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}
