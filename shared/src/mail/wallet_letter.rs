//! The letter with the links to somebody's wallets, from the site.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::message::{
    Mailboxes, MultiPart,
    header::{ContentType, Date, From, HeaderName, HeaderValue, MIME_VERSION_1_0, Subject, To},
};
use maud::{DOCTYPE, html};
use url::Url;
use uuid::Uuid;

use crate::{
    domain::{email::EmailAddress, lang::Lang, wallet_link::LIFETIME},
    mail::{
        letter::{MailError, mailbox, part},
        words::clean,
    },
};

/// A link to a wallet.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// The name of its organization.
    pub organization: String,
    /// The link.
    pub url: String,
}

/// The content of the letter.
pub(super) struct WalletLetter<'a> {
    /// The request.
    pub id: Uuid,
    /// The site's sender.
    pub sender: &'a EmailAddress,
    /// Who asked.
    pub to: &'a EmailAddress,
    /// The links, one at least.
    pub links: &'a [Link],
    /// Root of every link.
    pub site_url: &'a str,
    /// The language of the page on which it was asked for.
    pub lang: Lang,
    /// The instant of the Date header.
    pub now: Timestamp,
}

/// Renders the letter; the same letter always gives the same bytes.
///
/// # Errors
/// [`MailError`] for an address or a date that cannot be in a header.
pub(super) fn render(letter: &WalletLetter<'_>) -> Result<Vec<u8>, MailError> {
    let lang = letter.lang;
    let host = Url::parse(letter.site_url).ok();
    let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
    let until = letter.now.checked_add(LIFETIME).unwrap_or(letter.now);
    let until = lang.date(until.to_zoned_datetime(jiff::tz::TimeZone::UTC).date());
    let texts = &lang.texts().wallet_mail;
    let subject = texts.subject;
    let (lead, foot) = ((texts.lead)(host), (texts.foot)(&until));
    let mut text = format!("{lead}\n\n");
    for Link { organization, url } in letter.links {
        text.push_str(&format!("{}\n{url}\n\n", clean(organization)));
    }
    text.push_str(&format!("{foot}\n"));
    let html = html! {
        (DOCTYPE)
        html lang=(lang.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (subject) }
            }
            body style="margin:0;padding:24px 12px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;" {
                div style="max-width:600px;margin:0 auto;overflow-wrap:anywhere;" {
                    p { (lead) }
                    @for Link { organization, url } in letter.links {
                        p { strong dir="auto" { (clean(organization)) } br; a href=(url) { (url) } }
                    }
                    p { (foot) }
                }
            }
        }
    };
    let id = letter.id;
    let kind = ContentType::parse(&format!("multipart/alternative; boundary=\"=_{id}\""))
        .map_err(|error| MailError::Id(Some(error)))?;
    let seconds = u64::try_from(letter.now.as_second()).map_err(|_| MailError::Date(None))?;
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let from = mailbox("sender", Some(host), letter.sender.as_str())?;
    let to = mailbox("recipient", None, letter.to.as_str())?;
    let mut message = MultiPart::builder()
        .header(From::from(Mailboxes::from(from)))
        .header(To::from(Mailboxes::from(to)))
        .header(Subject::from(subject.to_owned()))
        .header(Date::new(date))
        .header(MIME_VERSION_1_0)
        .header(kind)
        .singlepart(part(ContentType::TEXT_PLAIN, &text))
        .singlepart(part(ContentType::TEXT_HTML, &html.into_string()));
    for (name, value) in [
        ("Content-Language", lang.tag()),
        ("Auto-Submitted", "auto-replied"), // RFC 3834: it answers a request.
    ] {
        let name = HeaderName::new_from_ascii_str(name);
        message.headers_mut().insert_raw(HeaderValue::new(name, value.to_owned()));
    }
    Ok(message.formatted())
}
