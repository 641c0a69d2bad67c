//! `unicreda members import`: imports the organization's members. Their profiles fill in the fields
//! that a request leaves out.

use std::path::PathBuf;

use bytes::Bytes;
use clap::Subcommand;
use serde_json::Value;

use crate::{
    client::ApiRequest,
    exit::{Exit, Failure},
    input,
    printer::{ROW, cell},
    session::Session,
};

/// `unicreda members …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import members from a CSV file in UTF-8 with up to 20,000 rows and the columns email, name,
    /// role, license_number, term and language in any order.
    Import {
        /// The file; - reads standard input.
        file: PathBuf,
    },
}

/// Runs a command. Safe to repeat: importing a member again changes nothing.
///
/// # Errors
/// When it failed.
pub async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    let Command::Import { file } = command;
    let printer = session.printer;
    let body = Bytes::from(input::read_file(&file, printer)?);
    let request = ApiRequest::post("/members/import").body("text/csv", body).repeatable();
    let answer = session.client.json(request).await?;
    printer.json(&answer)?;
    let failed = input::number(&answer, "failed");
    let rows = printer.count(input::number(&answer, "total"), &ROW);
    let imported = printer.number(input::number(&answer, "imported"));
    let shown = printer.number(failed);
    printer.line(&printer.pick(
        format!("{rows}: {imported} importadas, {shown} con error"),
        format!("{rows}: {imported} imported, {shown} failed"),
    ))?;
    for error in answer.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| cell(error.get(name));
        let line = printer.pick("línea", "line");
        printer.line(&format!(
            "  {line} {}  {}  {}",
            part("line"),
            part("email"),
            part("error")
        ))?;
    }
    if failed > 0 {
        printer.notice(printer.pick(
            "Corrige esas filas y repite el comando: las demás no cambian",
            "Correct those rows and run the command again: the others do not change",
        ));
        return Ok(Exit::RowsFailed);
    }
    Ok(Exit::Done)
}
