//! Makes the archive of a job's certificates: one process at a time, under a lease, up to its deadline.
//!
//! An archive is written in parts. A part's rows are drawn, its bytes and a piece that says what it has are put into
//! the bucket, then the order notes both together with the row that comes next. What was not noted is drawn and put
//! again under the same names, so no row is in it twice and none is missing, wherever a process died.
//!
//! Safe to repeat.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    app::App,
    aws::{s3::FileError, s3_parts::Parts},
    domain::{
        credential::Credential,
        job::Job,
        lang::Lang,
        print::{
            Drawn, KEPT, LeftOut, MOST_TRIES, OpenFile, PrintFile, PrintOrder, PrintState, SETTLES,
        },
        time,
    },
    jobs::{
        JobError,
        messages::{PRINT_TASK_VERSION, PrintTask},
        print_erased::{forget, forget_attempt},
        print_rows::{self, Part, Written},
    },
    store::{
        StoreError,
        prints::{PrintKey, PrintLease},
    },
};

/// Time before the deadline at which no further part begins: many times what one takes.
const RESERVE: Duration = Duration::from_secs(30);

/// A certificate, drawn.
#[derive(Debug)]
pub struct Certificate {
    /// The name on it.
    pub name: Option<String>,
    /// The file.
    pub pdf: Vec<u8>,
}

/// Draws certificates.
pub trait Printer: Sync {
    /// Draws the certificate of a credential, as everybody gets it, or says why there is none.
    ///
    /// # Errors
    /// [`StoreError`] of what it reads.
    fn draw(
        &self,
        app: &App,
        credential: Credential,
        lang: Lang,
        now: Timestamp,
    ) -> impl Future<Output = Result<Result<Certificate, LeftOut>, StoreError>> + Send;
}

/// Handles a message of the queue `print`.
///
/// # Errors
/// [`JobError`]; the message comes back.
pub async fn handle(
    app: &App,
    body: &str,
    deadline: Instant,
    printer: &impl Printer,
) -> Result<(), JobError> {
    let task: PrintTask = serde_json::from_str(body).map_err(JobError::broken)?;
    if task.v != PRINT_TASK_VERSION {
        return Err(JobError::broken("a message of another version"));
    }
    let of = (task.job_id, task.lang);
    let now = app.clock.now();
    let Some(order) = app.jobs.print(of).await? else { return Ok(()) };
    if order.print_state != PrintState::Open {
        return end_of_life(app, of, &order, now).await;
    }
    let token = Uuid::new_v4().to_string();
    let Some(order) = app.jobs.claim_print(of, &token, now).await? else { return Ok(()) };
    let stop = deadline.checked_sub(RESERVE).unwrap_or(deadline);
    let mut work = Work { app, of, order, token: &token, stop };
    if work.order.tries > MOST_TRIES {
        return work.fail(now).await;
    }
    match Box::pin(work.run(printer)).await {
        Ok(Outcome::Ended | Outcome::Lost) => Ok(()),
        Ok(Outcome::Later) => Ok(app.jobs.leave_print(of, &token, app.clock.now()).await?),
        Err(error) => {
            // What fails after the order was withdrawn fails because of that.
            let order = app.jobs.print(of).await?;
            let mine = order.is_some_and(|order| order.reader.as_deref() == Some(&*token));
            if !mine {
                return Ok(());
            }
            app.jobs.leave_print(of, &token, app.clock.now()).await?;
            Err(error)
        }
    }
}

/// Deletes what is past its time: objects first, since the item is what finds them.
async fn end_of_life(
    app: &App,
    of: PrintKey,
    order: &PrintOrder,
    now: Timestamp,
) -> Result<(), JobError> {
    if order.deleted_at().is_some_and(|at| at <= now) {
        forget(app, order).await?;
        app.jobs.forget_print(of, order.attempt).await?;
    }
    Ok(())
}

/// How a process leaves an order.
enum Outcome {
    /// It has ended.
    Ended,
    /// Another process has it, or it was withdrawn.
    Lost,
    /// The time is over.
    Later,
}

