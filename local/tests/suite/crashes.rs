//! Crash points: the process dies at every call of a scenario that writes, after it was done. What is stored after a
//! call that only reads is what was stored before it, so those are sampled, and so are crashes before a call
//! arrives; the long run tries both at every call. Then the messages come again, the sweeper runs, the client repeats unanswered
//! requests, and the oracle checks. A run without faults counts the calls.
//!
//! Random plans: faults of every kind in every call with a small chance, rough delivery, clock
//! jumps; a printed seed repeats a plan (`SEED=…`). The machine decides the order of calls that
//! run at the same time, so a repeated plan can meet other calls.

mod changes;
mod claims;
mod erasures;
mod sheets;

use std::{collections::BTreeSet, future::Future, ops::Range, pin::Pin, time::Duration};

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

pub use self::{
    changes::{
        blocking, correction, days_and_facts, ends_after_a_month, export, facts_by_file, printing,
        renewal, status_changes, with_facts,
    },
    claims::lost_link,
    erasures::{erasure, erasure_and_reissue, expect_no_more, nothing_is_left},
};
use crate::{
    faults::Fault,
    harness::person,
    notices,
    oracle::Figures,
    sim::{Delivery, Sim},
};

/// Runs at the same time; the machine's cores are few.
const SIDE_BY_SIDE: usize = 3;

/// A scenario at work.
pub type Run<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// The work of a run before everything is drained.
pub type Scenario = for<'a> fn(&'a mut Sim) -> Run<'a>;

/// Whether `LONG=1` is set.
pub fn long() -> bool {
    std::env::var("LONG").is_ok_and(|value| value == "1")
}

/// The seed of this run, printed so that `SEED` can repeat it.
pub fn seed(what: &str) -> u64 {
    let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    eprintln!("{what}: SEED={seed}");
    seed
}

fn people(rows: std::ops::RangeInclusive<u32>) -> Vec<Value> {
    rows.map(person).collect()
}

/// Issues to one recipient at once; the id of the credential.
async fn issue_one(sim: &mut Sim, person: &[Value]) -> Result<String> {
    let issued = sim.issue(person, person, None).await?.json();
    Ok(issued["credentials"][0]["credential_id"].as_str().context("id")?.to_owned())
}

pub fn one(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=1);
        sim.issue(&people, &people, None).await?;
        Ok(())
    })
}

pub fn one_with_a_key(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=1);
        sim.issue(&people, &people, Some("k")).await?;
        Ok(())
    })
}

pub fn job_of_3(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=3);
        sim.job(&people, &people, None).await?;
        Ok(())
    })
}

/// Two shards, and a key: a request that repeats a crashed fan-out continues the same job.
pub fn job_of_6(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=6);
        let job = sim.job(&people, &people, Some("k")).await?;
        sim.drain().await?;
        let jobs = sim.world.get("/jobs").await;
        ensure!(jobs["items"].as_array().is_some_and(|jobs| jobs.len() == 1), "{jobs}");
        ensure!(jobs["items"][0]["job_id"] == job.as_str(), "{jobs}");
        Ok(())
    })
}

/// Internal, external, invalid and repeated rows, and one that was issued before.
pub fn mixed_job(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let before = people(1..=1);
        sim.issue(&before, &before, None).await?;
        sim.own_part();
        let mut rows = people(1..=5);
        let mut valid = rows.clone();
        for name in ["ana.rojas", "benjamin.soto", "carla.diaz"] {
            let member = json!({ "email": format!("{name}@demo.example"), "result_value": "B" });
            valid.push(member.clone());
            rows.push(member);
        }
        rows.extend([
            json!({ "email": "invalido@test", "recipient_name": "X", "result_value": "A" }),
            json!({ "email": "otra@ejemplo.com", "recipient_name": "X", "result_value": "Z" }),
            json!({ "email": "nadie@ejemplo.com", "result_value": "A" }),
        ]);
        rows.extend(people(4..=5));
        let job = sim.job(&rows, &valid, None).await?;
        sim.drain().await?;
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["failed"] == 3 && result["successful"] == 10, "{result}");
        ensure!(result["internal_count"] == 3, "{result}");
        Ok(())
    })
}

