//! A batch from a queue: rows to issue, mails to send, in any mixture and any order.
//!
//! Safe to repeat: issuing and delivery are, and what they record are sets. A message that
//! is named in the answer comes back; every other one is deleted. What is wrong with the
//! data is recorded on the job and its message ends; a message that cannot be read is our
//! bug and goes, after its receives, to the dead-letter queue, alone.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;

use crate::{
    app::App,
    aws::sqs::{self, IssueRow, MESSAGE_VERSION, MailMessage, Message, Outgoing},
    credentials::{
        change_status::{self, StatusChange, StatusOutcome},
        dry_run::{self, Foreseen},
        issue::{self, IssueRequest, Outcome, Prepared, Requester},
        sign::Issuer,
    },
    domain::{
        credential::{Credential, MailState, Origin, RecipientType},
        email::EmailAddress,
        fault::{ACHIEVEMENT_NOT_FOUND, Fault, FaultText},
        history::{Action, Who},
        ids::{CredentialId, JobId, OrgId},
        job::IssueSets,
        member::Member,
        tenant::Tenant,
        time,
    },
    mail::send,
    store::{
        StoreError,
        credentials::{Put, TOGETHER},
        jobs::{Failure, ShardUpdate},
    },
};

/// Rows of a group prepared at once, and shards recorded at once.
const CONCURRENCY: usize = 16;
/// Groups of rows issued at once.
const GROUPS: usize = 4;
/// Time before the deadline at which no further work is begun: what was begun ends, and
/// its outcome is recorded.
const RESERVE: Duration = Duration::from_secs(8);

/// A message as a queue delivered it.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The message's id, by which the answer names it.
    pub id: String,
    /// The handle by which its visibility is changed.
    pub receipt: String,
    /// Body.
    pub body: String,
    /// Times that it was received, this one included.
    pub receives: u32,
}

/// What a batch did, for its one log event.
#[derive(Debug, Default)]
pub struct Report {
    /// Ids of messages that come back.
    pub retry: Vec<String>,
    /// Rows issued.
    pub issued: usize,
    /// Of these, duplicates.
    pub duplicates: usize,
    /// Rows whose credential was revoked.
    pub revoked: usize,
    /// Rows refused.
    pub refused: usize,
    /// Mail that SES took.
    pub mailed: usize,
    /// Mail that was refused for good.
    pub mail_failed: usize,
    /// Mail put off: no time left, somebody else's claim, or SES.
    pub mail_put_off: usize,
    /// Of these, mail that SES did not take for now, or perhaps took.
    pub mail_waiting: usize,
    /// Messages that could not be read.
    pub poison: usize,
}

/// Handles a batch, starting no work later than [`RESERVE`] before the deadline.
pub async fn batch(app: &App, messages: Vec<Delivered>, deadline: Instant) -> Report {
    let mut report = Report::default();
    let stop = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    let mut rows: Vec<(String, IssueRow)> = Vec::new();
    let mut mails: Vec<(Delivered, MailMessage)> = Vec::new();
    for message in messages {
        match serde_json::from_str::<Message>(&message.body) {
            Ok(Message::Issue(row)) if row.v == MESSAGE_VERSION => rows.push((message.id, *row)),
            Ok(Message::Mail(mail)) if mail.v == MESSAGE_VERSION => mails.push((message, mail)),
            Ok(_) | Err(_) => {
                tracing::error!(message_id = message.id, "message not readable");
                report.poison += 1;
                report.retry.push(message.id);
            }
        }
    }
    // Boxed: a future of this depth exceeds what the compiler lays out in one piece.
    Box::pin(issue_rows(app, rows, stop, &mut report)).await;
    send::send_mails(app, mails, stop, &mut report).await;
    report
}

/// The members among a batch's recipients, by organization and address.
type Members = HashMap<OrgId, HashMap<EmailAddress, Member>>;

/// What a row came to.
enum RowOutcome {
    Ended(Outcome),
    /// Its credential is revoked: by this job, or (`duplicate`) before it.
    Revoked {
        credential: Box<Credential>,
        duplicate: bool,
    },
    /// What would become of it.
    Foreseen(Foreseen),
    Refused(Vec<FaultText>),
}

