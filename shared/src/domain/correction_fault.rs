//! Why a row that names its credential, or a correction, is refused.

use crate::domain::{ids::CredentialId, lang::Lang, warning::Place};

/// The column, and member of JSON, in which a row says which version it is of.
pub const VERSION: &str = "credential_version";

/// The reason why a row that names its credential, or a correction, is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorrectionFault {
    /// The organization has no such credential in this mode; holds the id as it was sent.
    Unknown(String),
    /// The credential is of another template.
    OtherTemplate(CredentialId),
    /// The credential has other values in these fields.
    OtherContent(CredentialId, Vec<String>),
    /// The credential has another `external_id`.
    OtherExternalId(CredentialId),
    /// Another row of the file has corrected the credential, which was changed
    /// since.
    AnotherRow(CredentialId, Place),
    /// The credential, which has this version now, was corrected in these fields after the version
    /// that the row is of.
    CorrectedSince(CredentialId, u32, Vec<String>),
    /// The credential was corrected in these private facts since it had this version, and the row has what
    /// they said before.
    PrivateCorrectedSince(CredentialId, Vec<String>),
    /// What the row gives for the version is none.
    NoVersion(String),
    /// This other credential has the corrected content.
    Taken(CredentialId),
    /// The credential is revoked or suspended.
    NotActive,
}

impl CorrectionFault {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "credential_not_found",
            Self::OtherTemplate(_) => "other_template",
            Self::OtherContent(..) => "other_content",
            Self::OtherExternalId(_) => "immutable_field",
            Self::AnotherRow(..) => "repeated_credential",
            Self::CorrectedSince(..) | Self::PrivateCorrectedSince(..) => "corrected_since",
            Self::NoVersion(_) => "invalid_version",
            Self::Taken(_) => "content_taken",
            Self::NotActive => "credential_not_active",
        }
    }

    /// The field at fault.
    pub fn field(&self) -> &'static str {
        match self {
            Self::OtherExternalId(_) => "external_id",
            Self::CorrectedSince(..) | Self::PrivateCorrectedSince(..) | Self::NoVersion(_) => {
                VERSION
            }
            Self::Unknown(_)
            | Self::OtherTemplate(_)
            | Self::OtherContent(..)
            | Self::AnotherRow(..)
            | Self::Taken(_)
            | Self::NotActive => "credential_id",
        }
    }

    /// The text for people.
    pub fn text(&self, lang: Lang) -> String {
        match self {
            Self::Unknown(id) => lang.pick(
                format!("La credencial {id} de credential_id no existe en esta organización y este modo. Corrige el id; para emitir una credencial nueva, déjalo vacío"),
                format!("The credential {id} of credential_id does not exist in this organization and mode. Correct the id; to issue a new credential, leave it empty"),
            ),
            Self::OtherTemplate(id) => lang.pick(
                format!("La credencial {id} es de otra plantilla. Sube la fila con esa plantilla; para emitir una credencial nueva con esta, deja credential_id vacío"),
                format!("The credential {id} is of another template. Upload the row with that template; to issue a new credential with this one, leave credential_id empty"),
            ),
            Self::OtherContent(id, fields) => {
                let fields = fields.join(", ");
                lang.pick(
                    format!("La credencial {id} tiene otros datos en: {fields}. Para corregirla, sube el archivo con correct: true (--correct), o usa PATCH /api/v1/credentials/{id}; para dejarla como está, repón esos datos"),
                    format!("The credential {id} has other data in: {fields}. To correct it, upload the file with correct: true (--correct), or use PATCH /api/v1/credentials/{id}; to leave it as it is, put these data back"),
                )
            }
            Self::OtherExternalId(id) => lang.pick(
                format!("La credencial {id} no tiene ese external_id: el campo external_id identifica la credencial y no se corrige"),
                format!("The credential {id} does not have that external_id: the field external_id identifies the credential and is not corrected"),
            ),
            Self::AnotherRow(id, place) => {
                let place = place.text(lang);
                lang.pick(
                    format!("La {place} de este archivo ya corrigió la credencial {id}, que cambió después: comprueba qué datos valen"),
                    format!("In this file, {place} has corrected the credential {id}, which was changed since: see which data is right"),
                )
            }
            Self::CorrectedSince(id, version, fields) => {
                let fields = fields.join(", ");
                lang.pick(
                    format!("La credencial {id} se corrigió después de este archivo, y la fila trae otros datos en: {fields}. Parte del archivo de resultados más reciente, o pon en la fila lo que la credencial dice ahora; si vale lo de la fila, escribe {version} en {VERSION}"),
                    format!("The credential {id} was corrected after this file, and the row has other data in: {fields}. Begin with the latest results file, or put into the row what the credential says now; if the row is right, write {version} into {VERSION}"),
                )
            }
            Self::PrivateCorrectedSince(id, fields) => {
                let fields = fields.join(", ");
                lang.pick(
                    format!("La credencial {id} se corrigió después de este archivo, y la fila repone lo que decía antes en: {fields}. Parte del archivo de resultados más reciente; si vale lo de la fila, deja vacío {VERSION}"),
                    format!("The credential {id} was corrected after this file, and the row has what it said before in: {fields}. Begin with the latest results file; if the row is right, leave {VERSION} empty"),
                )
            }
            Self::NoVersion(text) => lang.pick(
                format!("{VERSION} dice «{text}», y no es un número de versión: repón el que tenía el archivo de resultados, o déjalo vacío"),
                format!("{VERSION} says \"{text}\", which is no number of a version: put back what the results file had, or leave it empty"),
            ),
            Self::Taken(other) => lang.pick(
                format!("La credencial {other} ya tiene esos datos; revoca una de las dos"),
                format!("Credential {other} has that content already; revoke one of the two"),
            ),
            Self::NotActive => lang.pick(
                "La credencial está revocada o suspendida; solo se corrige una credencial vigente",
                "The credential is revoked or suspended; only one that holds is corrected",
            )
            .to_owned(),
        }
    }
}
