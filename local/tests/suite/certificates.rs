//! The certificate as others read it: archives, people who hear it, programs that take its text; and names in every
//! script.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    harness::{Reply, World, person},
    python::{interpreter, succeeded},
};

/// Names, and whether pdfium reads their letters in their order.
const NAMES: [(&str, bool); 13] = [
    ("Ñemitỹ G̃uarani", true),
    ("Nguyễn Đặng", true),
    ("İnönü Şükrü", true),
    ("Ελένη Нгуен", true),
    ("李小龍", true),
    ("﨑髙 花子 かな", true),
    ("김민준", true),
    ("अनुष्का शर्मा", true),
    ("สมชาย ใจดี", true),
    ("محمد الأحمد", false),
    ("שרה כהן", true),
    ("Ana 🎓", true),
    ("Ana 李 محمد", true),
];

/// Lays out the fonts that git does not hold, once.
pub fn fonts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // Two runs at once must not both fetch them; the lock goes with the file.
    let lock = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("fonts.lock"));
    let lock = lock.expect("a lock file");
    lock.lock().expect("the lock");
    let laid = Command::new("python3.11").arg(root.join("infra/fonts.py")).output();
    succeeded(&laid.expect("Python 3.11 (python3.11) is needed to fetch fonts"));
}

async fn get(world: &World, id: &str, name: &str) -> Reply {
    world.send("GET", &format!("/credential/{id}{name}"), &[], "").await.expect(200)
}

async fn issued(world: &World, name: &str) -> String {
    let mut recipient = person(1);
    recipient["recipient_name"] = name.into();
    let answer = world.issue_one(&recipient).await;
    answer["credential_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// What is read in a certificate that breaks no rule.
pub fn read(folder: &Path, pdf: &Reply, document: &Reply, language: &str) -> Value {
    let (file, signed) = (folder.join("certificate.pdf"), folder.join("document.json"));
    fs::write(&file, &pdf.body).expect("written");
    fs::write(&signed, &document.body).expect("written");
    let checker = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates/check.py");
    let mut check = Command::new(interpreter("certificates"));
    let output = check.arg(checker).args([&file, &signed]).arg(language).output();
    serde_json::from_str(&succeeded(&output.expect("Python runs"))).expect("JSON")
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_keeps_the_rules_of_archives_and_of_people_who_hear_it() {
    fonts();
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    for (name, readable) in NAMES {
        let id = issued(&world, name).await;
        let document = get(&world, &id, ".json").await;
        let pdf = get(&world, &id, "/certificate.pdf").await;
        assert!(pdf.headers.get("x-unknown-letters").is_none(), "{name}");
        let read = read(folder.path(), &pdf, &document, "es");
        let award = "Diseño de APIs con Rust";
        assert_eq!(read["title"], json!(format!("{award} · {name}")), "{read}");
        assert_eq!(read["headings"], json!([["H1", name], ["H2", award]]), "{read}");
        let [seal, code] = read["figures"].as_array().map(Vec::as_slice).expect("figures") else {
            panic!("{read}")
        };
        assert!(seal.as_str().is_some_and(|words| words.contains(award)), "{read}");
        assert!(code.as_str().is_some_and(|words| words.contains("QR")), "{read}");
        assert_eq!(read["links"].as_array().map(Vec::len), Some(2), "{read}");
        assert!(read["labels"].as_u64() >= Some(2), "{read}");
        let text = letters(read["text"].as_str().expect("text"));
        assert!(!readable || text.contains(&letters(name)), "{name}: {text}");
        assert!(text.contains("DiseñodeAPIsconRust"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_of_any_length_is_whole_on_one_page() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let blanks = "María Candelaria de los Ángeles ".repeat(7);
    let word = "Abcdefghij".repeat(20);
    for name in [blanks.trim(), word.as_str()] {
        let name: String = name.chars().take(200).collect();
        let id = issued(&world, name.trim()).await;
        let document = get(&world, &id, ".json").await;
        let read =
            read(folder.path(), &get(&world, &id, "/certificate.pdf").await, &document, "es");
        let text =
            letters(read["text"].as_str().expect("text")).replace(['\u{fffe}', '\u{2}', '-'], "");
        assert!(text.contains(&letters(&name)), "{name}: {text}");
        get(&world, &id, "/preview.png").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_no_font_has_is_drawn_as_its_code_point_and_said() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let id = issued(&world, "Ana \u{e0a2}\u{10fffd} Rojas").await;
    let named = "U+E0A2 U+10FFFD";
    let pdf = get(&world, &id, "/certificate.pdf").await;
    assert_eq!(pdf.header("x-unknown-letters"), named);
    let document = get(&world, &id, ".json").await;
    read(folder.path(), &pdf, &document, "es");
    let preview = get(&world, &id, "/preview.png").await;
    assert_eq!(preview.header("x-unknown-letters"), named);
    assert_ne!(
        preview.body,
        get(&world, &issued(&world, "Ana Rojas").await, "/preview.png").await.body
    );
    assert!(get(&world, &id, "/badge.png").await.headers.get("x-unknown-letters").is_none());
}
