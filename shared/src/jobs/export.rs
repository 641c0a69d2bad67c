//! The parts of an export: everything that is held about a person, in one archive.
//!
//! Rows are found as an erasure finds them, by walking 90 days of jobs; what a page of jobs has is put
//! into the bucket until the archive is made. Nothing else is written, and no address stands on the job.
//!
//! Safe to repeat: a page that was not noted is walked again and written under the same name, and so is
//! the archive.

use serde_json::Value;

use crate::{
    app::App,
    domain::{
        credential::Credential,
        erasure::{About, Part, Subject},
        export::{
            ArchiveFile, FoundRows, HeldRow, PersonalData, credential_of, document_name, event_of,
            others_left_out, own_changes, own_faults, own_row, replaced_of,
        },
        identity::IdSecret,
        ids::{CredentialId, Mode, ShardId},
        job::Job,
        job_outcome::RowStatus,
        ledger::CurrentCredential,
        tenant::Tenant,
        time,
    },
    jobs::{
        JobError,
        erase_rows::is_about,
        export_files::{KEYS_A_CALL, archive_key, piece_key, piece_keys},
        export_refused,
        private_work::{Step, Work},
    },
    mail::ledger,
    store::StoreError,
};

/// Makes an archive of files.
pub type Archive = fn(&[ArchiveFile]) -> std::io::Result<Vec<u8>>;

/// Jobs of a page of the walk.
const JOBS_A_PAGE: usize = 10;
/// Entries of a page of members and suppressions.
const ENTRIES_A_PAGE: usize = 1_000;

/// Deletes what a walk found, once the archive is made. What stays is deleted with the archive.
pub(super) async fn forget_pieces(app: &App, job: &Job) {
    let keys = piece_keys(job);
    for keys in keys.chunks(KEYS_A_CALL) {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let deleted = match app.files() {
            Ok(files) => files.delete(&keys).await,
            Err(error) => Err(error),
        };
        if let Err(error) = deleted {
            tracing::warn!(%error, job_id = %job.job_id, "pieces of an export not deleted");
        }
    }
}

/// Does the part that is next, or as much of it as there is time for.
///
/// # Errors
/// [`JobError`]; the part can be repeated.
pub(super) async fn step(work: &mut Work<'_>, archive: Archive) -> Result<Step, JobError> {
    let secret = work.app.catalog.id_secret(&work.job.org).await?;
    let About::Person(subject) = work.order.about.clone() else {
        return Err(JobError::broken("an export of no person"));
    };
    let step = match work.order.walk.part {
        Part::Jobs => jobs(work, &secret, Mode::Live).await?,
        Part::TestJobs => jobs(work, &secret, Mode::Test).await?,
        Part::Late => write(work, &secret, &subject, archive).await?,
        // Catalog and credentials are read when the archive is made.
        Part::Noted | Part::Catalog | Part::Credentials | Part::Done => Step::Next,
    };
    if step == Step::Next {
        work.order.walk.part = work.order.walk.part.next();
        work.order.walk.after = None;
    }
    Ok(step)
}

/// Walks the jobs of a mode, newest first.
async fn jobs(work: &mut Work<'_>, secret: &IdSecret, mode: Mode) -> Result<Step, JobError> {
    let app = work.app;
    loop {
        let before = work.order.walk.after.clone();
        let page = app.jobs.list(&work.job.org, mode, before.as_deref(), JOBS_A_PAGE).await?;
        let mut found = FoundRows::default();
        for job in &page.items {
            found.rows.extend(rows_of(work, job, secret).await?);
            found.refused_lines.extend(export_refused::lines_of(work, job, secret).await?);
        }
        if !found.is_empty() {
            // The same page, walked again, has the same name.
            let piece = format!("{mode}-{}", work.order.done.jobs);
            let bytes = serde_json::to_vec(&found).map_err(JobError::broken)?;
            let mut writer = app.files()?.writer(piece_key(work.job, &piece), "application/json");
            writer.write(&bytes).await?;
            writer.finish().await?;
            work.order.pieces.push(piece);
        }
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        work.order.done.rows += count(found.rows.len() + found.refused_lines.len());
        work.order.done.jobs += count(page.items.len());
        let Some(next) = page.next else { return Ok(Step::Next) };
        work.order.walk.after = Some(next);
        work.note().await?;
        if !work.has_time() {
            return Ok(Step::Later);
        }
    }
}

