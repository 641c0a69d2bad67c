//! Jobs about personal data: created, found by the sweeper, worked on under a lease, ended.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    StoreError,
    jobs::{Jobs, Only, job_of},
    number,
    schema::OPEN,
    text,
};
use crate::domain::{erasure::PrivacyOrder, ids::JobId, job::Job};

/// Partition of the jobs about personal data that have not ended, in the index of open jobs. A former
/// release sweeps another partition, and leaves them alone.
const PRIVACY_PK: &str = "PRIVACY";

impl Jobs {
    /// Creates a job about personal data. [`StoreError::Conflict`] if it exists.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_private(&self, job: &Job, ttl: i64) -> Result<(), StoreError> {
        self.create_in(job, ttl, PRIVACY_PK).await
    }

    /// Jobs about personal data that have not ended, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_private(&self, limit: usize) -> Result<Vec<JobId>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(OPEN.name)
            .key_condition_expression("open_pk = :pk")
            .expression_attribute_values(":pk", text(PRIVACY_PK))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await?;
        Ok(answer.items.unwrap_or_default().iter().filter_map(job_of).collect())
    }

    /// Notes how far a job about personal data is. `None` if another process has the lease.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn private_to(
        &self,
        job: JobId,
        reader: &str,
        until: i64,
        order: &PrivacyOrder,
        now: &str,
    ) -> Result<Option<Job>, StoreError> {
        let values = vec![
            (":reader", text(reader)),
            (":until", number(until)),
            (":order", order_value(order)?),
            (":now", text(now)),
        ];
        let set = "SET privacy = :order, reader_until = :until, updated_at = :now";
        self.update(job, set, values, Only::ReadByMe).await
    }

    /// Ends a job about personal data. `None` if another process has the lease.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_private(
        &self,
        job: JobId,
        reader: &str,
        order: &PrivacyOrder,
        now: &str,
    ) -> Result<Option<Job>, StoreError> {
        let values =
            vec![(":reader", text(reader)), (":order", order_value(order)?), (":now", text(now))];
        let set = "SET privacy = :order, closed_at = :now, updated_at = :now REMOVE reader, reader_until, open_pk, open_sk";
        self.update(job, set, values, Only::ReadByMe).await
    }
}

pub(super) fn order_value(order: &PrivacyOrder) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(order).map_err(|e| StoreError::Broken(e.to_string()))
}
