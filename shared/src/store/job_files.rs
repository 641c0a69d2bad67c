//! The files of jobs: the lease of the process that reads or writes one, how far it was
//! read, and the uploads that announce one.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use uuid::Uuid;

use super::{StoreError, from_item, key, number, text, to_item};
use crate::{
    domain::{
        erasure::PrivacyOrder,
        ids::JobId,
        job::{Job, JobFailure},
        member_row::MembersOrder,
        review::Warnings,
        tenant::Tenant,
        time,
        upload::{Format, Position, Upload},
    },
    store::{
        job_private::order_value,
        jobs::{FILES_PK, Jobs, Only, job_of},
        schema::{OPEN, TTL},
    },
};

pub(super) fn upload_pk(upload: Uuid) -> String {
    format!("UPLOAD#{upload}")
}

fn files_sk(until: &str, job: JobId) -> String {
    format!("{until}#{job}")
}

/// The lease of a job's file.
#[derive(Clone, Copy, Debug)]
pub struct FileLease<'a> {
    /// The job.
    pub job: JobId,
    /// Token of the process that holds it.
    pub reader: &'a str,
    /// Its end, seconds since 1970.
    pub until: i64,
}

/// What is known of the rows of a file before a position.
#[derive(Clone, Copy, Debug)]
pub struct SoFar<'a> {
    /// The warnings about them.
    pub warnings: &'a Warnings,
    /// In a file of members, what they clear.
    pub members: Option<&'a MembersOrder>,
}

/// The end of work on a job's file.
#[derive(Clone, Debug)]
pub struct FileEnd {
    /// Its instant, RFC 3339 to the millisecond.
    now: String,
    /// When the job's files are deleted, RFC 3339 to the millisecond.
    files_until: String,
    /// When the job's own item expires, seconds since 1970: it is what finds the files.
    expires: i64,
}

impl FileEnd {
    /// The end at an instant.
    pub fn of(job: &Job, now: Timestamp) -> Self {
        let files_until = job.files_until(now);
        Self {
            now: time::millis(now),
            files_until: time::millis(files_until),
            expires: job.outlives(files_until),
        }
    }
}

