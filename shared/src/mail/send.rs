//! Mail: claim, hand to SES, receipt, account.
//!
//! A mail is sent by whoever wins its claim, a conditional update with a lease. The first
//! mails of a job are claimed many at a time on the ledger of their shard ([`crate::mail::ledger`]); any other mail
//! is claimed on its credential. SES then takes it, refuses it for good, does not accept it for now, or leaves us
//! in doubt:
//!
//! - taken: the receipt ends the debt;
//! - refused for good: failed, with the reason, on the credential;
//! - not accepted (throttled, quota, paused, not connected): the claim is released, no
//!   attempt is counted, the message waits longer each time, up to 15 minutes;
//! - in doubt (timeout, reset after the request was written, 5xx): the lease stands. When
//!   it has ended without a receipt the mail is sent again, and counted as ambiguous: the
//!   one case in which a mail can arrive twice. SES has no idempotency token.
//!
//! An address on the organization's suppression list gets nothing: its mail fails as
//! `suppressed`. What became of a mail after SES took it, [`crate::mail::feedback`] hears.
//!
//! Safe to repeat: a claim is refused when the mail has ended, and what ended is recorded
//! in sets.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    error::Error as StdError,
    future::Future,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use aws_sdk_ses::{
    error::{ProvideErrorMetadata, SdkError},
    operation::send_raw_email::{SendRawEmailError, builders::SendRawEmailFluentBuilder},
    primitives::Blob,
    types::{MessageTag, RawMessage},
};
use futures::{FutureExt, StreamExt, stream};

use crate::{
    app::App,
    aws::sqs::MailMessage,
    domain::wallet_link,
    domain::{
        credential::{Credential, MailState, Origin, RecipientType, Status},
        feedback::{CREDENTIAL_TAG, ROUND_TAG},
        ids::{CredentialId, JobId, Mode},
        job::{KEPT_DAYS, MailSets},
        time,
    },
    jobs::consume::{Delivered, Report},
    mail::{
        ledger,
        letter::{self, Audience, Letter, Rendered},
    },
    store::{
        StoreError,
        credentials::{Claim, MailEnd, TestMail},
    },
};

/// Mails that are claimed each by itself, under way at once in one process.
const CONCURRENCY: usize = 8;
/// Mails of a shard that are claimed together, sent at once, and recorded: what a process
/// that is killed leaves in doubt.
const CLAIMED_TOGETHER: usize = 16;
/// Attempts, ambiguous ones included, after which a mail has failed.
const MAX_ATTEMPTS: u32 = 5;
/// Longest wait of a mail that SES does not accept (`ChangeMessageVisibility` takes 12 h).
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// What a lease lasts beyond the function's timeout, so that no living attempt loses it.
const LEASE_MARGIN: Duration = Duration::from_secs(60);

/// How long a claim lasts, and until when, in seconds since 1970.
pub(crate) fn lease(app: &App, now: i64) -> (Duration, i64) {
    let lease = app.config.consumer_timeout + LEASE_MARGIN;
    (lease, now + i64::try_from(lease.as_secs()).unwrap_or(i64::MAX / 2))
}

