//! Requests about personal data: a person, or one credential, is erased; what is held about a person is
//! given to them.

use http::Response;
use lambda_http::Body;

use crate::{
    api::{
        auth::{self, Caller},
        credential_changes::reason,
        idempotency, issue,
    },
    app::App,
    domain::{
        email::EmailAddress,
        erasure::{About, PrivacyAction, Stored, Subject},
        fields::Fields,
        ids::CredentialId,
    },
    http::{problem::Problem, serve::Call},
    jobs::{
        accept::Accepted,
        privacy::{self, PrivacyRequest},
    },
};

/// Longest address, in characters.
const MAX_EMAIL: usize = 320;

/// Tells a credential that was erased from one that never was, where both are not found.
pub(super) async fn if_erased(
    app: &App,
    caller: &Caller,
    id: CredentialId,
    problem: Problem,
) -> Problem {
    match app.credentials.stored(id).await {
        Ok(Some(Stored::Erased(tombstone))) if caller.owns(&tombstone.org, tombstone.mode) => {
            Problem::erased()
        }
        Ok(_) => problem,
        Err(error) => error.into(),
    }
}

/// Takes an address out of a body.
fn email(fields: &mut Fields) -> Option<EmailAddress> {
    let text = fields.required_text("email", MAX_EMAIL)?;
    let email = EmailAddress::parse(&text).ok();
    if email.is_none() {
        let text = format!("Invalid email: {text}");
        fields.fault("email", "invalid_email", text.clone(), text);
    }
    email
}

/// What a request to erase says beside whom.
struct Terms {
    reason: String,
    keep_valid: bool,
}

impl Terms {
    fn order(self, about: About) -> Order {
        let Self { reason, keep_valid } = self;
        Order { action: PrivacyAction::Erase, about, keep_valid, reason: Some(reason) }
    }
}

/// What is to be done, and about whom.
struct Order {
    action: PrivacyAction,
    about: About,
    keep_valid: bool,
    reason: Option<String>,
}

/// Takes the terms out of a body that has nothing else any more.
fn terms(mut fields: Fields) -> Result<Terms, Problem> {
    let reason = reason(&mut fields, true);
    let keep_valid = fields.boolean("keep_valid").unwrap_or(true);
    fields.end()?;
    Ok(Terms { reason: reason.unwrap_or_default(), keep_valid })
}

/// `POST /people/erase`: `{email, reason, keep_valid}` becomes a job. An address of which nothing is
/// held is answered alike.
///
/// # Errors
/// `invalid_request`; those of authentication, of the `Idempotency-Key` and the store.
pub async fn erase_person(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let mut fields = Fields::of_body(call.expect_json()?)?;
    let email = email(&mut fields);
    let terms = terms(fields)?;
    let email = email.ok_or_else(|| Problem::invalid_request(Vec::new()))?;
    let secret = app.catalog.id_secret(&caller.org).await?;
    let about = About::Person(Subject::of(&secret, &caller.org, &email));
    accept(app, call, &caller, terms.order(about)).await
}

/// `GET /people/{email}/export`: everything that is held about an address becomes an archive, as a job.
/// An address of which nothing is held is answered alike.
///
/// # Errors
/// `invalid_request`; those of authentication, of the `Idempotency-Key` and the store.
pub async fn export_person(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let email = EmailAddress::parse(&call.parameter).map_err(|_| {
        let text = format!("Invalid email: {}", call.parameter);
        Problem::invalid_field("email", "invalid_email", text.clone(), text)
    })?;
    let secret = app.catalog.id_secret(&caller.org).await?;
    let about = About::Person(Subject::of(&secret, &caller.org, &email));
    let order = Order { action: PrivacyAction::Export, about, keep_valid: true, reason: None };
    accept(app, call, &caller, order).await
}

/// `POST /credentials/{credential_id}/erase`: `{reason, keep_valid}` becomes a job.
///
/// # Errors
/// `not_found`, `invalid_request`; those of authentication, of the `Idempotency-Key` and the store.
pub async fn erase_credential(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let unknown = || Problem::not_found("La credencial no existe", "The credential does not exist");
    let caller = auth::authenticate(app, call).await?;
    let id = CredentialId::parse(&call.parameter).map_err(|_| unknown())?;
    let terms = terms(Fields::of_body(call.expect_json()?)?)?;
    let owned = match app.credentials.stored(id).await? {
        Some(Stored::Credential(credential)) => caller.owns(&credential.org, credential.mode),
        Some(Stored::Erased(tombstone)) => caller.owns(&tombstone.org, tombstone.mode),
        None => false,
    };
    if !owned {
        return Err(unknown());
    }
    accept(app, call, &caller, terms.order(About::Credential(id))).await
}

async fn accept(
    app: &App,
    call: &Call,
    caller: &Caller,
    Order { action, about, keep_valid, reason }: Order,
) -> Result<Response<Body>, Problem> {
    let key = idempotency::key(call)?;
    let done = match action {
        PrivacyAction::Export => "Exporting",
        _ => "Erasing",
    };
    idempotency::once(app, call, caller, key, |work| async move {
        let request = PrivacyRequest {
            tenant: caller.tenant(),
            action,
            about,
            keep_valid,
            replay_of: None,
            reason,
            by: caller.who(),
            job_id: work.id.into(),
            begun_at: work.begun_at,
            lang: call.lang.staff().into(),
        };
        let job_id = privacy::accept(app, request, call.now).await?;
        let message = format!("{done} in background. Poll GET /api/v1/jobs/{job_id} for status.");
        issue::accepted(Accepted { job_id, total: 0 }, &message)
    })
    .await
}
