use super::{fault::letters, *};
use crate::domain::{
    cell_fault::CellFault, encoding::Encoding, fault::Fault, field::FieldName, fields::Fields,
    ids::TemplateId, lang::Lang, recipient::Recipient, template::Definition,
};

mod cases;
mod columns;
mod contradictions;
mod encodings;
mod examples;
mod generator;
mod values;

const TEMPLATE: &str = "550e8400-e29b-41d4-a716-446655440000";

fn definition() -> Definition {
    let body = serde_json::json!({
        "name": "Curso", "description": "Un curso",
        "fields": [
            {"name": "recipient_name", "required": true},
            {"name": "result_value", "required": true, "allowed_values": ["A", "B", "6.0"]},
            {"name": "credits_earned"}, {"name": "evidence"}, {"name": "term"},
            {"name": "license_number"}, {"name": "activity_start_date"},
        ],
    });
    let fields = Fields::of_body(body.to_string().as_bytes()).expect("an object");
    Definition::read(fields).expect("a definition").0
}

fn terms(definition: &Definition) -> Terms<'_> {
    Terms::of(TemplateId::parse(TEMPLATE).expect("an id"), definition)
}

fn survey(bytes: &[u8]) -> Result<Surveyed, SheetFault> {
    survey_as(bytes, None)
}

fn survey_as(bytes: &[u8], encoding: Option<Encoding>) -> Result<Surveyed, SheetFault> {
    let first = bytes.get(..MAX_HEADER.min(bytes.len())).expect("a part");
    let definition = definition();
    let mut survey = Survey::begin(first, Terms { encoding, ..terms(&definition) })?;
    let start = usize::try_from(survey.starts_at()).expect("small");
    // In odd pieces: nothing depends on where a piece ends.
    for piece in bytes.get(start..).expect("a part").chunks(7) {
        survey.push(piece)?;
    }
    survey.finish()
}

fn rows(bytes: &[u8]) -> Vec<SheetRow> {
    rows_of(bytes, &survey(bytes).expect("a good file"))
}

fn read_once(bytes: &[u8], found: &Surveyed) -> Vec<SheetRow> {
    let definition = definition();
    let mut reader = Rows::new(&found.format, &definition, found.format.start);
    let start = usize::try_from(found.format.start.offset).expect("small");
    let mut rows = Vec::new();
    for piece in bytes.get(start..).expect("a part").chunks(5) {
        rows.extend(reader.push(piece).expect("read"));
    }
    rows.extend(reader.finish().expect("read"));
    assert_eq!(rows.len(), found.rows as usize);
    rows
}

/// Reads a surveyed file, and again from each of its rows on.
fn rows_of(bytes: &[u8], found: &Surveyed) -> Vec<SheetRow> {
    let definition = definition();
    let rows = read_once(bytes, found);
    let start = usize::try_from(found.format.start.offset).expect("small");
    let said = |row: &SheetRow| (row.row, row.line, row.end, format!("{:?}", row.entry));
    let all: Vec<_> = rows.iter().map(said).collect();
    // From any row on, the rest is the same.
    for at in rows.iter().map(|row| row.end) {
        let mut again = Rows::new(&found.format, &definition, at);
        let offset = usize::try_from(at.offset).expect("small").min(bytes.len());
        let mut rest = again.push(bytes.get(offset..).expect("a part")).expect("read");
        rest.extend(again.finish().expect("read"));
        let rest: Vec<_> = rest.iter().map(said).collect();
        assert_eq!(rest, all.get(at.row as usize..).expect("a part"));
    }
    // The results have as many.
    let mut cells = Cells::new(&found.format, None);
    let whole = cells.push(bytes.get(start..).expect("a part")).expect("read");
    assert_eq!(whole.len() + cells.finish().expect("read").len(), rows.len());
    rows
}

fn recipient(row: &SheetRow) -> &Recipient {
    row.entry.recipient.as_ref().expect("a good row")
}

fn fault(bytes: &[u8]) -> SheetFault {
    survey(bytes).expect_err("a fault")
}

