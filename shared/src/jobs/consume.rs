//! A batch from a queue: rows to issue, mails to send, in any mixture and any order.
//!
//! Safe to repeat: issuing and delivery are, and what they record are sets. A message that the
//! answer names comes back; every other one is deleted. A fault of the data is recorded on the
//! job and its message ends; a message that cannot be parsed is our bug and goes, after its
//! receives, to the dead-letter queue, alone.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;

use crate::{
    app::App,
    aws::sqs::{self, Outgoing},
    credentials::{
        dry_run::{self, Foreseen},
        issue::{self, IssueRequest, Outcome, Prepared, Requester, Signed},
        sign::Issuer,
    },
    domain::{
        credential::{Credential, MailState, Origin, RecipientType},
        email::EmailAddress,
        fault::{ACHIEVEMENT_NOT_FOUND, Fault, FaultText},
        identity::Identities,
        ids::{JobId, OrgId, ShardId},
        job::Job,
        member::Member,
        time,
    },
    jobs::{
        compare_people,
        messages::{Delivered, MESSAGE_VERSION, MailMessage, Message, Report, RowMessage},
        named_rows::named_rows,
        revoke_rows::revoke_rows,
        worked_rows::{ReceivedRow, RowOutcome, WorkedRow},
    },
    mail::{send, wallets},
    sheet::{Naming, Said},
    store::{
        StoreError,
        credentials::{NewCredential, Put, TOGETHER},
        job_rows::{Failure, FirstRow, ShardUpdate, SucceededRow},
    },
};

/// Rows of a group prepared at once, and shards recorded at once.
const CONCURRENCY: usize = 16;
/// Groups of rows issued at once.
const GROUPS: usize = 4;
/// Credentials of a group that are put at once by calls of their own.
const ALONE: usize = 8;
/// Time before the deadline at which no further work begins: work under way ends, and its
/// outcome is recorded.
const RESERVE: Duration = Duration::from_secs(8);

/// Handles a batch, starting no work later than [`RESERVE`] before the deadline.
pub async fn batch(app: &App, messages: Vec<Delivered>, deadline: Instant) -> Report {
    let mut report = Report::default();
    let stop = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    let mut rows: Vec<ReceivedRow> = Vec::new();
    let mut mails: Vec<(Delivered, MailMessage)> = Vec::new();
    let mut asked_wallets = Vec::new();
    for message in messages {
        match serde_json::from_str::<Message>(&message.body) {
            Ok(Message::Issue(row)) if row.v == MESSAGE_VERSION => {
                rows.push(ReceivedRow { id: message.id, message: *row });
            }
            Ok(Message::Mail(mail)) if mail.v == MESSAGE_VERSION => mails.push((message, mail)),
            Ok(Message::Wallets(asked)) if asked.v == MESSAGE_VERSION => {
                asked_wallets.push((message, *asked));
            }
            Ok(_) | Err(_) => {
                tracing::error!(message_id = message.id, "message not readable");
                report.unreadable += 1;
                report.retry.push(message.id);
            }
        }
    }
    // Boxed: futures of this depth exceed what the compiler lays out in one piece.
    Box::pin(issue_rows(app, rows, stop, &mut report)).await;
    Box::pin(send::send_mails(app, mails, stop, &mut report)).await;
    Box::pin(wallets::send_wallets(app, asked_wallets, stop, &mut report)).await;
    report
}

/// The members among a batch's recipients, by organization and address.
type Members = HashMap<OrgId, HashMap<EmailAddress, Member>>;

async fn issue_rows(app: &App, rows: Vec<ReceivedRow>, stop: Instant, report: &mut Report) {
    if rows.is_empty() {
        return;
    }
    let members = match members_among(app, &rows).await {
        Ok(members) => members,
        Err(error) => {
            tracing::error!(%error, "members not read");
            report.retry.extend(rows.into_iter().map(|row| row.id));
            return;
        }
    };
    let jobs = rows.iter().map(|row| row.message.job.job_id).collect();
    let jobs = match app.jobs.all(jobs).await {
        Ok(jobs) => jobs,
        Err(error) => {
            tracing::error!(%error, "jobs not read");
            report.retry.extend(rows.into_iter().map(|row| row.id));
            return;
        }
    };
    let now = app.clock.now();
    let members = &members;
    // The sweeper ends the rows of a stopped job; their messages end here.
    let stopped = |id: &JobId| jobs.get(id).is_some_and(|job| !job.takes_rows());
    let rows = rows.into_iter().filter(|row| !stopped(&row.message.job.job_id));
    let (revoke, rows): (Vec<_>, Vec<_>) =
        rows.partition(|row| row.message.job.revocation.is_some());
    let revoked = revoke_rows(app, revoke, now, stop).await;
    let (named, mut rows): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.message.row.named.is_some());
    let named = Box::pin(named_rows(app, named, now, stop)).await;
    rows.extend(named.new);
    let worked: Vec<Vec<WorkedRow>> = stream::iter(in_groups(rows))
        .map(|group| issue_group(app, group, members, now, stop))
        .buffer_unordered(GROUPS)
        .collect()
        .await;
    let worked = worked.into_iter().flatten().chain(revoked).chain(named.worked);
    let ended = enqueue_mails(app, worked, report).await;
    record_rows(app, &jobs, ended, report).await;
}

