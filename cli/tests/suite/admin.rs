//! `unicreda admin` as a process, on a local stack; its organization and keys are used over HTTP.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use local::{Data, Options, Stack, folder};
use serde_json::{Value, json};

/// Runs the command line on a data folder.
fn admin(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_unicreda"))
        .args(["admin", "--data"])
        .arg(data)
        .args(arguments)
        .env_remove("UNICREDA_STACK")
        .output()
        .expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard output of a command that must succeed.
fn done(data: &Path, arguments: &[&str]) -> String {
    let output = admin(data, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

/// Standard error of a command that must fail with this code.
fn failed(data: &Path, code: i32, arguments: &[&str]) -> String {
    let output = admin(data, arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{arguments:?}: {}", text(&output.stdout));
    stderr
}

/// Sends a request to the API; status and body.
pub fn http(stack: &Stack, key: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", stack.port())).expect("a connection");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {answer}")))
}

/// The body of a public resource.
pub fn raw(stack: &Stack, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", stack.port())).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    body.to_owned()
}

/// A local stack in a folder, with its `demo.env`.
async fn start(data: &Path) -> Stack {
    let options = Options { data: Data::Dir(data.to_owned()), ..Options::in_memory() };
    let stack = Stack::start(options).await.expect("the stack starts");
    let endpoint = &stack.endpoints().dynamodb;
    folder::write_demo(data, &[("AWS_ENDPOINT_URL_DYNAMODB", endpoint)]).expect("demo.env");
    stack
}

const CREATE: [&str; 9] = [
    "org",
    "create",
    "uni",
    "--name",
    "Universidad Única",
    "--sender",
    "titulos@uni.example",
    "--time-zone",
    "America/Lima",
];

fn json_of(data: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&done(data, arguments)).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_is_created_once_and_updated() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let stderr = failed(data, 1, &["org", "show", "uni"]);
    assert!(stderr.contains("cargo run") && stderr.contains("--stack"), "{stderr}");

    let stack = start(data).await;
    let stderr = failed(data, 1, &["keys", "create", "uni", "--name", "x"]);
    assert!(stderr.contains("org create uni"), "{stderr}");
    let stderr = failed(data, 1, &["org", "create", "uni", "--name", "U", "--sender", "nobody"]);
    assert!(stderr.contains("Invalid email: nobody"), "{stderr}");
    let stderr = failed(data, 1, &["org", "create", "U ni", "--name", "U", "--sender", "a@b.edu"]);
    assert!(stderr.contains("U ni"), "{stderr}");

    let created = json_of(data, &CREATE);
    assert_eq!((&created["id"], &created["time_zone"]), (&json!("uni"), &json!("America/Lima")));
    assert_eq!(json_of(data, &CREATE), created, "again");
    let other = ["org", "create", "uni", "--name", "Otra", "--sender", "titulos@uni.example"];
    let stderr = failed(data, 1, &other);
    assert!(stderr.contains("org update uni"), "{stderr}");
    let update = ["--reply-to", "mesa@uni.example", "--notify-members", "false"];
    done(data, &[&["org", "update", "uni"], &update[..]].concat());
    let shown = json_of(data, &["org", "show", "uni"]);
    assert_eq!(
        (&shown["reply_to"], &shown["name"]),
        (&json!("mesa@uni.example"), &created["name"])
    );
    assert_eq!(shown["notify_members"], false);
    done(data, &["org", "update", "uni", "--reply-to", ""]);
    assert_eq!(json_of(data, &["org", "show", "uni"])["reply_to"], Value::Null);
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_organization_issues_with_the_keys_that_were_created_for_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let stack = start(data).await;
    done(data, &CREATE);

    let key = done(data, &["keys", "create", "uni", "--name", "sistema académico"]);
    assert!(key.starts_with("uc_live_uni_"), "{}", key.len());
    let template = json!({ "name": "Curso", "description": "Un curso.", "language": "es",
        "achievement": { "type": "Course", "criteria": "Aprobar." }, "fields": [] });
    let (status, template) = http(&stack, &key, "POST", "/templates", &template);
    assert_eq!(status, 201, "{template}");
    let body = json!({ "template_id": template["id"], "recipients": [{ "email": "a@b.example" }] });
    let (status, issued) = http(&stack, &key, "POST", "/credentials/issue", &body);
    assert_eq!((status, &issued["credentials"][0]["status"]), (200, &json!("issued")), "{issued}");

    let file = data.join("prueba.key");
    let path = file.to_str().expect("UTF-8");
    let save = [
        "keys",
        "create",
        "uni",
        "--name",
        "p",
        "--mode",
        "test",
        "--scopes",
        "issue,read",
        "--save",
        path,
    ];
    assert_eq!(done(data, &save), "", "the key is in the file alone");
    let mode = std::fs::metadata(&file).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let test_key = std::fs::read_to_string(&file).expect("the key").trim().to_owned();
    let (_, issued) = http(&stack, &test_key, "POST", "/credentials/issue", &body);
    assert_eq!(issued["credentials"][0]["duplicate"], false, "another mode, another credential");
    let (status, _) = http(&stack, &test_key, "GET", "/api-keys", &Value::Null);
    assert_eq!(status, 403);
    assert!(failed(data, 1, &save).contains("prueba.key"));

    let stderr = failed(data, 1, &["keys", "create", "uni", "--name", "x", "--scopes", "isue"]);
    assert!(stderr.contains("--scopes isue"), "{stderr}");
    let past = ["keys", "create", "uni", "--name", "x", "--expires-at", "2020-01-01T00:00:00Z"];
    assert!(failed(data, 1, &past).contains("--expires-at"));
    assert!(failed(data, 2, &["keys", "create"]).contains("Usage"));
    stack.shutdown().await;
}
