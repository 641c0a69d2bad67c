//! The jobs table: jobs, their inputs and the outcome of every row.
//!
//! | partition | sort | item |
//! |---|---|---|
//! | `JOB#{job}` | `JOB` | [`Job`] |
//! | `{job}#{shard}` | `IN#{piece}` | rows as sent, deflated JSON lines, at most 300 KB each |
//! | | `ISSUE` | [`IssueSets`] |
//! | | `MAIL` | [`MailSets`] |
//! | | `SENDING` | [`Claims`] |
//! | | `F#{row}` | a failed row's code and text |
//! | | `A#{row}` | the credential of a row that an alias led to |
//! | | `N#{row}` | in a dry run, what else the recipient holds of the template |
//! | `SEEN#{job}#{credential}` | `SEEN` | in a dry run, the first row of that identity |
//! | `UPLOAD#{id}` | `UPLOAD` | [`Upload`]: a file that was let in |
//!
//! A shard has a partition of its own, so one query reads all that a page of results
//! needs, and a large job's writes spread.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
};

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::UpdateItemError,
    primitives::Blob,
    types::{
        AttributeValue, ConditionCheck, ReturnValue, ReturnValuesOnConditionCheckFailure,
        TransactWriteItem,
    },
};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Item, Page, StoreError, from_item, get_many, key, number, pause, put_many, text, to_item,
};
use crate::{
    domain::{
        fault::FaultText,
        identity::{self, IdSecret},
        ids::{CredentialId, JobId, Mode, OrgId},
        job::{IssueSets, Job, JobFailure, MailSets, Row, Shard, Tally},
        upload::{Format, Position, Upload},
    },
    store::schema::{BY_ORG, OPEN, TTL},
};

/// Most bytes of one piece of inputs, compressed. An item takes 400 KB.
const PIECE: usize = 300 * 1024;
/// Uncompressed bytes after which a piece is closed: rows of 16 KB that do not compress
/// still stay below [`PIECE`].
const PIECE_RAW: usize = 280 * 1024;
/// Times that a recount is tried while others change the job.
const RECOUNTS: usize = 4;
/// The partition of the index `open` in which open jobs stand, and ended ones whose results
/// file is still to be written.
const OPEN_PK: &str = "OPEN";
/// The partition of the same index in which ended jobs with files stand, by when these go.
const FILES_PK: &str = "FILES";

/// Mails of a shard are claimed if nobody has claimed any of them.
const NOTHING_CLAIMED: &str = "attribute_not_exists(claimed)";

/// The jobs table.
#[derive(Clone, Debug)]
pub struct Jobs {
    client: Client,
    table: String,
}

/// All that is kept of a shard.
#[derive(Debug, Default)]
pub struct ShardView {
    /// Its rows, by number.
    pub rows: BTreeMap<u32, Row>,
    /// How they ended.
    pub shard: Shard,
    /// Why rows failed.
    pub failures: BTreeMap<u32, Failure>,
    /// Rows whose mail was claimed.
    pub claims: Claims,
    /// Credentials of rows that an alias led to.
    pub aliases: BTreeMap<u32, CredentialId>,
    /// In a dry run, what else the recipients of rows hold of the template.
    pub holds: BTreeMap<u32, Vec<CredentialId>>,
}

impl ShardView {
    /// The credential of a row, whether or not it is there: the one to revoke, the one that
    /// an alias led to, or the one that follows from the row's content.
    pub fn credential_of(&self, row: u32, secret: &IdSecret, job: &Job) -> Option<CredentialId> {
        let known = self.aliases.get(&row).copied();
        let input = self.rows.get(&row)?;
        let content = || {
            let recipient = input.recipient.as_ref()?;
            Some(identity::of(secret, &job.org, job.mode, job.template_id, recipient).id)
        };
        input.revoke.or(known).or_else(content)
    }
}

/// Claims of the mails of a shard's rows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Claims {
    /// Rows whose mail somebody sends, or has sent.
    #[serde(default, rename = "claimed")]
    pub rows: BTreeSet<u32>,
    /// When the last of these claims ends, seconds since 1970.
    #[serde(default, rename = "claimed_until")]
    pub until: i64,
}

/// Why a row failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// Row, from 1.
    pub row: u32,
    /// Address as sent.
    pub email: String,
    /// Code and texts.
    pub faults: Vec<FaultText>,
}

/// What a batch learned of a shard's rows.
#[derive(Debug, Default)]
pub struct ShardUpdate {
    /// Sets to add to.
    pub sets: IssueSets,
    /// Why rows failed.
    pub failures: Vec<Failure>,
    /// Rows that an alias led to a credential.
    pub aliases: Vec<(u32, CredentialId)>,
    /// In a dry run, what else the recipients of rows hold of the template.
    pub holds: Vec<(u32, Vec<CredentialId>)>,
}

impl ShardUpdate {
    /// A row of a dry run that would have a credential: nobody is mailed.
    pub fn foresee(
        &mut self,
        row: u32,
        internal: bool,
        duplicate: bool,
        also_holds: Vec<CredentialId>,
    ) {
        self.sets.issued.insert(row);
        self.sets.unmailed.insert(row);
        if internal {
            self.sets.internal.insert(row);
        }
        if duplicate {
            self.sets.duplicate.insert(row);
        }
        if !also_holds.is_empty() {
            self.holds.push((row, also_holds));
        }
    }
}

