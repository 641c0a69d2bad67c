//! The cost of a credential in calls, units and bytes, which depend on no machine. A limit on
//! each makes a regression red.
//!
//! `TABLE=1 cargo test --test suite budgets:: -- --nocapture` prints the counts.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use unicreda::{App, domain::job::SHARD_ROWS};

use self::graduate::graduate;
use crate::{
    feedback::{delivered, report},
    harness::person,
    ledger::Ledger,
    sim::Sim,
};

#[path = "../../benches/parts/figures.rs"]
mod figures;
#[path = "../../benches/parts/graduate.rs"]
mod graduate;

use figures::figure;

/// Messages that Lambda's event source receives or deletes with one request.
const RECEIVE: f64 = 10.0;
/// Events of SES that the function `feedback` gets at once; a deployment lets up to 500 gather.
const HEARD: usize = 100;
/// $ per million of a thing that AWS bills.
fn price_of(name: &str) -> f64 {
    figure("prices", name)
}

/// Tables and indexes.
const CREDENTIALS: &str = "unicreda-credentials";
const BY_TIME: &str = "unicreda-credentials/by_time";
const BY_EMAIL: &str = "unicreda-credentials/by_email";
const OWED: &str = "unicreda-credentials/owed";
const JOBS: &str = "unicreda-jobs";

/// Limits for one recipient.
struct Limits {
    /// Write units of the credentials themselves.
    credentials: f64,
    /// Write units of each of the indexes by time and address.
    index: f64,
    /// Write units of the index of pending mail.
    owed: f64,
    /// Write units of jobs.
    jobs: f64,
    reads: f64,
    requests: f64,
    /// $ per million.
    price: f64,
    /// Bytes of the credential's item.
    bytes: usize,
}

/// In a job: put and delivery at a unit each, the index entries, and a claim and a receipt for 16.
const EXTERNAL: Limits = Limits {
    credentials: 2.01,
    index: 1.0,
    owed: 0.0,
    jobs: 0.2,
    // Each batch of mails looks whether any address was erased.
    reads: 2.65,
    requests: 0.81,
    price: 3.98,
    bytes: UNIT,
};
/// A member of the organization: mail and all as with others. With what became of its mail, an
/// item can be some bytes over a unit.
const INTERNAL: Limits = Limits { credentials: 2.05, price: 4.0, bytes: 1_040, ..EXTERNAL };
/// Issued before: a put that is refused and returns the stored item.
const DUPLICATE: Limits = Limits {
    credentials: 1.01,
    index: 0.0,
    owed: 0.0,
    jobs: 0.1,
    reads: 2.1,
    requests: 0.31,
    price: 1.2,
    bytes: UNIT,
};
/// Fixed costs of a job and of the sweep after it, beside its rows: write units, read units, requests, $ per million.
const JOB: [f64; 4] = [10.0, 15.0, 2.0, 10.0];
/// Write units of a new process: it writes the dictionary under which it packs documents.
const COLD: f64 = 20.0;
/// One recipient, issued at once. An index follows the mail, with an entry that comes and goes.
const ONE_EXTERNAL: Limits = Limits {
    credentials: 4.0,
    index: 1.0,
    owed: 2.0,
    jobs: 0.0,
    reads: 6.0,
    requests: 1.4,
    price: 7.0,
    bytes: UNIT,
};
/// The item of a member takes a second unit while its mail is pending, and again once it arrived.
const ONE_INTERNAL: Limits = Limits { credentials: 7.0, price: 9.0, bytes: 1_040, ..ONE_EXTERNAL };
const ONE_DUPLICATE: Limits = Limits {
    credentials: 1.0,
    index: 0.0,
    owed: 0.0,
    jobs: 0.0,
    reads: 4.0,
    requests: 0.0,
    price: 1.15,
    bytes: UNIT,
};
/// Bytes of a write unit.
const UNIT: usize = 1_024;

/// Whether `TABLE` is set.
fn table() -> bool {
    std::env::var_os("TABLE").is_some()
}

#[expect(clippy::print_stdout, reason = "TABLE=1 prints it")]
fn show(lines: &[String]) {
    println!("{}", lines.join("\n"));
}

/// A person of the organization.
fn insider(n: u32) -> Value {
    let mut person = graduate(n);
    person["email"] = format!("interna.{n}@universidad.example").into();
    person
}

