//! The certificates of a job as an archive.

use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::Body;
use serde_json::{Value, json};

use crate::{
    api::jobs::job_to_read,
    app::App,
    domain::{
        job::Job,
        lang::Lang,
        print::{PrintOrder, PrintState},
    },
    http::{
        problem::Problem,
        serve::{Call, json as answer},
    },
    jobs::print_order::{self, PrintError},
};

impl From<PrintError> for Problem {
    fn from(error: PrintError) -> Self {
        match error {
            PrintError::NotEnded => Self::conflict(
                "El trabajo no ha terminado; espera a que termine",
                "The job has not ended; wait for its end",
            ),
            PrintError::NoCertificates => Self::conflict(
                "Este trabajo no emite credenciales, así que no tiene certificados",
                "This job issues no credentials, so it has no certificates",
            ),
            PrintError::Job(error) => error.into(),
        }
    }
}

/// The language that a request asks for, else the job's own.
async fn language(app: &App, call: &Call, job: &Job) -> Result<Lang, Problem> {
    match call.named_lang()? {
        Some(lang) => Ok(lang),
        None => Ok(print_order::own_language(app, job).await?),
    }
}

/// The order as it is shown, with links once the archive is there.
async fn shown(app: &App, call: &Call, order: &PrintOrder) -> Result<Value, Problem> {
    let mut shown = order.answer(call.lang);
    let links = print_order::links(app, order, call.now).await?;
    let files: Vec<Value> = links
        .iter()
        .map(|link| {
            json!({
                "url": link.url, "expires_at": link.expires_at, "file_name": link.file_name,
                "certificates": link.certificates, "bytes": link.bytes,
            })
        })
        .collect();
    if let Some(members) = shown.as_object_mut() {
        members.insert("files".to_owned(), files.into());
    }
    Ok(shown)
}

fn respond(
    order: &PrintOrder,
    status: StatusCode,
    shown: &Value,
) -> Result<Response<Body>, Problem> {
    let mut response = answer(status, shown)?;
    if order.print_state == PrintState::Open {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    Ok(response)
}

/// `POST /jobs/{job_id}/certificates`: orders an archive of the certificates, 202. While one is being made, the
/// answer is that one.
///
/// # Errors
/// `conflict` before the job has ended and for a job that issues nothing, `invalid_request` for a language,
/// `not_found`, those of authentication and of the store.
pub async fn order(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (caller, job) = job_to_read(app, call).await?;
    let lang = language(app, call, &job).await?;
    let order = print_order::order(app, &job, lang, &caller.key_id, call.now).await?;
    respond(&order, StatusCode::ACCEPTED, &shown(app, call, &order).await?)
}

/// `GET /jobs/{job_id}/certificates`: how far the archive is, and links to it for 15 minutes.
///
/// # Errors
/// `not_found` also if none was ordered, or it was deleted; `invalid_request` for a language, those of authentication
/// and of the store.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (_, job) = job_to_read(app, call).await?;
    let lang = language(app, call, &job).await?;
    let order = app.jobs.print((job.job_id, lang)).await?;
    let live = order.filter(|order| {
        order.print_state != PrintState::Made || order.deleted_at().is_some_and(|at| at > call.now)
    });
    let order = live.ok_or_else(|| {
        Problem::not_found(
            "No se han pedido los certificados de este trabajo, o ya se borraron: se guardan 24 horas. Pídelos con POST a esta misma dirección",
            "The certificates of this job were not ordered, or are deleted by now: they are kept for 24 hours. Order them with a POST to this address",
        )
    })?;
    respond(&order, StatusCode::OK, &shown(app, call, &order).await?)
}
