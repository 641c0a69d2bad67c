//! The page of `/verify`: a form, and above it the answer in words for people.

use jiff::civil::Date;
use maud::{Markup, html};

use super::{
    frame::{Frame, VERIFY_SCRIPT, day, describe, tick},
    site::reached,
};
use crate::{
    credentials::verify::{Check, Finding, Standing},
    document::attached::{AttachedFault, MAX_FILE},
    domain::{email::EmailAddress, erasure::Why, field::FieldName, lang::Lang},
    web::view::{State, host_of},
};

/// An answer above the form.
pub enum VerifyAnswer {
    /// A credential of this site, or a document that claims to be one.
    Verdict(Box<Verdict>),
    /// What was sent cannot be told.
    Said(Said),
}

/// Why there is no verdict.
pub enum Said {
    /// The form was empty.
    Nothing,
    /// The text is neither an address nor a document.
    NoAddress,
    /// The text begins as JSON and is none.
    NotJson,
    /// The address is another site's.
    Foreign,
    /// The text has several addresses.
    Several,
    /// The address is this site's, and not a credential's.
    NoCredential,
    /// The file cannot be read.
    File(AttachedFault),
    /// No credential has this address.
    Unknown,
    /// The credential of this address is not shown for now.
    Blocked,
    /// The credential of this address was erased.
    Erased(Why),
    /// The service cannot answer right now.
    Unavailable,
}

/// The verdict on a document.
pub struct Verdict {
    /// Its standing.
    pub standing: Standing,
    /// Whether its period has begun.
    pub begun: bool,
    /// What its issuer signed; `None` if nobody of this site did.
    pub signed: Option<Signed>,
    /// Whether a later version took its place before it was revoked.
    pub superseded: bool,
    /// The day of its revocation, if it was revoked and the day is known.
    pub revoked_on: Option<Date>,
    /// The page of the credential, if it shows one.
    pub page: Option<String>,
    /// Why the credential was erased from this site, if it was.
    pub erased: Option<Why>,
    /// The checks, in their order.
    pub findings: Vec<Finding>,
}

/// What an issuer of this site signed.
pub struct Signed {
    /// The achievement.
    pub name: String,
    /// The recipient's name.
    pub holder: Option<String>,
    /// The issuer's name.
    pub organization: String,
    /// The issuer's own site, as it says now.
    pub website: Option<String>,
    /// The address at which people reach it, as it says now.
    pub contact: Option<EmailAddress>,
    /// Made with a test key.
    pub test: bool,
    /// The day of the award.
    pub awarded_on: Option<Date>,
    /// The last day of its validity.
    pub expires_on: Option<Date>,
}

/// A heading with its class, and sentences.
struct Words {
    class: &'static str,
    heading: &'static str,
    texts: Vec<&'static str>,
}

/// Renders the page: a whole HTML document.
pub fn verify(answer: Option<&VerifyAnswer>, site_url: &str, lang: Lang) -> String {
    let heading = lang.texts().verify.title;
    let host = &host_of(site_url);
    let words = answer.map(|answer| match answer {
        VerifyAnswer::Verdict(verdict) => of_verdict(verdict, lang),
        VerifyAnswer::Said(said) => of_said(said, lang),
    });
    let title = match &words {
        Some(words) => format!("{} · {heading}", words.heading),
        None => heading.to_owned(),
    };
    let main = html! {
        @if let Some(words) = &words {
            article.card.told id="answer" {
                div class={ "state " (words.class) } { h1 { (words.heading) } }
                div.body {
                    @for text in &words.texts { p { (text) } }
                    @if let Some(VerifyAnswer::Verdict(verdict)) = answer { (told(verdict, host, lang)) }
                }
            }
        } @else {
            h1 { (heading) }
            p.lead { (lang.texts().verify.lead) }
        }
        (form(words.is_some(), lang))
    };
    let foot = html! {
        p {
            (lang.texts().verify.site)
            strong { (host) }
            (lang.texts().verify.not_kept)
        }
    };
    let frame = Frame { site_url, script: VERIFY_SCRIPT, ..Frame::of(lang, &title) };
    frame.around(&main, Some(&foot))
}

