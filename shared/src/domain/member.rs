//! Members: people of the organization, found by their address. A member's profile fills in
//! the fields that a request leaves out.

use serde::{Deserialize, Serialize};

use crate::domain::{
    email::EmailAddress,
    field::FieldName,
    fields::{Fields, InvalidBody},
    lang::Lang,
    recipient::Recipient,
    template::Definition,
    text::{MAX_TEXT, cleaned},
};

/// A member of an organization. Its `Debug` form is redacted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Version of this item's format.
    pub v: u32,
    /// Address.
    pub email: EmailAddress,
    /// Profile.
    #[serde(flatten)]
    pub profile: Profile,
    /// Instant of the first put, RFC 3339.
    pub created_at: String,
    /// Instant of the last put, RFC 3339.
    pub updated_at: String,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Member(…)")
    }
}

/// The profile of a member.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// License number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_number: Option<String>,
    /// Academic term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// Language of mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Lang>,
}

impl Profile {
    /// Reads the body of `PUT /members/{email}`.
    ///
    /// # Errors
    /// [`InvalidBody::Fields`] with every fault.
    pub fn read(mut body: Fields, email: &EmailAddress) -> Result<Self, InvalidBody> {
        body.ignore(&["created_at", "updated_at"]);
        if let Some(sent) = body.text("email", 320)
            && EmailAddress::parse(&sent).as_ref() != Ok(email)
        {
            body.fault(
                "email",
                "mismatch",
                "El campo email no coincide con la ruta",
                "The field email does not match the path",
            );
        }
        let profile = Self {
            name: body.name("name"),
            role: body.text("role", MAX_TEXT),
            license_number: body.text("license_number", MAX_TEXT),
            term: body.text("term", MAX_TEXT),
            language: body.language("language"),
        };
        body.end()?;
        Ok(profile)
    }

    /// The profile's text for a field.
    fn text(&self, field: FieldName) -> Option<&str> {
        match field {
            FieldName::RecipientName => self.name.as_deref(),
            FieldName::Role => self.role.as_deref(),
            FieldName::LicenseNumber => self.license_number.as_deref(),
            FieldName::Term => self.term.as_deref(),
            FieldName::ResultValue
            | FieldName::CreditsEarned
            | FieldName::Evidence
            | FieldName::ActivityStartDate
            | FieldName::ActivityEndDate
            | FieldName::AwardedOn
            | FieldName::ValidUntil => None,
        }
    }

    /// Fills in the fields that a recipient lacks and the template takes, cleaned; answers which.
    pub fn fill(&self, recipient: &mut Recipient, template: &Definition) -> Vec<FieldName> {
        let mut filled = Vec::new();
        for field in FieldName::ALL.into_iter().filter(|field| field.spec().from_profile) {
            if let Some(text) = self.text(field).map(cleaned)
                && !text.is_empty()
                && template.field(field).is_some()
                && recipient.fill(field, &text)
            {
                filled.push(field);
            }
        }
        filled
    }
}

impl Member {
    /// The answer of `GET /members/{email}`.
    pub fn answer(&self) -> serde_json::Value {
        let p = &self.profile;
        serde_json::json!({
            "email": self.email, "name": p.name, "role": p.role,
            "license_number": p.license_number, "term": p.term, "language": p.language,
            "created_at": self.created_at, "updated_at": self.updated_at,
        })
    }
}
