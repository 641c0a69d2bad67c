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
    let title = lang.texts().lost_link.title;
    let host = host_of(site_url);
    let notice = |heading: &str, texts: &[&str]| {
        html! { div.card.notice { h1 { (heading) } @for text in texts { p { (text) } } (ways_on(site_url, lang)) } }
    };
    let main = match said {
        LostLink::Form | LostLink::NoAddress => form(said == LostLink::NoAddress, title, lang),
        LostLink::Asked => notice(
            lang.texts().lost_link.asked,
            &[lang.texts().lost_link.asked_what, lang.texts().lost_link.asked_nothing],
        ),
        LostLink::NoSender => notice(title, &[lang.texts().lost_link.no_sender]),
        LostLink::Unavailable => {
            notice(lang.texts().lost_link.unavailable, &[lang.texts().lost_link.passing])
        }
    };
    let foot = html! { p { (lang.texts().lost_link.site) strong { (host) } } };
    let frame = Frame { site_url, ..Frame::of(lang, title) };
    frame.around(&main, Some(&foot))
}

fn form(wrong: bool, title: &str, lang: Lang) -> Markup {
    html! {
        h1 { (title) }
        p.lead { (lang.texts().lost_link.lead) }
        form.card.ask method="post" action={ "?lang=" (lang.tag()) } {
            label for="email" { (lang.texts().lost_link.email) }
            input id="email" name="email" type="email" required maxlength="254" autocomplete="email"
                aria-invalid=[wrong.then_some("true")] aria-describedby=[wrong.then_some("problem")];
            @if wrong {
                p.problem id="problem" role="alert" { (lang.texts().lost_link.no_address) }
            }
            p { button.button.first type="submit" { (lang.texts().lost_link.send) } }
        }
    }
}
