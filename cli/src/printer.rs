//! Prints in Spanish or English: results on standard output, everything else on standard error.
//!
//! Texts come from rows, files and services that anybody may have written, and a terminal obeys
//! what some characters say. So this file alone writes to the two, and makes such characters
//! visible ([`visible`]).

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
};

use serde_json::Value;
use unicreda::domain::{lang::Lang, unseen::steers};

pub use unicreda::domain::unseen::visible;

use crate::exit::Failure;

/// A noun in both languages.
pub struct Noun {
    /// Spanish, singular and plural.
    pub es: [&'static str; 2],
    /// English, singular and plural.
    pub en: [&'static str; 2],
}

/// The noun of a job's or a file's rows.
pub const ROW: Noun = Noun { es: ["fila", "filas"], en: ["row", "rows"] };
/// The noun of a file's lines.
pub const LINE: Noun = Noun { es: ["línea", "líneas"], en: ["line", "lines"] };
/// The noun of certificates.
pub const CERTIFICATE: Noun =
    Noun { es: ["certificado", "certificados"], en: ["certificate", "certificates"] };
/// The noun of mail.
pub const MAIL: Noun = Noun { es: ["correo", "correos"], en: ["mail", "mails"] };

/// The noun of what fields hold.
pub const VALUE: Noun = Noun { es: ["valor", "valores"], en: ["value", "values"] };

/// What became of rows, and of mail.
pub mod outcome {
    use super::Noun;

    /// Rows that would be issued.
    pub const NEW: Noun = Noun { es: ["nueva", "nuevas"], en: ["new", "new"] };
    /// Rows that were.
    pub const ISSUED: Noun = Noun { es: ["emitida", "emitidas"], en: ["issued", "issued"] };
    /// Rows whose credential exists.
    pub const EXIST: Noun =
        Noun { es: ["ya existe", "ya existen"], en: ["already exists", "already exist"] };
    /// Rows whose credential existed.
    pub const EXISTED: Noun =
        Noun { es: ["ya existía", "ya existían"], en: ["already existed", "already existed"] };
    /// Rows that correct their credential.
    pub const CORRECTED: Noun =
        Noun { es: ["corregida", "corregidas"], en: ["corrected", "corrected"] };
    /// Rows that are refused in a dry run.
    pub const INVALID: Noun = Noun { es: ["inválida", "inválidas"], en: ["invalid", "invalid"] };
    /// Rows that a job revoked.
    pub const REVOKED: Noun = Noun { es: ["revocada", "revocadas"], en: ["revoked", "revoked"] };
    /// Rows that were revoked before.
    pub const REVOKED_BEFORE: Noun =
        Noun { es: ["ya lo estaba", "ya lo estaban"], en: ["already revoked", "already revoked"] };
    /// Rows whose members are imported.
    pub const IMPORTED: Noun =
        Noun { es: ["importada", "importadas"], en: ["imported", "imported"] };
    /// Rows instead of which another one counts.
    pub const REPEATED: Noun = Noun { es: ["repetida", "repetidas"], en: ["repeated", "repeated"] };
    /// Mail that SES took.
    pub const SENT: Noun = Noun { es: ["enviado", "enviados"], en: ["sent", "sent"] };
    /// Mail that failed.
    pub const UNSENT: Noun = Noun { es: ["fallido", "fallidos"], en: ["failed", "failed"] };
    /// Mail that is not sent.
    pub const SKIPPED: Noun = Noun { es: ["omitido", "omitidos"], en: ["skipped", "skipped"] };
}

/// Prints for a person or for a script.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// Language of the texts for people.
    pub lang: Lang,
    /// Prints JSON on standard output, and nothing else there.
    pub json: bool,
    /// Prints no progress and no notices.
    pub quiet: bool,
}

impl Printer {
    /// The text in the chosen language.
    pub fn pick<T>(self, es: T, en: T) -> T {
        self.lang.pick(es, en)
    }

    /// Prints a result as a line on standard output; with `--json`, nothing.
    pub fn line(self, line: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { print_line(line) }
    }

    /// Prints a result as one line of JSON; without `--json`, nothing.
    pub fn json(self, value: &Value) -> Result<(), Failure> {
        if self.json {
            write_out(format!("{}\n", escaped(&value.to_string())).as_bytes())
        } else {
            Ok(())
        }
    }

    /// Prints a notice as a line on standard error.
    pub fn notice(self, line: &str) {
        if !self.quiet {
            print_error(line);
        }
    }

    /// Prints items as a table, or as JSON Lines. A column has a head and the JSON pointer of
    /// its cells.
    pub fn table(self, columns: &[(&str, &str)], items: &[Value]) -> Result<(), Failure> {
        if self.json {
            return items.iter().try_for_each(|item| self.json(item));
        }
        let heads: Vec<String> = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
        let rows: Vec<Vec<String>> = items
            .iter()
            .map(|item| columns.iter().map(|(_, pointer)| cell(item.pointer(pointer))).collect())
            .collect();
        let widths: Vec<usize> = (0..columns.len())
            .map(|column| {
                let all = rows.iter().chain([&heads]).filter_map(|row| row.get(column));
                all.map(|text| text.chars().count()).max().unwrap_or(0)
            })
            .collect();
        for row in [&heads].into_iter().chain(&rows) {
            let cells = row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}"));
            self.line(cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }

    /// A whole number with a separator between thousands: `12.345`, `12,345`.
    pub fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let mut text = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(self.pick('.', ','));
            }
            text.push(digit);
        }
        text
    }

    /// A number with its noun: `1 fila`, `12,345 rows`.
    pub fn count(self, number: u64, noun: &Noun) -> String {
        let [one, many] = self.pick(noun.es, noun.en);
        format!("{} {}", self.number(number), if number == 1 { one } else { many })
    }

    /// A duration in seconds as people write it: `9 s`, `2 min 5 s`, `1 h 20 min`.
    pub fn duration(self, seconds: u64) -> String {
        match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
            (0, 0, s) => format!("{s} s"),
            (0, min, s) => format!("{min} min {s} s"),
            (h, min, _) => format!("{h} h {min} min"),
        }
    }
}

