use jiff::civil::date;

use super::*;

fn kinds(name: &str, email: &str, day: &str) -> Vec<&'static str> {
    let stored = json!({ "email": email, "recipient_name": name, "activity_end_date": day });
    let recipient: Recipient = serde_json::from_value(stored).expect("a recipient");
    let warnings = judge(&recipient, date(2026, 11, 28));
    for warning in &warnings {
        assert!(warning.text(Lang::Es).contains(warning.field), "{warning:?}");
        assert!(warning.text(Lang::En).contains(warning.field), "{warning:?}");
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
    for domain in [
        "gmial.com",
        "gmail.con",
        "gmai.com",
        "gnail.com",
        "hotmial.com",
        "outlok.com",
        "yaho.com",
        "hotmail.e",
    ] {
        let address = format!("ana@{domain}");
        if EmailAddress::parse(&address).is_ok() {
            assert_eq!(kinds(good, &address, past), ["address_typo"], "{domain}");
        }
    }
    for domain in
        ["gmail.com", "ymail.com", "mail.com", "hotmail.cl", "yahoo.com.ar", "uc.cl", "live.com"]
    {
        assert_eq!(kinds(good, &format!("ana@{domain}"), past), [] as [&str; 0], "{domain}");
    }
    // The 29th is today somewhere.
    for (day, expected) in [("2026-11-29", vec![]), ("2026-11-30", vec!["future_date"])] {
        assert_eq!(kinds(good, mail, day), expected, "{day}");
    }
}

#[test]
fn rows_are_counted_by_kind_and_the_first_hundred_named() {
    let stored = json!({ "email": "a@gmial.com", "recipient_name": "nan" });
    let recipient: Recipient = serde_json::from_value(stored).expect("a recipient");
    let warnings = judge(&recipient, date(2026, 11, 28));
    let mut counted = Warnings::default();
    (1..=300).for_each(|row| counted.note(row, &warnings));
    counted.note(301, &[]);
    let answer = counted.answer(Lang::Es);
    assert_eq!(answer.len(), 2);
    assert_eq!(
        (&answer[0]["kind"], &answer[0]["count"]),
        (&json!("placeholder_name"), &json!(300))
    );
    let named: usize = answer.iter().map(|kind| kind["rows"].as_array().expect("rows").len()).sum();
    assert_eq!(named, NAMED);
    let stored = serde_json::to_value(&counted).expect("JSON");
    assert_eq!(serde_json::from_value::<Warnings>(stored).expect("warnings"), counted);
}

#[test]
fn strict_is_all_kinds_or_those_it_names() {
    let read = |value: Value| Strict::read(&value);
    assert!(read(json!(false)).expect("none").is_empty());
    let all = read(json!(true)).expect("all");
    assert!(WarningKind::ALL.into_iter().all(|kind| all.refuses(kind)));
    let one = read(json!(["future_date"])).expect("one");
    assert!(one.refuses(WarningKind::FutureDate) && !one.refuses(WarningKind::AddressTypo));
    assert_eq!(serde_json::to_value(one).expect("JSON"), json!(["future_date"]));
    assert_eq!(serde_json::from_value::<Strict>(json!(["future_date"])).expect("strict"), one);
    for wrong in [json!("all"), json!(["otra"]), json!([1]), json!(1)] {
        assert_eq!(read(wrong), None);
    }
}
