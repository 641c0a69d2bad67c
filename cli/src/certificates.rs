//! `unicreda jobs certificates`: orders a job's certificates as ZIP archives, waits, and downloads them.
//!
//! Safe to repeat: an order that is being made is the same, and files appear complete or not at all.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    client::ApiRequest,
    exit::{Exit, Failure},
    follow::job_path,
    input,
    output_file::{Existing, OutputFile},
    printer::{CERTIFICATE, ROW},
    progress::Progress,
    session::Session,
};

/// Longest pause between two reads of the state.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// `unicreda jobs certificates`
#[derive(Debug, Args)]
pub struct Certificates {
    /// Id of the job.
    id: String,
    /// File for the archive. Of several, each has its number: certificates-1.zip.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
    /// Language of the certificates: es, en or pt. Without it, that of the template.
    #[arg(long, value_name = "LANG")]
    lang: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the archives cannot be made, fetched or written.
pub async fn run(session: &Session, arguments: Certificates) -> Result<Exit, Failure> {
    let (id, printer) = (&arguments.id, session.printer);
    let existing = Existing::with_force(arguments.force);
    // A file that may not be replaced is refused before anything is ordered.
    OutputFile::new(&arguments.output, existing, printer)?;
    let made = made(session, id, arguments.lang.as_deref()).await?;
    let files = made.get("files").and_then(Value::as_array).cloned().unwrap_or_default();
    let progress = Progress::new(printer);
    let client = session.client.patient(session.patience, &progress);
    let mut written = Vec::new();
    for (at, file) in files.iter().enumerate() {
        let path = match files.len() {
            1 => arguments.output.clone(),
            _ => numbered(&arguments.output, at + 1),
        };
        let target = OutputFile::new(&path, existing, printer)?;
        let mut into = target.begin()?;
        let url = file.get("url").and_then(Value::as_str).unwrap_or_default();
        client.download(url, &mut into).await?;
        target.finish(into, printer)?;
        written.push(path);
    }
    drop(progress);
    printer.json(&json!({
        "job_id": id, "lang": made.get("lang"), "certificates": made.get("certificates"),
        "left_out": made.get("left_out"), "files": written,
    }))?;
    let certificates = printer.count(input::number(&made, "certificates"), &CERTIFICATE);
    let names: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    printer.line(&format!("{certificates}: {}", names.join(", ")))?;
    let left_out = input::number(&made, "left_out");
    if left_out > 0 {
        let rows = printer.count(left_out, &ROW);
        printer.notice(&printer.pick(
            format!("Sin certificado: {rows}; lista.csv, dentro del archivo, dice por qué"),
            format!("Without a certificate: {rows}; list.csv, inside the archive, says why"),
        ));
    }
    Ok(Exit::Done)
}

/// Orders the archives, and follows them until they are there.
async fn made(session: &Session, id: &str, lang: Option<&str>) -> Result<Value, Failure> {
    let printer = session.printer;
    let mut progress = Progress::new(printer);
    let client = session.client.patient(session.patience, &progress);
    let path = job_path(id, "/certificates");
    let order = ApiRequest::post(path.clone()).query("lang", lang).repeatable();
    let mut shown = client.json(order).await?;
    let mut pause = Duration::from_millis(200);
    loop {
        match shown.get("status").and_then(Value::as_str) {
            Some("SUCCESS") => return Ok(shown),
            Some("FAILURE") => {
                let why = shown.pointer("/failure/error").and_then(Value::as_str);
                return Err(Failure::failed(why.unwrap_or_default()));
            }
            _ => progress.show_certificates(&shown),
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        shown = client.json(ApiRequest::get(path.clone()).query("lang", lang)).await?;
    }
}

/// The path of one of several archives: `a.zip` becomes `a-2.zip`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let end = path.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}-{number}{end}"))
}
