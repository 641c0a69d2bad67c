//! Spreadsheets: uploaded, dropped into the bucket, read as they are shown, and written.

mod hostile;
pub mod make;
mod office;
mod unseen;

use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};
use unicreda::{domain::ids::JobId, jobs::results_file};

use crate::harness::{World, check_sums};
use make::{Book, number, ods, row, text, texts};

/// The columns of most files here.
const HEADER: [&str; 5] = ["Correo", "Nombre", "Calificación", "Créditos", "Fecha de inicio"];

/// The results of a job, by row.
async fn results(world: &World, job: &str) -> Vec<Value> {
    let page = world.get(&format!("/jobs/{job}/results")).await;
    page["items"].as_array().expect("rows").clone()
}

/// The recipients of a dry run of a file.
async fn reviewed(world: &World, file: &[u8], options: Value) -> (Value, Vec<Value>) {
    let mut options = options;
    options["dry_run"] = json!(true);
    let job = world.upload("acta.xlsx", file, &options).await;
    let status = world.file_job(&job).await;
    let rows = match status["status"] == "FAILURE" {
        true => Vec::new(),
        false => results(world, &job).await,
    };
    (status, rows)
}

/// Two rows, below a title in merged cells and an empty row; numbers, dates, formulas, rich text.
fn acta() -> Book {
    let rows = [
        texts(1, &["Acta final de notas"]),
        texts(3, &HEADER),
        row(
            4,
            &[
                r#"<c r="A4" t="s"><v>0</v></c>"#.to_owned(),
                r#"<c r="B4" t="s"><v>1</v></c>"#.to_owned(),
                r#"<c r="C4" t="str"><f>IF(1,"A","B")</f><v>A</v></c>"#.to_owned(),
                number("D4", "6.0999999999999996", 2),
                number("E4", "46341.5", 3),
            ],
        ),
        row(
            5,
            &[
                text("A5", "eva@ejemplo.com"),
                text("B5", "Eva_x000D_ Soto"),
                text("C5", "B"),
                number("D5", "5.5", 0),
                r#"<c r="E5" t="d"><v>2026-11-16T00:00:00</v></c>"#.to_owned(),
            ],
        ),
        // Formats alone, to the end of the sheet.
        r#"<row r="6" s="1"><c r="A6" s="1"/></row><row r="1048576"/>"#.to_owned(),
    ];
    Book::of(&rows.concat())
        .strings(&[
            "<t>ana@ejemplo.com</t>",
            r#"<r><rPr><b/></rPr><t xml:space="preserve">Ana </t></r><r><t>Pérez</t></r><rPh sb="0" eb="1"><t>アナ</t></rPh>"#,
        ])
        .formats(&["00000", "0.00", "dd/mm/yyyy", "yyyy"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spreadsheet_becomes_a_job_whose_results_are_one_too_and_issue_nothing_twice() {
    let world = World::new().await;
    let file = acta().file();
    let job = world.upload("acta final.xlsx", &file, &json!({})).await;
    let status = world.file_job(&job).await;
    let result = &status["result"];
    check_sums(result);
    assert_eq!(result["successful"], 2, "{status}");
    assert_eq!(
        (&status["file"]["sheet"], &status["file"]["sheets"]),
        (&json!("Acta"), &json!(["Acta"]))
    );
    assert_eq!(status["file"]["header_line"], 3);
    let issued = world.get("/credentials?email=ana@ejemplo.com").await["items"][0].clone();
    assert_eq!(issued["recipient_name"], "Ana Pérez");
    assert_eq!(issued["credits_earned"], 6.1);
    assert_eq!(issued["activity_start_date"], "2026-11-15");
    let issued = world.get("/credentials?email=eva@ejemplo.com").await["items"][0].clone();
    assert_eq!(
        (&issued["recipient_name"], &issued["activity_start_date"]),
        (&json!("Eva Soto"), &json!("2026-11-16"))
    );

    let csv = world.results_file(&job).await;
    assert!(csv.contains("ana@ejemplo.com;Ana Pérez;A;6.1;2026-11-15;1;4;issued;"), "{csv}");
    let again = world.upload("acta-resultados.csv", csv.as_bytes(), &json!({})).await;
    let result = world.file_job(&again).await["result"].clone();
    assert_eq!((&result["successful"], &result["duplicates"]), (&json!(2), &json!(2)), "{result}");

    let link = world.get(&format!("/jobs/{job}/results/file?format=xlsx")).await;
    assert_eq!(link["file_name"], "acta final-resultados.xlsx");
    let (code, sheet) = world.fetch(link["url"].as_str().expect("url")).await;
    assert_eq!(code, 200);
    let again = world.upload("acta-resultados.xlsx", &sheet, &json!({})).await;
    let status = world.file_job(&again).await;
    let result = &status["result"];
    assert_eq!((&result["successful"], &result["duplicates"]), (&json!(2), &json!(2)), "{status}");
    world.stop().await;
}

/// Further decimals than can be signed are nobody's, where the sheet shows fewer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mean_is_what_its_sheet_shows() {
    let world = World::new().await;
    let line = |n: u32, credits: &str, style: u32| {
        let texts =
            [("A", format!("p{n}@ejemplo.com")), ("B", "Ana".to_owned()), ("C", "A".to_owned())];
        let texts = texts.map(|(column, of)| text(&format!("{column}{n}"), &of));
        row(n, &[&texts[..], &[number(&format!("D{n}"), credits, style)]].concat())
    };
    let rows = [
        texts(1, &HEADER[..4]),
        line(2, "6.3333333333333304", 1),
        line(3, "6.125", 1),
        line(4, "6.3333333333333304", 0),
        line(5, "1500000.12345", 2),
    ];
    let book = Book::of(&rows.concat()).formats(&["0.0", "#,"]);
    let (status, rows) = reviewed(&world, &book.file(), json!({})).await;
    assert_eq!(rows.len(), 4, "{status}");
    assert_eq!(rows[0]["recipient"]["credits_earned"], 6.3, "{}", rows[0]);
    assert_eq!(rows[1]["recipient"]["credits_earned"], 6.125, "the value, where it can be signed");
    for row in &rows[2..] {
        assert_eq!(row["status"], "invalid", "{row}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sheet_says_what_it_shows_and_a_wrong_cell_fails_its_row_with_its_place() {
    let world = World::new().await;
    let header =
        ["Correo", "Nombre", "Calificación", "Número de licencia", "Periodo", "Fecha de inicio"];
    let of = |n: u32, third: String, licence: String, term: String| {
        row(
            n,
            &[
                text(&format!("A{n}"), &format!("p{n}@ejemplo.com")),
                text(&format!("B{n}"), "Ana Pérez"),
                third,
                licence,
                term,
            ],
        )
    };
    let grade = |n: u32| text(&format!("C{n}"), "A");
    let rows = [
        texts(1, &header),
        of(2, grade(2), number("D2", "123", 1), number("E2", "2026", 0)),
        of(3, grade(3), number("D3", "12345678901234567", 0), text("E3", "2026-2")),
        of(4, grade(4), text("D4", "x"), number("E4", "46054", 3)),
        of(
            5,
            r#"<c r="C5" t="e"><f>NA()</f><v>#N/A</v></c>"#.to_owned(),
            text("D5", "x"),
            String::new(),
        ),
        of(6, r#"<c r="C6"><f>A1&amp;B1</f></c>"#.to_owned(), text("D6", "x"), String::new()),
        of(7, grade(7), number("D7", "0.5", 4), String::new()),
        row(8, &[text("A8", "p8@ejemplo.com"), r#"<c r="B8"><f>A1</f></c>"#.to_owned(), grade(8)]),
    ];
    let file = Book::of(&rows.concat()).formats(&["00000", "0.00", "mmm-yy", "0%"]).file();
    let (status, rows) = reviewed(&world, &file, json!({})).await;
    assert_eq!(rows.len(), 7, "{status}");
    assert_eq!(rows[0]["recipient"]["license_number"], "00123", "{}", rows[0]);
    assert_eq!(rows[0]["recipient"]["term"], "2026");
    let says =
        [(1, "perdió dígitos"), (2, "Periodo"), (3, "#N/A"), (4, "=A1&B1"), (6, "«Nombre» es")];
    for (at, says) in says {
        assert_eq!(rows[at]["status"], "invalid", "{}", rows[at]);
        assert!(rows[at].to_string().contains(says), "{}", rows[at]);
        assert_eq!(rows[at]["line"], at + 2);
    }
    assert_eq!(rows[5]["recipient"]["license_number"], "50%");
    world.stop().await;
}

/// Cells as other programs write them, of which readers report that they were misread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_programs_write_is_read_as_it_is_shown_and_comes_back() {
    let world = World::new().await;
    let header =
        ["Correo", "Nombre", "Calificación", "Número de licencia", "Créditos", "Fecha de inicio"];
    let typed = |n: u32, licence: String, credits: String, day: String| {
        let texts = [
            (format!("A{n}"), format!("p{n}@ejemplo.com")),
            (format!("B{n}"), "Ana Soto".to_owned()),
            (format!("C{n}"), "A".to_owned()),
        ];
        let texts = texts.map(|(at, of)| text(&at, &of));
        row(n, &[&texts[..], &[licence, credits, day]].concat())
    };
    let shared = r#"<c t="s"><v/></c>"#.to_owned();
    let rows = [
        texts(1, &header),
        // Formats with a part for texts; one number of the format that every workbook has by another format.
        typed(2, number("D2", "123", 1), number("E2", "6.125", 2), number("F2", "46341", 3)),
        typed(3, number("D3", "7", 4), number("E3", "1234.5", 5), number("F3", "46341.75", 6)),
        // Cells without references; a shared text that is none; a yes that is written out.
        typed(
            4,
            r#"<c t="b"><v>true</v></c>"#.to_owned(),
            r#"<c t="str"><v>6,5</v></c>"#.to_owned(),
            shared,
        ),
        // The date as ISO 8601 writes it, as strict files have it; a text that is a date.
        typed(
            5,
            text("D5", "00123"),
            number("E5", "1E1", 0),
            r#"<c t="d"><v>2026-11-15T00:00:00</v></c>"#.to_owned(),
        ),
        typed(
            6,
            text("D6", "x_x005F_y"),
            number("E6", "7", 7),
            text("F6", "15 de noviembre de 2026"),
        ),
    ];
    let formats = [
        "00000;@",
        "0.000",
        "dd/mm/yyyy;@",
        "0_M_M_M;0_M_M_M;_(@_M_M_M",
        r#"#,##0.00\ "CLP";@"#,
        "[$-340A]d \"de\" mmmm \"de\" yyyy;@",
        "0.0############E-0",
    ];
    let file = Book::of(&rows.concat()).formats(&formats).file();
    let job = world.upload("acta.xlsx", &file, &json!({ "send_email": false })).await;
    let status = world.file_job(&job).await;
    assert_eq!(status["result"]["successful"], 5, "{status}");
    for (n, licence, credits, day) in [
        (2, "00123", 6.125, json!("2026-11-15")),
        (3, "7", 1234.5, json!("2026-11-15")),
        (4, "TRUE", 6.5, json!(null)),
        (5, "00123", 10.0, json!("2026-11-15")),
        (6, "x_y", 7.0, json!("2026-11-15")),
    ] {
        let one =
            world.get(&format!("/credentials?email=p{n}@ejemplo.com")).await["items"][0].clone();
        assert_eq!(one["license_number"], licence, "{one}");
        assert_eq!(one["credits_earned"].as_f64(), Some(credits), "{one}");
        assert_eq!(one["activity_start_date"], day, "{one}");
    }
    for format in ["csv", "xlsx"] {
        let link = world.get(&format!("/jobs/{job}/results/file?format={format}")).await;
        let (_, results) = world.fetch(link["url"].as_str().expect("url")).await;
        let again = world.upload(&format!("acta.{format}"), &results, &json!({})).await;
        let result = world.file_job(&again).await["result"].clone();
        assert_eq!(result["duplicates"], 5, "{format}: {result}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_rows_are_refused_until_it_is_said_what_becomes_of_them() {
    let world = World::new().await;
    let hidden =
        texts(3, &["luz@ejemplo.com", "Luz Paz", "A"]).replace("<row r", r#"<row hidden="1" r"#);
    let rows =
        [texts(1, &HEADER[..3]), texts(2, &["ana@ejemplo.com", "Ana Soto", "A"]), hidden].concat();
    let other = texts(1, &["Resumen"]);
    let book = Book {
        sheets: vec![
            ("Resumen".to_owned(), "visible", other),
            ("Vieja".to_owned(), "hidden", rows.clone()),
            ("Acta".to_owned(), "visible", rows),
        ],
        ..Book::default()
    };
    let table = r#"<table:table-row><table:table-cell office:value-type="string"><text:p>Correo</text:p></table:table-cell><table:table-cell><text:p>Nombre</text:p></table:table-cell><table:table-cell><text:p>Calificación</text:p></table:table-cell></table:table-row><table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row><table:table-row><table:table-cell><text:p>ana@ejemplo.com</text:p></table:table-cell><table:table-cell><text:p>Ana<text:s/>Soto</text:p></table:table-cell><table:table-cell><text:p>A</text:p></table:table-cell></table:table-row><table:table-row table:visibility="filter"><table:table-cell><text:p>luz@ejemplo.com</text:p></table:table-cell><table:table-cell><text:p>Luz Paz</text:p></table:table-cell><table:table-cell><text:p>A</text:p></table:table-cell></table:table-row>"#;
    for (file, line) in [(book.file(), 3), (ods(table), 5)] {
        let (status, _) = reviewed(&world, &file, json!({})).await;
        assert_eq!(
            (&status["code"], &status["line"]),
            (&json!("hidden_rows"), &json!(line)),
            "{status}"
        );
        assert_eq!(status["file"]["sheet"], "Acta", "the one that the console names: {status}");
        for (said, total) in [("skip", 1), ("read", 2)] {
            let (status, rows) = reviewed(&world, &file, json!({ "hidden_rows": said })).await;
            assert_eq!(rows.len(), total, "{status}");
            assert_eq!(rows[0]["recipient"]["recipient_name"], "Ana Soto");
            assert_eq!(
                (&status["file"]["sheet"], &status["file"]["hidden_rows"]),
                (&json!("Acta"), &json!(1))
            );
        }
    }
    let (status, _) = reviewed(&world, &book.file(), json!({ "sheet": "Notas" })).await;
    assert_eq!(status["code"], "sheet_not_found", "{status}");
    assert_eq!(status["file"]["sheets"], json!(["Resumen", "Vieja", "Acta"]));
    let (status, rows) =
        reviewed(&world, &book.file(), json!({ "sheet": "vieja", "hidden_rows": "skip" })).await;
    assert_eq!((&status["file"]["sheet"], rows.len()), (&json!("Vieja"), 1));
    let (status, _) =
        reviewed(&world, b"email\nana@ejemplo.com\n", json!({ "sheet": "Acta" })).await;
    assert_eq!(status["code"], "sheet_not_found");
    let bad = json!({ "template_id": world.demo.template_id, "file_name": "a.xlsx", "size": 1, "hidden_rows": "hide" });
    world.call("POST", "/uploads", Some(&bad)).await.problem(400, "invalid_request");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bare_number_of_open_document_is_no_licence() {
    let world = World::new().await;
    let cell = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let float = |value: &str, shown: &str| {
        format!(
            r#"<table:table-cell office:value-type="float" office:value="{value}"><text:p>{shown}</text:p></table:table-cell>"#
        )
    };
    let row = |cells: &[String]| format!("<table:table-row>{}</table:table-row>", cells.concat());
    let rows = [
        row(&["Correo", "Nombre", "Calificación", "Número de licencia", "Créditos", "Fecha de inicio"].map(cell)),
        row(&[cell("ana@ejemplo.com"), cell("Ana Soto"), cell("A"), float("123", "00123"), float("6.5", "6,5"), String::new()]),
        row(&[cell("eva@ejemplo.com"), cell("Eva Soto"), cell("A"), cell("00123"), float("6.5", "6,5"),
            r#"<table:table-cell office:value-type="date" office:date-value="2026-11-15"><text:p>15/11/26</text:p></table:table-cell>"#.to_owned()]),
    ];
    let (status, rows) = reviewed(&world, &ods(&rows.concat()), json!({})).await;
    assert_eq!(rows.len(), 2, "{status}");
    let error = rows[0]["error"].as_str().expect("an error");
    assert!(error.contains("es el número 123, y este archivo no dice con qué ceros"), "{error}");
    let read = &rows[1]["recipient"];
    assert_eq!((&read["license_number"], &read["credits_earned"]), (&json!("00123"), &json!(6.5)));
    assert_eq!(read["activity_start_date"], "2026-11-15");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_system_drops_a_spreadsheet_and_its_copy_goes_with_it() {
    let world = World::new().await;
    let files = world.stack.app().files.as_ref().expect("files");
    let key = format!("incoming/live/demo/{}/acta.xlsx", world.demo.template_id);
    let put = files.client().put_object().bucket(files.bucket()).key(&key);
    put.body(ByteStream::from(acta().file())).send().await.expect("put");
    let job = world
        .until("its job is there", async || {
            let jobs = world.get("/jobs").await;
            jobs["items"][0]["job_id"].as_str().map(str::to_owned)
        })
        .await;
    assert_eq!(world.file_job(&job).await["result"]["successful"], 2);
    let copies = files.list("sheets/", None).await.expect("a list");
    assert_eq!(copies, [format!("sheets/live/demo/{job}.jsonl")]);
    let job = JobId::parse(&job).expect("an id");
    results_file::forget(world.stack.app(), job).await.expect("they are deleted");
    assert!(files.list("sheets/", None).await.expect("a list").is_empty());
    assert!(files.list("results/", None).await.expect("a list").is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_say_how_a_dropped_spreadsheet_is_read() {
    let world = World::new().await;
    let hidden =
        texts(3, &["luz@ejemplo.com", "Luz Paz", "A"]).replace("<row r", r#"<row hidden="1" r"#);
    let rows =
        [texts(1, &HEADER[..3]), texts(2, &["ana@ejemplo.com", "Ana Soto", "A"]), hidden].concat();
    let book = Book {
        sheets: vec![
            ("Acta".to_owned(), "visible", rows.clone()),
            ("Calificación".to_owned(), "visible", rows),
        ],
        ..Book::default()
    };
    let files = world.stack.app().files.as_ref().expect("files");
    for (n, (folders, sheet, total, code)) in (1..).zip([
        ("hidden_rows=skip", "Acta", json!(1), json!(null)),
        // As a computer of Apple writes an accent.
        ("2026/sheet=CALIFICACIO\u{301}N/hidden_rows=read", "Calificación", json!(2), json!(null)),
        ("hidden_rows=hide", "", json!(0), json!("value_not_allowed")),
        ("sheet=Notas", "", json!(0), json!("sheet_not_found")),
        ("anything", "Acta", json!(0), json!("hidden_rows")),
    ]) {
        let path = format!("{}/{folders}/acta.xlsx", world.demo.template_id);
        let put = files.client().put_object().bucket(files.bucket());
        let put = put.key(format!("incoming/live/demo/{path}"));
        put.body(ByteStream::from(book.file())).send().await.expect("put");
        let job = world
            .until("its job is there", async || {
                let jobs = world.get("/jobs").await["items"].clone();
                let newest = jobs[0]["job_id"].as_str().map(str::to_owned);
                newest.filter(|_| jobs.as_array().map(Vec::len) == Some(n))
            })
            .await;
        let status = world.file_job(&job).await;
        let read = status["file"]["sheet"].as_str().unwrap_or_default();
        assert_eq!((read, &status["progress"]["total"]), (sheet, &total), "{folders}: {status}");
        assert_eq!(status["code"], code, "{folders}: {status}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_as_a_spreadsheet_is_read_as_it_is() {
    let world = World::new().await;
    let path = format!("/templates/{}/csv?format=xlsx", world.demo.template_id);
    let example = world.call("GET", &path, None).await.expect(200);
    assert!(example.header("content-type").ends_with("spreadsheetml.sheet"));
    let (status, rows) = reviewed(&world, &example.body, json!({})).await;
    assert_eq!(rows.len(), 2, "{status}");
    assert!(rows.iter().all(|row| row["status"] == "new"), "{rows:?}");
    let path = format!("/templates/{}/csv?format=pdf", world.demo.template_id);
    world.call("GET", &path, None).await.problem(400, "invalid_request");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_as_a_spreadsheet() {
    let world = World::new().await;
    let rows = [
        texts(1, &["Correo", "Nombre", "Periodo"]),
        texts(2, &["paz@ejemplo.com", "Paz Vega", "2026-2"]),
    ];
    let file = Book::of(&rows.concat()).file();
    let body = json!({ "file_name": "miembros.xlsx", "size": file.len() });
    let allowed = world.call("POST", "/members/uploads", Some(&body)).await.expect(201).json();
    assert_eq!(world.put_file(&allowed["upload"], file).await, 200);
    let member = world
        .until("the member is there", async || {
            let member = world.call("GET", "/members/paz@ejemplo.com", None).await;
            (member.status == 200).then(|| member.json())
        })
        .await;
    assert_eq!((&member["name"], &member["term"]), (&json!("Paz Vega"), &json!("2026-2")));
    world.stop().await;
}
