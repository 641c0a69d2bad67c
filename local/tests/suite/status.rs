//! An issued credential is revoked, suspended, reinstated, corrected; status lists, DID
//! documents, and the check of a document.

use serde_json::{Value, json};

use crate::{
    harness::{Reply, World, person},
    oracle,
};

const HTML: (&str, &str) = ("accept", "text/html");

async fn issue(world: &World, n: u32) -> String {
    let one = world.issue_one(&person(n)).await;
    one["credential_id"].as_str().unwrap_or_else(|| panic!("{one}")).to_owned()
}

async fn act(world: &World, id: &str, action: &str, body: Option<Value>) -> Reply {
    world.call("POST", &format!("/credentials/{id}/{action}"), body.as_ref()).await
}

async fn document(world: &World, id: &str) -> Value {
    world.send("GET", &format!("/credential/{id}.json"), &[], "").await.expect(200).json()
}

async fn verify(world: &World, body: &Value) -> Value {
    world.call("POST", "/verify", Some(body)).await.expect(200).json()
}

/// The checks that failed.
fn failed(answer: &Value) -> Vec<String> {
    let checks = answer["checks"].as_array().expect("checks");
    let failed = checks.iter().filter(|check| check["result"] == "failed");
    failed.map(|check| check["check"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn whole(world: &World) {
    let app = world.stack.app();
    let list = world.get("/credentials").await;
    let mut all = Vec::new();
    for item in list["items"].as_array().expect("items") {
        let id = item["credential_id"].as_str().and_then(|id| id.parse::<uuid::Uuid>().ok());
        all.extend(app.credentials.get(id.expect("id").into()).await.expect("read"));
    }
    oracle::check_status_lists(app, all.iter()).await.expect("lists and credentials agree");
}

fn reason() -> Option<Value> {
    Some(json!({ "reason": "Error de acta" }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_changes_once_is_kept_with_its_history_and_a_revocation_is_final() {
    let world = World::new().await;
    let id = issue(&world, 1).await;
    world.mail_ended(&id).await;
    for _ in 0..2 {
        let suspended = act(&world, &id, "suspend", None).await.expect(200).json();
        assert_eq!(suspended["status"], "suspended");
    }
    whole(&world).await;
    let again = world.issue_one(&person(1)).await;
    assert_eq!(again["error_codes"], json!(["credential_not_active"]), "{again}");
    for _ in 0..2 {
        let back = act(&world, &id, "reinstate", None).await.expect(200).json();
        assert_eq!((&back["status"], &back["status_at"]), (&json!("issued"), &Value::Null));
    }
    whole(&world).await;
    let mut at = Value::Null;
    for _ in 0..2 {
        let revoked = act(&world, &id, "revoke", reason()).await.expect(200).json();
        assert_eq!(revoked["status"], "revoked");
        assert_eq!(revoked["status_reason"], "Error de acta");
        assert!(at.is_null() || at == revoked["status_at"], "the first instant stays");
        at = revoked["status_at"].clone();
    }
    whole(&world).await;
    for action in ["suspend", "reinstate"] {
        act(&world, &id, action, None).await.problem(409, "conflict");
    }
    let change = json!({ "recipient_name": "Otra" });
    let path = format!("/credentials/{id}");
    world.call("PATCH", &path, Some(&change)).await.problem(409, "conflict");
    let credential = world.get(&path).await;
    let history = credential["history"].as_array().expect("a history");
    let actions: Vec<&Value> = history.iter().map(|event| &event["action"]).collect();
    assert_eq!(actions, [&json!("suspend"), &json!("reinstate"), &json!("revoke")]);
    let keys = world.get("/api-keys").await;
    let live = keys["items"].as_array().expect("keys").iter().find(|key| key["mode"] == "live");
    for event in history {
        assert_eq!(Some(&event["key_id"]), live.map(|key| &key["id"]), "{event}");
        assert!(event["at"].is_string());
        assert_eq!(event["key_name"], "demo (live)");
    }
    assert_eq!(history[2]["reason"], "Error de acta");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_change_is_named_and_changes_nothing() {
    let world = World::new().await;
    let id = issue(&world, 1).await;
    world.mail_ended(&id).await;
    let before = world.get(&format!("/credentials/{id}")).await;
    let long = "x".repeat(501);
    for (action, body, pointer, code) in [
        ("revoke", json!({}), "/reason", "missing_field"),
        ("revoke", json!({ "reason": "  " }), "/reason", "missing_field"),
        ("revoke", json!({ "reason": long }), "/reason", "too_long"),
        ("suspend", json!({ "reason": 7 }), "/reason", "wrong_type"),
        ("suspend", json!({ "motivo": "x" }), "/motivo", "unknown_field"),
    ] {
        let problem = act(&world, &id, action, Some(body)).await.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
    let path = format!("/credentials/{id}");
    for (body, pointer, code) in [
        (json!({ "result_value": "Z" }), "/result_value", "invalid_result"),
        (json!({ "email": "nadie" }), "/email", "invalid_email"),
        (json!({ "recipient_name": null }), "/recipient_name", "missing_field"),
        (json!({ "external_id": "x" }), "/external_id", "immutable_field"),
        (json!({ "status": "issued" }), "/status", "unknown_field"),
        (json!({ "activity_start_date": "2026-02-30" }), "/activity_start_date", "invalid_date"),
    ] {
        let problem = world.call("PATCH", &path, Some(&body)).await.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
    for (body, pointer) in [
        (json!({ "reason": "x" }), "/ids"),
        (json!({ "reason": "x", "ids": [], }), "/ids"),
        (json!({ "reason": "x", "ids": [id], "job_id": id }), "/ids"),
        (json!({ "reason": "x", "job_id": "7" }), "/job_id"),
        (json!({ "reason": "x", "job_id": id }), "/job_id"),
        (json!({ "ids": [id] }), "/reason"),
    ] {
        let problem = world.call("POST", "/credentials/revoke", Some(&body)).await;
        let problem = problem.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    assert_eq!(world.get(&path).await, before);
    // A credential of the other mode is unknown.
    for (method, path) in [
        ("POST", format!("{path}/suspend")),
        ("POST", format!("{path}/reinstate")),
        ("PATCH", path.clone()),
        ("POST", "/credentials/00000000-0000-8000-8000-000000000000/suspend".to_owned()),
    ] {
        let key =
            if path.contains("0000-8000") { &world.demo.api_key } else { &world.demo.test_api_key };
        world.call_as(key, method, &path, Some(&json!({}))).await.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_keeps_the_page_replaces_the_file_and_moves_the_wallet() {
    let world = World::new().await;
    let member = "ana.rojas@demo.example";
    let sent = json!({ "email": "ana.roja@demo.example", "recipient_name": "Ana Roja", "result_value": "A" });
    let issued = world.issue_one(&sent).await;
    let id = issued["credential_id"].as_str().expect("id").to_owned();
    world.mail_ended(&id).await;
    let first = document(&world, &id).await;
    let path = format!("/credentials/{id}");
    let change =
        json!({ "email": member, "recipient_name": "Ana Rojas", "reason": "Faltaba la s" });
    let after = world.call("PATCH", &path, Some(&change)).await.expect(200).json();
    assert_eq!((&after["version"], &after["email"]), (&json!(2), &json!(member)));
    assert_eq!(after["credential_url"], issued["credential_url"]);
    assert_eq!(after["recipient_type"], "internal", "a member's address by now");
    let second = document(&world, &id).await;
    assert!(
        second["validFrom"].as_str() > first["validFrom"].as_str(),
        "the newer one begins later"
    );
    assert_ne!(second["credentialStatus"], first["credentialStatus"]);
    assert_ne!(
        second["credentialSubject"]["id"], first["credentialSubject"]["id"],
        "another person"
    );
    world.mails(member, 1).await;
    let wallet = world.get(&format!("/members/{member}/credentials")).await;
    assert_eq!(wallet["items"][0]["credential_id"], id.as_str(), "{wallet}");
    let old = world.get("/credentials?email=ana.roja@demo.example").await;
    assert_eq!(old["items"], json!([]));
    // The same correction again does nothing.
    let again = world.call("PATCH", &path, Some(&change)).await.expect(200).json();
    assert_eq!((&again["version"], &again["corrected_at"]), (&json!(2), &after["corrected_at"]));
    let history = world.get(&path).await["history"].clone();
    assert_eq!(history[0]["fields"], json!(["email", "recipient_name"]));
    assert_eq!(history[0]["reason"], "Faltaba la s");
    assert_eq!(history[0]["replaced_version"], 1);

    // Each file shows its version; the page shows that it was corrected, and no more.
    assert_eq!(verify(&world, &second).await["verified"], true);
    let replaced = verify(&world, &first).await;
    assert_eq!((&replaced["verified"], &replaced["status"]), (&json!(false), &json!("replaced")));
    assert_eq!(failed(&replaced), ["status"]);
    let page = world.send("GET", &format!("/credential/{id}"), &[HTML], "").await.expect(200);
    assert!(page.text().contains("Corregida el ") && !page.text().contains("Ana Roja<"));
    let page = world.send("GET", &format!("/credential/{id}?version=1"), &[HTML], "").await;
    let page = page.expect(200).text();
    assert!(page.contains("<strong>Reemplazada</strong>") && !page.contains("Ana Roja"), "{page}");
    assert!(page.contains("?version=1&amp;lang=en"), "{page}");
    whole(&world).await;

    // Either list finds it again; a member's profile makes no other credential of it.
    let corrected = json!({ "email": member, "recipient_name": "Ana Rojas", "result_value": "A" });
    for content in [&sent, &corrected] {
        let again = world.issue_one(content).await;
        assert_eq!((&again["credential_id"], &again["duplicate"]), (&json!(id), &json!(true)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrected_credential_of_a_member_or_with_an_external_id_is_found_again() {
    let world = World::new().await;
    // The identity has the fields as sent, without those of the profile.
    let sent = json!({ "email": "carla.diaz@demo.example", "result_value": "B" });
    let id = world.issue_one(&sent).await["credential_id"].clone();
    let path = format!("/credentials/{}", id.as_str().expect("id"));
    world.mail_ended(id.as_str().expect("id")).await;
    world.call("PATCH", &path, Some(&json!({ "result_value": "A" }))).await.expect(200);
    let corrected = json!({ "email": "carla.diaz@demo.example", "result_value": "A" });
    for content in [&sent, &corrected] {
        assert_eq!(world.issue_one(content).await["credential_id"], id);
    }
    // And back again.
    world.call("PATCH", &path, Some(&json!({ "result_value": "B" }))).await.expect(200);
    assert_eq!(world.get(&path).await["version"], 3);
    for content in [&sent, &corrected] {
        assert_eq!(world.issue_one(content).await["credential_id"], id);
    }

    let mut named = person(7);
    named["external_id"] = "acta-7".into();
    let id = world.issue_one(&named).await["credential_id"].clone();
    let path = format!("/credentials/{}", id.as_str().expect("id"));
    world.mail_ended(id.as_str().expect("id")).await;
    world.call("PATCH", &path, Some(&json!({ "result_value": "C" }))).await.expect(200);
    let mut corrected = named.clone();
    corrected["result_value"] = "C".into();
    for content in [&named, &corrected] {
        let again = world.issue_one(content).await;
        assert_eq!((&again["credential_id"], &again["duplicate"]), (&id, &json!(true)), "{again}");
    }
    corrected["result_value"] = "D".into();
    let other = world.issue_one(&corrected).await;
    assert_eq!(other["error_codes"], json!(["external_id_taken"]), "{other}");

    // A correction to the content of another credential is refused.
    let taken = issue(&world, 8).await;
    let body = json!({ "email": "persona8@ejemplo.com", "recipient_name": "Persona Zorrilla 8" });
    let mine = issue(&world, 9).await;
    world.mail_ended(&mine).await;
    let problem = world.call("PATCH", &format!("/credentials/{mine}"), Some(&body)).await;
    let problem = problem.problem(409, "conflict");
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains(&taken)), "{problem}");
    whole(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_credentials_are_revoked_as_a_job_by_their_job_or_their_ids() {
    let world = World::new().await;
    let people: Vec<Value> = (1..=400).map(person).collect();
    let mut rows = people.clone();
    rows.push(person(1));
    let job = world.start_job(&rows).await;
    world.success(&job).await;
    let before = world.get(&format!("/jobs/{job}/results?limit=1")).await;
    let first = before["items"][0]["credential_id"].as_str().expect("id").to_owned();
    act(&world, &first, "revoke", reason()).await.expect(200);

    // By the job: its own 400, the repeated row once, the first revoked before.
    let body = json!({ "reason": "Acta anulada", "job_id": job });
    let accepted = world.call("POST", "/credentials/revoke", Some(&body)).await.expect(202);
    let accepted = accepted.json();
    let revoking = accepted["job_id"].as_str().expect("a job").to_owned();
    assert_eq!(
        accepted["message"],
        format!(
            "Revoking 400 credentials in background. Poll GET /api/v1/jobs/{revoking} for status."
        )
    );
    let result = world.success(&revoking).await["result"].clone();
    assert_eq!((&result["successful"], &result["failed"]), (&json!(400), &json!(0)), "{result}");
    assert_eq!((&result["duplicates"], &result["emails_skipped"]), (&json!(1), &json!(400)));
    let status = world.get(&format!("/jobs/{revoking}")).await;
    assert_eq!((&status["kind"], &status["template_id"]), (&json!("revoke"), &Value::Null));
    let results = world.get(&format!("/jobs/{revoking}/results?limit=2")).await;
    assert_eq!(results["items"][0]["status"], "revoked");
    assert_eq!(results["items"][0]["email"], "persona1@ejemplo.com");
    whole(&world).await;

    // By ids: wrong ones fail alone.
    let last = issue(&world, 500).await;
    let ids = json!([last, "no-id", "00000000-0000-8000-8000-000000000000", last]);
    let body = json!({ "reason": "x", "ids": ids });
    let accepted = world.call("POST", "/credentials/revoke", Some(&body)).await.expect(202).json();
    let revoked = world.success(accepted["job_id"].as_str().expect("a job")).await;
    let result = revoked["result"].clone();
    assert_eq!((&result["successful"], &result["failed"]), (&json!(2), &json!(2)), "{result}");
    assert_eq!(result["errors"][0]["code"], "credential_not_found");
    let credential = world.get(&format!("/credentials/{last}")).await;
    assert_eq!(credential["history"].as_array().map(Vec::len), Some(1), "once: {credential}");
    assert_eq!(credential["history"][0]["job_id"], accepted["job_id"]);
    // An open job is not revoked.
    let body = json!({ "reason": "x", "job_id": revoking });
    let problem = world.call("POST", "/credentials/revoke", Some(&body)).await;
    problem.problem(400, "invalid_request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_changes_at_once_leave_list_and_credentials_in_agreement() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for n in 1..=25 {
        ids.push(issue(&world, n).await);
    }
    let changes = ids.iter().enumerate().flat_map(|(n, id)| {
        let world = &world;
        let second = if n % 2 == 0 { "revoke" } else { "suspend" };
        [act(world, id, "suspend", reason()), act(world, id, second, reason())]
    });
    for reply in futures::future::join_all(changes).await {
        assert!([200, 409].contains(&reply.status.as_u16()), "{}", reply.text());
    }
    whole(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_did_documents_are_public_signed_and_fresh() {
    let world = World::new().await;
    let id = issue(&world, 1).await;
    let document = document(&world, &id).await;
    let site = world.stack.app().config.site_url.clone();
    let list = document["credentialStatus"]["statusListCredential"].as_str().expect("a list");
    let path = list.strip_prefix(&site).expect("of this site").to_owned();
    let read =
        async |path: &str, tag: &str| world.send("GET", path, &[("if-none-match", tag)], "").await;
    let first = read(&path, "").await.expect(200);
    assert_eq!(first.header("content-type"), "application/vc");
    assert_eq!(first.header("cache-control"), "public, max-age=60");
    assert_eq!(first.header("access-control-allow-origin"), "*");
    let tag = first.header("etag").to_owned();
    let same = read(&path, &tag).await.expect(304);
    assert!(same.body.is_empty() && same.header("etag") == tag);
    act(&world, &id, "suspend", None).await.expect(200);
    let second = read(&path, &tag).await.expect(200);
    assert_ne!(second.header("etag"), tag, "the next read sees the change");
    assert_eq!(second.json()["issuer"], document["issuer"]["id"]);
    act(&world, &id, "reinstate", None).await.expect(200);

    // The key that signs, and the former keys.
    let did = read("/orgs/demo/did.json", "").await.expect(200);
    assert_eq!(did.header("content-type"), "application/did+ld+json");
    let key = document["proof"][0]["verificationMethod"].clone();
    assert_eq!(did.json()["id"], document["issuer"]["id"]);
    assert_eq!(did.json()["assertionMethod"], json!([key]));
    world.call("POST", "/signing-keys", None).await.expect(201);
    let did = read("/orgs/demo/did.json", did.header("etag")).await.expect(200).json();
    assert_eq!(did["assertionMethod"].as_array().map(Vec::len), Some(2));
    assert_eq!(did["assertionMethod"][1], key, "the newest first");
    let test = read("/orgs/demo/test/did.json", "").await.expect(200).json();
    assert_eq!(test["id"], format!("{}:test", did["id"].as_str().unwrap_or_default()));
    assert_eq!(test["assertionMethod"].as_array().map(Vec::len), Some(1), "keys of its own");
    let own = read("/.well-known/did.json", "").await.expect(200).json();
    assert!(did["id"].as_str().is_some_and(|id| id.starts_with(own["id"].as_str().unwrap_or("?"))));
    for unknown in
        ["/orgs/nadie/did.json", "/orgs/Demo/did.json", "/status/demo.live.99", "/status/x"]
    {
        read(unknown, "").await.problem(404, "not_found");
    }
    // The document of a credential, too, has its tag.
    let path = format!("/credential/{id}.json");
    let tag = read(&path, "").await.expect(200).header("etag").to_owned();
    read(&path, &tag).await.expect(304);
    let change = json!({ "recipient_name": "Persona Zorrilla Uno" });
    world.call("PATCH", &format!("/credentials/{id}"), Some(&change)).await.expect(200);
    read(&path, &tag).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_of_a_document_names_what_fails() {
    let world = World::new().await;
    let id = issue(&world, 1).await;
    let good = document(&world, &id).await;
    let site = world.stack.app().config.site_url.clone();
    for body in [
        good.clone(),
        json!({ "document": good }),
        json!({ "url": format!("{site}/credential/{id}") }),
        json!({ "url": format!("{site}/credential/{id}.json") }),
    ] {
        let answer = verify(&world, &body).await;
        assert_eq!((&answer["verified"], &answer["status"]), (&json!(true), &json!("issued")));
        assert_eq!(answer["credential_id"], id.as_str());
        assert_eq!(answer["checks"].as_array().map(Vec::len), Some(5));
    }
    let changed = |pointer: &str, to: Value| {
        let mut document = good.clone();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        document.pointer_mut(parent).expect("a parent")[name] = to;
        document
    };
    for (bad, check) in [
        (changed("/name", json!("Otra cosa")), "proof"),
        (changed("/nickname", json!("sin firmar")), "proof"),
        (changed("/issuer/creditsEarned", json!(9)), "proof"),
        (changed("/issuer/name", json!("Universidad Ajena")), "proof"),
        (changed("/validUntil", json!("2099-01-01T00:00:00Z")), "proof"),
        (changed("/issuer/id", json!("did:web:ajena.example")), "issuer"),
        (changed("/issuer/id", json!("did:web:localhost%3A1:orgs:demo")), "issuer"),
        (changed("/id", json!("https://ajena.example/credential/1")), "document"),
        (changed("/@context", json!(["https://www.w3.org/ns/credentials/v2"])), "document"),
        (changed("/type", json!(["VerifiableCredential"])), "document"),
        (changed("/proof", json!([])), "issuer"),
        (changed("/proof", json!("x")), "issuer"),
    ] {
        let answer = verify(&world, &bad).await;
        assert_eq!((&answer["verified"], &answer["status"]), (&json!(false), &json!("invalid")));
        assert_eq!(failed(&answer), [check], "{answer}");
    }
    // A list of another issuer is not read: only the proof fails.
    let other = changed("/credentialStatus/statusListCredential", json!("https://ajena.example/1"));
    assert_eq!(failed(&verify(&world, &other).await), ["proof"]);
    for (body, code) in [
        (json!({ "url": "https://ajena.example/credential/1" }), "foreign_url"),
        (json!({}), "missing_field"),
        (json!({ "document": "x" }), "wrong_type"),
    ] {
        let problem = world.call("POST", "/verify", Some(&body)).await;
        let problem = problem.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
    let unknown =
        json!({ "url": format!("{site}/credential/00000000-0000-8000-8000-000000000000") });
    world.call("POST", "/verify", Some(&unknown)).await.problem(404, "not_found");
    let headers = [("content-type", "application/json")];
    let keyless = world.send("POST", "/api/v1/verify", &headers, good.to_string()).await;
    keyless.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_verifiers_read_differently_is_the_recipients_error_and_signs_nothing() {
    let world = World::new().await;
    let entry = json!({ "name": "Tesis", "url": "https://ejemplo.com/tesis" });
    let other = json!({ "name": "Otra", "url": "https://ejemplo.com/tesis" });
    let site = world.stack.app().config.site_url.clone();
    let own = json!({ "url": format!("{site}/orgs/demo/achievements/{}", world.demo.template_id) });
    let mut rows = vec![person(1)];
    for (n, evidence) in
        [json!([entry, entry]), json!([entry, other]), json!([own])].into_iter().enumerate()
    {
        let mut bad = person(u32::try_from(n).expect("small") + 2);
        bad["evidence"] = evidence;
        let answer = world.issue_one(&bad).await;
        assert_eq!(answer["error_codes"], json!(["not_signable"]), "{answer}");
        let text = answer["errors"][0].as_str().unwrap_or_default();
        assert!(text.contains("evidence["), "it names the field: {text}");
        rows.push(bad);
    }
    let result = world.run_job(&rows).await;
    assert_eq!((&result["successful"], &result["failed"]), (&json!(1), &json!(3)), "{result}");
    assert_eq!(world.get("/credentials").await["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compromised_key_is_seen_and_a_credential_is_signed_again() {
    let world = World::new().await;
    let id = issue(&world, 1).await;
    let before = document(&world, &id).await;
    let keys = world.get("/signing-keys").await;
    let key = keys["items"][0]["multikey"].as_str().expect("a key").to_owned();
    let path = format!("/signing-keys/{key}/compromise");
    world.call("POST", &path, reason().as_ref()).await.problem(409, "conflict");
    world.call("POST", "/signing-keys", None).await.expect(201);
    for _ in 0..2 {
        let key = world.call("POST", &path, reason().as_ref()).await.expect(200).json();
        assert!(key["compromised_at"].is_string() && key["reason"] == "Error de acta", "{key}");
    }
    let unknown = path.replace(&key, "z6MkNadie");
    world.call("POST", &unknown, reason().as_ref()).await.problem(404, "not_found");
    let answer = verify(&world, &before).await;
    assert_eq!(
        (&answer["status"], failed(&answer)),
        (&json!("invalid"), vec!["issuer".to_owned()])
    );
    let page = world.send("GET", &format!("/credential/{id}"), &[HTML], "").await.expect(200);
    assert!(page.text().contains("<strong>No verificada</strong>"), "{}", page.text());

    // The new key has signed the list of the compromised one.
    let later = issue(&world, 2).await;
    assert_eq!(verify(&world, &document(&world, &later).await).await["verified"], true);

    // The credential is signed again once; the second call finds nothing to do.
    for _ in 0..2 {
        let path = format!("/credentials/{id}");
        let signed = world.call("PATCH", &path, Some(&json!({}))).await.expect(200).json();
        assert_eq!(signed["version"], 2);
    }
    let after = document(&world, &id).await;
    assert_eq!(verify(&world, &after).await["verified"], true);
    assert_eq!(after["credentialSubject"], before["credentialSubject"]);
    whole(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unsigned_status_list_has_no_effect() {
    let world = World::new().await;
    let app = world.stack.app();
    let id = issue(&world, 1).await;
    let list = unicreda::domain::status_entry::ListId::parse("demo.live.0").expect("a list");
    let read = async || {
        let list = app.status_lists.list(&list).await.expect("read").expect("a list");
        serde_json::from_slice::<Value>(&list.document).expect("JSON")
    };
    let clear = read().await["credentialSubject"]["encodedList"].clone();
    act(&world, &id, "revoke", reason()).await.expect(200);
    let mut forged = read().await;
    forged["credentialSubject"]["encodedList"] = clear;
    let bytes = aws_sdk_dynamodb::primitives::Blob::new(forged.to_string());
    app.dynamodb
        .update_item()
        .table_name(&app.config.credentials_table)
        .key("id", aws_sdk_dynamodb::types::AttributeValue::S("LIST#demo.live.0".to_owned()))
        .update_expression("SET document = :forged")
        .expression_attribute_values(":forged", aws_sdk_dynamodb::types::AttributeValue::B(bytes))
        .send()
        .await
        .expect("forged");
    let answer = verify(&world, &document(&world, &id).await).await;
    assert_eq!((&answer["verified"], failed(&answer)), (&json!(false), vec!["status".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_expires_at_the_end_of_its_last_day_in_the_organizations_zone() {
    let world = World::new().await;
    let template = json!({
        "name": "Primeros auxilios", "description": "Curso.", "validity_months": 1,
        "fields": [{ "name": "recipient_name", "required": true }],
    });
    let template = world.call("POST", "/templates", Some(&template)).await.expect(201).json();
    let recipient =
        json!({ "email": "persona1@ejemplo.com", "recipient_name": "Persona Zorrilla" });
    let body = json!({ "template_id": template["id"], "recipients": [recipient] });
    let issued = world.call("POST", "/credentials/issue", Some(&body)).await.expect(200).json();
    let id = issued["credentials"][0]["credential_id"].as_str().expect("id").to_owned();
    world.mail_ended(&id).await;
    let document = document(&world, &id).await;
    let until: jiff::Timestamp =
        document["validUntil"].as_str().and_then(|at| at.parse().ok()).expect("an end");
    let zone = jiff::tz::TimeZone::get("America/Santiago").expect("a zone");
    let last = until.to_zoned_datetime(zone).to_string();
    assert!(last.contains("T23:59:59"), "{last}");
    let page = async || {
        let path = format!("/credential/{id}");
        world.send("GET", &path, &[HTML], "").await.expect(200).text()
    };
    let clock = &world.stack.app().clock;
    let ahead = |to: jiff::Timestamp| {
        let left = to.as_second() - clock.now().as_second();
        clock.jump(std::time::Duration::from_secs(left.try_into().expect("in the future")));
    };
    ahead(until - jiff::SignedDuration::from_secs(60));
    assert!(page().await.contains("Vigente</strong>"));
    assert_eq!(verify(&world, &document).await["status"], "issued");
    ahead(until + jiff::SignedDuration::from_secs(2));
    assert!(page().await.contains("Vencida</strong>"));
    let answer = verify(&world, &document).await;
    assert_eq!(
        (&answer["status"], failed(&answer)),
        (&json!("expired"), vec!["period".to_owned()])
    );
}
