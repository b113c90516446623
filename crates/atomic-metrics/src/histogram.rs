//! What an aggregator keeps, and how the values are spread.

use core::fmt;

use lockfree_core::const_unless_loom;

use crate::{
    buckets::Buckets, cut::Core, grid::Grid, interval::HistogramIntervals,
    quantiles::HistogramSnapshot, snapshot::Snapshot,
};

/// An [`Aggregator`](crate::Aggregator) that also counts values by size: for quantiles.
///
/// A bucket is a value's sign, exponent and first `precision` bits of its mantissa, taken from the bits of the
/// `f64`: 2^precision buckets for each power of two, over the whole range of `f64`, of either sign. A value that
/// is read from a bucket is off by at most 2^-(precision + 1) of itself; values up to the least normal number, by
/// at most 2^-(1022 + precision). Zero is exact. The bucket of a value holds also its upper bound, so that "at
/// most this bound" is counted exactly.
///
/// What is said of an aggregator's [readers](crate::Aggregator#what-a-reader-may-conclude) holds here too, and:
/// in a snapshot the counts of the buckets add up to `count`.
///
/// # Memory
///
/// 4 KiB a thread, and a chunk of 256 · 2^precision bytes for each stretch of 16 powers of two that the thread's values
/// are in: 8 KiB at the default precision of 5.
///
/// ```
/// use atomic_metrics::Histogram;
///
/// static LATENCIES: Histogram = Histogram::new();
///
/// for microseconds in 1..=1000 {
///     LATENCIES.record(f64::from(microseconds));
/// }
/// let latencies = LATENCIES.snapshot();
/// let p99 = latencies.quantile(0.99);
/// assert!((p99 / 990.0 - 1.0).abs() <= latencies.relative_error());
/// assert_eq!((latencies.count, latencies.max), (1000, 1000.0));
/// ```
pub struct Histogram {
    core: Core<Buckets>,
}

impl Histogram {
    /// The bits of precision that [`new`](Self::new) takes: values are off by at most 1.6 %.
    pub const PRECISION: u32 = 5;
    /// The most bits of precision: values are off by at most 0.05 %.
    pub const FINEST: u32 = Grid::FINEST;

    const_unless_loom! {
        /// Without a value, and without memory on the heap yet; 5 bits of precision.
        #[must_use]
        pub fn new() -> Self {
            Self::with_precision(Self::PRECISION)
        }
    }

    const_unless_loom! {
        /// With so many bits of the mantissa, for a relative error of 2^-(bits + 1).
        ///
        /// # Panics
        /// There are more than [`FINEST`](Self::FINEST).
        #[must_use]
        pub fn with_precision(bits: u32) -> Self {
            assert!(bits <= Self::FINEST, "at most 10 bits of precision");
            Self { core: Core::new(Grid::new(bits)) }
        }
    }

    /// Records a value. Wait-free: 4 accesses, none of them locked; every 128th of a thread, which counts the last 128
    /// values in their buckets, up to 699, and 2 for each chunk that it allocates. A thread's first may allocate, too.
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
    pub fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot::of(self.core.grid(), self.core.snapshot())
    }

    /// All but the buckets, in a bounded number of steps: wait-free. See
    /// [`Aggregator::summary`](crate::Aggregator::summary).
    pub fn summary(&self) -> Snapshot {
        self.core.summary()
    }

    /// A reader of intervals. See [`Aggregator::intervals`](crate::Aggregator::intervals).
    pub fn intervals(&self) -> HistogramIntervals<'_> {
        HistogramIntervals::new(self)
    }

    /// The bits of precision.
    pub const fn precision(&self) -> u32 {
        self.core.grid().precision()
    }

    pub(crate) const fn core(&self) -> &Core<Buckets> {
        &self.core
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("precision", &self.precision())
            .field("summary", &self.summary())
            .finish_non_exhaustive()
    }
}

impl Extend<f64> for &Histogram {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.record(value));
    }
}
