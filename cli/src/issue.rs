//! `unicreda issue`: one credential by flags, many from a file.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use serde_json::{Number, Value, json};
use unicreda::domain::field::FieldName;

use crate::{
    client::Ask,
    exit::{Exit, Failure},
    screen::{Screen, cell},
    session::Session,
    upload,
};

/// `unicreda issue …`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whom").required(true).args(["file", "email"])))]
pub struct Arguments {
    /// CSV (comma, semicolon or tab; UTF-8 or Windows-1252) or JSON Lines, a recipient a row;
    /// - reads standard input.
    file: Option<PathBuf>,
    /// Template; the only one of the organization unless given [env: UNICREDA_TEMPLATE].
    #[arg(long, value_name = "ID")]
    template: Option<String>,
    /// Sends no mail.
    #[arg(long)]
    no_email: bool,
    /// Checks everything and issues nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    many: Many,
}

impl Arguments {
    /// Whether recipients come from standard input.
    pub fn reads_stdin(&self) -> bool {
        self.file.as_deref() == Some(Path::new("-"))
    }
}

/// One recipient.
#[derive(Debug, Args)]
#[command(next_help_heading = "One recipient")]
struct One {
    /// The recipient's address.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Name.
    #[arg(long, requires = "email")]
    name: Option<String>,
    /// Grade or result, as the template allows.
    #[arg(long, requires = "email")]
    result: Option<String>,
    /// Credits earned, such as 6 or 4.5.
    #[arg(long, requires = "email", value_name = "NUMBER")]
    credits: Option<Number>,
    /// Role.
    #[arg(long, requires = "email")]
    role: Option<String>,
    /// Licence number.
    #[arg(long, requires = "email", value_name = "NUMBER")]
    license: Option<String>,
    /// Academic term.
    #[arg(long, requires = "email")]
    term: Option<String>,
    /// First day of the activity.
    #[arg(long, requires = "email", value_name = "YYYY-MM-DD")]
    start: Option<String>,
    /// Last day of the activity.
    #[arg(long, requires = "email", value_name = "YYYY-MM-DD")]
    end: Option<String>,
    /// Address of evidence; can be repeated, each with its name and description.
    #[arg(long, requires = "email", value_name = "URL")]
    evidence_url: Vec<String>,
    /// Name of evidence.
    #[arg(long, requires = "email", value_name = "NAME")]
    evidence_name: Vec<String>,
    /// Description of evidence.
    #[arg(long, requires = "email", value_name = "TEXT")]
    evidence_description: Vec<String>,
    /// Your own id of it, which makes it the same credential.
    #[arg(long, requires = "email", value_name = "ID")]
    external_id: Option<String>,
    /// Language of the mail: es or en.
    #[arg(long, requires = "email")]
    language: Option<String>,
}

/// Many recipients.
#[derive(Debug, Args)]
#[command(next_help_heading = "Many recipients")]
pub struct Many {
    /// Where the results go [default: beside FILE, as NAME-resultados.csv].
    #[arg(long, short, value_name = "RESULTS", requires = "file")]
    pub output: Option<PathBuf>,
    /// Replaces the results file if it is there.
    #[arg(long, requires = "file")]
    pub force: bool,
    /// Begins anew, with a job of its own, though this file was issued before.
    #[arg(long, requires = "file")]
    pub again: bool,
}

/// Runs the command.
///
/// # Errors
/// With what went wrong.
pub async fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let template = session.template(arguments.template).await?;
    let (send_email, dry_run) = (!arguments.no_email, arguments.dry_run);
    match arguments.file {
        Some(file) => {
            let order = upload::Order { template, send_email, dry_run, many: arguments.many };
            upload::run(session, &file, order).await
        }
        None => one(session, &template, arguments.one.recipient(), send_email, dry_run).await,
    }
}

