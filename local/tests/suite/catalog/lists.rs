//! Lists of credentials, jobs and results: order, pages, filters.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use unicreda::domain::{
    identity,
    ids::{Mode, OrgId, TemplateId},
    recipient::Recipient,
};

use super::{MEMBER, UNKNOWN, all, issue_under, items, one_fault, template, text};
use crate::harness::{World, person};

/// The ids of credentials, in their order.
fn ids(list: &[Value]) -> Vec<String> {
    list.iter().map(|c| text(c, "credential_id").to_owned()).collect()
}

/// Requires of each filter the right number of credentials, and of a bad one a pointer. Five of
/// 65 are of the template `other`, issued after `first`.
async fn assert_filters(world: &World, other: &str, first: &str) {
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
            let found = all(world, &format!("/credentials?{query}"), limit).await;
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
async fn credentials_are_listed_newest_first_page_by_page_and_by_every_filter() {
    let world = World::new().await;
    let people: Vec<Value> = (1..=60)
        .map(|n| {
            let mut one = person(n);
            one["external_id"] = format!("acta-{}", n % 3).into();
            // An external_id is one credential; five are repeated under another template.
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
    for path in
        ["/credentials", "/credentials?status=issued", "/credentials?issued_after=2026-01-01"]
    {
        for limit in [7, 64, 65] {
            assert_eq!(ids(&all(&world, path, limit).await), ids(&whole), "{path} {limit}");
        }
    }
    assert_filters(&world, &other, &first).await;
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
    // An address that is no member's has no wallet.
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
        "row,email,external_id,status,credential_id,credential_url,recipient_type,duplicate,email_status,error,email_error,email_detail,credential_version"
    );
    let (id, url) = (text(&whole[0], "credential_id"), text(&whole[0], "credential_url"));
    assert_eq!(
        lines[1],
        format!("1,persona1@ejemplo.com,,issued,{id},{url},external,false,sent,,,,1")
    );
    assert!(
        lines[3].starts_with("3,\"'=HYPERLINK(\"\"https://ejemplo.com\"\")\",,failed,"),
        "{}",
        lines[3]
    );
    assert_eq!(
        lines[5],
        "5,persona5@ejemplo.com,,failed,,,,,,\"Calificacion invalida. Valores permitidos: A, B, C, D, F\",,,"
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
async fn every_list_refuses_a_limit_out_of_range_and_a_made_up_cursor() {
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
            ["", "basura", "!", "~~~", "-1", "4294967295", "ORG", "IDSECRET", "99%23x", "%C3%B1"]
        {
            let reply = world.call("GET", &format!("{path}{joint}cursor={cursor}"), None).await;
            let problem = one_fault(reply, "cursor", "invalid_cursor");
            let text = problem["detail"].as_str().expect("a text");
            assert!(
                text.starts_with("El parámetro cursor no es válido"),
                "{path} {cursor}: {text}"
            );
        }
    }
}
