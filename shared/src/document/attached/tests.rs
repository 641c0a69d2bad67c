use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};

use super::*;
use crate::domain::picture::bake;

const DOCUMENT: &[u8] = "{\"credentialSubject\":{\"name\":\"Ñandú\"},\"proof\":[1]}".as_bytes();

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

/// A PDF with these objects: the dictionary of each, and its data.
fn pdf(objects: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    for ((dictionary, data), number) in objects.iter().zip(1..) {
        file.extend(format!("{number} 0 obj\n{dictionary}\nstream\n").as_bytes());
        file.extend(*data);
        file.extend(b"\nendstream\nendobj\n");
    }
    file.extend(b"xref\n0 1\ntrailer <</Size 1/Root 9 0 R>>\nstartxref\n0\n%%EOF\n");
    file
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = u32::try_from(data.len()).expect("small").to_be_bytes().to_vec();
    chunk.extend(kind);
    chunk.extend(data);
    // A checksum that is wrong.
    chunk.extend([1, 2, 3, 4]);
    chunk
}

fn png(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(chunk(b"IHDR", &[0, 0, 0, 64, 0, 0, 0, 64, 8, 0, 0, 0, 0]));
    chunks.iter().for_each(|(kind, data)| file.extend(chunk(kind, data)));
    file.extend(chunk(b"IEND", b""));
    file
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn read(file: &[u8]) -> Result<String, AttachedFault> {
    document_of(file).map(|text| String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_document_is_found_however_a_program_attaches_it() {
    let packed = deflated(DOCUMENT);
    let length = DOCUMENT.len();
    let plain = |dictionary: &str| pdf(&[("<</Type/XObject>>", b"x"), (dictionary, DOCUMENT)]);
    for (what, file) in [
        ("plain", plain(&format!("<</Type/EmbeddedFile/Length {length}>>"))),
        ("length elsewhere", plain("<< /Length 7 0 R /Type /EmbeddedFile >>")),
        ("length wrong", plain("<< /Length 3 /Type /EmbeddedFile >>")),
        ("no length", plain("<</Type/EmbeddedFile>>")),
        ("no type", plain("<</Length 7 0 R /Params <</Size 3>> >>")),
        (
            "type last, nested texts",
            plain(
                "% x >> \n<</Params<</CheckSum(\\)a>>(b)obj)/Size 3/ModDate<00>>>/Subtype/application#2fld+json/Type/EmbeddedFile>>",
            ),
        ),
        (
            "deflated",
            pdf(&[("<</Filter/FlateDecode/Type/EmbeddedFile/DecodeParms null>>", &packed)]),
        ),
        ("a list of filters", pdf(&[("<</Filter[/FlateDecode]/Type /EmbeddedFile >>", &packed)])),
        (
            "beside other data",
            pdf(&[
                ("<</Type/EmbeddedFile>>", b"<xml/>"),
                ("<</Type/EmbeddedFile>>", b"{\"other\":1}"),
                ("<</Type/EmbeddedFile>>", DOCUMENT),
                ("<</Type/EmbeddedFile/Filter/FlateDecode>>", b"no zlib"),
            ]),
        ),
        (
            "twice the same",
            pdf(&[("<</Type/EmbeddedFile>>", DOCUMENT), ("<</Type/EmbeddedFile>>", DOCUMENT)]),
        ),
        ("bytes before", joined(&[b"HTTP/1.1 200\r\n\r\n", &plain("<</Type/EmbeddedFile>>")])),
        ("broken off", {
            let file = pdf(&[("<</Filter/FlateDecode/Type/EmbeddedFile>>", &packed)]);
            file[..file.len() - 80].to_vec()
        }),
        ("a wrong checksum", {
            let mut packed = packed.clone();
            *packed.last_mut().expect("a byte") ^= 1;
            pdf(&[("<</Filter/FlateDecode/Type/EmbeddedFile>>", &packed)])
        }),
    ] {
        assert_eq!(read(&file).as_deref(), Ok(&*String::from_utf8_lossy(DOCUMENT)), "{what}");
    }
    let replaced = pdf(&[("<</Type/EmbeddedFile>>", b"{\"credentialSubject\":1}")]);
    let update = b"1 0 obj<</Params<<>>/Type/EmbeddedFile>>stream\r\n";
    let file = joined(&[&replaced, update, DOCUMENT, b"\nendstream\nendobj\n%%EOF\n"]);
    assert_eq!(document_of(&file).as_deref(), Ok(DOCUMENT), "an update replaces");
}

#[test]
fn a_document_is_found_however_a_program_bakes_it() {
    let packed = deflated(DOCUMENT);
    let text = |head: &[u8], text: &[u8]| joined(&[head, text]);
    let animation = (b"acTL", vec![0; 8]);
    for (what, file) in [
        ("as the standard says", bake(&png(&[(b"IDAT", vec![1])]), DOCUMENT).expect("a PNG file")),
        (
            "behind the pixels, of an animation",
            png(&[
                animation,
                (b"IDAT", vec![1]),
                (b"iTXt", text(b"openbadgecredential\0\0\0es\0Insignia\0", DOCUMENT)),
            ]),
        ),
        ("compressed", png(&[(b"iTXt", text(b"openbadgecredential\0\x01\0\0\0", &packed))])),
        ("a plain text", png(&[(b"tEXt", text(b"openbadgecredential\0", DOCUMENT))])),
        ("a packed text", png(&[(b"zTXt", text(b"openbadgecredential\0\0", &packed))])),
        ("the former keyword", png(&[(b"iTXt", text(b"openbadges\0\0\0\0\0", DOCUMENT))])),
        (
            "beside other texts",
            png(&[
                (b"iTXt", b"openbadges\0\0\0\0\0https://example.org/badge".to_vec()),
                (b"tEXt", b"Software\0x".to_vec()),
                (b"iTXt", b"openbadgecredential".to_vec()),
                (b"iTXt", text(b"openbadgecredential\0\0\0\0\0", DOCUMENT)),
            ]),
        ),
        ("broken off", {
            let file = bake(&png(&[(b"IDAT", vec![1; 100])]), DOCUMENT).expect("a PNG file");
            file[..file.len() - 50].to_vec()
        }),
    ] {
        assert_eq!(read(&file).as_deref(), Ok(&*String::from_utf8_lossy(DOCUMENT)), "{what}");
    }
}

#[test]
fn a_file_without_a_document_says_what_it_lacks() {
    use AttachedFault::*;
    let other = b"{\"credentialSubject\":2}".as_slice();
    let jwt = b"openbadgecredential\0\0\0\0\0eyJhbGciOiJFZERTQSJ9.e30.x".to_vec();
    let baked = png(&[(b"iTXt", joined(&[b"openbadgecredential\0\0\0\0\0", DOCUMENT]))]);
    let encrypted =
        joined(&[&pdf(&[("<</Type/EmbeddedFile>>", b"\x01\x02")]), b"trailer<</Encrypt 5 0 R>>"]);
    for (what, file, fault) in [
        ("nothing", b"".to_vec(), OtherFile),
        ("a photo", b"\xff\xd8\xff\xe0JFIF".to_vec(), OtherFile),
        ("text", DOCUMENT.to_vec(), OtherFile),
        ("a print", pdf(&[("<</Type/XObject>>", b"x")]), Nothing),
        ("another kind of badge", png(&[(b"iTXt", jwt)]), Nothing),
        ("a screenshot", png(&[(b"IDAT", vec![1])]), Nothing),
        ("broken off before it", baked[..60].to_vec(), Damaged),
        ("broken off before it", b"%PDF-1.4\n1 0 obj <</Type/EmbeddedFile".to_vec(), Damaged),
        ("a password", encrypted, Encrypted),
        (
            "two documents",
            pdf(&[("<</Type/EmbeddedFile>>", DOCUMENT), ("<</Type/EmbeddedFile>>", other)]),
            Several,
        ),
        (
            "two documents",
            png(&[
                (b"iTXt", joined(&[b"openbadges\0\0\0\0\0", other])),
                (b"iTXt", joined(&[b"openbadgecredential\0\0\0\0\0", DOCUMENT])),
            ]),
            Several,
        ),
        ("a large file", joined(&[&baked, &vec![0; MAX_FILE]]), FileTooLarge),
    ] {
        assert_eq!(read(&file), Err(fault), "{what}");
        for lang in [Lang::Es, Lang::En] {
            assert!((10..200).contains(&fault.text(lang).len()), "{what}");
        }
    }
}

#[test]
fn a_bomb_is_unpacked_to_the_largest_document_at_most() {
    // A gigabyte in 1 MB, as often as a file holds it, and as deep as it nests.
    let zeros = deflated(&vec![b' '; 200 * 1024 * 1024]);
    let bomb = "<</Type/EmbeddedFile/Filter/FlateDecode>>";
    let objects: Vec<(&str, &[u8])> = vec![(bomb, zeros.as_slice()); 15];
    assert_eq!(read(&pdf(&objects)), Err(AttachedFault::DocumentTooLarge));
    let twice = deflated(&zeros);
    assert_eq!(read(&pdf(&[(bomb, &twice)])), Err(AttachedFault::Nothing));
    let packed = joined(&[b"openbadgecredential\0\x01\0\0\0", &zeros]);
    assert_eq!(read(&png(&[(b"iTXt", packed)])), Err(AttachedFault::DocumentTooLarge));
    // A good one beside it is found.
    let good = [(bomb, zeros.as_slice()), ("<</Type/EmbeddedFile>>", DOCUMENT)];
    assert_eq!(document_of(&pdf(&good)).as_deref(), Ok(DOCUMENT));
    let fits = vec![b'{'; MAX_DOCUMENT];
    assert_eq!(
        document_of(&pdf(&[(bomb, &deflated(&fits))])).map(|text| text.len()),
        Ok(MAX_DOCUMENT)
    );
}

#[test]
fn a_baked_drawing_gives_its_document() {
    let baked = |inside: &str| {
        format!(
            r#"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0"><openbadges:credential>{inside}</openbadges:credential><path d="M0 0"/></svg>"#
        )
    };
    let document = std::str::from_utf8(DOCUMENT).expect("UTF-8");
    let quoted = document.replace('"', "&quot;");
    for inside in [format!("<![CDATA[{document}]]>"), document.to_owned(), quoted] {
        assert_eq!(document_of(baked(&inside).as_bytes()).as_deref(), Ok(DOCUMENT), "{inside}");
    }
    let divided = baked(r#"<![CDATA[{"a":"]]]]><![CDATA[>"}]]>"#);
    assert_eq!(document_of(divided.as_bytes()).as_deref(), Ok(br#"{"a":"]]>"}"#.as_slice()));
    let whole = baked("<![CDATA[{}]]>");
    let broken = whole.get(..150).expect("a part");
    assert_eq!(document_of(broken.as_bytes()), Err(AttachedFault::Damaged));
    let empty = br#"<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>"#;
    assert_eq!(document_of(empty), Err(AttachedFault::Nothing));
    let large = baked(&format!("<![CDATA[{{\"a\":\"{}\"}}]]>", "x".repeat(MAX_DOCUMENT)));
    assert_eq!(document_of(large.as_bytes()), Err(AttachedFault::DocumentTooLarge));
}
