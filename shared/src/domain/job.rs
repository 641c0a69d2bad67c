//! Jobs: many recipients, followed to their end.
//!
//! Rows count from 1, in shards of [`SHARD_ROWS`]. A shard's outcome is kept as sets of row
//! numbers, so that recording a row twice changes nothing; every total is the size of a set.
//! [`Shard`](crate::domain::job_outcome::Shard) alone turns sets into a row's state: issued
//! outranks failed, and sent outranks failed outranks skipped.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{
    correction::{Corrector, Named},
    encoding::Encoding,
    erasure::PrivacyOrder,
    fault::FaultText,
    ids::{CredentialId, JobId, Mode, OrgId, ShardId, TemplateId},
    job_outcome::Tally,
    lang::Lang,
    member_row::MembersOrder,
    recipient::Recipient,
    retention::{FILES_DAYS, Retention},
    review::{Strict, Warnings},
    time,
    upload::{Format, Object, Position},
    warning::Place,
};

pub use crate::domain::job_failure::{JobFailure, Reading};

/// Rows of a shard. A set of so many small numbers stays below the 1 KB of one write unit
/// a set, and 10,000 rows spread over 40 partitions.
pub const SHARD_ROWS: u32 = 256;
/// Seconds of a day.
const DAY: i64 = 24 * 3600;
/// Days for which the item of a job outlives its files: with it goes what finds them.
const OUTLIVES_FILES: i64 = 2;
/// Seconds of the lease on a job's file, renewed at each note: reading and queueing what lies
/// between two notes takes seconds.
pub const FILE_LEASE: i64 = 120;
/// Most recipients of one request.
pub const MAX_RECIPIENTS: usize = 10_000;
/// Days that the mail ledger of a job is kept, whatever its organization chose: it holds numbers of rows.
pub const KEPT_DAYS: i64 = 90;
/// Errors that a job's result shows.
pub const SHOWN_ERRORS: usize = 100;

/// Whether a fault of a file is about the columns of its header.
fn is_about_columns(code: &str) -> bool {
    code.contains("column")
}

/// One row of a job as it is stored and queued.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Number, from 1.
    #[serde(rename = "row")]
    pub number: u32,
    /// The line of its file that it begins in, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Address as sent (at most 320 characters of it).
    pub email: String,
    /// The caller's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The recipient in normal form, unless it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
    /// The credential to revoke, in a job that revokes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke: Option<CredentialId>,
    /// Its faults, if it was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultText>,
    /// The recipient of a row that names its credential. It stands here, and `faults` says that the
    /// row can be retried: a former release refuses the row, instead of issuing it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<Named>,
    /// In a file of members, the row that counts instead, which has the same address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated_by: Option<u32>,
}

impl Row {
    /// Where it is.
    pub fn place(&self) -> Place {
        Place { row: self.number, line: self.line }
    }

    /// The recipient, whether or not the row names its credential.
    pub fn read(&self) -> Option<&Recipient> {
        self.recipient.as_ref().or(self.named.as_ref().map(|named| &named.recipient))
    }
}

/// The order of a job that revokes: reason and requester.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// The reason, as the request gave it.
    pub reason: String,
    /// Id of the API key that asked for it.
    pub key_id: String,
    /// The name of that key.
    pub key_name: String,
}

/// The file that a job's rows come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFile {
    /// The object in the bucket.
    pub object: Object,
    /// Its name.
    pub name: String,
    /// Encoding of its text, if its upload named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Who asked that its rows correct the credentials that they name, if anybody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrector: Option<Corrector>,
    /// Whether who announced it may not read private facts: its rows are not compared by them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
}

/// What a job does with each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Issues a credential.
    Issue(Issuing),
    /// Reports what `Issue` would do, and writes no credential.
    DryRun(Issuing),
    /// Revokes a credential.
    Revoke(Revocation),
    /// Imports a member.
    Members(MembersOrder),
    /// Has no rows: it is about personal data.
    Privacy(Box<PrivacyOrder>),
}

/// The terms under which a job issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issuing {
    /// Template.
    pub template_id: TemplateId,
    /// The template's version when the job was accepted.
    pub template_version: u32,
    /// Whether the request asked for mail.
    pub send_email: bool,
    /// The kinds of warnings that refuse a row.
    pub strict: Strict,
    /// Whether a row is issued again if its credential was erased.
    pub reissue: bool,
}

/// A job to begin.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Id; the same in each attempt of one request.
    pub job_id: JobId,
    /// Owner.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// What it does with each row.
    pub kind: JobKind,
    /// Rows; 0 for a file that is still to be counted.
    pub total: u32,
    /// Rows of a shard.
    pub shard_rows: u32,
    /// When its first attempt began, RFC 3339 to the millisecond.
    pub begun_at: String,
    /// Language of its error texts.
    pub lang: Lang,
    /// The file that its rows come from.
    pub file: Option<JobFile>,
    /// The warnings about its rows, if they are known.
    pub warnings: Warnings,
    /// How long it and its files are kept.
    pub retention: Retention,
}

