//! SES: the rate at which this process hands mail over.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// Hands out moments at an even rate, from an empty bucket: a new process does not burst.
#[derive(Debug)]
pub struct RateLimiter {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl RateLimiter {
    /// A pace of so many a second.
    pub fn new(per_second: f64) -> Self {
        let interval = Duration::try_from_secs_f64(1.0 / per_second.max(0.01));
        Self { interval: interval.unwrap_or(Duration::from_secs(1)), next: Mutex::new(None) }
    }

    /// Moments of a second.
    pub fn in_a_second(&self) -> usize {
        let moments = Duration::from_secs(1).as_micros() / self.interval.as_micros().max(1);
        usize::try_from(moments).unwrap_or(usize::MAX)
    }

    /// Waits for the next moment; false when it comes only after `stop`.
    pub async fn turn(&self, stop: Instant) -> bool {
        let at = {
            let mut next = self.next.lock().await;
            let at = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
            if at >= stop {
                return false;
            }
            *next = Some(at + self.interval);
            at
        };
        if at > Instant::now() {
            tokio::time::sleep_until(at.into()).await;
        }
        true
    }
}
