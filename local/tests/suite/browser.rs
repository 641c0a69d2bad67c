//! Runs the pages and the console in Chromium, by the programs of `tests/browser`: on phone and
//! desk, by keyboard, on paper, without a script.

use std::{process::Stdio, time::Duration};

use local::inbox::Showcase;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};
use unicreda::domain::{api_key::Scope, ids::Mode};

use crate::{
    catalog::key_of,
    files::{data_url, picture},
    harness::{World, person},
    living::rich,
    node::packages,
};

const MEMBER: &str = "ana.rojas@demo.example";

/// A recipient with every field, of this address and name.
fn everything(email: &str, name: &str) -> Value {
    json!({
        "email": email, "recipient_name": name, "result_value": "A", "credits_earned": 6.5,
        "role": "Estudiante", "term": "2026-2", "license_number": "LIC-2026-0099",
        "activity_start_date": "2026-03-02", "activity_end_date": "2026-11-13",
        "evidence": [
            { "name": "Proyecto final", "url": "https://ejemplo.com/proyecto", "description": "Una API." },
            { "url": "https://ejemplo.com/repositorio" },
        ],
    })
}

/// Issues a credential that lasts a month and moves the clock past its end; its URL. The clock
/// moves once, so this comes before every other credential.
async fn expired(world: &World) -> String {
    let brief = json!({
        "name": "Primeros auxilios", "description": "Vale un mes.", "validity_months": 1,
        "fields": [{ "name": "recipient_name", "required": true }],
    });
    let brief = world.call("POST", "/templates", Some(&brief)).await.expect(201).json();
    let one = json!({
        "template_id": brief["id"],
        "recipients": [{ "email": "vencida@ejemplo.com", "recipient_name": "Ana Soto" }],
    });
    let one = world.call("POST", "/credentials/issue", Some(&one)).await.expect(200).json();
    let url = one["credentials"][0]["credential_url"].as_str().expect("a URL").to_owned();
    world.mails("vencida@ejemplo.com", 1).await;
    world.stack.app().clock.jump(Duration::from_secs(40 * 24 * 3_600));
    url
}

async fn issue(world: &World, name: &str, recipient: Value) -> String {
    let answer = world.issue_one(&recipient).await;
    let url = answer["credential_url"].as_str().unwrap_or_else(|| panic!("{name}: {answer}"));
    url.to_owned()
}

/// Issues a credential for every state and for names of every kind: the name of each state and
/// the URL of its page.
async fn every_state(world: &World) -> Vec<(&'static str, String)> {
    let expired = expired(world).await;
    let logo = json!({ "logo": data_url(&picture(300, 90)) });
    world.call("PUT", "/organization", Some(&logo)).await.expect(200);
    let long = "María de los Ángeles Concepción Fernández-Villaverde y Goicoechea de la Santísima Trinidad Martínez de Irujo y Fitz-James Stuart";
    let word = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen".repeat(3);
    let mut shown = Vec::new();
    for (name, person) in [
        ("credential", "María José Núñez"),
        ("long name", long),
        ("long word", &word),
        ("Arabic", "محمد بن عبد الله الخوارزمي"),
        ("Japanese", "山田 太郎"),
    ] {
        let email = format!("{}@ejemplo.com", shown.len());
        shown.push((name, issue(world, name, everything(&email, person)).await));
    }
    let reason = || json!({ "reason": "Error de acta" });
    for (name, method, action, body) in [
        ("revoked", "POST", "/revoke", reason()),
        ("suspended", "POST", "/suspend", reason()),
        ("blocked", "POST", "/block", reason()),
        ("corrected", "PATCH", "", json!({ "result_value": "B" })),
    ] {
        let email = format!("{name}@ejemplo.com");
        let url = issue(world, name, everything(&email, "Ana Soto")).await;
        let id = url.rsplit('/').next().expect("an id");
        let path = format!("/credentials/{id}{action}");
        world.call(method, &path, Some(&body)).await.expect(200);
        shown.push((name, url));
    }
    let test = world.issue_as(&world.demo.test_api_key, &[person(9)]).await.expect(200).json();
    let test = test["credentials"][0]["credential_url"].as_str().expect("a URL").to_owned();
    shown.extend([("test", test), ("expired", expired)]);
    shown
}

