//! `unicreda jobs`: following through interruptions and lost connections, results, cancelling and
//! retrying.

use std::fs;

use crate::harness::{Wire, World, until};
use local::Options;

fn people(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("persona{n}@ejemplo.com"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_followed_to_its_end_and_its_failures_are_printed() {
    let world = World::new().await;
    let job = world.job(people(20).chain(["invalido@test".into()]));
    let ran = world.run(&["jobs", "watch", &job]).code(3);
    let ran = ran
        .stdout_has("21 filas: 20 emitidas, 0 ya existían, 1 con error")
        .stdout_has("20 enviados");
    let ran = ran.stdout_has("fila 21  invalido@test  Invalid email: invalido@test");
    assert!(!ran.err.contains('\u{1b}'), "{ran:?}");
    let lines = world.run(&["jobs", "watch", &job, "--json"]).code(3).lines();
    assert_eq!(lines.last().expect("a line")["status"], "SUCCESS");
    assert_eq!(lines.last().expect("a line")["result"]["failed"], 1);

    let good = world.job(people(3));
    world.done(&["jobs", "watch", &good]).stdout_has("3 filas: 0 emitidas, 3 ya existían");
    let listed = world.done(&["jobs", "list", "--json"]).lines();
    assert_eq!(listed.iter().map(|j| &j["job_id"]).collect::<Vec<_>>(), [&good, &job]);
    let table = world.done(&["jobs", "list", "--limit", "1"]);
    assert!(table.out.contains(&good) && !table.out.contains(&job), "{table:?}");
    table.stderr_has("--limit");
    world.run(&["jobs", "watch", "../templates"]).code(1).stderr_has("jobs list");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_of_many_pages_are_one_file_and_replace_no_other() {
    let world = World::new().await;
    let job = world.job(people(1_200).chain(["invalido@test".into()]));
    world.run(&["jobs", "watch", &job]).code(3).stdout_has("1.201 filas");
    let csv = world.done(&["jobs", "results", &job]).out;
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 1_202);
    assert!(rows[0].starts_with("row,email,") && rows[1_201].starts_with("1201,invalido@test"));
    assert_eq!(rows.iter().filter(|row| row.starts_with("row,")).count(), 1);
    let failed = world.done(&["jobs", "results", &job, "--status", "failed"]).out;
    assert_eq!(failed.lines().count(), 2, "{failed}");
    assert_eq!(world.done(&["jobs", "results", &job, "--json"]).lines().len(), 1_201);

    let to_file = ["jobs", "results", &job, "-o", "r.csv"];
    world.done(&to_file).stdout_has("r.csv");
    assert_eq!(fs::read_to_string(world.path("r.csv")).expect("a file"), csv);
    fs::write(world.path("r.csv"), "mío").expect("written");
    world.run(&to_file).code(1).stderr_has("--force");
    assert_eq!(fs::read_to_string(world.path("r.csv")).expect("a file"), "mío");
    world.done(&[&to_file[..], &["--force"]].concat());
    assert_eq!(fs::read_to_string(world.path("r.csv")).expect("a file"), csv);
    let left = fs::read_dir(world.path("")).expect("a folder").count();
    assert_eq!(left, 2, "no temporary file is left beside .local and r.csv");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_one_archive_that_replaces_no_other() {
    let world = World::new().await;
    let job = world.job(people(2).chain(["invalido@test".into()]));
    world.run(&["jobs", "watch", &job]).code(3);
    let to_file = ["jobs", "certificates", &job, "-o", "diplomas.zip"];
    let ran = world.done(&to_file).stdout_has("2 certificados: diplomas.zip");
    ran.stderr_has("Sin certificado: 1 fila");
    let archive = fs::read(world.path("diplomas.zip")).expect("a file");
    assert!(archive.starts_with(b"PK\x03\x04"));
    fs::write(world.path("diplomas.zip"), "mío").expect("written");
    world.run(&to_file).code(1).stderr_has("--force");
    assert_eq!(fs::read_to_string(world.path("diplomas.zip")).expect("a file"), "mío");
    let forced = [&to_file[..], &["--force", "--lang", "en", "--json"]].concat();
    let said = &world.done(&forced).lines()[0];
    assert_eq!((&said["certificates"], &said["lang"]), (&2.into(), &"en".into()), "{said}");
    assert_ne!(fs::read(world.path("diplomas.zip")).expect("a file"), archive);
    let wrong = ["jobs", "certificates", &job, "-o", "x.zip", "--lang", "esp"];
    world.run(&wrong).code(1).stderr_has("lang");
    let left = fs::read_dir(world.path("")).expect("a folder").count();
    assert_eq!(left, 2, "no temporary file is left beside .local and the archive");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_watch_names_the_command_that_continues() {
    let world = World::with(Options { concurrency: 0, ..Options::in_memory() }).await;
    let job = world.job(people(2));
    let mut watch = world.start(&["jobs", "watch", &job, "--json"]);
    watch.line();
    watch.signal("-INT");
    let ran = watch.ended().code(130);
    let next = ran.lines().last().expect("a line")["error"]["next"].clone();
    assert!(next.as_str().is_some_and(|next| next.contains(&job)), "{ran:?}");
    ran.stderr_has("el trabajo sigue en el servicio");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_retried_with_a_notice() {
    let world = World::new().await;
    let job = world.job(people(2));
    let wire = Wire::to(world.stack.port()).await;
    world.set_url(&wire.url);
    wire.cut();
    let watch = world.start(&["jobs", "watch", &job]);
    until("it meets the cut", || wire.was_met()).await;
    wire.restore();
    watch.ended().code(0).stdout_has("2 filas").stderr_has("se reintenta en");
    wire.cut();
    let ran = world.run(&["jobs", "watch", &job, "--patience", "1"]).code(5);
    ran.stderr_has("se reintenta en").stderr_has(&format!("jobs watch {job}"));
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_cancelled_and_retried() {
    let world = World::new().await;
    let job = world.job(people(2));
    world.done(&["jobs", "watch", &job]);
    world.run(&["jobs", "cancel", &job]).code(1);
    world.done(&["jobs", "retry", &job]).stdout_has("No hay nada que reintentar");
    let reader = world.file("leer.key", &world.key(&["read"]), 0o600);
    let reader = reader.to_str().expect("UTF-8");
    let url = world.stack.base_url();
    world
        .run(&["jobs", "retry", &job, "--url", &url, "--key-file", reader])
        .code(4)
        .stderr_has("«manage»");
    world.stack.shutdown().await;

    let idle = World::with(Options { concurrency: 0, ..Options::in_memory() }).await;
    let job = idle.job(people(2));
    let cancelled = idle.done(&["jobs", "cancel", &job, "--json"]).json();
    assert!(cancelled["cancelled_at"].is_string(), "{cancelled}");
    idle.done(&["jobs", "cancel", &job]).stdout_has("0 de 2");
    idle.run(&["jobs", "retry", &job]).code(1);
    idle.stack.shutdown().await;
}
