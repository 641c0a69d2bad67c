//! Files: let in, found, read into a job.
//!
//! A file that arrives under `incoming/` starts a job by itself. The job's id follows from the
//! object's key and its version or entity tag, so an event that comes twice finds the one job.
//! The file is looked at as a whole ([`sheet::Survey`]), then read in pieces: rows of some
//! shards are stored, then queued, then the place is noted.
//!
//! Safe to repeat: rows that were stored or queued but not noted are stored and queued again,
//! which changes nothing (see [`crate::credentials::issue`]). One process at a time reads a file, under a
//! lease that each note puts off; when it dies or its time ends, the sweeper has the next one
//! go on from the place. Two at once would do the same work twice, and no harm.

use crate::domain::upload::Upload;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use http::{Response, StatusCode};
use jiff::{Timestamp, ToSpan};
use lambda_http::Body;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::{
    api::auth,
    app::App,
    aws::{
        s3::{FileError, PRESIGNED_FOR},
        sqs::FileTask,
    },
    credentials::issue,
    domain::{
        api_key::Scope,
        fault::ACHIEVEMENT_NOT_FOUND,
        fields::Fields,
        ids::{JobId, Mode, OrgId, TemplateId},
        job::{FILES_KEPT_DAYS, Issuing, Job, JobFailure, JobFile, JobKind, NewJob, Row},
        lang::Lang,
        template::Template,
        text::MAX_TEXT,
        time,
        upload::Object,
    },
    http::{
        problem::Problem,
        serve::{Call, json as answer, ok},
    },
    jobs::{
        accept::{self, fan_out},
        results_file,
    },
    sheet::{self, MAX_FILE, MAX_HEADER, Rows, SheetFault, SheetRow, Survey},
    store::StoreError,
};

/// Bytes that are read at once.
const PIECE: u64 = 1024 * 1024;
/// Shards whose rows are stored and queued between two notes of the place.
const SHARDS_AT_ONCE: usize = 8;
/// Time before the deadline at which reading stops where it is.
const RESERVE: Duration = Duration::from_secs(20);
/// Seconds that a file is somebody's after their last note: reading and queueing what lies
/// between two notes takes seconds.
pub(crate) const LEASE: i64 = 120;
/// Days that it is remembered what a file was let in for: as long as its job.
const KEPT_DAYS: i64 = 90;

/// `POST /uploads`: lets a file of a known size in, by a URL that takes it for 15 minutes.
/// Repeating it lets another one in; nothing begins before a file arrives.
///
/// # Errors
/// The documented problems.
pub async fn create(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call, &[Scope::Issue]).await?;
    let mut body = Fields::of_body(call.expect_json()?)?;
    let template_id = body.required_text("template_id", MAX_TEXT);
    let template_id = template_id.and_then(|text| match TemplateId::parse(&text) {
        Ok(id) => Some(id),
        Err(_) => {
            body.fault(
                "template_id",
                "invalid_uuid",
                "El campo template_id debe ser un UUID",
                "The field template_id must be a UUID",
            );
            None
        }
    });
    let file_name = body.required_text("file_name", MAX_TEXT);
    if !body.has("size") || body.take_null("size") {
        body.missing("size");
    }
    let size = body.whole("size", 1, u64::MAX);
    let send_email = body.boolean("send_email").unwrap_or(true);
    let dry_run = body.boolean("dry_run").unwrap_or(false);
    body.end()?;
    let (Some(template_id), Some(file_name), Some(size)) = (template_id, file_name, size) else {
        return Err(Problem::invalid_request(Vec::new()));
    };
    if size > MAX_FILE {
        return Err(Problem::file_too_large(MAX_FILE));
    }
    if !dry_run {
        issue::require_lasting_links(app, caller.mode)?;
    }
    let template = app.catalog.template(&caller.org, template_id).await?;
    let template = template.ok_or_else(|| Problem::template_not_found(Some("/template_id")))?;
    if template.archived {
        return Err(Problem::template_archived());
    }
    let until = i64::try_from(PRESIGNED_FOR.as_secs()).unwrap_or_default().seconds();
    let upload = Upload {
        v: 1,
        upload_id: Uuid::new_v4(),
        org: caller.org,
        mode: caller.mode,
        template_id,
        file_name: file_name.replace(['/', '\\'], "_"),
        size,
        send_email,
        dry_run,
        lang: call.lang,
        created_at: call.now_text(),
        expires_at: time::seconds(call.now.checked_add(until).map_err(Problem::internal)?),
        job_id: None,
    };
    let presigned = app.files()?.presigned_put(&upload.key(), size).await?;
    let ttl = call.now.as_second() + KEPT_DAYS * 24 * 3600;
    app.jobs.put_upload(&upload, ttl).await?;
    let mut headers = serde_json::Map::new();
    for (name, value) in presigned.headers {
        headers.insert(name, value.into());
    }
    answer(
        StatusCode::CREATED,
        &json!({
            "upload_id": upload.upload_id,
            "upload": { "method": "PUT", "url": presigned.url, "headers": headers },
            "expires_at": upload.expires_at,
            "status_url": format!("/api/v1/uploads/{}", upload.upload_id),
        }),
    )
}

