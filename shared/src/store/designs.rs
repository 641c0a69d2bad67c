//! The designs of an organization's certificates, each from a second on: `ORG#{org}` / `DESIGN#{second}`, never changed.

use aws_sdk_dynamodb::types::Select;
use serde::{Deserialize, Serialize};

use super::{
    StoreError,
    attributes::Projection,
    catalog::{Catalog, org_pk},
    from_item, key, text, to_item,
};
use crate::domain::{design::DesignPart, ids::OrgId};

/// Sorts after every second.
const LATEST: &str = "~";

/// The design of an organization from a second on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationDesign {
    /// Version of this item's format.
    pub v: u32,
    /// The second from which it is in force, RFC 3339: a credential that was accepted then or later has it.
    pub since: String,
    /// The design.
    pub design: DesignPart,
}

impl Catalog {
    /// Reads the design that is in force at an instant (RFC 3339), or the last one; `None` before the first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn design(
        &self,
        org: &OrgId,
        at: Option<&str>,
    ) -> Result<Option<OrganizationDesign>, StoreError> {
        let Projection { expression, names } = Projection::of::<OrganizationDesign>();
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .select(Select::SpecificAttributes)
            .set_projection_expression(expression)
            .set_expression_attribute_names(names)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :at")
            .expression_attribute_values(":pk", text(org_pk(org)))
            .expression_attribute_values(":first", text(design_sk("")))
            .expression_attribute_values(":at", text(design_sk(at.unwrap_or(LATEST))))
            .scan_index_forward(false)
            .limit(1)
            .consistent_read(true)
            .send()
            .await?;
        answer.items.unwrap_or_default().into_iter().next().map(from_item).transpose()
    }

    /// Writes a design; false if another one begins in the same second.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_design(
        &self,
        org: &OrgId,
        design: &OrganizationDesign,
    ) -> Result<bool, StoreError> {
        let mut item = to_item(design)?;
        item.extend(key(org_pk(org), design_sk(&design.since)));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match put.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn design_sk(since: &str) -> String {
    format!("DESIGN#{since}")
}
