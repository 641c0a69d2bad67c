//! The public side: a credential's page and its JSON, without a key.

use http::{HeaderValue, Response, StatusCode, header};
use jiff::{Timestamp, tz::TimeZone};
use lambda_http::Body;
use serde_json::{Value, json};

use crate::{
    app::App,
    credential::{Credential, Status},
    http::Call,
    ids::{CredentialId, Mode},
    lang::Lang,
    organization::Organization,
    page::{self, CredentialPage, EvidenceView},
    problem::Problem,
    store::StoreError,
    template::Template,
};

/// Context of Verifiable Credentials 2.0.
const VC_CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";
/// Context of Open Badges 3.0.
const OB_CONTEXT: &str = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";

/// `GET /credential/{credential_id}`: the page for people, JSON for programs. It changes
/// nothing: mail scanners follow links.
///
/// # Errors
/// The documented problems, for programs; people get pages.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let (id, suffix) = match call.parameter.strip_suffix(".json") {
        Some(id) => (id, true),
        None => (call.parameter.as_str(), false),
    };
    let as_json = suffix || prefers_json(call.header("accept").unwrap_or_default());
    let lang = call.query("lang").and_then(Lang::from_tag).unwrap_or(call.lang);
    let found = match CredentialId::parse(id) {
        Ok(id) => find(app, id).await,
        Err(_) => Ok(None),
    };
    match found {
        Ok(Some(found)) if as_json => {
            let body = serde_json::to_string(&found.document(&app.config.site_url));
            answer(
                StatusCode::OK,
                "application/json; charset=utf-8",
                body.map_err(Problem::internal)?,
            )
        }
        Ok(Some(found)) => {
            html(StatusCode::OK, found.page(&app.config.site_url, lang, call.now), lang)
        }
        Ok(None) if as_json => {
            Err(Problem::not_found("La credencial no existe", "The credential does not exist"))
        }
        Ok(None) => html(StatusCode::NOT_FOUND, page::not_found(lang), lang),
        Err(error) if as_json => Err(error.into()),
        Err(error) => {
            tracing::error!(%error, "page not shown");
            html(StatusCode::SERVICE_UNAVAILABLE, page::unavailable(lang), lang)
        }
    }
}

/// Whether a JSON type stands before HTML in `Accept`.
fn prefers_json(accept: &str) -> bool {
    for part in accept.split(',') {
        match part.split(';').next().unwrap_or_default().trim() {
            "application/json" | "application/ld+json" | "application/vc" => return true,
            "text/html" | "application/xhtml+xml" | "*/*" => return false,
            _ => {}
        }
    }
    false
}

fn answer(
    status: StatusCode,
    media_type: &'static str,
    body: String,
) -> Result<Response<Body>, Problem> {
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Language"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

fn html(status: StatusCode, body: String, lang: Lang) -> Result<Response<Body>, Problem> {
    let mut response = answer(status, "text/html; charset=utf-8", body)?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.tag()));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(page::content_security_policy()),
    );
    Ok(response)
}

/// A credential and what it is shown with.
struct Found {
    credential: Credential,
    organization: std::sync::Arc<Organization>,
    template: std::sync::Arc<Template>,
}

async fn find(app: &App, id: CredentialId) -> Result<Option<Found>, StoreError> {
    let Some(credential) = app.credentials.get(id).await? else {
        return Ok(None);
    };
    let organization = app.catalog.organization(&credential.org).await?;
    let template = app
        .catalog
        .template_version(&credential.org, credential.template_id, credential.template_version)
        .await?
        .ok_or(StoreError::Broken("credential without template".to_owned()))?;
    Ok(Some(Found { credential, organization, template }))
}

impl Found {
    fn issued_on(&self) -> String {
        self.credential
            .issued_at
            .parse::<Timestamp>()
            .map_or_else(|_| String::new(), |at| self.organization.day_of(at))
    }

