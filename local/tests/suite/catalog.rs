//! The catalog: templates, members, keys, settings, lists, and what nobody else sees.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use local::Options;
use serde_json::{Value, json};
use unicreda::{
    App,
    api::{auth, organization},
    domain::{
        api_key::{self, Scope},
        email::EmailAddress,
        identity,
        ids::{Mode, OrgId, TemplateId},
        organization::Settings,
        recipient::Recipient,
    },
    jobs::consume::{self, Delivered},
};

use crate::harness::{Reply, World, person};

/// A well-formed id that nothing has.
const UNKNOWN: &str = "7a8b9c0d-1e2f-8a4b-8c6d-7e8f9a0b1c2d";
/// A member of the demo organization.
const MEMBER: &str = "ana.rojas@demo.example";

/// An organization beside the demo's, and a live key of it with all scopes.
pub async fn another_organization(app: &App, name: &str) -> String {
    let org = OrgId::parse(name).expect("a name");
    let now = unicreda::domain::time::millis(app.clock.now());
    let settings = Settings::new(
        "Otra Universidad",
        EmailAddress::parse("credenciales@otra.example").expect("an address"),
    );
    let created = organization::create(app, org, settings, now).await;
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
    let entropy = auth::random().expect("randomness");
    let now = unicreda::domain::time::millis(app.clock.now());
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
            let report = consume::batch(app, delivered, deadline).await;
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

// Keys

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_shown_once_grants_only_what_its_maker_has_and_ends_at_once() {
    let world = World::new().await;
    let app = world.stack.app();
    let ask = json!({ "name": "LMS", "scopes": ["read", "issue", "read"] });
    let made = world.call("POST", "/api-keys", Some(&ask)).await.expect(201).json();
    let key = text(&made, "key").to_owned();
    assert!(key.starts_with("uc_live_demo_"));
    assert_eq!(made["scopes"], json!(["issue", "read"]));
    assert_eq!((&made["name"], &made["mode"]), (&json!("LMS"), &json!("live")));
    assert_eq!((&made["expires_at"], &made["revoked_at"]), (&Value::Null, &Value::Null));
    assert!(key.starts_with(text(&made, "prefix")) && key.ends_with(text(&made, "last_four")));
    assert_eq!(made["id"], key_id(&key));

    let find = async |id: &str| {
        let listed = all(&world, "/api-keys", 2).await;
        listed.into_iter().find(|k| k["id"] == id).expect("the key is listed")
    };
    let listed = find(key_id(&key)).await;
    assert_eq!(listed["last_used_at"], Value::Null);
    for hidden in ["key", "hash", "secret"] {
        assert_eq!(listed.get(hidden), None);
    }
    let whole = world.call("GET", "/api-keys", None).await.expect(200).text();
    assert!(!whole.contains(&key) && !whole.contains(key.split('_').nth(4).expect("secret")));

    // It can what it may, and nothing else.
    world.call_as(&key, "GET", "/credentials", None).await.expect(200);
    world.issue_as(&key, &[person(1)]).await.expect(200);
    assert!(find(key_id(&key)).await["last_used_at"].is_string());
    for (method, path, scope) in [
        ("GET", "/api-keys", "admin"),
        ("POST", "/templates", "catalog"),
        ("DELETE", "/members/persona1@ejemplo.com", "catalog"),
        ("PUT", "/organization", "admin"),
    ] {
        let reply = world.call_as(&key, method, path, Some(&json!({}))).await;
        let problem = reply.problem(403, "insufficient_scope");
        assert_eq!(problem["detail"], format!("La API key no tiene el permiso «{scope}»"));
    }
    let issuer = key_of(app, "demo", Mode::Live, &[Scope::Issue], None).await;
    for (path, status) in [
        ("/templates", 200),
        ("/jobs", 200),
        ("/credentials", 403),
        ("/members", 403),
        ("/organization", 403),
    ] {
        assert_eq!(
            world.call_as(&issuer, "GET", path, None).await.status.as_u16(),
            status,
            "{path}"
        );
    }

    // A key that lacks a scope cannot give it.
    let keeper = key_of(app, "demo", Mode::Live, &[Scope::Admin, Scope::Read], None).await;
    let make = async |scopes: Value| {
        let ask = json!({ "name": "x", "scopes": scopes });
        world.call_as(&keeper, "POST", "/api-keys", Some(&ask)).await
    };
    make(json!(["read", "admin"])).await.expect(201);
    make(json!(["read", "issue"])).await.problem(403, "insufficient_scope");
    make(json!(["manage"])).await.problem(403, "insufficient_scope");
    for bad in [json!([]), json!(null), json!("read"), json!(["todo"]), json!([1])] {
        make(bad).await.problem(400, "invalid_request");
    }
    for (ask, pointer, code) in [
        (json!({ "scopes": ["read"] }), "/name", "missing_field"),
        (json!({ "name": "x", "scopes": ["read"], "mode": "prod" }), "/mode", "value_not_allowed"),
        (json!({ "name": "x", "scopes": ["read"], "llave": 1 }), "/llave", "unknown_field"),
        (
            json!({ "name": "x", "scopes": ["read"], "expires_at": "2026-01-01T00:00:00Z" }),
            "/expires_at",
            "invalid_instant",
        ),
        (
            json!({ "name": "x", "scopes": ["read"], "expires_at": "mañana" }),
            "/expires_at",
            "invalid_instant",
        ),
    ] {
        one_fault(world.call("POST", "/api-keys", Some(&ask)).await, pointer, code);
    }

    // A revoked key fails at once, in every function; the second revocation is no other.
    let id = key_id(&key).to_owned();
    for _ in 0..2 {
        assert!(
            world
                .call("DELETE", &format!("/api-keys/{id}"), None)
                .await
                .expect(204)
                .body
                .is_empty()
        );
    }
    for path in ["/credentials", "/templates", "/jobs"] {
        world.call_as(&key, "GET", path, None).await.problem(401, "unauthenticated");
    }
    world.issue_as(&key, &[person(2)]).await.problem(401, "unauthenticated");
    assert!(find(&id).await["revoked_at"].is_string());
    world.call("DELETE", "/api-keys/AAAAAAAAAAAA", None).await.problem(404, "not_found");

    // An expired one too, at its instant.
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
    let ask = json!({ "name": "x", "scopes": ["read"], "expires_at": soon.to_string() });
    let made = world.call("POST", "/api-keys", Some(&ask)).await.expect(201).json();
    let short = text(&made, "key");
    world.call_as(short, "GET", "/templates", None).await.expect(200);
    let refused = world
        .until("the key expires", async || {
            let reply = world.call_as(short, "GET", "/templates", None).await;
            (reply.status != 200).then_some(reply)
        })
        .await;
    refused.problem(401, "unauthenticated");
    assert!(jiff::Timestamp::now() >= soon);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_key_sees_and_makes_test_data_only() {
    let world = World::new().await;
    let test = world.demo.test_api_key.clone();
    let get = async |path: &str| world.call_as(&test, "GET", path, None).await;

    // Templates and members are shared and read-only.
    let id = world.demo.template_id.clone();
    assert_eq!(get(&format!("/templates/{id}")).await.expect(200).json()["id"], id);
    get(&format!("/members/{MEMBER}")).await.expect(200);
    assert_eq!(get("/organization").await.expect(200).json()["id"], "demo");
    let body = json!({ "name": "x", "description": "x" });
    for (method, path) in [
        ("POST", "/templates".to_owned()),
        ("PUT", format!("/templates/{id}")),
        ("POST", format!("/templates/{id}/archive")),
        ("PUT", format!("/members/{MEMBER}")),
        ("DELETE", format!("/members/{MEMBER}")),
        ("POST", "/members/import".to_owned()),
        ("PUT", "/organization".to_owned()),
    ] {
        let reply = world.call_as(&test, method, &path, Some(&body)).await;
        let problem = reply.problem(403, "insufficient_scope");
        assert_eq!(
            problem["detail"],
            "Con una API key de prueba esto es de solo lectura; usa una key uc_live_",
            "{method} {path}"
        );
    }

    // It makes test keys only, and sees and revokes no others.
    let ask = |mode: Value| json!({ "name": "x", "scopes": ["read"], "mode": mode });
    let make =
        async |mode: Value| world.call_as(&test, "POST", "/api-keys", Some(&ask(mode))).await;
    make(json!("live")).await.problem(403, "insufficient_scope");
    for mode in [json!(null), json!("test")] {
        let made = make(mode).await.expect(201).json();
        assert!(text(&made, "key").starts_with("uc_test_demo_"));
    }
    let listed = get("/api-keys").await.expect(200).json();
    assert_eq!(items(&listed).len(), 3);
    assert!(items(&listed).iter().all(|key| key["mode"] == "test"));
    let live_id = key_id(&world.demo.api_key);
    let reply = world.call_as(&test, "DELETE", &format!("/api-keys/{live_id}"), None).await;
    reply.problem(404, "not_found");
    let from_live = world.call("POST", "/api-keys", Some(&ask(json!("test")))).await.expect(201);
    assert!(text(&from_live.json(), "key").starts_with("uc_test_"));

    // The same content in both modes is two credentials, each unknown to the other's key.
    let live_one = world.issue_one(&person(1)).await;
    let answer = world.issue_as(&test, &[person(1)]).await.expect(200).json();
    let test_one = answer["credentials"][0].clone();
    assert_eq!(test_one["duplicate"], false);
    let (live_one, test_one) = (text(&live_one, "credential_id"), text(&test_one, "credential_id"));
    assert_ne!(live_one, test_one);
    world.get(&format!("/credentials/{live_one}")).await;
    get(&format!("/credentials/{live_one}")).await.problem(404, "not_found");
    world.call("GET", &format!("/credentials/{test_one}"), None).await.problem(404, "not_found");
    for (key, one) in [(&world.demo.api_key, live_one), (&test, test_one)] {
        let listed = world.call_as(key, "GET", "/credentials", None).await.expect(200).json();
        assert_eq!(items(&listed).len(), 1);
        assert_eq!(listed["items"][0]["credential_id"], one);
        let path = "/credentials?email=persona1@ejemplo.com";
        let listed = world.call_as(key, "GET", path, None).await.expect(200).json();
        assert_eq!(items(&listed).len(), 1);
        assert_eq!(listed["items"][0]["credential_id"], one);
    }

    // Jobs and wallets too.
    let people = [json!({ "email": MEMBER, "result_value": "A" }), person(2)];
    let reply = world.issue_as(&test, &people).await.expect(202).json();
    let job = text(&reply, "job_id");
    for path in [format!("/jobs/{job}"), format!("/jobs/{job}/results")] {
        world.call("GET", &path, None).await.problem(404, "not_found");
        get(&path).await.expect(200);
    }
    let status = world
        .until("the test job ends", async || {
            let status = get(&format!("/jobs/{job}")).await.expect(200).json();
            (status["status"] == "SUCCESS").then_some(status)
        })
        .await;
    assert_eq!(status["result"]["emails_sent"], 2);
    assert_eq!(items(&world.get("/jobs").await).len(), 0);
    assert_eq!(items(&get("/jobs").await.expect(200).json()).len(), 1);
    let wallet = format!("/members/{MEMBER}/credentials");
    assert_eq!(items(&world.get(&wallet).await).len(), 0);
    assert_eq!(items(&get(&wallet).await.expect(200).json()).len(), 1);

    // Test mail is kept, not sent; the live one's was sent, not kept.
    let mail = world
        .until("the test mail is kept", async || {
            let reply = get(&format!("/credentials/{test_one}/mail")).await;
            (reply.status == 200).then(|| reply.json())
        })
        .await;
    assert_eq!(mail["to"], json!(["persona1@ejemplo.com"]));
    assert!(text(&mail, "subject").starts_with("PRUEBA · "));
    assert!(text(&mail, "text").contains(test_one) && text(&mail, "html").contains(test_one));
    assert!(mail["sent_at"].is_string());
    world.mail_ended(live_one).await;
    world
        .call("GET", &format!("/credentials/{live_one}/mail"), None)
        .await
        .problem(404, "not_found");
    world
        .call("GET", &format!("/credentials/{test_one}/mail"), None)
        .await
        .problem(404, "not_found");
    assert_eq!(world.stack.mail().count(), 1, "the live mail, and no test mail");

    // Nobody takes the page of a test credential for a real one.
    let page = async |id: &str, accept: &str| {
        let path = format!("/credential/{id}");
        world.send("GET", &path, &[("accept", accept)], "").await.expect(200)
    };
    assert!(page(test_one, "text/html").await.text().contains("PRUEBA"));
    assert!(!page(live_one, "text/html").await.text().contains("PRUEBA"));
    let document = page(test_one, "application/json").await.json();
    assert!(text(&document["issuer"], "id").ends_with(":orgs:demo:test"));
    assert!(text(&document["issuer"], "name").starts_with("PRUEBA · "));
    assert!(text(&document, "name").starts_with("PRUEBA · "));
}

// Settings

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organizations_settings_change_its_mail_and_its_dates() {
    let world = World::new().await;
    let before = world.get("/organization").await;
    assert_eq!((&before["id"], &before["notify_members"]), (&json!("demo"), &json!(true)));
    assert_eq!(world.call("PUT", "/organization", Some(&before)).await.expect(200).json(), before);
    for (change, pointer, code) in [
        (json!({ "time_zone": "Marte/Olimpo" }), "/time_zone", "unknown_time_zone"),
        (json!({ "sender": "nadie" }), "/sender", "invalid_email"),
        (json!({ "reply_to": "a@b" }), "/reply_to", "invalid_email"),
        (json!({ "language": "fr" }), "/language", "invalid_language"),
        (json!({ "notify_members": "no" }), "/notify_members", "wrong_type"),
        (json!({ "name": "a\r\nBcc: x" }), "/name", "forbidden_characters"),
        (json!({ "nombre": "x" }), "/nombre", "unknown_field"),
    ] {
        one_fault(world.call("PUT", "/organization", Some(&change)).await, pointer, code);
    }
    assert_eq!(world.get("/organization").await, before);
    for reply_to in [json!("actas@demo.example"), Value::Null] {
        let change = json!({ "reply_to": reply_to });
        let after = world.call("PUT", "/organization", Some(&change)).await.expect(200).json();
        assert_eq!(after["reply_to"], reply_to, "null removes it");
    }

    let change = json!({
        "name": "Universidad de Ñuble, «Sur»", "sender": "Titulos@Nuble.example",
        "notify_members": false, "time_zone": "Pacific/Kiritimati",
    });
    let after = world.call("PUT", "/organization", Some(&change)).await.expect(200).json();
    assert_eq!(after["sender"], "titulos@nuble.example");
    assert_eq!(after["language"], before["language"], "what is not named stays");
    assert_eq!(world.get("/organization").await, after);

    // Members are not told; the sums hold.
    let member = |email: &str| json!({ "email": email, "result_value": "A" });
    let quiet = world.issue_one(&member(MEMBER)).await;
    assert_eq!((&quiet["status"], &quiet["email_status"]), (&json!("issued"), &json!("skipped")));
    let people = [
        member("benjamin.soto@demo.example"),
        person(1),
        member("carla.diaz@demo.example"),
        person(2),
    ];
    let result = world.run_job(&people).await;
    assert_eq!((&result["emails_sent"], &result["emails_skipped"]), (&json!(2), &json!(2)));
    assert_eq!((&result["internal_count"], &result["external_count"]), (&json!(2), &json!(2)));
    assert_eq!(world.stack.mail().count(), 2);

    // The new sender, by its new name.
    let mail = &world.mails("persona1@ejemplo.com", 1).await[0];
    assert_eq!(mail["from"], "Universidad de Ñuble, «Sur» <titulos@nuble.example>");

    // The day on the page is the organization's: these two zones never share one.
    let id = text(&quiet, "credential_id");
    let at = text(&world.get(&format!("/credentials/{id}")).await, "issued_at").to_owned();
    let at: jiff::Timestamp = at.parse().expect("an instant");
    for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        let change = json!({ "time_zone": zone });
        world.call("PUT", "/organization", Some(&change)).await.expect(200);
        let day = at.in_tz(zone).expect("a zone").date().to_string();
        let page = world.send("GET", &format!("/credential/{id}"), &[], "").await.expect(200);
        assert!(page.text().contains(&format!("datetime=\"{day}\"")), "{zone} {day}");
    }

    // A request that wants no mail gets none, members told or not.
    let change = json!({ "notify_members": true });
    world.call("PUT", "/organization", Some(&change)).await.expect(200);
    let people = json!([member("carla.diaz@demo.example"), person(3)]);
    let mut ask =
        json!({ "template_id": world.demo.template_id, "recipients": people, "send_email": false });
    ask["recipients"][0]["term"] = "2026-2".into();
    let reply = world.call("POST", "/credentials/issue", Some(&ask)).await.expect(202).json();
    let result = world.success(text(&reply, "job_id")).await["result"].clone();
    assert_eq!((&result["emails_sent"], &result["emails_skipped"]), (&json!(0), &json!(2)));
    assert_eq!(world.stack.mail().count(), 2);
}

// Isolation

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_one_organization_can_be_told_from_nothing_by_another() {
    let world = World::new().await;
    let other = another_organization(world.stack.app(), "otra").await;
    let one = world.issue_one(&json!({ "email": MEMBER, "result_value": "A" })).await;
    let credential = text(&one, "credential_id").to_owned();
    let job = world.start_job(&[person(1), person(2)]).await;
    world.success(&job).await;
    let template = world.demo.template_id.clone();
    let id = key_id(&world.demo.api_key);
    let profile = json!({ "name": "Otra Zorrilla" });

    for (method, path, theirs, unknown, body) in [
        ("GET", "/templates/{}", template.as_str(), UNKNOWN, None),
        ("PUT", "/templates/{}", &template, UNKNOWN, Some(course())),
        ("POST", "/templates/{}/archive", &template, UNKNOWN, None),
        ("GET", "/credentials/{}", &credential, UNKNOWN, None),
        ("GET", "/credentials/{}/mail", &credential, UNKNOWN, None),
        ("GET", "/jobs/{}", &job, UNKNOWN, None),
        ("GET", "/jobs/{}/results", &job, UNKNOWN, None),
        ("GET", "/members/{}", MEMBER, "nadie@ejemplo.com", None),
        ("GET", "/members/{}/credentials", MEMBER, "nadie@ejemplo.com", None),
        ("DELETE", "/members/{}", MEMBER, "nadie@ejemplo.com", None),
        ("DELETE", "/api-keys/{}", id, "AAAAAAAAAAAA", None),
    ] {
        let mut answers = Vec::new();
        for what in [theirs, unknown] {
            let path = path.replace("{}", what);
            let mut problem =
                world.call_as(&other, method, &path, body.as_ref()).await.problem(404, "not_found");
            problem["request_id"] = Value::Null;
            answers.push(problem);
        }
        assert_eq!(answers[0], answers[1], "{method} {path}");
    }
    for path in [
        "/templates".to_owned(),
        "/credentials".to_owned(),
        format!("/credentials?email={MEMBER}"),
        format!("/credentials?template_id={template}"),
        "/jobs".to_owned(),
        "/members".to_owned(),
    ] {
        let listed = world.call_as(&other, "GET", &path, None).await.expect(200).json();
        assert_eq!(listed, json!({ "items": [], "next_cursor": null }), "{path}");
    }
    let keys = world.call_as(&other, "GET", "/api-keys", None).await.expect(200).json();
    assert_eq!(items(&keys).len(), 1);
    let organization = world.call_as(&other, "GET", "/organization", None).await.expect(200).json();
    assert_eq!(organization["id"], "otra");

    // What was tried has changed nothing.
    assert_eq!(world.get(&format!("/templates/{template}")).await["version"], 1);
    world.get(&format!("/members/{MEMBER}")).await;

    // The same content is each one's own credential; a member here is a stranger there.
    let definition = json!({
        "name": "Curso", "description": "x",
        "fields": [{ "name": "result_value" }, { "name": "recipient_name" }],
    });
    let made = world.call_as(&other, "POST", "/templates", Some(&definition)).await;
    let foreign = text(&made.expect(201).json(), "id").to_owned();
    let recipient = json!({ "email": MEMBER, "result_value": "A", "external_id": "x" });
    let theirs = issue_under(&world, &other, &foreign, &recipient).await;
    assert_eq!(
        (&theirs["recipient_type"], &theirs["duplicate"]),
        (&json!("external"), &json!(false))
    );
    let kept = format!("/credentials/{}", text(&theirs, "credential_id"));
    let kept = world.call_as(&other, "GET", &kept, None).await.expect(200).json();
    assert_eq!(kept["recipient_name"], Value::Null, "no profile of another organization");
    let path = format!("/members/{MEMBER}");
    world.call_as(&other, "PUT", &path, Some(&profile)).await.expect(201);
    assert_eq!(world.get(&path).await["name"], "Ana Rojas Muñoz");
    assert_eq!(items(&world.get("/credentials").await).len(), 3);
}

// Lists

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_listed_newest_first_page_by_page_and_by_every_filter() {
    let world = World::new().await;
    let people: Vec<Value> = (1..=60)
        .map(|n| {
            let mut one = person(n);
            one["external_id"] = format!("acta-{}", n % 3).into();
            // An external_id is one credential: a third of them, by another template below.
            if n > 3 {
                one["external_id"] = format!("acta-{n}").into();
            }
            one
        })
        .collect();
    world.run_job(&people).await;
    let first = text(&world.get("/credentials?limit=1").await["items"][0], "issued_at").to_owned();
    // Instants are to the second.
    let second: jiff::Timestamp = first.parse().expect("an instant");
    world
        .until("the next second", async || {
            (jiff::Timestamp::now().as_second() > second.as_second()).then_some(())
        })
        .await;
    let other = json!({
        "name": "Otro", "description": "x",
        "fields": [{ "name": "recipient_name" }, { "name": "result_value" }],
    });
    let other = template(&world, &other).await;
    for n in 1..=5 {
        let mut one = person(n);
        one["external_id"] = format!("acta-{n}").into();
        assert_eq!(
            issue_under(&world, &world.demo.api_key, &other, &one).await["status"],
            "issued"
        );
    }

    let whole = items(&world.get("/credentials?limit=1000").await).to_vec();
    assert_eq!(whole.len(), 65);
    let place = |c: &Value| (text(c, "issued_at").to_owned(), text(c, "credential_id").to_owned());
    assert!(whole.windows(2).all(|pair| place(&pair[0]) > place(&pair[1])), "newest first");
    assert!(whole[..5].iter().all(|c| c["template_id"] == other.as_str()));
    let ids = |list: &[Value]| -> Vec<String> {
        list.iter().map(|c| text(c, "credential_id").to_owned()).collect()
    };
    for path in
        ["/credentials", "/credentials?status=issued", "/credentials?issued_after=2026-01-01"]
    {
        for limit in [7, 64, 65] {
            assert_eq!(ids(&all(&world, path, limit).await), ids(&whole), "{path} {limit}");
        }
    }
    let demo = &world.demo.template_id;
    for (query, count) in [
        (format!("template_id={other}"), 5),
        (format!("template_id={demo}"), 60),
        (format!("template_id={UNKNOWN}"), 0),
        ("email=PERSONA4@ejemplo.com".to_owned(), 2),
        ("email=persona60%40ejemplo.com".to_owned(), 1),
        ("email=nadie@ejemplo.com".to_owned(), 0),
        (format!("email=persona4@ejemplo.com&template_id={other}"), 1),
        ("external_id=acta-4".to_owned(), 2),
        (format!("external_id=acta-4&template_id={demo}"), 1),
        ("external_id=acta-99".to_owned(), 0),
        ("status=revoked".to_owned(), 0),
        ("status=suspended".to_owned(), 0),
        (format!("issued_after={first}"), 5),
        (format!("issued_after={first}&email=persona4@ejemplo.com"), 1),
        ("issued_after=2100-01-01".to_owned(), 0),
        ("issued_after=2100-01-01T00:00:00Z&status=issued".to_owned(), 0),
    ] {
        for limit in [2, 100] {
            let found = all(&world, &format!("/credentials?{query}"), limit).await;
            assert_eq!(found.len(), count, "{query} {limit}");
            let unique: BTreeSet<String> = ids(&found).into_iter().collect();
            assert_eq!(unique.len(), count, "{query} {limit}");
        }
    }
    for (query, pointer) in [
        ("template_id=x", "template_id"),
        ("status=active", "status"),
        ("email=nadie", "email"),
        ("issued_after=ayer", "issued_after"),
        ("issued_after=2026-02-30", "issued_after"),
    ] {
        let reply = world.call("GET", &format!("/credentials?{query}"), None).await;
        let problem = reply.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_holds_a_members_credentials_newest_first() {
    let world = World::new().await;
    let mut made = Vec::new();
    for term in ["2025-1", "2025-2", "2026-1"] {
        let one = json!({ "email": MEMBER, "result_value": "A", "term": term });
        made.push(world.issue_one(&one).await["credential_id"].clone());
    }
    world.issue_one(&person(1)).await;
    let path = format!("/members/{MEMBER}/credentials");
    for limit in [1, 2, 100] {
        let wallet = all(&world, &path, limit).await;
        assert_eq!(wallet.len(), 3);
        assert!(wallet.iter().all(|c| c["email"] == MEMBER && made.contains(&c["credential_id"])));
    }
    assert_eq!(items(&world.get(&path.replace('@', "%40")).await).len(), 3);
    let empty = "/members/carla.diaz@demo.example/credentials";
    assert_eq!(items(&world.get(empty).await).len(), 0);
    // Somebody who is no member has no wallet.
    let path = "/members/persona1@ejemplo.com/credentials";
    world.call("GET", path, None).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_whose_identity_is_an_alias_answers_with_the_credential_it_leads_to() {
    let world = World::new().await;
    let app = world.stack.app();
    let first = world.issue_one(&person(1)).await;
    let target = text(&first, "credential_id").to_owned();
    world.mail_ended(&target).await;
    let mut corrected = person(1);
    corrected["recipient_name"] = "Persona Zorrilla Corregida".into();
    let org = OrgId::parse("demo").expect("a name");
    let secret = app.catalog.id_secret(&org).await.expect("a secret");
    let recipient: Recipient = serde_json::from_value(corrected.clone()).expect("a recipient");
    let id = TemplateId::parse(&world.demo.template_id).expect("an id");
    let alias = identity::of(&secret, &org, Mode::Live, id, &recipient).id;
    let path = format!("/credentials/{target}");
    let change = json!({ "recipient_name": "Persona Zorrilla Corregida" });
    world.call("PATCH", &path, Some(&change)).await.expect(200);

    for content in [&corrected, &person(1)] {
        let again = world.issue_one(content).await;
        assert_eq!(again["credential_id"], target.as_str());
        assert!(text(&again, "credential_url").ends_with(&target));
        assert_eq!((&again["duplicate"], &again["email_status"]), (&json!(true), &json!("sent")));
    }
    let result = world.run_job(&[corrected.clone(), person(2), person(1), corrected]).await;
    assert_eq!((&result["successful"], &result["duplicates"]), (&json!(4), &json!(3)));
    assert_eq!((&result["emails_sent"], &result["emails_skipped"]), (&json!(1), &json!(3)));
    let rows = world.get(text(&result, "results_url").trim_start_matches("/api/v1")).await;
    for n in [0, 2, 3] {
        let row = &rows["items"][n];
        assert_eq!(row["credential_id"], target.as_str(), "{row}");
        assert!(text(row, "credential_url").ends_with(&target));
        assert_eq!((&row["duplicate"], &row["email_status"]), (&json!(true), &json!("skipped")));
    }
    // The alias itself is no credential, and is in no list.
    world.call("GET", &format!("/credentials/{alias}"), None).await.problem(404, "not_found");
    assert_eq!(items(&world.get("/credentials").await).len(), 2);
    assert_eq!(world.mails_now("persona1@ejemplo.com").await.len(), 1);
}

// Jobs

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_are_paged_filtered_and_written_as_csv_that_no_spreadsheet_runs() {
    let world = World::new().await;
    let mut people: Vec<Value> = (1..=9).map(person).collect();
    people[2]["email"] = "=HYPERLINK(\"https://ejemplo.com\")".into();
    people[4]["result_value"] = "Z".into();
    people[6]["external_id"] = "+56-9".into();
    people[7] = people[0].clone();
    people[8]["email"] = "@suma, \"con\" comillas".into();
    let job = world.start_job(&people).await;
    let path = format!("/jobs/{job}/results");
    world.success(&job).await;

    let whole = all(&world, &path, 1000).await;
    assert_eq!(whole.len(), 9);
    for (n, row) in whole.iter().enumerate() {
        assert_eq!(row["row"], n + 1);
        assert_eq!(row["email"], people[n]["email"]);
        let failed = [2, 4, 8].contains(&n);
        assert_eq!(row["status"], if failed { "failed" } else { "issued" });
        assert_eq!(row["error"].is_string(), failed);
        assert_eq!(row["credential_id"].is_string(), !failed);
        let mail = if n == 7 { json!("skipped") } else { json!("sent") };
        assert_eq!(row["email_status"], if failed { Value::Null } else { mail });
        if !failed {
            let id = text(row, "credential_id");
            assert_eq!(
                world.get(&format!("/credentials/{id}")).await["external_id"],
                row["external_id"]
            );
        }
    }
    assert_eq!(whole[7]["credential_id"], whole[0]["credential_id"]);
    for limit in [1, 2, 4, 9] {
        assert_eq!(all(&world, &path, limit).await, whole, "{limit}");
    }
    let rows = |list: Vec<Value>| -> Vec<u64> {
        list.iter().map(|row| row["row"].as_u64().expect("row")).collect()
    };
    for limit in [100, 3] {
        let failed = world.get(&format!("{path}?status=failed&limit={limit}")).await;
        assert_eq!(rows(items(&failed).to_vec()), [3, 5, 9]);
    }
    let issued = world.get(&format!("{path}?status=issued&limit=4")).await;
    assert_eq!(rows(items(&issued).to_vec()), [1, 2, 4, 6]);
    let cursor = text(&issued, "next_cursor");
    let rest = world.get(&format!("{path}?status=issued&limit=4&cursor={cursor}")).await;
    assert_eq!(rows(items(&rest).to_vec()), [7, 8]);
    assert_eq!(items(&world.get(&format!("{path}?status=pending")).await).len(), 0);
    let reply = world.call("GET", &format!("{path}?status=done"), None).await;
    assert_eq!(reply.problem(400, "invalid_request")["errors"][0]["pointer"], "status");

    let headers = [("x-api-key", world.demo.api_key.as_str()), ("accept", "text/csv")];
    let csv = world.send("GET", &format!("/api/v1{path}"), &headers, "").await.expect(200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("x-next-cursor"), "");
    let csv = csv.text();
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 10);
    assert_eq!(
        lines[0],
        "row,email,external_id,status,credential_id,credential_url,recipient_type,duplicate,email_status,error"
    );
    let (id, url) = (text(&whole[0], "credential_id"), text(&whole[0], "credential_url"));
    assert_eq!(lines[1], format!("1,persona1@ejemplo.com,,issued,{id},{url},external,false,sent,"));
    assert!(
        lines[3].starts_with("3,\"'=HYPERLINK(\"\"https://ejemplo.com\"\")\",,failed,"),
        "{}",
        lines[3]
    );
    assert_eq!(
        lines[5],
        "5,persona5@ejemplo.com,,failed,,,,,,\"Calificacion invalida. Valores permitidos: A, B, C, D, F\""
    );
    assert!(lines[7].starts_with("7,persona7@ejemplo.com,'+56-9,issued,"));
    assert!(lines[9].starts_with("9,\"'@suma, \"\"con\"\" comillas\",,failed,"));
    let path = format!("/api/v1{path}?limit=4&status=issued");
    let page = world.send("GET", &path, &headers, "").await.expect(200);
    assert_eq!(page.header("x-next-cursor"), cursor);
    assert_eq!(page.text().lines().count(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_listed_newest_first_without_their_errors() {
    let world = World::new().await;
    let mut made = Vec::new();
    for n in 0..5 {
        let mut people = [person(2 * n), person(2 * n + 1)];
        people[1]["result_value"] = "Z".into();
        let job = world.start_job(&people).await;
        world.success(&job).await;
        made.insert(0, job);
    }
    for limit in [5, 1000] {
        let listed = world.get(&format!("/jobs?limit={limit}")).await;
        let ids: Vec<&str> = items(&listed).iter().map(|job| text(job, "job_id")).collect();
        assert_eq!(ids, made);
    }
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(&format!("/jobs?limit=2{cursor}")).await;
        found.extend(items(&page).iter().map(|job| text(job, "job_id").to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, made);
    let one = &world.get("/jobs").await["items"][0];
    assert_eq!((&one["status"], &one["result"]["failed"]), (&json!("SUCCESS"), &json!(1)));
    assert_eq!(one["result"].get("errors"), None);
    for path in [format!("/jobs/{UNKNOWN}"), "/jobs/x".into(), format!("/jobs/{UNKNOWN}/results")] {
        let problem = world.call("GET", &path, None).await.problem(404, "not_found");
        assert_eq!(problem["detail"], "El trabajo no existe");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_out_of_range_and_a_cursor_of_ones_own_are_refused_by_every_list() {
    let world = World::new().await;
    let job = world.start_job(&[person(1), person(2)]).await;
    world.success(&job).await;
    let lists = [
        "/templates".to_owned(),
        "/members".to_owned(),
        "/api-keys".to_owned(),
        "/credentials".to_owned(),
        "/credentials?email=persona1@ejemplo.com".to_owned(),
        "/credentials?issued_after=2026-01-01".to_owned(),
        format!("/members/{MEMBER}/credentials"),
        "/jobs".to_owned(),
        format!("/jobs/{job}/results"),
    ];
    for path in &lists {
        let joint = if path.contains('?') { '&' } else { '?' };
        for limit in ["0", "1001", "-1", "1.5", "x", "99999999999999999999"] {
            let reply = world.call("GET", &format!("{path}{joint}limit={limit}"), None).await;
            let problem = one_fault(reply, "limit", "out_of_range");
            assert_eq!(
                problem["detail"], "El parámetro limit debe ser un entero entre 1 y 1000",
                "{path} {limit}"
            );
        }
        for limit in ["1", "1000", ""] {
            world.get(&format!("{path}{joint}limit={limit}")).await;
        }
        for cursor in
            ["basura", "!", "~~~", "-1", "4294967295", "ORG", "IDSECRET", "99%23x", "%C3%B1"]
        {
            let reply = world.call("GET", &format!("{path}{joint}cursor={cursor}"), None).await;
            let problem = one_fault(reply, "cursor", "invalid_cursor");
            assert_eq!(problem["detail"], "El parámetro cursor no es válido", "{path} {cursor}");
        }
    }
}