#[test]
fn columns_are_known_in_either_language_any_order_and_case() {
    let files: [&[u8]; 5] = [
        b"email,recipient_name,result_value,credits_earned\nana@ejemplo.com,Ana Rojas,A,6.5\n",
        "\u{feff}Calificación;CORREO ELECTRÓNICO;Nombre completo;Créditos\r\nA;ana@ejemplo.com;Ana Rojas;6,5\r\n".as_bytes(),
        b"Grade\tE-mail\tName\tCredits\nA\tana@ejemplo.com\tAna Rojas\t6.5",
        b"sep=;\r\nnota;correo;apellidos;nombre;creditos obtenidos\r\nA;ana@ejemplo.com;Rojas;Ana;6,5\r\n;;;;\r\n\r\n",
        b"result value,email,first name,last name,credits,,,\nA,ana@ejemplo.com,Ana,Rojas,6.5,,,\n,,,,,,,\n",
    ];
    for file in files {
        let rows = rows(file);
        let [row] = rows.as_slice() else { panic!("one row") };
        let read = recipient(row);
        assert_eq!(read.email.as_str(), "ana@ejemplo.com");
        assert_eq!(read.recipient_name.as_deref(), Some("Ana Rojas"));
        assert_eq!(read.result_value.as_deref(), Some("A"));
        assert_eq!(read.credits_earned.map(|c| c.to_string()).as_deref(), Some("6.5"));
    }
}

#[test]
fn windows_1252_is_read_and_one_broken_letter_garbles_nothing() {
    let latin = b"correo;nombre;calificaci\xf3n\r\na@x.cl;Jos\xe9 N\xfa\xf1ez \x80;A\r\n".to_vec();
    let found = rows(&latin);
    assert_eq!(recipient(&found[0]).recipient_name.as_deref(), Some("José Núñez €"));

    let mut mixed = "correo,nombre,nota\na@x.cl,José,A\nb@x.cl,Núñez,A\n".as_bytes().to_vec();
    mixed.extend_from_slice(b"c@x.cl,Jos\xe9,A\n");
    let found = rows(&mixed);
    assert_eq!(recipient(&found[0]).recipient_name.as_deref(), Some("José"));
    assert_eq!(found[2].entry.recipient.as_ref().err(), Some(&vec![Fault::NotUtf8]));
}

#[test]
fn cells_mean_what_a_spreadsheet_meant() {
    let file = "correo;nombre;nota;licencia;periodo;inicio;evidencia url;evidencia nombre;evidencia 2\r\n\
        a@x.cl;'=Ana;6;00123;2026;15/11/2026;https://x.cl/1;Tesis;https://x.cl/2\r\n\
        b@x.cl;Luis;A;1,23457E+11;2026;;;;\r\n";
    let found = rows(file.as_bytes());
    let read = recipient(&found[0]);
    assert_eq!(read.recipient_name.as_deref(), Some("=Ana"));
    assert_eq!(read.result_value.as_deref(), Some("6.0"));
    assert_eq!(read.license_number.as_deref(), Some("00123"));
    assert_eq!(read.activity_start_date.map(|d| d.to_string()).as_deref(), Some("2026-11-15"));
    assert_eq!(read.evidence.len(), 2);
    assert_eq!(read.evidence[0].name.as_deref(), Some("Tesis"));
    let faults = found[1].entry.recipient.as_ref().expect_err("a fault");
    assert_eq!(faults, &[Fault::Cell(CellFault::Shortened("license_number".into()))]);
}

#[test]
fn a_row_at_fault_fails_alone_and_knows_its_line() {
    let file = "email,name,grade\na@x.cl,Ana,A\n\nb@x.cl,Rojas, Luis,A\n\"c@x.cl\",\"Ana \"\"La\"\" Soto\",A\nno,Eva,A";
    let found = rows(file.as_bytes());
    let lines: Vec<_> = found.iter().map(|row| (row.row, row.line)).collect();
    assert_eq!(lines, [(1, 2), (2, 4), (3, 5), (4, 6)]);
    let faults = |n: usize| found[n].entry.recipient.as_ref().err().cloned().unwrap_or_default();
    assert_eq!(faults(1), [Fault::TooManyCells(4, 3)]);
    assert_eq!(found[1].entry.email, "b@x.cl");
    assert_eq!(recipient(&found[2]).recipient_name.as_deref(), Some("Ana \"La\" Soto"));
    assert_eq!(faults(3), [Fault::InvalidEmail("no".into())]);
}