/// A mail that SES refuses, a retry that sends it, a second retry, and one mail again.
pub fn retry(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=3);
        let refused = Fault::SesError(400, "MessageRejected", "Address is on the list");
        sim.faults.on_calls_with("SendRawEmail", "persona2%40", 0..10_000, refused);
        let job = sim.job(&people, &people, Some("k")).await?;
        sim.drain().await?;
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["emails_failed"] == 1, "{result}");
        sim.faults.heal_plan();
        let path = format!("/jobs/{job}/retry");
        // A retry that died half-way has opened the job: it ends again, and is retried again.
        for _ in 0..2 {
            sim.insist("POST", &path, None, None).await?;
            // The second call meets a running job, or nothing to retry.
            let again = sim.insist("POST", &path, None, None).await?;
            ensure!([200, 202, 409].contains(&again.status), "{}", again.body);
            sim.drain().await?;
        }
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["emails_sent"] == 3, "{result}");
        Ok(())
    })
}

/// A job that is cancelled while it runs.
pub fn cancel(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=6);
        sim.stopped = true;
        let job = sim.job(&people, &people, None).await?;
        sim.deliver(3).await;
        sim.deliver(2).await;
        let path = format!("/jobs/{job}/cancel");
        let answer = sim.insist("POST", &path, None, None).await?;
        // A request that died after the cancellation gets its answer on repetition.
        ensure!(answer.status == 200 || answer.status == 409, "{}", answer.body);
        let again = sim.insist("POST", &path, None, None).await?;
        ensure!(again.status == answer.status, "{}", again.body);
        Ok(())
    })
}

/// A job whose messages are lost after the sweeper's last attempt to queue it.
pub fn give_up(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=3);
        sim.stopped = true;
        let job = sim.job(&people, &people, Some("k")).await?;
        sim.deliver(2).await;
        sim.own_part();
        sim.lose_messages().await;
        sim.clock.jump(Duration::from_secs(60));
        sim.sweep().await;
        set_sweeps(sim, &job).await?;
        sim.drain().await?;
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["total"] == 3, "{result}");
        Ok(())
    })
}

/// Sets a job's count of sweeps to the maximum.
pub async fn set_sweeps(sim: &Sim, job: &str) -> Result<()> {
    use aws_sdk_dynamodb::types::AttributeValue::{N, S};
    let app = sim.world.stack.app();
    let update = app.dynamodb.update_item().table_name(&app.config.jobs_table);
    let update = update.key("pk", S(format!("JOB#{job}"))).key("sk", S("JOB".to_owned()));
    update
        .update_expression("SET sweeps = :n")
        .expression_attribute_values(":n", N("8".to_owned()))
        .send()
        .await?;
    Ok(())
}

/// A sent mail is sent again by request.
pub fn resend(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=1);
        let id = issue_one(sim, &people).await?;
        sim.drain().await?;
        sim.own_part();
        sim.clock.jump(Duration::from_secs(360));
        sim.resends = 1;
        let answer = sim.insist("POST", &format!("/credentials/{id}/resend"), None, None).await?;
        ensure!(answer.status == 202 || answer.status == 409, "{}", answer.body);
        let again = sim.insist("POST", &format!("/credentials/{id}/resend"), None, None).await?;
        ensure!(again.status == 409, "{}", again.body);
        Ok(())
    })
}

/// The failed mail of an ended job is sent again by request.
pub fn resend_of_a_job(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=2);
        let refused = Fault::SesError(400, "MessageRejected", "Address is on the list");
        sim.faults.on_calls_with("SendRawEmail", "persona2%40", 0..10_000, refused);
        let job = sim.job(&people, &people, Some("k")).await?;
        sim.drain().await?;
        sim.faults.heal_plan();
        sim.own_part();
        let results = sim.world.get(&format!("/jobs/{job}/results")).await;
        let id = results["items"][1]["credential_id"].as_str().context("id")?.to_owned();
        sim.clock.jump(Duration::from_secs(360));
        sim.insist("POST", &format!("/credentials/{id}/resend"), None, None).await?;
        sim.drain().await?;
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["emails_sent"] == 2 && result["emails_failed"] == 0, "{result}");
        Ok(())
    })
}

