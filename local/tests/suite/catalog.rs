//! The catalog: templates, members, keys, settings, lists, and what nobody else sees.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use local::Options;
use serde_json::{Value, json};
use unicreda::{
    App, access,
    api_key::{self, Scope},
    cataloguing,
    consuming::{self, Delivered},
    email::EmailAddress,
    identity,
    ids::{CredentialId, Mode, OrgId, TemplateId},
    lang::Lang,
    organization::Settings,
    recipient::Recipient,
};

use crate::harness::{Reply, World, person};

/// A well-formed id that nothing has.
const UNKNOWN: &str = "7a8b9c0d-1e2f-8a4b-8c6d-7e8f9a0b1c2d";
/// A member of the demo organization.
const MEMBER: &str = "ana.rojas@demo.example";

/// An organization beside the demo's, and a live key of it with all scopes.
pub async fn another_organization(app: &App, name: &str) -> String {
    let org = OrgId::parse(name).expect("a name");
    let now = unicreda::time::millis(unicreda::time::now());
    let settings = Settings {
        name: "Otra Universidad".to_owned(),
        language: Lang::Es,
        time_zone: "UTC".to_owned(),
        sender: EmailAddress::parse("credenciales@otra.example").expect("an address"),
        reply_to: None,
        notify_members: true,
    };
    let created = cataloguing::create_organization(app, org, settings, now).await;
    assert!(created.expect("the organization"));
    key_of(app, name, Mode::Live, &Scope::ALL, None).await
}

/// A key made behind the API's back, so that it can have expired before it was made.
pub async fn key_of(
    app: &App,
    org: &str,
    mode: Mode,
    scopes: &[Scope],
    expires_at: Option<&str>,
) -> String {
    let org = OrgId::parse(org).expect("a name");
    let entropy = access::random().expect("randomness");
    let now = unicreda::time::millis(unicreda::time::now());
    let expires_at = expires_at.map(str::to_owned);
    let key = api_key::new(&org, mode, "prueba".into(), scopes.to_vec(), now, expires_at, &entropy);
    app.catalog.put_key(&org, &key.kept).await.expect("the key");
    key.secret
}

/// The public part of a key.
fn key_id(key: &str) -> &str {
    key.split('_').nth(3).expect("an id")
}

/// A text member of an answer.
fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("{name}: {answer}"))
}

/// The entries of a list's answer.
fn items(list: &Value) -> &[Value] {
    list["items"].as_array().unwrap_or_else(|| panic!("no list: {list}"))
}

/// A request with the live key, in English.
async fn in_english(world: &World, method: &str, path: &str, body: &Value) -> Reply {
    let headers = [
        ("x-api-key", world.demo.api_key.as_str()),
        ("content-type", "application/json"),
        ("accept-language", "en"),
    ];
    world.send(method, &format!("/api/v1{path}"), &headers, body.to_string()).await
}

/// Requires one fault, at this pointer and of this code.
fn one_fault(reply: Reply, pointer: &str, code: &str) -> Value {
    let problem = reply.problem(400, "invalid_request");
    let errors = problem["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 1, "{problem}");
    assert_eq!(errors[0]["pointer"], pointer, "{problem}");
    assert_eq!(errors[0]["code"], code, "{problem}");
    assert_eq!(errors[0]["message"], problem["detail"]);
    problem
}

/// All entries of a list, page by page; each page but the last holds what was asked for.
async fn all(world: &World, path: &str, limit: usize) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let joint = if path.contains('?') { '&' } else { '?' };
        let page = world.get(&format!("{path}{joint}limit={limit}{cursor}")).await;
        assert!(items(&page).len() <= limit, "{page}");
        found.extend_from_slice(items(&page));
        let Some(next) = page["next_cursor"].as_str() else {
            return found;
        };
        assert_eq!(items(&page).len(), limit, "a page that is short has no next one");
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        cursor = format!("&cursor={next}");
    }
}

/// Makes a template and gives its id.
async fn template(world: &World, definition: &Value) -> String {
    let made = world.call("POST", "/templates", Some(definition)).await.expect(201).json();
    text(&made, "id").to_owned()
}

