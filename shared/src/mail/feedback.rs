//! The notices of SES on mails that it took: recorded on their credentials; addresses that must
//! get no more mail are put on their organization's suppression list.
//!
//! Safe to repeat, in any order: of two notices the same outranks the other, on the credential
//! ([`crate::domain::feedback::change`]) and on the list, and a notice of an earlier sending of a
//! credential's mail changes nothing. Each write is conditional on what was weighed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};

use crate::{
    app::App,
    domain::{
        credential::{Credential, MailState, Origin},
        feedback::{self, Change, DeliveryState, FeedbackMessage, Kind, Notice, Suppression},
        ids::{CredentialId, RowId, ShardId},
        job::KEPT_DAYS,
        job_outcome::MailSets,
        time,
    },
    mail::ledger,
    store::StoreError,
};

/// Credentials worked on at once.
const CONCURRENCY: usize = 16;
/// Time before the deadline at which no further work begins.
const RESERVE: Duration = Duration::from_secs(8);
/// Reads of a credential that keeps changing before its notice is recorded.
const RETRIES: usize = 5;

/// The counts of a batch, for its one log event.
#[derive(Debug, Default)]
pub struct Report {
    /// Ids of messages that come back.
    pub retry: Vec<String>,
    /// Mails with a recorded delivery state.
    pub recorded: usize,
    /// Of these, mails that did not arrive.
    pub not_arrived: usize,
    /// Mails that are pending again after a soft bounce.
    pub requeued: usize,
    /// Addresses that were put on a suppression list, or were on it.
    pub suppressed: usize,
    /// Messages that change nothing.
    pub ignored: usize,
    /// Messages that could not be read.
    pub unreadable: usize,
}

/// The effect of one notice.
enum NoticeOutcome {
    /// The delivery state was recorded.
    Noted {
        arrived: bool,
        /// The row, when its job may not know yet that the mail was sent.
        unrecorded: Option<RowId>,
    },
    /// The mail is pending again.
    Again,
    Nothing,
    /// The message comes back: an attempt's receipt is on its way.
    Later,
}

