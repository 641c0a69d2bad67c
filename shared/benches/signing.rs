//! The cost of a signature: ours step by step, against raw Ed25519, oxjsonld with oxrdf, and
//! libraries for Node, on the same credentials in the same run, a thread each.
//!
//! `cargo bench -p unicreda --bench signing`. Needs Node 20, whose packages it installs
//! (`local/tests/verifiers`). It fails when any of them finds another signature.
//!
//! Every figure is the median of some rounds. Wall time means little on a shared machine, so
//! the table also shows processor time where the system reports it (Linux); a peer's is that of
//! all its threads.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints a table, or stops"
)]

use std::{
    hint::black_box,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Map, Value, json, value::RawValue};
use unicreda::{
    credentials::sign::specimen,
    document::{
        self, Content,
        alignments::{Prepared, ToSign},
        did,
        linked_data::{Contexts, by_libraries, by_table},
        proof::Unsigned,
    },
    domain::{
        fields::Fields,
        ids::{CredentialId, Mode, OrgId, TemplateId},
        packing,
        recipient::{Entry, Recipient},
        status_entry::StatusEntry,
        template::Definition,
    },
};

const ROUNDS: usize = 25;
/// Rounds of a step that takes milliseconds.
const FEW: usize = 5;
/// Times that a signature with 50 alignments may take of one without.
const RICH: f64 = 3.0;
/// What a measurement may be off.
const NOISE: f64 = 1.1;
const SITE: &str = "https://credenciales.ejemplo.edu";
const CREATED: &str = "2026-11-24T09:00:00Z";

/// Microseconds a credential.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: Option<f64>,
}

impl Cost {
    fn of_a_core(self) -> f64 {
        self.cpu.unwrap_or(self.wall)
    }
}

/// Microseconds that this thread has run.
fn run() -> Option<f64> {
    // Linux counts at ticks, some milliseconds apart, and whenever a thread yields.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1000.0)
}

/// Measures a step per input; the inputs are made outside of the measure. The first round
/// warms up.
fn measure<I, O>(rounds: usize, inputs: impl Fn() -> Vec<I>, step: impl Fn(I) -> O) -> Cost {
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let inputs = inputs();
        let count = inputs.len() as f64;
        let mut outputs = Vec::with_capacity(inputs.len());
        let (before, began) = (run(), Instant::now());
        outputs.extend(inputs.into_iter().map(&step));
        let (took, used) = (began.elapsed(), run().zip(before));
        black_box(outputs);
        if round > 0 {
            wall.push(took.as_secs_f64() * 1e6 / count);
            cpu.extend(used.map(|(after, before)| (after - before) / count));
        }
    }
    Cost { wall: median(wall).unwrap(), cpu: median(cpu) }
}

fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

struct Row {
    name: String,
    cost: Cost,
    note: String,
}

fn row(name: impl Into<String>, cost: Cost, note: impl Into<String>) -> Row {
    Row { name: name.into(), cost, note: note.into() }
}

/// Templates of different sizes.
fn templates() -> Result<Vec<(TemplateId, Definition)>> {
    let field = |name: &str| json!({ "name": name, "required": false });
    let bodies = [
        json!({ "name": "Asistencia", "description": "Charla abierta.", "fields": [field("recipient_name")] }),
        json!({
            "name": "Química orgánica II", "description":
                "Curso de 60 horas con laboratorio: reacciones, mecanismos, síntesis y análisis.",
            "achievement": { "type": "Course", "credits_available": 6.0, "criteria":
                "Nota final igual o superior a 4,0 y asistencia de 75 % a los laboratorios." },
            "validity_months": 60,
            "fields": [
                field("recipient_name"), field("credits_earned"), field("term"),
                { "name": "result_value", "required": true, "allowed_values": ["A", "B", "C", "D", "F"] },
            ],
        }),
        json!({
            "name": "Diplomado en Gestión Pública", "description":
                "Programa de 240 horas en seis módulos, con trabajo final ante una comisión. Modalidad mixta.",
            "achievement": { "type": "Diploma", "criteria": "Aprobar los seis módulos y el trabajo final." },
            "fields": [
                field("recipient_name"), field("credits_earned"), field("evidence"), field("role"),
                field("license_number"), field("term"), field("activity_start_date"),
                field("activity_end_date"), field("result_value"),
            ],
        }),
    ];
    let read = |(number, body): (u128, &Value)| {
        let body = body.to_string();
        let read = Fields::of_body(body.as_bytes()).and_then(Definition::read);
        let (definition, _) = read.map_err(|problem| anyhow!("{problem:?}"))?;
        Ok((TemplateId::from(uuid::Uuid::from_u128(number)), definition))
    };
    (1..).zip(&bodies).map(read).collect()
}

