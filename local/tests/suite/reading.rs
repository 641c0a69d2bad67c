//! Files as they really come: each is read as it was meant, or refused with what to do.

use std::{process::Command, time::Instant};

use serde_json::{Value, json};
use unicreda::domain::encoding::Encoding;

use crate::{
    harness::{World, check_sums, person},
    queues::{self, Queue},
    sim::Sim,
};

/// What becomes of a file.
enum Outcome {
    /// These names are issued, and so many rows are refused.
    Read(&'static [&'static str], u64),
    /// Nobody is issued, for a fault of this code.
    Refused(&'static str),
}

use Outcome::{Read, Refused};

/// Files of encodings and shapes that people report, with invented people.
const FILES: [(&str, &[u8], Outcome); 19] = [
    (
        "macroman.csv",
        b"email;nombre;calificacion\rana@ejemplo.com;Mar\x92a Mu\x96oz P\x8erez;A\r",
        Read(&["María Muñoz Pérez"], 0),
    ),
    (
        "cp850.csv",
        b"email;nombre;calificacion\r\ndos@ejemplo.com;Mar\xa1a Mu\xa4oz P\x82rez;A\r\n",
        Read(&["María Muñoz Pérez"], 0),
    ),
    (
        "cp1250.csv",
        b"email;nombre;calificacion\r\nlu@ejemplo.com;\xa3ukasz Wa\xb3\xeasa;A\r\n",
        Read(&["Łukasz Wałęsa"], 0),
    ),
    (
        "utf16le-nobom.csv",
        b"C\0o\0r\0r\0e\0o\0\t\0N\0o\0m\0b\0r\0e\0\t\0N\0o\0t\0a\0\r\0\n\0u\0t\0@\0e\0j\0e\0m\0p\0l\0o\0.\0c\0o\0m\0\t\0A\0n\0a\0 \0P\0e\0\xf1\0a\0\t\0A\0\r\0\n\0",
        Read(&["Ana Peña"], 0),
    ),
    (
        "utf16le-bom.csv",
        b"\xff\xfeC\0o\0r\0r\0e\0o\0\t\0N\0o\0m\0b\0r\0e\0\t\0N\0o\0t\0a\0\r\0\n\0u\0t\x002\0@\0e\0j\0e\0m\0p\0l\0o\0.\0c\0o\0m\0\t\0A\0n\0a\0 \0P\0e\0\xf1\0a\0\t\0A\0\r\0\n\0",
        Read(&["Ana Peña"], 0),
    ),
    (
        "space-quote.csv",
        "email, calificacion, nombre, rol, periodo\r\nana3@ejemplo.com, A, \"Pérez Soto, Ana\", Estudiante\r\n".as_bytes(),
        Read(&["Pérez Soto, Ana"], 0),
    ),
    (
        "empty-first-row.csv",
        b";;\r\nemail;nombre;calificacion\r\nana4@ejemplo.com;Ana;A\r\n",
        Read(&["Ana"], 0),
    ),
    (
        "title-rows.csv",
        b"Universidad Demo;;\r\nActa final 2026;;\r\n\r\nCorreo;Nombre;Nota\r\nana@ejemplo.com;Ana;A\r\n",
        Read(&["Ana"], 0),
    ),
    (
        "cr-unclosed.csv",
        b"email;nombre;calificacion\rana5@ejemplo.com;\"Ana;A\rluis5@ejemplo.com;Luis;B\r",
        Refused("unclosed_quote"),
    ),
    (
        "html.xls",
        b"<html><table>\n<tr><td>email</td><td>nombre</td></tr>\n</table></html>",
        Refused("web_page"),
    ),
    (
        "prefilled-rows.csv",
        b"#Asistio;email;nombre;calificacion\r\nTRUE;ana7@ejemplo.com;Ana;A\r\nFALSE;;;\r\nFALSE;;;\r\n",
        Read(&["Ana"], 0),
    ),
    (
        "total-row.csv",
        b"email;nombre;calificacion\r\nana@ejemplo.com;Ana Total;A\r\nTotal;1;\r\n",
        Read(&["Ana Total"], 1),
    ),
    (
        "whole-row-quoted.csv",
        b"email;nombre;calificacion;creditos\r\n\"ana@ejemplo.com;Ana;A;6,5\"\r\n\"luis@ejemplo.com;Luis;B;6,5\"\r\n",
        Read(&["Ana", "Luis"], 0),
    ),
    (
        "newline-name.csv",
        b"email;nombre;calificacion\r\nana8@ejemplo.com;\"Ana Maria\nPerez Soto\";A\r\n",
        Read(&["Ana Maria Perez Soto"], 0),
    ),
    (
        "two-addresses.csv",
        b"email;nombre;calificacion\r\n\"ana@ejemplo.com\nluis@ejemplo.com\";Ana;A\r\nAna <ana@ejemplo.com>;Eva;A\r\nmailto:ana@ejemplo.com;Luz;A\r\n",
        Read(&["Eva", "Luz"], 1),
    ),
    (
        "array.json",
        br#"[{"email":"a7@ejemplo.com","recipient_name":"Uno","result_value":"A"},
            {"email":"b7@ejemplo.com","recipient_name":"Dos","result_value":"A"}]"#,
        Read(&["Uno", "Dos"], 0),
    ),
    (
        "other-template.json",
        br#"{"template_id":"550e8400-e29b-41d4-a716-446655440999","recipients":[{"email":"a@ejemplo.com","recipient_name":"Uno","result_value":"A"}]}"#,
        Refused("other_template"),
    ),
    (
        "unknown.csv",
        b"email;nombre;calificacion\r\na@ejemplo.com;\xc8\xe2\xe0\xed \xcf\xe5\xf2\xf0\xee\xe2;A\r\n",
        Refused("unknown_encoding"),
    ),
    ("acta.zip", b"\x1f\x8b\x08\0", Refused("archive")),
];

