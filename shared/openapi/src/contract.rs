//! Calls of a service compared with the document: each request that it accepted, and each answer.
//!
//! An answer is read more strictly than the document says: a member that is not described is a fault, although clients
//! have to bear one, since a later release may add it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json, value::RawValue};
use unicreda::{
    domain::text::cleaned,
    http::{
        resolve::{Resolved, resolve},
        routes::{Access, Route},
    },
};

/// Headers that mean something to clients: an answer has those of the document alone.
const HEADERS: [&str; 8] = [
    "retry-after",
    "location",
    "etag",
    "idempotent-replayed",
    "www-authenticate",
    "x-next-cursor",
    "x-unknown-letters",
    "content-disposition",
];
/// The fault of a body to a route that reads none.
pub const UNREAD_BODY: &str = "request: a body, where none is described";
/// Most characters of a fault's text.
const SHOWN: usize = 400;

/// A request, and its answer. The names of headers are in lower case.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Method.
    pub method: &'a str,
    /// Path below the root of the site, without the query.
    pub path: &'a str,
    /// The query, decoded.
    pub query: &'a [(String, String)],
    /// `Content-Type` of the request.
    pub content_type: &'a str,
    /// Body of the request.
    pub body: &'a [u8],
    /// Status of the answer.
    pub status: u16,
    /// Headers of the answer.
    pub headers: &'a [(String, String)],
    /// Body of the answer.
    pub answer: &'a [u8],
}

impl Call<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// What the comparison of a call found.
#[derive(Debug)]
pub struct Compared {
    /// The operation, as in `GET /api/v1/jobs`.
    pub operation: String,
    /// In what the call differs from the document.
    pub faults: Vec<String>,
}

/// The document, ready to compare calls.
pub struct Contract {
    document: Value,
    /// The schemas of requests, and those of answers, each as the members of `$defs`.
    of_requests: Value,
    of_answers: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl std::fmt::Debug for Contract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Contract(…)")
    }
}

impl Contract {
    /// Reads the document.
    pub fn new(mut document: Value) -> Self {
        point_to_defs(&mut document);
        let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
        let mut of_answers = schemas.clone();
        close(&mut of_answers);
        Self { document, of_requests: schemas, of_answers, validators: Mutex::default() }
    }

    /// The operations, each with the statuses that the document has for it.
    pub fn operations(&self) -> Vec<(String, Vec<String>)> {
        let paths = self.document.get("paths").and_then(Value::as_object);
        let of_path = |(path, methods): (&String, &Value)| {
            let methods = methods.as_object().cloned().unwrap_or_default();
            let path = path.clone();
            methods.into_iter().map(move |(method, operation)| {
                let statuses = operation.get("responses").and_then(Value::as_object);
                let statuses = statuses.map(|all| all.keys().cloned().collect());
                (format!("{} {path}", method.to_ascii_uppercase()), statuses.unwrap_or_default())
            })
        };
        paths.into_iter().flatten().flat_map(of_path).collect()
    }

    /// Compares a call with its operation; `None` if it is one of no route.
    pub fn compare(&self, call: &Call<'_>) -> Option<Compared> {
        let Resolved::Route(route, _) = resolve(call.method, call.path) else { return None };
        let operation = format!("{} {}", route.method, route.path);
        let method = route.method.to_ascii_lowercase();
        let described =
            self.document.get("paths").and_then(|paths| paths.get(route.path)?.get(method));
        let Some(described) = described else {
            return Some(Compared {
                operation,
                faults: vec!["the operation is not described".into()],
            });
        };
        let mut faults = Vec::new();
        if call.is_accepted() && call.method != "HEAD" {
            self.request(route, &operation, described, call, &mut faults);
        }
        self.answer(&operation, described, call, &mut faults);
        Some(Compared { operation, faults })
    }

    fn request(
        &self,
        route: &Route,
        operation: &str,
        described: &Value,
        call: &Call<'_>,
        faults: &mut Vec<String>,
    ) {
        if route.access != Access::Public {
            self.query(operation, described, call, faults);
        }
        let Some(body) = described.get("requestBody") else {
            if !call.body.is_empty() {
                faults.push(UNREAD_BODY.into());
            }
            return;
        };
        if call.body.is_empty() {
            if body.get("required") == Some(&Value::Bool(true)) {
                faults.push("request: no body".into());
            }
            return;
        }
        let media_type = media_type(call.content_type);
        let content = body.get("content");
        let Some(content) = content.and_then(|all| all.get(&media_type).or(all.get("*/*"))) else {
            faults.push(format!("request: the media type {media_type} is not described"));
            return;
        };
        let schema = content.get("schema").cloned().unwrap_or_default();
        if media_type != "application/json" || schema == json!({}) {
            return;
        }
        match read(call.body).or_else(|| read_members(call.body)) {
            None => faults.push("request: no JSON".into()),
            Some(mut value) => {
                clean(&mut value);
                leave_refused_out(&mut value, call.answer);
                let key = format!("{operation} request");
                self.validate(&key, "request", schema, &self.of_requests, &value, faults);
            }
        }
    }

