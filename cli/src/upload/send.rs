//! Sends a file to the service and waits until its job exists.
//!
//! Each step is written to the [`StateFile`] before the next begins, so that a command that is
//! killed continues and a file never gets two jobs.

use std::{
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::time::{interval, sleep};

use super::{
    Issuance,
    source::Source,
    state::{Stage, StateFile, Upload},
};
use crate::{
    client::{ApiRequest, Client, FileToSend, SendError, UploadTarget},
    exit::{Exit, Failure},
    printer::Printer,
    progress::{Fraction, Progress},
    session::Session,
};

/// Pause before the first repetition of a step.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Expired URLs that are replaced by new ones. More are a fault of the clock or the storage.
const MAX_EXPIRED: u32 = 2;
/// Tolerance for clocks that differ, in seconds.
const CLOCK_SKEW: i64 = 60;

/// An upload whose job exists.
pub(super) struct Received {
    pub upload: Upload,
    pub job_id: String,
}

/// Sends the file unless it arrived earlier, and waits for its job.
///
/// # Errors
/// When the service or the storage refuses the file, or stays unreachable for the session's
/// patience.
pub(super) async fn until_received(
    session: &Session,
    source: &Source,
    issuance: &Issuance,
    map: &Value,
    state: &mut StateFile,
) -> Result<Received, Failure> {
    let progress = Progress::new(session.printer);
    let client = session.client.patient(session.patience, &progress);
    let sending = Sending {
        session,
        client,
        source,
        issuance,
        map,
        progress,
        began: Instant::now(),
        pause: FIRST_PAUSE,
        expired: 0,
    };
    sending.run(state).await
}

struct Sending<'a> {
    session: &'a Session,
    client: Client,
    source: &'a Source,
    issuance: &'a Issuance,
    map: &'a Value,
    progress: Progress,
    began: Instant,
    pause: Duration,
    /// URLs that the storage has reported as expired.
    expired: u32,
}

impl Sending<'_> {
    async fn run(mut self, state: &mut StateFile) -> Result<Received, Failure> {
        // An upload that was just announced has not arrived: its status is not asked for.
        let mut just_announced = false;
        loop {
            let upload = match state.upload.clone() {
                Some(upload) => upload,
                None => {
                    let upload = self.announce().await?;
                    just_announced = true;
                    state.write(upload.clone())?;
                    upload
                }
            };
            if let Some(job_id) = upload.job_id.clone() {
                return Ok(Received { upload, job_id });
            }
            if !std::mem::take(&mut just_announced) && self.has_changed(&upload, state).await? {
                continue;
            }
            if upload.stage == Stage::Sent {
                self.wait_for_job().await?;
            } else if has_expired(&upload) {
                state.forget()?;
            } else {
                self.send(upload, state).await?;
            }
        }
    }

    /// Tells the service that a file will arrive. Repeating it creates one more upload, and an
    /// upload without its file creates no job.
    async fn announce(&self) -> Result<Upload, Failure> {
        let name: String = self.source.name.chars().take(200).collect();
        let mut body = json!({
            "template_id": self.issuance.template,
            "file_name": name,
            "size": self.source.size,
            "send_email": self.issuance.options.send_email,
            "dry_run": self.issuance.options.dry_run,
        });
        // What is not said is not sent: a service of before knows no such option.
        let flags = &self.issuance.flags;
        if let Some(body) = body.as_object_mut() {
            if let Some(encoding) = flags.encoding {
                body.insert("encoding".to_owned(), encoding.as_str().into());
            }
            if self.map.as_object().is_some_and(|map| !map.is_empty()) {
                body.insert("column_map".to_owned(), self.map.clone());
            }
            if let Some(sheet) = &flags.sheet {
                body.insert("sheet".to_owned(), sheet.clone().into());
            }
            if let Some(hidden_rows) = flags.hidden_rows {
                body.insert("hidden_rows".to_owned(), json!(hidden_rows));
            }
            if flags.day_first {
                body.insert("day_first".to_owned(), true.into());
            }
        }
        if let Some(body) = body.as_object_mut().filter(|_| self.issuance.flags.correct) {
            body.insert("correct".to_owned(), true.into());
        }
        if let Some(body) = body.as_object_mut().filter(|_| self.issuance.options.reissue) {
            body.insert("reissue".to_owned(), true.into());
        }
        let strict = self.issuance.options.strict;
        if let Some(body) = body.as_object_mut().filter(|_| !strict.is_empty()) {
            body.insert("strict".to_owned(), json!(strict));
        }
        let request = ApiRequest::post("/uploads").json(&body).repeatable();
        let answer = self.client.json(request).await?;
        announced(&self.source.name, &answer).ok_or_else(|| unknown_answer(self.session.printer))
    }

    /// Asks the service for the upload's status, and writes what has changed: its job exists, or
    /// the upload does not.
    async fn has_changed(&self, upload: &Upload, state: &mut StateFile) -> Result<bool, Failure> {
        let request = ApiRequest::get(format!("/uploads/{}", upload.upload_id));
        let status = match self.client.json(request).await {
            Err(failure)
                if failure.code() == Some("not_found") && upload.stage == Stage::Expected =>
            {
                state.forget()?;
                return Ok(true);
            }
            status => status?,
        };
        let Some(job_id) = status.get("job_id").and_then(Value::as_str) else {
            return Ok(false);
        };
        let job_id = Some(job_id.to_owned());
        state.write(Upload { job_id, stage: Stage::Job, ..upload.clone() })?;
        Ok(true)
    }

    async fn wait_for_job(&mut self) -> Result<(), Failure> {
        if self.began.elapsed() > self.session.patience {
            return Err(not_begun(self.session.printer));
        }
        let size = self.source.size;
        self.progress.show_upload(Fraction { done: size, total: size });
        sleep(self.pause).await;
        self.pause = (self.pause * 3 / 2).min(Duration::from_secs(2));
        Ok(())
    }

    async fn send(&mut self, upload: Upload, state: &mut StateFile) -> Result<(), Failure> {
        match self.put(&upload.address).await {
            Ok(()) => {
                state.write(Upload { stage: Stage::Sent, ..upload })?;
                self.pause = FIRST_PAUSE;
                Ok(())
            }
            Err(SendError::Refused(failure)) => Err(failure),
            Err(SendError::Expired) if self.expired < MAX_EXPIRED => {
                self.expired += 1;
                state.forget()
            }
            Err(SendError::Expired) => Err(url_refused(self.session.printer)),
            Err(SendError::Lost(failure)) => {
                if self.began.elapsed() + self.pause > self.session.patience {
                    return Err(failure);
                }
                self.client.print_retry(&failure, self.pause);
                sleep(self.pause).await;
                self.pause = (self.pause * 2).min(Duration::from_secs(15));
                Ok(())
            }
        }
    }

    /// Puts the file to the presigned URL and shows the progress.
    async fn put(&mut self, to: &UploadTarget) -> Result<(), SendError> {
        let (path, size) = (self.source.path.clone(), self.source.size);
        let file = FileToSend { path, size, sent: Arc::new(AtomicU64::new(0)) };
        let putting = self.client.upload(to, &file);
        tokio::pin!(putting);
        let mut tick = interval(Duration::from_millis(200));
        loop {
            tokio::select! {
                outcome = &mut putting => return outcome,
                _ = tick.tick() => {
                    let done = file.sent.load(Ordering::Relaxed);
                    self.progress.show_upload(Fraction { done, total: size });
                }
            }
        }
    }
}

