//! The canonical form by our own table is the one that oxjsonld and oxrdf find: on random
//! credentials, on random changes of them, and on equal nodes. The suite of `local` compares
//! the same text with jsonld.js.
//!
//! A run prints its seed; `SEED=…` repeats it, `LONG=1` makes it ten times as long.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, its helpers too"
)]

use serde_json::{Map, Value, json};
use unicreda::{
    document::{
        Content,
        alignments::{Prepared, ToSign},
        build,
        linked_data::{Contexts, OB_CONTEXT, VC_CONTEXT, by_libraries, by_table, canonical},
        proof::Unsigned,
        status_list::{self, Bits},
    },
    domain::{
        fault::Unportable,
        ids::{Mode, OrgId},
        recipient::Evidence,
        status_entry::ListId,
    },
};

#[path = "../../local/tests/random/mod.rs"]
mod random;

fn rng(what: &str) -> fastrand::Rng {
    let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    eprintln!("{what}: SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

fn count(usual: usize) -> usize {
    if std::env::var("LONG").is_ok_and(|value| value == "1") { 10 * usual } else { usual }
}

/// The longest form that the table makes, in bytes.
const LONGEST: usize = 256 * 1024;

/// The table's results on documents.
#[derive(Debug, Default)]
struct Seen {
    found: usize,
    refused: usize,
    declined: usize,
    /// Those that are longer than the table's limit.
    long: usize,
}

impl Seen {
    /// Compares the two ways on a document.
    fn compare(&mut self, document: &Map<String, Value>) {
        let libraries = by_libraries(document, Contexts::Issued);
        let shown = || Value::Object(document.clone());
        match by_table(document) {
            Ok(Some(found)) => {
                assert_eq!(Ok(found), libraries, "{}", shown());
                self.found += 1;
            }
            Ok(None) => {
                assert_eq!(canonical(document, Contexts::Issued), libraries, "{}", shown());
                match libraries {
                    Ok(form) if form.len() > LONGEST => self.long += 1,
                    _ => self.declined += 1,
                }
            }
            Err(refused) => {
                assert_eq!(libraries, Err(refused), "{}", shown());
                self.refused += 1;
            }
        }
    }
}

fn random_credential(rng: &mut fastrand::Rng) -> Map<String, Value> {
    loop {
        if let Some(document) = random::document(rng) {
            return document;
        }
    }
}

#[test]
fn the_table_finds_the_form_of_every_random_credential_as_the_libraries_do() {
    let mut rng = rng("credentials");
    let (mut seen, wanted) = (Seen::default(), count(2_000));
    for number in 0..wanted {
        let document = random_credential(&mut rng);
        seen.compare(&document);
        if number % 16 == 0 {
            assert_eq!(
                canonical(&document, Contexts::Issued),
                by_libraries(&document, Contexts::Named)
            );
        }
    }
    eprintln!("{seen:?}");
    // Only texts that sort differently are refused, and nothing that is not too long is left to the libraries.
    assert_eq!(seen.declined, 0);
    assert!(seen.found * 10 >= wanted * 9, "{seen:?}");
}

/// What is signed and stored of a document with prepared alignments is what is of the whole document.
#[test]
fn prepared_alignments_make_every_random_document_byte_for_byte() {
    let mut rng = rng("prepared alignments");
    let (mut served, mut refused, wanted) = (0, 0, count(2_000));
    let mut compare = |content: &Content<'_>, prepared: &Prepared| {
        let key = "did:web:credenciales.ejemplo.edu:orgs:u-andina#z6Mk";
        let created = "2026-11-24T09:00:00Z";
        let whole = Unsigned::new(build(content), key, created, Contexts::Issued);
        let other = ToSign::new(content, Some(prepared), key, created);
        let (whole, other) = match (whole, other) {
            (Ok(whole), Ok(other)) => (whole, other),
            (Err(whole), Err(other)) => {
                assert_eq!(whole, other);
                refused += 1;
                return false;
            }
            (whole, other) => panic!("{whole:?} {other:?}"),
        };
        assert_eq!(whole.to_sign(), other.unsigned.to_sign());
        let apart = other.is_apart();
        let whole = serde_json::to_vec(&whole.signed(&[7; 64])).expect("JSON");
        assert_eq!(other.signed(&[7; 64]).expect("JSON"), whole);
        apart
    };
    let mut seen = 0;
    while seen < wanted {
        random::with_content(&mut rng, |content| {
            let alone = Prepared::of(&content.achievement());
            let Some(prepared) = alone else {
                let refused = canonical(&build(content), Contexts::Issued).err();
                let none = content.definition.achievement.alignments.is_empty();
                assert!(none || refused.is_some(), "{:?}", content.definition.achievement);
                return;
            };
            seen += 1;
            served += usize::from(compare(content, &prepared));
            // What was prepared of another version serves no document of this one.
            let later = Content { template_version: content.template_version + 1, ..*content };
            assert!(!compare(&later, &prepared));
            let mut definition = content.definition.clone();
            definition.achievement.alignments[0].name.push('s');
            let changed = Content { definition: &definition, ..*content };
            assert!(!compare(&changed, &prepared));
            // Nor does it serve a document that names one of the alignments itself.
            let mut recipient = content.recipient.clone();
            let url = Some(format!("{}#alignment-1", content.achievement().url()));
            let evidence = Evidence { name: None, url, description: None };
            recipient.evidence = vec![evidence];
            let naming = Content { recipient: &recipient, ..*content };
            assert!(!compare(&naming, &prepared));
        });
    }
    eprintln!("{served} of {wanted} served, {refused} refused");
    assert!(served * 10 >= wanted * 7, "{served} of {wanted}");
}

/// Values that a member may get: of every kind, inside and outside of the table's terms.
fn odd(rng: &mut fastrand::Rng) -> Value {
    let texts = [
        "",
        " ",
        "A",
        "\n",
        "a\r\nb",
        "a\tb",
        "\u{7f}",
        "\u{85}",
        "\u{fffe}\u{ffff}\u{fffd}",
        "\"\\\"",
        "\u{10000}",
        "\u{2ffff}",
        "\u{e0041}",
        "true",
        "6",
        "6.5E0",
        "https://u.example/a",
        "https://u.example/a/../b?c#d",
        "HTTPS://U.Example:443/%7e",
        "https://ñ.example/",
        "https:a",
        "https://",
        "urn:x",
        "urn:uuid:1",
        "mailto:a@b.cl",
        "did:web:u.example#k",
        "id:x",
        "type:x",
        "name:x",
        "Image:x",
        "name",
        "Achievement",
        "a/b",
        "#a",
        "_:b0",
        "_:c14n0",
        "@id",
        "@type",
        "@none",
        "@nothing",
        ":",
        "a:",
        "assertionMethod",
        "2026-01-01T00:00:00Z",
    ];
    match rng.u8(..14) {
        0 => json!(rng.bool()),
        1 => json!(rng.u32(..3)),
        2 => json!(f64::from(rng.u32(..3))),
        3 => json!(f64::from(rng.u32(..1_000_000_000)) / 1000.0),
        4 => [json!(-0.0), json!(1e-16), json!(1e-7), json!(-1), json!(1_000_000), json!(1e300)]
            [rng.usize(..6)]
        .clone(),
        5 => Value::Null,
        6 => json!([odd(rng), odd(rng)]),
        7 => json!([texts[rng.usize(..texts.len())]]),
        8 => json!({ member(rng): odd(rng), member(rng): odd(rng) }),
        9 => json!({ "id": texts[rng.usize(..texts.len())], "type": odd(rng) }),
        10 => random::text(rng, true).into(),
        11 => "x".repeat(1 << rng.usize(..14)).into(),
        _ => texts[rng.usize(..texts.len())].into(),
    }
}

/// A member's name: mostly a term.
fn member(rng: &mut fastrand::Rng) -> &'static str {
    let names = [
        "id",
        "type",
        "name",
        "description",
        "narrative",
        "issuer",
        "validFrom",
        "validUntil",
        "credentialSubject",
        "evidence",
        "credentialSchema",
        "credentialStatus",
        "image",
        "achievementType",
        "creditsAvailable",
        "criteria",
        "resultDescription",
        "achievement",
        "activityEndDate",
        "creditsEarned",
        "identifier",
        "licenseNumber",
        "result",
        "role",
        "term",
        "hashed",
        "identityHash",
        "identityType",
        "salt",
        "allowedValue",
        "resultType",
        "statusListCredential",
        "statusListIndex",
        "statusPurpose",
        "created",
        "cryptosuite",
        "verificationMethod",
        "proofPurpose",
        "encodedList",
        "value",
        "Achievement",
        "@context",
        "@value",
        "@list",
        "unknown",
    ];
    names[rng.usize(..names.len())]
}

