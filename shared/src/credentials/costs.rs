//! The cost of a template's credentials, foreseen when the template is saved: what its constant texts
//! add to each stored document.

use aws_lc_rs::digest::{SHA512, digest};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    app::App,
    credentials::sign::{self, SignError},
    document::{self, Content, did, linked_data, proof::Unsigned},
    domain::{
        ids::{CredentialId, Mode, OrgId},
        lang::Lang,
        organization::Settings,
        packing,
        recipient::Recipient,
        status_entry::StatusEntry,
        template::Template,
    },
    store::StoreError,
};

/// Bytes of a write unit of DynamoDB.
pub const WRITE_UNIT: usize = 1_024;
/// Bytes of a credential's item beside its packed document, once its mail was delivered.
const REST_OF_ITEM: usize = 600;
/// A recipient of a usual length.
const USUAL: &str = r#"{"email":"maria.gonzalez@ejemplo.com","recipient_name":"María González Muñoz",
    "result_value":"A","credits_earned":6.5,"role":"Estudiante","term":"2026-2"}"#;
/// A key in place of the organization's, of the same length.
const MULTIKEY: &str = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";

/// The usual recipient with the fields that a template lists.
fn usual(template: &Template) -> Result<Recipient, serde_json::Error> {
    let mut fields: Map<String, Value> = serde_json::from_str(USUAL)?;
    let listed = |name: &str| template.definition.fields.iter().any(|f| f.name.as_str() == name);
    fields.retain(|name, _| name == "email" || listed(name));
    serde_json::from_value(fields.into())
}

/// Foresees the write units of a credential of a template: 1, or more for a rich one. The first constant
/// texts are nearly free, since they are packed under a dictionary that has them.
///
/// # Errors
/// [`SignError::Unportable`] when no verifier could read the template's texts as every other one.
pub fn write_units(
    app: &App,
    org: &OrgId,
    settings: &Settings,
    template: &Template,
) -> Result<usize, SignError> {
    let broken = |e: serde_json::Error| StoreError::Broken(e.to_string());
    let mut recipient = usual(template).map_err(broken)?;
    let (private, public): (Vec<_>, Vec<_>) =
        template.definition.custom_fields.iter().partition(|field| field.private);
    recipient.custom = public.into_iter().map(|field| (field.key, field.usual(Lang::Es))).collect();
    recipient.private =
        private.into_iter().map(|field| (field.key, field.usual(Lang::Es))).collect();
    // Facts are in the packed recipient too.
    let facts = serde_json::to_vec(&recipient.facts()).map_err(broken)?.len();
    let issuer = did::of(&app.config.site_url, org, Mode::Live);
    let content = Content {
        site_url: &app.config.site_url,
        issuer: &issuer,
        issuer_name: &settings.name,
        issuer_logo: settings.logo.as_ref(),
        org,
        mode: Mode::Live,
        id: CredentialId::from(Uuid::from_u128(0x1b4e_28ba_2fa1_81d2_883f_b9a7_61bd_e3fb)),
        template_id: template.id,
        template_version: template.version,
        definition: &template.definition,
        recipient: &recipient,
        subject: Uuid::from_u128(0x6ba7_b810_9dad_81d1_80b4_00c0_4fd4_30c8),
        salt: "Zk3v9QwTn2LxYb7RcM0pUA",
        valid_from: "2026-11-15T09:41:27Z",
        valid_until: None,
        awarded_on: Some(jiff::civil::date(2026, 11, 15)),
        status: StatusEntry { list: 0, index: 71_853 },
    };
    let document = document::build(&content);
    linked_data::canonical(&document, linked_data::Contexts::Issued)?;
    let key_id = did::key_id(&issuer, MULTIKEY);
    // A signature has no pattern that could be packed, nor has a hash.
    let signature = digest(&SHA512, content.salt.as_bytes());
    let signed =
        Unsigned::unchecked(document, &key_id, "2026-11-15T09:41:28Z").signed(signature.as_ref());
    let text = serde_json::to_vec(&signed).map_err(broken)?;
    let dictionary = sign::specimen(&content, MULTIKEY)?;
    let packed =
        packing::pack(&text, &dictionary).map_err(|e| StoreError::Broken(e.to_string()))?;
    Ok((REST_OF_ITEM + facts + packed.len()).div_ceil(WRITE_UNIT))
}