/// Queues the mail of issued rows. Returns the rows to record; messages of the others come back.
async fn enqueue_mails(
    app: &App,
    worked: impl Iterator<Item = WorkedRow>,
    report: &mut Report,
) -> Vec<(ReceivedRow, RowOutcome)> {
    let mut messages: Vec<Outgoing> = Vec::new();
    let mut of: Vec<String> = Vec::new();
    let mut ended: Vec<(ReceivedRow, RowOutcome)> = Vec::new();
    for WorkedRow { row, outcome } in worked {
        let Some(outcome) = outcome else {
            report.retry.push(row.id);
            continue;
        };
        if let RowOutcome::Ended(Outcome::Issued { credential, .. }) = &outcome
            && credential.stored_mail == MailState::Owed
        {
            match issue::mail_message(credential, false) {
                Ok(message) => {
                    messages.push(message);
                    of.push(row.id.clone());
                }
                Err(error) => tracing::error!(%error, "mail message not written"),
            }
        }
        ended.push((row, outcome));
    }
    let sent = sqs::send_all(&app.sqs, &app.config.mail_queue_url, &messages).await;
    let unsent: HashSet<&String> =
        of.iter().enumerate().filter(|(at, _)| !sent.has(*at)).map(|(_, id)| id).collect();
    report.retry.extend(unsent.iter().map(|id| (*id).clone()));
    ended.retain(|(row, _)| !unsent.contains(&row.id));
    ended
}

/// Splits rows into groups whose credentials are put together.
fn in_groups(rows: Vec<ReceivedRow>) -> Vec<Vec<ReceivedRow>> {
    let mut groups: Vec<Vec<ReceivedRow>> = Vec::new();
    for row in rows {
        match groups.last_mut() {
            Some(group) if group.len() < TOGETHER => group.push(row),
            _ => groups.push(vec![row]),
        }
    }
    groups
}

/// Issues a group of rows: prepares each, and puts their credentials together.
async fn issue_group(
    app: &App,
    rows: Vec<ReceivedRow>,
    members: &Members,
    now: Timestamp,
    stop: Instant,
) -> Vec<WorkedRow> {
    if Instant::now() >= stop {
        return rows.into_iter().map(|row| row.ended(None)).collect();
    }
    let prepared: Vec<(ReceivedRow, Option<PreparedRow>)> = stream::iter(rows)
        .map(|row| async move {
            let work = prepare_row(app, &row.message, members);
            let prepared = match AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(prepared)) => Some(prepared),
                Ok(Err(error)) => {
                    tracing::error!(%error, message_id = row.id, "row not issued");
                    None
                }
                Err(_) => {
                    tracing::error!(message_id = row.id, "row panicked");
                    None
                }
            };
            (row, prepared)
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    let mut worked = Vec::with_capacity(prepared.len());
    let mut together: Vec<(ReceivedRow, Identities)> = Vec::new();
    let mut new: Vec<NewCredential> = Vec::new();
    // Those with an alias, and one identity a second time, which finds the first.
    let mut alone: Vec<(ReceivedRow, Box<Signed>)> = Vec::new();
    for (row, prepared) in prepared {
        match prepared {
            Some(PreparedRow::Signed(signed)) => {
                let id = signed.new.credential.id;
                let repeated = new.iter().any(|other| other.credential.id == id);
                if repeated || signed.new.alias.is_some() {
                    alone.push((row, signed));
                } else {
                    together.push((row, signed.identities));
                    new.push(signed.new);
                }
            }
            Some(PreparedRow::Ended(outcome)) => worked.push(row.ended(Some(outcome))),
            None => worked.push(row.ended(None)),
        }
    }
    let now = &time::millis(now);
    let put = app.credentials.put_together(&new, now).await;
    for ((row, identities), (new, put)) in together.into_iter().zip(new.into_iter().zip(put)) {
        worked.push(put_row(app, row, Signed { new, identities }, put).await);
    }
    let put_alone: Vec<WorkedRow> = stream::iter(alone)
        .map(|(row, signed)| async move {
            let put = app.credentials.put(&signed.new, now).await;
            put_row(app, row, *signed, put).await
        })
        .buffer_unordered(ALONE)
        .collect()
        .await;
    worked.extend(put_alone);
    worked
}

