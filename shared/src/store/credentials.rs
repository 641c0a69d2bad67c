//! The credentials table: an item a credential under its id, and three keys-only indexes.
//!
//! | id | item |
//! |---|---|
//! | `{credential id}` | [`Credential`], or an alias: `{alias_of}` |
//! | `MAIL#{credential id}` | a test mail, readable for 7 days |

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{
        AttributeValue, BatchStatementErrorCodeEnum, BatchStatementRequest, ReturnValue,
        ReturnValuesOnConditionCheckFailure,
    },
};
use serde::{Deserialize, Serialize};

use super::{Item, Page, ROUNDS, StoreError, from_item, get_many, number, pause, text, to_item};
use crate::{
    domain::{
        credential::{Credential, MailState, Origin},
        feedback::DeliveryState,
        ids::{CredentialId, Mode, OrgId},
    },
    store::schema::{BY_EMAIL, BY_TIME, OWED},
};

/// Statements of one `BatchExecuteStatement` (API reference, "1 to 25").
pub const TOGETHER: usize = 25;
/// Partitions that an organization's credentials by time are spread over, so that no
/// index partition takes an organization's whole load.
const TIME_PARTITIONS: u8 = 16;
/// Partitions of the index of owed mail.
const OWED_PARTITIONS: u8 = 4;

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

/// The credentials table.
#[derive(Clone, Debug)]
pub struct Credentials {
    client: Client,
    table: String,
}

/// What a put found.
#[derive(Debug)]
pub enum Put {
    /// The item is new.
    Written,
    /// Somebody was there first.
    Found(Box<Credential>),
}

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

#[derive(Serialize, Deserialize)]
struct Alias {
    id: CredentialId,
    v: u32,
    alias_of: CredentialId,
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

pub(super) fn id_key(id: impl Into<String>) -> Item {
    Item::from([("id".to_owned(), text(id))])
}

/// A partition from the id's last hex digits: ids are keyed hashes, so it is even.
fn spread(id: CredentialId, over: u8) -> u8 {
    let id = id.to_string();
    let last = id.get(id.len() - 2..).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    last.unwrap_or_default() % over
}

/// Where a credential stands in the indexes by time and address: its second, and half its id,
/// which keeps those of a second apart (two of a million meet with a chance below 10^-6).
fn sort_key(issued_at: &str, id: CredentialId) -> String {
    let half: String = id.to_string().chars().filter(|c| *c != '-').take(16).collect();
    format!("{issued_at}#{half}")
}

fn time_pk(org: &OrgId, mode: Mode, partition: u8) -> String {
    format!("{org}#{mode}#{partition}")
}

/// Where a debt stands in the index of owed mail.
pub(super) fn owed_key(id: CredentialId, since: &str) -> IndexKey {
    (format!("OWED#{}", spread(id, OWED_PARTITIONS)), format!("{since}#{id}"))
}

/// What stands at the identity of a corrected content: the way to its credential.
pub(super) fn alias_item(alias: CredentialId, alias_of: CredentialId) -> Result<Item, StoreError> {
    to_item(&Alias { id: alias, v: 1, alias_of })
}

/// Index keys of one entry: partition and sort value.
pub(super) type IndexKey = (String, String);

impl Credentials {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Writes a credential if its id is free. The item carries its origin and the mail it
    /// owes, so a repeated put knows its own work.
    ///
    /// # Errors
    /// As of the store.
    pub async fn put(
        &self,
        credential: &Credential,
        email_key: &str,
        now: &str,
    ) -> Result<Put, StoreError> {
        let item = item_of(credential, email_key, now)?;
        let written = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let found = match written {
            Ok(_) => return Ok(Put::Written),
            Err(error) => match old_item(error.as_service_error(), |e| {
                match e {
                aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(e) => e.item().cloned(),
                _ => None,
            }
            }) {
                Some(item) => item,
                None => return Err(error.into()),
            },
        };
        if found.contains_key("alias_of") {
            let alias: Alias = from_item(found)?;
            let target = self.get(alias.alias_of).await?;
            let target = target.ok_or(StoreError::Broken("alias of nothing".to_owned()))?;
            return Ok(Put::Found(Box::new(target)));
        }
        Ok(Put::Found(Box::new(from_item(found)?)))
    }

