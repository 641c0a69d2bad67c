//! A search of everything that the service has stored for words that only one person has.

use std::{fmt, io::Read};

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
        texts.into_iter().flatten().chain(unzipped(bytes)).find_map(|text| {
            let holds = |form: &&(String, Vec<u8>)| contains(&text, &form.1);
            self.0.iter().find(holds).map(|(name, _)| name.as_str())
        })
    }
}

/// The files of a ZIP archive, each behind its header (APPNOTE 6.3, "local file header"); of other bytes
/// none.
fn unzipped(bytes: &[u8]) -> Vec<Vec<u8>> {
    const HEADER: &[u8] = b"PK\x03\x04";
    if !bytes.starts_with(HEADER) {
        return Vec::new();
    }
    let starts = bytes.windows(HEADER.len()).enumerate().filter(|(_, window)| *window == HEADER);
    let files = starts.filter_map(|(start, _)| {
        let length =
            |at| Some(usize::from(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])));
        let data = start + 30 + length(start + 26)? + length(start + 28)?;
        let mut file = Vec::new();
        DeflateDecoder::new(bytes.get(data..)?).read_to_end(&mut file).ok()?;
        Some(file)
    });
    files.collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    !word.is_empty() && text.windows(word.len()).any(|window| window == word)
}

/// A place that has something of a person.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `catalog`, `credentials`, `jobs`, `bucket`, `queue`.
    pub store: &'static str,
    /// The parts of an item's key; the key of an object; the name of a queue.
    pub key: Vec<String>,
    /// The attribute of an item.
    pub attribute: Option<String>,
    /// The form in which it has it.
    form: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.store, self.key.join(" "))?;
        if let Some(attribute) = &self.attribute {
            write!(f, " {attribute}")?;
        }
        write!(f, ": {}", self.form)
    }
}

/// The three tables, as `docs/data.md` calls them, with their names.
pub fn tables(world: &World) -> [(&'static str, &str); 3] {
    let config = &world.stack.app().config;
    [
        ("catalog", &config.catalog_table),
        ("credentials", &config.credentials_table),
        ("jobs", &config.jobs_table),
    ]
}

/// The parts of an item's key.
pub fn parts_of(item: &Item) -> Vec<String> {
    let own = if item.contains_key("pk") { ["pk", "sk"].as_slice() } else { &["id"] };
    own.iter().filter_map(|name| item.get(*name)?.as_s().ok().cloned()).collect()
}

/// Every place that has something of a person, as texts.
pub async fn places(world: &World, marks: &Marks) -> Vec<String> {
    found(world, marks).await.iter().map(Place::to_string).collect()
}

/// Every place that has something of a person: table and item, object, queue.
pub async fn found(world: &World, marks: &Marks) -> Vec<Place> {
    let mut found = Vec::new();
    let app = world.stack.app();
    for (store, table) in tables(world) {
        let mut start = None;
        loop {
            let scan = app.dynamodb.scan().table_name(table).consistent_read(true);
            let page = scan.set_exclusive_start_key(start).send().await.expect("items");
            for item in page.items() {
                for (name, value) in item {
                    let mut bytes = vec![name.as_bytes().to_vec()];
                    flatten(value, &mut bytes);
                    if let Some(document) = document(world, value).await {
                        bytes.push(document);
                    }
                    if let Some(form) = bytes.iter().find_map(|bytes| marks.found_in(bytes)) {
                        let (key, attribute) = (parts_of(item), Some(name.clone()));
                        found.push(Place { store, key, attribute, form: form.to_owned() });
                    }
                }
            }
            start = page.last_evaluated_key().cloned();
            if start.is_none() {
                break;
            }
        }
    }
    let mut other = |store, key: &str, form: &str| {
        let form = form.to_owned();
        found.push(Place { store, key: vec![key.to_owned()], attribute: None, form });
    };
    let files = app.files.as_ref().expect("files");
    let listed = files.client().list_objects_v2().bucket(files.bucket()).send().await;
    for object in listed.expect("objects").contents() {
        let key = object.key().expect("key");
        let get = files.client().get_object().bucket(files.bucket()).key(key).send().await;
        let body = get.expect("object").body.collect().await.expect("bytes").to_vec();
        if let Some(form) = marks.found_in(&body).or_else(|| marks.found_in(key.as_bytes())) {
            other("bucket", key, form);
        }
    }
    for queue in [
        Queue::Issue,
        Queue::Mail,
        Queue::Uploads,
        Queue::Feedback,
        Queue::Privacy,
        Queue::Print,
        Queue::Dead,
        Queue::DeadFeedback,
    ] {
        for message in take(world, queue).await {
            if let Some(form) = marks.found_in(message["body"].as_str().expect("body").as_bytes()) {
                other("queue", queue.name(), form);
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
