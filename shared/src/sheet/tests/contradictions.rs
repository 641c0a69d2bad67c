//! Rows that correct one credential: the same thing in several spellings, or different things.

use super::*;

const ONE: &str = "550e8400-e29b-81d4-a716-446655440001";
const TWO: &str = "550e8400-e29b-81d4-a716-446655440002";

/// Line, column and text of the fault of a file that corrects, if its rows contradict each other.
fn refused(file: &[u8]) -> Option<(Option<u64>, Option<usize>, String)> {
    let definition = definition();
    let terms = Terms { corrects: true, ..terms(&definition) };
    let mut survey = Survey::begin(file, terms).expect("a header");
    let start = usize::try_from(survey.starts_at()).expect("small");
    for piece in file.get(start..).expect("a part").chunks(7) {
        survey.push(piece).expect("rows");
    }
    let fault = survey.finish().err()?;
    assert_eq!(fault.code, "repeated_credential");
    assert!(!fault.en.is_empty());
    Some((fault.line, fault.column, fault.es))
}

const HEADER: &str = "email;nombre;nota;inicio;credential_id\n";

fn of(rows: &[String]) -> Vec<u8> {
    (HEADER.to_owned() + &rows.concat()).into_bytes()
}

fn row(name: &str, id: &str) -> String {
    format!("ana@x.cl;{name};A;15/11/2026;{id}\n")
}

#[test]
fn rows_that_say_the_same_in_other_spellings_contradict_nobody() {
    let rows = [
        row("Ana Soto", ONE),
        row("  Ana \u{a0} Soto", &ONE.to_uppercase()),
        format!("\"ANA@x.cl\";\"Ana Soto\";a;2026-11-15; {ONE} \n"),
        format!("Ana <ana@x.cl>;Ana Soto;A;15-nov-2026;{ONE}\n"),
        row("Ana Soto Díaz", TWO),
        row("Otra", ""),
        row("Otra más", ""),
        row("Nadie", "12"),
        row("Ninguna", "12"),
    ];
    assert_eq!(refused(&of(&rows)), None);
    // Columns that are ours or that are not read say nothing of the person.
    let file = format!(
        "email;nombre;nota;#rut;row;status;credential_id\n\
         a@x.cl;Ana;A;1;1;issued;{ONE}\na@x.cl;Ana;A;2;2;invalid;{ONE}\n"
    );
    assert_eq!(refused(file.as_bytes()), None);
    let json = |name: &str, more: &str| {
        format!(
            "{{\"credential_id\":\"{ONE}\",\"email\":\"a@x.cl\",\"recipient_name\":\"{name}\"{more}}}\n"
        )
    };
    let file = [json("Ana", ""), json("Ana ", ",\"language\":\"en\"")].concat();
    assert_eq!(refused(file.as_bytes()), None);
    // An emptied field is not one that is left as it is.
    let file = [json("Ana", ""), json("Ana", ",\"term\":null")].concat();
    assert_eq!(
        refused(file.as_bytes()).map(|(line, column, _)| (line, column)),
        Some((Some(2), None))
    );
}

#[test]
fn rows_that_contradict_each_other_are_named_by_their_lines() {
    let two = refused(&of(&[row("Uno", ONE), row("Ana", TWO), row("Dos", ONE)]));
    let (line, column, text) = two.expect("a fault");
    assert_eq!((line, column), (Some(4), Some(5)));
    assert!(
        text.starts_with("Las filas de las líneas 2 y 4 corrigen la misma credencial"),
        "{text}"
    );
    assert!(text.ends_with("deja una sola fila de cada credencial"), "{text}");
    // A row that fails by itself, and one that cannot be read at all.
    for other in [
        format!("ana@x.cl;Uno;A;31/02/2026;{ONE}\n"),
        format!("ana@x.cl;Uno;A;15/11/2026;{ONE};de más\n"),
        row("Ana \u{fffd}", ONE),
    ] {
        let file = of(&[row("Uno", ONE), other]);
        assert_eq!(refused(&file).expect("a fault").0, Some(3));
    }
    // Bytes that only one encoding tells apart, before it is known which one that is.
    let many: Vec<String> = (0..40).map(|n| format!("p{n}@x.cl;Ana;A;;\n")).collect();
    let mut file = of(&many);
    for name in [&b"Jos\xe9 Mu\xf1oz"[..], b"Jos\xe8 Mu\xf1oz"] {
        file.extend([b"p@x.cl;", name, b";A;;", ONE.as_bytes(), b"\n"].concat());
    }
    assert_eq!(refused(&file).expect("a fault").0, Some(43));
    // Blanks around an id that no ASCII has, and another column of ids.
    let file = of(&[row("Uno", ONE), row("Dos", &format!("\u{a0}{ONE}\u{a0}"))]);
    assert_eq!(refused(&file).expect("a fault").0, Some(3));
    let head = HEADER.replace(";credential_id", ";credential_id;credential_id");
    let file = head + &row("Uno", &format!("{ONE};")) + &row("Dos", &format!(";{ONE}"));
    assert_eq!(refused(file.as_bytes()).expect("a fault").0, Some(3));
    // Rows that are one cell each, and text of two bytes a letter.
    let wrapped = |name: &str| format!("\"ana@x.cl;{name};A;15/11/2026;{ONE}\"\n");
    assert_eq!(refused(&of(&[wrapped("Uno"), wrapped("Dos")])).expect("a fault").0, Some(3));
    let text = HEADER.to_owned() + &row("Uno", ONE) + &row("Dós", ONE);
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(refused(&wide).expect("a fault").0, Some(3));
    // JSON over several lines, and the API's own request.
    let one = |name: &str, id: &str| {
        format!(
            "{{\n\"credential_id\": \"{id}\",\n\"email\": \"a@x.cl\", \"recipient_name\": \"{name}\"}}"
        )
    };
    let list = format!("[{},\n{}]", one("Uno", ONE), one("Dos", &ONE.to_uppercase()));
    assert_eq!(refused(list.as_bytes()).expect("a fault").0, Some(4));
    let body = format!("{{\"template_id\": \"{TEMPLATE}\",\n\"recipients\": {list}}}");
    assert_eq!(refused(body.as_bytes()).expect("a fault").0, Some(5));
    // Many are counted.
    let id = |n: usize| format!("550e8400-e29b-81d4-a716-{n:012}");
    let names = |n: usize| {
        ["Uno", "Dos", "Tres", "Cuatro", "Cinco", "Seis", "Siete"].map(|name| row(name, &id(n)))
    };
    let rows: Vec<String> = (0..300).flat_map(names).collect();
    let (line, _, text) = refused(&of(&rows)).expect("a fault");
    assert_eq!(line, Some(3));
    assert!(text.contains("líneas 2, 3, 4, 5, 6 y 2 más corrigen"), "{text}");
    assert!(text.contains("Lo mismo pasa en las líneas 9, 10, 11, 12, 13 y 2 más; 16, "), "{text}");
    assert!(text.ends_with("; y con 290 credenciales más"), "{text}");
    assert!(text.chars().count() < 700, "{text}");
}
