//! One mail that is claimed on its credential: claim, letter, hand-over, receipt.
//!
//! The rules of an attempt are in [`crate::mail::send`].

use std::{future::Future, panic::AssertUnwindSafe, time::Duration, time::Instant};

use futures::FutureExt;

use crate::{
    app::App,
    aws::ses::{Envelope, HandOver, SesVerdict},
    credentials::days,
    document::achievement::AchievementVersion,
    domain::{
        credential::{Credential, MailState, RecipientType},
        erasure::Stored,
        ids::{CredentialId, Mode},
        ledger::Ended,
        tenant::Tenant,
        time,
        wallet_link::{self, WalletOf},
    },
    jobs::messages::{Delivered, MailMessage},
    mail::{
        ledger::Lease,
        letter::{self, Audience, Letter, Rendered},
    },
    store::{
        StoreError,
        credential_mail::{Claim, MailEnd},
        test_mail::TestMail,
    },
};

/// Attempts, ambiguous ones included, after which a mail has failed.
const MAX_ATTEMPTS: u32 = 5;
/// Longest wait of a mail that SES does not accept (`ChangeMessageVisibility` takes 12 h).
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Wait of a mail for which this batch has no time left.
const NEXT_BATCH: Duration = Duration::from_secs(1);

/// A mail to send.
pub(super) struct MailTask {
    /// The SQS message.
    pub(super) message: Delivered,
    /// Its content.
    pub(super) mail: MailMessage,
    /// The job that follows the mail was cancelled: the mail is skipped.
    pub(super) job_cancelled: bool,
}

/// How a message about a mail ended.
#[derive(Debug)]
pub(super) enum MailOutcome {
    /// The mail has ended.
    Ended(Box<Credential>, Ended),
    /// The message comes back after `wait`.
    Deferred {
        /// The time until then.
        wait: Duration,
        /// The reason, when SES gave one, and the credential.
        reason: Option<(&'static str, Box<Credential>)>,
    },
    /// The message comes back at the end of its visibility.
    Again,
    /// No such credential exists.
    Unknown,
    /// The credential was erased. Its mail was recorded then; after a retry of its job, now.
    Erased,
}

impl MailOutcome {
    /// The mail of a batch that has no time left for it.
    pub(super) fn out_of_time() -> Self {
        Self::Deferred { wait: NEXT_BATCH, reason: None }
    }

    /// A mail that SES did not take for now: it waits longer each time.
    pub(super) fn not_accepted(
        message: &Delivered,
        why: &'static str,
        credential: Box<Credential>,
    ) -> Self {
        tracing::warn!(reason = why, "SES refused a mail for now");
        Self::Deferred { wait: backoff(message.receives), reason: Some((why, credential)) }
    }

    /// A mail that SES may have taken: it comes back when its claim has ended.
    pub(super) fn in_doubt(
        lease: Duration,
        why: &'static str,
        credential: Box<Credential>,
    ) -> Self {
        tracing::warn!(reason = why, "mail in doubt");
        Self::Deferred { wait: lease + Duration::from_secs(1), reason: Some((why, credential)) }
    }
}

/// Runs an attempt; a failure or a panic makes its message come back.
pub(super) async fn caught(
    message: &Delivered,
    attempt: impl Future<Output = Result<MailOutcome, StoreError>>,
) -> MailOutcome {
    match AssertUnwindSafe(attempt).catch_unwind().await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            tracing::error!(%error, message_id = message.id, "mail not sent");
            MailOutcome::Again
        }
        Err(_) => {
            tracing::error!(message_id = message.id, "mail panicked");
            MailOutcome::Again
        }
    }
}

