//! Documents: data that a stranger verifies. Rule: values in, values out, nothing of a tenant;
//! imports only the domain.
//!
//! [`achievement`] writes what a credential is given for, [`alignments`] prepares a part of it, [`attached`] finds a document in a file, [`did`] names the signer, [`linked_data`] finds the canonical form, [`proof`] signs and
//! checks it, [`status_list`] holds the bits of revocation.
//!
//! This module builds the document that is signed: an Open Badges 3.0 `OpenBadgeCredential`
//! from a recipient and a template.
//!
//! | recipient | document |
//! |---|---|
//! | `email` | an `IdentityObject` with a salted hash, never the address |
//! | `recipient_name` | an `IdentityObject` in plain text |
//! | `result_value` | `result[].value`, the template's values as `allowedValue` |
//! | `custom` | `result[]` each, its label in a `resultDescription`; private facts are nowhere |
//! | `credits_earned`, `role`, `term`, `license_number` | `creditsEarned`, `role`, `term`, `licenseNumber` |
//! | activity dates | `activityStartDate`, `activityEndDate` |
//! | `awarded_on`, else the day of issue | `awardedDate` |
//! | `valid_until`, else the template's months | `validUntil` |
//! | `evidence[]` | `evidence[]`, `id` = the URL |

pub mod achievement;
pub mod alignments;
pub mod attached;
mod common_lines;
pub mod did;
pub mod linked_data;
pub mod proof;
pub mod status_list;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::civil::Date;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use url::Position;

use crate::{
    document::{
        achievement::AchievementVersion,
        linked_data::{OB_CONTEXT, OB_EXTENSIONS, VC_CONTEXT},
    },
    domain::{
        credential::Credential,
        field::FieldName,
        ids::{CredentialId, Mode, OrgId, TemplateId},
        image::Image,
        recipient::{Evidence, FieldValue, Recipient},
        status_entry::{ListId, StatusEntry},
        template::Definition,
    },
};

/// The schema that the document follows.
const SCHEMA: &str =
    "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json";

/// The content of a document.
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
    /// Its version.
    pub template_version: u32,
    /// The template's content.
    pub definition: &'a Definition,
    /// The recipient.
    pub recipient: &'a Recipient,
    /// The recipient's pseudonym with this issuer.
    pub subject: uuid::Uuid,
    /// Salt of the address's hash.
    pub salt: &'a str,
    /// Start of validity, RFC 3339 to the second.
    pub valid_from: &'a str,
    /// End of validity, RFC 3339 to the second.
    pub valid_until: Option<&'a str>,
    /// The day of the award.
    pub awarded_on: Option<Date>,
    /// Its entry in a status list.
    pub status: StatusEntry,
}

impl<'a> Content<'a> {
    /// The achievement.
    pub fn achievement(&self) -> AchievementVersion<'a> {
        AchievementVersion {
            site_url: self.site_url,
            org: self.org,
            template: self.template_id,
            version: self.template_version,
            definition: self.definition,
        }
    }
}

/// The name in a document: that of a test document begins with `PRUEBA`.
pub fn marked(mode: Mode, name: &str) -> String {
    match mode {
        Mode::Live => name.to_owned(),
        Mode::Test => format!("PRUEBA · {name}"),
    }
}