/// `GET /uploads/{upload_id}`: whether the file arrived, and its job.
///
/// # Errors
/// The documented problems.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let unknown = || Problem::not_found("La subida no existe", "The upload does not exist");
    let caller = auth::authenticate(app, call, &[Scope::Issue, Scope::Read]).await?;
    let id = Uuid::try_parse(&call.parameter).map_err(|_| unknown())?;
    let upload = app.jobs.upload(id).await?.ok_or_else(unknown)?;
    if !caller.owns(&upload.org, upload.mode) {
        return Err(unknown());
    }
    ok(&upload.answer())
}

/// Where a file arrived.
#[derive(Debug, PartialEq, Eq)]
struct UploadPath {
    mode: Mode,
    org: OrgId,
    template_id: TemplateId,
    upload_id: Option<Uuid>,
    name: String,
}

impl UploadPath {
    /// Reads an object's key.
    fn of(key: &str) -> Option<Self> {
        let mut parts = key.strip_prefix("incoming/")?.splitn(4, '/');
        let mode = match parts.next()? {
            "live" => Mode::Live,
            "test" => Mode::Test,
            _ => return None,
        };
        let org = OrgId::parse(parts.next()?).ok()?;
        let template_id = TemplateId::parse(parts.next()?).ok()?;
        let rest = parts.next().filter(|rest| !rest.is_empty() && !rest.ends_with('/'))?;
        let upload_id = rest.split_once('/').and_then(|(id, _)| Uuid::try_parse(id).ok());
        let name = rest.rsplit('/').next()?.to_owned();
        Some(Self { mode, org, template_id, upload_id, name })
    }
}

