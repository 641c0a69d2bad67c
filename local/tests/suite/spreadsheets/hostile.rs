//! Files that are made to harm, or that were damaged: each ends as a fault that says what to do, and none
//! of them stops the process, fills its memory or keeps it busy.

use unicreda::{
    domain::{ids::TemplateId, lang::Lang, member_row, spreadsheet::HiddenRows},
    sheet::{
        Terms,
        workbook::{Ask, Spreadsheet},
    },
};

use super::make::{Book, RELS, archive, ods, texts};

/// Unpacks a file, hidden rows too: the number of its lines, or the code of its fault.
fn unpacked(file: &[u8]) -> Result<usize, &'static str> {
    unpacked_as(file, Some(HiddenRows::Read))
}

fn unpacked_as(file: &[u8], hidden_rows: Option<HiddenRows>) -> Result<usize, &'static str> {
    let definition = member_row::definition();
    let id = TemplateId::parse("00000000-0000-4000-8000-000000000000").expect("an id");
    let terms = Terms::of(id, &definition);
    let ask = Ask { sheet: None, hidden_rows };
    let read = || {
        let spreadsheet = Spreadsheet::open(file)?;
        let mut unpacking = spreadsheet.unpack(terms, ask)?;
        let mut lines = 0;
        while let Some(piece) = unpacking.piece()? {
            lines += piece.iter().filter(|byte| **byte == b'\n').count();
        }
        Ok(lines)
    };
    read().map_err(|fault: unicreda::sheet::SheetFault| {
        for text in [fault.text(Lang::Es), fault.text(Lang::En)] {
            assert!((20..4_000).contains(&text.len()), "{text}");
        }
        fault.code
    })
}

fn book() -> Book {
    Book::of(&[texts(1, &["Correo", "Nombre"]), texts(2, &["ana@ejemplo.com", "Ana"])].concat())
}

/// A file with one of its parts replaced.
fn with_part(part: &str, bytes: &[u8]) -> Vec<u8> {
    let mut parts = book().strings(&[]).formats(&["0"]).parts();
    let found = parts.iter_mut().find(|(name, _)| name.ends_with(part)).expect("the part");
    found.1 = bytes.to_vec();
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, of)| (&**name, &**of)).collect();
    archive(&parts)
}

/// An `.xls` file of sectors: its list of sectors, then the list of streams, then the workbook, then what else the
/// list of sectors takes: 128 of them fit into one.
fn xls(book: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let sectors = book.len().div_ceil(512).max(8);
    let lists = (2 + sectors).div_ceil(126);
    let mut file = vec![0; 512 * (2 + sectors + lists)];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    put(24, &[0x3e, 0, 3, 0, 0xfe, 0xff, 9, 0, 6, 0]);
    put(44, &u32::try_from(lists).expect("few").to_le_bytes());
    put(48, &1_u32.to_le_bytes());
    put(56, &4096_u32.to_le_bytes());
    put(60, &0xffff_fffe_u32.to_le_bytes());
    put(68, &0xffff_fffe_u32.to_le_bytes());
    put(76, &[0xff; 436]);
    put(76, &[0; 4]);
    // Where the list of sectors has one.
    let place = |at: usize| match at / 128 {
        0 => 512 + at * 4,
        list => 512 * (2 + sectors + list) + at % 128 * 4,
    };
    put(512, &[0xff; 512]);
    for list in 1..lists {
        let sector = 1 + sectors + list;
        put(76 + list * 4, &u32::try_from(sector).expect("few").to_le_bytes());
        put(512 * (1 + sector), &[0xff; 512]);
        put(place(sector), &0xffff_fffd_u32.to_le_bytes());
    }
    put(512, &0xffff_fffd_u32.to_le_bytes());
    put(516, &0xffff_fffe_u32.to_le_bytes());
    for at in 0..sectors {
        let next =
            if at + 1 == sectors { 0xffff_fffe } else { u32::try_from(at + 3).expect("few") };
        put(place(at + 2), &next.to_le_bytes());
    }
    for (at, name, kind, first, length) in [
        (1024, "Root Entry", 5, 0xffff_fffe_u32, 0),
        (1152, "Workbook", 2, 2, u32::try_from(sectors * 512).expect("few")),
    ] {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        put(at, &name);
        put(at + 64, &[u8::try_from(name.len() + 2).expect("short"), 0, kind]);
        put(at + 116, &first.to_le_bytes());
        put(at + 120, &length.to_le_bytes());
    }
    put(1536, book);
    change(&mut file);
    file
}

