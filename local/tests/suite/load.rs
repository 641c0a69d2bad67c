//! Many clients at once against the stack as people start it, on a data folder: they issue,
//! repeat themselves and poll. No 5xx, no wrong answer; in the long run, for a minute, and
//! memory stays flat.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    crashes::long,
    harness::{check_sums, person},
    process::Process,
};

/// Calls and how long each took.
#[derive(Debug, Default)]
struct Record {
    took: Vec<Duration>,
}

/// A client that repeats: a single issue, the same again, a small job, its end.
async fn client(process: Arc<Process>, number: u32, until: Instant, record: Arc<Mutex<Record>>) {
    let base = process.setting("BASE_URL").to_owned();
    let template = process.setting("TEMPLATE_ID").to_owned();
    let ask = async |method: &str, path: &str, body: Option<&Value>| {
        let began = Instant::now();
        let (status, answer) = process.ask(method, &format!("{base}{path}"), body).await;
        record.lock().expect("lock").took.push(began.elapsed());
        assert!(status < 300, "{status} {answer}");
        answer
    };
    let mut round = 0;
    while round == 0 || Instant::now() < until {
        let first = number * 100_000 + round * 10;
        let one = person(first);
        let body = json!({ "template_id": template, "recipients": [one] });
        let issued = ask("POST", "/credentials/issue", Some(&body)).await;
        let issued = &issued["credentials"][0];
        assert_eq!((&issued["email"], &issued["duplicate"]), (&one["email"], &json!(false)));
        let again = ask("POST", "/credentials/issue", Some(&body)).await;
        let again = &again["credentials"][0];
        assert_eq!(again["duplicate"], true);
        assert_eq!(again["credential_id"], issued["credential_id"]);
        let rows: Vec<Value> = (first..first + 3).map(person).collect();
        let body = json!({ "template_id": template, "recipients": rows });
        let job = ask("POST", "/credentials/issue", Some(&body)).await;
        let path = format!("/jobs/{}", job["job_id"].as_str().expect("job_id"));
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        let status = loop {
            tick.tick().await;
            let status = ask("GET", &path, None).await;
            if status["status"] == "SUCCESS" {
                break status;
            }
        };
        check_sums(&status["result"]);
        let result = &status["result"];
        assert_eq!((&result["successful"], &result["duplicates"]), (&json!(3), &json!(1)));
        round += 1;
    }
}

/// Resident memory of a process, in KiB.
fn resident(id: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_at_once_get_right_answers_and_memory_stays_flat() {
    let (clients, lasts) = if long() { (200, 60) } else { (20, 3) };
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().to_str().expect("a path");
    let process = Arc::new(Process::start(&["--port", "0", "--data", data]).await);
    let record = Arc::new(Mutex::new(Record::default()));
    let began = Instant::now();
    let until = began + Duration::from_secs(lasts);
    let id = process.id();
    let sampling = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        let mut samples = Vec::new();
        while Instant::now() < until {
            tick.tick().await;
            samples.push(resident(id));
        }
        samples
    });
    let running: Vec<_> = (0..clients)
        .map(|n| tokio::spawn(client(Arc::clone(&process), n, until, Arc::clone(&record))))
        .collect();
    for client in running {
        client.await.expect("right answers");
    }
    let took = began.elapsed();
    let samples = sampling.await.expect("samples");
    let quarter = samples.len() / 4;
    let second = median(samples.get(quarter..2 * quarter).unwrap_or_default());
    let last = median(samples.get(3 * quarter..).unwrap_or_default());
    let mut calls = std::mem::take(&mut record.lock().expect("lock").took);
    calls.sort_unstable();
    let at = |share: usize| calls.get(calls.len() * share / 100).copied().unwrap_or_default();
    eprintln!(
        "{clients} clients, {} calls in {took:?}, p50 {:?}, p99 {:?}; resident {second} KiB, then {last} KiB",
        calls.len(),
        at(50),
        at(99)
    );
    if long() {
        assert!(last * 4 <= second * 5, "memory grows: {second} KiB, then {last} KiB");
    }
}
