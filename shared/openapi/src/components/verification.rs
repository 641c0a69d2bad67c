//! Verification, and the documents of the public side: `api::verify`, `web`, `document`.

use serde_json::{Map, Value, json};

use crate::schema::{
    about, has, instant, like, list, list_of, may, mode, null_or, object, of, one_of, only, sent,
    string, uri, uuid, word,
};

/// The components of this file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("Empty", sent([])),
        ("VerifyRequest", verify_request()),
        ("Verification", verification()),
        ("SignedDocument", signed_document()),
        ("Presentation", presentation()),
        ("Protocols", protocols()),
        ("DidDocument", did_document()),
        ("AchievementDocument", linked_data("An `Achievement` of Open Badges 3.0.")),
        ("StatusList", linked_data("A signed `BitstringStatusListCredential`.")),
    ]
}

/// An object with these members at least.
fn any_with(names: &[&str]) -> Value {
    let members: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    json!({
        "type": "object", "required": names, "properties": members, "additionalProperties": true,
    })
}

/// A document that is defined elsewhere, and may have any member.
fn linked_data(text: &str) -> Value {
    about(text, any_with(&["@context", "id", "type"]))
}

fn signed_document() -> Value {
    linked_data("A signed `OpenBadgeCredential` (Open Badges 3.0, Verifiable Credentials 2.0).")
}

fn verify_request() -> Value {
    let url = about("The address of a credential of this service.", string());
    let any = any_with(&[]);
    let document = any_with(&["@context"]);
    let presented = any_with(&["verifiablePresentation"]);
    let schema = json!({ "anyOf": [
        sent([has("url", url)]),
        sent([has("document", any), may("url", json!({}))]),
        about("The document itself.", document),
        about("The answer of an exchange.", presented),
    ] });
    like(
        json!({ "url": "https://credenciales.ejemplo.edu/credential/5f0c6c1e-8e0e-8a63-9d0b-0d6c1f9a2b11" }),
        schema,
    )
}

fn verification() -> Value {
    let check = object([
        has("check", word(["document", "issuer", "proof", "status", "period"])),
        has("result", word(["passed", "failed", "skipped"])),
        has("text", string()),
    ]);
    object([
        has("verified", crate::schema::flag()),
        has("status", word(["issued", "expired", "suspended", "revoked", "replaced", "invalid"])),
        has("mode", null_or(mode())),
        has("credential_id", null_or(uuid())),
        has("credential_url", null_or(uri())),
        has("checks", list(check)),
        may("revoked_at", null_or(instant())),
        may("erased_at", instant()),
        may("note", string()),
    ])
}

fn presentation() -> Value {
    let presentation = object([
        has("@context", list(string())),
        has("type", list_of(1, 1, only("VerifiablePresentation"))),
        has("verifiableCredential", list_of(1, 1, of("SignedDocument"))),
    ]);
    object([has("verifiablePresentation", presentation)])
}

fn protocols() -> Value {
    object([has("protocols", object([has("vcapi", uri()), has("website", uri())]))])
}

fn did_document() -> Value {
    let context = one_of([string(), list(string())]);
    json!({
        "type": "object", "required": ["@context", "id"], "additionalProperties": true,
        "properties": { "@context": context, "id": string() },
    })
}
