//! What a sheet holds and does not show, and what of a workbook is not read: each is said.

use serde_json::{Value, json};

use super::{
    HEADER,
    make::{Book, number, ods, row, text, texts},
    reviewed,
};
use crate::harness::World;

/// The warnings of a job, by kind.
fn warned(status: &Value, kind: &str) -> Option<Value> {
    let mut all = status["warnings"].as_array().into_iter().flatten();
    all.find(|warning| warning["kind"] == kind).cloned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_columns_that_are_read_are_named() {
    let world = World::new().await;
    let rows = [
        texts(1, &["Acta", "", "", "", ""]),
        texts(
            2,
            &["Correo", "Nombre", "Calificación", "#Interno", "Número de licencia", "Periodo"],
        ),
        texts(3, &["ana@ejemplo.com", "Ana Soto", "A", "x", "00123", "2026-2"]),
    ]
    .concat();
    // Narrow, hidden, hidden to the end of the sheet, and one that is not read.
    let columns = r#"<cols><col min="1" max="2" width="12" customWidth="1"/><col min="3" max="3" width="0.1" customWidth="1"/><col min="4" max="5" width="0" hidden="1"/><col min="7" max="16384" hidden="1"/></cols>"#;
    let xlsx = Book { columns: columns.to_owned(), ..Book::of(&rows) }.file();
    let column = |of: &str| format!("<table:table-column {of}/>");
    let cells = |all: &[&str]| {
        let cell =
            |of: &&str| format!("<table:table-cell><text:p>{of}</text:p></table:table-cell>");
        format!("<table:table-row>{}</table:table-row>", all.iter().map(cell).collect::<String>())
    };
    let table = [
        column(r#"table:number-columns-repeated="2""#),
        format!(
            r#"<table:table-column-group table:display="false">{}</table:table-column-group>"#,
            column("")
        ),
        column(r#"table:visibility="collapse" table:number-columns-repeated="2""#),
        column(r#"table:number-columns-repeated="1019""#),
        cells(&["Correo", "Nombre", "Calificación", "#Interno", "Número de licencia", "Periodo"]),
        cells(&["ana@ejemplo.com", "Ana Soto", "A", "x", "00123", "2026-2"]),
    ];
    for file in [xlsx, ods(&table.concat())] {
        let (status, rows) = reviewed(&world, &file, json!({})).await;
        assert_eq!(rows[0]["recipient"]["license_number"], "00123", "{status}");
        let hidden = json!(["Calificación", "Número de licencia"]);
        assert_eq!(status["file"]["hidden_columns"], hidden, "{status}");
        let warning = warned(&status, "hidden_columns").expect("a warning");
        assert_eq!(warning["count"], 2);
        let text = warning["text"].as_str().expect("a text");
        assert!(text.ends_with("(«Calificación», «Número de licencia»)"), "{text}");
        // One that is left unread is nobody's concern.
        let map = json!({ "column_map": { "Número de licencia": "ignore" } });
        let (status, _) = reviewed(&world, &file, map).await;
        assert_eq!(status["file"]["hidden_columns"], json!(["Calificación"]), "{status}");
    }
    let (status, _) = reviewed(&world, &Book::of(&rows).file(), json!({})).await;
    assert_eq!(warned(&status, "hidden_columns"), None, "{status}");
    assert_eq!(status["file"]["hidden_columns"], Value::Null);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_in_sheets_that_are_not_read_are_said() {
    let world = World::new().await;
    let list = |name: &str| {
        texts(1, &HEADER[..3]) + &texts(2, &[&format!("{name}@ejemplo.com"), "Ana Soto", "A"])
    };
    let sheet = |name: &str, state, rows: String| (name.to_owned(), state, rows);
    let book = Book {
        sheets: vec![
            sheet("Portada", "visible", texts(1, &["Contacto", "notas@ejemplo.com"])),
            sheet("Acta A", "visible", list("a")),
            sheet("Resumen", "visible", texts(1, &["Aprobados"]) + &texts(2, &["30"])),
            sheet("Acta B", "visible", list("b")),
            sheet("Vieja", "hidden", list("c")),
            // Without a header that is known.
            sheet("Otros", "visible", texts(1, &["Lista"]) + &texts(2, &["1", "d@ejemplo.com"])),
        ],
        ..Book::default()
    };
    let (status, rows) = reviewed(&world, &book.file(), json!({})).await;
    assert_eq!((rows.len(), &status["file"]["sheet"]), (1, &json!("Acta A")), "{status}");
    assert_eq!(status["file"]["unread_sheets"], json!(["Acta B", "Otros"]));
    let warning = warned(&status, "unread_sheets").expect("a warning");
    assert_eq!(warning["count"], 2);
    let text = warning["text"].as_str().expect("a text");
    assert!(text.ends_with("(«Acta B», «Otros»)"), "{text}");
    // Whoever names a sheet knows that there are others.
    let (status, _) = reviewed(&world, &book.file(), json!({ "sheet": "Acta B" })).await;
    assert_eq!(status["file"]["sheet"], "Acta B");
    assert_eq!(status["file"]["unread_sheets"], Value::Null, "{status}");
    assert_eq!(status["warnings"], Value::Null, "{status}");
    world.stop().await;
}

/// A cell that shows a month holds a day that nobody chose.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_a_date_is_no_day() {
    let world = World::new().await;
    let columns = ["Correo", "Nombre", "Calificación", "Fecha de inicio"];
    let of = |n: u32, day: String| {
        let texts =
            [("A", format!("p{n}@ejemplo.com")), ("B", "Ana".to_owned()), ("C", "A".to_owned())];
        let texts = texts.map(|(column, of)| text(&format!("{column}{n}"), &of));
        row(n, &[&texts[..], &[day]].concat())
    };
    let rows = [
        texts(1, &columns),
        of(2, number("D2", "46341", 1)),
        of(3, number("D3", "46341", 2)),
        of(4, number("D4", "46341", 3)),
        of(5, r#"<c r="D5" s="2" t="d"><v>2026-11-15T00:00:00</v></c>"#.to_owned()),
        of(6, number("D6", "46341", 0)),
        of(7, number("D7", "46341", 4)),
        of(8, number("D8", "20261115", 0)),
    ];
    let book = Book::of(&rows.concat()).formats(&["yyyy", "mmm-yy", "dd/mm", "d/m/yyyy h:mm"]);
    let (status, rows) = reviewed(&world, &book.file(), json!({})).await;
    assert_eq!(rows.len(), 7, "{status}");
    for row in &rows[..4] {
        let says =
            "«Fecha de inicio» muestra solo una parte de la fecha, y la celda guarda 2026-11-15";
        assert!(row["error"].as_str().is_some_and(|error| error.contains(says)), "{row}");
    }
    let error = rows[4]["error"].as_str().expect("an error");
    assert!(error.contains("«Fecha de inicio» es el número 46341: si es una fecha"), "{error}");
    for row in &rows[5..] {
        assert_eq!(row["recipient"]["activity_start_date"], "2026-11-15", "{row}");
    }

    let cell = |of: &str| format!("<table:table-cell><text:p>{of}</text:p></table:table-cell>");
    let day = |shown: &str| {
        format!(
            r#"<table:table-cell office:value-type="date" office:date-value="2026-11-15"><text:p>{shown}</text:p></table:table-cell>"#
        )
    };
    let shown = ["2026", "nov 2026", "11-26", "15/11/26", "15 de noviembre de 2026", ""];
    let rows = shown.iter().enumerate().map(|(n, shown)| {
        let cells = [cell(&format!("p{n}@ejemplo.com")), cell("Ana"), cell("A"), day(shown)];
        format!("<table:table-row>{}</table:table-row>", cells.concat())
    });
    let header = format!("<table:table-row>{}</table:table-row>", columns.map(cell).concat());
    let (status, rows) =
        reviewed(&world, &ods(&(header + &rows.collect::<String>())), json!({})).await;
    assert_eq!(rows.len(), 6, "{status}");
    for (row, shown) in rows.iter().zip(shown) {
        match shown.len() {
            1..=8 if shown != "15/11/26" => {
                let says = "muestra solo una parte de la fecha";
                let error = row["error"].as_str().is_some_and(|error| error.contains(says));
                assert!(error, "{shown}: {row}");
            }
            _ => {
                assert_eq!(row["recipient"]["activity_start_date"], "2026-11-15", "{shown}: {row}")
            }
        }
    }
    world.stop().await;
}

/// Evidence is in columns of a number each; entries of which a row says nothing do not count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_evidence_name_their_column() {
    let world = World::new().await;
    let rows = [
        texts(
            1,
            &[
                "Correo",
                "Nombre",
                "Calificación",
                "Evidencia url",
                "Evidencia 2 url",
                "Evidencia 2 descripción",
            ],
        ),
        texts(2, &["a@ejemplo.com", "Ana", "A", "", "tesis", ""]),
        texts(3, &["b@ejemplo.com", "Ana", "A", "", "", "Una tesis"]),
        row(
            4,
            &[
                text("A4", "c@ejemplo.com"),
                text("B4", "Ana"),
                text("C4", "A"),
                String::new(),
                r#"<c r="E4" t="e"><f>NA()</f><v>#N/A</v></c>"#.to_owned(),
            ],
        ),
    ];
    let (status, rows) = reviewed(&world, &Book::of(&rows.concat()).file(), json!({})).await;
    assert_eq!(rows.len(), 3, "{status}");
    for (row, says) in rows.iter().zip([
        "La columna «Evidencia 2 url» dice «tesis»: debe ser un enlace completo",
        "La columna «Evidencia 2 descripción» dice «Una tesis»: esa evidencia debe tener al menos un nombre o un enlace",
        "El campo «Evidencia 2 url» es una fórmula que dio el error #N/A",
    ]) {
        assert!(row["error"].as_str().is_some_and(|error| error.contains(says)), "{row}");
    }
    world.stop().await;
}

/// What is assigned to a name is assigned to all columns that have it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_columns_of_one_name_are_to_be_told_apart_in_the_file() {
    let world = World::new().await;
    let file = |second: &str| {
        let rows = [
            texts(1, &["Correo", "Nombre", "Calificación", second]),
            texts(2, &["ana@ejemplo.com", "Ana", "A", "B"]),
        ];
        Book::of(&rows.concat()).file()
    };
    let (status, _) = reviewed(&world, &file("CALIFICACIÓN"), json!({})).await;
    assert_eq!(status["code"], "repeated_column", "{status}");
    let error = status["error"].as_str().expect("an error");
    assert!(error.contains("bórrala o cámbiale el nombre en el archivo"), "{error}");
    assert!(!error.contains("indica que la otra no se lea"), "{error}");
    let (status, _) = reviewed(&world, &file("Nota"), json!({})).await;
    let error = status["error"].as_str().expect("an error");
    assert!(error.contains("indica que la otra no se lea, o bórrala"), "{error}");
    world.stop().await;
}