    /// Writes credentials whose ids are free, in one call; what each found, in their order. At most
    /// [`TOGETHER`] are taken, each of another id.
    pub async fn put_together(
        &self,
        credentials: &[(Box<Credential>, String)],
        now: &str,
    ) -> Vec<Result<Put, StoreError>> {
        let mut found = Vec::with_capacity(credentials.len());
        let insertions = credentials.iter().map(|(c, email_key)| self.insertion(c, email_key, now));
        let inserted = self.run_together(insertions).await;
        for ((credential, email_key), inserted) in credentials.iter().zip(inserted) {
            found.push(match inserted {
                Ok(true) => Ok(Put::Written),
                Ok(false) => self.at(credential.id).await.and_then(|standing| {
                    let standing = standing.ok_or(StoreError::Broken("taken by nothing".into()))?;
                    Ok(Put::Found(Box::new(standing)))
                }),
                // One that is refused for good must not keep the others from being put.
                Err(StoreError::Broken(_)) => self.put(credential, email_key, now).await,
                Err(error) => Err(error),
            });
        }
        found
    }

    /// Runs statements, in one call; whether each wrote, false where its condition did not hold.
    async fn run_together(
        &self,
        statements: impl Iterator<Item = Result<BatchStatementRequest, StoreError>>,
    ) -> Vec<Result<bool, StoreError>> {
        let mut ended: Vec<Result<bool, StoreError>> = Vec::new();
        let mut left = Vec::new();
        for (at, statement) in statements.enumerate() {
            match statement {
                Ok(statement) => {
                    left.push((at, statement));
                    // What stays, should it not be answered in any round.
                    ended.push(Err(StoreError::Unavailable("not answered".to_owned())));
                }
                Err(error) => ended.push(Err(error)),
            }
        }
        for round in 0..ROUNDS {
            if left.is_empty() {
                break;
            }
            pause(round).await;
            let statements = left.iter().map(|(_, statement)| statement.clone()).collect();
            let call = self.client.batch_execute_statement().set_statements(Some(statements));
            let answers = match call.send().await.map_err(StoreError::from) {
                Ok(answer) => answer.responses.unwrap_or_default(),
                Err(error) => {
                    tracing::error!(%error, "batch of credentials not written");
                    let broken = matches!(error, StoreError::Broken(_));
                    for (at, _) in left.into_iter().filter(|_| broken) {
                        set(&mut ended, at, Err(StoreError::Broken("together".to_owned())));
                    }
                    break;
                }
            };
            let mut again = Vec::new();
            for ((at, statement), answer) in left.into_iter().zip(answers) {
                match answer.error.map(|error| error.code) {
                    None => set(&mut ended, at, Ok(true)),
                    Some(Some(
                        BatchStatementErrorCodeEnum::DuplicateItem
                        | BatchStatementErrorCodeEnum::ConditionalCheckFailed,
                    )) => set(&mut ended, at, Ok(false)),
                    Some(Some(code)) if passes(&code) => again.push((at, statement)),
                    Some(code) => {
                        let code = code.as_ref().map_or("unknown", |code| code.as_str());
                        tracing::error!(code, "statement refused");
                        set(&mut ended, at, Err(StoreError::Broken(code.to_owned())));
                    }
                }
            }
            left = again;
        }
        ended
    }

    /// A statement that writes a credential if its id is free.
    fn insertion(
        &self,
        credential: &Credential,
        email_key: &str,
        now: &str,
    ) -> Result<BatchStatementRequest, StoreError> {
        let item = item_of(credential, email_key, now)?;
        let (names, values): (Vec<String>, Vec<AttributeValue>) = item.into_iter().unzip();
        let names: Vec<String> = names.iter().map(|name| format!("'{name}': ?")).collect();
        let insert = format!("INSERT INTO \"{}\" VALUE {{{}}}", self.table, names.join(", "));
        let statement = BatchStatementRequest::builder().statement(insert);
        Ok(statement.set_parameters(Some(values)).build()?)
    }

