//! Instants as the service writes them. Rules take them as arguments.

use jiff::{Timestamp, Unit};

/// RFC 3339 in UTC to the millisecond, always the same length, so that texts sort as time.
pub fn millis(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// RFC 3339 in UTC to the second, never rounded up into the future.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Seconds from an instant in RFC 3339 to a later one; 0 if the text is unreadable.
pub fn elapsed(from: &str, to: Timestamp) -> i64 {
    from.parse::<Timestamp>()
        .ok()
        .and_then(|from| to.since((Unit::Second, from)).ok())
        .map_or(0, |span| span.get_seconds())
}
