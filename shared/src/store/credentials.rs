//! The credentials table: one item for each credential, under its id, and three keys-only
//! indexes. [`crate::store::credential_mail`] has the updates of its mail, and
//! [`crate::store::credential_alias`] the aliases.
//!
//! | id | item |
//! |---|---|
//! | `{credential id}` | [`Credential`], an alias: `{alias_of}`, or a [`Tombstone`] |
//! | `MAIL#{credential id}` | a test mail, readable for 7 days |

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    types::{
        AttributeValue, BatchStatementErrorCodeEnum, BatchStatementRequest,
        ReturnValuesOnConditionCheckFailure,
    },
};

use super::{
    Item, Page, ROUNDS, StoreError, credential_alias::Alias, from_item, get_many, pause, text,
    to_item,
};
use crate::{
    domain::{
        credential::{Credential, MailState, Origin},
        erasure::{Stored, Tombstone},
        ids::{CredentialId, Mode, OrgId},
    },
    store::schema::{BY_EMAIL, BY_TIME, OWED},
};

/// Statements of one `BatchExecuteStatement` (API reference, "1 to 25").
pub const TOGETHER: usize = 25;
/// Partitions that an organization's credentials by time are spread over, so that no
/// index partition takes an organization's whole load.
pub(super) const TIME_PARTITIONS: u8 = 16;
/// Partitions of the index of pending mail.
pub(super) const OWED_PARTITIONS: u8 = 4;

/// The credentials table.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub(super) client: Client,
    pub(super) table: String,
}

/// A credential that is to be put.
#[derive(Debug)]
pub struct NewCredential {
    /// The credential.
    pub credential: Credential,
    /// The key of its address.
    pub email_key: String,
    /// Another id that is to lead to it.
    pub alias: Option<CredentialId>,
}

/// The answer to a put.
#[derive(Debug)]
pub enum Put {
    /// The item is new.
    Written,
    /// The id is taken, by this credential.
    Found(Box<Credential>),
    /// The id is taken, by what is left of a credential.
    Erased(Box<Tombstone>),
}

impl From<Stored> for Put {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Credential(credential) => Self::Found(credential),
            Stored::Erased(tombstone) => Self::Erased(tombstone),
        }
    }
}

/// The attribute that every tombstone has, and no other item.
const ERASED_AT: &str = "erased_at";

pub(super) fn id_key(id: impl Into<String>) -> Item {
    Item::from([("id".to_owned(), text(id))])
}

/// A partition from the id's last hex digits: ids are keyed hashes, so it is even.
fn spread(id: CredentialId, over: u8) -> u8 {
    let id = id.to_string();
    let last = id.get(id.len() - 2..).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    last.unwrap_or_default() % over
}

/// Sort key of a credential in the indexes by time and address: its second and half its id,
/// which keeps those of a second apart (two of a million meet with a chance below 10^-6).
fn sort_key(issued_at: &str, id: CredentialId) -> String {
    let half: String = id.to_string().chars().filter(|c| *c != '-').take(16).collect();
    format!("{issued_at}#{half}")
}

/// Key of a credential in the index by time.
pub(super) fn time_key(credential: &Credential) -> IndexKey {
    let partition = spread(credential.id, TIME_PARTITIONS);
    let pk = time_pk(&credential.org, credential.mode, partition);
    (pk, sort_key(&credential.issued_at, credential.id))
}

pub(super) fn time_pk(org: &OrgId, mode: Mode, partition: u8) -> String {
    format!("{org}#{mode}#{partition}")
}

/// Key of a pending mail in the index of pending mail.
pub(super) fn owed_key(id: CredentialId, since: &str) -> IndexKey {
    (format!("OWED#{}", spread(id, OWED_PARTITIONS)), format!("{since}#{id}"))
}

/// Index keys of one entry: partition and sort value.
pub(super) type IndexKey = (String, String);

