//! Accepts a job that revokes: the credentials of a list, or those that a job issued.
//!
//! Safe to repeat: see [`super::accept`]; a credential that is revoked stays revoked.

use jiff::Timestamp;

use crate::{
    app::App,
    domain::{
        fault::Fault,
        ids::{CredentialId, JobId},
        job::{Job, JobKind, NewJob, Revocation, Row},
        lang::Lang,
        review::Warnings,
        tenant::Tenant,
    },
    jobs::accept::{self, AcceptError, Accepted},
    store::StoreError,
};

/// The credentials to revoke.
#[derive(Debug)]
pub enum Which {
    /// Those that a job issued; duplicates of earlier ones and corrected ones excepted.
    Job(JobId),
    /// These ids, as they were sent.
    Ids(Vec<String>),
}

/// A request to revoke as a job.
#[derive(Debug)]
pub struct RevokeRequest<'a> {
    /// The requester's organization and mode.
    pub tenant: Tenant<'a>,
    /// The credentials.
    pub which: Which,
    /// Reason and requester.
    pub revocation: Revocation,
    /// Id of the job; the same in each attempt of one request.
    pub job_id: JobId,
    /// When the first attempt began, RFC 3339 to the millisecond.
    pub begun_at: String,
    /// Language of error texts.
    pub lang: Lang,
}

/// The reason why a job that revokes is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The tenant has no such job that issues.
    #[error("no such job")]
    UnknownJob,
    /// The job has not ended.
    #[error("the job has not ended")]
    JobRunning,
    /// The job issued no credential.
    #[error("the job issued no credential")]
    NothingIssued,
    /// The job is not accepted.
    #[error(transparent)]
    Accept(#[from] AcceptError),
}

impl From<StoreError> for RevokeError {
    fn from(error: StoreError) -> Self {
        Self::Accept(error.into())
    }
}

/// Accepts a job that revokes.
///
/// # Errors
/// [`RevokeError`].
pub async fn accept(
    app: &App,
    request: RevokeRequest<'_>,
    now: Timestamp,
) -> Result<Accepted, RevokeError> {
    let RevokeRequest { tenant, which, revocation, job_id, begun_at, lang } = request;
    let rows = match which {
        Which::Job(id) => rows_of_job(app, tenant, id).await?,
        Which::Ids(ids) => rows_of_ids(&ids, lang),
    };
    let organization = app.catalog.organization(tenant.org).await?;
    let new = NewJob {
        job_id,
        org: tenant.org.clone(),
        mode: tenant.mode,
        kind: JobKind::Revoke(revocation),
        total: u32::try_from(rows.len()).unwrap_or(u32::MAX),
        shard_rows: app.shard_rows,
        begun_at,
        lang,
        file: None,
        warnings: Warnings::default(),
        retention: organization.settings.retention,
    };
    Ok(accept::start_job(app, Job::new(new, now), rows).await?)
}

fn rows_of_ids(ids: &[String], lang: Lang) -> Vec<Row> {
    (1_u32..)
        .zip(ids)
        .map(|(number, id)| {
            let revoke = CredentialId::parse(id).ok();
            let faults = match revoke {
                Some(_) => Vec::new(),
                None => vec![Fault::UnknownCredential.in_language(lang)],
            };
            Row {
                number,
                line: None,
                email: String::new(),
                external_id: None,
                recipient: None,
                revoke,
                faults,
                named: None,
                repeated_by: None,
            }
        })
        .collect()
}

/// Reads the credentials that a job issued. Duplicates and corrected ones belong to other
/// requests and are left out.
async fn rows_of_job(app: &App, tenant: Tenant<'_>, id: JobId) -> Result<Vec<Row>, RevokeError> {
    let job = app.jobs.get(id).await?.ok_or(RevokeError::UnknownJob)?;
    let issues = job.revocation.is_none() && job.privacy.is_none();
    if !tenant.owns(&job.org, job.mode) || !issues {
        return Err(RevokeError::UnknownJob);
    }
    if job.closed_at.is_none() {
        return Err(RevokeError::JobRunning);
    }
    let secret = app.catalog.id_secret(&job.org).await?;
    let mut rows = Vec::new();
    let mut number = 1;
    for shard in 0..job.shards() {
        let view = app.jobs.shard(job.shard_id(shard)).await?;
        for (row, input) in &view.rows {
            let id = view.credential_of(*row, &secret, &job);
            let Some(id) = id.filter(|_| view.issued(*row)) else {
                continue;
            };
            rows.push(Row {
                number,
                line: None,
                email: input.email.clone(),
                external_id: input.external_id.clone(),
                recipient: None,
                revoke: Some(id),
                faults: Vec::new(),
                named: None,
                repeated_by: None,
            });
            number += 1;
        }
    }
    if rows.is_empty() {
        return Err(RevokeError::NothingIssued);
    }
    Ok(rows)
}
