//! Templates in the catalog table: the current version of each, and every version.

use std::sync::Arc;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde::Deserialize;

use super::{
    Page, StoreError,
    catalog::{Catalog, org_pk},
    from_item, key, number, to_item,
};
use crate::domain::{
    ids::{OrgId, TemplateId},
    template::Template,
    text::folded,
};

/// Template versions kept in memory; beyond that the cache is emptied.
const CACHED_VERSIONS: usize = 1_000;
/// Templates that one call reads when they are looked up by name; a call ends at 1 MB besides.
const READ_NAMED: usize = 500;
/// Such calls a page.
const NAMED_READS: usize = 10;

pub(super) fn template_sk(id: TemplateId) -> String {
    format!("TPL#{id}")
}

fn version_sk(id: TemplateId, version: u32) -> String {
    format!("TPLV#{id}#{version:08}")
}

/// The key of a template.
#[derive(Debug, Deserialize)]
struct TemplateKey {
    sk: String,
}

fn template_of(sk: &str) -> Option<TemplateId> {
    TemplateId::parse(sk.strip_prefix("TPL#")?).ok()
}

impl Catalog {
    /// Reads the current version of a template.
    pub async fn template(
        &self,
        org: &OrgId,
        id: TemplateId,
    ) -> Result<Option<Template>, StoreError> {
        self.get(key(org_pk(org), template_sk(id))).await
    }

    /// Returns one version of a template. Versions never change, so they are kept in memory.
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

    /// Writes version `template.version` of a template if the one before it is current (1: if there
    /// is none); false if it is not.
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
            (":before", number(template.version - 1)),
            (":archived", AttributeValue::Bool(template.archived)),
        ];
        let condition = "version = :before AND archived = :archived";
        self.create_both(current, version, condition, &values).await
    }

    /// Archives a template and returns it; `None` if there is none.
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
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match archived.map_err(StoreError::from) {
            Ok(answer) => answer.attributes.map(from_item).transpose(),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a page of the ids of templates, in the order of their keys, after one of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn template_ids(
        &self,
        org: &OrgId,
        after: Option<TemplateId>,
        limit: usize,
    ) -> Result<Page<TemplateId>, StoreError> {
        let after = after.map(template_sk);
        let page: Page<TemplateKey> =
            self.query(org_pk(org), "TPL#", after.as_deref(), limit).await?;
        let ids = page.items.iter().filter_map(|key| template_of(&key.sk)).collect();
        let next = page.next.as_deref().and_then(template_of).map(|id| id.to_string());
        Ok(Page { items: ids, next })
    }

    /// Reads a page of templates whose names contain a text, [`folded`]. A page reads a bounded number of
    /// them, so it can be short, or empty, and still have a next one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn templates_named(
        &self,
        org: &OrgId,
        part: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Template>, StoreError> {
        let (mut items, mut after) = (Vec::<Template>::new(), after.map(str::to_owned));
        for _ in 0..NAMED_READS {
            let page: Page<Template> =
                self.query(org_pk(org), "TPL#", after.as_deref(), READ_NAMED).await?;
            let named = |template: &Template| folded(&template.definition.name).contains(part);
            items.extend(page.items.into_iter().filter(named));
            if items.len() > limit {
                items.truncate(limit);
                let next = items.last().map(|template| template_sk(template.id));
                return Ok(Page { items, next });
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(Page { items, next: after })
    }

    /// Reads a page of templates, current versions.
    pub async fn templates(
        &self,
        org: &OrgId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Template>, StoreError> {
        self.query(org_pk(org), "TPL#", after, limit).await
    }
}
