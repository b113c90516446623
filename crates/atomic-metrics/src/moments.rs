//! What a thread keeps of its values, as pure functions: blocks of them, and the fold that takes in one after another.
//!
//! Deviations are summed from the mean of all blocks before; blocks are taken in by the rule of Chan, Golub and
//! `LeVeque`, "Algorithms for Computing the Sample Variance", The American Statistician, 1983.

use core::array;

use crate::{
    snapshot::{Snapshot, float},
    state::BLOCK,
};

/// The least and the greatest of some values; of none, `+inf` and `-inf`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extremes {
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Extremes {
    pub(crate) const NONE: Self = Self { min: f64::INFINITY, max: f64::NEG_INFINITY };

    #[inline]
    pub(crate) const fn with(self, other: Self) -> Self {
        Self { min: least(self.min, other.min), max: greatest(self.max, other.max) }
    }
}

/// Some values of a log, at most a block, and what they come to.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    values: [f64; BLOCK],
    len: usize,
    summary: Snapshot,
}

/// How many sums run beside each other: the processor need not wait for one addition with the next.
const LANES: usize = 8;

/// What each lane's values come to: a loop that the compiler makes one of vectors.
#[inline]
fn lanes(values: &[f64], none: f64, with: impl Fn(f64, f64) -> f64) -> [f64; LANES] {
    let mut lanes = [none; LANES];
    let (rows, rest) = values.as_chunks::<LANES>();
    for row in rows {
        for (lane, value) in lanes.iter_mut().zip(row) {
            *lane = with(*lane, *value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = with(*lane, *value);
    }
    lanes
}

fn sum(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    lanes(values, 0.0, |sum, value| sum + of(value)).into_iter().sum()
}

/// The lesser, in one processor instruction: no NaN comes here whose summary counts.
#[inline]
const fn least(one: f64, other: f64) -> f64 {
    if other < one { other } else { one }
}

#[inline]
const fn greatest(one: f64, other: f64) -> f64 {
    if other > one { other } else { one }
}

/// The summary of values by their deviations from `about`.
fn summary(values: &[f64], about: f64) -> Snapshot {
    let mut all = Snapshot { sum: sum(values, |value| value), ..Snapshot::EMPTY };
    if values.is_empty() {
        return all;
    }
    all.min = lanes(values, all.min, least).into_iter().fold(all.min, least);
    all.max = lanes(values, all.max, greatest).into_iter().fold(all.max, greatest);
    let count = values.len() as u64;
    let deviation = sum(values, |value| value - about);
    let off = deviation / float(count);
    let squares = sum(values, |value| (value - about) * (value - about)) - deviation * off;
    // Rounding alone makes it less than nothing.
    let squares = if squares < 0.0 { 0.0 } else { squares };
    all.add_moments(count, about + off, squares);
    all
}

impl Block {
    /// Those of these words. `about` is better near their mean; it should be finite.
    #[inline]
    pub(crate) fn of(words: impl ExactSizeIterator<Item = u64>, about: f64) -> Self {
        // In its place from the begin, so that nothing is copied.
        let mut own = Self { values: [0.0; BLOCK], len: words.len(), summary: Snapshot::EMPTY };
        for (value, word) in own.values.iter_mut().zip(words) {
            *value = f64::from_bits(word);
        }
        own.summary = summary(own.finite(), about);
        // One value that is not finite makes the sum so.
        if !own.summary.sum.is_finite() {
            own.set_apart();
        }
        own
    }

    /// Leaves only finite values. Of the others is known how many there were.
    #[cold]
    fn set_apart(&mut self) {
        let (mut len, mut apart) = (0, Snapshot::EMPTY);
        for i in 0..self.len {
            let value = self.values[i];
            if value.is_finite() {
                self.values[len] = value;
                len += 1;
            } else {
                apart.extend([value]);
            }
        }
        self.len = len;
        let about = self.values[0];
        // Beyond all numbers on one side or the other, and not on both.
        let sum = self.finite().iter().sum();
        self.summary = Snapshot { sum, ..summary(self.finite(), about) }.merged(&apart);
    }

    /// Those that are finite, in their order.
    #[inline]
    pub(crate) fn finite(&self) -> &[f64] {
        &self.values[..self.len]
    }

    /// What they come to, those that are not finite counted.
    pub(crate) const fn summary(&self) -> &Snapshot {
        &self.summary
    }
}

/// Words of a [`Fold`].
pub(crate) const FOLD: usize = 1 + 2 * TALLY;
/// Words of a [`Tally`].
const TALLY: usize = 11;

/// What there was at a moment, and the extremes of the last part of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tally {
    pub(crate) all: Snapshot,
    /// Those of what came since the phase was entered, or since a cut that ended later.
    pub(crate) fresh: Extremes,
}

/// The blocks that were folded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fold {
    /// The phase of the block that comes next.
    pub(crate) phase: u64,
    /// All blocks.
    pub(crate) now: Tally,
    /// Those before this phase was entered.
    pub(crate) before: Tally,
}

