//! Where a new key goes: to a file that its owner alone reads, or to a program that takes
//! standard output. Never to a screen, unless it is asked for.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use clap::Args;

use crate::{exit::Failure, screen::Screen};

/// Where it is to go.
#[derive(Debug, Args)]
pub struct Flags {
    /// Writes the key to a new file of mode 0600 instead of standard output.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Shows the key though standard output is a terminal.
    #[arg(long, conflicts_with = "save")]
    show: bool,
}

/// A place that is ready for a key.
pub enum Place {
    /// A new, empty file.
    File(PathBuf, File),
    /// Standard output.
    Output,
}

impl Flags {
    /// Makes the place ready, before there is a key that could be lost.
    ///
    /// # Errors
    /// When the file is there already or cannot be made, or standard output is a screen.
    pub fn ready(self, screen: Screen) -> Result<Place, Failure> {
        match self.save {
            Some(path) => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
                let file = file.map_err(|error| Failure::file(&path, &error))?;
                Ok(Place::File(path, file))
            }
            None if io::stdout().is_terminal() && !self.show => {
                Err(Failure::usage(screen.pick(
                    "la clave se mostraría en esta pantalla",
                    "the key would be shown on this screen",
                ))
                .next(screen.pick(
                    "guárdala con --save ARCHIVO, pásala por una tubería a quien guarda secretos, o pide verla con --show",
                    "save it with --save FILE, pipe it into a program that keeps secrets, or ask to see it with --show",
                )))
            }
            None => Ok(Place::Output),
        }
    }
}

impl Place {
    /// Whether a key is written to standard output.
    pub fn is_output(&self) -> bool {
        matches!(self, Self::Output)
    }

    /// Puts the key.
    ///
    /// # Errors
    /// When it cannot be written: the key exists and nobody has it.
    pub fn put(self, secret: &str, screen: Screen) -> Result<(), Failure> {
        let (written, name) = match self {
            Self::File(path, mut file) => {
                let written = writeln!(file, "{secret}").and_then(|()| file.sync_all());
                (written, path.display().to_string())
            }
            Self::Output => {
                let mut out = io::stdout();
                (writeln!(out, "{secret}").and_then(|()| out.flush()), "standard output".to_owned())
            }
        };
        written.map_err(|error| {
            Failure::failed(format!("{name}: {error}")).next(screen.pick(
                "la clave se hizo y nadie la tiene: revócala y haz otra",
                "the key was made and nobody has it: revoke it and make another",
            ))
        })
    }

    /// Removes the file again when no key was made.
    pub fn discard(self) {
        if let Self::File(path, _) = self {
            // Empty and ours; left behind it would only be in the way.
            let _ = fs::remove_file(path);
        }
    }
}