/// Rows that look alike and rows that cleaning changes, in a job and one at once, a cancelled job
/// among them.
pub fn cleaned(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let spelled = |n: u32, name: &str| {
            let mut person = person(n);
            person["recipient_name"] = name.into();
            person
        };
        let at_once = [spelled(1, "Persona  Zorrilla 1")];
        let first = sim.issue(&at_once, &at_once, None).await?.json();
        let people = [
            spelled(1, "Persona\u{a0}Zorrilla 1"),
            spelled(2, "Persona  Zorrilla 2"),
            spelled(2, "Persona Zorrilla 2"),
            spelled(3, "\u{200b}Persona Zorrilla 3"),
            person(4),
        ];
        let job = sim.job(&people, &people, None).await?;
        sim.drain().await?;
        let again = sim.issue(&at_once, &[], None).await?.json();
        let (first, again) = (&first["credentials"][0], &again["credentials"][0]);
        ensure!(first["credential_id"] == again["credential_id"], "{first} {again}");
        let rows = sim.world.get(&format!("/jobs/{job}/results")).await["items"].clone();
        ensure!(rows[0]["credential_id"] == first["credential_id"], "{first} {rows}");
        ensure!(rows[1]["credential_id"] == rows[2]["credential_id"], "{rows}");
        Ok(())
    })
}

/// A job of rows that cleaning changes is cancelled while it runs.
pub fn cleaned_and_cancelled(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let mut people = people(1..=6);
        for person in &mut people {
            let name = person["recipient_name"].as_str().unwrap_or_default().replace(' ', "  ");
            person["recipient_name"] = name.into();
        }
        sim.stopped = true;
        let job = sim.job(&people, &people, None).await?;
        sim.deliver(4).await;
        let path = format!("/jobs/{job}/cancel");
        let answer = sim.insist("POST", &path, None, None).await?;
        ensure!(answer.status == 200 || answer.status == 409, "{}", answer.body);
        Ok(())
    })
}

/// A file of two shards with one faulty row, and one that is warned of, arrives, is read, and gets its results.
pub fn file_of_6(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let mut people = people(1..=5);
        people[4]["recipient_name"] = "nan".into();
        let mut file = "Correo;Nombre;Nota\r\n".to_owned();
        for person in &people {
            let text = |name: &str| person[name].as_str().unwrap_or_default();
            file += &[text("email"), text("recipient_name"), text("result_value")].join(";");
            file += "\r\n";
        }
        file += "nadie;Nadie;A\r\n";
        let upload = sim.upload(file.as_bytes(), &people).await?;
        sim.drain().await?;
        let upload = sim.world.get(&format!("/uploads/{upload}")).await;
        let job = upload["job_id"].as_str().context("the file began a job")?;
        let status = sim.world.get(&format!("/jobs/{job}")).await;
        ensure!(status["result"]["successful"] == 5, "{status}");
        ensure!(status["result"]["failed"] == 1, "{status}");
        ensure!(status["warnings"][0]["count"] == 1, "counted once: {status}");
        ensure!(status["result"]["results_file"].is_string(), "{status}");
        let results = sim.world.results_file(job).await;
        ensure!(results.matches(";issued;").count() == 5, "{results}");
        let jobs = sim.world.get("/jobs").await;
        ensure!(jobs["items"].as_array().is_some_and(|jobs| jobs.len() == 1), "{jobs}");
        Ok(())
    })
}

/// Three credentials that the stack issued; their ids.
async fn three_issued(sim: &mut Sim) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for person in people(1..=3) {
        let issued = sim.world.issue_one(&person).await;
        ids.push(issued["credential_id"].as_str().context("id")?.to_owned());
        let text = |name: &str| person[name].as_str().unwrap_or_default().to_owned();
        sim.expected.insert((text("email"), text("result_value")));
    }
    sim.drain().await?;
    Ok(ids)
}

