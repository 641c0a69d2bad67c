//! The private facts of a credential, which are beside what is signed.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};

use super::{
    StoreError,
    credentials::id_key,
    number,
    status_lists::{StatusLists, UNCHANGED},
    to_item, write_together,
};
use crate::domain::{credential::Credential, history::Event};

impl StatusLists {
    /// Replaces the private facts of a credential in one transaction with its history; document, list
    /// and mail stay as they are. False when another writer changed the credential since it was read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn correct_private(
        &self,
        after: &Credential,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let mut item = to_item(after)?;
        let recipient = item.remove("recipient");
        let recipient = recipient.ok_or_else(|| StoreError::Broken("no recipient".to_owned()))?;
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(id_key(after.id.to_string())))
            .update_expression("SET recipient = :recipient, revision = :after")
            .condition_expression(UNCHANGED)
            .expression_attribute_values(":recipient", recipient)
            .expression_attribute_values(":before", number(event.revision.saturating_sub(1)))
            .expression_attribute_values(":after", number(event.revision))
            .build()?;
        let update = TransactWriteItem::builder().update(update).build();
        write_together(&self.client, vec![update, self.event_write(after.id, event, None)?]).await
    }
}
