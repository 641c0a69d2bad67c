//! The results file of a file's job: its own columns, and beside them how each row ended. Failed
//! rows can be corrected in it and the file uploaded again as it is.
//!
//! Safe to repeat: each attempt writes the whole file, which appears whole or not at all.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    app::App,
    aws::s3::{FileError, PRESIGNED_FOR},
    domain::{
        ids::JobId,
        job::{FILE_LEASE, Job},
        job_result::ResultRow,
        member_row, time,
        upload::Object,
    },
    jobs::{
        JobError,
        export_files::{KEYS_A_CALL, archive_key, piece_keys},
        read_file::rows_of,
        read_sheet::copy_key,
        results,
        results_layout::{Layout, fields, members},
    },
    sheet::{
        Cells,
        workbook::{MAX_SHEET_ROWS, SheetWriter},
    },
    store::job_files::{FileEnd, FileLease},
};

/// Bytes of one read.
const PIECE: u64 = 1024 * 1024;
/// Time between two renewals of the lease.
const RENEW_EVERY: Duration = Duration::from_secs(20);
/// Time before the function's end at which writing is left to another process: more than
/// [`RENEW_EVERY`].
const RESERVE: Duration = Duration::from_secs(40);

fn results_key(job: &Job, format: ResultsFormat) -> String {
    format!("results/{}/{}/{}.{}", job.mode, job.org, job.job_id, format.extension())
}

/// The format of a results file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultsFormat {
    /// CSV.
    Csv,
    /// A spreadsheet, of jobs of up to [`MAX_SHEET_ROWS`] rows.
    Xlsx,
}

impl ResultsFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// A URL that serves a results file.
#[derive(Debug)]
pub struct ResultsLink {
    /// The URL.
    pub url: String,
    /// Its end, RFC 3339 to the second.
    pub expires_at: String,
    /// The name under which it is saved.
    pub file_name: String,
}

