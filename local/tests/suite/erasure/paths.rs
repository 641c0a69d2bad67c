//! A person who went every way into the service, and is erased: nothing of them is left in any table,
//! object or queue. Each place, if the erasure had left it out, is found by the search.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use unicreda::store::Item;

use super::{
    EMAIL, NAME, ended, erase, marks, person,
    scan::{key_of, parts_of, places, tables},
};
use crate::{
    feedback::{bounced, complained, report},
    harness::World,
    prints::printed,
    queues::{self, Queue},
    spreadsheets::make::{Book, texts},
};

/// The kinds of places that had something of the person, and how each is told.
const PLACES: [(&str, &str); 21] = [
    ("a member", "MEMBERS#"),
    ("a suppression", "SUPPRESSED#"),
    ("a credential", "credentials recipient"),
    ("its signed document", "credentials signed"),
    ("the reason of its status", "credentials status_reason"),
    ("the reason of its block", "credentials blocked"),
    ("its history", "EVENT#"),
    ("a test mail", "MAIL#"),
    ("inputs of a job", "IN#"),
    ("a failed row", " F#"),
    ("what a row corrects", " C#"),
    ("whom a row resembles", " W#"),
    ("the first row of a person", "SEEN#"),
    ("columns of a file", "COLUMNS"),
    ("what a job says of its rows or its file", " JOB "),
    ("the name of an announced file", "UPLOAD#"),
    ("a file", "bucket incoming/"),
    ("a results file", "bucket results/"),
    ("the rows of a spreadsheet", "bucket sheets/"),
    ("what the person was given", "bucket exports/"),
    ("certificates for a print shop", "bucket prints/"),
];

/// The same place without what differs from run to run.
fn kind_of(place: &str) -> Vec<&'static str> {
    let plain = match place.split_once(' ') {
        // An id in the credentials table has no prefix.
        Some(("credentials", rest)) if !rest.contains('#') => {
            let name = rest.split(' ').nth(1).unwrap_or_default();
            format!("credentials {name}")
        }
        _ => place.to_owned(),
    };
    PLACES.iter().filter(|(_, part)| plain.contains(part)).map(|(name, _)| *name).collect()
}

async fn file(world: &World, text: &str, options: Value) -> (String, Value) {
    file_called("acta.csv", world, text, options).await
}

async fn file_called(name: &str, world: &World, text: &str, options: Value) -> (String, Value) {
    let job = world.upload(name, text.as_bytes(), &options).await;
    let status = world.file_job(&job).await;
    (job, status)
}

/// A file of members with the person.
async fn file_of_members(world: &World) {
    let members = format!("email,name\n{EMAIL},{NAME}\nmiembro@ejemplo.com,Eva Paz\n");
    let body = json!({ "file_name": "miembros.csv", "size": members.len() });
    let upload = world.call("POST", "/members/uploads", Some(&body)).await.expect(201).json();
    assert_eq!(world.put_file(&upload["upload"], members.into_bytes()).await, 200);
    let path = upload["status_url"].as_str().expect("a path").replace("/api/v1", "");
    let arrived = async || world.get(&path).await["job_id"].as_str().map(str::to_owned);
    let job = world.until("the file arrives", arrived).await;
    assert_eq!(world.file_job(&job).await["status"], "SUCCESS");
}

/// Uploads a spreadsheet, whose rows are copied, and whose sheet is called after the person.
async fn spreadsheet(world: &World) {
    let rows = [texts(1, &["Correo", "Nombre", "Nota"]), texts(2, &[EMAIL, NAME, "F"])].concat();
    let book = Book { sheets: vec![(NAME.to_owned(), "visible", rows)], ..Book::default() };
    let options = json!({ "send_email": false, "sheet": NAME });
    let job = world.upload("acta.xlsx", &book.file(), &options).await;
    assert_eq!(world.file_job(&job).await["status"], "SUCCESS");
}

