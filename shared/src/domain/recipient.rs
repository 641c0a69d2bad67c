//! A recipient: what a request says of one person, read field by field and brought into
//! its one normal form.
//!
//! Normal form, version 1 ([`crate::domain::identity::NORMALIZATION`]): text in NFC, trimmed, an
//! empty one absent; the address lower case with its domain as A-labels; credits as a
//! decimal number without trailing zeros; links as the URL standard writes them; line
//! breaks and tabs of a description as one space.

use crate::domain::text::{MAX_TEXT, TextFault, normal_text};
use std::{fmt, str::FromStr};

use jiff::civil::Date;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::domain::{
    email::EmailAddress,
    fault::{Expected, Fault},
    lang::Lang,
};

/// Most evidence entries.
pub const MAX_EVIDENCE: usize = 10;
/// Longest URL, in characters.
pub const MAX_URL: usize = 2_048;
/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 2_000;
/// Longest `external_id`, in characters.
pub const MAX_EXTERNAL_ID: usize = 128;
/// Faults that are named of one recipient: the rest is found when these are mended.
pub const MAX_FAULTS: usize = 20;
/// Largest normalized recipient, in bytes of its JSON.
pub const MAX_RECIPIENT: usize = 16 * 1024;

/// Credits in thousandths: 0 to 1,000,000 with at most 3 decimals, kept exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Credits(u64);

impl Credits {
    const MAX_THOUSANDTHS: u64 = 1_000_000_000;

    /// Reads a JSON number without going through floating point.
    pub fn parse(number: &str) -> Option<Self> {
        let (negative, number) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number),
        };
        let (mantissa, exponent) = match number.split_once(['e', 'E']) {
            // An exponent too long for the type is out of any range that is allowed here,
            // unless the number is zero; either way the sign tells which.
            Some((m, e)) => (
                m,
                e.parse::<i64>().unwrap_or(if e.starts_with('-') {
                    i64::from(i32::MIN)
                } else {
                    i64::from(i32::MAX)
                }),
            ),
            None => (number, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let significant = digits.trim_start_matches('0');
        let kept = significant.trim_end_matches('0');
        if kept.is_empty() {
            return Some(Self(0));
        }
        if negative || kept.len() > 10 {
            return None;
        }
        // value = kept × 10^power, in thousandths
        let dropped = i64::try_from(significant.len() - kept.len()).ok()?;
        let power = exponent
            .checked_sub(i64::try_from(fraction.len()).ok()?)?
            .checked_add(dropped)?
            .checked_add(3)?;
        let factor = 10_u64.checked_pow(u32::try_from(power).ok()?)?;
        let thousandths = kept.parse::<u64>().ok()?.checked_mul(factor)?;
        (thousandths <= Self::MAX_THOUSANDTHS).then_some(Self(thousandths))
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1000, self.0 % 1000);
        if rest == 0 {
            write!(f, "{whole}")
        } else {
            write!(f, "{whole}.{}", format!("{rest:03}").trim_end_matches('0'))
        }
    }
}

impl Serialize for Credits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(1000) {
            serializer.serialize_u64(self.0 / 1000)
        } else {
            // At most 10 significant digits, so a double holds the value exactly enough to
            // print back the same digits.
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            serializer.serialize_f64(self.0 as f64 / 1000.0)
        }
    }
}

impl<'de> Deserialize<'de> for Credits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        Self::parse(&number.to_string()).ok_or_else(|| serde::de::Error::custom("not credits"))
    }
}

/// A piece of evidence: a link, a name, or both.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Absolute http(s) URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A recipient in normal form. Its `Debug` form shows nothing of the person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Address.
    pub email: EmailAddress,
    /// Full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_name: Option<String>,
    /// Grade or result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_value: Option<String>,
    /// Credits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits_earned: Option<Credits>,
    /// Evidence of the work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// License number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_number: Option<String>,
    /// Academic term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// First day of the activity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_start_date: Option<Date>,
    /// Last day of the activity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_end_date: Option<Date>,
    /// The caller's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Language of the mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Lang>,
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient(…)")
    }
}

/// One entry of a request's `recipients`: what is echoed, and what was read or refused.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The address exactly as sent; empty when it was no text.
    pub email: String,
    /// The caller's own id, when it could be read.
    pub external_id: Option<String>,
    /// The recipient, or all that is wrong with it.
    pub recipient: Result<Recipient, Vec<Fault>>,
}

