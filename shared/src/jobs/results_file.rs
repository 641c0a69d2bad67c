//! The results file of a file's job: its own columns, and beside them how each row ended.
//! What failed in it can be mended and the file uploaded again as it is.
//!
//! Safe to repeat: it is written anew each time, and appears whole or not at all.

use std::time::{Duration, Instant};

use http::Response;
use jiff::Timestamp;
use lambda_http::Body;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    app::App,
    aws::s3::{FileError, PRESIGNED_FOR},
    domain::{
        api_key::Scope,
        identity::IdSecret,
        ids::JobId,
        job::{Job, JobFile},
        template::Template,
        time,
        upload::{Format, Kind},
    },
    http::{
        problem::Problem,
        serve::{Call, ok},
    },
    jobs::{
        progress::{own_job, result_row},
        upload::{LEASE, files_until},
    },
    sheet::{
        Cells, Columns,
        cells::{guarded, unguarded},
        columns,
    },
    store::jobs::ShardView,
};

/// Bytes of the file that are read at once.
const PIECE: u64 = 1024 * 1024;
/// How often the lease is put off.
const NOTE_EVERY: Duration = Duration::from_secs(20);
/// Time before the function's end at which writing is left to another: more than passes between
/// two notes.
const RESERVE: Duration = Duration::from_secs(40);

/// The columns that tell how a row ended.
const RESULTS: [&str; 9] = [
    "row",
    "line",
    "status",
    "credential_id",
    "credential_url",
    "recipient_type",
    "duplicate",
    "email_status",
    "error",
];

fn results_key(job: &Job) -> String {
    format!("results/{}/{}/{}.csv", job.mode, job.org, job.job_id)
}

/// `GET /jobs/{job_id}/results/file`: a URL that gives the results file for 15 minutes.
///
/// # Errors
/// The documented problems.
pub async fn answer(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let job = own_job(app, call, &[Scope::Read, Scope::Issue]).await?;
    let none = || {
        Problem::not_found(
            "Este trabajo no tiene archivo de resultados; sus filas están en /results",
            "This job has no results file; its rows are at /results",
        )
    };
    let has = job.failure.is_none() && !job.results_lost;
    let file = job.file.as_ref().filter(|_| has).ok_or_else(none)?;
    if job.files_gone_at.is_some() {
        return Err(Problem::not_found(
            "El archivo de resultados se guarda 7 días tras el fin del trabajo; sus filas están en /results",
            "The results file is kept for 7 days after the job's end; its rows are at /results",
        ));
    }
    if job.results_at.is_none() {
        return Err(Problem::conflict(
            "El archivo de resultados se escribe cuando el trabajo termina; pídelo de nuevo en unos segundos",
            "The results file is written when the job has ended; ask again in some seconds",
        ));
    }
    let stem = file.name.rsplit_once('.').map_or(file.name.as_str(), |(stem, _)| stem);
    let name = format!("{stem}{}.csv", job.lang.pick("-resultados", "-results"));
    let presigned = app.files()?.presigned_get(&results_key(&job), &name).await?;
    let seconds = i64::try_from(PRESIGNED_FOR.as_secs()).unwrap_or_default();
    let until = Timestamp::from_second(call.now.as_second() + seconds).unwrap_or(call.now);
    ok(&json!({
        "url": presigned.url, "expires_at": time::seconds(until), "file_name": name,
    }))
}

/// Writes the results of a job that has ended, unless they stand or somebody does.
///
/// # Errors
/// As of store and bucket; the sweeper has it tried again.
pub async fn write(app: &App, job_id: JobId, deadline: Instant) -> Result<(), Problem> {
    let writer = Uuid::new_v4().to_string();
    let now = app.clock.now().as_second();
    let Some(job) = app.jobs.claim_file(job_id, &writer, now, now + LEASE).await? else {
        return Ok(());
    };
    let outcome = match job.owes_results() {
        true => write_all(app, &job, &writer, deadline).await,
        false => Ok(End::NotMine),
    };
    match outcome {
        Ok(End::Written) => {
            let now = app.clock.now();
            let until = files_until(now)?;
            app.jobs.results_written(job_id, &writer, (&time::millis(now), &until)).await?;
            Ok(())
        }
        Ok(End::Gone) => {
            tracing::warn!(%job_id, "file removed before its results were written");
            let until = files_until(app.clock.now())?;
            Ok(app.jobs.without_results(job_id, &until).await?)
        }
        Ok(End::NotMine) => Ok(app.jobs.leave_file(job_id, &writer).await?),
        Err(problem) => {
            app.jobs.leave_file(job_id, &writer).await?;
            Err(problem)
        }
    }
}

