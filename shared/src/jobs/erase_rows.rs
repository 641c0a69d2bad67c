//! Takes a person, or the content of one credential, out of a job that has ended: its inputs, its
//! failures, what its dry run found, its files.
//!
//! Safe to repeat: the inputs, by which the rows are found, are rewritten last, on the condition that
//! they are as they were read.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    app::App,
    aws::s3::FileError,
    domain::{
        email::EmailAddress,
        erasure::{self, About, PrivacyAction, PrivacyOrder},
        fault::FaultText,
        identity::{self, IdSecret},
        ids::{CredentialId, JobId, ShardId},
        job::{Job, Row},
        job_outcome::RowStatus,
        recipient::Recipient,
        spelling,
    },
    jobs::{JobError, results_file},
    store::{StoreError, job_rows::Failure, job_shards::ShardView},
};

/// Attempts at a piece that keeps changing.
const ROUNDS: u32 = 4;

/// What was done to a job.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Walked {
    /// Whether it has not ended, so that nothing was done.
    pub(super) open: bool,
    /// Rows that were rewritten.
    pub(super) rows: u32,
    /// Whether its files were deleted.
    pub(super) files: bool,
}

/// What is taken out of a row.
enum Take {
    /// All that it says; the credential that it leads to is kept.
    Row(Option<CredentialId>),
    /// Of another person's row, the texts that quote the address.
    Quotes,
}

/// The rows of a shard out of which something is taken.
type Rows = BTreeMap<u32, Take>;

/// What a shard has.
struct MarkedShard {
    id: ShardId,
    rows: Rows,
    /// Failures of other people's rows, without what quotes the address.
    failures: Vec<Failure>,
}

/// What a job has about the person or the credential.
#[derive(Default)]
struct Marked {
    shards: Vec<MarkedShard>,
    /// The people of its rows, as they were sent.
    people: Vec<Recipient>,
    /// Whether it revokes a credential that is erased: its reason may say more.
    revokes: bool,
}

impl Marked {
    fn is_empty(&self) -> bool {
        self.shards.is_empty() && !self.revokes
    }
}

/// Erases what a job has about a person, or about a credential; `by` is the job that does it.
///
/// # Errors
/// [`JobError`].
pub(super) async fn erase(
    app: &App,
    job: &Job,
    secret: &IdSecret,
    order: &PrivacyOrder,
    by: JobId,
) -> Result<Walked, JobError> {
    let about = &order.about;
    if let Some(other) = &job.privacy {
        // What was given to the person goes with everything else.
        let theirs = other.action == PrivacyAction::Export && order.takes_export_of(&other.about);
        if !theirs || job.files_gone_at.is_some() {
            return Ok(Walked::default());
        }
        if job.closed_at.is_none() {
            return Ok(Walked { open: true, ..Walked::default() });
        }
        results_file::forget(app, job.job_id).await?;
        return Ok(Walked { files: true, ..Walked::default() });
    }
    if job.closed_at.is_none() || job.owes_results() {
        return Ok(Walked { open: true, ..Walked::default() });
    }
    let mut marked = Marked::default();
    for number in 0..job.shards() {
        mark(app, job, secret, (order, by), job.shard_id(number), &mut marked).await?;
    }
    let quotes = |name: &str| match about {
        About::Person(subject) => subject.is_in(secret, &job.org, name),
        _ => false,
    };
    // A refused file has no rows to look for: it may have anybody, and is of no further use.
    let refused = job.failure.is_some() && matches!(about, About::Person(_));
    if matches!(about, About::Person(_)) {
        forget_unread(app, job).await?;
    }
    if marked.is_empty() && !refused && !names_of(job).any(quotes) {
        return Ok(Walked::default());
    }
    let files = job.file.is_some() && job.files_gone_at.is_none();
    if files {
        results_file::forget(app, job.job_id).await?;
    }
    app.jobs.forget_values(job).await?;
    // Of a refused file nobody knows whom its names mean.
    let names = |name: &str| refused || quotes(name) || tells_of(name, &marked.people);
    if let Some(file) = &job.file {
        if names(&file.name) {
            app.jobs.forget_file_name(job, file, job.lang.pick("archivo", "file")).await?;
        }
        let told = job.workbook().map_or(refused, |workbook| names(&workbook.sheet));
        let sheet = told.then_some(job.lang.pick("hoja", "sheet"));
        app.jobs.forget_sheets(job, file, sheet).await?;
    }
    if job.is_dry_run() {
        for person in &marked.people {
            forget_first(app, job, secret, person).await?;
        }
        for number in 0..job.shards() {
            app.jobs.forget_alike(job.shard_id(number)).await?;
        }
    }
    let mut walked = Walked { open: false, rows: 0, files };
    for shard in marked.shards {
        let whole = shard.rows.values().filter(|take| matches!(take, Take::Row(_))).count();
        walked.rows += u32::try_from(whole).unwrap_or(u32::MAX);
        erase_shard(app, job, secret, about, shard).await?;
    }
    Ok(walked)
}

