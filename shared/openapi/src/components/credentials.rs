//! Credentials and their recipients: `domain::recipient`, `domain::ledger`, `domain::history`, `api::issue`, `api::dry_run`.

use serde_json::{Value, json};
use unicreda::{
    api::credential_changes::{MAX_IDS, MAX_REASON},
    domain::{
        email::MAX_ADDRESS,
        field::{FieldName, Kind},
        job::MAX_RECIPIENTS,
        metadata::{MAX_BYTES, MAX_KEY, MAX_KEYS},
        recipient::{MAX_CUSTOM, MAX_DESCRIPTION, MAX_EVIDENCE, MAX_EXTERNAL_ID, MAX_URL},
        text::MAX_TEXT,
        undelivered::Undelivered,
    },
};

use crate::schema::{
    Member, about, address, closed, count, day, flag, has, instant, language, like, list, list_of,
    map, may, mode, null_or, number, object, of, of_members, one_of, only, or, quantity, sent,
    short, some, string, text, uri, uuid, word,
};

/// The components of this file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("IssueRequest", issue_request()),
        ("Recipient", recipient()),
        ("Evidence", evidence()),
        ("Facts", facts()),
        ("MetadataInput", metadata(true)),
        ("Metadata", metadata(false)),
        ("SignedRecipient", signed_recipient()),
        ("IssuedAtOnce", issued_at_once()),
        ("IssuedCredential", issued_credential()),
        ("RefusedRecipient", refused_recipient()),
        ("DryRun", dry_run()),
        ("DryRunNew", dry_run_found("new")),
        ("DryRunDuplicate", dry_run_found("duplicate")),
        ("DryRunInvalid", dry_run_invalid()),
        ("Credential", credential(false)),
        ("CredentialWithHistory", credential(true)),
        ("ErasedCredential", erased(false)),
        ("ErasedCredentialWithHistory", erased(true)),
        ("HistoryEntry", history_entry()),
        ("FieldChange", field_change()),
        ("Correction", correction()),
        ("Reason", reason(true)),
        ("OptionalReason", reason(false)),
        ("Renewal", renewal()),
        ("RevokeMany", revoke_many()),
        ("TestMail", test_mail()),
        ("Resent", object([has("credential_id", uuid()), has("email_status", email_status())])),
    ]
}

fn issue_request() -> Value {
    let strict = "Refuses the kinds of warnings that it names; `true` for all.";
    let reissue = "Gives a recipient whose credential was erased a new one; needs the scope `manage` besides.";
    let schema = sent([
        has("template_id", uuid()),
        has("recipients", list_of(1, MAX_RECIPIENTS, of("Recipient"))),
        may("send_email", null_or(or(true, flag()))),
        may("strict", about(strict, of("Strict"))),
        may("reissue", null_or(about(reissue, or(false, flag())))),
        may("metadata", null_or(about("Of every recipient; its own win.", of("MetadataInput")))),
    ]);
    let example = json!({
        "template_id": "5f0c6c1e-8e0e-4a63-9d0b-0d6c1f9a2b11",
        "recipients": [{
            "email": "ana.rojas@ejemplo.edu", "recipient_name": "Ana Rojas Peña", "result_value": "A",
            "external_id": "2026-0001", "language": "es",
        }],
    });
    like(example, schema)
}

/// A field of a recipient as a request has it; null and an empty text count as absent.
fn field(name: FieldName) -> Member {
    let schema = match (name, name.kind()) {
        (FieldName::RecipientName, _) => like("Ana Rojas Peña", short()),
        (_, Kind::Text) => short(),
        (_, Kind::Number) => quantity(),
        (_, Kind::Date) => day(),
        (_, Kind::Array) => list_of(0, MAX_EVIDENCE, of("Evidence")),
    };
    may(name.as_str(), null_or(schema))
}

fn recipient() -> Value {
    let email = "ASCII before the `@`, any public domain.";
    let mut members =
        vec![has("email", about(email, like("ana.rojas@ejemplo.edu", text(MAX_ADDRESS))))];
    members.extend(FieldName::ALL.map(field));
    members.extend([
        may("custom", null_or(of("Facts"))),
        may("metadata", null_or(of("MetadataInput"))),
        may("external_id", null_or(about("Yours; echoed everywhere.", text(MAX_EXTERNAL_ID)))),
        may("language", null_or(about("The language of the mail.", language()))),
    ]);
    let text = "Whom a credential is for. The template decides which fields it takes but `email`, `awarded_on`, `valid_until`, `external_id`, `metadata` and `language`. Null and empty count as absent.";
    about(text, closed(of_members(members)))
}

fn evidence() -> Value {
    let schema = sent([
        may("name", null_or(short())),
        may("url", null_or(about("An absolute address of http or https.", text(MAX_URL)))),
        may("description", null_or(text(MAX_DESCRIPTION))),
    ]);
    about("Evidence of the work: a name or a URL, at least.", schema)
}

