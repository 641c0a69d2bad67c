use jiff::civil::date;

use super::*;
use crate::domain::fields::Fields;

fn definition() -> Definition {
    let body = json!({
        "name": "Curso", "description": "Un curso",
        "fields": [{ "name": "term", "allowed_values": ["Mar-2026", "2026-1"] }],
    });
    let fields = Fields::of_body(body.to_string().as_bytes()).expect("an object");
    Definition::read(fields).expect("a definition").0
}

fn kinds(name: &str, email: &str, day: &str) -> Vec<&'static str> {
    let stored = json!({ "email": email, "recipient_name": name, "activity_end_date": day });
    let recipient: Recipient = serde_json::from_value(stored).expect("a recipient");
    let warnings = judge(&recipient, date(2026, 11, 28), &definition());
    for warning in &warnings {
        assert!(warning.text(Lang::Es).contains(&*warning.field), "{warning:?}");
        assert!(warning.text(Lang::En).contains(&*warning.field), "{warning:?}");
    }
    warnings.iter().map(|warning| warning.kind.as_str()).collect()
}

#[test]
fn what_deserves_a_look_is_warned_of_and_what_only_looks_odd_is_not() {
    let (good, mail, past) = ("Ana Pérez", "ana@ejemplo.com", "2026-11-01");
    for name in ["nan", "NaN", "Nan", "NULL", "None", "n/a", "Ana nan", "nan nan", "sin nombre"] {
        assert_eq!(kinds(name, mail, past), ["placeholder_name"], "{name}");
    }
    for name in
        ["ANA PÉREZ", "Nan Goldin", "Jennifer Null", "Ānanda", "Ôku", "李", "D'Ávila", "Nona None"]
    {
        assert_eq!(kinds(name, mail, past), [] as [&str; 0], "{name}");
    }
    assert_eq!(kinds("Ana@Ejemplo.com", mail, past), ["name_is_address"]);
    assert_eq!(kinds("Ana @ casa", mail, past), [] as [&str; 0]);
    for name in ["test", "Prueba", "Ana .", "Ana -", "Ana Pérez *"] {
        assert_eq!(kinds(name, mail, past), ["placeholder_name"], "{name}");
    }
    for name in ["12345", "12.345.678-9", "-", "...", "★"] {
        assert_eq!(kinds(name, mail, past), ["name_without_letters"], "{name}");
    }
    for name in ["Ana Pérez (Ana María Pérez Soto)", "Ana Pérez (invitada)", "Ana (ella) Pérez"]
    {
        assert_eq!(kinds(name, mail, past), ["name_with_note"], "{name}");
    }
    for name in ["Ana Pérez <ana@ejemplo.com>", "ana@ejemplo.com Ana", "Ana (ana@ejemplo.com)"] {
        assert_eq!(kinds(name, mail, past), ["name_is_address"], "{name}");
    }
    // Their fault is enough.
    for name in ["=CONCATENAR(A1;B1)", "#¿NOMBRE?", "JosÃ© PÃ©rez (ella)", "=SI(A1=\"\";;B1) -"]
    {
        assert_eq!(kinds(name, mail, past), [] as [&str; 0], "{name}");
    }
    for name in [
        "X Æ A-12",
        "Ana Pérez 2.ª",
        "Juan Pérez III",
        "Sammy Davis Jr.",
        "Ana Pérez P.",
        "M.ª José",
    ] {
        assert_eq!(kinds(name, mail, past), [] as [&str; 0], "{name}");
    }
    for address in ["ana@gmial.com", "ana@gmail.co", "ana@ejemplo.con", "www.ana@gmail.com"] {
        assert_eq!(kinds(good, address, past), ["address_typo"], "{address}");
    }
    for address in ["ana@gmail.com", "ana@uniandes.edu.co", "www@ejemplo.com"] {
        assert_eq!(kinds(good, address, past), [] as [&str; 0], "{address}");
    }
    // The 29th is today somewhere.
    for (day, expected) in [("2026-11-29", vec![]), ("2026-11-30", vec!["future_date"])] {
        assert_eq!(kinds(good, mail, day), expected, "{day}");
    }
}

