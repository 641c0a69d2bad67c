//! Designs of certificates: their parameters, their pictures, and that what was issued keeps its look.

use std::io::Cursor;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use unicreda::domain::{
    api_key::Scope,
    ids::Mode,
    image::{data_url, svg_url},
};

use crate::{
    catalog::{another_organization, key_of, one_fault},
    certificates,
    crashes::{Run, every_point},
    files::picture,
    fuzz::corpus::saved,
    harness::{Reply, World, person},
    sim::Sim,
};

const DESIGN: &str = "/organization/design";

fn template(world: &World) -> String {
    format!("/templates/{}", world.demo.template_id)
}

/// The template's definition, with a design.
async fn with_design(world: &World, design: Value) -> Value {
    let mut definition = world.get(&template(world)).await;
    definition["design"] = design;
    definition
}

/// A sample with a design, as this media type.
async fn sample(world: &World, body: &Value, accept: &str) -> Reply {
    let path = format!("/api/v1{}/preview", template(world));
    let headers = [
        ("x-api-key", world.demo.api_key.as_str()),
        ("content-type", "application/json"),
        ("accept", accept),
    ];
    world.send("POST", &path, &headers, body.to_string()).await
}

async fn issued(world: &World, n: u32) -> String {
    let answer = world.issue_one(&person(n)).await;
    answer["credential_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// A credential's certificate.
async fn certificate(world: &World, id: &str) -> Vec<u8> {
    let path = format!("/credential/{id}/certificate.pdf");
    world.send("GET", &path, &[], "").await.expect(200).body.to_vec()
}

/// Whether a PDF file has a picture of pixels.
fn has_pixels(pdf: &[u8]) -> bool {
    let has = |text: &[u8]| pdf.windows(text.len()).any(|part| part == text);
    has(b"/Subtype /Image") || has(b"/Subtype/Image")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_issued_keeps_its_design() {
    let world = World::new().await;
    let none = world.get(DESIGN).await;
    assert_eq!(none, json!({ "since": null }));
    let first = issued(&world, 1).await;
    let before = certificate(&world, &first).await;
    assert!(!has_pixels(&before));

    // The organization's: for what is issued after the answer, and nothing else.
    let background = data_url(&picture(300, 200));
    let design = json!({ "background": background, "place": "Valdivia" });
    let saved = world.call("PUT", DESIGN, Some(&design)).await.expect(200).json();
    let second = issued(&world, 2).await;
    assert_eq!(certificate(&world, &first).await, before, "the first one keeps its look");
    let with_background = certificate(&world, &second).await;
    assert!(has_pixels(&with_background), "the second one has the organization's");
    // What was read can be sent back: nothing is written.
    let again = world.call("PUT", DESIGN, Some(&saved)).await.expect(200).json();
    assert_eq!((&again, &world.get(DESIGN).await), (&saved, &saved));

    // A template goes without, in a version of its own.
    let body = with_design(&world, json!({ "background": null })).await;
    let changed = world.call("PUT", &template(&world), Some(&body)).await.expect(200).json();
    assert_eq!(
        (&changed["version"], &changed["design"]),
        (&json!(2), &json!({ "background": null }))
    );
    let third = issued(&world, 3).await;
    assert!(!has_pixels(&certificate(&world, &third).await), "its template goes without");

    // Taken back.
    world.call("PUT", DESIGN, Some(&json!({}))).await.expect(200);
    assert_eq!(
        certificate(&world, &second).await,
        with_background,
        "the second one keeps its look"
    );
    // A correction is the same credential: it keeps the design, too.
    let correction = json!({ "recipient_name": "Persona Dos" });
    world.call("PATCH", &format!("/credentials/{second}"), Some(&correction)).await.expect(200);
    assert!(has_pixels(&certificate(&world, &second).await), "corrected, it keeps its look");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_designs_at_once_each_is_refused_or_in_force_from_its_own_second_on() {
    let world = World::new().await;
    let (red, blue) = (json!({ "accent": "#7a1f2b" }), json!({ "accent": "#1f3a5f" }));
    let (one, other) =
        tokio::join!(world.call("PUT", DESIGN, Some(&red)), world.call("PUT", DESIGN, Some(&blue)));
    let mut seconds: Vec<Value> = Vec::new();
    for reply in [one, other] {
        match reply.status.as_u16() {
            200 => seconds.push(reply.json()["since"].clone()),
            409 => drop(reply.problem(409, "conflict")),
            _ => panic!("{}", reply.text()),
        }
    }
    assert!(!seconds.is_empty());
    assert!(seconds.len() == 1 || seconds[0] != seconds[1], "{seconds:?}");
    let last = world.get(DESIGN).await;
    assert_eq!(Some(&last["since"]), seconds.iter().max_by_key(|since| since.to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_faulty_design_is_refused_by_its_place_wherever_it_is_sent() {
    let world = World::new().await;
    let custom = json!([
        { "key": "hours", "label": { "es": "Horas", "en": "Hours" }, "type": "number" },
        { "key": "cost", "label": { "es": "Costo", "en": "Cost" }, "type": "number", "private": true },
    ]);
    let mut definition = with_design(&world, json!(null)).await;
    definition["custom_fields"] = custom;
    world.call("PUT", &template(&world), Some(&definition)).await.expect(200);
    for (design, pointer, code) in [
        (json!({ "accent": "#ffd700" }), "/accent", "low_contrast"),
        (json!({ "layout": "modrn" }), "/layout", "value_not_allowed"),
        (
            json!({ "signatories": [{ "name": "JosÃ© PÃ©rez" }] }),
            "/signatories/0/name",
            "damaged_text",
        ),
        (json!({ "facts": ["custom.cost"] }), "/facts/0/fact", "unknown_fact"),
        (json!({ "legal": ["a", "b", "c", "d"] }), "/legal", "too_many"),
        (
            json!({ "frame": format!("https://ejemplo.com/images/otra.{}.svg", "0a".repeat(16)) }),
            "/frame",
            "unknown_image",
        ),
    ] {
        one_fault(world.call("PUT", DESIGN, Some(&design)).await, pointer, code);
        let pointer = format!("/design{pointer}");
        definition["design"] = design.clone();
        one_fault(world.call("PUT", &template(&world), Some(&definition)).await, &pointer, code);
        one_fault(world.call("POST", "/templates", Some(&definition)).await, &pointer, code);
        let drawn = sample(&world, &json!({ "design": design }), "application/pdf").await;
        one_fault(drawn, &pointer, code);
    }
    let own =
        json!({ "facts": ["custom.hours", { "fact": "term", "label": { "es": "Semestre" } }] });
    one_fault(world.call("PUT", DESIGN, Some(&own)).await, "/facts/0/fact", "unknown_fact");
    definition["design"] = own;
    world.call("PUT", &template(&world), Some(&definition)).await.expect(200);
}

/// The saved drawings say in their names what becomes of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_drawing_is_refused_by_name_and_what_is_kept_can_be_drawn() {
    let world = World::new().await;
    let (mut kept, mut refused) = (0, 0);
    for (name, file) in saved("svg") {
        let (fate, _) = name.split_once('-').expect("a fate");
        let design = json!({
            "frame": svg_url(&file), "signatories": [{ "name": "Ana", "signature": svg_url(&file) }],
        });
        let code = match fate {
            "kept" => {
                let body = json!({ "design": design });
                let pdf = sample(&world, &body, "application/pdf").await.expect(200);
                assert!(pdf.body.starts_with(b"%PDF-"), "{name}");
                sample(&world, &body, "image/png").await.expect(200);
                kept += 1;
                continue;
            }
            "declarations" | "notsvg" | "empty" => "invalid_image",
            "element" | "attribute" | "reference" => "svg_not_allowed",
            "size" => "image_dimensions",
            "complex" => "image_too_complex",
            _ => panic!("{name}"),
        };
        let problem =
            world.call("PUT", DESIGN, Some(&design)).await.problem(400, "invalid_request");
        let errors = problem["errors"].as_array().expect("errors");
        let found: Vec<_> = errors.iter().map(|e| (&e["pointer"], &e["code"])).collect();
        let places = [json!("/signatories/0/signature"), json!("/frame")];
        let code = json!(code);
        assert_eq!(found, places.iter().map(|place| (place, &code)).collect::<Vec<_>>(), "{name}");
        refused += 1;
    }
    assert!(kept >= 5 && refused >= 30, "{kept} {refused}");
    // Pictures of pixels are read as logos and badges are: a bomb, an animation, a cut file.
    for (name, file) in saved("png").into_iter().filter(|(name, _)| !name.starts_with("kept")) {
        let design = json!({ "signatories": [{ "name": "Ana", "signature": data_url(&file) }] });
        let problem =
            world.call("PUT", DESIGN, Some(&design)).await.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], "/signatories/0/signature", "{name}");
    }
    assert_eq!(world.get(DESIGN).await, json!({ "since": null }));
}

/// What a drawing costs to draw is known when it is drawn: its designer is told, a certificate goes without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drawing_that_takes_too_much_is_told_its_designer_and_stops_no_certificate() {
    let world = World::new().await;
    let sheet = r##"<rect width="297" height="210" fill="#eee" fill-opacity=".1"/>"##.repeat(4_000);
    let file =
        format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 297 210">{sheet}</svg>"#);
    let background = svg_url(file.as_bytes());
    for accept in ["image/png", "application/pdf"] {
        let body = json!({ "design": { "background": background } });
        let refused = sample(&world, &body, accept).await;
        one_fault(refused, "/design/background", "image_not_drawn");
        let signatories = json!([{ "name": "Eva" }, { "name": "Ana", "signature": background }]);
        let refused =
            sample(&world, &json!({ "design": { "signatories": signatories } }), accept).await;
        one_fault(refused, "/design/signatories/1/signature", "image_not_drawn");
    }
    let design = json!({ "signatories": [{ "name": "Ana", "signature": background }] });
    world.call("PUT", DESIGN, Some(&design)).await.expect(200);
    let id = issued(&world, 1).await;
    assert!(certificate(&world, &id).await.starts_with(b"%PDF-"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_facts_of_a_template_follow_the_list_of_its_organization() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let text = async |id: &str| {
        let get = async |name| world.send("GET", &format!("/credential/{id}{name}"), &[], "").await;
        let (pdf, signed) = (get("/certificate.pdf").await, get(".json").await);
        certificates::read(folder.path(), &pdf, &signed, "es")["text"].to_string()
    };
    let facts = json!({ "facts": ["result_value"] });
    world.call("PUT", DESIGN, Some(&facts)).await.expect(200);
    let mut body = with_design(&world, json!({})).await;
    body["custom_fields"] = json!([{ "key": "hours", "type": "number", "label": "Horas" }]);
    world.call("PUT", &template(&world), Some(&body)).await.expect(200);
    let issue = async |email: &str| {
        let mut one = person(1);
        one["email"] = json!(email);
        one["custom"] = json!({ "hours": 120 });
        let body = json!({ "template_id": world.demo.template_id, "recipients": [one] });
        let issued = world.call("POST", "/credentials/issue", Some(&body)).await.expect(200).json();
        issued["credentials"][0]["credential_id"].as_str().expect("an id").to_owned()
    };
    let shown = text(&issue("uno@ejemplo.com").await).await;
    assert!(shown.contains("Horas") && shown.contains("120"), "{shown}");
    // Its own list says all.
    body["design"] = json!({ "facts": ["result_value"] });
    world.call("PUT", &template(&world), Some(&body)).await.expect(200);
    let shown = text(&issue("dos@ejemplo.com").await).await;
    assert!(!shown.contains("Horas"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_drawing_is_served_as_it_was_written_and_runs_nothing() {
    let world = World::new().await;
    let file =
        saved("svg").into_iter().find(|(name, _)| name == "kept-script.svg").expect("a file").1;
    let design = json!({ "background": svg_url(&file) });
    let saved = world.call("PUT", DESIGN, Some(&design)).await.expect(200).json();
    let url = saved["background"].as_str().expect("an address");
    let path = url.strip_prefix(&world.stack.app().config.site_url).expect("of this site");
    let served = world.send("GET", path, &[], "").await.expect(200);
    assert_eq!(served.header("content-type"), "image/svg+xml");
    assert_eq!(served.header("content-security-policy"), "default-src 'none'; sandbox");
    let text = served.text();
    assert!(
        text.contains("<rect") && !text.contains("script") && !text.contains("onclick"),
        "{text}"
    );
    world.send("GET", &path.replace(".svg", ".png"), &[], "").await.problem(404, "not_found");
    // It is no logo, which letters show.
    let logo = json!({ "logo": url });
    one_fault(world.call("PUT", "/organization", Some(&logo)).await, "/logo", "unknown_image");
    // Nor a picture of another organization.
    let other = another_organization(world.stack.app(), "otra").await;
    let taken = world.call_as(&other, "PUT", DESIGN, Some(&saved)).await;
    one_fault(taken, "/background", "unknown_image");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sample_is_drawn_of_a_design_that_is_not_saved_and_is_no_credential() {
    let world = World::new().await;
    let app = world.stack.app();
    let design = json!({ "background": data_url(&picture(300, 200)), "logo": false });
    let body = json!({ "design": design });
    let pdf = sample(&world, &body, "*/*").await.expect(200);
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert_eq!(pdf.header("cache-control"), "no-store");
    assert!(pdf.header("content-disposition").contains("muestra.pdf"));
    assert!(has_pixels(&pdf.body));
    assert!(
        !has_pixels(&sample(&world, &json!({}), "*/*").await.expect(200).body),
        "the saved one"
    );
    let png = sample(&world, &body, "image/png").await.expect(200);
    let reader = png::Decoder::new(Cursor::new(&png.body[..])).read_info().expect("PNG");
    assert_eq!(reader.info().size(), (1683, 1190));
    let path = format!("/api/v1{}/preview", template(&world));
    let ask = async |query: &str, key: &str| {
        let headers = [("x-api-key", key), ("content-type", "application/json")];
        world.send("POST", &format!("{path}{query}"), &headers, "{}").await
    };
    let key = world.demo.api_key.as_str();
    let longest = ask("?sample=longest", key).await.expect(200).body;
    let shortest = ask("?sample=shortest", key).await.expect(200).body;
    assert_ne!(longest, shortest);
    assert_eq!(longest, ask("", key).await.expect(200).body);
    one_fault(ask("?sample=medium", key).await, "sample", "value_not_allowed");
    // Nothing was written: neither the picture, nor the key's use.
    assert_eq!(world.get(DESIGN).await, json!({ "since": null }));
    let editor = key_of(app, "demo", Mode::Test, &[Scope::Catalog], None).await;
    ask("", &editor).await.expect(200);
    let keys = world.get("/api-keys").await;
    let id = editor.split('_').nth(3).expect("an id");
    let items = keys["items"].as_array().expect("items");
    let used = items.iter().find(|item| item["id"] == id).expect("the key");
    assert_eq!(used["last_used_at"], Value::Null);
}

/// A design with a picture is saved, again as after a lost answer; what is issued then has it.
fn saved_and_issued(sim: &mut Sim) -> Run<'_> {
    Box::pin(async move {
        let design = json!({ "background": data_url(&picture(300, 200)) });
        let mut saved = None;
        for _ in 0..2 {
            let answer = sim.insist("PUT", DESIGN, Some(&design), None).await?;
            ensure!(answer.status == 200, "{}", answer.body);
            ensure!(saved.get_or_insert(answer.json()) == &answer.json(), "{}", answer.body);
        }
        let people = [person(1)];
        let issued = sim.issue(&people, &people, None).await?.json();
        let id = issued["credentials"][0]["credential_id"].as_str().context("id")?.to_owned();
        ensure!(has_pixels(&certificate(&sim.world, &id).await), "issued after the answer");
        sim.drain().await
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_design_with_a_picture_survives_a_crash_at_every_call() {
    every_point("design", saved_and_issued).await;
}

/// A sample with a recipient's values, for a key that issues.
async fn sample_of(world: &World, query: &str, recipient: &Value) -> Reply {
    let key = key_of(world.stack.app(), "demo", Mode::Live, &[Scope::Issue], None).await;
    let path = format!("/api/v1{}/preview{query}", template(world));
    let headers = [("x-api-key", key.as_str()), ("content-type", "application/json")];
    let body = json!({ "recipient": recipient });
    world.send("POST", &path, &headers, body.to_string()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipients_certificate_is_drawn_before_it_is_issued() {
    let world = World::new().await;
    let ana = json!({
        "email": "ana@ejemplo.com", "recipient_name": "Ana  Sotomayor", "result_value": "A",
        "credits_earned": 6.5, "awarded_on": "2026-03-02",
    });
    let with = |field: &str, value: Value| {
        let mut changed = ana.clone();
        changed[field] = value;
        changed
    };
    let drawn = sample_of(&world, "", &ana).await.expect(200).body;
    let has = |pdf: &[u8], text: &str| pdf.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has(&drawn, "Ana Sotomayor"), "the name as it will be signed");
    assert!(!has(&drawn, "María Fernanda"), "nobody's name");
    for (field, value) in [
        ("result_value", json!("B")),
        ("credits_earned", json!(7)),
        ("awarded_on", json!("2026-03-03")),
    ] {
        let other = sample_of(&world, "", &with(field, value)).await.expect(200).body;
        assert_ne!(other, drawn, "{field} is on it");
    }
    // What issuing refuses is refused, with its place.
    let wrong = sample_of(&world, "", &with("result_value", json!("Z"))).await;
    one_fault(wrong, "/recipient/result_value", "invalid_result");
    one_fault(sample_of(&world, "", &json!("Ana")).await, "/recipient", "not_an_object");
    let both = sample_of(&world, "?sample=longest", &ana).await;
    one_fault(both, "sample", "not_with_recipient");
    // What the public certificate leaves out is left out of it too.
    let hides = json!({ "public_hides": ["surname"] });
    world.call("PUT", "/organization", Some(&hides)).await.expect(200);
    let shown = world
        .until("the setting is known", async || {
            let pdf = sample_of(&world, "", &ana).await.expect(200).body;
            has(&pdf, "Ana S.").then_some(pdf)
        })
        .await;
    assert!(!has(&shown, "Sotomayor"));
    assert_eq!(world.get("/credentials").await["items"], json!([]), "nothing was issued");
}