/// Makes members of people.
async fn enroll(sim: &Sim, people: &[Value]) {
    let rows = people.iter().map(|person| person["email"].as_str().expect("an address"));
    let file: String = std::iter::once("email").chain(rows).collect::<Vec<_>>().join("\n");
    let headers = [("x-api-key", sim.world.demo.api_key.as_str()), ("content-type", "text/csv")];
    let answer = sim.world.send("POST", "/api/v1/members/import", &headers, file).await;
    assert_eq!(answer.expect(200).json()["imported"], people.len());
}

/// A service with an organization, a key and a template that were used before.
async fn warm() -> Sim {
    let mut sim = Sim::new(1).await;
    sim.with_shards_of(SHARD_ROWS);
    sim.issue(&[person(1)], &[], Some("warm")).await.expect("issued");
    let two = [person(2), person(3)];
    sim.issue(&two, &[], None).await.expect("accepted");
    sim.drain().await.expect("an end");
    sim.faults.ledger();
    sim
}

/// The counts of some recipients.
struct Counted {
    /// The name of the measurement.
    what: String,
    /// Recipients.
    rows: f64,
    /// Counts until everything had ended, reports of SES included.
    ledger: Ledger,
    /// Messages of the events of SES.
    events: f64,
    /// Bytes of their credentials' items: those of the mean, and of the largest.
    bytes: (usize, usize),
}

impl Counted {
    fn each(&self, units: &BTreeMap<String, f64>, of: &str) -> f64 {
        units.get(of).copied().unwrap_or_default() / self.rows
    }

    fn written(&self, of: &str) -> f64 {
        self.each(&self.ledger.writes, of)
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
        self.writes() * price_of("write_unit")
            + self.reads() * price_of("read_unit")
            + self.requests() * price_of("sqs_request")
            + self.ledger.messages / self.rows * price_of("sqs_fair_message")
            + self.events / self.rows * price_of("sns_notification")
    }

    /// Fails when a recipient costs more than its limit and its part of the job's fixed cost.
    fn within(&self, limits: &Limits, job: [f64; 4]) {
        let [writes, reads, requests, price] = job.map(|whole| whole / self.rows);
        for (what, cost, limit) in [
            (CREDENTIALS, self.written(CREDENTIALS), limits.credentials + writes),
            (BY_TIME, self.written(BY_TIME), limits.index),
            (BY_EMAIL, self.written(BY_EMAIL), limits.index),
            (OWED, self.written(OWED), limits.owed),
            (JOBS, self.written(JOBS), limits.jobs + writes),
            ("read units", self.reads(), limits.reads + reads),
            ("requests", self.requests(), limits.requests + requests),
            ("$", self.price(), limits.price + price),
            ("bytes", self.bytes.1 as f64, limits.bytes as f64),
        ] {
            assert!(cost <= limit + 1e-9, "{what}: {cost} of {limit}\n{HEAD}\n{}", self.row());
        }
    }

    fn row(&self) -> String {
        format!(
            "| {} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            self.what,
            self.bytes.0,
            self.ledger.all_calls() / self.rows,
            self.writes(),
            self.written(CREDENTIALS),
            self.written(BY_TIME),
            self.written(BY_EMAIL),
            self.written(OWED),
            self.written(JOBS),
            self.reads(),
            self.requests(),
            self.price(),
        )
    }

    /// The share of each index.
    fn indexes(&self) -> impl Iterator<Item = String> {
        [BY_TIME, BY_EMAIL, OWED].into_iter().filter_map(|index| {
            let units = self.written(index);
            let name = index.rsplit('/').next().unwrap_or_default();
            let price = units * price_of("write_unit");
            (units > 0.0).then(|| {
                format!(
                    "| – of these, the index {name} | | | {units:.2} | | | | | | | | {price:.2} |"
                )
            })
        })
    }
}

const HEAD: &str = "| | bytes | calls | write units | credentials | by_time | by_email | owed | jobs | read units | SQS requests | $ per million |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

