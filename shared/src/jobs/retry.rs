//! Intervening: cancel and retry a job, send a credential's mail again.
//!
//! Safe to repeat: cancelling keeps its first instant; a retry takes rows out of the failed
//! sets before it queues them, so a second one finds none; a resend is conditional on the
//! mail having ended, at most every five minutes.

use std::collections::BTreeSet;

use http::{Response, StatusCode};
use jiff::{Timestamp, ToSpan};
use lambda_http::Body;

use crate::{
    api::auth,
    app::App,
    aws::sqs::{self, MESSAGE_VERSION, MailMessage, Message, Outgoing},
    credentials::issue::mail_message,
    domain::{
        api_key::Scope,
        credential::Status,
        fault::Fault,
        ids::{CredentialId, Mode},
        job::{RowStatus, Shard},
        ledger::{CurrentCredential, Ended},
        time,
    },
    http::{
        problem::Problem,
        serve::{Call, json, ok},
    },
    jobs::accept::fan_out,
    jobs::progress::own_job,
    mail::ledger,
    store::StoreError,
};

/// Minutes between two sendings of one credential's mail.
const RESEND_EVERY: i64 = 5;

/// `POST /jobs/{job_id}/cancel`: rows not yet issued fail with `Cancelado`, unsent mail is
/// skipped. The second call answers like the first; a job that has ended answers 409.
///
/// # Errors
/// The documented problems.
pub async fn cancel(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let job = own_job(app, call, &[Scope::Manage]).await?;
    if job.cancelled_at.is_some() {
        return ok(&job.answer(&[], call.now));
    }
    match app.jobs.cancel(job.job_id, &call.now_text()).await? {
        Some(job) => ok(&job.answer(&[], call.now)),
        None => Err(Problem::conflict("El trabajo ya terminó", "The job has ended")),
    }
}

/// `POST /jobs/{job_id}/retry`: failed mail, and rows that failed for our reasons, once
/// the job has ended. The second call finds the job open and answers 409, or, when that has
/// ended well, finds nothing to retry and answers 200 with zeros.
///
/// # Errors
/// The documented problems.
pub async fn retry(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let job = own_job(app, call, &[Scope::Manage]).await?;
    if job.closed_at.is_none() {
        return Err(Problem::conflict(
            "El trabajo no ha terminado; espera a que termine",
            "The job has not ended; wait for its end",
        ));
    }
    if job.failure.is_some() {
        return Err(Problem::conflict(
            "El trabajo falló como un todo y no tiene filas que reintentar; corrige el archivo y súbelo de nuevo",
            "The job failed as a whole and has no rows to retry; mend the file and upload it again",
        ));
    }
    let secret = app.catalog.id_secret(&job.org).await?;
    let ttl = job.expires_at.parse::<Timestamp>().map_err(Problem::internal)?.as_second();
    let ours = Fault::GaveUp(0).code();
    let now = call.now_text();
    let (mut rows, mut mails, mut reopened) = (0, 0, false);
    for (number, shard) in app.jobs.outcomes(&job).await? {
        if !may_retry(&shard) {
            continue;
        }
        // Open first: whatever stops this half-way, the sweeper goes on with; and it closes a
        // job that had nothing to retry after all.
        let view = app.jobs.shard(job.job_id, number).await?;
        let by_us = |row: &u32| {
            let failure = view.failures.get(row);
            failure.is_some_and(|f| f.faults.iter().any(|f| f.code == ours))
        };
        let any = view.rows.keys().any(|row| match shard.status(*row) {
            RowStatus::Failed => by_us(row),
            RowStatus::Issued => shard.mail_ended(*row) == Some(Ended::Failed),
            RowStatus::Pending => false,
        });
        if !any {
            continue;
        }
        if !reopened {
            app.jobs.reopen(&job, &now).await?;
            reopened = true;
        }
        let mut again = Vec::new();
        let mut owing = Vec::new();
        let (mut issue, mut mail) = (BTreeSet::new(), BTreeSet::new());
        for (row, input) in &view.rows {
            let row = *row;
            match shard.status(row) {
                RowStatus::Failed if by_us(&row) => {
                    issue.insert(row);
                    again.push(input.clone());
                }
                RowStatus::Issued if shard.mail_ended(row) == Some(Ended::Failed) => {
                    if let Some(id) = view.credential_of(row, &secret, &job) {
                        mail.insert(row);
                        owing.push(id);
                    }
                }
                _ => {}
            }
        }
        rows += issue.len();
        mails += mail.len();
        // Out of the failed sets first: a mail that is owed again counts as open on its job.
        app.jobs.unfail(job.job_id, number, &issue, &mail).await?;
        let mut messages = Vec::new();
        for id in owing {
            app.credentials.owe_again(id, true, "", &now).await?;
            let job_id = Some(job.job_id);
            let mail = MailMessage { v: MESSAGE_VERSION, credential_id: id, job_id, place: None };
            let group = sqs::job_group(&job.org, job.job_id);
            let message = Outgoing::new(&Message::Mail(mail), group);
            messages.push(message.map_err(Problem::internal)?);
        }
        fan_out(app, &job, ttl, again).await?;
        sqs::send_all(&app.sqs, &app.config.mail_queue_url, &messages).await.all()?;
    }
    let status = if rows + mails > 0 { StatusCode::ACCEPTED } else { StatusCode::OK };
    json(
        status,
        &serde_json::json!({
            "job_id": job.job_id, "retried_rows": rows, "retried_emails": mails,
            "status_url": format!("/api/v1/jobs/{}", job.job_id),
        }),
    )
}

