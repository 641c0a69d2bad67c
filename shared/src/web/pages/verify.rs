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
    domain::{email::EmailAddress, erasure::Why, lang::Lang},
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
    let heading = lang.pick("Comprobar una credencial", "Check a credential");
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
            p.lead { (lang.pick(
                "¿Tienes el archivo o la dirección de una credencial? Aquí ves quién la emitió, a quién y si sigue vigente.",
                "Do you have the file or the address of a credential? See here who issued it, to whom, and whether it still holds.",
            )) }
        }
        (form(words.is_some(), lang))
    };
    let foot = html! {
        p {
            (lang.pick("Se comprueban las credenciales emitidas en este sitio, ", "Credentials that were issued on this site are checked, "))
            strong { (host) }
            (lang.pick(
                ". Lo que envías no se guarda ni se registra.",
                ". What you send is neither kept nor logged.",
            ))
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
            @if again { h2.h2 { (lang.pick("Comprobar otra", "Check another")) } }
            label for="file" { (lang.pick("Archivo PDF, PNG o JSON (hasta 4 MB)", "PDF, PNG or JSON file (up to 4 MB)")) }
            input id="file" name="file" type="file" aria-describedby="file-hint"
                accept=".pdf,.png,.json,.jsonld,application/pdf,image/png,application/json,application/ld+json";
            p.soft id="file-hint" { (lang.pick(
                "El certificado, la insignia o el archivo firmado. También puedes soltarlo aquí.",
                "The certificate, the badge or the signed file. You can also drop it here.",
            )) }
            p.problem role="alert" id="problem" {}
            label for="text" { (lang.pick("O la dirección de la credencial, o su texto", "Or the address of the credential, or its text")) }
            textarea id="text" name="text" rows="3" spellcheck="false" autocomplete="off" autocapitalize="none" {}
            p { button.button.first type="submit" { (lang.pick("Comprobar", "Check")) } }
        }
    }
}

/// Renders what is said of a document below its heading.
fn told(verdict: &Verdict, host: &str, lang: Lang) -> Markup {
    html! {
        @if let Some(on) = verdict.revoked_on {
            p { (lang.pick("Fecha de la revocación: ", "Date of the revocation: ")) (day(on, lang)) "." }
        }
        @if let Some(signed) = &verdict.signed { (facts(signed, verdict.standing, host, lang)) }
        @if let Some(page) = &verdict.page {
            p { a href={ (page) "?lang=" (lang.tag()) } {
                @match verdict.standing {
                    Standing::Replaced => (lang.pick("Ver su página, con la versión más reciente", "See its page, with the latest version")),
                    _ => (lang.pick("Ver la página de la credencial", "See the page of the credential")),
                }
            } }
        }
        (checks(&verdict.findings, lang))
    }
}

