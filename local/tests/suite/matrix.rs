//! Every route with every key: generated from the table of routes and tried cell by cell.
//!
//! A cell is a route, the scopes of a key (no key, one scope, all of them), its mode, and the owner
//! of what the request names: the key's own organization and mode, the other mode, another
//! organization. A route that is added is in the matrix without a line here, unless its path or
//! body needs a sample of a new kind: then the matrix is red until it has one.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use unicreda::{
    App,
    domain::{
        api_key::Scope,
        email::EmailAddress,
        feedback::{Suppression, Why},
        ids::{CredentialId, Mode, OrgId},
        tenant::Tenant,
    },
    http::routes::{Access, ROUTES, Route},
};

use crate::{
    catalog::{another_organization, key_of},
    files::{data_url, picture},
    harness::{Reply, World},
};

/// Cells tried at the same time.
const AT_ONCE: usize = 8;
/// Members, credentials and suppressed addresses of the organization whose keys are tried: each
/// cell that may change one takes another.
const STOCK: usize = 24;
/// A well-formed id of nothing.
const UNKNOWN: &str = "7a8b9c0d-1e2f-8a4b-8c6d-7e8f9a0b1c2d";
/// Routes whose path names what they create: an address of another organization is one's own too.
const CREATES: [(&str, &str); 2] =
    [("PUT", "/api/v1/members/{email}"), ("GET", "/api/v1/people/{email}/export")];

/// Routes on which a key with `catalog` alone sees what is of members, and the samples are not.
const OF_MEMBERS: [&str; 4] = [
    "/api/v1/jobs/{job_id}",
    "/api/v1/jobs/{job_id}/results",
    "/api/v1/jobs/{job_id}/results/file",
    "/api/v1/uploads/{upload_id}",
];

/// A key that is tried: its owner, its scopes, and its text; no key without scopes.
type Held<'a> = (&'a Owner, Option<&'a [Scope]>, Option<String>);

/// An organization in one mode, and what it has.
struct Owner {
    org: &'static str,
    mode: Mode,
    /// A key with all scopes.
    key: String,
    /// By the segment of the path before its parameter; with the next that a cell takes.
    things: BTreeMap<&'static str, (Vec<String>, AtomicUsize)>,
    /// A template to issue under, and a job whose credentials a request revokes.
    template: String,
    job: String,
}

impl Owner {
    fn new(org: &'static str, mode: Mode, key: String) -> Self {
        Self {
            org,
            mode,
            key,
            things: BTreeMap::new(),
            template: UNKNOWN.into(),
            job: UNKNOWN.into(),
        }
    }

    /// Nobody: what it has does not exist.
    fn nobody() -> Self {
        let mut nobody = Self::new("nadie", Mode::Live, String::new());
        for kind in ["jobs", "credentials", "uploads", "templates"] {
            nobody.has(kind, vec![UNKNOWN.to_owned()]);
        }
        for kind in ["members", "people", "suppressions"] {
            nobody.has(kind, vec!["nadie@otra.example".to_owned()]);
        }
        nobody.has("api-keys", vec!["AAAAAAAAAAAA".to_owned()]);
        nobody.has(
            "signing-keys",
            vec!["z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH".to_owned()],
        );
        nobody
    }

    fn has(&mut self, kind: &'static str, things: Vec<String>) {
        self.things.insert(kind, (things, AtomicUsize::new(0)));
    }

    /// One of its things: always the first, or for a cell that may change it the next.
    fn thing(&self, kind: &str, next: bool) -> &str {
        let Some((things, taken)) = self.things.get(kind) else {
            panic!("the matrix has no sample of /{kind}/{{…}}: add one to `stocked` and `nobody`")
        };
        let at = if next { 1 + taken.fetch_add(1, Ordering::Relaxed) } else { 0 };
        match things.as_slice() {
            [only] => only,
            things => things.get(at).unwrap_or_else(|| panic!("more {kind} are needed")),
        }
    }

    /// Whether a key of this owner sees a thing of another one.
    fn sees(&self, owner: &Self, kind: &str) -> bool {
        let shared = matches!(kind, "templates" | "members" | "people")
            // A live key manages the organization's test keys as well.
            || (kind == "api-keys" && self.mode == Mode::Live);
        self.org == owner.org && (self.mode == owner.mode || shared)
    }
}

/// The kind of thing that a request to a route names: in its path, or in its body.
fn kind_of(route: &Route) -> Option<&'static str> {
    let (before, _) = route.path.split_once("/{").unwrap_or_default();
    match route.path {
        _ if CREATES.contains(&(route.method, route.path)) => None,
        "/api/v1/credentials/issue" | "/api/v1/uploads" => Some("templates"),
        "/api/v1/credentials/revoke" => Some("jobs"),
        _ => before.rsplit('/').next().filter(|kind| !kind.is_empty()),
    }
}

