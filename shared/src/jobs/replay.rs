//! A restore of the tables brings back what was erased since: the notes in the bucket, which it does not
//! touch, are applied again. What a person got after their erasure is left.
//!
//! Safe to repeat: a job's id follows from the note and from the job that replays it.

use aws_lc_rs::digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    app::App,
    domain::{
        erasure::{About, Part, PrivacyAction},
        history::Who,
        ids::{JobId, Mode, OrgId},
        lang::Lang,
        tenant::Tenant,
        time,
    },
    jobs::{
        JobError,
        privacy::{self, PrivacyRequest},
        private_work::{Step, Work},
    },
};

/// The author of what the command line begins, in histories.
const OPERATOR: &str = "operator";

/// An erasure, as it is noted apart from the tables.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    v: u32,
    org: OrgId,
    mode: Mode,
    job_id: JobId,
    about: About,
    keep_valid: bool,
    /// When it was asked for, RFC 3339 to the millisecond.
    at: String,
    key_id: String,
    key_name: String,
}

impl Note {
    /// The note of a job.
    pub(super) fn of(work: &Work<'_>) -> Self {
        Self {
            v: 1,
            org: work.job.org.clone(),
            mode: work.job.mode,
            job_id: work.job.job_id,
            about: work.order.about.clone(),
            keep_valid: work.order.keep_valid,
            at: work.job.created_at.clone(),
            key_id: work.order.key_id.clone(),
            key_name: work.order.key_name.clone(),
        }
    }
}

/// Where the notes of an organization are.
pub(super) fn notes_of(org: &OrgId) -> String {
    format!("erasures/{org}/")
}

/// Begins a job that applies the notes of an organization since an instant again. The sweeper queues it
/// within a minute; nothing is sent from here.
///
/// # Errors
/// [`JobError`].
pub async fn begin(app: &App, org: &OrgId, since: &str, now: Timestamp) -> Result<JobId, JobError> {
    let by = Who { key_id: OPERATOR.into(), key_name: OPERATOR.into(), job_id: None, row: None };
    let request = PrivacyRequest {
        tenant: Tenant { org, mode: Mode::Live },
        action: PrivacyAction::Replay,
        about: About::Since(since.to_owned()),
        keep_valid: true,
        replay_of: None,
        reason: None,
        by,
        job_id: JobId::from(Uuid::new_v4()),
        begun_at: time::millis(now),
        lang: Lang::Es,
    };
    privacy::create(app, request, now).await.map(|job| job.job_id)
}

/// Begins the noted erasures again, as far as there is time for.
///
/// # Errors
/// [`JobError`]; the walk goes on from where it was noted.
pub(super) async fn step(work: &mut Work<'_>) -> Result<Step, JobError> {
    let About::Since(since) = work.order.about.clone() else {
        return Err(JobError::broken("a replay of one person"));
    };
    let since: Timestamp = since.parse().map_err(JobError::broken)?;
    let app = work.app;
    let prefix = notes_of(&work.job.org);
    loop {
        let after = work.order.walk.after.clone();
        let keys = app.files()?.list(&prefix, after.as_deref()).await?;
        let Some(last) = keys.last().cloned() else { break };
        for key in &keys {
            let note = app.files()?.read_whole(key).await?;
            let note: Note = serde_json::from_slice(&note).map_err(JobError::broken)?;
            if note.at.parse::<Timestamp>().map_err(JobError::broken)? >= since {
                apply(work, note).await?;
                work.order.done.replayed += 1;
            }
        }
        work.order.walk.after = Some(last);
        work.note().await?;
        if !work.has_time() {
            return Ok(Step::Later);
        }
    }
    work.order.walk.part = Part::Done;
    Ok(Step::Next)
}

async fn apply(work: &Work<'_>, note: Note) -> Result<(), JobError> {
    let hash = format!("{} {}", note.job_id, work.job.job_id);
    let hash = digest::digest(&digest::SHA256, hash.as_bytes());
    let mut id = [0_u8; 16];
    for (to, from) in id.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    let now = work.app.clock.now();
    let request = PrivacyRequest {
        tenant: Tenant { org: &work.job.org, mode: note.mode },
        action: PrivacyAction::Erase,
        about: note.about,
        keep_valid: note.keep_valid,
        replay_of: Some(note.at),
        reason: None,
        by: Who { key_id: note.key_id, key_name: note.key_name, job_id: None, row: None },
        job_id: JobId::from(uuid::Builder::from_custom_bytes(id).into_uuid()),
        begun_at: time::millis(now),
        lang: work.job.lang,
    };
    privacy::accept(work.app, request, now).await.map(drop)
}
