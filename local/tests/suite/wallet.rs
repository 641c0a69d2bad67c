//! The wallet of a member, opened from the notification.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    catalog::another_organization,
    harness::{Reply, World, person},
};

const MEMBER: &str = "ana.rojas@demo.example";
const OTHER: &str = "benjamin.soto@demo.example";

async fn open(world: &World, url: &str) -> Reply {
    let path = url.strip_prefix(&world.stack.app().config.site_url).expect("a link of this site");
    world.send("GET", path, &[("accept", "text/html")], "").await
}

/// The link to a wallet in the text of a mail.
fn link(text: &str) -> String {
    let found = text.split_whitespace().find(|word| word.contains("/wallet/"));
    found.unwrap_or_else(|| panic!("no link: {text}")).to_owned()
}

async fn award(world: &World, key: &str, email: &str, term: &str) -> String {
    let recipient = json!({ "email": email, "result_value": "A", "term": term });
    let answer = world.issue_as(key, &[recipient]).await.expect(200).json();
    answer["credentials"][0]["credential_id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_opens_the_members_wallet_and_no_other() {
    let world = World::new().await;
    let live = world.demo.api_key.clone();
    let first = award(&world, &live, MEMBER, "2025-1").await;
    let second = award(&world, &live, MEMBER, "2025-2").await;
    let others = award(&world, &live, OTHER, "2025-2").await;
    let mails = world.mails(MEMBER, 2).await;
    let mail = mails[0].clone();
    let url = link(mail["text"].as_str().expect("a part"));
    assert!(mail["html"].as_str().is_some_and(|html| html.contains(&url)), "{mail}");
    assert!(!url.contains("ana") && !url.contains("rojas"), "{url}");

    let page = open(&world, &url).await.expect(200);
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("x-robots-tag"), unicreda::http::serve::ROBOTS);
    let text = page.text();
    for id in [&first, &second] {
        assert!(text.contains(&format!("/credential/{id}\"")), "{id}");
    }
    assert!(text.contains("Ana Rojas Muñoz") && !text.contains(&others) && !text.contains(MEMBER));
    // Scanners open it repeatedly and change nothing.
    let before = world.mail_ended(&first).await;
    for _ in 0..3 {
        assert_eq!(open(&world, &url).await.expect(200).body, page.body);
    }
    assert_eq!(world.get(&format!("/credentials/{first}")).await, before);

    // The wallet shows a change of a credential.
    let reason = json!({ "reason": "Error" });
    world.call("POST", &format!("/credentials/{first}/revoke"), Some(&reason)).await.expect(200);
    assert!(open(&world, &url).await.text().contains("Revocada"));
    let english = open(&world, &format!("{url}?lang=en")).await.expect(200).text();
    assert!(english.contains("Your credential wallet") && english.contains("Revoked"));
    // An external recipient gets only the link to the page.
    world.issue_one(&person(1)).await;
    let mail = world.mails("persona1@ejemplo.com", 1).await;
    assert!(!mail[0]["text"].as_str().expect("a part").contains("/wallet/"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mode_has_its_own_wallet() {
    let world = World::new().await;
    let (live, test) = (world.demo.api_key.clone(), world.demo.test_api_key.clone());
    let real = award(&world, &live, MEMBER, "2025-1").await;
    let trial = award(&world, &test, MEMBER, "2025-1").await;
    let path = format!("/members/{MEMBER}/credentials");
    let mut urls = Vec::new();
    for (key, own, foreign) in [(&live, &real, &trial), (&test, &trial, &real)] {
        let answer = world.call_as(key, "GET", &path, None).await.expect(200).json();
        let url = answer["wallet_url"].as_str().expect("a link").to_owned();
        let until: jiff::Timestamp =
            answer["wallet_url_expires_at"].as_str().expect("an end").parse().expect("an instant");
        assert!(until > world.stack.app().clock.now() + Duration::from_secs(29 * 24 * 3_600));
        let page = open(&world, &url).await.expect(200).text();
        assert!(page.contains(own) && !page.contains(foreign));
        assert_eq!(page.contains("no tienen validez"), key == &test);
        urls.push(url);
    }
    // The link of one mode does not open the wallet of the other.
    let swapped = urls[0].replace("/wallet/demo.live.", "/wallet/demo.test.");
    open(&world, &swapped).await.expect(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_ends_with_its_time_and_with_the_membership() {
    let world = World::new().await;
    let path = format!("/members/{MEMBER}/credentials");
    let link = async || -> String {
        let answer: Value = world.get(&path).await;
        answer["wallet_url"].as_str().expect("a link").to_owned()
    };
    let url = link().await;
    let closed = |reply: Reply| {
        let reply = reply.expect(404);
        assert!(reply.text().contains("ya no abre la billetera"), "{}", reply.text());
    };
    assert!(open(&world, &url).await.expect(200).text().contains("Todavía no hay"));
    let site = &world.stack.app().config.site_url;
    another_organization(world.stack.app(), "otra").await;
    for wrong in [
        format!("{url}A"),
        url[..url.len() - 1].to_owned(),
        url.replace("/wallet/demo.", "/wallet/otra."),
        url.replace("/wallet/demo.", "/wallet/nobody."),
        format!("{site}/wallet/x"),
        format!("{site}/wallet/demo.live."),
        format!("{site}/wallet/demo.live.{}", "A".repeat(5_000)),
    ] {
        closed(open(&world, &wrong).await);
    }
    let clock = world.stack.app().clock.clone();
    clock.jump(unicreda::domain::wallet_link::LIFETIME - Duration::from_secs(60));
    open(&world, &url).await.expect(200);
    clock.jump(Duration::from_secs(61));
    closed(open(&world, &url).await);
    let url = link().await;
    open(&world, &url).await.expect(200);
    world.call("DELETE", &format!("/members/{MEMBER}"), None).await.expect(204);
    closed(open(&world, &url).await);
}
