//! `unicreda issue FILE`: uploads a file, follows its job and writes the results.
//!
//! Safe to repeat: the state of the upload is on disk ([`state`]), so the same command continues
//! it. A file that is announced and never arrives creates no job, and one that arrives twice under
//! one upload creates one.

mod columns;
mod send;
mod source;
mod state;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use unicreda::sheet::offered;

use self::state::{Identity, Stage, StateFile, Upload};
pub use self::{send::of_members, source::Source};
use crate::{
    exit::{Exit, Failure},
    faulty, follow,
    issue::{self, FileFlags, IssueOptions},
    output_file::{Existing, OutputFile},
    pictures,
    printer::{self, Printer, cell},
    results::{self, Format, Target},
    review,
    session::{self, Session},
    summary,
};

/// Rows of a dry run that are printed.
const SHOWN: usize = 10;

/// Everything that `issue FILE` was asked to do.
pub struct Issuance {
    /// Template.
    pub template: String,
    /// Options of issuing.
    pub options: IssueOptions,
    /// Flags of the file.
    pub flags: FileFlags,
}

/// Runs the command.
///
/// # Errors
/// When it failed; the error names how to continue.
pub async fn run(session: &Session, file: &Path, issuance: Issuance) -> Result<Exit, Failure> {
    let printer = session.printer;
    let source = Source::open(file, printer)?;
    let map = columns::map(&issuance.flags, printer)?;
    let mut state = open_state(session, &source, &issuance, &map)?;
    let ended = state.upload.as_ref().is_some_and(|upload| upload.stage == Stage::Ended);
    // A dry run that has ended is run again: templates and credentials change.
    let restart = issuance.flags.again || (issuance.options.dry_run && ended);
    // Chosen first: a command that cannot write its results must not issue.
    let target =
        results_target(file, &issuance, state.upload.as_ref().filter(|_| !restart), printer)?;
    let further = Further::of(&issuance.flags, printer)?;
    if restart {
        state.forget()?;
    }
    let resumed = state.upload.is_some();
    if let Some(upload) = &state.upload {
        printer.notice(&resume_notice(upload, printer));
    }
    session.set_resume_hint(printer.pick(
        "repite el mismo comando: la subida continúa donde quedó",
        "run the same command again: the upload continues where it stopped",
    ));
    let received = send::until_received(session, &source, &issuance, &map, &mut state).await?;
    let job_id = received.job_id;
    let (job, mut upload) = follow_job(session, &job_id, received.upload, &mut state).await?;
    if issuance.options.dry_run {
        review::print_terms(session, &issuance.template).await?;
    }
    let exit = summary::print(printer, &job)?;
    columns::print(printer, &job)?;
    if issuance.options.dry_run && exit != Exit::Failed {
        review::print_rows(session, &job_id).await?;
        print_noted_rows(session, &job_id).await?;
    }
    let drawn = match exit {
        Exit::Failed => None,
        _ => further.write(session, &issuance.template, &job_id).await?,
    };
    let mut results = None;
    if let Some(target) = target.filter(|_| exit != Exit::Failed) {
        write_results(session, &job_id, &target, upload.results.as_deref()).await?;
        upload.results = Some(target.path.clone());
        state.write(upload.clone())?;
        let name = target.path.display();
        printer.line(&printer.pick(format!("Resultados: {name}"), format!("Results: {name}")))?;
        results = Some(target.path);
    }
    if names_other_content(&job) {
        printer.notice(printer.pick(
            "Para corregir esas credenciales con lo que dice el archivo, repite el comando con --correct",
            "To correct these credentials to what the file says, run the command again with --correct",
        ));
    }
    if exit == Exit::RowsFailed && !issuance.options.dry_run && results.is_some() {
        printer.notice(printer.pick(
            "Corrige esas filas en los resultados y emite ese archivo: lo ya emitido no se repite",
            "Correct those rows in the results and issue that file: what was issued is not repeated",
        ));
    }
    let mut shown = job;
    if let Some(members) = shown.as_object_mut() {
        members.insert("upload_id".into(), json!(upload.upload_id));
        members.insert("results".into(), json!(results));
        members.insert("resumed".into(), json!(resumed));
        if let Some(drawn) = drawn {
            members.insert("pictures".into(), json!(drawn));
        }
    }
    printer.json(&shown)?;
    Ok(exit)
}

/// Files that a command writes beside the results, chosen before it does anything.
struct Further {
    faulty: Option<OutputFile>,
    pictures: Option<[OutputFile; 2]>,
}

