//! The embedded S3 on the wire behaves as AWS does to the service's client and to its users'.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, SystemTime},
};

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    error::ProvideErrorMetadata,
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier},
};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy, rt::TokioExecutor};
use local::{Data, Options, Stack, bucket::BUCKET};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use unicreda::{
    aws::s3::{FileError, Files},
    domain::upload::Object,
};

use crate::{
    harness::{Reply, World},
    queues::unread,
};

/// A file's key as `POST /uploads` makes it.
const KEY: &str =
    "incoming/live/demo/550e8400-e29b-41d4-a716-446655440000/01a/Acta 2026 (ñandú)+.csv";
/// Bytes of a part.
const PART: usize = 5 * 1024 * 1024;

/// The SDK's client with its defaults, checksums included.
pub fn client(stack: &Stack) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .endpoint_url(&stack.endpoints().s3)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .force_path_style(true)
        .build();
    Client::from_conf(config)
}

fn files(world: &World) -> &Files {
    world.stack.app().files().expect("the bucket")
}

async fn put(client: &Client, key: &str, body: impl Into<Bytes>) -> String {
    let body = ByteStream::from(body.into());
    let put = client.put_object().bucket(BUCKET).key(key).body(body).send().await.expect("a put");
    put.e_tag().expect("an entity tag").trim_matches('"').to_owned()
}

pub async fn keys(client: &Client) -> Vec<String> {
    let listed = client.list_objects_v2().bucket(BUCKET).send().await.expect("a list");
    listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
}

/// A request as a browser or curl makes it.
async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &'static [u8]) -> Reply {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from_static(body))).expect("a request");
    let client = legacy::Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Reply { status: parts.status, headers: parts.headers, body }
}

/// Takes the events on the queue of uploads.
async fn events(world: &World) -> Vec<Value> {
    let app = world.stack.app();
    let mut events = Vec::new();
    loop {
        let taken = app.sqs.receive_message().queue_url(&app.config.uploads_queue_url);
        let taken = taken.max_number_of_messages(10).send().await.expect("messages");
        if taken.messages().is_empty() {
            return events;
        }
        let bodies = taken.messages().iter().filter_map(|message| message.body());
        events.extend(bodies.map(|body| serde_json::from_str::<Value>(body).expect("JSON")));
    }
}

