//! Templates, members, credentials and keys.

use std::fs;

use serde_json::{Value, json};

use crate::harness::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_are_listed_shown_and_made() {
    let world = World::new().await;
    let id = &world.demo.template_id;
    world.done(&["templates", "list"]).says(id).says("Diseño de APIs con Rust");
    // The only one needs no name.
    world.done(&["templates", "show"]).says("result_value").says("A,B,C,D,F");
    let shown = world.done(&["templates", "show", id, "--json"]).json();
    assert_eq!(shown["id"], *id);
    world.run(&["templates", "show", "nada"]).code(1).warns("templates list");

    let mut other = shown.clone();
    other["name"] = json!("Otro curso");
    world.file("otro.json", &other.to_string(), 0o644);
    let made = world.done(&["templates", "create", "otro.json", "--json"]).json();
    assert_ne!(made["id"], *id);
    world.piped(&["templates", "create", "-"], &other.to_string()).code(0).says("Otro curso");
    world.file("malo.json", "{", 0o644);
    world.run(&["templates", "create", "malo.json"]).code(2).warns("malo.json");
    world.file("corto.json", "{\"name\":\"x\"}", 0o644);
    world.run(&["templates", "create", "corto.json"]).code(1).warns("/description");
    assert_eq!(world.done(&["templates", "list", "--json"]).lines().len(), 3);

    // With several, and none in the settings, one has to be named.
    let key = world.file("a.key", &world.demo.api_key, 0o600);
    let url = world.stack.base_url();
    let flags = ["--url", &url, "--key-file", key.to_str().expect("UTF-8")];
    let issue = ["issue", "--email", "a@ejemplo.com"];
    world.run(&[&issue[..], &flags].concat()).code(2).warns("templates list");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_imported_and_rows_at_fault_named() {
    let world = World::new().await;
    let people = "email;name\ndiego@demo.example;Diego Vera\nnadie;Nadie\n";
    world.file("personas.csv", people, 0o644);
    let ran = world.run(&["members", "import", "personas.csv"]).code(3);
    ran.says("2 filas: 1 importadas, 1 con error").says("línea 3  nadie");
    let good = "email,name\ndiego@demo.example,Diego Vera\n";
    let answer = world.piped(&["members", "import", "-", "--json"], good).code(0).json();
    assert_eq!((&answer["imported"], &answer["failed"]), (&json!(1), &json!(0)));
    world.run(&["members", "import", "no-hay.csv"]).code(1).warns("no-hay.csv");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_found_verified_mailed_again_and_revoked() {
    let world = World::new().await;
    let issue = |name: &str, external: &str| {
        let email = format!("{name}@ejemplo.com");
        let flags = ["--name", name, "--result", "A", "--external-id", external, "--json"];
        let ran = world.done(&[&["issue", "--email", &email][..], &flags].concat());
        ran.json()["credentials"][0].clone()
    };
    let text = |value: &Value, name: &str| value[name].as_str().expect(name).to_owned();
    let (ana, luis) = (issue("ana", "a-1"), issue("luis", "l-1"));
    let (id, url) = (text(&ana, "credential_id"), text(&ana, "credential_url"));

    let found =
        world.done(&["credentials", "find", "--email", "ana@ejemplo.com", "--json"]).lines();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["credential_id"], id);
    let found = world.done(&["credentials", "find", "--external-id", "l-1"]);
    assert!(found.out.contains("luis@ejemplo.com") && !found.out.contains("ana@"), "{found:?}");
    world.done(&["credentials", "find", "--template", &world.demo.template_id]).says(&id);
    world.run(&["credentials", "find", "--status", "perdida"]).code(1).warns("status");

    world.done(&["credentials", "verify", &url]).says("Válida").says("proof");
    let key = world.demo.api_key.clone();
    let document = world.document(&id);
    world.file("ana.json", &document, 0o644);
    world.done(&["credentials", "verify", "ana.json"]).says("Válida");
    assert_eq!(
        world.piped(&["credentials", "verify", "-", "--json"], &document).code(0).json()["verified"],
        true
    );
    world.file("falsa.json", &document.replace("\"ana\"", "\"eva\""), 0o644);
    world.run(&["credentials", "verify", "falsa.json"]).code(1).says("No válida");
    world.file("a.pdf", "%PDF-1.7", 0o644);
    world.run(&["credentials", "verify", "a.pdf"]).code(2).warns(".json");

    // Its mail has only just gone.
    let ended = || {
        world.api("GET", &format!("/credentials/{id}"), &key, &Value::Null)["email_status"]
            != "pending"
    };
    crate::harness::until("the mail ends", ended).await;
    world.done(&["credentials", "resend", &id]).says(&id);
    world.run(&["credentials", "resend", &id]).code(1);

    world.run(&["credentials", "revoke", &id]).code(2).warns("--reason");
    world.done(&["credentials", "revoke", &id, "--reason", "Error de acta"]).says("revocada");
    world.done(&["credentials", "revoke", &id, "--reason", "Error de acta"]);
    world.run(&["credentials", "verify", &url]).code(1).says("revoked");
    let both = text(&luis, "credential_id");
    let several = ["credentials", "revoke", &id, &both, "--reason", "Error de acta"];
    world.done(&several).says("2 filas: 1 revocadas, 1 ya lo estaban, 0 con error");
    let unknown = "00000000-0000-8000-8000-000000000000";
    let some = ["credentials", "revoke", &id, unknown, "--reason", "x", "--json"];
    assert_eq!(world.run(&some).code(3).json()["result"]["failed"], 1);

    let job = world.job(["a@ejemplo.com".into(), "b@ejemplo.com".into()]);
    world.done(&["jobs", "watch", &job]);
    let all =
        world.done(&["credentials", "revoke", "--job", &job, "--reason", "x", "--json"]).json();
    assert_eq!(all["result"]["successful"], 2, "{all}");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_made_saved_listed_and_revoked() {
    let world = World::new().await;
    let create =
        ["keys", "create", "--name", "acta", "--scopes", "issue,read", "--save", "acta.key"];
    let ran = world.done(&create);
    assert_eq!(ran.out, "", "the key is in the file alone");
    let key = fs::read_to_string(world.path("acta.key")).expect("a file").trim().to_owned();
    assert!(key.starts_with("uc_live_demo_") && !ran.err.contains(&key));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(world.path("acta.key")).expect("a file").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let before = world.done(&["keys", "list", "--json"]).lines().len();
    world.run(&create).code(1).warns("acta.key");
    world.run(&["keys", "create", "--name", "x", "--scopes", "isue", "--save", "x.key"]).code(1);
    assert!(!world.path("x.key").exists(), "no empty file is left of a key that was refused");
    assert_eq!(world.done(&["keys", "list", "--json"]).lines().len(), before, "none was made");

    // A program that takes standard output gets the key, and the key alone.
    let piped =
        world.done(&["keys", "create", "--name", "y", "--scopes", "read", "--mode", "test"]);
    assert!(piped.out.starts_with("uc_test_demo_") && piped.out.lines().count() == 1);
    let made = world.done(&["keys", "create", "--name", "z", "--scopes", "read", "--json"]).json();
    assert!(made["key"].is_string());
    let saved = [&create[..7], &["z.key", "--json"]].concat();
    let saved = world.done(&saved).json();
    assert!(saved["key"].is_null() && saved["id"].is_string(), "{saved}");

    let url = world.stack.base_url();
    let as_it = ["templates", "list", "--url", &url, "--key-file", "acta.key"];
    world.done(&as_it);
    let id = key.split('_').nth(3).expect("an id").to_owned();
    world.done(&["keys", "list"]).says(&id);
    world.done(&["keys", "revoke", &id]).says("revocada");
    world.run(&as_it).code(4).warns("--key-file acta.key");
    world.stack.shutdown().await;
}

/// On a terminal, which `script` of util-linux makes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_not_shown_on_a_terminal_unless_asked_for() {
    let world = World::new().await;
    let binary = env!("CARGO_BIN_EXE_unicreda");
    let screen = |line: &str| {
        let mut script = world.command(&[]);
        let mut terminal = std::process::Command::new("script");
        terminal.args([
            "--quiet",
            "--return",
            "--command",
            &format!("{binary} {line}"),
            "/dev/null",
        ]);
        terminal.current_dir(script.get_current_dir().expect("a folder")).env_clear();
        terminal.env("HOME", world.path("home")).env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
        script = terminal;
        let output = script.output().expect("script of util-linux runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let create = "keys create --name pantalla --scopes read";
    let (code, shown) = screen(create);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("--save") && !shown.contains("uc_live_"), "{shown}");
    let (code, shown) = screen(&format!("{create} --show"));
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("uc_live_demo_"), "{shown}");

    let job = world.job(["a@ejemplo.com".into(), "b@ejemplo.com".into()]);
    let (_, drawn) = screen(&format!("jobs watch {job}"));
    assert!(drawn.contains("2 filas"), "{drawn}");
    world.stack.shutdown().await;
}
