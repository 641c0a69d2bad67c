//! What deserves a look in a recipient: it is issued and said, or refused where `strict` names it.
//!
//! A name that only looks odd may be one (Nan and Null are). Capitals are no warning.

use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::{
    email::EmailAddress,
    field::FieldName,
    lang::Lang,
    recipient::{FieldValue, Recipient, parse_date},
    text::cleaned,
    warning::{Warning, WarningKind},
};

/// Rows that a job's warnings name, of all kinds together.
const NAMED: usize = 100;
/// What programs write for a name that is none.
const NO_NAMES: [&str; 16] = [
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
];
/// The same inside a name that was joined from parts, exactly so written.
const NO_WORDS: [&str; 6] = ["nan", "NaN", "null", "NULL", "undefined", "<NA>"];
/// Domains under which very many people have their address.
const COMMON: [&str; 8] = [
    "gmail.com",
    "hotmail.com",
    "outlook.com",
    "yahoo.com",
    "icloud.com",
    "hotmail.es",
    "yahoo.es",
    "outlook.es",
];
/// Domains with mail of their own, a letter from one of [`COMMON`].
const NEIGHBOURS: [&str; 5] = ["mail.com", "email.com", "ymail.com", "cloud.com", "gmail.co"];

/// Judges a recipient as it was sent. `today` is the day in UTC: a day counts as future when it
/// is that in every time zone.
pub fn judge(recipient: &Recipient, today: Date) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(name) = recipient.text(FieldName::RecipientName) {
        warnings.extend(judge_name(&cleaned(name)));
    }
    let domain = recipient.email.domain();
    if let Some(meant) = common_domain_meant(domain) {
        let kind = WarningKind::AddressTypo;
        warnings.push(Warning::new(kind, "email", domain, Some(meant)));
    }
    let tomorrow = today.checked_add(1.day()).unwrap_or(today);
    for field in FieldName::ALL {
        if let Some(FieldValue::Date(day)) = recipient.value(field)
            && day > tomorrow
        {
            warnings.push(Warning::new(
                WarningKind::FutureDate,
                field.as_str(),
                &day.to_string(),
                None,
            ));
        }
    }
    warnings
}

fn judge_name(name: &str) -> Option<Warning> {
    let field = FieldName::RecipientName.as_str();
    let lower = name.to_lowercase();
    let none =
        NO_NAMES.contains(&lower.as_str()) || name.split(' ').any(|word| NO_WORDS.contains(&word));
    if none {
        return Some(Warning::new(WarningKind::PlaceholderName, field, name, None));
    }
    let address = name.contains('@') && EmailAddress::parse(name).is_ok();
    address.then(|| Warning::new(WarningKind::NameIsAddress, field, name, None))
}

fn common_domain_meant(domain: &str) -> Option<&'static str> {
    if COMMON.contains(&domain) || NEIGHBOURS.contains(&domain) {
        return None;
    }
    let near = |common: &&str| {
        common.len().abs_diff(domain.len()) <= 1 && strsim::osa_distance(common, domain) == 1
    };
    COMMON.into_iter().find(near)
}

/// The day of an instant as it is stored, RFC 3339 in UTC.
pub fn day_of(instant: &str) -> Option<Date> {
    parse_date(instant.get(..10)?)
}

/// The kinds of warnings that refuse a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<WarningKind>", into = "Vec<WarningKind>")]
pub struct Strict(u8);

impl Strict {
    /// Reads `true` (all kinds), `false` (none) or a list of kinds; none for anything else.
    pub fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(true) => Some(WarningKind::ALL.to_vec().into()),
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
    pub fn refused(self, recipient: &Recipient, sent_at: &str) -> Vec<Warning> {
        let day = day_of(sent_at).filter(|_| !self.is_empty());
        let mut warnings = day.map(|day| judge(recipient, day)).unwrap_or_default();
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
#[serde(transparent)]
pub struct Warnings(Vec<Counted>);

/// The rows of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Counted {
    kind: WarningKind,
    count: u32,
    /// The first of them.
    rows: Vec<u32>,
}

impl Warnings {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts a row about which there are `warnings`.
    pub fn note(&mut self, row: u32, warnings: &[Warning]) {
        for kind in WarningKind::ALL {
            if !warnings.iter().any(|warning| warning.kind == kind) {
                continue;
            }
            let named: usize = self.0.iter().map(|counted| counted.rows.len()).sum();
            if !self.0.iter().any(|counted| counted.kind == kind) {
                self.0.push(Counted { kind, count: 0, rows: Vec::new() });
            }
            for counted in self.0.iter_mut().filter(|counted| counted.kind == kind) {
                counted.count += 1;
                counted.rows.extend((named < NAMED).then_some(row));
            }
        }
    }

    /// As an answer lists them.
    pub fn answer(&self, lang: Lang) -> Vec<Value> {
        let kinds = self.0.iter().map(|Counted { kind, count, rows }| {
            json!({ "kind": kind, "count": count, "rows": rows, "text": kind.text(lang) })
        });
        kinds.collect()
    }
}

#[cfg(test)]
mod tests;
