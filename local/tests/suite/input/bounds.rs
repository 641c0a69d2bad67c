//! Bodies that are large, deep or ambiguous, and lists of faults: every answer stays small.

use serde_json::{Value, json};
use unicreda::http::routes::ROUTES;

use super::{assert_nothing_minted, body, one, post, recipient};
use crate::harness::{Reply, World, person};

/// The routes that read JSON.
const READ_JSON: [(&str, &str); 23] = [
    ("POST", "/api/v1/credentials/issue"),
    ("POST", "/api/v1/uploads"),
    ("POST", "/api/v1/members/uploads"),
    ("POST", "/api/v1/credentials/revoke"),
    ("PATCH", "/api/v1/credentials/{credential_id}"),
    ("POST", "/api/v1/credentials/{credential_id}/renew"),
    ("POST", "/api/v1/credentials/{credential_id}/revoke"),
    ("POST", "/api/v1/credentials/{credential_id}/suspend"),
    ("POST", "/api/v1/credentials/{credential_id}/reinstate"),
    ("POST", "/api/v1/credentials/{credential_id}/erase"),
    ("POST", "/api/v1/people/erase"),
    ("POST", "/api/v1/credentials/{credential_id}/block"),
    ("POST", "/api/v1/credentials/{credential_id}/unblock"),
    ("POST", "/api/v1/signing-keys/{multikey}/compromise"),
    ("POST", "/api/v1/templates"),
    ("PUT", "/api/v1/templates/{template_id}"),
    ("POST", "/api/v1/templates/{template_id}/preview"),
    ("PUT", "/api/v1/templates/{template_id}/column-map"),
    ("PUT", "/api/v1/members/{email}"),
    ("POST", "/api/v1/api-keys"),
    ("PUT", "/api/v1/organization"),
    ("PUT", "/api/v1/organization/design"),
    ("POST", "/api/v1/verify"),
];

/// The routes that take a body of another kind, or none.
const READ_NO_JSON: [&str; 11] = [
    "/api/v1/jobs/{job_id}/certificates",
    "/api/v1/jobs/{job_id}/retry",
    "/api/v1/jobs/{job_id}/cancel",
    "/api/v1/credentials/{credential_id}/resend",
    "/api/v1/signing-keys",
    "/api/v1/status-lists",
    "/api/v1/templates/{template_id}/archive",
    "/api/v1/members/import",
    "/verify",
    "/wallet",
    "/credential/{credential_id}/exchange",
];

/// Sends a body to a route, its parameter filled in.
async fn send(world: &World, (method, pattern): (&str, &str), body: &str) -> Reply {
    let mut path = pattern.to_owned();
    for (parameter, value) in [
        ("{credential_id}", "7a8b9c0d-1e2f-8a4b-8c6d-7e8f9a0b1c2d"),
        ("{job_id}", "7a8b9c0d-1e2f-4a4b-8c6d-7e8f9a0b1c2d"),
        ("{template_id}", world.demo.template_id.as_str()),
        ("{multikey}", "z6Mk"),
        ("{email}", "persona1@ejemplo.com"),
    ] {
        path = path.replace(parameter, value);
    }
    let key = world.demo.api_key.as_str();
    let headers = [("x-api-key", key), ("content-type", "application/json")];
    world.send(method, &path, &headers, body.to_owned()).await
}

/// Requires a small 400; its problem.
fn small(reply: Reply, what: &str) -> Value {
    assert_eq!(reply.status.as_u16(), 400, "{what}: {}", reply.text());
    assert!(reply.body.len() < 100_000, "{what}: {} bytes", reply.body.len());
    let problem = reply.json();
    let listed = problem["errors"].as_array().map_or(0, Vec::len);
    assert!((1..=100).contains(&listed), "{what}: {listed} errors");
    problem
}

