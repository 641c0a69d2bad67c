//! `POST /verify` and documents that somebody wrote to harm it: what is not signed does not verify,
//! and the work is bounded by counts.

use serde_json::{Value, json};

use crate::{
    faults::Faults,
    harness::{Reply, World, person},
    queues::unread,
};

/// Largest body, in bytes.
const MAX_BODY: usize = 256 * 1024;

/// A signed document, as text.
async fn signed(world: &World) -> String {
    let mut one = person(1);
    one["credits_earned"] = json!(6.5);
    one["evidence"] = json!([{ "url": "https://ejemplo.com/tesis", "name": "Tesis" }]);
    let issued = world.issue_one(&one).await;
    let path = format!("/credential/{}.json", issued["credential_id"].as_str().expect("id"));
    world.send("GET", &path, &[], "").await.expect(200).text()
}

async fn send(world: &World, lang: &str, body: impl Into<bytes::Bytes>) -> Reply {
    let headers = [
        ("x-api-key", world.demo.api_key.as_str()),
        ("content-type", "application/json"),
        ("accept-language", lang),
    ];
    world.send("POST", "/api/v1/verify", &headers, body).await
}

async fn verdict(world: &World, body: &str) -> Value {
    send(world, "es", body.to_owned()).await.expect(200).json()
}

/// The checks that failed, and the text of the first.
fn failed(answer: &Value) -> (Vec<&str>, &str) {
    let checks = answer["checks"].as_array().expect("checks");
    let failed: Vec<&Value> = checks.iter().filter(|check| check["result"] == "failed").collect();
    let text = failed.first().and_then(|check| check["text"].as_str()).unwrap_or_default();
    (failed.iter().map(|check| check["check"].as_str().unwrap_or_default()).collect(), text)
}

