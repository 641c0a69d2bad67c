//! Files to and from presigned URLs, which take no key.

use std::{
    collections::BTreeMap,
    io::Write,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use reqwest::{Body, StatusCode, header::CONTENT_LENGTH};
use tokio::{fs::File, io::AsyncReadExt, time::timeout};

use super::{ANSWER_TIMEOUT, Client};
use crate::exit::Failure;

/// Longest time that a transfer may make no progress.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of a file read at a time.
const CHUNK: usize = 64 * 1024;
/// Characters of the storage's error answer that are printed.
const SHOWN: usize = 300;

/// A presigned URL that takes one file.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct UploadTarget {
    /// Valid for minutes.
    pub url: String,
    /// Headers that the signature covers.
    pub headers: BTreeMap<String, String>,
}

/// A file to be sent, and a counter of its sent bytes.
pub struct FileToSend {
    /// Its path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Bytes sent so far.
    pub sent: Arc<AtomicU64>,
}

/// Why a file was not stored.
pub enum SendError {
    /// The connection was lost: the same URL can be tried again.
    Lost(Failure),
    /// The URL has expired.
    Expired,
    /// The storage will not accept the file.
    Refused(Failure),
}

impl Client {
    /// Sends a file to a presigned URL.
    ///
    /// # Errors
    /// When the file was not stored.
    pub async fn upload(&self, to: &UploadTarget, from: &FileToSend) -> Result<(), SendError> {
        let file = File::open(&from.path).await;
        let file = file.map_err(|error| SendError::Refused(Failure::file(&from.path, &error)))?;
        from.sent.store(0, Ordering::Relaxed);
        let body = StreamBody::new(chunks(file, from));
        let mut request = self.http.put(&to.url).header(CONTENT_LENGTH, from.size);
        for (name, value) in to.headers.iter().filter(|(name, _)| *name != "content-length") {
            request = request.header(name, value);
        }
        let sending = request.body(Body::wrap(body)).send();
        tokio::pin!(sending);
        let mut before = 0;
        let response = loop {
            if let Ok(response) = timeout(STALL_TIMEOUT, &mut sending).await {
                break response.map_err(|error| SendError::Lost(self.unreachable(&error)))?;
            }
            let now = from.sent.load(Ordering::Relaxed);
            if now == before {
                return Err(SendError::Lost(self.stalled()));
            }
            before = now;
        };
        match response.status() {
            status if status.is_success() => Ok(()),
            // S3 answers an expired signature with 403.
            StatusCode::FORBIDDEN => Err(SendError::Expired),
            status if status.is_server_error() => Err(SendError::Lost(self.foreign_answer(status))),
            status => {
                let text = timeout(STALL_TIMEOUT, response.text()).await;
                let text = text.ok().and_then(Result::ok).unwrap_or_default();
                let text: String = text.chars().take(SHOWN).collect();
                Err(SendError::Refused(Failure::failed(self.printer.pick(
                    format!("el almacén rechazó el archivo ({status}): {text}"),
                    format!("the storage refused the file ({status}): {text}"),
                ))))
            }
        }
    }

    /// Writes the file at a presigned URL.
    ///
    /// # Errors
    /// When it cannot be read completely or written.
    pub async fn download(
        &self,
        url: &str,
        into: &mut (impl Write + ?Sized),
    ) -> Result<(), Failure> {
        let response = timeout(ANSWER_TIMEOUT, self.http.get(url).send()).await;
        let response = response.map_err(|_| self.stalled())?;
        let mut response = response.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.foreign_answer(response.status()));
        }
        loop {
            let chunk = timeout(STALL_TIMEOUT, response.chunk()).await;
            let chunk = chunk.map_err(|_| self.stalled())?;
            match chunk.map_err(|error| self.unreachable(&error))? {
                None => return Ok(()),
                Some(chunk) => into.write_all(&chunk).map_err(|error| Failure::output(&error))?,
            }
        }
    }
}

/// Reads an open file up to its known size, and counts what was read.
fn chunks(
    file: File,
    of: &FileToSend,
) -> impl Stream<Item = std::io::Result<Frame<Bytes>>> + use<> {
    let sent = Arc::clone(&of.sent);
    stream::try_unfold((file, of.size), move |(mut file, left)| {
        let sent = Arc::clone(&sent);
        async move {
            let mut chunk = vec![0; usize::try_from(left).map_or(CHUNK, |n| n.min(CHUNK))];
            let read = file.read(&mut chunk).await?;
            chunk.truncate(read);
            let read = u64::try_from(read).unwrap_or(0);
            sent.fetch_add(read, Ordering::Relaxed);
            let frame = Frame::data(Bytes::from(chunk));
            Ok((read > 0).then_some((frame, (file, left - read))))
        }
    })
}
