//! The service's address and the key of a command: from flags, else the environment, else the
//! configuration file, else the local stack of this folder.
//!
//! A key stored in a file is sent only to the URL in the same file. A source that a flag names
//! (`--profile`, `--data`) comes before the environment.

use std::{
    collections::BTreeMap,
    env, fmt, fs,
    io::{self, IsTerminal, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Deserialize;
use unicreda::domain::{api_key::Presented, ids::Mode};
use url::{Host, Url};

use crate::{
    exit::{Exit, Failure},
    printer::Printer,
};

/// Data folder of the local stack, unless `--data` names another.
pub const LOCAL_DATA: &str = ".local";

/// Flags of every command that calls the service.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Service and key")]
pub struct Flags {
    /// URL of the service, e.g. https://credentials.example.edu [env: UNICREDA_URL].
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// File with the API key, readable only by its owner; or set UNICREDA_API_KEY.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "key_stdin")]
    key_file: Option<PathBuf>,
    /// Read the API key from the first line of standard input.
    #[arg(long, global = true)]
    key_stdin: bool,
    /// Configuration file [env: UNICREDA_CONFIG] [default: ~/.config/unicreda/config.toml].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Profile in the configuration file [env: UNICREDA_PROFILE].
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// Data folder of the local stack [default: .local].
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// An API key; `Debug` does not show it.
#[derive(Clone)]
pub struct Key {
    secret: String,
    /// Organization and mode of the key.
    pub owner: String,
    /// Whether it is a test key.
    pub test: bool,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(of {})", self.owner)
    }
}

impl Key {
    /// The value of the header `X-API-Key`.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

/// The settings of a command.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Root of the service, without a slash at its end.
    pub site: String,
    /// The key.
    pub key: Key,
    /// The source of the key, for messages.
    pub key_from: String,
    /// Template to issue with, unless a flag names one.
    pub template: Option<String>,
    /// Whether the service runs on this machine.
    pub local: bool,
}

/// The settings of one source.
#[derive(Default)]
struct Source {
    name: String,
    url: Option<String>,
    key: Option<String>,
    template: Option<String>,
    /// Whether its key and template are used only with its own URL.
    bound: bool,
}

/// The configuration file. A profile's settings override the top-level ones.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    url: Option<String>,
    key: Option<String>,
    key_file: Option<PathBuf>,
    template: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    url: Option<String>,
    key: Option<String>,
    key_file: Option<PathBuf>,
    template: Option<String>,
}

impl Flags {
    /// Whether the key is read from standard input.
    pub fn takes_stdin(&self) -> bool {
        self.key_stdin
    }

    /// Reads all sources.
    ///
    /// # Errors
    /// When no source has a URL or a key, or others may read a file with a key.
    pub fn read(&self, printer: Printer) -> Result<Settings, Failure> {
        let sources = self.sources(printer)?;
        let with_url = sources.iter().position(|source| source.url.is_some());
        let Some((place, from)) = with_url.and_then(|at| Some((at, sources.get(at)?))) else {
            return Err(Failure::usage(printer.pick(
                "no se indicó ningún servicio, y en esta carpeta no hay un servicio local",
                "no service is named, and this folder has no local stack",
            ))
            .next(printer.pick(
                "para el servicio local, ejecuta `cargo run` en otra terminal y este comando en la misma carpeta (o con --data CARPETA); para un servicio desplegado, usa --url URL y pon la clave en UNICREDA_API_KEY o --key-file",
                "for the local stack, run `cargo run` in another terminal and this command in the same folder (or with --data DIR); for a deployed service, use --url URL and put the key in UNICREDA_API_KEY or --key-file",
            )));
        };
        let (site, local) = site(from.url.as_deref().unwrap_or_default(), printer)?;
        let keyed = sources
            .iter()
            .enumerate()
            .find(|(at, source)| source.key.is_some() && (!source.bound || *at == place));
        let Some((_, keyed)) = keyed else {
            return Err(Failure::new(
                Exit::KeyRefused,
                printer.pick(
                    format!("falta la clave de API para {site}"),
                    format!("the API key for {site} is missing"),
                ),
            )
            .next(how_to_get_a_key(printer)));
        };
        let secret = keyed.key.clone().unwrap_or_default();
        let Some(presented) = Presented::parse(&secret) else {
            let from = &keyed.name;
            return Err(Failure::new(
                Exit::KeyRefused,
                printer.pick(
                    format!("{from} no contiene una clave de API (uc_live_… o uc_test_…)"),
                    format!("{from} does not contain an API key (uc_live_… or uc_test_…)"),
                ),
            )
            .next(how_to_get_a_key(printer)));
        };
        let template = sources.iter().enumerate().find_map(|(at, source)| {
            source.template.clone().filter(|_| !source.bound || at == place)
        });
        Ok(Settings {
            site,
            key: Key {
                secret,
                owner: format!("{}/{}", presented.org, presented.mode),
                test: presented.mode == Mode::Test,
            },
            key_from: keyed.name.clone(),
            template,
            local,
        })
    }

    /// All sources, by precedence.
    fn sources(&self, printer: Printer) -> Result<Vec<Source>, Failure> {
        let mut flags = Source { name: "--key-file".into(), ..Source::default() };
        flags.url.clone_from(&self.url);
        if self.key_stdin {
            flags.name = "--key-stdin".into();
            flags.key = Some(key_from_stdin(printer)?);
        } else if let Some(path) = &self.key_file {
            flags.name = format!("--key-file {}", path.display());
            flags.key = Some(key_from_file(path, printer)?);
        }
        let environment = Source {
            name: "UNICREDA_API_KEY".into(),
            url: variable("UNICREDA_URL"),
            key: variable("UNICREDA_API_KEY"),
            template: variable("UNICREDA_TEMPLATE"),
            bound: false,
        };
        let (config, stack) = (self.config(printer)?, self.local_stack(printer)?);
        let (named_config, config) =
            if self.profile.is_some() { (config, None) } else { (None, config) };
        let (named_stack, stack) = if self.data.is_some() { (stack, None) } else { (None, stack) };
        let sources = [Some(flags), named_stack, named_config, Some(environment), config, stack];
        Ok(sources.into_iter().flatten().collect())
    }

    fn config(&self, printer: Printer) -> Result<Option<Source>, Failure> {
        let named = self.config.clone().or_else(|| variable("UNICREDA_CONFIG").map(PathBuf::from));
        let profile = self.profile.clone().or_else(|| variable("UNICREDA_PROFILE"));
        let path = match (&named, config_home()) {
            (Some(path), _) => path.clone(),
            (None, Some(home)) => home.join("unicreda/config.toml"),
            (None, None) => return Ok(None),
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
                return match &profile {
                    Some(name) => Err(no_profile(name, &path, printer)),
                    None => Ok(None),
                };
            }
            Err(error) => return Err(Failure::file(&path, &error)),
        };
        // Only the parser's message, without the line that it is about: that may contain a key.
        let file: File = toml::from_str(&text)
            .map_err(|error| Failure::usage(format!("{}: {}", path.display(), error.message())))?;
        if file.key.is_some() || file.profiles.values().any(|p| p.key.is_some()) {
            require_private(&path, printer)?;
        }
        let (name, own) = match profile {
            Some(name) => match file.profiles.get(&name) {
                Some(own) => (format!("{} [profiles.{name}]", path.display()), own.clone()),
                None => return Err(no_profile(&name, &path, printer)),
            },
            None => (path.display().to_string(), Profile::default()),
        };
        // A profile with `key` or `key_file` overrides both of the top level.
        let (key, key_file) = match (own.key, own.key_file) {
            (None, None) => (file.key, file.key_file),
            own => own,
        };
        let key = match (key, key_file) {
            (Some(key), _) => Some(key.trim().to_owned()),
            (None, Some(file)) => Some(key_from_file(&resolve(&file, &path), printer)?),
            (None, None) => None,
        };
        Ok(Some(Source {
            name,
            url: own.url.or(file.url),
            key,
            template: own.template.or(file.template),
            bound: true,
        }))
    }

    /// The settings that the local stack wrote when it started.
    fn local_stack(&self, printer: Printer) -> Result<Option<Source>, Failure> {
        let data = self.data.clone().unwrap_or_else(|| LOCAL_DATA.into());
        let path = data.join("demo.env");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.data.is_none() => {
                return Ok(None);
            }
            Err(error) => {
                return Err(Failure::file(&path, &error).next(printer.pick(
                    "inicia el servicio local con `cargo run`, o indica su carpeta con --data",
                    "start the local stack with `cargo run`, or name its folder with --data",
                )));
            }
        };
        let value = |wanted: &str| exported(&text, wanted);
        Ok(Some(Source {
            name: path.display().to_string(),
            url: value("BASE_URL"),
            key: value("API_KEY"),
            template: value("TEMPLATE_ID"),
            bound: true,
        }))
    }
}

