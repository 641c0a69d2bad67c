//! A graduate's files: certificate, badge, preview, QR code; and the images of an organization.

use std::io::{Cursor, Read};

use flate2::read::ZlibDecoder;
use serde_json::{Value, json};

use crate::{
    catalog::another_organization,
    harness::{Reply, World, person},
};

/// A PNG file of two colours, as large as asked.
pub fn picture(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("a header");
    let pixels: Vec<u8> = (0..width * height)
        .flat_map(|n| if n % width < width / 2 { [31, 58, 95] } else { [240, 240, 240] })
        .collect();
    writer.write_image_data(&pixels).expect("pixels");
    drop(writer);
    bytes
}

pub fn data_url(png: &[u8]) -> String {
    unicreda::domain::image::data_url(png)
}

async fn issued(world: &World, recipient: &Value) -> String {
    let answer = world.issue_one(recipient).await;
    answer["credential_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

async fn file(world: &World, id: &str, name: &str) -> Reply {
    world.send("GET", &format!("/credential/{id}/{name}"), &[], "").await
}

async fn document(world: &World, id: &str) -> Vec<u8> {
    world.send("GET", &format!("/credential/{id}.json"), &[], "").await.expect(200).body.to_vec()
}

/// Every stream of a PDF file, unpacked where it is packed.
pub fn streams(pdf: &[u8]) -> Vec<Vec<u8>> {
    let mut streams = Vec::new();
    let mut rest = pdf;
    let find = |in_: &[u8], what: &[u8]| in_.windows(what.len()).position(|w| w == what);
    while let Some(start) = find(rest, b"\nstream\n") {
        rest = &rest[start + 8..];
        let end = find(rest, b"\nendstream").expect("an end");
        let packed = &rest[..end];
        let mut unpacked = Vec::new();
        match ZlibDecoder::new(packed).read_to_end(&mut unpacked) {
            Ok(_) => streams.push(unpacked),
            Err(_) => streams.push(packed.to_vec()),
        }
        rest = &rest[end..];
    }
    streams
}

/// The text that a PNG file carries under the keyword of Open Badges.
fn unbaked(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().expect("a PNG file");
    let (width, height) = reader.info().size();
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut pixels).expect("pixels");
    reader.finish().expect("to its end");
    let texts: Vec<_> =
        reader.info().utf8_text.iter().filter(|t| t.keyword == "openbadgecredential").collect();
    assert_eq!(texts.len(), 1);
    (width, height, texts[0].get_text().expect("text").into_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_one_page_that_carries_its_signed_credential() {
    let world = World::new().await;
    let id = issued(&world, &person(1)).await;
    let pdf = file(&world, &id, "certificate.pdf").await.expect(200);
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert!(pdf.header("content-disposition").contains(&format!("certificado-{id}.pdf")));
    assert_eq!(pdf.header("x-robots-tag"), unicreda::http::serve::ROBOTS);
    assert!(pdf.body.starts_with(b"%PDF-1.7"));
    let text = String::from_utf8_lossy(&pdf.body).into_owned();
    assert_eq!(text.matches("/Type/Page/").count() + text.matches("/Type /Page\n").count(), 1);
    let document = document(&world, &id).await;
    let streams = streams(&pdf.body);
    assert!(streams.contains(&document), "the credential is not attached as it was signed");
    // PDF/A-3, as its metadata say.
    let metadata =
        streams.iter().map(|s| String::from_utf8_lossy(s)).find(|s| s.contains("pdfaid"));
    let metadata = metadata.expect("metadata");
    assert!(metadata.contains("<pdfaid:part>3</pdfaid:part>"), "{metadata}");
    assert!(metadata.contains("Persona Zorrilla 1"), "{metadata}");

    // The same bytes each time, so a conditional request gets 304.
    let again = file(&world, &id, "certificate.pdf").await;
    assert_eq!(again.body, pdf.body);
    let known = [("if-none-match", pdf.header("etag"))];
    let path = format!("/credential/{id}/certificate.pdf");
    world.send("GET", &path, &known, "").await.expect(304);
    // A revoked credential is marked on paper.
    let reason = json!({ "reason": "Error" });
    world.call("POST", &format!("/credentials/{id}/revoke"), Some(&reason)).await.expect(200);
    let revoked = world.send("GET", &path, &known, "").await.expect(200);
    assert_ne!(revoked.body, pdf.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_badge_carries_a_credential_that_verifies() {
    let world = World::new().await;
    let id = issued(&world, &person(2)).await;
    let badge = file(&world, &id, "badge.png").await.expect(200);
    assert_eq!(badge.header("content-type"), "image/png");
    let (width, height, carried) = unbaked(&badge.body);
    assert_eq!((width, height), (800, 800));
    assert_eq!(carried, document(&world, &id).await);
    let carried: Value = serde_json::from_slice(&carried).expect("JSON");
    let verdict = world.call("POST", "/verify", Some(&carried)).await.expect(200).json();
    assert_eq!(verdict["verified"], true, "{verdict}");

    let preview = file(&world, &id, "preview.png").await.expect(200);
    let reader = png::Decoder::new(Cursor::new(&preview.body[..])).read_info().expect("PNG");
    assert_eq!(reader.info().size(), (1_200, 630));
    assert!(preview.body.len() < 300_000, "too large for a chat program");
    let code = file(&world, &id, "qr.svg").await.expect(200);
    assert!(code.text().starts_with("<svg") && code.header("content-type") == "image/svg+xml");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_of_nothing_is_drawn() {
    let world = World::new().await;
    for name in ["certificate.pdf", "badge.png", "preview.png"] {
        for id in ["00000000-0000-8000-8000-000000000000", "no-id"] {
            let page = file(&world, id, name).await.expect(404);
            assert!(page.text().contains("No encontramos esta credencial"));
        }
    }
    file(&world, "no-id", "qr.svg").await.problem(404, "not_found");
}

/// The demo template's definition, with a badge.
pub async fn with_badge(world: &World, image: Value) -> Value {
    let path = format!("/templates/{}", world.demo.template_id);
    let mut definition = world.get(&path).await;
    definition["achievement"]["image"] = image;
    definition
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organizations_own_images_are_shown_signed_and_never_fetched() {
    let world = World::new().await;
    let (logo, badge) = (picture(300, 100), picture(400, 400));
    let template = format!("/templates/{}", world.demo.template_id);
    let before = issued(&world, &person(4)).await;

    let set = json!({ "logo": data_url(&logo), "linkedin_id": 1337 });
    let organization = world.call("PUT", "/organization", Some(&set)).await.expect(200).json();
    let body = with_badge(&world, data_url(&badge).into()).await;
    let changed = world.call("PUT", &template, Some(&body)).await.expect(200).json();
    let (logo_url, badge_url) = (&organization["logo"], &changed["achievement"]["image"]);
    let site = world.stack.app().config.site_url.clone();
    for (url, png) in [(logo_url, &logo), (badge_url, &badge)] {
        let url = url.as_str().expect("a URL");
        let path = url.strip_prefix(&site).expect("an address of this site");
        let image = world.send("GET", path, &[], "").await.expect(200);
        assert_eq!(image.header("content-type"), "image/png");
        assert!(image.header("cache-control").contains("immutable"));
        assert_eq!(
            unicreda::domain::picture::Png::read(png).expect("PNG").bytes(),
            &image.body[..]
        );
        world.send("GET", &path.replace(".png", "0.png"), &[], "").await.problem(404, "not_found");
    }

    // New credentials name both, signed; page, files and mail show them.
    let id = issued(&world, &person(5)).await;
    let signed: Value = serde_json::from_slice(&document(&world, &id).await).expect("JSON");
    let image = json!({ "id": badge_url, "type": "Image" });
    assert_eq!(signed["credentialSubject"]["achievement"]["image"], image);
    assert_eq!(signed["issuer"]["image"], json!({ "id": logo_url, "type": "Image" }));
    let verdict = world.call("POST", "/verify", Some(&signed)).await.expect(200).json();
    assert_eq!(verdict["verified"], true, "{verdict}");
    let accept = [("accept", "text/html")];
    let page =
        world.send("GET", &format!("/credential/{id}"), &accept, "").await.expect(200).text();
    let mail = world.mails("persona5@ejemplo.com", 1).await;
    let mail = mail[0]["html"].as_str().expect("a part").to_owned();
    for (html, what) in [(&page, "page"), (&mail, "mail")] {
        for url in [logo_url, badge_url] {
            let src = format!("src=\"{}\"", url.as_str().expect("a URL"));
            assert!(html.contains(&src), "{src} is missing in the {what}");
        }
    }
    assert!(page.contains("organizationId=1337"), "{page}");
    let (width, height, _) = unbaked(&file(&world, &id, "badge.png").await.expect(200).body);
    assert_eq!((width, height), (400, 400));
    file(&world, &id, "certificate.pdf").await.expect(200);
    // A credential issued earlier keeps its seal.
    let (width, ..) = unbaked(&file(&world, &before, "badge.png").await.expect(200).body);
    assert_eq!(width, 800);

    // The answer can be sent back; null removes the image; nothing is fetched.
    let same = world.get(&template).await;
    assert_eq!(world.call("PUT", &template, Some(&same)).await.expect(200).json(), same);
    let same = world.get("/organization").await;
    assert_eq!(world.call("PUT", "/organization", Some(&same)).await.expect(200).json(), same);
    let bare = with_badge(&world, Value::Null).await;
    let bare = world.call("PUT", &template, Some(&bare)).await.expect(200).json();
    assert_eq!(bare["achievement"].get("image"), None);
    let none = json!({ "logo": null, "linkedin_id": null });
    let none = world.call("PUT", "/organization", Some(&none)).await.expect(200).json();
    assert_eq!((&none["logo"], &none["linkedin_id"]), (&Value::Null, &Value::Null));
    let unknown = format!("{site}/images/demo.{}.png", "0".repeat(32));
    let other = another_organization(world.stack.app(), "otra").await;
    let theirs = json!({ "logo": data_url(&logo) });
    let theirs = world.call_as(&other, "PUT", "/organization", Some(&theirs)).await.expect(200);
    let theirs = theirs.json()["logo"].as_str().expect("a URL").to_owned();
    for (image, code) in [
        (unknown.as_str(), "unknown_image"),
        (theirs.as_str(), "unknown_image"),
        ("https://ejemplo.com/insignia.png", "invalid_image"),
        ("data:image/png;base64,AAAA", "invalid_image"),
        (&data_url(&picture(2_001, 64)), "image_dimensions"),
    ] {
        let body = with_badge(&world, image.into()).await;
        let refused =
            world.call("PUT", &template, Some(&body)).await.problem(400, "invalid_request");
        assert_eq!(refused["errors"][0]["code"], code, "{refused}");
        assert_eq!(refused["errors"][0]["pointer"], "/achievement/image");
    }
}
