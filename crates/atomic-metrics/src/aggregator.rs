//! Count, sum, extremes, mean and variance of what many threads record.

use core::fmt;

use lockfree_core::const_unless_loom;

use crate::{cut::Core, interval::Intervals, snapshot::Snapshot};

/// Count, sum, least, greatest, mean and variance of values that threads record.
///
/// Each thread records into a log of its own with plain loads and stores, and adds up 128 values at a time, so that
/// a record costs the same at any number of threads; who reads adds up the rest. Nothing that is read is torn: count, sum, extremes and
/// variance are those of the same values. NaN and infinities are counted apart, and poison nothing.
///
/// # What a reader may conclude
///
/// A [`snapshot`](Self::snapshot) has each record that *happened before* it began, and none that begins
/// after it ended; of each thread it has the records up to one moment. Of two snapshots of a reader the
/// second has all that the first has. Nothing else becomes visible by it.
///
/// Not for signal handlers: a record that interrupts its own thread's record may tear it.
///
/// ```
/// use atomic_metrics::Aggregator;
///
/// static SIZES: Aggregator = Aggregator::new();
///
/// let threads = [1.0, -3.0].map(|size| std::thread::spawn(move || (0..1000).for_each(|_| SIZES.record(size))));
/// threads.into_iter().for_each(|thread| thread.join().unwrap());
/// let sizes = SIZES.snapshot();
/// assert_eq!((sizes.count, sizes.sum, sizes.min, sizes.max), (2000, -2000.0, -3.0, 1.0));
/// assert_eq!(sizes.mean(), -1.0);
/// assert!((sizes.variance() - 4.0).abs() < 1e-12);
/// ```
pub struct Aggregator {
    core: Core<()>,
}

impl Aggregator {
    const_unless_loom! {
        /// Without a value, and without memory on the heap yet.
        #[must_use]
        pub fn new() -> Self {
            Self { core: Core::new(()) }
        }
    }

    /// Records a value. Wait-free: 4 accesses, none of them locked; every 128th of a thread, which folds the last 128
    /// values, up to 315. A thread's first may allocate.
    ///
    /// A thread [without a slot](lockfree_core::slots#threads-without-a-slot) leases a shard for each
    /// record, with some read-modify-writes: lock-free.
    #[inline]
    pub fn record(&self, value: f64) {
        self.core.record(value);
    }

    /// A cut: all that was recorded before, untorn. Lock-free.
    ///
    /// A thread that is stopped in the middle of a record does not delay it, and that record is not in it.
    /// Allocates.
    pub fn snapshot(&self) -> Snapshot {
        self.core.snapshot().summary
    }

    /// The same in a bounded number of steps: wait-free. Allocates nothing.
    ///
    /// As a snapshot, but that a thread may fold its values at least three times in each of 16 readings of its shard:
    /// then count, sum and extremes are each of some moment of the last reading.
    /// `min <= mean() <= max` holds in any case. Disturbs nobody: writers do not notice.
    pub fn summary(&self) -> Snapshot {
        self.core.summary()
    }

    /// A reader of intervals: of what was recorded since it last read. Any number of them may read, and
    /// none takes anything from another. The first interval is all that was ever recorded.
    pub fn intervals(&self) -> Intervals<'_> {
        Intervals::new(self)
    }

    pub(crate) const fn core(&self) -> &Core<()> {
        &self.core
    }
}

impl Default for Aggregator {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Aggregator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregator").field("summary", &self.summary()).finish_non_exhaustive()
    }
}

impl Extend<f64> for &Aggregator {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.record(value));
    }
}
