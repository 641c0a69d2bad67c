//! Follows a job to its end, says how it ended, and fetches its results.
//!
//! Safe to repeat: it only reads.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::time::sleep;

use crate::{
    client::{Ask, Client},
    exit::{Exit, Failure},
    input,
    progress::Progress,
    screen::{self, Screen},
    session::Session,
};

/// Longest pause between two looks at a job.
const SLOWEST: Duration = Duration::from_secs(2);
/// Errors of rows that are shown.
const SHOWN: usize = 10;

/// Follows a job until it has ended; `each` sees every answer that differs from the one
/// before it.
///
/// # Errors
/// When the service stays out of reach or does not know the job.
pub async fn follow(
    session: &Session,
    job_id: &str,
    mut each: impl FnMut(&Value) -> Result<(), Failure>,
) -> Result<Value, Failure> {
    let screen = session.screen;
    session.goes_on(screen.pick(
        format!("el trabajo sigue en el servicio: repite el mismo comando, o `unicreda jobs watch {job_id}`"),
        format!("the job goes on in the service: give the same command again, or `unicreda jobs watch {job_id}`"),
    ));
    let mut progress = Progress::new(screen);
    let client = session.client.patient(session.patience, &progress);
    let mut pause = Duration::from_millis(200);
    let mut before = Value::Null;
    loop {
        let job = client.json(Ask::get(job_path(job_id, ""))).await?;
        if job != before {
            each(&job)?;
        }
        if has_ended(&job) {
            session.done();
            return Ok(job);
        }
        progress.job(&job);
        before = job;
        sleep(pause).await;
        pause = (pause * 3 / 2).min(SLOWEST);
    }
}

/// Path of a job, or of what is below it.
pub fn job_path(job_id: &str, below: &str) -> String {
    format!("/jobs/{}{below}", input::segment(job_id))
}

/// Whether a job has ended.
pub fn has_ended(job: &Value) -> bool {
    job.get("status").is_some_and(|status| status == "SUCCESS" || status == "FAILURE")
}

/// Says how a job ended, and what that means for the exit code.
///
/// # Errors
/// When standard output is closed.
pub fn tell(screen: Screen, job: &Value) -> Result<Exit, Failure> {
    let text = |pointer: &str| job.pointer(pointer).and_then(Value::as_str);
    if text("/status") == Some("FAILURE") {
        return tell_failure(screen, job);
    }
    let number = |name: &str| {
        job.pointer("/result").and_then(|result| result.get(name)?.as_u64()).unwrap_or(0)
    };
    let (total, successful, failed) = (number("total"), number("successful"), number("failed"));
    let duplicates = number("duplicates");
    let n = |number: u64| screen.number(number);
    let rows = screen.count(total, ("fila", "row"), ("filas", "rows"));
    let revoke = text("/kind") == Some("revoke");
    let dry_run = job.get("dry_run").is_some_and(|dry| dry == true);
    let done = successful.saturating_sub(duplicates);
    screen.result(&match (revoke, dry_run) {
        (true, _) => screen.pick(
            format!(
                "{rows}: {} revocadas, {} ya lo estaban, {} con error",
                n(done),
                n(duplicates),
                n(failed)
            ),
            format!(
                "{rows}: {} revoked, {} were before, {} failed",
                n(done),
                n(duplicates),
                n(failed)
            ),
        ),
        (_, true) => screen.pick(
            format!(
                "{rows}: {} nuevas, {} ya existen, {} inválidas; no se emitió nada",
                n(done),
                n(duplicates),
                n(failed)
            ),
            format!(
                "{rows}: {} new, {} exist already, {} invalid; nothing was issued",
                n(done),
                n(duplicates),
                n(failed)
            ),
        ),
        _ => screen.pick(
            format!(
                "{rows}: {} emitidas, {} ya existían, {} con error",
                n(done),
                n(duplicates),
                n(failed)
            ),
            format!(
                "{rows}: {} issued, {} existed already, {} failed",
                n(done),
                n(duplicates),
                n(failed)
            ),
        ),
    })?;
    let unsent = number("emails_failed");
    if !revoke && !dry_run {
        let (sent, skipped) = (n(number("emails_sent")), n(number("emails_skipped")));
        screen.result(&screen.pick(
            format!("Correos: {sent} enviados, {} fallidos, {skipped} omitidos", n(unsent)),
            format!("Mail: {sent} sent, {} failed, {skipped} skipped", n(unsent)),
        ))?;
    }
    let errors = job.pointer("/result/errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten().take(SHOWN) {
        let part = |name: &str| screen::cell(error.get(name));
        let row = screen.pick("fila", "row");
        screen.result(&format!("  {row} {}  {}  {}", part("row"), part("email"), part("error")))?;
    }
    let shown = u64::try_from(SHOWN).unwrap_or(0);
    if failed > shown {
        let more = n(failed - shown);
        screen.result(&screen.pick(
            format!("  … y {more} más, en los resultados"),
            format!("  … and {more} more, in the results"),
        ))?;
    }
    let job_id = text("/job_id").unwrap_or_default();
    if unsent > 0 {
        screen.notice(&screen.pick(
            format!("Los correos fallidos se envían otra vez con `unicreda jobs retry {job_id}`"),
            format!("Failed mail is sent again by `unicreda jobs retry {job_id}`"),
        ));
    }
    Ok(if failed > 0 || unsent > 0 { Exit::Rows } else { Exit::Done })
}

