//! A single recipient, jobs of 1,000 and of 10,000: latency against the calls that it waits for,
//! time and CPU a credential in the functions, jobs of a rich achievement, and consumers that work on
//! one job.
//!
//! `cargo bench --bench jobs` (some minutes). Arguments: names of parts (`latency`, `growth`, `rich`,
//! `consumers`) for these alone, `quick` for small sizes, whose figures mean little.
//!
//! Everything goes through the handlers of the functions; sums are checked, and the benchmark fails when
//! one credential or mail is missing. The services are in a process of their own, on a folder. The
//! benchmark `whole` has everything in one process.

#![expect(clippy::indexing_slicing, reason = "a benchmark stops at the first surprise")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use graduates::{ISSUE, accept, body};
use parts::{
    Clients, app, close, consume, consume_to_the_end, content, cpu_since, cpu_time, figure, met,
    on_services, peak, plain, request, say, single, start_of_peak, tell,
};
use serde_json::{Value, json};
use trace::{Calls, Trace};
use unicreda::{
    App,
    domain::{field::FieldName, ids::JobId},
};

#[path = "../parts/graduates.rs"]
mod graduates;
#[path = "../parts/mod.rs"]
mod parts;
mod trace;

/// Consumers at work at the same time, by default.
const CONSUMERS: usize = 2;
/// Jobs of each size. The one that took least CPU counts: other load of the machine only adds.
const RUNS: usize = 3;
/// Calls before the first that counts.
const WARM: usize = 50;

/// The sizes of a measurement.
struct Sizes {
    calls: usize,
    jobs: [u32; 2],
    rich: u32,
    shared: u32,
}

const FULL: Sizes = Sizes { calls: 500, jobs: [1_000, 10_000], rich: 4_000, shared: 4_000 };
const QUICK: Sizes = Sizes { calls: 40, jobs: [200, 600], rich: 400, shared: 400 };
/// Alignments of the templates whose jobs are compared.
const ALIGNMENTS: [u32; 4] = [0, 10, 25, 50];
/// Times that a credential with the most alignments may take of the CPU of one without.
const RICH: f64 = 3.0;

type Part = fn(&Sizes) -> Result<()>;

fn main() -> Result<()> {
    let mut arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("services") => return parts::services(),
        Some("work") => return work(&arguments.split_off(1)),
        _ => {}
    }
    let quick = arguments.iter().any(|argument| argument == "quick");
    arguments.retain(|argument| argument != "quick");
    let sizes = if quick { QUICK } else { FULL };
    let parts: [(&str, Part); 4] = [
        ("latency", compare_latency),
        ("growth", compare_growth),
        ("rich", compare_rich),
        ("consumers", compare_consumers),
    ];
    if let Some(unknown) = arguments.iter().find(|name| parts.iter().all(|(n, _)| n != name)) {
        bail!("there is no part {unknown}");
    }
    for (name, part) in parts {
        if arguments.is_empty() || arguments.iter().any(|argument| argument == name) {
            part(&sizes)?;
        }
    }
    Ok(())
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

/// The part of the working process that is named first, with its arguments.
fn work(arguments: &[String]) -> Result<()> {
    let number = |at: usize| -> Result<u32> { Ok(arguments.get(at).context("a number")?.parse()?) };
    match arguments.first().map(String::as_str) {
        Some("latency") => latency(number(1)?.try_into()?),
        Some("job") => job(number(1)?, None),
        Some("rich") => job(number(1)?, Some(number(2)?)),
        Some("shared") => shared(number(1)?, number(2)?.try_into()?),
        _ => bail!("no such work"),
    }
}

/// [`accept`] with the key and the template of the environment.
async fn accept_here(app: &App, rows: u32) -> Result<JobId> {
    accept(app, &std::env::var("API_KEY")?, &std::env::var("TEMPLATE_ID")?, rows).await
}

/// Makes the template of an achievement with so many alignments; its id.
async fn rich_template(app: &App, alignments: u32) -> Result<String> {
    let alignment = |number: u32| {
        json!({
            "name": format!("Analizar datos con herramientas estadísticas {number}"),
            "url": format!("http://data.europa.eu/esco/skill/{number}"), "framework": "ESCO",
            "code": format!("S{number}.1"), "type": "ceasn:Competency",
        })
    };
    let fields = FieldName::ALL.map(|field| json!({ "name": field.as_str(), "required": false }));
    let body = json!({
        "name": "Ciencia de Datos", "description": "Ciento veinte horas.", "fields": fields,
        "achievement": {
            "type": "Certificate", "alignments": (1..=alignments).map(alignment).collect::<Vec<_>>(),
        },
    });
    let key = std::env::var("API_KEY")?;
    let asked = request(&key, "POST", "/api/v1/templates", body.to_string())?;
    let made = content(&catalog::handle(app, asked).await, 201)?;
    Ok(made["id"].as_str().context("an id")?.to_owned())
}

