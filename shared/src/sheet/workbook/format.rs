//! Formats of numbers (ECMA-376, 18.8.30 and 18.8.31), as far as they say what a number is and how it
//! is shown. A number is written with a decimal point and without separators of thousands, whatever
//! the locale of who opens the file.

mod condition;
mod moments;

use self::{
    condition::Condition,
    moments::{day, lasting, time},
};
use super::cell::Cell;

/// Digits that a spreadsheet keeps of a number.
const DIGITS: usize = 15;
/// Numbers from here on have more digits than that.
const BEYOND: f64 = 1e15;
/// Longest format that is looked at, in bytes: Excel's limit is 255 characters.
const MAX_CODE: usize = 1_024;
/// Most digits of a placeholder's part.
const MAX_PLACES: usize = 60;

/// The format of a number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Format {
    /// None: the number is written out.
    #[default]
    General,
    /// One that is not read, a fraction's for instance: how the number is shown is not known.
    Unread,
    /// A day, with a time or without.
    Date,
    /// A day of which only a part is shown: `yyyy`, `mmm-yy`.
    PartOfDate,
    /// A time of day.
    Time,
    /// A lasting time, by the letters of its parts: `hms`, `hm`, `h`, `ms`, `m` or `s`.
    Lasting(&'static str),
    /// Another one.
    Number(Box<Sections>),
}

/// The parts of a format: of numbers above zero, below it, and of zero; or the conditions of each.
type Sections = (Section, Option<Section>, Option<Section>);

/// A part of a format.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Section {
    before: String,
    after: String,
    /// Least and most digits before the point; the signs among them, from the right.
    whole: usize,
    among: Vec<(usize, String)>,
    /// Least and most digits after it.
    least: usize,
    most: usize,
    /// The number is multiplied by 10 to the power of so many.
    scale: i32,
    /// Least digits of the exponent.
    exponent: Option<usize>,
    /// Whether it has a place for digits.
    has_digits: bool,
    /// Whether this place is of a number that is written out.
    general: bool,
    /// The numbers that it is for.
    condition: Option<Condition>,
}

impl Format {
    /// One of the formats that every workbook knows by number.
    pub fn built_in(id: u32) -> Self {
        match id {
            16 | 17 => Self::PartOfDate,
            14 | 15 | 22 | 27..=31 | 36 | 50..=54 | 57 | 58 => Self::Date,
            18..=21 | 32..=35 | 45 | 47 | 55 | 56 => Self::Time,
            46 => Self::of("[h]:mm:ss"),
            // The currency is that of who opens the file; the others are fractions.
            5..=8 | 42 | 44 | 12 | 13 => Self::Unread,
            1 => Self::of("0"),
            2 => Self::of("0.00"),
            3 | 37 | 38 | 41 => Self::of("#,##0"),
            4 | 39 | 40 | 43 => Self::of("#,##0.00"),
            9 => Self::of("0%"),
            10 => Self::of("0.00%"),
            11 => Self::of("0.00E+00"),
            48 => Self::of("##0.0E+0"),
            _ => Self::General,
        }
    }

    /// Reads a format.
    pub fn of(code: &str) -> Self {
        if code.len() > MAX_CODE {
            return Self::Unread;
        }
        let Some(tokens) = tokens(code) else { return Self::Unread };
        // A part of texts says nothing of numbers.
        let of_numbers = |part: &&[Token]| !part.contains(&Token::AsText);
        let parts = || tokens.split(|token| *token == Token::Next).filter(of_numbers);
        if let Some(moment) = parts().find_map(moment) {
            return moment;
        }
        let mut sections = parts().map(Section::of);
        let first = match sections.next() {
            Some(Some(first)) => first,
            Some(None) => return Self::Unread,
            None => return Self::General,
        };
        let (below, zero) = (sections.next(), sections.next());
        if matches!(below, Some(None)) || matches!(zero, Some(None)) {
            return Self::Unread;
        }
        Self::Number(Box::new((first, below.flatten(), zero.flatten())))
    }

