//! Changes of issued credentials: revoked, suspended, reinstated, corrected; many revoked as a
//! job.

use http::Response;
use jiff::civil::Date;
use lambda_http::Body;
use serde_json::{Map, Value};

use crate::{
    api::{auth, idempotency, issue, privacy},
    app::App,
    credentials::{
        change_status::{self, StatusChange, StatusOutcome},
        correct::{self, Change, CorrectError, CorrectRequest, correctable},
        renew::{self, RenewError, RenewRequest},
    },
    domain::{
        admission,
        credential::MailState,
        fault::Fault,
        fields::{FieldError, FieldErrors, Fields},
        history::Action,
        ids::{CredentialId, JobId},
        job::Revocation,
        lang::Lang,
        ledger::CurrentCredential,
        metadata::METADATA,
        renewal_fault::RenewalFault,
    },
    http::{
        problem::Problem,
        serve::{Call, ok},
    },
    jobs::revoke::{self, RevokeError, RevokeRequest, Which},
    mail::ledger,
    store::StoreError,
};

/// Longest reason, in characters.
pub const MAX_REASON: usize = 500;
/// Most ids of one request to revoke.
pub const MAX_IDS: usize = 1_000;

pub(super) fn unknown() -> Problem {
    Problem::not_found("La credencial no existe", "The credential does not exist")
}

fn unsigned() -> Problem {
    Problem::conflict(
        "La credencial es de una versión anterior y no está firmada; no se puede cambiar",
        "The credential is of an earlier version and is not signed; it cannot be changed",
    )
}

/// Takes the reason out of a body.
pub(super) fn reason(fields: &mut Fields, required: bool) -> Option<String> {
    if required {
        fields.required_text("reason", MAX_REASON)
    } else {
        fields.text("reason", MAX_REASON)
    }
}

/// Reads a body that may be absent.
pub(super) fn body(call: &Call) -> Result<Fields, Problem> {
    if call.body.is_empty() {
        return Ok(Fields::of_body(b"{}")?);
    }
    Ok(Fields::of_body(call.expect_json()?)?)
}

/// `POST /credentials/{credential_id}/revoke` (with a `reason`, final), `/suspend`,
/// `/reinstate`. The second call is answered like the first.
///
/// # Errors
/// `not_found`; `conflict` for a revoked or unsigned credential; those of the body, of
/// authentication and the store.
pub async fn set_status(app: &App, call: &Call, action: Action) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let id = CredentialId::parse(&call.parameter).map_err(|_| unknown())?;
    let mut fields = body(call)?;
    let reason = reason(&mut fields, action == Action::Revoke);
    fields.end()?;
    let change = StatusChange {
        tenant: caller.tenant(),
        action,
        reason: reason.as_deref(),
        by: caller.who(),
    };
    let outcome = change_status::change_status(app, &change, &[id], call.now).await?.remove(&id);
    match outcome {
        Some(StatusOutcome::Changed(credential) | StatusOutcome::Already(credential)) => {
            let credential = ledger::overlay_one(app, *credential).await?;
            ok(&credential.answer(&app.config.site_url, call.lang, caller.reads()))
        }
        Some(StatusOutcome::Revoked) => Err(Problem::conflict(
            "La credencial está revocada, y una revocación es definitiva",
            "The credential is revoked, and a revocation is final",
        )),
        Some(StatusOutcome::Unsigned) => Err(unsigned()),
        Some(StatusOutcome::Unknown) | None => {
            Err(privacy::if_erased(app, &caller, id, unknown()).await)
        }
    }
}

impl From<RevokeError> for Problem {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::UnknownJob => Self::invalid_field(
                "/job_id",
                "unknown_job",
                "El trabajo no existe",
                "The job does not exist",
            ),
            RevokeError::JobRunning => Self::conflict(
                "El trabajo no ha terminado; espera a que termine o cancélalo",
                "The job has not ended; wait for its end or cancel it",
            ),
            RevokeError::NothingIssued => Self::conflict(
                "El trabajo no emitió ninguna credencial",
                "The job issued no credential",
            ),
            RevokeError::Accept(error) => error.into(),
        }
    }
}