/// A variable that a `demo.env` exports.
pub fn exported(text: &str, wanted: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|l| l.strip_prefix("export ")?.split_once('='));
    let (_, value) = lines.find(|(name, _)| *name == wanted)?;
    Some(value.trim_matches('\'').replace(r"'\''", "'"))
}

/// Reads a URL with or without `/api/v1`: the root of the service, and whether it is on this
/// machine. A key is sent over plain HTTP only to this machine.
fn site(text: &str, printer: Printer) -> Result<(String, bool), Failure> {
    let wrong = || {
        Failure::usage(printer.pick(
            format!("«{text}» no es la dirección de un servicio"),
            format!("\"{text}\" is not the URL of a service"),
        ))
        .next(printer.pick(
            "indícala así: --url https://credenciales.ejemplo.edu",
            "give it like this: --url https://credentials.example.edu",
        ))
    };
    let url = Url::parse(text.trim()).map_err(|_| wrong())?;
    let local = match url.host().ok_or_else(wrong)? {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    if !matches!(url.scheme(), "http" | "https")
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err(wrong());
    }
    if url.scheme() == "http" && !local {
        return Err(Failure::usage(printer.pick(
            format!("{text} no está cifrada: la clave no se envía sin cifrar"),
            format!("{text} is not encrypted: the key is not sent unencrypted"),
        ))
        .next(printer.pick("usa https://", "use https://")));
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/api/v1").unwrap_or(path);
    Ok((format!("{}{path}", url.origin().ascii_serialization()), local))
}

fn no_profile(name: &str, path: &Path, printer: Printer) -> Failure {
    let path = path.display();
    Failure::usage(printer.pick(
        format!("{path} no tiene el perfil [profiles.{name}]"),
        format!("{path} has no profile [profiles.{name}]"),
    ))
}

fn how_to_get_a_key(printer: Printer) -> &'static str {
    printer.pick(
        "pasa la clave en UNICREDA_API_KEY, en un archivo con --key-file o por la entrada estándar con --key-stdin; quien administra el servicio crea una con `unicreda keys create` o `unicreda admin keys create`",
        "pass the key in UNICREDA_API_KEY, in a file with --key-file, or on standard input with --key-stdin; the service's administrator creates one with `unicreda keys create` or `unicreda admin keys create`",
    )
}

