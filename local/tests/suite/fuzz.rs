//! Requests and messages with random changes in their bodies. A seed repeats a run (`SEED=…`).

mod attached;
pub mod corpus;
mod parsers;
mod services;
mod sheets;

use serde_json::{Value, json};

use crate::{
    crashes::{long, seed},
    harness::{World, check_sums, person, proxy_event},
    queues::{self, Queue, consume, id_of, record, take, unread},
};

/// Values that have broken parsers before.
const ODD: [&str; 22] = [
    "null",
    "true",
    "0",
    "-0",
    "1e400",
    "-1e-400",
    "1.7976931348623157e308",
    "9007199254740993",
    "184467440737095516160",
    "\"\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\ufffe\\uffff\"",
    "\" \\t\\n \"",
    "[]",
    "{}",
    "[[[[[[[[]]]]]]]]",
    "\"=1+1\"",
    "\"2026-02-30\"",
    "\"a@b\"",
    "\"\\u202e\\u200b\"",
    "{\"a\":{\"a\":{\"a\":1}}}",
];

/// A text changed at one to four places.
fn changed(rng: &mut fastrand::Rng, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..rng.usize(1..=4) {
        let at = rng.usize(0..=bytes.len());
        match rng.u32(0..10) {
            0 => bytes.truncate(at),
            1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = rng.u8(..);
                }
            }
            2 => bytes.insert(at, rng.u8(..)),
            3 => bytes.splice(0..0, *b"\xef\xbb\xbf").for_each(drop),
            4 => {
                let deep = "[".repeat(rng.usize(1..3_000));
                bytes.splice(at..at, deep.into_bytes()).for_each(drop);
            }
            5 => {
                let long = "ñ".repeat(rng.usize(1..20_000));
                bytes.splice(at..at, long.into_bytes()).for_each(drop);
            }
            // A value for another one: after a colon, up to the next comma or bracket.
            _ => {
                let colons: Vec<usize> =
                    (0..bytes.len()).filter(|at| bytes.get(*at) == Some(&b':')).collect();
                let Some(from) = rng.choice(colons).map(|at| at + 1) else { continue };
                let rest = bytes.get(from..).unwrap_or_default();
                let length = rest.iter().position(|b| b",]}".contains(b)).unwrap_or(rest.len());
                let odd = rng.choice(ODD).unwrap_or("null");
                bytes.splice(from..from + length, odd.bytes()).for_each(drop);
            }
        }
    }
    bytes
}

fn request_of(world: &World, body: &[u8]) -> lambda_http::Request {
    let path = "/credentials/issue";
    let event = proxy_event(&world.demo.api_key, "POST", path, Some(body), None);
    lambda_http::request::from_str(&event.to_string()).expect("a proxy event")
}

/// A panic in a handler is a 500, so this finds them too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_body_is_answered_with_a_5xx() {
    let world = World::with(unread()).await;
    let mut rng = fastrand::Rng::with_seed(seed("request bodies"));
    let (mut accepted, mut refused) = (0, 0);
    for n in 0..if long() { 50_000 } else { 500 } {
        let mut one = person(n);
        one["credits_earned"] = json!(6.5);
        one["external_id"] = json!(format!("acta-{n}"));
        one["evidence"] = json!([{ "url": "https://ejemplo.com/tesis", "description": "Tesis" }]);
        one["activity_start_date"] = json!("2026-03-01");
        let mut recipients = vec![one];
        if n % 4 == 0 {
            recipients.push(person(n + 1));
        }
        let body = json!({
            "template_id": world.demo.template_id, "recipients": recipients, "send_email": false,
        });
        let body = changed(&mut rng, &body.to_string());
        let answer = issue::handle(world.stack.app(), request_of(&world, &body)).await;
        let status = answer.status().as_u16();
        let shown = || String::from_utf8_lossy(&body).into_owned();
        assert!(status < 500, "{status} to {}", shown());
        let content = serde_json::from_slice::<Value>(answer.body());
        assert!(content.is_ok(), "no JSON to {}", shown());
        if status < 300 { accepted += 1 } else { refused += 1 }
    }
    eprintln!("{accepted} accepted, {refused} refused");
    assert!(accepted > 0 && refused > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_body_harms_its_neighbours() {
    let world = World::with(unread()).await;
    let mut rng = fastrand::Rng::with_seed(seed("message bodies"));
    // Messages to change, of a job that the test does not follow.
    world.start_job(&[person(1), person(2)]).await;
    let mut models = take(&world, Queue::Issue).await;
    models.push(queues::mail_of("7a8b9c0d-1e2f-8a4b-8c6d-7e8f9a0b1c2d"));
    let bodies = if long() { 10_000_u32 } else { 60 };
    let people: Vec<Value> = (10..10 + bodies.min(1_000)).map(person).collect();
    let job = world.start_job(&people).await;
    let good = take(&world, Queue::Issue).await;
    let mut rest = good.iter().cycle();
    let mut named = 0;
    for _ in 0..bodies {
        let model = rng.choice(&models).expect("a model")["body"].as_str().expect("a body");
        let odd = changed(&mut rng, model);
        let mut batch = vec![record(&String::from_utf8_lossy(&odd))];
        batch.extend(rest.next().cloned());
        batch.extend(rest.next().cloned());
        let back = consume(&world, &batch).await;
        assert!(!back.contains(&id_of(&batch[1])), "a neighbour of {:?}", batch[0]["body"]);
        assert!(!back.contains(&id_of(&batch[2])), "a neighbour of {:?}", batch[0]["body"]);
        named += back.len();
    }
    assert!(named > 0, "some messages cannot be read");
    queues::drain(&world).await;
    let result = world.success(&job).await["result"].clone();
    check_sums(&result);
    assert_eq!(result["successful"], result["total"]);
}

/// A document that verifies equals the signed one, member for member.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_changed_document_verifies_and_none_is_answered_with_a_5xx() {
    let world = World::with(unread()).await;
    let mut rng = fastrand::Rng::with_seed(seed("documents"));
    let mut one = person(1);
    one["credits_earned"] = json!(6.5);
    one["evidence"] = json!([{ "url": "https://ejemplo.com/tesis", "description": "Tesis" }]);
    let issued = world.issue_one(&one).await;
    let path = format!("/credential/{}.json", issued["credential_id"].as_str().expect("id"));
    let original = world.send("GET", &path, &[], "").await.expect(200);
    let (text, original) = (original.text(), original.json());
    let (mut verified, mut refused) = (0, 0);
    for n in 0..if long() { 50_000 } else { 500 } {
        let body = if n == 0 { text.clone().into_bytes() } else { changed(&mut rng, &text) };
        let event = proxy_event(&world.demo.api_key, "POST", "/verify", Some(&body), None);
        let request = lambda_http::request::from_str(&event.to_string()).expect("a proxy event");
        let answer = catalog::handle(world.stack.app(), request).await;
        let status = answer.status().as_u16();
        let shown = || String::from_utf8_lossy(&body).into_owned();
        assert!(status < 500, "{status} to {}", shown());
        let content: Value = serde_json::from_slice(answer.body()).expect("JSON");
        if content["verified"] == true {
            verified += 1;
            // A byte order mark is no part of the document.
            let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
            let read: Value = serde_json::from_slice(body).expect("JSON");
            assert_eq!(read, original, "verified although it was changed");
        } else {
            refused += 1;
        }
    }
    eprintln!("{verified} verified, {refused} refused");
    assert!(verified > 0 && refused > 0);
}
