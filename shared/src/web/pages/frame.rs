//! The parts that all pages share: their frame, style sheet, script and security policy.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::civil::Date;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use url::Url;

use crate::{
    domain::{image::Image, lang::Lang},
    http::serve::ROBOTS,
    web::{
        seal,
        view::{State, host_of},
    },
};

/// The style sheet. The page contains it unescaped, so it has no `</style`.
const STYLE: &str = concat!(include_str!("page.css"), include_str!("verify.css"));
/// The script: it copies and prints. The page works without it.
const SCRIPT: &str = include_str!("page.js");
/// The script of the console. The page contains it unescaped, so it has no `</script`.
pub(super) const CONSOLE_SCRIPT: &str = concat!(
    include_str!("console/parts.js"),
    include_str!("console/sheet.js"),
    include_str!("console/mend.js"),
    include_str!("console/pictures.js"),
    include_str!("console/assignments.js"),
    include_str!("console/review.js"),
    include_str!("console/columns.js"),
    include_str!("console/undelivered.js"),
    include_str!("console/prints.js"),
    include_str!("console/personal.js"),
    include_str!("console/flow.js"),
);
/// The script of `/verify`: it takes what is dropped anywhere. The form works without it.
pub(super) const VERIFY_SCRIPT: &str = include_str!("verify.js");

/// Hashes of the style sheet and the scripts, as a policy names them.
static HASHES: LazyLock<[String; 4]> = LazyLock::new(|| {
    [STYLE, SCRIPT, CONSOLE_SCRIPT, VERIFY_SCRIPT].map(|text| {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        BASE64_STANDARD.encode(hash)
    })
});

fn origin(url: &str) -> String {
    Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

/// Returns the `Content-Security-Policy` of every page but the console: its one style sheet, its
/// one script, images of this site.
pub fn content_security_policy(site_url: &str) -> String {
    let [style, script, ..] = &*HASHES;
    let origin = origin(site_url);
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src {origin}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Returns the policy of the console, which calls the API and the bucket of uploads; its images are the
/// site's icon and the samples that it asked the API for.
pub fn console_security_policy(uploads_origin: &str) -> String {
    let [style, _, script, _] = &*HASHES;
    let uploads = origin(uploads_origin);
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; connect-src 'self' {uploads}; img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Returns the policy of a page with a form that is sent to this site.
pub fn form_security_policy(site_url: &str) -> String {
    content_security_policy(site_url).replace("form-action 'none'", "form-action 'self'")
}

/// Returns the policy of `/verify`, whose form is sent to this site.
pub fn verify_security_policy(site_url: &str) -> String {
    let [style, _, _, script] = &*HASHES;
    let origin = origin(site_url);
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src {origin}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// The frame of a page: head, organization, languages.
pub(super) struct Frame<'a> {
    pub(super) lang: Lang,
    pub(super) title: &'a str,
    /// Name and logo at the top.
    pub(super) organization: Option<(&'a str, Option<&'a Image>)>,
    pub(super) site_url: &'a str,
    /// Additional elements of the head.
    pub(super) head: Markup,
    pub(super) script: &'static str,
    /// The languages that it is offered in.
    pub(super) langs: &'static [Lang],
    /// The query that links to other languages keep, unescaped: `cursor=…`.
    pub(super) query: Option<String>,
}

impl<'a> Frame<'a> {
    pub(super) fn of(lang: Lang, title: &'a str) -> Self {
        Self {
            lang,
            title,
            organization: None,
            site_url: "",
            head: Markup::default(),
            script: SCRIPT,
            langs: &Lang::ALL,
            query: None,
        }
    }

    pub(super) fn around(&self, main: &Markup, foot: Option<&Markup>) -> String {
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
                    meta name="robots" content=(ROBOTS);
                    meta name="referrer" content="no-referrer";
                    meta name="format-detection" content="telephone=no, date=no, address=no, email=no";
                    @if !self.site_url.is_empty() { link rel="icon" href={ (self.site_url) "/favicon.ico" }; }
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
                        @else if !self.site_url.is_empty() {
                            p.org { a href={ (self.site_url) "/?lang=" (lang.tag()) } { (host_of(self.site_url)) } }
                        }
                        nav aria-label=(lang.texts().language) {
                            ul.langs {
                                @for &other in self.langs {
                                    li lang=(other.tag()) {
                                        @if other == lang { span aria-current="true" { (other.texts().name) } }
                                        @else { a href=(link(other)) hreflang=(other.tag()) { (other.texts().name) } }
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

/// Renders a decorative image: the text beside it says the same, so `alt` is empty.
pub(super) fn picture(image: &Image, site_url: &str, class: &str) -> Markup {
    html! {
        img class=(class) src=(image.id.url(site_url)) width=(image.width) height=(image.height) alt="";
    }
}

/// Renders the badge of an achievement: its image, else its seal.
pub(super) fn badge(image: Option<&Image>, seal: &str, site_url: &str) -> Markup {
    html! {
        @match image {
            Some(image) => (picture(image, site_url, "badge")),
            None => svg.badge viewBox={ "0 0 " (seal::SIDE) " " (seal::SIDE) } aria-hidden="true" { (PreEscaped(seal)) },
        }
    }
}

/// Describes a state: its CSS class, its word, and an explanation unless it is in force.
pub(super) fn describe(
    state: State,
    lang: Lang,
) -> (&'static str, &'static str, Option<&'static str>) {
    let texts = &lang.texts().states;
    let (class, state) = match state {
        State::Issued => return ("issued", texts.issued, None),
        State::Expired => ("expired", &texts.expired),
        State::Suspended => ("suspended", &texts.suspended),
        State::Unverified => ("revoked", &texts.unverified),
        State::Revoked => ("revoked", &texts.revoked),
    };
    (class, state.word, Some(state.text))
}

/// Returns a state in one word, for certificates and previews; `None` if it is in force.
pub fn stamp(state: State, lang: Lang) -> Option<&'static str> {
    (state != State::Issued).then(|| describe(state, lang).1)
}

/// Renders a date.
pub(super) fn day(date: Date, lang: Lang) -> Markup {
    html! { time datetime=(date) { (lang.date(date)) } }
}

/// Renders a page of a title and some paragraphs, with the ways on.
pub(super) fn notice(site_url: &str, lang: Lang, title: &str, texts: &[&str]) -> String {
    let main = html! {
        div.card.notice { h1 { (title) } @for text in texts { p { (text) } } (ways_on(site_url, lang)) }
    };
    Frame { site_url, ..Frame::of(lang, title) }.around(&main, None)
}

/// Renders where a page without content leads: to `/verify` and to the home page.
pub(super) fn ways_on(site_url: &str, lang: Lang) -> Markup {
    html! {
        ul.actions {
            li { a.button href={ (site_url) "/verify?lang=" (lang.tag()) } { (lang.texts().verify.title) } }
            li { a.button href={ (site_url) "/?lang=" (lang.tag()) } { (lang.texts().notices.home) } }
        }
    }
}

/// Renders the mark before a check: drawn, so that it needs no font.
pub(super) fn tick(passed: Option<bool>) -> Markup {
    let path = match passed {
        Some(true) => "M3 8.5 6.5 12 13 4.5",
        Some(false) => "M4 4l8 8M12 4l-8 8",
        None => "M4 8h8",
    };
    html! { svg.tick viewBox="0 0 16 16" aria-hidden="true" { path d=(path) {} } }
}
