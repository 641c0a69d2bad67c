//! Cells as people and spreadsheets write them.

use std::borrow::Cow;

use crate::domain::{email::EmailAddress, lang::Lang};

/// The digits of a cell that was made a text by hand: `="00123"` and `'00123`. Any other cell as
/// it is.
pub fn digits_as_text(cell: &str) -> &str {
    let formula = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    let marked =
        cell.strip_prefix('\'').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    formula.filter(|text| !text.contains('"')).or(marked).unwrap_or(cell)
}

/// A text of one line: line breaks and tabs are one space.
pub fn one_line(cell: &str) -> Cow<'_, str> {
    let is_break = |c: char| matches!(c, '\r' | '\n' | '\t');
    if !cell.contains(is_break) {
        return Cow::Borrowed(cell);
    }
    let parts = cell.split(is_break).map(str::trim).filter(|part| !part.is_empty());
    Cow::Owned(parts.collect::<Vec<_>>().join(" "))
}

/// The address of a cell, as it is or from `Ana <ana@x.cl>` and `mailto:ana@x.cl`; none when the
/// cell holds several.
pub fn address(cell: &str) -> Option<&str> {
    if EmailAddress::parse(cell).is_ok() {
        return Some(cell);
    }
    let signs = |c: char| c.is_whitespace() || ",;/|<>()[]\"".contains(c);
    let mut addresses =
        cell.split(signs).map(without_scheme).filter(|part| EmailAddress::parse(part).is_ok());
    let Some(first) = addresses.next() else { return Some(cell) };
    if addresses.any(|other| !other.eq_ignore_ascii_case(first)) {
        return None;
    }
    let bracketed = cell.split_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    let inner = without_scheme(bracketed.unwrap_or(cell).trim());
    Some(if inner == first { first } else { cell })
}

fn without_scheme(text: &str) -> &str {
    match text.split_at_checked(7) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mailto:") => rest,
        _ => text,
    }
}

/// A number as JSON writes it, from one with a decimal point or comma, and with or without
/// separators of thousands: `6,5`, `1.234,5`, `1,234.5`, `1 234`. A single separator is the
/// decimal one. Any other grouping is no number: a stray dot must not turn 1 into 10.
pub fn number(text: &str) -> Option<String> {
    let text = text.trim();
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let separators = text.matches([',', '.']).count();
    // Several equal separators separate thousands.
    let decimal = text.rfind([',', '.']).filter(|at| {
        separators == 1 || text.get(*at..=*at).is_some_and(|c| text.matches(c).count() == 1)
    });
    let (whole, fraction) = match decimal {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, ""),
    };
    let groups: Vec<&str> = whole.split([',', '.', ' ', '\u{a0}', '\u{202f}']).collect();
    let grouped = match groups.as_slice() {
        [_] => true,
        [first, rest @ ..] => {
            (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3)
        }
        [] => false,
    };
    let whole = groups.concat();
    if !grouped || !digits(&whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty())
    {
        return None;
    }
    // JSON knows no leading zeros.
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// A name with the given names first, from one with the family names and a comma before them.
pub fn given_first(text: &str) -> String {
    match text.split_once(',') {
        Some((family, given)) if !given.contains(',') && !given.trim().is_empty() => {
            format!("{} {}", given.trim(), family.trim())
        }
        _ => text.to_owned(),
    }
}

/// The allowed value that a cell means: a spreadsheet writes `6.0` as `6` or `6,0`, and people
/// write `a` for `A`.
pub fn meant<'a>(cell: &'a str, allowed: &'a [String]) -> &'a str {
    if allowed.is_empty() || allowed.iter().any(|value| value == cell) {
        return cell;
    }
    let value = |text: &str| number(text)?.parse::<f64>().ok();
    let wanted = value(cell);
    let lower = cell.to_lowercase();
    let is_meant = |allowed: &&String| match wanted {
        Some(_) => value(allowed) == wanted,
        None => allowed.to_lowercase() == lower,
    };
    let mut equal = allowed.iter().filter(is_meant);
    match (equal.next(), equal.next()) {
        (Some(one), None) => one,
        _ => cell,
    }
}

