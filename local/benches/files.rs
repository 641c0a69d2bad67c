//! Files of 1,000 to 1,000,000 rows: time and memory a row, in each part, and the time to read
//! such a job's results.
//!
//! `cargo bench --bench files` (some minutes; `-- 1000 10000` for other sizes, `parse:N` for a file
//! that is only read and queued, `print:N` for one whose certificates are put into an archive as
//! well). Three processes, so that each one's
//! memory is its own: this one, the embedded services, and one in which the functions `uploads`
//! and `consumer` work, through their own handlers, on batches that it takes from the queues.
//! Memory is the most that the working process ever held resident (`VmHWM`), by part.

#![expect(clippy::indexing_slicing, reason = "a benchmark stops at the first surprise")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use parts::{
    app, consume_to_the_end, content, cpu_since, cpu_time, delete, event_of, figure, met,
    on_services, peak, plain, request, say, single, start_of_peak, take, tell,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use unicreda::{
    App,
    domain::{ids::JobId, lang::Lang, print::PrintState},
    jobs::print_order,
};

mod parts;

/// Files that are issued to the end, those that are only read and queued, and one whose certificates are printed.
const SIZES: [&str; 5] = ["1000", "10000", "100000", "parse:1000000", "print:10000"];
/// Consumers at work at the same time.
const CONSUMERS: usize = 2;
/// Rows of a page of results.
const PAGE: u32 = 100;
/// Times that a page is asked for.
const LOOKS: usize = 21;

fn main() -> Result<()> {
    let mut arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("services") => parts::services(),
        Some("work") => work(&arguments.split_off(1)),
        Some(_) => compare(&arguments),
        None => compare(&SIZES.map(str::to_owned)),
    }
}

/// Runs each size on services of its own and prints the tables.
fn compare(sizes: &[String]) -> Result<()> {
    let mut rows: Vec<Value> = Vec::new();
    for size in sizes {
        rows.push(on_services(std::slice::from_ref(size))?);
    }
    let (printed, rows): (Vec<Value>, Vec<Value>) =
        rows.into_iter().partition(|row| row["printed_s"].is_number());
    if !rows.is_empty() {
        table(&rows)?;
    }
    table_of_printed(&printed)
}

/// The table of archives of certificates.
fn table_of_printed(rows: &[Value]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    say(
        "\n| certificates in an archive | s | ms each | CPU, ms each | MB | MB held | invocations |\n\
         |---:|---:|---:|---:|---:|---:|---:|",
    )?;
    for row in rows {
        let names = [
            "printed_s",
            "printed_ms",
            "printed_cpu_ms",
            "printed_mb",
            "printed_mb_held",
            "printed_invocations",
        ];
        let cells: Vec<String> = names.iter().map(|name| figure(row, row, name)).collect();
        say(&format!("| {} | {} |", row["rows"], cells.join(" | ")))?;
    }
    let target = parts::figures::figure("targets", "printed_10000_s");
    for row in rows.iter().filter(|row| row["rows"] == 10_000) {
        let time = row["printed_s"].as_f64().unwrap_or(f64::NAN);
        say(&format!(
            "\nTarget: 10,000 within {target} s of function time: {}.",
            met(time <= target)
        ))?;
    }
    Ok(())
}

