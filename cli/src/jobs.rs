//! `unicreda jobs`: what was asked for, how it stands, and its results.

use std::{io, path::PathBuf};

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::{
    client::Ask,
    exit::{Exit, Failure},
    following::{self, Target},
    progress::Progress,
    screen::cell,
    session::{self, Session},
};

/// `unicreda jobs …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists jobs, newest first.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
    },
    /// Follows a job to its end. With --json, a line whenever it has moved on.
    Watch {
        /// The job.
        id: String,
    },
    /// Writes a job's results as CSV, to standard output unless --output names a file.
    Results(Results),
    /// Sends failed mail again, and issues rows that failed for the service's reasons.
    Retry {
        /// The job.
        id: String,
    },
    /// Issues no further row and sends no further mail of a job.
    Cancel {
        /// The job.
        id: String,
    },
}

/// `unicreda jobs results`
#[derive(Debug, Args)]
pub struct Results {
    /// The job.
    id: String,
    /// Where they go.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replaces the file if it is there.
    #[arg(long, requires = "output")]
    force: bool,
    /// Only rows of this status: issued, failed or pending; of a dry run new, duplicate,
    /// invalid or pending.
    #[arg(long)]
    status: Option<String>,
}

/// Runs a command.
///
/// # Errors
/// With what went wrong.
pub async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::List { limit } => list(session, limit).await,
        Command::Watch { id } => watch(session, &id).await,
        Command::Results(arguments) => results(session, arguments).await,
        Command::Retry { id } => retry(session, &id).await,
        Command::Cancel { id } => cancel(session, &id).await,
    }
}

async fn list(session: &Session, limit: usize) -> Result<Exit, Failure> {
    let screen = session.screen;
    let columns = [
        (screen.pick("TRABAJO", "JOB"), "/job_id"),
        (screen.pick("ESTADO", "STATUS"), "/status"),
        (screen.pick("CREADO", "CREATED"), "/created_at"),
        (screen.pick("FILAS", "ROWS"), "/progress/total"),
        (screen.pick("HECHAS", "DONE"), "/progress/current"),
        (screen.pick("ERRORES", "FAILED"), "/result/failed"),
        (screen.pick("ARCHIVO", "FILE"), "/file/name"),
    ];
    session::show_list(session, "/jobs", &[], limit, &columns).await?;
    Ok(Exit::Done)
}

async fn watch(session: &Session, id: &str) -> Result<Exit, Failure> {
    let screen = session.screen;
    let job = following::follow(session, id, |job| screen.document(job)).await?;
    following::tell(screen, &job)
}

async fn results(session: &Session, arguments: Results) -> Result<Exit, Failure> {
    let (id, screen) = (&arguments.id, session.screen);
    let status = arguments.status.as_deref();
    if screen.json && arguments.output.is_none() {
        let path = following::job_path(id, "/results");
        let query = [("status", status.map(str::to_owned))];
        let (rows, _) = session::list(&session.client, &path, &query, usize::MAX).await?;
        rows.iter().try_for_each(|row| screen.document(row))?;
        return Ok(Exit::Done);
    }
    let Some(path) = &arguments.output else {
        let mut out = io::stdout();
        write(session, id, status, &mut out).await?;
        return Ok(Exit::Done);
    };
    let target = Target::new(path, arguments.force, false, screen)?;
    let mut file = target.begin()?;
    write(session, id, status, &mut file).await?;
    target.finish(file, screen)?;
    screen.document(&serde_json::json!({ "job_id": id, "results": path }))?;
    let name = path.display();
    screen.result(&screen.pick(format!("Resultados: {name}"), format!("Results: {name}")))?;
    Ok(Exit::Done)
}

async fn write(
    session: &Session,
    id: &str,
    status: Option<&str>,
    into: &mut impl io::Write,
) -> Result<(), Failure> {
    if status.is_none() {
        return following::results(session, id, into).await;
    }
    let progress = Progress::new(session.screen);
    let client = session.client.patient(session.patience, &progress);
    following::rows(&client, id, status, into).await
}

/// Retries. Safe to repeat: while the job runs again, the second call says so.
async fn retry(session: &Session, id: &str) -> Result<Exit, Failure> {
    let screen = session.screen;
    let answer =
        session.client.json(Ask::post(following::job_path(id, "/retry")).repeatable()).await?;
    screen.document(&answer)?;
    let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
    let (rows, mails) = (number("retried_rows"), number("retried_emails"));
    if rows + mails == 0 {
        screen.result(screen.pick("No hay nada que repetir", "There is nothing to repeat"))?;
        return Ok(Exit::Done);
    }
    let rows = screen.count(rows, ("fila", "row"), ("filas", "rows"));
    let mails = screen.count(mails, ("correo", "mail"), ("correos", "mails"));
    screen.result(
        &screen.pick(format!("Se repiten: {rows}, {mails}"), format!("Repeated: {rows}, {mails}")),
    )?;
    screen.notice(&screen.pick(
        format!("Para seguirlo: unicreda jobs watch {id}"),
        format!("To follow it: unicreda jobs watch {id}"),
    ));
    Ok(Exit::Done)
}

/// Cancels. Safe to repeat: the second call answers alike.
async fn cancel(session: &Session, id: &str) -> Result<Exit, Failure> {
    let screen = session.screen;
    let job =
        session.client.json(Ask::post(following::job_path(id, "/cancel")).repeatable()).await?;
    screen.document(&job)?;
    let part = |pointer: &str| cell(job.pointer(pointer));
    let (current, total) = (part("/progress/current"), part("/progress/total"));
    screen.result(&screen.pick(
        format!("Cancelado con {current} de {total} filas hechas; el resto falla con «Cancelado» en unos minutos"),
        format!("Cancelled with {current} of {total} rows done; the others fail with \"Cancelado\" within minutes"),
    ))?;
    Ok(Exit::Done)
}
