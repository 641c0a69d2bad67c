//! The page of a credential: an employer checks it, a graduate shares it, and on paper it is a
//! certificate of one page.

use maud::{Markup, PreEscaped, html};
use url::Url;

use super::achievement::skills;
use super::frame::{Frame, badge, day, describe, picture, stamp, tick};
use super::site::reached;
use crate::{
    domain::{field::FieldName, lang::Lang, public_hides::Hidden, recipient::Evidence},
    web::{
        interaction, qr,
        view::{CredentialView, Fact, State},
    },
};

/// A public verifier by another vendor.
const VERIFIER: &str = "https://verifierplus.org/";

/// Renders the page of a credential: a whole HTML document.
pub fn credential(shown: &CredentialView, site_url: &str, lang: Lang) -> String {
    let title = format!("{} · {}", shown.name, shown.organization);
    let main = html! {
        article.card {
            @if shown.test {
                div.state.trial { p {
                    strong { (lang.texts().test) } " · "
                    (lang.texts().page.test)
                } }
                (watermark(lang))
            }
            (state(shown, lang))
            div.body {
                (award(shown, site_url, lang))
                (actions(shown, lang))
            }
            (verification(shown, lang))
            div.body {
                (facts(shown, lang))
                (left_out(&shown.hidden, lang))
                @if !shown.description.is_empty() {
                    section { h2.h2 { (lang.texts().page.description) } p.prose dir="auto" { (shown.description) } }
                }
                @if let Some(criteria) = &shown.criteria {
                    section { h2.h2 { (lang.texts().page.criteria) } p.prose dir="auto" { (criteria) } }
                }
                (skills(&shown.skills, lang))
                @if !shown.evidence.is_empty() {
                    section {
                        h2.h2 { (FieldName::Evidence.label(lang)) }
                        ul.evidence { @for item in &shown.evidence { li { (evidence(item)) } } }
                    }
                }
                p.links { a href={ (shown.achievement_url) "&lang=" (lang.tag()) } { (lang.texts().page.about_achievement) } }
            }
        }
        (take_along(shown, lang))
        (certificate(shown, site_url, lang))
    };
    let foot = html! {
        p { (lang.texts().page.identifier) (shown.id) }
        p { (lang.texts().page.address) a href=(shown.url) { (shown.url) } }
        p { (lang.texts().page.origin) }
    };
    let frame = Frame {
        organization: Some((&shown.organization, shown.logo.as_ref())),
        site_url,
        head: head(shown, &title, lang),
        ..Frame::of(lang, &title)
    };
    frame.around(&main, Some(&foot))
}

/// Renders what is awarded, to whom, and by whom.
fn award(shown: &CredentialView, site_url: &str, lang: Lang) -> Markup {
    html! {
        div.hero {
            div.words {
                h1 dir="auto" { (shown.name) }
                @if let Some(name) = &shown.recipient_name {
                    p.label { (lang.texts().page.awarded_to) }
                    p.who dir="auto" { (name) }
                }
                p.label { (lang.texts().page.awarded_by) }
                p.giver { bdi { (shown.organization) } span.host { " · " (shown.host) } }
                (reached(shown.website.as_deref(), shown.contact.as_ref()))
            }
            (badge(shown.badge.as_ref(), &shown.seal("ring"), site_url))
        }
    }
}

/// Renders what a graduate does first.
fn actions(shown: &CredentialView, lang: Lang) -> Markup {
    let pdf = !shown.checks.is_empty();
    html! {
        ul.bar {
            @if let Some(link) = shown.linkedin() {
                li { a.button.first href=(link) rel="noopener noreferrer" { (lang.texts().page.linkedin) } }
            }
            @if pdf {
                li { a.button href={ (shown.url) "/certificate.pdf?lang=" (lang.tag()) } { (lang.texts().page.certificate) } }
            }
            @if shown.goes_to_wallets() {
                li { a.button href="#wallet" { (lang.texts().page.keep) } }
            }
            li { button.button type="button" hidden data-share=(shown.url) data-title=(shown.name)
                data-done=(lang.texts().page.copied) { (lang.texts().page.share) } }
        }
        p.copied role="status" id="copied" {}
    }
}

/// Renders the head for chat programs and browsers: Open Graph with a preview image.
fn head(shown: &CredentialView, title: &str, lang: Lang) -> Markup {
    let name = shown.recipient_name.as_deref();
    let texts = &lang.texts().page;
    let about = match name {
        Some(name) => (texts.about)(name, &shown.organization),
        None => (texts.about_nameless)(&shown.organization),
    };
    let mark = stamp(shown.state, lang);
    let about = match mark.or(shown.test.then(|| lang.texts().test)) {
        Some(word) => format!("{} · {about}", word.to_uppercase()),
        None => about,
    };
    // The name of a test's issuer says that it is one.
    let title = match mark {
        Some(word) => format!("{} · {title}", word.to_uppercase()),
        None => title.to_owned(),
    };
    let preview = format!("{}/preview.png?lang={}", shown.url, lang.tag());
    html! {
        link rel="canonical" href=(shown.url);
        link rel="alternate" type="application/json" href={ (shown.url) ".json" };
        meta name="description" content=(about);
        meta property="og:type" content="website";
        meta property="og:url" content=(shown.url);
        meta property="og:site_name" content=(shown.organization);
        meta property="og:title" content=(title);
        meta property="og:description" content=(about);
        meta property="og:locale" content=(lang.texts().locale);
        meta property="og:image" content=(preview);
        meta property="og:image:type" content="image/png";
        meta property="og:image:width" content="1200";
        meta property="og:image:height" content="630";
        meta property="og:image:alt" content=(title);
        meta name="twitter:card" content="summary_large_image";
    }
}

