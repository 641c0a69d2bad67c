//! The text that the stack prints when it has started: one screen, aligned, coloured on a terminal.

use std::path::Path;

use crate::Stack;

/// Colours texts for a terminal, or leaves them plain.
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

    fn notice(self, text: &str) -> String {
        self.with("33", text)
    }
}

/// The content of the greeting besides the stack's addresses.
#[derive(Clone, Copy, Debug)]
pub struct Greeting<'a> {
    /// The storage of the data, for people.
    pub data: &'a str,
    /// The file `demo.env`.
    pub environment: &'a Path,
    /// The page of the demo credential.
    pub credential: Option<&'a str>,
}

impl Greeting<'_> {
    /// The text.
    pub fn text(&self, stack: &Stack, paint: Paint) -> String {
        let environment = shell(&self.environment.display().to_string());
        let mut lines = self.addresses(stack, &environment, paint);
        lines.extend(commands(stack, self.environment, paint));
        lines.push(String::new());
        lines.push(
            paint.quiet("Press Ctrl-C to stop; unfinished work continues at the next start."),
        );
        lines.push(String::new());
        lines.join("\n")
    }

    /// The addresses of the stack, and its notices.
    fn addresses(&self, stack: &Stack, environment: &str, paint: Paint) -> Vec<String> {
        let site = format!("http://localhost:{}", stack.port());
        let endpoints = stack.endpoints();
        let row = |name: &str, value: &str, note: &str| {
            let note =
                if note.is_empty() { String::new() } else { format!("  {}", paint.quiet(note)) };
            format!("  {name:<10} {}{note}", paint.link(value))
        };
        let mut lines = vec![
            String::new(),
            paint.title("The issuing service is running"),
            String::new(),
            row("Start", &format!("{site}/_local"), "what is running, what to try"),
            row("API", &format!("{site}/api/v1"), ""),
            row("Console", &format!("{site}/console"), "issue from a file"),
            row("Inbox", &format!("{site}/_local/mail"), "all sent mail"),
        ];
        lines.extend(self.credential.map(|url| row("Demo", url, "a credential's page")));
        lines.extend([
            row("DynamoDB", &endpoints.dynamodb, ""),
            row("SQS", &endpoints.sqs, ""),
            row("SES", &endpoints.ses, ""),
            row("S3", &endpoints.s3, ""),
            row("Data", self.data, ""),
            row("Keys", environment, "keys and endpoints, to be sourced"),
        ]);
        for notice in stack.notices() {
            lines.push(String::new());
            lines.push(format!("  {} {notice}", paint.notice("Note:")));
        }
        lines.push(String::new());
        lines
    }
}

/// The commands to try.
fn commands(stack: &Stack, environment: &Path, paint: Paint) -> Vec<String> {
    // The command line finds the stack of the folder `.local` by itself.
    let data = match environment.parent() {
        Some(data) if data != Path::new(".local") => {
            format!(" --data {}", shell(&data.display().to_string()))
        }
        _ => String::new(),
    };
    let environment = shell(&environment.display().to_string());
    let step = |title: &str| paint.quiet(&format!("  # {title}"));
    let page = format!("{}/credential/CREDENTIAL_ID", stack.app().config.site_url);
    let blocks = [
        vec![format!("  source {environment}")],
        vec![
            step("one recipient: the answer is the credential"),
            issue(&[person("estudiante@ejemplo.com", "Juan Perez", "A")]),
        ],
        vec![
            step("three recipients: the answer is a job"),
            issue(&[
                person("ana@ejemplo.com", "Ana Soto", "A"),
                person("luis@ejemplo.com", "Luis Rojas", "B"),
                person("eva@ejemplo.com", "Eva Mora", "C"),
            ]),
        ],
        vec![
            step("the job's progress, with the job_id of the answer"),
            "  curl -s $BASE_URL/jobs/JOB_ID -H \"X-API-Key: $API_KEY\"".to_owned(),
        ],
        vec![
            step("the recipient's page: the credential_url of the answer, or the link in the mail"),
            format!("  {}", paint.link(&page)),
        ],
        vec![
            step("the signed document, and its verification"),
            "  curl -s $SITE_URL/credential/CREDENTIAL_ID.json".to_owned(),
            "  curl -s $BASE_URL/verify -H \"X-API-Key: $API_KEY\" -H 'Content-Type: application/json' \\\n    -d '{\"url\":\"'$SITE_URL/credential/CREDENTIAL_ID'\"}'".to_owned(),
        ],
        vec![
            step("a file, from Excel or as JSON Lines: with the console, or the command line"),
            format!("  cargo run -q --bin unicreda -- templates csv -o acta.csv{data}"),
            format!("  cargo run -q --bin unicreda -- issue acta.csv{data}"),
        ],
    ];
    let mut lines = vec![paint.title("Try it in another terminal")];
    for block in blocks {
        lines.push(String::new());
        lines.extend(block);
    }
    lines
}

fn person(email: &str, name: &str, result: &str) -> String {
    format!(r#"{{"email":"{email}","recipient_name":"{name}","result_value":"{result}"}}"#)
}

fn issue(people: &[String]) -> String {
    format!(
        "  curl -s $BASE_URL/credentials/issue \\\n    -H \"X-API-Key: $API_KEY\" -H 'Content-Type: application/json' \\\n    -d '{{\"template_id\":\"'$TEMPLATE_ID'\",\"recipients\":[{}]}}'",
        people.join(",\n      ")
    )
}

/// Quotes a path for a shell.
pub fn shell(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%:,".contains(c);
    if path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}