/// An event of S3, as far as it is read (S3 User Guide, "Event message structure").
#[derive(Debug, Deserialize)]
struct Notification {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
struct Record {
    #[serde(rename = "eventName", default)]
    event: String,
    s3: S3,
}

#[derive(Debug, Deserialize)]
struct S3 {
    object: Arrived,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arrived {
    key: String,
    #[serde(default)]
    size: u64,
    #[serde(default, rename = "eTag")]
    etag: String,
    #[serde(default)]
    version_id: Option<String>,
}

impl Arrived {
    /// The object; in an event its key is encoded as in a form.
    fn object(self) -> Object {
        let encoded = format!("key={}", self.key.replace('&', "%26"));
        let key = url::form_urlencoded::parse(encoded.as_bytes()).next();
        Object {
            key: key.map_or_else(|| self.key.clone(), |(_, key)| key.into_owned()),
            version: self.version_id.filter(|version| !version.is_empty() && version != "null"),
            etag: self.etag.trim_matches('"').to_owned(),
            size: self.size,
        }
    }
}

/// Handles a message of the queue `uploads`: files that arrived, or what is to be done with
/// one. Stops some time before the deadline; the sweeper has it gone on with.
///
/// # Errors
/// When it is to come back.
pub async fn handle(app: &App, body: &str, deadline: Instant) -> Result<(), Problem> {
    if let Ok(order) = serde_json::from_str::<FileTask>(body) {
        return match order {
            FileTask::Read { job_id } => read(app, job_id, deadline).await,
            FileTask::Results { job_id } => results_file::write(app, job_id, deadline).await,
            FileTask::Forget { job_id } => results_file::forget(app, job_id).await,
        };
    }
    // S3 also sends a test event when the notification is set up: it has no records.
    let notification: Notification = serde_json::from_str(body).map_err(Problem::internal)?;
    for record in notification.records {
        if record.event.trim_start_matches("s3:").starts_with("ObjectCreated:")
            && let Some(job_id) = arrived(app, record.s3.object.object()).await?
        {
            read(app, job_id, deadline).await?;
        }
    }
    Ok(())
}

/// The job of an object: the same object is the same job.
fn job_of(object: &Object) -> JobId {
    let version = object.version.as_deref().unwrap_or(&object.etag);
    let hash = digest::digest(&digest::SHA256, format!("{}\n{version}", object.key).as_bytes());
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    JobId::from(Uuid::new_v8(bytes))
}

/// Begins the job of a file that arrived. None when there is nothing to read: the place is
/// nobody's, or the file is refused, which its job says.
async fn arrived(app: &App, object: Object) -> Result<Option<JobId>, Problem> {
    let Some(place) = UploadPath::of(&object.key) else {
        tracing::warn!("file ignored: its key names no organization and template");
        return Ok(None);
    };
    let now = app.clock.now();
    let UploadPath { mode, org, template_id, upload_id, name } = place;
    let read = app.catalog.together(&org, None, Some(template_id), &[]).await?;
    let Some(organization) = read.organization else {
        tracing::warn!(org = org.as_str(), "file ignored: its organization does not exist");
        return Ok(None);
    };
    let upload = match upload_id {
        Some(id) => app.jobs.upload(id).await?,
        None => None,
    };
    let upload = upload.filter(|upload| {
        (&upload.org, upload.mode, upload.template_id) == (&org, mode, template_id)
    });
    let lang = upload.as_ref().map_or(organization.settings.language, |upload| upload.lang);
    let job_id = job_of(&object);
    let version = read.template.as_ref().map_or(0, |template| template.version);
    let too_large = object.size > MAX_FILE;
    let send_email = upload.as_ref().is_none_or(|upload| upload.send_email);
    let dry_run = upload.as_ref().is_some_and(|upload| upload.dry_run);
    let issuing = Issuing { template_id, template_version: version, send_email };
    let new = NewJob {
        job_id,
        org,
        mode,
        kind: if dry_run { JobKind::DryRun(issuing) } else { JobKind::Issue(issuing) },
        total: 0,
        shard_rows: app.shard_rows,
        begun_at: time::millis(now),
        lang,
        file: Some(JobFile { object, name }),
    };
    let job = Job::new(new, now);
    let ttl = ttl_of(&job)?;
    let begun = match app.jobs.create(&job, ttl).await {
        Ok(()) => None,
        Err(StoreError::Conflict) => app.jobs.get(job_id).await?,
        Err(error) => return Err(error.into()),
    };
    if let Some(upload) = &upload {
        app.jobs.uploaded(upload.upload_id, job_id).await?;
    }
    if begun.is_some_and(|job| job.sheet.is_some() || !job.is_reading()) {
        // The event comes again: what was right when its reading began stays right.
        return Ok(Some(job_id));
    }
    let failure = match &read.template {
        None => Some(failure("template_not_found", ACHIEVEMENT_NOT_FOUND.to_owned())),
        Some(template) if template.archived => {
            Some(told("template_archived", &Problem::template_archived(), lang))
        }
        Some(_) if too_large => {
            Some(told("payload_too_large", &Problem::file_too_large(MAX_FILE), lang))
        }
        Some(_) if dry_run => None,
        Some(_) => issue::require_lasting_links(app, mode)
            .err()
            .map(Problem::from)
            .map(|problem| told(problem.code, &problem, lang)),
    };
    match failure {
        None => Ok(Some(job_id)),
        Some(failure) => {
            fail(app, job_id, &failure, None).await?;
            Ok(None)
        }
    }
}

fn failure(code: &str, error: String) -> JobFailure {
    JobFailure { error, code: code.to_owned(), line: None, column: None }
}

fn told(code: &str, problem: &Problem, lang: Lang) -> JobFailure {
    let (es, en) = problem.texts();
    failure(code, lang.pick(es, en))
}

fn ttl_of(job: &Job) -> Result<i64, Problem> {
    Ok(job.expires_at.parse::<Timestamp>().map_err(Problem::internal)?.as_second())
}

/// When the files of a job that ends now go.
pub(crate) fn files_until(now: Timestamp) -> Result<String, Problem> {
    let until = now.checked_add((24 * FILES_KEPT_DAYS).hours()).map_err(Problem::internal)?;
    Ok(time::millis(until))
}

/// Ends a job whose file is refused, if `reader` still reads it.
async fn fail(
    app: &App,
    job: JobId,
    failure: &JobFailure,
    reader: Option<&str>,
) -> Result<(), Problem> {
    let now = app.clock.now();
    tracing::info!(job_id = %job, code = failure.code, "file refused");
    app.jobs.fail(job, failure, reader, (&time::millis(now), &files_until(now)?)).await?;
    Ok(())
}

/// Ends work on a file that nobody could end.
///
/// # Errors
/// As of the store.
pub async fn give_up(app: &App, job: &Job, now: Timestamp) -> Result<(), Problem> {
    if !job.is_reading() {
        let until = files_until(now)?;
        return Ok(app.jobs.without_results(job.job_id, &until).await?);
    }
    let text = job.lang.pick(
        "No se pudo leer el archivo por un fallo nuestro; súbelo de nuevo: lo ya emitido no se duplica",
        "The file could not be read, by a failure of ours; upload it again: what was issued is not issued twice",
    );
    fail(app, job.job_id, &failure("gave_up", text.to_owned()), None).await
}

/// Why reading ended before the file did.
enum Broken {
    /// The file cannot be read as a whole.
    Refused(JobFailure),
    /// Another process goes on with it, or nobody should.
    Lost,
    /// Later.
    Trouble(Problem),
}

impl<E: Into<Problem>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Trouble(error.into())
    }
}