/// Whether a spreadsheet shortened a long number (`1,23457E+11`, `2E+11`).
pub fn is_shortened(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let (whole, rest) = mantissa.split_once([',', '.']).unwrap_or((mantissa, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (whole.len() == 1 && digits(whole) && digits(rest))
        && exponent.strip_prefix('+').is_some_and(digits)
}

/// The tag of a language, from its name or a longer tag; any other text as it is.
pub fn language(text: &str) -> String {
    let lower = text.to_lowercase();
    match Lang::called(&lower) {
        Some(lang) => lang.tag().to_owned(),
        None => lower.split(['-', '_']).next().unwrap_or(&lower).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for text in ["6.5.", "12,5,", "1 5", "1.2345,6", ",", "-", "1,2,3", "6,5 "] {
            assert_eq!(number(text).is_some(), text == "6,5 ", "{text}");
        }
        let cases = [
            ("6", "6"),
            ("6,5", "6.5"),
            ("6.5", "6.5"),
            ("1.234,5", "1234.5"),
            ("1,234.5", "1234.5"),
            ("1.234.567", "1234567"),
            ("1 234,5", "1234.5"),
            ("007", "7"),
            ("0", "0"),
            ("0,25", "0.25"),
            (",5", "0.5"),
            ("1.234", "1.234"),
            ("-3", "-3"),
            ("6,", "6"),
        ];
        for (text, meant) in cases {
            assert_eq!(number(text).as_deref(), Some(meant), "{text}");
        }
        for bad in ["", "seis", "6h", "1e5", "-", ",", "6-5"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_number_of_a_spreadsheet_finds_the_value_that_is_meant() {
        let allowed = ["6.0".to_owned(), "6.5".to_owned(), "A".to_owned()];
        assert_eq!(meant("6", &allowed), "6.0");
        assert_eq!(meant("6,5", &allowed), "6.5");
        assert_eq!(meant("A", &allowed), "A");
        assert_eq!(meant("7", &allowed), "7");
        assert_eq!(meant("6", &["6.0".to_owned(), "6.00".to_owned()]), "6");
        assert_eq!(meant("a", &allowed), "A");
        let words = ["Aprobado", "Óptimo", "b", "B"].map(str::to_owned);
        for (cell, read) in [
            ("APROBADO", "Aprobado"),
            ("óptimo", "Óptimo"),
            ("optimo", "optimo"),
            ("B", "B"),
            ("aprobad", "aprobad"),
        ] {
            assert_eq!(meant(cell, &words), read);
        }
        assert_eq!(meant("C", &["c1".to_owned(), "ç".to_owned()]), "C");
    }

    #[test]
    fn an_address_is_read_as_mail_programs_write_it() {
        for (cell, read) in [
            ("ana@x.cl", Some("ana@x.cl")),
            ("Ana <ana@x.cl>", Some("ana@x.cl")),
            ("\"Soto, Ana\" <ana@x.cl>", Some("ana@x.cl")),
            ("<MAILTO:ana@x.cl>", Some("ana@x.cl")),
            ("mailto:ana@x.cl", Some("ana@x.cl")),
            ("ana@x.cl\nluis@x.cl", None),
            ("ana@x.cl; luis@x.cl", None),
            ("ana@x.cl / ana@y.cl", None),
            ("Ana <ana@x.cl>, Luis <luis@x.cl>", None),
            // None of these says which it is.
            ("ana@x.cl (casa)", Some("ana@x.cl (casa)")),
            ("no", Some("no")),
            ("ana@", Some("ana@")),
        ] {
            assert_eq!(address(cell), read, "{cell}");
        }
    }

    #[test]
    fn digits_that_were_made_a_text_keep_their_zeros() {
        for (cell, read) in [
            ("=\"00123\"", "00123"),
            ("'00123", "00123"),
            ("'t Hooft", "'t Hooft"),
            ("=\"a\"&\"b\"", "=\"a\"&\"b\""),
            ("=1+1", "=1+1"),
            ("'", "'"),
        ] {
            assert_eq!(digits_as_text(cell), read);
        }
        assert_eq!(one_line("Ana Maria\r\n  Perez\tSoto"), "Ana Maria Perez Soto");
    }

    #[test]
    fn a_shortened_number_is_known() {
        for text in ["1,23457E+11", "1.2E+5", "1.2e+05", "2E+11"] {
            assert!(is_shortened(text), "{text}");
        }
        for text in ["123", "E+5", "12E+3", "1.2E5", "AB1.2E+5", "1.2E+5a"] {
            assert!(!is_shortened(text), "{text}");
        }
    }
}
