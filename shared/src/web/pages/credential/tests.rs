use jiff::civil::date;

use super::*;
use crate::{
    credentials::verify::{Check, Finding},
    domain::{credits::Credits, design::Design, ids::TemplateId},
};

const SITE: &str = "https://app.example";

fn shown() -> CredentialView {
    CredentialView {
        id: "7a8b9c0d-1e2f-3a4b-5c6d-7e8f9a0b1c2d".into(),
        url: "https://app.example/credential/7a8b9c0d-1e2f-3a4b-5c6d-7e8f9a0b1c2d".into(),
        state: State::Issued,
        test: false,
        sample: false,
        organization: "Universidad Andina".into(),
        initials: "UA".into(),
        logo: None,
        host: "app.example".into(),
        website: None,
        contact: None,
        linkedin_id: None,
        template: TemplateId::from(uuid::Uuid::nil()),
        badge: None,
        recipient_name: Some("María José Núñez".into()),
        name: "Diplomado en Ciencia de Datos".into(),
        description: "Formación aplicada.".into(),
        criteria: Some("Aprobar los seis módulos.".into()),
        facts: vec![
            (FieldName::ResultValue, Fact::Text("A".into())),
            (FieldName::CreditsEarned, Fact::Credits(Credits::parse("7.5").expect("credits"))),
            (FieldName::Role, Fact::Text("Estudiante".into())),
            (FieldName::Term, Fact::Text("2026-2".into())),
            (FieldName::ActivityStartDate, Fact::Date(date(2026, 3, 2))),
            (FieldName::ActivityEndDate, Fact::Date(date(2026, 11, 13))),
            (FieldName::LicenseNumber, Fact::Text("CL-001".into())),
        ],
        issued_on: "2026-11-15".parse().ok(),
        awarded_on: None,
        custom: Vec::new(),
        skills: Vec::new(),
        achievement_url: "https://u.example/orgs/u/achievements/7?version=1".to_owned(),
        expires_on: "2031-01-01".parse().ok(),
        evidence: vec![Evidence {
            name: Some("Proyecto Final".into()),
            url: Some("https://ejemplo.com/proyecto".into()),
            description: Some("Implementación de API REST en Python".into()),
        }],
        hidden: Vec::new(),
        status_on: None,
        corrected_on: None,
        checks: vec![Finding {
            check: Check::Proof,
            passed: Some(true),
            es: "La firma es auténtica".into(),
            en: "The signature is genuine".into(),
            plain: None,
        }],
        checked_on: "2026-11-24".parse().expect("a date"),
        lang: Lang::Es,
        design: Design::default(),
        certificate_facts: Vec::new(),
    }
}

#[test]
fn the_page_shows_everything_in_both_languages() {
    let shown = shown();
    let es = credential(&shown, SITE, Lang::Es);
    let en = credential(&shown, SITE, Lang::En);
    for html in [&es, &en] {
        for value in [
            &shown.organization,
            &shown.name,
            &shown.description,
            &shown.id,
            &shown.url,
            "María José Núñez",
            "Aprobar los seis módulos.",
            "Estudiante",
            "2026-2",
            "CL-001",
            "Proyecto Final",
            "Implementación de API REST en Python",
            "/certificate.pdf?lang=",
            "/badge.png\"",
            "/qr.svg\"",
            "2d.json\"",
            "https://www.linkedin.com/profile/add?",
        ] {
            assert!(html.contains(value), "{value:?} is missing");
        }
    }
    for (html, texts) in [
        (
            &es,
            [
                "<html lang=\"es\">",
                "Vigente",
                "15 de noviembre de 2026",
                "2 de marzo de 2026",
                "7,5",
                "La firma es",
            ],
        ),
        (
            &en,
            [
                "<html lang=\"en\">",
                "Valid",
                "November 15, 2026",
                "March 2, 2026",
                "7.5",
                "The signature is",
            ],
        ),
    ] {
        for text in texts {
            assert!(html.contains(text), "{text:?} is missing");
        }
    }
    assert!(es.contains("href=\"?lang=en\"") && en.contains("href=\"?lang=es\""));
}

#[test]
fn markup_in_any_text_is_shown_and_not_run() {
    let evil = || "\"><script>alert(1)</script></style>".to_owned();
    let html = credential(
        &CredentialView {
            organization: evil(),
            initials: "<".into(),
            recipient_name: Some(evil()),
            name: evil(),
            description: evil(),
            criteria: Some(evil()),
            facts: vec![(FieldName::ResultValue, Fact::Text(evil()))],
            evidence: vec![Evidence {
                name: Some(evil()),
                url: Some(evil()),
                description: Some(evil()),
            }],
            ..shown()
        },
        SITE,
        Lang::Es,
    );
    assert_eq!(html.matches("<script").count(), 1);
    assert!(html.contains("&lt;script&gt;"));
    assert_eq!(html.matches("</style>").count(), 1);
}

#[test]
fn evidence_is_linked_only_when_it_is_on_the_web() {
    for (url, linked) in [
        ("https://ejemplo.com/a?b=1&c=2", true),
        ("HTTP://ejemplo.com", true),
        ("javascript:alert(1)", false),
        (" JaVaScRiPt:alert(1)", false),
        ("java\nscript:alert(1)", false),
        ("data:text/html,x", false),
        ("//ejemplo.com", false),
        ("/ruta", false),
        ("https://", false),
    ] {
        let item = Evidence { name: Some("x".into()), url: Some(url.into()), description: None };
        let html = evidence(&item).into_string();
        assert_eq!(html.contains("href"), linked, "{url:?}: {html}");
        assert_eq!(html.contains("rel=\"noopener noreferrer nofollow\""), linked);
    }
}

#[test]
fn every_state_and_a_test_are_named_on_screen_and_on_paper() {
    for (state, es, en) in [
        (State::Issued, "Vigente", "Valid"),
        (State::Expired, "Vencida", "Expired"),
        (State::Suspended, "Suspendida", "Suspended"),
        (State::Revoked, "Revocada", "Revoked"),
        (State::Unverified, "No verificada", "Not verified"),
    ] {
        let shown = CredentialView { state, ..shown() };
        for (lang, word) in [(Lang::Es, es), (Lang::En, en)] {
            let html = credential(&shown, SITE, lang);
            assert!(html.contains(&format!("{word}</strong>")), "{word}");
            let stamp = format!("<p class=\"stamp\">{word}</p>");
            assert_eq!(html.contains(&stamp), state != State::Issued, "{word}");
            // A profile takes only what is in force.
            assert_eq!(html.contains("linkedin.com"), state == State::Issued, "{word}");
        }
    }
    assert!(!credential(&shown(), SITE, Lang::Es).contains("PRUEBA"));
    let test = CredentialView { test: true, ..shown() };
    assert!(credential(&test, SITE, Lang::Es).matches("data-word=\"PRUEBA\"").count() == 2);
    assert!(!credential(&test, SITE, Lang::Es).contains("linkedin.com"));
}

#[test]
fn what_is_not_signed_offers_no_signed_files() {
    let shown = CredentialView { checks: Vec::new(), state: State::Unverified, ..shown() };
    let html = credential(&shown, SITE, Lang::Es);
    for file in ["certificate.pdf", "badge.png", "Credencial firmada"] {
        assert!(!html.contains(file), "{file}");
    }
    assert!(html.contains("qr.svg"));
}