/// `POST /credentials/revoke`: `{job_id | ids, reason}` becomes a job.
///
/// # Errors
/// `invalid_request` for an unknown job; `conflict` when the job runs or issued nothing; those
/// of the body, of authentication, of the `Idempotency-Key` and the store.
pub async fn revoke_many(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let key = idempotency::key(call)?;
    let mut fields = Fields::of_body(call.expect_json()?)?;
    let reason = reason(&mut fields, true);
    let which = which(&mut fields);
    fields.end()?;
    let reason = reason.unwrap_or_default();
    let revocation =
        Revocation { reason, key_id: caller.key_id.clone(), key_name: caller.key_name.clone() };
    let tenant = caller.tenant();
    idempotency::once(app, call, &caller, key, |work| async move {
        let request = RevokeRequest {
            tenant,
            which,
            revocation,
            job_id: work.id.into(),
            begun_at: work.begun_at,
            lang: call.lang.staff().into(),
        };
        let accepted = revoke::accept(app, request, call.now).await?;
        let (id, total) = (accepted.job_id, accepted.total);
        let message = format!(
            "Revoking {total} credentials in background. Poll GET /api/v1/jobs/{id} for status."
        );
        issue::accepted(accepted, &message)
    })
    .await
}

/// Takes `job_id` or `ids` out of a body; notes a fault unless it has exactly one of the two.
fn which(fields: &mut Fields) -> Which {
    let job = fields.text("job_id", 36);
    let ids = fields.list("ids");
    match (job, ids) {
        (Some(job), None) => match JobId::parse(&job) {
            Ok(id) => return Which::Job(id),
            Err(_) => fields.fault(
                "job_id",
                "invalid_uuid",
                "El campo job_id debe ser un UUID",
                "The field job_id must be a UUID",
            ),
        },
        (None, Some(ids)) if (1..=MAX_IDS).contains(&ids.len()) => {
            let ids = ids.iter().map(|id| id.as_str().unwrap_or_default().to_owned());
            return Which::Ids(ids.collect());
        }
        (None, Some(_)) => fields.fault(
            "ids",
            "out_of_range",
            "La lista ids debe tener de 1 a 1000 credenciales",
            "The list ids must have 1 to 1000 credentials",
        ),
        _ => fields.fault(
            "ids",
            "missing_field",
            "Indica job_id o ids, uno de los dos",
            "Give either job_id or ids",
        ),
    }
    // The fault ends the request.
    Which::Ids(Vec::new())
}

/// The problem of a recipient's faults.
fn refused(faults: &[Fault]) -> Problem {
    let mut errors = FieldErrors::default();
    for fault in faults {
        if let Fault::Rest(more) = fault {
            errors.omit(*more);
            continue;
        }
        let error = FieldError::new(
            fault.field().map_or_else(String::new, |field| format!("/{field}")),
            fault.code(),
            fault.text(Lang::Es),
            fault.text(Lang::En),
        );
        errors.push(error.hint(fault.near()));
    }
    Problem::invalid_request(errors)
}

impl From<CorrectError> for Problem {
    fn from(error: CorrectError) -> Self {
        match error {
            CorrectError::Unknown => unknown(),
            CorrectError::Unsigned => unsigned(),
            CorrectError::Conflict(fault) => {
                Self::conflict(fault.text(Lang::Es), fault.text(Lang::En))
            }
            CorrectError::MailInProgress => Self::conflict(
                "Se está enviando el correo de la credencial; repite la solicitud en un par de minutos",
                "The credential's mail is being sent; repeat the request in a couple of minutes",
            ),
            CorrectError::TemplateNotFound => Self::template_not_found(None),
            CorrectError::Refused(faults) => refused(&faults),
            CorrectError::Busy => Self::unavailable(error),
            CorrectError::Json(error) => Self::internal(error),
            CorrectError::Store(error) => error.into(),
        }
    }
}

