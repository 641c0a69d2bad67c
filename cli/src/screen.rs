//! What people and scripts read: results on standard output, everything else on standard
//! error, in Spanish or English.

use std::io::{self, ErrorKind, IsTerminal, Write};

use serde_json::Value;
use unicreda::domain::lang::Lang;

use crate::exit::Failure;

/// Where texts go and how.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Language of people's texts.
    pub lang: Lang,
    /// JSON on standard output, and nothing else there.
    pub json: bool,
    /// No progress and no notices.
    pub quiet: bool,
}

impl Screen {
    /// The text of this language.
    pub fn pick<T>(self, es: T, en: T) -> T {
        self.lang.pick(es, en)
    }

    /// A result: a line on standard output, unless scripts read it.
    pub fn result(self, line: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { write_out(&[plain(line).as_bytes(), b"\n"].concat()) }
    }

    /// A result for scripts: one line of JSON.
    pub fn document(self, value: &Value) -> Result<(), Failure> {
        if self.json { write_out(format!("{value}\n").as_bytes()) } else { Ok(()) }
    }

    /// A notice: a line on standard error.
    pub fn notice(self, line: &str) {
        if !self.quiet {
            // A closed standard error must not end the command.
            let _ = writeln!(io::stderr(), "{}", plain(line));
        }
    }

    /// Items as a table, or as JSON Lines.
    pub fn list(self, columns: &[(&str, &str)], items: &[Value]) -> Result<(), Failure> {
        if self.json {
            return items.iter().try_for_each(|item| self.document(item));
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
            self.result(cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }

    /// A whole number with its thousands apart: `12.345`, `12,345`.
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

    /// A count with its noun.
    pub fn count(self, number: u64, one: (&str, &str), many: (&str, &str)) -> String {
        let (es, en) = if number == 1 { one } else { many };
        format!("{} {}", self.number(number), self.pick(es, en))
    }

    /// Seconds as people say them: `9 s`, `2 min 5 s`, `1 h 20 min`.
    pub fn duration(self, seconds: u64) -> String {
        match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
            (0, 0, s) => format!("{s} s"),
            (0, min, s) => format!("{min} min {s} s"),
            (h, min, _) => format!("{h} h {min} min"),
        }
    }
}

/// The language that the flag or the environment asks for; Spanish unless it is English.
pub fn language(flag: Option<&str>) -> Lang {
    let named = ["UNICREDA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
    let set = named.iter().filter_map(|name| std::env::var(name).ok());
    let first = flag.map(str::to_owned).or_else(|| set.into_iter().find(|v| !v.is_empty()));
    first.and_then(|tag| Lang::from_tag(&tag)).unwrap_or_default()
}

/// Whether standard error takes a bar that redraws itself.
pub fn draws_bars() -> bool {
    let named = |name: &str| std::env::var(name).unwrap_or_default();
    io::stderr().is_terminal() && named("NO_COLOR").is_empty() && named("TERM") != "dumb"
}

/// Bytes to standard output. A reader that has gone, such as `head`, ends the command.
pub fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::closed()),
        Err(error) => Err(Failure::failed(error.to_string())),
        Ok(()) => Ok(()),
    }
}

/// A value as a cell of a table.
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

/// A text that cannot steer a terminal, whoever wrote it.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}
