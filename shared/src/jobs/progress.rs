//! Following jobs: status, list, results. Whoever first sees that a job has ended closes
//! it; closing is a conditional, repeatable update.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderValue, Response, header};
use jiff::Timestamp;
use lambda_http::Body;
use serde_json::Value;

use crate::{
    api::auth,
    app::App,
    aws::sqs::{self, FileTask, Outgoing},
    domain::{
        api_key::Scope,
        credential::Credential,
        identity::IdSecret,
        ids::{CredentialId, JobId},
        job::{Job, RowError, RowStatus, SHOWN_ERRORS, Tally},
        time,
    },
    http::{
        problem::Problem,
        serve::{Call, List, MAX_PAGE_BYTES, ok},
    },
    sheet::cells::guarded,
    store::{StoreError, jobs::ShardView},
};

/// Scopes that may follow jobs: who issues must be able to poll.
const MAY_FOLLOW: &[Scope] = &[Scope::Read, Scope::Issue];
/// Open shards up to which totals are read on every look: one call.
const CHEAP_SHARDS: u32 = 4;
/// Shards that one page of results looks at: a bound for filters that find little.
const SHARDS_A_PAGE: u32 = 20;

fn unknown_job() -> Problem {
    Problem::not_found("El trabajo no existe", "The job does not exist")
}

/// `GET /jobs/{job_id}`.
///
/// # Errors
/// The documented problems.
pub async fn status(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let job = own_job(app, call, MAY_FOLLOW).await?;
    let job = refresh(app, job, call.now).await?;
    let mut errors = Vec::new();
    if job.closed_at.is_some() {
        for failure in app.jobs.failures(&job, SHOWN_ERRORS).await? {
            errors.push(RowError {
                row: failure.row,
                email: failure.email,
                error: failure
                    .faults
                    .iter()
                    .map(|f| f.text.as_str())
                    .collect::<Vec<_>>()
                    .join("; "),
                code: failure.faults.first().map_or(String::new(), |f| f.code.clone()),
            });
        }
    }
    let mut response = ok(&job.answer(&errors, call.now))?;
    if job.closed_at.is_none() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    Ok(response)
}

/// `GET /jobs`: newest first.
///
/// # Errors
/// The documented problems.
pub async fn list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let cursor = call.cursor(time::is_sort_key)?;
    let caller = auth::authenticate(app, call, MAY_FOLLOW).await?;
    let page = app.jobs.list(&caller.org, caller.mode, cursor, limit).await?;
    let jobs: Vec<Job> = stream::iter(page.items)
        .map(|job| refresh(app, job, call.now))
        .buffered(8)
        .try_collect()
        .await?;
    let items = jobs.iter().map(|job| summary(job, call.now)).collect();
    ok(&List { items, next_cursor: page.next })
}

/// A job in a list: its status without the errors.
fn summary(job: &Job, now: Timestamp) -> Value {
    let mut answer = job.answer(&[], now);
    if let Some(result) = answer.get_mut("result").and_then(Value::as_object_mut) {
        result.remove("errors");
        result.remove("errors_truncated");
    }
    answer
}

/// The job that the path names, if it is the caller's own in its own mode.
///
/// # Errors
/// `not_found` and those of authentication.
pub async fn own_job(app: &App, call: &Call, any_of: &[Scope]) -> Result<Job, Problem> {
    let caller = auth::authenticate(app, call, any_of).await?;
    let id = JobId::parse(&call.parameter).map_err(|_| unknown_job())?;
    let job = app.jobs.get(id).await?.ok_or_else(unknown_job)?;
    if job.org != caller.org || job.mode != caller.mode {
        return Err(unknown_job());
    }
    Ok(job)
}

