//! What is given to a person who asks what is held about them: the files of one archive.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::{
    correction::FieldChange,
    erasure::{PrivacyOrder, Subject},
    fault::FaultText,
    history::Event,
    identity::{self, IdSecret},
    ids::{CredentialId, Mode, OrgId},
    job::{Job, JobKind, Row},
    job_outcome::RowStatus,
    ledger::CurrentCredential,
};

/// Everything that an organization holds about a person.
#[derive(Debug, Default)]
pub struct PersonalData {
    /// When it was collected, RFC 3339.
    pub made_at: String,
    /// Id of the organization.
    pub organization: String,
    /// Name of the organization.
    pub organization_name: String,
    /// Their profile as a member.
    pub member: Option<Value>,
    /// Reasons for which their address gets no mail.
    pub suppressions: Vec<Value>,
    /// Their credentials.
    pub credentials: Vec<Value>,
    /// Versions of credentials that were theirs, and are another person's by now.
    pub former_versions: Vec<Value>,
    /// Rows of jobs about them.
    pub job_rows: Vec<Value>,
    /// Lines of refused files that name them.
    pub refused_lines: Vec<Value>,
    /// Signed documents, by their names in the archive.
    pub documents: Vec<(String, Vec<u8>)>,
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveFile {
    /// Its path.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl PersonalData {
    /// The files of the archive: what is in it, the data, the signed documents.
    ///
    /// # Errors
    /// When JSON cannot be written, which nothing here causes.
    pub fn files(self) -> Result<Vec<ArchiveFile>, serde_json::Error> {
        let data = json!({
            "made_at": self.made_at,
            "organization": { "id": self.organization, "name": self.organization_name },
            "member": self.member,
            "suppressions": self.suppressions,
            "credentials": self.credentials,
            "former_versions": self.former_versions,
            "job_rows": self.job_rows,
            "refused_lines": self.refused_lines,
        });
        let readme = readme(&self.organization_name, &self.made_at).into_bytes();
        let mut files = vec![
            ArchiveFile { name: "LEEME.txt".to_owned(), bytes: readme },
            ArchiveFile {
                name: "person.json".to_owned(),
                bytes: serde_json::to_vec_pretty(&data)?,
            },
        ];
        let documents = self.documents.into_iter();
        files.extend(documents.map(|(name, bytes)| ArchiveFile { name, bytes }));
        Ok(files)
    }
}

impl Job {
    /// Whether it puts what is held about a person into an archive.
    pub fn is_export(&self) -> bool {
        self.privacy.as_ref().is_some_and(PrivacyOrder::exports)
    }
}

/// The path of a signed document in the archive: of the present version, or of an earlier one.
pub fn document_name(id: CredentialId, earlier: Option<u32>) -> String {
    match earlier {
        None => format!("credentials/{id}.json"),
        Some(version) => format!("credentials/{id}.v{version}.json"),
    }
}

/// Whether an event replaced a version of the person whose address has this key.
pub fn replaced_of(
    event: &Event,
    secret: &IdSecret,
    (org, mode): (&OrgId, Mode),
    email_key: &str,
) -> bool {
    event.replaced.as_ref().is_some_and(|replaced| {
        identity::email_key(secret, org, mode, &replaced.recipient.email) == email_key
    })
}

/// An event with the version that it replaced, if that was the person's.
pub fn event_of(event: &Event, own: bool) -> Value {
    let mut answer = event.answer();
    if let (Some(members), Some(replaced)) = (answer.as_object_mut(), &event.replaced) {
        let recipient = match own {
            true => serde_json::to_value(&replaced.recipient).unwrap_or_default(),
            // It was about another person, and its reason may say so.
            false => Value::Null,
        };
        if !own {
            members.insert("reason".to_owned(), Value::Null);
        }
        members.insert("replaced_recipient".to_owned(), recipient);
    }
    answer
}

/// A credential as it is held: as the API shows it, and what it leaves out.
pub fn credential_of(
    credential: &CurrentCredential,
    (site_url, history): (&str, Vec<Value>),
    test_mail: Option<Value>,
) -> Value {
    let mut answer = credential.answer(site_url, credential.lang, true);
    let more = json!({
        "origin": credential.origin.to_string(),
        "filled_from_profile": credential.filled,
        "blocked_by": credential.blocked.as_ref().map(|block| &block.by),
        "email_attempts": credential.mail_attempts,
        "email_attempts_in_doubt": credential.mail_ambiguous,
        "email_sent_again": credential.mail_round,
        "email_asked_again_at": credential.resent_at,
        "history": history,
        "test_mail": test_mail,
    });
    if let (Some(members), Value::Object(more)) = (answer.as_object_mut(), more) {
        members.extend(more);
    }
    answer
}

/// A row of a job, and what is stored beside it.
#[derive(Debug)]
pub struct HeldRow<'a> {
    /// The row as it was sent, without what names others.
    pub row: Row,
    /// How it ended.
    pub status: RowStatus,
    /// The credential that it leads to.
    pub credential_id: Option<CredentialId>,
    /// Its faults as stored, without texts that name others.
    pub faults: Vec<FaultText>,
    /// In a dry run, the fields that it corrects.
    pub changes: Option<Vec<FieldChange>>,
    /// In a dry run, other credentials of its person.
    pub holds: Option<&'a Vec<CredentialId>>,
    /// Its values among the first of a column that the job keeps for seven days.
    pub column_values: Vec<Value>,
    /// What its file was called, unless that names others.
    pub file: Option<&'a str>,
}