/// There is no results file to serve.
#[derive(Debug, thiserror::Error)]
pub enum ResultsFileError {
    /// The job never has one.
    #[error("the job has no results file")]
    None,
    /// Its time is over.
    #[error("the results file is deleted")]
    Deleted,
    /// The time of an export is over.
    #[error("the archive is deleted")]
    ExportDeleted,
    /// It is not written yet.
    #[error("the results file is not written yet")]
    NotYet,
    /// The bucket.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Signs a URL that serves a job's results file for [`PRESIGNED_FOR`].
///
/// # Errors
/// [`ResultsFileError`].
pub async fn link(
    app: &App,
    job: &Job,
    format: ResultsFormat,
    now: Timestamp,
) -> Result<ResultsLink, ResultsFileError> {
    if job.is_export() {
        return export_link(app, job, now).await;
    }
    let has = job.failure.is_none() && !job.results_lost;
    let file = job.file.as_ref().filter(|_| has).ok_or(ResultsFileError::None)?;
    if job.files_gone_at.is_some() {
        return Err(ResultsFileError::Deleted);
    }
    if job.results_at.is_none() {
        return Err(ResultsFileError::NotYet);
    }
    if format == ResultsFormat::Xlsx && !job.results_sheet {
        return Err(ResultsFileError::None);
    }
    let stem = file.name.rsplit_once('.').map_or(file.name.as_str(), |(stem, _)| stem);
    let (end, extension) = (job.lang.pick("-resultados", "-results"), format.extension());
    let file_name = format!("{stem}{end}.{extension}");
    sign(app, &results_key(job, format), file_name, now).await
}

/// The same for the archive of an export.
async fn export_link(
    app: &App,
    job: &Job,
    now: Timestamp,
) -> Result<ResultsLink, ResultsFileError> {
    if job.files_gone_at.is_some() {
        return Err(ResultsFileError::ExportDeleted);
    }
    if job.closed_at.is_none() {
        return Err(ResultsFileError::NotYet);
    }
    let file_name = job.lang.pick("datos-personales.zip", "personal-data.zip").to_owned();
    sign(app, &archive_key(job), file_name, now).await
}

async fn sign(
    app: &App,
    key: &str,
    file_name: String,
    now: Timestamp,
) -> Result<ResultsLink, ResultsFileError> {
    let presigned = app.files()?.presigned_get(key, &file_name).await?;
    let seconds = i64::try_from(PRESIGNED_FOR.as_secs()).unwrap_or_default();
    let until = Timestamp::from_second(now.as_second() + seconds).unwrap_or(now);
    Ok(ResultsLink { url: presigned.url, expires_at: time::seconds(until), file_name })
}

/// Writes the results of a job that has ended, unless they are written or another process
/// writes them.
///
/// # Errors
/// [`JobError`]; the sweeper queues the task again.
pub async fn write(app: &App, job_id: JobId, deadline: Instant) -> Result<(), JobError> {
    let token = Uuid::new_v4().to_string();
    let writer = Writer { app, job_id, token: &token, deadline };
    let now = app.clock.now().as_second();
    let Some(job) = app.jobs.claim_file(writer.lease(), now).await? else {
        return Ok(());
    };
    let outcome = match job.owes_results() {
        true => writer.write_all(&job).await,
        false => Ok(End::NotMine),
    };
    let now = app.clock.now();
    match outcome {
        Ok(End::Written) => {
            let end = FileEnd::of(&job, now);
            app.jobs.results_written(job_id, &token, &end, has_sheet(&job)).await?;
            Ok(())
        }
        Ok(End::Gone) => {
            tracing::warn!(%job_id, "file removed before its results were written");
            Ok(app.jobs.without_results(job_id, &FileEnd::of(&job, now)).await?)
        }
        Ok(End::NotMine) => Ok(app.jobs.leave_file(job_id, &token).await?),
        Err(error) => {
            app.jobs.leave_file(job_id, &token).await?;
            Err(error)
        }
    }
}

/// How writing results ended.
enum End {
    Written,
    /// Another process has the lease, or no process should.
    NotMine,
    /// The object was deleted or replaced.
    Gone,
}

/// A process that writes a job's results.
struct Writer<'a> {
    app: &'a App,
    job_id: JobId,
    token: &'a str,
    deadline: Instant,
}

