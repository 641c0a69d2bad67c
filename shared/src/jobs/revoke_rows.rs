//! The rows of jobs that revoke.
//!
//! Safe to repeat: a credential that is revoked stays so, and its history names the job.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    panic::AssertUnwindSafe,
    time::Instant,
};

use futures::FutureExt;
use jiff::Timestamp;

use crate::{
    app::App,
    credentials::change_status::{self, StatusChange, StatusOutcome},
    domain::{
        credential::Credential,
        fault::Fault,
        history::{Action, Who},
        ids::{CredentialId, JobId},
        tenant::Tenant,
    },
    jobs::{
        messages::RowMessage,
        worked_rows::{ReceivedRow, RowOutcome, WorkedRow},
    },
    store::StoreError,
};

/// The status changes of the credentials of one job's rows.
#[derive(Default)]
struct Revocations {
    outcomes: HashMap<CredentialId, StatusOutcome>,
    /// Credentials found revoked that this job revoked, in an attempt that died before
    /// recording it.
    by_us: HashSet<CredentialId>,
}

/// Revokes the credentials of rows, those of a job together.
pub(super) async fn revoke_rows(
    app: &App,
    rows: Vec<ReceivedRow>,
    now: Timestamp,
    stop: Instant,
) -> Vec<WorkedRow> {
    let mut jobs: BTreeMap<JobId, Vec<ReceivedRow>> = BTreeMap::new();
    for row in rows {
        jobs.entry(row.message.job.job_id).or_default().push(row);
    }
    let mut worked = Vec::new();
    for (job, rows) in jobs {
        let revocations = if Instant::now() < stop {
            let work = AssertUnwindSafe(revoke_together(app, job, &rows, now)).catch_unwind();
            match work.await {
                Ok(Ok(revocations)) => Some(revocations),
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
        for row in rows {
            let outcome = revocations.as_ref().map(|known| revoked_row(&row.message, known));
            worked.push(row.ended(outcome));
        }
    }
    worked
}

/// The outcome of a row that revokes.
fn revoked_row(message: &RowMessage, known: &Revocations) -> RowOutcome {
    let refused = |fault: Fault| RowOutcome::Refused(vec![fault.in_language(message.job.lang)]);
    match message.row.revoke.and_then(|id| known.outcomes.get(&id)) {
        Some(StatusOutcome::Changed(credential)) => {
            RowOutcome::Revoked { credential: credential.clone(), duplicate: false }
        }
        Some(StatusOutcome::Already(credential)) => RowOutcome::Revoked {
            credential: credential.clone(),
            duplicate: !known.by_us.contains(&credential.id),
        },
        Some(StatusOutcome::Unsigned) => refused(Fault::Unsigned),
        Some(StatusOutcome::Unknown | StatusOutcome::Revoked) | None => {
            refused(Fault::UnknownCredential)
        }
    }
}

async fn revoke_together(
    app: &App,
    job: JobId,
    rows: &[ReceivedRow],
    now: Timestamp,
) -> Result<Revocations, StoreError> {
    let ids: Vec<CredentialId> = rows.iter().filter_map(|row| row.message.row.revoke).collect();
    let Some((head, revocation)) =
        rows.first().and_then(|row| Some((&row.message.job, row.message.job.revocation.as_ref()?)))
    else {
        return Ok(Revocations::default());
    };
    let change = StatusChange {
        tenant: Tenant { org: &head.org, mode: head.mode },
        action: Action::Revoke,
        reason: Some(&revocation.reason),
        by: Who {
            key_id: revocation.key_id.clone(),
            key_name: revocation.key_name.clone(),
            job_id: Some(job),
            row: None,
        },
    };
    let outcomes = change_status::change_status(app, &change, &ids, now).await?;
    let already: Vec<&Credential> = outcomes
        .values()
        .filter_map(|outcome| match outcome {
            StatusOutcome::Already(credential) => Some(credential.as_ref()),
            _ => None,
        })
        .collect();
    let by_us = app.status_lists.revoked_by(job, &already).await?;
    Ok(Revocations { outcomes, by_us })
}
