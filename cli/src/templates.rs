//! `unicreda templates`: lists, shows, creates and designs templates, and writes example files.

use std::{io::Write, path::PathBuf};

use bytes::Bytes;
use clap::Subcommand;
use serde_json::Value;

use crate::{
    client::ApiRequest,
    designs,
    exit::{Exit, Failure},
    input,
    output_file::{Existing, OutputFile},
    printer::{FileOut, cell},
    results::Format,
    session::{self, Session},
};

/// `unicreda templates …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List templates.
    List {
        /// Maximum number of templates.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
    },
    /// Show a template and the columns of its files.
    Show {
        /// Id of the template; may be left out if the organization has only one.
        id: Option<String>,
    },
    /// Create a template from a JSON file in the format of `show --json`.
    Create {
        /// The file; - reads standard input.
        file: PathBuf,
    },
    /// Save the design of certificates, of a template or of the organization.
    Design(designs::Design),
    /// Draw a sample of a template's certificates, with a design that need not be saved.
    Preview(designs::Preview),
    /// Write an example file for `issue`, to standard output unless --output names a file.
    Csv {
        /// Id of the template; may be left out if the organization has only one.
        id: Option<String>,
        /// File for the example.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Replace the file if it exists.
        #[arg(long, requires = "output")]
        force: bool,
        /// Format; unless it is given, that of the file's name, else csv.
        #[arg(long)]
        format: Option<Format>,
    },
}

/// Runs a command.
///
/// # Errors
/// When it failed.
pub async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::List { limit } => list(session, limit).await,
        Command::Show { id } => show(session, id).await,
        Command::Create { file } => {
            let body = input::read_json_file(&file, session.printer)?;
            let request =
                ApiRequest::post("/templates").body("application/json", Bytes::from(body));
            let created = session.client.json(request).await?;
            print(session, &created)?;
            Ok(Exit::Done)
        }
        Command::Design(arguments) => designs::save(session, arguments).await,
        Command::Preview(arguments) => designs::preview(session, arguments).await,
        Command::Csv { id, output, force, format } => {
            let format = Format::of(format, output.as_deref());
            example(session, id, output, (force, format)).await
        }
    }
}

async fn list(session: &Session, limit: usize) -> Result<Exit, Failure> {
    let printer = session.printer;
    let columns = [
        (printer.pick("PLANTILLA", "TEMPLATE"), "/id"),
        (printer.pick("VERSIÓN", "VERSION"), "/version"),
        (printer.pick("ARCHIVADA", "ARCHIVED"), "/archived"),
        (printer.pick("NOMBRE", "NAME"), "/name"),
    ];
    session::print_list(session, "/templates", &[], limit, &columns).await?;
    Ok(Exit::Done)
}

async fn show(session: &Session, id: Option<String>) -> Result<Exit, Failure> {
    let id = session.template_id(id, true).await?;
    let template = session
        .client
        .json(ApiRequest::get(format!("/templates/{}", input::path_segment(&id))))
        .await?;
    print(session, &template)?;
    Ok(Exit::Done)
}

fn print(session: &Session, template: &Value) -> Result<(), Failure> {
    let printer = session.printer;
    printer.json(template)?;
    if printer.json {
        return Ok(());
    }
    let part = |pointer: &str| cell(template.pointer(pointer));
    let version = part("/version");
    printer.line(&printer.pick(
        format!("{}  versión {version}", part("/id")),
        format!("{}  version {version}", part("/id")),
    ))?;
    printer.line(&part("/name"))?;
    let description = template.get("description").and_then(Value::as_str).unwrap_or_default();
    description.lines().try_for_each(|line| printer.line(line))?;
    printer.line("")?;
    let fields = template.get("fields").and_then(Value::as_array).cloned().unwrap_or_default();
    let columns = [
        (printer.pick("CAMPO", "FIELD"), "/name"),
        (printer.pick("TIPO", "TYPE"), "/type"),
        (printer.pick("OBLIGATORIO", "REQUIRED"), "/required"),
        (printer.pick("VALORES", "VALUES"), "/allowed_values"),
    ];
    printer.table(&columns, &fields)
}

async fn example(
    session: &Session,
    id: Option<String>,
    output: Option<PathBuf>,
    (force, format): (bool, Format),
) -> Result<Exit, Failure> {
    let printer = session.printer;
    let existing = Existing::with_force(force);
    let target = output.map(|path| OutputFile::new(&path, existing, printer)).transpose()?;
    let id = session.template_id(id, true).await?;
    let request = ApiRequest::get(format!("/templates/{}/csv", input::path_segment(&id)))
        .query("format", format.parameter())
        .accept("*/*");
    let Some(target) = target else {
        let mut out = FileOut::new();
        if out.is_on_terminal() {
            format.refuse_terminal(session, "unicreda templates csv --output ejemplo.xlsx")?;
        }
        let example = session.client.send(request).await?;
        let written = out.write_all(&example.body).and_then(|()| out.flush());
        written.map_err(|error| Failure::output(&error))?;
        return Ok(Exit::Done);
    };
    let example = session.client.send(request).await?;
    let mut file = target.begin()?;
    file.write_all(&example.body).map_err(|error| Failure::file(&target.path, &error))?;
    target.finish(file, printer)?;
    printer.json(&serde_json::json!({ "template_id": id, "file": target.path }))?;
    let name = target.path.display();
    printer.line(&printer.pick(
        format!("Ejemplo: {name}. Para emitirlo: unicreda issue {name} --template {id}"),
        format!("Example: {name}. To issue it: unicreda issue {name} --template {id}"),
    ))?;
    Ok(Exit::Done)
}
