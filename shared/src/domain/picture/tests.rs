use super::*;

/// A PNG file in RGBA, with a note of who drew it.
fn file(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.add_text_chunk("Author".to_owned(), "Ana Soto".to_owned()).expect("text");
    let mut writer = encoder.write_header().expect("header");
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| pixel(x, y))
        .collect();
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("an end");
    bytes
}

/// The kind of a file, and its pixels.
fn drawn(png: &[u8]) -> (png::ColorType, png::BitDepth, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG file");
    let kind = reader.output_color_type();
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut pixels).expect("pixels");
    reader.finish().expect("to its end");
    (kind.0, kind.1, pixels)
}

fn kinds(png: &[u8]) -> Vec<[u8; 4]> {
    chunks(png).expect("chunks").iter().map(|chunk| chunk.kind).collect()
}

/// A number that looks random and is the same in every run.
fn noise(x: u32, y: u32) -> u8 {
    let mixed = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503).wrapping_add(x << 7);
    (mixed ^ (mixed >> 13)).wrapping_mul(1_540_483_477).to_be_bytes()[0]
}

#[test]
fn a_picture_is_written_anew_with_its_pixels_alone() {
    let bytes = file(64, 80, |x, _| if x < 32 { [31, 58, 95, 255] } else { [240; 4] });
    assert!(bytes.windows(8).any(|w| w == b"Ana Soto"));
    let png = Png::read(&bytes).expect("a picture");
    assert_eq!(kinds(png.bytes()), [*b"IHDR", *b"PLTE", *b"tRNS", *b"IDAT", *b"IEND"]);
    let org = OrgId::parse("demo").expect("an id");
    let image = png.named(&org);
    assert_eq!((image.width, image.height), (64, 80));
    assert_eq!(crate::domain::image::ImageId::parse(&image.id.to_string()), Some(image.id.clone()));
    // What draws the same is the same image.
    assert_eq!(Png::read(png.bytes()).expect("again").named(&org), image);
    assert_eq!(Png::kept(png.bytes()).expect("as it is kept"), png);
    // What cannot be seen hides nothing.
    let hidden =
        |secret: u8| file(64, 64, move |x, _| if x < 32 { [secret, 0, 0, 0] } else { [9; 4] });
    assert_eq!(Png::read(&hidden(1)), Png::read(&hidden(2)));
}

fn grey(grey: u8, opacity: u8) -> [u8; 4] {
    [grey, grey, grey, opacity]
}

#[test]
fn a_file_is_of_the_smallest_kind_that_holds_its_pixels() {
    use png::{BitDepth::*, ColorType::*};
    let few = |n: u32| move |x: u32, y: u32| [u8::try_from((x + y) % n).expect("few"), 7, 7, 255];
    for (file, colour, depth) in [
        (file(64, 64, few(1)), Indexed, One),
        (file(64, 64, few(2)), Indexed, One),
        (file(67, 64, few(4)), Indexed, Two),
        (file(65, 64, few(16)), Indexed, Four),
        (file(64, 64, few(17)), Indexed, Eight),
        (file(256, 64, few(256)), Indexed, Eight),
        (file(64, 64, |x, y| grey(noise(x, y), 255)), Grayscale, Eight),
        (file(64, 64, |x, y| grey(noise(x, y), noise(y, x))), GrayscaleAlpha, Eight),
        (file(64, 64, |x, y| [noise(x, y), noise(y, x), 0, 255]), Rgb, Eight),
        (file(64, 64, |x, y| [noise(x, y), 5, 5, noise(y, x)]), Rgba, Eight),
    ] {
        let (.., want) = drawn(&file);
        let written = Png::read(&file).expect("a picture");
        let (found, bits, _) = drawn(written.bytes());
        assert_eq!((found, bits), (colour, depth));
        // Decoded to red, green, blue and opacity, nothing has changed that can be seen.
        let seen = |mut rgba: Vec<u8>| {
            for pixel in rgba.chunks_mut(4).filter(|pixel| pixel[3] == 0) {
                pixel.fill(0);
            }
            rgba
        };
        assert_eq!(seen(rgba(written.bytes())), seen(want), "{colour:?} {depth:?}");
    }
}

fn rgba(png: &[u8]) -> Vec<u8> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::ALPHA);
    let mut reader = decoder.read_info().expect("a PNG file");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut pixels).expect("pixels");
    match frame.color_type {
        png::ColorType::GrayscaleAlpha => {
            pixels.chunks(2).flat_map(|p| [p[0], p[0], p[0], p[1]]).collect()
        }
        _ => pixels,
    }
}

#[test]
fn what_was_kept_by_earlier_versions_is_drawn_or_refused() {
    let bytes = file(64, 64, |x, y| [noise(x, y), noise(y, x), 0, 255]);
    let kept = Png::kept(&bytes).expect("a picture");
    assert_eq!(kinds(kept.bytes()), [*b"IHDR", *b"IDAT", *b"IEND"]);
    assert_eq!(drawn(kept.bytes()), drawn(&bytes));
    assert_eq!(Png::kept(b"GIF89a"), Err(PngFault::NotPng));
}

#[test]
fn a_baked_badge_draws_the_same_and_carries_its_credential() {
    let plain = file(64, 64, |_, _| [200, 200, 200, 255]);
    let once = bake(&plain, b"{\"first\":1}").expect("baked");
    let twice = bake(&once, "{\"name\":\"Ñandú\"}".as_bytes()).expect("baked again");
    let mut reader = png::Decoder::new(std::io::Cursor::new(&twice)).read_info().expect("PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("size")];
    reader.next_frame(&mut pixels).expect("pixels");
    reader.finish().expect("to its end");
    let texts = &reader.info().utf8_text;
    assert_eq!(texts.len(), 1);
    assert_eq!(texts[0].keyword, "openbadgecredential");
    assert!(!texts[0].compressed);
    assert_eq!(texts[0].get_text().expect("text"), "{\"name\":\"Ñandú\"}");
    assert_eq!(pixels, drawn(&plain).2);
    assert!(bake(b"GIF89a", b"{}").is_none());
}
