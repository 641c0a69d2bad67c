//! The same content is the same credential: its id follows from the request.
//!
//! The id is a UUIDv8 (RFC 9562 §5.8) of an HMAC-SHA-256 under a secret of the
//! organization over organization, mode, template and either the caller's `external_id`
//! or the ten recipient fields as sent, in normal form and before a member's profile is
//! filled in. So retries, redeliveries and repeated scripts converge on one item without a
//! lock, and a guessed grade does not lead to a person's page. Language, mail options and
//! the template's version are not part of it.
//!
//! Neither normal form nor encoding ever changes in place. Form 2 cleans first
//! ([`crate::domain::cleaning`]) and computes the rest as form 1 does: content that is clean has
//! one identity, any other has one under each form.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{
    email::EmailAddress,
    field::{FieldName, Kind},
    ids::{CredentialId, Mode, OrgId, TemplateId},
    recipient::{FieldValue, Recipient},
    seal::Sealed,
    tenant::Tenant,
};

/// The organization's secret for ids. Never rotated: a new one would issue every credential
/// again.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdSecret([u8; 32]);

impl IdSecret {
    /// Takes 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// 32 bits for a round of the permutation of status indexes.
    pub(crate) fn status_round(&self, message: &[u8]) -> u32 {
        let tag = self.tag("unicreda status index 1", message);
        tag.as_ref().first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }

    /// The key of a seal of an organization and mode.
    pub(crate) fn seal_key(&self, what: Sealed, tenant: Tenant<'_>) -> [u8; 32] {
        let Tenant { org, mode } = tenant;
        let label = format!("unicreda {} key 1", what.as_str());
        let tag = self.tag(&label, format!("{org} {mode}").as_bytes());
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// The fingerprint of a request's body, and the key of what is sealed for its sender: both follow from
    /// all of the body and from the `scope` of the request.
    pub(crate) fn request_marks(&self, scope: &str, body: &[u8]) -> (String, [u8; 32]) {
        let mut message = Vec::with_capacity(8 + scope.len() + body.len());
        put(&mut message, scope);
        message.extend_from_slice(body);
        let key = self.tag("unicreda answer key 1", &message);
        let fingerprint = short(&self.tag("unicreda request 1", &message));
        (fingerprint, key.as_ref().first_chunk().copied().unwrap_or_default())
    }

    /// The nonce under which a content is sealed and bound.
    pub(crate) fn seal_nonce(&self, what: Sealed, bound: &str, content: &[u8]) -> [u8; 12] {
        let mut message = Vec::with_capacity(8 + bound.len() + content.len());
        put(&mut message, bound);
        message.extend_from_slice(content);
        let tag = self.tag(&format!("unicreda {} nonce 1", what.as_str()), &message);
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }

    fn tag(&self, label: &str, message: &[u8]) -> hmac::Tag {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(label.as_bytes());
        context.update(&[0]);
        context.update(message);
        context.sign()
    }
}

impl fmt::Debug for IdSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdSecret(…)")
    }
}

impl From<IdSecret> for String {
    fn from(secret: IdSecret) -> Self {
        URL_SAFE_NO_PAD.encode(secret.0)
    }
}

impl TryFrom<String> for IdSecret {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut secret = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut secret) {
            Ok(32) => Ok(Self(secret)),
            _ => Err("not 32 bytes in base64url"),
        }
    }
}

/// The identity of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The credential's id.
    pub id: CredentialId,
    /// Keyed hash of the content: equal for equal content, whatever the `external_id`.
    pub content: String,
}

/// The identities that a recipient's credential can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identities {
    /// That of the cleaned content: where a new credential is put.
    pub own: Identity,
    /// That of the content as it was sent, where cleaning changes it: what a release before
    /// normalization 2 issued is there.
    pub as_sent: Option<Identity>,
    /// Whether they follow from the caller's `external_id`, and not from the content.
    pub external: bool,
}

impl Identities {
    /// The id of the content as it was sent. A job's stored rows lead to it.
    pub fn sent_id(&self) -> CredentialId {
        self.as_sent.as_ref().map_or(self.own.id, |as_sent| as_sent.id)
    }

    /// The id that is to lead to a new credential beside its own.
    pub fn alias(&self) -> Option<CredentialId> {
        Some(self.sent_id()).filter(|id| *id != self.own.id)
    }

    /// The identities, that of the content as sent first.
    pub fn all(&self) -> impl Iterator<Item = &Identity> {
        self.as_sent.iter().chain([&self.own])
    }
}

