//! The rows of an archive of certificates: which have one, what a part of the archive is, and what all of it follows
//! from.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use futures::{StreamExt, TryFutureExt, TryStreamExt, stream};
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    app::App,
    domain::{
        credential::Credential,
        identity::{self, IdSecret},
        ids::CredentialId,
        job::Job,
        job_outcome::RowStatus,
        lang::Lang,
        print::{Drawn, LeftOut, OpenFile, Piece, PrintOrder, PrintedRow, chained, line_of},
        print_name::file_name,
        zip::{DosTime, MOST_BYTES, ZipEntry, write_end},
    },
    jobs::{
        JobError,
        print::{Certificate, Printer},
        print_erased::pieces,
    },
    sheet::guarding::guarded,
    store::{StoreError, job_shards::ShardView, prints::PrintLease},
};

/// Bytes after which a part is put into the bucket; a part but the last has at least 5 MiB.
const PART: usize = 8 * 1024 * 1024;
/// Bytes after which a part takes no further certificate, though its rows are read: large ones would fill the memory.
const MOST_OF_A_PART: usize = 2 * PART;
/// Rows that are read together.
const ROWS_A_READ: u32 = 64;
/// Age at which the lease is renewed within a part: many rows may have no certificate.
const KEEP: Duration = Duration::from_secs(30);
/// Certificates whose data are read at once.
const AT_ONCE: usize = 16;

/// What a process knows of the archives that are written so far.
pub(super) struct Written {
    /// The rows of the archive that is being written.
    rows: Vec<PrintedRow>,
    /// Credentials of rows that are decided.
    seen: HashSet<CredentialId>,
}

impl Written {
    /// Reads it from the pieces of an order.
    ///
    /// # Errors
    /// [`JobError`].
    pub(super) async fn read(app: &App, order: &PrintOrder) -> Result<Self, JobError> {
        let first = order.drawn.open.as_ref().map_or(u32::MAX, |open| open.first_piece);
        let mut written = Self { rows: Vec::new(), seen: HashSet::new() };
        let all = pieces(app, order, order.attempt, &order.drawn).await?;
        for (number, piece) in (0..).zip(all) {
            written.take(piece);
            if number < first {
                written.rows.clear();
            }
        }
        Ok(written)
    }

    /// Takes a piece that was noted.
    pub(super) fn take(&mut self, piece: Piece) {
        self.seen.extend(piece.rows.iter().filter_map(|row| row.credential_id));
        self.rows.extend(piece.rows);
    }

    /// Begins another archive.
    pub(super) fn next_file(&mut self) {
        self.rows.clear();
    }
}

/// A part of an archive.
pub(super) struct Part {
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// What it has.
    pub(super) piece: Piece,
    /// How far the order is with it.
    pub(super) drawn: Drawn,
}

/// A row, before it is drawn.
struct Judged {
    row: u32,
    line: Option<u64>,
    credential: Option<Credential>,
    left_out: Option<LeftOut>,
}

impl Judged {
    fn text(&self, today: jiff::civil::Date) -> String {
        let why = self.left_out.unwrap_or(LeftOut::NotIssued);
        let found = self.credential.as_ref().filter(|_| self.left_out.is_none()).ok_or(why);
        line_of(self.row, found, today)
    }
}

/// The rows of a job, read shard by shard.
struct Rows<'a> {
    app: &'a App,
    job: &'a Job,
    secret: IdSecret,
    view: Option<(u32, ShardView)>,
}

impl<'a> Rows<'a> {
    async fn of(app: &'a App, job: &'a Job) -> Result<Self, StoreError> {
        Ok(Self { app, job, secret: app.catalog.id_secret(&job.org).await?, view: None })
    }

