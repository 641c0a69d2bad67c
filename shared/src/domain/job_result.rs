//! The result of a job's row, and the one list of its columns: rows as JSON, pages as CSV and
//! the results file read it.

use serde_json::{Map, Value};

use crate::domain::{
    correction::{FieldChange, Named},
    custom::CUSTOM,
    ids::CredentialId,
    job::JobKind,
    job_outcome::{RowStatus, Shard},
    metadata::{METADATA, Metadata},
    recipient::Recipient,
    warning::WarningReport,
};

/// A column of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultColumn {
    /// The row's number, from 1.
    Row,
    /// Address as sent.
    Email,
    /// The caller's own id.
    ExternalId,
    /// The line of the file that the row begins in.
    Line,
    /// The row's state, in the words of the job's kind.
    Status,
    /// The credential, whether or not it exists yet.
    CredentialId,
    /// The credential's page.
    CredentialUrl,
    /// `internal` or `external`.
    RecipientType,
    /// Whether the credential existed before.
    Duplicate,
    /// State of the row's mail.
    EmailStatus,
    /// Texts of its faults.
    Error,
    /// Why its mail did not arrive.
    EmailError,
    /// The same for people, with what to do.
    EmailDetail,
    /// The version of the credential whose content the row has.
    CredentialVersion,
    /// In a dry run, other credentials of the recipient from the template.
    AlsoHolds,
    /// In a dry run that corrects, the fields before and after.
    Changes,
    /// Of a file of members, the row that counts instead.
    RepeatedBy,
}

impl ResultColumn {
    /// Every column.
    pub const ALL: [Self; 17] = [
        Self::Row,
        Self::Email,
        Self::ExternalId,
        Self::Line,
        Self::Status,
        Self::CredentialId,
        Self::CredentialUrl,
        Self::RecipientType,
        Self::Duplicate,
        Self::EmailStatus,
        Self::Error,
        Self::EmailError,
        Self::EmailDetail,
        Self::CredentialVersion,
        Self::AlsoHolds,
        Self::Changes,
        Self::RepeatedBy,
    ];

    /// Its name: a member of a row in JSON, a header in CSV.
    pub fn name(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Email => "email",
            Self::ExternalId => "external_id",
            Self::Line => "line",
            Self::Status => "status",
            Self::CredentialId => "credential_id",
            Self::CredentialUrl => "credential_url",
            Self::RecipientType => "recipient_type",
            Self::Duplicate => "duplicate",
            Self::EmailStatus => "email_status",
            Self::Error => "error",
            Self::EmailError => "email_error",
            Self::EmailDetail => "email_detail",
            Self::CredentialVersion => "credential_version",
            Self::AlsoHolds => "also_holds",
            Self::Changes => "changes",
            Self::RepeatedBy => "repeated_by",
        }
    }

    /// Columns of a page of results; of a file's job, the line stands behind those of every job.
    pub fn of_page(of_file: bool) -> impl Iterator<Item = Self> {
        let besides = |column: &Self| {
            matches!(column, Self::Line | Self::AlsoHolds | Self::Changes | Self::RepeatedBy)
        };
        let columns = Self::ALL.into_iter().filter(move |column| !besides(column));
        columns.chain(of_file.then_some(Self::Line))
    }

    /// Columns that a results file adds to those of its own file: it has the address and the
    /// caller's id already.
    pub fn of_file(dry_run: bool, corrects: bool) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |column| match column {
            Self::Email | Self::ExternalId | Self::RepeatedBy => false,
            Self::AlsoHolds => dry_run,
            Self::Changes => dry_run && corrects,
            _ => true,
        })
    }

    /// Columns that the results of a file of members add to those of their own file.
    pub fn of_members() -> impl Iterator<Item = Self> {
        [Self::Row, Self::Line, Self::Status, Self::RepeatedBy, Self::Error].into_iter()
    }
}

/// The rows that a filter of results names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFilter {
    /// Those of a state.
    Status(RowStatus),
    /// Those whose credential did not exist before.
    New,
    /// Those whose credential existed before, or instead of which another row counts.
    Duplicate,
    /// Those of people who are members.
    Existing,
    /// Those that corrected their credential, or in a dry run would.
    Corrected,
}

impl RowFilter {
    /// The words of the filters.
    pub const WORDS: [&'static str; 11] = [
        "issued",
        "failed",
        "pending",
        "new",
        "duplicate",
        "corrected",
        "revoked",
        "invalid",
        "imported",
        "existing",
        "repeated",
    ];

