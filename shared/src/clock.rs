//! The clock: only this module asks the machine for the time. Rules take instants as arguments;
//! use cases ask the clock of their [`App`](crate::App).

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use jiff::Timestamp;

/// The source of the present instant. It decides leases, waits and expiries; the deadline of
/// an invocation runs on the machine's monotonic clock instead.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Milliseconds that this clock is ahead of the machine's; its clones share it.
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// Returns the present instant.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now().as_millisecond() + self.ahead.load(Ordering::SeqCst);
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::MAX)
    }

    /// Moves this clock and its clones forward, so that tests jump past leases instead of waiting.
    pub fn jump(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        self.ahead.fetch_add(by, Ordering::SeqCst);
    }
}

/// Returns the time until an invocation's deadline. An emulator without deadlines sends one of
/// 1970; the result is then 15 minutes, the longest that Lambda runs a function.
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
