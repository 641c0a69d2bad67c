//! Prints how a job ended, and derives the exit code from it.

use serde_json::Value;
use unicreda::domain::{encoding::Encoding, lang::Lang};

use crate::{
    exit::{Exit, Failure},
    members,
    printer::{self, LINE, Printer, ROW, outcome},
};

/// Failed rows that are printed.
const SHOWN: usize = 10;

/// The counts of an ended job.
struct Counts {
    total: u64,
    /// Rows that this job issued or revoked.
    done: u64,
    duplicates: u64,
    /// Rows that corrected their credential, in a job that corrects.
    corrected: Option<u64>,
    failed: u64,
    mails_sent: u64,
    mails_failed: u64,
    mails_skipped: u64,
}

impl Counts {
    fn of(job: &Value) -> Self {
        let number = |name: &str| {
            job.pointer("/result").and_then(|result| result.get(name)?.as_u64()).unwrap_or(0)
        };
        let duplicates = number("duplicates");
        let corrected = job.pointer("/result/corrected").and_then(Value::as_u64);
        let others = duplicates + corrected.unwrap_or(0);
        Self {
            total: number("total"),
            done: number("successful").saturating_sub(others),
            duplicates,
            corrected,
            failed: number("failed"),
            mails_sent: number("emails_sent"),
            mails_failed: number("emails_failed"),
            mails_skipped: number("emails_skipped"),
        }
    }
}

/// Prints how a job ended; the exit code that follows from it.
///
/// # Errors
/// When standard output is closed.
pub fn print(printer: Printer, job: &Value) -> Result<Exit, Failure> {
    let text = |name: &str| job.get(name).and_then(Value::as_str);
    if text("status") == Some("FAILURE") {
        return print_failure(printer, job);
    }
    if text("kind") == Some("members") {
        return members::print_job(printer, job);
    }
    let counts = Counts::of(job);
    let revokes = text("kind") == Some("revoke");
    let dry_run = job.get("dry_run").is_some_and(|dry| dry == true);
    printer.line(&match (revokes, dry_run) {
        (true, _) => revoked(printer, &counts),
        (_, true) => checked(printer, &counts),
        _ => issued(printer, &counts),
    })?;
    if !revokes && !dry_run {
        let sent = printer.count(counts.mails_sent, &outcome::SENT);
        let failed = printer.count(counts.mails_failed, &outcome::UNSENT);
        let skipped = printer.count(counts.mails_skipped, &outcome::SKIPPED);
        let mail = printer.pick("Correos", "Mail");
        printer.line(&format!("{mail}: {sent}, {failed}, {skipped}"))?;
    }
    print_reading(printer, job)?;
    print_warnings(printer, job)?;
    print_errors(printer, job, counts.failed, dry_run)?;
    if counts.mails_failed > 0 {
        let job_id = text("job_id").unwrap_or_default();
        printer.notice(&printer.pick(
            format!("Por qué fallaron correos, y qué hacer: `unicreda jobs results {job_id} --status undelivered`; para reenviarlos: `unicreda jobs retry {job_id}`"),
            format!("Why mails failed, and what to do: `unicreda jobs results {job_id} --status undelivered`; to send them again: `unicreda jobs retry {job_id}`"),
        ));
    }
    if counts.mails_failed == 0 && counts.mails_sent > 0 && !dry_run && !revokes {
        let job_id = text("job_id").unwrap_or_default();
        printer.notice(&printer.pick(
            format!("Los rebotes se conocen después: `unicreda jobs results {job_id} --status undelivered`"),
            format!("Bounces become known later: `unicreda jobs results {job_id} --status undelivered`"),
        ));
    }
    Ok(if counts.failed > 0 || counts.mails_failed > 0 { Exit::RowsFailed } else { Exit::Done })
}

fn revoked(printer: Printer, counts: &Counts) -> String {
    let rows = printer.count(counts.total, &ROW);
    let done = printer.count(counts.done, &outcome::REVOKED);
    let before = printer.count(counts.duplicates, &outcome::REVOKED_BEFORE);
    format!("{rows}: {done}, {before}, {}", failed(printer, counts))
}

