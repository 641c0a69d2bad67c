//! Verifiers that are not ours, over HTTP: `@digitalbazaar/vc` and `@digitalcredentials/verifier-core`
//! (VerifierPlus, Learner Credential Wallet), in Node; and one in Python that shares no code with them,
//! on PyLD and `cryptography`. Beside them, the canonical form of jsonld.js.

use std::{path::Path, process::Stdio};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};
use unicreda::document::linked_data::{Contexts, canonical};

use crate::{
    crashes::{long, seed},
    harness::{World, person},
    living,
    node::packages,
    python::{archive, interpreter},
};

#[path = "../random/mod.rs"]
mod random;

/// A program that answers a JSON line with another one.
struct Program {
    _process: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(mut command: Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // verifier-core complains there about the schema, which it cannot fetch.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let to = process.stdin.take().context("its input")?;
        let from = BufReader::new(process.stdout.take().context("its output")?).lines();
        Ok(Self { _process: process, to, from })
    }

    /// Node with the packages of `local/tests/verifiers`, which it installs when they are not there.
    fn node(folder: &Path, site: &str, address: &str) -> Result<Self> {
        let mut command = Command::new("node");
        command.arg(folder.join("verify.mjs")).args([site, address]);
        Self::start(command).context("node")
    }

    async fn ask(&mut self, command: &Value) -> Value {
        let line = format!("{command}\n");
        self.to.write_all(line.as_bytes()).await.expect("asked");
        let answer = self.from.next_line().await.expect("answered").expect("a line");
        serde_json::from_str(&answer).expect("JSON")
    }
}

/// The verifiers, in two programs.
pub struct Verifiers {
    node: Program,
    python: Program,
}

impl Verifiers {
    pub async fn of(world: &World) -> Self {
        let (site, address) = (&world.stack.app().config.site_url, world.stack.base_url());
        let folder = packages("verifiers").await.expect("packages");
        let node = Program::node(&folder, site, &address).expect("node");
        let requirements = folder.join("schema.txt");
        let made = tokio::task::spawn_blocking(move || {
            let python = interpreter("verifiers");
            let schema = archive(&python, &requirements);
            (python, schema)
        });
        let (python, schema) = made.await.expect("an environment");
        let mut command = Command::new(python);
        command.arg(folder.join("verify.py")).args([site, &address]).arg(&folder).arg(schema);
        Self { node, python: Program::start(command).expect("Python") }
    }

    async fn ask(&mut self, command: &Value) -> (Value, Value) {
        tokio::join!(self.node.ask(command), self.python.ask(command))
    }

    /// The verdict of all three, who must agree: `ok`, `revoked`, `expired`, `unsigned`.
    pub async fn say(&mut self, document: &Value) -> String {
        let asked = json!({ "cmd": "verify", "document": document });
        let (answer, three) = self.ask(&asked).await;
        let (one, two) = (&answer["digitalbazaar"], &answer["verifiercore"]);
        let verdict = |of: &Value| match (&of["signed"], &of["expired"], of["status"].as_str()) {
            (Value::Bool(true), Value::Bool(true), _) => "expired".to_owned(),
            (Value::Bool(true), _, status) => status.unwrap_or("no status").to_owned(),
            _ => "unsigned".to_owned(),
        };
        let (first, second, third) = (verdict(one), verdict(two), verdict(&three));
        assert_eq!(second, third, "they disagree: {answer} {three}");
        // @digitalbazaar/vc refuses an expired credential as a whole.
        if second != "expired" {
            assert_eq!(first, second, "they disagree: {answer} {three}");
        }
        second
    }

    /// Whether all three refuse a document of which any leaf was changed.
    async fn refuse_every_change(&mut self, document: &Value) {
        let asked = json!({ "cmd": "mutations", "document": document });
        let (two, third) = self.ask(&asked).await;
        assert!(two["count"].as_u64().is_some_and(|count| count >= 25), "{two}");
        assert_eq!(two["count"], third["count"], "{two} {third}");
        for answer in [two, third] {
            assert_eq!(answer["accepted"], json!([]), "{document}");
        }
    }
}

