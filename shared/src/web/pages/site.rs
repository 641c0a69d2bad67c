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
            h2.h2 { (lang.pick("Verificar una credencial", "Verify a credential")) }
            ul.prose-list {
                li { (lang.pick(
                    "Con su enlace o su código QR: ábrelo. La página muestra a quién se otorgó, quién la otorgó y si está vigente.",
                    "With its link or its QR code: open it. The page shows to whom it was awarded, by whom, and whether it is valid.",
                )) }
                li { (lang.pick(
                    "Con un archivo (PDF, PNG o JSON) o una dirección copiada: compruébalo aquí.",
                    "With a file (PDF, PNG or JSON) or an address that was copied: check it here.",
                )) }
            }
            p { a.button.first href={ (site_url) "/verify?lang=" (lang.tag()) } { (lang.pick("Verificar una credencial", "Verify a credential")) } }
            p { (lang.pick("¿Recibiste credenciales y perdiste el enlace? ", "Were you awarded credentials, and lost the link? "))
                a href={ (site_url) "/wallet?lang=" (lang.tag()) } { (lang.pick("Pide el de tu billetera", "Ask for that of your wallet")) } "." }
        }
    }
}

/// Renders the home page: whose site this is, and how to verify.
pub fn home(issuers: &[Issuer], site_url: &str, lang: Lang) -> String {
    let host = host_of(site_url);
    let title = match issuers {
        [only] => lang.pick(
            format!("Credenciales digitales · {}", only.name),
            format!("Digital credentials · {}", only.name),
        ),
        _ => lang.pick(
            format!("Credenciales digitales · {host}"),
            format!("Digital credentials · {host}"),
        ),
    };
    let main = html! {
        div.card { div.body {
            h1 { (lang.pick("Credenciales digitales", "Digital credentials")) }
            p { (lang.pick(
                "En este sitio se emiten y se verifican credenciales digitales. Las emite:",
                "Digital credentials are issued and verified at this site. They are issued by:",
            )) }
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
        p { (lang.pick("Este sitio: ", "This site: ")) (host) }
    };
    Frame { site_url, ..Frame::of(lang, &title) }.around(&main, Some(&foot))
}

/// Renders the page for an address that names nothing here.
pub fn nowhere(site_url: &str, lang: Lang) -> String {
    notice(
        site_url,
        lang,
        lang.pick("No encontramos esta página", "We could not find this page"),
        &[lang.pick(
            "Es posible que el enlace esté incompleto o que se haya copiado mal. Ábrelo de nuevo desde el mensaje que recibiste.",
            "The link may be incomplete or may have been copied wrongly. Open it again from the message you received.",
        )],
    )
}

/// Renders the page for a method that an address does not take, such as a form that is sent to it.
pub fn not_taken(site_url: &str, lang: Lang) -> String {
    notice(
        site_url,
        lang,
        lang.pick("Esta dirección no recibe lo que enviaste", "This address does not take what you sent"),
        &[lang.pick(
            "Es probable que el formulario o el enlace de otro sitio esté mal hecho. Desde aquí puedes seguir:",
            "A form or a link of another site is probably wrong. From here you can go on:",
        )],
    )
}

/// Renders the page for a part of a credential, such as its QR code, that is gone with it.
pub fn gone(site_url: &str, lang: Lang) -> String {
    notice(
        site_url,
        lang,
        lang.pick("Ya no está en este sitio", "It is no longer on this site"),
        &[lang.pick(
            "La credencial fue revocada o eliminada. Si tienes su archivo, puedes comprobarlo.",
            "The credential was revoked or erased. If you have its file, you can check it.",
        )],
    )
}