/// `domain::custom`: texts, and numbers.
fn facts() -> Value {
    let value = json!({ "type": ["string", "number", "null"], "maxLength": MAX_TEXT });
    let mut schema = map(value);
    if let Some(members) = schema.as_object_mut() {
        members.insert("maxProperties".to_owned(), MAX_CUSTOM.into());
    }
    about(
        "Values of the template's `custom_fields`, by their keys.",
        like(json!({ "hours": 40 }), schema),
    )
}

/// `domain::metadata`: names and texts.
fn metadata(sent: bool) -> Value {
    let value = match sent {
        true => json!({ "type": ["string", "null"] }),
        false => string(),
    };
    let mut schema = map(value);
    if let Some(members) = schema.as_object_mut() {
        members.insert("maxProperties".to_owned(), MAX_KEYS.into());
        members.insert("propertyNames".to_owned(), json!({ "minLength": 1, "maxLength": MAX_KEY }));
    }
    let text = format!(
        "Your own notes, for your keys alone: on no page, document or mail, and no part of the identity. At most {MAX_BYTES} bytes as JSON."
    );
    about(&text, like(json!({ "cost_center": "4711" }), schema))
}

/// The recipient of a dry run's row: the fields that would be signed.
fn signed_recipient() -> Value {
    let mut members = vec![has("email", address())];
    members.extend(FieldName::ALL.map(|name| match name.kind() {
        Kind::Text => may(name.as_str(), short()),
        Kind::Number => may(name.as_str(), quantity()),
        Kind::Date => may(name.as_str(), day()),
        Kind::Array => may(name.as_str(), list(of("Evidence"))),
    }));
    members.extend([
        may("custom", of("Facts")),
        may("metadata", of("Metadata")),
        may("external_id", text(MAX_EXTERNAL_ID)),
        may("language", language()),
    ]);
    about(
        "A recipient as it would be signed: read, cleaned, filled in from the profile.",
        of_members(members),
    )
}

fn issued_at_once() -> Value {
    let entry = one_of([of("IssuedCredential"), of("RefusedRecipient")]);
    object([has("mode", only("sync")), has("credentials", list_of(1, 1, entry))])
}

fn recipient_type() -> Value {
    word(["internal", "external"])
}

/// `CurrentCredential::email_status`.
pub fn email_status() -> Value {
    let states =
        ["pending", "sent", "failed", "skipped", "delivered", "bounced", "complained", "rejected"];
    about(
        "`sent`: SES took it; after its report `delivered`, `bounced`, `complained` or `rejected`.",
        word(states),
    )
}

/// `Undelivered`: why mail did not arrive.
pub fn email_error() -> Value {
    null_or(word(Undelivered::ALL.map(Undelivered::as_str)))
}

/// Members of `WarningReport`.
fn warned() -> [Member; 2] {
    [may("warnings", list(string())), may("warning_kinds", list(of("WarningKind")))]
}

/// Private facts that a duplicate says otherwise.
fn differs() -> Member {
    let text = "Private facts that this duplicate says otherwise than its credential; to keys with `read`.";
    may("private_differs", about(text, like(json!(["custom.rut"]), list(string()))))
}

fn issued_credential() -> Value {
    let mut members = vec![
        has("email", about("As sent.", string())),
        has("status", only("issued")),
        has("credential_id", uuid()),
        has("credential_url", uri()),
        has("recipient_type", recipient_type()),
        has("duplicate", about("Whether the same content was issued before.", flag())),
        has("email_status", email_status()),
        differs(),
        may("metadata", of("Metadata")),
    ];
    members.extend(warned());
    members.push(may("external_id", text(MAX_EXTERNAL_ID)));
    of_members(members)
}

/// Members of `FaultReport`.
fn faults() -> [Member; 3] {
    [
        has("errors", about("The first 20 faults, for people.", list(string()))),
        has("error_codes", about("The code of each.", list(string()))),
        may("errors_omitted", count()),
    ]
}

fn refused_recipient() -> Value {
    let mut members = vec![has("email", about("As sent.", string())), has("status", only("error"))];
    members.extend(faults());
    members.extend(warned());
    members.push(may("external_id", string()));
    of_members(members)
}

fn dry_run() -> Value {
    let row = one_of([of("DryRunNew"), of("DryRunDuplicate"), of("DryRunInvalid")]);
    let truncated = "Whether the rows are shorter than they would be, to fit the answer.";
    object([
        has("mode", only("dry_run")),
        has("total", count()),
        has("new", count()),
        has("duplicates", count()),
        has("invalid", count()),
        has("errors_truncated", about(truncated, flag())),
        has("recipients", list(row)),
    ])
}

fn dry_run_found(outcome: &'static str) -> Value {
    let mut members = vec![
        has("row", number()),
        has("email", string()),
        has("outcome", only(outcome)),
        has("credential_id", uuid()),
    ];
    if outcome == "duplicate" {
        members.push(may(
            "credential_url",
            about("Absent where an earlier row of the request has the content.", uri()),
        ));
    }
    members.extend([
        has("recipient_type", recipient_type()),
        has(
            "also_holds",
            about("Other credentials of the template that the address holds.", list(uuid())),
        ),
        differs(),
    ]);
    members.extend(warned());
    members.push(may("external_id", text(MAX_EXTERNAL_ID)));
    of_members(members)
}