/// Issues to people, follows them to the end, and delivers SES's reports of their mail.
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
                // The stack's own clients are not counted.
                let page = sim.world.get(&path).await;
                rows.extend(page["items"].as_array().expect("items").iter().cloned());
                let Some(next) = page["next_cursor"].as_str() else { break rows };
                path = format!("/jobs/{job}/results?limit=1000&cursor={next}");
            }
        }
    };
    let text = |row: &Value, name: &str| row[name].as_str().expect("a text").to_owned();
    let issued = rows.iter().filter(|row| row["status"] == "issued");
    let ids: Vec<String> = issued.map(|row| text(row, "credential_id")).collect();
    let mailed = rows.iter().filter(|row| row["status"] == "issued" && row["duplicate"] == false);
    let events: Vec<String> = mailed
        .map(|row| delivered(&text(row, "credential_id"), 0, &text(row, "email")).to_string())
        .collect();
    let before = sim.faults.ledger();
    let app = sim.app();
    for batch in events.chunks(HEARD) {
        assert_eq!(report(&app, batch).await, [0; 0]);
    }
    let reported = sim.faults.ledger() - &before;
    for (all, more) in [
        (&mut ledger.calls, reported.calls),
        (&mut ledger.writes, reported.writes),
        (&mut ledger.reads, reported.reads),
    ] {
        for (name, n) in more {
            *all.entry(name).or_default() += n;
        }
    }
    let rows = people.len() as f64;
    let bytes = sizes(sim, &ids).await;
    Counted { what: what.to_owned(), rows, ledger, events: events.len() as f64, bytes }
}

/// Bytes of a value as DynamoDB counts them.
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

/// Bytes of a credential's item as DynamoDB counts them.
pub async fn item_bytes(app: &App, id: &str) -> usize {
    let read = app
        .dynamodb
        .get_item()
        .table_name(&app.config.credentials_table)
        .key("id", AttributeValue::S(id.to_owned()))
        .send();
    let item = read.await.expect("an answer").item.expect("a credential");
    item.iter().map(|(name, value)| name.len() + bytes(value)).sum()
}

