use super::*;

fn shown(code: &str, number: f64) -> String {
    match Format::of(code).cell(number, false) {
        Cell::Number { shown, .. } => shown,
        other => format!("{other:?}"),
    }
}

#[test]
fn a_number_is_read_as_its_format_shows_it() {
    for (code, number, text) in [
        ("General", 12_345_678_901.0, "12345678901"),
        ("General", 6.5, "6.5"),
        ("General", 6.099_999_999_999_999, "6.1"),
        ("General", 0.1 + 0.2, "0.3"),
        ("General", -0.000_012, "-0.000012"),
        ("@", 5.0, "5"),
        ("00000;@", 123.0, "00123"),
        ("_-* #,##0.00\\ _€_-;-* #,##0.00\\ _€_-;_-* \"-\"??\\ _€_-;_-@_-", 1234.5, "1234.50"),
        ("#,##0_M_M_M;#,##0_M_M_M;_(@_M_M_M", 12.0, "12"),
        ("00000", 123.0, "00123"),
        ("00000", -123.0, "-00123"),
        ("0", 6.5, "7"),
        ("0.00", 6.5, "6.50"),
        ("0.0#", 6.5, "6.5"),
        ("#,##0", 1_234_567.0, "1234567"),
        ("#,##0.00", 1234.5, "1234.50"),
        ("#,", 1_500_000.0, "1500"),
        ("0%", 0.5, "50%"),
        ("0.0%", 0.1234, "12.3%"),
        ("0.00E+00", 12_345_678_901.0, "1.23E+10"),
        ("00\\.000\\.000\\-0", 123_456_785.0, "12.345.678-5"),
        ("##\".\"###\".\"###-0", 123_456_785.0, "12.345.678-5"),
        ("000-000", 123_456.0, "123-456"),
        ("\"RUT \"0", 5.0, "RUT 5"),
        ("[$€-407] #,##0.00", 5.0, "€ 5.00"),
        ("0;(0);\"cero\"", -5.0, "(5)"),
        ("0;(0);\"cero\"", 0.0, "cero"),
        ("[Red]0", 5.0, "5"),
        ("0_);(0)", 5.0, "5"),
        ("[>100]0;0.0", 5.0, "5.0"),
        ("[>=4]\"Aprobado\";\"Reprobado\"", 3.9, "Reprobado"),
        ("[>=4]\"Aprobado\";\"Reprobado\"", 4.0, "Aprobado"),
        ("[<4]\"Reprobado\";[<6.5]\"Aprobado\";\"Con distinción\"", 5.0, "Aprobado"),
        ("[<4]\"Reprobado\";[<6.5]\"Aprobado\";\"Con distinción\"", 7.0, "Con distinción"),
        ("[=1]0\" hora\";0\" horas\"", 1.0, "1 hora"),
        ("[=1]0\" hora\";0\" horas\"", 3.0, "3 horas"),
        ("General\" hrs\"", 12.5, "12.5 hrs"),
        ("[Red]General", 5.0, "5"),
        ("General;-General", -5.0, "-5"),
        ("0.00", 0.995, "1.00"),
        ("0", 999.5, "1000"),
        ("000 \"de\" 000", 123_456.0, "123 de 456"),
        ("#", 0.0, ""),
    ] {
        assert_eq!(shown(code, number), text, "{number} under {code}");
    }
}

/// How a number is shown decides what is signed: where that is not known, it is said.
#[test]
fn a_number_of_a_format_that_is_not_read_is_bare() {
    for (code, number) in [
        ("# ?/?", 0.5),
        ("# ??/100", 0.25),
        ("[DBNum1]0", 7.0),
        ("[$-D000000]0;[NatNum1]0", 7.0),
        ("[>=4]\"Aprobado\";\"Reprobado\"", -1.0),
        ("[>4]0;0;0", 2.0),
        ("[>4]0", 2.0),
        ("0 General", 2.0),
        ("[h]\" horas\"", 1.5),
        ("[mm]:ss.0", 0.5),
        ("[h]:mm", -1.0),
    ] {
        let cell = Format::of(code).cell(number, false);
        assert!(matches!(cell, Cell::Bare(_)), "{code}: {cell:?}");
    }
    for id in [5, 12, 13, 44] {
        let cell = Format::built_in(id).cell(0.5, false);
        assert!(matches!(cell, Cell::Bare(_)), "{id}: {cell:?}");
    }
}

