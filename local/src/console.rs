//! What the stack prints when it has started: one screen, aligned, coloured on a terminal.

use std::path::Path;

use crate::Stack;

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether to colour.
    pub colour: bool,
}

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn title(self, text: &str) -> String {
        self.with("1", text)
    }

    fn link(self, text: &str) -> String {
        self.with("36", text)
    }

    fn quiet(self, text: &str) -> String {
        self.with("2", text)
    }

    /// A notice that wants attention.
    pub fn notice(self, text: &str) -> String {
        self.with("33", text)
    }
}

/// The greeting.
pub fn greeting(
    stack: &Stack,
    data: &str,
    environment: &Path,
    credential: Option<&str>,
    paint: Paint,
) -> String {
    let site = format!("http://localhost:{}", stack.port());
    let endpoints = stack.endpoints();
    let mut text = String::new();
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    let row = |name: &str, value: &str, note: &str| {
        let note = if note.is_empty() { String::new() } else { format!("  {}", paint.quiet(note)) };
        format!("  {name:<10} {}{note}", paint.link(value))
    };
    let environment = shell(&environment.display().to_string());

    line("");
    line(&paint.title("The issuing service runs here"));
    line("");
    line(&row("Start", &site, "what runs, what to try"));
    line(&row("API", &format!("{site}/api/v1"), ""));
    line(&row("Console", &format!("{site}/console"), "issue from a file"));
    line(&row("Inbox", &format!("{site}/_local/mail"), "every mail that was sent"));
    if let Some(credential) = credential {
        line(&row("Demo", credential, "a credential's page"));
    }
    line(&row("DynamoDB", &endpoints.dynamodb, ""));
    line(&row("SQS", &endpoints.sqs, ""));
    line(&row("SES", &endpoints.ses, ""));
    line(&row("S3", &endpoints.s3, ""));
    line(&row("Data", data, ""));
    line(&row("Keys", &environment, "keys and endpoints, to be sourced"));
    for notice in stack.notices() {
        line("");
        line(&format!("  {} {notice}", paint.notice("Note:")));
    }
    line("");
    line(&paint.title("Try it in another terminal"));
    let person = |email: &str, name: &str, result: &str| {
        format!(r#"{{"email":"{email}","recipient_name":"{name}","result_value":"{result}"}}"#)
    };
    let issue = |people: &[String]| {
        format!(
            "  curl -s $BASE_URL/credentials/issue \\\n    -H \"X-API-Key: $API_KEY\" -H 'Content-Type: application/json' \\\n    -d '{{\"template_id\":\"'$TEMPLATE_ID'\",\"recipients\":[{}]}}'",
            people.join(",\n      ")
        )
    };
    let step = |title: &str| paint.quiet(&format!("  # {title}"));
    line("");
    line(&format!("  source {environment}"));
    line("");
    line(&step("one recipient: the credential at once"));
    line(&issue(&[person("estudiante@ejemplo.com", "Juan Perez", "A")]));
    line("");
    line(&step("three recipients: a job"));
    line(&issue(&[
        person("ana@ejemplo.com", "Ana Soto", "A"),
        person("luis@ejemplo.com", "Luis Rojas", "B"),
        person("eva@ejemplo.com", "Eva Mora", "C"),
    ]));
    line("");
    line(&step("how it goes, with the job_id of the answer"));
    line("  curl -s $BASE_URL/jobs/JOB_ID -H \"X-API-Key: $API_KEY\"");
    line("");
    line(&step("what the recipient sees: the credential_url of the answer, or a mail's link"));
    line(&format!(
        "  {}",
        paint.link(&format!("{}/credential/CREDENTIAL_ID", stack.app().config.site_url))
    ));
    line("");
    line(&step("its signed document, and a check of it"));
    line("  curl -s $SITE_URL/credential/CREDENTIAL_ID.json");
    line(
        "  curl -s $BASE_URL/verify -H \"X-API-Key: $API_KEY\" -H 'Content-Type: application/json' \\\n    -d '{\"url\":\"'$SITE_URL/credential/CREDENTIAL_ID'\"}'",
    );
    line("");
    line(&step("a file, out of Excel or as JSON Lines: the console, or the command line"));
    line("  cargo run -q --bin unicreda -- templates csv -o acta.csv");
    line("  cargo run -q --bin unicreda -- issue acta.csv");
    line("");
    line(&paint.quiet("Ctrl-C ends it; what is under way goes on at the next start."));
    text
}

/// A path as a shell takes it.
pub fn shell(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%:,".contains(c);
    if path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}
