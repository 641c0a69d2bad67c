//! The end of a credential, its renewal, and the days that people read, which never move.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue::S;
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use unicreda::domain::ids::OrgId;

use crate::harness::{World, person};

const DAY: u64 = 24 * 3_600;
/// Two zones whose days always differ.
const ZONES: [&str; 2] = ["Pacific/Pago_Pago", "Pacific/Kiritimati"];

/// A template whose credentials end after so many months; its id.
async fn template(world: &World, months: Option<u32>) -> String {
    let body = json!({
        "name": "Primeros auxilios", "description": "Vale un tiempo.", "validity_months": months,
        "fields": [{ "name": "recipient_name", "required": true }, { "name": "result_value" }],
    });
    let made = world.call("POST", "/templates", Some(&body)).await.expect(201).json();
    made["id"].as_str().expect("an id").to_owned()
}

/// Issues to a person under a template; the entry of the answer.
async fn issue(world: &World, template: &str, recipient: &Value) -> Value {
    let body = json!({ "template_id": template, "recipients": [recipient] });
    let answer = world.call("POST", "/credentials/issue", Some(&body)).await.expect(200).json();
    answer["credentials"][0].clone()
}

fn id_of(issued: &Value) -> String {
    issued["credential_id"].as_str().unwrap_or_else(|| panic!("{issued}")).to_owned()
}

fn pass(world: &World, days: u64) {
    world.stack.app().clock.jump(Duration::from_secs(days * DAY));
}

/// Today in the demo organization's zone, by the stack's clock.
fn today(world: &World) -> Date {
    let zone = TimeZone::get("America/Santiago").expect("a zone");
    world.stack.app().clock.now().to_zoned_datetime(zone).date()
}

fn months_after(day: Date, months: i32) -> String {
    day.checked_add(Span::new().months(months)).expect("a day").to_string()
}

async fn page(world: &World, id: &str) -> String {
    let accept = [("accept", "text/html")];
    world.send("GET", &format!("/credential/{id}"), &accept, "").await.expect(200).text()
}

async fn document(world: &World, id: &str) -> Value {
    world.send("GET", &format!("/credential/{id}.json"), &[], "").await.expect(200).json()
}