    /// The cell of a number; `since_1904` says from when its days are counted.
    pub fn cell(&self, number: f64, since_1904: bool) -> Cell {
        if !number.is_finite() {
            return Cell::Error("#NUM!".to_owned());
        }
        let value = written_out(number);
        match self {
            Self::Date => match day(number, since_1904) {
                Some(date) => Cell::Date(date),
                None => Cell::Bare(value),
            },
            Self::PartOfDate => match day(number, since_1904) {
                Some(date) => Cell::PartOfDate(date),
                None => Cell::Bare(value),
            },
            Self::Time => Cell::Text(time(number)),
            Self::Lasting(parts) => match lasting(number, parts) {
                Some(text) => Cell::Text(text),
                None => Cell::Bare(value),
            },
            _ if number.abs() >= BEYOND => Cell::Long(value),
            Self::General => Cell::Number { shown: value.clone(), value },
            Self::Unread => Cell::Bare(value),
            Self::Number(sections) => match shown(sections, number) {
                Some(shown) => Cell::Number { shown, value },
                None => Cell::Bare(value),
            },
        }
    }
}

/// A number as it is shown; none where that is not known.
fn shown((first, below, zero): &Sections, number: f64) -> Option<String> {
    let part = |of: &Option<Section>| of.as_ref().map(|part| (part.condition, part.shown(number)));
    let conditions = [Some(first), below.as_ref(), zero.as_ref()].into_iter().flatten();
    if conditions.clone().any(|part| part.condition.is_some()) {
        // The sign of a number below zero depends on what its condition says of zero.
        let holds = |only: Option<Condition>| only.is_some_and(|only| only.holds(number));
        return match (first.condition, part(below), part(zero)) {
            (None, ..) => None,
            _ if number < 0.0 => None,
            (only, ..) if holds(only) => Some(first.shown(number)),
            (_, Some((None, other)), None) => Some(other),
            (_, Some((only, second)), _) if holds(only) => Some(second),
            (_, Some((Some(_), _)), Some((None, other))) => Some(other),
            _ => None,
        };
    }
    Some(match (below, zero) {
        (_, Some(zero)) if number == 0.0 => zero.shown(0.0),
        (Some(below), _) if number < 0.0 => below.shown(-number),
        _ if number < 0.0 => format!("-{}", first.shown(-number)),
        _ => first.shown(number),
    })
}

/// A sign of a format.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Literal(String),
    /// A place that is always filled, and one that may be empty.
    Zero,
    Hash,
    Point,
    Comma,
    Percent,
    Exponent,
    /// A letter of a day or a time, in lower case.
    Moment(char),
    /// The greatest part of a lasting time.
    Lasting(char),
    /// A number that is written out.
    General,
    /// The numbers that a section is for.
    Condition(Condition),
    /// The text of a cell, which is no number.
    AsText,
    /// Another section begins.
    Next,
}

/// The signs of a format; none of one that is not read: fractions, digits of other scripts.
fn tokens(code: &str) -> Option<Vec<Token>> {
    let (mut tokens, mut chars) = (Vec::new(), code.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' => tokens.push(Token::Literal(chars.by_ref().take_while(|c| *c != '"').collect())),
            '\\' => tokens.push(Token::Literal(chars.next()?.to_string())),
            // As wide as the character after it, and filled with it.
            '_' | '*' => {
                chars.next();
            }
            '[' => {
                bracket(&chars.by_ref().take_while(|c| *c != ']').collect::<String>(), &mut tokens)?
            }
            '0' => tokens.push(Token::Zero),
            '#' | '?' => tokens.push(Token::Hash),
            '.' => tokens.push(Token::Point),
            ',' => tokens.push(Token::Comma),
            '%' => tokens.push(Token::Percent),
            ';' => tokens.push(Token::Next),
            'E' | 'e' if matches!(chars.peek(), Some('+' | '-')) => {
                chars.next();
                tokens.push(Token::Exponent);
            }
            'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' => {
                tokens.push(Token::Moment(c.to_ascii_lowercase()));
            }
            'a' | 'A' if begins(&chars, "m/pm") => {
                let _ = chars.by_ref().nth(3);
                tokens.push(Token::Moment('h'));
            }
            '@' => tokens.push(Token::AsText),
            'g' | 'G' if begins(&chars, "eneral") => {
                let _ = chars.by_ref().nth(5);
                tokens.push(Token::General);
            }
            'g' | 'G' => return None,
            '/' if !tokens.iter().any(|token| matches!(token, Token::Moment(_))) => return None,
            other => tokens.push(Token::Literal(other.to_string())),
        }
    }
    Some(tokens)
}