/// Takes the person into the service by every way; the credentials that are theirs.
pub(super) async fn every_way(world: &World) -> BTreeMap<&'static str, String> {
    let id_of = |value: &Value| value["credential_id"].as_str().expect("id").to_owned();
    let path = format!("/members/{EMAIL}");
    world.call("PUT", &path, Some(&json!({ "name": NAME }))).await.expect(201);
    let mut held = BTreeMap::new();

    // One, corrected for a reason that names the person, whose mail bounces.
    let one = id_of(&world.issue_one(&person()).await);
    world.mail_ended(&one).await;
    let notice = bounced("Permanent", "General", &one, 0, EMAIL).to_string();
    assert!(report(world.stack.app(), &[notice]).await.is_empty());
    let change = json!({ "result_value": "B", "reason": format!("{NAME} lo pidió") });
    world.call("PATCH", &format!("/credentials/{one}"), Some(&change)).await.expect(200);
    held.insert("one", one);

    // One that was written under the person's address by mistake.
    let other = json!({ "email": EMAIL, "recipient_name": "Otra Rojas", "result_value": "C" });
    let other = id_of(&world.issue_one(&other).await);
    world.mail_ended(&other).await;
    let change = json!({ "email": "otra@ejemplo.com" });
    world.call("PATCH", &format!("/credentials/{other}"), Some(&change)).await.expect(200);
    held.insert("other's", other);

    // A job, with a row of the person that fails.
    let rows = [
        json!({ "email": EMAIL, "recipient_name": NAME, "result_value": "D" }),
        json!({ "email": EMAIL, "recipient_name": NAME, "result_value": "Z" }),
        json!({ "email": "luis@ejemplo.com", "recipient_name": "Luis Rojas", "result_value": "A" }),
    ];
    let job = world.start_job(&rows).await;
    world.success(&job).await;
    let results = world.get(&format!("/jobs/{job}/results")).await;
    let printing = job;
    held.insert("job", id_of(&results["items"][0]));
    held.insert("luis", id_of(&results["items"][2]));

    // Files: issued, with a name that is warned of; refused; of no certain encoding; dry.
    let head = "Correo;Nombre;Nota\n";
    let rows = format!("{EMAIL};{NAME} (oyente);F\n{EMAIL};{NAME};Z\neva@ejemplo.com;Eva Paz;A\n");
    let (job, status) = file(world, &format!("{head}{rows}"), json!({})).await;
    assert_eq!(status["result"]["successful"], 2, "{status}");
    let results = world.get(&format!("/jobs/{job}/results")).await;
    held.insert("file", id_of(&results["items"][0]));
    let refused = format!("Correo;Nombre;RUT secreto\n{EMAIL};{NAME};1-9\n");
    let (_, status) = file(world, &refused, json!({})).await;
    assert_eq!(status["status"], "FAILURE", "{status}");
    let doubtful =
        [b"email;nombre;nota\n".as_slice(), EMAIL.as_bytes(), b";qxvmarcada Xqw\xeaz;A\n"].concat();
    let job = world.upload("acta.csv", &doubtful, &json!({})).await;
    assert_eq!(world.file_job(&job).await["code"], "unknown_encoding");
    let dry = format!("{head}{EMAIL};{NAME};A\nqxvotra@ejemplo.com;Qxvora Zorrilla;A\n");
    file(world, &dry, json!({ "dry_run": true })).await;
    let id = &held["job"];
    let correcting = format!("Correo;Nombre;Nota;credential_id\n{EMAIL};{NAME} Soto;A;{id}\n");
    let (_, status) = file(world, &correcting, json!({ "correct": true, "dry_run": true })).await;
    assert_eq!(status["result"]["corrected"], 1, "{status}");

    // A file that is called after the person.
    let named = format!("{head}{EMAIL};{NAME};B\n");
    let name = format!("{NAME}.csv");
    let (_, status) = file_called(&name, world, &named, json!({ "send_email": false })).await;
    assert_eq!(status["result"]["successful"], 1, "{status}");

    spreadsheet(world).await;
    file_of_members(world).await;
    // A page that is hidden for a reason that names the person. An erasure would wait for a mail that is
    // being sent.
    world.mail_ended(&held["file"]).await;
    let body = json!({ "reason": format!("Lo pidió {NAME}") });
    let path = format!("/credentials/{}/block", held["file"]);
    world.call("POST", &path, Some(&body)).await.expect(200);

    // In test mode, with a mail that can be read, and that the person complains about.
    let test = world.issue_as(&world.demo.test_api_key, &[person()]).await.expect(200).json();
    held.insert("test", id_of(&test["credentials"][0]));
    let mail = format!("/credentials/{}/mail", held["test"]);
    world
        .until("the test mail is there", async || {
            let mail = world.call_as(&world.demo.test_api_key, "GET", &mail, None).await;
            (mail.status == 200).then_some(())
        })
        .await;
    let notice = complained(&held["test"], 0, EMAIL).to_string();
    assert!(report(world.stack.app(), &[notice]).await.is_empty());
    // A list of credentials is revoked for a reason that names the person.
    let body = json!({ "ids": [held["job"]], "reason": format!("Lo pidió {NAME}") });
    let job = world.call("POST", "/credentials/revoke", Some(&body)).await.expect(202).json();
    world.success(job["job_id"].as_str().expect("job_id")).await;
    // The certificates of a job go to a print shop.
    printed(world, &printing).await;
    // The person asked what is held, and got it.
    let export = world.call("GET", &format!("/people/{EMAIL}/export"), None).await.expect(202);
    ended(world, export.json()["job_id"].as_str().expect("job_id")).await;
    held
}

