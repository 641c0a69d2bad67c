//! The binary as people start it: its greeting, its files, its messages when it cannot start.
//! It loses nothing when it is interrupted or killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{
    crashes::{long, seed},
    harness::check_sums,
};

/// Longest wait for anything: the largest job, in a debug build, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);
/// Mails that a process leaves in doubt at most: those that it claimed together.
pub const MAILS_IN_FLIGHT: usize = 16;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command
        .args(arguments)
        .env_remove("LOG_LEVEL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// A started stack.
pub struct Process {
    child: Child,
    /// The greeting that it printed.
    greeting: String,
    /// The settings that it wrote to `demo.env`.
    settings: BTreeMap<String, String>,
    _stdout: Lines<BufReader<ChildStdout>>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Process {
    /// Starts the binary and waits for its greeting.
    pub async fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).spawn().expect("it starts");
        let mut stderr = child.stderr.take().expect("stderr");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let reading = async {
            let mut greeting = String::new();
            while let Some(line) = stdout.next_line().await.expect("text") {
                greeting.push_str(&line);
                greeting.push('\n');
                if line.contains("Ctrl-C") {
                    return Ok(greeting);
                }
            }
            let mut message = String::new();
            let _ = stderr.read_to_string(&mut message).await;
            Err(message)
        };
        let greeting = tokio::time::timeout(PATIENCE, reading).await.expect("a greeting in time");
        let greeting = greeting.unwrap_or_else(|message| panic!("it ended: {message}"));
        // Warnings go to the output of the test.
        tokio::spawn(async move { tokio::io::copy(&mut stderr, &mut tokio::io::stderr()).await });
        let settings = read_settings(&environment_file(&greeting));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { child, greeting, settings, _stdout: stdout, client }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// A setting of `demo.env`.
    pub fn setting(&self, name: &str) -> &str {
        self.settings.get(name).unwrap_or_else(|| panic!("{name} in demo.env"))
    }

    /// A request with the live key: status and JSON.
    pub async fn ask(&self, method: &str, url: &str, body: Option<&Value>) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("x-api-key", self.setting("API_KEY"))
            .header("content-type", "application/json")
            .body(Full::from(body.map_or(String::new(), Value::to_string)))
            .expect("a request");
        let response = self.client.request(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.setting("BASE_URL"));
        let (status, answer) = self.ask("GET", &url, None).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Starts a job of so many recipients.
    async fn start_job(&self, count: u32) -> String {
        let recipients: Vec<Value> = (1..=count).map(crate::harness::person).collect();
        let body = json!({ "template_id": self.setting("TEMPLATE_ID"), "recipients": recipients });
        let url = format!("{}/credentials/issue", self.setting("BASE_URL"));
        let (status, answer) = self.ask("POST", &url, Some(&body)).await;
        assert_eq!(status, 202, "{answer}");
        answer["job_id"].as_str().expect("job_id").to_owned()
    }

    /// Follows a job until its answer is as wanted.
    async fn follow(&self, job: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut tick = tokio::time::interval(Duration::from_millis(25));
        let following = async {
            loop {
                tick.tick().await;
                let status = self.get(&format!("/jobs/{job}")).await;
                if wanted(&status) {
                    return status;
                }
            }
        };
        tokio::time::timeout(PATIENCE, following).await.expect("the job moves on in time")
    }

    /// Follows a job to its end; its result, the sums checked.
    async fn success(&self, job: &str) -> Value {
        let status = self.follow(job, |status| status["status"] == "SUCCESS").await;
        check_sums(&status["result"]);
        status["result"].clone()
    }

    /// The credentials of all mails but those of the demo, which every start issues once.
    async fn mailed(&self) -> Vec<String> {
        let site = self.setting("BASE_URL").trim_end_matches("/api/v1");
        let (_, inbox) = self.ask("GET", &format!("{site}/_local/mail"), None).await;
        let mails = inbox["items"].as_array().expect("items").clone();
        let demo = |mail: &&Value| {
            let to = mail["to"][0].as_str().expect("an address");
            ["valentina.reyes@ejemplo.com", "ana.rojas@demo.example"].contains(&to)
        };
        let jobs = mails.iter().filter(|mail| !demo(mail));
        jobs.map(|m| m["credential_id"].as_str().expect("id").to_owned()).collect()
    }

    /// Sends a signal by its name.
    async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await.expect("kill");
        assert!(sent.success());
    }

    /// Waits for its end.
    async fn ended(mut self) -> ExitStatus {
        let waiting = self.child.wait();
        tokio::time::timeout(PATIENCE, waiting).await.expect("it ends in time").expect("status")
    }

    /// Ends it as `kill -9` does.
    async fn kill(self) {
        self.signal("KILL").await;
        assert_eq!(self.ended().await.code(), None);
    }
}