/// Sends a mail that is claimed on its credential.
pub(super) async fn send_one(
    app: &App,
    task: &MailTask,
    stop: Instant,
) -> Result<MailOutcome, StoreError> {
    let id = task.mail.credential_id;
    if task.job_cancelled {
        return skip_cancelled(app, id).await;
    }
    // The limiter comes before the claim: a claim that waits would let its lease run.
    if !app.rate_limiter.turn(stop).await {
        return Ok(MailOutcome::out_of_time());
    }
    let now = app.clock.now();
    let lease = Lease::from(app, now.as_second());
    let claim = app.credentials.claim_mail(id, now.as_second(), lease.until).await?;
    let credential = match claim {
        Claim::Unknown => return absent(app, id).await,
        Claim::Refused(stored) => return refused(app, stored, now.as_second()).await,
        Claim::Granted(credential) => credential,
    };
    if credential.mail_attempts > MAX_ATTEMPTS {
        return fail(app, credential, "gave_up").await;
    }
    let letter = match compose(app, &credential).await? {
        Ok(letter) => letter,
        Err(why) => return fail(app, credential, why).await,
    };
    let email = &credential.recipient.email;
    if let Some(why) = app.catalog.why_suppressed(credential.tenant(), email).await? {
        return fail(app, credential, why.as_str()).await;
    }
    if credential.mode == Mode::Test {
        let kept = TestMail {
            subject: letter.subject,
            text: letter.text,
            html: letter.html,
            sent_at: time::seconds(now),
        };
        app.credentials.put_test_mail(credential.id, &kept, now.as_second()).await?;
        return receipt(app, credential).await;
    }
    match hand_over(app, &credential, letter).await?.send().await {
        Ok(()) => receipt(app, credential).await,
        Err(SesVerdict::Refused(why)) => fail(app, credential, why).await,
        Err(SesVerdict::NotAccepted(why)) => {
            let (id, attempt) = (credential.id, credential.mail_attempts);
            // Until then the message comes back by itself; later the sweeper finds the mail.
            let wait = backoff(task.message.receives);
            let later = app.clock.now().checked_add(wait).unwrap_or(now);
            let later = time::millis(later);
            app.credentials.end_mail(id, attempt, &MailEnd::Released, &later).await?;
            Ok(MailOutcome::not_accepted(&task.message, why, credential))
        }
        Err(SesVerdict::InDoubt(why)) => Ok(MailOutcome::in_doubt(lease.duration, why, credential)),
    }
}

/// Skips the mail of a cancelled job, unless another worker is sending it.
async fn skip_cancelled(app: &App, id: CredentialId) -> Result<MailOutcome, StoreError> {
    let now = app.clock.now().as_second();
    let skipped = app.credentials.write_off_mail(id, Ended::Skipped, now).await?;
    match app.credentials.get(id).await?.map(Box::new) {
        None => absent(app, id).await,
        Some(stored) if skipped => Ok(MailOutcome::Ended(stored, Ended::Skipped)),
        Some(stored) => refused(app, stored, app.clock.now().as_second()).await,
    }
}

/// Prepares the call that hands a mail to SES.
pub(super) async fn hand_over(
    app: &App,
    credential: &Credential,
    letter: Rendered,
) -> Result<HandOver, StoreError> {
    let organization = app.catalog.organization(&credential.org).await?;
    let envelope = Envelope {
        sender: &organization.settings.sender,
        to: &credential.recipient.email,
        credential_id: credential.id,
        round: credential.mail_round,
        configuration_set: app.config.ses_configuration_set.clone(),
    };
    HandOver::new(&app.ses, envelope, letter.mime).map_err(|e| StoreError::Broken(e.to_string()))
}

/// The outcome of a message whose claim was refused, by the credential that refused it.
pub(super) async fn refused(
    app: &App,
    stored: Box<Credential>,
    now: i64,
) -> Result<MailOutcome, StoreError> {
    if let Some(ended) = Ended::of(stored.stored_mail) {
        return Ok(MailOutcome::Ended(stored, ended));
    }
    if stored.stored_mail == MailState::Claimed
        && let Some(lease) = stored.mail_lease.filter(|lease| *lease >= now)
    {
        // Another worker is sending it, even if the credential was revoked since.
        let left = u64::try_from(lease.saturating_sub(now) + 1).unwrap_or(1);
        return Ok(MailOutcome::Deferred { wait: Duration::from_secs(left), reason: None });
    }
    if stored.may_be_mailed() {
        // The claim was released after it was refused to us.
        return Ok(MailOutcome::Again);
    }
    // Revoked, suspended or blocked since: the mail is not due any more.
    match app.credentials.skip_mail(stored.id, stored.stored_mail).await? {
        true => Ok(MailOutcome::Ended(stored, Ended::Skipped)),
        // Reinstated, or the block lifted: its mail is due.
        false => Ok(MailOutcome::Again),
    }
}

