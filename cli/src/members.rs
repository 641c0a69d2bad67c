//! `unicreda members import`: imports the organization's members. Their profiles fill in the fields
//! that a request leaves out.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use unicreda::{
    domain::{
        encoding::Encoding, field::FieldName, lang::Lang, member_row::ProfileField,
        spreadsheet::HiddenRows,
    },
    sheet::{offered, workbook::is_spreadsheet},
};

use crate::{
    client::ApiRequest,
    exit::{Exit, Failure},
    follow, issue,
    printer::{self, Printer, ROW, VALUE, cell, outcome},
    session::Session,
    summary,
    upload::{self, Source},
};

/// Bytes, and lines, up to which a file is one request; a larger one goes through the storage, as a
/// job.
const ONE_REQUEST: (u64, usize) = (4 * 1024 * 1024, 20_000);

/// `unicreda members …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import members from a file, read as files of recipients are: CSV or JSON with the e-mail address and any of
    /// name, role, license number, term and language. A column that is absent leaves its field, an
    /// empty cell clears it. Up to 200,000 rows.
    Import(Import),
}

/// The options of an import.
#[derive(Debug, Args)]
pub struct Import {
    /// The file; - reads standard input.
    file: PathBuf,
    /// Say what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// The encoding of the file, such as windows-1252.
    #[arg(long, value_name = "NAME", value_parser = issue::encoding)]
    encoding: Option<Encoding>,
    /// Read this sheet of a spreadsheet; else the first visible one with a header is read.
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Leave the hidden or filtered rows of a spreadsheet out, or read them.
    #[arg(long, value_name = "skip|read", value_parser = issue::hidden_rows)]
    hidden_rows: Option<HiddenRows>,
}

/// Runs a command. Safe to repeat: importing a member again changes nothing.
///
/// # Errors
/// When it failed.
pub async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    let Command::Import(import) = command;
    let printer = session.printer;
    let source = Source::open(&import.file, printer)?;
    let exit = match one_request(&source.path, source.size)? {
        Some(body) => at_once(session, &import, body).await?,
        None => as_job(session, &import, &source).await?,
    };
    if exit == Exit::RowsFailed {
        printer.notice(printer.pick(
            "Corrige esas filas y repite el comando: las demás no cambian",
            "Correct those rows and run the command again: the others do not change",
        ));
    }
    Ok(exit)
}

/// The bytes of a file that fits one request.
fn one_request(path: &Path, size: u64) -> Result<Option<Bytes>, Failure> {
    let (most, lines) = ONE_REQUEST;
    if size > most {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| Failure::file(path, &error))?;
    // A spreadsheet is read where files are.
    if is_spreadsheet(&bytes) {
        return Ok(None);
    }
    let ends = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    Ok((ends <= lines).then(|| bytes.into()))
}

async fn at_once(session: &Session, import: &Import, body: Bytes) -> Result<Exit, Failure> {
    let printer = session.printer;
    let mut query = Vec::new();
    query.extend(import.dry_run.then(|| "dry_run=true".to_owned()));
    query.extend(import.encoding.map(|encoding| format!("encoding={}", encoding.as_str())));
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let request = ApiRequest::post(format!("/members/import{query}"));
    let answer = session.client.json(request.body("text/csv", body).repeatable()).await?;
    printer.json(&answer)?;
    print(printer, &answer, "repeated", import.dry_run)?;
    for repeat in list(&answer, "repeats") {
        let (line, other) = (cell(repeat.get("line")), cell(repeat.get("repeated_by_line")));
        let email = cell(repeat.get("email"));
        printer.line(&printer.pick(
            format!("  línea {line}  {email}  vale la línea {other}"),
            format!("  line {line}  {email}  line {other} counts"),
        ))?;
    }
    summary::print_warnings(printer, &answer)?;
    print_errors(printer, &answer)
}

