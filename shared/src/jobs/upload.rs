//! Uploads: a file is announced, arrives, and begins a job.
//!
//! A file that arrives under `incoming/` starts a job. The id of an announced file's job follows
//! from its upload, so an upload is one job, however often its URL is used: the content that
//! arrives first is read, and another one is not. The id of any other file's job follows from the
//! object's key and its version or entity tag: there a new content is a new job. Either way an
//! event that comes twice finds the one job. Then the file is read, see
//! [`read_file`](crate::jobs::read_file).
//!
//! Safe to repeat: an announcement begins nothing, and an upload or an object is one job.

use std::time::Instant;

use aws_lc_rs::digest;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    app::App,
    aws::s3::{PRESIGNED_FOR, Presigned},
    credentials::prerequisites::require_lasting_links,
    domain::{
        column_map::ColumnMap,
        correction::Corrector,
        encoding::Encoding,
        fault::ACHIEVEMENT_NOT_FOUND,
        ids::{JobId, Mode, OrgId, TemplateId},
        job::{Issuing, Job, JobFile, JobKind, NewJob},
        lang::Lang,
        member_row::MembersOrder,
        review::{Strict, Warnings},
        spreadsheet::HiddenRows,
        template::Template,
        tenant::Tenant,
        time,
        upload::{FileRefusal, Object, Upload},
        upload_path::UploadPath,
    },
    jobs::{
        JobError,
        messages::FileTask,
        read_file::{fail, failure, read, ttl_of},
        results_file,
    },
    sheet::MAX_FILE,
    store::StoreError,
};

/// An upload to announce.
#[derive(Debug)]
pub struct UploadRequest {
    /// Owner.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Template; none for a file of members.
    pub template_id: Option<TemplateId>,
    /// The file's name.
    pub file_name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whether its credentials are mailed.
    pub send_email: bool,
    /// Whether its job is a dry run.
    pub dry_run: bool,
    /// Who asks that its rows correct the credentials that they name, if anybody does.
    pub corrector: Option<Corrector>,
    /// Whether its rows are not compared by private facts.
    pub blind: bool,
    /// The kinds of warnings that refuse a row.
    pub strict: Strict,
    /// Whether its rows are issued again if their credentials were erased.
    pub reissue: bool,
    /// Encoding of its text, if the request names one.
    pub encoding: Option<Encoding>,
    /// How its columns are read, as far as the request says.
    pub column_map: ColumnMap,
    /// Whether of its dates the day comes first.
    pub day_first: bool,
    /// The sheet of a spreadsheet that is read, if the request names one.
    pub sheet: Option<String>,
    /// What becomes of its hidden rows, if the request says so.
    pub hidden_rows: Option<HiddenRows>,
    /// Language of its error texts.
    pub lang: Lang,
}

/// An upload is not announced.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The organization has no such template.
    #[error("no such template")]
    TemplateNotFound,
    /// A file like this would be refused.
    #[error("the file would be refused: {}", .0.code())]
    Refused(FileRefusal),
    /// A failure of ours.
    #[error(transparent)]
    Job(#[from] JobError),
}

/// Announces a file: its terms are kept, and a URL takes it for [`PRESIGNED_FOR`].
///
/// # Errors
/// [`UploadError`].
pub async fn announce(
    app: &App,
    request: UploadRequest,
    now: Timestamp,
) -> Result<(Upload, Presigned), UploadError> {
    if request.size > MAX_FILE {
        return Err(UploadError::Refused(FileRefusal::TooLarge(MAX_FILE)));
    }
    if let Some(template_id) = request.template_id {
        if !request.dry_run && links_end(app, request.mode) {
            return Err(UploadError::Refused(FileRefusal::LinksEnd));
        }
        let template = app.catalog.template(&request.org, template_id).await;
        let template = template.map_err(JobError::from)?.ok_or(UploadError::TemplateNotFound)?;
        if template.archived {
            return Err(UploadError::Refused(FileRefusal::TemplateArchived));
        }
    }
    let members = match request.template_id {
        Some(_) => None,
        None => Some(MembersOrder { dry_run: request.dry_run, ..MembersOrder::default() }),
    };
    let until = i64::try_from(PRESIGNED_FOR.as_secs()).unwrap_or_default().seconds();
    let upload = Upload {
        v: 1,
        upload_id: Uuid::new_v4(),
        org: request.org,
        mode: request.mode,
        template_id: request.template_id.unwrap_or_else(no_template),
        file_name: request.file_name.replace(['/', '\\'], "_"),
        size: request.size,
        send_email: request.send_email,
        dry_run: request.dry_run || request.corrector.is_some() || members.is_some(),
        members,
        corrector: request.corrector,
        blind: request.blind,
        strict: request.strict,
        reissue: request.reissue,
        encoding: request.encoding,
        column_map: request.column_map,
        day_first: request.day_first,
        sheet: request.sheet,
        hidden_rows: request.hidden_rows,
        lang: request.lang,
        created_at: time::millis(now),
        expires_at: time::seconds(now.checked_add(until).map_err(JobError::broken)?),
        job_id: None,
        ignored_at: None,
    };
    let files = app.files().map_err(JobError::from)?;
    let presigned =
        files.presigned_put(&upload.key(), upload.size).await.map_err(JobError::from)?;
    let organization = app.catalog.organization(&upload.org).await.map_err(JobError::from)?;
    // As long as its job.
    let days = i64::from(organization.settings.retention.jobs_days);
    let ttl = now.as_second() + days * 24 * 3600;
    app.jobs.put_upload(&upload, ttl).await.map_err(JobError::from)?;
    Ok((upload, presigned))
}

