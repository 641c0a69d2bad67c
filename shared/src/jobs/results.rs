//! Results of a job: a row each, with the state of its mail.
//!
//! Safe to repeat: nothing is written.

use std::collections::HashMap;

use crate::{
    app::App,
    credentials::{issue, sign::Issuer},
    domain::{
        credential::Credential,
        email::EmailAddress,
        identity::IdSecret,
        ids::CredentialId,
        job::{Job, JobKind},
        job_outcome::RowStatus,
        job_result::{ResultRow, RowMarks},
    },
    store::{StoreError, job_rows::ShardView},
};

/// Shards that one page reads: a bound for filters that match few rows.
const SHARDS_A_PAGE: u32 = 20;

/// A page of results to read.
#[derive(Clone, Copy, Debug)]
pub struct ResultsQuery {
    /// State of the rows; all rows without it.
    pub status: Option<RowStatus>,
    /// The row after which the page begins; 0 for the first page.
    pub after: u32,
    /// Most rows.
    pub limit: usize,
    /// Bytes of JSON after which the page ends early.
    pub max_bytes: usize,
}

/// A page of results.
#[derive(Debug)]
pub struct ResultsPage {
    /// Its rows.
    pub rows: Vec<ResultRow>,
    /// The row after which the next page begins; none at the end.
    pub next: Option<u32>,
}

/// Reads a page of a job's results.
///
/// # Errors
/// [`StoreError`].
pub async fn page(app: &App, job: &Job, query: ResultsQuery) -> Result<ResultsPage, StoreError> {
    let secret = app.catalog.id_secret(&job.org).await?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    let mut next = None;
    let mut row = query.after.saturating_add(1);
    let mut shards = 0;
    while row <= job.total && next.is_none() {
        let number = job.shard_of(row);
        let view = app.jobs.shard(job.shard_id(number)).await?;
        shards += 1;
        let last = *job.rows_of(number).end();
        while row <= last {
            if query.status.is_none_or(|wanted| view.shard.status(row) == wanted) {
                let mut result = result_row(app, job, &secret, &view, row);
                if job.is_dry_run() {
                    let read = view.rows.get(&row).and_then(|input| input.recipient.clone());
                    result.recipient = read.map(Box::new);
                }
                bytes += result.answer().to_string().len();
                rows.push(result);
            }
            row += 1;
            if (rows.len() == query.limit || bytes > query.max_bytes) && row <= job.total {
                next = Some(row - 1);
                break;
            }
        }
        if shards == SHARDS_A_PAGE && row <= job.total {
            next = Some(row - 1);
        }
    }
    overlay_delivery(app, &mut rows).await?;
    if job.is_dry_run() {
        as_signed(app, job, &secret, &mut rows).await?;
    }
    Ok(ResultsPage { rows, next })
}

/// Completes the recipients of a dry run as issuing does.
async fn as_signed(
    app: &App,
    job: &Job,
    secret: &IdSecret,
    rows: &mut [ResultRow],
) -> Result<(), StoreError> {
    let template =
        app.catalog.template_version(&job.org, job.template_id, job.template_version).await?;
    let Some(template) = template else {
        return Ok(());
    };
    // Of an external recipient, no profile filled anything in.
    let perhaps_members = rows.iter().filter(|row| row.internal != Some(false));
    let addresses: Vec<EmailAddress> =
        perhaps_members.filter_map(|row| Some(row.recipient.as_ref()?.email.clone())).collect();
    let organization = app.catalog.organization(&job.org).await?;
    let settings = &organization.settings;
    let by = Issuer { org: &job.org, mode: job.mode, secret, settings };
    let members = match addresses.as_slice() {
        [] => HashMap::new(),
        some => app.catalog.together(&job.org, None, None, &Vec::from_iter(some)).await?.members,
    };
    for recipient in rows.iter_mut().filter_map(|row| row.recipient.as_deref_mut()) {
        let member = members.get(&recipient.email);
        let completed = issue::complete(by, &template, member, recipient.clone());
        *recipient = completed.recipient;
    }
    Ok(())
}

/// Replaces `sent` by what SES reported since: the job knows that SES accepted a mail, its
/// credential knows the delivery.
async fn overlay_delivery(app: &App, rows: &mut [ResultRow]) -> Result<(), StoreError> {
    let id_of = |row: &ResultRow| row.credential_id.filter(|_| row.email_status == Some("sent"));
    let ids: Vec<CredentialId> = rows.iter().filter_map(id_of).collect();
    let credentials = app.credentials.get_all(&ids).await?;
    let known: HashMap<CredentialId, &'static str> = credentials
        .iter()
        .filter_map(|credential| Some((credential.id, credential.mail_delivery?.as_str())))
        .collect();
    for row in rows {
        if let Some(delivery) = id_of(row).and_then(|id| known.get(&id)) {
            row.email_status = Some(delivery);
        }
    }
    Ok(())
}

/// The result of one row of a shard.
pub fn result_row(
    app: &App,
    job: &Job,
    secret: &IdSecret,
    view: &ShardView,
    row: u32,
) -> ResultRow {
    let kind = job.kind();
    let dry_run = matches!(kind, JobKind::DryRun(_));
    let input = view.rows.get(&row);
    let status = view.shard.status(row);
    let issued = status == RowStatus::Issued;
    let corrected = view.shard.issue.corrected.contains(&row);
    let duplicate = view.shard.issue.duplicate.contains(&row) && !corrected;
    let internal = view.shard.issue.internal.contains(&row);
    let marks = RowMarks { internal, duplicate, corrected };
    // A job that imports members issues and mails nothing.
    let credential = issued && job.members.is_none();
    let credential_id = issued.then(|| view.credential_of(row, secret, job)).flatten();
    // In a dry run, a new credential does not exist yet.
    let existing = credential_id.filter(|_| !dry_run || duplicate || corrected);
    let failure = view.failures.get(&row).filter(|_| status == RowStatus::Failed);
    ResultRow {
        row,
        email: input.map(|input| input.email.clone()),
        external_id: input.and_then(|input| input.external_id.clone()),
        line: input.and_then(|input| input.line),
        status: ResultRow::status_word(status, &kind, marks),
        credential_id,
        credential_url: existing.map(|id| Credential::url(&app.config.site_url, id)),
        internal: credential.then_some(internal),
        duplicate: issued.then_some(duplicate),
        corrected,
        email_status: credential.then(|| view.shard.mail(row)),
        error: failure.map(|failure| failure.text()),
        also_holds: dry_run.then(|| view.holds.get(&row).cloned().unwrap_or_default()),
        changes: view.changes.get(&row).cloned(),
        repeated_by: input.and_then(|input| input.repeated_by).filter(|_| duplicate),
        recipient: None,
    }
}
