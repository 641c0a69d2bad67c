//! A recipient: the data of one person in a request, read field by field and brought into
//! normal form 1.
//!
//! Normal form 1: text in NFC, trimmed, an empty one absent; the address in lower case with its
//! domain as A-labels; credits as a decimal number without trailing zeros; links as the URL
//! standard writes them; line breaks and tabs of a description as one space. A text that form 1
//! refuses is cleaned first. [`crate::domain::cleaning`] makes form 2 of form 1: what is signed.

mod entry;
mod evidence;
mod facts;
mod member;
mod metadata;

use std::{collections::HashSet, fmt};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::{
    correction_fault::VERSION,
    credits::Credits,
    custom::{Facts, Key},
    damage::Damaged,
    email::EmailAddress,
    fault::{self, Expected, Fault},
    field::{FieldName, Kind},
    json::{self, Bounds, Excess, Object, shown},
    lang::Lang,
    metadata::Metadata,
    text::{MAX_TEXT, TextFault, cleaned, sent_text},
};

pub use self::entry::{Naming, Rest};
pub use crate::domain::{dates::parse_date, web_address::normal_url};

/// Most evidence entries.
pub const MAX_EVIDENCE: usize = 10;
/// Most facts of a template's own.
pub const MAX_CUSTOM: usize = 10;
/// Longest URL, in characters.
pub const MAX_URL: usize = 2_048;
/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 2_000;
/// Longest `external_id`, in characters.
pub const MAX_EXTERNAL_ID: usize = 128;
/// Largest normalized recipient, in bytes of its JSON.
pub const MAX_RECIPIENT: usize = 16 * 1024;
/// Characters of an address that a fault repeats; a valid one has 254 at most.
const SHOWN_EMAIL: usize = 320;
/// The bounds of a recipient's JSON: ten entries of evidence are 40 values.
const BOUNDS: Bounds = Bounds { depth: 8, values: 1_000, apart: None };

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

/// A recipient in normal form. Its `Debug` form is redacted.
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
    /// Day of the award, if it is not the day of issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awarded_on: Option<Date>,
    /// Last day of validity as it was asked for at issue; a renewal leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Date>,
    /// Facts of the template's own that are signed.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub custom: Facts,
    /// Facts of the template's own that are kept for the organization alone.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub private: Facts,
    /// The caller's own notes.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
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

