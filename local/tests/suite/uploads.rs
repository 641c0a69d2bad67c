//! Files: from the bucket to a job and its results, as people have them.

use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};

use crate::{
    faults::Fault,
    harness::{World, check_sums, person},
    queues::{self, Queue},
    sim::Sim,
};

/// A file of valid rows, as the API names its columns.
fn file_of(rows: std::ops::RangeInclusive<u32>) -> String {
    let mut file = "email,recipient_name,result_value\n".to_owned();
    for n in rows {
        let person = person(n);
        let text = |name: &str| person[name].as_str().expect("text").to_owned();
        file += &format!("{},{},{}\n", text("email"), text("recipient_name"), text("result_value"));
    }
    file
}

/// Puts a file where another system does; its key.
async fn drop_file(world: &World, name: &str, file: String) -> String {
    let files = world.stack.app().files.as_ref().expect("files");
    let key = format!("incoming/live/demo/{}/{name}", world.demo.template_id);
    let put = files.client().put_object().bucket(files.bucket()).key(&key);
    put.body(ByteStream::from(file.into_bytes())).send().await.expect("put");
    key
}

/// Puts a file of three rows there; the bucket's event.
async fn told_of(world: &World, name: &str) -> String {
    drop_file(world, name, file_of(1..=3)).await;
    let events = queues::take_exactly(world, Queue::Uploads, 1).await;
    events[0]["body"].as_str().expect("body").to_owned()
}