fn table(rows: &[Value]) -> Result<()> {
    let first = rows.first().cloned().unwrap_or_default();
    let line = |row: &Value, names: &[&str]| {
        let cells: Vec<String> = names.iter().map(|name| figure(row, &first, name)).collect();
        format!("| {} | {} |", row["rows"], cells.join(" | "))
    };
    say(
        "| rows | MB | read and queued, µs a row | CPU | MB held | issued and mailed, µs a row | CPU | MB held | results, µs a row | CPU | MB held |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    )?;
    let names = [
        "read_us",
        "read_cpu_us",
        "read_mb",
        "issue_us",
        "issue_cpu_us",
        "issue_mb",
        "results_us",
        "results_cpu_us",
        "results_mb",
    ];
    for row in rows {
        let cells: Vec<String> = names.iter().map(|name| figure(row, &first, name)).collect();
        let size = row["file_mb"].as_f64().unwrap_or_default();
        say(&format!("| {} | {size:.1} | {} |", row["rows"], cells.join(" | ")))?;
    }
    let worst = |names: [&str; 3]| {
        let of = |row: &Value, name| row.get(name).and_then(Value::as_f64);
        let ratio = |row, name| Some(of(row, name)? / of(&first, name)?);
        let ratios = rows.iter().flat_map(|row| names.map(|name| ratio(row, name)));
        ratios.flatten().fold(0.0, f64::max)
    };
    let time = worst(["read_us", "issue_us", "results_us"]);
    let target = parts::figures::figure("targets", "growth_ratio");
    let cpu = worst(["read_cpu_us", "issue_cpu_us", "results_cpu_us"]);
    say(&format!(
        "\nTarget: a row costs at most x{target} of what it costs in the first size; at worst it is x{time:.2} of the time, {}, and x{cpu:.2} of the CPU, {}.\n",
        met(time <= target),
        met(cpu <= target),
    ))?;
    say(
        "| rows | page 1 of results, ms | middle | last | status added up, ms |\n|---:|---:|---:|---:|---:|",
    )?;
    for row in rows {
        say(&line(row, &["page_first_ms", "page_middle_ms", "page_last_ms", "status_ms"]))?;
    }
    Ok(())
}

/// Measures a file from its event to its results.
fn work(arguments: &[String]) -> Result<()> {
    let size = arguments.first().context("a size")?;
    let (how, count) = size.split_once(':').unwrap_or(("", size));
    let count: u32 = count.parse()?;
    let runtime = single()?;
    let app = runtime.block_on(app(&plain))?;
    let bytes = runtime.block_on(upload(&app, count))?;
    let per_row = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(count);
    let cpu_per_row = |seconds: f64| seconds * 1e6 / f64::from(count);

    // Read and queued.
    let uploads = &app.config.uploads_queue_url;
    let event = runtime.block_on(take(&app, uploads, 1))?;
    start_of_peak()?;
    let (began, before) = (Instant::now(), cpu_time()?);
    runtime
        .block_on(uploads::handle(&app, event_of(&event)?))
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    let (read, [read_cpu, _]) = (began.elapsed(), cpu_since(before)?);
    runtime.block_on(delete(&app, uploads, &event))?;
    let read_mb = peak()?;
    let org = "demo".to_owned().try_into()?;
    let jobs = runtime.block_on(app.jobs.list(&org, unicreda::domain::ids::Mode::Live, None, 2))?;
    let [job] = jobs.items.as_slice() else { bail!("not one job") };
    ensure!(job.fanned_out && job.total == count, "{} of {count} rows were read", job.total);
    let job_id = job.job_id;
    let began = Instant::now();
    runtime.block_on(app.jobs.tally(job))?;
    let status = began.elapsed();
    let mut figures = json!({
        "rows": count, "file_mb": bytes as f64 / 1e6, "read_us": per_row(read),
        "read_cpu_us": cpu_per_row(read_cpu), "read_mb": read_mb,
        "status_ms": status.as_secs_f64() * 1e3,
    });
    if how == "parse" {
        return tell(&figures);
    }

    // Issued and mailed.
    start_of_peak()?;
    let done = consume_to_the_end(&runtime, &app, (job_id, count), CONSUMERS, &plain)?;
    ensure!(done.came_back == 0, "{} messages came back", done.came_back);
    figures["issue_us"] = per_row(done.wall).into();
    figures["issue_cpu_us"] = cpu_per_row(done.cpu[0]).into();
    figures["issue_mb"] = peak()?.into();
    if how == "print" {
        print(&runtime, &app, job_id, &mut figures)?;
        return tell(&figures);
    }

    // Results.
    start_of_peak()?;
    let (began, before) = (Instant::now(), cpu_time()?);
    let order = json!({ "kind": "results", "job_id": job_id }).to_string();
    let deadline = Instant::now() + Duration::from_secs(900);
    runtime
        .block_on(unicreda::jobs::upload::handle(&app, &order, deadline))
        .map_err(|p| anyhow::anyhow!("{p}"))?;
    figures["results_us"] = per_row(began.elapsed()).into();
    figures["results_cpu_us"] = cpu_per_row(cpu_since(before)?[0]).into();
    figures["results_mb"] = peak()?.into();
    let job = runtime.block_on(app.jobs.get(job_id))?.context("the job")?;
    ensure!(job.results_at.is_some(), "no results were written");
    let [first, middle, last] = runtime.block_on(pages(&app, job_id, count))?;
    figures["page_first_ms"] = first.into();
    figures["page_middle_ms"] = middle.into();
    figures["page_last_ms"] = last.into();
    tell(&figures)
}

/// Puts the certificates of a job into an archive, by as many invocations of `print` as it takes.
fn print(runtime: &Runtime, app: &App, job: JobId, figures: &mut Value) -> Result<()> {
    let job = runtime.block_on(app.jobs.get(job))?.context("the job")?;
    let of = (job.job_id, Lang::Es);
    runtime.block_on(print_order::order(app, &job, of.1, "bench", app.clock.now()))?;
    start_of_peak()?;
    let (began, before, mut invocations) = (Instant::now(), cpu_time()?, 0);
    let order = loop {
        let task = runtime.block_on(take(app, &app.config.print_queue_url, 1))?;
        ensure!(!task.is_empty(), "the archive was given up");
        let answer = runtime.block_on(print::handle(app, event_of(&task)?));
        let answer = answer.map_err(|e| anyhow::anyhow!("{e}"))?;
        ensure!(answer.batch_item_failures.is_empty(), "a message came back");
        runtime.block_on(delete(app, &app.config.print_queue_url, &task))?;
        invocations += 1;
        let order = runtime.block_on(app.jobs.print(of))?.context("the order")?;
        if order.print_state == PrintState::Made {
            break order;
        }
        runtime.block_on(print_order::order(app, &job, of.1, "bench", app.clock.now()))?;
    };
    let (time, cpu) = (began.elapsed().as_secs_f64(), cpu_since(before)?[0]);
    let each = 1e3 / f64::from(job.total);
    ensure!(order.drawn.certificates == job.total, "{:?}", order.drawn);
    let bytes: u64 = order.drawn.files.iter().map(|file| file.bytes).sum();
    figures["printed_s"] = time.into();
    figures["printed_ms"] = (time * each).into();
    figures["printed_cpu_ms"] = (cpu * each).into();
    figures["printed_mb"] = (bytes as f64 / 1e6).into();
    figures["printed_mb_held"] = peak()?.into();
    figures["printed_invocations"] = invocations.into();
    Ok(())
}

/// Puts a file of `count` rows into the bucket, as another system would; its bytes.
async fn upload(app: &App, count: u32) -> Result<usize> {
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
    Ok(bytes)
}

/// Milliseconds of the first page of a job's results, of one in the middle and of the last:
/// medians of some calls of the function `jobs`. All pages are read once.
async fn pages(app: &App, job: JobId, rows: u32) -> Result<[f64; 3]> {
    let key = std::env::var("API_KEY")?;
    let base = format!("/api/v1/jobs/{job}/results?limit={PAGE}");
    let mut paths = vec![base.clone()];
    let mut seen = 0;
    loop {
        let path = paths.last().context("a page")?;
        let page =
            content(&jobs::handle(app, request(&key, "GET", path, String::new())?).await, 200)?;
        seen += page["items"].as_array().map_or(0, Vec::len);
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        paths.push(format!("{base}&cursor={cursor}"));
    }
    ensure!(seen == usize::try_from(rows)?, "{seen} of {rows} results were shown");
    let mut medians = [0.0; 3];
    for (at, median) in [0, paths.len() / 2, paths.len() - 1].into_iter().zip(&mut medians) {
        let mut times = Vec::new();
        for _ in 0..LOOKS {
            let asked = request(&key, "GET", &paths[at], String::new())?;
            let began = Instant::now();
            let answer = jobs::handle(app, asked).await;
            times.push(began.elapsed().as_secs_f64() * 1e3);
            content(&answer, 200)?;
        }
        times.sort_by(f64::total_cmp);
        *median = times[LOOKS / 2];
    }
    Ok(medians)
}