/// Issues three credentials to a member; the URL of the member's wallet.
async fn wallet_of_three(world: &World) -> String {
    for n in 1..=3 {
        let term = format!("2026-{n}");
        issue(world, "member", json!({ "email": MEMBER, "result_value": "A", "term": term })).await;
    }
    let wallet = world.get(&format!("/members/{MEMBER}/credentials")).await;
    world.mails(MEMBER, 3).await;
    wallet["wallet_url"].as_str().expect("a link").to_owned()
}

/// Issues a credential of a rich achievement with ten facts of its own and a private one, and changes the
/// template's name since: the URL of the credential's page and of the achievement.
async fn rich_achievement(world: &World) -> (String, String) {
    let mut body = rich(12);
    let mut facts: Vec<Value> = (1..=9)
        .map(|n| json!({ "key": format!("fact_{n}"), "label": format!("Dato propio {n}"), "type": "text" }))
        .collect();
    facts.push(json!({ "key": "rut", "label": "RUT", "type": "text", "private": true }));
    body["custom_fields"] = facts.into();
    let made = world.call("POST", "/templates", Some(&body)).await.expect(201).json();
    let path = format!("/templates/{}", made["id"].as_str().expect("an id"));
    let custom = (1..=9).map(|n| (format!("fact_{n}"), "Un valor que alguien escribió".into()));
    let mut custom: serde_json::Map<String, Value> = custom.collect();
    custom.insert("rut".to_owned(), "98.765.432-K".into());
    let one = json!({
        "email": "rica@ejemplo.com", "recipient_name": "Ana Soto", "awarded_on": "1998-12-18", "custom": custom,
    });
    let one = json!({ "template_id": made["id"], "recipients": [one] });
    let one = world.call("POST", "/credentials/issue", Some(&one)).await.expect(200).json();
    let url = one["credentials"][0]["credential_url"].as_str().expect("a URL").to_owned();
    body["name"] = "Ciencia de Datos y Estadística".into();
    world.call("PUT", &path, Some(&body)).await.expect(200);
    let site = &world.stack.app().config.site_url;
    let path = url.strip_prefix(site.as_str()).expect("of this site");
    let signed = world.send("GET", &format!("{path}.json"), &[], "").await.expect(200).json();
    let achievement = signed["credentialSubject"]["achievement"]["id"].as_str();
    (url, achievement.expect("an id").to_owned())
}

/// Every page of the site in every state, and the addresses of a credential and a wallet.
async fn pages(world: &World) -> (Vec<Value>, Value) {
    let site = world.stack.app().config.site_url.clone();
    let shown = every_state(world).await;
    let wallet = wallet_of_three(world).await;
    let (rich, achievement) = rich_achievement(world).await;
    let url = |of: &str| &shown.iter().find(|(name, _)| *name == of).expect("a page").1;
    let credential = url("credential");
    world.stack.show(Showcase {
        environment: ".local/demo.env".to_owned(),
        credential: Some(credential.clone()),
        wallet: Some(wallet.clone()),
    });
    let page = |name: &str, url: &str| json!({ "name": name, "url": url, "missing": false });
    let missing = |name: &str, url: &str| json!({ "name": name, "url": url, "missing": true });
    let mut pages = vec![
        page("replaced", &format!("{}?version=1", url("corrected"))),
        missing("blocked", url("blocked")),
        missing("unknown", &format!("{site}/credential/nobody")),
        page("wallet", &wallet),
        missing("wallet closed", &format!("{site}/wallet/demo.live.x")),
        page("home", &format!("{site}/")),
        missing("nowhere", &format!("{site}/nada")),
        page("achievement", &achievement),
        page("achievement, former version", &format!("{achievement}?version=1")),
        missing("achievement unknown", &format!("{achievement}?version=9")),
        json!({ "name": "rich", "url": rich, "missing": false, "paper": true }),
        page("start", &format!("{site}/_local")),
        page("inbox", &format!("{site}/_local/mail")),
        page("mail", &format!("{site}/_local/mail/0")),
    ];
    pages.extend(
        shown.iter().filter(|(name, _)| *name != "blocked").map(
            |(name, url)| json!({ "name": name, "url": url, "missing": false, "paper": true }),
        ),
    );
    (pages, json!({ "credential": credential, "wallet": wallet }))
}

