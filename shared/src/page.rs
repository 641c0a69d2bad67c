//! The public page of a credential, as a person sees it who follows the link.
//!
//! One HTML document that needs nothing else: no script, no image, no font from
//! elsewhere, so nobody learns who looked. Its style sheet stands in the page, and
//! the content security policy admits exactly that sheet, by its hash.
//!
//! It shows what was stored, and what a check of the signed document found when the page
//! was made. Texts of people are escaped by `maud`, and stand
//! in elements of their own direction (`dir="auto"`), so that a name in one script
//! does not turn the words around it.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::civil::Date;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use url::Url;

use crate::lang::Lang;

/// Where a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In force.
    Issued,
    /// Past its last day.
    Expired,
    /// Held back for the time being.
    Suspended,
    /// Withdrawn for good.
    Revoked,
    /// Not signed, or its signature does not hold.
    Unverified,
}

/// One thing that was checked.
pub struct CheckView<'a> {
    /// Whether it passed; none when it was not made.
    pub passed: Option<bool>,
    /// What was found.
    pub text: &'a str,
}

/// A piece of work that a credential rests on.
pub struct EvidenceView<'a> {
    /// Its title.
    pub name: Option<&'a str>,
    /// Where it is; linked only when it is an `http` or `https` address.
    pub url: Option<&'a str>,
    /// What it is.
    pub description: Option<&'a str>,
}

/// What the page shows. Dates are `YYYY-MM-DD` and are shown as the day they name.
pub struct CredentialPage<'a> {
    /// The credential's id.
    pub credential_id: &'a str,
    /// The page's own address.
    pub url: &'a str,
    /// The same credential as JSON.
    pub json_url: &'a str,
    /// Where it stands.
    pub status: Status,
    /// Made with a test key.
    pub test: bool,
    /// Who awarded it.
    pub organization: &'a str,
    /// To whom.
    pub recipient_name: Option<&'a str>,
    /// What was achieved.
    pub name: &'a str,
    /// More about the achievement; empty when there is nothing to say.
    pub description: &'a str,
    /// What had to be done for it.
    pub criteria: Option<&'a str>,
    /// The grade.
    pub result: Option<&'a str>,
    /// The credits earned, as a formatted decimal.
    pub credits: Option<&'a str>,
    /// The recipient's role.
    pub role: Option<&'a str>,
    /// The academic term.
    pub term: Option<&'a str>,
    /// The licence number.
    pub license_number: Option<&'a str>,
    /// The activity's first day.
    pub activity_start: Option<&'a str>,
    /// The activity's last day.
    pub activity_end: Option<&'a str>,
    /// The day of issue, in the organization's time zone.
    pub issued_on: &'a str,
    /// The last day that it holds.
    pub expires_on: Option<&'a str>,
    /// The work that it rests on.
    pub evidence: &'a [EvidenceView<'a>],
    /// The day of its last correction, in the organization's time zone.
    pub corrected_on: Option<&'a str>,
    /// What was checked of its signed document; empty when it has none.
    pub checks: &'a [CheckView<'a>],
    /// Why it was suspended or revoked.
    pub reason: Option<&'a str>,
}

/// The style sheet. It stands in the page as it is, so it holds no `</style`.
const STYLE: &str = include_str!("page.css");

/// Returns the `Content-Security-Policy` of every page of this module: nothing
/// but the one style sheet.
pub fn content_security_policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
        format!(
            "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            BASE64_STANDARD.encode(hash)
        )
    });
    &POLICY
}

