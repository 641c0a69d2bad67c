//! The mail of credentials: attributes `mail…` of a credential's item, the index of pending
//! mail, and test mails, see [`crate::store::credentials`].

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::{
        UpdateItemError, UpdateItemOutput, builders::UpdateItemFluentBuilder,
    },
    types::{BatchStatementRequest, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use serde::{Deserialize, Serialize};

use super::{
    Item, StoreError,
    credentials::{Credentials, OWED_PARTITIONS, TOGETHER, id_key, owed_key},
    from_item, number, text, to_item,
};
use crate::{
    domain::{
        credential::{Credential, MailState},
        feedback::DeliveryState,
        ids::CredentialId,
        ledger::Ended,
    },
    store::schema::{OWED, TTL},
};

/// A mail is claimed if it is owed, and its credential holds.
const CLAIM_OWED: &str = "mail = :owed AND #status = :issued";
/// A mail is claimed again if an attempt's lease has ended without a receipt.
const CLAIM_EXPIRED: &str =
    "mail = :claimed AND mail_lease = :lease AND mail_lease < :now AND #status = :issued";
/// Mail of a credential that does not hold is not due.
const SKIP_NOT_HOLDING: &str = "mail = :was AND #status <> :issued";
/// Mail of a cancelled or given up job is not due.
const WRITE_OFF_OWED: &str = "mail = :owed";
/// Nor is one whose attempt was cut off; one that somebody is sending is left to its receipt.
const WRITE_OFF_EXPIRED: &str = "mail = :claimed AND mail_lease < :now";
/// Mail that has ended can be owed again, at most every so often.
const OWE_AGAIN: &str = "(mail = :sent OR mail = :failed OR mail = :skipped) AND #status = :issued AND (attribute_not_exists(resent_at) OR resent_at < :before)";
/// Failed mail can be owed again by a retry of its job.
const OWE_FAILED: &str = "mail = :failed AND #status = :issued";
/// What SES says of a mail counts if nothing has changed since it was weighed: the mail is
/// of the same round, and nothing more is known of it. Two attributes are absent at first.
const FIRST_ROUND: &str = "attribute_not_exists(mail_round)";
const SAME_ROUND: &str = "mail_round = :round";
const NOT_HEARD: &str = "attribute_not_exists(mail_delivery)";
const HEARD_BEFORE: &str = "mail_delivery = :heard";
/// Mail that bounced softly is owed again while its credential holds.
const HOLDS: &str = "#status = :issued";
/// A mail that stands on its job's ledger: nothing has been written of it on its credential.
const ON_LEDGER: &str = "mail = :owed AND attribute_not_exists(mail_round) AND (attribute_not_exists(mail_attempts) OR mail_attempts = :none)";
/// One of which no attempt was ever counted on its credential, in PartiQL: whoever owes a mail
/// again writes that number too.
const ON_LEDGER_TOGETHER: &str = "mail = 'owed' AND mail_attempts IS MISSING";
/// What SES says first of a first mail needs no reading, unless the credential was corrected.
const FIRST_HEARD: &str =
    "revision = :none AND attribute_not_exists(mail_round) AND attribute_not_exists(mail_delivery)";
/// The one who holds the claim is known by the number of its attempt.
const HOLDS_CLAIM: &str = "mail = :claimed AND mail_attempts = :attempt";

/// What a claim found.
#[derive(Debug)]
pub enum Claim {
    /// Claimed: send it.
    Granted(Box<Credential>),
    /// Not to be sent now; how the credential stands.
    Refused(Box<Credential>),
    /// There is no such credential.
    Unknown,
}

/// How a claimed mail ended.
#[derive(Debug)]
pub enum MailEnd<'a> {
    /// SES took it.
    Sent,
    /// Refused for good.
    Failed(&'a str),
    /// Not accepted for now: owed again, the attempt not counted.
    Released,
}

/// A test mail as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestMail {
    /// Subject.
    pub subject: String,
    /// Text part.
    pub text: String,
    /// HTML part.
    pub html: String,
    /// When it would have been sent, RFC 3339.
    pub sent_at: String,
}

