//! Templates: `domain::template`, `domain::achievement`, `domain::custom_field`, `domain::readiness`.

use serde_json::{Value, json};
use unicreda::domain::{
    achievement::{ALIGNMENT_TYPES, MAX_ALIGNMENT_DESCRIPTION, MAX_ALIGNMENTS, MAX_TAG, MAX_TAGS},
    custom::MAX_KEY,
    custom_field::{MAX_LABEL, MAX_VALUES},
    field::FieldName,
    lang::Lang,
    recipient::{MAX_CUSTOM, MAX_URL},
    template::{MAX_ALLOWED_VALUES, MAX_PROSE},
    text::MAX_TEXT,
};

use crate::schema::{
    Member, about, closed, count, flag, has, instant, language, like, list, list_of, may, null_or,
    number, object, of, of_members, one_of, or, quantity, sent, short, some, string, text, uri,
    uuid, whole, word,
};

/// The components of this file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("TemplateDefinition", definition()),
        ("AchievementInput", achievement_input()),
        ("ImageInput", image_input()),
        ("TemplateFieldInput", field_input()),
        ("CustomFieldInput", custom_field_input()),
        ("Alignment", alignment()),
        ("Template", template(true)),
        ("TemplateSummary", template(false)),
        ("Achievement", achievement()),
        ("TemplateField", field()),
        ("CustomField", custom_field()),
        ("Label", label()),
        ("Readiness", readiness()),
    ]
}

