//! Metadata: what a caller notes on a credential comes back to the organization's keys, and is nowhere else.

use serde_json::{Map, Value, json};
use unicreda::domain::{api_key::Scope, ids::Mode};

use crate::{
    catalog::{key_of, one_fault},
    erasure::scan::{Marks, places},
    export::unzipped,
    harness::{World, person},
};

/// A word that no log line may hold, and one of its own.
const NOTE: &str = "qxvnota Zorrilla";

/// A request of recipients with metadata of all.
async fn issue(world: &World, key: &str, metadata: Value, recipients: &[Value]) -> Value {
    let body = json!({
        "template_id": world.demo.template_id, "metadata": metadata, "recipients": recipients,
    });
    let answer = world.call_as(key, "POST", "/credentials/issue", Some(&body)).await;
    answer.expect(if recipients.len() > 1 { 202 } else { 200 }).json()
}

fn with(n: u32, metadata: Value) -> Value {
    let mut one = person(n);
    one["metadata"] = metadata;
    one
}

fn id_of(one: &Value) -> String {
    one["credential_id"].as_str().unwrap_or_else(|| panic!("{one}")).to_owned()
}

/// So many keys, each with a text of so many letters.
fn many(keys: usize, letters: usize) -> Value {
    let entries = (0..keys).map(|n| (format!("k{n}"), "x".repeat(letters).into()));
    Value::Object(entries.collect::<Map<String, Value>>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_come_back_to_keys_and_are_on_nothing_public() {
    let world = World::new().await;
    let key = world.demo.api_key.clone();
    let all = json!({ "acta": NOTE, "sede": "Norte", "vacío": "" });
    let own = json!({ "sede": " Sur\u{a0}2 ", "nulo": null, "ñ/~": "qxvnota \u{1f393}" });
    let whole = json!({ "acta": NOTE, "sede": " Sur\u{a0}2 ", "ñ/~": "qxvnota \u{1f393}" });
    let mut one = with(1, own);
    one["email"] = "ana.rojas@demo.example".into();
    let made = issue(&world, &key, all, &[one]).await["credentials"][0].clone();
    assert_eq!(made["metadata"], whole, "{made}");
    let id = id_of(&made);
    world.mail_ended(&id).await;
    let shown = world.get(&format!("/credentials/{id}")).await;
    assert_eq!(shown["metadata"], whole);
    for list in ["/credentials", "/members/ana.rojas@demo.example/credentials"] {
        assert_eq!(world.get(list).await["items"][0]["metadata"], whole, "{list}");
    }
    // Without any.
    let plain = world.issue_one(&person(2)).await;
    assert_eq!(plain.get("metadata"), None);
    let plain = world.get(&format!("/credentials/{}", id_of(&plain))).await;
    assert_eq!(plain["metadata"], json!({}));

    // Of a job, each row.
    let people = [with(3, json!({ "fila": "tres" })), person(4), with(5, json!({ "x": 7 }))];
    let job = issue(&world, &key, json!({ "acta": "9" }), &people).await;
    let job = job["job_id"].as_str().expect("a job").to_owned();
    world.success(&job).await;
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    assert_eq!(rows["items"][0]["metadata"], json!({ "acta": "9", "fila": "tres" }), "{rows}");
    assert_eq!(rows["items"][1]["metadata"], json!({ "acta": "9" }));
    let error = "El campo metadata.x debe ser un texto";
    assert_eq!(
        (&rows["items"][2]["error"], &rows["items"][2]["status"]),
        (&json!(error), &json!("failed"))
    );
    let third = world.get(&format!("/credentials/{}", id_of(&rows["items"][0]))).await;
    assert_eq!(third["metadata"], json!({ "acta": "9", "fila": "tres" }));

    // Page, document, files, wallet, mail and the verdict say nothing of them.
    let marks = Marks::of(&["qxvnota", "vacío"]);
    assert!(marks.found_in(shown.to_string().as_bytes()).is_some(), "the marks are found");
    let list = third_party(&world, &id).await;
    for (path, accept) in [
        (format!("/credential/{id}"), "text/html"),
        (format!("/credential/{id}.json"), "application/json"),
        (format!("/credential/{id}/certificate.pdf"), "application/pdf"),
        (format!("/credential/{id}/badge.png"), "image/png"),
        (format!("/credential/{id}/badge.svg"), "image/svg+xml"),
        (format!("/credential/{id}/preview.png"), "image/png"),
        (list, "application/json"),
    ] {
        let reply = world.send("GET", &path, &[("accept", accept)], "").await.expect(200);
        assert_eq!(marks.found_in(&reply.body), None, "{path}");
    }
    let posted = world.send("POST", &format!("/credential/{id}/exchange"), &[], "{}").await;
    assert_eq!(marks.found_in(&posted.expect(200).body), None);
    let url = json!({ "url": made["credential_url"] });
    let verdict = world.call("POST", "/verify", Some(&url)).await.expect(200);
    assert_eq!(marks.found_in(&verdict.body), None);
    let mails = world.mails("ana.rojas@demo.example", 1).await;
    assert_eq!(marks.found_in(json!(mails).to_string().as_bytes()), None);
}

/// The path of a credential's status list.
async fn third_party(world: &World, id: &str) -> String {
    let signed = world.send("GET", &format!("/credential/{id}.json"), &[], "").await.expect(200);
    let list = signed.json()["credentialStatus"]["statusListCredential"].clone();
    let list = list.as_str().expect("a list").to_owned();
    list[list.find("/status/").expect("a path")..].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_make_no_identity_and_the_first_stay() {
    let world = World::new().await;
    let app = world.stack.app();
    let key = world.demo.api_key.clone();
    let first = json!({ "acta": "1" });
    let made = issue(&world, &key, first.clone(), &[person(1)]).await["credentials"][0].clone();
    let (id, path) = (id_of(&made), format!("/credentials/{}", id_of(&made)));
    let issuer = key_of(app, "demo", Mode::Live, &[Scope::Issue], None).await;
    for (key, answered) in [(&key, &first), (&issuer, &json!({ "acta": "2", "otra": "3" }))] {
        let other = [with(1, json!({ "otra": "3" }))];
        let again = issue(&world, key, json!({ "acta": "2" }), &other).await;
        let again = &again["credentials"][0];
        assert_eq!((id_of(again), &again["duplicate"]), (id.clone(), &json!(true)));
        // Who may read sees those of the credential, whoever may not what it sent.
        assert_eq!(again["metadata"], *answered);
        assert_eq!(world.get(&path).await["metadata"], first);
    }
    let people = [with(1, json!({ "b": "2" })), with(2, json!({ "b": "2" }))];
    let job = issue(&world, &key, json!({}), &people).await;
    let job = job["job_id"].as_str().expect("a job").to_owned();
    world.success(&job).await;
    for (key, answered) in [(&key, &first), (&issuer, &json!({ "b": "2" }))] {
        let path = format!("/jobs/{job}/results");
        let rows = world.call_as(key, "GET", &path, None).await.expect(200).json();
        assert_eq!(
            (&rows["items"][0]["duplicate"], id_of(&rows["items"][0])),
            (&json!(true), id.clone())
        );
        assert_eq!(rows["items"][0]["metadata"], *answered);
        assert_eq!(rows["items"][1]["metadata"], json!({ "b": "2" }));
    }

    // A key of one request is that request's, its metadata included.
    let body = |metadata: Value| json!({ "template_id": world.demo.template_id, "recipients": [person(7)], "metadata": metadata });
    let send = async |metadata: Value| {
        let headers = [
            ("x-api-key", key.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", "acta-7"),
        ];
        world.send("POST", "/api/v1/credentials/issue", &headers, body(metadata).to_string()).await
    };
    let one = send(json!({ "a": "1" })).await.expect(200);
    assert!(send(json!({ "a": "1" })).await.expect(200).body == one.body);
    send(json!({ "a": "2" })).await.problem(422, "idempotency_mismatch");

    // Corrected, renewed in its place, suspended and reinstated: they stay, and are not corrected.
    let change = json!({ "recipient_name": "Persona Zorrilla Segunda" });
    let corrected = world.call("PATCH", &path, Some(&change)).await.expect(200).json();
    assert_eq!((&corrected["version"], &corrected["metadata"]), (&json!(2), &first));
    for action in ["suspend", "reinstate"] {
        let after = world.call("POST", &format!("{path}/{action}"), Some(&json!({}))).await;
        assert_eq!(after.expect(200).json()["metadata"], first);
    }
    let refused = world.call("PATCH", &path, Some(&json!({ "metadata": { "a": "1" } }))).await;
    one_fault(refused, "/metadata", "immutable_field");
    let shown = world.get(&path).await;
    assert_eq!((&shown["version"], &shown["metadata"]), (&json!(2), &first));
    // Nor by a file, of which a row names its credential.
    let row = json!({
        "credential_id": id, "email": "persona1@ejemplo.com",
        "recipient_name": "Persona Zorrilla Tercera", "result_value": "A", "metadata": { "acta": "5" },
    });
    let options = json!({ "template_id": world.demo.template_id, "correct": true });
    let job = world.upload("corregir.jsonl", row.to_string().as_bytes(), &options).await;
    let ended = world.file_job(&job).await;
    assert_eq!(ended["result"]["corrected"], 1, "{ended}");
    let shown = world.get(&path).await;
    assert_eq!((&shown["version"], &shown["metadata"]), (&json!(3), &first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_exceeds_the_limits_of_metadata_is_named() {
    let world = World::new().await;
    let key = world.demo.api_key.clone();
    let ask = async |metadata: Value| {
        let body = json!({
            "template_id": world.demo.template_id, "metadata": metadata, "recipients": [person(1)],
        });
        world.call("POST", "/credentials/issue", Some(&body)).await
    };
    let long = "ñ".repeat(40);
    let (too_many, too_large) = (many(21, 1), json!({ "a": "x".repeat(2_041) }));
    for (metadata, pointer, code) in [
        (json!("x"), "/metadata", "wrong_type"),
        (json!([1]), "/metadata", "wrong_type"),
        (json!({ "a/b": 7 }), "/metadata/a~1b", "wrong_type"),
        (json!({ "a": { "b": "c" } }), "/metadata/a", "wrong_type"),
        (json!({ "": "x" }), "/metadata", "invalid_key"),
        (json!({ (format!("{long}x")): "x" }), "/metadata", "invalid_key"),
        (json!({ "a\nb": "x" }), "/metadata", "invalid_key"),
        (too_many.clone(), "/metadata", "too_many"),
        (too_large.clone(), "/metadata", "too_large"),
    ] {
        one_fault(ask(metadata.clone()).await, pointer, code);
        // Of a recipient, it is that recipient's fault alone.
        let answer = issue(&world, &key, json!({}), &[with(1, metadata)]).await;
        let one = &answer["credentials"][0];
        assert_eq!(
            (&one["status"], &one["error_codes"]),
            (&json!("error"), &json!([code])),
            "{one}"
        );
    }
    assert_eq!(world.get("/credentials").await["items"], json!([]), "nothing was issued");

    // At the limits: 2,048 bytes of JSON, 20 keys, 40 characters.
    for (n, metadata) in [
        (2, json!({ "a": "x".repeat(2_040) })),
        (3, many(20, 90)),
        (4, json!({ (long): "ñ".repeat(900) })),
    ] {
        assert_eq!(metadata.to_string().len().max(2_048), 2_048);
        let answer = issue(&world, &key, metadata.clone(), &[person(n)]).await;
        assert_eq!(answer["credentials"][0]["metadata"], metadata);
    }
    // Both together.
    for (of_all, own, code) in [
        (many(20, 1), json!({ "otra": "x" }), "too_many"),
        (json!({ "a": "x".repeat(1_500) }), json!({ "b": "x".repeat(600) }), "too_large"),
    ] {
        let answer = issue(&world, &key, of_all.clone(), &[with(5, own.clone())]).await;
        let one = &answer["credentials"][0];
        assert_eq!(
            (&one["status"], &one["error_codes"]),
            (&json!("error"), &json!([code])),
            "{one}"
        );
        let job = issue(&world, &key, of_all, &[with(5, own), person(6)]).await;
        let result = world.success(job["job_id"].as_str().expect("a job")).await["result"].clone();
        assert_eq!((&result["failed"], &result["errors"][0]["code"]), (&json!(1), &json!(code)));
    }
    // A recipient's own replaces that of the request, so that both fit.
    let own = with(8, json!({ "a": "x".repeat(2_000) }));
    let answer = issue(&world, &key, json!({ "a": "x".repeat(1_500) }), &[own]).await;
    assert_eq!(answer["credentials"][0]["metadata"]["a"], "x".repeat(2_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_of_files_are_given_to_their_person_and_erased_with_it() {
    let world = World::new().await;
    let (email, words) = ("luz@ejemplo.com", ["qxvnota", "qxvduda"]);
    let row = |email: &str, acta: &str, grade: &str| {
        json!({
            "email": email, "recipient_name": "Luz Soto", "result_value": grade,
            "metadata": { "acta": acta },
        })
    };
    let file = [
        row(email, "qxvnota 1", "A"),
        row(email, "qxvduda 2", "Z"),
        row("sol@ejemplo.com", "otra", "A"),
    ];
    let file = file.map(|row| row.to_string()).join("\n");
    let options = json!({ "template_id": world.demo.template_id });
    let job = world.upload("actas.jsonl", file.as_bytes(), &options).await;
    let ended = world.file_job(&job).await;
    assert_eq!(
        (&ended["result"]["successful"], &ended["result"]["failed"]),
        (&json!(2), &json!(1))
    );
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    assert_eq!(rows["items"][0]["metadata"], json!({ "acta": "qxvnota 1" }), "{rows}");
    let change = json!({ "recipient_name": "Luz Soto Paz" });
    let path = format!("/credentials/{}", id_of(&rows["items"][0]));
    world.call("PATCH", &path, Some(&change)).await.expect(200);

    let export = format!("/people/{email}/export");
    let export = world.call("GET", &export, None).await.expect(202).json();
    let export = export["job_id"].as_str().expect("a job").to_owned();
    world
        .until("the export ends", async || {
            (world.get(&format!("/jobs/{export}")).await["status"] == "SUCCESS").then_some(())
        })
        .await;
    let link = world.get(&format!("/jobs/{export}/results/file")).await;
    let (status, bytes) = world.fetch(link["url"].as_str().expect("a URL")).await;
    assert_eq!(status, 200);
    let archive = unzipped(&bytes);
    let given: Value = serde_json::from_slice(&archive["person.json"]).expect("JSON");
    assert_eq!(given["credentials"][0]["metadata"], json!({ "acta": "qxvnota 1" }), "{given}");
    let text = given.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    assert!(!text.contains("otra"), "another person's");

    let marks = Marks::of(&words);
    assert!(!places(&world, &marks).await.is_empty(), "they are somewhere");
    let order = json!({ "email": email, "reason": "Lo pidió" });
    let erasing = world.call("POST", "/people/erase", Some(&order)).await.expect(202).json();
    let erasing = erasing["job_id"].as_str().expect("a job").to_owned();
    world
        .until("the person is erased", async || {
            (world.get(&format!("/jobs/{erasing}")).await["status"] == "SUCCESS").then_some(())
        })
        .await;
    assert_eq!(places(&world, &marks).await, Vec::<String>::new());
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    assert_eq!(rows["items"][0].get("metadata"), None, "{rows}");
    assert_eq!(rows["items"][2]["metadata"], json!({ "acta": "otra" }), "{rows}");
}
