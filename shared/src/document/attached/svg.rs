//! The credential baked into an SVG drawing (Open Badges 3.0 §5.3.2; 2.0 calls the element `assertion`).

use quick_xml::{events::Event, reader::Reader};

use super::{AttachedFault, Found, MAX_DOCUMENT};

/// The names of the element, without their prefix.
const ELEMENTS: [&[u8]; 2] = [b"credential", b"assertion"];
/// Where a drawing begins, at the latest: a declaration and comments may stand before it.
const BEGINS: usize = 4_096;

/// Whether a file is a drawing.
pub(super) fn is_svg(file: &[u8]) -> bool {
    let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file).trim_ascii_start();
    let head = text.get(..BEGINS).unwrap_or(text);
    text.starts_with(b"<") && memchr::memmem::find(head, b"<svg").is_some()
}

/// The baked texts of a file.
pub(super) fn texts(file: &[u8]) -> Found {
    let mut found = Found { texts: Vec::new(), larger: false, otherwise: AttachedFault::Damaged };
    let mut reader = Reader::from_reader(file);
    let mut inside: Option<Vec<u8>> = None;
    // The first ones are enough to tell that there are several.
    while found.texts.len() < 4 {
        match reader.read_event() {
            Ok(Event::Start(tag)) if ELEMENTS.contains(&tag.local_name().as_ref()) => {
                inside = Some(Vec::new());
            }
            Ok(Event::End(tag)) if ELEMENTS.contains(&tag.local_name().as_ref()) => {
                match inside.take() {
                    Some(text) if text.len() <= MAX_DOCUMENT => found.texts.push(text),
                    Some(_) => found.larger = true,
                    None => {}
                }
            }
            Ok(Event::CData(part)) => append(&mut inside, &part),
            Ok(Event::Text(part)) => append(&mut inside, &part),
            Ok(Event::GeneralRef(name)) => append(&mut inside, letter(&name)),
            Ok(Event::Eof) => {
                found.otherwise = AttachedFault::Nothing;
                break;
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    found
}

fn append(inside: &mut Option<Vec<u8>>, part: &[u8]) {
    if let Some(text) = inside {
        text.extend_from_slice(part);
    }
}

/// What a reference stands for. JSON needs no other than these.
fn letter(name: &[u8]) -> &'static [u8] {
    match name {
        b"quot" | b"#34" | b"#x22" => b"\"",
        b"amp" | b"#38" | b"#x26" => b"&",
        b"lt" => b"<",
        b"gt" => b">",
        b"apos" | b"#39" | b"#x27" => b"'",
        _ => b"",
    }
}
