//! Verifying: is a document one that an organization of this service signed, and does it
//! hold?
//!
//! Only our own identifiers, keys and lists are looked up, in our own tables: nothing
//! foreign is fetched, whatever a document names. The stricter reading of
//! [`Contexts::Issued`](crate::document::linked_data::Contexts) makes any part that a proof would not
//! cover a fault.

use http::Response;
use jiff::Timestamp;
use lambda_http::Body;
use serde_json::{Map, Value, json};

use crate::{
    api::auth,
    app::App,
    document::{
        did,
        linked_data::{OB_CONTEXT, OB_EXTENSIONS, VC_CONTEXT},
        proof::{self, Broken},
        status_list,
    },
    domain::{
        api_key::Scope,
        credential::{Credential, Status},
        fields::Fields,
        ids::{CredentialId, Mode, OrgId},
        lang::Lang,
        signing_key::PublicKey,
        status_entry::{ListId, StatusEntry},
    },
    http::{
        problem::Problem,
        serve::{Call, ok},
    },
    store::StoreError,
};

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Whether it is a credential of the shape that this service signs.
    Document,
    /// Whether its issuer is an organization of this service, and the key is the issuer's.
    Issuer,
    /// Whether the signature is that key's over exactly this document.
    Proof,
    /// Whether its bit in the status list is clear, and the list is the issuer's.
    Status,
    /// Whether it is within its period.
    Period,
}

impl Check {
    /// Its name on the wire.
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

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// Whether it passed; none when an earlier one kept it from being made.
    pub passed: Option<bool>,
    /// What was found, in Spanish.
    pub es: String,
    /// The same in English.
    pub en: String,
}

/// Where a document stands.
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
    /// Not a document that this service signed, or changed since.
    Invalid,
}

impl Standing {
    /// Its name on the wire.
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
    /// Where the document stands.
    pub standing: Standing,
    /// Live or test, when the issuer is known.
    pub mode: Option<Mode>,
    /// The credential that the document names, if it is of this service.
    pub credential: Option<CredentialId>,
    /// What was checked, in the order of the checks.
    pub findings: Vec<Finding>,
}

impl Verification {
    /// Whether every check passed.
    pub fn verified(&self) -> bool {
        self.findings.iter().all(|finding| finding.passed == Some(true))
    }

    fn answer(&self, site_url: &str, lang: Lang) -> Value {
        let checks: Vec<Value> = self
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "check": finding.check.as_str(),
                    "result": match finding.passed {
                        Some(true) => "passed",
                        Some(false) => "failed",
                        None => "skipped",
                    },
                    "text": lang.pick(&finding.es, &finding.en),
                })
            })
            .collect();
        json!({
            "verified": self.verified(), "status": self.standing.as_str(), "mode": self.mode,
            "credential_id": self.credential,
            "credential_url": self.credential.map(|id| Credential::url(site_url, id)),
            "checks": checks,
        })
    }
}

/// Collects findings; after a failure, what rests on it is not made.
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, check: Check, passed: bool, es: impl Into<String>, en: impl Into<String>) {
        self.0.push(Finding { check, passed: Some(passed), es: es.into(), en: en.into() });
    }

    fn skip(&mut self, checks: &[Check]) {
        for check in checks {
            self.0.push(Finding {
                check: *check,
                passed: None,
                es: "No se comprobó, porque falló una comprobación anterior".to_owned(),
                en: "Not checked, because an earlier check failed".to_owned(),
            });
        }
    }
}