async fn issue_rows(app: &App, rows: Vec<(String, IssueRow)>, stop: Instant, report: &mut Report) {
    if rows.is_empty() {
        return;
    }
    let members = match members_among(app, &rows).await {
        Ok(members) => members,
        Err(error) => {
            tracing::error!(%error, "members not read");
            report.retry.extend(rows.into_iter().map(|(id, _)| id));
            return;
        }
    };
    let jobs = rows.iter().map(|(_, row)| row.job_id).collect();
    let stopped = match app.jobs.which(jobs, |job| !job.takes_rows()).await {
        Ok(stopped) => stopped,
        Err(error) => {
            tracing::error!(%error, "jobs not read");
            report.retry.extend(rows.into_iter().map(|(id, _)| id));
            return;
        }
    };
    let now = app.clock.now();
    let members = &members;
    // What becomes of these, the sweeper says; their messages end here.
    let rows = rows.into_iter().filter(|(_, row)| !stopped.contains(&row.job_id));
    let (revoke, rows): (Vec<_>, Vec<_>) = rows.partition(|(_, row)| row.revocation.is_some());
    let revoked = revoke_rows(app, revoke, now, stop).await;
    let rows: Vec<(String, IssueRow)> = rows;
    let done: Vec<Vec<(String, IssueRow, Option<RowOutcome>)>> = stream::iter(in_groups(rows))
        .map(|group| issue_group(app, group, members, now, stop))
        .buffer_unordered(GROUPS)
        .collect()
        .await;

    let done = done.into_iter().flatten();
    let done = done.chain(revoked);
    let mut mail: Vec<(Outgoing, String)> = Vec::new();
    let mut ended: Vec<(String, IssueRow, RowOutcome)> = Vec::new();
    for (id, row, done) in done {
        match done {
            None => report.retry.push(id),
            Some(done) => {
                if let RowOutcome::Ended(Outcome::Issued { credential, .. }) = &done
                    && credential.stored_mail == MailState::Owed
                {
                    match issue::mail_message(credential, false) {
                        Ok(message) => mail.push((message, id.clone())),
                        Err(error) => tracing::error!(%error, "mail message not written"),
                    }
                }
                ended.push((id, row, done));
            }
        }
    }
    let (messages, of): (Vec<Outgoing>, Vec<String>) = mail.into_iter().unzip();
    let sent = sqs::send_all(&app.sqs, &app.config.mail_queue_url, &messages).await;
    let unsent: HashSet<&String> =
        of.iter().enumerate().filter(|(at, _)| !sent.has(*at)).map(|(_, id)| id).collect();
    report.retry.extend(unsent.iter().map(|id| (*id).clone()));
    ended.retain(|(id, ..)| !unsent.contains(id));
    account(app, ended, report).await;
}

/// Rows in groups of as many as are put together.
fn in_groups(rows: Vec<(String, IssueRow)>) -> Vec<Vec<(String, IssueRow)>> {
    let mut groups: Vec<Vec<(String, IssueRow)>> = Vec::new();
    for row in rows {
        match groups.last_mut() {
            Some(group) if group.len() < TOGETHER => group.push(row),
            _ => groups.push(vec![row]),
        }
    }
    groups
}

