//! The bucket of uploaded files and of results.
//!
//! | key | object |
//! |---|---|
//! | `incoming/{live\|test}/{org}/{template}/{upload}/{name}` | a file that `POST /uploads` announced |
//! | `incoming/{live\|test}/{org}/{template}/…` | a file that another system wrote |
//! | `sheets/{live\|test}/{org}/{job}.jsonl` | the rows of a job's spreadsheet, see [`workbook`](crate::sheet::workbook) |
//! | `results/{live\|test}/{org}/{job}.csv`, `….xlsx` | the results file of a job |
//! | `exports/{org}/{job}.zip` | the archive of an export, and under `{job}/` what was found until it is made |
//! | `prints/{live\|test}/{org}/{job}/{lang}/{attempt}/{number}.zip` | certificates of a job, and under `pieces/` what they are |
//! | `erasures/{org}/{job}.json` | the note of an erasure, to be applied again after a restore: keyed hashes and ids |

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client,
    config::{RequestChecksumCalculation, ResponseChecksumValidation},
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{domain::upload::Object, sdk::pause};

/// Validity of a presigned URL.
pub const PRESIGNED_FOR: Duration = Duration::from_secs(15 * 60);
/// Bytes of a part of a large object; S3 requires 5 MiB of each part but the last.
const PART: usize = 8 * 1024 * 1024;
/// Attempts at a read.
const ROUNDS: u32 = 6;

/// A call to S3 failed. The error leaves out the key, which holds the organization's file name.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The object was deleted or replaced.
    #[error("the file is gone or was replaced")]
    Gone,
    /// A later attempt is likely to succeed.
    #[error("S3 is not available: {0}")]
    Unavailable(String),
    /// The function has no bucket: a bug.
    #[error("this function touches no files")]
    NoBucket,
}

pub(super) fn trouble<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> FileError {
    let code = crate::sdk::error_kind(error);
    match code.as_str() {
        "NoSuchKey" | "NoSuchVersion" | "NoSuchUpload" | "NotFound" | "PreconditionFailed" => {
            FileError::Gone
        }
        _ => FileError::Unavailable(code),
    }
}

/// The bucket.
#[derive(Clone, Debug)]
pub struct Files {
    pub(super) client: Client,
    pub(super) bucket: String,
}

/// A presigned request.
#[derive(Clone, Debug)]
pub struct Presigned {
    /// The URL.
    pub url: String,
    /// Headers that are signed and must be sent.
    pub headers: Vec<(String, String)>,
}

impl Files {
    /// Builds the client. An emulator (a configured endpoint) has the bucket in the path, AWS in
    /// the host.
    pub fn new(sdk: &SdkConfig, bucket: String) -> Self {
        let elsewhere = sdk.endpoint_url().is_some()
            || ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]
                .iter()
                .any(|name| std::env::var(name).is_ok_and(|url| !url.is_empty()));
        // TLS and the length protect the content; the URLs for clients would have to sign a
        // further checksum.
        let config = aws_sdk_s3::config::Builder::from(sdk)
            .force_path_style(elsewhere)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Self { client: Client::from_conf(config), bucket }
    }

    /// Returns the client, for tests and tools.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Signs a URL that takes one object of exactly this size, for [`PRESIGNED_FOR`].
    ///
    /// # Errors
    /// [`FileError::Unavailable`] when it cannot be signed.
    pub async fn presigned_put(&self, key: &str, size: u64) -> Result<Presigned, FileError> {
        let put = self.client.put_object().bucket(&self.bucket).key(key);
        let presigned = put
            .content_length(i64::try_from(size).unwrap_or(i64::MAX))
            .presigned(presigning()?)
            .await
            .map_err(|error| trouble(&error))?;
        Ok(as_presigned(&presigned))
    }

    /// Signs a URL that serves an object under a file name, for [`PRESIGNED_FOR`].
    ///
    /// # Errors
    /// [`FileError::Unavailable`] when it cannot be signed.
    pub async fn presigned_get(&self, key: &str, name: &str) -> Result<Presigned, FileError> {
        let presigned = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .response_content_disposition(disposition(name))
            .presigned(presigning()?)
            .await
            .map_err(|error| trouble(&error))?;
        Ok(as_presigned(&presigned))
    }

    /// Reads at most `length` bytes of an object from a position on; none at its end.
    ///
    /// # Errors
    /// [`FileError::Gone`] when the object was deleted or replaced.
    pub async fn read(
        &self,
        object: &Object,
        from: u64,
        length: u64,
    ) -> Result<Vec<u8>, FileError> {
        if from >= object.size {
            return Ok(Vec::new());
        }
        let last = object.size.min(from.saturating_add(length)) - 1;
        let mut round = 0;
        loop {
            pause(round).await;
            round += 1;
            match self.read_once(object, from, last).await {
                Err(FileError::Unavailable(_)) if round < ROUNDS => {}
                outcome => return outcome,
            }
        }
    }

    async fn read_once(&self, object: &Object, from: u64, last: u64) -> Result<Vec<u8>, FileError> {
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(&object.key)
            .set_version_id(object.version.clone())
            .if_match(format!("\"{}\"", object.etag))
            .range(format!("bytes={from}-{last}"))
            .send()
            .await
            .map_err(|error| trouble(&error))?;
        let body = answer.body.collect().await;
        let bytes = body.map_err(|_| FileError::Unavailable("the body broke off".to_owned()))?;
        let bytes = bytes.to_vec();
        if bytes.len() as u64 == last - from + 1 {
            Ok(bytes)
        } else {
            Err(FileError::Unavailable("the body was cut short".to_owned()))
        }
    }

    /// Keys below a prefix, in their order, after `after`; at most 1,000.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<String>, FileError> {
        let list = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let list = list.set_start_after(after.map(str::to_owned)).send().await;
        let list = list.map_err(|error| trouble(&error))?;
        Ok(list.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect())
    }

    /// Reads a small object as a whole.
    ///
    /// # Errors
    /// [`FileError::Gone`] when there is no such object.
    pub async fn read_whole(&self, key: &str) -> Result<Vec<u8>, FileError> {
        let get = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let body = get.map_err(|error| trouble(&error))?.body.collect().await;
        let bytes = body.map_err(|_| FileError::Unavailable("the body broke off".to_owned()))?;
        Ok(bytes.to_vec())
    }

    /// Reads an object that this service wrote, whole.
    ///
    /// # Errors
    /// [`FileError::Gone`] when it was deleted.
    pub async fn get(&self, key: &str) -> Result<Vec<u8>, FileError> {
        let get = self.client.get_object().bucket(&self.bucket).key(key);
        let answer = get.send().await.map_err(|error| trouble(&error))?;
        let body = answer.body.collect().await;
        let bytes = body.map_err(|_| FileError::Unavailable("the body broke off".to_owned()))?;
        Ok(bytes.to_vec())
    }

    /// Starts to write an object in pieces; it exists once [`Writer::finish`] returns.
    pub fn writer(&self, key: String, content_type: &'static str) -> Writer<'_> {
        Writer {
            files: self,
            key,
            content_type,
            buffer: Vec::new(),
            upload: None,
            parts: vec![],
            size: 0,
        }
    }

    /// Deletes objects; one that does not exist is no error.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn delete(&self, keys: &[&str]) -> Result<(), FileError> {
        let objects = keys
            .iter()
            .map(|key| ObjectIdentifier::builder().key(*key).build())
            .collect::<Result<Vec<_>, _>>();
        let delete = objects
            .and_then(|objects| Delete::builder().set_objects(Some(objects)).quiet(true).build())
            .map_err(|error| FileError::Unavailable(error.to_string()))?;
        let answer = self
            .client
            .delete_objects()
            .bucket(&self.bucket)
            .delete(delete)
            .send()
            .await
            .map_err(|error| trouble(&error))?;
        match answer.errors().first() {
            None => Ok(()),
            Some(error) => {
                Err(FileError::Unavailable(error.code().unwrap_or("unknown").to_owned()))
            }
        }
    }
}

