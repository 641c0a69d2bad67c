//! The columns of files as other programs and people name them: what is read as what, who decides
//! that, and what a person sees who has to.

use std::{fmt::Write, time::Instant};

use serde_json::{Value, json};

use crate::{
    harness::{World, person},
    queues::{self, Queue},
    sim::Sim,
};

/// A file of the kinds that people report, with columns that nobody knows.
const MANY_UNKNOWN: &str = "N°;RUT;N° de matrícula;Correo;Nombre del estudiante;Nota final\n1;11.111.111-1;A-1;ana@ejemplo.com;Ana;A\n";

/// Uploads a file and follows its job.
async fn read(world: &World, file: &str, options: Value) -> Value {
    let job = world.upload("acta.csv", file.as_bytes(), &options).await;
    world.file_job(&job).await
}

/// The first credential of an address.
async fn issued(world: &World, email: &str) -> Value {
    world.get(&format!("/credentials?email={email}")).await["items"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_other_programs_are_read_with_the_parts_of_a_name_joined() {
    let world = World::new().await;
    for (file, email, name) in [
        (
            "Nombre(s);Apellido(s);Correo;Nota\nAna;Perez;a1@ejemplo.com;A\n",
            "a1@ejemplo.com",
            "Ana Perez",
        ),
        (
            "Primer nombre;Segundo nombre;Primer apellido;Segundo apellido;Correo institucional;Nota final\nAna;María;Pérez;Soto;a2@ejemplo.com;A\n",
            "a2@ejemplo.com",
            "Ana María Pérez Soto",
        ),
        (
            "Sobrenome,Nome,Endereço de e-mail,Conceito\nPérez,Ana,a3@ejemplo.com,A\n",
            "a3@ejemplo.com",
            "Ana Pérez",
        ),
    ] {
        let status = read(&world, file, json!({})).await;
        assert_eq!(status["result"]["successful"], 1, "{status}");
        assert_eq!(issued(&world, email).await["recipient_name"], name);
    }
}

/// People break lines within a name, and forms have whole questions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_can_be_assigned_by_the_name_that_is_shown_of_it() {
    let world = World::new().await;
    let question =
        "¿Con qué concepto final quedó en el acta de la asignatura según su docente guía?";
    let file = format!(
        "Correo;Nombre;\"N°\r\nmatrícula\";{question}\r\nana@ejemplo.com;Ana;\"A-1\nB\";A\r\n"
    );
    let status = read(&world, &file, json!({})).await;
    assert_eq!(status["code"], "unknown_column", "{status}");
    let columns = status["columns"].as_array().expect("columns");
    assert_eq!(
        (&columns[2]["name"], &columns[3]["name"]),
        (&json!("N° matrícula"), &json!(question))
    );
    assert_eq!(columns[2]["values"], json!(["A-1↵B"]));
    let name = |at: usize| columns[at]["name"].as_str().expect("a name");
    let map = json!({ name(2): "ignore", name(3): "result_value" });
    let status = read(&world, &file, json!({ "column_map": map })).await;
    assert_eq!(status["result"]["successful"], 1, "{status}");
    assert_eq!(issued(&world, "ana@ejemplo.com").await["result_value"], "A");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_names_every_unknown_column_and_a_map_reads_the_file() {
    let world = World::new().await;
    let status = read(&world, MANY_UNKNOWN, json!({})).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("FAILURE"), &json!("unknown_column")));
    let text = status["error"].as_str().expect("text");
    assert!(
        text.starts_with("Línea 1: No se reconocen 3 columnas: «N°» (A), ¿sin leer?, «RUT» (B), ¿sin leer?, «N° de matrícula» (C)"),
        "{text}"
    );
    let columns = status["columns"].as_array().expect("columns");
    assert_eq!(columns.len(), 6);
    assert_eq!(
        columns[1],
        json!({
            "column": 2, "name": "RUT", "read_as": null, "decided_by": "open",
            "suggestion": "ignore", "values": ["11.111.111-1"],
        })
    );
    assert_eq!(columns[3]["read_as"], "email");

    let map = json!({ "n°": "ignore", "RUT": "ignore", "N° de matrícula": "license_number" });
    let status = read(&world, MANY_UNKNOWN, json!({ "column_map": map, "dry_run": true })).await;
    assert_eq!(status["result"]["successful"], 1, "{status}");
    let read_as = |status: &Value| -> Vec<Value> {
        let columns = status["columns"].as_array().expect("columns");
        columns.iter().map(|column| json!([column["read_as"], column["decided_by"]])).collect()
    };
    let wanted = json!([
        ["ignore", "given"],
        ["ignore", "given"],
        ["license_number", "given"],
        ["email", "name"],
        ["recipient_name", "name"],
        ["result_value", "name"],
    ]);
    assert_eq!(json!(read_as(&status)), wanted);
    assert_eq!(status["columns"][5]["values"], json!(["A"]));
    assert_eq!(world.get("/credentials").await["items"], json!([]));

    let job =
        world.upload("acta.csv", MANY_UNKNOWN.as_bytes(), &json!({ "column_map": map })).await;
    let status = world.file_job(&job).await;
    assert_eq!(status["result"]["successful"], 1, "{status}");
    assert_eq!(status.get("columns"), None, "they are for people who check or mend them");
    let credential = issued(&world, "ana@ejemplo.com").await;
    assert_eq!(credential["license_number"], "A-1");
    // Its results are a file that is read as it is, also by the same command.
    let results = world.results_file(&job).await;
    let names = "#N°;#RUT;Número de licencia;Correo;Nombre del estudiante;Nota final;row;";
    assert!(results.trim_start_matches('\u{feff}').starts_with(names), "{results}");
    for options in [json!({}), json!({ "column_map": map })] {
        let status = read(&world, &results, options).await;
        assert_eq!(status["result"]["duplicates"], 1, "{status}");
    }

    // One column is one thing; said twice alike, it is said.
    let path = format!("/templates/{}/column-map", world.demo.template_id);
    for (other, status) in [("ignore", 400), ("Calificación", 200)] {
        let twice = json!({ "column_map": { "Nota final": "result_value", "nota FINAL": other } });
        let reply = world.call("PUT", &path, Some(&twice)).await;
        if status == 200 {
            reply.expect(200);
            world.call("DELETE", &path, None).await.expect(204);
            continue;
        }
        let fault = reply.problem(400, "invalid_request")["errors"][0].clone();
        assert_eq!(fault["code"], "repeated_column", "{fault}");
        assert!(fault.to_string().contains("«Nota final»"), "{fault}");
    }
    // A slip of the pen leaves no column to its name.
    let slip = json!({ "column_map": { "Nota fnal": "ignore" } });
    let status = read(&world, "email,name,Nota final\nb@ejemplo.com,B,A\n", slip).await;
    assert_eq!(status["code"], "column_not_in_file");
    assert!(status["error"].as_str().expect("text").ends_with("¿Es «Nota final»?"), "{status}");
    assert_eq!(status["columns"].as_array().map(Vec::len), Some(3));
    let json = "{\"email\":\"b@ejemplo.com\",\"recipient_name\":\"B\",\"result_value\":\"A\"}\n";
    let status = read(&world, json, json!({ "column_map": { "Nota": "ignore" } })).await;
    assert_eq!(status["code"], "column_not_in_file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_stamp_of_a_form_is_offered_as_unread_and_a_status_is_not_ours() {
    let world = World::new().await;
    let form = "Marca temporal,Dirección de correo electrónico,Nombre y apellidos,Nota\n2026/11/28 10:00:00,ana@ejemplo.com,Ana Pérez,A\n";
    let status = read(&world, form, json!({})).await;
    assert_eq!(status["columns"][0]["suggestion"], "ignore", "{status}");
    assert_eq!(status["column"], 1);
    let status = read(&world, form, json!({ "column_map": { "Marca temporal": "ignore" } })).await;
    assert_eq!(status["result"]["successful"], 1, "{status}");

    let file = "email,name,result,Status\nana2@ejemplo.com,Ana,A,Withdrawn\n";
    let status = read(&world, file, json!({})).await;
    assert_eq!((&status["code"], &status["column"]), (&json!("unknown_column"), &json!(4)));
    assert_eq!(issued(&world, "ana2@ejemplo.com").await, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_map_is_remembered_for_a_template_and_reads_what_arrives_at_night() {
    let world = World::new().await;
    let path = format!("/templates/{}/column-map", world.demo.template_id);
    let nothing = world.get(&path).await;
    assert_eq!(
        nothing,
        json!({ "template_id": world.demo.template_id, "column_map": {}, "day_first": false, "updated_at": null })
    );
    let map = json!({ "N°": "ignore", "RUT": "ignore", "N° de matrícula": "Número de licencia" });
    let body = json!({ "column_map": map });
    let put = world.call("PUT", &path, Some(&body)).await.expect(200).json();
    assert_eq!(put["column_map"]["N° de matrícula"], "license_number", "as the API names it");
    assert_eq!(world.get(&path).await, put);
    // An answer can be sent back as it is.
    world.call("PUT", &path, Some(&put)).await.expect(200);

    // Another system drops the file; it can say nothing.
    let files = world.stack.app().files.as_ref().expect("files");
    let key = format!("incoming/live/demo/{}/noche.csv", world.demo.template_id);
    let put = files.client().put_object().bucket(files.bucket()).key(key);
    put.body(MANY_UNKNOWN.as_bytes().to_vec().into()).send().await.expect("put");
    let job = world
        .until("the file arrives", async || {
            let jobs = world.get("/jobs").await;
            jobs["items"][0]["job_id"].as_str().map(str::to_owned)
        })
        .await;
    let status = world.file_job(&job).await;
    assert_eq!(status["result"]["successful"], 1, "{status}");
    assert_eq!(issued(&world, "ana@ejemplo.com").await["license_number"], "A-1");
    // What is given comes first.
    let given = json!({ "column_map": { "N° de matrícula": "term" }, "dry_run": true });
    let status = read(&world, &MANY_UNKNOWN.replace("ana@", "eva@"), given).await;
    let decided: Vec<&Value> = (0..4).map(|at| &status["columns"][at]["decided_by"]).collect();
    assert_eq!(decided, ["remembered", "remembered", "given", "name"], "{status}");
    assert_eq!(status["columns"][2]["read_as"], "term");

    world.call("DELETE", &path, None).await.expect(204);
    world.call("DELETE", &path, None).await.problem(404, "not_found");
    assert_eq!(read(&world, MANY_UNKNOWN, json!({})).await["code"], "unknown_column");
}

/// What was decided stays with the job: the map may change while its file is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_read_to_its_end_as_its_columns_were_assigned_at_its_beginning() {
    let mut sim = Sim::new(0).await;
    sim.with_shards_of(10);
    let path = format!("/templates/{}/column-map", sim.world.demo.template_id);
    let map = |nick: &str, who: &str| json!({ "column_map": { "Apodo": nick, "Quién": who } });
    let put = map("ignore", "recipient_name");
    sim.world.call("PUT", &path, Some(&put)).await.expect(200);
    let people: Vec<Value> = (1..=90).map(person).collect();
    let mut file = "email;Apodo;Quién;nota\n".to_owned();
    for person in &people {
        let text = |name: &str| person[name].as_str().expect("text");
        writeln!(file, "{};X;{};A", text("email"), text("recipient_name")).expect("a row");
    }
    sim.upload(file.as_bytes(), &people).await.expect("uploaded");
    let events = queues::take_exactly(&sim.world, Queue::Uploads, 1).await;
    let body = events[0]["body"].as_str().expect("body").to_owned();
    let app = sim.app();
    unicreda::jobs::upload::handle(&app, &body, Instant::now()).await.expect("handled");
    let read = sim.world.get("/jobs").await["items"][0]["progress"]["rows_read"].clone();
    assert_eq!(read, 80);
    let put = map("recipient_name", "ignore");
    sim.world.call("PUT", &path, Some(&put)).await.expect(200);
    sim.drain().await.expect("the sweeper has it read to its end");
    let last = &people[89];
    let email = last["email"].as_str().expect("text");
    assert_eq!(issued(&sim.world, email).await["recipient_name"], last["recipient_name"]);
    let figures = sim.finish().await.expect("nothing is lost");
    assert_eq!(figures.credentials, 90);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_map_is_checked_by_its_entries() {
    let world = World::new().await;
    let path = format!("/templates/{}/column-map", world.demo.template_id);
    let many: serde_json::Map<String, Value> =
        (0..201).map(|n| (format!("c{n}"), json!("ignore"))).collect();
    for (body, pointer, code) in [
        (json!({}), "/column_map", "missing_field"),
        (json!({ "column_map": null }), "/column_map", "missing_field"),
        (json!({ "column_map": ["a"] }), "/column_map", "wrong_type"),
        (json!({ "column_map": many }), "/column_map", "too_many"),
        (json!({ "column_map": { "a/b": "nada" } }), "/column_map/a~1b", "value_not_allowed"),
        (json!({ "column_map": { "a": 1 } }), "/column_map/a", "value_not_allowed"),
        (json!({ "column_map": { "": "ignore" } }), "/column_map/", "invalid_name"),
        (json!({ "column_map": {}, "otro": 1 }), "/otro", "unknown_field"),
    ] {
        let problem = world.call("PUT", &path, Some(&body)).await.problem(400, "invalid_request");
        let error = &problem["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!(pointer), &json!(code)),
            "{problem}"
        );
    }
    let upload = json!({
        "template_id": world.demo.template_id, "file_name": "a.csv", "size": 10,
        "column_map": { "Nota": "nota media" },
    });
    let problem = world.call("POST", "/uploads", Some(&upload)).await;
    let problem = problem.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["pointer"], "/column_map/Nota");
    let unknown = "/templates/550e8400-e29b-41d4-a716-446655440999/column-map";
    world.call("GET", unknown, None).await.problem(404, "not_found");
}
