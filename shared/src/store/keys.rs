//! Keys in the catalog table: API keys, and the keys that sign.

use std::sync::Arc;

use aws_sdk_dynamodb::types::{Put, ReturnValue, TransactWriteItem, Update};

use super::{
    Page, StoreError,
    catalog::{Catalog, org_pk, signing_sk},
    from_item, key, text, to_item, write_together,
};
use crate::domain::{
    api_key::ApiKey,
    ids::{Mode, OrgId},
    signing_key::{PublicKey, SealedKey},
};

fn key_sk(id: &str) -> String {
    format!("KEY#{id}")
}

fn public_sk(mode: Mode, multikey: &str) -> String {
    format!("PUBLIC#{mode}#{multikey}")
}

/// Keys that a read of one mode takes at least: a page of one must not take a call for each key that
/// it leaves out.
const READ_IN_A_MODE: usize = 500;

impl Catalog {
    /// Returns the key that an organization signs with, at most a minute old.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when it has none.
    pub async fn signing_key(&self, org: &OrgId, mode: Mode) -> Result<Arc<SealedKey>, StoreError> {
        if let Some(key) = self.fresh_signing_key(org, mode) {
            return Ok(key);
        }
        let read: Option<SealedKey> = self.get(key(org_pk(org), signing_sk(mode))).await?;
        let read = read.ok_or(StoreError::Broken("organization without key".to_owned()))?;
        Ok(self.remember_signing_key(org, mode, read))
    }

    /// Drops the cached signing key, so that the next call reads it.
    pub fn forget_signing_key(&self, org: &OrgId, mode: Mode) {
        self.cached(|cache| cache.signing.remove(&(org.clone(), mode)));
    }

    /// Replaces the key that signs, if it is still `before` (`None`: there is no key yet); false
    /// if it is not. The public parts of both are kept.
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

    /// Reads every key that an organization signed with in a mode, newest first.
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

    /// Declares a retired key compromised and returns it; `None` if there is no such key or it
    /// still signs. Safe to repeat: the first instant is kept.
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

    /// Reads an API key, and nothing else.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_key(&self, org: &OrgId, id: &str) -> Result<Option<ApiKey>, StoreError> {
        self.get(key(org_pk(org), key_sk(id))).await
    }

    /// Writes an API key.
    pub async fn put_key(&self, org: &OrgId, api_key: &ApiKey) -> Result<(), StoreError> {
        self.put(key(org_pk(org), key_sk(&api_key.id)), api_key).await
    }

    /// Sets one instant of an API key (`revoked_at`, `last_used_at`); false if there is no such key.
    /// With `keep_first`, an instant that is set stays.
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
            .set_key(Some(key(org_pk(org), key_sk(id))))
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

    /// Reads a page of API keys, of one mode alone if one is given. A page is full while there
    /// are more keys of that mode, so that neither its length nor its end tells of others.
    pub async fn keys(
        &self,
        org: &OrgId,
        mode: Option<Mode>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ApiKey>, StoreError> {
        let (mut items, mut after) = (Vec::<ApiKey>::new(), after.map(str::to_owned));
        let read = if mode.is_none() { limit + 1 } else { (limit + 1).max(READ_IN_A_MODE) };
        loop {
            let page: Page<ApiKey> =
                self.query(org_pk(org), "KEY#", after.as_deref(), read).await?;
            let visible = |key: &ApiKey| mode.is_none_or(|mode| key.mode == mode);
            items.extend(page.items.into_iter().filter(visible));
            if items.len() > limit {
                items.truncate(limit);
                let next = items.last().map(|key| key_sk(&key.id));
                return Ok(Page { items, next });
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(Page { items, next: None }),
            }
        }
    }
}
