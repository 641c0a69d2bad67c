//! Orders a job's certificates as an archive, for the function `print` to make, and gives links to it.
//!
//! Safe to repeat: while an order is worked on, another one is the same.

use jiff::{Timestamp, ToSpan};
use uuid::Uuid;

use crate::{
    app::App,
    aws::{
        s3::{FileError, PRESIGNED_FOR},
        sqs::{self, Outgoing},
    },
    domain::{
        ids::OrgId,
        job::{Job, JobKind},
        lang::Lang,
        print::{Drawn, FormerPrint, PrintOrder, PrintState},
        time,
    },
    jobs::{
        JobError,
        messages::{PRINT_TASK_VERSION, PrintTask},
    },
    store::{StoreError, prints::PrintKey},
};

/// Attempts at an order whose place others take.
const ROUNDS: u32 = 4;

/// Attempts whose objects are deleted again, should a process that was slow have written one since.
const DISCARDED: usize = 20;

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// The job has not ended.
    #[error("the job has not ended")]
    NotEnded,
    /// The job issues nothing.
    #[error("the job has no certificates")]
    NoCertificates,
    /// A failure of ours.
    #[error(transparent)]
    Job(#[from] JobError),
}

impl From<StoreError> for PrintError {
    fn from(error: StoreError) -> Self {
        Self::Job(error.into())
    }
}

/// The language of a job's certificates, where no other one is asked for: its template's, else its organization's.
///
/// # Errors
/// [`StoreError`].
pub async fn own_language(app: &App, job: &Job) -> Result<Lang, StoreError> {
    let (org, id, version) = (&job.org, job.template_id, job.template_version);
    let template = app.catalog.template_version(org, id, version).await?;
    match template.and_then(|template| template.definition.language) {
        Some(lang) => Ok(lang),
        None => Ok(app.catalog.organization(org).await?.settings.language),
    }
}

/// Orders a job's certificates in a language; `key_id` is the key that asks.
///
/// An order that is worked on is returned as it is. One whose archive is there becomes a new one, which takes the
/// archive over if nothing has changed since.
///
/// # Errors
/// [`PrintError`]. A queue that takes no message is no error: the sweeper queues the order later.
pub async fn order(
    app: &App,
    job: &Job,
    lang: Lang,
    key_id: &str,
    now: Timestamp,
) -> Result<PrintOrder, PrintError> {
    let issues = matches!(job.kind(), JobKind::Issue(_)) && job.failure.is_none();
    if !issues {
        return Err(PrintError::NoCertificates);
    }
    if job.closed_at.is_none() {
        return Err(PrintError::NotEnded);
    }
    let of = (job.job_id, lang);
    for _ in 0..ROUNDS {
        let known = app.jobs.print(of).await?;
        if let Some(open) = known.as_ref().filter(|order| order.print_state == PrintState::Open) {
            enqueue(app, &open.org, of).await;
            return Ok(open.clone());
        }
        let order = new_order(job, lang, key_id, known.as_ref(), now);
        let over = known.map(|known| known.attempt);
        match app.jobs.put_print(&order, over, &time::millis(later(now))).await {
            Ok(()) => {
                enqueue(app, &order.org, of).await;
                return Ok(order);
            }
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict.into())
}

/// When the sweeper looks at an order that nobody has begun to work on.
fn later(now: Timestamp) -> Timestamp {
    now.checked_add(1.minute()).unwrap_or(now)
}

fn new_order(
    job: &Job,
    lang: Lang,
    key_id: &str,
    known: Option<&PrintOrder>,
    now: Timestamp,
) -> PrintOrder {
    let former = known.and_then(|known| {
        let made_at = known.made_at.clone().filter(|_| known.print_state == PrintState::Made)?;
        known.deleted_at().filter(|at| *at > now)?;
        Some(FormerPrint { attempt: known.attempt, drawn: known.drawn.clone(), made_at })
    });
    let mut discarded: Vec<Uuid> = known.map(|known| known.discarded.clone()).unwrap_or_default();
    if former.is_none() {
        discarded.extend(known.map(|known| known.attempt));
    }
    let old = discarded.len().saturating_sub(DISCARDED);
    discarded.drain(..old);
    PrintOrder {
        v: 1,
        job_id: job.job_id,
        org: job.org.clone(),
        mode: job.mode,
        lang,
        attempt: Uuid::new_v4(),
        ordered_at: time::millis(now),
        key_id: key_id.to_owned(),
        rows: job.total,
        print_state: PrintState::Open,
        drawn: Drawn::default(),
        former,
        discarded,
        erasures: known.map_or(0, |known| known.erasures + 1),
        tries: 0,
        reader: None,
        reader_until: None,
        made_at: None,
        ended_at: None,
    }
}

/// Queues work on an order. If the queue is out of reach, the sweeper queues it again.
pub(super) async fn enqueue(app: &App, org: &OrgId, (job_id, lang): PrintKey) {
    let task = PrintTask { v: PRINT_TASK_VERSION, job_id, lang };
    let message = match Outgoing::new(&task, sqs::job_group(org, job_id)) {
        Ok(message) => message,
        Err(error) => return tracing::error!(%error, "print message not written"),
    };
    let sent = sqs::send_all(&app.sqs, &app.config.print_queue_url, &[message]).await;
    if let Err(error) = sent.all() {
        tracing::error!(%error, %job_id, "print message not queued");
    }
}

/// A link to an archive.
#[derive(Clone, Debug)]
pub struct PrintLink {
    /// The URL.
    pub url: String,
    /// When it ends, RFC 3339.
    pub expires_at: String,
    /// What the file is called.
    pub file_name: String,
    /// Its certificates.
    pub certificates: u32,
    /// Its bytes.
    pub bytes: u64,
}

/// Signs links to the archives of an order, [`PRESIGNED_FOR`] each; none before they are there.
///
/// # Errors
/// [`FileError`].
pub async fn links(
    app: &App,
    order: &PrintOrder,
    now: Timestamp,
) -> Result<Vec<PrintLink>, FileError> {
    let mut links = Vec::new();
    let there = order.deleted_at().is_some_and(|at| at > now);
    if order.print_state != PrintState::Made || !there {
        return Ok(links);
    }
    let until = Timestamp::from_second(now.as_second() + PRESIGNED_FOR.as_secs().cast_signed())
        .unwrap_or(now);
    let several = order.drawn.files.len() > 1;
    for (at, file) in order.drawn.files.iter().enumerate() {
        let word = order.lang.pick("certificados", "certificates");
        let file_name = match several {
            true => format!("{word}-{}.zip", at + 1),
            false => format!("{word}.zip"),
        };
        let url = app.files()?.presigned_get(&order.file_key(at + 1), &file_name).await?.url;
        links.push(PrintLink {
            url,
            expires_at: time::seconds(until),
            file_name,
            certificates: file.certificates,
            bytes: file.bytes,
        });
    }
    Ok(links)
}
