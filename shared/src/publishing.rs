//! The public side: a credential's page and its signed document, who signs, status lists.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use lambda_http::Body;
use serde_json::{Map, Value};

use crate::{
    app::App,
    credential::{Credential, Status},
    did,
    http::Call,
    ids::{CredentialId, Mode, OrgId},
    lang::Lang,
    organization::Organization,
    page::{self, CheckView, CredentialPage, EvidenceView},
    problem::Problem,
    status_list::ListId,
    store::StoreError,
    template::Template,
    verifying::{self, Standing, Verification},
};

/// How long a status list, or who signs, may be kept by others: seconds.
const PUBLIC_CACHE: &str = "public, max-age=60";

/// Answers a public route. None changes anything: mail scanners follow links.
///
/// # Errors
/// The documented problems, for programs; people get pages.
pub async fn answer_route(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    match call.route {
        (_, "/status/{list_id}") => status_list(app, call).await,
        (_, "/orgs/{org}/did.json") => did_document(app, call, Mode::Live).await,
        (_, "/orgs/{org}/test/did.json") => did_document(app, call, Mode::Test).await,
        (_, "/.well-known/did.json") => {
            public(call, to_bytes(&did::site_document(&app.config.site_url))?, DID_JSON)
        }
        _ => show(app, call).await,
    }
}

/// Media type of DID documents (DID Core §6.3).
const DID_JSON: &str = "application/did+ld+json";

/// `GET /credential/{credential_id}`: the page for people; for programs the document,
/// byte for byte as it was signed.
async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (id, suffix) = match call.parameter.strip_suffix(".json") {
        Some(id) => (id, true),
        None => (call.parameter.as_str(), false),
    };
    let wanted = match wanted_json(call.header("accept").unwrap_or_default()) {
        None if suffix => Some("application/json"),
        wanted => wanted,
    };
    let lang = call.query("lang").and_then(Lang::from_tag).unwrap_or(call.lang);
    let missing = || Problem::not_found("La credencial no existe", "The credential does not exist");
    let found = match CredentialId::parse(id) {
        Ok(id) => app.credentials.get(id).await,
        Err(_) => Ok(None),
    };
    if let Some(media_type) = wanted {
        let credential = found?.ok_or_else(missing)?;
        let document = app.standing.document(&credential.signed).await?.ok_or_else(|| {
            Problem::not_found(
                "La credencial es de una versión anterior y no está firmada",
                "The credential is of an earlier version and is not signed",
            )
        })?;
        let mut response = with_etag(call, document, media_type)?;
        // A correction replaces it at once, so whoever keeps it asks each time.
        set(&mut response, header::CACHE_CONTROL, "no-cache");
        set(&mut response, header::VARY, "Accept, Accept-Language");
        return Ok(response);
    }
    let page = match found {
        Ok(Some(credential)) => match Found::read(app, credential, call.now).await {
            Ok(found) => Ok(Some(found.answer(app, call, lang))),
            Err(error) => Err(error),
        },
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    match page {
        Ok(Some(page)) => html(StatusCode::OK, page, lang),
        Ok(None) => html(StatusCode::NOT_FOUND, page::not_found(lang), lang),
        Err(error) => {
            tracing::error!(%error, "page not shown");
            html(StatusCode::SERVICE_UNAVAILABLE, page::unavailable(lang), lang)
        }
    }
}

/// `GET /status/{list_id}`: a status list, as it was signed last.
async fn status_list(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let missing =
        || Problem::not_found("La lista de estado no existe", "The status list does not exist");
    let id = ListId::parse(&call.parameter).ok_or_else(missing)?;
    let list = app.standing.list(&id).await?.ok_or_else(missing)?;
    public(call, list.document, "application/vc")
}

/// `GET /orgs/{org}/did.json`, and the one of test credentials under `/test`.
async fn did_document(app: &App, call: &Call, mode: Mode) -> Result<Response<Body>, Problem> {
    let missing =
        || Problem::not_found("La organización no existe", "The organization does not exist");
    let org = OrgId::parse(&call.parameter).map_err(|_| missing())?;
    let keys = app.catalog.public_keys(&org, mode).await?;
    if keys.is_empty() {
        return Err(missing());
    }
    let counts = keys.into_iter().filter(|key| key.compromised_at.is_none());
    let multikeys: Vec<String> = counts.map(|key| key.multikey).collect();
    let did = did::of(&app.config.site_url, &org, mode);
    public(call, to_bytes(&did::document(&did, &multikeys))?, DID_JSON)
}

