//! Today's code on the database of an earlier version: its credentials verify, its open jobs
//! end, and its requests find their credentials again.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use base64::{Engine, engine::general_purpose::STANDARD};
use local::{Data, Options, Stack, demo::Demo};
use serde_json::{Value, json};
use unicreda::jobs::sweep::{self, SweepMode};

use crate::{
    feedback::{delivered, report},
    harness::{World, check_sums, person},
};

fn attribute(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().expect("an attribute").iter().next().expect("one kind");
    let text = || value.as_str().expect("text").to_owned();
    let texts =
        || value.as_array().expect("a set").iter().map(|v| v.as_str().expect("text").to_owned());
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "B" => AttributeValue::B(Blob::new(STANDARD.decode(text()).expect("base64"))),
        "BOOL" => AttributeValue::Bool(value.as_bool().expect("a truth")),
        "NULL" => AttributeValue::Null(true),
        "SS" => AttributeValue::Ss(texts().collect()),
        "NS" => AttributeValue::Ns(texts().collect()),
        "L" => AttributeValue::L(value.as_array().expect("a list").iter().map(attribute).collect()),
        "M" => {
            let members = value.as_object().expect("a map").iter();
            AttributeValue::M(members.map(|(name, v)| (name.clone(), attribute(v))).collect())
        }
        other => panic!("an attribute of kind {other}"),
    }
}

/// A stack on the items of a fixture, and the names of its credentials.
async fn started(fixture: &Path, data: &Path) -> (World, Value) {
    for file in ["signing.key", "site_url"] {
        fs::copy(fixture.join(file), data.join(file)).expect("copied");
    }
    // A checkout does not keep the file's mode.
    let owners_alone = fs::Permissions::from_mode(0o600);
    fs::set_permissions(data.join("signing.key"), owners_alone).expect("a mode");
    let options =
        Options { data: Data::Dir(data.to_owned()), sweep_every: None, ..Options::in_memory() };
    let stack = Stack::start(options).await.expect("the stack starts");
    let app = stack.app();
    for line in fs::read_to_string(fixture.join("items.jsonl")).expect("items").lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let table = match line["table"].as_str().expect("a table") {
            "catalog" => &app.config.catalog_table,
            "credentials" => &app.config.credentials_table,
            _ => &app.config.jobs_table,
        };
        let AttributeValue::M(item) = attribute(&json!({ "M": line["item"] })) else {
            panic!("no item");
        };
        let put = app.dynamodb.put_item().table_name(table).set_item(Some(item));
        put.send().await.expect("an item is put");
    }
    let names = fs::read_to_string(fixture.join("names.json")).expect("names");
    let names: Value = serde_json::from_str(&names).expect("JSON");
    let text = |name: &str| names[name].as_str().expect(name).to_owned();
    let demo = Demo {
        api_key: text("api_key"),
        test_api_key: text("test_api_key"),
        template_id: text("template"),
    };
    (World::on(stack, demo), names)
}

async fn verified(world: &World, id: &str) -> bool {
    let path = format!("/credential/{id}");
    let document = world.send("GET", &path, &[("accept", "application/vc")], "").await.expect(200);
    let verdict = world.call("POST", "/verify", Some(&document.json())).await.expect(200).json();
    verdict["verified"].as_bool().expect("a verdict")
}

