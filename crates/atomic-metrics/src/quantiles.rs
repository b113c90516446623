//! What a histogram held at a cut: a plain value.

use alloc::vec::Vec;
use core::ops::Deref;

use crate::{
    grid::Grid,
    snapshot::{Snapshot, float},
};

/// A [`Snapshot`] and the counts of buckets, which add up to its `count`.
///
/// A plain value: those of several threads, processes or machines merge, also of different precision. It
/// derefs to its summary: `snapshot.count`, `snapshot.mean()`.
///
/// ```
/// use atomic_metrics::HistogramSnapshot;
///
/// let mut all: HistogramSnapshot = [1.0, 2.0, 3.0].into_iter().collect();
/// all.merge(&[-4.0].into_iter().collect());
/// assert_eq!((all.count, all.quantile(0.0), all.quantile(1.0)), (4, -4.0, 3.0));
/// assert!((all.quantile(0.5) - 1.0).abs() <= all.relative_error());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Unchecked"))]
pub struct HistogramSnapshot {
    summary: Snapshot,
    precision: u32,
    /// Keys of buckets, growing, and how many values each has: none has 0.
    buckets: Vec<(i32, u64)>,
}

/// A range of values and how many there were in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// What is below the values in it, except that the bucket at zero has zero.
    pub above: f64,
    /// What they are at most.
    pub up_to: f64,
    /// How many there were.
    pub count: u64,
}

impl HistogramSnapshot {
    /// That of no value, with so many bits of precision.
    ///
    /// # Panics
    /// There are more than 10.
    #[must_use]
    pub fn empty(precision: u32) -> Self {
        assert!(precision <= Grid::FINEST, "at most 10 bits of precision");
        Self { summary: Snapshot::EMPTY, precision, buckets: Vec::new() }
    }

    #[cfg(feature = "std")]
    pub(crate) fn of(grid: Grid, total: crate::shard::Total<crate::buckets::Buckets>) -> Self {
        let mut buckets = Vec::new();
        for (chunk, counts) in total.counts {
            let counted = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
            buckets
                .extend(counted.map(|(bucket, count)| {
                    (grid.key(crate::grid::Place { chunk, bucket }), count)
                }));
        }
        buckets.sort_unstable_by_key(|(key, _)| *key);
        Self { summary: total.summary, precision: grid.precision(), buckets }
    }

    /// The value that a share `q` of the finite values does not exceed: that of rank ⌈q · count⌉, at least the first.
    ///
    /// Off by at most [`relative_error`](Self::relative_error) of itself, and never out of `min..=max`, which are exact: so are
    /// `quantile(0.0)` and `quantile(1.0)`. NaN if there was no finite value. It goes over the buckets.
    ///
    /// # Panics
    /// `q` is not within 0 and 1.
    pub fn quantile(&self, q: f64) -> f64 {
        assert!((0.0..=1.0).contains(&q), "a quantile is of a share between 0 and 1, not {q}");
        let Snapshot { count, min, max, .. } = self.summary;
        let rank = rank(q, count);
        match rank {
            0 => f64::NAN,
            1 => min,
            rank if rank == count => max,
            rank => {
                let mut seen = 0;
                let bucket = self.buckets.iter().find(|(_, count)| {
                    seen += count;
                    seen >= rank
                });
                bucket.map_or(max, |(key, _)| self.grid().middle(*key)).max(min).min(max)
            }
        }
    }

    /// How far a quantile may be off, as a share of it.
    pub fn relative_error(&self) -> f64 {
        0.5 / f64::from(1_u32 << self.precision)
    }

    /// The bits of precision.
    pub const fn precision(&self) -> u32 {
        self.precision
    }

    /// Count, sum, extremes and variance.
    pub const fn summary(&self) -> &Snapshot {
        &self.summary
    }

