//! Values as spreadsheets and people write them: read as they were meant, or refused.

use super::*;
use crate::domain::credits::Credits;

/// A file of these values of a column, with good rows around each.
fn column(name: &str, values: &[&str]) -> String {
    let rows: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(n, value)| format!("p{n}@x.cl;Ana;A;\"{}\"\r\n", value.replace('"', "\"\"")))
        .collect();
    format!("email;nombre;nota;{name}\r\n{}", rows.concat())
}

/// Code, line and column of the fault of a file, if it has one.
fn refused(file: &str) -> Option<(&'static str, Option<u64>, Option<usize>)> {
    let fault = survey(file.as_bytes()).err()?;
    assert!(fault.es.chars().count() < 400 && !fault.en.is_empty());
    Some((fault.code, fault.line, fault.column))
}

fn dates(values: &[&str]) -> Vec<String> {
    let found = rows(column("inicio", values).as_bytes());
    let date = |row| recipient(row).activity_start_date.expect("a date").to_string();
    found.iter().map(date).collect()
}

#[test]
fn a_column_of_dates_is_read_only_when_it_can_be_read_in_one_way() {
    let fault = |values: &[&str]| refused(&column("inicio", values));
    // Eight of nine are days of the calendar with day and month swapped.
    let nine = [
        "01/05/2026",
        "02/05/2026",
        "03/05/2026",
        "04/05/2026",
        "11/05/2026",
        "12/05/2026",
        "06/07/2026",
        "08/09/2026",
        "11/15/2026",
    ];
    assert_eq!(fault(&nine), Some(("month_first_dates", Some(10), Some(4))));
    assert_eq!(fault(&["11/15/2026"]), Some(("month_first_dates", Some(2), Some(4))));
    assert_eq!(
        fault(&["5/5/2026", "11/15/2026 10:00", "15/11/2026"]),
        Some(("mixed_dates", Some(3), Some(4)))
    );
    assert_eq!(fault(&["5/5/2026", "3/8/2026"]), Some(("ambiguous_dates", Some(3), Some(4))));
    assert_eq!(fault(&["'03-08-2026"]), Some(("ambiguous_dates", Some(2), Some(4))));
    // One date shows the order of all.
    assert_eq!(dates(&["3/8/2026", "15/11/2026"]), ["2026-08-03", "2026-11-15"]);
    // Each of these says it itself.
    let own = ["5/5/2026", "03.08.2026", "2026-08-03", "3-ago-2026", "2026/8/3"];
    let read = ["2026-05-05", "2026-08-03", "2026-08-03", "2026-08-03", "2026-08-03"];
    assert_eq!(dates(&own), read);
    // What is no date is that row's fault alone.
    for wrong in ["15/11/26", "46341", "31/2/2026", "mañana"] {
        let found = rows(column("inicio", &["15/11/2026", wrong]).as_bytes());
        let faults = found[1].entry.recipient.clone().expect_err("a fault");
        let [Fault::Cell(CellFault::UnreadDate(field, text))] = faults.as_slice() else {
            panic!("{faults:?}")
        };
        assert_eq!((field.as_str(), text.as_str()), ("activity_start_date", wrong));
    }
    let said = faults_text("inicio", "15/11/26");
    for form in ["«15/11/26»", "2026-11-15", "15/11/2026", "15 de noviembre de 2026", "15-nov-2026"]
    {
        assert!(said.contains(form), "{said}");
    }
}

fn faults_text(name: &str, value: &str) -> String {
    let found = rows(column(name, &[value]).as_bytes());
    let faults = found[0].entry.recipient.clone().expect_err("a fault");
    faults.iter().map(|fault| fault.text(Lang::Es)).collect()
}

#[test]
fn the_order_of_dates_can_be_said_and_a_proof_outweighs_it() {
    let begin = |values: &[&str]| {
        let (file, definition) = (column("inicio", values), definition());
        let terms = Terms { day_first: true, ..terms(&definition) };
        let mut survey = Survey::begin(file.as_bytes(), terms).expect("a header");
        let start = usize::try_from(survey.starts_at()).expect("small");
        survey.push(&file.as_bytes()[start..]).expect("rows");
        survey.finish().err().map(|fault| fault.code)
    };
    assert_eq!(begin(&["03/08/2026"]), None);
    assert_eq!(begin(&["03/08/2026", "11/15/2026"]), Some("month_first_dates"));
}