async fn names(world: &World, job: &str) -> Vec<String> {
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    let mut names = Vec::new();
    for row in rows["items"].as_array().expect("rows") {
        if let Some(id) = row["credential_id"].as_str() {
            let credential = world.get(&format!("/credentials/{id}")).await;
            names.push(credential["recipient_name"].as_str().expect("a name").to_owned());
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_as_it_really_comes_is_read_as_it_was_meant_or_refused() {
    let world = World::new().await;
    let mut issued = 0;
    for (name, bytes, outcome) in FILES {
        let job = world.upload(name, bytes, &json!({ "send_email": false })).await;
        let status = world.file_job(&job).await;
        match outcome {
            Read(people, failed) => {
                check_sums(&status["result"]);
                assert_eq!(status["result"]["failed"], failed, "{name} {status}");
                assert_eq!(names(&world, &job).await, people, "{name} {status}");
                issued += people.len();
            }
            Refused(code) => {
                assert_eq!((&status["status"], &status["code"]), (&json!("FAILURE"), &json!(code)));
                assert!(!status["error"].as_str().expect("text").is_empty());
            }
        }
    }
    // The body of a request, as somebody saved it.
    let body = json!({
        "template_id": world.demo.template_id, "send_email": false,
        "recipients": [person(801), person(802)],
    });
    let body = serde_json::to_string_pretty(&body).expect("JSON");
    let job = world.upload("acta.jsonl", body.as_bytes(), &json!({ "send_email": false })).await;
    let status = world.file_job(&job).await;
    assert_eq!(status["result"]["successful"], 2, "{status}");
    let results = world.results_file(&job).await;
    assert!(results.contains("persona802@ejemplo.com,Persona Zorrilla 802,A,"), "{results}");
    let all = world.get("/credentials?limit=100").await;
    assert_eq!(all["items"].as_array().expect("items").len(), issued + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_says_how_its_file_was_read_and_the_upload_may_decide() {
    let world = World::new().await;
    let file = b"Acta final\r\nemail;nombre;nota\r\nana@ejemplo.com;Mar\x92a;A\r\n";
    for dry_run in [true, false] {
        let job = world.upload("mac.csv", file, &json!({ "dry_run": dry_run })).await;
        let status = world.file_job(&job).await;
        let read = json!({
            "name": "mac.csv", "size": file.len(), "encoding": "macroman",
            "encoding_guessed": true, "header_line": 2,
        });
        assert_eq!(status["file"], read);
    }
    // Two readings, each with its letters; the upload names one.
    let file = b"email;nombre;nota\r\na@ejemplo.com;Xqw\xeaz;A\r\n";
    let job = world.upload("acta.csv", file, &json!({})).await;
    let status = world.file_job(&job).await;
    assert_eq!(
        (&status["status"], &status["code"]),
        (&json!("FAILURE"), &json!("unknown_encoding"))
    );
    let readings = status["readings"].as_array().expect("readings");
    assert!(
        readings.contains(&json!({ "encoding": "windows-1252", "texts": ["Xqwêz"] })),
        "{status}"
    );
    assert!(readings.len() > 1, "{status}");
    let job = world.upload("acta.csv", file, &json!({ "encoding": "Windows-1250" })).await;
    let status = world.file_job(&job).await;
    assert_eq!(status["file"]["encoding"], "windows-1250");
    assert_eq!(status["file"]["encoding_guessed"], false);
    assert_eq!(names(&world, &job).await, ["Xqwęz"]);

    let body = json!({
        "template_id": world.demo.template_id, "file_name": "a.csv", "size": 9, "encoding": "latin9",
    });
    let problem = world.call("POST", "/uploads", Some(&body)).await.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["pointer"], "/encoding");
    assert!(problem["errors"][0]["message"].as_str().expect("text").contains("macroman"));
}

/// 90 rows in each form that a position must be exact in, and no time: each invocation reads on
/// from where the one before stopped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_resumes_in_every_form_of_a_file() {
    let people: Vec<Value> = (1..=90).map(person).collect();
    let rows = |end: &str| {
        let mut file = format!("Acta{end}email;nombre;nota{end}");
        for person in &people {
            let text = |name: &str| person[name].as_str().expect("text");
            file += &format!("{};\"{}\";A{end}", text("email"), text("recipient_name"));
        }
        file
    };
    let wide: Vec<u8> = rows("\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let json = serde_json::to_vec_pretty(&json!({ "recipients": people })).expect("JSON");
    for file in [wide, rows("\r").into_bytes(), json] {
        let mut sim = Sim::new(0).await;
        sim.with_shards_of(10);
        sim.upload(&file, &people).await.expect("uploaded");
        let events = queues::take_exactly(&sim.world, Queue::Uploads, 1).await;
        let body = events[0]["body"].as_str().expect("body").to_owned();
        let app = sim.app();
        unicreda::jobs::upload::handle(&app, &body, Instant::now()).await.expect("handled");
        let job =
            sim.world.get("/jobs").await["items"][0]["job_id"].as_str().expect("id").to_owned();
        let status = sim.world.get(&format!("/jobs/{job}")).await;
        assert_eq!(status["progress"]["rows_read"], 80, "{status}");
        let figures = sim.finish().await.expect("the sweeper has it read to its end");
        assert_eq!((figures.credentials, figures.mails), (90, 90));
    }
}

/// The tables of code pages against Python's codecs.
#[test]
fn code_pages_are_those_of_python() {
    let codecs = [
        (Encoding::Windows1252, "cp1252"),
        (Encoding::Windows1250, "cp1250"),
        (Encoding::Windows1254, "cp1254"),
        (Encoding::Windows1257, "cp1257"),
        (Encoding::Iso8859_2, "iso8859_2"),
        (Encoding::MacRoman, "mac_roman"),
        (Encoding::MacCe, "mac_latin2"),
        (Encoding::Cp850, "cp850"),
        (Encoding::Cp852, "cp852"),
        (Encoding::Cp437, "cp437"),
    ];
    let script = "import sys\nfor name in sys.argv[1:]:\n print(' '.join(str(ord(bytes([b]).decode(name, 'replace'))) for b in range(256)))";
    let names = codecs.map(|(_, name)| name);
    let output =
        Command::new("python3").arg("-c").arg(script).args(names).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tables = String::from_utf8(output.stdout).expect("UTF-8");
    for ((encoding, name), line) in codecs.iter().zip(tables.lines()) {
        let ours = (0..=255)
            .map(|byte| u32::from(encoding.lossy(&[byte]).chars().next().expect("a character")));
        let ours: Vec<String> = ours.map(|code| code.to_string()).collect();
        assert_eq!(ours.join(" "), line, "{name}");
    }
    assert_eq!(tables.lines().count(), codecs.len());
}
