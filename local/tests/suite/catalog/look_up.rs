//! What people look for: whose key this is, the credentials of a job, one box for credentials and for
//! templates.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use unicreda::domain::{api_key::Scope, ids::Mode};

use super::{
    UNKNOWN, all, another_organization, issue_under, items, key_id, key_of, one_fault, template,
    text,
};
use crate::harness::{World, person};

/// The ids of credentials, in their order.
fn ids(list: &[Value]) -> Vec<&str> {
    list.iter().map(|c| text(c, "credential_id")).collect()
}

/// A text as the value of a query.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// All entries of a list whose pages can be short: none is lost, none is there twice.
async fn through(world: &World, key: &str, path: &str, limit: usize) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.call_as(key, "GET", &format!("{path}&limit={limit}{cursor}"), None).await;
        let page = page.expect(200).json();
        assert!(items(&page).len() <= limit, "{page}");
        found.extend_from_slice(items(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={}", encoded(next));
    }
    let id = |one: &Value| [&one["credential_id"], &one["id"]].map(Value::to_string);
    let unique: BTreeSet<[String; 2]> = found.iter().map(id).collect();
    assert_eq!(unique.len(), found.len(), "{path}: an entry twice");
    found
}

/// Waits for the end of a job that issues nothing.
async fn ended(world: &World, job: &str) {
    let path = format!("/jobs/{job}");
    let ends = async || (world.get(&path).await["status"] == "SUCCESS").then_some(());
    world.until("the job ends", ends).await;
}

