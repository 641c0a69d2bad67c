//! Verifies a document: is it one that an organization of this service signed, and does it
//! hold?
//!
//! Only identifiers, keys and lists of this service are looked up, in its own tables: nothing
//! foreign is fetched, whatever a document names. The stricter reading of
//! [`Contexts::Issued`](crate::document::linked_data::Contexts) makes any part that a proof would
//! not cover a fault.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    app::App,
    document::{
        did,
        linked_data::{OB_CONTEXT, OB_EXTENSIONS, VC_CONTEXT},
        proof::{self, Broken},
        status_list,
    },
    domain::{
        credential::Status,
        erasure::Stored,
        ids::{CredentialId, Mode, OrgId},
        lang::Lang,
        signing_key::{PublicKey, public_key},
        status_entry::{LENGTH, ListId, StatusEntry},
        tenant::Tenant,
        text::shortened,
    },
    store::StoreError,
};

/// Characters of a reason that names a place in a document.
const SHOWN_REASON: usize = 300;

/// A check of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The document is a credential of the shape that this service signs.
    Document,
    /// The issuer is an organization of this service, and the key is the issuer's.
    Issuer,
    /// The signature is that key's over exactly this document.
    Proof,
    /// The document's bit in the status list is clear, and the list is the issuer's.
    Status,
    /// The instant is within the document's period.
    Period,
}

impl Check {
    /// The checks in their order.
    const ALL: [Self; 5] = [Self::Document, Self::Issuer, Self::Proof, Self::Status, Self::Period];

    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Issuer => "issuer",
            Self::Proof => "proof",
            Self::Status => "status",
            Self::Period => "period",
        }
    }
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// Whether it passed; none when it was skipped after a failure.
    pub passed: Option<bool>,
    /// The result in words, in Spanish.
    pub es: String,
    /// The same in English.
    pub en: String,
    /// Spanish and English without anything that the document says, if the texts above repeat some of it.
    pub plain: Option<(&'static str, &'static str)>,
}

/// The standing of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Signed, and it holds.
    Issued,
    /// Its period has ended.
    Expired,
    /// Suspended.
    Suspended,
    /// Revoked.
    Revoked,
    /// A correction took its place.
    Replaced,
    /// Not signed by this service, or altered since.
    Invalid,
}

impl Standing {
    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Expired => "expired",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::Invalid => "invalid",
        }
    }
}

/// The outcome of a verification.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The standing of the document.
    pub standing: Standing,
    /// Live or test, when the issuer is known.
    pub mode: Option<Mode>,
    /// The credential that the document names, if it is of this service.
    pub credential: Option<CredentialId>,
    /// Whether a later version took the place of this document, which its issuer signed.
    pub superseded: bool,
    /// The result of each check, in their order.
    pub findings: Vec<Finding>,
}

impl Verification {
    /// Begins the verification of a document.
    fn of(app: &App, document: &Map<String, Value>) -> Self {
        let id = document.get("id").and_then(Value::as_str);
        Self {
            standing: Standing::Invalid,
            mode: None,
            credential: id.and_then(|id| credential_at(&app.config.site_url, id)),
            superseded: false,
            findings: Vec::new(),
        }
    }

    /// Returns whether every check passed.
    pub fn verified(&self) -> bool {
        self.findings.iter().all(|finding| finding.passed == Some(true))
    }

    /// Notes the result of a check; returns its value if it passed.
    fn note<T>(&mut self, check: Check, result: Result<(T, Text), Text>) -> Option<T> {
        let (value, text) = match result {
            Ok((value, text)) => (Some(value), text),
            Err(text) => (None, text),
        };
        let passed = Some(value.is_some());
        let Text { es, en, plain } = text;
        self.findings.push(Finding { check, passed, es, en, plain });
        value
    }

    /// Notes the checks that were not made as skipped.
    fn skip_others(&mut self) {
        for check in Check::ALL {
            if !self.findings.iter().any(|finding| finding.check == check) {
                let Text { es, en, plain } = Text::new(
                    "No se comprobó, porque falló una comprobación anterior",
                    "Not checked, because an earlier check failed",
                );
                self.findings.push(Finding { check, passed: None, es, en, plain });
            }
        }
    }
}