/// A template with ten facts of its own, long and short ones, and a recipient who has them all.
fn facts() -> (Value, Value) {
    let field = |number: usize| {
        let label =
            json!({ "es": format!("Dato número {number}"), "en": format!("Fact {number}") });
        let kind = ["text", "number", "list"][number % 3];
        let mut field = json!({ "key": format!("fact_{number}"), "label": label, "type": kind });
        if kind == "list" {
            field["values"] = json!(["Máxima", "Unánime"]);
        }
        field
    };
    let value = |number: usize| match number % 3 {
        0 => json!(format!("Texto {number} ").repeat(18).trim()),
        1 => json!(120.5),
        _ => json!("Unánime"),
    };
    let custom: serde_json::Map<String, Value> =
        (0..10).map(|number| (format!("fact_{number}"), value(number))).collect();
    let mut template = living::rich(3);
    template["custom_fields"] = (0..10).map(field).collect();
    template["achievement"]["alignments"][0]["description"] = "Con estadística.".into();
    template["achievement"]["alignments"][1]["name"] =
        "Diseñar y evaluar programas de formación continua para equipos que trabajan a distancia en varias zonas horarias".into();
    let fields = template["fields"].as_array_mut().expect("fields");
    for name in ["result_value", "credits_earned", "evidence", "role"] {
        fields.push(json!({ "name": name, "required": false }));
    }
    let recipient = json!({
        "email": "facts@ejemplo.com", "recipient_name": "María José de los Ángeles Pérez-Rozas Undurraga",
        "awarded_on": "1998-12-18", "result_value": "7,0", "credits_earned": 6.5, "role": "Estudiante",
        "evidence": [{ "name": "Tesis", "url": "https://ejemplo.com/tesis" }], "custom": custom,
    });
    (template, recipient)
}

async fn document(world: &World, id: &str) -> Value {
    let path = format!("/credential/{id}.json");
    world.send("GET", &path, &[], "").await.expect(200).json()
}

