//! The stack's own pages: the start page `/_local`, and the inbox at `/_local/mail` for people (HTML) and
//! programs (JSON).
//!
//! They answer only to loopback host names, so that no other web page can read the mail through a host
//! name that resolves to this machine.

use std::io;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use unicreda::domain::lang::{Lang, StaffLang};
use url::form_urlencoded;

use crate::clients::Endpoints;
use crate::gateway::{AnswerBody, Gateway, full, language};
use crate::mail::{Mail, MailStore};

/// Mails per page of the inbox.
const PAGE: usize = 100;
/// Mails read from the file at a time.
const CHUNK: usize = 64;

/// The content of the start page.
#[derive(Debug)]
pub struct Overview {
    /// URL of the API, without a path.
    pub base_url: String,
    /// URLs of the embedded services.
    pub endpoints: Endpoints,
    /// The data folder.
    pub data: String,
    /// The demo's pages, once they exist.
    pub showcase: OnceLock<Showcase>,
}

/// The demo's pages and settings for the start page.
#[derive(Debug)]
pub struct Showcase {
    /// The file with keys and endpoints, quoted for a shell.
    pub environment: String,
    /// The demo credential's page.
    pub credential: Option<String>,
    /// A member's wallet.
    pub wallet: Option<String>,
}

#[derive(Default)]
struct Query {
    to: Option<String>,
    search: String,
    limit: Option<usize>,
    page: usize,
    lang: Option<Lang>,
}

impl Query {
    fn read(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "to" => read.to = Some(value.trim().to_owned()),
                "q" => read.search = value.trim().to_owned(),
                "limit" => read.limit = value.parse().ok(),
                "page" => read.page = value.parse().unwrap_or(1),
                "lang" => read.lang = Lang::from_tag(&value),
                _ => {}
            }
        }
        read.page = read.page.max(1);
        read
    }

    /// The URL of the same query with another page.
    fn link(&self, page: usize, lang: Lang) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("lang", lang.tag());
        if !self.search.is_empty() {
            query.append_pair("q", &self.search);
        }
        if let Some(to) = &self.to {
            query.append_pair("to", to);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        format!("/_local/mail?{}", query.finish())
    }
}

/// Answers a GET of one of the stack's own pages.
pub(crate) fn answer(gateway: &Gateway, request: &Request<Incoming>) -> Response<AnswerBody> {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host }
    });
    if !["localhost", "127.0.0.1", "[::1]"].contains(&name) {
        return plain(StatusCode::FORBIDDEN, "Only for localhost.\n");
    }
    let query = Query::read(request.uri().query().unwrap_or_default());
    let lang = query.lang.unwrap_or_else(|| language(headers));
    let accept = headers.get(header::ACCEPT).and_then(|a| a.to_str().ok()).unwrap_or_default();
    let store = &gateway.mail;
    let answer = match request.uri().path().trim_end_matches('/') {
        "/_local" => overview(&gateway.page, store, lang).map(page),
        "/_local/mail" if accept.contains("text/html") => list(store, &query, lang).map(page),
        "/_local/mail" => Ok(json(store, &query)),
        path => match path.strip_prefix("/_local/mail/").map(str::parse) {
            Some(Ok(number)) => mail_page(store, number, lang),
            _ => Ok(plain(StatusCode::NOT_FOUND, "404\n")),
        },
    };
    answer.unwrap_or_else(|error| {
        tracing::error!(error = %error, "mail not read");
        plain(StatusCode::INTERNAL_SERVER_ERROR, "500\n")
    })
}

