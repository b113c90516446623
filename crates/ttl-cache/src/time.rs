//! What time it is for a cache, at the cost of a load.

use core::{fmt, time::Duration};
#[cfg(not(loom))]
use std::sync::OnceLock;

use lockfree_core::clock::Clock;
#[cfg(not(loom))]
use lockfree_core::clock::{CoarseClock, MonotonicClock};

use crate::state::NEVER;

/// How far the default clock of a cache may lag behind the system's, and by how much later than its
/// time to live an entry may be served: 1 ms.
pub const TICK: Duration = Duration::from_millis(1);

/// After so many readings of its own a thread looks at the system's clock.
const READINGS: u64 = 64;

/// The published time of the program, ticked by the sweeper and by who reads it often.
#[cfg(not(loom))]
pub(crate) fn published() -> &'static CoarseClock<MonotonicClock> {
    static PUBLISHED: OnceLock<CoarseClock<MonotonicClock>> = OnceLock::new();
    PUBLISHED.get_or_init(CoarseClock::new)
}

/// It publishes what it sees there only if what is published is older than this many nanoseconds: threads
/// that publish each time wait for each other.
#[cfg(not(loom))]
const LAG: u64 = 1_000_000 / 16;

pub(crate) enum Time {
    #[cfg(not(loom))]
    Published(&'static CoarseClock<MonotonicClock>),
    Own(Box<dyn Clock + Send + Sync>),
}

impl Time {
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        match self {
            #[cfg(not(loom))]
            Self::Published(clock) => clock.now_nanos(),
            Self::Own(clock) => clock.now_nanos().min(NEVER),
        }
    }

    /// A reader's part in keeping the time: each [`READINGS`]th reading of a thread.
    #[inline]
    pub(crate) fn read(&self, readings: u64) {
        if readings.is_multiple_of(READINGS) {
            self.tick();
        }
    }

    #[cold]
    #[inline(never)]
    fn tick(&self) {
        match self {
            #[cfg(not(loom))]
            Self::Published(clock) => {
                if clock.source().now_nanos().saturating_sub(clock.now_nanos()) >= LAG {
                    clock.tick();
                }
            }
            Self::Own(_) => {}
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Time").field(&Duration::from_nanos(self.now())).finish()
    }
}

/// A span in nanoseconds; what is too long never ends.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(NEVER).min(NEVER)
}
