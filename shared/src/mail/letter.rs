//! The letter that announces a new credential to its recipient.
//!
//! A letter is rendered twice, as text and as HTML, and packed as `multipart/alternative`:
//! SES sends the bytes unchanged (`SendRawEmail`).
//!
//! Names come from people, so three layers keep a name from becoming a header: [`clean`]
//! removes control and direction characters from every text, `lettre` encodes what is not
//! plain ASCII, and `maud` escapes HTML. Rendering is pure: the date is a parameter, the
//! boundary comes from the credential's id, and SES sets the Message-ID.

use std::time::{Duration, SystemTime};

use jiff::civil;
use lettre::{
    Address,
    address::AddressError,
    message::{
        Mailbox, Mailboxes, MultiPart, SinglePart,
        header::{
            ContentTransferEncoding, ContentType, ContentTypeErr, Date, From, HeaderName,
            HeaderValue, MIME_VERSION_1_0, ReplyTo, Subject, To,
        },
    },
};

use crate::{
    domain::{
        feedback::{CREDENTIAL_ID_HEADER, ROUND_HEADER},
        image::Image,
        lang::Lang,
    },
    mail::words::{Words, clean, shorten},
};

/// The kind of recipient that a letter addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A member of the organization: the credential is in the wallet.
    Member,
    /// Anyone else: the public link is their only way to the credential.
    External,
}

/// The content of a letter.
pub struct Letter<'a> {
    /// The organization's display name.
    pub organization: &'a str,
    /// The verified address that it sends from.
    pub sender: &'a str,
    /// The address for answers; without it they go to the sender.
    pub reply_to: Option<&'a str>,
    /// The recipient's normalized address (its domain as A-label).
    pub to: &'a str,
    /// The recipient's name, if known.
    pub recipient_name: Option<&'a str>,
    /// The name of the award.
    pub credential_name: &'a str,
    /// The credential's id.
    pub credential_id: &'a str,
    /// The round of its mail, from 0.
    pub round: u32,
    /// The public page.
    pub url: &'a str,
    /// A member's link to their wallet.
    pub wallet_url: Option<&'a str>,
    /// The organization's logo.
    pub logo: Option<&'a Image>,
    /// The achievement's badge.
    pub badge: Option<&'a Image>,
    /// The address of the achievement's seal, the picture of one without a badge.
    pub seal_url: &'a str,
    /// Root of every link and image, without a trailing slash.
    pub site_url: &'a str,
    /// The language that the recipient reads.
    pub lang: Lang,
    /// The kind of recipient.
    pub audience: Audience,
    /// The grade or result.
    pub grade: Option<&'a str>,
    /// The day of issue.
    pub issued_on: Option<civil::Date>,
    /// The day of the award, if it is not the day of issue.
    pub awarded_on: Option<civil::Date>,
    /// The last day, if the credential ends.
    pub expires_on: Option<civil::Date>,
    /// The new last day, if the credential was renewed.
    pub renewed_until: Option<civil::Date>,
    /// Made with a test key.
    pub test: bool,
    /// The instant of the Date header, RFC 3339.
    pub date: &'a str,
}

/// A letter ready to be sent, and its parts in plain form.
pub struct Rendered {
    /// The subject, unencoded.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part: a whole document.
    pub html: String,
    /// The message: 7-bit, CRLF, no line over 998 octets.
    pub mime: Vec<u8>,
}