// A single recipient.

fn compare_latency(sizes: &Sizes) -> Result<()> {
    let told = on_services(&words(["latency", &sizes.calls.to_string()]))?;
    say(&format!(
        "### One recipient at once: the handler of `issue`, against the calls that it waits for\n\n\
         {} calls each, one after another, warm. Milliseconds.\n\n\
         | | calls to AWS | p50 | p99 | their sum p50 | p99 | the rest p50 | p99 | ratio to the sum, p50 | p99 |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        sizes.calls
    ))?;
    for (name, title) in [("plain", "external recipient"), ("keyed", "with an `Idempotency-Key`")] {
        let of = &told[name];
        let ms = |name: &str| of[name].as_f64().unwrap_or_default();
        let cells = ["all_50", "all_99", "sum_50", "sum_99", "rest_50", "rest_99"]
            .map(|name| format!("{:.2}", ms(name)));
        say(&format!(
            "| {title} | {} | {} | x{:.2} | x{:.2} |",
            of["calls"].as_str().unwrap_or_default(),
            cells.join(" | "),
            ms("all_50") / ms("sum_50"),
            ms("all_99") / ms("sum_99"),
        ))?;
    }
    say("")
}

fn latency(calls: usize) -> Result<()> {
    let trace = Trace::default();
    single()?.block_on(async {
        let app = app(&|| trace.client()).await?;
        let (key, template) = (std::env::var("API_KEY")?, std::env::var("TEMPLATE_ID")?);
        let mut seen: BTreeMap<&str, Vec<(Duration, Calls)>> = BTreeMap::new();
        for n in 0..WARM + calls {
            // In turns, so that a noisy moment meets both series.
            for (series, keyed) in [("plain", false), ("keyed", true)] {
                let person = u32::try_from(2 * n)? + u32::from(keyed);
                let mut asked =
                    request(&key, "POST", ISSUE, body(&template, std::iter::once(person)))?;
                if keyed {
                    asked.headers_mut().insert("idempotency-key", format!("k{n}").parse()?);
                }
                trace.take();
                let began = Instant::now();
                let answer = issue::handle(&app, asked).await;
                let took = began.elapsed();
                let calls = trace.take();
                let answer = content(&answer, 200)?;
                ensure!(answer["credentials"][0]["duplicate"] == false, "{answer}");
                ensure!(calls.again + calls.failed == 0, "{calls:?}");
                if n >= WARM {
                    seen.entry(series).or_default().push((took, calls));
                }
            }
        }
        let series = seen.iter().map(|(name, seen)| {
            let sums: Vec<Duration> = seen.iter().map(|(_, calls)| calls.under_way()).collect();
            let all: Vec<Duration> = seen.iter().map(|(took, _)| *took).collect();
            let rest = all.iter().zip(&sums).map(|(all, sum)| all.saturating_sub(*sum)).collect();
            let (all, sums, rest) = (shares(all), shares(sums), shares(rest));
            let names = seen.last().map(|(_, calls)| {
                let of = |(name, n): (&String, &usize)| match n {
                    1 => name.clone(),
                    n => format!("{n} {name}"),
                };
                calls.by_operation.iter().map(of).collect::<Vec<_>>().join(", ")
            });
            let figures = json!({
                "calls": names, "all_50": all[0], "all_99": all[1], "sum_50": sums[0],
                "sum_99": sums[1], "rest_50": rest[0], "rest_99": rest[1],
            });
            ((*name).to_owned(), figures)
        });
        tell(&Value::Object(series.collect()))
    })
}

/// Median and 99th percentile, in milliseconds.
fn shares(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort();
    [50, 99].map(|share| {
        let at = (times.len() * share).div_ceil(100).saturating_sub(1);
        times[at].as_secs_f64() * 1e3
    })
}

// Jobs of two sizes, and the cost of their rows in the functions.