/// Renders the page of a credential: a whole HTML document.
pub fn credential(page: &CredentialPage<'_>, lang: Lang) -> String {
    let title = format!("{} · {}", page.name, page.organization);
    let main = html! {
        article.card {
            @if page.test {
                div.state.trial { p {
                    strong { (lang.pick("Prueba", "Test")) } " · "
                    (lang.pick(
                        "Esta credencial se emitió en modo de prueba y no tiene validez.",
                        "This credential was issued in test mode and has no validity.",
                    ))
                } }
                div.mark aria-hidden="true" {
                    span { (lang.pick("PRUEBA", "TEST")) } span { (lang.pick("PRUEBA", "TEST")) }
                }
            }
            (state(page, lang))
            div.body {
                h1 dir="auto" { (page.name) }
                @if let Some(name) = page.recipient_name {
                    p.label { (lang.pick("Otorgada a", "Awarded to")) }
                    p.who dir="auto" { (name) }
                }
                p.label { (lang.pick("Otorgada por", "Awarded by")) }
                p.giver dir="auto" { (page.organization) }
                (facts(page, lang))
                @if !page.description.is_empty() {
                    section { h2.h2 { (lang.pick("Descripción", "Description")) } p.prose dir="auto" { (page.description) } }
                }
                @if let Some(criteria) = page.criteria {
                    section { h2.h2 { (lang.pick("Criterios", "Criteria")) } p.prose dir="auto" { (criteria) } }
                }
                @if !page.evidence.is_empty() {
                    section {
                        h2.h2 { (lang.pick("Evidencia", "Evidence")) }
                        ul.evidence { @for item in page.evidence { li { (evidence(item)) } } }
                    }
                }
                (verification(page, lang))
            }
        }
    };
    let foot = html! {
        p { (lang.pick("Identificador: ", "Identifier: ")) (page.credential_id) }
        p { (lang.pick("Dirección: ", "Address: ")) a href=(page.url) { (page.url) } }
        p.json { a href=(page.json_url) type="application/json" { (lang.pick("Descargar la credencial firmada (JSON)", "Download the signed credential (JSON)")) } }
        p { (lang.pick(
            "Esta página proviene del sistema de emisión de la institución y muestra el estado actual de la credencial.",
            "This page comes from the institution’s issuing system and shows the credential’s current state.",
        )) }
    };
    document(lang, &title, Some(page), &main, Some(&foot))
}

/// Renders the page for an address that names no credential.
pub fn not_found(lang: Lang) -> String {
    notice(
        lang,
        lang.pick("No encontramos esta credencial", "We could not find this credential"),
        &[
            lang.pick(
                "Es posible que el enlace esté incompleto o que se haya copiado mal.",
                "The link may be incomplete or may have been copied wrongly.",
            ),
            lang.pick(
                "Ábrelo de nuevo desde el mensaje que recibiste, o pídelo a la institución que emitió la credencial.",
                "Open it again from the message you received, or ask the institution that issued the credential.",
            ),
        ],
    )
}

/// Renders the page for a version that a correction replaced. What it said is not shown
/// again: it was wrong.
pub fn replaced(url: &str, version: u32, lang: Lang) -> String {
    let title = lang.pick("Versión reemplazada", "Replaced version");
    let main = html! {
        div.card {
            div class="state revoked" { p {
                strong { (lang.pick("Reemplazada", "Replaced")) } " · "
                (lang.pick(
                    "La institución corrigió esta credencial. La versión que consultas ya no está vigente.",
                    "The institution has corrected this credential. The version that you look up is no longer in force.",
                ))
            } }
            div.body {
                h1 { (title) }
                p { a href=(url) { (lang.pick("Ver la versión vigente", "See the version in force")) } }
            }
        }
    };
    let markup = document(lang, title, None, &main, None);
    // Another language shows the same version.
    markup.replace("href=\"?lang=", &format!("href=\"?version={version}&amp;lang="))
}

/// Renders the page for a moment when the credential cannot be read.
pub fn unavailable(lang: Lang) -> String {
    notice(
        lang,
        lang.pick(
            "No podemos mostrar esta credencial en este momento",
            "We cannot show this credential right now",
        ),
        &[
            lang.pick(
                "Es un problema pasajero de nuestro sistema: la credencial no se ha perdido.",
                "This is a passing problem of our system: the credential is not lost.",
            ),
            lang.pick("Vuelve a intentarlo en unos minutos.", "Please try again in a few minutes."),
        ],
    )
}

fn notice(lang: Lang, title: &str, texts: &[&str]) -> String {
    let main = html! {
        div.card.notice { h1 { (title) } @for text in texts { p { (text) } } }
    };
    document(lang, title, None, &main, None)
}

fn document(
    lang: Lang,
    title: &str,
    page: Option<&CredentialPage<'_>>,
    main: &Markup,
    foot: Option<&Markup>,
) -> String {
    html! {
        (DOCTYPE)
        html lang=(lang.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                meta name="referrer" content="no-referrer";
                meta name="format-detection" content="telephone=no, date=no, address=no, email=no";
                title { (title) }
                @if let Some(page) = page {
                    link rel="canonical" href=(page.url);
                    link rel="alternate" type="application/json" href=(page.json_url);
                }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header.top {
                    @if let Some(page) = page { p.org dir="auto" { (page.organization) } }
                    nav aria-label=(lang.pick("Idioma", "Language")) {
                        ul.langs {
                            @for (other, name) in [(Lang::Es, "Español"), (Lang::En, "English")] {
                                li lang=(other.tag()) {
                                    @if other == lang { span aria-current="true" { (name) } }
                                    @else { a href={"?lang=" (other.tag())} hreflang=(other.tag()) { (name) } }
                                }
                            }
                        }
                    }
                }
                main { (main) }
                @if let Some(foot) = foot { footer.foot { (foot) } }
            }
        }
    }
    .into_string()
}

