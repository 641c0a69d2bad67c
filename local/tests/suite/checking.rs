//! `/verify`, for people: whoever holds a file or an address learns who issued it, to whom, and whether it
//! holds; what is not signed by an organization of this site is never repeated as its word. And the same
//! files for programs.

use serde_json::{Value, json};

use crate::{
    faults::Faults,
    harness::{Reply, World, person},
    queues::unread,
};

/// Largest file, in bytes.
const MAX_FILE: usize = 4 * 1024 * 1024;
const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";

/// A form with a file and a text, as browsers send it.
fn parts(file: &[u8], text: &str) -> Vec<u8> {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"título.pdf\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    let rest = format!(
        "\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{text}\r\n--{BOUNDARY}--\r\n"
    );
    body.extend_from_slice(rest.as_bytes());
    body
}

async fn ask(world: &World, lang: &str, file: &[u8], text: &str) -> Reply {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("content-type", kind.as_str()), ("accept-language", lang)];
    world.send("POST", "/verify", &headers, parts(file, text)).await
}

/// The answer to a file or a text that is told.
async fn told(world: &World, lang: &str, file: &[u8], text: &str) -> String {
    ask(world, lang, file, text).await.expect(200).text()
}

fn has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

async fn issued(world: &World, n: u32) -> String {
    world.issue_one(&person(n)).await["credential_url"].as_str().expect("a URL").to_owned()
}

/// The path below the site of a credential's file.
async fn file(world: &World, url: &str, suffix: &str) -> Vec<u8> {
    let path = url.strip_prefix(&world.stack.app().config.site_url).expect("of this site");
    world.send("GET", &format!("{path}{suffix}"), &[], "").await.expect(200).body.to_vec()
}

