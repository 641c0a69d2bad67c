//! Names of seven languages through each code page: what they are read as.

use std::collections::BTreeMap;

use super::*;

/// A language and a name a line: at least 60 a language.
const NAMES: &str = include_str!("names.txt");

/// The code pages that are tried, those of the API first.
const PAGES: [Encoding; 10] = [
    Encoding::Windows1252,
    Encoding::Windows1250,
    Encoding::MacRoman,
    Encoding::Cp850,
    Encoding::Cp437,
    Encoding::Iso8859_2,
    Encoding::Cp852,
    Encoding::Windows1254,
    Encoding::Windows1257,
    Encoding::MacCe,
];

fn names() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in NAMES.lines() {
        let (language, name) = line.split_once(' ').expect("a language and a name");
        names.entry(language).or_default().push(name);
    }
    names
}

/// A text in a code page, if it has all its letters.
pub fn encoded(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Utf8 => Some(text.as_bytes().to_vec()),
        Encoding::Utf16Le => Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        Encoding::Utf16Be => Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        page => {
            let bytes: Vec<(char, u8)> = (0x80..=0xff)
                .filter_map(|byte| Some((page.text(&[byte])?.chars().next()?, byte)))
                .collect();
            let byte = |c: char| match u8::try_from(c) {
                Ok(byte) if byte.is_ascii() => Some(byte),
                _ => bytes.iter().find(|(known, _)| *known == c).map(|(_, byte)| *byte),
            };
            text.chars().map(byte).collect()
        }
    }
}

#[derive(Default)]
struct Counts {
    right: u32,
    refused: u32,
    wrong: Vec<String>,
}

/// Reads the names of a language in files of so many rows, in a code page.
fn read(names: &[&str], page: Encoding, size: usize) -> Counts {
    let mut counts = Counts::default();
    let written: Vec<(&str, Vec<u8>)> = names
        .iter()
        .filter(|name| !name.is_ascii())
        .filter_map(|name| Some((*name, encoded(name, page)?)))
        .collect();
    for people in written.chunks(size) {
        let mut file = b"email;nombre;nota\r\n".to_vec();
        for (n, (_, name)) in people.iter().enumerate() {
            file.extend_from_slice(format!("p{n}@x.cl;").as_bytes());
            file.extend_from_slice(name);
            file.extend_from_slice(b";A\r\n");
        }
        let Ok(found) = survey(&file) else {
            counts.refused += 1;
            continue;
        };
        let rows = read_once(&file, &found);
        let differs = rows.iter().zip(people).find_map(|(row, (name, _))| {
            let read = row.entry.recipient.as_ref().ok()?.recipient_name.clone()?;
            (read != *name).then(|| format!("{name} as {read} in {:?}", found.format.encoding))
        });
        match differs {
            Some(wrong) => counts.wrong.push(wrong),
            None if rows.iter().any(|row| row.entry.recipient.is_err()) => counts.refused += 1,
            None => counts.right += 1,
        }
    }
    counts
}