/// Writes one object, a large one in parts; it holds one part in memory.
#[derive(Debug)]
pub struct Writer<'a> {
    files: &'a Files,
    key: String,
    content_type: &'static str,
    buffer: Vec<u8>,
    upload: Option<String>,
    parts: Vec<CompletedPart>,
    size: u64,
}

impl Writer<'_> {
    /// Takes more bytes.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.buffer.extend_from_slice(bytes);
        self.size += bytes.len() as u64;
        if self.buffer.len() >= PART { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), FileError> {
        let (client, bucket) = (&self.files.client, &self.files.bucket);
        let upload = match &self.upload {
            Some(upload) => upload.clone(),
            None => {
                let begun = client
                    .create_multipart_upload()
                    .bucket(bucket)
                    .key(&self.key)
                    .content_type(self.content_type)
                    .send()
                    .await
                    .map_err(|error| trouble(&error))?;
                let id = begun.upload_id.unwrap_or_default();
                self.upload = Some(id.clone());
                id
            }
        };
        let number = i32::try_from(self.parts.len() + 1).unwrap_or(i32::MAX);
        let part = client
            .upload_part()
            .bucket(bucket)
            .key(&self.key)
            .upload_id(upload)
            .part_number(number)
            .body(ByteStream::from(std::mem::take(&mut self.buffer)))
            .send()
            .await
            .map_err(|error| trouble(&error))?;
        self.parts.push(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build());
        Ok(())
    }

    /// Writes the rest and completes the object, which it returns.
    ///
    /// # Errors
    /// [`FileError`]; the bucket's lifecycle deletes the parts that were written.
    pub async fn finish(mut self) -> Result<Object, FileError> {
        let (client, bucket) = (&self.files.client, &self.files.bucket);
        if self.upload.is_none() {
            let put = client
                .put_object()
                .bucket(bucket)
                .key(&self.key)
                .content_type(self.content_type)
                .body(ByteStream::from(std::mem::take(&mut self.buffer)))
                .send()
                .await
                .map_err(|error| trouble(&error))?;
            return Ok(self.object(put.e_tag));
        }
        if !self.buffer.is_empty() {
            self.flush().await?;
        }
        let parts = std::mem::take(&mut self.parts);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let completed = client
            .complete_multipart_upload()
            .bucket(bucket)
            .key(&self.key)
            .set_upload_id(self.upload.clone())
            .multipart_upload(parts)
            .send()
            .await
            .map_err(|error| trouble(&error))?;
        Ok(self.object(completed.e_tag))
    }

    fn object(self, etag: Option<String>) -> Object {
        let etag = etag.unwrap_or_default().trim_matches('"').to_owned();
        Object { key: self.key, version: None, etag, size: self.size }
    }
}

fn presigning() -> Result<PresigningConfig, FileError> {
    PresigningConfig::expires_in(PRESIGNED_FOR)
        .map_err(|error| FileError::Unavailable(error.to_string()))
}

fn as_presigned(request: &aws_sdk_s3::presigning::PresignedRequest) -> Presigned {
    let headers = request.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Presigned { url: request.uri().to_owned(), headers: headers.collect() }
}

/// Characters that RFC 8187's form encodes: all but letters, digits and these three.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Returns the `Content-Disposition` (RFC 6266) that names a download, in any script.
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' })
        .collect();
    format!(
        "attachment; filename=\"{plain}\"; filename*=UTF-8''{}",
        utf8_percent_encode(name, PLAIN)
    )
}
