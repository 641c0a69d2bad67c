//! The routes of jobs.

use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::Body;
use serde_json::{Value, json};

use crate::{
    api::{
        auth::{self, Caller},
        lists,
    },
    app::App,
    domain::{
        api_key::Scope,
        column_map::ReadColumn,
        fields::FieldError,
        ids::JobId,
        job::Job,
        job_result::{ResultColumn, ResultRow, RowFilter},
        nearest::nearest,
        unseen::visible,
    },
    http::{
        parameters::{FORMAT, STATUS},
        problem::Problem,
        serve::{Call, List, MAX_PAGE_BYTES, json as answer, ok},
    },
    jobs::{
        JobError,
        cancel::{self, CancelError},
        progress,
        results::{self, ResultsQuery},
        results_file::{self, ResultsFileError, ResultsFormat},
        retry::{self, RetryError},
    },
    sheet::guarding::guarded,
};

/// The filter of results for rows whose mail did not arrive.
pub const UNDELIVERED: &str = "undelivered";

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Store(error) => error.into(),
            JobError::Queue(error) => error.into(),
            JobError::Depth(error) => Self::unavailable(error),
            JobError::File(error) => error.into(),
            JobError::Broken(cause) => Self::internal(cause),
        }
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::Ended => Self::conflict("El trabajo ya terminó", "The job has ended"),
            CancelError::Privacy => Self::conflict(
                "Una eliminación no se cancela: lo ya eliminado no vuelve",
                "An erasure is not cancelled: what is erased does not come back",
            ),
            CancelError::Export => Self::conflict(
                "Una entrega de datos no se cancela: solo lee, termina en minutos y su archivo se borra al cumplirse su plazo",
                "An export is not cancelled: it only reads, ends within minutes, and its archive is deleted when its time is over",
            ),
            CancelError::Store(error) => error.into(),
        }
    }
}

impl From<RetryError> for Problem {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::NotEnded => Self::conflict(
                "El trabajo no ha terminado; espera a que termine",
                "The job has not ended; wait for its end",
            ),
            RetryError::FailedAsWhole => Self::conflict(
                "El trabajo falló por completo y no tiene filas que reintentar; corrige el archivo y súbelo de nuevo",
                "The job failed as a whole and has no rows to retry; mend the file and upload it again",
            ),
            RetryError::Job(error) => error.into(),
        }
    }
}

impl From<ResultsFileError> for Problem {
    fn from(error: ResultsFileError) -> Self {
        match error {
            ResultsFileError::None => Self::not_found(
                "Este trabajo no tiene archivo de resultados; sus filas están en /results",
                "This job has no results file; its rows are at /results",
            ),
            ResultsFileError::Deleted => Self::not_found(
                "El archivo de resultados se guarda 7 días tras el fin del trabajo; sus filas están en /results",
                "The results file is kept for 7 days after the job's end; its rows are at /results",
            ),
            ResultsFileError::ExportDeleted => Self::not_found(
                "El archivo ya se eliminó: se guarda 7 días. Pídelo de nuevo con GET /api/v1/people/{email}/export",
                "The archive is deleted: it is kept for 7 days. Ask for another with GET /api/v1/people/{email}/export",
            ),
            ResultsFileError::NotYet => Self::conflict(
                "El archivo de resultados se escribe cuando el trabajo termina; pídelo de nuevo en unos segundos",
                "The results file is written when the job has ended; ask again in some seconds",
            ),
            ResultsFileError::File(error) => error.into(),
        }
    }
}

/// The caller, and the job that the path names, if it is the caller's own in its own mode.
///
/// # Errors
/// `not_found`, those of authentication and of the store.
async fn own_job(app: &App, call: &Call) -> Result<(Caller, Job), Problem> {
    let unknown = || Problem::not_found("El trabajo no existe", "The job does not exist");
    let caller = auth::authenticate(app, call).await?;
    let id = JobId::parse(&call.parameter).map_err(|_| unknown())?;
    let job = app.jobs.get_for(caller.tenant(), id).await?.ok_or_else(unknown)?;
    Ok((caller, job))
}

/// Does as [`own_job`], for a caller who reads about the job.
///
/// # Errors
/// `insufficient_scope` besides.
pub(super) async fn job_to_read(app: &App, call: &Call) -> Result<(Caller, Job), Problem> {
    let (caller, job) = own_job(app, call).await?;
    caller.require_reading_of(job.members.is_some())?;
    Ok((caller, job))
}

/// `GET /jobs`: newest first.
///
/// # Errors
/// `invalid_request` for the cursor or limit, those of authentication and of the store.
pub async fn list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let caller = auth::authenticate(app, call).await?;
    let before = lists::position(app, call, &caller).await?;
    let page = app.jobs.list(&caller.org, caller.mode, before.as_deref(), limit).await?;
    let page = progress::refresh_page(app, page, call.now).await?;
    let read = page.items.iter().filter(|job| caller.reads_of(job.members.is_some()));
    let items = read.map(|job| job.summary(call.now)).collect();
    lists::page(app, call, &caller, items, page.next).await
}

