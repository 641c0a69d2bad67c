//! Shared parts of the benchmarks of the whole service: the embedded services in one process,
//! the functions in another, so that time and memory of each are its own, and a third that
//! compares.
//!
//! A consumer is a thread with clients and a single-threaded runtime of its own, as a function's
//! process on Lambda.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::Barrier,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use aws_config::BehaviorVersion;
use aws_lambda_events::event::sqs::SqsEvent;
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName};
use lambda_http::{Body, Request, RequestExt};
use lambda_runtime::{Context, LambdaEvent};
use local::{Data, Options, Stack};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use unicreda::{App, Config, aws::s3::Files, domain::ids::JobId};

pub mod figures;

/// Messages of a batch.
const BATCH: usize = 100;
/// A consumer that finds both queues empty polls so long: another's batch may bring more.
const PATIENCE: Duration = Duration::from_secs(1);
/// Slack of a job beyond the measured time: messages that come back are hidden for a minute.
const LATEST: Duration = Duration::from_secs(180);

/// Runs a part of this program, `work` with these arguments, on services of its own; its report.
pub fn on_services(arguments: &[String]) -> Result<Value> {
    let (services, told) = start("services", &[], &[])?;
    let settings: Vec<(String, String)> = serde_json::from_str(&told)?;
    let (worker, told) = start("work", arguments, &settings)?;
    end(worker)?;
    end(services)?;
    Ok(serde_json::from_str(&told)?)
}

/// Starts this program in another part; the line that it reports.
pub fn start(
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
    ensure!(!line.is_empty(), "{part} reported nothing");
    Ok((child, line))
}

/// Closes a part's input, and waits for its end.
pub fn end(mut child: Child) -> Result<()> {
    drop(child.stdin.take());
    child.wait()?;
    Ok(())
}

/// Reports a value to the process that started this one.
pub fn tell(value: &Value) -> Result<()> {
    say(&value.to_string())
}

/// Writes a line, or several.
pub fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// A figure, with its ratio to that of the first row when this is a later one.
pub fn figure(row: &Value, first: &Value, name: &str) -> String {
    let of = |row: &Value| row.get(name).and_then(Value::as_f64);
    match (of(row), of(first)) {
        (None, _) => "-".to_owned(),
        (Some(value), Some(base)) if base > 0.0 && row != first => {
            format!("{value:.1} (x{:.2})", value / base)
        }
        (Some(value), _) => format!("{value:.1}"),
    }
}

/// Whether a target is met, in words.
pub fn met(is: bool) -> &'static str {
    if is { "met" } else { "not met" }
}

