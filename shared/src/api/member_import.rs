//! `POST /members/import`: a file of members in the request itself.

use http::Response;
use lambda_http::Body;
use serde_json::{Value, json};

use crate::{
    api::auth,
    app::App,
    domain::{
        encoding::Encoding,
        fault::FaultText,
        fields::FieldError,
        ids::TemplateId,
        lang::Lang,
        member_row::{self, Cleared, LastRows},
        nearest::nearest,
        review::Warnings,
        text::shortened,
        upload::Format,
    },
    http::{
        parameters::{DRY_RUN, ENCODING},
        problem::Problem,
        serve::{Call, ok},
    },
    jobs::member_rows::{self, FileMember, MemberOutcome},
    sheet::{List, MAX_HEADER, Rows, SheetFault, SheetRow, Survey, Surveyed, Terms},
};

/// Rows of one import.
pub const MAX_IMPORT: usize = 20_000;

/// Faults and repeated rows that its answer lists, of each as many.
const SHOWN: usize = 100;

/// Characters of an address or a text in them.
const SHOWN_TEXT: usize = 1_000;

/// The media types of a file.
const FILES: [&str; 5] =
    ["text/csv", "text/plain", "application/json", "application/x-ndjson", "application/jsonl"];

impl From<SheetFault> for Problem {
    fn from(fault: SheetFault) -> Self {
        let text = |lang| fault.text(lang);
        Self::invalid_field("", fault.code, text(Lang::Es), text(Lang::En))
    }
}

/// `POST /members/import`: a file of members as [`sheet`](crate::sheet) reads it. Rows that can be
/// read are stored, faulty ones reported; a field that the file does not have stays as it is, an
/// empty one is cleared. Safe to repeat.
///
/// # Errors
/// `invalid_request` for a file that cannot be used as a whole, `too_many_recipients`,
/// `payload_too_large`; those of authentication and of the store.
pub async fn import(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let body = call.expect_file(&FILES)?;
    let encoding = encoding(call)?;
    let (format, rows) = read(body, encoding)?;
    let rows: Vec<FileMember> =
        rows.into_iter().map(|row| FileMember::of(row, format.kind)).collect();
    let mut last = LastRows::default();
    member_rows::note(&mut last, &rows);
    let mut rows = member_rows::look_up(app, &caller.org, rows, &last).await?;
    let dry_run = call.flag(DRY_RUN);
    if !dry_run {
        member_rows::write(app, &caller.org, &mut rows, &last, call.now).await?;
    }
    ok(&answer(call, &format, &rows, dry_run))
}

/// The encoding that the request names.
fn encoding(call: &Call) -> Result<Option<Encoding>, Problem> {
    let Some(name) = call.query(ENCODING) else { return Ok(None) };
    Encoding::parse(name).map(Some).ok_or_else(|| {
        let names = Encoding::names();
        let near = nearest(name, names.split(", ")).map(str::to_owned);
        let fault = FieldError::new(
            ENCODING.name,
            "value_not_allowed",
            format!("El parámetro encoding debe ser una de estas codificaciones: {names}"),
            format!("The parameter encoding must be one of these encodings: {names}"),
        );
        Problem::invalid_request(vec![fault.hint(near.as_deref())])
    })
}

/// Reads the file as issuing reads one.
fn read(body: &[u8], encoding: Option<Encoding>) -> Result<(Format, Vec<SheetRow>), Problem> {
    let definition = member_row::definition();
    let nil = TemplateId::from(uuid::Uuid::nil());
    let terms = Terms { list: List::Members, encoding, ..Terms::of(nil, &definition) };
    let from = |offset: u64| {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        body.get(offset..).unwrap_or_default()
    };
    let mut survey = Survey::begin(body.get(..MAX_HEADER).unwrap_or(body), terms)?;
    survey.push(from(survey.starts_at()))?;
    let Surveyed { format, rows: total, .. } = survey.finish()?;
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    if total > MAX_IMPORT {
        return Err(Problem::too_many_members(MAX_IMPORT, total));
    }
    let mut reader = Rows::of_members(&format, &definition, format.start);
    let mut rows = reader.push(from(format.start.offset))?;
    rows.extend(reader.finish()?);
    Ok((format, rows))
}

/// The line of a row.
fn line_of(rows: &[(FileMember, MemberOutcome)], number: u32) -> Option<u64> {
    let at = rows.binary_search_by_key(&number, |(row, _)| row.row).ok()?;
    rows.get(at).map(|(row, _)| row.line)
}

/// What became of the rows.
fn answer(
    call: &Call,
    format: &Format,
    rows: &[(FileMember, MemberOutcome)],
    dry_run: bool,
) -> Value {
    let (mut errors, mut repeats) = (Vec::new(), Vec::new());
    let (mut new, mut changed, mut unchanged, mut failed, mut repeated) = (0, 0, 0, 0, 0);
    let (mut cleared, mut warnings) = (Cleared::default(), Warnings::default());
    for (row, outcome) in rows {
        let email = shortened(&row.email, SHOWN_TEXT);
        warnings.note(row.place(), &row.warnings(&call.now_text()));
        match outcome {
            MemberOutcome::Imported(change) => {
                cleared.count(change);
                match (change.is_new, change.is_none()) {
                    (true, _) => new += 1,
                    (false, true) => unchanged += 1,
                    (false, false) => changed += 1,
                }
            }
            MemberOutcome::Repeated(by) => {
                repeated += 1;
                if repeats.len() < SHOWN {
                    repeats.push(json!({
                        "row": row.row, "line": row.line, "email": email, "repeated_by": by,
                        "repeated_by_line": line_of(rows, *by),
                    }));
                }
            }
            MemberOutcome::Refused(faults) => {
                failed += 1;
                if errors.len() < SHOWN {
                    let texts = row.texts(faults, format, call.lang);
                    let code = texts.first().map(|fault: &FaultText| fault.code.clone());
                    let texts: Vec<String> = texts.into_iter().map(|fault| fault.text).collect();
                    let error = shortened(&texts.join("; "), SHOWN_TEXT);
                    errors.push(json!({
                        "row": row.row, "line": row.line, "email": email, "error": error,
                        "code": code,
                    }));
                }
            }
        }
    }
    let mut answer = json!({
        "total": rows.len(), "imported": new + changed + unchanged, "failed": failed,
        "repeated": repeated, "new": new, "changed": changed, "unchanged": unchanged,
        "cleared": cleared.answer(), "errors": errors, "errors_truncated": failed > errors.len(),
        "repeats": repeats, "encoding": format.encoding.as_str(),
        "encoding_guessed": format.guessed, "warnings": warnings.answer(call.lang),
    });
    if let Some(answer) = answer.as_object_mut().filter(|_| dry_run) {
        answer.insert("dry_run".to_owned(), true.into());
    }
    answer
}
