//! The end of a command: its exit code, and the message of a failure.

use std::fmt;

use serde_json::{Map, Value, json};
use unicreda::domain::lang::Lang;

/// Exit codes, as `unicreda --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything succeeded.
    Done = 0,
    /// The command failed.
    Failed = 1,
    /// The arguments are wrong.
    Usage = 2,
    /// The job ended, but some of its rows or mails failed.
    RowsFailed = 3,
    /// The key is missing, unknown or lacks the permission.
    KeyRefused = 4,
    /// The service is unreachable or overloaded: the same command continues later.
    Unavailable = 5,
    /// Ctrl-C.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

/// Why a command ended early, and what the user can do about it.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    text: String,
    details: Vec<String>,
    next: Option<String>,
    /// The problem document that the service answered, for `--json`.
    problem: Option<Value>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// A failure described in one sentence.
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into(), details: Vec::new(), next: None, problem: None }
    }

    /// The command failed.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::new(Exit::Failed, text)
    }

    /// The arguments are wrong.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// The reader of standard output has closed it: the command ends silently, with code 0.
    pub fn closed() -> Self {
        Self::new(Exit::Done, "")
    }

    /// Standard output that could not be written, or that its reader has closed.
    pub fn output(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::closed(),
            _ => Self::failed(error.to_string()),
        }
    }

    /// A file that could not be read or written.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::failed(format!("{}: {error}", path.display()))
    }

    /// The sentence that describes the failure.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds what the user can do next.
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Adds a line below the first.
    pub fn detail(mut self, line: String) -> Self {
        self.details.push(line);
        self
    }

    /// Adds the problem document of the service's answer.
    pub fn problem(mut self, problem: Value) -> Self {
        self.problem = Some(problem);
        self
    }

    /// The stable error code of the service's answer.
    pub fn code(&self) -> Option<&str> {
        self.problem.as_ref()?.get("code")?.as_str()
    }

    /// The lines for a person.
    pub fn lines(&self, lang: Lang) -> Vec<String> {
        let text = (!self.text.is_empty()).then(|| format!("error: {}", self.text));
        let details = self.details.iter().map(|line| format!("  {line}"));
        let what = lang.pick("Qué hacer", "What to do");
        let next = self.next.iter().map(|next| format!("{what}: {next}"));
        text.into_iter().chain(details).chain(next).collect()
    }

    /// The message for a script: `{"error":{"exit","message","next","problem"}}`.
    pub fn to_json(&self) -> Value {
        let mut error = Map::new();
        error.insert("exit".into(), json!(self.exit as u8));
        error.insert("message".into(), json!(self.text));
        error.insert("next".into(), json!(self.next));
        if let Some(problem) = &self.problem {
            error.insert("problem".into(), problem.clone());
        }
        json!({ "error": error })
    }
}