/// The id of no template, which files of members have.
fn no_template() -> TemplateId {
    TemplateId::from(Uuid::nil())
}

/// Whether live issuing is refused: links of this deployment end with it.
fn links_end(app: &App, mode: Mode) -> bool {
    require_lasting_links(app, mode).is_err()
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

/// Handles a message of the queue `uploads`: files that arrived, or a task on a job's file.
/// Stops some time before the deadline; the sweeper then queues the task again.
///
/// # Errors
/// [`JobError`]: the message comes back.
pub async fn handle(app: &App, body: &str, deadline: Instant) -> Result<(), JobError> {
    if let Ok(task) = serde_json::from_str::<FileTask>(body) {
        return match task {
            FileTask::Read { job_id } => read(app, job_id, deadline).await,
            FileTask::Results { job_id } => results_file::write(app, job_id, deadline).await,
            FileTask::Forget { job_id } => results_file::forget(app, job_id).await,
        };
    }
    // S3 also sends a test event when the notification is set up: it has no records.
    let notification: Notification = serde_json::from_str(body).map_err(JobError::broken)?;
    for record in notification.records {
        if record.event.trim_start_matches("s3:").starts_with("ObjectCreated:")
            && let Some(job_id) = arrived(app, record.s3.object.object()).await?
        {
            read(app, job_id, deadline).await?;
        }
    }
    Ok(())
}

/// Derives a job's id from an object: the same object is the same job.
fn job_of(object: &Object) -> JobId {
    let version = object.version.as_deref().unwrap_or(&object.etag);
    job_named(&format!("{}\n{version}", object.key))
}

/// Derives a job's id from an upload. One that a former release began keeps its job.
fn job_of_upload(upload: &Upload) -> JobId {
    upload.job_id.unwrap_or_else(|| job_named(&format!("upload\n{}", upload.upload_id)))
}

fn job_named(name: &str) -> JobId {
    let hash = digest::digest(&digest::SHA256, name.as_bytes());
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    JobId::from(Uuid::new_v8(bytes))
}

/// Begins the job of a file that arrived. `None` when there is nothing to read: the key names
/// no organization, or the file is refused and its job has the reason.
async fn arrived(app: &App, object: Object) -> Result<Option<JobId>, JobError> {
    let Some(path) = UploadPath::parse(&object.key) else {
        tracing::warn!("file ignored: its key names no organization and template");
        return Ok(None);
    };
    let now = app.clock.now();
    let UploadPath { mode, org, template_id, upload_id, name, folders } = path;
    let read = app.catalog.together(&org, None, template_id, &[]).await?;
    let Some(organization) = read.organization else {
        tracing::warn!(org = org.as_str(), "file ignored: its organization does not exist");
        return Ok(None);
    };
    let upload = match upload_id {
        Some(id) => app.jobs.upload_for(Tenant { org: &org, mode }, id).await?,
        None => None,
    };
    let upload = upload.filter(|upload| match template_id {
        Some(id) => upload.template_id == id,
        None => upload.members.is_some(),
    });
    let lang = upload.as_ref().map_or(organization.settings.language, |upload| upload.lang);
    let lang = Lang::from(lang.staff());
    let dry_run = upload.as_ref().is_some_and(Upload::is_dry_run);
    let refusal = match folders.unknown {
        true => Some(FileRefusal::UnknownTerm),
        false => refusal_of(app, &object, read.template.as_ref(), mode, dry_run),
    };
    let issuing = template_id.map(|template_id| Issuing {
        template_id,
        template_version: read.template.as_ref().map_or(0, |template| template.version),
        send_email: upload.as_ref().is_none_or(|upload| upload.send_email),
        strict: upload.as_ref().map(|upload| upload.strict).unwrap_or_default(),
        reissue: upload.as_ref().is_some_and(|upload| upload.reissue),
    });
    let job_id = upload.as_ref().map_or_else(|| job_of(&object), job_of_upload);
    let new = NewJob {
        job_id,
        org,
        mode,
        kind: match issuing {
            Some(issuing) if dry_run => JobKind::DryRun(issuing),
            Some(issuing) => JobKind::Issue(issuing),
            None => JobKind::Members(MembersOrder { dry_run, ..MembersOrder::default() }),
        },
        total: 0,
        shard_rows: app.shard_rows,
        begun_at: time::millis(now),
        lang,
        file: Some(file_of(&object, name, upload.as_ref())),
        warnings: Warnings::default(),
        retention: organization.settings.retention,
    };
    let job = Job::new(new, now);
    let begun = match app.jobs.create(&job, ttl_of(&job)?).await {
        Ok(()) => None,
        Err(StoreError::Conflict) => app.jobs.get(job_id).await?,
        Err(error) => return Err(error.into()),
    };
    if let Some(upload) = &upload {
        app.jobs.uploaded(upload.upload_id, job_id).await?;
        let begun = begun.as_ref().and_then(|job| job.file.as_ref());
        if begun.is_some_and(|file| !file.object.has_content_of(&object)) {
            let upload_id = upload.upload_id;
            tracing::warn!(%upload_id, %job_id, "file ignored: its upload has begun a job");
            app.jobs.ignored(upload_id, &time::millis(now)).await?;
            return Ok(None);
        }
    }
    if begun.is_some_and(|job| job.sheet.is_some() || !job.is_reading()) {
        // The event comes again: what was right when its reading began stays right.
        return Ok(Some(job_id));
    }
    let failure = match (read.template.is_none() && template_id.is_some(), refusal) {
        (true, _) => failure("template_not_found", ACHIEVEMENT_NOT_FOUND.to_owned()),
        (false, Some(refusal)) => failure(refusal.code(), refusal.text(lang)),
        (false, None) => return Ok(Some(job_id)),
    };
    fail(app, &job, &failure, None).await?;
    Ok(None)
}

/// The file of a job, and what its announcement says of it.
fn file_of(object: &Object, name: String, upload: Option<&Upload>) -> JobFile {
    JobFile {
        object: object.clone(),
        name,
        encoding: upload.and_then(|upload| upload.encoding),
        corrector: upload.and_then(|upload| upload.corrector.clone()),
        blind: upload.is_some_and(|upload| upload.blind),
    }
}

/// Why a file that arrived is refused before a row of it is read, if it is.
fn refusal_of(
    app: &App,
    object: &Object,
    template: Option<&Template>,
    mode: Mode,
    dry_run: bool,
) -> Option<FileRefusal> {
    if template.is_some_and(|template| template.archived) {
        Some(FileRefusal::TemplateArchived)
    } else if object.size > MAX_FILE {
        Some(FileRefusal::TooLarge(MAX_FILE))
    } else if template.is_some() && !dry_run && links_end(app, mode) {
        Some(FileRefusal::LinksEnd)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::retention::Retention;

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
    }

    /// Release 0.1 finds no template of this id, and would issue nothing in a dry run.
    #[test]
    fn a_former_release_issues_nothing_from_a_job_of_members() {
        let new = NewJob {
            job_id: job_named("a"),
            org: "demo".to_owned().try_into().expect("a name"),
            mode: Mode::Live,
            kind: JobKind::Members(MembersOrder::default()),
            total: 0,
            shard_rows: 256,
            begun_at: "2026-11-25T10:00:00.000Z".to_owned(),
            lang: Lang::Es,
            file: None,
            warnings: Warnings::default(),
            retention: Retention::default(),
        };
        let stored = serde_json::to_value(Job::new(new, Timestamp::UNIX_EPOCH)).expect("JSON");
        assert_eq!(stored["dry_run"], true);
        assert_eq!(stored["template_id"], Uuid::nil().to_string());
        let read: Job = serde_json::from_value(stored).expect("a job");
        assert_eq!(read.kind(), JobKind::Members(MembersOrder::default()));
        assert!(!read.is_dry_run());
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
