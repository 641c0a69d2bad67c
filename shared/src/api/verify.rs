//! `POST /verify`.

use http::Response;
use lambda_http::Body;
use serde_json::{Map, Value, json};

use crate::{
    api::auth,
    app::App,
    credentials::verify::{self, Verification},
    domain::{
        api_key::Scope, credential::Credential, fields::Fields, ids::CredentialId, lang::Lang,
    },
    http::{
        problem::Problem,
        serve::{Call, ok},
    },
};

/// `POST /verify`: a document as the body, or under `document`; or `{"url": …}` with the
/// address of a credential of this service. Any key may ask.
///
/// # Errors
/// `unauthenticated`, `invalid_json`, `invalid_request`, `not_found` and those of the store.
pub async fn verify(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    auth::authenticate(app, call, &Scope::ALL).await?;
    let mut fields = Fields::of_body(call.expect_json()?)?;
    let document = match fields.take("document") {
        Some(Value::Object(document)) => Some(document),
        Some(_) => {
            fields.wrong_type("document", "un objeto", "an object");
            None
        }
        None => None,
    };
    let url = fields.take("url");
    if document.is_none() && url.is_none() && fields.has("@context") {
        let verification = verify::verify(app, &fields.into_members(), call.now).await?;
        return ok(&answer(&verification, &app.config.site_url, call.lang));
    }
    if document.is_none() && url.is_none() {
        fields.missing("document");
    }
    fields.end()?;
    let document = match (document, url) {
        (Some(document), _) => document,
        (None, url) => {
            let url = url.as_ref().and_then(Value::as_str).unwrap_or_default();
            let id = verify::credential_at(&app.config.site_url, url).ok_or_else(|| {
                Problem::invalid_field(
                    "/url",
                    "foreign_url",
                    "El campo url debe ser la dirección de una credencial de este servicio; de otros sitios no se lee nada",
                    "The field url must be the address of a credential of this service; nothing is fetched from elsewhere",
                )
            })?;
            document_of(app, id).await?
        }
    };
    let verification = verify::verify(app, &document, call.now).await?;
    ok(&answer(&verification, &app.config.site_url, call.lang))
}

fn answer(verification: &Verification, site_url: &str, lang: Lang) -> Value {
    let checks: Vec<Value> = verification
        .findings
        .iter()
        .map(|finding| {
            json!({
                "check": finding.check.as_str(),
                "result": match finding.passed {
                    Some(true) => "passed",
                    Some(false) => "failed",
                    None => "skipped",
                },
                "text": lang.pick(&finding.es, &finding.en),
            })
        })
        .collect();
    json!({
        "verified": verification.verified(), "status": verification.standing.as_str(),
        "mode": verification.mode, "credential_id": verification.credential,
        "credential_url": verification.credential.map(|id| Credential::url(site_url, id)),
        "checks": checks,
    })
}

async fn document_of(app: &App, id: CredentialId) -> Result<Map<String, Value>, Problem> {
    let missing = || Problem::not_found("La credencial no existe", "The credential does not exist");
    let credential = app.credentials.get(id).await?.ok_or_else(missing)?;
    let document = app.status_lists.document(&credential.signed).await?.ok_or_else(missing)?;
    serde_json::from_slice(&document).map_err(Problem::internal)
}