/// An environment variable, if it is set and not empty.
fn variable(name: &str) -> Option<String> {
    let value = env::var(name).ok()?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn key_from_stdin(printer: Printer) -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        return Err(Failure::usage(printer.pick(
            "--key-stdin lee la clave de una tubería, no de la terminal",
            "--key-stdin reads the key from a pipe, not from the terminal",
        )));
    }
    let mut text = String::new();
    let read = io::stdin().lock().take(4096).read_to_string(&mut text);
    read.map_err(|error| Failure::failed(format!("--key-stdin: {error}")))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

fn key_from_file(path: &Path, printer: Printer) -> Result<String, Failure> {
    require_private(path, printer)?;
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// Refuses a file with a key that others may read. Pipes and devices have no other readers.
fn require_private(path: &Path, printer: Printer) -> Result<(), Failure> {
    let meta = fs::metadata(path).map_err(|error| Failure::file(path, &error))?;
    let path = path.display();
    if meta.is_file() && meta.permissions().mode() & 0o077 != 0 {
        return Err(Failure::new(
            Exit::KeyRefused,
            printer.pick(
                format!("{path} contiene una clave y otros usuarios pueden leerlo"),
                format!("{path} contains a key and other users can read it"),
            ),
        )
        .next(format!("chmod 600 {path}")));
    }
    Ok(())
}

/// Resolves a path of a configuration file: relative to `~`, or to the folder of that file.
fn resolve(path: &Path, config: &Path) -> PathBuf {
    match (path.strip_prefix("~"), env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => config.parent().unwrap_or_else(|| Path::new("")).join(path),
    }
}

/// `XDG_CONFIG_HOME`, else `~/.config`.
fn config_home() -> Option<PathBuf> {
    XdgFolder { variable: "XDG_CONFIG_HOME", below_home: ".config" }.path()
}

/// `XDG_STATE_HOME`, else `~/.local/state`.
pub fn state_home() -> Option<PathBuf> {
    XdgFolder { variable: "XDG_STATE_HOME", below_home: ".local/state" }.path()
}

/// A folder of the XDG Base Directory Specification.
struct XdgFolder {
    variable: &'static str,
    /// The default, below the home folder.
    below_home: &'static str,
}

impl XdgFolder {
    /// The variable's path. The specification ignores paths that are not absolute.
    fn path(&self) -> Option<PathBuf> {
        let set = env::var_os(self.variable).map(PathBuf::from).filter(|path| path.is_absolute());
        set.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(self.below_home)))
    }
}