#[test]
fn a_lasting_time_is_as_long_as_it_is_shown() {
    for (code, number, text) in [
        ("[h]:mm", 1.5, "36:00"),
        ("[hh]:mm:ss", 1.0 + 1.0 / 86_400.0, "24:00:01"),
        ("[mm]:ss", 0.125, "180:00"),
        ("[s]", 0.5, "43200"),
        ("[h]", 1.5, "36"),
        ("[hh]:mm;@", 1.5, "36:00"),
    ] {
        assert_eq!(Format::of(code).cell(number, false), Cell::Text(text.to_owned()), "{code}");
    }
    let built_in = Format::built_in(46).cell(1.5, false);
    assert_eq!(built_in, Cell::Text("36:00:00".to_owned()));
}

#[test]
fn a_day_is_a_day() {
    for code in [
        "yyyy-mm-dd",
        "d/m/yy",
        "[$-340A]d \"de\" mmmm \"de\" yyyy",
        "dd/mm/yyyy;@",
        "[$-340A]d \"de\" mmmm \"de\" yyyy;@",
        "[ENG][$-1009]d-mmm-yy;@",
        "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy",
        "dd/mm/yyyy hh:mm",
        "m/d/yy h:mm AM/PM",
    ] {
        assert_eq!(Format::of(code), Format::Date, "{code}");
    }
    for code in ["mmm-yy", "mmmm", "yyyy", "mm/yyyy", "dd/mm", "mmm yyyy;@", "dd hh:mm"] {
        assert_eq!(Format::of(code), Format::PartOfDate, "{code}");
    }
    for (id, known) in [(14, Format::Date), (16, Format::PartOfDate), (17, Format::PartOfDate)] {
        assert_eq!(Format::built_in(id), known, "{id}");
    }
    for code in ["h:mm", "mm:ss", "h:mm AM/PM"] {
        assert_eq!(Format::of(code), Format::Time, "{code}");
    }
    for (number, since_1904, text) in [
        (46_341.0, false, Some("2026-11-15")),
        (46_341.99, false, Some("2026-11-15")),
        (44_879.0, true, Some("2026-11-15")),
        (1.0, false, Some("1900-01-01")),
        (59.0, false, Some("1900-02-28")),
        (60.0, false, None),
        (61.0, false, Some("1900-03-01")),
        (0.5, false, None),
        (-1.0, false, None),
        (1e12, false, None),
    ] {
        assert_eq!(day(number, since_1904).as_deref(), text, "{number}");
    }
    assert_eq!(Format::Time.cell(0.5625, false), Cell::Text("13:30".to_owned()));
}

#[test]
fn digits_that_a_spreadsheet_does_not_keep_are_lost() {
    let cell = Format::General.cell(12_345_678_901_234_567.0, false);
    assert_eq!(cell, Cell::Long("12345678901234600".to_owned()));
    assert_eq!(Format::General.cell(1e300, false), Cell::Long("1E+300".to_owned()));
}

#[test]
fn no_format_takes_long_or_breaks() {
    let mut random = fastrand::Rng::with_seed(7);
    let signs: Vec<char> = "0#?.,%;E+-@_*\\\"[]$ymdhsGa/()é€ ".chars().collect();
    for _ in 0..20_000 {
        let code: String = (0..random.usize(0..20)).filter_map(|_| random.choice(&signs)).collect();
        for number in [0.0, -0.0, 0.5, -1.5, 123.456, 1e14, 1e-30, f64::MAX, f64::NAN] {
            Format::of(&code).cell(number, random.bool());
        }
    }
    assert_eq!(Format::of(&"0".repeat(100)), Format::Unread);
}
