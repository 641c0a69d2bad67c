//! Facts that an organization keeps for itself: what corrects them, and who learns of them.

use serde_json::{Value, json};

use crate::{
    erasure::scan::{Marks, places},
    harness::{Reply, World},
};

/// A number that only one student has, and another one.
const RUT: &str = "98.765.432-K";
const OTHER: &str = "12.345.678-5";

/// A template with public facts and a private one; its id.
async fn template(world: &World) -> String {
    let body = json!({
        "name": "Diplomado", "description": "Ciento veinte horas.",
        "fields": [{ "name": "recipient_name", "required": true }],
        "custom_fields": [
            { "key": "hours", "label": { "es": "Horas cronológicas", "en": "Clock hours" }, "type": "number" },
            { "key": "programme", "label": "Programa", "type": "text" },
            { "key": "rut", "label": "RUT", "type": "text", "private": true },
        ],
    });
    let made = world.call("POST", "/templates", Some(&body)).await.expect(201).json();
    made["id"].as_str().expect("an id").to_owned()
}

fn graduate(rut: &str) -> Value {
    let custom = json!({ "hours": 120, "programme": "Datos", "rut": rut });
    json!({ "email": "ana@ejemplo.com", "recipient_name": "Ana Rojas", "custom": custom })
}

async fn issue_as(world: &World, key: &str, template: &str, one: &Value, query: &str) -> Value {
    let body = json!({ "template_id": template, "recipients": [one] });
    let path = format!("/credentials/issue{query}");
    world.call_as(key, "POST", &path, Some(&body)).await.expect(200).json()
}

