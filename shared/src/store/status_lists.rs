//! Status lists and their counter, histories, and the transaction that changes the status of
//! credentials. All are items of the credentials table, like the dictionaries of signed documents,
//! which `dictionaries.rs` adds.
//!
//! | id | item |
//! |---|---|
//! | `LIST#{org}.{mode}.{number}` | [`List`]: a signed status list |
//! | `NEXT#{org}.{mode}` | the number of status indexes that were reserved, and when a list was last begun by request |
//! | `EVENT#{credential id}#{revision}` | [`Event`]: an entry of a credential's history |
//! | `DICT#{name}` | a dictionary of signed documents |

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    str::FromStr,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Put, ReturnValue, TransactWriteItem, Update},
};
use serde::{Deserialize, Serialize};

use super::{
    Item, StoreError,
    credential_alias::{SAME_ALIAS, alias_item},
    credentials::id_key,
    from_item, get_many, number, text, to_item, write_together,
};
use crate::{
    domain::{
        credential::{Credential, MailState, Status},
        history::Event,
        ids::{CredentialId, JobId, Mode, OrgId},
        status_entry::{LENGTH, ListId},
        tenant::Tenant,
    },
    store::schema::{BY_EMAIL, OWED},
};

/// Seconds between two lists that are begun by request: each list costs every verifier a request
/// and a compromise of the key a signature.
const BEGIN_EVERY: i64 = 3600;
/// The attribute of the counter that holds the instant of the last one.
const BEGUN_AT: &str = "begun_at";
/// Attempts to begin a list beside processes that reserve indexes.
const ROUNDS: u32 = 8;

/// A list has no first version yet.
const NEW: &str = "attribute_not_exists(id)";
/// A credential's status changes if the credential is as it was read.
pub(super) const UNCHANGED: &str = "revision = :before";
/// A credential is corrected if it and the state of its mail are as they were read: a worker that
/// claimed the mail has read the former address.
pub(super) const CORRECTABLE: &str = "revision = :before AND mail = :mail";
/// A list is replaced if its latest version is the one that was read.
const LIST_UNCHANGED: &str = "version = :before";
/// The counter only grows.
const FORWARD: &str = "attribute_not_exists(id) OR taken < :to";

/// A status list, as stored and served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Version of this item's format.
    pub v: u32,
    /// Number of times that it was signed, from 1.
    pub version: u64,
    /// The list credential, exactly as signed.
    #[serde(with = "serde_bytes")]
    pub document: Vec<u8>,
    /// Time of its signature, RFC 3339.
    pub signed_at: String,
}

/// The outcome of a request for the next list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The next list has this number.
    List(u32),
    /// The last list was begun less than an hour ago.
    TooSoon {
        /// Seconds until the next can be begun.
        wait: i64,
    },
}

/// A change of one credential's status.
#[derive(Debug)]
pub struct StatusWrite {
    /// The credential as it was read.
    pub credential: Credential,
    /// Its new status.
    pub status: Status,
    /// What is written into its history.
    pub event: Event,
}

/// A correction of one credential.
#[derive(Debug)]
pub struct Correction {
    /// The credential as it was read.
    pub before: Credential,
    /// The corrected credential.
    pub after: Credential,
    /// The key of its new address.
    pub email_key: String,
    /// The key of the former address, if it was another.
    pub former_key: Option<String>,
    /// Whether its mail becomes pending again, in the sweeper's index.
    pub owes: bool,
    /// The identities of the corrected content, without the credential's own.
    pub aliases: Vec<CredentialId>,
    /// What is written into its history.
    pub event: Event,
    /// For a mail on a job's ledger: the check that no worker has claimed it, and so sends it to
    /// the former address.
    pub unclaimed: Option<TransactWriteItem>,
}

/// Access to these items.
#[derive(Clone, Debug)]
pub struct StatusLists {
    pub(super) client: Client,
    pub(super) table: String,
    pub(super) dictionaries: Arc<Mutex<HashMap<String, Arc<Vec<u8>>>>>,
}

fn list_key(list: &ListId) -> Item {
    id_key(format!("LIST#{list}"))
}

pub(super) fn event_id(id: CredentialId, revision: u32) -> String {
    format!("EVENT#{id}#{revision}")
}