/// How writing results ended.
enum End {
    Written,
    /// Somebody else took over, or nobody should.
    NotMine,
    /// The file is not the one any more that was issued from.
    Gone,
}

/// Writes every row.
async fn write_all(app: &App, job: &Job, token: &str, deadline: Instant) -> Result<End, Problem> {
    let (Some(file), Some(sheet)) = (&job.file, &job.sheet) else {
        return Ok(End::NotMine);
    };
    let template = app
        .catalog
        .template_version(&job.org, job.template_id, job.template_version)
        .await?
        .ok_or_else(|| Problem::internal("a job without its template"))?;
    let secret = app.catalog.id_secret(&job.org).await?;
    let report = Report::new(job, sheet, &template);
    let mut out = app.files()?.writer(results_key(job), "text/csv; charset=utf-8");
    out.write(&report.header()?).await?;
    let mut cells = Cells::new(sheet);
    let mut offset = sheet.start.offset;
    let mut row = 0;
    let mut shard: Option<(u32, ShardView)> = None;
    let mut noted = Instant::now();
    loop {
        let bytes = match bytes_of(app, file, offset).await? {
            Some(bytes) => bytes,
            None => return Ok(End::Gone),
        };
        offset += bytes.len() as u64;
        let all = bytes.is_empty() || offset >= file.object.size;
        let broken = |fault: crate::sheet::SheetFault| Problem::internal(fault);
        let mut rows = cells.push(&bytes).map_err(broken)?;
        if all {
            rows.extend(cells.finish().map_err(broken)?);
        }
        for own in rows {
            row += 1;
            let number = job.shard_of(row);
            let view = match shard.take() {
                Some((kept, view)) if kept == number => view,
                _ => app.jobs.shard(job.job_id, number).await?,
            };
            out.write(&report.row(app, &secret, &view, row, &own)?).await?;
            shard = Some((number, view));
            if noted.elapsed() > NOTE_EVERY {
                if Instant::now() + RESERVE >= deadline {
                    return Ok(End::NotMine);
                }
                let until = app.clock.now().as_second() + LEASE;
                if app.jobs.keep_file(job.job_id, token, until).await?.is_none() {
                    return Ok(End::NotMine);
                }
                noted = Instant::now();
            }
        }
        if all {
            let until = app.clock.now().as_second() + LEASE;
            if app.jobs.keep_file(job.job_id, token, until).await?.is_none() {
                return Ok(End::NotMine);
            }
            out.finish().await?;
            return Ok(End::Written);
        }
    }
}