/// Copies of a JSON text, each with one member repeated: before and after its own, with its value
/// and with another, spelled plainly and with escapes.
fn with_repeats(text: &str) -> Vec<String> {
    let mut copies = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(open) = text[at..].find("\":") {
        let end = at + open;
        let start = text[..end].rfind('"').expect("a quote");
        let name = &text[start + 1..end];
        at = end + 2;
        // A text that holds `":` has no such place.
        if !matches!(bytes[start - 1], b'{' | b',') {
            continue;
        }
        let first = name.chars().next().expect("a name");
        let escaped = format!("\\u{:04x}{}", first as u32, &name[first.len_utf8()..]);
        for spelled in [name, &escaped] {
            for value in ["\"F\"", "null", "{}"] {
                let member = format!("\"{spelled}\":{value},");
                copies.push(format!("{}{member}{}", &text[..start], &text[start..]));
            }
        }
    }
    copies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_repeats_a_member_anywhere_does_not_verify() {
    let world = World::with(unread()).await;
    let text = signed(&world).await;
    assert_eq!(verdict(&world, &text).await["verified"], true);
    let copies = with_repeats(&text);
    assert!(copies.len() > 200, "{}", copies.len());
    for (n, copy) in copies.iter().enumerate() {
        // A parser takes it, and most of them read the signed value.
        serde_json::from_str::<Value>(copy).expect("JSON");
        let wrapped = format!(r#"{{"document":{copy}}}"#);
        let body = if n % 2 == 0 { copy } else { &wrapped };
        let answer = verdict(&world, body).await;
        assert_eq!(
            (&answer["verified"], &answer["status"]),
            (&json!(false), &json!("invalid")),
            "{copy}"
        );
        let (checks, reason) = failed(&answer);
        assert_eq!(checks, ["document"], "{copy}");
        assert!(reason.starts_with("Repite un miembro (/"), "{reason}");
    }
    // What is beside the document is the request's.
    for body in [
        format!(r#"{{"document":{text},"document":{text}}}"#),
        format!(r#"{{"document":{text},"x":{{"a":1,"a":1}}}}"#),
        r#"{"url":"https://a.cl","url":"https://b.cl"}"#.to_owned(),
    ] {
        let problem = send(&world, "en", body).await.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["code"], "repeated_field", "{problem}");
    }
    // A byte order mark is no part of the document.
    assert_eq!(verdict(&world, &format!("\u{feff}{text}")).await["verified"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_can_be_added_to_a_proof() {
    let world = World::with(unread()).await;
    let document: Value = serde_json::from_str(&signed(&world).await).expect("JSON");
    let contexts = document["@context"].clone();
    let names = [
        "@context",
        "@id",
        "@type",
        "@graph",
        "@included",
        "@reverse",
        "@nest",
        "@value",
        "@index",
        "nonce",
        "domain",
        "challenge",
        "expires",
        "id",
        "previousProof",
        "name",
        "issuer",
        "x",
        "",
        "https://w3id.org/security#nonce",
        "proof",
        "proofvalue",
        "type ",
    ];
    let values = [
        json!("x"),
        json!("https://www.w3.org/ns/credentials/v2"),
        json!([]),
        json!({}),
        json!(null),
        json!({ "type": "https://example.org/other" }),
        contexts,
    ];
    for name in names {
        for value in &values {
            for as_list in [true, false] {
                let mut changed = document.clone();
                let mut proof = changed["proof"][0].clone();
                proof[name] = value.clone();
                changed["proof"] = if as_list { json!([proof]) } else { proof };
                let answer = verdict(&world, &changed.to_string()).await;
                assert_eq!(answer["verified"], false, "{name}: {value}");
                let (checks, reason) = failed(&answer);
                assert_eq!(checks, ["proof"], "{name}: {value}");
                let told = format!("/proof/{name}: término desconocido");
                assert!(reason.contains(&told), "{reason}");
            }
        }
    }
    // A value that is no signature is the proof's fault, whatever its length.
    for value in ["", "z", "z1", "u5T", &format!("z{}", "2".repeat(10_000))] {
        let mut changed = document.clone();
        changed["proof"][0]["proofValue"] = value.into();
        let answer = verdict(&world, &changed.to_string()).await;
        assert_eq!(failed(&answer).0, ["proof"], "{value:.20}: {answer}");
    }
    // Without an addition it verifies as a list and alone.
    let mut alone = document.clone();
    alone["proof"] = document["proof"][0].clone();
    for document in [document, alone] {
        assert_eq!(verdict(&world, &document.to_string()).await["verified"], true);
    }
}

/// Documents close to the largest body, each with much of one thing.
fn hostile(text: &str) -> Vec<(&'static str, String)> {
    let document: Value = serde_json::from_str(text).expect("JSON");
    let changed = |pointer: &str, value: Value| {
        let mut document = document.clone();
        *document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        document.to_string()
    };
    let long = "2".repeat(MAX_BODY - 8 * 1024);
    let entries = |entry: &Value, count: usize| Value::Array(vec![entry.clone(); count]);
    let thing =
        |n: usize| json!({ "id": format!("https://e.cl/{n}"), "type": ["Evidence"], "name": "x" });
    let mut chain = json!("x");
    for _ in 0..25 {
        chain = json!({ "id": "https://e.cl/", "criteria": chain });
    }
    let values: Vec<String> = (0..250).map(|n| format!("{}{n}", "x".repeat(900))).collect();
    vec![
        ("base58 in proofValue", changed("/proof/0/proofValue", json!(format!("z{long}")))),
        (
            "zeros in proofValue",
            changed("/proof/0/proofValue", json!(format!("z{}", long.replace('2', "1")))),
        ),
        ("no base58", changed("/proof/0/proofValue", json!(format!("u{long}")))),
        ("key", changed("/proof/0/verificationMethod", json!(format!("did:web:x#z6Mk{long}")))),
        ("created", changed("/proof/0/created", json!(long))),
        ("proofs", changed("/proof", entries(&document["proof"][0], 500))),
        ("contexts", changed("/@context", entries(&document["@context"][0], 2_000))),
        ("types", changed("/type", entries(&json!("OpenBadgeCredential"), 5_000))),
        ("id", changed("/id", json!(format!("{}{long}", document["id"].as_str().expect("id"))))),
        ("issuer", changed("/issuer/id", json!(format!("did:web:localhost:orgs:{long}")))),
        ("list", changed("/credentialStatus/statusListCredential", json!(long))),
        ("index", changed("/credentialStatus/statusListIndex", json!(long))),
        ("instant", changed("/validFrom", json!(long))),
        ("name", changed("/name", json!(long))),
        ("member", changed("/evidence/0", json!({ long.as_str(): 1 }))),
        (
            "repeated member",
            text.replacen(
                '{',
                &format!("{{\"{long}\":1,\"{long}\":2,").replace(&long, &long[..100_000]),
                1,
            ),
        ),
        ("equal evidence", changed("/evidence", entries(&document["evidence"][0], 1_500))),
        ("evidence", changed("/evidence", (0..2_000).map(thing).collect())),
        ("nearly equal texts", changed("/name", json!(values))),
        ("values", changed("/credentialSubject", Value::Array(vec![json!({}); 9_000]))),
        ("depth", changed("/credentialSubject/achievement", chain)),
        (
            "number",
            changed("/credentialSubject/creditsEarned", json!(1)).replace(
                "\"creditsEarned\":1",
                &format!("\"creditsEarned\":1{}", "0".repeat(200_000)),
            ),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_document_costs_no_more_calls_than_a_good_one_and_a_short_answer() {
    let faults = Faults::default();
    let world = World::with(faults.under(unread())).await;
    let text = signed(&world).await;
    // The first call notes the key's use.
    verdict(&world, &text).await;
    let before = faults.count();
    assert_eq!(verdict(&world, &text).await["verified"], true);
    let of_a_good_one = faults.count() - before;
    assert!((2..=6).contains(&of_a_good_one), "{of_a_good_one}");
    for (what, body) in hostile(&text) {
        assert!((1..MAX_BODY).contains(&body.len()), "{what}: {} bytes", body.len());
        let before = faults.count();
        let reply = send(&world, "es", body).await;
        let calls = faults.count() - before;
        // The key, and the issuer's public keys: lists and credentials are read for a good signature.
        assert!(calls <= 2, "{what}: {calls} calls");
        assert!(matches!(reply.status.as_u16(), 200 | 400), "{what}: {}", reply.text());
        assert!(reply.body.len() < 3_000, "{what}: {} bytes", reply.body.len());
        if reply.status == 200 {
            assert_eq!(reply.json()["verified"], false, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_to_verify_has_256_kib_at_most() {
    let world = World::with(unread()).await;
    let text = signed(&world).await;
    let padded = |bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));
    assert_eq!(verdict(&world, &padded(MAX_BODY)).await["verified"], true);
    for (lang, detail) in [
        ("es", "El cuerpo supera el límite de 256 KiB para un documento"),
        ("en", "The body is larger than the limit of 256 KiB for a document"),
    ] {
        for bytes in [MAX_BODY + 1, 4 * 1024 * 1024] {
            let problem = send(&world, lang, padded(bytes)).await.problem(413, "payload_too_large");
            assert_eq!(problem["detail"], detail);
        }
    }
    // Without a key nobody learns that.
    let headers = [("content-type", "application/json")];
    let reply = world.send("POST", "/api/v1/verify", &headers, padded(MAX_BODY + 1)).await;
    reply.problem(401, "unauthenticated");
}
