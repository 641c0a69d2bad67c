//! The outcome of a job's rows, as sets of row numbers, and their totals.
//!
//! Recording a row twice changes nothing. [`Shard`] alone turns sets into a row's state, and
//! [`Tally`] has their sizes. A row that corrected its credential is no duplicate.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::ledger::Ended;

/// The rows of a shard by how their issuing ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueSets {
    /// Rows that have a credential.
    #[serde(default)]
    pub issued: BTreeSet<u32>,
    /// Of these, those whose recipient is a member.
    #[serde(default)]
    pub internal: BTreeSet<u32>,
    /// Of these, those whose credential existed before.
    #[serde(default)]
    pub duplicate: BTreeSet<u32>,
    /// Of these, those that corrected their credential.
    #[serde(default)]
    pub corrected: BTreeSet<u32>,
    /// Of these, those without pending mail.
    #[serde(default)]
    pub unmailed: BTreeSet<u32>,
    /// Rows that were refused.
    #[serde(default)]
    pub failed: BTreeSet<u32>,
    /// In a dry run, rows whose name is spelled in another way elsewhere, under the same address.
    #[serde(default)]
    pub respelt: BTreeSet<u32>,
    /// In a dry run, rows whose name another row has under another address.
    #[serde(default)]
    pub namesakes: BTreeSet<u32>,
}

/// The rows of a shard by how their mail ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailSets {
    /// Accepted by SES.
    #[serde(default)]
    pub sent: BTreeSet<u32>,
    /// Refused for good.
    #[serde(default)]
    pub failed: BTreeSet<u32>,
    /// No longer due.
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

/// A row's state, after precedence.
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
    /// A row's state: issued outranks failed.
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
            duplicates: size(&(&self.issue.duplicate - &self.issue.corrected)),
            corrected: size(&self.issue.corrected),
            failed: size(&(&self.issue.failed - &self.issue.issued)),
            respelt: size(&self.issue.respelt),
            namesakes: size(&self.issue.namesakes),
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
    /// Issued rows whose credential existed before.
    pub duplicates: u32,
    /// Issued rows that corrected their credential.
    #[serde(default)]
    pub corrected: u32,
    /// In a dry run, rows whose name is spelled in another way elsewhere.
    #[serde(default, skip_serializing_if = "is_none")]
    pub respelt: u32,
    /// In a dry run, rows whose name another row has too.
    #[serde(default, skip_serializing_if = "is_none")]
    pub namesakes: u32,
    /// Mail accepted by SES.
    pub emails_sent: u32,
    /// Mail refused for good.
    pub emails_failed: u32,
    /// Issued rows without mail.
    pub emails_skipped: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(rows: &u32) -> bool {
    *rows == 0
}

impl Tally {
    /// Rows whose people seem to be elsewhere too.
    pub fn alike(&self) -> u32 {
        self.respelt + self.namesakes
    }

    /// Adds a shard's totals.
    pub fn add(&mut self, other: &Self) {
        self.issued += other.issued;
        self.failed += other.failed;
        self.internal += other.internal;
        self.duplicates += other.duplicates;
        self.corrected += other.corrected;
        self.respelt += other.respelt;
        self.namesakes += other.namesakes;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn set(rows: &[u32]) -> BTreeSet<u32> {
        rows.iter().copied().collect()
    }

    #[test]
    fn each_row_counts_once_by_the_precedence_of_its_sets() {
        let shard = Shard {
            issue: IssueSets {
                issued: set(&[1, 2, 3, 4, 6]),
                internal: set(&[2]),
                duplicate: set(&[4, 6]),
                corrected: set(&[6]),
                unmailed: set(&[1, 4, 6]),
                failed: set(&[3, 5]),
                respelt: set(&[2, 4]),
                namesakes: set(&[4]),
            },
            mail: MailSets { sent: set(&[1]), failed: set(&[1, 2]), skipped: set(&[2, 3]) },
        };
        let tally = shard.tally();
        assert_eq!(
            tally,
            Tally {
                issued: 5,
                failed: 1,
                internal: 1,
                duplicates: 1,
                corrected: 1,
                respelt: 2,
                namesakes: 1,
                emails_sent: 1,
                emails_failed: 1,
                emails_skipped: 3
            }
        );
        assert!(tally.ended(6) && !tally.ended(7));
        assert_eq!(shard.status(3), RowStatus::Issued);
        assert_eq!(shard.status(5), RowStatus::Failed);
        assert_eq!(shard.status(7), RowStatus::Pending);
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
