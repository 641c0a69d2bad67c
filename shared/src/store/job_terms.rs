//! How long a job's items are kept: a job that is still open when they would expire keeps them longer.

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::{Item, StoreError, key, number, text};
use crate::{
    domain::{job::Job, time},
    store::{
        jobs::{Jobs, Only, shard_pk},
        schema::TTL,
    },
};

/// Items whose expiry is moved at once.
const MOVED_AT_ONCE: usize = 16;
/// Items of a shard's ledger, which have a term of their own.
const LEDGER: [&str; 2] = ["MAIL", "SENDING"];

impl Jobs {
    /// Keeps a job and the items of its rows until an instant, and returns the job; `None` if there is no
    /// such job. Its rows come first: repeated after an interruption it moves what is left.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_until(&self, job: &Job, until: Timestamp) -> Result<Option<Job>, StoreError> {
        let ttl = until.as_second();
        for shard in 0..job.shards() {
            let pk = shard_pk(job.shard_id(shard));
            let mut start: Option<Item> = None;
            loop {
                let page = self
                    .client
                    .query()
                    .table_name(&self.table)
                    .key_condition_expression("pk = :pk")
                    .expression_attribute_values(":pk", text(&pk))
                    .projection_expression("sk")
                    .set_exclusive_start_key(start)
                    .send()
                    .await?;
                let names = page.items.unwrap_or_default().into_iter().filter_map(|item| {
                    let sk = item.get("sk")?.as_s().ok()?.clone();
                    (!LEDGER.contains(&sk.as_str())).then_some(sk)
                });
                // Collected first: the compiler cannot prove what a lazy iterator borrows.
                let moves: Vec<_> = names.map(|sk| self.move_expiry(key(&pk, sk), ttl)).collect();
                stream::iter(moves).buffer_unordered(MOVED_AT_ONCE).try_collect::<()>().await?;
                start = page.last_evaluated_key;
                if start.is_none() {
                    break;
                }
            }
        }
        let values = vec![(":at", text(time::seconds(until))), (":ttl", number(ttl))];
        self.update(job.job_id, "SET expires_at = :at, #ttl = :ttl", values, Only::Any).await
    }

    async fn move_expiry(&self, item: Item, ttl: i64) -> Result<(), StoreError> {
        let moved = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item))
            .update_expression("SET #ttl = :ttl")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":ttl", number(ttl))
            .send()
            .await;
        match moved.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