/// Members of an answer that may come back, and change nothing.
fn not_read<const N: usize>(names: [&'static str; N]) -> [Member; N] {
    names.map(|name| may(name, about("Of an answer; not read.", json!({}))))
}

fn definition() -> Value {
    let mut members = vec![
        has("name", like("Diplomado en Ciencia de Datos", some(MAX_TEXT))),
        has("description", some(MAX_PROSE)),
        may("language", null_or(language())),
        may("achievement", null_or(of("AchievementInput"))),
        may("fields", null_or(list(of("TemplateFieldInput")))),
        may("custom_fields", null_or(list_of(0, MAX_CUSTOM, of("CustomFieldInput")))),
        may("validity_months", null_or(whole(1, 1_200))),
        may("design", null_or(of("DesignInput"))),
    ];
    members.extend(not_read([
        "id",
        "version",
        "archived",
        "created_at",
        "updated_at",
        "write_units",
    ]));
    let example = json!({
        "name": "Diplomado en Ciencia de Datos",
        "description": "120 horas de programación, estadística y aprendizaje de máquinas.",
        "language": "es",
        "achievement": { "type": "Certificate", "criteria": "Aprobar los cuatro módulos." },
        "fields": [
            { "name": "recipient_name", "required": true },
            { "name": "result_value", "allowed_values": ["A", "B", "C", "D", "F"] },
        ],
        "custom_fields": [
            { "key": "hours", "label": { "es": "Horas", "en": "Hours" }, "type": "number", "required": true },
        ],
        "validity_months": 24,
    });
    like(example, closed(of_members(members)))
}

/// Members that `achievement` has in requests and answers.
fn of_achievement() -> Vec<Member> {
    vec![
        may(
            "type",
            null_or(about(
                "`Course`, `Certificate`, `Degree` and others of Open Badges.",
                text(60),
            )),
        ),
        may("criteria", null_or(text(MAX_PROSE))),
        may("criteria_url", null_or(text(MAX_URL))),
        may("credits_available", null_or(quantity())),
        may("field_of_study", null_or(short())),
        may("specialization", null_or(short())),
        may("human_code", null_or(like("CD-101", short()))),
        may("tags", null_or(list_of(0, MAX_TAGS, text(MAX_TAG)))),
        may("alignments", null_or(list_of(0, MAX_ALIGNMENTS, of("Alignment")))),
    ]
}

fn achievement_input() -> Value {
    let mut members = of_achievement();
    members.push(may("image", of("ImageInput")));
    closed(of_members(members))
}

fn achievement() -> Value {
    let mut members = of_achievement();
    members.push(may("image", about("The address of its badge.", uri())));
    of_members(members)
}

/// `domain::image`.
fn image_input() -> Value {
    let text = "A PNG file as `data:image/png;base64,…` (designs: `data:image/svg+xml;base64,…` too), 256 KiB at most, or the address that an answer had. Null for none.";
    about(text, null_or(string()))
}

fn alignment() -> Value {
    let kind = format!(
        "One of {}; or another word.",
        ALIGNMENT_TYPES.map(|t| format!("`{t}`")).join(", ")
    );
    sent([
        has("name", short()),
        has("url", text(MAX_URL)),
        may("code", null_or(short())),
        may("framework", null_or(like("ESCO", short()))),
        may("type", null_or(about(&kind, short()))),
        may("description", null_or(text(MAX_ALIGNMENT_DESCRIPTION))),
    ])
}

/// The names of fields that a template lists.
fn field_name() -> Value {
    word(std::iter::once("email").chain(FieldName::ALL.map(FieldName::as_str)))
}

fn field_input() -> Value {
    let mut members = vec![
        has("name", field_name()),
        may("required", null_or(or(false, flag()))),
        may("allowed_values", null_or(list_of(0, MAX_ALLOWED_VALUES, short()))),
        may("min", null_or(about("Of `credits_earned`.", quantity()))),
        may("max", null_or(about("Of `credits_earned`.", quantity()))),
    ];
    members.extend(not_read(["type", "format", "max_length", "max_items"]));
    closed(of_members(members))
}

fn field() -> Value {
    object([
        has("name", field_name()),
        has("type", word(["string", "number", "date", "array"])),
        has("required", flag()),
        may("format", string()),
        may("max_length", count()),
        may("max_items", count()),
        may("allowed_values", list(string())),
        may("min", quantity()),
        may("max", quantity()),
    ])
}

/// `domain::custom_field::CustomLabel`: a text a language.
fn label() -> Value {
    let texts = Lang::ALL.map(|lang| may(lang.tag(), null_or(text(MAX_LABEL))));
    about("A name for people, in each language.", closed(of_members(texts.into())))
}

fn custom_kind() -> Value {
    word(["text", "number", "list"])
}

fn key() -> Value {
    like("hours", json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": MAX_KEY }))
}

fn custom_field_input() -> Value {
    sent([
        has("key", key()),
        has("label", one_of([text(MAX_LABEL), of("Label")])),
        has("type", custom_kind()),
        may("values", null_or(about("Of a `list`.", list_of(0, MAX_VALUES, short())))),
        may("required", null_or(or(false, flag()))),
        may("private", about("Kept for the organization alone.", null_or(or(false, flag())))),
    ])
}

fn custom_field() -> Value {
    object([
        has("key", key()),
        has("label", of("Label")),
        has("type", custom_kind()),
        has("required", flag()),
        has("private", flag()),
        may("values", list(string())),
    ])
}

/// `Template::answer`; `write_units` is in the answers about one template.
fn template(whole: bool) -> Value {
    let mut members = vec![
        has("id", uuid()),
        has("name", string()),
        has("description", string()),
        has("language", null_or(language())),
        has("version", number()),
        has("archived", flag()),
        has("achievement", of("Achievement")),
        has(
            "fields",
            about(
                "All fields that a recipient can have, `email` first.",
                list(of("TemplateField")),
            ),
        ),
        has("validity_months", null_or(number())),
        has("custom_fields", list(of("CustomField"))),
        has("design", null_or(of("TemplateDesign"))),
        has("created_at", instant()),
        has("updated_at", instant()),
    ];
    members.extend(whole.then(write_units));
    of_members(members)
}

fn write_units() -> Member {
    has("write_units", about("What each credential takes of DynamoDB.", null_or(number())))
}

fn readiness() -> Value {
    let part = object([
        has("code", string()),
        has("pointer", string()),
        has("present", flag()),
        has("advice", null_or(string())),
    ]);
    object([
        has("ready", flag()),
        has("present", count()),
        has("total", count()),
        has("parts", list(part)),
        has("template_id", uuid()),
        has("version", number()),
        write_units(),
    ])
}
