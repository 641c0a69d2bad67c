//! Reading a file into its job.
//!
//! The file is first surveyed as a whole ([`sheet::Survey`]), then read in pieces: the rows of
//! some shards are stored, then queued, then the position is noted; see
//! [`import_members`] for files of members.
//!
//! Safe to repeat: rows that were stored or queued but not noted are stored and queued again,
//! which changes nothing (see [`crate::credentials::issue`]). One process at a time reads a
//! file, under a lease that each note renews; when the process dies or its time ends, the
//! sweeper has another one read on from the position. Two at once would do the same work twice,
//! without harm.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    app::App,
    aws::s3::FileError,
    domain::{
        column_map::ReadColumn,
        encoding::Encoding,
        fault::ACHIEVEMENT_NOT_FOUND,
        ids::JobId,
        job::{FILE_LEASE, Job, JobFailure, JobFile, Row},
        lang::Lang,
        member_row::{self, LastRows},
        template::{Definition, Template},
        tenant::Tenant,
        upload::{Format, Object, Position, Upload},
        upload_path::UploadPath,
        warning::WarningKind,
    },
    jobs::{
        JobError,
        accept::{self, fan_out},
        import_members::{self, MAX_MEMBERS},
        member_rows::{self, FileMember},
    },
    sheet::{
        self, Assigned, List, MAX_HEADER, Naming, Rows, Said, SheetFault, SheetRow, Survey, Terms,
        workbook::{Ask, is_spreadsheet, no_sheets},
    },
    store::job_files::{FileEnd, FileLease, SoFar},
};

/// Bytes of one read.
const PIECE: u64 = 1024 * 1024;
/// Shards whose rows are stored and queued between two notes of the position.
const SHARDS_AT_ONCE: usize = 8;
/// Time before the deadline at which reading stops.
const RESERVE: Duration = Duration::from_secs(20);
/// Time between two renewals of the lease during the survey.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(30);
pub(super) fn failure(code: &str, error: String) -> JobFailure {
    JobFailure {
        error,
        code: code.to_owned(),
        line: None,
        column: None,
        readings: Vec::new(),
        sheets: Vec::new(),
        sheet: None,
    }
}

pub(super) fn ttl_of(job: &Job) -> Result<i64, JobError> {
    job.ttl().ok_or_else(|| JobError::broken("a job without expiry"))
}

/// Ends a job whose file is refused, unless `reader` has lost its lease.
pub(super) async fn fail(
    app: &App,
    job: &Job,
    failure: &JobFailure,
    reader: Option<&str>,
) -> Result<(), JobError> {
    tracing::info!(job_id = %job.job_id, code = failure.code, "file refused");
    let end = FileEnd::of(job, app.clock.now());
    app.jobs.fail(job.job_id, failure, reader, &end).await?;
    Ok(())
}

/// Ends work on a file that no process could complete.
///
/// # Errors
/// [`JobError`].
pub async fn give_up(app: &App, job: &Job, now: Timestamp) -> Result<(), JobError> {
    if !job.is_reading() {
        return Ok(app.jobs.without_results(job.job_id, &FileEnd::of(job, now)).await?);
    }
    let text = job.lang.pick(
        "No se pudo leer el archivo por un fallo nuestro; súbelo de nuevo: lo ya emitido no se duplica",
        "The file could not be read, by a failure of ours; upload it again: what was issued is not issued twice",
    );
    fail(app, job, &failure("gave_up", text.to_owned()), None).await
}

/// Why reading ended before the file did.
pub(super) enum Broken {
    /// The file cannot be read as a whole.
    Refused(JobFailure),
    /// Another process has the lease, or no process should.
    Lost,
    /// A failure of ours: later.
    Trouble(JobError),
}

impl<E: Into<JobError>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Trouble(error.into())
    }
}

/// Reads a job's file on from its noted position.
///
/// # Errors
/// [`JobError`]; the sweeper queues the file again.
pub(super) async fn read(app: &App, job_id: JobId, deadline: Instant) -> Result<(), JobError> {
    let token = Uuid::new_v4().to_string();
    let reader = Reader { app, job_id, token: &token };
    let now = app.clock.now().as_second();
    let Some(job) = app.jobs.claim_file(reader.lease(), now).await? else {
        return Ok(());
    };
    let outcome = match job.is_reading() {
        true => reader.read_on(job.clone(), deadline).await,
        false => Err(Broken::Lost),
    };
    match outcome {
        Ok(()) => Ok(()),
        Err(Broken::Refused(failure)) => fail(app, &job, &failure, Some(&token)).await,
        Err(Broken::Lost) => Ok(app.jobs.leave_file(job_id, &token).await?),
        Err(Broken::Trouble(error)) => {
            app.jobs.leave_file(job_id, &token).await?;
            Err(error)
        }
    }
}

