//! Logos and badges: what is kept of a file, what is refused, and that no picture stands between a
//! graduate and the certificate.

use std::{collections::BTreeMap, io::Cursor};

use serde_json::{Value, json};
use unicreda::domain::{
    ids::OrgId,
    image::{Image, ImageId, ImageKind},
};

use crate::{
    files::{data_url, picture, with_badge},
    fuzz::corpus::{deflated, png_of, saved},
    harness::{World, person},
};

/// The pixels of a PNG file: red, green, blue and opacity in hex, at a quarter and at three quarters of the
/// middle row.
fn shown(png: &[u8]) -> [String; 2] {
    let mut decoder = png::Decoder::new(Cursor::new(png));
    decoder.set_transformations(png::Transformations::ALPHA);
    let mut reader = decoder.read_info().expect("a PNG file");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut pixels).expect("pixels");
    let row = &pixels[frame.line_size * (frame.height as usize / 2)..];
    let bytes = frame.color_type.samples();
    [1, 3].map(|quarter| {
        let at = frame.width as usize * quarter / 4 * bytes;
        match row[at..at + bytes] {
            [grey, opacity] => format!("{grey:02x}{grey:02x}{grey:02x}{opacity:02x}"),
            [red, green, blue, opacity] => format!("{red:02x}{green:02x}{blue:02x}{opacity:02x}"),
            _ => panic!("{frame:?}"),
        }
    })
}

fn kinds(png: &[u8]) -> Vec<String> {
    let chunks = crate::fuzz::corpus::chunks(png).into_iter();
    chunks.map(|(kind, _)| String::from_utf8_lossy(&kind).into_owned()).collect()
}

/// Gives the demo organization a logo; its address.
async fn set_logo(world: &World, png: &[u8]) -> String {
    let body = json!({ "logo": data_url(png) });
    let organization = world.call("PUT", "/organization", Some(&body)).await.expect(200).json();
    organization["logo"].as_str().expect("an address").to_owned()
}

/// Gives the demo template a badge; its address.
async fn set_badge(world: &World, image: Value) -> String {
    let body = with_badge(world, image).await;
    let path = format!("/templates/{}", world.demo.template_id);
    let template = world.call("PUT", &path, Some(&body)).await.expect(200).json();
    template["achievement"]["image"].as_str().expect("an address").to_owned()
}

async fn fetched(world: &World, url: &str) -> Vec<u8> {
    let path = url.strip_prefix(&world.stack.app().config.site_url).expect("of this site");
    world.send("GET", path, &[], "").await.expect(200).body.to_vec()
}