fn tell_failure(screen: Screen, job: &Value) -> Result<Exit, Failure> {
    // It begins with line and column.
    let text = screen::cell(job.get("error"));
    screen.result(&screen.pick(
        format!("El archivo no se aceptó: {text}"),
        format!("The file was not taken: {text}"),
    ))?;
    // These two can come when rows have been issued.
    let under_way =
        matches!(job.get("code").and_then(Value::as_str), Some("file_gone" | "gave_up"));
    screen.notice(if under_way {
        screen.pick(
            "Repite el comando: lo ya emitido no se emite otra vez",
            "Give the command again: what was issued is not issued twice",
        )
    } else {
        screen.pick(
            "No se emitió nada. Corrige el archivo y repite el comando; `unicreda templates csv` da un ejemplo",
            "Nothing was issued. Mend the file and give the command again; `unicreda templates csv` gives an example",
        )
    });
    Ok(Exit::Failed)
}

/// A file that results go to: whole or not at all, and over nothing unless asked to.
pub struct Target {
    /// Where.
    pub path: PathBuf,
    force: bool,
}

impl Target {
    /// A file of this name.
    ///
    /// # Errors
    /// When it is there already.
    pub fn new(path: &Path, force: bool, own: bool, screen: Screen) -> Result<Self, Failure> {
        if !force && !own && path.symlink_metadata().is_ok() {
            return Err(exists(path, screen));
        }
        Ok(Self { path: path.to_owned(), force })
    }

    /// Whether it replaces what is there.
    pub fn replaces(&self) -> bool {
        self.force
    }

    /// A file beside the one that it will be.
    ///
    /// # Errors
    /// When its folder cannot be written.
    pub fn begin(&self) -> Result<tempfile::NamedTempFile, Failure> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        tempfile::NamedTempFile::new_in(folder).map_err(|error| Failure::file(&self.path, &error))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// When another took it meanwhile.
    pub fn finish(&self, file: tempfile::NamedTempFile, screen: Screen) -> Result<(), Failure> {
        let synced = file.as_file().sync_all();
        synced.map_err(|error| Failure::file(&self.path, &error))?;
        let named = match self.force {
            true => file.persist(&self.path),
            false => file.persist_noclobber(&self.path),
        };
        match named {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(exists(&self.path, screen))
            }
            Err(error) => Err(Failure::file(&self.path, &error.error)),
        }
    }
}

fn exists(path: &Path, screen: Screen) -> Failure {
    let path = path.display();
    Failure::failed(screen.pick(
        format!("{path} ya existe y no se reemplaza"),
        format!("{path} is there already and is not replaced"),
    ))
    .next(screen.pick(
        "indica otro archivo con --output, o --force para reemplazarlo",
        "name another file with --output, or --force to replace it",
    ))
}

/// Writes a job's results as CSV: its results file if it has one, else its rows.
///
/// # Errors
/// When they cannot be read or written.
pub async fn results(
    session: &Session,
    job_id: &str,
    into: &mut (impl Write + ?Sized),
) -> Result<(), Failure> {
    let progress = Progress::new(session.screen);
    let client = session.client.patient(session.patience, &progress);
    match address_of_results(session, &client, job_id).await? {
        Some(url) => client.fetch(&url, into).await,
        None => rows(&client, job_id, None, into).await,
    }
}

/// Where the results file can be read, waiting while it is being written.
async fn address_of_results(
    session: &Session,
    client: &Client,
    job_id: &str,
) -> Result<Option<String>, Failure> {
    let began = Instant::now();
    loop {
        let answer = client.json(Ask::get(job_path(job_id, "/results/file"))).await;
        match answer {
            Ok(answer) => {
                return Ok(answer.get("url").and_then(Value::as_str).map(str::to_owned));
            }
            Err(failure) if failure.code() == Some("not_found") => return Ok(None),
            Err(failure)
                if failure.code() == Some("conflict") && began.elapsed() < session.patience =>
            {
                sleep(Duration::from_secs(1)).await;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Writes a job's rows page by page, with one line of column names.
///
/// # Errors
/// As of [`results`].
pub async fn rows(
    client: &Client,
    job_id: &str,
    status: Option<&str>,
    into: &mut (impl Write + ?Sized),
) -> Result<(), Failure> {
    let mut cursor: Option<String> = None;
    let mut first = true;
    loop {
        let ask = Ask::get(job_path(job_id, "/results"))
            .query("limit", Some(1_000))
            .query("status", status)
            .query("cursor", cursor.take())
            .accept("text/csv");
        let page = client.send(ask).await?;
        let (heads, cells) = match page.body.iter().position(|byte| *byte == b'\n') {
            Some(end) => page.body.split_at(end + 1),
            None => (page.body.as_ref(), [].as_slice()),
        };
        let heads = if first { heads } else { &[] };
        let written = into.write_all(heads).and_then(|()| into.write_all(cells));
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::closed(),
            _ => Failure::failed(error.to_string()),
        })?;
        first = false;
        cursor = page.header("x-next-cursor").map(str::to_owned);
        if cursor.is_none() {
            return Ok(());
        }
    }
}