async fn bytes_of(app: &App, file: &JobFile, from: u64) -> Result<Option<Vec<u8>>, Problem> {
    match app.files()?.read(&file.object, from, PIECE).await {
        Ok(bytes) => Ok(Some(bytes)),
        // The rows' results stand in the table.
        Err(FileError::Gone) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What the results file of a job looks like.
struct Report<'a> {
    job: &'a Job,
    sheet: &'a Format,
    /// The file's own columns: their names, and where they stand in a row.
    own: Vec<(String, usize)>,
}

impl<'a> Report<'a> {
    fn new(job: &'a Job, sheet: &'a Format, template: &Template) -> Self {
        let own = match sheet.kind {
            // An earlier results file's results give way to the new ones.
            Kind::Csv => sheet
                .header
                .iter()
                .enumerate()
                .filter(|(_, name)| !Columns::is_result(name))
                .map(|(at, name)| (name.clone(), at))
                .collect(),
            Kind::JsonLines => {
                let mut names: Vec<String> = Vec::new();
                for columns::ColumnName { field: name, .. } in
                    columns::of_template(&template.definition)
                {
                    // As the API takes it: one list.
                    let name = if name.starts_with("evidence_") { "evidence" } else { name };
                    if !names.iter().any(|known| known == name) {
                        names.push(name.to_owned());
                    }
                }
                names.into_iter().enumerate().map(|(at, name)| (name, at)).collect()
            }
        };
        Self { job, sheet, own }
    }

    fn results(&self) -> impl Iterator<Item = &'static str> {
        let holds = self.job.dry_run.then_some("also_holds");
        RESULTS.into_iter().chain(holds)
    }

    fn line(&self, cells: impl Iterator<Item = String>) -> Result<Vec<u8>, Problem> {
        let mut writer = csv::WriterBuilder::new()
            .flexible(true)
            .delimiter(u8::try_from(self.sheet.delimiter).unwrap_or(b','))
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        writer.write_record(cells.collect::<Vec<_>>()).map_err(Problem::internal)?;
        writer.into_inner().map_err(|error| Problem::internal(error.to_string()))
    }

    /// With a BOM, by which Excel knows UTF-8.
    fn header(&self) -> Result<Vec<u8>, Problem> {
        let own = self.own.iter().map(|(name, _)| guarded(unguarded(name)));
        let line = self.line(own.chain(self.results().map(str::to_owned)))?;
        Ok([b"\xef\xbb\xbf".as_slice(), &line].concat())
    }

    fn row(
        &self,
        app: &App,
        secret: &IdSecret,
        view: &ShardView,
        row: u32,
        own: &[String],
    ) -> Result<Vec<u8>, Problem> {
        let ended = result_row(app, self.job, secret, view, row);
        let object: Map<String, Value> = match self.sheet.kind {
            Kind::Csv => Map::new(),
            Kind::JsonLines => {
                own.first().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
            }
        };
        let cells = self.own.iter().map(|(name, at)| match self.sheet.kind {
            Kind::Csv => own.get(*at).map(|cell| guarded(unguarded(cell))).unwrap_or_default(),
            Kind::JsonLines => object.get(name).map(text).unwrap_or_default(),
        });
        let results = self.results().map(|name| ended.get(name).map(text).unwrap_or_default());
        // What no column has stands behind all of them: the row stays refused until it is mended.
        let further: Vec<String> = match self.sheet.kind {
            Kind::Csv => own.get(self.sheet.header.len()..).unwrap_or_default().to_vec(),
            Kind::JsonLines => {
                let known = |name: &String| self.own.iter().any(|(own, _)| own == name);
                own.first().filter(|_| !object.keys().all(known)).into_iter().cloned().collect()
            }
        };
        let further = further.iter().map(|cell| guarded(unguarded(cell)));
        self.line(cells.chain(results).chain(further))
    }
}

/// A value as a cell.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => guarded(text),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        other => guarded(&other.to_string()),
    }
}

/// Removes the files of a job whose time has come.
///
/// # Errors
/// As of store and bucket; the sweeper asks again.
pub async fn forget(app: &App, job_id: JobId) -> Result<(), Problem> {
    let Some(job) = app.jobs.get(job_id).await? else {
        return Ok(());
    };
    let Some(file) = job.file.as_ref().filter(|_| job.closed_at.is_some()) else {
        return Ok(());
    };
    let results = results_key(&job);
    let files = app.files()?;
    // Another file may stand in its place by now, which is another job's.
    match files.read(&file.object, 0, 1).await {
        Ok(_) if file.object.size > 0 => files.delete(&[&file.object.key, &results]).await?,
        // An empty one cannot be told from another; the bucket's own rule takes it.
        Ok(_) | Err(FileError::Gone) => files.delete(&[&results]).await?,
        Err(error) => return Err(error.into()),
    }
    app.jobs.files_gone(job_id, &time::millis(app.clock.now())).await?;
    Ok(())
}