/// The file that the greeting names for `source`.
fn environment_file(greeting: &str) -> String {
    let line = greeting.lines().find_map(|line| line.trim().strip_prefix("source "));
    line.expect("a line to source").trim_matches('\'').to_owned()
}

fn read_settings(file: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(file).expect("demo.env");
    let pairs = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

/// A start that must fail within some seconds: its message.
async fn refusal(arguments: &[&str]) -> String {
    let running = command(arguments).output();
    let output =
        tokio::time::timeout(PATIENCE, running).await.expect("it ends in time").expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let message = String::from_utf8(output.stderr).expect("text");
    assert!(message.starts_with("error: ") && message.trim_end().lines().count() == 1, "{message}");
    message
}

fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("process-").tempdir().expect("a folder")
}

fn path(folder: &Path) -> &str {
    folder.to_str().expect("a path in UTF-8")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_prints_what_runs_where_and_writes_the_settings() {
    let home = folder();
    let data = home.path().join("data");
    let process = Process::start(&["--port", "0", "--data", path(&data)]).await;
    let base_url = process.setting("BASE_URL").to_owned();
    let site = base_url.strip_suffix("/api/v1").expect("the base path").to_owned();
    assert!(site.starts_with("http://localhost:"), "{site}");
    for line in [
        format!("API        {base_url}"),
        format!("Start      {site}"),
        format!("Console    {site}/console"),
        format!("Inbox      {site}/_local/mail"),
        format!("Demo       {site}/credential/"),
        format!("DynamoDB   {}", process.setting("AWS_ENDPOINT_URL_DYNAMODB")),
        format!("SQS        {}", process.setting("AWS_ENDPOINT_URL_SQS")),
        format!("SES        {}", process.setting("AWS_ENDPOINT_URL_SES")),
        format!("S3         {}", process.setting("AWS_ENDPOINT_URL_S3")),
        format!("Data       {}", data.display()),
        format!("  source {}/demo.env", data.display()),
        "$BASE_URL/credentials/issue".to_owned(),
        "X-API-Key: $API_KEY".to_owned(),
        "'$TEMPLATE_ID'".to_owned(),
    ] {
        assert!(process.greeting.contains(&line), "{line}\n{}", process.greeting);
    }
    // No terminal, no colours; only the file holds the secrets.
    assert!(!process.greeting.contains('\x1b'));
    assert!(!process.greeting.contains("uc_live_") && !process.greeting.contains("uc_test_"));
    assert!(process.setting("API_KEY").starts_with("uc_live_"));
    assert!(process.setting("TEST_API_KEY").starts_with("uc_test_"));
    assert_eq!(process.setting("TEMPLATE_ID"), "550e8400-e29b-41d4-a716-446655440000");
    assert_eq!(process.setting("SITE_URL"), site);
    assert_eq!(process.settings.len(), 11, "{:?}", process.settings.keys());
    for (name, mode) in [("demo.env", 0o600), ("dynamodb.sqlite", 0o600), ("mail.jsonl", 0o600)] {
        let metadata = std::fs::metadata(data.join(name)).expect("a file");
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
    }
    let template = process.get("/templates/550e8400-e29b-41d4-a716-446655440000").await;
    assert_eq!(template["archived"], false);
    process.signal("TERM").await;
    assert_eq!(process.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_of_the_greeting_work_as_printed() {
    let process = Process::start(&["--port", "0", "--memory"]).await;
    // The commands are pasted into a shell; the last ones need ids from the user.
    let script: Vec<&str> = process
        .greeting
        .lines()
        .skip_while(|line| !line.trim().starts_with("source "))
        .take_while(|line| !line.contains("JOB_ID"))
        .collect();
    let shell = Command::new("bash").arg("-euc").arg(script.join("\n")).output();
    let output = shell.await.expect("bash");
    let answers = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(answers.contains(r#""mode":"sync""#) && answers.contains(r#""status":"issued""#));
    assert!(answers.contains("Issuing 3 credentials in background."), "{answers}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_and_keys_survive_a_restart_and_fresh_starts_empty() {
    let home = folder();
    let arguments = ["--port", "0", "--data", path(home.path())];
    let first = Process::start(&arguments).await;
    let settings = first.settings.clone();
    let job = first.start_job(3).await;
    first.success(&job).await;
    first.signal("INT").await;
    assert_eq!(first.ended().await.code(), Some(0));

    let second = Process::start(&arguments).await;
    for name in ["API_KEY", "TEST_API_KEY", "SITE_URL"] {
        assert_eq!(second.setting(name), settings[name], "{name}");
    }
    // The links name another port: the greeting reports it.
    assert!(second.greeting.contains("Note:"), "{}", second.greeting);
    assert_eq!(second.success(&job).await["emails_sent"], 3);
    assert_eq!(second.mailed().await.len(), 3);
    second.kill().await;

    let fresh = Process::start(&[&arguments[..], &["--fresh"]].concat()).await;
    assert_ne!(fresh.setting("API_KEY"), settings["API_KEY"]);
    assert_eq!(fresh.get("/jobs").await["items"], json!([]));
    assert_eq!(fresh.mailed().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_leaves_nothing_but_the_settings_that_were_asked_for() {
    let process = Process::start(&["--port", "0", "--memory"]).await;
    assert!(
        process.greeting.contains("in memory, lost when the stack stops"),
        "{}",
        process.greeting
    );
    let environment = environment_file(&process.greeting);
    let mode = std::fs::metadata(&environment).expect("demo.env").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What its administration needs: `unicreda` finds both there.
    let key_file = Path::new(process.setting("SIGNING_KEY_FILE")).to_owned();
    assert!(key_file.is_absolute() && key_file.exists(), "{}", key_file.display());
    let home = Path::new(&environment).parent().expect("a folder").display().to_string();
    assert!(process.greeting.contains(&format!(" --data {home}")), "{}", process.greeting);
    process.signal("INT").await;
    assert_eq!(process.ended().await.code(), Some(0));
    assert!(!Path::new(&environment).exists() && !key_file.exists());

    let home = folder();
    let process = Process::start(&["--port", "0", "--memory", "--data", path(home.path())]).await;
    assert!(home.path().join("demo.env").exists());
    assert!(!home.path().join("dynamodb.sqlite").exists());
    process.kill().await;
    // The keys of an ended stack open nothing: the next one makes its own.
    let process = Process::start(&["--port", "0", "--memory", "--data", path(home.path())]).await;
    assert_eq!(process.get("/jobs").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn help_names_every_option() {
    let output = command(&["--help"]).output().await.expect("it runs");
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("text");
    for option in ["--port", "--data", "--memory", "--fresh", "--help"] {
        assert!(help.contains(option), "{option}\n{help}");
    }
    let output = command(&["--prot", "1"]).output().await.expect("it runs");
    assert!(!output.status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_named_and_nothing_is_removed() {
    let home = folder();
    std::fs::write(home.path().join("demo.env"), "kept").expect("a file");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("address").port().to_string();
    let message = refusal(&["--port", &port, "--data", path(home.path()), "--fresh"]).await;
    assert!(message.contains(&format!("port {port}")) && message.contains("--port"), "{message}");
    let kept = std::fs::read_to_string(home.path().join("demo.env")).expect("a file");
    assert_eq!(kept, "kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_used_is_named() {
    let home = folder();
    let file = home.path().join("file");
    std::fs::write(&file, "").expect("a file");
    for data in [file.clone(), file.join("data")] {
        let message = refusal(&["--port", "0", "--data", path(&data)]).await;
        assert!(message.contains(path(&data)) && message.contains("--data"), "{message}");
    }
    let _running = Process::start(&["--port", "0", "--data", path(home.path())]).await;
    let message = refusal(&["--port", "0", "--data", path(home.path())]).await;
    assert!(message.contains("in use") && message.contains(path(home.path())), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_ends_it_within_two_seconds_and_the_next_start_goes_on() {
    let home = folder();
    let arguments = ["--port", "0", "--data", path(home.path())];
    let process = Process::start(&arguments).await;
    let job = process.start_job(1_000).await;
    process.follow(&job, |status| status["progress"]["current"].as_u64() > Some(100)).await;
    let started = Instant::now();
    process.signal("INT").await;
    assert_eq!(process.ended().await.code(), Some(0));
    let took = started.elapsed();
    assert!(took < Duration::from_millis(2_000), "{took:?}");

    let process = Process::start(&arguments).await;
    let result = process.success(&job).await;
    assert_eq!((&result["total"], &result["successful"]), (&json!(1_000), &json!(1_000)));
    assert_eq!((&result["duplicates"], &result["emails_sent"]), (&json!(0), &json!(1_000)));
    all_mailed(&process, 1_000, MAILS_IN_FLIGHT).await;
}

/// Every credential has its mail; at most so many were repeated.
async fn all_mailed(process: &Process, count: usize, repeated: usize) {
    let mailed = process.mailed().await;
    let distinct: BTreeSet<&String> = mailed.iter().collect();
    assert_eq!(distinct.len(), count);
    let again = mailed.len() - count;
    assert!(again <= repeated, "{again} mails were sent again");
    eprintln!("{again} of {count} mails were sent again");
}

/// `kill -9` at moments that a seed decides, in both phases of a job of 1,500, three times; in the
/// long run twenty times of 5,000.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_ends_with_the_right_sums_though_the_stack_is_killed_at_random_moments() {
    let count = if long() { 5_000_u32 } else { 1_500 };
    let kills = if long() { 20 } else { 3 };
    let mut rng = fastrand::Rng::with_seed(seed("kills of the stack"));
    // A row counts when it is issued, and again when its mail has ended.
    let mut moments: Vec<u64> = (0..kills).map(|_| rng.u64(1..u64::from(2 * count))).collect();
    moments.sort_unstable();
    let home = folder();
    let arguments = ["--port", "0", "--data", path(home.path())];
    let mut process = Process::start(&arguments).await;
    let job = process.start_job(count).await;
    for moment in &moments {
        process
            .follow(&job, |status| {
                let progress = &status["progress"];
                let n = |name: &str| progress[name].as_u64().unwrap_or(0);
                n("current") + n("emails_done") >= *moment || status["status"] == "SUCCESS"
            })
            .await;
        process.kill().await;
        process = Process::start(&arguments).await;
    }
    let result = process.success(&job).await;
    assert_eq!((&result["total"], &result["successful"]), (&json!(count), &json!(count)));
    assert_eq!((&result["failed"], &result["errors"]), (&json!(0), &json!([])));
    assert_eq!((&result["duplicates"], &result["emails_sent"]), (&json!(0), &json!(count)));
    assert_eq!((&result["internal_count"], &result["external_count"]), (&json!(0), &json!(count)));
    all_mailed(&process, count as usize, kills * MAILS_IN_FLIGHT).await;
    // Nothing is lost: a repeated request finds every credential.
    let again = process.start_job(3).await;
    let again = process.success(&again).await;
    assert_eq!((&again["duplicates"], &again["emails_skipped"]), (&json!(3), &json!(3)));
}

/// The same with a file: killed once while it is read, then at moments of the job, then while its
/// results are written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_issued_to_its_last_row_though_the_stack_is_killed_at_random_moments() {
    let count = if long() { 5_000_u32 } else { 1_500 };
    let kills = if long() { 10 } else { 1 };
    let mut rng = fastrand::Rng::with_seed(seed("kills of the stack at a file"));
    let mut moments: Vec<u64> = (0..kills).map(|_| rng.u64(1..u64::from(2 * count))).collect();
    moments.sort_unstable();
    let mut file = "Correo;Nombre;Nota\r\n".to_owned();
    for n in 1..=count {
        file += &format!("persona{n}@ejemplo.com;Persona Zorrilla {n};A\r\n");
    }
    let home = folder();
    let arguments = ["--port", "0", "--data", path(home.path())];
    let mut process = Process::start(&arguments).await;
    let body = json!({
        "template_id": process.setting("TEMPLATE_ID"), "file_name": "acta.csv", "size": file.len(),
    });
    let url = format!("{}/uploads", process.setting("BASE_URL"));
    let (status, allowed) = process.ask("POST", &url, Some(&body)).await;
    assert_eq!(status, 201, "{allowed}");
    let mut put = Request::put(allowed["upload"]["url"].as_str().expect("url"));
    for (name, value) in allowed["upload"]["headers"].as_object().expect("headers") {
        put = put.header(name, value.as_str().expect("a header"));
    }
    let put = put.body(Full::from(file)).expect("a request");
    assert_eq!(process.client.request(put).await.expect("an answer").status().as_u16(), 200);
    // The bucket has the file; its reader dies.
    process.kill().await;
    process = Process::start(&arguments).await;
    let path = format!("/uploads/{}", allowed["upload_id"].as_str().expect("id"));
    let mut tick = tokio::time::interval(Duration::from_millis(25));
    let job = loop {
        tick.tick().await;
        if let Some(job) = process.get(&path).await["job_id"].as_str() {
            break job.to_owned();
        }
    };
    for moment in &moments {
        process
            .follow(&job, |status| {
                let progress = &status["progress"];
                let n = |name: &str| progress[name].as_u64().unwrap_or(0);
                n("current") + n("emails_done") >= *moment || status["status"] == "SUCCESS"
            })
            .await;
        process.kill().await;
        process = Process::start(&arguments).await;
    }
    let result = process.success(&job).await;
    process.kill().await;
    process = Process::start(&arguments).await;
    assert_eq!((&result["total"], &result["successful"]), (&json!(count), &json!(count)));
    assert_eq!((&result["duplicates"], &result["emails_sent"]), (&json!(0), &json!(count)));
    all_mailed(&process, count as usize, (kills + 1) * MAILS_IN_FLIGHT).await;
    let written = |status: &Value| status["result"]["results_file"].is_string();
    process.follow(&job, written).await;
    let found = process.get(&format!("/jobs/{job}/results/file")).await;
    let get = Request::get(found["url"].as_str().expect("url")).body(Full::default());
    let response = process.client.request(get.expect("a request")).await.expect("an answer");
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    assert_eq!(text.matches(";issued;").count(), count as usize);
}