/// All mail as one JSON object, streamed, so that memory stays bounded.
fn json(store: &Arc<MailStore>, query: &Query) -> Response<AnswerBody> {
    let mut numbers = store.find(query.to.as_deref(), &query.search);
    numbers.truncate(query.limit.unwrap_or(usize::MAX));
    let state = (Arc::clone(store), numbers.into_iter(), 0_usize, false);
    let body = stream::unfold(state, |(store, mut numbers, mut sent, ended)| async move {
        if ended {
            return None;
        }
        let mut chunk = if sent == 0 { b"{\"items\":[".to_vec() } else { Vec::new() };
        for number in numbers.by_ref().take(CHUNK) {
            match store.json(number) {
                Ok(Some(mail)) => {
                    if sent > 0 {
                        chunk.push(b',');
                    }
                    chunk.extend_from_slice(&mail);
                    sent += 1;
                }
                Ok(None) => {}
                Err(error) => return Some((Err(error), (store, numbers, sent, true))),
            }
        }
        let ended = numbers.len() == 0;
        if ended {
            chunk.extend_from_slice(b"]}\n");
        }
        let frame = Ok::<_, io::Error>(Frame::data(Bytes::from(chunk)));
        Some((frame, (store, numbers, sent, ended)))
    });
    let mut response = Response::new(StreamBody::new(body).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

fn list(store: &MailStore, query: &Query, lang: Lang) -> io::Result<Markup> {
    let numbers = store.find(query.to.as_deref(), &query.search);
    let pages = numbers.len().div_ceil(PAGE).max(1);
    let current = query.page.min(pages);
    let mut mails: Vec<(usize, Mail)> = Vec::new();
    for number in numbers.iter().skip((current - 1) * PAGE).take(PAGE) {
        if let Some(mail) = store.get(*number)? {
            mails.push((*number, mail));
        }
    }
    let total = numbers.len();
    let mails_list = self::mails(&mails, lang);
    Ok(layout(
        lang,
        lang.pick("Bandeja de entrada", "Inbox"),
        |other| query.link(current, other),
        html! {
            form method="get" action="/_local/mail" role="search" {
                input type="hidden" name="lang" value=(lang.tag());
                input type="search" name="q" value=(query.search)
                    placeholder=(lang.pick("Buscar por dirección", "Search by address"))
                    aria-label=(lang.pick("Buscar por dirección", "Search by address"));
                button { (lang.pick("Buscar", "Search")) }
            }
            p.quiet {
                @match (total, lang.staff()) {
                    (0, _) => { (lang.pick("Todavía no hay correos.", "No mail yet.")) }
                    (1, StaffLang::Es) => { "1 correo" }
                    (1, StaffLang::En) => { "1 message" }
                    (_, StaffLang::Es) => { (total) " correos" }
                    (_, StaffLang::En) => { (total) " messages" }
                }
            }
            (mails_list)
            @if pages > 1 {
                nav {
                    @if current > 1 {
                        a href=(query.link(current - 1, lang)) rel="prev" { "← " (lang.pick("Más nuevos", "Newer")) }
                    }
                    span { (current) " / " (pages) }
                    @if current < pages {
                        a href=(query.link(current + 1, lang)) rel="next" { (lang.pick("Más antiguos", "Older")) " →" }
                    }
                }
            }
        },
    ))
}

fn mail_page(store: &MailStore, number: usize, lang: Lang) -> io::Result<Response<AnswerBody>> {
    let Some(mail) = store.get(number)? else {
        return Ok(plain(StatusCode::NOT_FOUND, "404\n"));
    };
    // The sandbox allows only opening links, and the frame inherits this page's policy: no script runs
    // and nothing is fetched.
    let framed = mail.html.as_ref().map(|html| format!("<base target=\"_blank\">{html}"));
    let page_of_mail = layout(
        lang,
        &mail.subject,
        |other| format!("/_local/mail/{number}?lang={}", other.tag()),
        html! {
            p { a href=(format!("/_local/mail?lang={}", lang.tag())) { "← " (lang.pick("Bandeja de entrada", "Inbox")) } }
            dl {
                dt { (lang.pick("Para", "To")) } dd { (mail.to.join(", ")) }
                dt { (lang.pick("De", "From")) } dd { (mail.from) }
                dt { (lang.pick("Enviado", "Sent")) } dd { time datetime=(mail.sent_at) { (moment(&mail.sent_at)) } }
                @if let Some(id) = &mail.credential_id {
                    dt { (lang.pick("Credencial", "Credential")) }
                    dd { a href=(format!("/credential/{}", encoded(id))) { (id) } }
                }
            }
            @if let Some(framed) = &framed {
                iframe title=(lang.pick("Correo en HTML", "Mail as HTML"))
                    sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc=(framed) {}
            }
            @if let Some(text) = &mail.text {
                h2 { (lang.pick("Texto", "Text")) }
                pre { (text) }
            }
        },
    );
    Ok(page(page_of_mail))
}

fn overview(overview: &Overview, store: &MailStore, lang: Lang) -> io::Result<Markup> {
    let count = store.count();
    let mut newest = Vec::new();
    for number in (count.saturating_sub(3)..count).rev() {
        newest.extend(store.get(number)?.map(|mail| (number, mail)));
    }
    let rows = [
        ("API", format!("{}/api/v1", overview.base_url)),
        ("DynamoDB", overview.endpoints.dynamodb.clone()),
        ("SQS", overview.endpoints.sqs.clone()),
        ("SES", overview.endpoints.ses.clone()),
        ("S3", overview.endpoints.s3.clone()),
        (lang.pick("Datos", "Data"), overview.data.clone()),
    ];
    let showcase = overview.showcase.get();
    let environment = showcase.map_or("demo.env", |showcase| &showcase.environment);
    let credential = showcase.and_then(|showcase| showcase.credential.as_ref());
    let wallet = showcase.and_then(|showcase| showcase.wallet.as_ref());
    let inbox = format!("/_local/mail?lang={}", lang.tag());
    let issue = format!(
        "source {environment}\ncurl -s $BASE_URL/credentials/issue \\\n  -H \"X-API-Key: $API_KEY\" -H 'Content-Type: application/json' \\\n  -d '{{\"template_id\":\"'$TEMPLATE_ID'\",\"recipients\":[{{\"email\":\"estudiante@ejemplo.com\",\"recipient_name\":\"Juan Pérez\",\"result_value\":\"A\"}}]}}'"
    );
    let follow = "curl -s $BASE_URL/jobs/JOB_ID -H \"X-API-Key: $API_KEY\"";
    Ok(layout(
        lang,
        lang.pick("El servicio está en marcha", "The service is running"),
        |other| format!("/?lang={}", other.tag()),
        html! {
            p.lead { (lang.pick(
                "Emite credenciales académicas firmadas: recibe destinatarios por la API y entrega a cada uno una credencial con página pública y un correo. Son los mismos programas que se ejecutan en AWS Lambda, con DynamoDB, SQS, SES y S3 incluidos.",
                "It issues signed academic credentials: it accepts recipients over the API and gives each one a credential with a public page and a mail. These are the programs that run on AWS Lambda, with DynamoDB, SQS, SES and S3 included.",
            )) }
            div.columns {
                section {
                    h2 { (lang.pick("Explora", "Explore")) }
                    ul.links {
                        @if let Some(url) = credential {
                            li { a href=(url) { (lang.pick("La credencial de demostración", "The demo credential")) }
                                span.quiet { (lang.pick("lo que ven quien la recibe y quien la verifica", "what its holder and its verifiers see")) } }
                        }
                        @if let Some(url) = wallet {
                            li { a href=(url) { (lang.pick("La billetera de Ana Rojas", "Ana Rojas’s wallet")) }
                                span.quiet { (lang.pick("miembro de la Universidad Demo", "a member of Universidad Demo")) } }
                        }
                        li { a href=(format!("/console?lang={}", lang.tag())) { (lang.pick("La consola: emitir desde un archivo", "The console: issue from a file")) } }
                        li { a href=(inbox) { (lang.pick("La bandeja de entrada", "The inbox")) " (" (count) ")" }
                            span.quiet { (lang.pick("todo el correo enviado; nada sale a Internet", "all sent mail; none of it reaches the Internet")) } }
                    }
                    @if !newest.is_empty() {
                        h3 { (lang.pick("Últimos correos", "Latest mail")) }
                        (mails(&newest, lang))
                    }
                }
                section {
                    h2 { (lang.pick("Emite una credencial", "Issue a credential")) }
                    pre tabindex="0" { (issue) }
                    p.quiet { (lang.pick(
                        "Con dos o más destinatarios, la respuesta trae un job_id para seguir el trabajo:",
                        "With two or more recipients, the answer has a job_id with which to follow the job:",
                    )) }
                    pre tabindex="0" { (follow) }
                    h2.next { (lang.pick("Servicios y direcciones", "Services and addresses")) }
                    dl { @for (name, value) in &rows { dt { (name) } dd { code { (value) } } } }
                }
            }
        },
    ))
}

fn mails(mails: &[(usize, Mail)], lang: Lang) -> Markup {
    html! {
        ol.mails {
            @for (number, mail) in mails {
                li {
                    a href=(format!("/_local/mail/{number}?lang={}", lang.tag())) {
                        span.to { (mail.to.join(", ")) }
                        time datetime=(mail.sent_at) { (moment(&mail.sent_at)) }
                        span.subject { (mail.subject) }
                    }
                }
            }
        }
    }
}

/// Colours and fonts of the product's pages (docs/design.md).
const STYLE: &str = "
:root{color-scheme:light dark;--paper:#f4f3ef;--card:#fff;--ink:#1f1e1b;--soft:#5a574f;--line:#dedbd3;--link:#1f3a5f}
@media (prefers-color-scheme:dark){:root{--paper:#131416;--card:#1c1e21;--ink:#ecebe8;--soft:#b3b0a9;--line:#3a3d42;--link:#a9c5ec}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;max-width:64rem;margin:0 auto;padding:1rem 1.25rem 3rem;background:var(--paper);color:var(--ink)}
header{display:flex;justify-content:space-between;align-items:baseline;gap:1rem}
h1,h2{font-family:Charter,'Bitstream Charter',Georgia,'Noto Serif',serif;overflow-wrap:anywhere}
h1{font-size:1.75rem;line-height:1.2;margin:1rem 0 .5rem}
h2{font-size:1.125rem;margin:0 0 .5rem}
h3{font-size:.9375rem;margin:1.25rem 0 .5rem}
main>h2{margin-top:1.5rem}
a{color:var(--link);text-underline-offset:.15em}
a:focus-visible,button:focus-visible,input:focus-visible,pre:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.lead{max-width:70ch;margin:.5rem 0 1.25rem}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem}
section{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1.25rem 1.5rem;min-width:0}
h2.next{margin-top:1.25rem}
.links{list-style:none;margin:0;padding:0}
.links li+li{margin-top:.625rem}
.links .quiet{display:block;font-size:.9375rem}
form{display:flex;gap:.5rem}
input[type=search]{flex:1;min-width:0}
input,button{font:inherit;padding:.5rem .75rem;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.375rem}
.quiet,time{color:var(--soft)}
time{font-size:.875rem}
.mails{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
.mails li{border-bottom:1px solid var(--line)}
.mails a{display:grid;grid-template-columns:1fr auto;gap:0 1rem;padding:.6rem 0;color:inherit;text-decoration:none}
.mails a:hover .subject{text-decoration:underline}
.to{font-weight:600;overflow-wrap:anywhere;min-width:0}
.subject{grid-column:1/-1;overflow-wrap:anywhere}
nav{display:flex;justify-content:space-between;padding:1rem 0}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:.5rem 0 1rem}
section dl{margin-bottom:0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;min-width:0}
iframe{width:100%;height:75vh;border:1px solid var(--line);border-radius:.5rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line);border-radius:.375rem;padding:.75rem;margin:0;font-size:.875rem;background:var(--paper)}
main>pre{background:var(--card)}
@media (max-width:30rem){body{padding:.5rem 1rem 2rem}.mails a{grid-template-columns:1fr}section{padding:1rem}}
";

fn layout(lang: Lang, title: &str, link: impl Fn(Lang) -> String, main: Markup) -> Markup {
    let (other, name) = match lang.staff() {
        StaffLang::Es => (Lang::En, "English"),
        StaffLang::En => (Lang::Es, "Español"),
    };
    html! {
        (DOCTYPE)
        html lang=(lang.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { (title) } a href=(link(other)) hreflang=(other.tag()) { (name) } }
                main { (main) }
            }
        }
    }
}

/// An instant for people: to the second, in UTC.
fn moment(instant: &str) -> String {
    instant.parse::<jiff::Timestamp>().map_or_else(
        |_| instant.to_owned(),
        |instant| instant.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

fn encoded(id: &str) -> String {
    let mut encoded = String::new();
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                encoded.push(byte.into())
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn page(markup: Markup) -> Response<AnswerBody> {
    let mut response = Response::new(full(markup.into_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept, accept-language"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    );
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<AnswerBody> {
    let mut response = Response::new(full(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
