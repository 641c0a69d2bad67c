use serde_json::json;

use super::*;
use crate::domain::fields::{Fields, InvalidBody};

fn fields(body: &Value) -> Fields {
    Fields::of_body(body.to_string().as_bytes()).expect("an object")
}

fn part(body: &Value) -> DesignPart {
    DesignPart::read(fields(body)).expect("a design").0
}

/// Pointers and codes of the faults of a body.
fn faults(body: &Value) -> Vec<(String, &'static str)> {
    match DesignPart::read(fields(body)) {
        Err(InvalidBody::Fields(errors)) => {
            errors.listed().iter().map(|error| (error.pointer.clone(), error.code)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_fault_of_a_design_names_its_place() {
    for (body, pointer, code) in [
        (json!({ "layout": "clasic" }), "/layout", "value_not_allowed"),
        (json!({ "paper": "A4" }), "/paper", "value_not_allowed"),
        (json!({ "orientation": 1 }), "/orientation", "wrong_type"),
        (json!({ "accent": "red" }), "/accent", "invalid_colour"),
        (json!({ "accent": "#ffd700" }), "/accent", "low_contrast"),
        (json!({ "logo": "no" }), "/logo", "wrong_type"),
        (json!({ "signatories": [{}] }), "/signatories/0/name", "missing_field"),
        (
            json!({ "signatories": [{ "name": "\u{200b}" }] }),
            "/signatories/0/name",
            "nothing_visible",
        ),
        (
            json!({ "signatories": [{ "name": "JosÃ© PÃ©rez" }] }),
            "/signatories/0/name",
            "damaged_text",
        ),
        (
            json!({ "signatories": [{ "name": "Ana", "office": "x".repeat(101) }] }),
            "/signatories/0/office",
            "too_long",
        ),
        (
            json!({ "signatories": [{ "name": "Ana", "signature": "firma.png" }] }),
            "/signatories/0/signature",
            "invalid_image",
        ),
        (json!({ "signatories": vec![json!({ "name": "Ana" }); 6] }), "/signatories", "too_many"),
        (json!({ "background": "data:image/svg+xml;base64,!" }), "/background", "invalid_image"),
        (json!({ "facts": ["result"] }), "/facts/0/fact", "unknown_fact"),
        (json!({ "facts": ["custom.hours"] }), "/facts/0/fact", "unknown_fact"),
        (json!({ "facts": ["role", "role"] }), "/facts/1/fact", "repeated"),
        (
            json!({ "facts": [{ "fact": "role", "label": { "fr": "Rôle" } }] }),
            "/facts/0/label/fr",
            "unknown_field",
        ),
        (
            json!({ "facts": [{ "fact": "role", "label": { "es": "a\u{202e}b" } }] }),
            "/facts/0/label/es",
            "forbidden_characters",
        ),
        (json!({ "second_language": "EN" }), "/second_language", "invalid_language"),
        (json!({ "place": "#REF!" }), "/place", "damaged_text"),
        (json!({ "legal": ["a", ""] }), "/legal/1", "missing_text"),
        (json!({ "legal": ["a", "b", "c", "d"] }), "/legal", "too_many"),
        (json!({ "legal": ["x".repeat(201)] }), "/legal/0", "too_long"),
        (json!({ "colour": "#000000" }), "/colour", "unknown_field"),
    ] {
        assert_eq!(faults(&body), [(pointer.to_owned(), code)], "{body}");
    }
}

#[test]
fn a_light_accent_is_told_its_ratio_and_the_nearest_that_passes() {
    let body = json!({ "accent": "#ffd700" });
    let Err(InvalidBody::Fields(errors)) = DesignPart::read(fields(&body)) else {
        panic!("it is read")
    };
    let error = &errors.listed()[0];
    let near = error.hint.as_deref().expect("a colour");
    assert!(error.es.contains("1,40:1") && error.es.contains("4,50:1"), "{}", error.es);
    assert!(error.en.contains("1.40:1") && error.en.contains(near), "{}", error.en);
    assert!(part(&json!({ "accent": near })).accent.is_some());
}

#[test]
fn a_template_says_what_its_organization_does_not_and_can_go_without() {
    let organization = part(&json!({
        "layout": "academic", "accent": "#7a1f2b", "place": "Valdivia", "second_language": "en",
        "signatories": [{ "name": "Ana Rojas", "office": "Rectora" }], "legal": ["Ley 1"],
        "facts": ["term"],
    }));
    let of = |template: &Value| {
        let mut body = fields(&json!({ "design": template }));
        let template = DesignPart::take(&mut body, &[]).0;
        body.end().expect("read");
        Design::of(Some(&organization), template.as_ref())
    };
    let alone = of(&json!({}));
    assert_eq!(alone, Design::of(Some(&organization), None));
    assert_eq!((alone.layout, alone.paper), (Layout::Academic, Paper::A4));
    assert_eq!(alone.signatories.len(), 1);

    let other = of(&json!({
        "layout": "plain", "signatories": [], "place": null, "second_language": null, "facts": null,
        "legal": [],
    }));
    assert_eq!((other.layout, other.accent), (Layout::Plain, alone.accent));
    assert_eq!((&other.signatories, &other.place, &other.legal), (&vec![], &None, &vec![]));
    assert_eq!((&other.facts, other.second_language), (&None, None));
    assert_eq!(Design::of(None, None), Design::default());
}

#[test]
fn an_answer_can_be_sent_back() {
    let sent = json!({
        "layout": "modern", "paper": "letter", "orientation": "portrait", "accent": "#1f3a5f",
        "logo": false, "signatories": [{ "name": "Ana Rojas", "office": null, "signature": null }],
        "facts": [{ "fact": "role" }, { "fact": "term", "label": { "en": "Semester" } }],
        "second_language": "en", "place": "Valdivia", "legal": [],
    });
    let read = part(&sent);
    let answer = read.answer("https://u.example");
    assert_eq!(answer, sent);
    assert_eq!(part(&answer), read);
    let mut body = fields(&json!({ "design": { "background": null, "place": null } }));
    let without = DesignPart::take(&mut body, &[]).0.expect("a design");
    let answer = without.answer("https://u.example");
    assert_eq!(answer, json!({ "background": null, "place": null }));
    let stored = serde_json::to_value(&without).expect("JSON");
    assert_eq!(stored, json!({ "without": ["backdrop", "place"] }));
    assert_eq!(serde_json::from_value::<DesignPart>(stored).expect("read"), without);
}

#[test]
fn a_background_and_a_frame_exclude_each_other() {
    let svg = crate::domain::image::svg_url(
        br#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path/></svg>"#,
    );
    let both = json!({ "background": svg, "frame": svg });
    assert_eq!(faults(&both), [("/frame".to_owned(), "one_of_two")]);
}

#[test]
fn the_second_language_of_a_certificate_is_never_the_first_again() {
    let design = Design { second_language: Some(Lang::En), ..Design::default() };
    assert_eq!(design.languages(Lang::Es, Lang::Es), (Lang::Es, Some(Lang::En)));
    assert_eq!(design.languages(Lang::En, Lang::Es), (Lang::En, Some(Lang::Es)));
    assert_eq!(design.languages(Lang::En, Lang::En), (Lang::En, None));
    assert_eq!(Design::default().languages(Lang::Es, Lang::Es), (Lang::Es, None));
}
