//! Settings, senders and names of organizations in the catalog table.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::{
    Page, StoreError,
    catalog::{Catalog, org_pk},
    from_item, key, put_many, text, to_item,
};
use crate::domain::{
    ids::OrgId,
    likeness::are_alike,
    organization::{Organization, Settings},
    sender::AllowedSender,
};

/// The partition of the names of all organizations.
const NAMES: &str = "ORGS";

/// The settings name a sender that the operator allows at this moment: the list is the operator's,
/// and can have changed since it was read.
const SENDER_ALLOWED: &str = "contains(senders, :address) OR contains(senders, :domain) OR (attribute_not_exists(senders) AND #settings.sender = :address)";

/// The first change of settings keeps the time zone of before.
const KEEP_ZONE: &str = "undated_zone = if_not_exists(undated_zone, :zone)";

/// An organization's name, as it is stored beside those of the others.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Named {
    v: u32,
    org: OrgId,
    name: String,
}

impl Catalog {
    /// Writes settings, if the organization may use their sender; false if it may not. The first
    /// change keeps the time zone of before, see [`Organization::undated_zone`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_settings(
        &self,
        org: &OrgId,
        settings: &Settings,
        zone_before: &str,
    ) -> Result<bool, StoreError> {
        let written = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(org_pk(org), "ORG")))
            .update_expression(format!("SET #settings = :settings, {KEEP_ZONE}"))
            .expression_attribute_values(":zone", text(zone_before))
            .condition_expression(SENDER_ALLOWED)
            .expression_attribute_names("#settings", "settings")
            .expression_attribute_values(":settings", attribute(settings)?)
            .expression_attribute_values(":address", text(settings.sender.as_str()))
            .expression_attribute_values(
                ":domain",
                text(AllowedSender::domain_of(&settings.sender).as_str()),
            )
            .send()
            .await;
        self.forget_settings(org);
        match written.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes settings and the senders that the organization may use, for its operator. Keeps the
    /// time zone of before as [`Catalog::put_settings`] does.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Conflict`] when there is no such organization.
    pub async fn put_senders(
        &self,
        organization: &Organization,
        zone_before: &str,
    ) -> Result<(), StoreError> {
        let written = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(org_pk(&organization.org), "ORG")))
            .update_expression(format!(
                "SET #settings = :settings, senders = :senders, {KEEP_ZONE}"
            ))
            .expression_attribute_values(":zone", text(zone_before))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#settings", "settings")
            .expression_attribute_values(":settings", attribute(&organization.settings)?)
            .expression_attribute_values(":senders", attribute(&organization.allowed_senders())?)
            .send()
            .await;
        self.forget_settings(&organization.org);
        written?;
        Ok(())
    }

    /// Notes an organization's name, so that others are compared with it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_name(&self, org: &OrgId, name: &str) -> Result<(), StoreError> {
        let named = Named { v: 1, org: org.clone(), name: name.to_owned() };
        self.put(key(NAMES, org.as_str()), &named).await
    }

    /// Notes the names of organizations, those of before names were noted included.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_names(&self, organizations: &[Organization]) -> Result<(), StoreError> {
        let mut items = Vec::with_capacity(organizations.len());
        for Organization { org, settings, .. } in organizations {
            let named = Named { v: 1, org: org.clone(), name: settings.name.clone() };
            let mut item = to_item(&named)?;
            item.extend(key(NAMES, org.as_str()));
            items.push(item);
        }
        put_many(&self.client, &self.table, items).await
    }

    /// Returns the other organizations with a name that a reader can take for this one, as far as
    /// their names are noted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn named_like(&self, org: &OrgId, name: &str) -> Result<Vec<OrgId>, StoreError> {
        let (mut alike, mut after) = (Vec::new(), None::<String>);
        loop {
            let page: Page<Named> =
                self.query(NAMES.to_owned(), "", after.as_deref(), 1_000).await?;
            let others = page.items.into_iter().filter(|named| named.org != *org);
            let found = others.filter(|named| are_alike(&named.name, name));
            alike.extend(found.map(|named| named.org));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(alike),
            }
        }
    }

    /// Returns the organizations whose names are noted, with these.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn names(&self) -> Result<Vec<(OrgId, String)>, StoreError> {
        let (mut names, mut after) = (Vec::new(), None::<String>);
        loop {
            let page: Page<Named> =
                self.query(NAMES.to_owned(), "", after.as_deref(), 1_000).await?;
            names.extend(page.items.into_iter().map(|named| (named.org, named.name)));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(names),
            }
        }
    }

    /// Reads all organizations, for their operator: it scans the table, members included.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn organizations(&self) -> Result<Vec<Organization>, StoreError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self
                .client
                .scan()
                .table_name(&self.table)
                .filter_expression("sk = :org")
                .expression_attribute_values(":org", text("ORG"))
                .set_exclusive_start_key(after)
                .send()
                .await?;
            for item in page.items.unwrap_or_default() {
                found.push(from_item::<Organization>(item)?);
            }
            after = page.last_evaluated_key;
            if after.is_none() {
                found.sort_by(|a, b| a.org.as_str().cmp(b.org.as_str()));
                return Ok(found);
            }
        }
    }
}

fn attribute<T: Serialize>(value: &T) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(|e| StoreError::Broken(e.to_string()))
}