/// A letter cannot be written. No later attempt can succeed.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address is not one.
    #[error("the {role} address cannot stand in a header")]
    Address {
        /// `sender`, `reply-to` or `recipient`; never the address itself.
        role: &'static str,
        /// The parser's error.
        source: AddressError,
    },
    /// The date is not an instant from 1970 on.
    #[error("the date is not an RFC 3339 instant")]
    Date(#[source] Option<jiff::Error>),
    /// The credential's id cannot make a boundary.
    #[error("the credential's id cannot stand in a header")]
    Id(#[source] Option<ContentTypeErr>),
}

/// Renders a letter; the same letter always gives the same bytes.
///
/// # Errors
/// [`MailError`] for an address, an id or a date that cannot be in a header.
pub fn render(letter: &Letter<'_>) -> Result<Rendered, MailError> {
    let words = Words::of(letter);
    let text = words.text();
    let html = words.html();

    let id = letter.credential_id;
    if id.is_empty() || id.len() > 64 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    {
        return Err(MailError::Id(None));
    }
    let date: jiff::Timestamp = letter.date.parse().map_err(|e| MailError::Date(Some(e)))?;
    // The header type knows no time before 1970.
    let seconds = u64::try_from(date.as_second()).map_err(|_| MailError::Date(None))?;
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    // "=_" occurs in no quoted-printable text, so no content ends a part (RFC 2045 §6.7).
    let kind = ContentType::parse(&format!("multipart/alternative; boundary=\"=_{id}\""))
        .map_err(|e| MailError::Id(Some(e)))?;

    let from = mailbox("sender", Some(letter.organization), letter.sender)?;
    let to = mailbox("recipient", letter.recipient_name, letter.to)?;
    let mut message = MultiPart::builder()
        .header(From::from(Mailboxes::from(from)))
        .header(To::from(Mailboxes::from(to)))
        .header(Subject::from(words.subject.clone()))
        .header(Date::new(date))
        .header(MIME_VERSION_1_0)
        .header(kind)
        .singlepart(part(ContentType::TEXT_PLAIN, &text))
        .singlepart(part(ContentType::TEXT_HTML, &html));
    if let Some(address) = letter.reply_to {
        let reply_to = mailbox("reply-to", Some(letter.organization), address)?;
        message.headers_mut().set(ReplyTo::from(Mailboxes::from(reply_to)));
    }
    for (name, value) in [
        ("Content-Language", letter.lang.tag()),
        ("Auto-Submitted", "auto-generated"), // RFC 3834: keeps absence notes away.
        (CREDENTIAL_ID_HEADER, id),
        (ROUND_HEADER, &letter.round.to_string()),
    ] {
        let name = HeaderName::new_from_ascii_str(name);
        message.headers_mut().insert_raw(HeaderValue::new(name, value.to_owned()));
    }
    Ok(Rendered { subject: words.subject, text, html, mime: message.formatted() })
}

pub(super) fn part(kind: ContentType, body: &str) -> SinglePart {
    SinglePart::builder()
        .header(kind)
        .header(ContentTransferEncoding::QuotedPrintable)
        .body(body.to_owned())
}

pub(super) fn mailbox(
    role: &'static str,
    name: Option<&str>,
    address: &str,
) -> Result<Mailbox, MailError> {
    let address: Address = address.parse().map_err(|source| MailError::Address { role, source })?;
    let name = name.map(|n| shorten(&clean(n))).filter(|n| !n.is_empty());
    Ok(Mailbox::new(name, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEAL: &str = "https://app.example/orgs/andina/achievements/7/seal.png";
    const ID: &str = "7a8b9c0d-1e2f-3a4b-5c6d-7e8f9a0b1c2d";

    fn letter() -> Letter<'static> {
        Letter {
            organization: "Universidad Andina de Ñuñoa",
            sender: "credenciales@andina.example",
            reply_to: None,
            to: "estudiante@ejemplo.com",
            recipient_name: Some("Juan Pérez"),
            credential_name: "Diplomado en Ciencia de Datos",
            credential_id: ID,
            round: 0,
            url: "https://app.example/credential/7a8b9c0d-1e2f-3a4b-5c6d-7e8f9a0b1c2d",
            wallet_url: None,
            logo: None,
            badge: None,
            seal_url: SEAL,
            site_url: "https://app.example",
            lang: Lang::Es,
            audience: Audience::External,
            grade: Some("Sobresaliente"),
            issued_on: Some(civil::date(2026, 11, 15)),
            awarded_on: None,
            expires_on: None,
            renewed_until: None,
            test: false,
            date: "2026-11-15T12:00:00Z",
        }
    }

    fn mime(letter: &Letter<'_>) -> Result<String, MailError> {
        Ok(String::from_utf8_lossy(&render(letter)?.mime).into_owned())
    }

    /// The names of the headers, and the head as it is sent.
    fn head(mime: &str) -> (Vec<String>, String) {
        let (head, _) = mime.split_once("\r\n\r\n").unwrap_or_default();
        let names = head
            .split("\r\n")
            .filter(|l| !l.starts_with([' ', '\t']))
            .map(|l| l.split_once(':').unwrap_or_default().0.to_owned())
            .collect();
        (names, head.to_owned())
    }

    #[test]
    fn a_name_never_becomes_a_header() -> Result<(), MailError> {
        let attack = "Ana\r\nBcc: victim@example.com\r\n\r\n<b>\t\0\u{202e}x\u{2028}y\u{85}z";
        let mut letter = letter();
        letter.organization = attack;
        letter.recipient_name = Some(attack);
        letter.credential_name = attack;
        letter.reply_to = Some("ayuda@andina.example");
        for audience in [Audience::Member, Audience::External] {
            letter.audience = audience;
            let rendered = render(&letter)?;
            let mime = mime(&letter)?;
            let (names, _) = head(&mime);
            assert_eq!(
                names,
                [
                    "From",
                    "To",
                    "Subject",
                    "Date",
                    "MIME-Version",
                    "Content-Type",
                    "Reply-To",
                    "Content-Language",
                    "Auto-Submitted",
                    "X-Credential-Id",
                    "X-Mail-Round"
                ]
            );
            assert!(rendered.subject.contains("Ana Bcc: victim@example.com <b> x y z"));
            assert!(rendered.html.contains("&lt;b&gt;") && !rendered.html.contains("<b>"));
            for text in [&rendered.subject, &rendered.text, &rendered.html] {
                assert!(!text.contains(['\0', '\r', '\t', '\u{202e}', '\u{2028}', '\u{85}']));
            }
        }
        Ok(())
    }

    #[test]
    fn a_message_is_seven_bit_with_short_lines_whatever_the_names() -> Result<(), MailError> {
        let long = "W".repeat(5_000);
        let wide = "漢字 👩🏽‍🎓 عربى ".repeat(400);
        for name in [&long, &wide, "\"Comillas\", y, comas; <x@y.example>", "\\", "\"", "", " "] {
            let mut letter = letter();
            letter.organization = name;
            letter.recipient_name = Some(name);
            letter.credential_name = name;
            let mime = mime(&letter)?;
            assert!(mime.is_ascii());
            assert!(
                mime.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n']))
            );
        }
        Ok(())
    }

    #[test]
    fn a_name_that_looks_like_an_encoded_word_stays_a_name() -> Result<(), MailError> {
        let mut letter = letter();
        letter.organization = "=?utf-8?q?Banco=0ABcc:x?=";
        letter.credential_name = "=?utf-8?q?Premio?=";
        let (_, head) = head(&mime(&letter)?);
        assert!(!head.contains("=?utf-8?q?"), "{head}");
        Ok(())
    }

    #[test]
    fn the_same_letter_gives_the_same_bytes_and_sets_no_message_id() -> Result<(), MailError> {
        let mime = mime(&letter())?;
        assert_eq!(mime.as_bytes(), render(&letter())?.mime);
        assert!(!mime.to_lowercase().contains("message-id"));
        assert!(mime.contains("Date: Sun, 15 Nov 2026 12:00:00 +0000\r\n"));
        assert!(mime.contains(&format!("X-Credential-Id: {ID}\r\n")));
        assert!(mime.contains("Auto-Submitted: auto-generated\r\n"));
        Ok(())
    }

    #[test]
    fn members_and_external_recipients_read_their_own_letter_in_their_language()
    -> Result<(), MailError> {
        let cases = [
            (Audience::Member, Lang::Es, "Tienes una nueva credencial en tu billetera"),
            (Audience::Member, Lang::En, "You have a new credential in your wallet"),
            (Audience::External, Lang::Es, "Universidad Andina de Ñuñoa te otorgó una credencial"),
            (Audience::External, Lang::En, "Universidad Andina de Ñuñoa awarded you a credential"),
            (Audience::Member, Lang::Pt, "Há uma nova credencial na sua carteira"),
            (
                Audience::External,
                Lang::Pt,
                "Universidad Andina de Ñuñoa outorgou uma credencial a você",
            ),
        ];
        for (audience, lang, subject) in cases {
            let rendered = render(&Letter { audience, lang, ..letter() })?;
            assert!(rendered.subject.starts_with(subject), "{}", rendered.subject);
            for part in [&rendered.text, &rendered.html] {
                for said in [
                    subject,
                    letter().organization,
                    "Juan Pérez",
                    letter().credential_name,
                    letter().url,
                ] {
                    assert!(part.contains(said), "{said:?} is missing in {part}");
                }
            }
            assert!(rendered.html.contains(&format!("<html lang=\"{}\">", lang.tag())));
        }
        Ok(())
    }

    #[test]
    fn a_test_letter_says_so_first() -> Result<(), MailError> {
        let rendered = render(&Letter { test: true, ..letter() })?;
        assert!(rendered.subject.starts_with("PRUEBA · "));
        assert!(rendered.text.starts_with("PRUEBA: "));
        assert!(rendered.html.contains("no tiene validez"));
        Ok(())
    }

    #[test]
    fn the_html_fetches_the_templates_picture_alone() -> Result<(), MailError> {
        let html = render(&letter())?.html;
        for bad in ["<script", "<link", "url(", "@import"] {
            assert!(!html.contains(bad), "{bad}");
        }
        assert_eq!((html.matches("<img").count(), html.matches("src=").count()), (1, 1));
        assert!(html.contains(&format!("src=\"{SEAL}\"")) && !SEAL.contains(ID));
        Ok(())
    }

    #[test]
    fn a_letter_says_award_person_grade_and_date_before_its_one_button() -> Result<(), MailError> {
        let long = "Ñandú y Cía. ".repeat(30);
        let long = Letter {
            organization: &long,
            recipient_name: Some(&long),
            credential_name: &long,
            grade: Some(&long),
            test: true,
            expires_on: Some(civil::date(2030, 1, 1)),
            ..letter()
        };
        assert!(render(&long)?.html.len() < 100_000);
        for lang in Lang::ALL {
            let rendered = render(&Letter { lang, ..letter() })?;
            let (before, after) =
                rendered.html.split_once("<a class=\"button\"").unwrap_or_default();
            assert!(!after.contains("<a class=\"button\""));
            let body = before.split_once("Diplomado en Ciencia de Datos</p>").unwrap_or_default().1;
            let at = |text: &str| body.find(text);
            let day = lang.date(civil::date(2026, 11, 15));
            let order = [at("Juan Pérez"), at("Sobresaliente"), at(&day)];
            assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?} {body}");
            assert!(rendered.text.contains(&format!(": {day}\n")), "{}", rendered.text);
        }
        Ok(())
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_refused() {
        let refused = |letter: Letter<'_>| render(&letter).err().map(|e| e.to_string());
        for to in ["", "nobody", "a b@c.example", "a@b.example\r\nBcc: x@y.example", "a@b.example>"]
        {
            assert!(
                refused(Letter { to, ..letter() }).is_some_and(|e| e.contains("recipient")),
                "{to:?}"
            );
        }
        assert!(refused(Letter { sender: "x", ..letter() }).is_some());
        assert!(refused(Letter { reply_to: Some("x"), ..letter() }).is_some());
        for date in ["", "2026-11-15", "1969-12-31T23:59:59Z"] {
            assert!(refused(Letter { date, ..letter() }).is_some(), "{date:?}");
        }
        for credential_id in ["", "a\r\nBcc: x@y.example", "a\"b"] {
            assert!(refused(Letter { credential_id, ..letter() }).is_some());
        }
    }
}
