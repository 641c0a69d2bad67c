//! The pages that people see: a credential, a wallet, and notices for what cannot be shown.
//!
//! Each is one HTML document that works without a script and asks no other host for anything, so
//! no third party learns who reads it. Style sheet and script are inline, and the content security
//! policy admits exactly those two, by their hashes, and images of this site.
//!
//! `maud` escapes the texts of people. They are in elements of their own direction (`dir="auto"`),
//! so that a name in one script does not turn the words around it. Layout and its reasons:
//! `docs/design.md`.

mod achievement;
mod console;
mod credential;
mod frame;
mod lost_link;
mod site;
mod verify;
mod wallet;

use maud::html;

pub use achievement::{AchievementPage, achievement};
pub use console::console;
pub use credential::credential;
pub use frame::{
    console_security_policy, content_security_policy, form_security_policy, stamp,
    verify_security_policy,
};
pub use lost_link::{LostLink, lost_link};
pub use site::{Issuer, gone, home, not_taken, nowhere};
pub use verify::{Said, Signed, Verdict, VerifyAnswer, verify};
pub use wallet::{WalletEntry, WalletPage, wallet, wallet_closed, wallet_ended};

use frame::{Frame, notice};

use crate::domain::{erasure::Why, lang::Lang};

/// Renders the page for an address that names no credential.
pub fn not_found(site_url: &str, lang: Lang) -> String {
    notice(
        site_url,
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

/// Renders the page for an address that names no achievement, or no version of one.
pub fn no_achievement(site_url: &str, lang: Lang) -> String {
    notice(
        site_url,
        lang,
        lang.pick("No encontramos este logro", "We could not find this achievement"),
        &[lang.pick(
            "Es posible que la dirección esté incompleta o que se haya copiado mal. La página de cada credencial lleva a la de su logro.",
            "The address may be incomplete or may have been copied wrongly. The page of each credential leads to that of its achievement.",
        )],
    )
}

/// Renders the page for a credential that was erased.
pub fn erased(why: Why, site_url: &str, lang: Lang) -> String {
    let (title, reason) = match why {
        Why::Request => (
            lang.pick("Eliminada a petición de su titular", "Erased at the person's request"),
            lang.pick(
                "La persona a quien se otorgó esta credencial pidió que se retirara de este sitio, y sus datos ya no están aquí.",
                "The person to whom this credential was awarded asked for its removal from this site, and their data is no longer here.",
            ),
        ),
        Why::Retention => (
            lang.pick("Eliminada al cumplirse su plazo", "Erased after its time"),
            lang.pick(
                "Esta credencial dejó de estar vigente, y la institución no conserva sus datos más tiempo.",
                "This credential has ended, and the institution keeps its data no longer.",
            ),
        ),
    };
    notice(
        site_url,
        lang,
        title,
        &[
            reason,
            lang.pick(
                "Si esa persona te entregó el archivo firmado de la credencial, cualquier verificador de Open Badges 3.0 dice si sigue siendo válido.",
                "If that person gave you the signed file of the credential, any verifier of Open Badges 3.0 tells whether it is still valid.",
            ),
        ],
    )
}

/// Renders the page for a wallet whose person was erased.
pub fn wallet_erased(site_url: &str, lang: Lang) -> String {
    notice(
        site_url,
        lang,
        lang.pick("Eliminada a petición de su titular", "Erased at the person's request"),
        &[lang.pick(
            "Esta billetera se eliminó a petición de su titular. Los archivos firmados que esa persona guardó se pueden seguir verificando.",
            "This wallet was erased at the person's request. The signed files that the person has kept can still be verified.",
        )],
    )
}

/// Renders the page for a moment when the credential cannot be read.
pub fn unavailable(site_url: &str, lang: Lang) -> String {
    notice(
        site_url,
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

/// Renders the page for a credential that its organization blocked. It says nothing of it, and not why:
/// the reason may be a person's.
pub fn blocked(site_url: &str, lang: Lang) -> String {
    notice(
        site_url,
        lang,
        lang.pick(
            "Esta credencial no está disponible por ahora",
            "This credential is not available for now",
        ),
        &[
            lang.pick(
                "La institución que la emitió no la muestra en este momento. Eso no significa que sea falsa ni que haya perdido su validez.",
                "The institution that issued it does not show it at the moment. This does not mean that it is false or has lost its validity.",
            ),
            lang.pick(
                "Si necesitas comprobarla, pide el archivo de la credencial a su titular, o consulta a la institución.",
                "If you need to check it, ask its holder for the credential's file, or ask the institution.",
            ),
        ],
    )
}

/// Renders the page for a version that a correction replaced. Its content is not shown again: it
/// was wrong.
pub fn replaced(url: &str, version: u32, site_url: &str, lang: Lang) -> String {
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
    Frame { query, site_url, ..Frame::of(lang, title) }.around(&main, None)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    #[test]
    fn the_policy_admits_the_style_sheet_and_the_script_of_the_page_and_nothing_else() {
        let policy = content_security_policy("https://u.example:8443/creds");
        assert!(policy.contains("img-src https://u.example:8443;"), "{policy}");
        let site = "https://u.example";
        let notices =
            [not_found(site, Lang::En), unavailable(site, Lang::Es), blocked(site, Lang::En)];
        for html in notices.into_iter().chain([replaced("/x", 1, site, Lang::Es)]) {
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
            assert!(html.contains("<meta name=\"robots\" content=\"noindex, nofollow, noarchive,"));
            assert!(html.contains("<meta name=\"referrer\" content=\"no-referrer\">"));
        }
    }

    #[test]
    fn the_notices_speak_both_languages() {
        assert!(not_found("", Lang::Es).contains("No encontramos esta credencial"));
        assert!(not_found("", Lang::En).contains("We could not find this credential"));
        assert!(unavailable("", Lang::Es).contains("en este momento"));
        assert!(unavailable("", Lang::En).contains("right now"));
        assert!(blocked("", Lang::Es).contains("no está disponible por ahora"));
        assert!(blocked("", Lang::En).contains("not available for now"));
        assert!(replaced("/x", 3, "", Lang::Es).contains("href=\"?version=3&amp;lang=en\""));
    }
}