/// Brings a job's totals up to date, at most every max([`App::totals_serve`], shards / 50 s), and
/// closes it when they say so.
///
/// # Errors
/// As of the store.
pub async fn refresh(app: &App, job: Job, now: Timestamp) -> Result<Job, StoreError> {
    let age = time::elapsed(&job.tally_at, now);
    let fresh =
        job.shards() > CHEAP_SHARDS && age < app.totals_serve.max(i64::from(job.shards() / 50));
    // A job that nobody has counted yet is counted at once.
    if job.closed_at.is_some() || (fresh && job.tally_at != job.created_at) {
        return Ok(job);
    }
    let tally = app.jobs.tally(&job).await?;
    if tally == job.tally && job.shards() <= CHEAP_SHARDS {
        return Ok(job);
    }
    let id = job.job_id;
    match keep(app, &job, &tally, now).await? {
        Some(job) => Ok(job),
        // Somebody else has just closed it.
        None => app.jobs.get(id).await?.ok_or(StoreError::Conflict),
    }
}

/// Keeps a job's totals, and closes it when they say that it has ended; then the results of
/// its file are asked for. Repeatable: the sweeper asks again.
///
/// # Errors
/// As of the store.
pub async fn keep(
    app: &App,
    job: &Job,
    tally: &Tally,
    now: Timestamp,
) -> Result<Option<Job>, StoreError> {
    let kept = app.jobs.save_totals(job, tally, &time::millis(now)).await?;
    if let Some(job) = kept.as_ref().filter(|job| job.owes_results()) {
        order(app, job, &FileTask::Results { job_id: job.job_id }).await;
    }
    Ok(kept)
}

/// Asks the function `uploads` for work on a job's file. Should its queue be out of reach, the
/// sweeper asks again.
pub async fn order(app: &App, job: &Job, order: &FileTask) {
    let message = match Outgoing::new(order, sqs::job_group(&job.org, job.job_id)) {
        Ok(message) => message,
        Err(error) => return tracing::error!(%error, "file message not written"),
    };
    let sent = sqs::send_all(&app.sqs, &app.config.uploads_queue_url, &[message]).await;
    if let Err(error) = sent.all() {
        tracing::error!(%error, job_id = %job.job_id, "file message not queued");
    }
}

/// `GET /jobs/{job_id}/results`: a row each, filtered by status, as JSON or CSV.
///
/// # Errors
/// The documented problems.
pub async fn results(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let wanted = match call.query("status") {
        None => None,
        Some("issued" | "revoked" | "new" | "duplicate") => Some(RowStatus::Issued),
        Some("failed" | "invalid") => Some(RowStatus::Failed),
        Some("pending") => Some(RowStatus::Pending),
        Some(_) => {
            return Err(Problem::invalid_field(
                "status",
                "value_not_allowed",
                "El parámetro status debe ser issued, failed o pending",
                "The parameter status must be issued, failed or pending",
            ));
        }
    };
    let row = |cursor: &str| cursor.parse().ok().filter(|row: &u32| *row < u32::MAX);
    let after = call.cursor(|cursor| row(cursor).is_some())?.and_then(row).unwrap_or(0);
    let job = own_job(app, call, MAY_FOLLOW).await?;
    let secret = app.catalog.id_secret(&job.org).await?;
    let (mut items, mut bytes) = (Vec::new(), 0);
    let mut next = None;
    let mut row = after.saturating_add(1);
    let mut looked = 0;
    while row <= job.total && next.is_none() {
        let number = job.shard_of(row);
        let view = app.jobs.shard(job.job_id, number).await?;
        looked += 1;
        let last = *job.rows_of(number).end();
        while row <= last {
            if wanted.is_none_or(|wanted| view.shard.status(row) == wanted) {
                let item = result_row(app, &job, &secret, &view, row);
                bytes += item.to_string().len();
                items.push(item);
            }
            row += 1;
            if (items.len() == limit || bytes > MAX_PAGE_BYTES) && row <= job.total {
                next = Some((row - 1).to_string());
                break;
            }
        }
        if looked == SHARDS_A_PAGE && row <= job.total {
            next = Some((row - 1).to_string());
        }
    }
    tell_delivery(app, &mut items).await?;
    if call.header("accept").is_some_and(|accept| accept.contains("text/csv")) {
        return csv_page(&items, next.as_deref());
    }
    ok(&List { items, next_cursor: next })
}