fn may_retry(shard: &Shard) -> bool {
    let tally = shard.tally();
    tally.failed > 0 || tally.emails_failed > 0
}

/// `POST /credentials/{credential_id}/resend`: 202. One live attempt, at most every five
/// minutes: a second call answers 409 until then.
///
/// # Errors
/// The documented problems.
pub async fn resend(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let unknown = || Problem::not_found("La credencial no existe", "The credential does not exist");
    let caller = auth::authenticate(app, call, &[Scope::Manage]).await?;
    let id = CredentialId::parse(&call.parameter).map_err(|_| unknown())?;
    let found = app.credentials.get(id).await?.ok_or_else(unknown)?;
    if !caller.owns(&found.org, found.mode) {
        return Err(unknown());
    }
    if found.status != Status::Issued {
        return Err(Problem::conflict(
            "La credencial está revocada o suspendida; su correo no se envía",
            "The credential is revoked or suspended; its mail is not sent",
        ));
    }
    if found.mode == Mode::Live
        && app.catalog.suppression(&caller.org, &found.recipient.email).await?.is_some()
    {
        return Err(Problem::conflict(
            "La dirección está en la lista de supresión: sus correos rebotaron o se marcaron como no deseados. Corrige la dirección de la credencial o, si ya recibe correo, quítala con DELETE /api/v1/suppressions/{email}",
            "The address is on the suppression list: its mail bounced or was marked as spam. Correct the credential's address or, if it takes mail again, remove it with DELETE /api/v1/suppressions/{email}",
        ));
    }
    match ledger::materialize(app, found).await {
        // Changed just now: what follows weighs it again.
        Ok(_) | Err(StoreError::Conflict) => {}
        Err(error) => return Err(error.into()),
    }
    let before = call.now.checked_sub(RESEND_EVERY.minutes()).map_err(Problem::internal)?;
    let owed =
        app.credentials.owe_again(id, false, &time::millis(before), &call.now_text()).await?;
    let Some(credential) = owed else {
        return Err(Problem::conflict(
            "El correo está por enviarse o se pidió hace menos de 5 minutos",
            "The mail is about to be sent or was asked for less than 5 minutes ago",
        ));
    };
    let message = mail_message(&credential, true).map_err(Problem::internal)?;
    // Owed again: should the queue be out of reach, the sweeper finds the debt.
    if let Err(error) = sqs::send_all(&app.sqs, &app.config.mail_queue_url, &[message]).await.all()
    {
        tracing::error!(%error, "mail not queued");
    }
    json(
        StatusCode::ACCEPTED,
        &serde_json::json!({ "credential_id": id, "email_status": CurrentCredential::written(credential).email_status() }),
    )
}
