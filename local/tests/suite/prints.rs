//! The certificates of a job, in one archive for a print shop.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use local::Options;
use serde_json::{Value, json};
use unicreda::{
    App,
    aws::s3_parts::Parts,
    domain::{
        api_key::Scope,
        ids::{JobId, Mode},
        lang::Lang,
    },
    jobs::sweep::{self, SweepMode},
};

use crate::{
    bucket::{client, keys},
    catalog::key_of,
    erasure::scan::{Marks, places},
    export::unzipped,
    faults::{Fault, Faults},
    files::data_url,
    harness::{World, person},
    python,
    queues::{self, Queue},
};

/// Names that broke archives of others: of every script, of a path, of Windows, twice the same, too long, with signs
/// that hide or turn what follows.
const NAMES: [&str; 14] = [
    "José Ñandú Iñíguez",
    "José Ñandú Iñíguez",
    "王小明",
    "محمد علي حسن",
    "नेहा शर्मा",
    "Ana 👩‍🎓🎉",
    "../../etc/passwd",
    "C:\\Users\\ana",
    "A/B: \"C\" <D> | E * F",
    "CON",
    "Punto final.",
    "-Ana Rojas",
    "e\u{301}loise",
    "…",
];

fn named(n: u32, name: &str) -> Value {
    let mut one = person(n);
    one["recipient_name"] = name.into();
    one
}

fn path(job: &str) -> String {
    format!("/jobs/{job}/certificates")
}

/// Orders the certificates of a job, and waits until they are there.
pub async fn printed(world: &World, job: &str) -> Value {
    printed_by(world, &world.demo.api_key, job, "").await
}

async fn printed_by(world: &World, key: &str, job: &str, query: &str) -> Value {
    let path = format!("{}{query}", path(job));
    let ordered = world.call_as(key, "POST", &path, None).await.expect(202).json();
    assert!(["PENDING", "STARTED"].contains(&ordered["status"].as_str().expect("a status")));
    assert_eq!(ordered["files"], json!([]), "{ordered}");
    world
        .until("the certificates are there", async || {
            let shown = world.call_as(key, "GET", &path, None).await.expect(200).json();
            assert_ne!(shown["status"], "FAILURE", "{shown}");
            (shown["status"] == "SUCCESS").then_some(shown)
        })
        .await
}

async fn fetched(world: &World, shown: &Value, at: usize) -> Vec<u8> {
    let url = shown["files"][at]["url"].as_str().unwrap_or_else(|| panic!("{shown}"));
    let (status, bytes) = world.fetch(url).await;
    assert_eq!(status, 200);
    assert_eq!(shown["files"][at]["bytes"], bytes.len(), "{shown}");
    bytes
}

async fn archive(world: &World, shown: &Value) -> BTreeMap<String, Vec<u8>> {
    unzipped(&fetched(world, shown, 0).await)
}

/// The rows of a list, by the number of the row.
fn list(bytes: &[u8]) -> BTreeMap<u32, Vec<String>> {
    let text = std::str::from_utf8(bytes).expect("UTF-8").strip_prefix('\u{feff}').expect("a BOM");
    let rows = csv::Reader::from_reader(text.as_bytes()).into_records();
    rows.map(|row| {
        let cells: Vec<String> = row.expect("a row").iter().map(str::to_owned).collect();
        (cells[0].parse().expect("a number"), cells)
    })
    .collect()
}

async fn results(world: &World, job: &str) -> Vec<Value> {
    let found = world.get(&format!("/jobs/{job}/results?limit=1000")).await;
    found["items"].as_array().expect("rows").clone()
}

async fn ended_job(world: &World, rows: &[Value]) -> String {
    let job = world.start_job(rows).await;
    world.success(&job).await;
    job
}