/// Handles a batch, given as ids and bodies of messages.
pub async fn batch(app: &App, messages: Vec<(String, String)>, deadline: Instant) -> Report {
    let mut report = Report::default();
    let stop = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    // Notices of one credential go one after another: their writes would conflict.
    let mut by_credential: HashMap<CredentialId, Vec<(String, Notice)>> = HashMap::new();
    for (id, body) in messages {
        match feedback::read(&body) {
            Ok(FeedbackMessage::Notice(notice)) => {
                by_credential.entry(notice.credential_id).or_default().push((id, notice));
            }
            Ok(FeedbackMessage::Other) => report.ignored += 1,
            Err(error) => {
                tracing::error!(%error, message_id = id, "message not readable");
                report.unreadable += 1;
                report.retry.push(id);
            }
        }
    }
    let outcomes: Vec<Vec<(String, bool, Option<NoticeOutcome>)>> = stream::iter(by_credential)
        .map(|(_, notices)| async move {
            let mut done = Vec::with_capacity(notices.len());
            for (id, notice) in notices {
                let suppresses = Suppression::of(&notice).is_some();
                if Instant::now() >= stop {
                    done.push((id, suppresses, None));
                    continue;
                }
                let outcome = match record(app, &notice).await {
                    Ok(outcome) => Some(outcome),
                    Err(error) => {
                        tracing::error!(%error, message_id = id, "notice not recorded");
                        None
                    }
                };
                done.push((id, suppresses, outcome));
            }
            done
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    let mut delivered = Delivered::new();
    for (id, suppresses, outcome) in outcomes.into_iter().flatten() {
        report.suppressed += usize::from(suppresses && outcome.is_some());
        match outcome {
            Some(NoticeOutcome::Noted { arrived, unrecorded }) => {
                if let Some(RowId { shard, row }) = unrecorded {
                    delivered.entry(shard).or_default().insert(row, id);
                }
                report.recorded += 1;
                report.not_arrived += usize::from(!arrived);
            }
            Some(NoticeOutcome::Again) => report.requeued += 1,
            Some(NoticeOutcome::Nothing) => report.ignored += 1,
            Some(NoticeOutcome::Later) | None => report.retry.push(id),
        }
    }
    report.retry.extend(record_sent(app, delivered).await);
    report
}

/// Rows whose mail was delivered, by shard, and the messages about them.
type Delivered = BTreeMap<ShardId, BTreeMap<u32, String>>;

/// Records on jobs that mails were sent whose receipts are missing: their consumer is slower
/// than SES, or died. Answers the messages about mails that could not be recorded.
async fn record_sent(app: &App, delivered: Delivered) -> Vec<String> {
    let mut back = Vec::new();
    if delivered.is_empty() {
        return back;
    }
    let mails = app.jobs.mails_of(&delivered.keys().copied().collect()).await;
    let mails = mails.unwrap_or_else(|error| {
        tracing::error!(%error, "mail sets not read");
        BTreeMap::new()
    });
    let now = app.clock.now();
    let ttl = now.as_second() + KEPT_DAYS * 24 * 3600;
    for (shard, mut rows) in delivered {
        if let Some(mail) = mails.get(&shard) {
            rows.retain(|row, _| !mail.sent.contains(row));
        }
        if rows.is_empty() {
            continue;
        }
        let sets = MailSets { sent: rows.keys().copied().collect(), ..MailSets::default() };
        let mut recorded = app.jobs.record_mail(shard, &sets, ttl).await;
        if recorded.is_ok() {
            recorded = app.jobs.recount(shard.job, &time::millis(now)).await;
        }
        if let Err(error) = recorded {
            tracing::error!(%error, job_id = %shard.job, shard = shard.number, "receipts not recorded");
            back.extend(rows.into_values());
        }
    }
    back
}

async fn record(app: &App, notice: &Notice) -> Result<NoticeOutcome, StoreError> {
    if notice.kind == Kind::Delivered
        && notice.round == 0
        && let Some(before) = app.credentials.note_first_delivery(notice).await?
    {
        let unrecorded = match before.origin {
            Origin::Job { job, shard, row } if before.stored_mail != MailState::Sent => {
                Some(RowId { shard: ShardId { job, number: shard }, row })
            }
            _ => None,
        };
        return Ok(NoticeOutcome::Noted { arrived: true, unrecorded });
    }
    let mut listed = false;
    for _ in 0..RETRIES {
        let Some(credential) = app.credentials.get(notice.credential_id).await? else {
            return Ok(NoticeOutcome::Nothing);
        };
        // First, and for a notice of any round: the address is bad all the same.
        if !listed && let Some(entry) = Suppression::of(notice) {
            app.catalog.suppress(credential.tenant(), &entry).await?;
            listed = true;
        }
        // The meaning of a soft bounce depends on the outcome of the attempt.
        let credential = match notice.kind {
            Kind::SoftBounce => match ledger::materialize(app, credential).await {
                Err(StoreError::Conflict) => continue,
                Ok((_, true)) => return Ok(NoticeOutcome::Later),
                settled => settled?.0,
            },
            _ => credential,
        };
        let (changed, done) = match feedback::change(&credential, notice) {
            Change::Nothing => {
                // Recorded before, by a worker that may have died before it told the job.
                let known = notice.kind == Kind::Delivered
                    && notice.round == credential.mail_round
                    && credential.mail_delivery == Some(DeliveryState::Delivered);
                return Ok(match credential.origin {
                    Origin::Job { job, shard, row } if known => NoticeOutcome::Noted {
                        arrived: true,
                        unrecorded: Some(RowId { shard: ShardId { job, number: shard }, row }),
                    },
                    _ => NoticeOutcome::Nothing,
                });
            }
            Change::Later => return Ok(NoticeOutcome::Later),
            Change::Became(state, why) => {
                was_sent(app, &credential).await?;
                let noted = app.credentials.note_delivery(&credential, state, why, notice);
                (noted.await?, NoticeOutcome::Noted { arrived: why.is_none(), unrecorded: None })
            }
            Change::Again(wait) => {
                let from = app.clock.now().checked_add(wait).unwrap_or(app.clock.now());
                let from = time::millis(from);
                (app.credentials.owe_after_bounce(&credential, &from).await?, NoticeOutcome::Again)
            }
        };
        if changed {
            return Ok(done);
        }
    }
    Err(StoreError::Conflict)
}

/// Records on the job that a mail was sent whose receipt is missing: before the credential is
/// written, because no later message would find the gap.
async fn was_sent(app: &App, credential: &Credential) -> Result<(), StoreError> {
    let Origin::Job { job, shard, row } = credential.origin else { return Ok(()) };
    if credential.stored_mail == MailState::Sent {
        return Ok(());
    }
    let now = app.clock.now();
    let ttl = now.as_second() + KEPT_DAYS * 24 * 3600;
    let sets = MailSets { sent: BTreeSet::from([row]), ..MailSets::default() };
    app.jobs.record_mail(ShardId { job, number: shard }, &sets, ttl).await?;
    app.jobs.recount(job, &time::millis(now)).await
}