impl StatusLists {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table, dictionaries: Arc::default() }
    }

    pub(super) async fn get(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await?;
        Ok(answer.item)
    }

    /// Reads a status list.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, list: &ListId) -> Result<Option<List>, StoreError> {
        self.get(list_key(list)).await?.map(from_item).transpose()
    }

    /// Writes the first version of a list, unless the list exists.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_list(&self, id: &ListId, list: &List) -> Result<(), StoreError> {
        let mut item = to_item(list)?;
        item.extend(list_key(id));
        let written = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(NEW)
            .send()
            .await;
        match written.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reserves `count` status indexes, each once, and returns the first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take(&self, org: &OrgId, mode: Mode, count: u64) -> Result<u64, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(id_key(format!("NEXT#{org}.{mode}"))))
            .update_expression("ADD taken :count")
            .expression_attribute_values(":count", number(count))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await?;
        let taken = answer.attributes.as_ref().and_then(taken_of);
        let taken = taken.ok_or(StoreError::Broken("a counter without a count".to_owned()))?;
        Ok(taken.saturating_sub(count))
    }

    /// Returns the number of lists from which indexes were reserved.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lists(&self, org: &OrgId, mode: Mode) -> Result<u32, StoreError> {
        let counter = self.get(id_key(format!("NEXT#{org}.{mode}"))).await?;
        let taken = counter.as_ref().and_then(taken_of).unwrap_or(0);
        Ok(u32::try_from(taken.div_ceil(u64::from(LENGTH))).unwrap_or(u32::MAX))
    }

    /// Leaves the rest of the present list unused and begins the next, from which indexes are
    /// reserved from then on, at most once in [`BEGIN_EVERY`]. After a restored backup, whose
    /// counter can be lower than the indexes already issued.
    ///
    /// Of requests at the same time one begins a list: it moves the counter past what the others
    /// ask for, and these then read its instant.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Unavailable`] when other processes kept reserving indexes.
    pub async fn begin_list(&self, of: Tenant<'_>, now: i64) -> Result<Begun, StoreError> {
        let key = id_key(format!("NEXT#{}.{}", of.org, of.mode));
        for _ in 0..ROUNDS {
            let counter = self.get(key.clone()).await?.unwrap_or_default();
            let free_at =
                number_of(&counter, BEGUN_AT).map_or(i64::MIN, |at: i64| at + BEGIN_EVERY);
            if now < free_at {
                return Ok(Begun::TooSoon { wait: free_at - now });
            }
            let to = taken_of(&counter).unwrap_or(0) / u64::from(LENGTH) + 1;
            let written = self
                .client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(key.clone()))
                .update_expression("SET taken = :to, begun_at = :now")
                .condition_expression(FORWARD)
                .expression_attribute_values(":to", number(to * u64::from(LENGTH)))
                .expression_attribute_values(":now", number(now))
                .send()
                .await;
            match written.map_err(StoreError::from) {
                Ok(_) => return Ok(Begun::List(u32::try_from(to).unwrap_or(u32::MAX))),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Unavailable("indexes are being reserved".to_owned()))
    }

    /// Reads a credential's history, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn history(
        &self,
        credential: CredentialId,
        revisions: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let keys = (1..=revisions).map(|n| id_key(event_id(credential, n))).collect();
        let found = get_many(&self.client, &self.table, keys).await?;
        let mut events: Vec<Event> = found.into_iter().map(from_item).collect::<Result<_, _>>()?;
        events.sort_unstable_by_key(|event| event.revision);
        Ok(events)
    }

    /// Returns which of some revoked credentials a job revoked. It reads their last event, because
    /// a revoked credential does not change any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoked_by(
        &self,
        job: JobId,
        revoked: &[&Credential],
    ) -> Result<HashSet<CredentialId>, StoreError> {
        let keys = revoked.iter().map(|c| id_key(event_id(c.id, c.revision))).collect();
        let mut by = HashSet::new();
        for item in get_many(&self.client, &self.table, keys).await? {
            let id = item.get("id").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
            let event: Event = from_item(item)?;
            let id = id.split('#').nth(1).and_then(|id| CredentialId::parse(id).ok());
            by.extend(id.filter(|_| event.by.job_id == Some(job)));
        }
        Ok(by)
    }

    /// Returns the rows of a job that corrected some credentials, each with its credential.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn corrected_by(
        &self,
        job: JobId,
        credentials: &[&Credential],
    ) -> Result<BTreeMap<u32, CredentialId>, StoreError> {
        let mut rows = BTreeMap::new();
        for credential in credentials.iter().filter(|credential| credential.revision > 0) {
            let history = self.history(credential.id, credential.revision).await?;
            let by_job = history.into_iter().filter(|event| event.by.job_id == Some(job));
            rows.extend(by_job.filter_map(|event| Some((event.by.row?, credential.id))));
        }
        Ok(rows)
    }

    /// Changes credentials of one list, their histories and the list in one transaction; false
    /// when another writer changed one of them since it was read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change(
        &self,
        id: &ListId,
        list: &List,
        changes: &[StatusWrite],
    ) -> Result<bool, StoreError> {
        let mut writes = vec![self.list_write(id, list)?];
        for change in changes {
            let before = &change.credential;
            let holds = change.status == Status::Issued;
            let mut update = Update::builder()
                .table_name(&self.table)
                .set_key(Some(id_key(before.id.to_string())))
                .update_expression(match (holds, change.event.reason.is_some()) {
                    (true, _) => "SET #status = :status, revision = :after REMOVE status_at, status_reason",
                    (false, true) => "SET #status = :status, revision = :after, status_at = :at, status_reason = :why",
                    (false, false) => "SET #status = :status, revision = :after, status_at = :at REMOVE status_reason",
                })
                .condition_expression(UNCHANGED)
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":status", status_text(change.status)?)
                .expression_attribute_values(":before", number(before.revision))
                .expression_attribute_values(":after", number(change.event.revision));
            if !holds {
                update = update.expression_attribute_values(":at", text(&change.event.at));
                if let Some(reason) = &change.event.reason {
                    update = update.expression_attribute_values(":why", text(reason));
                }
            }
            writes.push(TransactWriteItem::builder().update(update.build()?).build());
            writes.push(self.event_write(before.id, &change.event, None)?);
        }
        write_together(&self.client, writes).await
    }

    /// Replaces a credential by its corrected version in one transaction: credential, history, the
    /// former version's bit in the list, and the aliases. False when another writer changed one of
    /// them since it was read, or an alias leads to another credential.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn correct(
        &self,
        id: &ListId,
        list: &List,
        correction: &Correction,
    ) -> Result<bool, StoreError> {
        let Correction { before, after, email_key, former_key, owes, aliases, event, unclaimed } =
            correction;
        let item = to_item(after)?;
        let mut set = vec!["revision = :after".to_owned()];
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(id_key(before.id.to_string())))
            .condition_expression(CORRECTABLE)
            .expression_attribute_values(":before", number(before.revision))
            .expression_attribute_values(":after", number(event.revision))
            .expression_attribute_values(":mail", mail_text(before.stored_mail)?);
        const NEW: [&str; 9] = [
            "recipient",
            "filled",
            "content",
            "former",
            "version",
            "corrected_at",
            "di",
            "du",
            "signed",
        ];
        // What the corrected credential has not, its item has no more: an end, fields from a profile.
        let mut remove = Vec::new();
        for name in NEW {
            match item.get(name) {
                Some(value) => {
                    set.push(format!("{name} = :{name}"));
                    update = update.expression_attribute_values(format!(":{name}"), value.clone());
                }
                None => remove.push(name.to_owned()),
            }
        }
        set.push(format!("{} = :email", BY_EMAIL.partition));
        update = update.expression_attribute_values(":email", text(email_key));
        if *owes {
            set.push("mail = :owed, mail_attempts = :none, resent_at = :now".to_owned());
            set.push(format!("{} = :owed_pk, {} = :owed_sk", OWED.partition, OWED.sort));
            set.push("mail_round = :round".to_owned());
            let of_the_former = [
                "mail_error",
                "mail_lease",
                "mail_delivery",
                "mail_delivery_at",
                "mail_soft_bounces",
            ];
            remove.extend(of_the_former.map(str::to_owned));
            let (owed_pk, owed_sk) = super::credentials::owed_key(after.id, &event.at);
            update = update
                .expression_attribute_values(":owed", text("owed"))
                .expression_attribute_values(":round", number(after.mail_round))
                .expression_attribute_values(":none", number(0))
                .expression_attribute_values(":now", text(&event.at))
                .expression_attribute_values(":owed_pk", text(owed_pk))
                .expression_attribute_values(":owed_sk", text(owed_sk));
        }
        let mut expression = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            expression.push_str(&format!(" REMOVE {}", remove.join(", ")));
        }
        let update = update.update_expression(expression).build()?;
        let mut writes = vec![
            self.list_write(id, list)?,
            TransactWriteItem::builder().update(update).build(),
            self.event_write(before.id, event, former_key.as_deref())?,
        ];
        writes.extend(unclaimed.clone());
        for alias in aliases {
            let put = Put::builder()
                .table_name(&self.table)
                .set_item(Some(alias_item(*alias, before.id)?))
                .condition_expression(SAME_ALIAS)
                .expression_attribute_values(":of", text(before.id.to_string()))
                .build()?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        write_together(&self.client, writes).await
    }

    pub(super) fn list_write(
        &self,
        id: &ListId,
        list: &List,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(list)?;
        item.extend(list_key(id));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(LIST_UNCHANGED)
            .expression_attribute_values(":before", number(list.version - 1))
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    pub(super) fn event_write(
        &self,
        id: CredentialId,
        event: &Event,
        former_key: Option<&str>,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(event)?;
        item.extend(id_key(event_id(id, event.revision)));
        // An erasure finds the entry by the address that the credential had.
        if let Some(former) = former_key {
            item.insert(BY_EMAIL.partition.to_owned(), text(former));
            item.insert(BY_EMAIL.sort.to_owned(), text(format!("{}#{}", event.at, id)));
        }
        // Two writers cannot write one entry: the credential's revision is checked beside it.
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

fn taken_of(item: &Item) -> Option<u64> {
    number_of(item, "taken")
}

fn number_of<T: FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

pub(super) fn status_text(status: Status) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(status).map_err(|e| StoreError::Broken(e.to_string()))
}

fn mail_text(mail: MailState) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(mail).map_err(|e| StoreError::Broken(e.to_string()))
}
