//! Results files, mended and uploaded again: a row that names its credential is that credential.

use serde_json::{Value, json};
use unicreda::domain::{api_key::Scope, ids::Mode};

use crate::{
    catalog::key_of,
    harness::{World, check_sums, person},
};

/// A file of three people, issued; the credentials' ids and the results file.
struct Issued {
    ids: Vec<String>,
    results: String,
}

const FILE: &str = "email;nombre;calificacion;numero de licencia;periodo\n\
    ana@ejemplo.com;Ana Perez;A;00123;2026-2\n\
    luis@ejemplo.com;Luis Rojas;Z;00124;2026-2\n\
    ana.rojas@demo.example;;B;;2026-2\n";

async fn issued(world: &World) -> Issued {
    let job = world.upload("acta.csv", FILE.as_bytes(), &json!({})).await;
    let result = world.file_job(&job).await["result"].clone();
    assert_eq!((&result["successful"], &result["failed"]), (&json!(2), &json!(1)), "{result}");
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    let id = |row: usize| rows["items"][row]["credential_id"].as_str().unwrap_or_default();
    let ids = [0, 1, 2].map(|row| id(row).to_owned()).to_vec();
    Issued { ids, results: world.results_file(&job).await }
}

/// Uploads a file; its job's result, its rows and its results file.
async fn upload(world: &World, text: &str, options: Value) -> (Value, Vec<Value>, String) {
    let job = world.upload("otra.csv", text.as_bytes(), &options).await;
    let status = world.file_job(&job).await;
    check_sums(&status["result"]);
    let rows = world.get(&format!("/jobs/{job}/results")).await["items"].clone();
    let rows = rows.as_array().expect("rows").clone();
    (status, rows, world.results_file(&job).await)
}