/// A file corrects a name and an address, repeats a row, names one credential as it is, and
/// issues another.
pub fn corrections_by_file(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let ids = three_issued(sim).await?;
        let row = |n: u32, email: &str, name: &str, id: &str| {
            let person = person(n);
            let text = |value: &str, field: &str| match value {
                "" => person[field].as_str().unwrap_or_default().to_owned(),
                other => other.to_owned(),
            };
            let cells = [text(email, "email"), text(name, "recipient_name"), "A".into(), id.into()];
            cells.join(",") + "\n"
        };
        let new = "corregida@ejemplo.com";
        let file = [
            "email,name,grade,credential_id\n".to_owned(),
            row(1, "", "Persona Corregida", &ids[0]),
            row(2, new, "", &ids[1]),
            row(3, "", "", &ids[2]),
            row(4, "", "", ""),
            row(1, "", "Persona Corregida", &ids[0]),
        ]
        .concat();
        sim.expected.remove(&("persona2@ejemplo.com".to_owned(), "A".to_owned()));
        for email in [new, "persona4@ejemplo.com"] {
            sim.expected.insert((email.to_owned(), "A".to_owned()));
        }
        sim.resends = 1;
        let upload = sim.correct(file.as_bytes()).await?;
        sim.drain().await?;
        let upload = sim.world.get(&format!("/uploads/{upload}")).await;
        let job = upload["job_id"].as_str().context("the file began a job")?;
        let result = sim.world.get(&format!("/jobs/{job}")).await["result"].clone();
        ensure!(result["successful"] == 5 && result["corrected"] == 2, "{result}");
        ensure!(result["duplicates"] == 2, "{result}");
        for (id, version) in ids.iter().zip([2, 2, 1]) {
            let credential = sim.world.get(&format!("/credentials/{id}")).await;
            ensure!(credential["version"] == version, "{credential}");
        }
        let mails = sim.world.mails_now(new).await;
        ensure!(!mails.is_empty(), "the new address was not mailed");
        Ok(())
    })
}

/// A file that corrects is cancelled while its rows are worked on.
pub fn corrections_cancelled(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let ids = three_issued(sim).await?;
        let mut file = "email,name,grade,credential_id\n".to_owned();
        for (n, id) in (1..=3).zip(&ids) {
            let person = person(n);
            let email = person["email"].as_str().unwrap_or_default();
            file += &format!("{email},Persona Corregida {n},A,{id}\n");
        }
        let upload = sim.correct(file.as_bytes()).await?;
        while sim.deliver_file().await {}
        sim.own_part();
        sim.deliver(2).await;
        let upload = sim.world.get(&format!("/uploads/{upload}")).await;
        if let Some(job) = upload["job_id"].as_str() {
            sim.insist("POST", &format!("/jobs/{job}/cancel"), None, None).await?;
        }
        sim.drain().await?;
        let jobs = sim.world.get("/jobs").await;
        let result = &jobs["items"][0]["result"];
        let mut corrected = 0;
        for id in &ids {
            let credential = sim.world.get(&format!("/credentials/{id}")).await;
            corrected += u32::from(credential["version"] == 2);
        }
        ensure!(result["corrected"] == corrected, "{corrected} were corrected: {result}");
        Ok(())
    })
}

/// The URL of an upload is used again, with another content.
pub fn upload_used_again(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=1);
        let row = |person: &Value| {
            ["email", "recipient_name", "result_value"]
                .map(|name| person[name].as_str().unwrap_or_default())
                .join(",")
        };
        let file = format!("email,name,grade\n{}\n", row(&people[0]));
        let allowed = sim.upload_to(file.as_bytes(), &people).await?;
        sim.drain().await?;
        sim.own_part();
        let other = file.replace("persona1", "persona2");
        let status = sim.world.put_file(&allowed["upload"], other.into_bytes()).await;
        ensure!(status == 200, "the bucket answers {status}");
        sim.drain().await?;
        let jobs = sim.world.get("/jobs").await;
        ensure!(jobs["items"].as_array().is_some_and(|jobs| jobs.len() == 1), "{jobs}");
        ensure!(jobs["items"][0]["result"]["successful"] == 1, "{jobs}");
        let path = allowed["status_url"].as_str().unwrap_or_default();
        let upload = sim.world.get(path.trim_start_matches("/api/v1")).await;
        ensure!(upload["job_id"] == jobs["items"][0]["job_id"], "{upload}");
        ensure!(upload["ignored"]["at"].is_string(), "{upload}");
        Ok(())
    })
}

