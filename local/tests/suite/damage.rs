//! Damaged texts: refused wherever they come, unless their content was issued before.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json, value::RawValue};
use unicreda::domain::{
    identity,
    ids::{Mode, OrgId, TemplateId},
    recipient::Entry,
};

use crate::harness::{World, person};

fn named(n: u32, name: &str) -> Value {
    let mut person = person(n);
    person["recipient_name"] = name.into();
    person
}

/// Names that were damaged, and a part of what the fault says.
const DAMAGED: [(&str, &str); 8] = [
    ("JosÃ© NÃºÃ±ez", "José Núñez"),
    ("Mar’a Mu–oz", "Mar’a Mu–oz"),
    ("P\u{fffd}rez", "ha perdido letras"),
    ("Mu?oz", "ha perdido letras"),
    ("Sean O&#039;Brien", "Sean O'Brien"),
    ("Ãngel Ã\u{81}lvarez", "Álvarez"),
    ("Ana\u{e0041}\u{e007f} Soto", "nadie ve (U+E0041) en «Ana Soto»"),
    ("Ana So\u{2062}to", "nadie ve (U+2062) en «Ana Soto»"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_text_is_refused_at_once_in_a_job_and_in_a_dry_run() {
    let world = World::new().await;
    let people: Vec<Value> = (1..).zip(DAMAGED).map(|(n, (name, _))| named(n, name)).collect();
    for (person, (name, says)) in people.iter().zip(DAMAGED) {
        let answer = world.issue_one(person).await;
        assert_eq!(answer["status"], "error", "{name}: {answer}");
        assert_eq!(answer["error_codes"], json!(["damaged_text"]), "{name}");
        let text = answer["errors"][0].as_str().expect("a text");
        assert!(text.contains("recipient_name") && text.contains(says), "{text}");
    }
    let body = json!({ "template_id": world.demo.template_id, "recipients": people });
    let path = "/credentials/issue?dry_run=true";
    let report = world.call("POST", path, Some(&body)).await.expect(200).json();
    assert_eq!(report["invalid"], 8, "{report}");
    let mut list = people.clone();
    list.push(named(9, "Ãlves"));
    let result = world.run_job(&list).await;
    assert_eq!((&result["failed"], &result["successful"]), (&json!(8), &json!(1)), "{result}");
    assert!(result["errors"][0]["error"].as_str().expect("a text").contains("José Núñez"));
    // Other fields than the name, and the fault of each.
    let mut several = person(10);
    several["role"] = "IngenierÃ\u{ad}a".into();
    several["evidence"] = json!([{ "name": "Tesis", "description": "EducaciÃ³n" }]);
    let answer = world.issue_one(&several).await;
    assert_eq!(answer["error_codes"], json!(["damaged_text", "damaged_text"]), "{answer}");
    assert!(answer["errors"][1].as_str().expect("a text").contains("evidence[0].description"));
    assert_eq!(world.get("/credentials").await["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_text_in_a_file_is_its_rows_fault() {
    let world = World::new().await;
    let options = json!({ "template_id": world.demo.template_id });
    // A table's column as it calls it; JSON has the API's names.
    for (name, file, field) in [
        ("twice.csv", "email;nombre;calificacion\njose@ejemplo.com;JosÃ© NÃºÃ±ez;A\n", "«nombre»"),
        (
            "entities.csv",
            "email;nombre;calificacion\nsean@ejemplo.com;\"Sean O&#039;Brien\";A\n",
            "«nombre»",
        ),
        (
            "lost.jsonl",
            "{\"email\":\"a5@ejemplo.com\",\"recipient_name\":\"P\\ufffdrez\",\"result_value\":\"A\"}\n",
            "recipient_name",
        ),
    ] {
        let job = world.upload(name, file.as_bytes(), &options).await;
        let status = world.file_job(&job).await;
        assert_eq!(status["result"]["failed"], 1, "{name}: {status}");
        let results = world.results_file(&job).await;
        assert!(results.contains(&format!("El campo {field}")), "{results}");
    }
    assert_eq!(world.get("/credentials").await["items"], json!([]));
}

/// What a release that did not judge issued for a damaged text is found: at once, in a job, in a
/// dry run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_text_that_was_issued_before_is_found() {
    let world = World::new().await;
    let issued = world.issue_one(&named(1, "José Núñez")).await["credential_id"].clone();
    let damaged = named(1, "JosÃ© NÃºÃ±ez");
    assert_eq!(world.issue_one(&damaged).await["status"], "error");

    let app = world.stack.app();
    let raw = RawValue::from_string(damaged.to_string()).expect("JSON");
    let sent = Entry::parse(&raw).recipient.expect("a recipient");
    let org = OrgId::parse(local::demo::ORGANIZATION).expect("a name");
    let secret = app.catalog.id_secret(&org).await.expect("a secret");
    let template = TemplateId::parse(&world.demo.template_id).expect("an id");
    let id = identity::of(&secret, &org, Mode::Live, template, &sent).id;
    let put = app.dynamodb.put_item().table_name(&app.config.credentials_table);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    put.item("id", text(&id.to_string()))
        .item("v", AttributeValue::N("1".to_owned()))
        .item("alias_of", text(issued.as_str().expect("an id")))
        .send()
        .await
        .expect("an alias is put");

    let again = world.issue_one(&damaged).await;
    assert_eq!((&again["credential_id"], &again["duplicate"]), (&issued, &json!(true)), "{again}");
    let job = world.start_job(&[damaged.clone(), named(2, "Ãlves")]).await;
    assert_eq!(world.success(&job).await["result"]["duplicates"], 1);
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    assert_eq!(rows["items"][0]["credential_id"], issued);
    let body = json!({ "template_id": world.demo.template_id, "recipients": [damaged] });
    let path = "/credentials/issue?dry_run=true";
    let report = world.call("POST", path, Some(&body)).await.expect(200).json();
    assert_eq!(report["duplicates"], 1, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_only_look_odd_are_issued_and_a_member_keeps_its_name() {
    let world = World::new().await;
    let odd =
        ["Ānanda", "Ôku", "Nguyễn", "Nan", "Null", "D'Ávila", "李", "Ãlves", "JoÃo", "Gal·la"];
    let people: Vec<Value> = (1..).zip(odd).map(|(n, name)| named(n, name)).collect();
    let result = world.run_job(&people).await;
    assert_eq!(result["successful"], 10, "{result}");
    // A member is never refused for a name that the profile has.
    let member = json!({ "name": "JosÃ© NÃºÃ±ez" });
    world.call("PUT", "/members/jose@demo.example", Some(&member)).await.expect(201);
    let sent = json!({ "email": "jose@demo.example", "result_value": "A" });
    assert_eq!(world.issue_one(&sent).await["status"], "issued");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_takes_no_damaged_text_and_mends_one() {
    let world = World::new().await;
    let id = world.issue_one(&person(1)).await["credential_id"].as_str().expect("id").to_owned();
    let path = format!("/credentials/{id}");
    let change = json!({ "recipient_name": "JosÃ©" });
    let refused = world.call("PATCH", &path, Some(&change)).await.problem(400, "invalid_request");
    assert_eq!(refused["errors"][0]["code"], "damaged_text", "{refused}");
    let change = json!({ "recipient_name": "José" });
    world.call("PATCH", &path, Some(&change)).await.expect(200);
}