impl Jobs {
    /// Takes the lease of a job's file. `None` if another process holds it, or there is no job.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_file(
        &self,
        lease: FileLease<'_>,
        now: i64,
    ) -> Result<Option<Job>, StoreError> {
        let FileLease { job, reader, until } = lease;
        let values =
            vec![(":reader", text(reader)), (":now", number(now)), (":until", number(until))];
        let set = "SET reader = :reader, reader_until = :until";
        self.update(job, set, values, Only::FileFree).await
    }

    /// Renews the lease of a job's file. `None` if another process has taken it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_file(&self, lease: FileLease<'_>) -> Result<Option<Job>, StoreError> {
        let values = vec![(":reader", text(lease.reader)), (":until", number(lease.until))];
        self.update(lease.job, "SET reader_until = :until", values, Only::ReadByMe).await
    }

    /// Notes a file's format and rows, and renews its lease. `None` if another process has taken
    /// it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn counted(
        &self,
        lease: FileLease<'_>,
        sheet: &Format,
        rows: u32,
    ) -> Result<Option<Job>, StoreError> {
        let sheet_value = serde_dynamo::to_attribute_value(sheet)
            .map_err(|e| StoreError::Broken(e.to_string()))?;
        let start = serde_dynamo::to_attribute_value(sheet.start)
            .map_err(|e| StoreError::Broken(e.to_string()))?;
        let values = vec![
            (":reader", text(lease.reader)),
            (":sheet", sheet_value),
            (":start", start),
            (":rows", number(rows)),
            (":until", number(lease.until)),
        ];
        let set = "SET sheet = :sheet, read_to = :start, #total = :rows, reader_until = :until";
        self.update(lease.job, set, values, Only::ReadByMe).await
    }

    /// Notes a position in a file, and the warnings about the rows before it, which are stored and
    /// queued, or in a file of members imported. Renews the lease, or ends it when `all` rows were read. `None` if another process has taken it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read_to(
        &self,
        lease: FileLease<'_>,
        at: Position,
        all: bool,
        so_far: SoFar<'_>,
    ) -> Result<Option<Job>, StoreError> {
        let at =
            serde_dynamo::to_attribute_value(at).map_err(|e| StoreError::Broken(e.to_string()))?;
        let mut values = vec![(":reader", text(lease.reader)), (":at", at), (":none", number(0))];
        let set = if all {
            values.push((":yes", AttributeValue::Bool(true)));
            "SET read_to = :at, sweeps = :none, fanned_out = :yes REMOVE reader, reader_until, sweep_after"
        } else {
            values.push((":until", number(lease.until)));
            "SET read_to = :at, sweeps = :none, reader_until = :until REMOVE sweep_after"
        };
        let mut set = set.to_owned();
        let SoFar { warnings, members } = so_far;
        if !warnings.is_empty() {
            let warnings = serde_dynamo::to_attribute_value(warnings)
                .map_err(|e| StoreError::Broken(e.to_string()))?;
            values.push((":warnings", warnings));
            set = set.replacen("SET ", "SET warnings = :warnings, ", 1);
        }
        if let Some(members) = members.filter(|order| !order.cleared.is_empty()) {
            let members = serde_dynamo::to_attribute_value(members)
                .map_err(|e| StoreError::Broken(e.to_string()))?;
            values.push((":members", members));
            set = set.replacen("SET ", "SET members = :members, ", 1);
        }
        self.update(lease.job, &set, values, Only::ReadByMe).await
    }

    /// Ends the lease of a job's file, if this process holds it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leave_file(&self, job: JobId, reader: &str) -> Result<(), StoreError> {
        let values = vec![(":reader", text(reader))];
        self.update(job, "REMOVE reader, reader_until", values, Only::ReadByMe).await?;
        Ok(())
    }

    /// Ends the lease of a job's file, whichever process held it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_file(&self, job: JobId) -> Result<(), StoreError> {
        self.update(job, "REMOVE reader, reader_until", Vec::new(), Only::Any).await?;
        Ok(())
    }

    /// Ends a job that failed as a whole. `None` if it has ended, or if `reader` has lost the
    /// lease.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fail(
        &self,
        job: JobId,
        failure: &JobFailure,
        reader: Option<&str>,
        end: &FileEnd,
    ) -> Result<Option<Job>, StoreError> {
        let failure = serde_dynamo::to_attribute_value(failure)
            .map_err(|e| StoreError::Broken(e.to_string()))?;
        let mut values = vec![
            (":failure", failure),
            (":now", text(&end.now)),
            (":yes", AttributeValue::Bool(true)),
            (":files", text(FILES_PK)),
            (":sk", text(files_sk(&end.files_until, job))),
            (":ttl", number(end.expires)),
        ];
        let set = "SET failure = :failure, #ttl = :ttl, closed_at = :now, updated_at = :now, fanned_out = :yes, open_pk = :files, open_sk = :sk REMOVE reader, reader_until, sweep_after";
        let only = match reader {
            Some(reader) => {
                values.push((":reader", text(reader)));
                Only::ReadByMe
            }
            None => Only::Open,
        };
        self.update(job, set, values, only).await
    }

    /// Notes that a job's results file is written. `None` if another process has taken the lease.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn results_written(
        &self,
        job: JobId,
        reader: &str,
        end: &FileEnd,
        sheet: bool,
    ) -> Result<Option<Job>, StoreError> {
        let values = vec![
            (":reader", text(reader)),
            (":now", text(&end.now)),
            (":files", text(FILES_PK)),
            (":sk", text(files_sk(&end.files_until, job))),
            (":ttl", number(end.expires)),
            (":sheet", AttributeValue::Bool(sheet)),
        ];
        let set = "SET results_at = :now, results_sheet = :sheet, #ttl = :ttl, open_pk = :files, open_sk = :sk REMOVE reader, reader_until, sweep_after";
        self.update(job, set, values, Only::ReadByMe).await
    }

    /// Ends a job whose archive is written: it is deleted like a results file. `None` if another
    /// process has the lease.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_export(
        &self,
        job: JobId,
        reader: &str,
        order: &PrivacyOrder,
        end: &FileEnd,
    ) -> Result<Option<Job>, StoreError> {
        let values = vec![
            (":reader", text(reader)),
            (":order", order_value(order)?),
            (":now", text(&end.now)),
            (":files", text(FILES_PK)),
            (":sk", text(files_sk(&end.files_until, job))),
            (":ttl", number(end.expires)),
        ];
        let set = "SET privacy = :order, #ttl = :ttl, results_at = :now, closed_at = :now, updated_at = :now, open_pk = :files, open_sk = :sk REMOVE reader, reader_until";
        self.update(job, set, values, Only::ReadByMe).await
    }

    /// Notes that the results file of an ended job will not be written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn without_results(&self, job: JobId, end: &FileEnd) -> Result<(), StoreError> {
        let values = vec![
            (":files", text(FILES_PK)),
            (":sk", text(files_sk(&end.files_until, job))),
            (":yes", AttributeValue::Bool(true)),
            (":ttl", number(end.expires)),
        ];
        let set = "SET #ttl = :ttl, open_pk = :files, open_sk = :sk, results_lost = :yes REMOVE reader, reader_until, sweep_after";
        self.update(job, set, values, Only::Closed).await?;
        Ok(())
    }

    /// Notes that a job's files are deleted. `None` if they are not due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn files_gone(&self, job: JobId, now: &str) -> Result<Option<Job>, StoreError> {
        let values = vec![(":now", text(now)), (":files", text(FILES_PK))];
        let set = "SET files_gone_at = :now REMOVE open_pk, open_sk";
        self.update(job, set, values, Only::Expired).await
    }

    /// Jobs whose files are due to be deleted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn with_old_files(&self, now: &str, limit: usize) -> Result<Vec<JobId>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(OPEN.name)
            .key_condition_expression("open_pk = :pk AND open_sk < :now")
            .expression_attribute_values(":pk", text(FILES_PK))
            .expression_attribute_values(":now", text(now))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await?;
        Ok(answer.items.unwrap_or_default().iter().filter_map(job_of).collect())
    }

    /// Stores an upload.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_upload(&self, upload: &Upload, ttl: i64) -> Result<(), StoreError> {
        let mut item = to_item(upload)?;
        item.extend(key(upload_pk(upload.upload_id), "UPLOAD"));
        item.insert(TTL.to_owned(), number(ttl));
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// An upload.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upload(&self, upload: Uuid) -> Result<Option<Upload>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(upload_pk(upload), "UPLOAD")))
            .consistent_read(true)
            .send()
            .await?;
        answer.item.map(from_item).transpose()
    }

    /// An upload, if it is the tenant's own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn upload_for(
        &self,
        tenant: Tenant<'_>,
        upload: Uuid,
    ) -> Result<Option<Upload>, StoreError> {
        let upload = self.upload(upload).await?;
        Ok(upload.filter(|upload| tenant.owns(&upload.org, upload.mode)))
    }

    /// Notes the job that a file began.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn uploaded(&self, upload: Uuid, job: JobId) -> Result<(), StoreError> {
        self.note_upload(upload, "SET job_id = :value", job.to_string()).await
    }

    /// Notes that another content than that of its job arrived for an upload.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ignored(&self, upload: Uuid, now: &str) -> Result<(), StoreError> {
        self.note_upload(upload, "SET ignored_at = :value", now.to_owned()).await
    }

    async fn note_upload(
        &self,
        upload: Uuid,
        expression: &str,
        value: String,
    ) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(upload_pk(upload), "UPLOAD")))
            .update_expression(expression)
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":value", text(value))
            .send()
            .await?;
        Ok(())
    }
}
