//! Files of 1,000 to 1,000,000 rows: time and memory a row, in each part.
//!
//! `cargo bench --profile measure --bench files` (some minutes; `-- 1000 10000` for other sizes, the last argument
//! `parse:N` for a file that is only read and queued). Three processes, so that each one's
//! memory is its own: this one, the embedded services, and one in which the functions `uploads`
//! and `consumer` work, through their own handlers, on batches that it takes from the queues.
//! Memory is the most that the working process ever held resident (`VmHWM`), by part.

#![expect(clippy::indexing_slicing, reason = "a benchmark stops at the first surprise")]

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail, ensure};
use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName};
use lambda_runtime::{Context, LambdaEvent};
use local::{Data, Options, Stack};
use serde_json::{Value, json};
use unicreda::{App, ids::JobId};

/// Files that are issued to the end, and those that are only read and queued.
const SIZES: [&str; 4] = ["1000", "10000", "100000", "parse:1000000"];
/// Batches at work at the same time.
const CONSUMERS: usize = 2;
/// Messages of a batch.
const BATCH: usize = 100;

fn main() -> Result<()> {
    let mut arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match arguments.first().map(String::as_str) {
        Some("services") => runtime.block_on(services()),
        Some("work") => runtime.block_on(work(&arguments.split_off(1))),
        Some(_) => compare(&arguments),
        None => compare(&SIZES.map(str::to_owned)),
    }
}

/// Runs each size on services of its own and prints one table.
fn compare(sizes: &[String]) -> Result<()> {
    let mut rows: Vec<Value> = Vec::new();
    for size in sizes {
        let (services, told) = start("services", &[], &[])?;
        let settings: Vec<(String, String)> = serde_json::from_str(&told)?;
        let (worker, told) = start("work", std::slice::from_ref(size), &settings)?;
        rows.push(serde_json::from_str(&told)?);
        end(worker)?;
        end(services)?;
        print(&rows)?;
    }
    Ok(())
}

/// Starts this program in another part; the line that it tells.
fn start(
    part: &str,
    arguments: &[String],
    settings: &[(String, String)],
) -> Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(part)
        .args(arguments)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("its output")?).read_line(&mut line)?;
    ensure!(!line.is_empty(), "{part} told nothing");
    Ok((child, line))
}

fn end(mut child: Child) -> Result<()> {
    drop(child.stdin.take());
    child.wait()?;
    Ok(())
}

fn print(rows: &[Value]) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "\n| rows | MB | read and queued, us a row | MB held | issued and mailed, us a row | CPU | MB held | results, us a row | MB held | status, ms |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|---|")?;
    let first = rows.first().cloned().unwrap_or_default();
    for row in rows {
        let figure = |name: &str| match row.get(name).and_then(Value::as_f64) {
            None => "-".to_owned(),
            Some(value) => match first.get(name).and_then(Value::as_f64) {
                Some(base) if base > 0.0 && name != "file_mb" && row != &first => {
                    format!("{value:.1} (x{:.2})", value / base)
                }
                _ => format!("{value:.1}"),
            },
        };
        let names = [
            "file_mb",
            "read_us",
            "read_mb",
            "issue_us",
            "issue_cpu_us",
            "issue_mb",
            "results_us",
            "results_mb",
            "status_ms",
        ];
        let cells: Vec<String> = names.iter().map(|name| figure(name)).collect();
        writeln!(out, "| {} | {} |", row.get("rows").unwrap_or(&Value::Null), cells.join(" | "))?;
    }
    Ok(())
}

