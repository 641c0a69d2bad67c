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
/// `conflict` when another request replaced the key; those of authentication and the store.
pub async fn rotate(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let made = signing_keys::rotate(app, caller.tenant(), &call.now_text()).await?;
    answer(StatusCode::CREATED, &made.map(|key| key_answer(app, &caller, &key)))
}

/// `POST /signing-keys/{multikey}/compromise`: removes a retired key from the DID document.
///
/// # Errors
/// `not_found`; `conflict` when the key still signs; `unavailable` when a status list is in use;
/// those of the body, of authentication and the store.
pub async fn compromise(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let mut fields = Fields::of_body(call.expect_json()?)?;
    let reason = reason(&mut fields, true);
    fields.end()?;
    let (reason, now) = (reason.unwrap_or_default(), call.now_text());
    let key =
        signing_keys::compromise(app, caller.tenant(), &call.parameter, &reason, &now).await?;
    ok(&key_answer(app, &caller, &key))
}

/// `POST /status-lists`: leaves the rest of the present list unused and begins the next: after
/// a restore from a backup, whose counter can be behind the indexes that were issued.
///
/// # Errors
/// Those of authentication and the store.
pub async fn begin_list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let number = app.status_lists.begin_list(&caller.org, caller.mode).await?;
    let list = ListId { org: caller.org, mode: caller.mode, number };
    let url = list.url(&app.config.site_url);
    answer(StatusCode::CREATED, &json!({ "list_id": list.to_string(), "url": url }))
}
