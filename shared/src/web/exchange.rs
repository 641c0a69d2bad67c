//! How a wallet gets a credential: it asks the address of the page which protocols there are
//! (interaction URL, VCALM), and then the exchange for the document. Neither knows who asks, writes
//! anything or uses anything up: the address of a credential is public, and so is its document.

use http::{Response, header};
use lambda_http::Body;
use serde_json::json;

use crate::{
    app::App,
    domain::{
        credential::{Credential, Status},
        erasure::Stored,
        ids::CredentialId,
    },
    http::{
        problem::Problem,
        serve::{Call, ok},
    },
    web::{
        interaction::exchange_url,
        public::{no_credential, unerased, unsigned},
        respond::{self, set},
    },
};

/// Context of the presentation (Verifiable Credentials 2.0).
const CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";

/// Answers which protocols hand a credential over.
///
/// # Errors
/// `erased`, `revoked` or `credential_unavailable` for what no wallet gets, `not_found`.
pub fn protocols(app: &App, found: Option<Stored>) -> Result<Response<Body>, Problem> {
    let credential = offered(found)?;
    let page = Credential::url(&app.config.site_url, credential.id);
    let protocols = json!({ "vcapi": exchange_url(&page), "website": page });
    let mut response = ok(&json!({ "protocols": protocols }))?;
    set(&mut response, header::VARY, "Accept, Accept-Language");
    Ok(response)
}

/// `POST /credential/{credential_id}/exchange`: a presentation without proof that has the document byte
/// for byte as it was signed. What a wallet sends is not read: nothing of it would change the answer.
///
/// # Errors
/// As [`protocols`]; those of the store.
pub async fn hand_over(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let id = CredentialId::parse(&call.parameter).map_err(|_| no_credential())?;
    let credential = offered(app.credentials.stored(id).await?)?;
    let document = app.status_lists.document(&credential.signed).await?.ok_or_else(unsigned)?;
    let mut body = format!(
        r#"{{"verifiablePresentation":{{"@context":["{CONTEXT}"],"type":["VerifiablePresentation"],"verifiableCredential":["#
    )
    .into_bytes();
    body.extend_from_slice(&document);
    body.extend_from_slice(b"]}}");
    let mut response = respond::document(call, body, "application/json")?;
    set(&mut response, header::CACHE_CONTROL, "no-store");
    Ok(response)
}

/// The credential, if wallets get it. A suspended or expired one they do: its holder has it, and its
/// document says where its state is.
fn offered(found: Option<Stored>) -> Result<Credential, Problem> {
    let credential = unerased(found)?;
    match credential.status {
        _ if credential.blocked.is_some() => Err(Problem::credential_unavailable()),
        Status::Revoked => Err(Problem::revoked()),
        Status::Issued | Status::Suspended => Ok(credential),
    }
}
