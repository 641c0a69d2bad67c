//! Where a command calls, and with which key: flags before environment before configuration
//! file before the local stack of this folder.
//!
//! A key that stands in a file is sent to the URL of the same file alone. What a flag names
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
    screen::Screen,
};

/// Folder of the local stack unless `--data` names another.
pub const LOCAL_DATA: &str = ".local";

/// Flags of every command that calls the service.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Service and key")]
pub struct Flags {
    /// Address of the service, such as https://credentials.example.edu [env: UNICREDA_URL].
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// File with the API key, readable by its owner alone. Or set UNICREDA_API_KEY.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "key_stdin")]
    key_file: Option<PathBuf>,
    /// Read the API key from the first line of standard input.
    #[arg(long, global = true)]
    key_stdin: bool,
    /// Configuration file [env: UNICREDA_CONFIG] [default: ~/.config/unicreda/config.toml].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Profile of the configuration file [env: UNICREDA_PROFILE].
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// Data folder of the local stack [default: .local].
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// An API key, never shown.
#[derive(Clone)]
pub struct Key {
    secret: String,
    /// Organization and mode that it names.
    pub owner: String,
    /// Whether it is a key for tests.
    pub test: bool,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(of {})", self.owner)
    }
}

impl Key {
    /// For the header `X-API-Key`.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

/// What a command works with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Root of the service, without a slash at its end.
    pub site: String,
    /// The key.
    pub key: Key,
    /// Where the key was found, for people.
    pub key_from: String,
    /// Template of issuing, unless a flag names one.
    pub template: Option<String>,
    /// Whether the service runs on this machine.
    pub local: bool,
}

/// What one source says.
#[derive(Default)]
struct Source {
    name: String,
    url: Option<String>,
    key: Option<String>,
    template: Option<String>,
    /// Its key goes to its own URL only.
    bound: bool,
}

