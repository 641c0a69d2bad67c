//! Members: profiles, imports, and what a profile adds to a recipient.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{MEMBER, issue_under, items, one_fault, template, text};
use crate::harness::{Reply, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_is_put_read_listed_and_deleted_under_any_spelling_of_the_address() {
    let world = World::new().await;
    let profile = json!({
        "name": "Persona Zorrilla", "role": "Docente", "license_number": "L-1", "term": "2026-2",
        "language": "en",
    });
    let plain = "/members/persona1+tesis@ejemplo.com";
    let made = world.call("PUT", plain, Some(&profile)).await.expect(201).json();
    assert_eq!(made["email"], "persona1+tesis@ejemplo.com");
    for (name, value) in profile.as_object().expect("an object") {
        assert_eq!(made[name], *value);
    }
    for spelling in [
        "/members/persona1%2Btesis%40ejemplo.com",
        "/members/persona1%2btesis@ejemplo.com",
        "/members/persona1+tesis%40ejemplo.com",
        "/members/PERSONA1+Tesis@Ejemplo.COM",
    ] {
        let read = world.get(spelling).await;
        assert_eq!(read["email"], made["email"], "{spelling}");
        // What was read can be sent back.
        let again = world.call("PUT", spelling, Some(&made)).await.expect(200).json();
        for name in ["name", "role", "license_number", "term", "language", "created_at"] {
            assert_eq!(again[name], made[name], "{spelling}");
        }
    }
    // A put replaces the whole profile.
    let bare = world.call("PUT", plain, Some(&json!({ "name": "P" }))).await.expect(200).json();
    assert_eq!((bare["name"].clone(), bare["role"].clone()), (json!("P"), Value::Null));
    let idn = world.call("PUT", "/members/persona1@%C3%B1and%C3%BA.cl", Some(&json!({}))).await;
    assert_eq!(idn.expect(201).json()["email"], "persona1@xn--and-6ma2c.cl");
    world.get("/members/persona1@xn--and-6ma2c.cl").await;

    assert!(world.call("DELETE", plain, None).await.expect(204).body.is_empty());
    for method in ["DELETE", "GET"] {
        let problem = world.call(method, plain, None).await.problem(404, "not_found");
        assert_eq!(problem["detail"], "El miembro no existe");
    }
    world.call("GET", &format!("{plain}/credentials"), None).await.problem(404, "not_found");
    world.call("GET", "/members/nadie", None).await.problem(404, "not_found");

    let fault = |path: &'static str, body: Value| {
        let world = &world;
        async move { world.call("PUT", path, Some(&body)).await }
    };
    let problem = one_fault(fault("/members/nadie", json!({})).await, "email", "invalid_email");
    assert_eq!(problem["detail"], "Invalid email: nadie");
    one_fault(fault(plain, json!({ "nombre": "x" })).await, "/nombre", "unknown_field");
    one_fault(fault(plain, json!({ "name": 5 })).await, "/name", "wrong_type");
    one_fault(fault(plain, json!({ "name": "x".repeat(201) })).await, "/name", "too_long");
    one_fault(fault(plain, json!({ "role": "a\u{7}" })).await, "/role", "forbidden_characters");
    one_fault(fault(plain, json!({ "language": "fr" })).await, "/language", "invalid_language");
    let other = json!({ "email": "persona2@ejemplo.com" });
    one_fault(fault(plain, other).await, "/email", "mismatch");
    world.call("GET", plain, None).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_listed_page_by_page_without_gaps_or_repeats() {
    let world = World::new().await;
    for n in 0..30 {
        let path = format!("/members/persona{n}@ejemplo.com");
        world.call("PUT", &path, Some(&json!({ "name": "Persona Zorrilla" }))).await.expect(201);
    }
    for limit in [1, 7, 33, 1000] {
        let mut found = BTreeSet::new();
        let mut cursor = String::new();
        loop {
            let page = world.get(&format!("/members?limit={limit}{cursor}")).await;
            assert!(items(&page).len() <= limit);
            for member in items(&page) {
                assert!(found.insert(text(member, "email").to_owned()), "{limit}: twice {member}");
            }
            let Some(next) = page["next_cursor"].as_str() else { break };
            let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found.len(), 33, "{limit}");
    }
}

/// Imports a CSV file.
pub async fn import(world: &World, lang: &str, file: impl Into<bytes::Bytes>) -> Reply {
    let headers = [
        ("x-api-key", world.demo.api_key.as_str()),
        ("content-type", "text/csv; charset=utf-8"),
        ("accept-language", lang),
    ];
    world.send("POST", "/api/v1/members/import", &headers, file).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_imported_from_the_csv_files_that_spreadsheets_write() {
    let world = World::new().await;
    let files: [(&str, &str); 4] = [
        ("comas", "email,name,role\na@ejemplo.com,\"Zorrilla, Ana\",Docente\n"),
        (
            "punto y coma, BOM, CRLF",
            "\u{feff}Email;Name;Role\r\nB@Ejemplo.com;Zorrilla Benjamín;\r\n",
        ),
        ("tabuladores", "name\temail\tlanguage\nZorrilla Carla\tc@ejemplo.com\ten\n"),
        (
            "filas vacías y cortas",
            "email,name,term\n\nd@ejemplo.com,Zorrilla D\n,,\n  e@ejemplo.com , ,2026\n",
        ),
    ];
    for (what, file) in files {
        let answer = import(&world, "es", file).await.expect(200).json();
        assert_eq!(answer["failed"], 0, "{what}: {answer}");
        assert_eq!(answer["imported"], answer["total"], "{what}: {answer}");
    }
    for (email, name, role) in [
        ("a@ejemplo.com", json!("Zorrilla, Ana"), json!("Docente")),
        ("b@ejemplo.com", json!("Zorrilla Benjamín"), Value::Null),
        ("c@ejemplo.com", json!("Zorrilla Carla"), Value::Null),
        ("d@ejemplo.com", json!("Zorrilla D"), Value::Null),
        ("e@ejemplo.com", Value::Null, Value::Null),
    ] {
        let member = world.get(&format!("/members/{email}")).await;
        assert_eq!((&member["name"], &member["role"]), (&name, &role), "{email}");
    }
    assert_eq!(world.get("/members/c@ejemplo.com").await["language"], "en");
    // Importing again is harmless.
    let before = world.get("/members/a@ejemplo.com").await;
    import(&world, "es", files[0].1).await.expect(200);
    let after = world.get("/members/a@ejemplo.com").await;
    assert_eq!(after["name"], before["name"]);
    assert_eq!(after["created_at"], before["created_at"], "an import keeps the time of creation");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_import_names_its_rows_and_imports_the_others() {
    let world = World::new().await;
    let before = items(&world.get("/members").await).len();
    let longest = "x".repeat(201);
    let shown = format!("{}…", "x".repeat(60));
    let file = format!(
        "email,name,language\n\
         bien@ejemplo.com,Zorrilla,es\n\
         sin-arroba,Zorrilla,es\n\
         ,Zorrilla,es\n\
         largo@ejemplo.com,{longest},es\n\
         idioma@ejemplo.com,Zorrilla,fr\n\
         coma@ejemplo.com,Zorrilla, Ana,es\n\
         bien2@ejemplo.com,Zorrilla,en\n"
    );
    for (lang, errors) in [
        (
            "es",
            [
                (
                    2,
                    3,
                    "sin-arroba",
                    "Invalid email: sin-arroba (la columna «email» no tiene una dirección de correo válida)"
                        .to_owned(),
                    "invalid_email",
                ),
                (
                    3,
                    4,
                    "",
                    "Falta un valor en la columna «email», que es obligatoria".to_owned(),
                    "missing_field",
                ),
                (
                    4,
                    5,
                    "largo@ejemplo.com",
                    format!("La columna «name» dice «{shown}»: supera los 200 caracteres"),
                    "too_long",
                ),
                (
                    5,
                    6,
                    "idioma@ejemplo.com",
                    "La columna «language» dice «fr»: debe ser es (Español), en (English) o pt (Português)".to_owned(),
                    "invalid_language",
                ),
                (
                    6,
                    7,
                    "coma@ejemplo.com",
                    "La fila tiene 4 celdas y el encabezado 3: una celda que contiene el separador va entre comillas".to_owned(),
                    "too_many_cells",
                ),
            ],
        ),
    ] {
        let answer = import(&world, lang, file.clone()).await.expect(200).json();
        let wanted: Vec<Value> = errors
            .iter()
            .map(|(row, line, email, error, code)| {
                json!({ "row": row, "line": line, "email": email, "error": error, "code": code })
            })
            .collect();
        assert_eq!(
            answer,
            json!({
                "total": 7, "imported": 2, "failed": 5, "repeated": 0, "new": 2, "changed": 0,
                "unchanged": 0, "cleared": {}, "errors": wanted, "errors_truncated": false,
                "repeats": [], "encoding": "utf-8", "encoding_guessed": false, "warnings": [],
            })
        );
    }
    assert_eq!(items(&world.get("/members").await).len(), before + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_members_that_is_faulty_as_a_whole_says_so_and_imports_nothing() {
    let world = World::new().await;
    let before = items(&world.get("/members").await).len();
    // Each names its place, and what to do.
    let latin1 = b"email,name\npersona1@ejemplo.com,\x81\x8d\n".to_vec();
    let faults: [(&[u8], &str, &str); 6] = [
        (
            b"email,nota\na@ejemplo.com,A\n",
            "column_not_of_members",
            "Línea 1, columna 2 (B): Los miembros no tienen la columna «nota»",
        ),
        (b"email,correo\na@ejemplo.com,x\n", "repeated_column", "Sobra la columna «correo»"),
        (b"email,sede\na@ejemplo.com,x\n", "unknown_column", "No se reconoce la columna «sede»"),
        (b"name\nZorrilla\n", "missing_column", "Falta la columna del correo"),
        (b"", "empty_file", "El archivo está vacío"),
        (&latin1, "unknown_encoding", "indica su codificación"),
    ];
    for (file, code, text) in faults {
        let problem = one_fault(import(&world, "es", file.to_vec()).await, "", code);
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.contains(text), "{detail}");
        assert!(!detail.contains("plantilla"), "{detail}");
    }
    let headers = [("x-api-key", world.demo.api_key.as_str()), ("content-type", "application/pdf")];
    let other_type = world.send("POST", "/api/v1/members/import", &headers, "%PDF");
    let problem = other_type.await.problem(415, "unsupported_media_type");
    assert_eq!(problem["detail"], "El encabezado Content-Type debe ser text/csv");
    assert_eq!(items(&world.get("/members").await).len(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_members_profile_fills_in_missing_fields_and_leaves_the_identity_alone() {
    let world = World::new().await;
    let key = &world.demo.api_key;
    let only_grade = json!({ "email": MEMBER, "result_value": "A" });
    let first = world.issue_one(&only_grade).await;
    assert_eq!(first["status"], "issued");
    assert_eq!(first["recipient_type"], "internal");
    let id = text(&first, "credential_id");
    let kept = world.mail_ended(id).await;
    assert_eq!(kept["recipient_name"], "Ana Rojas Muñoz");
    assert_eq!(kept["role"], "Estudiante");
    assert_eq!(kept["email_status"], "sent");
    let mail = &world.mails(MEMBER, 1).await[0];
    assert!(text(mail, "text").contains("billetera digital (wallet)"));

    // The profile changes; the same request is the same credential, with its first content.
    let profile = json!({ "name": "Ana Rojas Zorrilla", "role": "Docente", "language": "en" });
    world.call("PUT", &format!("/members/{MEMBER}"), Some(&profile)).await.expect(200);
    let again = world.issue_one(&only_grade).await;
    assert_eq!(
        (&again["credential_id"], &again["duplicate"]),
        (&first["credential_id"], &json!(true))
    );
    assert_eq!(world.get(&format!("/credentials/{id}")).await["recipient_name"], "Ana Rojas Muñoz");
    let job = world.run_job(&[only_grade.clone(), only_grade]).await;
    assert_eq!((job["duplicates"].clone(), job["internal_count"].clone()), (json!(2), json!(2)));

    // The request's fields outrank the profile, and make another identity.
    let named = json!({
        "email": MEMBER.to_uppercase(), "recipient_name": "A. Rojas", "result_value": "A",
        "role": "Ayudante",
    });
    let named = world.issue_one(&named).await;
    assert_ne!(named["credential_id"], first["credential_id"]);
    assert_eq!(named["recipient_type"], "internal");
    let kept = world.mail_ended(text(&named, "credential_id")).await;
    assert_eq!((&kept["recipient_name"], &kept["role"]), (&json!("A. Rojas"), &json!("Ayudante")));

    // The profile fills in fields of the template alone, so it causes no refusal. Its language
    // is the mail's when neither recipient nor template has one.
    let bare = json!({
        "name": "Asistencia", "description": "x",
        "fields": [{ "name": "recipient_name", "required": true }],
    });
    let bare = template(&world, &bare).await;
    let attended = issue_under(&world, key, &bare, &json!({ "email": MEMBER })).await;
    assert_eq!(attended["status"], "issued", "{attended}");
    let kept = world.mail_ended(text(&attended, "credential_id")).await;
    assert_eq!(
        (&kept["recipient_name"], &kept["role"]),
        (&json!("Ana Rojas Zorrilla"), &Value::Null)
    );
    assert_eq!(kept["language"], "en");
    let mail = &world.mails(MEMBER, 3).await[0];
    assert!(text(mail, "text").contains("in your wallet"));

    // A stranger has no profile, and an empty profile gives no name.
    world.call("PUT", "/members/persona1@ejemplo.com", Some(&json!({}))).await.expect(201);
    let missing = json!(["Falta el campo obligatorio: recipient_name"]);
    for email in ["persona1@ejemplo.com", "persona2@ejemplo.com"] {
        let refused = issue_under(&world, key, &bare, &json!({ "email": email })).await;
        assert_eq!(refused["errors"], missing, "{email}");
    }
    // A job follows the same rules.
    let ask = json!({
        "template_id": bare,
        "recipients": [
            { "email": "carla.diaz@demo.example" },
            { "email": "persona2@ejemplo.com" },
            { "email": "persona3@ejemplo.com", "recipient_name": "Persona Zorrilla" },
        ],
    });
    let job = world.call("POST", "/credentials/issue", Some(&ask)).await.expect(202).json();
    let result = world.success(text(&job, "job_id")).await["result"].clone();
    assert_eq!(result["internal_count"], 1);
    assert_eq!(result["external_count"], 1);
    assert_eq!(result["errors"][0]["error"], missing[0]);
    assert_eq!(result["errors"][0]["row"], 2);
}
