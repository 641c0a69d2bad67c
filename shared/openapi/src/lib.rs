//! `docs/openapi.json`: the API in OpenAPI 3.1, made from the table of routes, the limits and words of the product, and a
//! description of each body beside the names of the types that read or write it.
//!
//! The bodies are described by hand, since they are read and written member by member. What keeps the
//! descriptions true is [`contract`]: every test of the service checks its calls against the document.

mod components;
pub mod contract;
mod examples;
mod operation;
mod operations;
mod parameters;
mod schema;

use serde_json::{Map, Value, json};
use unicreda::{http::routes::ROUTES, web::openapi::SITE};

/// What the document says of the API as a whole.
const DESCRIPTION: &str = "Issues digital academic credentials (Open Badges 3.0). A request needs a key, in the header `X-API-Key` or as `Authorization: Bearer`. Every answer of a function has `X-Request-Id`; problems are RFC 9457. After 409 `idempotency_in_progress`, 429, 500 and 503 send the same request again: nothing is issued or mailed twice. A later release may add members to answers.";

/// The groups of operations, and what each is about.
const TAGS: [(&str, &str); 13] = [
    ("Credentials", "Issuing credentials, and changing what was issued."),
    ("Jobs", "What runs in the background, and its outcome."),
    ("Files", "Lists of recipients as files."),
    ("Templates", "What credentials are about."),
    ("Members", "People whose credentials are in a wallet."),
    ("Personal data", "What people can ask an organization for."),
    ("Suppressions", "Addresses that get no mail."),
    ("Organization", "Settings, and the look of certificates."),
    ("API keys", "Who may call the API."),
    ("Signing", "Signing keys and status lists."),
    ("Verification", "Whether a document holds."),
    ("Public pages", "For people, without a key."),
    ("Public documents", "For programs and for people, without a key."),
];

/// Returns the document.
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let operation = operations::of_route(route).document(route);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(route.method.to_ascii_lowercase(), operation);
        }
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "unicreda",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": SITE }],
        "tags": TAGS.map(|(name, about)| json!({ "name": name, "description": about })),
        "security": [{ "key": [] }, { "bearer": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
            "parameters": parameters::components(),
            "headers": parameters::headers(),
            "responses": operation::shared(),
            "schemas": components::schemas(),
        },
    });
    examples::add(&mut document);
    document
}

/// Returns the document as the file has it.
///
/// # Errors
/// Never: it is JSON.
pub fn file() -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(&document())? + "\n")
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn the_file_is_what_is_generated() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        let kept = fs::read_to_string(path).expect("docs/openapi.json");
        let made = file().expect("JSON");
        let differs = kept.lines().zip(made.lines()).position(|(kept, made)| kept != made);
        assert!(kept == made, "cargo run --bin openapi -- --write; line {differs:?}");
    }

    /// A call of a kind that every test makes.
    fn faults(document: Value) -> Vec<String> {
        let answer = json!({ "id": "demo", "url": "x" }).to_string();
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let call = contract::Call {
            method: "POST",
            path: "/api/v1/status-lists",
            query: &[],
            content_type: "",
            body: b"",
            status: 201,
            headers: &headers,
            answer: answer.as_bytes(),
        };
        let compared = contract::Contract::new(document).compare(&call);
        compared.expect("a route").faults
    }

    #[test]
    fn a_member_that_the_document_lacks_is_a_fault_and_so_are_a_status_and_a_header() {
        let found = faults(document()).join("\n");
        assert!(found.contains("\"list_id\" is a required property"), "{found}");
        assert!(found.contains("('id' was unexpected)"), "{found}");
        assert!(found.contains("X-Request-Id is missing"), "{found}");

        let mut lacks = document();
        let statuses = lacks.pointer_mut("/paths/~1api~1v1~1status-lists/post/responses");
        statuses.and_then(Value::as_object_mut).expect("statuses").remove("201");
        assert_eq!(faults(lacks), ["answer: the status 201 is not described"]);
    }

    #[test]
    fn every_example_is_what_its_schema_takes() {
        assert_eq!(contract::wrong_examples(&document()), Vec::<String>::new());
    }
}
