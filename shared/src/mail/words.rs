//! The sentences of a letter in the recipient's language, as text and as HTML.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    domain::{field::FieldName, image::Image, lang::Lang, texts::MailTexts},
    mail::letter::{Audience, Letter},
};

/// Longest name that a header carries, in characters; a longer one is cut with an
/// ellipsis. The body always has it in full.
const HEADER_NAME_MAX: usize = 120;

/// Side of the box of the template's picture, in pixels.
const PICTURE: u32 = 112;

/// The letter's sentences, in its language.
pub(super) struct Words {
    lang: Lang,
    pub(super) subject: String,
    test: Option<&'static str>,
    greeting: String,
    lead: String,
    credential: String,
    /// The person, the grade and the days, with the name of each.
    facts: Vec<(&'static str, String)>,
    links: Links,
    plain_link: &'static str,
    logo: Option<Picture>,
    /// The badge of the template, or its seal: one address for all recipients, so it tells nobody who reads.
    picture: Picture,
    organization: String,
    footer: String,
}

impl Words {
    pub(super) fn of(letter: &Letter<'_>) -> Self {
        let lang = letter.lang;
        let organization = clean(letter.organization);
        let credential = clean(letter.credential_name);
        let name = letter.recipient_name.map(clean).filter(|n| !n.is_empty());
        let texts = &lang.texts().mail;
        let facts = facts(letter, name.as_deref());
        Self {
            lang,
            subject: subject(letter, &organization, &credential),
            test: letter.test.then_some(texts.test),
            greeting: match name {
                Some(name) => (texts.greeting)(&name),
                None => texts.greeting_nameless.to_owned(),
            },
            lead: lead(letter, &organization),
            facts,
            links: match letter.wallet_url {
                Some(wallet) => Links::to_wallet(texts, wallet, letter.url),
                None => Links::to_page(texts, letter.url),
            },
            plain_link: texts.plain_link,
            logo: letter.logo.map(|logo| Picture::of(logo, letter.site_url, 200, 44)),
            picture: match letter.badge {
                Some(badge) => Picture::of(badge, letter.site_url, PICTURE, PICTURE),
                None => {
                    Picture { url: letter.seal_url.to_owned(), width: PICTURE, height: PICTURE }
                }
            },
            footer: footer(letter, &organization),
            credential,
            organization,
        }
    }

    pub(super) fn text(&self) -> String {
        let Self { greeting, lead, credential, footer, .. } = self;
        let Links { invitation, url, public, privacy, .. } = &self.links;
        let test = self.test.map(|t| format!("{t}\n\n")).unwrap_or_default();
        let public = public.as_ref();
        let public = public.map(|(says, url)| format!("{says}\n{url}\n\n")).unwrap_or_default();
        let facts: String =
            self.facts.iter().map(|(name, value)| format!("    {name}: {value}\n")).collect();
        format!(
            "{test}{greeting}\n\n{lead}\n\n    {credential}\n{facts}\n{invitation}\n{url}\n\n{public}{privacy}\n\n-- \n{footer}\n"
        )
    }

    fn fact_rows(&self) -> Markup {
        html! {
            @if !self.facts.is_empty() {
                table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 20px;" {
                    @for (name, value) in &self.facts {
                        tr {
                            td.soft valign="top" style="padding:0 16px 4px 0;font-size:14px;line-height:24px;color:#5a574f;" { (name) }
                            td valign="top" dir="auto" style="padding:0 0 4px;font-size:16px;line-height:24px;word-break:break-word;overflow-wrap:anywhere;" { (value) }
                        }
                    }
                }
            }
        }
    }