/// The failure of a job whose file has a fault.
fn refused(fault: SheetFault, lang: Lang) -> Broken {
    Broken::Refused(JobFailure {
        error: fault.text(lang),
        code: fault.code.to_owned(),
        line: fault.line,
        column: fault.column,
        readings: fault.readings,
        sheets: fault.sheets,
        sheet: fault.sheet.map(String::from),
    })
}

/// A row of a file as its job stores it, its faults in the words of its people.
fn row_of(read: SheetRow, naming: Option<&Naming<'_>>, lang: Lang) -> Row {
    let SheetRow { row, line, entry, refused, .. } = read;
    let faults = match (&entry.recipient, naming) {
        (Err(faults), Some(naming)) => {
            let text = |fault| naming.fault(fault, Said::Cells(&refused));
            Some(faults.iter().map(text).collect())
        }
        _ => None,
    };
    let mut stored = accept::row(row, Some(line), entry, lang);
    if let Some(faults) = faults {
        stored.faults = faults;
    }
    stored
}

/// The failure of a job that wants no guessed encoding.
fn guessed(encoding: Encoding, lang: Lang) -> Broken {
    let label = encoding.label(lang);
    let text = lang.pick(
        format!("La codificación del archivo se supuso por sus letras ({label}), y pediste rechazar lo que se supone: indícala al subirlo, o guarda el archivo como «CSV UTF-8»"),
        format!("The encoding of the file was found by its letters ({label}), and you asked to refuse what is guessed: name it with the upload, or save the file as \"CSV UTF-8\""),
    );
    Broken::Refused(failure(WarningKind::GuessedEncoding.as_str(), text))
}

/// The object that has the rows of a file: that of a spreadsheet is its copy.
pub(super) fn rows_of<'a>(file: &'a JobFile, format: &'a Format) -> &'a Object {
    format.copy.as_ref().map_or(&file.object, |copy| &copy.object)
}

/// A process that reads a job's file.
pub(super) struct Reader<'a> {
    pub(super) app: &'a App,
    job_id: JobId,
    token: &'a str,
}

