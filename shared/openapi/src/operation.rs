//! What a route takes and answers, and its operation in the document.

use serde_json::{Map, Value, json};
use unicreda::http::{
    routes::{Access, Route},
    serve::MAX_BODY,
};

use crate::{
    parameters,
    schema::{file, of, string},
};

/// JSON, as bodies and answers are.
const JSON: &str = "application/json";
/// Problems.
const PROBLEM: &str = "application/problem+json";

/// The operation of a route.
pub struct Operation {
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    body: Option<Body>,
    idempotent: bool,
    answers: Vec<Answer>,
    problems: Vec<(u16, Vec<&'static str>)>,
    pages: Vec<(u16, &'static str)>,
    paged: bool,
}

struct Body {
    required: bool,
    most: usize,
    content: Vec<(&'static str, Value)>,
}

struct Answer {
    status: u16,
    about: &'static str,
    headers: Vec<&'static str>,
    content: Vec<(&'static str, Value)>,
}

impl Operation {
    /// An operation by its id, group and summary.
    pub fn new(id: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            tag,
            summary,
            body: None,
            idempotent: false,
            answers: Vec::new(),
            problems: Vec::new(),
            pages: Vec::new(),
            paged: false,
        }
    }

    /// It takes a JSON body.
    pub fn takes(self, schema: &str) -> Self {
        self.body(true, MAX_BODY, vec![(JSON, of(schema))])
    }

    /// It takes a JSON body that may be absent.
    pub fn may_take(self, schema: &str) -> Self {
        self.body(false, MAX_BODY, vec![(JSON, of(schema))])
    }

    /// It takes a file of one of these media types, of so many bytes at most.
    pub fn takes_file(self, most: usize, types: &[&'static str], json: Option<Value>) -> Self {
        let file = |kind: &&'static str| (*kind, file());
        let content = json.map(|schema| (JSON, schema)).into_iter().chain(types.iter().map(file));
        self.body(true, most, content.collect())
    }

    /// It takes a form.
    pub fn form(mut self, content: Vec<(&'static str, Value)>) -> Self {
        self.body = Some(Body { required: true, most: MAX_BODY, content });
        self
    }

    fn body(mut self, required: bool, most: usize, content: Vec<(&'static str, Value)>) -> Self {
        self.body = Some(Body { required, most, content });
        self.problem(400, &["invalid_json"])
            .problem(413, &["payload_too_large"])
            .problem(415, &["unsupported_media_type"])
    }

    /// Its body is not read.
    pub fn takes_anything(mut self) -> Self {
        self.body =
            Some(Body { required: false, most: MAX_BODY, content: vec![("*/*", json!({}))] });
        self
    }

    /// It takes an `Idempotency-Key`.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self.problem(400, &["invalid_request"])
            .problem(409, &["idempotency_in_progress"])
            .problem(422, &["idempotency_mismatch"])
    }

    /// It answers JSON.
    pub fn answers(self, status: u16, about: &'static str, schema: Value) -> Self {
        self.answers_with(status, about, &[], vec![(JSON, schema)])
    }

    /// It answers with further headers, or in other media types.
    pub fn answers_with(
        mut self,
        status: u16,
        about: &'static str,
        headers: &[&'static str],
        content: Vec<(&'static str, Value)>,
    ) -> Self {
        self.answers.push(Answer { status, about, headers: headers.to_vec(), content });
        self
    }

    /// It answers a job that was accepted.
    pub fn accepts(self) -> Self {
        let content = vec![(JSON, of("Accepted"))];
        self.answers_with(202, "A job", &["Location", "Retry-After"], content)
    }

    /// It answers 204.
    pub fn answers_nothing(self, about: &'static str) -> Self {
        self.answers_with(204, about, &[], Vec::new())
    }

    /// It answers a document or file with an `ETag`, and 304 to a client that has it.
    pub fn serves(
        self,
        about: &'static str,
        headers: &[&'static str],
        content: Vec<(&'static str, Value)>,
    ) -> Self {
        let headers: Vec<&'static str> =
            ["ETag", "Cache-Control"].into_iter().chain(headers.iter().copied()).collect();
        self.answers_with(200, about, &headers, content).answers_with(
            304,
            "The client has it",
            &headers,
            Vec::new(),
        )
    }

    /// It answers problems with these codes.
    pub fn problem(mut self, status: u16, codes: &[&'static str]) -> Self {
        let known = self.problems.iter_mut().find(|(known, _)| *known == status);
        match known {
            Some((_, known)) => known.extend(codes),
            None => self.problems.push((status, codes.to_vec())),
        }
        self
    }

    /// 404 for what the path names.
    pub fn finds(self) -> Self {
        self.problem(404, &["not_found"])
    }

    /// 409, since the state of things forbids it.
    pub fn conflicts(self) -> Self {
        self.problem(409, &["conflict"])
    }

    /// It answers a page for people.
    pub fn page(mut self, status: u16, about: &'static str) -> Self {
        self.pages.push((status, about));
        self
    }

    /// The operation in the document.
    pub fn document(mut self, route: &Route) -> Value {
        if let Access::Key { .. } = route.access {
            self = self
                .problem(400, &["unknown_parameter"])
                .problem(401, &["unauthenticated"])
                .problem(403, &["insufficient_scope", "blocked"]);
            if !route.parameters.is_empty() || self.body.is_some() {
                self = self.problem(400, &["invalid_request"]);
            }
        } else {
            self = self.problem(403, &["blocked"]);
            // Browsers get pages in place of problems.
            self.paged = true;
        }
        self = self
            .problem(429, &["rate_limited"])
            .problem(500, &["internal"])
            .problem(503, &["unavailable"]);
        let mut operation = json!({
            "operationId": self.id, "tags": [self.tag], "summary": self.summary,
            "description": self.description(route),
        });
        let mut parameters = parameters::of_route(route);
        if self.idempotent {
            parameters.push(json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
        }
        if let Some(members) = operation.as_object_mut() {
            let security = match route.access {
                Access::Public => json!([]),
                Access::Key { any_of, live_only } => {
                    let scopes: Vec<&str> = any_of.iter().map(|scope| scope.as_str()).collect();
                    members.insert("x-scopes".to_owned(), json!(scopes));
                    members.insert("x-live-only".to_owned(), live_only.into());
                    json!([{ "key": [] }, { "bearer": [] }])
                }
            };
            members.insert("security".to_owned(), security);
            if !parameters.is_empty() {
                members.insert("parameters".to_owned(), parameters.into());
            }
            if let Some(body) = &self.body {
                members.insert("requestBody".to_owned(), body.document());
            }
            members.insert("responses".to_owned(), self.responses().into());
        }
        operation
    }

    /// Which keys open it.
    fn description(&self, route: &Route) -> String {
        let keys = match route.access {
            Access::Public => "Needs no key.".to_owned(),
            Access::Key { any_of, live_only } => {
                let scopes: Vec<String> =
                    any_of.iter().map(|scope| format!("`{}`", scope.as_str())).collect();
                let live = if live_only { " Live keys only." } else { "" };
                format!("A key with any of the scopes {}.{live}", scopes.join(", "))
            }
        };
        match &self.body {
            Some(body) if !body.content.is_empty() => {
                format!("{keys} The body has {} bytes at most.", body.most)
            }
            _ => keys,
        }
    }

    fn responses(&self) -> Map<String, Value> {
        let mut responses: Map<String, Value> = Map::new();
        let mut shared = Vec::new();
        let mut add = |status: u16,
                       about: &str,
                       headers: &[&'static str],
                       content: Vec<(&'static str, Value)>| {
            let slot = responses
                .entry(status.to_string())
                .or_insert_with(|| json!({ "description": about }));
            extend(slot, status, headers, content);
        };
        for answer in &self.answers {
            let mut headers = answer.headers.clone();
            if self.idempotent {
                headers.push("Idempotent-Replayed");
            }
            add(answer.status, answer.about, &headers, answer.content.clone());
        }
        for (status, about) in &self.pages {
            add(*status, about, &[], vec![("text/html", string())]);
        }
        let is_taken = |status: u16| {
            let of_answers = self.answers.iter().map(|answer| answer.status);
            of_answers
                .chain(self.pages.iter().map(|(status, _)| *status))
                .any(|taken| taken == status)
        };
        for (status, codes) in &self.problems {
            // What was answered once is answered again, but for failures.
            let replayed = self.idempotent && *status == 404;
            if let Some(name) = shared_name(*status, codes, self.paged)
                && !is_taken(*status)
                && !replayed
            {
                shared.push((*status, name));
                continue;
            }
            let mut headers: Vec<&'static str> = match status {
                401 => vec!["WWW-Authenticate"],
                429 | 503 => vec!["Retry-After"],
                409 if self.idempotent => vec!["Retry-After"],
                _ => Vec::new(),
            };
            if self.idempotent && matches!(status, 400 | 404 | 409 | 413) {
                headers.push("Idempotent-Replayed");
            }
            let mut content = vec![(PROBLEM, problem(*status, codes))];
            if self.paged && matches!(status, 403 | 404 | 410 | 500..) {
                content.push(("text/html", string()));
            }
            add(*status, reason(*status), &headers, content);
        }
        for (status, name) in shared {
            responses.insert(
                status.to_string(),
                json!({ "$ref": format!("#/components/responses/{name}") }),
            );
        }
        responses.sort_keys();
        responses
    }
}

/// A problem that many operations answer.
struct Shared {
    name: &'static str,
    status: u16,
    codes: &'static [&'static str],
    headers: &'static [&'static str],
    /// Whether browsers get a page in its place; `None` if no function answers it.
    paged: Option<bool>,
}

const fn shared_problem(
    name: &'static str,
    status: u16,
    codes: &'static [&'static str],
    headers: &'static [&'static str],
    paged: Option<bool>,
) -> Shared {
    Shared { name, status, codes, headers, paged }
}

const RETRY: &[&str] = &["Retry-After"];

const SHARED: [Shared; 10] = [
    shared_problem(
        "Unauthenticated",
        401,
        &["unauthenticated"],
        &["WWW-Authenticate"],
        Some(false),
    ),
    shared_problem("Forbidden", 403, &["insufficient_scope", "blocked"], &[], Some(false)),
    shared_problem("Blocked", 403, &["blocked"], &[], Some(true)),
    shared_problem("NotFound", 404, &["not_found"], &[], Some(false)),
    shared_problem("NotFoundPage", 404, &["not_found"], &[], Some(true)),
    shared_problem("RateLimited", 429, &["rate_limited"], RETRY, None),
    shared_problem("Internal", 500, &["internal"], &[], Some(false)),
    shared_problem("InternalPage", 500, &["internal"], &[], Some(true)),
    shared_problem("Unavailable", 503, &["unavailable"], RETRY, Some(false)),
    shared_problem("UnavailablePage", 503, &["unavailable"], RETRY, Some(true)),
];

/// The name of a shared answer with these codes; browsers get a page of what is `paged`.
fn shared_name(status: u16, codes: &[&str], paged: bool) -> Option<&'static str> {
    let fits = |shared: &&Shared| {
        shared.status == status
            && shared.codes == codes
            && shared.paged.is_none_or(|its| its == paged)
    };
    SHARED.iter().find(fits).map(|shared| shared.name)
}

/// The shared answers, by name.
pub fn shared() -> Map<String, Value> {
    let answer = |shared: &Shared| {
        let mut answer = json!({ "description": reason(shared.status) });
        let mut content = vec![(PROBLEM, problem(shared.status, shared.codes))];
        content.extend((shared.paged == Some(true)).then(|| ("text/html", string())));
        extend(&mut answer, shared.status, shared.headers, content);
        (shared.name.to_owned(), answer)
    };
    SHARED.iter().map(answer).collect()
}

/// Adds headers and media types to an answer.
fn extend(
    slot: &mut Value,
    status: u16,
    headers: &[&'static str],
    content: Vec<(&'static str, Value)>,
) {
    // What the gateway answers by itself lacks it.
    let request_id = match status {
        403 | 413 | 429 | 500.. => "Maybe-X-Request-Id",
        _ => "X-Request-Id",
    };
    let Some(members) = slot.as_object_mut() else { return };
    let known = members.entry("headers").or_insert_with(|| json!({}));
    if let Some(known) = known.as_object_mut() {
        for name in [request_id].iter().chain(headers) {
            // `Maybe` stands before the name of a header that an answer can lack.
            let own = name.trim_start_matches("Maybe-");
            known.insert(own.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
        }
    }
    if content.is_empty() {
        return;
    }
    let known = members.entry("content").or_insert_with(|| json!({}));
    if let Some(known) = known.as_object_mut() {
        for (kind, schema) in content {
            known.insert(kind.to_owned(), json!({ "schema": schema }));
        }
    }
}

/// A problem of a status with one of these codes.
fn problem(status: u16, codes: &[&'static str]) -> Value {
    let mut codes = codes.to_vec();
    codes.sort_unstable();
    codes.dedup();
    json!({ "allOf": [
        of("Problem"),
        { "properties": { "status": { "const": status }, "code": { "enum": codes } } },
    ] })
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "The request is at fault",
        401 => "The key is missing or not valid",
        403 => "Not allowed",
        404 => "Not found",
        409 => "The state of things forbids it",
        410 => "Gone",
        413 => "Too large",
        415 => "Another media type is taken",
        422 => "The Idempotency-Key was used with another body",
        429 => "Too many requests",
        503 => "A failure that is likely to pass",
        _ => "A failure of the service",
    }
}

impl Body {
    fn document(&self) -> Value {
        let content: Map<String, Value> = self
            .content
            .iter()
            .map(|(kind, schema)| ((*kind).to_owned(), json!({ "schema": schema })))
            .collect();
        json!({ "required": self.required, "content": content, "x-max-bytes": self.most })
    }
}
