//! `unicreda issue` of one recipient, and its failures.

use serde_json::json;

use crate::harness::{Ran, World, command};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipient_from_flags_is_issued_once_however_often_it_is_asked_for() {
    let world = World::new().await;
    let ana = [
        "issue",
        "--template",
        &world.demo.template_id,
        "--email",
        "ana@ejemplo.com",
        "--name",
        "Ana Díaz",
        "--result",
        "A",
        "--credits",
        "4.5",
        "--role",
        "Estudiante",
        "--license",
        "L-1",
        "--term",
        "2026-2",
        "--start",
        "2026-03-01",
        "--end",
        "2026-07-15",
        "--evidence-url",
        "https://ejemplo.com/tesis",
        "--evidence-name",
        "Tesis",
        "--external-id",
        "acta-1",
        "--language",
        "en",
        "--json",
    ];
    let first = world.done(&ana).json();
    let issued = &first["credentials"][0];
    assert_eq!((&issued["status"], &issued["duplicate"]), (&json!("issued"), &json!(false)));
    let id = issued["credential_id"].as_str().expect("an id");
    let stored = world.api("GET", &format!("/credentials/{id}"), &world.demo.api_key, &json!(null));
    for (field, value) in [
        ("recipient_name", json!("Ana Díaz")),
        ("credits_earned", json!(4.5)),
        ("license_number", json!("L-1")),
        ("activity_end_date", json!("2026-07-15")),
        ("external_id", json!("acta-1")),
        ("language", json!("en")),
    ] {
        assert_eq!(stored[field], value, "{field}");
    }
    assert_eq!(stored["evidence"][0]["url"], "https://ejemplo.com/tesis");
    assert_eq!(stored["evidence"][0]["name"], "Tesis");
    let second = world.done(&ana).json();
    assert_eq!(second["credentials"][0]["duplicate"], true);
    assert_eq!(second["credentials"][0]["credential_id"], id);

    let quiet = ["issue", "--email", "b@ejemplo.com", "--name", "B", "--result", "B", "--no-email"];
    world
        .done(&quiet)
        .stdout_has("b@ejemplo.com: emitida")
        .stdout_has("/credential/")
        .stdout_has("correo: no se envía");
    world.done(&quiet).stdout_has("ya existía");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_failure_has_its_exit_code_and_a_next_step() {
    let world = World::new().await;
    let one = |more: &[&str]| {
        let ana = ["issue", "--email", "ana@ejemplo.com", "--name", "Ana", "--result", "A"];
        world.command(&[&ana, more].concat())
    };
    let ran = |mut command: std::process::Command| Ran::of(command.output().expect("it runs"));
    let refused = ["issue", "--email", "ana@ejemplo.com", "--name", "Ana", "--result", "E"];
    world.run(&refused).code(3).stdout_has("Valores permitidos: A, B, C, D, F");

    let unknown = "550e8400-e29b-41d4-a716-446655440fff";
    ran(one(&["--template", unknown]))
        .code(1)
        .stderr_has("templates list")
        .stderr_has("request_id");
    ran(one(&["--template", "x"])).code(1).stderr_has("/template_id");
    ran(one(&["--start", "ayer"])).code(3).stdout_has("activity_start_date");
    ran(one(&["--credits", "seis"])).code(2).stderr_has("--credits");
    world.run(&["issue", "--name", "Ana"]).code(2).stderr_has("--email");
    world.run(&["issue", "acta.csv", "--email", "a@ejemplo.com"]).code(2);
    // Of a file, a flag of one recipient would say nothing; nor the other way round.
    for flag in ["--name", "--awarded-on", "--valid-until", "--custom", "--term", "--language"] {
        world.run(&["issue", "acta.csv", flag, "a=1"]).code(2).stderr_has(flag);
    }
    ran(one(&["--map", "Nota=result_value"])).code(2).stderr_has("--map");
    ran(one(&["--custom", "horas=1", "--custom", "horas=2"])).code(2).stderr_has("horas");

    let mut stranger = one(&[]);
    stranger.env("UNICREDA_API_KEY", format!("uc_live_demo_abcdefghijkl_{}", "x".repeat(32)));
    ran(stranger).code(4).stderr_has("UNICREDA_API_KEY").stderr_has("--key-file");
    let mut reader = one(&[]);
    reader.env("UNICREDA_API_KEY", world.key(&["read"]));
    ran(reader).code(4).stderr_has("«issue»").stderr_has("keys create");
    let mut broken = one(&[]);
    broken.env("UNICREDA_API_KEY", "secreto");
    let refused = ran(broken).code(4).stderr_has("uc_live_");
    assert!(!refused.err.contains("secreto"), "{refused:?}");

    let problem = ran(one(&["--template", unknown, "--json"])).code(1).json();
    assert_eq!(problem["error"]["problem"]["code"], "not_found", "{problem}");
    assert_eq!(problem["error"]["exit"], 1);

    world.set_url("http://localhost:1");
    ran(one(&[])).code(5).stderr_has("cargo run");
    world.stack.shutdown().await;

    let folder = tempfile::tempdir().expect("a folder");
    let mut far = command(folder.path(), &["jobs", "list", "--url", "https://localhost:1"]);
    far.env("UNICREDA_API_KEY", &world.demo.api_key);
    ran(far).code(5).stderr_has("https://localhost:1");
}
