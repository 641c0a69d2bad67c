//! Members and suppressed addresses in the catalog table.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Item, Page, StoreError,
    catalog::{Catalog, MEMBER_PARTITIONS, member_key, member_pk},
    erasures::{any_erased_key, erased_pk},
    key, number, put_many, read_many, text, to_item,
};
use crate::domain::{
    email::EmailAddress,
    feedback::Suppression,
    identity,
    ids::{Mode, OrgId},
    member::Member,
    member_row::MemberChange,
    tenant::Tenant,
    undelivered::Undelivered,
};

/// Members that are changed at once.
const CHANGED_AT_ONCE: usize = 32;
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

    /// Changes members, each by one call: a field that a change does not name stays as it is, also
    /// if somebody changes it at the same time. Returns the addresses whose members were deleted since
    /// they were looked up: these are as they were, for a change names only what differed.
    ///
    /// # Errors
    /// [`StoreError`]; some of them may have been changed.
    pub async fn change_members(
        &self,
        org: &OrgId,
        changes: &[&MemberChange],
        now: &str,
    ) -> Result<HashSet<EmailAddress>, StoreError> {
        let calls = changes.iter().map(async |change| {
            let changed = self.change_member(org, change, now).await?;
            Ok::<_, StoreError>((!changed).then(|| change.email.clone()))
        });
        // Collected first: the compiler cannot prove what a lazy iterator borrows.
        let calls: Vec<_> = calls.collect();
        let gone = stream::iter(calls).buffer_unordered(CHANGED_AT_ONCE);
        gone.try_filter_map(async |gone| Ok(gone)).try_collect().await
    }

    /// Changes a member; false if it was deleted.
    async fn change_member(
        &self,
        org: &OrgId,
        change: &MemberChange,
        now: &str,
    ) -> Result<bool, StoreError> {
        let mut set = vec!["#v = :v", "#email = :email", "#updated_at = :now"]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        set.push("#created_at = if_not_exists(#created_at, :now)".to_owned());
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(member_key(org, &change.email)))
            .expression_attribute_values(":v", number(1))
            .expression_attribute_values(":email", text(change.email.as_str()))
            .expression_attribute_values(":now", text(now));
        for name in ["v", "email", "updated_at", "created_at"] {
            update = update.expression_attribute_names(format!("#{name}"), name);
        }
        for (field, value) in &change.set {
            let name = field.as_str();
            set.push(format!("#{name} = :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), text(value));
        }
        let mut remove = Vec::new();
        for field in &change.cleared {
            let name = field.as_str();
            remove.push(format!("#{name}"));
            update = update.expression_attribute_names(format!("#{name}"), name);
        }
        let mut expression = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            expression += &format!(" REMOVE {}", remove.join(", "));
        }
        if !change.is_new {
            update = update.condition_expression("attribute_exists(pk)");
        }
        match update.update_expression(expression).send().await.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
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

    /// Returns those of some addresses that get no mail, and why: they are on the suppression list, or were
    /// erased. Hashes are looked for only where the organization has erased an address. The reads are
    /// eventually consistent: an address that was added within the last second may be missing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn suppressed(
        &self,
        of: Tenant<'_>,
        emails: &BTreeSet<&EmailAddress>,
    ) -> Result<HashMap<String, Undelivered>, StoreError> {
        let any = any_erased_key(of.org);
        let listed = emails.iter().map(|email| key(suppressed_pk(of), email.as_str()));
        let keys = [any.clone()].into_iter().chain(listed).collect();
        let found = read_many(&self.client, &self.table, keys, false).await?;
        let sk = |item: &Item| item.get("sk")?.as_s().ok().cloned();
        let (any, listed): (Vec<Item>, Vec<Item>) =
            found.into_iter().partition(|item| item.get("pk") == any.get("pk"));
        let why = |why| move |email| (email, why);
        let mut none: HashMap<String, Undelivered> =
            listed.iter().filter_map(sk).map(why(Undelivered::Suppressed)).collect();
        if !any.is_empty() {
            let secret = self.id_secret(of.org).await?;
            let hash = |email: &EmailAddress| identity::email_key(&secret, of.org, of.mode, email);
            let hashed: HashMap<String, &str> =
                emails.iter().map(|email| (hash(email), email.as_str())).collect();
            let keys = hashed.keys().map(|hash| key(erased_pk(of.org), hash)).collect();
            let found = read_many(&self.client, &self.table, keys, false).await?;
            let erased = found.iter().filter_map(sk).filter_map(|sk| hashed.get(&sk).copied());
            none.extend(erased.map(str::to_owned).map(why(Undelivered::ErasedAddress)));
        }
        Ok(none)
    }

    /// Returns why an address gets no mail, if it gets none, see [`Self::suppressed`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn why_suppressed(
        &self,
        of: Tenant<'_>,
        email: &EmailAddress,
    ) -> Result<Option<Undelivered>, StoreError> {
        Ok(self.suppressed(of, &BTreeSet::from([email])).await?.into_values().next())
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