    /// Reads a word; none if it is unknown.
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "issued" | "revoked" => Self::Status(RowStatus::Issued),
            "failed" | "invalid" => Self::Status(RowStatus::Failed),
            "pending" => Self::Status(RowStatus::Pending),
            "new" | "imported" => Self::New,
            "duplicate" | "repeated" => Self::Duplicate,
            "existing" => Self::Existing,
            "corrected" => Self::Corrected,
            _ => return None,
        })
    }

    /// Whether it takes a row of a shard.
    pub fn takes(self, shard: &Shard, row: u32) -> bool {
        let (status, sets) = (shard.status(row), &shard.issue);
        let corrected = sets.corrected.contains(&row);
        let duplicate = sets.duplicate.contains(&row) && !corrected;
        match self {
            Self::Status(wanted) => status == wanted,
            Self::New => status == RowStatus::Issued && !duplicate && !corrected,
            Self::Duplicate => status == RowStatus::Issued && duplicate,
            Self::Existing => {
                status == RowStatus::Issued && !duplicate && sets.internal.contains(&row)
            }
            Self::Corrected => status == RowStatus::Issued && corrected,
        }
    }
}

/// How a row of a job ended, or its present state.
#[derive(Clone, Debug)]
pub struct ResultRow {
    /// The row's number, from 1.
    pub row: u32,
    /// Address as sent.
    pub email: Option<String>,
    /// The caller's own id.
    pub external_id: Option<String>,
    /// The line of the file that the row begins in, in a file's job.
    pub line: Option<u64>,
    /// State, in the words of the job's kind.
    pub status: &'static str,
    /// The credential.
    pub credential_id: Option<CredentialId>,
    /// The credential's page, if it exists.
    pub credential_url: Option<String>,
    /// Of an issued row, whether its recipient is a member.
    pub internal: Option<bool>,
    /// Of an issued row, whether its credential existed before.
    pub duplicate: Option<bool>,
    /// Of an issued row, whether it corrected its credential.
    pub corrected: bool,
    /// Of an issued row, the state of its mail.
    pub email_status: Option<&'static str>,
    /// Of a row whose mail did not arrive, the code of the reason.
    pub email_error: Option<String>,
    /// The same for people.
    pub email_detail: Option<&'static str>,
    /// When its credential was blocked, RFC 3339, if it is.
    pub blocked_at: Option<String>,
    /// Of a row with a credential, the version whose content it has; an earlier one than that of
    /// the credential where it was corrected since.
    pub version: Option<u32>,
    /// The metadata of its credential, or those that it brought.
    pub metadata: Metadata,
    /// What it says of its credential.
    pub says: Option<Box<Named>>,
    /// Texts of the faults of a failed row.
    pub error: Option<String>,
    /// In a dry run, other credentials of the recipient from the template.
    pub also_holds: Option<Vec<CredentialId>>,
    /// In a dry run, the fields that the row corrects.
    pub changes: Option<Vec<FieldChange>>,
    /// The warnings about it.
    pub warnings: Option<WarningReport>,
    /// Of a file of members, the row that counts instead.
    pub repeated_by: Option<u32>,
    /// In a dry run, the recipient as it would be signed, if the row could be read.
    pub recipient: Option<Box<Recipient>>,
    /// Of a duplicate, the private facts that it says otherwise than its credential.
    pub other_private: Vec<String>,
}

/// The member of an answer that names the private facts which a duplicate says otherwise.
pub const OTHER_PRIVATE: &str = "private_differs";
/// How the name of a fact of a template's own begins.
const FACT: &str = "custom.";

/// The sets that a row belongs to.
#[derive(Clone, Copy, Debug)]
pub struct RowMarks {
    /// Its recipient is a member.
    pub internal: bool,
    /// Its credential existed before, or another row counts instead.
    pub duplicate: bool,
    /// It corrected its credential.
    pub corrected: bool,
}

