//! `/wallet`: whoever lost the link to their wallet gets one mail with links to all of them, members or not;
//! who asks learns nothing, however often.

use std::time::Duration;

use local::Options;
use serde_json::{Value, json};
use unicreda::domain::{
    email::EmailAddress,
    feedback::{Suppression, Why},
    ids::{CredentialId, Mode, OrgId},
    tenant::Tenant,
    wallet_link::LIFETIME,
};

use crate::{
    catalog::another_organization,
    faults::{Fault, Faults},
    harness::{Reply, World, person},
    queues::{self, Queue, consume, take, unread},
};

const MEMBER: &str = "ana.rojas@demo.example";
const SEND: &str = "SendRawEmail";
/// Mails to an address a day.
const ADDRESS: usize = 3;
/// Mails of a network an hour.
const NETWORK: usize = 60;
/// Requests of a network that are looked up an hour.
const LOOKUPS: usize = 600;
const DAY: Duration = Duration::from_secs(24 * 3_600);
const HOUR: Duration = Duration::from_secs(3_600);

async fn ask(world: &World, email: &str) -> Reply {
    let body: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("email", email).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    world.send("POST", "/wallet", &headers, body).await
}

/// The mails of the site to an address, newest first.
async fn mails(world: &World, email: &str) -> Vec<Value> {
    queues::drain(world).await;
    let mails = world.mails_now(email).await;
    let of_site =
        |mail: &Value| mail["text"].as_str().is_some_and(|text| text.contains("pidió en"));
    mails.into_iter().filter(of_site).collect()
}

fn links(mail: &Value) -> Vec<String> {
    let text = mail["text"].as_str().expect("a text");
    text.split_whitespace().filter(|word| word.contains("/wallet/")).map(str::to_owned).collect()
}

async fn open(world: &World, url: &str) -> Reply {
    let path = url.strip_prefix(&world.stack.app().config.site_url).expect("a link of this site");
    world.send("GET", path, &[("accept", "text/html")], "").await
}

async fn issued(world: &World, recipient: &Value) -> String {
    let answer = world.issue_one(recipient).await;
    answer["credential_id"].as_str().expect("an id").to_owned()
}

