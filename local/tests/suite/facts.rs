//! Facts of a template's own: public ones are signed and shown, private ones are kept for the organization.

use serde_json::{Value, json};

use crate::{
    erasure::scan::{Marks, places},
    harness::World,
    verifiers::Verifiers,
};

/// A number that only one student has.
const RUT: &str = "98.765.432-K";

fn definition() -> Value {
    json!({
        "name": "Diplomado", "description": "Ciento veinte horas.",
        "fields": [{ "name": "recipient_name", "required": true }, { "name": "result_value" }],
        "custom_fields": [
            { "key": "hours", "label": { "es": "Horas cronológicas", "en": "Clock hours" }, "type": "number", "required": true },
            { "key": "honors", "label": { "es": "Distinción", "en": "Honours" }, "type": "list",
              "values": ["Máxima", "Unánime"] },
            { "key": "programme", "label": "Programa", "type": "text" },
            { "key": "rut", "label": "RUT", "type": "text", "private": true },
        ],
    })
}

async fn template(world: &World) -> Value {
    world.call("POST", "/templates", Some(&definition())).await.expect(201).json()
}

fn graduate(custom: &Value) -> Value {
    json!({ "email": "ana@ejemplo.com", "recipient_name": "Ana Rojas", "custom": custom })
}

async fn issue(world: &World, template: &Value, recipient: &Value) -> Value {
    let body = json!({ "template_id": template["id"], "recipients": [recipient] });
    let answer = world.call("POST", "/credentials/issue", Some(&body)).await.expect(200).json();
    answer["credentials"][0].clone()
}

