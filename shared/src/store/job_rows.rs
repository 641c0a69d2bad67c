//! The rows of jobs: inputs as sent, and the outcome of each row, a partition a shard.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
};

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, ReturnValue},
};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize};

use super::{Item, StoreError, from_item, get_many, key, number, put_many, text, to_item};
use crate::{
    domain::{
        correction::FieldChange,
        fault::FaultText,
        identity::{self, IdSecret},
        ids::{CredentialId, JobId, ShardId},
        job::{Job, Row},
        job_outcome::{IssueSets, MailSets, Shard},
    },
    store::{
        job_mail::Claims,
        jobs::{Jobs, shard_pk},
        schema::TTL,
    },
};

/// Most bytes of one piece of inputs, compressed. An item takes 400 KB.
const PIECE: usize = 300 * 1024;

/// Uncompressed bytes after which a piece is closed: rows of 16 KB that do not compress
/// still stay below [`PIECE`].
const PIECE_RAW: usize = 280 * 1024;
/// Most uncompressed bytes of a piece that is read: [`PIECE_RAW`] and one row, whose 20 faults have
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
}

impl ShardView {
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

/// Why a row failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// Row, from 1.
    pub row: u32,
    /// The line of the file that it begins in: the row's input has it.
    #[serde(skip)]
    pub line: Option<u64>,
    /// Address as sent.
    pub email: String,
    /// Code and texts.
    pub faults: Vec<FaultText>,
}

impl Failure {
    /// The texts of its faults, as one.
    pub fn text(&self) -> String {
        self.faults.iter().map(|fault| fault.text.as_str()).collect::<Vec<_>>().join("; ")
    }
}

/// A row that succeeded.
#[derive(Clone, Copy, Debug)]
pub struct SucceededRow {
    /// Row, from 1.
    pub row: u32,
    /// Whether its recipient is a member.
    pub internal: bool,
    /// Whether its credential existed before.
    pub duplicate: bool,
    /// Whether it has no pending mail.
    pub unmailed: bool,
}

/// In a dry run, the first row of an identity.
#[derive(Clone, Debug)]
pub struct FirstRow {
    /// Row, from 1.
    pub row: u32,
    /// Hash of its content.
    pub content: String,
}

/// Outcomes of a shard's rows, to be added to those recorded.
#[derive(Debug, Default)]
pub struct ShardUpdate {
    /// Sets to add to.
    pub sets: IssueSets,
    /// Why rows failed.
    pub failures: Vec<Failure>,
    /// Credentials of rows found through an alias.
    pub aliases: Vec<(u32, CredentialId)>,
    /// In a dry run, other credentials of the rows' recipients from the template.
    pub holds: Vec<(u32, Vec<CredentialId>)>,
    /// In a dry run, the fields that rows correct.
    pub changes: Vec<(u32, Vec<FieldChange>)>,
}

impl ShardUpdate {
    /// Adds a row that has, or in a dry run would have, a credential.
    pub fn succeed(&mut self, succeeded: SucceededRow) {
        let SucceededRow { row, internal, duplicate, unmailed } = succeeded;
        self.sets.issued.insert(row);
        for (set, belongs) in [
            (&mut self.sets.internal, internal),
            (&mut self.sets.duplicate, duplicate),
            (&mut self.sets.unmailed, unmailed),
        ] {
            if belongs {
                set.insert(row);
            }
        }
    }

    /// Adds a row that corrected its credential, and in a dry run what it would change.
    pub fn correct(&mut self, row: u32, changes: Vec<FieldChange>) {
        self.sets.corrected.insert(row);
        if !changes.is_empty() {
            self.changes.push((row, changes));
        }
    }

    /// In a dry run, adds other credentials of a row's recipient from the template.
    pub fn hold(&mut self, row: u32, also_holds: Vec<CredentialId>) {
        if !also_holds.is_empty() {
            self.holds.push((row, also_holds));
        }
    }
}

/// Rows as a number set.
pub(super) fn row_set(rows: &BTreeSet<u32>) -> AttributeValue {
    AttributeValue::Ns(rows.iter().map(u32::to_string).collect())
}