fn compare_growth(sizes: &Sizes) -> Result<()> {
    let of = |row: &Value, name: &str| row[name].as_f64().unwrap_or_default();
    let mut runs = sizes.jobs.map(|size| (size, Vec::new()));
    for _ in 0..RUNS {
        // In turns, so that a noisy moment meets both sizes.
        for (size, runs) in &mut runs {
            runs.push(on_services(&words(["job", &size.to_string()]))?);
        }
    }
    let rows = runs.map(|(_, mut runs)| {
        runs.sort_by(|a, b| of(a, "all_cpu_us").total_cmp(&of(b, "all_cpu_us")));
        let others: Vec<_> =
            runs[1..].iter().map(|run| format!("{:.0}", of(run, "all_cpu_us"))).collect();
        runs[0]["others"] = others.join(", ").into();
        runs.swap_remove(0)
    });
    let first = rows[0].clone();
    let print = |names: &[&str]| -> Result<()> {
        for row in &rows {
            let cells: Vec<String> = names.iter().map(|name| figure(row, &first, name)).collect();
            say(&format!("| {} | {} |", row["rows"], cells.join(" | ")))?;
        }
        Ok(())
    };
    say(&format!(
        "### Jobs by one request: time and CPU in the functions, µs a row\n\n\
         The services are another process; {CONSUMERS} consumers, the queue of rows first, then that of mail. \
         {RUNS} jobs of each size by turns: the one that took least CPU in all counts.\n\n\
         | rows | accepted, time | CPU | issued, time | CPU | mailed, time | CPU | MB held |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|"
    ))?;
    print(&[
        "accept_us",
        "accept_cpu_us",
        "issue_us",
        "issue_cpu_us",
        "mail_us",
        "mail_cpu_us",
        "peak_mb",
    ])?;
    say(
        "\n| rows | all, time | CPU | of it the kernel's | CPU of the other jobs |\n|---:|---:|---:|---:|---:|",
    )?;
    for row in &rows {
        let cells = ["all_us", "all_cpu_us", "kernel_us"].map(|name| figure(row, &first, name));
        let others = row["others"].as_str().unwrap_or_default();
        say(&format!("| {} | {} | {others} |", row["rows"], cells.join(" | ")))?;
    }
    let last = rows.last().context("a row")?;
    let (cpu_target, growth) = (
        parts::figures::figure("targets", "cpu_us"),
        parts::figures::figure("targets", "growth_ratio"),
    );
    let cpu = of(last, "all_cpu_us");
    let [time, more] = ["all_us", "all_cpu_us"].map(|name| of(last, name) / of(&first, name));
    say(&format!(
        "\nTarget: {cpu_target} µs of CPU a credential; it is {cpu:.0}, {}. A row of the larger job at most x{growth}; it is x{time:.2} of the time, {}, and x{more:.2} of the CPU, {}.\n",
        met(cpu <= cpu_target),
        met(time <= growth),
        met(more <= growth),
    ))
}

fn compare_rich(sizes: &Sizes) -> Result<()> {
    let of = |row: &Value, name: &str| row[name].as_f64().unwrap_or_default();
    let mut runs = ALIGNMENTS.map(|alignments| (alignments, Vec::new()));
    for _ in 0..RUNS {
        for (alignments, runs) in &mut runs {
            let (rows, alignments) = (sizes.rich.to_string(), alignments.to_string());
            runs.push(on_services(&words(["rich", &rows, &alignments]))?);
        }
    }
    say(&format!(
        "### Jobs of {} rows of a rich achievement: CPU in the functions, µs a row\n\n\
         {RUNS} jobs of each by turns: the one that took least CPU in all counts.\n\n\
         | alignments | issued, CPU | all, CPU | CPU of the other jobs |\n|---:|---:|---:|---:|",
        sizes.rich
    ))?;
    let mut first: Option<Value> = None;
    let mut ratio = 1.0;
    for (alignments, mut runs) in runs {
        runs.sort_by(|a, b| of(a, "all_cpu_us").total_cmp(&of(b, "all_cpu_us")));
        let others: Vec<String> =
            runs[1..].iter().map(|run| format!("{:.0}", of(run, "all_cpu_us"))).collect();
        let row = runs.swap_remove(0);
        let base = first.get_or_insert_with(|| row.clone());
        let cells = ["issue_cpu_us", "all_cpu_us"].map(|name| figure(&row, base, name));
        say(&format!("| {alignments} | {} | {} |", cells.join(" | "), others.join(", ")))?;
        ratio = of(&row, "all_cpu_us") / of(base, "all_cpu_us");
    }
    say(&format!(
        "\nTarget: a credential with 50 alignments takes at most x{RICH:.0} of the CPU of one without, in a job; it is x{ratio:.2}, {}.\n",
        met(ratio <= RICH)
    ))
}