/// Which job an update is for.
#[derive(Clone, Copy)]
enum Only {
    /// One that exists.
    Any,
    /// One that has not ended.
    Open,
    /// One that has not ended and whose totals nobody has read since.
    Unread,
    /// One that has ended.
    Closed,
    /// One whose totals nobody has read since.
    Counted,
    /// One whose file nobody else works on.
    FileFree,
    /// One on whose file the one with this token works.
    ReadByMe,
    /// One whose files are due to be removed.
    Expired,
}

fn job_pk(job: JobId) -> String {
    format!("JOB#{job}")
}

fn shard_pk(job: JobId, shard: u32) -> String {
    format!("{job}#{shard:05}")
}

fn upload_pk(upload: Uuid) -> String {
    format!("UPLOAD#{upload}")
}

fn files_sk(until: &str, job: JobId) -> String {
    format!("{until}#{job}")
}

fn org_pk(org: &OrgId, mode: Mode) -> String {
    format!("{org}#{mode}")
}

/// The job of an entry of an index.
fn job_of(entry: &Item) -> Option<JobId> {
    JobId::parse(entry.get("pk")?.as_s().ok()?.strip_prefix("JOB#")?).ok()
}

/// Lets a write that met a transaction be tried again, a few times: a correction looks at a
/// shard's claims in its own, and the SDK does not repeat what that refuses.
fn met_a_transaction(error: StoreError, round: u32) -> Result<(), StoreError> {
    match error {
        StoreError::Unavailable(code) if code == "TransactionConflictException" && round < 3 => {
            Ok(())
        }
        error => Err(error),
    }
}

/// Rows as a number set.
fn row_set(rows: &BTreeSet<u32>) -> AttributeValue {
    AttributeValue::Ns(rows.iter().map(u32::to_string).collect())
}

fn deflate(raw: &[u8]) -> Result<Vec<u8>, StoreError> {
    let broken = |e: std::io::Error| StoreError::Broken(e.to_string());
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(raw).map_err(broken)?;
    encoder.finish().map_err(broken)
}

impl Jobs {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Stores rows of a job, whole shards of them. Repeating it changes nothing: outcomes are
    /// items of their own.
    ///
    /// # Errors
    /// As of the store.
    pub async fn put_inputs(&self, job: &Job, rows: &[Row], ttl: i64) -> Result<(), StoreError> {
        let mut items = Vec::new();
        let size = usize::try_from(job.shard_rows).unwrap_or(usize::MAX).max(1);
        let first = rows.first().map_or(0, |row| job.shard_of(row.row));
        for (shard, rows) in (first..).zip(rows.chunks(size)) {
            let pk = shard_pk(job.job_id, shard);
            let mut piece = 0_u32;
            let mut raw: Vec<u8> = Vec::new();
            for (at, row) in rows.iter().enumerate() {
                serde_json::to_writer(&mut raw, row)
                    .map_err(|e| StoreError::Broken(e.to_string()))?;
                raw.push(b'\n');
                if raw.len() >= PIECE_RAW || at + 1 == rows.len() {
                    let data = deflate(&raw)?;
                    if data.len() > PIECE {
                        return Err(StoreError::Broken("a piece of inputs is too large".into()));
                    }
                    let mut item = key(&pk, format!("IN#{piece:04}"));
                    item.insert("data".to_owned(), AttributeValue::B(Blob::new(data)));
                    item.insert(TTL.to_owned(), number(ttl));
                    items.push(item);
                    piece += 1;
                    raw.clear();
                }
            }
        }
        put_many(&self.client, &self.table, items).await
    }

