//! Signing keys, and the status list that an organization fills.

use http::{Response, StatusCode};
use lambda_http::Body;
use serde_json::{Value, json};

use crate::{
    api::{
        auth::{self, Caller},
        credential_changes::reason,
    },
    app::App,
    credentials::signing_keys::{self, SigningKeyError},
    document::did,
    domain::{fields::Fields, signing_key::PublicKey, status_entry::ListId},
    http::{
        problem::Problem,
        serve::{Call, json as answer, ok},
    },
    store::status_lists::Begun,
};

impl From<SigningKeyError> for Problem {
    fn from(error: SigningKeyError) -> Self {
        match error {
            SigningKeyError::Replaced => Self::conflict(
                "Otra solicitud cambió la llave al mismo tiempo",
                "Another request changed the key at the same time",
            ),
            SigningKeyError::Unknown => {
                Self::not_found("La llave no existe", "The key does not exist")
            }
            SigningKeyError::StillSigns => Self::conflict(
                "La llave todavía firma; reemplázala primero con POST /api/v1/signing-keys",
                "The key still signs; replace it first with POST /api/v1/signing-keys",
            ),
            SigningKeyError::TooOften { wait } => Self::rate_limited(
                wait,
                "La llave de firma se puede reemplazar 10 veces en 24 horas; Retry-After dice en cuántos segundos se puede de nuevo",
                "The signing key can be replaced 10 times in 24 hours; Retry-After says in how many seconds it can be again",
            ),
            SigningKeyError::Busy => Self::unavailable(error),
            SigningKeyError::Store(error) => error.into(),
        }
    }
}

fn key_answer(app: &App, caller: &Caller, key: &PublicKey) -> Value {
    let did = did::of(&app.config.site_url, &caller.org, caller.mode);
    key.answer(&did::key_id(&did, &key.multikey), caller.mode)
}

/// `GET /signing-keys`: every key that signed or signs in the mode of the API key.
///
/// # Errors
/// Those of authentication and the store.
pub async fn list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let keys = app.catalog.public_keys(&caller.org, caller.mode).await?;
    let items: Vec<Value> = keys.iter().map(|key| key_answer(app, &caller, key)).collect();
    ok(&json!({ "items": items, "next_cursor": null }))
}

/// `POST /signing-keys`: a new key signs from now on.
///
/// # Errors
/// `conflict` when another request replaced the key; `rate_limited` after ten in 24 hours; those
/// of authentication and the store.
pub async fn rotate(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let made = signing_keys::rotate(app, caller.tenant(), call.now).await?;
    answer(StatusCode::CREATED, &made.map(|key| key_answer(app, &caller, &key)))
}

/// `POST /signing-keys/{multikey}/compromise`: removes a retired key from the DID document.
///
/// # Errors
/// `not_found`; `conflict` when the key still signs; `unavailable` when not every status list is
/// signed yet, and the next call goes on;
/// those of the body, of authentication and the store.
pub async fn compromise(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let mut fields = Fields::of_body(call.expect_json()?)?;
    let reason = reason(&mut fields, true);
    fields.end()?;
    let reason = reason.unwrap_or_default();
    let key =
        signing_keys::compromise(app, caller.tenant(), &call.parameter, &reason, call.now).await?;
    ok(&key_answer(app, &caller, &key))
}

/// `POST /status-lists`: leaves the rest of the present list unused and begins the next: after
/// a restore from a backup, whose counter can be behind the indexes that were issued.
///
/// # Errors
/// `rate_limited` within an hour of the last; those of authentication and the store.
pub async fn begin_list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let begun = app.status_lists.begin_list(caller.tenant(), call.now.as_second()).await?;
    let number = match begun {
        Begun::List(number) => number,
        Begun::TooSoon { wait } => {
            return Err(Problem::rate_limited(
                wait,
                "Se puede comenzar una lista de estado por hora; Retry-After dice en cuántos segundos se puede de nuevo. Las listas llenas comienzan la siguiente por sí solas",
                "One status list an hour can be begun; Retry-After says in how many seconds the next can be. Lists that are full begin the next by themselves",
            ));
        }
    };
    let list = ListId { org: caller.org, mode: caller.mode, number };
    let url = list.url(&app.config.site_url);
    answer(StatusCode::CREATED, &json!({ "list_id": list.to_string(), "url": url }))
}
