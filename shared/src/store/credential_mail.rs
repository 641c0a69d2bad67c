//! The mail of credentials: attributes `mail…` of a credential's item, the index of pending
//! mail, see [`crate::store::credentials`].

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::{
        UpdateItemError, UpdateItemOutput, builders::UpdateItemFluentBuilder,
    },
    types::{BatchStatementRequest, ReturnValue, ReturnValuesOnConditionCheckFailure},
};

use jiff::Timestamp;

use super::{
    Item, StoreError,
    credentials::{Credentials, OWED_PARTITIONS, TOGETHER, id_key, owed_key},
    from_item, number, text,
};
use crate::{
    domain::{
        credential::{Credential, MailState},
        ids::CredentialId,
        ledger::Ended,
        time,
    },
    store::schema::OWED,
};

/// A pending mail is claimed while its credential is valid and not blocked.
const CLAIM_OWED: &str = "mail = :owed AND #status = :issued AND attribute_not_exists(blocked)";
/// A mail is claimed again when an attempt's lease has ended without a receipt.
const CLAIM_EXPIRED: &str = "mail = :claimed AND mail_lease = :lease AND mail_lease < :now AND #status = :issued AND attribute_not_exists(blocked)";
/// Mail of a suspended, revoked or blocked credential is not due.
const SKIP_NOT_HOLDING: &str = "mail = :was AND (#status <> :issued OR attribute_exists(blocked))";
/// Mail of a job that was cancelled or given up is not due.
const WRITE_OFF_OWED: &str = "mail = :owed";
/// Mail whose attempt was cut off is not due either; a running attempt ends by its receipt.
const WRITE_OFF_EXPIRED: &str = "mail = :claimed AND mail_lease < :now";
/// Mail that has ended can become pending again, at most once in the caller's interval.
const OWE_AGAIN: &str = "(mail = :sent OR mail = :failed OR mail = :skipped) AND #status = :issued AND attribute_not_exists(blocked) AND (attribute_not_exists(resent_at) OR resent_at < :before)";
/// Failed mail can become pending again by a retry of its job.
const OWE_FAILED: &str = "mail = :failed AND #status = :issued AND attribute_not_exists(blocked)";
/// A mail is on its job's ledger until its credential's item has a second round, an attempt
/// or an end.
const ON_LEDGER: &str = "mail = :owed AND attribute_not_exists(mail_round) AND (attribute_not_exists(mail_attempts) OR mail_attempts = :none)";
/// The same in PartiQL: a mail that becomes pending again has the number of attempts written
/// too.
const ON_LEDGER_TOGETHER: &str = "mail = 'owed' AND mail_attempts IS MISSING";
/// The number of the attempt identifies the holder of the claim.
const HOLDS_CLAIM: &str = "mail = :claimed AND mail_attempts = :attempt";

/// The answer to a claim.
#[derive(Debug)]
pub enum Claim {
    /// The caller holds the claim and sends the mail.
    Granted(Box<Credential>),
    /// The mail is not to be sent now; the credential as it is stored.
    Refused(Box<Credential>),
    /// No such credential exists.
    Unknown,
}

/// The end of an attempt.
#[derive(Debug)]
pub enum MailEnd<'a> {
    /// SES took it.
    Sent,
    /// SES or this service refused it for good, for this reason.
    Failed(&'a str),
    /// SES did not accept it for now: pending again, the attempt not counted.
    Released,
}

impl Credentials {
    /// Claims a mail for one attempt until `lease_until`, Unix seconds. The conditions make
    /// concurrent and repeated claims harmless: one wins, the others get the credential.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
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
        let stored = match claim_answer(first)? {
            Claim::Refused(stored) => stored,
            other => return Ok(other),
        };
        let lease = match (stored.stored_mail, stored.mail_lease) {
            (MailState::Claimed, Some(lease)) if lease < now => lease,
            _ => return Ok(Claim::Refused(stored)),
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

    /// Ends the lease of an attempt whose worker is dead, so that the mail can be claimed
    /// again. Nothing changes when another attempt holds the claim.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
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

    /// Restarts the wait of a pending mail, which has just been queued again. Harmless to a
    /// mail that has ended, because the index needs both keys.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn owed_since(&self, id: CredentialId, now: &str) -> Result<(), StoreError> {
        self.update(id)
            .update_expression("SET owed_sk = :since")
            .expression_attribute_values(":since", text(format!("{now}#{id}")))
            .send()
            .await?;
        Ok(())
    }

