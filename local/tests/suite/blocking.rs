//! A blocked credential: hidden, not mailed, kept; and shown again.

use serde_json::{Value, json};
use unicreda::domain::{api_key::Scope, ids::Mode};

use crate::{
    catalog::key_of,
    harness::{Reply, World, person},
    sim::{Sim, handle},
};

const HTML: (&str, &str) = ("accept", "text/html");
const MEMBER: &str = "ana.rojas@demo.example";

/// What is a person's or the credential's own, and stands in no answer about a blocked one.
const PERSONAL: [&str; 6] =
    ["Ana", "Rojas", "ana.rojas", "Diseño de APIs", "Universidad Demo", "Reclamo"];

async fn issue(world: &World, recipient: &Value) -> String {
    let one = world.issue_one(recipient).await;
    one["credential_id"].as_str().unwrap_or_else(|| panic!("{one}")).to_owned()
}

async fn act(world: &World, id: &str, action: &str, body: Option<Value>) -> Reply {
    world.call("POST", &format!("/credentials/{id}/{action}"), body.as_ref()).await
}

fn why() -> Option<Value> {
    Some(json!({ "reason": "Reclamo de su titular" }))
}

fn says_nothing(reply: &Reply) {
    let text = reply.text();
    for word in PERSONAL {
        assert!(!text.contains(word), "{word}: {text}");
    }
    assert!(!reply.header("content-disposition").contains("filename"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_credential_is_hidden_wherever_it_was_public_and_its_file_verifies() {
    let world = World::new().await;
    let id = issue(&world, &json!({ "email": MEMBER, "result_value": "A" })).await;
    let other = issue(&world, &json!({ "email": MEMBER, "result_value": "B" })).await;
    let kept = world.mail_ended(&id).await;
    let site = &world.stack.app().config.site_url;
    let file = world.send("GET", &format!("/credential/{id}.json"), &[], "").await.expect(200);
    let list = file.json()["credentialStatus"]["statusListCredential"].clone();
    let list = list.as_str().and_then(|url| url.strip_prefix(site)).expect("a list").to_owned();
    let bits = world.send("GET", &list, &[], "").await.expect(200).body;
    let wallet = world.get(&format!("/members/{MEMBER}/credentials")).await["wallet_url"].clone();
    let wallet = wallet.as_str().and_then(|url| url.strip_prefix(site)).expect("a link").to_owned();

    // The first block stays.
    let first = act(&world, &id, "block", why()).await.expect(200).json();
    assert!(first["blocked_at"].is_string(), "{first}");
    let again = json!({ "reason": "Otra razón" });
    assert_eq!(act(&world, &id, "block", Some(again)).await.expect(200).json(), first);
    assert_eq!(first["blocked_reason"], "Reclamo de su titular");
    assert_eq!((&first["status"], &first["version"]), (&json!("issued"), &json!(1)));

    // Of every address, people get the page, and programs the problem.
    for (path, language, text) in [
        ("", "es", "Esta credencial no está disponible por ahora"),
        ("", "en", "This credential is not available for now"),
        ("?version=1&lang=es", "en", "Esta credencial no está disponible por ahora"),
        ("/certificate.pdf", "es", "Esta credencial no está disponible por ahora"),
        ("/badge.png", "es", "Esta credencial no está disponible por ahora"),
        ("/preview.png", "en", "This credential is not available for now"),
    ] {
        let headers = [HTML, ("accept-language", language)];
        let page = world.send("GET", &format!("/credential/{id}{path}"), &headers, "").await;
        let page = page.expect(403);
        assert!(page.text().contains(text), "{path}: {}", page.text());
        assert!(page.header("x-robots-tag").starts_with("noindex"));
        assert!(page.header("x-robots-tag").starts_with("noindex"));
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("etag"), "", "{path}");
        for link in [".pdf", ".png", ".json", "linkedin"] {
            assert!(!page.text().contains(link), "{path} links {link}");
        }
        says_nothing(&page);
    }
    world.send("HEAD", &format!("/credential/{id}"), &[HTML], "").await.expect(403);
    for (path, accept) in [
        ("", "application/vc"),
        (".json", "*/*"),
        ("/qr.svg", "image/svg+xml"),
        ("", "application/json"),
    ] {
        // A client that has the file asks whether it has changed.
        let headers = [("accept", accept), ("if-none-match", file.header("etag"))];
        let refused = world.send("GET", &format!("/credential/{id}{path}"), &headers, "").await;
        says_nothing(&refused);
        refused.problem(403, "credential_unavailable");
    }
    let shown = world.send("GET", &wallet, &[HTML], "").await.expect(200).text();
    assert!(!shown.contains(&id) && shown.contains(&other), "{shown}");

    // Nothing that others hold changes.
    assert_eq!(world.send("GET", &list, &[], "").await.expect(200).body, bits);
    let verified = world.call("POST", "/verify", Some(&file.json())).await.expect(200).json();
    assert_eq!((&verified["verified"], &verified["status"]), (&json!(true), &json!("issued")));
    let by_url = json!({ "url": format!("{site}/credential/{id}") });
    world.call("POST", "/verify", Some(&by_url)).await.problem(403, "credential_unavailable");

    // The organization keeps it, and sees that it is blocked.
    let shown = world.get(&format!("/credentials/{id}")).await;
    assert_eq!(shown["history"], json!([]));
    for (name, value) in kept.as_object().expect("members") {
        let is_of_block = name.starts_with("blocked_");
        assert!(is_of_block || &shown[name] == value, "{name}: {shown}");
    }
    for path in ["/credentials".to_owned(), format!("/members/{MEMBER}/credentials")] {
        let list = world.get(&path).await;
        let items = list["items"].as_array().expect("items");
        let blocked: Vec<&Value> = items.iter().filter(|i| i["blocked_at"].is_string()).collect();
        assert_eq!(items.len(), 2);
        assert!(
            matches!(blocked.as_slice(), [one] if one["credential_id"] == id.as_str()),
            "{list}"
        );
    }
    // The same list again finds it, and makes no other.
    let again = world.issue_one(&json!({ "email": MEMBER, "result_value": "A" })).await;
    assert_eq!((&again["credential_id"], &again["duplicate"]), (&json!(id), &json!(true)));

    for _ in 0..2 {
        let lifted = act(&world, &id, "unblock", None).await.expect(200).json();
        assert_eq!(
            (&lifted["blocked_at"], &lifted["blocked_reason"]),
            (&Value::Null, &Value::Null)
        );
    }
    let page = world.send("GET", &format!("/credential/{id}"), &[HTML], "").await.expect(200);
    assert!(page.text().contains("Ana Rojas"));
    let path = format!("/credential/{id}.json");
    assert_eq!(world.send("GET", &path, &[], "").await.expect(200).body, file.body);
    world.send("GET", &format!("/credential/{id}/certificate.pdf"), &[], "").await.expect(200);
    assert!(world.send("GET", &wallet, &[HTML], "").await.text().contains(&id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_of_blocked_credentials_alone_says_so() {
    let world = World::new().await;
    let id = issue(&world, &json!({ "email": MEMBER, "result_value": "A" })).await;
    world.mail_ended(&id).await;
    act(&world, &id, "block", why()).await.expect(200);
    let wallet = world.get(&format!("/members/{MEMBER}/credentials")).await["wallet_url"].clone();
    let site = &world.stack.app().config.site_url;
    let wallet = wallet.as_str().and_then(|url| url.strip_prefix(site)).expect("a link").to_owned();
    let page = world.send("GET", &wallet, &[HTML], "").await.expect(200).text();
    assert!(page.contains("No hay credenciales que mostrar por ahora"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_credential_can_be_blocked_and_a_blocked_one_changed() {
    let world = World::new().await;
    let id = issue(&world, &person(1)).await;
    world.mail_ended(&id).await;
    act(&world, &id, "block", why()).await.expect(200);
    // Its mail is not sent again; after the block it is.
    let refused = act(&world, &id, "resend", None).await.problem(409, "conflict");
    assert!(refused["detail"].as_str().is_some_and(|text| text.contains("bloqueada")), "{refused}");
    // Corrected to another address: that one is mailed nothing, and the block stays.
    let change = json!({ "email": "otra@ejemplo.com" });
    let path = format!("/credentials/{id}");
    let corrected = world.call("PATCH", &path, Some(&change)).await.expect(200).json();
    assert!(corrected["blocked_at"].is_string(), "{corrected}");
    let skipped = world.mail_ended(&id).await;
    assert_eq!(skipped["email_status"], "skipped", "{skipped}");
    assert!(world.mails_now("otra@ejemplo.com").await.is_empty());
    // So it stays through a change of status, in any order, and the list follows the status alone.
    for (action, status) in
        [("suspend", "suspended"), ("reinstate", "issued"), ("revoke", "revoked")]
    {
        let changed = act(&world, &id, action, why()).await.expect(200).json();
        assert_eq!(changed["status"], status);
        assert!(changed["blocked_at"].is_string(), "{changed}");
    }
    world.send("GET", &format!("/credential/{id}"), &[HTML], "").await.expect(403);
    let lifted = act(&world, &id, "unblock", None).await.expect(200).json();
    assert_eq!(lifted["status"], "revoked");
    let page = world.send("GET", &format!("/credential/{id}"), &[HTML], "").await.expect(200);
    assert!(page.text().contains("Revocada"));
    // What is revoked can be blocked all the same.
    act(&world, &id, "block", why()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_of_a_job_say_which_credentials_are_blocked() {
    let world = World::new().await;
    let people: Vec<Value> = (1..=3).map(person).collect();
    let job = world.start_job(&people).await;
    world.success(&job).await;
    let path = format!("/jobs/{job}/results");
    let before = world.get(&path).await;
    let id = before["items"][1]["credential_id"].as_str().expect("an id").to_owned();
    let at = act(&world, &id, "block", why()).await.expect(200).json()["blocked_at"].clone();
    let after = world.get(&path).await;
    let blocked: Vec<&Value> =
        after["items"].as_array().expect("rows").iter().map(|row| &row["blocked_at"]).collect();
    assert_eq!(blocked, [&Value::Null, &at, &Value::Null]);
    assert_eq!(after["items"][0], before["items"][0], "the others are as they were");
    let headers = [("x-api-key", world.demo.api_key.as_str()), ("accept", "text/csv")];
    let csv = world.send("GET", &format!("/api/v1{path}"), &headers, "").await.expect(200).text();
    assert!(!csv.contains("blocked"), "a column that no release reads: {csv}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_takes_a_reason_a_key_that_manages_and_a_credential_of_its_mode() {
    let world = World::new().await;
    let id = issue(&world, &person(1)).await;
    world.mail_ended(&id).await;
    let before = world.get(&format!("/credentials/{id}")).await;
    for (action, body, pointer, code) in [
        ("block", json!({}), "/reason", "missing_field"),
        ("block", json!({ "reason": " " }), "/reason", "missing_field"),
        ("block", json!({ "reason": 7 }), "/reason", "wrong_type"),
        ("block", json!({ "reason": "x".repeat(501) }), "/reason", "too_long"),
        ("block", json!({ "reason": "x", "until": "2027-01-01" }), "/until", "unknown_field"),
        ("unblock", json!({ "reason": "x" }), "/reason", "unknown_field"),
    ] {
        let problem = act(&world, &id, action, Some(body)).await.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
    let app = world.stack.app();
    let issues = key_of(app, "demo", Mode::Live, &[Scope::Issue, Scope::Read], None).await;
    for action in ["block", "unblock"] {
        let path = format!("/credentials/{id}/{action}");
        let body = why().filter(|_| action == "block");
        for unknown in ["x".to_owned(), "7a8b9c0d-1e2f-8a4b-8c6d-7e8f9a0b1c2d".to_owned()] {
            act(&world, &unknown, action, body.clone()).await.problem(404, "not_found");
        }
        let test = &world.demo.test_api_key;
        world.call_as(test, "POST", &path, body.as_ref()).await.problem(404, "not_found");
        let refused = world.call_as(&issues, "POST", &path, body.as_ref()).await;
        refused.problem(403, "insufficient_scope");
    }
    assert_eq!(world.get(&format!("/credentials/{id}")).await, before);
    // In test mode as in live mode.
    let test = &world.demo.test_api_key;
    let trial = world.issue_as(test, &[person(1)]).await.expect(200).json();
    let trial = trial["credentials"][0]["credential_id"].as_str().expect("an id");
    let path = format!("/credentials/{trial}/block");
    world.call_as(test, "POST", &path, why().as_ref()).await.expect(200);
    world.send("GET", &format!("/credential/{trial}"), &[HTML], "").await.expect(403);
}

/// A correction rests on the credential as it was before the block, and is written after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_at_the_same_time_loses_no_block() {
    let mut sim = Sim::new(0).await;
    let people = [person(1)];
    let issued = sim.issue(&people, &people, None).await.expect("issued").json();
    let id = issued["credentials"][0]["credential_id"].as_str().expect("an id").to_owned();
    sim.drain().await.expect("an end");
    let path = format!("/credentials/{id}");
    let gate = sim.hold("TransactWriteItems", &id, None);
    let request = sim.request("PATCH", &path, Some(&json!({ "term": "2026-1" })), None);
    let correcting = sim.aside(|app| handle(app, request));
    gate.reached.cancelled().await;
    act(&sim.world, &id, "block", why()).await.expect(200);
    gate.open.cancel();
    assert_eq!(correcting.await.expect("an answer").status().as_u16(), 200);
    let credential = sim.world.get(&path).await;
    assert_eq!((&credential["term"], &credential["version"]), (&json!("2026-1"), &json!(2)));
    assert!(credential["blocked_at"].is_string(), "{credential}");
    sim.finish().await.expect("nothing is lost");
}