impl ResultRow {
    /// The word for a row's state in a job of a kind.
    pub fn status_word(
        status: RowStatus,
        kind: &JobKind,
        RowMarks { internal, duplicate, corrected }: RowMarks,
    ) -> &'static str {
        match (status, kind) {
            (RowStatus::Pending, _) => "pending",
            (RowStatus::Issued, JobKind::Members(_)) if duplicate => "repeated",
            (RowStatus::Issued, JobKind::Members(order)) if order.dry_run => {
                if internal {
                    "existing"
                } else {
                    "new"
                }
            }
            (RowStatus::Issued, JobKind::Members(_)) => "imported",
            (RowStatus::Failed, JobKind::Members(order)) if order.dry_run => "invalid",
            (RowStatus::Issued, _) if corrected => "corrected",
            (RowStatus::Issued, JobKind::Revoke(_)) => "revoked",
            (RowStatus::Issued, JobKind::DryRun(_)) if duplicate => "duplicate",
            (RowStatus::Issued, JobKind::DryRun(_)) => "new",
            (RowStatus::Issued, JobKind::Issue(_)) => "issued",
            (RowStatus::Failed, JobKind::DryRun(_)) => "invalid",
            // It has no rows.
            (RowStatus::Issued | RowStatus::Failed, JobKind::Privacy(_)) => "erased",
            (RowStatus::Failed, JobKind::Issue(_) | JobKind::Revoke(_) | JobKind::Members(_)) => {
                "failed"
            }
        }
    }

    /// The value of a column; null where the row has none.
    pub fn value(&self, column: ResultColumn) -> Value {
        match column {
            ResultColumn::Row => self.row.into(),
            ResultColumn::Email => self.email.clone().into(),
            ResultColumn::ExternalId => self.external_id.clone().into(),
            ResultColumn::Line => self.line.into(),
            ResultColumn::Status => self.status.into(),
            ResultColumn::CredentialId => self.credential_id.map(|id| id.to_string()).into(),
            ResultColumn::CredentialUrl => self.credential_url.clone().into(),
            ResultColumn::RecipientType => {
                self.internal.map(|internal| if internal { "internal" } else { "external" }).into()
            }
            ResultColumn::Duplicate => self.duplicate.into(),
            ResultColumn::EmailStatus => self.email_status.into(),
            ResultColumn::Error => self.error.clone().into(),
            ResultColumn::EmailError => self.email_error.clone().into(),
            ResultColumn::EmailDetail => self.email_detail.into(),
            ResultColumn::CredentialVersion => self.version.into(),
            ResultColumn::AlsoHolds => {
                let ids = self.also_holds.as_ref();
                ids.map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>()).into()
            }
            ResultColumn::Changes => serde_json::to_value(&self.changes).unwrap_or_default(),
            ResultColumn::RepeatedBy => self.repeated_by.into(),
        }
    }

    /// Leaves out what is private, which is all but these public facts: the row is for somebody who may not
    /// read it.
    pub fn hide_private(&mut self, public: &[String]) {
        self.other_private.clear();
        if let Some(recipient) = &mut self.recipient {
            recipient.private.clear();
            // Of a row that names its credential these are stored ones.
            recipient.metadata = self.metadata.clone();
        }
        if let Some(changes) = &mut self.changes {
            let is_fact = |change: &FieldChange| change.field.starts_with(FACT);
            changes.retain(|change| !is_fact(change) || public.contains(&change.field));
        }
    }

    /// The row in JSON: the columns of a page, then those that the row has besides.
    pub fn answer(&self) -> Value {
        let mut members = Map::new();
        for column in ResultColumn::of_page(false) {
            members.insert(column.name().to_owned(), self.value(column));
        }
        for column in [
            ResultColumn::Line,
            ResultColumn::AlsoHolds,
            ResultColumn::Changes,
            ResultColumn::RepeatedBy,
        ] {
            let value = self.value(column);
            if !value.is_null() {
                members.insert(column.name().to_owned(), value);
            }
        }
        if let Some(report) = &self.warnings
            && let Ok(Value::Object(report)) = serde_json::to_value(report)
        {
            members.extend(report);
        }
        if !self.other_private.is_empty() {
            members.insert(OTHER_PRIVATE.to_owned(), self.other_private.clone().into());
        }
        // Not a column: a former release would take it for one of the file's own.
        if let Some(at) = &self.blocked_at {
            members.insert("blocked_at".to_owned(), at.as_str().into());
        }
        if !self.metadata.is_empty() {
            members.insert(METADATA.to_owned(), serde_json::json!(self.metadata));
        }
        // Nor is this: in CSV, a file's own cells say it.
        if let Some(recipient) = &self.recipient {
            let mut value = serde_json::to_value(recipient).unwrap_or_default();
            if let Some(value) = value.as_object_mut()
                && value.remove("private").is_some()
            {
                let facts = serde_json::to_value(recipient.facts()).unwrap_or_default();
                value.insert(CUSTOM.to_owned(), facts);
            }
            members.insert("recipient".to_owned(), value);
        }
        Value::Object(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(columns: impl Iterator<Item = ResultColumn>) -> Vec<&'static str> {
        columns.map(ResultColumn::name).collect()
    }

    #[test]
    fn pages_and_files_have_their_columns_in_the_contracts_order() {
        assert_eq!(
            names(ResultColumn::of_page(true)).join(","),
            "row,email,external_id,status,credential_id,credential_url,recipient_type,duplicate,email_status,error,email_error,email_detail,credential_version,line"
        );
        let file = "row,line,status,credential_id,credential_url,recipient_type,duplicate,email_status,error,email_error,email_detail,credential_version";
        assert_eq!(names(ResultColumn::of_file(false, true)).join(","), file);
        let dry = format!("{file},also_holds");
        assert_eq!(names(ResultColumn::of_file(true, false)).join(","), dry);
        assert_eq!(names(ResultColumn::of_file(true, true)).join(","), format!("{dry},changes"));
    }
}
