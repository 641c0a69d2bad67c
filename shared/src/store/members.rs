//! Members and suppressed addresses in the catalog table.

use std::collections::{BTreeSet, HashSet};

use super::{
    Item, Page, StoreError,
    catalog::{Catalog, MEMBER_PARTITIONS, member_key, member_pk},
    key, put_many, read_many, text, to_item,
};
use crate::domain::{
    email::EmailAddress,
    feedback::Suppression,
    ids::{Mode, OrgId},
    member::Member,
    tenant::Tenant,
};

/// Of two notices on an address, a complaint outranks a bounce, and the first of a kind one that
/// came later, in whatever order they are handled: the reasons' names are in this order.
const OUTRANKS_ENTRY: &str =
    "attribute_not_exists(pk) OR #reason < :reason OR (#reason = :reason AND #since > :since)";

/// The partition of a suppression list; live's is named as it was before lists had a mode.
fn suppressed_pk(of: Tenant<'_>) -> String {
    match of.mode {
        Mode::Live => format!("SUPPRESSED#{}", of.org),
        Mode::Test => format!("SUPPRESSED#{}#test", of.org),
    }
}

impl Catalog {
    /// Reads a member.
    pub async fn member(
        &self,
        org: &OrgId,
        email: &EmailAddress,
    ) -> Result<Option<Member>, StoreError> {
        self.get(member_key(org, email)).await
    }

    /// Writes members, in place of those with the same addresses.
    pub async fn put_members(&self, org: &OrgId, members: &[Member]) -> Result<(), StoreError> {
        let mut items = Vec::with_capacity(members.len());
        for member in members {
            let mut item = to_item(member)?;
            item.extend(member_key(org, &member.email));
            items.push(item);
        }
        put_many(&self.client, &self.table, items).await
    }

    /// Deletes a member; false if there was none.
    pub async fn delete_member(
        &self,
        org: &OrgId,
        email: &EmailAddress,
    ) -> Result<bool, StoreError> {
        self.delete(member_key(org, email)).await
    }

    /// Reads a page of members, partition after partition. A position is
    /// `{partition}#{address}`.
    pub async fn members(
        &self,
        org: &OrgId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Member>, StoreError> {
        let (mut partition, mut after) = match after.and_then(|at| at.split_once('#')) {
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

    /// Adds an address to the suppression list, unless its entry there outranks this one.
    pub async fn suppress(&self, of: Tenant<'_>, entry: &Suppression) -> Result<(), StoreError> {
        let mut item = to_item(entry)?;
        item.extend(key(suppressed_pk(of), entry.email.as_str()));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(OUTRANKS_ENTRY)
            .expression_attribute_names("#reason", "reason")
            .expression_attribute_names("#since", "since")
            .expression_attribute_values(":reason", text(entry.reason.as_str()))
            .expression_attribute_values(":since", text(&entry.since));
        match put.send().await.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reads the entry of an address in the suppression list.
    pub async fn suppression(
        &self,
        of: Tenant<'_>,
        email: &EmailAddress,
    ) -> Result<Option<Suppression>, StoreError> {
        self.get(key(suppressed_pk(of), email.as_str())).await
    }

    /// Returns those of some addresses that are suppressed. The read is eventually consistent: an
    /// address that was added within the last second may be missing.
    pub async fn suppressed(
        &self,
        of: Tenant<'_>,
        emails: &BTreeSet<&str>,
    ) -> Result<HashSet<String>, StoreError> {
        let keys = emails.iter().map(|email| key(suppressed_pk(of), *email)).collect();
        let found = read_many(&self.client, &self.table, keys, false).await?;
        let email = |item: &Item| item.get("sk")?.as_s().ok().cloned();
        Ok(found.iter().filter_map(email).collect())
    }

    /// Removes an address from the suppression list; false if it was not on it.
    pub async fn unsuppress(
        &self,
        of: Tenant<'_>,
        email: &EmailAddress,
    ) -> Result<bool, StoreError> {
        self.delete(key(suppressed_pk(of), email.as_str())).await
    }

    /// Reads a page of suppressed addresses, in their order. A position is an address.
    pub async fn suppressions(
        &self,
        of: Tenant<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Suppression>, StoreError> {
        self.query(suppressed_pk(of), "", after, limit).await
    }
}
