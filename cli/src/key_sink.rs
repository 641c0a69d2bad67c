//! The destination of a new API key: a file that only its owner reads, or a program that reads
//! standard output. A terminal shows it only with `--show`.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use clap::Args;

use crate::{
    exit::Failure,
    printer::{self, Printer},
};

/// Flags that choose the destination.
#[derive(Debug, Args)]
pub struct KeySinkFlags {
    /// Write the key to a new file with mode 0600 instead of standard output.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Show the key even if standard output is a terminal.
    #[arg(long, conflicts_with = "save")]
    show: bool,
}

/// A destination that is ready for a key.
pub enum KeySink {
    /// A new, empty file.
    File(PathBuf, File),
    /// Standard output.
    Stdout,
}

impl KeySinkFlags {
    /// Opens the destination before the key is created, so that no key is lost.
    ///
    /// # Errors
    /// When the file exists or cannot be created, or standard output is a terminal.
    pub fn open(self, printer: Printer) -> Result<KeySink, Failure> {
        match self.save {
            Some(path) => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
                let file = file.map_err(|error| Failure::file(&path, &error))?;
                Ok(KeySink::File(path, file))
            }
            None if printer::is_on_terminal() && !self.show => {
                Err(Failure::usage(printer.pick(
                    "la clave se mostraría en esta pantalla",
                    "the key would be shown on this screen",
                ))
                .next(printer.pick(
                    "guárdala con --save ARCHIVO, envíala por una tubería a un gestor de secretos, o pide verla con --show",
                    "save it with --save FILE, pipe it into a secrets manager, or ask to see it with --show",
                )))
            }
            None => Ok(KeySink::Stdout),
        }
    }
}

impl KeySink {
    /// Whether the key goes to standard output.
    pub fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout)
    }

    /// Writes the key.
    ///
    /// # Errors
    /// When it cannot be written: the key exists, but its value is lost.
    pub fn write(self, key: &str, printer: Printer) -> Result<(), Failure> {
        let written = match self {
            Self::File(path, mut file) => {
                let written = writeln!(file, "{key}").and_then(|()| file.sync_all());
                written.map_err(|error| Failure::file(&path, &error))
            }
            Self::Stdout => printer::print_line(key),
        };
        written.map_err(|failure| {
            Failure::failed(failure.text()).next(printer.pick(
                "la clave se creó, pero su valor se perdió: revócala y crea otra",
                "the key was created, but its value is lost: revoke it and create another",
            ))
        })
    }

    /// Removes the file when no key was created.
    pub fn discard(self) {
        if let Self::File(path, _) = self {
            // The file is empty and this command created it. Removal is best effort: if it stays,
            // the next --save with this name fails and names it.
            let _ = fs::remove_file(path);
        }
    }
}
