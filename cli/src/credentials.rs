//! `unicreda credentials`: finds, corrects, renews, revokes, blocks and verifies credentials, and sends their
//! mail again.

use std::path::Path;

use bytes::Bytes;
use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    client::ApiRequest,
    exit::{Exit, Failure},
    follow, input,
    printer::{self, Printer, cell},
    session::{self, Session},
    summary,
};

/// `unicreda credentials …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find credentials, newest first.
    Find(Find),
    /// Revoke credentials permanently.
    Revoke(Revoke),
    /// Renew a credential that has ended or ends within 60 days: same id and page, a later end, and mail to
    /// its holder.
    Renew(Renew),
    /// Block a credential: its page, its files and its place in wallets are hidden, and no mail is sent. What
    /// its holder keeps still verifies.
    Block {
        /// Id of the credential.
        id: String,
        /// Reason, for the organization; nothing public shows it.
        #[arg(long)]
        reason: String,
    },
    /// Lift the block of a credential: it is shown again.
    Unblock {
        /// Id of the credential.
        id: String,
    },
    /// Send a credential's mail again.
    Resend {
        /// Id of the credential.
        id: String,
    },
    /// Correct the address of a credential: its mail is sent to the new one.
    Correct(Correct),
    /// Verify a signed document, also within a certificate (PDF) or badge (PNG), or the credential at a
    /// URL of the service. The exit code is 1 if it does not verify.
    Verify {
        /// A JSON, PDF or PNG file, - for standard input, or a URL.
        #[arg(value_name = "FILE|URL")]
        source: String,
    },
}

/// `unicreda credentials find`
#[derive(Debug, Args)]
pub struct Find {
    /// E-mail address of the recipient.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Your own id of the credential.
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// Template of the credential.
    #[arg(long, value_name = "ID")]
    template: Option<String>,
    /// Status: issued, suspended or revoked.
    #[arg(long)]
    status: Option<String>,
    /// Only credentials issued after this instant, RFC 3339.
    #[arg(long, value_name = "INSTANT")]
    issued_after: Option<String>,
    /// Maximum number of credentials.
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
}

/// `unicreda credentials revoke`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["ids", "job"])))]
pub struct Revoke {
    /// Ids of the credentials, up to 1,000.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Revoke all credentials that this job issued.
    #[arg(long, value_name = "ID")]
    job: Option<String>,
    /// Reason, for the organization; the public page does not show it.
    #[arg(long)]
    reason: String,
}

/// `unicreda credentials renew`
#[derive(Debug, Args)]
pub struct Renew {
    /// Id of the credential.
    id: String,
    /// The new last day, YYYY-MM-DD [default: the template's months after the present end, or after today].
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
    /// Reason, for the organization; the public page does not show it.
    #[arg(long)]
    reason: Option<String>,
}

/// `unicreda credentials correct`
#[derive(Debug, Args)]
pub struct Correct {
    /// Id of the credential.
    id: String,
    /// The right e-mail address of the recipient.
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// Reason, for the organization; the public page does not show it.
    #[arg(long)]
    reason: Option<String>,
}

/// Runs a command.
///
/// # Errors
/// When it failed.
pub async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Find(arguments) => find(session, arguments).await,
        Command::Revoke(arguments) => revoke(session, arguments).await,
        Command::Renew(arguments) => renew(session, arguments).await,
        Command::Block { id, reason } => block(session, &id, &reason).await,
        Command::Unblock { id } => unblock(session, &id).await,
        Command::Resend { id } => resend(session, &id).await,
        Command::Correct(arguments) => correct(session, arguments).await,
        Command::Verify { source } => verify(session, &source).await,
    }
}

async fn find(session: &Session, wanted: Find) -> Result<Exit, Failure> {
    let printer = session.printer;
    let query = [
        ("email", wanted.email),
        ("external_id", wanted.external_id),
        ("template_id", wanted.template),
        ("status", wanted.status),
        ("issued_after", wanted.issued_after),
    ];
    let columns = [
        (printer.pick("CREDENCIAL", "CREDENTIAL"), "/credential_id"),
        (printer.pick("ESTADO", "STATUS"), "/status"),
        (printer.pick("EMITIDA", "ISSUED"), "/issued_at"),
        (printer.pick("CORREO", "MAIL"), "/email_status"),
        (printer.pick("DIRECCIÓN", "ADDRESS"), "/email"),
        (printer.pick("NOMBRE", "NAME"), "/recipient_name"),
    ];
    session::print_list(session, "/credentials", &query, wanted.limit, &columns).await?;
    Ok(Exit::Done)
}

