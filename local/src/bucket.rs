//! S3 in process: the one bucket of the stack, in files of the data folder.
//!
//! The protocol is s3s: routes, XML, signatures of requests and of presigned URLs. Its own
//! store, `s3s-fs`, does not serve: it ignores `If-Match` on a read, names a file by the
//! whole key (a key of 150 bytes fails), and shows an object before its checks and its entity
//! tag are written. So [`Store`] keeps the objects here:
//!
//! - `files/{uuid}` holds bytes, `files/{uuid}.json` says what they are the object of. The
//!   second file makes the object appear, by a rename, and an overwritten one at once another:
//!   no reader sees half of one, `kill -9` leaves whole objects and orphans, and a start
//!   removes the orphans. Nothing is synced: a power cut can lose the last objects.
//! - Bodies pass through in pieces; memory holds keys, sizes and tags.
//! - Multipart uploads that are not complete end with the process; on AWS they stand for a day.
//!
//! Beside it, what the bucket of `template.yaml` does:
//!
//! - It lets pages of the site call it (CORS), as its `CorsConfiguration` says.
//! - It puts an event on the queue `uploads` for every object that appears under `incoming/`,
//!   before it answers. The queue lives in memory, so a start does it again for those that are
//!   still there.
//!
//! Not here: versions, tags, user metadata, conditional writes, checksums other than MD5,
//! lifecycle rules.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::net::TcpListener as StdListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::auth::SimpleAuth;
use s3s::crypto::{Checksum, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CommonPrefix,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput,
    DeleteObjectsOutput, DeletedObject, ETag, ETagCondition, GetObjectInput, GetObjectOutput,
    HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object, PutObjectInput, PutObjectOutput, StreamingBlob, UploadPartInput,
    UploadPartOutput,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3, S3Error, S3Request, S3Response, S3Result, StdError, s3_error};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufWriter};
use tokio::net::TcpListener;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use crate::folder;
use crate::serve::{Tasks, serve};

/// The bucket's name.
pub const BUCKET: &str = "unicreda-uploads";
/// Its folder in the data folder.
pub const FOLDER: &str = "files";
/// Objects below it are told to the queue.
const INCOMING: &str = "incoming/";
/// What the endpoint takes as key and as secret: what the stack's own clients and `demo.env` say.
const CREDENTIALS: (&str, &str) = ("local", "local");
/// Bytes that one PUT takes (S3 quota).
const MAX_PUT: u64 = 5 * 1024 * 1024 * 1024;
/// Bytes of a part that is not the last (S3 quota).
const MIN_PART: u64 = 5 * 1024 * 1024;
/// Bytes that are read and written at a time.
const PIECE: usize = 256 * 1024;
/// Entries of a list (S3 quota).
const MAX_KEYS: usize = 1_000;
/// Messages of one call (SQS quota).
const BATCH: usize = 10;

/// Where events go: nowhere until the queue is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals {
    queue: Arc<OnceLock<(aws_sdk_sqs::Client, String)>>,
}

