//! A row of a file of members: what it says of a profile, and what that changes.
//!
//! A field that the row does not have stays as it is; one that it has and leaves empty is cleared.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::{
    achievement::Achievement,
    email::EmailAddress,
    fault::{self, Fault},
    field::FieldName,
    member::{Member, Profile},
    recipient::Recipient,
    template::{Definition, Field},
};

/// What files of members have in their keys instead of a template; the kind of their uploads and
/// jobs. A former release leaves a file with such a key alone.
pub const MEMBERS: &str = "members";

/// A field of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileField {
    /// Full name.
    Name,
    /// Role.
    Role,
    /// License number.
    LicenseNumber,
    /// Academic term.
    Term,
    /// Language of mail.
    Language,
}

impl ProfileField {
    /// Every field.
    pub const ALL: [Self; 5] =
        [Self::Name, Self::Role, Self::LicenseNumber, Self::Term, Self::Language];

    /// Its name on the wire, and as an attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Role => "role",
            Self::LicenseNumber => "license_number",
            Self::Term => "term",
            Self::Language => "language",
        }
    }

    /// The field of a profile that fills in a field of a recipient, if there is one.
    pub fn of(field: FieldName) -> Option<Self> {
        match field {
            FieldName::RecipientName => Some(Self::Name),
            FieldName::Role => Some(Self::Role),
            FieldName::LicenseNumber => Some(Self::LicenseNumber),
            FieldName::Term => Some(Self::Term),
            FieldName::ResultValue
            | FieldName::CreditsEarned
            | FieldName::Evidence
            | FieldName::ActivityStartDate
            | FieldName::ActivityEndDate
            | FieldName::AwardedOn
            | FieldName::ValidUntil => None,
        }
    }
}

impl Profile {
    /// The text of a field.
    pub fn value(&self, field: ProfileField) -> Option<&str> {
        match field {
            ProfileField::Name => self.name.as_deref(),
            ProfileField::Role => self.role.as_deref(),
            ProfileField::LicenseNumber => self.license_number.as_deref(),
            ProfileField::Term => self.term.as_deref(),
            ProfileField::Language => self.language.map(crate::domain::lang::Lang::tag),
        }
    }
}

/// The fields that files of members can have, as those of a template: none is required.
pub fn definition() -> Definition {
    let fields = FieldName::ALL.into_iter().filter(|field| ProfileField::of(*field).is_some());
    let fields = fields.map(|name| Field {
        name,
        required: false,
        allowed_values: Vec::new(),
        min: None,
        max: None,
    });
    Definition {
        name: String::new(),
        description: String::new(),
        language: None,
        achievement: Achievement::default(),
        fields: fields.collect(),
        custom_fields: Vec::new(),
        validity_months: None,
        design: None,
    }
}

/// What a row says of a member. Its `Debug` form is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// The address.
    pub email: EmailAddress,
    /// The address as sent.
    sent: String,
    /// The fields that the row has, empty or not.
    says: Vec<ProfileField>,
    profile: Profile,
}

impl std::fmt::Debug for MemberRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemberRow(…)")
    }
}

impl MemberRow {
    /// Reads a row's recipient; `sent` is its address as sent, `says` the fields that it has. A
    /// fault of the name calls it `name` if the row calls it that, as JSON does.
    ///
    /// # Errors
    /// The faults of its texts: damaged ones, and a name of nothing visible.
    pub fn of(
        recipient: &Recipient,
        sent: &str,
        says: Vec<ProfileField>,
        name: &'static str,
    ) -> Result<Self, Vec<Fault>> {
        let clean = recipient.cleaned();
        let clean = clean.as_ref().unwrap_or(recipient);
        let mut faults = clean.damages();
        for fault in &mut faults {
            if let Fault::Damaged(damaged) = fault
                && damaged.field == FieldName::RecipientName.as_str()
            {
                name.clone_into(&mut damaged.field);
            }
        }
        if recipient.recipient_name.is_some() && clean.recipient_name.is_none() {
            faults.push(Fault::NothingVisible(name.to_owned()));
        }
        if !faults.is_empty() {
            return Err(fault::listed(faults));
        }
        let profile = Profile {
            name: clean.recipient_name.clone(),
            role: clean.role.clone(),
            license_number: clean.license_number.clone(),
            term: clean.term.clone(),
            language: clean.language,
        };
        Ok(Self { email: clean.email.clone(), sent: sent.to_owned(), says, profile })
    }

    /// What the row changes of the member that has its address, or of nothing.
    ///
    /// # Errors
    /// [`Fault::InvalidEmail`] for a new address that nobody can own.
    pub fn change(&self, before: Option<&Member>) -> Result<MemberChange, Fault> {
        if before.is_none() && !self.email.can_be_owned() {
            return Err(Fault::InvalidEmail(self.sent.clone()));
        }
        let (mut set, mut cleared) = (Vec::new(), Vec::new());
        for field in &self.says {
            let known = before.and_then(|before| before.profile.value(*field));
            match self.profile.value(*field) {
                said if said == known => {}
                Some(said) => set.push((*field, said.to_owned())),
                None => cleared.push(*field),
            }
        }
        Ok(MemberChange { email: self.email.clone(), is_new: before.is_none(), set, cleared })
    }
}

/// What a row changes of a member.
#[derive(Clone, PartialEq, Eq)]
pub struct MemberChange {
    /// The address.
    pub email: EmailAddress,
    /// Whether there is no such member yet.
    pub is_new: bool,
    /// Fields that get another value.
    pub set: Vec<(ProfileField, String)>,
    /// Fields that lose theirs.
    pub cleared: Vec<ProfileField>,
}

impl MemberChange {
    /// Whether everything is as the row says.
    pub fn is_none(&self) -> bool {
        !self.is_new && self.set.is_empty() && self.cleared.is_empty()
    }
}

/// How many values the rows of a file clear, by field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cleared(BTreeMap<ProfileField, u32>);

impl Cleared {
    /// Whether they clear nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts what a row clears.
    pub fn count(&mut self, change: &MemberChange) {
        for field in &change.cleared {
            *self.0.entry(*field).or_default() += 1;
        }
    }

    /// As an answer has it.
    pub fn answer(&self) -> Value {
        let fields = self.0.iter().map(|(field, n)| (field.as_str().to_owned(), (*n).into()));
        Value::Object(fields.collect::<Map<_, _>>())
    }
}

/// The order of a job that imports members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersOrder {
    /// Whether it only reports what it would change.
    #[serde(default)]
    pub dry_run: bool,
    /// In a dry run, what the rows that were read would clear.
    #[serde(default, skip_serializing_if = "Cleared::is_empty")]
    pub cleared: Cleared,
}

/// Which row of a file counts for each address: the last one that could be read. Holds 32 bytes an
/// address or so.
#[derive(Debug, Default)]
pub struct LastRows(HashMap<u128, u32>);

impl LastRows {
    /// Notes a row; rows come in their order.
    pub fn note(&mut self, email: &EmailAddress, row: u32) {
        self.0.insert(short(email), row);
    }

    /// The row that counts instead of this one, if another does.
    pub fn instead_of(&self, email: &EmailAddress, row: u32) -> Option<u32> {
        self.0.get(&short(email)).copied().filter(|last| *last != row)
    }
}

/// An address in 16 bytes.
fn short(email: &EmailAddress) -> u128 {
    let hash = digest::digest(&digest::SHA256, email.as_str().as_bytes());
    let bytes = hash.as_ref().first_chunk().copied().unwrap_or_default();
    u128::from_be_bytes(bytes)
}