/// A file whose columns nobody knows is refused, and shown to who has to say what they are.
pub fn refused_file(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let file = "email,name,grade,RUT\nana@ejemplo.com,Ana,A,1-9\n";
        let upload = sim.upload(file.as_bytes(), &[]).await?;
        sim.drain().await?;
        let upload = sim.world.get(&format!("/uploads/{upload}")).await;
        let job = upload["job_id"].as_str().context("the file began a job")?;
        let status = sim.world.get(&format!("/jobs/{job}")).await;
        ensure!(status["code"] == "unknown_column", "{status}");
        ensure!(status["columns"][3]["values"][0] == "1-9", "{status}");
        Ok(())
    })
}

/// A job revokes the credentials of another job.
pub fn revocation(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=6);
        let job = sim.job(&people, &people, Some("k")).await?;
        sim.drain().await?;
        sim.own_part();
        let body = json!({ "job_id": job, "reason": "Acta anulada" });
        let answer = sim.insist("POST", "/credentials/revoke", Some(&body), Some("r")).await?;
        ensure!(answer.status == 202, "{}", answer.body);
        let revoking = answer.json()["job_id"].as_str().context("a job")?.to_owned();
        sim.drain().await?;
        let job = sim.world.get(&format!("/jobs/{revoking}")).await;
        ensure!(job["result"]["successful"] == 6, "{job}");
        ensure!(job["result"]["duplicates"] == 0, "this job revoked them: {job}");
        let revoked = sim.world.get("/credentials?status=revoked").await;
        ensure!(revoked["items"].as_array().is_some_and(|c| c.len() == 6), "{revoked}");
        Ok(())
    })
}

/// The signing key is replaced and declared compromised; the status lists of two processes and
/// their credentials are signed again.
pub fn compromised_key(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let people = people(1..=2);
        let first = sim.issue(&people[..1], &people[..1], None).await?.json();
        // One that was begun, and whose answer was lost, is refused a second time.
        let begun = sim.insist("POST", "/status-lists", None, None).await?;
        ensure!([201, 429].contains(&begun.status), "{}", begun.body);
        // The stack's own process takes its indexes from the list that was begun.
        let second = sim.world.issue_one(&people[1]).await;
        let text = |name: &str| people[1][name].as_str().unwrap_or_default().to_owned();
        sim.expected.insert((text("email"), text("result_value")));
        let keys = sim.world.get("/signing-keys").await;
        let key = keys["items"][0]["multikey"].as_str().context("a key")?.to_owned();
        let rotated = sim.insist("POST", "/signing-keys", None, None).await?;
        ensure!(rotated.status == 201, "{}", rotated.body);
        let path = format!("/signing-keys/{key}/compromise");
        let why = json!({ "reason": "Clave filtrada" });
        let declared = sim.insist("POST", &path, Some(&why), None).await?;
        ensure!(declared.status == 200, "{}", declared.body);
        ensure!(declared.json()["compromised_at"].is_string(), "{}", declared.body);
        for id in [&first["credentials"][0]["credential_id"], &second["credential_id"]] {
            let path = format!("/credentials/{}", id.as_str().context("an id")?);
            let signed = sim.insist("PATCH", &path, Some(&json!({})), None).await?;
            ensure!(signed.status == 200 && signed.json()["version"] == 2, "{}", signed.body);
        }
        Ok(())
    })
}

/// 240 rows in 24 shards; 1,200 in 120 in the long run.
pub fn large_job(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        sim.with_shards_of(10);
        let people = people(1..=if long() { 1_200 } else { 240 });
        sim.job(&people, &people, None).await?;
        Ok(())
    })
}

/// The calls of a run.
struct Calls {
    /// The scenario's own part of them, by number.
    own: Range<usize>,
    /// Those that write.
    writes: BTreeSet<usize>,
}