/// The runtime of a function.
pub fn single() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// The embedded services on a folder, as `cargo run` has them, without consumers; reports their
/// addresses and waits.
pub fn services() -> Result<()> {
    Runtime::new()?.block_on(async {
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
            ("PRIVACY_QUEUE_URL", &config.privacy_queue_url),
            ("PRINT_QUEUE_URL", &config.print_queue_url),
            ("UPLOADS_BUCKET", config.uploads_bucket.as_deref().unwrap_or_default()),
            ("SITE_URL", &config.site_url),
            ("SITE_SENDER", "sitio@credenciales.example"),
            ("SES_RATE_PER_SECOND", "1000000"),
            ("TRACK_DELIVERIES", "true"),
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
            ("API_KEY", &demo.api_key),
            ("LOG_LEVEL", "error"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        tell(&json!(settings))?;
        let waiting =
            tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
        waiting.await??;
        stack.shutdown().await;
        Ok(())
    })
}

/// The HTTP clients of the functions' SDK clients.
pub type Clients<'a> = &'a (dyn Fn() -> SharedHttpClient + Sync);

/// Plain HTTP, as the services speak it: no TLS setup, no root certificates.
pub fn plain() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// The functions' app, configured as on Lambda.
pub async fn app(clients: Clients<'_>) -> Result<App> {
    let config = Config::from_env()?;
    let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(unicreda::app::timeouts())
        .http_client(clients())
        .load()
        .await;
    let files = config.uploads_bucket.clone().map(|bucket| Files::new(&sdk, bucket));
    Ok(App { files, ..App::new(config, &sdk)? })
}

/// A request of the API, as the gateway hands it to a function.
pub fn request(key: &str, method: &str, path: &str, body: String) -> Result<Request> {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("x-api-key", key)
        .header("content-type", "application/json")
        .body(Body::from(body))?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let mut pairs: std::collections::HashMap<String, Vec<String>> = Default::default();
    for (name, value) in query {
        pairs.entry(name).or_default().push(value);
    }
    Ok(request.with_raw_http_path(path).with_query_string_parameters(pairs))
}

/// The content of an answer; an error when its status is another.
pub fn content(answer: &http::Response<Body>, status: u16) -> Result<Value> {
    let text = String::from_utf8_lossy(answer.body());
    ensure!(answer.status() == status, "{}: {text}", answer.status());
    Ok(serde_json::from_str(&text)?)
}

fn sum(one: [f64; 2], other: [f64; 2]) -> [f64; 2] {
    [one[0] + other[0], one[1] + other[1]]
}

/// The work of consumers.
#[derive(Debug)]
pub struct Consumed {
    /// Until the last batch was done.
    pub wall: Duration,
    /// CPU time of the function, without what takes and deletes messages: all, and the kernel's.
    pub cpu: [f64; 2],
    /// Messages that came back.
    pub came_back: usize,
}

/// Hands the messages of the queues to `consumers` consumers, until none comes for some time.
pub fn consume(queues: &[&str], consumers: usize, clients: Clients<'_>) -> Result<Consumed> {
    let ready = Barrier::new(consumers);
    let one = |n: usize| -> Result<(Instant, Instant, [f64; 2], usize)> {
        let runtime = single()?;
        let app = runtime.block_on(app(clients));
        ready.wait();
        let app = app?;
        let began = Instant::now();
        let (mut last, mut cpu, mut came_back) = (began, [0.0; 2], 0);
        runtime.block_on(async {
            let mut looked = Instant::now();
            while looked.elapsed() < PATIENCE {
                let mut any = false;
                for at in 0..queues.len() {
                    // Each consumer begins with another queue.
                    let queue = queues[(n + at) % queues.len()];
                    let mut batch = take(&app, queue, BATCH).await?;
                    if batch.is_empty() {
                        continue;
                    }
                    any = true;
                    let before = cpu_time()?;
                    let answer = consumer::handle(&app, event_of(&batch)?).await;
                    cpu = sum(cpu, cpu_since(before)?);
                    let back = answer.map_err(|e| anyhow::anyhow!("{e}"))?.batch_item_failures;
                    came_back += back.len();
                    let back: Vec<_> = back.iter().map(|f| f.item_identifier.as_str()).collect();
                    batch.retain(|m| m.message_id().is_some_and(|id| !back.contains(&id)));
                    delete(&app, queue, &batch).await?;
                    last = Instant::now();
                    looked = last;
                }
                if !any {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Ok((began, last, cpu, came_back))
        })
    };
    let one = &one;
    let done = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..consumers).map(|n| scope.spawn(move || one(n))).collect();
        let ends = threads.into_iter().map(|thread| {
            thread.join().map_err(|_| anyhow::anyhow!("a consumer panicked")).and_then(|end| end)
        });
        ends.collect::<Result<Vec<_>>>()
    })?;
    let began = done.iter().map(|(began, ..)| *began).min().context("a consumer")?;
    let last = done.iter().map(|(_, last, ..)| *last).max().context("a consumer")?;
    let came_back = done.iter().map(|(.., back)| back).sum();
    let cpu = done.iter().map(|(_, _, cpu, _)| *cpu).fold([0.0; 2], sum);
    Ok(Consumed { wall: last - began, cpu, came_back })
}

