//! The catalog table: organizations, keys, templates and members.
//!
//! | partition | sort | item |
//! |---|---|---|
//! | `ORG#{org}` | `ORG` | [`Organization`] |
//! | | `IDSECRET` | the organization's secret for ids |
//! | | `SIGNING#{mode}` | [`SealedKey`]: the key that signs now |
//! | | `PUBLIC#{mode}#{multikey}` | [`PublicKey`]: a key that signed or signs |
//! | | `KEY#{id}` | [`ApiKey`] |
//! | | `TPL#{id}` | the current [`Template`] |
//! | | `TPLV#{id}#{version}` | a version, never changed |
//! | | `IMG#{hash}` | an image, never changed |
//! | `MEMBERS#{org}#{0…15}` | `{address}` | [`Member`], spread by a hash of the address |
//! | `SUPPRESSED#{org}` | `{address}` | [`Suppression`] |

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use aws_sdk_dynamodb::{
    Client,
    types::{Put, ReturnValue, TransactWriteItem, Update},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Item, Page, StoreError, from_item, get_many, key, put_many, read_many, text, to_item,
    write_together,
};
use crate::domain::{
    api_key::ApiKey,
    email::EmailAddress,
    feedback::Suppression,
    identity::IdSecret,
    ids::{Mode, OrgId, TemplateId},
    image::{Image, ImageId},
    member::Member,
    organization::Organization,
    signing_key::{PublicKey, SealedKey},
    template::Template,
};

/// Partitions that an organization's members are spread over.
const MEMBER_PARTITIONS: u8 = 16;
/// How long a process may sign with a key after another took its place.
const SIGNING_AGE: Duration = Duration::from_secs(60);
/// How long an organization's settings may be out of date where only texts depend on them.
const SETTINGS_AGE: Duration = Duration::from_secs(60);

/// The catalog table.
#[derive(Clone, Debug)]
pub struct Catalog {
    client: Client,
    table: String,
    cache: Arc<Mutex<Cache>>,
}

/// What may be kept in memory: what never changes, and settings for a minute.
#[derive(Debug, Default)]
struct Cache {
    secrets: HashMap<OrgId, IdSecret>,
    versions: HashMap<(OrgId, TemplateId, u32), Arc<Template>>,
    settings: HashMap<OrgId, (Instant, Arc<Organization>)>,
    signing: HashMap<(OrgId, Mode), (Instant, Arc<SealedKey>)>,
}

/// Template versions kept in memory; beyond it the cache begins anew.
const CACHED_VERSIONS: usize = 1_000;

fn org_pk(org: &OrgId) -> String {
    format!("ORG#{org}")
}

fn template_sk(id: TemplateId) -> String {
    format!("TPL#{id}")
}

fn version_sk(id: TemplateId, version: u32) -> String {
    format!("TPLV#{id}#{version:08}")
}

fn image_key(id: &ImageId) -> Item {
    key(org_pk(&id.org), format!("IMG#{}", id.hash()))
}

fn signing_sk(mode: Mode) -> String {
    format!("SIGNING#{mode}")
}

fn public_sk(mode: Mode, multikey: &str) -> String {
    format!("PUBLIC#{mode}#{multikey}")
}

fn member_pk(org: &OrgId, partition: u8) -> String {
    format!("MEMBERS#{org}#{partition}")
}

fn member_key(org: &OrgId, email: &EmailAddress) -> Item {
    let hash = digest::digest(&digest::SHA256, email.as_str().as_bytes());
    let first = hash.as_ref().first().copied().unwrap_or_default();
    key(member_pk(org, first % MEMBER_PARTITIONS), email.as_str())
}

fn suppressed_pk(org: &OrgId) -> String {
    format!("SUPPRESSED#{org}")
}

/// Whether a text is a place in the list of members: `{partition}#{address}`.
pub fn is_member_cursor(cursor: &str) -> bool {
    let partition = cursor.split_once('#').and_then(|(number, _)| number.parse::<u8>().ok());
    partition.is_some_and(|partition| partition < MEMBER_PARTITIONS)
}

/// What one call reads for a request: whatever of it was asked for and exists.
#[derive(Debug, Default)]
pub struct Together {
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

    fn cached<T>(&self, look: impl FnOnce(&mut Cache) -> T) -> T {
        let mut cache = self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        look(&mut cache)
    }