impl Tally {
    const EMPTY: Self = Self { all: Snapshot::EMPTY, fresh: Extremes::NONE };

    fn words(&self) -> [u64; TALLY] {
        let Snapshot { count, sum, min, max, centre, squares, .. } = self.all;
        let Snapshot { nan, positive_infinite, negative_infinite, .. } = self.all;
        let floats = [sum, min, max, centre, squares, self.fresh.min, self.fresh.max];
        let [sum, min, max, centre, squares, least, greatest] = floats.map(f64::to_bits);
        let counts = [count, nan, positive_infinite, negative_infinite];
        let [count, nan, positive, negative] = counts;
        [count, sum, min, max, centre, squares, nan, positive, negative, least, greatest]
    }

    fn of(words: [u64; TALLY]) -> Self {
        let [count, sum, min, max, centre, squares, nan, positive, negative, least, greatest] =
            words;
        let floats = [sum, min, max, centre, squares, least, greatest];
        let [sum, min, max, centre, squares, least, greatest] = floats.map(f64::from_bits);
        let (positive_infinite, negative_infinite) = (positive, negative);
        let all = Snapshot {
            count,
            sum,
            min,
            max,
            nan,
            positive_infinite,
            negative_infinite,
            centre,
            squares,
        };
        Self { all, fresh: Extremes { min: least, max: greatest } }
    }
}

impl Fold {
    pub(crate) const EMPTY: Self = Self { phase: 0, now: Tally::EMPTY, before: Tally::EMPTY };

    pub(crate) fn words(&self) -> [u64; FOLD] {
        let mut words = [self.phase; FOLD];
        words[1..=TALLY].copy_from_slice(&self.now.words());
        words[1 + TALLY..].copy_from_slice(&self.before.words());
        words
    }

    pub(crate) fn of(words: [u64; FOLD]) -> Self {
        let tally = |from: usize| Tally::of(array::from_fn(|word| words[from + word]));
        Self { phase: words[0], now: tally(1), before: tally(1 + TALLY) }
    }

    /// What the deviations of the next block are best summed from, if its first value is this one.
    pub(crate) const fn about(&self, first: f64) -> f64 {
        let mean = self.now.all.centre;
        if self.now.all.count > 0 && mean.is_finite() { mean } else { first }
    }

    /// With a block more, at whose end this phase is asked for. `unreported` are the extremes of what no cut has
    /// yet, if a cut ended within the block.
    pub(crate) fn and(
        mut self,
        block: &Snapshot,
        unreported: Option<Extremes>,
        asked: u64,
    ) -> Self {
        self.now.all.merge(block);
        self.now.fresh = unreported.unwrap_or_else(|| self.now.fresh.with(block.extremes()));
        if self.phase != asked {
            self.phase = asked;
            self.before = self.now;
            self.now.fresh = Extremes::NONE;
        }
        self
    }

    /// The extremes of what came after so many records, which the last cut had; perhaps those of some more.
    pub(crate) fn fresh(&self, reported: u64) -> Extremes {
        let entered_since = reported < self.before.all.records();
        let earlier = if entered_since { self.before.fresh } else { Extremes::NONE };
        self.now.fresh.with(earlier)
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "small whole numbers are exact")]
mod tests {
    use alloc::vec::Vec;

