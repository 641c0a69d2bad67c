//! Members, suppressions, requests about personal data: `domain::member`, `api::member_import`, `domain::feedback`,
//! `api::privacy`.

use serde_json::{Value, json};
use unicreda::{api::credential_changes::MAX_REASON, domain::encoding::Encoding};

use crate::schema::{
    about, address, count, flag, has, instant, language, like, list, map, may, null_or, number,
    object, of, or, sent, short, some, string, text, uri, uuid, word, yes,
};

/// The components of this file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("Member", member()),
        ("MemberProfile", profile()),
        ("MemberCredentials", credentials()),
        ("ImportedMembers", imported()),
        ("Suppression", suppression()),
        ("ErasePerson", erase(true)),
        ("EraseCredential", erase(false)),
    ]
}

fn member() -> Value {
    object([
        has("email", address()),
        has("name", null_or(string())),
        has("role", null_or(string())),
        has("license_number", null_or(string())),
        has("term", null_or(string())),
        has("language", null_or(language())),
        has("created_at", instant()),
        has("updated_at", instant()),
    ])
}

fn profile() -> Value {
    let schema = sent([
        may("email", null_or(about("As in the path.", text(320)))),
        may("name", null_or(short())),
        may("role", null_or(short())),
        may("license_number", null_or(short())),
        may("term", null_or(short())),
        may("language", null_or(language())),
        may("created_at", about("Of an answer; not read.", json!({}))),
        may("updated_at", about("Of an answer; not read.", json!({}))),
    ]);
    let example = json!({ "name": "Ana Rojas Peña", "role": "Docente", "language": "es" });
    about("Replaces all.", like(example, schema))
}

fn credentials() -> Value {
    let items = json!({ "oneOf": [of("Credential"), of("ErasedCredential")] });
    object([
        has("items", list(items)),
        has("next_cursor", null_or(string())),
        has("wallet_url", about("Personal: give it to the member only.", uri())),
        has("wallet_url_expires_at", instant()),
    ])
}

fn imported() -> Value {
    let error = object([
        has("row", number()),
        has("line", number()),
        has("email", string()),
        has("error", string()),
        has("code", null_or(string())),
    ]);
    let repeat = object([
        has("row", number()),
        has("line", number()),
        has("email", string()),
        has("repeated_by", number()),
        has("repeated_by_line", null_or(number())),
    ]);
    object([
        has("total", count()),
        has("imported", about("People.", count())),
        has("failed", count()),
        has("repeated", count()),
        has("new", count()),
        has("changed", count()),
        has("unchanged", count()),
        has("cleared", about("Values that rows clear, by field.", map(count()))),
        has("errors", list(error)),
        has("errors_truncated", flag()),
        has("repeats", list(repeat)),
        has("encoding", word(Encoding::ALL.map(Encoding::as_str))),
        has("encoding_guessed", flag()),
        has("warnings", list(of("Warning"))),
        may("dry_run", yes()),
    ])
}

fn suppression() -> Value {
    object([
        has("email", address()),
        has("reason", word(["bounced", "complained"])),
        has("since", instant()),
        has("credential_id", uuid()),
    ])
}

fn erase(person: bool) -> Value {
    let reason =
        || has("reason", about("It stays on the job: name nobody in it.", some(MAX_REASON)));
    let keep = || {
        may(
            "keep_valid",
            about("Whether files that holders have stay valid.", null_or(or(true, flag()))),
        )
    };
    match person {
        true => like(
            json!({ "email": "ana.rojas@ejemplo.edu", "reason": "A petición de su titular" }),
            sent([has("email", some(320)), reason(), keep()]),
        ),
        false => like(json!({ "reason": "A petición de su titular" }), sent([reason(), keep()])),
    }
}
