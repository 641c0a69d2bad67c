//! The document that is signed: an Open Badges 3.0 `OpenBadgeCredential`, from a recipient
//! and a template.
//!
//! | recipient | document |
//! |---|---|
//! | `email` | an `IdentityObject` with a salted hash; never the address |
//! | `recipient_name` | an `IdentityObject` in the open |
//! | `result_value` | `result[].value`, the template's values as `allowedValue` |
//! | `credits_earned`, `role`, `term`, `license_number` | `creditsEarned`, `role`, `term`, `licenseNumber` |
//! | activity dates | `activityStartDate`, `activityEndDate` |
//! | `evidence[]` | `evidence[]`, `id` = the URL |

pub mod did;
pub mod linked_data;
pub mod proof;
pub mod status_list;

use aws_lc_rs::digest::{SHA256, digest};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use url::Position;

use crate::{
    document::linked_data::{OB_CONTEXT, OB_EXTENSIONS, VC_CONTEXT},
    domain::{
        credential::{Credential, StatusEntry},
        field::FieldName,
        ids::{CredentialId, ListId, Mode, OrgId, TemplateId},
        image::Image,
        lang::Lang,
        recipient::Recipient,
        template::Definition,
    },
};

/// The schema that the document follows.
const SCHEMA: &str =
    "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json";

/// Achievement types of Open Badges 3.0; any other is written `ext:…`.
const ACHIEVEMENT_TYPES: [&str; 31] = [
    "Achievement",
    "ApprenticeshipCertificate",
    "Assessment",
    "Assignment",
    "AssociateDegree",
    "Award",
    "Badge",
    "BachelorDegree",
    "Certificate",
    "CertificateOfCompletion",
    "Certification",
    "CommunityService",
    "Competency",
    "Course",
    "CoCurricular",
    "Degree",
    "Diploma",
    "DoctoralDegree",
    "Fieldwork",
    "GeneralEducationDevelopment",
    "JourneymanCertificate",
    "LearningProgram",
    "License",
    "MasterDegree",
    "MasterCertificate",
    "Membership",
    "MicroCredential",
    "ProfessionalDoctorate",
    "QualityAssuranceCredential",
    "ResearchDoctorate",
    "SecondarySchoolDiploma",
];

/// Everything that a document says.
#[derive(Debug)]
pub struct Content<'a> {
    /// Root of every link.
    pub site_url: &'a str,
    /// The issuer's DID.
    pub issuer: &'a str,
    /// The issuer's name.
    pub issuer_name: &'a str,
    /// The issuer's logo.
    pub issuer_logo: Option<&'a Image>,
    /// Issuer.
    pub org: &'a OrgId,
    /// Live or test.
    pub mode: Mode,
    /// The credential.
    pub id: CredentialId,
    /// The template.
    pub template_id: TemplateId,
    /// What the template says.
    pub definition: &'a Definition,
    /// The recipient.
    pub recipient: &'a Recipient,
    /// The recipient's pseudonym with this issuer.
    pub subject: uuid::Uuid,
    /// Salt of the address's hash.
    pub salt: &'a str,
    /// Since when it holds, RFC 3339 to the second.
    pub valid_from: &'a str,
    /// Until when, RFC 3339 to the second.
    pub valid_until: Option<&'a str>,
    /// Where its status stands.
    pub status: StatusEntry,
}

/// The name as it stands in a document: test documents say so first.
pub fn marked(mode: Mode, name: &str) -> String {
    match mode {
        Mode::Live => name.to_owned(),
        Mode::Test => format!("PRUEBA · {name}"),
    }
}

/// The hash of an address, as Open Badges 3.0 writes it (`IdentityHash`).
pub fn identity_hash(email: &str, salt: &str) -> String {
    let hash = digest(&SHA256, format!("{email}{salt}").as_bytes());
    let mut out = String::from("sha256$");
    for byte in hash.as_ref() {
        out.push_str(&format!("{byte:02x}"));
    }
    out
}

/// Whether a type is one of the standard's.
fn achievement_type(kind: &str) -> String {
    if ACHIEVEMENT_TYPES.contains(&kind) {
        return kind.to_owned();
    }
    let plain: String = kind
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' })
        .collect();
    format!("ext:{}", plain.strip_prefix("ext-").unwrap_or(&plain))
}

/// What the URL standard leaves as it is and an IRI (RFC 3987) does not allow.
const NOT_IRI: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// Brackets are for IPv6 hosts.
const NOT_IRI_PATH: &AsciiSet = &NOT_IRI.add(b'[').add(b']');

/// A URL as the identifier of what it leads to: an absolute IRI of the same meaning.
fn iri(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(url) => format!(
            "{}{}",
            utf8_percent_encode(&url[..Position::BeforePath], NOT_IRI),
            utf8_percent_encode(&url[Position::BeforePath..], NOT_IRI_PATH)
        ),
        Err(_) => url.to_owned(),
    }
}

