//! What is asked of new data alone: stored data is served all the same, and a repeat of what was
//! issued finds its credential.

use serde_json::{Value, json};
use unicreda::{
    domain::{
        credential::Credential,
        email::EmailAddress,
        identity,
        ids::{CredentialId, Mode, OrgId},
        member::{Member, Profile},
        recipient::Recipient,
    },
    store::credentials::NewCredential,
};

use super::{assert_nothing_minted, one, recipient};
use crate::harness::{World, person};

/// Addresses under domains that nobody can own.
const NOBODYS: [&str; 12] = [
    "Ana@Uni.LOCAL",
    "ana@pc.internal",
    "ana@uni.invalid",
    "ana@abcdefghij.onion",
    "ana@uni.test",
    "ana@correo.localhost",
    "ana@casa.home.arpa",
    "ana@uni.corp",
    "ana@uni.lan",
    "ana@uni.c0m",
    "ana@uni。ｌｏｃａｌ",
    "invalido@test",
];

/// Names of which a reader sees nothing.
const BLANK: [&str; 10] = [
    "\u{200b}",
    "\u{200d}\u{200c}",
    "\u{2060}",
    "\u{ad}",
    "\u{301}",
    "\u{3164}",
    "\u{115f}\u{1160}",
    "\u{2800}\u{2800}",
    "\u{fe0f}",
    "\u{e000}",
];

fn with(field: &str, value: &str) -> Value {
    let mut person = person(1);
    person[field] = value.into();
    person
}

fn now() -> String {
    "2026-11-24T09:00:00.000Z".to_owned()
}