fn job(rows: u32, alignments: Option<u32>) -> Result<()> {
    let runtime = single()?;
    let app = runtime.block_on(app(&plain))?;
    let (key, mut template) = (std::env::var("API_KEY")?, std::env::var("TEMPLATE_ID")?);
    if let Some(alignments) = alignments {
        template = runtime.block_on(rich_template(&app, alignments))?;
    }
    let each = |seconds: f64| seconds * 1e6 / f64::from(rows);
    let mut figures = json!({ "rows": rows });
    let mut all = [0.0; 3];
    start_of_peak()?;
    let mut note = |name: &str, wall: Duration, [cpu, kernel]: [f64; 2]| {
        let wall = wall.as_secs_f64();
        figures[format!("{name}_us")] = each(wall).into();
        figures[format!("{name}_cpu_us")] = each(cpu).into();
        for (sum, more) in all.iter_mut().zip([wall, cpu, kernel]) {
            *sum += more;
        }
    };
    let (began, before) = (Instant::now(), cpu_time()?);
    let job = runtime.block_on(accept(&app, &key, &template, rows))?;
    note("accept", began.elapsed(), cpu_since(before)?);
    for (name, queue) in
        [("issue", &app.config.issue_queue_url), ("mail", &app.config.mail_queue_url)]
    {
        let done = consume(&[queue], CONSUMERS, &plain)?;
        ensure!(done.came_back == 0, "{} messages came back", done.came_back);
        note(name, done.wall, done.cpu);
    }
    ensure!(runtime.block_on(close(&app, job, rows))?, "the job has not ended");
    figures["peak_mb"] = peak()?.into();
    figures["all_us"] = each(all[0]).into();
    figures["all_cpu_us"] = each(all[1]).into();
    figures["kernel_us"] = each(all[2]).into();
    tell(&figures)
}

// Consumers that work on one job.

fn compare_consumers(sizes: &Sizes) -> Result<()> {
    say(&format!(
        "### Consumers on one job of {}\n\n\
         Each a thread with clients of its own; time and CPU in the functions, all else is counted, a row.\n\n\
         | consumers | time, µs a row | CPU, µs a row | calls to DynamoDB | refused conditions | throttled | repeated by the SDK | failed | messages that came back | the refused |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
        sizes.shared
    ))?;
    let mut first: Option<[f64; 5]> = None;
    let mut grows = false;
    for consumers in [1, 4, 16] {
        let told =
            on_services(&words(["shared", &sizes.shared.to_string(), &consumers.to_string()]))?;
        let each = |name: &str| told[name].as_f64().unwrap_or_default();
        let counts = ["conditions", "throttled", "again", "failed", "came_back"].map(each);
        let before = *first.get_or_insert(counts);
        // One in a thousand rows does not count.
        grows |= counts.iter().zip(before).any(|(now, before)| *now > before + 0.001);
        say(&format!(
            "| {consumers} | {:.0} | {:.0} | {:.3} | {} | {} |",
            each("wall_us"),
            each("cpu_us"),
            each("dynamodb"),
            counts.map(|count| format!("{count:.4}")).join(" | "),
            told["refused"].as_str().unwrap_or_default(),
        ))?;
    }
    say(&format!(
        "\nTarget: conflicts and repetitions do not grow with the consumers: {}.\n",
        met(!grows)
    ))
}

fn shared(rows: u32, consumers: usize) -> Result<()> {
    let trace = Trace::default();
    let runtime = single()?;
    let app = runtime.block_on(app(&plain))?;
    let job = runtime.block_on(accept_here(&app, rows))?;
    let client = || trace.client();
    let clients: Clients<'_> = &client;
    let done = consume_to_the_end(&runtime, &app, (job, rows), consumers, clients)?;
    let calls = trace.take();
    let each = |figure: f64| figure / f64::from(rows);
    tell(&json!({
        "wall_us": each(done.wall.as_secs_f64() * 1e6), "cpu_us": each(done.cpu[0] * 1e6),
        "dynamodb": each(calls.to("DynamoDB") as f64), "conditions": each(calls.conditions.values().sum::<usize>() as f64),
        "refused": calls.conditions.keys().cloned().collect::<Vec<_>>().join(", "),
        "throttled": each(calls.throttled as f64), "again": each(calls.again as f64),
        "failed": each(calls.failed as f64), "came_back": each(done.came_back as f64),
    }))
}
