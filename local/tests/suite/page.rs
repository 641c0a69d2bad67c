//! The public page for people and for programs, which shows no address; and the local inbox.

use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};
use unicreda::App;

use crate::harness::{Reply, World, person, proxy_event};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// A credential with every field, and its id.
async fn issued(world: &World) -> String {
    let mut recipient = person(1);
    recipient["credits_earned"] = json!(5.5);
    recipient["role"] = json!("Ayudante");
    recipient["term"] = json!("2025-2");
    recipient["license_number"] = json!("LIC-99");
    recipient["activity_start_date"] = json!("2025-03-01");
    recipient["activity_end_date"] = json!("2025-07-31");
    recipient["evidence"] = json!([{
        "name": "Proyecto <final & más", "url": "https://ejemplo.com/proyecto?a=1&b=2",
        "description": "Una API",
    }]);
    let one = world.issue_one(&recipient).await;
    one["credential_id"].as_str().unwrap_or_else(|| panic!("{one}")).to_owned()
}

/// Requires the headers that every answer of the page has.
fn guarded(reply: &Reply) {
    assert_eq!(reply.header("x-robots-tag"), unicreda::http::serve::ROBOTS);
    assert_eq!(reply.header("referrer-policy"), "no-referrer");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert!(reply.header("vary").to_lowercase().contains("accept"));
    // Outside the style sheet and the document's contexts there is no such sign at all.
    let text = reply.text().replacen("@context", "", 1);
    let (before, rest) = text.split_once("<style>").unwrap_or((&text, ""));
    let after = rest.split_once("</style>").map_or("", |(_, after)| after);
    assert!(!before.contains('@') && !after.contains('@'), "an address: {before}{after}");
}

