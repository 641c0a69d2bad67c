//! `docs/data.md` names every place that holds data of people, and nothing that is not there: the paths of
//! the service are run, and each item, attribute, object and queue that they leave is looked up.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use aws_sdk_dynamodb::types::AttributeValue;
use local::Options;
use serde_json::{Value, json};
use unicreda::domain::image::svg_url;

use crate::{
    bucket::{client, keys},
    feedback::{bounced, complained, report},
    files::{data_url, picture},
    harness::{World, person},
    prints::printed,
};

const MEMBER: &str = "ana.rojas@demo.example";

/// Rows of the document that no path below fills, and why.
const NOT_SEEN: [(&str, &str); 5] = [
    ("SUPPRESSED#{org}#erased / ANY", "nobody is erased here"),
    ("SUPPRESSED#{org}#erased / {hash}", "nobody is erased here"),
    ("sheets/{mode}/{org}/{path…}", "no spreadsheet is uploaded here"),
    ("exports/{path…}", "nobody asks for an export here"),
    ("erasures/{path…}", "nobody is erased here"),
];

/// A row of one of the document's tables: a place, and what it says of people.
#[derive(Debug)]
pub struct Row {
    /// `catalog`, `credentials`, `jobs`, `bucket`, `queue`.
    kind: String,
    /// The key, with what varies in braces.
    pattern: String,
    /// The names in backticks of the column "holds".
    attributes: BTreeSet<String>,
    /// The column "erased".
    erased: String,
}

impl Row {
    /// Store and key, by which other tests name it.
    pub fn name(&self) -> String {
        format!("{} {}", self.kind, self.pattern)
    }

    /// Whether an erasure takes something out of the place.
    pub fn is_cleaned(&self) -> bool {
        let says = |text: &str| self.erased == text || self.erased.starts_with(&format!("{text}:"));
        let untouched = ["no", "ends by itself", "is what is left", "the bit stays as it is"];
        !untouched.into_iter().any(says)
    }
}

/// The document.
pub struct Document {
    pub rows: Vec<Row>,
    /// Attributes that say nothing of a person.
    neutral: BTreeSet<String>,
}

/// The texts between backticks.
fn code(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

impl Document {
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/data.md");
        let text = fs::read_to_string(path).expect("the document");
        let mut rows = Vec::new();
        for line in text.lines().filter(|line| line.starts_with("| ")) {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let kinds = ["catalog", "credentials", "jobs", "bucket", "queue"];
            let (Some(kind), Some(place)) = (cells.first(), cells.get(1)) else { continue };
            if !kinds.contains(kind) {
                continue;
            }
            let pattern = code(place).join(" / ");
            let attributes = code(cells[2]).into_iter().collect();
            // The last but one: a cell before it may be empty.
            let erased = cells.iter().rev().nth(1).map(|text| (*text).to_owned());
            let erased = erased.expect("a column");
            rows.push(Row { kind: (*kind).to_owned(), pattern, attributes, erased });
        }
        let (_, neutral) = text.split_once("<!-- neutral -->").expect("a list");
        let (neutral, _) = neutral.split_once("<!-- /neutral -->").expect("its end");
        Self { rows, neutral: code(neutral).into_iter().collect() }
    }

    pub fn of(&self, kind: &str, key: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.kind == kind && follows(&row.pattern, key))
    }
}

/// Whether a key follows a pattern. A placeholder stands for any text without `#` and ` / `, one with dots
/// at its end (`{path…}`) for any text at all.
fn follows(pattern: &str, key: &str) -> bool {
    let Some((literal, rest)) = pattern.split_once('{') else { return pattern == key };
    let Some(key) = key.strip_prefix(literal) else { return false };
    let (name, rest) = rest.split_once('}').expect("a placeholder's end");
    let ends = key.char_indices().map(|(at, c)| at + c.len_utf8());
    let mut stopped = false;
    ends.take_while(|end| {
        let may = !stopped;
        stopped |= !name.ends_with('…') && key[*end..].starts_with(['#', '/']);
        may
    })
    .any(|end| follows(rest, &key[end..]))
}

