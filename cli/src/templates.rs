//! `unicreda templates`: what credentials are made of.

use std::path::PathBuf;

use bytes::Bytes;
use clap::Subcommand;
use serde_json::Value;

use crate::{
    client::Ask,
    exit::{Exit, Failure},
    following::Target,
    input,
    screen::{cell, write_out},
    session::{self, Session},
};

/// `unicreda templates …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists templates.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
    },
    /// Shows a template and the columns that its file takes.
    Show {
        /// The template; the only one of the organization unless given.
        id: Option<String>,
    },
    /// Makes a template of a JSON file, as `show --json` writes it.
    Create {
        /// The file; - reads standard input.
        file: PathBuf,
    },
    /// Writes an example of the file that `issue` takes, to standard output unless --output
    /// names a file.
    Csv {
        /// The template; the only one of the organization unless given.
        id: Option<String>,
        /// Where it goes.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Replaces the file if it is there.
        #[arg(long, requires = "output")]
        force: bool,
    },
}

/// Runs a command.
///
/// # Errors
/// With what went wrong.
pub async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::List { limit } => list(session, limit).await,
        Command::Show { id } => show(session, id).await,
        Command::Create { file } => {
            let body = input::json_file(&file, session.screen)?;
            let ask = Ask::post("/templates").body("application/json", Bytes::from(body));
            let made = session.client.json(ask).await?;
            tell(session, &made)?;
            Ok(Exit::Done)
        }
        Command::Csv { id, output, force } => csv(session, id, output, force).await,
    }
}

async fn list(session: &Session, limit: usize) -> Result<Exit, Failure> {
    let screen = session.screen;
    let columns = [
        (screen.pick("PLANTILLA", "TEMPLATE"), "/id"),
        (screen.pick("VERSIÓN", "VERSION"), "/version"),
        (screen.pick("ARCHIVADA", "ARCHIVED"), "/archived"),
        (screen.pick("NOMBRE", "NAME"), "/name"),
    ];
    session::show_list(session, "/templates", &[], limit, &columns).await?;
    Ok(Exit::Done)
}

async fn show(session: &Session, id: Option<String>) -> Result<Exit, Failure> {
    let id = session.template(id).await?;
    let template =
        session.client.json(Ask::get(format!("/templates/{}", input::segment(&id)))).await?;
    tell(session, &template)?;
    Ok(Exit::Done)
}

fn tell(session: &Session, template: &Value) -> Result<(), Failure> {
    let screen = session.screen;
    screen.document(template)?;
    if screen.json {
        return Ok(());
    }
    let part = |pointer: &str| cell(template.pointer(pointer));
    let version = part("/version");
    screen.result(&screen.pick(
        format!("{}  versión {version}", part("/id")),
        format!("{}  version {version}", part("/id")),
    ))?;
    screen.result(&part("/name"))?;
    screen.result(&part("/description"))?;
    screen.result("")?;
    let fields = template.get("fields").and_then(Value::as_array).cloned().unwrap_or_default();
    let columns = [
        (screen.pick("CAMPO", "FIELD"), "/name"),
        (screen.pick("TIPO", "TYPE"), "/type"),
        (screen.pick("OBLIGATORIO", "REQUIRED"), "/required"),
        (screen.pick("VALORES", "VALUES"), "/allowed_values"),
    ];
    screen.list(&columns, &fields)
}

async fn csv(
    session: &Session,
    id: Option<String>,
    output: Option<PathBuf>,
    force: bool,
) -> Result<Exit, Failure> {
    let screen = session.screen;
    let target = output.map(|path| Target::new(&path, force, false, screen)).transpose()?;
    let id = session.template(id).await?;
    let ask = Ask::get(format!("/templates/{}/csv", input::segment(&id))).accept("text/csv");
    let example = session.client.send(ask).await?;
    let Some(target) = target else {
        write_out(&example.body)?;
        return Ok(Exit::Done);
    };
    let mut file = target.begin()?;
    let written = std::io::Write::write_all(&mut file, &example.body);
    written.map_err(|error| Failure::file(&target.path, &error))?;
    target.finish(file, screen)?;
    screen.document(&serde_json::json!({ "template_id": id, "file": target.path }))?;
    let name = target.path.display();
    screen.result(&screen.pick(
        format!("Ejemplo: {name}. Para emitirlo: unicreda issue {name} --template {id}"),
        format!("Example: {name}. To issue it: unicreda issue {name} --template {id}"),
    ))?;
    Ok(Exit::Done)
}