/// The mean size and the largest of some fifty of these credentials' items.
async fn sizes(sim: &mut Sim, ids: &[String]) -> (usize, usize) {
    let app = sim.app();
    let mut found = Vec::new();
    for id in ids.iter().step_by(ids.len().div_ceil(50).max(1)) {
        found.push(item_bytes(&app, id).await);
    }
    (found.iter().sum::<usize>() / found.len(), found.into_iter().max().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_in_a_job_stays_within_its_budget() {
    let mut sim = warm().await;
    let mut lines = vec![HEAD.to_owned()];
    let mut first = 1_000;
    // As many shards as a partition's share of the writes is judged by.
    let large = if table() { 10_000 } else { 16 * SHARD_ROWS };
    for size in [2, 50, 1_000, large] {
        let people: Vec<Value> = (first..first + size).map(graduate).collect();
        let insiders: Vec<Value> = (first..first + size).map(insider).collect();
        first += size;
        let before = partitions(&sim);
        let external = count(&mut sim, &format!("job of {size}, external"), &people).await;
        if size == large {
            spread(&before, &partitions(&sim));
        }
        external.within(&EXTERNAL, JOB);
        lines.push(external.row());
        if size == large {
            lines.extend(external.indexes());
            // Much work for figures that a thousand rows have too.
            if !table() {
                break;
            }
        }
        enroll(&sim, &insiders).await;
        let internal = count(&mut sim, &format!("job of {size}, internal"), &insiders).await;
        internal.within(&INTERNAL, JOB);
        let duplicate = count(&mut sim, &format!("job of {size}, duplicates"), &people).await;
        duplicate.within(&DUPLICATE, JOB);
        lines.extend([internal.row(), duplicate.row()]);
    }
    if table() {
        lines.push(naive(&sim).await);
        show(&lines);
    }
}

/// Writes by table or index, and partition key.
type Partitions = BTreeMap<String, usize>;

fn partitions(sim: &Sim) -> Partitions {
    sim.faults.seen(|seen| {
        let all = seen.writes.iter().chain(&seen.index_writes);
        all.map(|(partition, n)| (partition.clone(), *n)).collect()
    })
}

/// Fails when a partition of a table or an index has taken a tenth of its writes.
fn spread(before: &Partitions, after: &Partitions) {
    let mut places: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (partition, n) in after {
        let n = n - before.get(partition).copied().unwrap_or_default();
        let place = partition.split(' ').next().unwrap_or_default();
        let (all, most) = places.entry(place).or_default();
        *all += n;
        *most = n.max(*most);
    }
    // The job's own item and its entry in two indexes are one write each.
    places.retain(|_, (all, _)| *all >= 100);
    let named: Vec<&str> = places.keys().copied().collect();
    assert_eq!(named, ["by_email", "by_time", CREDENTIALS, JOBS], "{places:?}");
    for (place, (all, most)) in places {
        assert!(10 * most <= all, "one partition of {place} takes {most} of {all} writes");
    }
}

/// The cost of the plainest design, by a model: the whole document as JSON in the item, two
/// indexes that hold all of it, a message, a put, a claim, a receipt, a delivery and two counters
/// a row, each in a batch of one, and template, settings, member and suppression read each time.
async fn naive(sim: &Sim) -> String {
    let list = sim.world.get("/credentials?limit=1").await;
    let id = list["items"][0]["credential_id"].as_str().expect("an id").to_owned();
    let document = sim.world.send("GET", &format!("/credential/{id}.json"), &[], "").await;
    let document = document.expect(200).body.len();
    let size = document + 900;
    // Base table and both indexes, put and three times updated; two counters of a job of 1 KB.
    let place = (size.div_ceil(1024) * 4) as f64;
    let (counters, reads) = (2.0, 4.0 + 1.0);
    let writes = 3.0 * place + counters;
    // Two messages and an event: sent (but for the event), received, deleted.
    let requests = 3.0 * 2.0 + 2.0;
    let price = writes * price_of("write_unit")
        + reads * price_of("read_unit")
        + requests * price_of("sqs_request")
        + 2.0 * price_of("sqs_fair_message")
        + price_of("sns_notification");
    // Two sends, the reads, put and three updates, the counters.
    let calls = 2.0 + reads + 4.0 + counters;
    format!(
        "| a naive design, modelled; its document has {document} bytes | {size} | {calls:.2} | {writes:.2} | {place:.2} | {place:.2} | {place:.2} | 0.00 | {counters:.2} | {reads:.2} | {requests:.2} | {price:.2} |"
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
    // Content that cleaning changes is put with its alias.
    let mut unclean = graduate(1);
    unclean["recipient_name"] = "Persona  Zorrilla".into();
    let before = sim.faults.ledger();
    sim.issue(&[unclean], &[], None).await.expect("issued");
    let cleaned = sim.faults.ledger() - &before;
    assert_eq!(
        cleaned.calls.iter().map(|(name, n)| (name.as_str(), *n)).collect::<Vec<_>>(),
        [("BatchGetItem", 1.0), ("SendMessageBatch", 1.0), ("TransactWriteItems", 1.0)],
    );
    let before = sim.faults.ledger();
    sim.issue(&[graduate(2)], &[], Some("k")).await.expect("issued");
    let keyed = sim.faults.ledger() - &before;
    assert!(keyed.all_calls() <= 5.0, "{:?}", keyed.calls);
    sim.drain().await.expect("an end");
    let one = count(&mut sim, "one at once, external", &[graduate(3)]).await;
    one.within(&ONE_EXTERNAL, [0.0; 4]);
    enroll(&sim, &[insider(4)]).await;
    let inside = count(&mut sim, "one at once, internal", &[insider(4)]).await;
    inside.within(&ONE_INTERNAL, [0.0; 4]);
    let again = count(&mut sim, "one at once, duplicate", &[graduate(3)]).await;
    again.within(&ONE_DUPLICATE, [0.0; 4]);
    if table() {
        for counted in [one, inside, again] {
            lines.push(counted.row());
            lines.extend(counted.indexes());
        }
        show(&lines);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_consumers_of_one_job_meet_no_more_conflicts_than_one() {
    let mut sim = warm().await;
    let mut first = 1;
    let mut alone = None;
    for consumers in [1_u32, 4, 16] {
        let people: Vec<Value> = (first..first + 1_000).map(graduate).collect();
        first += 1_000;
        let before = sim.faults.ledger();
        sim.issue(&people, &[], None).await.expect("accepted");
        let processes = sim.processes(consumers as usize);
        let (mut together, mut returned) = (0, 0);
        while let Some((had, back)) = sim.deliver_to(&processes, 20).await {
            together = together.max(had);
            returned += back;
        }
        let work = sim.faults.ledger() - &before;
        sim.drain().await.expect("an end");
        assert_eq!(together, consumers as usize, "so many work at the same time");
        assert_eq!(returned, 0, "messages that came back from {consumers} consumers");
        assert_eq!(work.retries, 0.0, "calls made again by {consumers} consumers");
        assert_eq!(work.refused, BTreeMap::new(), "conditions refused to {consumers} consumers");
        let writes = work.writes.values().sum::<f64>();
        let least = *alone.get_or_insert(writes);
        let allowed = least + COLD * f64::from(consumers - 1);
        assert!(writes <= allowed, "{consumers} consumers: {writes} write units, alone {least}");
        if table() {
            let calls = work.all_calls() / 1e3;
            let writes = writes / 1e3;
            show(&[format!(
                "{consumers} consumers: {calls:.2} calls, {writes:.2} write units a row; nothing refused, repeated or returned"
            )]);
        }
    }
}