fn facts(signed: &Signed, standing: Standing, host: &str, lang: Lang) -> Markup {
    let ends = match standing {
        Standing::Expired => lang.pick("Venció el", "Expired on"),
        _ => lang.pick("Vence el", "Expires on"),
    };
    html! {
        dl.facts {
            div {
                dt { (lang.pick("Emitida por", "Issued by")) }
                dd {
                    bdi { (signed.organization) }
                    (reached(signed.website.as_deref(), signed.contact.as_ref()))
                    br; span.soft { (lang.pick("en ", "at ")) (host) }
                }
            }
            @if let Some(holder) = &signed.holder {
                div { dt { (lang.pick("Otorgada a", "Awarded to")) } dd { bdi { (holder) } } }
            }
            div { dt { (lang.pick("Credencial", "Credential")) } dd { bdi { (signed.name) } } }
            @if let Some(on) = signed.awarded_on {
                div { dt { (lang.pick("Fecha", "Date")) } dd { (day(on, lang)) } }
            }
            @match signed.expires_on {
                Some(on) => div { dt { (ends) } dd { (day(on, lang)) } },
                None => div { dt { (lang.pick("Vencimiento", "Expiry")) } dd { (lang.pick("No vence", "It does not expire")) } },
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
                summary { (lang.pick(format!("{passed} de {all} comprobaciones"), format!("{passed} of {all} checks"))) }
                ul.checks {
                    @for finding in findings {
                        @let (class, said) = match finding.passed {
                            Some(true) => ("pass", lang.pick("Comprobado: ", "Passed: ")),
                            Some(false) => ("fail", lang.pick("Falla: ", "Failed: ")),
                            None => ("skip", ""),
                        };
                        li class=(class) {
                            (tick(finding.passed))
                            span { span.said { (said) } bdi { (lang.pick(&finding.es, &finding.en)) } }
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
            heading: lang.pick("No la podemos confirmar", "We cannot confirm it"),
            texts: vec![unconfirmed(&verdict.findings, lang)],
        },
        Standing::Issued if !verdict.begun => Words {
            class: "suspended",
            heading: lang.pick("Todavía no está vigente", "Not in force yet"),
            texts: vec![],
        },
        Standing::Issued => state(
            State::Issued,
            lang.pick("Es válida", "It is valid"),
            Some(lang.pick(
                "La firmó la institución que aparece abajo, nadie la ha cambiado desde entonces y sigue vigente.",
                "The institution below signed it, nobody has changed it since, and it is in force.",
            )),
        ),
        Standing::Expired => state(State::Expired, lang.pick("Venció", "It has expired"), None),
        Standing::Suspended => {
            state(State::Suspended, lang.pick("Está suspendida", "It is suspended"), None)
        }
        Standing::Revoked => {
            let mut words = state(State::Revoked, lang.pick("Fue revocada", "It was revoked"), None);
            words.texts.extend(verdict.superseded.then(|| lang.pick(
                "Antes la había corregido: este archivo es de una versión anterior.",
                "It had corrected it before: this file is of an earlier version.",
            )));
            words
        }
        Standing::Replaced => Words {
            class: "suspended",
            heading: lang.pick("Hay una versión posterior", "There is a later version"),
            texts: vec![lang.pick(
                "La institución corrigió o renovó esta credencial después de emitir este archivo, que ya no vale.",
                "The institution corrected or renewed this credential after this file was made, which no longer counts.",
            )],
        },
    };
    if test {
        let of_test = lang.pick(
            "Es una credencial de prueba: no acredita nada.",
            "It is a test credential: it certifies nothing.",
        );
        if verdict.standing == Standing::Issued {
            words.class = "trial";
            words.heading = lang.pick("Es una prueba", "It is a test");
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
        Some(Check::Proof) => lang.pick(
            "Fue cambiada después de firmarse, o la firma no es de la institución. No confíes en lo que dice.",
            "It was changed after it was signed, or the signature is not the institution’s. Do not rely on what it says.",
        ),
        Some(Check::Status) => lang.pick(
            "La firma es correcta, pero no pudimos comprobar si sigue vigente. Inténtalo más tarde o consulta a la institución.",
            "The signature is right, but we could not check whether it still holds. Try later, or ask the institution.",
        ),
        _ => lang.pick(
            "No la emitió ninguna institución de este sitio. Si dice ser de otro emisor, compruébala con él.",
            "No institution of this site issued it. If it claims to be another issuer’s, check it there.",
        ),
    }
}

fn withdrawn(why: Why, lang: Lang) -> &'static str {
    match why {
        Why::Request => lang.pick(
            "La persona a quien se otorgó pidió retirarla de este sitio, y por eso ya no tiene página.",
            "The person to whom it was awarded asked for its removal from this site, so it has no page any more.",
        ),
        Why::Retention => lang.pick(
            "Este sitio ya no la conserva, y por eso no tiene página.",
            "This site keeps it no longer, so it has no page any more.",
        ),
    }
}

/// The words where there is no verdict.
fn of_said(said: &Said, lang: Lang) -> Words {
    let words = |class, heading, texts| Words { class, heading, texts };
    let unread = lang.pick("No pudimos comprobarla", "We could not check it");
    let paste = lang.pick(
        "Si ves la dirección de la credencial, por ejemplo junto a su código QR, pégala abajo.",
        "If you see the address of the credential, for example beside its QR code, paste it below.",
    );
    match said {
        Said::Nothing => words(
            "suspended",
            lang.pick("Falta el archivo o la dirección", "The file or the address is missing"),
            vec![lang.pick("Elige un archivo, o pega la dirección de la credencial.", "Choose a file, or paste the address of the credential.")],
        ),
        Said::NoAddress => words("suspended", unread, vec![
            lang.pick("El texto no es la dirección de una credencial ni su contenido.", "The text is neither the address of a credential nor its content."),
            lang.pick("La dirección termina en /credential/ y un código de 36 letras y números.", "The address ends in /credential/ and a code of 36 letters and digits."),
        ]),
        Said::NotJson => words("suspended", unread, vec![
            lang.pick("El texto está incompleto o dañado: no es un documento JSON. Usa el archivo original.", "The text is incomplete or damaged: it is no JSON document. Use the original file."),
        ]),
        Said::Several => words("suspended", unread, vec![
            lang.pick("El texto tiene varias direcciones. Pega una sola, la que quieres comprobar.", "The text has several addresses. Paste one, the one that you want to check."),
        ]),
        Said::NoCredential => words("suspended", lang.pick("La dirección está incompleta", "The address is incomplete"), vec![
            lang.pick("Es de este sitio, pero no la de una credencial.", "It is of this site, but not that of a credential."),
            lang.pick("La dirección termina en /credential/ y un código de 36 letras y números.", "The address ends in /credential/ and a code of 36 letters and digits."),
        ]),
        Said::Foreign => words("suspended", lang.pick("No es de este sitio", "It is not of this site"), vec![
            lang.pick("La dirección es de otro sitio, y de allí no leemos nada. Ábrela en el sitio de quien la emitió.", "The address is of another site, and nothing is read from there. Open it on the site of its issuer."),
        ]),
        Said::File(fault) => words("suspended", unread, vec![fault.text(lang), paste]),
        Said::Unknown => words("revoked", lang.pick("No existe en este sitio", "It does not exist on this site"), vec![
            lang.pick("Ninguna credencial de este sitio tiene esa dirección. Revisa que esté completa.", "No credential of this site has that address. Check that it is complete."),
        ]),
        Said::Blocked => words("suspended", lang.pick("No está disponible por ahora", "It is not available for now"), vec![
            lang.pick("La institución no la muestra en este momento. Si tienes el archivo de la credencial, compruébalo abajo.", "The institution does not show it at the moment. If you have the credential’s file, check it below."),
        ]),
        Said::Erased(why) => words("suspended", lang.pick("Ya no está en este sitio", "It is no longer on this site"), vec![
            withdrawn(*why, lang),
            lang.pick("Si tienes el archivo de la credencial, compruébalo abajo.", "If you have the credential’s file, check it below."),
        ]),
        Said::Unavailable => words("suspended", unread, vec![
            lang.pick("Es un problema pasajero de nuestro sistema. Vuelve a intentarlo en unos minutos.", "This is a passing problem of our system. Please try again in a few minutes."),
        ]),
    }
}
