//! Two pictures of what a dry run would sign: `issue FILE --dry-run --pictures DIR`. Safe to repeat: it only reads.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    client::ApiRequest,
    exit::Failure,
    follow,
    input::path_segment,
    output_file::{Existing, OutputFile},
    printer::{self, Printer},
    session::{self, Session},
};

/// Rows that are looked through for the longest certificate.
const LOOKED_THROUGH: usize = 10_000;

/// Chooses the files: of the first certificate and of the longest.
///
/// # Errors
/// When the folder cannot be made, or `existing` refuses a file that is there.
pub fn targets(
    folder: &Path,
    existing: Existing,
    printer: Printer,
) -> Result<[OutputFile; 2], Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    let target = |name: &str| OutputFile::new(&folder.join(name), existing, printer);
    Ok([
        target(printer.pick("primero.png", "first.png"))?,
        target(printer.pick("mas-largo.png", "longest.png"))?,
    ])
}

/// Draws the certificate of the first row that would be signed, and that with the most letters, and returns their files. Of rows that
/// all were issued before, none is drawn.
///
/// # Errors
/// When rows or pictures cannot be read, or a file not be written.
pub async fn save(
    session: &Session,
    template: &str,
    job_id: &str,
    targets: &[OutputFile; 2],
) -> Result<Vec<PathBuf>, Failure> {
    let printer = session.printer;
    let path = follow::job_path(job_id, "/results");
    let (rows, _) = session::fetch_list(&session.client, &path, &[], LOOKED_THROUGH).await?;
    let signed = |row: &&Value, status: &str| {
        row.get("status").is_some_and(|of| of == status) && row.get("recipient").is_some()
    };
    let mut drawn: Vec<&Value> = rows.iter().filter(|row| signed(row, "new")).collect();
    if drawn.is_empty() {
        drawn = rows.iter().filter(|row| signed(row, "corrected")).collect();
    }
    let first = drawn.first().copied();
    // Of several, the first.
    let longest = drawn.iter().rev().copied().max_by_key(|row| letters(row));
    let request = ApiRequest::get(format!("/templates/{}", path_segment(template)));
    let found = session.client.json(request).await?;
    let lang = found.get("language").and_then(Value::as_str);
    let mut saved = Vec::new();
    let words = [
        printer.pick("Primer certificado", "First certificate"),
        printer.pick("Certificado más largo", "Longest certificate"),
    ];
    for ((row, target), word) in [first, longest].into_iter().zip(targets).zip(words) {
        let Some(row) = row else { continue };
        let body = json!({ "recipient": row.get("recipient") });
        let request = ApiRequest::post(format!("/templates/{}/preview", path_segment(template)));
        let request = request.query("lang", lang).json(&body).accept("image/png").repeatable();
        let picture = session.client.send(request).await?;
        let mut file = target.begin()?;
        file.write_all(&picture.body).map_err(|error| Failure::file(&target.path, &error))?;
        target.finish(file, printer)?;
        let (place, name) = (printer::place(printer, row), target.path.display());
        printer.line(&format!("{word} ({place}): {name}"))?;
        saved.push(target.path.clone());
    }
    Ok(saved)
}

/// The letters of a row's certificate.
fn letters(row: &Value) -> usize {
    let left_out = ["email", "external_id", "language", "evidence"];
    let members = row.get("recipient").and_then(Value::as_object).into_iter().flatten();
    let shown = members.filter(|(name, _)| !left_out.contains(&name.as_str()));
    shown.map(|(_, value)| length(value)).sum()
}

fn length(value: &Value) -> usize {
    match value {
        Value::Object(facts) => facts.values().map(length).sum(),
        Value::String(text) => text.chars().count(),
        other => other.to_string().len(),
    }
}
