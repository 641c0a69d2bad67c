//! Credentials a second when one process has everything, the functions, their pollers and the
//! embedded services: a job of 10,000 from its request to its last mail. `cargo run` tracks no
//! deliveries; a deployment does.
//!
//! `cargo bench --bench whole` (a minute). Arguments: `quick` for a small job, whose figures say
//! little. The benchmark fails when one credential or mail is missing.

#![expect(clippy::indexing_slicing, reason = "a benchmark stops at the first surprise")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use graduates::accept;
use local::{Data, Options, Stack};
use parts::{close, content, end, met, request, say, start, tell};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, time::sleep};

#[path = "parts/graduates.rs"]
mod graduates;
#[expect(dead_code, reason = "the part of the other benchmarks")]
mod parts;

/// As in `local`'s own binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Credentials a second, in memory.
const TARGET: f64 = 1_300.0;
const ROWS: u32 = 10_000;
/// How long a job may take.
const LATEST: Duration = Duration::from_secs(600);
/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(10);

/// What is compared: where the data is, whether deliveries are tracked, the row's title.
const CASES: [(&str, &str, &str); 3] = [
    ("memory", "tracked", "in memory, deliveries tracked as in a deployment"),
    ("memory", "plain", "in memory, not tracked: a write more a mail"),
    ("folder", "tracked", "on a folder, deliveries tracked"),
];

fn main() -> Result<()> {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["stack", data, tracks, rows] => stack(data, tracks == "tracked", rows.parse()?),
        ["quick"] => compare(500),
        [] => compare(ROWS),
        _ => bail!("`quick` or nothing"),
    }
}

fn compare(rows: u32) -> Result<()> {
    let cores = std::thread::available_parallelism()?;
    say(&format!(
        "### Everything in one process: a job of {rows}, from its request to its end\n\n\
         Until the last mail is recorded; whoever asks for the job is told `SUCCESS` at the next time that its totals are \
         added up, every 2 s.\n\n\
         | the data | seconds | credentials a second | target | `SUCCESS` told after, s | CPU, services included, µs a credential | a second, that {cores} cores have for |\n\
         |---|---:|---:|---|---:|---:|---:|"
    ))?;
    for (data, tracks, title) in CASES {
        let arguments = [data, tracks, &rows.to_string()].map(str::to_owned);
        let (child, told) = start("stack", &arguments, &[])?;
        end(child)?;
        let told: Value = serde_json::from_str(&told)?;
        let of = |name: &str| told[name].as_f64().unwrap_or_default();
        let rate = f64::from(rows) / of("seconds");
        let target = match data {
            "memory" => format!("{TARGET}: {}", met(rate >= TARGET)),
            _ => String::new(),
        };
        say(&format!(
            "| {title} | {:.1} | {rate:.0} | {target} | {:.1} | {:.0} | {:.0} |",
            of("seconds"),
            of("told"),
            of("cpu_us"),
            f64::from(u32::try_from(cores.get())?) * 1e6 / of("cpu_us"),
        ))?;
    }
    say("")
}

/// Everything in this process, and one job; tells what it took.
fn stack(data: &str, tracks_deliveries: bool, rows: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = if data == "folder" { Data::Dir(folder.path().into()) } else { Data::Memory };
    // SES reports deliveries after the end of a job. The measurement, like a deployment, does not wait.
    let options =
        Options { data, ses_rate_per_second: 1e6, tracks_deliveries, ..Options::in_memory() };
    Runtime::new()?.block_on(async {
        let stack = Stack::start(options).await?;
        let demo = local::demo::seed(stack.app()).await?;
        let app = stack.app();
        let (began, before) = (Instant::now(), process_cpu()?);
        let job = accept(app, &demo.api_key, &demo.template_id, rows).await?;
        let in_time = || {
            ensure!(began.elapsed() < LATEST, "the job has not ended after {LATEST:?}");
            anyhow::Ok(())
        };
        // The mailboxes tell without a call how far it is.
        while stack.mail().count() < usize::try_from(rows)? {
            in_time()?;
            sleep(LOOK).await;
        }
        let kept = app.jobs.get(job).await?.context("the job")?;
        while app.jobs.tally(&kept).await?.emails_sent < rows {
            in_time()?;
            sleep(LOOK).await;
        }
        let (seconds, cpu) = (began.elapsed().as_secs_f64(), process_cpu()? - before);
        let path = format!("/api/v1/jobs/{job}");
        loop {
            let asked = request(&demo.api_key, "GET", &path, String::new())?;
            let answer = content(&jobs::handle(app, asked).await, 200)?;
            match answer["status"].as_str() {
                Some("SUCCESS") => break,
                Some("PENDING" | "PROGRESS") => in_time()?,
                _ => bail!("{answer}"),
            }
            sleep(LOOK).await;
        }
        let told = began.elapsed().as_secs_f64();
        ensure!(close(app, job, rows).await?, "the job is not closed");
        let mail = stack.mail().count();
        ensure!(mail == usize::try_from(rows)?, "{mail} of {rows} mails are in the mailboxes");
        let cpu = cpu * 1e6 / f64::from(rows);
        tell(&json!({ "seconds": seconds, "told": told, "cpu_us": cpu }))?;
        stack.shutdown().await;
        Ok(())
    })
}

/// CPU time of all threads of this process, in seconds.
fn process_cpu() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().context("stat")?.split_whitespace();
    // utime and stime, in hundredths of a second.
    let ticks = fields.skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.collect::<Result<Vec<_>, _>>()?.iter().sum::<f64>() / 100.0)
}