impl Further {
    fn of(flags: &FileFlags, printer: Printer) -> Result<Self, Failure> {
        let existing = Existing::with_force(flags.force);
        let faulty = flags.faulty.as_deref();
        let pictures = flags.pictures.as_deref();
        Ok(Self {
            faulty: faulty.map(|path| OutputFile::new(path, existing, printer)).transpose()?,
            pictures: pictures.map(|at| pictures::targets(at, existing, printer)).transpose()?,
        })
    }

    /// Writes them; the pictures that were drawn, if any were asked for.
    async fn write(
        &self,
        session: &Session,
        template: &str,
        job_id: &str,
    ) -> Result<Option<Vec<PathBuf>>, Failure> {
        if let Some(target) = &self.faulty {
            faulty::write(session, job_id, target).await?;
        }
        let Some(targets) = &self.pictures else { return Ok(None) };
        pictures::save(session, template, job_id, targets).await.map(Some)
    }
}

fn open_state(
    session: &Session,
    source: &Source,
    issuance: &Issuance,
    map: &Value,
) -> Result<StateFile, Failure> {
    let identity = Identity {
        site: &session.site,
        owner: &session.owner,
        template: &issuance.template,
        dry_run: issuance.options.dry_run,
        send_email: issuance.options.send_email,
        encoding: issuance.flags.encoding,
        map,
        day_first: issuance.flags.day_first,
        sheet: issuance.flags.sheet.as_deref(),
        hidden_rows: issuance.flags.hidden_rows,
        correct: issuance.flags.correct,
        strict: issuance.options.strict,
        reissue: issuance.options.reissue,
        digest: &source.digest,
    };
    StateFile::open(&identity, session.printer)
}

/// Follows the upload's job to its end and writes that to the state file.
async fn follow_job(
    session: &Session,
    job_id: &str,
    upload: Upload,
    state: &mut StateFile,
) -> Result<(Value, Upload), Failure> {
    let job = follow::until_ended(session, job_id, |_| Ok(())).await;
    let job = job.map_err(|failure| match failure.code() {
        Some("not_found") => job_expired(job_id, session.printer),
        _ => failure,
    })?;
    let ended_at = job.get("updated_at").and_then(Value::as_str).map(str::to_owned);
    let upload = Upload { stage: Stage::Ended, ended_at, ..upload };
    if job.get("status").is_some_and(|status| status == "FAILURE") {
        // The same file can succeed later: after its template is corrected, or the service recovers.
        state.forget()?;
    } else {
        state.write(upload.clone())?;
    }
    Ok((job, upload))
}

/// The results file. A dry run has one only with `--output`.
fn results_target(
    file: &Path,
    issuance: &Issuance,
    upload: Option<&Upload>,
    printer: Printer,
) -> Result<Option<OutputFile>, Failure> {
    let path = match &issuance.flags.output {
        Some(path) => path.clone(),
        None if issuance.options.dry_run => return Ok(None),
        None => beside(file, issuance.flags.correct),
    };
    let path = std::path::absolute(&path).map_err(|error| Failure::file(&path, &error))?;
    let own = upload.and_then(|upload| upload.results.as_ref()) == Some(&path);
    let existing = match (issuance.flags.force, own) {
        (false, true) => Existing::Kept,
        (force, _) => Existing::with_force(force),
    };
    OutputFile::new(&path, existing, printer).map(Some)
}

/// `NAME-resultados.csv` in the folder of the file; of corrections `NAME-correcciones.csv`, since the
/// same file often ran without them before.
fn beside(file: &Path, corrects: bool) -> PathBuf {
    let file = if file == Path::new("-") { Path::new("stdin") } else { file };
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let what = if corrects { "correcciones" } else { "resultados" };
    file.with_file_name(format!("{stem}-{what}.csv"))
}

/// Writes the results, unless an earlier run of this command has written them.
async fn write_results(
    session: &Session,
    job_id: &str,
    target: &OutputFile,
    written: Option<&Path>,
) -> Result<(), Failure> {
    let printer = session.printer;
    session.set_resume_hint(printer.pick(
        format!(
            "el trabajo terminó: repite el mismo comando, o usa `unicreda jobs results {job_id}`"
        ),
        format!(
            "the job has ended: run the same command again, or `unicreda jobs results {job_id}`"
        ),
    ));
    let is_written = written == Some(target.path.as_path()) && target.path.exists();
    if !is_written || target.replaces() {
        let mut file = target.begin()?;
        let format = Format::of(None, Some(&target.path));
        results::write_all(session, job_id, (Target::File, format), &mut file).await?;
        target.finish(file, printer)?;
    }
    session.clear_resume_hint();
    Ok(())
}