    /// The buckets that are not empty, in the order of their values.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> {
        let grid = self.grid();
        self.buckets.iter().map(move |&(key, count)| Bucket {
            above: grid.lower(key),
            up_to: grid.upper(key),
            count,
        })
    }

    /// How many values were at most `bound`: exactly, if that is the upper bound of a bucket, as powers of two are;
    /// else how many were at most the next such bound.
    pub fn at_most(&self, bound: f64) -> u64 {
        if bound.is_nan() {
            return 0;
        }
        let last = self.grid().key_of(bound.clamp(-f64::MAX, f64::MAX));
        self.buckets.iter().take_while(|(key, _)| *key <= last).map(|(_, count)| count).sum()
    }

    /// Takes in another's values. Where the precisions differ, the result has the coarser one.
    pub fn merge(&mut self, other: &Self) {
        self.summary.merge(&other.summary);
        self.coarsen(other.precision);
        let finer = other.precision - self.precision;
        let theirs = other.buckets.iter().map(|(key, count)| (key >> finer, *count));
        self.buckets = united(self.buckets.iter().copied(), theirs);
    }

    /// With no more than so many bits of precision.
    pub fn coarsen(&mut self, precision: u32) {
        if let Some(finer) = self.precision.checked_sub(precision) {
            self.precision = precision;
            let coarse = self.buckets.iter().map(|(key, count)| (key >> finer, *count));
            self.buckets = united(coarse, core::iter::empty());
        }
    }

    /// What came after an earlier snapshot of the same source.
    #[cfg(feature = "std")]
    pub(crate) fn since(&self, earlier: &Self, fresh: crate::moments::Extremes) -> Self {
        let mut before = earlier.buckets.iter().peekable();
        let newer = self.buckets.iter().map(|&(key, count)| {
            let known = before.next_if(|(other, _)| *other == key).map_or(0, |(_, count)| *count);
            (key, count - known)
        });
        let buckets = newer.filter(|(_, count)| *count > 0).collect();
        let summary = self.summary.since(&earlier.summary, fresh);
        Self { summary, precision: self.precision, buckets }
    }

    const fn grid(&self) -> Grid {
        Grid::new(self.precision)
    }
}

/// The rank of the value that a share `q` of `count` does not exceed: 0 if there is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and count")]
fn rank(q: f64, count: u64) -> u64 {
    let exact = q * float(count);
    let below = exact as u64;
    let rank = if float(below) < exact { below + 1 } else { below };
    rank.clamp(1.min(count), count)
}

/// Counts of both by key. Each is sorted; a key may come twice.
fn united(
    one: impl Iterator<Item = (i32, u64)>,
    other: impl Iterator<Item = (i32, u64)>,
) -> Vec<(i32, u64)> {
    let mut all: Vec<_> = one.chain(other).collect();
    all.sort_unstable_by_key(|(key, _)| *key);
    all.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    all
}

impl Deref for HistogramSnapshot {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.summary
    }
}

impl FromIterator<f64> for HistogramSnapshot {
    /// With 5 bits of precision.
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut all = Self::empty(5);
        let mut keys = Vec::new();
        for value in values {
            all.summary.extend([value]);
            if value.is_finite() {
                keys.push((all.grid().key_of(value), 1));
            }
        }
        all.buckets = united(keys.into_iter(), core::iter::empty());
        all
    }
}

/// What comes from outside, before it is known to hold together.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Unchecked {
    summary: Snapshot,
    precision: u32,
    buckets: Vec<(i32, u64)>,
}

#[cfg(feature = "serde")]
impl TryFrom<Unchecked> for HistogramSnapshot {
    type Error = &'static str;

    fn try_from(from: Unchecked) -> Result<Self, Self::Error> {
        let Unchecked { summary, precision, buckets } = from;
        if precision > Grid::FINEST {
            return Err("at most 10 bits of precision");
        }
        let grid = Grid::new(precision);
        let (first, last) = (grid.key_of(-f64::MAX), grid.key_of(f64::MAX));
        if !buckets.is_sorted_by(|one, next| one.0 < next.0)
            || buckets.iter().any(|(key, count)| !(first..=last).contains(key) || *count == 0)
        {
            return Err("buckets are sorted by key, and none is empty");
        }
        let counts = buckets.iter().try_fold(0_u64, |sum, (_, count)| sum.checked_add(*count));
        if counts != Some(summary.count) {
            return Err("the counts of the buckets add up to the count");
        }
        Ok(Self { summary, precision, buckets })
    }
}