impl Entry {
    /// Reads one element of `recipients`.
    pub fn parse(raw: &RawValue) -> Self {
        let Ok(Object(fields)) = serde_json::from_str::<Object<'_>>(raw.get()) else {
            return Self {
                email: String::new(),
                external_id: None,
                recipient: Err(vec![Fault::NotAnObject]),
            };
        };
        let mut reader = Reader { fields, faults: Vec::new() };
        reader.refuse_repeated("");
        let sent = reader.take("email");
        let email = sent.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let address = match (&sent, &email) {
            (_, Some(text)) if text.trim().is_empty() => reader.fail(Fault::MissingEmail),
            (_, Some(text)) => match EmailAddress::parse(text) {
                Ok(address) => Some(address),
                Err(_) => reader.fail(Fault::InvalidEmail(text.clone())),
            },
            (Some(_), None) => reader.fail(Fault::WrongType("email".into(), Expected::Text)),
            (None, None) => reader.fail(Fault::MissingEmail),
        };
        let external_id = reader.text("external_id", "external_id", MAX_EXTERNAL_ID);
        let recipient_name = reader.text("recipient_name", "recipient_name", MAX_TEXT);
        let result_value = reader.text("result_value", "result_value", MAX_TEXT);
        let role = reader.text("role", "role", MAX_TEXT);
        let license_number = reader.text("license_number", "license_number", MAX_TEXT);
        let term = reader.text("term", "term", MAX_TEXT);
        let credits_earned = reader.credits();
        let activity_start_date = reader.date("activity_start_date");
        let activity_end_date = reader.date("activity_end_date");
        if let (Some(start), Some(end)) = (activity_start_date, activity_end_date)
            && end < start
        {
            reader.faults.push(Fault::EndsBeforeStart);
        }
        let evidence = reader.evidence();
        let language = reader.language();
        reader.refuse_unknown("");
        reader.faults.truncate(MAX_FAULTS);

        let recipient = match (address, reader.faults) {
            (Some(email), faults) if faults.is_empty() => {
                let recipient = Recipient {
                    email,
                    recipient_name,
                    result_value,
                    credits_earned,
                    evidence,
                    role,
                    license_number,
                    term,
                    activity_start_date,
                    activity_end_date,
                    external_id: external_id.clone(),
                    language,
                };
                match serde_json::to_vec(&recipient) {
                    Ok(json) if json.len() <= MAX_RECIPIENT => Ok(recipient),
                    _ => Err(vec![Fault::TooLarge(MAX_RECIPIENT)]),
                }
            }
            (_, faults) => Err(faults),
        };
        Self { email: email.unwrap_or_default(), external_id, recipient }
    }
}

/// A JSON object as the list of its members, so that repeated names are seen.
pub(crate) struct Object<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(String, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Members).map(Object)
    }
}

