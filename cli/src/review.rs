//! The review of a file: what `issue FILE --dry-run` says of its rows before anything is issued.
//! Safe to repeat: it only reads.

use serde_json::{Map, Value, json};
use unicreda::sheet::offered;

use crate::{
    client::ApiRequest,
    exit::Failure,
    follow,
    input::path_segment,
    printer::{Printer, cell},
    session::{self, Session},
};

/// Rows that are printed.
const SHOWN: usize = 10;

/// Prints under what the file would be issued: the template by its name, the mode.
///
/// # Errors
/// When the template cannot be read or standard output is closed.
pub async fn print_terms(session: &Session, template: &str) -> Result<(), Failure> {
    let printer = session.printer;
    if printer.json {
        return Ok(());
    }
    let request = ApiRequest::get(format!("/templates/{}", path_segment(template)));
    let found = session.client.json(request).await?;
    let name = cell(found.get("name"));
    let mode = match session.is_test() {
        true => printer.pick("modo de prueba", "test mode"),
        false => printer.pick("modo real", "live mode"),
    };
    printer.line(
        &printer.pick(
            format!("Plantilla: «{name}» ({mode})"),
            format!("Template: \"{name}\" ({mode})"),
        ),
    )
}

/// Prints the first rows as they would be signed.
///
/// # Errors
/// When the rows cannot be read or standard output is closed.
pub async fn print_rows(session: &Session, job_id: &str) -> Result<(), Failure> {
    let printer = session.printer;
    if printer.json {
        return Ok(());
    }
    let path = follow::job_path(job_id, "/results");
    // A refused row is not signed; its faults are printed.
    let signed = [("status", Some("issued".to_owned()))];
    let (rows, _) = session::fetch_list(&session.client, &path, &signed, SHOWN).await?;
    let said = |field: &str| rows.iter().any(|row| row.pointer(&at(field)).is_some());
    let fields: Vec<_> = offered::names().into_iter().filter(|name| said(name.field)).collect();
    if fields.is_empty() {
        return Ok(());
    }
    printer.line(
        printer.pick(
            "Así se firmarían las primeras filas:",
            "The first rows as they would be signed:",
        ),
    )?;
    let pointers: Vec<String> = fields.iter().map(|name| format!("/{}", name.field)).collect();
    let mut heads = vec![
        (printer.pick("línea", "line"), "/line"),
        (printer.pick("resultado", "outcome"), "/status"),
    ];
    let names = fields.iter().map(|name| printer.pick(name.es, name.en));
    heads.extend(names.zip(pointers.iter().map(String::as_str)));
    let rows: Vec<Value> = rows.iter().take(SHOWN).map(|row| row_of(printer, row)).collect();
    printer.table(&heads, &rows)
}

/// The place of a field in a row of results.
fn at(field: &str) -> String {
    format!("/recipient/{field}")
}

/// The cells of a row.
fn row_of(printer: Printer, row: &Value) -> Value {
    let recipient = row.get("recipient").and_then(Value::as_object);
    let mut cells: Map<String, Value> = recipient.cloned().unwrap_or_default();
    if let Some(evidence) = cells.get("evidence").and_then(Value::as_array) {
        let part = |entry: &Value, name: &str| entry.get(name).map(|text| cell(Some(text)));
        let texts = evidence.iter().map(|entry| part(entry, "url").or_else(|| part(entry, "name")));
        let texts: Vec<String> = texts.flatten().collect();
        cells.insert("evidence".to_owned(), json!(texts));
    }
    if let Some(credits) = cells.get("credits_earned").filter(|credits| credits.is_number()) {
        let credits = printer.lang.decimal(credits.to_string());
        cells.insert("credits_earned".to_owned(), credits.into());
    }
    let status = row.get("status").and_then(Value::as_str).unwrap_or_default();
    let status = match status {
        "new" => printer.pick("se emite", "is issued"),
        "duplicate" => printer.pick("ya emitida, o repetida", "issued before, or repeated"),
        "corrected" => printer.pick("se corrige", "is corrected"),
        other => other,
    };
    cells.insert("status".to_owned(), status.into());
    cells.insert("line".to_owned(), row.get("line").cloned().unwrap_or_default());
    Value::Object(cells)
}
