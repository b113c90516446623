//! Events by time, counted in one ring.

use core::{fmt, time::Duration};

use lockfree_core::clock::Clock;
#[cfg(feature = "std")]
use lockfree_core::clock::MonotonicClock;

use crate::{
    error::BadBuckets,
    read::{Reading, Snapshot, Tally},
    ring::Ring,
    span::Span,
};

/// As [`EventCounter`](crate::EventCounter), in one ring that all threads share: 8 bytes a bucket,
/// however many threads there are, and no thread-locals; but a locked instruction an event, on a line
/// that moves from core to core. For many counters, few events, or no operating system.
///
/// Counts of one bucket are linearizable. What else a window is and tells is said at `EventCounter`, but
/// for one thing: while a thread is between beginning a bucket anew and putting away what its place
/// held before, totals miss that. They never count too much.
///
/// ```
/// use core::time::Duration;
/// use event_buckets::SharedEventCounter;
/// use lockfree_core::clock::ManualClock;
///
/// let clock = ManualClock::new();
/// let logins = SharedEventCounter::with_clock(Duration::from_mins(1), 60, &clock);
/// logins.increment();
/// clock.advance(Duration::from_hours(1));
/// assert_eq!((logins.count(Duration::from_hours(1)), logins.total()), (0, 1));
/// ```
#[cfg(feature = "std")]
pub struct SharedEventCounter<C = MonotonicClock> {
    ring: Ring,
    span: Span,
    clock: C,
}

/// As `EventCounter`, which needs `std`, in one ring that all threads share.
#[cfg(not(feature = "std"))]
pub struct SharedEventCounter<C> {
    ring: Ring,
    span: Span,
    clock: C,
}

#[cfg(feature = "std")]
impl SharedEventCounter {
    /// A counter over `buckets` buckets of width `bucket`, on the system's monotonic clock.
    ///
    /// # Panics
    /// There is no such thing; see [`try_new`](Self::try_new).
    pub fn new(bucket: Duration, buckets: usize) -> Self {
        Self::with_clock(bucket, buckets, MonotonicClock::new())
    }

    /// As [`new`](Self::new).
    ///
    /// # Errors
    /// The width is 0 or longer than 584 years, or the number 0 or beyond all memory.
    pub fn try_new(bucket: Duration, buckets: usize) -> Result<Self, BadBuckets> {
        Self::try_with_clock(bucket, buckets, MonotonicClock::new())
    }
}

impl<C: Clock> SharedEventCounter<C> {
    /// A counter on a clock of the caller's.
    ///
    /// # Panics
    /// There is no such thing; see [`try_with_clock`](Self::try_with_clock).
    #[track_caller]
    pub fn with_clock(bucket: Duration, buckets: usize, clock: C) -> Self {
        match Self::try_with_clock(bucket, buckets, clock) {
            Ok(counter) => counter,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`with_clock`](Self::with_clock).
    ///
    /// # Errors
    /// The width is 0 or longer than 584 years, or the number 0 or beyond all memory.
    pub fn try_with_clock(bucket: Duration, buckets: usize, clock: C) -> Result<Self, BadBuckets> {
        let span = Span::new(bucket, buckets)?;
        Ok(Self { ring: Ring::new(span.places()), span, clock })
    }

    /// Counts an event now. As [`add_at`](Self::add_at).
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts `n` events now. As [`add_at`](Self::add_at).
    #[inline]
    pub fn add(&self, n: u64) {
        self.add_at(self.span.tick(self.clock.now_nanos()), n);
    }

    /// Counts an event in bucket `tick`. As [`add_at`](Self::add_at).
    #[inline]
    pub fn increment_at(&self, tick: u64) {
        self.add_at(tick, 1);
    }

    /// Counts `n` events in bucket `tick`, without a look at the clock. Wait-free for up to 65,536
    /// events, 5 accesses at most; lock-free for more.
    ///
    /// Events whose place in the ring holds a newer bucket count there, and as [`late`](Self::late). A
    /// bucket holds 2^31 - 1 events; the rest of them are in the total, in `evicted` and in `late`.
    #[inline]
    pub fn add_at(&self, tick: u64, n: u64) {
        self.ring.add(tick, n);
    }

    fn reading(&self) -> Reading<'_, Self> {
        Reading::new(self, self.span, self.clock.now_nanos())
    }

    /// All events ever counted. Wait-free.
    pub fn total(&self) -> u64 {
        self.visit(u64::MAX, &mut |_, _| {})
    }

    /// Events that came so late that they landed in another bucket than their own, or in none.
    pub fn late(&self) -> u64 {
        self.ring.late()
    }
}

impl<C> Tally for SharedEventCounter<C> {
    fn visit(&self, first: u64, each: &mut dyn FnMut(u64, u64)) -> u64 {
        self.ring.visit(first, each)
    }

    fn newest(&self) -> Option<u64> {
        self.ring.newest()
    }
}

crate::read::readers!(SharedEventCounter);

impl<C: Clock> fmt::Debug for SharedEventCounter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::read::debug("SharedEventCounter", &self.reading(), f)
    }
}
