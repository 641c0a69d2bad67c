//! Erasure: nothing about the person is left anywhere, and what the person holds verifies for ever.

mod console;
mod dead_letters;
mod left_out;
mod meanwhile;
mod others;
mod paths;
mod restore;
mod retention;
pub mod scan;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::scan::{Marks, places};
use crate::harness::World;

/// The address and the name of the person who is erased; nobody else has a word of them.
const EMAIL: &str = "qxvmarcada@ejemplo.com";
const NAME: &str = "Qxvóra Zorrilla";

fn marks() -> Marks {
    Marks::of(&["qxvmarcada", "Qxvóra"])
}

fn person() -> Value {
    json!({ "email": EMAIL, "recipient_name": NAME, "result_value": "A" })
}

/// Erases the person, and follows the job to its end.
async fn erase(world: &World, terms: &Value) -> Value {
    let mut body = json!({ "email": EMAIL, "reason": "Lo pidió" });
    for (name, value) in terms.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let accepted = world.call("POST", "/people/erase", Some(&body)).await.expect(202).json();
    ended(world, accepted["job_id"].as_str().expect("job_id")).await
}

/// Waits for another second: a credential has the second in which it was issued.
async fn another_second(world: &World) {
    let second = Timestamp::now().as_second();
    let later = async || (Timestamp::now().as_second() > second).then_some(());
    world.until("another second", later).await;
}

async fn ended(world: &World, job: &str) -> Value {
    ended_as(world, &world.demo.api_key, job).await
}

async fn ended_as(world: &World, key: &str, job: &str) -> Value {
    let path = format!("/jobs/{job}");
    world
        .until("the erasure ends", async || {
            let status = world.call_as(key, "GET", &path, None).await.expect(200).json();
            (status["status"] == "SUCCESS").then_some(status)
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_credential_is_gone_and_its_file_still_verifies() {
    let world = World::new().await;
    let issued = world.issue_one(&person()).await;
    let id = issued["credential_id"].as_str().expect("id").to_owned();
    world.mail_ended(&id).await;
    let file = world.send("GET", &format!("/credential/{id}.json"), &[], "").await.expect(200);
    assert!(!places(&world, &marks()).await.is_empty());

    let job = erase(&world, &json!({})).await;
    assert_eq!((&job["kind"], &job["result"]["credentials"]), (&json!("erase"), &json!(1)));
    assert_eq!(places(&world, &marks()).await, [""; 0]);

    let page = world.send("GET", &format!("/credential/{id}"), &[], "").await.expect(410).text();
    assert!(page.contains("Eliminada a petición de su titular"), "{page}");
    for end in [".json", "/certificate.pdf", "/badge.png", "/badge.svg", "/preview.png", "/qr.svg"]
    {
        world.send("GET", &format!("/credential/{id}{end}"), &[], "").await.expect(410);
    }
    let shown = world.get(&format!("/credentials/{id}")).await;
    assert_eq!((&shown["credential_id"], &shown["status"]), (&json!(id), &json!("erased")));
    assert!(shown["erased_at"].is_string() && shown["still_valid"] == true, "{shown}");
    let verdict = world.call("POST", "/verify", Some(&file.json())).await.expect(200).json();
    assert_eq!((&verdict["verified"], &verdict["status"]), (&json!(true), &json!("issued")));
    assert_eq!(verdict["note"], "válida; retirada de este sitio a petición de su titular");

    // The same again: it stays erased, unless it is asked for.
    let again = world.issue(&[person()]).await.expect(200).json();
    assert_eq!(again["credentials"][0]["status"], "error", "{again}");
    let body = json!({
        "template_id": world.demo.template_id, "recipients": [person()], "reissue": true,
    });
    let call = || world.call("POST", "/credentials/issue", Some(&body));
    let new = call().await.expect(200).json()["credentials"][0].clone();
    assert_eq!((&new["status"], &new["duplicate"]), (&json!("issued"), &json!(false)));
    assert_ne!(new["credential_id"], *id);
    let repeat = call().await.expect(200).json()["credentials"][0].clone();
    assert_eq!(
        (&repeat["credential_id"], &repeat["duplicate"]),
        (&new["credential_id"], &json!(true))
    );
    let plain = world.issue_one(&person()).await;
    assert_eq!(
        (&plain["credential_id"], &plain["duplicate"]),
        (&new["credential_id"], &json!(true))
    );
    world.send("GET", &format!("/credential/{id}"), &[], "").await.expect(410);

    // It is corrected, and to what the erased one said, too.
    let path = format!("/credentials/{}", new["credential_id"].as_str().expect("id"));
    for result in ["B", "A"] {
        let change = json!({ "result_value": result });
        let corrected = world.call("PATCH", &path, Some(&change)).await.expect(200).json();
        assert_eq!(corrected["credential_id"], new["credential_id"], "{corrected}");
    }
    // That is its content: no other credential is corrected to it.
    let mut other = person();
    other["result_value"] = "C".into();
    let other = world.issue_one(&other).await;
    let path = format!("/credentials/{}", other["credential_id"].as_str().expect("id"));
    let change = json!({ "result_value": "A" });
    world.call("PATCH", &path, Some(&change)).await.problem(409, "conflict");
}
