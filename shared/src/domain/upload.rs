//! Files of recipients: the object in the bucket, how it is read, and the upload it came by.

use encoding_rs::WINDOWS_1252;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::{
    ids::{JobId, Mode, OrgId, TemplateId},
    lang::Lang,
};

/// One object, as it was when it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Key, as it is: not percent-encoded.
    pub key: String,
    /// Version, in a bucket that keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Entity tag, without quotes.
    pub etag: String,
    /// Bytes.
    pub size: u64,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Cells between delimiters, under a header.
    Csv,
    /// A JSON object a line, as the API takes a recipient.
    JsonLines,
}

/// How its bytes are letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Windows-1252, what Excel writes in Western languages unless told otherwise.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// The text of some bytes; none when they are no text.
    pub fn text(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Self::Windows1252 => WINDOWS_1252
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(Into::into),
        }
    }
}

/// How a file is read, found once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// What it is.
    pub kind: Kind,
    /// What stands between cells.
    pub delimiter: char,
    /// How its bytes are letters.
    pub encoding: Encoding,
    /// The header's cells; none in JSON Lines.
    pub header: Vec<String>,
    /// Where the first row begins.
    pub start: Position,
}

/// A place between two rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Bytes before it.
    pub offset: u64,
    /// Its line, from 1.
    pub line: u64,
    /// Rows before it, empty ones not counted.
    pub row: u32,
}

/// What a file was let in for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Upload {
    /// Version of this item's format.
    pub v: u32,
    /// Id.
    pub upload_id: Uuid,
    /// Owner.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Template.
    pub template_id: TemplateId,
    /// The file's name.
    pub file_name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whether mail is asked for.
    pub send_email: bool,
    /// Whether it is only to be told what would happen.
    pub dry_run: bool,
    /// Language of its error texts.
    pub lang: Lang,
    /// When it was let in, RFC 3339.
    pub created_at: String,
    /// Until when it can arrive, RFC 3339.
    pub expires_at: String,
    /// The job that it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
}

impl Upload {
    /// Its key in the bucket.
    pub fn key(&self) -> String {
        let Self { mode, org, template_id, upload_id, file_name, .. } = self;
        format!("incoming/{mode}/{org}/{template_id}/{upload_id}/{file_name}")
    }

    /// The answer of the upload routes.
    pub fn answer(&self) -> Value {
        json!({
            "upload_id": self.upload_id,
            "status": if self.job_id.is_some() { "received" } else { "waiting" },
            "job_id": self.job_id,
            "template_id": self.template_id,
            "file_name": self.file_name,
            "size": self.size,
            "send_email": self.send_email,
            "dry_run": self.dry_run,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
        })
    }
}