/// What a job has about the person. A job that has not ended has what has come so far.
async fn rows_of(work: &Work<'_>, job: &Job, secret: &IdSecret) -> Result<Vec<Value>, JobError> {
    let mut found = Vec::new();
    if job.privacy.is_some() {
        return Ok(found);
    }
    for number in 0..job.shards() {
        found.extend(rows_of_shard(work, job, secret, job.shard_id(number)).await?);
    }
    Ok(found)
}

async fn rows_of_shard(
    work: &Work<'_>,
    job: &Job,
    secret: &IdSecret,
    shard: ShardId,
) -> Result<Vec<Value>, JobError> {
    let (app, about) = (work.app, &work.order.about);
    let About::Person(subject) = about else { return Ok(Vec::new()) };
    let of = (secret, &job.org);
    let file = job.file.as_ref().map(|file| file.name.as_str());
    let file = file.filter(|name| others_left_out(subject, secret, &job.org, name).is_some());
    let mut numbers = Vec::new();
    for piece in app.jobs.pieces(shard).await? {
        let own = piece.rows.iter().filter(|row| is_about(row, job, secret, about, None));
        numbers.extend(own.map(|row| row.number));
    }
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let view = app.jobs.shard(shard).await?;
    let now = app.clock.now().as_second();
    let columns = match job.shows_columns() {
        true => app.jobs.columns(job.job_id, now).await?.unwrap_or_default(),
        false => Vec::new(),
    };
    let mut found = Vec::with_capacity(numbers.len());
    for number in numbers {
        let Some(row) = view.rows.get(&number) else { continue };
        let sent = serde_json::to_string(row).map_err(JobError::broken)?;
        // A column's first values may be of other people: those that the row has too are the person's.
        let own =
            |value: &String| serde_json::to_string(value).is_ok_and(|text| sent.contains(&text));
        let column_values = columns.iter().flat_map(|column| {
            let values = column.values.iter().filter(|value| own(value));
            values.map(|value| serde_json::json!({ "column": column.name, "value": value }))
        });
        // A row that was issued after all keeps the fault of its earlier attempts.
        let failed = view.shard.status(number) == RowStatus::Failed;
        let failure = view.failures.get(&number).filter(|_| failed);
        let faults = failure.map(|failure| failure.faults.as_slice());
        let held = HeldRow {
            row: own_row(row, subject, of),
            status: view.shard.status(number),
            credential_id: match view.shard.status(number) {
                RowStatus::Issued => view.credential_of(number, secret, job),
                RowStatus::Failed | RowStatus::Pending => None,
            },
            faults: own_faults(faults.unwrap_or_default(), subject, of),
            changes: view.changes.get(&number).map(|changes| own_changes(changes)),
            holds: view.holds.get(&number),
            column_values: column_values.collect(),
            file,
        };
        found.push(held.answer(job));
    }
    Ok(found)
}

/// Makes the archive.
async fn write(
    work: &mut Work<'_>,
    secret: &IdSecret,
    subject: &Subject,
    archive: Archive,
) -> Result<Step, JobError> {
    let app = work.app;
    let organization = app.catalog.organization(&work.job.org).await?;
    let mut data = PersonalData {
        made_at: time::seconds(app.clock.now()),
        organization: work.job.org.to_string(),
        organization_name: organization.settings.name.clone(),
        ..PersonalData::default()
    };
    catalog(work, secret, subject, &mut data).await?;
    for mode in [Mode::Live, Mode::Test] {
        credentials(work, secret, (mode, subject.key(mode)), &mut data).await?;
    }
    for piece in &work.order.pieces {
        let bytes = app.files()?.get(&piece_key(work.job, piece)).await?;
        let found: FoundRows = serde_json::from_slice(&bytes).map_err(JobError::broken)?;
        data.job_rows.extend(found.rows);
        data.refused_lines.extend(found.refused_lines);
    }
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    work.order.done.credentials = count(data.credentials.len());
    work.order.done.members = u32::from(data.member.is_some());
    let files = data.files().map_err(JobError::broken)?;
    work.order.done.files = count(files.len());
    let zip = archive(&files).map_err(|error| JobError::broken(error.to_string()))?;
    let mut writer = app.files()?.writer(archive_key(work.job), "application/zip");
    writer.write(&zip).await?;
    writer.finish().await?;
    Ok(Step::Next)
}

