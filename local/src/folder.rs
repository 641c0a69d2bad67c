//! The data folder: its lock and its files.
//!
//! | file | content |
//! |---|---|
//! | `dynamodb.sqlite*` | the tables. SQLite in WAL mode, `synchronous` NORMAL: `kill -9` loses no answered write; a power cut can lose the last writes, but does not corrupt the file |
//! | `mail.jsonl` | the mail ([`crate::mail`]) |
//! | `files/` | the bucket ([`crate::bucket`]) |
//! | `site_url` | the root of the links in issued credentials |
//! | `signing.key` | the key that seals the organizations' signing keys, mode 0600; without it nothing can be signed |
//! | `demo.env` | keys and endpoints to `source` in a shell, mode 0600 |
//! | `lock` | locked by the running stack |

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::demo::Demo;

/// File of the tables.
pub const TABLES: &str = "dynamodb.sqlite";
/// File of the shell variables.
pub const ENVIRONMENT: &str = "demo.env";
/// File of the key that seals signing keys.
pub const SIGNING_KEY: &str = "signing.key";
const SITE_URL: &str = "site_url";
const LOCK: &str = "lock";

/// The storage of a stack's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// In a folder, which is created if it does not exist.
    Dir(PathBuf),
    /// In memory; mail and files in a temporary folder that the stack removes.
    Memory,
}

/// A data folder, locked by this process.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    // Dropped in this order: the lock is released before a temporary folder is removed.
    _lock: Option<File>,
    _temporary: Option<tempfile::TempDir>,
}

impl Folder {
    /// Creates and locks the folder; with `fresh`, removes the data of earlier stacks.
    ///
    /// # Errors
    /// When the folder is not writable or another stack has locked it.
    pub fn open(data: &Data, fresh: bool) -> anyhow::Result<Self> {
        let path = match data {
            Data::Memory => {
                let temporary = tempfile::Builder::new()
                    .prefix("local-stack-")
                    .permissions(fs::Permissions::from_mode(0o700))
                    .tempdir()?;
                let path = temporary.path().to_owned();
                return Ok(Self { path, _lock: None, _temporary: Some(temporary) });
            }
            Data::Dir(path) => path.clone(),
        };
        let lock = match create(&path) {
            Ok(lock) => lock,
            Err(error) => bail!(
                "cannot write to the data folder {}: {error}; choose another with --data DIR",
                path.display()
            ),
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "the data folder {} is in use by another running stack: stop that one, or choose another folder with --data DIR",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                bail!("cannot lock the data folder {}: {error}", path.display())
            }
        }
        if fresh {
            clear(&path)?;
        }
        Ok(Self { path, _lock: Some(lock), _temporary: None })
    }

    /// The file of the tables, created with mode 0600; SQLite gives its side files the same mode.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn tables(&self) -> io::Result<PathBuf> {
        let file = self.path.join(TABLES);
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&file)?;
        Ok(file)
    }

    /// The file of the key that seals signing keys, created if it does not exist.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn signing_key(&self) -> anyhow::Result<PathBuf> {
        let file = self.path.join(SIGNING_KEY);
        unicreda::aws::kms::Vault::make_file(&file)?;
        Ok(file)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The root of public links: the stored one, else `current`, which is then stored.
    ///
    /// # Errors
    /// When it can be neither read nor written.
    pub fn site_url(&self, current: &str) -> anyhow::Result<String> {
        let file = self.path.join(SITE_URL);
        match fs::read_to_string(&file) {
            Ok(stored) if !stored.trim().is_empty() => return Ok(stored.trim().to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => bail!("cannot read {}: {error}", file.display()),
        }
        write(&file, format!("{current}\n").as_bytes())?;
        Ok(current.to_owned())
    }
}

fn create(path: &Path) -> io::Result<File> {
    if !path.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    }
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path.join(LOCK))
}

/// Removes the files that a stack creates, and no others.
fn clear(path: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let ours = name.starts_with(TABLES)
            || [crate::mail::FILE, ENVIRONMENT, SIGNING_KEY, SITE_URL].contains(&name);
        if ours && let Err(error) = fs::remove_file(entry.path()) {
            bail!("cannot remove {}: {error}", entry.path().display());
        }
        if name == crate::bucket::FOLDER
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            bail!("cannot remove {}: {error}", entry.path().display());
        }
    }
    Ok(())
}

/// Replaces a file atomically, with mode 0600.
pub(crate) fn write(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
    temporary.write_all(content)?;
    temporary.persist(file)?;
    Ok(())
}

/// Reads the keys from the `demo.env` of an earlier start, if it is complete.
pub fn read_demo(folder: &Path) -> Option<Demo> {
    let text = fs::read_to_string(folder.join(ENVIRONMENT)).ok()?;
    let value = |name: &str| {
        text.lines().find_map(|line| {
            let value = line.strip_prefix("export ").unwrap_or(line).strip_prefix(name)?;
            let value = value.strip_prefix('=')?;
            Some(value.strip_prefix('\'')?.strip_suffix('\'')?.replace(r"'\''", "'"))
        })
    };
    Some(Demo {
        api_key: value("API_KEY")?,
        test_api_key: value("TEST_API_KEY")?,
        template_id: value("TEMPLATE_ID")?,
    })
}

/// Writes `demo.env`: exported variables, quoted for the shell.
///
/// # Errors
/// When the file cannot be written.
pub fn write_demo(folder: &Path, settings: &[(&str, &str)]) -> anyhow::Result<PathBuf> {
    let mut text = String::from("# Written by the local stack at every start; `source` it.\n");
    for (name, value) in settings {
        text.push_str(&format!("export {name}='{}'\n", value.replace('\'', r"'\''")));
    }
    let file = folder.join(ENVIRONMENT);
    write(&file, text.as_bytes())?;
    Ok(file)
}
