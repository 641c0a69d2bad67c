//! The clients of `clients/` and their examples against the stack, as people run them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    harness::World,
    node::compiled_client,
    python::{interpreter, succeeded},
};

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients")
}

/// Runs a program against a world, with the settings that the programs read: its output.
async fn run(world: &World, mut command: Command) -> std::process::Output {
    command
        .env("BASE_URL", format!("http://localhost:{}/api/v1", world.stack.port()))
        .env("API_KEY", &world.demo.api_key)
        .env("TEMPLATE_ID", &world.demo.template_id);
    let running = tokio::task::spawn_blocking(move || command.output());
    running.await.expect("not cancelled").expect("it runs")
}

/// A program in Python that imports the client from its sources.
async fn python(program: PathBuf) -> Command {
    let interpreter = tokio::task::spawn_blocking(|| interpreter("clients")).await;
    let mut command = Command::new(interpreter.expect("not cancelled"));
    command.arg(program).env("PYTHONPATH", clients().join("python/src")).env("PYTHONUTF8", "1");
    command
}

/// A program in TypeScript, compiled, that imports the client as it is shipped.
async fn typescript(program: &str) -> Command {
    let folder = compiled_client().await.expect("the client compiles");
    let mut command = Command::new("node");
    command.arg(folder.join("dist/all").join(program));
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_in_python_does_the_main_job_and_repeats_nothing() {
    let world = World::new().await;
    let program = python(clients().join("python/tests/main_job.py")).await;
    assert_eq!(succeeded(&run(&world, program).await), "OK\n");
    assert_eq!(world.mails_now("trabajo1@ejemplo.com").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_in_typescript_does_the_main_job_and_repeats_nothing() {
    let world = World::new().await;
    let program = typescript("typescript/tests/main_job.mjs").await;
    assert_eq!(succeeded(&run(&world, program).await), "OK\n");
    assert_eq!(world.mails_now("trabajo1@ejemplo.com").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_issue_from_a_file_and_say_what_is_wrong_with_a_row() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("notas.csv");
    let right = "email,recipient_name,result_value\nana@ejemplo.com,Ana Ñandú,A\nluis@ejemplo.com,Luis Soto,B\n";
    let wrong = format!("{right}invalido@test,Eva Mora,C\n");
    std::fs::write(&file, &wrong).expect("written");

    // In TypeScript a dry run comes first, so that nothing is issued from a file with a fault.
    let mut program = typescript("examples/typescript/upload.mjs").await;
    program.arg(&file);
    let output = run(&world, program).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.starts_with("line 4, invalido@test: Invalid email: invalido@test"), "{text}");
    assert!(world.mails_now("ana@ejemplo.com").await.is_empty());

    let mut program = python(clients().join("examples/python/issue_from_csv.py")).await;
    program.arg(&file);
    let output = run(&world, program).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("2 of 3 have their credential, 1 failed"), "{text}");
    let results =
        std::fs::read_to_string(folder.path().join("notas.results.csv")).expect("results");
    assert!(results.contains("3,invalido@test,failed,,Invalid email: invalido@test"), "{results}");

    std::fs::write(&file, right).expect("written");
    let mut program = typescript("examples/typescript/upload.mjs").await;
    program.arg(&file);
    let text = succeeded(&run(&world, program).await);
    assert!(text.contains("ana@ejemplo.com http://localhost:"), "{text}");
    // The file says what the script said, so nobody gets a second mail.
    assert_eq!(world.mails_now("ana@ejemplo.com").await.len(), 1);
}

/// The sheet after the script for Google Sheets ran on it, and the keys of its requests.
async fn sheet(world: &World, rows: &Value, breaks: &str) -> (Value, Vec<Value>) {
    let mut program = Command::new("node");
    program.arg(clients().join("examples/apps-script/try.mjs")).arg(rows.to_string());
    program.env("BREAK", breaks);
    let output: Value = serde_json::from_str(&succeeded(&run(world, program).await)).expect("JSON");
    (output["values"].clone(), output["keys"].as_array().expect("keys").clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_of_a_google_sheet_issues_its_rows_and_writes_what_became_of_each() {
    let world = World::new().await;
    let rows = json!([
        ["Correo", "Nombre", "Calificación", "Créditos", "Fecha", "Notas"],
        ["ana@ejemplo.com", "Ana Ñandú", "A", 6, {"date": "2026-11-15"}, "x"],
        ["invalido@test", "Luis Soto", "B", "", "", ""],
        ["", "", "", "", "", ""],
        ["eva@ejemplo.com", "Eva Mora", "Z", "", "", ""],
    ]);
    // The connection breaks after the first request: the second has its key.
    let (mut sheet_after, keys) = sheet(&world, &rows, "1").await;
    assert_eq!(keys.len(), 2);
    assert!(keys[0].is_string() && keys[0] == keys[1], "{keys:?}");
    let outcome =
        |after: &Value, row: usize| -> Value { json!(after[row].as_array().expect("a row")[6..]) };
    assert_eq!(outcome(&sheet_after, 0), json!(["Estado", "Enlace", "Error"]));
    let ana = outcome(&sheet_after, 1);
    let jobs = world.get("/jobs").await;
    assert_eq!(jobs["items"].as_array().expect("jobs").len(), 1);
    let page = ana[1].as_str().expect("a page");
    let credential =
        world.get(&format!("/credentials/{}", page.rsplit('/').next().expect("an id"))).await;
    assert_eq!(
        (
            credential["credits_earned"].as_f64(),
            &credential["awarded_on"],
            &credential["recipient_name"]
        ),
        (Some(6.0), &json!("2026-11-15"), &json!("Ana Ñandú"))
    );
    assert_eq!((&ana[0], &ana[2]), (&json!("Emitida"), &json!("")));
    assert_eq!(
        outcome(&sheet_after, 2),
        json!(["Con errores", "", "Invalid email: invalido@test"])
    );
    assert_eq!(sheet_after[3], json!(["", "", "", "", "", ""]));
    assert_eq!(outcome(&sheet_after, 4)[0], "Con errores");

    // Mended and run again: only what was not issued is sent, here one recipient.
    sheet_after[2][0] = json!("luis@ejemplo.com");
    sheet_after[4] = json!(["", "", "", "", "", ""]);
    let (again, keys) = sheet(&world, &sheet_after, "0").await;
    assert_eq!(keys.len(), 1);
    assert_eq!((&outcome(&again, 2)[0], &outcome(&again, 2)[2]), (&json!("Emitida"), &json!("")));
    assert_eq!(outcome(&again, 1), ana);
    assert_eq!(world.mails_now("ana@ejemplo.com").await.len(), 1);
}
