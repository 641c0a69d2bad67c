//! Living documents: the days of a credential, its versions, and rich achievements.

use std::time::Duration;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    budgets::item_bytes,
    harness::{World, person},
};

/// A template without listed days; its id.
async fn template(world: &World, more: &Value) -> String {
    let mut body = json!({
        "name": "Título de Ingeniería", "description": "Diez semestres.",
        "fields": [{ "name": "recipient_name", "required": true }, { "name": "result_value" }],
    });
    for (name, value) in more.as_object().expect("members") {
        body[name] = value.clone();
    }
    let made = world.call("POST", "/templates", Some(&body)).await.expect(201).json();
    made["id"].as_str().expect("an id").to_owned()
}

async fn issue(world: &World, template: &str, recipient: &Value) -> Value {
    let body = json!({ "template_id": template, "recipients": [recipient] });
    let answer = world.call("POST", "/credentials/issue", Some(&body)).await.expect(200).json();
    answer["credentials"][0].clone()
}

fn id_of(issued: &Value) -> String {
    issued["credential_id"].as_str().unwrap_or_else(|| panic!("{issued}")).to_owned()
}

fn with(name: &str, value: &str) -> Value {
    let mut one = person(1);
    one[name] = value.into();
    one
}

async fn document(world: &World, id: &str) -> Value {
    world.send("GET", &format!("/credential/{id}.json"), &[], "").await.expect(200).json()
}

async fn text(world: &World, path: &str) -> String {
    world.send("GET", path, &[("accept", "text/html")], "").await.expect(200).text()
}

async fn verdict(world: &World, document: &Value) -> Value {
    world.call("POST", "/verify", Some(document)).await.expect(200).json()["status"].clone()
}

