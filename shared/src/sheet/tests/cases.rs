//! Files as they really come, each for its kind.

use super::*;
use crate::domain::upload::{Kind, Position};

/// The names and lines of the rows that are read, and the lines of those at fault.
fn outcome(file: &[u8]) -> (Vec<(String, u64)>, Vec<u64>) {
    let (mut read, mut refused) = (Vec::new(), Vec::new());
    for row in rows(file) {
        match &row.entry.recipient {
            Ok(recipient) => {
                read.push((recipient.recipient_name.clone().unwrap_or_default(), row.line));
            }
            Err(_) => refused.push(row.line),
        }
    }
    (read, refused)
}

fn read(file: &[u8]) -> Vec<(String, u64)> {
    let (read, refused) = outcome(file);
    assert_eq!(refused, [] as [u64; 0], "{}", String::from_utf8_lossy(file));
    read
}

fn one(name: &str, line: u64) -> Vec<(String, u64)> {
    vec![(name.to_owned(), line)]
}

fn code_and_line(file: &[u8]) -> (&'static str, Option<u64>) {
    let fault = fault(file);
    assert!(!fault.es.is_empty() && !fault.en.is_empty());
    (fault.code, fault.line)
}

#[test]
fn letters_of_a_mac_of_dos_and_of_poland_are_read() {
    let mac = b"email;nombre;calificacion\rana@ejemplo.com;Mar\x92a Mu\x96oz P\x8erez;A\r";
    assert_eq!(read(mac), one("María Muñoz Pérez", 2));
    let dos = b"email;nombre;calificacion\r\nana@ejemplo.com;Mar\xa1a Mu\xa4oz P\x82rez;A\r\n";
    assert_eq!(read(dos), one("María Muñoz Pérez", 2));
    let poland = b"email;nombre;calificacion\r\nlu@ejemplo.com;\xa3ukasz Wa\xb3\xeasa;A\r\n";
    assert_eq!(read(poland), one("Łukasz Wałęsa", 2));
}

#[test]
fn lines_above_the_header_are_passed_over_and_counted() {
    for (above, line) in [
        (";;\r\n", 2),
        ("Universidad Demo;;\r\nActa final 2026;;\r\n\r\n", 4),
        ("\n\n\r\r\n", 5),
        ("sep=;\r\n\r\nActa\r\n", 4),
        ("\"sep=;\"\n\"Acta final\ndel curso\";;\n", 4),
        ("sep=;;;\rConsultas: actas@demo.cl;;\r", 3),
    ] {
        let file = format!("{above}Correo;Nombre;Nota\r\nana@ejemplo.com;Ana;A\r\n");
        let found = survey(file.as_bytes()).expect("a good file");
        assert_eq!(found.format.header_line, line, "{above:?}");
        assert_eq!(read(file.as_bytes()), one("Ana", line + 1), "{above:?}");
    }
    let lines = |n: usize| "x\n".repeat(n) + "email,name,grade\na@x.cl,Ana,A\n";
    assert_eq!(read(lines(19).as_bytes()), one("Ana", 21));
    assert_eq!(code_and_line(lines(20).as_bytes()), ("missing_column", Some(1)));
    // A row above the header would be lost.
    let above = b"a@x.cl,Ana,A\nemail,name,grade\nb@x.cl,Luis,B\n";
    assert_eq!(code_and_line(above), ("rows_above_header", Some(1)));
}

#[test]
fn a_header_in_the_middle_of_a_file_is_a_row_at_fault() {
    let joined = b"email,name,grade\na@x.cl,Ana,A\nemail,name,grade\nb@x.cl,Luis,B\n";
    let (read, refused) = outcome(joined);
    assert_eq!((read.len(), refused), (2, vec![3]));
}

#[test]
fn blanks_before_a_quote_are_none_of_the_cell() {
    let file = "email, calificacion, nombre, \"créditos\"\r\nana@ejemplo.com, A, \"Pérez Soto, Ana\", 6\r\nb@x.cl,\t \"A\" , \"Luis\"\r\n";
    assert_eq!(read(file.as_bytes()), [("Pérez Soto, Ana".to_owned(), 2), ("Luis".to_owned(), 3)]);
    // A quote inside a cell is text.
    let inside = "email,nombre,nota\na@x.cl,Ana \"La\" Soto,A\nb@x.cl,24\" x,A\n";
    assert_eq!(read(inside.as_bytes())[1], ("24\" x".to_owned(), 3));
}