/// An object of so many members that no route knows.
fn members(count: u32) -> String {
    let digit = |n: u32| char::from_digit(n % 36, 36).expect("a digit");
    let name = |n: u32| [n, n / 36, n / 1_296, n / 46_656].map(digit).iter().collect::<String>();
    let members: Vec<String> = (0..count).map(|n| format!("\"{}\":0", name(n))).collect();
    format!("{{{}}}", members.join(","))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_json_route_answers_400_with_bounded_errors_whatever_the_size_of_the_body() {
    let world = World::new().await;
    let writes = ROUTES.iter().filter(|route| ["POST", "PUT", "PATCH"].contains(&route.method));
    let mut reading = Vec::new();
    for route in writes {
        if READ_NO_JSON.contains(&route.path) {
            continue;
        }
        reading.push((route.method, route.path));
    }
    assert_eq!(reading, READ_JSON, "a new route reads JSON, or none");

    let huge = members(400_000);
    assert!((3_000_000..4 * 1024 * 1024).contains(&huge.len()));
    let objects = format!(r#"{{"a":[{}{{}}]}}"#, "{},".repeat(1_390_000));
    let nested = format!(r#"{{"a":{}{}}}"#, "[".repeat(2_000_000), "]".repeat(2_000_000));
    let named = format!(r#"{{"a":{}1{}}}"#, r#"{"a":"#.repeat(690_000), "}".repeat(690_000));
    let long = format!(r#"{{"{}":0}}"#, "x".repeat(200_000));
    for route in READ_JSON {
        let what = format!("{} {}", route.0, route.1);
        for body in [&huge, &objects, &nested, &named] {
            if route.1 == "/api/v1/verify" {
                send(&world, route, body).await.problem(413, "payload_too_large");
                continue;
            }
            let problem = small(send(&world, route, body).await, &what);
            assert_eq!(problem["code"], "invalid_request");
        }
        let problem = small(send(&world, route, &members(5_000)).await, &what);
        assert_eq!(problem["errors"].as_array().map(Vec::len), Some(100), "{what}");
        let omitted = problem["errors_omitted"].as_u64().expect("a number");
        assert!((4_900..=4_910).contains(&omitted), "{what}: {omitted}");
        let detail = format!("La solicitud tiene {} errores; ver errors", 100 + omitted);
        assert_eq!(problem["detail"], detail, "{what}");
        let problem = small(send(&world, route, &long).await, &what);
        assert_eq!(problem.get("errors_omitted"), None);
        for body in ["[]", "7", "\u{feff}[]"] {
            let problem = small(send(&world, route, body).await, &what);
            assert_eq!(problem["errors"][0]["code"], "wrong_type", "{what}");
        }
        for body in ["{", "\u{feff}", "{\"a\":}", "{}{}"] {
            send(&world, route, body).await.problem(400, "invalid_json");
        }
    }
    assert_nothing_minted(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_member_is_refused_in_every_body_by_its_place() {
    let world = World::new().await;
    for route in READ_JSON {
        for (body, pointer) in [
            (r#"{"reason":"x","reason":"y"}"#, "/reason"),
            (r#"{"name":"x","n\u0061me":"x"}"#, "/name"),
            (r#"{"document":1,"document":{}}"#, "/document"),
            (r#"{"fields":[{},{"name":"role","name":"term"}]}"#, "/fields/1/name"),
            (r#"{"achievement":{"a/b":{"x":[{"y":1,"y":1}]}}}"#, "/achievement/a~1b/x/0/y"),
            ("\u{feff} {\"x\":1 ,\"x\":1}", "/x"),
        ] {
            let what = format!("{} {} {body}", route.0, route.1);
            let problem = small(send(&world, route, body).await, &what);
            assert_eq!(problem["errors"][0]["code"], "repeated_field", "{what}: {problem}");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{what}");
            assert_eq!(problem["errors"].as_array().map(Vec::len), Some(1), "{what}");
        }
        let many = format!(r#"{{"a":[{}]}}"#, [r#"{"a":1,"a":2}"#; 250].join(","));
        let problem = small(send(&world, route, &many).await, "many");
        assert_eq!(problem["errors"].as_array().map(Vec::len), Some(100));
        assert_eq!(problem["errors_omitted"], 150);
    }
    // The second list of scopes would have made an admin key.
    let before = world.get("/api-keys").await;
    let twice = r#"{"name":"lectora","scopes":["read"],"scopes":["admin"]}"#;
    let problem = small(send(&world, ("POST", "/api/v1/api-keys"), twice).await, "scopes");
    assert_eq!(problem["detail"], "El campo scopes está repetido");
    assert_eq!(world.get("/api-keys").await, before);
}

/// Recipients that repeat a member somewhere, and the field that their fault names.
fn ambiguous() -> Vec<(String, &'static str)> {
    vec![
        (recipient(&[("role", "\"x\""), ("role", "\"x\"")]), "role"),
        (recipient(&[("role", "\"x\""), ("r\\u006fle", "\"y\"")]).replace("\\\\u", "\\u"), "role"),
        (
            recipient(&[(
                "evidence",
                r#"[{"name":"a"},{"url":"https://a.cl","url":"https://b.cl"}]"#,
            )]),
            "evidence[1].url",
        ),
        (recipient(&[("custom", r#"{"a":[{"b":1,"b":2}]}"#)]), "custom.a[0].b"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipient_that_repeats_a_member_fails_alone_in_requests_jobs_and_files() {
    let world = World::new().await;
    let cases = ambiguous();
    for (recipient, field) in &cases {
        let answer = one(&world, None, recipient).await;
        assert_eq!(answer["error_codes"][0], "repeated_field", "{answer}");
        assert_eq!(answer["errors"][0], format!("El campo {field} está repetido"));
        assert_eq!(answer["email"], "persona1@ejemplo.com");
    }
    let mut rows: Vec<String> = cases.iter().map(|(recipient, _)| recipient.clone()).collect();
    rows.push(person(2).to_string());
    let answer = post(&world, None, body(&world, &rows)).await.expect(202).json();
    let listed = world.success(answer["job_id"].as_str().expect("a job")).await["result"].clone();
    let file = format!("\u{feff}{}\n", rows.join("\n"));
    let job = world.upload("acta.jsonl", file.as_bytes(), &json!({ "send_email": false })).await;
    let read = world.file_job(&job).await["result"].clone();
    for result in [listed, read] {
        assert_eq!((&result["failed"], &result["successful"]), (&json!(4), &json!(1)), "{result}");
        for (n, (_, field)) in cases.iter().enumerate() {
            let error = &result["errors"][n];
            assert_eq!((&error["row"], &error["code"]), (&json!(n + 1), &json!("repeated_field")));
            let text = error["error"].as_str().expect("a text");
            assert!(text.starts_with(&format!("El campo {field} está repetido")), "{text}");
        }
    }
    // The results hold no value that nobody chose: uploaded as they are, the rows fail again.
    let results = world.results_file(&job).await;
    let again = world.upload("otra.csv", results.as_bytes(), &json!({ "send_email": false })).await;
    let again = world.file_job(&again).await["result"].clone();
    assert_eq!((&again["failed"], &again["duplicates"]), (&json!(4), &json!(1)), "{again}");
    // A cell of evidence in JSON is a text of the caller's as well.
    let cell = r#""[{""name"":""a"",""name"":""b""}]""#;
    let file = format!(
        "email,recipient_name,result_value,evidence\npersona3@ejemplo.com,Persona 3,A,{cell}\n\
         persona4@ejemplo.com,Persona 4,A,\"[{{\"\"name\"\":\"\"a\"\"}}]\"\n\
         persona5@ejemplo.com,Persona 5,A,[a\n"
    );
    let job = world.upload("acta.csv", file.as_bytes(), &json!({ "send_email": false })).await;
    let result = world.file_job(&job).await["result"].clone();
    assert_eq!((&result["failed"], &result["successful"]), (&json!(2), &json!(1)), "{result}");
    assert_eq!(result["errors"][0]["error"], "El campo evidence[0].name está repetido");
    assert_eq!(result["errors"][1]["error"], "El campo evidence debe ser una lista");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipient_beyond_its_bounds_fails_alone() {
    let world = World::new().await;
    let deep = format!("{}{}", "[".repeat(300_000), "]".repeat(300_000));
    let objects = format!("[{}{{}}]", "{},".repeat(150_000));
    for (recipient, code, text) in [
        (
            recipient(&[("evidence", &deep)]),
            "too_deep",
            "Los datos del destinatario anidan objetos y listas en más de 8 niveles",
        ),
        (
            recipient(&[("evidence", &objects)]),
            "too_many",
            "Los datos del destinatario tienen más de 1000 valores",
        ),
        (members(150_000), "too_many", "Los datos del destinatario tienen más de 1000 valores"),
    ] {
        let answer = one(&world, None, &recipient).await;
        assert_eq!(answer["error_codes"], json!([code]), "{answer}");
        assert_eq!(answer["errors"], json!([text]));
        let pair = body(&world, &[recipient, person(7).to_string()]);
        let answer = post(&world, None, pair).await.expect(202).json();
        let result = world.success(answer["job_id"].as_str().expect("a job")).await;
        assert_eq!(result["result"]["failed"], 1);
        assert_eq!(result["result"]["errors"][0]["error"], text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipients_faults_are_twenty_and_the_number_of_the_rest() {
    let world = World::new().await;
    let known = recipient(&[]);
    let with = |count: u32| {
        let unknown = members(count);
        format!("{},{}", known.trim_end_matches('}'), unknown.trim_start_matches('{'))
    };
    let answer = one(&world, None, &with(20)).await;
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(20));
    assert_eq!(answer.get("errors_omitted"), None, "{answer}");
    let answer = one(&world, Some("en"), &with(57)).await;
    for list in ["errors", "error_codes"] {
        assert_eq!(answer[list].as_array().map(Vec::len), Some(20));
    }
    assert_eq!(answer["errors_omitted"], 37);
    for (lang, end) in [(None, "; y 37 errores más"), (Some("en"), "; and 37 more errors")] {
        let people = body(&world, &[with(57), person(3).to_string()]);
        let answer = post(&world, lang, people).await.expect(202).json();
        let job = answer["job_id"].as_str().expect("a job").to_owned();
        let result = world.success(&job).await["result"].clone();
        let text = result["errors"][0]["error"].as_str().expect("a text").to_owned();
        assert!(text.ends_with(end), "{text}");
        assert_eq!(text.split("; ").count(), 21);
        let rows = world.get(&format!("/jobs/{job}/results")).await;
        assert_eq!(rows["items"][0]["error"], text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_keeps_every_row_and_shortens_faults_before_its_answer_is_too_large() {
    let world = World::new().await;
    let faulty = |n: usize| {
        let unknown: Vec<String> = (0..25).map(|m| format!("\"campo {m}\":0")).collect();
        format!(r#"{{"email":"persona{n}@ejemplo.com",{}}}"#, unknown.join(","))
    };
    let dry_run = async |recipients: Vec<String>| {
        let key = world.demo.api_key.as_str();
        let headers = [("x-api-key", key), ("content-type", "application/json")];
        let path = "/api/v1/credentials/issue?dry_run=true";
        world.send("POST", path, &headers, body(&world, &recipients)).await.expect(200)
    };
    let few = dry_run((0..20).map(faulty).collect()).await.json();
    assert_eq!(few["errors_truncated"], false);
    assert_eq!(few["recipients"][0]["errors"].as_array().map(Vec::len), Some(20));
    // The 25, and the missing grade.
    assert_eq!(few["recipients"][0]["errors_omitted"], 6);

    let mut rows: Vec<String> = (0..10_000).map(faulty).collect();
    rows[4_999] = person(1).to_string();
    let reply = dry_run(rows).await;
    assert!(reply.body.len() < 5_100_000, "{} bytes", reply.body.len());
    let answer = reply.json();
    assert_eq!(answer["errors_truncated"], true);
    let counts = ["total", "new", "duplicates", "invalid"].map(|name| answer[name].clone());
    assert_eq!(counts, [10_000, 1, 0, 9_999].map(Value::from));
    let rows = answer["recipients"].as_array().expect("rows");
    assert_eq!(rows.len(), 10_000);
    for (n, row) in rows.iter().enumerate() {
        assert_eq!(row["row"], n + 1);
        if n == 4_999 {
            assert_eq!(row["outcome"], "new");
            continue;
        }
        assert_eq!(row["email"], format!("persona{n}@ejemplo.com"));
        let listed = row["errors"].as_array().map_or(0, Vec::len);
        assert!(listed >= 1, "{row}");
        assert_eq!(row["error_codes"].as_array().map(Vec::len), Some(listed));
        assert_eq!(row["errors_omitted"], 26 - listed);
    }
    // The longest texts, in so many rows, are longer than any answer or memory.
    let long = "\u{1f393}".repeat(190);
    let values: Vec<String> = (0..50).map(|n| format!("{n:02}{long}")).collect();
    let texts = ["recipient_name", "result_value", "role", "license_number", "term"];
    let fields: Vec<Value> =
        texts.map(|name| json!({ "name": name, "allowed_values": values })).to_vec();
    let template = json!({ "name": "Curso", "description": "Un curso", "fields": fields });
    let made = world.call("POST", "/templates", Some(&template)).await.expect(201).json();
    let people: Vec<Value> = (0..5_000)
        .map(|n| {
            let mut one = json!({ "email": format!("persona{n}@ejemplo.com") });
            texts.iter().for_each(|name| one[*name] = json!("x"));
            one
        })
        .collect();
    let request = json!({ "template_id": made["id"], "recipients": people });
    let reply = world.call("POST", "/credentials/issue?dry_run=true", Some(&request)).await;
    assert!(reply.body.len() < 5_100_000, "{} bytes", reply.body.len());
    let answer = reply.expect(200).json();
    assert_eq!(answer["errors_truncated"], true);
    assert_eq!(answer["recipients"].as_array().map(Vec::len), Some(5_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_of_a_caller_comes_back_longer_than_an_answer() {
    let world = World::new().await;
    let long = format!("\"{}\"", "ñ".repeat(1_900_000));
    let sent = one(&world, None, &recipient(&[("email", &long)])).await;
    assert_eq!(sent["email"], long.trim_matches('"'), "echoed as it was sent");
    assert!(sent["errors"][0].as_str().is_some_and(|text| text.len() < 1_000));
    let issued = world.issue_one(&person(1)).await;
    let path = format!("/credentials/{}", issued["credential_id"].as_str().expect("id"));
    let change = json!({ "email": long });
    small(world.call("PATCH", &path, Some(&change)).await, "an address");
    let key = world.demo.api_key.as_str();
    let headers = [("x-api-key", key), ("content-type", "text/csv")];
    let file = format!("email,name\n{long},Ana\n");
    small(world.send("POST", "/api/v1/members/import", &headers, file).await, "a file");
    let long = "ñ".repeat(50_000);
    let file = format!("email,name\n{long},{long}\n");
    let reply = world.send("POST", "/api/v1/members/import", &headers, file).await.expect(200);
    assert!(reply.body.len() < 10_000, "{} bytes", reply.body.len());
}