/// Deletes a job's spreadsheet as it came: it may have anybody in what is not read, in other sheets, hidden rows
/// and notes, and nobody reads it again.
async fn forget_unread(app: &App, job: &Job) -> Result<(), JobError> {
    let kept = job.file.as_ref().filter(|_| job.files_gone_at.is_none());
    let Some(file) = kept.filter(|_| job.workbook().is_some()) else { return Ok(()) };
    // Another file, of another job, may have replaced it by now.
    match app.files()?.read(&file.object, 0, 1).await {
        Ok(_) => Ok(app.files()?.delete(&[&file.object.key]).await?),
        Err(FileError::Gone) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The names of a job's file and of its sheets.
fn names_of(job: &Job) -> impl Iterator<Item = &str> {
    let sheets = job.workbook().into_iter();
    let sheets = sheets.flat_map(|workbook| {
        workbook.sheets.iter().chain(&workbook.unread).chain([&workbook.sheet])
    });
    job.file.iter().map(|file| &file.name).chain(sheets).map(String::as_str)
}

/// Finds what a shard has.
async fn mark(
    app: &App,
    job: &Job,
    secret: &IdSecret,
    (order, by): (&PrivacyOrder, JobId),
    shard: ShardId,
    marked: &mut Marked,
) -> Result<(), StoreError> {
    let about = &order.about;
    // Only of one credential do rows have to be compared with what they led to.
    let view = match about {
        About::Credential(_) => Some(app.jobs.shard(shard).await?),
        _ => None,
    };
    let (mut rows, mut revoked, mut named) = (Rows::new(), Vec::new(), BTreeMap::new());
    for piece in app.jobs.pieces(shard).await? {
        for row in piece.rows {
            revoked.extend(row.revoke);
            if let Some(of) = &row.named {
                named.insert(row.number, (of.credential_id, of.recipient.clone()));
            }
            let about_it = is_about(&row, job, secret, about, view.as_ref());
            if about_it || led_to(&row, job, secret, &order.erased) {
                rows.insert(row.number, Take::Row(None));
                marked.people.extend(row.read().cloned());
            } else if row.faults.iter().any(|fault| quotes(fault, job, secret, about)) {
                rows.insert(row.number, Take::Quotes);
            }
        }
    }
    // A row may name a credential of the person under another address.
    let ids: BTreeSet<CredentialId> = named.values().map(|(id, _)| *id).collect();
    let erased = app.credentials.stored_all(&Vec::from_iter(ids)).await?.1;
    let erased: BTreeSet<CredentialId> =
        erased.iter().filter(|left| left.erased_by == by).map(|left| left.id).collect();
    for (row, (id, recipient)) in named {
        if erased.contains(&id) && !matches!(rows.get(&row), Some(Take::Row(_))) {
            rows.insert(row, Take::Row(None));
            marked.people.push(recipient);
        }
    }
    let mut failures = Vec::new();
    if job.tally.failed > 0 && matches!(about, About::Person(_)) {
        for mut failure in app.jobs.failures_of(shard).await? {
            let whole = matches!(rows.get(&failure.row), Some(Take::Row(_)));
            if !whole && without_quotes(&mut failure.faults, job, secret, about) {
                failures.push(failure);
            }
        }
    }
    if !rows.is_empty() || !failures.is_empty() {
        let view = match view {
            Some(view) => view,
            None => app.jobs.shard(shard).await?,
        };
        for (row, take) in &mut rows {
            if let Take::Row(id) = take {
                *id = view.credential_of(*row, secret, job);
            }
        }
        marked.shards.push(MarkedShard { id: shard, rows, failures });
    }
    for tombstone in app.credentials.stored_all(&revoked).await?.1 {
        marked.revokes |= match about {
            About::Credential(id) => tombstone.id == *id,
            _ => tombstone.erased_by == by,
        };
    }
    Ok(())
}

/// Deletes what a dry run noted of the first row of a person.
async fn forget_first(
    app: &App,
    job: &Job,
    secret: &IdSecret,
    person: &Recipient,
) -> Result<(), StoreError> {
    let (org, mode) = (&job.org, job.mode);
    let member = app.catalog.member(org, &person.email).await?;
    let profile = member.and_then(|member| member.profile.name);
    let clean = person.cleaned().and_then(|clean| clean.recipient_name);
    let names = [person.recipient_name.clone(), clean, profile];
    let named = names
        .iter()
        .flatten()
        .filter_map(|name| Some(identity::name_key(secret, org, mode, &spelling::key(name)?)));
    let addressed = identity::email_key(secret, org, mode, &person.email);
    for of in named.chain([addressed]) {
        app.jobs.forget_first(job.job_id, &of).await?;
    }
    Ok(())
}

/// Whether the name of a file has the address or the name of one of these people.
fn tells_of(file_name: &str, people: &[Recipient]) -> bool {
    let name = file_name.to_lowercase();
    people.iter().any(|person| {
        let words = person.recipient_name.as_deref().unwrap_or_default().to_lowercase();
        let named = !words.is_empty() && words.split_whitespace().all(|word| name.contains(word));
        named || name.contains(person.email.as_str())
    })
}

/// Whether a row's content is that with which one of these credentials was issued: it was corrected
/// since, and has another address.
fn led_to(row: &Row, job: &Job, secret: &IdSecret, erased: &[CredentialId]) -> bool {
    let id_of = |recipient| identity::of(secret, &job.org, job.mode, job.template_id, recipient).id;
    !erased.is_empty() && row.recipient.as_ref().is_some_and(|r| erased.contains(&id_of(r)))
}

/// Whether a row is about the person or the credential, and says something about it.
pub(super) fn is_about(
    row: &Row,
    job: &Job,
    secret: &IdSecret,
    about: &About,
    view: Option<&ShardView>,
) -> bool {
    match about {
        About::Person(subject) => {
            if let Some(recipient) = row.read() {
                return subject.is(secret, &job.org, &recipient.email);
            }
            if let Ok(email) = EmailAddress::parse(&row.email) {
                return subject.is(secret, &job.org, &email);
            }
            // An address that could not be read may have the person's in it.
            let texts = row.faults.iter().map(|fault| fault.text.as_str());
            let mut texts = [row.email.as_str()].into_iter().chain(texts);
            texts.any(|text| subject.is_in(secret, &job.org, text))
        }
        About::Ended(_) | About::Since(_) => false,
        About::Credential(id) => {
            let says_something = row.read().is_some() || !row.email.is_empty();
            // A row that failed has the id of what another one issued, if its content is the same.
            says_something
                && view.is_some_and(|view| {
                    view.shard.status(row.number) == RowStatus::Issued
                        && view.credential_of(row.number, secret, job) == Some(*id)
                })
        }
    }
}

/// Whether a text of a fault quotes the person's address.
fn quotes(fault: &FaultText, job: &Job, secret: &IdSecret, about: &About) -> bool {
    matches!(about, About::Person(subject) if subject.is_in(secret, &job.org, &fault.text))
}

/// Takes texts that quote the person's address out of faults; whether there were any.
fn without_quotes(faults: &mut [FaultText], job: &Job, secret: &IdSecret, about: &About) -> bool {
    let mut any = false;
    for fault in faults.iter_mut().filter(|fault| quotes(fault, job, secret, about)) {
        *fault = erasure::erased_quote(fault, job.lang);
        any = true;
    }
    any
}

/// A row without its content.
fn erased(row: &Row, job: &Job) -> Row {
    Row {
        number: row.number,
        line: row.line,
        email: String::new(),
        external_id: None,
        recipient: None,
        revoke: row.revoke,
        faults: vec![erasure::erased_row(job.lang)],
        named: None,
        repeated_by: row.repeated_by,
    }
}

async fn erase_shard(
    app: &App,
    job: &Job,
    secret: &IdSecret,
    about: &About,
    MarkedShard { id: shard, rows, failures }: MarkedShard,
) -> Result<(), JobError> {
    let ttl = job.ttl().ok_or_else(|| JobError::broken("a job without expiry"))?;
    for failure in &failures {
        app.jobs.rewrite_failure(shard, failure).await?;
    }
    for (row, take) in &rows {
        let Take::Row(id) = take else { continue };
        if let Some(id) = id {
            app.jobs.keep_credential(shard, *row, *id, ttl).await?;
            forget_former(app, job, secret, about, *id).await?;
        }
        let faults = vec![erasure::erased_row(job.lang)];
        let why = Failure { row: *row, line: None, email: String::new(), faults };
        app.jobs.forget_row(shard, &why).await?;
    }
    for round in 0..ROUNDS {
        let mut left = false;
        for piece in app.jobs.pieces(shard).await? {
            if !piece.rows.iter().any(|row| rows.contains_key(&row.number)) {
                continue;
            }
            let without = piece.rows.iter().cloned().map(|mut row| match rows.get(&row.number) {
                None => row,
                Some(Take::Row(_)) => erased(&row, job),
                Some(Take::Quotes) => {
                    without_quotes(&mut row.faults, job, secret, about);
                    row
                }
            });
            let without: Vec<Row> = without.collect();
            left |= !app.jobs.rewrite_piece(shard, &piece, &without).await?;
        }
        if !left {
            return Ok(());
        }
        tracing::info!(job_id = %job.job_id, round, "inputs changed meanwhile");
    }
    Err(StoreError::Conflict.into())
}

/// Takes the address out of the history of a credential that belongs to another one by now.
async fn forget_former(
    app: &App,
    job: &Job,
    secret: &IdSecret,
    about: &About,
    id: CredentialId,
) -> Result<(), StoreError> {
    let About::Person(subject) = about else { return Ok(()) };
    let Some(credential) = app.credentials.get(id).await? else { return Ok(()) };
    for event in app.status_lists.history(id, credential.revision).await? {
        let former = event.replaced.as_ref().map(|replaced| &replaced.recipient.email);
        let is_of = former.is_some_and(|email| {
            identity::email_key(secret, &job.org, job.mode, email) == subject.key(job.mode)
        });
        if is_of {
            app.status_lists.forget_entry(id, event.revision).await?;
        }
    }
    Ok(())
}