/// All places of a document, as JSON Pointers.
fn places(value: &Value, at: &str, to: &mut Vec<String>) {
    to.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                places(value, &format!("{at}/{}", name.replace('/', "~1")), to);
            }
        }
        Value::Array(values) => {
            for (number, value) in values.iter().enumerate() {
                places(value, &format!("{at}/{number}"), to);
            }
        }
        _ => {}
    }
}

fn change(document: &mut Value, rng: &mut fastrand::Rng) {
    let mut all = Vec::new();
    places(document, "", &mut all);
    let copied = document.pointer(&all[rng.usize(..all.len())]).cloned().unwrap_or_default();
    let place = document.pointer_mut(&all[rng.usize(1..all.len())]).expect("a place");
    match (rng.u8(..8), place) {
        (0, place) => *place = json!([place.take()]),
        (1, place) => *place = copied,
        (2, Value::Array(values)) => *values = [values.clone(), vec![copied]].concat(),
        (3, Value::Array(values)) if values.len() == 1 => {
            let only = values[0].take();
            // The target is missing when it was inside the taken value.
            if let Some(place) = document.pointer_mut(&all[rng.usize(1..all.len())]) {
                *place = only;
            }
        }
        (_, Value::Array(values)) => values.push(odd(rng)),
        (2..=3, Value::Object(members)) => {
            let names: Vec<String> = members.keys().cloned().collect();
            if let Some(name) = rng.choice(&names) {
                members.shift_remove(name);
            }
        }
        (_, Value::Object(members)) => {
            members.insert(member(rng).to_owned(), if rng.bool() { copied } else { odd(rng) });
        }
        (_, place) => *place = odd(rng),
    }
}

