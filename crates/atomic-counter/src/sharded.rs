//! A counter that each thread adds to in a word of its own.
//!
//! Sums of such counters: Rinberg and Keidar, "Intermediate Value Linearizability: A Quantitative
//! Correctness Criterion", DISC 2020.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | a cell for each thread slot | what the owners of the slot added; only the present one writes it |
//! | `rest` | what threads without a slot added |
//! | `cached.sum` | the largest sum that `sum_within` published |
//! | `cached.stamp` | 0, or 1 plus the latest time at which such a sum was begun |
//!
//! # Invariants
//!
//! * I1: the true count is the sum of the cells and `rest`, modulo 2^64.
//! * I2: `cached.sum` is at least the sum that was begun at the time in `cached.stamp`, for whoever
//!   reads the stamp first.
//!
//! # Progress and linearization
//!
//! * `add`: wait-free, 3 accesses: the cell's place, a load, a store; it linearizes at the store. A
//!   thread's first add to a counter may allocate. Without a slot: one read-modify-write.
//! * `sum`, `take_delta`: wait-free, one load for each cell and each of 16 levels of the table. With
//!   adds of 1 a sum linearizes where the true count was what it returns; with larger ones it lies
//!   between the counts at its begin and at its end.
//! * `sum_within`: lock-free (`fetch_max` is a loop on many processors); as `sum`, some time ago.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | cached | `fetch_max` of the stamp in `refresh` | load of the stamp in `sum_within` | the cached sum | `cached_sum_is_as_fresh_as_its_stamp` |
//!
//! That a cell's next owner continues from the last one's value is the edge *hand-over* of
//! [`lockfree_core::slots`]; that a new cell is seen as 0, the edge *segment* of its tables.

use core::{fmt, time::Duration};