/// A text, unless it names the address of somebody else.
pub fn others_left_out(
    subject: &Subject,
    secret: &IdSecret,
    org: &OrgId,
    text: &str,
) -> Option<String> {
    (!subject.others_in(secret, org, text)).then(|| text.to_owned())
}

/// Faults without the texts that name others: what they quote stands in other rows.
pub fn own_faults(
    faults: &[FaultText],
    subject: &Subject,
    (secret, org): (&IdSecret, &OrgId),
) -> Vec<FaultText> {
    let own = faults.iter().map(|FaultText { code, text }| {
        let text = others_left_out(subject, secret, org, text);
        FaultText { code: code.clone(), text: text.unwrap_or_default() }
    });
    own.collect()
}

/// A row as it was sent, without what names others.
pub fn own_row(row: &Row, subject: &Subject, of: (&IdSecret, &OrgId)) -> Row {
    let mut own = row.clone();
    own.faults = own_faults(&row.faults, subject, of);
    if row.read().is_none() && subject.others_in(of.0, of.1, &row.email) {
        own.email = String::new();
    }
    own
}

/// The fields that a row corrects. Where it gives the credential another address, what they were before is
/// somebody else's.
pub fn own_changes(changes: &[FieldChange]) -> Vec<FieldChange> {
    let moved = changes.iter().any(|change| change.field == "email");
    let mut own = changes.to_vec();
    if moved {
        own.iter_mut().for_each(|change| change.before = Value::Null);
    }
    own
}

/// A line of a refused file that names the person.
#[derive(Debug)]
pub struct RefusedLine {
    /// The line, from 1.
    pub number: u64,
    /// What it says; none if it names others too, or is too long to be one row.
    pub text: Option<String>,
}

impl RefusedLine {
    /// The line as the archive has it.
    pub fn answer(&self, job: &Job, file: Option<&str>) -> Value {
        let code = job.failure.as_ref().map(|failure| &failure.code);
        json!({
            "job_id": job.job_id, "mode": job.mode, "accepted_at": job.created_at, "file": file,
            "refused_for": code, "line": self.number, "text": self.text,
        })
    }
}

