//! Organization, API keys, signing keys: `domain::organization`, `domain::api_key`, `domain::signing_key`.

use serde_json::{Value, json};
use unicreda::domain::{
    api_key::Scope,
    public_hides::Hidden,
    retention::{ENDED_DAYS, FEWEST_JOBS_DAYS, FILES_DAYS, JOBS_DAYS},
};

use crate::schema::{
    Member, about, address, closed, flag, has, instant, language, like, list, may, mode, null_or,
    number, object, of, of_members, sent, short, string, text, uri, whole, word,
};

/// The components of this file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("Organization", organization()),
        ("OrganizationSettings", settings()),
        ("Retention", retention()),
        ("RetentionInput", retention_input()),
        ("ApiKey", api_key(false)),
        ("NewApiKey", api_key(true)),
        ("OwnKey", own_key()),
        ("ApiKeyRequest", api_key_request()),
        ("SigningKey", signing_key()),
        ("StatusListBegun", object([has("list_id", string()), has("url", uri())])),
    ]
}

fn hides() -> Value {
    list(word(Hidden::ALL.map(Hidden::as_str)))
}

fn organization() -> Value {
    object([
        has("id", like("demo", string())),
        has("name", string()),
        has("language", language()),
        has("time_zone", like("America/Santiago", string())),
        has("sender", address()),
        has("allowed_senders", about("Addresses, and domains as `@domain`.", list(string()))),
        has("reply_to", null_or(address())),
        has("notify_members", flag()),
        has("logo", null_or(uri())),
        has("linkedin_id", null_or(number())),
        has("website", null_or(uri())),
        has("contact", null_or(address())),
        has("public_hides", about("What public pages leave out.", hides())),
        has("retention", of("Retention")),
        has("created_at", instant()),
    ])
}

fn settings() -> Value {
    let not_read = || about("Of an answer; not read.", json!({}));
    let address = || text(320);
    let example = json!({ "name": "Universidad de Ejemplo", "time_zone": "America/Santiago" });
    let schema = sent([
        may("name", null_or(short())),
        may("language", null_or(language())),
        may("time_zone", null_or(about("IANA.", like("America/Santiago", text(64))))),
        may("sender", null_or(about("One of `allowed_senders`.", address()))),
        may("reply_to", null_or(address())),
        may("notify_members", null_or(flag())),
        may("logo", of("ImageInput")),
        may("linkedin_id", null_or(whole(1, 1_000_000_000_000))),
        may("website", null_or(text(2_048))),
        may("contact", null_or(address())),
        may("public_hides", null_or(hides())),
        may("retention", null_or(of("RetentionInput"))),
        may("id", not_read()),
        may("created_at", not_read()),
        may("allowed_senders", not_read()),
    ]);
    about("Absent members keep their values.", like(example, schema))
}

/// The bounds of a member of `retention`, in days.
fn days(least: u64, most: u64) -> Value {
    about("Days.", whole(least, most))
}

fn retention_members() -> [(&'static str, Value); 3] {
    [
        ("jobs_days", days(FEWEST_JOBS_DAYS, JOBS_DAYS.into())),
        ("files_days", days(1, FILES_DAYS.into())),
        ("ended_credentials_days", null_or(days(ENDED_DAYS.0, ENDED_DAYS.1))),
    ]
}

fn retention() -> Value {
    of_members(retention_members().map(|(name, schema)| has(name, schema)).into())
}

fn retention_input() -> Value {
    let members = retention_members().map(|(name, schema)| match name {
        "ended_credentials_days" => may(name, schema),
        _ => may(name, null_or(schema)),
    });
    closed(of_members(members.into()))
}

fn scopes() -> Value {
    list(word(Scope::ALL.map(Scope::as_str)))
}

fn api_key(new: bool) -> Value {
    let mut members: Vec<Member> = vec![
        has("id", string()),
        has("name", string()),
        has("mode", mode()),
        has("scopes", scopes()),
        has("prefix", string()),
        has("last_four", string()),
        has("created_at", instant()),
        has("expires_at", null_or(instant())),
        has("revoked_at", null_or(instant())),
        has("last_used_at", null_or(instant())),
    ];
    if new {
        members.push(has("key", about("The secret. It is shown in this answer alone.", string())));
    }
    of_members(members)
}

fn own_key() -> Value {
    let organization = object([has("id", like("demo", string())), has("name", string())]);
    object([
        has("id", string()),
        has("prefix", about("The key up to its id.", string())),
        has("name", string()),
        has("mode", mode()),
        has("scopes", scopes()),
        has("created_at", instant()),
        has("expires_at", null_or(instant())),
        has("organization", organization),
    ])
}

fn api_key_request() -> Value {
    let mut scopes = scopes();
    if let Some(scopes) = scopes.as_object_mut() {
        scopes.insert("minItems".to_owned(), 1.into());
    }
    let schema = sent([
        has("name", short()),
        has("scopes", about("No scope that the caller lacks.", scopes)),
        may("mode", null_or(about("The caller's by default.", mode()))),
        may("expires_at", null_or(instant())),
    ]);
    like(json!({ "name": "Secretaría", "scopes": ["issue", "read"], "mode": "test" }), schema)
}

fn signing_key() -> Value {
    object([
        has("id", about("As documents name it: a DID URL.", uri())),
        has("multikey", string()),
        has("mode", mode()),
        has("created_at", instant()),
        has("retired_at", null_or(instant())),
        has("compromised_at", null_or(instant())),
        has("reason", null_or(string())),
    ])
}