/// The stored job.
///
/// Its [`kind`](Self::kind) is spread over `dry_run`, `revocation`, `members`, `privacy` and the template's
/// fields: the names of the item's attributes are a format.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Version of this item's format.
    pub v: u32,
    /// Whether it is a dry run, corrects (see [`Corrector::dry_run`]), or imports members: a former
    /// release issues nothing from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    /// The file that its rows come from; `total` is 0 until they are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<JobFile>,
    /// The file's format, once the file was surveyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<Format>,
    /// How far it has been read: rows before it are stored and queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_to: Option<Position>,
    /// End of the lease on its file, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader_until: Option<i64>,
    /// Why it failed as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<JobFailure>,
    /// When its results file was written, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results_at: Option<String>,
    /// Whether they were written as a spreadsheet too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub results_sheet: bool,
    /// Whether its file was deleted before its results could be written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub results_lost: bool,
    /// When its files were deleted, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_gone_at: Option<String>,
    /// Set when the job revokes; its template id is then nil.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    /// Set when the job imports members; its template id is then nil. A former release finds no
    /// such template, and ends the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<MembersOrder>,
    /// Set when the job is about personal data; its template id is then nil.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<PrivacyOrder>,
    /// Id.
    pub job_id: JobId,
    /// Owner.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Template.
    pub template_id: TemplateId,
    /// The template's version when the job was accepted.
    pub template_version: u32,
    /// Rows.
    pub total: u32,
    /// Rows of a shard.
    pub shard_rows: u32,
    /// When it was accepted, RFC 3339 to the millisecond.
    pub created_at: String,
    /// When its totals last changed.
    pub updated_at: String,
    /// When its items expire.
    pub expires_at: String,
    /// Days that its files are kept after its end; jobs of former releases keep them
    /// [`FILES_DAYS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_days: Option<u16>,
    /// Whether the request asked for mail.
    pub send_email: bool,
    /// The kinds of warnings that refuse a row.
    #[serde(default, skip_serializing_if = "Strict::is_empty")]
    pub strict: Strict,
    /// Whether a row is issued again if its credential was erased.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reissue: bool,
    /// The warnings about its rows; of a file, about those before `read_to`.
    #[serde(default, skip_serializing_if = "Warnings::is_empty")]
    pub warnings: Warnings,
    /// Language of its error texts.
    pub lang: Lang,
    /// Whether every row has been queued.
    pub fanned_out: bool,
    /// Totals, as last read.
    pub tally: Tally,
    /// When they were read, RFC 3339 to the millisecond.
    pub tally_at: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// When it was cancelled, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<String>,
    /// When the sweeper gave it up, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up_at: Option<String>,
    /// Why its mail waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_wait: Option<String>,
    /// When mail was last seen to wait, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_wait_at: Option<String>,
    /// Times that the sweeper queued it again without any progress since.
    #[serde(default)]
    pub sweeps: u32,
    /// Earliest instant at which the sweeper queues it again, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep_after: Option<String>,
}

impl Job {
    /// Begins a job that is kept for the days of its retention from now.
    pub fn new(new: NewJob, now: Timestamp) -> Self {
        let expires = now.as_second() + i64::from(new.retention.jobs_days) * DAY;
        let exports = matches!(&new.kind, JobKind::Privacy(order) if order.exports());
        let files_days = (new.file.is_some() || exports).then_some(new.retention.files_days);
        let nothing = Issuing {
            template_id: TemplateId::from(Uuid::nil()),
            template_version: 0,
            send_email: false,
            strict: Strict::default(),
            reissue: false,
        };
        let (mut revocation, mut members, mut privacy) = (None, None, None);
        let (dry_run, issuing) = match new.kind {
            JobKind::Issue(issuing) => (false, issuing),
            JobKind::DryRun(issuing) => (true, issuing),
            JobKind::Revoke(order) => {
                revocation = Some(order);
                (false, nothing)
            }
            JobKind::Members(order) => {
                members = Some(order);
                (true, nothing)
            }
            JobKind::Privacy(order) => {
                privacy = Some(*order);
                (true, nothing)
            }
        };
        Self {
            v: 1,
            dry_run: dry_run || new.file.as_ref().is_some_and(|file| file.corrector.is_some()),
            file: new.file,
            sheet: None,
            read_to: None,
            reader_until: None,
            failure: None,
            results_at: None,
            results_sheet: false,
            results_lost: false,
            files_gone_at: None,
            revocation,
            members,
            privacy,
            job_id: new.job_id,
            org: new.org,
            mode: new.mode,
            template_id: issuing.template_id,
            template_version: issuing.template_version,
            total: new.total,
            shard_rows: new.shard_rows,
            created_at: new.begun_at.clone(),
            updated_at: new.begun_at.clone(),
            expires_at: time::seconds(Timestamp::from_second(expires).unwrap_or(Timestamp::MAX)),
            files_days,
            send_email: issuing.send_email,
            strict: issuing.strict,
            reissue: issuing.reissue,
            warnings: new.warnings,
            lang: new.lang,
            fanned_out: false,
            tally: Tally::default(),
            tally_at: new.begun_at,
            closed_at: None,
            cancelled_at: None,
            given_up_at: None,
            mail_wait: None,
            mail_wait_at: None,
            sweeps: 0,
            sweep_after: None,
        }
    }

