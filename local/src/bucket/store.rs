//! The objects of the bucket, in files of the data folder.
//!
//! - `files/{uuid}` contains bytes, and `files/{uuid}.json` makes them an object. A rename creates the
//!   second file, so an object appears, or is replaced, at once: no reader sees half of one. `kill -9`
//!   leaves complete objects and orphans, and a start removes the orphans. Nothing is synced: a power
//!   cut can lose the last objects.
//! - Bodies are streamed; memory contains keys, sizes and tags.
//! - Incomplete multipart uploads end with the process; AWS keeps them for a day.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use futures::{Stream, StreamExt};
use jiff::Timestamp;
use s3s::crypto::{Checksum, Md5};
use s3s::{S3Error, S3Result, StdError, s3_error};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWriteExt, BufWriter};
use uuid::Uuid;

use super::{MAX_PUT, PIECE};
use crate::folder;

/// An object; its `.json` contains this.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    pub key: String,
    /// Name of the file with its bytes.
    pub data: Uuid,
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    pub modified: Timestamp,
    pub content_type: Option<String>,
}

impl Stored {
    pub fn modified(&self) -> s3s::dto::Timestamp {
        let since = u64::try_from(self.modified.as_microsecond()).unwrap_or_default();
        (UNIX_EPOCH + Duration::from_micros(since)).into()
    }
}

/// A file of bytes that belong to no object yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub data: Uuid,
    pub size: u64,
    pub md5: [u8; 16],
}

/// A multipart upload that is not complete.
#[derive(Debug)]
pub(super) struct Upload {
    pub key: String,
    pub content_type: Option<String>,
    pub parts: BTreeMap<i32, Piece>,
}

#[derive(Debug, Default)]
pub(super) struct Index {
    /// By key, each with the name of its `.json`.
    objects: BTreeMap<String, (Uuid, Stored)>,
    /// By upload id.
    pub uploads: HashMap<String, Upload>,
}

/// The objects of the bucket.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    index: Mutex<Index>,
}

impl Store {
    /// Opens a folder, or creates it; removes files that belong to no object.
    pub fn open(folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut objects = BTreeMap::new();
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_stem().and_then(|name| name.to_str()).map(Uuid::parse_str);
            if path.extension().is_some_and(|e| e == "json")
                && let Some(Ok(name)) = name
                && let Ok(stored) = serde_json::from_slice::<Stored>(&fs::read(&path)?)
                && folder.join(stored.data.to_string()).is_file()
            {
                objects.insert(stored.key.clone(), (name, stored));
            } else {
                files.push(path);
            }
        }
        let used = objects.values().map(|(_, stored)| folder.join(stored.data.to_string()));
        let used = used.collect::<HashSet<_>>();
        for orphan in files.into_iter().filter(|path| !used.contains(path)) {
            fs::remove_file(orphan)?;
        }
        let index = Index { objects, uploads: HashMap::new() };
        Ok(Self { folder: folder.to_owned(), index: Mutex::new(index) })
    }

    /// Locks the index.
    pub fn lock(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Path of a file of bytes.
    pub fn file(&self, data: Uuid) -> PathBuf {
        self.folder.join(data.to_string())
    }

    /// Creates a file of bytes.
    pub async fn create(&self, data: Uuid) -> io::Result<BufWriter<tokio::fs::File>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = tokio::fs::OpenOptions::from(options).open(self.file(data)).await?;
        Ok(BufWriter::with_capacity(PIECE, file))
    }

    /// Writes a body to a file, and removes the file if the body breaks off.
    pub async fn write<B>(&self, mut body: B) -> S3Result<Piece>
    where
        B: Stream<Item = Result<bytes::Bytes, StdError>> + Unpin,
    {
        let data = Uuid::new_v4();
        let mut unfinished = Unfinished(Some(self.file(data)));
        let mut file = self.create(data).await.map_err(internal)?;
        let (mut size, mut md5) = (0_u64, Md5::new());
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(|_| s3_error!(IncompleteBody))?;
            size += bytes.len() as u64;
            if size > MAX_PUT {
                return Err(s3_error!(EntityTooLarge));
            }
            md5.update(&bytes);
            file.write_all(&bytes).await.map_err(internal)?;
        }
        file.shutdown().await.map_err(internal)?;
        unfinished.0 = None;
        Ok(Piece { data, size, md5: md5.finalize() })
    }

    /// Makes a piece the object of a key.
    pub fn put(
        &self,
        key: String,
        piece: &Piece,
        etag: String,
        kind: Option<String>,
    ) -> S3Result<Stored> {
        let stored = Stored {
            key,
            data: piece.data,
            size: piece.size,
            etag,
            modified: Timestamp::now(),
            content_type: kind,
        };
        let json = serde_json::to_vec(&stored).map_err(internal)?;
        let mut index = self.lock();
        let name = index.objects.get(&stored.key).map_or_else(Uuid::new_v4, |(name, _)| *name);
        folder::write(&self.folder.join(format!("{name}.json")), &json)
            .map_err(|error| s3_error!(InternalError, "{error}"))?;
        if let Some((_, former)) = index.objects.insert(stored.key.clone(), (name, stored.clone()))
        {
            self.discard(former.data);
        }
        Ok(stored)
    }

    /// The object of a key with its open file, which stays readable if the object is replaced or
    /// deleted.
    pub fn get(&self, key: &str) -> S3Result<(Stored, fs::File)> {
        let index = self.lock();
        let (_, stored) = index.objects.get(key).ok_or_else(|| s3_error!(NoSuchKey))?;
        let file = fs::File::open(self.file(stored.data)).map_err(internal)?;
        Ok((stored.clone(), file))
    }

    /// Deletes the object of a key, if it exists.
    pub fn delete(&self, key: &str) -> S3Result<()> {
        let mut index = self.lock();
        let Some((name, stored)) = index.objects.get(key) else { return Ok(()) };
        fs::remove_file(self.folder.join(format!("{name}.json"))).map_err(internal)?;
        self.discard(stored.data);
        index.objects.remove(key);
        Ok(())
    }

    /// Removes a file that belongs to no object any more. Best effort: the next start removes the rest.
    pub fn discard(&self, data: Uuid) {
        let _ = fs::remove_file(self.file(data));
    }

    /// The objects whose keys start with a prefix, by key.
    pub fn under(&self, prefix: &str) -> Vec<Stored> {
        let index = self.lock();
        let from = index.objects.range(prefix.to_owned()..);
        let under = from.take_while(|(key, _)| key.starts_with(prefix));
        under.map(|(_, (_, stored))| stored.clone()).collect()
    }
}

/// Removes a file when it is dropped, unless its path is taken out.
pub(super) struct Unfinished(pub Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            let _ = fs::remove_file(path);
        }
    }
}

pub(super) fn internal<E: std::error::Error + Send + Sync + 'static>(error: E) -> S3Error {
    S3Error::internal_error(error)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
