//! The catalog table: organizations and templates. `keys.rs`, `members.rs`, `settings.rs`, `images.rs` and `designs.rs`
//! add the operations on keys, on members and suppressions, on settings and names, on images, and on designs.
//!
//! | partition | sort | item |
//! |---|---|---|
//! | `ORG#{org}` | `ORG` | [`Organization`] |
//! | | `IDSECRET` | the organization's secret for ids |
//! | | `SIGNING#{mode}` | [`SealedKey`]: the key that signs now |
//! | | `PUBLIC#{mode}#{multikey}` | `PublicKey`: a key that signed or signs |
//! | | `KEY#{id}` | [`ApiKey`] |
//! | | `TPL#{id}` | the current [`Template`] |
//! | | `TPLV#{id}#{version}` | a version, never changed |
//! | | `IMG#{hash}` | an image, never changed |
//! | | `DESIGN#{second}` | the design of certificates from then on, never changed, see `designs.rs` |
//! | `ORGS` | `{org}` | the organization's name, to be compared with new ones |
//! | `COLMAP#{org}` | `{template}` | the [`RememberedMap`](crate::domain::column_map::RememberedMap) of its files |
//! | `MEMBERS#{org}#{0…15}` | `{address}` | [`Member`], spread by a hash of the address |
//! | `SUPPRESSED#{org}`, test: `SUPPRESSED#{org}#test` | `{address}` | `Suppression` |

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use aws_sdk_dynamodb::{
    Client,
    types::{Put, ReturnValue, Select, TransactWriteItem},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Item, Page, StoreError, attributes::Projection, from_item, get_many, key, templates, text,
    to_item, write_together,
};
use crate::domain::{
    api_key::ApiKey,
    email::EmailAddress,
    identity::IdSecret,
    ids::{Mode, OrgId, TemplateId},
    member::Member,
    organization::Organization,
    signing_key::SealedKey,
    template::Template,
};

/// Partitions that an organization's members are spread over.
pub(super) const MEMBER_PARTITIONS: u8 = 16;
/// Longest time for which a process signs with a key that was replaced.
const SIGNING_AGE: Duration = Duration::from_secs(60);
/// Longest age of an organization's settings where only texts depend on them.
const SETTINGS_AGE: Duration = Duration::from_secs(60);

/// The catalog table.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub(super) client: Client,
    pub(super) table: String,
    cache: Arc<Mutex<Cache>>,
}

/// The cache of a process: what never changes, and settings and signing keys for a minute.
#[derive(Debug, Default)]
pub(super) struct Cache {
    secrets: HashMap<OrgId, IdSecret>,
    pub(super) versions: HashMap<(OrgId, TemplateId, u32), Arc<Template>>,
    settings: HashMap<OrgId, (Instant, Arc<Organization>)>,
    /// Settings that this process has written: what a read began with before one is not kept.
    settings_written: u64,
    pub(super) signing: HashMap<(OrgId, Mode), (Instant, Arc<SealedKey>)>,
}

pub(super) fn org_pk(org: &OrgId) -> String {
    format!("ORG#{org}")
}

pub(super) fn signing_sk(mode: Mode) -> String {
    format!("SIGNING#{mode}")
}

pub(super) fn member_pk(org: &OrgId, partition: u8) -> String {
    format!("MEMBERS#{org}#{partition}")
}

pub(super) fn member_key(org: &OrgId, email: &EmailAddress) -> Item {
    let hash = digest::digest(&digest::SHA256, email.as_str().as_bytes());
    let first = hash.as_ref().first().copied().unwrap_or_default();
    key(member_pk(org, first % MEMBER_PARTITIONS), email.as_str())
}

/// The items that one call reads for a request: those that were asked for and exist.
#[derive(Debug, Default)]
pub struct RequestItems {
    /// The key.
    pub key: Option<ApiKey>,
    /// The organization.
    pub organization: Option<Organization>,
    /// The current template.
    pub template: Option<Template>,
    /// Members, by address.
    pub members: HashMap<EmailAddress, Member>,
}