/// `PATCH /credentials/{credential_id}`: a correction. The replaced version no longer verifies.
///
/// # Errors
/// `not_found`; `invalid_request` for a refused recipient; `conflict` when the credential does
/// not hold, is unsigned, is being mailed or has the content of another; `unavailable` when it
/// keeps changing; those of the body, of authentication and the store.
pub async fn correct(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let id = CredentialId::parse(&call.parameter).map_err(|_| unknown())?;
    let (fields, reason) = patch(call)?;
    let request = CorrectRequest {
        tenant: caller.tenant(),
        id,
        change: Change::Fields(fields),
        reason,
        by: caller.who(),
        now: call.now,
    };
    let corrected = match correct::correct(app, &request).await {
        Err(CorrectError::Unknown) => {
            return Err(privacy::if_erased(app, &caller, id, unknown()).await);
        }
        other => other?,
    };
    let credential = as_mailed(app, corrected.credential).await?;
    ok(&credential.answer(&app.config.site_url, call.lang, caller.reads()))
}

/// Returns a credential as its mail will end: to a suppressed address, nothing is sent.
async fn as_mailed(
    app: &App,
    credential: CurrentCredential,
) -> Result<CurrentCredential, StoreError> {
    if !matches!(credential.mail(), MailState::Owed | MailState::Claimed) {
        return Ok(credential);
    }
    let tenant = credential.tenant();
    let why = app.catalog.why_suppressed(tenant, &credential.recipient.email).await?;
    Ok(match why {
        Some(why) => credential.suppressed(why),
        None => credential,
    })
}

/// `POST /credentials/{credential_id}/renew`: a new version with a later end. The replaced version no
/// longer verifies.
///
/// # Errors
/// `not_found`; `invalid_request` for an end that is no later one; `conflict` when the credential does
/// not hold, has no end, is not due, is unsigned or is being mailed; `unavailable` when it keeps
/// changing; those of the body, of authentication and the store.
pub async fn renew(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let id = CredentialId::parse(&call.parameter).map_err(|_| unknown())?;
    let mut fields = body(call)?;
    let reason = reason(&mut fields, false);
    let until = until(&mut fields);
    fields.end()?;
    let by = caller.who();
    let request = RenewRequest { tenant: caller.tenant(), id, until, reason, by, now: call.now };
    match renew::renew(app, &request).await {
        Ok(renewed) => {
            let credential = as_mailed(app, renewed.credential).await?;
            ok(&credential.answer(&app.config.site_url, call.lang, caller.reads()))
        }
        Err(RenewError::Fault(fault)) => {
            let (es, en) = (fault.text(Lang::Es), fault.text(Lang::En));
            Err(match fault {
                RenewalFault::EndsSooner(_) => {
                    Problem::invalid_field("/until", "ends_sooner", es, en)
                }
                _ => Problem::conflict(es, en),
            })
        }
        Err(RenewError::Version(CorrectError::Unknown)) => {
            Err(privacy::if_erased(app, &caller, id, unknown()).await)
        }
        Err(RenewError::Version(error)) => Err(error.into()),
    }
}

/// Takes the new end out of the body of a renewal.
fn until(fields: &mut Fields) -> Option<Date> {
    let text = fields.text("until", 40)?;
    let day = Date::strptime("%Y-%m-%d", &text).ok();
    let day = day.filter(|day| text.len() == 10 && admission::DAYS.contains(day));
    if day.is_none() {
        fields.fault(
            "until",
            "invalid_date",
            "El campo until debe ser una fecha AAAA-MM-DD, hasta el año 2100",
            "The field until must be a date YYYY-MM-DD, up to the year 2100",
        );
    }
    day
}

/// Reads the body of a correction: new values of fields, and the reason.
fn patch(call: &Call) -> Result<(Map<String, Value>, Option<String>), Problem> {
    let mut body = Fields::of_body(call.expect_json()?)?;
    let reason = reason(&mut body, false);
    let mut fields = Map::new();
    for name in correctable() {
        if body.take_null(name) {
            fields.insert(name.to_owned(), Value::Null);
        } else if let Some(value) = body.take(name) {
            fields.insert(name.to_owned(), value);
        }
    }
    if body.take("external_id").is_some() {
        body.fault(
            "external_id",
            "immutable_field",
            "El campo external_id identifica la credencial y no se corrige",
            "The field external_id identifies the credential and is not corrected",
        );
    }
    if body.take(METADATA).is_some() {
        body.fault(
            METADATA,
            "immutable_field",
            "El campo metadata queda como llegó al emitir y no se corrige",
            "The field metadata stays as it came with the credential and is not corrected",
        );
    }
    body.end()?;
    Ok((fields, reason))
}
