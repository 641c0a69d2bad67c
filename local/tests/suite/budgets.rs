//! What a credential costs, by counting: calls, units and bytes that depend on no machine, with
//! limits, so that a regression is red.
//!
//! `TABLE=1 cargo test --test suite budgets:: -- --nocapture` prints what was counted, and
//! counts a job of 10,000 too.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::{
    feedback::{delivered, hear},
    harness::person,
    ledger::Ledger,
    sim::Sim,
};

/// Messages that Lambda's event source receives or deletes with one request.
const RECEIVE: f64 = 10.0;
/// Prices of us-east-1 in $ per million: a write unit, a read unit, a request of SQS, a message
/// in a fair queue, an event that SNS hands over.
const WRITE: f64 = 0.625;
const READ: f64 = 0.125;
const REQUEST: f64 = 0.40;
const FAIR: f64 = 0.10;
const NOTIFICATION: f64 = 0.50;

/// Tables and indexes.
const CREDENTIALS: &str = "unicreda-credentials";
const BY_TIME: &str = "unicreda-credentials/by_time";
const BY_EMAIL: &str = "unicreda-credentials/by_email";
const OWED: &str = "unicreda-credentials/owed";
const JOBS: &str = "unicreda-jobs";

/// Whether the table was asked for.
fn table() -> bool {
    std::env::var_os("TABLE").is_some()
}

#[expect(clippy::print_stdout, reason = "it was asked for")]
fn show(lines: &[String]) {
    println!("{}", lines.join("\n"));
}

/// Somebody as a registrar's list has them: name, result, credits, role, term, dates.
fn graduate(n: u32) -> Value {
    json!({
        "email": format!("graduada.{n}@universidad.example"),
        "recipient_name": format!("Agustina Belén Zorrilla Ibáñez {n}"),
        "result_value": "B", "credits_earned": 6.5, "role": "Egresada", "term": "2025-1",
        "activity_start_date": "2025-03-10", "activity_end_date": "2025-07-21",
    })
}

/// A service with an organization, a key and a template that were used before.
async fn warm() -> Sim {
    let mut sim = Sim::new(1).await;
    sim.with_whole_shards();
    sim.issue(&[person(1)], &[], Some("warm")).await.expect("issued");
    let two = [person(2), person(3)];
    sim.issue(&two, &[], None).await.expect("accepted");
    sim.drain().await.expect("an end");
    sim.faults.ledger();
    sim
}

/// What was counted of some recipients.
struct Counted {
    /// What they were issued by.
    what: String,
    /// Recipients.
    rows: f64,
    /// Until everything had ended, what SES says included.
    ledger: Ledger,
    /// Messages of the events of SES.
    events: f64,
    /// Credentials.
    ids: Vec<String>,
}

impl Counted {
    fn each(&self, units: &BTreeMap<String, f64>, of: &str) -> f64 {
        units.get(of).copied().unwrap_or_default() / self.rows
    }

    fn writes(&self) -> f64 {
        self.ledger.writes.values().sum::<f64>() / self.rows
    }

    fn reads(&self) -> f64 {
        self.ledger.reads.values().sum::<f64>() / self.rows
    }

    fn requests(&self) -> f64 {
        let handled = (self.ledger.messages + self.events) / RECEIVE;
        (self.ledger.sends + 2.0 * handled) / self.rows
    }

    /// $ per million credentials beside SES, the API's requests and Lambda.
    fn price(&self) -> f64 {
        self.writes() * WRITE
            + self.reads() * READ
            + self.requests() * REQUEST
            + self.ledger.messages / self.rows * FAIR
            + self.events / self.rows * NOTIFICATION
    }

    fn row(&self) -> String {
        format!(
            "| {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            self.what,
            self.ledger.all_calls() / self.rows,
            self.writes(),
            self.each(&self.ledger.writes, CREDENTIALS),
            self.each(&self.ledger.writes, BY_TIME),
            self.each(&self.ledger.writes, BY_EMAIL),
            self.each(&self.ledger.writes, JOBS),
            self.reads(),
            self.requests(),
            self.price(),
        )
    }
}

