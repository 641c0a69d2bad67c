//! The results file of a file's job: its own columns, and beside them how each row ended. Failed
//! rows can be corrected in it and the file uploaded again as it is.
//!
//! Safe to repeat: each attempt writes the whole file, which appears whole or not at all.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    app::App,
    aws::s3::{FileError, PRESIGNED_FOR},
    domain::{
        custom::CUSTOM,
        ids::JobId,
        job::{FILE_LEASE, Job},
        job_result::{ResultColumn, ResultRow},
        member_row::{self, ProfileField},
        recipient::reads_in_one_way,
        template::Template,
        time,
        unseen::visible,
        upload::{Format, Kind, Object},
    },
    jobs::{
        JobError,
        export_files::{KEYS_A_CALL, archive_key, piece_keys},
        read_file::rows_of,
        read_sheet::copy_key,
        results,
    },
    sheet::{
        Cells, ColumnName, Columns, Naming,
        guarding::{guarded, unguarded, unmarked},
        offered::of_template,
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

/// The layout of a job's results file.
struct Layout<'a> {
    job: &'a Job,
    sheet: &'a Format,
    /// The file's own columns: their names and positions in a row.
    own: Vec<(String, usize)>,
    /// Whether the file is an earlier results file.
    ours: bool,
    /// The columns in which its rows name their credentials.
    naming: Vec<usize>,
    /// Those in which they say which versions of these they are of.
    versions: Vec<usize>,
}

impl<'a> Layout<'a> {
    /// Lays out a file; `names` are those of JSON's members.
    fn new(job: &'a Job, sheet: &'a Format, names: Vec<String>) -> Self {
        let columns = Columns::of(&sheet.header);
        let own = match sheet.kind {
            // The results of an earlier results file are replaced.
            Kind::Csv | Kind::Sheet => sheet
                .header
                .iter()
                .enumerate()
                .filter(|(_, name)| !columns.is_result(name))
                .map(|(at, name)| (name.clone(), at))
                .collect(),
            Kind::JsonLines | Kind::Json => {
                names.into_iter().enumerate().map(|(at, name)| (name, at)).collect()
            }
        };
        let (naming, versions) = (columns.naming().to_vec(), columns.versions().to_vec());
        Self { job, sheet, own, ours: columns.are_ours(), naming, versions }
    }

    /// A cell of the file as the results have it; one of an earlier results file is guarded once.
    fn own_cell(&self, cell: &str) -> String {
        match self.ours {
            true => guarded(&unguarded(cell)).into_owned(),
            false => guarded(unmarked(cell)).into_owned(),
        }
    }

    fn results(&self) -> impl Iterator<Item = ResultColumn> {
        let of_members = self.job.members.is_some();
        let members = of_members.then(ResultColumn::of_members).into_iter().flatten();
        let (dry_run, corrects) = (self.job.is_dry_run(), self.job.corrector().is_some());
        let others = (!of_members).then(|| ResultColumn::of_file(dry_run, corrects));
        members.chain(others.into_iter().flatten())
    }

    /// The separator that the file has; that of a spreadsheet is what its language's takes.
    fn delimiter(&self) -> char {
        match self.sheet.kind {
            Kind::Sheet => self.job.lang.pick(';', ','),
            Kind::Csv | Kind::JsonLines | Kind::Json => self.sheet.delimiter,
        }
    }

    fn line(&self, cells: Vec<String>) -> Result<Vec<u8>, JobError> {
        let mut writer = csv::WriterBuilder::new()
            .flexible(true)
            .delimiter(u8::try_from(self.delimiter()).unwrap_or(b','))
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        writer.write_record(cells).map_err(JobError::broken)?;
        writer.into_inner().map_err(|error| JobError::broken(error.to_string()))
    }

    /// The names of its columns.
    fn names(&self) -> Vec<String> {
        let own = self.own.iter().map(|(name, _)| self.own_cell(name));
        own.chain(self.results().map(|column| column.name().to_owned())).collect()
    }

    /// With a BOM, by which Excel knows UTF-8.
    fn first_line(&self, names: &[String]) -> Result<Vec<u8>, JobError> {
        let line = self.line(names.to_vec())?;
        Ok([b"\xef\xbb\xbf".as_slice(), &line].concat())
    }