fn resume_notice(upload: &Upload, printer: Printer) -> String {
    let job = upload.job_id.as_deref().unwrap_or_default();
    match upload.stage {
        Stage::Expected | Stage::Sent => printer.pick(
            "Este archivo ya se estaba subiendo: se continúa".to_owned(),
            "This file was being uploaded: continuing".to_owned(),
        ),
        Stage::Job => printer.pick(
            format!("Este archivo ya se subió: se sigue su trabajo {job}"),
            format!("This file was uploaded: following its job {job}"),
        ),
        Stage::Ended => {
            let at = upload.ended_at.as_deref().unwrap_or_default();
            printer.pick(
                format!("Este archivo ya se procesó (trabajo {job}, {at}): no se hace otra vez; --again empieza de nuevo"),
                format!("This file was already processed (job {job}, {at}): it is not processed again; --again starts over"),
            )
        }
    }
}

/// Whether rows were refused that name a credential and say something else of it.
fn names_other_content(job: &Value) -> bool {
    let errors = job.pointer("/result/errors").and_then(Value::as_array);
    let other = |error: &Value| error.get("code").is_some_and(|code| code == "other_content");
    errors.into_iter().flatten().any(other)
}

/// The service deletes old jobs, and the state file can be older.
fn job_expired(job_id: &str, printer: Printer) -> Failure {
    Failure::failed(printer.pick(
        format!("este archivo ya se subió, y el servicio ya no conoce su trabajo {job_id}"),
        format!("this file was uploaded, but the service no longer has its job {job_id}"),
    ))
    .next(printer.pick(
        "--again lo emite con un trabajo nuevo; lo ya emitido no se repite",
        "--again issues it with a new job; what was issued is not repeated",
    ))
}

/// Prints the rows of a dry run whose recipient already holds another credential of the template,
/// and those that correct one, before and after.
async fn print_noted_rows(session: &Session, job_id: &str) -> Result<(), Failure> {
    let printer = session.printer;
    if printer.json {
        return Ok(());
    }
    let path = follow::job_path(job_id, "/results");
    let (rows, _) = session::fetch_list(&session.client, &path, &[], usize::MAX).await?;
    let some = |row: &Value, name: &str| {
        row.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    };
    let corrects = |row: &&Value| some(row, "changes");
    if rows.iter().any(|row| corrects(&row)) {
        printer.line(printer.pick("Lo que se corregiría:", "What would be corrected:"))?;
    }
    for row in rows.iter().filter(corrects).take(SHOWN) {
        print_changes(printer, row)?;
    }
    let corrected = rows.iter().filter(corrects).count();
    if corrected > SHOWN {
        let more = printer.number(u64::try_from(corrected - SHOWN).unwrap_or(0));
        printer.line(&printer.pick(
            format!("  … y {more} correcciones más, en los resultados"),
            format!("  … and {more} more corrections, in the results"),
        ))?;
    }
    let holds = |row: &&Value| some(row, "also_holds");
    let holders = rows.iter().filter(holds).count();
    for row in rows.iter().filter(holds).take(SHOWN) {
        let place = printer::place(printer, row);
        printer.line(&format!("  {place}  {}", cell(row.get("email"))))?;
        issue::print_also_holds(printer, row)?;
    }
    if holders > SHOWN {
        let all = printer.number(u64::try_from(holders).unwrap_or(0));
        printer.line(&printer.pick(
            format!("  en total, {all} filas ya tienen otra de esta plantilla"),
            format!("  in all, {all} rows already hold another of this template"),
        ))?;
    }
    Ok(())
}

/// Prints the fields that a row would correct.
fn print_changes(printer: Printer, row: &Value) -> Result<(), Failure> {
    let place = printer::place(printer, row);
    printer.line(&format!("  {place}  {}", cell(row.get("email"))))?;
    let value = |change: &Value, name: &str| match change.get(name) {
        None | Some(Value::Null) => printer.pick("(vacío)", "(empty)").to_owned(),
        known => cell(known),
    };
    for change in row.get("changes").and_then(Value::as_array).into_iter().flatten() {
        let (before, after) = (value(change, "before"), value(change, "after"));
        let field = cell(change.get("field"));
        let field = offered::name(&field, printer.lang);
        printer.line(&format!("    {field}: {before} → {after}"))?;
    }
    Ok(())
}