/// The embedded services on a folder, as `cargo run` has them, whose queues nobody reads here;
/// tells where they are, and waits.
async fn services() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let options = Options {
        data: Data::Dir(folder.path().into()),
        concurrency: 0,
        sweep_every: None,
        ses_rate_per_second: 1e6,
        ..Options::in_memory()
    };
    let stack = Stack::start(options).await?;
    let demo = local::demo::seed(stack.app()).await?;
    let (config, endpoints) = (&stack.app().config, stack.endpoints());
    let settings = [
        ("CATALOG_TABLE", config.catalog_table.as_str()),
        ("CREDENTIALS_TABLE", &config.credentials_table),
        ("JOBS_TABLE", &config.jobs_table),
        ("ISSUE_QUEUE_URL", &config.issue_queue_url),
        ("MAIL_QUEUE_URL", &config.mail_queue_url),
        ("UPLOADS_QUEUE_URL", &config.uploads_queue_url),
        ("UPLOADS_BUCKET", config.uploads_bucket.as_deref().unwrap_or_default()),
        ("SITE_URL", &config.site_url),
        ("SES_RATE_PER_SECOND", "1000000"),
        (
            "SIGNING_KEY_FILE",
            &stack.data_dir().join(local::folder::SIGNING_KEY).display().to_string(),
        ),
        ("AWS_ENDPOINT_URL_DYNAMODB", &endpoints.dynamodb),
        ("AWS_ENDPOINT_URL_SQS", &endpoints.sqs),
        ("AWS_ENDPOINT_URL_SES", &endpoints.ses),
        ("AWS_ENDPOINT_URL_S3", &endpoints.s3),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("TEMPLATE_ID", &demo.template_id),
        ("LOG_LEVEL", "error"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    tell(&json!(settings))?;
    let waiting = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    waiting.await??;
    stack.shutdown().await;
    Ok(())
}

fn tell(value: &Value) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{value}")?;
    out.flush()?;
    Ok(())
}

/// One file, from its event to its results.
async fn work(arguments: &[String]) -> Result<()> {
    let size = arguments.first().context("a size")?;
    let (only_read, count) = match size.strip_prefix("parse:") {
        Some(count) => (true, count),
        None => (false, size.as_str()),
    };
    let count: u32 = count.parse()?;
    let app = App::from_env_with_files().await?;
    let template = std::env::var("TEMPLATE_ID")?;
    let files = app.files().map_err(|p| anyhow::anyhow!("{p}"))?;
    let mut file = files.writer(format!("incoming/live/demo/{template}/acta.csv"), "text/csv");
    let mut bytes = 0;
    let header = "Correo electrónico;Nombre completo;Calificación;Créditos;Rol;Periodo;Fecha de inicio;Fecha de fin;Evidencia url;Evidencia nombre;Evidencia descripción\r\n";
    file.write(header.as_bytes()).await?;
    for n in 1..=count {
        // Some 300 bytes, so that a million rows are 300 MB.
        let row = format!(
            "persona.{n}@ejemplo.com;María José Fernández Núñez {n};{};6,5;Estudiante;2026-2;03/08/2026;15/11/2026;https://repositorio.ejemplo.com/proyectos/2026/{n:08}/memoria;Proyecto de título {n};Diseño e implementación de una API de emisión de credenciales, con sus pruebas y su documentación\r\n",
            ["A", "B", "C"][usize::try_from(n % 3)?],
        );
        bytes += row.len();
        file.write(row.as_bytes()).await?;
    }
    file.finish().await?;
    let queues =
        [&app.config.uploads_queue_url, &app.config.issue_queue_url, &app.config.mail_queue_url];
    let event = receive(&app, queues[0], 1).await?;
    let per_row = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(count);

    // Read and queued.
    start_of_peak()?;
    let began = Instant::now();
    uploads::handle(&app, event_of(&event)?).await.map_err(|e| anyhow::anyhow!("{e}"))?;
    let read = began.elapsed();
    delete(&app, queues[0], &event).await?;
    let read_mb = peak()?;
    let jobs =
        app.jobs.list(&"demo".to_owned().try_into()?, unicreda::ids::Mode::Live, None, 2).await?;
    let [job] = jobs.items.as_slice() else { bail!("not one job") };
    ensure!(job.fanned_out && job.total == count, "{} of {count} rows were read", job.total);
    let job_id = job.job_id;
    let began = Instant::now();
    app.jobs.tally(job).await?;
    let status = began.elapsed();
    let mut figures = json!({
        "rows": count, "file_mb": bytes as f64 / 1e6, "read_us": per_row(read), "read_mb": read_mb,
        "status_ms": status.as_secs_f64() * 1e3,
    });
    if only_read {
        return tell(&figures);
    }

    // Issued and mailed.
    start_of_peak()?;
    let (began, cpu) = (Instant::now(), cpu_time()?);
    let ended = consume(&app, job_id, &queues[1..]).await?;
    figures["issue_us"] = per_row(ended - began).into();
    figures["issue_cpu_us"] = ((cpu_time()? - cpu) * 1e6 / f64::from(count)).into();
    figures["issue_mb"] = peak()?.into();

    // Results.
    start_of_peak()?;
    let began = Instant::now();
    let order = json!({ "kind": "results", "job_id": job_id }).to_string();
    let deadline = Instant::now() + Duration::from_secs(900);
    unicreda::uploading::handle(&app, &order, deadline)
        .await
        .map_err(|p| anyhow::anyhow!("{p}"))?;
    figures["results_us"] = per_row(began.elapsed()).into();
    figures["results_mb"] = peak()?.into();
    let job = app.jobs.get(job_id).await?.context("the job")?;
    ensure!(job.results_at.is_some(), "no results were written");
    let t = &job.tally;
    ensure!((t.issued, t.emails_sent, t.failed) == (count, count, 0), "the sums are {t:?}");
    tell(&figures)
}

