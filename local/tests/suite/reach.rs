//! Credentials within reach of their holders and of whoever looks: wallets that scan, browsers of other
//! sites, addresses as people paste them, and addresses of nothing.

use lambda_http::Request;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    catalog::one_fault,
    harness::{Reply, World, person, proxy_event},
};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const JSON: (&str, &str) = ("accept", "application/json");

async fn issued(world: &World, n: u32) -> String {
    let one = world.issue_one(&person(n)).await;
    one["credential_id"].as_str().unwrap_or_else(|| panic!("{one}")).to_owned()
}

async fn issued_as_test(world: &World) -> String {
    let reply = world.issue_as(&world.demo.test_api_key, &[person(1)]).await.expect(200).json();
    reply["credentials"][0]["credential_id"].as_str().expect("an id").to_owned()
}

/// What a wallet makes of a text.
async fn wallet(text: &str) -> Value {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/wallet.mjs");
    let output = Command::new("node").args([program, text]).output().await.expect("node");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The links of a page whose address begins so.
fn link(page: &str, start: &str) -> String {
    let (_, rest) = page.split_once(&format!("href=\"{start}")).expect("a link");
    format!("{start}{}", rest.split('"').next().expect("its end")).replace("&amp;", "&")
}

async fn exchange(world: &World, id: &str, body: &str) -> Reply {
    let headers = [("content-type", "application/json")];
    world.send("POST", &format!("/credential/{id}/exchange"), &headers, body.to_owned()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_that_scans_or_is_opened_gets_the_document_as_it_was_signed() {
    let world = World::new().await;
    let id = issued(&world, 1).await;
    let site = &world.stack.app().config.site_url;
    let signed = world.send("GET", &format!("/credential/{id}.json"), &[], "").await.expect(200);
    let page = world.send("GET", &format!("/credential/{id}"), &[HTML], "").await.expect(200);
    for text in [
        format!("{site}/credential/{id}?iuv=1"),
        link(&page.text(), "https://lcw.app/request?request="),
        link(&page.text(), "https://learncard.app/request?vc_request_url="),
    ] {
        let taken = wallet(&text).await;
        assert_eq!(taken["credential"], signed.json(), "{text}");
        assert_eq!(taken["type"], json!(["VerifiablePresentation"]), "{text}");
    }
    let body = exchange(&world, &id, "{}").await.expect(200);
    assert_eq!(body.header("content-type"), "application/json");
    let at = body.body.windows(signed.body.len()).position(|part| part == signed.body);
    assert!(at.is_some(), "byte for byte: {}", body.text());
    assert!(body.json()["verifiablePresentation"]["proof"].is_null());
    // A browser that scans the same code gets the page; who asks for the document, the document.
    let path = format!("/credential/{id}?iuv=1");
    let scanned = world.send("GET", &path, &[HTML], "").await.expect(200);
    assert!(scanned.header("content-type").starts_with("text/html"));
    world.send("GET", &path, &[], "").await.expect(200).text().contains("<html");
    let document = world.send("GET", &path, &[("accept", "application/vc")], "").await.expect(200);
    assert_eq!(document.body, signed.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_uses_nothing_up_whatever_a_wallet_sends() {
    let world = World::new().await;
    let id = issued(&world, 1).await;
    let before = world.mail_ended(&id).await;
    let first = exchange(&world, &id, "{}").await.expect(200);
    for body in [
        "{}",
        "",
        "null",
        "[",
        "{\"verifiablePresentation\":{\"type\":[\"VerifiablePresentation\"],\"holder\":\"did:key:z6Mk\"}}",
        "{\"verifiablePresentation\":{\"holder\":1}}",
        "\u{feff}{}",
        &"[".repeat(50_000),
    ] {
        let again = exchange(&world, &id, body).await.expect(200);
        assert_eq!(again.body, first.body);
    }
    let path = format!("/credential/{id}/exchange");
    for headers in [vec![], vec![("content-type", "text/plain")], vec![("x-api-key", "uc_live_x")]]
    {
        assert_eq!(world.send("POST", &path, &headers, "").await.expect(200).body, first.body);
    }
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let refused = world.send(method, &path, &[], "").await.expect(405);
        assert_eq!(refused.header("allow"), "POST", "{method}");
    }
    assert_eq!(world.get(&format!("/credentials/{id}")).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_revoked_or_erased_is_gone_for_wallets_and_a_test_says_so() {
    let world = World::new().await;
    let site = world.stack.app().config.site_url.clone();
    let reason = json!({ "reason": "Motivo reservado" });
    for (n, action, status, code) in [
        (1, "revoke", 410, "revoked"),
        (2, "erase", 410, "erased"),
        (3, "block", 403, "credential_unavailable"),
    ] {
        let id = issued(&world, n).await;
        world.mail_ended(&id).await;
        let path = format!("/credentials/{id}/{action}");
        let answer = world.call("POST", &path, Some(&reason)).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        world
            .until("it is gone", async || {
                (exchange(&world, &id, "{}").await.status != 200).then_some(())
            })
            .await;
        let problem = exchange(&world, &id, "{}").await.problem(status, code);
        assert!(!problem["detail"].as_str().expect("a reason").contains("reservado"));
        let scanned = wallet(&format!("{site}/credential/{id}?iuv=1")).await;
        assert_eq!((&scanned["gone"], &scanned["problem"]["code"]), (&json!(status), &json!(code)));
        let page = world.send("GET", &format!("/credential/{id}"), &[HTML], "").await;
        assert!(!page.text().contains("lcw.app"), "{action}");
    }
    for id in ["no-id", "7a8b9c0d-1e2f-8a4b-8c6d-7e8f9a0b1c2d"] {
        exchange(&world, id, "{}").await.problem(404, "not_found");
    }
    // A suspended one is its holder's, and says where its state is.
    let id = issued(&world, 4).await;
    world.call("POST", &format!("/credentials/{id}/suspend"), Some(&reason)).await.expect(200);
    exchange(&world, &id, "{}").await.expect(200);
    let taken = wallet(&format!("{site}/credential/{}?iuv=1", issued_as_test(&world).await)).await;
    let name = taken["credential"]["name"].as_str().expect("a name");
    assert!(name.starts_with("PRUEBA"), "{name}");
}

/// The headers by which a browser decides whether a script of another site may read an answer.
fn opened(reply: &Reply) {
    assert_eq!(reply.header("access-control-allow-origin"), "*", "{}", reply.text());
    assert!(!reply.headers.contains_key("access-control-allow-credentials"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_of_other_sites_read_documents_lists_and_dids_and_why_they_are_not_there() {
    let world = World::new().await;
    let id = issued(&world, 1).await;
    let signed = world.send("GET", &format!("/credential/{id}.json"), &[], "").await.json();
    let list = signed["credentialStatus"]["statusListCredential"].as_str().expect("a list");
    let list = list.rsplit('/').next().expect("its id");
    let origin = ("origin", "https://verificador.example");
    let credential = format!("/credential/{id}");
    for (path, status) in [
        (credential.clone(), 200),
        (format!("{credential}.json"), 200),
        (format!("{credential}?iuv=1"), 200),
        (format!("{credential}/badge.png"), 200),
        ("/credential/no-id".to_owned(), 404),
        (format!("/status/{list}"), 200),
        ("/status/demo.live.99".to_owned(), 404),
        ("/orgs/demo/did.json".to_owned(), 200),
        ("/orgs/demo/test/did.json".to_owned(), 200),
        ("/orgs/nadie/did.json".to_owned(), 404),
        (format!("/orgs/demo/achievements/{}", world.demo.template_id), 200),
        ("/.well-known/did.json".to_owned(), 200),
        ("/nada".to_owned(), 404),
    ] {
        opened(&world.send("GET", &path, &[JSON, origin], "").await.expect(status));
        if status == 200 {
            let asked = ("access-control-request-headers", "content-type,x-wallet");
            let preflight = [origin, ("access-control-request-method", "GET"), asked];
            let answer = world.send("OPTIONS", &path, &preflight, "").await.expect(204);
            opened(&answer);
            assert_eq!(answer.header("access-control-allow-headers"), asked.1, "{path}");
            assert!(answer.header("access-control-allow-methods").contains("GET"), "{path}");
        }
    }
    let path = format!("{credential}/exchange");
    let answer = world.send("OPTIONS", &path, &[origin], "").await.expect(204);
    assert_eq!(answer.header("access-control-allow-methods"), "POST");
    opened(&world.send("POST", &path, &[origin], "{}").await.expect(200));
    // Pages are for people, and the API for keys.
    for path in [credential.as_str(), "/console", "/api/v1/templates"] {
        let page = world.send("GET", path, &[HTML, origin], "").await;
        assert!(!page.headers.contains_key("access-control-allow-origin"), "{path}");
    }
    let refused = world.send("OPTIONS", "/api/v1/templates", &[origin], "").await;
    refused.problem(405, "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_as_people_paste_it_leads_to_the_page() {
    let world = World::new().await;
    let id = issued(&world, 1).await;
    let site = &world.stack.app().config.site_url;
    let page = format!("{site}/credential/{id}");
    for (path, to) in [
        (format!("/credential/{id}/"), page.clone()),
        (format!("/credential/{id}."), page.clone()),
        (format!("/credential/{id},"), page.clone()),
        (format!("/credential/{id})"), page.clone()),
        (format!("/credential/{id}%3E"), page.clone()),
        (format!("/credential/{id}%E2%80%9D"), page.clone()),
        (format!("/credential/{id}%20"), page.clone()),
        (format!("/credential/{id}%E2%80%8B"), page.clone()),
        (format!("//credential/{id}"), page.clone()),
        (format!("/credential//{id}//"), page.clone()),
        (
            format!("/CREDENTIAL/{}/", id.to_uppercase()),
            format!("{site}/credential/{}", id.to_uppercase()),
        ),
        (format!("/Credential/{id}/?lang=en"), format!("{page}?lang=en")),
        (format!("/credential/{id}.?iuv=1&lang=en"), format!("{page}?iuv=1&lang=en")),
        (format!("/credential/{id}/Certificate.pdf."), format!("{page}/certificate.pdf")),
        ("/Console/".to_owned(), format!("{site}/console")),
        ("/Robots.txt".to_owned(), format!("{site}/robots.txt")),
    ] {
        for method in ["GET", "HEAD"] {
            let moved = world.send(method, &path, &[HTML], "").await.expect(301);
            let location = moved.header("location");
            let same = location.split('?').next() == to.split('?').next();
            let query = |url: &str| {
                let mut pairs: Vec<String> = url
                    .split('?')
                    .nth(1)
                    .unwrap_or_default()
                    .split('&')
                    .map(str::to_owned)
                    .collect();
                pairs.sort();
                pairs
            };
            assert!(same && query(location) == query(&to), "{path}: {location}");
        }
    }
    // In capitals alone it is the page itself.
    let path = format!("/credential/{}", id.to_uppercase());
    world.send("GET", &path, &[HTML], "").await.expect(200);
    // Nothing leads out of the site.
    for path in
        ["//evil.example/", "/\\evil.example", "//evil.example/credential/x", "/api/v1/jobs/"]
    {
        let reply = world.send("GET", path, &[HTML], "").await;
        assert_eq!(reply.status.as_u16(), 404, "{path}");
    }
    let path = format!("/credential/{id}/exchange/");
    world.send("POST", &path, &[JSON], "{}").await.problem(404, "not_found");
    leads_on(&world.send("POST", &path, &[HTML], "{}").await.expect(404));
    let wallet = world.get("/members/ana.rojas@demo.example/credentials").await;
    let wallet = wallet["wallet_url"].as_str().expect("a link");
    let path = wallet.strip_prefix(site.as_str()).expect("a path");
    for end in [".", ")", "%20"] {
        world.send("GET", &format!("{path}{end}"), &[HTML], "").await.expect(200);
    }
    world.send("GET", &format!("{path}/"), &[HTML], "").await.expect(301);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_of_nothing_answers_people_with_a_page_and_programs_with_a_problem() {
    let world = World::new().await;
    for path in [
        "/nada",
        "/credential",
        "/orgs",
        "/status/x",
        "/images/x.png",
        "/admin.php",
        "/%00",
        "/credential/x/y/z",
        "/nada/api/v1/",
    ] {
        let page = world.send("GET", path, &[HTML], "").await.expect(404);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert!(page.text().contains("No encontramos"), "{path}: {}", page.text());
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
        for program in [vec![JSON], vec![], vec![("accept", "*/*")]] {
            let answer = world.send("GET", path, &program, "").await;
            answer.problem(404, "not_found");
        }
        for method in ["POST", "DELETE"] {
            let page = world.send(method, path, &[HTML], "").await;
            assert!(page.status.is_client_error(), "{path}");
            leads_on(&page);
            let problem = world.send(method, path, &[JSON], "").await;
            assert!(problem.header("content-type").starts_with("application/problem+json"));
        }
        leads_on(&page);
    }
    let wallet = world.send("GET", "/wallet/", &[HTML], "").await.expect(301);
    assert!(wallet.header("location").ends_with("/wallet"), "{}", wallet.header("location"));
    let english = world.send("GET", "/nada?lang=en", &[HTML], "").await.expect(404);
    assert!(english.text().contains("We could not find this page"));
    for path in ["/api", "/api/v1", "/api/v1/nada", "/api/v1/jobs/x/y"] {
        let answer = world.send("GET", path, &[HTML], "").await;
        assert_eq!(answer.status.as_u16(), 404, "{path}");
        assert!(
            answer.header("content-type").starts_with("application/problem+json") || path == "/api"
        );
    }
}

/// A page for people that leads to the form that checks files, and home.
fn leads_on(page: &Reply) {
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{}", page.text());
    let text = page.text();
    for to in ["/verify?lang=es\"", "/?lang=es\""] {
        assert!(text.contains(to), "{to}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_shows_no_credential_leads_people_on_and_is_a_problem_for_programs() {
    let world = World::new().await;
    let reason = json!({ "reason": "Acta" });
    let mut pages = vec![
        ("GET", "/credential/no-id".to_owned(), 404),
        ("GET", "/credential/no-id/badge.png".to_owned(), 404),
        ("GET", "/credential/no-id/qr.svg".to_owned(), 404),
        ("GET", "/wallet/demo.live.x".to_owned(), 404),
        ("GET", "/orgs/nadie/did.json".to_owned(), 404),
        ("GET", "/orgs/demo/achievements/no".to_owned(), 404),
        ("POST", "/verify/".to_owned(), 404),
        ("POST", "/wallet/".to_owned(), 404),
        ("POST", "/".to_owned(), 405),
        ("DELETE", "/wallet".to_owned(), 405),
        ("POST", "/orgs/demo/did.json".to_owned(), 405),
        ("PUT", "/credential/no-id/badge.png".to_owned(), 405),
    ];
    for (n, action, status) in [(1, "erase", 410), (2, "block", 403)] {
        let id = issued(&world, n).await;
        world.mail_ended(&id).await;
        let path = format!("/credentials/{id}/{action}");
        world.call("POST", &path, Some(&reason)).await;
        let path = format!("/credential/{id}");
        let gone =
            async || (world.send("GET", &path, &[HTML], "").await.status != 200).then_some(());
        world.until("it is gone", gone).await;
        for suffix in ["", "/badge.png", "/qr.svg"] {
            pages.push(("GET", format!("{path}{suffix}"), status));
        }
    }
    for (method, path, status) in &pages {
        let page = world.send(method, path, &[HTML], "").await.expect(*status);
        leads_on(&page);
        let allow = page.header("allow");
        assert_eq!(allow.is_empty(), *status != 405, "{method} {path}: {allow}");
        let drawn = path.ends_with(".png") || path.starts_with("/wallet/d");
        if !drawn || *status == 405 {
            let problem = world.send(method, path, &[JSON], "").await.expect(*status);
            assert!(problem.header("content-type").starts_with("application/problem+json"));
            assert_eq!(problem.header("allow"), allow, "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_site_says_whose_it_is_and_how_to_verify() {
    let world = World::new().await;
    let settings = json!({ "website": "https://www.demo.example/Registro", "contact": "registro@demo.example" });
    world.call("PUT", "/organization", Some(&settings)).await.expect(200);
    let home = world.send("GET", "/", &[HTML], "").await.expect(200);
    for text in [
        "Universidad Demo",
        "href=\"https://www.demo.example/Registro\"",
        "mailto:registro@demo.example",
        "Verificar una credencial",
        "/verify?lang=es",
    ] {
        assert!(home.text().contains(text), "{text}: {}", home.text());
    }
    // So does the verdict on one of its credentials, by address and by file.
    let id = issued(&world, 1).await;
    let document = world.send("GET", &format!("/credential/{id}.json"), &[], "").await.expect(200);
    for asked in [id.clone(), document.text()] {
        let text = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("text", &asked)
            .finish();
        let form = [("content-type", "application/x-www-form-urlencoded"), HTML];
        let verdict = world.send("POST", "/verify", &form, text).await.expect(200).text();
        for said in ["href=\"https://www.demo.example/Registro\"", "mailto:registro@demo.example"] {
            assert!(verdict.contains(said), "{said}: {verdict}");
        }
    }
    let english = world.send("GET", "/?lang=en", &[HTML], "").await.expect(200);
    assert!(english.text().contains("Verify a credential"));
    let icon = world.send("GET", "/favicon.ico", &[], "").await.expect(200);
    assert_eq!(icon.header("content-type"), "image/x-icon");
    assert!(icon.body.starts_with(&[0, 0, 1, 0, 1, 0]));
    let tag = icon.header("etag").to_owned();
    world.send("GET", "/favicon.ico", &[("if-none-match", &tag)], "").await.expect(304);
    let contact = world.send("GET", "/.well-known/security.txt", &[], "").await.expect(200);
    assert_eq!(contact.header("content-type"), "text/plain; charset=utf-8");
    let text = contact.text();
    assert!(text.starts_with("Contact: mailto:seguridad@demo.example\nExpires: "), "{text}");
    let until = text.lines().nth(1).and_then(|line| line.split_once(": ")).expect("a line").1;
    let until: jiff::Timestamp = until.parse().expect("an instant");
    let days = (until.as_second() - world.stack.app().clock.now().as_second()) / 86_400;
    assert!((170..=180).contains(&days), "{days}");
    // Without a contact there is no such file.
    let mut app = world.stack.app().clone();
    app.config.security_contact = None;
    let mut event = proxy_event("", "GET", "", None, None);
    event["path"] = "/.well-known/security.txt".into();
    let request: Request = lambda_http::request::from_str(&event.to_string()).expect("an event");
    assert_eq!(page::handle(&app, request).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_says_its_site_and_its_contact_and_the_page_shows_them() {
    let world = World::new().await;
    let id = issued(&world, 1).await;
    for (field, value, code) in [
        ("website", json!("www.demo.example"), "invalid_url"),
        ("website", json!("javascript:alert(1)"), "invalid_url"),
        ("website", json!("https://u:p@demo.example/"), "invalid_url"),
        ("website", json!(format!("https://demo.example/{}", "a".repeat(3_000))), "too_long"),
        ("contact", json!("registro@localhost"), "invalid_email"),
        ("contact", json!("no"), "invalid_email"),
    ] {
        let body = json!({ (field): value });
        let refused = world.call("PUT", "/organization", Some(&body)).await;
        one_fault(refused, &format!("/{field}"), code);
    }
    let both = json!({ "website": "https://demo.example", "contact": "registro@demo.example" });
    let answer = world.call("PUT", "/organization", Some(&both)).await.expect(200).json();
    assert_eq!(answer["website"], "https://demo.example/");
    assert_eq!(answer["contact"], "registro@demo.example");
    let kept = world.call("PUT", "/organization", Some(&json!({}))).await.expect(200).json();
    assert_eq!((&kept["website"], &kept["contact"]), (&answer["website"], &answer["contact"]));
    let path = format!("/credential/{id}");
    let page = world.send("GET", &path, &[HTML], "").await.expect(200).text();
    for text in ["href=\"https://demo.example/\"", "mailto:registro@demo.example"] {
        assert!(page.contains(text), "{text}");
    }
    let none = json!({ "website": null, "contact": null });
    let gone = world.call("PUT", "/organization", Some(&none)).await.expect(200).json();
    assert!(gone["website"].is_null() && gone["contact"].is_null(), "{gone}");
    let page = world.send("GET", &path, &[HTML], "").await.expect(200).text();
    assert!(!page.contains("demo.example"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_badge_and_a_preview_say_what_is_not_in_force() {
    let world = World::new().await;
    let path = format!("/templates/{}", world.demo.template_id);
    let mut template = world.get(&path).await;
    template["validity_months"] = 1.into();
    world.call("PUT", &path, Some(&template)).await.expect(200);
    let (id, test) = (issued(&world, 1).await, issued_as_test(&world).await);
    let ends = issued(&world, 2).await;
    for id in [&id, &ends] {
        world.mail_ended(id).await;
    }
    let drawn = async |id: &str| {
        let mut drawn = Vec::new();
        for path in ["badge.png", "preview.png", "badge.png?lang=en", "preview.png?lang=en"] {
            let path = format!("/credential/{id}/{path}");
            drawn.push(
                world.send("GET", &path, &[("accept", "image/*")], "").await.expect(200).body,
            );
        }
        drawn
    };
    let change = async |action: &str| {
        let path = format!("/credentials/{id}/{action}");
        let body = json!({ "reason": "Acta" });
        world.call("POST", &path, Some(&body)).await.expect(200);
    };
    let live = drawn(&id).await;
    assert_eq!(live[0], live[2], "nothing is said in any language");
    change("suspend").await;
    let suspended = drawn(&id).await;
    change("reinstate").await;
    assert!(drawn(&id).await == live, "as before");
    change("revoke").await;
    let (revoked, test) = (drawn(&id).await, drawn(&test).await);
    let before = drawn(&ends).await;
    world.stack.app().clock.jump(std::time::Duration::from_secs(40 * 24 * 3_600));
    let expired = drawn(&ends).await;
    let pairs =
        [(&live, &suspended), (&live, &revoked), (&suspended, &revoked), (&before, &expired)];
    for (n, (one, other)) in pairs.into_iter().enumerate() {
        assert!(one.iter().zip(other.iter()).all(|(one, other)| one != other), "pair {n}");
    }
    let all =
        [("suspended", suspended), ("revoked", revoked), ("test", test), ("expired", expired)];
    for (name, said) in all {
        assert!(said[0] != said[2] && said[1] != said[3], "in the language that was asked for");
        if let Ok(shots) = std::env::var("SHOTS") {
            for (file, bytes) in ["badge", "preview", "badge-en", "preview-en"].iter().zip(said) {
                std::fs::write(format!("{shots}/{name}-{file}.png"), bytes).expect("written");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_a_file_for_people_and_every_type_of_it_for_programs() {
    let world = World::new().await;
    let id = issued(&world, 1).await;
    let file = world.send("GET", &format!("/credential/{id}.json"), &[HTML], "").await.expect(200);
    let named = format!("attachment; filename=\"{id}.json\"");
    assert_eq!(file.header("content-disposition"), named);
    for (accept, kind) in [
        ("application/vc+ld+json", "application/vc+ld+json"),
        ("application/vc;profile=\"x\", */*;q=0.1", "application/vc"),
        ("text/html;q=0.4, application/ld+json;q=0.5", "application/ld+json"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/html, application/json;q=0.9", "text/html; charset=utf-8"),
        ("application/json;q=0, */*", "text/html; charset=utf-8"),
    ] {
        let path = format!("/credential/{id}");
        let reply = world.send("GET", &path, &[("accept", accept)], "").await.expect(200);
        assert_eq!(reply.header("content-type"), kind, "{accept}");
        assert!(!reply.headers.contains_key("content-disposition"));
        if !kind.starts_with("text") {
            assert_eq!(reply.body, file.body, "{accept}");
        }
        let path = format!("/orgs/demo/achievements/{}", world.demo.template_id);
        let reply = world.send("GET", &path, &[("accept", accept)], "").await.expect(200);
        assert_eq!(reply.header("content-type").starts_with("text/html"), kind.starts_with("text"));
    }
    let of = |suffix: &str| format!("/credential/{id}{suffix}");
    for path in [
        "/orgs/demo/did.json",
        "/robots.txt",
        "/",
        "/favicon.ico",
        "/verify",
        "/wallet",
        "/console",
        &of(""),
        &of(".json"),
        &of("/qr.svg"),
        &of("/badge.png"),
        &of("/preview.png"),
        &of("/certificate.pdf"),
    ] {
        let got = world.send("GET", path, &[], "").await.expect(200);
        let head = world.send("HEAD", path, &[], "").await.expect(200);
        assert!(head.body.is_empty(), "{path}");
        for name in ["content-type", "etag", "cache-control", "content-disposition"] {
            assert_eq!(head.header(name), got.header(name), "{path}");
        }
    }
    world.send("HEAD", "/wallet/demo.live.x", &[], "").await.expect(404);
}
