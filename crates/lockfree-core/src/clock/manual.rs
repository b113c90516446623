//! A clock that stands still until it is told.

use core::{error, fmt, time::Duration};

use super::{Clock, nanos};
use crate::{
    const_unless_loom,
    sync::{AtomicU64, Ordering::Relaxed},
};

/// Shows what it was set to: the clock of tests.
///
/// Threads may set, advance and read it at once. It counts nanoseconds in a `u64` and stops at its
/// end, 584 years. Reading is wait-free in one access; setting and advancing are lock-free. It
/// orders nothing but itself: what a thread did before it advanced the clock is not thereby visible
/// to one that reads the new time.
///
/// ```
/// use core::time::Duration;
/// use lockfree_core::clock::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// clock.advance(Duration::from_secs(3));
/// assert_eq!(clock.now(), Duration::from_secs(3));
/// assert!(clock.set(Duration::from_secs(2)).is_err());
/// ```
#[derive(Debug)]
pub struct ManualClock {
    nanos: AtomicU64,
}

impl ManualClock {
    const_unless_loom! {
        /// Stands at 0.
        #[must_use]
        pub fn new() -> Self {
            Self { nanos: AtomicU64::new(0) }
        }
    }

    /// Moves it on by `step` and returns the time that it shows then.
    pub fn advance(&self, step: Duration) -> Duration {
        let step = nanos(step);
        // Relaxed: the compare-exchange checks it.
        let mut seen = self.nanos.load(Relaxed);
        loop {
            let next = seen.saturating_add(step);
            // Relaxed: coherence alone; see the module.
            match self.nanos.compare_exchange_weak(seen, next, Relaxed, Relaxed) {
                Ok(_) => return Duration::from_nanos(next),
                Err(now) => seen = now,
            }
        }
    }

    /// Sets it to `time`.
    ///
    /// # Errors
    /// It shows a later time already, and still does.
    pub fn set(&self, time: Duration) -> Result<(), StepBack> {
        let asked = nanos(time);
        // Relaxed: coherence alone; see the module.
        let shown = self.nanos.fetch_max(asked, Relaxed);
        if shown > asked {
            return Err(StepBack { shown: Duration::from_nanos(shown), asked: time });
        }
        Ok(())
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    #[inline]
    fn now(&self) -> Duration {
        Duration::from_nanos(self.now_nanos())
    }

    #[inline]
    fn now_nanos(&self) -> u64 {
        // Relaxed: coherence alone; see the module.
        self.nanos.load(Relaxed)
    }
}

/// A clock was asked to step back, and did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepBack {
    /// What it shows.
    pub shown: Duration,
    /// What it was asked to show.
    pub asked: Duration,
}

impl fmt::Display for StepBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a clock at {:?} does not step back to {:?}", self.shown, self.asked)
    }
}

impl error::Error for StepBack {}