/// The configuration file. What a profile says comes before what stands above.
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
    /// Whether standard input is taken by the key.
    pub fn takes_stdin(&self) -> bool {
        self.key_stdin
    }

    /// Reads every source.
    ///
    /// # Errors
    /// When none names a service or a key, or a file that holds a key is open to others.
    pub fn read(&self, screen: Screen) -> Result<Settings, Failure> {
        let sources = self.sources(screen)?;
        let with_url = sources.iter().position(|source| source.url.is_some());
        let Some((place, from)) = with_url.and_then(|at| Some((at, sources.get(at)?))) else {
            return Err(Failure::usage(screen.pick(
                "ningún servicio indicado, y en esta carpeta no hay una pila local",
                "no service is named, and no local stack has its data in this folder",
            ))
            .next(screen.pick(
                "para la pila local, `cargo run` en otra terminal y este comando en la misma carpeta (o --data CARPETA); para un servicio desplegado, --url URL y la clave en UNICREDA_API_KEY o --key-file",
                "for the local stack, `cargo run` in another terminal and this command in the same folder (or --data DIR); for a deployed service, --url URL and its key in UNICREDA_API_KEY or --key-file",
            )));
        };
        let (site, local) = site(from.url.as_deref().unwrap_or_default(), screen)?;
        let keyed = sources
            .iter()
            .enumerate()
            .find(|(at, source)| source.key.is_some() && (!source.bound || *at == place));
        let Some((_, keyed)) = keyed else {
            return Err(Failure::new(
                Exit::Key,
                screen.pick(
                    format!("falta la API key para {site}"),
                    format!("there is no API key for {site}"),
                ),
            )
            .next(how_to_get_a_key(screen)));
        };
        let secret = keyed.key.clone().unwrap_or_default();
        let Some(presented) = Presented::parse(&secret) else {
            let from = &keyed.name;
            return Err(Failure::new(
                Exit::Key,
                screen.pick(
                    format!("lo que hay en {from} no es una API key (uc_live_… o uc_test_…)"),
                    format!("what {from} holds is no API key (uc_live_… or uc_test_…)"),
                ),
            )
            .next(how_to_get_a_key(screen)));
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

    /// All sources, the first to be asked first.
    fn sources(&self, screen: Screen) -> Result<Vec<Source>, Failure> {
        let mut flags = Source { name: "--key-file".into(), ..Source::default() };
        flags.url.clone_from(&self.url);
        if self.key_stdin {
            flags.name = "--key-stdin".into();
            flags.key = Some(key_of_stdin(screen)?);
        } else if let Some(path) = &self.key_file {
            flags.name = format!("--key-file {}", path.display());
            flags.key = Some(key_of_file(path, screen)?);
        }
        let environment = Source {
            name: "UNICREDA_API_KEY".into(),
            url: set("UNICREDA_URL"),
            key: set("UNICREDA_API_KEY"),
            template: set("UNICREDA_TEMPLATE"),
            bound: false,
        };
        let (config, stack) = (self.config(screen)?, self.local_stack(screen)?);
        let (named_config, config) =
            if self.profile.is_some() { (config, None) } else { (None, config) };
        let (named_stack, stack) = if self.data.is_some() { (stack, None) } else { (None, stack) };
        let sources = [Some(flags), named_stack, named_config, Some(environment), config, stack];
        Ok(sources.into_iter().flatten().collect())
    }

    fn config(&self, screen: Screen) -> Result<Option<Source>, Failure> {
        let named = self.config.clone().or_else(|| set("UNICREDA_CONFIG").map(PathBuf::from));
        let profile = self.profile.clone().or_else(|| set("UNICREDA_PROFILE"));
        let path = match (&named, config_home()) {
            (Some(path), _) => path.clone(),
            (None, Some(home)) => home.join("unicreda/config.toml"),
            (None, None) => return Ok(None),
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
                return match &profile {
                    Some(name) => Err(no_profile(name, &path, screen)),
                    None => Ok(None),
                };
            }
            Err(error) => return Err(Failure::file(&path, &error)),
        };
        // The message names line and column; the text itself may hold a key.
        let file: File = toml::from_str(&text)
            .map_err(|error| Failure::usage(format!("{}: {}", path.display(), error.message())))?;
        if file.key.is_some() || file.profiles.values().any(|p| p.key.is_some()) {
            private(&path, screen)?;
        }
        let (name, own) = match profile {
            Some(name) => match file.profiles.get(&name) {
                Some(own) => (format!("{} [profiles.{name}]", path.display()), own.clone()),
                None => return Err(no_profile(&name, &path, screen)),
            },
            None => (path.display().to_string(), Profile::default()),
        };
        // A profile with a key of either kind leaves nothing of the key above it.
        let (key, key_file) = match (own.key, own.key_file) {
            (None, None) => (file.key, file.key_file),
            own => own,
        };
        let key = match (key, key_file) {
            (Some(key), _) => Some(key.trim().to_owned()),
            (None, Some(file)) => Some(key_of_file(&beside(&path, &file), screen)?),
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

    /// What the local stack wrote at its start.
    fn local_stack(&self, screen: Screen) -> Result<Option<Source>, Failure> {
        let data = self.data.clone().unwrap_or_else(|| LOCAL_DATA.into());
        let path = data.join("demo.env");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.data.is_none() => {
                return Ok(None);
            }
            Err(error) => {
                return Err(Failure::file(&path, &error).next(screen.pick(
                    "inicia la pila local con `cargo run`, o indica su carpeta con --data",
                    "start the local stack with `cargo run`, or name its folder with --data",
                )));
            }
        };
        let value = |wanted: &str| {
            let mut lines = text.lines().filter_map(|l| l.strip_prefix("export ")?.split_once('='));
            let (_, value) = lines.find(|(name, _)| *name == wanted)?;
            Some(value.trim_matches('\'').replace(r"'\''", "'"))
        };
        Ok(Some(Source {
            name: path.display().to_string(),
            url: value("BASE_URL"),
            key: value("API_KEY"),
            template: value("TEMPLATE_ID"),
            bound: true,
        }))
    }
}

/// Root of the service of an address with or without `/api/v1`, and whether it is on this
/// machine. A key goes over plain HTTP to this machine alone.
fn site(text: &str, screen: Screen) -> Result<(String, bool), Failure> {
    let wrong = || {
        Failure::usage(screen.pick(
            format!("«{text}» no es la dirección de un servicio"),
            format!("\"{text}\" is no address of a service"),
        ))
        .next(screen.pick(
            "indícala así: --url https://credenciales.ejemplo.edu",
            "name it like this: --url https://credentials.example.edu",
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
        return Err(Failure::usage(screen.pick(
            format!("{text} no va cifrada: la clave no se envía así"),
            format!("{text} is not encrypted: the key is not sent that way"),
        ))
        .next(screen.pick("usa https://", "use https://")));
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/api/v1").unwrap_or(path);
    Ok((format!("{}{path}", url.origin().ascii_serialization()), local))
}

fn no_profile(name: &str, path: &Path, screen: Screen) -> Failure {
    let path = path.display();
    Failure::usage(screen.pick(
        format!("no hay un perfil [profiles.{name}] en {path}"),
        format!("there is no profile [profiles.{name}] in {path}"),
    ))
}

fn how_to_get_a_key(screen: Screen) -> &'static str {
    screen.pick(
        "pon la clave en UNICREDA_API_KEY, en un archivo con --key-file o por --key-stdin; quien administra el servicio hace una con `unicreda keys create` o `unicreda admin keys create`",
        "put the key into UNICREDA_API_KEY, into a file with --key-file, or through --key-stdin; who administers the service makes one with `unicreda keys create` or `unicreda admin keys create`",
    )
}

/// A variable that is set to something.
fn set(name: &str) -> Option<String> {
    let value = env::var(name).ok()?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn key_of_stdin(screen: Screen) -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        return Err(Failure::usage(screen.pick(
            "--key-stdin lee la clave de una tubería, no de la pantalla",
            "--key-stdin reads the key from a pipe, not from the screen",
        )));
    }
    let mut text = String::new();
    let read = io::stdin().lock().take(4096).read_to_string(&mut text);
    read.map_err(|error| Failure::failed(format!("--key-stdin: {error}")))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

fn key_of_file(path: &Path, screen: Screen) -> Result<String, Failure> {
    private(path, screen)?;
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// Refuses a file with a key that others may read. Pipes and devices have no readers but us.
fn private(path: &Path, screen: Screen) -> Result<(), Failure> {
    let meta = fs::metadata(path).map_err(|error| Failure::file(path, &error))?;
    let path = path.display();
    if meta.is_file() && meta.permissions().mode() & 0o077 != 0 {
        return Err(Failure::new(
            Exit::Key,
            screen.pick(
                format!("{path} contiene una clave y otros usuarios lo pueden leer"),
                format!("{path} holds a key and other users may read it"),
            ),
        )
        .next(format!("chmod 600 {path}")));
    }
    Ok(())
}

/// A path of the configuration file: below `~`, or beside the file that names it.
fn beside(config: &Path, path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => config.parent().unwrap_or_else(|| Path::new("")).join(path),
    }
}

/// `XDG_CONFIG_HOME`, else `~/.config`.
fn config_home() -> Option<PathBuf> {
    folder_of("XDG_CONFIG_HOME", ".config")
}

/// `XDG_STATE_HOME`, else `~/.local/state`.
pub fn state_home() -> Option<PathBuf> {
    folder_of("XDG_STATE_HOME", ".local/state")
}

/// The XDG specification ignores paths that are not absolute.
fn folder_of(variable: &str, below_home: &str) -> Option<PathBuf> {
    let set = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    set.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(below_home)))
}
