//! `/verify`: whoever holds a credential's file, or its address, checks it without a key.
//!
//! Only documents of this site's organizations are told, and nothing is fetched from elsewhere. What is
//! sent is read in memory and forgotten with the answer: it is neither stored nor logged.

mod address;
mod form;

use http::{HeaderValue, Response, StatusCode, header};
use jiff::{Timestamp, civil::Date};
use lambda_http::Body;
use serde_json::{Map, Value};

use self::{address::Address, form::Form};
use crate::{
    app::App,
    credentials::{
        days,
        verify::{Finding, Standing, Verification},
        verify_text::{self, DocumentText},
    },
    document::{
        attached::{self, AttachedFault, Carrier, MAX_DOCUMENT},
        did,
    },
    domain::{
        credential::Credential,
        erasure::Stored,
        ids::{CredentialId, Mode, OrgId},
    },
    http::{problem::Problem, serve::Call},
    store::StoreError,
    web::{
        pages::{self, Said, Signed, Verdict, VerifyAnswer},
        respond::html,
        view::{self, CredentialView, LoadedCredential, State},
    },
};

/// Bytes of a form beside its file.
const FRAMING: usize = 64 * 1024;

/// `GET /verify`: the form.
///
/// # Errors
/// `internal` when the site's address fits no header.
pub fn form(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    answer(app, call, StatusCode::OK, None)
}

/// `POST /verify`: the form's answer. It changes nothing, so sending it again is harmless.
///
/// # Errors
/// `internal` when the site's address fits no header.
pub async fn check(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (status, said) = match asked(app, call) {
        Ok(asked) => match found(app, call, asked).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "document not verified");
                (StatusCode::SERVICE_UNAVAILABLE, VerifyAnswer::Said(Said::Unavailable))
            }
        },
        Err((status, said)) => (status, VerifyAnswer::Said(said)),
    };
    answer(app, call, status, Some(&said))
}

fn answer(
    app: &App,
    call: &Call,
    status: StatusCode,
    said: Option<&VerifyAnswer>,
) -> Result<Response<Body>, Problem> {
    let lang = call.page_lang();
    let site_url = &app.config.site_url;
    let mut response = html(status, pages::verify(said, site_url, lang), lang, site_url)?;
    let policy = HeaderValue::from_str(&pages::verify_security_policy(site_url));
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy.map_err(Problem::internal)?);
    Ok(response)
}

/// What a form asks about.
enum Asked {
    Document(DocumentText),
    Credential(CredentialId),
}

/// Reads a form: of a file and a text, the file counts.
fn asked(app: &App, call: &Call) -> Result<Asked, (StatusCode, Said)> {
    let unreadable = |said| (StatusCode::UNPROCESSABLE_ENTITY, said);
    let too_large = |fault| (StatusCode::PAYLOAD_TOO_LARGE, Said::File(fault));
    if call.body.len() > attached::MAX_FILE + FRAMING {
        return Err(too_large(AttachedFault::FileTooLarge));
    }
    let media_type = call.header("content-type").unwrap_or_default();
    let form = Form::read(media_type, &call.body)
        .ok_or((StatusCode::UNSUPPORTED_MEDIA_TYPE, Said::Nothing))?;
    let carried = match form.file {
        [] => None,
        file if Carrier::of(file).is_some() => {
            Some(attached::document_of(file).map_err(|fault| match fault {
                AttachedFault::FileTooLarge | AttachedFault::DocumentTooLarge => too_large(fault),
                fault => unreadable(Said::File(fault)),
            })?)
        }
        file => Some(file.to_vec()),
    };
    let of_file = carried.is_some();
    let text = carried.unwrap_or_else(|| form.text.into_bytes());
    if text.len() > MAX_DOCUMENT {
        return Err(too_large(AttachedFault::DocumentTooLarge));
    }
    if let Ok(document) = DocumentText::read(&text) {
        return match document.presents_several {
            true => Err(unreadable(Said::File(AttachedFault::Several))),
            false => Ok(Asked::Document(document)),
        };
    }
    let begins = |text: &[u8]| text.trim_ascii_start().first().copied();
    match begins(&text) {
        Some(b'{' | b'[') => return Err(unreadable(Said::NotJson)),
        // What a file says besides is not what an address in it stands for.
        _ if of_file => return Err(unreadable(Said::File(AttachedFault::OtherFile))),
        None => return Err((StatusCode::BAD_REQUEST, Said::Nothing)),
        Some(_) => {}
    }
    match address::read(&app.config.site_url, &String::from_utf8_lossy(&text)) {
        Address::Credential(id) => Ok(Asked::Credential(id)),
        Address::Foreign => Err(unreadable(Said::Foreign)),
        Address::Several => Err(unreadable(Said::Several)),
        Address::NoCredential => Err(unreadable(Said::NoCredential)),
        Address::Nothing => Err(unreadable(Said::NoAddress)),
    }
}

