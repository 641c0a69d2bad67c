//! What erasure writes: tombstones, histories and jobs without the person, suppressions by a keyed
//! hash. Each write is conditional on what was read, or can be repeated.

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, TransactWriteItem, Update},
};
use serde::{Deserialize, Serialize};

use super::{
    Item, Page, StoreError,
    catalog::Catalog,
    credential_mail::held,
    credentials::{Credentials, id_key},
    from_item,
    job_rows::{Failure, deflate},
    job_shards::inflate,
    jobs::{Jobs, Only, shard_pk},
    key, number,
    schema::{BY_EMAIL, BY_TIME, TTL},
    status_lists::{CORRECTABLE, List, StatusLists, event_id, status_text},
    text, to_item, write_together,
};
use crate::domain::{
    credential::{Credential, MailState, Status},
    email::EmailAddress,
    erasure::{Tombstone, Why},
    ids::{CredentialId, JobId, OrgId, ShardId},
    job::{Job, JobFailure, Row},
    lang::Lang,
    status_entry::ListId,
    tenant::Tenant,
};

/// A credential of before changes were counted is as it was read.
const AS_READ: &str = "mail = :mail";
/// What retention erases was not blocked since: evidence stays until it is shown again.
const NOT_BLOCKED: &str = " AND attribute_not_exists(blocked)";
/// The piece is as it was read.
const SAME_PIECE: &str = "#data = :before";
/// Where an organization has erased an address, the item that says so. What sends mail reads it with the
/// suppressions of a batch, and looks for hashes only if it is there.
const ANY: &str = "ANY";

/// An address that gets no mail since it was erased: only its keyed hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedAddress {
    /// Version of this item's format.
    pub v: u32,
    /// When it was first erased, RFC 3339.
    pub since: String,
}

/// Up to 280 KB of a shard's inputs.
#[derive(Debug)]
pub struct Piece {
    sk: String,
    data: Vec<u8>,
    /// Its rows.
    pub rows: Vec<Row>,
}

pub(super) fn erased_pk(org: &OrgId) -> String {
    format!("SUPPRESSED#{org}#erased")
}

pub(super) fn any_erased_key(org: &OrgId) -> Item {
    key(erased_pk(org), ANY)
}

impl Credentials {
    /// Puts a tombstone in the place of a credential; false if the credential is not as it was read.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn bury(
        &self,
        credential: &Credential,
        tombstone: &Tombstone,
    ) -> Result<bool, StoreError> {
        let mut item = to_item(tombstone)?;
        let (pk, sk) = super::credentials::time_key(credential);
        item.insert(BY_TIME.partition.to_owned(), text(pk));
        item.insert(BY_TIME.sort.to_owned(), text(sk));
        let mail: AttributeValue =
            serde_dynamo::to_attribute_value::<&MailState, _>(&credential.stored_mail)
                .map_err(|e| StoreError::Broken(e.to_string()))?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let unblocked = match tombstone.why {
            Why::Retention => NOT_BLOCKED,
            Why::Request => "",
        };
        let put = match credential.version {
            0 => put.condition_expression(format!("{AS_READ}{unblocked}")),
            _ => put
                .condition_expression(format!("{CORRECTABLE}{unblocked}"))
                .expression_attribute_values(":before", number(credential.revision)),
        };
        held(put.expression_attribute_values(":mail", mail).send().await.map_err(StoreError::from))
    }

    /// Deletes the test mail of a credential.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn delete_test_mail(&self, id: CredentialId) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.table);
        delete.set_key(Some(id_key(format!("MAIL#{id}")))).send().await?;
        Ok(())
    }

    /// Ids of the items under an address key, oldest first: of credentials, and of the entries of
    /// histories that tell that a credential had this address. `after` is where the last page ended.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn all_of_address(
        &self,
        email_key: &str,
        after: Option<&str>,
    ) -> Result<Page<String>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_EMAIL.name)
            .key_condition_expression("#pk = :pk AND #sk > :after")
            .expression_attribute_names("#pk", BY_EMAIL.partition)
            .expression_attribute_names("#sk", BY_EMAIL.sort)
            .expression_attribute_values(":pk", text(email_key))
            .expression_attribute_values(":after", text(after.unwrap_or("0")))
            .limit(100)
            .send()
            .await?;
        let of = |item: &Item, name: &str| item.get(name).and_then(|v| v.as_s().ok()).cloned();
        let next = answer.last_evaluated_key.and_then(|key| of(&key, BY_EMAIL.sort));
        let items = answer.items.unwrap_or_default();
        Ok(Page { items: items.iter().filter_map(|item| of(item, "id")).collect(), next })
    }
}