    use super::{Block, Extremes, Fold};
    use crate::{
        snapshot::{Snapshot, float},
        state::BLOCK,
    };

    fn block(values: &[f64]) -> Block {
        Block::of(values.iter().map(|value| value.to_bits()), values[0])
    }

    fn extremes(min: f64, max: f64) -> Extremes {
        Extremes { min, max }
    }

    /// What a shard does with each block, without its atomics.
    fn all(values: &[f64]) -> Snapshot {
        let fold = |fold: Fold, values: &[f64]| {
            let about = fold.about(values[0]);
            let block = Block::of(values.iter().map(|value| value.to_bits()), about);
            fold.and(block.summary(), None, 0)
        };
        values.chunks(BLOCK).fold(Fold::EMPTY, fold).now.all
    }

    #[test]
    fn words_hold_all_of_a_fold() {
        let one = block(&[1.5, f64::NAN, -2.0, f64::INFINITY, f64::NEG_INFINITY]);
        let one = one.summary();
        let fold = Fold::EMPTY.and(one, None, 7).and(one, Some(extremes(-2.0, -1.0)), 7);
        assert_eq!((Fold::of(fold.words()), fold.phase), (fold, 7));
        assert_ne!(fold.now.all.records(), fold.before.all.records());
    }

    #[test]
    fn blocks_and_values_apart_add_up() {
        let count = 3 * BLOCK as u64 + 7;
        let other = |i: u64| if i.is_multiple_of(2) { f64::NAN } else { f64::NEG_INFINITY };
        let values: Vec<f64> = (0..count).flat_map(|i| [float(i), other(i)]).collect();
        let total = all(&values);
        let n = float(count);
        assert_eq!((total.count, total.sum), (count, n * (n - 1.0) / 2.0));
        assert_eq!((total.min, total.max), (0.0, n - 1.0));
        assert_eq!((total.nan + total.negative_infinite, total.positive_infinite), (count, 0));
        let variance = (n * n - 1.0) / 12.0;
        assert!((total.variance() / variance - 1.0).abs() < 1e-12, "{}", total.variance());
    }

    #[test]
    fn a_variance_far_from_zero_is_stable() {
        for first in [None, Some(f64::NAN)] {
            let values = [4.0, 7.0, 13.0, 16.0].map(|value| value + 1e9);
            let values: Vec<f64> = first.into_iter().chain(values).collect();
            assert_eq!(all(&values).variance(), 22.5);
        }
        // A first value far from the others is itself most of the variance.
        let values: Vec<f64> =
            core::iter::once(1e12).chain((0..5000).map(|i| f64::from(i % 10))).collect();
        let n = float(values.len() as u64);
        let mean = values.iter().sum::<f64>() / n;
        let exact = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
        let off = all(&values).variance() / exact - 1.0;
        assert!(off.abs() < 1e-11, "{off:e}");
        assert_eq!(all(&[f64::MAX; 3]).variance(), 0.0);
    }

    #[test]
    fn extremes_start_again_and_none_is_lost() {
        let summary = |values: &[f64]| *block(values).summary();
        // Nobody asks: those of all.
        let fold = Fold::EMPTY.and(&summary(&[3.0, -4.0]), None, 0).and(&summary(&[1.0]), None, 0);
        assert_eq!(fold.fresh(0), extremes(-4.0, 3.0));
        // A cut ended within a block.
        let fold = fold.and(&summary(&[9.0, 2.0]), Some(extremes(2.0, 2.0)), 0);
        assert_eq!((fold.fresh(4), fold.now.all.max), (extremes(2.0, 2.0), 9.0));
        // A cut asks, ends where its phase is entered, and is reported late.
        let fold = fold.and(&summary(&[5.0]), None, 1);
        assert_eq!(fold.before.fresh, extremes(2.0, 5.0));
        let fold = fold.and(&summary(&[7.0]), None, 1);
        assert_eq!((fold.fresh(4), fold.fresh(6)), (extremes(2.0, 7.0), extremes(7.0, 7.0)));
    }
}