#[test]
fn json_lines_are_read_as_the_api_reads_a_recipient() {
    let file = b"{\"email\":\"a@x.cl\",\"recipient_name\":\"Ana\",\"result_value\":\"A\"}\r\n\n{\"email\":1}\nnot json\n";
    let found = rows(file);
    assert_eq!(found.len(), 3);
    assert_eq!(recipient(&found[0]).recipient_name.as_deref(), Some("Ana"));
    assert!(found[1].entry.recipient.is_err() && found[2].entry.recipient.is_err());
    assert_eq!(found[2].line, 4);
}

#[test]
fn a_file_that_is_wrong_as_a_whole_is_refused_with_its_place() {
    let at = |bytes: &[u8]| {
        let fault = fault(bytes);
        (fault.code, fault.line, fault.column)
    };
    assert_eq!(at(b"PK\x03\x04..."), ("spreadsheet", None, None));
    assert_eq!(at(b"email\0"), ("not_text", None, None));
    assert_eq!(at(b" \r\n"), ("empty_file", None, None));
    assert_eq!(at(b"email,name,grade\n"), ("no_rows", None, None));
    assert_eq!(at(b"email,name,grade\n,,\n"), ("no_rows", None, None));
    assert_eq!(at(b"ana@x.cl,Ana,A\n"), ("missing_column", Some(1), None));
    assert_eq!(at(b"email,name\na@x.cl,Ana\n"), ("missing_column", Some(1), None));
    assert_eq!(
        at(b"email,name,RUT,grade\na@x.cl,Ana,1-9,A\n"),
        ("unknown_column", Some(1), Some(3))
    );
    assert_eq!(
        at(b"email,name,grade,role\na@x.cl,Ana,A,x\n"),
        ("column_not_in_template", Some(1), Some(4))
    );
    assert_eq!(
        at(b"email,name,grade,correo\na@x.cl,Ana,A,b@x.cl\n"),
        ("repeated_column", Some(1), Some(4))
    );
    let open = b"email,name,grade\na@x.cl,\"Ana,A\nb@x.cl,Luis,B\nc@x.cl,Eva,A\n";
    assert_eq!(at(open), ("unclosed_quote", Some(2), None));
    let closed_later = b"email,name,grade\na@x.cl,\"Ana,A\nb@x.cl,Luis,B\nc@x.cl,Eva\",A\n";
    assert_eq!(at(closed_later), ("unclosed_quote", Some(2), Some(2)));
    let comment =
        b"email,name,grade,#note\na@x.cl,Ana,A,\"fine\nb@x.cl,Luis,B,\nc@x.cl,Eva,A,\"ok\"\n";
    assert_eq!(at(comment), ("unclosed_quote", Some(2), Some(4)));
    let closed = b"email,#note,name,grade\na@x.cl,\"open,Ana,A\nb@x.cl,\"other\",Luis,B\n";
    assert_eq!(at(closed), ("unclosed_quote", Some(2), Some(2)));
    let closed = b"name,grade,#note,email\nAna,\"A,x,a@x.cl\nLuis,\"B\",y,b@x.cl\n";
    assert_eq!(at(closed), ("unclosed_quote", Some(2), Some(2)));
    let many = ["email,name,grade\n", &",".repeat(40_000), "\n"].concat();
    assert_eq!(at(many.as_bytes()), ("line_too_long", Some(2), None));
    assert_eq!(at(b"sep=|\nemail|name|grade\n"), ("unknown_delimiter", Some(1), None));
    let lines = b"email,name,grade,#note\na@x.cl,Ana,A,\"one, two,\nthree, four, five, six\"\n";
    assert_eq!(rows(lines).len(), 1, "text may have lines");
    assert_eq!(rows(b"sep=\t\r\nemail\tname\tgrade\r\na@x.cl\tAna\tA\r\n").len(), 1);
    let text = fault(b"email,name,RUT,grade\na@x.cl,Ana,1-9,A\n").text(Lang::Es);
    assert!(text.starts_with("Línea 1, columna 3 (C): No se reconoce la columna «RUT»"), "{text}");
    // Marked, it is left unread.
    assert_eq!(rows(b"email,name,#RUT,grade\na@x.cl,Ana,1-9,A\n").len(), 1);
}

