//! Dates as people and spreadsheets write them, in Spanish, English and Portuguese; and what a
//! spreadsheet makes of a text that it takes for a date.

use std::str::FromStr;

use jiff::civil::Date;

use crate::domain::text::plain;

/// Longest text of a date.
const MAX_DATE: usize = 60;

/// The names of the months, [`plain`].
const MONTHS: [&[&str]; 12] = [
    &["ene", "enero", "jan", "january", "janeiro"],
    &["feb", "febrero", "february", "fev", "fevereiro"],
    &["mar", "marzo", "march", "marco"],
    &["abr", "abril", "apr", "april"],
    &["may", "mayo", "mai", "maio"],
    &["jun", "junio", "june", "junho"],
    &["jul", "julio", "july", "julho"],
    &["ago", "agosto", "aug", "august"],
    &["sep", "sept", "set", "septiembre", "setiembre", "september", "setembro"],
    &["oct", "octubre", "october", "out", "outubro"],
    &["nov", "noviembre", "november", "novembro"],
    &["dic", "diciembre", "dec", "december", "dez", "dezembro"],
];
/// Words of a date that say nothing of its day.
const BETWEEN: [&str; 6] = ["de", "del", "of", "the", "dia", "feira"];
/// The beginnings of the days of the week, which may stand before a date.
const WEEKDAYS: [&str; 19] = [
    "lun", "mar", "mie", "jue", "vie", "sab", "dom", "mon", "tue", "wed", "thu", "fri", "sat",
    "sun", "seg", "ter", "qua", "qui", "sex",
];

/// A date of three numbers, the year last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numeric {
    first: i16,
    second: i16,
    year: i16,
    separator: char,
}

/// What the numbers of a date say of their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The day comes first.
    DayFirst,
    /// The month comes first.
    MonthFirst,
    /// Either is a day of the calendar, and another one.
    Open,
    /// No date, or the same day either way.
    None,
}

impl Numeric {
    /// Reads a text; a time after the date is left out.
    pub fn of(text: &str) -> Option<Self> {
        let text = without_time(text);
        let separator = text.chars().find(|c| matches!(c, '/' | '-' | '.'))?;
        let parts: Vec<&str> = text.split(separator).collect();
        let [first, second, year] = parts.as_slice() else { return None };
        (year.len() == 4).then_some(Self {
            first: digits(first, 2)?,
            second: digits(second, 2)?,
            year: digits(year, 4)?,
            separator,
        })
    }

    /// What its numbers say of their order.
    pub fn order(self) -> Order {
        let Self { first, second, separator, .. } = self;
        let month = |n: i16| (1..=12).contains(&n);
        let day = |n: i16| (13..=31).contains(&n);
        match () {
            () if day(first) && month(second) => Order::DayFirst,
            () if month(first) && day(second) => Order::MonthFirst,
            // Nobody writes the month first before a dot.
            () if month(first) && month(second) && first != second && separator != '.' => {
                Order::Open
            }
            () => Order::None,
        }
    }
}

/// A day as `YYYY-MM-DD`, from that form, `YYYYMMDD`, numbers with `/`, `-` or `.` between them,
/// or day, named month and year; a time after it is left out. The year has four digits, and of
/// numbers the day precedes the month.
pub fn date(text: &str) -> Option<String> {
    if text.len() > MAX_DATE {
        return None;
    }
    let text = without_time(text.trim());
    let date = parse_date(text).or_else(|| year_first(text)).or_else(|| {
        let Some(Numeric { first, second, year, .. }) = Numeric::of(text) else {
            return named(text);
        };
        day(year, second, first)
    })?;
    Some(date.to_string())
}

fn digits(part: &str, most: usize) -> Option<i16> {
    let fits = (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| part.parse().ok()).flatten()
}

fn day(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// `2026/11/15`, `2026.11.15`, `2026-11-5`, `20261115`.
fn year_first(text: &str) -> Option<Date> {
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        let part = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
        return day(part(0, 4)?, part(4, 6)?, part(6, 8)?);
    }
    let separator = text.chars().find(|c| matches!(c, '/' | '-' | '.'))?;
    let parts: Vec<&str> = text.split(separator).collect();
    let [year, month, of_month] = parts.as_slice() else { return None };
    (year.len() == 4).then_some(())?;
    day(digits(year, 4)?, digits(month, 2)?, digits(of_month, 2)?)
}

/// A date without the time after it.
fn without_time(text: &str) -> &str {
    let Some(colon) = text.find(':') else { return text };
    let (before, _) = text.split_at(colon);
    let Some(start) = before.rfind([' ', 'T', '\u{a0}']) else { return text };
    let time = text.get(start..).unwrap_or_default();
    let of_time = |c: char| c.is_ascii_digit() || c.is_whitespace() || "T:.,+-ZzaApPmM".contains(c);
    if time.chars().all(of_time) {
        before.get(..start).unwrap_or(text).trim_end_matches([',', ' '])
    } else {
        text
    }
}

