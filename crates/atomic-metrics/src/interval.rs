//! Readers of intervals: each keeps a baseline, and nothing is ever reset.

use core::fmt;

use crate::{
    aggregator::Aggregator, buckets::Buckets, buckets::Detail, cut::Core, histogram::Histogram,
    moments::Extremes, quantiles::HistogramSnapshot, shard::Total, snapshot::Snapshot,
};

/// A place among the readers of a structure, given back in the end.
struct Place<'a, D: Detail> {
    core: &'a Core<D>,
    number: usize,
}

impl<'a, D: Detail> Place<'a, D> {
    fn new(core: &'a Core<D>) -> Self {
        Self { core, number: core.enlist() }
    }

    /// A cut, and the extremes of what is in it and not in the last one, which had so many values.
    fn take(&self, last: u64) -> (Total<D>, Extremes) {
        let (cut, fresh) = self.core.take(self.number);
        let Snapshot { min, max, .. } = cut.summary;
        let fresh = fresh.filter(|_| last > 0).unwrap_or(Extremes { min, max });
        (cut, fresh)
    }
}

impl<D: Detail> Drop for Place<'_, D> {
    fn drop(&mut self) {
        self.core.dismiss(self.number);
    }
}

/// Reads what an [`Aggregator`] got since it last did.
///
/// Counts of all intervals add up to those of a snapshot exactly; each record is in one interval. Sums add
/// up as far as additions of `f64` are exact: with whole numbers below 2^53. `min` and `max` are those of the interval's
/// values; a thread that added up its last 128 values at the very time of a reading may make them those of some
/// more, and a reader that was stopped in a cut or at its end, those of all values. The variance
/// is the difference of two cuts, good to about 16 digits of that of all that was ever recorded.
///
/// ```
/// use atomic_metrics::Aggregator;
///
/// let sizes = Aggregator::new();
/// let mut minutes = sizes.intervals();
/// sizes.record(7.0);
/// assert_eq!(minutes.take().max, 7.0);
/// sizes.record(3.0);
/// let minute = minutes.take();
/// assert_eq!((minute.count, minute.sum, minute.min, minute.max), (1, 3.0, 3.0, 3.0));
/// assert_eq!(sizes.snapshot().count, 2);
/// ```
pub struct Intervals<'a> {
    place: Place<'a, ()>,
    last: Snapshot,
}

impl<'a> Intervals<'a> {
    pub(crate) fn new(source: &'a Aggregator) -> Self {
        Self { place: Place::new(source.core()), last: Snapshot::EMPTY }
    }

    /// What was recorded since the last call. Lock-free, as a snapshot; it waits up to 100 pauses for a cut of
    /// another reader that is under way.
    #[must_use = "no other call will return this interval"]
    pub fn take(&mut self) -> Snapshot {
        let (cut, fresh) = self.place.take(self.last.count);
        let interval = cut.summary.since(&self.last, fresh);
        self.last = cut.summary;
        interval
    }

    /// All that was taken so far.
    pub const fn taken(&self) -> &Snapshot {
        &self.last
    }
}

impl fmt::Debug for Intervals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intervals").field("taken", &self.last).finish_non_exhaustive()
    }
}

/// Reads what a [`Histogram`] got since it last did: as [`Intervals`], with buckets.
pub struct HistogramIntervals<'a> {
    place: Place<'a, Buckets>,
    last: HistogramSnapshot,
}

impl<'a> HistogramIntervals<'a> {
    pub(crate) fn new(source: &'a Histogram) -> Self {
        let last = HistogramSnapshot::empty(source.precision());
        Self { place: Place::new(source.core()), last }
    }

    /// What was recorded since the last call; see [`Intervals::take`].
    #[must_use = "no other call will return this interval"]
    pub fn take(&mut self) -> HistogramSnapshot {
        let (cut, fresh) = self.place.take(self.last.count);
        let cut = HistogramSnapshot::of(self.place.core.grid(), cut);
        let interval = cut.since(&self.last, fresh);
        self.last = cut;
        interval
    }

    /// All that was taken so far.
    pub const fn taken(&self) -> &HistogramSnapshot {
        &self.last
    }
}

impl fmt::Debug for HistogramIntervals<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistogramIntervals").field("taken", &self.last).finish_non_exhaustive()
    }
}
