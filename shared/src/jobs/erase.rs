//! The parts of an erasure, one after the other.
//!
//! First the erasure is noted in the bucket, apart from the tables, so that a restore of these can
//! repeat it. Then the credentials, what 90 days of jobs have, and the catalog: a job that has not
//! ended is left, and the walk comes back to it. At the end the credentials again, for those that
//! such a job issued meanwhile, and the latest jobs, which an index may not have shown yet.
//!
//! Safe to repeat: each part finds what an earlier attempt did.

use jiff::{SignedDuration, Timestamp};

use crate::{
    aws::s3::FileError,
    credentials::erase::{self, EraseOutcome, EraseRequest},
    domain::{
        email::EmailAddress,
        erasure::{About, Part, PrivacyAction, PrivacyOrder, REMEMBERED, Subject, Why},
        history::Who,
        identity::{self, IdSecret},
        ids::{CredentialId, Mode, OrgId},
        job::Job,
        tenant::Tenant,
        time,
    },
    jobs::{
        JobError, dead_letters,
        erase_rows::{self, Walked},
        private_work::{Step, Work},
        replay::{Note, notes_of},
    },
    store::StoreError,
};

/// Far more than an index lags behind its table.
const INDEX_LAG: SignedDuration = SignedDuration::from_hours(1);
/// Jobs of a page of the walk.
const JOBS_A_PAGE: usize = 10;
/// Entries of a page of members and suppressions.
const ENTRIES_A_PAGE: usize = 1_000;
/// Open jobs that a walk remembers; it waits when there are more.
const OPEN_JOBS: usize = 500;

/// Does the part that is next, or as much of it as there is time for.
///
/// # Errors
/// [`JobError`]; the part can be repeated.
pub(super) async fn step(work: &mut Work<'_>) -> Result<Step, JobError> {
    let secret = work.app.catalog.id_secret(&work.job.org).await?;
    let step = match work.order.walk.part {
        Part::Noted => {
            suppress(work).await?;
            note_in_bucket(work).await?
        }
        Part::Catalog => catalog(work, &secret).await?,
        Part::Credentials => credentials(work, &secret).await?,
        Part::Jobs => jobs(work, &secret, Mode::Live).await?,
        Part::TestJobs => jobs(work, &secret, Mode::Test).await?,
        Part::Late => {
            if let About::Person(subject) = work.order.about.clone() {
                let deleted = dead_letters::delete(work, &secret, &subject).await?;
                work.order.done.dead_letters += deleted;
            }
            let late = late_jobs(work, &secret).await?;
            match credentials(work, &secret).await? {
                Step::Next => late,
                Step::Later => Step::Later,
            }
        }
        Part::Done => Step::Next,
    };
    if step == Step::Next {
        work.order.walk.part = work.order.walk.part.next();
        work.order.walk.after = None;
        if work.order.walk.part == Part::Done {
            work.order.people.clear();
        }
    }
    Ok(step)
}

/// Notes the erasure apart from the tables: keyed hashes and ids, nothing about the person. One that
/// is repeated has its note.
async fn note_in_bucket(work: &Work<'_>) -> Result<Step, JobError> {
    if work.order.replayed {
        return Ok(Step::Next);
    }
    let note = Note::of(work);
    let bytes = serde_json::to_vec(&note).map_err(JobError::broken)?;
    let key = format!("{}{}.json", notes_of(&work.job.org), work.job.job_id);
    let mut writer = work.app.files()?.writer(key, "application/json");
    writer.write(&bytes).await?;
    writer.finish().await?;
    Ok(Step::Next)
}

/// Whether an address is the subject's, in either mode.
fn is_of(secret: &IdSecret, org: &OrgId, subject: &Subject, email: &EmailAddress) -> bool {
    identity::email_key(secret, org, Mode::Live, email) == subject.live
}

/// Suppresses the hash of the address: it gets no mail from now on.
async fn suppress(work: &Work<'_>) -> Result<(), JobError> {
    let About::Person(subject) = &work.order.about else { return Ok(()) };
    let since = work.order.first_asked().unwrap_or_else(|| work.app.clock.now());
    let keys = [Mode::Live, Mode::Test].map(|mode| subject.key(mode));
    work.app.catalog.put_erased_address(&work.job.org, keys, &time::seconds(since)).await?;
    Ok(())
}