/// How a message about a mail ended.
#[derive(Debug)]
enum MailOutcome {
    /// The mail has ended so.
    Ended(Box<Credential>, MailState),
    /// It comes back after a while; why, when SES is the reason.
    PutOff(Duration, Option<(&'static str, Box<Credential>)>),
    /// It comes back when the queue sees fit.
    Again,
    /// There is no such credential.
    Unknown,
}

/// Mails of one shard, by row.
type Mails = BTreeMap<u32, (Delivered, MailMessage)>;
/// A message about a mail, and how it ended.
type Done = (Delivered, MailMessage, MailOutcome);

/// Sends the mails of a batch and records how they ended, some of one shard at a time.
pub async fn send_mails(
    app: &App,
    mails: Vec<(Delivered, MailMessage)>,
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
            tracing::error!(%error, "mail sets not read");
            report.retry.extend(mails.into_iter().map(|(message, _)| message.id));
            return;
        }
    };
    // Not more at a time than SES takes in a second: claims must not wait for their turns.
    let most = app.rate_limiter.in_a_second().clamp(1, CLAIMED_TOGETHER);
    let (mut placed, alone): (Vec<_>, Vec<_>) =
        mails.into_iter().partition(|(_, mail)| mail.place.is_some() && mail.job_id.is_some());
    while !placed.is_empty() {
        let mut shards: BTreeMap<(JobId, u32), Mails> = BTreeMap::new();
        let mut rest = Vec::new();
        for (message, mail) in placed {
            let (Some(job), Some((shard, row))) = (mail.job_id, mail.place) else { continue };
            let mails = shards.entry((job, shard)).or_default();
            // A message that came twice is looked at again when the first has ended.
            if mails.len() < most && !mails.contains_key(&row) {
                mails.insert(row, (message, mail));
            } else {
                rest.push((message, mail));
            }
        }
        for ((job, shard), mails) in shards {
            let off = cancelled.contains(&job);
            let done = send_together(app, (job, shard), mails, off, stop).await;
            record(app, done, report).await;
        }
        placed = rest;
    }
    let cancelled = &cancelled;
    let done: Vec<Vec<Done>> = stream::iter(alone)
        .map(|(message, mail)| async move {
            let off = mail.job_id.is_some_and(|job| cancelled.contains(&job));
            send_alone(app, message, mail, off, stop).await
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    record(app, done.into_iter().flatten().collect(), report).await;
}

/// Sends a mail whose message names no place on a ledger: it has none, or an earlier version
/// of the service queued it.
async fn send_alone(
    app: &App,
    message: Delivered,
    mut mail: MailMessage,
    off: bool,
    stop: Instant,
) -> Vec<Done> {
    let id = mail.credential_id;
    let place = match mail.job_id.map(|_| app.credentials.get(id)) {
        None => Ok(None),
        Some(read) => read.await.map(|found| found.and_then(|credential| credential.on_ledger())),
    };
    let turn = match place {
        Ok(Some((job, shard, row))) => {
            mail.place = Some((shard, row));
            let mails = Mails::from([(row, (message, mail))]);
            return send_together(app, (job, shard), mails, off, stop).await;
        }
        Ok(None) => caught(&message, send_one(app, &message, &mail, off, stop)).await,
        Err(error) => caught(&message, async { Err(error) }).await,
    };
    vec![(message, mail, turn)]
}

/// What a turn came to; a failure or a panic makes the message come back.
async fn caught(
    message: &Delivered,
    turn: impl Future<Output = Result<MailOutcome, StoreError>>,
) -> MailOutcome {
    match AssertUnwindSafe(turn).catch_unwind().await {
        Ok(Ok(turn)) => turn,
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

/// Sends some mails of a shard, claimed together on its ledger.
async fn send_together(
    app: &App,
    (job, shard): (JobId, u32),
    mails: Mails,
    off: bool,
    stop: Instant,
) -> Vec<Done> {
    if Instant::now() >= stop {
        let later =
            |(message, mail)| (message, mail, MailOutcome::PutOff(Duration::from_secs(1), None));
        return mails.into_values().map(later).collect();
    }
    let claimed = match claim_together(app, (job, shard), mails.keys().copied().collect()).await {
        Ok(claimed) => match look_up(app, &claimed, &mails).await {
            Ok(together) => Ok(together),
            Err(error) => {
                release(app, (job, shard), &claimed.mine).await;
                Err(error)
            }
        },
        Err(error) => Err(error),
    };
    let together = match claimed {
        Ok(together) => together,
        Err(error) => {
            tracing::error!(%error, job_id = %job, shard, "mails not claimed");
            return mails
                .into_values()
                .map(|(message, mail)| (message, mail, MailOutcome::Again))
                .collect();
        }
    };
    let together = &together;
    let done: Vec<(Delivered, MailMessage, MailOutcome, Option<u32>)> = stream::iter(mails)
        .map(|(row, (message, mail))| async move {
            let mut free = None;
            let turn = send_claimed(app, (&message, &mail, row), together, off, stop, &mut free);
            let turn = caught(&message, turn).await;
            let free = free.filter(|_| !matches!(turn, MailOutcome::Ended(..)));
            (message, mail, turn, free)
        })
        .buffer_unordered(CLAIMED_TOGETHER)
        .collect()
        .await;
    release(app, (job, shard), &done.iter().filter_map(|(.., free)| *free).collect()).await;
    let mut done: Vec<Done> =
        done.into_iter().map(|(message, mail, turn, _)| (message, mail, turn)).collect();
    // SES says of each mail that it was delivered, and then it is written.
    if !app.config.tracks_deliveries {
        write_receipts(app, &mut done).await;
    }
    done
}

/// Tells credentials whose mail stands on the ledger that it was sent.
async fn write_receipts(app: &App, done: &mut [Done]) {
    let mut sent: Vec<(CredentialId, &mut MailOutcome)> = Vec::new();
    for (.., turn) in done {
        if let MailOutcome::Ended(credential, MailState::Sent) = turn
            && credential.on_ledger().is_some()
        {
            sent.push((credential.id, turn));
        }
    }
    let at = time::seconds(app.clock.now());
    let ids: Vec<CredentialId> = sent.iter().map(|(id, _)| *id).collect();
    let written = app.credentials.end_first_together(&ids, &at).await;
    for ((id, turn), written) in sent.into_iter().zip(written) {
        match written {
            Ok(true) => {}
            // Somebody wrote something else of it meanwhile.
            Ok(false) => match stands(app, id).await {
                Ok(standing) => *turn = standing,
                Err(error) => {
                    tracing::error!(%error, "mail state unknown");
                    *turn = MailOutcome::Again;
                }
            },
            // Its row among those that were sent is a receipt as well.
            Err(error) => tracing::error!(%error, "receipt not written"),
        }
    }
}

/// Takes claims back: SES was not given these mails, or did not take them.
async fn release(app: &App, (job, shard): (JobId, u32), rows: &BTreeSet<u32>) {
    if !rows.is_empty()
        && let Err(error) = app.jobs.release_mails(job, shard, rows).await
    {
        // They count as ambiguous when the lease has ended.
        tracing::error!(%error, job_id = %job, shard, "claims not released");
    }
}

/// Claims of mails of a shard.
#[derive(Clone)]
struct Claimed {
    /// Job and shard.
    of: (JobId, u32),
    /// Rows that this attempt claimed.
    mine: BTreeSet<u32>,
    /// Until when, seconds since 1970.
    until: i64,
    /// How long that is.
    lease: Duration,
    /// When the claims of the others end.
    theirs_until: i64,
}

/// What is known of some mails of a shard, once they are claimed.
struct Together {
    claimed: Claimed,
    /// How the mails of the others ended.
    ended: MailSets,
    /// The credentials, as they stood after that.
    credentials: HashMap<CredentialId, Credential>,
    /// Addresses of these that get nothing.
    suppressed: HashSet<String>,
}

/// Claims those of some mails of a shard that nobody has claimed.
async fn claim_together(
    app: &App,
    (job, shard): (JobId, u32),
    mut mine: BTreeSet<u32>,
) -> Result<Claimed, StoreError> {
    let now = app.clock.now().as_second();
    let (lease, until) = lease(app, now);
    let ttl = now + KEPT_DAYS * 24 * 3600;
    let mut theirs_until = 0;
    while !mine.is_empty() {
        match app.jobs.claim_mails(job, shard, &mine, (until, ttl)).await? {
            None => break,
            Some(claims) => {
                theirs_until = claims.until;
                let wanted = mine.len();
                mine.retain(|row| !claims.rows.contains(row));
                if mine.len() == wanted {
                    return Err(StoreError::Broken("a claim was refused for nothing".to_owned()));
                }
            }
        }
    }
    Ok(Claimed { of: (job, shard), mine, until, lease, theirs_until })
}

/// Reads what is needed to send mails: once they are claimed, so that whoever corrects or
/// revokes one in between is seen here or sees the claim.
async fn look_up(app: &App, claimed: &Claimed, mails: &Mails) -> Result<Together, StoreError> {
    let mut ended = MailSets::default();
    if claimed.mine.len() < mails.len() {
        let shards = BTreeSet::from([claimed.of]);
        ended = app.jobs.mails_of(&shards).await?.remove(&claimed.of).unwrap_or_default();
    }
    let ids: Vec<CredentialId> = mails.values().map(|(_, mail)| mail.credential_id).collect();
    let credentials = app.credentials.get_all(&ids).await?;
    let mut suppressed = HashSet::new();
    if let Some(first) = credentials.first() {
        let emails = credentials.iter().map(|c| c.recipient.email.as_str()).collect();
        suppressed = app.catalog.suppressed(&first.org, &emails).await?;
    }
    let credentials = credentials.into_iter().map(|c| (c.id, c)).collect();
    Ok(Together { claimed: claimed.clone(), ended, credentials, suppressed })
}

/// Sends one of some mails that were claimed together. `free` names its row as long as SES
/// was not given the mail, or did not take it: unless it ends, its claim is to be taken back.
async fn send_claimed(
    app: &App,
    (message, mail, row): (&Delivered, &MailMessage, u32),
    together: &Together,
    off: bool,
    stop: Instant,
    free: &mut Option<u32>,
) -> Result<MailOutcome, StoreError> {
    let Together { claimed, ended, credentials, suppressed } = together;
    let Some(credential) = credentials.get(&mail.credential_id).cloned() else {
        return Ok(MailOutcome::Unknown);
    };
    let credential = Box::new(credential);
    if credential.on_ledger().is_none() {
        return send_one(app, message, mail, off, stop).await;
    }
    let now = app.clock.now().as_second();
    let mine = claimed.mine.contains(&row);
    if let Some(state) = ledger::ended(ended, row).filter(|_| !mine) {
        return Ok(MailOutcome::Ended(credential, state));
    }
    if ledger::is_forgotten(app, &credential) {
        // It was sent when its job was young: a mail of a credential that was asked for again.
        app.credentials.settle_first(credential.id, MailState::Sent).await?;
        return stands(app, credential.id).await;
    }
    if !mine {
        let left = claimed.theirs_until.saturating_sub(now) + 1;
        if left > 0 {
            return Ok(MailOutcome::PutOff(Duration::from_secs(left.unsigned_abs()), None));
        }
        // Whoever claimed it did not live to say how it ended.
        app.credentials.adopt_claim(credential.id, claimed.theirs_until).await?;
        return send_one(app, message, mail, off, stop).await;
    }
    *free = Some(row);
    if off {
        let skipped = app.credentials.write_off_mail(credential.id, MailState::Skipped, now);
        return match skipped.await? {
            true => Ok(MailOutcome::Ended(credential, MailState::Skipped)),
            false => stands(app, credential.id).await,
        };
    }
    if credential.status != Status::Issued {
        return refused(app, credential, now).await;
    }
    let letter = match compose(app, &credential).await? {
        Ok(letter) => letter,
        Err(why) => return fail_first(app, credential, why).await,
    };
    if suppressed.contains(credential.recipient.email.as_str()) {
        return fail_first(app, credential, "suppressed").await;
    }
    if !app.rate_limiter.turn(stop).await {
        return Ok(MailOutcome::PutOff(Duration::from_secs(1), None));
    }
    let call = hand_over(app, &credential, letter).await?;
    *free = None;
    match call.send().await.as_ref().map_err(verdict) {
        Ok(_) => Ok(MailOutcome::Ended(credential, MailState::Sent)),
        Err(SesVerdict::Refused(why)) => fail_first(app, credential, why).await,
        Err(SesVerdict::NotAccepted(why)) => {
            *free = Some(row);
            Ok(not_accepted(message, why, credential))
        }
        Err(SesVerdict::InDoubt(why)) => {
            app.credentials.adopt_claim(credential.id, claimed.until).await?;
            Ok(in_doubt(claimed.lease, why, credential))
        }
    }
}

/// Ends a mail that was claimed on the ledger and is not sent.
async fn fail_first(
    app: &App,
    credential: Box<Credential>,
    why: &str,
) -> Result<MailOutcome, StoreError> {
    let at = time::seconds(app.clock.now());
    if app.credentials.fail_first(credential.id, why, &at).await? {
        return Ok(MailOutcome::Ended(credential, MailState::Failed));
    }
    stands(app, credential.id).await
}

/// What is to be recorded of a shard.
#[derive(Default)]
struct Outcome {
    messages: Vec<String>,
    sets: MailSets,
    /// Credentials whose mail was sent, and that do not say so.
    unwritten: Vec<CredentialId>,
}

/// Records how mails ended, one write a shard.
async fn record(app: &App, done: Vec<Done>, report: &mut Report) {
    let mut shards: BTreeMap<(JobId, u32), Outcome> = BTreeMap::new();
    let mut waiting: BTreeMap<JobId, &'static str> = BTreeMap::new();
    let mut later: Vec<(Delivered, Duration)> = Vec::new();
    let mut recount: BTreeSet<JobId> = BTreeSet::new();
    for (message, mail, turn) in done {
        match turn {
            MailOutcome::Ended(credential, state) => {
                match state {
                    MailState::Sent => report.mailed += 1,
                    MailState::Failed => report.mail_failed += 1,
                    _ => {}
                }
                if let Origin::Job { job, shard, row } = credential.origin {
                    let Outcome { messages, sets, unwritten } =
                        shards.entry((job, shard)).or_default();
                    messages.push(message.id);
                    if mail.job_id.is_none() {
                        recount.insert(job);
                    }
                    match state {
                        MailState::Sent => {
                            unwritten.extend(credential.on_ledger().map(|_| credential.id));
                            sets.sent.insert(row)
                        }
                        MailState::Failed => sets.failed.insert(row),
                        _ => sets.skipped.insert(row),
                    };
                }
            }
            MailOutcome::PutOff(wait, why) => {
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
            MailOutcome::Again => report.retry.push(message.id),
            MailOutcome::Unknown => {
                tracing::error!(message_id = message.id, "mail's credential not found");
            }
        }
    }
    let now = app.clock.now();
    let ttl = now.as_second() + KEPT_DAYS * 24 * 3600;
    for ((job, shard), Outcome { messages, sets, unwritten }) in shards {
        let mut accounted = app.jobs.record_mail(job, shard, &sets, ttl).await;
        if accounted.is_ok() && recount.contains(&job) {
            // The job has ended, most likely: its totals change all the same.
            accounted = app.jobs.recount(job, &time::millis(now)).await;
        }
        if let Err(error) = accounted {
            tracing::error!(%error, rows = messages.len(), "mails not recorded");
            report.retry.extend(messages);
            // The only receipt of these: it must stand somewhere.
            let at = time::seconds(now);
            let written = app.credentials.end_first_together(&unwritten, &at).await;
            for error in written.into_iter().filter_map(Result::err) {
                tracing::error!(%error, "receipt not written");
            }
        }
    }
    // After what counts, and together: most of a batch can be put off near its deadline.
    stream::iter(&later)
        .for_each_concurrent(CONCURRENCY, |(message, wait)| put_off(app, message, *wait))
        .await;
    let now = time::seconds(now);
    for (job, why) in waiting {
        if let Err(error) = app.jobs.mail_waits(job, why, &now).await {
            tracing::warn!(%error, "reason for waiting not written");
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
    mail: &MailMessage,
    off: bool,
    stop: Instant,
) -> Result<MailOutcome, StoreError> {
    if off {
        let (id, now) = (mail.credential_id, app.clock.now().as_second());
        let skipped = app.credentials.write_off_mail(id, MailState::Skipped, now).await?;
        let standing = app.credentials.get(mail.credential_id).await?;
        return match standing.map(Box::new) {
            None => Ok(MailOutcome::Unknown),
            Some(standing) if skipped => Ok(MailOutcome::Ended(standing, MailState::Skipped)),
            Some(standing) => refused(app, standing, app.clock.now().as_second()).await,
        };
    }
    // The turn comes before the claim: a claim that waits for its turn would let its lease
    // run.
    if !app.rate_limiter.turn(stop).await {
        return Ok(MailOutcome::PutOff(Duration::from_secs(1), None));
    }
    let now = app.clock.now();
    let (lease, until) = lease(app, now.as_second());
    let claim = app.credentials.claim_mail(mail.credential_id, now.as_second(), until).await?;
    let credential = match claim {
        Claim::Unknown => return Ok(MailOutcome::Unknown),
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
    let call = hand_over(app, &credential, letter).await?;
    match call.send().await.as_ref().map_err(verdict) {
        Ok(_) => end(app, credential, &MailEnd::Sent).await,
        Err(SesVerdict::Refused(why)) => end(app, credential, &MailEnd::Failed(why)).await,
        Err(SesVerdict::NotAccepted(why)) => {
            let (id, attempt) = (credential.id, credential.mail_attempts);
            // It comes back by itself until then: no debt for the sweeper.
            let later = app.clock.now().checked_add(back_off(message.receives)).unwrap_or(now);
            let later = time::millis(later);
            app.credentials.end_mail(id, attempt, &MailEnd::Released, &later).await?;
            Ok(not_accepted(message, why, credential))
        }
        Err(SesVerdict::InDoubt(why)) => Ok(in_doubt(lease, why, credential)),
    }
}

/// The call that hands a mail to SES.
async fn hand_over(
    app: &App,
    credential: &Credential,
    letter: Rendered,
) -> Result<SendRawEmailFluentBuilder, StoreError> {
    let organization = app.catalog.organization(&credential.org).await?;
    Ok(app
        .ses
        .send_raw_email()
        .tags(tag(CREDENTIAL_TAG, credential.id.to_string())?)
        .tags(tag(ROUND_TAG, credential.mail_round.to_string())?)
        .source(organization.settings.sender.as_str())
        .destinations(credential.recipient.email.as_str())
        .set_configuration_set_name(app.config.ses_configuration_set.clone())
        .raw_message(raw(letter.mime)?))
}

/// A mail that SES did not take for now comes back, later each time.
fn not_accepted(
    message: &Delivered,
    why: &'static str,
    credential: Box<Credential>,
) -> MailOutcome {
    tracing::warn!(reason = why, "SES refused a mail for now");
    MailOutcome::PutOff(back_off(message.receives), Some((why, credential)))
}

/// A mail that SES perhaps took comes back when its claim has ended.
fn in_doubt(lease: Duration, why: &'static str, credential: Box<Credential>) -> MailOutcome {
    tracing::warn!(reason = why, "mail in doubt");
    MailOutcome::PutOff(lease + Duration::from_secs(1), Some((why, credential)))
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
async fn refused(
    app: &App,
    standing: Box<Credential>,
    now: i64,
) -> Result<MailOutcome, StoreError> {
    Ok(match (standing.mail, standing.status) {
        (state @ (MailState::Sent | MailState::Failed | MailState::Skipped), _) => {
            MailOutcome::Ended(standing, state)
        }
        // Somebody is sending it, whatever became of the credential since.
        (MailState::Claimed, _) if standing.mail_lease.is_some_and(|lease| lease >= now) => {
            let left = standing.mail_lease.unwrap_or(now).saturating_sub(now) + 1;
            MailOutcome::PutOff(Duration::from_secs(u64::try_from(left).unwrap_or(1)), None)
        }
        // Free again since the claim was refused.
        (MailState::Owed | MailState::Claimed, Status::Issued) => MailOutcome::Again,
        // Revoked or suspended since: the mail is not due any more.
        (MailState::Owed | MailState::Claimed, Status::Suspended | Status::Revoked) => {
            match app.credentials.skip_mail(standing.id, standing.mail).await? {
                true => MailOutcome::Ended(standing, MailState::Skipped),
                // It holds again: its mail is due.
                false => MailOutcome::Again,
            }
        }
    })
}

async fn end(
    app: &App,
    credential: Box<Credential>,
    end: &MailEnd<'_>,
) -> Result<MailOutcome, StoreError> {
    let state = match end {
        MailEnd::Sent => MailState::Sent,
        _ => MailState::Failed,
    };
    let at = time::seconds(app.clock.now());
    let (id, attempt) = (credential.id, credential.mail_attempts);
    if app.credentials.end_mail(id, attempt, end, &at).await? {
        return Ok(MailOutcome::Ended(credential, state));
    }
    // The lease ended under us, and somebody else has the claim: theirs to end. Or SES was
    // faster to say what became of the mail than we with its receipt.
    stands(app, id).await
}

/// How a mail stands that somebody else ends.
async fn stands(app: &App, id: CredentialId) -> Result<MailOutcome, StoreError> {
    match app.credentials.get(id).await? {
        Some(standing) => refused(app, Box::new(standing), app.clock.now().as_second()).await,
        None => Ok(MailOutcome::Unknown),
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
            wallet_link::link(site_url, &secret, org, mode, email, app.clock.now())
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
    Ok(letter::render(&letter).map_err(|_| "cannot_be_written"))
}

/// A wait of 5 s, doubling with each receive, up to [`LONGEST_WAIT`].
fn back_off(receives: u32) -> Duration {
    let factor = 1_u32 << receives.saturating_sub(1).min(10);
    (Duration::from_secs(5) * factor).min(LONGEST_WAIT)
}

/// What an error of SES means for a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SesVerdict {
    /// It will never be taken.
    Refused(&'static str),
    /// Surely not taken, and worth another try.
    NotAccepted(&'static str),
    /// Perhaps taken.
    InDoubt(&'static str),
}

fn verdict<R>(error: &SdkError<SendRawEmailError, R>) -> SesVerdict
where
    R: std::fmt::Debug,
{
    match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or_default();
            let message = service.err().message().unwrap_or_default();
            of_code(code, message)
        }
        SdkError::ConstructionFailure(_) => SesVerdict::NotAccepted("request_not_built"),
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(connector) if refused_connection(connector) => {
                SesVerdict::NotAccepted("not_connected")
            }
            _ => SesVerdict::InDoubt("connection_lost"),
        },
        SdkError::TimeoutError(_) => SesVerdict::InDoubt("timeout"),
        _ => SesVerdict::InDoubt("no_usable_response"),
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
fn of_code(code: &str, message: &str) -> SesVerdict {
    match code {
        "MessageRejected" if message.contains("paused") || message.contains("suspended") => {
            SesVerdict::NotAccepted("sending_paused")
        }
        // SES says "not verified" with the same code: that is ours to mend, not the mail's
        // fault.
        "MessageRejected" if message.contains("not verified") => {
            SesVerdict::NotAccepted("sender_not_verified")
        }
        "MessageRejected" | "InvalidParameterValue" => SesVerdict::Refused("rejected"),
        "Throttling" | "ThrottlingException" | "TooManyRequestsException" => {
            SesVerdict::NotAccepted("throttled")
        }
        "LimitExceeded" | "LimitExceededException" => SesVerdict::NotAccepted("quota"),
        "AccountSendingPausedException"
        | "ConfigurationSetSendingPausedException"
        | "AccountSendingPaused"
        | "ConfigurationSetSendingPaused" => SesVerdict::NotAccepted("sending_paused"),
        "ConfigurationSetDoesNotExist"
        | "ConfigurationSetDoesNotExistException"
        | "MailFromDomainNotVerified"
        | "MailFromDomainNotVerifiedException" => SesVerdict::NotAccepted("ses_not_set_up"),
        "AccessDenied"
        | "AccessDeniedException"
        | "ExpiredToken"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => SesVerdict::NotAccepted("not_permitted"),
        _ => SesVerdict::InDoubt("server_error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_says_no_frees_the_mail() {
        assert_eq!(of_code("Throttling", ""), SesVerdict::NotAccepted("throttled"));
        assert_eq!(of_code("MessageRejected", "Illegal address"), SesVerdict::Refused("rejected"));
        assert_eq!(
            of_code("MessageRejected", "Email address is not verified. …"),
            SesVerdict::NotAccepted("sender_not_verified")
        );
        assert_eq!(
            of_code("MessageRejected", "Sending paused for this account. …"),
            SesVerdict::NotAccepted("sending_paused")
        );
        assert_eq!(of_code("InternalFailure", ""), SesVerdict::InDoubt("server_error"));
        assert_eq!(of_code("", ""), SesVerdict::InDoubt("server_error"));
    }

    #[test]
    fn waiting_doubles_up_to_a_quarter_of_an_hour() {
        let waits: Vec<u64> = [1, 2, 3, 8, 9, 50].map(|n| back_off(n).as_secs()).to_vec();
        assert_eq!(waits, [5, 10, 20, 640, 900, 900]);
    }
}