fn month(word: &str) -> Option<i16> {
    let at = MONTHS.iter().position(|names| names.contains(&word))?;
    i16::try_from(at + 1).ok()
}

/// `15-nov-2026`, `15 de noviembre de 2026`, `domingo, 1º de março de 2026`, `November 15th, 2026`.
fn named(text: &str) -> Option<Date> {
    let plain = plain(text);
    let mut words: Vec<&str> = plain.split(' ').filter(|word| !BETWEEN.contains(word)).collect();
    if words.len() == 4 && words.first().is_some_and(|word| is_weekday(word)) {
        words.remove(0);
    }
    let number = |word: &str, most| digits(word, most);
    let ordinal = |word: &str| {
        let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        let (number, ending) = word.split_at(end);
        let known = matches!(ending, "" | "st" | "nd" | "rd" | "th" | "o" | "a" | "er" | "ro");
        digits(number, 2).filter(|_| known)
    };
    let year = |word: &str| number(word, 4).filter(|_| word.len() == 4);
    let [a, b, c] = words.as_slice() else { return None };
    match (month(a), month(b)) {
        (None, Some(month)) => match year(a) {
            Some(year) => day(year, month, ordinal(c)?),
            None => day(year(c)?, month, ordinal(a)?),
        },
        (Some(month), None) => day(year(c)?, month, ordinal(b)?),
        _ => None,
    }
}

fn is_weekday(word: &str) -> bool {
    word.chars().all(char::is_alphabetic)
        && word.len() <= 9
        && WEEKDAYS.iter().any(|day| word.starts_with(day))
}

/// Whether a spreadsheet took a text for a date and wrote it its own way: `2026-2` is `feb-26` or
/// `Feb-26`, `2-1` is `02-ene`. No person writes these; one who writes `MAR-26` may mean a code.
pub fn is_made(text: &str) -> bool {
    if text.len() > MAX_DATE {
        return false;
    }
    let midnight = [" 00:00:00", " 0:00:00", "T00:00:00"];
    if midnight.iter().any(|end| text.strip_suffix(end).is_some_and(|day| date(day).is_some())) {
        return true;
    }
    let Some(separator) = text.chars().find(|c| matches!(c, '-' | '/')) else { return false };
    let parts: Vec<&str> = text.split(separator).collect();
    let short = is_short_month;
    let two = |part: &str| digits(part, 2).is_some();
    match parts.as_slice() {
        [a, b] => (short(a) && two(b) && b.len() == 2) || (two(a) && short(b)),
        [a, b, c] => two(a) && short(b) && two(c) && c.len() == 2,
        _ => false,
    }
}

/// Whether a text that is no date by its meaning is one all the same: a whole day, its number, or a
/// month as a spreadsheet writes it. `MAR-26` and `marzo 2026` are names of terms.
pub fn is_a_date(text: &str) -> bool {
    let has_digits_alone = text.bytes().all(|b| b.is_ascii_digit());
    is_made(text) || is_month(text) || (!has_digits_alone && date(text).is_some())
}

/// `Feb-2026`.
fn is_month(text: &str) -> bool {
    let Some((month, year)) = text.split_once(['-', '/']) else { return false };
    month.len() <= MAX_DATE && is_short_month(month) && digits(year, 4).is_some() && year.len() == 4
}

/// The short name of a month, as a spreadsheet writes it: no capitals but the first.
fn is_short_month(part: &str) -> bool {
    let name = plain(part);
    let own = name.len() <= 4 && (month(&name).is_some() || FURTHER.contains(&name.as_str()));
    own && part.chars().skip(1).all(|c| !c.is_uppercase())
}

/// Short names of months of further languages in which spreadsheets run.
const FURTHER: [&str; 10] =
    ["janv", "fevr", "mars", "avr", "juin", "juil", "aout", "mrz", "okt", "gen"];

/// Whether a text is the number that a spreadsheet keeps for a day of this century.
pub fn is_serial(text: &str) -> bool {
    text.len() == 5 && text.parse::<u32>().is_ok_and(|days| (36_526..=73_050).contains(&days))
}