/// The names of the files of a data folder's bucket.
fn on_disk(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("files")).expect("a folder");
    files.map(|file| file.expect("a file").file_name().into_string().expect("a name")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_is_read_in_ranges_as_long_as_it_is_the_one_that_arrived() {
    let world = World::with(unread()).await;
    let client = client(&world.stack);
    let etag = put(&client, KEY, "0123456789").await;
    assert_eq!(etag, "781e5e245d69b566979b86e28d23f2c7", "MD5, as S3 without KMS has it");
    let head = client.head_object().bucket(BUCKET).key(KEY).send().await.expect("it is there");
    assert_eq!((head.content_length(), head.e_tag()), (Some(10), Some(&*format!("\"{etag}\""))));

    let get = || client.get_object().bucket(BUCKET).key(KEY);
    let part = get().range("bytes=3-5").if_match(&etag).send().await.expect("a part");
    assert_eq!(part.content_range(), Some("bytes 3-5/10"));
    assert_eq!(part.content_length(), Some(3));
    assert_eq!(part.body.collect().await.expect("a body").into_bytes(), "345");
    let rest = get().range("bytes=8-99").send().await.expect("the rest");
    assert_eq!(rest.content_range(), Some("bytes 8-9/10"));
    assert_eq!(rest.body.collect().await.expect("a body").into_bytes(), "89");
    let beyond = get().range("bytes=10-12").send().await.expect_err("nothing there");
    assert_eq!(beyond.code(), Some("InvalidRange"));
    assert_eq!(beyond.raw_response().expect("an answer").status().as_u16(), 416);

    let object = Object { key: KEY.to_owned(), version: None, etag: etag.clone(), size: 10 };
    assert_eq!(files(&world).read(&object, 4, 100).await.expect("bytes"), b"456789");
    put(&client, KEY, "abcdefghij").await;
    let other = get().range("bytes=3-5").if_match(&etag).send().await.expect_err("another");
    assert_eq!(other.code(), Some("PreconditionFailed"));
    assert_eq!(other.raw_response().expect("an answer").status().as_u16(), 412);
    let gone = files(&world).read(&object, 0, 4).await;
    assert!(matches!(gone, Err(FileError::Gone)), "{gone:?}");
    files(&world).delete(&[KEY, "incoming/never.csv"]).await.expect("both are gone");
    let missing = get().send().await.expect_err("it is gone");
    assert_eq!(missing.code(), Some("NoSuchKey"));
    assert_eq!(on_disk(world.stack.data_dir()), [""; 0], "no file of a former object is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_object_appears_when_its_last_part_has_come() {
    let world = World::with(unread()).await;
    let client = client(&world.stack);
    let mut writer = files(&world).writer("results/live/demo/1.csv".to_owned(), "text/csv");
    let piece = vec![b'x'; 3 * 1024 * 1024];
    for _ in 0..6 {
        writer.write(&piece).await.expect("it is taken");
        assert_eq!(keys(&client).await, [""; 0]);
    }
    writer.finish().await.expect("it is complete");
    let get = client.get_object().bucket(BUCKET).key("results/live/demo/1.csv").send();
    let whole = get.await.expect("it is there");
    assert!(whole.e_tag().expect("a tag").ends_with("-2\""), "{:?}", whole.e_tag());
    assert_eq!(whole.content_type(), Some("text/csv"));
    let bytes = whole.body.collect().await.expect("a body").into_bytes();
    assert!(bytes.len() == 18 * 1024 * 1024 && bytes.iter().all(|byte| *byte == b'x'));
    assert_eq!(on_disk(world.stack.data_dir()).len(), 2, "the parts are gone");
    assert_eq!(events(&world).await, [] as [Value; 0], "results are no news");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_in_parts_is_held_to_the_rules_of_s3() {
    let world = World::with(unread()).await;
    let client = client(&world.stack);
    let begin = async || {
        let begun = client.create_multipart_upload().bucket(BUCKET).key(KEY).send().await;
        begun.expect("it begins").upload_id.expect("an id")
    };
    let part = async |id: &str, number: i32, body: Vec<u8>| {
        let sent = client.upload_part().bucket(BUCKET).key(KEY).upload_id(id).part_number(number);
        let sent = sent.body(body.into()).send().await.expect("it is taken");
        CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build()
    };
    let complete = async |id: &str, parts: Vec<CompletedPart>| {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let done = client.complete_multipart_upload().bucket(BUCKET).key(KEY).upload_id(id);
        let done = done.multipart_upload(parts).send().await;
        done.map(|_| ()).map_err(|error| error.code().unwrap_or_default().to_owned())
    };

    let id = begin().await;
    let small = part(&id, 1, vec![1; PART - 1]).await;
    let last = part(&id, 2, vec![2; 10]).await;
    let refused = complete(&id, vec![small.clone(), last.clone()]).await;
    assert_eq!(refused, Err("EntityTooSmall".to_owned()));
    assert_eq!(complete(&id, vec![last, small]).await, Err("InvalidPartOrder".to_owned()));
    let other = CompletedPart::builder().part_number(1).e_tag("\"0\"").build();
    assert_eq!(complete(&id, vec![other]).await, Err("InvalidPart".to_owned()));
    // A part that is sent again replaces the former one.
    let whole = part(&id, 1, vec![1; PART]).await;
    let last = part(&id, 2, vec![2; 10]).await;
    assert_eq!(complete(&id, vec![whole.clone(), last.clone()]).await, Ok(()));
    assert_eq!(complete(&id, vec![whole, last]).await, Err("NoSuchUpload".to_owned()));
    let [event] = &events(&world).await[..] else { panic!("one event of one object") };
    assert_eq!(event["Records"][0]["eventName"], "ObjectCreated:CompleteMultipartUpload");
    assert_eq!(event["Records"][0]["s3"]["object"]["size"], PART + 10);

    let id = begin().await;
    part(&id, 1, vec![3; 10]).await;
    let abort = client.abort_multipart_upload().bucket(BUCKET).key(KEY).upload_id(&id);
    abort.send().await.expect("it is given up");
    assert_eq!(on_disk(world.stack.data_dir()).len(), 2, "its part is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presigned_put_takes_the_signed_object_and_length_and_nothing_else() {
    let world = World::with(unread()).await;
    let client = client(&world.stack);
    let presigned = files(&world).presigned_put(KEY, 11).await.expect("it is signed");
    assert_eq!(presigned.headers, [("content-length".to_owned(), "11".to_owned())]);
    let url = presigned.url.as_str();
    let refused = async |url: &str, body: &'static [u8]| {
        let reply = send("PUT", url, &[], body).await.expect(403);
        assert_eq!(keys(&client).await, [""; 0]);
        reply.text()
    };
    assert!(refused(url, b"too short").await.contains("SignatureDoesNotMatch"));
    assert!(refused(url, b"one too many").await.contains("SignatureDoesNotMatch"));
    let elsewhere = url.replace("/01a/", "/01b/");
    assert!(refused(&elsewhere, b"just enough").await.contains("SignatureDoesNotMatch"));
    let longer = url.replace("X-Amz-Expires=900", "X-Amz-Expires=9000");
    assert!(refused(&longer, b"just enough").await.contains("SignatureDoesNotMatch"));
    let unsigned = url.split('?').next().expect("a path");
    assert!(refused(unsigned, b"just enough").await.contains("AccessDenied"));
    let former = PresigningConfig::builder()
        .start_time(SystemTime::now() - Duration::from_secs(120))
        .expires_in(Duration::from_secs(60));
    let former = former.build().expect("a time");
    let expired = client.put_object().bucket(BUCKET).key(KEY).content_length(11);
    let expired = expired.presigned(former).await.expect("it is signed");
    assert!(refused(expired.uri(), b"just enough").await.contains("Request has expired"));
    assert_eq!(events(&world).await, [] as [Value; 0]);

    // A browser sends the type of its file, which is not signed.
    let typed = [("content-type", "text/csv")];
    let taken = send("PUT", url, &typed, b"just enough").await.expect(200);
    assert_eq!(taken.header("etag"), "\"978bc2142a20f1a6a8fb6bca41a56c59\"");
    assert_eq!(keys(&client).await, [KEY]);
    assert_eq!(send("GET", url, &[], b"").await.status, 403, "it is no leave to read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presigned_get_names_the_download() {
    let world = World::with(unread()).await;
    put(&client(&world.stack), "results/live/demo/1.csv", "row,status\n").await;
    let presigned = files(&world).presigned_get("results/live/demo/1.csv", "acta ñ.csv").await;
    let url = presigned.expect("it is signed").url;
    let reply = send("GET", &url, &[], b"").await.expect(200);
    assert_eq!(reply.text(), "row,status\n");
    assert_eq!(
        reply.header("content-disposition"),
        "attachment; filename=\"acta _.csv\"; filename*=UTF-8''acta%20%C3%B1.csv"
    );
    let part = send("GET", &url, &[("range", "bytes=0-2")], b"").await.expect(206);
    assert_eq!((part.text().as_str(), part.header("content-range")), ("row", "bytes 0-2/11"));
    let other = url.replace("acta", "otra");
    send("GET", &other, &[], b"").await.expect(403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_the_site_may_put_and_get_and_others_may_not() {
    let world = World::with(unread()).await;
    let site = format!("http://localhost:{}", world.stack.port());
    let url = files(&world).presigned_put(KEY, 4).await.expect("it is signed").url;
    let ask = async |origin: &str, method: &str| {
        let asked = [
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", "content-type"),
        ];
        send("OPTIONS", &url, &asked, b"").await
    };
    let may = ask(&site, "PUT").await.expect(200);
    assert_eq!(may.header("access-control-allow-origin"), site);
    assert!(may.header("access-control-allow-methods").contains("PUT"));
    assert_eq!(may.header("access-control-allow-headers"), "content-type");
    ask(&site, "GET").await.expect(200);
    ask(&site, "DELETE").await.expect(403);
    let other = ask("https://elsewhere.example", "PUT").await.expect(403);
    assert_eq!(other.header("access-control-allow-origin"), "");

    let put = send("PUT", &url, &[("origin", &site)], b"data").await.expect(200);
    assert_eq!(put.header("access-control-allow-origin"), site);
    assert_eq!(put.header("access-control-expose-headers"), "ETag");
    // The page can read a refusal, too.
    let refused = send("PUT", &url, &[("origin", &site)], b"other").await.expect(403);
    assert_eq!(refused.header("access-control-allow-origin"), site);
    let get = files(&world).presigned_get(KEY, "acta.csv").await.expect("it is signed").url;
    let read = send("GET", &get, &[("origin", "https://elsewhere.example")], b"").await;
    assert_eq!(read.expect(200).header("access-control-allow-origin"), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_under_incoming_sends_the_event_that_s3_sends() {
    let world = World::with(unread()).await;
    let client = client(&world.stack);
    let etag = put(&client, KEY, "0123456789").await;
    put(&client, "results/live/demo/1.csv", "0123456789").await;
    put(&client, "incoming", "0123456789").await;
    let [event] = &events(&world).await[..] else { panic!("one event of one object") };
    let record = &event["Records"][0];
    assert_eq!(event["Records"].as_array().map(Vec::len), Some(1));
    for (name, wanted) in [
        ("eventVersion", "2.1"),
        ("eventSource", "aws:s3"),
        ("awsRegion", "us-east-1"),
        ("eventName", "ObjectCreated:Put"),
    ] {
        assert_eq!(record[name], wanted, "{name}");
    }
    let at = record["eventTime"].as_str().expect("a time");
    assert!(at.len() == 24 && at.ends_with('Z'), "milliseconds: {at}");
    assert_eq!(record["s3"]["bucket"]["name"], BUCKET);
    assert_eq!(record["s3"]["bucket"]["arn"], format!("arn:aws:s3:::{BUCKET}"));
    let mut object = record["s3"]["object"].clone();
    let sequencer = object["sequencer"].take();
    assert_eq!(
        object,
        json!({
            "key": "incoming/live/demo/550e8400-e29b-41d4-a716-446655440000/01a/\
                    Acta+2026+%28%C3%B1and%C3%BA%29%2B.csv",
            "size": 10,
            "eTag": etag,
            "sequencer": null,
        })
    );
    // An object that overwrites another sends a later event.
    put(&client, KEY, "abc").await;
    let [event] = &events(&world).await[..] else { panic!("one event") };
    let later = event["Records"][0]["s3"]["object"]["sequencer"].as_str().expect("hexadecimal");
    assert!(later > sequencer.as_str().expect("hexadecimal"), "{later} after {sequencer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_outlive_the_stack_and_pending_events_are_sent_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = || Options { data: Data::Dir(folder.path().to_owned()), ..unread() };
    let world = World::with(options()).await;
    let demo = world.demo.clone();
    let client_of_before = client(&world.stack);
    let long = format!("incoming/test/demo/{}.csv", "ñ".repeat(200));
    for key in [KEY, &long, "results/live/demo/1.csv"] {
        put(&client_of_before, key, "0123456789").await;
    }
    for n in 0..21 {
        put(&client_of_before, &format!("incoming/live/demo/{n:02}.csv"), "x").await;
    }
    let sent = events(&world).await;
    assert_eq!(sent.len(), 23);
    world.stop().await;

    // A body that a kill cut off, and a description that one cut off.
    let files = folder.path().join("files");
    for name in [uuid::Uuid::new_v4().to_string(), format!("{}.json", uuid::Uuid::new_v4())] {
        std::fs::write(files.join(name), b"{\"key\":\"incoming/x").expect("written");
    }
    let world = World::on(Stack::start(options()).await.expect("it starts"), demo.clone());
    assert_eq!(on_disk(folder.path()).len(), 2 * 24, "two files an object, no orphan");
    let client_of_now = client(&world.stack);
    let get = client_of_now.get_object().bucket(BUCKET).key(&long).send().await.expect("there");
    assert_eq!(get.body.collect().await.expect("a body").into_bytes(), "0123456789");
    let records = |events: Vec<Value>| -> BTreeMap<String, String> {
        let objects = events.into_iter().map(|event| event["Records"][0].clone());
        objects.map(|r| (r["s3"]["object"]["key"].to_string(), r["s3"].to_string())).collect()
    };
    assert_eq!(records(events(&world).await), records(sent), "the very same events");
    world.stop().await;

    let fresh = Options { fresh: true, ..options() };
    let stack = Stack::start(fresh).await.expect("it starts again");
    assert_eq!(keys(&client(&stack)).await, [""; 0]);
    assert_eq!(on_disk(folder.path()), [""; 0]);
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_breaks_off_leaves_nothing() {
    let world = World::with(unread()).await;
    let client = client(&world.stack);
    let former = put(&client, KEY, "as it was").await;
    let url = files(&world).presigned_put(KEY, 1_000_000).await.expect("it is signed").url;
    let url = url::Url::parse(&url).expect("a URL");
    let address = url.socket_addrs(|| None).expect("an address")[0];
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let target = &url[url::Position::BeforePath..];
    let head =
        format!("PUT {target} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 1000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(&[b'x'; 500_000]).await.expect("sent");
    // It is being written when the connection ends.
    let three = async || (on_disk(world.stack.data_dir()).len() == 3).then_some(());
    world.until("a file of what came so far", three).await;
    stream.shutdown().await.expect("closed");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    let two = async || (on_disk(world.stack.data_dir()).len() == 2).then_some(());
    world.until("the file is gone", two).await;
    let head = client.head_object().bucket(BUCKET).key(KEY).send().await.expect("it is there");
    assert_eq!(head.e_tag().map(|etag| etag.trim_matches('"')), Some(former.as_str()));
    assert_eq!(events(&world).await.len(), 1, "the former one's event alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_are_listed_in_pages_and_folders_and_deleted_together() {
    let world = World::with(unread()).await;
    let client = client(&world.stack);
    for key in ["a/1", "a/2", "b/1", "c", "ñ"] {
        put(&client, key, "x").await;
    }
    let mut pages = client.list_objects_v2().bucket(BUCKET).max_keys(2).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        assert!(page.contents().len() <= 2);
        found.extend(page.contents().iter().map(|o| o.key().expect("a key").to_owned()));
    }
    assert_eq!(found, ["a/1", "a/2", "b/1", "c", "ñ"]);
    let folders = client.list_objects_v2().bucket(BUCKET).delimiter("/").send().await;
    let folders = folders.expect("a list");
    let names: Vec<_> = folders.common_prefixes().iter().filter_map(|p| p.prefix()).collect();
    assert_eq!((names, folders.contents().len()), (vec!["a/", "b/"], 2));
    let below = client.list_objects_v2().bucket(BUCKET).prefix("a/").send().await.expect("a list");
    assert_eq!(below.key_count(), Some(2));

    let named = ["a/1", "ñ", "not there"];
    let named = named.map(|key| ObjectIdentifier::builder().key(key).build().expect("a key"));
    let delete = Delete::builder().set_objects(Some(named.to_vec())).build().expect("a list");
    let deleted = client.delete_objects().bucket(BUCKET).delete(delete).send().await;
    let deleted = deleted.expect("they are gone");
    assert_eq!((deleted.deleted().len(), deleted.errors().len()), (3, 0));
    assert_eq!(keys(&client).await, ["a/2", "b/1", "c"]);
    let other = client.list_objects_v2().bucket("another-bucket").send().await;
    assert_eq!(other.expect_err("there is one bucket").code(), Some("NoSuchBucket"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_and_a_wrong_key_are_refused() {
    let world = World::with(unread()).await;
    let client = client(&world.stack);
    put(&client, KEY, "x").await;
    let wrong = client.config().to_builder();
    let wrong = wrong.credentials_provider(Credentials::new("local", "wrong", None, None, "test"));
    let wrong = Client::from_conf(wrong.build());
    let refused = wrong.get_object().bucket(BUCKET).key(KEY).send().await;
    assert_eq!(refused.expect_err("refused").code(), Some("SignatureDoesNotMatch"));
    let list = format!("{}/{BUCKET}?list-type=2", world.stack.endpoints().s3);
    send("GET", &list, &[], b"").await.expect(403);
}
