//! `POST /verify`.

use http::Response;
use lambda_http::Body;
use serde_json::{Map, Value, json};

use crate::{
    api::auth,
    app::App,
    credentials::verify::{self, Standing, Verification},
    domain::{
        credential::Credential,
        erasure::{Stored, Tombstone, Why},
        fields::{Fields, InvalidBody, refuse_repeated},
        ids::CredentialId,
        json::{self, Bounds, Repeated},
        lang::Lang,
    },
    http::{
        problem::Problem,
        serve::{Call, ok},
    },
};

/// Largest body, in bytes: no document that the service signs is larger.
const MAX_BODY: usize = 256 * 1024;

/// `POST /verify`: a document as the body, or under `document`; or `{"url": …}` with the
/// address of a credential of this service. Any key may ask.
///
/// # Errors
/// `unauthenticated`, `payload_too_large`, `invalid_json`, `invalid_request`, `not_found` and those of the store.
pub async fn verify(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    auth::authenticate(app, call).await?;
    let body = call.expect_json()?;
    if body.len() > MAX_BODY {
        return Err(Problem::document_too_large(MAX_BODY));
    }
    let text = json::text(body).ok_or(InvalidBody::NotUtf8)?;
    let survey = json::survey(text, &Bounds::BODY).map_err(InvalidBody::from)?;
    let mut fields = Fields::of_text(text)?;
    let is_document = fields.has("@context") && !fields.has("document") && !fields.has("url");
    // Members that the document repeats are its own fault; others are the request's.
    let of_document = |place: &Repeated| is_document || place.is_inside("document");
    if !survey.repeated.iter().all(of_document) {
        refuse_repeated(&survey)?;
    }
    let repeated = survey.repeated.first().map(Repeated::pointer);
    let document = match fields.take("document") {
        Some(Value::Object(document)) => Some(document),
        Some(_) => {
            fields.wrong_type("document", "un objeto", "an object");
            None
        }
        None => None,
    };
    let url = fields.take("url");
    if is_document {
        return verdict(app, call, &fields.into_members(), repeated).await;
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
    verdict(app, call, &document, repeated).await
}

/// Answers the verification of a document; `repeated` is the place of a member that it repeats.
async fn verdict(
    app: &App,
    call: &Call,
    document: &Map<String, Value>,
    repeated: Option<String>,
) -> Result<Response<Body>, Problem> {
    let verification = match repeated {
        Some(place) => verify::ambiguous(app, document, &place),
        None => verify::verify(app, document, call.now).await?,
    };
    let mut answer = answer(&verification, &app.config.site_url, call.lang);
    if let Some(left) = erased(app, &verification).await?
        && let Some(members) = answer.as_object_mut()
    {
        members.insert("erased_at".to_owned(), left.erased_at.into());
        let withdrawn = match left.why {
            Why::Request => call.lang.pick(
                "retirada de este sitio a petición de su titular",
                "withdrawn from this site at the person's request",
            ),
            Why::Retention => call.lang.pick(
                "retirada de este sitio al cumplirse su plazo de conservación",
                "withdrawn from this site after its time",
            ),
        };
        let note = match verification.verified() {
            true => format!("{}; {withdrawn}", call.lang.pick("válida", "valid")),
            false => withdrawn.to_owned(),
        };
        members.insert("note".to_owned(), note.into());
    }
    ok(&answer)
}

/// What is left of the credential of a document that its issuer signed, if it was erased.
async fn erased(app: &App, of: &Verification) -> Result<Option<Tombstone>, Problem> {
    let Some(id) = of.credential.filter(|_| of.standing != Standing::Invalid) else {
        return Ok(None);
    };
    Ok(match app.credentials.stored(id).await? {
        Some(Stored::Erased(tombstone)) => Some(*tombstone),
        Some(Stored::Credential(_)) | None => None,
    })
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
    let stored = app.credentials.stored(id).await?.ok_or_else(missing)?;
    let credential = stored.credential().ok_or_else(Problem::erased)?;
    if credential.blocked.is_some() {
        return Err(Problem::credential_unavailable());
    }
    let document = app.status_lists.document(&credential.signed).await?.ok_or_else(missing)?;
    serde_json::from_slice(&document).map_err(Problem::internal)
}
