//! The S3 operations of the bucket.

use std::collections::BTreeMap;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3s::crypto::{Checksum, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CommonPrefix,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput,
    DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag, ETagCondition, GetObjectInput,
    GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
    ListObjectsV2Input, ListObjectsV2Output, Object, PutObjectInput, PutObjectOutput,
    StreamingBlob, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::store::{Piece, Stored, Unfinished, Upload, hex, internal};
use super::{BUCKET, Bucket, MAX_KEYS, MIN_PART, PIECE};

fn require_bucket(bucket: &str) -> S3Result<()> {
    if bucket == BUCKET { Ok(()) } else { Err(s3_error!(NoSuchBucket)) }
}

/// The conditions of a read.
struct Conditions {
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
}

impl Conditions {
    fn check(self, stored: &Stored) -> S3Result<()> {
        let is = |condition: &ETagCondition| match condition.as_etag() {
            Some(etag) => etag.value() == stored.etag,
            None => true,
        };
        if self.if_match.is_some_and(|etag| !is(&etag)) {
            return Err(s3_error!(PreconditionFailed));
        }
        if self.if_none_match.is_some_and(|etag| is(&etag)) {
            return Err(s3_error!(NotModified));
        }
        Ok(())
    }
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
        require_bucket(&input.bucket)?;
        let body = input.body.ok_or_else(|| s3_error!(IncompleteBody))?;
        let piece = self.store.write(body).await?;
        let intact = input.content_md5.is_none_or(|sent| sent == STANDARD.encode(piece.md5));
        if !intact {
            self.store.discard(piece.data);
            return Err(s3_error!(BadDigest));
        }
        let stored = self.store.put(input.key, &piece, hex(&piece.md5), input.content_type)?;
        self.announce(&stored).await;
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
        require_bucket(&input.bucket)?;
        let (stored, file) = self.store.get(&input.key)?;
        let (if_match, if_none_match) = (input.if_match, input.if_none_match);
        Conditions { if_match, if_none_match }.check(&stored)?;
        let range = input.range.map(|range| range.check(stored.size)).transpose();
        let range = range.map_err(|_| s3_error!(InvalidRange))?;
        let content_range = range.as_ref().map(|range| {
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
            content_range,
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
        require_bucket(&input.bucket)?;
        let (stored, _) = self.store.get(&input.key)?;
        let (if_match, if_none_match) = (input.if_match, input.if_none_match);
        Conditions { if_match, if_none_match }.check(&stored)?;
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
        require_bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        require_bucket(&request.input.bucket)?;
        self.store.delete(&request.input.key)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = request.input;
        require_bucket(&input.bucket)?;
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
        require_bucket(&input.bucket)?;
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
        require_bucket(&input.bucket)?;
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
        require_bucket(&input.bucket)?;
        let body = input.body.ok_or_else(|| s3_error!(IncompleteBody))?;
        let piece = self.store.write(body).await?;
        let (data, etag) = (piece.data, hex(&piece.md5));
        let mut index = self.store.lock();
        let upload = index.uploads.get_mut(&input.upload_id).filter(|u| u.key == input.key);
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
        require_bucket(&input.bucket)?;
        let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let (parts, content_type) = self.parts(&input.upload_id, &input.key, named)?;
        let (piece, etag) = self.join(&parts).await?;
        let stored = self.store.put(input.key.clone(), &piece, etag, content_type)?;
        self.end(&input.upload_id);
        self.announce(&stored).await;
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
        require_bucket(&request.input.bucket)?;
        self.end(&request.input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}

impl Bucket {
    /// The parts that complete an upload, in order, and its content type.
    fn parts(
        &self,
        upload_id: &str,
        key: &str,
        named: Vec<CompletedPart>,
    ) -> S3Result<(Vec<Piece>, Option<String>)> {
        let index = self.store.lock();
        let upload = index.uploads.get(upload_id).filter(|upload| upload.key == key);
        let upload = upload.ok_or_else(|| s3_error!(NoSuchUpload))?;
        let mut parts = Vec::new();
        let mut last = 0;
        for part in named {
            let number = part.part_number.unwrap_or_default();
            if number <= last {
                return Err(s3_error!(InvalidPartOrder));
            }
            last = number;
            let etag = part.e_tag.map(ETag::into_value);
            let piece = upload.parts.get(&number).filter(|p| etag == Some(hex(&p.md5)));
            parts.push(*piece.ok_or_else(|| s3_error!(InvalidPart))?);
        }
        let Some((_, others)) = parts.split_last() else {
            return Err(s3_error!(MalformedXML));
        };
        if others.iter().any(|part| part.size < MIN_PART) {
            return Err(s3_error!(EntityTooSmall));
        }
        Ok((parts, upload.content_type.clone()))
    }

    /// Copies parts to one file; with the entity tag of the whole.
    async fn join(&self, parts: &[Piece]) -> S3Result<(Piece, String)> {
        let (mut whole, mut size) = (Md5::new(), 0);
        let data = Uuid::new_v4();
        let mut unfinished = Unfinished(Some(self.store.file(data)));
        let mut file = self.store.create(data).await.map_err(internal)?;
        for part in parts {
            whole.update(&part.md5);
            let mut part =
                tokio::fs::File::open(self.store.file(part.data)).await.map_err(internal)?;
            size += tokio::io::copy(&mut part, &mut file).await.map_err(internal)?;
        }
        file.shutdown().await.map_err(internal)?;
        unfinished.0 = None;
        let md5 = whole.finalize();
        let etag = format!("{}-{}", hex(&md5), parts.len());
        Ok((Piece { data, size, md5 }, etag))
    }

    /// Deletes a multipart upload and its parts.
    fn end(&self, upload_id: &str) -> Option<()> {
        let upload = self.store.lock().uploads.remove(upload_id)?;
        upload.parts.into_values().for_each(|part| self.store.discard(part.data));
        Some(())
    }
}
