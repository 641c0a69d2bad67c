//! Jobs: many recipients, followed to their end.
//!
//! Rows count from 1 and stand in shards of [`SHARD_ROWS`]. A shard's outcome is kept as
//! sets of row numbers, so that recording a row twice changes nothing; every total is the
//! size of a set. [`Tally`] is the one place where the sets become totals, and where issued
//! outranks failed, and sent outranks failed outranks skipped.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    domain::upload::Position,
    domain::{
        fault::FaultText,
        ids::{CredentialId, JobId, Mode, OrgId, TemplateId},
        lang::Lang,
        ledger::Ended,
        recipient::Recipient,
        time,
        upload::{Format, Object},
    },
};

/// Rows of a shard. A set of so many small numbers stays below the 1 KB of one write unit
/// a set, and 10,000 rows spread over 40 partitions.
pub const SHARD_ROWS: u32 = 256;
/// Days that a job's files are kept after its end.
pub const FILES_KEPT_DAYS: i64 = 7;
/// Most recipients of one request.
pub const MAX_RECIPIENTS: usize = 10_000;
/// Days that a job is kept.
pub const KEPT_DAYS: i64 = 90;
/// Errors that a job's result shows.
pub const SHOWN_ERRORS: usize = 100;

/// One row of a job as it is stored and queued.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Number, from 1.
    pub row: u32,
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
    /// What is wrong with it, if it was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultText>,
}

/// What a job that revokes does, instead of issuing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Why.
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
}

/// Why a job as a whole cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFailure {
    /// Text.
    pub error: String,
    /// Stable code.
    pub code: String,
    /// Line of the file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Column of the file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
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
}

/// The job itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Version of this item's format.
    pub v: u32,
    /// Whether it only tells what would happen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The file that its rows come from; its total is 0 until they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<JobFile>,
    /// How that file is read, once it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<Format>,
    /// How far it has been read: rows before it are stored and queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_to: Option<Position>,
    /// Until when somebody works on its file, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader_until: Option<i64>,
    /// Why it cannot go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<JobFailure>,
    /// When its results file was written, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results_at: Option<String>,
    /// Whether its file was gone before its results could be written beside it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub results_lost: bool,
    /// When its files were removed, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_gone_at: Option<String>,
    /// Set when the job revokes; its template is then nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
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
    /// When something was last seen to change.
    pub updated_at: String,
    /// When it will be forgotten.
    pub expires_at: String,
    /// Whether mail was asked for.
    pub send_email: bool,
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
    /// Why mail waits, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_wait: Option<String>,
    /// When mail was last seen to wait, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_wait_at: Option<String>,
    /// Times that rows were queued again because the job stood still.
    #[serde(default)]
    pub sweeps: u32,
    /// When the sweeper may look at it again, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep_after: Option<String>,
}

