//! The stack's one bucket: S3 in process.
//!
//! The protocol (routes, XML, signatures of requests and of presigned URLs) is s3s. Its own store,
//! `s3s-fs`, does not fit: it ignores `If-Match` on a read, names a file by the whole key (a key of
//! 150 bytes fails), and shows an object before its checks and its entity tag are written. So
//! [`store`] keeps the objects.
//!
//! As the bucket of `template.yaml`:
//!
//! - It lets pages of the site call it ([`cors`]).
//! - It sends an event to the queue `uploads` for every new object below `incoming/`, before it
//!   answers. The queue is in memory, so a start sends the events of remaining objects again.
//!
//! Not implemented: versions, tags, user metadata, conditional writes, checksums other than MD5,
//! lifecycle rules.

mod cors;
mod events;
mod protocol;
mod store;

use std::net::TcpListener as StdListener;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;

use self::store::{Store, Stored};
use crate::serve::{Tasks, serve};

/// The bucket's name.
pub const BUCKET: &str = "unicreda-uploads";
/// Its folder in the data folder.
pub const FOLDER: &str = "files";
/// Objects below this prefix have events.
const INCOMING: &str = "incoming/";
/// Access key and secret key of the endpoint, which the stack's clients and `demo.env` use.
const CREDENTIAL: &str = "local";
/// Largest body of a PUT, in bytes (S3 quota).
const MAX_PUT: u64 = 5 * 1024 * 1024 * 1024;
/// Smallest part that is not the last, in bytes (S3 quota).
const MIN_PART: u64 = 5 * 1024 * 1024;
/// Bytes read and written at a time.
const PIECE: usize = 256 * 1024;
/// Largest page of a list (S3 quota).
const MAX_KEYS: usize = 1_000;
/// Most messages of one call (SQS quota).
const BATCH: usize = 10;

/// The running bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    store: Arc<Store>,
    /// The queue of events; no events are sent before it is set.
    events: Arc<OnceLock<(aws_sdk_sqs::Client, String)>>,
}

impl Bucket {
    /// Opens the store in a folder and serves it; pages of `origins` may call it.
    pub fn start(
        listener: StdListener,
        folder: &Path,
        origins: Vec<String>,
        tasks: &Tasks,
    ) -> anyhow::Result<Self> {
        let folder = folder.join(FOLDER);
        let store = Store::open(&folder)
            .with_context(|| format!("opening the files in {}", folder.display()))?;
        let bucket = Self { store: Arc::new(store), events: Arc::default() };
        let mut service = S3ServiceBuilder::new(bucket.clone());
        service.set_auth(SimpleAuth::from_single(CREDENTIAL, CREDENTIAL));
        let (service, origins) = (service.build(), Arc::new(origins));
        serve(TcpListener::from_std(listener)?, tasks, move |request, _| {
            let (service, origins) = (service.clone(), Arc::clone(&origins));
            Box::pin(async move { Ok(answer(&service, &origins, request).await) })
        });
        Ok(bucket)
    }

    /// Sets the queue of events, once, and sends the events of all objects below `incoming/`.
    pub async fn send_events_to(
        &self,
        sqs: aws_sdk_sqs::Client,
        url: String,
    ) -> anyhow::Result<()> {
        let waiting = self.store.under(INCOMING);
        for objects in waiting.chunks(BATCH) {
            let entries = objects.iter().enumerate().map(|(at, object)| {
                SendMessageBatchRequestEntry::builder()
                    .id(at.to_string())
                    .message_body(events::created(object).to_string())
                    .build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let sent = sqs.send_message_batch().queue_url(&url).set_entries(Some(entries)).send();
            let sent = sent.await.context("sending the events of stored files")?;
            anyhow::ensure!(sent.failed().is_empty(), "SQS refused some events of stored files");
        }
        let _ = self.events.set((sqs, url));
        Ok(())
    }

    /// Sends the event of a new object.
    async fn announce(&self, object: &Stored) {
        if !object.key.starts_with(INCOMING) {
            return;
        }
        let Some((sqs, url)) = self.events.get() else { return };
        let sent =
            sqs.send_message().queue_url(url).message_body(events::created(object).to_string());
        // The object is stored all the same, as on AWS; the next start sends its event again.
        if let Err(error) = sent.send().await {
            tracing::error!(%error, "S3 event not queued");
        }
    }
}

/// Answers a request of a client or of a page.
async fn answer(
    service: &S3Service,
    origins: &[String],
    request: Request<Incoming>,
) -> Response<Body> {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin.filter(|origin| origins.iter().any(|known| known == origin));
    if request.method() == Method::OPTIONS {
        return cors::preflight(request.headers(), allowed);
    }
    let answered = service.call(request.map(Body::from)).await;
    let mut response =
        answered.unwrap_or_else(|_| cors::error(StatusCode::INTERNAL_SERVER_ERROR, ""));
    if let Some(origin) = allowed {
        cors::allow(response.headers_mut(), origin);
    }
    response
}