/// Reads a job's file on, from where it was left.
async fn read(app: &App, job_id: JobId, deadline: Instant) -> Result<(), Problem> {
    let reader = Uuid::new_v4().to_string();
    let now = app.clock.now().as_second();
    let Some(job) = app.jobs.claim_file(job_id, &reader, now, now + LEASE).await? else {
        return Ok(());
    };
    let outcome = match job.is_reading() {
        true => read_on(app, job, &reader, deadline).await,
        false => Err(Broken::Lost),
    };
    match outcome {
        Ok(()) => Ok(()),
        Err(Broken::Refused(failure)) => fail(app, job_id, &failure, Some(&reader)).await,
        Err(Broken::Lost) => Ok(app.jobs.leave_file(job_id, &reader).await?),
        Err(Broken::Trouble(problem)) => {
            app.jobs.leave_file(job_id, &reader).await?;
            Err(problem)
        }
    }
}

async fn read_on(app: &App, job: Job, reader: &str, deadline: Instant) -> Result<(), Broken> {
    let stop = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    let lang = job.lang;
    let refused = |fault: SheetFault| {
        Broken::Refused(JobFailure {
            error: fault.text(lang),
            code: fault.code.to_owned(),
            line: fault.line,
            column: fault.column,
        })
    };
    let template =
        app.catalog.template_version(&job.org, job.template_id, job.template_version).await?;
    let template = template.ok_or_else(|| {
        Broken::Refused(failure("template_not_found", ACHIEVEMENT_NOT_FOUND.to_owned()))
    })?;
    let file = job.file.clone().ok_or(Broken::Lost)?;
    let mut job = match job.sheet {
        Some(_) => job,
        None => {
            let looked = look_at(app, &file, &template, (&job, reader), refused).await?;
            let until = app.clock.now().as_second() + LEASE;
            let counted =
                app.jobs.counted(job.job_id, reader, (&looked.format, looked.rows), until).await?;
            counted.ok_or(Broken::Lost)?
        }
    };
    let sheet = job.sheet.clone().ok_or(Broken::Lost)?;
    let ttl = ttl_of(&job)?;
    let mut at = job.read_to.unwrap_or(sheet.start);
    let mut rows = Rows::new(&sheet, &template.definition, at);
    let window = SHARDS_AT_ONCE * usize::try_from(job.shard_rows).unwrap_or(usize::MAX).max(1);
    let mut offset = at.offset;
    let mut read: Vec<SheetRow> = Vec::new();
    loop {
        let bytes = bytes_of(app, &file, offset, PIECE, lang).await?;
        offset += bytes.len() as u64;
        let all = offset >= file.object.size || bytes.is_empty();
        read.extend(rows.push(&bytes).map_err(refused)?);
        if all {
            read.extend(rows.finish().map_err(refused)?);
        }
        while read.len() >= window || (all && !read.is_empty()) {
            let left = read.split_off(window.min(read.len()));
            at = read.last().map_or(at, |row| row.end);
            let taken = std::mem::replace(&mut read, left).into_iter();
            let taken: Vec<Row> =
                taken.map(|row| accept::row(row.row, Some(row.line), row.entry, lang)).collect();
            app.jobs.put_inputs(&job, &taken, ttl).await?;
            // The rows of a job that was cancelled are stored, so that each ends.
            if job.takes_rows() {
                fan_out(app, &job, ttl, taken).await?;
            }
            let last = all && read.is_empty();
            if last && at.row != job.total {
                return Err(Broken::Refused(failure("gave_up", "rows were lost".to_owned())));
            }
            let until = app.clock.now().as_second() + LEASE;
            let noted = app.jobs.read_to(job.job_id, reader, (at, last), until).await?;
            job = noted.ok_or(Broken::Lost)?;
            if last {
                return Ok(());
            }
            if Instant::now() >= stop {
                tracing::info!(job_id = %job.job_id, row = at.row, "file left to be resumed");
                return Err(Broken::Lost);
            }
        }
        if all {
            // Everything was stored and queued before, and only the end was not noted.
            let until = app.clock.now().as_second() + LEASE;
            app.jobs.read_to(job.job_id, reader, (at, true), until).await?;
            return Ok(());
        }
    }
}