/// Issues one recipient under a template; its entry of the answer.
async fn issue_under(world: &World, key: &str, template: &str, recipient: &Value) -> Value {
    let body = json!({ "template_id": template, "recipients": [recipient] });
    let answer = world.call_as(key, "POST", "/credentials/issue", Some(&body)).await;
    answer.expect(200).json()["credentials"][0].clone()
}

// Templates

/// A definition with everything in it.
fn course() -> Value {
    json!({
        "name": "Curso de álgebra", "description": "Treinta horas.", "language": "en",
        "achievement": { "type": "Course", "criteria": "Aprobar.", "credits_available": 7.5 },
        "fields": [
            { "name": "result_value", "required": true, "allowed_values": ["Bien", "Mal"] },
            { "name": "credits_earned", "required": false, "min": 0.5, "max": 7.5 },
            { "name": "activity_end_date" },
            { "name": "evidence", "required": true },
        ],
        "validity_months": 24,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_tells_a_client_all_and_what_is_read_can_be_sent_back() {
    let world = World::new().await;
    let reply = world.call("POST", "/templates", Some(&course())).await.expect(201);
    let made = reply.json();
    let path = format!("/templates/{}", text(&made, "id"));
    assert_eq!(reply.header("location"), format!("/api/v1{path}"));
    assert_eq!(made["version"], 1);
    assert_eq!(made["archived"], false);
    assert_eq!(made["language"], "en");
    assert_eq!(made["validity_months"], 24);
    assert_eq!(made["achievement"], course()["achievement"]);
    assert_eq!(
        made["fields"],
        json!([
            { "name": "email", "type": "string", "required": true, "format": "email",
              "max_length": 254 },
            { "name": "result_value", "type": "string", "required": true, "max_length": 200,
              "allowed_values": ["Bien", "Mal"] },
            { "name": "credits_earned", "type": "number", "required": false, "min": 0.5,
              "max": 7.5 },
            { "name": "activity_end_date", "type": "date", "required": false,
              "format": "YYYY-MM-DD" },
            { "name": "evidence", "type": "array", "required": true, "max_items": 10 },
        ])
    );
    assert_eq!(world.get(&path).await, made);
    assert_eq!(world.get(&path.to_uppercase().replace("/TEMPLATES", "/templates")).await, made);

    // What was read, sent back, changes nothing.
    assert_eq!(world.call("PUT", &path, Some(&made)).await.expect(200).json(), made);
    assert_eq!(world.call("PUT", &path, Some(&course())).await.expect(200).json(), made);

    let mut changed = made.clone();
    changed["name"] = "Curso de álgebra lineal".into();
    changed["fields"][1]["allowed_values"] = json!(["Bien", "Regular", "Mal"]);
    let second = world.call("PUT", &path, Some(&changed)).await.expect(200).json();
    assert_eq!(second["version"], 2);
    assert_eq!(second["created_at"], made["created_at"]);
    assert_eq!(second["fields"], changed["fields"]);
    assert_eq!(world.get(&path).await, second);
    assert_eq!(world.call("PUT", &path, Some(&changed)).await.expect(200).json(), second);

    let archived = world.call("POST", &format!("{path}/archive"), None).await.expect(200).json();
    assert_eq!(
        (archived["archived"].clone(), archived["version"].clone()),
        (json!(true), json!(2))
    );
    let again = world.call("POST", &format!("{path}/archive"), None).await.expect(200).json();
    assert_eq!(again, archived);
    // A new version of an archived template stays archived.
    let third = world.call("PUT", &path, Some(&made)).await.expect(200).json();
    assert_eq!((third["archived"].clone(), third["version"].clone()), (json!(true), json!(3)));

    // Nothing but a name and a description is a template too.
    let bare = json!({ "name": "Asistencia", "description": "Asistió" });
    let bare = world.call("POST", "/templates", Some(&bare)).await.expect(201).json();
    assert_eq!(bare["fields"].as_array().map(Vec::len), Some(1));
    let path = format!("/templates/{}", text(&bare, "id"));
    assert_eq!(world.call("PUT", &path, Some(&bare)).await.expect(200).json(), bare);

    for path in [format!("/templates/{UNKNOWN}"), "/templates/curso".to_owned()] {
        for (method, path, body) in [
            ("GET", path.clone(), None),
            ("PUT", path.clone(), Some(course())),
            ("POST", format!("{path}/archive"), None),
        ] {
            let problem = world.call(method, &path, body.as_ref()).await.problem(404, "not_found");
            assert_eq!(problem["detail"], "La plantilla no existe", "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_are_listed_page_by_page_with_their_current_versions() {
    let world = World::new().await;
    let mut ids = BTreeSet::from([world.demo.template_id.clone()]);
    for n in 0..8 {
        let definition = json!({ "name": format!("Curso {n}"), "description": "x" });
        let id = template(&world, &definition).await;
        if n % 2 == 0 {
            let next = json!({ "name": format!("Curso {n} bis"), "description": "x" });
            world.call("PUT", &format!("/templates/{id}"), Some(&next)).await.expect(200);
        }
        ids.insert(id);
    }
    for limit in [1, 3, 4, 9, 1000] {
        let listed = all(&world, "/templates", limit).await;
        assert_eq!(listed.len(), 9, "{limit}");
        assert_eq!(listed.iter().map(|t| text(t, "id").to_owned()).collect::<BTreeSet<_>>(), ids);
        assert_eq!(listed.iter().filter(|t| t["version"] == 2).count(), 4);
    }
    assert_eq!(items(&world.get("/templates").await).len(), 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_definition_is_refused_with_a_pointer_to_each_fault() {
    let world = World::new().await;
    let with = |name: &str, value: Value| {
        let mut definition = json!({ "name": "Curso", "description": "x" });
        definition[name] = value;
        definition
    };
    let field = |value: Value| with("fields", json!([{ "name": "term" }, value]));
    for (definition, pointer, code) in [
        (with("name", json!(null)), "/name", "missing_field"),
        (with("name", json!("  ")), "/name", "missing_field"),
        (with("name", json!(5)), "/name", "wrong_type"),
        (with("name", json!("x".repeat(201))), "/name", "too_long"),
        (with("name", json!("a\nb")), "/name", "forbidden_characters"),
        (with("description", json!(null)), "/description", "missing_field"),
        (with("description", json!("x".repeat(10_001))), "/description", "too_long"),
        (with("language", json!("fr")), "/language", "invalid_language"),
        (with("titulo", json!(1)), "/titulo", "unknown_field"),
        (with("a/b~c", json!(1)), "/a~1b~0c", "unknown_field"),
        (with("validity_months", json!(0)), "/validity_months", "out_of_range"),
        (with("validity_months", json!("12")), "/validity_months", "out_of_range"),
        (with("achievement", json!("Course")), "/achievement", "wrong_type"),
        (with("achievement", json!({ "criteria": 5 })), "/achievement/criteria", "wrong_type"),
        (with("achievement", json!({ "nivel": 5 })), "/achievement/nivel", "unknown_field"),
        (
            with("achievement", json!({ "credits_available": -1 })),
            "/achievement/credits_available",
            "invalid_credits",
        ),
        (with("fields", json!({})), "/fields", "wrong_type"),
        (field(json!("role")), "/fields/1", "wrong_type"),
        (field(json!({})), "/fields/1/name", "missing_field"),
        (field(json!({ "name": "nota" })), "/fields/1/name", "unknown_field_name"),
        (field(json!({ "name": "term" })), "/fields/1/name", "repeated_field"),
        (field(json!({ "name": "role", "required": "yes" })), "/fields/1/required", "wrong_type"),
        (
            field(json!({ "name": "role", "obligatorio": 1 })),
            "/fields/1/obligatorio",
            "unknown_field",
        ),
        (field(json!({ "name": "role", "min": 1 })), "/fields/1/min", "not_a_number_field"),
        (
            field(json!({ "name": "credits_earned", "min": 2, "max": 1 })),
            "/fields/1/max",
            "out_of_range",
        ),
        (
            field(json!({ "name": "credits_earned", "max": "5" })),
            "/fields/1/max",
            "invalid_credits",
        ),
        (
            field(json!({ "name": "credits_earned", "allowed_values": ["1"] })),
            "/fields/1/allowed_values",
            "not_a_text_field",
        ),
        (
            field(json!({ "name": "role", "allowed_values": "A" })),
            "/fields/1/allowed_values",
            "wrong_type",
        ),
        (
            field(json!({ "name": "role", "allowed_values": ["A", "A "] })),
            "/fields/1/allowed_values",
            "invalid_values",
        ),
        (
            field(json!({ "name": "role", "allowed_values": [""] })),
            "/fields/1/allowed_values",
            "invalid_values",
        ),
        (
            field(json!({ "name": "role", "allowed_values": vec!["x"; 201] })),
            "/fields/1/allowed_values",
            "invalid_values",
        ),
    ] {
        one_fault(world.call("POST", "/templates", Some(&definition)).await, pointer, code);
        let path = format!("/templates/{}", world.demo.template_id);
        one_fault(world.call("PUT", &path, Some(&definition)).await, pointer, code);
    }
    // All faults at once, in both languages.
    let many = json!({ "fields": [{ "name": "nota" }], "x": 1 });
    let problem =
        world.call("POST", "/templates", Some(&many)).await.problem(400, "invalid_request");
    let pointers: Vec<&str> =
        problem["errors"].as_array().expect("errors").iter().map(|e| text(e, "pointer")).collect();
    assert_eq!(pointers, ["/name", "/description", "/fields/0/name", "/x"]);
    assert_eq!(problem["errors"][0]["message"], "Falta el campo obligatorio: name");
    let problem =
        in_english(&world, "POST", "/templates", &many).await.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["message"], "Required field missing: name");
    world.call("POST", "/templates", Some(&json!([]))).await.problem(400, "invalid_request");
    world.call("POST", "/templates", None).await.problem(400, "invalid_json");
    // Nothing came of it.
    let listed = world.get("/templates").await;
    assert_eq!(items(&listed).len(), 1);
    assert_eq!(listed["items"][0]["version"], 1);
}

/// Works off both queues by hand, as the consumer does.
async fn drain(world: &World) {
    let app = world.stack.app();
    for queue in [&app.config.issue_queue_url, &app.config.mail_queue_url] {
        loop {
            let received =
                app.sqs.receive_message().queue_url(queue).max_number_of_messages(10).send().await;
            let messages = received.expect("messages").messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            let delivered = messages
                .iter()
                .map(|message| Delivered {
                    id: message.message_id.clone().expect("an id"),
                    receipt: message.receipt_handle.clone().expect("a receipt"),
                    body: message.body.clone().expect("a body"),
                    receives: 1,
                })
                .collect();
            let deadline = Instant::now() + Duration::from_secs(60);
            let report = consuming::batch(app, delivered, deadline).await;
            assert!(report.retry.is_empty(), "{report:?}");
            for message in messages {
                let delete = app.sqs.delete_message().queue_url(queue);
                let receipt = message.receipt_handle.expect("a receipt");
                delete.receipt_handle(receipt).send().await.expect("deleted");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_keeps_the_template_version_that_it_began_with() {
    let world = World::with(Options { concurrency: 0, ..Options::in_memory() }).await;
    let definition = json!({
        "name": "Primera edición", "description": "x",
        "fields": [{ "name": "recipient_name" }, { "name": "result_value", "allowed_values": ["A"] }],
    });
    let id = template(&world, &definition).await;
    let ask = json!({ "template_id": id, "recipients": [person(1), person(2)] });
    let reply = world.call("POST", "/credentials/issue", Some(&ask)).await.expect(202).json();
    let job = text(&reply, "job_id").to_owned();
    assert_eq!(world.get(&format!("/jobs/{job}")).await["status"], "STARTED");

    // The next version refuses what the first accepts, and then there is none at all.
    let next = json!({ "name": "Segunda edición", "description": "x" });
    let path = format!("/templates/{id}");
    world.call("PUT", &path, Some(&next)).await.expect(200);
    let under_second = issue_under(&world, &world.demo.api_key, &id, &person(3)).await;
    assert_eq!(under_second["status"], "error");
    world.call("POST", &format!("{path}/archive"), None).await.expect(200);
    drain(&world).await;

    let result = world.success(&job).await["result"].clone();
    assert_eq!((result["successful"].clone(), result["emails_sent"].clone()), (json!(2), json!(2)));
    let listed = world.get("/credentials").await;
    assert_eq!(items(&listed).len(), 2);
    for credential in items(&listed) {
        assert_eq!(credential["template_version"], 1);
        let page = format!("/credential/{}", text(credential, "credential_id"));
        let page = world.send("GET", &page, &[], "").await.expect(200).text();
        assert!(page.contains("Primera edición") && !page.contains("Segunda edición"));
    }
}

// Members

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
async fn import(world: &World, lang: &str, file: impl Into<bytes::Bytes>) -> Reply {
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
    assert_eq!(after["created_at"], before["created_at"], "first put when it was first put");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_import_names_its_rows_and_a_faulty_file_imports_nothing() {
    let world = World::new().await;
    let before = items(&world.get("/members").await).len();
    let longest = "x".repeat(201);
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
                (2, 3, "sin-arroba", "Invalid email: sin-arroba"),
                (3, 4, "", "Invalid email: "),
                (4, 5, "largo@ejemplo.com", "El campo name supera los 200 caracteres"),
                (5, 6, "idioma@ejemplo.com", "El campo language debe ser es o en"),
                (6, 7, "coma@ejemplo.com", "La fila tiene 4 celdas y la primera línea 3"),
            ],
        ),
        (
            "en",
            [
                (2, 3, "sin-arroba", "Invalid email: sin-arroba"),
                (3, 4, "", "Invalid email: "),
                (4, 5, "largo@ejemplo.com", "The field name is longer than 200 characters"),
                (5, 6, "idioma@ejemplo.com", "The field language must be es or en"),
                (6, 7, "coma@ejemplo.com", "The row has 4 cells and the first line 3"),
            ],
        ),
    ] {
        let answer = import(&world, lang, file.clone()).await.expect(200).json();
        let wanted: Vec<Value> = errors
            .iter()
            .map(|(row, line, email, error)| {
                json!({ "row": row, "line": line, "email": email, "error": error })
            })
            .collect();
        assert_eq!(
            answer,
            json!({
                "total": 7, "imported": 2, "failed": 5, "errors": wanted,
                "errors_truncated": false,
            })
        );
    }
    assert_eq!(items(&world.get("/members").await).len(), before + 2);

    let problem = one_fault(
        import(&world, "es", "email,nombre\npersona1@ejemplo.com,Zorrilla\n").await,
        "nombre",
        "unknown_column",
    );
    assert_eq!(
        problem["detail"],
        "Columna desconocida: nombre. Columnas: email, name, role, license_number, term, language"
    );
    let problem = one_fault(
        import(&world, "en", "email,correo\npersona1@ejemplo.com,x\n").await,
        "correo",
        "unknown_column",
    );
    assert_eq!(
        problem["detail"],
        "Unknown column: correo. Columns: email, name, role, license_number, term, language"
    );
    one_fault(import(&world, "es", "name\nZorrilla\n").await, "email", "missing_column");
    one_fault(import(&world, "es", "").await, "email", "missing_column");
    let latin1 = b"email,name\npersona1@ejemplo.com,Jos\xe9\n".to_vec();
    one_fault(import(&world, "es", latin1).await, "", "not_utf8");
    let json_type = world.call("POST", "/members/import", Some(&json!([]))).await;
    let problem = json_type.problem(415, "unsupported_media_type");
    assert_eq!(problem["detail"], "El encabezado Content-Type debe ser text/csv");
    assert_eq!(items(&world.get("/members").await).len(), before + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_members_profile_fills_in_what_was_left_out_and_the_identity_is_before_it() {
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

    // What the request says outranks the profile, and is another identity.
    let named = json!({
        "email": MEMBER.to_uppercase(), "recipient_name": "A. Rojas", "result_value": "A",
        "role": "Ayudante",
    });
    let named = world.issue_one(&named).await;
    assert_ne!(named["credential_id"], first["credential_id"]);
    assert_eq!(named["recipient_type"], "internal");
    let kept = world.mail_ended(text(&named, "credential_id")).await;
    assert_eq!((&kept["recipient_name"], &kept["role"]), (&json!("A. Rojas"), &json!("Ayudante")));

    // Only fields that the template lists are filled in, so a profile refuses nothing; its
    // language is the mail's where neither recipient nor template has one.
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

    // Nobody else is helped, nor a member whose profile has no name.
    world.call("PUT", "/members/persona1@ejemplo.com", Some(&json!({}))).await.expect(201);
    let missing = json!(["Falta el campo obligatorio: recipient_name"]);
    for email in ["persona1@ejemplo.com", "persona2@ejemplo.com"] {
        let refused = issue_under(&world, key, &bare, &json!({ "email": email })).await;
        assert_eq!(refused["errors"], missing, "{email}");
    }
    // In a job all of it holds too.
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
