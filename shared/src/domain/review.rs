//! What deserves a look in a recipient: it is issued and said, or refused where `strict` names it.
//!
//! A name that only looks odd may be one (Nan and Null are). Capitals are no warning.

use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Value, json};

use crate::domain::{
    admission::DAYS,
    damage::{Kind as Written, damage},
    dates,
    email::EmailAddress,
    field::FieldName,
    lang::Lang,
    mistyped,
    recipient::{FieldValue, Recipient, parse_date},
    template::Definition,
    text::cleaned,
    warning::{Example, Place, Warning, WarningKind, with_examples},
};

/// Rows that a job's warnings name, of all kinds together.
const NAMED: usize = 100;
/// Values of a kind that they show.
const SHOWN: usize = 5;
/// What programs write for a name that is none.
const NO_NAMES: [&str; 21] = [
    "nan",
    "null",
    "none",
    "nil",
    "nat",
    "<na>",
    "n/a",
    "n/d",
    "undefined",
    "s/n",
    "sin nombre",
    "ninguno",
    "desconocido",
    "no name",
    "unknown",
    "(vacío)",
    "test",
    "prueba",
    "asdf",
    "xxx",
    "tbd",
];
/// The same inside a name that was joined from parts, exactly so written.
const NO_WORDS: [&str; 6] = ["nan", "NaN", "null", "NULL", "undefined", "<NA>"];

/// Judges a recipient as it was sent. `today` is the day in UTC: a day counts as future when it
/// is that in every time zone. A text that the template lists is meant.
pub fn judge(recipient: &Recipient, today: Date, template: &Definition) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(name) = recipient.text(FieldName::RecipientName) {
        warnings.extend(judge_name(&cleaned(name)));
    }
    warnings.extend(judge_address(&recipient.email));
    let tomorrow = today.checked_add(1.day()).unwrap_or(today);
    for field in FieldName::ALL {
        let warning = match recipient.value(field) {
            // A day that no credential can name is a fault.
            Some(FieldValue::Date(day))
                if day > tomorrow && DAYS.contains(&day) && field != FieldName::ValidUntil =>
            {
                (WarningKind::FutureDate, day.to_string())
            }
            Some(FieldValue::Text(text)) if is_date(field, &cleaned(text), template) => {
                (WarningKind::DateAsText, cleaned(text).into_owned())
            }
            _ => continue,
        };
        warnings.push(Warning::new(warning.0, field.as_str(), &warning.1, None));
    }
    warnings
}

fn judge_address(address: &EmailAddress) -> Option<Warning> {
    let kind = WarningKind::AddressTypo;
    let (written, domain) = (address.as_str(), address.domain());
    if let Some(meant) = mistyped::domain_meant(domain) {
        return Some(Warning::new(kind, "email", domain, Some(meant)));
    }
    let meant = mistyped::address_meant(written)?;
    Some(Warning::new(kind, "email", written, Some(meant.to_owned())))
}

fn judge_name(name: &str) -> Option<Warning> {
    let lower = name.to_lowercase();
    let words = || name.split(' ');
    let is_sign = |word: &str| word.chars().all(|c| c.is_ascii_punctuation());
    let has_letters = name.chars().any(char::is_alphabetic);
    let is_none = NO_NAMES.contains(&lower.as_str())
        || words().any(|word| NO_WORDS.contains(&word))
        // Programs that ask for a family name get a sign.
        || (has_letters && words().next_back().is_some_and(is_sign));
    let around = |c: char| "<>()[],;".contains(c);
    let is_address = |word: &str| {
        let word = word.trim_matches(around);
        word.contains('@') && EmailAddress::parse(word).is_ok()
    };
    let has_note = name.find('(').is_some_and(|at| {
        name.get(at + 1..).is_some_and(|rest| rest.find(')').is_some_and(|end| end > 0))
    });
    let kind = if is_none {
        WarningKind::PlaceholderName
    } else if words().any(is_address) {
        WarningKind::NameIsAddress
    } else if !has_letters {
        WarningKind::NameWithoutLetters
    } else if has_note {
        WarningKind::NameWithNote
    } else {
        return None;
    };
    // Of a damaged name, such as a formula, the fault says all.
    let is_whole = damage(name, Written::Name).is_none();
    is_whole.then(|| Warning::new(kind, FieldName::RecipientName.as_str(), name, None))
}

/// Whether a field that is no date says one.
fn is_date(field: FieldName, text: &str, template: &Definition) -> bool {
    let is_listed = || {
        let listed = template.field(field).map(|field| &field.allowed_values);
        listed.is_some_and(|values| values.iter().any(|value| value == text))
    };
    let serial = matches!(field, FieldName::Term | FieldName::Role) && dates::is_serial(text);
    field != FieldName::RecipientName
        && text.starts_with(|c: char| c.is_ascii_digit() || c.is_alphabetic())
        && text.bytes().any(|b| b.is_ascii_digit())
        && (serial || dates::is_a_date(text))
        && !is_listed()
}

/// The day of an instant as it is stored, RFC 3339 in UTC.
pub fn day_of(instant: &str) -> Option<Date> {
    parse_date(instant.get(..10)?)
}