#[test]
fn a_text_that_is_a_date_is_warned_of_unless_the_template_lists_it() {
    let found = |field: &str, text: &str| -> Vec<String> {
        let mut stored = json!({ "email": "ana@ejemplo.com", "recipient_name": "Ana Pérez" });
        stored[field] = text.into();
        let recipient: Recipient = serde_json::from_value(stored).expect("a recipient");
        let warnings = judge(&recipient, date(2026, 11, 28), &definition());
        warnings
            .iter()
            .map(|warning| format!("{} {}", warning.kind.as_str(), warning.value))
            .collect()
    };
    for (field, text) in [
        ("term", "Feb-2026"),
        ("term", "01/02/2026"),
        ("term", "2026-02-01 00:00:00"),
        ("term", "feb-26"),
        ("term", "46054"),
        ("role", "1-2-2026"),
        ("result_value", "06/07/2026"),
        ("license_number", "2-ene"),
    ] {
        assert_eq!(found(field, text), [format!("date_as_text {text}")], "{field}");
    }
    for (field, text) in [
        ("term", "Mar-2026"),
        ("term", "2026-1"),
        ("term", "MAR-2026"),
        ("term", "marzo 2026"),
        ("license_number", "46054"),
        ("role", "Docente"),
        ("result_value", "6.5"),
    ] {
        assert_eq!(found(field, text), [] as [&str; 0], "{field} {text}");
    }
    // Of a day that no credential can name, the fault says all.
    assert_eq!(found("activity_end_date", "9999-01-01"), [] as [&str; 0]);
    assert_eq!(found("activity_end_date", "2027-01-01"), ["future_date 2027-01-01"]);
}

#[test]
fn rows_are_counted_by_kind_and_the_first_hundred_named() {
    let stored = json!({ "email": "a@gmial.com", "recipient_name": "nan" });
    let recipient: Recipient = serde_json::from_value(stored).expect("a recipient");
    let warnings = judge(&recipient, date(2026, 11, 28), &definition());
    let mut counted = Warnings::default();
    let place = |row: u32, line: Option<u64>| Place { row, line };
    (1..=300).for_each(|row| counted.note(place(row, None), &warnings));
    counted.note(place(301, None), &[]);
    let answer = counted.answer(Lang::Es);
    assert_eq!(answer.len(), 2);
    assert_eq!(
        (&answer[0]["kind"], &answer[0]["count"]),
        (&json!("placeholder_name"), &json!(300))
    );
    assert_eq!(
        answer[1]["examples"],
        json!([{ "row": 1, "value": "gmial.com", "meant": "gmail.com" }])
    );
    assert_eq!(
        answer[1]["text"],
        "Direcciones que parecen mal escritas: revísalas (fila 1 «gmial.com», ¿gmail.com?)"
    );
    let named: usize = answer.iter().map(|kind| kind["rows"].as_array().expect("rows").len()).sum();
    assert_eq!(named, NAMED);
    let stored = serde_json::to_value(&counted).expect("JSON");
    assert_eq!(serde_json::from_value::<Warnings>(stored.clone()).expect("warnings"), counted);
    // A kind of a later release.
    let mut later = stored;
    let kinds = later.as_array_mut().expect("kinds");
    kinds.push(json!({ "kind": "later", "count": 1, "rows": [1], "more": { "x": [1] } }));
    assert_eq!(serde_json::from_value::<Warnings>(later).expect("warnings"), counted);
}

/// A file that two releases read in turn: the former one knows no lines.
#[test]
fn rows_of_a_file_have_their_lines_unless_a_former_release_noted_some_of_them() {
    let stored = json!({ "email": "a@gmial.com", "recipient_name": "Ana" });
    let recipient: Recipient = serde_json::from_value(stored).expect("a recipient");
    let warnings = judge(&recipient, date(2026, 11, 28), &definition());
    let mut counted = Warnings::default();
    (1..=300).for_each(|row| {
        counted.note(Place { row, line: Some(u64::from(row) + 3) }, &warnings);
    });
    let answer = &counted.answer(Lang::Es)[0];
    assert_eq!((&answer["rows"][99], &answer["lines"][99]), (&json!(100), &json!(103)));
    assert_eq!(answer["lines"].as_array().map(Vec::len), Some(NAMED), "as many as rows");
    assert!(answer["text"].as_str().expect("a text").contains("(línea 4 «gmial.com»"), "{answer}");

    let former = json!([{ "kind": "address_typo", "count": 1, "rows": [1], "examples": [] }]);
    let mut read: Warnings = serde_json::from_value(former).expect("an item of before");
    read.note(Place { row: 2, line: Some(5) }, &warnings);
    let mixed = read.answer(Lang::Es)[0].clone();
    assert_eq!((&mixed["rows"], mixed.get("lines")), (&json!([1, 2]), None), "{mixed}");
}

#[test]
fn strict_is_all_kinds_or_those_it_names() {
    let read = |value: Value| Strict::read(&value);
    assert!(read(json!(false)).expect("none").is_empty());
    let all = read(json!(true)).expect("all");
    assert!(WarningKind::refusing().all(|kind| all.refuses(kind)));
    assert!(!all.refuses(WarningKind::SameName) && WarningKind::parse("same_name").is_none());
    let one = read(json!(["future_date"])).expect("one");
    assert!(one.refuses(WarningKind::FutureDate) && !one.refuses(WarningKind::AddressTypo));
    assert_eq!(serde_json::to_value(one).expect("JSON"), json!(["future_date"]));
    assert_eq!(serde_json::from_value::<Strict>(json!(["future_date"])).expect("strict"), one);
    for wrong in [json!("all"), json!(["otra"]), json!([1]), json!(1)] {
        assert_eq!(read(wrong), None);
    }
}