/// Sends a file of members, announced by `body`; the id of its job. It keeps no state: a file that is
/// sent twice changes nothing the second time.
///
/// # Errors
/// As [`until_received`].
pub async fn of_members(
    session: &Session,
    source: &Source,
    mut body: Value,
) -> Result<String, Failure> {
    let printer = session.printer;
    let progress = Progress::new(printer);
    let client = session.client.patient(session.patience, &progress);
    let name: String = source.name.chars().take(200).collect();
    if let Some(body) = body.as_object_mut() {
        body.insert("file_name".to_owned(), name.into());
        body.insert("size".to_owned(), source.size.into());
    }
    let request = ApiRequest::post("/members/uploads").json(&body).repeatable();
    let answer = client.json(request).await?;
    let upload = announced(&source.name, &answer).ok_or_else(|| unknown_answer(printer))?;
    let sent = Arc::new(AtomicU64::new(0));
    let file = FileToSend { path: source.path.clone(), size: source.size, sent };
    client.upload(&upload.address, &file).await.map_err(|error| match error {
        SendError::Lost(failure) | SendError::Refused(failure) => failure,
        SendError::Expired => url_refused(printer),
    })?;
    let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let request = ApiRequest::get(format!("/uploads/{}", upload.upload_id));
        let status = client.json(request).await?;
        if let Some(job_id) = status.get("job_id").and_then(Value::as_str) {
            return Ok(job_id.to_owned());
        }
        if began.elapsed() > session.patience {
            return Err(not_begun(printer));
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_secs(2));
    }
}

fn not_begun(printer: Printer) -> Failure {
    Failure::new(
        Exit::Unavailable,
        printer.pick(
            "el archivo llegó, pero su trabajo aún no empieza",
            "the file has arrived, but its job has not begun yet",
        ),
    )
}

/// Reads the answer to an announcement; `None` if it lacks a member.
fn announced(file_name: &str, answer: &Value) -> Option<Upload> {
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let headers = answer.pointer("/upload/headers").and_then(Value::as_object);
    let headers = headers.into_iter().flatten().map(|(name, value)| {
        (name.to_ascii_lowercase(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    });
    Some(Upload {
        v: 1,
        stage: Stage::Expected,
        file: file_name.to_owned(),
        upload_id: text("/upload_id")?,
        address: UploadTarget { url: text("/upload/url")?, headers: headers.collect() },
        expires_at: text("/expires_at")?,
        job_id: None,
        ended_at: None,
        results: None,
    })
}

/// Whether an upload's URL has expired.
fn has_expired(upload: &Upload) -> bool {
    let end = upload.expires_at.parse::<jiff::Timestamp>();
    end.is_ok_and(|end| jiff::Timestamp::now().as_second() > end.as_second() + CLOCK_SKEW)
}

fn unknown_answer(printer: Printer) -> Failure {
    Failure::failed(printer.pick(
        "el servicio respondió a la subida de un modo que este programa no conoce",
        "the service answered the upload in a way that this program does not know",
    ))
    .next(printer.pick("actualiza `unicreda`", "update `unicreda`"))
}

fn url_refused(printer: Printer) -> Failure {
    Failure::failed(
        printer.pick(
            "el almacén rechaza la dirección de subida",
            "the storage refuses the upload URL",
        ),
    )
    .next(printer.pick(
        "comprueba la hora de esta máquina; si está bien, avisa a quien administra el servicio",
        "check this machine's clock; if it is right, tell the service's administrator",
    ))
}