impl Credentials {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Writes a credential if its id is free, and its alias if it has one and that is free. The
    /// item has its origin and the state of its mail, so a repeated put recognizes its own write.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn put(&self, new: &NewCredential, now: &str) -> Result<Put, StoreError> {
        let item = item_of(new, now)?;
        if let Some(alias) = new.alias {
            return self.put_with_alias(new.credential.id, item, alias).await;
        }
        let written = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let found = match written {
            Ok(_) => return Ok(Put::Written),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    match refused.item() {
                        Some(item) => item.clone(),
                        None => return Err(error.into()),
                    }
                }
                _ => return Err(error.into()),
            },
        };
        self.taken_by(found).await
    }

    /// Writes credentials without an alias whose ids are free, in one call, and answers in their
    /// order. At most [`TOGETHER`], of distinct ids.
    pub async fn put_together(
        &self,
        credentials: &[NewCredential],
        now: &str,
    ) -> Vec<Result<Put, StoreError>> {
        let mut found = Vec::with_capacity(credentials.len());
        let insertions = credentials.iter().map(|new| self.insertion(new, now));
        let inserted = self.run_together(insertions).await;
        for (new, inserted) in credentials.iter().zip(inserted) {
            found.push(match inserted {
                Ok(true) => Ok(Put::Written),
                Ok(false) => self.look_up(new.credential.id).await.and_then(|stored| {
                    let stored = stored.ok_or(StoreError::Broken("taken by nothing".into()))?;
                    Ok(stored.into())
                }),
                // One that is refused for good must not keep the others from being written.
                Err(StoreError::Broken(_)) => self.put(new, now).await,
                Err(error) => Err(error),
            });
        }
        found
    }

    /// Runs statements in one call; false for a statement whose condition was not true.
    pub(super) async fn run_together(
        &self,
        statements: impl Iterator<Item = Result<BatchStatementRequest, StoreError>>,
    ) -> Vec<Result<bool, StoreError>> {
        let mut ended: Vec<Result<bool, StoreError>> = Vec::new();
        let mut left = Vec::new();
        for (at, statement) in statements.enumerate() {
            match statement {
                Ok(statement) => {
                    left.push((at, statement));
                    // Stays if no round answers it.
                    ended.push(Err(StoreError::Unavailable("not answered".to_owned())));
                }
                Err(error) => ended.push(Err(error)),
            }
        }
        for round in 0..ROUNDS {
            if left.is_empty() {
                break;
            }
            pause(round).await;
            let statements = left.iter().map(|(_, statement)| statement.clone()).collect();
            let call = self.client.batch_execute_statement().set_statements(Some(statements));
            let answers = match call.send().await.map_err(StoreError::from) {
                Ok(answer) => answer.responses.unwrap_or_default(),
                Err(error) => {
                    tracing::error!(%error, "batch of credentials not written");
                    let broken = matches!(error, StoreError::Broken(_));
                    for (at, _) in left.into_iter().filter(|_| broken) {
                        set(&mut ended, at, Err(StoreError::Broken("together".to_owned())));
                    }
                    break;
                }
            };
            let mut again = Vec::new();
            for ((at, statement), answer) in left.into_iter().zip(answers) {
                match answer.error.map(|error| error.code) {
                    None => set(&mut ended, at, Ok(true)),
                    Some(Some(
                        BatchStatementErrorCodeEnum::DuplicateItem
                        | BatchStatementErrorCodeEnum::ConditionalCheckFailed,
                    )) => set(&mut ended, at, Ok(false)),
                    Some(Some(code)) if passes(&code) => again.push((at, statement)),
                    Some(code) => {
                        let code = code.as_ref().map_or("unknown", |code| code.as_str());
                        tracing::error!(code, "statement refused");
                        set(&mut ended, at, Err(StoreError::Broken(code.to_owned())));
                    }
                }
            }
            left = again;
        }
        ended
    }

    /// The statement that writes a credential if its id is free.
    fn insertion(
        &self,
        new: &NewCredential,
        now: &str,
    ) -> Result<BatchStatementRequest, StoreError> {
        let item = item_of(new, now)?;
        let (names, values): (Vec<String>, Vec<AttributeValue>) = item.into_iter().unzip();
        let names: Vec<String> = names.iter().map(|name| format!("'{name}': ?")).collect();
        let insert = format!("INSERT INTO \"{}\" VALUE {{{}}}", self.table, names.join(", "));
        let statement = BatchStatementRequest::builder().statement(insert);
        Ok(statement.set_parameters(Some(values)).build()?)
    }

    /// Reads a credential; none under an alias, and none that was erased.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn get(&self, id: CredentialId) -> Result<Option<Credential>, StoreError> {
        Ok(self.stored(id).await?.and_then(Stored::credential))
    }

    /// Reads a credential, or what is left of it; none under an alias.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn stored(&self, id: CredentialId) -> Result<Option<Stored>, StoreError> {
        match self.item(id).await? {
            Some(item) if is_alias(&item) => Ok(None),
            Some(item) => stored_of(item).map(Some),
            None => Ok(None),
        }
    }

    /// Reads a credential, or the one that an alias leads to; none that was erased.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn at(&self, id: CredentialId) -> Result<Option<Credential>, StoreError> {
        Ok(self.look_up(id).await?.and_then(Stored::credential))
    }

    /// Reads a credential, or what is left of it, there or where an alias leads to.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn look_up(&self, id: CredentialId) -> Result<Option<Stored>, StoreError> {
        match self.item(id).await? {
            Some(item) if is_alias(&item) => {
                let alias: Alias = from_item(item)?;
                self.stored(alias.alias_of).await
            }
            Some(item) => stored_of(item).map(Some),
            None => Ok(None),
        }
    }

    async fn item(&self, id: CredentialId) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(id_key(id.to_string())))
            .consistent_read(true)
            .send()
            .await?;
        Ok(answer.item)
    }

    /// Reads the credentials that exist under `ids`, in the order of the ids; none that was erased.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn get_all(&self, ids: &[CredentialId]) -> Result<Vec<Credential>, StoreError> {
        Ok(self.stored_all(ids).await?.0)
    }

    /// Does as [`Self::get_all`], and returns apart what is left of those that were erased.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn stored_all(
        &self,
        ids: &[CredentialId],
    ) -> Result<(Vec<Credential>, Vec<Tombstone>), StoreError> {
        let keys = ids.iter().map(|id| id_key(id.to_string())).collect();
        let (mut found, mut erased) = (Vec::with_capacity(ids.len()), Vec::new());
        for item in get_many(&self.client, &self.table, keys).await? {
            if is_alias(&item) {
                continue;
            }
            match stored_of(item)? {
                Stored::Credential(credential) => found.push(*credential),
                Stored::Erased(tombstone) => erased.push(*tombstone),
            }
        }
        let place = |c: &Credential| ids.iter().position(|id| *id == c.id);
        found.sort_by_cached_key(place);
        Ok((found, erased))
    }

    /// Ids of an organization's credentials, newest first, from the partitions of the index
    /// merged by time. `before` is the sort key that the last page ended with.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn by_time(
        &self,
        org: &OrgId,
        mode: Mode,
        since: Option<&str>,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Page<CredentialId>, StoreError> {
        let partitions = (0..TIME_PARTITIONS).map(|partition| {
            self.newest(&BY_TIME, time_pk(org, mode, partition), since, before, limit)
        });
        let mut found: Vec<IndexKey> =
            futures::future::try_join_all(partitions).await?.into_iter().flatten().collect();
        found.sort_unstable_by(|a, b| b.1.cmp(&a.1));
        Ok(cut(found, limit))
    }

    /// Ids of the credentials under an address key, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn by_email(
        &self,
        email_key: &str,
        since: Option<&str>,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Page<CredentialId>, StoreError> {
        let found = self.newest(&BY_EMAIL, email_key.to_owned(), since, before, limit).await?;
        Ok(cut(found, limit))
    }

    /// Up to `limit` + 1 entries of one index partition, newest first.
    async fn newest(
        &self,
        index: &crate::store::schema::Index,
        pk: String,
        since: Option<&str>,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<IndexKey>, StoreError> {
        // `~` sorts after every instant, `0` before.
        let (since, until) = (since.unwrap_or("0"), before.unwrap_or("~"));
        if since > until {
            // DynamoDB refuses a range that is upside down.
            return Ok(Vec::new());
        }
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index.name)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :since AND :before")
            .expression_attribute_names("#pk", index.partition)
            .expression_attribute_names("#sk", index.sort)
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":since", text(since))
            .expression_attribute_values(":before", text(until))
            .scan_index_forward(false)
            .limit(i32::try_from(limit + 2).unwrap_or(i32::MAX))
            .send()
            .await?;
        Ok(answer
            .items
            .unwrap_or_default()
            .iter()
            .filter_map(|item| {
                let id = item.get("id")?.as_s().ok()?;
                let sk = item.get(index.sort)?.as_s().ok()?;
                (Some(sk.as_str()) != before).then(|| (id.clone(), sk.clone()))
            })
            .collect())
    }
}

