//! The history of a credential: each change, its author and its reason.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use crate::domain::who::Who;
use crate::domain::{
    correction::FieldChange,
    credential::{Credential, Packed},
    packing,
    recipient::Recipient,
};

/// A change to a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The credential is invalid for good.
    Revoke,
    /// The credential is invalid until it is reinstated.
    Suspend,
    /// The credential is valid again.
    Reinstate,
    /// A new signed version replaced the one before, or private facts were replaced.
    Correct,
}

/// An entry of a credential's history. It never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Version of this item's format.
    pub v: u32,
    /// The revision that the change made, from 1.
    pub revision: u32,
    /// The change.
    pub action: Action,
    /// Its instant, RFC 3339.
    pub at: String,
    /// Its author.
    pub by: Who,
    /// The reason given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Fields that a correction changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The last day of validity, if the correction is a renewal. Former releases read it as a
    /// correction that changed no field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed_until: Option<Date>,
    /// Whether that day follows from the months of the template; else the request named it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_months: bool,
    /// What a correction replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Replaced>,
    /// Whether the signed version stayed: nothing but private facts was corrected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsigned: bool,
}

/// What a correction replaced: a signed version, or the private facts beside one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Replaced {
    /// Its number, from 1.
    pub version: u32,
    /// The recipient of that version.
    #[serde(with = "packing::json")]
    pub recipient: Recipient,
    /// The document.
    pub signed: Packed,
}

impl Event {
    /// The entry of a correction of a credential, which replaces its signed version.
    ///
    /// # Errors
    /// When JSON cannot be written, which no recipient causes.
    pub fn correction(
        before: &Credential,
        after: &Recipient,
        at: String,
        by: Who,
        reason: Option<String>,
    ) -> Result<Self, serde_json::Error> {
        let changes = FieldChange::between(&before.recipient, after)?;
        Ok(Self {
            v: 1,
            revision: before.revision + 1,
            action: Action::Correct,
            at,
            by,
            reason,
            fields: changes.into_iter().map(|change| change.field).collect(),
            renewed_until: None,
            by_months: false,
            replaced: Some(Replaced {
                version: before.version,
                recipient: before.recipient.clone(),
                signed: before.signed.clone(),
            }),
            unsigned: false,
        })
    }

    /// The signed version that the change replaced, if it replaced one.
    pub fn replaced_version(&self) -> Option<u32> {
        self.replaced.as_ref().filter(|_| !self.unsigned).map(|replaced| replaced.version)
    }

    /// The entry in the answer of `GET /credentials/{id}`.
    pub fn answer(&self) -> serde_json::Value {
        let action = match self.renewed_until {
            Some(_) => "renew".into(),
            None => serde_json::json!(self.action),
        };
        serde_json::json!({
            "action": action, "renewed_until": self.renewed_until, "at": self.at, "key_id": self.by.key_id,
            "key_name": self.by.key_name, "job_id": self.by.job_id, "reason": self.reason,
            "fields": self.fields, "replaced_version": self.replaced_version(),
        })
    }
}