/// The band that says where the credential stands; nothing of it rests on colour alone.
fn state(page: &CredentialPage<'_>, lang: Lang) -> Markup {
    let (class, word, text) = match page.status {
        Status::Issued => ("state issued", lang.pick("Emitida", "Issued"), None),
        Status::Expired => (
            "state expired",
            lang.pick("Vencida", "Expired"),
            Some(lang.pick(
                "El plazo de esta credencial terminó.",
                "The period of this credential has ended.",
            )),
        ),
        Status::Suspended => (
            "state suspended",
            lang.pick("Suspendida", "Suspended"),
            Some(lang.pick(
                "La institución suspendió esta credencial; por ahora no está vigente.",
                "The institution has suspended this credential; for now it is not in force.",
            )),
        ),
        Status::Unverified => (
            "state revoked",
            lang.pick("No verificada", "Not verified"),
            Some(lang.pick(
                "No pudimos comprobar la firma de esta credencial. No confíes en ella sin consultar a la institución.",
                "We could not check the signature of this credential. Do not rely on it without asking the institution.",
            )),
        ),
        Status::Revoked => (
            "state revoked",
            lang.pick("Revocada", "Revoked"),
            Some(lang.pick(
                "La institución revocó esta credencial: ya no está vigente.",
                "The institution has revoked this credential: it is no longer in force.",
            )),
        ),
    };
    let reason = match page.status {
        Status::Suspended | Status::Revoked => page.reason,
        Status::Issued | Status::Expired | Status::Unverified => None,
    };
    html! {
        div class=(class) {
            p { strong { (word) } @if let Some(text) = text { " · " (text) } }
            @if let Some(reason) = reason {
                p { (lang.pick("Motivo: ", "Reason: ")) bdi { (reason) } }
            }
            @if let Some(date) = page.corrected_on {
                p {
                    (lang.pick("Corregida el ", "Corrected on ")) (day(date, lang))
                    (lang.pick(
                        ": un archivo descargado antes fue reemplazado por esta versión.",
                        ": a file that was downloaded before was replaced by this version.",
                    ))
                }
            }
        }
    }
}

/// Where anybody can have a credential checked by software that is not ours.
const VERIFIER: &str = "https://verifierplus.org/";

/// What was checked just now, and how to have it checked elsewhere.
fn verification(page: &CredentialPage<'_>, lang: Lang) -> Markup {
    let word = |passed| match passed {
        Some(true) => ("pass", "✓", lang.pick("Comprobado: ", "Passed: ")),
        Some(false) => ("fail", "✗", lang.pick("Falla: ", "Failed: ")),
        None => ("skip", "–", ""),
    };
    html! {
        @if !page.checks.is_empty() {
            section {
                h2.h2 { (lang.pick("Verificación", "Verification")) }
                ul.checks {
                    @for check in page.checks {
                        @let (class, mark, said) = word(check.passed);
                        li class=(class) {
                            span.tick aria-hidden="true" { (mark) }
                            span { span.said { (said) } bdi { (check.text) } }
                        }
                    }
                }
                details {
                    summary { (lang.pick("Verificarla por otra vía", "Verify it elsewhere")) }
                    p {
                        (lang.pick(
                            "No hace falta confiar en esta página: descarga la credencial firmada y ábrela en un verificador independiente, por ejemplo ",
                            "You need not trust this page: download the signed credential and open it in an independent verifier, for example ",
                        ))
                        a href=(VERIFIER) rel="noopener noreferrer" { "VerifierPlus" }
                        (lang.pick(
                            ". Es una credencial Open Badges 3.0 con una prueba eddsa-rdfc-2022; el emisor se resuelve por did:web.",
                            ". It is an Open Badges 3.0 credential with an eddsa-rdfc-2022 proof; its issuer is resolved by did:web.",
                        ))
                    }
                }
            }
        }
    }
}