/// The value of a field.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum FieldValue<'a> {
    /// A text.
    Text(&'a str),
    /// Credits.
    Credits(Credits),
    /// Evidence, at least one entry.
    Evidence(&'a [Evidence]),
    /// A day.
    Date(Date),
}

/// The member of a recipient that holds a field.
enum Slot<'a> {
    Text(&'a mut Option<String>),
    Credits(&'a mut Option<Credits>),
    Evidence(&'a mut Vec<Evidence>),
    Date(&'a mut Option<Date>),
}

impl Recipient {
    /// The value of a field, if the recipient has one.
    pub fn value(&self, field: FieldName) -> Option<FieldValue<'_>> {
        match field {
            FieldName::RecipientName => self.recipient_name.as_deref().map(FieldValue::Text),
            FieldName::ResultValue => self.result_value.as_deref().map(FieldValue::Text),
            FieldName::CreditsEarned => self.credits_earned.map(FieldValue::Credits),
            FieldName::Evidence => Some(self.evidence.as_slice())
                .filter(|evidence| !evidence.is_empty())
                .map(FieldValue::Evidence),
            FieldName::Role => self.role.as_deref().map(FieldValue::Text),
            FieldName::LicenseNumber => self.license_number.as_deref().map(FieldValue::Text),
            FieldName::Term => self.term.as_deref().map(FieldValue::Text),
            FieldName::ActivityStartDate => self.activity_start_date.map(FieldValue::Date),
            FieldName::ActivityEndDate => self.activity_end_date.map(FieldValue::Date),
            FieldName::AwardedOn => self.awarded_on.map(FieldValue::Date),
            FieldName::ValidUntil => self.valid_until.map(FieldValue::Date),
        }
    }

    fn slot(&mut self, field: FieldName) -> Slot<'_> {
        match field {
            FieldName::RecipientName => Slot::Text(&mut self.recipient_name),
            FieldName::ResultValue => Slot::Text(&mut self.result_value),
            FieldName::CreditsEarned => Slot::Credits(&mut self.credits_earned),
            FieldName::Evidence => Slot::Evidence(&mut self.evidence),
            FieldName::Role => Slot::Text(&mut self.role),
            FieldName::LicenseNumber => Slot::Text(&mut self.license_number),
            FieldName::Term => Slot::Text(&mut self.term),
            FieldName::ActivityStartDate => Slot::Date(&mut self.activity_start_date),
            FieldName::ActivityEndDate => Slot::Date(&mut self.activity_end_date),
            FieldName::AwardedOn => Slot::Date(&mut self.awarded_on),
            FieldName::ValidUntil => Slot::Date(&mut self.valid_until),
        }
    }

    /// The text of a text field.
    pub fn text(&self, field: FieldName) -> Option<&str> {
        match self.value(field) {
            Some(FieldValue::Text(text)) => Some(text),
            Some(FieldValue::Credits(_) | FieldValue::Evidence(_) | FieldValue::Date(_)) | None => {
                None
            }
        }
    }

    /// Replaces the text of a text field that the recipient has.
    pub fn replace(&mut self, field: FieldName, text: &str) {
        if let Slot::Text(Some(before)) = self.slot(field) {
            text.clone_into(before);
        }
    }

    /// Sets a text field that the recipient lacks; answers whether it did.
    pub fn fill(&mut self, field: FieldName, text: &str) -> bool {
        match self.slot(field) {
            Slot::Text(empty @ None) => {
                *empty = Some(text.to_owned());
                true
            }
            Slot::Text(Some(_)) | Slot::Credits(_) | Slot::Evidence(_) | Slot::Date(_) => false,
        }
    }

    /// The recipient without some fields.
    pub fn without(&self, fields: &[FieldName]) -> Self {
        let mut recipient = self.clone();
        for field in fields {
            match recipient.slot(*field) {
                Slot::Text(text) => *text = None,
                Slot::Credits(credits) => *credits = None,
                Slot::Evidence(evidence) => evidence.clear(),
                Slot::Date(date) => *date = None,
            }
        }
        recipient
    }

    /// The members of an answer of the API: each field by its name on the wire; null, or an
    /// empty list, for one that the recipient lacks.
    pub fn members(&self) -> impl Iterator<Item = (String, serde_json::Value)> {
        FieldName::ALL.into_iter().map(|field| {
            let value = match (self.value(field), field.kind()) {
                (Some(value), _) => serde_json::to_value(value).unwrap_or_default(),
                (None, Kind::Array) => serde_json::Value::Array(Vec::new()),
                (None, Kind::Text | Kind::Number | Kind::Date) => serde_json::Value::Null,
            };
            (field.as_str().to_owned(), value)
        })
    }

    /// Whether another recipient has all of this one's but private facts.
    pub fn is_signed_as(&self, other: &Self) -> bool {
        let private = other.private.clone();
        Self { private, ..self.clone() } == *other
    }

    /// The private facts that this recipient says otherwise than a known one, as faults name them. A value
    /// that only cleaning tells apart is the same.
    pub fn other_private(&self, known: &Self) -> Vec<String> {
        let clean = self.cleaned();
        let clean = clean.as_ref().unwrap_or(self);
        let same = |key: &Key| {
            let known = known.private.get(key);
            [self.private.get(key), clean.private.get(key)].contains(&known)
        };
        self.private.keys().filter(|key| !same(key)).map(|key| key.field()).collect()
    }

    /// All facts of the template's own, private ones among them.
    pub fn facts(&self) -> Facts {
        let all = self.custom.iter().chain(&self.private);
        all.map(|(key, value)| (*key, value.clone())).collect()
    }
}

/// One entry of a request's `recipients`: what the answer echoes, and the reading's outcome.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The address exactly as sent; empty if it was no text.
    pub email: String,
    /// The caller's own id, if it could be read.
    pub external_id: Option<String>,
    /// The recipient, or all its faults.
    pub recipient: Result<Recipient, Vec<Fault>>,
    /// The credential that a row of a file names.
    pub naming: Option<Naming>,
    /// What could be read of a refused one, until its template has judged it.
    pub rest: Option<Box<Rest>>,
}

impl Entry {
    /// An entry that was refused before its address was read.
    pub fn unread(fault: Fault) -> Self {
        let recipient = Err(vec![fault]);
        Self { email: String::new(), external_id: None, recipient, naming: None, rest: None }
    }

    /// Reads one element of `recipients`.
    pub fn parse(raw: &RawValue) -> Self {
        Self::read(raw, false)
    }

    /// Reads a recipient of a file, which can name its credential.
    pub fn of_file(raw: &RawValue) -> Self {
        Self::read(raw, true)
    }

    fn read(raw: &RawValue, of_file: bool) -> Self {
        let survey = match json::survey(raw.get(), &BOUNDS) {
            Ok(survey) => survey,
            Err(Excess::Depth(max)) => return Self::unread(Fault::TooDeep(max)),
            Err(Excess::Values(max)) => return Self::unread(Fault::TooManyValues(max)),
        };
        let Ok(Object(fields)) = serde_json::from_str::<Object<'_>>(raw.get()) else {
            return Self::unread(Fault::NotAnObject);
        };
        let repeated = survey.repeated.iter().map(|place| Fault::RepeatedField(place.field()));
        let mut reader = Reader::new(fields, !survey.repeated.is_empty());
        reader.faults.extend(repeated);
        reader.faults.extend((survey.more > 0).then_some(Fault::Rest(survey.more)));
        let id = of_file.then(|| reader.text("credential_id", "credential_id", MAX_TEXT)).flatten();
        let version = of_file.then(|| reader.version()).flatten();
        let says = reader.fields.iter().filter(|_| id.is_some());
        let says: Vec<FieldName> = says.filter_map(|(name, _)| FieldName::of(name)).collect();
        let (email, address) = reader.address();
        let external_id = reader.text("external_id", "external_id", MAX_EXTERNAL_ID);
        let recipient_name = reader.text("recipient_name", "recipient_name", MAX_TEXT);
        let result_value = reader.text("result_value", "result_value", MAX_TEXT);
        let role = reader.text("role", "role", MAX_TEXT);
        let license_number = reader.text("license_number", "license_number", MAX_TEXT);
        let term = reader.text("term", "term", MAX_TEXT);
        let credits_earned = reader.credits();
        let activity_start_date = reader.date("activity_start_date");
        let activity_end_date = reader.date("activity_end_date");
        let awarded_on = reader.date("awarded_on");
        let valid_until = reader.date("valid_until");
        if let (Some(start), Some(end)) = (activity_start_date, activity_end_date)
            && end < start
        {
            reader.faults.push(Fault::EndsBeforeStart);
        }
        let evidence = reader.evidence();
        let (custom, said) = reader.custom();
        let metadata = reader.metadata();
        let language = reader.language();
        reader.refuse_unknown("");
        let faults = fault::listed(reader.faults);

        let whole = |email| Recipient {
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
            awarded_on,
            valid_until,
            // The template says which of them are private.
            custom,
            private: Facts::new(),
            metadata,
            external_id: external_id.clone(),
            language,
        };
        let mut rest = None;
        let recipient = match (address, faults) {
            (Some(email), faults) if faults.is_empty() => {
                let recipient = whole(email);
                match serde_json::to_vec(&recipient) {
                    Ok(json) if json.len() <= MAX_RECIPIENT => Ok(recipient),
                    _ => Err(vec![Fault::TooLarge(MAX_RECIPIENT)]),
                }
            }
            (address, faults) => {
                rest = Rest::of(address, whole);
                Err(faults)
            }
        };
        let mut entry = Self { email, external_id, recipient, naming: None, rest };
        if let Some(id) = id {
            entry.name(&id, version.as_deref(), (&says, &said));
        }
        entry
    }
}