/// Runs a scenario with faults at some calls to its end, and asks the oracle.
async fn run(
    scenario: Scenario,
    seed: u64,
    prepare: impl FnOnce(&mut Sim),
) -> Result<(Figures, Calls)> {
    let mut sim = Sim::new(seed).await;
    prepare(&mut sim);
    scenario(&mut sim).await?;
    let (faults, own) = (sim.faults.clone(), sim.first_own_call());
    let figures = sim.finish().await?;
    Ok((figures, Calls { own: own..faults.count(), writes: faults.writes() }))
}

/// Runs some at a time; fails with all failures, else returns the sum of the figures.
async fn all<F>(name: &str, runs: Vec<(String, F)>) -> Figures
where
    F: Future<Output = Result<(Figures, Calls)>> + Send + 'static,
{
    let count = runs.len();
    let mut outcomes = stream::iter(runs)
        .map(|(point, run)| async move { (point, tokio::spawn(run).await) })
        .buffer_unordered(SIDE_BY_SIDE);
    let (mut sum, mut failed) = (Figures::default(), Vec::new());
    while let Some((point, outcome)) = outcomes.next().await {
        match outcome {
            Ok(Ok((figures, _))) => sum.add(figures),
            Ok(Err(error)) => failed.push(format!("{name}, {point}: {error:#}")),
            Err(error) => failed.push(format!("{name}, {point}: {error}")),
        }
    }
    eprintln!("{name}: {count} runs, {sum:?}");
    assert!(failed.is_empty(), "{} of {count} failed\n{}", failed.len(), failed.join("\n"));
    sum
}

/// The crashes of a scenario, each at the number of a call, before it arrives or after it was done.
fn points(calls: Calls) -> Vec<(usize, bool)> {
    if long() {
        return (0..calls.own.end).flat_map(|call| [(call, false), (call, true)]).collect();
    }
    let (own, writes) = (calls.own, calls.writes);
    let done = own.clone().filter(|call| writes.contains(call) || call.is_multiple_of(4));
    let before = own.filter(|call| call.is_multiple_of(8));
    before.map(|call| (call, false)).chain(done.map(|call| (call, true))).collect()
}

