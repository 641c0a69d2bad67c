//! Objects of the bucket that are written in parts, by one process after the other.

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};

use crate::aws::s3::{FileError, Files, trouble};

/// Bytes that each part but the last has at least (S3 quota).
pub const LEAST_PART: usize = 5 * 1024 * 1024;

/// An object that is written in parts. It exists once [`Files::complete`] returns.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// Its key.
    pub key: &'a str,
    /// S3's id of the upload.
    pub upload: &'a str,
}

impl Files {
    /// Begins an object, and returns the id of its upload. The bucket's lifecycle ends one that is not completed.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn begin(&self, key: &str, content_type: &str) -> Result<String, FileError> {
        let begin = self.client.create_multipart_upload().bucket(&self.bucket).key(key);
        let begun = begin.content_type(content_type).send().await;
        begun.map_err(|error| trouble(&error))?.upload_id.ok_or(FileError::Gone)
    }

    /// Writes a part, from 1, in place of an earlier one of this number. Returns its entity tag.
    ///
    /// # Errors
    /// [`FileError::Gone`] if the object was completed or given up.
    pub async fn put_part(
        &self,
        of: Parts<'_>,
        number: usize,
        bytes: Vec<u8>,
    ) -> Result<String, FileError> {
        let put = self.client.upload_part().bucket(&self.bucket).key(of.key).upload_id(of.upload);
        let put = put.part_number(number_of(number)).body(ByteStream::from(bytes));
        let part = put.send().await.map_err(|error| trouble(&error))?;
        part.e_tag.ok_or_else(|| FileError::Unavailable("a part without entity tag".to_owned()))
    }

    /// Completes an object from the entity tags of its parts.
    ///
    /// # Errors
    /// [`FileError::Gone`] if it was completed before, or given up.
    pub async fn complete(&self, of: Parts<'_>, tags: &[String]) -> Result<(), FileError> {
        let part = |(at, tag): (usize, &String)| {
            CompletedPart::builder().part_number(number_of(at + 1)).e_tag(tag).build()
        };
        let parts = Some(tags.iter().enumerate().map(part).collect());
        let parts = CompletedMultipartUpload::builder().set_parts(parts).build();
        let complete = self.client.complete_multipart_upload().bucket(&self.bucket).key(of.key);
        let complete = complete.upload_id(of.upload).multipart_upload(parts);
        complete.send().await.map_err(|error| trouble(&error))?;
        Ok(())
    }

    /// Gives an object up, and deletes its parts; one that was completed or given up is no error.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn give_up(&self, of: Parts<'_>) -> Result<(), FileError> {
        let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(of.key);
        match abort.upload_id(of.upload).send().await.map_err(|error| trouble(&error)) {
            Ok(_) | Err(FileError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn number_of(part: usize) -> i32 {
    i32::try_from(part).unwrap_or(i32::MAX)
}
