//! The block of a credential: attribute `blocked` of its item, which no other write touches.

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};

use super::{Item, StoreError, credentials::Credentials, from_item};
use crate::domain::{
    credential::{Block, Credential},
    ids::CredentialId,
};

/// The first block stays. An item without a recipient is no credential.
const UNBLOCKED: &str = "attribute_exists(recipient) AND attribute_not_exists(blocked)";
/// An update creates no item.
const BLOCKED: &str = "attribute_exists(blocked)";

impl Credentials {
    /// Blocks a credential unless it is blocked; answers it as it then is, and whether this call
    /// changed it. None when there is no such credential.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn block(
        &self,
        id: CredentialId,
        block: &Block,
    ) -> Result<Option<(Credential, bool)>, StoreError> {
        let block = serde_dynamo::to_attribute_value(block)
            .map_err(|e| StoreError::Broken(e.to_string()))?;
        let update = self
            .update(id)
            .update_expression("SET blocked = :block")
            .condition_expression(UNBLOCKED)
            .expression_attribute_values(":block", block);
        changed(update).await
    }

    /// Lifts the block of a credential if it is blocked; answers like [`Credentials::block`].
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn lift_block(
        &self,
        id: CredentialId,
    ) -> Result<Option<(Credential, bool)>, StoreError> {
        let update = self.update(id).update_expression("REMOVE blocked");
        changed(update.condition_expression(BLOCKED)).await
    }
}

/// Runs an update; the credential after it, or as it refused it.
async fn changed(
    update: UpdateItemFluentBuilder,
) -> Result<Option<(Credential, bool)>, StoreError> {
    let update = update
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let (item, changed): (Item, bool) = match update.send().await {
        Ok(answer) => (answer.attributes.unwrap_or_default(), true),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                (refused.item().cloned().unwrap_or_default(), false)
            }
            _ => return Err(error.into()),
        },
    };
    let is_credential = item.contains_key("recipient");
    is_credential.then(|| Ok((from_item(item)?, changed))).transpose()
}