/// The confusion matrix: `right/refused/wrong` of files of 1, 3 and 60 names. Nothing is read
/// as other letters; of the code pages that a list comes in almost everything is read.
#[test]
fn names_of_seven_languages_are_read_right_or_refused_in_every_code_page() {
    let mut wrong = Vec::new();
    for size in [1, 3, 60] {
        eprintln!("files of {size}: {}", PAGES.map(Encoding::as_str).join(" "));
        for (language, names) in names() {
            assert!(names.len() >= 60, "{language}");
            let mut line = String::new();
            for page in PAGES {
                let counts = read(&names, page, size);
                line += &format!(" {}/{}/{}", counts.right, counts.refused, counts.wrong.len());
                let all = counts.right + counts.refused;
                // Of single names a tenth may be refused, of three names one file.
                let most = match (size, page) {
                    (1, _) => all / 6 + 1,
                    (3, _) => all / 12 + 1,
                    _ => 0,
                };
                let offered = PAGES.iter().position(|p| *p == page).expect("a page") < 5;
                if offered && size < 60 {
                    assert!(
                        counts.refused <= most,
                        "{language} {page:?} {size}: {}",
                        counts.refused
                    );
                }
                wrong.extend(counts.wrong.into_iter().filter(|_| offered));
            }
            eprintln!("{language}{line}");
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn an_encoding_that_is_named_decides() {
    let file = b"email;nombre;nota\r\na@x.cl;Mar\x92a;A\r\n";
    let found = survey_as(file, Some(Encoding::MacRoman)).expect("a good file");
    assert_eq!((found.format.encoding, found.format.guessed), (Encoding::MacRoman, false));
    assert_eq!(recipient(&rows_of(file, &found)[0]).recipient_name.as_deref(), Some("María"));
    let found = survey_as(file, Some(Encoding::Windows1252)).expect("a good file");
    assert_eq!(recipient(&rows_of(file, &found)[0]).recipient_name.as_deref(), Some("Mar’a"));
    // A letter that the encoding does not have is that row's fault.
    let found = survey_as(file, Some(Encoding::Utf8)).expect("a good file");
    let faults = rows_of(file, &found)[0].entry.recipient.clone().expect_err("a fault");
    assert_eq!(faults, [Fault::NotUtf8]);
    // UTF-16 is none of single bytes.
    let wide = encoded("email;nombre;nota\r\na@x.cl;María;A\r\n", Encoding::Utf16Le);
    let fault = survey_as(&wide.expect("text"), Some(Encoding::Cp850)).expect_err("a fault");
    assert_eq!(fault.code, "not_text");
}

/// A list that a Mac wrote, as people report it: other detectors say Windows-1252 or ISO 8859-2.
#[test]
fn capitals_of_a_mac_are_read() {
    let words: [&[u8]; 6] = [
        b"S\xeaTIO",
        b"ALMEIR\xccO",
        b"ma\x8do",
        b"P\xccO DE A\x82\xf2CAR",
        b"ALHO POR\xee",
        b"MANJERIC\xccO",
    ];
    let mut file = b"email;nombre;nota\r".to_vec();
    for word in words {
        file.extend([b"a@x.cl;", word, b";A\r"].concat());
    }
    let found = survey(&file).expect("a good file");
    assert_eq!(found.format.encoding, Encoding::MacRoman);
    let rows = rows_of(&file, &found);
    assert_eq!(recipient(&rows[3]).recipient_name.as_deref(), Some("PÃO DE AÇÚCAR"));
}

#[test]
fn a_file_that_two_encodings_read_differently_is_refused_and_shows_both() {
    let fault = fault(b"email;nombre;nota\r\na@x.cl;Xqw\xeaz;A\r\n");
    assert_eq!(fault.code, "unknown_encoding");
    assert!(fault.readings.len() > 1, "{fault:?}");
    assert_eq!(fault.readings[0].texts.len(), 1);
    let text = fault.text(Lang::Es);
    for reading in &fault.readings {
        assert!(text.contains(reading.encoding.as_str()), "{text}");
        assert!(text.contains(&reading.texts[0]), "{text}");
    }
    // Letters of no code page that is known.
    for text in [
        &b"\xc8\xe2\xe0\xed \xcf\xe5\xf2\xf0\xee\xe2"[..],
        b"\x8eR\x93c\x91\xbe\x98Y",
        b"\xc0\xee\xc3\xf7",
    ] {
        let file = [b"email;nombre;nota\r\na@x.cl;", text, b";A\r\n"].concat();
        assert_eq!(survey(&file).expect_err("a fault").code, "unknown_encoding");
    }
}

#[test]
fn a_row_in_another_encoding_than_its_file_is_refused_alone() {
    let mut file = b"email;nombre;nota\r\n".to_vec();
    for name in names()["es"].iter().filter(|name| !name.is_ascii()) {
        file.extend(encoded(&format!("a@x.cl;{name};A\r\n"), Encoding::Windows1252).expect("1252"));
    }
    let people = file.iter().filter(|b| **b == b'\n').count() - 1;
    for (text, page) in [
        ("Łukasz Wałęsa", Encoding::Windows1250),
        ("María Núñez", Encoding::MacRoman),
        ("José Peña", Encoding::Cp850),
        ("María Núñez", Encoding::Utf8),
    ] {
        file.extend(encoded(&format!("b@x.cl;{text};A\r\n"), page).expect("a name"));
    }
    let found = survey(&file).expect("a good file");
    assert_eq!((found.format.encoding, found.format.guessed), (Encoding::Windows1252, true));
    let rows = rows_of(&file, &found);
    for (n, row) in rows.iter().enumerate() {
        assert_eq!(row.entry.recipient.is_ok(), n < people, "{:?}", row.entry);
    }
    let faults = rows.last().expect("a row").entry.recipient.clone().expect_err("a fault");
    assert_eq!(faults, [Fault::DoubtfulText("MarÃ\u{ad}a NÃºÃ±ez".into())]);
}

#[test]
fn a_byte_that_comes_late_is_heard() {
    // The first piece has no letter beyond ASCII at all.
    let mut file = b"email;nombre;nota\r\n".to_vec();
    for n in 0..2_000 {
        file.extend(format!("p{n}@x.cl;Ana Soto;A\r\n").into_bytes());
    }
    file.extend(encoded("z@x.cl;María Muñoz Pérez;A\r\n", Encoding::MacRoman).expect("a name"));
    let found = survey(&file).expect("a good file");
    assert_eq!(found.format.encoding, Encoding::MacRoman);
}

#[test]
fn utf_16_is_read_with_and_without_a_mark_from_any_row_on() {
    let text = "sep=;\r\nCorreo;Nombre;Calificación\r\na@x.cl;José 𝄞 Núñez;A\r\n\r\nb@x.cl;\"Łu\rkasz\";B\r\n";
    for (encoding, mark) in [(Encoding::Utf16Le, [0xff, 0xfe]), (Encoding::Utf16Be, [0xfe, 0xff])] {
        let bytes = encoded(text, encoding).expect("text");
        for file in [bytes.clone(), [&mark[..], &bytes].concat()] {
            let found = survey(&file).expect("a good file");
            assert_eq!((found.format.encoding, found.format.guessed), (encoding, false));
            let rows = rows_of(&file, &found);
            assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 5]);
            assert_eq!(recipient(&rows[0]).recipient_name.as_deref(), Some("José 𝄞 Núñez"));
        }
        // What PowerShell writes.
        let json = "{\"email\":\"a@x.cl\",\"recipient_name\":\"José\",\"result_value\":\"A\"}\r\n";
        let file = [&mark[..], &encoded(json, encoding).expect("text")].concat();
        assert_eq!(recipient(&rows(&file)[0]).recipient_name.as_deref(), Some("José"));
    }
    // UTF-32 is text of no kind that is known.
    assert_eq!(fault(b"\xff\xfe\0\0e\0\0\0m\0\0\0").code, "not_text");
}