#[test]
fn a_row_whose_quotes_say_two_things_is_refused_alone() {
    let file = "email,name,grade\na@x.cl,\"Ana \"La\" Soto\",A\nb@x.cl,\"Pérez \"Pepe\", Ana\",A\nc@x.cl,\"Luis\" , A\nd@x.cl,\"Eva\"x,A\n\"e@x.cl,\"\"Luz\"\"x,A\"\n";
    assert_eq!(outcome(file.as_bytes()), (one("Luis", 4), vec![2, 3, 5, 6]));
    let faults = rows(file.as_bytes())[0].entry.clone();
    assert_eq!(
        (faults.email.as_str(), faults.recipient.err()),
        ("a@x.cl", Some(vec![Fault::StrayQuote]))
    );
}

#[test]
fn a_quote_that_is_never_closed_is_found_at_any_line_end() {
    for end in ["\n", "\r", "\r\n"] {
        let file =
            ["email;nombre;calificacion", "ana@x.cl;\"Ana;A", "luis@x.cl;Luis;B", ""].join(end);
        assert_eq!(code_and_line(file.as_bytes()), ("unclosed_quote", Some(2)), "{end:?}");
        let closed = file + "eva@x.cl;Eva\";A" + end;
        assert_eq!(code_and_line(closed.as_bytes()), ("unclosed_quote", Some(2)), "{end:?}");
    }
    assert_eq!(code_and_line(b"email;nombre;nota\na@x.cl;\"Ana;A"), ("unclosed_quote", Some(2)));
}

#[test]
fn lines_are_those_of_a_text_editor() {
    let file = "email,name,grade,evidence description\r\na@x.cl,Ana,A,\"one\rtwo\r\nthree\nfour\"\rb@x.cl,Luis,A,\n\r\r\nc@x.cl,Eva,A,\"x\r\"\r\nd@x.cl,Luz,A,";
    let lines: Vec<u64> = rows(file.as_bytes()).iter().map(|row| row.line).collect();
    assert_eq!(lines, [2, 6, 9, 11]);
    let json = "{\"email\":\"a@x.cl\"}\r\r\n{\"email\":\"b@x.cl\"}\r{\"email\":\"c@x.cl\"}\n{\"email\":\"d@x.cl\"}";
    let lines: Vec<u64> = rows(json.as_bytes()).iter().map(|row| row.line).collect();
    assert_eq!(lines, [1, 3, 4, 5]);
}

#[test]
fn a_position_of_the_former_release_between_cr_and_lf_is_read_on() {
    let file = b"email,name,grade\r\na@x.cl,Ana,A\r\nb@x.cl,Luis,B\r\n";
    let found = survey(file).expect("a good file");
    let definition = definition();
    let at = Position { offset: 31, line: 2, row: 1, after_cr: false };
    let mut reader = Rows::new(&found.format, &definition, at);
    let rest = reader.push(file.get(31..).expect("a part")).expect("read");
    assert_eq!(rest.iter().map(|row| (row.row, row.line)).collect::<Vec<_>>(), [(2, 3)]);
}

#[test]
fn rows_that_say_nothing_in_the_columns_that_are_read_are_left_out() {
    let file = b"#Asistio;email;nombre;calificacion;\r\nTRUE;ana7@ejemplo.com;Ana;A;\r\nFALSE;;;;\r\n FALSE ; ;;;\r\n;;;;ver acta\r\nFALSE;;;;;;\r\n";
    assert_eq!(read(file), one("Ana", 2));
    // What says something is a row, and one that has slipped aside too.
    let file =
        b"email;nombre;nota;\r\na@x.cl;Ana;A;\r\nTotal;1;;\r\n;;;;b@x.cl;Luis;B\r\n;Luis;;\r\n";
    assert_eq!(outcome(file), (one("Ana", 2), vec![3, 4, 5]));
}

