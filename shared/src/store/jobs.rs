//! The jobs table: jobs, their inputs and the outcome of each row. This module has the job's own
//! item; [`job_rows`](super::job_rows), [`job_mail`](super::job_mail) and
//! [`job_files`](super::job_files) have the others.
//!
//! | partition | sort | item |
//! |---|---|---|
//! | `JOB#{job}` | `JOB` | [`Job`] |
//! | `{job}#{shard}` | `IN#{piece}` | rows as sent, deflated JSON lines, at most 300 KB each |
//! | | `ISSUE` | [`IssueSets`](crate::domain::job_outcome::IssueSets) |
//! | | `MAIL` | [`MailSets`](crate::domain::job_outcome::MailSets) |
//! | | `SENDING` | [`Claims`](super::job_mail::Claims) |
//! | | `F#{row}` | a failed row's code and text |
//! | | `A#{row}` | the credential of a row found through an alias |
//! | | `N#{row}` | in a dry run, other credentials of the recipient from the template |
//! | | `C#{row}` | in a dry run that corrects, the row's fields before and after |
//! | `SEEN#{job}#{credential}` | `SEEN` | in a dry run, the first row of that identity |
//! | `UPLOAD#{id}` | `UPLOAD` | [`Upload`](crate::domain::upload::Upload): an announced file |
//!
//! A shard has a partition of its own, so one query reads all that a page of results
//! needs, and a large job's writes spread.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, ReturnValue},
};

use super::{Item, Page, StoreError, from_item, get_many, key, number, text, to_item};
use crate::{
    domain::{
        ids::{JobId, Mode, OrgId, ShardId},
        job::Job,
        job_outcome::Tally,
        tenant::Tenant,
    },
    store::schema::{BY_ORG, OPEN, TTL},
};

/// Attempts at a recount that keeps losing to concurrent writers.
const RECOUNTS: usize = 4;
/// The partition of the index `open` with open jobs, and ended ones whose results file is
/// still to be written.
const OPEN_PK: &str = "OPEN";
/// The partition of the same index with ended jobs that have files, by the instant at which
/// these are deleted.
pub(super) const FILES_PK: &str = "FILES";

/// The jobs table.
#[derive(Clone, Debug)]
pub struct Jobs {
    pub(super) client: Client,
    pub(super) table: String,
}

/// The condition of an update of a job's item.
#[derive(Clone, Copy)]
pub(super) enum Only {
    /// It exists.
    Any,
    /// It has not ended.
    Open,
    /// It has not ended, and no other reader has saved its totals since.
    Unread,
    /// It has ended.
    Closed,
    /// No other reader has saved its totals since.
    Counted,
    /// No other process holds the lease of its file.
    FileFree,
    /// The process with this token holds the lease of its file.
    ReadByMe,
    /// Its files are due to be deleted.
    Expired,
}

pub(super) fn job_pk(job: JobId) -> String {
    format!("JOB#{job}")
}

pub(super) fn shard_pk(ShardId { job, number }: ShardId) -> String {
    format!("{job}#{number:05}")
}

fn org_pk(org: &OrgId, mode: Mode) -> String {
    format!("{org}#{mode}")
}

/// The job of an entry of an index.
pub(super) fn job_of(entry: &Item) -> Option<JobId> {
    JobId::parse(entry.get("pk")?.as_s().ok()?.strip_prefix("JOB#")?).ok()
}

