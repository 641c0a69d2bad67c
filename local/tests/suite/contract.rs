//! The contract: each call of a test is compared with `docs/openapi.json`, every request that was accepted and every answer.
//!
//! A whole run writes what it saw to `openapi-seen.txt` below the target's `tmp`, of which `infra/check_openapi.py` requires each
//! operation with each of its statuses. A run of some tests alone writes nothing.

use std::{
    collections::HashSet,
    env,
    fs::{self, File},
    io::Write,
    path::Path,
    sync::{LazyLock, Mutex},
};

use openapi::contract::{Call, Contract, UNREAD_BODY};
use serde_json::{Value, json};
use unicreda::{
    domain::api_key::Scope,
    http::{
        routes::{Access, ROUTES, Route},
        serve::MAX_BODY,
    },
    web::openapi::SITE,
};

use crate::harness::{Reply, World, person};

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    Contract::new(serde_json::from_str(&document()).expect("docs/openapi.json is JSON"))
});
static SEEN: LazyLock<Mutex<Seen>> = LazyLock::new(|| Mutex::new(Seen::begin()));

/// The document. It is read when the tests run, so that what is true of it is found without building them again.
fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    fs::read_to_string(path).expect("docs/openapi.json")
}

/// The operations and statuses of a whole run.
struct Seen {
    known: HashSet<String>,
    file: Option<File>,
}

impl Seen {
    fn begin() -> Self {
        // A name, or a pattern to leave out: the run is of some tests alone.
        let picks = |argument: String| !argument.starts_with('-') || argument.starts_with("--skip");
        let some = env::args().skip(1).any(picks);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi-seen.txt");
        let file = (!some).then(|| File::create(path).expect("openapi-seen.txt"));
        Self { known: HashSet::new(), file }
    }

    fn note(&mut self, line: String) {
        if let Some(file) = &mut self.file
            && !self.known.contains(&line)
        {
            writeln!(file, "{line}").expect("a line");
            self.known.insert(line);
        }
    }
}

/// Which routes a test sends bodies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyOf {
    /// Those of whose body the document speaks.
    Described,
    /// All; those that read none take what comes.
    Any,
}

/// Compares a call with the document. Local pages and paths of no route have no place in it.
pub fn check(
    method: &str,
    address: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    reply: &Reply,
    body_of: BodyOf,
) {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let content_type = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let sent: Vec<(String, String)> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let call = Call {
        method,
        path,
        query: &query,
        content_type: content_type.map_or("", |(_, value)| value),
        body,
        status: reply.status.as_u16(),
        headers: &sent,
        answer: &reply.body,
    };
    let Some(compared) = CONTRACT.compare(&call) else { return };
    let line = format!("{} {}", compared.operation, call.status);
    SEEN.lock().expect("the calls that were seen").note(line);
    let mut faults = compared.faults;
    faults.retain(|fault| body_of == BodyOf::Described || fault != UNREAD_BODY);
    let faults = faults.join("\n  ");
    assert!(
        faults.is_empty(),
        "not as docs/openapi.json has it: {method} {address}\n  {faults}\n{}",
        reply.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_described_for_this_site_to_any_origin() {
    let world = World::new().await;
    let reply = world.send("GET", "/openapi.json", &[], "").await.expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("content-type"), "application/json");
    let site_url = &world.stack.app().config.site_url;
    assert!(reply.text() == document().replace(SITE, site_url), "not docs/openapi.json");
    assert_eq!(reply.json()["servers"], json!([{ "url": site_url }]));

    let known = [("if-none-match", reply.header("etag"))];
    let again = world.send("GET", "/openapi.json", &known, "").await.expect(304);
    assert_eq!(again.text(), "");
}

/// An address of a route, with things that are there or with none.
fn address(route: &Route, world: &World, there: bool) -> String {
    let nothing = "00000000-0000-4000-8000-000000000000";
    let template = if there { &world.demo.template_id } else { nothing };
    let values = [
        ("{template_id}", template),
        ("{job_id}", nothing),
        ("{credential_id}", nothing),
        ("{upload_id}", nothing),
        ("{list_id}", "demo.live.99"),
        ("{image}", "demo.nothing.png"),
        ("{email}", "nadie@ejemplo.org"),
        ("{multikey}", "z6MknoneOfThisName"),
        ("{key_id}", "AbCdEfGhIjKl"),
        ("{token}", "nothing"),
        ("{org}", "nobody"),
    ];
    values.iter().fold(route.path.to_owned(), |path, (name, value)| path.replace(name, value))
}

/// The example of the body that a route takes.
fn example(document: &Value, operation: &Value) -> Option<String> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let component = document.pointer(schema.as_str()?.trim_start_matches('#'))?;
    Some(component["examples"][0].to_string()).filter(|example| example != "null")
}