/// What could not be read has no cell of its own in the results, and must not vanish from them.
#[test]
fn a_row_of_results_that_has_nothing_but_its_fault_stays_a_row() {
    let file = b"email,recipient_name,result_value,row,line,status,credential_id,error\r\na@x.cl,Ana,A,1,1,issued,,\r\n,,,2,2,failed,,Debe ser un objeto\r\n";
    assert_eq!(outcome(file), (one("Ana", 2), vec![3]));
}

#[test]
fn rows_of_the_former_release_are_counted_as_it_counted_them() {
    let file = b"email;nombre;nota;#x\r\na@x.cl;Ana;A;\r\n;;;FALSE\r\nb@x.cl; \"Luis;A;\r\n";
    let mut format = survey(file).map(|found| found.format);
    assert!(format.is_err(), "the quote is not closed");
    format = survey(&file[..38]).map(|found| found.format);
    let mut format = format.expect("a good file");
    format.rules = 0;
    let definition = definition();
    let mut reader = Rows::new(&format, &definition, format.start);
    let start = usize::try_from(format.start.offset).expect("small");
    assert_eq!(reader.push(file.get(start..).expect("a part")).expect("read").len(), 3);
}

#[test]
fn a_row_in_one_cell_is_read_as_the_row_that_it_is() {
    let rows_alone = b"email;nombre;calificacion;creditos\r\n\"ana@ejemplo.com;Ana;A;6,5\"\r\n\"luis@ejemplo.com;\"\"Rojas; Luis\"\";B;6,5\"\r\n";
    assert_eq!(read(rows_alone), [("Ana".to_owned(), 2), ("Rojas; Luis".to_owned(), 3)]);
    let header_too =
        b"\"email,nombre,nota\"\r\n\"ana@ejemplo.com,Ana,A\"\r\nluis@ejemplo.com,Luis,B\r\n";
    assert_eq!(read(header_too), [("Ana".to_owned(), 2), ("Luis".to_owned(), 3)]);
    // A text with delimiters is none.
    let text = b"nombre;email;nota\r\n\"Soto; Ana\";a@x.cl;A\r\n";
    assert_eq!(read(text), one("Soto; Ana", 2));
}