    fn query(&self, operation: &str, described: &Value, call: &Call<'_>, faults: &mut Vec<String>) {
        let known = described.get("parameters").and_then(Value::as_array);
        let find = |name: &str| {
            known.into_iter().flatten().find(|p| {
                p.get("name").and_then(Value::as_str) == Some(name)
                    && p.get("in").and_then(Value::as_str) == Some("query")
            })
        };
        // An empty parameter that is no filter counts as absent.
        for (name, value) in call.query.iter().filter(|(_, value)| !value.is_empty()) {
            let Some(parameter) = find(name) else {
                faults.push(format!("query: the parameter {name} is not described"));
                continue;
            };
            let schema = parameter.get("schema").cloned().unwrap_or_default();
            let value = match schema.get("type").and_then(Value::as_str) {
                Some("integer" | "boolean") => serde_json::from_str(value).unwrap_or_default(),
                _ => Value::from(value.as_str()),
            };
            let key = format!("{operation} query {name}");
            self.validate(
                &key,
                &format!("query {name}"),
                schema,
                &self.of_requests,
                &value,
                faults,
            );
        }
    }

    fn answer(
        &self,
        operation: &str,
        described: &Value,
        call: &Call<'_>,
        faults: &mut Vec<String>,
    ) {
        let status = call.status.to_string();
        let Some(response) = described.get("responses").and_then(|all| all.get(&status)) else {
            faults.push(format!("answer: the status {status} is not described"));
            return;
        };
        let shared = response.get("$ref").and_then(Value::as_str);
        let shared =
            shared.and_then(|target| self.document.pointer(target.trim_start_matches('#')));
        let response = shared.unwrap_or(response);
        self.headers(&status, response, call, faults);
        if call.method == "HEAD" || call.answer.is_empty() {
            return;
        }
        let media_type = media_type(call.header("content-type").unwrap_or_default());
        let content = response.get("content").and_then(|content| content.get(&media_type));
        let Some(content) = content else {
            faults.push(format!("answer {status}: the media type {media_type:?} is not described"));
            return;
        };
        if !media_type.ends_with("json") {
            return;
        }
        let Some(value) = read(call.answer) else {
            faults.push(format!("answer {status}: no JSON"));
            return;
        };
        let mut schema = content.get("schema").cloned().unwrap_or_default();
        close(&mut schema);
        let key = format!("{operation} {status} {media_type}");
        self.validate(&key, &format!("answer {status}"), schema, &self.of_answers, &value, faults);
    }

    fn headers(&self, status: &str, response: &Value, call: &Call<'_>, faults: &mut Vec<String>) {
        let described =
            response.get("headers").and_then(Value::as_object).cloned().unwrap_or_default();
        for (name, header) in &described {
            let target = header.get("$ref").and_then(Value::as_str).unwrap_or_default();
            let header = self.document.pointer(target.trim_start_matches('#'));
            let required =
                header.and_then(|header| header.get("required")) == Some(&Value::Bool(true));
            if required && call.header(&name.to_ascii_lowercase()).is_none() {
                faults.push(format!("answer {status}: the header {name} is missing"));
            }
        }
        let is_described =
            |name: &str| described.keys().any(|known| known.eq_ignore_ascii_case(name));
        for name in HEADERS.iter().filter(|name| call.header(name).is_some() && !is_described(name))
        {
            faults.push(format!("answer {status}: the header {name} is not described"));
        }
    }

    /// Validates a value; the validator of a key is made once.
    fn validate(
        &self,
        key: &str,
        place: &str,
        schema: Value,
        defs: &Value,
        value: &Value,
        faults: &mut Vec<String>,
    ) {
        let validator = match self.validator(key, schema, defs) {
            Ok(validator) => validator,
            Err(error) => return faults.push(format!("{place}: the schema is wrong: {error}")),
        };
        faults.extend(validator.iter_errors(value).map(|error| {
            let text: String = error.to_string().chars().take(SHOWN).collect();
            format!("{place} {}: {text} ({})", error.instance_path(), error.schema_path())
        }));
    }