impl Job {
    /// Begins a job that is kept for [`KEPT_DAYS`] from now.
    pub fn new(new: NewJob, now: Timestamp) -> Self {
        let expires = now.as_second() + KEPT_DAYS * 24 * 3600;
        let (dry_run, issuing, revocation) = match new.kind {
            JobKind::Issue(issuing) => (false, issuing, None),
            JobKind::DryRun(issuing) => (true, issuing, None),
            JobKind::Revoke(revocation) => {
                let template_id = TemplateId::from(Uuid::nil());
                let nothing = Issuing { template_id, template_version: 0, send_email: false };
                (false, nothing, Some(revocation))
            }
        };
        Self {
            v: 1,
            dry_run,
            file: new.file,
            sheet: None,
            read_to: None,
            reader_until: None,
            failure: None,
            results_at: None,
            results_lost: false,
            files_gone_at: None,
            revocation,
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
            send_email: issuing.send_email,
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

    /// Whether its rows are still issued. A batch leaves those of a job that was stopped
    /// alone: the sweeper ends them, once no batch can be at work that began before.
    pub fn takes_rows(&self) -> bool {
        self.closed_at.is_none() && self.cancelled_at.is_none() && self.given_up_at.is_none()
    }

    /// Whether rows of its file are still to be read.
    pub fn is_reading(&self) -> bool {
        self.file.is_some() && !self.fanned_out && self.failure.is_none()
    }

    /// Whether it has ended, its totals being these.
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

    /// Rows of a shard.
    pub fn rows_of(&self, shard: u32) -> std::ops::RangeInclusive<u32> {
        let first = shard * self.shard_rows + 1;
        first..=self.total.min(first + self.shard_rows - 1)
    }
}

/// How a row's issuing ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueSets {
    /// Rows that have a credential.
    #[serde(default)]
    pub issued: BTreeSet<u32>,
    /// Of these, those whose recipient is a member.
    #[serde(default)]
    pub internal: BTreeSet<u32>,
    /// Of these, those whose credential was there before.
    #[serde(default)]
    pub duplicate: BTreeSet<u32>,
    /// Of these, those that owe no mail.
    #[serde(default)]
    pub unmailed: BTreeSet<u32>,
    /// Rows that were refused.
    #[serde(default)]
    pub failed: BTreeSet<u32>,
}

/// How a row's mail ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailSets {
    /// SES took it.
    #[serde(default)]
    pub sent: BTreeSet<u32>,
    /// Refused for good.
    #[serde(default)]
    pub failed: BTreeSet<u32>,
    /// Not due any more.
    #[serde(default)]
    pub skipped: BTreeSet<u32>,
}

impl MailSets {
    /// The end of a row's mail, by the precedence of [`Ended`]; none while it is pending.
    pub fn ended(&self, row: u32) -> Option<Ended> {
        if self.sent.contains(&row) {
            Some(Ended::Sent)
        } else if self.failed.contains(&row) {
            Some(Ended::Failed)
        } else if self.skipped.contains(&row) {
            Some(Ended::Skipped)
        } else {
            None
        }
    }

    /// Adds a row to the set of its end.
    pub fn insert(&mut self, row: u32, ended: Ended) {
        match ended {
            Ended::Sent => self.sent.insert(row),
            Ended::Failed => self.failed.insert(row),
            Ended::Skipped => self.skipped.insert(row),
        };
    }
}

/// How one row stands, after precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowStatus {
    /// Not ended.
    Pending,
    /// Has a credential.
    Issued,
    /// Refused.
    Failed,
}

/// A shard's outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    /// Issuing.
    pub issue: IssueSets,
    /// Mail.
    pub mail: MailSets,
}

impl Shard {
    /// How a row stands: issued outranks failed.
    pub fn status(&self, row: u32) -> RowStatus {
        if self.issue.issued.contains(&row) {
            RowStatus::Issued
        } else if self.issue.failed.contains(&row) {
            RowStatus::Failed
        } else {
            RowStatus::Pending
        }
    }

    /// The end of an issued row's mail; none while it is pending.
    pub fn mail_ended(&self, row: u32) -> Option<Ended> {
        let unmailed = self.issue.unmailed.contains(&row).then_some(Ended::Skipped);
        self.mail.ended(row).or(unmailed)
    }

    /// `email_status` of an issued row.
    pub fn mail(&self, row: u32) -> &'static str {
        self.mail_ended(row).map_or("pending", Ended::as_str)
    }

    /// The totals of this shard.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally {
            issued: size(&self.issue.issued),
            internal: size(&self.issue.internal),
            duplicates: size(&self.issue.duplicate),
            failed: size(&(&self.issue.failed - &self.issue.issued)),
            ..Tally::default()
        };
        for row in &self.issue.issued {
            match self.mail_ended(*row) {
                Some(Ended::Sent) => tally.emails_sent += 1,
                Some(Ended::Failed) => tally.emails_failed += 1,
                Some(Ended::Skipped) => tally.emails_skipped += 1,
                None => {}
            }
        }
        tally
    }
}