/// Takes fields out of an object one after the other and collects their faults.
struct Reader<'a> {
    fields: Vec<(String, &'a RawValue)>,
    /// Whether any object of the recipient repeats a member; that is a fault already.
    repeats: bool,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    fn new(mut fields: Vec<(String, &'a RawValue)>, repeats: bool) -> Self {
        if repeats {
            let mut seen = HashSet::new();
            fields.retain(|(name, _)| seen.insert(name.clone()));
        }
        Self { fields, repeats, faults: Vec::new() }
    }

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
        match sent_text(&text, max) {
            Ok(text) => text,
            Err(TextFault::TooLong) => self.fail(Fault::TooLong(path.to_owned(), max)),
            // No identity can rest on it, so nothing is looked up.
            Err(TextFault::Forbidden) => self.fail(
                Damaged::of(path, &text)
                    .map_or_else(|| Fault::ForbiddenCharacters(path.to_owned()), Fault::Damaged),
            ),
        }
    }

    /// The version of the credential that a row names, a number or its digits.
    fn version(&mut self) -> Option<String> {
        let at = self.fields.iter().find(|(name, _)| name == VERSION)?;
        match serde_json::from_str::<u32>(at.1.get()) {
            Ok(version) => self.take(VERSION).map(|_| version.to_string()),
            Err(_) => self.text(VERSION, VERSION, MAX_TEXT),
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
        match parse_date(&cleaned(&text)) {
            Some(date) => Some(date),
            None => self.fail(Fault::InvalidDate(field.to_owned())),
        }
    }

    fn language(&mut self) -> Option<Lang> {
        let text = self.text("language", "language", MAX_TEXT)?;
        match Lang::of(&cleaned(&text)) {
            Some(lang) => Some(lang),
            None => self.fail(Fault::InvalidLanguage),
        }
    }
}

/// Whether a recipient's JSON is within its bounds and repeats no member.
pub fn reads_in_one_way(text: &str) -> bool {
    json::survey(text, &BOUNDS).is_ok_and(|survey| survey.repeated.is_empty())
}

#[cfg(test)]
mod tests;