/// Runs a program of `tests/browser` and returns what it saw. A fault that it found fails the test.
pub async fn in_browser(program: &str, work: &Value) -> Value {
    let folder = packages("browser").await.expect("packages");
    let mut node = Command::new("node")
        .arg(folder.join(program))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node");
    let mut to = node.stdin.take().expect("its input");
    to.write_all(work.to_string().as_bytes()).await.expect("written");
    drop(to);
    let output = node.wait_with_output().await.expect("its end");
    assert!(output.status.success(), "the browser's program ended with {}", output.status);
    let mut answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let faults: Vec<&str> =
        answer["faults"].as_array().expect("faults").iter().filter_map(Value::as_str).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    answer["seen"].take()
}

/// The work of the console's program: keys of every kind, a second template of the demo's name, and
/// files that are wrong, good and unsure.
async fn console_work(world: &World) -> Value {
    let app = world.stack.app();
    let second = json!({
        "name": "Diseño de APIs con Rust", "description": "Otra edición.",
        "fields": [{ "name": "recipient_name", "required": true }],
    });
    world.call("POST", "/templates", Some(&second)).await.expect(201);
    let mut issued = Vec::new();
    for n in [21, 22] {
        issued.push(world.issue_one(&person(n)).await["credential_id"].clone());
    }
    let id = |n: usize| issued[n].as_str().expect("an id");
    let mut corrections = "Correo;Nombre;Nota;Inicio;credential_id\r\n".to_owned();
    let named = |n: u32| {
        let person = person(n);
        let text = |field: &str| person[field].as_str().expect("a text").to_owned();
        [text("email"), text("recipient_name"), text("result_value")]
    };
    let [email, _, grade] = named(21);
    corrections += &format!("{email};María José Núñez;{grade};15/04/2026;{}\r\n", id(0));
    let [email, name, grade] = named(22);
    corrections += &format!("{email};{name};{grade};;{}\r\n", id(1));
    corrections += "otra@ejemplo.com;Otra Rojas;A;15/04/2026;\r\n";
    let mut good = "Correo electrónico;Nombre completo;Calificación;Fecha de inicio\r\n".to_owned();
    for n in 1..=12 {
        good += &format!("persona{n}@ejemplo.com;José  Muñoz {n};A;15/04/2026\r\n");
    }
    good += "invalido@test;Luis Rojas;A;\r\neva@ejemplo.com;Eva Soto;Z;\r\n";
    json!({
        "site": app.config.site_url,
        "bucket": world.stack.endpoints().s3,
        "key": world.demo.api_key,
        "narrow": key_of(app, "demo", Mode::Live, &[Scope::Issue, Scope::Read], None).await,
        "closed": key_of(app, "demo", Mode::Live, &[Scope::Admin], None).await,
        "test": world.demo.test_api_key,
        "template": world.demo.template_id,
        "files": {
            "good": good,
            "wrong": "correo;nombre;RUT;nota\r\na@ejemplo.com;Ana;1-9;A\r\n",
            "unsure": "email;nombre;nota\r\nz@ejemplo.com;Xqwêz;A\r\n",
            "columns": "Correo;Nombre;RUT;Logro final\r\nlu@ejemplo.com;Lu Pino;1-9;B\r\n",
            "corrections": corrections,
            "dates": "Correo;Nombre;Nota;Inicio\r\nmo@ejemplo.com;Mo Pino;A;03/08/2026\r\n",
        },
        "shots": std::env::var("SHOTS").ok(),
    })
}

