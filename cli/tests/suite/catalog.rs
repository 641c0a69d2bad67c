//! Templates, members, credentials and keys.

use std::fs;

use serde_json::{Value, json};

use crate::harness::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_are_listed_shown_and_created() {
    let world = World::new().await;
    let id = &world.demo.template_id;
    world.done(&["templates", "list"]).stdout_has(id).stdout_has("Diseño de APIs con Rust");
    // The organization's only template needs no id.
    world.done(&["templates", "show"]).stdout_has("result_value").stdout_has("A,B,C,D,F");
    let shown = world.done(&["templates", "show", id, "--json"]).json();
    assert_eq!(shown["id"], *id);
    world.run(&["templates", "show", "nada"]).code(1).stderr_has("templates list");

    let mut other = shown.clone();
    other["name"] = json!("Otro curso");
    world.file("otro.json", &other.to_string(), 0o644);
    let made = world.done(&["templates", "create", "otro.json", "--json"]).json();
    assert_ne!(made["id"], *id);
    world.piped(&["templates", "create", "-"], &other.to_string()).code(0).stdout_has("Otro curso");
    world.file("malo.json", "{", 0o644);
    world.run(&["templates", "create", "malo.json"]).code(2).stderr_has("malo.json");
    world.file("corto.json", "{\"name\":\"x\"}", 0o644);
    world.run(&["templates", "create", "corto.json"]).code(1).stderr_has("/description");
    assert_eq!(world.done(&["templates", "list", "--json"]).lines().len(), 3);

    // With several, and none in the settings, the command asks for one.
    let key = world.file("a.key", &world.demo.api_key, 0o600);
    let url = world.stack.base_url();
    let flags = ["--url", &url, "--key-file", key.to_str().expect("UTF-8")];
    let issue = ["issue", "--email", "a@ejemplo.com"];
    world.run(&[&issue[..], &flags].concat()).code(2).stderr_has("templates list");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_design_is_seen_before_it_is_saved() {
    let world = World::new().await;
    let svg =
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30"><path d="M0 9h80"/></svg>"#;
    world.file("diseno/firma.svg", svg, 0o644);
    let design = json!({
        "layout": "modern", "place": "Valdivia",
        "signatories": [{ "name": "Ana Rojas", "office": "Rectora", "signature": "firma.svg" }],
    });
    world.file("diseno/actas.json", &design.to_string(), 0o644);
    let draw = ["templates", "preview", "diseno/actas.json", "--out"];
    world.done(&[&draw[..], &["muestra.pdf"]].concat()).stdout_has("Muestra: muestra.pdf");
    let pdf = fs::read(world.path("muestra.pdf")).expect("a file");
    assert!(pdf.starts_with(b"%PDF-"));
    world.run(&[&draw[..], &["muestra.pdf"]].concat()).code(1).stderr_has("muestra.pdf ya existe");
    world.done(&[&draw[..], &["muestra.png", "--shortest"]].concat());
    let png = fs::read(world.path("muestra.png")).expect("a file");
    assert!(png.starts_with(b"\x89PNG"));
    let shown = world.done(&["templates", "show", "--json"]).json();
    assert_eq!((&shown["version"], &shown["design"]), (&json!(1), &Value::Null));

    let saved = world.done(&["templates", "design", "diseno/actas.json", "--json"]).json();
    assert_eq!((&saved["version"], &saved["design"]["layout"]), (&json!(2), &json!("modern")));
    let signature = saved["design"]["signatories"][0]["signature"].as_str().expect("an address");
    assert!(signature.ends_with(".svg"), "{signature}");
    // What was read is saved again as it is.
    world.file("otra.json", &saved["design"].to_string(), 0o644);
    let again = world.done(&["templates", "design", "otra.json", "--json"]).json();
    assert_eq!((&again["version"], &again["design"]), (&json!(2), &saved["design"]));
    world.file("claro.json", r##"{"accent":"#ffd700"}"##, 0o644);
    world.run(&["templates", "design", "claro.json"]).code(1).stderr_has("/design/accent");
    world
        .done(&["templates", "design", "otra.json", "--organization"])
        .stdout_has("Diseño de la organización guardado");
    world.file("perdida.json", r#"{"frame":"no-esta.svg"}"#, 0o644);
    world.run(&["templates", "design", "perdida.json"]).code(1).stderr_has("no-esta.svg");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_imported_and_failed_rows_are_listed() {
    let world = World::new().await;
    let people = "email;name\ndiego@demo.example;Diego Vera\nnadie;Nadie\n";
    world.file("personas.csv", people, 0o644);
    let ran = world.run(&["members", "import", "personas.csv"]).code(3);
    ran.stdout_has("2 filas: 1 importada, 1 con error").stdout_has("línea 3  nadie");
    let good = "email,name\ndiego@demo.example,Diego Vera\n";
    let answer = world.piped(&["members", "import", "-", "--json"], good).code(0).json();
    assert_eq!((&answer["imported"], &answer["failed"]), (&json!(1), &json!(0)));
    // More rows than one request takes go as a job.
    let mut many = "Correo;Nombre;Rol\n".to_owned();
    for n in 0..20_050 {
        many += &format!("m{}@demo.example;Persona {n};\n", n % 300);
    }
    many += "nadie;Nadie;\n";
    world.file("muchas.csv", &many, 0o644);
    let ran = world.run(&["members", "import", "muchas.csv", "--dry-run"]).code(3);
    ran.stdout_has("20.051 filas: se importarían 300, 19.750 repetidas, 1 con error")
        .stdout_has("Simulación: no se cambió nada")
        .stdout_has("nadie");
    let ran = world.run(&["members", "import", "personas.csv", "--dry-run"]).code(3);
    ran.stdout_has("2 filas: se importaría 1, 1 con error").stdout_has("Simulación");
    let clears = "email,name,term\ndiego@demo.example,,2026-1\n";
    let ran = world.piped(&["members", "import", "-", "--dry-run"], clears).code(0);
    ran.stdout_has("  Nombre completo: las celdas vacías borrarían 1 valor\n");
    let ran = world.piped(&["members", "import", "-"], clears).code(0);
    ran.stdout_has("  Nombre completo: las celdas vacías borraron 1 valor\n");
    world.run(&["members", "import", "no-hay.csv"]).code(1).stderr_has("no-hay.csv");
    world.stack.shutdown().await;
}

/// A document of a test key is as its issuer signed it, and says nothing of anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_credential_is_verified_as_a_test() {
    let world = World::new().await;
    let body = json!({
        "template_id": world.demo.template_id,
        "recipients": [{ "email": "eva@ejemplo.com", "recipient_name": "Eva Paz", "result_value": "A" }],
    });
    let test = world.api("POST", "/credentials/issue", &world.demo.test_api_key, &body);
    let test = test["credentials"][0]["credential_id"].as_str().expect("an id").to_owned();
    world.file("prueba.json", &world.document(&test), 0o644);
    world.done(&["credentials", "verify", "prueba.json"]).stdout_has("Es una prueba");
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
    world.done(&["credentials", "find", "--template", &world.demo.template_id]).stdout_has(&id);
    world.run(&["credentials", "find", "--status", "perdida"]).code(1).stderr_has("status");

    world.done(&["credentials", "verify", &url]).stdout_has("Válida").stdout_has("proof");
    let key = world.demo.api_key.clone();
    let document = world.document(&id);
    world.file("ana.json", &document, 0o644);
    world.done(&["credentials", "verify", "ana.json"]).stdout_has("Válida");
    assert_eq!(
        world.piped(&["credentials", "verify", "-", "--json"], &document).code(0).json()["verified"],
        true
    );
    world.file("falsa.json", &document.replace("\"ana\"", "\"eva\""), 0o644);
    world.run(&["credentials", "verify", "falsa.json"]).code(1).stdout_has("No válida");
    for (name, part) in
        [("ana.pdf", "certificate.pdf"), ("ana.png", "badge.png"), ("ana.svg", "badge.svg")]
    {
        std::fs::write(world.path(name), world.drawn(&id, part)).expect("written");
        world.done(&["credentials", "verify", name]).stdout_has("Válida").stdout_has("proof");
    }
    world.file("a.pdf", "%PDF-1.7", 0o644);
    world.run(&["credentials", "verify", "a.pdf"]).code(1).stderr_has("incompleto o dañado");

    // A mail that is not yet sent cannot be sent again.
    let ended = || {
        world.api("GET", &format!("/credentials/{id}"), &key, &Value::Null)["email_status"]
            != "pending"
    };
    crate::harness::until("the mail ends", ended).await;
    world.done(&["credentials", "resend", &id]).stdout_has(&id);
    world.run(&["credentials", "resend", &id]).code(1);

    // The right address is mailed, and asking again changes nothing.
    let other = text(&luis, "credential_id");
    let ended = || {
        world.api("GET", &format!("/credentials/{other}"), &key, &Value::Null)["email_status"]
            != "pending"
    };
    crate::harness::until("the mail ends", ended).await;
    let correct = |email: &str| {
        world.run(&["credentials", "correct", &other, "--email", email, "--reason", "Rebotó"])
    };
    correct("luis@").code(1).stderr_has("Invalid email: luis@");
    correct("luis.rojas@ejemplo.com").code(0).stdout_has("se envía a luis.rojas@ejemplo.com");
    correct("luis.rojas@ejemplo.com").code(0).stdout_has("luis.rojas@ejemplo.com");
    world.run(&["credentials", "correct", &other]).code(2).stderr_has("--email");
    // To an address that is suppressed nothing is sent, and nobody is told otherwise.
    let gone = "bounce+eva@simulator.amazonses.com";
    world.done(&["issue", "--email", gone, "--name", "Eva", "--result", "A"]);
    let listed = || world.api("GET", "/suppressions", &key, &Value::Null)["items"][0].is_object();
    crate::harness::until("the address is suppressed", listed).await;
    crate::harness::until("the mail ends", ended).await;
    let told = correct(gone).code(0).stdout_has("su correo: no enviado\n  No se envió");
    assert!(!told.out.contains("se envía a bounce"), "{told:?}");

    world.run(&["credentials", "revoke", &id]).code(2).stderr_has("--reason");
    world.done(&["credentials", "revoke", &id, "--reason", "Error de acta"]).stdout_has("revocada");
    world.done(&["credentials", "revoke", &id, "--reason", "Error de acta"]);
    world.run(&["credentials", "verify", &url]).code(1).stdout_has("revoked");
    let both = text(&luis, "credential_id");
    let several = ["credentials", "revoke", &id, &both, "--reason", "Error de acta"];
    world.done(&several).stdout_has("2 filas: 1 revocada, 1 ya lo estaba, 0 con error");
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
async fn keys_are_created_saved_listed_and_revoked() {
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
    world.run(&create).code(1).stderr_has("acta.key");
    world.run(&["keys", "create", "--name", "x", "--scopes", "isue", "--save", "x.key"]).code(1);
    assert!(!world.path("x.key").exists(), "a refused key leaves no empty file");
    assert_eq!(world.done(&["keys", "list", "--json"]).lines().len(), before, "none was created");

    // A pipe gets the key and nothing else.
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
    world.done(&["keys", "list"]).stdout_has(&id);
    world.done(&["keys", "revoke", &id]).stdout_has("revocada");
    world.run(&as_it).code(4).stderr_has("--key-file acta.key");
    world.stack.shutdown().await;
}

/// Runs on a terminal that `script` of util-linux emulates.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_not_shown_on_a_terminal_without_the_flag() {
    let world = World::new().await;
    let binary = env!("CARGO_BIN_EXE_unicreda");
    let on_terminal = |line: &str| {
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
    let (code, shown) = on_terminal(create);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("--save") && !shown.contains("uc_live_"), "{shown}");
    let (code, shown) = on_terminal(&format!("{create} --show"));
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("uc_live_demo_"), "{shown}");

    let job = world.job(["a@ejemplo.com".into(), "b@ejemplo.com".into()]);
    let (_, drawn) = on_terminal(&format!("jobs watch {job}"));
    assert!(drawn.contains("2 filas"), "{drawn}");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_is_blocked_and_shown_again_and_its_person_gets_an_archive() {
    let world = World::new().await;
    let one = ["issue", "--email", "ana@ejemplo.com", "--name", "Ana", "--result", "A", "--json"];
    let issued = world.done(&one).json()["credentials"][0].clone();
    let id = issued["credential_id"].as_str().expect("an id").to_owned();
    let url = issued["credential_url"].as_str().expect("a URL").to_owned();
    world.run(&["credentials", "block", &id]).code(2).stderr_has("--reason");
    for _ in 0..2 {
        world.done(&["credentials", "block", &id, "--reason", "Reclamo"]).stdout_has("bloqueada");
    }
    world.run(&["credentials", "verify", &url]).code(1).stderr_has("no está disponible");
    for _ in 0..2 {
        world.done(&["credentials", "unblock", &id]).stdout_has("sin bloqueo");
    }
    world.done(&["credentials", "verify", &url]).stdout_has("Válida");

    let export = ["people", "export", "ana@ejemplo.com", "--output", "ana.zip"];
    world.done(&export).stdout_has("1 credenciales");
    let archive = std::fs::read(world.path("ana.zip")).expect("an archive");
    assert!(archive.starts_with(b"PK"), "a ZIP archive");
    // It replaces nothing unless it is told to.
    world.run(&export).code(1).stderr_has("--force");
    world.done(&[&export[..], &["--force"]].concat());
    world.stack.shutdown().await;
}
