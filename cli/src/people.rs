//! `unicreda people`: erases what the organization holds about a person, or one credential; gives a person
//! what it holds about them.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    client::ApiRequest,
    exit::{Exit, Failure},
    follow, input,
    output_file::{Existing, OutputFile},
    printer::cell,
    session::{self, Session},
};

/// `unicreda people …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Erase a person at their request: profile, credentials, rows and files of jobs. The signed files
    /// that they have stay valid. Without --yes, only show what is held.
    Erase(Erase),
    /// Write everything that is held about a person to a ZIP archive, to be given to them.
    Export {
        /// E-mail address of the person.
        #[arg(value_name = "ADDRESS")]
        email: String,
        /// The archive.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Replace the file if it exists.
        #[arg(long)]
        force: bool,
    },
}

/// `unicreda people erase`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whom").required(true).args(["email", "credential"])))]
pub struct Erase {
    /// E-mail address of the person.
    #[arg(value_name = "ADDRESS")]
    email: Option<String>,
    /// Erase this credential alone.
    #[arg(long, value_name = "ID")]
    credential: Option<String>,
    /// Reason, for the organization; it stays on the job, so it names nobody.
    #[arg(long)]
    reason: Option<String>,
    /// Revoke the credentials as well: the files that the person has do not verify any more.
    #[arg(long)]
    revoke: bool,
    /// Erase. It cannot be undone.
    #[arg(long, requires = "reason")]
    yes: bool,
}

/// Runs a command.
///
/// # Errors
/// When it failed.
pub async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Erase(arguments) => erase(session, arguments).await,
        Command::Export { email, output, force } => export(session, &email, &output, force).await,
    }
}

async fn erase(session: &Session, arguments: Erase) -> Result<Exit, Failure> {
    let printer = session.printer;
    if !arguments.yes {
        return show(session, &arguments).await;
    }
    let reason = arguments.reason.unwrap_or_default();
    let mut body = json!({ "reason": reason, "keep_valid": !arguments.revoke });
    let path = match (arguments.credential, arguments.email) {
        (Some(id), _) => format!("/credentials/{}/erase", input::path_segment(&id)),
        (None, email) => {
            if let Some(members) = body.as_object_mut() {
                members.insert("email".to_owned(), email.into());
            }
            "/people/erase".to_owned()
        }
    };
    let request = ApiRequest::post(path).json(&body).idempotent();
    let accepted = session.client.json(request).await?;
    let job_id = accepted.get("job_id").and_then(Value::as_str).unwrap_or_default();
    let job = follow::until_ended(session, job_id, |_| Ok(())).await?;
    printer.json(&job)?;
    let part = |name: &str| cell(job.pointer(&format!("/result/{name}")));
    let (credentials, members, rows) = (part("credentials"), part("members"), part("rows"));
    printer.line(&printer.pick(
        format!(
            "Eliminado: {credentials} credenciales, {members} miembros, {rows} filas de trabajos"
        ),
        format!("Erased: {credentials} credentials, {members} members, {rows} rows of jobs"),
    ))?;
    Ok(Exit::Done)
}

/// Writes the archive of a person. Safe to repeat: it only reads.
async fn export(
    session: &Session,
    email: &str,
    output: &Path,
    force: bool,
) -> Result<Exit, Failure> {
    let printer = session.printer;
    let target = OutputFile::new(output, Existing::with_force(force), printer)?;
    let path = format!("/people/{}/export", input::path_segment(email));
    let accepted = session.client.json(ApiRequest::get(path)).await?;
    let job_id = accepted.get("job_id").and_then(Value::as_str).unwrap_or_default();
    let job = follow::until_ended(session, job_id, |_| Ok(())).await?;
    let link = ApiRequest::get(follow::job_path(job_id, "/results/file"));
    let link = session.client.json(link).await?;
    let url = link.get("url").and_then(Value::as_str).unwrap_or_default();
    let mut file = target.begin()?;
    session.client.download(url, &mut file).await?;
    target.finish(file, printer)?;
    printer.json(&json!({ "job_id": job_id, "archive": output, "result": job.get("result") }))?;
    let part = |name: &str| cell(job.pointer(&format!("/result/{name}")));
    let (name, credentials, rows) = (output.display(), part("credentials"), part("rows"));
    printer.line(&printer.pick(
        format!("{name}: {credentials} credenciales, {rows} filas de trabajos"),
        format!("{name}: {credentials} credentials, {rows} rows of jobs"),
    ))?;
    Ok(Exit::Done)
}

/// Shows the credentials that would be erased.
async fn show(session: &Session, arguments: &Erase) -> Result<Exit, Failure> {
    let printer = session.printer;
    let held = match (&arguments.credential, &arguments.email) {
        (Some(id), _) => {
            let path = format!("/credentials/{}", input::path_segment(id));
            vec![session.client.json(ApiRequest::get(path)).await?]
        }
        (None, email) => {
            let query = [("email", email.clone())];
            session::fetch_list(&session.client, "/credentials", &query, usize::MAX).await?.0
        }
    };
    let columns = [
        (printer.pick("CREDENCIAL", "CREDENTIAL"), "/credential_id"),
        (printer.pick("ESTADO", "STATUS"), "/status"),
        (printer.pick("EMITIDA", "ISSUED"), "/issued_at"),
    ];
    printer.table(&columns, &held)?;
    if arguments.credential.is_some() {
        printer.notice(printer.pick(
            "No se eliminó nada. Para eliminarla, y además las filas de los trabajos que llevan a ella, repite el comando con --reason y --yes",
            "Nothing was erased. To erase it, and the rows of jobs that lead to it besides, run the command again with --reason and --yes",
        ));
        return Ok(Exit::Done);
    }
    printer.notice(printer.pick(
        "No se eliminó nada. Para eliminar esto, y además el perfil y las filas de los trabajos, repite el comando con --reason y --yes",
        "Nothing was erased. To erase this, and the profile and the rows of jobs besides, run the command again with --reason and --yes",
    ));
    Ok(Exit::Done)
}