fn guarded_page(reply: &Reply) {
    guarded(reply);
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
    let policy = reply.header("content-security-policy");
    for directive in
        ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
    {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    // Nothing of another host, and no script but the one that the policy names.
    let page = reply.text();
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert!(!page.contains("<img") && !page.contains("url("), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_get_a_page_in_their_language() {
    let world = World::new().await;
    let id = issued(&world).await;
    let path = format!("/credential/{id}");
    let spanish = world.send("GET", &path, &[HTML], "").await.expect(200);
    guarded_page(&spanish);
    assert_eq!(spanish.header("content-language"), "es");
    let page = spanish.text();
    let site = &world.stack.app().config.site_url;
    for text in [
        "<html lang=\"es\">",
        "Persona Zorrilla 1",
        "Universidad Demo",
        "Diseño de APIs con Rust",
        "Vigente",
        "Otorgada a",
        "Ayudante",
        "2025-2",
        "LIC-99",
        "5,5",
        "Proyecto &lt;final &amp; más",
        "https://ejemplo.com/proyecto?a=1&amp;b=2",
        &format!("{site}/credential/{id}"),
    ] {
        assert!(page.contains(text), "{text}\n{page}");
    }
    let header = ("accept-language", "en-GB,en;q=0.9,es;q=0.1");
    let english = world.send("GET", &path, &[HTML, header], "").await.expect(200);
    guarded_page(&english);
    assert_eq!(english.header("content-language"), "en");
    assert!(english.text().contains("<html lang=\"en\">") && english.text().contains("Awarded to"));
    // The link between the languages outranks the browser.
    for (lang, word) in [("en", "Awarded to"), ("es", "Otorgada a")] {
        let path = format!("{path}?lang={lang}");
        let page = world.send("GET", &path, &[HTML, header], "").await.expect(200);
        assert_eq!(page.header("content-language"), lang);
        assert!(page.text().contains(word));
    }
    let odd = world.send("GET", &format!("{path}?lang=xx"), &[HTML], "").await.expect(200);
    assert_eq!(odd.header("content-language"), "es");
    // Without a preference the answer is a page.
    guarded_page(&world.send("GET", &path, &[], "").await.expect(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_get_json_by_what_they_accept_or_by_the_suffix() {
    let world = World::new().await;
    let id = issued(&world).await;
    let path = format!("/credential/{id}");
    let mut documents = Vec::new();
    for accept in ["application/json", "application/vc", "application/ld+json"] {
        documents.push(world.send("GET", &path, &[("accept", accept)], "").await.expect(200));
    }
    documents.push(world.send("GET", &format!("{path}.json"), &[HTML], "").await.expect(200));
    for document in &documents {
        guarded(document);
        assert_eq!(document.header("access-control-allow-origin"), "*");
        assert!(document.header("content-type").starts_with("application/"));
        assert_eq!(document.body, documents[0].body);
    }
    let document = documents[0].json();
    let site = &world.stack.app().config.site_url;
    assert_eq!(document["id"], format!("{site}/credential/{id}"));
    assert_eq!(document["type"], json!(["VerifiableCredential", "OpenBadgeCredential"]));
    assert_eq!(document["name"], "Diseño de APIs con Rust");
    assert_eq!(document["issuer"]["name"], "Universidad Demo");
    let subject = &document["credentialSubject"];
    assert_eq!(subject["identifier"][1]["identityHash"], "Persona Zorrilla 1");
    assert_eq!(subject["result"][0]["value"], "A");
    assert_eq!(subject["creditsEarned"], 5.5);
    for (name, value) in [
        ("role", "Ayudante"),
        ("term", "2025-2"),
        ("licenseNumber", "LIC-99"),
        ("activityStartDate", "2025-03-01T00:00:00Z"),
        ("activityEndDate", "2025-07-31T00:00:00Z"),
    ] {
        assert_eq!(subject[name], value);
    }
    let email = &subject["identifier"][0];
    let salt = email["salt"].as_str().expect("a salt");
    let hash = unicreda::document::identity_hash("persona1@ejemplo.com", salt);
    assert_eq!((&email["identityHash"], &email["hashed"]), (&json!(hash), &json!(true)));
    let values = &subject["achievement"]["resultDescription"][0]["allowedValue"];
    assert_eq!(values, &json!(["A", "B", "C", "D", "F"]));
    assert_eq!(document["evidence"][0]["id"], "https://ejemplo.com/proyecto?a=1&b=2");
    assert_eq!(documents[0].header("content-type"), "application/json");
    assert_eq!(documents[1].header("content-type"), "application/vc");
    assert!(document["validFrom"].as_str().is_some_and(|at| at.ends_with('Z')));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_leads_nowhere_ends_on_a_friendly_page() {
    let world = World::new().await;
    let id = issued(&world).await;
    for wrong in [
        "00000000-0000-8000-8000-000000000000",
        "no-id",
        &id[..30],
        &format!("{id}x"),
        &id.replace('-', ""),
        "%3Cscript%3E",
        "persona1%40ejemplo.com",
        "%F0%9F%8E%93",
        &format!("MAIL%23{id}"),
    ] {
        let path = format!("/credential/{wrong}");
        let page = world.send("GET", &path, &[HTML], "").await.expect(404);
        guarded_page(&page);
        assert!(page.text().contains("No encontramos esta credencial"), "{wrong}");
        let english = world.send("GET", &format!("{path}?lang=en"), &[HTML], "").await.expect(404);
        assert!(english.text().contains("We could not find this credential"), "{wrong}");
        let program = world.send("GET", &path, &[("accept", "application/json")], "").await;
        program.problem(404, "not_found");
        let file = format!("{path}.json");
        world.send("GET", &file, &[], "").await.problem(404, "not_found");
        guarded_page(&world.send("GET", &file, &[HTML], "").await.expect(404));
    }
    // Letters in a link may have lost their case on the way.
    let path = format!("/credential/{}", id.to_uppercase());
    world.send("GET", &path, &[HTML], "").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_changes_nothing_and_head_is_answered_without_a_body() {
    let world = World::new().await;
    let id = issued(&world).await;
    let before = world.mail_ended(&id).await;
    let path = format!("/credential/{id}");
    let first = world.send("GET", &path, &[HTML], "").await.expect(200);
    for _ in 0..3 {
        let again = world.send("GET", &path, &[HTML], "").await.expect(200);
        assert_eq!(again.body, first.body);
        let head = world.send("HEAD", &path, &[HTML], "").await.expect(200);
        assert!(head.body.is_empty());
        assert_eq!(head.header("content-type"), first.header("content-type"));
        guarded(&head);
    }
    world.send("HEAD", "/credential/no-id", &[HTML], "").await.expect(404);
    assert_eq!(world.get(&format!("/credentials/{id}")).await, before);
    let refused = world.send("POST", &path, &[], "").await;
    assert_eq!(refused.header("allow"), "GET, HEAD");
    refused.problem(405, "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_credential_is_marked_in_both_forms() {
    let world = World::new().await;
    let reply = world.issue_as(&world.demo.test_api_key, &[person(1)]).await.expect(200).json();
    let id = reply["credentials"][0]["credential_id"].as_str().expect("id");
    let page = world.send("GET", &format!("/credential/{id}"), &[HTML], "").await.expect(200);
    guarded_page(&page);
    assert!(page.text().contains("no tiene validez"), "{}", page.text());
    let document = world.send("GET", &format!("/credential/{id}.json"), &[], "").await.json();
    assert!(document["issuer"]["id"].as_str().is_some_and(|id| id.ends_with(":test")));
    assert!(document["name"].as_str().is_some_and(|name| name.starts_with("PRUEBA")));
    assert!(!page.text().contains("Vigente"), "a test holds nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_that_a_credential_is_not_in_force() {
    let world = World::new().await;
    let id = issued(&world).await;
    world.mail_ended(&id).await;
    for (action, word) in
        [("suspend", "Suspendida"), ("reinstate", "Vigente"), ("revoke", "Revocada")]
    {
        let reason = json!({ "reason": "Motivo reservado" });
        let path = format!("/credentials/{id}/{action}");
        world.call("POST", &path, Some(&reason)).await.expect(200);
        let page = world.send("GET", &format!("/credential/{id}"), &[HTML], "").await.expect(200);
        guarded_page(&page);
        assert!(page.text().contains(&format!("{word}</strong>")), "{}", page.text());
        assert!(!page.text().contains("reservado"), "the reason is the organization's own");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_inbox_lists_every_mail_newest_first() {
    let world = World::new().await;
    assert_eq!(inbox(&world, "").await, json!({ "items": [] }));
    for n in 1..=3 {
        world.issue_one(&person(n)).await;
        world.mails(&format!("persona{n}@ejemplo.com"), 1).await;
    }
    let all = inbox(&world, "").await;
    let items = all["items"].as_array().expect("items");
    assert_eq!(items.len(), 3);
    assert_eq!(items[0]["to"], json!(["persona3@ejemplo.com"]));
    let mail = items[0].as_object().expect("an object");
    let names: Vec<&str> = mail.keys().map(String::as_str).collect();
    assert_eq!(names, ["to", "from", "subject", "text", "html", "sent_at", "credential_id"]);
    assert!(mail["from"].as_str().is_some_and(|from| from.contains("credenciales@demo.example")));
    assert!(mail["subject"].as_str().is_some_and(|subject| subject.contains("Diseño de APIs")));
    let id = mail["credential_id"].as_str().expect("id");
    let url = format!("{}/credential/{id}", world.stack.app().config.site_url);
    for part in ["text", "html"] {
        let part = mail[part].as_str().expect("a part");
        assert!(part.contains(&url) && part.contains("Persona Zorrilla 3"), "{part}");
    }
    assert!(mail["sent_at"].as_str().is_some_and(|at| at.ends_with('Z')));

    assert_eq!(inbox(&world, "?limit=2").await["items"].as_array().expect("items").len(), 2);
    let one = inbox(&world, "?to=persona2%40ejemplo.com").await;
    assert_eq!(one["items"].as_array().expect("items").len(), 1);
    let page = world.send("GET", "/_local/mail", &[HTML], "").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text().contains("persona2@ejemplo.com"));
    // Another site's name for this machine reads no mail.
    let foreign = [("host", "evil.example"), ("accept", "application/json")];
    world.send("GET", "/_local/mail", &foreign, "").await.expect(403);
}

async fn inbox(world: &World, query: &str) -> Value {
    let path = format!("/_local/mail{query}");
    world.send("GET", &path, &[("accept", "application/json")], "").await.expect(200).json()
}

/// The answer of the function that has this path.
async fn answered(app: &App, key: &str, path: &str) -> Response<Body> {
    let mut event = proxy_event(key, "GET", "", None, None);
    event["path"] = path.into();
    let request: Request = lambda_http::request::from_str(&event.to_string()).expect("an event");
    match path.starts_with("/api/") {
        true => catalog::handle(app, request).await,
        false => page::handle(app, request).await,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_of_a_site_under_https_keeps_browsers_there() {
    let world = World::new().await;
    let id = issued(&world).await;
    let mut app = world.stack.app().clone();
    app.config.site_url = "https://credenciales.ejemplo.edu".to_owned();
    let key = world.demo.api_key.as_str();
    for (key, path, status) in [
        ("", format!("/credential/{id}"), 200),
        ("", format!("/credential/{id}.json"), 200),
        ("", "/credential/x".to_owned(), 404),
        ("", "/console".to_owned(), 200),
        ("", "/nada".to_owned(), 404),
        (key, "/api/v1/templates".to_owned(), 200),
        ("", "/api/v1/templates".to_owned(), 401),
    ] {
        let answer = answered(&app, key, &path).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000", "{path}");
    }
    // A stack on localhost shares its host with whatever else runs there.
    let plain = world.send("GET", "/console", &[], "").await.expect(200);
    assert!(!plain.headers.contains_key("strict-transport-security"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_header_of_a_request_changes_a_link() {
    let world = World::new().await;
    let id = issued(&world).await;
    for path in [format!("/credential/{id}"), format!("/credential/{id}.json"), "/console".into()] {
        let expected = world.send("GET", &path, &[], "").await.expect(200).text();
        for header in [
            ("host", "otra.example"),
            ("x-forwarded-host", "otra.example"),
            ("x-forwarded-proto", "gopher"),
            ("x-forwarded-prefix", "/otra"),
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "host=otra.example;proto=https"),
            ("x-original-url", "/otra"),
            ("x-rewrite-url", "/otra"),
            ("x-http-method-override", "DELETE"),
            ("origin", "https://otra.example"),
            ("referer", "https://otra.example/"),
        ] {
            let answer = world.send("GET", &path, &[header], "").await.expect(200).text();
            assert_eq!(answer, expected, "{path} with {header:?}");
        }
    }
}