/// Takes fields out of an object one after the other and collects what is wrong.
struct Reader<'a> {
    fields: Vec<(String, &'a RawValue)>,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    fn fail<T>(&mut self, fault: Fault) -> Option<T> {
        self.faults.push(fault);
        None
    }

    /// The value of a field, null as absent.
    fn take(&mut self, field: &str) -> Option<&'a RawValue> {
        let at = self.fields.iter().position(|(name, _)| name == field)?;
        let (_, raw) = self.fields.swap_remove(at);
        (raw.get() != "null").then_some(raw)
    }

    fn refuse_repeated(&mut self, prefix: &str) {
        let mut names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let repeated: Vec<Fault> = names
            .windows(2)
            .filter_map(|pair| match pair {
                [a, b] if a == b => Some(Fault::RepeatedField(format!("{prefix}{}", shown(a)))),
                _ => None,
            })
            .collect();
        if !repeated.is_empty() {
            self.faults.extend(repeated);
            self.faults.dedup();
            let mut seen = std::collections::HashSet::new();
            self.fields.retain(|(name, _)| seen.insert(name.clone()));
        }
    }

    fn refuse_unknown(&mut self, prefix: &str) {
        let mut names: Vec<String> =
            self.fields.drain(..).map(|(name, _)| format!("{prefix}{}", shown(&name))).collect();
        names.sort_unstable();
        self.faults.extend(names.into_iter().map(Fault::UnknownField));
    }

    fn text(&mut self, field: &str, path: &str, max: usize) -> Option<String> {
        let raw = self.take(field)?;
        let Ok(text) = serde_json::from_str::<String>(raw.get()) else {
            return self.fail(Fault::WrongType(path.to_owned(), Expected::Text));
        };
        match normal_text(&text, max) {
            Ok(text) => text,
            Err(TextFault::TooLong) => self.fail(Fault::TooLong(path.to_owned(), max)),
            Err(TextFault::Forbidden) => self.fail(Fault::ForbiddenCharacters(path.to_owned())),
        }
    }

    fn credits(&mut self) -> Option<Credits> {
        let number = self.take("credits_earned")?.get();
        if !number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return self.fail(Fault::WrongType("credits_earned".into(), Expected::Number));
        }
        match Credits::parse(number) {
            Some(credits) => Some(credits),
            None => self.fail(Fault::InvalidCredits),
        }
    }

    fn date(&mut self, field: &str) -> Option<Date> {
        let text = self.text(field, field, MAX_TEXT)?;
        match parse_date(&text) {
            Some(date) => Some(date),
            None => self.fail(Fault::InvalidDate(field.to_owned())),
        }
    }

    fn language(&mut self) -> Option<Lang> {
        let text = self.text("language", "language", MAX_TEXT)?;
        match text.as_str() {
            "es" => Some(Lang::Es),
            "en" => Some(Lang::En),
            _ => self.fail(Fault::InvalidLanguage),
        }
    }

    fn evidence(&mut self) -> Vec<Evidence> {
        let Some(raw) = self.take("evidence") else {
            return Vec::new();
        };
        let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
            self.faults.push(Fault::WrongType("evidence".into(), Expected::Array));
            return Vec::new();
        };
        if entries.len() > MAX_EVIDENCE {
            self.faults.push(Fault::TooMany("evidence".into(), MAX_EVIDENCE));
            return Vec::new();
        }
        let mut evidence = Vec::with_capacity(entries.len());
        for (n, raw) in entries.into_iter().enumerate() {
            let path = format!("evidence[{n}]");
            let Ok(Object(fields)) = serde_json::from_str::<Object<'_>>(raw.get()) else {
                self.faults.push(Fault::WrongType(path, Expected::Object));
                continue;
            };
            let mut reader = Reader { fields, faults: Vec::new() };
            reader.refuse_repeated(&format!("{path}."));
            let name = reader.text("name", &format!("{path}.name"), MAX_TEXT);
            let url = reader.url(&format!("{path}.url"));
            let description = reader.description(&format!("{path}.description"));
            reader.refuse_unknown(&format!("{path}."));
            if reader.faults.is_empty() && name.is_none() && url.is_none() {
                reader.faults.push(Fault::EmptyEvidence(n));
            }
            self.faults.append(&mut reader.faults);
            evidence.push(Evidence { name, url, description });
        }
        evidence
    }

    fn url(&mut self, path: &str) -> Option<String> {
        let text = self.text("url", path, MAX_URL)?;
        match normal_url(&text) {
            Some(url) if url.len() <= MAX_URL * 3 => Some(url),
            _ => self.fail(Fault::InvalidUrl(path.to_owned())),
        }
    }

    fn description(&mut self, path: &str) -> Option<String> {
        let raw = self.take("description")?;
        let Ok(text) = serde_json::from_str::<String>(raw.get()) else {
            return self.fail(Fault::WrongType(path.to_owned(), Expected::Text));
        };
        let is_break = |c: char| matches!(c, '\r' | '\n' | '\t');
        let lines: Vec<&str> =
            text.split(is_break).map(str::trim).filter(|line| !line.is_empty()).collect();
        match normal_text(&lines.join(" "), MAX_DESCRIPTION) {
            Ok(text) => text,
            Err(TextFault::TooLong) => self.fail(Fault::TooLong(path.to_owned(), MAX_DESCRIPTION)),
            Err(TextFault::Forbidden) => self.fail(Fault::ForbiddenCharacters(path.to_owned())),
        }
    }
}

/// A caller's field name, short enough and clean enough to be repeated in an answer.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// Reads `YYYY-MM-DD`, exactly.
pub fn parse_date(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    if shape { Date::from_str(text).ok() } else { None }
}

