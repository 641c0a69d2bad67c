//! Test mails, which are stored for reading instead of sent: items `MAIL#{credential id}` of
//! the credentials table.

use serde::{Deserialize, Serialize};

use super::{
    Item, StoreError,
    credentials::{Credentials, id_key},
    from_item, number, to_item,
};
use crate::{domain::ids::CredentialId, store::schema::TTL};

/// A test mail as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestMail {
    /// Subject.
    pub subject: String,
    /// Text part.
    pub text: String,
    /// HTML part.
    pub html: String,
    /// The instant at which a live mail would have been sent, RFC 3339.
    pub sent_at: String,
}

impl Credentials {
    /// Stores a test mail for 7 days.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn put_test_mail(
        &self,
        id: CredentialId,
        mail: &TestMail,
        now: i64,
    ) -> Result<(), StoreError> {
        let mut item = to_item(mail)?;
        item.extend(id_key(format!("MAIL#{id}")));
        item.insert(TTL.into(), number(now + 7 * 24 * 3600));
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Reads a test mail; none after its 7 days.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn test_mail(
        &self,
        id: CredentialId,
        now: i64,
    ) -> Result<Option<TestMail>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(id_key(format!("MAIL#{id}"))))
            .send()
            .await?;
        // DynamoDB removes an expired item within days, not at once.
        let live = |item: &Item| {
            item.get(TTL)
                .and_then(|ttl| ttl.as_n().ok())
                .and_then(|ttl| ttl.parse::<i64>().ok())
                .is_some_and(|ttl| ttl > now)
        };
        answer.item.filter(live).map(from_item).transpose()
    }
}
