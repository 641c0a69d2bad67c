//! Runs the command line as a process, in a folder of its own, against a service of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use local::{Options, Stack, demo::Demo, folder};
use serde_json::Value;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The exit code and output of a command that has ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let code = output.status.code().expect("it ended without a signal");
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// Requires an exit code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let line = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        self.out.lines().map(line).collect()
    }

    /// Requires a text on standard output.
    #[track_caller]
    pub fn stdout_has(self, text: &str) -> Self {
        assert!(self.out.contains(text), "no {text:?} in {self:#?}");
        self
    }

    /// Requires a text on standard error.
    #[track_caller]
    pub fn stderr_has(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no {text:?} in {self:#?}");
        self
    }
}

/// A local stack, and a folder with its `.local/demo.env`.
pub struct World {
    pub stack: Stack,
    pub demo: Demo,
    folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Options::in_memory()).await
    }

    pub async fn with(options: Options) -> Self {
        let stack = Stack::start(options).await.expect("the stack starts");
        let demo = local::demo::seed(stack.app()).await.expect("the demo is seeded");
        let folder = tempfile::tempdir().expect("a folder");
        let world = Self { stack, demo, folder };
        world.set_url(&world.stack.base_url());
        world
    }

    /// Restarts the service with the same keys.
    pub async fn restart(&mut self, options: Options) {
        let port = self.stack.port();
        let fresh = Stack::start(Options { port: 0, ..Options::in_memory() });
        let before = std::mem::replace(&mut self.stack, fresh.await.expect("a stand-in"));
        before.shutdown().await;
        let again = Stack::start(Options { port, ..options }).await.expect("the stack starts");
        std::mem::replace(&mut self.stack, again).shutdown().await;
    }

    /// Writes another address of the service to `demo.env`.
    pub fn set_url(&self, url: &str) {
        let data = self.path(".local");
        fs::create_dir_all(&data).expect("a folder");
        let settings = [
            ("BASE_URL", format!("{url}/api/v1")),
            ("API_KEY", self.demo.api_key.clone()),
            ("TEMPLATE_ID", self.demo.template_id.clone()),
        ];
        let settings: Vec<(&str, &str)> = settings.iter().map(|(n, v)| (*n, v.as_str())).collect();
        folder::write_demo(&data, &settings).expect("demo.env");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file to the folder, with this mode.
    pub fn file(&self, name: &str, content: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        path
    }

    /// The command line in the folder, without this test's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        command(self.folder.path(), arguments)
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().expect("it runs"))
    }

    /// Runs a command that must succeed.
    #[track_caller]
    pub fn done(&self, arguments: &[&str]) -> Ran {
        self.run(arguments).code(0)
    }

    /// Runs a command with this standard input.
    pub fn piped(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = started(self.command(arguments).stdin(Stdio::piped()));
        // A command that fails early does not read its input.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        Ran::of(child.wait_with_output().expect("it ends"))
    }

    /// Starts a command without waiting for it.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut child = started(&mut self.command(arguments));
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        Running { child, out, printed: String::new() }
    }

    /// Creates a job for these addresses over the API and returns its id.
    pub fn job(&self, emails: impl IntoIterator<Item = String>) -> String {
        let recipients: Vec<Value> = emails
            .into_iter()
            .map(|email| serde_json::json!({ "email": email, "recipient_name": "Ana Díaz", "result_value": "A" }))
            .collect();
        let body =
            serde_json::json!({ "template_id": self.demo.template_id, "recipients": recipients });
        let answer = self.api("POST", "/credentials/issue", &self.demo.api_key, &body);
        answer["job_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Sends a request to the API.
    pub fn api(&self, method: &str, path: &str, key: &str, body: &Value) -> Value {
        crate::admin::http(&self.stack, key, method, path, body).1
    }

    /// The signed document of a credential.
    pub fn document(&self, id: &str) -> String {
        crate::admin::raw(&self.stack, &format!("/credential/{id}.json"))
    }

    /// A drawn file of a credential.
    pub fn drawn(&self, id: &str, name: &str) -> Vec<u8> {
        crate::admin::bytes(&self.stack, &format!("/credential/{id}/{name}"))
    }

    /// Creates a key with these scopes.
    pub fn key(&self, scopes: &[&str]) -> String {
        let body = serde_json::json!({ "name": "prueba", "scopes": scopes });
        let made = self.api("POST", "/api-keys", &self.demo.api_key, &body);
        made["key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }
}

/// The command line in a folder that also contains its home.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unicreda"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder.join("home"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn started(command: &mut Command) -> Child {
    command.spawn().expect("it starts")
}

/// A command that is running.
pub struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    printed: String,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line on standard output.
    pub fn line(&mut self) {
        assert!(
            self.out.read_line(&mut self.printed).expect("a line") > 0,
            "it ended: {}",
            self.printed
        );
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.pid().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for the end of a killed command.
    pub fn killed(mut self) {
        self.child.wait().expect("it ends");
    }

    /// Waits for its end.
    pub fn ended(mut self) -> Ran {
        self.out.read_to_string(&mut self.printed).expect("UTF-8");
        let output = self.child.wait_with_output().expect("it ends");
        Ran { out: self.printed, ..Ran::of(output) }
    }
}

/// Polls until a condition holds, at most a minute.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let polling = async {
        while !holds() {
            tick.tick().await;
        }
    };
    let polled = tokio::time::timeout(Duration::from_secs(60), polling).await;
    polled.unwrap_or_else(|_| panic!("timed out waiting until {what}"));
}

/// A proxy to the service that can cut connections.
pub struct Wire {
    pub url: String,
    up: watch::Sender<bool>,
    met: Arc<AtomicBool>,
}

impl Wire {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (up, state) = watch::channel(true);
        let met = Arc::new(AtomicBool::new(false));
        let wire = Self { url, up, met: Arc::clone(&met) };
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let mut state = state.clone();
                if !*state.borrow() {
                    // The dropped connection ends without an answer.
                    met.store(true, Ordering::SeqCst);
                    continue;
                }
                tokio::spawn(async move {
                    let mut to = TcpStream::connect(("127.0.0.1", port)).await.expect("the stack");
                    tokio::select! {
                        _ = copy_bidirectional(&mut from, &mut to) => {}
                        _ = state.wait_for(|up| !up) => {}
                    }
                });
            }
        });
        wire
    }

    /// Cuts all connections, and every new one.
    pub fn cut(&self) {
        self.up.send_replace(false);
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.up.send_replace(true);
    }

    /// Whether a client has met the cut since the last call.
    pub fn was_met(&self) -> bool {
        self.met.swap(false, Ordering::SeqCst)
    }
}
