//! Warnings: what deserves a look is said beside faults and blocks nothing, unless `strict` names it.

use std::time::Instant;

use serde_json::{Value, json};

use crate::{
    harness::{World, check_sums, person},
    queues::{self, Queue},
    sim::Sim,
};

/// A recipient about whom there are two warnings.
fn odd() -> Value {
    json!({ "email": "ana@gmial.com", "recipient_name": "nan", "result_value": "A" })
}

fn kinds(warnings: &Value) -> Vec<(&str, u64)> {
    let all = warnings.as_array().expect("warnings").iter();
    all.map(|w| (w["kind"].as_str().expect("kind"), w["count"].as_u64().expect("count"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_recipient_is_issued_with_its_warnings_and_refused_where_strict_names_one() {
    let world = World::new().await;
    let body = |strict: Value| json!({ "template_id": world.demo.template_id, "recipients": [odd()], "strict": strict });
    let post = async |path: &str, strict: Value| {
        world.call("POST", path, Some(&body(strict))).await.expect(200).json()
    };
    let dry = "/credentials/issue?dry_run=true";
    let checked = post(dry, json!(false)).await["recipients"][0].clone();
    assert_eq!(checked["outcome"], "new", "{checked}");
    assert_eq!(checked["warning_kinds"], json!(["placeholder_name", "address_typo"]));
    for strict in [json!(true), json!(["address_typo"])] {
        let checked = post(dry, strict.clone()).await["recipients"][0].clone();
        let codes = checked["error_codes"].as_array().expect("codes");
        assert!(codes.contains(&json!("address_typo")), "{checked}");
        let refused = post("/credentials/issue", strict).await["credentials"][0].clone();
        assert_eq!(refused["status"], "error", "{refused}");
        let text = refused["errors"].to_string();
        assert!(text.contains("gmail.com") && text.contains("strict"), "{refused}");
    }
    // A kind that the recipient does not have.
    let issued = post("/credentials/issue", json!(["future_date"])).await["credentials"][0].clone();
    assert_eq!((&issued["status"], &issued["duplicate"]), (&json!("issued"), &json!(false)));
    let text = issued["warnings"][1].as_str().expect("text");
    assert!(text.contains("gmial.com") && text.contains("gmail.com"), "{issued}");
    // What was issued before is found, whatever is strict now.
    let again = post("/credentials/issue", json!(true)).await["credentials"][0].clone();
    assert_eq!(again["credential_id"], issued["credential_id"], "{again}");
    // Whoever gives no cause gets the answer of before.
    let plain = world.issue_one(&person(1)).await;
    assert!(plain.get("warnings").is_none() && plain.get("warning_kinds").is_none(), "{plain}");
    for wrong in [json!("all"), json!(["otra"]), json!(1)] {
        let refused = world.call("POST", "/credentials/issue", Some(&body(wrong.clone()))).await;
        let problem = refused.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], "/strict", "{problem}");
        let upload = json!({
            "template_id": world.demo.template_id, "file_name": "a.csv", "size": 9, "strict": wrong,
        });
        let problem =
            world.call("POST", "/uploads", Some(&upload)).await.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], "/strict", "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_and_a_file_count_their_warnings_by_kind_and_name_the_rows() {
    let world = World::new().await;
    let mut future = person(3);
    future["activity_end_date"] = "2100-01-01".into();
    let job = world.start_job(&[person(1), odd(), future]).await;
    let status = world.success(&job).await;
    let found = kinds(&status["warnings"]);
    assert_eq!(found, [("placeholder_name", 1), ("address_typo", 1), ("future_date", 1)]);
    assert_eq!(status["warnings"][2]["rows"], json!([3]), "{status}");
    assert_eq!(status["result"]["successful"], 3);
    // Each names its value, in the job and in its rows.
    let example = json!([{ "row": 2, "value": "gmial.com", "meant": "gmail.com" }]);
    assert_eq!(status["warnings"][1]["examples"], example, "{status}");
    let text = status["warnings"][1]["text"].as_str().expect("a text");
    assert!(text.ends_with("(fila 2 «gmial.com», ¿gmail.com?)"), "{text}");
    let rows = world.get(&format!("/jobs/{job}/results")).await["items"].clone();
    assert_eq!(rows[0].get("warnings"), None, "{rows}");
    assert_eq!(rows[1]["warning_kinds"], json!(["placeholder_name", "address_typo"]));
    assert_eq!(
        rows[2]["warnings"],
        json!(["El campo activity_end_date es un día futuro: 2100-01-01"])
    );
    let quiet = world.start_job(&[person(4), person(5)]).await;
    assert!(world.success(&quiet).await.get("warnings").is_none());

    // A file in a guessed encoding, a faulty row among its rows.
    let file = b"Acta;;\r\nemail;nombre;calificacion\r\njose@gmial.com;Jos\xe9 N\xfa\xf1ez;A\r\nmal@;nan;A\r\nuno@ejemplo.com;nan;A\r\n";
    for options in [json!({ "dry_run": true }), json!({})] {
        let job = world.upload("acta.csv", file, &options).await;
        let status = world.file_job(&job).await;
        check_sums(&status["result"]);
        let found = kinds(&status["warnings"]);
        assert_eq!(found, [("address_typo", 1), ("placeholder_name", 1), ("guessed_encoding", 3)]);
        let named = &status["warnings"][1];
        assert_eq!((&named["rows"], &named["lines"]), (&json!([3]), &json!([5])), "{status}");
        assert_eq!(named["examples"], json!([{ "row": 3, "line": 5, "value": "nan" }]));
        assert!(named["text"].as_str().expect("a text").ends_with("(línea 5 «nan»)"), "{named}");
        assert_eq!(status["result"]["successful"], 2, "{status}");
        let rows = world.get(&format!("/jobs/{job}/results")).await["items"].clone();
        assert_eq!(rows[2]["line"], 5, "{rows}");
        let headers = [("x-api-key", world.demo.api_key.as_str()), ("accept", "text/csv")];
        let path = format!("/api/v1/jobs/{job}/results");
        let page = world.send("GET", &path, &headers, "").await.expect(200).text();
        let ends: Vec<&str> = page.lines().filter_map(|line| line.rsplit(',').next()).collect();
        assert_eq!(ends, ["line", "3", "4", "5"], "{page}");
        assert!(page.starts_with("row,email,") && page.contains(",credential_version,line\r\n"));
        let said = "El campo «email» dice «gmial.com»: ¿quisiste decir gmail.com?";
        assert_eq!(rows[0]["warnings"], json!([said]), "in the words of the file");
    }
    // Strict about names: that row fails, and what was issued is found. About encodings: the file.
    let other = b"email;nombre;calificacion\nuno@ejemplo.com;nan;A\ndos@ejemplo.com;null;A\n";
    let strict = json!({ "strict": ["placeholder_name", "guessed_encoding"] });
    let job = world.upload("acta.csv", other, &strict).await;
    let status = world.file_job(&job).await;
    assert_eq!(
        (&status["result"]["duplicates"], &status["result"]["failed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(status["result"]["errors"][0]["code"], "placeholder_name", "{status}");
    let job = world.upload("acta.csv", file, &strict).await;
    let status = world.file_job(&job).await;
    assert_eq!(
        (&status["status"], &status["code"]),
        (&json!("FAILURE"), &json!("guessed_encoding"))
    );
}

/// What deserves a look in a request, in JSON and in CSV alike; and what is no warning but a fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_look_wrong_are_warned_of_wherever_they_come_from() {
    let world = World::new().await;
    let cases = [
        ("recipient_name", "12345", "name_without_letters"),
        ("recipient_name", "Ana Pérez (Ana María Pérez Soto)", "name_with_note"),
        ("recipient_name", "Ana Pérez <ana@ejemplo.com>", "name_is_address"),
        ("recipient_name", "Ana .", "placeholder_name"),
        ("email", "ana@gmail.co", "address_typo"),
        ("email", "www.ana@gmail.com", "address_typo"),
        ("term", "Feb-2026", "date_as_text"),
        ("term", "01/02/2026", "date_as_text"),
        ("recipient_name", "X Æ A-12", ""),
        ("email", "ana@uniandes.edu.co", ""),
        ("term", "2026-2", ""),
    ];
    let mut people = Vec::new();
    let mut csv = "email;recipient_name;result_value;term\n".to_owned();
    for (n, (field, value, _)) in cases.iter().enumerate() {
        let mut person = json!({
            "email": format!("p{n}@ejemplo.com"), "recipient_name": format!("Persona Zorrilla {n}"),
            "result_value": "A", "term": "2026-1",
        });
        person[*field] = (*value).into();
        let cells = ["email", "recipient_name", "result_value", "term"].map(|f| person[f].as_str());
        csv += &format!("{}\n", cells.map(Option::unwrap_or_default).join(";"));
        people.push(person);
    }
    let check = |rows: &Value, what: &str| {
        for (n, (_, value, kind)) in cases.iter().enumerate() {
            let row = &rows[n];
            let kinds = row["warning_kinds"].as_array().cloned().unwrap_or_default();
            let wanted: Vec<Value> = (!kind.is_empty()).then(|| json!(kind)).into_iter().collect();
            assert_eq!(kinds, wanted, "{what}: {row}");
            let text = row["warnings"][0].as_str().unwrap_or_default();
            let shown = value.strip_prefix("ana@").unwrap_or(value);
            assert!(kind.is_empty() || text.contains(shown), "{what}: {text}");
        }
    };
    let body = json!({ "template_id": world.demo.template_id, "recipients": people });
    let dry = world.call("POST", "/credentials/issue?dry_run=true", Some(&body)).await.expect(200);
    check(&dry.json()["recipients"], "dry run");
    let lines: String = people.iter().map(|person| format!("{person}\n")).collect();
    for (name, file) in [("acta.jsonl", lines), ("acta.csv", csv)] {
        let job = world.upload(name, file.as_bytes(), &json!({ "dry_run": true })).await;
        let status = world.file_job(&job).await;
        assert_eq!(status["result"]["failed"], 0, "{status}");
        check(&world.get(&format!("/jobs/{job}/results")).await["items"], name);
    }
    // What the template lists is meant.
    let template = json!({
        "name": "Curso", "description": "Curso",
        "fields": [{ "name": "recipient_name" }, { "name": "term", "allowed_values": ["Feb-2026"] }],
    });
    let made = world.call("POST", "/templates", Some(&template)).await.expect(201).json();
    let body = json!({
        "template_id": made["id"], "strict": true,
        "recipients": [{ "email": "a@ejemplo.com", "recipient_name": "Ana Soto", "term": "Feb-2026" }],
    });
    let issued = world.call("POST", "/credentials/issue", Some(&body)).await.expect(200).json();
    assert_eq!(issued["credentials"][0]["status"], "issued", "{issued}");
}

/// 250 rows in pieces, each read by another process; the event of the file comes again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn warnings_of_a_file_are_counted_once_though_its_reading_is_interrupted() {
    let mut sim = Sim::new(0).await;
    let mut file = "email,name,grade\n".to_owned();
    let mut people = Vec::new();
    for n in 1..=250 {
        let email = format!("persona{n}@gmial.com");
        file += &format!("{email},Persona Zorrilla {n},A\n");
        people.push(json!({ "email": email, "result_value": "A" }));
    }
    sim.upload(file.as_bytes(), &people).await.expect("uploaded");
    let events = queues::take_exactly(&sim.world, Queue::Uploads, 1).await;
    let body = events[0]["body"].as_str().expect("body").to_owned();
    let app = sim.app();
    unicreda::jobs::upload::handle(&app, &body, Instant::now()).await.expect("handled");
    let job = sim.world.get("/jobs").await["items"][0]["job_id"].as_str().expect("id").to_owned();
    let status = sim.world.get(&format!("/jobs/{job}")).await;
    let read = status["progress"]["rows_read"].as_u64().expect("rows");
    assert!((1..250).contains(&read), "{status}");
    assert_eq!(kinds(&status["warnings"]), [("address_typo", read)], "{status}");
    // The same event again, and two at once: no row counts twice.
    for _ in 0..2 {
        unicreda::jobs::upload::handle(&app, &body, Instant::now()).await.expect("handled");
    }
    sim.drain().await.expect("it ends");
    let status = sim.world.get(&format!("/jobs/{job}")).await;
    assert_eq!(kinds(&status["warnings"]), [("address_typo", 250)], "{status}");
    let rows = status["warnings"][0]["rows"].as_array().expect("rows");
    assert_eq!((rows.len(), &rows[99]), (100, &json!(100)));
    sim.finish().await.expect("it ends right");
}