/// The body of a request that names an owner's things, with its media type.
fn body_of(route: &Route, owner: &Owner, n: usize) -> Option<(&'static str, String)> {
    let course = json!({
        "name": "Curso", "description": "x", "fields": [{ "name": "recipient_name" }],
    });
    let reason = json!({ "reason": "Error" });
    let Some(path) = route.path.strip_prefix("/api/v1") else {
        // A form of a page.
        let form = || match route.path {
            "/wallet" => "email=nadie@otra.example".to_owned(),
            _ => format!("text={}", owner.thing("url", false)),
        };
        return (route.method == "POST").then(|| ("application/x-www-form-urlencoded", form()));
    };
    let body = match (route.method, path) {
        ("GET" | "DELETE", _) => return None,
        ("POST", "/credentials/issue") => json!({
            "template_id": owner.template,
            "recipients": [{ "email": format!("celda{n}@{}.example", owner.org), "recipient_name": "Celda" }],
        }),
        ("POST", "/uploads") => {
            json!({ "template_id": owner.template, "file_name": "a.csv", "size": 10 })
        }
        ("POST", "/members/uploads") => json!({ "file_name": "m.csv", "size": 10 }),
        ("POST", "/people/erase") => {
            json!({ "email": format!("nadie{n}@{}.example", owner.org), "reason": "Lo pidió" })
        }
        ("POST", "/credentials/revoke") => json!({ "job_id": owner.job, "reason": "Error" }),
        ("PATCH", "/credentials/{credential_id}") => {
            json!({ "recipient_name": format!("Celda {n}") })
        }
        ("POST", "/members/import") => {
            return Some(("text/csv", format!("email\nimportada{n}@{}.example\n", owner.org)));
        }
        ("POST", "/api-keys") => json!({ "name": "celda", "scopes": ["admin"] }),
        ("POST", "/verify") => json!({ "url": owner.thing("url", false) }),
        ("PUT", "/members/{email}") => json!({ "role": "Docente" }),
        ("PUT", "/organization") => json!({ "language": "es" }),
        ("PUT", "/organization/design") | ("POST", "/templates/{template_id}/preview") => json!({}),
        ("PUT", "/templates/{template_id}/column-map") => json!({ "column_map": {} }),
        ("POST", "/templates") | ("PUT", _) => course,
        // Without a body, or with a reason.
        (_, path) => match path.rsplit('/').next() {
            Some("revoke" | "suspend" | "reinstate" | "block" | "compromise" | "erase") => reason,
            _ => return None,
        },
    };
    // With a byte order mark, as some programs write one: every route reads it.
    Some(("application/json", format!("\u{feff}{body}")))
}

/// A request to a route: about the first of the owner's things, or about one that no other cell
/// takes.
struct Sample {
    path: String,
    body: Option<(&'static str, String)>,
}

impl Sample {
    fn of(route: &Route, owner: &Owner, next: bool, n: usize) -> Self {
        let mut path = String::new();
        for segment in route.path.split('/').skip(1) {
            let kind = path.rsplit('/').next().unwrap_or_default().to_owned();
            path.push('/');
            path.push_str(if segment.starts_with('{') {
                owner.thing(&kind, next)
            } else {
                segment
            });
        }
        Self { path, body: body_of(route, owner, n) }
    }