fn deflate(raw: &[u8]) -> Result<Vec<u8>, StoreError> {
    let broken = |e: std::io::Error| StoreError::Broken(e.to_string());
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(raw).map_err(broken)?;
    encoder.finish().map_err(broken)
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
                    .take(MAX_RAW)
                    .read_to_string(&mut raw)
                    .map_err(|e| StoreError::Broken(e.to_string()))?;
                for line in raw.lines() {
                    let row: Row = serde_json::from_str(line)
                        .map_err(|_| StoreError::Broken("inputs cannot be read".into()))?;
                    self.rows.insert(row.number, row);
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
            "C" => {
                let changes = item.get("changes").and_then(|v| v.as_s().ok());
                let row = sk.rsplit('#').next().and_then(|row| row.parse().ok());
                if let (Some(row), Some(changes)) = (row, changes) {
                    let changes = serde_json::from_str(changes);
                    let broken = |_| StoreError::Broken("changes cannot be read".into());
                    self.changes.insert(row, changes.map_err(broken)?);
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
    /// Stores rows of a job, whole shards of them. Repeating it changes nothing: outcomes are
    /// items of their own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_inputs(&self, job: &Job, rows: &[Row], ttl: i64) -> Result<(), StoreError> {
        let mut items = Vec::new();
        let size = usize::try_from(job.shard_rows).unwrap_or(usize::MAX).max(1);
        let first = rows.first().map_or(0, |row| job.shard_of(row.number));
        for (shard, rows) in (first..).zip(rows.chunks(size)) {
            let pk = shard_pk(job.shard_id(shard));
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

    /// In a dry run, records a row as the first of a credential id, unless an earlier one is;
    /// returns the first. Safe to repeat.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn first_of(
        &self,
        job: JobId,
        id: CredentialId,
        this: &FirstRow,
        ttl: i64,
    ) -> Result<FirstRow, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(format!("SEEN#{job}#{id}"), "SEEN")))
            .update_expression("SET first_row = if_not_exists(first_row, :row), content = if_not_exists(content, :content), #ttl = :ttl")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":row", number(this.row))
            .expression_attribute_values(":content", text(&this.content))
            .expression_attribute_values(":ttl", number(ttl))
            .return_values(ReturnValue::AllNew)
            .send()
            .await?;
        let first = answer.attributes.as_ref().and_then(|item| {
            let row = item.get("first_row")?.as_n().ok()?.parse().ok()?;
            Some(FirstRow { row, content: item.get("content")?.as_s().ok()?.clone() })
        });
        first.ok_or_else(|| StoreError::Broken("not a row".to_owned()))
    }

    /// Takes rows out of a shard's failed sets, so that they can end another way.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unfail(
        &self,
        shard: ShardId,
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
                .set_key(Some(key(shard_pk(shard), sk)))
                .update_expression("DELETE failed :rows")
                .expression_attribute_values(":rows", row_set(rows))
                .send()
                .await?;
        }
        Ok(())
    }

    /// Records outcomes of a shard's rows. `ADD` to a set is idempotent, so a redelivered batch
    /// and a crash between two writes converge. Texts are written first: a failed row that is
    /// counted has its text.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_issued(
        &self,
        shard: ShardId,
        learned: &ShardUpdate,
        ttl: i64,
    ) -> Result<(), StoreError> {
        let pk = shard_pk(shard);
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
        for (row, changes) in &learned.changes {
            let sk = format!("C#{row:08}");
            let mut item = key(&pk, &sk);
            let changes = serde_json::to_string(changes);
            let changes = changes.map_err(|e| StoreError::Broken(e.to_string()))?;
            item.insert("changes".to_owned(), text(changes));
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
            ("corrected", &s.corrected),
            ("unmailed", &s.unmailed),
            ("failed", &s.failed),
        ];
        self.add_to_sets(key(pk, "ISSUE"), &sets, ttl).await
    }

    pub(super) async fn add_to_sets(
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
        let mut start = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(shard_pk(shard)))
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
}