impl Credentials {
    /// Claims a mail for one attempt. The conditions make concurrent and repeated claims
    /// harmless: one wins; the others learn how the credential stands.
    ///
    /// # Errors
    /// As of the store.
    pub async fn claim_mail(
        &self,
        id: CredentialId,
        now: i64,
        lease_until: i64,
    ) -> Result<Claim, StoreError> {
        let update = |condition: &'static str, set: &'static str| {
            self.update(id)
                .update_expression(set)
                .condition_expression(condition)
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":claimed", text("claimed"))
                .expression_attribute_values(":issued", text("issued"))
                .expression_attribute_values(":until", number(lease_until))
                .expression_attribute_values(":one", number(1))
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
        };
        let first =
            update(CLAIM_OWED, "SET mail = :claimed, mail_lease = :until ADD mail_attempts :one")
                .expression_attribute_values(":owed", text("owed"))
                .send()
                .await;
        let standing = match claim_answer(first)? {
            Claim::Refused(standing) => standing,
            other => return Ok(other),
        };
        let lease = match (standing.stored_mail, standing.mail_lease) {
            (MailState::Claimed, Some(lease)) if lease < now => lease,
            _ => return Ok(Claim::Refused(standing)),
        };
        let again = update(
            CLAIM_EXPIRED,
            "SET mail_lease = :until ADD mail_attempts :one, mail_ambiguous :one",
        )
        .expression_attribute_values(":lease", number(lease))
        .expression_attribute_values(":now", number(now))
        .send()
        .await;
        claim_answer(again)
    }

    /// Ends the lease of an attempt that nobody works on any more, so that the mail can be
    /// claimed again. Nothing changes when the claim is no longer that attempt's.
    ///
    /// # Errors
    /// As of the store.
    pub async fn end_lease(&self, id: CredentialId, attempt: u32) -> Result<(), StoreError> {
        let ended = self
            .update(id)
            .update_expression("SET mail_lease = :past")
            .condition_expression(HOLDS_CLAIM)
            .expression_attribute_values(":past", number(0))
            .expression_attribute_values(":claimed", text("claimed"))
            .expression_attribute_values(":attempt", number(attempt))
            .send()
            .await;
        match ended.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Lets a debt count from now on: it has just been queued again. Harmless to a mail that
    /// has ended meanwhile, since the index needs both keys.
    ///
    /// # Errors
    /// As of the store.
    pub async fn owed_since(&self, id: CredentialId, now: &str) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(id_key(id.to_string())))
            .update_expression("SET owed_sk = :since")
            .expression_attribute_values(":since", text(format!("{now}#{id}")))
            .send()
            .await?;
        Ok(())
    }

    /// Ends an attempt; false when it no longer held the claim. `at` is the instant, for a
    /// released mail the one from which it is owed again.
    ///
    /// # Errors
    /// As of the store.
    pub async fn end_mail(
        &self,
        id: CredentialId,
        attempt: u32,
        end: &MailEnd<'_>,
        at: &str,
    ) -> Result<bool, StoreError> {
        let update = self
            .update(id)
            .condition_expression(HOLDS_CLAIM)
            .expression_attribute_values(":claimed", text("claimed"))
            .expression_attribute_values(":attempt", number(attempt));
        let update = match end {
            MailEnd::Sent => update
                .update_expression(
                    "SET mail = :end, mail_at = :at REMOVE mail_lease, mail_error, owed_pk, owed_sk",
                )
                .expression_attribute_values(":end", text("sent"))
                .expression_attribute_values(":at", text(at)),
            MailEnd::Failed(why) => update
                .update_expression(
                    "SET mail = :end, mail_at = :at, mail_error = :why REMOVE mail_lease, owed_pk, owed_sk",
                )
                .expression_attribute_values(":end", text("failed"))
                .expression_attribute_values(":at", text(at))
                .expression_attribute_values(":why", text(*why)),
            MailEnd::Released => update
                .update_expression(
                    "SET mail = :end, owed_sk = :since REMOVE mail_lease ADD mail_attempts :minus",
                )
                .expression_attribute_values(":end", text("owed"))
                .expression_attribute_values(":since", text(format!("{at}#{id}")))
                .expression_attribute_values(":minus", number(-1)),
        };
        held(update.send().await.map_err(StoreError::from))
    }

    /// Ends a mail that stands on its job's ledger as failed, by the one who claimed it there;
    /// false when it does not stand there any more.
    ///
    /// # Errors
    /// As of the store.
    pub async fn fail_first(
        &self,
        id: CredentialId,
        why: &str,
        at: &str,
    ) -> Result<bool, StoreError> {
        let update = self
            .ledger_update(id, "SET mail = :end, mail_at = :at, mail_error = :why")
            .expression_attribute_values(":end", text("failed"))
            .expression_attribute_values(":at", text(at))
            .expression_attribute_values(":why", text(why));
        held(update.send().await.map_err(StoreError::from))
    }

    /// Ends mails that stand on their jobs' ledgers as sent, by the one who claimed them there, in
    /// few calls; one that is refused is tried by itself. Whether each was ended, in their order: false
    /// when it does not stand there any more. Ids are different ones.
    pub async fn end_first_together(
        &self,
        ids: &[CredentialId],
        at: &str,
    ) -> Vec<Result<bool, StoreError>> {
        let update = format!(
            "UPDATE \"{}\" SET mail = 'sent' SET mail_at = ? WHERE id = ? AND {ON_LEDGER_TOGETHER}",
            self.table
        );
        let statement = |id: &CredentialId| {
            let statement = BatchStatementRequest::builder().statement(&update);
            Ok(statement.parameters(text(at)).parameters(text(id.to_string())).build()?)
        };
        let mut ended = Vec::with_capacity(ids.len());
        for ids in ids.chunks(TOGETHER) {
            let written = self.run_together(ids.iter().map(statement)).await;
            for (id, written) in ids.iter().zip(written) {
                ended.push(match written {
                    // A table that cannot be reached is not asked once for each of them.
                    Ok(true) | Err(StoreError::Unavailable(_)) => written,
                    _ => self.end_first(*id, at).await,
                });
            }
        }
        ended
    }

    async fn end_first(&self, id: CredentialId, at: &str) -> Result<bool, StoreError> {
        let update = self
            .ledger_update(id, "SET mail = :end, mail_at = :at")
            .expression_attribute_values(":end", text("sent"))
            .expression_attribute_values(":at", text(at));
        held(update.send().await.map_err(StoreError::from))
    }

    /// Takes a mail's claim from its job's ledger to its credential, where each attempt is
    /// counted: its end is not known. False when it does not stand on the ledger any more.
    ///
    /// # Errors
    /// As of the store.
    pub async fn adopt_claim(&self, id: CredentialId, until: i64) -> Result<bool, StoreError> {
        let set = "SET mail = :claimed, mail_attempts = :one, mail_lease = :until";
        let update = self
            .ledger_update(id, set)
            .expression_attribute_values(":claimed", text("claimed"))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":until", number(until));
        held(update.send().await.map_err(StoreError::from))
    }

    /// Notes on a credential what its job's ledger says, that SES took its mail, or that it
    /// was not sent; false when it does not stand on the ledger any more.
    ///
    /// # Errors
    /// As of the store.
    pub async fn settle_first(&self, id: CredentialId, ended: Ended) -> Result<bool, StoreError> {
        let update = self
            .ledger_update(id, "SET mail = :end")
            .expression_attribute_values(":end", text(ended.as_str()));
        held(update.send().await.map_err(StoreError::from))
    }

    fn update(&self, id: CredentialId) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.table);
        update.set_key(Some(id_key(id.to_string())))
    }

    /// An update on the condition that the mail is on its job's ledger.
    fn ledger_update(&self, id: CredentialId, set: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(id_key(id.to_string())))
            .update_expression(set)
            .condition_expression(ON_LEDGER)
            .expression_attribute_values(":owed", text("owed"))
            .expression_attribute_values(":none", number(0))
    }

    /// Ends the mail of a credential that does not hold any more; false when it holds again, or
    /// its mail has moved on. One whose attempt was cut off counts as ambiguous: nobody knows
    /// whether it was sent.
    ///
    /// # Errors
    /// As of the store.
    pub async fn skip_mail(&self, id: CredentialId, was: MailState) -> Result<bool, StoreError> {
        let (was, ambiguous) = if was == MailState::Claimed { ("claimed", 1) } else { ("owed", 0) };
        self.end_debt(id, Ended::Skipped, SKIP_NOT_HOLDING, ambiguous, |update| {
            update
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":was", text(was))
                .expression_attribute_values(":issued", text("issued"))
        })
        .await
    }

    /// Ends the mail of a job that was cancelled (`Skipped`) or given up (`Failed`), unless
    /// somebody is sending it. False when it has ended already or is being sent. One whose
    /// attempt was cut off counts as ambiguous.
    ///
    /// # Errors
    /// As of the store.
    pub async fn write_off_mail(
        &self,
        id: CredentialId,
        end: Ended,
        now: i64,
    ) -> Result<bool, StoreError> {
        let owed = self.end_debt(id, end, WRITE_OFF_OWED, 0, |update| {
            update.expression_attribute_values(":owed", text("owed"))
        });
        if owed.await? {
            return Ok(true);
        }
        self.end_debt(id, end, WRITE_OFF_EXPIRED, 1, |update| {
            update
                .expression_attribute_values(":claimed", text("claimed"))
                .expression_attribute_values(":now", number(now))
        })
        .await
    }

    /// Ends a mail without an attempt; false when the condition did not hold.
    async fn end_debt(
        &self,
        id: CredentialId,
        end: Ended,
        condition: &str,
        ambiguous: u32,
        values: impl FnOnce(UpdateItemFluentBuilder) -> UpdateItemFluentBuilder,
    ) -> Result<bool, StoreError> {
        let update = self
            .update(id)
            .update_expression(
                "SET mail = :end REMOVE mail_lease, owed_pk, owed_sk ADD mail_ambiguous :n",
            )
            .condition_expression(condition)
            .expression_attribute_values(":end", text(end.as_str()))
            .expression_attribute_values(":n", number(ambiguous));
        held(values(update).send().await.map_err(StoreError::from))
    }

    /// Makes mail that has ended owed again, and followed by the sweeper; none when it has
    /// not ended, was owed again after `before`, or its credential does not hold.
    ///
    /// # Errors
    /// As of the store.
    pub async fn owe_again(
        &self,
        id: CredentialId,
        only_failed: bool,
        before: &str,
        now: &str,
    ) -> Result<Option<Credential>, StoreError> {
        let (pk, sk) = owed_key(id, now);
        let mut update = self
            .update(id)
            .update_expression(
                "SET mail = :owed, mail_attempts = :none, resent_at = :now, owed_pk = :pk, owed_sk = :sk REMOVE mail_error, mail_lease, mail_delivery, mail_delivery_at ADD mail_round :one",
            )
            .condition_expression(if only_failed { OWE_FAILED } else { OWE_AGAIN })
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":owed", text("owed"))
            .expression_attribute_values(":failed", text("failed"))
            .expression_attribute_values(":issued", text("issued"))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":sk", text(sk))
            .return_values(ReturnValue::AllNew);
        if !only_failed {
            update = update
                .expression_attribute_values(":sent", text("sent"))
                .expression_attribute_values(":skipped", text("skipped"))
                .expression_attribute_values(":before", text(before));
        }
        match update.send().await.map_err(StoreError::from) {
            Ok(answer) => answer.attributes.map(from_item).transpose(),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes what became of a mail after SES took it, which also settles an attempt whose end
    /// nobody knew. False when the credential is no longer as it was read.
    ///
    /// # Errors
    /// As of the store.
    pub async fn note_delivery(
        &self,
        read: &Credential,
        state: DeliveryState,
        why: Option<&str>,
        (sent_at, at): (&str, &str),
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
            .expression_attribute_values(":sent_at", text(sent_at))
            .expression_attribute_values(":at", text(at));
        if let Some(why) = why {
            update = update.expression_attribute_values(":why", text(why));
        }
        held(update.send().await.map_err(StoreError::from))
    }

    /// Notes that the first mail of a credential was delivered, without reading it; how it
    /// stood before. None when something else was written of its mail, or it was corrected:
    /// [`Credentials::note_delivery`] has to weigh that.
    ///
    /// # Errors
    /// As of the store.
    pub async fn note_first_delivery(
        &self,
        id: CredentialId,
        (sent_at, at): (&str, &str),
    ) -> Result<Option<Credential>, StoreError> {
        let update = self
            .update(id)
            .update_expression("SET mail = :sent, mail_at = if_not_exists(mail_at, :sent_at), mail_delivery = :state, mail_delivery_at = :at REMOVE mail_lease, mail_error, owed_pk, owed_sk")
            .condition_expression(FIRST_HEARD)
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":sent", text("sent"))
            .expression_attribute_values(":state", text(DeliveryState::Delivered.as_str()))
            .expression_attribute_values(":sent_at", text(sent_at))
            .expression_attribute_values(":at", text(at))
            .return_values(ReturnValue::AllOld);
        match update.send().await.map_err(StoreError::from) {
            Ok(answer) => answer.attributes.map(from_item).transpose(),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a mail that bounced softly owed again, from an instant on, followed by the
    /// sweeper. False when the credential is no longer as it was read.
    ///
    /// # Errors
    /// As of the store.
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

    /// An update on the condition that nothing was heard of the mail since it was read, and
    /// `also`.
    fn unchanged_since(&self, read: &Credential, also: &str) -> UpdateItemFluentBuilder {
        let round = if read.mail_round == 0 { FIRST_ROUND } else { SAME_ROUND };
        let heard = if read.mail_delivery.is_none() { NOT_HEARD } else { HEARD_BEFORE };
        let condition: Vec<&str> =
            [round, heard, also].into_iter().filter(|part| !part.is_empty()).collect();
        let mut update = self.update(read.id).condition_expression(condition.join(" AND "));
        if read.mail_round > 0 {
            update = update.expression_attribute_values(":round", number(read.mail_round));
        }
        if let Some(state) = read.mail_delivery {
            update = update.expression_attribute_values(":heard", text(state.as_str()));
        }
        update
    }

    /// Credentials that owe mail since before an instant and that no job follows.
    ///
    /// # Errors
    /// As of the store.
    pub async fn owed_before(
        &self,
        before: &str,
        limit: usize,
    ) -> Result<Vec<CredentialId>, StoreError> {
        let mut owed = Vec::new();
        for partition in 0..OWED_PARTITIONS {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(OWED.name)
                .key_condition_expression("owed_pk = :pk AND owed_sk < :before")
                .expression_attribute_values(":pk", text(format!("OWED#{partition}")))
                .expression_attribute_values(":before", text(before))
                .limit(i32::try_from(limit).unwrap_or(i32::MAX))
                .send()
                .await?;
            owed.extend(answer.items.unwrap_or_default().iter().filter_map(id_of));
        }
        Ok(owed)
    }

    /// Keeps a test mail for 7 days.
    ///
    /// # Errors
    /// As of the store.
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

    /// A test mail that was kept.
    ///
    /// # Errors
    /// As of the store.
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
        // DynamoDB takes up to days to remove what has expired.
        let live = |item: &Item| {
            item.get(TTL)
                .and_then(|ttl| ttl.as_n().ok())
                .and_then(|ttl| ttl.parse::<i64>().ok())
                .is_some_and(|ttl| ttl > now)
        };
        answer.item.filter(live).map(from_item).transpose()
    }
}

/// Whether the condition of an update held.
fn held<T>(updated: Result<T, StoreError>) -> Result<bool, StoreError> {
    match updated {
        Ok(_) => Ok(true),
        Err(StoreError::Conflict) => Ok(false),
        Err(error) => Err(error),
    }
}

fn id_of(item: &Item) -> Option<CredentialId> {
    CredentialId::parse(item.get("id")?.as_s().ok()?).ok()
}

type UpdateResult = Result<UpdateItemOutput, SdkError<UpdateItemError>>;

fn claim_answer(result: UpdateResult) -> Result<Claim, StoreError> {
    match result {
        Ok(answer) => {
            let item: Item = answer.attributes.unwrap_or_default();
            Ok(Claim::Granted(Box::new(from_item(item)?)))
        }
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                match refused.item() {
                    Some(item) if item.contains_key("origin") => {
                        Ok(Claim::Refused(Box::new(from_item(item.clone())?)))
                    }
                    _ => Ok(Claim::Unknown),
                }
            }
            _ => Err(error.into()),
        },
    }
}