/// The language that the flag or the environment asks for; Spanish when neither names one.
pub fn language(flag: Option<&str>) -> Lang {
    let named = ["UNICREDA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
    let set = named.iter().filter_map(|name| std::env::var(name).ok());
    let first = flag.map(str::to_owned).or_else(|| set.into_iter().find(|v| !v.is_empty()));
    let asked = first.and_then(|tag| Lang::from_tag(&tag)).unwrap_or_default();
    asked.staff().into()
}

/// Whether standard error is a terminal that can redraw a progress bar.
pub fn draws_bars() -> bool {
    let named = |name: &str| std::env::var(name).unwrap_or_default();
    io::stderr().is_terminal() && named("NO_COLOR").is_empty() && named("TERM") != "dumb"
}

/// Whether a person can be asked: both the question and its answer are on a terminal.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a person for a line; none when the input has ended.
///
/// # Errors
/// When the terminal cannot be read or written.
pub fn ask(question: &str) -> io::Result<Option<String>> {
    let mut terminal = io::stderr().lock();
    write!(terminal, "{} ", visible(question))?;
    terminal.flush()?;
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}

/// Prints a line on standard output.
pub fn print_line(line: &str) -> Result<(), Failure> {
    write_out(format!("{}\n", visible(line)).as_bytes())
}

/// Prints a JSON document on standard output, for people to read.
pub fn print_document(value: &Value) -> Result<(), Failure> {
    write_out(format!("{}\n", escaped(&format!("{value:#}"))).as_bytes())
}

/// Prints a line on standard error.
pub fn print_error(line: &str) {
    // A closed standard error must not end the command.
    let _ = writeln!(io::stderr(), "{}", visible(line));
}

/// Whether standard output is a terminal.
pub fn is_on_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Writes bytes to standard output. When its reader has closed it, as `head` does, the command
/// ends.
fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|error| Failure::output(&error))
}

/// Standard output for a file: its bytes as they are, on a terminal its lines made visible.
#[derive(Debug)]
pub struct FileOut {
    terminal: bool,
    /// The line so far.
    line: Vec<u8>,
}

impl FileOut {
    /// Longest piece of a line that is held back, in bytes.
    const HELD: usize = 64 * 1024;

    /// Begins a file.
    pub fn new() -> Self {
        Self { terminal: is_on_terminal(), line: Vec::new() }
    }

    /// Whether a terminal shows it.
    pub fn is_on_terminal(&self) -> bool {
        self.terminal
    }

    fn show(&mut self, line_end: &str) -> io::Result<()> {
        let line = String::from_utf8_lossy(&self.line);
        // A byte order mark and tabs belong to such files, and move nothing.
        let line = line.trim_end_matches('\r').trim_start_matches('\u{feff}');
        let cells: Vec<String> = line.split('\t').map(visible).collect();
        write!(io::stdout(), "{}{line_end}", cells.join("\t"))?;
        self.line.clear();
        Ok(())
    }
}

impl Write for FileOut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.terminal {
            return io::stdout().write(bytes);
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = piece.strip_suffix(b"\n");
            self.line.extend_from_slice(text.unwrap_or(piece));
            if text.is_some() {
                self.show("\n")?;
            } else if self.line.len() > Self::HELD {
                self.show("")?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            self.show("\n")?;
        }
        io::stdout().flush()
    }
}

/// Where a row is: its line in a file, else its number.
pub fn place(printer: Printer, row: &Value) -> String {
    match row.get("line").filter(|line| line.is_u64()) {
        Some(line) => format!("{} {}", printer.pick("línea", "line"), cell(Some(line))),
        None => format!("{} {}", printer.pick("fila", "row"), cell(row.get("row"))),
    }
}

/// The state of a credential's mail in words; one that this version does not know as it is.
pub fn mail(printer: Printer, status: &str) -> &str {
    match status {
        "pending" => printer.pick("por enviarse", "to be sent"),
        "sent" => printer.pick("enviado", "sent"),
        "delivered" => printer.pick("entregado", "delivered"),
        "bounced" => printer.pick("rebotó", "bounced"),
        "complained" => printer.pick("marcado como no deseado", "marked as spam"),
        "rejected" => printer.pick("rechazado", "rejected"),
        "failed" => printer.pick("no enviado", "not sent"),
        "skipped" => printer.pick("no se envía", "none is sent"),
        other => other,
    }
}

/// A JSON value as a cell of a table.
pub fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => visible(text),
        Some(Value::Array(items)) => {
            items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(",")
        }
        Some(other) => visible(&other.to_string()),
    }
}

/// A JSON text whose control, format and bidi characters are escaped as JSON escapes them; it means
/// the same. Only its strings have such characters, but for the line feeds between its members.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if steers(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}
