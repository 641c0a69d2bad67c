//! Portuguese beside Spanish and English, in everything that a graduate reads.

use serde_json::{Value, json};

use crate::{
    certificates,
    harness::{Reply, World},
    queues::{self, unread},
};

const EMAIL: &str = "persona1@ejemplo.com";
const MEMBER: &str = "ana.rojas@demo.example";
const HTML: (&str, &str) = ("accept", "text/html");
/// What a page in Portuguese does not say: beginnings, ends and words of Spanish and English.
const FOREIGN: [&str; 30] = [
    "ción",
    "siguen",
    "sigue ",
    " y ",
    " el ",
    " la ",
    " los ",
    " del ",
    " tu ",
    "billetera",
    "nlace",
    "redenciales",
    "igente",
    "rchivo",
    "omprob",
    "Otorgada",
    "Fecha",
    "Descargar",
    "Prueba",
    "Vence el",
    "Hola",
    "Calific",
    "Criterios",
    "Descrip",
    "Competencias",
    " the ",
    " and ",
    "Grade",
    "Valid ",
    "Awarded",
];

/// The visible words of a page, its title and descriptions, without the switch of languages.
fn words(page: &str) -> String {
    let mut text = String::new();
    for (n, part) in page.split('<').enumerate() {
        let (tag, after) =
            if n == 0 { ("", part) } else { part.split_once('>').unwrap_or_default() };
        let hidden = ["style", "script"].iter().any(|name| tag.starts_with(name));
        for name in ["content=\"", "aria-label=\"", "data-done=\"", "data-word=\"", "data-large=\""]
        {
            let value = tag.split_once(name).and_then(|(_, rest)| rest.split_once('"'));
            text.push_str(value.map_or("", |(value, _)| value));
            text.push(' ');
        }
        if !hidden {
            text.push_str(after);
            text.push(' ');
        }
    }
    for name in ["Español", "English", "Português"] {
        text = text.replacen(name, "", 1);
    }
    text
}

/// Requires that a text has parts and is in Portuguese alone.
fn is_portuguese(what: &str, text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{what}: {part} is not in {text}");
    }
    let flat = format!(" {} ", text.split_whitespace().collect::<Vec<_>>().join(" "));
    for word in FOREIGN {
        assert!(!flat.contains(word), "{what}: {word:?} in {flat}");
    }
}

fn page_is_portuguese(reply: &Reply, parts: &[&str]) {
    assert_eq!(reply.header("content-language"), "pt");
    let page = reply.text();
    assert!(page.contains("<html lang=\"pt\">"), "{page}");
    is_portuguese("page", &words(&page), parts);
}

async fn page(world: &World, path: &str) -> Reply {
    let headers = [HTML, ("accept-language", "pt-BR,pt;q=0.9,es;q=0.8")];
    world.send("GET", path, &headers, "").await
}

/// A template in Portuguese.
fn course() -> Value {
    json!({
        "name": "Curso de Dados", "description": "Formação aplicada em dados.", "language": "pt",
        "validity_months": 24,
        "achievement": {
            "type": "Course", "criteria": "Concluir seis módulos.", "credits_available": 6,
            "alignments": [{ "name": "Estatística", "url": "https://exemplo.com/e" }],
        },
        "fields": [
            { "name": "recipient_name" }, { "name": "credits_earned" }, { "name": "term" },
            { "name": "result_value", "allowed_values": ["A", "B"] }, { "name": "evidence" },
            { "name": "activity_start_date" }, { "name": "activity_end_date" },
            { "name": "role" }, { "name": "license_number" },
        ],
        "custom_fields": [
            { "key": "hours", "type": "number",
              "label": { "es": "Horas cronológicas", "en": "Clock hours", "pt": "Carga horária" } },
        ],
    })
}

fn graduate(email: &str) -> Value {
    json!({
        "email": email, "recipient_name": "Persona Zorrilla 1", "result_value": "A",
        "credits_earned": 7.5, "role": "Monitoria", "term": "2026/2", "license_number": "L-1",
        "activity_start_date": "2026-03-02", "activity_end_date": "2026-03-02",
        "evidence": [{ "name": "Projeto", "url": "https://exemplo.com/projeto" }],
        "custom": { "hours": 40 }, "awarded_on": "2026-01-01", "language": "pt",
    })
}

async fn template(world: &World) -> Value {
    world.call("POST", "/templates", Some(&course())).await.expect(201).json()
}

async fn issue(world: &World, template: &Value, recipient: &Value) -> String {
    let body = json!({ "template_id": template["id"], "recipients": [recipient] });
    let answer = world.call("POST", "/credentials/issue", Some(&body)).await.expect(200).json();
    answer["credentials"][0]["credential_id"].as_str().expect("an id").to_owned()
}

