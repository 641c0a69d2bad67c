//! What a command remembers of an upload, so that the same command again goes on with it:
//! a small file below `~/.local/state/unicreda`, for each service, organization, template,
//! way of issuing and content of the file.
//!
//! It is written before each step that would make a second job if it were done twice, whole
//! or not at all, and locked while a command works with it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use crate::{client::Address, exit::Failure, screen::Screen, settings};

/// What makes an upload the same upload.
pub struct Identity<'a> {
    /// Root of the service.
    pub site: &'a str,
    /// Organization and mode: another key of theirs goes on with the same upload.
    pub owner: &'a str,
    /// Template.
    pub template: &'a str,
    /// Whether nothing is issued.
    pub dry_run: bool,
    /// Whether mail is sent.
    pub send_email: bool,
    /// SHA-256 of the file.
    pub content: &'a str,
}

impl Identity<'_> {
    /// Name of its file. No part holds a line feed.
    fn name(&self) -> String {
        let Self { site, owner, template, dry_run, send_email, content } = self;
        let text = format!("{site}\n{owner}\n{template}\n{dry_run}\n{send_email}\n{content}");
        hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
    }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The service expects the file; whether it arrived is not known.
    Expected,
    /// The file has arrived.
    Sent,
    /// Its job exists.
    Job,
    /// The job has ended.
    Ended,
}

/// An upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Upload {
    /// Version of this format.
    pub v: u32,
    /// How far it is.
    pub stage: Stage,
    /// The file, for people.
    pub file: String,
    /// Its id.
    pub upload_id: String,
    /// Where the file goes.
    pub address: Address,
    /// Until when, RFC 3339.
    pub expires_at: String,
    /// Its job.
    pub job_id: Option<String>,
    /// When the job was seen to have ended, RFC 3339.
    pub ended_at: Option<String>,
    /// The results file that was written.
    pub results: Option<PathBuf>,
}

/// The file of an upload, locked.
pub struct Kept {
    path: PathBuf,
    _lock: File,
    /// What it says.
    pub upload: Option<Upload>,
}

impl Kept {
    /// Opens what is known of an upload.
    ///
    /// # Errors
    /// When another command works with it, or the folder cannot be used.
    pub fn open(identity: &Identity<'_>, screen: Screen) -> Result<Self, Failure> {
        let home = settings::state_home().ok_or_else(|| {
            Failure::failed(screen.pick(
                "ni XDG_STATE_HOME ni HOME indican dónde recordar las subidas",
                "neither XDG_STATE_HOME nor HOME says where uploads are remembered",
            ))
        })?;
        let folder = home.join("unicreda");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| Failure::file(&folder, &error))?;
        let path = folder.join(format!("{}.json", identity.name()));
        let lock_path = path.with_extension("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path);
        let lock = lock.map_err(|error| Failure::file(&lock_path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::failed(screen.pick(
                    "otro comando está subiendo este mismo archivo",
                    "another command is at this same file",
                ))
                .next(screen.pick(
                    "espera a que termine, o síguelo con `unicreda jobs list`",
                    "wait for it to end, or follow it with `unicreda jobs list`",
                )));
            }
            Err(TryLockError::Error(error)) => return Err(Failure::file(&lock_path, &error)),
        }
        let upload = match fs::read(&path) {
            Ok(bytes) => Some(serde_json::from_slice::<Upload>(&bytes).map_err(|error| {
                // Taken for nothing it could lead to a second job.
                Failure::failed(format!("{}: {error}", path.display())).next(screen.pick(
                    "mira con `unicreda jobs list` si el archivo ya se emitió; si no, borra ese archivo",
                    "see with `unicreda jobs list` whether the file was issued; if not, remove that file",
                ))
            })?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::file(&path, &error)),
        };
        Ok(Self { path, _lock: lock, upload })
    }

    /// Remembers how far the upload is.
    ///
    /// # Errors
    /// When it cannot be written: nothing must go on then.
    pub fn write(&mut self, upload: Upload) -> Result<(), Failure> {
        let written = self.try_write(&upload);
        written.map_err(|error| Failure::file(&self.path, &error))?;
        self.upload = Some(upload);
        Ok(())
    }

    fn try_write(&self, upload: &Upload) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        // Its mode is 0600: the address lets whoever has it put the file.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(upload)?)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Forgets the upload.
    ///
    /// # Errors
    /// When its file cannot be removed.
    pub fn forget(&mut self) -> Result<(), Failure> {
        self.upload = None;
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Failure::file(&self.path, &error))
            }
            _ => Ok(()),
        }
    }
}