fn size(set: &BTreeSet<u32>) -> u32 {
    u32::try_from(set.len()).unwrap_or(u32::MAX)
}

/// Totals of a job, or of a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows with a credential.
    pub issued: u32,
    /// Rows refused.
    pub failed: u32,
    /// Issued rows whose recipient is a member.
    pub internal: u32,
    /// Issued rows whose credential was there before.
    pub duplicates: u32,
    /// Mail that SES took.
    pub emails_sent: u32,
    /// Mail refused for good.
    pub emails_failed: u32,
    /// Issued rows without mail.
    pub emails_skipped: u32,
}

impl Tally {
    /// Adds a shard's totals.
    pub fn add(&mut self, other: &Self) {
        self.issued += other.issued;
        self.failed += other.failed;
        self.internal += other.internal;
        self.duplicates += other.duplicates;
        self.emails_sent += other.emails_sent;
        self.emails_failed += other.emails_failed;
        self.emails_skipped += other.emails_skipped;
    }

    /// Rows whose issuing ended.
    pub fn current(&self) -> u32 {
        self.issued + self.failed
    }

    /// Issued rows whose mail ended.
    pub fn emails_done(&self) -> u32 {
        self.emails_sent + self.emails_failed + self.emails_skipped
    }

    /// Whether every row and its mail have ended.
    pub fn ended(&self, total: u32) -> bool {
        self.current() == total && self.emails_done() == self.issued
    }
}

/// A job's state on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// Accepted, not all rows queued.
    Pending,
    /// Queued, no row ended.
    Started,
    /// Under way.
    Progress,
    /// Every row and its mail have ended.
    Success,
    /// It cannot go on as a whole.
    Failure,
}

impl JobStatus {
    /// The contract's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Started => "STARTED",
            Self::Progress => "PROGRESS",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
        }
    }
}

/// One entry of a result's `errors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// Row, from 1.
    pub row: u32,
    /// Address as sent.
    pub email: String,
    /// Text.
    pub error: String,
    /// Stable code.
    pub code: String,
}

impl Job {
    /// Its state.
    pub fn status(&self) -> JobStatus {
        if self.failure.is_some() {
            JobStatus::Failure
        } else if self.closed_at.is_some() {
            JobStatus::Success
        } else if !self.fanned_out {
            JobStatus::Pending
        } else if self.tally.current() == 0 {
            JobStatus::Started
        } else {
            JobStatus::Progress
        }
    }