/// The registrar enters a key, chooses template and file, reviews, issues, follows the job and
/// downloads its results: on a desk, on a phone and in English; and does what people do besides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registrar_issues_from_a_file_in_the_console() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut work = console_work(&world).await;
    work["folder"] = folder.path().to_str().expect("a path").into();
    let seen = in_browser("console.mjs", &work).await;
    let runs = &seen["runs"];
    for (name, refused, example) in [
        ("desk", "Línea 1, columna 3 (C): No se reconoce la columna «RUT»", "plantilla.csv"),
        ("phone, dark", "Línea 1, columna 3 (C): No se reconoce la columna «RUT»", "plantilla.csv"),
        ("English", "Line 1, column 3 (C): The column \"RUT\"", "template.csv"),
    ] {
        let run = &runs[name];
        assert_eq!(run["keyInPage"], false, "the key is nowhere in the page");
        assert_eq!((&run["preselected"], &run["emptied"]), (&json!(""), &json!("")), "{run}");
        assert_eq!(run["example"]["name"], example);
        assert!(run["refusal"].as_str().expect("text").contains(refused), "{run}");
        let count = |list: &str| run[list].as_array().map(Vec::len);
        assert_eq!(
            (count("templates"), count("rows"), count("faults")),
            (Some(3), Some(if name == "desk" { 14 } else { 10 }), Some(2)),
            "a page of rows"
        );
        assert_eq!(run["focused"], "check-title");
        assert_eq!(run["inView"], true, "{run}");
    }
    review_is_whole(&runs["desk"]);
    let desk = &runs["desk"];
    assert_eq!(desk["wrongKey"], "La clave de API no es válida o fue revocada.");
    assert_eq!(desk["totals"], json!(["12 emitidas", "2 fallidas", "12 correos enviados"]));
    assert_eq!(desk["results"]["name"], "acta 0-resultados.csv");
    assert_eq!(desk["results"]["text"].as_str().expect("text").matches(";issued;").count(), 12);
    assert_eq!(desk["prints"], "certificados.zip");
    let printed = desk["printed"].as_str().expect("text");
    assert!(printed.starts_with("12 certificados listos · 2 filas sin certificado"), "{printed}");
    assert_eq!(desk["hash"], "");
    // The runs on the phone and in English find the credentials of the first.
    assert_eq!(
        runs["phone, dark"]["sums"],
        json!(["0 nuevas", "12 ya emitidas: no se repiten", "2 con errores"])
    );
    assert_eq!(runs["phone, dark"]["button"], "No hay ninguna fila nueva que emitir");
    assert_eq!(
        runs["English"]["sums"],
        json!(["0 new", "12 issued before: not repeated", "2 with errors"])
    );
    odd_situations_are_said(&seen["odd"]);
    corrections_are_seen_before_they_are_made(&seen["odd"]);
    let credentials = world.get("/credentials").await;
    assert_eq!(credentials["items"].as_array().map(Vec::len), Some(15), "two before, one beside");
    let jobs = world.get("/jobs").await;
    let jobs = jobs["items"].as_array().expect("jobs");
    let issuing = jobs.iter().filter(|job| job["dry_run"] != true).count();
    assert_eq!(issuing, 2, "a double click is one job");
}

/// The review on the desk says template, mode and every row, its faults, and what was guessed.
fn review_is_whole(desk: &Value) {
    assert_eq!(
        desk["facts"],
        json!([
            "Diseño de APIs con Rust",
            "Modo real",
            "acta 0.csv (1 KB)",
            "Se avisa a cada persona"
        ])
    );
    let guess = desk["guesses"][0].as_str().expect("a guess");
    assert!(guess.contains("por sus letras parece: Windows"), "{guess}");
    assert_eq!(desk["sums"], json!(["12 nuevas", "2 con errores"]));
    assert_eq!(
        desk["heads"],
        json!([
            "Línea",
            "Qué pasaría",
            "Nombre completo",
            "Calificación",
            "Fecha de inicio",
            "Correo electrónico",
            "Corregir"
        ])
    );
    assert_eq!(
        desk["rows"][0],
        json!([
            "2",
            "Se emite",
            "José Muñoz 1",
            "A",
            "15 de abril de 2026",
            "persona1@ejemplo.com",
            "Corregir"
        ])
    );
    assert_eq!(
        desk["faults"],
        json!([
            [
                "14",
                "invalido@test",
                "Invalid email: invalido@test (la columna «Correo electrónico» no tiene una dirección de correo válida)",
                "Corregir"
            ],
            [
                "15",
                "eva@ejemplo.com",
                "Calificacion invalida. Valores permitidos: A, B, C, D, F. La columna «Calificación» dice «Z»",
                "Corregir"
            ],
        ])
    );
    assert_eq!(desk["button"], "Emitir 12 credenciales de «Diseño de APIs con Rust» (modo real)");
    assert_eq!(
        desk["switched"],
        json!([
            "en,Issue from a file,?lang=en",
            "Check: nothing has been issued",
            "File chosen: acta 0.csv (1 KB)",
            "Issue 12 credentials of “Diseño de APIs con Rust” (live mode)",
        ])
    );
}

