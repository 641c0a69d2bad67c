//! `unicreda jobs`: lists, follows, retries and cancels jobs, and downloads their results and certificates.

use std::{io::Write, path::PathBuf};

use clap::{Args, Subcommand};

use crate::{
    certificates::{self, Certificates},
    client::ApiRequest,
    exit::{Exit, Failure},
    follow, input,
    output_file::{Existing, OutputFile},
    printer::{FileOut, MAIL, ROW, cell},
    results::{self, Format, Target},
    session::{self, Session},
    summary,
};

/// `unicreda jobs …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List jobs, newest first.
    List {
        /// Maximum number of jobs.
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
    },
    /// Follow a job to its end. With --json, print a line whenever its status changes.
    Watch {
        /// Id of the job.
        id: String,
    },
    /// Write a job's results, as CSV or as a spreadsheet, to standard output unless --output names a file.
    Results(Results),
    /// Write a job's certificates as a ZIP archive, for a print shop.
    Certificates(Certificates),
    /// Send failed mails again, and issue the rows that failed because of the service.
    Retry {
        /// Id of the job.
        id: String,
    },
    /// Stop a job: it issues no further rows and sends no further mails.
    Cancel {
        /// Id of the job.
        id: String,
    },
}

/// `unicreda jobs results`
#[derive(Debug, Args)]
pub struct Results {
    /// Id of the job.
    id: String,
    /// File for the results.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long, requires = "output")]
    force: bool,
    /// Format; unless it is given, that of the file's name, else csv.
    #[arg(long)]
    format: Option<Format>,
    /// Only rows of this status: issued, failed, pending, or undelivered (their mail did not arrive);
    /// for a dry run: new, duplicate, invalid or pending.
    #[arg(long)]
    status: Option<String>,
}

/// Runs a command.
///
/// # Errors
/// When it failed.
pub async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::List { limit } => list(session, limit).await,
        Command::Watch { id } => watch(session, &id).await,
        Command::Results(arguments) => download(session, arguments).await,
        Command::Certificates(arguments) => certificates::run(session, arguments).await,
        Command::Retry { id } => retry(session, &id).await,
        Command::Cancel { id } => cancel(session, &id).await,
    }
}

async fn list(session: &Session, limit: usize) -> Result<Exit, Failure> {
    let printer = session.printer;
    let columns = [
        (printer.pick("TRABAJO", "JOB"), "/job_id"),
        (printer.pick("ESTADO", "STATUS"), "/status"),
        (printer.pick("CREADO", "CREATED"), "/created_at"),
        (printer.pick("FILAS", "ROWS"), "/progress/total"),
        (printer.pick("HECHAS", "DONE"), "/progress/current"),
        (printer.pick("ERRORES", "FAILED"), "/result/failed"),
        (printer.pick("ARCHIVO", "FILE"), "/file/name"),
    ];
    session::print_list(session, "/jobs", &[], limit, &columns).await?;
    Ok(Exit::Done)
}

async fn watch(session: &Session, id: &str) -> Result<Exit, Failure> {
    let printer = session.printer;
    let job = follow::until_ended(session, id, |job| printer.json(job)).await?;
    summary::print(printer, &job)
}

async fn download(session: &Session, arguments: Results) -> Result<Exit, Failure> {
    let (id, printer) = (&arguments.id, session.printer);
    let status = arguments.status.as_deref();
    let format = Format::of(arguments.format, arguments.output.as_deref());
    if status.is_some() && format == Format::Xlsx {
        return Err(Failure::usage(printer.pick(
            "Las filas de un estado (--status) se escriben como CSV, no como planilla",
            "The rows of one status (--status) are written as CSV, not as a spreadsheet",
        )));
    }
    if printer.json && arguments.output.is_none() {
        let path = follow::job_path(id, "/results");
        let query = [("status", status.map(str::to_owned))];
        let (rows, _) = session::fetch_list(&session.client, &path, &query, usize::MAX).await?;
        rows.iter().try_for_each(|row| printer.json(row))?;
        return Ok(Exit::Done);
    }
    let Some(path) = &arguments.output else {
        let mut out = FileOut::new();
        let target = match out.is_on_terminal() {
            true => Target::Terminal,
            false => Target::File,
        };
        write(session, id, status, (target, format), &mut out).await?;
        out.flush().map_err(|error| Failure::output(&error))?;
        return Ok(Exit::Done);
    };
    let existing = Existing::with_force(arguments.force);
    let target = OutputFile::new(path, existing, printer)?;
    let mut file = target.begin()?;
    write(session, id, status, (Target::File, format), &mut file).await?;
    target.finish(file, printer)?;
    printer.json(&serde_json::json!({ "job_id": id, "results": path }))?;
    let name = path.display();
    printer.line(&printer.pick(format!("Resultados: {name}"), format!("Results: {name}")))?;
    Ok(Exit::Done)
}

async fn write(
    session: &Session,
    id: &str,
    status: Option<&str>,
    to: (Target, Format),
    into: &mut impl Write,
) -> Result<(), Failure> {
    match status {
        None => results::write_all(session, id, to, into).await,
        Some(status) => results::write_status(session, id, status, into).await,
    }
}

/// Retries a job. Safe to repeat: while the job runs again, the service refuses the second call.
async fn retry(session: &Session, id: &str) -> Result<Exit, Failure> {
    let printer = session.printer;
    let answer =
        session.client.json(ApiRequest::post(follow::job_path(id, "/retry")).repeatable()).await?;
    printer.json(&answer)?;
    let rows = input::number(&answer, "retried_rows");
    let mails = input::number(&answer, "retried_emails");
    if rows + mails == 0 {
        printer.line(printer.pick("No hay nada que reintentar", "There is nothing to retry"))?;
        return Ok(Exit::Done);
    }
    let rows = printer.count(rows, &ROW);
    let mails = printer.count(mails, &MAIL);
    printer.line(
        &printer.pick(format!("Se repiten: {rows}, {mails}"), format!("Retrying: {rows}, {mails}")),
    )?;
    printer.notice(&printer.pick(
        format!("Para seguir el trabajo: unicreda jobs watch {id}"),
        format!("To follow the job: unicreda jobs watch {id}"),
    ));
    Ok(Exit::Done)
}

/// Cancels a job. Safe to repeat: the second call answers like the first.
async fn cancel(session: &Session, id: &str) -> Result<Exit, Failure> {
    let printer = session.printer;
    let job =
        session.client.json(ApiRequest::post(follow::job_path(id, "/cancel")).repeatable()).await?;
    printer.json(&job)?;
    let part = |pointer: &str| cell(job.pointer(pointer));
    let (current, total) = (part("/progress/current"), part("/progress/total"));
    printer.line(&printer.pick(
        format!("Cancelado con {current} de {total} filas hechas; en unos minutos, las demás quedan con el error «Cancelado»"),
        format!("Cancelled with {current} of {total} rows done; within minutes the others fail with the error \"Cancelado\""),
    ))?;
    Ok(Exit::Done)
}
