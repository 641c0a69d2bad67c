//! `unicreda admin`: sets up organizations and their first keys, which a new deployment needs before
//! it can be used over HTTP.
//!
//! Safe to repeat: `org create` of an existing organization creates the signing keys that it lacks
//! and changes nothing else. `keys create` creates one more key.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};
use unicreda::{
    App,
    api::{
        api_keys::{self, KeyRequest},
        images, organization as organizations,
    },
    domain::{
        admission,
        api_key::Scope,
        fields::{Fields, InvalidBody},
        ids::{Mode, OrgId},
        image,
        organization::{Organization, Settings},
        sender::{AllowedSender, SenderBound},
        time,
    },
};

use crate::{
    deployment::Deployment,
    key_sink::KeySinkFlags,
    printer::{Printer, print_document, print_error},
};

mod erasures;
mod names;
mod senders;
mod zone;

use erasures::Erasures;
use senders::{SenderChange, require_within};

/// `unicreda admin …`
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    deployment: Deployment,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create, update and show organizations.
    #[command(subcommand)]
    Org(Box<Org>),
    /// Create API keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Apply erasures again after a restore from a backup.
    #[command(subcommand)]
    Erasures(Erasures),
}

#[derive(Debug, Subcommand)]
enum Org {
    /// Create an organization with its id secret and its signing keys. Repeating it changes
    /// nothing.
    Create {
        /// Short name in keys and DIDs, which cannot be changed: a-z, 0-9 and -.
        id: String,
        /// Name for people.
        #[arg(long)]
        name: String,
        /// Sender address of mail; it or its domain must be verified in SES.
        #[arg(long, value_name = "ADDRESS")]
        sender: String,
        /// Further sender that the organization may choose: an address, or a domain for all of
        /// its addresses. Repeat the flag for several.
        #[arg(long, value_name = "ADDRESS|DOMAIN")]
        allow_sender: Vec<String>,
        #[command(flatten)]
        optional: OptionalSettings,
    },
    /// Change the given settings and senders, and keep the others.
    Update {
        /// Short name.
        id: String,
        /// Name for people.
        #[arg(long)]
        name: Option<String>,
        /// Sender address of mail, which becomes an allowed one.
        #[arg(long, value_name = "ADDRESS")]
        sender: Option<String>,
        /// Sender that the organization may choose from now on: an address, or a domain for all
        /// of its addresses. Repeat the flag for several.
        #[arg(long, value_name = "ADDRESS|DOMAIN")]
        allow_sender: Vec<String>,
        /// Sender that it may choose no more; not the one that its mail has.
        #[arg(long, value_name = "ADDRESS|DOMAIN")]
        remove_sender: Vec<String>,
        #[command(flatten)]
        optional: OptionalSettings,
    },
    /// Show an organization.
    Show {
        /// Short name.
        id: String,
    },
    /// List all organizations, each with those that have a name like its own.
    List,
}