impl Jobs {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Writes the job itself, if its id is free: from here on it is accepted.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Conflict`] when the id is taken.
    pub async fn create(&self, job: &Job, ttl: i64) -> Result<(), StoreError> {
        self.create_in(job, ttl, OPEN_PK).await
    }

    /// Creates a job that the index of open jobs has in this partition.
    pub(super) async fn create_in(
        &self,
        job: &Job,
        ttl: i64,
        open: &'static str,
    ) -> Result<(), StoreError> {
        let mut item = to_item(job)?;
        item.extend(key(job_pk(job.job_id), "JOB"));
        item.insert(TTL.to_owned(), number(ttl));
        let sort = format!("{}#{}", job.created_at, job.job_id);
        item.insert(BY_ORG.partition.into(), text(org_pk(&job.org, job.mode)));
        item.insert(BY_ORG.sort.into(), text(&sort));
        item.insert(OPEN.partition.into(), text(open));
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
    /// [`StoreError`].
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

    /// A job, if it is the tenant's own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get_for(&self, tenant: Tenant<'_>, job: JobId) -> Result<Option<Job>, StoreError> {
        Ok(self.get(job).await?.filter(|job| tenant.owns(&job.org, job.mode)))
    }

    /// Jobs of an organization, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(
        &self,
        org: &OrgId,
        mode: Mode,
        before: Option<&str>,
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
            .expression_attribute_values(":before", text(before.unwrap_or("~")))
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

    /// Ids of the jobs that have not ended, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
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

    /// Updates the job's own item. `None` if `only` does not hold.
    pub(super) async fn update(
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
        if expression.contains("#ttl") {
            update = update.expression_attribute_names("#ttl", TTL);
        }
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
    /// [`StoreError`].
    pub async fn fanned_out(&self, job: JobId) -> Result<(), StoreError> {
        let yes = AttributeValue::Bool(true);
        self.update(job, "SET fanned_out = :yes", vec![(":yes", yes)], Only::Any).await?;
        Ok(())
    }

    /// Saves the totals for the next reader, and closes the job when they show its end.
    /// Repeatable: a closed job stays as it is.
    ///
    /// # Errors
    /// [`StoreError`].
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

    /// Cancels a job; the first instant is kept. `None` if it has ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel(&self, job: JobId, at: &str) -> Result<Option<Job>, StoreError> {
        let set = "SET cancelled_at = if_not_exists(cancelled_at, :at)";
        self.update(job, set, vec![(":at", text(at))], Only::Open).await
    }

    /// Marks a job as given up; the first instant is kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn give_up(&self, job: JobId, at: &str) -> Result<(), StoreError> {
        let set = "SET given_up_at = if_not_exists(given_up_at, :at)";
        self.update(job, set, vec![(":at", text(at))], Only::Open).await?;
        Ok(())
    }

    /// The jobs among these for which `so` holds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn which(
        &self,
        jobs: BTreeSet<JobId>,
        so: impl Fn(&Job) -> bool,
    ) -> Result<BTreeSet<JobId>, StoreError> {
        let jobs = self.all(jobs).await?;
        Ok(jobs.into_iter().filter(|(_, job)| so(job)).map(|(id, _)| id).collect())
    }

    /// These jobs, by their ids.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all(&self, jobs: BTreeSet<JobId>) -> Result<BTreeMap<JobId, Job>, StoreError> {
        let keys = jobs.into_iter().map(|job| key(job_pk(job), "JOB")).collect();
        let mut all = BTreeMap::new();
        for item in get_many(&self.client, &self.table, keys).await? {
            let job: Job = from_item(item)?;
            all.insert(job.job_id, job);
        }
        Ok(all)
    }

    /// Opens an ended job again, for a retry: it is no longer stopped, and a process that writes
    /// its results loses the lease.
    ///
    /// # Errors
    /// [`StoreError`].
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

    /// Counts that rows were queued again, and notes the earliest instant of the next time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn swept(&self, job: JobId, sweeps: u32, after: &str) -> Result<(), StoreError> {
        let values = vec![(":n", number(sweeps)), (":after", text(after))];
        self.update(job, "SET sweeps = :n, sweep_after = :after", values, Only::Any).await?;
        Ok(())
    }

    /// Notes the reason why a job's mail waits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mail_waits(&self, job: JobId, why: &str, at: &str) -> Result<(), StoreError> {
        let values = vec![(":why", text(why)), (":at", text(at))];
        self.update(job, "SET mail_wait = :why, mail_wait_at = :at", values, Only::Open).await?;
        Ok(())
    }

    /// Reads the outcome sets of all shards and adds them up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tally(&self, job: &Job) -> Result<Tally, StoreError> {
        let mut total = Tally::default();
        for shard in self.outcomes(job).await?.values() {
            total.add(&shard.tally());
        }
        Ok(total)
    }

    /// Brings the totals of an ended job up to date, after one of its mails was sent again.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Conflict`] when others keep changing it.
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
}