/// Whether characters go on with a text, in any case.
fn begins(chars: &std::iter::Peekable<std::str::Chars<'_>>, text: &str) -> bool {
    chars.clone().zip(text.chars()).filter(|(c, t)| c.eq_ignore_ascii_case(t)).count() == text.len()
}

/// Reads what stands in brackets: a colour, a currency, a locale, a lasting time, a condition.
fn bracket(text: &str, tokens: &mut Vec<Token>) -> Option<()> {
    let lower = text.to_ascii_lowercase();
    if let Some(currency) = text.strip_prefix('$') {
        let sign = currency.split('-').next().unwrap_or_default();
        if !sign.is_empty() {
            tokens.push(Token::Literal(sign.to_owned()));
        }
    } else if let Some(part @ ('h' | 'm' | 's')) = lower.chars().next()
        && lower.chars().all(|c| c == part)
    {
        tokens.push(Token::Lasting(part));
    } else if text.starts_with(['<', '>', '=']) {
        tokens.push(Token::Condition(Condition::of(text)?));
    } else if lower.starts_with("dbnum") || lower.starts_with("natnum") {
        return None;
    }
    Some(())
}

/// The format of a lasting time; units that are written out, days and parts of seconds are not read.
fn lasting_of(tokens: &[Token]) -> Format {
    let mut parts = String::new();
    for token in tokens {
        match token {
            Token::Lasting(part) | Token::Moment(part) if !parts.ends_with(*part) => {
                parts.push(*part);
            }
            Token::Moment(_) => {}
            Token::Literal(sign) if sign == ":" => {}
            _ => return Format::Unread,
        }
    }
    let known = ["hms", "hm", "h", "ms", "m", "s"].into_iter().find(|known| *known == parts);
    known.map_or(Format::Unread, Format::Lasting)
}

/// Whether a format is of days or of times: `m` alone is a month.
fn moment(tokens: &[Token]) -> Option<Format> {
    if tokens.iter().any(|token| matches!(token, Token::Lasting(_))) {
        return Some(lasting_of(tokens));
    }
    let has = |wanted: &[char]| {
        tokens.iter().any(|token| matches!(token, Token::Moment(c) if wanted.contains(c)))
    };
    // Beside hours `m` may be minutes, with a day and a year it is the month in any case.
    let parts = [&['y'][..], &['m'], &['d']];
    match parts.iter().filter(|part| has(part)).count() {
        3 => Some(Format::Date),
        _ if has(&['y', 'd']) => Some(Format::PartOfDate),
        _ if has(&['h', 's']) => Some(Format::Time),
        0 => None,
        _ => Some(Format::PartOfDate),
    }
}