fn to_bytes(value: &serde_json::Value) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(Problem::internal)
}

/// What anybody may read and keep for a minute.
fn public(call: &Call, body: Vec<u8>, media_type: &'static str) -> Result<Response<Body>, Problem> {
    let mut response = with_etag(call, body, media_type)?;
    set(&mut response, header::CACHE_CONTROL, PUBLIC_CACHE);
    Ok(response)
}

/// Bytes under their hash as `ETag`; 304 without them for whoever has them. Verifiers run
/// in browsers too, so any origin may read.
fn with_etag(
    call: &Call,
    body: Vec<u8>,
    media_type: &'static str,
) -> Result<Response<Body>, Problem> {
    let hash = digest(&SHA256, &body);
    let tag = URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default());
    let tag = format!("\"{tag}\"");
    let known = call.header("if-none-match").is_some_and(|tags| {
        tags.split(',').any(|known| {
            let known = known.trim();
            known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
        })
    });
    let mut response = match known {
        true => Response::new(Body::Empty),
        false => Response::new(Body::Binary(body)),
    };
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        set(&mut response, header::CONTENT_TYPE, media_type);
        // lambda_http hands over what it does not know for text as base64, which API Gateway
        // decodes by the client's Accept header; some clients send none.
        let as_text = HeaderName::from_static("x-lambda-http-content-encoding");
        set(&mut response, as_text, "text");
    }
    let tag = HeaderValue::from_str(&tag).map_err(Problem::internal)?;
    response.headers_mut().insert(header::ETAG, tag);
    set(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(&mut response, HeaderName::from_static("x-robots-tag"), "noindex");
    set(&mut response, header::REFERRER_POLICY, "no-referrer");
    Ok(response)
}

fn set(response: &mut Response<Body>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// The JSON type that stands before HTML in `Accept`.
fn wanted_json(accept: &str) -> Option<&'static str> {
    for part in accept.split(',') {
        match part.split(';').next().unwrap_or_default().trim() {
            "application/json" => return Some("application/json"),
            "application/ld+json" => return Some("application/ld+json"),
            "application/vc" => return Some("application/vc"),
            "text/html" | "application/xhtml+xml" | "*/*" => return None,
            _ => {}
        }
    }
    None
}

fn html(status: StatusCode, body: String, lang: Lang) -> Result<Response<Body>, Problem> {
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(&mut response, header::VARY, "Accept, Accept-Language");
    set(&mut response, HeaderName::from_static("x-robots-tag"), "noindex");
    set(&mut response, header::REFERRER_POLICY, "no-referrer");
    set(&mut response, header::CONTENT_LANGUAGE, lang.tag());
    set(&mut response, header::CONTENT_SECURITY_POLICY, page::content_security_policy());
    Ok(response)
}

/// A credential and what it is shown with.
struct Found {
    credential: Credential,
    organization: std::sync::Arc<Organization>,
    template: std::sync::Arc<Template>,
    /// Name of the issuer, as it was signed.
    issuer: String,
    /// End of its period, as it was signed.
    valid_until: Option<Timestamp>,
    /// What the check of the document says; none of one that is not signed.
    verification: Option<Verification>,
}

impl Found {
    async fn read(app: &App, credential: Credential, now: Timestamp) -> Result<Self, StoreError> {
        let organization = app.catalog.organization(&credential.org).await?;
        let template = app
            .catalog
            .template_version(&credential.org, credential.template_id, credential.template_version)
            .await?
            .ok_or(StoreError::Broken("credential without template".to_owned()))?;
        let mut found = Self {
            issuer: organization.settings.name.clone(),
            credential,
            organization,
            template,
            valid_until: None,
            verification: None,
        };
        if let Some(document) = app.standing.document(&found.credential.signed).await? {
            let document: Map<String, Value> = serde_json::from_slice(&document)
                .map_err(|_| StoreError::Broken("not a document".to_owned()))?;
            let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
            let name = document.get("issuer").and_then(|issuer| issuer.get("name"));
            found.issuer = text(name).unwrap_or(found.issuer);
            found.valid_until =
                text(document.get("validUntil")).and_then(|until| until.parse().ok());
            found.verification = Some(verifying::verify(app, &document, now).await?);
        }
        Ok(found)
    }

