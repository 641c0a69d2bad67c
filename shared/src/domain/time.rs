//! Instants as the service writes them. Rules take them as arguments; use cases ask the
//! clock of their [`App`](crate::App).

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use jiff::{Timestamp, Unit};

/// Where the present instant comes from. Leases, waits and expiries are judged by it;
/// deadlines of an invocation are not, they run on the machine's monotonic clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Milliseconds that this clock is ahead of the machine's. Shared by its clones.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// The present instant.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now().as_millisecond() + self.ahead.load(Ordering::SeqCst);
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::MAX)
    }

    /// Moves this clock and its clones forward: tests jump past leases instead of waiting.
    pub fn jump(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        self.ahead.fetch_add(by, Ordering::SeqCst);
    }
}

/// RFC 3339 in UTC to the millisecond, always the same length, so that texts sort as time.
pub fn millis(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// RFC 3339 in UTC to the second, never rounded up into the future.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether a text is a place in a list by time: `{instant}#{UUID}`, or the UUID's first 16
/// digits.
pub fn is_sort_key(text: &str) -> bool {
    text.split_once('#').is_some_and(|(at, id)| {
        let half = id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
        at.parse::<Timestamp>().is_ok() && (half || uuid::Uuid::try_parse(id).is_ok())
    })
}

/// Seconds from one written instant to a later one; 0 when either is unreadable.
pub fn elapsed(from: &str, to: Timestamp) -> i64 {
    from.parse::<Timestamp>()
        .ok()
        .and_then(|from| to.since((Unit::Second, from)).ok())
        .map_or(0, |span| span.get_seconds())
}

/// Time until an invocation's deadline. An emulator may hand over none, which reads as one of
/// 1970: then as long as Lambda lets any function run.
pub fn left(deadline: SystemTime) -> Duration {
    const LONGEST: Duration = Duration::from_secs(15 * 60);
    let given = deadline > SystemTime::UNIX_EPOCH + Duration::from_secs(365 * 24 * 3600);
    match deadline.duration_since(SystemTime::now()) {
        Ok(left) => left,
        Err(_) if given => Duration::ZERO,
        Err(_) => LONGEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_of_1970_is_none() {
        let past = SystemTime::now() - Duration::from_secs(1);
        assert_eq!(left(past), Duration::ZERO);
        let minute = left(SystemTime::now() + Duration::from_secs(60));
        assert!(minute <= Duration::from_secs(60) && minute > Duration::from_secs(50));
        let none = left(SystemTime::UNIX_EPOCH + Duration::from_millis(600_000));
        assert_eq!(none, Duration::from_secs(900));
    }
}
