//! `unicreda credentials`: what was issued, and what becomes of it.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    client::Ask,
    exit::{Exit, Failure},
    following, input,
    screen::cell,
    session::{self, Session},
};

/// `unicreda credentials …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Finds credentials, newest first.
    Find(Find),
    /// Revokes credentials, for good.
    Revoke(Revoke),
    /// Sends a credential's mail again.
    Resend {
        /// The credential.
        id: String,
    },
    /// Checks a signed document, or the credential at an address of the service. Ends with 1
    /// when it does not hold.
    Verify {
        /// A JSON file, - for standard input, or an address.
        #[arg(value_name = "FILE|URL")]
        what: String,
    },
}

/// `unicreda credentials find`
#[derive(Debug, Args)]
pub struct Find {
    /// Of this address.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// With your own id.
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// Of this template.
    #[arg(long, value_name = "ID")]
    template: Option<String>,
    /// issued, suspended or revoked.
    #[arg(long)]
    status: Option<String>,
    /// Issued after this instant, RFC 3339.
    #[arg(long, value_name = "INSTANT")]
    issued_after: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
}

/// `unicreda credentials revoke`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["ids", "job"])))]
pub struct Revoke {
    /// The credentials, up to 1,000.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// All that this job issued.
    #[arg(long, value_name = "ID")]
    job: Option<String>,
    /// Why; for the organization, the public page does not show it.
    #[arg(long)]
    reason: String,
}

/// Runs a command.
///
/// # Errors
/// With what went wrong.
pub async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Find(arguments) => find(session, arguments).await,
        Command::Revoke(arguments) => revoke(session, arguments).await,
        Command::Resend { id } => resend(session, &id).await,
        Command::Verify { what } => verify(session, &what).await,
    }
}

async fn find(session: &Session, wanted: Find) -> Result<Exit, Failure> {
    let screen = session.screen;
    let query = [
        ("email", wanted.email),
        ("external_id", wanted.external_id),
        ("template_id", wanted.template),
        ("status", wanted.status),
        ("issued_after", wanted.issued_after),
    ];
    let columns = [
        (screen.pick("CREDENCIAL", "CREDENTIAL"), "/credential_id"),
        (screen.pick("ESTADO", "STATUS"), "/status"),
        (screen.pick("EMITIDA", "ISSUED"), "/issued_at"),
        (screen.pick("CORREO", "MAIL"), "/email_status"),
        (screen.pick("DIRECCIÓN", "ADDRESS"), "/email"),
        (screen.pick("NOMBRE", "NAME"), "/recipient_name"),
    ];
    session::show_list(session, "/credentials", &query, wanted.limit, &columns).await?;
    Ok(Exit::Done)
}

/// Revokes. Safe to repeat: the second call answers like the first.
async fn revoke(session: &Session, arguments: Revoke) -> Result<Exit, Failure> {
    let (screen, reason) = (session.screen, arguments.reason);
    if let ([id], None) = (arguments.ids.as_slice(), &arguments.job) {
        let path = format!("/credentials/{}/revoke", input::segment(id));
        let ask = Ask::post(path).json(&json!({ "reason": reason })).repeatable();
        let credential = session.client.json(ask).await?;
        screen.document(&credential)?;
        let part = |name: &str| cell(credential.get(name));
        screen.result(&screen.pick(
            format!("{} revocada ({})", part("credential_id"), part("email")),
            format!("{} revoked ({})", part("credential_id"), part("email")),
        ))?;
        return Ok(Exit::Done);
    }
    let body = match arguments.job {
        Some(job) => json!({ "reason": reason, "job_id": job }),
        None => json!({ "reason": reason, "ids": arguments.ids }),
    };
    let begun = session.client.json(Ask::post("/credentials/revoke").json(&body).once()).await?;
    let job_id = begun.get("job_id").and_then(Value::as_str).unwrap_or_default();
    let job = following::follow(session, job_id, |_| Ok(())).await?;
    screen.document(&job)?;
    following::tell(screen, &job)
}

async fn resend(session: &Session, id: &str) -> Result<Exit, Failure> {
    let screen = session.screen;
    let path = format!("/credentials/{}/resend", input::segment(id));
    // The second call is refused for 5 minutes, so that no mail goes twice.
    let answer = session.client.json(Ask::post(path)).await?;
    screen.document(&answer)?;
    let status = cell(answer.get("email_status"));
    screen.result(&screen.pick(
        format!("{id}: el correo se envía otra vez ({status})"),
        format!("{id}: its mail is sent again ({status})"),
    ))?;
    Ok(Exit::Done)
}

/// Verifies. The document goes as it is: a change of a byte could be the fault looked for.
async fn verify(session: &Session, what: &str) -> Result<Exit, Failure> {
    let screen = session.screen;
    let ask = Ask::post("/verify").repeatable();
    let ask = if what.starts_with("https://") || what.starts_with("http://") {
        ask.json(&json!({ "url": what }))
    } else {
        ask.body("application/json", Bytes::from(document(Path::new(what), session)?))
    };
    let answer = session.client.json(ask).await?;
    screen.document(&answer)?;
    let verified = answer.get("verified").is_some_and(|verified| verified == true);
    let status = cell(answer.get("status"));
    screen.result(&match verified {
        true => screen.pick(format!("Válida ({status})"), format!("Valid ({status})")),
        false => screen.pick(format!("No válida ({status})"), format!("Not valid ({status})")),
    })?;
    for check in answer.get("checks").and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| cell(check.get(name));
        let mark = match part("result").as_str() {
            "passed" => screen.pick("bien ", "ok   "),
            "failed" => screen.pick("falla", "fails"),
            _ => "-    ",
        };
        screen.result(&format!("  {mark}  {}  {}", part("check"), part("text")))?;
    }
    if let Some(url) = answer.get("credential_url").and_then(Value::as_str) {
        screen.result(&format!("  {url}"))?;
    }
    Ok(if verified { Exit::Done } else { Exit::Failed })
}

fn document(path: &Path, session: &Session) -> Result<Vec<u8>, Failure> {
    let screen = session.screen;
    let drawn = [b"%PDF".as_slice(), b"\x89PNG"];
    let bytes = input::file(path, screen)?;
    if drawn.iter().any(|head| bytes.starts_with(head)) {
        let path: PathBuf = path.to_owned();
        let path = path.display();
        return Err(Failure::usage(screen.pick(
            format!("{path} es un dibujo: se verifica el documento firmado"),
            format!("{path} is a drawing: what is verified is the signed document"),
        ))
        .next(screen.pick(
            "indica la dirección de la credencial, o el documento que descarga su página (.json)",
            "name the credential's address, or the document that its page offers (.json)",
        )));
    }
    Ok(bytes)
}