    /// A credential; none under an alias.
    ///
    /// # Errors
    /// As of the store.
    pub async fn get(&self, id: CredentialId) -> Result<Option<Credential>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(id_key(id.to_string())))
            .consistent_read(true)
            .send()
            .await?;
        answer.item.filter(|item| !item.contains_key("alias_of")).map(from_item).transpose()
    }

    /// A credential, or the one that an alias leads to.
    ///
    /// # Errors
    /// As of the store.
    pub async fn at(&self, id: CredentialId) -> Result<Option<Credential>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(id_key(id.to_string())))
            .consistent_read(true)
            .send()
            .await?;
        match answer.item {
            Some(item) if item.contains_key("alias_of") => {
                let alias: Alias = from_item(item)?;
                self.get(alias.alias_of).await
            }
            Some(item) => from_item(item).map(Some),
            None => Ok(None),
        }
    }

    /// The credentials under some ids, in the order of the ids.
    ///
    /// # Errors
    /// As of the store.
    pub async fn get_all(&self, ids: &[CredentialId]) -> Result<Vec<Credential>, StoreError> {
        let keys = ids.iter().map(|id| id_key(id.to_string())).collect();
        let mut found = Vec::with_capacity(ids.len());
        for item in get_many(&self.client, &self.table, keys).await? {
            if !item.contains_key("alias_of") {
                found.push(from_item::<Credential>(item)?);
            }
        }
        let place = |c: &Credential| ids.iter().position(|id| *id == c.id);
        found.sort_by_cached_key(place);
        Ok(found)
    }

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
            self.client
                .update_item()
                .table_name(&self.table)
                .set_key(Some(id_key(id.to_string())))
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
        let lease = match (standing.mail, standing.mail_lease) {
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
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(id_key(id.to_string())))
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
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(id_key(id.to_string())))
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
    pub async fn settle_first(
        &self,
        id: CredentialId,
        state: MailState,
    ) -> Result<bool, StoreError> {
        let end = match state {
            MailState::Failed => "failed",
            MailState::Skipped => "skipped",
            _ => "sent",
        };
        let update = self
            .ledger_update(id, "SET mail = :end")
            .expression_attribute_values(":end", text(end));
        held(update.send().await.map_err(StoreError::from))
    }

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
        self.end_debt(id, "skipped", SKIP_NOT_HOLDING, ambiguous, |update| {
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
        end: MailState,
        now: i64,
    ) -> Result<bool, StoreError> {
        let end = if end == MailState::Failed { "failed" } else { "skipped" };
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
        end: &str,
        condition: &str,
        ambiguous: u32,
        values: impl FnOnce(UpdateItemFluentBuilder) -> UpdateItemFluentBuilder,
    ) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(id_key(id.to_string())))
            .update_expression(
                "SET mail = :end REMOVE mail_lease, owed_pk, owed_sk ADD mail_ambiguous :n",
            )
            .condition_expression(condition)
            .expression_attribute_values(":end", text(end))
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
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(id_key(id.to_string())))
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
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(id_key(id.to_string())))
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
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(id_key(read.id.to_string())))
            .condition_expression(condition.join(" AND "));
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

    /// Ids of an organization's credentials, newest first, from the partitions of the index
    /// merged by time. `before` is the sort key that the last page ended with.
    ///
    /// # Errors
    /// As of the store.
    pub async fn by_time(
        &self,
        org: &OrgId,
        mode: Mode,
        since: Option<&str>,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Page<CredentialId>, StoreError> {
        let partitions = (0..TIME_PARTITIONS).map(|partition| {
            self.newest(&BY_TIME, time_pk(org, mode, partition), since, before, limit)
        });
        let mut found: Vec<IndexKey> =
            futures::future::try_join_all(partitions).await?.into_iter().flatten().collect();
        found.sort_unstable_by(|a, b| b.1.cmp(&a.1));
        Ok(cut(found, limit))
    }

    /// Ids of the credentials under an address key, newest first.
    ///
    /// # Errors
    /// As of the store.
    pub async fn by_email(
        &self,
        email_key: &str,
        since: Option<&str>,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Page<CredentialId>, StoreError> {
        let found = self.newest(&BY_EMAIL, email_key.to_owned(), since, before, limit).await?;
        Ok(cut(found, limit))
    }

    /// Up to `limit` + 1 entries of one index partition, newest first.
    async fn newest(
        &self,
        index: &crate::store::schema::Index,
        pk: String,
        since: Option<&str>,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<IndexKey>, StoreError> {
        // `~` sorts after every instant, `0` before.
        let (since, until) = (since.unwrap_or("0"), before.unwrap_or("~"));
        if since > until {
            // DynamoDB refuses a range that is upside down.
            return Ok(Vec::new());
        }
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index.name)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :since AND :before")
            .expression_attribute_names("#pk", index.partition)
            .expression_attribute_names("#sk", index.sort)
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":since", text(since))
            .expression_attribute_values(":before", text(until))
            .scan_index_forward(false)
            .limit(i32::try_from(limit + 2).unwrap_or(i32::MAX))
            .send()
            .await?;
        Ok(answer
            .items
            .unwrap_or_default()
            .iter()
            .filter_map(|item| {
                let id = item.get("id")?.as_s().ok()?;
                let sk = item.get(index.sort)?.as_s().ok()?;
                (Some(sk.as_str()) != before).then(|| (id.clone(), sk.clone()))
            })
            .collect())
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
        item.insert(crate::store::schema::TTL.into(), number(now + 7 * 24 * 3600));
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
            item.get(crate::store::schema::TTL)
                .and_then(|ttl| ttl.as_n().ok())
                .and_then(|ttl| ttl.parse::<i64>().ok())
                .is_some_and(|ttl| ttl > now)
        };
        answer.item.filter(live).map(from_item).transpose()
    }
}

