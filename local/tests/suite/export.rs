//! What an organization holds about a person, given to them in one archive.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::Stdio,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use local::Options;
use serde_json::{Value, json};
use unicreda::{
    domain::{api_key::Scope, ids::Mode},
    jobs::sweep::{self, SweepMode},
};

use crate::{
    catalog::key_of,
    data::{Document, Row},
    erasure::scan::{Marks, places},
    faults::{Fault, Faults},
    feedback::{bounced, complained, report},
    harness::{World, person},
    python, queues,
};

const EMAIL: &str = "qxvpedida@ejemplo.com";
const NAME: &str = "Qxvéra Pedida";
const PATH: &str = "/people/qxvpedida@ejemplo.com/export";

fn theirs() -> Value {
    json!({ "email": EMAIL, "recipient_name": NAME, "result_value": "A" })
}

/// The files of an archive, as a program that is not ours reads them.
pub fn unzipped(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    const READ: &str = "import base64, io, json, sys, zipfile
archive = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
assert archive.testzip() is None
files = {name: base64.b64encode(archive.read(name)).decode() for name in archive.namelist()}
assert len(files) == len(archive.namelist())
json.dump(files, sys.stdout)";
    let mut child = python::plain()
        .args(["-c", READ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python");
    child.stdin.take().expect("a pipe").write_all(bytes).expect("written");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success());
    let files: BTreeMap<String, String> = serde_json::from_slice(&output.stdout).expect("JSON");
    files.into_iter().map(|(name, text)| (name, STANDARD.decode(text).expect("base64"))).collect()
}

/// Exports a person, and follows the job to its end.
async fn exported(world: &World, path: &str) -> Value {
    let accepted = world.call("GET", path, None).await.expect(202).json();
    let job = accepted["job_id"].as_str().expect("job_id").to_owned();
    world
        .until("the export ends", async || {
            let status = world.get(&format!("/jobs/{job}")).await;
            (status["status"] == "SUCCESS").then_some(status)
        })
        .await
}

fn link(job: &Value) -> String {
    format!("/jobs/{}/results/file", job["job_id"].as_str().expect("an id"))
}

async fn archive(world: &World, job: &Value) -> BTreeMap<String, Vec<u8>> {
    let found = world.get(&link(job)).await;
    assert_eq!(found["file_name"], "datos-personales.zip");
    let (status, bytes) = world.fetch(found["url"].as_str().expect("a URL")).await;
    assert_eq!(status, 200);
    unzipped(&bytes)
}

async fn objects(world: &World, prefix: &str) -> Vec<String> {
    let files = world.stack.app().files.as_ref().expect("files");
    let list = files.client().list_objects_v2().bucket(files.bucket()).prefix(prefix);
    let found = list.send().await.expect("objects");
    found.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
}

fn id_of(answer: &Value) -> String {
    answer["credential_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Where the service holds something of a person, as `docs/data.md` names it, of what an archive shows.
const MEMBER: &str = "catalog MEMBERS#{org}#{partition} / {address}";
const SUPPRESSION: &str = "catalog SUPPRESSED#{org} / {address}";
const TEST_SUPPRESSION: &str = "catalog SUPPRESSED#{org}#test / {address}";
const CREDENTIAL: &str = "credentials {id}";
const HISTORY: &str = "credentials EVENT#{id}#{revision}";
const TEST_MAIL: &str = "credentials MAIL#{id}";
const JOB: &str = "jobs JOB#{job} / JOB";
const COLUMNS: &str = "jobs JOB#{job} / COLUMNS";
const INPUTS: &str = "jobs {job}#{shard} / IN#{piece}";
const FAILURE: &str = "jobs {job}#{shard} / F#{row}";
const HOLDS: &str = "jobs {job}#{shard} / N#{row}";
const CHANGES: &str = "jobs {job}#{shard} / C#{row}";

/// Places that an erasure cleans and an archive does not show, and why.
const NOT_SHOWN: [(&str, &str); 10] = [
    ("jobs {job}#{shard} / W#{row}", "it names another person, too"),
    ("jobs SEEN#{job}#{hash} / SEEN", "the row says the same"),
    ("jobs UPLOAD#{upload} / UPLOAD", "the job of the file has its name"),
    ("bucket incoming/{mode}/{org}/{path…}", "its rows are shown as they were sent"),
    ("bucket results/{mode}/{org}/{path…}", "its rows are shown with their outcomes"),
    ("bucket sheets/{mode}/{org}/{path…}", "its rows are shown as they were sent"),
    ("bucket exports/{path…}", "it was given to the person"),
    ("bucket prints/{path…}", "it is made of the credentials, and ends after a day"),
    ("queue issue-dead", "the row is one of its job"),
    ("queue feedback-dead", "the mail is one of its credential"),
];

/// A place, the calls that read it (their operation, and a text in them), a fault of these, and the other
/// places that an archive lacks without it.
type Unread = (&'static str, (&'static str, &'static str), Fault, &'static [&'static str]);

static UNREAD: [Unread; 12] = [
    (MEMBER, ("Query", "MEMBERS#"), Fault::Ignored, &[]),
    (SUPPRESSION, ("Query", "SUPPRESSED#demo\""), Fault::Ignored, &[]),
    (TEST_SUPPRESSION, ("Query", "SUPPRESSED#demo#test\""), Fault::Ignored, &[]),
    (CREDENTIAL, ("Query", "\"by_email\""), Fault::Ignored, &[HISTORY, TEST_MAIL]),
    (HISTORY, ("BatchGetItem", "EVENT#"), Fault::Ignored, &[]),
    (TEST_MAIL, ("GetItem", "MAIL#"), Fault::Ignored, &[]),
    (JOB, ("Query", "\"by_org\""), Fault::Ignored, &[COLUMNS, INPUTS, FAILURE, HOLDS, CHANGES]),
    (COLUMNS, ("GetItem", "\"COLUMNS\""), Fault::Ignored, &[]),
    (INPUTS, ("Query", ""), Fault::Unread("IN#"), &[JOB, COLUMNS, FAILURE, HOLDS, CHANGES]),
    (FAILURE, ("Query", ""), Fault::Unread("F#"), &[]),
    (HOLDS, ("Query", ""), Fault::Unread("N#"), &[]),
    (CHANGES, ("Query", ""), Fault::Unread("C#"), &[]),
];

/// What is held of the person, beside others.
struct Held {
    /// A credential, its signed documents before and after a correction, and one in test mode.
    id: String,
    versions: [Bytes; 2],
    trial: String,
    /// Another person's credential, which the person had by mistake.
    mistaken: String,
}

/// The places that the files of an archive do not show.
fn lacking(files: &BTreeMap<String, Vec<u8>>, held: &Held) -> BTreeSet<&'static str> {
    let Held { id, versions, trial, mistaken } = held;
    let person: Value = serde_json::from_slice(&files["person.json"]).expect("JSON");
    let list = |name: &str| person[name].as_array().cloned().unwrap_or_else(|| panic!("{person}"));
    let (suppressions, rows) = (list("suppressions"), list("job_rows"));
    let suppressed = |mode: &str, reason: &str| {
        suppressions.iter().any(|entry| entry["mode"] == mode && entry["reason"] == reason)
    };
    let of = |id: &str| {
        let credentials = list("credentials");
        credentials.into_iter().find(|one| one["credential_id"] == id).unwrap_or_default()
    };
    // Byte for byte as they were signed, the replaced version too.
    let [first, second] = versions;
    let has = |name: String| files.contains_key(&name);
    let is = |name: String, bytes: &Bytes| files.get(&name).is_some_and(|file| file == bytes);
    let row = |kind: &str, is: fn(&Value) -> bool| {
        rows.iter().any(|row| row["job_kind"] == kind && row["sent"]["email"] == EMAIL && is(row))
    };
    let (event, former) = (&of(id)["history"][0], &person["former_versions"][0]);
    let shown = [
        (MEMBER, person["member"]["email"] == EMAIL && person["member"]["role"] == "Docente"),
        (SUPPRESSION, suppressed("live", "bounced")),
        (TEST_SUPPRESSION, suppressed("test", "complained")),
        (
            CREDENTIAL,
            of(id)["email_status"] == "bounced"
                && is(format!("credentials/{id}.json"), second)
                && has(format!("credentials/{trial}.json")),
        ),
        (
            HISTORY,
            event["reason"] == "Faltaba el semestre"
                && event["replaced_recipient"]["recipient_name"] == NAME
                && is(format!("credentials/{id}.v1.json"), first)
                && former["credential_id"] == mistaken.as_str()
                && former["recipient"]["recipient_name"] == NAME
                && has(format!("credentials/{mistaken}.v1.json")),
        ),
        (
            TEST_MAIL,
            of(trial)["test_mail"]["text"].as_str().is_some_and(|text| text.contains(NAME)),
        ),
        (JOB, row("dry_run", |row| row["file"] == "acta.csv")),
        (
            COLUMNS,
            row("dry_run", |row| {
                let values = row["column_values"].as_array();
                values.is_some_and(|values| values.iter().any(|column| column["value"] == NAME))
            }),
        ),
        (INPUTS, row("issue", |row| row["sent"]["email"] == EMAIL)),
        (FAILURE, row("issue", |row| row["errors"][0]["code"] == "invalid_result")),
        (HOLDS, row("dry_run", |row| row["also_holds"][0].is_string())),
        (CHANGES, row("dry_run", |row| row["changes"][0].is_object())),
    ];
    shown.into_iter().filter(|(_, is_shown)| !is_shown).map(|(place, _)| place).collect()
}

/// Leaves something of the person, and of others, wherever the service holds something.
async fn fill(world: &World) -> Held {
    let app = world.stack.app();
    let test = &world.demo.test_api_key;
    let member = json!({ "name": NAME, "role": "Docente" });
    world.call("PUT", &format!("/members/{EMAIL}"), Some(&member)).await.expect(201);
    // A credential, corrected, whose mail bounced; and one in test mode.
    let id = id_of(&world.issue_one(&theirs()).await);
    world.mail_ended(&id).await;
    let notice = bounced("Permanent", "General", &id, 0, EMAIL);
    assert!(report(app, &[notice.to_string()]).await.is_empty());
    let change = json!({ "term": "2026-1", "reason": "Faltaba el semestre" });
    let served = format!("/credential/{id}.json");
    let first = world.send("GET", &served, &[], "").await.expect(200).body;
    world.call("PATCH", &format!("/credentials/{id}"), Some(&change)).await.expect(200);
    let second = world.send("GET", &served, &[], "").await.expect(200).body;
    let trial = world.issue_as(test, &[theirs()]).await.expect(200).json();
    let trial = id_of(&trial["credentials"][0]);
    let mail = format!("/credentials/{trial}/mail");
    let is_kept =
        async || (world.call_as(test, "GET", &mail, None).await.status == 200).then_some(());
    world.until("the test mail is kept", is_kept).await;
    assert!(report(app, &[complained(&trial, 0, EMAIL).to_string()]).await.is_empty());
    // One that was issued to the person by mistake, and is another person's by now.
    let mistaken = json!({ "email": EMAIL, "recipient_name": NAME, "result_value": "C" });
    let mistaken = id_of(&world.issue_one(&mistaken).await);
    world.mail_ended(&mistaken).await;
    let other = json!({ "email": "ajena@ejemplo.com", "recipient_name": "Zulema Ajena" });
    world.call("PATCH", &format!("/credentials/{mistaken}"), Some(&other)).await.expect(200);
    // Rows: one that failed, one that was only checked, beside other people; one that would correct.
    let mut wrong = theirs();
    wrong["result_value"] = "Zeta".into();
    let job = world.start_job(&[person(1), wrong, person(2)]).await;
    world.success(&job).await;
    let file = format!(
        "email,recipient_name,result_value\nvecina@ejemplo.com,Vecina Qxvéra,A\n{EMAIL},{NAME},B\n"
    );
    let check = world.upload("acta.csv", file.as_bytes(), &json!({ "dry_run": true })).await;
    world.file_job(&check).await;
    let file =
        format!("email,recipient_name,result_value,credential_id\n{EMAIL},{NAME} Soto,A,{id}\n");
    let options = json!({ "dry_run": true, "correct": true });
    let check = world.upload("cambios.csv", file.as_bytes(), &options).await;
    assert_eq!(world.file_job(&check).await["result"]["corrected"], 1);
    Held { id, versions: [first, second], trial, mistaken }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_held_about_a_person_is_in_one_archive_and_nothing_of_anybody_else() {
    let world = World::new().await;
    let held = fill(&world).await;
    let Held { id, trial, mistaken, .. } = &held;

    let job = exported(&world, PATH).await;
    assert_eq!(job["kind"], "export");
    let result = &job["result"];
    assert_eq!((&result["credentials"], &result["members"]), (&json!(2), &json!(1)), "{job}");
    assert_eq!(result["rows"], 3, "{job}");
    assert!(job["reason"].is_null());

    let files = archive(&world, &job).await;
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let mut expected = vec![
        "LEEME.txt".to_owned(),
        format!("credentials/{id}.json"),
        format!("credentials/{id}.v1.json"),
        format!("credentials/{trial}.json"),
        format!("credentials/{mistaken}.v1.json"),
        "person.json".to_owned(),
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(lacking(&files, &held), BTreeSet::new());

    // Of nobody else: no row, no name, no address.
    for (name, bytes) in &files {
        let text = String::from_utf8(bytes.clone()).expect("UTF-8");
        for foreign in ["ajena", "Zulema", "vecina", "Vecina", "persona1", "persona2", "Zorrilla"] {
            assert!(!text.contains(foreign), "{foreign} in {name}: {text}");
        }
    }
    // The job and its message name nobody, and what was collected is in the archive alone.
    let id = job["job_id"].as_str().expect("an id");
    let found = places(&world, &Marks::of(&["qxvpedida", "Qxvéra"])).await;
    assert!(!found.iter().any(|place| place.contains(id) && !place.contains(".zip")), "{found:?}");
    assert_eq!(objects(&world, "exports/").await, [format!("exports/demo/{id}.zip")]);
}

/// The reads of an export are answered as if nothing were there, one place at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_place_that_an_export_does_not_read_is_missed_and_no_other() {
    let faults = Faults::default();
    let world = World::with(faults.under(Options::in_memory())).await;
    let held = fill(&world).await;
    let mut wrong = Vec::new();
    for (place, (operation, containing), fault, more) in &UNREAD {
        let before = faults.injected();
        faults.on_calls_with(operation, containing, 0..usize::MAX, fault.clone());
        let job = exported(&world, PATH).await;
        faults.heal_plan();
        assert!(faults.injected() > before, "{place}: no call was spoiled");
        let expected: BTreeSet<&str> = more.iter().chain([place]).copied().collect();
        let lacks = lacking(&archive(&world, &job).await, &held);
        if lacks != expected {
            wrong.push(format!("{place}: {lacks:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever an erasure cleans, an archive shows, or the reason is said.
#[test]
fn every_place_of_the_document_that_an_erasure_cleans_is_exported_or_excused() {
    let document = Document::read();
    let cleaned = document.rows.iter().filter(|row| row.is_cleaned()).map(Row::name);
    let cleaned: BTreeSet<String> = cleaned.collect();
    let shown = UNREAD.iter().map(|(place, ..)| *place);
    let known = shown.chain(NOT_SHOWN.iter().map(|(place, _)| *place)).filter(|at| *at != HOLDS);
    let known: BTreeSet<String> = known.map(str::to_owned).collect();
    assert_eq!(cleaned, known);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_a_refused_file_are_in_the_archive_and_others_data_are_not() {
    let world = World::new().await;
    // Another person's credential, which is corrected to be this person's.
    let theirs_before = json!({ "email": "ajena@ejemplo.com", "recipient_name": "Zulema Ajena", "result_value": "A" });
    let one = id_of(&world.issue_one(&theirs_before).await);
    let two = json!({ "email": "ajena@ejemplo.com", "recipient_name": "Zulema Ajena", "result_value": "B" });
    let two = id_of(&world.issue_one(&two).await);
    world.mail_ended(&one).await;
    world.mail_ended(&two).await;
    let change = json!({
        "email": EMAIL, "recipient_name": NAME, "reason": "No era de Zulema Ajena",
    });
    world.call("PATCH", &format!("/credentials/{one}"), Some(&change)).await.expect(200);
    // A dry run that would do the same with the other one.
    let file = format!("Correo;Nombre;Nota;credential_id\n{EMAIL};{NAME};B;{two}\n");
    let options = json!({ "correct": true, "dry_run": true });
    let check = world.upload("acta.csv", file.as_bytes(), &options).await;
    assert_eq!(world.file_job(&check).await["result"]["corrected"], 1);
    // Refused as a whole: in UTF-8, in one line with somebody else, in UTF-16.
    let refused = async |text: &[u8]| {
        let job = world.upload("lista.csv", text, &json!({})).await;
        assert_eq!(world.file_job(&job).await["status"], "FAILURE");
    };
    let own = format!("{EMAIL};{NAME};1-9");
    let head = "Correo;Nombre;RUT secreto\n";
    refused(format!("{head}vecina@ejemplo.com;Vecina;2-7\n{own}\n").as_bytes()).await;
    let both = format!("{head}vecina@ejemplo.com;Vecina {EMAIL};2-7\n");
    refused(both.as_bytes()).await;
    let wide: Vec<u8> =
        format!("\u{feff}{head}{own}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused(&wide).await;

    let job = exported(&world, PATH).await;
    let files = archive(&world, &job).await;
    let person: Value = serde_json::from_slice(&files["person.json"]).expect("JSON");
    let lines = person["refused_lines"].as_array().expect("lines");
    let mut said: Vec<(u64, Option<&str>)> = lines
        .iter()
        .map(|line| (line["line"].as_u64().expect("a number"), line["text"].as_str()))
        .collect();
    said.sort_unstable();
    let own = own.as_str();
    assert_eq!(said, [(2, None), (2, Some(own)), (3, Some(own))], "{lines:?}");
    assert!(
        lines.iter().all(|line| line["file"] == "lista.csv" && line["refused_for"].is_string())
    );
    let event = &person["credentials"][0]["history"][0];
    assert_eq!((&event["replaced_recipient"], &event["reason"]), (&Value::Null, &Value::Null));
    let row = &person["job_rows"][0];
    assert_eq!((&row["job_kind"], &row["sent"]["email"]), (&json!("dry_run"), &json!(EMAIL)));
    let changes = row["changes"].as_array().expect("changes");
    assert!(changes.len() >= 2 && changes.iter().all(|c| c["before"].is_null()), "{changes:?}");
    for (name, bytes) in &files {
        let text = String::from_utf8(bytes.clone()).expect("UTF-8");
        for foreign in ["ajena", "Zulema", "vecina", "Vecina"] {
            assert!(!text.contains(foreign), "{foreign} in {name}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_goes_with_a_credential_that_is_erased_and_is_not_cancelled() {
    let world = World::new().await;
    let issued = id_of(&world.issue_one(&theirs()).await);
    let mut moved = theirs();
    moved["result_value"] = "B".into();
    let moved = id_of(&world.issue_one(&moved).await);
    for id in [&issued, &moved] {
        world.mail_ended(id).await;
    }
    let change = json!({ "email": "otra@ejemplo.com" });
    world.call("PATCH", &format!("/credentials/{moved}"), Some(&change)).await.expect(200);
    let erase = async |id: &str| {
        let order = json!({ "reason": "Lo pidió" });
        let path = format!("/credentials/{id}/erase");
        let job = world.call("POST", &path, Some(&order)).await.expect(202).json();
        let job = format!("/jobs/{}", job["job_id"].as_str().expect("an id"));
        let ended = async || Some(world.get(&job).await).filter(|job| job["status"] == "SUCCESS");
        world.until("the erasure ends", ended).await
    };
    // That of another person stays; that of whose it was before a correction goes.
    let others = exported(&world, "/people/nadie@ejemplo.com/export").await;
    for (id, path) in [(&issued, PATH), (&moved, PATH), (&moved, "/people/otra@ejemplo.com/export")]
    {
        let job = exported(&world, path).await;
        world.get(&link(&job)).await;
        let erased = erase(id).await;
        let gone = erased["result"]["files_deleted"] == 1;
        // What is erased already was nobody's archive.
        let first = (id, path) != (&moved, "/people/otra@ejemplo.com/export");
        assert_eq!(gone, first, "{erased}");
        let status = if first { 404 } else { 200 };
        world.call("GET", &link(&job), None).await.expect(status);
    }
    world.get(&link(&others)).await;

    let world = World::with(queues::unread()).await;
    let open = world.call("GET", PATH, None).await.expect(202).json();
    let path = format!("/jobs/{}/cancel", open["job_id"].as_str().expect("an id"));
    let refused = world.call("POST", &path, None).await.problem(409, "conflict");
    assert!(refused["detail"].as_str().is_some_and(|text| text.contains("entrega")), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_ends_with_its_time_and_with_its_person() {
    let world = World::new().await;
    let app = world.stack.app();
    let issued = world.issue_one(&theirs()).await;
    world.mail_ended(&id_of(&issued)).await;
    let (early, late) = (exported(&world, PATH).await, exported(&world, PATH).await);
    assert_ne!(early["job_id"], late["job_id"]);
    assert_eq!(objects(&world, "exports/").await.len(), 2);
    app.clock.jump(Duration::from_secs(6 * 24 * 3_600));
    sweep::sweep(app, SweepMode { resume: false }).await.expect("a run");
    world.get(&link(&early)).await;
    app.clock.jump(Duration::from_secs(25 * 3_600));
    sweep::sweep(app, SweepMode { resume: false }).await.expect("a run");
    world
        .until("the archives are deleted", async || {
            objects(&world, "exports/").await.is_empty().then_some(())
        })
        .await;
    let gone = world.call("GET", &link(&early), None).await.problem(404, "not_found");
    assert!(gone["detail"].as_str().is_some_and(|text| text.contains("7 días")), "{gone}");

    // Whoever is erased leaves no archive of what they were given.
    let again = exported(&world, PATH).await;
    assert_eq!(objects(&world, "exports/").await.len(), 1);
    let order = json!({ "email": EMAIL, "reason": "Lo pidió" });
    let erasing = world.call("POST", "/people/erase", Some(&order)).await.expect(202).json();
    let erasing = erasing["job_id"].as_str().expect("an id").to_owned();
    world
        .until("the erasure ends", async || {
            let status = world.get(&format!("/jobs/{erasing}")).await;
            (status["status"] == "SUCCESS").then_some(())
        })
        .await;
    world.call("GET", &link(&again), None).await.problem(404, "not_found");
    assert_eq!(places(&world, &Marks::of(&["qxvpedida", "Qxvéra"])).await, [""; 0]);
    // Afterwards there is nothing to give but that the address was erased.
    let files = archive(&world, &exported(&world, PATH).await).await;
    let person: Value = serde_json::from_slice(&files["person.json"]).expect("JSON");
    assert_eq!((&person["credentials"], &person["job_rows"]), (&json!([]), &json!([])));
    assert_eq!(person["suppressions"][0]["reason"], "erased", "{person}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_takes_a_live_key_that_manages_and_a_request_with_a_key_is_one_persons() {
    let world = World::new().await;
    let app = world.stack.app();
    let test = &world.demo.test_api_key;
    world.call_as(test, "GET", PATH, None).await.problem(403, "insufficient_scope");
    let reads = key_of(app, "demo", Mode::Live, &[Scope::Read, Scope::Issue], None).await;
    world.call_as(&reads, "GET", PATH, None).await.problem(403, "insufficient_scope");
    let wrong =
        world.call("GET", "/people/nadie/export", None).await.problem(400, "invalid_request");
    assert_eq!(wrong["errors"][0]["code"], "invalid_email", "{wrong}");
    let job = exported(&world, PATH).await;
    // Who follows jobs does not fetch what only a key that manages may ask for.
    world.call_as(&reads, "GET", &link(&job), None).await.problem(403, "insufficient_scope");
    world.call_as(test, "GET", &link(&job), None).await.problem(404, "not_found");
    world.get(&link(&job)).await;

    let keyed = async |email: &str| {
        let headers = [("x-api-key", world.demo.api_key.as_str()), ("idempotency-key", "k")];
        world.send("GET", &format!("/api/v1/people/{email}/export"), &headers, "").await
    };
    let first = keyed(EMAIL).await.expect(202).json();
    assert_eq!(keyed(EMAIL).await.expect(202).json(), first);
    // The parameter of the path is part of the request.
    keyed("otra@ejemplo.com").await.problem(422, "idempotency_mismatch");
}