#[test]
fn a_number_that_may_have_thousands_is_never_read_as_another() {
    let fault = |values: &[&str]| refused(&column("creditos", values));
    let ambiguous = |line| Some(("ambiguous_numbers", Some(line), Some(4)));
    for (values, line) in [
        (&["6,5", "1.500"][..], 3),
        (&["1.500"], 2),
        (&["1,500"], 2),
        (&["6.5", "1,500"], 3),
        (&["6,5", "6.5", "1.500"], 4),
        (&["1.500", "2,250"], 2),
        (&["1.234.567", "1.500"], 3),
        (&["1.234,5", "1.500"], 3),
        (&["\u{200b}1.500"], 2),
    ] {
        assert_eq!(fault(values), ambiguous(line), "{values:?}");
    }
    let credits = |values: &[&str]| -> Vec<String> {
        let found = rows(column("creditos", values).as_bytes());
        let number = |row| recipient(row).credits_earned.expect("a number").to_string();
        found.iter().map(number).collect()
    };
    assert_eq!(credits(&["6.5", "1.500", "0.125"]), ["6.5", "1.5", "0.125"]);
    assert_eq!(credits(&["6,5", "1,500", "1.234,5"]), ["6.5", "1.5", "1234.5"]);
    assert_eq!(credits(&["0,500", "1500", "1 234,5"]), ["0.5", "1500", "1234.5"]);
    // 1500 would be more than the template allows.
    let of = |values: &[&str]| {
        let mut definition = definition();
        for field in &mut definition.fields {
            field.max = field.max.or_else(|| Credits::parse("10"));
        }
        let file = column("creditos", values);
        let mut survey = Survey::begin(file.as_bytes(), terms(&definition)).expect("a header");
        let start = usize::try_from(survey.starts_at()).expect("small");
        survey.push(&file.as_bytes()[start..]).expect("rows");
        survey.finish().err().map(|fault| fault.code)
    };
    assert_eq!(of(&["1.500", "2.250"]), None);
    assert_eq!(of(&["6,5", "1.500"]), Some("ambiguous_numbers"));
    let said = survey(column("creditos", &["6,5", "1.500"]).as_bytes()).expect_err("a fault");
    assert!(said.es.contains("«1.500» son 1500"), "{}", said.es);
}

#[test]
fn what_a_spreadsheet_made_of_a_text_is_refused_by_its_cell() {
    for (name, field, value) in [
        ("periodo", "term", "feb-26"),
        ("periodo", "term", "Feb-26"),
        ("periodo", "term", "fev/26"),
        ("periodo", "term", "46054"),
        ("periodo", "term", "2026-02-01 00:00:00"),
        ("licencia", "license_number", "02-ene"),
        ("licencia", "license_number", "1-feb-26"),
        ("id externo", "external_id", "2-Jan"),
    ] {
        let found = rows(column(name, &[value, "2026-2"]).as_bytes());
        let fault = Fault::Cell(CellFault::MadeDate(field.to_owned(), value.to_owned()));
        assert_eq!(found[0].entry.recipient.clone().err(), Some(vec![fault]), "{value}");
        assert!(found[1].entry.recipient.is_ok(), "{name}");
        let said = faults_text(name, value);
        assert!(said.contains(value) && said.contains("formato de texto"), "{said}");
    }
    for (name, value) in [("licencia", "46054"), ("licencia", "MAR-26"), ("periodo", "2026-02")] {
        assert!(rows(column(name, &[value]).as_bytes())[0].entry.recipient.is_ok(), "{value}");
    }
}

#[test]
fn a_value_is_read_as_it_was_meant() {
    let file = "email;nombre;nota;licencia\r\na@x.cl;Ana;a;\"=\"\"00123\"\"\"\r\nb@x.cl;Luis; b ;'00123\r\nc@x.cl;Eva;6,0;\"=\"\"0012\"\"3\"\r\n";
    let found = rows(file.as_bytes());
    let read = |at: usize| {
        let read = recipient(&found[at]);
        (read.result_value.clone().expect("text"), read.license_number.clone().expect("text"))
    };
    assert_eq!(read(0), ("A".to_owned(), "00123".to_owned()));
    assert_eq!(read(1), ("B".to_owned(), "00123".to_owned()));
    assert_eq!(read(2).0, "6.0");
}

/// Dates as people report them of other importers.
#[test]
fn dates_that_others_swap_or_drop_are_read_or_refused() {
    assert_eq!(
        refused(&column("inicio", &["12/31/2026", "12/01/2026"])).map(|f| f.0),
        Some("month_first_dates")
    );
    assert_eq!(
        refused(&column("inicio", &["9/25/2017 12:00:00 AM"])).map(|f| f.0),
        Some("month_first_dates")
    );
    assert_eq!(
        refused(&column("inicio", &["02/01/2014", "31/12/2012", "12/31/2012"])).map(|f| f.0),
        Some("mixed_dates")
    );
    assert_eq!(dates(&["03/04/1991", "15/04/1991"]), ["1991-04-03", "1991-04-15"]);
    assert_eq!(dates(&["03/08/2026", "26/06/2026"]), ["2026-08-03", "2026-06-26"]);
    let as_written =
        ["01 NOV 2021", "29-Jun-2022", "20190516", "2020-09-07", "8.9.2020", "10 OCT 2021"];
    let read = ["2021-11-01", "2022-06-29", "2019-05-16", "2020-09-07", "2020-09-08", "2021-10-10"];
    assert_eq!(dates(&as_written), read);
    for wrong in ["13.03.21", "03-13-21", "45581", "31/02/2026", "2026-02-30", "Dec 31, 69"] {
        assert!(faults_text("inicio", wrong).contains(wrong), "{wrong}");
    }
}