/// What people do besides is said, and issues nothing that they did not review.
fn odd_situations_are_said(odd: &Value) {
    let text = |name: &str| odd[name].as_str().unwrap_or_else(|| panic!("{name}: {odd}"));
    assert_eq!(text("keyCutShort"), "La clave de API no es válida o fue revocada.");
    assert_eq!(
        text("closedKey"),
        "A esta clave de API le falta un permiso: necesita issue y read."
    );
    assert_eq!(text("oneRow"), "Emitir 1 credencial de «Diseño de APIs con Rust» (modo real)");
    assert!(text("changed").starts_with("El archivo cambió después de la revisión"), "{odd}");
    assert_eq!((&odd["changedChosen"], &odd["changedReview"]), (&json!(""), &json!(false)));
    assert!(odd["again"][0][2] == "Nueva Pinto", "{odd}");
    assert_eq!(odd["facts"][3], "No se avisa a nadie");
    assert_eq!(odd["otherTemplate"], false, "it was reviewed with another");
    assert!(text("gone").starts_with("El archivo no se puede leer"), "{odd}");
    assert!(text("unsure").starts_with("No está claro en qué codificación"), "{odd}");
    let readings = odd["readings"].as_array().expect("readings");
    assert!(readings.len() > 1 && readings[0].as_str().expect("a text").contains("Xqw"), "{odd}");
    assert!(odd["chosenReading"][0][2].as_str().expect("a name").contains("Xqw"), "{odd}");
    assert!(text("columns").contains("No se reconocen 2 columnas"), "{odd}");
    let last = &odd["columnsRead"][3];
    assert_eq!((&last[0], &last[1]), (&json!("Logro final"), &json!("B")), "{odd}");
    assert_eq!(odd["suggested"], json!(["email", "recipient_name", "ignore", ""]), "{odd}");
    assert_eq!(odd["columnsSaid"][0][3], "B", "{odd}");
    assert!(text("dates").starts_with("Las fechas del archivo se pueden leer de dos"), "{odd}");
    assert!(odd["datesSaid"][0].to_string().contains("3 de agosto de 2026"), "{odd}");
    assert_eq!(odd["dayFirstKept"], false, "another file says its own");
    assert!(text("offline").starts_with("No hay conexión con el servicio"), "{odd}");
    assert_eq!((&odd["online"], &odd["back"]), (&json!(false), &json!(false)));
    assert_eq!(
        text("testButton"),
        "Emitir 12 credenciales de «Diseño de APIs con Rust» (modo de prueba)"
    );
    assert_eq!(
        odd["warnings"],
        json!([
            ["120", "Mañana (línea 4 «2099-01-01»)", "4, 1005 …"],
            ["1", "Nombres que son «nan»", "fila 3"]
        ]),
        "lines, of a file that no former release read"
    );
    let none = odd["none"]["problem"].as_str().expect("a text");
    assert!(none.starts_with("No hay plantillas todavía"), "{none}");
    assert_eq!(
        (&odd["many"]["options"], &odd["many"]["ready"]),
        (&json!(301), &json!(false)),
        "equal names are told apart"
    );
}

