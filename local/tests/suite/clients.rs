//! Programs in Python, as integrators write them from the API reference, run unchanged but
//! for base URL and key.
//!
//! They run on Python 3.11 and `requests`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    harness::{World, check_sums},
    python::{interpreter, succeeded},
};

fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// Runs a program against a world; its output.
async fn run(world: &World, program: &str) -> String {
    let base_url = format!("http://localhost:{}/api/v1", world.stack.port());
    let (key, template) = (world.demo.api_key.clone(), world.demo.template_id.clone());
    let program = programs().join(program);
    let output = tokio::task::spawn_blocking(move || {
        Command::new(interpreter("clients"))
            .arg("-u")
            .arg(program)
            .env("BASE_URL", base_url)
            .env("API_KEY", key)
            .env("TEMPLATE_ID", template)
            .env("PYTHONUTF8", "1")
            .output()
    });
    succeeded(&output.await.expect("not cancelled").expect("it runs"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_that_issues_to_fifty_and_polls_ends_in_success() {
    let world = World::new().await;
    let output = run(&world, "issue_many.py").await;
    let lines: Vec<&str> = output.lines().collect();
    let (result, statuses) = lines.split_last().expect("output");
    let (last, earlier) = statuses.split_last().expect("a status");
    assert_eq!(*last, "Status: SUCCESS");
    for line in earlier {
        assert!(
            ["PENDING", "STARTED", "PROGRESS"]
                .map(|s| format!("Status: {s}"))
                .contains(&(*line).to_owned()),
            "{output}"
        );
    }
    // The result as Python prints a dictionary.
    assert!(
        result
            .starts_with("Resultado: {'total': 50, 'successful': 50, 'failed': 0, 'errors': [], "),
        "{result}"
    );
    assert!(result.contains("'emails_sent': 50, 'emails_failed': 0"), "{result}");
    assert!(result.contains("'internal_count': 0, 'external_count': 50"), "{result}");
    assert_eq!(world.mails_now("estudiante50@ejemplo.com").await.len(), 1);

    // A script that is run again mints and mails nothing.
    let again = run(&world, "issue_many.py").await;
    let result = again.lines().last().expect("output");
    assert!(
        result.starts_with("Resultado: {'total': 50, 'successful': 50, 'failed': 0, "),
        "{result}"
    );
    assert!(result.contains("'emails_sent': 0") && result.contains("'duplicates': 50"), "{result}");
    assert_eq!(world.mails_now("estudiante50@ejemplo.com").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_poller_with_a_bound_returns_the_result() {
    let world = World::new().await;
    let output = run(&world, "poll_job.py").await;
    let result = output.lines().last().and_then(|line| line.strip_prefix("RESULT "));
    let result: Value = serde_json::from_str(result.expect("a result")).expect("JSON");
    check_sums(&result);
    assert_eq!((&result["total"], &result["successful"]), (&4.into(), &2.into()));
    assert_eq!((&result["internal_count"], &result["external_count"]), (&1.into(), &1.into()));
    let errors = result["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[0]["row"], 2);
    assert_eq!(errors[0]["email"], "invalido@test");
    assert_eq!(errors[0]["error"], "Invalid email: invalido@test");
    assert_eq!(errors[1]["row"], 3);
    assert_eq!(errors[1]["error"], "Calificacion invalida. Valores permitidos: A, B, C, D, F");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_that_is_not_ours_takes_the_credential_out_of_its_badge() {
    let world = World::new().await;
    assert_eq!(run(&world, "unbake.py").await.trim(), "UNBAKED");
}