async fn issued(world: &World, n: u32) -> String {
    let answer = world.issue_one(&person(n)).await;
    answer["credential_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// The saved files say in their names what becomes of them: `kept-{what}-{left}-{right}` with the colour of
/// either half, or the fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_odd_picture_is_kept_as_it_looks_or_refused_by_name() {
    let world = World::new().await;
    let template = format!("/templates/{}", world.demo.template_id);
    let mut addresses: BTreeMap<(usize, [String; 2]), String> = BTreeMap::new();
    for (name, file) in saved("png") {
        let name = name.trim_end_matches(".png");
        let (fate, rest) = name.split_once('-').expect("a fate");
        if fate == "kept" {
            let parts: Vec<&str> = rest.rsplitn(3, '-').collect();
            let want = [parts[1].to_owned(), parts[0].to_owned()];
            let url = set_badge(&world, data_url(&file).into()).await;
            let kept = fetched(&world, &url).await;
            assert_eq!(shown(&kept), want, "{name}");
            let kinds = kinds(&kept);
            assert!(
                kinds.iter().all(|k| ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"].contains(&&**k)),
                "{name}"
            );
            // However it came: what looks the same is the same image, for a logo too.
            let width = usize::from(kept[19]);
            let same = addresses.entry((width, want)).or_insert_with(|| url.clone());
            assert_eq!((&url, &set_logo(&world, &file).await), (&*same, &*same), "{name}");
            continue;
        }
        let code = match fate {
            "sides" => "image_dimensions",
            _ => "invalid_image",
        };
        let said = match fate {
            "damaged" => "dañado o incompleto",
            "animated" => "animada",
            "unseen" => "no se ve nada",
            "sides" => "cada lado debe medir entre 64 y 2000",
            "other" => "debe ser una imagen PNG",
            _ => panic!("{name}"),
        };
        let bodies = [
            ("/achievement/image", &*template, with_badge(&world, data_url(&file).into()).await),
            ("/logo", "/organization", json!({ "logo": data_url(&file) })),
        ];
        for (pointer, path, body) in bodies {
            let reply = world.call("PUT", path, Some(&body)).await;
            assert_eq!(reply.status.as_u16(), 400, "{name}: {}", reply.text());
            let refused = reply.problem(400, "invalid_request");
            let error = &refused["errors"][0];
            assert_eq!(
                (&error["code"], &error["pointer"]),
                (&json!(code), &json!(pointer)),
                "{name}"
            );
            assert!(
                error["message"].as_str().is_some_and(|text| text.contains(said)),
                "{name}: {error}"
            );
        }
    }
    assert!(addresses.len() > 5, "{addresses:?}");
}

/// 180 MB of zeros in 180 kB: a chunk that does not draw is never unpacked, and of the pixels no
/// more than the sides allow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_in_any_chunk_is_left_unpacked() {
    let world = World::new().await;
    let zeros = vec![0; 180 * 1024 * 1024];
    let packed = deflated(&zeros);
    let header = |side: u32| {
        let mut data = [side.to_be_bytes(), side.to_be_bytes()].concat();
        data.extend_from_slice(&[8, 0, 0, 0, 0]);
        (*b"IHDR", data)
    };
    let rows = deflated(&vec![0; 64 * 65]);
    let end = (*b"IEND", Vec::new());
    let named = |name: &[u8]| [name, &packed].concat();
    let mut first = None;
    for chunk in [
        (*b"tEXt", Vec::new()),
        (*b"iCCP", named(b"x\0\0")),
        (*b"zTXt", named(b"x\0\0")),
        (*b"iTXt", named(b"x\0\x01\0\0\0")),
    ] {
        let bomb = png_of(&[header(64), chunk, (*b"IDAT", rows.clone()), end.clone()]);
        let url = set_badge(&world, data_url(&bomb).into()).await;
        assert!(fetched(&world, &url).await.len() < 200);
        assert_eq!(&url, first.get_or_insert_with(|| url.clone()));
    }
    // Of the pixels, the rows beyond the last are left.
    let bomb = png_of(&[header(64), (*b"IDAT", packed.clone()), end.clone()]);
    assert_eq!(Some(set_badge(&world, data_url(&bomb).into()).await), first);
    // The largest picture: 2,000 x 2,000.
    let large = png_of(&[header(2_000), (*b"IDAT", packed), end]);
    let url = set_badge(&world, data_url(&large).into()).await;
    assert!(fetched(&world, &url).await.len() < 2_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_is_badge_and_logo_is_signed_and_drawn() {
    let world = World::new().await;
    let file = picture(200, 200);
    let logo = set_logo(&world, &file).await;
    assert_eq!(set_badge(&world, data_url(&file).into()).await, logo);
    let id = issued(&world, 1).await;
    let path = format!("/credential/{id}.json");
    let document = world.send("GET", &path, &[], "").await.expect(200).json();
    assert_eq!(document["issuer"]["image"], document["credentialSubject"]["achievement"]["image"]);
    let verdict = world.call("POST", "/verify", Some(&document)).await.expect(200).json();
    assert_eq!(verdict["verified"], true, "{verdict}");
    // Neither place can be changed.
    for pointer in ["/issuer/image", "/credentialSubject/achievement/image"] {
        for (member, value) in [("id", json!(format!("{logo}x"))), ("type", json!("Profile"))] {
            let mut forged = document.clone();
            forged.pointer_mut(pointer).expect("an image")[member] = value;
            let verdict = world.call("POST", "/verify", Some(&forged)).await.expect(200).json();
            assert_eq!(verdict["verified"], false, "{pointer} {member}");
        }
        let mut forged = document.clone();
        *forged.pointer_mut(pointer).expect("an image") = Value::Null;
        let verdict = world.call("POST", "/verify", Some(&forged)).await.expect(200).json();
        assert_eq!(verdict["verified"], false, "{pointer}");
    }
    world.send("GET", &format!("/credential/{id}/certificate.pdf"), &[], "").await.expect(200);
}

/// As earlier versions kept them: a palette image without its palette, and a profile of 40 MB.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_picture_that_cannot_be_drawn_costs_the_picture_and_no_certificate() {
    let world = World::new().await;
    let app = world.stack.app();
    let site = &app.config.site_url;
    let org = OrgId::parse("demo").expect("an id");
    let files = saved("png").into_iter().collect::<BTreeMap<_, _>>();
    let profile = (*b"iCCP", [b"x\0\0", &*deflated(&vec![0; 40 * 1024 * 1024])].concat());
    let mut with_profile = crate::fuzz::corpus::chunks(&picture(120, 120));
    with_profile.insert(1, profile);
    let kept = [
        (files["damaged-palette-missing.png"].clone(), 64, false),
        (files["damaged-palette-of-four-bytes.png"].clone(), 64, false),
        (png_of(&with_profile), 120, true),
    ];
    for (n, (file, side, drawn)) in (1..).zip(kept) {
        let id = ImageId::parse(&format!("{org}.{n:032x}")).expect("an id");
        let image = Image { id: id.clone(), width: side, height: side, kind: ImageKind::Png };
        app.catalog.put_image(&image, &file).await.expect("kept");
        set_badge(&world, id.url(site).into()).await;
        let logo = json!({ "logo": id.url(site) });
        world.call("PUT", "/organization", Some(&logo)).await.expect(200);
        let credential = issued(&world, n).await;
        for name in ["certificate.pdf", "badge.png", "preview.png"] {
            let path = format!("/credential/{credential}/{name}");
            let file = world.send("GET", &path, &[], "").await.expect(200);
            if name == "badge.png" {
                // The seal stands in for a badge that cannot be drawn.
                let side = u32::from_be_bytes(file.body[16..20].try_into().expect("4 bytes"));
                assert_eq!(side, if drawn { 120 } else { 800 });
                assert!(!kinds(&file.body).contains(&"iCCP".to_owned()));
            }
        }
        // What was kept stays served, as it was signed.
        assert_eq!(fetched(&world, &id.url(site)).await, file);
    }
}
