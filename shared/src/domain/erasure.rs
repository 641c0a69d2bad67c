//! Erasure: what is left of a credential, and the order of a job that erases.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::{
    credential::{Credential, Status},
    email::EmailAddress,
    fault::{ERASED, FaultText},
    identity::{self, IdSecret},
    ids::{CredentialId, JobId, Mode, OrgId, TemplateId},
    lang::Lang,
    status_entry::StatusEntry,
    tenant::Tenant,
};

/// Why a credential was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// Its person asked for it.
    #[default]
    Request,
    /// It had ended, and the organization keeps what has ended for so long.
    Retention,
}

/// What stays under the id of an erased credential: nothing about its person.
///
/// A former release takes it for an alias that leads nowhere: it shows nothing, and issues nothing
/// in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The credential's id.
    pub id: CredentialId,
    /// The same id.
    pub alias_of: CredentialId,
    /// Version of this item's format.
    pub v: u32,
    /// Issuer.
    pub org: OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Template.
    pub template_id: TemplateId,
    /// When it was issued, RFC 3339.
    pub issued_at: String,
    /// Its status; the bit in the status list says the same.
    pub status: Status,
    /// Greater than that of the credential, so that no change that read it before is written.
    pub revision: u32,
    /// Number of the signed version whose bit is in the status list.
    pub version: u32,
    /// Number of its status list.
    pub list: u32,
    /// Index of its bit.
    pub bit: u32,
    /// When it was erased, RFC 3339.
    pub erased_at: String,
    /// The job that erased it.
    pub erased_by: JobId,
    /// Why.
    #[serde(default)]
    pub why: Why,
}

impl Tombstone {
    /// What stays of a credential that is erased now.
    pub fn of(credential: &Credential, erased_at: String, erased_by: JobId, why: Why) -> Self {
        let StatusEntry { list, index } = credential.signed.status_entry();
        Self {
            id: credential.id,
            alias_of: credential.id,
            v: 1,
            org: credential.org.clone(),
            mode: credential.mode,
            template_id: credential.template_id,
            issued_at: credential.issued_at.clone(),
            status: credential.status,
            revision: credential.revision + 1,
            version: credential.version,
            list,
            bit: index,
            erased_at,
            erased_by,
            why,
        }
    }

    /// Its owner.
    pub fn tenant(&self) -> Tenant<'_> {
        Tenant { org: &self.org, mode: self.mode }
    }

    /// Its entry in a status list.
    pub fn status_entry(&self) -> StatusEntry {
        StatusEntry { list: self.list, index: self.bit }
    }

    /// Whether the file that its holder has still verifies.
    pub fn holds(&self) -> bool {
        self.status == Status::Issued
    }

    /// The answer of the API: ids and instants.
    pub fn answer(&self) -> Value {
        json!({
            "credential_id": self.id, "template_id": self.template_id, "status": "erased",
            "issued_at": self.issued_at, "erased_at": self.erased_at,
            "erasure_job_id": self.erased_by, "erased_for": self.why, "still_valid": self.holds(),
        })
    }
}

/// What is stored under a credential's id.
#[derive(Debug)]
pub enum Stored {
    /// A credential.
    Credential(Box<Credential>),
    /// What is left of one.
    Erased(Box<Tombstone>),
}

impl Stored {
    /// The credential's id.
    pub fn id(&self) -> CredentialId {
        match self {
            Self::Credential(credential) => credential.id,
            Self::Erased(tombstone) => tombstone.id,
        }
    }

    /// The credential, unless it was erased.
    pub fn credential(self) -> Option<Credential> {
        match self {
            Self::Credential(credential) => Some(*credential),
            Self::Erased(_) => None,
        }
    }
}

/// A person, as an organization's tables know them after their address is gone: the keyed hashes
/// of the address, see [`identity::email_key`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The hash in live mode.
    pub live: String,
    /// The hash in test mode.
    pub test: String,
}

impl Subject {
    /// The subject of an address.
    pub fn of(secret: &IdSecret, org: &OrgId, email: &EmailAddress) -> Self {
        let key = |mode| identity::email_key(secret, org, mode, email);
        Self { live: key(Mode::Live), test: key(Mode::Test) }
    }