    /// What it does with each row.
    pub fn kind(&self) -> JobKind {
        let issuing = Issuing {
            template_id: self.template_id,
            template_version: self.template_version,
            send_email: self.send_email,
            strict: self.strict,
            reissue: self.reissue,
        };
        if let Some(order) = &self.privacy {
            return JobKind::Privacy(Box::new(order.clone()));
        }
        match (&self.revocation, &self.members) {
            (Some(revocation), _) => JobKind::Revoke(revocation.clone()),
            (None, Some(order)) => JobKind::Members(order.clone()),
            (None, None) if self.is_dry_run() => JobKind::DryRun(issuing),
            (None, None) => JobKind::Issue(issuing),
        }
    }

    /// Whether it is a dry run.
    pub fn is_dry_run(&self) -> bool {
        if self.privacy.is_some() {
            return false;
        }
        if let Some(order) = &self.members {
            return order.dry_run;
        }
        self.corrector().map_or(self.dry_run, |corrector| corrector.dry_run)
    }

    /// Who asked that its rows correct the credentials that they name.
    pub fn corrector(&self) -> Option<&Corrector> {
        self.file.as_ref()?.corrector.as_ref()
    }

    /// When its items expire, seconds since 1970; none when `expires_at` is no instant.
    pub fn ttl(&self) -> Option<i64> {
        self.expires_at.parse::<Timestamp>().ok().map(Timestamp::as_second)
    }

    /// When its files are deleted if it ends now.
    pub fn files_until(&self, now: Timestamp) -> Timestamp {
        let days = i64::from(self.files_days.unwrap_or(FILES_DAYS));
        let until = now.as_millisecond() + days * DAY * 1000;
        Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX)
    }

    /// When its own item expires, seconds since 1970, if its files are deleted at an instant: not before
    /// them.
    pub fn outlives(&self, files_until: Timestamp) -> i64 {
        let after = files_until.as_second() + OUTLIVES_FILES * DAY;
        self.ttl().map_or(after, |ttl| ttl.max(after))
    }

    /// A shard of it.
    pub fn shard_id(&self, number: u32) -> ShardId {
        ShardId { job: self.job_id, number }
    }

    /// Whether its rows are still issued. A batch skips the rows of a stopped job: the sweeper
    /// ends them once no batch from before the stop can be running.
    pub fn takes_rows(&self) -> bool {
        self.closed_at.is_none() && self.cancelled_at.is_none() && self.given_up_at.is_none()
    }

    /// Whether rows of its file are still to be read.
    pub fn is_reading(&self) -> bool {
        self.file.is_some() && !self.fanned_out && self.failure.is_none()
    }

    /// Whether it may have a table of its file's columns: people check those of a dry run, and mend
    /// those of a header at fault.
    pub fn shows_columns(&self) -> bool {
        let code = self.failure.as_ref().map(|failure| failure.code.as_str());
        self.file.is_some()
            && (self.is_dry_run() && self.sheet.is_some() || code.is_some_and(is_about_columns))
    }

    /// Whether it has ended, given these totals.
    pub fn has_ended(&self, tally: &Tally) -> bool {
        !self.is_reading() && tally.ended(self.total)
    }

    /// Whether its file's results are still to be written.
    pub fn owes_results(&self) -> bool {
        self.closed_at.is_some()
            && self.failure.is_none()
            && self.file.is_some()
            && self.results_at.is_none()
            && !self.results_lost
            && self.files_gone_at.is_none()
    }

    /// Shards, from 0.
    pub fn shards(&self) -> u32 {
        self.total.div_ceil(self.shard_rows)
    }

    /// The shard of a row.
    pub fn shard_of(&self, row: u32) -> u32 {
        row.saturating_sub(1) / self.shard_rows.max(1)
    }

    /// How many rows a shard has.
    pub fn size_of(&self, shard: u32) -> u32 {
        let rows = self.rows_of(shard);
        rows.end().saturating_sub(*rows.start()) + 1
    }

    /// Rows of a shard.
    pub fn rows_of(&self, shard: u32) -> std::ops::RangeInclusive<u32> {
        let first = shard * self.shard_rows + 1;
        first..=self.total.min(first + self.shard_rows - 1)
    }
}