/// A file whose rows name what was issued: each change is seen, and the last button says what it does.
fn corrections_are_seen_before_they_are_made(odd: &Value) {
    let text = |name: &str| odd[name].as_str().unwrap_or_else(|| panic!("{name}: {odd}"));
    let fault = odd["otherContent"][0][2].as_str().expect("a text");
    assert!(
        fault.contains("«Nombre» dice «María José Núñez», «Inicio» dice «2026-04-15»"),
        "{fault}"
    );
    let names = ["correct:", "PATCH", "recipient_name", "_date"];
    assert!(!names.iter().any(|name| fault.contains(name)), "{fault}");
    assert!(text("offer").contains("ya emitida y traen otros datos"), "{odd}");
    assert_eq!(
        text("withoutCorrecting"),
        "Emitir 1 credencial de «Diseño de APIs con Rust» (modo real)"
    );
    assert!(text("noManage").contains("le falta el permiso manage"), "{odd}");
    assert_eq!(odd["correctKept"], json!([true, false]));
    let before = person(21)["recipient_name"].clone();
    assert_eq!(
        odd["corrections"],
        json!([
            ["2", person(21)["email"], "Nombre completo", before, "María José Núñez"],
            ["2", person(21)["email"], "Fecha de inicio", "(vacío)", "15 de abril de 2026"],
        ])
    );
    assert_eq!(
        odd["correctionSums"],
        json!(["1 nueva", "1 ya emitida: no se repite", "1 se corrige"])
    );
    let signed = &odd["correctionRows"][0];
    assert_eq!(
        (&signed[1], &signed[2]),
        (&json!("Se corrige"), &json!("María José Núñez")),
        "{signed}"
    );
    assert_eq!(odd["offerAgain"], false);
    assert_eq!(
        text("correctButton"),
        "Emitir 1 y corregir 1 credenciales de «Diseño de APIs con Rust» (modo real)"
    );
    let totals = odd["correctedTotals"].as_array().expect("sums");
    assert!(totals.contains(&json!("1 corregida")), "{odd}");
    assert_eq!(odd["correctAgain"], json!([false, false]), "it says what is issued");
    assert_eq!(text("nothingLeft"), "No hay nada que emitir ni corregir");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_can_use_every_page_in_a_browser() {
    let world = World::new().await;
    let (pages, plan) = pages(&world).await;
    let papers = pages.iter().filter(|page| page["paper"] == true).count();
    let site = &world.stack.app().config.site_url;
    let work = json!({ "site": site, "pages": pages, "plan": plan });
    let seen = &in_browser("browse.mjs", &work).await;
    assert_eq!((&seen["browserLanguage"], &seen["switchedLanguage"]), (&json!("en"), &json!("es")));
    assert_eq!(seen["switchedHeading"], "Descripción");
    let first = seen["firstScreen"].as_array().expect("what a phone shows first");
    let order = ["h1", ".who", ".giver", ".bar", ".checked"];
    assert_eq!(first, &order.map(Value::from), "the award, the person, the issuer, what to do");
    assert_eq!(seen["opened"], json!([false, true]), "the checks open without a script");
    assert_eq!(seen["copied"], plan["credential"]);
    assert_eq!(seen["buttonsWithoutScript"], 0);
    let bands = seen["bands"].as_object().expect("bands");
    for (name, word) in [
        ("credential", "Vigente"),
        ("revoked", "Revocada"),
        ("suspended", "Suspendida"),
        ("expired", "Vencida"),
        ("replaced", "Reemplazada"),
        ("test", "Prueba"),
    ] {
        let band = bands[name].as_str().expect("a band");
        assert!(band.contains(word), "{name}: {band}");
    }
    let text = seen["withoutScript"].as_str().expect("a text");
    for part in
        ["María José Núñez", "Vigente", "La firma", "Certificado en PDF", "LinkedIn", "LearnCard"]
    {
        assert!(text.contains(part), "{part} is missing without a script");
    }
    let scanned = format!("{}?iuv=1", plan["credential"].as_str().expect("an address"));
    for code in ["codeOfFile", "codeOnPaper", "codeOnScreen"] {
        assert_eq!(seen[code], scanned, "{code}");
    }
    let sheets = seen["sheets"].as_object().expect("sheets");
    assert_eq!(sheets.len(), 2 * papers);
    for (name, count) in sheets {
        assert_eq!(count, 1, "{name} takes {count} sheets");
    }
    let stops = |name: &str| seen[name].as_array().map_or(0, Vec::len);
    assert!(stops("credentialStops") >= 12 && stops("walletStops") >= 4, "{seen}");
}