#[test]
fn a_results_file_is_read_again_without_its_results() {
    let file =
        b"email,name,grade,row,status,credential_id,error\r\na@x.cl,Ana,A,1,failed,,Algo\r\n";
    assert_eq!(rows(file).len(), 1);
}

#[test]
fn more_rows_than_the_limit_are_refused_before_anything_is_read() {
    let mut file = b"email,name,grade\n".to_vec();
    for _ in 0..=MAX_ROWS {
        file.extend_from_slice(b"a@x.cl,A,A\n");
    }
    let first = file.get(..MAX_HEADER).expect("long");
    let definition = definition();
    let mut survey = Survey::begin(first, terms(&definition)).expect("a header");
    let fault = survey.push(file.get(17..).expect("rows")).expect_err("too many");
    assert_eq!((fault.code, fault.line), ("too_many_rows", Some(u64::from(MAX_ROWS) + 2)));
}

#[test]
fn columns_have_letters() {
    let names: Vec<String> = [1, 26, 27, 52, 53, 702, 703].map(letters).to_vec();
    assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
}

#[test]
fn the_example_of_a_template_is_a_file_that_it_takes() {
    for lang in [Lang::Es, Lang::En] {
        let text = offered::example(&definition(), lang);
        let found = rows(text.as_bytes());
        assert_eq!(found.len(), 2);
        for row in &found {
            let read = recipient(row);
            assert_eq!(definition().check(read), [], "{text}");
        }
        assert!(text.starts_with('\u{feff}'));
    }
}

/// Files with bytes changed, cut out and put in: whatever they are, they are refused with a
/// reason or read to the row that the survey counted, from any piece on alike.
#[test]
fn thousands_of_damaged_files_are_refused_or_read_to_their_last_row() {
    let good: [&[u8]; 3] = [
        b"email,name,grade,evidence description\na@x.cl,\"Ana, M\",A,\"dos\nlineas\"\nb@x.cl,Luis,B,\nc@x.cl,Eva,A,x\n",
        "\u{feff}correo;nombre;nota\r\na@x.cl;José;A\r\n;;\r\nb@x.cl;\"Núñez \"\"N\"\"\";B\r\n".as_bytes(),
        b"{\"email\":\"a@x.cl\"}\n\n{\"email\":\"b@x.cl\",\"recipient_name\":\"Ana\"}\n",
    ];
    let odd = [b'"', b'\n', b'\r', b',', b';', b'\t', 0xe9, 0xc3, b'{', b'}', b' ', b'\'', 0, b'a'];
    // A linear congruential generator: the same files in every run.
    let mut state = 20_261_125_u64;
    let mut draw = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    let (mut refused, mut read) = (0, 0);
    for n in 0..6_000 {
        let mut file = good[n % good.len()].to_vec();
        for _ in 0..=draw(4) {
            let at = draw(file.len());
            match draw(3) {
                0 => file[at] = odd[draw(odd.len())],
                1 => file.insert(at, odd[draw(odd.len())]),
                _ => {
                    file.remove(at);
                }
            }
        }
        match survey(&file) {
            Err(fault) => {
                assert!(!fault.text(Lang::Es).is_empty() && !fault.text(Lang::En).is_empty());
                refused += 1;
            }
            Ok(found) => {
                assert_eq!(rows(&file).len(), usize::try_from(found.rows).expect("few"));
                read += 1;
            }
        }
    }
    assert!(refused > 500 && read > 500, "{refused} refused, {read} read");
}