/// Templates of every shape, each with a recipient.
fn shapes() -> Vec<(Value, Value)> {
    let text = |name: &str, required: bool| json!({ "name": name, "required": required });
    let bare = json!({ "name": "Asistencia", "description": "Charla.", "fields": [] });
    let graded = json!({
        "name": "Química \"orgánica\" & más", "description": "Dos líneas de ω, 日本 y 🎓.",
        "achievement": { "type": "Curso de verano", "criteria": "Nota > 4,0", "credits_available": 2.5 },
        "validity_months": 24,
        "fields": [
            text("recipient_name", true), text("credits_earned", false), text("evidence", false),
            { "name": "result_value", "required": true, "allowed_values": ["Aprobada", "Reprobada"] },
        ],
    });
    let free = json!({
        "name": "Título", "description": "Ingeniería.", "achievement": { "type": "Degree" },
        "fields": [
            text("recipient_name", true), text("result_value", false), text("role", false),
            text("license_number", false), text("term", false), text("activity_start_date", false),
            text("activity_end_date", false),
        ],
    });
    vec![
        facts(),
        (bare, json!({ "email": "bare@ejemplo.com" })),
        (
            living::rich(50),
            json!({
                "email": "rich@ejemplo.com", "recipient_name": "Ana Rojas",
                "awarded_on": "1998-12-18", "valid_until": "2090-12-31",
            }),
        ),
        (
            graded,
            json!({
                "email": "graded@ejemplo.com", "recipient_name": "Ñandú O'Higgins 李",
                "result_value": "Aprobada", "credits_earned": 0.125,
                "evidence": [
                    { "name": "Tesis", "url": "https://ejemplo.com/tesis?a=1&b=2" },
                    { "name": "Sin enlace", "description": "Una\nexposición \\ oral" },
                ],
            }),
        ),
        (
            free,
            json!({
                "email": "free@ejemplo.com", "recipient_name": "María José", "result_value": "7,0",
                "role": "Estudiante", "license_number": "CL-1", "term": "2026-1",
                "activity_start_date": "2026-03-01", "activity_end_date": "2026-07-31",
            }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_verifiers_that_are_not_ours_accept_every_shape_and_refuse_every_changed_leaf() {
    let world = World::new().await;
    let mut verifiers = Verifiers::of(&world).await;
    let mut documents = Vec::new();
    for (template, recipient) in shapes() {
        let template = world.call("POST", "/templates", Some(&template)).await.expect(201).json();
        for key in [&world.demo.api_key, &world.demo.test_api_key] {
            let body = json!({ "template_id": template["id"], "recipients": [recipient] });
            let issued = world.call_as(key, "POST", "/credentials/issue", Some(&body)).await;
            let issued = issued.expect(200).json();
            let id = issued["credentials"][0]["credential_id"].as_str();
            documents.push(document(&world, id.unwrap_or_else(|| panic!("{issued}"))).await);
        }
    }
    documents.push({
        let issued = world.issue_one(&person(1)).await;
        document(&world, issued["credential_id"].as_str().expect("id")).await
    });
    for document in &documents {
        let asked = json!({ "cmd": "schema", "document": document });
        let found = verifiers.python.ask(&asked).await;
        assert_eq!(found["count"], 0, "1EdTech's schema: {found} {document}");
        assert_eq!(verifiers.say(document).await, "ok", "{document}");
        assert!(!document.to_string().contains("ejemplo.com\""), "a plain address: {document}");
        verifiers.refuse_every_change(document).await;
    }
    let mut wrong = documents[0].clone();
    wrong["credentialSubject"]["achievement"]["alignment"][0]["targetUrl"] = json!(7);
    let found = verifiers.python.ask(&json!({ "cmd": "schema", "document": wrong })).await;
    assert_ne!(found["count"], 0, "the schema is applied");
}

/// What makes canonicalization slow is things without an id that resemble each other: each has its hashes.
/// They are counted, since time is not the same twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alignments_cost_a_verifier_that_is_not_ours_no_hash() {
    let world = World::new().await;
    let mut verifiers = Verifiers::of(&world).await;
    let mut work = Vec::new();
    for size in [10, 25, 50] {
        let made = world.call("POST", "/templates", Some(&living::rich(size))).await.expect(201);
        let one = json!({ "email": "ana@ejemplo.com", "recipient_name": "Ana Rojas" });
        let body = json!({ "template_id": made.json()["id"], "recipients": [one] });
        let issued = world.call("POST", "/credentials/issue", Some(&body)).await.expect(200).json();
        let id = issued["credentials"][0]["credential_id"].as_str();
        let document = document(&world, id.unwrap_or_else(|| panic!("{issued}"))).await;
        let asked = json!({ "cmd": "work", "document": document });
        work.push(verifiers.node.ask(&asked).await);
    }
    let of = |at: usize, name: &str| work[at][name].as_u64().unwrap_or_else(|| panic!("{work:?}"));
    assert!(of(0, "hashes") > 0, "they are counted: {work:?}");
    for at in 1..3 {
        assert_eq!(of(at, "hashes"), of(0, "hashes"), "{work:?}");
    }
    // Each alignment has as many statements as any other.
    let each = (of(1, "statements") - of(0, "statements")) / 15;
    assert_eq!(of(2, "statements") - of(1, "statements"), 25 * each, "{work:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_verifiers_that_are_not_ours_see_revocation_correction_and_rotation() {
    let world = World::new().await;
    let mut verifiers = Verifiers::of(&world).await;
    let issued = world.issue_one(&person(1)).await;
    let id = issued["credential_id"].as_str().expect("id").to_owned();
    let first = document(&world, &id).await;
    let act = async |id: &str, action: &str| {
        let path = format!("/credentials/{id}/{action}");
        world.call("POST", &path, Some(&json!({ "reason": "Acta" }))).await.expect(200);
    };
    // Suspended and again in force.
    act(&id, "suspend").await;
    assert_eq!(verifiers.say(&first).await, "revoked");
    act(&id, "reinstate").await;
    assert_eq!(verifiers.say(&first).await, "ok");

    // Credentials of a retired key verify, and so do those of the new one.
    world.call("POST", "/signing-keys", None).await.expect(201);
    // They keep a DID document for some seconds: a new verifier fetches it again.
    let mut verifiers = Verifiers::of(&world).await;
    assert_eq!(verifiers.say(&first).await, "ok");
    let later = world.issue_one(&person(2)).await;
    let later = document(&world, later["credential_id"].as_str().expect("id")).await;
    assert_ne!(
        later["proof"][0]["verificationMethod"], first["proof"][0]["verificationMethod"],
        "another key signed"
    );
    assert_eq!(verifiers.say(&later).await, "ok");

    // A correction: the new file verifies, the old one no longer does.
    let change = json!({ "recipient_name": "Persona Corregida" });
    world.call("PATCH", &format!("/credentials/{id}"), Some(&change)).await.expect(200);
    let second = document(&world, &id).await;
    let instant = |document: &Value| -> jiff::Timestamp {
        document["validFrom"].as_str().expect("an instant").parse().expect("an instant")
    };
    assert!(instant(&second) > instant(&first), "the newest file is known by it");
    assert_eq!(second["awardedDate"], first["awardedDate"]);
    assert_eq!(second["id"], first["id"]);
    assert_eq!(verifiers.say(&second).await, "ok");
    assert_eq!(verifiers.say(&first).await, "revoked");

    act(&id, "revoke").await;
    assert_eq!(verifiers.say(&second).await, "revoked");
    assert_eq!(verifiers.say(&later).await, "ok");

    // Credentials of a compromised key fail; signed again, they verify.
    let keys = world.get("/signing-keys").await;
    let old = keys["items"][1]["multikey"].as_str().expect("a key").to_owned();
    let third = world.issue_one(&person(3)).await;
    let third = third["credential_id"].as_str().expect("id").to_owned();
    world.call("POST", "/signing-keys", None).await.expect(201);
    let current = keys["items"][0]["multikey"].as_str().expect("a key").to_owned();
    for key in [&old, &current] {
        let path = format!("/signing-keys/{key}/compromise");
        world.call("POST", &path, Some(&json!({ "reason": "Filtrada" }))).await.expect(200);
    }
    let before = document(&world, &third).await;
    let mut verifiers = Verifiers::of(&world).await;
    assert_eq!(verifiers.say(&before).await, "unsigned");
    world.call("PATCH", &format!("/credentials/{third}"), Some(&json!({}))).await.expect(200);
    assert_eq!(verifiers.say(&document(&world, &third).await).await, "ok");
}

/// What the holder of an erased credential has verifies on, everywhere, unless the erasure revoked it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_verifiers_that_are_not_ours_accept_the_kept_file_of_an_erased_credential() {
    let world = World::new().await;
    let mut files = Vec::new();
    for (n, keep_valid) in [(1, true), (2, false)] {
        let issued = world.issue_one(&person(n)).await;
        let id = issued["credential_id"].as_str().expect("id").to_owned();
        let file = document(&world, &id).await;
        let order = json!({ "reason": "Lo pidió", "keep_valid": keep_valid });
        let path = format!("/credentials/{id}/erase");
        world.call("POST", &path, Some(&order)).await.expect(202);
        files.push((id, file));
    }
    for (id, _) in &files {
        world
            .until("it is erased", async || {
                let shown = world.get(&format!("/credentials/{id}")).await;
                (shown["status"] == "erased").then_some(())
            })
            .await;
    }
    let mut verifiers = Verifiers::of(&world).await;
    for ((_, file), verdict) in files.iter().zip(["ok", "revoked"]) {
        assert_eq!(verifiers.say(file).await, verdict);
        let own = world.call("POST", "/verify", Some(file)).await.expect(200).json();
        assert_eq!(own["verified"], verdict == "ok", "{own}");
        assert_eq!(own["status"], if verdict == "ok" { "issued" } else { "revoked" });
        assert!(own["erased_at"].is_string(), "{own}");
    }
}

/// jsonld.js reads the contexts that a document names. We do so in one way, and use the flat
/// table of our own terms in the other. All three must find the same text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_canonical_form_of_thousands_of_random_credentials_is_jsonld_js_own() {
    let seed = seed("canonical form");
    let wanted = if long() { 20_000 } else { 2_000 };
    let made = tokio::task::spawn_blocking(move || {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut lines, mut count, mut refused) = (String::new(), 0, 0);
        while count < wanted {
            let Some(document) = random::document(&mut rng) else { continue };
            let ours = match canonical(&document, Contexts::Issued) {
                Ok(ours) => ours,
                Err(_) => {
                    refused += 1;
                    continue;
                }
            };
            assert_eq!(canonical(&document, Contexts::Named).as_ref(), Ok(&ours), "{document:?}");
            lines.push_str(&json!({ "document": document, "canonical": ours }).to_string());
            lines.push('\n');
            count += 1;
        }
        eprintln!("canonical form: {count} documents, {refused} refused as not portable");
        assert!(refused * 10 < count, "{refused} of {count} were refused");
        lines
    });
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), made.await.expect("documents")).expect("written");
    let folder = packages("verifiers").await.expect("packages");
    let mut node = Program::node(&folder, "https://x.example", "http://127.0.0.1:9").expect("node");
    let answer = node.ask(&json!({ "cmd": "canonize", "file": file.path() })).await;
    assert_eq!(answer["count"], json!(wanted), "{answer}");
    assert_eq!(answer["different"], json!(0), "{}", answer["differ"]);
}
