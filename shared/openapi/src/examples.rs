//! An example of each body and answer in JSON, put together from those of its members.

use serde_json::{Map, Value, json};

/// Values of members that have no example of their own, by name: those of a format, and texts.
const FORMATTED: [(&str, &str); 6] = [
    ("job_id", "0192f6a0-0000-7000-8000-000000000000"),
    ("template_id", "550e8400-e29b-41d4-a716-446655440000"),
    ("expires_at", "2027-02-26T15:04:05Z"),
    ("wallet_url", "https://credenciales.ejemplo.edu/wallet/ejemplo"),
    ("website", "https://ejemplo.edu"),
    (
        "vcapi",
        "https://credenciales.ejemplo.edu/credential/5f0c6c1e-8e0e-8a63-9d0b-0d6c1f9a2b11/exchange",
    ),
];
const TEXTS: [(&str, &str); 47] = [
    ("advice", "Adjunte una evidencia a cada persona."),
    ("allowed_senders", "Universidad de Ejemplo <credenciales@ejemplo.edu>"),
    ("code", "not_found"),
    ("email", "ana.rojas@ejemplo.edu"),
    ("description", "120 horas de programación y estadística."),
    ("detail", "No hay nada con esta identificación."),
    ("error", "El archivo no tiene filas."),
    ("field", "recipient_name"),
    ("fields", "recipient_name"),
    ("file_name", "notas.csv"),
    ("hint", "recipient_name"),
    ("html", "<p>Hola, Ana:</p>"),
    ("id", "k_7f3a9c2e"),
    ("key", "uc_test_ejemplo_0000000000000000000000000000000000000000000000"),
    ("key_id", "k_7f3a9c2e"),
    ("key_name", "Secretaría"),
    ("last_four", "9c2e"),
    ("list_id", "0192f6a0-0000-7000-8000-000000000000"),
    ("message", "Se aceptaron los destinatarios; siga el trabajo en status_url."),
    ("multikey", "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"),
    ("name", "Diplomado en Ciencia de Datos"),
    ("note", "El documento es auténtico."),
    ("pointer", "/recipients/0/email"),
    ("prefix", "uc_test_ejemplo"),
    ("reason", "Emitida por error"),
    ("recipient_name", "Ana Rojas Peña"),
    ("replaces", "recipient_name"),
    ("request_id", "0192f6a0-0000-7000-8000-000000000001"),
    ("result_value", "A"),
    ("role", "Docente"),
    ("sender", "Universidad de Ejemplo <credenciales@ejemplo.edu>"),
    ("sheet", "Acta"),
    ("slug", "ejemplo"),
    ("status", "Procesando fila 3 de 3"),
    ("subject", "Su credencial: Diplomado en Ciencia de Datos"),
    ("term", "2026-1"),
    ("text", "La firma es válida."),
    ("title", "No se encontró"),
    ("type", "about:blank"),
    ("value", "A"),
    ("header", "Nota"),
    ("column", "Nota"),
    ("columns", "Nota"),
    ("values", "A"),
    ("examples", "A"),
    ("sheets", "Acta"),
    ("office", "Rectora"),
];

/// Counts that are not 0 in an example.
const COUNTS: [(&str, u64); 8] = [
    ("bytes", 20_480),
    ("current", 3),
    ("imported", 3),
    ("new", 3),
    ("row", 1),
    ("size", 20_480),
    ("status", 404),
    ("total", 3),
];

/// Flags that are true in an example.
const TRUE: [&str; 4] = ["verified", "ready", "present", "required"];

/// Adds an example to each JSON body, and to each JSON answer that is no problem.
pub fn add(document: &mut Value) {
    let known = document.clone();
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        if let Some(body) = operation.get_mut("requestBody") {
            add_to(&known, body, Kind::Sent);
        }
        let answers = operation.get_mut("responses").and_then(Value::as_object_mut);
        for answer in answers.into_iter().flat_map(Map::values_mut) {
            add_to(&known, answer, Kind::Answered);
        }
    }
}

fn add_to(document: &Value, content_of: &mut Value, kind: Kind) {
    let Some(media) = content_of.pointer_mut("/content/application~1json") else { return };
    let composed = media.get("schema").map(|schema| Composer { document, kind }.of("", schema));
    if let (Some(example), Some(media)) = (composed, media.as_object_mut()) {
        media.insert("example".to_owned(), example);
    }
}

