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
        lang.texts().notices.not_found,
        &[lang.texts().notices.not_found_why, lang.texts().notices.not_found_ask],
    )
}

/// Renders the page for an address that names no achievement, or no version of one.
pub fn no_achievement(site_url: &str, lang: Lang) -> String {
    notice(
        site_url,
        lang,
        lang.texts().notices.no_achievement,
        &[lang.texts().notices.no_achievement_why],
    )
}

/// Renders the page for a credential that was erased.
pub fn erased(why: Why, site_url: &str, lang: Lang) -> String {
    let (title, reason) = match why {
        Why::Request => (lang.texts().notices.erased, lang.texts().notices.erased_why),
        Why::Retention => (lang.texts().notices.ended, lang.texts().notices.ended_why),
    };
    notice(site_url, lang, title, &[reason, lang.texts().notices.erased_file])
}

/// Renders the page for a wallet whose person was erased.
pub fn wallet_erased(site_url: &str, lang: Lang) -> String {
    notice(site_url, lang, lang.texts().notices.erased, &[lang.texts().notices.wallet_erased])
}

/// Renders the page for a moment when the credential cannot be read.
pub fn unavailable(site_url: &str, lang: Lang) -> String {
    notice(
        site_url,
        lang,
        lang.texts().notices.unavailable,
        &[lang.texts().notices.unavailable_why, lang.texts().notices.try_later],
    )
}

/// Renders the page for a credential that its organization blocked. It says nothing of it, and not why:
/// the reason may be a person's.
pub fn blocked(site_url: &str, lang: Lang) -> String {
    notice(
        site_url,
        lang,
        lang.texts().notices.blocked,
        &[lang.texts().notices.blocked_why, lang.texts().notices.blocked_ask],
    )
}

/// Renders the page for a version that a correction replaced. Its content is not shown again: it
/// was wrong.
pub fn replaced(url: &str, version: u32, site_url: &str, lang: Lang) -> String {
    let title = lang.texts().notices.replaced_title;
    let main = html! {
        div.card {
            div class="state revoked" { p {
                strong { (lang.texts().notices.replaced) } " · "
                (lang.texts().notices.replaced_why)
            } }
            div.body {
                h1 { (title) }
                p { a href=(url) { (lang.texts().notices.replaced_by) } }
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
