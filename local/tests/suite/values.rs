//! Values as spreadsheets and people write them, through files: read as they were meant and found as
//! what they are, or refused before they are signed.

use serde_json::{Value, json};

use crate::harness::World;

async fn read(world: &World, file: &str, options: Value) -> Value {
    let job = world.upload("acta.csv", file.as_bytes(), &options).await;
    world.file_job(&job).await
}

/// Row and code of each fault of a job's file.
fn codes(job: &Value) -> Vec<(u64, String)> {
    let errors = job["result"]["errors"].as_array().expect("faults");
    let text = |fault: &Value| fault["code"].as_str().expect("a code").to_owned();
    errors.iter().map(|fault| (fault["row"].as_u64().expect("a row"), text(fault))).collect()
}

async fn nothing_was_issued(world: &World) {
    assert_eq!(world.get("/credentials").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_whose_dates_or_numbers_have_two_readings_is_refused_before_anything_is_issued() {
    let world = World::new().await;
    let nine = "email,name,result,end date\r\na1@ejemplo.com,Ana,A,01/05/2026\r\na2@ejemplo.com,Ana,A,02/05/2026\r\na3@ejemplo.com,Ana,A,03/05/2026\r\na4@ejemplo.com,Ana,A,04/05/2026\r\na5@ejemplo.com,Ana,A,11/05/2026\r\na6@ejemplo.com,Ana,A,12/05/2026\r\na7@ejemplo.com,Ana,A,06/07/2026\r\na8@ejemplo.com,Ana,A,08/09/2026\r\na9@ejemplo.com,Ana,A,11/15/2026\r\n";
    for (file, code, line) in [
        (nine.to_owned(), "month_first_dates", 10),
        ("email,name,result,end date\r\nanac3@ejemplo.com,Ana,A,11/05/2026\r\nluisc3@ejemplo.com,Luis,B,11/15/2026\r\n".to_owned(), "month_first_dates", 3),
        (nine.replace("06/07", "26/07"), "mixed_dates", 10),
        (nine.replace("11/15", "11/12"), "ambiguous_dates", 2),
        ("email;nombre;calificacion;creditos\r\nanac8@ejemplo.com;Ana;A;6,5\r\nluisc8@ejemplo.com;Luis;B;1.500\r\n".to_owned(), "ambiguous_numbers", 3),
    ] {
        let status = read(&world, &file, json!({})).await;
        let found = (&status["status"], &status["code"], &status["line"], &status["column"]);
        assert_eq!(found, (&json!("FAILURE"), &json!(code), &json!(line), &json!(4)), "{status}");
    }
    nothing_was_issued(&world).await;

    // Another column shows the order, or somebody says it: with the upload, or for the template.
    let file = "email;nombre;nota;inicio;fin\r\neva@ejemplo.com;Eva;A;03/08/2026;DIA/11/2026\r\n";
    let shown = read(&world, &file.replace("DIA", "15"), json!({ "dry_run": true })).await;
    assert_eq!(shown["result"]["successful"], 1, "{shown}");
    let open = file.replace("DIA", "10");
    assert_eq!(read(&world, &open, json!({})).await["code"], "ambiguous_dates");
    let said = read(&world, &open, json!({ "day_first": true })).await;
    assert_eq!(said["result"]["successful"], 1, "{said}");
    let issued = world.get("/credentials?email=eva@ejemplo.com").await["items"][0].clone();
    assert_eq!(
        (&issued["activity_start_date"], &issued["activity_end_date"]),
        (&json!("2026-08-03"), &json!("2026-11-10"))
    );
    let path = format!("/templates/{}/column-map", world.demo.template_id);
    let body = json!({ "column_map": {}, "day_first": true });
    let kept = world.call("PUT", &path, Some(&body)).await.expect(200).json();
    assert_eq!(kept["day_first"], true);
    let remembered = read(&world, &open, json!({})).await;
    assert_eq!(remembered["result"]["duplicates"], 1, "{remembered}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_a_spreadsheet_damaged_is_refused_with_its_row() {
    let world = World::new().await;
    let file = "email;nombre;calificacion;periodo;fin;licencia\r\nc1@ejemplo.com;Ana;A;feb-26;;\r\nc2@ejemplo.com;Ana;A;46054;;\r\nc3@ejemplo.com;#N/D;A;;;\r\nc4@ejemplo.com;#¿NOMBRE?;A;;;\r\nc5@ejemplo.com;Ana;A;#¡REF!;;\r\nc6@ejemplo.com;Ana;A;;15/11/0206;\r\nc7@ejemplo.com;Ana;A;;15/11/26;\r\nc8@ejemplo.com;Ana;A;;;2-Jan\r\nc9@ejemplo.com;Ana;A;;;1,23E+11\r\nc10@ejemplo.com;Ana;A;2026-2;15-nov-2026;00123\r\n";
    for options in [json!({ "dry_run": true }), json!({})] {
        let job = read(&world, file, options).await;
        let wanted = [
            "made_date",
            "made_date",
            "damaged_text",
            "damaged_text",
            "damaged_text",
            "date_out_of_range",
            "invalid_date",
            "made_date",
            "shortened_number",
        ];
        let wanted: Vec<(u64, String)> = (1..).zip(wanted.map(str::to_owned)).collect();
        assert_eq!(codes(&job), wanted, "{job}");
    }
    // A formula, or tags, in place of a value: from any program.
    for (field, value) in [
        ("recipient_name", "=HYPERLINK(\"mailto:ana@x.cl\";\"Ana\")"),
        ("recipient_name", "=A2&\" \"&B2"),
        ("recipient_name", "<b>Ana Pérez</b>"),
        ("role", "=Hoja1!A2"),
        ("term", "Otoño<br>2026"),
    ] {
        let mut person = json!({ "email": "c12@ejemplo.com", "recipient_name": "Ana Soto", "result_value": "A" });
        person[field] = value.into();
        let job = read(&world, &format!("{person}\n"), json!({})).await;
        assert_eq!(codes(&job), [(1, "damaged_text".to_owned())], "{value}");
        let body = json!({ "template_id": world.demo.template_id, "recipients": [person] });
        let answer = world.call("POST", "/credentials/issue", Some(&body)).await.json();
        assert_eq!(answer["credentials"][0]["error_codes"], json!(["damaged_text"]), "{answer}");
    }
    // A program that read the same sheet sends its errors in other ways.
    let line = json!({ "email": "c11@ejemplo.com", "recipient_name": "Ana", "result_value": "A", "role": "#N/A" });
    let job = read(&world, &format!("{line}\n"), json!({})).await;
    assert_eq!(codes(&job), [(1, "damaged_text".to_owned())]);
    let body = json!({ "template_id": world.demo.template_id, "recipients": [line] });
    let answer = world.call("POST", "/credentials/issue", Some(&body)).await.json();
    assert!(answer.to_string().contains("#N/A"), "{answer}");
    assert_eq!(world.get("/credentials").await["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_is_found_as_what_was_meant_however_a_file_writes_it() {
    let world = World::new().await;
    let person = json!({
        "email": "ana@ejemplo.com", "recipient_name": "Ana", "result_value": "A",
        "license_number": "00123", "activity_start_date": "2026-08-03", "activity_end_date": "2026-11-15",
    });
    let body = json!({ "template_id": world.demo.template_id, "recipients": [person], "send_email": false });
    world.call("POST", "/credentials/issue", Some(&body)).await.expect(200);
    let head = "email;nombre;calificacion;licencia;inicio;fin\r\n";
    for row in [
        "ana@ejemplo.com;Ana;a;\"=\"\"00123\"\"\";3/8/2026;15/11/2026",
        "ana@ejemplo.com;Ana; A ;'00123;3-ago-2026;15-nov-2026",
        "ana@ejemplo.com;Ana;A;00123;3 de agosto de 2026;15 de noviembre de 2026",
        "ana@ejemplo.com;Ana;A;00123;August 3, 2026;Sunday, November 15, 2026",
        "ana@ejemplo.com;Ana;A;00123;3 de ago. de 2026;15 de novembro de 2026",
        "ana@ejemplo.com;Ana;A;00123;20260803;2026/11/15 0:00:00",
    ] {
        let job = read(&world, &format!("{head}{row}\r\n"), json!({})).await;
        assert_eq!(job["result"]["duplicates"], 1, "{row}: {job}");
    }
    // JSON in a file too, and beside another fault.
    let listed = body.to_string().replace("\"A\"", "\"a\"");
    let line = person.to_string().replace("\"A\"", "\"a\"");
    for file in [format!("{line}\n"), format!("[{line}]"), listed] {
        let job = read(&world, &file, json!({ "send_email": false })).await;
        assert_eq!(job["result"]["duplicates"], 1, "{file}: {job}");
    }
    let job = read(&world, &format!("{}\n", line.replace("ana@", "ana")), json!({})).await;
    assert_eq!(codes(&job), [(1, "invalid_email".to_owned())]);
    let error = job["result"]["errors"][0]["error"].as_str().expect("a text");
    assert_eq!(error, "Invalid email: anaejemplo.com", "the grade is read as A");
    // The API takes a listed value as it is listed.
    let body = body.to_string().replace("\"A\"", "\"a\"");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let answer = world.call("POST", "/credentials/issue", Some(&body)).await.json();
    assert!(answer.to_string().contains("Calificacion invalida"), "{answer}");
    assert_eq!(world.get("/credentials").await["items"].as_array().map(Vec::len), Some(1));
}

/// One answer names everything that is wrong with a row: of its form, of its template, of its values.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_names_all_its_faults_at_once_whatever_their_kind() {
    let world = World::new().await;
    let person = json!({
        "email": "ana@", "recipient_name": "JosÃ© <b>Soto</b>", "result_value": "Z", "credits_earned": -1,
        "activity_end_date": "9999-01-01", "term": "=HYPERLINK(\"x\";\"2026-1\")", "evidence": [{ "url": "x" }],
    });
    let codes_of = [
        "invalid_email",
        "invalid_credits",
        "invalid_url",
        "invalid_result",
        "date_out_of_range",
        "damaged_text",
        "damaged_text",
    ];
    let check = |found: &[Value], what: &str| {
        let found: Vec<&str> = found.iter().filter_map(Value::as_str).collect();
        assert_eq!(found, codes_of, "{what}");
    };
    let body = json!({ "template_id": world.demo.template_id, "recipients": [person] });
    for path in ["/credentials/issue", "/credentials/issue?dry_run=true"] {
        let answer = world.call("POST", path, Some(&body)).await.expect(200).json();
        let row = answer["credentials"].get(0).or_else(|| answer["recipients"].get(0));
        let row = row.expect("a row");
        check(row["error_codes"].as_array().expect("codes"), path);
        assert_eq!(row.get("warnings"), None, "no warning beside a fault of the same field: {row}");
    }
    let formula = json!({
        "email": "eva@ejemplo.com", "recipient_name": "=CONCATENAR(A1;B1)", "result_value": "A",
    });
    let body = json!({ "template_id": world.demo.template_id, "recipients": [formula] });
    let path = "/credentials/issue?dry_run=true";
    let row =
        world.call("POST", path, Some(&body)).await.expect(200).json()["recipients"][0].clone();
    assert_eq!(
        (&row["error_codes"], row.get("warnings")),
        (&json!(["damaged_text"]), None),
        "{row}"
    );
    let said = [
        "Invalid email: ana@",
        "Calificacion invalida. Valores permitidos: A, B, C, D, F",
        "entre 1900",
        "etiquetas HTML",
        "una fórmula de la hoja de cálculo",
    ];
    let line = format!("{person}\n");
    let two = [person.clone(), person.clone()];
    let csv = "Correo;Nombre;Nota;Créditos;Fin;Periodo;Evidencia url\n\
        ana@;<b>Soto</b>;Z;-1;9999-01-01;\"=HYPERLINK(\"\"x\"\";\"\"2026-1\"\")\";x\n";
    let mut jobs = vec![world.start_job(&two).await];
    for (name, file) in [("acta.jsonl", line.as_str()), ("acta.csv", csv)] {
        jobs.push(world.upload(name, file.as_bytes(), &json!({})).await);
    }
    for job in jobs {
        let status = world.success(&job).await;
        let error = status["result"]["errors"][0]["error"].as_str().expect("a text");
        for part in said.iter().filter(|part| !part.contains("HTML") || !error.contains("JosÃ©"))
        {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(error.starts_with("Invalid email"), "the contract's text comes first: {error}");
    }
    // A member's profile has the name, so it is not missing where another field is at fault.
    let lines = "email;nombre;nota;creditos\nana.rojas@demo.example;;Z;mucho\notra@ejemplo.com;;Z;mucho\n;;Z;\n";
    let job = world.upload("acta.csv", lines.as_bytes(), &json!({})).await;
    let status = world.file_job(&job).await;
    let errors = status["result"]["errors"].as_array().expect("faults");
    let missing: Vec<bool> = errors
        .iter()
        .map(|fault| {
            fault["error"]
                .as_str()
                .is_some_and(|text| text.contains("«nombre», que es obligatoria"))
        })
        .collect();
    assert_eq!(missing, [false, false, true], "{status}");
    for fault in errors {
        let text = fault["error"].as_str().expect("a text");
        assert!(text.contains("Calificacion invalida"), "{text}");
    }
    assert_eq!(world.get("/credentials").await["items"], json!([]));
}
