//! Templates: definitions, versions, and the version that a job keeps.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use local::Options;
use serde_json::{Value, json};
use unicreda::jobs::{consume, messages::Delivered};

use super::{UNKNOWN, all, course, in_english, issue_under, items, one_fault, template, text};
use crate::harness::{World, person};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_describes_every_field_and_can_be_sent_back_as_read() {
    let world = World::new().await;
    let reply = world.call("POST", "/templates", Some(&course())).await.expect(201);
    let made = reply.json();
    let path = format!("/templates/{}", text(&made, "id"));
    assert_eq!(reply.header("location"), format!("/api/v1{path}"));
    assert_eq!(made["version"], 1);
    assert_eq!(made["archived"], false);
    assert_eq!(made["language"], "en");
    assert_eq!(made["validity_months"], 24);
    assert_eq!(made["achievement"], course()["achievement"]);
    assert_eq!(
        made["fields"],
        json!([
            { "name": "email", "type": "string", "required": true, "format": "email",
              "max_length": 254 },
            { "name": "result_value", "type": "string", "required": true, "max_length": 200,
              "allowed_values": ["Bien", "Mal"] },
            { "name": "credits_earned", "type": "number", "required": false, "min": 0.5,
              "max": 7.5 },
            { "name": "activity_end_date", "type": "date", "required": false,
              "format": "YYYY-MM-DD" },
            { "name": "evidence", "type": "array", "required": true, "max_items": 10 },
        ])
    );
    assert_eq!(world.get(&path).await, made);
    assert_eq!(world.get(&path.to_uppercase().replace("/TEMPLATES", "/templates")).await, made);

    // An answer that is sent back changes nothing.
    assert_eq!(world.call("PUT", &path, Some(&made)).await.expect(200).json(), made);
    assert_eq!(world.call("PUT", &path, Some(&course())).await.expect(200).json(), made);

    let mut changed = made.clone();
    changed["name"] = "Curso de álgebra lineal".into();
    changed["fields"][1]["allowed_values"] = json!(["Bien", "Regular", "Mal"]);
    let second = world.call("PUT", &path, Some(&changed)).await.expect(200).json();
    assert_eq!(second["version"], 2);
    assert_eq!(second["created_at"], made["created_at"]);
    assert_eq!(second["fields"], changed["fields"]);
    assert_eq!(world.get(&path).await, second);
    assert_eq!(world.call("PUT", &path, Some(&changed)).await.expect(200).json(), second);

    let archived = world.call("POST", &format!("{path}/archive"), None).await.expect(200).json();
    assert_eq!(
        (archived["archived"].clone(), archived["version"].clone()),
        (json!(true), json!(2))
    );
    let again = world.call("POST", &format!("{path}/archive"), None).await.expect(200).json();
    assert_eq!(again, archived);
    // A new version of an archived template stays archived.
    let third = world.call("PUT", &path, Some(&made)).await.expect(200).json();
    assert_eq!((third["archived"].clone(), third["version"].clone()), (json!(true), json!(3)));

    // A name and a description are enough.
    let bare = json!({ "name": "Asistencia", "description": "Asistió" });
    let bare = world.call("POST", "/templates", Some(&bare)).await.expect(201).json();
    assert_eq!(bare["fields"].as_array().map(Vec::len), Some(1));
    let path = format!("/templates/{}", text(&bare, "id"));
    assert_eq!(world.call("PUT", &path, Some(&bare)).await.expect(200).json(), bare);

    for path in [format!("/templates/{UNKNOWN}"), "/templates/curso".to_owned()] {
        for (method, path, body) in [
            ("GET", path.clone(), None),
            ("PUT", path.clone(), Some(course())),
            ("POST", format!("{path}/archive"), None),
        ] {
            let problem = world.call(method, &path, body.as_ref()).await.problem(404, "not_found");
            assert_eq!(problem["detail"], "La plantilla no existe", "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_are_listed_page_by_page_with_their_current_versions() {
    let world = World::new().await;
    let mut ids = BTreeSet::from([world.demo.template_id.clone()]);
    for n in 0..8 {
        let definition = json!({ "name": format!("Curso {n}"), "description": "x" });
        let id = template(&world, &definition).await;
        if n % 2 == 0 {
            let next = json!({ "name": format!("Curso {n} bis"), "description": "x" });
            world.call("PUT", &format!("/templates/{id}"), Some(&next)).await.expect(200);
        }
        ids.insert(id);
    }
    for limit in [1, 3, 4, 9, 1000] {
        let listed = all(&world, "/templates", limit).await;
        assert_eq!(listed.len(), 9, "{limit}");
        assert_eq!(listed.iter().map(|t| text(t, "id").to_owned()).collect::<BTreeSet<_>>(), ids);
        assert_eq!(listed.iter().filter(|t| t["version"] == 2).count(), 4);
    }
    assert_eq!(items(&world.get("/templates").await).len(), 9);
}

/// Definitions with one fault: its pointer and its code.
fn faulty_definitions() -> Vec<(Value, &'static str, &'static str)> {
    let with = |name: &str, value: Value| {
        let mut definition = json!({ "name": "Curso", "description": "x" });
        definition[name] = value;
        definition
    };
    let field = |value: Value| with("fields", json!([{ "name": "term" }, value]));
    vec![
        (with("name", json!(null)), "/name", "missing_field"),
        (with("name", json!("  ")), "/name", "missing_field"),
        (with("name", json!(5)), "/name", "wrong_type"),
        (with("name", json!("x".repeat(201))), "/name", "too_long"),
        (with("name", json!("a\nb")), "/name", "forbidden_characters"),
        (with("description", json!(null)), "/description", "missing_field"),
        (with("description", json!("x".repeat(10_001))), "/description", "too_long"),
        (with("language", json!("fr")), "/language", "invalid_language"),
        (with("titulo", json!(1)), "/titulo", "unknown_field"),
        (with("a/b~c", json!(1)), "/a~1b~0c", "unknown_field"),
        (with("validity_months", json!(0)), "/validity_months", "out_of_range"),
        (with("validity_months", json!("12")), "/validity_months", "out_of_range"),
        (with("achievement", json!("Course")), "/achievement", "wrong_type"),
        (with("achievement", json!({ "criteria": 5 })), "/achievement/criteria", "wrong_type"),
        (with("achievement", json!({ "nivel": 5 })), "/achievement/nivel", "unknown_field"),
        (
            with("achievement", json!({ "credits_available": -1 })),
            "/achievement/credits_available",
            "invalid_credits",
        ),
        (with("fields", json!({})), "/fields", "wrong_type"),
        (field(json!("role")), "/fields/1", "wrong_type"),
        (field(json!({})), "/fields/1/name", "missing_field"),
        (field(json!({ "name": "nota" })), "/fields/1/name", "unknown_field_name"),
        (field(json!({ "name": "term" })), "/fields/1/name", "repeated_field"),
        (field(json!({ "name": "role", "required": "yes" })), "/fields/1/required", "wrong_type"),
        (
            field(json!({ "name": "role", "obligatorio": 1 })),
            "/fields/1/obligatorio",
            "unknown_field",
        ),
        (field(json!({ "name": "role", "min": 1 })), "/fields/1/min", "not_a_number_field"),
        (
            field(json!({ "name": "credits_earned", "min": 2, "max": 1 })),
            "/fields/1/max",
            "out_of_range",
        ),
        (
            field(json!({ "name": "credits_earned", "max": "5" })),
            "/fields/1/max",
            "invalid_credits",
        ),
        (
            field(json!({ "name": "credits_earned", "allowed_values": ["1"] })),
            "/fields/1/allowed_values",
            "not_a_text_field",
        ),
        (
            field(json!({ "name": "role", "allowed_values": "A" })),
            "/fields/1/allowed_values",
            "wrong_type",
        ),
        (
            field(json!({ "name": "role", "allowed_values": ["A", "A "] })),
            "/fields/1/allowed_values",
            "invalid_values",
        ),
        (
            field(json!({ "name": "role", "allowed_values": [""] })),
            "/fields/1/allowed_values",
            "invalid_values",
        ),
        (
            field(json!({ "name": "role", "allowed_values": vec!["x"; 201] })),
            "/fields/1/allowed_values",
            "invalid_values",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_definition_is_refused_with_a_pointer_to_each_fault() {
    let world = World::new().await;
    for (definition, pointer, code) in faulty_definitions() {
        one_fault(world.call("POST", "/templates", Some(&definition)).await, pointer, code);
        let path = format!("/templates/{}", world.demo.template_id);
        one_fault(world.call("PUT", &path, Some(&definition)).await, pointer, code);
    }
    // All faults at once, in both languages.
    let many = json!({ "fields": [{ "name": "nota" }], "x": 1 });
    let problem =
        world.call("POST", "/templates", Some(&many)).await.problem(400, "invalid_request");
    let pointers: Vec<&str> =
        problem["errors"].as_array().expect("errors").iter().map(|e| text(e, "pointer")).collect();
    assert_eq!(pointers, ["/name", "/description", "/fields/0/name", "/x"]);
    assert_eq!(problem["errors"][0]["message"], "Falta el campo obligatorio: name");
    let problem =
        in_english(&world, "POST", "/templates", &many).await.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["message"], "Required field missing: name");
    world.call("POST", "/templates", Some(&json!([]))).await.problem(400, "invalid_request");
    world.call("POST", "/templates", None).await.problem(400, "invalid_json");
    // No template was created or changed.
    let listed = world.get("/templates").await;
    assert_eq!(items(&listed).len(), 1);
    assert_eq!(listed["items"][0]["version"], 1);
}

/// Handles the messages of both queues, as the consumer does.
async fn drain(world: &World) {
    let app = world.stack.app();
    for queue in [&app.config.issue_queue_url, &app.config.mail_queue_url] {
        loop {
            let received =
                app.sqs.receive_message().queue_url(queue).max_number_of_messages(10).send().await;
            let messages = received.expect("messages").messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            let delivered = messages
                .iter()
                .map(|message| Delivered {
                    id: message.message_id.clone().expect("an id"),
                    receipt: message.receipt_handle.clone().expect("a receipt"),
                    body: message.body.clone().expect("a body"),
                    receives: 1,
                })
                .collect();
            let deadline = Instant::now() + Duration::from_secs(60);
            let report = consume::batch(app, delivered, deadline).await;
            assert!(report.retry.is_empty(), "{report:?}");
            for message in messages {
                let delete = app.sqs.delete_message().queue_url(queue);
                let receipt = message.receipt_handle.expect("a receipt");
                delete.receipt_handle(receipt).send().await.expect("deleted");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_keeps_the_template_version_that_it_began_with() {
    let world = World::with(Options { concurrency: 0, ..Options::in_memory() }).await;
    let definition = json!({
        "name": "Primera edición", "description": "x",
        "fields": [{ "name": "recipient_name" }, { "name": "result_value", "allowed_values": ["A"] }],
    });
    let id = template(&world, &definition).await;
    let ask = json!({ "template_id": id, "recipients": [person(1), person(2)] });
    let reply = world.call("POST", "/credentials/issue", Some(&ask)).await.expect(202).json();
    let job = text(&reply, "job_id").to_owned();
    assert_eq!(world.get(&format!("/jobs/{job}")).await["status"], "STARTED");

    // The next version refuses the recipients of the first, and then the template is archived.
    let next = json!({ "name": "Segunda edición", "description": "x" });
    let path = format!("/templates/{id}");
    world.call("PUT", &path, Some(&next)).await.expect(200);
    let under_second = issue_under(&world, &world.demo.api_key, &id, &person(3)).await;
    assert_eq!(under_second["status"], "error");
    world.call("POST", &format!("{path}/archive"), None).await.expect(200);
    drain(&world).await;

    let result = world.success(&job).await["result"].clone();
    assert_eq!((result["successful"].clone(), result["emails_sent"].clone()), (json!(2), json!(2)));
    let listed = world.get("/credentials").await;
    assert_eq!(items(&listed).len(), 2);
    for credential in items(&listed) {
        assert_eq!(credential["template_version"], 1);
        let page = format!("/credential/{}", text(credential, "credential_id"));
        let page = world.send("GET", &page, &[], "").await.expect(200).text();
        assert!(page.contains("Primera edición") && !page.contains("Segunda edición"));
    }
}