    /// In a dry run, the first row that would have a credential of this id, and its content:
    /// this one, or one that was here before. Safe to repeat.
    ///
    /// # Errors
    /// As of the store.
    pub async fn first_of(
        &self,
        job: JobId,
        id: CredentialId,
        (row, content): (u32, &str),
        ttl: i64,
    ) -> Result<(u32, String), StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(format!("SEEN#{job}#{id}"), "SEEN")))
            .update_expression("SET first_row = if_not_exists(first_row, :row), content = if_not_exists(content, :content), #ttl = :ttl")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":row", number(row))
            .expression_attribute_values(":content", text(content))
            .expression_attribute_values(":ttl", number(ttl))
            .return_values(ReturnValue::AllNew)
            .send()
            .await?;
        let first = answer.attributes.as_ref().and_then(|item| {
            let row = item.get("first_row")?.as_n().ok()?.parse().ok()?;
            Some((row, item.get("content")?.as_s().ok()?.clone()))
        });
        first.ok_or_else(|| StoreError::Broken("not a row".to_owned()))
    }

    /// Writes the job itself, if its id is free: from here on it is accepted.
    ///
    /// # Errors
    /// As of the store; [`StoreError::Conflict`] when the id is taken.
    pub async fn create(&self, job: &Job, ttl: i64) -> Result<(), StoreError> {
        let mut item = to_item(job)?;
        item.extend(key(job_pk(job.job_id), "JOB"));
        item.insert(TTL.to_owned(), number(ttl));
        let sort = format!("{}#{}", job.created_at, job.job_id);
        item.insert(BY_ORG.partition.into(), text(org_pk(&job.org, job.mode)));
        item.insert(BY_ORG.sort.into(), text(&sort));
        item.insert(OPEN.partition.into(), text(OPEN_PK));
        item.insert(OPEN.sort.into(), text(&sort));
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await?;
        Ok(())
    }

    /// A job.
    ///
    /// # Errors
    /// As of the store.
    pub async fn get(&self, job: JobId) -> Result<Option<Job>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(job_pk(job), "JOB")))
            .consistent_read(true)
            .send()
            .await?;
        answer.item.map(from_item).transpose()
    }

    /// Jobs of an organization, newest first.
    ///
    /// # Errors
    /// As of the store.
    pub async fn list(
        &self,
        org: &OrgId,
        mode: Mode,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Job>, StoreError> {
        // `~` sorts after every instant.
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_ORG.name)
            .key_condition_expression("org_pk = :pk AND org_sk < :before")
            .expression_attribute_values(":pk", text(org_pk(org, mode)))
            .expression_attribute_values(":before", text(cursor.unwrap_or("~")))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await?;
        let next = answer
            .last_evaluated_key
            .and_then(|key| key.get(BY_ORG.sort).and_then(|sk| sk.as_s().ok().cloned()));
        let keys = answer
            .items
            .unwrap_or_default()
            .into_iter()
            .filter_map(|mut item| {
                let (pk, sk) = (item.remove("pk")?, item.remove("sk")?);
                Some(Item::from([("pk".to_owned(), pk), ("sk".to_owned(), sk)]))
            })
            .collect();
        let mut items: Vec<Job> = Vec::new();
        for item in get_many(&self.client, &self.table, keys).await? {
            items.push(from_item(item)?);
        }
        items.sort_unstable_by(|a, b| (&b.created_at, b.job_id).cmp(&(&a.created_at, a.job_id)));
        Ok(Page { items, next })
    }

    /// Begins to work on a job's file, unless somebody else does: until `until`, seconds since
    /// 1970, or as long as that is put off. None when somebody else does, or there is no job.
    ///
    /// # Errors
    /// As of the store.
    pub async fn claim_file(
        &self,
        job: JobId,
        reader: &str,
        now: i64,
        until: i64,
    ) -> Result<Option<Job>, StoreError> {
        let values =
            vec![(":reader", text(reader)), (":now", number(now)), (":until", number(until))];
        let set = "SET reader = :reader, reader_until = :until";
        self.update(job, set, values, Only::FileFree).await
    }

    /// Goes on working on a job's file; none when it was taken over.
    ///
    /// # Errors
    /// As of the store.
    pub async fn keep_file(
        &self,
        job: JobId,
        reader: &str,
        until: i64,
    ) -> Result<Option<Job>, StoreError> {
        let values = vec![(":reader", text(reader)), (":until", number(until))];
        self.update(job, "SET reader_until = :until", values, Only::ReadByMe).await
    }

    /// Notes how a file is read and how many rows it has; none when it was taken over.
    ///
    /// # Errors
    /// As of the store.
    pub async fn counted(
        &self,
        job: JobId,
        reader: &str,
        (sheet, rows): (&Format, u32),
        until: i64,
    ) -> Result<Option<Job>, StoreError> {
        let sheet_value = serde_dynamo::to_attribute_value(sheet)
            .map_err(|e| StoreError::Broken(e.to_string()))?;
        let start = serde_dynamo::to_attribute_value(sheet.start)
            .map_err(|e| StoreError::Broken(e.to_string()))?;
        let values = vec![
            (":reader", text(reader)),
            (":sheet", sheet_value),
            (":start", start),
            (":rows", number(rows)),
            (":until", number(until)),
        ];
        let set = "SET sheet = :sheet, read_to = :start, #total = :rows, reader_until = :until";
        self.update(job, set, values, Only::ReadByMe).await
    }

    /// Notes how far a file was read: rows before it are stored and queued. None when it was
    /// taken over.
    ///
    /// # Errors
    /// As of the store.
    pub async fn read_to(
        &self,
        job: JobId,
        reader: &str,
        (at, all): (Position, bool),
        until: i64,
    ) -> Result<Option<Job>, StoreError> {
        let at =
            serde_dynamo::to_attribute_value(at).map_err(|e| StoreError::Broken(e.to_string()))?;
        let mut values = vec![(":reader", text(reader)), (":at", at), (":none", number(0))];
        let set = if all {
            values.push((":yes", AttributeValue::Bool(true)));
            "SET read_to = :at, sweeps = :none, fanned_out = :yes REMOVE reader, reader_until, sweep_after"
        } else {
            values.push((":until", number(until)));
            "SET read_to = :at, sweeps = :none, reader_until = :until REMOVE sweep_after"
        };
        self.update(job, set, values, Only::ReadByMe).await
    }

    /// Leaves a job's file to whoever comes next.
    ///
    /// # Errors
    /// As of the store.
    pub async fn leave_file(&self, job: JobId, reader: &str) -> Result<(), StoreError> {
        let values = vec![(":reader", text(reader))];
        self.update(job, "REMOVE reader, reader_until", values, Only::ReadByMe).await?;
        Ok(())
    }

    /// Takes a job's file from whoever worked on it and has ended.
    ///
    /// # Errors
    /// As of the store.
    pub async fn free_file(&self, job: JobId) -> Result<(), StoreError> {
        self.update(job, "REMOVE reader, reader_until", Vec::new(), Only::Any).await?;
        Ok(())
    }

    /// Ends a job that cannot go on as a whole; its files go at `until`. None when it has
    /// ended, or when `reader` has lost its file to another.
    ///
    /// # Errors
    /// As of the store.
    pub async fn fail(
        &self,
        job: JobId,
        failure: &JobFailure,
        reader: Option<&str>,
        (now, until): (&str, &str),
    ) -> Result<Option<Job>, StoreError> {
        let failure = serde_dynamo::to_attribute_value(failure)
            .map_err(|e| StoreError::Broken(e.to_string()))?;
        let mut values = vec![
            (":failure", failure),
            (":now", text(now)),
            (":yes", AttributeValue::Bool(true)),
            (":files", text(FILES_PK)),
            (":sk", text(files_sk(until, job))),
        ];
        let set = "SET failure = :failure, closed_at = :now, updated_at = :now, fanned_out = :yes, open_pk = :files, open_sk = :sk REMOVE reader, reader_until, sweep_after";
        let only = match reader {
            Some(reader) => {
                values.push((":reader", text(reader)));
                Only::ReadByMe
            }
            None => Only::Open,
        };
        self.update(job, set, values, only).await
    }

    /// Notes that a job's results file stands; both files go at `until`. None when it was
    /// taken over.
    ///
    /// # Errors
    /// As of the store.
    pub async fn results_written(
        &self,
        job: JobId,
        reader: &str,
        (now, until): (&str, &str),
    ) -> Result<Option<Job>, StoreError> {
        let values = vec![
            (":reader", text(reader)),
            (":now", text(now)),
            (":files", text(FILES_PK)),
            (":sk", text(files_sk(until, job))),
        ];
        let set = "SET results_at = :now, open_pk = :files, open_sk = :sk REMOVE reader, reader_until, sweep_after";
        self.update(job, set, values, Only::ReadByMe).await
    }

    /// Notes that the results file of a job that has ended will not be written; its file goes
    /// at `until`.
    ///
    /// # Errors
    /// As of the store.
    pub async fn without_results(&self, job: JobId, until: &str) -> Result<(), StoreError> {
        let values = vec![
            (":files", text(FILES_PK)),
            (":sk", text(files_sk(until, job))),
            (":yes", AttributeValue::Bool(true)),
        ];
        let set = "SET open_pk = :files, open_sk = :sk, results_lost = :yes REMOVE reader, reader_until, sweep_after";
        self.update(job, set, values, Only::Closed).await?;
        Ok(())
    }

    /// Notes that a job's files are gone. None when they are not due.
    ///
    /// # Errors
    /// As of the store.
    pub async fn files_gone(&self, job: JobId, now: &str) -> Result<Option<Job>, StoreError> {
        let values = vec![(":now", text(now)), (":files", text(FILES_PK))];
        let set = "SET files_gone_at = :now REMOVE open_pk, open_sk";
        self.update(job, set, values, Only::Expired).await
    }

    /// Jobs whose files are due to be removed.
    ///
    /// # Errors
    /// As of the store.
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

    /// Keeps what a file was let in for.
    ///
    /// # Errors
    /// As of the store.
    pub async fn put_upload(&self, upload: &Upload, ttl: i64) -> Result<(), StoreError> {
        let mut item = to_item(upload)?;
        item.extend(key(upload_pk(upload.upload_id), "UPLOAD"));
        item.insert(TTL.to_owned(), number(ttl));
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// What a file was let in for.
    ///
    /// # Errors
    /// As of the store.
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

    /// Notes the job that a file began.
    ///
    /// # Errors
    /// As of the store.
    pub async fn uploaded(&self, upload: Uuid, job: JobId) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(upload_pk(upload), "UPLOAD")))
            .update_expression("SET job_id = :job")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":job", text(job.to_string()))
            .send()
            .await?;
        Ok(())
    }

    /// Ids of the jobs that have not ended, oldest first.
    ///
    /// # Errors
    /// As of the store.
    pub async fn open(&self, after: Option<&str>, limit: usize) -> Result<Page<JobId>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(OPEN.name)
            .key_condition_expression("open_pk = :pk AND open_sk > :after")
            .expression_attribute_values(":pk", text(OPEN_PK))
            .expression_attribute_values(":after", text(after.unwrap_or("0")))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await?;
        let next = answer
            .last_evaluated_key
            .and_then(|key| key.get(OPEN.sort).and_then(|sk| sk.as_s().ok().cloned()));
        let items = answer.items.unwrap_or_default().iter().filter_map(job_of).collect();
        Ok(Page { items, next })
    }

    /// Changes the job's own item; none when it is not as `only` asks.
    async fn update(
        &self,
        job: JobId,
        expression: &str,
        values: Vec<(&str, AttributeValue)>,
        only: Only,
    ) -> Result<Option<Job>, StoreError> {
        let condition = match only {
            Only::Any => "attribute_exists(pk)",
            Only::FileFree => {
                "attribute_exists(pk) AND (attribute_not_exists(reader_until) OR reader_until < :now)"
            }
            Only::ReadByMe => "attribute_exists(pk) AND reader = :reader",
            Only::Expired => "attribute_exists(pk) AND open_pk = :files",
            Only::Open => "attribute_exists(pk) AND attribute_not_exists(closed_at)",
            Only::Closed => "attribute_exists(pk) AND attribute_exists(closed_at)",
            Only::Counted => "attribute_exists(pk) AND tally_at = :seen",
            // Totals only grow: an older reading must not overwrite a newer one.
            Only::Unread => {
                "attribute_exists(pk) AND attribute_not_exists(closed_at) AND tally_at = :seen"
            }
        };
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(job_pk(job), "JOB")))
            .update_expression(expression)
            .condition_expression(condition)
            .return_values(ReturnValue::AllNew);
        if expression.contains("#total") {
            update = update.expression_attribute_names("#total", "total");
        }
        for (name, value) in values {
            update = update.expression_attribute_values(name, value);
        }
        match update.send().await.map_err(StoreError::from) {
            Ok(answer) => answer.attributes.map(from_item).transpose(),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes that every row has been queued.
    ///
    /// # Errors
    /// As of the store.
    pub async fn fanned_out(&self, job: JobId) -> Result<(), StoreError> {
        let yes = AttributeValue::Bool(true);
        self.update(job, "SET fanned_out = :yes", vec![(":yes", yes)], Only::Any).await?;
        Ok(())
    }

    /// Keeps the totals for the next reader, and closes the job when they say that it has
    /// ended. Repeatable: a closed job stays as it is.
    ///
    /// # Errors
    /// As of the store.
    pub async fn save_totals(
        &self,
        job: &Job,
        tally: &Tally,
        now: &str,
    ) -> Result<Option<Job>, StoreError> {
        let tally_value = serde_dynamo::to_attribute_value(tally)
            .map_err(|e| StoreError::Broken(e.to_string()))?;
        let moved = *tally != job.tally;
        let mut expression = "SET tally = :tally, tally_at = :now".to_owned();
        if moved {
            expression.push_str(", updated_at = :now, sweeps = :none REMOVE sweep_after");
        }
        let mut values = vec![(":tally", tally_value), (":now", text(now))];
        if moved {
            values.push((":none", number(0)));
        }
        if job.has_ended(tally) {
            expression = "SET tally = :tally, tally_at = :now, updated_at = :now, closed_at = :now, fanned_out = :yes, sweeps = :none REMOVE sweep_after".to_owned();
            // A job of a file stays in the index until its results are written.
            if job.file.is_none() || job.files_gone_at.is_some() {
                expression.push_str(", open_pk, open_sk");
            }
            values.retain(|(name, _)| *name != ":none");
            values.push((":none", number(0)));
            values.push((":yes", AttributeValue::Bool(true)));
        }
        values.push((":seen", text(&job.tally_at)));
        self.update(job.job_id, &expression, values, Only::Unread).await
    }

    /// Cancels a job that has not ended; the first instant stays. None when it has ended.
    ///
    /// # Errors
    /// As of the store.
    pub async fn cancel(&self, job: JobId, at: &str) -> Result<Option<Job>, StoreError> {
        let set = "SET cancelled_at = if_not_exists(cancelled_at, :at)";
        self.update(job, set, vec![(":at", text(at))], Only::Open).await
    }

    /// Notes that the sweeper gave a job up; the first instant stays.
    ///
    /// # Errors
    /// As of the store.
    pub async fn give_up(&self, job: JobId, at: &str) -> Result<(), StoreError> {
        let set = "SET given_up_at = if_not_exists(given_up_at, :at)";
        self.update(job, set, vec![(":at", text(at))], Only::Open).await?;
        Ok(())
    }

    /// The jobs of these that are so.
    ///
    /// # Errors
    /// As of the store.
    pub async fn which(
        &self,
        jobs: BTreeSet<JobId>,
        so: impl Fn(&Job) -> bool,
    ) -> Result<BTreeSet<JobId>, StoreError> {
        let keys = jobs.into_iter().map(|job| key(job_pk(job), "JOB")).collect();
        let mut which = BTreeSet::new();
        for item in get_many(&self.client, &self.table, keys).await? {
            let job: Job = from_item(item)?;
            if so(&job) {
                which.insert(job.job_id);
            }
        }
        Ok(which)
    }

    /// Opens an ended job again, for a retry; what stopped it is over, and whoever writes its
    /// results loses them.
    ///
    /// # Errors
    /// As of the store.
    pub async fn reopen(&self, job: &Job, now: &str) -> Result<Option<Job>, StoreError> {
        let set = "SET open_pk = :pk, open_sk = :sk, updated_at = :now, sweeps = :none REMOVE closed_at, cancelled_at, given_up_at, sweep_after, results_at, results_lost, reader, reader_until";
        let values = vec![
            (":pk", text(OPEN_PK)),
            (":sk", text(format!("{}#{}", job.created_at, job.job_id))),
            (":now", text(now)),
            (":none", number(0)),
        ];
        self.update(job.job_id, set, values, Only::Any).await
    }

    /// Takes rows out of a shard's failed sets, so that they can end another way.
    ///
    /// # Errors
    /// As of the store.
    pub async fn unfail(
        &self,
        job: JobId,
        shard: u32,
        issue: &BTreeSet<u32>,
        mail: &BTreeSet<u32>,
    ) -> Result<(), StoreError> {
        for (sk, rows) in [("ISSUE", issue), ("MAIL", mail)] {
            if rows.is_empty() {
                continue;
            }
            self.client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(key(shard_pk(job, shard), sk)))
                .update_expression("DELETE failed :rows")
                .expression_attribute_values(":rows", row_set(rows))
                .send()
                .await?;
        }
        Ok(())
    }

    /// Notes that rows were queued again, and when the sweeper may look again.
    ///
    /// # Errors
    /// As of the store.
    pub async fn swept(&self, job: JobId, sweeps: u32, after: &str) -> Result<(), StoreError> {
        let values = vec![(":n", number(sweeps)), (":after", text(after))];
        self.update(job, "SET sweeps = :n, sweep_after = :after", values, Only::Any).await?;
        Ok(())
    }

    /// Notes why a job's mail waits.
    ///
    /// # Errors
    /// As of the store.
    pub async fn mail_waits(&self, job: JobId, why: &str, at: &str) -> Result<(), StoreError> {
        let values = vec![(":why", text(why)), (":at", text(at))];
        self.update(job, "SET mail_wait = :why, mail_wait_at = :at", values, Only::Open).await?;
        Ok(())
    }

    /// Records how rows of a shard ended. `ADD` to a set is idempotent, so a redelivered
    /// batch and a crash between two writes converge. Texts go first: a failed row that is
    /// counted has its text.
    ///
    /// # Errors
    /// As of the store.
    pub async fn record_issued(
        &self,
        job: JobId,
        shard: u32,
        learned: &ShardUpdate,
        ttl: i64,
    ) -> Result<(), StoreError> {
        let pk = shard_pk(job, shard);
        // By key: a row that was delivered twice in a batch is written once, since one
        // BatchWriteItem refuses a repeated key.
        let mut items = BTreeMap::new();
        for failure in &learned.failures {
            let sk = format!("F#{:08}", failure.row);
            let mut item = to_item(failure)?;
            item.extend(key(&pk, &sk));
            item.insert(TTL.to_owned(), number(ttl));
            items.insert(sk, item);
        }
        for (row, id) in &learned.aliases {
            let sk = format!("A#{row:08}");
            let mut item = key(&pk, &sk);
            item.insert("credential_id".to_owned(), text(id.to_string()));
            item.insert(TTL.to_owned(), number(ttl));
            items.insert(sk, item);
        }
        for (row, ids) in &learned.holds {
            let sk = format!("N#{row:08}");
            let mut item = key(&pk, &sk);
            let ids = ids.iter().map(|id| text(id.to_string())).collect();
            item.insert("holds".to_owned(), AttributeValue::L(ids));
            item.insert(TTL.to_owned(), number(ttl));
            items.insert(sk, item);
        }
        if !items.is_empty() {
            put_many(&self.client, &self.table, items.into_values().collect()).await?;
        }
        let s = &learned.sets;
        let sets = [
            ("issued", &s.issued),
            ("internal", &s.internal),
            ("duplicate", &s.duplicate),
            ("unmailed", &s.unmailed),
            ("failed", &s.failed),
        ];
        self.add_to_sets(key(pk, "ISSUE"), &sets, ttl).await
    }

    /// Records how mails of a shard ended; as safe to repeat as [`Jobs::record_issued`].
    ///
    /// # Errors
    /// As of the store.
    pub async fn record_mail(
        &self,
        job: JobId,
        shard: u32,
        sets: &MailSets,
        ttl: i64,
    ) -> Result<(), StoreError> {
        let sets = [("sent", &sets.sent), ("failed", &sets.failed), ("skipped", &sets.skipped)];
        self.add_to_sets(key(shard_pk(job, shard), "MAIL"), &sets, ttl).await
    }

    /// Claims the mails of rows of a shard, all or none, until an instant, seconds since 1970.
    /// None when they were claimed; else how the claims of the shard stand.
    ///
    /// # Errors
    /// As of the store.
    pub async fn claim_mails(
        &self,
        job: JobId,
        shard: u32,
        rows: &BTreeSet<u32>,
        (until, ttl): (i64, i64),
    ) -> Result<Option<Claims>, StoreError> {
        let free: Vec<String> =
            (0..rows.len()).map(|n| format!("NOT contains(claimed, :r{n})")).collect();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(shard_pk(job, shard), "SENDING")))
            .update_expression(
                "SET claimed_until = :until, #ttl = if_not_exists(#ttl, :ttl) ADD claimed :rows",
            )
            .condition_expression(format!("{NOTHING_CLAIMED} OR ({})", free.join(" AND ")))
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":ttl", number(ttl))
            .expression_attribute_values(":until", number(until))
            .expression_attribute_values(":rows", row_set(rows))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (n, row) in rows.iter().enumerate() {
            update = update.expression_attribute_values(format!(":r{n}"), number(row));
        }
        for round in 0.. {
            pause(round).await;
            let error = match update.clone().send().await {
                Ok(_) => break,
                Err(error) => error,
            };
            if let Some(UpdateItemError::ConditionalCheckFailedException(refused)) =
                error.as_service_error()
            {
                let item = refused.item().cloned();
                let item = item.ok_or(StoreError::Broken("refused by nothing".to_owned()))?;
                return from_item(item).map(Some);
            }
            met_a_transaction(error.into(), round)?;
        }
        Ok(None)
    }

    /// That nobody has claimed the mail of a row, as a part of a transaction.
    ///
    /// # Errors
    /// Never in practice.
    pub fn unclaimed(
        &self,
        (job, shard, row): (JobId, u32, u32),
    ) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(key(shard_pk(job, shard), "SENDING")))
            .condition_expression(format!("{NOTHING_CLAIMED} OR NOT contains(claimed, :row)"))
            .expression_attribute_values(":row", number(row))
            .build()?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Takes back claims of mails that SES did not take.
    ///
    /// # Errors
    /// As of the store.
    pub async fn release_mails(
        &self,
        job: JobId,
        shard: u32,
        rows: &BTreeSet<u32>,
    ) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(shard_pk(job, shard), "SENDING")))
            .update_expression("DELETE claimed :rows")
            .expression_attribute_values(":rows", row_set(rows));
        for round in 0.. {
            pause(round).await;
            match update.clone().send().await {
                Ok(_) => break,
                Err(error) => met_a_transaction(error.into(), round)?,
            }
        }
        Ok(())
    }

    /// How the mails of some shards have ended.
    ///
    /// # Errors
    /// As of the store.
    pub async fn mails_of(
        &self,
        shards: &BTreeSet<(JobId, u32)>,
    ) -> Result<BTreeMap<(JobId, u32), MailSets>, StoreError> {
        let items = self.of_shards(shards, &["MAIL"]).await?;
        items.into_iter().map(|(place, item)| Ok((place, from_item(item)?))).collect()
    }

    /// How the mails of some shards stand: who claimed them, and how they ended.
    ///
    /// # Errors
    /// As of the store.
    pub async fn ledgers_of(
        &self,
        shards: &BTreeSet<(JobId, u32)>,
    ) -> Result<BTreeMap<(JobId, u32), (Claims, MailSets)>, StoreError> {
        let mut found: BTreeMap<(JobId, u32), (Claims, MailSets)> = BTreeMap::new();
        for (place, item) in self.of_shards(shards, &["SENDING", "MAIL"]).await? {
            let (claims, mail) = found.entry(place).or_default();
            if item.contains_key("claimed_until") {
                *claims = from_item(item)?;
            } else {
                *mail = from_item(item)?;
            }
        }
        Ok(found)
    }

    /// Items of some shards, by their sort keys.
    async fn of_shards(
        &self,
        shards: &BTreeSet<(JobId, u32)>,
        names: &[&str],
    ) -> Result<Vec<((JobId, u32), Item)>, StoreError> {
        let of: BTreeMap<String, (JobId, u32)> =
            shards.iter().map(|place| (shard_pk(place.0, place.1), *place)).collect();
        let of_shard = |pk: &String| names.iter().map(|name| key(pk, *name)).collect::<Vec<_>>();
        let keys = of.keys().flat_map(of_shard).collect();
        let place = |item: &Item| of.get(item.get("pk")?.as_s().ok()?).copied();
        let found = get_many(&self.client, &self.table, keys).await?;
        Ok(found.into_iter().filter_map(|item| Some((place(&item)?, item))).collect())
    }

    async fn add_to_sets(
        &self,
        key: Item,
        sets: &[(&str, &BTreeSet<u32>)],
        ttl: i64,
    ) -> Result<(), StoreError> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":ttl", number(ttl));
        let mut clauses = Vec::new();
        for (name, rows) in sets.iter().filter(|(_, rows)| !rows.is_empty()) {
            clauses.push(format!("#{name} :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), *name)
                .expression_attribute_values(format!(":{name}"), row_set(rows));
        }
        if !clauses.is_empty() {
            let expression =
                format!("SET #ttl = if_not_exists(#ttl, :ttl) ADD {}", clauses.join(", "));
            update.update_expression(expression).send().await?;
        }
        Ok(())
    }

    /// Reads the outcome sets of all shards and adds them up.
    ///
    /// # Errors
    /// As of the store.
    pub async fn tally(&self, job: &Job) -> Result<Tally, StoreError> {
        let mut total = Tally::default();
        for shard in self.outcomes(job).await?.values() {
            total.add(&shard.tally());
        }
        Ok(total)
    }

    /// Brings the totals of a job that has ended up to date: a mail of it was sent again.
    ///
    /// # Errors
    /// As of the store; [`StoreError::Conflict`] when others keep changing it.
    pub async fn recount(&self, job: JobId, now: &str) -> Result<(), StoreError> {
        for _ in 0..RECOUNTS {
            let Some(job) = self.get(job).await?.filter(|job| job.closed_at.is_some()) else {
                return Ok(());
            };
            let tally = self.tally(&job).await?;
            if tally == job.tally {
                return Ok(());
            }
            let value = serde_dynamo::to_attribute_value(tally)
                .map_err(|e| StoreError::Broken(e.to_string()))?;
            let values =
                vec![(":tally", value), (":now", text(now)), (":seen", text(&job.tally_at))];
            let set = "SET tally = :tally, tally_at = :now, updated_at = :now";
            if self.update(job.job_id, set, values, Only::Counted).await?.is_some() {
                return Ok(());
            }
        }
        Err(StoreError::Conflict)
    }

    /// The outcome of every shard, by number.
    ///
    /// # Errors
    /// As of the store.
    pub async fn outcomes(&self, job: &Job) -> Result<BTreeMap<u32, Shard>, StoreError> {
        let keys = (0..job.shards())
            .flat_map(|shard| {
                let pk = shard_pk(job.job_id, shard);
                [key(&pk, "ISSUE"), key(&pk, "MAIL")]
            })
            .collect();
        let mut shards: BTreeMap<u32, Shard> =
            (0..job.shards()).map(|number| (number, Shard::default())).collect();
        for item in get_many(&self.client, &self.table, keys).await? {
            let of = |name: &str| item.get(name).and_then(|v| v.as_s().ok()).cloned();
            let (pk, sk) = (of("pk").unwrap_or_default(), of("sk").unwrap_or_default());
            let Some(number) = pk.rsplit('#').next().and_then(|n| n.parse().ok()) else {
                continue;
            };
            let shard = shards.entry(number).or_default();
            if sk == "ISSUE" {
                shard.issue = from_item(item)?;
            } else {
                shard.mail = from_item(item)?;
            }
        }
        Ok(shards)
    }

    /// Everything of one shard.
    ///
    /// # Errors
    /// As of the store.
    pub async fn shard(&self, job: JobId, shard: u32) -> Result<ShardView, StoreError> {
        let mut view = ShardView::default();
        let mut start = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(shard_pk(job, shard)))
                .set_exclusive_start_key(start)
                .send()
                .await?;
            for item in answer.items.unwrap_or_default() {
                view.take(item)?;
            }
            match answer.last_evaluated_key {
                Some(key) if !key.is_empty() => start = Some(key),
                _ => return Ok(view),
            }
        }
    }

    /// The first failed rows of an ended job, in the order of rows.
    ///
    /// # Errors
    /// As of the store.
    pub async fn failures(&self, job: &Job, limit: usize) -> Result<Vec<Failure>, StoreError> {
        let mut found: Vec<Failure> = Vec::new();
        let wanted = usize::try_from(job.tally.failed).unwrap_or(usize::MAX).min(limit);
        if wanted == 0 {
            return Ok(found);
        }
        for (number, shard) in self.outcomes(job).await? {
            if shard.tally().failed == 0 {
                continue;
            }
            let mut view = self.shard(job.job_id, number).await?;
            view.failures.retain(|row, _| !shard.issue.issued.contains(row));
            found.extend(view.failures.into_values());
            if found.len() >= wanted {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }
}

impl ShardView {
    fn take(&mut self, item: Item) -> Result<(), StoreError> {
        let sk = item.get("sk").and_then(|v| v.as_s().ok()).cloned().unwrap_or_default();
        match sk.split('#').next().unwrap_or_default() {
            "ISSUE" => self.shard.issue = from_item::<IssueSets>(item)?,
            "MAIL" => self.shard.mail = from_item::<MailSets>(item)?,
            "SENDING" => self.claims = from_item::<Claims>(item)?,
            "IN" => {
                let data = item.get("data").and_then(|v| v.as_b().ok());
                let mut raw = String::new();
                DeflateDecoder::new(data.map_or(&[][..], |blob| blob.as_ref()))
                    .read_to_string(&mut raw)
                    .map_err(|e| StoreError::Broken(e.to_string()))?;
                for line in raw.lines() {
                    let row: Row = serde_json::from_str(line)
                        .map_err(|_| StoreError::Broken("inputs cannot be read".into()))?;
                    self.rows.insert(row.row, row);
                }
            }
            "F" => {
                let failure: Failure = from_item(item)?;
                self.failures.insert(failure.row, failure);
            }
            "N" => {
                let ids = item.get("holds").and_then(|v| v.as_l().ok());
                let ids = ids.into_iter().flatten().filter_map(|id| id.as_s().ok());
                let ids = ids.filter_map(|id| CredentialId::parse(id).ok()).collect();
                if let Some(row) = sk.rsplit('#').next().and_then(|row| row.parse().ok()) {
                    self.holds.insert(row, ids);
                }
            }
            "A" => {
                let id = item.get("credential_id").and_then(|v| v.as_s().ok());
                let row = sk.rsplit('#').next().and_then(|row| row.parse().ok());
                if let (Some(row), Some(Ok(id))) = (row, id.map(|id| CredentialId::parse(id))) {
                    self.aliases.insert(row, id);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
