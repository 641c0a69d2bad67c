//! `unicreda issue`: one credential from flags, many from a file.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args};
use serde_json::{Number, Value, json};
use unicreda::domain::{
    custom::CUSTOM, encoding::Encoding, field::FieldName, review::Strict, spreadsheet::HiddenRows,
    warning::WarningKind,
};

use crate::{
    client::ApiRequest,
    exit::{Exit, Failure},
    input::omitted,
    printer::{self, Printer, cell},
    session::Session,
    upload,
};

/// `unicreda issue …`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whom").required(true).args(["file", "email"])))]
pub struct Arguments {
    /// CSV (comma, semicolon or tab) or JSON file, one recipient per row; - reads standard input.
    file: Option<PathBuf>,
    /// Template; may be left out if the organization has only one [env: UNICREDA_TEMPLATE].
    #[arg(long, value_name = "ID")]
    template: Option<String>,
    /// Send no mail.
    #[arg(long)]
    no_email: bool,
    /// Check everything and issue nothing.
    #[arg(long)]
    dry_run: bool,
    /// Refuse what is only warned of: kinds separated by commas, or all without a value.
    #[arg(
        long, value_name = "KINDS", num_args = 0..=1, require_equals = true,
        default_missing_value = "all", value_parser = strict
    )]
    strict: Option<Strict>,
    /// Issue again what was erased at its person's request; needs a key with the scope manage.
    #[arg(long)]
    reissue: bool,
    #[command(flatten)]
    recipient: RecipientFlags,
    #[command(flatten)]
    of_file: FileFlags,
}

impl Arguments {
    /// Whether recipients come from standard input.
    pub fn reads_stdin(&self) -> bool {
        self.file.as_deref() == Some(Path::new("-"))
    }
}

/// Options of issuing.
#[derive(Clone, Copy, Debug)]
pub struct IssueOptions {
    /// Whether recipients get mail.
    pub send_email: bool,
    /// Whether everything is only checked.
    pub dry_run: bool,
    /// The kinds of warnings that refuse a recipient.
    pub strict: Strict,
    /// Whether a recipient whose credential was erased gets a new one.
    pub reissue: bool,
}

/// The fields of one recipient.
#[derive(Debug, Args)]
#[command(next_help_heading = "One recipient")]
struct RecipientFlags {
    /// The recipient's e-mail address.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The recipient's name.
    #[arg(long, conflicts_with = "file")]
    name: Option<String>,
    /// Grade or result that the template allows.
    #[arg(long, conflicts_with = "file")]
    result: Option<String>,
    /// Credits earned, such as 6 or 4.5.
    #[arg(long, conflicts_with = "file", value_name = "NUMBER")]
    credits: Option<Number>,
    /// The recipient's role.
    #[arg(long, conflicts_with = "file")]
    role: Option<String>,
    /// Licence number.
    #[arg(long, conflicts_with = "file", value_name = "NUMBER")]
    license: Option<String>,
    /// Academic term.
    #[arg(long, conflicts_with = "file")]
    term: Option<String>,
    /// First day of the activity.
    #[arg(long, conflicts_with = "file", value_name = "YYYY-MM-DD")]
    start: Option<String>,
    /// Last day of the activity.
    #[arg(long, conflicts_with = "file", value_name = "YYYY-MM-DD")]
    end: Option<String>,
    /// Day of the award, if it is not today.
    #[arg(long, conflicts_with = "file", value_name = "YYYY-MM-DD")]
    awarded_on: Option<String>,
    /// Last day of validity, in place of the template's months.
    #[arg(long, conflicts_with = "file", value_name = "YYYY-MM-DD")]
    valid_until: Option<String>,
    /// A fact of the template's own, such as hours=40; repeatable.
    #[arg(long, conflicts_with = "file", value_name = "KEY=VALUE", value_parser = fact)]
    custom: Vec<(String, Value)>,
    /// URL of a piece of evidence; repeatable, each with its name and description.
    #[arg(long, conflicts_with = "file", value_name = "URL")]
    evidence_url: Vec<String>,
    /// Name of a piece of evidence.
    #[arg(long, conflicts_with = "file", value_name = "NAME")]
    evidence_name: Vec<String>,
    /// Description of a piece of evidence.
    #[arg(long, conflicts_with = "file", value_name = "TEXT")]
    evidence_description: Vec<String>,
    /// Your own id of the credential: the same id never gets a second one.
    #[arg(long, conflicts_with = "file", value_name = "ID")]
    external_id: Option<String>,
    /// Language of the mail: es, en or pt.
    #[arg(long, conflicts_with = "file")]
    language: Option<String>,
}