#[test]
fn a_changed_credential_is_read_as_the_libraries_do_or_left_to_them() {
    let mut rng = rng("changes");
    let (mut seen, wanted) = (Seen::default(), count(6_000));
    let mut one = Map::new();
    for number in 0..wanted {
        // Making one takes longer than changing it.
        if number % 8 == 0 {
            one = random_credential(&mut rng);
        }
        let mut document = Value::Object(one.clone());
        (0..rng.usize(1..=3)).for_each(|_| change(&mut document, &mut rng));
        if let Value::Object(document) = document {
            seen.compare(&document);
        }
    }
    eprintln!("{seen:?}");
    // The run met all three answers.
    assert!(seen.found * 20 > wanted, "{seen:?}");
    assert!(seen.refused * 20 > wanted, "{seen:?}");
    assert!(seen.declined * 100 > wanted, "{seen:?}");
}

fn credential(members: Value) -> Map<String, Value> {
    let mut document = json!({
        "@context": [VC_CONTEXT, OB_CONTEXT], "id": "https://u.example/credential/1",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
    });
    let all = document.as_object_mut().expect("an object");
    all.extend(members.as_object().cloned().expect("an object"));
    all.clone()
}

#[test]
fn equal_nodes_are_left_to_the_libraries() {
    let evidence = json!({ "type": ["Evidence"], "name": "Tesis" });
    let description = |id: u8, values: Value| json!({ "id": format!("https://u.example/#{id}"), "allowedValue": values });
    let ties = [
        json!({ "evidence": [evidence, { "type": "Evidence", "name": "Tesis" }] }),
        json!({ "evidence": [
            evidence, { "name": "Tesis", "type": "Evidence" }, { "name": ["Tesis"], "type": "Evidence" },
        ] }),
        json!({ "evidence": [{ "creditsEarned": 6 }, { "creditsEarned": 6.0 }] }),
        // The ends of two lists.
        json!({ "resultDescription": [
            description(1, json!(["A", "B", "C"])), description(2, json!(["D", "B", "C"])),
        ] }),
        json!({ "resultDescription": description(1, json!([1, 1.0])) }),
    ];
    for tie in ties {
        let document = credential(tie);
        let by_libraries = by_libraries(&document, Contexts::Issued);
        assert!(by_libraries.is_ok(), "{document:?}: {by_libraries:?}");
        assert_eq!(by_table(&document), Ok(None), "{document:?}");
        assert_eq!(canonical(&document, Contexts::Issued), by_libraries);
    }
    // Alike, but with different members of their own.
    let apart = [
        json!({ "evidence": [evidence, { "type": ["Evidence"], "name": "Tesina" }] }),
        json!({ "evidence": evidence, "image": evidence }),
        json!({ "resultDescription": [
            description(1, json!(["A", "B"])), description(2, json!(["B", "C"])),
        ] }),
    ];
    for members in apart {
        let document = credential(members);
        assert!(matches!(by_table(&document), Ok(Some(_))), "{document:?}");
        Seen::default().compare(&document);
    }
}

#[test]
fn the_table_finds_the_form_of_status_lists_and_long_credentials() {
    let id = ListId { org: OrgId::parse("u-andina").expect("an id"), mode: Mode::Live, number: 7 };
    let mut bits = Bits::default();
    (0..131_072).step_by(7).for_each(|bit| bits.set(bit, true));
    let list = status_list::document(
        &id,
        "https://u.example",
        "did:web:u.example:orgs:u-andina",
        &bits,
        "2026-11-24T09:00:00Z",
    );
    let values: Vec<String> = (0..200).map(|value| format!("Valor {value}")).collect();
    let of = |description: String| {
        credential(json!({
            "description": description,
            "resultDescription": [{ "id": "https://u.example/#result", "allowedValue": values }],
        }))
    };
    for document in [list.expect("a list"), of("Ñandú 🎓 ".repeat(2_000))] {
        assert!(matches!(by_table(&document), Ok(Some(_))));
        Seen::default().compare(&document);
    }
    // The libraries read larger ones; the largest are refused.
    let large = of("x".repeat(250_000));
    assert_eq!(by_table(&large), Ok(None));
    Seen::default().compare(&large);
    let mut bare = Map::new();
    bare.insert("id".to_owned(), format!("https://u.example/{}", "x".repeat(300_000)).into());
    for too_large in [of("x".repeat(300_000)), bare] {
        let refused = Err(Unportable::Shape("the document".to_owned()));
        assert_eq!(canonical(&too_large, Contexts::Issued), refused);
    }
}