/// Issues some rows: prepares each, and puts their credentials together.
async fn issue_group(
    app: &App,
    rows: Vec<(String, IssueRow)>,
    members: &Members,
    now: Timestamp,
    stop: Instant,
) -> Vec<(String, IssueRow, Option<RowOutcome>)> {
    if Instant::now() >= stop {
        return rows.into_iter().map(|(id, row)| (id, row, None)).collect();
    }
    let ready: Vec<(String, IssueRow, Option<PreparedRow>)> = stream::iter(rows)
        .map(|(id, row)| async move {
            let work = AssertUnwindSafe(prepare_row(app, &row, members)).catch_unwind();
            let ready = match work.await {
                Ok(Ok(ready)) => Some(ready),
                Ok(Err(error)) => {
                    tracing::error!(%error, message_id = id, "row not issued");
                    None
                }
                Err(_) => {
                    tracing::error!(message_id = id, "row panicked");
                    None
                }
            };
            (id, row, ready)
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    let mut done = Vec::with_capacity(ready.len());
    let mut rows: Vec<(String, IssueRow)> = Vec::new();
    let mut signed: Vec<(Box<Credential>, String)> = Vec::new();
    let mut repeated = Vec::new();
    for (id, row, ready) in ready {
        match ready {
            Some(PreparedRow::Signed(credential, email_key)) => {
                if signed.iter().any(|(other, _)| other.id == credential.id) {
                    repeated.push((id, row, credential, email_key));
                } else {
                    rows.push((id, row));
                    signed.push((credential, email_key));
                }
            }
            Some(PreparedRow::RowOutcome(outcome)) => done.push((id, row, Some(outcome))),
            None => done.push((id, row, None)),
        }
    }
    let now = time::millis(now);
    let put = app.credentials.put_together(&signed, &now).await;
    for ((id, row), ((credential, _), put)) in rows.into_iter().zip(signed.into_iter().zip(put)) {
        done.push(ended(id, row, credential, put));
    }
    // One identity a second time: it finds the first.
    for (id, row, credential, email_key) in repeated {
        let put = app.credentials.put(&credential, &email_key, &now).await;
        done.push(ended(id, row, credential, put));
    }
    done
}

/// A row whose credential was put, or is to be put again.
fn ended(
    id: String,
    row: IssueRow,
    credential: Box<Credential>,
    put: Result<Put, StoreError>,
) -> (String, IssueRow, Option<RowOutcome>) {
    let outcome = match put {
        Ok(put) => Some(RowOutcome::Ended(issue::outcome(credential, put))),
        Err(error) => {
            tracing::error!(%error, message_id = id, "row not issued");
            None
        }
    };
    (id, row, outcome)
}

async fn members_among(app: &App, rows: &[(String, IssueRow)]) -> Result<Members, StoreError> {
    let mut wanted: HashMap<&OrgId, Vec<&EmailAddress>> = HashMap::new();
    for (_, row) in rows {
        let emails = wanted.entry(&row.org).or_default();
        emails.extend(row.row.recipient.as_ref().map(|recipient| &recipient.email));
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
    Signed(Box<Credential>, String),
    RowOutcome(RowOutcome),
}

async fn prepare_row(
    app: &App,
    row: &IssueRow,
    members: &Members,
) -> Result<PreparedRow, StoreError> {
    let Some(recipient) = row.row.recipient.clone() else {
        return Ok(PreparedRow::RowOutcome(RowOutcome::Refused(row.row.faults.clone())));
    };
    let template =
        app.catalog.template_version(&row.org, row.template_id, row.template_version).await?;
    let Some(template) = template else {
        return Ok(PreparedRow::RowOutcome(RowOutcome::Refused(vec![FaultText {
            code: "template_not_found".to_owned(),
            text: ACHIEVEMENT_NOT_FOUND.to_owned(),
        }])));
    };
    let organization = app.catalog.organization(&row.org).await?;
    let secret = app.catalog.id_secret(&row.org).await?;
    let member = members.get(&row.org).and_then(|members| members.get(&recipient.email));
    let settings = &organization.settings;
    let by = Issuer { org: &row.org, mode: row.mode, secret: &secret, settings };
    let (template, issued_at) = (&template, row.issued_at.as_str());
    let request = IssueRequest { template, member, recipient, issued_at };
    if row.dry_run {
        let mut foreseen = dry_run::foresee(app, by, request).await?;
        if let Foreseen::New { id, content, .. } = &foreseen {
            let this = (row.row.row, content.as_str());
            let (first, content) = app.jobs.first_of(row.job_id, *id, this, row.ttl).await?;
            if first != row.row.row {
                foreseen = foreseen.after(&content);
            }
        }
        return Ok(PreparedRow::RowOutcome(RowOutcome::Foreseen(foreseen)));
    }
    let origin = Origin::Job { job: row.job_id, shard: row.shard(), row: row.row.row };
    let requester = Requester { origin, send_email: row.send_email };
    Ok(match issue::prepare(app, by, request, requester).await? {
        Prepared::Signed(credential, email_key) => PreparedRow::Signed(credential, email_key),
        Prepared::Refused(faults) => {
            PreparedRow::RowOutcome(RowOutcome::Ended(Outcome::Refused(faults)))
        }
    })
}

/// Revokes the credentials of rows, those of a job together.
async fn revoke_rows(
    app: &App,
    rows: Vec<(String, IssueRow)>,
    now: Timestamp,
    stop: Instant,
) -> Vec<(String, IssueRow, Option<RowOutcome>)> {
    let mut jobs: BTreeMap<JobId, Vec<(String, IssueRow)>> = BTreeMap::new();
    for (id, row) in rows {
        jobs.entry(row.job_id).or_default().push((id, row));
    }
    let mut done = Vec::new();
    for (job, rows) in jobs {
        let verdicts = if Instant::now() < stop {
            let work = AssertUnwindSafe(revoke_together(app, job, &rows, now)).catch_unwind();
            match work.await {
                Ok(Ok(verdicts)) => Some(verdicts),
                Ok(Err(error)) => {
                    tracing::error!(%error, job_id = %job, "rows not revoked");
                    None
                }
                Err(_) => {
                    tracing::error!(job_id = %job, "rows panicked");
                    None
                }
            }
        } else {
            None
        };
        for (id, row) in rows {
            let refused = |fault: Fault| RowOutcome::Refused(vec![fault.said(row.lang)]);
            let outcome = verdicts.as_ref().map(|(verdicts, by_us)| {
                let verdict = row.row.revoke.and_then(|id| verdicts.get(&id));
                match verdict {
                    Some(StatusOutcome::Changed(credential)) => {
                        RowOutcome::Revoked { credential: credential.clone(), duplicate: false }
                    }
                    Some(StatusOutcome::Already(credential)) => RowOutcome::Revoked {
                        credential: credential.clone(),
                        duplicate: !by_us.contains(&credential.id),
                    },
                    Some(StatusOutcome::Unsigned) => refused(Fault::Unsigned),
                    Some(StatusOutcome::Unknown | StatusOutcome::Revoked) | None => {
                        refused(Fault::UnknownCredential)
                    }
                }
            });
            done.push((id, row, outcome));
        }
    }
    done
}

/// What became of the credentials of one job's rows, and which of those that are revoked
/// already this job revoked, in an attempt that did not live to record it.
async fn revoke_together(
    app: &App,
    job: JobId,
    rows: &[(String, IssueRow)],
    now: Timestamp,
) -> Result<(HashMap<CredentialId, StatusOutcome>, HashSet<CredentialId>), StoreError> {
    let ids: Vec<CredentialId> = rows.iter().filter_map(|(_, row)| row.row.revoke).collect();
    let Some((row, revocation)) =
        rows.first().and_then(|(_, row)| Some((row, row.revocation.as_ref()?)))
    else {
        return Ok(Default::default());
    };
    let order = StatusChange {
        tenant: Tenant { org: &row.org, mode: row.mode },
        action: Action::Revoke,
        reason: Some(&revocation.reason),
        by: Who {
            key_id: revocation.key_id.clone(),
            key_name: revocation.key_name.clone(),
            job_id: Some(job),
        },
    };
    let verdicts = change_status::change_status(app, &order, &ids, now).await?;
    let already: Vec<&Credential> = verdicts
        .values()
        .filter_map(|verdict| match verdict {
            StatusOutcome::Already(credential) => Some(credential.as_ref()),
            _ => None,
        })
        .collect();
    let by_us = app.status_lists.revoked_by(job, &already).await?;
    Ok((verdicts, by_us))
}

/// Records how rows ended, one write a shard.
async fn account(app: &App, ended: Vec<(String, IssueRow, RowOutcome)>, report: &mut Report) {
    let mut shards: BTreeMap<(JobId, u32), (Vec<String>, i64, ShardUpdate)> = BTreeMap::new();
    for (id, row, done) in ended {
        let number = row.row.row;
        let (ids, ttl, learned) = shards.entry((row.job_id, row.shard())).or_default();
        ids.push(id);
        *ttl = row.ttl;
        let faults = match done {
            RowOutcome::Ended(Outcome::Issued { credential, duplicate, alias }) => {
                report.issued += 1;
                let sets: &mut IssueSets = &mut learned.sets;
                sets.issued.insert(number);
                if credential.recipient_type == RecipientType::Internal {
                    sets.internal.insert(number);
                }
                if duplicate {
                    report.duplicates += 1;
                    sets.duplicate.insert(number);
                }
                // A duplicate's mail is the business of the one that issued it.
                if duplicate || credential.stored_mail == MailState::Skipped {
                    sets.unmailed.insert(number);
                }
                if alias {
                    learned.aliases.push((number, credential.id));
                }
                continue;
            }
            RowOutcome::Revoked { credential, duplicate } => {
                report.revoked += 1;
                let sets: &mut IssueSets = &mut learned.sets;
                sets.issued.insert(number);
                sets.unmailed.insert(number);
                if credential.recipient_type == RecipientType::Internal {
                    sets.internal.insert(number);
                }
                if duplicate {
                    sets.duplicate.insert(number);
                }
                continue;
            }
            RowOutcome::Foreseen(Foreseen::New { internal, also_holds, repeats, .. }) => {
                learned.foresee(number, internal, repeats, also_holds);
                continue;
            }
            RowOutcome::Foreseen(Foreseen::Duplicate { credential, alias, also_holds }) => {
                let internal = credential.recipient_type == RecipientType::Internal;
                learned.foresee(number, internal, true, also_holds);
                if alias {
                    learned.aliases.push((number, credential.id));
                }
                continue;
            }
            RowOutcome::Ended(Outcome::Refused(faults))
            | RowOutcome::Foreseen(Foreseen::Refused(faults)) => {
                faults.iter().map(|fault| fault.said(row.lang)).collect()
            }
            RowOutcome::Refused(faults) => faults,
        };
        report.refused += 1;
        learned.sets.failed.insert(number);
        learned.failures.push(Failure { row: number, email: row.row.email, faults });
    }
    let outcomes: Vec<(Vec<String>, Result<(), StoreError>)> = stream::iter(shards)
        .map(|((job, shard), (ids, ttl, learned))| async move {
            (ids, app.jobs.record_issued(job, shard, &learned, ttl).await)
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    for (ids, outcome) in outcomes {
        if let Err(error) = outcome {
            tracing::error!(%error, rows = ids.len(), "rows not recorded");
            report.retry.extend(ids);
        }
    }
}