async fn found(
    app: &App,
    call: &Call,
    asked: Asked,
) -> Result<(StatusCode, VerifyAnswer), StoreError> {
    let said = |status, said| Ok((status, VerifyAnswer::Said(said)));
    let id = match asked {
        Asked::Document(document) => {
            let verdict = of_document(app, &document, call.now).await?;
            return Ok((StatusCode::OK, VerifyAnswer::Verdict(Box::new(verdict))));
        }
        Asked::Credential(id) => id,
    };
    let credential = match app.credentials.stored(id).await? {
        None => return said(StatusCode::NOT_FOUND, Said::Unknown),
        Some(Stored::Erased(left)) => return said(StatusCode::GONE, Said::Erased(left.why)),
        Some(Stored::Credential(credential)) if credential.blocked.is_some() => {
            return said(StatusCode::FORBIDDEN, Said::Blocked);
        }
        Some(Stored::Credential(credential)) => *credential,
    };
    let loaded = LoadedCredential::read(app, credential, call.now).await?;
    let verdict = of_view(loaded.shown(&app.config.site_url, call.now));
    Ok((StatusCode::OK, VerifyAnswer::Verdict(Box::new(verdict))))
}

/// The verdict on a credential that an address names: as much of it as its page shows.
fn of_view(view: CredentialView) -> Verdict {
    let standing = match view.state {
        State::Issued => Standing::Issued,
        State::Expired => Standing::Expired,
        State::Suspended => Standing::Suspended,
        State::Revoked => Standing::Revoked,
        State::Unverified => Standing::Invalid,
    };
    let signed = (standing != Standing::Invalid).then(|| Signed {
        name: view.name,
        holder: view.recipient_name,
        organization: view.organization,
        website: view.website,
        contact: view.contact,
        test: view.test,
        awarded_on: view.awarded_on.or(view.issued_on),
        expires_on: view.expires_on,
    });
    Verdict {
        standing,
        begun: true,
        signed,
        superseded: false,
        revoked_on: view.status_on.filter(|_| view.state == State::Revoked),
        page: Some(view.url),
        erased: None,
        findings: view.checks,
    }
}

/// The verdict on a document, and what its issuer signed there. Of a document that nobody of this site
/// signed nothing is repeated: it would be read as this site's word.
async fn of_document(
    app: &App,
    document: &DocumentText,
    now: Timestamp,
) -> Result<Verdict, StoreError> {
    let verification = document.verify(app, now).await?;
    let stored = verify_text::stored(app, &verification).await?;
    let mut verdict = Verdict {
        standing: verification.standing,
        begun: verification.standing != Standing::Issued || verification.verified(),
        signed: None,
        superseded: verification.superseded,
        revoked_on: None,
        page: None,
        erased: None,
        findings: Vec::new(),
    };
    if verification.standing != Standing::Invalid {
        let days = signed_days(app, &document.members, &verification, stored.as_ref()).await?;
        let mut signed = signed(&document.members, verification.mode, days);
        if let Some(org) = issuer_of(app, &document.members) {
            let settings = app.catalog.organization(&org).await?.settings.clone();
            (signed.website, signed.contact) = (settings.website, settings.contact);
        }
        verdict.signed = Some(signed);
    }
    match stored {
        Some(Stored::Erased(left)) => verdict.erased = Some(left.why),
        Some(Stored::Credential(credential)) => {
            if verdict.standing == Standing::Revoked {
                let organization = app.catalog.organization(&credential.org).await?;
                verdict.revoked_on = view::status_on(&credential, &organization);
            }
            verdict.page = (credential.blocked.is_none())
                .then(|| Credential::url(&app.config.site_url, credential.id));
        }
        None => {}
    }
    let plain = |finding: Finding| Finding { outcome: finding.outcome.plain(), ..finding };
    verdict.findings = verification.findings.into_iter().map(plain).collect();
    Ok(verdict)
}

/// What a verified document says.
fn signed(document: &Map<String, Value>, mode: Option<Mode>, days: [Option<Date>; 2]) -> Signed {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let subject = document.get("credentialSubject");
    let of_subject = |pointer: &str| subject.and_then(|subject| subject.pointer(pointer));
    let identifiers = of_subject("/identifier").and_then(Value::as_array);
    let holder = identifiers
        .into_iter()
        .flatten()
        .find(|identifier| identifier.get("identityType").and_then(Value::as_str) == Some("name"));
    let issuer = document.get("issuer");
    let [awarded_on, expires_on] = days;
    Signed {
        name: text(of_subject("/achievement/name")).unwrap_or_default(),
        holder: text(holder.and_then(|holder| holder.get("identityHash"))),
        organization: text(issuer.and_then(|issuer| issuer.get("name"))).unwrap_or_default(),
        website: None,
        contact: None,
        test: mode == Some(Mode::Test),
        awarded_on,
        expires_on,
    }
}

/// The organization of this site that a document names as its issuer.
fn issuer_of(app: &App, document: &Map<String, Value>) -> Option<OrgId> {
    let did = document.get("issuer")?.get("id")?.as_str()?;
    did::owner(&app.config.site_url, did).map(|(org, _)| org)
}

/// The days of award and end of a verified document: those of its credential, if it is the newest version,
/// else as they are written there.
async fn signed_days(
    app: &App,
    document: &Map<String, Value>,
    verification: &Verification,
    stored: Option<&Stored>,
) -> Result<[Option<Date>; 2], StoreError> {
    if let Some(Stored::Credential(credential)) = stored
        && !verification.superseded
    {
        let days = days::of(app, credential).await?;
        return Ok([days.award(), days.expires_on]);
    }
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    let Some(org) = issuer_of(app, document) else { return Ok([None, None]) };
    let organization = app.catalog.organization(&org).await?;
    let day = |name: &str| Some(organization.date_of(text(name)?.parse().ok()?));
    let awarded = text("awardedDate").and_then(|at| at.get(..10)?.parse().ok());
    Ok([awarded.or_else(|| day("validFrom")), day("validUntil")])
}