    /// Whether an address is the subject's.
    pub fn is(&self, secret: &IdSecret, org: &OrgId, email: &EmailAddress) -> bool {
        Self::of(secret, org, email) == *self
    }

    /// Whether a text names the address, whatever stands around it.
    pub fn is_in(&self, secret: &IdSecret, org: &OrgId, text: &str) -> bool {
        addresses_in(text).any(|email| self.is(secret, org, &email))
    }

    /// Whether a text names the address of somebody else.
    pub fn others_in(&self, secret: &IdSecret, org: &OrgId, text: &str) -> bool {
        addresses_in(text).any(|email| !self.is(secret, org, &email))
    }

    /// The hash in a mode.
    pub fn key(&self, mode: Mode) -> &str {
        match mode {
            Mode::Live => &self.live,
            Mode::Test => &self.test,
        }
    }
}

/// The addresses in a text, whatever stands around them.
fn addresses_in(text: &str) -> impl Iterator<Item = EmailAddress> {
    let ends = |c: char| c.is_whitespace() || c.is_control() || r#""\<>()[],;:‹›«»'`"#.contains(c);
    text.split(ends)
        .filter(|word| word.contains('@'))
        .filter_map(|word| EmailAddress::parse(word.trim_end_matches('.')).ok())
}

/// Whom a job about personal data is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A person.
    Person(Subject),
    /// One credential, of the job's mode.
    Credential(CredentialId),
    /// The credentials, in both modes, that ended so many days ago or earlier.
    Ended(u32),
    /// The erasures that were noted since an instant, RFC 3339.
    Since(String),
}

/// What a job about personal data does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrivacyAction {
    /// Erases.
    Erase,
    /// Erases the credentials that ended so many days ago.
    Retain,
    /// Begins the noted erasures again, after a restore of the tables.
    Replay,
    /// Puts everything that is held about a person into one archive.
    Export,
}

impl PrivacyAction {
    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Erase => "erase",
            Self::Retain => "retain",
            Self::Replay => "replay",
            Self::Export => "export",
        }
    }
}

/// What stays of a job's row whose content was erased.
pub fn erased_row(lang: Lang) -> FaultText {
    let text = lang.pick("Eliminada a petición de su titular", "Erased at the person's request");
    FaultText { code: ERASED.to_owned(), text: text.to_owned() }
}

/// What stays of a text about another person's row that quoted the address of one who was erased.
pub fn erased_quote(fault: &FaultText, lang: Lang) -> FaultText {
    let text = lang.pick(
        "El detalle se eliminó con los datos de una persona",
        "The detail was erased with the data of a person",
    );
    FaultText { code: fault.code.clone(), text: text.to_owned() }
}

/// Most credentials that an order remembers.
pub const REMEMBERED: usize = 500;

/// The order of a job about personal data, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivacyOrder {
    /// What it does.
    pub action: PrivacyAction,
    /// About whom.
    pub about: About,
    /// Whether the files that holders have stay valid.
    #[serde(default)]
    pub keep_valid: bool,
    /// What came after this instant is left, RFC 3339: an erasure must not take what the person got
    /// since they asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Whether it repeats an erasure that was noted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// The credentials that it erased, as many as it remembers: rows lead to them under addresses that
    /// were corrected since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<CredentialId>,
    /// Of one credential's erasure, while it runs: whose it is, and was before corrections. What they
    /// were given has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Subject>,
    /// The reason that the request gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Id of the API key that asked for it.
    pub key_id: String,
    /// The name of that key.
    pub key_name: String,
    /// How far it is.
    #[serde(default)]
    pub walk: Walk,
    /// What it did so far.
    #[serde(default)]
    pub done: Erased,
    /// Of an export, the names of what was found so far, in the bucket.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<String>,
}

impl PrivacyOrder {
    /// Whether it makes an archive.
    pub fn exports(&self) -> bool {
        self.action == PrivacyAction::Export
    }