/// Hands what both queues show to the consumer until the job has ended; when the last batch had.
async fn consume(app: &App, job: JobId, queues: &[&String]) -> Result<Instant> {
    let work = (0..CONSUMERS).map(|n| async move {
        let mut idle = 0;
        let mut last = Instant::now();
        loop {
            let mut any = false;
            for at in 0..2 {
                // Each begins with another queue.
                let queue = queues[(n + at) % 2];
                let batch = receive(app, queue, BATCH).await?;
                if batch.is_empty() {
                    continue;
                }
                any = true;
                let answer = consumer::handle(app, event_of(&batch)?).await;
                let back = answer.map_err(|e| anyhow::anyhow!("{e}"))?.batch_item_failures;
                ensure!(back.is_empty(), "{} messages come back", back.len());
                delete(app, queue, &batch).await?;
                last = Instant::now();
            }
            idle = if any { 0 } else { idle + 1 };
            // The other one's batch may bring more.
            if idle > 20 {
                return Ok::<_, anyhow::Error>(last);
            }
            if !any {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    let ends = futures::future::try_join_all(work).await?;
    let kept = app.jobs.get(job).await?.context("the job")?;
    let tally = app.jobs.tally(&kept).await?;
    let now = unicreda::time::millis(app.clock.now());
    let closed = app.jobs.keep_tally(&kept, &tally, &now).await?;
    ensure!(closed.is_some_and(|job| job.closed_at.is_some()), "the job has not ended: {tally:?}");
    ends.into_iter().max().context("a consumer")
}

type Messages = Vec<aws_sdk_sqs::types::Message>;

async fn receive(app: &App, queue: &str, most: usize) -> Result<Messages> {
    let mut batch = Messages::new();
    while batch.len() < most {
        let room = i32::try_from(most - batch.len())?.min(10);
        let taken = app
            .sqs
            .receive_message()
            .queue_url(queue)
            .max_number_of_messages(room)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await?;
        let messages = taken.messages.unwrap_or_default();
        if messages.is_empty() {
            break;
        }
        batch.extend(messages);
    }
    Ok(batch)
}

async fn delete(app: &App, queue: &str, batch: &Messages) -> Result<()> {
    for chunk in batch.chunks(10) {
        let entries = chunk
            .iter()
            .enumerate()
            .map(|(n, message)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(n.to_string())
                    .set_receipt_handle(message.receipt_handle.clone())
                    .build()
            })
            .collect::<Result<Vec<_>, _>>()?;
        app.sqs.delete_message_batch().queue_url(queue).set_entries(Some(entries)).send().await?;
    }
    Ok(())
}

fn event_of(batch: &Messages) -> Result<LambdaEvent<SqsEvent>> {
    let records: Vec<Value> = batch
        .iter()
        .map(|message| {
            json!({
                "messageId": message.message_id, "receiptHandle": message.receipt_handle,
                "body": message.body, "attributes": { "ApproximateReceiveCount": "1" },
                "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            })
        })
        .collect();
    let mut context = Context::default();
    let deadline = SystemTime::now() + Duration::from_secs(900);
    context.deadline = u64::try_from(deadline.duration_since(UNIX_EPOCH)?.as_millis())?;
    Ok(LambdaEvent::new(serde_json::from_value(json!({ "Records": records }))?, context))
}

/// Forgets the peak of before.
fn start_of_peak() -> Result<()> {
    std::fs::write("/proc/self/clear_refs", "5").context("clear_refs")
}

/// The most memory held since, in MB.
fn peak() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes / 1e3)
}

/// CPU time of this process, in seconds.
fn cpu_time() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().context("stat")?.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    // utime and stime, in hundredths of a second.
    Ok((ticks(11).context("utime")? + ticks(12).context("stime")?) / 100.0)
}