/// Reads `YYYY-MM-DD`, exactly.
pub fn parse_date(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    if shape { Date::from_str(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_the_forms_of_people_and_spreadsheets() {
        for text in [
            "2026-11-15",
            "15/11/2026",
            "15-11-2026",
            "15.11.2026",
            "2026/11/15",
            "20261115",
            "15/11/2026 0:00:00",
            "15/11/2026 12:00 a. m.",
            "15/11/2026, 10:00:00 PM",
            "2026-11-15T00:00:00Z",
            "2026-11-15 00:00:00.000",
            "2026-11-15T23:30:00-03:00",
            "15-nov-2026",
            "15 nov. 2026",
            "15/nov/2026",
            "15-NOV-2026",
            "2026-nov-15",
            "15 de noviembre de 2026",
            "15 de Noviembre del 2026",
            "15 noviembre 2026",
            "domingo, 15 de noviembre de 2026",
            "dom 15 nov 2026",
            "dom., 15 nov. 2026",
            "November 15, 2026",
            "Nov 15, 2026",
            "15 November 2026",
            "15th of November 2026",
            "Sunday, November 15, 2026",
            "the 15th of November, 2026",
            "Nov. 15th, 2026",
            "15 de novembro de 2026",
            "15 de nov. de 2026",
            "domingo, 15 de novembro de 2026",
            "15º de noviembre de 2026",
            "15 nov 2026 00:00",
        ] {
            assert_eq!(date(text).as_deref(), Some("2026-11-15"), "{text}");
        }
        for (text, read) in [
            ("5/1/2026", "2026-01-05"),
            ("1º de março de 2026", "2026-03-01"),
            ("1° de marzo de 2026", "2026-03-01"),
            ("mar 3 mar 2026", "2026-03-03"),
            ("terça-feira, 3 de fevereiro de 2026", "2026-02-03"),
            ("3-ago-2026", "2026-08-03"),
            ("3 set 2026", "2026-09-03"),
            ("31-dez-2026", "2026-12-31"),
            ("May 1st 2026", "2026-05-01"),
            ("15/11/0206", "0206-11-15"),
        ] {
            assert_eq!(date(text).as_deref(), Some(read), "{text}");
        }
        for bad in [
            "11/15/2026",
            "31/2/2026",
            "15/11/26",
            "15-nov-26",
            "nov-26",
            "46341",
            "mañana",
            "15/11",
            "1/2/3/2026",
            "31 de febrero de 2026",
            "15 de nob de 2026",
            "15 noviembre",
            "2026",
            "noviembre 2026",
            "15/11/2026 (aprox.)",
            "15/11-2026",
            "",
            "15 11 2026",
            "20261315",
            "15 de noviembre de 2026 y 16",
            "marzo mayo 2026",
            "99991",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_a_spreadsheet_made_of_a_text_is_known() {
        for text in [
            "feb-26",
            "Feb-26",
            "fev/26",
            "02-ene",
            "2-Jan",
            "1-feb-26",
            "01-Mar-26",
            "sept-26",
            "2026-02-01 00:00:00",
            "01/02/2026 0:00:00",
            "févr-26",
            "abr-10",
        ] {
            assert!(is_made(text), "{text}");
        }
        for text in [
            "2026-2",
            "2026-02",
            "MAR-26",
            "SEP-2026",
            "mar-2026",
            "feb 26",
            "marzo-26",
            "sem-26",
            "2-2026",
            "12-345",
            "A-1",
            "mar",
            "26",
            "2026-02-01",
            "01/02/2026",
            "Q1-26",
            "dec-1",
            "Ana-Mar",
            "14-mar-2026",
        ] {
            assert!(!is_made(text), "{text}");
        }
        for text in [
            "Feb-2026",
            "feb/2026",
            "01/02/2026",
            "1-2-2026",
            "2026-02-01",
            "2026-02-01 00:00:00",
            "2026-02-01T00:00:00",
            "15-nov-2026",
            "15 de noviembre de 2026",
        ] {
            assert!(is_a_date(text), "{text}");
        }
        for text in [
            "2026-2",
            "2026-02",
            "2026/1",
            "MAR-2026",
            "marzo 2026",
            "Otoño 2026",
            "20260201",
            "2026",
            "T1-2026",
            "I-2026",
            "1-2026",
            "mar",
            "",
        ] {
            assert!(!is_a_date(text), "{text}");
        }
        assert!(is_serial("45981") && !is_serial("00123") && !is_serial("12345"));
    }

    #[test]
    fn an_order_is_proven_by_a_number_that_is_no_month() {
        let order = |text: &str| Numeric::of(text).map_or(Order::None, Numeric::order);
        for (text, wanted) in [
            ("15/11/2026", Order::DayFirst),
            ("11/15/2026", Order::MonthFirst),
            ("11-15-2026 10:00", Order::MonthFirst),
            ("11/05/2026", Order::Open),
            ("1-2-2026", Order::Open),
            ("05/05/2026", Order::None),
            ("11.05.2026", Order::None),
            ("2026-11-05", Order::None),
            ("11/05/26", Order::None),
            ("32/13/2026", Order::None),
            ("0/5/2026", Order::None),
            ("", Order::None),
        ] {
            assert_eq!(order(text), wanted, "{text}");
        }
    }
}