impl StatusLists {
    /// Takes out of a credential's history what says something about its person: reasons, and the
    /// versions that corrections replaced. Who changed what, and when, stays.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn forget_history(&self, id: CredentialId, revisions: u32) -> Result<(), StoreError> {
        for revision in 1..=revisions {
            self.forget_event(&event_id(id, revision)).await?;
        }
        Ok(())
    }

    /// Does the same with one entry.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn forget_entry(&self, id: CredentialId, revision: u32) -> Result<(), StoreError> {
        self.forget_event(&event_id(id, revision)).await
    }

    /// Does the same with the entry of this key, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn forget_event(&self, id: &str) -> Result<(), StoreError> {
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .set_key(Some(id_key(id)))
            .update_expression(format!(
                "REMOVE #reason, replaced, {}, {}",
                BY_EMAIL.partition, BY_EMAIL.sort
            ))
            .expression_attribute_names("#reason", "reason");
        update.send().await?;
        Ok(())
    }

    /// Replaces a list, and notes on what is left of a credential that it is revoked; false if the
    /// list has changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_erased(
        &self,
        id: &ListId,
        list: &List,
        credential: CredentialId,
    ) -> Result<bool, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(id_key(credential.to_string())))
            .update_expression("SET #status = :revoked")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":revoked", status_text(Status::Revoked)?)
            .build()?;
        let update = TransactWriteItem::builder().update(update).build();
        write_together(&self.client, vec![self.list_write(id, list)?, update]).await
    }
}

impl Catalog {
    /// Notes that an address was erased, by its keyed hash of each mode: it gets no mail. That there is
    /// such an address is noted first.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn put_erased_address(
        &self,
        org: &OrgId,
        email_keys: [&str; 2],
        since: &str,
    ) -> Result<(), StoreError> {
        let noted = ErasedAddress { v: 1, since: since.to_owned() };
        for sk in [ANY].into_iter().chain(email_keys) {
            let mut item = to_item(&noted)?;
            item.extend(key(erased_pk(org), sk));
            let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
            let put = put.condition_expression("attribute_not_exists(pk)").send().await;
            held(put.map_err(StoreError::from))?;
        }
        Ok(())
    }

    /// When an address was erased, if it was.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn erased_address(
        &self,
        org: &OrgId,
        email_key: &str,
    ) -> Result<Option<ErasedAddress>, StoreError> {
        self.get(key(erased_pk(org), email_key)).await
    }

    /// Forgets that an address was erased; false if it was not.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn forget_erased_address(
        &self,
        org: &OrgId,
        email_key: &str,
    ) -> Result<bool, StoreError> {
        self.delete(key(erased_pk(org), email_key)).await
    }

    /// Deletes a member and the suppressions of an address in both modes; returns whether there was a
    /// member.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn forget_address(
        &self,
        tenants: [Tenant<'_>; 2],
        email: &EmailAddress,
    ) -> Result<bool, StoreError> {
        for tenant in tenants {
            self.unsuppress(tenant, email).await?;
        }
        let [Tenant { org, .. }, _] = tenants;
        self.delete_member(org, email).await
    }
}