/// Computes the identities of a recipient's credential, and cleans the recipient.
pub fn cleaned(
    secret: &IdSecret,
    org: &OrgId,
    mode: Mode,
    template: TemplateId,
    sent: Recipient,
) -> (Recipient, Identities) {
    let as_sent = of(secret, org, mode, template, &sent);
    let external = sent.external_id.is_some();
    match sent.cleaned() {
        None => (sent, Identities { own: as_sent, as_sent: None, external }),
        Some(clean) => {
            let own = of(secret, org, mode, template, &clean);
            (clean, Identities { own, as_sent: Some(as_sent), external })
        }
    }
}

/// Computes the identity of a recipient's credential from the recipient as it is.
pub fn of(
    secret: &IdSecret,
    org: &OrgId,
    mode: Mode,
    template: TemplateId,
    recipient: &Recipient,
) -> Identity {
    let content = content(recipient);
    let id = match &recipient.external_id {
        Some(external_id) => of_external_id(secret, Tenant { org, mode }, template, external_id),
        None => id_of(secret, Tenant { org, mode }, template, |message| {
            message.push(b'c');
            message.extend_from_slice(&content);
        }),
    };
    let hash = secret.tag("unicreda content 1", &content);
    Identity { id, content: short(&hash) }
}

/// The id of the credential that follows from an `external_id`, in normal form 1 or cleaned.
pub fn of_external_id(
    secret: &IdSecret,
    tenant: Tenant<'_>,
    template: TemplateId,
    external_id: &str,
) -> CredentialId {
    id_of(secret, tenant, template, |message| {
        message.push(b'x');
        put(message, external_id);
    })
}

fn id_of(
    secret: &IdSecret,
    Tenant { org, mode }: Tenant<'_>,
    template: TemplateId,
    rest: impl FnOnce(&mut Vec<u8>),
) -> CredentialId {
    let mut message = Vec::with_capacity(512);
    put(&mut message, org.as_str());
    put(&mut message, mode.as_str());
    put(&mut message, &template.to_string());
    rest(&mut message);
    credential_id(&secret.tag("unicreda credential id 1", &message))
}

/// The first 128 bits as an id.
fn credential_id(tag: &hmac::Tag) -> CredentialId {
    let id = tag.as_ref().first_chunk().copied().unwrap_or_default();
    CredentialId::from(uuid::Builder::from_custom_bytes(id).into_uuid())
}

/// The id of a credential that is issued again after those of its identity were erased, so many times:
/// the same in each attempt.
pub fn after_erasure(secret: &IdSecret, first: CredentialId, erasures: u32) -> CredentialId {
    let message = format!("{first} {erasures}");
    credential_id(&secret.tag("unicreda reissue id 1", message.as_bytes()))
}

/// The key under which an address is indexed: a keyed hash, by organization and mode.
pub fn email_key(secret: &IdSecret, org: &OrgId, mode: Mode, email: &EmailAddress) -> String {
    let mut message = Vec::new();
    put(&mut message, org.as_str());
    put(&mut message, mode.as_str());
    put(&mut message, email.as_str());
    short(&secret.tag("unicreda email 1", &message))
}

/// The key under which a dry run notes a name, [`spelling::key`](crate::domain::spelling::key) of it.
pub fn name_key(secret: &IdSecret, org: &OrgId, mode: Mode, name: &str) -> String {
    let mut message = Vec::new();
    put(&mut message, org.as_str());
    put(&mut message, mode.as_str());
    put(&mut message, name);
    short(&secret.tag("unicreda name 1", &message))
}

/// A pseudonym of a recipient with one issuer, for `credentialSubject.id`.
pub fn subject(secret: &IdSecret, org: &OrgId, mode: Mode, email: &EmailAddress) -> Uuid {
    let mut message = Vec::new();
    put(&mut message, org.as_str());
    put(&mut message, mode.as_str());
    put(&mut message, email.as_str());
    let tag = secret.tag("unicreda subject 1", &message);
    let mut id = [0_u8; 16];
    for (to, from) in id.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(id).into_uuid()
}

/// The salt of an address's hash in a credential: 128 bits that follow from the credential's
/// id, so that the hashes do not link two credentials of one person.
pub fn salt(secret: &IdSecret, id: CredentialId) -> String {
    short(&secret.tag("unicreda salt 1", id.to_string().as_bytes()))
}

/// The first 128 bits, as 22 characters.
fn short(tag: &hmac::Tag) -> String {
    URL_SAFE_NO_PAD.encode(tag.as_ref().get(..16).unwrap_or_default())
}

/// The fields of the content beside the address, in the order of normalization 1. Never
/// changes: the ids of all credentials follow from it.
const FIELDS_1: [FieldName; 9] = [
    FieldName::RecipientName,
    FieldName::ResultValue,
    FieldName::CreditsEarned,
    FieldName::Evidence,
    FieldName::Role,
    FieldName::LicenseNumber,
    FieldName::Term,
    FieldName::ActivityStartDate,
    FieldName::ActivityEndDate,
];