/// Verifies a document.
///
/// # Errors
/// As of the store; a document at fault is an answer, not an error.
pub async fn verify(
    app: &App,
    document: &Map<String, Value>,
    now: Timestamp,
) -> Result<Verification, StoreError> {
    let site_url = &app.config.site_url;
    let mut findings = Findings(Vec::new());
    let named =
        document.get("id").and_then(Value::as_str).and_then(|id| credential_at(site_url, id));
    let mut outcome = Verification {
        standing: Standing::Invalid,
        mode: None,
        credential: named,
        findings: Vec::new(),
    };

    // 1. The document.
    let shape = if document.get("@context") != Some(&json!([VC_CONTEXT, OB_CONTEXT, OB_EXTENSIONS]))
    {
        Err((
            "Sus contextos JSON-LD no son los que usa este servicio",
            "Its JSON-LD contexts are not those that this service uses",
        ))
    } else if document.get("type") != Some(&json!(["VerifiableCredential", "OpenBadgeCredential"]))
    {
        Err(("No es una OpenBadgeCredential", "It is not an OpenBadgeCredential"))
    } else if named.is_none() {
        Err((
            "Su identificador no es una dirección de este servicio",
            "Its id is not an address of this service",
        ))
    } else {
        Ok(())
    };
    if let Err((es, en)) = shape {
        findings.add(Check::Document, false, es, en);
        findings.skip(&[Check::Issuer, Check::Proof, Check::Status, Check::Period]);
        outcome.findings = findings.0;
        return Ok(outcome);
    }
    findings.add(
        Check::Document,
        true,
        "Es una credencial Open Badges 3.0 de este servicio",
        "It is an Open Badges 3.0 credential of this service",
    );

    // 2. The issuer and its key.
    let issuer = match document.get("issuer") {
        Some(Value::String(did)) => Some(did.as_str()),
        Some(issuer) => issuer.get("id").and_then(Value::as_str),
        None => None,
    };
    let owner = issuer.and_then(|did| Some((did, did::owner(site_url, did)?)));
    let Some((did, (org, mode))) = owner else {
        findings.add(
            Check::Issuer,
            false,
            "El emisor no es una organización de este servicio; solo se resuelven sus propios DID",
            "The issuer is not an organization of this service; only its own DIDs are resolved",
        );
        findings.skip(&[Check::Proof, Check::Status, Check::Period]);
        outcome.findings = findings.0;
        return Ok(outcome);
    };
    outcome.mode = Some(mode);
    let keys = app.catalog.public_keys(&org, mode).await?;
    let key = match proof::read(document) {
        Ok(proof) => key_of(&keys, did, proof.key_id),
        Err(_) => Err((
            "No tiene una prueba eddsa-rdfc-2022",
            "It has no proof of the suite eddsa-rdfc-2022",
        )),
    };
    let key = match key {
        Ok(key) => key,
        Err((es, en)) => {
            findings.add(Check::Issuer, false, es, en);
            findings.skip(&[Check::Proof, Check::Status, Check::Period]);
            outcome.findings = findings.0;
            return Ok(outcome);
        }
    };
    findings.add(
        Check::Issuer,
        true,
        format!("La firmó {did} con una llave de su documento DID"),
        format!("Signed by {did} with a key of its DID document"),
    );

    // 3. The signature.
    if let Err(broken) = proof::check(document, &key) {
        let (es, en) = match broken {
            Broken::Unportable(why) => (
                format!("Tiene algo que una firma no cubre ({why})"),
                format!("It has something that a signature does not cover ({why})"),
            ),
            Broken::NoProof | Broken::Signature => (
                "La firma no corresponde al contenido: el documento fue alterado".to_owned(),
                "The signature does not match the content: the document was altered".to_owned(),
            ),
        };
        findings.add(Check::Proof, false, es, en);
        findings.skip(&[Check::Status, Check::Period]);
        outcome.findings = findings.0;
        return Ok(outcome);
    }
    findings.add(
        Check::Proof,
        true,
        "La firma corresponde al contenido, sin cambios",
        "The signature matches the content, unchanged",
    );

    // 4. The status.
    outcome.standing =
        status(app, document, (&org, mode, did), &keys, named, &mut findings).await?;

    // 5. The period.
    let at = |name: &str| {
        document.get(name).and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok())
    };
    let until = at("validUntil");
    if at("validFrom").is_none_or(|from| from > now) {
        findings.add(Check::Period, false, "Todavía no rige", "It is not valid yet");
    } else if until.is_some_and(|until| until < now) {
        findings.add(Check::Period, false, "Su plazo terminó", "Its period has ended");
        if outcome.standing == Standing::Issued {
            outcome.standing = Standing::Expired;
        }
    } else if until.is_some() {
        findings.add(Check::Period, true, "Está dentro de su plazo", "It is within its period");
    } else {
        findings.add(
            Check::Period,
            true,
            "Está en vigor y no vence",
            "It is valid and does not expire",
        );
    }
    outcome.findings = findings.0;
    Ok(outcome)
}

/// The key that a proof names, if it is one of the issuer's that counts.
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
    did::public_key(&key.multikey).ok_or(unknown)
}

