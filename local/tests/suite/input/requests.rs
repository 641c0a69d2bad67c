//! Faulty requests: body, template, key, size, path, method, content type.

use http::StatusCode;
use serde_json::{Value, json};
use unicreda::domain::{api_key::Scope, ids::Mode};

use super::{assert_nothing_minted, body, post, recipient};
use crate::{
    catalog::{another_organization, key_of},
    harness::{World, person},
};

/// A fault of a request: pointer, code, Spanish text, English text.
type Fault = (&'static str, &'static str, &'static str, &'static str);

const NO_OBJECT: Fault =
    ("", "wrong_type", "El cuerpo debe ser un objeto JSON", "The body must be a JSON object");
const NO_TEMPLATE: Fault = (
    "/template_id",
    "missing_field",
    "Falta el campo obligatorio: template_id",
    "Required field missing: template_id",
);
const NO_UUID: Fault = (
    "/template_id",
    "invalid_uuid",
    "El campo template_id debe ser un UUID",
    "The field template_id must be a UUID",
);
const NO_LIST: Fault = (
    "/recipients",
    "wrong_type",
    "El campo recipients debe ser una lista",
    "The field recipients must be an array",
);
const NO_RECIPIENTS: Fault = (
    "/recipients",
    "missing_field",
    "Falta el campo obligatorio: recipients",
    "Required field missing: recipients",
);
const EMPTY_LIST: Fault = (
    "/recipients",
    "no_recipients",
    "La lista recipients está vacía",
    "The list recipients is empty",
);
const NO_BOOL: Fault = (
    "/send_email",
    "wrong_type",
    "El campo send_email debe ser true o false",
    "The field send_email must be true or false",
);
const TEMPLATE_TWICE: Fault = (
    "/template_id",
    "repeated_field",
    "El campo template_id está repetido",
    "The field template_id is given twice",
);
const UNKNOWN_CURSO: Fault =
    ("/curso", "unknown_field", "Campo desconocido: curso", "Unknown field: curso");
const UNKNOWN_ESCAPED: Fault =
    ("/a~1b~0", "unknown_field", "Campo desconocido: a/b~", "Unknown field: a/b~");
const UNKNOWN_TEMPLATE: Fault =
    ("/template", "unknown_field", "Campo desconocido: template", "Unknown field: template");

/// Bodies with faults outside their recipients, and these faults.
fn faulty_bodies(id: &str) -> Vec<(String, Vec<Fault>)> {
    let ok = recipient(&[]);
    let with = |outside: &str| format!(r#"{{"recipients":[{ok}],{outside}}}"#);
    vec![
        ("[]".into(), vec![NO_OBJECT]),
        ("null".into(), vec![NO_OBJECT]),
        ("\"x\"".into(), vec![NO_OBJECT]),
        ("7".into(), vec![NO_OBJECT]),
        (format!(r#"{{"recipients":[{ok}]}}"#), vec![NO_TEMPLATE]),
        (with(r#""template_id":null"#), vec![NO_TEMPLATE]),
        (with(r#""template_id":5"#), vec![NO_UUID]),
        (with(r#""template_id":"""#), vec![NO_UUID]),
        (with(r#""template_id":"curso-rust""#), vec![NO_UUID]),
        (with(&format!(r#""template_id":"{{{id}}}""#)), vec![NO_UUID]),
        (with(&format!(r#""template_id":"{}""#, id.replace('-', ""))), vec![NO_UUID]),
        (format!(r#"{{"template_id":"{id}"}}"#), vec![NO_RECIPIENTS]),
        (format!(r#"{{"template_id":"{id}","recipients":null}}"#), vec![NO_RECIPIENTS]),
        (format!(r#"{{"template_id":"{id}","recipients":[]}}"#), vec![EMPTY_LIST]),
        (format!(r#"{{"template_id":"{id}","recipients":{ok}}}"#), vec![NO_LIST]),
        (format!(r#"{{"template_id":"{id}","recipients":"x"}}"#), vec![NO_LIST]),
        (with(&format!(r#""template_id":"{id}","send_email":"no""#)), vec![NO_BOOL]),
        (with(&format!(r#""template_id":"{id}","send_email":0"#)), vec![NO_BOOL]),
        (with(&format!(r#""template_id":"{id}","curso":1"#)), vec![UNKNOWN_CURSO]),
        (with(&format!(r#""template_id":"{id}","a/b~":1"#)), vec![UNKNOWN_ESCAPED]),
        (with(&format!(r#""template_id":"{id}","template_id":"{id}""#)), vec![TEMPLATE_TWICE]),
        ("{}".into(), vec![NO_TEMPLATE, NO_RECIPIENTS]),
        (
            format!(r#"{{"template":"{id}","recipients":[]}}"#),
            vec![UNKNOWN_TEMPLATE, NO_TEMPLATE, EMPTY_LIST],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_outside_a_recipient_refuses_the_request_with_a_pointer() {
    let world = World::new().await;
    for (body, errors) in faulty_bodies(&world.demo.template_id) {
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
            let mut found = problem["errors"].clone();
            for error in found.as_array_mut().expect("errors") {
                error.as_object_mut().expect("an error").remove("hint");
            }
            assert_eq!(found, json!(wanted), "{body}");
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
            assert_eq!(of_unknown, of_foreign, "a foreign template looks unknown");
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
    assert_eq!(
        answers[0]["detail"],
        "Falta la clave de API (encabezado X-API-Key, o Authorization: Bearer), o no es válida"
    );
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let headers = [("content-type", "application/json"), ("accept-language", "en")];
    let reply = world.send("POST", "/api/v1/credentials/issue", &headers, good).await;
    assert_eq!(
        reply.problem(401, "unauthenticated")["detail"],
        "The API key (header X-API-Key, or Authorization: Bearer) is missing or not valid"
    );

    // All other scopes together do not issue, whatever the body holds.
    use Scope::{Admin, Catalog, Issue, Manage, Read};
    let reader = key_of(app, "demo", Mode::Live, &[Read, Catalog, Manage, Admin], None).await;
    for bodies in [body(&world, &[recipient(&[])]), "{}".to_owned()] {
        for (lang, text) in [
            (None, "La clave de API no tiene el permiso «issue»"),
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
async fn more_than_a_request_takes_is_refused_with_the_limit_and_the_upload_route() {
    let world = World::new().await;
    let many = |n: usize| body(&world, &vec!["{}".to_owned(); n]);
    for n in [10_001, 20_000] {
        let problem = post(&world, None, many(n)).await.problem(413, "too_many_recipients");
        assert_eq!(
            problem["detail"],
            format!(
                "La solicitud tiene {n} destinatarios y el límite es 10000; las listas más grandes van como archivo por POST /api/v1/uploads"
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