async fn on(fixture: &Path) {
    let data = tempfile::tempdir().expect("a folder");
    let (world, names) = started(fixture, data.path()).await;
    let id = |name: &str| names[name].as_str().expect(name).to_owned();

    // Credentials of every key verify; revoked and suspended ones do not.
    for name in ["holds", "member", "corrected", "after_rotation", "test"] {
        assert!(verified(&world, &id(name)).await, "{name}");
    }
    for name in ["suspended", "revoked"] {
        assert!(!verified(&world, &id(name)).await, "{name}");
    }
    let page =
        world.send("GET", &format!("/credential/{}", id("holds")), &[], "").await.expect(200);
    assert!(page.text().contains("Persona Zorrilla 1"));
    let corrected = world.get(&format!("/credentials/{}", id("corrected"))).await;
    assert_eq!(corrected["history"][0]["action"], "correct");
    assert_eq!((&corrected["version"], &corrected["email_status"]), (&json!(2), &json!("sent")));

    // A repeated request finds its credential.
    let again = world.issue_one(&person(1)).await;
    assert_eq!((&again["credential_id"], &again["duplicate"]), (&names["holds"], &json!(true)));
    let mut before = person(4);
    before["external_id"] = "legajo-4".into();
    assert_eq!(world.issue_one(&before).await["credential_id"], names["corrected"]);
    before["recipient_name"] = "Persona Zorrilla Corregida".into();
    assert_eq!(world.issue_one(&before).await["credential_id"], names["corrected"]);
    assert_eq!(world.issue_one(&person(3)).await["status"], "error", "it was revoked");
    let test = world.issue_as(&world.demo.test_api_key, &[person(1)]).await.expect(200).json();
    assert_eq!(test["credentials"][0]["credential_id"], names["test"]);
    let wallet = world.get("/members/ana.rojas@demo.example/credentials").await;
    assert_eq!(wallet["items"][0]["credential_id"], names["member"]);

    if names["as_sent"].is_string() {
        content_as_it_was_sent(&world, &names).await;
    }

    // These credentials take every change.
    let path = |name: &str, action: &str| format!("/credentials/{}/{action}", id(name));
    world.call("POST", &path("suspended", "reinstate"), Some(&json!({}))).await.expect(200);
    assert!(verified(&world, &id("suspended")).await);
    let reason = json!({ "reason": "Prueba" });
    world.call("POST", &path("holds", "revoke"), Some(&reason)).await.expect(200);
    assert!(!verified(&world, &id("holds")).await);
    let change = json!({ "recipient_name": "Ana María Rojas" });
    let patched =
        world.call("PATCH", &format!("/credentials/{}", id("member")), Some(&change)).await;
    assert_eq!(patched.expect(200).json()["version"], 2);
    let event = delivered(&id("after_rotation"), 0, "persona5@ejemplo.com").to_string();
    assert!(report(world.stack.app(), &[event]).await.is_empty());
    let heard = world.get(&format!("/credentials/{}", id("after_rotation"))).await;
    assert_eq!(heard["email_status"], "delivered");

    // The organization sends as it did, and as nobody else.
    let organization = world.get("/organization").await;
    assert_eq!(organization["allowed_senders"], json!([organization["sender"]]));
    let renamed = json!({ "name": "Universidad Demo de Hoy", "sender": organization["sender"] });
    world.call("PUT", "/organization", Some(&renamed)).await.expect(200);
    let change = json!({ "sender": "titulos@otra.example" });
    let refused = world.call("PUT", "/organization", Some(&change)).await;
    assert_eq!(refused.problem(400, "invalid_request")["errors"][0]["code"], "sender_not_allowed");
    let name = json!({ "name": organization["name"] });
    world.call("PUT", "/organization", Some(&name)).await.expect(200);

    // A suppressed address of before lists had a mode is live's.
    let app = world.stack.app();
    let entry = json!({
        "pk": { "S": "SUPPRESSED#demo" }, "sk": { "S": "persona9@ejemplo.com" }, "v": { "N": "1" },
        "email": { "S": "persona9@ejemplo.com" }, "reason": { "S": "bounced" },
        "since": { "S": "2026-11-24T10:00:02Z" }, "credential_id": { "S": id("holds") },
    });
    let AttributeValue::M(entry) = attribute(&json!({ "M": entry })) else { panic!("no item") };
    let put = app.dynamodb.put_item().table_name(&app.config.catalog_table);
    put.set_item(Some(entry)).send().await.expect("an item is put");
    let listed = world.get("/suppressions").await;
    assert_eq!(listed["items"][0]["email"], "persona9@ejemplo.com");
    let test = &world.demo.test_api_key;
    let listed = world.call_as(test, "GET", "/suppressions", None).await.expect(200).json();
    assert_eq!(listed["items"], json!([]));

    // An ended job keeps its totals; an open one ends.
    let ended = world.success(&id("job")).await["result"].clone();
    assert_eq!((&ended["successful"], &ended["failed"]), (&json!(5), &json!(1)));
    assert_eq!(world.get(&path_of(&names, "job", "results")).await["items"][4]["status"], "failed");
    world.stack.app().clock.jump(Duration::from_secs(3_600));
    sweep::sweep(world.stack.app(), SweepMode { resume: true }).await.expect("a run");
    let result = world.success(&id("open_job")).await["result"].clone();
    check_sums(&result);
    assert_eq!((&result["successful"], &result["emails_sent"]), (&json!(30), &json!(30)));
    world.stop().await;
}

