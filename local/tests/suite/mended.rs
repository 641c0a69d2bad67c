//! A mail that did not arrive is mended: results say so and why, the right address is mailed, the former
//! one gets nothing more.

use serde_json::{Value, json};
use unicreda::domain::{api_key::Scope, ids::Mode};

use crate::{
    browser::in_browser,
    catalog::key_of,
    feedback::{bounced, delivered, report},
    harness::{World, person},
    queues::{drain, unread},
};

const FORMER: &str = "bounce+ana@simulator.amazonses.com";
const RIGHT: &str = "success+ana@simulator.amazonses.com";
const FILE: &str = "Correo;Nombre;Nota\n\
    bounce+ana@simulator.amazonses.com;Ana Soto;A\n\
    success+luis@simulator.amazonses.com;Luis Rojas;B\n\
    mala@;Eva Pinto;A\n";

/// The row of a job with a number, once its mail has a state.
async fn row(world: &World, job: &str, at: usize, state: &str) -> Value {
    world
        .until(&format!("row {at} is {state}"), async || {
            let rows = world.get(&format!("/jobs/{job}/results")).await;
            let row = rows["items"][at].clone();
            (row["email_status"] == state).then_some(row)
        })
        .await
}

async fn undelivered(world: &World, job: &str) -> Vec<Value> {
    let page = world.get(&format!("/jobs/{job}/results?status=undelivered")).await;
    page["items"].as_array().expect("rows").clone()
}

