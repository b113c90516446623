//! Events by time, counted in shards.

use core::{fmt, time::Duration};

use lockfree_core::{
    clock::{Clock, MonotonicClock},
    slots::{self, PerSlot},
};

use crate::{
    error::BadBuckets,
    read::{Reading, Snapshot, Tally},
    ring::Ring,
    shard::Shard,
    span::Span,
};

/// Counts events in buckets of time: how many there were lately, in what time, and ever.
///
/// Each thread counts into a running total of its own, with a plain load and store, and notes what it
/// was when a bucket began. So nothing is moved or zeroed as time goes on: no event is lost at the
/// border of a bucket, whoever stops where, and an idle gap of any length costs nothing.
///
/// # What a window is
///
/// The present bucket, of which only a part has passed, and the whole ones before it. `count(window)`
/// takes as many as the window is buckets long, rounded up and at most the history: never one too many.
/// It so covers the window less the part of the present bucket that is still to come. `rate(window)`
/// divides by that many whole buckets. Both rise through a bucket and fall at its end;
/// [`count_interpolated`](Self::count_interpolated) and [`rate_interpolated`](Self::rate_interpolated)
/// do not: they take the window as it is, cut to the history, and of the bucket in which it begins as
/// much as lies within, as if events came evenly there.
///
/// # What a concurrent reader sees
///
/// Every event that *happened before* the read, each once, and of those that run beside it some. The
/// total never falls. Nothing else becomes visible by a count.
///
/// # Memory
///
/// 16 bytes a bucket for each thread slot, rounded up to a power of two above the number of buckets, and
/// 128 bytes; they stay for the slot's next thread. 4,095 threads at once have slots; those above share
/// one ring of 8 bytes a bucket, see [`SharedEventCounter`](crate::SharedEventCounter).
///
/// ```
/// use core::time::Duration;
/// use event_buckets::EventCounter;
/// use lockfree_core::clock::ManualClock;
///
/// let clock = ManualClock::new();
/// let events = EventCounter::with_clock(Duration::from_secs(1), 10, &clock);
/// for _ in 0..4 {
///     events.add(30);
///     clock.advance(Duration::from_secs(1));
/// }
/// events.increment();
///
/// assert_eq!(events.count(Duration::from_secs(1)), 1);
/// assert_eq!(events.count(Duration::from_secs(3)), 61);
/// assert_eq!(events.rate_interpolated(Duration::from_secs(2)), 30.5);
/// assert_eq!(events.history()[5..], [0, 30, 30, 30, 30, 1][1..]);
/// assert_eq!(events.total(), 121);
/// ```
pub struct EventCounter<C = MonotonicClock> {
    shards: PerSlot<Shard>,
    rest: Ring,
    span: Span,
    clock: C,
}

impl EventCounter {
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

impl<C: Clock> EventCounter<C> {
    /// A counter on a clock of the caller's.
    ///
    /// # Panics
    /// There is no such thing; see [`try_new`](EventCounter::try_new).
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
        Ok(Self { shards: PerSlot::new(), rest: Ring::new(span.places()), span, clock })
    }

    /// Counts an event now. Wait-free: reads the clock, and 4 accesses, none of them locked; 11 where
    /// a bucket begins. A thread's first event allocates.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts `n` events now. As [`increment`](Self::increment).
    ///
    /// If the clock has stepped back since this thread's last event, they count in the bucket of that.
    #[inline]
    pub fn add(&self, n: u64) {
        let now = self.clock.now_nanos();
        slots::with(|slot| match slot {
            Some(slot) => self.shards.get(slot).add_at_time(now, n, self.span),
            None => self.add_to_rest(self.span.tick(now), n),
        });
    }

    /// Counts an event in bucket `tick`, without a look at the clock. As [`add_at`](Self::add_at).
    #[inline]
    pub fn increment_at(&self, tick: u64) {
        self.add_at(tick, 1);
    }

    /// Counts `n` events in bucket `tick`, without a look at the clock: for an event loop that knows
    /// the time, see [`tick_of`](Self::tick_of). Wait-free: 4 accesses; 11 where a bucket begins.
    ///
    /// If this thread has counted in a newer bucket already, they count in that one, and as
    /// [`late`](Self::late) too.
    #[inline]
    pub fn add_at(&self, tick: u64, n: u64) {
        slots::with(|slot| match slot {
            Some(slot) => self.shards.get(slot).add_at(tick, n, self.span),
            None => self.add_to_rest(tick, n),
        });
    }

    #[cold]
    fn add_to_rest(&self, tick: u64, n: u64) {
        self.rest.add(tick, n);
    }

    fn reading(&self) -> Reading<'_, Self> {
        Reading::new(self, self.span, self.clock.now_nanos())
    }

    /// All events ever counted. Wait-free.
    pub fn total(&self) -> u64 {
        self.visit(u64::MAX, &mut |_, _| {})
    }

    /// Events that came late: with a tick older than their thread's newest, and so count in a newer
    /// bucket than their own; of threads without a slot also those in no bucket at all, see
    /// [`SharedEventCounter::late`](crate::SharedEventCounter::late).
    pub fn late(&self) -> u64 {
        self.shards.iter().map(Shard::late).sum::<u64>() + self.rest.late()
    }
}

impl<C> Tally for EventCounter<C> {
    fn visit(&self, first: u64, each: &mut dyn FnMut(u64, u64)) -> u64 {
        let of_shards: u64 = self.shards.iter().map(|shard| shard.visit(first, each)).sum();
        of_shards + self.rest.visit(first, each)
    }

    fn newest(&self) -> Option<u64> {
        self.shards.iter().filter_map(Shard::newest).chain(self.rest.newest()).max()
    }
}

crate::read::readers!(EventCounter);

impl<C: Clock> fmt::Debug for EventCounter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::read::debug("EventCounter", &self.reading(), f)
    }
}