fn facts(page: &CredentialPage<'_>, lang: Lang) -> Markup {
    let what = [
        (lang.pick("Calificación o resultado", "Grade or result"), page.result),
        (lang.pick("Créditos", "Credits"), page.credits),
        (lang.pick("Rol", "Role"), page.role),
        (lang.pick("Período académico", "Academic term"), page.term),
    ];
    let ends = match page.status {
        Status::Expired => lang.pick("Venció el", "Expired on"),
        _ => lang.pick("Vence el", "Expires on"),
    };
    let when = [
        (lang.pick("Fecha de emisión", "Date of issue"), Some(page.issued_on)),
        (ends, page.expires_on),
    ];
    let activity = match (page.activity_start, page.activity_end) {
        (Some(start), Some(end)) if start == end => {
            [(lang.pick("Fecha de la actividad", "Date of the activity"), Some(start)), ("", None)]
        }
        (start, end) => [
            (lang.pick("Inicio de la actividad", "Start of the activity"), start),
            (lang.pick("Fin de la actividad", "End of the activity"), end),
        ],
    };
    html! {
        dl.facts {
            @for (label, date) in when { (fact(label, date.map(|d| day(d, lang)))) }
            @for (label, text) in what { (fact(label, text.map(|t| html! { bdi { (t) } }))) }
            @for (label, date) in activity { (fact(label, date.map(|d| day(d, lang)))) }
            (fact(
                lang.pick("Número de licencia", "License number"),
                page.license_number.map(|t| html! { bdi { (t) } }),
            ))
        }
    }
}

fn fact(label: &str, value: Option<Markup>) -> Markup {
    html! { @if let Some(value) = value { div { dt { (label) } dd { (value) } } } }
}

fn evidence(item: &EvidenceView<'_>) -> Markup {
    let link = item.url.and_then(web_address);
    // A title hides where its link leads.
    let host = link.as_ref().and_then(Url::host_str).filter(|_| item.name.is_some());
    let name = item.name.or(item.url).unwrap_or_default();
    html! {
        @if let Some(link) = &link {
            a href=(link) rel="noopener noreferrer nofollow" dir="auto" { (name) }
        } @else {
            span dir="auto" { (name) }
        }
        @if let Some(host) = host { span.host { " · " (host) } }
        @if let Some(text) = item.description { p.prose dir="auto" { (text) } }
    }
}

