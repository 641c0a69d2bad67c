//! The fields of a recipient.

use crate::domain::recipient::Recipient;
use serde::{Deserialize, Serialize};

/// The recipient's field that a place in a document comes from, as the API names it; none
/// for what comes from the template or the organization.
pub fn field_at(pointer: &str) -> Option<String> {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    match parts.as_slice() {
        ["evidence", number, rest @ ..] => Some(match rest.first() {
            Some(&"id") => format!("evidence[{number}].url"),
            Some(name) => format!("evidence[{number}].{name}"),
            None => format!("evidence[{number}]"),
        }),
        ["credentialSubject", name, ..] => match *name {
            "identifier" => Some("recipient_name".to_owned()),
            "result" => Some("result_value".to_owned()),
            "creditsEarned" => Some("credits_earned".to_owned()),
            "licenseNumber" => Some("license_number".to_owned()),
            "role" | "term" => Some((*name).to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// A recipient field that a template can list; `email` is always required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldName {
    /// Full name.
    RecipientName,
    /// Grade or result.
    ResultValue,
    /// Credits.
    CreditsEarned,
    /// Evidence.
    Evidence,
    /// Role.
    Role,
    /// License number.
    LicenseNumber,
    /// Academic term.
    Term,
    /// First day.
    ActivityStartDate,
    /// Last day.
    ActivityEndDate,
}

impl FieldName {
    /// All of them, in the order of the API reference.
    pub const ALL: [Self; 9] = [
        Self::RecipientName,
        Self::ResultValue,
        Self::CreditsEarned,
        Self::Evidence,
        Self::Role,
        Self::LicenseNumber,
        Self::Term,
        Self::ActivityStartDate,
        Self::ActivityEndDate,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RecipientName => "recipient_name",
            Self::ResultValue => "result_value",
            Self::CreditsEarned => "credits_earned",
            Self::Evidence => "evidence",
            Self::Role => "role",
            Self::LicenseNumber => "license_number",
            Self::Term => "term",
            Self::ActivityStartDate => "activity_start_date",
            Self::ActivityEndDate => "activity_end_date",
        }
    }

    /// The type on the wire.
    pub fn kind(self) -> &'static str {
        match self {
            Self::CreditsEarned => "number",
            Self::Evidence => "array",
            Self::ActivityStartDate | Self::ActivityEndDate => "date",
            _ => "string",
        }
    }

    /// Whether it is a text.
    pub fn is_text(self) -> bool {
        self.kind() == "string"
    }

    /// Whether a recipient brings this field.
    pub fn is_in(self, recipient: &Recipient) -> bool {
        match self {
            Self::RecipientName => recipient.recipient_name.is_some(),
            Self::ResultValue => recipient.result_value.is_some(),
            Self::CreditsEarned => recipient.credits_earned.is_some(),
            Self::Evidence => !recipient.evidence.is_empty(),
            Self::Role => recipient.role.is_some(),
            Self::LicenseNumber => recipient.license_number.is_some(),
            Self::Term => recipient.term.is_some(),
            Self::ActivityStartDate => recipient.activity_start_date.is_some(),
            Self::ActivityEndDate => recipient.activity_end_date.is_some(),
        }
    }

    /// The text of a text field.
    pub fn text_of(self, recipient: &Recipient) -> Option<&str> {
        match self {
            Self::RecipientName => recipient.recipient_name.as_deref(),
            Self::ResultValue => recipient.result_value.as_deref(),
            Self::Role => recipient.role.as_deref(),
            Self::LicenseNumber => recipient.license_number.as_deref(),
            Self::Term => recipient.term.as_deref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_document_leads_to_the_recipients_field() {
        for (pointer, field) in [
            ("/evidence/1/id", Some("evidence[1].url")),
            ("/evidence/0/description", Some("evidence[0].description")),
            ("/evidence/2", Some("evidence[2]")),
            ("/credentialSubject/result/0/value", Some("result_value")),
            ("/credentialSubject/achievement/name", None),
            ("/name", None),
        ] {
            assert_eq!(field_at(pointer).as_deref(), field, "{pointer}");
        }
    }
}