fn dry_run_invalid() -> Value {
    let mut members =
        vec![has("row", number()), has("email", string()), has("outcome", only("invalid"))];
    members.extend(faults());
    members.extend(warned());
    members.push(may("external_id", string()));
    of_members(members)
}

/// `CurrentCredential::answer`, without or with the history.
fn credential(history: bool) -> Value {
    let mut members = vec![
        has("credential_id", uuid()),
        has("credential_url", uri()),
        has("status", word(["issued", "suspended", "revoked"])),
        has("status_at", null_or(instant())),
        has("status_reason", null_or(string())),
        has("blocked_at", null_or(instant())),
        has("blocked_reason", null_or(string())),
        has("version", about("The signed version.", number())),
        has("corrected_at", null_or(instant())),
        has("mode", mode()),
        has("template_id", uuid()),
        has("template_version", number()),
        has("issued_at", instant()),
        has("issued_on", about("The day of issue that is printed.", null_or(day()))),
        has("expires_on", about("The last day of validity that is printed.", null_or(day()))),
        has("recipient_type", recipient_type()),
        has("email_status", email_status()),
        has("email_delivery_at", null_or(instant())),
        has("email_sent_at", null_or(instant())),
        has("email_error", email_error()),
        has("email_detail", about("What happened and what to do, for people.", null_or(string()))),
        has("email", address()),
        has("external_id", null_or(text(MAX_EXTERNAL_ID))),
    ];
    members.extend(FieldName::ALL.map(|name| match name.kind() {
        Kind::Text => has(name.as_str(), null_or(short())),
        Kind::Number => has(name.as_str(), null_or(quantity())),
        Kind::Date => has(name.as_str(), null_or(day())),
        Kind::Array => has(name.as_str(), list(of("Evidence"))),
    }));
    members.extend([
        has("custom", of("Facts")),
        has("metadata", of("Metadata")),
        has("language", language()),
    ]);
    members.extend(history.then(with_history));
    of_members(members)
}

fn with_history() -> Member {
    has("history", list(of("HistoryEntry")))
}

/// `Tombstone::answer`.
fn erased(history: bool) -> Value {
    let mut members = vec![
        has("credential_id", uuid()),
        has("template_id", uuid()),
        has("status", only("erased")),
        has("issued_at", instant()),
        has("erased_at", instant()),
        has("erasure_job_id", null_or(uuid())),
        has(
            "erased_for",
            about(
                "At a person's request, or when its time was over.",
                word(["request", "retention"]),
            ),
        ),
        has("still_valid", about("Whether the file that its holder has verifies.", flag())),
    ];
    members.extend(history.then(with_history));
    of_members(members)
}

/// `Event::answer`.
fn history_entry() -> Value {
    object([
        has("action", word(["revoke", "suspend", "reinstate", "correct", "renew"])),
        has("renewed_until", null_or(day())),
        has("at", instant()),
        has("key_id", string()),
        has("key_name", string()),
        has("job_id", null_or(uuid())),
        has("reason", null_or(string())),
        has("fields", list(string())),
        has("replaced_version", null_or(number())),
    ])
}

fn field_change() -> Value {
    object([has("field", string()), has("before", json!({})), has("after", json!({}))])
}

fn correction() -> Value {
    let mut members = vec![may("email", text(MAX_ADDRESS))];
    members.extend(FieldName::ALL.map(field));
    members.extend([may("custom", null_or(of("Facts"))), may("reason", null_or(text(MAX_REASON)))]);
    let example =
        json!({ "recipient_name": "Ana Rojas Peña", "reason": "Faltaba el segundo apellido" });
    let text = "The fields that change; null removes one.";
    about(text, like(example, closed(of_members(members))))
}

fn reason(required: bool) -> Value {
    let reason = about("For the organization; public pages do not show it.", text(MAX_REASON));
    let needed = about("For the organization; public pages do not show it.", some(MAX_REASON));
    let example = json!({ "reason": "Emitida por error" });
    match required {
        true => like(example, sent([has("reason", needed)])),
        false => like(example, sent([may("reason", null_or(reason))])),
    }
}

fn renewal() -> Value {
    let until = "The new last day; without it the months of the template count.";
    let schema = sent([
        may("until", about(until, null_or(day()))),
        may("reason", null_or(text(MAX_REASON))),
    ]);
    like(json!({ "until": "2028-11-28" }), schema)
}

fn revoke_many() -> Value {
    let reason = || has("reason", some(MAX_REASON));
    let ids = sent([reason(), has("ids", list_of(1, MAX_IDS, string()))]);
    let job = about("The credentials that this job issued.", uuid());
    like(
        json!({ "reason": "Emitidas por error", "job_id": "0192f6a0-0000-7000-8000-000000000000" }),
        one_of([ids, sent([reason(), has("job_id", job)])]),
    )
}

fn test_mail() -> Value {
    object([
        has("credential_id", uuid()),
        has("to", list(address())),
        has("subject", string()),
        has("text", string()),
        has("html", string()),
        has("sent_at", instant()),
    ])
}
