//! The time that other nodes have too.

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use lockfree_core::clock::{Clock, MonotonicClock};

use super::{Builder, Snowflake};

/// The beginning of 2024.
const EPOCH: Duration = Duration::from_hours(24 * 19_723);

/// The time since 1970, read from the system once; from then on the monotonic clock goes on from
/// there. So it never steps back, and does not follow what others do to the system's time meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct UnixClock {
    started: Duration,
    since: MonotonicClock,
}

impl UnixClock {
    /// Reads the system's time. Before 1970 it is 0.
    #[must_use]
    pub fn new() -> Self {
        let since = MonotonicClock::new();
        Self { started: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(), since }
    }
}

impl Default for UnixClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for UnixClock {
    #[inline]
    fn now(&self) -> Duration {
        self.started + self.since.now()
    }
}

impl Snowflake<UnixClock> {
    /// Settings for ids by the time of day. Until told otherwise: the layout
    /// [`Layout::DEFAULT`](super::Layout::DEFAULT), node 0, ticks of a millisecond from the beginning
    /// of 2024 on.
    ///
    /// ```
    /// let ids = seqgen::Snowflake::unix().node(3).build()?;
    /// assert!(ids.next().unwrap() < ids.next().unwrap());
    /// # Ok::<(), seqgen::snowflake::LayoutError>(())
    /// ```
    pub fn unix() -> Builder<UnixClock> {
        Self::with_clock(UnixClock::new()).epoch(EPOCH)
    }
}
