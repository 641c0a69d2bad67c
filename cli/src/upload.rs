//! `unicreda issue FILE`: a file goes up, its job is followed, its results come back.
//!
//! Safe to repeat: what is known of the upload is kept on disk ([`crate::state`]), so the
//! same command goes on with it. A file that is announced and never arrives makes no job,
//! and one that arrives twice under one upload makes one.

use std::{
    fs::File,
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use serde_json::{Value, json};
use tokio::time::{interval, sleep};

use crate::{
    client::{Address, Ask, Client, NotSent},
    exit::{Exit, Failure},
    following::{self, Target},
    issue,
    progress::Progress,
    screen::{Screen, cell},
    session::{self, Session},
    state::{self, Identity, Kept, Stage, Upload},
};

/// Most bytes that the service takes as one file.
const MAX_SIZE: u64 = 524_288_000;
/// Rows of a dry run that are shown, of each kind.
const SHOWN: usize = 10;

/// What is to be issued, and how.
pub struct Order {
    /// Template.
    pub template: String,
    /// Whether mail is sent.
    pub send_email: bool,
    /// Whether nothing is issued.
    pub dry_run: bool,
    /// Where results go, and whether it begins anew.
    pub many: issue::Many,
}

/// A file as it is read.
struct Source {
    path: PathBuf,
    name: String,
    size: u64,
    content: String,
    /// Standard input, kept until it has gone up.
    _buffer: Option<tempfile::NamedTempFile>,
}

impl Source {
    fn open(path: &Path, screen: Screen) -> Result<Self, Failure> {
        let (path, name, buffer) = if path == Path::new("-") {
            if io::stdin().is_terminal() {
                screen.notice(screen.pick("Leyendo de la pantalla…", "Reading from the screen…"));
            }
            let mut buffer = tempfile::NamedTempFile::new()
                .map_err(|error| Failure::failed(error.to_string()))?;
            let mut from = io::stdin().lock().take(MAX_SIZE + 1);
            io::copy(&mut from, &mut buffer).map_err(|error| Failure::failed(error.to_string()))?;
            let name =
                if first_byte(buffer.path()) == Some(b'{') { "stdin.jsonl" } else { "stdin.csv" };
            (buffer.path().to_owned(), name.to_owned(), Some(buffer))
        } else {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            (path.to_owned(), name.unwrap_or_default(), None)
        };
        let failed = |error: io::Error| Failure::file(&path, &error);
        let mut file = File::open(&path).map_err(failed)?;
        let mut sum = digest::Context::new(&digest::SHA256);
        let mut size = 0_u64;
        let mut chunk = vec![0; 1 << 20];
        loop {
            let read = file.read(&mut chunk).map_err(failed)?;
            let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            sum.update(bytes);
            size += u64::try_from(read).unwrap_or(0);
        }
        let shown = path.display();
        if size == 0 {
            return Err(Failure::usage(
                screen.pick(format!("{shown} está vacío"), format!("{shown} is empty")),
            ));
        }
        if size > MAX_SIZE {
            return Err(Failure::usage(screen.pick(
                format!("{shown} pasa de 500 MB"),
                format!("{shown} is larger than 500 MB"),
            ))
            .next(screen.pick("divídelo en partes", "split it into parts")));
        }
        let content = state::hex(sum.finish().as_ref());
        Ok(Self { path, name, size, content, _buffer: buffer })
    }
}

/// The first byte that is no white space or mark of UTF-8.
fn first_byte(path: &Path) -> Option<u8> {
    let mut head = [0; 64];
    let read = File::open(path).ok()?.read(&mut head).ok()?;
    let head = head.get(..read)?;
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// Runs the command.
///
/// # Errors
/// With what went wrong and how to go on.
pub async fn run(session: &Session, file: &Path, order: Order) -> Result<Exit, Failure> {
    let screen = session.screen;
    let source = Source::open(file, screen)?;
    let mut kept = Kept::open(
        &Identity {
            site: &session.site,
            owner: &session.owner,
            template: &order.template,
            dry_run: order.dry_run,
            send_email: order.send_email,
            content: &source.content,
        },
        screen,
    )?;
    let ended = kept.upload.as_ref().is_some_and(|upload| upload.stage == Stage::Ended);
    // A dry run that has ended is done anew: templates and credentials change.
    let anew = order.many.again || (order.dry_run && ended);
    let target = target(file, &order, kept.upload.as_ref().filter(|_| !anew), screen)?;
    if anew {
        kept.forget()?;
    }
    let resumed = kept.upload.is_some();
    if let Some(upload) = &kept.upload {
        screen.notice(&going_on(upload, screen));
    }
    session.goes_on(screen.pick(
        "repite el mismo comando: la subida continúa donde quedó",
        "give the same command again: the upload goes on where it was",
    ));
    let (upload, job_id) = job_of(session, &source, &order, &mut kept).await?;
    let job = following::follow(session, &job_id, |_| Ok(())).await;
    let job = job.map_err(|failure| match failure.code() {
        Some("not_found") => forgotten(&job_id, screen),
        _ => failure,
    })?;
    let mut upload = Upload {
        stage: Stage::Ended,
        ended_at: job.get("updated_at").and_then(Value::as_str).map(str::to_owned),
        ..upload
    };
    if job.get("status").is_some_and(|status| status == "FAILURE") {
        // The same file can be right later: its template is mended, or the failure was ours.
        kept.forget()?;
    } else {
        kept.write(upload.clone())?;
    }
    let mut shown = job.clone();
    let exit = following::tell(screen, &job)?;
    if order.dry_run && exit != Exit::Failed {
        tell_dry_run(session, &job_id).await?;
    }
    let path = match target.filter(|_| exit != Exit::Failed) {
        Some(target) => {
            session.goes_on(screen.pick(
                format!("el trabajo terminó: repite el mismo comando, o `unicreda jobs results {job_id}`"),
                format!("the job has ended: give the same command again, or `unicreda jobs results {job_id}`"),
            ));
            write_results(session, &job_id, &target, upload.results.as_deref()).await?;
            session.done();
            upload.results = Some(target.path.clone());
            kept.write(upload.clone())?;
            let name = target.path.display();
            screen
                .result(&screen.pick(format!("Resultados: {name}"), format!("Results: {name}")))?;
            Some(target.path)
        }
        None => None,
    };
    if exit == Exit::Rows && !order.dry_run && path.is_some() {
        screen.notice(screen.pick(
            "Corrige esas filas en los resultados y emite ese archivo: lo ya emitido no se repite",
            "Mend those rows in the results and issue that file: what was issued is not repeated",
        ));
    }
    if let Some(members) = shown.as_object_mut() {
        members.insert("upload_id".into(), json!(upload.upload_id));
        members.insert("results".into(), json!(path));
        members.insert("resumed".into(), json!(resumed));
    }
    screen.document(&shown)?;
    Ok(exit)
}

/// Where results go. A dry run has none unless they are asked for.
fn target(
    file: &Path,
    order: &Order,
    upload: Option<&Upload>,
    screen: Screen,
) -> Result<Option<Target>, Failure> {
    let path = match &order.many.output {
        Some(path) => path.clone(),
        None if order.dry_run => return Ok(None),
        None => {
            let file = if file == Path::new("-") { Path::new("stdin") } else { file };
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            file.with_file_name(format!("{stem}-resultados.csv"))
        }
    };
    let path = std::path::absolute(&path).map_err(|error| Failure::file(&path, &error))?;
    let own = upload.and_then(|upload| upload.results.as_ref()) == Some(&path);
    Target::new(&path, order.many.force, own, screen).map(Some)
}

/// Writes the results, unless this very job's are there.
async fn write_results(
    session: &Session,
    job_id: &str,
    target: &Target,
    before: Option<&Path>,
) -> Result<(), Failure> {
    if before == Some(target.path.as_path()) && target.path.exists() && !target.replaces() {
        return Ok(());
    }
    let mut file = target.begin()?;
    following::results(session, job_id, &mut file).await?;
    target.finish(file, session.screen)
}

fn going_on(upload: &Upload, screen: Screen) -> String {
    let job = upload.job_id.as_deref().unwrap_or_default();
    match upload.stage {
        Stage::Expected | Stage::Sent => screen.pick(
            "Este archivo ya se estaba subiendo: se continúa".to_owned(),
            "This file was being uploaded: going on".to_owned(),
        ),
        Stage::Job => screen.pick(
            format!("Este archivo ya se subió: se sigue su trabajo {job}"),
            format!("This file was uploaded: following its job {job}"),
        ),
        Stage::Ended => {
            let at = upload.ended_at.as_deref().unwrap_or_default();
            screen.pick(
                format!("Este archivo ya se procesó (trabajo {job}, {at}): no se hace otra vez; --again empieza de nuevo"),
                format!("This file was processed (job {job}, {at}): it is not done again; --again begins anew"),
            )
        }
    }
}

fn forgotten(job_id: &str, screen: Screen) -> Failure {
    Failure::failed(screen.pick(
        format!("este archivo ya se subió, y el servicio ya no conoce su trabajo {job_id}"),
        format!("this file was uploaded, and the service no longer knows its job {job_id}"),
    ))
    .next(screen.pick(
        "--again lo emite con un trabajo nuevo; lo ya emitido no se repite",
        "--again issues it with a new job; what was issued is not repeated",
    ))
}

/// Brings the file up, unless it is there, and waits for its job.
async fn job_of(
    session: &Session,
    source: &Source,
    order: &Order,
    kept: &mut Kept,
) -> Result<(Upload, String), Failure> {
    let screen = session.screen;
    let mut progress = Progress::new(screen);
    let client = session.client.patient(session.patience, &progress);
    let began = Instant::now();
    let mut pause = Duration::from_millis(200);
    let mut refused = 0;
    let mut announced = false;
    loop {
        let mut upload = match kept.upload.clone() {
            Some(upload) => upload,
            None => {
                let upload = announce(&client, source, order, screen).await?;
                announced = true;
                kept.write(upload.clone())?;
                upload
            }
        };
        if let Some(job_id) = upload.job_id.clone() {
            return Ok((upload, job_id));
        }
        // One that was just announced is not there yet, no need to ask.
        if !std::mem::take(&mut announced) {
            let ask = Ask::get(format!("/uploads/{}", upload.upload_id));
            let status = match client.json(ask).await {
                Err(failure)
                    if failure.code() == Some("not_found") && upload.stage == Stage::Expected =>
                {
                    kept.forget()?;
                    continue;
                }
                status => status?,
            };
            if let Some(job_id) = status.get("job_id").and_then(Value::as_str) {
                upload.job_id = Some(job_id.to_owned());
                upload.stage = Stage::Job;
                kept.write(upload)?;
                continue;
            }
        }
        if upload.stage == Stage::Sent {
            if began.elapsed() > session.patience {
                return Err(Failure::new(
                    Exit::Unavailable,
                    screen.pick(
                        "el archivo llegó, pero su trabajo aún no empieza",
                        "the file has arrived, but its job has not begun yet",
                    ),
                ));
            }
            progress.sending(source.size, source.size);
            sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(2));
            continue;
        }
        if has_expired(&upload) {
            kept.forget()?;
            continue;
        }
        match put(&client, &upload.address, source, &mut progress).await {
            Ok(()) => {
                upload.stage = Stage::Sent;
                kept.write(upload)?;
                pause = Duration::from_millis(200);
            }
            Err(NotSent::Refused(failure)) => return Err(failure),
            // An address that ended before its time, time and again, is another fault.
            Err(NotSent::Ended) if refused < 2 => {
                refused += 1;
                kept.forget()?;
            }
            Err(NotSent::Ended) => {
                return Err(Failure::failed(screen.pick(
                    "el almacén rechaza la dirección de subida",
                    "the storage refuses the address of the upload",
                ))
                .next(screen.pick(
                    "comprueba la hora de esta máquina; si está bien, avisa a quien administra el servicio",
                    "check this machine's clock; if it is right, tell who administers the service",
                )));
            }
            Err(NotSent::Lost(failure)) => {
                if began.elapsed() + pause > session.patience {
                    return Err(failure);
                }
                client.lost(&failure, pause);
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(15));
            }
        }
    }
}