fn checked(printer: Printer, counts: &Counts) -> String {
    let rows = printer.count(counts.total, &ROW);
    let new = printer.count(counts.done, &outcome::NEW);
    let existing = printer.count(counts.duplicates, &outcome::EXIST);
    let invalid = printer.count(counts.failed, &outcome::INVALID);
    let corrected = corrected(printer, counts);
    let nothing = printer.pick("no se emitió nada", "nothing was issued");
    format!("{rows}: {new}, {existing}{corrected}, {invalid}; {nothing}")
}

fn issued(printer: Printer, counts: &Counts) -> String {
    let rows = printer.count(counts.total, &ROW);
    let done = printer.count(counts.done, &outcome::ISSUED);
    let existed = printer.count(counts.duplicates, &outcome::EXISTED);
    let corrected = corrected(printer, counts);
    format!("{rows}: {done}, {existed}{corrected}, {}", failed(printer, counts))
}

fn failed(printer: Printer, counts: &Counts) -> String {
    let number = printer.number(counts.failed);
    printer.pick(format!("{number} con error"), format!("{number} failed"))
}

/// The number of corrections, in a job that corrects.
fn corrected(printer: Printer, counts: &Counts) -> String {
    let text = |number| format!(", {}", printer.count(number, &outcome::CORRECTED));
    counts.corrected.map(text).unwrap_or_default()
}

/// Prints how the file was read, where that was found out: its encoding, its header.
fn print_reading(printer: Printer, job: &Value) -> Result<(), Failure> {
    let Some(file) = job.get("file") else { return Ok(()) };
    if file.get("encoding_guessed").is_some_and(|guessed| guessed == true) {
        let name = printer::cell(file.get("encoding"));
        let label = Encoding::parse(&name)
            .map_or(name.as_str(), |encoding| encoding.label(printer.pick(Lang::Es, Lang::En)));
        printer.line(&printer.pick(
            format!("Codificación supuesta por las letras: {label}; otra se indica con --encoding"),
            format!("Encoding, by the letters: {label}; name another with --encoding"),
        ))?;
    }
    if let Some(line) = file.get("header_line").and_then(Value::as_u64).filter(|line| *line > 1) {
        printer.line(&printer.pick(
            format!("Los nombres de las columnas están en la línea {line}"),
            format!("The names of the columns are in line {line}"),
        ))?;
    }
    print_sheets(printer, file)
}

/// Prints which of several sheets was read, and which were not.
///
/// # Errors
/// When standard output is closed.
pub fn print_sheets(printer: Printer, file: &Value) -> Result<(), Failure> {
    let Some(read) = file.get("sheet").and_then(Value::as_str) else { return Ok(()) };
    let quoted = |name: &str| printer.pick(format!("«{name}»"), format!("\"{name}\""));
    let all = file.get("sheets").and_then(Value::as_array).into_iter().flatten();
    let others: Vec<String> = all
        .filter(|name| name.as_str() != Some(read))
        .map(|name| quoted(&printer::cell(Some(name))))
        .collect();
    if !others.is_empty() {
        let (read, others) = (quoted(read), others.join(", "));
        printer.line(&printer.pick(
            format!("Hoja leída: {read}; no se leyó: {others}. Otra se indica con --sheet"),
            format!("Sheet that was read: {read}; not read: {others}. Name another with --sheet"),
        ))?;
    }
    Ok(())
}

/// Prints what deserves a look, by kind; how the file was read is printed already.
///
/// # Errors
/// When standard output is closed.
pub fn print_warnings(printer: Printer, job: &Value) -> Result<(), Failure> {
    let warnings = job.get("warnings").and_then(Value::as_array).into_iter().flatten();
    for warning in warnings {
        let named = |by: &str| {
            let places = warning.get(by).and_then(Value::as_array);
            places.filter(|places| !places.is_empty())
        };
        // A file's rows are named by their lines.
        let of = |by, noun| named(by).map(|places| (places, noun));
        let Some((places, noun)) = of("lines", LINE).or_else(|| of("rows", ROW)) else {
            if warning.get("kind").is_some_and(|kind| kind != "guessed_encoding") {
                let text = printer::cell(warning.get("text"));
                printer
                    .line(&printer.pick(format!("Aviso: {text}"), format!("Warning: {text}")))?;
            }
            continue;
        };
        let shown: Vec<String> =
            places.iter().take(SHOWN).map(|place| printer::cell(Some(place))).collect();
        let (text, places) = (printer::cell(warning.get("text")), shown.join(", "));
        let count = warning.get("count").and_then(Value::as_u64).unwrap_or(0);
        let examples = warning.get("examples").and_then(Value::as_array).map_or(0, Vec::len);
        if u64::try_from(examples).is_ok_and(|named| named == count) {
            // The text names each of them.
            printer.line(&printer.pick(format!("Aviso: {text}"), format!("Warning: {text}")))?;
            continue;
        }
        let more = if count > u64::try_from(shown.len()).unwrap_or(0) { " …" } else { "" };
        let [one, many] = printer.pick(noun.es, noun.en);
        let word = if count == 1 { one } else { many };
        let count = printer.number(count);
        printer.line(&printer.pick(
            format!("Aviso ({count}): {text}; {word} {places}{more}"),
            format!("Warning ({count}): {text}; {word} {places}{more}"),
        ))?;
    }
    Ok(())
}

