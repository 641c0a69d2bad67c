//! The state of an upload on disk, with which the same command continues it: a small file below
//! `~/.local/state/unicreda` for each service, organization, template, way of issuing and content
//! of the file.
//!
//! It is written before each step that would create a second job if it were repeated, complete or
//! not at all, and locked while a command works with it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicreda::domain::{encoding::Encoding, review::Strict, spreadsheet::HiddenRows};

use crate::{client::UploadTarget, exit::Failure, printer::Printer, settings};

/// The attributes by which two uploads are the same.
pub struct Identity<'a> {
    /// Root of the service.
    pub site: &'a str,
    /// Organization and mode: another key of the same owner continues the same upload.
    pub owner: &'a str,
    /// Template.
    pub template: &'a str,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// Whether mail is sent.
    pub send_email: bool,
    /// Encoding of the file's text, if it was named.
    pub encoding: Option<Encoding>,
    /// How its columns are read, as far as the command says.
    pub map: &'a Value,
    /// Whether of its dates the day comes first.
    pub day_first: bool,
    /// The sheet of a spreadsheet that is read, if it was named.
    pub sheet: Option<&'a str>,
    /// What becomes of its hidden rows, if it was said.
    pub hidden_rows: Option<HiddenRows>,
    /// Whether rows correct the credentials that they name.
    pub correct: bool,
    /// The kinds of warnings that refuse a row.
    pub strict: Strict,
    /// Whether rows whose credentials were erased get new ones.
    pub reissue: bool,
    /// SHA-256 of the file.
    pub digest: &'a str,
}

impl Identity<'_> {
    /// Name of the state file. No part contains a line feed.
    fn file_name(&self) -> String {
        let Self {
            site,
            owner,
            template,
            dry_run,
            send_email,
            encoding,
            map,
            day_first,
            sheet,
            hidden_rows,
            correct,
            strict,
            reissue,
            digest,
        } = self;
        let mut text = format!("{site}\n{owner}\n{template}\n{dry_run}\n{send_email}\n{digest}");
        // Absent as before there were such options, so that an upload of then is continued.
        if let Some(encoding) = encoding {
            text = format!("{text}\n{}", encoding.as_str());
        }
        if map.as_object().is_some_and(|map| !map.is_empty()) {
            text = format!("{text}\n{map}");
        }
        if *day_first {
            text += "\nday first";
        }
        if let Some(sheet) = sheet {
            text = format!("{text}\nsheet {}", serde_json::json!(sheet));
        }
        if let Some(hidden_rows) = hidden_rows {
            text = format!("{text}\nhidden rows {}", serde_json::json!(hidden_rows));
        }
        if *correct {
            text += "\ncorrect";
        }
        if *reissue {
            text += "\nreissue";
        }
        if !strict.is_empty() {
            text = format!("{text}\n{}", serde_json::json!(strict));
        }
        hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
    }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The stage of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The service expects the file; it is not known whether it arrived.
    Expected,
    /// The file has arrived.
    Sent,
    /// Its job exists.
    Job,
    /// Its job has ended.
    Ended,
}

/// An upload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Upload {
    /// Version of this format.
    pub v: u32,
    /// Its stage.
    pub stage: Stage,
    /// Name of the file, for people.
    pub file: String,
    /// The service's id of the upload.
    pub upload_id: String,
    /// The presigned URL that takes the file.
    pub address: UploadTarget,
    /// End of the URL's validity, RFC 3339.
    pub expires_at: String,
    /// The job, once it exists.
    pub job_id: Option<String>,
    /// Last update of the ended job, RFC 3339.
    pub ended_at: Option<String>,
    /// The results file that was written.
    pub results: Option<PathBuf>,
}

/// The state file of an upload, locked.
pub struct StateFile {
    path: PathBuf,
    _lock: File,
    /// Its content; `None` if nothing was uploaded.
    pub upload: Option<Upload>,
}

impl StateFile {
    /// Opens and locks the state file of an upload.
    ///
    /// # Errors
    /// When another command has locked it, or it cannot be read.
    pub fn open(identity: &Identity<'_>, printer: Printer) -> Result<Self, Failure> {
        let home = settings::state_home().ok_or_else(|| {
            Failure::failed(printer.pick(
                "ni XDG_STATE_HOME ni HOME indican dónde guardar el estado de las subidas",
                "neither XDG_STATE_HOME nor HOME names a folder for the state of uploads",
            ))
        })?;
        let folder = home.join("unicreda");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| Failure::file(&folder, &error))?;
        let path = folder.join(format!("{}.json", identity.file_name()));
        let lock = lock(&path.with_extension("lock"), printer)?;
        let upload = match fs::read(&path) {
            Ok(bytes) => Some(serde_json::from_slice::<Upload>(&bytes).map_err(|error| {
                // Ignoring a file that cannot be read could lead to a second job.
                Failure::failed(format!("{}: {error}", path.display())).next(printer.pick(
                    "mira con `unicreda jobs list` si el archivo ya se emitió; si no, borra este archivo de estado",
                    "see with `unicreda jobs list` whether the file was issued; if not, remove this state file",
                ))
            })?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::file(&path, &error)),
        };
        Ok(Self { path, _lock: lock, upload })
    }

    /// Writes the upload's stage.
    ///
    /// # Errors
    /// When it cannot be written: the command must not continue then.
    pub fn write(&mut self, upload: Upload) -> Result<(), Failure> {
        let written = self.try_write(&upload);
        written.map_err(|error| Failure::file(&self.path, &error))?;
        self.upload = Some(upload);
        Ok(())
    }

    fn try_write(&self, upload: &Upload) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        // Its mode is 0600: anyone who reads the presigned URL can send a file to it.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(upload)?)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Forgets the upload.
    ///
    /// # Errors
    /// When the file cannot be removed.
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

/// Takes the lock, which ends with the process.
fn lock(path: &Path, printer: Printer) -> Result<File, Failure> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(|error| Failure::file(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::failed(printer.pick(
            "otro comando está subiendo este mismo archivo",
            "another command is uploading this same file",
        ))
        .next(printer.pick(
            "espera a que termine, o búscalo con `unicreda jobs list`",
            "wait until it ends, or look it up with `unicreda jobs list`",
        ))),
        Err(TryLockError::Error(error)) => Err(Failure::file(path, &error)),
    }
}