impl Jobs {
    /// The pieces of a shard's inputs.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pieces(&self, shard: ShardId) -> Result<Vec<Piece>, StoreError> {
        let mut pieces = Vec::new();
        for item in self.items_of(shard, "IN#").await? {
            let sk = item.get("sk").and_then(|v| v.as_s().ok()).cloned().unwrap_or_default();
            let data = item.get("data").and_then(|v| v.as_b().ok());
            let data = data.map(|blob| blob.as_ref().to_vec()).unwrap_or_default();
            let rows = inflate(&data)?;
            pieces.push(Piece { sk, data, rows });
        }
        Ok(pieces)
    }

    /// Writes a piece again with other rows; false if it is not as it was read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rewrite_piece(
        &self,
        shard: ShardId,
        piece: &Piece,
        rows: &[Row],
    ) -> Result<bool, StoreError> {
        let mut raw = Vec::new();
        for row in rows {
            serde_json::to_writer(&mut raw, row).map_err(|e| StoreError::Broken(e.to_string()))?;
            raw.push(b'\n');
        }
        let blob = |data: Vec<u8>| AttributeValue::B(Blob::new(data));
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .set_key(Some(key(shard_pk(shard), &piece.sk)))
            .update_expression("SET #data = :after")
            .condition_expression(SAME_PIECE)
            .expression_attribute_names("#data", "data")
            .expression_attribute_values(":before", blob(piece.data.clone()))
            .expression_attribute_values(":after", blob(deflate(&raw)?));
        held(update.send().await.map_err(StoreError::from))
    }

    /// Takes the person out of what is stored of a row beside its inputs: the text of its failure,
    /// which becomes `why`, and in a dry run what it corrects and whom it resembles.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_row(&self, shard: ShardId, why: &Failure) -> Result<(), StoreError> {
        self.rewrite_failure(shard, why).await?;
        for kind in ["C", "W"] {
            self.forget_item(&shard_pk(shard), &format!("{kind}#{:08}", why.row)).await?;
        }
        Ok(())
    }

    /// The failures of a shard's rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn failures_of(&self, shard: ShardId) -> Result<Vec<Failure>, StoreError> {
        let items = self.items_of(shard, "F#").await?;
        items.into_iter().map(from_item).collect()
    }

    /// Gives the failure of a row, if it has one, another address and other texts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rewrite_failure(&self, shard: ShardId, why: &Failure) -> Result<(), StoreError> {
        let pk = shard_pk(shard);
        let mut item = to_item(why)?;
        item.retain(|name, _| name == "email" || name == "faults");
        let update = self.client.update_item().table_name(&self.table);
        let mut update = update
            .set_key(Some(key(&pk, format!("F#{:08}", why.row))))
            .update_expression("SET email = :email, faults = :faults")
            .condition_expression("attribute_exists(pk)");
        for (name, value) in item {
            update = update.expression_attribute_values(format!(":{name}"), value);
        }
        held(update.send().await.map_err(StoreError::from)).map(drop)
    }

    /// Deletes what a dry run found about people of a shard who resemble others.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_alike(&self, shard: ShardId) -> Result<(), StoreError> {
        for item in self.items_of(shard, "W#").await? {
            if let Some(Ok(sk)) = item.get("sk").map(|sk| sk.as_s().cloned()) {
                self.forget_item(&shard_pk(shard), &sk).await?;
            }
        }
        Ok(())
    }

    /// Deletes what a dry run noted of the first row of an address or a name, by its keyed hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_first(&self, job: JobId, of: &str) -> Result<(), StoreError> {
        self.forget_item(&format!("SEEN#{job}#{of}"), "SEEN").await
    }

    /// Keeps the credential of a row whose content is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_credential(
        &self,
        shard: ShardId,
        row: u32,
        id: CredentialId,
        ttl: i64,
    ) -> Result<(), StoreError> {
        let mut item = key(shard_pk(shard), format!("A#{row:08}"));
        item.insert("credential_id".to_owned(), text(id.to_string()));
        item.insert(TTL.to_owned(), number(ttl));
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Takes out of an ended job what shows values of its rows: the examples of its warnings, the
    /// readings and sheets of a refused file, the columns with their first values, and the reason for which it
    /// revoked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_values(&self, job: &Job) -> Result<(), StoreError> {
        let mut set = Vec::new();
        let mut values = Vec::new();
        let mut remove = Vec::new();
        if !job.warnings.is_empty() {
            remove.push("warnings");
        }
        if let Some(failure) = &job.failure {
            // Its text may cite a cell.
            let error = erased_detail(job.lang).to_owned();
            let (readings, sheets) = (Vec::new(), Vec::new());
            let hidden = JobFailure { error, readings, sheets, sheet: None, ..failure.clone() };
            let hidden = serde_dynamo::to_attribute_value(hidden);
            set.push("failure = :failure");
            values.push((":failure", hidden.map_err(|e| StoreError::Broken(e.to_string()))?));
        }
        if job.revocation.is_some() {
            set.push("revocation.reason = :hidden");
            values.push((":hidden", text("—")));
        }
        let set = if set.is_empty() { String::new() } else { format!("SET {}", set.join(", ")) };
        let remove = if remove.is_empty() {
            String::new()
        } else {
            format!(" REMOVE {}", remove.join(", "))
        };
        if !set.is_empty() || !remove.is_empty() {
            self.update(job.job_id, format!("{set}{remove}").trim(), values, Only::Closed).await?;
        }
        self.forget_item(&super::jobs::job_pk(job.job_id), "COLUMNS").await
    }

    async fn forget_item(&self, pk: &str, sk: &str) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.table);
        delete.set_key(Some(key(pk, sk))).send().await?;
        Ok(())
    }
}

/// What stays of the text of a refused file.
fn erased_detail(lang: Lang) -> &'static str {
    lang.pick(
        "El archivo fue rechazado; el detalle se eliminó con los datos de una persona",
        "The file was refused; the detail was erased with the data of a person",
    )
}
