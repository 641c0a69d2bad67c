//! `unicreda admin`: what a fresh deployment needs before it can be used over HTTP.
//!
//! Safe to repeat: `org create` of an organization that is there makes the keys that it
//! lacks and changes nothing else; `keys create` makes one more key.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value};
use unicreda::{
    App,
    api::{
        api_keys::{self, KeyRequest},
        images, organization as organizations,
    },
    domain::{
        api_key::Scope,
        fields::Fields,
        ids::{Mode, OrgId},
        image,
        organization::{Organization, Settings},
        time,
    },
};

use crate::{place::Place, said, screen::Screen, secret};

/// `unicreda admin …`
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Organizations that issue.
    #[command(subcommand)]
    Org(Org),
    /// API keys.
    #[command(subcommand)]
    Keys(Keys),
}

#[derive(Debug, Subcommand)]
enum Org {
    /// Makes an organization with its secret for ids and its signing keys. Repeated, it
    /// changes nothing.
    Create {
        /// Short name in keys and DIDs, for good: a-z, 0-9 and -.
        id: String,
        /// Name that people read.
        #[arg(long)]
        name: String,
        /// Address that mail comes from; SES must have verified it or its domain.
        #[arg(long, value_name = "ADDRESS")]
        sender: String,
        #[command(flatten)]
        more: More,
    },
    /// Changes what is named and leaves the rest.
    Update {
        /// Short name.
        id: String,
        /// Name that people read.
        #[arg(long)]
        name: Option<String>,
        /// Address that mail comes from.
        #[arg(long, value_name = "ADDRESS")]
        sender: Option<String>,
        #[command(flatten)]
        more: More,
    },
    /// Shows an organization.
    Show {
        /// Short name.
        id: String,
    },
}

