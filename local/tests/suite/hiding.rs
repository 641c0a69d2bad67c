//! What an organization hides on its public pages: gone from all that is shown and drawn for everybody,
//! whole in what is signed, in the wallet and in letters.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::{
    catalog::one_fault,
    files::streams,
    harness::{Reply, World},
};

const MEMBER: &str = "ana.rojas@demo.example";
const HTML: (&str, &str) = ("accept", "text/html");

/// A template that requires nothing; its id.
async fn free(world: &World) -> String {
    let template = json!({
        "name": "Taller de lectura", "description": "Lectura.",
        "fields": [
            { "name": "recipient_name" }, { "name": "result_value" }, { "name": "term" },
            { "name": "evidence" },
        ],
    });
    let made = world.call("POST", "/templates", Some(&template)).await.expect(201).json();
    made["id"].as_str().expect("an id").to_owned()
}

async fn issue(world: &World, recipient: Value) -> String {
    let body = json!({ "template_id": free(world).await, "recipients": [recipient] });
    let answer = world.call("POST", "/credentials/issue", Some(&body)).await.expect(200).json();
    let id = answer["credentials"][0]["credential_id"].as_str();
    id.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn graduate() -> Value {
    json!({
        "email": "persona1@ejemplo.com", "recipient_name": "Persona Zorrilla Quiroga",
        "result_value": "Sobresaliente", "term": "2026-2",
        "evidence": [{ "name": "Tesis doctoral", "url": "https://ejemplo.com/tesis" }],
    })
}

async fn hide(world: &World, parts: Value) -> Value {
    let body = json!({ "public_hides": parts });
    world.call("PUT", "/organization", Some(&body)).await.expect(200).json()
}

async fn public(world: &World, path: &str) -> Reply {
    world.send("GET", path, &[HTML], "").await.expect(200)
}

/// What is drawn on a certificate, and its metadata: all but the signed document in it.
async fn drawn(world: &World, id: &str) -> Vec<Vec<u8>> {
    let pdf = public(world, &format!("/credential/{id}/certificate.pdf")).await;
    let signed = public(world, &format!("/credential/{id}.json")).await.body;
    let streams = streams(&pdf.body);
    let (attached, drawn): (Vec<_>, Vec<_>) = streams.into_iter().partition(|s| *s == signed);
    assert_eq!(attached.len(), 1, "the signed document, whole");
    drawn
}

/// Requires that a text says none of these words.
fn silent(text: &str, words: &[&str]) {
    for word in words {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_parts_are_on_no_public_page_and_in_what_is_signed() {
    let world = World::new().await;
    let id = issue(&world, graduate()).await;
    let path = format!("/credential/{id}");
    let signed = public(&world, &format!("{path}.json")).await.body;
    let open = public(&world, &path).await.text();
    for word in ["Zorrilla", "Sobresaliente", "Tesis doctoral"] {
        assert!(open.contains(word), "{word}");
    }
    silent(&open, &["decidió no mostrar"]);

    let answer = hide(&world, json!(["surname", "evidence", "grade", "grade"])).await;
    assert_eq!(answer["public_hides"], json!(["evidence", "grade", "surname"]));
    let all = ["Zorrilla", "Quiroga", "Sobresaliente", "Tesis", "ejemplo.com/tesis"];
    for (lang, said) in [
        ("es", "no mostrar en esta página: la evidencia, la calificación y el apellido. La"),
        ("en", "not to show on this page: the evidence, the grade and the surname. The"),
    ] {
        let page = public(&world, &format!("{path}?lang={lang}")).await.text();
        silent(&page, &all);
        // In the text, on paper, and in what chat programs read.
        assert_eq!(page.matches("Persona Z.").count(), 4, "{page}");
        assert!(page.contains(said) && page.contains("2026-2"), "{page}");
        assert!(page.contains("class=\"checked issued\""), "its own check passes: {page}");
    }
    assert_eq!(public(&world, &format!("{path}.json")).await.body, signed);
    let document: Value = serde_json::from_slice(&signed).expect("JSON");
    let verdict = world.call("POST", "/verify", Some(&document)).await.expect(200).json();
    assert_eq!(verdict["verified"], true, "{verdict}");

    // Drawn as that of a person who is called so and has no grade.
    let (certificate, preview) =
        (drawn(&world, &id).await, public(&world, &format!("{path}/preview.png")).await.body);
    for stream in &certificate {
        silent(&String::from_utf8_lossy(stream), &all);
    }
    hide(&world, Value::Null).await;
    assert_ne!(drawn(&world, &id).await, certificate);
    assert_ne!(public(&world, &format!("{path}/preview.png")).await.body, preview);
    let change = json!({ "recipient_name": "Persona Z.", "result_value": null });
    world.call("PATCH", &format!("/credentials/{id}"), Some(&change)).await.expect(200);
    // Its metadata have a hash of the whole file, the signed document included.
    let page = |streams: Vec<Vec<u8>>| -> Vec<Vec<u8>> {
        let metadata = |stream: &[u8]| String::from_utf8_lossy(stream).contains("pdfaid");
        streams.into_iter().filter(|stream| !metadata(stream)).collect()
    };
    assert_eq!(page(drawn(&world, &id).await), page(certificate));
    assert_eq!(public(&world, &format!("{path}/preview.png")).await.body, preview);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_part_is_hidden_by_itself_and_named_only_where_there_is_one() {
    let world = World::new().await;
    let whole = issue(&world, graduate()).await;
    let bare = json!({ "email": "persona2@ejemplo.com", "recipient_name": "Zorrilla" });
    let bare = issue(&world, bare).await;
    for (part, gone, said) in [
        ("evidence", "Tesis doctoral", "página: la evidencia. La"),
        ("grade", "Sobresaliente", "página: la calificación. La"),
        ("surname", "Zorrilla", "página: el apellido. La"),
    ] {
        hide(&world, json!([part])).await;
        let page = public(&world, &format!("/credential/{whole}")).await.text();
        silent(&page, &[gone]);
        assert!(page.contains(said), "{part}: {page}");
        for word in ["Sobresaliente", "Tesis doctoral", "Zorrilla"] {
            assert!(page.contains(word) || word == gone, "{part}: {word}");
        }
        let page = public(&world, &format!("/credential/{bare}")).await.text();
        silent(&page, &["decidió no mostrar"]);
        assert!(page.contains("Zorrilla"), "a single name is no surname");
    }
}

/// A process keeps settings for a minute; those that it has written itself it shows at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_seen_at_once_whoever_reads_meanwhile() {
    let world = World::new().await;
    let path = format!("/credential/{}", issue(&world, graduate()).await);
    let changed = AtomicBool::new(false);
    let reads = async || {
        while !changed.load(Ordering::Relaxed) {
            public(&world, &path).await;
        }
    };
    let changes = async {
        for hidden in [true, false].into_iter().cycle().take(20) {
            hide(&world, if hidden { json!(["grade"]) } else { Value::Null }).await;
            let page = public(&world, &path).await.text();
            assert_eq!(page.contains("Sobresaliente"), !hidden, "{page}");
        }
        changed.store(true, Ordering::Relaxed);
    };
    tokio::join!(reads(), reads(), reads(), changes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_sees_all_of_ones_own_in_the_wallet_and_in_letters() {
    let world = World::new().await;
    hide(&world, json!(["evidence", "grade", "surname"])).await;
    let mut member = graduate();
    member["email"] = MEMBER.into();
    member["recipient_name"] = "Ana Rojas Muñoz".into();
    let id = issue(&world, member).await;
    let mail = world.mails(MEMBER, 1).await[0]["text"].as_str().expect("a part").to_owned();
    assert!(mail.contains("Ana Rojas Muñoz"), "{mail}");
    let wallet = world.get(&format!("/members/{MEMBER}/credentials")).await;
    let wallet = wallet["wallet_url"].as_str().expect("a link").to_owned();
    let path = wallet.strip_prefix(&world.stack.app().config.site_url).expect("of this site");
    let wallet = public(&world, path).await.text();
    assert!(wallet.contains("Ana Rojas Muñoz") && wallet.contains("Sobresaliente"), "{wallet}");
    let shown = world.get(&format!("/credentials/{id}")).await;
    assert_eq!(shown["recipient_name"], "Ana Rojas Muñoz");
    silent(&public(&world, &format!("/credential/{id}")).await.text(), &["Rojas", "Sobresaliente"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_part_is_refused_by_name() {
    let world = World::new().await;
    for (sent, hint) in [
        (json!(["evidences"]), json!("evidence")),
        (json!(["evidence", "Surname"]), json!("surname")),
        (json!(["email"]), Value::Null),
        (json!([7]), Value::Null),
        (json!([["grade"]]), Value::Null),
        (json!([""]), Value::Null),
    ] {
        let body = json!({ "public_hides": sent });
        let refused = world.call("PUT", "/organization", Some(&body)).await;
        let problem = one_fault(refused, "/public_hides", "invalid_public_hides");
        assert_eq!(problem["errors"][0].get("hint").unwrap_or(&Value::Null), &hint, "{problem}");
        let text = problem["errors"][0]["message"].as_str().expect("a text").to_owned();
        assert!(text.contains("evidence") && text.contains("surname (el apellido)"), "{text}");
    }
    for sent in [json!("grade"), json!({ "grade": true }), json!(true)] {
        let body = json!({ "public_hides": sent });
        let refused = world.call("PUT", "/organization", Some(&body)).await;
        one_fault(refused, "/public_hides", "wrong_type");
    }
    // Absent keeps, the answer can be sent back, an empty list shows all.
    hide(&world, json!(["grade"])).await;
    let kept = world.call("PUT", "/organization", Some(&json!({ "language": "en" }))).await;
    assert_eq!(kept.expect(200).json()["public_hides"], json!(["grade"]));
    let same = world.get("/organization").await;
    assert_eq!(world.call("PUT", "/organization", Some(&same)).await.expect(200).json(), same);
    assert_eq!(hide(&world, json!([])).await["public_hides"], json!([]));
}