/// Whether an item leads to another one.
pub(super) fn is_alias(item: &Item) -> bool {
    item.contains_key("alias_of") && !item.contains_key(ERASED_AT)
}

/// What an item that is no alias stands for.
pub(super) fn stored_of(item: Item) -> Result<Stored, StoreError> {
    Ok(match item.contains_key(ERASED_AT) {
        true => Stored::Erased(Box::new(from_item(item)?)),
        false => Stored::Credential(Box::new(from_item(item)?)),
    })
}

/// The first item of a credential, with its keys in the indexes.
fn item_of(new: &NewCredential, now: &str) -> Result<Item, StoreError> {
    let NewCredential { credential, email_key, .. } = new;
    let mut item = to_item(credential)?;
    let (org, sort) = time_key(credential);
    item.insert(BY_TIME.partition.into(), text(org));
    item.insert(BY_TIME.sort.into(), text(&sort));
    item.insert(BY_EMAIL.partition.into(), text(email_key));
    item.insert(BY_EMAIL.sort.into(), text(&sort));
    // A job follows its mails; any other pending mail is in this sparse index.
    if credential.stored_mail == MailState::Owed && matches!(credential.origin, Origin::Request(_))
    {
        let (pk, sk) = owed_key(credential.id, now);
        item.insert(OWED.partition.into(), text(pk));
        item.insert(OWED.sort.into(), text(sk));
    }
    Ok(item)
}

/// Sets a slot that exists.
fn set<T>(slots: &mut [T], at: usize, value: T) {
    if let Some(slot) = slots.get_mut(at) {
        *slot = value;
    }
}

/// Whether a statement that was refused with this code may be accepted later.
fn passes(code: &BatchStatementErrorCodeEnum) -> bool {
    use BatchStatementErrorCodeEnum as Code;
    matches!(
        code,
        Code::InternalServerError
            | Code::ProvisionedThroughputExceeded
            | Code::RequestLimitExceeded
            | Code::ThrottlingError
            | Code::TransactionConflict
    )
}

fn cut(mut found: Vec<IndexKey>, limit: usize) -> Page<CredentialId> {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = if more { found.last().map(|(_, sk)| sk.clone()) } else { None };
    let items = found.iter().filter_map(|(id, _)| CredentialId::parse(id).ok()).collect();
    Page { items, next }
}