const HEAD: &str = "| | calls | write units | credentials | by_time | by_email | jobs | read units | SQS requests | $ per million |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

/// Issues to people, follows them to the end, and hands over what SES says of their mail.
async fn count(sim: &mut Sim, what: &str, people: &[Value]) -> Counted {
    let before = sim.faults.ledger();
    let answer = sim.issue(people, &[], None).await.expect("accepted").json();
    sim.drain().await.expect("an end");
    let mut ledger = sim.faults.ledger() - &before;
    let rows = match answer["job_id"].as_str() {
        None => answer["credentials"].as_array().expect(CREDENTIALS).clone(),
        Some(job) => {
            let mut rows = Vec::new();
            let mut path = format!("/jobs/{job}/results?limit=1000");
            loop {
                // By the stack's own clients, which are not counted.
                let page = sim.world.get(&path).await;
                rows.extend(page["items"].as_array().expect("items").iter().cloned());
                let Some(next) = page["next_cursor"].as_str() else { break rows };
                path = format!("/jobs/{job}/results?limit=1000&cursor={next}");
            }
        }
    };
    let text = |row: &Value, name: &str| row[name].as_str().expect("a text").to_owned();
    let issued = rows.iter().filter(|row| row["status"] == "issued");
    let ids = issued.map(|row| text(row, "credential_id")).collect();
    let mailed = rows.iter().filter(|row| {
        row["status"] == "issued"
            && row["duplicate"] == false
            && row["recipient_type"] == "external"
    });
    let events: Vec<String> = mailed
        .map(|row| delivered(&text(row, "credential_id"), 0, &text(row, "email")).to_string())
        .collect();
    let before = sim.faults.ledger();
    let app = sim.app();
    for batch in events.chunks(10) {
        assert_eq!(hear(&app, batch).await, [0; 0]);
    }
    let heard = sim.faults.ledger() - &before;
    for (all, more) in [
        (&mut ledger.calls, heard.calls),
        (&mut ledger.writes, heard.writes),
        (&mut ledger.reads, heard.reads),
    ] {
        for (name, n) in more {
            *all.entry(name).or_default() += n;
        }
    }
    let rows = people.len() as f64;
    Counted { what: what.to_owned(), rows, ledger, events: events.len() as f64, ids }
}

/// Bytes of an item as DynamoDB counts them.
fn bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::M(map) => {
            3 + map.iter().map(|(name, value)| name.len() + bytes(value) + 1).sum::<usize>()
        }
        AttributeValue::L(list) => 3 + list.iter().map(|value| bytes(value) + 1).sum::<usize>(),
        _ => 1,
    }
}

