//! The pages that people see: a credential, a wallet, and words for what cannot be shown.
//!
//! Each is one HTML document that works without a script and asks no other host for anything, so
//! nobody learns who looked. Style sheet and script stand in the page, and the content security
//! policy admits exactly those two, by their hashes, and images of this site.
//!
//! Texts of people are escaped by `maud`, and stand in elements of their own direction
//! (`dir="auto"`), so that a name in one script does not turn the words around it. How pages
//! look, and why: `docs/design.md`.

mod console;
mod credential;
mod wallet;

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::civil::Date;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use url::Url;

pub use console::console;
pub use credential::credential;
pub use wallet::{WalletEntry, WalletPage, wallet, wallet_closed};

use crate::{
    domain::{image::Image, lang::Lang},
    web::{seal, view::State},
};

/// The style sheet. It stands in the page as it is, so it holds no `</style`.
const STYLE: &str = include_str!("pages/page.css");
/// The script: copying, printing. Without it the page has all it needs.
const SCRIPT: &str = include_str!("pages/page.js");

/// Hashes of the style sheet and the two scripts, as a policy names them.
static HASHES: LazyLock<[String; 3]> = LazyLock::new(|| {
    [STYLE, SCRIPT, console::SCRIPT].map(|text| {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        BASE64_STANDARD.encode(hash)
    })
});

fn origin(url: &str) -> String {
    Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

/// The `Content-Security-Policy` of every page of this module but the console: its one style
/// sheet, its one script, images of this site.
pub fn content_security_policy(site_url: &str) -> String {
    let [style, script, _] = &*HASHES;
    let origin = origin(site_url);
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src {origin}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The policy of the console, which calls the API and the bucket of uploads.
pub fn console_security_policy(uploads_origin: &str) -> String {
    let [style, _, script] = &*HASHES;
    let uploads = origin(uploads_origin);
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; connect-src 'self' {uploads}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// What stands around a page's content.
struct Frame<'a> {
    lang: Lang,
    title: &'a str,
    /// Name and logo at the top.
    organization: Option<(&'a str, Option<&'a Image>)>,
    site_url: &'a str,
    /// What the head says beyond the rest.
    head: Markup,
    script: &'static str,
    /// What a link to this page in another language keeps, `&amp;`-free: `cursor=…`.
    query: Option<String>,
}

impl<'a> Frame<'a> {
    fn of(lang: Lang, title: &'a str) -> Self {
        Self {
            lang,
            title,
            organization: None,
            site_url: "",
            head: Markup::default(),
            script: SCRIPT,
            query: None,
        }
    }

    fn around(&self, main: &Markup, foot: Option<&Markup>) -> String {
        let lang = self.lang;
        let link = |other: Lang| match &self.query {
            Some(query) => format!("?{query}&lang={}", other.tag()),
            None => format!("?lang={}", other.tag()),
        };
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
                    title { (self.title) }
                    (self.head)
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header.top {
                        @if let Some((name, logo)) = self.organization {
                            p.org {
                                @if let Some(logo) = logo { (picture(logo, self.site_url, "logo")) }
                                span dir="auto" { (name) }
                            }
                        }
                        nav aria-label=(lang.pick("Idioma", "Language")) {
                            ul.langs {
                                @for (other, name) in [(Lang::Es, "Español"), (Lang::En, "English")] {
                                    li lang=(other.tag()) {
                                        @if other == lang { span aria-current="true" { (name) } }
                                        @else { a href=(link(other)) hreflang=(other.tag()) { (name) } }
                                    }
                                }
                            }
                        }
                    }
                    main { (main) }
                    @if let Some(foot) = foot { footer.foot { (foot) } }
                    script { (PreEscaped(self.script)) }
                }
            }
        }
        .into_string()
    }
}

/// An image of this site that says nothing that words beside it do not say.
fn picture(image: &Image, site_url: &str, class: &str) -> Markup {
    html! {
        img class=(class) src=(image.id.url(site_url)) width=(image.width) height=(image.height) alt="";
    }
}

/// The badge of an achievement: its image, else its seal.
fn badge(image: Option<&Image>, seal: &str, site_url: &str) -> Markup {
    html! {
        @match image {
            Some(image) => (picture(image, site_url, "badge")),
            None => svg.badge viewBox={ "0 0 " (seal::SIDE) " " (seal::SIDE) } aria-hidden="true" { (PreEscaped(seal)) },
        }
    }
}