/// Flags of a file of recipients.
#[derive(Debug, Args)]
#[command(next_help_heading = "Many recipients")]
pub struct FileFlags {
    /// File for the results, a spreadsheet if its name ends in .xlsx [default: NAME-resultados.csv in the
    /// folder of FILE, with --correct NAME-correcciones.csv].
    #[arg(long, short, value_name = "RESULTS", conflicts_with = "email")]
    pub output: Option<PathBuf>,
    /// Replace the results file, and those of --pictures and --faulty, if they exist.
    #[arg(long, conflicts_with = "email")]
    pub force: bool,
    /// Start over with a new job, even if this file was issued before.
    #[arg(long, conflicts_with = "email")]
    pub again: bool,
    /// Encoding of the file's text, such as utf-8, windows-1252, macroman or cp850; found by its
    /// letters if it is left out.
    #[arg(long, value_name = "NAME", conflicts_with = "email", value_parser = encoding)]
    pub encoding: Option<Encoding>,
    /// Read a column as a field: email, recipient_name, result_value …, or a part of the name:
    /// given_name, middle_name, family_name, second_family_name; repeatable.
    #[arg(long, visible_alias = "column", conflicts_with = "email", value_name = "COLUMN=FIELD")]
    pub map: Vec<String>,
    /// Leave columns unread; separate them with commas, quote a name that has one; repeatable.
    #[arg(long, conflicts_with = "email", value_name = "COLUMNS")]
    pub ignore: Vec<String>,
    /// Of dates such as 03/08/2026 the day comes first; where the file's other dates show it,
    /// that need not be said.
    #[arg(long, conflicts_with = "email")]
    pub day_first: bool,
    /// Folder for two pictures of what a dry run would sign: the certificate of the first row, and that
    /// with the most letters.
    #[arg(long, conflicts_with = "email", requires = "dry_run", value_name = "DIR")]
    pub pictures: Option<PathBuf>,
    /// File for the rows at fault alone, with their own columns and what is wrong; it can be mended and
    /// issued as it is.
    #[arg(long, conflicts_with = "email", value_name = "FAULTY")]
    pub faulty: Option<PathBuf>,
    /// Read this sheet of a spreadsheet; else the first visible one with a header is read.
    #[arg(long, conflicts_with = "email", value_name = "NAME")]
    pub sheet: Option<String>,
    /// Leave the hidden or filtered rows of a spreadsheet out, or read them.
    #[arg(long, conflicts_with = "email", value_name = "skip|read", value_parser = hidden_rows)]
    pub hidden_rows: Option<HiddenRows>,
    /// Correct the credentials that rows name in credential_id, as a results file does; needs a key
    /// with the scope manage. Rows without an id are issued.
    #[arg(long, conflicts_with = "email")]
    pub correct: bool,
}

fn strict(kinds: &str) -> Result<Strict, String> {
    let value = match kinds {
        "all" => json!(true),
        kinds => kinds.split(',').map(str::trim).collect(),
    };
    Strict::read(&value).ok_or_else(|| format!("one of: {}", WarningKind::names()))
}

/// Reads `KEY=VALUE`; the service reads the value as the template defines it.
fn fact(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as hours=40")?;
    Ok((key.trim().to_owned(), json!(value)))
}

pub fn hidden_rows(text: &str) -> Result<HiddenRows, String> {
    HiddenRows::parse(text).ok_or_else(|| "skip or read".to_owned())
}

pub fn encoding(name: &str) -> Result<Encoding, String> {
    Encoding::parse(name).ok_or_else(|| format!("one of: {}", Encoding::names()))
}

/// Runs the command.
///
/// # Errors
/// When it failed.
pub async fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let reviewed = arguments.dry_run && arguments.file.is_some();
    let template = session.template_id(arguments.template, !reviewed).await?;
    let options = IssueOptions {
        send_email: !arguments.no_email,
        dry_run: arguments.dry_run,
        strict: arguments.strict.unwrap_or_default(),
        reissue: arguments.reissue,
    };
    match arguments.file {
        Some(file) => {
            let issuance = upload::Issuance { template, options, flags: arguments.of_file };
            upload::run(session, &file, issuance).await
        }
        None => {
            let recipient = arguments.recipient;
            if let Some(key) = recipient.repeated_fact() {
                return Err(Failure::usage(session.printer.pick(
                    format!("--custom {key} está dos veces: deja una"),
                    format!("--custom {key} is given twice: leave one"),
                )));
            }
            issue_one(session, &template, recipient.to_json(), options).await
        }
    }
}