/// The kinds of warnings that refuse a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<WarningKind>", into = "Vec<WarningKind>")]
pub struct Strict(u16);

impl Strict {
    /// Reads `true` (all kinds), `false` (none) or a list of kinds; none for anything else.
    pub fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(true) => Some(WarningKind::refusing().collect::<Vec<_>>().into()),
            Value::Bool(false) | Value::Null => Some(Self::default()),
            Value::Array(kinds) => {
                let kinds = kinds.iter().map(|kind| WarningKind::parse(kind.as_str()?));
                kinds.collect::<Option<Vec<_>>>().map(Self::from)
            }
            _ => None,
        }
    }

    /// Whether it refuses nothing.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether it refuses a kind.
    pub fn refuses(self, kind: WarningKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// The warnings about a recipient for which it is refused; `sent_at` is the instant at which
    /// it came, RFC 3339.
    pub fn refused(
        self,
        recipient: &Recipient,
        sent_at: &str,
        template: &Definition,
    ) -> Vec<Warning> {
        let day = day_of(sent_at).filter(|_| !self.is_empty());
        let mut warnings = day.map(|day| judge(recipient, day, template)).unwrap_or_default();
        warnings.retain(|warning| self.refuses(warning.kind));
        warnings
    }
}

impl From<Vec<WarningKind>> for Strict {
    fn from(kinds: Vec<WarningKind>) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | 1 << kind as u8))
    }
}

impl From<Strict> for Vec<WarningKind> {
    fn from(strict: Strict) -> Self {
        WarningKind::ALL.into_iter().filter(|kind| strict.refuses(*kind)).collect()
    }
}

/// The warnings about the rows of a job, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Known>")]
pub struct Warnings(Vec<Counted>);

/// The rows of a kind. A later release may know kinds that this one does not: these are left out, so
/// that a job can be read in any case.
#[derive(Deserialize)]
#[serde(untagged)]
enum Known {
    Counted(Counted),
    Other(IgnoredAny),
}

impl From<Vec<Known>> for Warnings {
    fn from(kinds: Vec<Known>) -> Self {
        let known = kinds.into_iter().filter_map(|kind| match kind {
            Known::Counted(counted) => Some(counted),
            Known::Other(_) => None,
        });
        Self(known.collect())
    }
}

/// The rows of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Counted {
    kind: WarningKind,
    count: u32,
    /// The first of them.
    rows: Vec<u32>,
    /// Of a file, the lines of these. Where a former release has noted some of them, there are fewer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lines: Vec<u64>,
    /// The first of them whose values differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    examples: Vec<Example>,
}

impl Warnings {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts a row about which there are `warnings`.
    pub fn note(&mut self, place: Place, warnings: &[Warning]) {
        for kind in WarningKind::ALL {
            let of_kind = || warnings.iter().filter(|warning| warning.kind == kind);
            if of_kind().next().is_none() {
                continue;
            }
            let named: usize = self.0.iter().map(|counted| counted.rows.len()).sum();
            if !self.0.iter().any(|counted| counted.kind == kind) {
                self.0.push(Counted::none(kind));
            }
            for counted in self.0.iter_mut().filter(|counted| counted.kind == kind) {
                counted.count += 1;
                if named < NAMED {
                    counted.name(place);
                }
                of_kind().for_each(|warning| counted.show(place, warning));
            }
        }
    }

    /// Counts so many rows of a kind, of which no more is known.
    pub fn count(&mut self, kind: WarningKind, more: u32) {
        let known = self.0.iter_mut().find(|counted| counted.kind == kind);
        match known {
            Some(counted) => counted.count += more,
            None if more > 0 => self.0.push(Counted { count: more, ..Counted::none(kind) }),
            None => {}
        }
    }

    /// As an answer lists them.
    pub fn answer(&self, lang: Lang) -> Vec<Value> {
        let kinds = self.0.iter().map(|counted| {
            let Counted { kind, count, rows, lines, examples } = counted;
            let mut answer = json!({
                "kind": kind, "count": count, "rows": rows, "examples": examples,
                "text": with_examples(*kind, examples, lang),
            });
            if let Some(answer) = answer.as_object_mut().filter(|_| counted.has_lines()) {
                answer.insert("lines".to_owned(), json!(lines));
            }
            answer
        });
        kinds.collect()
    }
}

impl Counted {
    fn none(kind: WarningKind) -> Self {
        Self { kind, count: 0, rows: Vec::new(), lines: Vec::new(), examples: Vec::new() }
    }

    /// Whether it has the line of each row that it names.
    fn has_lines(&self) -> bool {
        !self.lines.is_empty() && self.lines.len() == self.rows.len()
    }

    /// Names a row. Lines are kept beside their rows: after one that is missing there is none.
    fn name(&mut self, Place { row, line }: Place) {
        if self.lines.len() == self.rows.len() {
            self.lines.extend(line);
        }
        self.rows.push(row);
    }

    fn show(&mut self, place: Place, warning: &Warning) {
        let is_shown = |example: &Example| example.value == warning.value;
        if self.examples.len() < SHOWN && !self.examples.iter().any(is_shown) {
            self.examples.push(Example::of(place, warning));
        }
    }
}

#[cfg(test)]
mod tests;
