//! Example files, opened and saved by spreadsheets as these are known to do it.

use super::*;
use crate::domain::template::Field;

#[derive(Clone, Copy, Debug)]
enum Program {
    ExcelEn,
    ExcelEs,
    /// LibreOffice: formulas of a file stay texts, ISO days stay as they are, others lose a century.
    CalcEs,
}

use Program::{CalcEs, ExcelEn, ExcelEs};

fn number(text: &str) -> Option<u32> {
    (1..=4).contains(&text.len()).then(|| text.parse().ok()).flatten()
}

/// A day as a spreadsheet shows it.
fn day([year, month, day]: [u32; 3], program: Program) -> Option<String> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some(match program {
        ExcelEn => format!("{month}/{day}/{year}"),
        ExcelEs => format!("{day:02}/{month:02}/{year}"),
        CalcEs => format!("{day:02}/{month:02}/{:02}", year % 100),
    })
}

/// What a spreadsheet takes for a date, as it shows it.
fn date(cell: &str, program: Program) -> Option<String> {
    const MONTHS: [[&str; 12]; 2] = [
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
    ];
    let months = MONTHS[usize::from(!matches!(program, ExcelEn))];
    let is_excel = !matches!(program, CalcEs);
    let name = |month: u32| months.get(usize::try_from(month).ok()?.checked_sub(1)?);
    let parts: Vec<&str> = cell.split(['-', '/', ' ', '.']).collect();
    let numbers: Vec<Option<u32>> = parts.iter().map(|part| number(part)).collect();
    match numbers.as_slice() {
        [Some(year), Some(_), Some(_)] if *year > 31 && !is_excel => None,
        [Some(year), Some(month), Some(of)] if *year > 31 => day([*year, *month, *of], program),
        [Some(first), Some(second), Some(year)] => match program {
            ExcelEn => day([*year, *first, *second], program),
            ExcelEs | CalcEs => day([*year, *second, *first], program),
        },
        [Some(year), Some(month)] if *year > 31 && is_excel => {
            Some(format!("{}-{:02}", name(*month)?, year % 100))
        }
        [Some(first), Some(second)] if is_excel && !cell.contains('.') => match program {
            ExcelEn => Some(format!("{second}-{}", name(*first)?)),
            _ => Some(format!("{first:02}-{}", name(*second)?)),
        },
        [None, Some(year)] if is_excel => {
            let word = parts[0].to_lowercase();
            let month = months.iter().position(|month| word.starts_with(month))?;
            Some(format!("{}-{:02}", months[month], year % 100))
        }
        _ => None,
    }
}

/// A cell after it was opened and saved.
fn saved(cell: &str, program: Program) -> String {
    let text = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    if let (Some(text), ExcelEn | ExcelEs) = (text, program) {
        return text.to_owned();
    }
    let point = if matches!(program, ExcelEn) { '.' } else { ',' };
    let is_number = cell.chars().all(|c| c.is_ascii_digit() || c == point)
        && cell.contains(|c: char| c.is_ascii_digit())
        && cell.matches(point).count() <= 1;
    if is_number {
        let (whole, rest) = cell.split_once(point).unwrap_or((cell, ""));
        if whole.len() > 11 {
            return format!("{}{point}{}E+{}", &whole[..1], &whole[1..6], whole.len() - 1);
        }
        let whole = whole.trim_start_matches('0');
        let rest = rest.trim_end_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        return if rest.is_empty() { whole.to_owned() } else { format!("{whole}{point}{rest}") };
    }
    if ["true", "false", "verdadero", "falso"].contains(&cell.to_lowercase().as_str()) {
        return cell.to_uppercase();
    }
    date(cell, program).unwrap_or_else(|| cell.to_owned())
}

