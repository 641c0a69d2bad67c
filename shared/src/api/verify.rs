//! `POST /verify`.

use http::Response;
use lambda_http::Body;
use serde_json::{Map, Value, json};

use crate::{
    api::auth,
    app::App,
    credentials::{
        verify::{self, Standing, Verification},
        verify_text::{self, DocumentText},
    },
    document::attached::{self, AttachedFault, MAX_DOCUMENT},
    domain::{
        credential::Credential,
        erasure::{Stored, Why},
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

/// Media types of the files that carry a document.
const CARRIERS: [&str; 2] = ["application/pdf", "image/png"];

/// `POST /verify`: a document as the body, or under `document`, or in a PDF or PNG file as the body; or
/// `{"url": …}` with the address of a credential of this service. Any key may ask.
///
/// # Errors
/// `unauthenticated`, `payload_too_large`, `unsupported_media_type`, `invalid_json`, `invalid_request`,
/// `not_found` and those of the store.
pub async fn verify(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    auth::authenticate(app, call).await?;
    if call.is_of(&CARRIERS) {
        let document = attached::document_of(&call.body).map_err(no_document)?;
        return verdict(app, call, &DocumentText::read(&document)?).await;
    }
    if !call.is_of(&["application/json"]) {
        return Err(Problem::unsupported_media_type(
            "application/json, application/pdf, image/png",
        ));
    }
    let body = call.expect_json()?;
    if body.len() > MAX_DOCUMENT {
        return Err(Problem::document_too_large(false));
    }
    let document = match asked(app, body)? {
        Asked::Document(document) => document,
        Asked::Credential(id) => DocumentText::surveyed(document_of(app, id).await?, None),
    };
    verdict(app, call, &document).await
}

/// What a request asks about.
enum Asked {
    Document(DocumentText),
    Credential(CredentialId),
}

/// Reads the body of a request.
fn asked(app: &App, body: &[u8]) -> Result<Asked, Problem> {
    let text = json::text(body).ok_or(InvalidBody::NotUtf8)?;
    let survey = json::survey(text, &Bounds::BODY).map_err(InvalidBody::from)?;
    let mut fields = Fields::of_text(text)?;
    let is_document = (fields.has("@context") || fields.has("verifiablePresentation"))
        && !fields.has("document")
        && !fields.has("url");
    // Members that the document repeats are its own fault; others are the request's.
    let of_document = |place: &Repeated| is_document || place.is_inside("document");
    if !survey.repeated.iter().all(of_document) {
        refuse_repeated(&survey)?;
    }
    let repeated = survey.repeated.first();
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
        return Ok(Asked::Document(DocumentText::surveyed(fields.into_members(), repeated)));
    }
    if document.is_none() && url.is_none() {
        fields.missing("document");
    }
    fields.end()?;
    if let Some(document) = document {
        return Ok(Asked::Document(DocumentText::surveyed(document, repeated)));
    }
    let url = url.as_ref().and_then(Value::as_str).unwrap_or_default();
    let id = verify::credential_at(&app.config.site_url, url).ok_or_else(|| {
        Problem::invalid_field(
            "/url",
            "foreign_url",
            "El campo url debe ser la dirección de una credencial de este servicio; de otros sitios no se lee nada",
            "The field url must be the address of a credential of this service; nothing is fetched from elsewhere",
        )
    })?;
    Ok(Asked::Credential(id))
}

/// The answer to a file without a document that can be read.
fn no_document(fault: AttachedFault) -> Problem {
    match fault {
        AttachedFault::FileTooLarge => Problem::document_too_large(true),
        AttachedFault::DocumentTooLarge => Problem::document_too_large(false),
        fault => {
            Problem::invalid_field("", fault.code(), fault.text(Lang::Es), fault.text(Lang::En))
        }
    }
}

/// Answers the verification of a document.
async fn verdict(
    app: &App,
    call: &Call,
    document: &DocumentText,
) -> Result<Response<Body>, Problem> {
    if document.presents_several {
        return Err(no_document(AttachedFault::Several));
    }
    let verification = document.verify(app, call.now).await?;
    let mut answer = answer(&verification, &app.config.site_url, call.lang);
    let stored = verify_text::stored(app, &verification).await?;
    if let Some(Stored::Credential(credential)) = &stored
        && verification.standing == Standing::Revoked
        && let Some(members) = answer.as_object_mut()
    {
        members.insert("revoked_at".to_owned(), json!(credential.status_at));
    }
    if let Some(Stored::Erased(left)) = stored
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