    async fn send(&self, world: &World, route: &Route, key: Option<&str>) -> Reply {
        let mut headers = Vec::from_iter(key.map(|key| ("x-api-key", key)));
        let body = match &self.body {
            Some((media_type, body)) => {
                headers.push(("content-type", *media_type));
                body.clone()
            }
            None => String::new(),
        };
        world.send(route.method, &self.path, &headers, body).await
    }
}

/// An organization with its things in both modes. Only `STOCK` of them are ever changed.
async fn stocked(world: &World, org: &'static str, live: &str, stock: usize) -> [Owner; 2] {
    let app = world.stack.app();
    let test = key_of(app, org, Mode::Test, &Scope::ALL, None).await;
    let course = json!({
        "name": "Curso", "description": "x", "fields": [{ "name": "recipient_name" }],
    });
    let mut templates = Vec::new();
    for _ in 0..2 {
        let made = world.call_as(live, "POST", "/templates", Some(&course)).await.expect(201);
        templates.push(text(&made.json(), "id"));
    }
    let mut owners =
        [Owner::new(org, Mode::Live, live.to_owned()), Owner::new(org, Mode::Test, test)];
    for owner in &mut owners {
        owner.template = templates[0].clone();
        owner.has("templates", vec![templates[1].clone()]);
        let Owner { mode, key, .. } = &*owner;
        let (mode, key) = (*mode, key.clone());
        let addresses: Vec<String> =
            (0..=stock).map(|n| format!("miembro{n}.{mode}@{org}.example")).collect();
        let file = format!("email\n{}\n", addresses.join("\n"));
        let headers = [("x-api-key", live), ("content-type", "text/csv")];
        world.send("POST", "/api/v1/members/import", &headers, file).await.expect(200);
        owner.has("people", vec![addresses[0].clone()]);
        owner.has("members", addresses);
        let addresses: Vec<String> =
            (0..=stock).map(|n| format!("suprimida{n}.{mode}@{org}.example")).collect();
        let (first, credentials) = issued(world, &key, &templates[0], org, 0..=stock).await;
        for address in &addresses {
            suppress(app, org, mode, address, &credentials[0]).await;
        }
        owner.has("suppressions", addresses);
        let link = format!("{}/credential/{}", app.config.site_url, credentials[0]);
        owner.has("url", vec![link]);
        owner.has("credentials", credentials);
        owner.has("jobs", vec![first]);
        owner.job = issued(world, &key, &templates[0], org, 1_000..=1_001).await.0;
        let victim = key_of(app, org, mode, &[Scope::Read], None).await;
        owner.has("api-keys", vec![victim.split('_').nth(3).expect("an id").to_owned()]);
        let ask = json!({ "template_id": templates[0], "file_name": "a.csv", "size": 10 });
        let upload = world.call_as(&key, "POST", "/uploads", Some(&ask)).await.expect(201).json();
        owner.has("uploads", vec![text(&upload, "upload_id")]);
        let before = world.call_as(&key, "GET", "/signing-keys", None).await.expect(200).json();
        world.call_as(&key, "POST", "/signing-keys", None).await.expect(201);
        owner.has("signing-keys", vec![text(&before["items"][0], "multikey")]);
    }
    owners
}

/// Suppresses an address, as a hard bounce of a credential's mail does.
async fn suppress(app: &App, org: &str, mode: Mode, address: &str, credential: &str) {
    let org = OrgId::parse(org).expect("a name");
    let entry = Suppression {
        v: 1,
        email: EmailAddress::parse(address).expect("an address"),
        reason: Why::Bounced,
        since: "2026-11-24T10:00:02Z".to_owned(),
        credential_id: CredentialId::parse(credential).expect("an id"),
    };
    let tenant = Tenant { org: &org, mode };
    app.catalog.suppress(tenant, &entry).await.expect("suppressed");
}

/// Issues as a job, and waits for its end; its id and the credentials.
async fn issued(
    world: &World,
    key: &str,
    template: &str,
    org: &str,
    numbers: std::ops::RangeInclusive<usize>,
) -> (String, Vec<String>) {
    let recipients: Vec<Value> = numbers
        .map(|n| json!({ "email": format!("celda{n}@{org}.example"), "recipient_name": "Celda" }))
        .collect();
    let body = json!({ "template_id": template, "recipients": recipients });
    let accepted = world.call_as(key, "POST", "/credentials/issue", Some(&body)).await;
    let job = text(&accepted.expect(202).json(), "job_id");
    world
        .until("the job ends", async || {
            let job = world.call_as(key, "GET", &format!("/jobs/{job}"), None).await;
            (job.expect(200).json()["status"] == "SUCCESS").then_some(())
        })
        .await;
    let rows = world.call_as(key, "GET", &format!("/jobs/{job}/results"), None).await;
    let rows = rows.expect(200).json();
    let rows = rows["items"].as_array().expect("rows");
    (job, rows.iter().map(|row| text(row, "credential_id")).collect())
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name}: {value}")).to_owned()
}

/// An answer without what differs each time.
fn anonymous(reply: &Reply) -> (u16, Value) {
    let mut body = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    (reply.status.as_u16(), body)
}

/// The answer that a cell must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// 401.
    Unauthenticated,
    /// 403.
    Forbidden,
    /// That of a thing that does not exist.
    Unknown,
    /// The endpoint's own.
    Served,
}

/// A cell of the matrix.
struct Cell<'a> {
    route: &'static Route,
    /// The scopes of the key; `None` without key.
    scopes: Option<&'a [Scope]>,
    key: Option<&'a str>,
    caller: &'a Owner,
    owner: &'a Owner,
    due: Due,
    n: usize,
}

