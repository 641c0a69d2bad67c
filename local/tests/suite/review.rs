//! The review of a file before anything is issued: what a dry run says of each row, in the words
//! of the people who wrote the file.

use serde_json::{Value, json};

use crate::harness::World;

/// What a job says of its rows.
async fn rows_of(world: &World, job: &str) -> Vec<Value> {
    let page = world.get(&format!("/jobs/{job}/results")).await;
    page["items"].as_array().expect("rows").clone()
}

/// A dry run whose texts are in English; its job.
async fn upload_in_english(world: &World, file: &str) -> String {
    let body = json!({
        "template_id": world.demo.template_id, "file_name": "acta.csv", "size": file.len(),
        "dry_run": true,
    });
    let key = world.demo.api_key.as_str();
    let headers =
        [("x-api-key", key), ("content-type", "application/json"), ("accept-language", "en")];
    let allowed = world.send("POST", "/api/v1/uploads", &headers, body.to_string()).await;
    let allowed = allowed.expect(201).json();
    assert_eq!(world.put_file(&allowed["upload"], file.as_bytes().to_vec()).await, 200);
    let path = allowed["status_url"].as_str().expect("a path").trim_start_matches("/api/v1");
    world
        .until("the file arrives", async || {
            world.get(path).await["job_id"].as_str().map(str::to_owned)
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_shows_each_row_as_it_is_signed_afterwards() {
    let world = World::new().await;
    // Doubled blanks, a zero-width space, a spreadsheet's date and number, a member without name.
    let file = "Correo;Nombre;Apellidos;Nota;Créditos;Fecha de inicio;Evidencia url\r\n\
        Eva <EVA@ejemplo.com>;Eva\u{200b}  María;Soto;a;6,50;15/11/2026;https://ejemplo.com/a b\r\n\
        ana.rojas@demo.example;;;B;;;\r\n\
        luz@ejemplo.com;Luz  \u{a0}Paz;;C;4;15/11/2026;HTTPS://ejemplo.com\r\n\
        mal@ejemplo.com;Mal;;Z;;;\r\n";
    let dry = world.upload("acta.csv", file.as_bytes(), &json!({ "dry_run": true })).await;
    world.file_job(&dry).await;
    let shown = rows_of(&world, &dry).await;
    let statuses: Vec<&Value> = shown.iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["invalid", "new", "new", "invalid"]);
    assert_eq!(shown[0].get("recipient"), None, "it could not be read");
    assert_eq!(
        shown[1]["recipient"]["recipient_name"], "Ana Rojas Muñoz",
        "the profile fills in: {shown:?}"
    );
    let luz = json!({
        "email": "luz@ejemplo.com", "recipient_name": "Luz Paz", "result_value": "C",
        "credits_earned": 4, "activity_start_date": "2026-11-15",
        "evidence": [{ "url": "https://ejemplo.com/" }],
    });
    assert_eq!(shown[2]["recipient"], luz);
    assert_eq!(shown[3]["recipient"]["recipient_name"], "Mal", "read, and refused afterwards");

    let job = world.upload("acta.csv", file.as_bytes(), &json!({})).await;
    world.file_job(&job).await;
    let issued = rows_of(&world, &job).await;
    for (shown, issued) in shown.iter().zip(&issued).skip(1).take(2) {
        assert_eq!(shown["credential_id"], issued["credential_id"]);
        let id = issued["credential_id"].as_str().expect("an id");
        let credential = world.get(&format!("/credentials/{id}")).await;
        for (field, value) in shown["recipient"].as_object().expect("fields") {
            assert_eq!(&credential[field], value, "{field}");
        }
    }
    for row in &issued {
        assert_eq!(row.get("recipient"), None, "only a dry run says it");
    }
    let page = format!("/api/v1/jobs/{dry}/results");
    let headers = [("x-api-key", world.demo.api_key.as_str()), ("accept", "text/csv")];
    let csv = world.send("GET", &page, &headers, "").await.expect(200).text();
    assert!(!csv.contains("recipient_name"), "the columns stay: {csv}");
}

/// Rows of a file in the words of its columns; a request keeps the API's words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_faults_of_a_files_rows_name_its_columns_and_say_the_value() {
    let world = World::new().await;
    let header = "Correo institucional;Nombre completo;Calificación;Créditos;Fecha de inicio;Fecha de término;Idioma;Id externo;Evidencia url\r\n";
    let file = header.to_owned()
        + "a@ejemplo.com;Ana;Z;;;;;;\r\n\
           invalido@test;Ana;A;;;;;;\r\n\
           b@ejemplo.com;Ana;A;mucho;;;;;\r\n\
           c@ejemplo.com;Ana;A;-1;32/13/2026;;;;\r\n\
           d@ejemplo.com;Ana;A;;15/11/2026;01/03/2026;fr;;\r\n\
           e@ejemplo.com;Ana;;;;;;;ftp://ejemplo.com/\u{202e}x\r\n\
           f@ejemplo.com;;A;;;;;1,2E+11;\r\n\
           a@x.cl; b@x.cl;A;A;;;;;;\r\n\
           ;Ana;A;;;;;;\r\n\
           g@ejemplo.com;Ana;A;;;;;7;\r\n\
           h@ejemplo.com;Ana;A;;;;;7;\r\n\
           i@ejemplo.com;JosÃ©;A;;;;;;\r\n\
           j@ejemplo.com;Ana;A;;01/01/1066;;;;\r\n\
           k@ejemplo.com;Ana;A;\"mu\ncho\";;;;;\r\n";
    let dry = world.upload("acta.csv", file.as_bytes(), &json!({ "dry_run": true })).await;
    world.file_job(&dry).await;
    let rows = rows_of(&world, &dry).await;
    let text = |row: usize| rows[row - 1]["error"].as_str().unwrap_or_default();
    for (row, part) in [
        (
            1,
            "Calificacion invalida. Valores permitidos: A, B, C, D, F. La columna «Calificación» dice «Z»",
        ),
        (
            2,
            "Invalid email: invalido@test (la columna «Correo institucional» no tiene una dirección de correo válida)",
        ),
        (3, "La columna «Créditos» dice «mucho»: debe ser un número entre 0 y 1000000"),
        (4, "La columna «Créditos» dice «-1»: debe ser un número"),
        (4, "El campo «Fecha de inicio» no es una fecha que se pueda leer: «32/13/2026»"),
        (
            5,
            "La columna «Fecha de término» dice «01/03/2026»: no puede ser anterior al inicio. La columna «Fecha de inicio» dice «15/11/2026»",
        ),
        (5, "La columna «Idioma» dice «fr»: debe ser es (Español), en (English) o pt (Português)"),
        (
            6,
            "La columna «Evidencia url» dice «ftp://ejemplo.com/\\u{202e}x»: contiene caracteres no permitidos",
        ),
        (7, "La columna «Id externo» dice «1,2E+11»: la hoja de cálculo abrevió ese número"),
        (9, "Falta un valor en la columna «Correo institucional», que es obligatoria"),
        (12, "El campo «Nombre completo» tiene letras dañadas: «JosÃ©» parece «José»"),
        (14, "La columna «Créditos» dice «mu↵cho»: debe ser un número"),
        (13, "La columna «Fecha de inicio» dice «1066-01-01»: el año debe estar entre 1900 y 2100"),
    ] {
        assert!(text(row).contains(part), "{row}: {}", text(row));
    }
    // Which of two equal ids comes first is left to chance.
    let taken = [text(10), text(11)].concat();
    let part = "La columna «Id externo» dice «7», y ese id ya pertenece a la credencial ";
    assert!(taken.starts_with(part), "{taken}");
    let names = ["_", "PATCH", "language", "evidence", "API"];
    for row in &rows {
        let error = row["error"].as_str().unwrap_or_default();
        assert!(!names.iter().any(|name| error.contains(name)), "{error}");
    }

    // The same in English, and the API's own words in a request.
    let english = upload_in_english(&world, &file).await;
    world.file_job(&english).await;
    let rows = rows_of(&world, &english).await;
    let error = rows[2]["error"].as_str().expect("a text");
    assert!(
        error.starts_with("The column \"Créditos\" says \"mucho\": it must be a number"),
        "{error}"
    );
    let body = json!({
        "template_id": world.demo.template_id,
        "recipients": [{ "email": "b@ejemplo.com", "recipient_name": "Ana", "result_value": "Z" }],
    });
    let answer =
        world.call("POST", "/credentials/issue?dry_run=true", Some(&body)).await.expect(200);
    let errors = &answer.json()["recipients"][0]["errors"];
    assert_eq!(*errors, json!(["Calificacion invalida. Valores permitidos: A, B, C, D, F"]));

    // JSON names its fields as the API does.
    let lines = "{\"email\":\"b@ejemplo.com\",\"recipient_name\":\"Ana\",\"result_value\":\"A\",\"credits_earned\":-1}\n";
    let job = world.upload("acta.jsonl", lines.as_bytes(), &json!({ "dry_run": true })).await;
    let status = world.file_job(&job).await;
    let error = status["result"]["errors"][0]["error"].as_str().expect("a text");
    assert!(error.starts_with("El campo credits_earned"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_none_is_refused_with_what_was_probably_meant() {
    let world = World::new().await;
    let file = "Correo;Nombre;Nota\nana@gmail,com;Ana Soto;A\neva@hotmail;Eva Soto;A\ninvalido@test;Luz Soto;A\n";
    let dry = world.upload("acta.csv", file.as_bytes(), &json!({ "dry_run": true })).await;
    world.file_job(&dry).await;
    let none = "no tiene una dirección de correo válida";
    for (row, (sent, near)) in rows_of(&world, &dry).await.iter().zip([
        ("ana@gmail,com", "; ¿quisiste decir «ana@gmail.com»?"),
        ("eva@hotmail", "; ¿quisiste decir «eva@hotmail.com»?"),
        ("invalido@test", ""),
    ]) {
        let text = format!("Invalid email: {sent} (la columna «Correo» {none}{near})");
        assert_eq!(row["error"], text, "the contract's text comes first");
    }
}
