//! Files of recipients: the object in the bucket, how it is read, and the upload it came by.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::{
    column_map::ColumnMap,
    correction::Corrector,
    encoding::Encoding,
    ids::{JobId, Mode, OrgId, TemplateId},
    lang::Lang,
    member_row::{MEMBERS, MembersOrder},
    review::Strict,
    spreadsheet::{HiddenRows, SheetCopy},
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

impl Object {
    /// Whether two objects have the same bytes. The bucket's entity tags are hashes of the content:
    /// it is encrypted with S3's own keys.
    pub fn has_content_of(&self, other: &Self) -> bool {
        (self.size, &self.etag) == (other.size, &other.etag)
    }
}

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Cells between delimiters, under a header.
    Csv,
    /// A JSON object a line, as the API takes a recipient.
    JsonLines,
    /// JSON objects over any number of lines: those of a list, or one after another.
    Json,
    /// The lines of a spreadsheet's rows, which its copy has.
    Sheet,
}

impl Kind {
    /// Whether its rows are cells under a header.
    pub fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Sheet)
    }
}

/// Version of the rules by which rows are told apart. A file is read to its end by those of
/// its survey.
pub const ROW_RULES: u8 = 2;

/// The format of a file, found once by its survey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "stored::Format", into = "stored::Format")]
pub struct Format {
    /// Kind.
    pub kind: Kind,
    /// The character between cells.
    pub delimiter: char,
    /// Encoding of its text.
    pub encoding: Encoding,
    /// Whether the encoding was found by what the letters make of the words.
    pub guessed: bool,
    /// The header's cells; none in JSON.
    pub header: Vec<String>,
    /// The header's line, from 1; 0 in JSON, and where an earlier release read it.
    pub header_line: u64,
    /// Start of the first row.
    pub start: Position,
    /// The rules by which its rows are told apart, see [`ROW_RULES`].
    pub rules: u8,
    /// Of a spreadsheet, the copy of the sheet that is read.
    pub copy: Option<Box<SheetCopy>>,
}

/// The form in which a format is stored.
mod stored {
    use serde::{Deserialize, Serialize};

    use super::{Encoding, Kind, Position, SheetCopy};

    /// A format with what release 0.1 reads of it. `kind` and `encoding` have the values that it
    /// knows; what it does not know stands beside them, so that it refuses rows instead of
    /// reading other letters.
    #[derive(Serialize, Deserialize)]
    pub(super) struct Format {
        kind: Kind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind_now: Option<Kind>,
        delimiter: char,
        encoding: Encoding,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encoding_now: Option<Encoding>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        guessed: bool,
        header: Vec<String>,
        #[serde(default)]
        header_line: u64,
        start: Position,
        #[serde(default)]
        rules: u8,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        copy: Option<Box<SheetCopy>>,
    }

    impl From<Format> for super::Format {
        fn from(stored: Format) -> Self {
            Self {
                kind: stored.kind_now.unwrap_or(stored.kind),
                delimiter: stored.delimiter,
                encoding: stored.encoding_now.unwrap_or(stored.encoding),
                guessed: stored.guessed,
                header: stored.header,
                header_line: stored.header_line,
                start: stored.start,
                rules: stored.rules,
                copy: stored.copy,
            }
        }
    }

    impl From<super::Format> for Format {
        fn from(format: super::Format) -> Self {
            let (kind, kind_now) = match format.kind {
                now @ (Kind::Json | Kind::Sheet) => (Kind::JsonLines, Some(now)),
                known => (known, None),
            };
            let (encoding, encoding_now) = match format.encoding {
                known @ (Encoding::Utf8 | Encoding::Windows1252) => (known, None),
                other => (Encoding::Utf8, Some(other)),
            };
            Self {
                kind,
                kind_now,
                delimiter: format.delimiter,
                encoding,
                encoding_now,
                guessed: format.guessed,
                header: format.header,
                header_line: format.header_line,
                start: format.start,
                rules: format.rules,
                copy: format.copy,
            }
        }
    }
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
    /// Whether the byte before it is a CR whose line is not counted yet: an LF may follow.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_cr: bool,
}