/// Prints the first failed rows, and how many more the results list; a dry run has them on demand.
fn print_errors(printer: Printer, job: &Value, failed: u64, dry_run: bool) -> Result<(), Failure> {
    let errors = job.pointer("/result/errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten().take(SHOWN) {
        let part = |name: &str| printer::cell(error.get(name));
        let place = printer::place(printer, error);
        printer.line(&format!("  {place}  {}  {}", part("email"), part("error")))?;
    }
    let shown = u64::try_from(SHOWN).unwrap_or(0);
    if failed > shown {
        let more = printer.number(failed - shown);
        let place = match dry_run {
            true => printer
                .pick("; --output ARCHIVO las escribe todas", "; --output FILE writes all of them"),
            false => printer.pick(", en los resultados", ", in the results"),
        };
        printer.line(
            &printer
                .pick(format!("  … y {more} más{place}"), format!("  … and {more} more{place}")),
        )?;
    }
    Ok(())
}

/// The option that decides what a file was refused for.
fn option_of(code: &str) -> Option<[&'static str; 2]> {
    Some(match code {
        "ambiguous_dates" => [
            "Si en las fechas va primero el día, dilo con --day-first",
            "If the day comes first in the dates, say so with --day-first",
        ],
        "hidden_rows" => [
            "Las filas ocultas se leen con --hidden-rows read, y se dejan fuera con --hidden-rows skip",
            "Hidden rows are read with --hidden-rows read, and left out with --hidden-rows skip",
        ],
        "sheet_not_found" => [
            "La hoja se indica con --sheet NOMBRE; sin esa opción se lee la primera que tiene correos",
            "Name the sheet with --sheet NAME; without that option the first one with addresses is read",
        ],
        _ => return None,
    })
}

fn print_failure(printer: Printer, job: &Value) -> Result<Exit, Failure> {
    // The error begins with line and column.
    let text = printer::cell(job.get("error"));
    printer.line(&printer.pick(
        format!("El archivo no se aceptó: {text}"),
        format!("The file was rejected: {text}"),
    ))?;
    // A job can fail with these two codes after rows were issued.
    let after_issuing =
        matches!(job.get("code").and_then(Value::as_str), Some("file_gone" | "gave_up"));
    // The names as each encoding would read them.
    for reading in job.get("readings").and_then(Value::as_array).into_iter().flatten() {
        let texts = reading.get("texts").and_then(Value::as_array).into_iter().flatten();
        let texts: Vec<String> = texts.map(|text| printer::cell(Some(text))).collect();
        let name = printer::cell(reading.get("encoding"));
        printer.line(&format!("  --encoding {name:<13} {}", texts.join(" · ")))?;
    }
    if let Some(option) = job.get("code").and_then(Value::as_str).and_then(option_of) {
        let [es, en] = option;
        printer.notice(printer.pick(es, en));
    }
    printer.notice(if after_issuing {
        printer.pick(
            "Repite el comando: lo ya emitido no se emite otra vez",
            "Run the command again: what was issued is not issued twice",
        )
    } else {
        printer.pick(
            "No se emitió nada. Corrige el archivo y repite el comando; `unicreda templates csv` da un ejemplo",
            "Nothing was issued. Correct the file and run the command again; `unicreda templates csv` writes an example",
        )
    });
    Ok(Exit::Failed)
}