impl Writer<'_> {
    /// The lease, renewed from now.
    fn lease(&self) -> FileLease<'_> {
        let until = self.app.clock.now().as_second() + FILE_LEASE;
        FileLease { job: self.job_id, reader: self.token, until }
    }

    /// Renews the lease; false if another process has taken it.
    async fn renew(&self) -> Result<bool, JobError> {
        Ok(self.app.jobs.keep_file(self.lease()).await?.is_some())
    }

    /// Writes the results as a spreadsheet; those in CSV are written after it.
    async fn write_sheet(&self, job: &Job, page: SheetWriter) -> Result<(), JobError> {
        let bytes = page.finish().map_err(JobError::broken)?;
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let mut out = self.app.files()?.writer(results_key(job, ResultsFormat::Xlsx), kind);
        out.write(&bytes).await?;
        out.finish().await?;
        Ok(())
    }

    /// Writes every row.
    async fn write_all(&self, job: &Job) -> Result<End, JobError> {
        let app = self.app;
        let (Some(file), Some(sheet)) = (&job.file, &job.sheet) else {
            return Ok(End::NotMine);
        };
        let (names, definition) = match job.members {
            Some(_) => (members(), member_row::definition()),
            None => {
                let catalog = &app.catalog;
                let template =
                    catalog.template_version(&job.org, job.template_id, job.template_version);
                let template = template.await?;
                let template =
                    template.ok_or_else(|| JobError::broken("a job without its template"))?;
                (fields(&template), template.definition.clone())
            }
        };
        let secret = app.catalog.id_secret(&job.org).await?;
        let layout = Layout::new(job, sheet, names);
        let object = rows_of(file, sheet);
        let mut out =
            app.files()?.writer(results_key(job, ResultsFormat::Csv), "text/csv; charset=utf-8");
        let names = layout.names();
        out.write(&layout.first_line(&names)?).await?;
        let begin = || SheetWriter::begin(job.lang.pick("Resultados", "Results"), &names);
        let mut page = has_sheet(job).then(begin).transpose().map_err(JobError::broken)?;
        let mut cells = Cells::new(sheet, Some(&definition));
        let mut offset = sheet.start.offset;
        let mut row = 0;
        let mut shard: Option<(u32, Vec<ResultRow>)> = None;
        let mut renewed = Instant::now();
        loop {
            let Some(bytes) = bytes_of(app, object, offset).await? else {
                return Ok(End::Gone);
            };
            offset += bytes.len() as u64;
            let all = bytes.is_empty() || offset >= object.size;
            let mut rows = cells.push(&bytes).map_err(JobError::broken)?;
            if all {
                rows.extend(cells.finish().map_err(JobError::broken)?);
            }
            for own in rows {
                row += 1;
                let number = job.shard_of(row);
                if shard.as_ref().is_none_or(|(kept, _)| *kept != number) {
                    shard = Some((number, results::of_shard(app, job, &secret, number).await?));
                }
                let ended = shard.iter().flat_map(|(_, rows)| rows).find(|ended| ended.row == row);
                let Some(ended) = ended else { return Ok(End::Gone) };
                let cells = layout.row(ended, &own);
                if let Some(page) = &mut page {
                    page.row(&cells).map_err(JobError::broken)?;
                }
                out.write(&layout.line(cells)?).await?;
                if renewed.elapsed() > RENEW_EVERY {
                    if Instant::now() + RESERVE >= self.deadline || !self.renew().await? {
                        return Ok(End::NotMine);
                    }
                    renewed = Instant::now();
                }
            }
            if all {
                if !self.renew().await? {
                    return Ok(End::NotMine);
                }
                if let Some(page) = page {
                    self.write_sheet(job, page).await?;
                }
                out.finish().await?;
                return Ok(End::Written);
            }
        }
    }
}

/// Whether a job's results are written as a spreadsheet too.
fn has_sheet(job: &Job) -> bool {
    job.total <= MAX_SHEET_ROWS
}

async fn bytes_of(app: &App, object: &Object, from: u64) -> Result<Option<Vec<u8>>, JobError> {
    match app.files()?.read(object, from, PIECE).await {
        Ok(bytes) => Ok(Some(bytes)),
        // The results of its rows remain in the table.
        Err(FileError::Gone) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Deletes the files of a job whose retention is over.
///
/// # Errors
/// [`JobError`]; the sweeper queues the task again.
pub async fn forget(app: &App, job_id: JobId) -> Result<(), JobError> {
    let Some(job) = app.jobs.get(job_id).await? else {
        return Ok(());
    };
    if job.is_export() && job.closed_at.is_some() {
        let mut keys = piece_keys(&job);
        keys.push(archive_key(&job));
        for keys in keys.chunks(KEYS_A_CALL) {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            app.files()?.delete(&keys).await?;
        }
        app.jobs.files_gone(job_id, &time::millis(app.clock.now())).await?;
        return Ok(());
    }
    let Some(file) = job.file.as_ref().filter(|_| job.closed_at.is_some()) else {
        return Ok(());
    };
    let [csv, xlsx] = [ResultsFormat::Csv, ResultsFormat::Xlsx].map(|of| results_key(&job, of));
    let copy = copy_key(&job);
    let written = [&*csv, &xlsx, &copy];
    let files = app.files()?;
    // Another file, of another job, may have replaced it by now.
    match files.read(&file.object, 0, 1).await {
        Ok(_) if file.object.size > 0 => {
            files.delete(&[&file.object.key, &csv, &xlsx, &copy]).await?;
        }
        // An empty file looks like any other empty one; the bucket's lifecycle deletes it.
        Ok(_) | Err(FileError::Gone) => files.delete(&written).await?,
        Err(error) => return Err(error.into()),
    }
    app.jobs.files_gone(job_id, &time::millis(app.clock.now())).await?;
    Ok(())
}