/// Settings that have a default.
#[derive(Debug, Args)]
struct OptionalSettings {
    /// Reply-to address; "" removes it.
    #[arg(long, value_name = "ADDRESS")]
    reply_to: Option<String>,
    /// The organization's own site, shown on pages; "" removes it.
    #[arg(long, value_name = "URL")]
    website: Option<String>,
    /// Address at which people reach it, shown on pages; "" removes it.
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,
    /// IANA time zone of the dates shown to people [on creation: this machine's, which a terminal asks about].
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Language of mail when neither template nor recipient names one: es, en or pt [default: es].
    #[arg(long)]
    language: Option<String>,
    /// Whether members get mail about a new credential in their wallet [default: true].
    #[arg(long, value_name = "BOOL")]
    notify_members: Option<bool>,
    /// Logo on pages, certificates and mail: a PNG file of at most 256 KiB; "" removes it.
    #[arg(long, value_name = "FILE")]
    logo: Option<PathBuf>,
    /// LinkedIn's number for the organization, used when a profile adds a credential.
    #[arg(long, value_name = "NUMBER")]
    linkedin_id: Option<u64>,
    /// What the public pages of credentials leave out: evidence, grade, surname, separated by commas;
    /// "" shows everything.
    #[arg(long, value_name = "PARTS")]
    public_hides: Option<String>,
    /// Days that a job with its rows is kept: 7 to 90 [default: 90].
    #[arg(long, value_name = "DAYS")]
    jobs_days: Option<u64>,
    /// Days that a job's files are kept after its end: 1 to 7 [default: 7].
    #[arg(long, value_name = "DAYS")]
    files_days: Option<u64>,
    /// Days after which a credential that has ended loses its personal fields, 30 or more; 0: never
    /// [default: 0].
    #[arg(long, value_name = "DAYS")]
    ended_credentials_days: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Keys {
    /// Create a key. Its value is shown only once.
    Create {
        /// The organization's short name.
        org: String,
        /// Name for people.
        #[arg(long)]
        name: String,
        /// Scopes, separated by commas: issue, read, catalog, manage, admin.
        #[arg(long, value_delimiter = ',', default_value = "issue,read,catalog,manage,admin")]
        scopes: Vec<String>,
        /// Mode: live, or test with separate data and no mail.
        #[arg(long, value_enum, default_value_t = KeyMode::Live)]
        mode: KeyMode,
        /// Instant at which the key expires, RFC 3339.
        #[arg(long, value_name = "INSTANT")]
        expires_at: Option<String>,
        #[command(flatten)]
        sink: KeySinkFlags,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeyMode {
    Live,
    Test,
}

/// Runs a command.
///
/// # Errors
/// With what went wrong, for the person who gave the command.
pub async fn run(
    arguments: Arguments,
    data: Option<&Path>,
    printer: Printer,
) -> anyhow::Result<()> {
    let Arguments { deployment, command } = arguments;
    let app = deployment.app(data).await?;
    match command {
        Command::Org(org) => match *org {
            Org::Create { id, name, sender, allow_sender, optional } => {
                let stored = app.catalog.together(&parse_org(&id)?, None, None, &[]).await;
                let stored = stored.ok().and_then(|read| read.organization);
                let optional = OptionalSettings {
                    time_zone: Some(zone::chosen(optional.time_zone, stored.as_ref())?),
                    ..optional
                };
                let given = GivenSettings { name: Some(name), sender: Some(sender), optional };
                let bound = deployment.sender_bound().await;
                create_organization(&app, &id, given.into_json()?, &allow_sender, &bound).await
            }
            Org::Update { id, name, sender, allow_sender, remove_sender, optional } => {
                let given = GivenSettings { name, sender, optional };
                let change = SenderChange { allow: &allow_sender, remove: &remove_sender };
                let bound = deployment.sender_bound().await;
                update_organization(&app, &id, given.into_json()?, change, &bound).await
            }
            Org::List => names::list(&app).await,
            Org::Show { id } => {
                let organization = read_organization(&app, &parse_org(&id)?).await?;
                Ok(print_document(&organization.answer(&app.config.site_url))?)
            }
        },
        Command::Keys(keys) => create_key(&app, keys, printer).await,
        Command::Erasures(command) => erasures::run(&app, command, printer).await,
    }
}

async fn create_key(app: &App, keys: Keys, printer: Printer) -> anyhow::Result<()> {
    let Keys::Create { org, name, scopes, mode, expires_at, sink } = keys;
    let org = parse_org(&org)?;
    read_organization(app, &org).await?;
    let mode = match mode {
        KeyMode::Live => Mode::Live,
        KeyMode::Test => Mode::Test,
    };
    let name = parse_name(name)?;
    let scopes = scopes.iter().map(|scope| parse_scope(scope)).collect::<Result<_, _>>()?;
    let now = app.clock.now();
    let expires_at = expires_at
        .map(|text| match text.parse::<jiff::Timestamp>() {
            Ok(at) if at > now && admission::is_on_a_day(at) => Ok(time::millis(at)),
            _ => bail!("--expires-at {text}: give an RFC 3339 instant in the future, up to the year 2100, e.g. 2027-12-31T00:00:00Z"),
        })
        .transpose()?;
    let sink = sink.open(printer)?;
    let request = KeyRequest { mode, name, scopes, expires_at };
    let created = api_keys::make(app, &org, request).await;
    let created = match created {
        Ok(created) => created,
        Err(problem) => {
            sink.discard();
            return Err(service_error(problem));
        }
    };
    sink.write(&created.secret, printer)?;
    let id = &created.kept.id;
    print_error(&format!(
        "Key {id} of {org} created. This is the only time you get it: only its hash is stored."
    ));
    Ok(())
}

async fn create_organization(
    app: &App,
    id: &str,
    body: Value,
    allow: &[String],
    bound: &SenderBound,
) -> anyhow::Result<()> {
    let org = parse_org(id)?;
    let settings = read_settings(app, &org, &body, None).await?;
    let sender = vec![AllowedSender::of(&settings.sender)];
    let change = SenderChange { allow, remove: &[] };
    let senders = change.apply(sender, &settings.sender)?;
    let before = app.catalog.together(&org, None, None, &[]).await;
    let before =
        before.context("reading the organization; check the stack's name and the region")?;
    let before = before.organization.map(|stored| stored.allowed_senders()).unwrap_or_default();
    require_within(bound, &before, &senders)?;
    let senders = Some(senders);
    let created_at = time::millis(app.clock.now());
    let asked = Organization { v: 1, org, settings, created_at, senders, undated_zone: None };
    let created = organizations::create_with(app, asked.clone()).await.map_err(service_error)?;
    let org = &asked.org;
    let stored = read_organization(app, org).await?;
    if stored.settings != asked.settings || stored.allowed_senders() != asked.allowed_senders() {
        bail!(
            "{org} already exists with other settings or senders: change them with `unicreda admin org update {org}`"
        );
    }
    print_document(&stored.answer(&app.config.site_url))?;
    names::warn_of_like(app, &stored).await?;
    let outcome = if created { "created" } else { "already exists; nothing has changed" };
    print_error(&format!(
        "Organization {org} {outcome}. Next: unicreda admin keys create {org} --name …"
    ));
    Ok(())
}

async fn update_organization(
    app: &App,
    id: &str,
    body: Value,
    change: SenderChange<'_>,
    bound: &SenderBound,
) -> anyhow::Result<()> {
    let mut stored = read_organization(app, &parse_org(id)?).await?;
    let before = stored.allowed_senders();
    let sent_as = AllowedSender::of(&stored.settings.sender);
    let zone_before = stored.settings.time_zone.clone();
    let named = stored.settings.name.clone();
    stored.settings = read_settings(app, &stored.org, &body, Some(&stored.settings)).await?;
    let senders = change.apply(before.clone(), &stored.settings.sender)?;
    let sends_as = AllowedSender::of(&stored.settings.sender);
    require_within(
        bound,
        &[&before[..], &[sent_as]].concat(),
        &[&senders[..], &[sends_as]].concat(),
    )?;
    stored.senders = Some(senders);
    app.catalog.put_senders(&stored, &zone_before).await?;
    organizations::plan_retention(app, &stored).await?;
    print_document(&stored.answer(&app.config.site_url))?;
    if stored.settings.name != named {
        names::warn_of_like(app, &stored).await?;
    }
    print_error(
        "The functions use the new settings within a minute, also for mail that is not sent yet.",
    );
    Ok(())
}

fn parse_org(id: &str) -> anyhow::Result<OrgId> {
    OrgId::parse(id).map_err(|error| anyhow::anyhow!("{id}: {error}"))
}

async fn read_organization(app: &App, org: &OrgId) -> anyhow::Result<Organization> {
    let read = app.catalog.together(org, None, None, &[]).await;
    let read = read.context("reading the organization; check the stack's name and the region")?;
    read.organization.with_context(|| {
        format!(
            "organization {org} does not exist: create it with `unicreda admin org create {org}`"
        )
    })
}

/// Reads the name of a key as `POST /api-keys` does.
fn parse_name(name: String) -> anyhow::Result<String> {
    let refused = |invalid: InvalidBody| service_error(invalid.into());
    let body = serde_json::json!({ "name": name }).to_string();
    let mut fields = Fields::of_body(body.as_bytes()).map_err(refused)?;
    let name = fields.required_name("name").unwrap_or_default();
    fields.end().map_err(refused)?;
    Ok(name)
}

fn parse_scope(text: &str) -> anyhow::Result<Scope> {
    Scope::ALL.into_iter().find(|scope| scope.as_str() == text).with_context(|| {
        format!("--scopes {text}: use one or more of issue, read, catalog, manage, admin")
    })
}

/// The settings that flags give.
struct GivenSettings {
    name: Option<String>,
    sender: Option<String>,
    optional: OptionalSettings,
}

impl GivenSettings {
    /// The body of `PUT /organization`, so that one parser checks flags and requests.
    fn into_json(self) -> anyhow::Result<Value> {
        let Self { name, sender, optional } = self;
        let logo = match optional.logo {
            Some(path) if path.as_os_str().is_empty() => Some(Value::Null),
            Some(path) => {
                let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
                Some(Value::String(image::data_url(&bytes)))
            }
            None => None,
        };
        // An empty text removes a setting.
        let text = |given: Option<String>| {
            given.map(|text| if text.is_empty() { Value::Null } else { Value::String(text) })
        };
        let periods = [
            ("jobs_days", optional.jobs_days),
            ("files_days", optional.files_days),
            ("ended_credentials_days", optional.ended_credentials_days),
        ];
        let periods: Map<String, Value> = periods
            .into_iter()
            .filter_map(|(name, days)| Some((name.to_owned(), days?)))
            // Null is "never".
            .map(|(name, days)| match (name.as_str(), days) {
                ("ended_credentials_days", 0) => (name, Value::Null),
                _ => (name, days.into()),
            })
            .collect();
        let retention = Some(Value::Object(periods)).filter(|periods| *periods != json!({}));
        let fields = [
            ("name", name.map(Value::String)),
            ("sender", sender.map(Value::String)),
            ("reply_to", text(optional.reply_to)),
            ("website", text(optional.website)),
            ("contact", text(optional.contact)),
            ("time_zone", optional.time_zone.map(Value::String)),
            ("language", optional.language.map(Value::String)),
            ("notify_members", optional.notify_members.map(Value::Bool)),
            ("logo", logo),
            ("linkedin_id", optional.linkedin_id.map(Value::from)),
            ("public_hides", optional.public_hides.as_deref().map(listed)),
            ("retention", retention),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Ok(Value::Object(given.collect::<Map<_, _>>()))
    }
}

/// The parts of a flag's text between commas.
fn listed(text: &str) -> Value {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect()
}

/// Checks settings and stores the logo, if there is a new one.
async fn read_settings(
    app: &App,
    org: &OrgId,
    body: &Value,
    before: Option<&Settings>,
) -> anyhow::Result<Settings> {
    let fields = Fields::of_body(body.to_string().as_bytes())
        .map_err(|invalid| service_error(invalid.into()))?;
    let (mut settings, logo) =
        Settings::read(fields, before).map_err(|invalid| service_error(invalid.into()))?;
    if logo != image::ImageInput::Absent {
        settings.logo = images::store(app, org, &logo, "/logo").await.map_err(service_error)?;
    }
    Ok(settings)
}

/// A problem as the error that an operator reads: its English text, or the AWS call that failed.
fn service_error(problem: unicreda::http::problem::Problem) -> anyhow::Error {
    let (_, english) = problem.texts();
    match problem.cause {
        None => anyhow::anyhow!(english),
        // The cause carries the AWS error code, which the operator looks up.
        Some(cause) => anyhow::anyhow!("{cause}").context("the deployment refused the operation"),
    }
}
