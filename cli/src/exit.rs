//! How a command ends: its exit code, and what it says when it did not do what was asked.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value, json};
use unicreda::domain::lang::Lang;

/// Exit codes, as `unicreda --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All of it was done.
    Done = 0,
    /// The command failed.
    Failed = 1,
    /// The arguments are wrong.
    Usage = 2,
    /// It ended, but rows or mails of it failed.
    Rows = 3,
    /// The key is missing, unknown, or may not do this.
    Key = 4,
    /// The service is out of reach or overloaded: the same command again goes on.
    Unavailable = 5,
    /// Ctrl-C.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

/// Why a command ended early, and what to do next.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    text: String,
    details: Vec<String>,
    next: Option<String>,
    /// The service's own words, for `--json`.
    problem: Option<Value>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// One sentence.
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

    /// Whoever reads standard output has closed it: nothing is left to be said.
    pub fn closed() -> Self {
        Self::new(Exit::Done, "")
    }

    /// A file that could not be read or written.
    pub fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::failed(format!("{}: {error}", path.display()))
    }

    /// What went wrong, in a sentence.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What to do next.
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// A line of its own below the first.
    pub fn detail(mut self, line: String) -> Self {
        self.details.push(line);
        self
    }

    /// The service's answer.
    pub fn problem(mut self, problem: Value) -> Self {
        self.problem = Some(problem);
        self
    }

    /// The stable code of the service's answer.
    pub fn code(&self) -> Option<&str> {
        self.problem.as_ref()?.get("code")?.as_str()
    }

    /// For people.
    pub fn for_people(&self, lang: Lang) -> String {
        let mut text = String::new();
        if !self.text.is_empty() {
            let _ = writeln!(text, "error: {}", self.text);
        }
        for line in &self.details {
            let _ = writeln!(text, "  {line}");
        }
        if let Some(next) = &self.next {
            let _ = writeln!(text, "{}: {next}", lang.pick("Qué hacer", "What to do"));
        }
        text
    }

    /// For scripts: `{"error":{"exit","message","next","problem"}}`.
    pub fn for_scripts(&self) -> Value {
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
