//! `Idempotency-Key`: each repetition gets the first answer.

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use unicreda::{
    App,
    domain::{identity::IdSecret, ids::OrgId, sealed_answer::RequestSeal},
    store::idempotency::Beginning,
};

use crate::harness::{Reply, World, person};

fn hash(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, bytes))
}

/// The item of a request to issue, as releases before sealed answers wrote it.
pub struct FormerRequest {
    id: String,
    body_hash: String,
    begun: i64,
    /// The id of its work.
    pub work_id: String,
    /// End of its lease; none once it has ended.
    pub lease_until: Option<i64>,
    /// The body of its answer.
    pub answer: String,
}

impl FormerRequest {
    /// A request of the demo organization that began now, with its key and body.
    pub fn of(key: &str, body: &Value, now: i64) -> Self {
        let mut body = body.clone();
        body.sort_all_objects();
        Self {
            id: hash(format!("demo#live#POST /api/v1/credentials/issue#{key}").as_bytes()),
            body_hash: hash(body.to_string().as_bytes()),
            begun: now,
            work_id: uuid::Uuid::new_v4().to_string(),
            lease_until: None,
            answer: String::new(),
        }
    }

    /// Writes the item.
    pub async fn put(&self, app: &App) {
        let (s, n) = (AttributeValue::S, |n: i64| AttributeValue::N(n.to_string()));
        let pair = |name: &str, value: &str| {
            AttributeValue::L([name, value].map(|text| s(text.to_owned())).into())
        };
        let headers = vec![pair("content-type", "application/json"), pair("location", "/")];
        let put = app
            .dynamodb
            .put_item()
            .table_name(&app.config.jobs_table)
            .item("pk", s(format!("IDEM#{}", self.id)))
            .item("sk", s("IDEM".to_owned()))
            .item("body_hash", s(self.body_hash.clone()))
            .item("fence", n(1))
            .item("work_id", s(self.work_id.clone()))
            .item("begun_at", s("2026-11-28T10:00:00.000Z".to_owned()))
            .item("ttl", n(self.begun + 86_400));
        let put = match self.lease_until {
            Some(until) => put.item("phase", s("running".to_owned())).item("lease_until", n(until)),
            None => put
                .item("phase", s("done".to_owned()))
                .item("answer_status", n(202))
                .item("answer_headers", AttributeValue::L(headers))
                .item("answer_body", s(self.answer.clone())),
        };
        put.send().await.expect("an item is put");
    }
}

/// The items of requests, as they are stored.
async fn kept(app: &App) -> Vec<unicreda::store::Item> {
    let scan = app.dynamodb.scan().table_name(&app.config.jobs_table).consistent_read(true);
    let items = scan.send().await.expect("a table").items.unwrap_or_default();
    let is_request =
        |item: &unicreda::store::Item| item["pk"].as_s().is_ok_and(|pk| pk.starts_with("IDEM#"));
    items.into_iter().filter(is_request).collect()
}

