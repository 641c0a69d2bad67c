//! A credential as it is kept: who, what, since when, where it came from, and the state of
//! its mail.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    ids::{CredentialId, JobId, Mode, OrgId, TemplateId},
    lang::Lang,
    recipient::Recipient,
};

/// Whether a recipient was a member when the credential was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecipientType {
    /// A member: the credential is in the wallet.
    Internal,
    /// Anybody else: the credential comes by mail.
    External,
}

/// Whether a credential holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It holds.
    Issued,
    /// It does not hold for now.
    Suspended,
    /// It does not hold any more.
    Revoked,
}

/// The state of the mail that a credential owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailState {
    /// To be sent.
    Owed,
    /// Somebody is sending it, until the lease ends.
    Claimed,
    /// SES took it (in test mode: kept for reading).
    Sent,
    /// Refused for good, or given up.
    Failed,
    /// Not asked for, or not due any more.
    Skipped,
}

impl MailState {
    /// `email_status` on the wire.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Owed | Self::Claimed => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// What a credential was issued by. A put that is refused by an item of the same origin
/// means "issued by me, earlier".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Origin {
    /// A row of a job, from 1, in its shard, from 0.
    Job {
        /// The job.
        job: JobId,
        /// The row's shard, from 0.
        shard: u32,
        /// The row, from 1.
        row: u32,
    },
    /// A request for one recipient.
    Request(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job { job, shard, row } => write!(f, "job:{job}:{shard}:{row}"),
            Self::Request(id) => write!(f, "req:{id}"),
        }
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

impl FromStr for Origin {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(id) = text.strip_prefix("req:") {
            return Ok(Self::Request(id.to_owned()));
        }
        let mut parts = text.strip_prefix("job:").ok_or("not an origin")?.split(':');
        let mut part = || parts.next().ok_or("not an origin");
        let (job, shard, row) = (part()?, part()?, part()?);
        match (JobId::parse(job), shard.parse(), row.parse()) {
            (Ok(job), Ok(shard), Ok(row)) => Ok(Self::Job { job, shard, row }),
            _ => Err("not an origin"),
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credential {
    /// Version of this item's format.
    pub v: u32,
    /// Its id, see [`crate::identity`].
    pub id: CredentialId,
    /// Issuer.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Template.
    pub template_id: TemplateId,
    /// The template's version that it follows.
    pub template_version: u32,
    /// The recipient, profile filled in.
    #[serde(with = "as_json")]
    pub recipient: Recipient,
    /// Keyed hash of the ten fields as sent.
    pub content: String,
    /// Member or not, when issued.
    pub recipient_type: RecipientType,
    /// `validFrom`: when the request was accepted, RFC 3339 to the second.
    pub issued_at: String,
    /// What it was issued by.
    pub origin: Origin,
    /// Whether it holds.
    pub status: Status,
    /// Language of its mail.
    pub lang: Lang,
    /// State of its mail.
    pub mail: MailState,
    /// Times that its mail was handed to SES or about to be.
    #[serde(default)]
    pub mail_attempts: u32,
    /// Of these, times whose outcome nobody knows.
    #[serde(default)]
    pub mail_ambiguous: u32,
    /// End of the running attempt's lease, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_lease: Option<i64>,
    /// When its mail was last asked for again, RFC 3339 to the millisecond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resent_at: Option<String>,
    /// When its mail ended, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_at: Option<String>,
    /// Why its mail failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_error: Option<String>,
}

impl Credential {
    /// Its public page, which is also its id in the signed document.
    pub fn url(site_url: &str, id: CredentialId) -> String {
        format!("{site_url}/credential/{id}")
    }

    /// The answer of `GET /credentials/{id}`.
    pub fn answer(&self, site_url: &str) -> serde_json::Value {
        let r = &self.recipient;
        serde_json::json!({
            "credential_id": self.id, "credential_url": Self::url(site_url, self.id),
            "status": self.status, "mode": self.mode, "template_id": self.template_id,
            "template_version": self.template_version, "issued_at": self.issued_at,
            "recipient_type": self.recipient_type, "email_status": self.mail.wire(),
            "email_sent_at": self.mail_at.as_ref().filter(|_| self.mail == MailState::Sent),
            "email_error": self.mail_error, "email": r.email, "external_id": r.external_id,
            "recipient_name": r.recipient_name, "result_value": r.result_value,
            "credits_earned": r.credits_earned, "evidence": r.evidence, "role": r.role,
            "license_number": r.license_number, "term": r.term,
            "activity_start_date": r.activity_start_date,
            "activity_end_date": r.activity_end_date, "language": self.lang,
        })
    }
}

/// Keeps a value as one JSON text: fewer bytes than a map of attributes, and read as one.
mod as_json {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

    pub fn serialize<T: Serialize, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        serde_json::to_string(value).map_err(serde::ser::Error::custom)?.serialize(to)
    }

    pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        serde_json::from_str(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}