/// Keys of one scope each, of the demo organization.
async fn keys(world: &World) -> Vec<(Scope, String)> {
    let mut keys = Vec::new();
    for scope in Scope::ALL {
        let body = json!({ "name": "one scope", "scopes": [scope.as_str()] });
        let made = world.call("POST", "/api-keys", Some(&body)).await.expect(201).json();
        keys.push((scope, made["key"].as_str().expect("key").to_owned()));
    }
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_with_a_key_answers_what_its_kind_answers() {
    let world = World::new().await;
    let document: Value = serde_json::from_str(&document()).expect("JSON");
    let keys = keys(&world).await;
    let large = vec![b' '; MAX_BODY + 1];
    for route in ROUTES {
        let Access::Key { any_of, .. } = route.access else { continue };
        let operation = &document["paths"][route.path][route.method.to_ascii_lowercase()];
        let answers = |status: &str| operation["responses"].get(status).is_some();
        let path = address(route, &world, true);
        let send = async |path: &str, key: &str, kind: &str, body: &[u8]| {
            let headers = [("x-api-key", key), ("content-type", kind)];
            let body = bytes::Bytes::copy_from_slice(body);
            world.send(route.method, path, &headers, body).await.status.as_u16()
        };
        let (key, json) = (world.demo.api_key.as_str(), "application/json");
        let name = format!("{} {}", route.method, route.path);
        assert_eq!(send(&format!("{path}?none=1"), key, json, b"").await, 400, "{name}");
        assert_eq!(send(&path, "", json, b"{}").await, 401, "{name}");
        if let Some((_, lacking)) = keys.iter().find(|(scope, _)| !any_of.contains(scope)) {
            assert_eq!(send(&path, lacking, json, b"{}").await, 403, "{name}");
        }
        if answers("415") {
            assert_eq!(send(&path, key, "text/none", b"x").await, 415, "{name}");
            assert_eq!(send(&path, key, json, &large).await, 413, "{name}");
        }
        if answers("404") && (route.path.contains('{') || route.method == "POST") {
            let body = example(&document, operation).unwrap_or_default();
            let path = address(route, &world, false);
            let status = send(&path, key, json, body.as_bytes()).await;
            // An address of another site is a fault of the request.
            let due = if route.path == "/api/v1/verify" { 400 } else { 404 };
            assert_eq!(status, due, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_public_file_is_answered_once_to_a_client_that_keeps_it() {
    let world = World::new().await;
    let issued = world.issue_one(&person(1)).await;
    let id = issued["credential_id"].as_str().expect("credential_id");
    let document: Value = serde_json::from_str(&document()).expect("JSON");
    for route in ROUTES.iter().filter(|route| route.access == Access::Public) {
        let operation = &document["paths"][route.path][route.method.to_ascii_lowercase()];
        let names = route.path.contains('{');
        if operation["responses"].get("404").is_some() && names {
            let path = address(route, &world, false);
            let reply = world.send(route.method, &path, &[("accept", "*/*")], "").await;
            assert_eq!(reply.status, 404, "{path}: {}", reply.text());
        }
        let path = route.path.replace("{credential_id}", id).replace("{org}", "demo");
        let path = path.replace("{template_id}", &world.demo.template_id);
        if operation["responses"].get("304").is_none() || path.contains('{') {
            continue;
        }
        let accept = ("accept", "application/json, */*;q=0.1");
        let first = world.send("GET", &path, &[accept], "").await;
        if first.status == 404 {
            continue;
        }
        let known = [accept, ("if-none-match", first.header("etag"))];
        assert_eq!(world.send("GET", &path, &known, "").await.status, 304, "{path}");
    }
}