impl Cell<'_> {
    fn due(route: &Route, scopes: Option<&[Scope]>, caller: &Owner, owner: &Owner) -> Due {
        let (Access::Key { any_of, live_only }, Some(scopes)) = (route.access, scopes) else {
            return Due::Unauthenticated;
        };
        let lacks = !any_of.iter().any(|scope| scopes.contains(scope));
        match kind_of(route) {
            _ if lacks || (live_only && caller.mode == Mode::Test) => Due::Forbidden,
            Some(kind) if !caller.sees(owner, kind) => Due::Unknown,
            _ if OF_MEMBERS.contains(&route.path)
                && !scopes.iter().any(|scope| [Scope::Read, Scope::Issue].contains(scope)) =>
            {
                Due::Forbidden
            }
            _ => Due::Served,
        }
    }

    fn name(&self) -> String {
        let Route { method, path, .. } = self.route;
        let (scopes, mode) = (self.scopes, self.caller.mode);
        format!("{method} {path} {mode} {scopes:?} of {} {}", self.owner.org, self.owner.mode)
    }

    async fn run(&self, world: &World, nobody: &Owner, owners: &[&Owner]) {
        let name = self.name();
        let sample = Sample::of(self.route, self.owner, self.due == Due::Served, self.n);
        let reply = sample.send(world, self.route, self.key).await;
        let status = reply.status.as_u16();
        match self.due {
            Due::Unauthenticated => drop(reply.problem(401, "unauthenticated")),
            Due::Forbidden => drop(reply.problem(403, "insufficient_scope")),
            Due::Unknown => {
                let of_nothing = Sample::of(self.route, nobody, false, self.n);
                let of_nothing = of_nothing.send(world, self.route, self.key).await;
                assert!(matches!(status, 400 | 404), "{name}: {}", reply.text());
                assert_eq!(anonymous(&reply), anonymous(&of_nothing), "{name}");
            }
            Due::Served => {
                // What is its own has a reason of its own when it does not answer.
                let served = matches!(status, 200..=299 | 404 | 409 | 429);
                assert!(served, "{name}: {}", reply.text());
                if kind_of(self.route).is_some() && status == 404 {
                    let of_nothing = Sample::of(self.route, nobody, false, self.n);
                    let of_nothing = of_nothing.send(world, self.route, self.key).await;
                    assert_ne!(anonymous(&reply), anonymous(&of_nothing), "{name}");
                }
                assert_shows_nothing_of_others(&name, &reply.text(), self.caller, owners);
            }
        }
    }
}

/// An answer names nothing that its caller does not see.
fn assert_shows_nothing_of_others(name: &str, answer: &str, caller: &Owner, owners: &[&Owner]) {
    for owner in owners {
        for (kind, (things, _)) in owner.things.iter().filter(|(kind, _)| !caller.sees(owner, kind))
        {
            let found = things.iter().find(|thing| answer.contains(thing.as_str()));
            assert_eq!(found, None, "{name} shows {kind} of {} {}", owner.org, owner.mode);
        }
    }
}

/// What an owner has: the answers of all lists. The last use of a key is no part of it.
async fn snapshot(world: &World, owner: &Owner) -> Vec<Value> {
    let mut lists = Vec::new();
    for route in ROUTES {
        let keyed = matches!(route.access, Access::Key { .. });
        if route.method != "GET" || route.path.contains('{') || !keyed {
            continue;
        }
        let limit = if route.parameters.is_empty() { "" } else { "?limit=1000" };
        let path = format!("{}{limit}", route.path);
        let answer = world.send("GET", &path, &[("x-api-key", &owner.key)], "").await;
        let mut answer = answer.expect(200).json();
        for item in answer["items"].as_array_mut().into_iter().flatten() {
            item["last_used_at"] = Value::Null;
        }
        lists.push(answer);
    }
    lists
}

async fn snapshots(world: &World, owners: &[&Owner]) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    for owner in owners {
        all.push(snapshot(world, owner).await);
    }
    all
}

