//! `unicreda issue FILE`: many recipients from a file, interrupted at any moment, never a second job.

use std::fs;

use local::Options;
use serde_json::Value;

use crate::harness::{Wire, World, until};

/// Writes a CSV file of people and returns its text.
fn acta(world: &World, name: &str, rows: usize) -> String {
    let mut text = String::from("email,recipient_name,result_value\n");
    for n in 0..rows {
        text.push_str(&format!("{name}{n}@ejemplo.com,Persona {n},A\n"));
    }
    world.file(&format!("{name}.csv"), &text, 0o644);
    text
}

fn jobs(world: &World) -> Vec<Value> {
    world.done(&["jobs", "list", "--limit", "1000", "--json"]).lines()
}

fn results(world: &World, name: &str) -> String {
    fs::read_to_string(world.path(&format!("{name}-resultados.csv"))).expect("a results file")
}

/// The state files of the command line.
fn states(world: &World) -> Vec<Value> {
    let folder = world.path("home/.local/state/unicreda");
    let files = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| serde_json::from_slice(&fs::read(path).unwrap()).expect("JSON"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_issued_once_and_its_results_are_written_beside_it() {
    let world = World::new().await;
    let text = acta(&world, "acta", 3) + "invalido@test,Nadie,A\n";
    world.file("acta.csv", &text, 0o644);
    let issue = ["issue", "acta.csv"];
    let ran =
        world.run(&issue).code(3).stdout_has("4 filas: 3 emitidas, 0 ya existían, 1 con error");
    let ran = ran.stdout_has("línea 5  invalido@test").stdout_has("acta-resultados.csv");
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{ran:?}");
    let first = results(&world, "acta");
    assert_eq!(first.lines().filter(|line| line.contains("/credential/")).count(), 3, "{first}");
    assert!(first.contains("Invalid email: invalido@test"), "{first}");
    assert_eq!(jobs(&world).len(), 1);

    // The same command prints the same job's end again, whatever the file's name.
    let again = world.run(&issue).code(3).stderr_has("no se hace otra vez").stderr_has("--again");
    again.stdout_has("4 filas: 3 emitidas");
    world.file("copia.csv", &text, 0o644);
    let copy = world.run(&["issue", "copia.csv", "--json"]).code(3).json();
    assert_eq!((&copy["resumed"], &copy["result"]["failed"]), (&true.into(), &1.into()), "{copy}");
    assert_eq!(results(&world, "copia"), first);
    assert_eq!(jobs(&world).len(), 1);

    // Results replace no file.
    world.run(&["issue", "acta.csv", "--again"]).code(1).stderr_has("--force");
    assert_eq!(jobs(&world).len(), 1, "refused before anything is done");
    let again = world.run(&["issue", "acta.csv", "--again", "--force"]).code(3);
    again.stdout_has("4 filas: 0 emitidas, 3 ya existían, 1 con error");
    assert_eq!(jobs(&world).len(), 2);

    // The corrected results file is issued next.
    let corrected = results(&world, "acta").replacen("invalido@test", "eva@ejemplo.com", 1);
    world.file("acta-2.csv", &corrected, 0o644);
    world
        .done(&["issue", "acta-2.csv"])
        .stdout_has("4 filas: 1 emitida, 3 ya existían, 0 con error");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_example_is_filled_in_checked_and_issued() {
    let world = World::new().await;
    world.done(&["templates", "csv", "-o", "ejemplo.csv"]).stdout_has("unicreda issue ejemplo.csv");
    world.run(&["templates", "csv", "-o", "ejemplo.csv"]).code(1).stderr_has("--force");
    let example = fs::read_to_string(world.path("ejemplo.csv")).expect("a file");
    assert_eq!(world.done(&["templates", "csv"]).out, example);
    world.done(&["issue", "ejemplo.csv", "--dry-run"]).stdout_has("no se emitió nada");
    world.done(&["issue", "ejemplo.csv"]);
    // An ended dry run is run again: the rows are not new any more.
    let checked = world.done(&["issue", "ejemplo.csv", "--dry-run"]).stdout_has("0 nuevas");
    assert!(!world.path("ejemplo-resultados-resultados.csv").exists(), "{checked:?}");

    let lines =
        "{\"email\":\"otra@ejemplo.com\",\"recipient_name\":\"Otra\",\"result_value\":\"B\"}\n";
    let ran = world.piped(&["issue", "-", "--json", "--no-email"], lines).code(0).json();
    assert_eq!(
        (&ran["result"]["successful"], &ran["result"]["emails_sent"]),
        (&1.into(), &0.into())
    );
    assert!(world.path("stdin-resultados.csv").exists());

    let other = "email,recipient_name,result_value\notra@ejemplo.com,Otra,A\nmal@,Mal,A\n";
    world.file("otro.csv", other, 0o644);
    let ran = world.run(&["issue", "otro.csv", "--dry-run"]).code(3);
    let ran = ran.stdout_has("2 filas: 1 nueva, 0 ya existen, 1 inválida;");
    let ran = ran.stdout_has("Plantilla: «Diseño de APIs con Rust» (modo real)");
    let ran = ran.stdout_has("línea  resultado  Correo electrónico");
    let ran = ran.stdout_has("2      se emite   otra@ejemplo.com    Otra");
    ran.stdout_has("ya tiene otra de esta plantilla").stdout_has("mal@");
    let one = ["issue", "--email", "otra@ejemplo.com", "--name", "Otra", "--result", "A"];
    world
        .done(&[&one[..], &["--dry-run"]].concat())
        .stdout_has("se emitiría")
        .stdout_has("ya tiene otra");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn examples_and_results_come_as_spreadsheets_that_are_issued_as_they_are() {
    let world = World::new().await;
    world
        .done(&["templates", "csv", "-o", "ejemplo.xlsx"])
        .stdout_has("unicreda issue ejemplo.xlsx");
    world.done(&["templates", "csv", "--format", "xlsx", "-o", "otro"]);
    let bytes = |name: &str| fs::read(world.path(name)).expect("a file");
    assert!(bytes("ejemplo.xlsx").starts_with(b"PK") && bytes("otro").starts_with(b"PK"));
    world
        .done(&["issue", "ejemplo.xlsx", "-o", "resultados.xlsx"])
        .stdout_has("2 filas: 2 emitidas, 0 ya existían, 0 con error");
    assert!(bytes("resultados.xlsx").starts_with(b"PK"));
    world
        .done(&["issue", "resultados.xlsx"])
        .stdout_has("2 filas: 0 emitidas, 2 ya existían, 0 con error");

    let job = jobs(&world)[1]["job_id"].as_str().expect("an id").to_owned();
    let of_job = ["jobs", "results", &job];
    world.done(&[&of_job[..], &["--format", "xlsx", "-o", "de-nuevo"]].concat());
    assert!(bytes("de-nuevo") == bytes("resultados.xlsx"), "the same file");
    world.done(&[&of_job[..], &["--format", "csv", "-o", "texto.xlsx"]].concat());
    assert!(bytes("texto.xlsx").starts_with(b"\xef\xbb\xbf"), "what was asked for comes first");
    let of_status = [&of_job[..], &["--status", "failed", "-o", "filas.xlsx"]].concat();
    world.run(&of_status).code(2).stderr_has("--status");
    assert!(!world.path("filas.xlsx").exists());
    // A job without a file has none.
    let listed = world.job(["ana@ejemplo.com", "eva@ejemplo.com"].map(String::from));
    world.done(&["jobs", "watch", &listed]);
    let none = ["jobs", "results", &listed, "--format", "xlsx"];
    world.run(&none).code(1).stderr_has("--output resultados.csv");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_list_is_refused_with_its_reason() {
    let world = World::new().await;
    world.file("vacio.csv", "", 0o644);
    world.run(&["issue", "vacio.csv"]).code(2).stderr_has("vacio.csv");
    world.run(&["issue", "no-hay.csv"]).code(1).stderr_has("no-hay.csv");
    assert!(jobs(&world).is_empty());
    world.file("raro.csv", "nombre,nota\nAna,A\n", 0o644);
    world
        .run(&["issue", "raro.csv"])
        .code(1)
        .stdout_has("El archivo no se aceptó")
        .stderr_has("templates csv");
    assert!(!world.path("raro-resultados.csv").exists());
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_issue_continues_with_the_same_job() {
    // No consumer runs until the second stack: the job cannot end before.
    let folder = tempfile::tempdir().expect("a folder");
    let data = local::Data::Dir(folder.path().to_owned());
    let idle = Options { data: data.clone(), concurrency: 0, ..Options::in_memory() };
    let mut world = World::with(idle).await;
    acta(&world, "acta", 40);
    let issue = world.start(&["issue", "acta.csv"]);
    until("the file has arrived", || states(&world).iter().any(|u| u["stage"] == "sent")).await;
    // A second command for the same file is refused.
    world.run(&["issue", "acta.csv", "--patience", "1"]).code(1).stderr_has("otro comando");
    issue.signal("-INT");
    issue.ended().code(130).stderr_has("repite el mismo comando");

    world.restart(Options { data, ..Options::in_memory() }).await;
    world
        .done(&["issue", "acta.csv"])
        .stdout_has("40 filas: 40 emitidas")
        .stderr_has("Este archivo ya se");
    assert_eq!(jobs(&world).len(), 1);
    assert_eq!(results(&world, "acta").lines().count(), 41);
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_has_one_job_though_its_command_is_killed_at_every_stage() {
    let world = World::new().await;
    let stages = ["", "expected", "sent", "job", "ended"];
    for (number, stage) in stages.into_iter().enumerate() {
        let name = format!("acta{number}");
        acta(&world, &name, 200);
        let file = format!("{name}.csv");
        let issue = world.start(&["issue", &file]);
        // It is killed as soon as it has written this stage or a later one; the first, before any.
        let place = |stage: &str| stages.iter().position(|known| *known == stage);
        let reached = || {
            // The earlier files have ended, so the least stage is this file's.
            let uploads = states(&world);
            let least = uploads.iter().filter_map(|u| place(u["stage"].as_str()?)).min();
            least.filter(|_| uploads.len() > number)
        };
        until(stage, || stage.is_empty() || reached() >= place(stage)).await;
        issue.signal("-KILL");
        issue.killed();
        world.done(&["issue", &file]).stdout_has("200 filas: 200 emitidas");
        assert_eq!(jobs(&world).len(), number + 1, "killed at stage {stage}");
        assert_eq!(results(&world, &name).lines().count(), 201);
    }
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_comes_and_goes_makes_no_second_job() {
    let world = World::new().await;
    let wire = Wire::to(world.stack.port()).await;
    world.set_url(&wire.url);
    acta(&world, "acta", 500);
    wire.cut();
    let issue = world.start(&["issue", "acta.csv"]);
    until("it meets the cut", || wire.was_met()).await;
    wire.restore();
    until("the file has arrived", || states(&world).iter().any(|u| u["stage"] != "expected")).await;
    wire.cut();
    until("it meets the second cut", || wire.was_met()).await;
    wire.restore();
    let ran =
        issue.ended().code(0).stdout_has("500 filas: 500 emitidas").stderr_has("se reintenta en");
    assert!(ran.err.contains("sin conexión con"), "{ran:?}");
    assert_eq!(jobs(&world).len(), 1);

    // The cut outlasts the patience: the same command continues later.
    acta(&world, "otra", 20);
    wire.cut();
    world
        .run(&["issue", "otra.csv", "--patience", "1"])
        .code(5)
        .stderr_has("repite el mismo comando");
    wire.restore();
    world.done(&["issue", "otra.csv"]).stdout_has("20 filas: 20 emitidas");
    assert_eq!(jobs(&world).len(), 2);
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoding_is_said_and_can_be_named() {
    let world = World::new().await;
    let file = |name: &str, bytes: &[u8]| std::fs::write(world.path(name), bytes).expect("a file");
    file("mac.csv", b"Acta\remail;nombre;nota\rana@ejemplo.com;Mar\x92a Mu\x96oz;A\r");
    let ran = world.done(&["issue", "mac.csv", "--dry-run"]);
    let ran = ran.stdout_has("Codificación supuesta por las letras: Mac occidental (MacRoman)");
    ran.stdout_has("Los nombres de las columnas están en la línea 2");
    // Two ways to read it: the command shows both and takes the one that is named.
    file("acta.csv", b"email;nombre;nota\r\na@ejemplo.com;Xqw\xeaz;A\r\n");
    let ran = world.run(&["issue", "acta.csv"]).code(1);
    let ran = ran.stdout_has("--encoding windows-1252  Xqwêz");
    assert!(ran.out.contains("--encoding windows-1250  Xqwęz"), "{ran:?}");
    world.run(&["issue", "acta.csv", "--encoding", "latin"]).code(2).stderr_has("macroman");
    let ran = world.done(&["issue", "acta.csv", "--encoding", "windows-1250"]);
    assert!(!ran.out.contains("Codificación"), "{ran:?}");
    assert!(results(&world, "acta").contains("Xqwęz"));
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_do_not_replace_a_file_created_while_issuing() {
    let world = World::new().await;
    let wire = Wire::to(world.stack.port()).await;
    world.set_url(&wire.url);
    acta(&world, "acta", 2);
    wire.cut();
    let issue = world.start(&["issue", "acta.csv"]);
    until("it meets the cut", || wire.was_met()).await;
    let mine = world.file("acta-resultados.csv", "mío", 0o644);
    wire.restore();
    issue.ended().code(1).stderr_has("--output");
    assert_eq!(fs::read_to_string(mine).expect("a file"), "mío");
    world.done(&["issue", "acta.csv", "-o", "otro.csv"]).stdout_has("otro.csv");
    assert_eq!(fs::read_to_string(world.path("otro.csv")).expect("a file").lines().count(), 3);
    assert_eq!(jobs(&world).len(), 1);
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_that_are_not_known_are_shown_and_said_by_flags() {
    let world = World::new().await;
    let file = "N°;RUT;\"Puntos, en total\";Correo;Nombre;Evaluación del curso\n1;1-9;7;ana@ejemplo.com;Ana;A\n";
    world.file("acta.csv", file, 0o644);
    let refused = world.run(&["issue", "acta.csv"]).code(1);
    refused
        .stdout_has("No se reconocen 4 columnas")
        .stdout_has("N°                    ? ¿no leerla?       1\n")
        .stdout_has("Correo                Correo electrónico  ana@ejemplo.com\n")
        .stderr_has("--map 'COLUMNA=CAMPO'");
    let flags = [
        "--ignore",
        "RUT,N°",
        "--ignore",
        "\"Puntos, en total\"",
        "--map",
        "Evaluación del curso=result_value",
    ];
    let issue = |more: &[&'static str]| [&["issue", "acta.csv"][..], &flags, more].concat();
    let checked = world.done(&issue(&["--dry-run"]));
    checked.stdout_has("1 fila: 1 nueva,").stdout_has("RUT                   (no se lee)");
    world.done(&issue(&[])).stdout_has("1 fila: 1 emitida,");
    // The same flags continue the same upload, and the results are issued as they are.
    world.done(&issue(&[])).stderr_has("ya se procesó");
    assert_eq!(jobs(&world).len(), 3);
    world.done(&["issue", "acta-resultados.csv"]).stdout_has("0 emitidas, 1 ya existía");

    let dates = "Correo;Nombre;Nota;Inicio\neva@ejemplo.com;Eva;A;03/08/2026\n";
    world.file("fechas.csv", dates, 0o644);
    world.run(&["issue", "fechas.csv"]).code(1).stderr_has("--day-first");
    world.done(&["issue", "fechas.csv", "--day-first"]).stdout_has("1 fila: 1 emitida,");

    for wrong in ["Nota", "=result_value", "Nota="] {
        world.run(&["issue", "acta.csv", "--map", wrong]).code(2).stderr_has("COLUMNA=CAMPO");
    }
    // One column is one thing, said before anything is sent.
    let before = jobs(&world).len();
    for (one, two) in [
        (["--map", "Nota Final=result_value"], ["--map", "nota final=term"]),
        (["--map", "RUT=license_number"], ["--ignore", "N°, Rut"]),
    ] {
        let wrong = [&["issue", "acta.csv", "--again"][..], &one, &two].concat();
        let refused = world.run(&wrong).code(2).stderr_has("la misma columna");
        refused.stderr_has(&format!("--map '{}' y", one[1]));
    }
    assert_eq!(jobs(&world).len(), before);
    let wrong = ["issue", "acta.csv", "--map", "N°=nada", "-o", "otro.csv"];
    let refused = world.run(&wrong).code(1).stderr_has("  /column_map/N°\n");
    assert_eq!(refused.err.matches("Indica un campo").count(), 1, "said once: {}", refused.err);
    let wrong = ["issue", "acta.csv", "--map", "N°=license_numer", "-o", "otro.csv"];
    world.run(&wrong).code(1).stderr_has("/column_map/N° (¿quisiste decir license_number?)");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_results_file_corrects_what_it_names_once_that_is_asked_for() {
    let world = World::new().await;
    acta(&world, "acta", 2);
    world.done(&["issue", "acta.csv", "--no-email"]);
    let mended = results(&world, "acta").replace("Persona 0", "Persona Cero");
    world.file("acta-2.csv", &mended, 0o644);
    let refused = world.run(&["issue", "acta-2.csv"]).code(3);
    refused.stdout_has("0 emitidas, 1 ya existía, 1 con error").stderr_has("--correct");
    // Another upload than the one without --correct.
    let checked = world.done(&["issue", "acta-2.csv", "--correct", "--dry-run"]);
    let checked = checked.stdout_has("0 nuevas, 1 ya existe, 1 corregida, 0 inválidas");
    let checked = checked.stdout_has("Lo que se corregiría:\n  línea 2  acta0@ejemplo.com\n");
    let checked = checked.stdout_has("Nombre completo: Persona 0 → Persona Cero");
    let checked = checked.stdout_has("credential_id       (la credencial)");
    checked.stdout_has("credential_version  (su versión)");
    // Beside the results of the run without it.
    let done = world.done(&["issue", "acta-2.csv", "--correct"]);
    let done = done.stdout_has("acta-2-correcciones.csv");
    done.stdout_has("0 emitidas, 1 ya existía, 1 corregida, 0 con error");
    world.run(&["issue", "--email", "a@ejemplo.com", "--correct"]).code(2);
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_deserves_a_look_is_printed_and_refused_where_that_is_asked_for() {
    let world = World::new().await;
    let file = "email,recipient_name,result_value\na@gmial.com,Ana,A\nb@ejemplo.com,nan,A\nc@ejemplo.com,Eva,A\n";
    world.file("acta.csv", file, 0o644);
    let checked = world.done(&["issue", "acta.csv", "--dry-run"]).stdout_has("3 nuevas");
    let checked = checked.stdout_has("Aviso: Direcciones que parecen mal escritas");
    let checked = checked.stdout_has("(línea 2 «gmial.com», ¿gmail.com?)\n");
    let checked = checked.stdout_has("Aviso: Nombres que los programas escriben");
    assert_eq!(checked.out.matches("Direcciones").count(), 1, "said once: {checked:?}");
    // The only template is said once, too.
    assert_eq!(checked.out.matches("Diseño de APIs").count(), 1, "{checked:?}");
    assert!(!checked.err.contains("Diseño de APIs"), "{checked:?}");
    // Of many, the first lines are named.
    let mut many = "Acta final\nemail,recipient_name,result_value\n".to_owned();
    for n in 0..12 {
        many += &format!("p{n}@ejemplo.com,nan,A\n");
    }
    world.file("muchos.csv", &many, 0o644);
    let checked = world.done(&["issue", "muchos.csv", "--dry-run"]);
    checked
        .stdout_has("Aviso (12): Nombres")
        .stdout_has("; líneas 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 …\n");
    let strict = world.run(&["issue", "acta.csv", "--no-email", "--strict=address_typo"]).code(3);
    let strict =
        strict.stdout_has("2 emitidas, 0 ya existían, 1 con error").stdout_has("gmail.com");
    strict.stdout_has("El campo «email» dice «gmial.com»").stdout_has("línea 2  a@");
    world.run(&["issue", "acta.csv", "--strict=otra"]).code(2).stderr_has("address_typo");
    let one =
        ["issue", "--email", "d@ejemplo.com", "--name", "NULL", "--result", "A", "--no-email"];
    world.run(&[&one[..], &["--strict"]].concat()).code(3).stdout_has("placeholder_name");
    world.done(&one).stdout_has("aviso: El campo recipient_name");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_review_saves_two_certificates_and_the_rows_at_fault() {
    let world = World::new().await;
    let text = "Correo;Nombre;Logro final;RUT\nana@ejemplo.com;Ana Soto;A;1-9\n\
        largo@ejemplo.com;María de los Ángeles Villavicencio;A;2-7\nmal@;\"=Mal; peor\";A;3-5\n";
    world.file("acta.csv", text, 0o644);
    let review = [
        "issue",
        "acta.csv",
        "--dry-run",
        "--column",
        "Logro final=result_value",
        "--ignore",
        "RUT",
        "--pictures",
        "muestras",
        "--faulty",
        "faltas.csv",
    ];
    let ran = world.run(&review).code(3).stdout_has("Primer certificado (línea 2): ");
    ran.stdout_has("Certificado más largo (línea 3): ").stdout_has("faltas.csv (1)");
    let picture =
        |name: &str| fs::read(world.path(&format!("muestras/{name}.png"))).expect("a file");
    let (first, longest) = (picture("primero"), picture("mas-largo"));
    assert!(first.starts_with(b"\x89PNG") && longest.starts_with(b"\x89PNG") && first != longest);
    let faulty = fs::read_to_string(world.path("faltas.csv")).expect("a file");
    let lines: Vec<&str> = faulty.lines().collect();
    assert_eq!(lines.len(), 2, "{faulty}");
    assert!(lines[0].contains(";#RUT;line;status;error;credential_id"), "{faulty}");
    assert!(lines[1].starts_with("mal@;\"'=Mal; peor\";A;3-5;4;invalid;"), "{faulty}");
    // None of them replaces a file, nor is anything done before that is said.
    let before = jobs(&world).len();
    world.run(&review).code(1).stderr_has("--force");
    assert_eq!(jobs(&world).len(), before);
    let again = world.run(&[&review[..], &["--force", "--json"]].concat()).code(3).json();
    assert_eq!(again["pictures"].as_array().map(Vec::len), Some(2), "{again}");
    // Mended, the faulty rows are a file like any other.
    world.file(
        "faltas-2.csv",
        &faulty.replace("mal@", "mal@ejemplo.com").replace("=Mal", "Mal"),
        0o644,
    );
    world.done(&["issue", "faltas-2.csv"]).stdout_has("1 fila: 1 emitida");
    world.run(&["issue", "acta.csv", "--pictures", "muestras"]).code(2).stderr_has("--dry-run");
    world.stack.shutdown().await;
}