/// Records that SES took a claimed mail.
async fn receipt(app: &App, credential: Box<Credential>) -> Result<MailOutcome, StoreError> {
    end(app, credential, &MailEnd::Sent, Ended::Sent).await
}

/// Records that a claimed mail has failed.
async fn fail(
    app: &App,
    credential: Box<Credential>,
    why: &str,
) -> Result<MailOutcome, StoreError> {
    end(app, credential, &MailEnd::Failed(why), Ended::Failed).await
}

async fn end(
    app: &App,
    credential: Box<Credential>,
    end: &MailEnd<'_>,
    ended: Ended,
) -> Result<MailOutcome, StoreError> {
    let at = time::seconds(app.clock.now());
    let (id, attempt) = (credential.id, credential.mail_attempts);
    if app.credentials.end_mail(id, attempt, end, &at).await? {
        return Ok(MailOutcome::Ended(credential, ended));
    }
    // The lease ended during the attempt and another worker has the claim, or the delivery
    // event of SES came before this receipt.
    look_again(app, id).await
}

/// The outcome for a credential that is not there.
pub(super) async fn absent(app: &App, id: CredentialId) -> Result<MailOutcome, StoreError> {
    Ok(match app.credentials.stored(id).await? {
        Some(Stored::Erased(_)) => MailOutcome::Erased,
        Some(Stored::Credential(_)) | None => MailOutcome::Unknown,
    })
}

/// The outcome of a message whose mail another worker ends.
pub(super) async fn look_again(app: &App, id: CredentialId) -> Result<MailOutcome, StoreError> {
    match app.credentials.get(id).await? {
        Some(stored) => refused(app, Box::new(stored), app.clock.now().as_second()).await,
        None => absent(app, id).await,
    }
}

/// Writes the letter of a credential; the inner error is the reason why it cannot be written.
pub(super) async fn compose(
    app: &App,
    credential: &Credential,
) -> Result<Result<Rendered, &'static str>, StoreError> {
    let organization = app.catalog.organization(&credential.org).await?;
    let template = app
        .catalog
        .template_version(&credential.org, credential.template_id, credential.template_version)
        .await?
        .ok_or(StoreError::Broken("credential without template".to_owned()))?;
    let days = days::of(app, credential).await?;
    let settings = &organization.settings;
    let site_url = &app.config.site_url;
    let url = Credential::url(site_url, credential.id);
    let wallet_url = match credential.recipient_type {
        RecipientType::Internal => {
            let secret = app.catalog.id_secret(&credential.org).await?;
            let (org, mode) = (&credential.org, credential.mode);
            let email = &credential.recipient.email;
            let (whose, tenant) = (WalletOf::Member, Tenant { org, mode });
            wallet_link::link(whose, site_url, &secret, tenant, email, app.clock.now())
        }
        RecipientType::External => None,
    };
    let achievement = AchievementVersion {
        site_url,
        org: &credential.org,
        template: credential.template_id,
        version: credential.template_version,
        definition: &template.definition,
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
        seal_url: &achievement.seal_url(),
        grade: credential.recipient.result_value.as_deref(),
        issued_on: days.issued_on,
        site_url,
        lang: credential.lang,
        audience: match credential.recipient_type {
            RecipientType::Internal => Audience::Member,
            RecipientType::External => Audience::External,
        },
        renewed_until: days.renewed_until(&template.definition, &credential.recipient),
        awarded_on: days.awarded_on,
        expires_on: days.expires_on,
        test: credential.mode == Mode::Test,
        date: &time::seconds(app.clock.now()),
    };
    Ok(letter::render(&letter).map_err(|_| "cannot_be_written"))
}

/// The wait before the next attempt: 5 s, doubling with each receive, up to [`LONGEST_WAIT`].
fn backoff(receives: u32) -> Duration {
    let factor = 1_u32 << receives.saturating_sub(1).min(10);
    (Duration::from_secs(5) * factor).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_a_quarter_of_an_hour() {
        let waits: Vec<u64> = [1, 2, 3, 8, 9, 50].map(|n| backoff(n).as_secs()).to_vec();
        assert_eq!(waits, [5, 10, 20, 640, 900, 900]);
    }
}