/// The one mail to an address, as text.
async fn letter(world: &World, email: &str) -> (String, String) {
    let mail = world.mails(email, 1).await.remove(0);
    let part = |name: &str| mail[name].as_str().unwrap_or_else(|| panic!("{mail}")).to_owned();
    let html = part("html");
    assert!(html.contains("<html lang=\"pt\">"), "{html}");
    (format!("{}\n{}", part("subject"), part("text")), words(&html))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graduate_reads_everything_in_portuguese() {
    let world = World::new().await;
    let template = template(&world).await;
    assert_eq!(template["custom_fields"][0]["label"]["pt"], "Carga horária");
    let id = issue(&world, &template, &graduate(EMAIL)).await;

    let shown = page(&world, &format!("/credential/{id}")).await.expect(200);
    page_is_portuguese(
        &shown,
        &["Outorgada a", "Válida", "5 de 5 verificações", "1º de janeiro de 2026", "7,5"],
    );
    let text = shown.text();
    for part in ["Data da atividade", "Carga horária", "Salvar na sua carteira digital"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(text.contains("hreflang=\"es\"") && text.contains("hreflang=\"en\""), "{text}");
    assert!(text.contains("content=\"pt_BR\""), "{text}");
    // The link of the page outranks the browser.
    let switched = world.send("GET", &format!("/credential/{id}?lang=pt"), &[HTML], "").await;
    page_is_portuguese(&switched.expect(200), &["Data de emissão"]);

    let (text, html) = letter(&world, EMAIL).await;
    for part in [&text, &html] {
        is_portuguese("mail", part, &["outorgou uma credencial", "Olá, Persona", "Nota"]);
    }
    assert!(text.contains("Data da outorga: 1º de janeiro de 2026"), "{text}");
    let pdf = format!("/credential/{id}/certificate.pdf?lang=pt");
    let pdf = world.send("GET", &pdf, &[], "").await.expect(200);
    assert!(pdf.header("content-disposition").contains("certificado-"));
    // What is signed of the template is in its language.
    let signed = world.send("GET", &format!("/credential/{id}.json"), &[], "").await;
    let document = signed.json();
    certificates::fonts();
    let folder = tempfile::tempdir().expect("a folder");
    let read = certificates::read(folder.path(), &pdf, &signed, "pt");
    let flat = |text: &Value| {
        let text = text.to_string().replace("\\r", " ").replace("\\n", " ");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    is_portuguese("certificate", &flat(&read["text"]), &["outorga a", "Data da outorga", "Nota"]);
    is_portuguese("certificate", &flat(&read["figures"]), &["Selo de", "Código QR da página"]);
    let described = &document["credentialSubject"]["achievement"]["resultDescription"];
    assert_eq!(
        (&described[0]["name"], &described[1]["name"]),
        (&json!("Nota"), &json!("Carga horária"))
    );

    let checked = format!("text={}/credential/{id}", world.stack.app().config.site_url);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let checked = world.send("POST", "/verify?lang=pt", &[form], checked).await.expect(200);
    page_is_portuguese(&checked, &["É válida", "Emitida por", "5 de 5 verificações"]);
    let body = json!({ "document": document });
    let headers = [
        ("x-api-key", world.demo.api_key.as_str()),
        ("accept-language", "pt-BR"),
        ("content-type", "application/json"),
    ];
    let checked =
        world.send("POST", "/api/v1/verify", &headers, body.to_string()).await.expect(200);
    let said = checked.json()["checks"][2]["text"].clone();
    assert_eq!(said, "A assinatura corresponde ao conteúdo, sem alterações");

    let reason = json!({ "reason": "x" });
    world.call("POST", &format!("/credentials/{id}/revoke"), Some(&reason)).await.expect(200);
    let revoked = page(&world, &format!("/credential/{id}")).await.expect(200);
    page_is_portuguese(&revoked, &["Revogada", "A instituição revogou"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_around_a_credential_are_in_portuguese() {
    let world = World::with(unread()).await;
    let template = template(&world).await;
    let id = issue(&world, &template, &graduate(MEMBER)).await;
    queues::drain(&world).await;
    let (text, html) = letter(&world, MEMBER).await;
    for part in [&text, &html] {
        is_portuguese("mail", part, &["na sua carteira"]);
    }
    let link = text.split_whitespace().find(|word| word.contains("/wallet/")).expect("a link");
    let site = &world.stack.app().config.site_url;
    let path = link.strip_prefix(site.as_str()).expect("of this site");
    let wallet = page(&world, path).await.expect(200);
    page_is_portuguese(&wallet, &["Sua carteira de credenciais", "Válida"]);
    let address = template["id"].as_str().expect("an id");
    for (path, status, part) in [
        ("/", 200, "Credenciais digitais"),
        ("/verify", 200, "Verificar uma credencial"),
        ("/wallet", 200, "Recuperar sua carteira"),
        ("/wallet/x", 404, "não abre mais a carteira"),
        ("/nada", 404, "Não encontramos esta página"),
        ("/credential/x", 404, "Não encontramos esta credencial"),
        ("/orgs/demo/achievements/x", 404, "Não encontramos esta conquista"),
        (&format!("/orgs/demo/achievements/{address}"), 200, "Uma conquista outorgada por"),
    ] {
        let reply = page(&world, path).await.expect(status);
        page_is_portuguese(&reply, &[part]);
    }
    // A lost link is mailed in the language of its page, and what is no address is told in it.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for (body, status, part) in [
        ("email=x", 400, "endereço de e-mail completo"),
        ("email=persona1@ejemplo.com", 200, "Confira"),
    ] {
        let asked = world.send("POST", "/wallet?lang=pt", &form, body).await.expect(status);
        page_is_portuguese(&asked, &[part]);
    }
    let reason = json!({ "reason": "x" });
    world.call("POST", &format!("/credentials/{id}/block"), Some(&reason)).await.expect(200);
    let blocked = page(&world, &format!("/credential/{id}")).await.expect(403);
    page_is_portuguese(&blocked, &["não está disponível no momento"]);
    // The console is for staff: Spanish for whoever reads neither.
    let console = page(&world, "/console").await.expect(200);
    assert!(console.text().contains("<html lang=\"es\">"), "{}", console.text());
    assert!(!console.text().contains("hreflang=\"pt\""), "{}", console.text());
}

/// Programs that show a preview, and printers, ask for no language.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_no_language_gets_the_credentials() {
    let world = World::with(unread()).await;
    let template = template(&world).await;
    let mut recipient = graduate(EMAIL);
    recipient["language"] = Value::Null;
    let id = issue(&world, &template, &recipient).await;
    let achievement = template["id"].as_str().expect("an id");
    for path in [format!("/credential/{id}"), format!("/orgs/demo/achievements/{achievement}")] {
        for headers in [&[HTML][..], &[HTML, ("accept-language", "fr")]] {
            let shown = world.send("GET", &path, headers, "").await.expect(200);
            assert!(shown.text().contains("<html lang=\"pt\">"), "{path} {headers:?}");
        }
        let asked = [HTML, ("accept-language", "en")];
        let shown = world.send("GET", &path, &asked, "").await.expect(200);
        assert!(shown.text().contains("<html lang=\"en\">"), "{path}");
    }
    let page = world.send("GET", &format!("/credential/{id}"), &[HTML], "").await;
    assert!(page.text().contains("preview.png?lang=pt"), "{}", page.text());
    let pdf = world.send("GET", &format!("/credential/{id}/certificate.pdf"), &[], "").await;
    let signed = world.send("GET", &format!("/credential/{id}.json"), &[], "").await;
    let folder = tempfile::tempdir().expect("a folder");
    let read = certificates::read(folder.path(), &pdf.expect(200), &signed, "pt");
    assert!(read["text"].to_string().contains("outorga a"), "{read}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_link_is_mailed_in_portuguese() {
    let world = World::with(unread()).await;
    let template = template(&world).await;
    let mut recipient = graduate(EMAIL);
    recipient["language"] = Value::Null;
    issue(&world, &template, &recipient).await;
    queues::drain(&world).await;
    // The template's language, where the recipient has none.
    letter(&world, EMAIL).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("email={EMAIL}");
    world.send("POST", "/wallet?lang=pt", &form, body).await.expect(200);
    queues::drain(&world).await;
    let mails = world.mails_now(EMAIL).await;
    let of_site = mails.iter().find(|mail| mail["text"].to_string().contains("Alguém pediu"));
    let mail = of_site.unwrap_or_else(|| panic!("{mails:?}"));
    is_portuguese("wallet mail", mail["text"].as_str().expect("text"), &["os links"]);
    is_portuguese("wallet mail", mail["subject"].as_str().expect("text"), &["O link das suas"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_and_settings_name_portuguese() {
    let world = World::new().await;
    let template = template(&world).await;
    let template_id = template["id"].as_str().expect("an id");
    let file = "Correo;Nombre completo;Carga horária;Idioma\r\n\
                persona1@ejemplo.com;Persona Zorrilla 1;40;Português\r\n\
                persona2@ejemplo.com;Persona Zorrilla 2;41;portugués\r\n\
                persona3@ejemplo.com;Persona Zorrilla 3;42;pt-BR\r\n";
    let job =
        world.upload("turma.csv", file.as_bytes(), &json!({ "template_id": template_id })).await;
    assert_eq!(world.file_job(&job).await["result"]["successful"], 3);
    for n in 1..=3 {
        letter(&world, &format!("persona{n}@ejemplo.com")).await;
    }
    let settings = json!({ "language": "pt" });
    let set = world.call("PUT", "/organization", Some(&settings)).await.expect(200).json();
    assert_eq!(set["language"], "pt");
    let member = json!({ "name": "Ana Rojas Muñoz", "language": "pt" });
    let put = world.call("PUT", &format!("/members/{MEMBER}"), Some(&member)).await.expect(200);
    assert_eq!(put.json()["language"], "pt");
    let wrong = world.call("PUT", "/organization", Some(&json!({ "language": "pr" }))).await;
    let wrong = wrong.problem(400, "invalid_request");
    assert!(wrong.to_string().contains("debe ser es, en o pt"), "{wrong}");
    // A problem is staff's, in Spanish, whatever the browser prefers.
    let headers = [("accept-language", "pt")];
    let refused = world.send("GET", "/api/v1/templates", &headers, "").await.expect(401);
    assert_eq!(refused.header("content-language"), "es");
}