impl Section {
    fn of(tokens: &[Token]) -> Option<Self> {
        let is_place = |token: &Token| matches!(token, Token::Zero | Token::Hash | Token::General);
        let mut section = Self::default();
        let mut after_point = false;
        // Commas after the last place divide by a thousand each.
        let last = tokens.iter().rposition(is_place);
        let mut among: Vec<(usize, String)> = Vec::new();
        let mut seen = 0;
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Literal(text) => match last {
                    Some(last) if seen > 0 && at < last && section.exponent.is_none() => {
                        if after_point {
                            return None;
                        }
                        among.push((seen, text.clone()));
                    }
                    Some(last) if at < last => section.before.push_str(text),
                    Some(_) => section.after.push_str(text),
                    None => section.before.push_str(text),
                },
                Token::Zero | Token::Hash => {
                    section.has_digits = true;
                    let zero = usize::from(*token == Token::Zero);
                    if let Some(digits) = &mut section.exponent {
                        *digits += zero;
                    } else if after_point {
                        section.most += 1;
                        if zero == 1 {
                            section.least = section.most;
                        }
                    } else {
                        seen += 1;
                        section.whole = if section.whole > 0 { section.whole + 1 } else { zero };
                    }
                }
                Token::Point if section.exponent.is_none() => after_point = true,
                Token::Comma => {
                    if last.is_none_or(|last| at > last) {
                        section.scale -= 3;
                    }
                }
                Token::Percent => {
                    section.scale += 2;
                    section.after.push('%');
                }
                Token::Exponent => section.exponent = Some(0),
                Token::Condition(condition) => section.condition = Some(*condition),
                Token::General if !section.has_digits => {
                    (section.has_digits, section.general) = (true, true);
                }
                Token::Point
                | Token::Moment(_)
                | Token::Lasting(_)
                | Token::General
                | Token::AsText
                | Token::Next => return None,
            }
        }
        if section.general && (seen > 0 || after_point || section.scale != 0) {
            return None;
        }
        if section.most > DIGITS * 2 || section.whole > MAX_PLACES {
            return None;
        }
        section.among = among.into_iter().map(|(at, text)| (seen - at, text)).collect();
        Some(section)
    }

    /// A number that is not below zero, as this part shows it.
    fn shown(&self, number: f64) -> String {
        if !self.has_digits {
            return self.before.trim().to_owned();
        }
        let digits = match self.exponent {
            _ if self.general => written_out(number),
            Some(least) => self.scientific(number, least),
            None => {
                let decimal = rounded(&scaled(&written_out(number), self.scale), self.most);
                let (whole, fraction) = decimal.split_once('.').unwrap_or((&decimal, ""));
                let whole = whole.trim_start_matches('0');
                let zeros = "0".repeat(self.whole.saturating_sub(whole.len()));
                let fraction = fraction.trim_end_matches('0');
                let filled = "0".repeat(self.least.saturating_sub(fraction.len()));
                let point = if fraction.len() + filled.len() > 0 { "." } else { "" };
                format!("{}{point}{fraction}{filled}", self.with_signs(&format!("{zeros}{whole}")))
            }
        };
        format!("{}{digits}{}", self.before, self.after).trim().to_owned()
    }

    /// Puts the signs that stand among the places of the whole part: `12.345-6`.
    fn with_signs(&self, whole: &str) -> String {
        let mut text = whole.to_owned();
        for (from_right, sign) in self.among.iter().rev() {
            let place = whole.len().saturating_sub(*from_right);
            // Signs further left are put later, so places to their left have not moved.
            if text.is_char_boundary(place) {
                text.insert_str(place, sign);
            }
        }
        text
    }

    fn scientific(&self, number: f64, least: usize) -> String {
        let text = format!("{:.*e}", self.most, number);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        format!("{mantissa}E{sign}{exponent:0>least$}")
    }
}

/// A number with the digits that a spreadsheet keeps, without an exponent: `6.1`, not
/// `6.0999999999999996`.
pub(super) fn written_out(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{:.*e}", DIGITS - 1, number);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-20..=30).contains(&exponent) {
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        return format!("{sign}{mantissa}E{exponent:+}");
    }
    format!("{sign}{}", scaled(mantissa, exponent))
}

/// A decimal number, not below zero, times ten to the power of `by`, without zeros at its end.
fn scaled(decimal: &str, by: i32) -> String {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let digits = format!("{whole}{fraction}");
    let point = i64::try_from(whole.len()).unwrap_or_default() + i64::from(by);
    let (whole, fraction) = match usize::try_from(point) {
        Ok(point) if point >= digits.len() => {
            (format!("{digits}{}", "0".repeat(point - digits.len())), String::new())
        }
        Ok(point) => {
            let (whole, fraction) = digits.split_at_checked(point).unwrap_or((&digits, ""));
            (whole.to_owned(), fraction.to_owned())
        }
        Err(_) => {
            let zeros = usize::try_from(-point).unwrap_or_default();
            (String::new(), format!("{}{digits}", "0".repeat(zeros)))
        }
    };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

/// A decimal number, not below zero, with at most so many digits after its point; a half is rounded up.
fn rounded(decimal: &str, places: usize) -> String {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let Some((kept, rest)) = fraction.split_at_checked(places).filter(|(_, rest)| !rest.is_empty())
    else {
        return decimal.to_owned();
    };
    let mut digits: Vec<u8> = whole.bytes().chain(kept.bytes()).collect();
    if rest.starts_with(|c: char| c >= '5') {
        let mut carries = true;
        for digit in digits.iter_mut().rev() {
            (*digit, carries) = if *digit == b'9' { (b'0', true) } else { (*digit + 1, false) };
            if !carries {
                break;
            }
        }
        if carries {
            digits.insert(0, b'1');
        }
    }
    let text: String = digits.iter().map(|digit| char::from(*digit)).collect();
    let (whole, fraction) = text.split_at_checked(text.len() - places).unwrap_or((&text, ""));
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

#[cfg(test)]
mod tests;
