//! Requests with an `Idempotency-Key`, in the jobs table under `IDEM#…`.
//!
//! An item holds a keyed fingerprint of the body and a sealed answer. Items of releases before that hold a
//! hash and the answer in clear, and are read until they expire. Those releases cannot read an item of
//! today's phases, and answer 500, which asks to repeat the request: neither 422 nor a second run.

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::UpdateItemError,
    primitives::Blob,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Item, StoreError, from_item, key, number, text};
use crate::{
    domain::sealed_answer::{KeptAnswer, RequestSeal},
    store::schema::TTL,
};

/// A request begins if its key is new, or if an earlier attempt's lease has ended: then it
/// is taken over under a higher fence, with the same work id.
const MAY_BEGIN: &str = "attribute_not_exists(pk) OR (lease_until < :now AND #ttl > :now AND ((phase = :open AND fingerprint = :print) OR (phase = :running AND body_hash = :hash)))";
/// Only the holder of the fence ends a request.
const HOLDS_FENCE: &str = "phase = :open AND fence = :fence";

/// The stored requests.
#[derive(Clone, Debug)]
pub struct Idempotency {
    client: Client,
    table: String,
}

/// A stored request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    phase: Phase,
    /// Keyed fingerprint of the canonical body.
    #[serde(default)]
    fingerprint: Option<String>,
    /// Hash of the canonical body, in an item of a former release.
    #[serde(default)]
    body_hash: Option<String>,
    /// Counts attempts.
    pub fence: u64,
    /// The id of what it makes; the same in all attempts.
    pub work_id: Uuid,
    /// When the first attempt began, RFC 3339 to the millisecond.
    pub begun_at: String,
    /// End of the running attempt's lease, seconds since 1970.
    #[serde(default)]
    pub lease_until: i64,
    /// When it expires, seconds since 1970.
    pub ttl: i64,
    #[serde(default, with = "serde_bytes")]
    sealed: Vec<u8>,
    #[serde(default)]
    answer_status: u16,
    #[serde(default)]
    answer_headers: Vec<(String, String)>,
    #[serde(default)]
    answer_body: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    /// It runs.
    Open,
    /// It has ended, and its answer is sealed.
    Sealed,
    /// It runs in a former release.
    Running,
    /// It has ended in a former release.
    Done,
}

impl Request {
    /// The answer of a request that has ended; none if it does not open.
    pub fn answer(self, seal: &RequestSeal<'_>) -> Option<KeptAnswer> {
        match self.phase {
            Phase::Sealed => seal.open(&self.sealed),
            _ => Some(KeptAnswer {
                status: self.answer_status,
                headers: self.answer_headers,
                body: self.answer_body,
            }),
        }
    }

    /// Whether it has the body of a request that is to begin.
    fn has_the_body_of(&self, new: &Beginning<'_>) -> bool {
        match (&self.fingerprint, &self.body_hash) {
            (Some(fingerprint), _) => fingerprint == new.fingerprint,
            (None, Some(hash)) => hash == new.body_hash,
            (None, None) => false,
        }
    }
}

/// The turn of a request.
#[derive(Debug)]
pub enum Begin {
    /// This attempt does the work.
    Start(Request),
    /// An earlier attempt ended: its answer is given again.
    Replay(Request),
    /// Another attempt runs.
    InProgress {
        /// End of its lease, seconds since 1970.
        lease_until: i64,
    },
    /// The key was used with another body.
    Mismatch,
}

/// A request that is to begin.
#[derive(Debug)]
pub struct Beginning<'a> {
    /// Keyed fingerprint of the canonical body.
    pub fingerprint: &'a str,
    /// Its hash, as former releases stored it. It is compared, and never written.
    pub body_hash: &'a str,
    /// The present instant, seconds since 1970.
    pub now: i64,
    /// The same, RFC 3339 to the millisecond.
    pub now_text: &'a str,
    /// End of the lease, seconds since 1970.
    pub lease_until: i64,
    /// When the key expires, seconds since 1970.
    pub ttl: i64,
    /// Id of the work, if the key is new.
    pub work_id: Uuid,
}

impl Idempotency {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Begins a request, takes over one whose lease has ended, or finds its state.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Unavailable`] when concurrent requests keep taking the key.
    pub async fn begin(&self, id: &str, new: &Beginning<'_>) -> Result<Begin, StoreError> {
        // An expired key that DynamoDB has not deleted yet is deleted here, once.
        for _ in 0..2 {
            let begun = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(request_key(id)))
                .update_expression(
                    "SET phase = :open, fingerprint = :print, lease_until = :until, work_id = if_not_exists(work_id, :work), begun_at = if_not_exists(begun_at, :begun), #ttl = if_not_exists(#ttl, :ttl) REMOVE body_hash ADD fence :one",
                )
                .condition_expression(MAY_BEGIN)
                .expression_attribute_names("#ttl", TTL)
                .expression_attribute_values(":open", text("open"))
                .expression_attribute_values(":running", text("running"))
                .expression_attribute_values(":print", text(new.fingerprint))
                .expression_attribute_values(":hash", text(new.body_hash))
                .expression_attribute_values(":now", number(new.now))
                .expression_attribute_values(":until", number(new.lease_until))
                .expression_attribute_values(":work", text(new.work_id.to_string()))
                .expression_attribute_values(":begun", text(new.now_text))
                .expression_attribute_values(":ttl", number(new.ttl))
                .expression_attribute_values(":one", number(1))
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
                .send()
                .await;
            let found = match begun {
                Ok(answer) => {
                    return Ok(Begin::Start(from_item(answer.attributes.unwrap_or_default())?));
                }
                Err(error) => match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                        from_item::<Request>(refused.item().cloned().unwrap_or_default())?
                    }
                    _ => return Err(error.into()),
                },
            };
            if found.ttl > new.now {
                return Ok(match found.phase {
                    _ if !found.has_the_body_of(new) => Begin::Mismatch,
                    Phase::Sealed | Phase::Done => Begin::Replay(found),
                    Phase::Open | Phase::Running => {
                        Begin::InProgress { lease_until: found.lease_until }
                    }
                });
            }
            self.forget(id, new.now).await?;
        }
        Err(StoreError::Unavailable("a key that is in use by others".to_owned()))
    }

    async fn forget(&self, id: &str, now: i64) -> Result<(), StoreError> {
        let gone = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(request_key(id)))
            .condition_expression("#ttl <= :now")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":now", number(now))
            .send()
            .await;
        match gone.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Stores the sealed answer of a request; false when another attempt has taken it over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish(&self, id: &str, fence: u64, sealed: Vec<u8>) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .update_expression("SET phase = :sealed, sealed = :answer REMOVE lease_until")
            .expression_attribute_values(":sealed", text("sealed"))
            .expression_attribute_values(":answer", AttributeValue::B(Blob::new(sealed)));
        self.end(id, fence, update).await
    }

    /// Ends the lease of a request, so that a repetition takes it over at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release(&self, id: &str, fence: u64) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .update_expression("SET lease_until = :ended")
            .expression_attribute_values(":ended", number(0));
        self.end(id, fence, update).await
    }

    async fn end(
        &self,
        id: &str,
        fence: u64,
        update: aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder,
    ) -> Result<bool, StoreError> {
        let ended = update
            .table_name(&self.table)
            .set_key(Some(request_key(id)))
            .condition_expression(HOLDS_FENCE)
            .expression_attribute_values(":open", text("open"))
            .expression_attribute_values(":fence", number(fence))
            .send()
            .await;
        match ended.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn request_key(id: &str) -> Item {
    key(format!("IDEM#{id}"), "IDEM")
}