    /// Whether an export has what is erased: it is of the same person, or of one whose credential it was.
    pub fn takes_export_of(&self, whom: &About) -> bool {
        self.about == *whom || matches!(whom, About::Person(of) if self.people.contains(of))
    }

    /// When an erasure that is repeated was asked for first.
    pub fn first_asked(&self) -> Option<Timestamp> {
        self.before.as_deref().filter(|_| self.replayed)?.parse().ok()
    }

    /// Whether something of this instant, RFC 3339, is left.
    pub fn leaves(&self, at: &str) -> bool {
        let instant = |text: &str| text.parse::<Timestamp>().ok();
        match self.before.as_deref().map(instant) {
            None => false,
            Some(before) => instant(at) > before,
        }
    }

    fn status(&self) -> &'static str {
        match (self.action, self.walk.part) {
            (PrivacyAction::Export, Part::Late) => "Escribiendo el archivo",
            (PrivacyAction::Export, Part::Noted | Part::Credentials | Part::Catalog) => {
                "Reuniendo los datos"
            }
            (_, part) => part.text(),
        }
    }

    /// How far it is, as the API shows it.
    pub fn progress(&self) -> Value {
        json!({
            "current": self.walk.part as u8, "total": Part::Done as u8,
            "status": self.status(), "phase": self.walk.part,
            "jobs_walked": self.done.jobs, "waiting": (!self.walk.open.is_empty()).then_some("open_jobs"),
        })
    }

    /// What it did, as the API shows it.
    pub fn result(&self) -> Value {
        let Erased { credentials, members, rows, jobs, files, dead_letters, replayed } = self.done;
        if self.action == PrivacyAction::Replay {
            return json!({ "replayed": replayed });
        }
        if self.action == PrivacyAction::Export {
            return json!({
                "credentials": credentials, "members": members, "rows": rows, "jobs_walked": jobs,
                "files": files,
            });
        }
        json!({
            "credentials": credentials, "members": members, "rows": rows, "jobs_walked": jobs,
            "files_deleted": files, "dead_letters": dead_letters, "keep_valid": self.keep_valid,
        })
    }
}

/// The parts of an erasure, in their order. Each can be repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The erasure is noted in the bucket, to be applied again after a restore.
    #[default]
    Noted,
    /// Credentials, and what their history has.
    Credentials,
    /// Inputs, outcomes and files of the jobs of live mode.
    Jobs,
    /// Those of test mode.
    TestJobs,
    /// Members and suppressions.
    Catalog,
    /// Credentials that were issued meanwhile, and messages that could not be handled.
    Late,
    /// Everything is done.
    Done,
}

impl Part {
    /// The part that comes after it.
    pub fn next(self) -> Self {
        match self {
            Self::Noted => Self::Credentials,
            Self::Credentials => Self::Jobs,
            Self::Jobs => Self::TestJobs,
            Self::TestJobs => Self::Catalog,
            Self::Catalog => Self::Late,
            Self::Late | Self::Done => Self::Done,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Noted => "Registrando la solicitud",
            Self::Credentials => "Borrando credenciales",
            Self::Jobs | Self::TestJobs => "Recorriendo los trabajos de los últimos 90 días",
            Self::Catalog => "Borrando de la lista de miembros",
            Self::Late => "Repasando lo emitido mientras tanto",
            Self::Done => "Terminado",
        }
    }
}

/// How far the job is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// The part that is next.
    pub part: Part,
    /// Where in that part the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The earliest day on which another credential is due, of those that were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Date>,
    /// Jobs that had not ended; the walk comes back to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<JobId>,
}

/// What an erasure did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Credentials erased.
    pub credentials: u32,
    /// Members deleted.
    pub members: u32,
    /// Rows of jobs rewritten without the person.
    pub rows: u32,
    /// Jobs walked.
    pub jobs: u32,
    /// Jobs whose files were deleted before their time.
    pub files: u32,
    /// Dead letters deleted.
    #[serde(default)]
    pub dead_letters: u32,
    /// Erasures begun again.
    #[serde(default)]
    pub replayed: u32,
}
