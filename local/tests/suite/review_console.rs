//! The review in the console: pictures of what will be signed, columns that are assigned and kept, rows that are mended and
//! pasted, very many rows. `tests/browser/review.mjs` does it in Chromium.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    browser::in_browser,
    harness::World,
    spreadsheets::make::{Book, number, row, text, texts},
};

/// Rows of the large file.
const MANY: usize = 10_000;
/// Elements that a page with many rows has beyond one with few.
const FURTHER_ELEMENTS: u64 = 50;

fn work(world: &World) -> Value {
    let mut many = "Correo;Nombre;Nota;Inicio\n".to_owned();
    for n in 1..=MANY {
        let longest =
            if n == 7_777 { " de los Ángeles Fernández de Córdoba y Villavicencio" } else { "" };
        writeln!(many, "persona{n}@ejemplo.com;María José Muñoz {n}{longest};A;2026-04-15")
            .expect("written");
    }
    json!({
        "site": world.stack.app().config.site_url,
        "key": world.demo.api_key,
        "template": world.demo.template_id,
        "files": {
            "columns": "Correo;Nombre;RUT;Logro final\nlu@ejemplo.com;Lu Pino;1-9;B\n",
            "mended": "Acta de abril;;;\nCorreo;Nombre;RUT;Nota\nana-{run}@ejemplo.com;Ana Soto;1-9;A\ninvalido@test;\"Luis; el mayor\";2-7;A\neva-{run}@ejemplo.com;Eva de los Ángeles Villavicencio;3-5;Z\nluz-{run}@ejemplo.com;Luz de los Ángeles Villavicencio;4-1;A\n".replace("RUT", "#RUT"),
        },
        "books": { "sheets": book("sheets"), "sheetsOnPhone": book("sheetsOnPhone") },
        "many": many,
        "hostile": [
            "=HYPERLINK(\"https://malo.example\";\"Ana\")", "<img src=x onerror=alert(1)><b>Ana</b>", "Ana\u{202e}otoS",
            "Ñ".repeat(30_000), "{{constructor}}", "José",
        ],
        "shots": std::env::var("SHOTS").ok(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registrar_sees_assigns_mends_and_pastes_in_the_review() {
    let world = World::new().await;
    let seen = in_browser("review.mjs", &work(&world)).await;
    columns_are_assigned_and_kept(&seen["columns"]);
    for name in ["desk", "phone"] {
        rows_are_mended_in_a_copy(&seen[name], name);
    }
    pasted_rows_are_judged_as_a_files(&seen["paste"]);
    for name in ["sheets", "sheetsOnPhone"] {
        sheets_are_asked_for_and_mended(&world, &seen[name], name).await;
    }
    many_rows_are_as_quick_as_few(&seen["many"]);
    let jobs = world.get("/jobs").await;
    let names = jobs["items"].as_array().expect("jobs").iter();
    let names: Vec<&Value> =
        names.filter(|job| job["dry_run"] != true).map(|job| &job["file"]["name"]).collect();
    let copies = ["acta (corregido).csv", "notas (corregido).csv"];
    assert_eq!(names, [copies[0], copies[0], copies[1], copies[1]], "the copy is what was issued");
}

fn columns_are_assigned_and_kept(run: &Value) {
    assert_eq!(run["kept"], "Guardada como Acta de la secretaría");
    let row = json!(["2", "Se emite", "Lu Pino", "B", "lu@ejemplo.com", "Corregir"]);
    assert_eq!((&run["rows"], &run["again"]), (&json!([row]), &json!([row])), "{run}");
    assert_eq!(run["before"], json!(["email", "recipient_name", "ignore", ""]), "{run}");
    assert_eq!(run["after"], json!(["email", "recipient_name", "ignore", "result_value"]));
    assert_eq!(run["forgotten"], "{}");
}

fn rows_are_mended_in_a_copy(run: &Value, name: &str) {
    let pictures = run["pictures"].as_array().expect("pictures");
    let said: Vec<&str> = pictures.iter().filter_map(|picture| picture[0].as_str()).collect();
    assert_eq!(
        said,
        [
            "El primero: línea 3\nAna Soto",
            "El más largo: línea 6\nLuz de los Ángeles Villavicencio"
        ]
    );
    assert!(pictures.iter().all(|picture| picture[1].as_u64() > Some(1_000)), "{run}");
    let faulty = run["faulty"]["text"].as_str().expect("a text");
    assert_eq!(run["faulty"]["name"], "notas (filas con errores).csv");
    assert_eq!(faulty.lines().count(), 3, "{faulty}");
    assert!(faulty.contains("Correo;Nombre;#RUT;Nota;line;status;error"), "{faulty}");
    assert!(
        faulty.contains("invalido@test;\"Luis; el mayor\";2-7;A;4;invalid;Invalid email"),
        "{faulty}"
    );
    assert_eq!(
        run["focus"],
        json!(["Correo", "Corregir: línea 4", "Corregir: línea 5", "Nota", "see-copy"]),
        "{run}"
    );
    assert_eq!(run["pending"], "3 filas corregidas, sin revisar todavía");
    assert_eq!(run["issueDisabled"], true, "what was mended is reviewed first");
    assert_eq!(run["see"], "Revisar «notas (corregido).csv»");
    let chosen = run["chosen"].as_str().expect("a text");
    assert!(chosen.starts_with("Archivo elegido: notas (corregido).csv"), "{chosen}");
    assert!(run["facts"][2].as_str().expect("a text").starts_with("notas (corregido).csv"));
    assert_eq!(run["sums"], json!(["4 nuevas"]), "{run}");
    assert_eq!(
        run["copy"],
        format!(
            "\u{feff}Correo;Nombre;#RUT;Nota\r\nana-{name}@ejemplo.com;Ana María Soto;1-9;A\r\npersona-{name}@ejemplo.com;\"Luis; el mayor\";2-7;A\r\neva-{name}@ejemplo.com;Eva de los Ángeles Villavicencio;3-5;B\r\nluz-{name}@ejemplo.com;Luz de los Ángeles Villavicencio;4-1;A\r\n"
        )
    );
    assert_eq!(run["issued"], true, "what was checked is what is issued");
    assert_eq!(run["faultyAgain"], json!(["1 nueva", "1 con errores"]), "{run}");
}

fn pasted_rows_are_judged_as_a_files(run: &Value) {
    let chosen = run["chosen"].as_str().expect("a text");
    assert!(chosen.starts_with("Archivo elegido: filas pegadas.csv"), "{chosen}");
    assert_eq!(run["focus"], "dry-run");
    let names: Vec<&Value> =
        run["rows"].as_array().expect("rows").iter().map(|row| &row[2]).collect();
    assert_eq!(names, ["Uno Soto", "\"Dos Rojas\""], "{run}");
    let upload = run["upload"].as_str().expect("a text");
    assert!(upload.contains("\"Dos líneas:\nesta dice \"\"hola\"\"\""), "{upload}");
    assert_eq!(run["headless"][1][2], "Cuatro Soto", "{run}");
    for (pasted, file) in [("hostile", "hostileFile"), ("nul", "nulFile")] {
        assert_eq!(run[pasted], run[file], "judged alike");
    }
    let hostile = &run["hostile"];
    assert_eq!(hostile[3], 0, "text alone: {hostile}");
    let faults = hostile[2].as_array().expect("rows").len();
    assert_eq!((hostile[1].as_array().map(Vec::len), faults), (Some(6), 4), "{}", hostile[2]);
    assert!(!run["nul"][0].as_str().expect("a text").is_empty(), "{run}");
}

/// A file of two sheets, the first with a hidden row, the second with a wrong address; in base64.
fn book(run: &str) -> String {
    let address = |name: &str| format!("{name}-{run}@ejemplo.com");
    let header = ["Correo", "Nombre", "Nota", "Número de licencia", "Inicio"];
    let hidden = texts(3, &[&address("oculta"), "Luz Paz", "A"]);
    let hidden = hidden.replace("<row r", r#"<row hidden="1" r"#);
    let first = [texts(1, &header[..3]), texts(2, &[&address("una"), "Una Soto", "A"]), hidden];
    let typed = |n: u32, email: &str, name: &str, licence: &str| {
        let texts = [(format!("A{n}"), email), (format!("B{n}"), name), (format!("C{n}"), "A")];
        let texts = texts.map(|(at, of)| text(&at, of));
        let further = [number(&format!("D{n}"), licence, 1), number(&format!("E{n}"), "46054", 2)];
        row(n, &[&texts[..], &further].concat())
    };
    let second = [
        texts(1, &header),
        typed(2, &address("hoja"), "Ana Soto", "123"),
        typed(3, "mal@", "Eva; &quot;la&quot; Paz", "7"),
    ];
    let sheets = [("Acta", first.concat()), ("Acta 2", second.concat())];
    let sheets = sheets.map(|(name, rows)| (name.to_owned(), "visible", rows)).to_vec();
    STANDARD.encode(Book { sheets, ..Book::default() }.formats(&["00000", "dd/mm/yyyy"]).file())
}

async fn sheets_are_asked_for_and_mended(world: &World, run: &Value, name: &str) {
    let asked = run["asked"][0].as_str().expect("a text");
    assert!(asked.contains("1 fila oculta") && asked.contains("Di abajo si se leen"), "{asked}");
    assert_eq!((&run["asked"][1], &run["asked"][2]), (&json!(true), &json!("Acta")));
    assert_eq!(run["seen"], json!(["Acta", ["1 nueva"]]), "the hidden row is left out");
    assert_eq!(run["forgotten"], json!([false, false]));
    assert_eq!(
        run["said"],
        json!([[null, null], ["Acta", "skip"], ["Acta 2", null], [null, null], [null, null]]),
        "what was said goes with the upload, and not with the copy"
    );
    assert_eq!(run["read"], "Hoja que se lee: «Acta 2». Hojas que no se leen: «Acta».");
    let targets = run["targets"].as_array().expect("targets");
    for target in ["awarded_on", "valid_until"] {
        assert!(targets.contains(&json!(target)), "{targets:?}");
    }
    assert_eq!(run["see"], "Revisar «acta (corregido).csv»");
    assert_eq!(
        run["copy"],
        format!(
            "\u{feff}Correo;Nombre;Nota;Número de licencia;Inicio\r\nhoja-{name}@ejemplo.com;Ana Soto;A;00123;2026-02-01\r\nmal-{name}@ejemplo.com;\"Eva; \"\"la\"\" Paz\";A;00007;2026-02-01\r\n"
        )
    );
    assert_eq!(run["issued"], true, "what was checked is what is issued: {run}");
    for (of, recipient, licence) in
        [("hoja", "Ana Soto", "00123"), ("mal", "Eva; \"la\" Paz", "00007")]
    {
        let issued = world.get(&format!("/credentials?email={of}-{name}@ejemplo.com")).await;
        let issued = &issued["items"][0];
        assert_eq!(issued["recipient_name"], recipient, "{run}");
        assert_eq!(issued["license_number"], licence);
        assert_eq!(issued["activity_start_date"], "2026-02-01");
    }
}

fn many_rows_are_as_quick_as_few(run: &Value) {
    let count = |name: &str| run[name].as_u64().expect("a count");
    for name in ["many", "after"] {
        assert!(count(name) < count("few") + FURTHER_ELEMENTS, "{name}: {run}");
    }
    assert_eq!(run["place"], "1–50 de 10.000");
    assert_eq!(run["turned"], "1501–1550 de 10.000");
    assert_eq!(run["focus"], "Siguientes");
    let longest = run["pictures"][1][0].as_str().expect("a caption");
    assert!(
        longest.starts_with("El más largo: línea 7778\nMaría José Muñoz 7777 de los"),
        "{longest}"
    );
    if std::env::var("SHOTS").is_ok() {
        eprintln!("the review of {MANY} rows: {} and {} ms", run["seconds"], run["scroll"]);
    }
}