/// Reads an address of the web; every other scheme (`javascript:`, `data:`) is none.
fn web_address(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn day(date: &str, lang: Lang) -> Markup {
    html! { time datetime=(date) { (long_date(date, lang)) } }
}

/// Writes a date out: `15 de noviembre de 2026`, `November 15, 2026`. What is no
/// date stays as it is.
fn long_date(date: &str, lang: Lang) -> String {
    const ES: [&str; 12] = [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ];
    const EN: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let written = date.parse::<Date>().ok().and_then(|d| {
        let index = usize::try_from(d.month()).ok()?.checked_sub(1)?;
        let month = lang.pick(ES, EN).get(index).copied()?;
        Some(match lang {
            Lang::Es => format!("{} de {month} de {}", d.day(), d.year()),
            Lang::En => format!("{month} {}, {}", d.day(), d.year()),
        })
    });
    written.unwrap_or_else(|| date.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> CredentialPage<'static> {
        CredentialPage {
            credential_id: "7a8b9c0d-1e2f-3a4b-5c6d-7e8f9a0b1c2d",
            url: "https://app.example/credential/7a8b9c0d-1e2f-3a4b-5c6d-7e8f9a0b1c2d",
            json_url: "https://app.example/credential/7a8b9c0d-1e2f-3a4b-5c6d-7e8f9a0b1c2d.json",
            status: Status::Issued,
            test: false,
            organization: "Universidad Andina",
            recipient_name: Some("María José Núñez"),
            name: "Diplomado en Ciencia de Datos",
            description: "Formación aplicada.",
            criteria: Some("Aprobar los seis módulos."),
            result: Some("A"),
            credits: Some("7.5"),
            role: Some("Estudiante"),
            term: Some("2026-2"),
            license_number: Some("CL-001"),
            activity_start: Some("2026-03-02"),
            activity_end: Some("2026-11-13"),
            issued_on: "2026-11-15",
            expires_on: Some("2031-01-01"),
            evidence: &[EvidenceView {
                name: Some("Proyecto Final"),
                url: Some("https://ejemplo.com/proyecto"),
                description: Some("Implementación de API REST en Python"),
            }],
            corrected_on: None,
            checks: &[],
            reason: None,
        }
    }

    #[test]
    fn the_page_shows_everything_in_both_languages() {
        let es = credential(&page(), Lang::Es);
        let en = credential(&page(), Lang::En);
        let page = page();
        for html in [&es, &en] {
            for value in [
                page.organization,
                page.name,
                page.description,
                page.credential_id,
                page.url,
                page.json_url,
                "María José Núñez",
                "Aprobar los seis módulos.",
                "7.5",
                "Estudiante",
                "2026-2",
                "CL-001",
                "Proyecto Final",
                "Implementación de API REST en Python",
            ] {
                assert!(html.contains(value), "{value:?} is missing");
            }
        }
        for (html, texts) in [
            (
                &es,
                ["<html lang=\"es\">", "Emitida", "15 de noviembre de 2026", "2 de marzo de 2026"],
            ),
            (&en, ["<html lang=\"en\">", "Issued", "November 15, 2026", "March 2, 2026"]),
        ] {
            for text in texts {
                assert!(html.contains(text), "{text:?} is missing");
            }
        }
        assert!(es.contains("href=\"?lang=en\"") && en.contains("href=\"?lang=es\""));
    }

    #[test]
    fn dates_are_written_out_and_never_shift() {
        for (date, es, en) in [
            ("2026-11-15", "15 de noviembre de 2026", "November 15, 2026"),
            ("2026-01-01", "1 de enero de 2026", "January 1, 2026"),
            ("2028-02-29", "29 de febrero de 2028", "February 29, 2028"),
            ("no date", "no date", "no date"),
        ] {
            assert_eq!(long_date(date, Lang::Es), es);
            assert_eq!(long_date(date, Lang::En), en);
        }
    }

    #[test]
    fn markup_in_any_text_is_shown_and_not_run() {
        let evil = "\"><script>alert(1)</script></style>";
        let html = credential(
            &CredentialPage {
                organization: evil,
                recipient_name: Some(evil),
                name: evil,
                description: evil,
                criteria: Some(evil),
                result: Some(evil),
                issued_on: evil,
                reason: Some(evil),
                status: Status::Revoked,
                evidence: &[EvidenceView {
                    name: Some(evil),
                    url: Some(evil),
                    description: Some(evil),
                }],
                ..page()
            },
            Lang::Es,
        );
        assert!(!html.contains("<script"));
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
            let item = EvidenceView { name: Some("x"), url: Some(url), description: None };
            let html = evidence(&item).into_string();
            assert_eq!(html.contains("href"), linked, "{url:?}: {html}");
            assert_eq!(html.contains("rel=\"noopener noreferrer nofollow\""), linked);
        }
    }

    #[test]
    fn every_state_and_a_test_are_named_with_their_reason() {
        for (status, es, en) in [
            (Status::Issued, "Emitida", "Issued"),
            (Status::Expired, "Vencida", "Expired"),
            (Status::Suspended, "Suspendida", "Suspended"),
            (Status::Revoked, "Revocada", "Revoked"),
            (Status::Unverified, "No verificada", "Not verified"),
        ] {
            let page = CredentialPage { status, reason: Some("Error de acta"), ..page() };
            assert!(credential(&page, Lang::Es).contains(&format!("<strong>{es}</strong>")));
            assert!(credential(&page, Lang::En).contains(&format!("<strong>{en}</strong>")));
            let withheld = matches!(status, Status::Suspended | Status::Revoked);
            assert_eq!(credential(&page, Lang::Es).contains("Error de acta"), withheld);
        }
        assert!(!credential(&page(), Lang::Es).contains("PRUEBA"));
        assert!(credential(&CredentialPage { test: true, ..page() }, Lang::Es).contains("PRUEBA"));
    }

    #[test]
    fn the_policy_admits_the_style_sheet_of_the_page_and_nothing_else() {
        for html in [credential(&page(), Lang::Es), not_found(Lang::En), unavailable(Lang::Es)] {
            let (_, rest) = html.split_once("<style>").unwrap_or_default();
            let (style, _) = rest.split_once("</style>").unwrap_or_default();
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, style.as_bytes());
            let hash = BASE64_STANDARD.encode(hash);
            assert!(content_security_policy().contains(&format!("style-src 'sha256-{hash}';")));
            for bad in ["<script", "style=\"", "onclick", "<img", "@import", "url("] {
                assert!(!html.contains(bad), "{bad}");
            }
            assert!(html.contains("<meta name=\"robots\" content=\"noindex\">"));
            assert!(html.contains("<meta name=\"referrer\" content=\"no-referrer\">"));
        }
    }

    #[test]
    fn the_notices_speak_both_languages() {
        assert!(not_found(Lang::Es).contains("No encontramos esta credencial"));
        assert!(not_found(Lang::En).contains("We could not find this credential"));
        assert!(unavailable(Lang::Es).contains("en este momento"));
        assert!(unavailable(Lang::En).contains("right now"));
    }
}