    /// The rows after one, up to the end of its shard and so many at most; `seen` has the credentials of rows
    /// before them.
    async fn after(
        &mut self,
        row: u32,
        most: u32,
        seen: &mut HashSet<CredentialId>,
    ) -> Result<Vec<Judged>, StoreError> {
        let (app, job) = (self.app, self.job);
        let number = job.shard_of(row + 1);
        let view = match self.view.take() {
            Some((known, view)) if known == number => view,
            _ => app.jobs.shard(job.shard_id(number)).await?,
        };
        let last = (*job.rows_of(number).end()).min(row.saturating_add(most));
        let ids: Vec<(u32, Option<CredentialId>)> = (row + 1..=last)
            .map(|row| match view.shard.status(row) {
                RowStatus::Issued => (row, view.credential_of(row, &self.secret, job)),
                RowStatus::Failed | RowStatus::Pending => (row, None),
            })
            .collect();
        let wanted: HashSet<CredentialId> = ids.iter().filter_map(|(_, id)| *id).collect();
        let (found, erased) = app.credentials.stored_all(&Vec::from_iter(wanted)).await?;
        let mut found: HashMap<CredentialId, Credential> =
            found.into_iter().map(|credential| (credential.id, credential)).collect();
        let erased: HashSet<CredentialId> = erased.iter().map(|left| left.id).collect();
        let judged = ids.into_iter().map(|(row, id)| {
            let repeated = id.is_some_and(|id| seen.contains(&id));
            let credential = id.filter(|_| !repeated).and_then(|id| found.remove(&id));
            let left_out = match (&credential, id) {
                _ if repeated => Some(LeftOut::Repeated),
                (Some(credential), _) => LeftOut::of(credential),
                (None, Some(id)) if erased.contains(&id) => Some(LeftOut::Erased),
                (None, _) => Some(LeftOut::NotIssued),
            };
            seen.extend(credential.as_ref().map(|credential| credential.id));
            let line = view.rows.get(&row).and_then(|input| input.line);
            Judged { row, line, credential, left_out }
        });
        let judged = judged.collect();
        self.view = Some((number, view));
        Ok(judged)
    }
}

/// The hash of what all rows of an order follow from, as [`part`] has it at the end.
///
/// # Errors
/// [`JobError`].
pub(super) async fn digest(app: &App, job: &Job, order: &PrintOrder) -> Result<String, JobError> {
    let today = app.clock.now().to_zoned_datetime(TimeZone::UTC).date();
    let mut digest = seed(app, job, order.lang).await?;
    let (mut rows, mut seen, mut row) = (Rows::of(app, job).await?, HashSet::new(), 0);
    while row < job.total {
        for judged in rows.after(row, ROWS_A_READ, &mut seen).await? {
            digest = chained(&digest, &judged.text(today));
            row = judged.row;
        }
    }
    Ok(digest)
}

/// The hash of what every certificate follows from: language, settings, keys, the release.
async fn seed(app: &App, job: &Job, lang: Lang) -> Result<String, JobError> {
    let organization = app.catalog.organization(&job.org).await?;
    let keys = app.catalog.public_keys(&job.org, job.mode).await?;
    let all = serde_json::to_string(&(
        (env!("CARGO_PKG_VERSION"), lang, job.total, &app.config.site_url),
        &organization.settings,
        &keys,
    ));
    Ok(chained("", &all.map_err(JobError::broken)?))
}

/// Draws the next part of an order's archive; with the last row, or when the archive is full, its end.
///
/// # Errors
/// [`JobError`].
pub(super) async fn part(
    app: &App,
    job: &Job,
    order: &PrintOrder,
    written: &Written,
    lease: PrintLease<'_>,
    printer: &impl Printer,
) -> Result<Part, JobError> {
    let now = app.clock.now();
    let mut drawn = order.drawn.clone();
    let Some(mut open) = drawn.open.take() else {
        return Err(JobError::broken("an archive that was not begun"));
    };
    if drawn.digest.is_empty() {
        drawn.digest = seed(app, job, order.lang).await?;
    }
    let at = DosTime::of(order.ordered_at.parse::<Timestamp>().map_err(JobError::broken)?);
    let (mut bytes, mut piece, mut kept) = (Vec::new(), Piece::default(), Instant::now());
    let (mut rows, mut seen) = (Rows::of(app, job).await?, written.seen.clone());
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    let room = |open: &OpenFile, bytes: &Vec<u8>| match open.bytes + bytes.len() as u64 {
        bytes if bytes >= MOST_BYTES => 0,
        _ => app.print_files.saturating_sub(open.certificates),
    };
    while drawn.row < job.total && bytes.len() < PART && room(&open, &bytes) > 0 {
        if kept.elapsed() >= KEEP {
            kept = Instant::now();
            app.jobs.keep_print(lease, app.clock.now()).await?.ok_or(StoreError::Conflict)?;
        }
        let most = ROWS_A_READ.min(room(&open, &bytes));
        let judged = rows.after(drawn.row, most, &mut seen).await?;
        let pages = stream::iter(judged).map(|judged| {
            let text = judged.text(today);
            page(app, printer, judged, order.lang, now).map_ok(|drawn| (text, drawn))
        });
        let mut pages = pages.buffered(AT_ONCE);
        while bytes.len() < MOST_OF_A_PART
            && let Some((text, (judged, certificate))) = pages.try_next().await?
        {
            drawn.digest = chained(&drawn.digest, &text);
            let mut row = printed(&rows.secret, job, judged);
            if let Some(certificate) = certificate {
                row.name = certificate.name;
                let id = row.credential_id.unwrap_or(CredentialId::from(uuid::Uuid::nil()));
                let name = file_name(row.row, job.total, row.name.as_deref(), id);
                let offset = open.bytes + bytes.len() as u64;
                match ZipEntry::of(name, &certificate.pdf, offset) {
                    Some(entry) => {
                        entry.write(&certificate.pdf, at, &mut bytes);
                        row.file = Some(entry);
                    }
                    None => row.left_out = Some(LeftOut::NotDrawn),
                }
            }
            let has = u32::from(row.file.is_some());
            drawn.certificates += has;
            open.certificates += has;
            drawn.left_out += 1 - has;
            drawn.row = row.row;
            piece.rows.push(row);
        }
    }
    if drawn.row == job.total || room(&open, &bytes) == 0 {
        let rows = written.rows.iter().chain(&piece.rows);
        end(rows, order.lang, at, open.bytes, &mut bytes)?;
        open.whole = true;
    }
    open.bytes += bytes.len() as u64;
    drawn.pieces += 1;
    drawn.open = Some(open);
    Ok(Part { bytes, piece, drawn })
}