fn id_of(row: &Value) -> String {
    row["credential_id"].as_str().unwrap_or_else(|| panic!("{row}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jobs_certificates_come_in_one_archive_as_everybody_gets_each() {
    let world = World::new().await;
    let mut rows: Vec<Value> = NAMES.iter().zip(1..).map(|(name, n)| named(n, name)).collect();
    let long = "Ñ".repeat(100) + " " + &"g".repeat(99);
    rows.push(named(15, &long));
    let job = ended_job(&world, &rows).await;
    let shown = printed(&world, &job).await;
    assert_eq!((&shown["certificates"], &shown["left_out"]), (&json!(15), &json!(0)), "{shown}");
    assert_eq!(shown["progress"], json!({ "current": 15, "total": 15 }));
    assert_eq!(shown["files"].as_array().map(Vec::len), Some(1));
    assert_eq!(shown["files"][0]["file_name"], "certificados.zip");
    assert_eq!(shown["files"][0]["certificates"], 15);

    let files = archive(&world, &shown).await;
    let list = list(&files["lista.csv"]);
    assert_eq!(list.keys().copied().collect::<Vec<_>>(), (1..=15).collect::<Vec<_>>());
    let mut seen = BTreeSet::new();
    for (row, result) in (1..).zip(results(&world, &job).await) {
        let (id, cells) = (id_of(&result), &list[&row]);
        let name = &cells[4];
        assert!(name.starts_with(&format!("{row:04} - ")) && name.ends_with(&format!("{id}.pdf")));
        assert!(!name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']), "{name}");
        assert!(name.len() < 200 && !name.contains(".."), "{name}");
        assert!(seen.insert(name.to_lowercase()));
        let url = format!("/credential/{id}/certificate.pdf?lang=es");
        let served = world.send("GET", &url, &[], "").await.expect(200);
        assert!(files[name] == served.body, "{name} is another file than the certificate");
    }
    assert_eq!(files.len(), 16);
    assert_eq!(list[&3][4], format!("0003 - 王小明 - {}.pdf", list[&3][3]));
    assert_eq!(list[&6][2], "Ana 👩‍🎓🎉");
    // No spreadsheet runs a name.
    assert_eq!(list[&12][2], "'-Ana Rojas");
}

/// What programs of other systems stumble over: names without the mark of UTF-8, sizes after a file, forms of
/// archives beyond 4 GB where none is needed, files that nobody may read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_archive_is_one_that_every_system_unpacks() {
    let world = World::new().await;
    let job = ended_job(&world, &[named(1, "José Ñandú 👩‍🎓"), named(2, "王小明")]).await;
    let shown = printed(&world, &job).await;
    let bytes = fetched(&world, &shown, 0).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.zip");
    std::fs::write(&file, bytes).expect("written");
    const CHECK: &str = "import sys, zipfile, os, stat
archive = zipfile.ZipFile(sys.argv[1])
for entry in archive.infolist():
    assert entry.flag_bits == 0x800, entry
    assert entry.compress_type == zipfile.ZIP_STORED and not entry.extra, entry
    assert entry.date_time[0] >= 2026 and entry.create_version == 20, entry
    assert entry.external_attr == 0
assert archive.testzip() is None
archive.extractall(sys.argv[2])
names = sorted(os.listdir(sys.argv[2]))
assert [name[:4] for name in names] == ['0001', '0002', 'list'], names
assert 'José Ñandú 👩‍🎓' in names[0], names";
    let out = folder.path().join("out");
    let checked = python::plain().args(["-c", CHECK]).arg(&file).arg(&out).status();
    assert!(checked.expect("Python").success());
    // A job of more than one person always has one, also if nobody has a certificate.
    let mut wrong = person(3);
    wrong["result_value"] = "Z".into();
    let mut other = person(4);
    other["result_value"] = "Z".into();
    let job = ended_job(&world, &[wrong, other]).await;
    let shown = printed(&world, &job).await;
    assert_eq!((&shown["certificates"], &shown["left_out"]), (&json!(0), &json!(2)), "{shown}");
    let files = archive(&world, &shown).await;
    assert_eq!(files.keys().collect::<Vec<_>>(), ["lista.csv"]);
    let list = list(&files["lista.csv"]);
    // Of a row that issued nothing, nobody is named.
    assert_eq!(list[&1][2..], ["", "", "", "no se emitió"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_in_force_is_left_out_and_the_list_says_why() {
    let world = World::new().await;
    let mut wrong = person(3);
    wrong["result_value"] = "Z".into();
    let rows = [person(1), person(2), wrong, person(4), person(5), person(1)];
    let job = ended_job(&world, &rows).await;
    let found = results(&world, &job).await;
    let change = async |row: usize, action: &str| {
        let id = id_of(&found[row - 1]);
        world.mail_ended(&id).await;
        let reason = json!({ "reason": "Error" });
        world.call("POST", &format!("/credentials/{id}/{action}"), Some(&reason)).await.expect(200);
    };
    change(2, "revoke").await;
    change(4, "suspend").await;
    change(5, "block").await;
    let shown = printed_by(&world, &world.demo.api_key, &job, "?lang=en").await;
    assert_eq!((&shown["certificates"], &shown["left_out"]), (&json!(1), &json!(5)), "{shown}");
    assert_eq!(shown["files"][0]["file_name"], "certificates.zip");
    let files = archive(&world, &shown).await;
    let why: Vec<String> =
        list(&files["list.csv"]).into_values().map(|cells| cells[5].clone()).collect();
    let repeated = "repeated: it is in an earlier row";
    assert_eq!(why, ["", "revoked", "not issued", "suspended", "blocked", repeated]);
    // The other language is an order of its own.
    world.call("GET", &path(&job), None).await.problem(404, "not_found");
    let english = world.get(&format!("{}?lang=en", path(&job))).await;
    assert_eq!(english["status"], "SUCCESS");
    let id = id_of(&found[0]);
    let url = format!("/credential/{id}/certificate.pdf?lang=en");
    let served = world.send("GET", &url, &[], "").await.expect(200);
    assert!(files.values().any(|file| *file == served.body));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_one_while_it_runs_and_another_once_something_has_changed() {
    let world = World::new().await;
    let job = ended_job(&world, &[person(1), person(2)]).await;
    let first = printed(&world, &job).await;
    // Nothing changed: the archive is the same.
    let same = printed(&world, &job).await;
    assert_eq!(same["made_at"], first["made_at"]);
    assert_ne!(same["ordered_at"], first["ordered_at"]);
    let kept = keys(&client(&world.stack)).await;
    let found = results(&world, &job).await;
    let id = id_of(&found[0]);
    world.mail_ended(&id).await;
    let url = first["files"][0]["url"].as_str().expect("a URL");
    assert_eq!(world.fetch(url).await.0, 200);
    let change = json!({ "recipient_name": "Nombre Nuevo" });
    world.call("PATCH", &format!("/credentials/{id}"), Some(&change)).await.expect(200);
    let changed = printed(&world, &job).await;
    assert_ne!(changed["made_at"], first["made_at"]);
    let files = archive(&world, &changed).await;
    assert!(files.keys().any(|name| name.contains("Nombre Nuevo")), "{:?}", files.keys());
    // The old one is gone.
    assert_eq!(world.fetch(url).await.0, 404);
    let now = keys(&client(&world.stack)).await;
    let of = |keys: &[String]| -> BTreeSet<String> {
        keys.iter().filter(|key| key.starts_with("prints/")).cloned().collect()
    };
    assert_eq!(of(&kept).len(), 2, "{kept:?}");
    assert_eq!(of(&now).len(), 2, "{now:?}");
    assert!(of(&kept).is_disjoint(&of(&now)));

    let world = World::with(queues::unread()).await;
    let app = world.stack.app();
    let job = unread_job(&world).await;
    let post = async || world.call("POST", &path(&job), None).await.expect(202);
    let (one, two) = (post().await, post().await);
    assert_eq!(one.header("retry-after"), "2");
    assert_eq!(one.json(), two.json());
    work(app, &queues::take(&world, Queue::Print).await).await;
    let shown = world.get(&path(&job)).await;
    assert_eq!((&shown["status"], &shown["certificates"]), (&json!("SUCCESS"), &json!(2)));
}

/// A job of two, issued on a stack whose queues only the test reads.
async fn unread_job(world: &World) -> String {
    let job = world.start_job(&[person(1), person(2)]).await;
    queues::drain(world).await;
    world.success(&job).await;
    job
}

/// Hands messages to the function `print`.
async fn work(app: &App, records: &[Value]) {
    let event = serde_json::from_value(json!({ "Records": records })).expect("an event");
    let event = lambda_runtime::LambdaEvent::new(event, lambda_runtime::Context::default());
    let answer = print::handle(app, event).await.expect("an answer");
    assert!(answer.batch_item_failures.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_is_deleted_after_a_day() {
    let world = World::new().await;
    let app = world.stack.app();
    let job = ended_job(&world, &[person(1), person(2)]).await;
    let shown = printed(&world, &job).await;
    let prints = async || {
        let keys = keys(&client(&world.stack)).await;
        keys.into_iter().filter(|key| key.starts_with("prints/")).count()
    };
    app.clock.jump(Duration::from_secs(23 * 3_600));
    sweep::sweep(app, SweepMode { resume: false }).await.expect("a run");
    assert_eq!(world.get(&path(&job)).await["made_at"], shown["made_at"]);
    assert_eq!(prints().await, 2);
    app.clock.jump(Duration::from_secs(3_700));
    // From then on there is no link, whether or not it is deleted yet.
    world.call("GET", &path(&job), None).await.problem(404, "not_found");
    sweep::sweep(app, SweepMode { resume: false }).await.expect("a run");
    world.until("it is deleted", async || (prints().await == 0).then_some(())).await;
    // The objects go first, since the item is what finds them.
    let of = (JobId::parse(&job).expect("an id"), Lang::Es);
    let item = async || app.jobs.print(of).await.expect("read").is_none().then_some(());
    world.until("its item is deleted", item).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_goes_at_once_with_a_person_in_it_and_others_stay() {
    let world = World::new().await;
    let job = ended_job(&world, &[person(1), person(2)]).await;
    let others = ended_job(&world, &[person(3), person(4)]).await;
    let (with, without) = (printed(&world, &job).await, printed(&world, &others).await);
    for row in results(&world, &job).await {
        world.mail_ended(&id_of(&row)).await;
    }
    let order = json!({ "email": "persona1@ejemplo.com", "reason": "Lo pidió" });
    let erasing = world.call("POST", "/people/erase", Some(&order)).await.expect(202).json();
    let erasing = format!("/jobs/{}", erasing["job_id"].as_str().expect("an id"));
    let erased = world
        .until("the erasure ends", async || {
            Some(world.get(&erasing).await).filter(|status| status["status"] == "SUCCESS")
        })
        .await;
    assert_eq!(erased["result"]["files_deleted"], 1, "{erased}");
    let url = |shown: &Value| shown["files"][0]["url"].as_str().expect("a URL").to_owned();
    assert_eq!(world.fetch(&url(&with)).await.0, 404);
    assert_eq!(world.fetch(&url(&without)).await.0, 200);
    let shown = world.get(&path(&job)).await;
    assert_eq!((&shown["status"], &shown["files"]), (&json!("FAILURE"), &json!([])), "{shown}");
    assert_eq!(shown["failure"]["code"], "person_erased");
    assert_eq!(world.get(&path(&others)).await["status"], "SUCCESS");
    let marks = Marks::of(&["persona1@", "Zorrilla 1"]);
    assert_eq!(places(&world, &marks).await, [""; 0]);
    // The others of the job, ordered again.
    let again = printed(&world, &job).await;
    assert_eq!((&again["certificates"], &again["left_out"]), (&json!(1), &json!(1)), "{again}");
    let files = archive(&world, &again).await;
    assert_eq!(list(&files["lista.csv"])[&1][5], "eliminada");
    assert_eq!(places(&world, &marks).await, [""; 0]);
}

/// A person whose credential was corrected to be another's is in an archive from before by their name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_goes_with_a_person_whose_credential_is_anothers_by_now() {
    let world = World::new().await;
    let job = ended_job(&world, &[person(1), person(2)]).await;
    let id = id_of(&results(&world, &job).await[0]);
    world.mail_ended(&id).await;
    let shown = printed(&world, &job).await;
    let change = json!({ "email": "otra@ejemplo.com", "recipient_name": "Otra Rojas" });
    world.call("PATCH", &format!("/credentials/{id}"), Some(&change)).await.expect(200);
    world.mail_ended(&id).await;
    let order = json!({ "email": "persona1@ejemplo.com", "reason": "Lo pidió" });
    world.call("POST", "/people/erase", Some(&order)).await.expect(202);
    let url = shown["files"][0]["url"].as_str().expect("a URL");
    world.until("it is gone", async || (world.fetch(url).await.0 == 404).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_of_jobs_that_issue_and_have_ended() {
    let world = World::new().await;
    let app = world.stack.app();
    let job = ended_job(&world, &[person(1), person(2)]).await;
    let wrong = format!("{}?lang=eso", path(&job));
    let refused = world.call("POST", &wrong, None).await.problem(400, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "lang", "{refused}");
    world.call("GET", &path(&job), None).await.problem(404, "not_found");
    let id = id_of(&results(&world, &job).await[0]);
    let body = json!({ "ids": [id], "reason": "Error" });
    let revoking = world.call("POST", "/credentials/revoke", Some(&body)).await.expect(202).json();
    let revoking = revoking["job_id"].as_str().expect("an id");
    world.call("POST", &path(revoking), None).await.problem(409, "conflict");
    let file = b"email;nombre;nota\nuno@ejemplo.com;Uno;A\n";
    let check = world.upload("acta.csv", file, &json!({ "dry_run": true })).await;
    world.file_job(&check).await;
    world.call("POST", &path(&check), None).await.problem(409, "conflict");
    // A key of another mode has no such job; one without the scope neither orders nor looks.
    let test = &world.demo.test_api_key;
    world.call_as(test, "POST", &path(&job), None).await.problem(404, "not_found");
    let scopes = [Scope::Issue];
    let issues = key_of(app, "demo", Mode::Live, &scopes, None).await;
    for method in ["POST", "GET"] {
        let refused = world.call_as(&issues, method, &path(&job), None).await;
        refused.problem(403, "insufficient_scope");
    }
    // A file, in test mode.
    let file = "email;nombre;nota\nuno@ejemplo.com;Uno Prueba;A\ndos@ejemplo.com;Dos Prueba;B\n";
    let job = world.upload_as(test, "acta.csv", file.as_bytes(), &json!({})).await;
    world
        .until("the job ends", async || {
            let status = world.call_as(test, "GET", &format!("/jobs/{job}"), None).await.json();
            (status["status"] == "SUCCESS").then_some(())
        })
        .await;
    let shown = printed_by(&world, test, &job, "").await;
    let files = archive(&world, &shown).await;
    let list = list(&files["lista.csv"]);
    assert_eq!((&*list[&1][1], &*list[&2][1]), ("2", "3"), "{list:?}");

    let world = World::with(queues::unread()).await;
    let open = world.start_job(&[person(1), person(2)]).await;
    world.call("POST", &path(&open), None).await.problem(409, "conflict");
}

/// A picture that no program makes smaller.
fn noise(seed: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 280, 280);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("a header");
    let pixels: Vec<u8> = (0..280 * 280 * 3).map(|_| random.u8(..)).collect();
    writer.write_image_data(&pixels).expect("pixels");
    drop(writer);
    data_url(&bytes)
}

/// Certificates with large pictures: an archive in several parts, of which one is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_in_several_parts_goes_on_after_a_part_that_failed() {
    in_parts(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_whose_upload_the_bucket_has_forgotten_is_made_anew() {
    in_parts(true).await;
}

/// Makes an archive whose second part fails; `forgotten` if the bucket gives up the first one, as it does after a day.
async fn in_parts(forgotten: bool) {
    let faults = Faults::default();
    let world = World::with(faults.under(Options::in_memory())).await;
    let app = world.stack.app();
    let signed = json!({ "name": "Rosa Rojas", "office": "Rectora", "signature": noise(2) });
    let design = json!({ "background": noise(1), "signatories": [signed] });
    world.call("PUT", "/organization/design", Some(&design)).await.expect(200);
    let rows: Vec<Value> = (1..=40).map(person).collect();
    let job = ended_job(&world, &rows).await;
    faults.on_calls_with("S3 PUT", "partNumber=2", 0..usize::MAX, Fault::NeverArrives);
    world.call("POST", &path(&job), None).await.expect(202);
    let of = (JobId::parse(&job).expect("an id"), Lang::Es);
    let order = world
        .until("its process gives up", async || {
            let order = app.jobs.print(of).await.expect("a read").expect("an order");
            (faults.injected() > 0 && order.reader.is_none()).then_some(order)
        })
        .await;
    assert_eq!(order.drawn.pieces, 1, "{:?}", order.drawn);
    if forgotten {
        let open = order.drawn.open.as_ref().expect("an upload");
        let parts = Parts { key: &order.file_key(1), upload: &open.upload };
        app.files().expect("files").give_up(parts).await.expect("it is given up");
    }
    faults.heal_plan();
    let shown = world
        .until("the archive is there", async || {
            sweep::sweep(app, SweepMode { resume: false }).await.expect("a run");
            Some(world.get(&path(&job)).await).filter(|shown| shown["status"] == "SUCCESS")
        })
        .await;
    let bytes = fetched(&world, &shown, 0).await;
    assert!(bytes.len() > 16 * 1024 * 1024, "{}", bytes.len());
    assert_eq!(unzipped(&bytes).len(), 41);
}