impl Catalog {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table, cache: Arc::default() }
    }

    pub(super) fn cached<T>(&self, look: impl FnOnce(&mut Cache) -> T) -> T {
        let mut cache = self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        look(&mut cache)
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        key: Item,
    ) -> Result<Option<T>, StoreError> {
        let Projection { expression, names } = Projection::of::<T>();
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .set_projection_expression(expression)
            .set_expression_attribute_names(names)
            .consistent_read(true)
            .send()
            .await?;
        answer.item.map(from_item).transpose()
    }

    pub(super) async fn put<T: Serialize>(&self, key: Item, value: &T) -> Result<(), StoreError> {
        let mut item = to_item(value)?;
        item.extend(key);
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Deletes an item; false if there was none.
    pub(super) async fn delete(&self, key: Item) -> Result<bool, StoreError> {
        let answer = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .return_values(ReturnValue::AllOld)
            .send()
            .await?;
        Ok(answer.attributes.is_some())
    }

    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        pk: String,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<T>, StoreError> {
        let Projection { expression, names } = Projection::of::<T>();
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .set_select(expression.is_some().then_some(Select::SpecificAttributes))
            .set_projection_expression(expression)
            .set_expression_attribute_names(names)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .expression_attribute_values(":pk", text(&pk));
        query = if prefix.is_empty() {
            query.key_condition_expression("pk = :pk")
        } else {
            query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", text(prefix))
        };
        if let Some(after) = after {
            query = query.set_exclusive_start_key(Some(key(&pk, after)));
        }
        let answer = query.send().await?;
        let next = answer
            .last_evaluated_key
            .and_then(|key| key.get("sk").and_then(|sk| sk.as_s().ok().cloned()));
        let items = answer
            .items
            .unwrap_or_default()
            .into_iter()
            .map(from_item)
            .collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    /// Reads key, organization, template and members in one `BatchGetItem`.
    pub async fn together(
        &self,
        org: &OrgId,
        key_id: Option<&str>,
        template: Option<TemplateId>,
        members: &[&EmailAddress],
    ) -> Result<RequestItems, StoreError> {
        let mut keys = vec![key(org_pk(org), "ORG")];
        let secret = self.cached(|cache| cache.secrets.contains_key(org));
        if !secret {
            keys.push(key(org_pk(org), "IDSECRET"));
        }
        // The keys that sign now come along when they are due, so that they cost no call.
        for mode in [Mode::Live, Mode::Test] {
            if self.fresh_signing_key(org, mode).is_none() {
                keys.push(key(org_pk(org), signing_sk(mode)));
            }
        }
        keys.extend(key_id.map(|id| key(org_pk(org), format!("KEY#{id}"))));
        keys.extend(template.map(|id| key(org_pk(org), templates::template_sk(id))));
        let mut addresses: Vec<&&EmailAddress> = members.iter().collect();
        addresses.sort_unstable();
        addresses.dedup();
        keys.extend(addresses.into_iter().map(|email| member_key(org, email)));
        let mut read = RequestItems::default();
        let written = self.cached(|cache| cache.settings_written);
        for item in get_many(&self.client, &self.table, keys).await? {
            let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
            match sk.as_str() {
                "ORG" => {
                    let organization: Organization = from_item(item)?;
                    self.keep_settings(org, &Arc::new(organization.clone()), written);
                    read.organization = Some(organization);
                }
                "IDSECRET" => self.remember_secret(org, item)?,
                _ if sk.starts_with("SIGNING#") => {
                    let mode = if sk.ends_with("live") { Mode::Live } else { Mode::Test };
                    self.remember_signing_key(org, mode, from_item(item)?);
                }
                _ if sk.starts_with("KEY#") => read.key = Some(from_item(item)?),
                _ if sk.starts_with("TPL#") => read.template = Some(from_item(item)?),
                _ => {
                    let member: Member = from_item(item)?;
                    read.members.insert(member.email.clone(), member);
                }
            }
        }
        Ok(read)
    }

    fn remember_secret(&self, org: &OrgId, item: Item) -> Result<(), StoreError> {
        let secret: SecretItem = from_item(item)?;
        self.cached(|cache| cache.secrets.insert(org.clone(), secret.secret));
        Ok(())
    }

    /// Returns the organization's secret for ids. It is never rotated, so it is kept in memory.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when there is none.
    pub async fn id_secret(&self, org: &OrgId) -> Result<IdSecret, StoreError> {
        if let Some(secret) = self.cached(|cache| cache.secrets.get(org).cloned()) {
            return Ok(secret);
        }
        let secret: Option<SecretItem> = self.get(key(org_pk(org), "IDSECRET")).await?;
        let secret = secret.ok_or(StoreError::Broken("organization without secret".to_owned()))?;
        self.cached(|cache| cache.secrets.insert(org.clone(), secret.secret.clone()));
        Ok(secret.secret)
    }

    pub(super) fn fresh_signing_key(&self, org: &OrgId, mode: Mode) -> Option<Arc<SealedKey>> {
        self.cached(|cache| {
            cache
                .signing
                .get(&(org.clone(), mode))
                .filter(|(at, _)| at.elapsed() < SIGNING_AGE)
                .map(|(_, kept)| Arc::clone(kept))
        })
    }

    pub(super) fn remember_signing_key(
        &self,
        org: &OrgId,
        mode: Mode,
        key: SealedKey,
    ) -> Arc<SealedKey> {
        let key = Arc::new(key);
        let kept = Arc::clone(&key);
        self.cached(|c| c.signing.insert((org.clone(), mode), (Instant::now(), kept)));
        key
    }

    /// Returns the organization, at most a minute old.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when there is none.
    pub async fn organization(&self, org: &OrgId) -> Result<Arc<Organization>, StoreError> {
        let fresh = self.cached(|cache| {
            cache
                .settings
                .get(org)
                .filter(|(at, _)| at.elapsed() < SETTINGS_AGE)
                .map(|(_, kept)| Arc::clone(kept))
        });
        if let Some(organization) = fresh {
            return Ok(organization);
        }
        let written = self.cached(|cache| cache.settings_written);
        let read: Option<Organization> = self.get(key(org_pk(org), "ORG")).await?;
        let read = Arc::new(read.ok_or(StoreError::Broken("no such organization".to_owned()))?);
        self.keep_settings(org, &read, written);
        Ok(read)
    }

    /// Keeps settings for a minute, unless this process has written some since the read began.
    fn keep_settings(&self, org: &OrgId, read: &Arc<Organization>, written: u64) {
        self.cached(|cache| {
            if cache.settings_written == written {
                cache.settings.insert(org.clone(), (Instant::now(), Arc::clone(read)));
            }
        });
    }

    /// Forgets settings after they were written, or may have been.
    pub(super) fn forget_settings(&self, org: &OrgId) {
        self.cached(|cache| {
            cache.settings_written += 1;
            cache.settings.remove(org);
        });
    }

    /// Creates an organization with its secret; false if it exists.
    pub async fn create_organization(
        &self,
        organization: &Organization,
        secret: IdSecret,
    ) -> Result<bool, StoreError> {
        let pk = org_pk(&organization.org);
        let mut item = to_item(organization)?;
        item.extend(key(&pk, "ORG"));
        let mut secret = to_item(&SecretItem { v: 1, secret })?;
        secret.extend(key(&pk, "IDSECRET"));
        self.create_both(item, secret, "attribute_not_exists(pk)", &[]).await
    }

    /// Writes two items in one transaction: the first under a condition, the second if it is new.
    pub(super) async fn create_both(
        &self,
        first: Item,
        second: Item,
        condition: &str,
        values: &[(&str, aws_sdk_dynamodb::types::AttributeValue)],
    ) -> Result<bool, StoreError> {
        let mut put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(first))
            .condition_expression(condition);
        for (name, value) in values {
            put = put.expression_attribute_values(*name, value.clone());
        }
        let new = Put::builder()
            .table_name(&self.table)
            .set_item(Some(second))
            .condition_expression("attribute_not_exists(pk)");
        let writes = vec![
            TransactWriteItem::builder().put(put.build()?).build(),
            TransactWriteItem::builder().put(new.build()?).build(),
        ];
        write_together(&self.client, writes).await
    }
}

/// The secret as it is stored.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
pub(super) struct SecretItem {
    v: u32,
    secret: IdSecret,
}
