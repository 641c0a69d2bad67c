//! When an organization's ended credentials are looked through next: an item for each organization that
//! keeps them for a time only.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::{
    Item, Page, StoreError, catalog::Catalog, credential_mail::held, credentials::Credentials, key,
    schema::BY_TIME, text,
};
use crate::domain::{
    ids::{CredentialId, OrgId},
    tenant::Tenant,
};

/// Partition of the plans of all organizations.
const PLANS: &str = "RETENTION";
/// Plans that one run of the sweeper takes up.
const PLANS_A_RUN: i32 = 100;

/// The plan of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// When the next walk begins, RFC 3339 to the millisecond.
    pub next_at: String,
}

fn plan_key(org: &OrgId) -> Item {
    key(PLANS, org.to_string())
}

impl Catalog {
    /// Plans the next walk of an organization.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn plan(&self, org: &OrgId, next_at: &str) -> Result<(), StoreError> {
        self.put(plan_key(org), &Plan { next_at: next_at.to_owned() }).await
    }

    /// Plans the next walk of an organization unless another one is due: a change of its period has planned
    /// that one. Without a plan there is nothing to be looked through any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn plan_unless_due(
        &self,
        org: &OrgId,
        next_at: &str,
        now: &str,
    ) -> Result<bool, StoreError> {
        let mut item = super::to_item(&Plan { next_at: next_at.to_owned() })?;
        item.extend(plan_key(org));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression("next_at > :now");
        let put = put.expression_attribute_values(":now", text(now));
        held(put.send().await.map_err(StoreError::from))
    }

    /// Moves a plan; false if another process did.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn move_plan(
        &self,
        org: &OrgId,
        plan: &Plan,
        next_at: &str,
    ) -> Result<bool, StoreError> {
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .set_key(Some(plan_key(org)))
            .update_expression("SET next_at = :next")
            .condition_expression("next_at = :seen")
            .expression_attribute_values(":next", text(next_at))
            .expression_attribute_values(":seen", text(&plan.next_at));
        held(update.send().await.map_err(StoreError::from))
    }

    /// Drops the plan of an organization that keeps everything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_plan(&self, org: &OrgId) -> Result<(), StoreError> {
        self.delete(plan_key(org)).await.map(drop)
    }

    /// The plans whose instant has come.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_plans(&self, now: &str) -> Result<Vec<(OrgId, Plan)>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .filter_expression("next_at <= :now")
            .expression_attribute_values(":pk", text(PLANS))
            .expression_attribute_values(":now", text(now))
            .limit(PLANS_A_RUN * 10)
            .send()
            .await?;
        let plan = |item: Item| {
            let org = item.get("sk").and_then(|sk| sk.as_s().ok())?;
            let org = OrgId::parse(org).ok()?;
            Some((org, super::from_item::<Plan>(item).ok()?))
        };
        Ok(answer.items.unwrap_or_default().into_iter().filter_map(plan).collect())
    }
}

impl Credentials {
    /// Partitions of the index by time.
    pub fn time_partitions(&self) -> u8 {
        super::credentials::TIME_PARTITIONS
    }

    /// Ids of one partition of the index by time, oldest first; `after` is the sort key that the last
    /// page ended with.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn oldest(
        &self,
        of: Tenant<'_>,
        partition: u8,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<CredentialId>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_TIME.name)
            .key_condition_expression("#pk = :pk AND #sk > :after")
            .expression_attribute_names("#pk", BY_TIME.partition)
            .expression_attribute_names("#sk", BY_TIME.sort)
            .expression_attribute_values(
                ":pk",
                text(super::credentials::time_pk(of.org, of.mode, partition)),
            )
            .expression_attribute_values(":after", text(after.unwrap_or("0")))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await?;
        let text_of = |value: Option<&AttributeValue>| value?.as_s().ok().cloned();
        let next = answer.last_evaluated_key.and_then(|key| text_of(key.get(BY_TIME.sort)));
        let ids = answer.items.unwrap_or_default();
        let ids = ids.iter().filter_map(|item| CredentialId::parse(&text_of(item.get("id"))?).ok());
        Ok(Page { items: ids.collect(), next })
    }
}