/// Renders the form. It works without a script.
fn form(again: bool, lang: Lang) -> Markup {
    let too_large = AttachedFault::FileTooLarge.text(lang);
    html! {
        form.card.ask method="post" action={ "?lang=" (lang.tag()) } enctype="multipart/form-data"
            data-most=(MAX_FILE) data-large=(too_large) {
            @if again { h2.h2 { (lang.texts().verify.another) } }
            label for="file" { (lang.texts().verify.file) }
            input id="file" name="file" type="file" aria-describedby="file-hint"
                accept=".pdf,.png,.svg,.json,.jsonld,application/pdf,image/png,image/svg+xml,application/json,application/ld+json";
            p.soft id="file-hint" { (lang.texts().verify.file_hint) }
            p.problem role="alert" id="problem" {}
            label for="text" { (lang.texts().verify.text) }
            textarea id="text" name="text" rows="3" spellcheck="false" autocomplete="off" autocapitalize="none" {}
            p { button.button.first type="submit" { (lang.texts().verify.check) } }
        }
    }
}

/// Renders what is said of a document below its heading.
fn told(verdict: &Verdict, host: &str, lang: Lang) -> Markup {
    html! {
        @if let Some(on) = verdict.revoked_on {
            p { (lang.texts().verify.revoked_on) (day(on, lang)) "." }
        }
        @if let Some(signed) = &verdict.signed { (facts(signed, verdict.standing, host, lang)) }
        @if let Some(page) = &verdict.page {
            p { a href={ (page) "?lang=" (lang.tag()) } {
                @match verdict.standing {
                    Standing::Replaced => (lang.texts().verify.latest_page),
                    _ => (lang.texts().verify.its_page),
                }
            } }
        }
        (checks(&verdict.findings, lang))
    }
}

fn facts(signed: &Signed, standing: Standing, host: &str, lang: Lang) -> Markup {
    let ends = match standing {
        Standing::Expired => lang.texts().facts.expired_on,
        _ => FieldName::ValidUntil.label(lang),
    };
    html! {
        dl.facts {
            div {
                dt { (lang.texts().verify.issued_by) }
                dd {
                    bdi { (signed.organization) }
                    (reached(signed.website.as_deref(), signed.contact.as_ref()))
                    br; span.soft { (lang.texts().verify.at) (host) }
                }
            }
            @if let Some(holder) = &signed.holder {
                div { dt { (lang.texts().page.awarded_to) } dd { bdi { (holder) } } }
            }
            div { dt { (lang.texts().verify.credential) } dd { bdi { (signed.name) } } }
            @if let Some(on) = signed.awarded_on {
                div { dt { (lang.texts().verify.date) } dd { (day(on, lang)) } }
            }
            @match signed.expires_on {
                Some(on) => div { dt { (ends) } dd { (day(on, lang)) } },
                None => div { dt { (lang.texts().verify.expiry) } dd { (lang.texts().verify.endless) } },
            }
        }
    }
}