fn id_of(issued: &Value) -> String {
    issued["credential_id"].as_str().unwrap_or_else(|| panic!("{issued}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_facts_are_signed_and_shown_and_private_ones_are_neither() {
    let world = World::new().await;
    let made = template(&world).await;
    assert_eq!(made["custom_fields"][1]["values"], json!(["Máxima", "Unánime"]));
    assert_eq!(made["custom_fields"][2]["label"], json!({ "es": "Programa", "en": "Programa" }));
    let path = format!("/templates/{}", made["id"].as_str().expect("an id"));
    assert_eq!(world.call("PUT", &path, Some(&made)).await.expect(200).json(), made, "sent back");

    let facts =
        json!({ "hours": 120.5, "honors": "Máxima", "programme": "Magíster en Datos", "rut": RUT });
    let one = graduate(&facts);
    let id = id_of(&issue(&world, &made, &one).await);
    let json_path = format!("/credential/{id}.json");
    let document = world.send("GET", &json_path, &[], "").await.expect(200);
    let signed = document.json();
    let results = signed["credentialSubject"]["result"].as_array().expect("results");
    let values: Vec<&Value> = results.iter().map(|result| &result["value"]).collect();
    assert_eq!(values, [&json!("Máxima"), &json!("120.5"), &json!("Magíster en Datos")]);
    let described = signed["credentialSubject"]["achievement"]["resultDescription"].clone();
    let described = described.as_array().expect("descriptions");
    assert_eq!(described.len(), 3);
    assert!(described.iter().any(|one| one["name"] == "Horas cronológicas"), "{described:?}");
    for result in results {
        let of = &result["resultDescription"];
        assert!(described.iter().any(|one| one["id"] == *of), "{result}");
    }
    let mut verifiers = Verifiers::of(&world).await;
    assert_eq!(verifiers.say(&signed).await, "ok");

    // Whoever has a key with `read` gets all; nobody else gets the private one.
    let shown = world.get(&format!("/credentials/{id}")).await;
    assert_eq!(shown["custom"], facts);
    let (path, accept) = (format!("/credential/{id}?lang=en"), [("accept", "text/html")]);
    let page = world.send("GET", &path, &accept, "").await.expect(200).text();
    for part in ["Clock hours", "120.5", "Honours", "Máxima", "Magíster en Datos"] {
        assert!(page.contains(part), "{part}");
    }
    let mail = &world.mails("ana@ejemplo.com", 1).await[0];
    let path = format!("/credential/{id}/certificate.pdf");
    let accept = [("accept", "application/pdf")];
    let pdf = world.send("GET", &path, &accept, "").await.expect(200);
    assert!(!page.contains("RUT") && !page.contains(RUT));
    assert!(!document.text().contains(RUT) && !document.text().contains("RUT"));
    assert!(!mail.to_string().contains(RUT) && !String::from_utf8_lossy(&pdf.body).contains(RUT));

    // A private fact makes no identity, and its first value stays; a public one does.
    let mut other = facts.clone();
    other["rut"] = "1-9".into();
    let same = issue(&world, &made, &graduate(&other)).await;
    assert_eq!((&same["duplicate"], &same["credential_id"]), (&json!(true), &json!(id)));
    assert_eq!(world.get(&format!("/credentials/{id}")).await["custom"]["rut"], RUT);
    other["hours"] = 121.into();
    assert_ne!(id_of(&issue(&world, &made, &graduate(&other)).await), id);
    let mut reordered = graduate(
        &json!({ "rut": RUT, "programme": " Magíster  en Datos ", "honors": "Máxima", "hours": 120.50 }),
    );
    reordered["custom"]["none"] = Value::Null;
    assert_eq!(issue(&world, &made, &reordered).await["duplicate"], true);

    // A correction changes what it names, and leaves the rest.
    let path = format!("/credentials/{id}");
    let change = json!({ "custom": { "hours": 130, "honors": null, "rut": "1-9" } });
    world.call("PATCH", &path, Some(&change)).await.expect(200);
    let corrected = world.get(&path).await;
    assert_eq!(
        corrected["custom"],
        json!({ "hours": 130, "programme": "Magíster en Datos", "rut": "1-9" })
    );
    let event =
        &corrected["history"].as_array().expect("a history").last().expect("an event")["fields"];
    assert_eq!(*event, json!(["custom.honors", "custom.hours", "custom.rut"]), "{corrected}");
    let signed = world.send("GET", &json_path, &[], "").await.expect(200).json();
    assert_eq!(signed["credentialSubject"]["result"].as_array().map(Vec::len), Some(2));
    assert_eq!(verifiers.say(&signed).await, "ok");
    let wrong = json!({ "custom": { "hours": null } });
    world.call("PATCH", &path, Some(&wrong)).await.problem(400, "invalid_request");

    // Erased with the person, wherever it was.
    let marks = Marks::of(&[RUT, "Magíster en Datos"]);
    assert!(!places(&world, &marks).await.is_empty(), "they are somewhere");
    let order = json!({ "email": "ana@ejemplo.com", "reason": "Lo pidió" });
    let job = world.call("POST", "/people/erase", Some(&order)).await.expect(202).json();
    let path = format!("/jobs/{}", job["job_id"].as_str().expect("a job"));
    world
        .until("the person is erased", async || {
            (world.get(&path).await["status"] == "SUCCESS").then_some(())
        })
        .await;
    assert_eq!(places(&world, &marks).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facts_of_ones_own_are_columns_of_files() {
    let world = World::new().await;
    let made = template(&world).await;
    let path = format!("/api/v1/templates/{}/csv", made["id"].as_str().expect("an id"));
    let key = [("x-api-key", world.demo.api_key.as_str())];
    let example = world.send("GET", &path, &key, "").await.expect(200).text();
    assert!(
        example
            .lines()
            .next()
            .expect("a header")
            .ends_with("Horas cronológicas;Distinción;Programa;RUT"),
        "{example}"
    );

    let file = "Correo;Nombre completo;horas cronologicas;HONOURS;programme;RUT\r\n\
        ana@ejemplo.com;Ana Rojas;120,5;máxima;Datos;98.765.432-K\r\n\
        luz@ejemplo.com;Luz Soto;muchas;Unánime;Datos;1-9\r\n\
        eva@ejemplo.com;Eva Paz;;Unánime;Datos;1-9\r\n\
        sol@ejemplo.com;Sol Paz;80;Maxima;Datos;1-9\r\n";
    let options = json!({ "template_id": made["id"] });
    let job = world.upload("notas.csv", file.as_bytes(), &options).await;
    let ended = world.file_job(&job).await;
    assert_eq!(ended["result"]["successful"], 1, "{ended}");
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    let errors: Vec<&str> = rows["items"]
        .as_array()
        .expect("rows")
        .iter()
        .skip(1)
        .map(|row| row["error"].as_str().expect("an error"))
        .collect();
    assert!(
        errors[0].contains("horas cronologicas") || errors[0].contains("custom.hours"),
        "{errors:?}"
    );
    assert!(
        errors[1].contains("custom.hours") || errors[1].contains("horas cronologicas"),
        "{errors:?}"
    );
    assert!(errors[2].contains("Máxima"), "the value that was meant: {errors:?}");
    let id = rows["items"][0]["credential_id"].as_str().expect("an id");
    let shown = world.get(&format!("/credentials/{id}")).await;
    assert_eq!(
        shown["custom"],
        json!({ "hours": 120.5, "honors": "Máxima", "programme": "Datos", "rut": RUT })
    );

    // The results file has them all, and can be sent as it is.
    let results = world.results_file(&job).await;
    assert!(
        results.contains("horas cronologicas (custom.hours)") && results.contains(RUT),
        "{results}"
    );
    let again = world.upload("resultados.csv", results.as_bytes(), &options).await;
    let again = world.file_job(&again).await;
    assert_eq!(
        (&again["result"]["duplicates"], &again["result"]["failed"]),
        (&json!(1), &json!(3)),
        "{again}"
    );

    // So does JSON, under `custom`.
    let rows = format!(
        "{}\n",
        graduate(&json!({ "hours": 120.5, "honors": "Máxima", "programme": "Datos", "rut": RUT }))
    );
    let job = world.upload("notas.jsonl", rows.as_bytes(), &options).await;
    assert_eq!(world.file_job(&job).await["result"]["duplicates"], 1);
    let results = world.results_file(&job).await;
    assert!(results.lines().next().expect("a header").contains("custom.hours"), "{results}");
    assert!(results.contains(RUT), "{results}");

    // In a dry run, and in the results of one, facts are under `custom`, as a line sends them.
    let dry = json!({ "template_id": made["id"], "dry_run": true });
    let job = world.upload("notas.jsonl", rows.as_bytes(), &dry).await;
    world.file_job(&job).await;
    let seen = world.get(&format!("/jobs/{job}/results")).await["items"][0]["recipient"].clone();
    assert_eq!((&seen["custom"]["rut"], seen.get("private")), (&json!(RUT), None), "{seen}");

    facts_are_corrected(&world, &made, id).await;
}

/// Corrects the hours of Ana's credential by files.
async fn facts_are_corrected(world: &World, made: &Value, id: &str) {
    let options = json!({ "template_id": made["id"] });
    // A row that names a credential and says another fact names the fact's column, and what it says.
    let file = format!(
        "Correo;Nombre completo;Horas cronológicas;credential_id\r\nana@ejemplo.com;Ana Rojas;77;{id}\r\n"
    );
    let job = world.upload("otras.csv", file.as_bytes(), &options).await;
    world.file_job(&job).await;
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    let error = rows["items"][0]["error"].as_str().expect("an error");
    assert!(error.contains("«Horas cronológicas» dice «77»"), "{error}");

    // A file that corrects says what it changes.
    let row = json!({ "credential_id": id, "email": "ana@ejemplo.com", "custom": { "hours": 90 } });
    let correct = json!({ "template_id": made["id"], "correct": true });
    let job = world.upload("cambios.jsonl", row.to_string().as_bytes(), &correct).await;
    assert_eq!(world.file_job(&job).await["result"]["corrected"], 1);
    assert_eq!(world.get(&format!("/credentials/{id}")).await["custom"]["hours"], 90);
    assert_eq!(world.get(&format!("/credentials/{id}")).await["custom"]["programme"], "Datos");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_fact_may_be_is_said_with_its_place() {
    let world = World::new().await;
    let made = template(&world).await;
    for (custom, code, field) in [
        (json!({}), "missing_field", "custom.hours"),
        (json!({ "hours": 1, "rutt": "x" }), "field_not_in_template", "custom.rutt"),
        (json!({ "hours": "muchas" }), "wrong_type", "custom.hours"),
        (json!({ "hours": -1 }), "invalid_number", "custom.hours"),
        (json!({ "hours": "40,5" }), "wrong_type", "custom.hours"),
        (json!({ "hours": true }), "wrong_type", "custom.hours"),
        (json!({ "hours": 1, "programme": {} }), "wrong_type", "custom.programme"),
        (json!({ "hours": 1, "honors": "Mínima" }), "value_not_allowed", "custom.honors"),
        (json!({ "hours": 1, "programme": "x".repeat(201) }), "too_long", "custom.programme"),
        (json!({ "hours": 1, "Programa": "x" }), "unknown_field", "custom.Programa"),
        (json!([1]), "wrong_type", "custom"),
        (json!({ "hours": 1, "programme": "JosÃ©" }), "damaged_text", "custom.programme"),
        (json!({ "hours": 1, "rut": "JosÃ©" }), "damaged_text", "custom.rut"),
    ] {
        let refused = issue(&world, &made, &graduate(&custom)).await;
        assert_eq!(refused["error_codes"][0], code, "{custom}: {refused}");
        let text = refused["errors"][0].as_str().expect("a text");
        assert!(text.contains(field), "{custom}: {text}");
    }
    // Digits are a number, and a number for a text is that text: one content, one credential.
    let said = json!({ "hours": "040.50", "programme": 2026, "rut": 7 });
    let one = issue(&world, &made, &graduate(&said)).await;
    let path = format!("/credentials/{}", id_of(&one));
    let kept = json!({ "hours": 40.5, "programme": "2026", "rut": "7" });
    assert_eq!(world.get(&path).await["custom"], kept);
    assert_eq!(issue(&world, &made, &graduate(&kept)).await["duplicate"], true);

    for (change, pointer, code) in [
        (
            (|f| f[0]["key"] = "Horas".into()) as fn(&mut Value),
            "/custom_fields/0/key",
            "invalid_key",
        ),
        (|f| f[0]["key"] = "role".into(), "/custom_fields/0/key", "invalid_key"),
        (|f| f[1]["key"] = "hours".into(), "/custom_fields/1/key", "repeated_field"),
        (|f| f[1]["values"] = json!([]), "/custom_fields/1/values", "invalid_values"),
        (|f| f[0]["values"] = json!(["x"]), "/custom_fields/0/values", "not_a_list_field"),
        (|f| f[0]["type"] = "date".into(), "/custom_fields/0/type", "invalid_values"),
        (|f| f[0]["label"] = Value::Null, "/custom_fields/0/label", "missing_field"),
        (|f| f[0]["label"] = json!({}), "/custom_fields/0/label/es", "missing_field"),
        (|f| f[0]["label"] = "Calificación".into(), "/custom_fields/0/label", "label_taken"),
        (|f| f[0]["label"]["en"] = "EMAIL".into(), "/custom_fields/0/label", "label_taken"),
        (|f| f[0]["label"] = "credential_id".into(), "/custom_fields/0/label", "label_taken"),
        (|f| f[0]["label"] = "# Horas".into(), "/custom_fields/0/label", "label_taken"),
        (|f| f[0]["label"] = "Horas (custom.rut)".into(), "/custom_fields/0/label", "label_taken"),
        (|f| f[0]["label"] = "🎓".into(), "/custom_fields/0/label", "label_taken"),
        (|f| f[0]["label"] = " distincion ".into(), "/custom_fields/0/label", "label_taken"),
        (|f| f[2]["label"] = "Rut".into(), "/custom_fields/2/label", "label_taken"),
        (|f| f[2]["key"] = "credential_version".into(), "/custom_fields/2/key", "key_taken"),
        (|f| f[2]["key"] = "given_name".into(), "/custom_fields/2/key", "key_taken"),
        (|f| f[0]["hidden"] = true.into(), "/custom_fields/0/hidden", "unknown_field"),
        (
            |f| {
                *f = (0..11)
                    .map(|n| json!({ "key": format!("k{n}"), "label": "x", "type": "text" }))
                    .collect()
            },
            "/custom_fields",
            "too_many",
        ),
    ] {
        let mut body = definition();
        change(&mut body["custom_fields"]);
        let errors = world
            .call("POST", "/templates", Some(&body))
            .await
            .problem(400, "invalid_request")["errors"]
            .clone();
        assert_eq!(
            (&errors[0]["pointer"], &errors[0]["code"]),
            (&json!(pointer), &json!(code)),
            "{errors}"
        );
    }
}

/// A version that makes a private fact public, or the other way round, would tell the same recipients apart
/// otherwise, and issue and mail a list again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_a_fact_is_private_does_not_change() {
    let world = World::new().await;
    let made = template(&world).await;
    let path = format!("/templates/{}", made["id"].as_str().expect("an id"));
    let with = |private: bool| {
        let mut body = definition();
        body["custom_fields"][3]["private"] = private.into();
        body
    };
    let without = {
        let mut body = definition();
        body["custom_fields"].as_array_mut().expect("facts").pop();
        body
    };
    let refused = async |body: &Value| {
        let problem = world.call("PUT", &path, Some(body)).await.problem(400, "invalid_request");
        let error = &problem["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!("/custom_fields/3/private"), &json!("not_changeable")),
            "{problem}"
        );
    };
    refused(&with(false)).await;
    // Nor by leaving it out for a version, or two.
    world.call("PUT", &path, Some(&without)).await.expect(200);
    let mut renamed = without.clone();
    renamed["name"] = "Diplomado nuevo".into();
    world.call("PUT", &path, Some(&renamed)).await.expect(200);
    refused(&with(false)).await;
    let last = world.call("PUT", &path, Some(&with(true))).await.expect(200).json();
    assert_eq!(last["version"], 4);
}

/// The example of a template, as it is downloaded, is issued, in both languages; labels are kept without what nobody sees.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_of_a_template_with_facts_is_issued() {
    let world = World::new().await;
    let mut body = definition();
    body["custom_fields"][0]["label"]["es"] = "Horas  lectivas\u{200e}".into();
    let made = world.call("POST", "/templates", Some(&body)).await.expect(201).json();
    assert_eq!(made["custom_fields"][0]["label"]["es"], "Horas lectivas");
    for lang in ["es", "en"] {
        let path = format!("/api/v1/templates/{}/csv", made["id"].as_str().expect("an id"));
        let key = [("x-api-key", world.demo.api_key.as_str()), ("accept-language", lang)];
        let example = world.send("GET", &path, &key, "").await.expect(200).text();
        let options = json!({ "template_id": made["id"], "strict": true });
        let job = world.upload("ejemplo.csv", example.as_bytes(), &options).await;
        let ended = world.file_job(&job).await;
        assert_eq!(ended["result"]["failed"], 0, "{example}: {ended}");
    }
}
