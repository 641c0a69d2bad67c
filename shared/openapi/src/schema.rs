//! The words of which schemas are made: JSON Schema 2020-12, as OpenAPI 3.1 has it.
//!
//! A schema of a request names all of its members ([`sent`]): the service refuses any other. A schema of an answer ([`object`])
//! leaves room for members of later releases; the check of the tests ([`contract`](crate::contract)) closes it.

use serde_json::{Map, Value, json};
use unicreda::domain::{ids::Mode, lang::Lang, text::MAX_TEXT};

/// A member of an object.
pub struct Member {
    name: &'static str,
    schema: Value,
    required: bool,
}

/// A member that is always there.
pub fn has(name: &'static str, schema: Value) -> Member {
    Member { name, schema, required: true }
}

/// A member that can be absent.
pub fn may(name: &'static str, schema: Value) -> Member {
    Member { name, schema, required: false }
}

/// An object of an answer.
pub fn object<const N: usize>(members: [Member; N]) -> Value {
    of_members(members.into())
}

/// An object of a request: it has these members and no other.
pub fn sent<const N: usize>(members: [Member; N]) -> Value {
    closed(object(members))
}

/// An object of these members.
pub fn of_members(members: Vec<Member>) -> Value {
    let required: Vec<&str> = members.iter().filter(|m| m.required).map(|m| m.name).collect();
    let mut schema = json!({ "type": "object" });
    if !required.is_empty() {
        set(&mut schema, "required", json!(required));
    }
    let properties: Map<String, Value> =
        members.into_iter().map(|m| (m.name.to_owned(), m.schema)).collect();
    set(&mut schema, "properties", properties.into());
    schema
}

/// The same object without other members.
pub fn closed(mut schema: Value) -> Value {
    set(&mut schema, "additionalProperties", false.into());
    schema
}

/// An object whose names are data.
pub fn map(value: Value) -> Value {
    json!({ "type": "object", "additionalProperties": value })
}

/// A schema among the components.
pub fn of(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A schema with what it is about.
pub fn about(description: &str, mut schema: Value) -> Value {
    set(&mut schema, "description", description.into());
    schema
}

/// A schema with an example.
pub fn like(example: impl Into<Value>, mut schema: Value) -> Value {
    set(&mut schema, "examples", json!([example.into()]));
    schema
}

/// A schema with the value that absence means.
pub fn or(default: impl Into<Value>, mut schema: Value) -> Value {
    set(&mut schema, "default", default.into());
    schema
}

/// A schema, or null.
pub fn null_or(mut schema: Value) -> Value {
    if let Some(list) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        list.push(Value::Null);
    }
    match schema.get("type") {
        Some(Value::String(kind)) if schema.get("const").is_none() => {
            let kinds = json!([kind, "null"]);
            set(&mut schema, "type", kinds);
            schema
        }
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

/// One of several.
pub fn one_of<const N: usize>(schemas: [Value; N]) -> Value {
    json!({ "oneOf": Vec::from(schemas) })
}

/// A list.
pub fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// A list of so many.
pub fn list_of(at_least: usize, at_most: usize, items: Value) -> Value {
    json!({ "type": "array", "minItems": at_least, "maxItems": at_most, "items": items })
}

/// A text of any length.
pub fn string() -> Value {
    json!({ "type": "string" })
}

/// A text of at most so many characters.
pub fn text(characters: usize) -> Value {
    json!({ "type": "string", "maxLength": characters })
}

/// A text of one to so many characters.
pub fn some(characters: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": characters })
}

/// A text of a field.
pub fn short() -> Value {
    text(MAX_TEXT)
}

/// True or false.
pub fn flag() -> Value {
    json!({ "type": "boolean" })
}

/// A whole number from 0.
pub fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// The number of a row, a line, a version.
pub fn number() -> Value {
    json!({ "type": "integer", "minimum": 1 })
}

/// A whole number between two.
pub fn whole(least: u64, most: u64) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// Credits, and other quantities: at most 3 decimals.
pub fn quantity() -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": 1_000_000 })
}

/// One of these words.
pub fn word<T: Into<Value>>(words: impl IntoIterator<Item = T>) -> Value {
    let words: Vec<Value> = words.into_iter().map(Into::into).collect();
    json!({ "type": "string", "enum": words })
}

/// This word alone, which tells an object from others.
pub fn only(word: &str) -> Value {
    json!({ "type": "string", "const": word })
}

/// True alone.
pub fn yes() -> Value {
    json!({ "type": "boolean", "const": true })
}

/// An id.
pub fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

/// An instant, RFC 3339 in UTC.
pub fn instant() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// A day, `YYYY-MM-DD`.
pub fn day() -> Value {
    json!({ "type": "string", "format": "date" })
}

/// An address of the web.
pub fn uri() -> Value {
    json!({ "type": "string", "format": "uri" })
}

/// A path below the root of the site, such as `status_url`.
pub fn path() -> Value {
    json!({ "type": "string", "format": "uri-reference" })
}

/// An e-mail address.
pub fn address() -> Value {
    like("ana.rojas@ejemplo.edu", json!({ "type": "string", "format": "email" }))
}

/// The tag of a language.
pub fn language() -> Value {
    word(Lang::ALL.map(Lang::tag))
}

/// `live` or `test`.
pub fn mode() -> Value {
    word([Mode::Live, Mode::Test].map(Mode::as_str))
}

/// The bytes of a file.
pub fn file() -> Value {
    json!({})
}

/// A page of a list.
pub fn page(items: Value) -> Value {
    object([
        has("items", list(items)),
        has(
            "next_cursor",
            null_or(about("The cursor of the next page; null at the end.", string())),
        ),
    ])
}

/// Sets a member of a schema.
fn set(schema: &mut Value, name: &str, value: Value) {
    if let Some(members) = schema.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