/// The result of a check in words.
struct Text {
    es: String,
    en: String,
    plain: Option<(&'static str, &'static str)>,
}

impl Text {
    fn new(es: impl Into<String>, en: impl Into<String>) -> Self {
        Self { es: es.into(), en: en.into(), plain: None }
    }

    /// A text that repeats some of the document, and what is said where nothing of it may be repeated.
    fn quoting(es: String, en: String, plain: (&'static str, &'static str)) -> Self {
        Self { es, en, plain: Some(plain) }
    }
}

/// Verifies a document.
///
/// # Errors
/// [`StoreError`] of the reads. A document at fault is a result, not an error.
pub async fn verify(
    app: &App,
    document: &Map<String, Value>,
    now: Timestamp,
) -> Result<Verification, StoreError> {
    let mut verification = Verification::of(app, document);
    run(app, document, now, &mut verification).await?;
    verification.skip_others();
    Ok(verification)
}

/// The outcome for a document that repeats a member, at this place: what is signed is then not what
/// every program reads.
pub fn ambiguous(app: &App, document: &Map<String, Value>, place: &str) -> Verification {
    let mut verification = Verification::of(app, document);
    let text = Text::quoting(
        format!("Repite un miembro ({place}): cada programa leería otro valor"),
        format!("It repeats a member ({place}): programs would read different values"),
        (
            "Repite un miembro: cada programa leería otro valor",
            "It repeats a member: programs would read different values",
        ),
    );
    verification.note::<()>(Check::Document, Err(text));
    verification.skip_others();
    verification
}

/// Makes the checks, up to the first failure of the first three.
async fn run(
    app: &App,
    document: &Map<String, Value>,
    now: Timestamp,
    verification: &mut Verification,
) -> Result<(), StoreError> {
    if verification.note(Check::Document, shape(document, verification.credential)).is_none() {
        return Ok(());
    }
    let Some((did, (org, mode))) = issuer(&app.config.site_url, document) else {
        let foreign = Text::new(
            "El emisor no es una organización de este servicio; solo se resuelven sus propios DID",
            "The issuer is not an organization of this service; only its own DIDs are resolved",
        );
        verification.note::<()>(Check::Issuer, Err(foreign));
        return Ok(());
    };
    verification.mode = Some(mode);
    let keys = app.catalog.public_keys(&org, mode).await?;
    let Some(key) = verification.note(Check::Issuer, signing_key(document, did, &keys)) else {
        return Ok(());
    };
    if verification.note(Check::Proof, signature(document, &key)).is_none() {
        return Ok(());
    }
    let by = Signer { tenant: Tenant { org: &org, mode }, did, keys: &keys };
    let (standing, text) = status(app, document, by, verification).await?;
    let result = if standing == Standing::Issued { Ok(((), text)) } else { Err(text) };
    verification.note(Check::Status, result);
    verification.standing = standing;
    let until = instant(document, "validUntil");
    verification.note(Check::Period, period(instant(document, "validFrom"), until, now));
    let begun = instant(document, "validFrom").is_some_and(|from| from <= now);
    if standing == Standing::Issued && begun && until.is_some_and(|until| until < now) {
        verification.standing = Standing::Expired;
    }
    Ok(())
}

/// Checks the shape of a document; `credential` is the one that its id names.
fn shape(
    document: &Map<String, Value>,
    credential: Option<CredentialId>,
) -> Result<((), Text), Text> {
    if document.get("@context") != Some(&json!([VC_CONTEXT, OB_CONTEXT, OB_EXTENSIONS])) {
        return Err(Text::new(
            "Sus contextos JSON-LD no son los que usa este servicio",
            "Its JSON-LD contexts are not those that this service uses",
        ));
    }
    if document.get("type") != Some(&json!(["VerifiableCredential", "OpenBadgeCredential"])) {
        return Err(Text::new("No es una OpenBadgeCredential", "It is not an OpenBadgeCredential"));
    }
    if credential.is_none() {
        return Err(Text::new(
            "Su identificador no es una dirección de este servicio",
            "Its id is not an address of this service",
        ));
    }
    let passed = Text::new(
        "Es una credencial Open Badges 3.0 de este servicio",
        "It is an Open Badges 3.0 credential of this service",
    );
    Ok(((), passed))
}

