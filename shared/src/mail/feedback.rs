//! What became of mails after SES took them: noted on their credentials, and addresses that
//! must get no more are put on their organization's suppression list.
//!
//! Safe to repeat, in any order: an entry of the list is written whole, a later state
//! outranks an earlier one, and what is about a former round of a credential's mail changes nothing
//! ([`crate::domain::feedback::change`]). Each write is conditional on what was weighed.

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
        ids::{CredentialId, Mode},
        job::{KEPT_DAYS, RowId, ShardId},
        job_outcome::MailSets,
        time,
    },
    mail::ledger,
    store::StoreError,
};

/// Credentials worked on at once.
const CONCURRENCY: usize = 16;
/// Time before the deadline at which no further work is begun.
const RESERVE: Duration = Duration::from_secs(8);
/// Times that a credential is read again because somebody changed it meanwhile.
const RETRIES: usize = 5;

/// What a batch did, for its one log event.
#[derive(Debug, Default)]
pub struct Report {
    /// Ids of messages that come back.
    pub retry: Vec<String>,
    /// Mails of which something was noted.
    pub noted: usize,
    /// Of these, mails that did not arrive.
    pub not_arrived: usize,
    /// Mails that are owed again after a soft bounce.
    pub again: usize,
    /// Addresses that were put on a suppression list, or stood there.
    pub suppressed: usize,
    /// Messages that change nothing.
    pub nothing: usize,
    /// Messages that could not be read.
    pub poison: usize,
}

/// What came of one notice.
enum Done {
    /// Something was noted; with it, the row whose job may not know yet that its mail was sent.
    Noted {
        arrived: bool,
        unrecorded: Option<RowId>,
    },
    Again,
    Nothing,
    Later,
}

/// Handles a batch, given as ids and bodies of messages.
pub async fn batch(app: &App, messages: Vec<(String, String)>, deadline: Instant) -> Report {
    let mut report = Report::default();
    let stop = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    // Those of one credential one after another: they would only get in each other's way.
    let mut heard: HashMap<CredentialId, Vec<(String, Notice)>> = HashMap::new();
    for (id, body) in messages {
        match feedback::read(&body) {
            Ok(FeedbackMessage::Notice(notice)) => {
                heard.entry(notice.credential_id).or_default().push((id, notice));
            }
            Ok(FeedbackMessage::Other) => report.nothing += 1,
            Err(error) => {
                tracing::error!(%error, message_id = id, "message not readable");
                report.poison += 1;
                report.retry.push(id);
            }
        }
    }
    let done: Vec<Vec<(String, bool, Option<Done>)>> = stream::iter(heard)
        .map(|(_, notices)| async move {
            let mut done = Vec::with_capacity(notices.len());
            for (id, notice) in notices {
                let suppresses = Suppression::of(&notice).is_some();
                if Instant::now() >= stop {
                    done.push((id, suppresses, None));
                    continue;
                }
                let outcome = match settle(app, &notice).await {
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
    for (id, suppresses, outcome) in done.into_iter().flatten() {
        report.suppressed += usize::from(suppresses && outcome.is_some());
        match outcome {
            Some(Done::Noted { arrived, unrecorded }) => {
                if let Some(RowId { shard, row }) = unrecorded {
                    delivered.entry(shard).or_default().insert(row, id);
                }
                report.noted += 1;
                report.not_arrived += usize::from(!arrived);
            }
            Some(Done::Again) => report.again += 1,
            Some(Done::Nothing) => report.nothing += 1,
            Some(Done::Later) | None => report.retry.push(id),
        }
    }
    report.retry.extend(were_sent(app, delivered).await);
    report
}

/// Rows whose mail was delivered, by job and shard, and the messages that said so.
type Delivered = BTreeMap<ShardId, BTreeMap<u32, String>>;

/// Records on jobs that mails were sent whose receipts did not come: their consumer was slower
/// than SES, or is no more. The messages of those that could not be recorded.
async fn were_sent(app: &App, delivered: Delivered) -> Vec<String> {
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

async fn settle(app: &App, notice: &Notice) -> Result<Done, StoreError> {
    if notice.kind == Kind::Delivered && notice.round == 0 {
        let (id, at) = (notice.credential_id, (notice.sent_at.as_str(), notice.at.as_str()));
        if let Some(before) = app.credentials.note_first_delivery(id, at).await? {
            let unrecorded = match before.origin {
                Origin::Job { job, shard, row } if before.stored_mail != MailState::Sent => {
                    Some(RowId { shard: ShardId { job, number: shard }, row })
                }
                _ => None,
            };
            return Ok(Done::Noted { arrived: true, unrecorded });
        }
    }
    let mut listed = false;
    for _ in 0..RETRIES {
        let Some(credential) = app.credentials.get(notice.credential_id).await? else {
            return Ok(Done::Nothing);
        };
        // First, whatever round it is about: the address is what it is.
        if !listed
            && credential.mode == Mode::Live
            && let Some(entry) = Suppression::of(notice)
        {
            app.catalog.suppress(&credential.org, &entry).await?;
            listed = true;
        }
        // What a soft bounce means depends on what is known of the attempt.
        let credential = match notice.kind {
            Kind::SoftBounce => match ledger::materialize(app, credential).await {
                Err(StoreError::Conflict) => continue,
                Ok((_, true)) => return Ok(Done::Later),
                settled => settled?.0,
            },
            _ => credential,
        };
        let (changed, done) = match feedback::change(&credential, notice) {
            Change::Nothing => {
                // Noted before, by an attempt that may not have lived to tell the job.
                let known = notice.kind == Kind::Delivered
                    && notice.round == credential.mail_round
                    && credential.mail_delivery == Some(DeliveryState::Delivered);
                return Ok(match credential.origin {
                    Origin::Job { job, shard, row } if known => Done::Noted {
                        arrived: true,
                        unrecorded: Some(RowId { shard: ShardId { job, number: shard }, row }),
                    },
                    _ => Done::Nothing,
                });
            }
            Change::Later => return Ok(Done::Later),
            Change::Became(state, why) => {
                was_sent(app, &credential).await?;
                let at = (notice.sent_at.as_str(), notice.at.as_str());
                let noted = app.credentials.note_delivery(&credential, state, why, at);
                (noted.await?, Done::Noted { arrived: why.is_none(), unrecorded: None })
            }
            Change::Again(wait) => {
                let from = app.clock.now().checked_add(wait).unwrap_or(app.clock.now());
                let from = time::millis(from);
                (app.credentials.owe_after_bounce(&credential, &from).await?, Done::Again)
            }
        };
        if changed {
            return Ok(done);
        }
    }
    Err(StoreError::Conflict)
}

/// Records on the job that a mail was sent whose receipt never came: before the credential
/// says so, since nobody would come back for it afterwards.
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
