//! Random credentials inside the limits of templates and recipients, on which canonical forms
//! are compared.

use serde_json::{Map, Value, json};
use unicreda::{
    document::Content,
    domain::{
        custom_field::{self, CustomKind},
        fields::Fields,
        ids::{CredentialId, Mode, OrgId, TemplateId},
        image::{Image, ImageId, ImageKind},
        recipient::{Entry, Recipient},
        status_entry::StatusEntry,
        template::Definition,
    },
};

/// Pieces of text on which verifiers have disagreed, or could.
const PIECES: [&str; 31] = [
    "Ana",
    "Ñandú",
    "ω",
    "Ж",
    "日本語",
    "مرحبا",
    "שלום",
    "🎓",
    "👩🏽‍🎓",
    "\u{e000}",
    "\u{ffe5}",
    "\u{10ffff}x",
    "\"",
    "\\",
    "\\u0041",
    "<b>&amp;",
    "'",
    "a/b",
    "%20",
    "{}",
    "@id",
    "_:b0",
    "e\u{301}",
    "\u{200f}x",
    "\u{16b50}",
    "𠮷",
    "\u{30000}",
    "\u{e0100}x",
    "\u{f0000}",
    "\u{fffd}",
    "una frase algo más larga, como las de una descripción; con (paréntesis) y 60 %",
];

/// A text of some pieces.
pub fn text(rng: &mut fastrand::Rng, lines: bool) -> String {
    let count = rng.usize(1..6);
    let words: Vec<&str> = (0..count).map(|_| PIECES[rng.usize(..PIECES.len())]).collect();
    words.join(if lines && rng.u8(..3) == 0 { "\n" } else { " " })
}

fn definition(rng: &mut fastrand::Rng) -> Option<Definition> {
    let mut values: Vec<String> = (0..rng.usize(..5)).map(|_| text(rng, false)).collect();
    values.sort_unstable();
    values.dedup();
    let names = [
        "recipient_name",
        "credits_earned",
        "evidence",
        "role",
        "license_number",
        "term",
        "activity_start_date",
        "activity_end_date",
    ];
    let mut fields: Vec<Value> =
        names.iter().map(|name| json!({ "name": name, "required": false })).collect();
    let mut result = json!({ "name": "result_value", "required": false });
    if !values.is_empty() && rng.bool() {
        result["allowed_values"] = values.into();
    }
    fields.push(result);
    let mut achievement = json!({});
    if rng.bool() {
        achievement["type"] = (*rng.choice(["Course", "Degree", "Otra cosa"].iter())?).into();
    }
    if rng.bool() {
        achievement["criteria"] = text(rng, true).into();
    }
    if rng.bool() {
        achievement["credits_available"] = credits(rng);
    }
    for name in ["field_of_study", "specialization", "human_code"] {
        if rng.bool() {
            achievement[name] = text(rng, false).into();
        }
    }
    if rng.bool() {
        achievement["criteria_url"] = format!("https://ejemplo.com/ñ?c={}", rng.u8(..)).into();
    }
    achievement["tags"] = (0..rng.usize(..4)).map(|_| text(rng, false)).collect();
    achievement["alignments"] = (0..rng.usize(..6)).map(|number| alignment(rng, number)).collect();
    let facts: Vec<Value> = (0..rng.usize(..4)).map(|number| fact(rng, number)).collect();
    let body = json!({
        "name": text(rng, false), "description": text(rng, true), "achievement": achievement,
        "fields": fields, "custom_fields": facts,
    });
    Definition::read(Fields::of_body(body.to_string().as_bytes()).ok()?).ok().map(|(read, _)| read)
}

/// A fact of a template's own.
fn fact(rng: &mut fastrand::Rng, number: usize) -> Value {
    let mut label = |lang: &str| {
        let piece = PIECES[rng.usize(..PIECES.len() - 1)];
        format!("Dato {number} {piece} ({lang})")
    };
    let label = json!({ "es": label("es"), "en": label("en") });
    let kind = ["text", "number", "list"][rng.usize(..3)];
    let mut one = json!({
        "key": format!("fact_{number}"), "label": label, "type": kind, "private": rng.u8(..4) == 0,
    });
    if kind == "list" {
        let mut values: Vec<String> = (0..rng.usize(1..4)).map(|_| text(rng, false)).collect();
        values.sort_unstable();
        values.dedup();
        one["values"] = values.into();
    }
    one
}

fn alignment(rng: &mut fastrand::Rng, number: usize) -> Value {
    let mut one = json!({
        "name": text(rng, false), "url": format!("https://ejemplo.com/ñ|{number}?q={{{}}}", rng.u8(..)),
    });
    for name in ["code", "framework", "description"] {
        if rng.bool() {
            one[name] = text(rng, false).into();
        }
    }
    if rng.bool() {
        one["type"] = ["CTDL", "CFItem", "ceasn:Competency", "otra cosa"][rng.usize(..4)].into();
    }
    one
}