    async fn get<T: DeserializeOwned>(&self, key: Item) -> Result<Option<T>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await?;
        answer.item.map(from_item).transpose()
    }

    async fn put<T: Serialize>(&self, key: Item, value: &T) -> Result<(), StoreError> {
        let mut item = to_item(value)?;
        item.extend(key);
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Removes an item; false when there was none.
    async fn delete(&self, key: Item) -> Result<bool, StoreError> {
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

    async fn query<T: DeserializeOwned>(
        &self,
        pk: String,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<T>, StoreError> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
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

    /// Reads key, organization, template and members in one call.
    ///
    /// # Errors
    /// As of the store.
    pub async fn together(
        &self,
        org: &OrgId,
        key_id: Option<&str>,
        template: Option<TemplateId>,
        members: &[&EmailAddress],
    ) -> Result<Together, StoreError> {
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
        keys.extend(template.map(|id| key(org_pk(org), template_sk(id))));
        let mut addresses: Vec<&&EmailAddress> = members.iter().collect();
        addresses.sort_unstable();
        addresses.dedup();
        keys.extend(addresses.into_iter().map(|email| member_key(org, email)));
        let mut read = Together::default();
        for item in get_many(&self.client, &self.table, keys).await? {
            let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
            match sk.as_str() {
                "ORG" => {
                    let organization: Organization = from_item(item)?;
                    let kept = Arc::new(organization.clone());
                    self.cached(|c| c.settings.insert(org.clone(), (Instant::now(), kept)));
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

    /// The organization's secret for ids; never rotated, so it is kept in memory.
    ///
    /// # Errors
    /// As of the store; [`StoreError::Broken`] when there is none.
    pub async fn id_secret(&self, org: &OrgId) -> Result<IdSecret, StoreError> {
        if let Some(secret) = self.cached(|cache| cache.secrets.get(org).cloned()) {
            return Ok(secret);
        }
        let secret: Option<SecretItem> = self.get(key(org_pk(org), "IDSECRET")).await?;
        let secret = secret.ok_or(StoreError::Broken("organization without secret".to_owned()))?;
        self.cached(|cache| cache.secrets.insert(org.clone(), secret.secret.clone()));
        Ok(secret.secret)
    }

    fn fresh_signing_key(&self, org: &OrgId, mode: Mode) -> Option<Arc<SealedKey>> {
        self.cached(|cache| {
            cache
                .signing
                .get(&(org.clone(), mode))
                .filter(|(at, _)| at.elapsed() < SIGNING_AGE)
                .map(|(_, kept)| Arc::clone(kept))
        })
    }

    fn remember_signing_key(&self, org: &OrgId, mode: Mode, key: SealedKey) -> Arc<SealedKey> {
        let key = Arc::new(key);
        let kept = Arc::clone(&key);
        self.cached(|c| c.signing.insert((org.clone(), mode), (Instant::now(), kept)));
        key
    }

    /// The key that an organization signs with, as of the last minute.
    ///
    /// # Errors
    /// As of the store; [`StoreError::Broken`] when it has none.
    pub async fn signing_key(&self, org: &OrgId, mode: Mode) -> Result<Arc<SealedKey>, StoreError> {
        if let Some(key) = self.fresh_signing_key(org, mode) {
            return Ok(key);
        }
        let read: Option<SealedKey> = self.get(key(org_pk(org), signing_sk(mode))).await?;
        let read = read.ok_or(StoreError::Broken("organization without key".to_owned()))?;
        Ok(self.remember_signing_key(org, mode, read))
    }

    /// Lets the key that signs be read anew.
    pub fn forget_signing_key(&self, org: &OrgId, mode: Mode) {
        self.cached(|cache| cache.signing.remove(&(org.clone(), mode)));
    }

    /// Puts a key in the place of the one that signs now (`before`; none: there is no key
    /// yet); false when that is not the one. The public parts of both are kept.
    ///
    /// # Errors
    /// As of the store.
    pub async fn put_signing_key(
        &self,
        org: &OrgId,
        mode: Mode,
        before: Option<&str>,
        new: &SealedKey,
    ) -> Result<bool, StoreError> {
        let pk = org_pk(org);
        let mut item = to_item(new)?;
        item.extend(key(&pk, signing_sk(mode)));
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("multikey = :before")
                .expression_attribute_values(":before", text(before)),
        };
        let mut public = to_item(&PublicKey {
            v: 1,
            multikey: new.multikey.clone(),
            created_at: new.created_at.clone(),
            retired_at: None,
            compromised_at: None,
            reason: None,
        })?;
        public.extend(key(&pk, public_sk(mode, &new.multikey)));
        let public = Put::builder().table_name(&self.table).set_item(Some(public)).build()?;
        let mut writes = vec![
            TransactWriteItem::builder().put(put.build()?).build(),
            TransactWriteItem::builder().put(public).build(),
        ];
        if let Some(before) = before {
            let retire = Update::builder()
                .table_name(&self.table)
                .set_key(Some(key(&pk, public_sk(mode, before))))
                .update_expression("SET retired_at = :at")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":at", text(&new.created_at))
                .build()?;
            writes.push(TransactWriteItem::builder().update(retire).build());
        }
        let written = write_together(&self.client, writes).await?;
        self.forget_signing_key(org, mode);
        Ok(written)
    }

    /// Every key that an organization signed with in a mode, newest first.
    ///
    /// # Errors
    /// As of the store.
    pub async fn public_keys(&self, org: &OrgId, mode: Mode) -> Result<Vec<PublicKey>, StoreError> {
        let prefix = format!("PUBLIC#{mode}#");
        let (mut keys, mut after) = (Vec::new(), None::<String>);
        loop {
            let page: Page<PublicKey> =
                self.query(org_pk(org), &prefix, after.as_deref(), 1_000).await?;
            keys.extend(page.items);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        keys.sort_by(|a, b| b.created_at.cmp(&a.created_at));
        Ok(keys)
    }

    /// Declares a key that signs no more compromised; the key as it stands then, none when
    /// there is no such key or it still signs. A second call keeps the first instant.
    ///
    /// # Errors
    /// As of the store.
    pub async fn compromise_key(
        &self,
        org: &OrgId,
        mode: Mode,
        multikey: &str,
        reason: &str,
        now: &str,
    ) -> Result<Option<PublicKey>, StoreError> {
        let declared = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(org_pk(org), public_sk(mode, multikey))))
            .update_expression(
                "SET compromised_at = if_not_exists(compromised_at, :now), reason = if_not_exists(reason, :why)",
            )
            .condition_expression("attribute_exists(retired_at)")
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":why", text(reason))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match declared.map_err(StoreError::from) {
            Ok(answer) => answer.attributes.map(from_item).transpose(),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The organization as of the last minute.
    ///
    /// # Errors
    /// As of the store; [`StoreError::Broken`] when there is none.
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
        let read: Option<Organization> = self.get(key(org_pk(org), "ORG")).await?;
        let read = Arc::new(read.ok_or(StoreError::Broken("no such organization".to_owned()))?);
        let kept = Arc::clone(&read);
        self.cached(|cache| cache.settings.insert(org.clone(), (Instant::now(), kept)));
        Ok(read)
    }

    /// Creates an organization with its secret, unless it is there.
    ///
    /// # Errors
    /// As of the store.
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

    /// Writes an organization's settings.
    ///
    /// # Errors
    /// As of the store.
    pub async fn put_organization(&self, organization: &Organization) -> Result<(), StoreError> {
        self.cached(|cache| cache.settings.remove(&organization.org));
        self.put(key(org_pk(&organization.org), "ORG"), organization).await
    }

    /// Keeps an image. What is there under its name is the same.
    ///
    /// # Errors
    /// As of the store.
    pub async fn put_image(&self, image: &Image, png: &[u8]) -> Result<(), StoreError> {
        let item = ImageItem { v: 1, image: image.clone(), png: png.to_vec() };
        self.put(image_key(&image.id), &item).await
    }

    /// An image and its PNG file.
    ///
    /// # Errors
    /// As of the store.
    pub async fn image(&self, id: &ImageId) -> Result<Option<(Image, Vec<u8>)>, StoreError> {
        let item: Option<ImageItem> = self.get(image_key(id)).await?;
        Ok(item.map(|item| (item.image, item.png)))
    }

    /// Writes a key.
    ///
    /// # Errors
    /// As of the store.
    pub async fn put_key(&self, org: &OrgId, api_key: &ApiKey) -> Result<(), StoreError> {
        self.put(key(org_pk(org), format!("KEY#{}", api_key.id)), api_key).await
    }

    /// Sets one instant of a key (`revoked_at`, `last_used_at`); false when there is no such
    /// key. A second revocation keeps the first instant.
    ///
    /// # Errors
    /// As of the store.
    pub async fn touch_key(
        &self,
        org: &OrgId,
        id: &str,
        attribute: &'static str,
        at: &str,
        keep_first: bool,
    ) -> Result<bool, StoreError> {
        let update = if keep_first { "SET #a = if_not_exists(#a, :at)" } else { "SET #a = :at" };
        let touched = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(org_pk(org), format!("KEY#{id}"))))
            .update_expression(update)
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#a", attribute)
            .expression_attribute_values(":at", text(at))
            .send()
            .await;
        match touched.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Keys of an organization.
    ///
    /// # Errors
    /// As of the store.
    pub async fn keys(
        &self,
        org: &OrgId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ApiKey>, StoreError> {
        self.query(org_pk(org), "KEY#", after, limit).await
    }

    /// The current version of a template.
    ///
    /// # Errors
    /// As of the store.
    pub async fn template(
        &self,
        org: &OrgId,
        id: TemplateId,
    ) -> Result<Option<Template>, StoreError> {
        self.get(key(org_pk(org), template_sk(id))).await
    }

    /// One version of a template; versions never change, so they are kept in memory.
    ///
    /// # Errors
    /// As of the store.
    pub async fn template_version(
        &self,
        org: &OrgId,
        id: TemplateId,
        version: u32,
    ) -> Result<Option<Arc<Template>>, StoreError> {
        let at = (org.clone(), id, version);
        if let Some(template) = self.cached(|cache| cache.versions.get(&at).cloned()) {
            return Ok(Some(template));
        }
        let read: Option<Template> = self.get(key(org_pk(org), version_sk(id, version))).await?;
        let read = read.map(Arc::new);
        if let Some(template) = &read {
            let kept = Arc::clone(template);
            self.cached(|cache| {
                if cache.versions.len() >= CACHED_VERSIONS {
                    cache.versions.clear();
                }
                cache.versions.insert(at, kept)
            });
        }
        Ok(read)
    }

    /// Writes a template's version `template.version`, if the one before it is current
    /// (1: if there is none). False when it is not.
    ///
    /// # Errors
    /// As of the store.
    pub async fn put_template(&self, org: &OrgId, template: &Template) -> Result<bool, StoreError> {
        let pk = org_pk(org);
        let mut current = to_item(template)?;
        current.extend(key(&pk, template_sk(template.id)));
        let mut version = to_item(template)?;
        version.extend(key(&pk, version_sk(template.id, template.version)));
        if template.version == 1 {
            return self.create_both(current, version, "attribute_not_exists(pk)", &[]).await;
        }
        // An archive that lands between read and write must not be undone.
        let values = [
            (":before", super::number(template.version - 1)),
            (":archived", aws_sdk_dynamodb::types::AttributeValue::Bool(template.archived)),
        ];
        let condition = "version = :before AND archived = :archived";
        self.create_both(current, version, condition, &values).await
    }

    /// Puts two items at once: the first under a condition, the second if it is new.
    async fn create_both(
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

    /// Marks a template as archived; what it was before, if it exists.
    ///
    /// # Errors
    /// As of the store.
    pub async fn archive_template(
        &self,
        org: &OrgId,
        id: TemplateId,
    ) -> Result<Option<Template>, StoreError> {
        let archived = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(org_pk(org), template_sk(id))))
            .update_expression("SET archived = :yes")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(
                ":yes",
                aws_sdk_dynamodb::types::AttributeValue::Bool(true),
            )
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match archived.map_err(StoreError::from) {
            Ok(answer) => answer.attributes.map(from_item).transpose(),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Templates of an organization, current versions.
    ///
    /// # Errors
    /// As of the store.
    pub async fn templates(
        &self,
        org: &OrgId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Template>, StoreError> {
        self.query(org_pk(org), "TPL#", after, limit).await
    }

    /// A member.
    ///
    /// # Errors
    /// As of the store.
    pub async fn member(
        &self,
        org: &OrgId,
        email: &EmailAddress,
    ) -> Result<Option<Member>, StoreError> {
        self.get(member_key(org, email)).await
    }

    /// Writes members, whatever was there.
    ///
    /// # Errors
    /// As of the store.
    pub async fn put_members(&self, org: &OrgId, members: &[Member]) -> Result<(), StoreError> {
        let mut items = Vec::with_capacity(members.len());
        for member in members {
            let mut item = to_item(member)?;
            item.extend(member_key(org, &member.email));
            items.push(item);
        }
        put_many(&self.client, &self.table, items).await
    }

    /// Removes a member; false when there was none.
    ///
    /// # Errors
    /// As of the store.
    pub async fn delete_member(
        &self,
        org: &OrgId,
        email: &EmailAddress,
    ) -> Result<bool, StoreError> {
        self.delete(member_key(org, email)).await
    }

    /// Members of an organization, partition after partition. A cursor is
    /// `{partition}#{address}`.
    ///
    /// # Errors
    /// As of the store.
    pub async fn members(
        &self,
        org: &OrgId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Member>, StoreError> {
        let (mut partition, mut after) = match cursor.and_then(|c| c.split_once('#')) {
            Some((partition, after)) => (partition.parse().unwrap_or(0), after.to_owned()),
            None => (0_u8, String::new()),
        };
        let mut items = Vec::new();
        while partition < MEMBER_PARTITIONS {
            let after_key = Some(after.as_str()).filter(|a| !a.is_empty());
            let page: Page<Member> =
                self.query(member_pk(org, partition), "", after_key, limit - items.len()).await?;
            items.extend(page.items);
            match page.next {
                Some(next) if items.len() >= limit => {
                    return Ok(Page { items, next: Some(format!("{partition}#{next}")) });
                }
                Some(next) => after = next,
                None => {
                    partition += 1;
                    after.clear();
                    if items.len() >= limit && partition < MEMBER_PARTITIONS {
                        return Ok(Page { items, next: Some(format!("{partition}#")) });
                    }
                }
            }
        }
        Ok(Page { items, next: None })
    }

    /// Puts an address on the list of those that get no mail.
    ///
    /// # Errors
    /// As of the store.
    pub async fn suppress(&self, org: &OrgId, entry: &Suppression) -> Result<(), StoreError> {
        self.put(key(suppressed_pk(org), entry.email.as_str()), entry).await
    }

    /// Why an address gets no mail, if so.
    ///
    /// # Errors
    /// As of the store.
    pub async fn suppression(
        &self,
        org: &OrgId,
        email: &EmailAddress,
    ) -> Result<Option<Suppression>, StoreError> {
        self.get(key(suppressed_pk(org), email.as_str())).await
    }

    /// Those of some addresses that stand on the suppression list; one that was put there
    /// within the last second may be missing.
    ///
    /// # Errors
    /// As of the store.
    pub async fn suppressed(
        &self,
        org: &OrgId,
        emails: &BTreeSet<&str>,
    ) -> Result<HashSet<String>, StoreError> {
        let keys = emails.iter().map(|email| key(suppressed_pk(org), *email)).collect();
        let found = read_many(&self.client, &self.table, keys, false).await?;
        let email = |item: &Item| item.get("sk")?.as_s().ok().cloned();
        Ok(found.iter().filter_map(email).collect())
    }

    /// Takes an address off the list; false when it was not on it.
    ///
    /// # Errors
    /// As of the store.
    pub async fn unsuppress(&self, org: &OrgId, email: &EmailAddress) -> Result<bool, StoreError> {
        self.delete(key(suppressed_pk(org), email.as_str())).await
    }

    /// Addresses of an organization that get no mail, in their order. A cursor is an address.
    ///
    /// # Errors
    /// As of the store.
    pub async fn suppressions(
        &self,
        org: &OrgId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Suppression>, StoreError> {
        self.query(suppressed_pk(org), "", cursor, limit).await
    }
}

/// An image as it is kept.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
struct ImageItem {
    v: u32,
    image: Image,
    #[serde(with = "serde_bytes")]
    png: Vec<u8>,
}

/// The secret as it is kept.
#[derive(Clone, Debug, Serialize, serde::Deserialize)]
struct SecretItem {
    v: u32,
    secret: IdSecret,
}