/// Issues to a graduate; the id of the credential.
async fn issued(world: &World, template: &str) -> String {
    let answer = issue_as(world, &world.demo.api_key, template, &graduate(RUT), "").await;
    let id = answer["credentials"][0]["credential_id"].as_str();
    id.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// A key with some scopes alone.
async fn key(world: &World, scopes: &[&str]) -> String {
    let body = json!({ "name": scopes.join(" "), "scopes": scopes });
    let made = world.call("POST", "/api-keys", Some(&body)).await.expect(201).json();
    made["key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

async fn page(world: &World, path: &str) -> Reply {
    world.send("GET", path, &[], "").await.expect(200)
}

async fn patch(world: &World, id: &str, custom: &Value) -> Value {
    let body = json!({ "custom": custom });
    world.call("PATCH", &format!("/credentials/{id}"), Some(&body)).await.expect(200).json()
}

/// Uploads rows and follows them; the first row's result.
async fn row(world: &World, key: &str, rows: &str, options: &Value) -> Value {
    let job = world.upload_as(key, "filas.jsonl", rows.as_bytes(), options).await;
    world.file_job(&job).await;
    let path = format!("/jobs/{job}/results");
    world.call_as(key, "GET", &path, None).await.expect(200).json()["items"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_of_private_facts_alone_signs_nothing_and_tells_nobody() {
    let world = World::new().await;
    let template = template(&world).await;
    let id = issued(&world, &template).await;
    world.mails("ana@ejemplo.com", 1).await;
    let document = page(&world, &format!("/credential/{id}.json")).await.body;
    let list = page(&world, "/status/demo.live.0").await.body;
    let path = format!("/credentials/{id}");
    let before = world.get(&path).await;

    let corrected = patch(&world, &id, &json!({ "rut": OTHER })).await;
    assert_eq!(corrected["custom"], json!({ "hours": 120, "programme": "Datos", "rut": OTHER }));
    let shown = world.get(&path).await;
    for member in ["version", "corrected_at", "email_status", "status", "expires_on"] {
        assert_eq!(shown[member], before[member], "{member}: {shown}");
    }
    let event = &shown["history"][0];
    assert_eq!(
        (&event["action"], &event["fields"], &event["replaced_version"]),
        (&json!("correct"), &json!(["custom.rut"]), &Value::Null)
    );
    assert_eq!(page(&world, &format!("/credential/{id}.json")).await.body, document);
    assert_eq!(page(&world, "/status/demo.live.0").await.body, list, "no bit is set");
    let document: Value = serde_json::from_slice(&document).expect("JSON");
    let verified = world.call("POST", "/verify", Some(&document)).await.expect(200).json();
    assert_eq!((&verified["verified"], &verified["status"]), (&json!(true), &json!("issued")));

    // The same again, and both values in a list that comes again, change nothing.
    patch(&world, &id, &json!({ "rut": OTHER })).await;
    assert_eq!(world.get(&path).await["history"].as_array().map(Vec::len), Some(1));
    for rut in [RUT, OTHER] {
        let key = &world.demo.api_key;
        let again = issue_as(&world, key, &template, &graduate(rut), "").await;
        assert_eq!(again["credentials"][0]["credential_id"], id, "{again}");
    }
    // What is signed makes a version, whatever is private beside it.
    let both = patch(&world, &id, &json!({ "rut": null, "hours": 130 })).await;
    assert_eq!((&both["version"], &both["custom"]["rut"]), (&json!(2), &Value::Null));
    assert_eq!(world.get(&path).await["history"][1]["replaced_version"], 1);
    assert_eq!(world.mails_now("ana@ejemplo.com").await.len(), 1);

    // The former value is the person's, and goes with them.
    let marks = Marks::of(&[RUT, OTHER]);
    assert!(!places(&world, &marks).await.is_empty(), "the history has it");
    let order = json!({ "email": "ana@ejemplo.com", "reason": "Lo pidió" });
    let job = world.call("POST", "/people/erase", Some(&order)).await.expect(202).json();
    let path = format!("/jobs/{}", job["job_id"].as_str().expect("a job"));
    world
        .until("the person is erased", async || {
            (world.get(&path).await["status"] == "SUCCESS").then_some(())
        })
        .await;
    assert_eq!(places(&world, &marks).await, Vec::<String>::new());
}

/// A results file of before does not take a correction of a private fact back, although the credential has the
/// version that the file names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_results_file_takes_back_no_correction_of_a_private_fact() {
    let world = World::new().await;
    let template = template(&world).await;
    let id = issued(&world, &template).await;
    let own = world.demo.api_key.clone();
    let correct = json!({ "template_id": template, "correct": true });
    let said = |rut: &str, version: Value| {
        let mut row = graduate(rut);
        row["credential_id"] = id.clone().into();
        row["credential_version"] = version;
        row.to_string()
    };
    let corrected = row(&world, &own, &said(OTHER, 1.into()), &correct).await;
    assert_eq!(corrected["credential_version"], 1, "{corrected}");
    let shown = async || world.get(&format!("/credentials/{id}")).await;
    assert_eq!(
        (&shown().await["custom"]["rut"], &shown().await["version"]),
        (&json!(OTHER), &json!(1))
    );
    assert_eq!(shown().await["history"][0]["fields"], json!(["custom.rut"]));

    let old = row(&world, &own, &said(RUT, 1.into()), &correct).await;
    assert_eq!(old["status"], "failed", "{old}");
    let error = old["error"].as_str().expect("a text");
    assert!(error.contains("después de este archivo") && error.contains("custom.rut"), "{error}");
    assert_eq!(shown().await["custom"]["rut"], OTHER);
    // A third value is no old one, and without a version the row says what holds.
    row(&world, &own, &said("1-9", 1.into()), &correct).await;
    assert_eq!(shown().await["custom"]["rut"], "1-9");
    row(&world, &own, &said(RUT, Value::Null), &correct).await;
    assert_eq!(shown().await["custom"]["rut"], RUT);
    assert_eq!(shown().await["version"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_does_not_read_learns_no_private_fact_and_cannot_try_them_out() {
    let world = World::new().await;
    let template = template(&world).await;
    let id = issued(&world, &template).await;
    let reads = world.demo.api_key.clone();
    let (issues, manages) =
        (key(&world, &["issue"]).await, key(&world, &["issue", "manage"]).await);
    let named = |rut: Option<&str>| {
        let mut row = graduate(RUT);
        row["custom"]["rut"] = rut.into();
        row["credential_id"] = id.clone().into();
        row.to_string()
    };
    for dry_run in [true, false] {
        let options = json!({ "template_id": template, "dry_run": dry_run });
        // Whatever it says, the row is the duplicate of what is public.
        let right = row(&world, &issues, &named(Some(RUT)), &options).await;
        for guess in [Some(OTHER), None] {
            let wrong = row(&world, &issues, &named(guess), &options).await;
            assert_eq!(wrong, right, "{guess:?}");
        }
        assert_eq!(right["duplicate"], true, "{right}");
        assert!(!right.to_string().contains(RUT), "{right}");
        // Who reads is told.
        let told = row(&world, &reads, &named(Some(OTHER)), &options).await;
        let error = told["error"].as_str().unwrap_or_else(|| panic!("{told}"));
        assert!(error.contains("custom.rut"), "{error}");
        let same = row(&world, &reads, &named(Some(RUT)), &options).await;
        assert_eq!(same["duplicate"], true, "{same}");
        assert_eq!(same.to_string().contains(RUT), dry_run, "{same}");
    }

    // Content that is issued already: the first value stays, and who reads is told that another one came.
    for query in ["", "?dry_run=true"] {
        let told = async |key: &str, rut: &str| {
            let answer = issue_as(&world, key, &template, &graduate(rut), query).await;
            let list = if query.is_empty() { "credentials" } else { "recipients" };
            answer[list][0]["private_differs"].clone()
        };
        assert_eq!(told(&reads, OTHER).await, json!(["custom.rut"]));
        for silent in [(&reads, RUT), (&issues, OTHER), (&issues, RUT), (&manages, OTHER)] {
            assert_eq!(told(silent.0, silent.1).await, Value::Null, "{silent:?}");
        }
    }
    let body = json!({
        "template_id": template, "recipients": [graduate(OTHER), graduate(RUT)],
    });
    let job = world.call("POST", "/credentials/issue", Some(&body)).await.expect(202).json();
    let job = job["job_id"].as_str().expect("a job").to_owned();
    world.success(&job).await;
    let path = format!("/jobs/{job}/results");
    let rows = world.get(&path).await["items"].clone();
    assert_eq!(rows[0]["private_differs"], json!(["custom.rut"]), "{rows}");
    assert_eq!(rows[1].get("private_differs"), None, "{rows}");
    let unread = world.call_as(&issues, "GET", &path, None).await.expect(200).json();
    assert!(!unread.to_string().contains("private_differs"), "{unread}");

    // Who manages corrects, and is shown no private fact for it.
    let correct = json!({ "template_id": template, "correct": true, "dry_run": true });
    let told = row(&world, &reads, &named(Some(OTHER)), &correct).await;
    let change = json!([{ "field": "custom.rut", "before": RUT, "after": OTHER }]);
    assert_eq!(told["changes"], change, "{told}");
    let unread = row(&world, &manages, &named(Some(OTHER)), &correct).await;
    assert_eq!(unread["changes"], json!([]), "{unread}");
    assert!(!unread.to_string().contains(RUT), "{unread}");
    let only = key(&world, &["manage"]).await;
    let path = format!("/credentials/{id}");
    let reason = json!({ "reason": "x" });
    for (method, path, body) in [
        ("PATCH", path.clone(), json!({ "custom": { "rut": OTHER } })),
        ("POST", format!("{path}/suspend"), reason.clone()),
        ("POST", format!("{path}/reinstate"), reason.clone()),
        ("POST", format!("{path}/block"), reason),
    ] {
        let answer = world.call_as(&only, method, &path, Some(&body)).await.expect(200).json();
        assert_eq!(answer["custom"], json!({ "hours": 120, "programme": "Datos" }), "{path}");
    }
    assert_eq!(world.get(&path).await["custom"]["rut"], OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_cell_of_a_correcting_file_removes_a_fact_and_an_end() {
    let world = World::new().await;
    let template = template(&world).await;
    let mut one = graduate(RUT);
    one["valid_until"] = "2090-12-31".into();
    let answer = issue_as(&world, &world.demo.api_key, &template, &one, "").await;
    let id = answer["credentials"][0]["credential_id"].as_str().expect("an id").to_owned();
    let shown = async || world.get(&format!("/credentials/{id}")).await;
    let file = |header: &str, cells: &str| {
        format!(
            "Correo;Nombre completo;{header};credential_id\r\nana@ejemplo.com;Ana Rojas;{cells};{id}\r\n"
        )
    };
    let send = async |file: String, correct: bool| {
        let options = json!({ "template_id": template, "correct": correct });
        let job = world.upload("cambios.csv", file.as_bytes(), &options).await;
        world.file_job(&job).await;
        world.get(&format!("/jobs/{job}/results")).await["items"][0].clone()
    };
    // Without `correct` the row says otherwise, as one does that empties a field.
    let refused = send(file("Programa", ""), false).await;
    let error = refused["error"].as_str().expect("a text");
    assert!(error.contains("«Programa» está vacía"), "{error}");
    let refused = send(file("Válida hasta", ""), false).await;
    assert!(refused["error"].as_str().expect("a text").contains("«Válida hasta»"), "{refused}");

    // A column that is absent leaves what the credential has; an emptied one takes it away.
    let emptied = send(file("Programa", ""), true).await;
    assert_eq!(emptied["status"], "corrected", "{emptied}");
    let now = shown().await;
    assert_eq!(now["custom"], json!({ "hours": 120, "rut": RUT }), "{now}");
    assert_eq!(now["history"][0]["fields"], json!(["custom.programme"]));
    assert_eq!((&now["expires_on"], &now["version"]), (&json!("2090-12-31"), &json!(2)));
    send(file("RUT", ""), true).await;
    assert_eq!(shown().await["custom"], json!({ "hours": 120 }));
    assert_eq!(shown().await["version"], 2, "a private fact is nowhere signed");
    send(file("Válida hasta", ""), true).await;
    let now = shown().await;
    assert_eq!((&now["expires_on"], &now["valid_until"]), (&Value::Null, &Value::Null), "{now}");
    assert_eq!(now["version"], 3);
    // Once more, there is nothing left to empty.
    let again = send(file("Válida hasta;Programa;RUT", ";;"), true).await;
    assert_eq!(again["duplicate"], true, "{again}");
    // In JSON, null says the same.
    let row =
        json!({ "credential_id": id, "email": "ana@ejemplo.com", "custom": { "hours": null } });
    let options = json!({ "template_id": template, "correct": true });
    let job = world.upload("cambios.jsonl", row.to_string().as_bytes(), &options).await;
    world.file_job(&job).await;
    assert_eq!(shown().await["custom"], json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_map_of_columns_names_a_fact_by_its_label() {
    let world = World::new().await;
    let template = template(&world).await;
    let path = format!("/templates/{template}/column-map");
    let map = json!({
        "Carga": "horas cronologicas", "Load": "Clock hours", "Doc": " RUT ", "Plan": "programme",
        "Otra": "custom.hours",
    });
    let body = json!({ "column_map": map });
    let put = world.call("PUT", &path, Some(&body)).await.expect(200).json();
    let known = json!({
        "Carga": "custom.hours", "Load": "custom.hours", "Doc": "custom.rut",
        "Plan": "custom.programme", "Otra": "custom.hours",
    });
    assert_eq!(put["column_map"], known);
    let wrong = json!({ "column_map": { "Carga": "Horas" } });
    let problem = world.call("PUT", &path, Some(&wrong)).await.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["code"], "value_not_allowed", "{problem}");
    world.call("DELETE", &path, None).await.expect(204);

    let file = "Correo;Nombre completo;Carga;Doc\r\nana@ejemplo.com;Ana Rojas;77;1-9\r\n";
    let options = json!({
        "template_id": template, "column_map": { "Carga": "Horas cronológicas", "Doc": "rut" },
    });
    let job = world.upload("notas.csv", file.as_bytes(), &options).await;
    let ended = world.file_job(&job).await;
    assert_eq!(ended["result"]["successful"], 1, "{ended}");
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    let id = rows["items"][0]["credential_id"].as_str().expect("an id").to_owned();
    let custom = world.get(&format!("/credentials/{id}")).await["custom"].clone();
    assert_eq!(custom, json!({ "hours": 77, "rut": "1-9" }));
    let mut unknown = options.clone();
    unknown["column_map"]["Carga"] = "Horas".into();
    unknown["file_name"] = "x.csv".into();
    unknown["size"] = 9.into();
    let problem =
        world.call("POST", "/uploads", Some(&unknown)).await.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["code"], "value_not_allowed", "{problem}");
}