/// The running bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    store: Arc<Store>,
    arrivals: Arrivals,
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
        let bucket = Self { store: Arc::new(store), arrivals: Arrivals::default() };
        let mut service = S3ServiceBuilder::new(bucket.clone());
        service.set_auth(SimpleAuth::from_single(CREDENTIALS.0, CREDENTIALS.1));
        let (service, origins) = (service.build(), Arc::new(origins));
        serve(TcpListener::from_std(listener)?, tasks, move |request, _| {
            let (service, origins) = (service.clone(), Arc::clone(&origins));
            Box::pin(async move { Ok(answer(&service, &origins, request).await) })
        });
        Ok(bucket)
    }

    /// Names the queue of events, once, and tells it of everything that is under `incoming/`.
    pub async fn tell(&self, sqs: aws_sdk_sqs::Client, url: String) -> anyhow::Result<()> {
        let waiting = self.store.under(INCOMING);
        for objects in waiting.chunks(BATCH) {
            let entries = objects.iter().enumerate().map(|(at, object)| {
                SendMessageBatchRequestEntry::builder()
                    .id(at.to_string())
                    .message_body(event(object).to_string())
                    .build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let sent = sqs.send_message_batch().queue_url(&url).set_entries(Some(entries)).send();
            let sent = sent.await.context("telling of the files that wait")?;
            anyhow::ensure!(sent.failed().is_empty(), "SQS took not all of the files that wait");
        }
        let _ = self.arrivals.queue.set((sqs, url));
        Ok(())
    }

    async fn arrived(&self, object: &Stored) {
        if !object.key.starts_with(INCOMING) {
            return;
        }
        let Some((sqs, url)) = self.arrivals.queue.get() else { return };
        let sent = sqs.send_message().queue_url(url).message_body(event(object).to_string());
        // The object stands all the same, as on AWS; the next start tells of it again.
        if let Err(error) = sent.send().await {
            tracing::error!(%error, "S3 event not queued");
        }
    }
}

/// What stays as it is in the key of an event.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// The event of an object that appeared (S3, "Event message structure").
fn event(object: &Stored) -> Value {
    let name = if object.etag.contains('-') { "CompleteMultipartUpload" } else { "Put" };
    let key = utf8_percent_encode(&object.key, PLAIN).to_string().replace(' ', "+");
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": object.modified.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        "eventName": format!("ObjectCreated:{name}"),
        "userIdentity": { "principalId": "AWS:local" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": {
            "x-amz-request-id": object.data.simple().to_string(), "x-amz-id-2": "local",
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "uploads",
            "bucket": {
                "name": BUCKET,
                "ownerIdentity": { "principalId": "local" },
                "arn": format!("arn:aws:s3:::{BUCKET}"),
            },
            "object": {
                "key": key,
                "size": object.size,
                "eTag": object.etag,
                "sequencer": format!("{:018X}", object.modified.as_microsecond()),
            },
        },
    }] })
}

/// Answers a request, of a page too.
async fn answer(
    service: &S3Service,
    origins: &[String],
    request: Request<Incoming>,
) -> Response<Body> {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin.filter(|origin| origins.iter().any(|known| known == origin));
    if request.method() == Method::OPTIONS {
        return preflight(request.headers(), allowed);
    }
    let answered = service.call(request.map(Body::from)).await;
    let mut response = answered.unwrap_or_else(|_| failed(StatusCode::INTERNAL_SERVER_ERROR, ""));
    if let Some(origin) = allowed {
        allow(response.headers_mut(), origin);
    }
    response
}

/// Answers a page's question whether it may.
fn preflight(asked: &HeaderMap, allowed: Option<HeaderValue>) -> Response<Body> {
    let method = asked.get(header::ACCESS_CONTROL_REQUEST_METHOD);
    let method = method.filter(|method| *method == "PUT" || *method == "GET");
    let (Some(origin), Some(_)) = (allowed, method) else {
        let refusal = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessForbidden</Code><Message>CORSResponse: This CORS request is not allowed.</Message></Error>";
        return failed(StatusCode::FORBIDDEN, refusal);
    };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    allow(headers, origin);
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3000"));
    response
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "PUT, GET"),
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag"),
        (header::VARY, "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn failed(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes::Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

/// An object; the content of its `.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    key: String,
    /// File of its bytes.
    data: Uuid,
    size: u64,
    /// Without quotes.
    etag: String,
    modified: Timestamp,
    content_type: Option<String>,
}

impl Stored {
    fn modified(&self) -> s3s::dto::Timestamp {
        let since = u64::try_from(self.modified.as_microsecond()).unwrap_or_default();
        (UNIX_EPOCH + Duration::from_micros(since)).into()
    }
}

/// Bytes on file that belong to no object yet.
#[derive(Debug)]
struct Piece {
    data: Uuid,
    size: u64,
    md5: [u8; 16],
}

