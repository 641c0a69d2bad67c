//! The letter that announces a credential: its picture is the achievement's, at one address for all.

use std::io::Cursor;

use crate::harness::{World, person};

/// The addresses of the pictures in a letter.
fn pictures(html: &str) -> Vec<String> {
    let sources = html.split(" src=\"").skip(1);
    sources.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_picture_of_a_letter_has_one_address_for_all_recipients() {
    let world = World::new().await;
    let site = world.stack.app().config.site_url.clone();
    let mut seen = Vec::new();
    for n in 1..=2 {
        let id =
            world.issue_one(&person(n)).await["credential_id"].as_str().expect("an id").to_owned();
        let mail = world.mails(&format!("persona{n}@ejemplo.com"), 1).await.remove(0);
        let html = mail["html"].as_str().expect("a part");
        assert!(html.len() < 100_000, "{}", html.len());
        let found = pictures(html);
        assert_eq!(found.len(), 1, "{html}");
        assert!(!found[0].contains(&id) && !found[0].contains("persona"), "{found:?}");
        seen.push(found);
        let text = mail["text"].as_str().expect("a part");
        for part in [format!("Otorgada a: Persona Zorrilla {n}"), "Calificación: A".to_owned()] {
            assert!(text.contains(&part) && text.contains("Fecha de emisión: "), "{text}");
        }
    }
    assert_eq!(seen[0], seen[1]);
    let path = seen[0][0].strip_prefix(&site).expect("of this site");
    let seal = world.send("GET", path, &[("accept", "image/*")], "").await.expect(200);
    assert_eq!(seal.header("content-type"), "image/png");
    assert_eq!(seal.header("cache-control"), "public, max-age=86400");
    let reader = png::Decoder::new(Cursor::new(&seal.body[..])).read_info().expect("PNG");
    assert_eq!((reader.info().width, reader.info().height), (224, 224));
    let template = &world.demo.template_id;
    let known = [("if-none-match", seal.header("etag"))];
    world.send("GET", path, &known, "").await.expect(304);
    for wrong in [
        path.replace("/demo/", "/otra/"),
        path.replace(template.as_str(), "x"),
        path.replace(template.as_str(), "00000000-0000-4000-8000-000000000000"),
    ] {
        world.send("GET", &wrong, &[("accept", "image/*")], "").await.problem(404, "not_found");
    }
}