/// Puts a credential of an earlier release: that of `issued`, with another content.
async fn keep(world: &World, issued: &str, change: impl FnOnce(&mut Recipient)) -> Credential {
    let app = world.stack.app();
    let id = CredentialId::parse(issued).expect("an id");
    let mut kept = app.credentials.get(id).await.expect("read").expect("a credential");
    change(&mut kept.recipient);
    let org = OrgId::parse(local::demo::ORGANIZATION).expect("a name");
    let secret = app.catalog.id_secret(&org).await.expect("a secret");
    let same = identity::of(&secret, &org, Mode::Live, kept.template_id, &kept.recipient);
    (kept.id, kept.content) = (same.id, same.content);
    let email_key = identity::email_key(&secret, &org, Mode::Live, &kept.recipient.email);
    let new = NewCredential { credential: kept.clone(), email_key, alias: None };
    app.credentials.put(&new, &now()).await.expect("put");
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_new_credential_may_say_is_its_recipients_fault_alone() {
    let world = World::new().await;
    let mut refused: Vec<(Value, &str, String, String)> = Vec::new();
    for email in NOBODYS {
        let text = format!("Invalid email: {email}");
        refused.push((with("email", email), "invalid_email", text.clone(), text));
    }
    for name in BLANK {
        let es = "El campo recipient_name no contiene ningún carácter visible: escribe el nombre";
        let en = "The field recipient_name has no visible character: write the name";
        let person = with("recipient_name", name);
        refused.push((person, "nothing_visible", es.to_owned(), en.to_owned()));
    }
    for day in ["9999-12-31", "2101-01-01", "1899-12-31", "0001-01-01"] {
        let es = "El campo activity_end_date debe ser una fecha entre 1900-01-01 y 2100-12-31";
        let en = "The field activity_end_date must be a date from 1900-01-01 to 2100-12-31";
        let person = with("activity_end_date", day);
        refused.push((person, "date_out_of_range", es.to_owned(), en.to_owned()));
    }
    for (person, code, es, en) in &refused {
        for (lang, text) in [("es", es), ("en", en)] {
            let answer = one(&world, Some(lang), &person.to_string()).await;
            assert_eq!(answer["error_codes"], json!([code]), "{answer}");
            assert_eq!(answer["errors"], json!([text]));
            assert_eq!(answer["email"], person["email"], "as sent");
        }
    }
    assert_nothing_minted(&world).await;

    // In a dry run and in a job, beside good ones.
    let mut people: Vec<Value> = refused.iter().map(|(person, ..)| person.clone()).collect();
    people.push(person(2));
    let mut edge = with("activity_end_date", "2100-12-31");
    edge["activity_start_date"] = "1900-01-01".into();
    people.push(edge);
    let body = json!({ "template_id": world.demo.template_id, "recipients": people });
    let foreseen = world.call("POST", "/credentials/issue?dry_run=true", Some(&body)).await;
    let foreseen = foreseen.expect(200).json();
    let result = world.run_job(&people).await;
    for (at, (_, code, es, _)) in refused.iter().enumerate() {
        let row = &foreseen["recipients"][at];
        assert_eq!((&row["outcome"], &row["errors"]), (&json!("invalid"), &json!([es])), "{row}");
        let error = &result["errors"][at];
        assert_eq!((&error["error"], &error["code"]), (&json!(es), &json!(code)), "{error}");
    }
    assert_eq!((&foreseen["invalid"], &foreseen["new"]), (&json!(refused.len()), &json!(2)));
    assert_eq!((&result["failed"], &result["successful"]), (&json!(refused.len()), &json!(2)));

    // With a fault of the template, all faults at once.
    let both = recipient(&[("email", "\"ana@uni.local\""), ("result_value", "\"Z\"")]);
    let answer = one(&world, None, &both).await;
    assert_eq!(answer["error_codes"], json!(["invalid_result", "invalid_email"]), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_of_what_an_earlier_release_issued_finds_its_credential() {
    let mut world = World::new().await;
    // These credentials share the document of another one.
    world.skip_oracle();
    let issued = world.issue_one(&person(1)).await;
    let issued = issued["credential_id"].as_str().expect("an id").to_owned();
    let address = EmailAddress::parse("ana@uni.local").expect("an address");
    let of_nobody = keep(&world, &issued, |kept| kept.email = address).await;
    let unnamed =
        keep(&world, &issued, |kept| kept.recipient_name = Some("\u{3164}".to_owned())).await;
    let far = keep(&world, &issued, |kept| {
        kept.activity_end_date = "9999-12-31".parse().ok();
    })
    .await;
    let again = [
        (with("email", "Ana@Uni.Local"), &of_nobody),
        (with("recipient_name", "\u{3164}"), &unnamed),
        (with("activity_end_date", "9999-12-31"), &far),
    ];
    for (person, kept) in &again {
        let answer = world.issue_one(person).await;
        assert_eq!(answer["credential_id"], kept.id.to_string(), "{answer}");
        assert_eq!(answer["duplicate"], true);
        world.get(&format!("/credentials/{}", kept.id)).await;
        let body = json!({ "template_id": world.demo.template_id, "recipients": [person] });
        let foreseen = world.call("POST", "/credentials/issue?dry_run=true", Some(&body)).await;
        assert_eq!(foreseen.expect(200).json()["duplicates"], 1);
    }
    let people: Vec<Value> = again.iter().map(|(person, _)| person.clone()).collect();
    let result = world.run_job(&people).await;
    assert_eq!((&result["successful"], &result["duplicates"]), (&json!(3), &json!(3)));
    let held = world.get("/credentials?email=ana@uni.local").await;
    assert_eq!(held["items"][0]["credential_id"], of_nobody.id.to_string());

    // A correction is judged by what it changes.
    let path = format!("/credentials/{}", of_nobody.id);
    let name = json!({ "recipient_name": "Persona Corregida" });
    world.call("PATCH", &path, Some(&name)).await.expect(200);
    for (change, code) in [
        (json!({ "email": "Ana@Otra.Local" }), "invalid_email"),
        (json!({ "recipient_name": "\u{2800}" }), "nothing_visible"),
        (json!({ "activity_start_date": "0999-01-01" }), "date_out_of_range"),
    ] {
        let problem = world.call("PATCH", &path, Some(&change)).await;
        let problem = problem.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
        if code == "invalid_email" {
            assert_eq!(problem["errors"][0]["message"], "Invalid email: Ana@Otra.Local");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_and_settings_of_before_are_served_and_new_ones_are_judged() {
    let world = World::new().await;
    let org = OrgId::parse(local::demo::ORGANIZATION).expect("a name");
    let of_before = Member {
        v: 1,
        email: EmailAddress::parse("beto@uni.internal").expect("an address"),
        profile: Profile { name: Some("\u{200b}".to_owned()), ..Profile::default() },
        created_at: now(),
        updated_at: now(),
    };
    world.stack.app().catalog.put_members(&org, &[of_before]).await.expect("put");
    world.get("/members/beto@uni.internal").await;
    let named = json!({ "name": "Beto Zorrilla" });
    let put = world.call("PUT", "/members/beto@uni.internal", Some(&named)).await.expect(200);
    assert_eq!(put.json()["created_at"], now());
    let refused = world.call("PUT", "/members/Nueva@uni.internal", Some(&named)).await;
    let problem = refused.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["message"], "Invalid email: Nueva@uni.internal");
    let csv = "email,name\nbeto@uni.internal,Beto\nOtra@uni.internal,Otra\nana@ejemplo.com,\u{3164}\n\
               otra@uni.internal,Otra\neva@ejemplo.com,Eva\n";
    let headers = [("x-api-key", world.demo.api_key.as_str()), ("content-type", "text/csv")];
    let imported = world.send("POST", "/api/v1/members/import", &headers, csv).await.expect(200);
    let imported = imported.json();
    assert_eq!((&imported["imported"], &imported["failed"]), (&json!(2), &json!(3)));
    let row = |at: usize| (imported["errors"][at]["row"].clone(), imported["errors"][at].clone());
    assert_eq!(row(0).0, 2);
    let error = row(0).1["error"].as_str().expect("a text").to_owned();
    assert!(error.starts_with("Invalid email: Otra@uni.internal"), "{error}");
    assert_eq!((row(1).0, row(2).0), (json!(3), json!(4)));
    world.call("GET", "/members/otra@uni.internal", None).await.expect(404);

    // Names and addresses of everything else.
    let template = json!({ "name": "\u{3164}", "description": "Un curso.", "fields": [] });
    let key =
        |name: &str, until: &str| json!({ "name": name, "scopes": ["read"], "expires_at": until });
    for (method, path, body, code) in [
        ("POST", "/templates", template, "nothing_visible"),
        ("PUT", "/members/eva@ejemplo.com", json!({ "name": "\u{2800}" }), "nothing_visible"),
        ("POST", "/api-keys", key("\u{200b}", "2099-01-01T00:00:00Z"), "nothing_visible"),
        ("POST", "/api-keys", key("x", "9999-12-31T23:59:59Z"), "invalid_instant"),
        ("PUT", "/organization", json!({ "name": "\u{ad}\u{301}" }), "nothing_visible"),
        ("PUT", "/organization", json!({ "sender": "a@uni.local" }), "invalid_email"),
        ("PUT", "/organization", json!({ "reply_to": "a@uni.invalid" }), "invalid_email"),
    ] {
        let problem = world.call(method, path, Some(&body)).await;
        let problem = problem.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
}