/// Settings that have a default.
#[derive(Debug, Args)]
struct More {
    /// Address for answers; "" takes it away.
    #[arg(long, value_name = "ADDRESS")]
    reply_to: Option<String>,
    /// IANA time zone of the dates that people read [default: UTC].
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Language of mail when nothing else names one: es or en [default: es].
    #[arg(long)]
    language: Option<String>,
    /// Whether members are told of a new credential in their wallet [default: true].
    #[arg(long, value_name = "BOOL")]
    notify_members: Option<bool>,
    /// Logo on pages, certificates and mail: a PNG file of at most 256 KiB; "" takes it away.
    #[arg(long, value_name = "FILE")]
    logo: Option<PathBuf>,
    /// The organization's number with LinkedIn, for profiles that add a credential.
    #[arg(long, value_name = "NUMBER")]
    linkedin_id: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Keys {
    /// Makes a key. It is given out this once.
    Create {
        /// The organization's short name.
        org: String,
        /// What people call it.
        #[arg(long)]
        name: String,
        /// What it may do, separated by commas: issue, read, catalog, manage, admin.
        #[arg(long, value_delimiter = ',', default_value = "issue,read,catalog,manage,admin")]
        scopes: Vec<String>,
        /// live, or test: data of its own, no mail.
        #[arg(long, value_enum, default_value_t = KeyMode::Live)]
        mode: KeyMode,
        /// Instant at which it ends, RFC 3339.
        #[arg(long, value_name = "INSTANT")]
        expires_at: Option<String>,
        #[command(flatten)]
        secret: secret::Flags,
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
pub async fn run(arguments: Arguments, data: Option<&Path>, screen: Screen) -> anyhow::Result<()> {
    let app = arguments.place.app(data).await?;
    match arguments.command {
        Command::Org(Org::Create { id, name, sender, more }) => {
            create_organization(&app, &id, settings(Some(name), Some(sender), more)?).await
        }
        Command::Org(Org::Update { id, name, sender, more }) => {
            update_organization(&app, &id, settings(name, sender, more)?).await
        }
        Command::Org(Org::Show { id }) => {
            show(&organization(&app, &parsed(&id)?).await?.answer(&app.config.site_url))
        }
        Command::Keys(Keys::Create { org, name, scopes, mode, expires_at, secret }) => {
            let org = parsed(&org)?;
            organization(&app, &org).await?;
            let mode = match mode {
                KeyMode::Live => Mode::Live,
                KeyMode::Test => Mode::Test,
            };
            let scopes = scopes.iter().map(|scope| read_scope(scope)).collect::<Result<_, _>>()?;
            let now = app.clock.now();
            let expires_at = expires_at
                .map(|text| match text.parse::<jiff::Timestamp>() {
                    Ok(at) if at > now => Ok(time::millis(at)),
                    _ => bail!("--expires-at {text}: an RFC 3339 instant in the future, e.g. 2027-12-31T00:00:00Z"),
                })
                .transpose()?;
            let place = secret.ready(screen)?;
            let request = KeyRequest { mode, name, scopes, expires_at };
            let made = match api_keys::make(&app, &org, request).await {
                Ok(made) => made,
                Err(problem) => {
                    place.discard();
                    return Err(said(problem));
                }
            };
            place.put(&made.secret, screen)?;
            let shown = "It is shown this once: only its hash is kept.";
            writeln!(io::stderr(), "key {} of {org} made. {shown}", made.kept.id)?;
            Ok(())
        }
    }
}

async fn create_organization(app: &App, id: &str, body: Value) -> anyhow::Result<()> {
    let org = parsed(id)?;
    let settings = read(app, &org, &body, None).await?;
    let now = time::millis(app.clock.now());
    let created = organizations::create(app, org.clone(), settings.clone(), now).await;
    let created = created.map_err(said)?;
    let kept = organization(app, &org).await?;
    if !created && kept.settings != settings {
        bail!(
            "{org} is there already, with other settings: change them with `unicreda admin org update {org}`"
        );
    }
    show(&kept.answer(&app.config.site_url))?;
    let what = if created { "made" } else { "is there already; nothing has changed" };
    writeln!(
        io::stderr(),
        "organization {org} {what}. Next: unicreda admin keys create {org} --name …"
    )?;
    Ok(())
}

async fn update_organization(app: &App, id: &str, body: Value) -> anyhow::Result<()> {
    let mut kept = organization(app, &parsed(id)?).await?;
    kept.settings = read(app, &kept.org, &body, Some(&kept.settings)).await?;
    app.catalog.put_organization(&kept).await?;
    show(&kept.answer(&app.config.site_url))?;
    writeln!(io::stderr(), "The functions read it within a minute.")?;
    Ok(())
}

fn parsed(id: &str) -> anyhow::Result<OrgId> {
    OrgId::parse(id).map_err(|error| anyhow::anyhow!("{id}: {error}"))
}

async fn organization(app: &App, org: &OrgId) -> anyhow::Result<Organization> {
    let read = app.catalog.together(org, None, None, &[]).await;
    let read =
        read.context("reading the organization: is the name of the stack right, and the region?")?;
    read.organization.with_context(|| {
        format!("there is no organization {org}: make it with `unicreda admin org create {org}`")
    })
}

fn read_scope(text: &str) -> anyhow::Result<Scope> {
    Scope::ALL.into_iter().find(|scope| scope.as_str() == text).with_context(|| {
        format!("--scopes {text}: one or more of issue, read, catalog, manage, admin")
    })
}

/// The flags as the body that `PUT /organization` takes, so that both are checked alike.
fn settings(name: Option<String>, sender: Option<String>, more: More) -> anyhow::Result<Value> {
    let logo = match more.logo {
        Some(path) if path.as_os_str().is_empty() => Some(Value::Null),
        Some(path) => {
            let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
            Some(Value::String(image::data_url(&bytes)))
        }
        None => None,
    };
    let reply_to = more.reply_to.map(|address| match address.as_str() {
        "" => Value::Null,
        _ => Value::String(address),
    });
    let fields = [
        ("name", name.map(Value::String)),
        ("sender", sender.map(Value::String)),
        ("reply_to", reply_to),
        ("time_zone", more.time_zone.map(Value::String)),
        ("language", more.language.map(Value::String)),
        ("notify_members", more.notify_members.map(Value::Bool)),
        ("logo", logo),
        ("linkedin_id", more.linkedin_id.map(Value::from)),
    ];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Ok(Value::Object(given.collect::<Map<_, _>>()))
}

async fn read(
    app: &App,
    org: &OrgId,
    body: &Value,
    before: Option<&Settings>,
) -> anyhow::Result<Settings> {
    let fields = Fields::of_body(body.to_string().as_bytes()).map_err(said)?;
    let (mut settings, logo) = Settings::read(fields, before).map_err(said)?;
    if logo != image::ImageInput::Absent {
        settings.logo = images::store(app, org, &logo, "/logo").await.map_err(said)?;
    }
    Ok(settings)
}

fn show(value: &Value) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(value)?)?;
    Ok(())
}
