//! A member in JSON, as the API shows and takes one.

use serde_json::value::RawValue;

use super::{BOUNDS, Entry, Object, Reader, Recipient, SHOWN_EMAIL};
use crate::domain::{
    custom::Facts,
    email::EmailAddress,
    fault::{self, Expected, Fault},
    json::{self, Excess},
    member_row::ProfileField,
    metadata::Metadata,
    text::{MAX_TEXT, shortened},
};

/// What an answer has of a member besides, and a request may bring back.
const OURS: [&str; 2] = ["created_at", "updated_at"];

impl Entry {
    /// Reads a member of a file, and which fields it has. A field that is null or an empty text is
    /// there, and empty.
    pub fn of_member(raw: &RawValue) -> (Self, Vec<ProfileField>) {
        let survey = match json::survey(raw.get(), &BOUNDS) {
            Ok(survey) => survey,
            Err(Excess::Depth(max)) => return (Self::unread(Fault::TooDeep(max)), Vec::new()),
            Err(Excess::Values(max)) => {
                return (Self::unread(Fault::TooManyValues(max)), Vec::new());
            }
        };
        let Ok(Object(mut fields)) = serde_json::from_str::<Object<'_>>(raw.get()) else {
            return (Self::unread(Fault::NotAnObject), Vec::new());
        };
        fields.retain(|(name, _)| !OURS.contains(&name.as_str()));
        let has = |field: &ProfileField| fields.iter().any(|(name, _)| name == field.as_str());
        let says: Vec<ProfileField> = ProfileField::ALL.into_iter().filter(has).collect();
        let repeated = survey.repeated.iter().map(|place| Fault::RepeatedField(place.field()));
        let mut reader = Reader::new(fields, !survey.repeated.is_empty());
        reader.faults.extend(repeated);
        reader.faults.extend((survey.more > 0).then_some(Fault::Rest(survey.more)));
        let (email, address) = reader.address();
        let mut text = |field: ProfileField| reader.text(field.as_str(), field.as_str(), MAX_TEXT);
        let recipient_name = text(ProfileField::Name);
        let role = text(ProfileField::Role);
        let license_number = text(ProfileField::LicenseNumber);
        let term = text(ProfileField::Term);
        let language = reader.language();
        reader.refuse_unknown("");
        let faults = fault::listed(reader.faults);
        let recipient = match address {
            Some(email) if faults.is_empty() => Ok(Recipient {
                email,
                recipient_name,
                result_value: None,
                credits_earned: None,
                evidence: Vec::new(),
                role,
                license_number,
                term,
                activity_start_date: None,
                activity_end_date: None,
                awarded_on: None,
                valid_until: None,
                custom: Facts::new(),
                private: Facts::new(),
                metadata: Metadata::default(),
                external_id: None,
                language,
            }),
            _ => Err(faults),
        };
        (Self { email, external_id: None, recipient, naming: None, rest: None }, says)
    }
}

impl Reader<'_> {
    /// The address as sent (empty if it was no text), and as it is, if it is one.
    pub(super) fn address(&mut self) -> (String, Option<EmailAddress>) {
        let sent = self.take("email");
        let email = sent.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let address = match (&sent, &email) {
            (_, Some(text)) if text.trim().is_empty() => self.fail(Fault::MissingEmail),
            (_, Some(text)) => match EmailAddress::parse(text) {
                Ok(address) => Some(address),
                Err(_) => self.fail(Fault::InvalidEmail(shortened(text, SHOWN_EMAIL))),
            },
            (Some(_), None) => self.fail(Fault::WrongType("email".into(), Expected::Text)),
            (None, None) => self.fail(Fault::MissingEmail),
        };
        (email.unwrap_or_default(), address)
    }
}