/// A multipart upload that is not complete.
#[derive(Debug)]
struct Upload {
    key: String,
    content_type: Option<String>,
    parts: BTreeMap<i32, Piece>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By key; with the name of the `.json`.
    objects: BTreeMap<String, (Uuid, Stored)>,
    uploads: HashMap<String, Upload>,
}

/// The objects of the bucket.
#[derive(Debug)]
struct Store {
    folder: PathBuf,
    kept: Mutex<Kept>,
}

impl Store {
    /// Opens a folder, or makes it; removes what belongs to no object.
    fn open(folder: &Path) -> io::Result<Self> {
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
        let kept = Kept { objects, uploads: HashMap::new() };
        Ok(Self { folder: folder.to_owned(), kept: Mutex::new(kept) })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, data: Uuid) -> PathBuf {
        self.folder.join(data.to_string())
    }

    async fn create(&self, data: Uuid) -> io::Result<BufWriter<tokio::fs::File>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = tokio::fs::OpenOptions::from(options).open(self.file(data)).await?;
        Ok(BufWriter::with_capacity(PIECE, file))
    }

    /// Puts a body on file; nothing stays of one that breaks off.
    async fn write<B>(&self, mut body: B) -> S3Result<Piece>
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

    /// Makes bytes on file the object of a key.
    fn put(
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
        let mut kept = self.lock();
        let name = kept.objects.get(&stored.key).map_or_else(Uuid::new_v4, |(name, _)| *name);
        folder::write(&self.folder.join(format!("{name}.json")), &json)
            .map_err(|error| s3_error!(InternalError, "{error}"))?;
        if let Some((_, former)) = kept.objects.insert(stored.key.clone(), (name, stored.clone())) {
            self.discard(former.data);
        }
        Ok(stored)
    }

    /// The object of a key, its file open: it can be read to its end, whatever comes.
    fn get(&self, key: &str) -> S3Result<(Stored, fs::File)> {
        let kept = self.lock();
        let (_, stored) = kept.objects.get(key).ok_or_else(|| s3_error!(NoSuchKey))?;
        let file = fs::File::open(self.file(stored.data)).map_err(internal)?;
        Ok((stored.clone(), file))
    }

    fn delete(&self, key: &str) -> S3Result<()> {
        let mut kept = self.lock();
        let Some((name, stored)) = kept.objects.get(key) else { return Ok(()) };
        fs::remove_file(self.folder.join(format!("{name}.json"))).map_err(internal)?;
        self.discard(stored.data);
        kept.objects.remove(key);
        Ok(())
    }

    /// Removes bytes that belong to no object any more; what stays, the next start removes.
    fn discard(&self, data: Uuid) {
        let _ = fs::remove_file(self.file(data));
    }

    fn under(&self, prefix: &str) -> Vec<Stored> {
        let kept = self.lock();
        let from = kept.objects.range(prefix.to_owned()..);
        let under = from.take_while(|(key, _)| key.starts_with(prefix));
        under.map(|(_, (_, stored))| stored.clone()).collect()
    }
}

/// Removes a file unless its path is taken out.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            let _ = fs::remove_file(path);
        }
    }
}

fn internal<E: std::error::Error + Send + Sync + 'static>(error: E) -> S3Error {
    S3Error::internal_error(error)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of_bucket(bucket: &str) -> S3Result<()> {
    if bucket == BUCKET { Ok(()) } else { Err(s3_error!(NoSuchBucket)) }
}