/// Returns the DID of a document's issuer, and its organization and mode.
fn issuer<'a>(
    site_url: &str,
    document: &'a Map<String, Value>,
) -> Option<(&'a str, (OrgId, Mode))> {
    let did = match document.get("issuer")? {
        Value::String(did) => did.as_str(),
        issuer => issuer.get("id").and_then(Value::as_str)?,
    };
    Some((did, did::owner(site_url, did)?))
}

/// Finds the issuer's key that a document's proof names.
fn signing_key(
    document: &Map<String, Value>,
    did: &str,
    keys: &[PublicKey],
) -> Result<([u8; 32], Text), Text> {
    let proof = proof::read(document).map_err(|_| {
        Text::new(
            "No tiene una prueba eddsa-rdfc-2022",
            "It has no proof of the suite eddsa-rdfc-2022",
        )
    })?;
    let key = key_of(keys, did, proof.key_id).map_err(|(es, en)| Text::new(es, en))?;
    let passed = Text::new(
        format!("La firmó {did} con una llave de su documento DID"),
        format!("Signed by {did} with a key of its DID document"),
    );
    Ok((key, passed))
}

/// Checks a document's signature.
fn signature(document: &Map<String, Value>, key: &[u8; 32]) -> Result<((), Text), Text> {
    match proof::check(document, key) {
        Ok(_) => {
            let passed = Text::new(
                "La firma corresponde al contenido, sin cambios",
                "The signature matches the content, unchanged",
            );
            Ok(((), passed))
        }
        Err(Broken::Unportable(why)) => {
            let why = |lang| shortened(&why.cause(lang), SHOWN_REASON);
            let (es, en) = (why(Lang::Es), why(Lang::En));
            Err(Text::quoting(
                format!("Tiene algo que una firma no cubre ({es})"),
                format!("It has something that a signature does not cover ({en})"),
                (
                    "Tiene algo que una firma no cubre",
                    "It has something that a signature does not cover",
                ),
            ))
        }
        Err(Broken::NoProof | Broken::Signature) => Err(Text::new(
            "La firma no corresponde al contenido: el documento fue alterado",
            "The signature does not match the content: the document was altered",
        )),
    }
}

fn instant(document: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    document.get(name)?.as_str()?.parse().ok()
}

/// Checks that an instant is within a period.
fn period(
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<((), Text), Text> {
    if from.is_none_or(|from| from > now) {
        return Err(Text::new("Todavía no está vigente", "It is not valid yet"));
    }
    match until {
        Some(until) if until < now => Err(Text::new("Venció", "Its period has ended")),
        Some(_) => Ok(((), Text::new("Está vigente", "It is within its period"))),
        None => Ok(((), Text::new("Está vigente y no vence", "It is valid and does not expire"))),
    }
}

/// Returns the key that a proof names, if it is one of the issuer's and not compromised.
fn key_of(
    keys: &[PublicKey],
    did: &str,
    key_id: &str,
) -> Result<[u8; 32], (&'static str, &'static str)> {
    let unknown = (
        "La llave de la firma no está en el documento DID del emisor",
        "The key of the signature is not in the issuer's DID document",
    );
    let multikey = key_id.strip_prefix(did).and_then(|rest| rest.strip_prefix('#'));
    let key = keys.iter().find(|key| Some(key.multikey.as_str()) == multikey).ok_or(unknown)?;
    if key.compromised_at.is_some() {
        return Err((
            "La llave de la firma fue declarada comprometida",
            "The key of the signature was declared compromised",
        ));
    }
    public_key(&key.multikey).ok_or(unknown)
}

/// The issuer of a document.
#[derive(Clone, Copy)]
struct Signer<'a> {
    tenant: Tenant<'a>,
    did: &'a str,
    keys: &'a [PublicKey],
}

