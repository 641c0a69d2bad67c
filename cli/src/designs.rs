//! `unicreda templates design` and `preview`: the design of certificates, from a JSON file whose pictures are files beside it.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::{Map, Value, json};
use unicreda::domain::image::{data_url, svg_url};

use crate::{
    client::ApiRequest,
    exit::{Exit, Failure},
    input,
    output_file::{Existing, OutputFile},
    session::Session,
};

/// Members of a design that hold a picture.
const PICTURES: [&str; 3] = ["background", "frame", "signature"];

/// `unicreda templates design FILE`
#[derive(Debug, Args)]
pub struct Design {
    /// JSON file of the design, as docs/api.md describes it; pictures may be names of PNG and SVG files, seen from its folder. - reads
    /// standard input.
    file: PathBuf,
    /// Id of the template; may be left out if the organization has only one.
    #[arg(long, value_name = "ID", conflicts_with = "organization")]
    template: Option<String>,
    /// Design all templates of the organization, where they have none of their own (scope admin).
    #[arg(long)]
    organization: bool,
}

/// `unicreda templates preview [FILE]`
#[derive(Debug, Args)]
pub struct Preview {
    /// JSON file of a design that need not be saved; without one the template's own is drawn.
    file: Option<PathBuf>,
    /// Id of the template; may be left out if the organization has only one.
    #[arg(long, value_name = "ID")]
    template: Option<String>,
    /// File for the sample: PDF, or PNG if its name ends in .png.
    #[arg(long, short, visible_alias = "out", value_name = "FILE")]
    output: PathBuf,
    /// Draw the shortest name instead of the longest.
    #[arg(long)]
    shortest: bool,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
}

/// Saves a design.
///
/// # Errors
/// When it failed.
pub async fn save(session: &Session, arguments: Design) -> Result<Exit, Failure> {
    let printer = session.printer;
    let design = read(session, &arguments.file)?;
    if arguments.organization {
        let saved =
            session.client.json(ApiRequest::put("/organization/design").json(&design)).await?;
        printer.json(&saved)?;
        printer.line(printer.pick(
            "Diseño de la organización guardado: rige para lo que se emita desde ahora",
            "The organization's design is saved: what is issued from now on has it",
        ))?;
        return Ok(Exit::Done);
    }
    let id = session.template_id(arguments.template, true).await?;
    let path = format!("/templates/{}", input::path_segment(&id));
    let mut template = session.client.json(ApiRequest::get(&*path)).await?;
    if let Some(members) = template.as_object_mut() {
        members.insert("design".to_owned(), design);
    }
    let saved = session.client.json(ApiRequest::put(&*path).json(&template)).await?;
    printer.json(&saved)?;
    let version = saved.get("version").cloned().unwrap_or_default();
    printer.line(&printer.pick(
        format!("{id}: diseño guardado en la versión {version}"),
        format!("{id}: the design is saved, in version {version}"),
    ))?;
    Ok(Exit::Done)
}

/// Draws a sample.
///
/// # Errors
/// When it failed.
pub async fn preview(session: &Session, arguments: Preview) -> Result<Exit, Failure> {
    let printer = session.printer;
    let existing = Existing::with_force(arguments.force);
    let target = OutputFile::new(&arguments.output, existing, printer)?;
    let body = match &arguments.file {
        Some(file) => json!({ "design": read(session, file)? }),
        None => json!({}),
    };
    let id = session.template_id(arguments.template, true).await?;
    let is_png = target.path.extension().is_some_and(|end| end.eq_ignore_ascii_case("png"));
    let request = ApiRequest::post(format!("/templates/{}/preview", input::path_segment(&id)))
        .query("sample", arguments.shortest.then_some("shortest"))
        .json(&body)
        .accept(if is_png { "image/png" } else { "application/pdf" })
        .repeatable();
    let drawn = session.client.send(request).await?;
    let mut file = target.begin()?;
    file.write_all(&drawn.body).map_err(|error| Failure::file(&target.path, &error))?;
    target.finish(file, printer)?;
    printer.json(&json!({ "template_id": id, "file": target.path }))?;
    let name = target.path.display();
    printer.line(&printer.pick(format!("Muestra: {name}"), format!("Sample: {name}")))?;
    Ok(Exit::Done)
}

/// Reads a design, and puts its pictures into it.
fn read(session: &Session, path: &Path) -> Result<Value, Failure> {
    let bytes = input::read_json_file(path, session.printer)?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}');
    let mut design: Value = serde_json::from_str(text).unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new(""));
    if let Some(members) = design.as_object_mut() {
        with_pictures(session, members, folder)?;
        let signatories = members.get_mut("signatories").and_then(Value::as_array_mut);
        for signatory in signatories.into_iter().flatten().filter_map(Value::as_object_mut) {
            with_pictures(session, signatory, folder)?;
        }
    }
    Ok(design)
}

/// Replaces the names of files by their contents.
fn with_pictures(
    session: &Session,
    members: &mut Map<String, Value>,
    folder: &Path,
) -> Result<(), Failure> {
    for name in PICTURES {
        let Some(Value::String(text)) = members.get_mut(name) else { continue };
        if text.starts_with("data:") || text.contains("://") {
            continue;
        }
        let bytes = input::read_file(&folder.join(&*text), session.printer)?;
        // What is neither is sent as a PNG file: the answer says what it is.
        let without_mark = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        *text = match without_mark.trim_ascii_start().starts_with(b"<") {
            true => svg_url(&bytes),
            false => data_url(&bytes),
        };
    }
    Ok(())
}