    fn validator(
        &self,
        key: &str,
        mut schema: Value,
        defs: &Value,
    ) -> Result<Arc<Validator>, String> {
        let mut known = self.validators.lock().map_err(|error| error.to_string())?;
        if let Some(validator) = known.get(key) {
            return Ok(Arc::clone(validator));
        }
        if let Some(members) = schema.as_object_mut() {
            members.insert("$defs".to_owned(), defs.clone());
        }
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        let validator = options.should_validate_formats(true).build(&schema);
        let validator = Arc::new(validator.map_err(|error| error.to_string())?);
        known.insert(key.to_owned(), Arc::clone(&validator));
        Ok(validator)
    }
}

/// `application/json` of `application/json; charset=utf-8`.
fn media_type(header: &str) -> String {
    header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn read(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).ok()
}

/// Reads an object whose `recipients` one by one may be no values that can be read: these are null.
fn read_members(body: &[u8]) -> Option<Value> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
    let value = |text: &str| serde_json::from_str::<Value>(text).ok();
    let read = members.into_iter().map(|(name, raw)| {
        let whole = value(raw.get()).or_else(|| {
            let items: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
            Some(items.iter().map(|item| value(item.get()).unwrap_or_default()).collect())
        });
        (name, whole.unwrap_or_default())
    });
    Some(Value::Object(read.collect()))
}

/// Takes from texts what nobody sees, as the service does; an empty text counts as null.
fn clean(value: &mut Value) {
    match value {
        Value::String(text) => match cleaned(text).into_owned() {
            clean if clean.is_empty() => *value = Value::Null,
            clean => *text = clean,
        },
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(members) => members.values_mut().for_each(clean),
        _ => {}
    }
}

/// Leaves out the recipients that the answer refuses one by one: the request was accepted, they were not. Of a job the answer does
/// not know them yet.
fn leave_refused_out(request: &mut Value, answer: &[u8]) {
    let Some(sent) = request.get_mut("recipients").and_then(Value::as_array_mut) else { return };
    let answer = read(answer).unwrap_or_default();
    let outcomes =
        ["credentials", "recipients"].iter().find_map(|name| answer.get(name)?.as_array());
    let refused = |outcome: &Value| {
        let word = outcome.get("status").or(outcome.get("outcome"));
        matches!(word.and_then(Value::as_str), Some("error" | "invalid"))
    };
    let blank = json!({ "email": "nadie@ejemplo.edu" });
    for (n, recipient) in sent.iter_mut().enumerate() {
        let outcome = outcomes.and_then(|outcomes| outcomes.get(n));
        if outcome.is_none_or(refused) {
            *recipient = blank.clone();
        }
    }
}

/// Lets references lead to `$defs`, in which a validator has the components.
fn point_to_defs(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get_mut("$ref") {
                *target = target.replace("#/components/schemas/", "#/$defs/");
            }
            members.values_mut().for_each(point_to_defs);
        }
        Value::Array(items) => items.iter_mut().for_each(point_to_defs),
        _ => {}
    }
}

/// Closes each object that says nothing of further members.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let is_object = match members.get("type") {
                Some(Value::String(kind)) => kind == "object",
                Some(Value::Array(kinds)) => kinds.contains(&Value::from("object")),
                _ => false,
            };
            if is_object
                && members.contains_key("properties")
                && !members.contains_key("additionalProperties")
            {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// The examples that their own schemas refuse, by the place of each.
#[cfg(test)]
pub fn wrong_examples(document: &Value) -> Vec<String> {
    let contract = Contract::new(document.clone());
    let mut faults = Vec::new();
    let schemas = contract.of_requests.as_object().into_iter().flatten();
    for (name, schema) in schemas {
        let examples = schema.get("examples").and_then(Value::as_array);
        for example in examples.into_iter().flatten() {
            let defs = &contract.of_requests;
            contract.validate(name, name, schema.clone(), defs, example, &mut faults);
        }
    }
    for (operation, _) in contract.operations() {
        let (method, path) = operation.split_once(' ').unwrap_or_default();
        let described = contract
            .document
            .get("paths")
            .and_then(|all| all.get(path)?.get(method.to_lowercase()));
        let Some(described) = described else { continue };
        let body = described.get("requestBody").map(|body| ("body", body, &contract.of_requests));
        let answers = described.get("responses").and_then(Value::as_object).into_iter().flatten();
        let answers =
            answers.map(|(status, answer)| (status.as_str(), answer, &contract.of_answers));
        for (place, content_of, defs) in body.into_iter().chain(answers) {
            let media = content_of.pointer("/content/application~1json");
            let Some(media) = media else { continue };
            let place = format!("{operation} {place}");
            match (media.get("schema"), media.get("example")) {
                (Some(schema), Some(example)) => {
                    contract.validate(&place, &place, schema.clone(), defs, example, &mut faults);
                }
                _ => faults.push(format!("{place}: no example")),
            }
        }
    }
    faults
}
