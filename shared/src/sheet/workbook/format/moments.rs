//! Days, times of day and lasting times: what a number says of one.

use jiff::{ToSpan, civil::Date};

/// The day of a number. The day 60 of 1900 does not exist.
pub(super) fn day(number: f64, since_1904: bool) -> Option<String> {
    if !(0.0..3_000_000.0).contains(&number) {
        return None;
    }
    let days = number.floor() as i64;
    let first = match (since_1904, days) {
        (true, _) => Date::constant(1904, 1, 1),
        (false, 0 | 60) => return None,
        (false, 1..60) => Date::constant(1899, 12, 31),
        (false, _) => Date::constant(1899, 12, 30),
    };
    let date = first.checked_add(days.days()).ok()?;
    (date.year() <= 9999).then(|| date.to_string())
}

/// The time of a number.
pub(super) fn time(number: f64) -> String {
    let seconds = ((number.abs() % 1.0) * 86_400.0).round() as i64;
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    match seconds % 60 {
        0 => format!("{hours:02}:{minutes:02}"),
        seconds => format!("{hours:02}:{minutes:02}:{seconds:02}"),
    }
}

/// A lasting time as it is shown: `36:00` under `[h]:mm`, whose parts are `hm`. None of one below zero.
pub(super) fn lasting(number: f64, parts: &str) -> Option<String> {
    let seconds = (number * 86_400.0).round();
    if !(0.0..1e12).contains(&seconds) {
        return None;
    }
    let seconds = seconds as i64;
    let (hours, minutes) = (seconds / 3_600, seconds / 60);
    Some(match parts {
        "hms" => format!("{hours}:{:02}:{:02}", minutes % 60, seconds % 60),
        "hm" => format!("{hours}:{:02}", minutes % 60),
        "h" => hours.to_string(),
        "ms" => format!("{minutes}:{:02}", seconds % 60),
        "m" => minutes.to_string(),
        _ => seconds.to_string(),
    })
}