/// An announced file, and the terms under which it will be issued.
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
    /// Template; nil for a file of members.
    pub template_id: TemplateId,
    /// Whether it lists members, and nothing is issued from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<MembersOrder>,
    /// The file's name.
    pub file_name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whether the request asked for mail.
    pub send_email: bool,
    /// Whether its job is a dry run, or corrects: see [`Corrector::dry_run`].
    pub dry_run: bool,
    /// Who asked that its rows correct the credentials that they name, if anybody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrector: Option<Corrector>,
    /// Whether who announced it may not read private facts: its rows are not compared by them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
    /// The kinds of warnings that refuse a row.
    #[serde(default, skip_serializing_if = "Strict::is_empty")]
    pub strict: Strict,
    /// Whether its rows are issued again if their credentials were erased.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reissue: bool,
    /// Encoding of its text, if the request named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// How its columns are read, as far as the request says.
    #[serde(default, skip_serializing_if = "ColumnMap::is_empty")]
    pub column_map: ColumnMap,
    /// Whether the request said that of its dates the day comes first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub day_first: bool,
    /// The sheet of a spreadsheet that is read, if the request named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// What becomes of its hidden rows, if the request said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_rows: Option<HiddenRows>,
    /// Language of its error texts.
    pub lang: Lang,
    /// When it was announced, RFC 3339.
    pub created_at: String,
    /// Last instant at which it can arrive, RFC 3339.
    pub expires_at: String,
    /// The job that it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// When another content last arrived after the one that began the job, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored_at: Option<String>,
}

impl Upload {
    /// Whether its job is a dry run.
    pub fn is_dry_run(&self) -> bool {
        if let Some(order) = &self.members {
            return order.dry_run;
        }
        self.corrector.as_ref().map_or(self.dry_run, |corrector| corrector.dry_run)
    }

    /// Its key in the bucket.
    pub fn key(&self) -> String {
        let Self { mode, org, template_id, upload_id, file_name, .. } = self;
        if self.members.is_some() {
            return format!("incoming/{mode}/{org}/{MEMBERS}/{upload_id}/{file_name}");
        }
        format!("incoming/{mode}/{org}/{template_id}/{upload_id}/{file_name}")
    }

    fn status(&self) -> &'static str {
        if self.job_id.is_some() { "received" } else { "waiting" }
    }

    /// The answer of the upload routes.
    pub fn answer(&self, lang: Lang) -> Value {
        let ignored = self.ignored_at.as_ref().map(|at| {
            let detail = lang.pick(
                "A la misma dirección llegó después otro contenido, del que no se emite nada; para emitirlo, crea otra subida",
                "Another content arrived later at the same address, and nothing is issued from it; to issue it, create another upload",
            );
            json!({ "at": at, "detail": detail })
        });
        if self.members.is_some() {
            return json!({
                "upload_id": self.upload_id,
                "status": self.status(),
                "job_id": self.job_id,
                "ignored": ignored,
                "kind": MEMBERS,
                "file_name": self.file_name,
                "size": self.size,
                "dry_run": self.is_dry_run(),
                "encoding": self.encoding,
                "column_map": self.column_map.answer(),
                "sheet": self.sheet, "hidden_rows": self.hidden_rows,
                "created_at": self.created_at,
                "expires_at": self.expires_at,
            });
        }
        json!({
            "upload_id": self.upload_id,
            "status": self.status(),
            "job_id": self.job_id,
            "ignored": ignored,
            "template_id": self.template_id,
            "file_name": self.file_name,
            "size": self.size,
            "send_email": self.send_email,
            "dry_run": self.is_dry_run(),
            "correct": self.corrector.is_some(),
            "strict": self.strict, "reissue": self.reissue,
            "encoding": self.encoding,
            "column_map": self.column_map.answer(),
            "day_first": self.day_first,
            "sheet": self.sheet, "hidden_rows": self.hidden_rows,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
        })
    }
}