async fn as_job(session: &Session, import: &Import, source: &Source) -> Result<Exit, Failure> {
    let printer = session.printer;
    let mut body = json!({ "dry_run": import.dry_run });
    if let Some(body) = body.as_object_mut() {
        let encoding = import.encoding.map(|encoding| json!(encoding.as_str()));
        let sheet = import.sheet.as_ref().map(|sheet| json!(sheet));
        let hidden_rows = import.hidden_rows.map(|hidden_rows| json!(hidden_rows));
        let said = [("encoding", encoding), ("sheet", sheet), ("hidden_rows", hidden_rows)];
        body.extend(said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    let job_id = upload::of_members(session, source, body).await?;
    let job = follow::until_ended(session, &job_id, |_| Ok(())).await?;
    printer.json(&job)?;
    summary::print(printer, &job)
}

/// Prints how a job that imported members ended; the exit code that follows from it.
///
/// # Errors
/// When standard output is closed.
pub fn print_job(printer: Printer, job: &Value) -> Result<Exit, Failure> {
    let result = job.get("result").unwrap_or(&Value::Null);
    let dry_run = job.get("dry_run").is_some_and(|dry_run| dry_run == true);
    print(printer, result, "duplicates", dry_run)?;
    if let Some(file) = job.get("file") {
        summary::print_sheets(printer, file)?;
    }
    summary::print_warnings(printer, job)?;
    print_errors(printer, result)
}

/// Prints how many rows were imported, and what they clear.
fn print(printer: Printer, answer: &Value, repeated: &str, dry_run: bool) -> Result<(), Failure> {
    let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
    let rows = printer.count(number("total"), &ROW);
    let imported = match (dry_run, number("imported")) {
        (false, n) => printer.count(n, &outcome::IMPORTED),
        (true, n) => {
            let verb = if n == 1 { "importaría" } else { "importarían" };
            let n = printer.number(n);
            printer.pick(format!("se {verb} {n}"), format!("{n} would be imported"))
        }
    };
    let failed = printer.number(number("failed"));
    let repeated = match number(repeated) {
        0 => String::new(),
        n => format!(", {}", printer.count(n, &outcome::REPEATED)),
    };
    printer.line(&printer.pick(
        format!("{rows}: {imported}{repeated}, {failed} con error"),
        format!("{rows}: {imported}{repeated}, {failed} failed"),
    ))?;
    let cleared = answer.get("cleared").and_then(Value::as_object);
    for (field, n) in cleared.into_iter().flatten() {
        let field = name_of(field, printer.lang);
        let values = printer.count(n.as_u64().unwrap_or_default(), &VALUE);
        printer.line(&match dry_run {
            true => printer.pick(
                format!("  {field}: las celdas vacías borrarían {values}"),
                format!("  {field}: empty cells would clear {values}"),
            ),
            false => printer.pick(
                format!("  {field}: las celdas vacías borraron {values}"),
                format!("  {field}: empty cells cleared {values}"),
            ),
        })?;
    }
    if dry_run {
        printer
            .line(printer.pick("Simulación: no se cambió nada", "Dry run: nothing was changed"))?;
    }
    Ok(())
}

/// The name for people of a field of members, that of its column.
fn name_of(field: &str, lang: Lang) -> &str {
    let is_it = |known: &FieldName| ProfileField::of(*known).is_some_and(|it| it.as_str() == field);
    let known = FieldName::ALL.into_iter().find(is_it);
    offered::name(known.map_or(field, |known| known.as_str()), lang)
}

/// Prints the rows that failed, each with its line.
fn print_errors(printer: Printer, answer: &Value) -> Result<Exit, Failure> {
    for error in list(answer, "errors") {
        let part = |name: &str| cell(error.get(name));
        let place = printer::place(printer, error);
        printer.line(&format!("  {place}  {}  {}", part("email"), part("error")))?;
    }
    let failed = answer.get("failed").and_then(Value::as_u64).unwrap_or_default();
    Ok(if failed > 0 { Exit::RowsFailed } else { Exit::Done })
}

fn list<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(name).and_then(Value::as_array).into_iter().flatten()
}
