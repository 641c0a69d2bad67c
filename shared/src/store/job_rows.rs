//! Writing the rows of jobs: inputs as sent, and the outcome of each row, a partition a shard.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    primitives::Blob,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use flate2::{Compression, write::DeflateEncoder};
use serde::{Deserialize, Serialize};

use super::{Item, StoreError, key, number, put_many, text, to_item};
use crate::{
    domain::{
        correction::FieldChange,
        fault::FaultText,
        ids::{CredentialId, JobId, ShardId},
        job::{Job, Row},
        job_outcome::IssueSets,
        spelling::Alike,
        warning::{Place, WarningKind},
    },
    store::{
        jobs::{Jobs, shard_pk},
        schema::TTL,
    },
};

/// Most bytes of one piece of inputs, compressed. An item takes 400 KB.
const PIECE: usize = 300 * 1024;

/// Uncompressed bytes after which a piece is closed: rows of 16 KB that do not compress
/// still stay below [`PIECE`].
const PIECE_RAW: usize = 280 * 1024;

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

/// In a dry run, the first row of an identity, an address or a name.
#[derive(Clone, Debug)]
pub struct FirstRow {
    /// Where it is.
    pub place: Place,
    /// What later rows are compared with: of an identity, the hash of its content.
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
    /// In a dry run, where the people of rows seem to be too.
    pub alike: Vec<(u32, Vec<Alike>)>,
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

    /// In a dry run, adds where the person of a row seems to be too.
    pub fn resemble(&mut self, row: u32, alike: Vec<Alike>) {
        for one in &alike {
            match one.kind {
                WarningKind::SameName => self.sets.namesakes.insert(row),
                _ => self.sets.respelt.insert(row),
            };
        }
        if !alike.is_empty() {
            self.alike.push((row, alike));
        }
    }

    /// In a dry run, adds other credentials of a row's recipient from the template.
    pub fn hold(&mut self, row: u32, also_holds: Vec<CredentialId>) {
        if !also_holds.is_empty() {
            self.holds.push((row, also_holds));
        }
    }
}

/// The first row that an item names. One of a former release names no line.
fn first_row(item: &Item) -> Option<FirstRow> {
    let row = item.get("first_row")?.as_n().ok()?.parse().ok()?;
    let line = item.get("first_line").and_then(|line| line.as_n().ok()?.parse().ok());
    let content = item.get("content")?.as_s().ok()?.clone();
    Some(FirstRow { place: Place { row, line }, content })
}

/// Rows as a number set.
pub(super) fn row_set(rows: &BTreeSet<u32>) -> AttributeValue {
    AttributeValue::Ns(rows.iter().map(u32::to_string).collect())
}

pub(super) fn deflate(raw: &[u8]) -> Result<Vec<u8>, StoreError> {
    let broken = |e: std::io::Error| StoreError::Broken(e.to_string());
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(raw).map_err(broken)?;
    encoder.finish().map_err(broken)
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

    /// In a dry run, records a row as the first of something that rows can have in common (a
    /// credential's id, a keyed hash), unless an earlier one is; returns the first. Safe to repeat.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn first_of(
        &self,
        job: JobId,
        of: &str,
        this: &FirstRow,
        ttl: i64,
    ) -> Result<FirstRow, StoreError> {
        let Place { row, line } = this.place;
        let set = "SET first_row = :row, content = :content, #ttl = :ttl";
        let set = line.map_or(set.to_owned(), |_| format!("{set}, first_line = :line"));
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(format!("SEEN#{job}#{of}"), "SEEN")))
            .update_expression(set)
            .condition_expression("attribute_not_exists(pk)")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":row", number(row))
            .expression_attribute_values(":content", text(&this.content))
            .expression_attribute_values(":ttl", number(ttl))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(line) = line {
            update = update.expression_attribute_values(":line", number(line));
        }
        let Err(error) = update.send().await else { return Ok(this.clone()) };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                let first = refused.item().and_then(first_row);
                first.ok_or_else(|| StoreError::Broken("not a row".to_owned()))
            }
            _ => Err(error.into()),
        }
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
        for (row, alike) in &learned.alike {
            let sk = format!("W#{row:08}");
            let mut item = key(&pk, &sk);
            let alike = serde_json::to_string(alike);
            let alike = alike.map_err(|e| StoreError::Broken(e.to_string()))?;
            item.insert("alike".to_owned(), text(alike));
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
            ("respelt", &s.respelt),
            ("namesakes", &s.namesakes),
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
}