    /// The HTML part. Tables and inline styles, because Outlook lays out nothing else; the
    /// only style sheet is for dark mode, in the programs that read it.
    pub(super) fn html(&self) -> String {
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
                                    (self.picture.img("display:block;margin:0 0 12px;border:0;"))
                                    p dir="auto" style={(SERIF) "margin:0 0 12px;font-size:24px;line-height:1.3;font-weight:bold;"} { (self.credential) }
                                    (self.fact_rows())
                                    p style="margin:0 0 20px;" { (self.links.invitation) }
                                } }
                                tr { td style="padding:0 28px 24px;" {
                                    table role="presentation" cellpadding="0" cellspacing="0" border="0" {
                                        tr { td.button bgcolor="#1f3a5f" style="background-color:#1f3a5f;border-radius:4px;" {
                                            a.button href=(self.links.url) style="display:inline-block;padding:12px 24px;border-radius:4px;color:#ffffff;font-weight:bold;text-decoration:none;" { (self.links.button) }
                                        } }
                                    }
                                } }
                                tr { td.soft style="padding:0 28px 24px;font-size:14px;color:#5a574f;word-break:break-word;overflow-wrap:anywhere;" {
                                    p style="margin:0 0 4px;" { (self.plain_link) }
                                    p style="margin:0 0 16px;" { a.link href=(self.links.url) style="color:#1f3a5f;word-break:break-all;" { (self.links.url) } }
                                    @if let Some((says, url)) = &self.links.public {
                                        p style="margin:0 0 4px;" { (says) }
                                        p style="margin:0 0 16px;" { a.link href=(url) style="color:#1f3a5f;word-break:break-all;" { (url) } }
                                    }
                                    p style="margin:0;" { (self.links.privacy) }
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

/// The person, the grade and the days: of the award or else of the issue, and of an end that the first line
/// does not say.
fn facts(letter: &Letter<'_>, name: Option<&str>) -> Vec<(&'static str, String)> {
    let lang = letter.lang;
    let texts = lang.texts();
    let date = |on| lang.date(on);
    let awarded = letter.awarded_on.map(|on| (FieldName::AwardedOn.label(lang), date(on)));
    let issued = letter.issued_on.map(|on| (texts.facts.issued_on, date(on)));
    let ends = letter.expires_on.filter(|_| letter.renewed_until.is_none());
    let facts = [
        name.map(|name| (texts.page.awarded_to, name.to_owned())),
        letter.grade.map(|grade| (FieldName::ResultValue.short(lang), clean(grade))),
        awarded.or(issued),
        ends.map(|on| (texts.mail.valid_until, date(on))),
    ];
    facts.into_iter().flatten().collect()
}

/// The letter's links and the sentences about them.
struct Links {
    invitation: &'static str,
    button: &'static str,
    /// The target of the button.
    url: String,
    /// The public page and the sentence before it, when the button leads to the wallet.
    public: Option<(&'static str, String)>,
    privacy: &'static str,
}

impl Links {
    fn to_wallet(texts: &MailTexts, wallet: &str, page: &str) -> Self {
        Self {
            invitation: texts.to_wallet,
            button: texts.open_wallet,
            url: wallet.to_owned(),
            public: Some((texts.public_page, page.to_owned())),
            privacy: texts.wallet_privacy,
        }
    }

    fn to_page(texts: &MailTexts, page: &str) -> Self {
        Self {
            invitation: texts.to_page,
            button: texts.open_page,
            url: page.to_owned(),
            public: None,
            privacy: texts.page_privacy,
        }
    }
}

fn subject(letter: &Letter<'_>, organization: &str, credential: &str) -> String {
    let texts = &letter.lang.texts().mail;
    let (organization, credential) = (&shorten(organization), &shorten(credential));
    let subject = match letter.audience {
        _ if letter.renewed_until.is_some() => (texts.renewed_subject)(organization, credential),
        Audience::Member => (texts.member_subject)(credential),
        Audience::External => (texts.external_subject)(organization, credential),
    };
    let test = if letter.test { texts.test_mark } else { "" };
    // No name reads as an encoded word, which a mail program would decode.
    format!("{test}{}", subject.replace("=?", "= ?"))
}

fn lead(letter: &Letter<'_>, organization: &str) -> String {
    let texts = &letter.lang.texts().mail;
    match (letter.renewed_until, letter.audience) {
        (Some(until), _) => (texts.renewed_lead)(organization, &letter.lang.date(until)),
        (None, Audience::Member) => (texts.member_lead)(organization),
        (None, Audience::External) => (texts.external_lead)(organization),
    }
}

fn footer(letter: &Letter<'_>, organization: &str) -> String {
    let texts = &letter.lang.texts().mail;
    let mistake = match letter.reply_to {
        Some(_) => texts.mistake_reply,
        None => texts.mistake_contact,
    };
    format!("{} {mistake}", (texts.why)(organization))
}

/// An image of a letter, and the size at which it is shown.
struct Picture {
    url: String,
    width: u32,
    height: u32,
}

impl Picture {
    /// An image that fills a box of `width` by `height`: Outlook knows no `max-width`.
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

    /// A decorative image: the text beside it says the same, so `alt` is empty.
    fn img(&self, style: &str) -> Markup {
        html! { img src=(self.url) width=(self.width) height=(self.height) alt="" style=(style); }
    }
}

/// Makes one line of a text: control characters and line breaks become single spaces,
/// invisible characters that turn the direction of writing are removed.
pub(super) fn clean(text: &str) -> String {
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

/// Cuts a name to [`HEADER_NAME_MAX`].
pub(super) fn shorten(name: &str) -> String {
    if name.chars().count() <= HEADER_NAME_MAX {
        return name.to_owned();
    }
    let cut: String = name.chars().take(HEADER_NAME_MAX - 1).collect();
    format!("{}…", cut.trim_end())
}

const DARK: &str = "@media (prefers-color-scheme:dark){\
.page{background-color:#131416!important}\
.card{background-color:#1c1e21!important;border-color:#3a3d42!important;color:#ecebe8!important}\
.line{border-color:#3a3d42!important}\
.soft{color:#b3b0a9!important}\
.link{color:#a9c5ec!important}\
.button{background-color:#a9c5ec!important;color:#10192b!important}\
.test{background-color:#3a2c10!important;color:#f5d79b!important}}";