/// A row of the person, and a report of their mail, that could not be handled.
pub(super) async fn dead_letters(world: &World, id: &str) {
    let row =
        json!({ "kind": "issue", "v": 1, "org": "demo", "row": { "row": 1, "email": EMAIL } });
    queues::send(world, Queue::Dead, &row).await;
    let notice = bounced("Permanent", "General", id, 0, EMAIL);
    queues::send(world, Queue::DeadFeedback, &notice).await;
}

/// The items that have something of the person, and the objects.
async fn snapshot(world: &World, found: &[String]) -> Vec<(&'static str, String, Item)> {
    let mut kept = Vec::new();
    for (store, table) in tables(world) {
        let scan = world.stack.app().dynamodb.scan().table_name(table).consistent_read(true);
        for item in scan.send().await.expect("items").items() {
            let of_item = format!("{store} {} ", parts_of(item).join(" "));
            let places = found.iter().filter(|place| place.starts_with(&of_item));
            for kind in places.flat_map(|place| kind_of(place)) {
                kept.push((kind, table.to_owned(), item.clone()));
            }
        }
    }
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_a_person_who_went_every_way() {
    let world = World::new().await;
    let held = every_way(&world).await;
    let before = places(&world, &marks()).await;
    let kinds: BTreeSet<&str> = before.iter().flat_map(|place| kind_of(place)).collect();
    let all: BTreeSet<&str> = PLACES.iter().map(|(name, _)| *name).collect();
    assert_eq!(kinds, all, "{before:#?}");
    assert!(before.iter().all(|place| !kind_of(place).is_empty()), "{before:#?}");
    let kept = snapshot(&world, &before).await;

    // The search above would have hidden them for a while.
    dead_letters(&world, &held["one"]).await;
    let job = erase(&world, &json!({})).await;
    assert_eq!(job["result"]["dead_letters"], 2, "{job}");
    assert_eq!(job["result"]["members"], 1, "{job}");
    let left = places(&world, &marks()).await;
    assert!(left.is_empty(), "{left:#?}");

    // What belongs to others is as it was.
    for of in ["other's", "luis"] {
        let shown = world.get(&format!("/credentials/{}", held[of])).await;
        assert_ne!(shown["status"], "erased", "{shown}");
    }
    let key = world.demo.test_api_key.as_str();
    for (of, key) in [
        ("one", world.demo.api_key.as_str()),
        ("job", &world.demo.api_key),
        ("file", &world.demo.api_key),
        ("test", key),
    ] {
        let path = format!("/credentials/{}", held[of]);
        let shown = world.call_as(key, "GET", &path, None).await.expect(200).json();
        assert_eq!(shown["status"], "erased", "{of}: {shown}");
    }

    // Each place by itself, as if it had been left out.
    let app = world.stack.app();
    let mut seen = BTreeSet::new();
    for (kind, table, item) in kept {
        let key = key_of(&item);
        let get = app.dynamodb.get_item().table_name(&table).set_key(Some(key.clone()));
        let now: Option<Item> = get.send().await.expect("an item").item;
        put(&world, &table, Some(item), &key).await;
        let found = places(&world, &marks()).await;
        assert!(found.iter().any(|place| kind_of(place).contains(&kind)), "{kind}: {found:?}");
        seen.insert(kind);
        put(&world, &table, now, &key).await;
    }
    let files = app.files.as_ref().expect("files");
    for (kind, prefix) in [
        ("a file", "incoming"),
        ("a results file", "results"),
        ("what the person was given", "exports"),
        ("certificates for a print shop", "prints"),
        ("the rows of a spreadsheet", "sheets"),
    ] {
        let key = format!("{prefix}/live/demo/x.csv");
        let client = files.client();
        let body = aws_sdk_s3::primitives::ByteStream::from(EMAIL.as_bytes().to_vec());
        client.put_object().bucket(files.bucket()).key(&key).body(body).send().await.expect("put");
        let found = places(&world, &marks()).await;
        assert!(found.iter().any(|place| kind_of(place).contains(&kind)), "{kind}: {found:?}");
        seen.insert(kind);
        client.delete_object().bucket(files.bucket()).key(&key).send().await.expect("gone");
    }
    assert_eq!(seen, all);
    assert_eq!(places(&world, &marks()).await, [""; 0]);
}

/// Puts an item in its place, or takes it away.
async fn put(world: &World, table: &str, item: Option<Item>, key: &Item) {
    let client = &world.stack.app().dynamodb;
    match item {
        Some(item) => {
            let put = client.put_item().table_name(table).set_item(Some(item));
            put.send().await.expect("put");
        }
        None => {
            let delete = client.delete_item().table_name(table).set_key(Some(key.clone()));
            delete.send().await.expect("gone");
        }
    }
}