/// Finds the member and the suppressions of the address, which the job does not have: it looks through
/// all of them.
async fn catalog(
    work: &Work<'_>,
    secret: &IdSecret,
    subject: &Subject,
    data: &mut PersonalData,
) -> Result<(), JobError> {
    let (app, org) = (work.app, &work.job.org);
    let mut after = None;
    loop {
        let page = app.catalog.members(org, after.as_deref(), ENTRIES_A_PAGE).await?;
        let own = page.items.iter().find(|member| subject.is(secret, org, &member.email));
        data.member = data.member.take().or_else(|| own.map(|member| member.answer()));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    for mode in [Mode::Live, Mode::Test] {
        let tenant = Tenant { org, mode };
        let mut after = None;
        loop {
            let page = app.catalog.suppressions(tenant, after.as_deref(), ENTRIES_A_PAGE).await?;
            for entry in page.items.iter().filter(|e| subject.is(secret, org, &e.email)) {
                let mut shown = entry.answer();
                if let Some(members) = shown.as_object_mut() {
                    members.insert("mode".to_owned(), mode.as_str().into());
                }
                data.suppressions.push(shown);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        if let Some(erased) = app.catalog.erased_address(org, subject.key(mode)).await? {
            data.suppressions.push(serde_json::json!({
                "mode": mode, "reason": "erased", "since": erased.since,
            }));
        }
    }
    Ok(())
}

/// Reads the credentials of the address in a mode, and versions of others that had it.
async fn credentials(
    work: &Work<'_>,
    secret: &IdSecret,
    (mode, key): (Mode, &str),
    data: &mut PersonalData,
) -> Result<(), JobError> {
    let app = work.app;
    let mut after = None;
    loop {
        let page = app.credentials.all_of_address(key, after.as_deref()).await?;
        let ids: Vec<CredentialId> =
            page.items.iter().filter_map(|id| CredentialId::parse(id).ok()).collect();
        for credential in ledger::overlay(app, app.credentials.get_all(&ids).await?).await? {
            one(work, secret, key, &credential, data).await?;
        }
        let events = page.items.iter().filter(|id| CredentialId::parse(id).is_err());
        for event in events {
            let mut parts = event.split('#').skip(1);
            let id = parts.next().and_then(|id| CredentialId::parse(id).ok());
            let Some(id) = id else { continue };
            let Some(credential) = app.credentials.get(id).await? else { continue };
            former(work, secret, (mode, key), &credential, data).await?;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Adds a credential, its history and its signed versions.
async fn one(
    work: &Work<'_>,
    secret: &IdSecret,
    key: &str,
    credential: &CurrentCredential,
    data: &mut PersonalData,
) -> Result<(), StoreError> {
    let app = work.app;
    let owner = (&credential.org, credential.mode);
    let mut history = Vec::new();
    for event in app.status_lists.history(credential.id, credential.revision).await? {
        let own = replaced_of(&event, secret, owner, key);
        history.push(event_of(&event, own));
        if let Some(replaced) = event.replaced.as_ref().filter(|_| own && !event.unsigned)
            && let Some(document) = app.status_lists.document(&replaced.signed).await?
        {
            let name = document_name(credential.id, Some(replaced.version));
            data.documents.push((name, document));
        }
    }
    let mail = match credential.mode {
        Mode::Test => app.credentials.test_mail(credential.id, app.clock.now().as_second()).await?,
        Mode::Live => None,
    };
    let mail = mail.and_then(|mail| serde_json::to_value(mail).ok());
    let site_url = &app.config.site_url;
    data.credentials.push(credential_of(credential, (site_url, history), mail));
    if let Some(document) = app.status_lists.document(&credential.signed).await? {
        data.documents.push((document_name(credential.id, None), document));
    }
    Ok(())
}

/// Adds the versions of a credential that had the address, if it is another person's by now.
async fn former(
    work: &Work<'_>,
    secret: &IdSecret,
    (mode, key): (Mode, &str),
    credential: &Credential,
    data: &mut PersonalData,
) -> Result<(), StoreError> {
    let app = work.app;
    let org = &credential.org;
    let current = &credential.recipient.email;
    if crate::domain::identity::email_key(secret, org, mode, current) == key {
        return Ok(());
    }
    for event in app.status_lists.history(credential.id, credential.revision).await? {
        let Some(replaced) =
            event.replaced.as_ref().filter(|_| replaced_of(&event, secret, (org, mode), key))
        else {
            continue;
        };
        let name = document_name(credential.id, Some(replaced.version));
        if !event.unsigned && data.documents.iter().any(|(known, _)| *known == name) {
            continue;
        }
        data.former_versions.push(serde_json::json!({
            "credential_id": credential.id, "mode": mode, "version": replaced.version,
            "replaced_at": event.at, "recipient": replaced.recipient,
        }));
        if let Some(document) = app.status_lists.document(&replaced.signed).await?
            && !event.unsigned
        {
            data.documents.push((name, document));
        }
    }
    Ok(())
}