    fn row(&self, ended: &ResultRow, own: &[String]) -> Vec<String> {
        let line = own.first().filter(|_| !self.sheet.kind.is_table());
        // Of a member that is given twice, cells would hold one value, which nobody has chosen.
        let clear = line.is_none_or(|line| reads_in_one_way(line));
        let object: Option<Map<String, Value>> =
            line.filter(|_| clear).and_then(|line| serde_json::from_str(line).ok());
        // A line that is no object has no cell either: it stays as it is, to be mended.
        let broken = object.is_none();
        let object = object.unwrap_or_default();
        let cells = self.own.iter().map(|(name, at)| match self.sheet.kind {
            Kind::Csv | Kind::Sheet => {
                own.get(*at).map(|cell| self.own_cell(cell)).unwrap_or_default()
            }
            Kind::JsonLines | Kind::Json => member(&object, name).map(text).unwrap_or_default(),
        });
        let said = |places: &[usize]| match self.sheet.kind {
            Kind::Csv | Kind::Sheet => {
                places.iter().filter_map(|at| own.get(*at)).find(|cell| !cell.is_empty())
            }
            Kind::JsonLines | Kind::Json => None,
        };
        let kept = |places: &[usize], column: ResultColumn| {
            let said = said(places).map(|cell| self.own_cell(cell));
            said.or_else(|| object.get(column.name()).map(text)).unwrap_or_default()
        };
        let results = self.results().map(|column| match column {
            // A row that failed, corrected and uploaded again, still names its credential and the
            // version that it is of; one that would be new has none to name.
            ResultColumn::CredentialId if ended.credential_url.is_none() => {
                kept(&self.naming, column)
            }
            ResultColumn::CredentialVersion if ended.credential_url.is_none() => {
                kept(&self.versions, column)
            }
            ResultColumn::Changes => guarded(&self.changes_text(ended)).into_owned(),
            ResultColumn::Error => {
                guarded(&visible(ended.error.as_deref().unwrap_or_default())).into_owned()
            }
            _ => text(&ended.value(column)),
        });
        // Cells without a column come after all others: the row stays refused until corrected.
        let further: Vec<String> = match self.sheet.kind {
            Kind::Csv | Kind::Sheet => {
                own.get(self.sheet.header.len()..).unwrap_or_default().to_vec()
            }
            Kind::JsonLines | Kind::Json => {
                let ours = [ResultColumn::CredentialId, ResultColumn::CredentialVersion];
                let known = |name: &String| {
                    self.own.iter().any(|(own, _)| own == name)
                        || (name == CUSTOM && facts_have_columns(&object, &self.own))
                        || ours.iter().any(|column| column.name() == name)
                };
                line.filter(|_| broken || !object.keys().all(known)).into_iter().cloned().collect()
            }
        };
        let further = further.iter().map(|cell| self.own_cell(cell));
        cells.chain(results).chain(further).collect()
    }

    /// The fields that a row corrects, for people: by the file's own columns, in JSON by the
    /// API's names.
    fn changes_text(&self, ended: &ResultRow) -> String {
        let naming = Naming::of(self.sheet, self.job.lang);
        let name = |field: &String| match &naming {
            Some(naming) => naming.column(field),
            None => field.clone(),
        };
        let value = |value: &Value| match value {
            Value::Null => self.job.lang.pick("(vacío)", "(empty)").to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let changes = ended.changes.iter().flatten();
        let changes = changes.map(|change| {
            let (before, after) = (value(&change.before), value(&change.after));
            format!("{}: {before} → {after}", name(&change.field))
        });
        changes.collect::<Vec<_>>().join("; ")
    }
}

/// The columns of a template's recipients from JSON.
fn fields(template: &Template) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for ColumnName { field: name, .. } in of_template(&template.definition) {
        // The API takes evidence as one list.
        let name = if name.starts_with("evidence_") { "evidence" } else { name };
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names.extend(template.definition.custom_fields.iter().map(|field| field.key.field()));
    names
}

/// The member of a row in JSON that a column has: a fact of the template's own is within `custom`.
fn member<'a>(object: &'a Map<String, Value>, column: &str) -> Option<&'a Value> {
    match column.strip_prefix("custom.") {
        Some(key) => object.get(CUSTOM)?.get(key),
        None => object.get(column),
    }
}

/// Whether every fact of a row in JSON has its column.
fn facts_have_columns(object: &Map<String, Value>, own: &[(String, usize)]) -> bool {
    let Some(Value::Object(facts)) = object.get(CUSTOM) else { return false };
    let has = |key: &String| own.iter().any(|(name, _)| name.strip_prefix("custom.") == Some(key));
    facts.keys().all(has)
}

/// The columns of members from JSON.
fn members() -> Vec<String> {
    let fields = ProfileField::ALL.map(ProfileField::as_str);
    ["email"].into_iter().chain(fields).map(str::to_owned).collect()
}

/// A value as a cell.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => guarded(text).into_owned(),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            guarded(&values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
                .into_owned()
        }
        other => guarded(&other.to_string()).into_owned(),
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