/// The name in a document without the mark of a test.
pub fn unmarked(mode: Mode, name: &str) -> &str {
    match mode {
        Mode::Live => name,
        Mode::Test => name.strip_prefix("PRUEBA · ").unwrap_or(name),
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

/// Characters that the URL standard keeps and an IRI (RFC 3987) does not allow.
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
/// Brackets are allowed in IPv6 hosts only.
const NOT_IRI_PATH: &AsciiSet = &NOT_IRI.add(b'[').add(b']');

/// A URL as an identifier: an absolute IRI of the same meaning.
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

/// An image by its address, which contains its hash: the image shown stays the image signed.
fn image(image: &Image, site_url: &str) -> Value {
    json!({ "id": image.id.url(site_url), "type": "Image" })
}

/// Builds the document, unsigned.
pub fn build(content: &Content<'_>) -> Map<String, Value> {
    build_with(content, content.achievement().build())
}

/// Builds the document without the alignments of its achievement, which are [`alignments`].
fn build_without_alignments(content: &Content<'_>) -> Map<String, Value> {
    build_with(content, content.achievement().build_without_alignments())
}

fn build_with(c: &Content<'_>, achievement: Value) -> Map<String, Value> {
    let d = c.definition;
    let url = Credential::url(c.site_url, c.id);
    let list = ListId { org: c.org.clone(), mode: c.mode, number: c.status.list }.url(c.site_url);
    let mut document = json!({
        "@context": [VC_CONTEXT, OB_CONTEXT, OB_EXTENSIONS],
        "id": url,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": marked(c.mode, &d.name),
        "issuer": {
            "id": c.issuer, "type": ["Profile"], "name": marked(c.mode, c.issuer_name),
            "image": c.issuer_logo.map(|logo| image(logo, c.site_url)),
        },
        "validFrom": c.valid_from,
        "validUntil": c.valid_until,
        "awardedDate": c.awarded_on.map(midnight),
        "credentialSubject": null,
        "evidence": evidence(&url, &c.recipient.evidence),
        "credentialSchema": [{ "id": SCHEMA, "type": "1EdTechJsonSchemaValidator2019" }],
        "credentialStatus": {
            "id": format!("{list}#{}", c.status.index),
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": c.status.index.to_string(),
            "statusListCredential": list,
        },
        "refreshService": { "id": format!("{url}.json"), "type": "1EdTechCredentialRefresh" },
    });
    if let Some(members) = document.as_object_mut() {
        members.insert("credentialSubject".to_owned(), subject(c, achievement));
    }
    without_nulls(&mut document);
    match document {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The recipient and the achievement.
fn subject(c: &Content<'_>, built: Value) -> Value {
    let achievement = c.achievement();
    let url = Credential::url(c.site_url, c.id);
    let mut subject = json!({
        "id": format!("urn:uuid:{}", c.subject),
        "type": ["AchievementSubject"],
        "identifier": identifiers(c),
        "achievement": null,
    });
    let fields = FieldName::IN_DOCUMENT.into_iter().filter_map(|field| {
        let value = match c.recipient.value(field)? {
            // Among the results.
            FieldValue::Text(_) if field == FieldName::ResultValue => return None,
            FieldValue::Text(text) => text.into(),
            FieldValue::Credits(credits) => json!(credits),
            FieldValue::Date(day) => midnight(day).into(),
            FieldValue::Evidence(_) => return None,
        };
        Some((field.spec().term.to_owned(), value))
    });
    let grade = c.recipient.result_value.as_ref().map(|grade| {
        json!({
            "id": format!("{url}#result"), "type": ["Result"],
            "resultDescription": achievement.grades_id(), "value": grade,
        })
    });
    let facts = c.recipient.custom.iter().map(|(key, value)| {
        json!({
            "id": format!("{url}#custom-{key}"), "type": ["Result"],
            "resultDescription": achievement.fact_id(*key), "value": value.signed(),
        })
    });
    let results: Vec<Value> = grade.into_iter().chain(facts).collect();
    if let Some(members) = subject.as_object_mut() {
        // Moved: `json!` would copy it.
        members.insert("achievement".to_owned(), built);
        if !results.is_empty() {
            members.insert(FieldName::ResultValue.spec().term.to_owned(), results.into());
        }
        members.extend(fields);
    }
    subject
}

/// A day as the instant that the standard asks for; it is read as a day without a zone.
fn midnight(day: Date) -> String {
    format!("{day}T00:00:00Z")
}

/// The hash of the address, and the name.
fn identifiers(c: &Content<'_>) -> Vec<Value> {
    let address = json!({
        "type": "IdentityObject", "identityType": "emailAddress", "hashed": true,
        "identityHash": identity_hash(c.recipient.email.as_str(), c.salt), "salt": c.salt,
    });
    let name = c.recipient.recipient_name.as_ref().map(|name| {
        json!({
            "type": "IdentityObject", "identityType": "name", "hashed": false,
            "identityHash": name,
        })
    });
    std::iter::once(address).chain(name).collect()
}

/// The evidence, null for none.
fn evidence(credential: &str, entries: &[Evidence]) -> Value {
    let entries: Vec<Value> = entries
        .iter()
        .zip(1..)
        .map(|(e, number)| {
            let own = || format!("{credential}#evidence-{number}");
            json!({
                "id": e.url.as_deref().map_or_else(own, iri), "type": ["Evidence"], "name": e.name,
                "description": e.description,
            })
        })
        .collect();
    if entries.is_empty() { Value::Null } else { entries.into() }
}

/// Removes the members without a value.
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