/// `GET /jobs/{job_id}`.
///
/// # Errors
/// `not_found`, those of authentication and of the store.
pub async fn status(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (_, job) = job_to_read(app, call).await?;
    let (job, named) = progress::status(app, job, call.now).await?;
    let mut answer = job.answer(&named.errors, &named.alike, call.now);
    if job.shows_columns()
        && let Some(columns) = app.jobs.columns(job.job_id, call.now.as_second()).await?
        && let Some(members) = answer.as_object_mut()
    {
        members.insert("columns".into(), columns.iter().map(ReadColumn::answer).collect());
    }
    let mut response = ok(&answer)?;
    if job.closed_at.is_none() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    Ok(response)
}

/// `GET /jobs/{job_id}/results`: a row each, filtered by status, as JSON or CSV.
///
/// # Errors
/// `invalid_request` for a parameter, `not_found`, those of authentication and of the store.
pub async fn results(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let limit = call.limit()?;
    let wanted = call.query(STATUS);
    let undelivered = wanted == Some(UNDELIVERED);
    let filter = wanted.filter(|_| !undelivered);
    let filter = match filter.map(|word| (word, RowFilter::of_word(word))) {
        None => None,
        Some((_, Some(filter))) => Some(filter),
        Some((word, None)) => {
            let fault = FieldError::new(
                "status",
                "value_not_allowed",
                "El parámetro status debe ser issued, failed, pending o undelivered",
                "The parameter status must be issued, failed, pending or undelivered",
            );
            let near = nearest(word, RowFilter::WORDS.into_iter().chain([UNDELIVERED]));
            return Err(Problem::invalid_request(vec![fault.hint(near)]));
        }
    };
    let (caller, job) = job_to_read(app, call).await?;
    let after = match lists::position(app, call, &caller).await? {
        None => 0,
        Some(row) => row.parse().map_err(|_| Problem::invalid_cursor())?,
    };
    let (max_bytes, private) = (MAX_PAGE_BYTES, caller.reads());
    let query = ResultsQuery { filter, undelivered, after, limit, max_bytes, private };
    let page = results::page(app, &job, query).await?;
    let next = page.next.map(|row| row.to_string());
    let next = lists::cursor(app, call, &caller, next).await?;
    if call.header("accept").is_some_and(|accept| accept.contains("text/csv")) {
        return csv_page(&page.rows, job.file.is_some(), next.as_deref());
    }
    let items = page.rows.iter().map(ResultRow::answer).collect();
    ok(&List { items, next_cursor: next })
}

/// A page of results as CSV (RFC 4180), its next cursor in a header. Cells that a spreadsheet
/// would run begin with `'`.
fn csv_page(
    rows: &[ResultRow],
    of_file: bool,
    next: Option<&str>,
) -> Result<Response<Body>, Problem> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer
        .write_record(ResultColumn::of_page(of_file).map(ResultColumn::name))
        .map_err(Problem::internal)?;
    for row in rows {
        let cells = ResultColumn::of_page(of_file).map(|column| match row.value(column) {
            Value::Null => String::new(),
            Value::String(text) if column == ResultColumn::Error => {
                guarded(&visible(&text)).into_owned()
            }
            Value::String(text) => guarded(&text).into_owned(),
            other => other.to_string(),
        });
        writer.write_record(cells.collect::<Vec<_>>()).map_err(Problem::internal)?;
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

/// `GET /jobs/{job_id}/results/file`: a URL that serves the results file for 15 minutes.
///
/// # Errors
/// `not_found` without a file, `conflict` before it is written, `insufficient_scope` for the archive of an
/// export without `manage`, those of authentication and of
/// the store.
pub async fn results_file(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (caller, job) = job_to_read(app, call).await?;
    // Who follows jobs does not see by that everything about a person.
    if job.is_export() && !caller.scopes.contains(&Scope::Manage) {
        return Err(Problem::insufficient_scope(Scope::Manage.as_str()));
    }
    let format = match call.query.first(FORMAT.name).unwrap_or("csv") {
        "csv" => ResultsFormat::Csv,
        "xlsx" => ResultsFormat::Xlsx,
        _ => return Err(Problem::unknown_format()),
    };
    let link = results_file::link(app, &job, format, call.now).await?;
    ok(&json!({
        "url": link.url, "expires_at": link.expires_at, "file_name": link.file_name,
    }))
}

/// `POST /jobs/{job_id}/cancel`: rows not yet issued fail with `Cancelado`, unsent mail is
/// skipped. The second call answers like the first.
///
/// # Errors
/// `conflict` when the job has ended, `not_found`, those of authentication and of the store.
pub async fn cancel(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (_, job) = own_job(app, call).await?;
    let job = cancel::cancel(app, job, call.now).await?;
    ok(&job.answer(&[], &[], call.now))
}

/// `POST /jobs/{job_id}/retry`: failed mail, and rows that failed for our reasons, once the job
/// has ended: 202, or 200 with zeros when there is nothing to retry.
///
/// # Errors
/// `conflict` before the job has ended, or when it failed as a whole; `not_found`, those of
/// authentication, of the store and of the queue.
pub async fn retry(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (_, job) = own_job(app, call).await?;
    let retried = retry::retry(app, &job, call.now).await?;
    let any = retried.rows + retried.mails > 0;
    answer(
        if any { StatusCode::ACCEPTED } else { StatusCode::OK },
        &json!({
            "job_id": job.job_id, "retried_rows": retried.rows, "retried_emails": retried.mails,
            "status_url": format!("/api/v1/jobs/{}", job.job_id),
        }),
    )
}