fn record(kind: u16, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("short");
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), bytes].concat()
}

fn label(row: u16, column: u16, text: &str) -> Vec<u8> {
    let place = [row, column, 0, u16::try_from(text.len()).expect("short")];
    let place: Vec<u8> = place.into_iter().flat_map(u16::to_le_bytes).collect();
    record(0x0204, &[&place[..], &[0], text.as_bytes()].concat())
}

/// The stream of a workbook with one sheet of these records.
fn stream(records: &[Vec<u8>]) -> Vec<u8> {
    stream_with(&[], records)
}

/// The same with records of the workbook.
fn stream_with(of_book: &[Vec<u8>], records: &[Vec<u8>]) -> Vec<u8> {
    let begin = |kind: u8| record(0x0809, &[0, 6, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let sheet = |at: u32| record(0x0085, &[&at.to_le_bytes()[..], &[0, 0, 4, 0], b"Acta"].concat());
    let end = record(0x000a, &[]);
    let of_book = of_book.concat();
    let at = begin(5).len() + sheet(0).len() + of_book.len() + end.len();
    let at = u32::try_from(at).expect("short");
    [begin(5), sheet(at), of_book, end.clone(), begin(16), records.concat(), end].concat()
}

/// One text that cells share, in two records, the second in characters of two bytes.
fn shared_text(letters: u16) -> Vec<Vec<u8>> {
    let narrow = letters / 2;
    let counts = [1_u32, 1].map(u32::to_le_bytes).concat();
    let begin = [&counts[..], &letters.to_le_bytes(), &[0]].concat();
    let begin = [begin, vec![b'a'; usize::from(narrow)]].concat();
    let wide = [vec![1], [b'a', 0].repeat(usize::from(letters - narrow))].concat();
    vec![record(0x00fc, &begin), record(0x003c, &wide)]
}

/// A cell of the first of the shared texts.
fn shared(row: u16, column: u16) -> Vec<u8> {
    let place = [row, column, 0, 0, 0].into_iter().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    record(0x00fd, &place)
}

#[test]
fn a_text_that_cells_share_is_not_copied_without_end() {
    let read = |letters: u16, cells: u16| {
        let rows = (0..cells).map(|row| shared(row, 0)).collect::<Vec<_>>();
        unpacked(&xls(&stream_with(&shared_text(letters), &rows), |_| {}))
    };
    assert_eq!(read(20_000, 4_000), Ok(4_000));
    assert_eq!(read(20_000, 6_000), Err("sheet_too_large"));
    // Cells in one place are cells, too.
    let many = vec![shared(1, 1); 6_000];
    let file = xls(&stream_with(&shared_text(20_000), &many), |_| {});
    assert_eq!(unpacked(&file), Err("sheet_too_large"));
}

/// Of two rows or cells of one place one program shows the one, another the other.
#[test]
fn two_of_one_place_are_refused() {
    let header = texts(1, &["Correo", "Nombre"]);
    let of = |rows: &str| unpacked(&Book::of(&format!("{header}{rows}")).file());
    let ana = texts(2, &["ana@ejemplo.com", "Ana"]);
    assert_eq!(of(&ana), Ok(2));
    assert_eq!(of(&format!("{ana}{ana}")), Err("sheet_unreadable"));
    let twice = ana.replace("B2", "A2");
    assert_ne!(twice, ana);
    assert_eq!(of(&twice), Err("sheet_unreadable"));
}

/// Programs leave out what is of another vocabulary, and take the attributes of their own. What is read
/// otherwise would be signed though nobody saw it.
#[test]
fn what_programs_leave_out_or_read_otherwise_is_refused() {
    let head = texts(1, &["Correo", "Nombre"]);
    let row = texts(2, &["ana@ejemplo.com", "Ana"]);
    let of = |rows: &str| Book::of(&format!("{head}{rows}")).file();
    let other = r#"xmlns:o="urn:other""#;
    let foreign = row.replace("<row ", &format!("<o:row {other} ")).replace("</row>", "</o:row>");
    let renamed = row.replace("<row ", r#"<row xmlns="urn:other" "#);
    let own =
        row.replace("<row ", r#"<row xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main" "#);
    assert_eq!(unpacked_as(&of(&own), None), Ok(2));
    let extended = row.replace("</row>", &format!("<extLst><o:ext {other}/></extLst></row>"));
    assert_eq!(unpacked_as(&of(&extended), None), Ok(2));
    for (what, rows, code) in [
        ("a row of another vocabulary", foreign, "sheet_unreadable"),
        ("a row that becomes one of another vocabulary", renamed, "sheet_unreadable"),
        (
            "another attribute of the same end",
            row.replace("<row ", &format!(r#"<row {other} o:hidden="0" hidden="1" "#)),
            "sheet_unreadable",
        ),
        (
            "another attribute, of the root's prefixes",
            row.replace("<row ", r#"<row o:hidden="0" hidden="1" "#),
            "hidden_rows",
        ),
        ("a row of no height", row.replace("<row ", r#"<row ht="0.0" "#), "hidden_rows"),
        ("a row that nobody sees", row.replace("<row ", r#"<row ht="0.25" "#), "hidden_rows"),
    ] {
        assert_eq!(unpacked_as(&of(&rows), None), Err(code), "{what}");
    }
    // The same where the root has said what the prefix means.
    let known = |root: &str, of: &str| format!("<{root} {other}>{of}</{root}>").into_bytes();
    let foreign = row.replace("<row ", "<o:row ").replace("</row>", "</o:row>");
    let rows = |row: &str| known("worksheet", &format!("<sheetData>{head}{row}</sheetData>"));
    assert_eq!(unpacked(&with_part("sheet1.xml", &rows(&row))), Ok(2));
    let refused = Err("sheet_unreadable");
    assert_eq!(unpacked(&with_part("sheet1.xml", &rows(&foreign))), refused);
    let strings = known("sst", "<o:si><t>a</t></o:si>");
    assert_eq!(unpacked(&with_part("sharedStrings.xml", &strings)), refused);
    let styles = known("styleSheet", r#"<cellXfs><o:xf numFmtId="1"/></cellXfs>"#);
    assert_eq!(unpacked(&with_part("styles.xml", &styles)), refused);
    let strings = br#"<sst><o:si xmlns:o="urn:other"><t>a</t></o:si><si><t>b</t></si></sst>"#;
    assert_eq!(unpacked(&with_part("sharedStrings.xml", strings)), Err("sheet_unreadable"));
    let styles =
        br#"<styleSheet><cellXfs><o:xf xmlns:o="urn:other" numFmtId="1"/></cellXfs></styleSheet>"#;
    assert_eq!(unpacked(&with_part("styles.xml", styles)), Err("sheet_unreadable"));
    // A part twice: programs read the one or the other.
    let mut parts = book().parts();
    let (name, mut second) =
        parts.iter().find(|(name, _)| name.ends_with("sheet1.xml")).cloned().expect("a part");
    second.extend_from_slice(b" ");
    parts.push((name.to_uppercase(), second));
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, of)| (&**name, &**of)).collect();
    assert_eq!(unpacked(&archive(&parts)), Err("sheet_unreadable"));
    // The same in an OpenDocument.
    let cell = "<table:table-cell><text:p>Correo</text:p></table:table-cell>";
    let renamed = format!(r#"<table:table-row xmlns:table="urn:other">{cell}</table:table-row>"#);
    assert_eq!(unpacked(&ods(&renamed)), Err("sheet_unreadable"));
    let visible = r#"<table:table-row o:visibility="visible" table:visibility="collapse">"#;
    let rows =
        format!("<table:table-row>{cell}</table:table-row>{visible}{cell}</table:table-row>");
    assert_eq!(unpacked_as(&ods(&rows), None), Err("hidden_rows"));
}

#[test]
fn an_old_spreadsheet_is_read_and_one_that_is_made_to_harm_is_refused() {
    let rows = [
        label(0, 0, "Correo"),
        label(0, 1, "Nombre"),
        label(1, 0, "ana@ejemplo.com"),
        label(1, 1, "Ana"),
    ];
    let good = stream(&rows);
    assert_eq!(unpacked(&xls(&good, |_| {})), Ok(2));
    let harmful: [(&str, Vec<u8>, &str); 8] = [
        (
            "a list of sectors without end",
            xls(&good, |file| file[520..524].copy_from_slice(&2_u32.to_le_bytes())),
            "sheet_unreadable",
        ),
        (
            "a list of streams without end",
            xls(&good, |file| file[516..520].copy_from_slice(&1_u32.to_le_bytes())),
            "sheet_unreadable",
        ),
        (
            "a stream of 4 GB",
            xls(&good, |file| file[1272..1276].copy_from_slice(&[0xff; 4])),
            "sheet_unreadable",
        ),
        (
            "lists of lists without end",
            xls(&good, |file| [68, 1020].iter().for_each(|at| file[*at..at + 4].fill(0))),
            "sheet_unreadable",
        ),
        (
            "a size of 4 billion rows",
            xls(
                &stream(&[record(
                    0x0200,
                    &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0],
                )]),
                |_| {},
            ),
            "sheet_unreadable",
        ),
        (
            "a cell far away",
            xls(&stream(&[label(0, 0, "a"), label(65_535, 255, "a")]), |_| {}),
            "sheet_too_large",
        ),
        (
            "a cell outside",
            xls(&stream(&[label(0, 0, "a"), label(65_535, 65_535, "a")]), |_| {}),
            "sheet_unreadable",
        ),
        (
            "a record that is cut off",
            xls(&stream(&[record(0x0203, &[0])]), |_| {}),
            "sheet_unreadable",
        ),
    ];
    for (what, file, code) in harmful {
        assert_eq!(unpacked(&file), Err(code), "{what}");
    }
    let mut random = fastrand::Rng::with_seed(28);
    let whole = xls(&good, |_| {});
    for _ in 0..3_000 {
        let mut file = whole.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(0..file.len().min(2_200));
            file[at] = random.u8(..);
        }
        file.truncate(if random.u8(..) < 40 { random.usize(0..file.len()) } else { file.len() });
        let _ = unpacked(&file);
    }
}

#[test]
fn an_archive_that_is_made_to_harm_is_refused_within_its_limits() {
    let filler = "a".repeat(60_000);
    let shared = format!("<sst>{}</sst>", format!("<si><t>{filler}</t></si>").repeat(1_800));
    let text_bomb = format!("<sst><si><t>{}</t></si></sst>", "a".repeat(80_000_000));
    let cell = texts(1, &["Correo"]);
    let deep = "<a>".repeat(200_000);
    let laughs = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>"#;
    let outside = r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>"#;
    let prolog = |prolog: &str| Book { prolog: prolog.to_owned(), ..book() }.file();
    let entity = Book::of(&texts(1, &["&unknown;"])).file();
    let whole = book().file();
    let mut flipped = whole.clone();
    let name = b"xl/worksheets/sheet1.xml";
    let at = flipped.windows(name.len()).position(|of| of == name).expect("the sheet");
    flipped[at + name.len() + 40] ^= 0x55;
    let many = format!(
        "<worksheet><sheetData>{cell}{}</sheetData></worksheet>",
        (2..200_100_u32)
            .map(|n| format!(r#"<row r="{n}"><c><v>1</v></c></row>"#))
            .collect::<String>()
    );
    let encrypted = archive(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        (
            "META-INF/manifest.xml",
            b"<manifest><file-entry><encryption-data/></file-entry></manifest>",
        ),
        ("content.xml", b"\x00\x01\x02"),
    ]);
    let row = |times: &str| {
        ods(&format!(
            r#"<table:table-row table:number-rows-repeated="{times}"><table:table-cell table:number-columns-repeated="{times}"/><table:table-cell/></table:table-row><table:table-row table:number-rows-repeated="{times}"><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row>"#
        ))
    };
    let wide = ods(
        r#"<table:table-row><table:table-cell table:number-columns-repeated="1000000000"><text:p>a</text:p></table:table-cell></table:table-row>"#,
    );
    let nested = archive(&[("a/acta.xlsx", &whole)]);
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("a gigabyte of shared texts", with_part("sharedStrings.xml", shared.as_bytes()), "sheet_too_large"),
        ("a bomb in one text", with_part("sharedStrings.xml", text_bomb.as_bytes()), "sheet_too_large"),
        ("elements within elements", with_part("sheet1.xml", deep.as_bytes()), "sheet_unreadable"),
        ("entities that grow", prolog(laughs), "sheet_unreadable"),
        ("an entity outside", prolog(outside), "sheet_unreadable"),
        ("an entity that is none", entity, "sheet_unreadable"),
        ("text that is no UTF-8", with_part("sheet1.xml", b"<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>\xff\xfe</t></is></c></row></sheetData></worksheet>"), "sheet_unreadable"),
        ("a shared text that is not there", with_part("sheet1.xml", b"<worksheet><sheetData><row><c t=\"s\"><v>99</v></c></row></sheetData></worksheet>"), "sheet_unreadable"),
        ("a row far away", with_part("sheet1.xml", b"<worksheet><sheetData><row r=\"4000000000\"><c><v>1</v></c></row></sheetData></worksheet>"), "sheet_unreadable"),
        ("a column far away", with_part("sheet1.xml", b"<worksheet><sheetData><row><c r=\"ZZZZ1\"><v>1</v></c></row></sheetData></worksheet>"), "sheet_unreadable"),
        ("rows without end", with_part("sheet1.xml", many.as_bytes()), "too_many_rows"),
        ("a sheet that is cut off", with_part("sheet1.xml", b"<worksheet><sheetData><row><c><v>1"), "sheet_unreadable"),
        ("no sheet", archive(&[("_rels/.rels", RELS.as_bytes()), ("xl/workbook.xml", b"<workbook><sheets/></workbook>"), ("xl/_rels/workbook.xml.rels", b"<Relationships/>")]), "sheet_unreadable"),
        ("no list of relations", archive(&[("xl/workbook.xml", b"<workbook/>")]), "sheet_unreadable"),
        ("cut off", whole[..whole.len() / 2].to_vec(), "sheet_unreadable"),
        ("a flipped bit", flipped, "sheet_unreadable"),
        ("a binary workbook", archive(&[("xl/workbook.bin", b"x")]), "spreadsheet"),
        ("a document", archive(&[("word/document.xml", b"<w/>")]), "archive"),
        ("an encrypted document", encrypted, "sheet_encrypted"),
        ("a thousand million rows", row("1000000000"), "too_many_rows"),
        ("a thousand million columns", wide, "sheet_unreadable"),
    ];
    for (what, file, code) in cases {
        assert_eq!(unpacked(&file), Err(code), "{what}");
    }
    // An archive within an archive stays closed, whatever it looks like from outside.
    assert!(unpacked(&nested).is_err());
}

/// A part of a few kilobytes may have millions of elements of which nothing is kept.
#[test]
fn a_small_file_keeps_nobody_busy() {
    let many = |element: &str| element.repeat(2_600_000);
    let sheet = |rows: &str, after: &str| {
        format!("<worksheet><sheetData>{rows}</sheetData>{after}</worksheet>").into_bytes()
    };
    let head = texts(1, &["Correo"]);
    let rows = format!("{head}{}", r#"<row r="2"/><row r="3"/>"#.repeat(600_000));
    for (what, file, code) in [
        ("merges", with_part("sheet1.xml", &sheet(&head, &many("<m/>"))), "sheet_too_large"),
        ("styles", with_part("styles.xml", many("<xf/>").as_bytes()), "sheet_too_large"),
        ("names", with_part("workbook.xml", many("<n/>").as_bytes()), "sheet_too_large"),
        (
            "rows that go back and forth",
            with_part("sheet1.xml", &sheet(&rows, "")),
            "sheet_unreadable",
        ),
    ] {
        assert!(file.len() < 200_000, "{what}: {}", file.len());
        assert_eq!(unpacked(&file), Err(code), "{what}");
    }
    // A thousand sheets that are one part would be read a thousand times.
    let one = book().file();
    let parts = book().parts();
    let parts: Vec<(String, Vec<u8>)> = parts
        .into_iter()
        .map(|(name, of)| {
            let text = String::from_utf8(of).expect("text");
            (name, text.replace("<sheets>", r#"<sheets><sheet name="b" r:id="s1"/>"#).into_bytes())
        })
        .collect();
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, of)| (&**name, &**of)).collect();
    assert_eq!(unpacked(&one), Ok(2));
    assert_eq!(unpacked(&archive(&parts)), Err("sheet_unreadable"));
}

#[test]
fn what_programs_write_otherwise_is_read() {
    let renamed = |change: &dyn Fn(&str) -> String| {
        let parts = book().parts();
        let parts: Vec<(String, Vec<u8>)> =
            parts.into_iter().map(|(name, of)| (change(&name), of)).collect();
        let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, of)| (&**name, &**of)).collect();
        archive(&parts)
    };
    let relations = |target: &str| {
        let kind = "http://purl.oclc.org/ooxml/officeDocument/relationships/worksheet";
        let list = format!(
            r#"<Relationships><Relationship Id="s1" Type="{kind}" Target="{target}"/><Relationship Id="x" Type="a/externalLink" Target="http://evil.example/" TargetMode="External"/></Relationships>"#
        );
        with_part("workbook.xml.rels", list.as_bytes())
    };
    let styles = format!(
        "<styleSheet><cellXfs>{}</cellXfs></styleSheet>",
        r#"<xf numFmtId="14"/>"#.repeat(1_000_000)
    );
    let sheet = |rows: &str| {
        with_part("sheet1.xml", format!(r#"<x:worksheet xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main"><x:dimension ref="A1:XFD1048576"/><x:sheetData>{rows}</x:sheetData></x:worksheet>"#).as_bytes())
    };
    let named = r#"<x:row><x:c t="inlineStr"><x:is><x:t>Correo</x:t></x:is></x:c></x:row><x:row><x:c t="b"><x:v>1</x:v></x:c></x:row>"#;
    let macros = {
        let mut parts = book().parts();
        parts.push(("xl/vbaProject.bin".to_owned(), vec![0; 100]));
        let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, of)| (&**name, &**of)).collect();
        archive(&parts)
    };
    for (what, file) in [
        ("capitals", renamed(&str::to_uppercase)),
        ("backslashes", renamed(&|name| name.replace('/', "\\"))),
        ("an absolute target", relations("/xl/worksheets/sheet1.xml")),
        ("a target by way of another folder", relations("../xl/./worksheets/sheet1.xml")),
        ("a million styles", with_part("styles.xml", styles.as_bytes())),
        ("prefixes, the strict namespace, no references", sheet(named)),
        ("macros", macros),
    ] {
        assert_eq!(unpacked(&file), Ok(2), "{what}");
    }
}

/// Parts of a file with bytes changed at random, put into an archive that is whole.
#[test]
fn no_change_of_a_part_stops_the_reader() {
    let mut random = fastrand::Rng::with_seed(29);
    let rows = [texts(1, &["Correo", "Nombre"]), texts(2, &["ana@ejemplo.com", "Ana"])].concat();
    let parts = Book::of(&rows).strings(&["<t>a</t>"]).formats(&["0.00", "yyyy"]).parts();
    for _ in 0..3_000 {
        let mut parts = parts.clone();
        let at = random.usize(0..parts.len());
        let bytes = &mut parts[at].1;
        for _ in 0..random.usize(1..8) {
            let place = random.usize(0..bytes.len());
            bytes[place] = match random.u8(0..4) {
                0 => b'<',
                1 => b'"',
                2 => b'9',
                _ => random.u8(..),
            };
        }
        let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, of)| (&**name, &**of)).collect();
        let _ = unpacked(&archive(&parts));
    }
}