/// Reads a document's bit in the status list that its issuer signed.
async fn status(
    app: &App,
    document: &Map<String, Value>,
    by: Signer<'_>,
    verification: &mut Verification,
) -> Result<(Standing, Text), StoreError> {
    let unreadable = Text::new(
        "Su lista de estado no es del emisor o no se puede comprobar",
        "Its status list is not the issuer's or cannot be checked",
    );
    let Some((list, entry)) = status_entry(&app.config.site_url, document, by.tenant) else {
        return Ok((Standing::Invalid, unreadable));
    };
    let stored = app.status_lists.list(&list).await?;
    let list: Option<Map<String, Value>> =
        stored.and_then(|list| serde_json::from_slice(&list.document).ok());
    let bits = list.filter(|list| {
        let key = proof::read(list).ok().and_then(|p| key_of(by.keys, by.did, p.key_id).ok());
        key.is_some_and(|key| proof::check(list, &key).is_ok())
    });
    let Some(bits) = bits.and_then(|list| status_list::bits_of(&list)) else {
        return Ok((Standing::Invalid, unreadable));
    };
    if !bits.get(entry.index) {
        let clear = Text::new(
            "La lista de estado firmada por el emisor no la revoca",
            "The status list signed by the issuer does not revoke it",
        );
        return Ok((Standing::Issued, clear));
    }
    // The list has only the bit; the stored credential has the reason.
    let stored = match verification.credential {
        Some(id) => app.credentials.stored(id).await?,
        None => None,
    };
    let current = stored.map(|stored| match stored {
        Stored::Credential(credential) => (credential.signed.status_entry(), credential.status),
        Stored::Erased(tombstone) => (tombstone.status_entry(), tombstone.status),
    });
    verification.superseded = current.is_none_or(|(of, _)| of != entry);
    Ok(match current.map(|(_, status)| (status, verification.superseded)) {
        Some((Status::Suspended, false)) => (
            Standing::Suspended,
            Text::new(
                "El emisor la suspendió; por ahora no está vigente",
                "The issuer has suspended it; for now it does not hold",
            ),
        ),
        Some((Status::Revoked | Status::Issued, false)) => {
            (Standing::Revoked, Text::new("El emisor la revocó", "The issuer has revoked it"))
        }
        Some((Status::Revoked, true)) => (
            Standing::Revoked,
            Text::new(
                "El emisor la corrigió después de este archivo, y luego la revocó",
                "The issuer has corrected it since this file was made, and then revoked it",
            ),
        ),
        Some((Status::Suspended | Status::Issued, true)) | None => (
            Standing::Replaced,
            Text::new(
                "El emisor la corrigió: este archivo fue reemplazado por una versión posterior",
                "The issuer has corrected it: this file was replaced by a later version",
            ),
        ),
    })
}

/// Returns the status entry that a document names, if it is in a list of the issuer.
fn status_entry(
    site_url: &str,
    document: &Map<String, Value>,
    issuer: Tenant<'_>,
) -> Option<(ListId, StatusEntry)> {
    let named = document.get("credentialStatus")?;
    let text = |name: &str| named.get(name).and_then(Value::as_str);
    let list = text("statusListCredential")?.strip_prefix(site_url)?.strip_prefix("/status/")?;
    let list = ListId::parse(list).filter(|list| issuer.owns(&list.org, list.mode))?;
    let index = text("statusListIndex")?.parse().ok().filter(|n| *n < LENGTH)?;
    let ours = text("type") == Some("BitstringStatusListEntry")
        && text("statusPurpose") == Some("revocation");
    let entry = StatusEntry { list: list.number, index };
    ours.then_some((list, entry))
}

/// Parses the address of a credential of this service.
pub fn credential_at(site_url: &str, url: &str) -> Option<CredentialId> {
    let path = url.strip_prefix(site_url)?.strip_prefix("/credential/")?;
    let path = path.split(['?', '#']).next().unwrap_or_default();
    CredentialId::parse(path.strip_suffix(".json").unwrap_or(path)).ok()
}
