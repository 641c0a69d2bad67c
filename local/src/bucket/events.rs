//! The bucket's events, as S3 sends them to a queue.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{BUCKET, store::Stored};

/// Characters that the key of an event does not encode.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// The event of a new object (S3, "Event message structure").
pub(super) fn created(object: &Stored) -> Value {
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
