//! What anyone asked for without a key, counted in the jobs table under `CLAIM#…`, for two days.
//!
//! An item holds keyed hashes and ids of requests. The key of the hashes is random, of one day, and deleted with
//! them: after that nobody can try out an address.

use aws_sdk_dynamodb::{
    Client,
    primitives::Blob,
    types::{AttributeValue, ReturnValue},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{Item, StoreError, key, number, text};
use crate::{
    domain::claim_limit::{KEPT_SECONDS, day},
    store::schema::TTL,
};

/// A request is counted once, and while there are fewer than the limit.
const MAY_COUNT: &str =
    "attribute_not_exists(asked) OR contains(asked, :id) OR size(asked) < :most";

/// The requests that are counted.
#[derive(Clone, Debug)]
pub struct Claims {
    client: Client,
    table: String,
}

impl Claims {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Returns the secret of today's hashes, made by the first who needs it. Safe to repeat.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn secret(&self, now: Timestamp) -> Result<Vec<u8>, StoreError> {
        let new = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(claim_key(&format!("SECRET#{}", day(now)))))
            .update_expression("SET hash_key = if_not_exists(hash_key, :new), #ttl = :ttl")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":new", AttributeValue::B(Blob::new(new)))
            .expression_attribute_values(":ttl", number(now.as_second() + KEPT_SECONDS))
            .return_values(ReturnValue::AllNew)
            .send()
            .await?;
        let secret = answer.attributes.and_then(|mut item| item.remove("hash_key"));
        match secret {
            Some(AttributeValue::B(secret)) => Ok(secret.into_inner()),
            _ => Err(StoreError::Broken("no secret of claims".to_owned())),
        }
    }

    /// Counts a request under this id; false if it is beyond the limit. Safe to repeat: a request counts once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count(
        &self,
        of: &str,
        id: &str,
        most: usize,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let counted = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(claim_key(of)))
            .update_expression("SET #ttl = :ttl ADD asked :ids")
            .condition_expression(MAY_COUNT)
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":ttl", number(now.as_second() + KEPT_SECONDS))
            .expression_attribute_values(":id", text(id))
            .expression_attribute_values(":ids", AttributeValue::Ss(vec![id.to_owned()]))
            .expression_attribute_values(":most", number(i64::try_from(most).unwrap_or(i64::MAX)))
            .send()
            .await;
        held(counted.map(drop).map_err(StoreError::from))
    }

    /// Counts a request no more. Safe to repeat.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget(&self, of: &str, id: &str) -> Result<(), StoreError> {
        self.take_out(of, id, "DELETE asked :ids").await
    }

    /// Marks the mail of a counted request as sent; false if it is already. Safe to repeat.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn spend(&self, of: &str, id: &str) -> Result<bool, StoreError> {
        let spent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(claim_key(of)))
            .update_expression("ADD sent :ids")
            .condition_expression("contains(asked, :id) AND NOT contains(sent, :id)")
            .expression_attribute_values(":id", text(id))
            .expression_attribute_values(":ids", AttributeValue::Ss(vec![id.to_owned()]))
            .send()
            .await;
        held(spent.map(drop).map_err(StoreError::from))
    }

    /// Takes the mark back: SES did not take the mail. Safe to repeat.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn give_back(&self, of: &str, id: &str) -> Result<(), StoreError> {
        self.take_out(of, id, "DELETE sent :ids").await
    }

    async fn take_out(&self, of: &str, id: &str, update: &str) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(claim_key(of)))
            .update_expression(update)
            .expression_attribute_values(":ids", AttributeValue::Ss(vec![id.to_owned()]))
            .send()
            .await?;
        Ok(())
    }
}

fn claim_key(of: &str) -> Item {
    key(format!("CLAIM#{of}"), "CLAIM")
}

/// Whether a condition held.
fn held(written: Result<(), StoreError>) -> Result<bool, StoreError> {
    match written {
        Ok(()) => Ok(true),
        Err(StoreError::Conflict) => Ok(false),
        Err(error) => Err(error),
    }
}
