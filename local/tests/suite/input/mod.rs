//! Bad input gets a clear answer in Spanish and in English, and mints nothing. The texts are
//! the same for one recipient and for many.

mod admission;
mod bounds;
mod recipients;
mod requests;

use serde_json::{Value, json};

use crate::harness::{Reply, World};

/// The members of a valid recipient, as JSON.
const GOOD: [(&str, &str); 3] = [
    ("email", r#""persona1@ejemplo.com""#),
    ("recipient_name", r#""Persona Zorrilla""#),
    ("result_value", r#""A""#),
];

/// The good recipient with some members changed; an empty value removes the member. It is
/// text, since a `Value` holds neither `1e400` nor repeated names.
fn recipient(changes: &[(&str, &str)]) -> String {
    let mut members: Vec<(&str, &str)> = GOOD.to_vec();
    for (name, _) in changes {
        members.retain(|(n, _)| n != name);
    }
    members.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    let members: Vec<String> = members.iter().map(|(n, v)| format!("{}:{v}", json!(n))).collect();
    format!("{{{}}}", members.join(","))
}

/// The body of a request for these recipients.
fn body(world: &World, recipients: &[String]) -> String {
    let list = recipients.join(",");
    format!(r#"{{"template_id":"{}","recipients":[{list}]}}"#, world.demo.template_id)
}

/// Posts a body as it is, with the live key.
async fn post(world: &World, lang: Option<&str>, body: impl Into<bytes::Bytes>) -> Reply {
    let mut headers =
        vec![("x-api-key", world.demo.api_key.as_str()), ("content-type", "application/json")];
    headers.extend(lang.map(|lang| ("accept-language", lang)));
    world.send("POST", "/api/v1/credentials/issue", &headers, body).await
}

/// The one credential of a sync answer.
async fn one(world: &World, lang: Option<&str>, recipient: &str) -> Value {
    let answer = post(world, lang, body(world, &[recipient.to_owned()])).await.expect(200).json();
    assert_eq!(answer["mode"], "sync");
    assert_eq!(answer["credentials"].as_array().map(Vec::len), Some(1), "{answer}");
    answer["credentials"][0].clone()
}

/// Issues to the good recipient with changes; the answer must be `issued`.
async fn issued(world: &World, changes: &[(&str, &str)]) -> Value {
    let answer = one(world, None, &recipient(changes)).await;
    assert_eq!(answer["status"], "issued", "{changes:?}: {answer}");
    answer
}

/// Requires that nothing was minted and nothing mailed.
async fn assert_nothing_minted(world: &World) {
    assert_eq!(world.get("/credentials").await, json!({ "items": [], "next_cursor": null }));
    assert_eq!(world.stack.mail().count(), 0);
}