async fn try_all(world: &World, cells: Vec<Cell<'_>>, nobody: &Owner, owners: &[&Owner]) {
    stream::iter(cells)
        .for_each_concurrent(AT_ONCE, async |cell| cell.run(world, nobody, owners).await)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_serves_the_keys_of_its_table_on_their_own_things_and_nobody_else() {
    let world = World::new().await;
    let app = world.stack.app();
    let demo = stocked(&world, "demo", &world.demo.api_key, STOCK).await;
    let otra = another_organization(app, "otra").await;
    let otra = stocked(&world, "otra", &otra, 1).await;
    let nobody = Owner::nobody();
    let owners = [&demo[0], &demo[1], &otra[0], &otra[1]];

    let mut scopes: Vec<Vec<Scope>> = Scope::ALL.iter().map(|scope| vec![*scope]).collect();
    scopes.push(Scope::ALL.to_vec());
    let mut keys: Vec<Held<'_>> = Vec::new();
    for caller in &demo {
        keys.push((caller, None, None));
        for scopes in &scopes {
            let key = key_of(app, caller.org, caller.mode, scopes, None).await;
            keys.push((caller, Some(scopes), Some(key)));
        }
    }
    let mut cells = Vec::new();
    for route in ROUTES.iter().filter(|route| route.access != Access::Public) {
        for (caller, scopes, key) in &keys {
            for owner in owners {
                let due = Cell::due(route, *scopes, caller, owner);
                let refused = matches!(due, Due::Unauthenticated | Due::Forbidden);
                // Whose thing it is matters to a request that names one, and that is let in.
                let own = caller.org == owner.org && caller.mode == owner.mode;
                if own || (kind_of(route).is_some() && !refused) {
                    let n = cells.len();
                    let key = key.as_deref();
                    cells.push(Cell { route, scopes: *scopes, key, caller, owner, due, n });
                }
            }
        }
    }
    let count = |due| cells.iter().filter(|cell| cell.due == due).count();
    let keyed = ROUTES.iter().filter(|route| route.access != Access::Public).count();
    assert_eq!(count(Due::Unauthenticated), 2 * keyed, "a cell without key each");
    for due in [Due::Forbidden, Due::Unknown, Due::Served] {
        assert!(count(due) > 100, "{due:?}: {}", count(due));
    }

    // Refused requests change nothing, whosever it is.
    let (served, refused): (Vec<_>, Vec<_>) =
        cells.into_iter().partition(|cell| cell.due == Due::Served);
    let before = snapshots(&world, &owners).await;
    try_all(&world, refused, &nobody, &owners).await;
    assert_eq!(snapshots(&world, &owners).await, before);
    try_all(&world, served, &nobody, &owners).await;
    assert_eq!(snapshots(&world, &owners[2..]).await, before[2..], "what is another's stays");
    for owner in &demo {
        world
            .until("all jobs end", async || {
                let jobs = world.call_as(&owner.key, "GET", "/jobs?limit=1000", None).await;
                let jobs = jobs.expect(200).json();
                let mut jobs = jobs["items"].as_array().expect("items").iter();
                jobs.all(|job| job["status"] == "SUCCESS").then_some(())
            })
            .await;
    }
}

/// What the public routes of an organization show: a credential, its list, an image, a wallet.
async fn published(world: &World) -> Owner {
    let mut owner = Owner::new("demo", Mode::Live, world.demo.api_key.clone());
    let member = "ana.rojas@demo.example";
    let one = json!({ "email": member, "result_value": "A" });
    let id = text(&world.issue_one(&one).await, "credential_id");
    let signed = world.send("GET", &format!("/credential/{id}.json"), &[], "").await;
    let list = text(&signed.expect(200).json()["credentialStatus"], "statusListCredential");
    let logo = json!({ "logo": data_url(&picture(100, 100)) });
    let logo = world.call("PUT", "/organization", Some(&logo)).await.expect(200).json();
    let wallet = world.get(&format!("/members/{member}/credentials")).await;
    let last = |url: String| url.rsplit('/').next().expect("a name").to_owned();
    owner.has("url", vec![format!("{}/credential/{id}", world.stack.app().config.site_url)]);
    owner.has("credential", vec![id]);
    owner.has("status", vec![last(list)]);
    owner.has("orgs", vec!["demo".to_owned()]);
    owner.has("achievements", vec![world.demo.template_id.clone()]);
    owner.has("images", vec![last(text(&logo, "logo"))]);
    owner.has("wallet", vec![last(text(&wallet, "wallet_url"))]);
    owner
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_public_route_answers_anyone_the_same_whatever_key_they_show() {
    let world = World::new().await;
    let other = another_organization(world.stack.app(), "otra").await;
    let owner = published(&world).await;
    for route in ROUTES.iter().filter(|route| route.access == Access::Public) {
        let sample = Sample::of(route, &owner, false, 0);
        let reply = sample.send(&world, route, None).await.expect(200);
        for key in [&world.demo.api_key, &world.demo.test_api_key, &other] {
            let again = sample.send(&world, route, Some(key)).await.expect(200);
            assert_eq!(again.header("content-type"), reply.header("content-type"));
            assert!(again.body == reply.body, "{}", route.path);
        }
        let written = sample.send(&world, &Route { method: "DELETE", ..*route }, None).await;
        written.problem(405, "method_not_allowed");
    }
}