async fn credentials(world: &World) -> usize {
    world.get("/credentials").await["items"].as_array().expect("a list").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_results_file_saved_by_a_spreadsheet_makes_no_second_credential() {
    let world = World::new().await;
    let Issued { ids, results } = issued(&world).await;
    // As it is: every issued row is a duplicate.
    let (status, rows, _) = upload(&world, &results, json!({})).await;
    assert_eq!(status["result"]["duplicates"], 2, "{status}");
    assert!(status["result"].get("corrected").is_none(), "{status}");
    assert_eq!((&rows[0]["credential_id"], &rows[2]["duplicate"]), (&json!(ids[0]), &json!(true)));
    // A spreadsheet saved it: zeros are gone. The failed row is mended.
    let saved = results.replace(";00123;", ";123;").replace("Luis Rojas;Z;", "Luis Rojas;B;");
    let (status, rows, again) = upload(&world, &saved, json!({})).await;
    assert_eq!(
        (&status["result"]["successful"], &status["result"]["failed"]),
        (&json!(2), &json!(1)),
        "{status}"
    );
    let error = &status["result"]["errors"][0];
    assert_eq!((&error["row"], &error["code"]), (&json!(1), &json!("other_content")), "{error}");
    let text = error["error"].as_str().expect("text");
    assert!(text.contains("«numero de licencia» dice «123»") && text.contains(&ids[0]), "{text}");
    assert!(!["PATCH", "correct:", "license_number"].iter().any(|name| text.contains(name)));
    assert_eq!(rows[1]["duplicate"], false, "the mended row is issued");
    assert_eq!(credentials(&world).await, 3);
    assert_eq!(world.mails("ana@ejemplo.com", 1).await.len(), 1);
    // The refused row still names its credential, so the next upload makes no second one either.
    assert!(again.lines().nth(1).expect("Ana").contains(&ids[0]), "{again}");
    let (status, ..) = upload(&world, &again, json!({})).await;
    assert_eq!(status["result"]["errors"][0]["code"], "other_content", "{status}");
    assert_eq!(credentials(&world).await, 3);
    // A column that is absent says nothing; one that is emptied does.
    let without = format!(
        "email;nombre;calificacion;credential_id\nana@ejemplo.com;Ana  Perez;A;{}\n",
        ids[0]
    );
    let (status, ..) = upload(&world, &without, json!({})).await;
    assert_eq!(status["result"]["duplicates"], 1, "{status}");
    let emptied = format!(
        "email;nombre;calificacion;periodo;credential_id\nana@ejemplo.com;Ana Perez;A;;{}\n",
        ids[0]
    );
    let (status, ..) = upload(&world, &emptied, json!({})).await;
    assert_eq!(status["result"]["errors"][0]["code"], "other_content", "{status}");
    assert_eq!(credentials(&world).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_id_and_one_that_is_none_are_faults_of_their_rows() {
    let world = World::new().await;
    let ids = issued(&world).await.ids;
    let test = world.issue_as(&world.demo.test_api_key, &[person(7)]).await.expect(200).json();
    let test = test["credentials"][0]["credential_id"].clone();
    let course = json!({
        "name": "Otra", "description": "Otra",
        "fields": [{ "name": "recipient_name" }, { "name": "result_value" }],
    });
    let other = world.call("POST", "/templates", Some(&course)).await.expect(201).json();
    let row = |id: &str, more: Value| {
        let mut row = person(7);
        row["credential_id"] = id.into();
        for (name, value) in more.as_object().expect("an object") {
            row[name] = value.clone();
        }
        row.to_string()
    };
    let lines = [
        row(test.as_str().expect("id"), json!({})),
        row("550e8400-e29b-41d4-a716-446655440000", json!({})),
        row("12", json!({})),
        row(&ids[0], json!({ "external_id": "x-1" })),
        row("", json!({})),
    ]
    .join("\n");
    let (status, rows, _) = upload(&world, &lines, json!({})).await;
    let codes: Vec<&str> = status["result"]["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| error["code"].as_str().expect("code"))
        .collect();
    let unknown = "credential_not_found";
    assert_eq!(codes, [unknown, unknown, unknown, "immutable_field"], "{status}");
    assert_eq!(rows[4]["status"], "issued", "an empty id is none");
    // Of another template.
    let file = format!(
        "email,nombre,calificacion,credential_id\nana@ejemplo.com,Ana Perez,A,{}\n",
        ids[0]
    );
    let (status, ..) = upload(&world, &file, json!({ "template_id": other["id"] })).await;
    assert_eq!(status["result"]["errors"][0]["code"], "other_template", "{status}");
    // In the API the field stays unknown.
    let mut sent = person(8);
    sent["credential_id"] = ids[0].clone().into();
    let answer = world.issue(&[sent]).await.expect(200).json();
    let text = answer["credentials"][0]["errors"][0].as_str().expect("a fault");
    assert!(text.starts_with("Campo desconocido: credential_id"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_runs_results_are_issued_as_they_are() {
    let world = World::new().await;
    let held = world.issue_one(&person(1)).await;
    let text = |n: u32| {
        let person = person(n);
        ["email", "recipient_name", "result_value"]
            .map(|f| person[f].as_str().expect("text").to_owned())
    };
    let file = format!("email,nombre,calificacion\n{}\n{}\n", text(1).join(","), text(2).join(","));
    let (_, rows, results) = upload(&world, &file, json!({ "dry_run": true })).await;
    assert_eq!((&rows[0]["status"], &rows[1]["status"]), (&json!("duplicate"), &json!("new")));
    let foreseen = rows[1]["credential_id"].as_str().expect("id").to_owned();
    assert!(!results.contains(&foreseen), "what does not exist is not named: {results}");
    assert!(results.contains(held["credential_id"].as_str().expect("id")), "{results}");
    let (status, rows, _) = upload(&world, &results, json!({})).await;
    assert_eq!(status["result"]["duplicates"], 1, "{status}");
    assert_eq!(rows[1]["credential_id"], json!(foreseen));
    // One that names the id that it will have is issued, too.
    let own = format!(
        "email,nombre,calificacion,credential_id\n{},{}\n",
        text(1).join(","),
        held["credential_id"].as_str().expect("id")
    );
    let elsewhere = World::new().await;
    let (_, rows, _) = upload(&elsewhere, &file, json!({ "dry_run": true })).await;
    let own = own.replace(
        held["credential_id"].as_str().expect("id"),
        rows[0]["credential_id"].as_str().expect("id"),
    );
    let (status, rows, _) = upload(&elsewhere, &own, json!({})).await;
    assert_eq!(
        (&status["result"]["successful"], &rows[0]["duplicate"]),
        (&json!(1), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_corrects_the_credentials_that_its_rows_name() {
    let world = World::new().await;
    let Issued { ids, results } = issued(&world).await;
    world.mail_ended(&ids[0]).await;
    let mended = results
        .replace("Ana Perez;A;00123;2026-2", "Ana Pérez;A;00123;2026-1")
        .replace("ana.rojas@demo.example;;B;;2026-2", "ana.rojas@demo.example;;B;;")
        .replace("Luis Rojas;Z;", "Luis Rojas;B;");
    let (status, rows, file) =
        upload(&world, &mended, json!({ "correct": true, "dry_run": true })).await;
    assert_eq!((&status["dry_run"], &status["correct"]), (&json!(true), &json!(true)), "{status}");
    assert_eq!(
        (&status["result"]["corrected"], &status["result"]["successful"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(rows[0]["status"], "corrected");
    assert_eq!(
        rows[0]["changes"],
        json!([
            { "field": "recipient_name", "before": "Ana Perez", "after": "Ana Pérez" },
            { "field": "term", "before": "2026-2", "after": "2026-1" },
        ])
    );
    assert_eq!(rows[2]["changes"], json!([{ "field": "term", "before": "2026-2", "after": null }]));
    // Each is shown as its credential would be, and asked for by what becomes of it.
    let ana = json!({
        "email": "ana@ejemplo.com", "recipient_name": "Ana Pérez", "result_value": "A",
        "license_number": "00123", "term": "2026-1",
    });
    assert_eq!(rows[0]["recipient"], ana);
    let job = status["job_id"].as_str().expect("an id");
    for (word, wanted) in [
        ("corrected", json!([1, 3])),
        ("new", json!([2])),
        ("duplicate", json!([])),
        ("issued", json!([1, 2, 3])),
    ] {
        let page = world.get(&format!("/jobs/{job}/results?status={word}")).await;
        let items = page["items"].as_array().expect("rows");
        let found: Vec<&Value> = items.iter().map(|row| &row["row"]).collect();
        assert_eq!(json!(found), wanted, "{word}");
    }
    let few = format!("email;calificacion;credential_id\nana@ejemplo.com;A;{}\n", ids[0]);
    let (_, rows_of_few, _) = upload(&world, &few, json!({ "dry_run": true })).await;
    assert_eq!(rows_of_few[0]["status"], "duplicate", "{rows_of_few:?}");
    assert_eq!(rows_of_few[0]["recipient"]["recipient_name"], "Ana Perez", "the columns are few");
    assert!(file.contains("nombre: Ana Perez → Ana Pérez; periodo: 2026-2 → 2026-1"), "{file}");
    assert_eq!(world.get(&format!("/credentials/{}", ids[0])).await["version"], 1, "only foreseen");
    assert_eq!(credentials(&world).await, 2);

    let (status, rows, file) = upload(&world, &mended, json!({ "correct": true })).await;
    let result = &status["result"];
    let counts = ["successful", "corrected", "duplicates", "failed", "internal_count"];
    let counts = counts.map(|name| result[name].as_u64().expect(name));
    assert_eq!(counts, [3, 2, 0, 0, 1], "{status}");
    assert!(status.get("dry_run").is_none(), "{status}");
    assert_eq!((&rows[0]["status"], &rows[1]["status"]), (&json!("corrected"), &json!("issued")));
    assert_eq!(rows[0]["credential_id"], json!(ids[0]));
    assert!(file.lines().nth(1).expect("Ana").contains(";corrected;"), "{file}");
    let ana = world.get(&format!("/credentials/{}", ids[0])).await;
    assert_eq!((&ana["recipient_name"], &ana["term"]), (&json!("Ana Pérez"), &json!("2026-1")));
    let change = &ana["history"][0];
    assert_eq!(
        (&change["action"], &change["fields"]),
        (&json!("correct"), &json!(["recipient_name", "term"]))
    );
    assert_eq!(change["job_id"], status["job_id"]);
    assert_eq!(world.get(&format!("/credentials/{}", ids[2])).await["term"], Value::Null);
    assert_eq!(credentials(&world).await, 3);

    // Once more, and by the results: nothing is left to correct.
    for again in [&mended, &file] {
        let (status, ..) = upload(&world, again, json!({ "correct": true })).await;
        let result = &status["result"];
        assert_eq!(
            (&result["corrected"], &result["duplicates"]),
            (&json!(0), &json!(3)),
            "{status}"
        );
    }
    assert_eq!(world.get(&format!("/credentials/{}", ids[0])).await["version"], 2);
    // A job's revocation leaves what the job only corrected.
    let body = json!({ "job_id": status["job_id"], "reason": "Acta anulada" });
    let revoking = world.call("POST", "/credentials/revoke", Some(&body)).await.expect(202).json();
    let revoked = world.success(revoking["job_id"].as_str().expect("id")).await;
    assert_eq!(revoked["result"]["total"], 1, "{revoked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_by_file_is_refused_as_one_by_itself_is() {
    let world = World::new().await;
    let Issued { ids, .. } = issued(&world).await;
    let reason = json!({ "reason": "Error" });
    let path = format!("/credentials/{}/suspend", ids[0]);
    world.call("POST", &path, Some(&reason)).await.expect(200);
    let taken = world.issue_one(&person(5)).await;
    let mut sixth = person(6);
    let sixth_id = world.issue_one(&sixth).await["credential_id"].clone();
    let seventh = world.issue_one(&person(7)).await["credential_id"].clone();
    let eighth = world.issue_one(&person(8)).await["credential_id"].clone();
    for id in [&taken["credential_id"], &sixth_id, &seventh, &eighth] {
        world.mail_ended(id.as_str().expect("id")).await;
    }
    let mut fifth = person(5);
    fifth["credential_id"] = eighth;
    sixth["credential_id"] = sixth_id.clone();
    sixth["result_value"] = "Z".into();
    let mut first =
        json!({ "email": "ana@ejemplo.com", "recipient_name": "Eva", "result_value": "A" });
    first["credential_id"] = ids[0].clone().into();
    let mut seventh_once = person(7);
    seventh_once["credential_id"] = seventh.clone();
    seventh_once["recipient_name"] = "Uno".into();
    let rows = [first, fifth, sixth, seventh_once, person(7)];
    let file = rows.map(|row| row.to_string()).join("\n");
    for options in [json!({ "correct": true, "dry_run": true }), json!({ "correct": true })] {
        let (status, rows, _) = upload(&world, &file, options).await;
        let code = |row: u64| {
            let errors = status["result"]["errors"].as_array().expect("errors");
            let error = errors.iter().find(|error| error["row"] == row);
            error.map_or("", |error| error["code"].as_str().expect("code"))
        };
        assert_eq!(
            [code(1), code(2), code(3)],
            ["credential_not_active", "content_taken", "invalid_result"],
            "{status}"
        );
        assert_eq!(status["result"]["corrected"], 1, "{status}");
        assert_eq!(rows[4]["duplicate"], true, "{rows:?}");
    }
    let path = format!("/credentials/{}", taken["credential_id"].as_str().expect("id"));
    assert_eq!(world.get(&path).await["version"], 1);

    // Besides the scope to issue it takes the one to manage, before anything is read.
    let key = key_of(world.stack.app(), "demo", Mode::Live, &[Scope::Issue], None).await;
    let body = json!({
        "template_id": world.demo.template_id, "file_name": "a.csv", "size": 9, "correct": true,
    });
    let refused = world.call_as(&key, "POST", "/uploads", Some(&body)).await;
    let problem = refused.problem(403, "insufficient_scope");
    assert!(problem["detail"].as_str().expect("text").contains("manage"), "{problem}");
    let allowed = world.call("POST", "/uploads", Some(&body)).await.expect(201).json();
    let path = format!("/uploads/{}", allowed["upload_id"].as_str().expect("id"));
    let upload = world.get(&path).await;
    assert_eq!((&upload["correct"], &upload["dry_run"]), (&json!(true), &json!(false)), "{upload}");
}

/// Which of two rows would be done last is chance: nothing of their file is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_whose_rows_correct_one_credential_to_different_content_is_refused() {
    let world = World::new().await;
    let Issued { ids, .. } = issued(&world).await;
    world.mail_ended(&ids[0]).await;
    let row = |name: &str| format!("ana@ejemplo.com;{name};A;{}\n", ids[0]);
    let file =
        |rows: &[String]| format!("email;nombre;calificacion;credential_id\n{}", rows.concat());
    let path = format!("/credentials/{}", ids[0]);
    let two = file(&[row("Ana Uno"), "eva@ejemplo.com;Eva;A;\n".to_owned(), row("Ana Dos")]);
    let json = ["Ana Uno", "Ana Dos"].map(|name| {
        json!({
            "email": "ana@ejemplo.com", "recipient_name": name, "result_value": "A",
            "credential_id": ids[0],
        })
    });
    let lines = json.each_ref().map(Value::to_string).join("\n");
    let array = json!(json).to_string();
    for (text, line, column) in [
        (&two, json!(4), json!(4)),
        (&lines, json!(2), Value::Null),
        (&array, json!(1), Value::Null),
    ] {
        for dry_run in [true, false, false] {
            let options = json!({ "correct": true, "dry_run": dry_run });
            let job = world.upload("notas.csv", text.as_bytes(), &options).await;
            let failed = world.file_job(&job).await;
            assert_eq!(failed["status"], "FAILURE", "{failed}");
            assert_eq!(
                (&failed["code"], &failed["line"], &failed["column"]),
                (&json!("repeated_credential"), &line, &column),
                "{failed}"
            );
            let error = failed["error"].as_str().expect("a text");
            assert!(error.contains("corrigen la misma credencial con datos distintos"), "{error}");
        }
    }
    assert_eq!(world.get(&path).await["version"], 1, "nothing was corrected");
    assert_eq!(credentials(&world).await, 2, "and nothing issued");

    // Rows that say the same are one correction, in a dry run and in earnest.
    let same = file(&[row("Ana Uno"), row("  Ana \u{a0}Uno"), row("Ana Uno")]);
    for dry_run in [true, false] {
        let options = json!({ "correct": true, "dry_run": dry_run });
        let (status, rows, _) = upload(&world, &same, options).await;
        let result = &status["result"];
        assert_eq!(
            (&result["corrected"], &result["duplicates"], &result["failed"]),
            (&json!(1), &json!(2), &json!(0)),
            "{status}"
        );
        let corrected = rows.iter().filter(|row| row["status"] == "corrected").count();
        assert_eq!(corrected, 1, "{rows:?}");
    }
    assert_eq!(world.get(&path).await["recipient_name"], "Ana Uno");
    // Without `correct` each row is judged alone.
    let (status, ..) = upload(&world, &two, json!({})).await;
    let result = &status["result"];
    assert_eq!((&result["duplicates"], &result["failed"]), (&json!(1), &json!(1)), "{status}");
}

/// A results file with another version in each of its rows that have one.
fn of_version(results: &str, from: u32, to: &str) -> String {
    results.replace(&format!(";{from}\r\n"), &format!(";{to}\r\n"))
}

/// The row of a person, by the beginning of the address, in a results file.
fn row_of<'a>(results: &'a str, email: &str) -> &'a str {
    let rows = results.split("\r\n");
    rows.into_iter().find(|row| row.starts_with(email)).unwrap_or_else(|| panic!("{results}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_results_file_takes_no_newer_correction_back() {
    let world = World::new().await;
    let Issued { ids, results: old } = issued(&world).await;
    world.mail_ended(&ids[0]).await;
    assert!(old.lines().next().expect("a header").ends_with(";credential_version"), "{old}");
    assert!(row_of(&old, "ana@").ends_with(";1") && row_of(&old, "luis@").ends_with(';'), "{old}");
    let correct = json!({ "correct": true });
    let mended = old.replace("Ana Perez", "Ana Pérez");
    let (_, rows, newer) = upload(&world, &mended, correct.clone()).await;
    assert_eq!(
        (&rows[0]["status"], &rows[0]["credential_version"], &rows[2]["credential_version"]),
        (&json!("corrected"), &json!(2), &json!(1)),
        "{rows:?}"
    );
    assert!(row_of(&newer, "ana@").ends_with(";2"), "{newer}");
    let ana = async || world.get(&format!("/credentials/{}", ids[0])).await;

    // The old one once more: refused, in the dry run too, and its own results are no way around it.
    let mut stale = old.clone();
    for options in [json!({ "correct": true, "dry_run": true }), correct.clone(), correct.clone()] {
        let (status, rows, results) = upload(&world, &stale, options).await;
        let error = &status["result"]["errors"][0];
        assert_eq!(
            (&error["row"], &error["code"]),
            (&json!(1), &json!("corrected_since")),
            "{status}"
        );
        let text = error["error"].as_str().expect("a text");
        assert!(text.contains("«nombre» dice «Ana Perez»") && text.contains("escribe 2"), "{text}");
        assert_eq!(rows[2]["duplicate"], true, "{rows:?}");
        let ana = row_of(&results, "ana@");
        // In a dry run two further columns follow.
        let ends = ana.trim_end_matches(";;").ends_with(";1");
        assert!(ana.contains(&ids[0]) && ends, "{ana}");
        stale = results;
    }
    assert_eq!(ana().await["recipient_name"], "Ana Pérez");
    // What says the same is a duplicate; what leaves alone what was corrected since is corrected.
    let (status, ..) = upload(&world, &mended, correct.clone()).await;
    assert_eq!(
        (&status["result"]["failed"], &status["result"]["corrected"]),
        (&json!(1), &json!(0))
    );
    let (_, rows, third) =
        upload(&world, &mended.replace(";00123;", ";00199;"), correct.clone()).await;
    assert_eq!(
        (&rows[0]["status"], &rows[0]["credential_version"]),
        (&json!("corrected"), &json!(3))
    );
    assert!(row_of(&third, "ana@").ends_with(";3"), "{third}");
    let (status, ..) = upload(&world, &newer, correct.clone()).await;
    let text = status["result"]["errors"][0]["error"].as_str().expect("a text");
    assert!(
        text.contains("«numero de licencia» dice «00123»") && !text.contains("«nombre»"),
        "{text}"
    );
    // Rows without an id are found by what they said then, and are of an earlier version.
    let (_, rows, found) = upload(&world, FILE, json!({})).await;
    assert_eq!((&rows[0]["duplicate"], &rows[0]["credential_version"]), (&json!(true), &json!(1)));
    let (status, ..) = upload(&world, &found, correct.clone()).await;
    assert_eq!(status["result"]["errors"][0]["code"], "corrected_since", "{status}");
    // Whoever wants it back says so, by the version; a dry run's results are of what was seen.
    let back = of_version(&newer, 2, "3");
    let dry = json!({ "correct": true, "dry_run": true });
    let (_, rows, seen) = upload(&world, &back, dry).await;
    assert_eq!(
        (&rows[0]["status"], &rows[0]["credential_version"]),
        (&json!("corrected"), &json!(3))
    );
    let (_, rows, _) = upload(&world, &seen, correct.clone()).await;
    assert_eq!(
        (&rows[0]["status"], &rows[0]["credential_version"]),
        (&json!("corrected"), &json!(4))
    );
    assert_eq!(ana().await["license_number"], "00123");
    // A file without the column, or with an empty cell, is of no version.
    let (status, rows, _) = upload(&world, &of_version(&third, 3, ""), correct.clone()).await;
    assert_eq!(rows[0]["status"], "corrected", "{status}");
    let few =
        format!("email;nombre;calificacion;credential_id\nana@ejemplo.com;Ana;A;{}\n", ids[0]);
    let (_, rows, _) = upload(&world, &few, correct.clone()).await;
    assert_eq!(rows[0]["status"], "corrected", "{rows:?}");
    // What is no version is the row's fault.
    let (status, ..) = upload(&world, &of_version(&third, 3, "v3"), correct).await;
    assert_eq!(status["result"]["errors"][0]["code"], "invalid_version", "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_is_said_in_json_too_and_a_renewal_takes_nothing_back() {
    let world = World::new().await;
    let template = json!({
        "name": "Curso", "description": "Vale un mes.", "validity_months": 1,
        "fields": [{ "name": "recipient_name", "required": true }, { "name": "term" }],
    });
    let made = world.call("POST", "/templates", Some(&template)).await.expect(201).json();
    let line = |id: &Value, version: Value, name: &str, term: &str| {
        json!({
            "email": "ana@ejemplo.com", "recipient_name": name, "term": term,
            "credential_id": id, "credential_version": version,
        })
        .to_string()
    };
    let correct = json!({ "template_id": made["id"], "correct": true });
    let body = json!({
        "template_id": made["id"],
        "recipients": [{ "email": "ana@ejemplo.com", "recipient_name": "Ana", "term": "1" }],
    });
    let issued = world.call("POST", "/credentials/issue", Some(&body)).await.expect(200).json();
    let id = issued["credentials"][0]["credential_id"].clone();
    let path = format!("/credentials/{}", id.as_str().expect("an id"));
    world.mail_ended(id.as_str().expect("an id")).await;
    for (version, name) in [(1, "Ana Pérez"), (2, "Ana Pérez Soto")] {
        let file = line(&id, json!(version), name, "1");
        let (_, rows, results) = upload(&world, &file, correct.clone()).await;
        assert_eq!(rows[0]["status"], "corrected", "{rows:?}");
        let (row, wanted) = (results.lines().nth(1).expect("a row"), version * 2);
        assert!(row.ends_with(&format!(",{wanted}")), "no cell is one too many: {results}");
        if version == 1 {
            world.call("POST", &format!("{path}/renew"), None).await.expect(200);
            assert_eq!(world.get(&path).await["version"], 3, "renewed");
        }
    }
    for (version, code) in [
        (json!(3), Some("corrected_since")),
        (json!("1"), Some("corrected_since")),
        (json!("dos"), Some("invalid_version")),
        (json!(2.5), Some("wrong_type")),
        (json!("4"), None),
    ] {
        let file = line(&id, version.clone(), "Ana", "1");
        let (status, rows, _) = upload(&world, &file, correct.clone()).await;
        let found = status["result"]["errors"][0]["code"].as_str();
        assert_eq!(found, code, "{version}: {status}");
        assert_eq!(rows[0]["status"] == "corrected", code.is_none(), "{rows:?}");
    }
    // The API takes no such member.
    let mut one = body;
    one["recipients"][0]["credential_version"] = 1.into();
    let answer = world.call("POST", "/credentials/issue", Some(&one)).await.expect(200).json();
    assert!(answer.to_string().contains("Campo desconocido: credential_version"), "{answer}");
}