async fn wallet(world: &World, email: &str) -> Vec<String> {
    let held = world.get(&format!("/members/{}/credentials", email.replace('+', "%2B"))).await;
    let held = held["items"].as_array().expect("credentials").iter();
    held.map(|credential| credential["credential_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bounced_address_of_a_file_is_mended_and_the_former_one_gets_nothing_more() {
    let world = World::new().await;
    for member in [FORMER, RIGHT] {
        let path = format!("/members/{}", member.replace('+', "%2B"));
        world.call("PUT", &path, Some(&json!({ "name": "Ana Soto" }))).await.expect(201);
    }
    let job = world.upload("acta.csv", FILE.as_bytes(), &json!({})).await;
    let status = world.file_job(&job).await;
    assert_eq!(status["result"]["emails_sent"], 2, "SES took both");

    // The results say that it bounced, why, and what to do; the others arrived or were not issued.
    let bad = row(&world, &job, 0, "bounced").await;
    assert_eq!(bad["email_error"], "hard_bounce");
    let what = bad["email_detail"].as_str().expect("a text");
    assert!(what.contains("Rebotó") && what.contains("Corrige la dirección"), "{what}");
    let good = row(&world, &job, 1, "delivered").await;
    assert!(good["email_error"].is_null() && good["email_detail"].is_null(), "{good}");
    let found = undelivered(&world, &job).await;
    assert_eq!(found, std::slice::from_ref(&bad), "the refused row has no mail");
    let id = bad["credential_id"].as_str().expect("an id").to_owned();
    let csv = [("x-api-key", world.demo.api_key.as_str()), ("accept", "text/csv")];
    let path = format!("/api/v1/jobs/{job}/results?status=undelivered");
    let csv = world.send("GET", &path, &csv, "").await.expect(200).text();
    assert!(
        csv.contains(",bounced,") && csv.contains(",hard_bounce,") && csv.contains(what),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 2, "{csv}");
    let shown = world.get(&format!("/credentials/{id}")).await;
    assert_eq!(
        (&shown["email_error"], &shown["email_detail"]),
        (&json!("hard_bounce"), &json!(what))
    );
    assert_eq!(wallet(&world, FORMER).await, [id.as_str()]);

    // The address is corrected, with a typo at first.
    let path = format!("/credentials/{id}");
    let wrong = json!({ "email": "ana@" });
    world.call("PATCH", &path, Some(&wrong)).await.problem(400, "invalid_request");
    let change = json!({ "email": RIGHT, "reason": "El correo rebotó" });
    world.call("PATCH", &path, Some(&change)).await.expect(200);
    row(&world, &job, 0, "delivered").await;
    assert!(undelivered(&world, &job).await.is_empty());
    let mails = world.mails_now(RIGHT).await;
    assert_eq!(mails.len(), 1);
    let shown = world.get(&path).await;
    assert_eq!((&shown["email"], &shown["email_status"]), (&json!(RIGHT), &json!("delivered")));
    assert!(shown["email_error"].is_null() && shown["email_detail"].is_null(), "{shown}");

    // The wallet entry moved, and the former address stays suppressed: nothing more is sent to it.
    assert_eq!(wallet(&world, RIGHT).await, std::slice::from_ref(&id));
    assert!(wallet(&world, FORMER).await.is_empty());
    let list = world.get("/suppressions").await;
    assert_eq!(list["items"][0]["email"], FORMER);
    let other = json!({ "email": FORMER, "recipient_name": "Ana Soto", "result_value": "C" });
    let other = world.issue_one(&other).await;
    let other = other["credential_id"].as_str().expect("an id").to_owned();
    let ended = world.mail_ended(&other).await;
    assert_eq!(
        (&ended["email_status"], &ended["email_error"]),
        (&json!("failed"), &json!("suppressed"))
    );
    let what = ended["email_detail"].as_str().expect("a text");
    assert!(what.contains("No se envió") && what.contains("Corrige la dirección"), "{what}");
    assert_eq!(world.mails_now(FORMER).await.len(), 1);

    // Corrected to an address that is suppressed: the answer says that nothing is sent there.
    let back = json!({ "email": FORMER });
    for what in ["the first answer", "the second one"] {
        let told = world.call("PATCH", &path, Some(&back)).await.expect(200).json();
        assert_eq!(
            (&told["email"], &told["email_status"], &told["email_error"]),
            (&json!(FORMER), &json!("failed"), &json!("suppressed")),
            "{what}"
        );
    }
    world.mail_ended(&id).await;
    assert_eq!(world.mails_now(FORMER).await.len(), 1);
}

/// In each state of a job's mail, the filter has those that did not arrive, and the row says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_name_each_mail_that_did_not_arrive_and_no_other() {
    let world = World::with(unread()).await;
    let people: Vec<Value> = (1..=6).map(person).collect();
    let job = world.start_job(&people).await;
    drain(&world).await;
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    let of = |at: usize| {
        let text = |name: &str| rows["items"][at][name].as_str().expect(name).to_owned();
        (text("credential_id"), text("email"))
    };
    assert!(undelivered(&world, &job).await.is_empty(), "what has no report may have arrived");
    let reports: Vec<String> = [
        ("Transient", "General"),
        ("Permanent", "General"),
        ("Transient", "ContentRejected"),
        ("Permanent", "OnAccountSuppressionList"),
    ]
    .iter()
    .enumerate()
    .map(|(at, (kind, sub))| bounced(kind, sub, &of(at).0, 0, &of(at).1).to_string())
    .chain([delivered(&of(4).0, 0, &of(4).1).to_string()])
    .collect();
    assert_eq!(report(world.stack.app(), &reports).await, [0; 0]);
    let all = world.get(&format!("/jobs/{job}/results")).await;
    let all = all["items"].as_array().expect("rows");
    let seen = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
        (text("email_status"), text("email_error"))
    };
    let expected = [
        // It is sent again.
        ("pending", "-"),
        ("bounced", "hard_bounce"),
        ("bounced", "content_refused"),
        ("rejected", "account_suppressed"),
        ("delivered", "-"),
        ("sent", "-"),
    ];
    let expected: Vec<(String, String)> =
        expected.iter().map(|(state, why)| ((*state).to_owned(), (*why).to_owned())).collect();
    assert_eq!(all.iter().map(seen).collect::<Vec<_>>(), expected);
    let found = undelivered(&world, &job).await;
    assert_eq!(found, all[1..4], "those that did not arrive");
    assert!(
        found.iter().all(|row| row["email_detail"].as_str().is_some_and(|text| text.len() > 40))
    );
    // A page of it, and the next.
    let first = world.get(&format!("/jobs/{job}/results?status=undelivered&limit=2")).await;
    assert_eq!(first["items"].as_array().expect("rows").len(), 2);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let next =
        world.get(&format!("/jobs/{job}/results?status=undelivered&limit=2&cursor={cursor}")).await;
    assert_eq!(next["items"], json!([found[2]]));
    assert!(next["next_cursor"].is_null());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registrar_mends_a_bounced_address_in_the_console() {
    let world = World::new().await;
    let app = world.stack.app();
    let work = json!({
        "site": app.config.site_url,
        "key": world.demo.api_key,
        "narrow": key_of(app, "demo", Mode::Live, &[Scope::Issue, Scope::Read], None).await,
        "template": world.demo.template_id,
        "shots": std::env::var("SHOTS").ok(),
    });
    let seen = in_browser("mended.mjs", &work).await;
    for name in ["desk", "phone"] {
        let run = &seen[name];
        let cell = |list: &str, row: usize, at: usize| {
            run[list][row][at].as_str().unwrap_or_else(|| panic!("{list}: {run}")).to_owned()
        };
        let [bounced, complained] = [0, 1].map(|row| cell("rows", row, 2));
        assert!(bounced.contains("Rebotó: la dirección no existe"), "{bounced}");
        assert!(complained.contains("marcó como no deseado"), "{complained}");
        assert_eq!(cell("rows", 0, 1), format!("bounce+{name}@simulator.amazonses.com"));
        assert_eq!(run["rows"].as_array().map(Vec::len), Some(2), "what arrived is not listed");
        let links = run["links"].as_array().expect("links");
        assert!(links.iter().all(|link| link.as_str().is_some_and(|l| l.contains("/credential/"))));
        assert_eq!(run["many"], json!([100, true]), "there are more, and how to see them");
        assert_eq!(run["all"], json!([103, false]), "{run}");
        let gone = format!("complaint+{name}@simulator.amazonses.com");
        assert_eq!(cell("suppressed", 0, 1), gone);
        let (why, sent) = (cell("suppressed", 0, 2), cell("suppressed", 0, 3));
        assert!(why.contains("No se envió") && !sent.contains("Se envía"), "{why} {sent}");
        assert!(run["typo"].as_str().is_some_and(|text| text.contains("Invalid email")), "{run}");
        let right = format!("success+otra-{name}@simulator.amazonses.com");
        assert!(cell("mended", 0, 3).contains(&format!("Se envía a {right}")), "{run}");
        assert_eq!(run["problem"], false, "{run}");
        assert!(cell("english", 0, 2).contains("It was not sent"), "{run}");
        assert!(cell("english", 1, 2).contains("marked it as spam"), "{run}");
        assert!(cell("english", 0, 3).contains("It is sent to"), "{run}");
        assert_eq!(run["after"].as_array().map(Vec::len), Some(1), "it is mended: {run}");
        assert_eq!(world.mails(&right, 1).await.len(), 1);
    }
    let narrow = &seen["desk"]["narrow"];
    assert!(narrow[0].as_str().is_some_and(|text| text.contains("permiso manage")), "{narrow}");
    assert_eq!(narrow[1], "otra@simulator.amazonses.com");
}
