//! Messages of the queues, as their JSON is.
//!
//! Each has a version and a kind; its body is all that a batch needs.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{
    correction::Corrector,
    email::EmailAddress,
    ids::{CredentialId, JobId, Mode, OrgId, RowId, ShardId, TemplateId},
    job::{Revocation, Row},
    lang::Lang,
    review::Strict,
};

/// Version of the messages below.
pub const MESSAGE_VERSION: u32 = 1;

/// A message of the queues of rows and of mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Message {
    /// Issue one row of a job.
    Issue(Box<RowMessage>),
    /// Send one credential's mail.
    Mail(MailMessage),
    /// Send the links to somebody's wallets to their address.
    Wallets(Box<WalletsMessage>),
}

/// Send the links to somebody's wallets, who asked for them without a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WalletsMessage {
    /// Version.
    pub v: u32,
    /// The request: it is counted, and gets its mail, once.
    pub id: Uuid,
    /// When it was asked, seconds since 1970.
    pub asked_at: i64,
    /// The address that was asked about.
    pub email: EmailAddress,
    /// The network that asked, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The language of the mail.
    pub lang: Lang,
}

/// Issue or revoke one row of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowMessage {
    /// Version.
    pub v: u32,
    /// What all messages of the job have in common.
    #[serde(flatten)]
    pub job: RowJob,
    /// The row.
    pub row: Row,
}

/// A job, as far as its rows need it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowJob {
    /// Job.
    pub job_id: JobId,
    /// Owner.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Template.
    pub template_id: TemplateId,
    /// The template's version when the job was accepted.
    pub template_version: u32,
    /// Rows of a shard.
    pub shard_rows: u32,
    /// When the job was accepted, RFC 3339 to the second.
    pub issued_at: String,
    /// When the job's items expire, seconds since 1970.
    pub ttl: i64,
    /// Whether the request asked for mail.
    pub send_email: bool,
    /// Language of error texts.
    pub lang: Lang,
    /// Set in a job that revokes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    /// Whether the job is a dry run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Who asked that rows correct the credentials that they name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrector: Option<Corrector>,
    /// Whether who sent the file may not read private facts: its rows are not compared by them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
    /// The kinds of warnings that refuse a row.
    #[serde(default, skip_serializing_if = "Strict::is_empty")]
    pub strict: Strict,
    /// Whether a row is issued again if its credential was erased.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reissue: bool,
}

impl RowMessage {
    /// Where the row is recorded.
    pub fn id(&self) -> RowId {
        let number = self.row.number.saturating_sub(1) / self.job.shard_rows.max(1);
        let shard = ShardId { job: self.job.job_id, number };
        RowId { shard, row: self.row.number }
    }
}

/// Send one credential's mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailMessage {
    /// Version.
    pub v: u32,
    /// Credential.
    pub credential_id: CredentialId,
    /// The job that follows the mail, if one does: if it is cancelled, the mail is skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// Its shard on that job, from 0, and its row, from 1, if it is the mail that the row was
    /// issued with: it is claimed with others of its shard, see [`crate::mail::ledger`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<(u32, u32)>,
}

/// Work on a job's file, for the function `uploads`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum FileTask {
    /// Read on.
    Read {
        /// The job.
        job_id: JobId,
    },
    /// Write its results.
    Results {
        /// The job.
        job_id: JobId,
    },
    /// Delete its files.
    Forget {
        /// The job.
        job_id: JobId,
    },
}

/// Version of [`PrivacyTask`].
pub const PRIVACY_TASK_VERSION: u32 = 1;

/// Work on a job about personal data, for the function `privacy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivacyTask {
    /// Version.
    pub v: u32,
    /// The job.
    pub job_id: JobId,
}

/// Version of [`PrintTask`].
pub const PRINT_TASK_VERSION: u32 = 1;

/// Work on an order of certificates, for the function `print`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintTask {
    /// Version.
    pub v: u32,
    /// The job.
    pub job_id: JobId,
    /// Language of its certificates.
    pub lang: Lang,
}

/// A message as a queue delivered it.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The message's id: the answer names a failed message by it.
    pub id: String,
    /// The handle that changes its visibility.
    pub receipt: String,
    /// Body.
    pub body: String,
    /// Times that the queue delivered it, this one included.
    pub receives: u32,
}

/// The counts of a batch, for its one log event.
#[derive(Debug, Default)]
pub struct Report {
    /// Ids of messages that come back.
    pub retry: Vec<String>,
    /// Rows issued.
    pub issued: usize,
    /// Of these, duplicates.
    pub duplicates: usize,
    /// Rows whose credential was revoked.
    pub revoked: usize,
    /// Rows that corrected their credential.
    pub corrected: usize,
    /// Rows refused.
    pub refused: usize,
    /// Mail accepted by SES.
    pub mailed: usize,
    /// Mail refused for good.
    pub mail_failed: usize,
    /// Mail deferred: no time left, another worker's claim, or SES.
    pub mail_deferred: usize,
    /// Of these, mail that SES did not accept now, or may have accepted.
    pub mail_waiting: usize,
    /// Messages that could not be read.
    pub unreadable: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The JSON of messages that are in queues while the service is upgraded.
    const ROW: &str = r#"{"kind":"issue","v":1,"job_id":"550e8400-e29b-41d4-a716-446655440000","org":"demo","mode":"live","template_id":"550e8400-e29b-41d4-a716-446655440001","template_version":2,"shard_rows":256,"issued_at":"2026-01-01T00:00:00Z","ttl":1775000000,"send_email":true,"lang":"es","revocation":{"reason":"Error","key_id":"k","key_name":"n"},"dry_run":true,"row":{"row":257,"line":3,"email":"ana@ejemplo.com","faults":[{"code":"c","text":"t"}]}}"#;

    #[test]
    fn a_row_message_keeps_its_json() {
        let message: Message = serde_json::from_str(ROW).expect("a message");
        assert_eq!(serde_json::to_string(&message).expect("JSON"), ROW);
        let Message::Issue(row) = message else { panic!("not a row") };
        assert_eq!((row.id().shard.number, row.id().row), (1, 257));
    }
}
