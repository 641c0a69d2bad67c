//! The pages of the site itself: its home, and that of an address that names nothing.

use maud::{Markup, html};

use super::frame::{Frame, notice, picture};
use crate::{
    domain::{email::EmailAddress, image::Image, lang::Lang, organization::Settings},
    web::view::host_of,
};

/// An organization whose credentials this site issues.
pub struct Issuer {
    name: String,
    logo: Option<Image>,
    website: Option<String>,
    contact: Option<EmailAddress>,
}

impl Issuer {
    /// What the home page shows of an organization.
    pub fn of(settings: &Settings) -> Self {
        let Settings { name, logo, website, contact, .. } = settings.clone();
        Self { name, logo, website, contact }
    }
}

/// Renders an organization's own site and its contact, as links.
pub(super) fn reached(website: Option<&str>, contact: Option<&EmailAddress>) -> Markup {
    html! {
        @if website.is_some() || contact.is_some() {
            p.links {
                @if let Some(website) = website {
                    a href=(website) rel="noopener noreferrer nofollow" { (host_of(website)) }
                }
                @if let Some(contact) = contact { a href={ "mailto:" (contact.as_str()) } { (contact.as_str()) } }
            }
        }
    }
}

/// How anybody verifies a credential of this site.
fn verifying(site_url: &str, lang: Lang) -> Markup {
    html! {
        section.verifying {
            h2.h2 { (lang.texts().home.verify) }
            ul.prose-list {
                li { (lang.texts().home.by_link) }
                li { (lang.texts().home.by_file) }
            }
            p { a.button.first href={ (site_url) "/verify?lang=" (lang.tag()) } { (lang.texts().home.verify) } }
            p { (lang.texts().home.lost)
                a href={ (site_url) "/wallet?lang=" (lang.tag()) } { (lang.texts().home.lost_link) } "." }
        }
    }
}

/// Renders the home page: whose site this is, and how to verify.
pub fn home(issuers: &[Issuer], site_url: &str, lang: Lang) -> String {
    let host = host_of(site_url);
    let title = (lang.texts().home.title)(match issuers {
        [only] => &only.name,
        _ => &host,
    });
    let main = html! {
        div.card { div.body {
            h1 { (lang.texts().home.heading) }
            p { (lang.texts().home.lead) }
            ul.issuers {
                @for issuer in issuers {
                    li {
                        p.org {
                            @if let Some(logo) = &issuer.logo { (picture(logo, site_url, "logo")) }
                            span dir="auto" { (issuer.name) }
                        }
                        (reached(issuer.website.as_deref(), issuer.contact.as_ref()))
                    }
                }
            }
            (verifying(site_url, lang))
        } }
    };
    let foot = html! {
        p { (lang.texts().home.site) (host) }
    };
    Frame { site_url, ..Frame::of(lang, &title) }.around(&main, Some(&foot))
}

/// Renders the page for an address that names nothing here.
pub fn nowhere(site_url: &str, lang: Lang) -> String {
    notice(site_url, lang, lang.texts().notices.nowhere, &[lang.texts().notices.nowhere_why])
}

/// Renders the page for a method that an address does not take, such as a form that is sent to it.
pub fn not_taken(site_url: &str, lang: Lang) -> String {
    notice(site_url, lang, lang.texts().notices.not_taken, &[lang.texts().notices.not_taken_why])
}

/// Renders the page for a part of a credential, such as its QR code, that is gone with it.
pub fn gone(site_url: &str, lang: Lang) -> String {
    notice(site_url, lang, lang.texts().notices.gone, &[lang.texts().notices.gone_why])
}
