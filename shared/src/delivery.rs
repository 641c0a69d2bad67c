//! Mail: claim, hand to SES, receipt, account.
//!
//! A mail is sent by whoever wins the claim on its credential, a conditional update with a
//! lease. SES then takes it, refuses it for good, does not accept it for now, or leaves us
//! in doubt:
//!
//! - taken: the receipt ends the debt;
//! - refused for good: failed, with the reason;
//! - not accepted (throttled, quota, paused, not connected): the claim is released, no
//!   attempt is counted, the message waits longer each time, up to 15 minutes;
//! - in doubt (timeout, reset after the request was written, 5xx): the lease stands. When
//!   it has ended without a receipt the mail is sent again, and counted as ambiguous: the
//!   one case in which a mail can arrive twice. SES has no idempotency token.
//!
//! An address on the organization's suppression list gets nothing: its mail fails as
//! `suppressed`. What became of a mail after SES took it, [`crate::settling`] hears.
//!
//! Safe to repeat: a claim is refused when the mail has ended, and what ended is recorded
//! in sets.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error as StdError,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use aws_sdk_ses::{
    error::{ProvideErrorMetadata, SdkError},
    operation::send_raw_email::SendRawEmailError,
    primitives::Blob,
    types::{MessageTag, RawMessage},
};
use futures::{FutureExt, StreamExt, stream};
use tokio::sync::Mutex;

use crate::{
    app::App,
    consuming::{Delivered, Report},
    credential::{Credential, MailState, Origin, RecipientType, Status},
    feedback::{CREDENTIAL_TAG, ROUND_TAG},
    ids::{JobId, Mode},
    job::{KEPT_DAYS, MailSets},
    mail::{self, Audience, Letter, Rendered},
    queue::MailOf,
    store::{
        StoreError,
        credentials::{Claim, MailEnd, TestMail},
    },
    time, wallet,
};

/// Mails under way at once in one process.
const CONCURRENCY: usize = 8;
/// Attempts, ambiguous ones included, after which a mail has failed.
const MAX_ATTEMPTS: u32 = 5;
/// Longest wait of a mail that SES does not accept (`ChangeMessageVisibility` takes 12 h).
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// What a lease lasts beyond the function's timeout, so that no living attempt loses it.
const LEASE_MARGIN: Duration = Duration::from_secs(60);

/// Hands out moments at an even rate, from an empty bucket: a new process does not burst.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// A pace of so many a second.
    pub fn new(per_second: f64) -> Self {
        let interval = Duration::try_from_secs_f64(1.0 / per_second.max(0.01));
        Self { interval: interval.unwrap_or(Duration::from_secs(1)), next: Mutex::new(None) }
    }

    /// Waits for the next moment; false when it comes only after `stop`.
    async fn turn(&self, stop: Instant) -> bool {
        let at = {
            let mut next = self.next.lock().await;
            let at = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
            if at >= stop {
                return false;
            }
            *next = Some(at + self.interval);
            at
        };
        tokio::time::sleep_until(at.into()).await;
        true
    }
}

