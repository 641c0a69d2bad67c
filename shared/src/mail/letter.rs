//! The letter that tells a person of a new credential.
//!
//! One letter is rendered twice, as text and as HTML, and packed as
//! `multipart/alternative`: SES takes the bytes as they are (`SendRawEmail`).
//!
//! Names come from people, so three layers keep a name from becoming a header:
//! [`clean`] takes control and direction characters out of every text, `lettre`
//! encodes what is not plain ASCII, and `maud` escapes what stands in HTML.
//! Rendering is pure: the date is passed in, the boundary comes from the
//! credential's id, and the Message-ID is left to SES, which sets its own.

use crate::domain::feedback::{CREDENTIAL_ID_HEADER, ROUND_HEADER};
use std::time::{Duration, SystemTime};

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
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::domain::{image::Image, lang::Lang};

/// Longest name that a header carries, in characters; a longer one is cut with an
/// ellipsis. The body always has it in full.
const HEADER_NAME_MAX: usize = 120;

/// Whom a letter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A member of the organization: the credential is in the wallet.
    Member,
    /// Everyone else: the public link is all they have.
    External,
}

/// What a letter says, and to whom.
pub struct Letter<'a> {
    /// The organization's display name.
    pub organization: &'a str,
    /// The verified address that it sends from.
    pub sender: &'a str,
    /// Where answers go; without it they go to the sender.
    pub reply_to: Option<&'a str>,
    /// The recipient's normalized address (its domain as A-label).
    pub to: &'a str,
    /// The recipient's name, if known.
    pub recipient_name: Option<&'a str>,
    /// What was awarded.
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
    /// Root of every link, under which images stand.
    pub site_url: &'a str,
    /// The language that the recipient reads.
    pub lang: Lang,
    /// Whom the letter is for.
    pub audience: Audience,
    /// Made with a test key.
    pub test: bool,
    /// The instant of the Date header, RFC 3339.
    pub date: &'a str,
}

/// A letter ready to be sent, and its parts for people and tests to read.
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