/// The largest of some credentials' items.
async fn largest(sim: &mut Sim, ids: &[String]) -> usize {
    let app = sim.app();
    let mut most = 0;
    for id in ids {
        let read = app
            .dynamodb
            .get_item()
            .table_name(&app.config.credentials_table)
            .key("id", AttributeValue::S(id.clone()))
            .send();
        let item = read.await.expect("an answer").item.expect("a credential");
        most = most.max(item.iter().map(|(name, value)| name.len() + bytes(value)).sum());
    }
    most
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_in_a_job_stays_within_its_budget() {
    let mut sim = warm().await;
    let mut lines = vec![HEAD.to_owned()];
    let mut first = 1_000;
    let sizes: &[u32] = if table() { &[2, 50, 1_000, 10_000] } else { &[1_000] };
    for count_of in sizes {
        let people: Vec<Value> = (first..first + count_of).map(graduate).collect();
        first += count_of;
        let job = count(&mut sim, &format!("job of {count_of}, external"), &people).await;
        lines.push(job.row());
        if *count_of < 1_000 {
            continue;
        }
        // Put, claim, receipt and delivery at one unit each, the rest divided by hundreds.
        assert!(job.each(&job.ledger.writes, CREDENTIALS) < 4.01, "{}", job.row());
        assert!(job.each(&job.ledger.writes, BY_TIME) <= 1.0, "{}", job.row());
        assert!(job.each(&job.ledger.writes, BY_EMAIL) <= 1.0, "{}", job.row());
        assert!(!job.ledger.writes.contains_key(OWED), "{}", job.row());
        assert!(job.each(&job.ledger.writes, JOBS) < 0.25, "{}", job.row());
        assert!(job.reads() < 3.1, "{}", job.row());
        assert!(job.requests() < 0.85, "{}", job.row());
        assert!(job.price() < 5.3, "{}", job.row());
        let duplicates = count(&mut sim, "the same again, duplicates", &people).await;
        lines.push(duplicates.row());
        assert!(duplicates.each(&duplicates.ledger.writes, BY_TIME) < 0.01);
        // A put that is refused, and the row's outcome.
        assert!(duplicates.writes() < 1.3, "{}", duplicates.row());
        assert!(largest(&mut sim, &job.ids[..50]).await <= 1_024);
    }
    if table() {
        lines.push(naive(&sim).await);
        show(&lines);
    }
}

/// What the plainest design would cost, by a model: the whole document as JSON in the item, two
/// indexes that hold all of it, a message, a put, a claim, a receipt, a delivery and two counters
/// a row, each in a batch of one, and template, settings, member and suppression read each time.
async fn naive(sim: &Sim) -> String {
    let list = sim.world.get("/credentials?limit=1").await;
    let id = list["items"][0]["credential_id"].as_str().expect("an id").to_owned();
    let document = sim.world.send("GET", &format!("/credential/{id}.json"), &[], "").await;
    let document = document.expect(200).body.len();
    let size = document + 900;
    // Base table and both indexes, put and three times updated; two counters of a job of 1 KB.
    let writes = (size.div_ceil(1024) * 3 * 4 + 2) as f64;
    let reads = 4.0 + 1.0;
    // Two messages and an event: sent (but for the event), received, deleted.
    let requests = 3.0 * 2.0 + 2.0;
    let price = writes * WRITE + reads * READ + requests * REQUEST + 2.0 * FAIR + NOTIFICATION;
    format!(
        "a naive design, modelled with its document of {document} bytes: {writes} write units, {reads} read units, {requests} requests, $ {price:.2}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_recipient_takes_three_calls_and_five_with_a_key() {
    let mut sim = warm().await;
    let mut lines = vec![HEAD.to_owned()];
    let before = sim.faults.ledger();
    sim.issue(&[graduate(1)], &[], None).await.expect("issued");
    let plain = sim.faults.ledger() - &before;
    assert_eq!(
        plain.calls.iter().map(|(name, n)| (name.as_str(), *n)).collect::<Vec<_>>(),
        [("BatchGetItem", 1.0), ("PutItem", 1.0), ("SendMessageBatch", 1.0)],
    );
    let before = sim.faults.ledger();
    sim.issue(&[graduate(2)], &[], Some("k")).await.expect("issued");
    let keyed = sim.faults.ledger() - &before;
    assert!(keyed.all_calls() <= 5.0, "{:?}", keyed.calls);
    sim.drain().await.expect("an end");
    let one = count(&mut sim, "one at once, external", &[graduate(3)]).await;
    lines.push(one.row());
    assert!(one.writes() <= 8.0, "{}", one.row());
    let ids = one.ids.clone();
    assert!(largest(&mut sim, &ids).await <= 1_024);
    if table() {
        show(&lines);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_partition_takes_a_tenth_of_a_jobs_writes() {
    let mut sim = warm().await;
    let people: Vec<Value> = (1..=2_000).map(graduate).collect();
    let before = sim.faults.seen(|seen| seen.writes.clone());
    sim.issue(&people, &[], None).await.expect("accepted");
    sim.drain().await.expect("an end");
    let mut writes = sim.faults.seen(|seen| seen.writes.clone());
    for (partition, n) in before {
        if let Some(now) = writes.get_mut(&partition) {
            *now -= n;
        }
    }
    let all: usize = writes.values().sum();
    let (hottest, most) = writes.iter().max_by_key(|(_, n)| **n).expect("a write");
    assert!(10 * most < all, "{most} of {all} writes go to {hottest}");
    assert!(all > 6_000, "{all} writes were seen");
}
