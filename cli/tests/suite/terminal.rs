//! What a terminal gets to see: no character of a row, a file or a service controls it.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::harness::{Ran, World};

/// Sets a terminal's title and its colour, writes from right to left, joins, ends a line.
const HOSTILE: &str = "\u{1b}]0;x\u{7}\u{1b}[31m\u{202e}\u{200d}\u{9b}2J\r\n\u{2028}";

/// Requires that nothing of [`HOSTILE`] is printed as it is, and that it is printed.
#[track_caller]
fn is_harmless(text: &str) {
    let unseen = |c: char| HOSTILE.contains(c) && c != '\n' && !c.is_ascii_graphic();
    assert!(!text.contains(unseen), "{text:?}");
}

/// A service that answers every path of this list, and nothing else.
fn service(answers: &'static [(&'static str, u16, Value)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut head = [0; 8192];
            let read = stream.read(&mut head).expect("a request");
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let path = head.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
            let known = answers.iter().find(|(known, ..)| path.ends_with(known));
            let (_, status, body) = known.unwrap_or_else(|| panic!("{path}"));
            let body = body.to_string();
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).expect("written");
        }
    });
    url
}

/// Runs a command on a terminal of its own, and gives what it showed.
fn on_a_terminal(world: &World, arguments: &[&str]) -> String {
    run_on_a_terminal(world, arguments).code(0).out
}

/// Runs a command on a terminal of its own.
fn run_on_a_terminal(world: &World, arguments: &[&str]) -> Ran {
    let script =
        "import os, pty, sys\nsys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let plain = world.command(arguments);
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(plain.get_program()).args(plain.get_args());
    command.current_dir(world.path("")).env_clear().env("HOME", world.path("home"));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ran::of(command.output().expect("Python 3 runs"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_service_answers_controls_no_terminal() {
    let world = World::new().await;
    let name = format!("Curso {HOSTILE} de Rust");
    let answers: &'static [(&str, u16, Value)] = Box::leak(Box::new([
        (
            "/templates",
            200,
            json!({ "items": [{ "id": "550e8400", "name": name, "version": 1, "archived": false }] }),
        ),
        (
            "/templates/550e8400",
            200,
            json!({ "id": "550e8400", "name": name, "description": format!("Uno\nDos{HOSTILE}") }),
        ),
        (
            "/jobs",
            409,
            json!({
                "title": format!("Conflicto{HOSTILE}"), "detail": format!("No{HOSTILE}ahora"),
                "code": "conflict", "request_id": HOSTILE,
                "errors": [{ "pointer": format!("/a{HOSTILE}"), "message": HOSTILE }],
            }),
        ),
    ]));
    world.set_url(&service(answers));

    for command in [&["templates", "list"][..], &["templates", "show", "550e8400"]] {
        let ran = world.done(command).stdout_has(
            r"Curso \u{1b}]0;x\u{7}\u{1b}[31m\u{202e}\u{200d}\u{9b}2J↵\u{2028} de Rust",
        );
        is_harmless(&ran.out);
        let ran = world.done(&[command, &["--json"]].concat());
        is_harmless(&ran.out);
        assert_eq!(ran.json()["name"], name, "the JSON means the same");
    }
    world.done(&["templates", "show", "550e8400"]).stdout_has("\nUno\nDos\\u{1b}");
    let refused = world.run(&["jobs", "list"]).code(1).stderr_has(r"No\u{1b}]0;x");
    is_harmless(&refused.err);
    assert_eq!(refused.err.lines().count(), 3, "{refused:?}");
    let refused = world.run(&["jobs", "list", "--json"]).code(1);
    is_harmless(&refused.out);
    let detail = &refused.json()["error"]["problem"]["detail"];
    assert_eq!(*detail, json!(format!("No{HOSTILE}ahora")));
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_controls_no_terminal_and_stays_as_it_is_in_a_file() {
    let world = World::new().await;
    let inline = HOSTILE.replace(['\r', '\n'], "");
    let rows = format!(
        "email,name,grade,#nota\nmal{inline}@,Ana,A,\u{202e}x\nluis@ejemplo.com,Luis{inline},A,\n"
    );
    world.file("acta.csv", &rows, 0o644);
    let ran = world.run(&["issue", "acta.csv"]).code(3).stdout_has(r"mal\u{1b}]0;x\u{7}");
    is_harmless(&ran.out);
    is_harmless(&ran.err);
    let results = fs::read_to_string(world.path("acta-resultados.csv")).expect("results");
    assert!(results.contains(&format!("mal{inline}@")), "{results:?}");
    // What the service says of it controls no program that shows the file.
    assert!(results.contains(r"Invalid email: mal\u{1b}]0;x"), "{results:?}");

    let jobs = world.done(&["jobs", "list", "--json"]).lines();
    let job = jobs[0]["job_id"].as_str().expect("an id").to_owned();
    let piped = world.done(&["jobs", "results", &job]);
    assert_eq!(piped.out, results, "a program gets the file");
    let shown = on_a_terminal(&world, &["jobs", "results", &job]);
    assert!(shown.starts_with("email,name,grade"), "{shown:?}");
    assert!(shown.contains(r"mal\u{1b}]0;x\u{7}"), "{shown:?}");
    // The terminal itself ends lines with both.
    is_harmless(&shown.replace("\r\n", "\n"));
    let rows = world.done(&["jobs", "results", &job, "--json"]);
    is_harmless(&rows.out);
    assert_eq!(rows.lines()[0]["email"], format!("mal{inline}@"));
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archives_and_spreadsheets_are_written_to_a_file_and_to_no_terminal() {
    let world = World::new().await;
    world.done(&["people", "export", "ana@ejemplo.com", "--output", "ana.zip"]);
    let jobs = world.done(&["jobs", "list", "--json"]).lines();
    let job = jobs[0]["job_id"].as_str().expect("an id").to_owned();
    let shown = run_on_a_terminal(&world, &["jobs", "results", &job]).code(1).out;
    assert!(!shown.contains("PK") && shown.contains("--output datos-personales.zip"), "{shown:?}");
    let example = run_on_a_terminal(&world, &["templates", "csv", "--format", "xlsx"]).code(1).out;
    assert!(!example.contains("PK") && example.contains("--output ejemplo.xlsx"), "{example:?}");
    let results = ["jobs", "results", &job, "--format", "xlsx"];
    let results = run_on_a_terminal(&world, &results).code(1).out;
    assert!(!results.contains("PK") && results.contains("--output resultados.xlsx"), "{results:?}");
    world.done(&["jobs", "results", &job, "--output", "otra.zip"]);
    assert_eq!(
        fs::read(world.path("otra.zip")).expect("an archive"),
        fs::read(world.path("ana.zip")).expect("an archive")
    );
    world.stack.shutdown().await;
}

#[test]
fn only_the_printer_writes_to_the_terminal() {
    fn visit(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                visit(&path, found);
            } else if !path.ends_with("printer.rs") {
                let code = fs::read_to_string(&path).expect("a file");
                let writes = ["stdout()", "stderr()", "print!", "println!", "dbg!", "/dev/tty"];
                // A name that ends so, such as `is_stdout()`, is a question.
                let is_named = |name: &&&str| {
                    code.match_indices(**name).any(|(at, _)| !code[..at].ends_with('_'))
                };
                found.extend(
                    writes
                        .iter()
                        .filter(is_named)
                        .map(|name| format!("{}: {name}", path.display())),
                );
            }
        }
    }
    let mut found = Vec::new();
    visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.is_empty(), "{found:#?}");
}