/// An image, by its address: it stands under its own hash, so what was signed stays what is shown.
fn image(image: &Image, site_url: &str) -> Value {
    json!({ "id": image.id.url(site_url), "type": "Image" })
}

/// Writes the document, unsigned.
pub fn build(content: &Content<'_>) -> Map<String, Value> {
    let c = content;
    let (r, d) = (c.recipient, c.definition);
    let achievement_id = format!("{}/orgs/{}/achievements/{}", c.site_url, c.org, c.template_id);
    let result_id = format!("{achievement_id}#result");
    let list = ListId { org: c.org.clone(), mode: c.mode, number: c.status.list }.url(c.site_url);
    let day = |date: Option<jiff::civil::Date>| date.map(|d| format!("{d}T00:00:00Z"));

    let mut identifiers = vec![json!({
        "type": "IdentityObject", "identityType": "emailAddress", "hashed": true,
        "identityHash": identity_hash(r.email.as_str(), c.salt), "salt": c.salt,
    })];
    identifiers.extend(r.recipient_name.as_ref().map(|name| {
        json!({
            "type": "IdentityObject", "identityType": "name", "hashed": false,
            "identityHash": name,
        })
    }));
    let values = d.field(FieldName::ResultValue).map(|f| &f.allowed_values);
    let values = values.filter(|values| !values.is_empty());
    let description = values.map(|values| {
        json!([{
            "id": result_id, "type": ["ResultDescription"],
            "name": d.language.unwrap_or(Lang::Es).pick("Calificación", "Grade"),
            "resultType": "Result", "allowedValue": values,
        }])
    });
    let result = r.result_value.as_ref().map(|value| {
        json!([{
            "type": ["Result"], "resultDescription": values.map(|_| &result_id), "value": value,
        }])
    });
    let evidence: Vec<Value> = r
        .evidence
        .iter()
        .map(|e| {
            json!({
                "id": e.url.as_deref().map(iri), "type": ["Evidence"], "name": e.name,
                "description": e.description,
            })
        })
        .collect();
    let mut document = json!({
        "@context": [VC_CONTEXT, OB_CONTEXT, OB_EXTENSIONS],
        "id": Credential::url(c.site_url, c.id),
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": marked(c.mode, &d.name),
        "issuer": {
            "id": c.issuer, "type": ["Profile"], "name": marked(c.mode, c.issuer_name),
            "image": c.issuer_logo.map(|logo| image(logo, c.site_url)),
        },
        "validFrom": c.valid_from,
        "validUntil": c.valid_until,
        "credentialSubject": {
            "id": format!("urn:uuid:{}", c.subject),
            "type": ["AchievementSubject"],
            "identifier": identifiers,
            "achievement": {
                "id": achievement_id,
                "type": ["Achievement"],
                "name": d.name,
                "description": d.description,
                // The standard asks for criteria; a template without is described.
                "criteria": {
                    "narrative": d.achievement.criteria.as_ref().unwrap_or(&d.description),
                },
                "achievementType": d.achievement.kind.as_deref().map(achievement_type),
                "image": d.achievement.image.as_ref().map(|badge| image(badge, c.site_url)),
                "creditsAvailable": d.achievement.credits_available,
                "resultDescription": description,
            },
            "result": result,
            "creditsEarned": r.credits_earned,
            "role": r.role,
            "term": r.term,
            "licenseNumber": r.license_number,
            "activityStartDate": day(r.activity_start_date),
            "activityEndDate": day(r.activity_end_date),
        },
        "evidence": if evidence.is_empty() { Value::Null } else { evidence.into() },
        "credentialSchema": [{ "id": SCHEMA, "type": "1EdTechJsonSchemaValidator2019" }],
        "credentialStatus": {
            "id": format!("{list}#{}", c.status.index),
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": c.status.index.to_string(),
            "statusListCredential": list,
        },
    });
    without_nulls(&mut document);
    match document {
        Value::Object(members) => members,
        _ => Map::new(),
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

    /// The vector of the Open Badges 3.0 specification.
    #[test]
    fn an_address_is_hashed_as_the_standard_says() {
        let hash = identity_hash("a@example.com", "Kosher");
        assert!(hash.starts_with("sha256$b5809d8a") && hash.ends_with("f399"), "{hash}");
    }

    #[test]
    fn an_achievement_type_is_the_standards_or_an_extension() {
        assert_eq!(achievement_type("Course"), "Course");
        assert_eq!(achievement_type("Curso de verano"), "ext:Curso-de-verano");
        assert_eq!(achievement_type("ext:Taller"), "ext:Taller");
    }

    #[test]
    fn a_link_becomes_an_iri_of_the_same_meaning() {
        for (url, expected) in [
            ("https://ejemplo.com/a?b=1&c=%20#d", "https://ejemplo.com/a?b=1&c=%20#d"),
            (
                "https://ejemplo.com/a|b?q={x}[1]^`",
                "https://ejemplo.com/a%7Cb?q=%7Bx%7D%5B1%5D%5E%60",
            ),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ] {
            assert_eq!(iri(url), expected);
        }
    }
}