/// Whether nothing can be put to an upload's address any more; a minute for clocks that differ.
fn has_expired(upload: &Upload) -> bool {
    let end = upload.expires_at.parse::<jiff::Timestamp>();
    end.is_ok_and(|end| jiff::Timestamp::now().as_second() > end.as_second() + 60)
}

/// Tells the service of a file that will come. Repeated, it makes one more upload, and an
/// upload without its file makes no job.
async fn announce(
    client: &Client,
    source: &Source,
    order: &Order,
    screen: Screen,
) -> Result<Upload, Failure> {
    let name: String = source.name.chars().take(200).collect();
    let body = json!({
        "template_id": order.template, "file_name": name, "size": source.size,
        "send_email": order.send_email, "dry_run": order.dry_run,
    });
    let answer = client.json(Ask::post("/uploads").json(&body).repeatable()).await?;
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let headers = answer.pointer("/upload/headers").and_then(Value::as_object);
    let headers = headers.into_iter().flatten().map(|(name, value)| {
        (name.to_ascii_lowercase(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    });
    let read = || {
        Some(Upload {
            v: 1,
            stage: Stage::Expected,
            file: source.name.clone(),
            upload_id: text("/upload_id")?,
            address: Address { url: text("/upload/url")?, headers: headers.collect() },
            expires_at: text("/expires_at")?,
            job_id: None,
            ended_at: None,
            results: None,
        })
    };
    read().ok_or_else(|| {
        Failure::failed(screen.pick(
            "el servicio respondió a la subida de un modo que este programa no conoce",
            "the service answered the upload in a way that this program does not know",
        ))
        .next(screen.pick("actualiza `unicreda`", "update `unicreda`"))
    })
}

/// Puts the file, with its progress.
async fn put(
    client: &Client,
    to: &Address,
    source: &Source,
    progress: &mut Progress,
) -> Result<(), NotSent> {
    let sent = Arc::new(AtomicU64::new(0));
    let putting = client.put(to, &source.path, source.size, &sent);
    tokio::pin!(putting);
    let mut tick = interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            outcome = &mut putting => return outcome,
            _ = tick.tick() => progress.sending(sent.load(Ordering::Relaxed), source.size),
        }
    }
}

/// Says of a dry run who would be refused, and who holds another of the template.
async fn tell_dry_run(session: &Session, job_id: &str) -> Result<(), Failure> {
    let screen = session.screen;
    if screen.json {
        return Ok(());
    }
    let path = following::job_path(job_id, "/results");
    let (rows, _) = session::list(&session.client, &path, &[], usize::MAX).await?;
    let holds = |row: &&Value| {
        row.get("also_holds").and_then(Value::as_array).is_some_and(|ids| !ids.is_empty())
    };
    let holders = rows.iter().filter(holds).count();
    for row in rows.iter().filter(holds).take(SHOWN) {
        let word = screen.pick("fila", "row");
        screen.result(&format!("  {word} {}  {}", cell(row.get("row")), cell(row.get("email"))))?;
        issue::also_holds(screen, row)?;
    }
    if holders > SHOWN {
        let all = screen.number(u64::try_from(holders).unwrap_or(0));
        screen.result(&screen.pick(
            format!("  {all} filas en total tienen otra de esta plantilla"),
            format!("  {all} rows in all hold another of this template"),
        ))?;
    }
    Ok(())
}