/// A crash at every call of a scenario.
pub async fn every_point(name: &'static str, scenario: Scenario) {
    let (_, calls) = run(scenario, 0, |_| {}).await.expect("it ends without faults");
    let runs: Vec<_> = points(calls)
        .into_iter()
        .map(|(call, done)| {
            let crash = move |sim: &mut Sim| sim.faults.at(call, Fault::Gone { done });
            (format!("call {call} done {done}"), run(scenario, 0, crash))
        })
        .collect();
    let count = runs.len();
    let sum = all(name, runs).await;
    // After a crash some runs make fewer calls than the one without faults.
    assert!(sum.faults * 4 >= count * 3, "{} of {count} crashes happened", sum.faults);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_recipient_survives_a_crash_at_every_call() {
    every_point("one recipient", one).await;
    every_point("one recipient with a key", one_with_a_key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_one_shard_survives_a_crash_at_every_call() {
    every_point("job of 3", job_of_3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_two_shards_with_a_key_survives_a_crash_at_every_call() {
    every_point("job of 6", job_of_6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_mixed_rows_survives_a_crash_at_every_call() {
    every_point("mixed job", mixed_job).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_is_cleaned_survives_a_crash_at_every_call() {
    every_point("cleaned", cleaned).await;
    every_point("cleaned and cancelled", cleaned_and_cancelled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_survives_a_crash_at_every_call() {
    every_point("retry", retry).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_survives_a_crash_at_every_call() {
    every_point("cancel", cancel).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn giving_up_survives_a_crash_at_every_call() {
    every_point("give up", give_up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_is_sent_again_survives_a_crash_at_every_call() {
    every_point("resend", resend).await;
    every_point("resend of a job", resend_of_a_job).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_of_ses_survive_a_crash_at_every_call() {
    every_point("reports", notices::of_a_job).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoking_and_suspending_survive_a_crash_at_every_call() {
    every_point("status changes", status_changes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_survives_a_crash_at_every_call() {
    every_point("block", blocking).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_survives_a_crash_at_every_call() {
    every_point("export", export).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_for_print_survive_a_crash_at_every_call() {
    every_point("certificates for print", printing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_survives_a_crash_at_every_call() {
    every_point("correction", correction).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_survives_a_crash_at_every_call() {
    every_point("renewal", renewal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_and_facts_survive_a_crash_at_every_call() {
    every_point("days and facts", days_and_facts).await;
    every_point("facts by file", facts_by_file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_survives_a_crash_at_every_call() {
    every_point("erasure", erasure).await;
    every_point("erasure and reissue", erasure_and_reissue).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_compromise_of_a_key_survives_a_crash_at_every_call() {
    every_point("compromised key", compromised_key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_revokes_survives_a_crash_at_every_call() {
    every_point("revocation", revocation).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_for_a_lost_link_survives_a_crash_at_every_call() {
    every_point("lost link", lost_link).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_survives_a_crash_at_every_call() {
    every_point("file of 6", file_of_6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spreadsheet_survives_a_crash_at_every_call() {
    every_point("spreadsheet of 5", sheets::spreadsheet_of_5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrections_by_file_survive_a_crash_at_every_call() {
    every_point("corrections by file", corrections_by_file).await;
    every_point("corrections cancelled", corrections_cancelled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_is_used_again_survives_a_crash_at_every_call() {
    every_point("upload used again", upload_used_again).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_file_survives_a_crash_at_every_call() {
    every_point("refused file", refused_file).await;
}

/// Forty crashes a run, at sampled calls; one a run in the long run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_job_survives_crashes_at_200_sampled_calls() {
    let seed = seed("large job");
    let mut sim = Sim::new(seed).await;
    large_job(&mut sim).await.expect("it is accepted");
    let faults = sim.faults.clone();
    let figures = sim.finish().await.expect("it ends without faults");
    let calls = faults.count();
    let (most, all_writes) = faults.seen(|seen| {
        (seen.writes.values().max().copied().unwrap_or(0), seen.writes.values().sum::<usize>())
    });
    assert!(most * 10 <= all_writes, "one partition key takes {most} of {all_writes} writes");
    eprintln!("large job: {calls} calls, {figures:?}");
    let (count, each) = if long() { (200, 1) } else { (5, 40) };
    let mut rng = fastrand::Rng::with_seed(seed);
    let runs = (0..count)
        .map(|number| {
            let points: Vec<(usize, bool)> =
                (0..each).map(|_| (rng.usize(0..calls), rng.bool())).collect();
            let crash = move |sim: &mut Sim| {
                for (call, done) in points {
                    sim.faults.at(call, Fault::Gone { done });
                }
            };
            (format!("run {number}"), run(large_job, seed, crash))
        })
        .collect();
    all("large job", runs).await;
}

/// Faults of every kind, rough delivery, several scenarios in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_plans_of_all_faults_end_right() {
    let first = seed("random plans");
    let count = if long() { 1_000 } else { 60 };
    let scenarios: [(&str, Scenario); 17] = [
        ("days and facts", days_and_facts),
        ("facts by file", facts_by_file),
        ("erasure", erasure),
        ("reports", notices::of_a_job),
        ("corrections by file", corrections_by_file),
        ("cleaned", cleaned),
        ("file of 6", file_of_6),
        ("one with a key", one_with_a_key),
        ("job of 3", job_of_3),
        ("job of 6", job_of_6),
        ("cancel", cancel),
        ("one", one),
        ("mixed job", mixed_job),
        ("status changes", status_changes),
        ("correction", correction),
        ("revocation", revocation),
        ("block", blocking),
    ];
    let runs = (first..first + count)
        .map(|seed| {
            let at = usize::try_from(seed).unwrap_or(0) % scenarios.len();
            let (name, scenario) = &scenarios[at];
            let plan = move |sim: &mut Sim| {
                sim.trouble = 1 + u32::try_from(seed % 12).unwrap_or(0);
                sim.delivery = Delivery::Rough;
            };
            (format!("{name} SEED={seed}"), run(*scenario, seed, plan))
        })
        .collect();
    all("random plans", runs).await;
}