/// A credential as it is written first, with its places in the indexes.
fn item_of(credential: &Credential, email_key: &str, now: &str) -> Result<Item, StoreError> {
    let mut item = to_item(credential)?;
    let sort = sort_key(&credential.issued_at, credential.id);
    let partition = spread(credential.id, TIME_PARTITIONS);
    let org = time_pk(&credential.org, credential.mode, partition);
    item.insert(BY_TIME.partition.into(), text(org));
    item.insert(BY_TIME.sort.into(), text(&sort));
    item.insert(BY_EMAIL.partition.into(), text(email_key));
    item.insert(BY_EMAIL.sort.into(), text(&sort));
    // A job's mail is followed by its job; any other debt by this sparse index.
    if credential.mail == MailState::Owed && matches!(credential.origin, Origin::Request(_)) {
        let (pk, sk) = owed_key(credential.id, now);
        item.insert(OWED.partition.into(), text(pk));
        item.insert(OWED.sort.into(), text(sk));
    }
    Ok(item)
}

/// Puts a value at a place that is there.
fn set<T>(slots: &mut [T], at: usize, value: T) {
    if let Some(slot) = slots.get_mut(at) {
        *slot = value;
    }
}

/// Whether a statement that was refused so is likely to be taken later.
fn passes(code: &BatchStatementErrorCodeEnum) -> bool {
    use BatchStatementErrorCodeEnum as Code;
    matches!(
        code,
        Code::InternalServerError
            | Code::ProvisionedThroughputExceeded
            | Code::RequestLimitExceeded
            | Code::ThrottlingError
            | Code::TransactionConflict
    )
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

fn cut(mut found: Vec<IndexKey>, limit: usize) -> Page<CredentialId> {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = if more { found.last().map(|(_, sk)| sk.clone()) } else { None };
    let items = found.iter().filter_map(|(id, _)| CredentialId::parse(id).ok()).collect();
    Page { items, next }
}

fn old_item<E>(error: Option<&E>, item: impl Fn(&E) -> Option<Item>) -> Option<Item> {
    error.and_then(item)
}

type UpdateResult = Result<
    aws_sdk_dynamodb::operation::update_item::UpdateItemOutput,
    aws_sdk_dynamodb::error::SdkError<aws_sdk_dynamodb::operation::update_item::UpdateItemError>,
>;

fn claim_answer(result: UpdateResult) -> Result<Claim, StoreError> {
    use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
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
