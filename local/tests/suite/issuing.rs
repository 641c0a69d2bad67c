//! Issuing: one at once, many as a job, and the same content as the same credential.

use serde_json::{Value, json};

use crate::harness::{World, person};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_recipient_is_answered_at_once_as_the_reference_documents() {
    let world = World::new().await;
    let reply = world.issue(&[person(1)]).await.expect(200).json();
    assert_eq!(reply["mode"], "sync");
    let one = &reply["credentials"][0];
    assert_eq!(one["email"], "persona1@ejemplo.com");
    assert_eq!(one["status"], "issued");
    let id = one["credential_id"].as_str().expect("credential_id");
    let site = &world.stack.app().config.site_url;
    assert_eq!(one["credential_url"], format!("{site}/credential/{id}"));
    assert_eq!(one["recipient_type"], "external");
    assert_eq!(one["duplicate"], false);
    assert_eq!(one["email_status"], "pending");
    let mail = &world.mails("persona1@ejemplo.com", 1).await[0];
    assert!(mail["text"].as_str().expect("text").contains(id));
    assert_eq!(mail["credential_id"], id);
    assert_eq!(world.mail_ended(id).await["email_status"], "sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_recipients_become_a_job_that_ends_in_success() {
    let world = World::new().await;
    let mut people: Vec<Value> = (1..=50).map(person).collect();
    people[11]["email"] = json!("invalido@test");
    people[20] = json!({ "email": "ana.rojas@demo.example", "result_value": "B" });
    let reply = world.issue(&people).await.expect(202);
    let accepted = reply.json();
    let job = accepted["job_id"].as_str().expect("job_id");
    assert_eq!(
        accepted["message"],
        format!("Issuing 50 credentials in background. Poll GET /api/v1/jobs/{job} for status.")
    );
    assert_eq!(accepted["mode"], "async");
    assert_eq!(accepted["total"], 50);
    assert_eq!(reply.header("location"), format!("/api/v1/jobs/{job}"));
    let status = world.success(job).await;
    let result = &status["result"];
    assert_eq!(result["total"], 50);
    assert_eq!(result["successful"], 49);
    assert_eq!(result["failed"], 1);
    assert_eq!(result["emails_sent"], 49);
    assert_eq!(result["internal_count"], 1);
    let error = &result["errors"][0];
    assert_eq!(error["row"], 12);
    assert_eq!(error["email"], "invalido@test");
    assert_eq!(error["error"], "Invalid email: invalido@test");
    assert_eq!(status["progress"]["status"], "Procesando fila 50 de 50");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_mints_and_mails_nothing() {
    let world = World::new().await;
    let first = world.issue_one(&person(1)).await;
    world.mails("persona1@ejemplo.com", 1).await;
    let id = first["credential_id"].as_str().expect("id");
    world.mail_ended(id).await;
    let again = world.issue_one(&person(1)).await;
    assert_eq!(again["credential_id"], first["credential_id"]);
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["email_status"], "sent");
    let job = world.run_job(&[person(1), person(2), person(2)]).await;
    assert_eq!(job["successful"], 3);
    assert_eq!(job["duplicates"], 2);
    assert_eq!(job["emails_sent"], 1);
    assert_eq!(job["emails_skipped"], 2);
    assert_eq!(world.mails_now("persona1@ejemplo.com").await.len(), 1);
    assert_eq!(world.mails_now("persona2@ejemplo.com").await.len(), 1);
}
