//! Results of a job: a row each, with the state of its mail.
//!
//! Safe to repeat: nothing is written.

use std::{
    collections::{BTreeSet, HashMap},
    ops::RangeInclusive,
    sync::Arc,
};

use jiff::civil::Date;

use crate::{
    app::App,
    credentials::{issue, sign::Issuer},
    domain::{
        correction::{FieldChange, Named},
        credential::Credential,
        email::EmailAddress,
        identity::IdSecret,
        ids::CredentialId,
        job::{Job, JobKind, Row},
        job_outcome::RowStatus,
        job_result::{ResultRow, RowFilter, RowMarks},
        lang::Lang,
        ledger::{CurrentCredential, Ended, LedgerEntry},
        review,
        template::Template,
        undelivered::Undelivered,
        warning::{Warning, WarningReport},
    },
    sheet::Naming,
    store::{StoreError, job_shards::ShardView},
};

/// Shards that one page reads: a bound for filters that match few rows.
const SHARDS_A_PAGE: u32 = 20;

/// A page of results to read.
#[derive(Clone, Copy, Debug)]
pub struct ResultsQuery {
    /// The rows that are wanted; all of them without it.
    pub filter: Option<RowFilter>,
    /// Only rows whose mail did not arrive.
    pub undelivered: bool,
    /// The row after which the page begins; 0 for the first page.
    pub after: u32,
    /// Most rows.
    pub limit: usize,
    /// Bytes of JSON after which the page ends early.
    pub max_bytes: usize,
    /// Whether private facts are wanted.
    pub private: bool,
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
    let judge = Judge::of(app, job).await?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    let mut existing = BTreeSet::new();
    let mut next = None;
    let mut row = query.after.saturating_add(1);
    let mut shards = 0;
    while row <= job.total && next.is_none() {
        let number = job.shard_of(row);
        let view = app.jobs.shard(job.shard_id(number)).await?;
        shards += 1;
        let last = *job.rows_of(number).end();
        let missing = match query.undelivered {
            true => Some(undelivered(app, job, &secret, &view, row..=last).await?),
            false => None,
        };
        while row <= last {
            let wanted = missing.as_ref().is_none_or(|missing| missing.contains(&row));
            if wanted && query.filter.is_none_or(|wanted| wanted.takes(&view.shard, row)) {
                let mut result = result_row(app, job, &secret, &view, row);
                result.warnings = judge.as_ref().and_then(|judge| judge.report(&view, row));
                if job.is_dry_run() {
                    let input = view.rows.get(&row);
                    result.recipient = input.and_then(Row::read).cloned().map(Box::new);
                    // A row that names its credential leaves the fields of absent columns.
                    let named = input.is_some_and(|input| input.named.is_some());
                    existing.extend(result.credential_url.as_ref().filter(|_| named).map(|_| row));
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
    overlay_credentials(app, job, &mut rows, query.private).await?;
    if job.is_dry_run() {
        let (stored, others): (Vec<_>, Vec<_>) =
            rows.iter_mut().partition(|row| existing.contains(&row.row));
        as_stored(app, stored).await?;
        as_signed(app, job, &secret, others).await?;
    }
    if !query.private {
        let facts = judge.map(|judge| judge.template.all_facts()).unwrap_or_default();
        let public = facts.iter().filter(|(_, private)| !**private);
        let public: Vec<String> = public.map(|(key, _)| key.field()).collect();
        rows.iter_mut().for_each(|row| row.hide_private(&public));
    }
    Ok(ResultsPage { rows, next })
}

/// Gives rows of a dry run that name their credentials what these hold, corrected where the rows
/// correct them.
async fn as_stored(app: &App, rows: Vec<&mut ResultRow>) -> Result<(), StoreError> {
    // Rows that say the same name one credential, and one read takes an id once.
    let ids: BTreeSet<CredentialId> = rows.iter().filter_map(|row| row.credential_id).collect();
    let credentials = app.credentials.get_all(&Vec::from_iter(ids)).await?;
    let known: HashMap<CredentialId, &Credential> =
        credentials.iter().map(|credential| (credential.id, credential)).collect();
    for row in rows {
        let Some(found) = row.credential_id.and_then(|id| known.get(&id)) else { continue };
        let changes = row.changes.as_deref().unwrap_or_default();
        let after = FieldChange::applied(&found.recipient, changes);
        row.recipient = Some(Box::new(after.unwrap_or_else(|_| found.recipient.clone())));
    }
    Ok(())
}

/// The judge of a job's rows. It finds again what was warned of when they came, so that nothing is
/// stored a row.
struct Judge<'a> {
    template: Arc<Template>,
    today: Date,
    lang: Lang,
    naming: Option<Naming<'a>>,
}

impl<'a> Judge<'a> {
    /// The judge of a job that issues; none if its template is gone.
    async fn of(app: &App, job: &'a Job) -> Result<Option<Self>, StoreError> {
        let Some(today) = review::day_of(&job.created_at).filter(|_| job.revocation.is_none())
        else {
            return Ok(None);
        };
        let template =
            app.catalog.template_version(&job.org, job.template_id, job.template_version).await?;
        let naming = job.sheet.as_ref().and_then(|format| Naming::of(format, job.lang));
        Ok(template.map(|template| Self { template, today, lang: job.lang, naming }))
    }

    fn report(&self, view: &ShardView, row: u32) -> Option<WarningReport> {
        let recipient = view.rows.get(&row)?.read()?;
        let mut warnings = review::judge(recipient, self.today, &self.template.definition);
        let alike = view.alike.get(&row).into_iter().flatten();
        warnings.extend(alike.cloned().map(Warning::from));
        if let Some(naming) = &self.naming {
            warnings.iter_mut().for_each(|warning| naming.name_field(warning));
        }
        WarningReport::of(&warnings, self.lang)
    }
}

/// Completes the recipients of a dry run as issuing does.
async fn as_signed(
    app: &App,
    job: &Job,
    secret: &IdSecret,
    mut rows: Vec<&mut ResultRow>,
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

/// All rows of a shard.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn of_shard(
    app: &App,
    job: &Job,
    secret: &IdSecret,
    number: u32,
) -> Result<Vec<ResultRow>, StoreError> {
    let view = app.jobs.shard(job.shard_id(number)).await?;
    let rows = job.rows_of(number);
    let mut rows: Vec<ResultRow> =
        rows.map(|row| result_row(app, job, secret, &view, row)).collect();
    overlay_delivery(app, job, &mut rows).await?;
    Ok(rows)
}

/// The rows of a shard, among some, whose mail did not arrive.
async fn undelivered(
    app: &App,
    job: &Job,
    secret: &IdSecret,
    view: &ShardView,
    among: RangeInclusive<u32>,
) -> Result<BTreeSet<u32>, StoreError> {
    let mut rows: Vec<ResultRow> =
        among.map(|row| result_row(app, job, secret, view, row)).collect();
    overlay_delivery(app, job, &mut rows).await?;
    Ok(rows.iter().filter(|row| row.email_error.is_some()).map(|row| row.row).collect())
}

/// Replaces the end of a mail as the job knows it by its present state: SES has reported on it, or it
/// was sent again since, perhaps to another address. The credential knows both.
async fn overlay_delivery(app: &App, job: &Job, rows: &mut [ResultRow]) -> Result<(), StoreError> {
    // Rows that say the same name one credential, and one read takes an id once.
    let ids: BTreeSet<CredentialId> =
        rows.iter().filter_map(|row| mailed(row).or_else(|| existed(row))).collect();
    let credentials = app.credentials.get_all(&Vec::from_iter(ids)).await?;
    deliver(job, rows, credentials);
    Ok(())
}

/// The same for a page, which also says which credentials are blocked.
async fn overlay_credentials(
    app: &App,
    job: &Job,
    rows: &mut [ResultRow],
    reads: bool,
) -> Result<(), StoreError> {
    let exists = |row: &ResultRow| row.credential_id.filter(|_| row.credential_url.is_some());
    let ids: BTreeSet<CredentialId> = rows.iter().filter_map(exists).collect();
    let credentials = app.credentials.get_all(&Vec::from_iter(ids)).await?;
    let blocked: HashMap<CredentialId, String> = credentials
        .iter()
        .filter_map(|credential| Some((credential.id, credential.blocked.as_ref()?.at.clone())))
        .collect();
    let stored: HashMap<CredentialId, &Credential> =
        credentials.iter().map(|credential| (credential.id, credential)).collect();
    for row in rows.iter_mut() {
        row.blocked_at = exists(row).and_then(|id| blocked.get(&id).cloned());
        // The first ones stay: who may read credentials sees those of its own.
        if let Some(found) = exists(row).and_then(|id| stored.get(&id)).filter(|_| reads) {
            row.metadata = found.recipient.metadata.clone();
        }
    }
    for row in rows.iter_mut().filter(|row| row.duplicate == Some(true)) {
        let found = credentials.iter().find(|credential| Some(credential.id) == row.credential_id);
        let says = row.says.as_ref().map(|says| &says.recipient);
        row.other_private = match (says, found) {
            (Some(says), Some(found)) => says.other_private(&found.recipient),
            (None, _) | (_, None) => Vec::new(),
        };
    }
    deliver(job, rows, credentials);
    Ok(())
}

/// The credential of a row whose mail its job says has ended.
fn mailed(row: &ResultRow) -> Option<CredentialId> {
    row.credential_id.filter(|_| matches!(row.email_status, Some("sent" | "failed")))
}

/// The credential of a row that existed before. Of a new one, its first version is known; a former one
/// may have any.
fn existed(row: &ResultRow) -> Option<CredentialId> {
    let existed = row.duplicate == Some(true) || row.corrected;
    row.credential_id.filter(|_| existed && row.says.is_some())
}

/// Gives rows the state of their mail, and their version, from their credentials.
fn deliver(job: &Job, rows: &mut [ResultRow], credentials: Vec<Credential>) {
    // The job's ledger says that the first mail was sent.
    let present = |credential| CurrentCredential::new(credential, LedgerEntry::Ended(Ended::Sent));
    let known: HashMap<CredentialId, CurrentCredential> =
        credentials.into_iter().map(|credential| (credential.id, present(credential))).collect();
    for row in rows {
        let found = row.credential_id.and_then(|id| known.get(&id));
        row.version = version(job, row, found.map(|found| &**found));
        let Some(credential) = mailed(row).and_then(|id| known.get(&id)) else { continue };
        row.email_status = Some(credential.email_status());
        row.email_error = credential.undelivered().map(str::to_owned);
        row.email_detail =
            credential.undelivered().map(|code| Undelivered::text_of(code, job.lang));
    }
}

/// The version of a row's credential whose content the row has. In a dry run, a row that would
/// correct it is of the version that it was compared with.
fn version(job: &Job, row: &ResultRow, found: Option<&Credential>) -> Option<u32> {
    let says = row.says.as_ref()?;
    let new = row.credential_url.is_some() && row.duplicate == Some(false) && !row.corrected;
    let Some(found) = found.filter(|found| found.version > 0) else {
        return new.then_some(1);
    };
    Some(match job.is_dry_run() && row.corrected {
        true => says.version.unwrap_or(found.version),
        false => says.version_of(&found.recipient, &found.filled, found.version),
    })
}

/// The result of one row of a shard.
fn result_row(app: &App, job: &Job, secret: &IdSecret, view: &ShardView, row: u32) -> ResultRow {
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
    let says = credential_id.zip(input).and_then(|(id, input)| {
        let found = |recipient| Named::found(id, recipient);
        input.named.clone().or_else(|| input.recipient.as_ref().map(found)).map(Box::new)
    });
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
        email_error: None,
        email_detail: None,
        blocked_at: None,
        version: None,
        metadata: input.and_then(Row::read).map(|sent| sent.metadata.clone()).unwrap_or_default(),
        says,
        error: failure.map(|failure| failure.text()),
        also_holds: dry_run.then(|| view.holds.get(&row).cloned().unwrap_or_default()),
        changes: view.changes.get(&row).cloned(),
        warnings: None,
        other_private: Vec::new(),
        repeated_by: input.and_then(|input| input.repeated_by).filter(|_| duplicate),
        recipient: None,
    }
}