/// Why a letter cannot be written. No kind of it passes by waiting.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address is not one.
    #[error("the {role} address cannot stand in a header")]
    Address {
        /// `sender`, `reply-to` or `recipient`; never the address itself.
        role: &'static str,
        /// What is wrong with it.
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
/// Fails on an address, an id or a date that cannot stand in a header.
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

fn part(kind: ContentType, body: &str) -> SinglePart {
    SinglePart::builder()
        .header(kind)
        .header(ContentTransferEncoding::QuotedPrintable)
        .body(body.to_owned())
}

fn mailbox(role: &'static str, name: Option<&str>, address: &str) -> Result<Mailbox, MailError> {
    let address: Address = address.parse().map_err(|source| MailError::Address { role, source })?;
    let name = name.map(|n| shorten(&clean(n))).filter(|n| !n.is_empty());
    Ok(Mailbox::new(name, address))
}

/// Makes one line of a text: control characters and line breaks become single
/// spaces, invisible characters that turn the direction of writing go.
fn clean(text: &str) -> String {
    let visible: String = text
        .chars()
        .filter(|c| {
            !matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}' | '\u{feff}')
        })
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cuts a name to what a header carries.
fn shorten(name: &str) -> String {
    if name.chars().count() <= HEADER_NAME_MAX {
        return name.to_owned();
    }
    let cut: String = name.chars().take(HEADER_NAME_MAX - 1).collect();
    format!("{}…", cut.trim_end())
}

/// An image of a letter, and how large it is shown.
struct Picture {
    url: String,
    width: u32,
    height: u32,
}

impl Picture {
    /// An image in a box, as large as it fits: Outlook knows no `max-width`.
    fn of(image: &Image, site_url: &str, width: u32, height: u32) -> Self {
        let (w, h) = (u64::from(image.width.max(1)), u64::from(image.height.max(1)));
        let (by_width, by_height) = (h * u64::from(width) / w, w * u64::from(height) / h);
        let (width, height) = if by_width <= u64::from(height) {
            (u64::from(width), by_width)
        } else {
            (by_height, u64::from(height))
        };
        let side = |n: u64| u32::try_from(n.max(1)).unwrap_or(1);
        Self { url: image.id.url(site_url), width: side(width), height: side(height) }
    }

    /// The words beside it say what it shows, so it says nothing itself.
    fn img(&self, style: &str) -> Markup {
        html! { img src=(self.url) width=(self.width) height=(self.height) alt="" style=(style); }
    }
}

/// The letter's sentences, in its language.
struct Words {
    lang: Lang,
    subject: String,
    test: Option<&'static str>,
    greeting: String,
    lead: String,
    credential: String,
    invitation: &'static str,
    button: &'static str,
    plain_link: &'static str,
    /// Where the button leads.
    url: String,
    /// The public page, when the button leads elsewhere.
    public: Option<(&'static str, String)>,
    privacy: &'static str,
    logo: Option<Picture>,
    badge: Option<Picture>,
    organization: String,
    footer: String,
}

impl Words {
    fn of(letter: &Letter<'_>) -> Self {
        let lang = letter.lang;
        let organization = clean(letter.organization);
        let credential = clean(letter.credential_name);
        let name = letter.recipient_name.map(clean).filter(|n| !n.is_empty());
        let short = shorten(&credential);
        let subject = match (letter.audience, lang) {
            (Audience::Member, Lang::Es) => {
                format!("Tienes una nueva credencial en tu billetera: {short}")
            }
            (Audience::Member, Lang::En) => {
                format!("You have a new credential in your wallet: {short}")
            }
            (Audience::External, Lang::Es) => {
                format!("{} te otorgó una credencial: {short}", shorten(&organization))
            }
            (Audience::External, Lang::En) => {
                format!("{} awarded you a credential: {short}", shorten(&organization))
            }
        };
        let lead = match (letter.audience, lang) {
            (Audience::Member, Lang::Es) => {
                format!(
                    "Tienes una nueva credencial en tu billetera digital (wallet), otorgada por {organization}:"
                )
            }
            (Audience::Member, Lang::En) => {
                format!("You have a new credential in your wallet, awarded by {organization}:")
            }
            (Audience::External, Lang::Es) => format!("{organization} te otorgó una credencial:"),
            (Audience::External, Lang::En) => format!("{organization} awarded you a credential:"),
        };
        let answers = match (letter.reply_to.is_some(), lang) {
            (true, Lang::Es) => "Si crees que se trata de un error, responde a este mensaje.",
            (true, Lang::En) => "If you think this is a mistake, reply to this message.",
            (false, Lang::Es) => {
                "Si crees que se trata de un error, comunícate con la institución."
            }
            (false, Lang::En) => "If you think this is a mistake, contact the institution.",
        };
        Self {
            lang,
            // No name reads as an encoded word, which a mail program would decode.
            subject: format!(
                "{}{}",
                if letter.test { lang.pick("PRUEBA · ", "TEST · ") } else { "" },
                subject.replace("=?", "= ?")
            ),
            test: letter.test.then_some(lang.pick(
                "PRUEBA: esta credencial se emitió en modo de prueba y no tiene validez.",
                "TEST: this credential was issued in test mode and has no validity.",
            )),
            greeting: match (name, lang) {
                (Some(name), Lang::Es) => format!("Hola, {name}:"),
                (Some(name), Lang::En) => format!("Hello {name},"),
                (None, Lang::Es) => "Hola:".to_owned(),
                (None, Lang::En) => "Hello,".to_owned(),
            },
            lead,
            credential,
            invitation: match letter.wallet_url {
                Some(_) => lang.pick(
                    "Ábrela en tu billetera, junto con todas tus credenciales de la institución:",
                    "Open it in your wallet, together with all your credentials of the institution:",
                ),
                None => lang.pick(
                    "Puedes verla y compartirla en su página pública:",
                    "You can see and share it on its public page:",
                ),
            },
            button: match letter.wallet_url {
                Some(_) => lang.pick("Abrir mi billetera", "Open my wallet"),
                None => lang.pick("Ver credencial", "View credential"),
            },
            plain_link: lang.pick(
                "Si el botón no funciona, copia este enlace en tu navegador:",
                "If the button does not work, copy this link into your browser:",
            ),
            url: letter.wallet_url.unwrap_or(letter.url).to_owned(),
            public: letter.wallet_url.map(|_| {
                let says = lang.pick(
                    "La página pública de esta credencial, para compartirla:",
                    "The public page of this credential, to share it:",
                );
                (says, letter.url.to_owned())
            }),
            privacy: match letter.wallet_url {
                Some(_) => lang.pick(
                    "El enlace a tu billetera es personal y sirve 30 días: no lo reenvíes. Quien tenga el enlace de la página pública puede ver la credencial.",
                    "The link to your wallet is personal and works for 30 days: do not forward it. Anyone who has the link of the public page can see the credential.",
                ),
                None => lang.pick(
                    "Quien tenga el enlace puede ver la credencial: tú decides con quién compartirlo.",
                    "Anyone who has the link can see the credential: you decide whom to share it with.",
                ),
            },
            logo: letter.logo.map(|logo| Picture::of(logo, letter.site_url, 200, 44)),
            badge: letter.badge.map(|badge| Picture::of(badge, letter.site_url, 112, 112)),
            footer: match lang {
                Lang::Es => format!(
                    "Recibes este mensaje automático porque {organization} emitió una credencial para esta dirección de correo. {answers}"
                ),
                Lang::En => format!(
                    "You receive this automatic message because {organization} issued a credential for this e-mail address. {answers}"
                ),
            },
            organization,
        }
    }

    fn text(&self) -> String {
        let Self { greeting, lead, credential, invitation, url, privacy, footer, .. } = self;
        let test = self.test.map(|t| format!("{t}\n\n")).unwrap_or_default();
        let public = self.public.as_ref();
        let public = public.map(|(says, url)| format!("{says}\n{url}\n\n")).unwrap_or_default();
        format!(
            "{test}{greeting}\n\n{lead}\n\n    {credential}\n\n{invitation}\n{url}\n\n{public}{privacy}\n\n-- \n{footer}\n"
        )
    }

    /// Tables and inline styles, since Outlook lays out nothing else; the one
    /// style sheet only turns colours over in the dark, where it is understood.
    fn html(&self) -> String {
        const SERIF: &str = "font-family:Georgia,'Times New Roman',serif;";
        html! {
            (DOCTYPE)
            html lang=(self.lang.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="supported-color-schemes" content="light dark";
                    meta name="format-detection" content="telephone=no, date=no, address=no, email=no";
                    title { (self.subject) }
                    style { (PreEscaped(DARK)) }
                }
                body.page style="margin:0;padding:0;background-color:#f4f3ef;-webkit-text-size-adjust:100%;" {
                    div style="display:none;max-height:0;overflow:hidden;mso-hide:all;" { (self.lead) " " (self.credential) }
                    table.page role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="#f4f3ef" style="background-color:#f4f3ef;" {
                        tr { td align="center" style="padding:24px 12px;" {
                            table.card role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="#ffffff" style="max-width:600px;background-color:#ffffff;border:1px solid #dedbd3;border-radius:6px;table-layout:fixed;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5;color:#1f1e1b;" {
                                @if let Some(test) = self.test {
                                    tr { td.test bgcolor="#fbefd9" style="padding:12px 28px;background-color:#fbefd9;color:#6b4200;font-size:14px;font-weight:bold;border-radius:5px 5px 0 0;" { (test) } }
                                }
                                tr { td.line style="padding:24px 28px 16px;border-bottom:1px solid #dedbd3;font-size:17px;word-break:break-word;overflow-wrap:anywhere;" {
                                    @if let Some(logo) = &self.logo { (logo.img("display:block;margin:0 0 10px;border:0;background-color:#ffffff;border-radius:3px;")) }
                                    span dir="auto" style=(SERIF) { (self.organization) }
                                } }
                                tr { td style="padding:24px 28px 0;word-break:break-word;overflow-wrap:anywhere;" {
                                    p style="margin:0 0 16px;" { (self.greeting) }
                                    p style="margin:0 0 16px;" { (self.lead) }
                                    @if let Some(badge) = &self.badge { (badge.img("display:block;margin:0 0 12px;border:0;")) }
                                    p dir="auto" style={(SERIF) "margin:0 0 20px;font-size:24px;line-height:1.3;font-weight:bold;"} { (self.credential) }
                                    p style="margin:0 0 20px;" { (self.invitation) }
                                } }
                                tr { td style="padding:0 28px 24px;" {
                                    table role="presentation" cellpadding="0" cellspacing="0" border="0" {
                                        tr { td.button bgcolor="#1f3a5f" style="background-color:#1f3a5f;border-radius:4px;" {
                                            a.button href=(self.url) style="display:inline-block;padding:12px 24px;border-radius:4px;color:#ffffff;font-weight:bold;text-decoration:none;" { (self.button) }
                                        } }
                                    }
                                } }
                                tr { td.soft style="padding:0 28px 24px;font-size:14px;color:#5a574f;word-break:break-word;overflow-wrap:anywhere;" {
                                    p style="margin:0 0 4px;" { (self.plain_link) }
                                    p style="margin:0 0 16px;" { a.link href=(self.url) style="color:#1f3a5f;word-break:break-all;" { (self.url) } }
                                    @if let Some((says, url)) = &self.public {
                                        p style="margin:0 0 4px;" { (says) }
                                        p style="margin:0 0 16px;" { a.link href=(url) style="color:#1f3a5f;word-break:break-all;" { (url) } }
                                    }
                                    p style="margin:0;" { (self.privacy) }
                                } }
                                tr { td.soft.line style="padding:16px 28px 24px;border-top:1px solid #dedbd3;font-size:13px;color:#5a574f;word-break:break-word;overflow-wrap:anywhere;" { (self.footer) } }
                            }
                        } }
                    }
                }
            }
        }
        .into_string()
    }
}

const DARK: &str = "@media (prefers-color-scheme:dark){\
.page{background-color:#131416!important}\
.card{background-color:#1c1e21!important;border-color:#3a3d42!important;color:#ecebe8!important}\
.line{border-color:#3a3d42!important}\
.soft{color:#b3b0a9!important}\
.link{color:#a9c5ec!important}\
.button{background-color:#a9c5ec!important;color:#10192b!important}\
.test{background-color:#3a2c10!important;color:#f5d79b!important}}";

#[cfg(test)]
mod tests {
    use super::*;

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
            site_url: "https://app.example",
            lang: Lang::Es,
            audience: Audience::External,
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
    fn the_html_fetches_nothing() -> Result<(), MailError> {
        let html = render(&letter())?.html;
        for bad in ["<img", "<script", "<link", "url(", "@import", "src="] {
            assert!(!html.contains(bad), "{bad}");
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