impl One {
    /// As the API takes it.
    fn recipient(&self) -> Value {
        let others = [
            ("email", self.email.as_ref()),
            ("external_id", self.external_id.as_ref()),
            ("language", self.language.as_ref()),
        ];
        let others = others.into_iter().map(|(name, text)| (name, text.map(|text| json!(text))));
        let fields = FieldName::ALL.into_iter().map(|field| (field.as_str(), self.value(field)));
        let given = others.chain(fields);
        Value::Object(given.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }

    /// The value of a field's flag.
    fn value(&self, field: FieldName) -> Option<Value> {
        let text = match field {
            FieldName::RecipientName => &self.name,
            FieldName::ResultValue => &self.result,
            FieldName::CreditsEarned => return self.credits.clone().map(Value::Number),
            FieldName::Evidence => return self.evidence(),
            FieldName::Role => &self.role,
            FieldName::LicenseNumber => &self.license,
            FieldName::Term => &self.term,
            FieldName::ActivityStartDate => &self.start,
            FieldName::ActivityEndDate => &self.end,
        };
        text.as_ref().map(|text| json!(text))
    }

    fn evidence(&self) -> Option<Value> {
        let parts = [
            ("name", &self.evidence_name),
            ("url", &self.evidence_url),
            ("description", &self.evidence_description),
        ];
        let entries = parts.iter().map(|(_, texts)| texts.len()).max().unwrap_or(0);
        let entry = |at: usize| {
            let given = parts
                .iter()
                .filter_map(|(name, texts)| Some(((*name).to_owned(), json!(texts.get(at)?))));
            Value::Object(given.collect())
        };
        (entries > 0).then(|| (0..entries).map(entry).collect())
    }
}

/// Issues one. Safe to repeat: its identity follows from its content, and the request has an
/// `Idempotency-Key`.
async fn one(
    session: &Session,
    template: &str,
    recipient: Value,
    send_email: bool,
    dry_run: bool,
) -> Result<Exit, Failure> {
    let body =
        json!({ "template_id": template, "recipients": [recipient], "send_email": send_email });
    let ask = Ask::post("/credentials/issue").json(&body);
    let ask = if dry_run { ask.query("dry_run", Some(true)).repeatable() } else { ask.once() };
    let answer = session.client.json(ask).await?;
    session.screen.document(&answer)?;
    let list = if dry_run { "/recipients/0" } else { "/credentials/0" };
    tell(session.screen, answer.pointer(list).unwrap_or(&Value::Null))
}

fn tell(screen: Screen, outcome: &Value) -> Result<Exit, Failure> {
    let part = |name: &str| cell(outcome.get(name));
    let text = |name: &str| outcome.get(name).and_then(Value::as_str);
    let email = part("email");
    let errors = outcome.get("errors").and_then(Value::as_array);
    if let Some(errors) = errors {
        screen.result(
            &screen.pick(format!("{email}: no se emite"), format!("{email}: not issued")),
        )?;
        for error in errors {
            screen.result(&format!("  {}", cell(Some(error))))?;
        }
        return Ok(Exit::Rows);
    }
    let line = match text("outcome") {
        Some("new") => {
            screen.pick(format!("{email}: se emitiría"), format!("{email}: would be issued"))
        }
        Some(_) => screen.pick(
            format!("{email}: ya existe, no se emitiría otra vez"),
            format!("{email}: exists already, would not be issued again"),
        ),
        None if outcome.get("duplicate").is_some_and(|d| d == true) => screen.pick(
            format!("{email}: ya existía, no se emite ni se envía otra vez"),
            format!("{email}: existed already, neither issued nor mailed again"),
        ),
        None => screen.pick(format!("{email}: emitida"), format!("{email}: issued")),
    };
    screen.result(&line)?;
    if let Some(url) = text("credential_url") {
        screen.result(&format!("  {url}"))?;
    }
    if let Some(status) = text("email_status") {
        screen.result(&screen.pick(format!("  correo: {status}"), format!("  mail: {status}")))?;
    }
    also_holds(screen, outcome)?;
    Ok(Exit::Done)
}

/// Says which other credentials of the template a recipient holds.
pub fn also_holds(screen: Screen, outcome: &Value) -> Result<(), Failure> {
    let others = outcome.get("also_holds").and_then(Value::as_array);
    match others {
        Some(others) if !others.is_empty() => {
            let ids = cell(Some(&Value::Array(others.clone())));
            screen.result(&screen.pick(
                format!("  ya tiene otra de esta plantilla: {ids}"),
                format!("  already holds another of this template: {ids}"),
            ))
        }
        _ => Ok(()),
    }
}
