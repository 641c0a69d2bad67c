//! The sentences of a letter in Spanish and English, as text and as HTML.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    domain::{image::Image, lang::Lang},
    mail::letter::{Audience, Letter},
};

/// Longest name that a header carries, in characters; a longer one is cut with an
/// ellipsis. The body always has it in full.
const HEADER_NAME_MAX: usize = 120;

/// The letter's sentences, in its language.
pub(super) struct Words {
    lang: Lang,
    pub(super) subject: String,
    test: Option<&'static str>,
    greeting: String,
    lead: String,
    credential: String,
    /// The day of the award.
    /// The days of the award and of the end, where they need saying.
    days: Vec<String>,
    links: Links,
    plain_link: &'static str,
    logo: Option<Picture>,
    badge: Option<Picture>,
    organization: String,
    footer: String,
}

impl Words {
    pub(super) fn of(letter: &Letter<'_>) -> Self {
        let lang = letter.lang;
        let organization = clean(letter.organization);
        let credential = clean(letter.credential_name);
        let name = letter.recipient_name.map(clean).filter(|n| !n.is_empty());
        Self {
            lang,
            subject: subject(letter, &organization, &credential),
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
            lead: lead(letter, &organization),
            days: days(letter),
            links: match letter.wallet_url {
                Some(wallet) => Links::to_wallet(lang, wallet, letter.url),
                None => Links::to_page(lang, letter.url),
            },
            plain_link: lang.pick(
                "Si el botón no funciona, copia este enlace en tu navegador:",
                "If the button does not work, copy this link into your browser:",
            ),
            logo: letter.logo.map(|logo| Picture::of(logo, letter.site_url, 200, 44)),
            badge: letter.badge.map(|badge| Picture::of(badge, letter.site_url, 112, 112)),
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
        let days: String = self.days.iter().map(|day| format!("    {day}\n")).collect();
        format!(
            "{test}{greeting}\n\n{lead}\n\n    {credential}\n{days}\n{invitation}\n{url}\n\n{public}{privacy}\n\n-- \n{footer}\n"
        )
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
                                    @if let Some(badge) = &self.badge { (badge.img("display:block;margin:0 0 12px;border:0;")) }
                                    p dir="auto" style={(SERIF) "margin:0 0 20px;font-size:24px;line-height:1.3;font-weight:bold;"} { (self.credential) }
                                    @for day in &self.days { p style="margin:-12px 0 20px;" { (day) } }
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
    fn to_wallet(lang: Lang, wallet: &str, page: &str) -> Self {
        let page_says = lang.pick(
            "La página pública de esta credencial, para compartirla:",
            "The public page of this credential, to share it:",
        );
        Self {
            invitation: lang.pick(
                "Ábrela en tu billetera, junto con todas tus credenciales de la institución:",
                "Open it in your wallet, together with all your credentials of the institution:",
            ),
            button: lang.pick("Abrir mi billetera", "Open my wallet"),
            url: wallet.to_owned(),
            public: Some((page_says, page.to_owned())),
            privacy: lang.pick(
                "El enlace a tu billetera es personal y sirve 30 días: no lo reenvíes. Quien tenga el enlace de la página pública puede ver la credencial.",
                "The link to your wallet is personal and works for 30 days: do not forward it. Anyone who has the link of the public page can see the credential.",
            ),
        }
    }

    fn to_page(lang: Lang, page: &str) -> Self {
        Self {
            invitation: lang.pick(
                "Puedes verla y compartirla en su página pública:",
                "You can see and share it on its public page:",
            ),
            button: lang.pick("Ver credencial", "View credential"),
            url: page.to_owned(),
            public: None,
            privacy: lang.pick(
                "Quien tenga el enlace puede ver la credencial: tú decides con quién compartirlo.",
                "Anyone who has the link can see the credential: you decide whom to share it with.",
            ),
        }
    }
}

fn subject(letter: &Letter<'_>, organization: &str, credential: &str) -> String {
    let credential = shorten(credential);
    let subject = match (letter.audience, letter.lang) {
        (_, Lang::Es) if letter.renewed_until.is_some() => {
            format!("{} renovó tu credencial: {credential}", shorten(organization))
        }
        (_, Lang::En) if letter.renewed_until.is_some() => {
            format!("{} renewed your credential: {credential}", shorten(organization))
        }
        (Audience::Member, Lang::Es) => {
            format!("Tienes una nueva credencial en tu billetera: {credential}")
        }
        (Audience::Member, Lang::En) => {
            format!("You have a new credential in your wallet: {credential}")
        }
        (Audience::External, Lang::Es) => {
            format!("{} te otorgó una credencial: {credential}", shorten(organization))
        }
        (Audience::External, Lang::En) => {
            format!("{} awarded you a credential: {credential}", shorten(organization))
        }
    };
    let test = if letter.test { letter.lang.pick("PRUEBA · ", "TEST · ") } else { "" };
    // No name reads as an encoded word, which a mail program would decode.
    format!("{test}{}", subject.replace("=?", "= ?"))
}

/// The day of an award of its own, and the last day of a credential that ends; the first line of the letter says
/// the one that a renewal gave.
fn days(letter: &Letter<'_>) -> Vec<String> {
    let lang = letter.lang;
    let ends = letter.expires_on.filter(|_| letter.renewed_until.is_none());
    let awarded =
        letter.awarded_on.map(|on| (lang.pick("Fecha de otorgamiento", "Date of award"), on));
    let ends = ends.map(|on| (lang.pick("Válida hasta", "Valid until"), on));
    awarded.into_iter().chain(ends).map(|(name, on)| format!("{name}: {}", lang.date(on))).collect()
}

fn lead(letter: &Letter<'_>, organization: &str) -> String {
    if let Some(until) = letter.renewed_until {
        let until = letter.lang.date(until);
        return match letter.lang {
            Lang::Es => {
                format!("{organization} renovó tu credencial, que ahora vale hasta el {until}:")
            }
            Lang::En => {
                format!("{organization} renewed your credential, which now holds until {until}:")
            }
        };
    }
    match (letter.audience, letter.lang) {
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
    }
}

fn footer(letter: &Letter<'_>, organization: &str) -> String {
    let mistake = match (letter.reply_to.is_some(), letter.lang) {
        (true, Lang::Es) => "Si crees que se trata de un error, responde a este mensaje.",
        (true, Lang::En) => "If you think this is a mistake, reply to this message.",
        (false, Lang::Es) => "Si crees que se trata de un error, comunícate con la institución.",
        (false, Lang::En) => "If you think this is a mistake, contact the institution.",
    };
    match letter.lang {
        Lang::Es => format!(
            "Recibes este mensaje automático porque {organization} emitió una credencial para esta dirección de correo. {mistake}"
        ),
        Lang::En => format!(
            "You receive this automatic message because {organization} issued a credential for this e-mail address. {mistake}"
        ),
    }
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
