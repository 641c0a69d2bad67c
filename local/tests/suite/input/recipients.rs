//! Faulty recipients: the same texts in a request and in a job. One identity in many spellings.

use serde_json::{Value, json};

use super::{assert_nothing_minted, body, issued, one, post, recipient};
use crate::harness::{World, person};

/// A faulty recipient, and the faults that the service reports.
struct Case {
    recipient: String,
    codes: Vec<&'static str>,
    es: Vec<String>,
    en: Vec<String>,
}

impl Case {
    /// The address as sent, which the answer repeats; empty when it is no text.
    fn email(&self) -> String {
        let sent: Value =
            serde_json::from_str(&self.recipient.replace("1e400", "0")).expect("JSON");
        sent["email"].as_str().unwrap_or_default().to_owned()
    }
}

#[expect(clippy::too_many_lines, reason = "a table of data")]
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut refused = |recipient: String, faults: &[(&'static str, String, String)]| {
        cases.push(Case {
            recipient,
            codes: faults.iter().map(|(code, ..)| *code).collect(),
            es: faults.iter().map(|(_, es, _)| es.clone()).collect(),
            en: faults.iter().map(|(.., en)| en.clone()).collect(),
        });
    };
    let fault = |code: &'static str, es: &str, en: &str| [(code, es.to_owned(), en.to_owned())];

    // Values that are no object.
    for raw in ["\"persona1@ejemplo.com\"", "null", "7", "[]", "[[[[]]]]"] {
        let es = "El destinatario debe ser un objeto JSON";
        refused(raw.to_owned(), &fault("not_an_object", es, "The recipient must be a JSON object"));
    }

    // E-mail.
    for nothing in ["", "null", "\"\"", "\"  \""] {
        let es = "Falta el campo obligatorio: email";
        let faults = fault("missing_field", es, "Required field missing: email");
        refused(recipient(&[("email", nothing)]), &faults);
    }
    let long = format!("{}@ejemplo.com", "a".repeat(288));
    assert_eq!(long.len(), 300);
    for email in [
        "persona1.ejemplo.com",
        "invalido@test",
        "persona 1@ejemplo.com",
        "persona1@ejem plo.com",
        "persona1@ejemplo.com\r\nBcc: otra@ejemplo.com",
        "persona1@ejemplo.com\n",
        "persona1\r@ejemplo.com",
        "josé@ejemplo.com",
        "a@b@ejemplo.com",
        "Persona <persona1@ejemplo.com>",
        "persona1@ejemplo.com,persona2@ejemplo.com",
        "@ejemplo.com",
        &long,
    ] {
        let text = format!("Invalid email: {email}");
        let faults = fault("invalid_email", &text, &text);
        refused(recipient(&[("email", &json!(email).to_string())]), &faults);
    }

    // Types.
    for (field, value, es, en) in [
        ("email", "5", "un texto", "a string"),
        ("recipient_name", "7", "un texto", "a string"),
        ("result_value", "[\"A\"]", "un texto", "a string"),
        ("role", "{}", "un texto", "a string"),
        ("external_id", "12", "un texto", "a string"),
        ("language", "true", "un texto", "a string"),
        ("activity_start_date", "20260203", "un texto", "a string"),
        ("credits_earned", "\"6\"", "un número", "a number"),
        ("credits_earned", "true", "un número", "a number"),
        ("evidence", "{}", "una lista", "an array"),
    ] {
        let es = format!("El campo {field} debe ser {es}");
        let en = format!("The field {field} must be {en}");
        refused(recipient(&[(field, value)]), &fault("wrong_type", &es, &en));
    }
    refused(
        recipient(&[("evidence", "[\"https://ejemplo.com\"]")]),
        &fault(
            "wrong_type",
            "El campo evidence[0] debe ser un objeto",
            "The field evidence[0] must be an object",
        ),
    );

    // Fields that the API or the template does not have, or that are missing.
    let email = fault(
        "unknown_field",
        "Campo desconocido: Email. ¿Quisiste decir email?",
        "Unknown field: Email. Did you mean email?",
    );
    refused(recipient(&[("Email", "\"x\"")]), &email);
    for (name, shown) in [("nombre", "nombre"), ("a\u{7}/b", "a/b")] {
        let es = format!("Campo desconocido: {shown}");
        let en = format!("Unknown field: {shown}");
        refused(recipient(&[(name, "\"x\"")]), &fault("unknown_field", &es, &en));
    }
    refused(
        recipient(&[("evidence", r#"[{"url":"https://ejemplo.com/","link":"x"}]"#)]),
        &fault(
            "unknown_field",
            "Campo desconocido: evidence[0].link",
            "Unknown field: evidence[0].link",
        ),
    );
    refused(
        recipient(&[("role", "\"Ayudante\""), ("role", "\"Docente\"")]),
        &fault("repeated_field", "El campo role está repetido", "The field role is given twice"),
    );
    for field in ["recipient_name", "result_value"] {
        let es = format!("Falta el campo obligatorio: {field}");
        let en = format!("Required field missing: {field}");
        for nothing in ["", "null", "\" \""] {
            refused(recipient(&[(field, nothing)]), &fault("missing_field", &es, &en));
        }
    }

    // Texts: control characters, direction marks, lengths.
    for name in ["Persona\u{7}", "Persona\u{0}", "\u{202e}allirroZ", "Persona \u{202e}x"] {
        let es = "El campo recipient_name contiene caracteres no permitidos (de control)";
        let en = "The field recipient_name contains characters that are not allowed (control characters)";
        let name = json!(name).to_string();
        refused(recipient(&[("recipient_name", &name)]), &fault("forbidden_characters", es, en));
    }
    for (field, max) in [
        ("recipient_name", 200),
        ("role", 200),
        ("term", 200),
        ("license_number", 200),
        ("result_value", 200),
        ("external_id", 128),
    ] {
        let es = format!("El campo {field} supera los {max} caracteres");
        let en = format!("The field {field} is longer than {max} characters");
        for length in [max + 1, 10_240] {
            let text = json!("ñ".repeat(length)).to_string();
            refused(recipient(&[(field, &text)]), &fault("too_long", &es, &en));
        }
    }

    // Grades: the contract's text, word for word.
    for grade in ["E", "a", "AA", "A,B", "excelente"] {
        let text = "Calificacion invalida. Valores permitidos: A, B, C, D, F";
        let grade = json!(grade).to_string();
        refused(recipient(&[("result_value", &grade)]), &fault("invalid_result", text, text));
    }

    for credits in ["-1", "-0.001", "1e400", "6.1234", "1000001", "1e7"] {
        let es = "El campo credits_earned debe ser un número entre 0 y 1000000 con 3 decimales como máximo";
        let en =
            "The field credits_earned must be a number from 0 to 1000000 with at most 3 decimals";
        refused(recipient(&[("credits_earned", credits)]), &fault("invalid_credits", es, en));
    }

    for field in ["activity_start_date", "activity_end_date"] {
        let es = format!("El campo {field} debe ser una fecha válida con el formato AAAA-MM-DD");
        let en = format!("The field {field} must be a valid date as YYYY-MM-DD");
        for date in ["2026-02-30", "2026-2-3", "03/02/2026", "2026-02-03T00:00:00Z", "hoy"] {
            let date = json!(date).to_string();
            refused(recipient(&[(field, &date)]), &fault("invalid_date", &es, &en));
        }
    }
    refused(
        recipient(&[
            ("activity_start_date", "\"2026-03-02\""),
            ("activity_end_date", "\"2026-03-01\""),
        ]),
        &fault(
            "ends_before_start",
            "activity_end_date no puede ser anterior a activity_start_date",
            "activity_end_date must not be before activity_start_date",
        ),
    );

    for url in [
        "javascript:alert(1)",
        "JavaScript://ejemplo.com/%0aalert(1)",
        "data:text/html,x",
        "/proyecto",
        "//ejemplo.com/proyecto",
        "ejemplo.com/proyecto",
        "https:/ejemplo.com",
        "ftp://ejemplo.com/x",
        "https://",
        "https://clave@ejemplo.com/",
    ] {
        let es =
            "El campo evidence[1].url debe ser una URL absoluta que empiece por http:// o https://";
        let en = "The field evidence[1].url must be an absolute URL that begins with http:// or https://";
        let evidence = json!([{ "url": "https://ejemplo.com/a" }, { "url": url }]).to_string();
        refused(recipient(&[("evidence", &evidence)]), &fault("invalid_url", es, en));
    }
    let eleven = json!(vec![json!({ "name": "Proyecto" }); 11]).to_string();
    refused(
        recipient(&[("evidence", &eleven)]),
        &fault(
            "too_many",
            "El campo evidence admite 10 elementos como máximo",
            "The field evidence takes at most 10 entries",
        ),
    );
    refused(
        recipient(&[("evidence", r#"[{"description":"x"}]"#)]),
        &fault(
            "empty_evidence",
            "evidence[0] debe tener al menos name o url",
            "evidence[0] must have at least name or url",
        ),
    );
    for (member, max) in [("name", 200), ("url", 2_048), ("description", 2_000)] {
        let long = format!("https://ejemplo.com/{}", "x".repeat(max));
        let mut entry = json!({ "name": "Proyecto" });
        entry[member] = long.into();
        let es = format!("El campo evidence[0].{member} supera los {max} caracteres");
        let en = format!("The field evidence[0].{member} is longer than {max} characters");
        let evidence = json!([entry]).to_string();
        refused(recipient(&[("evidence", &evidence)]), &fault("too_long", &es, &en));
    }
    let heavy = json!({ "name": "Proyecto", "description": "x".repeat(1_900) });
    refused(
        recipient(&[("evidence", &json!(vec![heavy; 10]).to_string())]),
        &fault(
            "too_large",
            "Los datos del destinatario superan los 16384 bytes",
            "The recipient's data is larger than 16384 bytes",
        ),
    );
    refused(
        recipient(&[("language", "\"fr\"")]),
        &fault(
            "invalid_language",
            "El campo language debe ser es, en o pt",
            "The field language must be es, en or pt",
        ),
    );

    // Several faults are reported together.
    refused(
        recipient(&[("email", "\"invalido@test\""), ("credits_earned", "-1"), ("nota", "1")]),
        &[
            fault("invalid_email", "Invalid email: invalido@test", "Invalid email: invalido@test"),
            fault(
                "invalid_credits",
                "El campo credits_earned debe ser un número entre 0 y 1000000 con 3 decimales como máximo",
                "The field credits_earned must be a number from 0 to 1000000 with at most 3 decimals",
            ),
            fault("unknown_field", "Campo desconocido: nota", "Unknown field: nota"),
        ]
        .concat(),
    );
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_recipient_gets_its_reasons_in_the_callers_language_and_nothing_is_minted() {
    let world = World::new().await;
    for case in cases() {
        for (lang, texts) in [(None, &case.es), (Some("de"), &case.es), (Some("en-US"), &case.en)] {
            let answer = one(&world, lang, &case.recipient).await;
            assert_eq!(answer["status"], "error", "{}", case.recipient);
            assert_eq!(answer["errors"], json!(texts), "{}", case.recipient);
            assert_eq!(answer["error_codes"], json!(case.codes), "{}", case.recipient);
            assert_eq!(answer["email"], case.email());
            assert_eq!(answer["credential_id"], Value::Null);
        }
    }
    assert_nothing_minted(&world).await;
    assert_eq!(world.get("/jobs").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_of_a_job_fail_with_the_same_texts_as_one_recipient() {
    let world = World::new().await;
    let cases = cases();
    let recipients: Vec<String> = cases.iter().map(|case| case.recipient.clone()).collect();
    for lang in [None, Some("en")] {
        let answer = post(&world, lang, body(&world, &recipients)).await.expect(202).json();
        let job = answer["job_id"].as_str().expect("job_id");
        let result = world.success(job).await["result"].clone();
        assert_eq!(result["failed"], cases.len());
        assert_eq!(result["successful"], 0);
        assert_eq!(result["errors"].as_array().map(Vec::len), Some(cases.len().min(100)));
        assert_eq!(result["errors_truncated"], cases.len() > 100);
        let rows = world.get(&format!("/jobs/{job}/results?limit=1000")).await;
        let rows = rows["items"].as_array().expect("items");
        assert_eq!(rows.len(), cases.len());
        for (n, (case, row)) in cases.iter().zip(rows).enumerate() {
            let texts = if lang.is_none() { &case.es } else { &case.en };
            assert_eq!(row["row"], n + 1);
            assert_eq!(row["status"], "failed", "{}", case.recipient);
            assert_eq!(row["error"], texts.join("; "), "{}", case.recipient);
            assert_eq!(row["email"], case.email());
            assert_eq!(row["credential_id"], Value::Null);
        }
        for (error, row) in result["errors"].as_array().expect("errors").iter().zip(rows) {
            assert_eq!(error["error"], row["error"]);
            assert_eq!(error["row"], row["row"]);
        }
    }
    assert_nothing_minted(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_recipient_among_fifty_fails_alone() {
    let world = World::new().await;
    for (n, bad) in [
        "7".to_owned(),
        recipient(&[("email", "\"invalido@test\"")]),
        recipient(&[("email", "\"persona12@ejemplo.com\""), ("result_value", "\"Z\"")]),
    ]
    .into_iter()
    .enumerate()
    {
        // Other people each time: the same ones would be duplicates.
        let first = u32::try_from(n).expect("small") * 100 + 1;
        let mut people: Vec<String> = (first..first + 50).map(|p| person(p).to_string()).collect();
        people[11] = bad;
        let answer = post(&world, None, body(&world, &people)).await.expect(202).json();
        let job = answer["job_id"].as_str().expect("job_id");
        let result = world.success(job).await["result"].clone();
        assert_eq!(result["successful"], 49);
        assert_eq!(result["failed"], 1);
        assert_eq!(result["emails_sent"], 49);
        assert_eq!(result["duplicates"], 0);
        assert_eq!(result["errors"].as_array().map(Vec::len), Some(1));
        assert_eq!(result["errors"][0]["row"], 12);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_in_many_spellings_is_one_identity_and_is_echoed_as_sent() {
    let world = World::new().await;
    for spellings in [
        ["persona1@ejemplo.com", "PERSONA1@EJEMPLO.COM", " Persona1@Ejemplo.com "],
        ["persona1@xn--and-6ma2c.cl", "persona1@ñandú.cl", "Persona1@ÑANDÚ.CL"],
        ["persona1+tesis@ejemplo.com", "persona1+Tesis@ejemplo.com", "PERSONA1+TESIS@EJEMPLO.COM"],
    ] {
        let mut ids = Vec::new();
        for (n, email) in spellings.iter().enumerate() {
            let answer = issued(&world, &[("email", &json!(email).to_string())]).await;
            assert_eq!(answer["email"], *email);
            assert_eq!(answer["duplicate"], n > 0, "{email}");
            ids.push(answer["credential_id"].clone());
        }
        assert_eq!(ids[0], ids[1]);
        assert_eq!(ids[0], ids[2]);
        let id = ids[0].as_str().expect("id");
        assert_eq!(world.mail_ended(id).await["email"], spellings[0]);
        assert_eq!(world.mails_now(spellings[0]).await.len(), 1);
    }
    // A tagged address is another mailbox: only its host could know otherwise.
    assert_eq!(world.get("/credentials").await["items"].as_array().map(Vec::len), Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_content_in_other_spellings_is_one_identity() {
    let world = World::new().await;
    let groups: &[&[&[(&str, &str)]]] = &[
        &[
            &[("recipient_name", "\"José Zorrilla Ñandú\"")],
            &[("recipient_name", "\"Jose\u{301} Zorrilla N\u{303}andu\u{301}\"")],
            &[("recipient_name", "\"\\u0020José Zorrilla Ñandú\\t\"")],
        ],
        &[
            &[("credits_earned", "6")],
            &[("credits_earned", "6.0")],
            &[("credits_earned", "0.6e1")],
            &[("credits_earned", "6000E-3")],
        ],
        &[
            &[("role", "\"\""), ("term", "\"2026-1\"")],
            &[("role", "null"), ("term", "\" 2026-1\"")],
            &[("evidence", "[]"), ("term", "\"2026-1\"")],
            &[("language", "\"en\""), ("term", "\"2026-1\"")],
        ],
        &[
            &[("evidence", r#"[{"name":"Tesis","url":"https://ejemplo.com/a"}]"#)],
            &[("evidence", r#"[{"url":"HTTPS://Ejemplo.com:443/a","name":"Tesis "}]"#)],
        ],
    ];
    let mut all = std::collections::HashSet::new();
    for group in groups {
        let first = issued(&world, group[0]).await;
        assert_eq!(first["duplicate"], false, "{:?}", group[0]);
        for same in &group[1..] {
            let again = issued(&world, same).await;
            assert_eq!(again["credential_id"], first["credential_id"], "{same:?}");
            assert_eq!(again["duplicate"], true, "{same:?}");
        }
        all.insert(first["credential_id"].to_string());
    }
    assert_eq!(all.len(), groups.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_all_scripts_are_kept_and_shown() {
    let world = World::new().await;
    let longest = "ñ".repeat(200);
    for name in [
        "Persona Zorrilla 🎓👩‍🔬",
        "ليلى \u{200f}زوريلا",
        "O'Higgins <x>& \"Zorrilla\"",
        "李 Zorrilla",
        &longest,
    ] {
        let answer = issued(&world, &[("recipient_name", &json!(name).to_string())]).await;
        let id = answer["credential_id"].as_str().expect("id");
        let kept = world.mail_ended(id).await;
        assert_eq!(kept["recipient_name"], name);
        assert_eq!(kept["email_status"], "sent", "{name}");
        let page = world.send("GET", &format!("/credential/{id}"), &[], "").await.expect(200);
        assert!(!page.text().contains("<x>"), "{name}");
        if !name.contains('<') {
            assert!(page.text().contains(name), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_recipient_twice_is_one_credential_and_one_mail() {
    let world = World::new().await;
    let shouted = json!({
        "email": "PERSONA1@EJEMPLO.COM", "recipient_name": " Persona Zorrilla 1 ",
        "result_value": "A", "credits_earned": null,
    });
    let result = world.run_job(&[person(1), shouted, person(1)]).await;
    assert_eq!(result["successful"], 3);
    assert_eq!(result["duplicates"], 2);
    assert_eq!(result["emails_sent"], 1);
    assert_eq!(result["emails_skipped"], 2);
    let rows =
        world.get(result["results_url"].as_str().expect("url").trim_start_matches("/api/v1"));
    let rows = rows.await["items"].clone();
    assert_eq!(rows[0]["credential_id"], rows[1]["credential_id"]);
    assert_eq!(rows[0]["credential_id"], rows[2]["credential_id"]);
    assert_eq!(rows[1]["email"], "PERSONA1@EJEMPLO.COM");
    assert_eq!(world.get("/credentials").await["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.mails_now("persona1@ejemplo.com").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_external_id_with_other_content_names_its_credential_and_the_ways_out() {
    let world = World::new().await;
    let mut first = person(1);
    first["external_id"] = "acta-7/1".into();
    let issued = world.issue_one(&first).await;
    assert_eq!(issued["external_id"], "acta-7/1");
    let id = issued["credential_id"].as_str().expect("id").to_owned();
    let again = world.issue_one(&first).await;
    assert_eq!(
        (again["duplicate"].clone(), again["credential_id"].clone()),
        (json!(true), json!(id))
    );

    let mut other = first.clone();
    other["result_value"] = "B".into();
    let es = format!(
        "El external_id ya pertenece a la credencial {id} con otros datos. Para corregirla usa PATCH /api/v1/credentials/{id}; para emitir otra, usa otro external_id"
    );
    let en = format!(
        "This external_id belongs to credential {id} with other data. To correct it use PATCH /api/v1/credentials/{id}; to issue another, use another external_id"
    );
    let refused = world.issue_one(&other).await;
    assert_eq!(refused["status"], "error");
    assert_eq!(refused["errors"], json!([es]));
    assert_eq!(refused["error_codes"], json!(["external_id_taken"]));
    assert_eq!(refused["external_id"], "acta-7/1");
    assert_eq!(one(&world, Some("en"), &other.to_string()).await["errors"], json!([en]));

    let mut second = person(2);
    second["external_id"] = "acta-7/1".into();
    let mut new = person(1);
    new["external_id"] = "acta-7/2".into();
    let result = world.run_job(&[first, other, second, new]).await;
    assert_eq!((result["successful"].clone(), result["failed"].clone()), (json!(2), json!(2)));
    assert_eq!(result["duplicates"], 1);
    for n in [0, 1] {
        assert_eq!(result["errors"][n]["row"], n + 2);
        assert_eq!(result["errors"][n]["error"], es);
        assert_eq!(result["errors"][n]["code"], "external_id_taken");
    }
    let kept = world.get(&format!("/credentials/{id}")).await;
    assert_eq!(kept["result_value"], "A");
    assert_eq!(world.get("/credentials").await["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_refuses_what_it_does_not_list_and_what_is_out_of_its_bounds() {
    let world = World::new().await;
    let definition = json!({
        "name": "Taller", "description": "Un taller",
        "fields": [
            { "name": "credits_earned", "min": 1, "max": 10.5 },
            { "name": "role", "allowed_values": ["Ayudante", "Docente"] },
            { "name": "result_value", "required": true, "allowed_values": ["Aprobado", "Reprobado"] },
        ],
    });
    let made = world.call("POST", "/templates", Some(&definition)).await.expect(201).json();
    let ask = |change: (&str, Value)| {
        let mut one = json!({ "email": "persona1@ejemplo.com", "result_value": "Aprobado" });
        one[change.0] = change.1;
        json!({ "template_id": made["id"], "recipients": [one] }).to_string()
    };
    let range = (
        "credits_out_of_range",
        "El campo credits_earned debe estar entre 1 y 10.5",
        "The field credits_earned must be between 1 and 10.5",
    );
    let role = (
        "value_not_allowed",
        "Valor no permitido en role. Valores permitidos: Ayudante, Docente",
        "Value not allowed in role. Allowed values: Ayudante, Docente",
    );
    let near = (
        "value_not_allowed",
        "Valor no permitido en role. ¿Quisiste decir Docente? Valores permitidos: Ayudante, Docente",
        "Value not allowed in role. Did you mean Docente? Allowed values: Ayudante, Docente",
    );
    let result = "Calificacion invalida. Valores permitidos: Aprobado, Reprobado";
    for (change, (code, es, en)) in [
        (("credits_earned", json!(0.5)), range),
        (("credits_earned", json!(0)), range),
        (("credits_earned", json!(10.501)), range),
        (("role", json!("docente")), near),
        (("role", json!("Docnete")), near),
        (("role", json!("Rectora")), role),
        // The text of a grade never changes.
        (("result_value", json!("aprobado")), ("invalid_result", result, result)),
        (("result_value", json!("A")), ("invalid_result", result, result)),
        (
            ("recipient_name", json!("Persona Zorrilla")),
            (
                "field_not_in_template",
                "La plantilla no admite el campo recipient_name",
                "The template does not take the field recipient_name",
            ),
        ),
        (
            ("evidence", json!([{ "name": "Tesis" }])),
            (
                "field_not_in_template",
                "La plantilla no admite el campo evidence",
                "The template does not take the field evidence",
            ),
        ),
    ] {
        for (lang, text) in [(None, es), (Some("en"), en)] {
            let reply = post(&world, lang, ask(change.clone())).await.expect(200).json();
            assert_eq!(reply["credentials"][0]["status"], "error", "{change:?}");
            assert_eq!(reply["credentials"][0]["errors"], json!([text]));
            assert_eq!(reply["credentials"][0]["error_codes"], json!([code]));
        }
    }
    assert_nothing_minted(&world).await;
    for change in
        [("credits_earned", json!(1)), ("credits_earned", json!(10.5)), ("role", json!("Docente"))]
    {
        let reply = post(&world, None, ask(change)).await.expect(200).json();
        assert_eq!(reply["credentials"][0]["status"], "issued", "{reply}");
    }
}
