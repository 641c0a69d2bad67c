//! Reading the rows of jobs: a shard's inputs and outcomes, the outcomes of all shards.

use std::{collections::BTreeMap, io::Read};

use flate2::read::DeflateDecoder;

use super::{Item, StoreError, from_item, get_many, key, text};
use crate::{
    domain::{
        correction::FieldChange,
        identity::{self, IdSecret},
        ids::{CredentialId, ShardId},
        job::{Job, Row},
        job_outcome::{IssueSets, MailSets, RowStatus, Shard},
        spelling::Alike,
        warning::Place,
    },
    store::{
        job_mail::Claims,
        job_rows::Failure,
        jobs::{Jobs, shard_pk},
    },
};

/// Most uncompressed bytes of a piece that is read: `PIECE_RAW` and one row, whose 20 faults have
/// 1,000 characters each at most.
const MAX_RAW: u64 = 1024 * 1024;

/// All that is stored of a shard.
#[derive(Debug, Default)]
pub struct ShardView {
    /// Its rows, by number.
    pub rows: BTreeMap<u32, Row>,
    /// Their outcomes.
    pub shard: Shard,
    /// Why rows failed.
    pub failures: BTreeMap<u32, Failure>,
    /// Rows whose mail was claimed.
    pub claims: Claims,
    /// Credentials of rows found through an alias.
    pub aliases: BTreeMap<u32, CredentialId>,
    /// In a dry run, other credentials of the rows' recipients from the template.
    pub holds: BTreeMap<u32, Vec<CredentialId>>,
    /// In a dry run, the fields that rows correct.
    pub changes: BTreeMap<u32, Vec<FieldChange>>,
    /// In a dry run, where the people of rows seem to be too.
    pub alike: BTreeMap<u32, Vec<Alike>>,
}

impl ShardView {
    /// Whether a row issued its credential, which did not exist before.
    pub fn issued(&self, row: u32) -> bool {
        self.shard.status(row) == RowStatus::Issued
            && !self.shard.issue.duplicate.contains(&row)
            && !self.shard.issue.corrected.contains(&row)
    }

    /// The credential of a row, whether or not it exists: the one to revoke, the one found
    /// through an alias, the one that the row names, or the one that follows from its content.
    pub fn credential_of(&self, row: u32, secret: &IdSecret, job: &Job) -> Option<CredentialId> {
        let known = self.aliases.get(&row).copied();
        let input = self.rows.get(&row)?;
        let content = || {
            let recipient = input.recipient.as_ref()?;
            Some(identity::of(secret, &job.org, job.mode, job.template_id, recipient).id)
        };
        let named = input.named.as_ref().map(|named| named.credential_id);
        input.revoke.or(known).or(named).or_else(content)
    }
}

/// The rows of a piece of inputs.
pub(super) fn inflate(data: &[u8]) -> Result<Vec<Row>, StoreError> {
    let mut raw = String::new();
    DeflateDecoder::new(data)
        .take(MAX_RAW)
        .read_to_string(&mut raw)
        .map_err(|e| StoreError::Broken(e.to_string()))?;
    let row = |line| {
        serde_json::from_str(line).map_err(|_| StoreError::Broken("inputs cannot be read".into()))
    };
    raw.lines().map(row).collect()
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
                let rows = inflate(data.map_or(&[][..], |blob| blob.as_ref()))?;
                self.rows.extend(rows.into_iter().map(|row| (row.number, row)));
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
            "C" => {
                let changes = item.get("changes").and_then(|v| v.as_s().ok());
                let row = sk.rsplit('#').next().and_then(|row| row.parse().ok());
                if let (Some(row), Some(changes)) = (row, changes) {
                    let changes = serde_json::from_str(changes);
                    let broken = |_| StoreError::Broken("changes cannot be read".into());
                    self.changes.insert(row, changes.map_err(broken)?);
                }
            }
            "W" => {
                let alike = item.get("alike").and_then(|v| v.as_s().ok());
                let row = sk.rsplit('#').next().and_then(|row| row.parse().ok());
                if let (Some(row), Some(alike)) = (row, alike) {
                    // What a later release writes there may be more than this one knows.
                    self.alike.insert(row, serde_json::from_str(alike).unwrap_or_default());
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

impl Jobs {
    /// The outcome of every shard, by number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn outcomes(&self, job: &Job) -> Result<BTreeMap<u32, Shard>, StoreError> {
        let keys = (0..job.shards())
            .flat_map(|shard| {
                let pk = shard_pk(job.shard_id(shard));
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
    /// [`StoreError`].
    pub async fn shard(&self, shard: ShardId) -> Result<ShardView, StoreError> {
        let mut view = ShardView::default();
        for item in self.items_of(shard, "").await? {
            view.take(item)?;
        }
        Ok(view)
    }

    /// The items of one shard whose sort keys begin with a text.
    pub(super) async fn items_of(
        &self,
        shard: ShardId,
        prefix: &str,
    ) -> Result<Vec<Item>, StoreError> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let query = self.client.query().table_name(&self.table).consistent_read(true);
            let query = query.expression_attribute_values(":pk", text(shard_pk(shard)));
            // DynamoDB takes no empty text here.
            let query = match prefix {
                "" => query.key_condition_expression("pk = :pk"),
                _ => query
                    .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                    .expression_attribute_values(":prefix", text(prefix)),
            };
            let answer = query.set_exclusive_start_key(start).send().await?;
            items.extend(answer.items.unwrap_or_default());
            match answer.last_evaluated_key {
                Some(key) if !key.is_empty() => start = Some(key),
                _ => return Ok(items),
            }
        }
    }

    /// The first failed rows of an ended job, in the order of rows.
    ///
    /// # Errors
    /// [`StoreError`].
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
            let mut view = self.shard(job.shard_id(number)).await?;
            view.failures.retain(|row, _| !shard.issue.issued.contains(row));
            found.extend(view.failures.into_values().map(|failure| {
                let line = view.rows.get(&failure.row).and_then(|input| input.line);
                Failure { line, ..failure }
            }));
            if found.len() >= wanted {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// The first rows of a dry run whose people seem to be elsewhere too, in the order of rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn alike(
        &self,
        job: &Job,
        limit: usize,
    ) -> Result<Vec<(Place, Vec<Alike>)>, StoreError> {
        let mut found = Vec::new();
        if job.tally.alike() == 0 {
            return Ok(found);
        }
        for (number, shard) in self.outcomes(job).await? {
            if shard.tally().alike() > 0 {
                let view = self.shard(job.shard_id(number)).await?;
                let line = |row| view.rows.get(&row).and_then(|input| input.line);
                let placed = view
                    .alike
                    .into_iter()
                    .map(|(row, alike)| (Place { row, line: line(row) }, alike));
                found.extend(placed);
            }
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }
}