#[test]
fn spreadsheets_and_pages_are_refused_whatever_they_are_called() {
    let entry = |name: &str, more: &str| {
        let length = u16::try_from(name.len()).expect("short").to_le_bytes();
        [b"PK\x03\x04".as_slice(), &[0; 22], &length, &[0; 2], name.as_bytes(), more.as_bytes()]
            .concat()
    };
    let wide = |text: &str| {
        [vec![0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat()
    };
    for (file, code) in [
        (b"<html><table>\n<tr><td>email</td></tr>".to_vec(), "web_page"),
        (b"\xef\xbb\xbf\r\n <?xml version=\"1.0\"?><Workbook/>".to_vec(), "web_page"),
        (wide("<html><table>"), "web_page"),
        (b"MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\n".to_vec(), "web_page"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1".to_vec(), "spreadsheet"),
        (entry("[Content_Types].xml", "xl/workbook.xml"), "spreadsheet"),
        (entry("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), "spreadsheet"),
        (entry("Index/Document.iwa", ""), "spreadsheet"),
        (entry("[Content_Types].xml", "word/document.xml"), "archive"),
        (entry("acta.csv", "email"), "archive"),
        (b"\x1f\x8b\x08".to_vec(), "archive"),
        (b"%PDF-1.7\n".to_vec(), "document"),
        (b"{\\rtf1\\ansi".to_vec(), "document"),
        (b"\x89PNG\r\n".to_vec(), "not_text"),
    ] {
        assert_eq!(code_and_line(&file).0, code, "{}", String::from_utf8_lossy(&file));
    }
}

#[test]
fn a_cell_means_what_it_says_to_a_person() {
    let file = b"email;nombre;nota;licencia\r\na@x.cl;\"Ana Maria\nPerez Soto\";A;\"=\"\"00123\"\"\"\r\nb@x.cl;Luis;A;'00123\r\n";
    let found = rows(file);
    assert_eq!(recipient(&found[0]).recipient_name.as_deref(), Some("Ana Maria Perez Soto"));
    for row in &found {
        assert_eq!(recipient(row).license_number.as_deref(), Some("00123"));
    }
    let file = b"email;nombre;calificacion\r\n\"ana@ejemplo.com\nluis@ejemplo.com\";Ana;A\r\nAna <ana@ejemplo.com>;Ana;A\r\nmailto:ana@ejemplo.com;Ana;A\r\n";
    let found = rows(file);
    assert_eq!(found[0].entry.recipient.clone().err(), Some(vec![Fault::SeveralAddresses]));
    for row in &found[1..] {
        assert_eq!(recipient(row).email.as_str(), "ana@ejemplo.com");
    }
}

/// A file of JSON in each form.
#[test]
fn json_is_read_in_any_form_from_any_value_on() {
    let a = r#"{"email":"a@x.cl","recipient_name":"Ana \"[,]\" {","result_value":"A"}"#;
    let b = r#"{
    "email": "b@x.cl",
    "recipient_name": "Luis",
    "result_value": "B"
  }"#;
    let id = TEMPLATE;
    for (file, lines) in [
        (format!("[{a},{b}]"), [1, 1]),
        (format!("\u{feff}\r\n[\r\n  {a},\r\n  {b}\r\n]\r\n"), [3, 4]),
        (format!("[{a}\r,\r{b}]"), [1, 3]),
        (format!("{b}\n{a}\n"), [1, 6]),
        (format!("{{\"template_id\":\"{id}\",\"recipients\":[{a},{b}]}}"), [1, 1]),
        (
            format!(
                "{{\n \"recipients\": [\n  {a},\n  {b}\n ],\n \"template_id\": \"{id}\",\n \"send_email\": true\n}}\n"
            ),
            [3, 4],
        ),
        (format!("{{\"recipients\":[{a},{b}], \"send_email\": null}}"), [1, 1]),
    ] {
        let found: Vec<u64> = read(file.as_bytes()).iter().map(|(_, line)| *line).collect();
        assert_eq!(found, lines, "{file}");
        assert_eq!(survey(file.as_bytes()).expect("a good file").format.kind, Kind::Json);
    }
    // A value that is no recipient is that row's fault.
    let (good, refused) = outcome(format!("[{a}, 7, \"x\", [1], null, {{}}]").as_bytes());
    assert_eq!((good.len(), refused.len()), (1, 5));
}

#[test]
fn json_that_is_none_is_refused_with_its_line_and_nobody_is_lost() {
    let a = r#"{"email":"a@x.cl","recipient_name":"Ana","result_value":"A"}"#;
    for (file, line) in [
        (format!("[\n{a}\n{a}]"), 3),
        (format!("[\n{a},\n]"), 3),
        (format!("[,{a}]"), 1),
        (format!("[{a}"), 1),
        (format!("[{a},\n"), 2),
        (format!("[{a}]\n]"), 2),
        (format!("[{a}]\n{a}"), 2),
        (format!("[\n{{\"email\":\"a@x.cl,\"x\":1}},\n{a},{{\"email\":\"a@x.cl,\"x\":1}}]"), 2),
        (format!("[\n{{\"email\":\"a@x.cl\",\n{a},\n{a}]"), 2),
        ("[{\"email\":'a@x.cl'}]".to_owned(), 1),
        ("{\n \"email\": 1\n}}\n".to_owned(), 3),
        ("{\n \"email\": 1\n".to_owned(), 1),
    ] {
        assert_eq!(code_and_line(file.as_bytes()), ("invalid_json", Some(line)), "{file}");
    }
    let id = "550e8400-e29b-41d4-a716-446655440999";
    for (file, code) in [
        (format!("{{\"template_id\":\"{id}\",\"recipients\":[{a}]}}"), "other_template"),
        (format!("{{\"recipients\":[{a}],\"template_id\":7}}"), "invalid_request"),
        (format!("{{\"recipients\":[{a}],\"send_email\":false}}"), "invalid_request"),
        (format!("{{\"recipients\":[{a}],\"otro\":false}}"), "invalid_request"),
        (format!("{{\"recipients\":[{a}]"), "invalid_request"),
        ("{\"recipients\":[]}".to_owned(), "no_rows"),
        ("[]".to_owned(), "no_rows"),
    ] {
        assert_eq!(code_and_line(file.as_bytes()).0, code, "{file}");
    }
}