impl RecipientFlags {
    /// The recipient as the API accepts it.
    fn to_json(&self) -> Value {
        let others = [
            ("email", self.email.as_ref()),
            ("external_id", self.external_id.as_ref()),
            ("language", self.language.as_ref()),
        ];
        let others = others.into_iter().map(|(name, text)| (name, text.map(|text| json!(text))));
        let fields = FieldName::ALL.into_iter().map(|field| (field.as_str(), self.value(field)));
        let facts: serde_json::Map<String, Value> = self.custom.iter().cloned().collect();
        let facts = (!facts.is_empty()).then(|| Value::Object(facts));
        let given = others.chain(fields).chain([(CUSTOM, facts)]);
        Value::Object(given.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }

    /// A key that `--custom` gives twice.
    fn repeated_fact(&self) -> Option<&str> {
        let mut seen = BTreeSet::new();
        self.custom.iter().map(|(key, _)| key.as_str()).find(|key| !seen.insert(*key))
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
            FieldName::AwardedOn => &self.awarded_on,
            FieldName::ValidUntil => &self.valid_until,
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

/// Issues one credential. Safe to repeat: the credential's identity follows from its content, and
/// the request has an `Idempotency-Key`.
async fn issue_one(
    session: &Session,
    template: &str,
    recipient: Value,
    options: IssueOptions,
) -> Result<Exit, Failure> {
    let mut body = json!({
        "template_id": template, "recipients": [recipient], "send_email": options.send_email,
    });
    if let Some(body) = body.as_object_mut().filter(|_| !options.strict.is_empty()) {
        body.insert("strict".to_owned(), json!(options.strict));
    }
    if let Some(body) = body.as_object_mut().filter(|_| options.reissue) {
        body.insert("reissue".to_owned(), true.into());
    }
    let request = ApiRequest::post("/credentials/issue").json(&body);
    let request = match options.dry_run {
        true => request.query("dry_run", Some(true)).repeatable(),
        false => request.idempotent(),
    };
    let answer = session.client.json(request).await?;
    session.printer.json(&answer)?;
    let outcome = if options.dry_run { "/recipients/0" } else { "/credentials/0" };
    print_outcome(session.printer, answer.pointer(outcome).unwrap_or(&Value::Null))
}

fn print_outcome(printer: Printer, outcome: &Value) -> Result<Exit, Failure> {
    let part = |name: &str| cell(outcome.get(name));
    let text = |name: &str| outcome.get(name).and_then(Value::as_str);
    let email = part("email");
    let errors = outcome.get("errors").and_then(Value::as_array);
    if let Some(errors) = errors {
        printer
            .line(&printer.pick(format!("{email}: no se emite"), format!("{email}: not issued")))?;
        for error in errors {
            printer.line(&format!("  {}", cell(Some(error))))?;
        }
        if let Some(more) = omitted(outcome, printer) {
            printer.line(&format!("  {more}"))?;
        }
        return Ok(Exit::RowsFailed);
    }
    let line = match text("outcome") {
        Some("new") => {
            printer.pick(format!("{email}: se emitiría"), format!("{email}: would be issued"))
        }
        Some(_) => printer.pick(
            format!("{email}: ya existe, no se emitiría otra vez"),
            format!("{email}: already exists, would not be issued again"),
        ),
        None if outcome.get("duplicate").is_some_and(|d| d == true) => printer.pick(
            format!("{email}: ya existía, no se emite ni se envía otra vez"),
            format!("{email}: already existed, neither issued nor mailed again"),
        ),
        None => printer.pick(format!("{email}: emitida"), format!("{email}: issued")),
    };
    printer.line(&line)?;
    if let Some(url) = text("credential_url") {
        printer.line(&format!("  {url}"))?;
    }
    if let Some(status) = text("email_status") {
        let mail = printer::mail(printer, status);
        printer.line(&printer.pick(format!("  correo: {mail}"), format!("  mail: {mail}")))?;
    }
    for warning in outcome.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        let text = cell(Some(warning));
        printer.line(&printer.pick(format!("  aviso: {text}"), format!("  warning: {text}")))?;
    }
    print_also_holds(printer, outcome)?;
    Ok(Exit::Done)
}

/// Prints which other credentials of the template the recipient holds.
pub fn print_also_holds(printer: Printer, outcome: &Value) -> Result<(), Failure> {
    let others = outcome.get("also_holds").and_then(Value::as_array);
    match others {
        Some(others) if !others.is_empty() => {
            let ids = cell(Some(&Value::Array(others.clone())));
            printer.line(&printer.pick(
                format!("  ya tiene otra de esta plantilla: {ids}"),
                format!("  already holds another of this template: {ids}"),
            ))
        }
        _ => Ok(()),
    }
}