/// Every item of a table: its key, and the names of its attributes.
async fn items(world: &World, table: &str) -> Vec<(String, BTreeSet<String>)> {
    let client = &world.stack.app().dynamodb;
    let (mut found, mut start) = (Vec::new(), None);
    loop {
        let page = client.scan().table_name(table).set_exclusive_start_key(start).send().await;
        let page = page.expect("a page");
        for item in page.items() {
            let text = |name: &str| item.get(name).and_then(|v: &AttributeValue| v.as_s().ok());
            let own =
                if item.contains_key("pk") { [text("pk"), text("sk")] } else { [text("id"), None] };
            let key = own.into_iter().flatten();
            let key = key.map(String::as_str).collect::<Vec<_>>().join(" / ");
            found.push((key, item.keys().cloned().collect()));
        }
        start = page.last_evaluated_key().cloned();
        if start.is_none() {
            return found;
        }
    }
}

/// Settings, members, keys, signing keys, suppressions: what fills the catalog.
async fn fill_catalog(world: &World) {
    let put = async |path: &str, body: Value| world.call("PUT", path, Some(&body)).await;
    let logo = json!({ "logo": data_url(&picture(300, 90)), "reply_to": "ayuda@ejemplo.com" });
    put("/organization", logo).await.expect(200);
    let svg =
        br#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9"/></svg>"#;
    let rector = json!({ "name": "Rosa Zorrilla", "office": "Rectora", "signature": svg_url(svg) });
    put("/organization/design", json!({ "signatories": [rector] })).await.expect(200);
    put(
        "/members/nueva@ejemplo.com",
        json!({ "name": "Zorrilla", "role": "Docente", "license_number": "1", "term": "2026-1", "language": "es" }),
    )
    .await
    .expect(201);
    let map = json!({ "column_map": { "Matrícula": "license_number" }, "day_first": true });
    let path = format!("/templates/{}/column-map", world.demo.template_id);
    put(&path, map).await.expect(200);
    let key = json!({ "name": "Clave de Zorrilla", "scopes": ["read"], "expires_at": "2030-01-01T00:00:00Z" });
    let made = world.call("POST", "/api-keys", Some(&key)).await.expect(201).json();
    let id = made["id"].as_str().expect("an id");
    world.call("DELETE", &format!("/api-keys/{id}"), None).await.expect(204);
    let before = world.get("/signing-keys").await["items"][0]["multikey"].clone();
    world.call("POST", "/signing-keys", None).await.expect(201);
    let path = format!("/signing-keys/{}/compromise", before.as_str().expect("a key"));
    let reason = json!({ "reason": "Zorrilla perdió un portátil" });
    world.call("POST", &path, Some(&reason)).await.expect(200);
}

/// Credentials of every origin, and all that becomes of them.
async fn fill_credentials(world: &World) -> Vec<String> {
    // Cleaned: an alias at the content as it was sent.
    let mut recipient = person(1);
    recipient["recipient_name"] = "Persona\u{a0}Zorrilla  1".into();
    recipient["external_id"] = "11.111.111-1".into();
    let body = json!({ "template_id": world.demo.template_id, "recipients": [recipient] });
    let headers = [
        ("x-api-key", world.demo.api_key.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "zorrilla"),
    ];
    let path = "/api/v1/credentials/issue";
    let one = world.send("POST", path, &headers, body.to_string()).await.expect(200).json();
    let mut ids = vec![one["credentials"][0]["credential_id"].clone()];
    for n in 2..=4 {
        ids.push(world.issue_one(&person(n)).await["credential_id"].clone());
    }
    let member = json!({ "email": MEMBER, "result_value": "A" });
    ids.push(world.issue_one(&member).await["credential_id"].clone());
    let ids: Vec<String> = ids.iter().map(|id| id.as_str().expect("an id").to_owned()).collect();
    for id in &ids {
        world.mail_ended(id).await;
    }
    let at = |n: usize, action: &str| format!("/credentials/{}{action}", ids[n]);
    let reason = json!({ "reason": "Zorrilla lo pidió" });
    world
        .call("PATCH", &at(1, ""), Some(&json!({ "recipient_name": "Persona Zorrilla Dos" })))
        .await
        .expect(200);
    world.call("POST", &at(2, "/revoke"), Some(&reason)).await.expect(200);
    world.call("POST", &at(3, "/suspend"), Some(&reason)).await.expect(200);

    world.mail_ended(&ids[1]).await;
    // What SES says.
    let app = world.stack.app();
    let soft = bounced("Transient", "ContentRejected", &ids[0], 0, "persona1@ejemplo.com");
    let hard = bounced("Permanent", "General", &ids[4], 0, MEMBER);
    assert!(report(app, &[soft.to_string(), hard.to_string()]).await.is_empty());
    let path = format!("/suppressions/{MEMBER}");
    world.call("DELETE", &path, None).await.expect(204);
    world.call("POST", &at(4, "/resend"), None).await.expect(202);
    world.mail_ended(&ids[4]).await;
    assert!(report(app, &[complained(&ids[4], 1, MEMBER).to_string()]).await.is_empty());
    let test = world.issue_as(&world.demo.test_api_key, &[person(5)]).await.expect(200).json();
    let test = test["credentials"][0]["credential_id"].as_str().expect("an id").to_owned();
    world
        .until("the test mail is kept", async || {
            let path = format!("/credentials/{test}/mail");
            let mail = world.call_as(&world.demo.test_api_key, "GET", &path, None).await;
            (mail.status == 200).then_some(())
        })
        .await;
    let told = complained(&test, 0, "persona5@ejemplo.com").to_string();
    assert!(report(app, &[told]).await.is_empty());
    ids
}

