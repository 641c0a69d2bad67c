//! The page of `/wallet`: a form for whoever lost the link to their wallet.

use maud::{Markup, html};

use super::frame::{Frame, ways_on};
use crate::{domain::lang::Lang, web::view::host_of};

/// What the page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostLink {
    /// The form.
    Form,
    /// The form, as what was sent is no address.
    NoAddress,
    /// A mail is on its way, if the site knows the address.
    Asked,
    /// The site has no sender, so nobody is mailed.
    NoSender,
    /// The request could not be taken.
    Unavailable,
}

/// Renders the page: a whole HTML document.
pub fn lost_link(said: LostLink, site_url: &str, lang: Lang) -> String {
    let title = lang.pick("Recuperar tu billetera", "Find your wallet again");
    let host = host_of(site_url);
    let notice = |heading: &str, texts: &[&str]| {
        html! { div.card.notice { h1 { (heading) } @for text in texts { p { (text) } } (ways_on(site_url, lang)) } }
    };
    let main = match said {
        LostLink::Form | LostLink::NoAddress => form(said == LostLink::NoAddress, title, lang),
        LostLink::Asked => notice(
            lang.pick("Revisa tu correo", "Check your mail"),
            &[
                lang.pick(
                    "Si en este sitio hay credenciales para esa dirección, en unos minutos recibirás un correo con los enlaces a tu billetera.",
                    "If this site has credentials for that address, a mail with the links to your wallet arrives within some minutes.",
                ),
                lang.pick(
                    "¿No llega? Revisa la carpeta de correo no deseado y prueba con la dirección que diste a la institución. Cada dirección recibe tres correos al día como máximo, y desde una misma red (una oficina, un campus) se aceptan pocas solicitudes por hora: si pasa, prueba más tarde o desde otra red.",
                    "Nothing arrives? Look into your spam folder, and try the address that you gave to the institution. Each address gets three mails a day at most, and a network (an office, a campus) has few requests an hour: if that happens, try later or from another network.",
                ),
            ],
        ),
        LostLink::NoSender => notice(
            title,
            &[lang.pick(
                "Este sitio no envía enlaces por su cuenta. Pide el tuyo a la institución que te otorgó la credencial: puede enviarte de nuevo el aviso.",
                "This site sends no links by itself. Ask the institution that awarded you the credential: it can send you the notice again.",
            )],
        ),
        LostLink::Unavailable => notice(
            lang.pick("No pudimos recibir tu solicitud", "We could not take your request"),
            &[lang.pick(
                "Es un problema pasajero de nuestro sistema. Vuelve a intentarlo en unos minutos.",
                "This is a passing problem of our system. Please try again in a few minutes.",
            )],
        ),
    };
    let foot = html! { p { (lang.pick("Sitio: ", "Site: ")) strong { (host) } } };
    let frame = Frame { site_url, ..Frame::of(lang, title) };
    frame.around(&main, Some(&foot))
}

fn form(wrong: bool, title: &str, lang: Lang) -> Markup {
    html! {
        h1 { (title) }
        p.lead { (lang.pick(
            "Escribe la dirección de correo en la que recibiste tus credenciales. Te enviaremos un enlace para verlas todas, válido por 30 días.",
            "Enter the mail address at which you received your credentials. We send you a link that shows all of them and works for 30 days.",
        )) }
        form.card.ask method="post" action={ "?lang=" (lang.tag()) } {
            label for="email" { (lang.pick("Dirección de correo", "Mail address")) }
            input id="email" name="email" type="email" required maxlength="254" autocomplete="email"
                aria-invalid=[wrong.then_some("true")] aria-describedby=[wrong.then_some("problem")];
            @if wrong {
                p.problem id="problem" role="alert" { (lang.pick(
                    "Escribe una dirección de correo completa, por ejemplo nombre@ejemplo.com.",
                    "Enter a whole mail address, for example name@example.com.",
                )) }
            }
            p { button.button.first type="submit" { (lang.pick("Enviar el enlace", "Send the link")) } }
        }
    }
}