/// How a message about a mail ended.
#[derive(Debug)]
enum Turn {
    /// The mail has ended so.
    Ended(Box<Credential>, MailState),
    /// It comes back after a while; why, when SES is the reason.
    PutOff(Duration, Option<(&'static str, Box<Credential>)>),
    /// It comes back when the queue sees fit.
    Again,
    /// There is no such credential.
    Unknown,
}

/// Sends the mails of a batch and records how they ended, one write a shard.
pub async fn send_mails(
    app: &App,
    mails: Vec<(Delivered, MailOf)>,
    stop: Instant,
    report: &mut Report,
) {
    if mails.is_empty() {
        return;
    }
    let jobs = mails.iter().filter_map(|(_, mail)| mail.job_id).collect();
    let cancelled = match app.jobs.which(jobs, |job| job.cancelled_at.is_some()).await {
        Ok(cancelled) => cancelled,
        Err(error) => {
            tracing::error!(%error, "jobs not read");
            report.retry.extend(mails.into_iter().map(|(message, _)| message.id));
            return;
        }
    };
    let cancelled = &cancelled;
    let turns: Vec<(Delivered, bool, Turn)> = stream::iter(mails)
        .map(|(message, mail)| async move {
            let off = mail.job_id.is_some_and(|job| cancelled.contains(&job));
            let work = AssertUnwindSafe(send_one(app, &message, &mail, off, stop)).catch_unwind();
            let turn = match work.await {
                Ok(Ok(turn)) => turn,
                Ok(Err(error)) => {
                    tracing::error!(%error, message_id = message.id, "mail not sent");
                    Turn::Again
                }
                Err(_) => {
                    tracing::error!(message_id = message.id, "mail panicked");
                    Turn::Again
                }
            };
            (message, mail.job_id.is_none(), turn)
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;

    let mut shards: BTreeMap<(JobId, u32), (Vec<String>, MailSets)> = BTreeMap::new();
    let mut waiting: BTreeMap<JobId, &'static str> = BTreeMap::new();
    let mut later: Vec<(Delivered, Duration)> = Vec::new();
    let mut recount: BTreeSet<JobId> = BTreeSet::new();
    for (message, by_itself, turn) in turns {
        match turn {
            Turn::Ended(credential, state) => {
                match state {
                    MailState::Sent => report.mailed += 1,
                    MailState::Failed => report.mail_failed += 1,
                    _ => {}
                }
                if let Origin::Job { job, shard, row } = credential.origin {
                    let (ids, sets) = shards.entry((job, shard)).or_default();
                    ids.push(message.id);
                    if by_itself {
                        recount.insert(job);
                    }
                    match state {
                        MailState::Sent => sets.sent.insert(row),
                        MailState::Failed => sets.failed.insert(row),
                        _ => sets.skipped.insert(row),
                    };
                }
            }
            Turn::PutOff(wait, why) => {
                report.mail_put_off += 1;
                report.mail_waiting += usize::from(why.is_some());
                report.retry.push(message.id.clone());
                later.push((message, wait));
                if let Some((why, credential)) = why
                    && let Origin::Job { job, .. } = credential.origin
                {
                    waiting.insert(job, why);
                }
            }
            Turn::Again => report.retry.push(message.id),
            Turn::Unknown => {
                tracing::error!(message_id = message.id, "mail of an unknown credential");
            }
        }
    }
    let now = app.clock.now();
    let ttl = now.as_second() + KEPT_DAYS * 24 * 3600;
    for ((job, shard), (ids, sets)) in shards {
        let mut accounted = app.jobs.account_mail(job, shard, &sets, ttl).await;
        if accounted.is_ok() && recount.contains(&job) {
            // The job has ended, most likely: its totals change all the same.
            accounted = app.jobs.recount(job, &time::millis(now)).await;
        }
        if let Err(error) = accounted {
            tracing::error!(%error, rows = ids.len(), "mail not recorded");
            report.retry.extend(ids);
        }
    }
    // After what counts, and together: most of a batch can be put off near its deadline.
    stream::iter(&later)
        .for_each_concurrent(CONCURRENCY, |(message, wait)| put_off(app, message, *wait))
        .await;
    let now = time::seconds(now);
    for (job, why) in waiting {
        if let Err(error) = app.jobs.mail_waits(job, why, &now).await {
            tracing::warn!(%error, "reason of waiting not written");
        }
    }
}

/// Makes a message come back after a while instead of at the end of its visibility.
async fn put_off(app: &App, message: &Delivered, wait: Duration) {
    let changed = app
        .sqs
        .change_message_visibility()
        .queue_url(&app.config.mail_queue_url)
        .receipt_handle(&message.receipt)
        .visibility_timeout(i32::try_from(wait.as_secs()).unwrap_or(i32::MAX))
        .send()
        .await;
    if changed.is_err() {
        // It comes back all the same, at the end of its visibility.
        tracing::warn!(message_id = message.id, "visibility not changed");
    }
}

async fn send_one(
    app: &App,
    message: &Delivered,
    mail: &MailOf,
    off: bool,
    stop: Instant,
) -> Result<Turn, StoreError> {
    if off {
        let (id, now) = (mail.credential_id, app.clock.now().as_second());
        let skipped = app.credentials.write_off_mail(id, MailState::Skipped, now).await?;
        let standing = app.credentials.get(mail.credential_id).await?;
        return match standing.map(Box::new) {
            None => Ok(Turn::Unknown),
            Some(standing) if skipped => Ok(Turn::Ended(standing, MailState::Skipped)),
            Some(standing) => refused(app, standing, app.clock.now().as_second()).await,
        };
    }
    // The turn comes before the claim: a claim that waits for its turn would let its lease
    // run.
    if !app.pace.turn(stop).await {
        return Ok(Turn::PutOff(Duration::from_secs(1), None));
    }
    let now = app.clock.now();
    let lease = app.config.consumer_timeout + LEASE_MARGIN;
    let until = now.as_second() + i64::try_from(lease.as_secs()).unwrap_or(i64::MAX / 2);
    let claim = app.credentials.claim_mail(mail.credential_id, now.as_second(), until).await?;
    let credential = match claim {
        Claim::Unknown => return Ok(Turn::Unknown),
        Claim::Refused(standing) => return refused(app, standing, now.as_second()).await,
        Claim::Granted(credential) => credential,
    };
    if credential.mail_attempts > MAX_ATTEMPTS {
        return end(app, credential, &MailEnd::Failed("gave_up")).await;
    }
    let letter = match compose(app, &credential).await? {
        Ok(letter) => letter,
        Err(why) => return end(app, credential, &MailEnd::Failed(why)).await,
    };
    if credential.mode == Mode::Test {
        let kept = TestMail {
            subject: letter.subject,
            text: letter.text,
            html: letter.html,
            sent_at: time::seconds(now),
        };
        app.credentials.put_test_mail(credential.id, &kept, now.as_second()).await?;
        return end(app, credential, &MailEnd::Sent).await;
    }
    if app.catalog.suppression(&credential.org, &credential.recipient.email).await?.is_some() {
        return end(app, credential, &MailEnd::Failed("suppressed")).await;
    }
    let organization = app.catalog.organization(&credential.org).await?;
    let sent = app
        .ses
        .send_raw_email()
        .tags(tag(CREDENTIAL_TAG, credential.id.to_string())?)
        .tags(tag(ROUND_TAG, credential.mail_round.to_string())?)
        .source(organization.settings.sender.as_str())
        .destinations(credential.recipient.email.as_str())
        .set_configuration_set_name(app.config.ses_configuration_set.clone())
        .raw_message(raw(letter.mime)?)
        .send()
        .await;
    match sent.as_ref().map_err(verdict) {
        Ok(_) => end(app, credential, &MailEnd::Sent).await,
        Err(Verdict::Refused(why)) => end(app, credential, &MailEnd::Failed(why)).await,
        Err(Verdict::NotAccepted(why)) => {
            let (id, attempt) = (credential.id, credential.mail_attempts);
            let wait = back_off(message.receives);
            // It comes back by itself until then: no debt for the sweeper.
            let later = app.clock.now().checked_add(wait).unwrap_or(now);
            let later = time::millis(later);
            app.credentials.end_mail(id, attempt, &MailEnd::Released, &later).await?;
            tracing::warn!(reason = why, "SES does not accept mail");
            Ok(Turn::PutOff(wait, Some((why, credential))))
        }
        Err(Verdict::InDoubt(why)) => {
            tracing::warn!(reason = why, "nobody knows whether SES took a mail");
            Ok(Turn::PutOff(lease + Duration::from_secs(1), Some((why, credential))))
        }
    }
}

fn raw(mime: Vec<u8>) -> Result<RawMessage, StoreError> {
    RawMessage::builder()
        .data(Blob::new(mime))
        .build()
        .map_err(|e| StoreError::Broken(e.to_string()))
}

/// A tag by which SES's events name the mail.
fn tag(name: &str, value: String) -> Result<MessageTag, StoreError> {
    MessageTag::builder()
        .name(name)
        .value(value)
        .build()
        .map_err(|e| StoreError::Broken(e.to_string()))
}

/// What a refused claim says about the mail.
async fn refused(app: &App, standing: Box<Credential>, now: i64) -> Result<Turn, StoreError> {
    Ok(match (standing.mail, standing.status) {
        (state @ (MailState::Sent | MailState::Failed | MailState::Skipped), _) => {
            Turn::Ended(standing, state)
        }
        // Somebody is sending it, whatever became of the credential since.
        (MailState::Claimed, _) if standing.mail_lease.is_some_and(|lease| lease >= now) => {
            let left = standing.mail_lease.unwrap_or(now).saturating_sub(now) + 1;
            Turn::PutOff(Duration::from_secs(u64::try_from(left).unwrap_or(1)), None)
        }
        // Free again since the claim was refused.
        (MailState::Owed | MailState::Claimed, Status::Issued) => Turn::Again,
        // Revoked or suspended since: the mail is not due any more.
        (MailState::Owed | MailState::Claimed, Status::Suspended | Status::Revoked) => {
            app.credentials.skip_mail(standing.id, standing.mail).await?;
            Turn::Ended(standing, MailState::Skipped)
        }
    })
}

async fn end(
    app: &App,
    credential: Box<Credential>,
    end: &MailEnd<'_>,
) -> Result<Turn, StoreError> {
    let state = match end {
        MailEnd::Sent => MailState::Sent,
        _ => MailState::Failed,
    };
    let at = time::seconds(app.clock.now());
    let (id, attempt) = (credential.id, credential.mail_attempts);
    if app.credentials.end_mail(id, attempt, end, &at).await? {
        return Ok(Turn::Ended(credential, state));
    }
    // The lease ended under us, and somebody else has the claim: theirs to end. Or SES was
    // faster to say what became of the mail than we with its receipt.
    match app.credentials.get(id).await? {
        Some(standing) => refused(app, Box::new(standing), app.clock.now().as_second()).await,
        None => Ok(Turn::Unknown),
    }
}

/// Writes the letter of a credential, or says why it cannot be written.
async fn compose(
    app: &App,
    credential: &Credential,
) -> Result<Result<Rendered, &'static str>, StoreError> {
    let organization = app.catalog.organization(&credential.org).await?;
    let template = app
        .catalog
        .template_version(&credential.org, credential.template_id, credential.template_version)
        .await?
        .ok_or(StoreError::Broken("credential without template".to_owned()))?;
    let settings = &organization.settings;
    let site_url = &app.config.site_url;
    let url = Credential::url(site_url, credential.id);
    let wallet_url = match credential.recipient_type {
        RecipientType::Internal => {
            let secret = app.catalog.id_secret(&credential.org).await?;
            let (org, mode) = (&credential.org, credential.mode);
            let email = &credential.recipient.email;
            wallet::link(site_url, &secret, org, mode, email, app.clock.now())
        }
        RecipientType::External => None,
    };
    let letter = Letter {
        organization: &settings.name,
        sender: settings.sender.as_str(),
        reply_to: settings.reply_to.as_ref().map(|address| address.as_str()),
        to: credential.recipient.email.as_str(),
        recipient_name: credential.recipient.recipient_name.as_deref(),
        credential_name: &template.definition.name,
        credential_id: &credential.id.to_string(),
        round: credential.mail_round,
        url: &url,
        wallet_url: wallet_url.as_deref(),
        logo: settings.logo.as_ref(),
        badge: template.definition.achievement.image.as_ref(),
        site_url,
        lang: credential.lang,
        audience: match credential.recipient_type {
            RecipientType::Internal => Audience::Member,
            RecipientType::External => Audience::External,
        },
        test: credential.mode == Mode::Test,
        date: &time::seconds(app.clock.now()),
    };
    Ok(mail::render(&letter).map_err(|_| "cannot_be_written"))
}

/// A wait of 5 s, doubling with each receive, up to [`LONGEST_WAIT`].
fn back_off(receives: u32) -> Duration {
    let factor = 1_u32 << receives.saturating_sub(1).min(10);
    (Duration::from_secs(5) * factor).min(LONGEST_WAIT)
}

/// What an error of SES means for a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It will never be taken.
    Refused(&'static str),
    /// Surely not taken, and worth another try.
    NotAccepted(&'static str),
    /// Perhaps taken.
    InDoubt(&'static str),
}

fn verdict<R>(error: &SdkError<SendRawEmailError, R>) -> Verdict
where
    R: std::fmt::Debug,
{
    match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or_default();
            let message = service.err().message().unwrap_or_default();
            of_code(code, message)
        }
        SdkError::ConstructionFailure(_) => Verdict::NotAccepted("request_not_built"),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(connector) if refused_connection(connector) => {
                Verdict::NotAccepted("not_connected")
            }
            _ => Verdict::InDoubt("connection_lost"),
        },
        SdkError::TimeoutError(_) => Verdict::InDoubt("timeout"),
        _ => Verdict::InDoubt("no_usable_response"),
    }
}

/// Whether the connection was never made, so that nothing can have been sent.
fn refused_connection(error: &(dyn StdError + 'static)) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::ConnectionRefused;
        }
        cause = error.source();
    }
    false
}

/// The error codes of `SendRawEmail` and the common ones (SES API v1 reference).
fn of_code(code: &str, message: &str) -> Verdict {
    match code {
        "MessageRejected" if message.contains("paused") || message.contains("suspended") => {
            Verdict::NotAccepted("sending_paused")
        }
        // SES says "not verified" with the same code: that is ours to mend, not the mail's
        // fault.
        "MessageRejected" if message.contains("not verified") => {
            Verdict::NotAccepted("sender_not_verified")
        }
        "MessageRejected" | "InvalidParameterValue" => Verdict::Refused("rejected"),
        "Throttling" | "ThrottlingException" | "TooManyRequestsException" => {
            Verdict::NotAccepted("throttled")
        }
        "LimitExceeded" | "LimitExceededException" => Verdict::NotAccepted("quota"),
        "AccountSendingPausedException"
        | "ConfigurationSetSendingPausedException"
        | "AccountSendingPaused"
        | "ConfigurationSetSendingPaused" => Verdict::NotAccepted("sending_paused"),
        "ConfigurationSetDoesNotExist"
        | "ConfigurationSetDoesNotExistException"
        | "MailFromDomainNotVerified"
        | "MailFromDomainNotVerifiedException" => Verdict::NotAccepted("ses_not_set_up"),
        "AccessDenied"
        | "AccessDeniedException"
        | "ExpiredToken"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Verdict::NotAccepted("not_permitted"),
        _ => Verdict::InDoubt("server_error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_says_no_frees_the_mail() {
        assert_eq!(of_code("Throttling", ""), Verdict::NotAccepted("throttled"));
        assert_eq!(of_code("MessageRejected", "Illegal address"), Verdict::Refused("rejected"));
        assert_eq!(
            of_code("MessageRejected", "Email address is not verified. …"),
            Verdict::NotAccepted("sender_not_verified")
        );
        assert_eq!(
            of_code("MessageRejected", "Sending paused for this account. …"),
            Verdict::NotAccepted("sending_paused")
        );
        assert_eq!(of_code("InternalFailure", ""), Verdict::InDoubt("server_error"));
        assert_eq!(of_code("", ""), Verdict::InDoubt("server_error"));
    }

    #[test]
    fn waiting_doubles_up_to_a_quarter_of_an_hour() {
        let waits: Vec<u64> = [1, 2, 3, 8, 9, 50].map(|n| back_off(n).as_secs()).to_vec();
        assert_eq!(waits, [5, 10, 20, 640, 900, 900]);
    }
}
