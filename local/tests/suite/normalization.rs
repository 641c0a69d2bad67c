//! Normalization 2: content is cleaned of what nobody sees before it is compared and signed, and
//! what an earlier release issued for content as it was sent is found.

use serde_json::{Value, json};

use crate::harness::{World, person};

/// A person whose name is written in a way of its own.
fn named(n: u32, name: &str) -> Value {
    let mut person = person(n);
    person["recipient_name"] = name.into();
    person
}

fn id_of(answer: &Value) -> String {
    answer["credential_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

async fn recipient(world: &World, id: &str) -> Value {
    world.get(&format!("/credentials/{id}")).await
}

/// The name in the signed document.
async fn signed_name(world: &World, id: &str) -> String {
    let path = format!("/credential/{id}.json");
    let document = world.send("GET", &path, &[], "").await.expect(200).json();
    let names = document["credentialSubject"]["identifier"].as_array().expect("identifiers");
    let name = names.iter().find(|entry| entry["identityType"] == "name");
    name.expect("a name")["identityHash"].as_str().expect("a text").to_owned()
}

const SPELLINGS: [&str; 7] = [
    "Persona  Zorrilla",
    "Persona\u{a0}Zorrilla",
    "\u{200b}Persona Zorrilla\u{feff}",
    "Persona\nZorrilla",
    "Persona\u{3000} \u{2003}Zorrilla\u{ad}",
    "\u{202a}Persona Zorrilla\u{202c}",
    "Persona Zorrilla",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spellings_that_look_alike_are_one_credential_whichever_comes_first() {
    let world = World::new().await;
    for (n, first) in (1..).zip(SPELLINGS) {
        let issued = world.issue_one(&named(n, first)).await;
        assert_eq!(issued["duplicate"], false, "{issued}");
        let id = id_of(&issued);
        assert_eq!(recipient(&world, &id).await["recipient_name"], "Persona Zorrilla");
        assert_eq!(signed_name(&world, &id).await, "Persona Zorrilla");
        for spelling in SPELLINGS {
            let again = world.issue_one(&named(n, spelling)).await;
            assert_eq!(again["duplicate"], true, "{spelling:?} {again}");
            assert_eq!(id_of(&again), id, "{spelling:?}");
        }
        world.mail_ended(&id).await;
        assert_eq!(world.mails_now(&format!("persona{n}@ejemplo.com")).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_is_echoed_as_it_is_and_every_text_is_cleaned() {
    let world = World::new().await;
    let dirty = json!({
        "email": "\u{200b}persona1@ejemplo.com\u{a0}",
        "recipient_name": "Persona\u{a0}Zorrilla", "result_value": "A\u{200b}",
        "role": "Docente  titular", "license_number": "L\u{2003}1\u{feff}", "term": "2026\t1",
        "activity_start_date": "2026-03-21\u{200b}", "language": "es\u{feff}",
        "external_id": "acta\u{a0} 7",
        "evidence": [{
            "name": "Tesis  final", "url": "https://ejemplo.com/tesis\u{200b}",
            "description": "Uno\n\n  dos\u{a0}\u{200b}",
        }],
    });
    let issued = world.issue_one(&dirty).await;
    assert_eq!(issued["status"], "issued", "{issued}");
    assert_eq!(issued["email"], dirty["email"]);
    let shown = recipient(&world, &id_of(&issued)).await;
    for (field, clean) in [
        ("email", json!("persona1@ejemplo.com")),
        ("recipient_name", json!("Persona Zorrilla")),
        ("result_value", json!("A")),
        ("role", json!("Docente titular")),
        ("license_number", json!("L 1")),
        ("term", json!("2026 1")),
        ("activity_start_date", json!("2026-03-21")),
        ("external_id", json!("acta 7")),
        (
            "evidence",
            json!([{
                "name": "Tesis final", "url": "https://ejemplo.com/tesis",
                "description": "Uno dos",
            }]),
        ),
    ] {
        assert_eq!(shown[field], clean, "{field}");
    }
    for external_id in ["acta%207", "acta%C2%A0%207"] {
        let found = world.get(&format!("/credentials?external_id={external_id}")).await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{external_id}");
    }
    let mut clean = dirty.clone();
    clean["external_id"] = "acta 7".into();
    assert_eq!(id_of(&world.issue_one(&clean).await), id_of(&issued));
    // A text of which nothing is left is absent.
    let mut empty = person(2);
    empty["recipient_name"] = "\u{200b}".into();
    let refused = world.issue_one(&empty).await;
    assert_eq!(refused["error_codes"], json!(["nothing_visible"]), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_look_alike_are_one_credential_and_one_mail() {
    let world = World::new().await;
    let before = world.issue_one(&person(1)).await;
    let people = [
        named(1, "Persona\u{a0}Zorrilla 1"),
        named(2, "Persona  Zorrilla 2"),
        named(2, "Persona Zorrilla\u{200b} 2"),
        named(2, "Persona Zorrilla 2"),
        named(3, "\u{200b}Persona Zorrilla 3"),
        person(4),
    ];
    let job = world.start_job(&people).await;
    let result = world.success(&job).await["result"].clone();
    assert_eq!((&result["successful"], &result["duplicates"]), (&json!(6), &json!(3)), "{result}");
    assert_eq!((&result["emails_sent"], &result["emails_skipped"]), (&json!(3), &json!(3)));
    let rows = world.get(&format!("/jobs/{job}/results")).await["items"].clone();
    assert_eq!(rows[0]["credential_id"], before["credential_id"]);
    assert_eq!(rows[1]["credential_id"], rows[2]["credential_id"]);
    assert_eq!(rows[1]["credential_id"], rows[3]["credential_id"]);
    for (row, person) in rows.as_array().expect("rows").iter().zip(&people) {
        let id = id_of(row);
        assert_eq!(recipient(&world, &id).await["email"], person["email"]);
        assert_eq!(id_of(&world.issue_one(person).await), id);
        let mails = world.mails_now(person["email"].as_str().expect("an address")).await;
        assert_eq!(mails.len(), 1, "{row}");
    }
    // The credentials of the job's own rows are revoked with it.
    let body = json!({ "job_id": job, "reason": "Acta anulada" });
    let revoking = world.call("POST", "/credentials/revoke", Some(&body)).await.expect(202).json();
    let revoked = world.success(revoking["job_id"].as_str().expect("a job")).await;
    assert_eq!(revoked["result"]["successful"], 3, "{revoked}");
    assert_eq!(recipient(&world, &id_of(&rows[4])).await["status"], "revoked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_with_invisible_characters_is_read_as_it_looks() {
    let world = World::new().await;
    let options = json!({ "template_id": world.demo.template_id });
    for (file, successful, duplicates) in [
        (
            "email;nombre;calificacion\r\n\u{200b}anac9@ejemplo.com;Ana;A\r\nluisc9@ejemplo.com;Luis;B\u{200b}\r\n",
            2,
            0,
        ),
        (
            "email;nombre;calificacion\r\nc10@ejemplo.com;Ana Perez;A\r\nc10@ejemplo.com;Ana  Perez;A\r\nc10@ejemplo.com;Ana\u{a0}Perez;A\r\n",
            3,
            2,
        ),
        (
            "email;nombre;calificacion;creditos;inicio\r\nc11@ejemplo.com;\"Ana\r\nMaria Perez\";A;\u{200b}6,5;21/03/2026\u{feff}\r\n",
            1,
            0,
        ),
    ] {
        let job = world.upload("acta.csv", file.as_bytes(), &options).await;
        let status = world.file_job(&job).await;
        let result = &status["result"];
        assert_eq!(result["successful"], successful, "{status}");
        assert_eq!(result["duplicates"], duplicates, "{status}");
        let results = world.results_file(&job).await;
        assert!(!results.contains("credential_id;;"), "{results}");
    }
    let found = world.get("/credentials?email=c11@ejemplo.com").await["items"][0].clone();
    assert_eq!(found["recipient_name"], "Ana Maria Perez");
    assert_eq!(found["credits_earned"], json!(6.5));
    assert_eq!(found["activity_start_date"], "2026-03-21");
    assert_eq!(world.mails_now("c10@ejemplo.com").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_finds_what_issuing_would_find() {
    let world = World::new().await;
    let first = named(1, "Persona  Zorrilla");
    let issued = world.issue_one(&first).await;
    let people = [
        first,
        named(1, "Persona Zorrilla"),
        named(1, "Persona\u{a0}Zorrilla"),
        named(2, "Persona  Zorrilla"),
        named(2, "Persona Zorrilla"),
    ];
    let body = json!({ "template_id": world.demo.template_id, "recipients": people });
    let path = "/credentials/issue?dry_run=true";
    let report = world.call("POST", path, Some(&body)).await.expect(200).json();
    let outcomes: Vec<&Value> =
        report["recipients"].as_array().expect("rows").iter().map(|row| &row["outcome"]).collect();
    assert_eq!(outcomes, ["duplicate", "duplicate", "duplicate", "new", "duplicate"], "{report}");
    assert_eq!(report["recipients"][0]["credential_id"], issued["credential_id"]);
    let foreseen = report["recipients"][3]["credential_id"].clone();
    let job = world.start_job(&people).await;
    world.success(&job).await;
    let rows = world.get(&format!("/jobs/{job}/results")).await["items"].clone();
    assert_eq!(rows[3]["credential_id"], foreseen, "{rows}");
    assert_eq!(rows[4]["credential_id"], foreseen, "{rows}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_is_cleaned_and_found_by_either_spelling() {
    let world = World::new().await;
    let before = named(1, "Persona  Zorrilla");
    let id = id_of(&world.issue_one(&before).await);
    let path = format!("/credentials/{id}");
    let change = json!({ "recipient_name": "Persona\u{a0}Corregida\u{200b}" });
    for _ in 0..2 {
        let corrected = world.call("PATCH", &path, Some(&change)).await.expect(200).json();
        assert_eq!(corrected["recipient_name"], "Persona Corregida");
        assert_eq!(corrected["version"], 2, "the second call changes nothing");
    }
    for name in [
        "Persona  Zorrilla",
        "Persona Zorrilla",
        "Persona Corregida",
        "Persona\u{a0}Corregida\u{200b}",
        "Persona  Corregida",
    ] {
        let again = world.issue_one(&named(1, name)).await;
        assert_eq!(id_of(&again), id, "{name:?}");
        assert_eq!(again["duplicate"], true, "{name:?}");
    }
    // Nor does a correction take what another credential has, however it is spelled.
    world.issue_one(&named(1, "Otra  Persona")).await;
    for name in ["Otra Persona", "Otra  Persona", "Otra\u{a0}Persona"] {
        let change = json!({ "recipient_name": name });
        world.call("PATCH", &path, Some(&change)).await.problem(409, "conflict");
    }
}

/// Identity is that of the value as read, whatever the cell was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cell_and_the_value_that_is_read_of_it_are_one_credential() {
    let world = World::new().await;
    let options = json!({ "template_id": world.demo.template_id });
    let as_read = json!({
        "email": "persona1@ejemplo.com", "recipient_name": "Persona Zorrilla",
        "result_value": "A", "credits_earned": 6.5, "activity_start_date": "2026-03-21",
    });
    let id = id_of(&world.issue_one(&as_read).await);
    let file = "Correo;Nombre;Nota;Créditos;Inicio\r\nPersona1@Ejemplo.com;Persona  Zorrilla;A;6,50;21/3/2026\r\n";
    let job = world.upload("acta.csv", file.as_bytes(), &options).await;
    let status = world.file_job(&job).await;
    assert_eq!(status["result"]["duplicates"], 1, "{status}");
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    assert_eq!(rows["items"][0]["credential_id"], id.as_str());
}
