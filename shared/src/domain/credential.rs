//! A credential as it is kept: who, what, since when, where it came from, and the state of
//! its mail.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::domain::{
    feedback::DeliveryState,
    field::FieldName,
    ids::{CredentialId, JobId, Mode, OrgId, TemplateId},
    lang::Lang,
    packing,
    recipient::Recipient,
    status_entry::StatusEntry,
};

/// Version of a credential's item. Version 1 was not signed; up to 2 it said more in more
/// bytes, which is all read (docs/decisions/0019-one-write-unit.md).
pub const FORMAT: u32 = 3;

/// Whether a recipient was a member when the credential was issued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecipientType {
    /// A member: the credential is in the wallet.
    Internal,
    /// Anybody else: the credential comes by mail.
    #[default]
    External,
}

impl RecipientType {
    /// What an item need not say.
    pub(crate) fn is_external(&self) -> bool {
        *self == Self::External
    }
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
    /// Its id, see [`crate::domain::identity`].
    pub id: CredentialId,
    /// Issuer.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Template.
    pub template_id: TemplateId,
    /// The template's version that it follows.
    #[serde(rename = "tv", alias = "template_version")]
    pub template_version: u32,
    /// The recipient, profile filled in.
    #[serde(with = "packing::json")]
    pub recipient: Recipient,
    /// Fields that the member's profile filled in; the others were sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filled: Vec<FieldName>,
    /// Keyed hash of the ten fields as sent.
    pub content: String,
    /// Hashes of contents that a correction replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<String>,
    /// Member or not, when issued.
    #[serde(default, skip_serializing_if = "RecipientType::is_external")]
    pub recipient_type: RecipientType,
    /// `validFrom`: when the request was accepted, RFC 3339 to the second.
    pub issued_at: String,
    /// What it was issued by.
    pub origin: Origin,
    /// Whether it holds.
    pub status: Status,
    /// Since when it has been suspended or revoked, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_at: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// Counts what was done to it since it was issued: each is an entry of its history.
    #[serde(default)]
    pub revision: u32,
    /// Signed versions, from 1: a correction makes the next.
    #[serde(default)]
    pub version: u32,
    /// When it was last corrected, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected_at: Option<String>,
    /// The present version, exactly as signed.
    #[serde(default)]
    pub signed: Packed,
    /// Language of its mail.
    pub lang: Lang,
    /// State of its mail as the item has it; while [`Credential::on_ledger`] the job's ledger
    /// has the state, see [`crate::domain::ledger::CurrentCredential`].
    #[serde(rename = "mail")]
    pub stored_mail: MailState,
    /// Times that its mail was claimed here, to be handed to SES, since it was last owed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mail_attempts: u32,
    /// Attempts whose outcome nobody knows, those on a job's ledger included.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mail_ambiguous: u32,
    /// End of the running attempt's lease, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_lease: Option<i64>,
    /// Times that its mail, once ended, was owed again. SES tells the mails of different
    /// rounds apart by it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mail_round: u32,
    /// Of these, times because it had bounced softly.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mail_soft_bounces: u32,
    /// What became of this round's mail after SES took it, as far as SES has said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_delivery: Option<DeliveryState>,
    /// When that happened, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_delivery_at: Option<String>,
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

/// A signed version as it is kept: compressed, and where its status stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// The document's bytes, deflated under a dictionary. Empty in items of format 1.
    #[serde(default, rename = "d", alias = "document", with = "serde_bytes")]
    pub document: Vec<u8>,
    /// Name of the dictionary.
    #[serde(default, rename = "n", alias = "dictionary")]
    pub dictionary: String,
    /// Number of its status list.
    #[serde(default, rename = "l", alias = "status_list")]
    pub status_list: u32,
    /// Its bit.
    #[serde(default, rename = "i", alias = "status_index")]
    pub status_index: u32,
}

impl Packed {
    /// Where its status stands.
    pub fn place(&self) -> StatusEntry {
        StatusEntry { list: self.status_list, index: self.status_index }
    }
}

/// Whether a counter need not be stored.
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Credential {
    /// Job, shard and row of a credential whose mail stands on the ledger of its job, see
    /// `mail::ledger`: its first, about which nothing has been written here yet.
    pub fn on_ledger(&self) -> Option<(JobId, u32, u32)> {
        let first =
            self.stored_mail == MailState::Owed && self.mail_round == 0 && self.mail_attempts == 0;
        match self.origin {
            Origin::Job { job, shard, row } if first && self.mode == Mode::Live => {
                Some((job, shard, row))
            }
            _ => None,
        }
    }

    /// Its public page, which is also its id in the signed document.
    pub fn url(site_url: &str, id: CredentialId) -> String {
        format!("{site_url}/credential/{id}")
    }
}