/// Why a file is refused before any of its rows is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileRefusal {
    /// The template issues no new credentials.
    TemplateArchived,
    /// It has more than so many bytes.
    TooLarge(u64),
    /// Live issuing is refused where links end with the deployment.
    LinksEnd,
    /// Its folder says of hidden rows what is not known.
    UnknownTerm,
}

impl FileRefusal {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::TemplateArchived => "template_archived",
            Self::TooLarge(_) => "payload_too_large",
            Self::LinksEnd => "conflict",
            Self::UnknownTerm => "value_not_allowed",
        }
    }

    /// The text in a language.
    pub fn text(self, lang: Lang) -> String {
        match self {
            Self::TemplateArchived => lang
                .pick(
                    "La plantilla está archivada y no emite credenciales nuevas",
                    "The template is archived and issues no new credentials",
                )
                .to_owned(),
            Self::TooLarge(limit) => {
                let mib = limit / (1024 * 1024);
                lang.pick(
                    format!("El archivo supera el límite de {mib} MB; divídelo en varios archivos"),
                    format!("The file is larger than the limit of {mib} MB; split it"),
                )
            }
            Self::LinksEnd => lang
                .pick(
                    "Los enlaces de este despliegue apuntan a un host de execute-api, que desaparece con él; una credencial dura más. Por eso emite solo en modo de prueba. Quien lo opera puede configurar SiteUrl con un dominio propio, o aceptarlo con AcceptExecuteApiHost=true",
                    "This deployment's links point to a host of execute-api, which ends with it; a credential lasts longer. So it issues in test mode only. Whoever operates it can set SiteUrl to a domain of their own, or accept it with AcceptExecuteApiHost=true",
                )
                .to_owned(),
            Self::UnknownTerm => lang
                .pick(
                    "La carpeta hidden_rows=… debe llamarse hidden_rows=skip o hidden_rows=read",
                    "The folder hidden_rows=… must be called hidden_rows=skip or hidden_rows=read",
                )
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_of_the_former_release_is_read_and_it_reads_ours() {
        let former = r#"{"kind":"csv","delimiter":";","encoding":"windows-1252","header":["email"],"start":{"offset":9,"line":2,"row":0}}"#;
        let read: Format = serde_json::from_str(former).expect("a format");
        assert_eq!((read.encoding, read.guessed, read.rules), (Encoding::Windows1252, false, 0));
        assert!(!read.start.after_cr);
        for (kind, encoding) in [
            (Kind::Csv, Encoding::MacRoman),
            (Kind::Json, Encoding::Utf16Le),
            (Kind::JsonLines, Encoding::Utf8),
        ] {
            let ours = Format { kind, encoding, guessed: true, rules: ROW_RULES, ..read.clone() };
            let stored = serde_json::to_value(&ours).expect("JSON");
            assert!(["csv", "json_lines"].contains(&stored["kind"].as_str().expect("text")));
            assert_eq!(stored["encoding"], "utf-8");
            assert_eq!(serde_json::from_value::<Format>(stored).expect("a format"), ours);
        }
    }

    #[test]
    fn an_upload_of_the_former_release_is_read_and_it_issues_nothing_from_one_that_corrects() {
        let former = r#"{"v":1,"upload_id":"550e8400-e29b-41d4-a716-446655440000","org":"demo","mode":"live","template_id":"550e8400-e29b-41d4-a716-446655440000","file_name":"a.csv","size":1,"send_email":true,"dry_run":true,"lang":"es","created_at":"2026-01-01T00:00:00.000Z","expires_at":"2026-01-01T00:15:00Z"}"#;
        let mut upload: Upload = serde_json::from_str(former).expect("an upload");
        assert!(upload.is_dry_run() && upload.corrector.is_none());
        let (key_id, key_name) = ("k".to_owned(), "n".to_owned());
        upload.corrector = Some(Corrector { key_id, key_name, dry_run: false });
        let stored = serde_json::to_value(&upload).expect("JSON");
        assert_eq!(stored["dry_run"], true, "as the former release reads it");
        let read: Upload = serde_json::from_value(stored).expect("an upload");
        assert!(!read.is_dry_run());
    }
}