    /// The answer of `GET /jobs/{job_id}`; `errors` are the first failed rows of an ended job.
    pub fn answer(&self, errors: &[RowError], now: jiff::Timestamp) -> serde_json::Value {
        let t = &self.tally;
        let (current, total) = (t.current(), self.total);
        let issuing = current < total;
        let elapsed = time::elapsed(&self.created_at, now);
        let done = f64::from(current + t.emails_done());
        let left = f64::from(2 * total) - done - f64::from(t.failed);
        #[expect(clippy::cast_possible_truncation, reason = "an estimate in whole seconds")]
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let eta = (self.closed_at.is_none() && done > 0.0 && elapsed > 0)
            .then(|| (left.max(0.0) / (done / elapsed as f64)).ceil() as i64);
        // The contract's text, in the one language that programs know it in.
        let text = format!("Procesando fila {current} de {total}");
        let waiting = self.mail_wait.as_deref().filter(|_| self.closed_at.is_none()).filter(|_| {
            self.mail_wait_at.as_deref().is_some_and(|at| time::elapsed(at, now) < 15 * 60)
        });
        let mut answer = serde_json::json!({
            "job_id": self.job_id,
            "status": self.status().as_str(),
            "template_id": self.template_id,
            "created_at": self.created_at, "updated_at": self.updated_at,
            "expires_at": self.expires_at, "cancelled_at": self.cancelled_at,
            "progress": {
                "current": current, "total": total, "status": text,
                "phase": match (self.is_reading(), issuing) {
                    (true, _) => "reading",
                    (false, true) => "issuing",
                    (false, false) => "mailing",
                },
                "emails_done": t.emails_done(), "eta_seconds": eta, "waiting": waiting,
            },
        });
        if self.revocation.is_some()
            && let Some(members) = answer.as_object_mut()
        {
            members.remove("template_id");
            members.insert("kind".into(), "revoke".into());
        }
        if self.dry_run
            && let Some(members) = answer.as_object_mut()
        {
            members.insert("dry_run".into(), true.into());
        }
        if let (Some(file), Some(members)) = (&self.file, answer.as_object_mut()) {
            members.insert(
                "file".into(),
                serde_json::json!({ "name": file.name, "size": file.object.size }),
            );
            let read = self.read_to.map_or(0, |at| at.row);
            if let Some(progress) = members.get_mut("progress").and_then(|p| p.as_object_mut()) {
                progress.insert("rows_read".into(), read.into());
            }
        }
        if let Some(failure) = &self.failure {
            if let Some(members) = answer.as_object_mut() {
                members.insert("error".into(), failure.error.clone().into());
                members.insert("code".into(), failure.code.clone().into());
                members.insert("line".into(), failure.line.into());
                members.insert("column".into(), failure.column.into());
            }
        } else if self.closed_at.is_some()
            && let Some(members) = answer.as_object_mut()
        {
            let file = format!("/api/v1/jobs/{}/results/file", self.job_id);
            let file = (self.results_at.is_some() && self.files_gone_at.is_none()).then_some(file);
            members.insert(
                "result".into(),
                serde_json::json!({
                    "total": total, "successful": t.issued, "failed": t.failed,
                    "errors": errors,
                    "errors_truncated": usize::try_from(t.failed).is_ok_and(|n| n > errors.len()),
                    "emails_sent": t.emails_sent, "emails_failed": t.emails_failed,
                    "emails_skipped": t.emails_skipped,
                    "internal_count": t.internal, "external_count": t.issued - t.internal,
                    "duplicates": t.duplicates,
                    "results_url": format!("/api/v1/jobs/{}/results", self.job_id),
                }),
            );
            if self.file.is_some()
                && !self.results_lost
                && let Some(result) = members.get_mut("result").and_then(|r| r.as_object_mut())
            {
                result.insert("results_file".into(), file.into());
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(rows: &[u32]) -> BTreeSet<u32> {
        rows.iter().copied().collect()
    }

    #[test]
    fn issued_outranks_failed_and_sent_outranks_failed_outranks_skipped() {
        let shard = Shard {
            issue: IssueSets {
                issued: set(&[1, 2, 3, 4]),
                internal: set(&[2]),
                duplicate: set(&[4]),
                unmailed: set(&[1, 4]),
                failed: set(&[3, 5]),
            },
            mail: MailSets { sent: set(&[1]), failed: set(&[1, 2]), skipped: set(&[2, 3]) },
        };
        let tally = shard.tally();
        assert_eq!(
            tally,
            Tally {
                issued: 4,
                failed: 1,
                internal: 1,
                duplicates: 1,
                emails_sent: 1,
                emails_failed: 1,
                emails_skipped: 2
            }
        );
        assert!(tally.ended(5) && !tally.ended(6));
        assert_eq!(shard.status(3), RowStatus::Issued);
        assert_eq!(shard.status(5), RowStatus::Failed);
        assert_eq!(shard.status(6), RowStatus::Pending);
    }

    #[test]
    fn a_job_has_not_ended_while_a_mail_is_open() {
        let shard = Shard {
            issue: IssueSets { issued: set(&[1]), ..IssueSets::default() },
            ..Shard::default()
        };
        assert!(!shard.tally().ended(1));
    }
}
