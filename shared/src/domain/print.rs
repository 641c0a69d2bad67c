//! The order of a job's certificates as one archive for a print shop: how far it is, what it holds, and when it ends.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::{
    credential::{Credential, Status},
    ids::{CredentialId, JobId, Mode, OrgId},
    lang::Lang,
    time,
    zip::ZipEntry,
};

/// For how long an archive is kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// After this no process of an order that was withdrawn can still write: more than a function runs.
pub const SETTLES: SignedDuration = SignedDuration::from_mins(20);
/// For how long the item of an order outlives it, if nobody deletes it.
const OUTLIVES: SignedDuration = SignedDuration::from_hours(48);
/// Times that work begins without any progress before the order fails.
pub const MOST_TRIES: u32 = 8;

/// The state of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrintState {
    /// Work is left.
    Open,
    /// The archive is there.
    Made,
    /// A person in it was erased, so it was deleted.
    Withdrawn,
    /// It could not be made.
    Failed,
}

/// An archive that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintFile {
    /// Its certificates.
    pub certificates: u32,
    /// Its bytes.
    pub bytes: u64,
}

/// The archive that is being written, in parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFile {
    /// S3's id of the upload.
    pub upload: String,
    /// The entity tags of its parts.
    #[serde(default)]
    pub parts: Vec<String>,
    /// Bytes of its parts.
    #[serde(default)]
    pub bytes: u64,
    /// Certificates in them.
    #[serde(default)]
    pub certificates: u32,
    /// The first piece that is about it.
    pub first_piece: u32,
    /// Whether its last part is written.
    #[serde(default)]
    pub whole: bool,
}

/// How far an order is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// The last row that was decided; 0 at the beginning.
    pub row: u32,
    /// Certificates that were drawn.
    pub certificates: u32,
    /// Rows without one.
    pub left_out: u32,
    /// Pieces that say what the archives have.
    pub pieces: u32,
    /// Archives that are complete.
    #[serde(default)]
    pub files: Vec<PrintFile>,
    /// The archive that is being written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenFile>,
    /// Hash of all that the archives follow from, up to the row.
    #[serde(default)]
    pub digest: String,
}

/// An archive that was made by an earlier order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerPrint {
    /// Its attempt.
    pub attempt: Uuid,
    /// What it has.
    pub drawn: Drawn,
    /// When it was made, RFC 3339.
    pub made_at: String,
}

/// An order, one for a job and a language.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PrintOrder {
    /// Version of this item's format.
    pub v: u32,
    /// The job.
    pub job_id: JobId,
    /// Its owner.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Language of the certificates.
    pub lang: Lang,
    /// Names its objects; another order of the same job has another.
    pub attempt: Uuid,
    /// When it was ordered, RFC 3339 to the millisecond.
    pub ordered_at: String,
    /// Id of the key that ordered it.
    pub key_id: String,
    /// Rows of the job.
    pub rows: u32,
    /// Its state.
    pub print_state: PrintState,
    /// How far it is.
    pub drawn: Drawn,
    /// The archive of an earlier order, which is taken if nothing has changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<FormerPrint>,
    /// Attempts whose objects are to be deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discarded: Vec<Uuid>,
    /// Changes with every erasure of its organization: what was read before one is not written.
    #[serde(default)]
    pub erasures: u64,
    /// Times that work began since it last went on.
    #[serde(default)]
    pub tries: u32,
    /// The process that works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<String>,
    /// End of its lease, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader_until: Option<i64>,
    /// When it was made, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<String>,
    /// When it was withdrawn, or failed, RFC 3339 to the millisecond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
}

impl PrintOrder {
    /// Key prefix of the objects of an attempt in the bucket.
    pub fn prefix_of(&self, attempt: Uuid) -> String {
        let Self { org, mode, job_id, lang, .. } = self;
        format!("prints/{mode}/{org}/{job_id}/{}/{attempt}/", lang.tag())
    }

    /// Key of an archive, from 1.
    pub fn file_key(&self, number: usize) -> String {
        format!("{}{number}.zip", self.prefix_of(self.attempt))
    }

    /// Key of a piece, from 0.
    pub fn piece_key(&self, attempt: Uuid, number: u32) -> String {
        format!("{}pieces/{number:06}.json", self.prefix_of(attempt))
    }

    /// When its objects and item are deleted; none while work is left.
    pub fn deleted_at(&self) -> Option<Timestamp> {
        let after = |at: &Option<String>, time: SignedDuration| {
            at.as_deref()?.parse::<Timestamp>().ok()?.checked_add(time).ok()
        };
        match self.print_state {
            PrintState::Open => None,
            PrintState::Made => after(&self.made_at, KEPT),
            PrintState::Withdrawn | PrintState::Failed => after(&self.ended_at, SETTLES),
        }
    }