/// Lets consumers work until a job has ended with every row issued and mailed, messages that
/// came back included.
pub fn consume_to_the_end(
    runtime: &Runtime,
    app: &App,
    (job, rows): (JobId, u32),
    consumers: usize,
    clients: Clients<'_>,
) -> Result<Consumed> {
    let queues = [&*app.config.issue_queue_url, &*app.config.mail_queue_url];
    let began = Instant::now();
    let mut all = consume(&queues, consumers, clients)?;
    while !runtime.block_on(close(app, job, rows))? {
        ensure!(all.came_back > 0 && began.elapsed() < LATEST, "the job has not ended");
        let start = began.elapsed();
        let more = consume(&queues, consumers, clients)?;
        if !more.wall.is_zero() {
            all.wall = start + more.wall;
        }
        all.cpu = sum(all.cpu, more.cpu);
        all.came_back += more.came_back;
    }
    Ok(all)
}

/// Closes a job that has ended, all of it well; false when it has not ended yet.
pub async fn close(app: &App, job: JobId, rows: u32) -> Result<bool> {
    let kept = app.jobs.get(job).await?.context("the job")?;
    let tally = app.jobs.tally(&kept).await?;
    let now = unicreda::domain::time::millis(app.clock.now());
    let closed = app.jobs.save_totals(&kept, &tally, &now).await?.unwrap_or(kept);
    if closed.closed_at.is_none() {
        return Ok(false);
    }
    let t = &closed.tally;
    ensure!((t.issued, t.emails_sent, t.failed) == (rows, rows, 0), "the sums are {t:?}");
    Ok(true)
}

type Messages = Vec<aws_sdk_sqs::types::Message>;

/// Takes messages as Lambda's event source does.
pub async fn take(app: &App, queue: &str, most: usize) -> Result<Messages> {
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

/// Deletes messages as Lambda's event source does.
pub async fn delete(app: &App, queue: &str, batch: &Messages) -> Result<()> {
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

/// The event that Lambda makes of messages.
pub fn event_of(batch: &Messages) -> Result<LambdaEvent<SqsEvent>> {
    let records: Vec<Value> = batch
        .iter()
        .map(|message| {
            let attributes: serde_json::Map<String, Value> = message
                .attributes()
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.as_str().to_owned(), Value::from(value.as_str())))
                .collect();
            json!({
                "messageId": message.message_id, "receiptHandle": message.receipt_handle,
                "body": message.body, "attributes": attributes,
                "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            })
        })
        .collect();
    let mut context = Context::default();
    let deadline = SystemTime::now() + Duration::from_secs(900);
    context.deadline = u64::try_from(deadline.duration_since(UNIX_EPOCH)?.as_millis())?;
    Ok(LambdaEvent::new(serde_json::from_value(json!({ "Records": records }))?, context))
}

/// Resets the peak of memory.
pub fn start_of_peak() -> Result<()> {
    std::fs::write("/proc/self/clear_refs", "5").context("clear_refs")
}

/// The peak of memory since then, in MB.
pub fn peak() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes / 1e3)
}

/// CPU time of this thread, in seconds: all of it, and the kernel's part.
pub fn cpu_time() -> Result<[f64; 2]> {
    // Nanoseconds on a processor.
    let all = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let all: f64 = all.split_whitespace().next().context("schedstat")?.parse()?;
    let stat = std::fs::read_to_string("/proc/thread-self/stat")?;
    let mut fields = stat.rsplit(')').next().context("stat")?.split_whitespace();
    // stime, in hundredths of a second: right over many of them.
    let kernel: f64 = fields.nth(12).context("stime")?.parse()?;
    Ok([all / 1e9, kernel / 100.0])
}

/// CPU time since, in seconds.
pub fn cpu_since(before: [f64; 2]) -> Result<[f64; 2]> {
    let now = cpu_time()?;
    Ok([now[0] - before[0], now[1] - before[1]])
}