fn watermark(lang: Lang) -> Markup {
    let word = lang.texts().test_watermark;
    // The style sheet draws the word, so that screen readers do not read it.
    html! { div.mark aria-hidden="true" data-word=(word) {} }
}

/// Renders the band with a state that a reader must know first, and that it was corrected. What is in
/// force says so in the line of its checks.
fn state(shown: &CredentialView, lang: Lang) -> Markup {
    let (class, word, text) = describe(shown.state, lang);
    html! {
        @if shown.state != State::Issued {
            div class={ "state " (class) } {
                p {
                    strong { (word) }
                    @if let Some(text) = text { " · " (text) }
                    @if let (State::Revoked, Some(on)) = (shown.state, shown.status_on) {
                        (lang.texts().page.revoked_on) (day(on, lang)) "."
                    }
                }
            }
        }
    }
}

/// Renders the checks that were just made: one line, which opens, with how to repeat them elsewhere.
fn verification(shown: &CredentialView, lang: Lang) -> Markup {
    let word = |passed| match passed {
        Some(true) => ("pass", lang.texts().checks.passed),
        Some(false) => ("fail", lang.texts().checks.failed),
        None => ("skip", ""),
    };
    let made = shown.checks.iter().filter(|check| check.passed.is_some()).count();
    let passed = shown.checks.iter().filter(|check| check.passed == Some(true)).count();
    let in_force = shown.state == State::Issued;
    let (class, state, _) = describe(shown.state, lang);
    html! {
        @if !shown.checks.is_empty() {
            details.checked.(if in_force { class } else { "soft" }) {
                summary {
                    span {
                        @if in_force && !shown.test { strong.holds { (state) } " · " }
                        ((lang.texts().checks.count)(passed, made))
                        span.when { ", " (day(shown.checked_on, lang)) }
                    }
                }
                div.inside {
                    ul.checks {
                        @for check in &shown.checks {
                            @let (class, said) = word(check.passed);
                            li class=(class) {
                                (tick(check.passed))
                                span { span.said { (said) } bdi { (check.outcome.text(lang)) } }
                            }
                        }
                    }
                    (elsewhere(lang))
                }
            }
            @if let Some(date) = shown.corrected_on {
                p.corrected {
                    (lang.texts().page.corrected_on) (day(date, lang))
                    (lang.texts().page.corrected_note)
                }
            }
        }
    }
}

fn elsewhere(lang: Lang) -> Markup {
    html! {
        p {
            (lang.texts().page.elsewhere)
            a href=(VERIFIER) rel="noopener noreferrer" { "VerifierPlus" }
            (lang.texts().page.elsewhere_how)
        }
    }
}

/// Returns the facts of a credential in reading order: name and value.
pub(super) fn listed(shown: &CredentialView, lang: Lang) -> Vec<(&str, Markup)> {
    let on = |of: FieldName| shown.facts.iter().find(|(field, _)| *field == of).map(|(_, f)| f);
    let start = on(FieldName::ActivityStartDate);
    let one_day = start.is_some() && start == on(FieldName::ActivityEndDate);
    let fields = shown.facts.iter().filter_map(|(field, fact)| {
        let name = match field {
            FieldName::ActivityStartDate if one_day => lang.texts().facts.activity_date,
            FieldName::ActivityEndDate if one_day => return None,
            field => field.label(lang),
        };
        let value = match fact {
            Fact::Text(text) => html! { bdi { (text) } },
            Fact::Credits(credits) => html! { (lang.decimal(credits)) },
            Fact::Date(date) => day(*date, lang),
        };
        Some((name, value))
    });
    let days = shown.days(lang).into_iter().map(|(name, on)| (name, day(on, lang)));
    let custom = shown.custom.iter();
    let custom =
        custom.map(|(label, value)| (label.text(lang), html! { bdi { (value.text(lang)) } }));
    days.chain(fields).chain(custom).collect()
}

fn facts(shown: &CredentialView, lang: Lang) -> Markup {
    html! {
        dl.facts { @for (name, value) in listed(shown, lang) { div { dt { (name) } dd { (value) } } } }
    }
}

/// Says what the organization hides here, so that a reader does not take it for missing.
fn left_out(hidden: &[Hidden], lang: Lang) -> Markup {
    if hidden.is_empty() {
        return Markup::default();
    }
    let names: Vec<&str> = hidden.iter().map(|part| part.text(lang)).collect();
    html! { p.soft { ((lang.texts().page.left_out)(&lang.list(&names))) } }
}