    /// When its item expires, seconds since 1970, if nobody deletes it before.
    pub fn ttl(&self) -> Option<i64> {
        let ordered: Timestamp = self.ordered_at.parse().ok()?;
        Some(ordered.checked_add(KEPT).ok()?.checked_add(OUTLIVES).ok()?.as_second())
    }

    /// The order as the API shows it, without its links.
    pub fn answer(&self, lang: Lang) -> Value {
        let status = match self.print_state {
            PrintState::Open if self.drawn.row == 0 => "PENDING",
            PrintState::Open => "STARTED",
            PrintState::Made => "SUCCESS",
            PrintState::Withdrawn | PrintState::Failed => "FAILURE",
        };
        let failure = match self.print_state {
            PrintState::Open | PrintState::Made => None,
            PrintState::Withdrawn => Some(json!({ "code": "person_erased", "error": lang.pick(
                "Se eliminaron los datos de una persona que estaba en él, así que el archivo se borró; pídelo de nuevo",
                "The data of a person in it were erased, so the archive was deleted; order it again",
            ) })),
            PrintState::Failed => Some(json!({ "code": "not_made", "error": lang.pick(
                "El archivo no se pudo hacer; pídelo de nuevo",
                "The archive could not be made; order it again",
            ) })),
        };
        json!({
            "job_id": self.job_id, "lang": self.lang, "status": status, "ordered_at": self.ordered_at,
            "progress": {
                "current": self.drawn.row, "total": self.rows,
            },
            "certificates": self.drawn.certificates, "left_out": self.drawn.left_out,
            "made_at": self.made_at,
            "deleted_at": self.deleted_at().filter(|_| self.print_state == PrintState::Made).map(time::seconds),
            "failure": failure,
        })
    }
}

/// Why a row has no certificate in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// It issued nothing.
    NotIssued,
    /// Its credential is revoked.
    Revoked,
    /// Its credential is suspended.
    Suspended,
    /// Its credential is blocked.
    Blocked,
    /// Its person was erased.
    Erased,
    /// An earlier row has the same credential.
    Repeated,
    /// Its credential does not verify.
    NotVerified,
    /// It could not be drawn.
    NotDrawn,
}

impl LeftOut {
    /// Why a credential has none, if that is known before it is drawn.
    pub fn of(credential: &Credential) -> Option<Self> {
        match (&credential.blocked, credential.status) {
            (Some(_), _) => Some(Self::Blocked),
            (None, Status::Revoked) => Some(Self::Revoked),
            (None, Status::Suspended) => Some(Self::Suspended),
            (None, Status::Issued) => None,
        }
    }

    /// What the list in the archive says, for staff.
    pub fn text(self, lang: Lang) -> &'static str {
        let (es, en) = match self {
            Self::NotIssued => ("no se emitió", "not issued"),
            Self::Revoked => ("revocada", "revoked"),
            Self::Suspended => ("suspendida", "suspended"),
            Self::Blocked => ("bloqueada", "blocked"),
            Self::Erased => ("eliminada", "erased"),
            Self::Repeated => {
                ("repetida: está en una fila anterior", "repeated: it is in an earlier row")
            }
            Self::NotVerified => ("la firma no se pudo comprobar", "its signature does not verify"),
            Self::NotDrawn => ("no se pudo dibujar", "could not be drawn"),
        };
        lang.pick(es, en)
    }
}

/// A row as the list in the archive has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintedRow {
    /// The row, from 1.
    pub row: u32,
    /// Its line in the file of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Its credential. A row that has none names nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_id: Option<CredentialId>,
    /// Keyed hash of its person's address: an erasure of the person finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The name on the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its file in the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<ZipEntry>,
    /// Why it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
}

/// What one part of an archive has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Its rows, in their order.
    pub rows: Vec<PrintedRow>,
}

/// The hash of a text that follows what was hashed before.
pub fn chained(before: &str, text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("{before}\n{text}").as_bytes()))
}

/// What of a row's credential its certificate follows from.
pub fn line_of(row: u32, found: Result<&Credential, LeftOut>, today: jiff::civil::Date) -> String {
    match found {
        Err(why) => format!("{row} {why:?}"),
        Ok(credential) => {
            let Credential { id, revision, version, .. } = credential;
            let ended = credential.expires_on.is_some_and(|last| last < today);
            let why = LeftOut::of(credential);
            format!("{row} {id} {revision} {version} {why:?} {ended}")
        }
    }
}