async fn issue(world: &World, key: &str, body: &str) -> Reply {
    let headers = [
        ("x-api-key", world.demo.api_key.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", key),
    ];
    world.send("POST", "/api/v1/credentials/issue", &headers, body.to_owned()).await
}

fn body(world: &World, people: &[Value]) -> String {
    json!({ "template_id": world.demo.template_id, "recipients": people }).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_key_answers_byte_for_byte_and_does_nothing() {
    let world = World::new().await;
    for people in [vec![person(1)], vec![person(2), person(3)]] {
        let key = format!("key of {}", people.len());
        let body = body(&world, &people);
        let first = issue(&world, &key, &body).await;
        assert!(first.status.is_success());
        assert_eq!(first.header("idempotent-replayed"), "");
        let spaced = body.replace("\":", "\" : ");
        for again in [issue(&world, &key, &body).await, issue(&world, &key, &spaced).await] {
            assert_eq!(again.status, first.status);
            assert_eq!(again.body, first.body);
            assert_eq!(again.header("idempotent-replayed"), "true");
            assert_eq!(again.header("location"), first.header("location"));
        }
    }
    let jobs = world.get("/jobs").await;
    assert_eq!(jobs["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_body_is_refused_and_a_refused_body_leaves_the_key_free() {
    let world = World::new().await;
    issue(&world, "k", r#"{"recipients":[]}"#).await.problem(400, "invalid_request");
    issue(&world, "k", &body(&world, &[person(1)])).await.expect(200);
    issue(&world, "k", &body(&world, &[person(2)])).await.problem(422, "idempotency_mismatch");
    let unknown = json!({
        "template_id": "00000000-0000-4000-8000-000000000000", "recipients": [person(1)],
    });
    let first = issue(&world, "unknown", &unknown.to_string()).await.expect(404);
    let again = issue(&world, "unknown", &unknown.to_string()).await.expect(404);
    assert_eq!(first.body, again.body);
    for bad in ["", &"k".repeat(256), "ñ"] {
        issue(&world, bad, &body(&world, &[person(1)])).await.problem(400, "invalid_request");
    }
    // Of two keys nobody could tell which one a repetition has.
    let twice = async |second: &str| {
        let headers = [
            ("x-api-key", world.demo.api_key.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", "uno"),
            ("idempotency-key", second),
        ];
        let body = body(&world, &[person(1)]);
        world.send("POST", "/api/v1/credentials/issue", &headers, body).await
    };
    let refused = twice("dos").await.problem(400, "invalid_request");
    assert_eq!(refused["errors"][0]["code"], "repeated_header");
    twice("uno").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_test_mode_are_others_than_keys_of_live_mode() {
    let mut world = World::new().await;
    issue(&world, "k", &body(&world, &[person(1)])).await.expect(200);
    world.demo.api_key = world.demo.test_api_key.clone();
    let test = issue(&world, "k", &body(&world, &[person(2)])).await.expect(200);
    assert_eq!(test.header("idempotent-replayed"), "");
}

/// Two at once: one works, the other gets 409, and both end in one job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_call_while_the_first_runs_must_wait() {
    let world = World::new().await;
    let people: Vec<Value> = (1..=300).map(person).collect();
    let body = body(&world, &people);
    let (a, b) = tokio::join!(issue(&world, "k", &body), issue(&world, "k", &body));
    let (first, other) = if a.status.is_success() { (a, b) } else { (b, a) };
    first.expect(202);
    if !other.status.is_success() {
        assert!(!other.header("retry-after").is_empty());
        other.problem(409, "idempotency_in_progress");
    }
    let jobs = world.get("/jobs").await;
    assert_eq!(jobs["items"].as_array().map(Vec::len), Some(1));
}

/// A repetition takes over a dead first call under its work id; the first call can no longer
/// end the request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crashed_call_is_taken_over_and_its_zombie_is_fenced() {
    use unicreda::store::idempotency::Begin;
    let world = World::new().await;
    let store = &world.stack.app().idempotency;
    let beginning = |now: i64, fingerprint: &'static str| Beginning {
        fingerprint,
        body_hash: "of a former release",
        now,
        now_text: "2026-01-01T00:00:00.000Z",
        lease_until: now + 60,
        ttl: now + 86_400,
        work_id: uuid::Uuid::new_v4(),
    };
    let mine = |begun| match begun {
        Begin::Start(request) => request,
        other => panic!("found {other:?}"),
    };
    let zombie = mine(store.begin("id", &beginning(1_000, "h")).await.expect("begun"));
    let early = store.begin("id", &beginning(1_030, "h")).await.expect("found");
    assert!(matches!(early, Begin::InProgress { .. }), "the lease stands");
    let other = store.begin("id", &beginning(1_100, "other")).await.expect("found");
    assert!(matches!(other, Begin::Mismatch), "another body takes nothing over");
    let heir = mine(store.begin("id", &beginning(1_100, "h")).await.expect("taken over"));
    assert_eq!(heir.work_id, zombie.work_id);
    let finish = |fence| store.finish("id", fence, b"sealed".to_vec());
    assert!(!finish(zombie.fence).await.expect("fenced"));
    assert!(finish(heir.fence).await.expect("finished"));
    let expired = mine(store.begin("id", &beginning(90_000, "new")).await.expect("expired"));
    assert_ne!(expired.work_id, heir.work_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_of_a_request_shows_neither_its_body_nor_its_answer() {
    let world = World::new().await;
    let app = world.stack.app();
    let mut wrong = person(2);
    wrong["result_value"] = "Zeta".into();
    let (one, fault) = (body(&world, &[person(1)]), body(&world, &[wrong]));
    let many = body(&world, &[person(3), person(4)]);
    let revoke = json!({ "reason": "Persona Zorrilla 1 lo pide", "ids": [uuid::Uuid::new_v4()] });
    let mut answers = Vec::new();
    for (key, text) in [("one", &one), ("fault", &fault), ("many", &many)] {
        answers.push(issue(&world, key, text).await);
    }
    let headers = [
        ("x-api-key", world.demo.api_key.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "revoke"),
    ];
    let revoked =
        world.send("POST", "/api/v1/credentials/revoke", &headers, revoke.to_string()).await;
    answers.push(revoked.expect(202));
    let items = kept(app).await;
    assert_eq!(items.len(), 4);
    let secret = app.catalog.id_secret(&OrgId::parse("demo").expect("an id")).await.expect("one");
    let mut sizes = Vec::new();
    for item in &items {
        let stored = format!("{item:?}");
        for marker in
            ["persona", "Persona", "Zorrilla", "ejemplo.com", "Zeta", "inválida", "credential"]
        {
            assert!(!stored.contains(marker), "{marker}: {stored}");
        }
        for answer in &answers {
            let id = answer.json()["job_id"].as_str().unwrap_or("none").to_owned();
            assert!(
                !item["sealed"]
                    .as_b()
                    .expect("bytes")
                    .as_ref()
                    .windows(36)
                    .any(|w| w == id.as_bytes())
            );
        }
        // No hash of a body that somebody guesses: as it was sent, and canonical.
        for text in [&one, &fault, &many, &revoke.to_string()] {
            let mut tree: Value = serde_json::from_str(text).expect("JSON");
            tree.sort_all_objects();
            for guess in [text.as_bytes(), tree.to_string().as_bytes()] {
                assert!(!stored.contains(&hash(guess)), "{stored}");
            }
        }
        // Whoever has the table and the secret opens nothing without the body.
        let scope = "demo#live#POST /api/v1/credentials/issue#one";
        let guess = RequestSeal::of(&secret, scope, b"{}");
        assert_eq!(guess.open(item["sealed"].as_b().expect("bytes").as_ref()), None);
        sizes.push(item.iter().map(|(name, value)| name.len() + bytes(value)).sum::<usize>());
    }
    // No more than before, so within the write unit where it was.
    let mut former: Vec<usize> = answers.iter().map(former_size).collect();
    sizes.sort_unstable();
    former.sort_unstable();
    assert!(sizes.iter().zip(&former).all(|(now, before)| now <= before), "{sizes:?} {former:?}");
    // Who has the body gets the answer, byte for byte.
    for ((key, text), first) in
        [("one", &one), ("fault", &fault), ("many", &many)].iter().zip(&answers)
    {
        let again = issue(&world, key, text).await;
        assert_eq!((&again.body, again.status), (&first.body, first.status));
        assert_eq!(again.header("idempotent-replayed"), "true");
    }
    // And another organization's secret makes other fingerprints of the same request.
    let scope = "demo#live#POST /api/v1/credentials/issue#one";
    let foreign = IdSecret::new([1; 32]);
    let [own, other] = [&secret, &foreign].map(|secret| RequestSeal::of(secret, scope, b"{}"));
    assert_ne!(own.fingerprint(), other.fingerprint());
}

/// Bytes of the item in which a former release kept an answer.
fn former_size(answer: &Reply) -> usize {
    let headers = ["content-type", "content-language", "location", "retry-after"];
    let headers: usize = headers
        .iter()
        .map(|name| (name.len(), answer.header(name).len()))
        .filter(|(_, value)| *value > 0)
        .map(|(name, value)| 3 + name + 1 + value + 1 + 1)
        .sum();
    let common = "pkskfencework_idbegun_atttlphase".len() + 48 + 4 + 2 + 36 + 24 + 6 + 4;
    let answered = "answer_statusanswer_headersanswer_bodybody_hash".len() + 3 + 3 + headers + 43;
    common + answered + answer.body.len()
}

fn bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        other => panic!("{other:?}"),
    }
}

/// A deployment lasts minutes, and its keys a day: what the former release answered is given again,
/// and what it began is carried on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_a_former_release_are_answered_as_before() {
    let world = World::new().await;
    let app = world.stack.app();
    let now = app.clock.now().as_second();
    let request = json!({
        "template_id": world.demo.template_id, "recipients": [person(1), person(2)],
    });
    let other = body(&world, &[person(3)]);

    let job = "0192f6a0-0000-7000-8000-000000000000";
    let answer = format!(
        r#"{{"mode":"async","job_id":"{job}","message":"ñ \" 😀","total":2,"status_url":"/"}}"#
    );
    let ended =
        FormerRequest { answer: answer.clone(), ..FormerRequest::of("ended", &request, now) };
    ended.put(app).await;
    for spaces in ["", " "] {
        let text = request.to_string().replace("\":", &format!("\":{spaces}"));
        let again = issue(&world, "ended", &text).await.expect(202);
        assert_eq!(again.text(), answer);
        assert_eq!(again.header("content-type"), "application/json");
        assert_eq!(again.header("idempotent-replayed"), "true");
    }
    issue(&world, "ended", &other).await.problem(422, "idempotency_mismatch");

    let running =
        FormerRequest { lease_until: Some(now + 50), ..FormerRequest::of("runs", &request, now) };
    running.put(app).await;
    let early = issue(&world, "runs", &request.to_string()).await;
    assert!(!early.header("retry-after").is_empty());
    early.problem(409, "idempotency_in_progress");
    issue(&world, "runs", &other).await.problem(422, "idempotency_mismatch");

    let dead =
        FormerRequest { lease_until: Some(now - 1), ..FormerRequest::of("died", &request, now) };
    dead.put(app).await;
    issue(&world, "died", &other).await.problem(422, "idempotency_mismatch");
    let carried = issue(&world, "died", &request.to_string()).await.expect(202);
    assert_eq!(carried.json()["job_id"], dead.work_id, "the same work");
    let again = issue(&world, "died", &request.to_string()).await.expect(202);
    assert_eq!(again.body, carried.body);
    let left = kept(app).await;
    let taken = left.iter().find(|item| item.contains_key("sealed")).expect("one is sealed");
    assert!(!taken.contains_key("body_hash") && !taken.contains_key("answer_body"), "{taken:?}");
}

/// The former release reads no item of today's: it answers 500, which asks to repeat the request. With its
/// own phases it would answer 422, a refusal for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_former_release_neither_refuses_nor_repeats_what_today_answered() {
    let world = World::new().await;
    let app = world.stack.app();
    issue(&world, "k", &body(&world, &[person(1)])).await.expect(200);
    let [item] = kept(app).await.try_into().expect("one");
    // It knows two phases, and no item without the hash of a body.
    let phase = item["phase"].as_s().expect("a phase");
    assert!(!["running", "done"].contains(&phase.as_str()) && !item.contains_key("body_hash"));
    // Its condition takes nothing over either, a day long.
    let taken = app
        .dynamodb
        .update_item()
        .table_name(&app.config.jobs_table)
        .key("pk", item["pk"].clone())
        .key("sk", item["sk"].clone())
        .update_expression("SET phase = :running")
        .condition_expression("attribute_not_exists(pk) OR (phase = :running AND lease_until < :now AND body_hash = :hash AND #ttl > :now)")
        .expression_attribute_names("#ttl", "ttl")
        .expression_attribute_values(":running", AttributeValue::S("running".to_owned()))
        .expression_attribute_values(":hash", AttributeValue::S("x".to_owned()))
        .expression_attribute_values(":now", AttributeValue::N(app.clock.now().as_second().to_string()))
        .send()
        .await;
    let error = taken.expect_err("refused").into_service_error();
    assert!(error.is_conditional_check_failed_exception(), "{error:?}");
}
