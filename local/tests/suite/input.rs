//! Bad input: a clear answer for each, in Spanish and in English, nothing minted, and the
//! same texts whether one recipient was sent or many.

use http::StatusCode;
use serde_json::{Value, json};
use unicreda::domain::{api_key::Scope, ids::Mode};

use crate::{
    catalog::{another_organization, key_of},
    harness::{Reply, World, person},
};

/// A recipient without fault, as JSON members.
const GOOD: [(&str, &str); 3] = [
    ("email", r#""persona1@ejemplo.com""#),
    ("recipient_name", r#""Persona Zorrilla""#),
    ("result_value", r#""A""#),
];

/// The good recipient with some members changed; a value of nothing takes the member out.
/// As text, since `1e400` and repeated names are no `Value`.
fn recipient(changes: &[(&str, &str)]) -> String {
    let mut members: Vec<(&str, &str)> = GOOD.to_vec();
    for (name, _) in changes {
        members.retain(|(n, _)| n != name);
    }
    members.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    let members: Vec<String> = members.iter().map(|(n, v)| format!("{}:{v}", json!(n))).collect();
    format!("{{{}}}", members.join(","))
}

/// A recipient at fault, and what is said of it.
struct Case {
    recipient: String,
    codes: Vec<&'static str>,
    es: Vec<String>,
    en: Vec<String>,
}

impl Case {
    /// The address as sent, which is echoed; empty when it is no text.
    fn email(&self) -> String {
        let sent: Value =
            serde_json::from_str(&self.recipient.replace("1e400", "0")).expect("JSON");
        sent["email"].as_str().unwrap_or_default().to_owned()
    }
}

/// The body of a request for these recipients.
fn body(world: &World, recipients: &[String]) -> String {
    let list = recipients.join(",");
    format!(r#"{{"template_id":"{}","recipients":[{list}]}}"#, world.demo.template_id)
}

/// Posts a body as it is, with the live key.
async fn post(world: &World, lang: Option<&str>, body: impl Into<bytes::Bytes>) -> Reply {
    let mut headers =
        vec![("x-api-key", world.demo.api_key.as_str()), ("content-type", "application/json")];
    headers.extend(lang.map(|lang| ("accept-language", lang)));
    world.send("POST", "/api/v1/credentials/issue", &headers, body).await
}

/// The one credential of a sync answer.
async fn one(world: &World, lang: Option<&str>, recipient: &str) -> Value {
    let answer = post(world, lang, body(world, &[recipient.to_owned()])).await.expect(200).json();
    assert_eq!(answer["mode"], "sync");
    assert_eq!(answer["credentials"].as_array().map(Vec::len), Some(1), "{answer}");
    answer["credentials"][0].clone()
}

/// Issues to the good recipient with changes, which must be fine.
async fn issued(world: &World, changes: &[(&str, &str)]) -> Value {
    let answer = one(world, None, &recipient(changes)).await;
    assert_eq!(answer["status"], "issued", "{changes:?}: {answer}");
    answer
}

/// Requires that nothing was minted and nothing mailed.
async fn assert_nothing_minted(world: &World) {
    assert_eq!(world.get("/credentials").await, json!({ "items": [], "next_cursor": null }));
    assert_eq!(world.stack.mail().count(), 0);
}

#[expect(clippy::too_many_lines, reason = "a table")]
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
    let said = |code: &'static str, es: &str, en: &str| [(code, es.to_owned(), en.to_owned())];

    // No object at all.
    for raw in ["\"persona1@ejemplo.com\"", "null", "7", "[]", "[[[[]]]]"] {
        let es = "El recipiente debe ser un objeto JSON";
        refused(raw.to_owned(), &said("not_an_object", es, "The recipient must be a JSON object"));
    }

    // E-mail.
    for nothing in ["", "null", "\"\"", "\"  \""] {
        let es = "Falta el campo obligatorio: email";
        let fault = said("missing_field", es, "Required field missing: email");
        refused(recipient(&[("email", nothing)]), &fault);
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
        let fault = said("invalid_email", &text, &text);
        refused(recipient(&[("email", &json!(email).to_string())]), &fault);
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
        refused(recipient(&[(field, value)]), &said("wrong_type", &es, &en));
    }
    refused(
        recipient(&[("evidence", "[\"https://ejemplo.com\"]")]),
        &said(
            "wrong_type",
            "El campo evidence[0] debe ser un objeto",
            "The field evidence[0] must be an object",
        ),
    );

    // Fields that the API or the template does not have, or that are missing.
    for (name, shown) in [("nombre", "nombre"), ("Email", "Email"), ("a\u{7}/b", "a/b")] {
        let es = format!("Campo desconocido: {shown}");
        let en = format!("Unknown field: {shown}");
        refused(recipient(&[(name, "\"x\"")]), &said("unknown_field", &es, &en));
    }
    refused(
        recipient(&[("evidence", r#"[{"url":"https://ejemplo.com/","link":"x"}]"#)]),
        &said(
            "unknown_field",
            "Campo desconocido: evidence[0].link",
            "Unknown field: evidence[0].link",
        ),
    );
    refused(
        recipient(&[("role", "\"Ayudante\""), ("role", "\"Docente\"")]),
        &said("repeated_field", "El campo role está repetido", "The field role is given twice"),
    );
    for field in ["recipient_name", "result_value"] {
        let es = format!("Falta el campo obligatorio: {field}");
        let en = format!("Required field missing: {field}");
        for nothing in ["", "null", "\" \""] {
            refused(recipient(&[(field, nothing)]), &said("missing_field", &es, &en));
        }
    }

    // Texts: control characters, marks that turn what follows around, lengths.
    for name in ["Persona\u{7}", "Persona\nZorrilla", "Persona\u{0}", "\u{202e}allirroZ"] {
        let es = "El campo recipient_name contiene caracteres no permitidos (de control)";
        let en = "The field recipient_name contains characters that are not allowed (control characters)";
        let name = json!(name).to_string();
        refused(recipient(&[("recipient_name", &name)]), &said("forbidden_characters", es, en));
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
            refused(recipient(&[(field, &text)]), &said("too_long", &es, &en));
        }
    }

    // Grades, kept word for word.
    for grade in ["E", "a", "AA", "A,B", "excelente"] {
        let text = "Calificacion invalida. Valores permitidos: A, B, C, D, F";
        let grade = json!(grade).to_string();
        refused(recipient(&[("result_value", &grade)]), &said("invalid_result", text, text));
    }

    for credits in ["-1", "-0.001", "1e400", "6.1234", "1000001", "1e7"] {
        let es = "El campo credits_earned debe ser un número entre 0 y 1000000 con 3 decimales como máximo";
        let en =
            "The field credits_earned must be a number from 0 to 1000000 with at most 3 decimals";
        refused(recipient(&[("credits_earned", credits)]), &said("invalid_credits", es, en));
    }

    for field in ["activity_start_date", "activity_end_date"] {
        let es = format!("El campo {field} debe ser una fecha válida con el formato AAAA-MM-DD");
        let en = format!("The field {field} must be a valid date as YYYY-MM-DD");
        for date in ["2026-02-30", "2026-2-3", "03/02/2026", "2026-02-03T00:00:00Z", "hoy"] {
            let date = json!(date).to_string();
            refused(recipient(&[(field, &date)]), &said("invalid_date", &es, &en));
        }
    }
    refused(
        recipient(&[
            ("activity_start_date", "\"2026-03-02\""),
            ("activity_end_date", "\"2026-03-01\""),
        ]),
        &said(
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
        refused(recipient(&[("evidence", &evidence)]), &said("invalid_url", es, en));
    }
    let eleven = json!(vec![json!({ "name": "Proyecto" }); 11]).to_string();
    refused(
        recipient(&[("evidence", &eleven)]),
        &said(
            "too_many",
            "El campo evidence admite 10 elementos como máximo",
            "The field evidence takes at most 10 entries",
        ),
    );
    refused(
        recipient(&[("evidence", r#"[{"description":"x"}]"#)]),
        &said(
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
        refused(recipient(&[("evidence", &evidence)]), &said("too_long", &es, &en));
    }
    let heavy = json!({ "name": "Proyecto", "description": "x".repeat(1_900) });
    refused(
        recipient(&[("evidence", &json!(vec![heavy; 10]).to_string())]),
        &said(
            "too_large",
            "Los datos del recipiente superan los 16384 bytes",
            "The recipient's data is larger than 16384 bytes",
        ),
    );
    refused(
        recipient(&[("language", "\"fr\"")]),
        &said(
            "invalid_language",
            "El campo language debe ser es o en",
            "The field language must be es or en",
        ),
    );

    // Everything that is wrong is said at once.
    refused(
        recipient(&[("email", "\"invalido@test\""), ("credits_earned", "-1"), ("nota", "1")]),
        &[
            said("invalid_email", "Invalid email: invalido@test", "Invalid email: invalido@test"),
            said(
                "invalid_credits",
                "El campo credits_earned debe ser un número entre 0 y 1000000 con 3 decimales como máximo",
                "The field credits_earned must be a number from 0 to 1000000 with at most 3 decimals",
            ),
            said("unknown_field", "Campo desconocido: nota", "Unknown field: nota"),
        ]
        .concat(),
    );
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipient_at_fault_is_told_why_in_its_language_and_nothing_is_minted() {
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
        // Other people each time, or they would be duplicates.
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
    // A tag is another mailbox as far as anybody but its host knows.
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
        "\u{200f}ليلى زوريلا\u{200f}",
        "O'Higgins <b>&amp; \"Zorrilla\"",
        "李 Zorrilla",
        &longest,
    ] {
        let answer = issued(&world, &[("recipient_name", &json!(name).to_string())]).await;
        let id = answer["credential_id"].as_str().expect("id");
        let kept = world.mail_ended(id).await;
        assert_eq!(kept["recipient_name"], name);
        assert_eq!(kept["email_status"], "sent", "{name}");
        let page = world.send("GET", &format!("/credential/{id}"), &[], "").await.expect(200);
        assert!(!page.text().contains("<b>"), "{name}");
        if !name.contains('<') {
            assert!(page.text().contains(name), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_outside_a_recipient_refuses_the_request_and_points_at_it() {
    let world = World::new().await;
    let id = &world.demo.template_id;
    let ok = recipient(&[]);
    let with = |outside: &str| format!(r#"{{"recipients":[{ok}],{outside}}}"#);
    let field = |pointer: &str, code: &str, es: &str, en: &str| {
        [(pointer.to_owned(), code.to_owned(), es.to_owned(), en.to_owned())]
    };
    let object = field(
        "",
        "wrong_type",
        "El cuerpo debe ser un objeto JSON",
        "The body must be a JSON object",
    );
    let no_template = field(
        "/template_id",
        "missing_field",
        "Falta el campo obligatorio: template_id",
        "Required field missing: template_id",
    );
    let no_uuid = field(
        "/template_id",
        "invalid_uuid",
        "El campo template_id debe ser un UUID",
        "The field template_id must be a UUID",
    );
    let no_list = field(
        "/recipients",
        "wrong_type",
        "El campo recipients debe ser una lista",
        "The field recipients must be an array",
    );
    let no_recipients = field(
        "/recipients",
        "missing_field",
        "Falta el campo obligatorio: recipients",
        "Required field missing: recipients",
    );
    let empty = field(
        "/recipients",
        "no_recipients",
        "La lista recipients está vacía",
        "The list recipients is empty",
    );
    let no_bool = field(
        "/send_email",
        "wrong_type",
        "El campo send_email debe ser true o false",
        "The field send_email must be true or false",
    );
    let unknown = |pointer: &str, name: &str| {
        let (es, en) = (format!("Campo desconocido: {name}"), format!("Unknown field: {name}"));
        field(pointer, "unknown_field", &es, &en)
    };
    let twice = field(
        "/template_id",
        "repeated_field",
        "El campo template_id está repetido",
        "The field template_id is given twice",
    );
    let table: Vec<(String, Vec<_>)> = vec![
        ("[]".into(), object.to_vec()),
        ("null".into(), object.to_vec()),
        ("\"x\"".into(), object.to_vec()),
        ("7".into(), object.to_vec()),
        (format!(r#"{{"recipients":[{ok}]}}"#), no_template.to_vec()),
        (with(r#""template_id":null"#), no_template.to_vec()),
        (with(r#""template_id":5"#), no_uuid.to_vec()),
        (with(r#""template_id":"""#), no_uuid.to_vec()),
        (with(r#""template_id":"curso-rust""#), no_uuid.to_vec()),
        (with(&format!(r#""template_id":"{{{id}}}""#)), no_uuid.to_vec()),
        (with(&format!(r#""template_id":"{}""#, id.replace('-', ""))), no_uuid.to_vec()),
        (format!(r#"{{"template_id":"{id}"}}"#), no_recipients.to_vec()),
        (format!(r#"{{"template_id":"{id}","recipients":null}}"#), no_recipients.to_vec()),
        (format!(r#"{{"template_id":"{id}","recipients":[]}}"#), empty.to_vec()),
        (format!(r#"{{"template_id":"{id}","recipients":{ok}}}"#), no_list.to_vec()),
        (format!(r#"{{"template_id":"{id}","recipients":"x"}}"#), no_list.to_vec()),
        (with(&format!(r#""template_id":"{id}","send_email":"no""#)), no_bool.to_vec()),
        (with(&format!(r#""template_id":"{id}","send_email":0"#)), no_bool.to_vec()),
        (with(&format!(r#""template_id":"{id}","curso":1"#)), unknown("/curso", "curso").to_vec()),
        (with(&format!(r#""template_id":"{id}","a/b~":1"#)), unknown("/a~1b~0", "a/b~").to_vec()),
        (with(&format!(r#""template_id":"{id}","template_id":"{id}""#)), twice.to_vec()),
        ("{}".into(), [no_template.clone(), no_recipients.clone()].concat()),
        (
            format!(r#"{{"template":"{id}","recipients":[]}}"#),
            [unknown("/template", "template"), no_template.clone(), empty.clone()].concat(),
        ),
    ];
    for (body, errors) in table {
        for english in [false, true] {
            let reply = post(&world, english.then_some("en"), body.clone()).await;
            let problem = reply.problem(400, "invalid_request");
            let wanted: Vec<Value> = errors
                .iter()
                .map(|(pointer, code, es, en)| {
                    let message = if english { en } else { es };
                    json!({ "pointer": pointer, "code": code, "message": message })
                })
                .collect();
            assert_eq!(problem["errors"], json!(wanted), "{body}");
            let detail = match (wanted.as_slice(), english) {
                ([one], _) => one["message"].as_str().expect("message").to_owned(),
                (many, false) => format!("La solicitud tiene {} errores; ver errors", many.len()),
                (many, true) => format!("The request has {} errors; see errors", many.len()),
            };
            assert_eq!(problem["detail"], detail, "{body}");
            let title = if english { "Invalid request" } else { "Solicitud inválida" };
            assert_eq!(problem["title"], title);
        }
    }
    assert_nothing_minted(&world).await;
    assert_eq!(world.get("/jobs").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_not_json_is_refused_with_the_place_of_the_fault() {
    let world = World::new().await;
    let good = body(&world, &[recipient(&[])]);
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for bad in [
        "",
        "   ",
        "{",
        "nope",
        "{'template_id':1}",
        "{\"template_id\":}",
        "template_id=1&recipients=2",
        "<xml/>",
        &format!("{good}}}"),
        &format!("{good}{good}"),
        good.strip_suffix('}').expect("a brace"),
        &good.replace("\"A\"", "NaN"),
        &good.replace("\"A\"", "\"\\ud800\\\""),
    ] {
        let problem = post(&world, None, bad.to_owned()).await.problem(400, "invalid_json");
        let detail = problem["detail"].as_str().expect("detail");
        assert!(detail.starts_with("El cuerpo no es JSON válido en UTF-8 (línea "), "{detail}");
        let problem = post(&world, Some("en"), bad.to_owned()).await.problem(400, "invalid_json");
        let detail = problem["detail"].as_str().expect("detail");
        assert!(detail.starts_with("The body is not valid JSON in UTF-8 (line "), "{detail}");
    }
    let latin1 = good.replace("Persona", "Jos\u{e9}").chars().map(|c| c as u8).collect::<Vec<_>>();
    let problem = post(&world, None, latin1.clone()).await.problem(400, "invalid_json");
    assert_eq!(problem["detail"], "El cuerpo no está en UTF-8");
    let problem = post(&world, Some("en"), latin1).await.problem(400, "invalid_json");
    assert_eq!(problem["detail"], "The body is not in UTF-8");
    // Nesting that would overflow a stack is an answer like any other.
    let reply = post(&world, None, deep.clone()).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.text());
    let nested = body(&world, &[recipient(&[("email", &deep)])]);
    let reply = post(&world, None, nested).await;
    assert!(matches!(reply.status.as_u16(), 200 | 400), "{}", reply.text());
    assert_nothing_minted(&world).await;
    // A byte order mark is no fault of the data.
    let marked = post(&world, None, format!("\u{feff}{good}")).await.expect(200).json();
    assert_eq!(marked["credentials"][0]["status"], "issued");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_that_is_unknown_archived_or_anothers_issues_nothing() {
    let world = World::new().await;
    let definition = json!({ "name": "Curso", "description": "Un curso" });
    let made = world.call("POST", "/templates", Some(&definition)).await.expect(201).json();
    let archived = made["id"].as_str().expect("id").to_owned();
    world.call("POST", &format!("/templates/{archived}/archive"), None).await.expect(200);
    let other_key = another_organization(world.stack.app(), "otra").await;
    let made = world.call_as(&other_key, "POST", "/templates", Some(&definition)).await;
    let foreign = made.expect(201).json()["id"].as_str().expect("id").to_owned();
    let unknown = "7a8b9c0d-1e2f-4a4b-8c6d-7e8f9a0b1c2d";

    for recipients in [vec![person(1)], vec![person(1), person(2)]] {
        let ask = |template: &str| json!({ "template_id": template, "recipients": recipients });
        for (lang, missing, shelved) in [
            (
                None,
                "La plantilla no existe",
                "La plantilla está archivada y no emite credenciales nuevas",
            ),
            (
                Some("en"),
                "The template does not exist",
                "The template is archived and issues no new credentials",
            ),
        ] {
            let reply = post(&world, lang, ask(unknown).to_string()).await;
            let mut of_unknown = reply.problem(404, "not_found");
            assert_eq!(of_unknown["detail"], missing);
            assert_eq!(
                of_unknown["errors"],
                json!([{ "pointer": "/template_id", "code": "not_found", "message": missing }])
            );
            let reply = post(&world, lang, ask(&foreign).to_string()).await;
            let mut of_foreign = reply.problem(404, "not_found");
            for problem in [&mut of_unknown, &mut of_foreign] {
                problem["request_id"] = Value::Null;
            }
            assert_eq!(of_unknown, of_foreign, "a foreign template is not to be told apart");
            let reply = post(&world, lang, ask(&archived).to_string()).await;
            let problem = reply.problem(400, "invalid_request");
            assert_eq!(
                problem["errors"],
                json!([{
                    "pointer": "/template_id", "code": "template_archived", "message": shelved,
                }])
            );
        }
    }
    assert_nothing_minted(&world).await;
    assert_eq!(world.get("/jobs").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_missing_wrong_expired_or_revoked_gets_one_and_the_same_answer() {
    let world = World::new().await;
    let app = world.stack.app();
    let live = world.demo.api_key.clone();
    let mut wrong = live.clone();
    let last = if wrong.pop() == Some('x') { 'y' } else { 'x' };
    wrong.push(last);
    let revoked = key_of(app, "demo", Mode::Live, &Scope::ALL, None).await;
    let revoked_id = revoked.split('_').nth(3).expect("id").to_owned();
    world.call("DELETE", &format!("/api-keys/{revoked_id}"), None).await.expect(204);
    let scopes = &Scope::ALL;
    let expired = key_of(app, "demo", Mode::Live, scopes, Some("2026-01-01T00:00:00.000Z")).await;
    let keys = [
        "",
        "x",
        "uc_live_tu_key_aqui",
        &wrong,
        &live.replace("uc_live_demo_", "uc_live_otra_"),
        &live.replace("uc_live_", "uc_test_"),
        &live.to_lowercase(),
        &revoked,
        &expired,
    ];
    let good = body(&world, &[recipient(&[])]);
    let mut answers = Vec::new();
    for bodies in [good.as_str(), "{", "{}"] {
        for key in [None].into_iter().chain(keys.map(Some)) {
            let mut headers = vec![("content-type", "application/json")];
            headers.extend(key.map(|key| ("x-api-key", key)));
            let path = "/api/v1/credentials/issue";
            let reply = world.send("POST", path, &headers, bodies.to_owned()).await;
            let mut problem = reply.problem(401, "unauthenticated");
            problem["request_id"] = Value::Null;
            answers.push(problem);
        }
    }
    assert_eq!(answers[0]["detail"], "Falta la API key en el encabezado X-API-Key, o no es válida");
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let headers = [("content-type", "application/json"), ("accept-language", "en")];
    let reply = world.send("POST", "/api/v1/credentials/issue", &headers, good).await;
    assert_eq!(
        reply.problem(401, "unauthenticated")["detail"],
        "The API key in the header X-API-Key is missing or not valid"
    );

    // Every other scope together does not issue, whatever the body says.
    use Scope::{Admin, Catalog, Issue, Manage, Read};
    let reader = key_of(app, "demo", Mode::Live, &[Read, Catalog, Manage, Admin], None).await;
    for bodies in [body(&world, &[recipient(&[])]), "{}".to_owned()] {
        for (lang, text) in [
            (None, "La API key no tiene el permiso «issue»"),
            (Some("en"), "The API key lacks the scope \"issue\""),
        ] {
            let mut headers =
                vec![("content-type", "application/json"), ("x-api-key", reader.as_str())];
            headers.extend(lang.map(|lang| ("accept-language", lang)));
            let path = "/api/v1/credentials/issue";
            let reply = world.send("POST", path, &headers, bodies.clone()).await;
            assert_eq!(reply.problem(403, "insufficient_scope")["detail"], text);
        }
    }
    assert_nothing_minted(&world).await;
    let issuer = key_of(app, "demo", Mode::Live, &[Issue], None).await;
    world.issue_as(&issuer, &[person(1)]).await.expect(200);
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

    let mut somebody_else = person(2);
    somebody_else["external_id"] = "acta-7/1".into();
    let mut new = person(1);
    new["external_id"] = "acta-7/2".into();
    let result = world.run_job(&[first, other, somebody_else, new]).await;
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
async fn more_than_a_request_takes_is_refused_with_the_limit_and_the_upload_route() {
    let world = World::new().await;
    let many = |n: usize| body(&world, &vec!["{}".to_owned(); n]);
    for n in [10_001, 20_000] {
        let problem = post(&world, None, many(n)).await.problem(413, "too_many_recipients");
        assert_eq!(
            problem["detail"],
            format!(
                "La solicitud tiene {n} recipientes y el límite es 10000; las listas más grandes van como archivo por POST /api/v1/uploads"
            )
        );
        let problem = post(&world, Some("en"), many(n)).await.problem(413, "too_many_recipients");
        assert_eq!(
            problem["detail"],
            format!(
                "The request has {n} recipients and the limit is 10000; larger lists go as a file through POST /api/v1/uploads"
            )
        );
    }

    let good = body(&world, &[recipient(&[])]);
    let padded = |bytes: usize| format!("{good}{}", " ".repeat(bytes - good.len()));
    const MIB: usize = 1024 * 1024;
    // Just over our limit, over what the event can hold, over what the gateway takes.
    for bytes in [4 * MIB + 1, 5 * MIB, 11 * MIB] {
        let problem = post(&world, None, padded(bytes)).await.problem(413, "payload_too_large");
        assert_eq!(
            problem["detail"],
            "El cuerpo supera el límite de 4 MiB; las listas más grandes van como archivo por POST /api/v1/uploads",
            "{bytes}"
        );
        let reply = post(&world, Some("en"), padded(bytes)).await;
        assert_eq!(
            reply.problem(413, "payload_too_large")["detail"],
            "The body is larger than the limit of 4 MiB; larger lists go as a file through POST /api/v1/uploads",
            "{bytes}"
        );
    }
    assert_nothing_minted(&world).await;
    assert_eq!(world.get("/jobs").await["items"], json!([]));
    let fits = post(&world, None, padded(4 * MIB)).await.expect(200).json();
    assert_eq!(fits["credentials"][0]["status"], "issued");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_path_method_or_content_type_is_answered_as_such() {
    let world = World::new().await;
    let good = body(&world, &[recipient(&[])]);
    let key = ("x-api-key", world.demo.api_key.as_str());
    let json_type = ("content-type", "application/json");

    for (method, path, allow) in [
        ("GET", "/api/v1/credentials/issue", "POST"),
        ("PUT", "/api/v1/credentials/issue", "POST"),
        ("DELETE", "/api/v1/credentials/issue", "POST"),
        ("POST", "/api/v1/credentials", "GET"),
        ("POST", "/api/v1/jobs", "GET"),
        ("PATCH", "/api/v1/templates", "GET, POST"),
        ("GET", "/api/v1/members/import", "POST"),
        ("POST", "/api/v1/members/persona1@ejemplo.com", "GET, PUT, DELETE"),
        ("POST", "/credential/7a8b9c0d-1e2f-4a4b-8c6d-7e8f9a0b1c2d", "GET, HEAD"),
    ] {
        for headers in [vec![key, json_type], vec![json_type]] {
            let reply = world.send(method, path, &headers, good.clone()).await;
            assert_eq!(reply.header("allow"), allow, "{method} {path}");
            let problem = reply.problem(405, "method_not_allowed");
            assert_eq!(problem["detail"], format!("Esta ruta admite: {allow}"));
        }
        let headers = [key, json_type, ("accept-language", "en")];
        let reply = world.send(method, path, &headers, good.clone()).await;
        let problem = reply.problem(405, "method_not_allowed");
        assert_eq!(problem["detail"], format!("This path takes: {allow}"));
    }

    for path in [
        "/api/v1/nada",
        "/api/v1/credentials/issue/",
        "/api/v1/credentials/issue/x",
        "/api/v2/credentials/issue",
        "/credentials/issue",
        "/api/v1",
        "/%2e%2e/etc/passwd",
    ] {
        for headers in [vec![key, json_type], vec![json_type]] {
            let problem =
                world.send("POST", path, &headers, good.clone()).await.problem(404, "not_found");
            assert_eq!(problem["detail"], "La ruta no existe", "{path}");
        }
        let headers = [("accept-language", "en")];
        let reply = world.send("POST", path, &headers, "").await;
        assert_eq!(reply.problem(404, "not_found")["detail"], "The path does not exist");
    }

    for media_type in [
        None,
        Some(""),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonx"),
        Some("multipart/form-data; boundary=x"),
        Some("application/json; charset=iso-8859-1"),
    ] {
        for (lang, text) in [
            ("es", "El encabezado Content-Type debe ser application/json"),
            ("en", "The header Content-Type must be application/json"),
        ] {
            let mut headers = vec![key, ("accept-language", lang)];
            headers.extend(media_type.map(|t| ("content-type", t)));
            let path = "/api/v1/credentials/issue";
            let reply = world.send("POST", path, &headers, good.clone()).await;
            let problem = reply.problem(415, "unsupported_media_type");
            assert_eq!(problem["detail"], text, "{media_type:?}");
        }
    }
    assert_nothing_minted(&world).await;
    for media_type in ["Application/JSON", "application/json;charset=UTF-8"] {
        let headers = [key, ("content-type", media_type)];
        world.send("POST", "/api/v1/credentials/issue", &headers, good.clone()).await.expect(200);
    }
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
    let result = "Calificacion invalida. Valores permitidos: Aprobado, Reprobado";
    for (change, (code, es, en)) in [
        (("credits_earned", json!(0.5)), range),
        (("credits_earned", json!(0)), range),
        (("credits_earned", json!(10.501)), range),
        (("role", json!("docente")), role),
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