/// An absolute http(s) URL as the URL standard writes it, without credentials in it.
pub fn normal_url(text: &str) -> Option<String> {
    // The URL standard repairs much ("http:foo", tabs, backslashes); what needs repair is
    // refused, so that the link is the one its author wrote.
    let scheme = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let absolute = scheme.starts_with("https://") || scheme.starts_with("http://");
    if !absolute || text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return None;
    }
    let url = url::Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    (url.has_host() && plain).then(|| url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(json: &str) -> Entry {
        Entry::parse(&RawValue::from_string(json.to_owned()).expect("JSON"))
    }

    fn faults(json: &str) -> Vec<Fault> {
        entry(json).recipient.expect_err("a fault")
    }

    #[test]
    fn credits_are_read_exactly() {
        let cases = [
            ("6", "6"),
            ("6.0", "6"),
            ("0", "0"),
            ("-0", "0"),
            ("0.000", "0"),
            ("7.25", "7.25"),
            ("0.001", "0.001"),
            ("1e3", "1000"),
            ("1.5E1", "15"),
            ("1000000", "1000000"),
            ("0e999999999999999999999", "0"),
            ("100e-2", "1"),
            ("0.10", "0.1"),
        ];
        for (text, shown) in cases {
            assert_eq!(
                Credits::parse(text).map(|c| c.to_string()).as_deref(),
                Some(shown),
                "{text}"
            );
        }
        for bad in [
            "-1",
            "1e400",
            "1e9223372036854775807",
            "10e9223372036854775807",
            "1000000.001",
            "1000001",
            "0.0001",
            "1e-7",
            "6.00001",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "12345678901",
        ] {
            assert_eq!(Credits::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn credits_survive_being_written_and_read() {
        for thousandths in [0, 1, 999, 1000, 7250, 999_999_999, 1_000_000_000] {
            let json = serde_json::to_string(&Credits(thousandths)).expect("written");
            let read: Credits = serde_json::from_str(&json).expect("read");
            assert_eq!(read, Credits(thousandths), "{json}");
        }
    }

    #[test]
    fn text_is_normalized_and_empty_text_is_absent() {
        let read = entry(
            r#"{"email":" Ana@Ejemplo.COM ","recipient_name":"  Jose\u0301 Pe\u0301rez ","role":"","term":null,
               "evidence":[{"name":"Tesis","url":"HTTPS://Ejemplo.com/ruta con","description":"uno\r\n dos"}]}"#,
        );
        assert_eq!(read.email, " Ana@Ejemplo.COM ");
        assert_eq!(
            read.recipient,
            Err(vec![Fault::InvalidUrl("evidence[0].url".into())]),
            "a space in a link"
        );
        let read = entry(
            r#"{"email":"a@b.cl","recipient_name":" Jose\u0301 ","role":" ","evidence":[{"url":"HTTPS://Ejemplo.com/ñ","description":"uno\r\n dos"}]}"#,
        )
        .recipient
        .expect("valid");
        assert_eq!(read.recipient_name.as_deref(), Some("José"));
        assert_eq!(read.role, None);
        let evidence = read.evidence.first().expect("evidence");
        assert_eq!(evidence.url.as_deref(), Some("https://ejemplo.com/%C3%B1"));
        assert_eq!(evidence.description.as_deref(), Some("uno dos"));
    }

    #[test]
    fn every_fault_of_a_recipient_is_named_with_its_field() {
        let f = |s: &str| s.to_owned();
        let cases: Vec<(&str, Vec<Fault>)> = vec![
            ("5", vec![Fault::NotAnObject]),
            ("null", vec![Fault::NotAnObject]),
            ("{}", vec![Fault::MissingEmail]),
            (r#"{"email":""}"#, vec![Fault::MissingEmail]),
            (r#"{"email":7}"#, vec![Fault::WrongType(f("email"), Expected::Text)]),
            (r#"{"email":"x"}"#, vec![Fault::InvalidEmail(f("x"))]),
            (r#"{"email":"a@b.cl","grade":"A"}"#, vec![Fault::UnknownField(f("grade"))]),
            (r#"{"email":"a@b.cl","role":"x","role":"y"}"#, vec![Fault::RepeatedField(f("role"))]),
            (r#"{"email":"a@b.cl","role":7}"#, vec![Fault::WrongType(f("role"), Expected::Text)]),
            (
                r#"{"email":"a@b.cl","role":"\ud800"}"#,
                vec![Fault::WrongType(f("role"), Expected::Text)],
            ),
            (
                r#"{"email":"a@b.cl","role":"a\u0007b"}"#,
                vec![Fault::ForbiddenCharacters(f("role"))],
            ),
            (
                r#"{"email":"a@b.cl","role":"a\u202eb"}"#,
                vec![Fault::ForbiddenCharacters(f("role"))],
            ),
            (
                r#"{"email":"a@b.cl","credits_earned":"6"}"#,
                vec![Fault::WrongType(f("credits_earned"), Expected::Number)],
            ),
            (r#"{"email":"a@b.cl","credits_earned":-1}"#, vec![Fault::InvalidCredits]),
            (r#"{"email":"a@b.cl","credits_earned":1e400}"#, vec![Fault::InvalidCredits]),
            (r#"{"email":"a@b.cl","credits_earned":1.2345}"#, vec![Fault::InvalidCredits]),
            (
                r#"{"email":"a@b.cl","activity_start_date":"2026-02-30"}"#,
                vec![Fault::InvalidDate(f("activity_start_date"))],
            ),
            (
                r#"{"email":"a@b.cl","activity_start_date":"2026-2-3"}"#,
                vec![Fault::InvalidDate(f("activity_start_date"))],
            ),
            (
                r#"{"email":"a@b.cl","activity_start_date":"2026-02-02","activity_end_date":"2026-02-01"}"#,
                vec![Fault::EndsBeforeStart],
            ),
            (
                r#"{"email":"a@b.cl","evidence":{}}"#,
                vec![Fault::WrongType(f("evidence"), Expected::Array)],
            ),
            (
                r#"{"email":"a@b.cl","evidence":["x"]}"#,
                vec![Fault::WrongType(f("evidence[0]"), Expected::Object)],
            ),
            (r#"{"email":"a@b.cl","evidence":[{}]}"#, vec![Fault::EmptyEvidence(0)]),
            (
                r#"{"email":"a@b.cl","evidence":[{"url":"javascript:alert(1)"}]}"#,
                vec![Fault::InvalidUrl(f("evidence[0].url"))],
            ),
            (
                r#"{"email":"a@b.cl","evidence":[{"url":"/tesis"}]}"#,
                vec![Fault::InvalidUrl(f("evidence[0].url"))],
            ),
            (
                r#"{"email":"a@b.cl","evidence":[{"name":"x","link":"y"}]}"#,
                vec![Fault::UnknownField(f("evidence[0].link"))],
            ),
            (r#"{"email":"a@b.cl","language":"fr"}"#, vec![Fault::InvalidLanguage]),
        ];
        for (json, expected) in cases {
            assert_eq!(faults(json), expected, "{json}");
        }
        let eleven =
            format!(r#"{{"email":"a@b.cl","evidence":[{}]}}"#, [r#"{"name":"x"}"#; 11].join(","));
        assert_eq!(faults(&eleven), vec![Fault::TooMany(f("evidence"), 10)]);
        let long = format!(r#"{{"email":"a@b.cl","recipient_name":"{}"}}"#, "ñ".repeat(201));
        assert_eq!(faults(&long), vec![Fault::TooLong(f("recipient_name"), 200)]);
        let fits = format!(r#"{{"email":"a@b.cl","recipient_name":"{}"}}"#, "ñ".repeat(200));
        assert!(entry(&fits).recipient.is_ok());
        let large = format!(
            r#"{{"email":"a@b.cl","evidence":[{}]}}"#,
            vec![format!(r#"{{"name":"x","description":"{}"}}"#, "ñ".repeat(2000)); 10].join(",")
        );
        assert_eq!(faults(&large), vec![Fault::TooLarge(MAX_RECIPIENT)]);
    }

    #[test]
    fn marks_of_right_to_left_names_and_emoji_are_text() {
        for name in ["\u{200f}محمد", "👩\u{200d}🎓 Ana", "李小龍"] {
            assert_eq!(normal_text(name, 200), Ok(Some(name.to_owned())));
        }
    }
}