async fn verdict(world: &World, document: &Value) -> Value {
    world.call("POST", "/verify", Some(document)).await.expect(200).json()["status"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_that_has_ended_is_no_duplicate_and_is_renewed_under_its_id() {
    let world = World::new().await;
    let template = template(&world, Some(1)).await;
    let one = person(1);
    let email = one["email"].as_str().expect("an address");
    let id = id_of(&issue(&world, &template, &one).await);
    let issued = world.get(&format!("/credentials/{id}")).await;
    let first_day = today(&world);
    assert_eq!(issued["issued_on"], first_day.to_string());
    assert_eq!(issued["expires_on"], months_after(first_day, 1));
    world.mails(email, 1).await;
    world.mail_ended(&id).await;
    let before = document(&world, &id).await;
    pass(&world, 40);

    // One at once, rows of a job, of a dry run and of a file that names it.
    let again = issue(&world, &template, &one).await;
    let ended = months_after(first_day, 1).parse::<Date>().expect("a day");
    let text = again["errors"][0].as_str().expect("an error").to_owned();
    assert!(text.contains("venció el") && text.contains("/renew"), "{again}");
    assert!(text.contains(&ended.year().to_string()), "{text}");
    let body = json!({ "template_id": template, "recipients": [one, person(2)] });
    let path = "/credentials/issue?dry_run=true";
    let foreseen = world.call("POST", path, Some(&body)).await.expect(200).json();
    let told = foreseen["recipients"][0]["errors"][0].as_str().unwrap_or_default();
    assert!(told.contains("venció el"), "{foreseen}");
    let job = world.call("POST", "/credentials/issue", Some(&body)).await.expect(202).json();
    let result = world.success(job["job_id"].as_str().expect("a job")).await["result"].clone();
    assert_eq!(result["failed"], 1, "{result}");
    let told = result["errors"][0]["error"].as_str().unwrap_or_default();
    assert!(told.contains("venció el"), "{result}");
    let file = format!("email,name,credential_id\n{email},Persona Zorrilla 1,{id}\n");
    let options = json!({ "template_id": template });
    let job = world.upload("again.csv", file.as_bytes(), &options).await;
    let job = world.file_job(&job).await;
    assert_eq!(job["result"]["failed"], 1, "{job}");

    // The renewal, twice.
    let path = format!("/credentials/{id}/renew");
    let renewed = world.call("POST", &path, None).await.expect(200).json();
    let until = months_after(today(&world), 1);
    assert_eq!(renewed["expires_on"], until, "{renewed}");
    assert_eq!((&renewed["version"], &renewed["issued_on"]), (&2.into(), &issued["issued_on"]));
    for body in [None, Some(json!({ "until": until }))] {
        let again = world.call("POST", &path, body.as_ref()).await.expect(200).json();
        assert_eq!(again["version"], 2, "{again}");
    }
    let shown = world.get(&format!("/credentials/{id}")).await;
    let history = shown["history"].as_array().expect("a history");
    assert_eq!(history.len(), 1, "{shown}");
    assert_eq!(
        (&history[0]["action"], &history[0]["renewed_until"]),
        (&"renew".into(), &until.into())
    );

    // Its holder hears of it; the page holds again; the former file does not.
    let mails = world.mails(email, 2).await;
    let subject = mails.iter().filter_map(|mail| mail["subject"].as_str());
    assert!(subject.clone().any(|text| text.contains("renovó tu credencial")), "{mails:?}");
    assert!(page(&world, &id).await.contains("Vigente"));
    let after = document(&world, &id).await;
    assert_eq!(after["id"], before["id"]);
    assert_ne!(after["validUntil"], before["validUntil"]);
    assert_eq!(verdict(&world, &after).await, "issued");
    assert_ne!(verdict(&world, &before).await, "issued");
    let again = issue(&world, &template, &one).await;
    assert_eq!(
        (&again["duplicate"], &again["credential_id"]),
        (&true.into(), &id.into()),
        "{again}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_has_ended_or_ends_within_sixty_days_is_renewed() {
    let world = World::new().await;
    let year = template(&world, Some(12)).await;
    let endless = template(&world, None).await;
    let id = id_of(&issue(&world, &year, &person(1)).await);
    let path = format!("/credentials/{id}/renew");
    let last = today(&world).checked_add(Span::new().months(12)).expect("a day");
    world.call("POST", &path, None).await.problem(409, "conflict");
    let later = json!({ "until": months_after(last, 3) });
    world.call("POST", &path, Some(&later)).await.problem(409, "conflict");
    // The end that it has: nothing changes, and no 409.
    let same = json!({ "until": last.to_string() });
    assert_eq!(world.call("POST", &path, Some(&same)).await.expect(200).json()["version"], 1);
    let never = id_of(&issue(&world, &endless, &person(2)).await);
    let problem = world.call("POST", &format!("/credentials/{never}/renew"), None).await;
    assert!(
        problem.problem(409, "conflict")["detail"].as_str().expect("a text").contains("no vence")
    );

    pass(&world, 320);
    for (until, code) in [
        ("2026-02-30", "invalid_date"),
        ("mañana", "invalid_date"),
        ("2101-01-01", "invalid_date"),
        ("1999-01-01", "ends_sooner"),
    ] {
        let body = json!({ "until": until });
        let problem = world.call("POST", &path, Some(&body)).await.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], "/until", "{problem}");
        assert_eq!(problem["errors"][0]["code"], code, "{until}: {problem}");
    }
    // A day that was named does not stand for the months, not even on the same day.
    let soon = json!({ "until": months_after(last, 1) });
    let renewed = world.call("POST", &path, Some(&soon)).await.expect(200).json();
    assert_eq!(renewed["expires_on"], months_after(last, 1), "{renewed}");
    world.call("POST", &path, None).await.problem(409, "conflict");
    pass(&world, 30);
    // A renewal before the end is counted from the end, and from it alone.
    let last = last.checked_add(Span::new().months(1)).expect("a day");
    let renewed = world.call("POST", &path, None).await.expect(200).json();
    assert_eq!(renewed["expires_on"], months_after(last, 12), "{renewed}");
    let again = world.call("POST", &path, None).await.expect(200).json();
    assert_eq!(again["version"], 3, "{again}");
    let why = json!({ "reason": "Pausa" });
    world.call("POST", &format!("/credentials/{id}/suspend"), Some(&why)).await.expect(200);
    world.call("POST", &path, None).await.problem(409, "conflict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_issued_keeps_its_days_its_name_and_its_logo() {
    let world = World::new().await;
    let zone = |zone: &str| json!({ "time_zone": zone });
    world.call("PUT", "/organization", Some(&zone(ZONES[0]))).await.expect(200);
    let template = template(&world, Some(12)).await;
    let id = id_of(&issue(&world, &template, &person(1)).await);
    let before = world.get(&format!("/credentials/{id}")).await;
    let (shown, signed) = (page(&world, &id).await, document(&world, &id).await);

    let renamed = json!({ "time_zone": ZONES[1], "name": "Instituto Otro Nombre" });
    world.call("PUT", "/organization", Some(&renamed)).await.expect(200);
    let moved = id_of(&issue(&world, &template, &person(2)).await);
    let moved = world.get(&format!("/credentials/{moved}")).await;
    assert_ne!(moved["issued_on"], before["issued_on"], "the zones' days differ");
    let days = |shown: &str| {
        let text = |after: &str| {
            let rest = shown.split_once(after).unwrap_or_else(|| panic!("{after}: {shown}")).1;
            rest.chars().skip_while(|c| *c != '>').take(60).collect::<String>()
        };
        (text("Fecha de emisión"), text("Vence el"))
    };
    let later = page(&world, &id).await;
    assert_eq!(days(&later), days(&shown));
    assert!(later.contains("Universidad Demo") && !later.contains("Otro Nombre"));
    assert!(later.contains(">UD<"), "the initials of the issuer as signed");

    // A correction leaves the end of validity as it was signed.
    let change = json!({ "recipient_name": "Persona Corregida" });
    world.call("PATCH", &format!("/credentials/{id}"), Some(&change)).await.expect(200);
    let corrected = document(&world, &id).await;
    for part in ["validUntil", "issuer"] {
        assert_eq!(corrected[part], signed[part], "as it was signed");
    }
    assert_eq!(days(&page(&world, &id).await), days(&shown));

    // So does an item of before days were kept: its days are those of the zone of then.
    let app = world.stack.app();
    let update = app.dynamodb.update_item().table_name(&app.config.credentials_table);
    update
        .key("id", S(id.clone()))
        .update_expression("REMOVE di, du")
        .send()
        .await
        .expect("removed");
    let undated = world.get(&format!("/credentials/{id}")).await;
    assert_eq!(undated["issued_on"], Value::Null);
    let stored = app.catalog.together(&OrgId::parse("demo").expect("an id"), None, None, &[]).await;
    let kept = stored.expect("read").organization.expect("an organization").undated_zone;
    assert_eq!(kept.as_deref(), Some("America/Santiago"), "the zone before the first change");
    let at: Timestamp =
        before["issued_at"].as_str().expect("an instant").parse().expect("an instant");
    let zone = TimeZone::get("America/Santiago").expect("a zone");
    let day = at.to_zoned_datetime(zone).date();
    let page = page(&world, &id).await;
    assert!(page.contains(&format!("{} de", day.day())), "{day}: {page}");
}