use lockfree_core::{
    CachePadded, const_unless_loom,
    sync::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::cells::Cells;

/// A count that many threads add to and few read.
///
/// Each thread adds to a word of its own, with a plain load and store, so that adds cost the same at
/// any number of threads. A sum goes over all words. There is no `store` and no reset: a reader that
/// wants to begin anew keeps a baseline, see [`take_delta`](Self::take_delta).
///
/// # What a sum tells
///
/// * It counts each add that *happened before* it began, and of the adds that run beside it some: it
///   lies between the counts at its begin and at its end (*intermediate value linearizable*, Rinberg
///   and Keidar, DISC 2020).
/// * Where every add is an `increment`, the count went through each value between these two, so the
///   sum is one that the counter really had at a moment while it was taken: it is *linearizable*. With
///   adds of more than 1 it may be one that the counter never had.
/// * Sums of one reader, and of readers that synchronize, never go back. (Until 2^64: it wraps.)
/// * An add by a thread that does not synchronize with the reader may stay unseen for as long as the
///   processor holds back a store: not for long, but "before" above means *happened before*.
/// * Nothing else becomes visible by a sum: the accesses are relaxed.
///
/// Not to be used from signal handlers: an add that interrupts its own thread's add is lost.
///
/// ```
/// use atomic_counter::ShardedCounter;
///
/// static EVENTS: ShardedCounter = ShardedCounter::new();
///
/// let workers: Vec<_> = (0..4)
///     .map(|_| std::thread::spawn(|| (0..1000).for_each(|_| EVENTS.increment())))
///     .collect();
/// workers.into_iter().for_each(|worker| worker.join().unwrap());
/// assert_eq!(EVENTS.sum(), 4000);
/// ```
pub struct ShardedCounter {
    cells: Cells,
    cached: CachePadded<Cached>,
}

struct Cached {
    sum: AtomicU64,
    stamp: AtomicU64,
}

impl ShardedCounter {
    const_unless_loom! {
        /// A count of 0, which allocates nothing yet.
        pub fn new() -> Self {
            let cached = Cached { sum: AtomicU64::new(0), stamp: AtomicU64::new(0) };
            Self { cells: Cells::new(), cached: CachePadded::new(cached) }
        }
    }

    /// Adds 1. Wait-free: 3 accesses, none of them locked. A thread's first add may allocate.
    #[inline]
    pub fn increment(&self) {
        self.cells.add(1);
    }

    /// Adds `n`. Wait-free: 3 accesses, none of them locked. A thread's first add may allocate.
    #[inline]
    pub fn add(&self, n: u64) {
        self.cells.add(n);
    }

    /// Adds up what all threads added. Wait-free; see [what a sum tells](Self#what-a-sum-tells).
    pub fn sum(&self) -> u64 {
        self.cells.sum()
    }

    /// What was added since the sum in `baseline`, which becomes the present one. Wait-free.
    ///
    /// A baseline begins at 0 or at a sum of this counter. It belongs to the reader, so that readers
    /// do not disturb each other, and nothing is ever reset: deltas of one baseline add up to the sum,
    /// and each add is in exactly one of them.
    ///
    /// ```
    /// # use atomic_counter::ShardedCounter;
    /// let counter = ShardedCounter::new();
    /// let mut baseline = 0;
    /// counter.add(3);
    /// assert_eq!(counter.take_delta(&mut baseline), 3);
    /// counter.add(4);
    /// assert_eq!(counter.take_delta(&mut baseline), 4);
    /// assert_eq!(counter.take_delta(&mut baseline), 0);
    /// ```
    pub fn take_delta(&self, baseline: &mut u64) -> u64 {
        let sum = self.sum();
        sum.wrapping_sub(core::mem::replace(baseline, sum))
    }

    /// A reader with a baseline of its own, whose first delta is all that was ever added.
    pub fn delta_reader(&self) -> DeltaReader<'_> {
        DeltaReader { counter: self, baseline: 0 }
    }

    /// A sum that was begun at most `max_age` before `now`: one that another call left, or a new one.
    ///
    /// Two loads where the last one is young enough; so many readers may ask as often as they like.
    /// Lock-free. Results of one reader never go back; a [`sum`](Self::sum) may be ahead of them.
    ///
    /// All callers give `now` from one clock, read just before the call, as the time since its start;
    /// from 584 years on all times are one. Not for counters that wrap around: the largest sum wins.
    ///
    /// ```
    /// # use {atomic_counter::ShardedCounter, std::time::{Duration, Instant}};
    /// let (counter, start) = (ShardedCounter::new(), Instant::now());
    /// counter.add(3);
    /// assert_eq!(counter.sum_within(Duration::from_millis(10), start.elapsed()), 3);
    /// ```
    pub fn sum_within(&self, max_age: Duration, now: Duration) -> u64 {
        let now = nanoseconds(now);
        // Acquire [cached]: pairs with the stamp's `fetch_max` in `refresh`.
        let stamp = self.cached.stamp.load(Acquire);
        if stamp > 0 && now.saturating_sub(stamp - 1) <= nanoseconds(max_age) {
            // Relaxed: by the stamp, at least the sum that came with it.
            return self.cached.sum.load(Relaxed);
        }
        self.refresh(now)
    }

    fn refresh(&self, now: u64) -> u64 {
        let sum = self.sum();
        // Relaxed: the stamp publishes it; a later reader may have been faster.
        let sum = self.cached.sum.fetch_max(sum, Relaxed).max(sum);
        // Release [cached]: the sum is visible to who reads this stamp or a later one.
        self.cached.stamp.fetch_max(now.saturating_add(1), Release);
        sum
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Default for ShardedCounter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ShardedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardedCounter").field("sum", &self.sum()).finish_non_exhaustive()
    }
}

/// Reads a [`ShardedCounter`] in deltas: what was added since the last time.
#[derive(Clone, Debug)]
pub struct DeltaReader<'a> {
    counter: &'a ShardedCounter,
    baseline: u64,
}

impl DeltaReader<'_> {
    /// What was added since the last call. See [`ShardedCounter::take_delta`].
    #[must_use = "no other call will return this delta"]
    pub fn take(&mut self) -> u64 {
        self.counter.take_delta(&mut self.baseline)
    }

    /// The sum of all deltas taken.
    pub fn taken(&self) -> u64 {
        self.baseline
    }
}
