//! `unicreda admin` as a process, on a local stack; its organization and keys are used over HTTP.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use local::{Data, Options, Stack, demo, folder};
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
    String::from_utf8(bytes(stack, path)).expect("text")
}

/// The body of a file of the stack.
pub fn bytes(stack: &Stack, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", stack.port())).expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    answer.split_off(head + 4)
}

/// Standard output and error of a command that must succeed.
fn both(data: &Path, arguments: &[&str]) -> (Value, String) {
    let output = admin(data, arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
    (serde_json::from_slice(&output.stdout).expect("JSON"), stderr)
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erasures_are_repeated_of_an_organization_that_exists_and_since_a_point_that_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let stack = start(data).await;
    let replay = ["erasures", "replay", "--since"];
    let with = |more: &[&'static str]| [&replay[..], more].concat();
    let stderr = failed(data, 1, &with(&["2026-01-01T00:00:00Z", "--org", "nadie"]));
    assert!(stderr.contains("nadie"), "{stderr}");
    let stderr = failed(data, 1, &with(&["2999-01-01T00:00:00Z"]));
    assert!(stderr.contains("in the future"), "{stderr}");
    let stderr = failed(data, 1, &with(&["ayer"]));
    assert!(stderr.contains("RFC 3339"), "{stderr}");
    done(data, &CREATE);
    let begun = done(data, &with(&["2026-01-01T00:00:00Z", "--org", "uni"]));
    assert!(begun.contains("job"), "{begun}");
    stack.shutdown().await;
}

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

    // Nobody can be asked: the machine's zone is taken, and said.
    let [id, sender] = ["otra", "titulos@otra.example"];
    let guessed = ["org", "create", id, "--name", "Otra Casa", "--sender", sender];
    let (guessed, stderr) = both(data, &guessed);
    let zone = guessed["time_zone"].as_str().expect("a zone");
    assert!(stderr.contains(&format!("the time zone {zone}, this machine's")), "{stderr}");
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
    let periods = ["--public-hides", "surname, grade", "--jobs-days", "30", "--files-days", "2"];
    let ended = ["--ended-credentials-days", "365"];
    done(data, &[&["org", "update", "uni"], &periods[..], &ended[..]].concat());
    let shown = json_of(data, &["org", "show", "uni"]);
    assert_eq!(shown["public_hides"], json!(["grade", "surname"]));
    let periods = json!({ "jobs_days": 30, "files_days": 2, "ended_credentials_days": 365 });
    assert_eq!(shown["retention"], periods);
    let back = ["--public-hides", "", "--ended-credentials-days", "0"];
    done(data, &[&["org", "update", "uni"], &back[..]].concat());
    let shown = json_of(data, &["org", "show", "uni"]);
    assert_eq!(
        (&shown["public_hides"], &shown["retention"]["jobs_days"]),
        (&json!([]), &json!(30))
    );
    assert_eq!(shown["retention"]["ended_credentials_days"], Value::Null);
    let stderr = failed(data, 1, &["org", "update", "uni", "--jobs-days", "0"]);
    assert!(stderr.contains("jobs_days must be a whole number from 7 to 90"), "{stderr}");
    let stderr = failed(data, 1, &["org", "update", "uni", "--public-hides", "surnames"]);
    assert!(stderr.contains("evidence, grade, surname"), "{stderr}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_alone_decides_as_whom_an_organization_sends() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let stack = start(data).await;
    let create = [&CREATE[..], &["--allow-sender", "*@Sede.example"]].concat();
    let created = json_of(data, &create);
    let senders = |shown: &Value| shown["allowed_senders"].clone();
    assert_eq!(senders(&created), json!(["titulos@uni.example", "@sede.example"]));
    assert_eq!(json_of(data, &create), created, "again");
    let said = both(data, &create).1;
    assert!(said.contains("every address of exactly sede.example, as @sede.example"), "{said}");
    assert!(failed(data, 1, &CREATE).contains("senders"), "other senders are no repetition");

    // An administrator chooses among them.
    let key = done(data, &["keys", "create", "uni", "--name", "x"]);
    let put =
        |sender: &str| http(&stack, &key, "PUT", "/organization", &json!({ "sender": sender })).0;
    assert_eq!((put("x@sede.example"), put("x@uni.example")), (200, 400));
    let update = |flags: &[&str]| json_of(data, &[&["org", "update", "uni"], flags].concat());
    assert_eq!(
        senders(&update(&["--allow-sender", "uni.example"])).as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(put("x@uni.example"), 200);

    // What mail is sent as is not taken away without another.
    let keep = ["org", "update", "uni", "--remove-sender", "uni.example"];
    let stderr = failed(data, 1, &keep);
    assert!(stderr.contains("x@uni.example") && stderr.contains("--sender"), "{stderr}");
    let shown = update(&["--remove-sender", "@uni.example", "--sender", "nueva@otra.example"]);
    assert_eq!(shown["sender"], "nueva@otra.example");
    let left = json!(["titulos@uni.example", "@sede.example", "nueva@otra.example"]);
    assert_eq!(senders(&shown), left);
    assert_eq!(put("x@uni.example"), 400);
    for (flag, value) in [
        ("--allow-sender", "uni.local"),
        ("--allow-sender", "nadie"),
        ("--remove-sender", "nunca@uni.example"),
        ("--sender", "a@uni.test"),
    ] {
        let stderr = failed(data, 1, &["org", "update", "uni", flag, value]);
        assert!(stderr.contains(value), "{stderr}");
    }
    assert_eq!(senders(&json_of(data, &["org", "show", "uni"])), left);
    let blank = ["keys", "create", "uni", "--name", "\u{200b}"];
    assert!(failed(data, 1, &blank).contains("no visible character"));
    let far = ["keys", "create", "uni", "--name", "x", "--expires-at", "9999-12-31T00:00:00Z"];
    assert!(failed(data, 1, &far).contains("2100"));
    stack.shutdown().await;
}

/// A CloudFormation that describes a stack, or refuses to, so often; it gives what it was asked.
fn cloudformation(answers: Vec<(u16, String)>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = String::new();
            while !request.ends_with("StackName=unicreda") {
                let mut piece = [0; 4096];
                let read = stream.read(&mut piece).expect("a request");
                assert!(read > 0, "{request}");
                request.push_str(&text(&piece[..read]));
            }
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).expect("written");
            asked.push(request);
        }
        asked
    });
    (url, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_the_deployment_cannot_send_from_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let stack = start(data).await;
    let dynamodb = &stack.endpoints().dynamodb;
    let run = |bound: (&str, &str), arguments: &[&str], deployed: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unicreda"));
        command.arg("admin").env(bound.0, bound.1);
        if deployed {
            command.args(["--stack", "unicreda"]).env("AWS_ENDPOINT_URL_DYNAMODB", dynamodb);
            command.env("AWS_REGION", "us-east-1").env("AWS_ACCESS_KEY_ID", "x");
            command.env("AWS_SECRET_ACCESS_KEY", "x").env_remove("AWS_SESSION_TOKEN");
        } else {
            command.arg("--data").arg(data);
        }
        let output = command.args(arguments).output().expect("it runs");
        (output.status.code(), text(&output.stderr), text(&output.stdout))
    };
    let local =
        |patterns: &str, arguments: &[&str]| run(("SENDER_ADDRESSES", patterns), arguments, false);
    // A new organization, and one that is there already.
    let (code, stderr, _) = local("*@otra.example", &CREATE);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains(
            "titulos@uni.example: this deployment can send mail from *@otra.example alone"
        ) && stderr.contains("SenderAddresses=*@otra.example,titulos@uni.example"),
        "{stderr}"
    );
    failed(data, 1, &["org", "show", "uni"]);
    assert_eq!(local("*@uni.example", &CREATE).0, Some(0));
    assert_eq!(local("*@otra.example", &CREATE).0, Some(0), "again: nothing is new");

    let update = |flags: &[&'static str]| [&["org", "update", "uni"], flags].concat();
    let show = || json_of(data, &["org", "show", "uni"])["allowed_senders"].clone();
    for (flags, sender) in [
        (["--allow-sender", "uni.example"], "@uni.example"),
        (["--allow-sender", "actas@otra.example"], "actas@otra.example"),
        (["--sender", "nueva@uni.example"], "nueva@uni.example"),
    ] {
        let (code, stderr, _) = local("a*@uni.example", &update(&flags));
        assert_eq!(code, Some(1), "{flags:?}: {stderr}");
        assert!(stderr.contains(&format!("{sender}: this deployment")), "{stderr}");
    }
    assert_eq!(show(), json!(["titulos@uni.example"]));
    // The sender that it has stays, and everything else can be changed.
    assert_eq!(local("a*@uni.example", &update(&["--name", "Universidad Otra"])).0, Some(0));
    assert_eq!(
        local("a*@uni.example", &update(&["--allow-sender", "actas@uni.example"])).0,
        Some(0)
    );

    // A deployed stack says it itself.
    let described = "<DescribeStacksResponse><Parameters><member><ParameterKey>SiteUrl</ParameterKey>\
        <ParameterValue>https://u.example</ParameterValue></member><member>\
        <ParameterKey>SenderAddresses</ParameterKey>\
        <ParameterValue>*@sede.example,*@uni.example</ParameterValue></member></Parameters></DescribeStacksResponse>";
    let denied = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>";
    let answers =
        vec![(200, described.to_owned()), (200, described.to_owned()), (403, denied.to_owned())];
    let (url, asked) = cloudformation(answers);
    let deployed = |flags: &[&'static str]| {
        run(("AWS_ENDPOINT_URL_CLOUDFORMATION", &url), &update(flags), true)
    };
    let (code, stderr, _) = deployed(&["--allow-sender", "otra.example"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains("SenderAddresses=*@sede.example,*@uni.example,*@otra.example"),
        "{stderr}"
    );
    let (code, stderr, _) = deployed(&["--allow-sender", "sede.example"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains("Warning"), "{stderr}");
    // Without the right to ask, it says so and goes on.
    let (code, stderr, _) = deployed(&["--allow-sender", "otra.example"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stderr.contains("SenderAddresses could not be read") && stderr.contains("AccessDenied"),
        "{stderr}"
    );
    let requests = asked.join().expect("three requests");
    assert!(requests.iter().all(|one| one.contains("us-east-1/cloudformation/aws4_request")));
    let all = json!(["titulos@uni.example", "actas@uni.example", "@sede.example", "@otra.example"]);
    assert_eq!(show(), all);
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_is_told_of_names_that_people_confuse() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let stack = start(data).await;
    demo::seed(stack.app()).await.expect("the demo");
    let create = |id: &'static str, name: &'static str| {
        let sender = format!("titulos@{id}.example");
        both(data, &["org", "create", id, "--name", name, "--sender", &sender])
    };
    assert!(!create("uni", "Universidad Única").1.contains("Warning"));
    for (id, name) in
        [("unica", "UNIVERSIDAD UNICA"), ("falsa", "Univers\u{456}d\u{430}d de la Unic\u{430}")]
    {
        let stderr = create(id, name).1;
        assert!(
            stderr.contains("Warning") && stderr.contains("uni (Universidad Única)"),
            "{stderr}"
        );
    }
    // Said once for a name, not with every other change.
    let other = ["org", "update", "falsa", "--language", "en"];
    assert!(!both(data, &other).1.contains("Warning"));
    let update = ["org", "update", "falsa", "--name", "Instituto Verdadero"];
    assert!(!both(data, &update).1.contains("Warning"));
    let all = json_of(data, &["org", "list"]);
    let like: Vec<(&Value, &Value)> = all
        .as_array()
        .expect("a list")
        .iter()
        .map(|organization| (&organization["id"], &organization["named_like"]))
        .collect();
    let (uni, unica) = (json!(["uni"]), json!(["unica"]));
    let (falsa, demo, none) = (json!("falsa"), json!("demo"), json!([]));
    let expected = [(&demo, &none), (&falsa, &none), (&uni[0], &unica), (&unica[0], &uni)];
    assert_eq!(like, expected);
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_in_memory_is_administered_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let bin = env!("CARGO_BIN_EXE_unicreda");
    let run = |variables: &[(&str, &str)], arguments: &[&str]| {
        Command::new(bin)
            .arg("admin")
            .args(arguments)
            .current_dir(folder.path())
            .env_remove("UNICREDA_STACK")
            .env_remove("AWS_ENDPOINT_URL_DYNAMODB")
            .env_remove("SIGNING_KEY_FILE")
            .envs(variables.iter().copied())
            .output()
            .expect("it runs")
    };
    // Nothing runs: the message says what to do.
    let output = run(&[], &["org", "list"]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    for part in ["cargo run", "--memory", "demo.env", "--data", "--stack"] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }

    let stack = Stack::start(Options::in_memory()).await.expect("the stack starts");
    let key_file = stack.data_dir().join(folder::SIGNING_KEY);
    let key_file = key_file.to_str().expect("UTF-8");
    let endpoint = stack.endpoints().dynamodb.clone();
    let settings =
        [("AWS_ENDPOINT_URL_DYNAMODB", endpoint.as_str()), ("SIGNING_KEY_FILE", key_file)];
    // The shell that has read its demo.env, and the folder of that file.
    let output = run(&settings, &CREATE);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let home = folder.path().join("ajustes");
    std::fs::create_dir(&home).expect("a folder");
    folder::write_demo(&home, &settings).expect("demo.env");
    let key = done(&home, &["keys", "create", "uni", "--name", "x"]);
    let (status, shown) = http(&stack, &key, "GET", "/organization", &Value::Null);
    assert_eq!((status, &shown["id"]), (200, &json!("uni")));
    let (status, keys) = http(&stack, &key, "GET", "/signing-keys", &Value::Null);
    assert_eq!((status, keys["items"].as_array().map(Vec::len)), (200, Some(1)));
    stack.shutdown().await;

    // Its settings outlive it: the message says that it has ended.
    for output in [run(&settings, &["org", "list"]), admin(&home, &["org", "list"])] {
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(&endpoint) && stderr.contains("--memory"), "{stderr}");
    }
}