/// Draws the certificate of a row, if it has one.
async fn page(
    app: &App,
    printer: &impl Printer,
    mut judged: Judged,
    lang: Lang,
    now: Timestamp,
) -> Result<(Judged, Option<Certificate>), StoreError> {
    let credential = judged.credential.clone().filter(|_| judged.left_out.is_none());
    let Some(credential) = credential else { return Ok((judged, None)) };
    match printer.draw(app, credential, lang, now).await? {
        Ok(certificate) => Ok((judged, Some(certificate))),
        Err(why) => {
            judged.left_out = Some(why);
            Ok((judged, None))
        }
    }
}

/// A row as the list has it, without its file.
fn printed(secret: &IdSecret, job: &Job, judged: Judged) -> PrintedRow {
    let Judged { row, line, credential, left_out } = judged;
    let recipient = credential.as_ref().map(|credential| &credential.recipient);
    let person = recipient.map(|of| identity::email_key(secret, &job.org, job.mode, &of.email));
    let name = recipient.and_then(|of| of.recipient_name.clone());
    let credential_id = credential.map(|credential| credential.id);
    PrintedRow { row, line, credential_id, person, name, file: None, left_out }
}

/// Writes the list of an archive and its directory.
fn end<'a>(
    rows: impl Iterator<Item = &'a PrintedRow> + Clone,
    lang: Lang,
    at: DosTime,
    before: u64,
    bytes: &mut Vec<u8>,
) -> Result<(), JobError> {
    let list = list(rows.clone(), lang)?;
    let name = lang.pick("lista.csv", "list.csv").to_owned();
    let too_long = || JobError::broken("an archive that is too long");
    let entry = ZipEntry::of(name, &list, before + bytes.len() as u64).ok_or_else(too_long)?;
    entry.write(&list, at, bytes);
    let files = rows.filter_map(|row| row.file.as_ref()).chain([&entry]);
    write_end(files, at, before + bytes.len() as u64, bytes).ok_or_else(too_long)
}

/// The list of an archive as CSV: a row each, with its file, or why it has none. With a BOM, by which Excel knows
/// UTF-8.
fn list<'a>(rows: impl Iterator<Item = &'a PrintedRow>, lang: Lang) -> Result<Vec<u8>, JobError> {
    let out = "\u{feff}".as_bytes().to_vec();
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    let heads = lang.pick(
        ["fila", "línea", "nombre", "credencial", "archivo", "sin certificado porque"],
        ["row", "line", "name", "credential", "file", "no certificate because"],
    );
    writer.write_record(heads).map_err(JobError::broken)?;
    for row in rows {
        let name = row.name.as_deref().unwrap_or_default();
        writer
            .write_record([
                &*row.row.to_string(),
                &*row.line.map(|line| line.to_string()).unwrap_or_default(),
                &*guarded(name),
                &*row.credential_id.map(|id| id.to_string()).unwrap_or_default(),
                row.file.as_ref().map_or("", |file| file.name.as_str()),
                row.left_out.map_or("", |why| why.text(lang)),
            ])
            .map_err(JobError::broken)?;
    }
    writer.into_inner().map_err(|error| JobError::broken(error.to_string()))
}
