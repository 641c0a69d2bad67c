use super::*;
use crate::domain::text::normal_text;

fn entry(json: &str) -> Entry {
    Entry::parse(&RawValue::from_string(json.to_owned()).expect("JSON"))
}

fn faults(json: &str) -> Vec<Fault> {
    entry(json).recipient.expect_err("a fault")
}

#[test]
fn text_is_normalized_and_empty_text_is_absent() {
    let read = entry(
        r#"{"email":" Ana@Ejemplo.COM ","recipient_name":"  Jose\u0301 Pe\u0301rez ","role":"","term":null,
           "evidence":[{"name":"Tesis","url":"HTTPS://Ejemplo.com/ruta con","description":"uno\r\n dos"}]}"#,
    );
    assert_eq!(read.email, " Ana@Ejemplo.COM ");
    assert_eq!(
        read.recipient,
        Err(vec![Fault::InvalidUrl("evidence[0].url".into())]),
        "a space in a link"
    );
    let read = entry(
        r#"{"email":"a@b.cl","recipient_name":" Jose\u0301 ","role":" ","evidence":[{"url":"HTTPS://Ejemplo.com/ñ","description":"uno\r\n dos"}]}"#,
    )
    .recipient
    .expect("valid");
    assert_eq!(read.recipient_name.as_deref(), Some("José"));
    assert_eq!(read.role, None);
    let evidence = read.evidence.first().expect("evidence");
    assert_eq!(evidence.url.as_deref(), Some("https://ejemplo.com/%C3%B1"));
    assert_eq!(evidence.description.as_deref(), Some("uno dos"));
}

#[test]
fn every_fault_of_a_recipient_is_named_with_its_field() {
    let f = |s: &str| s.to_owned();
    let cases: Vec<(&str, Vec<Fault>)> = vec![
        ("5", vec![Fault::NotAnObject]),
        ("null", vec![Fault::NotAnObject]),
        ("{}", vec![Fault::MissingEmail]),
        (r#"{"email":""}"#, vec![Fault::MissingEmail]),
        (r#"{"email":7}"#, vec![Fault::WrongType(f("email"), Expected::Text)]),
        (r#"{"email":"x"}"#, vec![Fault::InvalidEmail(f("x"))]),
        (r#"{"email":"a@b.cl","grade":"A"}"#, vec![Fault::UnknownField(f("grade"))]),
        (r#"{"email":"a@b.cl","role":"x","role":"y"}"#, vec![Fault::RepeatedField(f("role"))]),
        (r#"{"email":"a@b.cl","role":7}"#, vec![Fault::WrongType(f("role"), Expected::Text)]),
        (
            r#"{"email":"a@b.cl","role":"\ud800"}"#,
            vec![Fault::WrongType(f("role"), Expected::Text)],
        ),
        (r#"{"email":"a@b.cl","role":"a\u0007b"}"#, vec![Fault::ForbiddenCharacters(f("role"))]),
        (r#"{"email":"a@b.cl","role":"a\u202eb"}"#, vec![Fault::ForbiddenCharacters(f("role"))]),
        (
            r#"{"email":"a@b.cl","credits_earned":"6"}"#,
            vec![Fault::WrongType(f("credits_earned"), Expected::Number)],
        ),
        (r#"{"email":"a@b.cl","credits_earned":-1}"#, vec![Fault::InvalidCredits]),
        (r#"{"email":"a@b.cl","credits_earned":1e400}"#, vec![Fault::InvalidCredits]),
        (r#"{"email":"a@b.cl","credits_earned":1.2345}"#, vec![Fault::InvalidCredits]),
        (
            r#"{"email":"a@b.cl","activity_start_date":"2026-02-30"}"#,
            vec![Fault::InvalidDate(f("activity_start_date"))],
        ),
        (
            r#"{"email":"a@b.cl","activity_start_date":"2026-2-3"}"#,
            vec![Fault::InvalidDate(f("activity_start_date"))],
        ),
        (
            r#"{"email":"a@b.cl","activity_start_date":"2026-02-02","activity_end_date":"2026-02-01"}"#,
            vec![Fault::EndsBeforeStart],
        ),
        (
            r#"{"email":"a@b.cl","evidence":{}}"#,
            vec![Fault::WrongType(f("evidence"), Expected::Array)],
        ),
        (
            r#"{"email":"a@b.cl","evidence":["x"]}"#,
            vec![Fault::WrongType(f("evidence[0]"), Expected::Object)],
        ),
        (r#"{"email":"a@b.cl","evidence":[{}]}"#, vec![Fault::EmptyEvidence(0)]),
        (
            r#"{"email":"a@b.cl","evidence":[{"url":"javascript:alert(1)"}]}"#,
            vec![Fault::InvalidUrl(f("evidence[0].url"))],
        ),
        (
            r#"{"email":"a@b.cl","evidence":[{"url":"/tesis"}]}"#,
            vec![Fault::InvalidUrl(f("evidence[0].url"))],
        ),
        (
            r#"{"email":"a@b.cl","evidence":[{"name":"x","link":"y"}]}"#,
            vec![Fault::UnknownField(f("evidence[0].link"))],
        ),
        (r#"{"email":"a@b.cl","language":"fr"}"#, vec![Fault::InvalidLanguage]),
    ];
    for (json, expected) in cases {
        assert_eq!(faults(json), expected, "{json}");
    }
    let eleven =
        format!(r#"{{"email":"a@b.cl","evidence":[{}]}}"#, [r#"{"name":"x"}"#; 11].join(","));
    assert_eq!(faults(&eleven), vec![Fault::TooMany(f("evidence"), 10)]);
    let long = format!(r#"{{"email":"a@b.cl","recipient_name":"{}"}}"#, "ñ".repeat(201));
    assert_eq!(faults(&long), vec![Fault::TooLong(f("recipient_name"), 200)]);
    let fits = format!(r#"{{"email":"a@b.cl","recipient_name":"{}"}}"#, "ñ".repeat(200));
    assert!(entry(&fits).recipient.is_ok());
    let large = format!(
        r#"{{"email":"a@b.cl","evidence":[{}]}}"#,
        vec![format!(r#"{{"name":"x","description":"{}"}}"#, "ñ".repeat(2000)); 10].join(",")
    );
    assert_eq!(faults(&large), vec![Fault::TooLarge(MAX_RECIPIENT)]);
}

#[test]
fn marks_of_right_to_left_names_and_emoji_are_text() {
    for name in ["\u{200f}محمد", "👩\u{200d}🎓 Ana", "李小龍"] {
        assert_eq!(normal_text(name, 200), Ok(Some(name.to_owned())));
    }
}

#[test]
fn every_field_of_the_table_is_read_and_taken_out_again() {
    let bare = entry(r#"{"email":"a@b.cl"}"#).recipient.expect("valid");
    for field in FieldName::ALL {
        let value = match field.kind() {
            Kind::Text => r#""x""#,
            Kind::Number => "6.5",
            Kind::Date => r#""2026-08-03""#,
            Kind::Array => r#"[{"name":"x"}]"#,
        };
        let json = format!(r#"{{"email":"a@b.cl","{}":{value}}}"#, field.as_str());
        let read = entry(&json).recipient.expect("valid");
        assert!(read.value(field).is_some(), "{field:?}");
        assert!(read.without(&[field]) == bare, "{field:?}");
    }
}