fn recipient(number: usize) -> Result<Recipient> {
    let mut one = json!({
        "email": format!("persona.{number}@ejemplo.com"),
        "recipient_name": format!("María José Ñandú Pérez {number}"),
    });
    if !number.is_multiple_of(3) {
        one["result_value"] = ["A", "B", "C", "D"][number % 4].into();
        one["credits_earned"] = json!((number % 50) as f64 / 4.0);
        one["term"] = format!("2026-{}", 1 + number % 2).into();
    }
    if number % 3 == 2 {
        one["role"] = "Estudiante".into();
        one["license_number"] = format!("CL-{number:06}").into();
        one["activity_start_date"] = "2026-03-02".into();
        one["activity_end_date"] = "2026-11-20".into();
        one["evidence"] = json!([
            { "name": "Trabajo final", "url": format!("https://repositorio.ejemplo.edu/{number}"),
              "description": "Informe y presentación ante la comisión." },
            { "name": "Bitácora", "description": "Entregada en papel." },
        ]);
    }
    let raw = RawValue::from_string(one.to_string())?;
    Entry::parse(&raw).recipient.ok().context("a recipient")
}

/// A credential for each recipient, the templates in turn.
fn contents<'a>(
    org: &'a OrgId,
    issuer: &'a str,
    templates: &'a [(TemplateId, Definition)],
    recipients: &'a [Recipient],
) -> Vec<Content<'a>> {
    (0_u128..)
        .zip(recipients)
        .map(|(number, recipient)| {
            let (template_id, definition) = &templates[number as usize % templates.len()];
            Content {
                site_url: SITE,
                issuer,
                issuer_name: "Universidad Andina",
                issuer_logo: None,
                org,
                mode: Mode::Live,
                id: CredentialId::from(uuid::Uuid::from_u128(number << 32 | 0xffff)),
                template_id: *template_id,
                template_version: 1,
                definition,
                recipient,
                subject: uuid::Uuid::from_u128(number << 64 | 0xffff),
                salt: "c2Fs_-dAc2Fs_-dAc2Fs_A",
                valid_from: "2026-11-24T08:59:00Z",
                valid_until: (number % 3 == 1).then_some("2031-11-24T08:59:59Z"),
                awarded_on: Some(jiff::civil::date(2026, 11, 24)),
                status: StatusEntry { list: 0, index: number as u32 * 509 },
            }
        })
        .collect()
}

/// Requires that the table finds the form of each document, and the one that the libraries find.
fn compare_forms(documents: &[Map<String, Value>]) -> Result<()> {
    for document in documents {
        let found = by_table(document)?;
        ensure!(found.is_some(), "left to the libraries: {document:?}");
        ensure!(found == Some(by_libraries(document, Contexts::Named)?), "{document:?}");
    }
    Ok(())
}

/// Prints the table: microseconds by the clock and by the processor.
fn print(rows: Vec<Row>) {
    println!("{:<46}{:>9}{:>9}", "", "clock", "core");
    for Row { name, cost, note } in rows {
        let cpu = cost.cpu.map(|cpu| format!("{cpu:.1}")).unwrap_or_default();
        println!("{name:<46}{:>9.1}{cpu:>9}  {note}", cost.wall);
    }
}

