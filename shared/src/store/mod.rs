//! DynamoDB: every key and expression of the service.
//!
//! [`StoreError`] tells a caller whether to try later or to give up. Where a use case expects that
//! another request came first, a function returns that as a value, not as an error.

use std::{collections::HashMap, error::Error as StdError};

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, CancellationReason, KeysAndAttributes, PutRequest, TransactWriteItem,
        WriteRequest,
    },
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    domain::signing_key::KeyError,
    sdk::{error_kind, pause},
};

mod attributes;
pub mod catalog;
pub mod claims;
mod column_maps;
mod credential_alias;
mod credential_block;
mod credential_delivery;
pub mod credential_mail;
pub mod credentials;
pub mod designs;
mod dictionaries;
pub mod erasures;
mod file_names;
pub mod idempotency;
mod images;
#[cfg(test)]
mod item_formats;
pub mod job_files;
pub mod job_mail;
pub mod job_private;
pub mod job_rows;
pub mod job_shards;
pub mod job_terms;
pub mod jobs;
mod keys;
mod members;
pub mod prints;
mod private_facts;
pub mod retention;
pub mod schema;
mod settings;
pub mod status_lists;
mod templates;
pub mod test_mail;

/// An item as the SDK carries it.
pub type Item = HashMap<String, AttributeValue>;

/// Keys of one `BatchGetItem` (API reference, "as many as 100 items").
const BATCH_GET: usize = 100;
/// Items of one `BatchWriteItem` (API reference, "up to 25").
const BATCH_WRITE: usize = 25;
/// Calls that one use case makes at once.
const CONCURRENCY: usize = 16;
/// Attempts at the keys and items that DynamoDB returns as unprocessed.
const ROUNDS: u32 = 8;

/// A call failed. The error leaves out keys and values, which hold personal data.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Throttled, timed out or out of reach: a later attempt is likely to succeed.
    #[error("DynamoDB is not available: {0}")]
    Unavailable(String),
    /// A signing key cannot be used, now or ever.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A condition did not hold, and the caller did not expect that.
    #[error("a condition did not hold")]
    Conflict,
    /// A bug, or a table of another service.
    #[error("DynamoDB refused the call, or its answer: {0}")]
    Broken(String),
}

impl<E, R> From<SdkError<E, R>> for StoreError
where
    E: ProvideErrorMetadata + StdError + 'static,
    R: std::fmt::Debug,
{
    fn from(error: SdkError<E, R>) -> Self {
        match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("unknown").to_owned();
                match code.as_str() {
                    "ConditionalCheckFailedException" => Self::Conflict,
                    "ProvisionedThroughputExceededException"
                    | "ThrottlingException"
                    | "RequestLimitExceeded"
                    | "InternalServerError"
                    | "ServiceUnavailable"
                    | "TransactionConflictException"
                    | "TransactionInProgressException"
                    | "TransactionCanceledException" => Self::Unavailable(code),
                    _ => Self::Broken(code),
                }
            }
            SdkError::ConstructionFailure(_) => Self::Broken(error_kind(&error)),
            _ => Self::Unavailable(error_kind(&error)),
        }
    }
}

impl From<aws_sdk_dynamodb::error::BuildError> for StoreError {
    fn from(error: aws_sdk_dynamodb::error::BuildError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// A text attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The key of an item with partition and sort key.
pub(crate) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

/// Turns a value into an item.
pub(crate) fn to_item<T: Serialize>(value: &T) -> Result<Item, StoreError> {
    serde_dynamo::to_item(value).map_err(|e| StoreError::Broken(e.to_string()))
}

/// Turns an item into a value. The error names the type, not the content.
pub(crate) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item)
        .map_err(|_| StoreError::Broken(format!("not a {}", std::any::type_name::<T>())))
}

/// Reads items by their keys, strongly consistent, in any order. Each key may occur once.
pub(crate) async fn get_many(
    client: &Client,
    table: &str,
    keys: Vec<Item>,
) -> Result<Vec<Item>, StoreError> {
    read_many(client, table, keys, true).await
}

/// Does as [`get_many`]. Without `consistent` it costs half, and can miss writes of the last second.
pub(crate) async fn read_many(
    client: &Client,
    table: &str,
    keys: Vec<Item>,
    consistent: bool,
) -> Result<Vec<Item>, StoreError> {
    let chunks: Vec<Vec<Item>> = keys.chunks(BATCH_GET).map(<[Item]>::to_vec).collect();
    let found: Vec<Vec<Item>> = stream::iter(chunks)
        .map(|chunk| get_chunk(client, table, chunk, consistent))
        .buffer_unordered(CONCURRENCY)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

async fn get_chunk(
    client: &Client,
    table: &str,
    keys: Vec<Item>,
    consistent: bool,
) -> Result<Vec<Item>, StoreError> {
    let mut found = Vec::with_capacity(keys.len());
    let mut wanted =
        KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(consistent).build()?;
    for round in 0..ROUNDS {
        pause(round).await;
        let answer = client.batch_get_item().request_items(table, wanted).send().await?;
        found.extend(answer.responses.unwrap_or_default().remove(table).unwrap_or_default());
        match answer.unprocessed_keys.unwrap_or_default().remove(table) {
            Some(left) if !left.keys().is_empty() => wanted = left,
            _ => return Ok(found),
        }
    }
    Err(StoreError::Unavailable("unprocessed keys".to_owned()))
}

/// Writes whole items, and replaces earlier ones.
pub(crate) async fn put_many(
    client: &Client,
    table: &str,
    items: Vec<Item>,
) -> Result<(), StoreError> {
    let chunks: Vec<Vec<Item>> = items.chunks(BATCH_WRITE).map(<[Item]>::to_vec).collect();
    stream::iter(chunks)
        .map(|chunk| put_chunk(client, table, chunk))
        .buffer_unordered(CONCURRENCY)
        .try_collect()
        .await
}

async fn put_chunk(client: &Client, table: &str, items: Vec<Item>) -> Result<(), StoreError> {
    let mut requests = Vec::with_capacity(items.len());
    for item in items {
        let put = PutRequest::builder().set_item(Some(item)).build()?;
        requests.push(WriteRequest::builder().put_request(put).build());
    }
    for round in 0..ROUNDS {
        pause(round).await;
        let answer = client.batch_write_item().request_items(table, requests).send().await?;
        match answer.unprocessed_items.unwrap_or_default().remove(table) {
            Some(left) if !left.is_empty() => requests = left,
            _ => return Ok(()),
        }
    }
    Err(StoreError::Unavailable("unprocessed items".to_owned()))
}

/// Writes items in one transaction; false when a condition of one of them did not hold.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn write_together(
    client: &Client,
    writes: Vec<TransactWriteItem>,
) -> Result<bool, StoreError> {
    let written = client.transact_write_items().set_transact_items(Some(writes)).send().await;
    match written {
        Ok(_) => Ok(true),
        Err(error) => {
            let refused = cancellation_reasons(&error)
                .iter()
                .any(|reason| reason.code() == Some("ConditionalCheckFailed"));
            if refused { Ok(false) } else { Err(error.into()) }
        }
    }
}

/// Why a transaction was cancelled, an entry an item; none for any other error.
fn cancellation_reasons<R>(
    error: &SdkError<TransactWriteItemsError, R>,
) -> Vec<CancellationReason> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons().to_vec()
        }
        _ => Vec::new(),
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Entries.
    pub items: Vec<T>,
    /// Position of the next page; `None` at the end. A client gets it sealed, as a cursor.
    pub next: Option<String>,
}