/// What an example is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A body.
    Sent,
    /// An answer.
    Answered,
}

struct Composer<'a> {
    document: &'a Value,
    kind: Kind,
}

impl Composer<'_> {
    /// An example of a member by its name and schema.
    fn of(&self, name: &str, schema: &Value) -> Value {
        let member = |key: &str| schema.get(key);
        let list = |key: &str| member(key).and_then(Value::as_array);
        if let Some(at) = member("$ref").and_then(Value::as_str) {
            let found = self.document.pointer(at.trim_start_matches('#'));
            return found.map_or(Value::Null, |schema| self.of(name, schema));
        }
        if self.kind == Kind::Answered && is_mostly_null(name, schema) {
            return Value::Null;
        }
        let given = list("examples").or_else(|| list("enum")).and_then(|all| all.first());
        if let Some(given) = given.or_else(|| member("const")).or_else(|| member("default")) {
            return given.clone();
        }
        if let Some(parts) = list("allOf") {
            let parts = parts.iter().map(|part| self.of(name, part));
            let members = parts.filter_map(|part| part.as_object().cloned()).flatten();
            return Value::Object(members.collect());
        }
        if let Some(either) = list("oneOf").or_else(|| list("anyOf")) {
            let first = either.iter().find(|one| one.get("type") != Some(&json!("null")));
            return first.map_or(Value::Null, |first| self.of(name, first));
        }
        if member("properties").is_some() {
            return self.object(schema);
        }
        let kinds = member("type");
        let kind = kinds.and_then(|kinds| kinds.get(0).unwrap_or(kinds).as_str());
        match kind {
            Some("array") => {
                member("items").map_or(json!([]), |items| json!([self.of(name, items)]))
            }
            Some("object") => json!({}),
            Some("boolean") => json!(TRUE.contains(&name)),
            Some("integer" | "number") => number(name, schema),
            Some("string") => text(name, schema),
            _ => json!({}),
        }
    }

    /// The members that it always has, and those with an example of their own.
    fn object(&self, schema: &Value) -> Value {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let shown = |name: &str, schema: &Value| {
            required.contains(&name) || schema.get("examples").is_some()
        };
        let members = schema.get("properties").and_then(Value::as_object);
        let members = members.into_iter().flatten().filter(|(name, schema)| shown(name, schema));
        members.map(|(name, schema)| (name.clone(), self.of(name, schema))).collect()
    }
}

fn number(name: &str, schema: &Value) -> Value {
    let known = COUNTS.iter().find(|(known, _)| *known == name);
    match known {
        Some((_, count)) => json!(count),
        None => schema.get("minimum").cloned().unwrap_or_else(|| json!(0)),
    }
}

/// What is null in an answer unless something happened: a reason, an instant, a limit.
fn is_mostly_null(name: &str, schema: &Value) -> bool {
    let null = json!("null");
    let of_kind = |key: &str| schema.get(key).and_then(Value::as_array);
    let can_be = of_kind("type").is_some_and(|kinds| kinds.contains(&null))
        || of_kind("enum").is_some_and(|words| words.contains(&Value::Null))
        || of_kind("anyOf").is_some_and(|all| all.iter().any(|one| one.get("type") == Some(&null)));
    can_be && schema.get("examples").is_none() && !TEXTS.iter().any(|(known, _)| *known == name)
}

fn text(name: &str, schema: &Value) -> Value {
    let known = |table: &[(&str, &'static str)]| {
        table.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    };
    let format = schema.get("format").and_then(Value::as_str);
    let of_format = format.and_then(|format| match format {
        "uuid" => Some("5f0c6c1e-8e0e-8a63-9d0b-0d6c1f9a2b11"),
        "date" => Some("2026-11-28"),
        "date-time" => Some("2026-11-28T15:04:05Z"),
        "uri" => {
            Some("https://credenciales.ejemplo.edu/credential/5f0c6c1e-8e0e-8a63-9d0b-0d6c1f9a2b11")
        }
        "uri-reference" => Some("/api/v1/jobs/0192f6a0-0000-7000-8000-000000000000"),
        _ => None,
    });
    let found = match of_format {
        Some(text) => known(&FORMATTED).or(Some(text)),
        None => known(&TEXTS),
    };
    json!(found.unwrap_or_default())
}