/// What the earlier version issued for texts that today's code cleans is found as it was sent, and
/// its jobs show it.
async fn content_as_it_was_sent(world: &World, names: &Value) {
    let issued = async |person: &Value| {
        let answer = world.issue_one(person).await;
        assert_eq!(answer["duplicate"], true, "{answer}");
        answer["credential_id"].clone()
    };
    let named = |n: u32, name: &str| {
        let mut person = person(n);
        person["recipient_name"] = name.into();
        person
    };
    let as_sent = named(6, "Persona  Zorrilla\u{a0}6");
    assert_eq!(issued(&as_sent).await, names["as_sent"]);
    let mut with_id = named(7, "Persona Zorrilla 7\u{200b}");
    with_id["external_id"] = "legajo-7".into();
    assert_eq!(issued(&with_id).await, names["as_sent_with_external_id"]);
    let mut corrected = named(8, "Persona  Zorrilla 8");
    assert_eq!(issued(&corrected).await, names["as_sent_corrected"]);
    corrected["role"] = "Docente".into();
    assert_eq!(issued(&corrected).await, names["as_sent_corrected"]);

    // Clean content does not find it; the dry run shows that the address holds it.
    let clean = person(6);
    let body = json!({ "template_id": world.demo.template_id, "recipients": [as_sent, clean] });
    let path = "/credentials/issue?dry_run=true";
    let rows = world.call("POST", path, Some(&body)).await.expect(200).json()["recipients"].clone();
    assert_eq!(rows[0]["credential_id"], names["as_sent"], "{rows}");
    assert_eq!(
        (&rows[1]["outcome"], &rows[1]["also_holds"][0]),
        (&json!("new"), &names["as_sent"])
    );
    assert_eq!(world.issue_one(&person(6)).await["duplicate"], false);
    assert_eq!(issued(&as_sent).await, names["as_sent"], "its own content comes first");

    // Its job leads to it, and so does the same list again.
    let before = world.get(&path_of(names, "job_as_sent", "results")).await["items"].clone();
    for row in before.as_array().expect("rows") {
        let id = row["credential_id"].as_str().expect("an id");
        assert_eq!(world.get(&format!("/credentials/{id}")).await["email"], row["email"]);
    }
    let list = [
        person(21),
        named(22, "Persona\u{a0}Zorrilla  22"),
        named(23, "\u{200b}Persona Zorrilla 23"),
    ];
    let again = world.start_job(&list).await;
    assert_eq!(world.success(&again).await["result"]["duplicates"], 3);
    let rows = world.get(&format!("/jobs/{again}/results")).await["items"].clone();
    for (row, before) in rows.as_array().expect("rows").iter().zip(before.as_array().expect("rows"))
    {
        assert_eq!(row["credential_id"], before["credential_id"]);
    }

    // A correction finds it by its content as it was, and leaves its text clean.
    let path = format!("/credentials/{}", names["as_sent"].as_str().expect("an id"));
    let unchanged = world.call("PATCH", &path, Some(&json!({ "term": null }))).await;
    assert_eq!(unchanged.expect(200).json()["version"], 1);
    let change = json!({ "term": "2026-1" });
    let changed = world.call("PATCH", &path, Some(&change)).await.expect(200).json();
    assert_eq!(changed["recipient_name"], "Persona Zorrilla 6");
    for name in ["Persona  Zorrilla\u{a0}6", "Persona Zorrilla 6"] {
        let mut content = named(6, name);
        content["term"] = "2026-1".into();
        assert_eq!(issued(&content).await, names["as_sent"], "{name:?}");
    }
}

fn path_of(names: &Value, job: &str, what: &str) -> String {
    format!("/jobs/{}/{what}", names[job].as_str().expect("a job"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_of_every_earlier_version_is_continued() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut seen = 0;
    for entry in fs::read_dir(fixtures).expect("fixtures") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            on(&path).await;
            seen += 1;
        }
    }
    assert!(seen > 0, "no fixture");
}