/// Puts what became of mails into the rows that say they were sent: the job knows that SES
/// took them, their credentials know the rest.
async fn tell_delivery(app: &App, items: &mut [Value]) -> Result<(), StoreError> {
    let id_of = |item: &Value| {
        let sent = item.get("email_status").is_some_and(|status| status == "sent");
        let id = item.get("credential_id").filter(|_| sent)?;
        CredentialId::parse(id.as_str()?).ok()
    };
    let ids: Vec<CredentialId> = items.iter().filter_map(id_of).collect();
    let credentials = app.credentials.get_all(&ids).await?;
    let known: HashMap<CredentialId, &'static str> = credentials
        .iter()
        .filter_map(|credential| Some((credential.id, credential.mail_delivery?.as_str())))
        .collect();
    for item in items {
        if let Some(delivery) = id_of(item).and_then(|id| known.get(&id))
            && let Some(status) = item.get_mut("email_status")
        {
            *status = Value::from(*delivery);
        }
    }
    Ok(())
}

/// How a row of a job stands, as its results say it.
pub fn result_row(app: &App, job: &Job, secret: &IdSecret, view: &ShardView, row: u32) -> Value {
    let input = view.rows.get(&row);
    let status = view.shard.status(row);
    let issued = status == RowStatus::Issued;
    let duplicate = view.shard.issue.duplicate.contains(&row);
    let credential = issued.then(|| view.credential_of(row, secret, job)).flatten();
    // In a dry run, a new one is not there yet.
    let there = credential.filter(|_| !job.dry_run || duplicate);
    let failure = view.failures.get(&row).filter(|_| status == RowStatus::Failed);
    let internal = view.shard.issue.internal.contains(&row);
    let mut answer = serde_json::json!({
        "row": row,
        "email": input.map(|input| &input.email),
        "external_id": input.and_then(|input| input.external_id.as_ref()),
        "status": match status {
            RowStatus::Issued if job.revocation.is_some() => "revoked",
            RowStatus::Issued if job.dry_run && duplicate => "duplicate",
            RowStatus::Issued if job.dry_run => "new",
            RowStatus::Issued => "issued",
            RowStatus::Failed if job.dry_run => "invalid",
            RowStatus::Failed => "failed",
            RowStatus::Pending => "pending",
        },
        "credential_id": credential,
        "credential_url": there.map(|id| Credential::url(&app.config.site_url, id)),
        "recipient_type": issued.then_some(if internal { "internal" } else { "external" }),
        "duplicate": issued.then_some(duplicate),
        "email_status": issued.then(|| view.shard.mail(row)),
        "error": failure
            .map(|f| f.faults.iter().map(|f| f.text.as_str()).collect::<Vec<_>>().join("; ")),
    });
    if let Some(members) = answer.as_object_mut() {
        if let Some(line) = input.and_then(|input| input.line) {
            members.insert("line".to_owned(), line.into());
        }
        if job.dry_run {
            let holds = view.holds.get(&row).map_or(&[][..], Vec::as_slice);
            let holds = holds.iter().map(|id| Value::from(id.to_string())).collect();
            members.insert("also_holds".to_owned(), Value::Array(holds));
        }
    }
    answer
}

/// The columns of results as CSV.
const COLUMNS: [&str; 10] = [
    "row",
    "email",
    "external_id",
    "status",
    "credential_id",
    "credential_url",
    "recipient_type",
    "duplicate",
    "email_status",
    "error",
];

/// A page of results as CSV (RFC 4180), its next cursor in a header. Cells that a
/// spreadsheet would run begin with `'`.
fn csv_page(items: &[Value], next: Option<&str>) -> Result<Response<Body>, Problem> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(Problem::internal)?;
    for item in items {
        let cells = COLUMNS.map(|column| match item.get(column) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => guarded(text),
            Some(other) => other.to_string(),
        });
        writer.write_record(&cells).map_err(Problem::internal)?;
    }
    let bytes = writer.into_inner().map_err(|e| Problem::internal(e.to_string()))?;
    let mut response = Response::new(Body::Binary(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Some(next) = next.and_then(|next| HeaderValue::from_str(next).ok()) {
        headers.insert("x-next-cursor", next);
    }
    Ok(response)
}