/// Deletes the member and the suppressions of the address. The job has no address: it looks through
/// all of them. After the jobs, since a dry run noted the name that the profile had.
async fn catalog(work: &mut Work<'_>, secret: &IdSecret) -> Result<Step, JobError> {
    let About::Person(subject) = work.order.about.clone() else { return Ok(Step::Next) };
    let (app, org) = (work.app, &work.job.org);
    let tenants = [Mode::Live, Mode::Test].map(|mode| Tenant { org, mode });
    let mut after = None;
    loop {
        let page = app.catalog.members(org, after.as_deref(), ENTRIES_A_PAGE).await?;
        for member in page.items {
            let is_of = is_of(secret, org, &subject, &member.email);
            if !is_of || work.order.leaves(&member.updated_at) {
                continue;
            }
            let deleted = app.catalog.forget_address(tenants, &member.email).await?;
            work.order.done.members += u32::from(deleted);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    for tenant in tenants {
        let mut after = None;
        loop {
            let page = app.catalog.suppressions(tenant, after.as_deref(), ENTRIES_A_PAGE).await?;
            for entry in page.items.iter().filter(|e| is_of(secret, org, &subject, &e.email)) {
                app.catalog.unsuppress(tenant, &entry.email).await?;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    Ok(Step::Next)
}

/// Erases the credentials, and takes the address out of the histories of those that had it once.
async fn credentials(work: &mut Work<'_>, secret: &IdSecret) -> Result<Step, JobError> {
    let mut step = Step::Next;
    match work.order.about.clone() {
        About::Ended(_) | About::Since(_) => {}
        About::Credential(id) => {
            if work.order.people.is_empty() {
                work.order.people = people_of(work, secret, id).await?;
                // Its tombstone tells nobody whose it was.
                work.note().await?;
            }
            if erase_one(work, work.job.mode, id, None, None).await? == EraseOutcome::MailInProgress
            {
                step = Step::Later;
            }
        }
        About::Person(subject) => {
            for mode in [Mode::Live, Mode::Test] {
                let mut after = None;
                loop {
                    let key = subject.key(mode);
                    let page = work.app.credentials.all_of_address(key, after.as_deref()).await?;
                    for id in &page.items {
                        match CredentialId::parse(id) {
                            Ok(id) => {
                                let person = Some((secret, key));
                                let outcome = erase_one(work, mode, id, person, None).await?;
                                if outcome == EraseOutcome::MailInProgress {
                                    step = Step::Later;
                                }
                            }
                            Err(_) => work.app.status_lists.forget_event(id).await?,
                        }
                    }
                    match page.next {
                        Some(next) => after = Some(next),
                        None => break,
                    }
                }
            }
        }
    }
    Ok(step)
}

/// Whose a credential is, and was before corrections.
async fn people_of(
    work: &Work<'_>,
    secret: &IdSecret,
    id: CredentialId,
) -> Result<Vec<Subject>, StoreError> {
    let app = work.app;
    let tenant = Tenant { org: &work.job.org, mode: work.job.mode };
    let found = app.credentials.get(id).await?;
    let Some(credential) = found.filter(|found| tenant.owns(&found.org, found.mode)) else {
        return Ok(Vec::new());
    };
    let history = app.status_lists.history(id, credential.revision).await?;
    let former = history.into_iter().filter_map(|event| Some(event.replaced?.recipient.email));
    let mut people: Vec<Subject> = Vec::new();
    for email in former.chain([credential.recipient.email.clone()]) {
        let subject = Subject::of(secret, &work.job.org, &email);
        if !people.contains(&subject) {
            people.push(subject);
        }
    }
    Ok(people)
}

pub(super) async fn erase_one(
    work: &mut Work<'_>,
    mode: Mode,
    id: CredentialId,
    person: Option<(&IdSecret, &str)>,
    judged: Option<u32>,
) -> Result<EraseOutcome, StoreError> {
    let order = &work.order;
    let request = EraseRequest {
        tenant: Tenant { org: &work.job.org, mode },
        keep_valid: order.keep_valid,
        by: Who {
            key_id: order.key_id.clone(),
            key_name: order.key_name.clone(),
            job_id: Some(work.job.job_id),
            row: None,
        },
        job: work.job.job_id,
        why: match order.action {
            PrivacyAction::Erase => Why::Request,
            PrivacyAction::Retain | PrivacyAction::Replay | PrivacyAction::Export => Why::Retention,
        },
        person,
        before: order.before.as_deref().and_then(|before| before.parse().ok()),
        judged,
        at: order.first_asked(),
    };
    let outcome = erase::erase(work.app, &request, id, work.app.clock.now()).await?;
    let erased = &mut work.order.erased;
    if outcome == EraseOutcome::Erased && erased.len() < REMEMBERED {
        erased.push(id);
    }
    work.order.done.credentials += u32::from(outcome == EraseOutcome::Erased);
    Ok(outcome)
}

/// Walks the jobs of a mode, newest first; then those again that had not ended.
async fn jobs(work: &mut Work<'_>, secret: &IdSecret, mode: Mode) -> Result<Step, JobError> {
    if matches!(work.order.about, About::Credential(_)) && work.job.mode != mode {
        return Ok(Step::Next);
    }
    const ALL: &str = "-";
    while work.order.walk.after.as_deref() != Some(ALL) {
        if work.order.walk.open.len() >= OPEN_JOBS {
            again(work, secret).await?;
            if work.order.walk.open.len() >= OPEN_JOBS {
                return Ok(Step::Later);
            }
        }
        let before = work.order.walk.after.clone();
        let page = work.app.jobs.list(&work.job.org, mode, before.as_deref(), JOBS_A_PAGE).await?;
        for job in &page.items {
            if takes(&work.order, job) {
                walk(work, secret, job).await?;
            }
        }
        work.order.walk.after = Some(page.next.unwrap_or_else(|| ALL.to_owned()));
        work.note().await?;
        if !work.has_time() {
            return Ok(Step::Later);
        }
    }
    again(work, secret).await?;
    Ok(if work.order.walk.open.is_empty() { Step::Next } else { Step::Later })
}

/// Walks the jobs again that had not ended.
async fn again(work: &mut Work<'_>, secret: &IdSecret) -> Result<(), JobError> {
    for id in std::mem::take(&mut work.order.walk.open) {
        if let Some(job) = work.app.jobs.get(id).await? {
            walk(work, secret, &job).await?;
        }
    }
    Ok(())
}

/// Looks through the jobs of the last hour again: the index by which the walk found them may not have shown the newest
/// yet, and archives of the person were made while the erasure was under way.
async fn late_jobs(work: &mut Work<'_>, secret: &IdSecret) -> Result<Step, JobError> {
    let since = work.job.created_at.parse::<Timestamp>().map_err(JobError::broken)? - INDEX_LAG;
    let since = time::millis(since);
    let mut step = Step::Next;
    for mode in [Mode::Live, Mode::Test] {
        let mut before = None;
        loop {
            let org = &work.job.org;
            let page = work.app.jobs.list(org, mode, before.as_deref(), JOBS_A_PAGE).await?;
            let late = |job: &&Job| job.created_at >= since;
            let seen_all = page.items.iter().any(|job| !late(&job));
            for job in page.items.iter().filter(late) {
                if !takes(&work.order, job) {
                    continue;
                }
                let (order, by) = (&work.order, work.job.job_id);
                let walked = erase_rows::erase(work.app, job, secret, order, by).await;
                let walked = unless_gone(walked)?;
                if walked.open {
                    step = Step::Later;
                }
                work.order.done.rows += walked.rows;
                work.order.done.files += u32::from(walked.files);
            }
            match page.next {
                Some(next) if !seen_all => before = Some(next),
                _ => break,
            }
        }
    }
    Ok(step)
}

/// Whether the erasure takes a job: one that was accepted before it was asked for, and an archive that was made
/// meanwhile, which has what is erased.
fn takes(order: &PrivacyOrder, job: &Job) -> bool {
    !order.leaves(&job.created_at) || (job.is_export() && !order.replayed)
}

/// What was done to a job whose file was replaced, or is gone: nothing.
fn unless_gone(walked: Result<Walked, JobError>) -> Result<Walked, JobError> {
    match walked {
        Err(JobError::File(FileError::Gone)) => Ok(Walked::default()),
        other => other,
    }
}

async fn walk(work: &mut Work<'_>, secret: &IdSecret, job: &Job) -> Result<(), JobError> {
    let walked = erase_rows::erase(work.app, job, secret, &work.order, work.job.job_id).await;
    let walked = unless_gone(walked)?;
    if walked.open {
        work.order.walk.open.push(job.job_id);
        return Ok(());
    }
    work.order.done.jobs += 1;
    work.order.done.rows += walked.rows;
    work.order.done.files += u32::from(walked.files);
    Ok(())
}
