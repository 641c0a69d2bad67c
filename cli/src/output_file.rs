//! A file that a command writes: it appears complete or not at all, and replaces an existing file
//! only with `--force`.

use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::{exit::Failure, printer::Printer};

/// The treatment of an existing file of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// The command refuses before it does anything.
    Refused,
    /// The command accepts its own earlier file, but does not replace it.
    Kept,
    /// The command replaces it (`--force`).
    Replaced,
}

impl Existing {
    /// Replaces a file with `--force`, refuses it without.
    pub fn with_force(force: bool) -> Self {
        if force { Self::Replaced } else { Self::Refused }
    }
}

/// The file.
pub struct OutputFile {
    /// Its path.
    pub path: PathBuf,
    existing: Existing,
}

impl OutputFile {
    /// Chooses the file.
    ///
    /// # Errors
    /// When it exists and `existing` refuses it.
    pub fn new(path: &Path, existing: Existing, printer: Printer) -> Result<Self, Failure> {
        if existing == Existing::Refused && path.symlink_metadata().is_ok() {
            return Err(already_exists(path, printer));
        }
        Ok(Self { path: path.to_owned(), existing })
    }

    /// Whether it replaces an existing file.
    pub fn replaces(&self) -> bool {
        self.existing == Existing::Replaced
    }

    /// A temporary file in the same folder, to be filled.
    ///
    /// # Errors
    /// When the folder is not writable.
    pub fn begin(&self) -> Result<NamedTempFile, Failure> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        NamedTempFile::new_in(folder).map_err(|error| Failure::file(&self.path, &error))
    }

    /// Gives the filled file its name.
    ///
    /// # Errors
    /// When another program created a file of this name after [`OutputFile::new`].
    pub fn finish(&self, file: NamedTempFile, printer: Printer) -> Result<(), Failure> {
        let synced = file.as_file().sync_all();
        synced.map_err(|error| Failure::file(&self.path, &error))?;
        let named = match self.replaces() {
            true => file.persist(&self.path),
            false => file.persist_noclobber(&self.path),
        };
        match named {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(already_exists(&self.path, printer))
            }
            Err(error) => Err(Failure::file(&self.path, &error.error)),
        }
    }
}

fn already_exists(path: &Path, printer: Printer) -> Failure {
    let path = path.display();
    Failure::failed(printer.pick(
        format!("{path} ya existe y no se reemplaza"),
        format!("{path} already exists and is not replaced"),
    ))
    .next(printer.pick(
        "indica otro archivo con --output, o usa --force para reemplazarlo",
        "choose another file with --output, or replace it with --force",
    ))
}