/// Looks at the whole file before anything of it is issued.
async fn look_at(
    app: &App,
    file: &JobFile,
    template: &Template,
    (job, reader): (&Job, &str),
    refused: impl Fn(SheetFault) -> Broken + Copy,
) -> Result<sheet::Surveyed, Broken> {
    let lang = job.lang;
    let first = bytes_of(app, file, 0, MAX_HEADER as u64, lang).await?;
    let mut survey = Survey::begin(&first, &template.definition).map_err(refused)?;
    let mut offset = survey.starts_at();
    let mut begun = Instant::now();
    loop {
        let bytes = bytes_of(app, file, offset, PIECE, lang).await?;
        if bytes.is_empty() {
            return survey.finish().map_err(refused);
        }
        survey.push(&bytes).map_err(refused)?;
        offset += bytes.len() as u64;
        if begun.elapsed() > Duration::from_secs(30) {
            let until = app.clock.now().as_second() + LEASE;
            app.jobs.keep_file(job.job_id, reader, until).await?.ok_or(Broken::Lost)?;
            begun = Instant::now();
        }
    }
}

async fn bytes_of(
    app: &App,
    file: &JobFile,
    from: u64,
    length: u64,
    lang: Lang,
) -> Result<Vec<u8>, Broken> {
    match app.files()?.read(&file.object, from, length).await {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objects_key_is_decoded_as_s3_encodes_it() {
        let arrived = Arrived {
            key:
                "incoming/live/demo/550e8400-e29b-41d4-a716-446655440000/acta+n%C2%BA+1%2B2%26x.csv"
                    .into(),
            size: 1,
            etag: "abc".into(),
            version_id: None,
        };
        let object = arrived.object();
        assert!(object.key.ends_with("/acta nº 1+2&x.csv"), "{}", object.key);
        let place = UploadPath::of(&object.key).expect("a place");
        assert_eq!(place.name, "acta nº 1+2&x.csv");
        assert_eq!((place.mode, place.upload_id), (Mode::Live, None));
    }

    #[test]
    fn a_key_that_names_no_place_starts_nothing() {
        let template = "550e8400-e29b-41d4-a716-446655440000";
        for key in [
            "acta.csv".to_owned(),
            format!("incoming/prod/demo/{template}/a.csv"),
            format!("incoming/live/Demo/{template}/a.csv"),
            "incoming/live/demo/plantilla/a.csv".to_owned(),
            format!("incoming/live/demo/{template}/"),
            format!("incoming/live/demo/{template}"),
            format!("results/live/demo/{template}/a.csv"),
        ] {
            assert_eq!(UploadPath::of(&key), None, "{key}");
        }
    }

    #[test]
    fn one_object_is_one_job() {
        let object = |etag: &str, version: Option<&str>| Object {
            key: "incoming/a".into(),
            version: version.map(str::to_owned),
            etag: etag.into(),
            size: 1,
        };
        assert_eq!(job_of(&object("a", None)), job_of(&object("a", None)));
        assert_ne!(job_of(&object("a", None)), job_of(&object("b", None)));
        assert_ne!(job_of(&object("a", Some("1"))), job_of(&object("a", Some("2"))));
    }
}