/// Another organization, and a credential that it issued to a recipient.
async fn elsewhere(world: &World, recipient: &Value) -> (String, String) {
    let key = another_organization(world.stack.app(), "otra").await;
    let course = json!({
        "name": "Curso", "description": "x", "fields": [{ "name": "recipient_name" }],
    });
    let made = world.call_as(&key, "POST", "/templates", Some(&course)).await.expect(201).json();
    let body = json!({ "template_id": made["id"], "recipients": [recipient] });
    let made = world.call_as(&key, "POST", "/credentials/issue", Some(&body)).await;
    let made = made.expect(200).json();
    (key, made["credentials"][0]["credential_id"].as_str().expect("an id").to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_lost_their_link_gets_one_mail_with_all_their_wallets_member_or_not() {
    let world = World::with(unread()).await;
    let email = "persona1@ejemplo.com";
    let id = issued(&world, &person(1)).await;
    let recipient = json!({ "email": email, "recipient_name": "Persona Zorrilla 1" });
    let (_, other) = elsewhere(&world, &recipient).await;
    queues::drain(&world).await;
    // A GET queues nothing, whatever is appended to it.
    let form = world.send("GET", &format!("/wallet?email={email}"), &[], "").await.expect(200);
    assert!(form.text().contains("type=\"email\"") && !form.text().contains(email));
    assert!(form.header("content-security-policy").contains("form-action 'self'"));
    assert!(take(&world, Queue::Mail).await.is_empty());

    let answer = ask(&world, &format!(" {} ", email.to_uppercase())).await.expect(200);
    let mails = mails(&world, email).await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    let links = links(mail);
    assert_eq!(links.len(), 2, "{mail}");
    let mut shown = String::new();
    for link in &links {
        assert!(!link.contains("persona"), "{link}");
        shown.push_str(&open(&world, link).await.expect(200).text());
    }
    for id in [&id, &other] {
        assert_eq!(shown.matches(&format!("/credential/{id}\"")).count(), 1, "{id}");
    }
    assert!(mail["html"].as_str().is_some_and(|html| html.contains(&links[0])), "{mail}");
    // An address that is not known gets the same answer and nothing else.
    let unknown = ask(&world, "nadie@ejemplo.com").await.expect(200);
    assert_eq!(unknown.body, answer.body);
    assert!(self::mails(&world, "nadie@ejemplo.com").await.is_empty());

    // A member without a credential has a wallet too; the link ends after 30 days and says what to do.
    ask(&world, MEMBER).await.expect(200);
    let mails = self::mails(&world, MEMBER).await;
    let link = self::links(&mails[0]).remove(0);
    assert!(open(&world, &link).await.expect(200).text().contains("Ana Rojas"));
    world.stack.app().clock.jump(LIFETIME);
    world.stack.app().clock.jump(Duration::from_secs(60));
    let ended = open(&world, &link).await.expect(404).text();
    assert!(ended.contains("/wallet?lang=es") && ended.contains("30 días"), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_one_mail_and_an_address_has_a_limit() {
    let world = World::with(unread()).await;
    issued(&world, &person(1)).await;
    issued(&world, &person(2)).await;
    queues::drain(&world).await;
    let email = "persona1@ejemplo.com";
    // However often its message comes.
    ask(&world, email).await.expect(200);
    let records = take(&world, Queue::Mail).await;
    for _ in 0..3 {
        assert!(consume(&world, &records).await.is_empty());
    }
    assert_eq!(mails(&world, email).await.len(), 1);
    for _ in 0..ADDRESS + 2 {
        ask(&world, email).await.expect(200);
    }
    assert_eq!(mails(&world, email).await.len(), ADDRESS);
    // The next day the address may ask again.
    world.stack.app().clock.jump(DAY);
    ask(&world, email).await.expect(200);
    assert_eq!(mails(&world, email).await.len(), ADDRESS + 1);
    ask(&world, "nadie@ejemplo.com").await.expect(200);
    queues::drain(&world).await;
    // What is counted names nobody.
    let app = world.stack.app();
    let scan = app.dynamodb.scan().table_name(&app.config.jobs_table).send().await.expect("items");
    let counted = format!("{:?}", scan.items());
    assert!(counted.contains("CLAIM#") && !counted.contains("nadie"), "{counted}");
    assert!(!counted.contains(email) && !counted.contains("127.0.0.1"), "{counted}");
}

/// A message of somebody at the campus, as the function queues it.
fn asked(world: &World, email: &str) -> Value {
    let body = json!({
        "kind": "wallets", "v": 1, "id": uuid::Uuid::new_v4(), "email": email, "lang": "es",
        "network": "203.0.113.7", "asked_at": world.stack.app().clock.now().as_second(),
    });
    queues::record(&body.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_unknown_addresses_or_one_over_and_over_leaves_a_campus_its_mails() {
    let world = World::with(unread()).await;
    let clock = &world.stack.app().clock;
    // An hour from its beginning.
    let second = u64::try_from(clock.now().as_second().rem_euclid(3_600)).expect("a second");
    clock.jump(HOUR - Duration::from_secs(second));
    let people: Vec<Value> = (1..=22).map(person).collect();
    world.issue_as(&world.demo.api_key, &people).await.expect(202);
    queues::drain(&world).await;
    let of = |n: usize| format!("persona{n}@ejemplo.com");
    let handled = async |messages: Vec<Value>| {
        assert!(consume(&world, &messages).await.is_empty());
    };
    // Twice as many as a network gets mails, and one address far beyond its limit.
    let unknown = |n: usize| asked(&world, &format!("nadie{n}@ejemplo.com"));
    handled((0..2 * NETWORK).map(unknown).collect()).await;
    handled((0..2 * NETWORK).map(|_| asked(&world, &of(1))).collect()).await;
    assert_eq!(mails(&world, &of(1)).await.len(), ADDRESS);
    for n in 2..=NETWORK / ADDRESS {
        handled((0..ADDRESS).map(|_| asked(&world, &of(n))).collect()).await;
        assert_eq!(mails(&world, &of(n)).await.len(), ADDRESS, "{n}");
    }
    // The network has had its mails. What it is refused does not count for the address.
    handled((0..ADDRESS).map(|_| asked(&world, &of(21))).collect()).await;
    assert_eq!(mails(&world, &of(21)).await.len(), 0);
    clock.jump(HOUR);
    handled((0..ADDRESS).map(|_| asked(&world, &of(21))).collect()).await;
    assert_eq!(mails(&world, &of(21)).await.len(), ADDRESS);
    // Nor is the site searched without end.
    handled((0..LOOKUPS - ADDRESS).map(unknown).collect()).await;
    handled(vec![asked(&world, &of(22))]).await;
    assert_eq!(mails(&world, &of(22)).await.len(), 0);
    clock.jump(HOUR);
    handled(vec![asked(&world, &of(22))]).await;
    assert_eq!(mails(&world, &of(22)).await.len(), 1);
}

/// A mail that SES refuses for now is sent later; one that it may have sent is not sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_ses_does_not_take_waits_and_one_in_doubt_is_not_repeated() {
    let faults = Faults::default();
    let world = World::with(faults.under(unread())).await;
    issued(&world, &person(1)).await;
    queues::drain(&world).await;
    let email = "persona1@ejemplo.com";
    ask(&world, email).await.expect(200);
    let records = take(&world, Queue::Mail).await;
    faults.on(SEND, 0..1, Fault::SesError(400, "Throttling", "Maximum sending rate exceeded."));
    assert_eq!(consume(&world, &records).await, [queues::id_of(&records[0])]);
    assert_eq!(mails(&world, email).await.len(), 0);
    for _ in 0..2 {
        assert!(consume(&world, &records).await.is_empty());
    }
    assert_eq!(mails(&world, email).await.len(), 1);

    ask(&world, email).await.expect(200);
    let records = take(&world, Queue::Mail).await;
    faults.on(SEND, 0..1, Fault::ReplyLost);
    for _ in 0..3 {
        assert!(consume(&world, &records).await.is_empty());
    }
    assert_eq!(mails(&world, email).await.len(), 2);
    // Nor on the next day, when other hashes count; and what comes later than a day is answered no more.
    for hours in [23, 2] {
        world.stack.app().clock.jump(Duration::from_secs(hours * 3_600));
        assert!(consume(&world, &records).await.is_empty());
        assert_eq!(mails(&world, email).await.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suppressed_and_erased_addresses_get_no_mail() {
    let world = World::new().await;
    let id = issued(&world, &person(1)).await;
    issued(&world, &person(2)).await;
    issued(&world, &person(3)).await;
    let suppressed = EmailAddress::parse("persona1@ejemplo.com").expect("an address");
    let entry = Suppression {
        v: 1,
        email: suppressed.clone(),
        reason: Why::Bounced,
        since: "2026-11-24T10:00:02Z".to_owned(),
        credential_id: CredentialId::parse(&id).expect("an id"),
    };
    let org = OrgId::parse("demo").expect("an id");
    let tenant = Tenant { org: &org, mode: Mode::Live };
    world.stack.app().catalog.suppress(tenant, &entry).await.expect("suppressed");
    let who = json!({ "email": "persona2@ejemplo.com", "reason": "Lo pidió" });
    let job = world.call("POST", "/people/erase", Some(&who)).await.expect(202).json();
    let job = job["job_id"].as_str().expect("an id").to_owned();
    world
        .until("the person is erased", async || {
            (world.get(&format!("/jobs/{job}")).await["status"] == "SUCCESS").then_some(())
        })
        .await;
    for n in [1, 2, 3] {
        ask(&world, &format!("persona{n}@ejemplo.com")).await.expect(200);
    }
    // Who is neither gets theirs: one of the credential, one of the wallets.
    let mails = world.mails("persona3@ejemplo.com", 2).await;
    assert_eq!(links(&mails[0]).len() + links(&mails[1]).len(), 1);
    world
        .until("all messages are handled", async || queues::are_empty(&world).await.then_some(()))
        .await;
    for n in [1, 2] {
        let mails = world.mails_now(&format!("persona{n}@ejemplo.com")).await;
        assert!(mails.iter().all(|mail| links(mail).is_empty()), "{mails:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_address_is_told_and_a_site_without_a_sender_says_whom_to_ask() {
    let world = World::with(unread()).await;
    for wrong in ["", "ana", "ana@", "a@b@c.cl", "ana@ejemplo.com\r\nBcc: eva@ejemplo.com"] {
        let page = ask(&world, wrong).await.expect(400).text();
        assert!(page.contains("dirección de correo completa"), "{wrong}");
    }
    let long = [("content-type", "application/x-www-form-urlencoded")];
    world
        .send("POST", "/wallet", &long, "email=".to_owned() + &"a".repeat(5_000))
        .await
        .expect(400);
    let json = [("content-type", "application/json")];
    world.send("POST", "/wallet", &json, r#"{"email":"a@ejemplo.com"}"#).await.expect(400);
    assert!(take(&world, Queue::Mail).await.is_empty());
    world.stop().await;

    let world = World::with(Options { site_sender: String::new(), ..unread() }).await;
    let page = world.send("GET", "/wallet", &[], "").await.expect(200).text();
    assert!(page.contains("Pide el tuyo a la institución") && !page.contains("<form"), "{page}");
    ask(&world, "ana@ejemplo.com").await.expect(503);
    assert!(take(&world, Queue::Mail).await.is_empty());
}

/// On phone and desk, by day and by night, without a script.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_can_ask_for_their_link_in_a_browser() {
    let world = World::new().await;
    issued(&world, &person(1)).await;
    let site = &world.stack.app().config.site_url;
    let shots = std::env::var("SHOTS").ok();
    let work = json!({ "site": site, "email": "persona1@ejemplo.com", "shots": shots });
    let seen = crate::browser::in_browser("wallet.mjs", &work).await;
    assert_eq!(
        seen["wrong"],
        "Escribe una dirección de correo completa, por ejemplo nombre@ejemplo.com."
    );
    assert_eq!(seen["asked"], "Revisa tu correo");
    assert_eq!(seen["stops"], json!(["/", "en", "pt", "email", "Enviar el enlace"]));
    let mails = world.mails("persona1@ejemplo.com", 2).await;
    let mut all = mails.iter().flat_map(links);
    let link = all.next().expect("a link");
    assert!(open(&world, &link).await.expect(200).text().contains("Tu billetera"));
}