fn main() -> Result<()> {
    let org = OrgId::parse("u-andina").ok().context("an organization")?;
    let issuer = did::of(SITE, &org, Mode::Live);
    let seed = [7; 32];
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed)?;
    let public: [u8; 32] = pair.public_key().as_ref().try_into()?;
    let multikey = unicreda::domain::signing_key::multikey(&public);
    let key_id = did::key_id(&issuer, &multikey);

    let templates = templates()?;
    let recipients = (0..240).map(recipient).collect::<Result<Vec<_>>>()?;
    let contents = contents(&org, &issuer, &templates, &recipients);
    let contents = || contents.iter().collect::<Vec<_>>();
    let unsigned = |document, contexts| Unsigned::new(document, &key_id, CREATED, contexts);

    // The inputs of each step, made once.
    let documents: Vec<_> = contents().into_iter().map(document::build).collect();
    let unsigneds = || documents.iter().map(|d| unsigned(d.clone(), Contexts::Issued).unwrap());
    let signatures: Vec<_> = unsigneds().map(|u| pair.sign(u.to_sign())).collect();
    let jsons: Vec<Vec<u8>> = unsigneds()
        .zip(&signatures)
        .map(|(u, signature)| serde_json::to_vec(&u.signed(signature.as_ref())).unwrap())
        .collect();
    let dictionaries: Vec<Vec<u8>> =
        contents().into_iter().map(|c| specimen(c, &multikey).unwrap()).collect();
    let packed: usize =
        jsons.iter().zip(&dictionaries).map(|(j, d)| packing::pack(j, d).unwrap().len()).sum();
    compare_forms(&documents)?;
    let cloned = || documents.clone();

    let raw = measure(ROUNDS, || unsigneds().collect(), |u: Unsigned| pair.sign(u.to_sign()));
    let build = measure(ROUNDS, contents, document::build);
    let form = measure(ROUNDS, cloned, |d| unsigned(d, Contexts::Issued).unwrap());
    let signed = measure(ROUNDS, contents, |c| {
        let unsigned = unsigned(document::build(c), Contexts::Issued).unwrap();
        let signature = pair.sign(unsigned.to_sign());
        (unsigned, signature)
    });
    let json = measure(
        ROUNDS,
        || unsigneds().zip(&signatures).collect(),
        |(u, signature)| serde_json::to_vec(&u.signed(signature.as_ref())).unwrap(),
    );
    let common = measure(ROUNDS, contents, |c| {
        let dictionary = specimen(c, &multikey).unwrap();
        packing::name_of(&dictionary)
    });
    let pack = measure(
        ROUNDS,
        || jsons.iter().zip(&dictionaries).collect(),
        |(json, dictionary): (&Vec<u8>, &Vec<u8>)| packing::pack(json, dictionary).unwrap(),
    );
    let table = measure(FEW, contents, |c| {
        let document = document::build(c);
        let text = by_libraries(&document, Contexts::Issued).unwrap();
        let mut hashes = [0; 64];
        hashes[32..].copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        pair.sign(&hashes)
    });
    let named = measure(FEW, contents, |c| {
        let unsigned = unsigned(document::build(c), Contexts::Named).unwrap();
        pair.sign(unsigned.to_sign())
    });

    let times = |cost: Cost| format!("{:.1}x", cost.of_a_core() / signed.of_a_core());
    let mut rows = vec![
        row("raw Ed25519 (aws-lc)", raw, ""),
        row("ours: document", build, ""),
        row("ours: canonical form, hashes", form, ""),
        row("ours: signed (document, form, Ed25519)", signed, "1x"),
        row("ours: proof, JSON", json, ""),
        row("ours: dictionary (once a template version)", common, ""),
        row("ours: packed", pack, format!("{} -> {} bytes", total(&jsons), packed / jsons.len())),
        row("oxjsonld+oxrdf, our table: signed", table, times(table)),
        row("oxjsonld+oxrdf, contexts as named: signed", named, times(named)),
    ];
    for (name, cost, same) in peers(&documents, &signatures, &seed, &public, &key_id)? {
        ensure!(same == documents.len(), "{name}: {same} of {} signatures", documents.len());
        rows.push(row(name, cost, format!("{}, all {same} signatures the same", times(cost))));
    }
    println!("{} credentials of {} templates, microseconds each", documents.len(), templates.len());
    print(rows);
    rich(&org, &issuer, &pair, &multikey, &key_id)
}

/// Compares what achievements with many alignments cost with the targets: a signature, packed, at most
/// [`RICH`] times one of an achievement without any, and a verification by a library that is not ours
/// grows no faster than its statements.
fn rich(
    org: &OrgId,
    issuer: &str,
    pair: &Ed25519KeyPair,
    multikey: &str,
    key_id: &str,
) -> Result<()> {
    let recipients = (0..60).map(recipient).collect::<Result<Vec<_>>>()?;
    let (mut lines, mut sizes, mut signed) = (String::new(), Vec::new(), Vec::new());
    for size in [0, 10, 25, 50] {
        let alignments: Vec<Value> = (0..size).map(alignment).collect();
        let fields: Vec<Value> = unicreda::domain::field::FieldName::ALL
            .map(|field| json!({ "name": field.as_str(), "required": false }))
            .to_vec();
        let body = json!({
            "name": "Ciencia de Datos", "description": "Ciento veinte horas.", "fields": fields,
            "achievement": { "type": "Certificate", "alignments": alignments },
        });
        let read = Fields::of_body(body.to_string().as_bytes()).and_then(Definition::read);
        let (definition, _) = read.map_err(|problem| anyhow!("{problem:?}"))?;
        let templates = [(TemplateId::from(uuid::Uuid::from_u128(9)), definition)];
        let contents = contents(org, issuer, &templates, &recipients);
        let one = document::build(&contents[0]);
        let statements = by_table(&one)?.context("left to the libraries")?.lines().count();
        let prepared = Prepared::of(&contents[0].achievement());
        let sign = |c: &Content<'_>| {
            let drawn = ToSign::new(c, prepared.as_ref(), key_id, CREATED).unwrap();
            let signature = pair.sign(drawn.unsigned.to_sign());
            drawn.signed(signature.as_ref()).unwrap()
        };
        let dictionary = specimen(&contents[0], multikey)?;
        // As a job does: all that a credential takes of the processor before it is put.
        signed.push(measure(
            ROUNDS,
            || contents.iter().collect(),
            |c| packing::pack(&sign(c), &dictionary).unwrap(),
        ));
        let line = json!({ "size": size, "document": serde_json::from_slice::<Value>(&sign(&contents[0]))? });
        lines.push_str(&format!("{line}\n"));
        sizes.push((size, statements));
    }
    let file = std::env::temp_dir().join(format!("unicreda-rich-{}.jsonl", std::process::id()));
    std::fs::write(&file, lines)?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../local/tests/verifiers");
    let answer = Command::new("node")
        .arg(folder.join("times.mjs"))
        .arg(&file)
        .args([key_id, "100"])
        .stderr(Stdio::inherit())
        .output();
    std::fs::remove_file(&file)?;
    let answer = answer.context("node")?;
    ensure!(answer.status.success(), "node: {}", answer.status);
    let verified = std::str::from_utf8(&answer.stdout)?.lines().map(|line| {
        let line: Value = serde_json::from_str(line)?;
        line["cpu"].as_f64().context("a number")
    });
    let verified = verified.collect::<Result<Vec<f64>>>()?;
    println!(
        "\nalignments, statements, ours: signed (x without), @digitalbazaar/vc: verified (x with 10)"
    );
    for (at, (size, statements)) in sizes.iter().enumerate() {
        let (ours, theirs) =
            (signed[at].of_a_core() / signed[0].of_a_core(), verified[at] / verified[1]);
        println!(
            "{size:>10}{statements:>12}{:>12.1} ({ours:.2}x){:>14.0} ({theirs:.2}x)",
            signed[at].of_a_core(),
            verified[at]
        );
        let allowed = *statements as f64 / sizes[1].1 as f64 * NOISE;
        let word = |met: bool| if met { "met" } else { "missed" };
        println!(
            "           at most {RICH}x: {}; at most {allowed:.2}x: {}",
            word(ours <= RICH),
            if at < 2 { "-" } else { word(theirs <= allowed) }
        );
    }
    Ok(())
}

