//! The page of a member's wallet: their credentials with an organization, newest first.

use jiff::civil::Date;
use maud::html;

use super::frame::{Frame, badge, day, describe, ways_on};
use crate::{
    domain::{image::Image, lang::Lang},
    web::view::State,
};

/// A credential in a wallet.
pub struct WalletEntry {
    /// Its page.
    pub url: String,
    /// The name of the achievement.
    pub name: String,
    /// The achievement's own badge.
    pub badge: Option<Image>,
    /// The seal, for an achievement without a badge.
    pub seal: String,
    /// The grade.
    pub result: Option<String>,
    /// The day of the award, else of issue, in the organization's time zone.
    pub awarded_on: Option<Date>,
    /// Its state.
    pub state: State,
}

/// The content of a wallet's page.
pub struct WalletPage<'a> {
    /// Name of the organization.
    pub organization: &'a str,
    /// Its logo.
    pub logo: Option<&'a Image>,
    /// Root of every link.
    pub site_url: &'a str,
    /// The member's name.
    pub member: Option<&'a str>,
    /// Whether these are test credentials.
    pub test: bool,
    /// The day on which the link expires.
    pub until: Date,
    /// The credentials of this page.
    pub entries: &'a [WalletEntry],
    /// The cursor of the next page.
    pub next: Option<&'a str>,
    /// Whether this is not the first page.
    pub later: bool,
    /// Whether credentials of this page are not shown.
    pub withheld: bool,
}

/// Renders a wallet: a whole HTML document.
pub fn wallet(page: &WalletPage<'_>, lang: Lang) -> String {
    let heading = lang.pick("Tu billetera de credenciales", "Your credential wallet");
    let title = format!("{heading} · {}", page.organization);
    let main = html! {
        @if page.test {
            div.card.strip { div.state.trial { p {
                strong { (lang.pick("Prueba", "Test")) } " · "
                (lang.pick(
                    "Estas credenciales se emitieron en modo de prueba y no tienen validez.",
                    "These credentials were issued in test mode and have no validity.",
                ))
            } } }
        }
        h1 { (heading) }
        @if let Some(name) = page.member { p.holder { (lang.pick("Credenciales de ", "Credentials of ")) bdi { (name) } } }
        @if page.entries.is_empty() {
            p { (match page.withheld {
                false => lang.pick("Todavía no hay credenciales.", "There are no credentials yet."),
                true => lang.pick("No hay credenciales que mostrar por ahora.", "There are no credentials to show for now."),
            }) }
        }
        ul.wallet {
            @for entry in page.entries {
                @let (class, word, _) = describe(entry.state, lang);
                li.card {
                    a.entry href=(entry.url) {
                        (badge(entry.badge.as_ref(), &entry.seal, page.site_url))
                        span.about {
                            span.what dir="auto" { (entry.name) }
                            span.soft {
                                @if let Some(on) = entry.awarded_on { (day(on, lang)) }
                                @if let Some(result) = &entry.result { " · " bdi { (result) } }
                            }
                            span class={ "tag " (class) } { (word) }
                        }
                    }
                }
            }
        }
        @if page.later || page.next.is_some() {
            nav.pages aria-label=(lang.pick("Páginas", "Pages")) {
                @if page.later { a href={ "?lang=" (lang.tag()) } { (lang.pick("← Las más recientes", "← Newest")) } }
                @if let Some(next) = page.next {
                    a href={ "?cursor=" (next) "&lang=" (lang.tag()) } { (lang.pick("Anteriores →", "Older →")) }
                }
            }
        }
    };
    let foot = html! {
        p {
            (lang.pick(
                "Este enlace es personal: muestra todas tus credenciales de esta institución. No lo reenvíes; para compartir una credencial, usa el enlace de su página. Sirve hasta el ",
                "This link is personal: it shows all your credentials of this institution. Do not forward it; to share a credential, use the link of its page. It works until ",
            ))
            (day(page.until, lang)) "."
        }
        p { (lang.pick(
            "Cada aviso de una nueva credencial trae un enlace nuevo. Las páginas de las credenciales no vencen con él.",
            "Each notice of a new credential brings a new link. The pages of the credentials do not end with it.",
        )) }
    };
    let frame = Frame {
        organization: Some((page.organization, page.logo)),
        site_url: page.site_url,
        ..Frame::of(lang, &title)
    };
    frame.around(&main, Some(&foot))
}

/// Renders the page for a link whose 30 days are over.
pub fn wallet_ended(site_url: &str, lang: Lang) -> String {
    closed(
        lang.pick(
            "Este enlace ya no abre la billetera",
            "This link does not open the wallet any more",
        ),
        lang.pick(
            "Venció: los enlaces a la billetera sirven 30 días. Tus credenciales siguen aquí.",
            "It has ended: links to the wallet work for 30 days. Your credentials are still here.",
        ),
        site_url,
        lang,
    )
}

/// Renders the page for a link that opens nothing.
pub fn wallet_closed(site_url: &str, lang: Lang) -> String {
    closed(
        lang.pick("Este enlace ya no abre la billetera", "This link does not open the wallet any more"),
        lang.pick(
            "Es posible que se haya copiado incompleto, o que sus 30 días hayan pasado. Pide uno nuevo con tu dirección de correo.",
            "It may have been copied incompletely, or its 30 days are over. Ask for a new one with your mail address.",
        ),
        site_url,
        lang,
    )
}

fn closed(title: &str, text: &str, site_url: &str, lang: Lang) -> String {
    let main = html! {
        div.card.notice {
            h1 { (title) }
            p { (text) }
            p { a.button.first href={ (site_url) "/wallet?lang=" (lang.tag()) } { (lang.pick("Pedir un enlace nuevo", "Ask for a new link")) } }
            p { (lang.pick(
                "Las páginas públicas de tus credenciales siguen disponibles.",
                "The public pages of your credentials are still there.",
            )) }
            (ways_on(site_url, lang))
        }
    };
    Frame { site_url, ..Frame::of(lang, title) }.around(&main, None)
}