    /// The page, or, for a version that a correction replaced (`?version=`), a word on that.
    fn answer(&self, app: &App, call: &Call, lang: Lang) -> String {
        let present = self.credential.version;
        let asked = call.query("version").and_then(|version| version.parse::<u32>().ok());
        if let Some(asked) = asked.filter(|asked| (1..present).contains(asked)) {
            let url = Credential::url(&app.config.site_url, self.credential.id);
            return page::replaced(&url, asked, lang);
        }
        self.page(&app.config.site_url, lang)
    }

    fn issued_on(&self) -> String {
        self.credential
            .issued_at
            .parse::<Timestamp>()
            .map_or_else(|_| String::new(), |at| self.organization.day_of(at))
    }

    /// The last day of its period, in the organization's time zone.
    fn expires_on(&self) -> Option<String> {
        self.valid_until.map(|until| self.organization.day_of(until))
    }

    fn page(&self, site_url: &str, lang: Lang) -> String {
        let (c, r, d) = (&self.credential, &self.credential.recipient, &self.template.definition);
        let url = Credential::url(site_url, c.id);
        let findings = self.verification.as_ref().map(|v| v.findings.as_slice());
        let checks: Vec<CheckView<'_>> = findings
            .unwrap_or_default()
            .iter()
            .map(|f| CheckView { passed: f.passed, text: lang.pick(&f.es, &f.en) })
            .collect();
        let standing = self.verification.as_ref().map(|v| v.standing);
        let corrected = c.corrected_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
        let corrected = corrected.map(|at| self.organization.day_of(at));
        let text = |date: &Option<jiff::civil::Date>| date.map(|date| date.to_string());
        let (start, end) = (text(&r.activity_start_date), text(&r.activity_end_date));
        let evidence: Vec<EvidenceView<'_>> = r
            .evidence
            .iter()
            .map(|e| EvidenceView {
                name: e.name.as_deref(),
                url: e.url.as_deref(),
                description: e.description.as_deref(),
            })
            .collect();
        // Spanish writes a decimal comma.
        let credits = r.credits_earned.map(|credits| credits.to_string());
        let credits = credits.map(|text| lang.pick(text.replace('.', ","), text));
        page::credential(
            &CredentialPage {
                credential_id: &c.id.to_string(),
                url: &url,
                json_url: &format!("{url}.json"),
                status: match (c.status, standing) {
                    (Status::Revoked, _) => page::Status::Revoked,
                    (Status::Suspended, _) => page::Status::Suspended,
                    (Status::Issued, Some(Standing::Issued)) => page::Status::Issued,
                    (Status::Issued, Some(Standing::Expired)) => page::Status::Expired,
                    (Status::Issued, _) => page::Status::Unverified,
                },
                test: c.mode == Mode::Test,
                organization: &self.issuer,
                recipient_name: r.recipient_name.as_deref(),
                name: &d.name,
                description: &d.description,
                criteria: d.achievement.criteria.as_deref(),
                result: r.result_value.as_deref(),
                credits: credits.as_deref(),
                role: r.role.as_deref(),
                term: r.term.as_deref(),
                license_number: r.license_number.as_deref(),
                activity_start: start.as_deref(),
                activity_end: end.as_deref(),
                issued_on: &self.issued_on(),
                expires_on: self.expires_on().as_deref(),
                corrected_on: corrected.as_deref(),
                checks: &checks,
                evidence: &evidence,
                reason: None,
            },
            lang,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_ask_for_json_get_it_and_browsers_get_the_page() {
        for (accept, json) in [
            ("application/json", "application/json"),
            ("application/vc", "application/vc"),
            ("application/ld+json, */*;q=0.1", "application/ld+json"),
        ] {
            assert_eq!(wanted_json(accept), Some(json), "{accept}");
        }
        for page in ["", "*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"] {
            assert_eq!(wanted_json(page), None, "{page}");
        }
    }
}
