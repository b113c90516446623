//! The operating system's monotonic clock.

use core::time::Duration;
use std::time::Instant;

use super::Clock;

/// The operating system's monotonic clock, from `std::time::Instant`. Wait-free.
///
/// ```
/// use lockfree_core::clock::{Clock, MonotonicClock};
///
/// let clock = MonotonicClock::new();
/// let first = clock.now();
/// assert!(clock.now() >= first);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock {
    start: Instant,
}

impl MonotonicClock {
    /// Starts at 0 now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for MonotonicClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for MonotonicClock {
    #[inline]
    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}