/// How a state looks, its word, and what it means when it is not plain.
fn said(state: State, lang: Lang) -> (&'static str, &'static str, Option<&'static str>) {
    match state {
        State::Issued => ("issued", lang.pick("Vigente", "Valid"), None),
        State::Expired => (
            "expired",
            lang.pick("Vencida", "Expired"),
            Some(lang.pick(
                "El plazo de esta credencial terminó.",
                "The period of this credential has ended.",
            )),
        ),
        State::Suspended => (
            "suspended",
            lang.pick("Suspendida", "Suspended"),
            Some(lang.pick(
                "La institución suspendió esta credencial; por ahora no está vigente.",
                "The institution has suspended this credential; for now it is not in force.",
            )),
        ),
        State::Unverified => (
            "revoked",
            lang.pick("No verificada", "Not verified"),
            Some(lang.pick(
                "No pudimos comprobar la firma de esta credencial. No confíes en ella sin consultar a la institución.",
                "We could not check the signature of this credential. Do not rely on it without asking the institution.",
            )),
        ),
        State::Revoked => (
            "revoked",
            lang.pick("Revocada", "Revoked"),
            Some(lang.pick(
                "La institución revocó esta credencial: ya no está vigente.",
                "The institution has revoked this credential: it is no longer in force.",
            )),
        ),
    }
}

/// A state in one word, for certificates and previews; none when it is in force.
pub fn stamp(state: State, lang: Lang) -> Option<&'static str> {
    (state != State::Issued).then(|| said(state, lang).1)
}

fn day(date: Date, lang: Lang) -> Markup {
    html! { time datetime=(date) { (lang.date(date)) } }
}

/// The page for an address that names no credential.
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

/// The page for a moment when the credential cannot be read.
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

/// The page for a version that a correction replaced. What it said is not shown
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
    let query = Some(format!("version={version}"));
    Frame { query, ..Frame::of(lang, title) }.around(&main, None)
}

/// The page instead of a certificate whose names the certificate's fonts do not have.
pub fn not_drawn(url: &str, lang: Lang) -> String {
    let title = lang.pick("Este certificado se imprime", "This certificate is for printing");
    let main = html! {
        div.card.notice {
            h1 { (title) }
            p { (lang.pick(
                "El PDF que preparamos admite los alfabetos latino, griego y cirílico, y esta credencial usa otra escritura. Tu navegador sí la tiene: abre la credencial e imprímela, o guárdala como PDF desde el diálogo de impresión.",
                "The PDF that we prepare has the Latin, Greek and Cyrillic alphabets, and this credential uses another script. Your browser has it: open the credential and print it, or save it as PDF from the print dialog.",
            )) }
            p { a href=(url) { (lang.pick("Abrir la credencial", "Open the credential")) } }
        }
    };
    Frame::of(lang, title).around(&main, None)
}

fn notice(lang: Lang, title: &str, texts: &[&str]) -> String {
    let main = html! {
        div.card.notice { h1 { (title) } @for text in texts { p { (text) } } }
    };
    Frame::of(lang, title).around(&main, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_admits_the_style_sheet_and_the_script_of_the_page_and_nothing_else() {
        let policy = content_security_policy("https://u.example:8443/creds");
        assert!(policy.contains("img-src https://u.example:8443;"), "{policy}");
        for html in [not_found(Lang::En), unavailable(Lang::Es), replaced("/x", 1, Lang::Es)] {
            for (tag, directive) in [("style", "style-src"), ("script", "script-src")] {
                let (_, rest) = html.split_once(&format!("<{tag}>")).unwrap_or_default();
                let (text, _) = rest.split_once(&format!("</{tag}>")).unwrap_or_default();
                let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
                let hash = BASE64_STANDARD.encode(hash);
                assert!(policy.contains(&format!("{directive} 'sha256-{hash}';")), "{tag}");
                assert_eq!(html.matches(&format!("<{tag}")).count(), 1);
            }
            for bad in ["style=\"", "onclick", "<img", "@import", "url("] {
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
        assert!(replaced("/x", 3, Lang::Es).contains("href=\"?version=3&amp;lang=en\""));
    }
}