    /// Ends an attempt at `at`, RFC 3339; a released mail is pending again from `at` on. False
    /// when the attempt no longer held the claim.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
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

    /// Ends a mail on its job's ledger as failed, for the worker that claimed it there. False
    /// when it has left the ledger.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
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

    /// Ends mails on their jobs' ledgers as sent, for the worker that claimed them there, in few
    /// calls; a refused one is tried by itself. Answers in the order of the ids, which are
    /// distinct: false for a mail that has left the ledger.
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
                    // A table out of reach is not tried again for each of them.
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

    /// Moves the claim of a mail in doubt from its job's ledger to its credential, where each
    /// attempt is counted. From `now` on it is among the pending mails that the sweeper finds: its
    /// job can end first, when another worker has recorded the mail and deleted its message. False
    /// when the mail has left the ledger.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn adopt_claim(
        &self,
        id: CredentialId,
        until: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (pk, sk) = owed_key(id, &time::millis(now));
        let set = "SET mail = :claimed, mail_attempts = :one, mail_lease = :until, owed_pk = :pk, owed_sk = :sk";
        let update = self
            .ledger_update(id, set)
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":sk", text(sk))
            .expression_attribute_values(":claimed", text("claimed"))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":until", number(until));
        held(update.send().await.map_err(StoreError::from))
    }

    /// Writes the end of a mail from its job's ledger on its credential. False when the mail
    /// has left the ledger.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn settle_first(&self, id: CredentialId, ended: Ended) -> Result<bool, StoreError> {
        let update = self
            .ledger_update(id, "SET mail = :end")
            .expression_attribute_values(":end", text(ended.as_str()));
        held(update.send().await.map_err(StoreError::from))
    }

    /// An update of a credential's item.
    pub(super) fn update(&self, id: CredentialId) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.table);
        update.set_key(Some(id_key(id.to_string())))
    }

    /// An update on the condition that the mail is on its job's ledger.
    fn ledger_update(&self, id: CredentialId, set: &str) -> UpdateItemFluentBuilder {
        self.update(id)
            .update_expression(set)
            .condition_expression(ON_LEDGER)
            .expression_attribute_values(":owed", text("owed"))
            .expression_attribute_values(":none", number(0))
    }

    /// Ends the mail of a suspended, revoked or blocked credential. False when mail about it may be
    /// sent again or its mail is no longer as it `was`. A mail whose attempt was cut off may have
    /// been sent, and counts as ambiguous.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn skip_mail(&self, id: CredentialId, was: MailState) -> Result<bool, StoreError> {
        let (was, ambiguous) = if was == MailState::Claimed { ("claimed", 1) } else { ("owed", 0) };
        self.end_unsent(id, Ended::Skipped, SKIP_NOT_HOLDING, ambiguous, |update| {
            update
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":was", text(was))
                .expression_attribute_values(":issued", text("issued"))
        })
        .await
    }

    /// Ends the mail of a job that was cancelled (`Skipped`) or given up (`Failed`). False when
    /// it has ended already or is being sent. A mail whose attempt was cut off counts as
    /// ambiguous.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
    pub async fn write_off_mail(
        &self,
        id: CredentialId,
        end: Ended,
        now: i64,
    ) -> Result<bool, StoreError> {
        let owed = self.end_unsent(id, end, WRITE_OFF_OWED, 0, |update| {
            update.expression_attribute_values(":owed", text("owed"))
        });
        if owed.await? {
            return Ok(true);
        }
        self.end_unsent(id, end, WRITE_OFF_EXPIRED, 1, |update| {
            update
                .expression_attribute_values(":claimed", text("claimed"))
                .expression_attribute_values(":now", number(now))
        })
        .await
    }

    /// Ends a mail without an attempt; false when the condition did not hold.
    async fn end_unsent(
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

    /// Makes a mail that has ended pending again; the sweeper finds it. None when it has not
    /// ended, was requested again after `before`, or its credential is not valid or is blocked.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
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
                "SET mail = :owed, mail_attempts = :none, resent_at = :now, owed_pk = :pk, owed_sk = :sk REMOVE mail_error, mail_lease, mail_delivery, mail_delivery_at, mail_soft_bounces ADD mail_round :one",
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

    /// Credentials whose mail no job follows and has been pending since before an instant.
    ///
    /// # Errors
    /// [`StoreError`] when DynamoDB does not answer or refuses the call.
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
}

/// Whether the condition of an update was true.
pub(super) fn held<T>(updated: Result<T, StoreError>) -> Result<bool, StoreError> {
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