/// The address and the fields in their fixed order, each with its length before it. A field
/// that is not of normalization 1 follows with its name, and only if the recipient has it, and so does a public fact
/// of the template's own: contents without them keep their ids.
fn content(recipient: &Recipient) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    put(&mut out, recipient.email.as_str());
    for field in FIELDS_1 {
        match recipient.value(field) {
            Some(value) => put_value(&mut out, value),
            None if field.kind() == Kind::Array => put(&mut out, "0"),
            None => put(&mut out, ""),
        }
    }
    let further = |field: &FieldName| !FIELDS_1.contains(field) && field.spec().identifies;
    for field in FieldName::ALL.into_iter().filter(further) {
        if let Some(value) = recipient.value(field) {
            put(&mut out, field.as_str());
            put_value(&mut out, value);
        }
    }
    for (key, value) in &recipient.custom {
        put(&mut out, &key.field());
        put(&mut out, &value.signed());
    }
    out
}

fn put_value(out: &mut Vec<u8>, value: FieldValue<'_>) {
    match value {
        FieldValue::Text(text) => put(out, text),
        FieldValue::Credits(credits) => put(out, &credits.to_string()),
        FieldValue::Date(date) => put(out, &date.to_string()),
        FieldValue::Evidence(entries) => {
            put(out, &entries.len().to_string());
            for entry in entries {
                for part in [&entry.name, &entry.url, &entry.description] {
                    put(out, part.as_deref().unwrap_or_default());
                }
            }
        }
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::domain::recipient::Entry;

    fn identity_of(json: &str) -> Identity {
        let raw = RawValue::from_string(json.to_owned()).expect("JSON");
        let recipient = Entry::parse(&raw).recipient.expect("valid");
        let org = OrgId::parse("demo").expect("org");
        let template = TemplateId::parse("550e8400-e29b-41d4-a716-446655440000").expect("template");
        of(&IdSecret::new([7; 32]), &org, Mode::Live, template, &recipient)
    }

    const FULL: &str = r#"{"email":"estudiante@ejemplo.com","recipient_name":"Juan Pérez","result_value":"A",
        "credits_earned":6.0,"evidence":[{"name":"Proyecto Final","url":"https://ejemplo.com/proyecto","description":"API REST"}],
        "role":"Estudiante","license_number":"L-1","term":"2026-1","activity_start_date":"2026-03-01","activity_end_date":"2026-07-31"}"#;

    /// Golden vectors of normalization 1, computed independently (Python's hmac). They never change:
    /// a student's link depends on them.
    #[test]
    fn golden_vectors_of_the_first_normalization() {
        let cases = [
            (
                r#"{"email":"a@b.cl"}"#,
                "362a79ee-7d7d-8147-83ca-b441acc32dfc uXXLJ_TxV15HIXfygxpjFw",
            ),
            (FULL, "730f0d47-6341-8625-b2b3-eb5ec5f1a767 n0MhNFp0pVxXhqGnqT2Ppw"),
            (
                r#"{"email":"a@b.cl","external_id":"matricula-1"}"#,
                "91d13851-5170-833c-bf4a-bc2aba1df605 uXXLJ_TxV15HIXfygxpjFw",
            ),
        ];
        for (json, golden) in cases {
            let identity = identity_of(json);
            assert_eq!(format!("{} {}", identity.id, identity.content), golden);
        }
    }

    /// Golden vectors of normalization 2: the identity of the cleaned content and, where that is
    /// another, of the content as sent. Clean content has that of normalization 1.
    #[test]
    fn golden_vectors_of_the_second_normalization() {
        let golden = |json: &str| {
            let raw = RawValue::from_string(json.to_owned()).expect("JSON");
            let sent = Entry::parse(&raw).recipient.expect("valid");
            let org = OrgId::parse("demo").expect("org");
            let template = TemplateId::parse("550e8400-e29b-41d4-a716-446655440000").expect("id");
            let secret = IdSecret::new([7; 32]);
            let (_, found) = cleaned(&secret, &org, Mode::Live, template, sent);
            let text = |identity: &Identity| format!("{} {}", identity.id, identity.content);
            (text(&found.own), found.as_sent.as_ref().map(text))
        };
        let full = "730f0d47-6341-8625-b2b3-eb5ec5f1a767 n0MhNFp0pVxXhqGnqT2Ppw";
        assert_eq!(golden(FULL), (full.to_owned(), None));
        for (from, to, as_sent) in [
            (
                "Juan Pérez",
                "Juan  Pérez",
                "ed237a06-84cf-8b1a-b77b-69f86ec7d079 DbCUsuKQUJX0B154Nvs6CA",
            ),
            (
                "Juan Pérez",
                "\u{200b}Juan\u{a0}Pérez",
                "f37c6d53-aaad-8ddd-b4b0-cb183177c939 SJqmCAQxyvTdk3WX82WQyA",
            ),
            (
                "API REST",
                "API\u{2003}REST\u{200e}",
                "4a8fc49a-cf4c-80eb-87cf-6b37dbce1b26 8WO0FYQITirO6VgFIPFWaw",
            ),
            (
                "/proyecto\"",
                "/proyecto\u{200b}\"",
                "42ec3e38-eea0-8633-8d12-da6e64a22799 fo_e2LjFQOFqFB819NGmPw",
            ),
        ] {
            let dirty = FULL.replacen(from, to, 1);
            assert_ne!(dirty, FULL);
            assert_eq!(golden(&dirty), (full.to_owned(), Some(as_sent.to_owned())), "{to}");
        }
        // What normalization 1 refuses has no identity under it.
        let lines = FULL.replacen("Juan Pérez", "Juan\\nPérez\\ufeff", 1);
        assert_eq!(golden(&lines), (full.to_owned(), None));
        let named = r#"{"email":"a@b.cl","external_id":"matricula\u00a01","role":"Docente "}"#;
        assert_eq!(
            golden(named),
            (
                "c58b2233-43fb-88b9-b58b-cd7e7d7de167 _iU05_HkptZxAYfLlntUFw".to_owned(),
                Some("e50fef2b-5cc6-8e86-b031-a63025298d00 _iU05_HkptZxAYfLlntUFw".to_owned())
            )
        );
    }

    /// Computed independently (Python's hmac), as the first ones are.
    #[test]
    fn golden_vectors_of_days_and_facts() {
        let facts = r#""custom":{"hours":120.5,"programme":"Magíster en Datos"}"#;
        for (more, golden) in [
            (r#""awarded_on":"1998-12-18""#.to_owned(), "d3f3801c-05e5-8265-8fe2-1d3a02e5a8dd"),
            (facts.to_owned(), "e039dfe3-1f14-8828-a92f-72b5f8095217"),
            (
                format!(r#""awarded_on":"1998-12-18",{facts}"#),
                "fcc72c8a-3b0b-8b69-ac50-8bf129e0071d",
            ),
            (
                format!(r#""valid_until":"2090-12-31",{facts}"#),
                "e039dfe3-1f14-8828-a92f-72b5f8095217",
            ),
        ] {
            let found = identity_of(&format!("{},{more}}}", FULL.trim_end().trim_end_matches('}')));
            assert_eq!(found.id.to_string(), golden, "{more}");
        }
    }

    #[test]
    fn spellings_of_the_same_content_are_one_credential() {
        let one = identity_of(FULL);
        let respelled = FULL
            .replace("estudiante@ejemplo.com", " Estudiante@EJEMPLO.com")
            .replace("Juan Pérez", " Juan Pe\u{301}rez ")
            .replace("6.0", "6")
            .replace("\"role\"", "\"language\":\"en\",\"role\"");
        assert_eq!(identity_of(&respelled), one);
        let bare = identity_of(r#"{"email":"a@b.cl"}"#);
        let empty = r#"{"email":"a@b.cl","recipient_name":"","evidence":[],"credits_earned":null}"#;
        assert_eq!(identity_of(empty), bare);
    }

    #[test]
    fn each_of_the_ten_fields_makes_another_credential() {
        let one = identity_of(FULL);
        for (from, to) in [
            ("estudiante@", "otra@"),
            ("Juan", "Ana"),
            (r#""A""#, r#""B""#),
            ("6.0", "6.5"),
            ("API REST", "API"),
            ("\"Estudiante\"", "\"Docente\""),
            ("L-1", "L-2"),
            ("2026-1", "2026-2"),
            ("2026-03-01", "2026-03-02"),
            ("2026-07-31", "2026-07-30"),
        ] {
            let other = identity_of(&FULL.replacen(from, to, 1));
            assert_ne!(other.id, one.id, "{from}");
            assert_ne!(other.content, one.content, "{from}");
        }
    }

    #[test]
    fn an_external_id_alone_names_the_credential_and_the_content_stays_told_apart() {
        let a = identity_of(r#"{"email":"a@b.cl","external_id":"7"}"#);
        let b = identity_of(r#"{"email":"b@b.cl","external_id":"7"}"#);
        assert_eq!(a.id, b.id);
        assert_ne!(a.content, b.content);
    }

    #[test]
    fn the_secret_shows_nothing_and_survives_storage() {
        let secret = IdSecret::new([9; 32]);
        assert_eq!(format!("{secret:?}"), "IdSecret(…)");
        let read = IdSecret::try_from(String::from(secret.clone())).expect("read");
        assert_eq!(read.0, secret.0);
    }
}