fn alignment(number: usize) -> Value {
    json!({
        "name": format!("Analizar datos {number}"), "framework": "ESCO", "code": format!("S{number}.1"),
        "url": format!("http://data.europa.eu/esco/skill/{number}"), "type": "ceasn:Competency",
    })
}

/// Mean size, in bytes.
fn total(all: &[Vec<u8>]) -> usize {
    all.iter().map(Vec::len).sum::<usize>() / all.len()
}

/// Measures the libraries in Node on the same documents: name, cost, and the number of
/// signatures equal to ours.
fn peers(
    documents: &[Map<String, Value>],
    signatures: &[impl AsRef<[u8]>],
    seed: &[u8; 32],
    public: &[u8; 32],
    key_id: &str,
) -> Result<Vec<(String, Cost, usize)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../local/tests/verifiers");
    // As the tests install them (local/tests/suite/node.rs).
    let lock = std::fs::File::create(folder.join("node_modules.lock"))?;
    lock.lock()?;
    let wanted = std::fs::read(folder.join("package-lock.json"))?;
    let complete = folder.join("node_modules/complete.json");
    if std::fs::read(&complete).ok().as_ref() != Some(&wanted) {
        let status = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--silent"])
            .current_dir(&folder)
            .status()
            .context("npm, which comes with Node")?;
        ensure!(status.success(), "npm ci: {status}");
        std::fs::write(&complete, &wanted)?;
    }
    drop(lock);
    let lines = documents.iter().zip(signatures).map(|(document, signature)| {
        let value = format!("z{}", bs58::encode(signature.as_ref()).into_string());
        json!({ "document": document, "created": CREATED, "proofValue": value }).to_string() + "\n"
    });
    let file = std::env::temp_dir().join(format!("unicreda-signing-{}.jsonl", std::process::id()));
    std::fs::write(&file, lines.collect::<String>())?;
    // Codec `ed25519-priv` as a varint (multicodec table).
    let secret = [&[0x80, 0x26], seed.as_slice(), public].concat();
    let answer = Command::new("node")
        .arg(folder.join("peers.mjs"))
        .arg(&file)
        .args([&format!("z{}", bs58::encode(secret).into_string()), key_id, &FEW.to_string()])
        .stderr(Stdio::inherit())
        .output();
    std::fs::remove_file(&file)?;
    let answer = answer.context("node")?;
    ensure!(answer.status.success(), "node: {}", answer.status);
    let read = |line: &str| {
        let line: Value = serde_json::from_str(line)?;
        let text = |name: &str| line[name].as_str().context("a text");
        let number = |name: &str| line[name].as_f64().context("a number");
        let cost = Cost { wall: number("wall")?, cpu: Some(number("cpu")?) };
        Ok((format!("{} {}", text("name")?, text("version")?), cost, number("same")? as usize))
    };
    std::str::from_utf8(&answer.stdout)?.lines().map(read).collect()
}
