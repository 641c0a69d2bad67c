//! How the columns of files are read: the maps that are remembered for templates, in the catalog
//! table, and what became of the columns of one file, beside its job.

use super::{
    Item, StoreError,
    catalog::Catalog,
    from_item,
    jobs::{Jobs, job_pk},
    key, number,
    schema::TTL,
};
use crate::domain::{
    column_map::{ReadColumn, RememberedMap},
    ids::{JobId, OrgId, TemplateId},
};

fn map_key(org: &OrgId, template: TemplateId) -> Item {
    // A partition of its own: the function that forgets a map may delete nothing beside keys.
    key(format!("COLMAP#{org}"), template.to_string())
}

fn columns_key(job: JobId) -> Item {
    key(job_pk(job), "COLUMNS")
}

/// The columns of a file, as they are stored.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct FileColumns {
    v: u32,
    columns: Vec<ReadColumn>,
}

impl Catalog {
    /// Reads the map that is remembered for a template.
    pub async fn column_map(
        &self,
        org: &OrgId,
        template: TemplateId,
    ) -> Result<Option<RememberedMap>, StoreError> {
        self.get(map_key(org, template)).await
    }

    /// Remembers a map for a template, in place of an earlier one.
    pub async fn put_column_map(
        &self,
        org: &OrgId,
        template: TemplateId,
        map: &RememberedMap,
    ) -> Result<(), StoreError> {
        self.put(map_key(org, template), map).await
    }

    /// Forgets the map of a template; false if there was none.
    pub async fn delete_column_map(
        &self,
        org: &OrgId,
        template: TemplateId,
    ) -> Result<bool, StoreError> {
        self.delete(map_key(org, template)).await
    }
}

impl Jobs {
    /// Stores what became of the columns of a job's file, until an instant in seconds since 1970.
    /// Safe to repeat.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_columns(
        &self,
        job: JobId,
        columns: Vec<ReadColumn>,
        until: i64,
    ) -> Result<(), StoreError> {
        let mut item = super::to_item(&FileColumns { v: 1, columns })?;
        item.extend(columns_key(job));
        item.insert(TTL.to_owned(), number(until));
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Reads what became of the columns of a job's file, if that was stored and has not expired.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn columns(
        &self,
        job: JobId,
        now: i64,
    ) -> Result<Option<Vec<ReadColumn>>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(columns_key(job)))
            .consistent_read(true)
            .send()
            .await?;
        // An expired item stays readable for up to two days.
        let until =
            |item: &Item| item.get(TTL).and_then(|ttl| ttl.as_n().ok()?.parse::<i64>().ok());
        let item = answer.item.filter(|item| until(item).is_none_or(|until| until > now));
        Ok(item.map(from_item::<FileColumns>).transpose()?.map(|found| found.columns))
    }
}