/// A row after the put of its credential.
async fn put_row(
    app: &App,
    row: ReceivedRow,
    signed: Signed,
    put: Result<Put, StoreError>,
) -> WorkedRow {
    let outcome = match put {
        Ok(put) => match app.catalog.id_secret(&row.message.job.org).await {
            Ok(secret) => issue::outcome(app, &secret, signed, put).await,
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    let outcome = match outcome {
        Ok(outcome) => Some(RowOutcome::Ended(outcome)),
        Err(error) => {
            tracing::error!(%error, message_id = row.id, "row not issued");
            None
        }
    };
    row.ended(outcome)
}

async fn members_among(app: &App, rows: &[ReceivedRow]) -> Result<Members, StoreError> {
    let mut wanted: HashMap<&OrgId, Vec<&EmailAddress>> = HashMap::new();
    for ReceivedRow { message, .. } in rows {
        let emails = wanted.entry(&message.job.org).or_default();
        emails.extend(message.row.read().map(|recipient| &recipient.email));
    }
    let mut members = Members::new();
    for (org, emails) in wanted {
        let read = app.catalog.together(org, None, None, &emails).await?;
        members.insert(org.clone(), read.members);
    }
    Ok(members)
}

/// A row whose credential is to be put, or that has ended without one.
enum PreparedRow {
    Signed(Box<Signed>),
    Ended(RowOutcome),
}

async fn prepare_row(
    app: &App,
    message: &RowMessage,
    members: &Members,
) -> Result<PreparedRow, StoreError> {
    let RowMessage { job, row, .. } = message;
    let Some(recipient) = row.recipient.clone() else {
        return Ok(PreparedRow::Ended(RowOutcome::Refused(row.faults.clone())));
    };
    let template =
        app.catalog.template_version(&job.org, job.template_id, job.template_version).await?;
    let Some(template) = template else {
        return Ok(PreparedRow::Ended(RowOutcome::Refused(vec![FaultText {
            code: "template_not_found".to_owned(),
            text: ACHIEVEMENT_NOT_FOUND.to_owned(),
        }])));
    };
    let organization = app.catalog.organization(&job.org).await?;
    let secret = app.catalog.id_secret(&job.org).await?;
    let member = members.get(&job.org).and_then(|members| members.get(&recipient.email));
    let settings = &organization.settings;
    let by = Issuer { org: &job.org, mode: job.mode, secret: &secret, settings };
    let (template, issued_at) = (&template, job.issued_at.as_str());
    let sent_email = &row.email;
    let (strict, reissue) = (job.strict, job.reissue);
    let request =
        IssueRequest { template, member, recipient, sent_email, issued_at, strict, reissue };
    if job.dry_run {
        let mut foreseen = dry_run::foresee(app, by, request).await?;
        if let Foreseen::New { id, content, .. } = &foreseen {
            let this = FirstRow { place: row.place(), content: content.clone() };
            let first = app.jobs.first_of(job.job_id, &id.to_string(), &this, job.ttl).await?;
            if first.place.row != row.number {
                foreseen = foreseen.after(&first.content);
            }
        }
        compare_people::compare(app, job, &secret, row.place(), &mut foreseen).await?;
        return Ok(PreparedRow::Ended(RowOutcome::Foreseen(foreseen)));
    }
    let id = message.id();
    let origin = Origin::Job { job: id.shard.job, shard: id.shard.number, row: id.row };
    let requester = Requester { origin, send_email: job.send_email };
    Ok(match issue::prepare(app, by, request, requester).await? {
        Prepared::Signed(signed) => PreparedRow::Signed(signed),
        Prepared::Ended(outcome) => PreparedRow::Ended(RowOutcome::Ended(outcome)),
    })
}

/// What a batch records of one shard.
#[derive(Default)]
struct ShardRecord {
    /// Messages that come back if it cannot be recorded.
    message_ids: Vec<String>,
    ttl: i64,
    update: ShardUpdate,
}

/// Records how rows ended, one write a shard.
async fn record_rows(
    app: &App,
    jobs: &BTreeMap<JobId, Job>,
    ended: Vec<(ReceivedRow, RowOutcome)>,
    report: &mut Report,
) {
    let mut shards: BTreeMap<ShardId, ShardRecord> = BTreeMap::new();
    for (ReceivedRow { id, message }, outcome) in ended {
        let record = shards.entry(message.id().shard).or_default();
        record.message_ids.push(id);
        record.ttl = message.job.ttl;
        let job = jobs.get(&message.job.job_id);
        record_row(&mut record.update, job, message, outcome, report);
    }
    let recorded: Vec<(Vec<String>, Result<(), StoreError>)> = stream::iter(shards)
        .map(|(shard, record)| async move {
            let recorded = app.jobs.record_issued(shard, &record.update, record.ttl).await;
            (record.message_ids, recorded)
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    for (ids, recorded) in recorded {
        if let Err(error) = recorded {
            tracing::error!(%error, rows = ids.len(), "rows not recorded");
            report.retry.extend(ids);
        }
    }
}

/// Adds one row's outcome to what is recorded of its shard, and to the report.
fn record_row(
    update: &mut ShardUpdate,
    job: Option<&Job>,
    message: RowMessage,
    outcome: RowOutcome,
    report: &mut Report,
) {
    let row = message.row.number;
    let is_internal =
        |credential: &Credential| credential.recipient_type == RecipientType::Internal;
    let faults = match outcome {
        RowOutcome::Ended(Outcome::Issued { credential, duplicate, alias }) => {
            report.issued += 1;
            report.duplicates += usize::from(duplicate);
            update.succeed(SucceededRow {
                row,
                internal: is_internal(&credential),
                duplicate,
                // The mail of a duplicate belongs to the row or request that issued it.
                unmailed: duplicate || credential.stored_mail == MailState::Skipped,
            });
            if alias {
                update.aliases.push((row, credential.id));
            }
            return;
        }
        RowOutcome::Revoked { credential, duplicate } => {
            report.revoked += 1;
            let internal = is_internal(&credential);
            update.succeed(SucceededRow { row, internal, duplicate, unmailed: true });
            return;
        }
        RowOutcome::Corrected { credential, changes } => {
            report.corrected += 1;
            let internal = is_internal(&credential);
            // The mail to a corrected address is the credential's own.
            update.succeed(SucceededRow { row, internal, duplicate: false, unmailed: true });
            update.correct(row, changes);
            return;
        }
        RowOutcome::Foreseen(Foreseen::New {
            id,
            alias,
            internal,
            also_holds,
            alike,
            repeats,
            ..
        }) => {
            update.resemble(row, alike);
            update.succeed(SucceededRow { row, internal, duplicate: repeats, unmailed: true });
            update.hold(row, also_holds);
            if alias {
                update.aliases.push((row, id));
            }
            return;
        }
        RowOutcome::Foreseen(Foreseen::Duplicate {
            credential, alias, also_holds, alike, ..
        }) => {
            update.resemble(row, alike);
            let internal = is_internal(&credential);
            update.succeed(SucceededRow { row, internal, duplicate: true, unmailed: true });
            update.hold(row, also_holds);
            if alias {
                update.aliases.push((row, credential.id));
            }
            return;
        }
        RowOutcome::Ended(Outcome::Refused(faults))
        | RowOutcome::Foreseen(Foreseen::Refused(faults)) => texts(&faults, job, &message),
        RowOutcome::Refused(faults) => faults,
    };
    report.refused += 1;
    update.sets.failed.insert(row);
    update.failures.push(Failure { row, line: message.row.line, email: message.row.email, faults });
}

/// The texts of a row's faults: of a file, in the words of its people.
fn texts(faults: &[Fault], job: Option<&Job>, message: &RowMessage) -> Vec<FaultText> {
    let lang = message.job.lang;
    let format = job.and_then(|job| job.sheet.as_ref());
    let naming = format.and_then(|format| Naming::of(format, lang));
    let text = |fault: &Fault| match (&naming, message.row.read()) {
        (Some(naming), Some(recipient)) => naming.fault(fault, Said::Recipient(recipient)),
        _ => fault.in_language(lang),
    };
    faults.iter().map(text).collect()
}
