//! Crawlers are told no by every answer and by `robots.txt`; previews of links work.

use std::collections::BTreeMap;

use unicreda::http::{
    routes::{Access, ROUTES},
    serve::ROBOTS,
};

use crate::harness::{World, person};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_public_answer_says_that_it_is_not_for_indexes() {
    let world = World::new().await;
    let one = world.issue_one(&person(1)).await;
    let id = one["credential_id"].as_str().expect("an id");
    let mut paths = vec![
        ("GET", "/nada".to_owned()),
        ("GET", format!("/credential/{id}.json")),
        ("GET", format!("/credential/{id}?version=1")),
        ("POST", format!("/credential/{id}")),
        ("GET", "/api/v1/credentials".to_owned()),
    ];
    for route in ROUTES.iter().filter(|route| route.access == Access::Public) {
        for (credential, other) in [(id, "demo"), ("no-id", "no-id")] {
            let path = route.path.replace("{credential_id}", credential);
            let path = path.replace("{org}", other).replace("{list_id}", "demo.live.1");
            let path = path.replace("{template_id}", &world.demo.template_id);
            let path = path.replace("{token}", "demo.live.x").replace("{image}", "x.png");
            paths.push((route.method, path));
        }
    }
    let mut statuses = BTreeMap::new();
    for (method, path) in &paths {
        let reply = world.send(method, path, &[], "").await;
        assert_eq!(reply.header("x-robots-tag"), ROBOTS, "{method} {path}");
        *statuses.entry(reply.status.as_u16()).or_insert(0) += 1;
    }
    for status in [200, 401, 404, 405] {
        assert!(statuses.contains_key(&status), "{statuses:?}");
    }
    // A copy that a client has is no less forbidden to others.
    let page = format!("/credential/{id}.json");
    let tag = world.send("GET", &page, &[], "").await.header("etag").to_owned();
    let same = world.send("GET", &page, &[("if-none-match", &tag)], "").await.expect(304);
    assert_eq!(same.header("x-robots-tag"), ROBOTS);
    for word in ["noindex", "nofollow", "noarchive", "nosnippet", "noimageindex"] {
        assert!(ROBOTS.split(", ").any(|said| said == word), "{word}");
    }
}

/// The names of crawlers, and their rules: whether to allow, and the start of a path.
#[derive(Default)]
struct Group {
    agents: Vec<String>,
    rules: Vec<(bool, String)>,
}

/// Whether a crawler may fetch a path, as RFC 9309 says: the group of its name, else that of all; of
/// the rules that a path begins with, the longest.
fn may(robots: &str, agent: &str, path: &str) -> bool {
    let mut groups: Vec<Group> = Vec::new();
    let mut naming = false;
    for line in robots.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
        match name {
            "User-agent" => {
                if !naming {
                    groups.push(Group::default());
                }
                groups.last_mut().expect("a group").agents.push(value.to_lowercase());
            }
            "Allow" | "Disallow" => {
                let rule = (name == "Allow", value.to_owned());
                groups.last_mut().expect("a group").rules.push(rule);
            }
            other => panic!("{other}"),
        }
        naming = name == "User-agent";
    }
    let of = |agent: &str| groups.iter().find(|group| group.agents.iter().any(|n| n == agent));
    let group = of(&agent.to_lowercase()).or_else(|| of("*")).expect("a group");
    let applies = group.rules.iter().filter(|(_, start)| path.starts_with(start));
    applies.max_by_key(|(allow, start)| (start.len(), *allow)).is_none_or(|(allow, _)| *allow)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn robots_txt_keeps_all_out_but_previews_and_who_obeys_noindex() {
    let world = World::new().await;
    let reply = world.send("GET", "/robots.txt", &[], "").await.expect(200);
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(reply.header("cache-control"), "public, max-age=60");
    let robots = reply.text();
    let (page, preview) = ("/credential/7a8b", "/credential/7a8b/preview.png");
    let elsewhere =
        ["/", "/wallet/demo.live.x", "/console", "/api/v1/members", "/orgs/demo/did.json"];
    for agent in [
        "facebookexternalhit",
        "LinkedInBot",
        "Twitterbot",
        "WhatsApp",
        "Slackbot",
        "TelegramBot",
        "Discordbot",
    ] {
        assert!(may(&robots, agent, page) && may(&robots, agent, preview), "{agent}");
        assert!(may(&robots, agent, "/images/demo.0a.png"), "{agent}");
        assert!(elsewhere.iter().all(|path| !may(&robots, agent, path)), "{agent}");
    }
    for agent in ["Googlebot", "bingbot", "Applebot"] {
        assert!(
            may(&robots, agent, page) && !may(&robots, agent, "/images/demo.0a.png"),
            "{agent}"
        );
        assert!(elsewhere.iter().all(|path| !may(&robots, agent, path)), "{agent}");
    }
    for agent in [
        "GPTBot",
        "ClaudeBot",
        "CCBot",
        "Google-Extended",
        "Applebot-Extended",
        "meta-externalagent",
        "PerplexityBot",
        "Bytespider",
        "ia_archiver",
        "Baiduspider",
        "anything",
    ] {
        assert!(
            [page, preview].iter().chain(&elsewhere).all(|path| !may(&robots, agent, path)),
            "{agent}"
        );
    }
    assert!(robots.len() < 2_000, "{}", robots.len());
}