/// A job of the only organization, by its place in the list.
async fn job_at(world: &World, place: usize) -> String {
    let jobs = world.get("/jobs").await;
    jobs["items"][place]["job_id"].as_str().expect("id").to_owned()
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_start_matches('\u{feff}').lines().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_out_of_excel_becomes_a_job_whose_results_can_be_corrected_and_uploaded_again() {
    let world = World::new().await;
    // Semicolons, CRLF, Windows-1252, dates and decimals of Spanish, a column to be left alone.
    let mut file = b"Calificaci\xf3n;Correo electr\xf3nico;Apellidos;Nombre;Cr\xe9ditos;Fecha de inicio;#RUT;;\r\n".to_vec();
    file.extend_from_slice(b"A;jose@ejemplo.com;N\xfa\xf1ez;Jos\xe9;6,0;15/11/2026;1-9;;\r\n");
    file.extend_from_slice(b"E;eva@ejemplo.com;Soto;Eva;5,5;;2-7;;\r\n");
    file.extend_from_slice(b"B;'=mal@ejemplo.com;Paz;Luz;5;;3-5;;\r\n;;;;;;;;\r\n\r\n");
    file.extend_from_slice(b"B;ana.rojas@demo.example;;;5;;=1+1;;\r\n;;;;;;;;\r\n");
    let job = world.upload("acta final.csv", &file, &json!({})).await;
    let status = world.file_job(&job).await;
    let read = json!({
        "name": "acta final.csv", "size": file.len(), "encoding": "windows-1252",
        "encoding_guessed": true, "header_line": 1,
    });
    assert_eq!(status["file"], read);
    assert_eq!(status["progress"]["rows_read"], 4);
    let result = &status["result"];
    check_sums(result);
    assert_eq!((&result["total"], &result["successful"]), (&json!(4), &json!(3)));
    assert_eq!(result["internal_count"], 1);
    assert_eq!(
        result["errors"][0]["error"],
        "Calificacion invalida. Valores permitidos: A, B, C, D, F. La columna «Calificación» dice «E»"
    );
    let credentials = world.get("/credentials?email=jose@ejemplo.com").await;
    let issued = &credentials["items"][0];
    assert_eq!(issued["recipient_name"], "José Núñez");
    assert_eq!(
        (&issued["credits_earned"], &issued["activity_start_date"]),
        (&json!(6), &json!("2026-11-15"))
    );

    let results = world.results_file(&job).await;
    assert!(results.starts_with('\u{feff}'));
    let rows = lines(&results);
    assert_eq!(
        rows[0],
        "Calificación;Correo electrónico;Apellidos;Nombre;Créditos;Fecha de inicio;#RUT;row;line;status;credential_id;credential_url;recipient_type;duplicate;email_status;error;email_error;email_detail;credential_version"
    );
    assert_eq!(rows.len(), 5, "{results}");
    assert!(
        rows[1].starts_with("A;jose@ejemplo.com;Núñez;José;6,0;15/11/2026;1-9;1;2;issued;"),
        "{results}"
    );
    assert!(rows[2].contains(";2;3;failed;;;;;;Calificacion invalida"), "{results}");
    assert!(rows[3].starts_with("B;'=mal@ejemplo.com;"), "{results}");
    assert!(rows[4].starts_with("B;ana.rojas@demo.example;;;5;;'=1+1;4;7;issued;"), "{results}");

    // The faults are corrected, and the file is uploaded as it is.
    let corrected = results.replace("E;eva@", "D;eva@");
    let again = world.upload("acta final.csv", corrected.as_bytes(), &json!({})).await;
    assert_ne!(again, job);
    let result = world.file_job(&again).await["result"].clone();
    assert_eq!((&result["successful"], &result["duplicates"]), (&json!(4), &json!(3)), "{result}");
    let again = world.results_file(&again).await;
    assert_eq!(lines(&again)[0], rows[0], "the new results replace the earlier ones");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_wrong_as_a_whole_fails_with_its_place_and_issues_nothing() {
    let world = World::new().await;
    for (bytes, code, place, text) in [
        (
            &b"email,name,RUT,grade\na@ejemplo.com,A,1-9,A\n"[..],
            "unknown_column",
            (json!(1), json!(3)),
            "Línea 1, columna 3 (C): No se reconoce la columna «RUT»",
        ),
        (
            b"email,name,grade\na@ejemplo.com,\"A,A\nb@ejemplo.com,B,B\n",
            "unclosed_quote",
            (json!(2), Value::Null),
            "Línea 2: Hay unas comillas",
        ),
        (b"PK\x03\x04", "sheet_unreadable", (Value::Null, Value::Null), "La planilla está dañada"),
        (
            b"email,name\na@ejemplo.com,A\n",
            "missing_column",
            (json!(1), Value::Null),
            "Línea 1: Falta la columna «Calificación», obligatoria",
        ),
    ] {
        let job = world.upload("acta.csv", bytes, &json!({})).await;
        let status = world.file_job(&job).await;
        assert_eq!(status["status"], "FAILURE");
        assert_eq!(status["code"], code, "{status}");
        assert_eq!((&status["line"], &status["column"]), (&place.0, &place.1), "{status}");
        assert!(status["error"].as_str().expect("text").starts_with(text), "{status}");
        assert!(status.get("result").is_none());
        let retry = world.call("POST", &format!("/jobs/{job}/retry"), None).await;
        retry.problem(409, "conflict");
        let file = world.call("GET", &format!("/jobs/{job}/results/file"), None).await;
        file.problem(404, "not_found");
    }
    assert_eq!(world.get("/credentials").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_another_system_drops_is_one_job_however_often_its_event_comes() {
    let world = World::with(queues::unread()).await;
    let app = world.stack.app();
    let body = told_of(&world, "2026/acta nº 1 + más & cía.csv").await;
    let later = Instant::now() + Duration::from_secs(600);
    for _ in 0..3 {
        unicreda::jobs::upload::handle(app, &body, later).await.expect("handled");
    }
    // A test event of S3, a key outside of every organization, an unknown organization.
    let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b" });
    unicreda::jobs::upload::handle(app, &test.to_string(), later).await.expect("handled");
    for other in ["incoming/live/nadie/", "incoming/x/demo/", "otro/live/demo/"] {
        let body = body.replace("incoming/live/demo/", other);
        unicreda::jobs::upload::handle(app, &body, later).await.expect("handled");
    }
    queues::drain(&world).await;
    let jobs = world.get("/jobs").await;
    assert_eq!(jobs["items"].as_array().expect("jobs").len(), 1, "{jobs}");
    let job = jobs["items"][0]["job_id"].as_str().expect("id");
    let status = world.get(&format!("/jobs/{job}")).await;
    assert_eq!((&status["status"], &status["result"]["total"]), (&json!("SUCCESS"), &json!(3)));
    assert_eq!(status["file"]["name"], "acta nº 1 + más & cía.csv");
}

/// 3,000 rows, and no time: each invocation reads on from where the one before stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_resumes_where_the_functions_time_ended() {
    let mut sim = Sim::new(0).await;
    sim.with_shards_of(10);
    let people: Vec<Value> = (1..=250).map(person).collect();
    sim.upload(file_of(1..=250).as_bytes(), &people).await.expect("uploaded");
    let events = queues::take_exactly(&sim.world, Queue::Uploads, 1).await;
    let body = events[0]["body"].as_str().expect("body").to_owned();
    let app = sim.app();
    unicreda::jobs::upload::handle(&app, &body, Instant::now()).await.expect("handled");
    let job = sim.world.get("/jobs").await["items"][0]["job_id"].as_str().expect("id").to_owned();
    let status = sim.world.get(&format!("/jobs/{job}")).await;
    assert_eq!(status["status"], "PENDING");
    assert_eq!(
        (&status["progress"]["phase"], &status["progress"]["total"]),
        (&json!("reading"), &json!(250))
    );
    // Eight shards of ten rows in this run.
    assert_eq!(status["progress"]["rows_read"], 80);
    let (sent, _) = sim.messages().await;
    assert_eq!(sent, 80);
    // Rows are issued while the file is still being read.
    while sim.deliver(100).await {}
    sim.clock.jump(Duration::from_secs(3));
    let status = sim.insist("GET", &format!("/jobs/{job}"), None, None).await.expect("an answer");
    let status = status.json();
    assert_eq!(status["status"], "PENDING");
    assert_eq!(status["progress"]["current"], 80, "{status}");
    // The sweeper resumes the reading; again there is no time.
    let order = json!({ "kind": "read", "job_id": job }).to_string();
    for read in [160, 240] {
        unicreda::jobs::upload::handle(&app, &order, Instant::now()).await.expect("handled");
        let status = sim.world.get(&format!("/jobs/{job}")).await;
        assert_eq!(status["progress"]["rows_read"], read);
    }
    let figures = sim.finish().await.expect("the sweeper has it read to its end");
    assert_eq!((figures.credentials, figures.mails), (250, 250));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_cancelled_while_its_file_is_read_ends_with_every_row() {
    let mut sim = Sim::new(0).await;
    sim.with_shards_of(10);
    let people: Vec<Value> = (1..=80).map(person).collect();
    sim.upload(file_of(1..=250).as_bytes(), &people).await.expect("uploaded");
    let events = queues::take_exactly(&sim.world, Queue::Uploads, 1).await;
    let body = events[0]["body"].as_str().expect("body").to_owned();
    let app = sim.app();
    unicreda::jobs::upload::handle(&app, &body, Instant::now()).await.expect("handled");
    while sim.deliver(100).await {}
    let job = sim.world.get("/jobs").await["items"][0]["job_id"].as_str().expect("id").to_owned();
    sim.insist("POST", &format!("/jobs/{job}/cancel"), None, None).await.expect("cancelled");
    sim.stopped = true;
    sim.drain().await.expect("it ends");
    let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
    check_sums(&result);
    assert_eq!((&result["total"], &result["successful"]), (&json!(250), &json!(80)), "{result}");
    let results = sim.world.results_file(&job).await;
    assert_eq!(results.matches("Cancelado").count(), 170);
    sim.finish().await.expect("it ends right");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_predicts_the_outcome_and_changes_nothing() {
    let world = World::new().await;
    let issued = world.issue_one(&person(1)).await;
    let other = json!({ "email": "persona2@ejemplo.com", "recipient_name": "Persona Zorrilla 2", "result_value": "F" });
    let held = world.issue_one(&other).await;
    world.issue_one(&json!({ "email": "x@ejemplo.com", "recipient_name": "X", "result_value": "A", "external_id": "e1" })).await;
    world.mail_ended(held["credential_id"].as_str().expect("id")).await;
    let before = (world.get("/credentials").await, world.get("/jobs").await);

    let mut recipients: Vec<Value> = (1..=3).map(person).collect();
    recipients.push(person(3));
    recipients.push(json!({ "email": "x@ejemplo.com", "recipient_name": "Y", "result_value": "A", "external_id": "e1" }));
    recipients
        .push(json!({ "email": "invalido@test", "recipient_name": "Z", "result_value": "A" }));
    recipients.push(json!({ "email": "ana.rojas@demo.example", "result_value": "A" }));
    let body = json!({ "template_id": world.demo.template_id, "recipients": recipients });
    let answer =
        world.call("POST", "/credentials/issue?dry_run=true", Some(&body)).await.expect(200).json();
    assert_eq!(answer["mode"], "dry_run");
    let counts =
        ["total", "new", "duplicates", "invalid"].map(|name| answer[name].as_u64().expect(name));
    assert_eq!(counts, [7, 3, 2, 2], "{answer}");
    let rows = answer["recipients"].as_array().expect("recipients");
    let outcomes: Vec<&str> =
        rows.iter().map(|row| row["outcome"].as_str().expect("outcome")).collect();
    assert_eq!(outcomes, ["duplicate", "new", "new", "duplicate", "invalid", "invalid", "new"]);
    assert_eq!(rows[0]["credential_id"], issued["credential_id"]);
    assert_eq!(rows[1]["also_holds"], json!([held["credential_id"]]));
    assert_eq!(rows[3]["credential_id"], rows[2]["credential_id"]);
    assert_eq!(rows[4]["error_codes"], json!(["external_id_taken"]));
    assert_eq!(rows[5]["errors"], json!(["Invalid email: invalido@test"]));
    assert_eq!(rows[6]["recipient_type"], "internal");
    world
        .call("POST", "/credentials/issue?dry_run=perhaps", Some(&body))
        .await
        .problem(400, "invalid_request");
    assert_eq!(
        (world.get("/credentials").await, world.get("/jobs").await),
        before,
        "nothing changed"
    );

    // The same as a file.
    let mut file = file_of(1..=3);
    file += "invalido@test,Z,A\nana.rojas@demo.example,,A\n";
    file += file.clone().lines().nth(3).expect("the third person");
    let job = world.upload("acta.csv", file.as_bytes(), &json!({ "dry_run": true })).await;
    let status = world.file_job(&job).await;
    assert_eq!(status["dry_run"], true);
    let result = &status["result"];
    check_sums(result);
    assert_eq!(
        (&result["successful"], &result["duplicates"], &result["failed"]),
        (&json!(5), &json!(2), &json!(1))
    );
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    let rows = rows["items"].as_array().expect("rows");
    let statuses: Vec<&str> =
        rows.iter().map(|row| row["status"].as_str().expect("status")).collect();
    // The order of two equal rows is left to chance, as in issuing.
    assert_eq!([statuses[2], statuses[5]].into_iter().max(), Some("new"), "{statuses:?}");
    assert_eq!([statuses[2], statuses[5]].into_iter().min(), Some("duplicate"), "{statuses:?}");
    assert_eq!([&statuses[..2], &statuses[3..5]].concat(), ["duplicate", "new", "invalid", "new"]);
    assert_eq!(rows[2]["credential_id"], rows[5]["credential_id"]);
    assert_eq!(rows[1]["also_holds"], json!([held["credential_id"]]));
    assert_eq!(rows[1]["credential_url"], Value::Null, "it is not there yet");
    let results = world.results_file(&job).await;
    assert!(results.contains(",invalid,,,,,,Invalid email: invalido@test"), "{results}");
    assert_eq!(world.get("/credentials").await, before.0, "nothing was issued");
    assert_eq!(world.mails_now("persona3@ejemplo.com").await, [] as [Value; 0]);

    // Two people with one external id: the first one gets it, the other is refused.
    let file = "email,recipient_name,result_value,external_id\na@ejemplo.com,Ana,A,7\nb@ejemplo.com,Eva,B,7\n";
    let job = world.upload("ids.csv", file.as_bytes(), &json!({ "dry_run": true })).await;
    let result = &world.file_job(&job).await["result"];
    assert_eq!((&result["successful"], &result["failed"]), (&json!(1), &json!(1)), "{result}");
    assert_eq!(result["errors"][0]["code"], "external_id_taken");

    // And the prediction comes true.
    let issued = world.issue_one(&person(2)).await;
    assert_eq!(issued["credential_id"], rows[1]["credential_id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_lines_are_a_file_too_and_their_results_a_table() {
    let world = World::new().await;
    let mut file = String::new();
    for n in 1..=2 {
        file += &format!("{}\n", person(n));
    }
    file += "{\"email\":\"tres@ejemplo.com\",\"recipient_name\":\"Tres\",\"result_value\":\"A\",\"evidence\":[{\"url\":\"https://ejemplo.com/3\"}]}\nno es json\n";
    let broken = [
        "{\"email\":\"cuatro@ejemplo.com\",\"recipient_name\":\"Cuatro\"",
        "{\"email\":\"cinco@ejemplo.com\",}",
        "[\"seis@ejemplo.com\",\"Seis\"]",
        "=HYPERLINK(1)",
    ];
    file += &format!("{}\n", broken.join("\n"));
    let job = world.upload("acta.jsonl", file.as_bytes(), &json!({ "send_email": false })).await;
    let status = world.file_job(&job).await;
    assert_eq!(
        (&status["result"]["successful"], &status["result"]["failed"]),
        (&json!(3), &json!(5))
    );
    assert_eq!(status["result"]["emails_skipped"], 3);
    let results = world.results_file(&job).await;
    let rows = lines(&results);
    assert!(rows[0].starts_with("email,recipient_name,result_value,"), "{results}");
    assert!(rows[3].contains("https://ejemplo.com/3"), "{results}");
    // What could not be read is there to be mended, behind the columns, and runs in no spreadsheet.
    assert!(rows[4].ends_with(",no es json"), "{results}");
    for (row, text) in rows[5..8].iter().zip(broken) {
        assert!(row.ends_with(&format!(",\"{}\"", text.replace('"', "\"\""))), "{row}");
    }
    assert!(rows[8].ends_with(",'=HYPERLINK(1)"), "{results}");
    assert!(rows[5].contains("revisa sus comillas, comas y llaves"), "{results}");
    assert!(rows[7].contains("debe ser un objeto JSON"), "{results}");
    // As CSV it can be uploaded again.
    let again = world.upload("otra.csv", results.as_bytes(), &json!({})).await;
    let result = world.file_job(&again).await["result"].clone();
    assert_eq!((&result["duplicates"], &result["failed"]), (&json!(3), &json!(5)), "{result}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_request_is_checked_before_its_file_arrives() {
    let world = World::new().await;
    let body = |more: Value| {
        let mut body =
            json!({ "template_id": world.demo.template_id, "file_name": "a.csv", "size": 10 });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    let post = async |more: Value| world.call("POST", "/uploads", Some(&body(more))).await;
    let problem = post(json!({ "size": 524_288_001 })).await.problem(413, "payload_too_large");
    assert!(problem["detail"].as_str().expect("text").contains("500 MB"), "{problem}");
    for (more, pointer) in [
        (json!({ "size": 0 }), "/size"),
        (json!({ "size": null }), "/size"),
        (json!({ "file_name": "" }), "/file_name"),
        (json!({ "template_id": "x" }), "/template_id"),
        (json!({ "send_email": "si" }), "/send_email"),
        (json!({ "otro": 1 }), "/otro"),
    ] {
        let problem = post(more).await.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let unknown = json!({ "template_id": "550e8400-e29b-41d4-a716-446655440999" });
    post(unknown).await.problem(404, "not_found");

    let allowed = post(json!({})).await.expect(201).json();
    // Exactly the length that was signed.
    let mut shorter = allowed["upload"].clone();
    shorter["headers"]["content-length"] = "6".into();
    assert_eq!(world.put_file(&shorter, &b"email\n"[..]).await, 403);
    let path = format!("/uploads/{}", allowed["upload_id"].as_str().expect("id"));
    let upload = world.get(&path).await;
    assert_eq!((&upload["status"], &upload["job_id"]), (&json!("waiting"), &Value::Null));
    // A test key sees test uploads only.
    world.call_as(&world.demo.test_api_key, "GET", &path, None).await.problem(404, "not_found");
    world.call("GET", "/uploads/x", None).await.problem(404, "not_found");
    let test = world
        .upload_as(&world.demo.test_api_key, "a.csv", file_of(1..=1).as_bytes(), &json!({}))
        .await;
    world.call("GET", &format!("/jobs/{test}"), None).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_of_a_template_can_be_uploaded_as_it_is() {
    let world = World::new().await;
    let path = format!("/api/v1/templates/{}/csv", world.demo.template_id);
    for (lang, first) in [("es", "Correo electrónico;Nombre completo;"), ("en", "Email,Name,")] {
        let headers = [("x-api-key", world.demo.api_key.as_str()), ("accept-language", lang)];
        let reply = world.send("GET", &path, &headers, "").await.expect(200);
        assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
        let text = reply.text();
        assert!(lines(&text)[0].starts_with(first), "{text}");
        let options = json!({ "dry_run": true });
        let job = world.upload("ejemplo.csv", text.as_bytes(), &options).await;
        let status = world.file_job(&job).await;
        assert_eq!(
            (&status["result"]["successful"], &status["result"]["failed"]),
            (&json!(2), &json!(0)),
            "{status}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_seven_days_after_their_job_ended_and_their_rows_results_stay() {
    let mut sim = Sim::new(0).await;
    let people: Vec<Value> = (1..=2).map(person).collect();
    sim.upload(file_of(1..=2).as_bytes(), &people).await.expect("uploaded");
    sim.drain().await.expect("it ends");
    let job = job_at(&sim.world, 0).await;
    let file = format!("/jobs/{job}/results/file");
    let url = sim.world.get(&file).await["url"].as_str().expect("url").to_owned();
    sim.clock.jump(Duration::from_secs(6 * 24 * 3600));
    sim.sweep().await;
    assert!(!sim.deliver_file().await);
    assert_eq!(sim.world.fetch(&url).await.0, 200);
    sim.clock.jump(Duration::from_secs(25 * 3600));
    sim.sweep().await;
    assert!(sim.deliver_file().await);
    assert_eq!(sim.world.fetch(&url).await.0, 404);
    sim.world.call("GET", &file, None).await.problem(404, "not_found");
    let rows = sim.world.get(&format!("/jobs/{job}/results")).await;
    assert_eq!(rows["items"][1]["status"], "issued");
    assert_eq!(sim.world.get(&format!("/jobs/{job}")).await["result"]["results_file"], Value::Null);
    // A second run does nothing.
    sim.sweep().await;
    assert!(!sim.deliver_file().await);
    sim.finish().await.expect("it ends right");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_takes_anothers_place_is_not_removed_with_it() {
    let mut sim = Sim::new(0).await;
    drop_file(&sim.world, "acta.csv", file_of(1..=2)).await;
    sim.drain().await.expect("it ends");
    sim.clock.jump(Duration::from_secs(24 * 3600));
    let key = drop_file(&sim.world, "acta.csv", file_of(3..=4)).await;
    sim.drain().await.expect("it ends");
    let (second, first) = (job_at(&sim.world, 0).await, job_at(&sim.world, 1).await);
    sim.clock.jump(Duration::from_secs(6 * 24 * 3600 + 3600));
    sim.sweep().await;
    assert!(sim.deliver_file().await);
    let gone = sim.world.call("GET", &format!("/jobs/{first}/results/file"), None).await;
    gone.problem(404, "not_found");
    assert_eq!(lines(&sim.world.results_file(&second).await).len(), 3);
    let files = sim.world.stack.app().files.as_ref().expect("files");
    let there = files.client().head_object().bucket(files.bucket()).key(key).send().await;
    assert!(there.is_ok(), "the second one's file is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_event_fails_no_work_in_progress() {
    let world = World::with(queues::unread()).await;
    let app = world.stack.app();
    let body = told_of(&world, "acta.csv").await;
    let later = Instant::now() + Duration::from_secs(600);
    unicreda::jobs::upload::handle(app, &body, later).await.expect("handled");
    // The file is read and its rows are queued; then the template is archived.
    let archive = format!("/templates/{}/archive", world.demo.template_id);
    world.call("POST", &archive, None).await.expect(200);
    unicreda::jobs::upload::handle(app, &body, later).await.expect("handled");
    queues::drain(&world).await;
    let job = job_at(&world, 0).await;
    let status = world.success(&job).await;
    assert_eq!(status["result"]["successful"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_wins_over_the_writer_of_the_results() {
    let mut sim = Sim::new(0).await;
    let people: Vec<Value> = (1..=2).map(person).collect();
    sim.faults.on("SendRawEmail", 0..1, Fault::SesError(400, "MessageRejected", "…"));
    sim.upload(file_of(1..=2).as_bytes(), &people).await.expect("uploaded");
    while sim.deliver_file().await || sim.deliver(100).await {}
    sim.clock.jump(Duration::from_secs(60));
    sim.sweep().await;
    let job = job_at(&sim.world, 0).await;
    let status = sim.world.get(&format!("/jobs/{job}")).await;
    assert_eq!(
        (&status["status"], &status["result"]["emails_failed"]),
        (&json!("SUCCESS"), &json!(1))
    );

    let gate = sim.hold("S3 PUT", "", None);
    let order = json!({ "kind": "results", "job_id": job }).to_string();
    let later = Instant::now() + Duration::from_secs(600);
    let writes = sim.aside(move |app| async move {
        unicreda::jobs::upload::handle(&app, &order, later).await.expect("handled");
    });
    gate.reached.cancelled().await;
    let retried = sim.insist("POST", &format!("/jobs/{job}/retry"), None, None).await;
    assert!(retried.expect("an answer").status < 300);
    gate.open.cancel();
    writes.await.expect("it ends");
    let status = sim.world.get(&format!("/jobs/{job}")).await;
    assert_ne!(status["status"], "SUCCESS", "the mail is on its way again");

    sim.drain().await.expect("it ends");
    let status = sim.world.success(&job).await;
    assert_eq!(status["result"]["emails_sent"], 2);
    assert!(!sim.world.results_file(&job).await.contains("failed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_row_stays_refused_in_the_results_until_it_is_corrected() {
    let world = World::new().await;
    let mut csv = "email,recipient_name,result_value\n".as_bytes().to_vec();
    csv.extend_from_slice(
        "uno@ejemplo.com,José Núñez,A\ndos@ejemplo.com,Rojas, Luis,A\n".as_bytes(),
    );
    csv.extend_from_slice(b"tres@ejemplo.com,Mar\xeda,A\n");
    let json = concat!(
        r#"{"email":"cuatro@ejemplo.com","recipient_name":"Eva","result_value":"A"}"#,
        "\n",
        r#"{"email":"cinco@ejemplo.com","recipient_name":"Luz","result_value":"A","credits":6}"#,
        "\n"
    );
    for (name, file, failed) in [("acta.csv", csv, 2), ("acta.jsonl", json.into(), 1)] {
        let job = world.upload(name, &file, &json!({})).await;
        let status = world.file_job(&job).await;
        assert_eq!(
            (&status["result"]["successful"], &status["result"]["failed"]),
            (&json!(1), &json!(failed))
        );
        let results = world.results_file(&job).await;
        let again = world.upload("otra.csv", results.as_bytes(), &json!({})).await;
        let status = world.file_job(&again).await;
        assert_eq!(status["result"]["duplicates"], 1, "{results}");
        assert_eq!(status["result"]["failed"], failed, "{results}");
    }
    for refused in ["dos", "tres", "cinco"] {
        assert_eq!(world.mails_now(&format!("{refused}@ejemplo.com")).await, [] as [Value; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_file_was_replaced_reports_that_it_has_no_results_file() {
    let mut sim = Sim::new(0).await;
    drop_file(&sim.world, "acta.csv", file_of(1..=2)).await;
    while sim.deliver_file().await || sim.deliver(100).await {}
    let first = job_at(&sim.world, 0).await;
    drop_file(&sim.world, "acta.csv", file_of(3..=4)).await;
    sim.drain().await.expect("it ends");
    let status = sim.world.success(&first).await;
    assert_eq!(status["result"]["successful"], 2);
    assert!(status["result"].get("results_file").is_none(), "{status}");
    let file = sim.world.call("GET", &format!("/jobs/{first}/results/file"), None).await;
    file.problem(404, "not_found");
    let second = job_at(&sim.world, 0).await;
    assert_ne!(second, first);
    assert_eq!(lines(&sim.world.results_file(&second).await).len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_reading_is_resumed_while_a_client_polls() {
    let mut sim = Sim::new(0).await;
    let people: Vec<Value> = (1..=40).map(person).collect();
    sim.faults.on("SendMessageBatch", 0..1, Fault::Gone { done: true });
    sim.upload(file_of(1..=40).as_bytes(), &people).await.expect("uploaded");
    assert!(sim.deliver_file().await, "it dies in the middle");
    let job = job_at(&sim.world, 0).await;
    sim.clock.jump(Duration::from_secs(180));
    while sim.deliver(100).await {}
    let seen = sim.insist("GET", &format!("/jobs/{job}"), None, None).await.expect("an answer");
    assert!(seen.json()["progress"]["current"].as_u64() > Some(0), "{}", seen.body);
    sim.sweep().await;
    assert!(sim.deliver_file().await, "its reading goes on");
    sim.finish().await.expect("it ends right");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_upload_is_one_job_however_often_its_url_is_used() {
    let world = World::with(queues::unread()).await;
    let app = world.stack.app();
    let (file, other) = (file_of(1..=3), file_of(7..=9));
    assert_eq!(file.len(), other.len(), "the length is signed");
    let body = json!({
        "template_id": world.demo.template_id, "file_name": "acta.csv", "size": file.len(),
    });
    let allowed = world.call("POST", "/uploads", Some(&body)).await.expect(201).json();
    let path = format!("/uploads/{}", allowed["upload_id"].as_str().expect("id"));
    let later = Instant::now() + Duration::from_secs(600);
    let mut events = Vec::new();
    for (bytes, ignored) in [(&file, false), (&file, false), (&other, true), (&other, true)] {
        assert_eq!(world.put_file(&allowed["upload"], bytes.clone()).await, 200);
        let event = queues::take_exactly(&world, Queue::Uploads, 1).await;
        events.push(event[0]["body"].as_str().expect("body").to_owned());
        unicreda::jobs::upload::handle(app, &events[events.len() - 1], later)
            .await
            .expect("handled");
        let upload = world.get(&path).await;
        assert_eq!(upload["status"], "received");
        assert_eq!(upload["ignored"]["at"].is_string(), ignored, "{upload}");
    }
    // Events come late and again; a copy at another key is another system's file.
    for event in &events {
        unicreda::jobs::upload::handle(app, event, later).await.expect("handled");
    }
    queues::drain(&world).await;
    let jobs = world.get("/jobs").await;
    assert_eq!(jobs["items"].as_array().expect("jobs").len(), 1, "{jobs}");
    let upload = world.get(&path).await;
    assert_eq!(upload["job_id"], jobs["items"][0]["job_id"]);
    let detail = upload["ignored"]["detail"].as_str().expect("text");
    assert!(detail.contains("crea otra subida"), "{detail}");
    let issued = world.get("/credentials").await;
    let emails: Vec<&str> = issued["items"]
        .as_array()
        .expect("credentials")
        .iter()
        .map(|credential| credential["email"].as_str().expect("email"))
        .collect();
    assert_eq!(emails.len(), 3);
    for n in 1..=3 {
        assert!(emails.contains(&&*format!("persona{n}@ejemplo.com")), "{emails:?}");
    }
}

/// Whether a program that splits at this separator would run a cell, with or without quotes.
fn would_run(csv: &str, separator: u8) -> bool {
    let starts = |cell: &str| {
        let blank = |c: char| c.is_whitespace() || c == '"' || c == '\u{feff}' || c == '\u{200b}';
        cell.trim_start_matches(blank).starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
    };
    [true, false].into_iter().any(|quoting| {
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader.has_headers(false).flexible(true).delimiter(separator);
        let rows = reader.quoting(quoting).from_reader(csv.as_bytes()).into_records();
        rows.map(|row| row.expect("a row")).any(|row| row.iter().any(starts))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cell_of_our_csv_runs_in_a_spreadsheet_and_each_comes_back() {
    let world = World::new().await;
    // Licences: in a name such a text is refused.
    let texts = [
        "=1+1",
        "+Ana",
        "-Ana",
        "@Ana",
        "＝Ana",
        "Ana,=1+1",
        "Ana;=1+1",
        "Ana, -1",
        "Ana;\"=1\"",
        "\u{a0}=1",
        "\u{200b}=1+1",
        "'Ana'; '-ar'",
        "Ana,'=1",
        "Ana",
    ];
    for delimiter in [",", ";", "\t"] {
        let mut file = ["email", "name", "licencia", "grade", "#=nota\n"].join(delimiter);
        for (n, text) in texts.iter().enumerate() {
            let text = format!("\"{}\"", text.replace('"', "\"\""));
            let row = [&*format!("p{n}@ejemplo.com"), "Ana Soto", &text, "A", "\" x\n=1+1\"\n"];
            file += &row.join(delimiter);
        }
        file += &["=1@x", "=cmd|' /C calc'!A0", "", "A", "\n"].join(delimiter);
        let job = world.upload("acta.csv", file.as_bytes(), &json!({})).await;
        let status = world.file_job(&job).await;
        assert_eq!(status["result"]["failed"], 1, "{status}");
        let duplicates = status["result"]["duplicates"].as_u64().expect("a number");
        assert_eq!(duplicates, if delimiter == "," { 0 } else { 14 }, "one content in all files");

        let results = world.results_file(&job).await;
        let path = format!("/api/v1/jobs/{job}/results");
        let headers = [("x-api-key", world.demo.api_key.as_str()), ("accept", "text/csv")];
        let page = world.send("GET", &path, &headers, "").await.expect(200).text();
        for separator in [b',', b';', b'\t'] {
            assert!(!would_run(&results, separator), "{results}");
            assert!(!would_run(&page, separator), "{page}");
        }
        // What was written is read back as what it was.
        let again = world.upload("resultados.csv", results.as_bytes(), &json!({})).await;
        let status = world.file_job(&again).await;
        assert_eq!(status["result"]["duplicates"], 14, "{status}\n{results}");
        assert_eq!(world.results_file(&again).await.lines().count(), results.lines().count());
    }
    let issued = world.get("/credentials?limit=100").await;
    let issued = issued["items"].as_array().expect("credentials");
    let shown = |text: &str| text.trim_matches(['\u{a0}', '\u{200b}', ' ']).to_owned();
    for text in texts {
        let says = |one: &Value| one["license_number"].as_str().map(shown) == Some(shown(text));
        assert!(issued.iter().any(says), "{text:?}");
    }
}