    fn expires_on(&self) -> Option<jiff::civil::Date> {
        self.template.definition.expires_on(self.issued_on().parse().ok()?)
    }

    fn page(&self, site_url: &str, lang: Lang, now: Timestamp) -> String {
        let (c, r, d) = (&self.credential, &self.credential.recipient, &self.template.definition);
        let url = Credential::url(site_url, c.id);
        let zone = TimeZone::get(&self.organization.settings.time_zone).unwrap_or(TimeZone::UTC);
        let expires = self.expires_on();
        let expired = expires.is_some_and(|day| now.to_zoned_datetime(zone).date() > day);
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
                status: match c.status {
                    Status::Revoked => page::Status::Revoked,
                    Status::Suspended => page::Status::Suspended,
                    Status::Issued if expired => page::Status::Expired,
                    Status::Issued => page::Status::Issued,
                },
                test: c.mode == Mode::Test,
                organization: &self.organization.settings.name,
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
                expires_on: text(&expires).as_deref(),
                evidence: &evidence,
                reason: None,
            },
            lang,
        )
    }

    /// The credential in the shape of Open Badges 3.0, without a proof: it states what this
    /// service holds, and `status` says how it stands now. The address is not in it.
    fn document(&self, site_url: &str) -> Value {
        let (c, r, d) = (&self.credential, &self.credential.recipient, &self.template.definition);
        let test = c.mode == Mode::Test;
        let marked = |name: &str| if test { format!("PRUEBA · {name}") } else { name.to_owned() };
        let day = |date: &Option<jiff::civil::Date>| date.map(|d| format!("{d}T00:00:00Z"));
        let mut subject = json!({
            "type": ["AchievementSubject"],
            "achievement": {
                "id": format!("urn:uuid:{}", c.template_id),
                "type": ["Achievement"],
                "name": d.name,
                "description": d.description,
                "criteria": { "narrative": d.achievement.criteria },
                "achievementType": d.achievement.kind,
                "creditsAvailable": d.achievement.credits_available,
            },
            "creditsEarned": r.credits_earned,
            "role": r.role,
            "term": r.term,
            "licenseNumber": r.license_number,
            "activityStartDate": day(&r.activity_start_date),
            "activityEndDate": day(&r.activity_end_date),
        });
        if let Some(members) = subject.as_object_mut() {
            if let Some(name) = &r.recipient_name {
                members.insert(
                    "identifier".into(),
                    json!([{
                        "type": "IdentityObject", "identityType": "name",
                        "identityHash": name, "hashed": false,
                    }]),
                );
            }
            if let Some(value) = &r.result_value {
                members.insert("result".into(), json!([{ "type": ["Result"], "value": value }]));
            }
        }
        let evidence: Vec<Value> = r
            .evidence
            .iter()
            .map(|e| {
                json!({
                    "id": e.url, "type": ["Evidence"], "name": e.name,
                    "description": e.description,
                })
            })
            .collect();
        let mut document = json!({
            "@context": [VC_CONTEXT, OB_CONTEXT],
            "id": Credential::url(site_url, c.id),
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "name": marked(&d.name),
            "issuer": { "type": ["Profile"], "name": marked(&self.organization.settings.name) },
            "validFrom": c.issued_at,
            "validUntil": self.expires_on().map(|day| format!("{day}T23:59:59Z")),
            "credentialSubject": subject,
            "evidence": if evidence.is_empty() { Value::Null } else { evidence.into() },
            "status": c.status,
            "mode": c.mode,
        });
        without_nulls(&mut document);
        document
    }
}

/// Takes members without a value out of a document.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(values) => values.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_ask_for_json_get_it_and_browsers_get_the_page() {
        for json in ["application/json", "application/vc", "application/ld+json, */*;q=0.1"] {
            assert!(prefers_json(json), "{json}");
        }
        for page in ["", "*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"] {
            assert!(!prefers_json(page), "{page}");
        }
    }
}
