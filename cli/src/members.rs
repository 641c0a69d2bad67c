//! `unicreda members import`: people of the organization, whose profiles fill in what a
//! request leaves out.

use std::path::PathBuf;

use bytes::Bytes;
use clap::Subcommand;
use serde_json::Value;

use crate::{
    client::Ask,
    exit::{Exit, Failure},
    input,
    screen::cell,
    session::Session,
};

/// `unicreda members …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Puts members from a CSV file in UTF-8: the columns email, name, role, license_number,
    /// term, language in any order, up to 20,000 rows.
    Import {
        /// The file; - reads standard input.
        file: PathBuf,
    },
}

/// Runs a command. Safe to repeat: putting a member again changes nothing.
///
/// # Errors
/// With what went wrong.
pub async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    let Command::Import { file } = command;
    let screen = session.screen;
    let body = Bytes::from(input::file(&file, screen)?);
    let ask = Ask::post("/members/import").body("text/csv", body).repeatable();
    let answer = session.client.json(ask).await?;
    screen.document(&answer)?;
    let failed = input::number(&answer, "failed");
    let rows = screen.count(input::number(&answer, "total"), ("fila", "row"), ("filas", "rows"));
    let imported = screen.number(input::number(&answer, "imported"));
    let shown = screen.number(failed);
    screen.result(&screen.pick(
        format!("{rows}: {imported} importadas, {shown} con error"),
        format!("{rows}: {imported} imported, {shown} failed"),
    ))?;
    for error in answer.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| cell(error.get(name));
        let line = screen.pick("línea", "line");
        screen.result(&format!(
            "  {line} {}  {}  {}",
            part("line"),
            part("email"),
            part("error")
        ))?;
    }
    if failed > 0 {
        screen.notice(screen.pick(
            "Corrige esas filas y repite el comando: las demás quedan como están",
            "Mend those rows and give the command again: the others stay as they are",
        ));
        return Ok(Exit::Rows);
    }
    Ok(Exit::Done)
}