fn evidence(item: &Evidence) -> Markup {
    let link = item.url.as_deref().and_then(web_address);
    // A title hides the host of its link.
    let host = link.as_ref().and_then(Url::host_str).filter(|_| item.name.is_some());
    let name = item.name.as_ref().or(item.url.as_ref()).map(String::as_str).unwrap_or_default();
    html! {
        @if let Some(link) = &link {
            a href=(link) rel="noopener noreferrer nofollow" dir="auto" { (name) }
        } @else {
            span dir="auto" { (name) }
        }
        @if let Some(host) = host { span.host { " · " (host) } }
        @if let Some(text) = &item.description { p.prose dir="auto" { (text) } }
    }
}

/// Parses an address of the web; every other scheme (`javascript:`, `data:`) is `None`.
fn web_address(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// Renders how to keep a credential: in a wallet, as files, on paper.
fn take_along(shown: &CredentialView, lang: Lang) -> Markup {
    // A credential from before signing has no document.
    let signed = !shown.checks.is_empty();
    let file = |name: &str| format!("{}/{name}", shown.url);
    html! {
        @if shown.goes_to_wallets() { (wallet(shown, lang)) }
        section.card.along aria-labelledby="along" {
            h2.h2 id="along" { (lang.texts().page.files) }
            ul.actions {
                li { button.button type="button" hidden data-copy=(shown.url)
                    data-done=(lang.texts().page.copied) { (lang.texts().page.copy) } }
                li { button.button type="button" hidden data-print="" { (lang.texts().page.print) } }
                @if signed {
                    li { a.button href=(file("badge.png")) download={ (shown.id) ".png" } { (lang.texts().page.badge) } }
                    li { a.button href={ (shown.url) ".json" } download={ (shown.id) ".json" } type="application/json" { (lang.texts().page.document) } }
                }
                li { a.button href=(file("qr.svg")) download={ (shown.id) ".svg" } { (lang.texts().page.qr) } }
            }
            @if signed { p.soft { (lang.texts().page.carry_signature) } }
        }
    }
}

/// Renders the ways into a wallet: an app on this phone, or a code for the phone beside this screen.
fn wallet(shown: &CredentialView, lang: Lang) -> Markup {
    let code = qr::code(&interaction::interaction_url(&shown.url));
    html! {
        section.card.along id="wallet" aria-labelledby="wallet-title" {
            h2.h2 id="wallet-title" { (lang.texts().page.wallet) }
            @if shown.test { p.soft { (lang.texts().page.wallet_test) } }
            div.ways {
                div {
                    ul.actions {
                        @for app in interaction::wallets(&shown.url) {
                            li { a.button href=(app.link) rel="noopener noreferrer" { (app.name) } }
                        }
                    }
                    p.soft { (lang.texts().page.wallet_how) }
                }
                @if let Some(code) = code {
                    svg.scan role="img" aria-label=(lang.texts().page.qr_label) viewBox={ "0 0 " (code.side) " " (code.side) } {
                        rect width=(code.side) height=(code.side) {}
                        path d=(PreEscaped(&code.path)) {}
                    }
                }
            }
        }
    }
}

/// Returns the length class of a text: the certificate sets longer texts smaller.
fn length(text: &str) -> &'static str {
    match text.chars().count() {
        0..=28 => "short",
        29..=52 => "medium",
        53..=104 => "long",
        _ => "longest",
    }
}

/// Renders the printed certificate: one page, in the browser's own fonts, so that it has every
/// script. Screens and screen readers do not show it.
fn certificate(shown: &CredentialView, site_url: &str, lang: Lang) -> Markup {
    let code = qr::code(&interaction::interaction_url(&shown.url));
    let texts = &lang.texts().certificate;
    let (to, of) = match shown.recipient_name {
        Some(_) => (texts.awards_to, texts.the_credential),
        None => ("", texts.awards_the_credential),
    };
    html! {
        div.sheet aria-hidden="true" {
            @if shown.test { (watermark(lang)) }
            div.inner {
                p.from {
                    @if let Some(logo) = &shown.logo { (picture(logo, site_url, "logo")) }
                    span dir="auto" { (shown.organization) }
                }
                @if let Some(name) = &shown.recipient_name {
                    p.small { (to) }
                    p class={ "name " (length(name)) } dir="auto" { (name) }
                }
                p.small { (of) }
                p class={ "title " (length(&shown.name)) } dir="auto" { (shown.name) }
                @if let Some(word) = stamp(shown.state, lang) { p.stamp { (word) } }
                dl.facts { @for (name, value) in listed(shown, lang) { div { dt { (name) } dd { (value) } } } }
                @if let Some(line) = shown.skills_line(lang) { p.small dir="auto" { (line) } }
                div.base {
                    (badge(shown.badge.as_ref(), &shown.seal("printed-ring"), site_url))
                    div.proof {
                        p { (texts.signed) " " (texts.checked_at) }
                        p.address { (shown.url) }
                    }
                    @if let Some(code) = &code {
                        svg.code viewBox={ "0 0 " (code.side) " " (code.side) } { path d=(PreEscaped(&code.path)) {} }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
