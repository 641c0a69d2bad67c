//! A credential as it is stored: its recipient, its status, its origin, its signed version and
//! the state of its mail.

use std::{fmt, str::FromStr};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::{
    feedback::DeliveryState,
    field::FieldName,
    ids::{CredentialId, JobId, Mode, OrgId, RowId, ShardId, TemplateId},
    lang::Lang,
    packing,
    recipient::Recipient,
    status_entry::StatusEntry,
    tenant::Tenant,
    who::Who,
};

/// Version of a credential's item. Version 1 was not signed. Items of versions 1 to 3 have
/// longer names and texts and are still read (docs/decisions/0019-one-write-unit.md).
pub const FORMAT: u32 = 4;

/// Whether a recipient was a member when the credential was issued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecipientType {
    /// A member: the credential is in the wallet.
    Internal,
    /// Any other person: the credential comes by mail.
    #[default]
    External,
}

impl RecipientType {
    /// Whether an item leaves the type out.
    pub(crate) fn is_external(&self) -> bool {
        *self == Self::External
    }
}

/// The status of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// In force.
    Issued,
    /// Out of force until it is reinstated.
    Suspended,
    /// Out of force for good.
    Revoked,
}

/// The state of a credential's mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailState {
    /// Pending.
    Owed,
    /// A worker sends it, until the lease ends.
    Claimed,
    /// SES accepted it (in test mode: it is stored for reading).
    Sent,
    /// SES refused it for good, or the attempts ended.
    Failed,
    /// Not requested, or no longer needed.
    Skipped,
}

/// The row or request that issued a credential. If a put meets an item of the same origin, an
/// earlier attempt of the same work wrote it.
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

/// A block: the credential is kept, and neither shown nor mailed until the block is lifted.
///
/// It is no entry of the history, which former releases could not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Its instant, RFC 3339 to the millisecond.
    pub at: String,
    /// Its author.
    pub by: Who,
    /// The reason given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credential {
    /// Version of this item's format.
    pub v: u32,
    /// Its id, see `identity`.
    pub id: CredentialId,
    /// Issuer.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Template.
    #[serde(rename = "t", alias = "template_id")]
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
    /// Member or not, at issue.
    #[serde(default, skip_serializing_if = "RecipientType::is_external")]
    pub recipient_type: RecipientType,
    /// `validFrom` of the first version: the instant at which the request was accepted, RFC 3339 to the
    /// second.
    #[serde(with = "packing::second")]
    pub issued_at: String,
    /// The day of issue that people read, in the organization's time zone of then. Items from
    /// before it was kept have none, see `credentials::days`.
    #[serde(
        rename = "di",
        default,
        skip_serializing_if = "Option::is_none",
        with = "packing::day"
    )]
    pub issued_on: Option<Date>,
    /// The last day of validity that people read, kept likewise; none without an end.
    #[serde(
        rename = "du",
        default,
        skip_serializing_if = "Option::is_none",
        with = "packing::day"
    )]
    pub expires_on: Option<Date>,
    /// Its origin.
    pub origin: Origin,
    /// Its status.
    pub status: Status,
    /// Instant of the suspension or revocation, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_at: Option<String>,
    /// Reason of the suspension or revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// Its block, if it is blocked; [`Status`] stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Block>,
    /// Number of changes since it was issued; each is an entry of its history.
    #[serde(default)]
    pub revision: u32,
    /// Number of the signed version, from 1; a correction makes the next.
    #[serde(default)]
    pub version: u32,
    /// Instant of the last correction, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected_at: Option<String>,
    /// The current version, exactly as signed.
    #[serde(default)]
    pub signed: Packed,
    /// Language of its mail.
    pub lang: Lang,
    /// State of its mail as the item has it; while [`Credential::on_ledger`] the job's ledger
    /// has the state, see [`crate::domain::ledger::CurrentCredential`].
    #[serde(rename = "mail")]
    pub stored_mail: MailState,
    /// Claims of its mail in this item since the mail was last pending.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mail_attempts: u32,
    /// Attempts of unknown outcome, those on a job's ledger included.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mail_ambiguous: u32,
    /// End of the running attempt's lease, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_lease: Option<i64>,
    /// Times that its mail became pending again after its end. A mail of SES carries its round.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mail_round: u32,
    /// Rounds that a soft bounce began since the mail was last asked for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mail_soft_bounces: u32,
    /// State of this round's delivery, as SES reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_delivery: Option<DeliveryState>,
    /// Instant of that report, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_delivery_at: Option<String>,
    /// Instant of the last request to resend its mail, RFC 3339 to the millisecond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resent_at: Option<String>,
    /// Instant at which its mail ended, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_at: Option<String>,
    /// Reason of the failure of its mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_error: Option<String>,
}

/// A signed version as it is stored: compressed, with its status entry.
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
    /// Index of its bit.
    #[serde(default, rename = "i", alias = "status_index")]
    pub status_index: u32,
}

impl Packed {
    /// Its entry in a status list.
    pub fn status_entry(&self) -> StatusEntry {
        StatusEntry { list: self.status_list, index: self.status_index }
    }
}

/// Whether an item leaves a counter out.
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Credential {
    /// The row of a credential whose mail is recorded on the ledger of its job, see
    /// `mail::ledger`: its first mail, before this item records any attempt.
    pub fn on_ledger(&self) -> Option<RowId> {
        let first =
            self.stored_mail == MailState::Owed && self.mail_round == 0 && self.mail_attempts == 0;
        match self.origin {
            Origin::Job { job, shard, row } if first && self.mode == Mode::Live => {
                Some(RowId { shard: ShardId { job, number: shard }, row })
            }
            Origin::Job { .. } | Origin::Request(_) => None,
        }
    }

    /// Whether mail about it may be sent: it is in force and not blocked.
    pub fn may_be_mailed(&self) -> bool {
        self.status == Status::Issued && self.blocked.is_none()
    }

    /// Makes its mail pending again: a new round, of which nothing is known yet.
    pub fn owe_mail_again(&mut self) {
        self.stored_mail = MailState::Owed;
        self.mail_attempts = 0;
        self.mail_lease = None;
        self.mail_round += 1;
        self.mail_soft_bounces = 0;
        self.mail_delivery = None;
        self.mail_delivery_at = None;
        self.mail_error = None;
    }

    /// Its owner.
    pub fn tenant(&self) -> Tenant<'_> {
        Tenant { org: &self.org, mode: self.mode }
    }

    /// The address of its public page, which is also its id in the signed document.
    pub fn url(site_url: &str, id: CredentialId) -> String {
        format!("{site_url}/credential/{id}")
    }
}