/// Whether a note was taken.
enum Noted {
    Yes,
    /// Somebody was erased: what was read before has to be read again.
    ReadAgain,
    Lost,
}

struct Work<'a> {
    app: &'a App,
    of: PrintKey,
    order: PrintOrder,
    token: &'a str,
    stop: Instant,
}

impl Work<'_> {
    fn lease(&self) -> PrintLease<'_> {
        PrintLease { of: self.of, reader: self.token, erasures: self.order.erasures }
    }

    async fn run(&mut self, printer: &impl Printer) -> Result<Outcome, JobError> {
        let app = self.app;
        let Some(job) = app.jobs.get(self.of.0).await? else {
            return self.fail(app.clock.now()).await.map(|()| Outcome::Ended);
        };
        for attempt in self.order.discarded.clone() {
            forget_attempt(app, &self.order, attempt).await?;
        }
        if let Some(outcome) = self.compare(&job).await? {
            return Ok(outcome);
        }
        let mut written = Written::read(app, &self.order).await?;
        loop {
            if self.order.drawn.open.as_ref().is_some_and(|open| open.whole) {
                match self.complete().await {
                    Err(JobError::File(FileError::Gone)) => {
                        if let Some(lost) = self.begin_again(&mut written).await? {
                            return Ok(lost);
                        }
                        continue;
                    }
                    other => other?,
                }
                match self.note().await? {
                    Noted::Yes => written.next_file(),
                    Noted::ReadAgain => {}
                    Noted::Lost => return Ok(Outcome::Lost),
                }
                continue;
            }
            if self.order.drawn.row == job.total && !self.order.drawn.files.is_empty() {
                match self.end().await? {
                    Noted::Yes => return Ok(Outcome::Ended),
                    Noted::ReadAgain => continue,
                    Noted::Lost => return Ok(Outcome::Lost),
                }
            }
            if Instant::now() >= self.stop {
                return Ok(Outcome::Later);
            }
            let lost = match self.part(&job, &mut written, printer).await {
                Err(JobError::File(FileError::Gone)) => self.begin_again(&mut written).await?,
                other => other?,
            };
            if let Some(lost) = lost {
                return Ok(lost);
            }
        }
    }

    /// Begins anew, since the bucket does not know the upload any more: it keeps one for a day, and the local stack's until
    /// it is killed. The outcome if the order was lost: who withdraws it gives up the upload.
    async fn begin_again(&mut self, written: &mut Written) -> Result<Option<Outcome>, JobError> {
        self.order.drawn = Drawn::default();
        if matches!(self.note().await?, Noted::Lost) {
            return Ok(Some(Outcome::Lost));
        }
        *written = Written::read(self.app, &self.order).await?;
        Ok(None)
    }

    /// Takes the archive of the order before over, if nothing that it follows from has changed.
    async fn compare(&mut self, job: &Job) -> Result<Option<Outcome>, JobError> {
        while let Some(former) = self.order.former.clone() {
            let app = self.app;
            let digest = print_rows::digest(app, job, &self.order).await?;
            let there = former.made_at.parse::<Timestamp>().map_err(JobError::broken)?;
            let deleted = time::millis(there.checked_add(KEPT).map_err(JobError::broken)?);
            if digest == former.drawn.digest {
                let made = (former.attempt, &former.drawn, former.made_at.as_str());
                if app.jobs.end_print(self.lease(), made, &deleted).await?.is_some() {
                    return Ok(Some(Outcome::Ended));
                }
                match self.read_again().await? {
                    Noted::Lost => return Ok(Some(Outcome::Lost)),
                    Noted::Yes | Noted::ReadAgain => continue,
                }
            }
            forget_attempt(app, &self.order, former.attempt).await?;
            self.order.discarded.push(former.attempt);
            self.order.former = None;
            if matches!(self.note().await?, Noted::Lost) {
                return Ok(Some(Outcome::Lost));
            }
        }
        Ok(None)
    }

    /// Writes the next part. The outcome if the order was lost.
    async fn part(
        &mut self,
        job: &Job,
        written: &mut Written,
        printer: &impl Printer,
    ) -> Result<Option<Outcome>, JobError> {
        let (app, files) = (self.app, self.app.files()?);
        let key = self.order.file_key(self.order.drawn.files.len() + 1);
        if self.order.drawn.open.is_none() {
            let first_piece = self.order.drawn.pieces;
            let upload = files.begin(&key, "application/zip").await?;
            self.order.drawn.open = Some(OpenFile {
                upload,
                parts: Vec::new(),
                bytes: 0,
                certificates: 0,
                first_piece,
                whole: false,
            });
            // Who deletes the order gives up the upload.
            match self.note().await? {
                Noted::Yes => {}
                Noted::ReadAgain => return Ok(None),
                Noted::Lost => return Ok(Some(Outcome::Lost)),
            }
        }
        let before = self.order.drawn.clone();
        let part = print_rows::part(app, job, &self.order, written, self.lease(), printer).await?;
        let Part { bytes, piece, drawn } = part;
        self.order.drawn = drawn;
        let attempt = self.order.attempt;
        let mut writer =
            files.writer(self.order.piece_key(attempt, before.pieces), "application/json");
        writer.write(&serde_json::to_vec(&piece).map_err(JobError::broken)?).await?;
        writer.finish().await?;
        if let Some(open) = &mut self.order.drawn.open {
            let number = open.parts.len() + 1;
            let of = Parts { key: &key, upload: &open.upload };
            let tag = files.put_part(of, number, bytes).await?;
            open.parts.push(tag);
        }
        match self.note().await? {
            Noted::Yes => {
                written.take(piece);
                Ok(None)
            }
            // Nothing of it is kept: `read_again` has taken the order as it was noted.
            Noted::ReadAgain => Ok(None),
            Noted::Lost => Ok(Some(Outcome::Lost)),
        }
    }

    /// Completes the archive whose last part is written.
    async fn complete(&mut self) -> Result<(), JobError> {
        let number = self.order.drawn.files.len() + 1;
        let key = self.order.file_key(number);
        let Some(open) = self.order.drawn.open.take() else { return Ok(()) };
        let files = self.app.files()?;
        match files.complete(Parts { key: &key, upload: &open.upload }, &open.parts).await {
            Ok(()) => {}
            // A process that died here has completed it.
            Err(FileError::Gone) if files.list(&key, None).await?.contains(&key) => {}
            Err(error) => return Err(error.into()),
        }
        let file = PrintFile { certificates: open.certificates, bytes: open.bytes };
        self.order.drawn.files.push(file);
        Ok(())
    }

    async fn note(&mut self) -> Result<Noted, JobError> {
        let now = self.app.clock.now();
        match self.app.jobs.note_print(self.lease(), &self.order, now).await? {
            Some(order) => {
                self.order = order;
                Ok(Noted::Yes)
            }
            None => self.read_again().await,
        }
    }

    async fn end(&mut self) -> Result<Noted, JobError> {
        let now = self.app.clock.now();
        let deleted = now.checked_add(KEPT).map_err(JobError::broken)?;
        let made_at = time::millis(now);
        let made = (self.order.attempt, &self.order.drawn, made_at.as_str());
        let ended = self.app.jobs.end_print(self.lease(), made, &time::millis(deleted)).await?;
        if ended.is_some() {
            return Ok(Noted::Yes);
        }
        self.read_again().await
    }

    /// Takes the order as it was noted last, after a note was refused.
    async fn read_again(&mut self) -> Result<Noted, JobError> {
        let order = self.app.jobs.print(self.of).await?;
        match order.filter(|order| order.reader.as_deref() == Some(self.token)) {
            Some(order) => {
                self.order = order;
                Ok(Noted::ReadAgain)
            }
            None => Ok(Noted::Lost),
        }
    }

    async fn fail(&self, now: Timestamp) -> Result<(), JobError> {
        tracing::error!(job_id = %self.of.0, "certificates for print not made");
        let due = now.checked_add(SETTLES).map_err(JobError::broken)?;
        let at = (&*time::millis(now), &*time::millis(due));
        if self.app.jobs.fail_print(self.of, self.token, at).await?.is_some() {
            forget(self.app, &self.order).await?;
        }
        Ok(())
    }
}