/// Renders the technical checks, folded into one line.
fn checks(findings: &[Finding], lang: Lang) -> Markup {
    let passed = findings.iter().filter(|finding| finding.passed == Some(true)).count();
    let all = findings.len();
    html! {
        @if all > 0 {
            details {
                summary { ((lang.texts().checks.count)(passed, all)) }
                ul.checks {
                    @for finding in findings {
                        @let (class, said) = match finding.passed {
                            Some(true) => ("pass", lang.texts().checks.passed),
                            Some(false) => ("fail", lang.texts().checks.failed),
                            None => ("skip", ""),
                        };
                        li class=(class) {
                            (tick(finding.passed))
                            span { span.said { (said) } bdi { (finding.outcome.text(lang)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The words for a document.
fn of_verdict(verdict: &Verdict, lang: Lang) -> Words {
    let test = verdict.signed.as_ref().is_some_and(|signed| signed.test);
    let state = |state, heading, text| {
        let (class, _, own) = describe(state, lang);
        Words { class, heading, texts: own.or(text).into_iter().collect() }
    };
    let mut words = match verdict.standing {
        Standing::Invalid => Words {
            class: "revoked",
            heading: lang.texts().verify.unconfirmed,
            texts: vec![unconfirmed(&verdict.findings, lang)],
        },
        Standing::Issued if !verdict.begun => {
            Words { class: "suspended", heading: lang.texts().verify.not_yet, texts: vec![] }
        }
        Standing::Issued => {
            state(State::Issued, lang.texts().verify.valid, Some(lang.texts().verify.valid_why))
        }
        Standing::Expired => state(State::Expired, lang.texts().verify.expired, None),
        Standing::Suspended => state(State::Suspended, lang.texts().verify.suspended, None),
        Standing::Revoked => {
            let mut words = state(State::Revoked, lang.texts().verify.revoked, None);
            words.texts.extend(verdict.superseded.then(|| lang.texts().verify.superseded));
            words
        }
        Standing::Replaced => Words {
            class: "suspended",
            heading: lang.texts().verify.replaced,
            texts: vec![lang.texts().verify.replaced_why],
        },
    };
    if test {
        let of_test = lang.texts().verify.test_why;
        if verdict.standing == Standing::Issued {
            words.class = "trial";
            words.heading = lang.texts().verify.test;
            words.texts.clear();
        }
        words.texts.insert(0, of_test);
    }
    words.texts.extend(verdict.erased.map(|why| withdrawn(why, lang)));
    words
}

/// Why a document is not confirmed: by its first check that failed.
fn unconfirmed(findings: &[Finding], lang: Lang) -> &'static str {
    let failed = findings.iter().find(|finding| finding.passed == Some(false));
    match failed.map(|finding| finding.check) {
        Some(Check::Proof) => lang.texts().verify.altered,
        Some(Check::Status) => lang.texts().verify.status_unknown,
        _ => lang.texts().verify.other_issuer,
    }
}

fn withdrawn(why: Why, lang: Lang) -> &'static str {
    match why {
        Why::Request => lang.texts().verify.withdrawn,
        Why::Retention => lang.texts().verify.not_kept_longer,
    }
}

/// The words where there is no verdict.
fn of_said(said: &Said, lang: Lang) -> Words {
    let words = |class, heading, texts| Words { class, heading, texts };
    let unread = lang.texts().verify.unread;
    let paste = lang.texts().verify.paste;
    match said {
        Said::Nothing => {
            words("suspended", lang.texts().verify.nothing, vec![lang.texts().verify.nothing_what])
        }
        Said::NoAddress => words(
            "suspended",
            unread,
            vec![lang.texts().verify.no_address, lang.texts().verify.how_it_ends],
        ),
        Said::NotJson => words("suspended", unread, vec![lang.texts().verify.not_json]),
        Said::Several => words("suspended", unread, vec![lang.texts().verify.several]),
        Said::NoCredential => words(
            "suspended",
            lang.texts().verify.incomplete,
            vec![lang.texts().verify.incomplete_why, lang.texts().verify.how_it_ends],
        ),
        Said::Foreign => {
            words("suspended", lang.texts().verify.foreign, vec![lang.texts().verify.foreign_why])
        }
        Said::File(fault) => words("suspended", unread, vec![fault.text(lang), paste]),
        Said::Unknown => {
            words("revoked", lang.texts().verify.unknown, vec![lang.texts().verify.unknown_why])
        }
        Said::Blocked => {
            words("suspended", lang.texts().verify.blocked, vec![lang.texts().verify.blocked_why])
        }
        Said::Erased(why) => words(
            "suspended",
            lang.texts().verify.erased,
            vec![withdrawn(*why, lang), lang.texts().verify.erased_file],
        ),
        Said::Unavailable => words("suspended", unread, vec![lang.texts().verify.passing]),
    }
}