impl Reader<'_> {
    /// The lease, renewed from now.
    pub(super) fn lease(&self) -> FileLease<'_> {
        let until = self.app.clock.now().as_second() + FILE_LEASE;
        FileLease { job: self.job_id, reader: self.token, until }
    }

    async fn read_on(&self, job: Job, deadline: Instant) -> Result<(), Broken> {
        let app = self.app;
        let stop = deadline.checked_sub(RESERVE).unwrap_or(deadline);
        let lang = job.lang;
        let template = match job.members {
            Some(_) => None,
            None => Some(self.template(&job).await?),
        };
        let profile = member_row::definition();
        let definition = template.as_ref().map_or(&profile, |template| &template.definition);
        let file = job.file.clone().ok_or(Broken::Lost)?;
        let mut job = match job.sheet {
            Some(_) => job,
            None => {
                let surveyed = self.survey(&job, &file, definition).await?;
                if job.members.is_some() && surveyed.rows > MAX_MEMBERS {
                    return Err(Broken::Refused(import_members::too_many(lang)));
                }
                if surveyed.format.guessed && job.strict.refuses(WarningKind::GuessedEncoding) {
                    return Err(guessed(surveyed.format.encoding, lang));
                }
                let counted =
                    app.jobs.counted(self.lease(), &surveyed.format, surveyed.rows).await?;
                counted.ok_or(Broken::Lost)?
            }
        };
        let sheet = job.sheet.clone().ok_or(Broken::Lost)?;
        let object = rows_of(&file, &sheet);
        let mut at = job.read_to.unwrap_or(sheet.start);
        let last_rows = match job.members {
            Some(_) => Some(self.last_rows(object, &sheet, definition, lang).await?),
            None => None,
        };
        let mut rows = match last_rows {
            Some(_) => Rows::of_members(&sheet, definition, at),
            None => Rows::new(&sheet, definition, at),
        };
        let window = SHARDS_AT_ONCE * usize::try_from(job.shard_rows).unwrap_or(usize::MAX).max(1);
        let mut offset = at.offset;
        let mut read: Vec<SheetRow> = Vec::new();
        loop {
            let bytes = self.bytes(object, offset, PIECE, lang).await?;
            offset += bytes.len() as u64;
            let all = offset >= object.size || bytes.is_empty();
            read.extend(rows.push(&bytes).map_err(|fault| refused(fault, lang))?);
            if all {
                read.extend(rows.finish().map_err(|fault| refused(fault, lang))?);
            }
            while read.len() >= window || (all && !read.is_empty()) {
                let left = read.split_off(window.min(read.len()));
                at = read.last().map_or(at, |row| row.end);
                let taken = std::mem::replace(&mut read, left);
                let ends = all && read.is_empty();
                let members = last_rows.as_ref();
                job = self.accept(&job, definition, taken, (at, ends), members).await?;
                if ends {
                    return Ok(());
                }
                if Instant::now() >= stop {
                    tracing::info!(job_id = %job.job_id, row = at.row, "file left to be resumed");
                    return Err(Broken::Lost);
                }
            }
            if all {
                // All rows were stored and queued before, and only the end was not noted.
                let so_far = SoFar { warnings: &job.warnings, members: job.members.as_ref() };
                app.jobs.read_to(self.lease(), at, true, so_far).await?;
                return Ok(());
            }
        }
    }

    /// The template that the job began with.
    async fn template(&self, job: &Job) -> Result<Arc<Template>, Broken> {
        let catalog = &self.app.catalog;
        let read = catalog.template_version(&job.org, job.template_id, job.template_version);
        read.await?.ok_or_else(|| {
            Broken::Refused(failure("template_not_found", ACHIEVEMENT_NOT_FOUND.to_owned()))
        })
    }

    /// Reads a file of members to its end, for the row that counts for each address.
    async fn last_rows(
        &self,
        object: &Object,
        sheet: &Format,
        definition: &Definition,
        lang: Lang,
    ) -> Result<LastRows, Broken> {
        let mut rows = Rows::of_members(sheet, definition, sheet.start);
        let (mut offset, mut last) = (sheet.start.offset, LastRows::default());
        let mut note = |rows: Vec<SheetRow>| {
            let rows: Vec<FileMember> =
                rows.into_iter().map(|row| FileMember::of(row, sheet.kind)).collect();
            member_rows::note(&mut last, &rows);
        };
        loop {
            let bytes = self.bytes(object, offset, PIECE, lang).await?;
            if bytes.is_empty() {
                note(rows.finish().map_err(|fault| refused(fault, lang))?);
                return Ok(last);
            }
            offset += bytes.len() as u64;
            note(rows.push(&bytes).map_err(|fault| refused(fault, lang))?);
        }
    }

    /// Stores and queues rows, or imports those of members; then notes the position after them.
    async fn accept(
        &self,
        job: &Job,
        definition: &Definition,
        rows: Vec<SheetRow>,
        (at, last): (Position, bool),
        members: Option<&LastRows>,
    ) -> Result<Job, Broken> {
        let lost = || Broken::Refused(failure("gave_up", "rows were lost".to_owned()));
        if let (Some(members), Some(sheet)) = (members, &job.sheet) {
            let noted = import_members::import(self.app, job, sheet, rows, members).await?;
            if last && at.row != job.total {
                return Err(lost());
            }
            let so_far = SoFar { warnings: &noted.warnings, members: Some(&noted.order) };
            let noted = self.app.jobs.read_to(self.lease(), at, last, so_far).await?;
            return noted.ok_or(Broken::Lost);
        }
        let ttl = ttl_of(job)?;
        let naming = job.sheet.as_ref().and_then(|format| Naming::of(format, job.lang));
        let rows: Vec<Row> =
            rows.into_iter().map(|row| row_of(row, naming.as_ref(), job.lang)).collect();
        let warnings = accept::warned(job.warnings.clone(), &rows, &job.created_at, definition);
        self.app.jobs.put_inputs(job, &rows, ttl).await?;
        // The rows of a job that was cancelled are stored, so that each ends.
        if job.takes_rows() {
            fan_out(self.app, job, ttl, rows).await?;
        }
        if last && at.row != job.total {
            return Err(lost());
        }
        let so_far = SoFar { warnings: &warnings, members: None };
        let noted = self.app.jobs.read_to(self.lease(), at, last, so_far).await?;
        noted.ok_or(Broken::Lost)
    }

    /// Surveys the whole file before any of it is issued. What became of its columns is kept for
    /// people: of a dry run, and of a file whose header is at fault.
    async fn survey(
        &self,
        job: &Job,
        file: &JobFile,
        definition: &Definition,
    ) -> Result<sheet::Surveyed, Broken> {
        let path = UploadPath::parse(&file.object.key);
        let given = match path.as_ref().and_then(|path| path.upload_id) {
            Some(id) => {
                let tenant = Tenant { org: &job.org, mode: job.mode };
                self.app.jobs.upload_for(tenant, id).await?
            }
            None => None,
        };
        let given = given.filter(|upload| upload.template_id == job.template_id);
        let day_first = given.as_ref().is_some_and(|upload| upload.day_first);
        let ask = match (&given, &path) {
            (Some(Upload { sheet, hidden_rows, .. }), _) => {
                Ask { sheet: sheet.as_deref(), hidden_rows: *hidden_rows }
            }
            (None, Some(UploadPath { folders, .. })) => {
                Ask { sheet: folders.sheet.as_deref(), hidden_rows: folders.hidden_rows }
            }
            (None, None) => Ask::default(),
        };
        let given = given.as_ref().map(|upload| &upload.column_map);
        let (list, remembered) = match job.members {
            Some(_) => (List::Members, None),
            None => {
                let catalog = &self.app.catalog;
                (List::Recipients, catalog.column_map(&job.org, job.template_id).await?)
            }
        };
        let terms = Terms {
            list,
            encoding: file.encoding,
            assigned: Assigned {
                given,
                remembered: remembered.as_ref().map(|remembered| &remembered.map),
            },
            day_first: day_first || remembered.as_ref().is_some_and(|map| map.day_first),
            corrects: job.corrector().is_some(),
            send_email: job.send_email,
            ..Terms::of(job.template_id, definition)
        };
        match self.surveyed(job, file, terms, ask).await? {
            Ok(mut surveyed) => {
                if job.is_dry_run() {
                    self.keep(job, std::mem::take(&mut surveyed.columns)).await?;
                }
                Ok(surveyed)
            }
            Err(mut fault) => {
                self.keep(job, std::mem::take(&mut fault.columns)).await?;
                Err(refused(fault, job.lang))
            }
        }
    }

    /// Keeps what became of the columns, if there are any, as long as files are kept.
    async fn keep(&self, job: &Job, columns: Vec<ReadColumn>) -> Result<(), Broken> {
        if !columns.is_empty() {
            let until = job.files_until(self.app.clock.now()).as_second();
            self.app.jobs.put_columns(self.job_id, columns, until).await?;
        }
        Ok(())
    }

    /// Reads the whole file, and its fault if it has one.
    async fn surveyed(
        &self,
        job: &Job,
        file: &JobFile,
        terms: Terms<'_>,
        ask: Ask<'_>,
    ) -> Result<Result<sheet::Surveyed, SheetFault>, Broken> {
        let first = self.bytes(&file.object, 0, MAX_HEADER as u64, job.lang).await?;
        if is_spreadsheet(&first) {
            let copy = match self.unpack(job, file, &first, terms, ask).await? {
                Ok(copy) => copy,
                Err(fault) => return Ok(Err(fault)),
            };
            let first = self.bytes(&copy.object, 0, MAX_HEADER as u64, job.lang).await?;
            let survey = Survey::of_copy(&first, terms);
            let (sheet, sheets) = (copy.workbook.sheet.clone(), copy.workbook.sheets.clone());
            let read = |fault| SheetFault { sheet: Some(sheet.into()), sheets, ..fault };
            let surveyed = self.survey_all(survey, &copy.object, job.lang).await?;
            return Ok(surveyed.map_err(read).map(|mut found| {
                found.format.copy = Some(Box::new(copy));
                found
            }));
        }
        if let Some(named) = ask.sheet {
            return Ok(Err(no_sheets(named)));
        }
        self.survey_all(Survey::begin(&first, terms), &file.object, job.lang).await
    }

    async fn survey_all(
        &self,
        begun: Result<Survey<'_>, SheetFault>,
        object: &Object,
        lang: Lang,
    ) -> Result<Result<sheet::Surveyed, SheetFault>, Broken> {
        let mut survey = match begun {
            Ok(survey) => survey,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut offset = survey.starts_at();
        let mut renewed = Instant::now();
        loop {
            let bytes = self.bytes(object, offset, PIECE, lang).await?;
            if bytes.is_empty() {
                return Ok(survey.finish());
            }
            if let Err(fault) = survey.push(&bytes) {
                return Ok(Err(fault));
            }
            offset += bytes.len() as u64;
            if renewed.elapsed() > RENEW_EVERY {
                self.app.jobs.keep_file(self.lease()).await?.ok_or(Broken::Lost)?;
                renewed = Instant::now();
            }
        }
    }

    pub(super) async fn bytes(
        &self,
        object: &Object,
        from: u64,
        length: u64,
        lang: Lang,
    ) -> Result<Vec<u8>, Broken> {
        match self.app.files()?.read(object, from, length).await {
            Ok(bytes) => Ok(bytes),
            Err(FileError::Gone) => Err(Broken::Refused(failure(
                "file_gone",
                lang.pick(
                    "El archivo se borró o se reemplazó mientras se leía; súbelo de nuevo: lo ya emitido no se duplica",
                    "The file was removed or replaced while it was read; upload it again: what was issued is not issued twice",
                )
                .to_owned(),
            ))),
            Err(error) => Err(Broken::Trouble(error.into())),
        }
    }
}
