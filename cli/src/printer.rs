//! Prints in Spanish or English: results on standard output, everything else on standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};

use serde_json::Value;
use unicreda::domain::lang::Lang;

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
/// The noun of mail.
pub const MAIL: Noun = Noun { es: ["correo", "correos"], en: ["mail", "mails"] };

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
        if self.json { Ok(()) } else { write_out(&[plain(line).as_bytes(), b"\n"].concat()) }
    }

    /// Prints a result as one line of JSON; without `--json`, nothing.
    pub fn json(self, value: &Value) -> Result<(), Failure> {
        if self.json { write_out(format!("{value}\n").as_bytes()) } else { Ok(()) }
    }

    /// Prints a notice as a line on standard error.
    pub fn notice(self, line: &str) {
        if !self.quiet {
            // A closed standard error must not end the command.
            let _ = writeln!(io::stderr(), "{}", plain(line));
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
    first.and_then(|tag| Lang::from_tag(&tag)).unwrap_or_default()
}

/// Whether standard error is a terminal that can redraw a progress bar.
pub fn draws_bars() -> bool {
    let named = |name: &str| std::env::var(name).unwrap_or_default();
    io::stderr().is_terminal() && named("NO_COLOR").is_empty() && named("TERM") != "dumb"
}

/// Writes bytes to standard output. When its reader has closed it, as `head` does, the command
/// ends.
pub fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::closed()),
        Err(error) => Err(Failure::failed(error.to_string())),
        Ok(()) => Ok(()),
    }
}

/// A JSON value as a cell of a table.
pub fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => plain(text),
        Some(Value::Array(items)) => {
            items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(",")
        }
        Some(other) => other.to_string(),
    }
}

/// Replaces control characters, with which a text from the service or a file could control the
/// terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}