/// Revokes credentials. Safe to repeat: the second call answers like the first.
async fn revoke(session: &Session, arguments: Revoke) -> Result<Exit, Failure> {
    let (printer, reason) = (session.printer, arguments.reason);
    if let ([id], None) = (arguments.ids.as_slice(), &arguments.job) {
        let path = format!("/credentials/{}/revoke", input::path_segment(id));
        let request = ApiRequest::post(path).json(&json!({ "reason": reason })).repeatable();
        let credential = session.client.json(request).await?;
        printer.json(&credential)?;
        let part = |name: &str| cell(credential.get(name));
        printer.line(&printer.pick(
            format!("{} revocada ({})", part("credential_id"), part("email")),
            format!("{} revoked ({})", part("credential_id"), part("email")),
        ))?;
        return Ok(Exit::Done);
    }
    let body = match arguments.job {
        Some(job) => json!({ "reason": reason, "job_id": job }),
        None => json!({ "reason": reason, "ids": arguments.ids }),
    };
    let request = ApiRequest::post("/credentials/revoke").json(&body).idempotent();
    let accepted = session.client.json(request).await?;
    let job_id = accepted.get("job_id").and_then(Value::as_str).unwrap_or_default();
    let job = follow::until_ended(session, job_id, |_| Ok(())).await?;
    printer.json(&job)?;
    summary::print(printer, &job)
}

/// Renews a credential. Safe to repeat: the second call answers like the first.
async fn renew(session: &Session, arguments: Renew) -> Result<Exit, Failure> {
    let printer = session.printer;
    let path = format!("/credentials/{}/renew", input::path_segment(&arguments.id));
    let given = [("until", arguments.until), ("reason", arguments.reason)];
    let given =
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    let body = Value::Object(given.collect());
    let request = ApiRequest::post(path).json(&body).repeatable();
    let credential = session.client.json(request).await?;
    printer.json(&credential)?;
    let part = |name: &str| cell(credential.get(name));
    let (id, until) = (part("credential_id"), part("expires_on"));
    printer.line(&printer.pick(
        format!("{id} renovada: vale hasta el {until} ({})", part("email")),
        format!("{id} renewed: holds until {until} ({})", part("email")),
    ))?;
    print_undelivered(printer, &credential)?;
    Ok(Exit::Done)
}

/// Blocks a credential. Safe to repeat: the first block stays.
async fn block(session: &Session, id: &str, reason: &str) -> Result<Exit, Failure> {
    let printer = session.printer;
    let path = format!("/credentials/{}/block", input::path_segment(id));
    let request = ApiRequest::post(path).json(&json!({ "reason": reason })).repeatable();
    let credential = session.client.json(request).await?;
    printer.json(&credential)?;
    let part = |name: &str| cell(credential.get(name));
    let (id, at) = (part("credential_id"), part("blocked_at"));
    printer.line(&printer.pick(
        format!("{id} bloqueada desde {at} ({})", part("email")),
        format!("{id} blocked since {at} ({})", part("email")),
    ))?;
    Ok(Exit::Done)
}

/// Lifts the block of a credential. Safe to repeat: to lift none changes nothing.
async fn unblock(session: &Session, id: &str) -> Result<Exit, Failure> {
    let printer = session.printer;
    let path = format!("/credentials/{}/unblock", input::path_segment(id));
    let credential = session.client.json(ApiRequest::post(path).repeatable()).await?;
    printer.json(&credential)?;
    let part = |name: &str| cell(credential.get(name));
    printer.line(&printer.pick(
        format!("{}: sin bloqueo; se muestra otra vez ({})", part("credential_id"), part("email")),
        format!("{}: not blocked; it is shown again ({})", part("credential_id"), part("email")),
    ))?;
    Ok(Exit::Done)
}