/// A file after it was opened and saved; the list separator stays the one that the program opened.
fn resaved(file: &str, program: Program) -> Vec<u8> {
    let text = file.trim_start_matches('\u{feff}');
    let delimiter = if text.lines().next().expect("a header").contains(';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    for record in reader.records() {
        let cells = record.expect("CSV");
        writer.write_record(cells.iter().map(|cell| saved(cell, program))).expect("written");
    }
    [b"\xef\xbb\xbf".as_slice(), &writer.into_inner().expect("written")].concat()
}

#[test]
fn spreadsheets_change_what_they_are_known_to_change() {
    for (program, cell, changed) in [
        (ExcelEn, "00123", "123"),
        (ExcelEs, "2026-2", "feb-26"),
        (ExcelEn, "2026-08-17", "8/17/2026"),
        (CalcEs, "2026-08-17", "2026-08-17"),
        (CalcEs, "17/08/2026", "17/08/26"),
        (ExcelEn, "1/2", "2-jan"),
        (ExcelEs, "7,0", "7"),
        (ExcelEs, "mar-2026", "mar-26"),
        (ExcelEn, "=\"00123\"", "00123"),
        (ExcelEn, "20260817", "20260817"),
        (ExcelEs, "123456789012", "1,23456E+11"),
        (ExcelEs, "verdadero", "VERDADERO"),
        (ExcelEn, "LIC-00123", "LIC-00123"),
    ] {
        assert_eq!(saved(cell, program), changed, "{program:?}");
    }
}

#[test]
fn an_example_that_a_spreadsheet_saved_issues_the_same() {
    let fields: Vec<serde_json::Value> =
        FieldName::ALL.iter().map(|field| serde_json::json!({ "name": field })).collect();
    let lists: [&[&str]; 8] = [
        &[],
        &["A", "B"],
        &["2026-1", "2026-2"],
        &["1.0", "6.5", "7.0"],
        &["1/2", "00123", "12345678901234"],
        &["VERDADERO", "mar-26", "10:30"],
        &["verdadero", "falso"],
        &["90%", "Aprobado"],
    ];
    for list in lists {
        let body =
            serde_json::json!({ "name": "Curso", "description": "Un curso", "fields": fields });
        let body = Fields::of_body(body.to_string().as_bytes()).expect("an object");
        let mut definition = Definition::read(body).expect("a definition").0;
        for Field { name, allowed_values, max, .. } in &mut definition.fields {
            if matches!(name, FieldName::ResultValue | FieldName::Term | FieldName::LicenseNumber) {
                *allowed_values = list.iter().map(|&value| value.to_owned()).collect();
            }
            if *name == FieldName::CreditsEarned && list.len() > 1 {
                *max = crate::domain::credits::Credits::parse("2.5");
            }
        }
        let read = |file: &[u8]| -> Vec<Recipient> {
            let mut survey = Survey::begin(file, terms(&definition)).expect("a header");
            let start = usize::try_from(survey.starts_at()).expect("small");
            survey.push(file.get(start..).expect("rows")).expect("rows");
            let format = survey.finish().expect("a file").format;
            let mut reader = Rows::new(&format, &definition, format.start);
            let mut rows = reader.push(file.get(start..).expect("rows")).expect("rows");
            rows.extend(reader.finish().expect("rows"));
            let text = String::from_utf8_lossy(file);
            rows.into_iter()
                .map(|row| row.entry.recipient.unwrap_or_else(|faults| panic!("{faults:?} {text}")))
                .collect()
        };
        for lang in [Lang::Es, Lang::En] {
            let file = offered::example(&definition, lang);
            let before = read(file.as_bytes());
            assert_eq!(before.len(), 2);
            assert!(
                before.iter().all(|recipient| definition.check(recipient).is_empty()),
                "{file}"
            );
            for program in [ExcelEn, ExcelEs, CalcEs] {
                let again = resaved(&file, program);
                let shown = String::from_utf8_lossy(&again);
                assert!(read(&again) == before, "{program:?}\n{file}\n{shown}");
            }
        }
    }
}
