//! The mail ledger of jobs: which rows' mails are claimed, and how they ended.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{ConditionCheck, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use serde::{Deserialize, Serialize};

use super::{Item, StoreError, from_item, get_many, key, number, pause};
use crate::{
    domain::{
        ids::{RowId, ShardId},
        job_outcome::MailSets,
    },
    store::{
        job_rows::row_set,
        jobs::{Jobs, shard_pk},
        schema::TTL,
    },
};

/// The condition that holds while no mail of a shard is claimed.
const NOTHING_CLAIMED: &str = "attribute_not_exists(claimed)";

/// Claims of the mails of a shard's rows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Claims {
    /// Rows whose mail is being sent, or was.
    #[serde(default, rename = "claimed")]
    pub rows: BTreeSet<u32>,
    /// When the last of these claims ends, seconds since 1970.
    #[serde(default, rename = "claimed_until")]
    pub until: i64,
}

/// The term of a claim on mails, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct ClaimTerm {
    /// The end of the claim.
    pub until: i64,
    /// The expiry of the item that records it.
    pub ttl: i64,
}

/// Allows a few retries of a write that met a transaction: a correction checks a shard's claims
/// in its own, and the SDK does not repeat what that refuses.
fn met_a_transaction(error: StoreError, round: u32) -> Result<(), StoreError> {
    match error {
        StoreError::Unavailable(code) if code == "TransactionConflictException" && round < 3 => {
            Ok(())
        }
        error => Err(error),
    }
}

impl Jobs {
    /// Records how mails of a shard ended; as safe to repeat as [`Jobs::record_issued`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_mail(
        &self,
        shard: ShardId,
        sets: &MailSets,
        ttl: i64,
    ) -> Result<(), StoreError> {
        let sets = [("sent", &sets.sent), ("failed", &sets.failed), ("skipped", &sets.skipped)];
        self.add_to_sets(key(shard_pk(shard), "MAIL"), &sets, ttl).await
    }

    /// Claims the mails of rows of a shard, all or none. Returns `None` if they are now claimed,
    /// otherwise the present claims of the shard.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_mails(
        &self,
        shard: ShardId,
        rows: &BTreeSet<u32>,
        ClaimTerm { until, ttl }: ClaimTerm,
    ) -> Result<Option<Claims>, StoreError> {
        let free: Vec<String> =
            (0..rows.len()).map(|n| format!("NOT contains(claimed, :r{n})")).collect();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(shard_pk(shard), "SENDING")))
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

    /// The part of a transaction that requires that a row's mail is not claimed.
    ///
    /// # Errors
    /// [`StoreError`], in theory: the statement is complete.
    pub fn unclaimed(&self, RowId { shard, row }: RowId) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(key(shard_pk(shard), "SENDING")))
            .condition_expression(format!("{NOTHING_CLAIMED} OR NOT contains(claimed, :row)"))
            .expression_attribute_values(":row", number(row))
            .build()?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Releases claims of mails that SES did not accept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_mails(
        &self,
        shard: ShardId,
        rows: &BTreeSet<u32>,
    ) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(shard_pk(shard), "SENDING")))
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

    /// The ended mails of some shards.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mails_of(
        &self,
        shards: &BTreeSet<ShardId>,
    ) -> Result<BTreeMap<ShardId, MailSets>, StoreError> {
        let items = self.of_shards(shards, &["MAIL"]).await?;
        items.into_iter().map(|(shard, item)| Ok((shard, from_item(item)?))).collect()
    }

    /// The claimed and ended mails of some shards.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledgers_of(
        &self,
        shards: &BTreeSet<ShardId>,
    ) -> Result<BTreeMap<ShardId, (Claims, MailSets)>, StoreError> {
        let mut found: BTreeMap<ShardId, (Claims, MailSets)> = BTreeMap::new();
        for (shard, item) in self.of_shards(shards, &["SENDING", "MAIL"]).await? {
            let (claims, mail) = found.entry(shard).or_default();
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
        shards: &BTreeSet<ShardId>,
        names: &[&str],
    ) -> Result<Vec<(ShardId, Item)>, StoreError> {
        let of: BTreeMap<String, ShardId> =
            shards.iter().map(|shard| (shard_pk(*shard), *shard)).collect();
        let of_shard = |pk: &String| names.iter().map(|name| key(pk, *name)).collect::<Vec<_>>();
        let keys = of.keys().flat_map(of_shard).collect();
        let shard = |item: &Item| of.get(item.get("pk")?.as_s().ok()?).copied();
        let found = get_many(&self.client, &self.table, keys).await?;
        Ok(found.into_iter().filter_map(|item| Some((shard(&item)?, item))).collect())
    }
}