/// Erases everything about an address.
async fn erase(world: &World, email: &str) {
    let order = json!({ "email": email, "reason": "Lo pidió" });
    let job = world.call("POST", "/people/erase", Some(&order)).await.expect(202).json();
    ended(world, text(&job, "job_id")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_any_scope_says_whose_it_is_and_until_when() {
    let world = World::new().await;
    let app = world.stack.app();
    let other = another_organization(app, "otra").await;
    let end = "2099-12-31T00:00:00.000Z";
    for mode in [Mode::Live, Mode::Test] {
        for scope in Scope::ALL {
            let key = key_of(app, "demo", mode, &[scope], Some(end)).await;
            let shown = world.call_as(&key, "GET", "/key", None).await.expect(200);
            assert!(!shown.text().contains(&key), "the secret");
            let shown = shown.json();
            let named = world.get("/organization").await["name"].clone();
            assert_eq!(shown["organization"], json!({ "id": "demo", "name": named }));
            assert_eq!(shown["id"], key_id(&key));
            assert!(key.starts_with(text(&shown, "prefix")), "{shown}");
            assert_eq!((&shown["name"], &shown["mode"]), (&json!("prueba"), &json!(mode.as_str())));
            assert_eq!((&shown["scopes"], &shown["expires_at"]), (&json!([scope]), &json!(end)));
            assert!(shown["created_at"].is_string(), "{shown}");
            for hidden in ["hash", "secret", "key"] {
                assert_eq!(shown.get(hidden), None);
            }
        }
    }
    let shown = world.call_as(&other, "GET", "/key", None).await.expect(200).json();
    assert_eq!(
        (&shown["organization"]["id"], &shown["expires_at"]),
        (&json!("otra"), &Value::Null)
    );

    // None, one that has ended, a revoked one, a wrong secret: one answer.
    let ended = key_of(app, "demo", Mode::Live, &Scope::ALL, Some("2026-01-01T00:00:00Z")).await;
    let revoked = key_of(app, "demo", Mode::Live, &Scope::ALL, None).await;
    world.call("DELETE", &format!("/api-keys/{}", key_id(&revoked)), None).await.expect(204);
    let wrong = format!("{}{}", &other[..other.len() - 4], "aaaa");
    for key in [ended.as_str(), revoked.as_str(), wrong.as_str(), "uc_live_nada"] {
        world.call_as(key, "GET", "/key", None).await.problem(401, "unauthenticated");
    }
    world.send("GET", "/api/v1/key", &[], "").await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jobs_credentials_are_those_that_it_issued_in_the_order_of_its_rows() {
    let world = World::new().await;
    let key = world.demo.api_key.clone();
    let before = world.issue_one(&person(3)).await;
    let mut people: Vec<Value> = (1..=7).map(person).collect();
    people[4]["result_value"] = "Z".into();
    people.push(person(1));
    let job = world.start_job(&people).await;
    world.success(&job).await;
    let path = format!("/credentials?job_id={job}");
    let wanted = ["persona1", "persona2", "persona4", "persona6", "persona7"];
    for limit in [1, 2, 5, 100] {
        let found = all(&world, &path, limit).await;
        let who: Vec<&str> = found.iter().map(|c| text(c, "email")).collect();
        assert_eq!(who, wanted.map(|one| format!("{one}@ejemplo.com")), "{limit}");
    }
    let found = all(&world, &path, 100).await;
    assert!(!ids(&found).contains(&text(&before, "credential_id")), "it was there before");

    // With other filters.
    let demo = &world.demo.template_id;
    let revoke = json!({ "reason": "Error" });
    let second = format!("/credentials/{}/revoke", ids(&found)[1]);
    world.call("POST", &second, Some(&revoke)).await.expect(200);
    for (besides, count) in [
        (format!("template_id={demo}"), 5),
        (format!("template_id={UNKNOWN}"), 0),
        ("status=issued".to_owned(), 4),
        ("status=revoked".to_owned(), 1),
        ("email=persona4@ejemplo.com".to_owned(), 1),
        ("email=persona3@ejemplo.com".to_owned(), 0),
        ("q=persona4@ejemplo.com".to_owned(), 1),
        ("q=persona3@ejemplo.com".to_owned(), 0),
        (format!("q={}", ids(&found)[0]), 1),
        (format!("q={}", text(&before, "credential_id")), 0),
        ("issued_after=2026-01-01".to_owned(), 5),
        ("issued_after=2100-01-01".to_owned(), 0),
        ("external_id=acta".to_owned(), 0),
    ] {
        for limit in [1, 3, 100] {
            let some = through(&world, &key, &format!("{path}&{besides}"), limit).await;
            assert_eq!(some.len(), count, "{besides} {limit}");
        }
    }

    // Another organization's, the other mode's and no job's: none. What is no id is refused.
    let other = another_organization(world.stack.app(), "otra").await;
    for key in [&other, &world.demo.test_api_key] {
        let list = world.call_as(key, "GET", &path, None).await.expect(200).json();
        assert_eq!(items(&list).len(), 0);
    }
    let unknown = world.get(&format!("/credentials?job_id={UNKNOWN}")).await;
    assert_eq!(unknown, json!({ "items": [], "next_cursor": null }));
    let reply = world.call("GET", "/credentials?job_id=x", None).await;
    one_fault(reply, "job_id", "invalid_parameter");

    // What was erased is not found by its job.
    erase(&world, "persona6@ejemplo.com").await;
    for besides in ["", "&status=erased"] {
        let left = all(&world, &format!("{path}{besides}"), 100).await;
        assert_eq!(left.len(), if besides.is_empty() { 4 } else { 0 }, "{left:?}");
    }
    // A job that revokes, and one that only foresees, issued none.
    let body = json!({ "job_id": job, "reason": "Error" });
    let revoking = world.call("POST", "/credentials/revoke", Some(&body)).await.expect(202).json();
    let revoking = text(&revoking, "job_id");
    ended(&world, revoking).await;
    assert_eq!(all(&world, &format!("/credentials?job_id={revoking}"), 100).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_box_finds_an_address_an_id_and_an_id_of_ones_own_by_key() {
    let world = World::new().await;
    let key = world.demo.api_key.clone();
    let other =
        json!({ "name": "Otro", "description": "x", "fields": [{ "name": "recipient_name" }] });
    let mut templates = vec![world.demo.template_id.clone()];
    for _ in 0..3 {
        templates.push(template(&world, &other).await);
    }
    let mut made = Vec::new();
    for (n, id) in templates.iter().enumerate() {
        let mut one = json!({
            "email": format!("uno{n}@ejemplo.com"), "recipient_name": "Una Persona",
            "external_id": "ACTA  7/ñ",
        });
        if n == 0 {
            one["result_value"] = "A".into();
        }
        let issued = issue_under(&world, &key, id, &one).await;
        made.push(text(&issued, "credential_id").to_owned());
    }
    let uuid = "0d7d3f4e-6f5b-4a8e-9a39-b0a4c7a3f1d2";
    let mut named = person(9);
    named["external_id"] = uuid.into();
    let named = world.issue_one(&named).await;
    let of = async |q: &str| {
        let path = format!("/credentials?q={}", encoded(q));
        let one = through(&world, &key, &path, 1).await;
        let many = through(&world, &key, &path, 100).await;
        assert_eq!(ids(&one), ids(&many), "{q}");
        many.iter().map(|c| text(c, "credential_id").to_owned()).collect::<BTreeSet<String>>()
    };
    let four: BTreeSet<String> = made.iter().cloned().collect();
    // By the caller's own id, under each template, as it was sent and cleaned.
    assert_eq!(of("ACTA  7/ñ").await, four);
    assert_eq!(of(" ACTA 7/n\u{303} ").await, four);
    for nothing in ["acta 7/ñ", "ACTA", "nadie@ejemplo.com", UNKNOWN] {
        assert_eq!(of(nothing).await, BTreeSet::new(), "{nothing}");
    }
    assert_eq!(of("UNO2@Ejemplo.com").await, BTreeSet::from([made[2].clone()]));
    assert_eq!(of(&made[1]).await, BTreeSet::from([made[1].clone()]));
    assert_eq!(of(&made[1].to_uppercase()).await, BTreeSet::from([made[1].clone()]));
    // An id of one's own can look like ours.
    assert_eq!(of(uuid).await, BTreeSet::from([text(&named, "credential_id").to_owned()]));

    // With other filters; two ways of looking up at once are refused by name.
    for (besides, count) in [
        (format!("template_id={}", templates[2]), 1),
        (format!("template_id={UNKNOWN}"), 0),
        ("status=issued".to_owned(), 4),
        ("status=revoked".to_owned(), 0),
        ("issued_after=2100-01-01".to_owned(), 0),
    ] {
        let path = format!("/credentials?q={}&{besides}", encoded("ACTA 7/ñ"));
        assert_eq!(through(&world, &key, &path, 1).await.len(), count, "{besides}");
    }
    for besides in ["email=uno1@ejemplo.com", "external_id=7"] {
        let reply = world.call("GET", &format!("/credentials?q=ACTA&{besides}"), None).await;
        one_fault(reply, besides.split('=').next().expect("a name"), "invalid_parameter");
    }
    for bad in [" ".to_owned(), "x".repeat(129), "a\u{1}b".to_owned()] {
        let path = format!("/credentials?q={}", encoded(&bad));
        one_fault(world.call("GET", &path, None).await, "q", "invalid_parameter");
    }

    // Neither another organization nor the other mode finds any, and nobody what was erased.
    let other = another_organization(world.stack.app(), "otra").await;
    for q in ["ACTA 7/ñ", "uno2@ejemplo.com", made[1].as_str(), uuid] {
        for key in [&other, &world.demo.test_api_key] {
            let path = format!("/credentials?q={}", encoded(q));
            let list = world.call_as(key, "GET", &path, None).await.expect(200).json();
            assert_eq!(list, json!({ "items": [], "next_cursor": null }), "{q}");
        }
    }
    erase(&world, "uno1@ejemplo.com").await;
    for q in [made[1].as_str(), "uno1@ejemplo.com"] {
        assert_eq!(of(q).await, BTreeSet::new(), "{q}");
    }
    assert_eq!(of("ACTA 7/ñ").await, &four - &BTreeSet::from([made[1].clone()]));
    // The one that is issued again in its place is found by its own id of before.
    let again = json!({
        "template_id": templates[1], "reissue": true,
        "recipients": [{ "email": "uno1@ejemplo.com", "recipient_name": "Una", "external_id": "ACTA 7/ñ" }],
    });
    let again = world.call("POST", "/credentials/issue", Some(&again)).await.expect(200).json();
    let again = text(&again["credentials"][0], "credential_id").to_owned();
    assert!(of("ACTA 7/ñ").await.contains(&again), "issued again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_are_found_by_a_part_of_their_name_whatever_its_case_and_accents() {
    let world = World::new().await;
    let names = ["Álgebra  lineal", "ALGEBRA II", "Curso de algebra", "Física (C++)", "Ñandú"];
    for name in names {
        for _ in 0..2 {
            template(&world, &json!({ "name": name, "description": "x" })).await;
        }
    }
    for (q, count) in [
        ("algebra", 6),
        ("ÁLGEBRA", 6),
        ("gebra L", 2),
        ("lineal ", 2),
        ("c++", 2),
        ("c+++", 0),
        ("nandu", 2),
        ("fi\u{301}sica", 2),
        ("%", 0),
        ("Zoología", 0),
    ] {
        for limit in [1, 2, 3, 100] {
            let found = all(&world, &format!("/templates?q={}", encoded(q)), limit).await;
            let unique: BTreeSet<&str> = found.iter().map(|one| text(one, "id")).collect();
            assert_eq!((found.len(), unique.len()), (count, count), "{q} {limit}");
        }
    }
    // Looked up with a test key as well; of another organization none.
    let test = world.demo.test_api_key.clone();
    assert_eq!(through(&world, &test, "/templates?q=algebra", 1).await.len(), 6);
    let other = another_organization(world.stack.app(), "otra").await;
    assert_eq!(through(&world, &other, "/templates?q=algebra", 1).await.len(), 0);
    for bad in ["%20", "%CC%81"] {
        let reply = world.call("GET", &format!("/templates?q={bad}"), None).await;
        one_fault(reply, "q", "empty_parameter");
    }
    // A cursor goes on in the search that gave it.
    let page = world.get("/templates?q=algebra&limit=1").await;
    let cursor = encoded(text(&page, "next_cursor"));
    for path in ["/templates?", "/templates?q=curso&"] {
        let reply = world.call("GET", &format!("{path}limit=1&cursor={cursor}"), None).await;
        one_fault(reply, "cursor", "invalid_cursor");
    }
}