fn credits(rng: &mut fastrand::Rng) -> Value {
    match rng.u8(..4) {
        0 => json!(rng.u32(..=1_000_000)),
        1 => json!(0),
        _ => json!(f64::from(rng.u32(..1_000_000_000)) / 1000.0),
    }
}

fn recipient(rng: &mut fastrand::Rng, definition: &Definition) -> Option<Recipient> {
    let mut one = json!({ "email": format!("p{}@ejemplo.com", rng.u32(..)) });
    for name in ["recipient_name", "role", "license_number", "term"] {
        if rng.bool() {
            one[name] = text(rng, false).into();
        }
    }
    let values = &definition.fields.iter().find(|f| !f.allowed_values.is_empty());
    match values {
        Some(field) => {
            one["result_value"] = rng.choice(field.allowed_values.iter())?.clone().into()
        }
        None if rng.bool() => one["result_value"] = text(rng, false).into(),
        None => {}
    }
    if rng.bool() {
        one["credits_earned"] = credits(rng);
    }
    if rng.bool() {
        one["activity_start_date"] = "2026-03-01".into();
        one["activity_end_date"] = "2026-07-31".into();
    }
    let evidence: Vec<Value> = (0..rng.usize(..4))
        .map(|number| {
            let mut entry = json!({ "name": text(rng, false), "description": text(rng, true) });
            if rng.bool() {
                entry["url"] =
                    format!("https://ejemplo.com/{number}/ñ|[{{^?q={}|{{}}`'#é", rng.u8(..)).into();
            }
            entry
        })
        .collect();
    if !evidence.is_empty() {
        one["evidence"] = evidence.into();
    }
    let facts = definition.custom_fields.iter().filter_map(|field| {
        let value = match field.kind {
            CustomKind::Text => text(rng, false).into(),
            CustomKind::Number => credits(rng),
            CustomKind::List => rng.choice(&field.values)?.clone().into(),
        };
        Some((field.key.to_string(), value)).filter(|_| rng.u8(..4) > 0)
    });
    let facts: Map<String, Value> = facts.collect();
    if !facts.is_empty() {
        one["custom"] = facts.into();
    }
    let raw = serde_json::value::RawValue::from_string(one.to_string()).ok()?;
    let mut read = Entry::parse(&raw).recipient.ok()?;
    custom_field::settle(&definition.custom_fields, &mut read);
    Some(read)
}

/// An image as a template or an organization names it.
fn image(rng: &mut fastrand::Rng, org: &OrgId) -> Image {
    let id = ImageId::parse(&format!("{org}.{:032x}", rng.u128(..))).expect("an id");
    Image { id, width: 400, height: 400, kind: ImageKind::Png }
}

/// A random document inside the limits of templates and recipients.
pub fn document(rng: &mut fastrand::Rng) -> Option<Map<String, Value>> {
    with_content(rng, |content| unicreda::document::build(content))
}

/// What is made of the content of a random document.
pub fn with_content<T>(rng: &mut fastrand::Rng, make: impl FnOnce(&Content<'_>) -> T) -> Option<T> {
    let mut definition = definition(rng)?;
    let recipient = recipient(rng, &definition)?;
    if !definition.check(&recipient).is_empty() {
        return None;
    }
    let org = OrgId::parse("u-andina").ok()?;
    definition.achievement.image = rng.bool().then(|| image(rng, &org));
    let mode = if rng.bool() { Mode::Live } else { Mode::Test };
    let logo = match rng.u8(..4) {
        0 => definition.achievement.image.clone(),
        1 => Some(image(rng, &org)),
        _ => None,
    };
    let issuer_name = unicreda::domain::text::normal_text(&text(rng, false), 200).ok()??;
    Some(make(&Content {
        site_url: "https://credenciales.ejemplo.edu",
        issuer: "did:web:credenciales.ejemplo.edu:orgs:u-andina",
        issuer_name: &issuer_name,
        issuer_logo: logo.as_ref(),
        org: &org,
        mode,
        id: CredentialId::from(uuid::Uuid::from_u128(rng.u128(..))),
        template_id: TemplateId::from(uuid::Uuid::from_u128(rng.u128(..))),
        template_version: rng.u32(1..30),
        definition: &definition,
        recipient: &recipient,
        subject: uuid::Uuid::from_u128(rng.u128(..)),
        salt: "c2Fs_-dA",
        valid_from: "2026-11-24T09:00:00Z",
        valid_until: rng.bool().then_some("2031-11-24T09:00:00Z"),
        awarded_on: rng.bool().then(|| jiff::civil::date(rng.i16(1900..2027), 11, 24)),
        status: StatusEntry { list: rng.u32(..3), index: rng.u32(..131_072) },
    }))
}