/// Jobs of requests and files, of every kind and outcome.
async fn fill_jobs(world: &World, ids: &[String]) {
    let mut wrong = person(7);
    wrong["result_value"] = "Z".into();
    let mut corrected = person(2);
    corrected["recipient_name"] = "Persona Zorrilla Dos".into();
    let mut cleaned = person(1);
    cleaned["recipient_name"] = "Persona\u{a0}Zorrilla  1".into();
    cleaned["external_id"] = "11.111.111-1".into();
    world.run_job(&[person(6), wrong, cleaned, corrected]).await;
    let list = json!({ "ids": [ids[2]], "reason": "Zorrilla" });
    world.call("POST", "/credentials/revoke", Some(&list)).await.expect(202);
    let refused = "Correo;Nombre;RUT\nana@ejemplo.com;Ana Zorrilla;1\n";
    let job = world
        .upload(
            "acta de Zorrilla.csv",
            refused.as_bytes(),
            &json!({ "encoding": "utf-8", "column_map": { "Z": "ignore" } }),
        )
        .await;
    world.file_job(&job).await;
    // Two of one name; one who holds another credential; a name that is an address.
    let file = "email;nombre;calificacion\n\
        uno@ejemplo.com;Ana María Zorrilla;A\ndos@ejemplo.com;Ana Maria Zorrilla;A\n\
        persona6@ejemplo.com;Persona Zorrila 6;B\ntres@ejemplo.com;tres@ejemplo.com;A\n\
        cuatro@ejemplo.com;Zorrilla;Z\n";
    let job = world.upload("acta.csv", file.as_bytes(), &json!({ "dry_run": true })).await;
    world.file_job(&job).await;
    let job = world.upload("acta.csv", file.as_bytes(), &json!({ "send_email": false })).await;
    world.file_job(&job).await;
    let mended = world.results_file(&job).await.replace("Ana María Zorrilla", "Ana María Zorrillo");
    let options = json!({ "correct": true, "dry_run": true });
    let job = world.upload("acta.csv", mended.as_bytes(), &options).await;
    world.file_job(&job).await;
    let members = b"email,name\nmiembro@ejemplo.com,Zorrilla\nnadie,Zorrilla\n";
    let body = json!({ "file_name": "miembros.csv", "size": members.len() });
    let upload = world.call("POST", "/members/uploads", Some(&body)).await.expect(201).json();
    assert_eq!(world.put_file(&upload["upload"], &members[..]).await, 200);
    let path = upload["status_url"].as_str().expect("a path").replace("/api/v1", "");
    let job = world
        .until("the file arrives", async || {
            world.get(&path).await["job_id"].as_str().map(str::to_owned)
        })
        .await;
    world.file_job(&job).await;
    // Another content for the same upload is noted, and left alone.
    world.put_file(&upload["upload"], vec![b'x'; members.len()]).await;
    world
        .until("it is noted", async || world.get(&path).await["ignored"].is_object().then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_names_every_item_attribute_and_object_that_the_service_writes() {
    let document = Document::read();
    let mut world = World::with(Options { tracks_deliveries: true, ..Options::in_memory() }).await;
    world.skip_oracle();
    fill_catalog(&world).await;
    let ids = fill_credentials(&world).await;
    fill_jobs(&world, &ids).await;
    let job = world.start_job(&[person(6), person(8)]).await;
    world.success(&job).await;
    printed(&world, &job).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    world.send("POST", "/wallet", &form, "email=persona4@ejemplo.com").await.expect(200);
    world.mails("persona4@ejemplo.com", 2).await;

    let config = &world.stack.app().config;
    let (mut seen, mut wrong) = (BTreeSet::new(), BTreeMap::new());
    for (kind, table) in [
        ("catalog", &config.catalog_table),
        ("credentials", &config.credentials_table),
        ("jobs", &config.jobs_table),
    ] {
        for (key, attributes) in items(&world, table).await {
            let Some(row) = document.of(kind, &key) else {
                wrong.insert(format!("{kind}: no row for {key}"), attributes);
                continue;
            };
            seen.insert((kind, row.pattern.clone()));
            let known =
                |name: &&String| row.attributes.contains(*name) || document.neutral.contains(*name);
            let unknown: BTreeSet<String> =
                attributes.iter().filter(|name| !known(name)).cloned().collect();
            if !unknown.is_empty() {
                wrong.entry(format!("{kind}: {}", row.pattern)).or_default().extend(unknown);
            }
        }
    }
    for key in keys(&client(&world.stack)).await {
        match document.of("bucket", &key) {
            Some(row) => drop(seen.insert(("bucket", row.pattern.clone()))),
            None => drop(wrong.insert(format!("bucket: no row for {key}"), BTreeSet::new())),
        }
    }
    assert!(wrong.is_empty(), "not in docs/data.md: {wrong:#?}");

    let listed = document.rows.iter().filter(|row| row.kind != "queue");
    for row in listed {
        let is_seen = seen.contains(&(row.kind.as_str(), row.pattern.clone()));
        let excused = NOT_SEEN.iter().any(|(pattern, _)| *pattern == row.pattern);
        assert_ne!(is_seen, excused, "seen, or in NOT_SEEN: {} {}", row.kind, row.pattern);
    }
}

#[test]
fn the_document_names_every_queue_log_and_store_of_the_template() {
    let document = Document::read();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let template = fs::read_to_string(root.join("template.yaml")).expect("the template");
    let text = fs::read_to_string(root.join("docs/data.md")).expect("the document");
    let mut queues = BTreeSet::new();
    for line in template.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("QueueName: !Sub ${AWS::StackName}-") {
            queues.insert(name.to_owned());
        }
    }
    let listed = document.rows.iter().filter(|row| row.kind == "queue");
    let listed: BTreeSet<String> = listed.map(|row| row.pattern.clone()).collect();
    assert_eq!(listed, queues);
    // Kinds of resources that can hold data; a new kind is a new section.
    let holds = [
        "DynamoDB::Table",
        "S3::Bucket",
        "SQS::Queue",
        "SNS::Topic",
        "Logs::LogGroup",
        "SES::ConfigurationSet",
        "KMS::Key",
    ];
    for kind in holds {
        assert!(template.contains(&format!("Type: AWS::{kind}\n")), "{kind}");
    }
    let known = ["ApiGateway", "CloudWatch", "IAM", "Lambda", "Serverless", "WAFv2"];
    for line in template.lines().map(str::trim) {
        let Some(kind) = line.strip_prefix("Type: AWS::") else { continue };
        let service = kind.split("::").next().unwrap_or_default();
        let is_known = holds.iter().any(|holds| holds.split("::").next() == Some(service));
        assert!(is_known || known.contains(&service), "does a {kind} hold data of people?");
    }
    for name in ["/aws/apigateway/", "/aws/lambda/"] {
        assert!(text.contains(name), "{name}");
    }
}

#[test]
fn a_key_follows_its_pattern_alone() {
    for (pattern, key, does) in [
        ("ORG#{org} / ORG", "ORG#demo / ORG", true),
        ("ORG#{org} / ORG", "ORG#demo / ORGX", false),
        ("ORG#{org} / KEY#{id}", "ORG#demo / TPL#x", false),
        ("{id}", "7a8b", true),
        ("{id}", "MAIL#7a8b", false),
        ("{job}#{shard} / IN#{piece}", "7a#00000 / IN#0000", true),
        ("incoming/{mode}/{org}/{path…}", "incoming/live/demo/a/b.csv", true),
        ("incoming/{mode}/{org}/{path…}", "results/live/demo/a/b.csv", false),
    ] {
        assert_eq!(follows(pattern, key), does, "{pattern} {key}");
    }
}
