//! Downloads a job's results as CSV or as a spreadsheet. Safe to repeat: it only reads.

use std::{
    ffi::OsStr,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    client::{ApiRequest, Client},
    exit::Failure,
    follow::job_path,
    progress::Progress,
    session::Session,
};

/// Where results go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file that the command names.
    File,
    /// A terminal, which gets text only.
    Terminal,
}

/// The format of results and examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// A spreadsheet.
    Xlsx,
}

impl Format {
    /// The format that was asked for, else that of the file's name.
    pub fn of(asked: Option<Self>, file: Option<&Path>) -> Self {
        let ending = file.and_then(Path::extension).and_then(OsStr::to_str);
        let named = match ending {
            Some(ending) if ending.eq_ignore_ascii_case("xlsx") => Self::Xlsx,
            _ => Self::Csv,
        };
        asked.unwrap_or(named)
    }

    /// What a request says of it; nothing of CSV.
    pub fn parameter(self) -> Option<&'static str> {
        (self == Self::Xlsx).then_some("xlsx")
    }

    /// Refuses to write a spreadsheet to a terminal; `command` writes it to a file.
    pub fn refuse_terminal(self, session: &Session, command: &str) -> Result<(), Failure> {
        if self == Self::Csv {
            return Ok(());
        }
        let refused = Failure::failed(session.printer.pick(
            "Una planilla no se escribe en la terminal",
            "A spreadsheet is not written to the terminal",
        ));
        Err(refused.next(
            session
                .printer
                .pick(format!("nombra un archivo: {command}"), format!("name a file: {command}")),
        ))
    }
}

/// Writes a job's results: its results file if it has one, else its rows as CSV. Those of an export are an
/// archive.
///
/// # Errors
/// When they cannot be read or written, when an archive or a spreadsheet has no file to go to, and when the
/// job has no results as a spreadsheet.
pub async fn write_all(
    session: &Session,
    job_id: &str,
    (target, format): (Target, Format),
    into: &mut (impl Write + ?Sized),
) -> Result<(), Failure> {
    if target == Target::Terminal {
        let command = format!("unicreda jobs results {job_id} --output resultados.xlsx");
        format.refuse_terminal(session, &command)?;
    }
    let progress = Progress::new(session.printer);
    let client = session.client.patient(session.patience, &progress);
    match results_link(session, &client, job_id, format).await? {
        Some(link) if link.is_archive && target == Target::Terminal => {
            Err(Failure::failed(session.printer.pick(
                "El resultado de este trabajo es un archivo ZIP con los datos de una persona, y no se escribe en la terminal",
                "The result of this job is a ZIP archive with the data of a person, and is not written to the terminal",
            ))
            .next(session.printer.pick(
                format!("nombra un archivo: unicreda jobs results {job_id} --output datos-personales.zip"),
                format!("name a file: unicreda jobs results {job_id} --output datos-personales.zip"),
            )))
        }
        Some(link) => client.download(&link.url, into).await,
        None if format == Format::Xlsx => {
            Err(Failure::failed(session.printer.pick(
                "Este trabajo no tiene resultados como planilla: los tienen los archivos de hasta 200.000 filas",
                "This job has no results as a spreadsheet: files of up to 200,000 rows have them",
            ))
            .next(session.printer.pick(
                format!("pídelos como CSV: unicreda jobs results {job_id} --output resultados.csv"),
                format!("ask for CSV: unicreda jobs results {job_id} --output resultados.csv"),
            )))
        }
        None => write_pages(&client, job_id, None, into).await,
    }
}

/// Writes the rows of one status as CSV.
///
/// # Errors
/// As [`write_all`].
pub async fn write_status(
    session: &Session,
    job_id: &str,
    status: &str,
    into: &mut (impl Write + ?Sized),
) -> Result<(), Failure> {
    let progress = Progress::new(session.printer);
    let client = session.client.patient(session.patience, &progress);
    write_pages(&client, job_id, Some(status), into).await
}

/// A link to a results file.
struct Link {
    url: String,
    is_archive: bool,
}

/// The link to the results file; waits while the service is writing the file. `None` if the job has
/// no results file.
async fn results_link(
    session: &Session,
    client: &Client,
    job_id: &str,
    format: Format,
) -> Result<Option<Link>, Failure> {
    let began = Instant::now();
    loop {
        let request = ApiRequest::get(job_path(job_id, "/results/file"));
        let answer = client.json(request.query("format", format.parameter())).await;
        match answer {
            Ok(answer) => {
                let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
                let is_archive = text("file_name").is_some_and(|name| name.ends_with(".zip"));
                return Ok(text("url").map(|url| Link { url, is_archive }));
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

/// Writes a job's rows page by page, with a single header line.
async fn write_pages(
    client: &Client,
    job_id: &str,
    status: Option<&str>,
    into: &mut (impl Write + ?Sized),
) -> Result<(), Failure> {
    let mut cursor: Option<String> = None;
    let mut first = true;
    loop {
        let request = ApiRequest::get(job_path(job_id, "/results"))
            .query("limit", Some(1_000))
            .query("status", status)
            .query("cursor", cursor.take())
            .accept("text/csv");
        let page = client.send(request).await?;
        let (heads, cells) = match page.body.iter().position(|byte| *byte == b'\n') {
            Some(end) => page.body.split_at(end + 1),
            None => (page.body.as_ref(), [].as_slice()),
        };
        let heads = if first { heads } else { &[] };
        let written = into.write_all(heads).and_then(|()| into.write_all(cells));
        written.map_err(|error| Failure::output(&error))?;
        first = false;
        cursor = page.header("x-next-cursor").map(str::to_owned);
        if cursor.is_none() {
            return Ok(());
        }
    }
}
