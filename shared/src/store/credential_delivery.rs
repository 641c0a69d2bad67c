//! The delivery of credentials' mail after SES took it: attributes `mail_delivery…` of a
//! credential's item, see [`crate::store::credential_mail`].

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder, types::ReturnValue,
};

use super::{
    StoreError,
    credential_mail::held,
    credentials::{Credentials, owed_key},
    from_item, number, text,
};
use crate::domain::{
    credential::Credential,
    feedback::{DeliveryState, Notice},
};

/// A report of SES counts if the mail is still of the round, and has the delivery state, with
/// which it was weighed. Both attributes are absent at first.
const FIRST_ROUND: &str = "attribute_not_exists(mail_round)";
const SAME_ROUND: &str = "mail_round = :round";
const NOT_HEARD: &str = "attribute_not_exists(mail_delivery)";
const HEARD_BEFORE: &str = "mail_delivery = :heard";
/// The reason decides what outranks the state.
const FOR_THE_REASON: &str = "mail_error = :known";
/// Mail that bounced softly is sent again only while its credential is valid and not blocked.
const HOLDS: &str = "#status = :issued AND attribute_not_exists(blocked)";
/// The first report on a first mail needs no read, unless the credential was corrected.
const FIRST_HEARD: &str =
    "revision = :none AND attribute_not_exists(mail_round) AND attribute_not_exists(mail_delivery)";

impl Credentials {
    /// Records what became of a mail after SES took it; an attempt in doubt is thereby sent.
    /// False when the credential has changed since it was `read`.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn note_delivery(
        &self,
        read: &Credential,
        state: DeliveryState,
        why: Option<&str>,
        notice: &Notice,
    ) -> Result<bool, StoreError> {
        let mut set = "SET mail = :sent, mail_at = if_not_exists(mail_at, :sent_at), mail_delivery = :state, mail_delivery_at = :at".to_owned();
        let mut remove = " REMOVE mail_lease, owed_pk, owed_sk".to_owned();
        match why {
            Some(_) => set.push_str(", mail_error = :why"),
            None => remove.push_str(", mail_error"),
        }
        let mut update = self
            .unchanged_since(read, "")
            .update_expression(set + &remove)
            .expression_attribute_values(":sent", text("sent"))
            .expression_attribute_values(":state", text(state.as_str()))
            .expression_attribute_values(":sent_at", text(&notice.sent_at))
            .expression_attribute_values(":at", text(&notice.at));
        if let Some(why) = why {
            update = update.expression_attribute_values(":why", text(why));
        }
        held(update.send().await.map_err(StoreError::from))
    }

    /// Records that the first mail of a credential was delivered, without reading it; answers
    /// the credential as it was. None when its mail has a delivery or a second round, or it
    /// was corrected: then the notice is weighed for [`Credentials::note_delivery`].
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn note_first_delivery(
        &self,
        notice: &Notice,
    ) -> Result<Option<Credential>, StoreError> {
        let update = self
            .update(notice.credential_id)
            .update_expression("SET mail = :sent, mail_at = if_not_exists(mail_at, :sent_at), mail_delivery = :state, mail_delivery_at = :at REMOVE mail_lease, mail_error, owed_pk, owed_sk")
            .condition_expression(FIRST_HEARD)
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":sent", text("sent"))
            .expression_attribute_values(":state", text(DeliveryState::Delivered.as_str()))
            .expression_attribute_values(":sent_at", text(&notice.sent_at))
            .expression_attribute_values(":at", text(&notice.at))
            .return_values(ReturnValue::AllOld);
        match update.send().await.map_err(StoreError::from) {
            Ok(answer) => answer.attributes.map(from_item).transpose(),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a mail that bounced softly pending again from the instant `from` on, RFC 3339; the
    /// sweeper finds it. False when the credential has changed since it was `read`.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn owe_after_bounce(
        &self,
        read: &Credential,
        from: &str,
    ) -> Result<bool, StoreError> {
        let (pk, sk) = owed_key(read.id, from);
        let update = self
            .unchanged_since(read, HOLDS)
            .update_expression(
                "SET mail = :owed, mail_attempts = :none, owed_pk = :pk, owed_sk = :sk REMOVE mail_error, mail_lease ADD mail_round :one, mail_soft_bounces :one",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":issued", text("issued"))
            .expression_attribute_values(":owed", text("owed"))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":sk", text(sk));
        held(update.send().await.map_err(StoreError::from))
    }

    /// An update on the condition that SES has reported nothing of the mail since it was
    /// `read`, and on `also`.
    fn unchanged_since(&self, read: &Credential, also: &str) -> UpdateItemFluentBuilder {
        let round = if read.mail_round == 0 { FIRST_ROUND } else { SAME_ROUND };
        let heard = if read.mail_delivery.is_none() { NOT_HEARD } else { HEARD_BEFORE };
        let known = read.mail_error.as_ref().filter(|_| read.mail_delivery.is_some());
        let reason = if known.is_some() { FOR_THE_REASON } else { "" };
        let condition: Vec<&str> =
            [round, heard, reason, also].into_iter().filter(|part| !part.is_empty()).collect();
        let mut update = self.update(read.id).condition_expression(condition.join(" AND "));
        if read.mail_round > 0 {
            update = update.expression_attribute_values(":round", number(read.mail_round));
        }
        if let Some(state) = read.mail_delivery {
            update = update.expression_attribute_values(":heard", text(state.as_str()));
        }
        if let Some(known) = known {
            update = update.expression_attribute_values(":known", text(known));
        }
        update
    }
}
