//! Settings of an organization, and its isolation from every other one.

use local::Options;
use serde_json::{Value, json};
use unicreda::domain::{email::EmailAddress, ids::OrgId, sender::AllowedSender};

use super::{
    MEMBER, UNKNOWN, another_organization, course, in_english, issue_under, items, key_id,
    one_fault, text,
};
use crate::{
    harness::{World, person},
    queues::{drain, unread},
};

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

    allow(&world, &["@nuble.example"]).await;
    let change = json!({
        "name": "Universidad de Ñuble, «Sur»", "sender": "Titulos@Nuble.example",
        "notify_members": false, "time_zone": "Pacific/Kiritimati",
    });
    let after = world.call("PUT", "/organization", Some(&change)).await.expect(200).json();
    assert_eq!(after["sender"], "titulos@nuble.example");
    assert_eq!(after["language"], before["language"], "what is not named stays");
    assert_eq!(world.get("/organization").await, after);

    // Members get no mail; the sums hold.
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

    // A request without mail sends none, whether or not members are notified.
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

/// Allows the demo organization senders, as its operator does.
async fn allow(world: &World, senders: &[&str]) {
    let app = world.stack.app();
    let org = OrgId::parse(local::demo::ORGANIZATION).expect("a name");
    let read = app.catalog.together(&org, None, None, &[]).await.expect("read");
    let mut organization = read.organization.expect("an organization");
    let mut allowed = organization.allowed_senders();
    allowed.extend(senders.iter().map(|text| AllowedSender::parse(text).expect("a sender")));
    organization.senders = Some(allowed);
    app.catalog.put_senders(&organization, "UTC").await.expect("put");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_sends_only_as_whom_its_operator_allows() {
    let world = World::new().await;
    let other = another_organization(world.stack.app(), "otra").await;
    let before = world.get("/organization").await;
    assert_eq!(before["allowed_senders"], json!(["credenciales@demo.example"]));
    let put = async |sender: &str| {
        world.call("PUT", "/organization", Some(&json!({ "sender": sender }))).await
    };
    for sender in [
        "otra@demo.example",
        "Credenciales@otra.example",
        "credenciales@demo.example.com",
        "credenciales@correo.demo.example",
        "demo.example@otra.example",
    ] {
        let problem = one_fault(put(sender).await, "/sender", "sender_not_allowed");
        let detail = text(&problem, "detail").to_owned();
        let lower = sender.to_lowercase();
        for part in [lower.as_str(), "Autorizados: credenciales@demo.example", "--allow-sender"] {
            assert!(detail.contains(part), "{detail}");
        }
    }
    let change = json!({ "sender": "otra@demo.example" });
    let problem = in_english(&world, "PUT", "/organization", &change).await;
    let problem = one_fault(problem, "/sender", "sender_not_allowed");
    assert!(text(&problem, "detail").contains("Ask the operator"), "{problem}");
    // Nor does a request widen the list.
    let wider = json!({ "allowed_senders": ["@otra.example"], "sender": "a@otra.example" });
    let refused = world.call("PUT", "/organization", Some(&wider)).await;
    one_fault(refused, "/sender", "sender_not_allowed");
    assert_eq!(world.get("/organization").await, before);
    assert_eq!(put("Credenciales@demo.example").await.expect(200).json(), before, "its own");

    // An address, and a whole domain.
    allow(&world, &["actas@uni.example", "sede.example"]).await;
    for (sender, status) in [
        ("actas@uni.example", 200),
        ("otra@uni.example", 400),
        ("cualquiera@sede.example", 200),
        ("x@norte.sede.example", 400),
        ("credenciales@demo.example", 200),
    ] {
        put(sender).await.expect(status);
    }
    let list = json!(["credenciales@demo.example", "actas@uni.example", "@sede.example"]);
    assert_eq!(world.get("/organization").await["allowed_senders"], list);
    let other = world.call_as(&other, "GET", "/organization", None).await.expect(200).json();
    assert_eq!(other["allowed_senders"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_the_deployment_cannot_send_from_is_refused_by_name() {
    let sender_addresses = "*@sede.example,actas@uni.example".to_owned();
    let world = World::with(Options { sender_addresses, ..Options::in_memory() }).await;
    allow(&world, &["@uni.example", "@sede.example", "@otra.example"]).await;
    let put = async |body: Value| world.call("PUT", "/organization", Some(&body)).await;
    // The sender that it has stays, though the patterns have become narrower.
    let before = world.get("/organization").await;
    put(json!({ "language": "en" })).await.expect(200);
    put(json!({ "sender": before["sender"], "language": "es" })).await.expect(200);
    for sender in ["titulos@uni.example", "actas@otra.example"] {
        let problem =
            one_fault(put(json!({ "sender": sender })).await, "/sender", "sender_not_allowed");
        let detail = text(&problem, "detail");
        for part in [
            &format!("no admite {sender}"),
            "solo puede enviar desde *@sede.example,actas@uni.example.",
            &format!("SenderAddresses=*@sede.example,actas@uni.example,{sender}"),
        ] {
            assert!(detail.contains(part), "{part}: {detail}");
        }
    }
    let change = json!({ "sender": "titulos@uni.example" });
    let problem = one_fault(
        in_english(&world, "PUT", "/organization", &change).await,
        "/sender",
        "sender_not_allowed",
    );
    assert!(text(&problem, "detail").contains("this service can send from *@sede"), "{problem}");
    assert_eq!(world.get("/organization").await, before);
    for sender in ["actas@uni.example", "cualquiera@sede.example"] {
        put(json!({ "sender": sender })).await.expect(200);
    }
    // Back to it is a choice like any other.
    let back = put(json!({ "sender": before["sender"] })).await;
    one_fault(back, "/sender", "sender_not_allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_is_owed_goes_out_from_the_sender_of_its_moment() {
    let world = World::with(unread()).await;
    allow(&world, &["@uni.example"]).await;
    let sender = json!({ "sender": "antes@uni.example" });
    world.call("PUT", "/organization", Some(&sender)).await.expect(200);
    world.issue_one(&person(1)).await;
    // The operator names another sender and takes the domain away.
    let app = world.stack.app();
    let org = OrgId::parse(local::demo::ORGANIZATION).expect("a name");
    let read = app.catalog.together(&org, None, None, &[]).await.expect("read");
    let mut organization = read.organization.expect("an organization");
    let now = EmailAddress::parse("ahora@demo.example").expect("an address");
    organization.senders = Some(vec![AllowedSender::of(&now)]);
    organization.settings.sender = now;
    app.catalog.put_senders(&organization, "UTC").await.expect("put");
    drain(&world).await;
    let mail = &world.mails_now("persona1@ejemplo.com").await[0];
    assert_eq!(mail["from"], "Universidad Demo <ahora@demo.example>");
    let refused = world.call("PUT", "/organization", Some(&sender)).await;
    one_fault(refused, "/sender", "sender_not_allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_like_anothers_is_found_however_it_is_written() {
    let world = World::new().await;
    another_organization(world.stack.app(), "otra").await;
    let app = world.stack.app();
    let org = |name| OrgId::parse(name).expect("a name");
    let noted = async |name: &str| app.catalog.named_like(&org("demo"), name).await.expect("names");
    // The other organization's name, noted when it was created.
    let shown = app.catalog.organizations().await.expect("organizations");
    let theirs = shown.iter().find(|one| one.org == org("otra")).expect("it is listed");
    let theirs = theirs.settings.name.clone();
    assert_eq!(noted(&theirs.to_uppercase()).await, [org("otra")]);
    assert!(noted("Universidad Demo").await.is_empty(), "one's own name");
    // A new name is noted, and nothing is refused.
    let renamed = json!({ "name": theirs.to_lowercase() });
    world.call("PUT", "/organization", Some(&renamed)).await.expect(200);
    let found = app.catalog.named_like(&org("otra"), &theirs).await.expect("names");
    assert_eq!(found, [org("demo")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_organizations_data_looks_like_no_data() {
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

    // The refused requests changed nothing.
    assert_eq!(world.get(&format!("/templates/{template}")).await["version"], 1);
    world.get(&format!("/members/{MEMBER}")).await;

    // Each organization issues its own credential of the same content; a member of one is a
    // stranger to the other.
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