async fn status(
    app: &App,
    document: &Map<String, Value>,
    (org, mode, did): (&OrgId, Mode, &str),
    keys: &[PublicKey],
    named: Option<CredentialId>,
    findings: &mut Findings,
) -> Result<Standing, StoreError> {
    let unreadable = |findings: &mut Findings| {
        findings.add(
            Check::Status,
            false,
            "Su lista de estado no es del emisor o no se puede comprobar",
            "Its status list is not the issuer's or cannot be checked",
        );
        Ok(Standing::Invalid)
    };
    let Some((list, place)) = place_of(&app.config.site_url, document, org, mode) else {
        return unreadable(findings);
    };
    let read = app.status_lists.list(&list).await?;
    let list: Option<Map<String, Value>> =
        read.and_then(|list| serde_json::from_slice(&list.document).ok());
    let Some(list) = list else {
        return unreadable(findings);
    };
    let signed = proof::read(&list).ok().and_then(|proof| key_of(keys, did, proof.key_id).ok());
    let holds = signed.is_some_and(|key| proof::check(&list, &key).is_ok());
    let bits = status_list::bits_of(&list).filter(|_| holds);
    let Some(bits) = bits else {
        return unreadable(findings);
    };
    if !bits.get(place.index) {
        findings.add(
            Check::Status,
            true,
            "La lista de estado firmada por el emisor no la revoca",
            "The status list signed by the issuer does not revoke it",
        );
        return Ok(Standing::Issued);
    }
    // The list says that it does not hold; why, our own table knows.
    let credential = match named {
        Some(id) => app.credentials.get(id).await?,
        None => None,
    };
    let now = credential.filter(|credential| credential.signed.status_entry() == place);
    let (standing, es, en) = match now.map(|credential| credential.status) {
        Some(Status::Suspended) => (
            Standing::Suspended,
            "El emisor la suspendió; por ahora no rige",
            "The issuer has suspended it; for now it does not hold",
        ),
        Some(Status::Revoked | Status::Issued) => {
            (Standing::Revoked, "El emisor la revocó", "The issuer has revoked it")
        }
        None => (
            Standing::Replaced,
            "El emisor la corrigió: este archivo fue reemplazado por una versión posterior",
            "The issuer has corrected it: this file was replaced by a later version",
        ),
    };
    findings.add(Check::Status, false, es, en);
    Ok(standing)
}

/// Where a document says that its status stands, if that is a list of its issuer.
fn place_of(
    site_url: &str,
    document: &Map<String, Value>,
    org: &OrgId,
    mode: Mode,
) -> Option<(ListId, StatusEntry)> {
    let entry = document.get("credentialStatus")?;
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let list = text("statusListCredential")?.strip_prefix(site_url)?.strip_prefix("/status/")?;
    let list = ListId::parse(list).filter(|list| list.org == *org && list.mode == mode)?;
    let index = text("statusListIndex")?
        .parse()
        .ok()
        .filter(|n| *n < crate::domain::status_entry::LENGTH)?;
    let ours = text("type") == Some("BitstringStatusListEntry")
        && text("statusPurpose") == Some("revocation");
    let place = StatusEntry { list: list.number, index };
    ours.then_some((list, place))
}

/// The credential that an address of this service names.
fn credential_at(site_url: &str, url: &str) -> Option<CredentialId> {
    let path = url.strip_prefix(site_url)?.strip_prefix("/credential/")?;
    let path = path.split(['?', '#']).next().unwrap_or_default();
    CredentialId::parse(path.strip_suffix(".json").unwrap_or(path)).ok()
}

/// `POST /verify`: a document as the body, or under `document`; or `{"url": …}` with the
/// address of a credential of this service. Any key may ask.
///
/// # Errors
/// The documented problems.
pub async fn answer(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    auth::authenticate(app, call, &Scope::ALL).await?;
    let mut fields = Fields::of_body(call.expect_json()?)?;
    let document = match fields.take("document") {
        Some(Value::Object(document)) => Some(document),
        Some(_) => {
            fields.wrong_type("document", "un objeto", "an object");
            None
        }
        None => None,
    };
    let url = fields.take("url");
    if document.is_none() && url.is_none() && fields.has("@context") {
        let verification = verify(app, &fields.into_members(), call.now).await?;
        return ok(&verification.answer(&app.config.site_url, call.lang));
    }
    if document.is_none() && url.is_none() {
        fields.missing("document");
    }
    fields.end()?;
    let document = match (document, url) {
        (Some(document), _) => document,
        (None, url) => {
            let url = url.as_ref().and_then(Value::as_str).unwrap_or_default();
            let id = credential_at(&app.config.site_url, url).ok_or_else(|| {
                Problem::invalid_field(
                    "/url",
                    "foreign_url",
                    "El campo url debe ser la dirección de una credencial de este servicio; de otros sitios no se lee nada",
                    "The field url must be the address of a credential of this service; nothing is fetched from elsewhere",
                )
            })?;
            document_of(app, id).await?
        }
    };
    let verification = verify(app, &document, call.now).await?;
    ok(&verification.answer(&app.config.site_url, call.lang))
}

async fn document_of(app: &App, id: CredentialId) -> Result<Map<String, Value>, Problem> {
    let missing = || Problem::not_found("La credencial no existe", "The credential does not exist");
    let credential = app.credentials.get(id).await?.ok_or_else(missing)?;
    let document = app.status_lists.document(&credential.signed).await?.ok_or_else(missing)?;
    serde_json::from_slice(&document).map_err(Problem::internal)
}