/// Today in the demo organization's zone.
fn today(world: &World) -> Date {
    let zone = TimeZone::get("America/Santiago").expect("a zone");
    world.stack.app().clock.now().to_zoned_datetime(zone).date()
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().expect("an instant")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_diploma_is_entered_with_the_day_of_its_award() {
    let world = World::new().await;
    let template = template(&world, &json!({})).await;
    let old = with("awarded_on", "1998-12-18");
    let issued = issue(&world, &template, &old).await;
    let id = id_of(&issued);
    let signed = document(&world, &id).await;
    assert_eq!(signed["awardedDate"], "1998-12-18T00:00:00Z");
    assert_eq!(verdict(&world, &signed).await, "issued");
    let page = text(&world, &format!("/credential/{id}")).await;
    for part in ["Fecha de otorgamiento", "18 de diciembre de 1998", "Fecha de emisión"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("issueYear=1998&amp;issueMonth=12"), "LinkedIn has the award");
    let email = old["email"].as_str().expect("an address");
    let mail = &world.mails(email, 1).await[0];
    let letter = mail["text"].as_str().expect("a text");
    assert!(letter.contains("Fecha de otorgamiento: 18 de diciembre de 1998"), "{letter}");
    assert_eq!(world.get(&format!("/credentials/{id}")).await["awarded_on"], "1998-12-18");

    // It is part of the identity, and only where it is given.
    let again = issue(&world, &template, &old).await;
    assert_eq!((&again["duplicate"], &again["credential_id"]), (&json!(true), &json!(id)));
    let new = id_of(&issue(&world, &template, &person(1)).await);
    assert_ne!(new, id);
    let signed = document(&world, &new).await;
    assert_eq!(signed["awardedDate"], format!("{}T00:00:00Z", today(&world)));
    let page = text(&world, &format!("/credential/{new}")).await;
    assert!(!page.contains("Fecha de otorgamiento") && page.contains("Fecha de emisión"));

    let tomorrow = today(&world).tomorrow().expect("a day").to_string();
    for (day, code) in [
        (tomorrow.as_str(), "awarded_later"),
        ("1899-12-31", "date_out_of_range"),
        ("18/12/1998", "invalid_date"),
    ] {
        let refused = issue(&world, &template, &with("awarded_on", day)).await;
        assert_eq!(refused["error_codes"], json!([code]), "{refused}");
        let said = refused["errors"][0].as_str().expect("a text");
        assert!(said.contains("awarded_on"), "{said}");
    }
    let at = issue(&world, &template, &with("awarded_on", &today(&world).to_string())).await;
    assert_eq!(at["status"], "issued");

    // A correction of the day moves it; any other leaves it.
    let path = format!("/credentials/{id}");
    world
        .call("PATCH", &path, Some(&json!({ "awarded_on": tomorrow })))
        .await
        .problem(400, "invalid_request");
    world.call("PATCH", &path, Some(&json!({ "awarded_on": "1998-12-19" }))).await.expect(200);
    assert_eq!(document(&world, &id).await["awardedDate"], "1998-12-19T00:00:00Z");
    let name = json!({ "recipient_name": "Persona Corregida" });
    world.call("PATCH", &path, Some(&name)).await.expect(200);
    assert_eq!(document(&world, &id).await["awardedDate"], "1998-12-19T00:00:00Z");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_of_ones_own_is_kept_and_another_one_is_no_silent_duplicate() {
    let world = World::new().await;
    let template = template(&world, &json!({ "validity_months": 24 })).await;
    let day = |days: i32| today(&world).saturating_add(days.days()).to_string();
    let (soon, later) = (day(20), day(400));
    let one = with("valid_until", &soon);
    let issued = issue(&world, &template, &one).await;
    assert_eq!(issued.get("warnings"), None, "an end is in the future: {issued}");
    let id = id_of(&issued);
    let email = one["email"].as_str().expect("an address");
    let mail = world.mails(email, 1).await[0].to_string();
    assert!(mail.contains("Válida hasta: "), "{mail}");
    let path = format!("/credentials/{id}");
    assert_eq!(world.get(&path).await["expires_on"], soon);
    let signed = document(&world, &id).await;
    let zone = TimeZone::get("America/Santiago").expect("a zone");
    let next: Date = day(21).parse().expect("a day");
    let midnight = zone.to_timestamp(next.at(0, 0, 0, 0)).expect("midnight");
    assert_eq!(instant(&signed["validUntil"]), midnight - 1.seconds());

    // The same end, or none, finds it; another one is told how to be had.
    for same in [&one, &person(1)] {
        assert_eq!(issue(&world, &template, same).await["duplicate"], true);
    }
    let other = issue(&world, &template, &with("valid_until", &later)).await;
    assert_eq!(other["error_codes"], json!(["other_end"]), "{other}");
    let said = other["errors"][0].as_str().expect("a text");
    assert!(said.contains(&format!("/api/v1/credentials/{id}/renew")), "{said}");
    let past = issue(&world, &template, &with("valid_until", &day(-1))).await;
    assert_eq!(past["error_codes"], json!(["other_end"]), "found first: {past}");
    let mut stranger = person(2);
    stranger["valid_until"] = day(-1).into();
    let past = issue(&world, &template, &stranger).await;
    assert_eq!(past["error_codes"], json!(["ends_before_issue"]), "{past}");

    // A row of a file that names it does not change its end in silence either.
    let row =
        json!({ "credential_id": id, "email": one["email"], "valid_until": later }).to_string();
    let options = json!({ "template_id": template, "correct": true });
    let job = world.upload("fin.jsonl", row.as_bytes(), &options).await;
    assert_eq!(world.file_job(&job).await["result"]["failed"], 1);
    let results = world.get(&format!("/jobs/{job}/results")).await;
    assert!(results["items"][0]["error"].as_str().expect("a text").contains("/renew"), "{results}");

    // After a renewal the first list still finds it, and so does one with the new end.
    world
        .call("POST", &format!("{path}/renew"), Some(&json!({ "until": later })))
        .await
        .expect(200);
    assert_eq!(world.get(&path).await["expires_on"], later);
    for known in [&one, &with("valid_until", &later)] {
        assert_eq!(issue(&world, &template, known).await["duplicate"], true);
    }

    // The template's months count from the award.
    let mut awarded = person(3);
    awarded["awarded_on"] = day(-30).into();
    let id = id_of(&issue(&world, &template, &awarded).await);
    let end = today(&world).saturating_add((-30).days()).saturating_add(24.months());
    assert_eq!(world.get(&format!("/credentials/{id}")).await["expires_on"], end.to_string());
    awarded["awarded_on"] = "1998-12-18".into();
    let ended = issue(&world, &template, &awarded).await;
    assert_eq!(ended["error_codes"], json!(["ends_before_issue"]), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_have_columns_for_award_and_end() {
    let world = World::new().await;
    let template = template(&world, &json!({})).await;
    let file = "Correo;Nombre completo;Fecha de otorgamiento;Válida hasta\r\n\
        ana@ejemplo.com;Ana Rojas;18/12/1998;31/12/2090\r\n\
        luz@ejemplo.com;Luz Soto;18/12/2098;\r\n";
    let job =
        world.upload("titulos.csv", file.as_bytes(), &json!({ "template_id": template })).await;
    let ended = world.file_job(&job).await;
    let result = &ended["result"];
    assert_eq!((&result["successful"], &result["failed"]), (&json!(1), &json!(1)), "{ended}");
    let results = world.get(&format!("/jobs/{job}/results")).await;
    let id = results["items"][0]["credential_id"].as_str().expect("an id");
    let shown = world.get(&format!("/credentials/{id}")).await;
    assert_eq!(shown["awarded_on"], "1998-12-18");
    assert_eq!(shown["expires_on"], "2090-12-31");
    let error = results["items"][1]["error"].as_str().expect("a text");
    assert!(error.contains("Fecha de otorgamiento") || error.contains("awarded_on"), "{error}");
}

/// The algorithm of 1EdTech's Credential Refresh: whoever has a version follows its `refreshService`
/// and takes what is there, if it is of the same id and begins later (Open Badges 3.0 §9.2).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_version_in_hand_leads_to_the_newest_one() {
    let world = World::new().await;
    let issued = world.issue_one(&person(1)).await;
    let id = id_of(&issued);
    let mut held = document(&world, &id).await;
    let first = held.clone();
    assert_eq!(held["refreshService"]["type"], "1EdTechCredentialRefresh");
    let site = world.stack.app().config.site_url.clone();
    for (n, name) in [(1, "Persona Corregida"), (2, "Persona Otra Vez")] {
        let change = json!({ "recipient_name": name });
        world.call("PATCH", &format!("/credentials/{id}"), Some(&change)).await.expect(200);
        let service = held["refreshService"]["id"].as_str().expect("an address");
        assert_eq!(service, format!("{}.json", held["id"].as_str().expect("an id")));
        let path = service.strip_prefix(&site).expect("of this site");
        let newest = world.send("GET", path, &[], "").await.expect(200).json();
        assert_eq!(newest["id"], held["id"], "{n}");
        assert!(instant(&newest["validFrom"]) > instant(&held["validFrom"]), "{n}");
        assert!(instant(&newest["validFrom"]) <= world.stack.app().clock.now(), "not in advance");
        assert_eq!(newest["awardedDate"], first["awardedDate"]);
        assert_eq!(verdict(&world, &held).await, "replaced");
        assert_eq!(verdict(&world, &newest).await, "issued");
        held = newest;
    }
    // A renewal is a version too.
    let template = template(&world, &json!({ "validity_months": 1 })).await;
    let id = id_of(&issue(&world, &template, &person(2)).await);
    let before = document(&world, &id).await;
    world.stack.app().clock.jump(Duration::from_secs(20 * 24 * 3_600));
    world.call("POST", &format!("/credentials/{id}/renew"), Some(&json!({}))).await.expect(200);
    let after = document(&world, &id).await;
    assert!(instant(&after["validFrom"]) > instant(&before["validFrom"]));
    assert!(instant(&after["validUntil"]) > instant(&before["validUntil"]));
    assert_eq!(after["awardedDate"], before["awardedDate"]);
    assert_eq!(verdict(&world, &after).await, "issued");
}

/// A definition with everything that a badge can say, and so many alignments.
pub fn rich(alignments: usize) -> Value {
    let alignments: Vec<Value> = (1..=alignments)
        .map(|n| {
            json!({
                "name": format!("Analizar datos {n}"), "framework": "ESCO", "code": format!("S{n}.1"),
                "url": format!("http://data.europa.eu/esco/skill/{n}"), "type": "ceasn:Competency",
            })
        })
        .collect();
    json!({
        "name": "Ciencia de Datos", "language": "es",
        "description": "Un diplomado de ciento veinte horas para profesionales.\r\n\r\n\r\n  Con un proyecto final.  ",
        "achievement": {
            "type": "Certificate", "criteria": "Aprobar los módulos.\nDefender el proyecto.",
            "criteria_url": "https://ejemplo.com/programa", "credits_available": 12,
            "field_of_study": "Informática", "specialization": "Estadística", "human_code": "CD-101",
            "tags": ["datos", "estadística", "datos"], "alignments": alignments,
        },
        "fields": [{ "name": "recipient_name", "required": true }],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_id_of_an_achievement_answers_people_and_programs_by_version() {
    let world = World::new().await;
    let made = world.call("POST", "/templates", Some(&rich(3))).await.expect(201).json();
    let id = made["id"].as_str().expect("an id");
    assert_eq!(
        made["description"],
        "Un diplomado de ciento veinte horas para profesionales.\n\nCon un proyecto final."
    );
    assert_eq!(made["achievement"]["tags"], json!(["datos", "estadística"]));
    let one = json!({ "email": "ana@ejemplo.com", "recipient_name": "Ana Rojas" });
    let credential = id_of(&issue(&world, id, &one).await);
    let signed = document(&world, &credential).await;
    let achievement = &signed["credentialSubject"]["achievement"];
    assert_eq!(achievement["alignment"].as_array().map(Vec::len), Some(3));
    assert_eq!(achievement["alignment"][0]["targetFramework"], "ESCO");
    assert_eq!(achievement["criteria"]["id"], "https://ejemplo.com/programa");
    let site = world.stack.app().config.site_url.clone();
    let address = achievement["id"].as_str().expect("an id");
    let path = address.strip_prefix(&site).expect("of this site").to_owned();

    // Another version says something else; the former one is still there.
    let mut changed = rich(3);
    changed["name"] = "Ciencia de Datos II".into();
    world.call("PUT", &format!("/templates/{id}"), Some(&changed)).await.expect(200);
    let json_of = async |path: String| {
        let accept = [("accept", "application/ld+json")];
        world.send("GET", &path, &accept, "").await.expect(200).json()
    };
    let newest = json_of(path.clone()).await;
    assert_eq!((&newest["name"], &newest["version"]), (&json!("Ciencia de Datos II"), &json!("2")));
    let mut first = json_of(format!("{path}?version=1")).await;
    assert_eq!(first["id"], address);
    let members = first.as_object_mut().expect("members");
    assert_eq!(members.remove("creator").expect("a creator")["type"], json!(["Profile"]));
    assert!(members.remove("@context").is_some());
    assert_eq!(&first, achievement, "as it was signed");
    assert_eq!(json_of(format!("{path}.json?version=1")).await["name"], "Ciencia de Datos");

    let page = text(&world, &format!("{path}?version=1")).await;
    for part in [
        "Ciencia de Datos",
        "Esta es la versión 1",
        "Analizar datos 3",
        "CD-101",
        "Defender el proyecto.",
        "id=\"criteria\"",
        "id=\"alignment-3\"",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!text(&world, &path).await.contains("Esta es la versión"));
    let missing = [("accept", "text/html")];
    let foreign = path.replace("/orgs/demo/", "/orgs/otra/");
    for gone in
        [format!("{path}?version=9"), format!("{path}?version=x"), foreign, format!("{path}x")]
    {
        let page = world.send("GET", &gone, &missing, "").await.expect(404).text();
        assert!(page.contains("No encontramos este logro"), "{gone}");
        let asked = [("accept", "application/json")];
        world.send("GET", &gone, &asked, "").await.problem(404, "not_found");
    }

    // The page of the credential shows the skills, and leads there.
    let page = text(&world, &format!("/credential/{credential}")).await;
    assert!(page.contains("Competencias y estándares") && page.contains("Analizar datos 2"));
    assert!(page.contains(&format!("{address}?version=1")), "its own version");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_says_what_it_lacks_and_what_its_credentials_cost() {
    let world = World::new().await;
    let bare = json!({ "name": "Charla", "description": "Charla.", "fields": [] });
    let bare = world.call("POST", "/templates", Some(&bare)).await.expect(201).json();
    assert_eq!(bare["write_units"], 1);
    let readiness = async |id: &Value| {
        let path = format!("/templates/{}/readiness", id.as_str().expect("an id"));
        world.get(&path).await
    };
    let lacks = readiness(&bare["id"]).await;
    assert_eq!((&lacks["ready"], &lacks["present"]), (&json!(false), &json!(0)), "{lacks}");
    let advice = lacks["parts"].as_array().expect("parts").iter();
    assert!(advice.clone().all(|part| part["advice"].is_string()), "{lacks}");

    let made = world.call("POST", "/templates", Some(&rich(50))).await.expect(201).json();
    assert_eq!(made["write_units"], 2, "fifty alignments take a second unit");
    let rich_one = readiness(&made["id"]).await;
    assert_eq!(rich_one["present"], 9, "all but a badge: {rich_one}");
    assert_eq!(rich_one["write_units"], 2);

    // Beyond the limits, each fault has its place.
    let faults = async |change: fn(&mut Value)| {
        let mut body = rich(2);
        change(&mut body["achievement"]);
        let path = "/templates";
        world.call("POST", path, Some(&body)).await.problem(400, "invalid_request")["errors"]
            .clone()
    };
    for (change, pointer, code) in [
        (
            (|a| a["alignments"][1]["url"] = "ftp://x".into()) as fn(&mut Value),
            "/achievement/alignments/1/url",
            "invalid_url",
        ),
        (
            |a| a["alignments"][0]["name"] = Value::Null,
            "/achievement/alignments/0/name",
            "missing_field",
        ),
        (
            |a| a["alignments"][0]["url"] = Value::Null,
            "/achievement/alignments/0/url",
            "missing_field",
        ),
        (
            |a| a["alignments"][0]["nombre"] = "x".into(),
            "/achievement/alignments/0/nombre",
            "unknown_field",
        ),
        (
            |a| a["alignments"][1] = a["alignments"][0].clone(),
            "/achievement/alignments",
            "repeated",
        ),
        (
            |a| {
                a["alignments"] = (0..51)
                    .map(|n| json!({ "name": "x", "url": format!("https://x.cl/{n}") }))
                    .collect()
            },
            "/achievement/alignments",
            "too_many",
        ),
        (|a| a["tags"] = json!([7]), "/achievement/tags", "invalid_values"),
        (|a| a["criteria_url"] = "ejemplo.com".into(), "/achievement/criteria_url", "invalid_url"),
        (|a| a["criteria"] = "ñ".repeat(9_999).into(), "/achievement", "too_large"),
        // UTF-16 sorts them in another order than code points do.
        (|a| a["tags"] = json!(["🎓", "\u{ffe5}"]), "/achievement", "not_signable"),
    ] {
        let errors = faults(change).await;
        assert_eq!(
            (&errors[0]["pointer"], &errors[0]["code"]),
            (&json!(pointer), &json!(code)),
            "{errors}"
        );
    }
}

/// A mistyped end is corrected as any other field, at any time; the end that was counted from an award follows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_end_is_corrected() {
    let world = World::new().await;
    let template = template(&world, &json!({ "validity_months": 24 })).await;
    let day = |days: i32| today(&world).saturating_add(days.days());
    let in_months = |from: Date| from.saturating_add(24.months()).to_string();
    let id = id_of(&issue(&world, &template, &with("valid_until", &day(900).to_string())).await);
    let path = format!("/credentials/{id}");
    let patch = async |fields: Value| world.call("PATCH", &path, Some(&fields)).await;
    let end = async || world.get(&path).await["expires_on"].clone();

    let until = day(30).to_string();
    patch(json!({ "valid_until": until })).await.expect(200);
    assert_eq!(end().await, until);
    let signed = document(&world, &id).await;
    let zone = TimeZone::get("America/Santiago").expect("a zone");
    let midnight = zone.to_timestamp(day(31).at(0, 0, 0, 0)).expect("midnight");
    assert_eq!(instant(&signed["validUntil"]), midnight - 1.seconds());
    assert_eq!(verdict(&world, &signed).await, "issued");
    for (wrong, code) in
        [(day(-1).to_string(), "ends_before_issue"), ("mañana".to_owned(), "invalid_date")]
    {
        let problem = patch(json!({ "valid_until": wrong })).await.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
    patch(json!({ "valid_until": null })).await.expect(200);
    assert_eq!(end().await, in_months(day(0)), "the template's months again");
    patch(json!({ "awarded_on": day(-60).to_string() })).await.expect(200);
    assert_eq!(end().await, in_months(day(-60)), "counted from the corrected award");
    let changes = world.get(&path).await;
    assert_eq!(changes["history"].as_array().map(Vec::len), Some(3), "{changes}");

    // An end of its own stays where an award moves.
    patch(json!({ "valid_until": until })).await.expect(200);
    patch(json!({ "awarded_on": null })).await.expect(200);
    assert_eq!(end().await, until);
    // The end before the renewal is had again, although it is the one that was asked for first.
    let renewed = json!({ "until": day(700).to_string() });
    world.call("POST", &format!("{path}/renew"), Some(&renewed)).await.expect(200);
    patch(json!({ "valid_until": until })).await.expect(200);
    assert_eq!(end().await, until);
}

/// The end of a credential whose template has no months is taken away altogether: from document, item and page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_is_taken_away_is_nowhere() {
    let world = World::new().await;
    let template = template(&world, &json!({})).await;
    let until = today(&world).saturating_add(30.days()).to_string();
    let id = id_of(&issue(&world, &template, &with("valid_until", &until)).await);
    let path = format!("/credentials/{id}");
    world.call("PATCH", &path, Some(&json!({ "valid_until": null }))).await.expect(200);
    let shown = world.get(&path).await;
    assert_eq!(
        (&shown["valid_until"], &shown["expires_on"]),
        (&Value::Null, &Value::Null),
        "{shown}"
    );
    assert_eq!(document(&world, &id).await.get("validUntil"), None);
    let renewal = json!({ "until": today(&world).saturating_add(90.days()).to_string() });
    world.call("POST", &format!("{path}/renew"), Some(&renewal)).await.problem(409, "conflict");
}

/// Saving a template foresees what its credentials cost: as much as the items that are then stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_units_that_saving_announces_are_those_of_stored_items() {
    let world = World::new().await;
    let plain = json!({
        "name": "Química", "description": "Curso de 60 horas.",
        "fields": [{ "name": "recipient_name" }, { "name": "result_value" }],
    });
    let mut facts = plain.clone();
    facts["custom_fields"] = (0..10)
        .map(
            |n| json!({ "key": format!("fact_{n}"), "label": format!("Dato {n}"), "type": "text" }),
        )
        .collect();
    let templates = [
        ("plain", plain),
        ("10 alignments", rich(10)),
        ("25 alignments", rich(25)),
        ("50 alignments", rich(50)),
        ("ten facts", facts),
    ];
    for (n, (name, body)) in (1..).zip(&templates) {
        let made = world.call("POST", "/templates", Some(body)).await.expect(201).json();
        let email = format!("maria.gonzalez.{n}@ejemplo.com");
        let mut one = json!({ "email": email, "recipient_name": "María González Muñoz" });
        if body["custom_fields"].is_array() {
            let custom = (0..10).map(|n| (format!("fact_{n}"), "Texto de ejemplo".into()));
            one["custom"] = custom.collect::<serde_json::Map<_, _>>().into();
        }
        let id = id_of(&issue(&world, made["id"].as_str().expect("an id"), &one).await);
        world.mails(&email, 1).await;
        let bytes = item_bytes(world.stack.app(), &id).await;
        let announced = made["write_units"].as_u64().expect("write units") as usize;
        // Never fewer than it takes; one more where a little longer name would take it.
        let (least, most) = (bytes.div_ceil(1_024), (bytes + 150).div_ceil(1_024));
        assert!((least..=most).contains(&announced), "{name}: {bytes} bytes, {announced}");
    }
}
