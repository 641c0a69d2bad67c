//! The catalog's endpoints: templates, members, API keys, settings, lists, isolation.

mod api_keys;
mod lists;
mod look_up;
mod members;
mod organization;
mod templates;

pub use members::import;

use serde_json::{Value, json};
use unicreda::{
    App,
    api::{auth, organization as organizations},
    domain::{
        api_key::{self, Scope},
        email::EmailAddress,
        ids::{Mode, OrgId},
        organization::Settings,
    },
};

use crate::harness::{Reply, World};

/// A well-formed id of nothing.
const UNKNOWN: &str = "7a8b9c0d-1e2f-8a4b-8c6d-7e8f9a0b1c2d";
/// A member of the demo organization.
const MEMBER: &str = "ana.rojas@demo.example";

/// An organization beside the demo's, and a live key of it with all scopes.
pub async fn another_organization(app: &App, name: &str) -> String {
    let org = OrgId::parse(name).expect("a name");
    let now = unicreda::domain::time::millis(app.clock.now());
    let settings = Settings::new(
        "Otra Universidad",
        EmailAddress::parse("credenciales@otra.example").expect("an address"),
    );
    let created = organizations::create(app, org, settings, now).await;
    assert!(created.expect("the organization"));
    key_of(app, name, Mode::Live, &Scope::ALL, None).await
}

/// A key written to the store directly: it can have expired before it was created.
pub async fn key_of(
    app: &App,
    org: &str,
    mode: Mode,
    scopes: &[Scope],
    expires_at: Option<&str>,
) -> String {
    let org = OrgId::parse(org).expect("a name");
    let entropy = auth::random().expect("randomness");
    let now = unicreda::domain::time::millis(app.clock.now());
    let expires_at = expires_at.map(str::to_owned);
    let key = api_key::new(&org, mode, "prueba".into(), scopes.to_vec(), now, expires_at, &entropy);
    app.catalog.put_key(&org, &key.kept).await.expect("the key");
    key.secret
}

/// The public part of a key.
fn key_id(key: &str) -> &str {
    key.split('_').nth(3).expect("an id")
}

/// A text member of an answer.
fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("{name}: {answer}"))
}

/// The entries of a list's answer.
fn items(list: &Value) -> &[Value] {
    list["items"].as_array().unwrap_or_else(|| panic!("no list: {list}"))
}

/// A request with the live key, in English.
async fn in_english(world: &World, method: &str, path: &str, body: &Value) -> Reply {
    let headers = [
        ("x-api-key", world.demo.api_key.as_str()),
        ("content-type", "application/json"),
        ("accept-language", "en"),
    ];
    world.send(method, &format!("/api/v1{path}"), &headers, body.to_string()).await
}

/// Requires one fault, at this pointer and of this code.
pub fn one_fault(reply: Reply, pointer: &str, code: &str) -> Value {
    let problem = reply.problem(400, "invalid_request");
    let errors = problem["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 1, "{problem}");
    assert_eq!(errors[0]["pointer"], pointer, "{problem}");
    assert_eq!(errors[0]["code"], code, "{problem}");
    assert_eq!(errors[0]["message"], problem["detail"]);
    problem
}

/// All entries of a list, page by page; each page but the last is full.
async fn all(world: &World, path: &str, limit: usize) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let joint = if path.contains('?') { '&' } else { '?' };
        let page = world.get(&format!("{path}{joint}limit={limit}{cursor}")).await;
        assert!(items(&page).len() <= limit, "{page}");
        found.extend_from_slice(items(&page));
        let Some(next) = page["next_cursor"].as_str() else {
            return found;
        };
        assert_eq!(items(&page).len(), limit, "a page that is short has no next one");
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        cursor = format!("&cursor={next}");
    }
}

/// Creates a template; its id.
async fn template(world: &World, definition: &Value) -> String {
    let made = world.call("POST", "/templates", Some(definition)).await.expect(201).json();
    text(&made, "id").to_owned()
}

/// Issues one recipient under a template; its entry of the answer.
async fn issue_under(world: &World, key: &str, template: &str, recipient: &Value) -> Value {
    let body = json!({ "template_id": template, "recipients": [recipient] });
    let answer = world.call_as(key, "POST", "/credentials/issue", Some(&body)).await;
    answer.expect(200).json()["credentials"][0].clone()
}

/// A definition with every member.
fn course() -> Value {
    json!({
        "name": "Curso de álgebra", "description": "Treinta horas.", "language": "en",
        "achievement": { "type": "Course", "criteria": "Aprobar.", "credits_available": 7.5 },
        "fields": [
            { "name": "result_value", "required": true, "allowed_values": ["Bien", "Mal"] },
            { "name": "credits_earned", "required": false, "min": 0.5, "max": 7.5 },
            { "name": "activity_end_date" },
            { "name": "evidence", "required": true },
        ],
        "validity_months": 24,
    })
}