impl HeldRow<'_> {
    /// The row as the archive has it.
    pub fn answer(&self, job: &Job) -> Value {
        let kind = match job.kind() {
            JobKind::Issue(_) => "issue",
            JobKind::DryRun(_) => "dry_run",
            JobKind::Revoke(_) => "revoke",
            JobKind::Members(_) => "members",
            JobKind::Privacy(_) => "privacy",
        };
        let status = match self.status {
            RowStatus::Pending => "pending",
            RowStatus::Issued => "done",
            RowStatus::Failed => "failed",
        };
        json!({
            "job_id": job.job_id, "job_kind": kind, "mode": job.mode, "accepted_at": job.created_at,
            "file": self.file, "sent": self.row, "status": status,
            "credential_id": self.credential_id, "errors": self.faults, "changes": self.changes,
            "also_holds": self.holds, "column_values": self.column_values,
        })
    }
}

/// The rows that a walk through jobs found, as they are kept until the archive is made.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct FoundRows {
    /// The rows.
    pub rows: Vec<Value>,
    /// Lines of files that were refused.
    #[serde(default)]
    pub refused_lines: Vec<Value>,
}

impl FoundRows {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.refused_lines.is_empty()
    }
}

/// What is in the archive, for the person.
fn readme(organization: &str, made_at: &str) -> String {
    format!(
        "TUS DATOS EN {organization}
Reunidos el {made_at} (hora UTC)

Este archivo tiene todo lo que la institución guarda sobre tu dirección de correo en su servicio
de credenciales.

person.json
  member           tu perfil de miembro, si lo eres
  suppressions     por qué no se envían correos a tu dirección, si es así
  credentials      tus credenciales: contenido, estado, historia y entrega del correo
  former_versions  versiones que tuvieron tu dirección y hoy son de otra persona
  job_rows         filas de solicitudes y archivos de los últimos 90 días que te nombran,
                   también las que fallaron o solo se revisaron
  refused_lines    líneas que te nombran de archivos que se rechazaron enteros
credentials/…json
  tus credenciales firmadas, tal como se emitieron; «.v1», «.v2» son versiones reemplazadas.
  Se verifican sin este servicio, y puedes llevarlas a otra billetera (Open Badges 3.0).

No está aquí lo que nombra a otras personas, ni lo que la institución guarda en otros sistemas.
Si algo está mal o quieres que se elimine, pídelo a la institución.


YOUR DATA AT {organization}
Collected on {made_at} (UTC)

This archive has all that the institution holds about your e-mail address in its service of
credentials.

person.json
  member           your profile as a member, if you are one
  suppressions     why no mail is sent to your address, if that is so
  credentials      your credentials: content, status, history and delivery of their mail
  former_versions  versions that had your address and are another person's by now
  job_rows         rows of requests and files of the last 90 days that name you, those that
                   failed or were only checked too
  refused_lines    lines that name you of files that were refused as a whole
credentials/…json
  your signed credentials, exactly as issued; \".v1\", \".v2\" are versions that were replaced.
  They verify without this service, and other wallets take them (Open Badges 3.0).

What names other people is not here, nor what the institution keeps in other systems.
If something is wrong or you want it erased, ask the institution.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_says_what_is_in_it_in_both_languages() {
        let data = PersonalData {
            made_at: "2026-11-28T23:00:00Z".to_owned(),
            organization: "demo".to_owned(),
            organization_name: "Universidad Ñandú".to_owned(),
            documents: vec![("credentials/x.json".to_owned(), b"{}".to_vec())],
            ..PersonalData::default()
        };
        let files = data.files().expect("files");
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["LEEME.txt", "person.json", "credentials/x.json"]);
        let text = String::from_utf8(files[0].bytes.clone()).expect("UTF-8");
        for part in ["TUS DATOS EN Universidad Ñandú", "YOUR DATA AT", "job_rows"] {
            assert!(text.contains(part), "{text}");
        }
        let person: Value = serde_json::from_slice(&files[1].bytes).expect("JSON");
        let members: Vec<&String> = person.as_object().expect("an object").keys().collect();
        for name in
            members.iter().filter(|name| !["made_at", "organization"].contains(&name.as_str()))
        {
            assert!(text.contains(name.as_str()), "{name} is not explained");
        }
    }
}
