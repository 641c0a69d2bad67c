//! Aliases: items of the credentials table under another identity of a credential, which lead to
//! it.
//!
//! One is that of a corrected content, written with the correction
//! ([`crate::store::status_lists`]). The other is that of content as it was sent, where cleaning
//! changes it, and is written with the credential.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{
    self as dynamodb, CancellationReason, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use serde::{Deserialize, Serialize};

use super::{
    Item, ROUNDS, StoreError, cancellation_reasons,
    credentials::{Credentials, Put, id_key, is_alias, stored_of},
    from_item, get_many, pause, text, to_item,
};
use crate::domain::{credential::Credential, erasure::Stored, ids::CredentialId};

/// An alias is new, or already leads to this credential.
pub(super) const SAME_ALIAS: &str = "attribute_not_exists(id) OR alias_of = :of";

/// The item under another identity of a credential, which leads to it: that of a corrected
/// content, or of the content as it was sent.
pub(super) fn alias_item(alias: CredentialId, alias_of: CredentialId) -> Result<Item, StoreError> {
    to_item(&Alias { id: alias, v: 1, alias_of })
}

#[derive(Serialize, Deserialize)]
pub(super) struct Alias {
    id: CredentialId,
    v: u32,
    pub(super) alias_of: CredentialId,
}

impl Credentials {
    /// Writes a credential and its alias in one transaction. Of two items in its way, the one at
    /// the alias is the answer: it is about the content exactly as it was sent.
    pub(super) async fn put_with_alias(
        &self,
        id: CredentialId,
        item: Item,
        alias: CredentialId,
    ) -> Result<Put, StoreError> {
        let put = |item: Item| {
            dynamodb::Put::builder()
                .table_name(&self.table)
                .set_item(Some(item))
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
        };
        let writes = [
            put(alias_item(alias, id)?)
                .condition_expression(SAME_ALIAS)
                .expression_attribute_values(":of", text(id.to_string())),
            put(item).condition_expression("attribute_not_exists(id)"),
        ];
        let writes = writes
            .into_iter()
            .map(|put| Ok(TransactWriteItem::builder().put(put.build()?).build()))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let Some(refusals) = self.transact(writes).await? else {
            return Ok(Put::Written);
        };
        if let Some(item) = refusals.into_iter().find_map(|refusal| refusal.item) {
            return self.taken_by(item).await;
        }
        // Refused without the items.
        let found = match self.look_up(alias).await? {
            None => self.look_up(id).await?,
            found => found,
        };
        let found = found.ok_or(StoreError::Broken("taken by nothing".to_owned()))?;
        Ok(found.into())
    }

    /// Writes items in one transaction; none if all are written, else the reasons of the refusal.
    /// Equal content that several requests put at the same time makes them conflict: tried again.
    async fn transact(
        &self,
        writes: Vec<TransactWriteItem>,
    ) -> Result<Option<Vec<CancellationReason>>, StoreError> {
        let mut round = 0;
        loop {
            pause(round).await;
            round += 1;
            let call = self.client.transact_write_items().set_transact_items(Some(writes.clone()));
            let Err(error) = call.send().await else { return Ok(None) };
            let reasons = cancellation_reasons(&error);
            let has = |code| reasons.iter().any(|reason| reason.code() == Some(code));
            if has("ConditionalCheckFailed") {
                return Ok(Some(reasons));
            }
            if !has("TransactionConflict") || round == ROUNDS {
                return Err(error.into());
            }
        }
    }

    /// The credential whose item, or an alias of it, was found under an id.
    pub(super) async fn taken_by(&self, found: Item) -> Result<Put, StoreError> {
        if is_alias(&found) {
            let alias: Alias = from_item(found)?;
            let target = self.stored(alias.alias_of).await?;
            return Ok(target.ok_or(StoreError::Broken("alias of nothing".to_owned()))?.into());
        }
        Ok(stored_of(found)?.into())
    }

    /// Reads the credentials that `ids` lead to, by themselves or as aliases, by id.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn at_all(
        &self,
        ids: &[CredentialId],
    ) -> Result<Vec<(CredentialId, Credential)>, StoreError> {
        let keys = ids.iter().map(|id| id_key(id.to_string())).collect();
        let (mut found, mut aliases) = (Vec::with_capacity(ids.len()), Vec::new());
        for item in get_many(&self.client, &self.table, keys).await? {
            if is_alias(&item) {
                aliases.push(from_item::<Alias>(item)?);
            } else if let Stored::Credential(credential) = stored_of(item)? {
                found.push((credential.id, *credential));
            }
        }
        let targets: BTreeSet<CredentialId> = aliases.iter().map(|alias| alias.alias_of).collect();
        let targets: Vec<CredentialId> = targets.into_iter().collect();
        for credential in self.get_all(&targets).await? {
            let led = aliases.iter().filter(|alias| alias.alias_of == credential.id);
            found.extend(led.map(|alias| (alias.id, credential.clone())));
        }
        Ok(found)
    }
}
