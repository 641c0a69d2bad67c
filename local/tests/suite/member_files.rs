//! Files of members: read as files of recipients are, in a request and through the bucket.

use anyhow::ensure;
use local::Options;
use serde_json::{Value, json};
use unicreda::domain::{api_key::Scope, ids::Mode};

use crate::{
    catalog::{import, key_of},
    crashes::{Run, every_point},
    faults::{Fault, Faults, Gate},
    harness::World,
    sim::Sim,
};

/// A text in some encoding.
type InBytes = fn(&str) -> Vec<u8>;

const NAME: &str = "María Muñoz Pérez";

/// The members of a page, by address and name.
async fn name_of(world: &World, email: &str) -> Value {
    world.get(&format!("/members/{email}")).await["name"].clone()
}

fn utf16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xff, 0xfe].into_iter().chain(units).collect()
}

/// A text in Windows-1252, whose letters of this test are those of Latin 1.
fn windows_1252(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a letter of Latin 1")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_read_in_every_form_in_which_recipients_are() {
    let world = World::new().await;
    let csv = |email: &str| format!("Correo electrónico;Nombre\r\n{email};{NAME}\r\n");
    let files: [(&str, InBytes); 5] = [
        ("bom", |csv| format!("\u{feff}{csv}").into_bytes()),
        ("windows-1252", windows_1252),
        ("utf-16", utf16),
        ("sep", |csv| format!("sep=;\r\n{csv}").into_bytes()),
        ("title", |csv| format!(";\r\nLista de personas;\r\n{csv}").into_bytes()),
    ];
    for (n, (what, bytes)) in files.into_iter().enumerate() {
        let email = format!("maria{n}@ejemplo.com");
        let answer = import(&world, "es", bytes(&csv(&email))).await.expect(200).json();
        assert_eq!((&answer["imported"], &answer["failed"]), (&json!(1), &json!(0)), "{what}");
        assert_eq!(answer["encoding_guessed"], what == "windows-1252", "{answer}");
        assert_eq!(name_of(&world, &email).await, NAME, "{what}");
    }
    let files = [
        (
            "first line empty, columns of Moodle",
            "\n,,\nFirst name,Last name,Email address,#Grupo\nAna,Soto,uno@ejemplo.com,3\n",
        ),
        ("in Portuguese, with quotes", "E-mail;Nome completo\nuno@ejemplo.com;\"Ana Soto\"\n"),
        ("rows in one cell", "\"email,name\"\n\"uno@ejemplo.com,Ana Soto\"\n"),
        ("of a mail program", "email;name\nAna <uno@ejemplo.com>;\u{feff}Ana  Soto\u{200b}\n"),
        ("JSON Lines", "{\"email\":\"uno@ejemplo.com\",\"name\":\"Ana Soto\"}\n"),
        ("a list", "[\n {\"email\":\"uno@ejemplo.com\",\n \"name\":\"Ana Soto\"}\n]"),
    ];
    for (what, file) in files {
        import(&world, "es", "email,name\nuno@ejemplo.com,\n").await.expect(200);
        let answer = import(&world, "es", file).await.expect(200).json();
        assert_eq!((&answer["imported"], &answer["failed"]), (&json!(1), &json!(0)), "{what}");
        assert_eq!(name_of(&world, "uno@ejemplo.com").await, "Ana Soto", "{what}: {answer}");
    }
    // What the API shows of a member can come back.
    let shown = world.get("/members/uno@ejemplo.com").await;
    let answer = import(&world, "es", shown.to_string()).await.expect(200).json();
    assert_eq!((&answer["unchanged"], &answer["failed"]), (&json!(1), &json!(0)), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_column_leaves_its_field_and_an_empty_cell_clears_it() {
    let world = World::new().await;
    let profile = json!({ "name": "Ana Soto", "role": "Docente", "term": "2026-1" });
    for n in 1..=3 {
        let path = format!("/members/ana{n}@ejemplo.com");
        world.call("PUT", &path, Some(&profile)).await.expect(201);
    }
    let before = world.get("/members/ana1@ejemplo.com").await;
    let file = "email,term,role\nana1@ejemplo.com,,Decana\nana2@ejemplo.com,2026-2,\n\
                ana3@ejemplo.com,2026-1,Docente\nnueva@ejemplo.com,,\n";
    let headers = [("x-api-key", world.demo.api_key.as_str()), ("content-type", "text/csv")];
    let path = "/api/v1/members/import?dry_run=true";
    let foreseen = world.send("POST", path, &headers, file).await.expect(200).json();
    assert_eq!(world.get("/members/ana1@ejemplo.com").await, before, "a dry run writes nothing");
    world.call("GET", "/members/nueva@ejemplo.com", None).await.expect(404);
    let mut answer = import(&world, "es", file).await.expect(200).json();
    answer["dry_run"] = true.into();
    assert_eq!(answer, foreseen);
    assert_eq!(answer["cleared"], json!({ "role": 1, "term": 1 }));
    let counts = ["new", "changed", "unchanged", "imported"].map(|name| answer[name].clone());
    assert_eq!(counts, [1, 2, 1, 4].map(Value::from));
    let after = world.get("/members/ana1@ejemplo.com").await;
    let shown = ["name", "role", "term"].map(|name| after[name].clone());
    assert_eq!(shown, [json!("Ana Soto"), json!("Decana"), Value::Null]);
    let other = world.get("/members/ana2@ejemplo.com").await;
    assert_eq!((&other["role"], &other["term"]), (&Value::Null, &json!("2026-2")));
    // The same file again changes nothing, and writes nothing.
    let again = import(&world, "es", file).await.expect(200).json();
    assert_eq!((&again["unchanged"], &again["cleared"]), (&json!(4), &json!({})));
    assert_eq!(world.get("/members/ana1@ejemplo.com").await, after);
    // In JSON, too: absent is left, null and an empty text clear.
    let file = "{\"email\":\"ana3@ejemplo.com\",\"term\":null}\n\
                {\"email\":\"ana2@ejemplo.com\",\"term\":\"\",\"language\":\"en\"}\n";
    let answer = import(&world, "es", file).await.expect(200).json();
    assert_eq!(answer["cleared"], json!({ "term": 2 }), "{answer}");
    let third = world.get("/members/ana3@ejemplo.com").await;
    assert_eq!((&third["role"], &third["term"]), (&json!("Docente"), &Value::Null));
}

/// Between the look-up and the change, somebody deletes the member.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_was_deleted_meanwhile_is_imported_whole_or_not_at_all() {
    let faults = Faults::default();
    let world = World::with(faults.under(Options::in_memory())).await;
    let profile = json!({ "name": "Ana Soto", "role": "Docente", "term": "2026-1" });
    let path = "/members/ana@ejemplo.com";
    world.call("PUT", path, Some(&profile)).await.expect(201);
    let gate = Gate::default();
    faults.on_calls_with("UpdateItem", "ana@ejemplo.com", 0..1, Fault::Held(gate.clone(), None));
    let file = "email,term,role\nana@ejemplo.com,2026-1,Decana\nluis@ejemplo.com,2026-2,\n";
    let deleted = async {
        gate.reached.cancelled().await;
        world.call("DELETE", path, None).await.expect(204);
        gate.open.cancel();
    };
    let (answer, ()) = tokio::join!(import(&world, "es", file), deleted);
    let answer = answer.expect(200).json();
    assert_eq!((&answer["new"], &answer["changed"]), (&json!(2), &json!(0)), "{answer}");
    let ana = world.get(path).await;
    let shown = ["name", "role", "term"].map(|name| ana[name].clone());
    assert_eq!(shown, [Value::Null, json!("Decana"), json!("2026-1")], "all that the row says");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_rows_with_one_address_the_last_that_can_be_read_counts_and_the_others_say_so() {
    let world = World::new().await;
    let file = "email,name\nana@ejemplo.com,Ana Uno\nluis@ejemplo.com,Luis\n\
                ANA@ejemplo.com,Ana Dos\nana@ejemplo.com,Jos\u{c3}\u{a9}\n";
    let answer = import(&world, "es", file).await.expect(200).json();
    assert_eq!(answer["total"], 4);
    let counts = ["imported", "repeated", "failed"].map(|name| answer[name].clone());
    assert_eq!(counts, [2, 1, 1].map(Value::from), "{answer}");
    let repeat = json!({ "row": 1, "line": 2, "email": "ana@ejemplo.com", "repeated_by": 3, "repeated_by_line": 4 });
    assert_eq!(answer["repeats"], json!([repeat]));
    assert_eq!(answer["errors"][0]["code"], "damaged_text", "{answer}");
    assert_eq!(answer["errors"][0]["line"], 5);
    assert_eq!(name_of(&world, "ana@ejemplo.com").await, "Ana Dos");
}

/// Announces a file of members and sends it; the job, once it has ended.
async fn uploaded(world: &World, key: &str, file: impl Into<bytes::Bytes>, more: Value) -> Value {
    let file = file.into();
    let mut body = json!({ "file_name": "miembros.csv", "size": file.len() });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let upload = world.call_as(key, "POST", "/members/uploads", Some(&body)).await;
    let upload = upload.expect(201).json();
    assert_eq!(world.put_file(&upload["upload"], file).await, 200);
    let path = upload["status_url"].as_str().expect("a path").trim_start_matches("/api/v1");
    let job = world
        .until("the file arrives", async || {
            let upload = world.call_as(key, "GET", path, None).await.expect(200).json();
            assert_eq!(upload["kind"], "members");
            upload["job_id"].as_str().map(str::to_owned)
        })
        .await;
    world
        .until("the job ends", async || {
            let job = world.call_as(key, "GET", &format!("/jobs/{job}"), None).await;
            let job = job.expect(200).json();
            let file = &job["result"]["results_file"];
            (job["status"] == "FAILURE" || file.is_string()).then_some(job)
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_members_through_the_bucket_is_a_job_with_results() {
    let world = World::new().await;
    let key = key_of(world.stack.app(), "demo", Mode::Live, &[Scope::Catalog], None).await;
    let old = json!({ "name": "Antigua", "role": "Docente" });
    world.call("PUT", "/members/m7@ejemplo.com", Some(&old)).await.expect(201);
    // More than one window of rows; an address of the first is repeated in the last.
    let mut file = "\u{feff}Correo electr\u{f3}nico;Nombre;Rol\r\n".to_owned();
    for n in 1..=2_300 {
        file += &format!("m{n}@ejemplo.com;Persona {n};\r\n");
    }
    file += "sin-arroba;Nadie;\r\nM3@ejemplo.com;Persona Tres;Decana\r\n";

    let foreseen = uploaded(&world, &key, file.clone(), json!({ "dry_run": true })).await;
    let result = &foreseen["result"];
    assert_eq!((&foreseen["kind"], &foreseen["dry_run"]), (&json!("members"), &json!(true)));
    assert_eq!(foreseen["template_id"], Value::Null);
    assert_eq!(result["cleared"], json!({ "role": 1 }), "{foreseen}");
    let counts = ["total", "successful", "duplicates", "failed", "imported", "external_count"];
    assert_eq!(
        counts.map(|name| result[name].clone()),
        [2302, 2301, 1, 1, 2300, 2299].map(Value::from)
    );
    world.call("GET", "/members/m1@ejemplo.com", None).await.expect(404);

    let job = uploaded(&world, &key, file, json!({})).await;
    let result = &job["result"];
    let counts = ["total", "successful", "duplicates", "failed", "imported", "internal_count"];
    assert_eq!(
        counts.map(|name| result[name].clone()),
        [2302, 2301, 1, 1, 2300, 2301].map(Value::from)
    );
    assert_eq!(result["errors"][0]["row"], 2301, "{job}");
    assert_eq!(name_of(&world, "m2300@ejemplo.com").await, "Persona 2300");
    let third = world.get("/members/m3@ejemplo.com").await;
    assert_eq!((&third["name"], &third["role"]), (&json!("Persona Tres"), &json!("Decana")));
    let seventh = world.get("/members/m7@ejemplo.com").await;
    assert_eq!((&seventh["name"], &seventh["role"]), (&json!("Persona 7"), &Value::Null));

    let id = job["job_id"].as_str().expect("an id");
    let rows = world.call_as(&key, "GET", &format!("/jobs/{id}/results?limit=3"), None).await;
    let rows = rows.expect(200).json();
    let third = &rows["items"][2];
    assert_eq!((&third["status"], &third["repeated_by"]), (&json!("repeated"), &json!(2302)));
    assert_eq!(third["credential_id"], Value::Null);
    assert_eq!(rows["items"][0]["status"], "imported");
    let results = world.results_file(id).await;
    let lines: Vec<&str> = results.lines().collect();
    assert_eq!(lines[0], "\u{feff}Correo electrónico;Nombre;Rol;row;line;status;repeated_by;error");
    assert_eq!(lines[3], "m3@ejemplo.com;Persona 3;;3;4;repeated;2302;");
    assert!(
        lines[2301].starts_with("sin-arroba;Nadie;;2301;2302;failed;;Invalid email: sin-arroba")
    );
    // As it is, it can be uploaded again: nobody changes.
    let again = uploaded(&world, &key, results, json!({ "dry_run": true })).await;
    assert_eq!(again["result"]["external_count"], 0, "{again}");
    assert_eq!(again["result"]["successful"], 2301, "{again}");
    assert_eq!(again["result"]["cleared"], json!({}));

    // A retry finds nothing, and nothing was issued.
    world.call("POST", &format!("/jobs/{id}/retry"), None).await.expect(200);
    let credentials = world.get("/credentials").await;
    assert_eq!(credentials["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_changes_members_sends_and_follows_their_files_and_sees_no_job_of_recipients() {
    let world = World::new().await;
    let body = json!({ "file_name": "m.csv", "size": 10 });
    let app = world.stack.app();
    let catalog = key_of(app, "demo", Mode::Live, &[Scope::Catalog], None).await;
    let issue = key_of(app, "demo", Mode::Live, &[Scope::Issue, Scope::Read], None).await;
    let test = key_of(app, "demo", Mode::Test, &[Scope::Catalog], None).await;
    for key in [&issue, &test] {
        let refused = world.call_as(key, "POST", "/members/uploads", Some(&body)).await;
        refused.problem(403, "insufficient_scope");
    }
    for more in [json!({ "template_id": world.demo.template_id }), json!({ "correct": true })] {
        let mut body = body.clone();
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let refused = world.call_as(&catalog, "POST", "/members/uploads", Some(&body)).await;
        refused.problem(400, "invalid_request");
    }
    let job = world.start_job(&[crate::harness::person(1), crate::harness::person(2)]).await;
    for path in [format!("/jobs/{job}"), format!("/jobs/{job}/results")] {
        world.call_as(&catalog, "GET", &path, None).await.problem(403, "insufficient_scope");
        world.call_as(&issue, "GET", &path, None).await.expect(200);
    }
    world.success(&job).await;
    // A wrong file fails as a whole and says what members have.
    let failed = uploaded(&world, &catalog, "email;nota\nana@ejemplo.com;A\n", json!({})).await;
    assert_eq!(
        (&failed["status"], &failed["code"]),
        (&json!("FAILURE"), &json!("column_not_of_members"))
    );
    assert_eq!(failed["columns"][1]["name"], "nota", "{failed}");
    let given = json!({ "column_map": { "nota": "ignore" } });
    let mended = uploaded(&world, &catalog, "email;nota\nana@ejemplo.com;A\n", given).await;
    assert_eq!(mended["result"]["imported"], 1, "{mended}");
    // Who issues alone reads nothing of members by their files.
    let issuer = key_of(app, "demo", Mode::Live, &[Scope::Issue], None).await;
    let id = mended["job_id"].as_str().expect("a job");
    for path in [format!("/jobs/{id}"), format!("/jobs/{id}/results")] {
        world.call_as(&issuer, "GET", &path, None).await.problem(403, "insufficient_scope");
    }
    let listed = world.call_as(&issuer, "GET", "/jobs", None).await.expect(200).json();
    let listed: Vec<&str> = listed["items"]
        .as_array()
        .expect("jobs")
        .iter()
        .filter_map(|j| j["job_id"].as_str())
        .collect();
    assert_eq!(listed, [job.as_str()]);
}

/// A file of members in two windows: new, changed, repeated and faulty rows.
fn members_file(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let before = json!({ "name": "Ana", "role": "Docente", "term": "2026-1" });
        sim.insist("PUT", "/members/ana@ejemplo.com", Some(&before), None).await?;
        let mut file =
            "email,name,role\nuna@ejemplo.com,Una,\nana@ejemplo.com,Ana Soto,\n".to_owned();
        file += "nadie,Nadie,\n";
        for n in 0..40 {
            file += &format!("otra@ejemplo.com,Otra {n},\n");
        }
        let body = json!({ "file_name": "m.csv", "size": file.len() });
        let answer = sim.insist("POST", "/members/uploads", Some(&body), None).await?;
        ensure!(answer.status == 201, "{}", answer.body);
        let allowed = answer.json();
        let status = sim.world.put_file(&allowed["upload"], file.into_bytes()).await;
        ensure!(status == 200, "the bucket answers {status}");
        sim.drain().await?;
        let path = allowed["status_url"].as_str().unwrap_or_default().to_owned();
        let upload = sim.world.get(path.trim_start_matches("/api/v1")).await;
        let job = upload["job_id"].as_str().unwrap_or_default();
        let job = sim.world.get(&format!("/jobs/{job}")).await;
        let counts = ["total", "successful", "duplicates", "failed", "imported"];
        let counts = counts.map(|name| job["result"][name].clone());
        ensure!(counts == [43, 42, 39, 1, 3].map(Value::from), "{job}");
        ensure!(job["result"]["results_file"].is_string(), "{job}");
        let ana = sim.world.get("/members/ana@ejemplo.com").await;
        ensure!(ana["name"] == "Ana Soto" && ana["role"].is_null(), "{ana}");
        ensure!(ana["term"] == "2026-1", "{ana}");
        ensure!(name_of(&sim.world, "otra@ejemplo.com").await == "Otra 39");
        ensure!(sim.world.get("/jobs").await["items"].as_array().is_some_and(|all| all.len() == 1));
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_members_survives_a_crash_at_every_call() {
    every_point("members file", members_file).await;
}

/// Cancels a file of six members after the process that imports it died at a call; how many it had
/// written.
async fn cancelled_after(operation: &'static str, containing: &str) -> usize {
    let mut sim = Sim::new(0).await;
    let rows = (1..=6).map(|n| format!("m{n}@ejemplo.com,Persona {n}\n"));
    let file = format!("email,name\n{}nadie,Nadie\n", rows.collect::<String>());
    let body = json!({ "file_name": "m.csv", "size": file.len() });
    let answer = sim.insist("POST", "/members/uploads", Some(&body), None).await.expect("answered");
    let allowed = answer.json();
    assert_eq!(sim.world.put_file(&allowed["upload"], file.into_bytes()).await, 200);
    sim.faults.on_calls_with(operation, containing, 0..1, Fault::Gone { done: false });
    assert!(sim.deliver_file().await);
    let path = allowed["status_url"].as_str().expect("a path").trim_start_matches("/api/v1");
    let job = sim.world.get(path).await["job_id"].as_str().expect("an id").to_owned();
    let cancel = format!("/jobs/{job}/cancel");
    assert_eq!(sim.insist("POST", &cancel, None, None).await.expect("answered").status, 200);
    sim.drain().await.expect("an end");
    let status = sim.world.get(&format!("/jobs/{job}")).await;
    let result = &status["result"];
    let members = sim.world.get("/members?limit=1000").await;
    let names = members["items"].as_array().expect("members").iter();
    let names = names.filter_map(|member| member["name"].as_str());
    let imported = names.filter(|name| name.starts_with("Persona ")).count();
    assert_eq!(result["successful"], imported, "{status}");
    assert_eq!(result["total"], 7);
    let errors = result["errors"].as_array().expect("errors");
    let cancelled = errors.iter().filter(|error| error["code"] == "cancelled").count();
    assert_eq!((cancelled, errors.len()), (6 - imported, 7 - imported), "{status}");
    sim.finish().await.expect("the invariants hold");
    imported
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_file_of_members_ends_and_counts_what_it_wrote() {
    assert_eq!(cancelled_after("BatchGetItem", "MEMBERS#").await, 0);
    // It had written them, and recorded nothing of it.
    assert_eq!(cancelled_after("BatchWriteItem", "IN#").await, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_costs_a_write_for_each_member_that_changes_and_a_read_for_a_hundred() {
    let mut sim = Sim::new(0).await;
    let rows = (1..=250)
        .map(|n| json!({ "email": format!("m{n}@ejemplo.com"), "name": format!("Persona {n}") }));
    let list: Value = rows.collect();
    // The first use of the key is noted.
    sim.world.get("/members").await;
    let mut changed = list.clone();
    changed[6]["name"] = "Persona Siete".into();
    for (list, writes) in [(&list, 250.0), (&list, 0.0), (&changed, 1.0)] {
        let before = sim.faults.ledger();
        let answer = sim.call("POST", "/members/import", Some(list), None).await;
        let answer = answer.expect("answered").json();
        assert_eq!(answer["imported"], 250, "{answer}");
        let spent = sim.faults.ledger() - &before;
        let of = |name: &str| spent.calls.get(name).copied().unwrap_or_default();
        // The key, and the members.
        assert!(of("BatchGetItem") <= 4.0, "{:?}", spent.calls);
        assert_eq!(of("UpdateItem"), writes, "{:?}", spent.calls);
    }
}