async fn resend(session: &Session, id: &str) -> Result<Exit, Failure> {
    let printer = session.printer;
    let path = format!("/credentials/{}/resend", input::path_segment(id));
    // For 5 minutes the service refuses a second call, so that no mail is sent twice.
    let answer = session.client.json(ApiRequest::post(path)).await?;
    printer.json(&answer)?;
    printer.line(&printer.pick(
        format!("{id}: su correo se envía otra vez"),
        format!("{id}: its mail is being sent again"),
    ))?;
    Ok(Exit::Done)
}

/// Corrects the address of a credential. Safe to repeat: the second call changes nothing.
async fn correct(session: &Session, arguments: Correct) -> Result<Exit, Failure> {
    let (printer, Correct { id, email, reason }) = (session.printer, arguments);
    let mut change = json!({ "email": email });
    if let (Some(members), Some(reason)) = (change.as_object_mut(), reason) {
        members.insert("reason".to_owned(), reason.into());
    }
    let path = format!("/credentials/{}", input::path_segment(&id));
    let credential = session.client.json(ApiRequest::patch(path).json(&change)).await?;
    printer.json(&credential)?;
    let part = |name: &str| cell(credential.get(name));
    let (email, status) = (part("email"), part("email_status"));
    printer.line(&match status.as_str() {
        "pending" => printer.pick(
            format!("{id}: dirección corregida; su correo se envía a {email}"),
            format!("{id}: address corrected; its mail is sent to {email}"),
        ),
        status => {
            let mail = printer::mail(printer, status);
            printer.pick(
                format!("{id}: su dirección es {email}; su correo: {mail}"),
                format!("{id}: its address is {email}; its mail: {mail}"),
            )
        }
    })?;
    print_undelivered(printer, &credential)?;
    Ok(Exit::Done)
}

/// Prints why a credential's mail does not arrive, and what to do, if that is so.
fn print_undelivered(printer: Printer, credential: &Value) -> Result<(), Failure> {
    match credential.get("email_detail").filter(|detail| detail.is_string()) {
        Some(detail) => printer.line(&format!("  {}", cell(Some(detail)))),
        None => Ok(()),
    }
}

/// Verifies a credential. The file is sent byte for byte: reformatting it could hide the fault.
async fn verify(session: &Session, source: &str) -> Result<Exit, Failure> {
    let printer = session.printer;
    let request = ApiRequest::post("/verify").repeatable();
    let request = if source.starts_with("https://") || source.starts_with("http://") {
        request.json(&json!({ "url": source }))
    } else {
        let file = input::read_file(Path::new(source), printer)?;
        request.body(media_type(&file), Bytes::from(file))
    };
    let answer = session.client.json(request).await?;
    printer.json(&answer)?;
    let verified = answer.get("verified").is_some_and(|verified| verified == true);
    let status = cell(answer.get("status"));
    printer.line(&match verified {
        true => printer.pick(format!("Válida ({status})"), format!("Valid ({status})")),
        false => printer.pick(format!("No válida ({status})"), format!("Not valid ({status})")),
    })?;
    if answer.get("mode").is_some_and(|mode| mode == "test") {
        printer.line(&printer.pick(
            "  Es una prueba: no acredita nada".to_owned(),
            "  It is a test: it certifies nothing".to_owned(),
        ))?;
    }
    // What is said of one that was erased.
    if let Some(note) = answer.get("note").and_then(Value::as_str) {
        printer.line(&format!("  {note}"))?;
    }
    for check in answer.get("checks").and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| cell(check.get(name));
        let mark = match part("result").as_str() {
            "passed" => printer.pick("bien ", "pass "),
            "failed" => printer.pick("falla", "fail "),
            _ => "-    ",
        };
        printer.line(&format!("  {mark}  {}  {}", part("check"), part("text")))?;
    }
    if let Some(url) = answer.get("credential_url").and_then(Value::as_str) {
        printer.line(&format!("  {url}"))?;
    }
    Ok(if verified { Exit::Done } else { Exit::Failed })
}

/// The media type of a file: a certificate and a badge carry the signed document.
fn media_type(file: &[u8]) -> &'static str {
    match file {
        [b'%', b'P', b'D', b'F', ..] => "application/pdf",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        drawing if drawing.trim_ascii_start().starts_with(b"<") => "image/svg+xml",
        _ => "application/json",
    }
}
