use serde_json::{json, value::RawValue};

use super::*;
use crate::domain::recipient::Entry;

fn named(row: Value) -> Named {
    let raw = RawValue::from_string(row.to_string()).expect("JSON");
    let entry = Entry::of_file(&raw);
    Named::new(entry.recipient.expect("a recipient"), entry.naming.expect("an id"))
}

fn stored() -> Recipient {
    let stored = json!({
        "email": "ana@ejemplo.com", "recipient_name": "Ana Pérez", "result_value": "A",
        "credits_earned": 6, "license_number": "00123", "term": "2026-2",
        "activity_start_date": "2026-11-15", "evidence": [{ "url": "https://ejemplo.com/1" }],
    });
    serde_json::from_value(stored).expect("a recipient")
}

#[test]
fn a_row_changes_what_it_says_otherwise_and_nothing_else() {
    let id = "550e8400-e29b-41d4-a716-446655440000";
    for (said, filled, changes) in [
        // What a row does not say stays; what it says alike is no change.
        (json!({}), vec![], json!({})),
        (
            json!({ "recipient_name": " Ana  P\u{e9}rez ", "credits_earned": 6.0 }),
            vec![],
            json!({}),
        ),
        (json!({ "activity_start_date": "2026-11-15" }), vec![], json!({})),
        (json!({ "evidence": [{ "url": "HTTPS://ejemplo.com/1" }] }), vec![], json!({})),
        (json!({ "role": null, "activity_end_date": "" }), vec![], json!({})),
        // The language of the mail is not part of the credential.
        (json!({ "language": "en" }), vec![], json!({})),
        (json!({ "license_number": "123" }), vec![], json!({ "license_number": "123" })),
        (json!({ "term": null }), vec![], json!({ "term": null })),
        (json!({ "term": "  " }), vec![], json!({ "term": null })),
        (json!({ "evidence": [] }), vec![], json!({ "evidence": null })),
        (json!({ "email": "otra@ejemplo.com" }), vec![], json!({ "email": "otra@ejemplo.com" })),
        (json!({ "email": "ANA@Ejemplo.COM" }), vec![], json!({})),
        // A name of the profile: the row is empty there, or says the same.
        (json!({ "recipient_name": "" }), vec![FieldName::RecipientName], json!({})),
        (json!({ "recipient_name": "Ana Pérez" }), vec![FieldName::RecipientName], json!({})),
        (
            json!({ "recipient_name": "Eva" }),
            vec![FieldName::RecipientName],
            json!({ "recipient_name": "Eva" }),
        ),
    ] {
        let mut row = json!({ "email": "ana@ejemplo.com", "credential_id": id });
        for (name, value) in said.as_object().expect("an object") {
            row[name] = value.clone();
        }
        let found = named(row).changes(&stored(), &filled).expect("JSON");
        assert_eq!(Value::Object(found), changes, "{said}");
    }
}

#[test]
fn a_change_has_its_values_before_and_after() {
    let mut after = stored();
    after.term = None;
    after.role = Some("Docente".to_owned());
    let changes = FieldChange::between(&stored(), &after).expect("JSON");
    let expected = json!([
        { "field": "role", "before": null, "after": "Docente" },
        { "field": "term", "before": "2026-2", "after": null },
    ]);
    assert_eq!(serde_json::to_value(changes).expect("JSON"), expected);
}
