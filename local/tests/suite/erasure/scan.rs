//! A search of everything that the service has stored for words that only one person has.

use std::io::Read;

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_dynamodb::types::AttributeValue;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use flate2::read::DeflateDecoder;
use unicreda::{
    domain::packing::{RECIPIENT, unpack},
    store::Item,
};

use crate::{
    harness::World,
    queues::{Queue, take},
};

/// Words of one person, in every form in which bytes may hold them.
pub struct Marks(Vec<(String, Vec<u8>)>);

impl Marks {
    /// The forms of some words: plain, in UTF-16, in base64 at any place, escaped as JSON and as in
    /// a URL, and as an unkeyed hash.
    pub fn of(words: &[&str]) -> Self {
        let mut forms: Vec<(String, Vec<u8>)> = Vec::new();
        for word in words {
            let mut add = |form: &str, bytes: &[u8]| {
                forms.push((format!("{word}, {form}"), bytes.to_vec()));
            };
            add("plain", word.as_bytes());
            add("upper case", word.to_uppercase().as_bytes());
            for (form, of) in [
                ("UTF-16LE", u16::to_le_bytes as fn(u16) -> [u8; 2]),
                ("UTF-16BE", u16::to_be_bytes),
            ] {
                add(form, &word.encode_utf16().flat_map(of).collect::<Vec<u8>>());
            }
            for at in 0..3 {
                // The characters that follow from the word alone, whatever stands around it.
                let shifted = [&vec![0; at][..], word.as_bytes()].concat();
                for engine in [&STANDARD, &URL_SAFE] {
                    let text = engine.encode(&shifted[..shifted.len() / 3 * 3]);
                    add("base64", &text.as_bytes()[(at * 4).div_ceil(3)..]);
                }
            }
            let escaped: String = word
                .encode_utf16()
                .map(|unit| match u8::try_from(unit) {
                    Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
                    _ => format!("\\u{unit:04x}"),
                })
                .collect();
            add("JSON", escaped.as_bytes());
            let percent: String = word
                .bytes()
                .map(|b| {
                    if b.is_ascii_alphanumeric() {
                        char::from(b).to_string()
                    } else {
                        format!("%{b:02X}")
                    }
                })
                .collect();
            add("percent", percent.as_bytes());
            let hash = digest(&SHA256, word.to_lowercase().as_bytes());
            add("hash", hash.as_ref());
            add("hash, hex", hex(hash.as_ref()).as_bytes());
            add("hash, base64", &STANDARD.encode(hash).as_bytes()[..40]);
            add("hash, base64url", &URL_SAFE.encode(hash).as_bytes()[..40]);
        }
        Self(forms)
    }

    /// The first form that bytes hold, also deflated, with the dictionary of recipients or without.
    pub fn found_in(&self, bytes: &[u8]) -> Option<&str> {
        let mut plain = Vec::new();
        let inflated = DeflateDecoder::new(bytes).read_to_end(&mut plain).is_ok();
        let unpacked = unpack(bytes, RECIPIENT).ok();
        let texts = [Some(bytes.to_vec()), inflated.then_some(plain), unpacked];
        texts.iter().flatten().find_map(|text| {
            let holds = |form: &&(String, Vec<u8>)| contains(text, &form.1);
            self.0.iter().find(holds).map(|(name, _)| name.as_str())
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    !word.is_empty() && text.windows(word.len()).any(|window| window == word)
}

/// Every place that has something of a person: table and item, object, queue.
pub async fn places(world: &World, marks: &Marks) -> Vec<String> {
    let mut found = Vec::new();
    let app = world.stack.app();
    let config = &app.config;
    for table in [&config.catalog_table, &config.credentials_table, &config.jobs_table] {
        let mut start = None;
        loop {
            let scan = app.dynamodb.scan().table_name(table).consistent_read(true);
            let page = scan.set_exclusive_start_key(start).send().await.expect("items");
            for item in page.items() {
                let key = ["pk", "sk", "id"].map(|name| item.get(name).and_then(|v| v.as_s().ok()));
                let key: Vec<&str> = key.into_iter().flatten().map(String::as_str).collect();
                for (name, value) in item {
                    let mut bytes = vec![name.as_bytes().to_vec()];
                    flatten(value, &mut bytes);
                    if let Some(document) = document(world, value).await {
                        bytes.push(document);
                    }
                    if let Some(form) = bytes.iter().find_map(|bytes| marks.found_in(bytes)) {
                        found.push(format!("{table} {} {name}: {form}", key.join(" ")));
                    }
                }
            }
            start = page.last_evaluated_key().cloned();
            if start.is_none() {
                break;
            }
        }
    }
    let files = app.files.as_ref().expect("files");
    let listed = files.client().list_objects_v2().bucket(files.bucket()).send().await;
    for object in listed.expect("objects").contents() {
        let key = object.key().expect("key");
        let get = files.client().get_object().bucket(files.bucket()).key(key).send().await;
        let body = get.expect("object").body.collect().await.expect("bytes").to_vec();
        if let Some(form) = marks.found_in(&body).or_else(|| marks.found_in(key.as_bytes())) {
            found.push(format!("bucket {key}: {form}"));
        }
    }
    for queue in
        [Queue::Issue, Queue::Mail, Queue::Uploads, Queue::Feedback, Queue::Privacy, Queue::Dead]
    {
        for message in take(world, queue).await {
            if let Some(form) = marks.found_in(message["body"].as_str().expect("body").as_bytes()) {
                found.push(format!("queue {queue:?}: {form}"));
            }
        }
    }
    found.sort_unstable();
    found
}

/// The key of an item. Items of the credentials table have no partition key of that name.
pub fn key_of(item: &Item) -> Item {
    let names: &[&str] = if item.contains_key("pk") { &["pk", "sk"] } else { &["id"] };
    let key = names.iter().filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())));
    key.collect()
}

/// All bytes of a value.
fn flatten(value: &AttributeValue, bytes: &mut Vec<Vec<u8>>) {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => bytes.push(text.as_bytes().to_vec()),
        AttributeValue::B(blob) => bytes.push(blob.as_ref().to_vec()),
        AttributeValue::L(values) => values.iter().for_each(|value| flatten(value, bytes)),
        AttributeValue::M(values) => values.iter().for_each(|(name, value)| {
            bytes.push(name.as_bytes().to_vec());
            flatten(value, bytes);
        }),
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => {
            bytes.extend(texts.iter().map(|text| text.as_bytes().to_vec()));
        }
        AttributeValue::Bs(blobs) => bytes.extend(blobs.iter().map(|blob| blob.as_ref().to_vec())),
        _ => {}
    }
}

/// The signed document in a value, if there is one: packed under a dictionary of the same table.
async fn document(world: &World, value: &AttributeValue) -> Option<Vec<u8>> {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        let AttributeValue::M(values) = value else { continue };
        if values.contains_key("d") && values.contains_key("n") {
            let signed = serde_dynamo::from_attribute_value(value.clone()).ok()?;
            return world.stack.app().status_lists.document(&signed).await.ok()?;
        }
        open.extend(values.values());
    }
    None
}