const CARRIERS: [(&str, &str); 4] = [
    ("/certificate.pdf", "application/pdf"),
    ("/badge.png", "image/png"),
    (".json", "application/json"),
    ("/badge.svg", "image/svg+xml"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_holds_a_file_or_an_address_learns_who_issued_it_and_whether_it_holds() {
    let world = World::with(unread()).await;
    let url = issued(&world, 1).await;
    let mut files = Vec::new();
    for (suffix, _) in CARRIERS {
        files.push(file(&world, &url, suffix).await);
    }
    let good = [
        "Es válida",
        "Persona Zorrilla 1",
        "Universidad Demo",
        "localhost",
        "5 de 5 comprobaciones",
    ];
    for file in &files {
        let page = told(&world, "es", file, "").await;
        has(&page, &good);
        let before = page.split("<details").next().unwrap_or_default();
        assert!(!before.contains("did:web"), "a DID before the details: {before}");
        has(&told(&world, "en", file, "x").await, &["It is valid", "Awarded to", "5 of 5 checks"]);
    }
    let json = String::from_utf8(files[2].clone()).expect("text");
    let upper = url.to_uppercase().replace("HTTP", "http");
    for text in [&json, &url, &format!("Mira: <{url}.>"), &format!("{url}.json"), &upper] {
        has(&told(&world, "es", b"", text).await, &good);
    }
    let encoded: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("text", &url).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let page = world.send("POST", "/verify", &headers, encoded).await.expect(200);
    assert!(page.header("content-security-policy").contains("form-action 'self'"));
    assert_eq!(page.header("cache-control"), "no-store");
    has(&page.text(), &good);

    // What changes later is told of every file, and of the address.
    let id = url.rsplit('/').next().expect("an id");
    let reason = json!({ "reason": "Error" });
    for (path, word) in [("suspend", "Está suspendida"), ("reinstate", "Es válida")] {
        world.call("POST", &format!("/credentials/{id}/{path}"), Some(&reason)).await.expect(200);
        has(&told(&world, "es", &files[0], "").await, &[word, "Persona Zorrilla 1"]);
        has(&told(&world, "es", b"", &url).await, &[word]);
    }
    world.call("POST", &format!("/credentials/{id}/block"), Some(&reason)).await.expect(200);
    let page = told(&world, "es", &files[1], "").await;
    has(&page, &["Es válida"]);
    assert!(!page.contains(&url), "a blocked credential has no page");
    let page = ask(&world, "es", b"", &url).await.expect(403).text();
    has(&page, &["No está disponible por ahora"]);
    assert!(!page.contains("Zorrilla"), "{page}");
    world.call("POST", &format!("/credentials/{id}/unblock"), None).await.expect(200);
    let change = json!({ "recipient_name": "Persona Zorrilla Uno" });
    world.call("PATCH", &format!("/credentials/{id}"), Some(&change)).await.expect(200);
    for file in &files {
        has(&told(&world, "es", file, "").await, &["Hay una versión posterior", &url]);
    }
    world.call("POST", &format!("/credentials/{id}/revoke"), Some(&reason)).await.expect(200);
    let newest = file(&world, &url, "/badge.png").await;
    has(&told(&world, "es", &newest, "").await, &["Fue revocada", "Persona Zorrilla Uno"]);
    has(&told(&world, "es", b"", &url).await, &["Fue revocada"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_says_so_and_what_is_hidden_stays_hidden_at_an_address() {
    let world = World::with(unread()).await;
    let test = world.issue_as(&world.demo.test_api_key, &[person(1)]).await.expect(200).json();
    let test = test["credentials"][0]["credential_url"].as_str().expect("a URL").to_owned();
    for (file, text) in [(file(&world, &test, "/badge.png").await, ""), (Vec::new(), &*test)] {
        let page = told(&world, "es", &file, text).await;
        has(&page, &["Es una prueba", "no acredita nada"]);
        assert!(!page.contains("Es válida"), "{page}");
    }
    let url = issued(&world, 2).await;
    let hides = json!({ "public_hides": ["surname"] });
    world.call("PUT", "/organization", Some(&hides)).await.expect(200);
    let page = told(&world, "es", b"", &url).await;
    has(&page, &["Persona"]);
    assert!(!page.contains("Zorrilla"), "{page}");
    // Who has the file has all of it.
    has(&told(&world, "es", &file(&world, &url, ".json").await, "").await, &["Zorrilla"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_nobody_of_this_site_signed_nothing_is_repeated() {
    let world = World::with(unread()).await;
    let url = issued(&world, 1).await;
    let document = file(&world, &url, ".json").await;
    let document: Value = serde_json::from_slice(&document).expect("JSON");
    let name = |document: &mut Value, name: &str| {
        document["credentialSubject"]["identifier"][1]["identityHash"] = name.into()
    };
    let mut changed = document.clone();
    name(&mut changed, "<b>Eva Falsa</b>");
    let mut foreign = changed.clone();
    foreign["issuer"]["id"] = "did:web:otra.example".into();
    foreign["issuer"]["name"] = "Universidad Demo Falsa".into();
    let mut unsigned = changed.clone();
    unsigned.as_object_mut().expect("an object").remove("proof");
    for (document, word) in [
        (&changed, "Fue cambiada después de firmarse"),
        (&foreign, "No la emitió ninguna institución de este sitio"),
        (&unsigned, "No la emitió ninguna institución de este sitio"),
        (&json!({ "a": 1 }), "No la emitió ninguna institución de este sitio"),
    ] {
        let text = document.to_string();
        let baked =
            unicreda::domain::picture::bake(&crate::files::picture(64, 64), text.as_bytes());
        for (file, text) in [(text.as_bytes(), ""), (b"", &*text), (&baked.expect("a PNG"), "")] {
            let page = told(&world, "es", file, text).await;
            has(&page, &["No la podemos confirmar", word]);
            assert!(!page.contains("Falsa") && !page.contains(&url), "{page}");
        }
    }
    // A member that is repeated is read in two ways, and one that no context has is not signed. Neither is named.
    let twice = document.to_string().replacen('{', "{\"Eva Falsa\":1,\"Eva Falsa\":2,", 1);
    let mut more = document.clone();
    more["credentialSubject"]["Eva Falsa"] = "x".into();
    for (text, word) in [
        (twice, "Repite un miembro: cada"),
        (more.to_string(), "Tiene algo que una firma no cubre<"),
    ] {
        let page = told(&world, "es", b"", &text).await;
        has(&page, &["No la podemos confirmar", word]);
        assert!(!page.contains("Falsa"), "{page}");
        let key = ("x-api-key", world.demo.api_key.as_str());
        let headers = [key, ("content-type", "application/json")];
        let program = world.send("POST", "/api/v1/verify", &headers, text).await.expect(200);
        assert!(program.text().contains("Falsa"), "a program is told where: {}", program.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presentation_is_checked_as_the_credential_inside() {
    let world = World::with(unread()).await;
    let url = issued(&world, 1).await;
    let path = url.strip_prefix(&world.stack.app().config.site_url).expect("of this site");
    let given = world.send("POST", &format!("{path}/exchange"), &[], "{}").await.expect(200);
    let answer = given.json();
    let inner = &answer["verifiablePresentation"];
    let key = ("x-api-key", world.demo.api_key.as_str());
    let json_type = ("content-type", "application/json");
    for text in [given.text(), inner.to_string(), json!({ "document": inner }).to_string()] {
        if !text.starts_with("{\"document") {
            for (file, text) in [(text.as_bytes(), ""), (b"", &*text)] {
                has(&told(&world, "es", file, text).await, &["Es válida", "Persona Zorrilla 1"]);
            }
        }
        let told = world.send("POST", "/api/v1/verify", &[key, json_type], text).await;
        let told = told.expect(200).json();
        assert_eq!((&told["verified"], &told["credential_url"]), (&json!(true), &json!(url)));
    }
    // Of several none is chosen, and what is changed inside is not valid.
    let mut several = inner.clone();
    let one = several["verifiableCredential"][0].clone();
    several["verifiableCredential"] = json!([one, one]);
    has(
        &ask(&world, "es", b"", &several.to_string()).await.expect(422).text(),
        &["más de una credencial"],
    );
    let problem =
        world.send("POST", "/api/v1/verify", &[key, json_type], several.to_string()).await;
    let problem = problem.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["code"], "several_documents");
    let changed = given.text().replace("Zorrilla", "Falsa");
    let page = told(&world, "es", b"", &changed).await;
    has(&page, &["No la podemos confirmar"]);
    assert!(!page.contains("Falsa"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_file_says_that_its_credential_was_revoked_and_when() {
    let world = World::with(unread()).await;
    let url = issued(&world, 1).await;
    let id = url.rsplit('/').next().expect("an id");
    let old = file(&world, &url, ".json").await;
    let change = json!({ "recipient_name": "Persona Zorrilla Uno" });
    world.call("PATCH", &format!("/credentials/{id}"), Some(&change)).await.expect(200);
    let newest = file(&world, &url, ".json").await;
    let reason = json!({ "reason": "Error" });
    let path = format!("/credentials/{id}/revoke");
    let revoked = world.call("POST", &path, Some(&reason)).await.expect(200).json();
    let at = revoked["status_at"].as_str().unwrap_or_else(|| panic!("{revoked}"));
    let org = unicreda::domain::ids::OrgId::parse("demo").expect("an id");
    let organization = world.stack.app().catalog.organization(&org).await.expect("it is there");
    let day = organization.date_of(at.parse().expect("an instant"));
    let on = format!("Fecha de la revocación: <time datetime=\"{day}\">");
    let page = told(&world, "es", &old, "").await;
    has(
        &page,
        &["Fue revocada", "una versión anterior", "luego la revocó", "Persona Zorrilla 1", &on],
    );
    has(&told(&world, "es", &newest, "").await, &["Fue revocada", "Persona Zorrilla Uno", &on]);
    has(&told(&world, "es", b"", &url).await, &["Fue revocada", &on]);
    let path = url.strip_prefix(&world.stack.app().config.site_url).expect("of this site");
    let page = world.send("GET", path, &[("accept", "text/html")], "").await.expect(200).text();
    has(&page, &[&on, "property=\"og:title\" content=\"REVOCADA · ", "content=\"REVOCADA · Cred"]);
    let key = ("x-api-key", world.demo.api_key.as_str());
    for document in [old, newest] {
        let headers = [key, ("content-type", "application/json")];
        let told =
            world.send("POST", "/api/v1/verify", &headers, document).await.expect(200).json();
        assert_eq!((&told["status"], &told["revoked_at"]), (&json!("revoked"), &json!(at)));
    }
}

/// A PDF with another attachment, whose type and names are written so.
fn attached_too(pdf: &[u8], kind: &str, text: &str) -> Vec<u8> {
    let object = format!("\n900 0 obj<<{kind}>>stream\n{text}\nendstream\nendobj\n%%EOF\n");
    [pdf, object.as_bytes()].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_attachment_is_seen_however_it_is_written() {
    let world = World::with(unread()).await;
    let url = issued(&world, 1).await;
    let pdf = file(&world, &url, "/certificate.pdf").await;
    let document = String::from_utf8(file(&world, &url, ".json").await).expect("text");
    let forged = document.replace("Zorrilla", "Falsa");
    let escaped = forged.replace("\"credentialSubject\"", "\"credential\\u0053ubject\"");
    let presented = format!("{{\"a\":[{escaped}]}}");
    let length = format!("/L#65ngth {}", forged.len());
    for (kind, text) in [
        ("/Type/EmbeddedFile", &forged),
        ("/Type/EmbeddedFile", &escaped),
        ("/Type/EmbeddedFile", &presented),
        ("/Type/Embedded#46ile", &forged),
        ("/Ty#70e /#45#6d#62#65#64#64#65#64#46#69#6c#65", &escaped),
        (&*format!("/#50arams<<>>{length}"), &forged),
    ] {
        let page = ask(&world, "es", &attached_too(&pdf, kind, text), "").await.expect(422).text();
        has(&page, &["más de una credencial"]);
    }
    for (kind, text) in
        [("/Type/Embedded#46ilex", &*forged), ("/Type/EmbeddedFile", "{\"a\":\"\\u0041\"}")]
    {
        let page = told(&world, "es", &attached_too(&pdf, kind, text), "").await;
        has(&page, &["Es válida"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_says_why_and_what_to_do() {
    let faults = Faults::default();
    let world = World::with(faults.under(unread())).await;
    let url = issued(&world, 1).await;
    let pdf = file(&world, &url, "/certificate.pdf").await;
    let unknown = format!("{}00000000-0000-8000-8000-000000000000", &url[..url.len() - 36]);
    let long = vec![b' '; MAX_FILE - 100];
    let cut = &pdf[..pdf.len() / 50];
    let before = faults.count();
    for (status, file, text, word) in [
        (400, &b""[..], "", "Falta el archivo o la dirección"),
        (400, b"", " \n ", "Falta el archivo o la dirección"),
        (422, b"", "hola", "ni su contenido"),
        (422, b"", "{\"@context\":", "incompleto o dañado"),
        (422, b"", &"[".repeat(100_000), "incompleto o dañado"),
        (422, b"", "https://otra.example/credential/x", "No es de este sitio"),
        (422, b"\xff\xd8\xff\xe0JFIF", "", "no es un PDF, un PNG, un SVG ni un JSON"),
        (422, &crate::files::picture(64, 64), "", "captura de pantalla"),
        (422, cut, "", "incompleto o dañado"),
        (422, &[b"%PDF-1.7", &long[..]].concat(), "", "incompleto o dañado"),
        (413, &[b"%PDF-1.7", &long[..], &[0; 200]].concat(), "", "límite de 4 MiB"),
        // As large as a form can be that the gateway hands over.
        (413, &vec![b' '; 4_450_000], "", "límite de 4 MiB"),
        (413, &[b"{", &long[..300_000]].concat(), "", "límite de 256 KiB"),
        (413, b"", &" ".repeat(300_000), "límite de 256 KiB"),
        (415, b"", "", "Falta el archivo o la dirección"),
    ] {
        let reply = match status {
            415 => world.send("POST", "/verify", &[("content-type", "text/plain")], "x").await,
            _ => ask(&world, "es", file, text).await,
        };
        assert_eq!(reply.status.as_u16(), status, "{word}");
        has(&reply.text(), &[word, "<form"]);
    }
    assert_eq!(faults.count(), before, "nothing is read for what cannot be told");
    has(&ask(&world, "es", b"", &unknown).await.expect(404).text(), &["No existe en este sitio"]);
    // A GET shows the form, whatever is appended to it.
    let form =
        world.send("GET", &format!("/verify?text={url}&url={url}"), &[], "").await.expect(200);
    assert!(!form.text().contains("id=\"answer\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_verifies_the_files_that_people_have() {
    let world = World::with(unread()).await;
    let url = issued(&world, 1).await;
    let key = world.demo.api_key.clone();
    let send = async |kind: &str, body: Vec<u8>| {
        let headers = [("x-api-key", key.as_str()), ("content-type", kind)];
        world.send("POST", "/api/v1/verify", &headers, body).await
    };
    let mut answers = Vec::new();
    for (suffix, kind) in CARRIERS {
        let answer = send(kind, file(&world, &url, suffix).await).await.expect(200).json();
        assert_eq!((&answer["verified"], &answer["credential_url"]), (&json!(true), &json!(url)));
        answers.push(answer);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    // The header may be wrong about which of the two it is.
    let png = file(&world, &url, "/badge.png").await;
    assert_eq!(send("application/pdf", png.clone()).await.expect(200).json()["verified"], true);
    let changed = String::from_utf8(file(&world, &url, ".json").await).expect("text");
    let changed = changed.replace("Zorrilla", "Otra");
    let baked = unicreda::domain::picture::bake(&png, changed.as_bytes()).expect("a PNG");
    assert_eq!(send("image/png", baked).await.expect(200).json()["verified"], false);
    for (body, code) in [
        (crate::files::picture(64, 64), "no_document"),
        (b"hola".to_vec(), "unsupported_file"),
        (b"%PDF-1.7".to_vec(), "damaged_file"),
    ] {
        let problem = send("image/png", body).await.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
    let large = [b"%PDF-1.7", &vec![b' '; MAX_FILE][..]].concat();
    let problem = send("application/pdf", large).await.problem(413, "payload_too_large");
    assert_eq!(problem["detail"], "El cuerpo supera el límite de 4 MiB para un archivo PDF o PNG");
    send("image/jpeg", png.clone()).await.problem(415, "unsupported_media_type");
    send("application/json", png).await.problem(400, "invalid_json");
    let without = world.send("POST", "/api/v1/verify", &[("content-type", "image/png")], "x").await;
    without.problem(401, "unauthenticated");
}

/// Somebody checks a certificate, a badge, and a pasted address: with the picker, by dropping, without a script,
/// on phone and desk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_can_check_a_credential_in_a_browser() {
    let world = World::with(unread()).await;
    let url = issued(&world, 1).await;
    let revoked = issued(&world, 2).await;
    let id = revoked.rsplit('/').next().expect("an id");
    let reason = json!({ "reason": "Error" });
    world.call("POST", &format!("/credentials/{id}/revoke"), Some(&reason)).await.expect(200);
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = serde_json::Map::new();
    for (name, url, suffix) in [
        ("valid.pdf", &url, "/certificate.pdf"),
        ("valid.png", &url, "/badge.png"),
        ("valid.json", &url, ".json"),
        ("revoked.pdf", &revoked, "/certificate.pdf"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, file(&world, url, suffix).await).expect("written");
        files.insert(name.to_owned(), path.to_str().expect("a path").into());
    }
    let changed = String::from_utf8(file(&world, &url, ".json").await).expect("text");
    let path = folder.path().join("changed.json");
    std::fs::write(&path, changed.replace("Zorrilla", "Otra")).expect("written");
    files.insert("changed.json".to_owned(), path.to_str().expect("a path").into());
    let path = folder.path().join("large.pdf");
    std::fs::write(&path, vec![b' '; MAX_FILE + 1]).expect("written");
    files.insert("large.pdf".to_owned(), path.to_str().expect("a path").into());
    let site = &world.stack.app().config.site_url;
    let shots = std::env::var("SHOTS").ok();
    let work = json!({ "site": site, "url": url, "files": files, "shots": shots });
    let seen = crate::browser::in_browser("verify.mjs", &work).await;
    for way in ["picked", "dropped", "without script", "pasted without script"] {
        assert_eq!(seen["headings"][way], "Es válida", "{seen}");
    }
    assert_eq!(seen["headings"]["revoked.pdf"], "Fue revocada");
    assert_eq!(seen["headings"]["changed.json"], "No la podemos confirmar");
    assert_eq!(seen["checks"], json!([false, true]), "folded, then open");
    assert_eq!(seen["large"], "El archivo supera el límite de 4 MiB");
    assert_eq!(seen["stops"], json!(["/", "en", "pt", "file", "text", "Comprobar"]));
}