/// Whether the object is the one that a read is about.
fn judge(
    stored: &Stored,
    must: Option<ETagCondition>,
    must_not: Option<ETagCondition>,
) -> S3Result<()> {
    let is = |condition: &ETagCondition| match condition.as_etag() {
        Some(etag) => etag.value() == stored.etag,
        None => true,
    };
    if must.is_some_and(|etag| !is(&etag)) {
        return Err(s3_error!(PreconditionFailed));
    }
    if must_not.is_some_and(|etag| is(&etag)) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

fn i64_of(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

#[async_trait::async_trait]
impl S3 for Bucket {
    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        of_bucket(&input.bucket)?;
        let body = input.body.ok_or_else(|| s3_error!(IncompleteBody))?;
        let piece = self.store.write(body).await?;
        let sent = input.content_md5.is_none_or(|sent| sent == STANDARD.encode(piece.md5));
        if !sent {
            self.store.discard(piece.data);
            return Err(s3_error!(BadDigest));
        }
        let stored = self.store.put(input.key, &piece, hex(&piece.md5), input.content_type)?;
        self.arrived(&stored).await;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(stored.etag)),
            ..PutObjectOutput::default()
        }))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        of_bucket(&input.bucket)?;
        let (stored, file) = self.store.get(&input.key)?;
        judge(&stored, input.if_match, input.if_none_match)?;
        let range = input.range.map(|range| range.check(stored.size)).transpose();
        let range = range.map_err(|_| s3_error!(InvalidRange))?;
        let of_all = range.as_ref().map(|range| {
            format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), stored.size)
        });
        let range = range.unwrap_or(0..stored.size);
        let length = range.end.saturating_sub(range.start);
        let mut file = tokio::fs::File::from_std(file);
        file.seek(io::SeekFrom::Start(range.start)).await.map_err(internal)?;
        let body = ReaderStream::with_capacity(file.take(length), PIECE);
        Ok(S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            last_modified: Some(stored.modified()),
            body: Some(StreamingBlob::wrap(body)),
            content_length: Some(i64_of(length)),
            content_range: of_all,
            content_type: stored.content_type,
            e_tag: Some(ETag::Strong(stored.etag)),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        of_bucket(&input.bucket)?;
        let (stored, _) = self.store.get(&input.key)?;
        judge(&stored, input.if_match, input.if_none_match)?;
        Ok(S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            last_modified: Some(stored.modified()),
            content_length: Some(i64_of(stored.size)),
            content_type: stored.content_type,
            e_tag: Some(ETag::Strong(stored.etag)),
            ..HeadObjectOutput::default()
        }))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        of_bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        of_bucket(&request.input.bucket)?;
        self.store.delete(&request.input.key)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = request.input;
        of_bucket(&input.bucket)?;
        let mut deleted = Vec::new();
        for object in input.delete.objects {
            self.store.delete(&object.key)?;
            deleted.push(DeletedObject { key: Some(object.key), ..DeletedObject::default() });
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: (!quiet).then_some(deleted),
            ..DeleteObjectsOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        of_bucket(&input.bucket)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().filter(|delimiter| !delimiter.is_empty());
        let after = input.continuation_token.clone().max(input.start_after.clone());
        let wanted = input.max_keys.and_then(|max| usize::try_from(max).ok());
        let wanted = wanted.unwrap_or(MAX_KEYS).min(MAX_KEYS);
        let (mut contents, mut groups) = (Vec::new(), Vec::new());
        let (mut last, mut more) = (None, false);
        for stored in self.store.under(&prefix) {
            let below = stored.key.get(prefix.len()..).unwrap_or_default();
            let group = delimiter.as_ref().and_then(|delimiter| {
                let (name, _) = below.split_once(delimiter.as_str())?;
                Some(format!("{prefix}{name}{delimiter}"))
            });
            let name = group.as_ref().unwrap_or(&stored.key);
            if after.as_ref().is_some_and(|after| name <= after) || last.as_ref() == Some(name) {
                continue;
            }
            if contents.len() + groups.len() >= wanted {
                more = true;
                break;
            }
            last = Some(name.clone());
            match group {
                Some(group) => groups.push(CommonPrefix { prefix: Some(group) }),
                None => contents.push(Object {
                    last_modified: Some(stored.modified()),
                    key: Some(stored.key),
                    size: Some(i64_of(stored.size)),
                    e_tag: Some(ETag::Strong(stored.etag)),
                    ..Object::default()
                }),
            }
        }
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            start_after: input.start_after,
            continuation_token: input.continuation_token,
            max_keys: i32::try_from(wanted).ok(),
            key_count: i32::try_from(contents.len() + groups.len()).ok(),
            is_truncated: Some(more),
            next_continuation_token: last.filter(|_| more),
            contents: Some(contents),
            common_prefixes: Some(groups),
            ..ListObjectsV2Output::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        of_bucket(&input.bucket)?;
        let id = Uuid::new_v4().simple().to_string();
        let upload = Upload {
            key: input.key.clone(),
            content_type: input.content_type,
            parts: BTreeMap::new(),
        };
        self.store.lock().uploads.insert(id.clone(), upload);
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        of_bucket(&input.bucket)?;
        let body = input.body.ok_or_else(|| s3_error!(IncompleteBody))?;
        let piece = self.store.write(body).await?;
        let (data, etag) = (piece.data, hex(&piece.md5));
        let mut kept = self.store.lock();
        let upload = kept.uploads.get_mut(&input.upload_id).filter(|u| u.key == input.key);
        let Some(upload) = upload else {
            self.store.discard(data);
            return Err(s3_error!(NoSuchUpload));
        };
        if let Some(former) = upload.parts.insert(input.part_number, piece) {
            self.store.discard(former.data);
        }
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(etag)),
            ..UploadPartOutput::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        of_bucket(&input.bucket)?;
        let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let mut parts = Vec::new();
        let content_type = {
            let kept = self.store.lock();
            let upload = kept.uploads.get(&input.upload_id).filter(|u| u.key == input.key);
            let upload = upload.ok_or_else(|| s3_error!(NoSuchUpload))?;
            let mut last = 0;
            for part in named {
                let number = part.part_number.unwrap_or_default();
                if number <= last {
                    return Err(s3_error!(InvalidPartOrder));
                }
                last = number;
                let etag = part.e_tag.map(ETag::into_value);
                let piece = upload.parts.get(&number).filter(|p| etag == Some(hex(&p.md5)));
                let piece = piece.ok_or_else(|| s3_error!(InvalidPart))?;
                parts.push((piece.data, piece.size, piece.md5));
            }
            upload.content_type.clone()
        };
        let (Some(_), complete) = (parts.last(), parts.split_last().map_or(&[][..], |(_, p)| p))
        else {
            return Err(s3_error!(MalformedXML));
        };
        if complete.iter().any(|(_, size, _)| *size < MIN_PART) {
            return Err(s3_error!(EntityTooSmall));
        }
        let (mut whole, mut size) = (Md5::new(), 0);
        let data = Uuid::new_v4();
        let mut unfinished = Unfinished(Some(self.store.file(data)));
        let mut file = self.store.create(data).await.map_err(internal)?;
        for (part, _, md5) in &parts {
            whole.update(md5);
            let mut part = tokio::fs::File::open(self.store.file(*part)).await.map_err(internal)?;
            size += tokio::io::copy(&mut part, &mut file).await.map_err(internal)?;
        }
        file.shutdown().await.map_err(internal)?;
        unfinished.0 = None;
        let md5 = whole.finalize();
        let etag = format!("{}-{}", hex(&md5), parts.len());
        let stored =
            self.store.put(input.key.clone(), &Piece { data, size, md5 }, etag, content_type)?;
        self.end(&input.upload_id);
        self.arrived(&stored).await;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(stored.etag)),
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        of_bucket(&request.input.bucket)?;
        self.end(&request.input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}

impl Bucket {
    /// Forgets a multipart upload and its parts.
    fn end(&self, upload_id: &str) -> Option<()> {
        let upload = self.store.lock().uploads.remove(upload_id)?;
        upload.parts.into_values().for_each(|part| self.store.discard(part.data));
        Some(())
    }
}
